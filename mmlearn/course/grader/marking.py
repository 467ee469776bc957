"""Marking one submission: what each exercise of it earns, and what its author is told."""

import hashlib
import json
import threading
from dataclasses import dataclass, replace

from mmlearn.course.answer import Answer
from mmlearn.course.exercise import Exercise, Grade
from mmlearn.course.feedback import Feedback, outcome
from mmlearn.course.grader import inside, kit, wire
from mmlearn.course.grader.cells import Picked, pick, read_notebook, written_answers
from mmlearn.course.grader.records import Mark, Record
from mmlearn.course.grader.sandbox import Outcome, Sandbox
from mmlearn.course.grader.submissions import Submission
from mmlearn.course.judge import describe, difference
from mmlearn.course.lessons import Lesson
from mmlearn.course.lessons import find as find_lesson
from mmlearn.course.probe import Raised
from mmlearn.course.registry import answers, exercises
from mmlearn.paths import root

SEEDS = 3  # as many as in a notebook's own check, and others

# The reference is probed in this process, which switches torch's defaults meanwhile: one thread at a time.
_judging = threading.Lock()


@dataclass(frozen=True)
class Setting:
    """What is the same for all submissions of a lesson.

    Attributes:
        lesson: the lesson.
        secret: from which the seeds follow. The notebook's own seeds are known to all, and a file of results would do.
        exercises, answers: its exercises, and its written answers.
        master: the learner's notebook as it was handed out, as JSON gives it.
        version: of the checks.
    """

    lesson: Lesson
    secret: str
    exercises: tuple[Exercise, ...]
    answers: tuple[Answer, ...]
    master: dict
    version: str

    def seeds(self, exercise: Exercise) -> list[int]:
        texts = (f"{self.secret}/{exercise.slug}/{number}" for number in range(SEEDS))
        return [int(hashlib.sha256(text.encode()).hexdigest()[:7], 16) for text in texts]


def setting(lesson: str, secret: str) -> Setting:
    """The setting of a lesson.

    Raises:
        ValueError: there is no such lesson, or it has no exercise.
    """
    known = find_lesson(lesson)
    if not known.landed or not exercises(lesson):
        raise ValueError(f"lesson {lesson} has no exercises to grade")
    master = json.loads((root() / "lessons" / known.file).read_text(encoding="utf-8"))
    all_of_it = tuple(exercises(lesson))
    return Setting(known, secret, all_of_it, tuple(answers(lesson)), master, kit.version(lesson, list(all_of_it)))


def read(submission: Submission) -> tuple[bytes | None, str]:
    """A submission's file, or None and why it cannot be read."""
    try:
        return submission.read(), ""
    except ValueError as error:
        return None, str(error)


