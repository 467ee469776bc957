"""Predictions: the first guess stays, a result waits for it, and nothing that goes wrong with them stops a lesson."""

import json
import os
import re
import subprocess
import sys

import pytest

from mmlearn.course import guesses, ledger, predict, predictions, reveal, say
from mmlearn.course.choices import Scale, Words, offered

MODELS = ("the ViT", "the CNN", "neither")


@pytest.fixture(autouse=True)
def new_kernel(monkeypatch):
    """Each test begins as a kernel does: nothing was asked in it."""
    monkeypatch.setattr(predictions, "_asked", {})


def ask(guess=None, choices=MODELS):
    """Ask, and give the guess that counts now."""
    assert predict("toy.winner", "Which is right more often?", choices, guess) is None, "a notebook would show it"
    kept = predictions._asked["toy.winner"].guess
    return kept and kept.value


def restart():
    predictions._asked.clear()


def figure():
    from matplotlib.figure import Figure

    fig = Figure(figsize=(2, 1))
    fig.subplots().plot([1, 2])
    return fig


# --- what may be guessed


def test_texts_ranges_and_triples_are_offered():
    assert offered(MODELS) == offered(list(MODELS)) == Words(MODELS)
    assert offered(range(0, 101, 5)) == Scale(0, 100, 5) == offered((0, 100, 5))
    assert offered(range(0, 9, 2)) == Scale(0, 8, 2)
    assert offered((0, 1, 0.05)) == Scale(0, 1, 0.05)


@pytest.mark.parametrize(
    "choices",
    [
        (),
        ("one",),
        ("a", "a"),
        ("a", " "),
        ("a", 1),
        "ab",
        range(5, 5),
        range(5, 0, -1),
        (0, 1, 0),
        (0, 1, -1),
        (0, 1, 2),
        5,
        None,
    ],
)
def test_other_choices_are_the_authors_mistake(choices):
    with pytest.raises(ValueError, match="two or more different texts"):
        ask(choices=choices)


def test_a_result_that_cannot_be_drawn_stops_neither_the_lesson_nor_the_other_results(capsys):
    def broken():
        raise RuntimeError("no such bar")

    ask()
    unfolded, waiting = [], predictions._asked["toy.winner"].waiting
    waiting += [lambda: unfolded.append("one"), broken, lambda: unfolded.append("another")]
    assert ask("the CNN") == "the CNN"
    assert sorted(unfolded) == ["another", "one"] and not waiting
    assert "The result cannot be shown. RuntimeError: no such bar" in capsys.readouterr().out


def test_a_question_asks_something():
    with pytest.raises(ValueError, match=r"toy\.empty asks nothing"):
        predict("toy.empty", " ", MODELS)


def test_a_guess_on_a_scale_may_lie_between_two_steps_but_not_outside():
    scale = Scale(0, 1, 0.25)
    assert all(map(scale.offers, (0, 0.3, 1))) and not any(
        map(scale.offers, (-0.1, 1.1, float("nan"), True, "0", None))
    )
    assert [scale.say(value) for value in (0, 0.3, 1)] == ["0.00", "0.30", "1.00"]
    assert Scale(0, 100, 10).say(63.4) == "63"


@pytest.mark.parametrize(
    ("guess", "answer", "sentence"),
    [
        (70, 70.4, "They agree."),
        (70, 72.4, "They agree as closely as steps of 5 allow."),
        (50, 72.4, "Your guess is 22 too low."),
        (95, 72.4, "Your guess is 23 too high."),
    ],
)
def test_a_number_is_told_how_far_off_it_is(guess, answer, sentence):
    assert Scale(0, 100, 5).compare(guess, answer) == sentence


# --- the first guess stays


def test_without_a_guess_the_question_and_its_choices_are_shown(capsys):
    assert ask() is None
    text = capsys.readouterr().out
    assert text.startswith('Which is right more often?\nChoose "the ViT", "the CNN" or "neither".')
    assert not guesses.path().exists()


def test_a_written_guess_is_kept_with_its_day(capsys):
    assert ask("the CNN") == "the CNN"
    assert re.search(r"Your guess, kept on \d{4}-\d\d-\d\d: the CNN\n$", capsys.readouterr().out)
    assert guesses.path() == ledger.path().with_name("predictions.json")
    assert json.loads(guesses.path().read_text())["guesses"]["toy.winner"]["value"] == "the CNN"


def test_the_first_guess_stays_in_this_kernel_and_the_next(capsys):
    ask("the CNN")
    before = guesses.path().read_bytes()
    for _ in range(2):
        assert ask() == "the CNN"
        assert ask("the ViT") == "the CNN"
        assert 'The first guess stays; "the ViT" was not kept.' in capsys.readouterr().out
        restart()
    assert guesses.path().read_bytes() == before


def test_a_number_is_kept_as_one():
    assert ask(30, choices=range(0, 101, 5)) == 30.0
    restart()
    assert ask(choices=range(0, 101, 5)) == 30.0


