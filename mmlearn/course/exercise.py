"""What an exercise is: its card, its probe, its judge and its grade."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from mmlearn.course.judge import NOT_WRITTEN, SEE_ABOVE, describe, difference, follows_from, is_stub
from mmlearn.course.probe import Case, Raised, Result, plain_torch
from mmlearn.course.scope import functions_of


@dataclass(frozen=True)
class Property:
    """One thing that a check looks at, and its share of the points.

    Attributes:
        name: the probe's result of that name.
        text: the property as a sentence that is true of a right solution.
        weight: its share; the shares of an exercise need not sum to anything particular.
        needs: it only counts when this other property counts. For refusals: a function that always raises
            refuses bad input too.
    """

    name: str
    text: str
    weight: int = 1
    needs: str = ""


@dataclass(frozen=True)
class Misconception:
    """A wrong solution that learners write, and the sentence that explains it."""

    name: str
    code: object = field(repr=False)
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """What the judge says of one property; `message` is empty where it holds."""

    property: Property
    passed: bool
    message: str = ""


@dataclass(frozen=True)
class Grade:
    """The outcome of an exercise over some seeds.

    Attributes:
        score: 0 to 1, the weighted share of the properties that hold on every seed.
        verdicts: one a property; a failure is that of the first seed on which it failed.
        diagnosis: the misconception that gives the same wrong results, if one does.
    """

    score: float
    verdicts: tuple[Verdict, ...]
    diagnosis: Misconception | None = None

    @property
    def passed(self) -> bool:
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def unwritten(self) -> bool:
        """Whether nothing is written yet: every call came to the line that a learner is to replace."""
        return all(verdict.message == NOT_WRITTEN for verdict in self.verdicts)

    @property
    def messages(self) -> list[str]:
        """Every failure as `property: what differs`, and the diagnosis last."""
        failures = [f"{v.property.text}: {v.message}" for v in self.verdicts if not v.passed]
        return failures + ([self.diagnosis.sentence] if self.diagnosis else [])


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise of a lesson.

    Attributes:
        slug: `system.part`, unique in the course.
        lesson: the lesson's number, `"01"`.
        name: the function or class that the learner writes.
        title: a short heading.
        difficulty: 1 (a line) to 5 (an evening).
        minutes: how long it takes, without the reading.
        points: what it is worth to a grader.
        hints: opened one at a time, from a nudge to nearly the solution.
        needs: slugs of the exercises whose names this one's code uses.
        uses: names that the lesson's set-up cell imports for it, beyond what every lesson's does.
        methods: for a class, the methods that the learner writes; empty for a function.
        properties: what the check looks at.
        inputs: what the probe calls it with, for a learner who wants to try the same.
        reference_path: `module:name` of the package's own code for it. Resolved when asked for, because a learner's
            sandbox has no reference of the exercise under test.
        trial: `trial(obj, case)` calls the object and records results in the case.
    """

    slug: str
    lesson: str
    name: str
    title: str
    difficulty: int
    minutes: int
    points: int
    hints: tuple[str, ...]
    properties: tuple[Property, ...]
    inputs: str
    reference_path: str
    trial: Callable[[object, Case], None]
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()

    @cached_property
    def reference(self) -> object:
        """The package's own code for this exercise."""
        module, name = self.reference_path.split(":")
        return getattr(importlib.import_module(module), name)

    @cached_property
    def misconceptions(self) -> tuple[Misconception, ...]:
        """The wrong solutions that the check recognises; none in a release that leaves them out."""
        path = f"mmlearn.course.misconceptions.{self.slug.split('.')[0]}"
        try:
            module = importlib.import_module(path)
        except ModuleNotFoundError as error:
            if error.name not in (path, path.rpartition(".")[0]):  # the file is there, and what it imports is not
                raise
            return ()
        return tuple(module.MISCONCEPTIONS.get(self.slug, ()))

    def probe(self, obj: object, seed: int) -> dict[str, Result]:
        """Run `obj` on the inputs of `seed`; give its results by property name. Holds no expected values."""
        case = Case(seed)
        with plain_torch(seed), _references_in_place(obj, self.needs):
            try:
                self.trial(obj, case)
            except KeyboardInterrupt:
                raise
            # What the object raised outside a `record` (in its __init__, say) answers for every property left.
            except BaseException as error:
                failure = case.record("", lambda error=error: _reraise(error))
                del case.results[""]
                for prop in self.properties:
                    case.results.setdefault(prop.name, failure)
        return case.results

    def judge(self, expected: dict[str, Result], got: dict[str, Result]) -> tuple[Verdict, ...]:
        """Hold the results of a probe against the reference's for the same seed: one verdict a property."""
        absent = Raised("unusable", "the probe ended before this was measured")
        got = {p.name: got.get(p.name, absent) for p in self.properties}
        messages = {name: difference(expected[name], result) for name, result in got.items()}
        first = self.properties[0].name
        verdicts = []
        for prop in self.properties:
            message = messages[prop.name]
            if message is None and not self._counts(prop, messages):
                message = "counts once the rest is right"
            elif message is not None and prop.name != first and messages[first] is not None:
                follows = follows_from(expected[first], got[first], got[prop.name])
                message = SEE_ABOVE if follows else message
            verdicts.append(Verdict(prop, message is None, message or ""))
        return tuple(verdicts)

    def _counts(self, prop: Property, messages: dict[str, str | None], above: tuple[str, ...] = ()) -> bool:
        """Whether a property holds and, in turn, the one that it needs; two may need each other."""
        if messages[prop.name] is not None or not prop.needs or prop.needs in above:
            return messages[prop.name] is None
        needed = next(other for other in self.properties if other.name == prop.needs)
        return self._counts(needed, messages, (*above, prop.name))

    def grade(self, obj: object, seeds: Iterable[int] = range(3)) -> Grade:
        """Probe and judge `obj` on every seed.

        Args:
            obj: the learner's function or class; what is no such thing at all scores 0 with a message.
            seeds: a property must hold on all of them.

        Raises:
            ValueError: there is no seed, so nothing could fail.
        """
        seeds = tuple(seeds)
        wrong_kind = self.wrong_kind(obj)
        if wrong_kind and seeds:
            return self.failed(wrong_kind)
        return self.assess({seed: self.probe(obj, seed) for seed in seeds})

    def failed(self, message: str) -> Grade:
        """The grade of what could not be probed at all: no property holds, for one reason."""
        return Grade(0.0, tuple(Verdict(p, False, message) for p in self.properties))

    def assess(self, results: Mapping[int, dict[str, Result]]) -> Grade:
        """Judge what a learner's object gave, on the seeds by which the results are keyed.

        Raises:
            ValueError: there is no seed, so nothing could fail.
        """
        if not results:
            raise ValueError("a grade needs at least one seed")
        failed: dict[str, Verdict] = {}
        diagnosis = None
        for seed, got in results.items():
            expected = self._known(self.reference, seed)
            for verdict in self.judge(expected, got):
                if not verdict.passed:
                    failed.setdefault(verdict.property.name, verdict)
            diagnosis = diagnosis or self.diagnose(expected, got, seed)
        verdicts = tuple(failed.get(p.name, Verdict(p, True)) for p in self.properties)
        total = sum(p.weight for p in self.properties)
        score = sum(v.property.weight for v in verdicts if v.passed) / total
        return Grade(score, verdicts, diagnosis)

    def diagnose(self, expected: dict[str, Result], got: dict[str, Result], seed: int) -> Misconception | None:
        """The misconception that gives exactly the learner's wrong results on this seed, and no others, if one does.

        What is not written yet is left out, so that half an exercise is diagnosed too.
        """
        written = [p.name for p in self.properties if not is_stub(got.get(p.name))]
        telling = _telling(written, expected, got)
        for misconception in self.misconceptions if telling else ():
            theirs = self._known(misconception.code, seed)
            same = all(_same_mistake(theirs.get(name), got.get(name)) for name in telling)
            if same and _telling(written, expected, theirs) == telling:
                return misconception
        return None

    def _known(self, code: object, seed: int) -> dict[str, Result]:
        """The results of the course's own code, probed once for each seed."""
        key = (code, seed)
        if key not in self._memory:
            self._memory[key] = self.probe(code, seed)
        return self._memory[key]

    @cached_property
    def _memory(self) -> dict:
        return {}

    def wrong_kind(self, obj: object) -> str:
        """Why `obj` cannot be probed at all; empty when it can."""
        right = isinstance(obj, type) if self.methods else callable(obj) and not isinstance(obj, type)
        if right:
            return ""
        got = "a class" if isinstance(obj, type) else "None" if obj is None else describe(obj)
        return f"`{self.name}` should be a {'class' if self.methods else 'function'}; got {got}"


