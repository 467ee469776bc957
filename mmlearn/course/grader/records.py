"""What is known of a graded submission: plain data, kept as JSON from the moment that it is known."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# How a submission ended, apart from its score: the worst of its exercises', or `invalid` where it is no notebook.
STATUSES = ("graded", "timeout", "crashed", "invalid")


@dataclass(frozen=True)
class Mark:
    """One exercise of one submission.

    Attributes:
        slug: the exercise.
        status: `graded`, also where there was nothing to run; `timeout` or `crashed`, where its process ended before
            it had answered.
        score: 0 to 1.
        points: what it is worth in all.
        headline: one sentence for the learner, as `check` would say it.
        lead: the sentence that helps most, such as that of a misconception; or "".
        verdicts: of each property, in their order: its name, whether it holds, and what differs.
        notes: sentences about this exercise's cell, for the learner: found under another id, statements left out.
        cell: the source that was graded; "" where none was found.
        seconds: that its process took.
        log: what its process printed, cut; for a disputed mark.
    """

    slug: str
    status: str
    score: float
    points: int
    headline: str
    lead: str = ""
    verdicts: tuple[tuple[str, bool, str], ...] = ()
    notes: tuple[str, ...] = ()
    cell: str = ""
    seconds: float = 0.0
    log: str = ""

    @property
    def earned(self) -> float:
        """Points, to two places."""
        return round(self.score * self.points, 2)


@dataclass(frozen=True)
class Record:
    """One graded submission.

    Attributes:
        student: who handed it in, as in the file's name.
        lesson: its number.
        file: where it came from, in words.
        digest: sha256 of the file; "" where it could not be read.
        version: of the checks, 12 hexadecimal digits.
        marks: one an exercise, in the lesson's order; empty where the notebook is no notebook.
        reason: why it is not simply `graded`; or "".
        notes: sentences about the whole submission, for the learner: late, an older one put aside.
        answers: the written answers by their slug, as Markdown. A person marks them.
        late: whether the file's name says so; None where it cannot.
        time: when it was handed in, as ISO 8601 in UTC; "" where nothing tells.
    """

    student: str
    lesson: str
    file: str
    digest: str
    version: str
    marks: tuple[Mark, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    late: bool | None = None
    time: str = ""

    @property
    def status(self) -> str:
        """The worst of its exercises'; `invalid` where the file gave none."""
        return max((mark.status for mark in self.marks), key=STATUSES.index, default="invalid")

    @property
    def earned(self) -> float:
        """Points of all exercises, to two places."""
        return round(sum(mark.earned for mark in self.marks), 2)

    def dumps(self) -> bytes:
        return (json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n").encode()


def loads(content: bytes) -> Record:
    """A record that was written by `Record.dumps`.

    Raises:
        ValueError: it is none, or of another version of this program.
    """
    try:
        known: dict[str, Any] = json.loads(content)
        marks = tuple(
            Mark(**{**mark, "verdicts": tuple(map(tuple, mark["verdicts"])), "notes": tuple(mark["notes"])})
            for mark in known["marks"]
        )
        return Record(**{**known, "marks": marks, "notes": tuple(known["notes"])})
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"not a record of a graded submission: {error}") from error
