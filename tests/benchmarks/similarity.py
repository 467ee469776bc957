"""Whether copies stand out and honest pairs do not: python tests/benchmarks/similarity.py [--students 200 --classes 1]

Classes of lessons 01 to 03 are simulated. A student takes the reference, another honest solution or a known mistake,
and writes it in idioms, names and comments drawn by chance; some then hand in another one's work. Printed are the
honest pairs that `mmlearn.course.grader.similarity` reports, and the copies that it finds, by kind. A class depends on
its lesson, its size and its seed alone.
"""

import argparse
import builtins
import inspect
import json
import keyword
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from math import comb
from typing import NamedTuple

from mmlearn.course.exercise import Misconception
from mmlearn.course.grader.similarity import THRESHOLD, lex, pairs
from mmlearn.course.lessons import find
from mmlearn.course.registry import exercises
from mmlearn.paths import root

LESSONS = ("01", "02", "03")


class Kind(NamedTuple):
    """A kind of copy, `EACH` times in a class."""

    label: str
    whole: bool  # all exercises, or only the longest
    depth: int  # of the change: see `copied`
    place: int  # in the class, of the first who was copied; the copyist comes next


AS_IT_WAS, REFORMATTED, RENAMED, OTHER_IDIOMS = range(4)
KINDS = (
    Kind("all exercises, as they were", True, AS_IT_WAS, 0),
    Kind("  reformatted and with other comments", True, REFORMATTED, 4),
    Kind("  with all variables renamed as well", True, RENAMED, 8),
    Kind("  with idioms changed besides", True, OTHER_IDIOMS, 12),
    Kind("one long exercise, as it was", False, AS_IT_WAS, 30),
    Kind("  reformatted and renamed", False, RENAMED, 20),
)
EACH = 2
LEAST = max(kind.place for kind in KINDS) + 2 * EACH  # students in a class

MISTAKES = 0.3  # of the students, in an exercise that has known ones
LIKE_THE_COURSE = 0.5  # of the others, who begin from the reference
OWN_NAMES = 0.7  # of the variables
OWN_IDIOMS, CHANGED_IDIOMS = 0.4, 0.3  # of the places that can be written in another way; of a copyist's
IDIOMS = {
    r"dim=(-?\d)\)": r"\1)",
    r"\.softmax\(dim=-1\)": r".softmax(-1)",
    r"len\((\w+)\)": r"\1.shape[0]",
    r"\.transpose\(-2, -1\)": r".mT",
    r"\.flatten\(2\)": r".flatten(start_dim=2)",
    r"torch\.cat\(\[(.*?)\]": r"torch.cat((\1)",
    r" or ": r" | ",
    r"math\.sqrt\((.*?)\)": r"(\1) ** 0.5",
    r"(\w+) = \1 \+ ": r"\1 += ",
    r"\.reshape\(": r".view(",
    r"if (\w+) != (\w+):": r"if not \1 == \2:",
    r"raise ValueError\(.*\)": r"raise ValueError",
    r"\n(\s+)return ([^\n]{12,})": r"\n\1result = \2\n\1return result",
    r"\.mean\(dim=(\d)\)": r".mean(\1)",
    r"for (\w+) in range\((\w+)\)": r"for \1 in range(0, \2)",
    r"\.shape\[(-?\d)\]": r".size(\1)",
    r"keepdim=True": r"keepdims=True",
    r"\.square\(\)": r" ** 2",
    r"\.transpose\(1, 2\)": r".swapaxes(1, 2)",
    r"x\.shape": r"x.size()",
    r"\.expand\((\w+), -1, -1\)": r".repeat(\1, 1, 1)",
    r"not (\w+)\b:": r"len(\1) == 0:",
}
NAMES = (
    "x y z a b c h w n m k t out res result tmp val data img patch tok q1 k1 score total acc cur row col left top "
    "first second rest all_ pieces part lst vec arr feats emb hid"
)
REMARKS = (
    "compute the scores first",
    "split into heads",
    "todo check this shape",
    "as in the paper",
    "see equation 2",
    "loop over the rows",
    "one for each head",
    "check sizes match first",
    "this was tricky to get right",
    "now put it back together",
    "normalise each of them",
)
FIXED = {*keyword.kwlist, *dir(builtins), "self", "torch", "nn", "F", "math", "Tensor"}  # names that nobody changes


def stubs(lesson: str) -> dict[str, str]:
    """What every student is given, by exercise."""
    notebook = json.loads((root() / "lessons" / find(lesson).file).read_text(encoding="utf-8"))
    cells = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    return {exercise.slug: cells[exercise.slug.replace(".", "-")] for exercise in exercises(lesson)}


@cache
def solutions(lesson: str) -> dict[str, tuple[list[str], list[str]]]:
    """By exercise: right solutions, the reference first, and known mistakes."""
    sys.path.insert(0, str(root() / "tests" / "exercises"))
    from variants import VARIANTS

    master = (root() / "solutions" / f"{find(lesson).stem}.py").read_text(encoding="utf-8")
    references = dict(re.findall(r'# %% exercise="([\w.-]+)"[^\n]*\n(.*?)(?=\n# %%)', master, re.DOTALL))
    return {
        exercise.slug: (
            [references[exercise.slug], *map(inspect.getsource, VARIANTS[exercise.slug])],
            [*written(exercise.misconceptions)],
        )
        for exercise in exercises(lesson)
    }


def written(mistakes: Iterable[Misconception]) -> Iterator[str]:
    """The source of each that has one, from the definition on: what is above it tells of the mistake."""
    for mistake in mistakes:
        with suppress(OSError):  # some are made from others
            source = inspect.getsource(mistake.code)
            yield source[re.search(r"^(?:class|def) ", source, re.MULTILINE).start() :]