def _telling(names: list[str], expected: dict[str, Result], results: dict[str, Result]) -> list[str]:
    """Which of these properties fail and tell two mistakes apart."""
    wrong = [name for name in names if difference(expected[name], results.get(name)) is not None]
    # A missing refusal looks alike in every solution that forgot it; it tells something when all else is right.
    return [name for name in wrong if not isinstance(expected[name], Raised)] or wrong


def _same_mistake(theirs: Result, got: Result) -> bool:
    if isinstance(theirs, Raised) and isinstance(got, Raised):
        return (theirs.kind, theirs.text) == (got.kind, got.text)
    return theirs is not None and got is not None and difference(theirs, got) is None


def _reraise(error: BaseException) -> None:
    raise error


@contextmanager
def _references_in_place(obj: object, needs: tuple[str, ...]):
    """While it is probed, let `obj` see references under the names of the exercises that it needs.

    So one mistake costs once: an encoder is not marked down for the attention that it calls.
    """
    from mmlearn.course.registry import find

    spaces = {id(f.__globals__): f.__globals__ for f in functions_of(obj)}.values()
    needed = {find(slug).name: find(slug).reference for slug in needs}
    absent = object()
    before = [(space, name, space.get(name, absent)) for space in spaces for name in needed]
    try:
        for space, name, _ in before:
            space[name] = needed[name]
        yield
    finally:
        for space, name, old in before:
            if old is absent:
                space.pop(name, None)
            else:
                space[name] = old
