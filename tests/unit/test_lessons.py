"""The registry of lessons, how long each takes, and what says so: the lessons' cards and the README."""

import json
import re

import pytest

from mmlearn.course import exercises
from mmlearn.course.builder import build_lesson
from mmlearn.course.lessons import RUNS, WORDS_A_MINUTE, Lesson, Run, find, lessons, reading_minutes
from mmlearn.paths import root

LANDED = [lesson for lesson in lessons() if lesson.landed]
REGISTERED = {exercise.slug: exercise for exercise in exercises()}


def text_cell(words):
    return {"cell_type": "markdown", "source": ["word "] * words}


def first_cell(path):
    return build_lesson(path, REGISTERED, lambda name: "drawn by many hands.").student.cells[0].source


def test_the_lessons_are_numbered_without_gaps_and_named_once():
    numbers = [lesson.number for lesson in lessons()]
    assert numbers == [f"{number:02}" for number in range(len(numbers))]
    assert len({lesson.name for lesson in lessons()}) == len({lesson.title for lesson in lessons()}) == len(numbers)


def test_a_lesson_builds_on_earlier_ones_and_the_first_on_nothing():
    for lesson in lessons():
        assert all(find(need).number < lesson.number for need in lesson.needs), lesson
        assert lesson.needs or lesson is lessons()[0]


def test_parts_are_not_torn_apart():
    parts = [lesson.part for lesson in lessons()]
    changes = [part for before, part in zip([None, *parts], parts, strict=False) if part != before]
    assert len(changes) == len(set(changes))


@pytest.mark.parametrize("pattern", ["lessons/*.ipynb", "solutions/*.ipynb", "solutions/*.py"])
def test_the_files_are_those_of_the_landed_lessons(pattern):
    assert sorted(path.stem for path in root().glob(pattern)) == [lesson.stem for lesson in LANDED]


def test_every_exercise_belongs_to_a_landed_lesson():
    assert {exercise.lesson for exercise in exercises()} <= {lesson.number for lesson in LANDED}


def test_an_unknown_number_is_told_with_the_right_ones():
    with pytest.raises(ValueError, match=r"no lesson has the number '1': there are \"00\" to \"2[0-9]\""):
        find("1")


# --- time


def test_words_of_text_are_counted_and_code_and_tables_are_not():
    code = {"cell_type": "code", "source": "word " * 5000}
    table = {"cell_type": "markdown", "source": "| word " * 5000}
    notebook = {"cells": [text_cell(3 * WORDS_A_MINUTE), code, table]}
    assert reading_minutes(notebook) == 3
    assert reading_minutes({"cells": [code]}) == 1


def test_the_times_of_a_landed_lesson():
    lesson = find("00")
    assert lesson.exercising == sum(exercise.minutes for exercise in exercises("00"))
    assert lesson.reading == reading_minutes(json.loads((root() / "lessons" / lesson.file).read_text()))
    assert find("20").exercising == 0 and find("20").run is None


def test_every_landed_lesson_was_measured():
    assert all(lesson.run and lesson.run.seconds > 0 and lesson.run.gib > 0 for lesson in LANDED)
    head, *rows = (root() / RUNS).read_text().splitlines()
    assert head == "lesson,seconds,gib"
    assert [row[:2] for row in rows] == [lesson.number for lesson in LANDED]


def test_a_course_that_was_never_measured_says_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("MMLEARN_ROOT", str(tmp_path))
    (tmp_path / "data" / "emoji").mkdir(parents=True)
    assert find("01").run is None
    (tmp_path / RUNS).write_text("lesson,seconds,gib\n01,61,0.84\n")
    assert find("01").run == Run(61, 0.84) and str(find("01").run) == "61 s, 0.8 GiB"


# --- what says so


def test_a_lesson_shows_its_card_below_its_title(tmp_path, monkeypatch):
    monkeypatch.setattr(Lesson, "run", Run(61.4, 0.84))
    (tmp_path / "01_vit.py").write_text("# %% [markdown]\n# # A title\n#\n# " + "word " * (2 * WORDS_A_MINUTE) + "\n")
    own = {"start.mean": REGISTERED["start.mean"]}
    notebook = build_lesson(tmp_path / "01_vit.py", own, str).student
    title, _, head, _, row, _, text = notebook.cells[0].source.split("\n")
    assert title == "# A title" and text.startswith("word word")
    names, cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in (head, row))
    assert names[0] == "Builds on" and cells[0] == "[Start here](00_start_here.ipynb)"
    assert f"{WORDS_A_MINUTE} words a minute" in names[1] and cells[1] == "2 min"
    assert cells[2] == "0 (0 min)" and cells[3] == "61 s, 0.8 GiB"
    assert reading_minutes(notebook) == 2, "the card itself is not counted"


def test_a_card_counts_the_lessons_own_exercises():
    card = first_cell(root() / "solutions" / find("00").file.replace(".ipynb", ".py"))
    assert f"| 1 ({exercises('00')[0].minutes} min) |" in card


def test_a_lesson_that_is_not_here_is_named_and_not_linked(tmp_path, monkeypatch):
    monkeypatch.setattr(Lesson, "landed", False)
    (tmp_path / "04_dalle.py").write_text("# %% [markdown]\n# # DALL-E\n")
    built = build_lesson(tmp_path / "04_dalle.py", {}, str).student.cells[0].source
    assert "| CLIP |" in built and "not measured yet" in built


def test_a_master_that_is_not_registered_gets_no_card(tmp_path):
    (tmp_path / "01_toy.py").write_text("# %% [markdown]\n# # A toy\n#\n# Words.\n")
    assert build_lesson(tmp_path / "01_toy.py", {}, str).student.cells[0].source == "# A toy\n\nWords."


@pytest.mark.parametrize("lesson", LANDED, ids=lambda lesson: lesson.number)
def test_the_readme_agrees_with_the_registry_and_the_measurement(lesson):
    line = f"| {lesson.number} | {lesson.title} | {len(exercises(lesson.number))} | {lesson.run} |"
    assert line in (root() / "README.md").read_text(encoding="utf-8").splitlines(), line


def test_the_readme_lists_no_other_lesson_and_counts_them():
    text = (root() / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d\d) \|", text, re.M) == [lesson.number for lesson in LANDED]
    assert f"{len(LANDED)} of the {len(lessons())} planned lessons" in text
