"""Typed numbers: those in a lesson's text that come from nowhere, and are wrong after the next run.

A number in text is right where it is no result: in a citation, in code or mathematics, in an address, as a small count
without a unit, or as a whole number that stands in the lesson's own code, where it is a setting. A fraction is never
taken for a setting: an accuracy of 0.7 would pass because a slider ends there. Everything else is rendered by `say`.
"""

import ast
import re
import sys
from collections.abc import Container, Iterable, Iterator

SMALL = 12  # a count up to here is a word: 2 halves, 4 × 4 patches, 7 exercises
EVERY = range(sys.maxsize)  # whole number
GAP = "\N{OBJECT REPLACEMENT CHARACTER}"  # stands where something was taken out, so that its neighbours stay apart
REMEDY = 'let code say it, say(f"... {value} ..."), or put a setting in `backticks`'
PLAIN = "say(...) in which nothing is filled in: plain text belongs in a markdown cell"

NUMBER = re.compile(
    r"(?<![^\W_])(?<![A-Za-z][-_/])(?<![^\W_]\.)"  # not the end of a name: v1, UTF-8, ViT-B/16, A.1
    r"(?:\d{1,3}(?:[,_ \u00a0\u2009\u202f]\d{3})+(?!\d)|\d+|\.(?=\d))"  # 1,000 or 1000 or the dot of .5
    r"(?:\.?\d+)*(?:[eE][-+]?\d+)?(?:\^-?\d+|[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?"
)
# What is measured. A number before one of these is a result even where it stands in the code for something else.
MEASURED = (
    r"[%‰]|per ?cent(?:age)?\b|(?:µs|ms|s|sec|min|h|seconds?|milliseconds?|microseconds?|minutes?|hours?|days?)\b"
    r"|(?:[kKMGT]i?B|(?:kilo|mega|giga)?bytes?|thousand|million|billion|trillion)\b"
)
MAGNITUDE = r"[kKMGTB]\b"  # 86M, 7B: only without a space, for B is also an axis
UNIT = r"(?:[kMG]?Hz|dB|[kM]?bps|bits?|[MGT]?FLOPs?|degrees?)\b"
MORE = r"(?:\s*(?:to|or|and|[-–])\s*\d[\d.,]*)*"  # in "70 to 90 seconds" the 70 has a unit too
BEHIND = re.compile(rf"(?:{MAGNITUDE}|{MORE}[\s-]?(?:(?P<measured>{MEASURED})|{UNIT}))")

YEAR = r"(?:19[5-9]\d|20[0-3]\d)"
REFERENCE = r"\(?(?:[A-Z]\.?)?\d{1,2}(?:\.\d+)*[a-z]?\)?(?!\w|\s?%)"
CITED = r"(?:lesson|section|equation|figure|table|algorithm|question|chapter|part)"
FREE = [  # taken out in this order
    re.compile(pattern, re.MULTILINE | re.DOTALL)
    for pattern in (
        r"^(```|~~~).*?^\1",
        r"(?<!`)(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)",
        r"\$\$.+?\$\$|(?<![\\$])\$(?!\$)(?:(?!\n\n)[^$])+\$",
        r"</?[A-Za-z!][^>]*>|&#\w+;",
        # the title of a paper: in italics, before its venue and year
        rf"(?<!\*)\*[A-Z][^*]*\s[^*]*\s[^*]*\*(?=,\s[^.;]*?(?:arXiv|{YEAR}))",
        r"\]\([^)]*\)|\b\d+_[A-Za-z]\w*(?:\.\w+)?|^\[[^\]]+\]: .*?$|https?://\S+|\b10\.\d{4,}/\S+|\barXiv:\s?\d{4}\.\d{4,5}(?:v\d+)?",
        r"^#{1,6} +\d+(?= ·)|^[ >]*\d{1,2}[.)](?=\s)",
        rf"\b(?:[A-Z]\w*|in|since|until|from|before|after|by)\s{YEAR}(?=\s*(?:[,.;:)*\]]|$))",
        rf"\bal\.,?\s\(?{YEAR}|\({YEAR}\)",
        rf"\b(?i:{CITED}s|appendices)\s{REFERENCE}(?:(?:,\s|,?\s(?:and|to|or)\s|\s?[–-]\s?){REFERENCE})*",
        rf"(?:\b(?i:{CITED}|appendix)\s|§\s?){REFERENCE}",
        r"\b9[059]\s?%(?=\s(?:\w+\s)?(?:intervals?|confidence)\b)",  # the name of an interval
    )
]


