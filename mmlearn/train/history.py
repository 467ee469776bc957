"""What a training run did, and the events that tell of it while it runs."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass
class History:
    """The record of one `fit`.

    Attributes:
        planned: steps that the run was to make (fewer than asked for in quick mode).
        records: a dict for each step made: "step" (from 1), "loss", "lr", "grad_norm" (before clipping) and the
            loss's named parts.
        evaluations: a dict for each evaluation: "step" and what `evaluate` returned.
        seconds: time taken, evaluations included.
        interrupted: whether Ctrl-C ended it early.
    """

    planned: int
    records: list[dict[str, float]] = field(default_factory=list)
    evaluations: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def steps(self) -> list[int]:
        """The number of each step made: 1, 2, ..."""
        return [record["step"] for record in self.records]

    @property
    def losses(self) -> list[float]:
        """The loss of each step, on its own batch and before its update."""
        return [record["loss"] for record in self.records]

    def series(self, name: str) -> tuple[list[int], list[float]]:
        """Steps and values of one recorded quantity: "lr", a part of the loss, or a measure of `evaluate`.

        Raises:
            KeyError: nothing of that name was recorded.
        """
        rows = [row for row in self.records + self.evaluations if name in row]
        if not rows:
            known = sorted({key for row in self.records[:1] + self.evaluations[:1] for key in row} - {"step"})
            raise KeyError(f"no {name!r} in this history; it has {', '.join(known) or 'nothing yet'}")
        return [row["step"] for row in rows], [row[name] for row in rows]

    def __repr__(self) -> str:
        done = len(self.records)
        text = f"{done} of {self.planned} steps in {self.seconds:.1f} s"
        if self.interrupted:
            text += " (interrupted)"
        if done:
            tail = self.losses[-max(1, done // 20) :]
            text += f"; loss {self.losses[0]:.3g} -> {sum(tail) / len(tail):.3g}"
        if self.evaluations:
            text += "; " + ", ".join(f"{k} {v:.3g}" for k, v in self.evaluations[-1].items() if k != "step")
        return f"History: {text}"


@dataclass(frozen=True)
class Event:
    """One moment of a run. A run is start, then steps with evaluations between them, then end.

    Attributes:
        kind: "end" comes whatever happened: all steps done, Ctrl-C, or an error.
        step: steps made so far.
        values: for "step" and "evaluation" the newest record of `history`; else empty.
        history: all so far. Only to be read.
    """

    kind: Literal["start", "step", "evaluation", "end"]
    step: int
    values: dict[str, float]
    history: History
