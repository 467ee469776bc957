"""Copies stand out by what is rare in a class; honest likeness, the stub and short code do not."""

import inspect
import json
import random
import re
from collections.abc import Iterable

import pytest

from mmlearn.course.grader import similarity
from mmlearn.course.grader.similarity import THRESHOLD, Pair, lex, pairs, similarity_csv
from mmlearn.course.registry import exercises
from mmlearn.paths import root
from tests.exercises.variants import VARIANTS

PARTS = (
    "{} = {}.reshape(len({}), -1, {})",
    "{} = torch.einsum('bnd,bmd->bnm', {}, {})",
    "{} = {}.softmax(dim=-1) @ {}",
    "for {} in range({}.shape[0]): {} += 1",
    "{} = [{}.flatten(1) for {} in {}.unbind(1)]",
    "{} = torch.cat([{}, {}[:, 1:]], dim=1)",
    "if {}.shape[1] != {}: raise ValueError({})",
    "{} = ({} - {}.mean(0)) / {}.norm(dim=-1, keepdim=True)",
    "{} = F.pad({}, (0, 0, {}, 1))",
    "{} = {}.permute(0, 2, 1, 3).contiguous().view({}, -1)",
    "{} = torch.where({} > 0, {}, -{})",
    "{}, {} = {}.chunk(2, dim=-1)",
)
NAMES = [
    "x",
    "y",
    "q",
    "k",
    "v",
    "rows",
    "columns",
    "patches",
    "tokens",
    "scores",
    "out",
    "total",
    "part",
    "left",
    "top",
]
HEAD = 'def f(x):\n    """What it does, in some words."""\n'
STUB = f'{HEAD}    raise NotImplementedError("replace this line with your code")\n'


def code(seed: str, statements: int = 14) -> str:
    """A function that somebody wrote by themselves: such statements as all write, in another order, of other names."""
    draw = random.Random(seed)
    lines = []
    for _ in range(statements):
        part = draw.choice(PARTS)
        lines.append("    " + part.format(*draw.choices(NAMES, k=part.count("{}"))))
    return "\n".join([HEAD, *lines, "    return out\n"])


def renamed(source: str) -> str:
    """Other names and line breaks, trailing commas, comments that were not there."""
    for name in NAMES:
        source = re.sub(rf"(?<!\.)\b{name}\b", f"my_{name}", source)
    source = re.sub(r", dim", ",  # the axis\n            dim", source)
    source = re.sub(r"\(([\w, ]+), 1\)", r"(\n        \1,\n        1,\n    )", source)
    return source.replace(" = ", "=").replace("    return", "    # at last\n    return")


def a_class(size: int, slugs: Iterable[str] = "abc") -> dict[str, dict[str, str]]:
    return {f"s{n:03}": {slug: code(f"{n} {slug}") for slug in slugs} for n in range(size)}


def look(cells: dict[str, dict[str, str]], stub: str = STUB) -> list[Pair]:
    return pairs(cells, {slug: stub for own in cells.values() for slug in own})


