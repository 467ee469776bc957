"""Prediction first: a learner commits to a guess before a result appears, and sees the two side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mmlearn.course import guesses
from mmlearn.course.access import aid
from mmlearn.course.choices import Scale, Words, offered
from mmlearn.course.figures import img, publish, styled
from mmlearn.course.frames import OPEN, RESULT, framed, line, live, strong
from mmlearn.files import explain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDED = "No guess yet. Make one above, or open the result."
WHY = "In a running notebook you commit to a guess here, before you see the result."


@dataclass
class Asked:
    """A question that this kernel has asked, the guess that was kept, and the results that wait for it."""

    question: str
    offer: Words | Scale
    guess: guesses.Guess | None = None
    waiting: list[Callable[[], None]] = field(default_factory=list)


_asked: dict[str, Asked] = {}


def predict(
    name: str,
    question: str,
    choices: Sequence[str] | range | tuple[float, float, float],
    guess: str | float | None = None,
) -> None:
    """Ask for a guess, and keep the first one for good: also when the cell or the kernel is started again.

    In a running notebook the reader chooses and presses a button. Everywhere a guess can be written into the cell. One
    that is not offered is told and not kept; it never stops a lesson. Nothing is returned, because a guess may come
    later, by the button: what needs it is the `fig(guess)` of `reveal`.

    Args:
        name: of the question, such as `"vit.more-images"`; `reveal` takes the same.
        question: one sentence.
        choices: two or more texts; or numbers to choose from with a slider, a `range` or (low, high, step).
        guess: the guess, written into the cell, or None.

    Raises:
        ValueError: no question, or choices of another form.
    """
    if not question.strip():
        raise ValueError(f"{name} asks nothing: write the question as a sentence")
    asked = _ask(name, question, offered(choices))
    notes = [_recall(name, asked), _written(name, asked, guess)]
    if asked.guess is None and live():
        _show_question(name, asked, notes)
    else:
        publish(_question(asked, notes))


def reveal(
    name: str,
    answer: str | float,
    fig: "Figure | Callable[[Any], Figure] | None" = None,
    alt: str | None = None,
    text: str = "",
) -> None:
    """Show the answer that the rows give to a question, beside the guess that was kept.

    In a running notebook a result without a guess is folded, and unfolds when a guess is kept. Under MMLEARN_STRICT=1
    and where no widget can run (an export, a web page of the notebook) it is open.

    Args:
        name: the question's, as `predict` got it.
        answer: one of its choices, or a number on its scale, computed from rows.
        fig: a matplotlib figure of the result; or `fig(guess)` makes it, with the kept text or float, or None.
        alt: describes the figure in words.
        text: a sentence or more below it.

    Raises:
        ValueError: the question was not asked, the answer is none of its choices, or a figure has no description.
    """
    if name not in _asked:
        raise ValueError(f"no question {name!r} was asked; there are {sorted(_asked)}. Run the cell of predict first")
    asked = _asked[name]
    if not asked.offer.offers(answer):
        raise ValueError(f"the answer to {name} is {answer!r}, and the question offers {asked.offer}")
    picture = _picture(fig, alt)

    def result() -> dict[str, Any]:
        value = asked.guess.value if asked.guess else None
        lines = [asked.question, _verdict(asked, answer), f"[Figure: {alt}]" if fig else "", text]
        body = [strong(asked.question), line(lines[1]), picture(value), line(text) if text else ""]
        return {"text/plain": "\n".join(filter(None, lines)), "text/html": framed(body, RESULT)}

    if asked.guess or not live():
        publish(result())
    else:
        _show_folded(asked, result)


def _ask(name: str, question: str, offer: Words | Scale) -> Asked:
    """Note the question. One that was asked before keeps its guess, and the results that wait for it know it again."""
    asked = _asked.setdefault(name, Asked(question, offer))
    asked.question, asked.offer = question, offer
    if asked.guess and not offer.offers(asked.guess.value):
        asked.guess = None
    return asked


def _recall(name: str, asked: Asked) -> str:
    """Look up the guess that was kept in an earlier run; what went wrong, or ""."""
    try:
        kept = guesses.read().get(name)
    except (OSError, ValueError) as error:
        return explain(error)
    if kept and asked.offer.offers(kept.value):
        asked.guess = kept
    return ""


def _written(name: str, asked: Asked, guess: object) -> str:
    """Keep the guess that stands in the cell; what there is to say about it, or ""."""
    if guess is None:
        return ""
    if not asked.offer.keeps(guess):
        return f"The guess {guess!r} was not kept. Write {asked.offer}."
    problem = _commit(name, asked, guess)
    if asked.guess.value != guess:
        return f'The first guess stays; "{asked.offer.say(guess)}" was not kept.'
    return problem


def _commit(name: str, asked: Asked, guess: str | float) -> str:
    """Keep a guess if it is the first, and unfold the results that waited for it; what went wrong, or ""."""
    guess, problems = asked.offer.value(guess), []
    if asked.guess is None:
        try:
            asked.guess = guesses.keep(name, guess, asked.offer.offers)
        except (OSError, ValueError) as error:
            asked.guess = guesses.made_now(guess)
            problems.append(f"Your guess holds until the kernel stops. It was not written down: {explain(error)}")
    while asked.waiting:
        try:
            asked.waiting.pop()()
        except Exception as error:  # whatever a lesson's own drawing raises; the other results unfold all the same
            problems.append(f"The result cannot be shown. {type(error).__name__}: {error}")
    return " ".join(problems)


def _show_question(name: str, asked: Asked, notes: list[str]) -> None:
    """The question with its choices and a button. A kept guess takes the place of them."""
    import ipywidgets

    control, button = asked.offer.control(asked.question), ipywidgets.Button(description="Keep my guess")
    told = ipywidgets.HTML("".join(map(line, filter(None, notes))))
    parts = [ipywidgets.HTML(strong(asked.question)), control, button, told, aid()]
    box = ipywidgets.VBox(parts, layout={"border_left": f"5px solid {OPEN}", "padding": "4px 12px"})
    display_id = uuid4().hex

    def press(_button) -> None:
        if not asked.offer.offers(control.value):
            told.value = line("Choose first. Then press the button.")
            return
        problem = _commit(name, asked, control.value)
        _replace(box, display_id, _question(asked, [problem]))

    button.on_click(press)
    publish(box._repr_mimebundle_() | _question(asked, notes), display_id=display_id)


def _show_folded(asked: Asked, result: Callable[[], dict[str, Any]]) -> None:
    """The result folded; it unfolds when a guess is kept. Without widgets it is open."""
    import ipywidgets

    static, display_id = result(), uuid4().hex
    summary = f"<summary style='cursor:pointer;padding:.4em 0'>{FOLDED}</summary>"
    box = ipywidgets.VBox([ipywidgets.HTML(f"<details>{summary}{static['text/html']}</details>")])
    asked.waiting.append(lambda: _replace(box, display_id, result()))
    publish(box._repr_mimebundle_() | static, display_id=display_id)


def _replace(box, display_id: str, bundle: dict[str, Any]) -> None:
    """Put a display without widgets in the place of one with them: it stays readable when the kernel is gone.

    A page that was loaded again follows the widget and no longer the display, so both change.
    """
    import ipywidgets

    box.children, box.layout = [ipywidgets.HTML(bundle["text/html"])], {}
    publish(bundle, display_id=display_id, update=True)


def _question(asked: Asked, notes: list[str]) -> dict[str, Any]:
    """The question as HTML and as text: with its choices, or with the guess that was kept."""
    notes = [note for note in notes if note]
    if asked.guess:
        day = datetime.fromisoformat(asked.guess.kept).astimezone().date()
        lines = [f"Your guess, kept on {day}: {asked.offer.say(asked.guess.value)}", *notes]
        body = [strong(asked.question), *map(line, lines)]
    else:
        lines = [f"Choose {asked.offer}. {WHY}", *notes]
        body = [strong(asked.question), asked.offer.markup(), *map(line, (WHY, *notes))]
    return {"text/plain": "\n".join([asked.question, *lines]), "text/html": framed(body, OPEN)}


def _verdict(asked: Asked, answer: str | float) -> str:
    rows_say = f"Measured: {asked.offer.say(answer)}."
    if asked.guess is None:
        return rows_say
    value = asked.guess.value
    return f"You guessed: {asked.offer.say(value)}. {rows_say} {asked.offer.compare(value, answer)}"


def _picture(fig: "Figure | Callable[[Any], Figure] | None", alt: str | None) -> Callable[[Any], str]:
    """A function of the guess that gives the figure as HTML."""
    if fig is None:
        return lambda guess: ""
    if not callable(fig):
        markup = img(fig, alt)
        return lambda guess: markup
    return lambda guess: img(styled(fig)(guess), alt)
