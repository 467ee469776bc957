"""A guess in a real browser: made with the keyboard, kept, and shown beside the result, also after a restart."""

import json

import nbformat
import pytest

from mmlearn.course.builder.notebook import METADATA

ASK = """
guess = None
predict("toy.winner", "Which of the two is right more often?", ("the ViT", "the CNN", "neither"), guess)
predict("toy.share", "Of a hundred pictures, how many does the CNN get right?", range(0, 101, 5))
"""
SHOW = """
from matplotlib.figure import Figure

def bars(guess=None):
    fig = Figure(figsize=(4, 2))
    ax = fig.subplots()
    ax.barh(["ViT", "CNN"], [55, 72])
    if isinstance(guess, float):
        ax.axvline(guess, color="black")
    return fig

reveal("toy.winner", "the CNN", bars(), alt="Two bars; the CNN's is longer", text="The CNN is ahead.")
reveal("toy.share", 72.4, bars, alt="Two bars and a line at the guess")
"""
CELLS = {"setup": "from mmlearn.course import predict, reveal", "ask": ASK, "show": SHOW, "after": "1 + 1"}
FOLDED = "No guess yet."


@pytest.fixture
def open_notebook(open_page, lab, request):
    """Opens a notebook with the cells above, and no guess kept; called again, the same notebook in another window."""
    cells = [nbformat.v4.new_code_cell(source.strip(), id=name) for name, source in CELLS.items()]
    name = f"{request.node.name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), lab.folder / "work" / name)
    (lab.folder / "work" / "predictions.json").unlink(missing_ok=True)
    return lambda: open_page(f"{lab.server}/lab/tree/work/{name}")


def guesses(lab) -> dict[str, str | float]:
    file = lab.folder / "work" / "predictions.json"
    content = json.loads(file.read_text())["guesses"] if file.exists() else {}
    return {name: guess["value"] for name, guess in content.items()}


def wait_for(output, text: str) -> None:
    output.get_by_text(text).first.wait_for()


def visible_pictures(output) -> list[str]:
    pictures = output.locator("img")
    return [p.get_attribute("alt") for p in map(pictures.nth, range(pictures.count())) if p.is_visible()]


def choose_the_cnn(lesson, ask) -> None:
    """With the keyboard: the second choice, then the button. One choice alone: the kernel echoes each, later."""
    choice = ask.get_by_role("radio", name="the CNN")
    choice.focus()
    lesson.page.keyboard.press("Space")
    lesson.page.wait_for_function("() => document.querySelectorAll('input[type=radio]:checked').length === 1")
    assert choice.is_checked()
    ask.get_by_role("button", name="Keep my guess").first.focus()
    lesson.page.keyboard.press("Space")


def test_a_guess_made_with_the_keyboard_opens_the_result_and_survives_a_restart(open_notebook, lab, screenshots):
    lesson = open_notebook()
    lesson.run_all()
    ask, show = lesson.output("ask"), lesson.output("show")
    wait_for(show, FOLDED)
    assert show.locator("img").count() == 2 and visible_pictures(show) == []
    assert ask.locator("input[type=radio]:checked").count() == 0
    lesson.photograph(screenshots / "prediction-before.png")

    ask.get_by_role("button", name="Keep my guess").first.press("Enter")
    wait_for(ask, "Choose first.")
    assert guesses(lab) == {}

    choose_the_cnn(lesson, ask)
    wait_for(show, "You guessed: the CNN. Measured: the CNN. They agree.")
    assert visible_pictures(show) == ["Two bars; the CNN's is longer"], "the other result stays folded"
    assert guesses(lab) == {"toy.winner": "the CNN"}

    ask.locator(".noUi-handle").focus()
    for _ in range(11):
        lesson.page.keyboard.press("ArrowRight")
    wait_for(ask, "50")
    lesson.page.wait_for_timeout(
        1500
    )  # a slider tells the kernel its newest place only after the one before was echoed
    ask.get_by_role("button", name="Keep my guess").press("Enter")
    wait_for(show, "You guessed: 50. Measured: 72. Your guess is 22 too low.")
    assert len(visible_pictures(show)) == 2
    lesson.photograph(screenshots / "prediction-after.png")
    # No widget is left, so the saved notebook is readable without a kernel.
    outputs = [out for cell in lesson.notebook()["cells"] for out in cell["outputs"] if "data" in out]
    assert not any("application/vnd.jupyter.widget-view+json" in out["data"] for out in outputs)

    lesson.command("notebook:clear-all-cell-outputs")
    lesson.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    lesson.run_all()
    wait_for(ask, "Your guess, kept on")
    wait_for(show, "You guessed: the CNN. Measured: the CNN. They agree.")
    assert ask.locator("input, button").count() == 0
    assert guesses(lab) == {"toy.winner": "the CNN", "toy.share": 50}


def test_a_page_that_was_loaded_again_unfolds_too(open_notebook, lab):
    lesson = open_notebook()
    lesson.run_all()
    lesson.command("docmanager:save")
    lesson.page.close()

    lesson = open_notebook()
    ask, show = lesson.output("ask"), lesson.output("show")
    wait_for(show, FOLDED)
    choose_the_cnn(lesson, ask)
    wait_for(ask, "Your guess, kept on")
    # Looked up again: a cell that was scrolled out of view is taken off the page.
    wait_for(lesson.output("show"), "You guessed: the CNN. Measured: the CNN. They agree.")


def test_a_guess_can_be_written_into_its_cell(open_notebook, lab):
    lesson = open_notebook()
    lesson.run_all()
    lesson.replace_line("ask", "guess = None", 'guess = "the cat"')
    lesson.run("ask")
    told = 'The guess \'the cat\' was not kept. Write "the ViT", "the CNN" or "neither".'
    wait_for(lesson.output("ask"), told)
    wait_for(lesson.output("show"), FOLDED)

    lesson.replace_line("ask", "guess = ", 'guess = "neither"')
    lesson.run("ask")
    wait_for(lesson.output("show"), "You guessed: neither. Measured: the CNN. They differ.")
    assert guesses(lab) == {"toy.winner": "neither"}