def honest(right: list[str], wrong: list[str], rng: random.Random) -> str:
    """An exercise as a student writes it."""
    if wrong and rng.random() < MISTAKES:
        source = rng.choice(wrong)
    else:
        source = right[0] if rng.random() < LIKE_THE_COURSE else rng.choice(right)
    source = renamed(other_idioms(source, OWN_IDIOMS, rng), OWN_NAMES, rng)
    return commented(source, rng.choice([0, 0, 1, 2]), rng)


def copied(source: str, depth: int, rng: random.Random) -> str:
    """Another one's exercise as a copyist hands it in: each depth changes what the one before does, and more."""
    if depth == AS_IT_WAS:
        return source
    if depth >= RENAMED:
        source = renamed(source, 1.0, rng)
    if depth >= OTHER_IDIOMS:
        source = other_idioms(source, CHANGED_IDIOMS, rng)
    return commented(reformatted(source, rng), 2, rng)


def other_idioms(source: str, share: float, rng: random.Random) -> str:
    """With this share of what can be written in another way so written. It need not run: nothing runs it."""
    for idiom, other in IDIOMS.items():

        def write(found: re.Match, other: str = other) -> str:
            return found.expand(other) if rng.random() < share else found[0]

        source = re.sub(idiom, write, source)
    return source


def renamed(source: str, share: float, rng: random.Random) -> str:
    """With this share of the variables renamed: no attributes, keywords of a call, functions, classes or modules."""
    tokens = lex(source)
    kept = FIXED | {token.text for token, before in zip(tokens[1:], tokens, strict=False) if before.text == "."}
    kept |= {name for found in (r"(?:def|class|import) (\w+)", r"(\w+)=") for name in re.findall(found, source)}
    names, pieces, end = {}, [], 0
    for token in tokens:
        if token.kind == "name" and token.text not in kept and token.text not in names:
            names[token.text] = other_name(rng) if rng.random() < share else token.text
        pieces += [source[end : token.start], names.get(token.text, token.text)]
        end = token.end
    return "".join(pieces) + source[end:]


def other_name(rng: random.Random) -> str:
    """A short name, sometimes numbered."""
    return rng.choice(NAMES.split()) + (str(rng.randint(0, 9)) if rng.random() < 0.3 else "")


def commented(source: str, count: int, rng: random.Random) -> str:
    """With so many more comments."""
    lines = source.split("\n")
    for _ in range(count):
        place = rng.randrange(1, len(lines) + 1)
        remark = f"    # {rng.choice(REMARKS)}"
        lines.insert(place, f"{remark} {rng.choice(NAMES.split())}" if rng.random() < 0.5 else remark)
    return "\n".join(lines)


def reformatted(source: str, rng: random.Random) -> str:
    """Without comments, on more lines or without spaces around `=`, each by chance."""

    def over_lines(found: re.Match) -> str:
        inside = found[1].replace(", ", ",\n        ")
        return f"(\n        {inside},\n    )" if rng.random() < 0.3 else found[0]

    if rng.random() < 0.6:
        source = re.sub(r"#[^\n]*", "", source)
    source = re.sub(r"\(([^()\n]*, [^()\n]*)\)", over_lines, source)
    return source.replace(" = ", "=") if rng.random() < 0.5 else source


def simulated(lesson: str, students: int, seed: int) -> tuple[dict[str, dict[str, str]], dict[tuple[str, str], Kind]]:
    """A class as `pairs` takes it, and its copies: the two students, and the kind."""
    rng, known, given = random.Random(seed), solutions(lesson), stubs(lesson)
    names = [f"s{number:03}" for number in range(students)]
    cells = {name: {slug: honest(*known[slug], rng) for slug in known} for name in names}
    longest = max(known, key=lambda slug: len(known[slug][0][0]) - len(given[slug]))
    copies = {}
    for kind in KINDS:
        for place in range(kind.place, kind.place + 2 * EACH, 2):
            writer, copyist = names[place : place + 2]
            for slug in known if kind.whole else [longest]:
                cells[copyist][slug] = copied(cells[writer][slug], kind.depth, rng)
            copies[writer, copyist] = kind
    return cells, copies


def measure(lesson: str, students: int, seed: int) -> Counter:
    """How many copies of each kind are reported, and how many honest pairs by either threshold."""
    cells, copies = simulated(lesson, students, seed)
    found = Counter()
    for pair in pairs(cells, stubs(lesson)):
        by = "all" if pair.similarity >= THRESHOLD else "one"
        found[copies.get((pair.first, pair.second), by)] += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--students", type=int, default=60, help="in a class (default: 60)")
    parser.add_argument("--classes", type=int, default=5, help="of each lesson (default: 5)")
    options = parser.parse_args()
    if options.students < LEAST:
        parser.error(f"a class needs {LEAST} students: there are copies up to there")
    count = len(LESSONS) * options.classes
    found = Counter()
    for lesson in LESSONS:
        for seed in range(options.classes):
            found += measure(lesson, options.students, seed)
    honest_pairs = count * (comb(options.students, 2) - EACH * len(KINDS))
    print(f"{count} classes of {options.students} in lessons {', '.join(LESSONS)}")
    print(f"{'honest pairs above THRESHOLD':<42}{found['all']:>4} of {honest_pairs:,}")
    print(f"{'  above THRESHOLD_ONE alone':<42}{found['one']:>4} of {honest_pairs:,}")
    for kind in KINDS:
        print(f"{kind.label:<42}{found[kind]:>4} of {count * EACH}")


if __name__ == "__main__":
    main()
