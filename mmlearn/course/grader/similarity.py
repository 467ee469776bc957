"""Which submissions look copied: an indication for a person to look at, never a proof.

Exercises are short and one idea has few spellings, so most likeness is honest. What tells a copy is likeness in what is
rare in this class. A cell is lexed (never parsed: it may be broken) and cut into runs of a few tokens, as in Schleimer
et al. 2003, "Winnowing"; all runs are kept, because cells are short. It is looked at in two ways:

    wording     names, numbers and texts as they stand; each comment and each longer text besides
    structure   names that one can change are all alike; attributes, keywords and numbers stand as they are

Neither sees spaces, line breaks or trailing commas. Runs of the stub are left out. A run weighs the more, the fewer
students have it, and nothing once `COMMON` of the class have it. The likeness of two students is the weight of what
they share over the mean weight of what they wrote, in the way that shows more; `DOUBT` is added to what they wrote, so
that little code cannot be very alike.

Measured by `python tests/benchmarks/similarity.py` on 15 simulated classes of 60 in lessons 01 to 03. A student takes
the reference, another honest solution or a known mistake, and writes it in idioms, names and comments drawn by chance;
some then hand in another one's work.

    3 of 26,370 honest pairs came above `THRESHOLD`, and none above `THRESHOLD_ONE` alone
    30 of 30 copies of all exercises were found as they were, 30 reformatted and with other comments, 30 with all
        variables renamed as well, and 26 with idioms changed besides
    26 of 30 copies of one long exercise were found as they were; four were too short. None of 30 was found renamed

In three classes of 200 (`--students 200 --classes 1`), 4 of 59,664 honest pairs came above `THRESHOLD`, and 3 others
above `THRESHOLD_ONE` alone.

One exercise alone is judged by its wording, because two who make the same rare mistake by themselves are alike in
structure up to 0.93. So a single renamed one is not found. In a class of fewer than ten little can be called rare.
"""

import builtins
import keyword
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, combinations
from typing import NamedTuple

from mmlearn.course.grader.reports import spreadsheet

WORDING, STRUCTURE = 0, 1
RUN = {WORDING: 5, STRUCTURE: 8}  # tokens; a run without names says less, so it is longer
COMMON = 1 / 4  # of the class, though never fewer than `FEW` students: they may all have copied
FEW = 6
OTHERS = 8  # as if so many more were in the class, with other code: in a class of two everything shared is "rare"
REMARK = 4  # a comment weighs as much as so many runs
DOUBT = 60.0
THRESHOLD = 0.7  # of all exercises together
THRESHOLD_ONE = 0.75  # of one exercise, and of its wording: see above
LEAST_RUNS = 8  # of structure outside the stub; with fewer, a cell counts as not written
MAX_CHARACTERS, MAX_TOKENS = 40_000, 4_000  # of a cell: the work is bounded, whatever was handed in
SAMPLE_RUNS, SAMPLE_CHARACTERS = 24, 160