@pytest.mark.parametrize(
    ("guess", "choices"), [("the cnn", MODELS), (1, MODELS), ("many", range(9)), (99, range(9)), (0.4, range(9))]
)
def test_a_guess_that_is_not_offered_is_told_and_not_kept(guess, choices, capsys):
    assert ask(guess, choices) is None
    told = f"The guess {guess!r} was not kept. Write {offered(choices)}."
    assert told in capsys.readouterr().out
    assert not guesses.path().exists()


def test_a_guess_that_a_newer_lesson_does_not_offer_gives_way():
    ask("neither")
    restart()
    assert ask(choices=("the ViT", "the CNN")) is None
    assert ask("the ViT", ("the ViT", "the CNN")) == "the ViT"


# --- what can go wrong with the file


@pytest.mark.parametrize(
    "content",
    [
        "hello",
        '{"version": 1, "gue',
        "[]",
        '{"version": 9, "guesses": {}}',
        '{"version": 1, "guesses": [1]}',
        '{"version": 1, "guesses": {"toy.winner": 5}}',
        '{"version": 1, "guesses": {"toy.winner": {"value": [], "kept": "2026-01-31"}}}',
        '{"version": 1, "guesses": {"toy.winner": {"value": "neither", "kept": "today"}}}',
    ],
)
def test_a_damaged_file_is_told_and_kept_and_the_lesson_goes_on(content, capsys):
    guesses.path().write_text(content)
    assert ask() is None
    assert "It only holds your guesses: move it away." in capsys.readouterr().out
    assert ask("the CNN") == "the CNN", "in this kernel the guess holds"
    assert "Your guess holds until the kernel stops. It was not written down: " in capsys.readouterr().out
    reveal("toy.winner", "the CNN")
    assert "You guessed: the CNN." in capsys.readouterr().out
    assert ask() == "the CNN"
    assert guesses.path().read_text() == content