def settings(trees: Iterable[ast.AST]) -> set[float]:
    """All numbers that stand in a lesson's code, comments and texts left out."""
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {float(node.value) for node in nodes if type(node.value) in (int, float)}


def text_with_numbers(text: str, known: Container[float]) -> Iterator[tuple[int, str]]:
    """Line and message of every typed number in markdown text; `known` are whole numbers that may stand."""
    bare = text
    for pattern in FREE:
        bare = pattern.sub(lambda found: re.sub(r"[^\n]", GAP, found[0]), bare)
    for number in NUMBER.finditer(bare):
        unit = BEHIND.match(bare, number.end())
        if not _allowed(number[0], unit, known):
            written = " ".join(bare[number.start() : (unit or number).end()].split())
            line = bare.count("\n", 0, number.start()) + 1
            yield line, f"a typed number, {written}: {REMEDY}"


def _allowed(number: str, unit: re.Match | None, known: Container[float]) -> bool:
    if not re.fullmatch(r"[\d,_\s]+", number):  # 0.7 and 2e-3; 1.0 too, for a count is not written so
        return False
    value = int(re.sub(r"[,_\s]", "", number))
    if unit is None:
        return value in known or value <= SMALL
    setting = not unit["measured"] and not re.match(MAGNITUDE, unit[0])
    return setting and value in known


def code_with_numbers(tree: ast.AST, known: set[float]) -> Iterator[tuple[int, str]]:
    """Line and message of every typed number in what a cell says: in `say`, `predict`, `reveal`, `print` and alt texts.

    Only what is written counts; what an f-string fills in is computed. What is printed may hold any whole number.
    """
    given = _assigned(tree)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", None))
        said = list(_said(call, name))
        if name == "say" and said and _is_plain(said[0], given):
            yield call.lineno, PLAIN
        for line, text in (written for expression in said for written in _written(expression, given)):
            for _, message in text_with_numbers(text, EVERY if name == "print" else known):
                yield line, message


PROSE = {  # what a reader is told: a function to its arguments, by name and by place
    "say": {"text": 0},
    "predict": {"question": 1},
    "reveal": {"alt": 3, "text": 4},
    "show": {"alt": 1},
    "explore": {"alt": 1},
}


def _said(call: ast.Call, name: str | None) -> Iterator[ast.expr]:
    """The arguments of a call that are text for a reader."""
    if name == "print":
        yield from call.args
    for argument, place in PROSE.get(name, {}).items():
        yield from [word.value for word in call.keywords if word.arg == argument] or call.args[place : place + 1]


def _assigned(tree: ast.AST) -> dict[str, list[ast.expr]]:
    """What a cell assigns to each name, so that a text cannot hide in a variable."""
    found = {}
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(getattr(node, "value", None), ast.expr):
                found.setdefault(target.id, []).append(node.value)
    return found


def _written(node: ast.expr, given: dict[str, list[ast.expr]]) -> Iterator[tuple[int, str]]:
    """Line and text of the written parts of an expression; GAP stands where an f-string fills something in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    elif isinstance(node, ast.JoinedStr):
        yield node.lineno, "".join(part.value if isinstance(part, ast.Constant) else GAP for part in node.values)
    elif isinstance(node, ast.Name):
        for value in given.get(node.id, []):
            yield from _written(value, {})
    for part in _parts(node):
        yield from _written(part, given)


def _parts(node: ast.expr) -> list[ast.expr]:
    """Where else in an expression texts stand: in sums, choices and joined lists; not in what a call or index gets."""
    match node:
        case ast.JoinedStr(values=parts):
            filled = [part.value for part in parts if isinstance(part, ast.FormattedValue)]
            return [value for value in filled if isinstance(value, ast.IfExp)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [left, right]
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.Call(func=ast.Attribute(attr="join"), args=[joined]):
            return [joined]
        case ast.GeneratorExp(elt=part) | ast.ListComp(elt=part) | ast.Lambda(body=part) | ast.Starred(value=part):
            return [part]
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return parts
    return []


def _is_plain(node: ast.expr, given: dict[str, list[ast.expr]]) -> bool:
    """Whether an expression is the same text on every run."""
    match node:
        case ast.Constant():
            return True
        case ast.JoinedStr(values=parts):
            return all(isinstance(part, ast.Constant) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _is_plain(left, given) and _is_plain(right, given)
        case ast.Name(id=name):
            return name in given and all(_is_plain(value, {}) for value in given[name])
    return False
