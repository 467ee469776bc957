"""`mmlearn new`: what it refuses, what it writes, and how it adds to the registries."""

import shutil
import subprocess
import sys

import pytest

from mmlearn.cli import main
from mmlearn.course.builder.new import FILES, GLOSSARY, REGISTRY, new, with_entry
from mmlearn.course.lessons import lessons
from mmlearn.paths import root

NEXT = f"{len(lessons()):02}"
LONGEST = max((lesson for lesson in lessons() if not lesson.landed), key=lambda lesson: len(lesson.name))
SHORTEST = min((lesson for lesson in lessons() if not lesson.landed), key=lambda lesson: len(lesson.name))
WORDS = """from mmlearn.course.terms import Term

TERMS = (
    Term("axis", "00", "A direction."),
    Term("zero", "00", "Nothing."),
)
"""
TUPLE = 'X = 1\nTERMS = (\n    Term("axis", 1),\n    Term(\n        "Class",\n        2,\n    ),\n)\nY = 2\n'


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder with as much of the course as the command looks at."""
    (tmp_path / "data" / "emoji").mkdir(parents=True)
    for file in (REGISTRY, "pyproject.toml", "solutions/ruff.toml"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root() / file, tmp_path / file)
    (tmp_path / GLOSSARY).write_text(WORDS)
    monkeypatch.setenv("MMLEARN_ROOT", str(tmp_path))
    return tmp_path


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("example", "is no lesson's name: two digits, then _ and a word"),
        (f"{NEXT}_Example", "is no lesson's name"),
        (f"{NEXT}_class", "is no lesson's name"),
        ("1_example", "such as 21_example"),
        ("02_example", "lesson 02 is planned as 02_clip: mmlearn new 02_clip"),
        ("77_tried", f"lessons are numbered without gaps: the next is {NEXT}_tried"),
        (f"{NEXT}_vit", "a lesson is called vit already"),
        ("../21_example", "is no lesson's name"),
    ],
)
def test_a_name_that_cannot_be_is_refused(course, capsys, name, said):
    before = contents(course)
    assert main(["new", name]) == 1
    assert said in capsys.readouterr().err
    assert contents(course) == before


def test_a_lesson_that_is_here_is_refused(course, capsys):
    (course / "lessons").mkdir()
    (course / "lessons" / "01_vit.ipynb").write_text("{}")
    assert main(["new", "01_vit"]) == 1
    assert f"lesson 01 is there already: 01_vit. The next is {NEXT}_vit" in capsys.readouterr().err


@pytest.mark.parametrize("file", FILES.values())
def test_nothing_is_written_where_one_file_is_taken(course, file):
    taken = course / file.replace("NN", NEXT).replace("NAME", "tried")
    taken.parent.mkdir(parents=True, exist_ok=True)
    taken.write_text("mine")
    before = contents(course)
    with pytest.raises(ValueError, match=f"{taken.name} is there already: nothing was written"):
        new(f"{NEXT}_tried")
    assert contents(course) == before


def test_a_lesson_beyond_the_plan_is_registered(course):
    before = contents(course)
    said = new(f"{NEXT}_two_words")
    after = contents(course)
    written = {path.replace("NN", NEXT).replace("NAME", "two_words") for path in FILES.values()}
    assert after.keys() - before.keys() == written
    assert {path for path in before if before[path] != after[path]} == {REGISTRY, GLOSSARY}
    assert all(path in said for path in (*written, REGISTRY, GLOSSARY))
    assert f"mmlearn experiment two-words-cells\n  mmlearn build --execute {NEXT}" in said
    assert f'\n    Lesson("{NEXT}", "two_words", "Two words", "{lessons()[-1].part}", ("00",)),\n)' in (
        after[REGISTRY].decode()
    )
    assert f'A direction."),\n    Term("cell", "{NEXT}", ' in after[GLOSSARY].decode()


@pytest.mark.parametrize("lesson", [LONGEST, SHORTEST], ids=lambda lesson: lesson.name)
def test_a_planned_lesson_keeps_its_entry_and_the_code_is_formatted(course, lesson):
    before = contents(course)
    new(lesson.stem)
    assert contents(course)[REGISTRY] == before[REGISTRY]
    assert f"# # {lesson.number} · {lesson.title}\n" in (course / "solutions" / f"{lesson.stem}.py").read_text("utf-8")
    ours = ["--config", 'lint.isort.known-first-party = ["mmlearn"]']  # the rest of the package is not here
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, *ours, "."]
        done = subprocess.run(ruff, cwd=course, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_an_entry_is_put_in_its_order():
    first, middle, last = '    Term("an", 0),', '    Term("batch", 0),', '    Term("zero", 0),'
    assert with_entry(TUPLE, "TERMS", "an", first) == TUPLE.replace("(\n    Term", f"(\n{first}\n    Term", 1)
    assert with_entry(TUPLE, "TERMS", "batch", middle) == TUPLE.replace("    Term(\n", f"{middle}\n    Term(\n")
    assert with_entry(TUPLE, "TERMS", "zero", last) == TUPLE.replace("    ),\n", f"    ),\n{last}\n")


def test_an_entry_that_is_there_stays():
    assert with_entry(TUPLE, "TERMS", "Class", '    Term("Class", 3),') == TUPLE


def test_an_entry_without_a_list_is_told():
    with pytest.raises(ValueError, match="no list of entries is called WORDS: add this one by hand"):
        with_entry(TUPLE, "WORDS", "at", "...")
