"""Reading a lesson's master: its cells, the line where each one stands, and the ids that they get."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmlearn.course.builder.problems import BuildError, Problem

FILE_NAME = re.compile(r"(\d\d)_[a-z0-9_]+\.py")
CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
HEADING = re.compile(r"#{1,6} +(.+)")
KEYS = ("check", "exercise", "id", "tags", "answer")  # what an author may write behind `# %%`


@dataclass(frozen=True)
class Cell:
    """A cell of a master.

    Attributes:
        kind: "code" or "markdown".
        source: its text; markdown without the leading `# `.
        line: the line of its `# %%` marker in the master, counted from 1, so source line n stands at `line + n`.
        id: its id in both notebooks.
        tags: jupytext's tags.
        exercise, check: the slug of the exercise that this cell holds or checks, or "".
        answer: the slug of the written answer that this cell holds, or "".
    """

    kind: str
    source: str
    line: int
    id: str
    tags: tuple[str, ...] = ()
    exercise: str = ""
    check: str = ""
    answer: str = ""


@dataclass(frozen=True)
class Master:
    """A lesson's master; `number` is "01" for `solutions/01_vit.py`."""

    path: Path
    number: str
    cells: tuple[Cell, ...]

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == "code"]


def read_master(path: Path) -> Master:
    """Read `solutions/NN_name.py`.

    Raises:
        BuildError: the file's name, a cell marker or a cell id is not as it must be.
    """
    import jupytext

    named = FILE_NAME.fullmatch(path.name)
    if not named:
        raise BuildError(path, [Problem(1, "a master is named NN_name.py: two digits, then a-z, 0-9 and _")])
    lines, start = _without_header(path)
    # Cells are plain Python. jupytext would else turn a comment such as `# cat x` into a shell command.
    fmt = {"extension": ".py", "format_name": "percent", "comment_magics": False}
    raw = jupytext.reads("\n".join(lines[start:]), fmt=fmt).cells
    markers = list(_marker_lines(path, lines, start, raw))
    problems = [
        Problem(line, message) for cell, line in zip(raw, markers, strict=True) for message in _marker_mistakes(cell)
    ]
    if problems:
        raise BuildError(path, problems)
    cells = tuple(
        Cell(
            kind=cell.cell_type,
            source=cell.source.strip("\n").rstrip(),  # a formatter puts blank lines before a def that begins a cell
            line=line + len(cell.source) - len(cell.source.lstrip("\n")),
            id=name,
            tags=tuple(cell.metadata.get("tags", ())),
            exercise=cell.metadata.get("exercise", ""),
            check=cell.metadata.get("check", ""),
            answer=cell.metadata.get("answer", ""),
        )
        for cell, line, name in zip(raw, markers, _cell_ids(raw), strict=True)
    )
    return Master(path, named[1], cells)


def _without_header(path: Path) -> tuple[list[str], int]:
    """The lines of a master, and how many stand before its text: the header that jupytext may write, blank lines."""
    lines, start = path.read_text(encoding="utf-8").split("\n"), 0
    if lines[0] == "# ---":
        if "# ---" not in lines[1:]:
            raise BuildError(path, [Problem(1, "a header that does not end: take it out, the builder needs none")])
        start = lines.index("# ---", 1) + 1
    while start < len(lines) and not lines[start].strip():
        start += 1
    return lines, start


def _marker_lines(path: Path, lines: list[str], at: int, raw: list) -> Iterator[int]:
    """The line of each cell's marker. jupytext does not tell; but only blank lines stand between two cells."""
    for cell in raw:
        while at < len(lines) and not lines[at].strip():
            at += 1
        if at == len(lines) or not re.match(r"# ?%%", lines[at]):
            raise BuildError(path, [Problem(at + 1, "text outside a cell: begin it with # %% or # %% [markdown]")])
        if "cell_marker" in cell.metadata:
            raise BuildError(path, [Problem(at + 1, "markdown in quotes: write it as lines that begin with #")])
        yield at + 1
        at += 1 + (len(cell.source.split("\n")) if cell.source else 0)


def _marker_mistakes(cell) -> Iterator[str]:
    meta = cell.metadata
    if cell.cell_type not in ("code", "markdown"):
        yield f"a {cell.cell_type} cell: a lesson holds code and markdown only"
    # lines_to_next_cell is jupytext's own note about blank lines.
    if unknown := sorted(set(meta) - set(KEYS) - {"lines_to_next_cell"}):
        yield f'cell marker with {", ".join(unknown)}: it may hold {", ".join(KEYS)}, as key="value"'
    elif not cell.source.strip():
        yield "an empty cell: fill it or take it out"
    for key in (key for key in ("exercise", "check", "answer") if not str(meta.get(key, "some")).strip()):
        yield f'{key}="" without a slug'  # else a model answer would be plain text, which learners are given
    if "exercise" in meta and "check" in meta:
        yield "a cell is an exercise or a check, not both"
    if cell.cell_type == "markdown" and {"exercise", "check"} & set(meta):
        yield "exercise and check cells hold code, not markdown"
    if cell.cell_type == "code" and "answer" in meta:
        yield 'a written answer is text, not code: # %% [markdown] answer="..."'
    if "id" in meta and {"exercise", "check", "answer"} & set(meta):
        yield "the id of an exercise, check or answer cell comes from its slug: take id out"
    if "id" in meta and not CELL_ID.fullmatch(str(meta["id"])):
        yield f"id {meta['id']!r}: an id has 1 to 64 of A-Z, a-z, 0-9, - and _"


def _cell_ids(raw: list) -> Iterator[str]:
    """An id for every cell: from its own `id`, the slug that it holds, or the heading above it and a counter.

    Code and text are counted apart, so that a paragraph more does not rename the code below it.
    """
    section, count = "start", Counter()
    for cell in raw:
        meta = cell.metadata
        heading = cell.cell_type == "markdown" and "answer" not in meta and HEADING.match(cell.source)
        if heading:
            section, count = _slugified(heading[1], "section"), Counter()
        if "id" in meta:
            yield meta["id"]
        elif "exercise" in meta or "answer" in meta:
            yield cell_id(str(meta.get("exercise") or meta.get("answer")))
        elif "check" in meta:
            yield "check-" + cell_id(meta["check"])
        elif heading:
            yield section
        else:
            kind = "text" if cell.cell_type == "markdown" else "code"
            count[kind] += 1
            yield f"{section}-{kind}-{count[kind]}"


def cell_id(slug: str) -> str:
    """The id of the cell of an exercise or a written answer: `vit-patchify` for `vit.patchify`."""
    return _slugified(slug, "exercise")


def _slugified(text: str, default: str) -> str:
    """`Why it works` becomes `why-it-works`, `vit.patchify` becomes `vit-patchify`; at most 48 characters."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].rstrip("-") or default
