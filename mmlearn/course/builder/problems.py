"""What the builder says when it refuses: every mistake with its file and line."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Problem(NamedTuple):
    """A mistake at a line of a file, counted from 1."""

    line: int
    message: str


class Mistake(Exception):
    """A mistake at a line of one cell's source, counted from 1; the caller knows where the cell stands."""

    def __init__(self, line: int, message: str):
        super().__init__(message)
        self.line = line
        self.message = message


class BuildError(Exception):
    """A lesson that cannot be built. The text has one line a problem: `solutions/01_vit.py:12: what is wrong`."""

    def __init__(self, path: Path, problems: Iterable[Problem]):
        self.problems = sorted(set(problems))
        self.file = short(path)
        super().__init__("\n".join(f"{self.file}:{line}: {message}" for line, message in self.problems))


def short(path: Path) -> str:
    """`solutions/01_vit.py`: the same on every machine, and clickable from the repository's root."""
    return f"{path.parent.name}/{path.name}"
