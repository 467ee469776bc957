"""Grading speed: python tests/benchmarks/grading.py [--class 100] [--nbgrader 3]

The same correct submissions of lesson 01, graded in one run by `mmlearn grade` and by `nbgrader autograde`. nbgrader
executes whole notebooks, so it gets fewer of them, in quick mode, in which training is cut short. Its time is that
of `autograde` alone. Ours is the whole command: two of its seconds start Python and the sandboxes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mmlearn.course.lessons import find
from mmlearn.course.registry import exercises
from mmlearn.files import write_whole
from mmlearn.paths import root

LESSON = find("01")
BIN = Path(sys.executable).parent


def submission(student: str) -> bytes:
    """The solution as a student would have written it: no markers, and a comment of their own."""
    notebook = json.loads((root() / "solutions" / LESSON.file).read_text(encoding="utf-8"))
    own = {exercise.slug.replace(".", "-") for exercise in exercises(LESSON.number)}
    for cell in notebook["cells"]:
        if cell["id"] in own:
            lines = [line for line in "".join(cell["source"]).split("\n") if "### " not in line]
            cell["source"] = "\n".join([*lines, f"# {student}"])
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    return json.dumps(notebook).encode()


def timed(*command: str, folder: Path) -> float:
    """Seconds of a command; it must succeed."""
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "MMLEARN_QUICK": "1"}
    start = time.perf_counter()
    ended = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=folder, env=environment, capture_output=True, text=True
    )
    if ended.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{ended.stdout}{ended.stderr}")
    return time.perf_counter() - start


def ours(folder: Path, count: int, jobs: int) -> float:
    """Seconds of `mmlearn grade` for a class."""
    for number in range(count):
        write_whole(folder / "class" / f"student{number:03}.ipynb", submission(f"student{number:03}"))
    command = ["mmlearn", "grade", "class", "--lesson", LESSON.number, "--out", "graded", "--jobs", str(jobs)]
    seconds = timed(*command, folder=folder)
    print((folder / "graded" / "report.md").read_text(encoding="utf-8").split("## Exercises")[0])
    return seconds


def nbgraders(folder: Path, count: int) -> float:
    """Seconds of `nbgrader autograde` for the first of the same class."""
    timed("mmlearn", "build", "--nbgrader", str(folder / "course"), folder=folder)
    course = folder / "course"
    timed("nbgrader", "generate_assignment", LESSON.stem, folder=course)
    for number in range(count):
        place = course / "submitted" / f"student{number:03}" / LESSON.stem / LESSON.file
        write_whole(place, submission(f"student{number:03}"))
    return timed("nbgrader", "autograde", LESSON.stem, "--ExecutePreprocessor.timeout=600", folder=course)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--class", dest="count", type=int, default=100, help="submissions for ours (default: 100)")
    parser.add_argument("--nbgrader", type=int, default=3, help="submissions for nbgrader's, 0 for none (default: 3)")
    parser.add_argument("--jobs", type=int, default=2, help="of ours (default: 2); nbgrader has one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds = ours(Path(folder), options.count, options.jobs)
        rate = 60 * options.count / seconds
        print(f"mmlearn grade       {options.count:>4} submissions  {seconds:>6.0f} s  {rate:>6.1f} a minute")
        if options.nbgrader:
            seconds = nbgraders(Path(folder), options.nbgrader)
            theirs = 60 * options.nbgrader / seconds
            print(f"nbgrader autograde  {options.nbgrader:>4} submissions  {seconds:>6.0f} s  {theirs:>6.1f} a minute")
            print(f"ratio               {rate / theirs:.0f}")


if __name__ == "__main__":
    main()
