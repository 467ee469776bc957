"""Time of `import mmlearn` beside `import torch`, in turn, as whole processes: python tests/benchmarks/imports.py"""

import statistics
import subprocess
import sys
import time

STATEMENTS = ("import torch", "import mmlearn", "import mmlearn.models.vit", "from mmlearn.course import check")
ROUNDS = 7


def seconds(statement: str) -> float:
    """Wall time of a fresh interpreter that runs one statement."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    for statement in STATEMENTS:  # the first start reads the files from disk
        seconds(statement)
    rounds = [[seconds(statement) for statement in STATEMENTS] for _ in range(ROUNDS)]
    for index, statement in enumerate(STATEMENTS):
        ratios = [times[index] / times[0] for times in rounds]
        median = statistics.median(times[index] for times in rounds)
        print(f"{statement:<36}{median:6.2f} s, {statistics.median(ratios):.2f} of torch "
              f"({min(ratios):.2f} to {max(ratios):.2f} in {ROUNDS} rounds)")  # fmt: skip


if __name__ == "__main__":
    main()
