"""What importing costs, and that imports go down only."""

import ast
import json
import subprocess
import sys

import pytest

from mmlearn.paths import root

HEAVY = {"torch", "datasets", "matplotlib", "IPython", "ipywidgets", "transformers"}
PACKAGE = root() / "mmlearn"
# Which floors of the house a floor may stand on, besides itself.
FLOORS = {
    "nn": set(),
    "models": {"nn"},
    "hub": {"nn", "models", "paths", "files"},
    "data": {"nn", "models", "paths", "files"},
    "train": {"nn", "models", "paths", "files"},
    "eval": {"nn", "models", "paths"},
    "experiments": {"nn", "models", "data", "train", "eval", "paths", "files"},
    "bench": {"nn", "models", "hub", "train", "paths", "files"},
    "paths": set(),
    "files": set(),
    "__init__": set(),
}
NOTEBOOKS = {"IPython", "ipywidgets", "matplotlib", "nbformat", "jupytext", "nbclient", "nbgrader"}
FILES = sorted(PACKAGE.rglob("*.py"))


def floor(file) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(file) -> set[str]:
    """All modules that a file names in an import, wherever it stands, in full."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            # `from mmlearn import data` imports a floor as well as `from mmlearn.data import load`.
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import mmlearn", set()),
        ("import mmlearn.course", set()),
        ("import mmlearn.data", set()),
        ("import mmlearn.cli", set()),
        ("from mmlearn.course import progress", set()),
        ("import mmlearn.train, mmlearn.models.vit, mmlearn.eval.classification", {"torch"}),
    ],
)
def test_an_import_loads_nothing_heavy(statement, allowed):
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) & HEAVY <= allowed


def test_a_check_loads_no_figures_and_no_data():
    code = (
        "import json, sys\nfrom mmlearn.course import check\ncheck('vit.patchify', lambda x, P: x)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout.splitlines()[-1])) & HEAVY == {"torch"}


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_go_down_only(file):
    if floor(file) in ("course", "cli", "__main__"):
        assert floor(file) != "course" or "mmlearn.cli" not in imported(file)
        return
    ours = {name.split(".")[1] for name in imported(file) if name.startswith("mmlearn.")}
    assert ours <= FLOORS[floor(file)] | {floor(file)}


@pytest.mark.parametrize("file", [f for f in FILES if floor(f) == "nn"], ids=lambda f: f.name)
def test_the_ground_floor_uses_torch_alone(file):
    outside = {name.split(".")[0] for name in imported(file)} - {"mmlearn"} - set(sys.stdlib_module_names)
    assert outside <= {"torch"}


def test_nothing_below_course_knows_of_notebooks():
    below = [file for file in FILES if floor(file) not in ("course", "cli")]
    assert len(below) > 10
    for file in below:
        assert not {name.split(".")[0] for name in imported(file)} & NOTEBOOKS, file


def test_there_is_no_circle_between_modules_of_a_floor():
    """Imports at the top of files alone: one inside a function breaks a circle on purpose."""
    edges = {}
    for file in FILES:
        name = ".".join(file.relative_to(root()).with_suffix("").parts).removesuffix(".__init__")
        tops = [n for n in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(n, ast.ImportFrom)]
        edges[name] = {n.module for n in tops} | {f"{n.module}.{a.name}" for n in tops for a in n.names}
    for start, first in edges.items():
        reached, waiting = set(), list(first)
        while waiting:
            name = waiting.pop()
            if name in edges and name not in reached:
                reached.add(name)
                waiting += edges[name]
        assert start not in reached, f"{start} imports itself by a detour"


def test_course_offers_what_it_lists():
    import mmlearn.course as course

    assert all(getattr(course, name) for name in course.__all__)
    with pytest.raises(AttributeError, match="has no 'chek'; it has check"):
        _ = course.chek


def test_no_module_hides_a_name_that_course_offers():
    """Importing `mmlearn.course.x` sets the attribute `x` of the package: it would take the place of a function `x`."""
    import mmlearn.course as course

    assert not set(course.__all__) & {file.stem for file in (PACKAGE / "course").iterdir()}
