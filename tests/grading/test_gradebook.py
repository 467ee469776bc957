"""nbgrader's gradebook after `mmlearn grade --gradebook`: the scores, what a person has to look at, and what stays."""

import inspect
import json
import os
import re
import shutil
import sys
import textwrap
from datetime import datetime
from pathlib import Path

import pytest
from classes import ANSWER, hand_in, hand_in_to_nbgrader, notebook, solved

from mmlearn.cli import main
from mmlearn.course.builder.course import CONFIG
from mmlearn.course.grader.records import loads
from mmlearn.course.registry import answers, exercises, find

pytest.importorskip("nbgrader", reason="nbgrader is not installed")

LESSON, WRITTEN = "01_vit", "vit-advantages"
SOLVED = solved("01")
SLUGS = [exercise.slug for exercise in exercises("01")]


def cell_of(slug: str) -> str:
    return slug.replace(".", "-")


def misunderstood(slug: str, number: int) -> str:
    """The cell of a learner who has the exercise's misconception of that number."""
    exercise = find(slug)
    code = exercise.misconceptions[number % len(exercise.misconceptions)].code
    source = textwrap.dedent(inspect.getsource(code))
    source = source[re.search(r"^(def|class) ", source, re.MULTILINE).start() :]
    return source.replace(f"{code.__name__}", exercise.name, 1)


PATCHIFY = {"vit-patchify": SOLVED["vit-patchify"]}
WRONG = {"vit-patchify": misunderstood("vit.patchify", 1)}
CLASS = {
    "ann": notebook("01", {**SOLVED, WRITTEN: ANSWER}),
    "bob": notebook("01", WRONG | {WRITTEN: "<script>alert(1)</script> and [a link](javascript:alert(2))"}),
    "c++ fan": notebook("01"),
    "Иван Петров": notebook("01", PATCHIFY),
    "fay": b"no notebook",
}


def grade(course: Path, submissions: Path, *options, lesson: str = "01") -> int:
    url = f"sqlite:///{course / 'gradebook.db'}"
    out = str(course.parent / f"out-{lesson}")
    command = ["grade", str(submissions), "--lesson", lesson, "--out", out, "--gradebook", url, "--jobs", "1"]
    return main([*command, "--seed", "s", *options])


def gradebook(course: Path):
    from nbgrader.api import Gradebook

    return Gradebook(f"sqlite:///{course / 'gradebook.db'}", "mmlearn")


def scores(course: Path, student: str) -> dict[str, tuple]:
    """Automatic score, manual score and whether a person has to look, by cell."""
    with gradebook(course) as book:
        found = book.find_submission_notebook(LESSON, LESSON, student).grades
        return {grade.name: (grade.auto_score, grade.manual_score, grade.needs_manual_grade) for grade in found}


def api(course: Path):
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import PyFileConfigLoader

    return NbGraderAPI(config=PyFileConfigLoader(CONFIG, path=str(course)).load_config())


def exported(course: Path) -> dict[str, dict[str, str]]:
    """What `nbgrader export` writes of the lesson, by student."""
    import csv

    from nbgrader.plugins import CsvExportPlugin

    with gradebook(course) as book:
        CsvExportPlugin(to=str(course / "grades.csv")).export(book)
    with (course / "grades.csv").open(newline="") as file:
        return {row["student_id"]: row for row in csv.DictReader(file) if row["assignment"] == LESSON}


@pytest.fixture(scope="module", autouse=True)
def alembic_on_the_path():
    """Where nbgrader looks for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
        yield


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A course with two lessons and nobody in it."""
    course = tmp_path_factory.mktemp("empty") / "course"
    assert main(["build", "--nbgrader", str(course), "00", "01"]) == 0
    for name in ("00_start_here", LESSON):
        assert api(course).generate_assignment(name)["success"]
    return course


@pytest.fixture(scope="module")
def graded(empty, tmp_path_factory):
    """The course with a graded class; beside it the class, and what `mmlearn grade` knows of it."""
    place = tmp_path_factory.mktemp("graded")
    shutil.copytree(empty, place / "course")
    hand_in(place / "class", CLASS)
    assert grade(place / "course", place / "class") == 0
    return place


@pytest.fixture
def course(graded, tmp_path):
    """A copy of it, to be changed."""
    shutil.copytree(graded, tmp_path, dirs_exist_ok=True)
    return tmp_path / "course"


