"""From an exercise's solution to what the learner is given: signature, docstring, and a line to replace.

A stub is the master's cell with every solution region put out and one generated line in its place. There is no way to
write a line for the stub alone: whatever a learner is given also ran in the solution.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mmlearn.course.builder.problems import Mistake

MARKER = re.compile(r"( *)### (BEGIN|END) SOLUTION")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Region:
    """A solution region: the lines of its two markers in the cell, counted from 1, and their indentation."""

    begin: int
    end: int
    indent: str


def find_regions(source: str) -> list[Region]:
    """The solution regions of a cell.

    Raises:
        Mistake: markers that are misspelt, nested, unbalanced, or indented otherwise than the code between them.
    """
    regions, opened = [], None
    for number, line in enumerate(source.split("\n"), 1):
        marker = MARKER.fullmatch(line)
        if not marker:
            if re.search(r"#.*\b(BEGIN|END) SOLUTION", line, re.IGNORECASE):
                raise Mistake(number, "a marker is `### BEGIN SOLUTION` or `### END SOLUTION`, alone on its line")
            continue
        indent, kind = marker.groups()
        if kind == "BEGIN" and opened:
            raise Mistake(number, "a solution region begins inside another one")
        if kind == "BEGIN":
            opened = (number, indent)
        elif not opened:
            raise Mistake(number, "a solution region ends that never began")
        else:
            region = Region(opened[0], number, opened[1])
            _refuse_ragged(region, source.split("\n"), indent)
            regions.append(region)
            opened = None
    if opened:
        raise Mistake(opened[0], "a solution region begins and never ends")
    return regions


def make_stub(source: str, slug: str) -> str:
    """The learner's version of an exercise cell that parses: each region becomes a line that raises.

    Raises:
        Mistake: the regions are wrong (see `find_regions`), stand outside a function or in `__init__`, or what is
            left does not parse.
    """
    regions, lines = find_regions(source), source.split("\n")
    for region in reversed(regions):
        lines[region.begin - 1 : region.end] = [_stub_line(source, region, slug)]
    stub = "\n".join(lines)
    try:
        ast.parse(stub)
    except SyntaxError as error:
        raise Mistake(
            regions[0].begin, f"without its solution the cell does not parse ({error.msg}): leave the signature outside"
        ) from None
    foreign = foreign_line(stub, source, slug)
    if foreign:  # cannot happen, and would mean that a learner is given something that never ran
        raise Mistake(1, f"a line of stub that is not in the master: {foreign[1]!r}")
    return stub


def foreign_line(stub: str, source: str, slug: str) -> tuple[int, str] | None:
    """The first line of a stub that the master's cell does not give, with its number; None where all is well.

    The stub without the generated lines must be lines of the master outside its regions, in their order.
    """
    regions, lines = find_regions(source), source.split("\n")
    generated = {_stub_line(source, region, slug) for region in regions}
    hidden = {number for region in regions for number in range(region.begin, region.end + 1)}
    given = iter([line for number, line in enumerate(lines, 1) if number not in hidden])
    for number, line in enumerate(stub.split("\n"), 1):
        if line not in generated and line not in given:  # `in` moves the iterator on: this asks for a subsequence
            return number, line
    return None


def solved_functions(source: str) -> list[str]:
    """The qualified names of the functions whose code is in a region, `Attention.forward` for a method."""
    return [_function_around(source, region) for region in find_regions(source)]


def definition(source: str, name: str) -> Function | ast.ClassDef | None:
    """The function or class of this name at the top level of a cell, or None."""
    found = (n for n in ast.parse(source).body if isinstance(n, Function | ast.ClassDef) and n.name == name)
    return next(found, None)


def _refuse_ragged(region: Region, lines: list[str], end_indent: str) -> None:
    code = [line for line in lines[region.begin : region.end - 1] if line.strip() and line.strip()[0] != "#"]
    if not code:
        raise Mistake(region.begin, "a solution region without code")
    if not region.indent == end_indent == re.match(" *", code[0])[0]:
        raise Mistake(region.begin, "the two markers of a region are indented like the first line between them")


def _stub_line(source: str, region: Region, slug: str) -> str:
    name = _function_around(source, region)
    return f'{region.indent}raise NotImplementedError("{slug}: replace this line with your code for {name}")'


def _function_around(source: str, region: Region) -> str:
    """The innermost function that the region is a part of."""
    code = [n for n in range(region.begin + 1, region.end) if source.split("\n")[n - 1].strip()]
    inside = [
        name
        for name, node in _functions(ast.parse(source), "")
        if node.lineno < region.begin and code[0] <= node.end_lineno
    ]
    if not inside:
        raise Mistake(region.begin, "a solution region outside a function: the learner's cell could not even run")
    if inside[-1].split(".")[-1] == "__init__":
        raise Mistake(region.begin, "a solution region in __init__: a learner is given parameter names and shapes")
    return inside[-1]


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    """Every function below a node with its qualified name, outer ones first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield prefix + child.name, child
        inner = prefix + child.name + "." if isinstance(child, Function | ast.ClassDef) else prefix
        yield from _functions(child, inner)
