"""Time and peak memory of *Run all*: python tests/benchmarks/lessons.py [NN ...]

Each solution notebook runs in a fresh kernel, in full and strictly. The peak is that of the largest process.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time

from mmlearn.paths import root

# A measurement is nobody's progress.
ENVIRONMENT = os.environ | {"MMLEARN_STRICT": "1", "MMLEARN_PROGRESS": f"{tempfile.mkdtemp()}/progress.json"}
RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
"""


def main(numbers: list[str]) -> None:
    """Print a row a lesson. `ru_maxrss` never falls, so each lesson is measured in a process of its own."""
    if len(numbers) == 1:
        (path,) = (root() / "solutions").glob(f"{numbers[0]}_*.ipynb")
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", RUN, path], check=True, env=ENVIRONMENT)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        print(f"{path.stem:<24}{time.perf_counter() - start:6.0f} s {peak:6.2f} GiB", flush=True)
        return
    for number in numbers or sorted(path.name[:2] for path in (root() / "solutions").glob("[0-9][0-9]_*.ipynb")):
        subprocess.run([sys.executable, __file__, number], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