# --- scores


def test_every_exercise_has_its_score_and_only_written_answers_wait_for_a_person(graded):
    course, records = graded / "course", graded / "out-01" / "records"
    points = {cell_of(exercise.slug): float(exercise.points) for exercise in exercises("01")}
    assert scores(course, "ann") == {
        **{f"check-{cell}": (worth, None, False) for cell, worth in points.items()},
        WRITTEN: (None, None, True),
    }
    for student in ("bob", "c_fan-f5e6febc", "fay", "Иван_Петров-2b8929ba"):
        marks = {mark.slug: mark.earned for mark in loads((records / f"{student}.json").read_bytes()).marks}
        found = scores(course, student)
        for slug in SLUGS:
            assert found[f"check-{cell_of(slug)}"] == (marks.get(slug, 0), None, False), (student, slug)
        assert found[WRITTEN] == ((None, None, True) if student == "bob" else (0, None, False)), "nobody reads nothing"
    assert 0 < scores(course, "bob")["check-vit-patchify"][0] < 3 == scores(course, "ann")["check-vit-patchify"][0]


def test_what_is_not_written_says_so(graded):
    with gradebook(graded / "course") as book:
        said = {
            student: book.find_comment(WRITTEN, LESSON, LESSON, student).comment
            for student in ("ann", "bob", "c_fan-f5e6febc")
        }
    assert said == {"ann": None, "bob": None, "c_fan-f5e6febc": "No response."}


def test_names_that_no_folder_can_have_are_the_last_names(graded):
    with gradebook(graded / "course") as book:
        names = {student.id: student.last_name for student in book.students}
    assert names == {
        "ann": None, "bob": None, "fay": None, "c_fan-f5e6febc": "c++ fan", "Иван_Петров-2b8929ba": "Иван Петров",
    }  # fmt: skip
    for student in names:
        assert (graded / "course" / "autograded" / student / LESSON / f"{LESSON}.ipynb").exists()


def test_the_notebook_of_formgrader_has_code_answers_and_what_the_check_says(graded):
    import nbformat

    place = graded / "course" / "autograded"
    shown = nbformat.read(place / "bob" / LESSON / f"{LESSON}.ipynb", as_version=4)
    nbformat.validate(shown)
    cells = {cell.id: cell for cell in shown.cells}
    assert cells["vit-patchify"].source.strip() == WRONG["vit-patchify"].strip()
    (output,) = cells["check-vit-patchify"].outputs
    assert find("vit.patchify").misconceptions[1].sentence in output["data"]["text/plain"]
    assert "not written yet" in cells["check-vit-block"].outputs[0]["data"]["text/plain"]
    unread = nbformat.read(place / "fay" / LESSON / f"{LESSON}.ipynb", as_version=4)
    assert "not JSON" in next(c for c in unread.cells if c.id == "check-vit-patchify").outputs[0]["data"]["text/plain"]


def test_a_written_answer_is_text_to_formgrader(graded):
    """It shows answers as HTML, in a page that may run code in the instructor's name."""
    from nbconvert.filters import markdown2html

    from mmlearn.course.grader.gradebook import _answer

    shown = json.loads((graded / "course/autograded/bob" / LESSON / f"{LESSON}.ipynb").read_text(encoding="utf-8"))
    source = "".join(next(cell for cell in shown["cells"] if cell["id"] == WRITTEN)["source"])
    for text in (source, "# <img src=x onerror=a()>", "[x]\n\n[x]: java&#115;cript:a()", "<javascript:a()>", "`<b>`"):
        html = markdown2html(_answer(text))
        assert "a()" in html or "alert" in html or "b>" in html.replace("&gt;", ">")
        assert not re.search(r"<(script|img|a (?!class)|b>)", html), html
    assert _answer("*a* < `b[0]`, $x < y_1$ (z)") == "*a* < `b[0]`, $x < y_1$ (z)"


