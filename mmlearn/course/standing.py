"""Where a learner stands: what is done of each lesson, how long the rest takes, and what comes next."""

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmlearn.course import ledger
from mmlearn.course.lessons import Lesson, find, lessons
from mmlearn.course.tables import Html, html_table, publish_live
from mmlearn.files import explain

if TYPE_CHECKING:
    from mmlearn.course.exercise import Exercise

NEVER_TRIED = {"attempts": 0, "best": 0.0, "passed": None}


@dataclass(frozen=True)
class Entry:
    """An exercise, and what the ledger holds of it."""

    exercise: "Exercise"
    attempts: int
    best: float
    passed: str | None

    @property
    def earned(self) -> float:
        """Points."""
        return self.best * self.exercise.points


def progress() -> None:
    """Show what is done of every lesson and what comes next; or why that is not known.

    In a running notebook there is a button to look again: other lessons run in kernels of their own.
    """

    def controls():
        import ipywidgets

        return [ipywidgets.Button(description="Refresh", tooltip="Look again what the lessons have recorded")]

    publish_live(_bundle, controls)


def report() -> str:
    """Every exercise with its tries, minutes and points, and what comes next, as text.

    Raises:
        ValueError: the file is damaged; the message says what to do.
    """
    entries, lines = _entries(), []
    for lesson in _landed():
        lines.append(f"Lesson {lesson.number} · {lesson.title} · {_times(lesson)}")
        lines += [_line(entry) for entry in entries if entry.exercise.lesson == lesson.number] + [""]
    return "\n".join([*lines, *_summary(entries)])


def _bundle() -> dict[str, str]:
    try:
        return {"text/plain": report(), "text/html": _html()}
    except (OSError, ValueError) as error:  # a lesson runs on without it
        said = explain(error)
        return {"text/plain": said, "text/html": f"<p>{html.escape(said)}</p>"}


def _html() -> str:
    entries = _entries()
    columns = ("Lesson", "Builds on", "Reading", "Exercises", "Run all", "Done", "Points")
    rows = [_row(lesson, [e for e in entries if e.exercise.lesson == lesson.number]) for lesson in _landed()]
    count, *following = _summary(entries)
    left = [entry.exercise for entry in entries if not entry.passed]
    if left:
        lesson = find(left[0].lesson)
        following = [f'Next: <a href="{lesson.file}">{html.escape(following[0].removeprefix("Next: "))}</a>']
    return html_table("Your progress", columns, rows) + "".join(f"<p>{line}</p>" for line in (count, *following))


def _row(lesson: Lesson, entries: list[Entry]) -> tuple[str, ...]:
    done = sum(entry.passed is not None for entry in entries)
    # The squares are for the eye, also in grey; a screen reader reads the words beside them.
    squares = "■" * done + "□" * (len(entries) - done)
    return (
        f"[{lesson.number} · {lesson.title}]({lesson.file})",
        ", ".join(lesson.needs) or "nothing",
        f"{lesson.reading} min",
        f"{lesson.exercising} min",
        str(lesson.run or "not measured"),
        Html(f'<span aria-hidden="true" style="white-space:nowrap">{squares}</span> {done} of {len(entries)}'),
        f"{_points(sum(e.earned for e in entries))} of {sum(e.exercise.points for e in entries)}",
    )


def _line(entry: Entry) -> str:
    exercise = entry.exercise
    mark = "✓" if entry.passed else "…" if entry.attempts else " "
    earned = f"{_points(entry.earned)}/{exercise.points}"
    tries = f"{entry.attempts} tr{'y' if entry.attempts == 1 else 'ies'}" if entry.attempts else ""
    return f"  {mark} {exercise.title:<44} {exercise.minutes:>3} min  {earned:>7} points  {tries}".rstrip()


def _times(lesson: Lesson) -> str:
    builds = f"builds on {', '.join(lesson.needs)}" if lesson.needs else "builds on nothing"
    run = f", {lesson.run.seconds:.0f} s to run" if lesson.run else ""
    return f"{builds} · {lesson.reading} min to read, {lesson.exercising} min of exercises{run}"


def _summary(entries: list[Entry]) -> list[str]:
    """How much is done, and what comes next if anything does."""
    left = [entry.exercise for entry in entries if not entry.passed]
    lines = [f"{len(entries) - len(left)} of {len(entries)} exercises done."]
    if left:
        lines.append(f"Next: {left[0].title} (lesson {left[0].lesson}, about {left[0].minutes} minutes).")
    return lines


def _entries() -> list[Entry]:
    from mmlearn.course.registry import exercises  # loads torch

    done = ledger.read()
    return [Entry(exercise, **done.get(exercise.slug, NEVER_TRIED)) for exercise in exercises()]


def _landed() -> list[Lesson]:
    return [lesson for lesson in lessons() if lesson.landed]


def _points(number: float) -> str:
    return f"{round(number, 1):g}"
