"""The cards that the builder writes from registrations: what a lesson, an exercise or a question asks of a learner."""

from collections.abc import Mapping

from mmlearn.course.builder.master import HEADING, Master
from mmlearn.course.lessons import WORDS_A_MINUTE, find, lessons


def lesson_card(master: Master, reading: int, exercises: Mapping[str, object], answers: Mapping[str, object]) -> str:
    """What a lesson builds on and how long it takes, as a Markdown table; "" for one that is not registered.

    Args:
        reading: minutes to read it.
        exercises, answers: every exercise and every written answer of the course by slug.
    """
    lesson = next((each for each in lessons() if each.stem == master.path.stem), None)
    if lesson is None:  # a toy of the tests; a test holds the masters of the course against the registry
        return ""
    own = [exercise for exercise in exercises.values() if exercise.lesson == lesson.number]
    written = [answer for answer in answers.values() if answer.lesson == lesson.number]
    needs = ", ".join(f"[{need.title}]({need.file})" if need.landed else need.title for need in map(find, lesson.needs))
    cells = {
        "Builds on": needs or "nothing",
        f"Reading, {WORDS_A_MINUTE} words a minute": f"{reading} min",
        "Exercises": f"{len(own)} ({sum(exercise.minutes for exercise in own)} min)",
        "Written answers": f"{len(written)} ({sum(answer.minutes for answer in written)} min)" if written else "",
        "Run all, two cores": str(lesson.run or "not measured yet"),
    }
    cells = {name: cell for name, cell in cells.items() if cell}
    return "\n".join(f"| {' | '.join(row)} |" for row in (cells, ["---"] * len(cells), cells.values()))


def exercise_card(exercise) -> str:
    """An exercise's title, difficulty, minutes, points, and what it builds on, as a line of Markdown."""
    card = (
        f"**Exercise `{exercise.slug}`: {exercise.title}** · difficulty {'●' * exercise.difficulty:○<5} "
        f"· about {exercise.minutes} minutes · {_points(exercise.points)}"
    )
    if exercise.needs:
        card += " · builds on " + ", ".join(f"`{need}`" for need in exercise.needs)
    return card


def answer_card(answer) -> str:
    """A written answer's title, minutes and points, and its rubric, folded: a grader marks by it, or the learner."""
    rubric = [f"- {text} ({_points(points)})" for points, text in answer.rubric]
    return "\n".join(
        [
            f"**Written answer `{answer.slug}`: {answer.title}** · about {answer.minutes} minutes "
            f"· {_points(answer.points)} · a person marks it",
            "",
            "<details><summary>What a good answer says (open it when yours is written)</summary>",
            "",  # Markdown begins again after an empty line
            *rubric,
            "",
            "In a class, your teacher marks by this list. If you learn alone, compare your answer with it.",
            "",
            "</details>",
        ]
    )


def _points(count: int) -> str:
    return f"{count} point{'s' if count != 1 else ''}"


def below_heading(text: str, card: str) -> str:
    """Text with a card below the heading that begins it, or on top where none does."""
    heading, _, rest = text.partition("\n") if HEADING.match(text) else ("", "", text)
    return "\n\n".join(part for part in (heading, card, rest.strip("\n")) if part)
