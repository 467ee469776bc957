"""The lessons in a real browser, as a learner meets them. Training is cut short (MMLEARN_QUICK=1)."""

import inspect
import json

import controls
import pytest

from mmlearn.course.exercise import Exercise
from mmlearn.course.lessons import lessons
from mmlearn.course.registry import exercises
from mmlearn.paths import root

LESSONS = [lesson.number for lesson in lessons() if lesson.landed]
TYPED_IN = ("01", "14")  # lessons in whose first exercise something is typed: a picture's, a sound's
READABLE = 3.0  # contrast: that of the themes' own widgets; WCAG asks it of large text and of controls


@pytest.mark.parametrize("number", LESSONS)
def test_a_lesson_runs_and_each_of_its_controls_changes_what_is_shown(number, open_lesson, lab, screenshots):
    (lab.folder / "work" / "predictions.json").unlink(missing_ok=True)
    lesson = open_lesson() if number == LESSONS[0] else open_lesson(number)  # the first one is what the start opens
    lesson.run_all()
    assert_ran_with_stand_ins(lesson)
    assert lesson.page.locator(".Toastify__toast, .jp-Dialog").all_inner_texts() == []  # no news, no questions
    lesson.photograph(screenshots / f"lesson-{number}.png")

    alive = controls.cells_with_controls(lesson)
    assert set(controls.widgets_called(lesson)) <= set(alive), "a widget is not alive"
    for cell in alive:
        if lesson.output(cell).get_by_role("button", name=controls.GUESS).count():
            controls.guess(lesson, cell)
        else:
            controls.work(lesson, cell)
            lesson.output(cell).screenshot(path=screenshots / f"lesson-{number}-{cell}.png")
    assert controls.errors(lesson) == []
    assert lesson.page.get_by_text("No guess yet.").count() == 0, "a kept guess unfolds its result"
    assert_readable_in_both_themes(lesson, alive)


def assert_ran_with_stand_ins(lesson):
    """Nothing raised, every check says that its reference stands in, and every figure is described."""
    cells = [cell for cell in lesson.notebook()["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells)
    assert controls.errors(lesson) == []
    checks = [cell["id"] for cell in cells if cell["id"].startswith("check-")]
    assert checks
    for check in checks:
        assert "reference stands in" in lesson.output(check).inner_text()
    described = controls.described(lesson)
    assert described and all(width > 0 and alt.strip() for width, alt in described)


def assert_readable_in_both_themes(lesson, cells):
    """What stands in the outputs of these cells, and in that of the first check."""
    check = next(cell["id"] for cell in lesson.notebook()["cells"] if cell["id"].startswith("check-"))
    for theme in ("Dark", "Light"):
        lesson.command("apputils:change-theme", theme=f"JupyterLab {theme}")
        for cell in (check, *cells):
            assert controls.colours_too_close(lesson, cell, READABLE) == [], (theme, cell)


@pytest.mark.parametrize("number", TYPED_IN)
def test_an_exercise_from_a_wrong_answer_to_one_that_is_there_tomorrow(number, open_lesson, lab, screenshots):
    first = exercises(number)[0]
    exercise, check = first.slug.replace(".", "-"), f"check-{first.slug.replace('.', '-')}"
    (lab.folder / "work" / "progress.json").unlink(missing_ok=True)
    lesson = open_lesson(number)
    setup = lesson.setup()
    lesson.run(setup)
    feedback = lesson.output(check)

    code, sentence = mistaken(first)
    lesson.replace(exercise, code)
    lesson.run(exercise)
    lesson.run(check)
    assert sentence in feedback.inner_text() and "reference stands in" in feedback.inner_text()
    hints = feedback.locator("details")
    assert hints.count() == len(first.hints) > 0
    for each in range(hints.count()):
        text = hints.nth(each).locator("> div")
        assert not text.is_visible(), "hints open one at a time"
        hints.nth(each).locator("> summary").press("Enter")
        assert text.is_visible()
    feedback.screenshot(path=screenshots / f"lesson-{number}-feedback.png")

    lesson.replace(exercise, solution(number, exercise))
    lesson.run(exercise)
    lesson.run(check)
    assert_everything_holds(feedback)
    kept = progress(lab)[first.slug]
    assert kept["best"] == 1.0 and kept["attempts"] == 2

    lesson.restart()
    lesson.run(setup)
    lesson.run(exercise)
    lesson.run(check)
    assert_everything_holds(lesson.output(check))
    assert progress(lab)[first.slug]["best"] == 1.0

    lesson.command("docmanager:save")
    lesson.page.reload()
    again = type(lesson)(lesson.page)
    assert solution(number, exercise) == again.text(exercise)
    assert_everything_holds(again.output(check))


def mistaken(exercise: Exercise) -> tuple[str, str]:
    """The code of a mistake that learners make, as they would write it, and the sentence that explains it."""
    mistake = exercise.misconceptions[0]
    source = inspect.getsource(mistake.code)
    code = source[source.index("def ") :].replace(f"def {mistake.name}(", f"def {exercise.name}(")
    return code.strip(), mistake.sentence.replace("`", "")


def solution(number: str, cell_id: str) -> str:
    """What the solved lesson has in this cell."""
    notebook = json.loads(next((root() / "solutions").glob(f"{number}_*.ipynb")).read_text(encoding="utf-8"))
    return next("".join(cell["source"]) for cell in notebook["cells"] if cell["id"] == cell_id)


def progress(lab) -> dict:
    return json.loads((lab.folder / "work" / "progress.json").read_text())["exercises"]


def assert_everything_holds(feedback):
    feedback.get_by_text("everything holds").first.wait_for()
    assert "reference" not in feedback.inner_text()


def test_a_cell_that_does_not_even_parse_stops_nothing(open_lesson, lab):
    lesson = open_lesson("00")
    lesson.run(lesson.setup())
    lesson.replace_line("start-mean", "raise NotImplementedError", "retrun images_BCYX.mean(dim=0)")
    lesson.run_all()
    outputs = {cell["id"]: cell.get("outputs") for cell in lesson.notebook()["cells"]}
    assert [output["ename"] for output in outputs["start-mean"]] == ["SyntaxError"]
    assert "mend it first" in lesson.output("check-start-mean").inner_text()
    assert outputs["mean-pictures"] and outputs["your-progress-code-1"]
