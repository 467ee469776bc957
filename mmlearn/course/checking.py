"""`check` and `hint`, as a lesson calls them."""

import os
import sys
import threading
from contextlib import contextmanager

from mmlearn.course import ledger
from mmlearn.course.exercise import Exercise, Grade
from mmlearn.course.feedback import Feedback, outcome
from mmlearn.course.registry import find
from mmlearn.course.scope import foreign_globals
from mmlearn.files import explain

SLOW_AFTER_SECONDS = 10
_GIVEN_BY_NAME = object()


class CheckFailed(AssertionError):
    """A check failed under MMLEARN_STRICT=1, where the reference does not stand in."""


def check(slug: str, obj: object = _GIVEN_BY_NAME) -> object:
    """Check an exercise, show what holds and what does not, and hand on something that works.

    Args:
        slug: the exercise, such as `"vit.patchify"`.
        obj: the learner's function or class. Left out, it is looked up by the exercise's name, so that a name that was
            never defined is reported and not raised.

    Returns:
        `obj` if everything holds, else the course's reference, so that the lesson runs on.

    Raises:
        KeyError: no exercise has this slug.
        CheckFailed: under MMLEARN_STRICT=1, when anything fails.
    """
    exercise = find(slug)
    if obj is _GIVEN_BY_NAME:
        obj = _lookup(exercise.name, sys._getframe(1).f_globals)
    feedback = _examine(exercise, obj)
    _display(feedback)
    if feedback.state == "pass":
        return obj
    if os.environ.get("MMLEARN_STRICT") == "1":
        raise CheckFailed(str(feedback))
    return exercise.reference


def hint(slug: str, number: int = 1) -> None:
    """Print one hint of an exercise; `number` counts from 1."""
    hints = find(slug).hints
    if not 1 <= number <= len(hints):
        raise ValueError(f"{slug} has hints 1 to {len(hints)}; there is no hint {number}")
    print(f"Hint {number} of {len(hints)}: {hints[number - 1]}")


def _lookup(name: str, caller: dict) -> object:
    return caller.get(name, _GIVEN_BY_NAME)


def _examine(exercise: Exercise, obj: object) -> Feedback:
    name = exercise.name
    if obj is _GIVEN_BY_NAME:
        kind = "class" if exercise.methods else "function"
        todo = f"Write a {kind} called `{name}` and run its cell. If that cell shows an error, mend it first."
        notes = (todo, _stand_in(exercise))
        return Feedback(exercise, "fail", f"the name `{name}` is not defined", notes=notes, hints=True)
    if obj is exercise.reference:
        notes = (f"Run the cell with your own `{name}`, then this one. If that cell shows an error, mend it first.",)
        return Feedback(
            exercise, "todo", f"`{name}` is the course's reference, put there by an earlier check", notes=notes
        )
    try:
        with _slow_notice(name):
            grade = exercise.grade(obj)
    except KeyboardInterrupt:
        notes = ("Look for a loop whose end is never reached.", _stand_in(exercise))
        return Feedback(exercise, "fail", f"interrupted while `{name}` was running", notes=notes, hints=True)
    if grade.unwritten:
        notes = ("Have you written it? Then delete the line that raises NotImplementedError.", _stand_in(exercise))
        return Feedback(exercise, "todo", "not written yet", notes=notes, hints=True)
    return _outcome(exercise, obj, grade)


def _outcome(exercise: Exercise, obj: object, grade: Grade) -> Feedback:
    notes = list(_warnings(exercise, obj))
    try:
        ledger.record(exercise.slug, grade.score)
    except (OSError, ValueError) as error:
        notes.append(f"Your progress was not recorded: {explain(error)}")
    if grade.passed:
        return outcome(exercise, grade, notes)
    return outcome(exercise, grade, [f"The check used {exercise.inputs}.", *notes, _stand_in(exercise)])


def _warnings(exercise: Exercise, obj: object) -> list[str]:
    names = foreign_globals(obj, allowed=[*(find(slug).name for slug in exercise.needs), *exercise.uses])
    if not names:
        return []
    listed = ", ".join(f"`{name}`" for name in names)
    return [
        f"Careful: your code uses {listed} from another cell. A grader reads this exercise's cell alone: define "
        "it there."
    ]


def _stand_in(exercise: Exercise) -> str:
    return (
        f"The course's reference stands in for `{exercise.name}` from here on, so the cells below run. To try your own "
        "version, run its cell again first."
    )


@contextmanager
def _slow_notice(name: str):
    """Say how to stop a call that does not end. The interrupt itself arrives as KeyboardInterrupt."""
    text = (
        f"`{name}` has been running for {SLOW_AFTER_SECONDS} seconds. To stop it: the ■ button, or Kernel > Interrupt."
    )
    timer = threading.Timer(SLOW_AFTER_SECONDS, lambda: print(text, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _display(feedback: Feedback) -> None:
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        from IPython.display import display

        display(feedback)
        return
    try:
        print(feedback)
    except UnicodeEncodeError:  # a terminal without ✓ and ✗
        print(str(feedback).encode("ascii", "replace").decode())
