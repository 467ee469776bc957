"""What an experiment is, and the table of rows that it leaves."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmlearn.data.tables import read_table

Row = dict[str, Any]


@dataclass(frozen=True)
class Experiment:
    """A sweep: points that differ in their settings, each of which gives rows when it is run.

    Attributes:
        name: also of its files in `data/experiments/`.
        lesson: the lesson that it answers a question of, `"01"`.
        question: what it asks, in a sentence.
        points: the settings of every run, the seed among them; the same names in all of them.
        measure: `measure(**point)` gives the rows of one run without its settings, the same columns in all rows. It
            depends on its arguments alone: it sets its own seeds.
        again: one cheap point, which a test runs again and holds against the committed rows.
    """

    name: str
    lesson: str
    question: str
    points: tuple[Row, ...]
    measure: Callable[..., list[Row]]
    again: Row

    def __post_init__(self) -> None:
        if self.again not in self.points:
            raise ValueError(f"{self.name}: again={self.again} is not one of its points")

    def run(self, **point: Any) -> list[Row]:
        """The rows of one point: its settings, then what was measured."""
        return [point | row for row in self.measure(**point)]


def folder() -> Path:
    """Where rows are committed."""
    from mmlearn.paths import root

    return root() / "data" / "experiments"


def rows(name: str, file: Path | None = None) -> list[Row]:
    """The committed rows of an experiment. Cells that read as numbers are numbers.

    Raises:
        FileNotFoundError: it was never run; the message names the command.
        ValueError: a line has not as many cells as the head.
    """
    file = file or folder() / f"{name}.csv"
    if not file.exists():
        raise FileNotFoundError(f"{file.name} is not in data/experiments/: mmlearn experiment {name}")
    return list(map(dict, _read(file, file.stat().st_mtime_ns)))


@lru_cache(maxsize=16)
def _read(file: Path, _changed: int) -> list[Row]:
    """A lesson asks for the same rows a hundred times; they are read once, and again when the file has changed."""
    return read_table(file)


def select(table: Sequence[Row], **settings: Any) -> list[Row]:
    """The rows in which every named column has the given value.

    Raises:
        KeyError: the table has no such column.
    """
    return [row for row in table if all(row[name] == value for name, value in settings.items())]


def by_seed(table: Sequence[Row], **settings: Any) -> list[float]:
    """The values of rows that differ in their seed alone, in the order of the seeds.

    Raises:
        ValueError: no row has these settings, or one seed stands in several.
    """
    chosen = sorted(select(table, **settings), key=lambda row: row["seed"])
    seeds = [row["seed"] for row in chosen]
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"{settings} fits rows with the seeds {seeds}; each seed should be there once")
    return [row["value"] for row in chosen]


def as_csv(table: Sequence[Row]) -> bytes:
    """Rows as the bytes of a file: one head, Unix line ends, floats to five digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
    writer.writeheader()
    for row in table:
        writer.writerow({name: f"{v:.5g}" if isinstance(v, float) else v for name, v in row.items()})
    return text.getvalue().encode()
