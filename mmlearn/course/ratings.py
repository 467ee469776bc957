"""How a learner rated sounds, in one small file beside their progress, `ratings.json`.

A rating belongs to what was heard: trials are known by a fingerprint of their sounds. When a model changes and sounds
otherwise, its earlier ratings stay in the file, and are nobody's until the same sounds come back.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mmlearn.course import ledger
from mmlearn.course.store import Store

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class Rated:
    """The ratings of one trial: a score for each system rated so far; once uncovered they stay as they are."""

    scores: dict[str, int] = field(default_factory=dict)
    uncovered: bool = False


@dataclass
class Sheet:
    """One learner's ratings in one listening test.

    Attributes:
        seed: orders the sounds; another one for each learner.
        trials: by the fingerprint of their sounds.
    """

    seed: int = field(default_factory=lambda: secrets.randbits(32))
    trials: dict[str, Rated] = field(default_factory=dict)

    def joined(self, newer: "Sheet") -> "Sheet":
        """This sheet and what a newer one has; but its seed, and its trials that were uncovered, stay."""
        uncovered = {print_: trial for print_, trial in self.trials.items() if trial.uncovered}
        return Sheet(self.seed, self.trials | newer.trials | uncovered)


def path() -> Path:
    """Where ratings are kept: in the folder of `progress.json`, which `MMLEARN_PROGRESS` may name."""
    return ledger.path().with_name("ratings.json")


def read(name: str) -> Sheet | None:
    """The sheet of a test, if any sound was rated. Errors as in `Store.read`."""
    return _store.read(path()).get(name)


def keep(name: str, sheet: Sheet) -> Sheet:
    """Join a sheet to what any kernel wrote down, and give the whole. Errors as in `Store.change`."""
    with _store.change(path()) as sheets:
        sheets[name] = sheets.get(name, Sheet(sheet.seed)).joined(sheet)
    return sheets[name]


def throw_away(name: str) -> Sheet:
    """Put an empty sheet in the place of one, and give it. Errors as in `Store.change`."""
    with _store.change(path()) as sheets:
        sheets[name] = Sheet()
    return sheets[name]


def fingerprint(sounds: "Mapping[str, Tensor]") -> str:
    """A text that stands for these sounds, `[T]` by name: it changes with a name and with whatever can be heard."""
    digest = hashlib.sha256()
    for name, waveform_T in sorted(sounds.items()):
        heard = (waveform_T.detach().cpu().clamp(-1, 1) * 32_767).round().short()  # the 16 bits that a player gets
        digest.update(f"{name}:{len(heard)}:".encode() + heard.numpy().tobytes())
    return digest.hexdigest()[:16]


def _sheet(content: dict) -> Sheet:
    trials = {print_: Rated(trial["scores"], trial["uncovered"]) for print_, trial in content["trials"].items()}
    for score in [score for trial in trials.values() for score in trial.scores.values()]:
        if type(score) is not int or not 0 <= score <= 100:
            raise ValueError(f"a score is a whole number from 0 to 100, not {score!r}")
    return Sheet(int(content["seed"]), trials)


_store = Store("tests", _sheet, asdict, "It only holds your ratings of sounds: move it away.")
