"""The two notebooks of a lesson: how its master becomes them, byte for byte the same on every machine."""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from mmlearn.course.answer import PLACEHOLDER
from mmlearn.course.builder.cards import answer_card, below_heading, exercise_card, lesson_card
from mmlearn.course.builder.credits import credits_text
from mmlearn.course.builder.master import Cell, Master, read_master
from mmlearn.course.builder.problems import BuildError, Problem
from mmlearn.course.builder.rules import refuse_mistakes
from mmlearn.course.builder.stub import make_stub
from mmlearn.course.lessons import reading_minutes

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}
# Imports fail first where a Jupyter of another Python opens a notebook. The lessons' kernel is `python3`, which every
# Jupyter has. One of our own name would have to stand in the user's folder, and would stay there when the course
# has gone.
WRONG_PYTHON = '# An error here, "No module named ..."? Then another Python runs this: use `mmlearn lab`.'
NBVAL_LINE = re.compile(r"#\s*NBVAL_CHECK_OUTPUT\s*")


class Lesson(NamedTuple):
    """A built lesson: what its master holds, and its notebooks as nbformat nodes. Neither has outputs yet."""

    master: Master
    student: object
    solution: object


def build_lesson(
    path: Path,
    exercises: Mapping[str, object],
    credit: Callable[[str], str],
    answers: Mapping[str, object] = MappingProxyType({}),
) -> Lesson:
    """Build both notebooks of a lesson from its master.

    Args:
        path: `solutions/NN_name.py`.
        exercises: every exercise of the course by slug.
        credit: a data set's credit line by its name.
        answers: every written answer of the course by slug.

    Raises:
        BuildError: with every authoring mistake, its file and line.
    """
    master = read_master(path)
    refuse_mistakes(master, exercises, answers)
    footer = credits_text(master, credit)
    if footer and any(cell.id == "credits" for cell in master.cells):
        line = next(cell.line for cell in master.cells if cell.id == "credits")
        raise BuildError(path, [Problem(line, "the credits are written by the builder: take this cell out")])
    student, solution = (_notebook(master, exercises, answers, footer, solved) for solved in (False, True))
    # Reading time is that of a learner's whole notebook, exercise cards and all, so the lesson's card comes last.
    card = lesson_card(master, reading_minutes(student), exercises, answers)
    for first in (student.cells[0], solution.cells[0]):
        if first.cell_type == "markdown":
            first.source = below_heading(first.source, card)
    return Lesson(master, student, solution)


def dumps(notebook) -> bytes:
    """A valid notebook as the bytes of its file: sorted keys, one trailing newline."""
    import nbformat

    nbformat.validate(notebook)
    return (nbformat.writes(notebook, version=4).rstrip("\n") + "\n").encode()


def code_stamp(notebook) -> str:
    """A hash of the code cells in their order: what the outputs of a notebook came from.

    Text, ids and headings are left out, because a corrected comma changes no output. So is the package: a comment in
    `mmlearn/nn` would refuse every lesson, for a reason that its author could not foresee. Where the package changes
    what a lesson says, nbval sees it in the marked outputs; a number
    or picture in another cell can be older than the package, until the next `mmlearn build --execute`.
    """
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return "sha256:" + hashlib.sha256(json.dumps(code).encode()).hexdigest()


def stamp(notebook) -> None:
    """Note in a notebook that its outputs came from the code that it holds."""
    notebook.metadata["mmlearn"] = {"stamp": code_stamp(notebook)}


def stamp_of(notebook) -> str | None:
    return notebook.metadata.get("mmlearn", {}).get("stamp")


def keep_outputs(built, old) -> None:
    """Give a built notebook the outputs of an older one, in every cell whose source is the same.

    A cell is found by its source, not by its id: a corrected heading renames the cells below it and changes no output.
    The stamp is kept only while no output is lost.
    """
    outputs = defaultdict(list)
    for cell in old.cells:
        if cell.cell_type == "code":
            outputs[cell.source].append((cell.outputs, cell.execution_count))
    for cell in built.cells:
        if cell.cell_type == "code" and outputs[cell.source]:
            kept, cell.execution_count = outputs[cell.source].pop(0)
            cell.outputs = deepcopy(kept)
    if stamp_of(old) == code_stamp(old) == code_stamp(built):
        stamp(built)


def _notebook(master: Master, exercises: Mapping, answers: Mapping, footer: str, solved: bool):
    import nbformat

    cells = []
    for cell, after in zip(master.cells, (*master.cells[1:], None), strict=True):
        source = cell.source if solved else _for_learner(cell)
        if after and after.exercise:
            source = below_heading(source, exercise_card(exercises[after.exercise]))
        elif after and after.answer:
            source = below_heading(source, answer_card(answers[after.answer]))
        cells.append(_node(cell, source, exercises, answers, solved))
    if footer:
        cells.append(nbformat.v4.new_markdown_cell(footer, id="credits"))
    return nbformat.v4.new_notebook(cells=cells, metadata=deepcopy(METADATA), nbformat_minor=5)


def _node(cell: Cell, source: str, exercises: Mapping, answers: Mapping, solved: bool):
    import nbformat

    new_cell = nbformat.v4.new_code_cell if cell.kind == "code" else nbformat.v4.new_markdown_cell
    # *Run all* goes on after a learner's cell that raises, a misspelt word say: its check says what is missing.
    tags = [*cell.tags, *["raises-exception"] * bool(cell.exercise and not solved)]
    metadata = {"tags": tags} if tags else {}
    if "fold" in tags:  # code that only prepares what is shown: a click opens it
        metadata["jupyter"] = {"source_hidden": True}
    if cell.exercise:
        metadata |= {"deletable": False, "nbgrader": _nbgrader(cell.id, solution=True)}
    elif cell.check:
        points = exercises[cell.check].points
        metadata |= {"deletable": False, "editable": False}
        metadata["nbgrader"] = _nbgrader(cell.id, grade=True, locked=True, points=points)
    elif cell.answer:  # what a learner writes and what is graded in one cell: nbgrader leaves it to a person
        points = answers[cell.answer].points
        metadata |= {"deletable": False, "nbgrader": _nbgrader(cell.id, grade=True, solution=True, points=points)}
    return new_cell(source, id=cell.id, metadata=metadata)


def _nbgrader(grade_id: str, **given) -> dict:
    kinds = {"grade": False, "locked": False, "solution": False, "task": False}
    return {"schema_version": 3, "grade_id": grade_id} | kinds | given


def _for_learner(cell: Cell) -> str:
    """A cell without its solution, and without the mark by which nbval compares outputs: there are none.

    The set-up cell says what to do where the course's packages are missing.
    """
    if cell.kind == "markdown":
        return PLACEHOLDER if cell.answer else cell.source
    source = make_stub(cell.source, cell.exercise) if cell.exercise else cell.source
    if "setup" in cell.tags:
        source = f"{WRONG_PYTHON}\n{source}"
    return "\n".join(line for line in source.split("\n") if not NBVAL_LINE.fullmatch(line))
