"""How a check's outcome looks: HTML in a notebook, plain text everywhere else. Nothing in it varies between runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from mmlearn.course.exercise import Exercise, Grade
from mmlearn.course.judge import NUMBERS_DIFFER

# Told apart by sign and word first; the colours (blue, green, vermilion of the Okabe-Ito set) also differ in grey.
COLOURS = {"todo": "#56B4E9", "pass": "#009E73", "fail": "#D55E00"}
SIGNS = {"todo": "○", "pass": "✓", "fail": "✗"}


@dataclass(frozen=True)
class Feedback:
    """What a learner reads after a check.

    Attributes:
        exercise: the one checked.
        state: `todo`, `pass` or `fail`.
        headline: one sentence.
        lead: the sentence that helps most, right below it.
        grade: the verdicts to list, if the object was probed.
        notes: sentences below the list.
        hints: whether the exercise's hints are offered.
    """

    exercise: Exercise
    state: str
    headline: str
    lead: str = ""
    grade: Grade | None = None
    notes: tuple[str, ...] = ()
    hints: bool = False

    def __str__(self) -> str:
        lines = [f"{SIGNS[self.state]} {self.exercise.slug}: {self.headline}"] + [self.lead] * bool(self.lead)
        for sign, text, detail in self._verdicts():
            lines.append(f"  {sign} {text}")
            lines += [f"      {detail}"] * bool(detail)
        lines += self.notes
        if self.hints:
            count, slug = len(self.exercise.hints), self.exercise.slug
            lines.append(f'{count} hints: from mmlearn.course import hint; hint("{slug}", 1)')
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        parts = [f"<strong>{SIGNS[self.state]} {_text(self.exercise.slug)}</strong>: {_text(self.headline)}"]
        parts += [f"<div style='margin:.4em 0'>{_text(self.lead)}</div>"] * bool(self.lead)
        if self.grade:
            parts.append(f"<ul style='list-style:none;padding-left:1em;margin:.4em 0'>{self._rows()}</ul>")
        parts += [f"<div style='margin-top:.4em'>{_text(note)}</div>" for note in self.notes]
        parts += [_hints(self.exercise.hints)] * self.hints
        style = f"border-left:5px solid {COLOURS[self.state]};padding:.4em .9em;line-height:1.45"
        return f"<div class='mmlearn-check mmlearn-{self.state}' style='{style}'>{''.join(parts)}</div>"

    def _rows(self) -> str:
        rows = []
        for sign, text, detail in self._verdicts():
            detail = f"<div style='padding-left:1.4em'>{_text(detail)}</div>" if detail else ""
            rows.append(f"<li>{sign} {_text(text)}{detail}</li>")
        return "".join(rows)

    def _verdicts(self) -> Iterator[tuple[str, str, str]]:
        """Sign, property and detail of each verdict. Numbers are shown once, and not where the mistake has a name."""
        numbers_shown = bool(self.grade and self.grade.diagnosis)
        for verdict in self.grade.verdicts if self.grade else ():
            numbers = verdict.message.startswith(NUMBERS_DIFFER)
            detail = "" if numbers and numbers_shown else verdict.message
            numbers_shown |= numbers
            yield "✓" if verdict.passed else "✗", verdict.property.text, detail


def _hints(hints: tuple[str, ...]) -> str:
    """Each hint inside the one before it, so that they open one at a time and need no kernel."""
    nested = ""
    for number, hint in reversed(list(enumerate(hints, 1))):
        nested = (
            f"<details style='margin-top:.4em'><summary style='cursor:pointer'>Hint {number} of {len(hints)}</summary>"
            f"<div style='padding:.2em 1.2em'>{_text(hint)}{nested}</div></details>"
        )
    return nested


def _text(text: str) -> str:
    """Escaped, with `code` set as code."""
    pieces = escape(text, quote=False).split("`")
    if len(pieces) % 2 == 0:  # an unpaired backtick, from a learner's own message
        return "`".join(pieces)
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))
