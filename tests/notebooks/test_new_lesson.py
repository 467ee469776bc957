"""What `mmlearn new` writes works at once: in a copy of the course it passes all that a real lesson must pass."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from mmlearn.course.lessons import lessons
from mmlearn.paths import root

NUMBER = f"{len(lessons()):02}"
COPIED = ("mmlearn", "data", "lessons", "solutions", "tests", "pyproject.toml")


@pytest.fixture
def run(tmp_path):
    """Run a module in a copy of the course, as `python -m` does; give what it printed."""
    for name in COPIED:
        source = root() / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    # The copy of the package comes before the installed one.
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "MMLEARN_ROOT": str(tmp_path)}

    def run(*arguments: str, **more: str) -> str:
        how = {"cwd": tmp_path, "env": environment | more, "capture_output": True, "text": True, "check": False}
        done = subprocess.run([sys.executable, *arguments], **how)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def test_a_new_lesson_works_at_once(run):
    mmlearn = ("-c", "import sys; from mmlearn.cli import main; sys.exit(main())")
    run(*mmlearn, "new", f"{NUMBER}_tried")
    run(*mmlearn, "build", NUMBER)
    assert "60 rows" in run(*mmlearn, "experiment", "tried-cells")
    run(*mmlearn, "build", "--execute", NUMBER)
    assert run(*mmlearn, "build", "--check", NUMBER) == "checked lessons: 1\n"
    # The kill matrix, one point again, each exercise left undone; and the student's notebook, cut short.
    pytest_ = ("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-k", "tried")
    tests = ("tests/exercises", "tests/experiments", "tests/notebooks/test_never_blocked.py")
    notebook = ("--nbval-lax", "--nbval-current-env", f"lessons/{NUMBER}_tried.ipynb")
    said = run(*pytest_, *tests, *notebook, MMLEARN_QUICK="1")
    assert int(re.search(r"(\d+) passed", said)[1]) > 25 and "mutants" in said and "skipped" not in said
    run("-m", "ruff", "check", ".")
    run("-m", "ruff", "format", "--check", ".")
