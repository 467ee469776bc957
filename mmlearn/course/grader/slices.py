"""The package's code that a learner's process may see: some definitions of a module and what they use, no more.

An exercise's own reference stands beside what the exercise is given, often in one file. So a module is not handed over
whole: its source is cut down to the definitions that are asked for and those that these name, over all modules.
"""

import ast
import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path

Definition = ast.FunctionDef | ast.ClassDef
PACKAGE = "mmlearn."
COURSE, CATALOG = "mmlearn.course.", "mmlearn.course.catalog."  # a learner's process has these whole


def cut(wanted: Iterable[tuple[str, str]], without: tuple[str, str]) -> dict[str, str]:
    """The sources of the modules that hold the wanted definitions and all that these use, by module name.

    Args:
        wanted: (module, name) pairs, modules of this package. What a probe of the catalog uses is followed too, but its
            own source is left out, as is all of `mmlearn.course`.
        without: the (module, name) that must not be among them.

    Raises:
        ValueError: something wanted uses `without`, or a module or name is not found.
    """
    found: dict[str, set[str]] = {}
    waiting = list(wanted)
    while waiting:
        module, name = waiting.pop()
        if (module, name) == without:
            raise ValueError(f"{module}.{name} would be given to the exercise that it is the reference of")
        if name in found.setdefault(module, set()):
            continue
        found[module].add(name)
        waiting += _used_by(module, name)
    return {module: _source(module, names) for module, names in sorted(found.items()) if not module.startswith(COURSE)}


def _used_by(module: str, name: str) -> list[tuple[str, str]]:
    """What a definition names: others of its module, and what it has from other modules of the package."""
    statements = _statements(module)
    if name not in statements:
        raise ValueError(f"{module} defines no {name} at its top level")
    statement = statements[name]
    if isinstance(statement, ast.ImportFrom):
        return _from_package(statement, name)
    inner = [node for node in ast.walk(statement) if isinstance(node, ast.ImportFrom)]  # inside a function
    names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    own = [(module, used) for used in sorted(names & set(statements) - {name})]
    return own + [pair for node in inner for alias in node.names for pair in _from_package(node, alias.name)]


def _from_package(statement: ast.ImportFrom, name: str) -> list[tuple[str, str]]:
    """Where an import statement has `name` from, if that is followed."""
    module = statement.module
    if not module.startswith(PACKAGE) or (module.startswith(COURSE) and not f"{module}.".startswith(CATALOG)):
        return []
    return [(module, next(alias.name for alias in statement.names if name in (alias.asname, alias.name)))]


@cache
def _tree(module: str) -> tuple[str, ast.Module]:
    text = Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")
    return text, ast.parse(text)


@cache
def _statements(module: str) -> dict[str, ast.stmt]:
    """The top-level statement that binds each name."""
    bound = {}
    for statement in _tree(module)[1].body:
        if isinstance(statement, Definition):
            bound[statement.name] = statement
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            bound |= dict.fromkeys((alias.asname or alias.name.split(".")[0] for alias in statement.names), statement)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
            bound |= dict.fromkeys(names, statement)
    return bound


def _source(module: str, names: set[str]) -> str:
    """The chosen statements in their order; an import keeps only the chosen names."""
    text, tree = _tree(module)
    statements, pieces = _statements(module), []
    chosen = {id(statements[name]) for name in names}
    for statement in tree.body:
        if id(statement) not in chosen:
            continue
        if isinstance(statement, ast.Import | ast.ImportFrom):
            kept = [a for a in statement.names if (a.asname or a.name.split(".")[0]) in names]
            statement = type(statement)(**{**dict(ast.iter_fields(statement)), "names": kept})
            pieces.append(ast.unparse(statement))
        else:
            first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])
            pieces.append("\n".join(text.split("\n")[first - 1 : statement.end_lineno]))
    return "\n\n".join(pieces) + "\n"
