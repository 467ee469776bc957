"""The project's own files: one list of requirements, a free licence, nothing of the machine it was written on."""

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from mmlearn.paths import root

PYPROJECT = tomllib.loads((root() / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
LISTS = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
REQUIREMENTS = {canonicalize_name(r.name): r for r in (Requirement(line) for lines in LISTS for line in lines)}
PINS = {
    canonicalize_name(r.name): r
    for r in (
        Requirement(line)
        for line in (root() / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    )
}


def pinned(name: str) -> Version:
    (specifier,) = PINS[name].specifier
    assert specifier.operator == "==", f"{name} is not pinned to one version"
    return Version(specifier.version)


def installed(name: str) -> Version | None:
    try:
        # Without the local label: torch's CPU build is 2.13.0+cpu and satisfies the pin 2.13.0.
        return Version(Version(importlib.metadata.version(name)).public)
    except importlib.metadata.PackageNotFoundError:
        return None


# --- requirements -----------------------------------------------------------------------------------------------------


def test_conda_gives_python_and_pip_and_pip_the_rest():
    environment = yaml.safe_load((root() / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == PROJECT["name"]
    plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    python = [entry.removeprefix("python=") for entry in plain if entry.startswith("python=")]
    assert sorted(plain) == ["pip", f"python={python[0]}"], "every other package comes from pyproject.toml"
    assert SpecifierSet(PROJECT["requires-python"]).contains(python[0])
    assert f"Python {python[0]}" in (root() / "constraints.txt").read_text(encoding="utf-8"), "the Python of the pins"
    assert pip == ["-c constraints.txt", "-e ."]


@pytest.mark.parametrize("name", PINS)
def test_a_pin_is_inside_the_range_of_pyproject(name):
    assert pinned(name).local is None, "a build label would bind the pin to one kind of machine"
    if name in REQUIREMENTS:
        assert REQUIREMENTS[name].specifier.contains(pinned(name))


@pytest.mark.parametrize("name", sorted(set(PINS) | set(REQUIREMENTS) - {"mmlearn"}))
def test_what_is_installed_is_what_was_asked_for(name):
    version = installed(name)
    assert version or name not in REQUIREMENTS, f"{name} is not installed: pip install -c constraints.txt -e '.[dev]'"
    if version and name in PINS:
        assert version == pinned(name)
    if version and name in REQUIREMENTS:
        assert REQUIREMENTS[name].specifier.contains(version)


# Where a library of an extra may be used; all else runs on a learner's machine, which has none.
EXTRA_OF = {
    "course/builder/": "build",
    "data/build": "build",
    "eval/recogniser": "build",
    "eval/mos": "judges",
    "bench/": "peers",
    "course/grader/gradebook": "grade",
    "course/grader/cluster": "cluster",
}
# What comes with a library that is named, by its own promise.
COMES_WITH = {
    "ipython": "ipykernel",
    "jupyter-client": "ipykernel",
    "jupyter-core": "ipykernel",
    "pyzmq": "ipykernel",
    "cycler": "matplotlib",
}
COMES_WITH |= {"nbformat": "nbgrader", "traitlets": "nbgrader", "sqlalchemy": "nbgrader"}


@pytest.mark.parametrize("file", sorted((root() / "mmlearn").rglob("*.py")), ids=lambda f: str(f.name))
def test_what_a_module_imports_is_asked_for(file):
    """A library that only another one brings along is missing where that one is not installed."""
    place = str(file.relative_to(root() / "mmlearn"))
    extras = [extra for start, extra in EXTRA_OF.items() if place.startswith(start)]
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
    asked = {canonicalize_name(Requirement(line).name) for lines in lists for line in lines}
    distributions = importlib.metadata.packages_distributions()
    beside = {path.stem for path in file.parent.glob("*.py")}  # what a script may import without its package
    for name in imported(file) - {"mmlearn"} - beside - set(sys.stdlib_module_names):
        owners = {canonicalize_name(owner) for owner in distributions[name]}
        assert owners & asked or {COMES_WITH.get(owner) for owner in owners} & asked, f"{place} imports {name}"


@pytest.mark.parametrize("file", sorted((root() / "lessons").glob("*.ipynb")), ids=lambda f: f.stem)
def test_a_lesson_needs_no_library_that_a_learner_has_not(file):
    """What tests and the makers of data sets install may be used where it is there: inside a `try`."""
    asked = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    distributions = importlib.metadata.packages_distributions()
    needed = [node for node in ast.parse(code).body if not isinstance(node, ast.Try)]
    for name in names_in(ast.Module(needed, [])) - {"mmlearn"} - set(sys.stdlib_module_names):
        assert {canonicalize_name(owner) for owner in distributions[name]} & asked, f"{file.name} imports {name}"


def imported(file: Path) -> set[str]:
    """The top-level names of all modules that a file imports."""
    return names_in(ast.parse(file.read_text(encoding="utf-8")))


def names_in(tree: ast.AST) -> set[str]:
    """The top-level names of all modules that code imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


def test_dev_holds_every_other_extra():
    (dev,) = (Requirement(line) for line in PROJECT["optional-dependencies"]["dev"])
    assert dev.name == PROJECT["name"]
    assert dev.extras == set(PROJECT["optional-dependencies"]) - {"dev"}


def test_every_requirement_has_its_reason():
    lines = (root() / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if re.match(r'\s+"[\w.-]+[^"]*",', line)]
    assert len(listed) == len(REQUIREMENTS) - 1  # all but mmlearn itself, which `dev` names on the line of its list
    assert [line for line in listed if not re.search(r"# \w+", line)] == []


# --- files ------------------------------------------------------------------------------------------------------------


def test_the_licence_is_mit():
    text = " ".join((root() / "LICENSE").read_text(encoding="utf-8").split())
    assert PROJECT["license"] == "MIT" and PROJECT["license-files"] == ["LICENSE"]
    assert text.startswith("MIT License Copyright (c) ")
    assert "Permission is hereby granted, free of charge, to any person obtaining a copy of this software" in text
    assert 'THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND' in text


# Written so that this file does not hold what it looks for.
FOREIGN = [
    re.escape(f"{Path(folder).resolve()}/")  # of this machine, whatever it is called
    for folder in (root(), Path.home(), sys.prefix)
    if len(Path(folder).resolve().parts) > 1
]
FOREIGN += [
    *(f"/{folder}/[a-z]" for folder in ("home", "Users", "root")),
    r"\.\./" + "shared/",
    *(rf"{host}\.{domain}" for host, domain in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))),
]


def committed() -> list[str]:
    """Files that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root(),
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted({name for name in listed.stdout.split("\0") if name and (root() / name).is_file()})


def test_no_file_names_this_machine_or_a_registry():
    pattern, found, read = re.compile("|".join(FOREIGN)), [], 0
    for name in committed():
        if name.endswith((".parquet", ".safetensors", ".png", ".flac")):
            continue
        read += 1
        for number, line in enumerate((root() / name).read_text(encoding="utf-8").splitlines(), 1):
            found += [f"{name}:{number}: {match.group()}" for match in pattern.finditer(line)]
    assert read > 50 and found == []


def test_the_pattern_finds_what_it_should():
    pattern = re.compile("|".join(FOREIGN))
    for text in ("/ro" + "ot/x", "/ho" + "me/ann/x", "https://py" + "pi.org/simple", "registry.npm" + "js.org"):
        assert pattern.search(text)
    for text in ("work/progress.json", "pip install mmlearn", "/home", "the root folder"):
        assert not pattern.search(text)


def test_a_learners_folder_is_never_committed():
    assert [name for name in committed() if name.startswith(("work/", ".venv/", "build/"))] == []


def test_every_direct_dependency_is_pinned():
    """What the README says of the constraints: these versions were tried together."""
    assert set(REQUIREMENTS) - {"mmlearn"} <= set(PINS)
