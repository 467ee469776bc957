"""All exercises of the course, in lesson order."""

import importlib
import pkgutil
from functools import cache

from mmlearn.course.exercise import Exercise


@cache
def _all() -> tuple[Exercise, ...]:
    from mmlearn.course import catalog as folder

    found = []
    for module in pkgutil.iter_modules(folder.__path__):
        found += importlib.import_module(f"{folder.__name__}.{module.name}").EXERCISES
    slugs = [exercise.slug for exercise in found]
    twice = sorted({slug for slug in slugs if slugs.count(slug) > 1})
    if twice:
        raise ValueError(f"registered twice: {', '.join(twice)}")
    # A stable sort keeps the order inside a lesson's file.
    return tuple(sorted(found, key=lambda exercise: exercise.lesson))


def exercises(lesson: str | None = None) -> list[Exercise]:
    """All exercises, or those of one lesson (`"01"`), in the order in which a learner meets them."""
    return [exercise for exercise in _all() if lesson in (None, exercise.lesson)]


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