def test_notebook_grader_and_gradebook_give_honest_work_the_same(empty, tmp_path):
    """Students with one misconception each, and one who has none, in the notebook's own check and here."""
    exercise = find("start.mean")
    codes = {f"m{n}": misunderstood("start.mean", n) for n in range(len(exercise.misconceptions))}
    codes |= {"right": solved("00")["start-mean"]}
    shutil.copytree(empty, tmp_path / "course")
    hand_in(tmp_path / "class", {name: notebook("00", {"start-mean": code}) for name, code in codes.items()})
    assert grade(tmp_path / "course", tmp_path / "class", lesson="00") == 0
    checked, marked, kept = {}, {}, {}
    with gradebook(tmp_path / "course") as book:
        for student, code in codes.items():
            exec("from torch import Tensor\n" + code, scope := {})
            checked[student] = exercise.grade(scope["mean_picture"]).score
            (mark,) = loads((tmp_path / "out-00" / "records" / f"{student}.json").read_bytes()).marks
            marked[student] = mark.score
            kept[student] = book.find_grade("check-start-mean", "00_start_here", "00_start_here", student).auto_score
    assert marked == checked and len(set(checked.values())) > 2
    assert kept == {student: round(score * exercise.points, 2) for student, score in checked.items()}


# --- what a person did


def give(course: Path, student: str, cell: str, points: float) -> None:
    """A person's score, as formgrader enters it."""
    with gradebook(course) as book:
        grade = book.find_grade(cell, LESSON, LESSON, student)
        grade.manual_score, grade.needs_manual_grade = points, False
        book.db.commit()


def test_a_persons_score_stays_and_is_looked_at_again_only_where_something_changed(course):
    submissions = course.parent / "class"
    give(course, "ann", WRITTEN, 3)
    give(course, "c_fan-f5e6febc", WRITTEN, 1)
    give(course, "bob", "check-vit-patchify", 2.5)
    before = scores(course, "bob"), scores(course, "ann"), scores(course, "c_fan-f5e6febc")
    emptied = notebook("01", {WRITTEN: " \n"})  # as little as the text that asks for an answer
    hand_in(submissions, {"c++ fan": emptied})
    for _ in range(2):
        assert grade(course, submissions) == 0
        assert (scores(course, "bob"), scores(course, "ann"), scores(course, "c_fan-f5e6febc")) == before

    hand_in(submissions, {"ann": notebook("01", {**PATCHIFY, WRITTEN: ANSWER + " And more."})})
    hand_in(submissions, {"bob": notebook("01", PATCHIFY)})
    assert grade(course, submissions) == 0
    assert scores(course, "ann")[WRITTEN] == (None, 3, True), "the answer is another one"
    assert scores(course, "ann")["check-vit-block"] == (0, None, False)
    assert scores(course, "bob")["check-vit-patchify"] == (3, 2.5, True), "the score is another one"
    assert exported(course)["bob"]["raw_score"] == "2.5", "a person's score counts"
    assert grade(course, submissions) == 0
    assert scores(course, "ann")[WRITTEN] == (None, 3, True), "until a person has looked"
    with gradebook(course) as book:
        assert len(book.assignment_submissions(LESSON)) == len(CLASS), "a second notebook takes the first one's place"


def test_a_damaged_graded_notebook_is_made_anew_and_its_answer_looked_at(course):
    give(course, "ann", WRITTEN, 3)
    (course / "autograded" / "ann" / LESSON / f"{LESSON}.ipynb").write_text("{")
    assert grade(course, course.parent / "class") == 0
    assert scores(course, "ann")[WRITTEN] == (None, 3, True)
    assert json.loads((course / "autograded" / "ann" / LESSON / f"{LESSON}.ipynb").read_text(encoding="utf-8"))["cells"]


# --- late, missing


