"""The bundle for a class: it works without what was left out, and gives no solution away."""

import json
import os
import subprocess
import sys

import pytest

from mmlearn.cli import main
from mmlearn.course.builder import release as building
from mmlearn.course.builder.release import MARKER
from mmlearn.paths import root

# One process for all that needs the bundle's own package: importing torch takes longer than the rest.
WITHIN = """
import contextlib, io, json, sys

def said(work):
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")  # as a terminal is, which a StringIO is not
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = work()
    out.flush()
    return code, out.buffer.getvalue().decode()

import mmlearn
from mmlearn import data
from mmlearn.cli import main
from mmlearn.course import check, hint
from mmlearn.course.registry import answers, exercises, find
from mmlearn.experiments import experiments, rows, zoo

right = find("vit.patchify").reference
print(json.dumps({
    "file": mmlearn.__file__,
    "wrong": said(lambda: check("vit.patchify", lambda x, P: x) is right),
    "right": said(lambda: check("vit.patchify", lambda x, P: right(x, P)) is right),
    "known": sum(len(exercise.misconceptions) for exercise in exercises()),
    "hint": said(lambda: hint("vit.patchify", 1)),
    "answers": len(answers("01")),
    "sets": [len(data.load(name)) for name in data.SETS],
    "rows": [len(rows(each.name)) for each in experiments()],
    "zoo": [type(zoo.load(name)).__name__ for name in zoo.names()],
    **{command: said(lambda: main(words)) for command, words in {
        "progress": ["progress"], "data": ["data", "check"],
        "build": ["build"], "new": ["new", "21_example"],
        "grade": ["grade", "submitted", "--lesson", "01", "--out", "grades"],
    }.items()},
}))
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A release of all lessons."""
    folder = tmp_path_factory.mktemp("class") / "course"
    assert main(["build", "--release", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def within(bundle, tmp_path_factory):
    """What the bundle's own package says, run in its folder."""
    left = ("MMLEARN_ROOT", "MMLEARN_STRICT", "MMLEARN_QUICK")
    environment = {name: value for name, value in os.environ.items() if name not in left}
    environment |= {"PYTHONPATH": str(bundle), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"MMLEARN_PROGRESS": str(tmp_path_factory.mktemp("mine") / "progress.json")}
    done = subprocess.run(
        [sys.executable, "-c", WITHIN], cwd=bundle, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def files(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def test_it_runs_its_own_package(within, bundle):
    assert within["file"] == str(bundle / "mmlearn" / "__init__.py")


def test_checks_and_hints_work_without_misconceptions(within):
    is_reference, text = within["wrong"]
    assert is_reference and "✗ vit.patchify" in text and "Traceback" not in text
    is_reference, text = within["right"]
    assert not is_reference and "✓ vit.patchify: everything holds" in text
    assert within["known"] == 0
    assert within["hint"][1].startswith("Hint 1 of ")
    assert within["answers"] == 1


def test_what_the_lessons_load_is_there(within):
    assert all(within["sets"]) and all(within["rows"]) and within["rows"] and within["zoo"]
    assert within["data"][0] == 0, within["data"][1]
    assert within["progress"][0] == 0, within["progress"][1]


@pytest.mark.parametrize("command", ["build", "new", "grade"])
def test_what_was_left_out_says_so_in_one_sentence(within, command):
    code, text = within[command]
    assert code == 1
    assert text == "mmlearn: this is a release for learners: only the full course can build and grade lessons\n"


def test_no_file_gives_a_solution_away(bundle):
    found = files(bundle)
    assert not [name for name in found if name.startswith(("solutions", "tests", "work", ".venv", ".git/"))]
    assert not [name for name in found if name.startswith("mmlearn/course/misconceptions")]
    for left_out in ("builder", "grader"):
        inside = [name for name in found if name.startswith(f"mmlearn/course/{left_out}")]
        assert inside == [f"mmlearn/course/{left_out}/__init__.py"]
        assert "class" not in found[inside[0]].read_text() and "def " not in found[inside[0]].read_text()
    for name, path in found.items():
        if path.suffix in (".py", ".ipynb", ".md", ".txt", ".toml", ""):
            assert "SOLUTION" not in path.read_text(encoding="utf-8"), name


def test_what_make_lab_needs_is_there_and_nothing_of_this_machine(bundle):
    found = files(bundle)
    top = {name for name in found if "/" not in name}
    assert top == {*building.FILES, "README.md", MARKER}
    folders = {name.split("/")[0] for name in found if "/" in name}
    assert folders == {"lessons", "mmlearn", "data"}
    assert not [name for name in found if "__pycache__" in name or name.endswith((".pyc", ".part", "~"))]
    ours, theirs = ({path.name: path.read_bytes() for path in place.glob("*.ipynb")} for place in (
        root() / "lessons", bundle / "lessons",
    ))  # fmt: skip
    assert ours == theirs and ours


def test_the_readme_speaks_to_learners(bundle):
    text = (bundle / "README.md").read_text(encoding="utf-8")
    assert all(word in text for word in ("make lab", "## Lessons", "## Licence", "in this folder"))
    assert not [word for word in ("make check", "make test", "clone", "solutions/", "mmlearn build") if word in text]


# --- its place, with a small course in the place of the whole


@pytest.fixture
def small(tmp_path):
    course = tmp_path / "small"
    for name, text in {
        "README.md": "# Small\n\n## Start\nIn a clone of this repository.\n\n## For contributors\nNo.\n",
        "mmlearn/a.py": "a = 1\n",
        "mmlearn/__pycache__/a.pyc": "",
        "mmlearn/course/grader/secret.py": "",
        "data/.a.parquet.x1": "",
        "data/a.csv": "a\n",
        "solutions/01_a.py": "",
    }.items():
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text(text)
    return course


def write(small, target):
    return building.write_release(small, target, [])


def test_it_holds_what_is_listed_and_no_file_by_chance(small, tmp_path):
    write(small, tmp_path / "out")
    left = [f"mmlearn/course/{name}/__init__.py" for name in ("builder", "grader")]
    assert sorted(files(tmp_path / "out")) == sorted(["README.md", MARKER, "data/a.csv", "mmlearn/a.py", *left])
    assert (tmp_path / "out" / "README.md").read_text() == "# Small\n\n## Start\nIn this folder.\n\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "small"]


def test_an_earlier_release_is_replaced_and_an_empty_folder_filled(small, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    assert write(small, out)[0].startswith("wrote ")
    (small / "mmlearn" / "a.py").rename(small / "mmlearn" / "b.py")
    assert write(small, out)[0].startswith("renewed ")
    assert (out / "mmlearn" / "b.py").exists() and not (out / "mmlearn" / "a.py").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "small"]


def test_nothing_else_is_overwritten(small, tmp_path):
    out = tmp_path / "out"
    write(small, out)
    (out / "work").mkdir()
    with pytest.raises(ValueError, match="holds work beside an earlier release"):
        write(small, out)
    with pytest.raises(ValueError, match="is not empty and no earlier release"):
        write(small, tmp_path)
    with pytest.raises(ValueError, match="is a file"):
        write(small, small / "README.md")
    with pytest.raises(ValueError, match="is inside the course"):
        write(small, small / "data" / "release")


@pytest.mark.parametrize("step", ["_made", "_put_in_place"])
def test_an_interrupted_release_leaves_nothing_and_keeps_the_old_one(small, tmp_path, monkeypatch, step):
    out = tmp_path / "out"
    write(small, out)
    before = {name: path.read_bytes() for name, path in files(out).items()}

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(building, step, interrupted)
    for target in (out, tmp_path / "new"):
        with pytest.raises(KeyboardInterrupt):
            write(small, target)
    assert {name: path.read_bytes() for name, path in files(out).items()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "small"]


def test_where_the_new_one_cannot_be_moved_the_old_one_comes_back(small, tmp_path, monkeypatch):
    out, rename = tmp_path / "out", building.Path.rename
    write(small, out)

    def refused(self, target):
        if "mmlearn" in {path.name for path in self.iterdir()} and self != out and not self.name.endswith(".old"):
            raise PermissionError("no")
        return rename(self, target)

    monkeypatch.setattr(building.Path, "rename", refused)
    with pytest.raises(PermissionError):
        write(small, out)
    assert (out / MARKER).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "small"]
