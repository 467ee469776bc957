"""Experiments that do not fit into a lesson's minute: swept once, their rows committed under `data/experiments/`.

    from mmlearn import experiments
    rows = experiments.rows("vit-positions")           # what was committed: a list of dicts
    experiments.find("vit-positions").run(scale=0.02, seed=0)   # one point, again and live

`mmlearn experiment NAME` runs all points of one and writes its rows. A module with a list `EXPERIMENTS`
holds those of a lesson.
"""

import importlib
import pkgutil
from functools import cache

from mmlearn.experiments.table import Experiment, rows, select

__all__ = ["Experiment", "experiments", "find", "rows", "select"]


@cache
def experiments() -> tuple[Experiment, ...]:
    """All experiments of the course, in lesson order."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    found = [experiment for module in modules for experiment in getattr(module, "EXPERIMENTS", ())]
    return tuple(sorted(found, key=lambda experiment: experiment.lesson))


def find(name: str) -> Experiment:
    """The experiment with this name.

    Raises:
        ValueError: there is none; the message lists all.
    """
    for experiment in experiments():
        if experiment.name == name:
            return experiment
    raise ValueError(f"no experiment is called {name!r}; there are {', '.join(e.name for e in experiments())}")
