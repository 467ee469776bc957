"""How a check's outcome looks: HTML in a notebook, plain text everywhere else. Nothing in it varies between runs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from mmlearn.course.exercise import Exercise, Grade
from mmlearn.course.judge import NOT_WRITTEN, NUMBERS_DIFFER, SEE_ABOVE

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
        for sign, text, detail in self.verdicts():
            lines.append(f"  {sign} {text}")
            lines += [f"      {detail}"] * bool(detail)
        lines += self.notes
        if self.hints:
            count, slug = len(self.exercise.hints), self.exercise.slug
            lines.append(f'{count} hints: from mmlearn.course import hint; hint("{slug}", 1)')
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        parts = [f"<strong>{SIGNS[self.state]} {text_html(self.exercise.slug)}</strong>: {text_html(self.headline)}"]
        parts += [f"<div style='margin:.4em 0'>{text_html(self.lead)}</div>"] * bool(self.lead)
        if self.grade:
            parts.append(f"<ul style='list-style:none;padding-left:1em;margin:.4em 0'>{self._rows()}</ul>")
        parts += [f"<div style='margin-top:.4em'>{text_html(note)}</div>" for note in self.notes]
        parts += [_hints(self.exercise.hints)] * self.hints
        style = f"border-left:5px solid {COLOURS[self.state]};padding:.4em .9em;line-height:1.45"
        return f"<div class='mmlearn-check mmlearn-{self.state}' style='{style}'>{''.join(parts)}</div>"

    def _rows(self) -> str:
        rows = []
        for sign, text, detail in self.verdicts():
            detail = f"<div style='padding-left:1.4em'>{text_html(detail)}</div>" if detail else ""
            rows.append(f"<li>{sign} {text_html(text)}{detail}</li>")
        return "".join(rows)

    def verdicts(self) -> Iterator[tuple[str, str, str]]:
        """Sign, property and detail of each verdict. Numbers are shown once, and not where the mistake has a name."""
        numbers_shown = bool(self.grade and self.grade.diagnosis)
        for verdict in self.grade.verdicts if self.grade else ():
            numbers = verdict.message.startswith(NUMBERS_DIFFER)
            detail = "" if numbers and numbers_shown else verdict.message
            numbers_shown |= numbers
            yield "✓" if verdict.passed else "✗", verdict.property.text, detail


def outcome(exercise: Exercise, grade: Grade, notes: Iterable[str] = ()) -> Feedback:
    """What a grade says: the points, the sentence that helps most, the verdicts; the notes below them."""
    worth = f"{exercise.points} point{'' if exercise.points == 1 else 's'}"
    earned = f"{round(grade.score * exercise.points, 1):g} of {worth}"
    if grade.passed:
        return Feedback(exercise, "pass", f"everything holds ({earned})", grade=grade, notes=tuple(notes))
    held = sum(verdict.passed for verdict in grade.verdicts)
    headline = f"{held} of {len(grade.verdicts)} properties hold ({earned})"
    lead = f"What happened: {grade.diagnosis.sentence}" if grade.diagnosis else ""
    left = [verdict for verdict in grade.verdicts if not verdict.passed]
    unwritten = all(verdict.message == NOT_WRITTEN for verdict in left)
    first, *others = [verdict.message for verdict in grade.verdicts]
    shown: Grade | None = grade
    if held == 0 and all(message in (first, SEE_ABOVE) for message in others):
        # One cause for everything: say it once.
        lead, shown = lead or f"What happened: {first}.", None
    state = "todo" if unwritten and shown else "fail"
    return Feedback(exercise, state, headline, lead, shown, tuple(notes), hints=True)


def _hints(hints: tuple[str, ...]) -> str:
    """Each hint inside the one before it, so that they open one at a time and need no kernel."""
    nested = ""
    for number, hint in reversed(list(enumerate(hints, 1))):
        nested = (
            f"<details style='margin-top:.4em'><summary style='cursor:pointer'>Hint {number} of {len(hints)}</summary>"
            f"<div style='padding:.2em 1.2em'>{text_html(hint)}{nested}</div></details>"
        )
    return nested


def text_html(text: str) -> str:
    """Escaped, with `code` set as code."""
    pieces = escape(text, quote=False).split("`")
    if len(pieces) % 2 == 0:  # an unpaired backtick, from a learner's own message
        return "`".join(pieces)
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))
