"""The state of a run in a file, so that a run of hours survives being killed."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmlearn.train.checkpoint import load_tensors, own_tensors, read, write
from mmlearn.train.history import History
from mmlearn.train.processes import rank

EVERY_SECONDS = 60


Part = nn.Module | torch.optim.Optimizer


class Resume:
    """Writes and reads the parts of a run, and its history so far; does nothing where `path` is None.

    Of several processes all read and the first one writes, so the file must be where all can see it.

    Args:
        path: the file.
        parts: by name: the model, its optimizer, and whatever else learns in the run.
        settings: those that the rest of the run depends on: a file with other settings is refused.
    """

    def __init__(self, path: str | Path | None, parts: Mapping[str, Part], settings: dict[str, Any]):
        self.path = Path(path) if path else None
        self.parts, self.settings = parts, settings | {"parts": list(parts)}
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
        for name, part in self.parts.items():
            own = {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}
            if isinstance(part, nn.Module):
                load_tensors(part, own, self.path)
            else:
                _load_optimizer(part, own, kept["numbers"][name])
        history = History(**kept["history"])
        print(f"Going on after step {len(history.records)} of {history.planned}, from {self.path}.")
        return history

    def write_now_and_then(self, history: History) -> None:
        """Write the state if the last time is `EVERY_SECONDS` ago."""
        if self.path is None or rank() or time.perf_counter() - self.written < EVERY_SECONDS:
            return
        tensors, numbers = {}, {}
        for name, part in self.parts.items():
            if isinstance(part, nn.Module):
                own = own_tensors(part)
            else:
                own, numbers[name] = _optimizer_state(part)
            tensors |= {f"{name}.{key}": tensor for key, tensor in own.items()}
        write(self.path, tensors, {"settings": self.settings, "numbers": numbers, "history": asdict(history)})
        self.written = time.perf_counter()

    def remove(self) -> None:
        """The run is complete: its state is not needed any more."""
        if self.path is not None and rank() == 0:
            self.path.unlink(missing_ok=True)


def _optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[int, dict[str, Any]]]:
    """What an optimizer keeps: tensors by "parameter.key", and the rest by parameter and key."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[int, dict[str, Any]] = {}
    for index, values in optimizer.state_dict()["state"].items():
        for key, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"{index}.{key}"] = value
            else:
                numbers.setdefault(index, {})[key] = value
    return tensors, numbers


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
    """The inverse. Learning rates and the like stay those of the optimizer."""
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in numbers.items()}
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