def test_a_folder_that_cannot_be_made_is_told(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MMLEARN_PROGRESS", str(tmp_path / "file" / "progress.json"))
    assert ask("the CNN") == "the CNN"
    assert "It was not written down: " in capsys.readouterr().out


def test_two_kernels_at_once_lose_nothing_and_agree_on_the_first(tmp_path):
    code = (
        "import sys; from mmlearn.course import guesses\n"
        "for i in range(50): guesses.keep(f'{sys.argv[1]}.{i}', 'yes', lambda v: True)\n"
        "print(guesses.keep('both', sys.argv[1], lambda v: True).value)"
    )
    own = os.environ | {"MMLEARN_PROGRESS": str(tmp_path / "progress.json")}
    kernels = [
        subprocess.Popen([sys.executable, "-c", code, name], env=own, stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    told = [kernel.communicate(timeout=60)[0].strip() for kernel in kernels]
    assert [kernel.returncode for kernel in kernels] == [0, 0]
    kept = guesses.read()
    assert len(kept) == 101 and told == [kept["both"].value] * 2


# --- the result


def test_the_result_stands_beside_the_guess(capsys):
    ask("the CNN")
    capsys.readouterr()
    reveal("toy.winner", "the CNN", figure(), alt="a line", text="By far.")
    assert capsys.readouterr().out.splitlines() == [
        "Which is right more often?",
        "You guessed: the CNN. Measured: the CNN. They agree.",
        "[Figure: a line]",
        "By far.",
    ]
    reveal("toy.winner", "the ViT")
    assert "You guessed: the CNN. Measured: the ViT. They differ." in capsys.readouterr().out


def test_outside_of_a_notebook_a_result_without_a_guess_is_open(capsys):
    ask()
    reveal("toy.winner", "the CNN")
    assert capsys.readouterr().out.endswith("Which is right more often?\nMeasured: the CNN.\n")


def test_a_figure_may_show_the_guess():
    drawn = []
    ask(30, range(0, 101, 5))
    reveal("toy.winner", 72.4, lambda guess: drawn.append(guess) or figure(), alt="a line")
    assert drawn == [30.0]


@pytest.mark.parametrize(("choices", "answer"), [(MODELS, "a CNN"), (MODELS, None), (range(9), 9.5), (range(9), "4")])
def test_an_answer_that_is_not_offered_is_the_authors_mistake(choices, answer):
    ask(choices=choices)
    with pytest.raises(ValueError, match=r"the answer to toy\.winner is .*, and the question offers"):
        reveal("toy.winner", answer)


def test_a_result_needs_its_question_and_its_figure_a_description():
    ask()
    with pytest.raises(ValueError, match=r"no question 'toy\.loser' was asked; there are \['toy\.winner'\]"):
        reveal("toy.loser", "the CNN")
    with pytest.raises(ValueError, match="description"):
        reveal("toy.winner", "the CNN", figure())


def test_say_shows_a_sentence_and_refuses_none(capsys):
    say(f"The CNN wins by {0.25:.0%}.")
    assert capsys.readouterr().out == "The CNN wins by 25%.\n"
    for nothing in ("", " ", None):
        with pytest.raises(ValueError, match="needs a sentence"):
            say(nothing)


# --- in a kernel

WIDGET = "application/vnd.jupyter.widget-view+json"
ASK = """
from mmlearn.course import predict, reveal, say
predict("toy.winner", "Which <b>is</b> right?", ("the ViT", "the CNN"))
predict("toy.share", "How many?", (0, 1, 0.25))
"""
SHOW = """
from matplotlib.figure import Figure
def draw(guess):
    if guess == 0.75: raise RuntimeError("no such bar")
    return Figure(figsize=(2, 1))
reveal("toy.winner", "the CNN", draw, alt="a bar", text="x < y")
reveal("toy.share", 0.5, draw, alt="a bar")
"""
SAY = 'say("| a |\\n|---|\\n| **1** |")'
PRESS = """
from ipywidgets.widgets.widget import _instances
kinds = {}
for widget in list(_instances.values()):
    kinds.setdefault(type(widget).__name__, []).append(widget)
(radio,), (slider,), (winner, share) = kinds["RadioButtons"], kinds["SelectionSlider"], kinds["Button"]
print(radio.value, slider.label, [label for label, _ in slider.options])
winner.click()  # nothing is chosen
share.click()
radio.value = "the CNN"
winner.click()
slider.value = 0.75
share.click()
"""


def run(sources, strict, tmp_path):
    """The outputs that a notebook keeps of some cells."""
    import nbformat
    from nbclient import NotebookClient

    cells = [nbformat.v4.new_code_cell(source.strip()) for source in sources]
    env = {name: value for name, value in os.environ.items() if name != "MMLEARN_STRICT"}
    env |= {"MMLEARN_PROGRESS": str(tmp_path / "progress.json")} | ({"MMLEARN_STRICT": "1"} if strict else {})
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120, kernel_name="python3", coalesce_streams=True).execute(env=env)
    return [cell.outputs for cell in notebook.cells]


@pytest.fixture(scope="module")
def pressed(tmp_path_factory):
    """The outputs without a guess, those of the same cells after both buttons were pressed, and what was kept."""
    folder = tmp_path_factory.mktemp("guesses")
    before = run([ASK, SHOW, SAY], False, folder)
    after = run([ASK, SHOW, PRESS], False, folder)
    return before, after, json.loads((folder / "predictions.json").read_text())["guesses"]


def test_in_a_notebook_there_are_widgets_and_a_static_form_beside_them(pressed):
    (questions, results, (table,)), _, _ = pressed
    for output in questions + results:
        assert output.data[WIDGET]["model_id"]
    assert (
        "<li>the ViT</li>" in questions[0].data["text/html"] and "from 0.00 to 1.00" in questions[1].data["text/html"]
    )
    assert "Which &lt;b&gt;is&lt;/b&gt; right?" in questions[0].data["text/html"]
    for output in results:  # open where no widget runs
        assert "<details" not in output.data["text/html"] and "You guessed" not in output.data["text/html"]
    assert "Measured: the CNN." in results[0].data["text/html"] and "x &lt; y" in results[0].data["text/html"]
    assert set(table.data) == {"text/markdown", "text/plain"}


def test_nothing_is_chosen_and_kept_until_the_learner_chooses(pressed):
    _, (_, _, (printed,)), kept = pressed
    places = ["no guess yet", "0.00", "0.25", "0.50", "0.75", "1.00"]
    assert printed.text.strip() == f"None no guess yet {places}"
    assert {name: guess["value"] for name, guess in kept.items()} == {"toy.winner": "the CNN", "toy.share": 0.75}


def test_a_kept_guess_replaces_the_widgets_by_what_a_saved_notebook_can_show(pressed):
    _, (questions, results, _), _ = pressed
    assert not any(WIDGET in output.data for output in (*questions, results[0]))
    assert "kept on" in questions[0].data["text/html"] and "<li>" not in questions[0].data["text/html"]
    assert "You guessed: the CNN. Measured: the CNN. They agree." in results[0].data["text/html"]
    assert results[0].data["text/html"].count("<img") == 1


def test_a_result_that_cannot_be_drawn_says_why(pressed):
    _, (questions, _, _), _ = pressed
    assert "The result cannot be shown. RuntimeError: no such bar" in questions[1].data["text/html"]
    assert "kept on" in questions[1].data["text/html"], "the guess is kept all the same"


def test_a_guess_written_later_unfolds_what_can_be_drawn(tmp_path):
    later = ASK.replace('"the CNN"))', '"the CNN"), "the CNN")').replace("0.25))", "0.25), 0.75)")
    broken = SHOW + 'reveal("toy.share", 0.5, text="in words")'
    _, (first, second, third), questions = run([ASK, broken, later], False, tmp_path)
    assert "You guessed: the CNN." in first.data["text/html"]
    assert WIDGET in second.data, "it stays folded"
    assert "You guessed: 0.75." in third.data["text/html"] and "in words" in third.data["text/html"]
    assert "The result cannot be shown. RuntimeError: no such bar" in questions[1].data["text/html"]


def test_a_solution_shows_question_and_result_without_widgets(tmp_path):
    questions, results = run([ASK, SHOW], True, tmp_path)
    assert not any(WIDGET in output.data for output in (*questions, *results))
    assert "Measured: the CNN." in results[0].data["text/html"] and "<details" not in results[0].data["text/html"]
    assert not (tmp_path / "predictions.json").exists()