def test_late_is_what_nbgrader_calls_late_and_the_courses_rule_penalises(empty, tmp_path):
    course = tmp_path / "course"
    shutil.copytree(empty, course)
    with (course / CONFIG).open("a") as settings:
        settings.write('c.LateSubmissionPlugin.penalty_method = "zero"\n')
    with gradebook(course) as book:
        book.update_or_create_assignment(LESSON, duedate=datetime(2026, 3, 1, 12))
        book.add_student("missing")
    handed_in = {
        "early": (notebook("01", PATCHIFY), "2026-03-01 11:59:59.5 UTC"),
        "late": (notebook("01", PATCHIFY), "2026-03-01 13:00:00 UTC"),
        "abroad": (notebook("01", PATCHIFY), "2026-03-01 14:30:00 +03:00"),
        "A.Lee@uni": (notebook("01"), "2026-03-01 10:00:00 UTC"),
    }
    submitted = hand_in_to_nbgrader(course, "01", handed_in)
    assert grade(course, course) == 0
    with gradebook(course) as book:
        late = {each: book.find_submission(LESSON, each).total_seconds_late for each in handed_in}
    assert late == {"early": 0, "late": 3600, "abroad": 0, "A.Lee@uni": 0}, "users of a hub keep their names"
    found = exported(course)
    total = {each: float(found[each]["score"]) for each in found}
    assert total == {"early": 3, "late": 0, "abroad": 3, "A.Lee@uni": 0, "missing": 0}
    assert float(found["late"]["raw_score"]) == float(found["late"]["late_submission_penalty"]) == 3

    hand_in_to_nbgrader(course, "01", {"late": (notebook("01", PATCHIFY), "2026-03-01 11:00:00 UTC")})
    assert grade(course, submitted) == 0
    again = exported(course)["late"]
    assert float(again["score"]) == 3 and float(again["late_submission_penalty"] or 0) == 0, "handed in again, in time"

    for step in (api(course).generate_feedback, api(course).release_feedback):
        outcome = step(LESSON)
        assert outcome["success"], outcome
    assert len(list((course / "exchange" / "mmlearn" / "feedback").iterdir())) == len(handed_in)


# --- nbgrader's own commands


def test_nbgraders_feedback_shows_our_messages_the_code_and_the_rubric(graded, tmp_path):
    course = tmp_path / "course"
    shutil.copytree(graded / "course", course)
    with gradebook(course) as book:
        grade_ = book.find_grade(WRITTEN, LESSON, LESSON, "bob")
        grade_.manual_score, grade_.needs_manual_grade = 2, False
        book.find_comment(WRITTEN, LESSON, LESSON, "bob").manual_comment = "Say what is built in."
        book.db.commit()
    outcome = api(course).generate_feedback(LESSON, "bob")
    assert outcome["success"], outcome
    page = (course / "feedback" / "bob" / LESSON / f"{LESSON}.html").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]*>", "", page)
    assert "mmlearn-check" in page and find("vit.patchify").properties[0].text in text
    assert "Say what is built in." in text
    (answer,) = answers("01")
    assert all(line in text for _, line in answer.rubric)
    assert "<script>alert(1)" not in page


def test_export_has_the_whole_class(graded):
    found = exported(graded / "course")
    assert {each: float(row["score"]) for each, row in found.items()} == {
        "ann": 24, "bob": pytest.approx(scores(graded / "course", "bob")["check-vit-patchify"][0]),
        "c_fan-f5e6febc": 0, "fay": 0, "Иван_Петров-2b8929ba": 3,
    }  # fmt: skip
    assert {row["max_score"] for row in found.values()} == {"28.0"}


# --- what stands in the way


def test_a_gradebook_that_does_not_fit_is_refused_in_one_sentence_before_anything_is_marked(empty, tmp_path, capsys):
    from nbgrader.api import Gradebook

    submissions = hand_in(tmp_path / "class", {"ann": CLASS["ann"]})
    (tmp_path / "letter.db").write_text("dear " * 300)
    with Gradebook(f"sqlite:///{tmp_path / 'bare.db'}", "mmlearn"):
        pass
    shutil.copytree(empty, tmp_path / "course")
    with gradebook(tmp_path / "course") as book:
        book.find_graded_cell("check-vit-block", LESSON, LESSON).max_score = 9
        book.db.commit()
    for url, sentence in {
        "gradebook.db": "named by a URL, such as sqlite:///gradebook.db",
        f"sqlite:///{tmp_path / 'none.db'}": "there is no gradebook",
        f"sqlite:///{tmp_path / 'letter.db'}": "cannot be used",
        f"sqlite:///{tmp_path / 'bare.db'}": "has no assignment 01_vit: run `nbgrader generate_assignment 01_vit`",
        f"sqlite:///{tmp_path / 'course' / 'gradebook.db'}": "has other exercises or points than this course",
        "nosuch://here/x": "cannot be used",
    }.items():
        out = tmp_path / "out"
        assert main(["grade", str(submissions), "--lesson", "01", "--out", str(out), "--gradebook", url]) == 1
        said = capsys.readouterr()
        assert sentence in said.err and said.err.count("\n") == 1 and "to mark" not in said.out, (url, said.err)
        assert not (out / "records").exists()
