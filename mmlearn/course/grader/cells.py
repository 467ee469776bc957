"""The learner's exercise cells out of a notebook, and the lesson's own notebook rebuilt around them.

The notebook is a stranger's, so nothing of it runs here, and none of its code is parsed: deeply nested code can
overflow the C stack of a parser. Cells are told by ids and regular expressions, which cannot backtrack badly.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

from mmlearn.course.builder.master import cell_id
from mmlearn.course.exercise import Exercise

MAX_SOURCE = 200_000  # characters of one cell
MAX_PARTS = 1_000_000  # lists and objects of a notebook's JSON: 20 MB of `[],` would take half a gigabyte
SAVE_AGAIN = "open it in JupyterLab and save it again"
KINDS = {"markdown": "Markdown", "raw": "raw"}
HALF_CHARACTER = re.compile("[\ud800-\udfff]")  # of UTF-16: JSON can hold one, a file cannot


class Unreadable(ValueError):
    """A file that is no notebook of the kind that is graded; the text is one sentence for the learner."""


@dataclass(frozen=True)
class Picked:
    """The cell of one exercise.

    Attributes:
        source: its code as the learner left it; "" where nothing can be graded.
        notes: sentences for the learner about which cell was taken.
        problem: why nothing can be graded; or "".
        written: whether the learner has begun: False for the lesson's own stub, and where there is a problem.
    """

    source: str
    notes: tuple[str, ...] = ()
    problem: str = ""
    written: bool = True


def read_notebook(content: bytes) -> dict[str, Any]:
    """A notebook out of bytes that may be anything.

    Args:
        content: the file, at most a few MiB; the caller sets the limit.

    Returns:
        nbformat's layout with only what grading needs: of each cell `cell_type`, `source` (a string), `id` and
        nbgrader's `grade_id` ("" where missing). A cell that cannot be used has no source, and `unusable` says why.
        `notes` are sentences about damaged cells, for the learner.

    Raises:
        Unreadable: it is no notebook, or one of another format.
    """
    found = _parsed(content)
    if not isinstance(found, dict):
        raise Unreadable("this is JSON, but not a notebook")
    version = found.get("nbformat")
    if version is None:
        raise Unreadable(f"this does not say which notebook format it has: {SAVE_AGAIN}")
    if isinstance(version, bool) or version != 4:
        raise Unreadable(f"this is a notebook of format {_short(version)}, and format 4 is graded: {SAVE_AGAIN}")
    if not isinstance(found.get("cells"), list):
        raise Unreadable(f"this notebook has no list of cells: {SAVE_AGAIN}")
    cells = [_plain_cell(raw if isinstance(raw, dict) else {"source": None}) for raw in found["cells"]]
    damaged = [f"cell {number} {cell['unusable']}" for number, cell in enumerate(cells, 1) if cell["unusable"]]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, "notes": _few(damaged)}


def pick(notebook: Mapping[str, Any], exercises: Sequence[Exercise], master: Mapping[str, Any]) -> dict[str, Picked]:
    """The cell of each exercise.

    The cell with the exercise's own id is taken if the learner wrote something in it: a stub of which some methods are
    written counts. Otherwise a written copy is, wherever it stands: one with nbgrader's id, or one that defines the
    name at its top level. Whatever else the cell holds is graded with it.

    Args:
        notebook: as `read_notebook` gives it.
        exercises: of the lesson.
        master: the lesson's student notebook, `lessons/NN_name.ipynb`, as JSON: what the stubs are.

    Returns:
        One for each exercise, by slug.
    """
    stubs = {cell["id"]: cell["source"] for cell in map(_plain_cell, master["cells"])}
    own_ids = {cell_id(exercise.slug) for exercise in exercises}
    given = {_bare(source) for name, source in stubs.items() if name not in own_ids}
    cells = [{**cell, "bare": _bare(cell["source"])} for cell in notebook["cells"]]
    # A cell of the lesson may assign the name as well; unchanged, it is nobody's solution.
    cells = [cell for cell in cells if cell["bare"] not in given or cell["id"] in own_ids]
    return {exercise.slug: _pick_one(cells, exercise, stubs) for exercise in exercises}


def written_answers(notebook: Mapping[str, Any], slugs: Iterable[str]) -> dict[str, str]:
    """The text of the written answers by slug, "" where one is missing.

    A cell is found by its id, else by nbgrader's. Its type does not matter: a person reads it.
    """
    cells = notebook["cells"]
    return {
        slug: next((cell["source"] for cell in _with_id(cells, cell_id(slug)) if cell["source"].strip()), "")
        for slug in slugs
    }


def rebuild(master: Mapping[str, Any], picked: Mapping[str, Picked], answers: Mapping[str, str]) -> dict[str, Any]:
    """The lesson's own student notebook with the learner's code and answers in their places.

    Nothing else of the learner's comes along: no other cell, no output, no metadata, no attachment.

    Args:
        master: `lessons/NN_name.ipynb` as JSON; it is left as it is.
        picked: by slug. Where nothing can be graded, the stub stays.
        answers: by slug. Where there is none, the lesson's own text stays.
    """
    sources = {cell_id(slug): cell.source for slug, cell in picked.items()}
    sources |= {cell_id(slug): text for slug, text in answers.items()}
    built = deepcopy(dict(master))
    for cell in built["cells"]:
        source = sources.get(cell.get("id"), "")
        if source.strip():
            # As nbformat writes it to a file, unless the master is a notebook in memory.
            cell["source"] = source.splitlines(keepends=True) if isinstance(cell["source"], list) else source
    return built


# Reading.


def _parsed(content: bytes) -> Any:
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        raise Unreadable("the file is empty")
    if content.startswith(b"PK\x03\x04"):
        raise Unreadable("this is a zip that is called a notebook: hand in the notebook itself")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"this is not UTF-8 text, as a notebook is: {SAVE_AGAIN}") from None
    if text.count("[") + text.count("{") > MAX_PARTS:
        raise Unreadable("this holds more data than a notebook of this course can: clear its outputs and save it again")
    try:
        return json.loads(text)
    except RecursionError:
        raise Unreadable("this is nested more deeply than a notebook can be") from None
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise Unreadable(f"this is not JSON, as a notebook is; it breaks off or goes wrong at {at}") from None
    except ValueError:  # Python's limit on the digits of a number
        raise Unreadable("this holds a number with thousands of digits, which no notebook has") from None


def _short(value: object) -> str:
    """What stands in place of a version, for a message."""
    return str(value)[:20] if isinstance(value, int | float) else "unknown"


def _plain_cell(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What grading needs of a cell, each field of its right type."""
    source, unusable = _source(raw.get("source", ""))
    metadata = raw.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else ""
    return {
        "cell_type": _text(raw.get("cell_type")),
        "id": _text(raw.get("id")),
        "metadata": {"nbgrader": {"grade_id": _text(grade_id)}},
        "source": source,
        "unusable": unusable,
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _source(raw: object) -> tuple[str, str]:
    """A cell's source as one string, and why it cannot be used; or ""."""
    lines = [raw] if isinstance(raw, str) else raw
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        return "", "is damaged"
    if sum(map(len, lines)) > MAX_SOURCE:
        return "", f"holds more than {MAX_SOURCE:,} characters".replace(",", " ")
    source = "".join(lines).replace("\r\n", "\n").replace("\r", "\n")
    return HALF_CHARACTER.sub("\ufffd", source), ""


def _few(sentences: Sequence[str]) -> list[str]:
    more = [f"{len(sentences) - 5} more cells are like that."] if len(sentences) > 5 else []
    return [f"{sentence.capitalize()}, and was left out." for sentence in sentences[:5]] + more


# Choosing.


class _Candidate(NamedTuple):
    """A cell that may be the exercise's; of several, the largest counts.

    Attributes:
        progress: how far it is written, see `_progress`.
        place: 2 for the exercise's own id, 1 for nbgrader's id, 0 for a cell that only defines the name.
        position: in the notebook. As a run from top to bottom has it, the last definition holds.
        source, bare: its code, and that without comments.
    """

    progress: int
    place: int
    position: int
    source: str
    bare: str


def _pick_one(cells: Sequence[Mapping[str, Any]], exercise: Exercise, stubs: Mapping[str, str]) -> Picked:
    own_id = cell_id(exercise.slug)
    found = _candidates(cells, exercise, stubs.get(own_id, ""))
    best = max(found, default=None)
    if best is None or not best.bare:
        return Picked("", problem=_nothing(cells, exercise, own_id), written=False)
    if not best.progress:
        return Picked(best.source, written=False)
    own = next((cell for cell in cells if cell["id"] == own_id), None)
    return Picked(best.source, _notes(best, found, own, exercise))


def _candidates(cells: Sequence[Mapping[str, Any]], exercise: Exercise, stub: str) -> list[_Candidate]:
    own_id, defines = cell_id(exercise.slug), _definition(exercise.name)
    found, own = [], False
    for position, cell in enumerate(cells):
        bare = cell["bare"]
        if cell["cell_type"] != "code" or cell["unusable"]:
            continue
        if cell["id"] == own_id and not own:  # of several, the first keeps the id when Jupyter mends the notebook
            place, own = 2, True
        elif own_id in (cell["id"], cell["metadata"]["nbgrader"]["grade_id"]):
            place = 1
        elif exercise.name in bare and defines.search(bare):
            place = 0
        else:
            continue
        found.append(_Candidate(_progress(bare, exercise, stub, defines), place, position, cell["source"], bare))
    return found


def _definition(name: str) -> re.Pattern:
    """`def NAME`, `class NAME` or `NAME =` at the beginning of a line, but not the lesson's `NAME = check(...)`."""
    name = re.escape(name)
    assigned = rf"{name}[ \t]*(?::[^=\n]*)?=(?![=]|[ \t]*check[ \t]*\()"
    return re.compile(rf"^(?:(?:async[ \t]+)?def[ \t]+{name}\b|class[ \t]+{name}\b|{assigned})", re.MULTILINE)


def _progress(bare: str, exercise: Exercise, stub: str, defines: re.Pattern) -> int:
    """How far a cell is written.

    Returns:
        0 where it is empty, or holds the stub unchanged and the name is not defined again; 1 where the name is not
        defined in it; 2 where it is edited, but every line to replace is still there; 3 where at least one is replaced.
    """
    code, stub = f"\n{bare}\n", f"\n{_bare(stub)}\n"
    holds_stub = stub.strip() and stub in code
    if holds_stub:
        code = code.replace(stub, "\n", 1)
    if not defines.search(code):
        return 0 if holds_stub or not bare else 1
    line = f"{exercise.slug}: replace this line with your code"
    return 2 if line in stub and code.count(line) >= stub.count(line) else 3


def _bare(source: str) -> str:
    """A source without comments and blank lines, and without blanks at the ends of lines."""
    return "\n".join(line.rstrip() for line in source.split("\n") if line.strip() and line.lstrip()[0] != "#")


# What the learner is told.

# Of an exercise's own cell that another one took the place of, by its progress.
STATES = {0: "is not written", 1: "does not define that name", 2: "still holds every line to replace"}


def _notes(
    best: _Candidate, found: Sequence[_Candidate], own: Mapping[str, Any] | None, exercise: Exercise
) -> tuple[str, ...]:
    notes = () if best.place == 2 else (_found_elsewhere(found, own, exercise),)
    # Of an own cell that did not win, the first note has told.
    rivals = [cell for cell in found if cell.progress > 1 and (cell is best or cell.place < 2)]
    different = {cell.bare for cell in rivals}
    if len(different) < 2:
        return notes
    count = "Two" if len(different) == 2 else len(different)
    which = "the one in its own place" if best.place == 2 else "the last" if best is rivals[-1] else "the fullest"
    return (*notes, f"{count} cells hold `{exercise.name}`: {which} was graded.")


def _found_elsewhere(found: Sequence[_Candidate], own: Mapping[str, Any] | None, exercise: Exercise) -> str:
    name = cell_id(exercise.slug)
    if own is None:
        return f"Your cell `{name}` was found under another id."
    progress = next((cell.progress for cell in found if cell.place == 2), 0)
    state = f"is a {_kind(own)} cell" if _kind(own) else own["unusable"] or STATES[progress]
    return f"The cell `{name}` {state}: another one that defines `{exercise.name}` was graded."


def _nothing(cells: Sequence[Mapping[str, Any]], exercise: Exercise, own_id: str) -> str:
    """Why there is nothing to grade."""
    own = next(iter(_with_id(cells, own_id)), None)
    if own is None:
        return f"no cell of `{exercise.name}` was found: none has the id `{own_id}` or defines that name"
    if kind := _kind(own):
        return f"the cell of `{exercise.name}` is a {kind} cell: change its type to Code"
    return f"the cell of `{exercise.name}` {own['unusable'] or 'is empty'}"


def _kind(cell: Mapping[str, Any]) -> str:
    """What a cell is instead of a code cell; "" for a code cell."""
    return "" if cell["cell_type"] == "code" else KINDS.get(cell["cell_type"], "damaged")


def _with_id(cells: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    """The cells with this id, then those with this id of nbgrader's."""
    own = [cell for cell in cells if cell["id"] == name]
    return own + [cell for cell in cells if cell["metadata"]["nbgrader"]["grade_id"] == name and cell["id"] != name]