class Marker:
    """Marks submissions, one at a time.

    Args:
        setting: of the lesson.
        sandbox: where the learners' code runs; the marker does not close it.
        thorough: whether marks carry a log of every result on every seed.
    """

    def __init__(self, setting: Setting, sandbox: Sandbox, thorough: bool = False) -> None:
        self.setting, self.sandbox, self.thorough = setting, sandbox, thorough
        self.given = {exercise.slug: kit.given(exercise) for exercise in setting.exercises}
        self.peak = 0.0  # MiB, the most that a learner's process held

    def mark(self, submission: Submission, content: bytes | None, problem: str = "") -> Record:
        """Mark one submission.

        Args:
            submission: whose it is.
            content, problem: as `read` gives them.
        """
        setting = self.setting
        digest = hashlib.sha256(content).hexdigest() if content is not None else ""
        record = Record(submission.student, setting.lesson.number, submission.label, digest, setting.version)
        time = submission.time.isoformat() if submission.time else ""
        record = replace(record, notes=submission.notes, late=submission.late, time=time)
        try:
            if content is None:
                raise ValueError(problem)
            notebook = read_notebook(content)
        except ValueError as error:
            return replace(record, reason=str(error))
        picked = pick(notebook, setting.exercises, setting.master)
        marks = tuple(self._mark(exercise, picked[exercise.slug]) for exercise in setting.exercises)
        reasons = [f"{mark.slug}: {mark.headline}" for mark in marks if mark.status != "graded"]
        reasons += [f"{slug}: {cell.problem}" for slug, cell in picked.items() if cell.problem]
        written = written_answers(notebook, [answer.slug for answer in setting.answers])
        notes = (*record.notes, *notebook["notes"])
        return replace(record, marks=marks, reason="; ".join(reasons), notes=notes, answers=written)

    def _mark(self, exercise: Exercise, picked: Picked) -> Mark:
        mark = Mark(exercise.slug, "graded", 0.0, exercise.points, "", notes=picked.notes, cell=picked.source)
        if picked.problem:
            return replace(mark, headline=picked.problem)
        if not picked.written:
            return replace(mark, headline="not written yet")
        seeds, given = self.setting.seeds(exercise), self.given[exercise.slug]
        ended = self.sandbox.run(
            {
                "slug": exercise.slug,
                "cell": picked.source,
                "seeds": seeds,
                "modules": given.modules,
                "names": given.names,
            }
        )
        self.peak = max(self.peak, ended.memory)
        mark = replace(mark, seconds=ended.seconds, log=ended.printed)
        if ended.status != "answered":
            return replace(mark, status=ended.status, headline=f"`{exercise.name}` gave no answer: {ended.reason}")
        try:
            return self._judge(exercise, mark, ended, seeds)
        # What was answered may be anything, and the judge is a long chain of other people's code.
        except Exception as error:
            unreadable = f"`{exercise.name}` gave an answer that cannot be judged ({type(error).__name__})"
            return replace(mark, status="crashed", headline=unreadable)

    def _judge(self, exercise: Exercise, mark: Mark, ended: Outcome, seeds: list[int]) -> Mark:
        head, answered = wire.unpack(ended.payload)
        state, detail = str(head["state"]), str(head["detail"])
        if state != inside.PROBED:
            return self._unprobed(exercise, mark, state, detail, head["notes"])
        # Only what was asked for: a learner's process can answer with more.
        results = {seed: answered.get(seed, {}) for seed in seeds}
        with _judging:
            grade = exercise.assess(results)
            log = mark.log + self._log(exercise, results) if self.thorough else mark.log
        if grade.unwritten:
            return replace(mark, headline="not written yet", log=log)
        notes = mark.notes + _left_out(head["notes"]) * (not grade.passed) + _other_cells(results)
        return replace(_told(mark, outcome(exercise, grade), grade), notes=notes, log=log)

    def _unprobed(self, exercise: Exercise, mark: Mark, state: str, detail: str, left_out: list) -> Mark:
        """The mark of a cell that gave nothing to probe."""
        name, notes = exercise.name, mark.notes + _left_out(left_out)
        if state == inside.WRONG_KIND:
            grade = exercise.failed(detail)
            return replace(_told(mark, outcome(exercise, grade), grade), notes=notes)
        headlines = {
            inside.NOT_DEFINED: f"the cell does not define the name `{name}`",
            inside.NOT_RUN: detail,
            inside.INTERRUPTED: f"`{name}` interrupted itself: it raised KeyboardInterrupt",
        }
        return replace(mark, headline=headlines[state], notes=notes)

    def _log(self, exercise: Exercise, results: dict) -> str:
        """Every result on every seed, and what the judge says of it."""
        lines = []
        for seed, got in results.items():
            expected = exercise.probe(exercise.reference, seed)
            for prop in exercise.properties:
                message = difference(expected[prop.name], got.get(prop.name))
                shown = "as it should be" if message is None else message
                lines.append(f"seed {seed}  {prop.name}: expected {describe(expected[prop.name])}; {shown}")
        return "\n" + "\n".join(lines) + "\n"


def _told(mark: Mark, feedback: Feedback, grade: Grade) -> Mark:
    listed = feedback.grade.verdicts if feedback.grade else ()
    verdicts = tuple((verdict.property.text, verdict.passed, verdict.message) for verdict in listed)
    return replace(mark, score=grade.score, headline=feedback.headline, lead=feedback.lead, verdicts=verdicts)


def _left_out(notes: list) -> tuple[str, ...]:
    """What to say of the statements of a cell that failed: the process itself names them."""
    return tuple(f"A statement of the cell failed and was left out: {str(note)[:300]}." for note in notes[:5])


def _other_cells(results: dict) -> tuple[str, ...]:
    """The commonest trap: a helper that stands in another cell."""
    raised = [r for got in results.values() for r in got.values() if isinstance(r, Raised) and r.kind == "NameError"]
    text = "A grader reads this exercise's cell alone. What it uses from another cell has to be defined in it."
    return (text,) if raised else ()
