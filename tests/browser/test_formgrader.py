"""nbgrader's formgrader in a real JupyterLab: a graded class is there, and a person marks a written answer in it."""

import os
import sys
from pathlib import Path

import pytest
from servers import served

from mmlearn.cli import main
from mmlearn.course.registry import answers
from mmlearn.paths import root

Gradebook = pytest.importorskip("nbgrader.api", reason="nbgrader is not installed").Gradebook
sys.path.append(str(root() / "tests" / "grading"))
from classes import ANSWER, hand_in, notebook, solved  # noqa: E402

LESSON, WRITTEN = "01_vit", "vit-advantages"
SUMMED = "def patchify(images_BCYX, patch_size):\n    return images_BCYX.sum(dim=1)\n"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """An nbgrader course with a graded class of two."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import PyFileConfigLoader

    place = tmp_path_factory.mktemp("formgrader")
    course = place / "course"
    right = {"vit-patchify": solved("01")["vit-patchify"]}
    hand_in(place / "class", {"ann": notebook("01", right)})
    hand_in(place / "class", {"bob": notebook("01", {"vit-patchify": SUMMED, WRITTEN: ANSWER})})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join([str(BIN), os.environ["PATH"]]))  # nbgrader looks for alembic there
        assert main(["build", "--nbgrader", str(course), "01"]) == 0
        api = NbGraderAPI(config=PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config())
        assert api.generate_assignment(LESSON)["success"]
        url = f"sqlite:///{course / 'gradebook.db'}"
        command = ["grade", str(place / "class"), "--lesson", "01", "--out", str(place / "out"), "--gradebook", url]
        assert main([*command, "--jobs", "1"]) == 0
    return course


@pytest.fixture(scope="module")
def jupyter(browser, course):
    """`jupyter lab` in the course's folder, as an instructor starts it; its address."""
    home = course.parent / "home"
    home.mkdir()
    command = [BIN / "jupyter", "lab", "--no-browser", "--port", "0", "--allow-root", "--ip", "localhost"]
    with served(command, course, home, PATH=os.pathsep.join([str(BIN), os.environ["PATH"]])) as address:
        yield address


@pytest.fixture
def page(browser, jupyter):
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(jupyter, timeout=60_000)
    yield page
    context.close()


def test_a_person_finds_the_class_and_marks_a_written_answer(page, course, screenshots):
    page.locator(".lm-MenuBar-itemLabel", has_text="Nbgrader").click()
    page.locator(".lm-Menu-item", has_text="Formgrader").first.click()
    frame = page.frame_locator("iframe").first
    frame.locator("td.name", has_text=LESSON).wait_for()
    page.screenshot(path=screenshots / "formgrader-assignments.png")

    frame.locator("a", has_text="Manual Grading").first.click()
    frame.locator(f"td.name a[href$='/gradebook/{LESSON}']").click()  # the assignment, then its one notebook
    frame.locator(f"td.name a[href$='/gradebook/{LESSON}/{LESSON}']").click()
    bob = frame.locator("tr", has=frame.locator("a.name-shown", has_text="bob"))
    bob.wait_for()
    assert frame.locator("td.name").count() == 2, "the class"
    waiting = frame.locator("td.needs-manual-grade:has(.glyphicon-ok)")
    assert waiting.count() == 1 and bob.locator(waiting).count() == 1, "ann has written nothing that a person reads"
    page.screenshot(path=screenshots / "formgrader-class.png")
    bob.locator("a:visible").click()

    answer = frame.locator(".nbgrader_cell", has=frame.locator(f"#{WRITTEN}"))
    answer.wait_for()
    code = frame.locator(".nbgrader_cell", has=frame.locator("#vit-patchify-comment"))
    assert "return images_BCYX.sum(dim=1)" in code.inner_text(), "the learner's own code"
    said = frame.locator(".mmlearn-check", has_text="vit.patchify")
    assert "0 of 7 properties hold" in said.inner_text() and "expected a float32 tensor" in said.inner_text()
    assert "not written yet" in frame.locator(".mmlearn-todo", has_text="vit.block").inner_text()
    assert answer.locator(".text_cell_render em").inner_text() == "convolution", "the answer, set as Markdown"
    for _, line in answers("01")[0].rubric:
        assert frame.locator("li", has_text=line).is_visible(), "the rubric lies open beside the answer"
    for name, element in {"code": said, "answer": answer}.items():
        element.evaluate("element => element.scrollIntoView({block: 'center'})")
        page.screenshot(path=screenshots / f"formgrader-{name}.png")

    box = frame.locator(f"#{WRITTEN}.needs_manual_grade")
    box.wait_for()
    box.fill("2.5")
    box.press("Tab")  # it saves what is left
    frame.locator(f"#{WRITTEN}:not(.needs_manual_grade)").wait_for()
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "mmlearn") as book:
        grade = book.find_grade(WRITTEN, LESSON, LESSON, "bob")
        assert (grade.manual_score, grade.needs_manual_grade) == (2.5, False)
