"""The state of a run in a file, so that a run of hours survives being killed."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmlearn.train.checkpoint import load_tensors, own_tensors, read, write
from mmlearn.train.history import History
from mmlearn.train.processes import rank

EVERY_SECONDS = 60


class Resume:
    """Writes and reads the model, its optimizer and the history so far; does nothing where `path` is None.

    Of several processes all read and the first one writes, so the file must be where all can see it.

    `settings` are those that the rest of the run depends on: a file with other settings is refused.
    """

    def __init__(
        self, path: str | Path | None, model: nn.Module, optimizer: torch.optim.Optimizer, settings: dict[str, Any]
    ):
        self.path = Path(path) if path else None
        self.model, self.optimizer, self.settings = model, optimizer, settings
        self.written = time.perf_counter()

    def read(self) -> History | None:
        """Take up the state in the file. None where there is no file.

        Raises:
            ValueError: the file is damaged, of another model, or of a run with other settings.
        """
        if self.path is None or not self.path.exists():
            return None
        tensors, kept = read(self.path)
        there = kept.get("settings", {})
        differ = [f"{k} {there.get(k)!r} there, {v!r} here" for k, v in self.settings.items() if there.get(k) != v]
        if differ:
            raise ValueError(
                f"{self.path} holds another run: {'; '.join(differ)}. Use its settings, or delete it to begin anew."
            )
        weights = {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")}
        load_tensors(self.model, weights, self.path)
        state: dict[int, dict[str, Any]] = {int(index): values for index, values in kept["optimizer"].items()}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                state.setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict({"state": state, "param_groups": self.optimizer.state_dict()["param_groups"]})
        history = History(**kept["history"])
        print(f"Going on after step {len(history.records)} of {history.planned}, from {self.path}.")
        return history

    def write_now_and_then(self, history: History) -> None:
        """Write the state if the last time is `EVERY_SECONDS` ago."""
        if self.path is None or rank() or time.perf_counter() - self.written < EVERY_SECONDS:
            return
        tensors = {f"model.{name}": tensor for name, tensor in own_tensors(self.model).items()}
        others: dict[int, dict[str, Any]] = {}  # what an optimizer keeps besides tensors
        for index, values in self.optimizer.state_dict()["state"].items():
            for key, value in values.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"optimizer.{index}.{key}"] = value
                else:
                    others.setdefault(index, {})[key] = value
        write(self.path, tensors, {"settings": self.settings, "optimizer": others, "history": asdict(history)})
        self.written = time.perf_counter()

    def remove(self) -> None:
        """The run is complete: its state is not needed any more."""
        if self.path is not None and rank() == 0:
            self.path.unlink(missing_ok=True)
