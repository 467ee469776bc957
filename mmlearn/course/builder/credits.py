"""The data sets that a lesson loads, and the cell that credits them."""

import ast
from collections.abc import Callable

from mmlearn.course.builder.master import Master
from mmlearn.course.builder.problems import BuildError, Problem

MODULE = "mmlearn.data"


def credits_text(master: Master, credit: Callable[[str], str]) -> str:
    """Markdown with the credit of every data set that the lesson loads, in the order of first use; "" for none.

    Args:
        credit: gives a set's credit line by its name, as `mmlearn.data.credit` does.

    Raises:
        BuildError: a set is loaded by a computed name, or has no credit.
    """
    names, problems = {}, []
    for line, call in _loads(master):
        name = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        if not isinstance(name, str):
            problems.append(Problem(line, 'name the data set in the call, load("emoji"): its credit is found by it'))
        elif name not in names:
            try:
                names[name] = credit(name)
            except Exception as error:  # whatever it is, the author hears where
                problems.append(Problem(line, f"no credit for data set {name!r}: {error}"))
    if problems:
        raise BuildError(master.path, problems)
    lines = [f"- `{name}`: {text.strip()}" for name, text in names.items()]
    return "\n".join(["## Credits", "", "Pictures and sounds in this lesson come from:", "", *lines]) if lines else ""


def _loads(master: Master) -> list[tuple[int, ast.Call]]:
    """Every call of `mmlearn.data.load` with its line in the master, by whatever name it was imported."""
    trees = [(cell, ast.parse(cell.source)) for cell in master.code]
    names = {name for _, tree in trees for name in _names_of_load(tree)}
    return [
        (cell.line + node.lineno, node)
        for cell, tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names
    ]


def _names_of_load(tree: ast.AST) -> list[str]:
    """What a cell's imports call it: `load`, `data.load`, `mmlearn.data.load`, or an `as` name."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == MODULE:
            names += [alias.asname or alias.name for alias in node.names if alias.name == "load"]
        elif isinstance(node, ast.ImportFrom) and node.module == "mmlearn":
            names += [f"{alias.asname or alias.name}.load" for alias in node.names if alias.name == "data"]
        elif isinstance(node, ast.Import):
            names += [f"{alias.asname or MODULE}.load" for alias in node.names if alias.name in (MODULE, "mmlearn")]
    return names
