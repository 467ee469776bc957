"""The cards that the builder writes from registrations: what a lesson and an exercise ask of the learner."""

from collections.abc import Mapping

from mmlearn.course.builder.master import HEADING, Master
from mmlearn.course.lessons import WORDS_A_MINUTE, find, lessons


def lesson_card(master: Master, reading: int, exercises: Mapping[str, object]) -> str:
    """What a lesson builds on and how long it takes, as a Markdown table; "" for one that is not registered.

    Args:
        reading: minutes to read it.
        exercises: every exercise of the course by slug.
    """
    lesson = next((each for each in lessons() if each.stem == master.path.stem), None)
    if lesson is None:  # a toy of the tests; a test holds the masters of the course against the registry
        return ""
    own = [exercise for exercise in exercises.values() if exercise.lesson == lesson.number]
    needs = ", ".join(f"[{need.title}]({need.file})" if need.landed else need.title for need in map(find, lesson.needs))
    cells = {
        "Builds on": needs or "nothing",
        f"Reading, {WORDS_A_MINUTE} words a minute": f"{reading} min",
        "Exercises": f"{len(own)} ({sum(exercise.minutes for exercise in own)} min)",
        "Run all, two cores": str(lesson.run or "not measured yet"),
    }
    return "\n".join(f"| {' | '.join(row)} |" for row in (cells, ["---"] * len(cells), cells.values()))


def exercise_card(exercise) -> str:
    """An exercise's title, difficulty, minutes, points, and what it builds on, as a line of Markdown."""
    points = f"{exercise.points} point{'s' if exercise.points != 1 else ''}"
    card = (
        f"**Exercise `{exercise.slug}`: {exercise.title}** · difficulty {'●' * exercise.difficulty:○<5} "
        f"· about {exercise.minutes} minutes · {points}"
    )
    if exercise.needs:
        card += " · builds on " + ", ".join(f"`{need}`" for need in exercise.needs)
    return card


def below_heading(text: str, card: str) -> str:
    """Text with a card below the heading that begins it, or on top where none does."""
    heading, _, rest = text.partition("\n") if HEADING.match(text) else ("", "", text)
    return "\n\n".join(part for part in (heading, card, rest.strip("\n")) if part)
