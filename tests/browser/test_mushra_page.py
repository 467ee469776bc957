"""A listening test in a real browser: rated with the keyboard, uncovered, and there again after a restart."""

import json

import nbformat
import pytest

from mmlearn.course.builder.notebook import METADATA

SETUP = """
from mmlearn import data
from mmlearn.course import Trial, mushra, mushra_results
from mmlearn.data import sound

rows = data.load("speech").select([5, 20])

def trial(row):
    w_T = sound.decode(row["audio"])
    opus = {f"Opus, {kbps} kbit/s": sound.decode(sound.encode(w_T, format="opus", kbps=kbps)) for kbps in (6, 24)}
    return Trial(row["transcript"], w_T, opus)

trials = [trial(row) for row in rows]
"""
CELLS = {"setup": SETUP, "test": 'mushra("toy.codecs", trials)', "after": 'print(mushra_results("toy.codecs"))'}
SLIDER = ".noUi-handle"


@pytest.fixture
def open_notebook(open_page, lab, request):
    """Opens a notebook with the cells above, and nothing rated."""
    cells = [nbformat.v4.new_code_cell(source.strip(), id=name) for name, source in CELLS.items()]
    name = f"{request.node.name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), lab.folder / "work" / name)
    (lab.folder / "work" / "ratings.json").unlink(missing_ok=True)
    return lambda: open_page(f"{lab.server}/lab/tree/work/{name}")


def kept(lab) -> list[dict]:
    content = json.loads((lab.folder / "work" / "ratings.json").read_text())
    return list(content["tests"]["toy.codecs"]["trials"].values())


def wait_for(output, text: str) -> None:
    output.get_by_text(text).first.wait_for()


def rate_all(lesson, test) -> None:
    """With the keyboard: PageUp and arrows in each slider, until the words beside it say what was reached."""
    for number in range(4):
        test.locator(SLIDER).nth(number).focus()
        lesson.page.keyboard.press("End" if number == 0 else "PageUp")
        for _ in range(number):
            lesson.page.keyboard.press("ArrowRight")
        wait_for(test, "100, excellent" if number == 0 else f"{4 + number}, bad")
        lesson.page.wait_for_timeout(500)  # a slider tells its newest place after the one before was echoed
    wait_for(test, "All sounds rated.")


def test_rated_with_the_keyboard_uncovered_and_there_again_after_a_restart(open_notebook, lab, screenshots):
    lesson = open_notebook()
    lesson.run_all()
    test = lesson.output("test")
    wait_for(test, "trial 1 of 2")
    assert test.locator("audio").count() == 5 and test.locator("img").count() == 0, "pictures would give them away"
    assert test.get_by_role("button", name="Uncover").is_disabled()
    assert "Opus" not in test.inner_text() and "anchor" not in test.inner_text()
    lesson.photograph(screenshots / "mushra-before.png")

    rate_all(lesson, test)
    assert len(kept(lab)) == 1 and not kept(lab)[0]["uncovered"]
    test.get_by_role("button", name="Uncover").press("Enter")
    wait_for(test, "low anchor")
    assert test.locator("img").count() == 4 and test.locator(SLIDER).count() == 0
    lesson.photograph(screenshots / "mushra-uncovered.png")

    test.get_by_role("button", name="Next").press("Enter")
    wait_for(test, "trial 2 of 2")
    wait_for(test, "0 of 4 sounds rated")
    rate_all(lesson, test)
    before = kept(lab)

    lesson.command("notebook:clear-all-cell-outputs")
    lesson.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    lesson.run_all()
    wait_for(test, "trial 2 of 2")
    wait_for(test, "All sounds rated.")
    assert kept(lab) == before
    test.get_by_role("button", name="Uncover").press("Enter")
    wait_for(test, "You rated the hidden reference below 90")
    assert "Mean ratings with 95 % intervals, over 2 trials" in test.locator("img").last.get_attribute("alt")
    lesson.photograph(screenshots / "mushra-summary.png")
    lesson.run("after")
    assert lesson.output("after").inner_text().count("Rating(") == 8
