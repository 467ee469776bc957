"""All exercises and written answers of the course, in lesson order."""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from mmlearn.course.answer import Answer
from mmlearn.course.exercise import Exercise


def _catalog() -> list[ModuleType]:
    from mmlearn.course import catalog as folder

    return [
        importlib.import_module(f"{folder.__name__}.{module.name}") for module in pkgutil.iter_modules(folder.__path__)
    ]


@cache
def _all() -> tuple[Exercise, ...]:
    return _in_order([exercise for module in _catalog() for exercise in module.EXERCISES])


@cache
def _all_answers() -> tuple[Answer, ...]:
    found = [answer for module in _catalog() for answer in getattr(module, "ANSWERS", ())]
    _in_order([*_all(), *found])  # a slug is one exercise or one answer: both become cell ids
    return _in_order(found)


def _in_order(found: list) -> tuple:
    """By lesson. Raises ValueError where a slug comes twice."""
    slugs = [each.slug for each in found]
    twice = sorted({slug for slug in slugs if slugs.count(slug) > 1})
    if twice:
        raise ValueError(f"registered twice: {', '.join(twice)}")
    # A stable sort keeps the order inside a lesson's file.
    return tuple(sorted(found, key=lambda each: each.lesson))


def exercises(lesson: str | None = None) -> list[Exercise]:
    """All exercises, or those of one lesson (`"01"`), in the order in which a learner meets them."""
    return [exercise for exercise in _all() if lesson in (None, exercise.lesson)]


def answers(lesson: str | None = None) -> list[Answer]:
    """All written answers, or those of one lesson, in the order in which a learner meets them."""
    return [answer for answer in _all_answers() if lesson in (None, answer.lesson)]


def find(slug: str) -> Exercise:
    """The exercise with this slug.

    Raises:
        KeyError: there is none; the message names the nearest one.
    """
    for exercise in _all():
        if exercise.slug == slug:
            return exercise
    import difflib

    near = difflib.get_close_matches(str(slug), [exercise.slug for exercise in _all()], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise KeyError(f"no exercise is called {slug!r}{hint}")
