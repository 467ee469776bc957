"""What a written answer is: a question of a lesson, and the list by which a person marks what a learner writes."""

from dataclasses import dataclass

PLACEHOLDER = "*Write your answer here, in a few sentences.*"  # what a learner's notebook has in place of the answer


@dataclass(frozen=True)
class Answer:
    """One written answer of a lesson. A person marks it; the model answer stands in the lesson's master.

    Attributes:
        slug: `system.part`, unique in the course, exercises included.
        lesson: the lesson's number, `"01"`.
        title: a short heading.
        points: what it is worth to a grader.
        minutes: how long it takes, with a look back at the results.
        rubric: what a good answer says, each with its points. Learners can read it before they write, so a line names
            what to speak of and leaves open what to say.

    Raises:
        ValueError: a part is missing, or the rubric's points do not sum to `points`.
    """

    slug: str
    lesson: str
    title: str
    points: int
    minutes: int
    rubric: tuple[tuple[int, str], ...]

    def __post_init__(self):
        missing = {
            "title": not self.title.strip(),
            "points": self.points < 1,
            "minutes": self.minutes < 1,
            "rubric": not all(points > 0 and text.strip() for points, text in self.rubric) or not self.rubric,
        }
        for what in (what for what, is_missing in missing.items() if is_missing):
            raise ValueError(f"{self.slug} is registered without {what}")
        given = sum(points for points, _ in self.rubric)
        if given != self.points:
            raise ValueError(f"the rubric of {self.slug} gives {given} points; it is worth {self.points}")
