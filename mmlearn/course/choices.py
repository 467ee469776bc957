"""What a question offers to choose from: a few texts, or a scale of numbers."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real

NOTHING_YET = "no guess yet"


@dataclass(frozen=True)
class Words:
    """A few texts, shown as radio buttons."""

    texts: tuple[str, ...]

    def offers(self, value: object) -> bool:
        """Whether `value` may be guessed."""
        return isinstance(value, str) and value in self.texts

    keeps = offers  # any choice can be kept as it is

    def value(self, value: str) -> str:
        """An offered value in the form in which it is kept."""
        return value

    def say(self, value: str) -> str:
        """A value in words."""
        return value

    def compare(self, guess: str, answer: str) -> str:
        """How a guess stands to the answer, in a sentence."""
        return "They agree." if guess == answer else "They differ."

    def __str__(self) -> str:
        *others, last = (f'"{text}"' for text in self.texts)
        return f"{', '.join(others)} or {last}"

    def markup(self) -> str:
        """All choices as HTML."""
        items = "".join(f"<li>{html.escape(text)}</li>" for text in self.texts)
        return f"<ul style='margin:.3em 0'>{items}</ul>"

    def control(self, question: str):
        """A widget whose `value` is none that is offered until the reader has chosen. Tab and Space work in it."""
        import ipywidgets

        return ipywidgets.RadioButtons(options=self.texts, value=None, layout={"width": "auto"})


@dataclass(frozen=True)
class Scale:
    """Numbers from `low` to `high`, shown as a slider with steps; a guess written as a number may lie between two."""

    low: float
    high: float
    step: float

    def offers(self, value: object) -> bool:
        """Whether `value` may be guessed."""
        return isinstance(value, Real) and not isinstance(value, bool) and self.low <= value <= self.high

    def keeps(self, value: object) -> bool:
        """Whether a guess of `value` can be kept as it is. Of 0.4 on a scale of whole numbers only 0 would be left."""
        return self.offers(value) and float(self.say(value)) == value

    def value(self, value: float) -> float:
        """An offered value in the form in which it is kept."""
        return float(value)

    def say(self, value: float) -> str:
        """A value in words: with the decimals that the steps have."""
        return f"{value:.{self._decimals}f}"

    def compare(self, guess: float, answer: float) -> str:
        """How a guess stands to the answer, in a sentence."""
        far = guess - float(self.say(answer))
        if abs(far) <= self.step / 2:
            return "They agree." if far == 0 else f"They agree as closely as steps of {self.step:g} allow."
        return f"Your guess is {self.say(abs(far))} too {'high' if far > 0 else 'low'}."

    def __str__(self) -> str:
        kind = "number" if self._decimals else "whole number"
        return f"a {kind} from {self.say(self.low)} to {self.say(self.high)}"

    def markup(self) -> str:
        """All choices as HTML."""
        return f"<div style='margin:.3em 0'>{self}, in steps of {self.say(self.step)}</div>"

    def control(self, question: str):
        """A widget whose `value` is none that is offered until the reader has moved it. Arrow keys work in it.

        The question is its name for a screen reader.
        """
        import ipywidgets

        count = math.floor((self.high - self.low) / self.step + 1e-9) + 1
        values = [round(self.low + index * self.step, self._decimals) for index in range(count)]
        options = [(NOTHING_YET, NOTHING_YET), *((self.say(value), value) for value in values)]
        return ipywidgets.SelectionSlider(
            options=options, tooltip=question, layout={"width": "420px", "max_width": "100%"}
        )

    @property
    def _decimals(self) -> int:
        return max(0, -Decimal(str(self.step)).normalize().as_tuple().exponent)


def offered(choices: Sequence[str] | range | tuple[float, float, float]) -> Words | Scale:
    """What an author wrote: two or more texts, a `range`, or the numbers (low, high, step).

    Raises:
        ValueError: it is none of these.
    """
    given = tuple(choices) if isinstance(choices, Sequence) and not isinstance(choices, str) else ()
    ends = (choices.start, choices[-1], choices.step) if isinstance(choices, range) and choices else given
    numbers = [float(n) for n in ends if isinstance(n, Real)] if len(ends) == 3 else []
    if len(numbers) == 3 and numbers[2] > 0 and numbers[0] + numbers[2] <= numbers[1]:
        return Scale(*numbers)
    written = all(isinstance(text, str) and text.strip() for text in given)
    if written and len(set(given)) == len(given) >= 2:
        return Words(given)
    raise ValueError(
        "choices are two or more different texts, or a range of numbers, or (low, high, step) with low + step <= high "
        f"and step > 0; got {choices!r}"
    )
