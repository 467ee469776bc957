"""Which names a learner's code uses that a grader would not have.

A grader takes the exercise's cell alone, with the lesson's set-up cell and references for what the exercise needs.
"""

import ast
import builtins
import dis
import inspect
import linecache
import symtable
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
    waiting, seen, found = list(functions_of(obj)), set(), _names_of_signature(obj)
    while waiting:
        function = waiting.pop()
        seen.add(function)
        space, file = function.__globals__, function.__code__.co_filename
        own = _bound_in_file(file)
        if own is None:
            continue
        used = set(_loaded(function.__code__)) & set(space)
        found |= used - own
        # What a helper in the same cell uses, `obj` uses.
        helpers = [f for name in used & own for f in functions_of(space[name]) if f.__code__.co_filename == file]
        waiting += [f for f in helpers if f not in seen]
    return sorted(found - SETUP_NAMES - set(allowed) - set(dir(builtins)) - {getattr(obj, "__name__", "")})


def functions_of(obj: object) -> Iterator[FunctionType]:
    """A function itself, or those that a class body defines, without their decorators."""
    for member in vars(obj).values() if isinstance(obj, type) else [obj]:
        function = inspect.unwrap(getattr(member, "fget", None) or getattr(member, "__func__", member))
        if isinstance(function, FunctionType):
            yield function


def _names_of_signature(obj: object) -> set[str]:
    """Names that the `def` or `class` statement itself reads: bases, decorators, defaults, annotations."""
    for function in functions_of(obj):
        file, space = function.__code__.co_filename, function.__globals__
        own = _bound_in_file(file)
        if own is None:
            return set()
        body = ast.parse("".join(linecache.getlines(file))).body
        mine = [node for node in body if getattr(node, "name", None) == obj.__name__]
        return set(_loaded(compile(ast.Module(mine, []), file, "exec"))) & set(space) - own
    return set()


def _loaded(code: CodeType) -> Iterator[str]:
    yield from (i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME"))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _loaded(constant)


def _bound_in_file(filename: str) -> set[str] | None:
    """Names that the cell binds at its top level; None where its source is not known, as under `%%time`.

    IPython gives every cell a file name and its source to linecache.
    """
    source = "".join(linecache.getlines(filename))
    try:
        symbols = symtable.symtable(source, filename, "exec").get_symbols()
    except SyntaxError:
        return None
    return {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()} if source else None
