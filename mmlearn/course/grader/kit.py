"""What a learner's process is given: the course's probes, and for each exercise the references that it needs.

The probes hold no expected values, so all of them may be seen. Of the models there is only what an exercise declares:
references of the exercises before it (`needs`), and names that its lesson's set-up cell imports for it (`uses`).
"""

import ast
import hashlib
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmlearn.course.exercise import Exercise
from mmlearn.course.grader.slices import COURSE, PACKAGE, cut
from mmlearn.course.lessons import find as find_lesson
from mmlearn.course.registry import find
from mmlearn.files import write_whole
from mmlearn.paths import root

INSIDE = "mmlearn.course.grader.inside"  # what runs there; all that it imports of the course comes along
FOLDERS = ("mmlearn", "mmlearn.course", "mmlearn.course.grader")


@dataclass(frozen=True)
class Given:
    """What one exercise's process is given.

    Attributes:
        modules: their sources by name, cut down to what is needed.
        names: what stands in the cell's namespace, as (name, module, name there); the module may be Python's own.
    """

    modules: dict[str, str]
    names: tuple[tuple[str, str, str], ...]


def given(exercise: Exercise) -> Given:
    """The references and names of an exercise.

    Raises:
        ValueError: they would hold the exercise's own reference, or its lesson imports no such name.
    """
    needs = [(need.name, *need.reference_path.split(":")) for need in map(find, exercise.needs)]
    imported = _imports_of(exercise.lesson)
    missing = [name for name in exercise.uses if name not in imported]
    if missing:
        raise ValueError(f"{exercise.slug} uses {', '.join(missing)}, which lesson {exercise.lesson} does not import")
    names = [*needs, *((name, *imported[name]) for name in exercise.uses)]
    probe = (exercise.trial.__module__, exercise.trial.__name__)
    wanted = [(module, there) for _, module, there in names if module.startswith(PACKAGE)]
    return Given(cut([*wanted, probe], tuple(exercise.reference_path.split(":"))), tuple(names))


def write(folder: Path) -> None:
    """Write the probes into a folder, as a package `mmlearn` that has nothing else."""
    for module, source in modules().items():
        inner = "/__init__.py" if module in FOLDERS or module == "mmlearn.course.catalog" else ".py"
        write_whole(folder / (module.replace(".", "/") + inner), source.encode())


def modules() -> dict[str, str]:
    """The modules of the kit and their sources, by name."""
    catalog = importlib.util.find_spec("mmlearn.course.catalog").submodule_search_locations[0]
    waiting = [INSIDE, *(f"mmlearn.course.catalog.{path.stem}" for path in sorted(Path(catalog).glob("[a-z]*.py")))]
    found = dict.fromkeys((*FOLDERS, "mmlearn.course.catalog"), "")  # the packages' own code would import far more
    while waiting:
        module = waiting.pop()
        if module not in found:
            found[module] = Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")
            waiting += _course_imports(found[module])
    return dict(sorted(found.items()))


def version(lesson: str, exercises: list[Exercise]) -> str:
    """12 hexadecimal digits that change when the checks of a lesson do: its probes, the judge, the references."""
    parts = [modules()]
    for exercise in exercises:
        reference = cut([tuple(exercise.reference_path.split(":"))], without=("", ""))
        parts.append([exercise.slug, exercise.points, reference])
    return hashlib.sha256(json.dumps([lesson, parts], sort_keys=True).encode()).hexdigest()[:12]


def _course_imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom) or not f"{node.module}.".startswith(COURSE):
            continue
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield (
                inner
                if importlib.util.find_spec(node.module).submodule_search_locations and _exists(inner)
                else (node.module)
            )


def _exists(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _imports_of(lesson: str) -> dict[str, tuple[str, str]]:
    """Where a lesson's notebook has each imported name from."""
    notebook = json.loads((root() / "lessons" / find_lesson(lesson).file).read_text(encoding="utf-8"))
    found = {}
    for cell in notebook["cells"]:
        for node in ast.walk(ast.parse("".join(cell["source"]))) if cell["cell_type"] == "code" else ():
            if isinstance(node, ast.ImportFrom):
                found |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
    return found
