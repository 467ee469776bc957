"""Toy checkpoints that lessons stand on: models of the course, trained longer than a lesson can wait.

    from mmlearn.experiments import zoo
    clip = zoo.load("toy-clip")          # the trained model, in evaluation mode
    zoo.card("toy-clip")["measured"]     # what it reached on held-out items

Each is two files of `data/zoo/`: weights (safetensors) and a card with the command that makes them again, its loss
curve and what was measured. `mmlearn zoo train NAME` does it; `mmlearn zoo check NAME` runs the first steps of it
again and holds them against the recorded curve.
"""

import hashlib
import importlib
import json
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import nn

from mmlearn import train
from mmlearn.files import write_whole
from mmlearn.paths import root

# The module of this package that has the recipe of each checkpoint in its RECIPES.
MODULES = {"toy-clip": "zoo_clip", "toy-clip-cnn": "zoo_clip", "toy-codec": "zoo_codec"}
POINTS = 100  # of a recorded loss curve: means over equal stretches of the steps
# On another processor sums are rounded differently, and the curves drift apart as training goes on.
NEAR = 0.05


@dataclass(frozen=True)
class Recipe:
    """How a checkpoint is made.

    Attributes:
        name: also of its files.
        what: one sentence for the card.
        build: makes the model with the first weights of the seed.
        fit: `fit(model, on_event=..., checkpoint=...)` trains it: all steps, its own data and schedule.
        measure: what the trained model reaches on held-out items, by name.
        seed: of everything.
    """

    name: str
    what: str
    build: Callable[[], nn.Module]
    fit: Callable[..., train.History]
    measure: Callable[[nn.Module], Mapping[str, float]]
    seed: int = 0


def names() -> tuple[str, ...]:
    """All checkpoints of the course."""
    return tuple(MODULES)


def recipe(name: str) -> Recipe:
    """How a checkpoint is made.

    Raises:
        ValueError: there is none of this name; the message lists all.
    """
    if name not in MODULES:
        raise ValueError(f"no checkpoint is called {name!r}; there are {', '.join(MODULES)}")
    recipes = importlib.import_module(f"mmlearn.experiments.{MODULES[name]}").RECIPES
    return next(recipe for recipe in recipes if recipe.name == name)


def load(name: str) -> nn.Module:
    """A trained model, on the CPU and in evaluation mode.

    Raises:
        ValueError: there is none of this name, or its file is damaged or of other sizes; the message names the command.
        FileNotFoundError: it was never trained here; the message names the command.
    """
    model, path = recipe(name).build(), _existing(_weights(name))
    try:
        train.load(path, model)
    except ValueError as error:
        raise ValueError(f"{error} Here: {_mend(path)}") from error
    return model.eval()


def card(name: str) -> dict[str, Any]:
    """What is known of a checkpoint: command, seed, minutes, loss curve, held-out measures. Errors as in `load`."""
    recipe(name)
    path = _existing(_weights(name).with_suffix(".json"))
    return json.loads(path.read_text(encoding="utf-8"))


def make(name: str, out: Path | None = None) -> Path:
    """Train a checkpoint in one thread and write it with its card; stopped, the same command goes on where it was.

    Args:
        out: the folder to write to; default `data/zoo/`.

    Raises:
        KeyboardInterrupt: it was stopped; what is done so far is kept.
    """
    torch.set_num_threads(1)  # so that sums are made in the same order, wherever it runs
    chosen, path = recipe(name), (out or _folder()) / f"{name}.safetensors"
    model = chosen.build()
    state = root() / "work" / "zoo" / f"{name}.safetensors"
    history = chosen.fit(model, progress=name, checkpoint=state)
    if history.interrupted:
        raise KeyboardInterrupt
    train.save(path, model)
    content = {
        "what": chosen.what,
        "command": f"mmlearn zoo train {name}",
        "seed": chosen.seed,
        "steps": history.planned,
        "minutes": round(history.seconds / 60, 1),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "measured": {key: round(value, 4) for key, value in chosen.measure(model).items()},
        "losses": [round(loss, 4) for loss in curve(history.losses, history.planned)],
        "versions": {"python": platform.python_version()}
        | {package: version(package).split("+")[0] for package in ("torch", "numpy")},
        "system": f"{sys.platform} {platform.machine()}, one thread",
    }
    write_whole(path.with_suffix(".json"), (json.dumps(content, indent=1) + "\n").encode())
    return path


def curve(losses: list[float], planned: int) -> list[float]:
    """The mean loss of each of 100 stretches of the planned steps, as far as there are losses."""
    edges = [planned * point // POINTS for point in range(POINTS + 1)]
    return [fmean(losses[a:b]) for a, b in pairwise(edges) if b > a and b <= len(losses)]


def again(name: str, share: float = 0.05) -> tuple[list[float], list[float]]:
    """Run the first steps of a recipe again: its mean losses, and those that the card recorded, stretch by stretch.

    Args:
        share: of all steps; at least one stretch.

    Raises:
        ValueError: a share outside of 0.01 to 1.
    """
    if not 1 / POINTS <= share <= 1:
        raise ValueError(f"the share of steps to run again is {1 / POINTS} to 1; got {share}")
    recorded = card(name)
    enough = round(share * POINTS) * recorded["steps"] // POINTS
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    chosen, losses = recipe(name), []

    def listen(event: train.Event) -> None:
        if event.kind == "step":
            losses.append(event.values["loss"])
            if len(losses) >= enough:
                raise _Enough

    try:
        chosen.fit(chosen.build(), progress=name, on_event=listen)
    except _Enough:
        pass
    finally:
        torch.set_num_threads(threads)
    new = curve(losses, recorded["steps"])
    return new, recorded["losses"][: len(new)]


class _Enough(Exception):
    """Ends a training that has run as far as it should."""


def _folder() -> Path:
    return root() / "data" / "zoo"


def _weights(name: str) -> Path:
    return _folder() / f"{name}.safetensors"


def _existing(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"{path.name} is not in data/zoo/: {_mend(path)}")
    return path


def _mend(path: Path) -> str:
    return f"git checkout -- data/zoo/{path.name}, or mmlearn zoo train {path.stem}"
