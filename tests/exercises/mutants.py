"""Automatic mutants: the reference with one thing changed.

A mutant changes an operator, an axis or another constant, drops a term, a call or a statement, swaps two members, or
detaches the result. Each must be noticed by the exercise's check.
"""

import ast
import copy
import inspect
import textwrap
import types
from collections.abc import Iterable, Iterator

from mmlearn.course import exercises

OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
}


def mutants(
    reference: object, methods: Iterable[str] = (), needs: Iterable[object] = ()
) -> Iterator[tuple[str, object]]:
    """Every mutant as (description, mutated object): of a function and its file's functions that it calls; of a class.

    Of a class these methods are changed, and those that they call, inherited ones too. What the exercise needs stays as
    it is, and a base class that has an exercise of its own: that is another exercise.

    The description names the changed code and what it became, so it stays the same when other lines move.
    """
    if not isinstance(reference, type):
        yield from _function_mutants(reference)
        for helper in (f for f in _helpers(reference) if f not in needs):
            for text, function in _function_mutants(helper):
                yield f"{helper.__name__}: {text}", _calling(reference, {helper.__name__: function})
        return
    for method in _reached(reference, methods):
        for text, function in _function_mutants(method):
            yield f"{method.__name__}: {text}", type(reference.__name__, (reference,), {method.__name__: function})


def _helpers(function) -> list:
    """The functions of the same file that this one calls."""
    called = (function.__globals__.get(name) for name in function.__code__.co_names)
    return [f for f in called if inspect.isfunction(f) and f.__module__ == function.__module__]


def _calling(function, others: dict):
    """The function as it is, but with other ones behind the names that it calls."""
    copied = types.FunctionType(function.__code__, {**function.__globals__, **others}, argdefs=function.__defaults__)
    copied.__kwdefaults__ = function.__kwdefaults__
    return copied


def _reached(reference: type, methods: Iterable[str]) -> list:
    """The functions behind these methods and behind what they use of `self`, in the order of the classes."""
    there = _own_functions(reference)
    waiting, found = list(methods), set()
    while waiting:
        name = waiting.pop()
        if name not in found and name in there:
            found.add(name)
            waiting += _members(ast.parse(textwrap.dedent(inspect.getsource(there[name]))))
    return [function for name, function in there.items() if name in found]


def _own_functions(reference: type) -> dict[str, types.FunctionType]:
    """The functions of a class and of its bases in the course, but for bases that are another exercise's reference."""
    others = [exercise.reference for exercise in exercises() if exercise.reference is not reference]
    kinds = [k for k in reference.__mro__ if k.__module__.startswith("mmlearn.") and k not in others]
    functions = {name: f for kind in kinds for name, f in vars(kind).items() if getattr(reference, name) is f}
    return {name: f for name, f in functions.items() if inspect.isfunction(f)}


def _function_mutants(function) -> Iterator[tuple[str, object]]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    definition.body = [s for s in definition.body if not _is_docstring(s)]
    seen = set()
    for path, node in list(_walk(definition)):
        for new in _changes(node, definition):
            mutated = copy.deepcopy(tree)
            _replace(mutated.body[0], path, new)
            text = f"{ast.unparse(node)} -> {ast.unparse(new) if new else '(removed)'}"
            key = ast.unparse(mutated)
            if key in seen or key == ast.unparse(tree):
                continue
            seen.add(key)
            space = dict(function.__globals__)
            exec(compile(ast.fix_missing_locations(mutated), f"<mutant of {function.__name__}>", "exec"), space)
            yield text, space[function.__name__]


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _walk(node: ast.AST, path: tuple = ()) -> Iterator[tuple[tuple, ast.AST]]:
    for field, value in ast.iter_fields(node):
        if field in ("args", "returns", "annotation", "decorator_list") and isinstance(node, ast.FunctionDef):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST):
                here = (*path, (field, index))
                yield here, child
                yield from _walk(child, here)


def _replace(root: ast.AST, path: tuple, new: ast.AST | None) -> None:
    for field, index in path[:-1]:
        root = getattr(root, field) if index is None else getattr(root, field)[index]
    field, index = path[-1]
    if index is None:
        setattr(root, field, new)
    elif new is None:
        getattr(root, field)[index] = ast.Pass()
    else:
        getattr(root, field)[index] = new


def _changes(node: ast.AST, definition: ast.FunctionDef) -> Iterator[ast.AST | None]:
    """What may stand in the place of a node; None removes a statement."""
    if isinstance(node, ast.BinOp):
        if type(node.op) in OPERATORS:
            yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
        else:
            yield ast.BinOp(node.right, node.op, node.left)
        yield node.left
        yield node.right
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
        yield from node.values
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)
    elif isinstance(node, ast.Call):
        yield from _dropped_call(node)
    elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self":
        yield from (ast.Attribute(node.value, other, node.ctx) for other in sorted(_members(definition) - {node.attr}))
    elif isinstance(node, ast.Return):
        yield ast.Return(ast.Call(ast.Attribute(node.value, "detach", ast.Load()), [], []))
        yield ast.Return(ast.UnaryOp(ast.USub(), node.value))
    elif isinstance(node, ast.If | ast.Raise | ast.For | ast.Assign | ast.Expr):
        yield None


def _dropped_call(node: ast.Call) -> Iterator[ast.AST]:
    """`x.f(...)` becomes `x`; `f(x, ...)` becomes `x`; two arguments swap places."""
    module = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in (
        "torch",
        "F",
        "math",
        "nn",
        "self",
    )
    if isinstance(node.func, ast.Attribute) and not module:
        yield node.func.value
    elif node.args and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]
    for first in range(len(node.args) - 1):
        swapped = list(node.args)
        swapped[first], swapped[first + 1] = swapped[first + 1], swapped[first]
        yield ast.Call(node.func, swapped, node.keywords)


def _members(definition: ast.AST) -> set[str]:
    return {n.attr for n in ast.walk(definition) if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "self"}
