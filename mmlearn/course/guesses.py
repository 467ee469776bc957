"""The guesses that a learner committed to, in one small file beside their progress.

They have a file of their own, `predictions.json`. A check can be run again, a first guess cannot be made again: it must
not be lost when `progress.json` is damaged or moved away.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mmlearn.course import ledger
from mmlearn.course.store import Store


class Guess(NamedTuple):
    """What was guessed, a choice's text or a number, and when: "2026-01-31T10:00:00+00:00"."""

    value: str | float
    kept: str


def path() -> Path:
    """Where guesses are kept: in the folder of `progress.json`, which `MMLEARN_PROGRESS` may name."""
    return ledger.path().with_name("predictions.json")


def read() -> dict[str, Guess]:
    """All kept guesses by the name of their question. Errors as in `Store.read`."""
    return _store.read(path())


def keep(name: str, value: str | float, offers: Callable[[object], bool]) -> Guess:
    """Keep a guess, unless one was kept before, and give the one that stays. Errors as in `Store.change`.

    Args:
        offers: says whether the question offers a value. An earlier guess that a newer lesson does not offer gives way.
    """
    with _store.change(path()) as guesses:
        if name not in guesses or not offers(guesses[name].value):
            guesses[name] = made_now(value)
    return guesses[name]


def made_now(value: str | float) -> Guess:
    return Guess(value, datetime.now(UTC).isoformat(timespec="seconds"))


def _guess(entry: dict) -> Guess:
    value, kept = entry["value"], entry["kept"]
    if not isinstance(value, str | float):
        raise TypeError(f"a guess is a text or a number, not {value!r}")
    datetime.fromisoformat(kept)  # or it raises
    return Guess(value, kept)


_store = Store("guesses", _guess, Guess._asdict, "It only holds your guesses: move it away.")
