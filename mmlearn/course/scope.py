"""Which names a learner's code uses that a grader would not have.

A grader takes the exercise's cell alone, with the lesson's set-up cell and references for what the exercise needs.
"""

import ast
import builtins
import dis
import linecache
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType

# What every lesson's set-up cell imports for its exercises.
SETUP_NAMES = frozenset({"math", "torch", "nn", "F", "Tensor"})


def foreign_globals(obj: object, allowed: Iterable[str]) -> list[str]:
    """Global names that `obj` uses and that come from elsewhere in the notebook than its own cell.

    Args:
        obj: a function or class.
        allowed: names that a grader has besides `SETUP_NAMES` and the builtins.
    """
    members = [getattr(m, "__func__", m) for m in vars(obj).values()] if isinstance(obj, type) else [obj]
    found = set()
    for function in members:
        if isinstance(function, FunctionType):
            used = set(_loaded(function.__code__)) & set(function.__globals__)
            found |= used - _bound_in_file(function.__code__.co_filename)
    return sorted(found - SETUP_NAMES - set(allowed) - set(dir(builtins)) - {getattr(obj, "__name__", "")})


def _loaded(code: CodeType) -> Iterator[str]:
    yield from (i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME"))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _loaded(constant)


def _bound_in_file(filename: str) -> set[str]:
    """Names that the cell binds at its top level. IPython gives every cell a file name and its source to linecache."""
    try:
        body = ast.parse("".join(linecache.getlines(filename))).body
    except SyntaxError:  # a cell with magics
        return set()
    names = set()
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            names.add(statement.name)
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
        else:
            names |= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return names
