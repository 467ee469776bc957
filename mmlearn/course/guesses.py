"""The guesses that a learner committed to, in one small file beside their progress.

They have a file of their own, `predictions.json`. A check can be run again, a first guess cannot be made again: it must
not be lost when `progress.json` is damaged or moved away.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mmlearn.course import ledger
from mmlearn.files import write_whole

VERSION = 1


class Guess(NamedTuple):
    """What was guessed, a choice's text or a number, and when: "2026-01-31T10:00:00+00:00"."""

    value: str | float
    kept: str


def path() -> Path:
    """Where guesses are kept: in the folder of `progress.json`, which `MMLEARN_PROGRESS` may name."""
    return ledger.path().with_name("predictions.json")


def read() -> dict[str, Guess]:
    """All kept guesses by the name of their question.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged; the message says what to do.
    """
    file = path()
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ValueError(f"version {content['version']}")
        return {name: _guess(entry) for name, entry in content["guesses"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} cannot be read ({error}). It only holds your guesses: move it away.") from error


def keep(name: str, value: str | float, offers: Callable[[object], bool]) -> Guess:
    """Keep a guess, unless one was kept before, and give the one that stays.

    Two kernels may keep guesses at once; the file is replaced whole or not at all.

    Args:
        offers: says whether the question offers a value. An earlier guess that a newer lesson does not offer gives way.

    Raises:
        OSError: the folder cannot be written, or another kernel held the file for 10 seconds.
        ValueError: the file is damaged.
    """
    from filelock import FileLock

    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock", timeout=10):
        guesses = read()
        if name in guesses and offers(guesses[name].value):
            return guesses[name]
        guesses[name] = made_now(value)
        content = {"version": VERSION, "guesses": {key: guess._asdict() for key, guess in guesses.items()}}
        write_whole(file, (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())
    return guesses[name]


def made_now(value: str | float) -> Guess:
    return Guess(value, datetime.now(UTC).isoformat(timespec="seconds"))


def _guess(entry: dict) -> Guess:
    value, kept = entry["value"], entry["kept"]
    if not isinstance(value, str | float):
        raise TypeError(f"a guess is a text or a number, not {value!r}")
    datetime.fromisoformat(kept)  # or it raises
    return Guess(value, kept)