# Every alternative that has begun also ends: a text that is never closed goes to the end of its line, or of the cell.
# So the lexer never looks at a character twice.
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<text>[rbfuRBFU]{0,2}(?:\"\"\"(?:.|\n)*?(?:\"\"\"|\Z)|'''(?:.|\n)*?(?:'''|\Z)
        |"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))
    |(?P<name>[^\W\d]\w*)
    |(?P<number>\d[\w.]*)
    |(?P<sign>(?:\*\*|//|<<|>>|[-+*/%@&|^=!<>:])=|\*\*|//|<<|>>|->|\S)""",
    re.VERBOSE,
)
# Names that a copyist cannot change: the language's, and what the lessons import.
_FIXED = frozenset(keyword.kwlist) | frozenset(dir(builtins))
_FIXED |= {"self", "torch", "nn", "F", "math", "Tensor"}
_WRITTEN_WORDS = 3  # a comment or a text of fewer words is no remark


class Token(NamedTuple):
    """A token of a cell, and where it stands."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Pair:
    """Two submissions that look alike.

    Attributes:
        first, second: the students, in alphabetical order.
        similarity: 0 to 1, over all exercises that both wrote.
        highest: the exercise that is most alike.
        highest_similarity: of that exercise alone.
        identical: exercises whose cells are the same to the letter, comments and all.
        shared: what both have and few others, as `first` wrote it; cut.
    """

    first: str
    second: str
    similarity: float
    highest: str
    highest_similarity: float
    identical: tuple[str, ...] = ()
    shared: str = ""


def pairs(cells: Mapping[str, Mapping[str, str]], stubs: Mapping[str, str]) -> list[Pair]:
    """The pairs above a threshold, the most alike first.

    Args:
        cells: of each student, the source of each exercise; "" or the stub where nothing was written.
        stubs: what every student was given, by exercise.
    """
    compared = [_Exercise(slug, cells, stub) for slug, stub in sorted(stubs.items())]
    by_pair: dict[tuple[str, str], dict[str, _Likeness]] = defaultdict(dict)
    for exercise in compared:
        for both, likeness in exercise.likenesses():
            by_pair[both][exercise.slug] = likeness
    exercises = {exercise.slug: exercise for exercise in compared}
    found = [pair for both, alike in by_pair.items() if (pair := _judge(both, alike, exercises))]
    return sorted(found, key=lambda pair: (-max(pair.similarity, pair.highest_similarity), pair.first, pair.second))


def similarity_csv(alike: Iterable[Pair]) -> str:
    """The pairs for a spreadsheet. To be written as "utf-8-sig", see `reports.spreadsheet`."""
    head = ("student a", "student b", "similarity", "most alike", "its similarity", "identical", "shared")
    rows = []
    for pair in alike:
        alone = (pair.highest, pair.highest_similarity, " ".join(pair.identical), pair.shared)
        rows.append((pair.first, pair.second, pair.similarity, *alone))
    return spreadsheet(head, rows)


class _Likeness(NamedTuple):
    """Of one exercise and two students, by way of looking: the weight of what both share, and of what each wrote."""

    shared: list[float]
    written: list[float]

    def degree(self, way: int) -> float:
        return 2 * self.shared[way] / (self.written[way] + DOUBT)

    @property
    def way(self) -> int:
        """The way of looking that shows more."""
        return max((WORDING, STRUCTURE), key=self.degree)


def _judge(both: tuple[str, str], alike: Mapping[str, _Likeness], exercises: Mapping[str, "_Exercise"]) -> Pair | None:
    """The pair, if it is above a threshold. Only exercises that both wrote count."""
    whole = _Likeness([0.0, 0.0], [0.0, 0.0])
    for slug, exercise in exercises.items():
        if all(student in exercise.cells for student in both):
            likeness = alike.get(slug) or exercise.unlike(both)
            for way in RUN:
                whole.shared[way] += likeness.shared[way]
                whole.written[way] += likeness.written[way]
    slug = max(alike, key=lambda slug: alike[slug].degree(WORDING))
    worded = alike[slug].degree(WORDING) >= THRESHOLD_ONE
    if whole.degree(whole.way) < THRESHOLD and not worded:
        return None
    if not worded:
        slug = max(alike, key=lambda slug: alike[slug].degree(alike[slug].way))
    identical = tuple(name for name, exercise in exercises.items() if exercise.identical(both))
    sample = exercises[slug].sample(both, alike[slug].way)
    similarity, highest = (round(one.degree(one.way), 3) for one in (whole, alike[slug]))
    return Pair(*both, similarity, slug, highest, identical, sample)


class _Cell:
    """A learner's cell: its runs in order by way of looking, without those of the stub, and where each stands."""

    def __init__(self, source: str, stub_runs: Mapping[int, set[str]]) -> None:
        self.source = source
        tokens = lex(source)
        self.runs = {way: [run for run in _runs(tokens, way) if run[0] not in stub_runs[way]] for way in RUN}

    @cached_property
    def sets(self) -> dict[int, dict[str, None]]:
        """Each run once. Dictionaries, because a set has another order in each process, and sums depend on it."""
        return {way: dict.fromkeys(run for run, _, _ in runs) for way, runs in self.runs.items()}

    @property
    def written(self) -> bool:
        return len(self.sets[STRUCTURE]) >= LEAST_RUNS


class _Exercise:
    """The cells of one exercise, and how much each run weighs."""

    def __init__(self, slug: str, cells: Mapping[str, Mapping[str, str]], stub: str) -> None:
        self.slug = slug
        stub_runs = {way: {run for run, _, _ in _runs(lex(stub), way)} for way in RUN}
        every = {student: _Cell(own.get(slug, ""), stub_runs) for student, own in sorted(cells.items())}
        self.cells = {student: cell for student, cell in every.items() if cell.written}
        self.holders = {way: self._holders(way) for way in RUN}
        self.weights = {
            way: {run: self._weight(run, len(have)) for run, have in self.holders[way].items()} for way in RUN
        }
        self.totals = {
            student: [sum(self.weights[way][run] for run in cell.sets[way]) for way in RUN]
            for student, cell in self.cells.items()
        }

    def _holders(self, way: int) -> dict[str, list[str]]:
        holders = defaultdict(list)
        for student, cell in self.cells.items():
            for run in cell.sets[way]:
                holders[run].append(student)
        return holders

    def _weight(self, run: str, holders: int) -> float:
        if holders > max(FEW, COMMON * len(self.cells)):
            return 0.0
        return math.log((len(self.cells) + OTHERS) / holders) * (REMARK if run.startswith("#") else 1)

    def likenesses(self) -> Iterator[tuple[tuple[str, str], _Likeness]]:
        """Of each two students who share a run that weighs something, found from the run to those who have it."""
        shared = defaultdict(lambda: [0.0, 0.0])
        for way in RUN:
            for run, holders in self.holders[way].items():
                if len(holders) > 1 and (weight := self.weights[way][run]):
                    for both in combinations(holders, 2):
                        shared[both][way] += weight
        for both, amounts in shared.items():
            yield both, _Likeness(amounts, self.unlike(both).written)

    def unlike(self, both: tuple[str, str]) -> _Likeness:
        """As if they shared nothing."""
        first, second = (self.totals[student] for student in both)
        return _Likeness([0.0, 0.0], [a + b for a, b in zip(first, second, strict=True)])

    def identical(self, both: tuple[str, str]) -> bool:
        if not all(student in self.cells for student in both):
            return False
        first, second = (self.cells[student].source.rstrip().splitlines() for student in both)
        return [line.rstrip() for line in first] == [line.rstrip() for line in second]

    def sample(self, both: tuple[str, str], way: int) -> str:
        """The stretch of the first one's cell in which most of what is shared and rare stands."""
        cell, other = (self.cells[student] for student in both)
        runs = sorted(cell.runs[way], key=lambda run: run[1])  # a remark stands where it was written
        weights = [self.weights[way][run] if run in other.sets[way] else 0.0 for run, _, _ in runs]
        sums = [0.0, *accumulate(weights)]
        last = len(runs)
        first = max(range(last), key=lambda i: sums[min(i + SAMPLE_RUNS, last)] - sums[i])
        chosen = zip(runs[first : first + SAMPLE_RUNS], weights[first:], strict=False)
        stretch = [(start, end) for (_, start, end), weight in chosen if weight]
        text = " ".join(cell.source[stretch[0][0] : max(end for _, end in stretch)].split())
        return text if len(text) <= SAMPLE_CHARACTERS else f"{text[: SAMPLE_CHARACTERS - 1]}…"


def lex(source: str) -> list[Token]:
    """The tokens of a cell, broken or not, in time that grows with its length; the first `MAX_TOKENS` of them."""
    tokens = []
    for match in _TOKEN.finditer(source[:MAX_CHARACTERS]):
        if len(tokens) == MAX_TOKENS:
            break
        tokens.append(Token(match.lastgroup, match.group(), *match.span()))
    return tokens


def _runs(tokens: Sequence[Token], way: int) -> Iterator[tuple[str, int, int]]:
    """Runs of so many tokens, each with its start and end; for the wording also remarks, which begin with `#`."""
    code = [token for token in tokens if token.kind != "comment"]
    # A comma that ends a list is a matter of layout.
    neighbours = zip(code, [*code[1:], None], strict=False)
    code = [one for one, after in neighbours if not (one.text == "," and after and after.text in ")]}")]
    words = list(_wording(code) if way == WORDING else _structure(code))
    for start in range(len(code) - RUN[way] + 1):
        end = start + RUN[way]
        yield " ".join(words[start:end]), code[start].start, code[end - 1].end
    if way == WORDING:
        yield from _remarks(tokens)


def _wording(code: Sequence[Token]) -> Iterator[str]:
    for token in code:
        yield f'"{_content(token)}"' if token.kind == "text" else token.text


def _structure(code: Sequence[Token]) -> Iterator[str]:
    before = ""
    for token in code:
        if token.kind == "text":
            yield '""'
        elif token.kind == "name" and token.text not in _FIXED and before != ".":
            yield "name"
        else:
            yield token.text
        before = token.text


def _remarks(tokens: Sequence[Token]) -> Iterator[tuple[str, int, int]]:
    """Comments and texts of some words: what one does not write twice the same by chance."""
    for token in tokens:
        if token.kind in ("comment", "text"):
            words = _content(token).split()
            if len(words) >= _WRITTEN_WORDS:
                yield f"# {' '.join(words).lower()}", token.start, token.end


def _content(token: Token) -> str:
    return token.text.lstrip("rbfuRBFU").strip("#\"' ")