def copied(cells: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    return [(pair.first, pair.second) for pair in look(cells)]


def test_two_who_wrote_by_themselves_are_not_alike():
    assert look(a_class(30)) == []


@pytest.mark.parametrize("change", [str, renamed, lambda source: source.replace("\n", "  # so\n")])
def test_a_copy_is_found_whatever_it_is_called_and_however_it_is_set(change):
    cells = a_class(20)
    cells["thief"] = {slug: change(source) for slug, source in cells["s007"].items()}
    assert copied(cells) == [("s007", "thief")]


def test_one_exercise_taken_over_in_its_wording_is_found():
    cells = a_class(20)
    cells["s003"]["b"] = cells["s011"]["b"]
    (pair,) = look(cells)
    assert (pair.first, pair.second, pair.highest, pair.identical) == ("s003", "s011", "b", ("b",))
    assert pair.similarity < THRESHOLD < pair.highest_similarity <= 1


def test_a_ring_is_found_as_all_its_pairs():
    cells = a_class(30)
    for name in ("t1", "t2", "t3"):
        cells[name] = {slug: renamed(source) for slug, source in cells["s000"].items()}
    assert len(look(cells)) == 6


def test_what_much_of_the_class_has_says_nothing():
    """Such as what the lecture showed."""
    cells = a_class(20) | {f"t{n:02}": {slug: code(slug) for slug in "abc"} for n in range(10)}
    assert look(cells) == []


def test_a_comment_in_the_same_words_tells_more_than_code(monkeypatch):
    monkeypatch.setattr(similarity, "THRESHOLD", 0)
    degrees = []
    for remark in ("", "    # divide first or else it explodes, see my notes\n"):
        cells = a_class(6, ("a",))
        for name in ("s001", "s002"):
            cells[name]["a"] = code("the same", 3).replace("    return", f"{remark}    return")
        degrees += [pair.similarity for pair in look(cells) if (pair.first, pair.second) == ("s001", "s002")]
    assert 0 < degrees[0] < degrees[1]


@pytest.mark.parametrize("line", ["return x.mean(dim=0)", "return x.sum(0) / len(x)", "return torch.mean(x, dim=0)"])
def test_one_line_is_never_enough(line):
    mean = f"def f(x):\n    {line}\n"
    assert look({"a": {"m": mean}, "b": {"m": mean}}) == []
    assert look(a_class(12, ("m",)) | {"a": {"m": mean}, "b": {"m": mean}}) == []


@pytest.mark.parametrize("source", ["", " \n\n", STUB, "def f(x):\n    pass\n", "# TODO: write this one day, really\n"])
def test_what_is_not_written_is_like_nothing(source):
    cells = a_class(5) | {name: dict.fromkeys("abc", source) for name in ("t1", "t2")}
    assert look(cells) == []


def test_the_stub_is_nobodys():
    given = "\n".join(f"    given_{n} = torch.zeros({n}, {n + 1}).flatten()" for n in range(40))
    stub = f"def f(x):\n{given}\n"
    cells = {f"s{n}": {"a": stub + code(str(n)).replace("def f(x):", "")} for n in range(4)}
    assert look(cells, stub) == []


def test_the_order_of_students_changes_nothing_and_the_rest_neither():
    cells = a_class(8)
    cells["thief"] = {slug: renamed(source) for slug, source in cells["s002"].items()}
    turned = {name: cells[name] for name in reversed(cells)}
    assert look(cells) == look(turned) and len(look(cells)) == 1


def test_what_is_shared_is_shown_as_it_was_written_and_short():
    cells = a_class(10)
    cells["thief"] = {slug: renamed(source) for slug, source in cells["s002"].items()}
    (pair,) = look(cells)
    own = " ".join(cells["s002"][pair.highest].split())
    assert pair.shared.rstrip("…") in own and 20 < len(pair.shared) <= similarity.SAMPLE_CHARACTERS


def test_a_class_of_200_is_compared_by_what_it_shares():
    cells = {f"s{n:03}": {slug: code(f"{n} {slug}", 10) for slug in "ab"} for n in range(200)}
    for thief, victim in (("s010", "s150"), ("s020", "s021")):
        cells[thief] = {slug: renamed(source) for slug, source in cells[victim].items()}
    assert copied(cells) == [("s010", "s150"), ("s020", "s021")]


BROKEN = [
    "def f(:\n  x = 'never closed\n '''nor this",
    '"' * 3 + "\\" * 9,
    '"\\' * 50_000,
    "'" * 100_001,
    "(" * 200_000,
    "\x00\ud800\u2028 é 变量 = 1",
    "f'''" * 40_000,
    "#" * 200_000,
    "x" * 200_000,
]


@pytest.mark.parametrize("source", BROKEN, ids=range(len(BROKEN)))
def test_broken_code_is_lexed_in_bounded_work(source):
    tokens = lex(source)
    assert len(tokens) <= similarity.MAX_TOKENS
    assert all(token.text == source[token.start : token.end] for token in tokens)
    look({"a": {"m": source}, "b": {"m": source}})


def test_lexing_leaves_nothing_out_but_blanks():
    source = code("whole") + 'x = rb\'a\\\'b\' + f"""two\nlines"""  # end\ny //= 1.5e-3 if x != 2 else -1'
    tokens, place = lex(source), 0
    for token in tokens:
        assert not source[place : token.start].strip()
        place = token.end
    assert place == len(source)
    assert {"rb'a\\'b'", 'f"""two\nlines"""', "# end", "//=", "!="} <= {token.text for token in tokens}


def test_honest_solutions_of_the_course_are_not_alike():
    """The variants of a lesson are by one author, who wrote each another way: four students."""
    for lesson in ("01", "02", "03"):
        cells = {f"s{n}": {} for n in range(4)}
        for exercise in exercises(lesson):
            for number, variant in enumerate(VARIANTS[exercise.slug]):
                cells[f"s{number}"][exercise.slug] = inspect.getsource(variant)
        assert pairs(cells, stubs(lesson)) == []


def stubs(lesson: str) -> dict[str, str]:
    (path,) = (root() / "lessons").glob(f"{lesson}_*.ipynb")
    cells = {cell.get("id"): "".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]}
    return {exercise.slug: cells[exercise.slug.replace(".", "-")] for exercise in exercises(lesson)}


def test_the_spreadsheet_has_a_row_a_pair_and_computes_nothing():
    cells = a_class(10)
    cells["=thief()"] = dict(cells["s002"])
    head, row, end = similarity_csv(look(cells)).split("\r\n")
    assert head.startswith("student a,student b,similarity,") and end == ""
    assert row.startswith("'=thief(),s002,") and ",a b c," in row
