"""Tables as lists of dicts: what papers print, and what experiments measured."""

import csv
import io
from pathlib import Path
from typing import Any


def read_table(file: Path) -> list[dict[str, Any]]:
    """The lines of a CSV file by the names of its columns. Cells that read as numbers are numbers.

    Raises:
        ValueError: the file is empty, or a line has not as many cells as the head.
    """
    content = file.read_text(encoding="utf-8")
    if not content:
        raise ValueError(f"{file} is empty. Mend it with `git checkout -- {file}`.")
    head, *lines = csv.reader(io.StringIO(content))
    table = []
    for number, line in enumerate(lines, 2):
        if len(line) != len(head):
            raise ValueError(f"{file}, line {number}: {len(line)} cells under {len(head)} columns")
        table.append(dict(zip(head, map(_value, line), strict=True)))
    return table


def _value(cell: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell
