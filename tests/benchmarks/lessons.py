"""Time and peak memory of *Run all*: python tests/benchmarks/lessons.py [NN ...] [--write]

Each solution notebook runs in a fresh kernel, in full and strictly. The peak is that of the largest process. `--write`
puts the rows into data/run-all.csv, from which the lessons' cards and the README take them; then run
`mmlearn build`.
"""

import argparse
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from mmlearn.course.lessons import RUNS, Run, lessons
from mmlearn.files import write_whole
from mmlearn.paths import root

RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
"""


def measure(path: Path) -> Run:
    """Run a notebook once. `ru_maxrss` never falls: each lesson needs a process of its own."""
    # A measurement is nobody's progress.
    environment = os.environ | {"MMLEARN_STRICT": "1", "MMLEARN_PROGRESS": f"{tempfile.mkdtemp()}/progress.json"}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", RUN, path], check=True, env=environment)
    return Run(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("numbers", nargs="*", metavar="NN", help="lessons to measure (default: all)")
    parser.add_argument("--write", action="store_true", help="put the rows into data/run-all.csv")
    options = parser.parse_args()
    landed = [lesson for lesson in lessons() if lesson.landed]
    if unknown := sorted(set(options.numbers) - {lesson.number for lesson in landed}):
        parser.error(f"no lesson {', '.join(unknown)}: there are {', '.join(lesson.number for lesson in landed)}")
    rows = {lesson.number: lesson.run for lesson in landed if lesson.run}
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as pool:
        for lesson in landed:
            if not options.numbers or lesson.number in options.numbers:
                rows[lesson.number] = pool.submit(measure, root() / "solutions" / lesson.file).result()
                print(f"{lesson.stem:<24}{rows[lesson.number]}", flush=True)
    if options.write:
        lines = ["lesson,seconds,gib", *(f"{n},{run.seconds:.0f},{run.gib:.2f}" for n, run in sorted(rows.items()))]
        write_whole(root() / RUNS, ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
