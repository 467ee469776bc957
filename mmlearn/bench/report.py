"""What was measured, as a table and as JSON."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from mmlearn.bench.cases import MODELS, OURS, missing, version
from mmlearn.bench.measure import fastest_peer, ratio

TORCH = "torch"  # in the values of an import: the import that all others contain


@dataclass(frozen=True)
class Result:
    """One measurement of all implementations of a model.

    Attributes:
        model: such as "vit".
        what: such as "toy forward".
        unit: "s" or "B", seconds or bytes.
        batch: items; `None` for an import.
        values: one value a round, by the name of the implementation; those of a round stand at the same place.
    """

    model: str
    what: str
    unit: str
    batch: int | None
    values: Mapping[str, Sequence[float]]

    @property
    def implementations(self) -> dict[str, Sequence[float]]:
        """The values without those of torch."""
        return {name: values for name, values in self.values.items() if name != TORCH}


def about(models: Sequence[str], device: torch.device, clock: str) -> dict[str, Any]:
    """What it runs on, and with which packages: their version, or why they are left out."""
    names = list(dict.fromkeys(name for model in models for name in MODELS[model].implementations))
    return {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": str(device) if device.type != "cuda" else f"{device}, {torch.cuda.get_device_name(device)}",
        "dtype": "float32",
        "clock": clock,
        "packages": {name: missing(name) or version(name) for name in names},
    }


def _cpu() -> str:
    """The processor's name, as far as the system tells."""
    info = Path("/proc/cpuinfo")  # Linux; elsewhere Python knows
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or "unknown processor"


def table(facts: Mapping[str, Any], results: Sequence[Result]) -> str:
    """All of it as plain text: what it ran on, then a block for each model."""
    packages = ", ".join(f"{name} {state}" for name, state in facts["packages"].items())
    threads = "1 thread" if facts["threads"] == 1 else f"{facts['threads']} threads"
    head = [
        f"{packages}; torch {facts['torch']}, Python {facts['python']}, {facts['system']}",
        f"{facts['cpu']}, {facts['cores']} cores, {threads}; device {facts['device']}, {facts['dtype']}; "
        f"{facts['clock']}",
        "Medians over rounds, in which all take turns. The last column compares within rounds: a median ratio, and in",
        "brackets its interval of 95 %, or the range of fewer than six rounds. Another run may differ by more: where",
        "tensors come to lie in memory moves a ratio by a few hundredths. Memory is the peak beside the weights.",
    ]
    models = dict.fromkeys(result.model for result in results)
    blocks = [_block(name, [result for result in results if result.model == name]) for name in models]
    return "\n\n".join(["\n".join(head), *blocks])


def _block(model: str, results: Sequence[Result]) -> str:
    names = list(dict.fromkeys(name for result in results for name in result.implementations))
    rows = [[model, "batch", *names, "ours / fastest peer"]]
    for result in results:
        medians = {name: statistics.median(values) for name, values in result.implementations.items()}
        cells = [_amount(medians[name], result.unit) if name in medians else "-" for name in names]
        rows.append([result.what, str(result.batch or ""), *cells, _compared(result)])
        if TORCH in result.values:
            beside = [f"{ratio(result.values[name], result.values[TORCH]).median:.2f}" for name in medians]
            rows.append(["  by import torch", "", *beside, ""])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, numbers to the right."""
    last = len(cells) - 1
    aligned = [
        cell.ljust(width) if place in (0, last) else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned).rstrip()


def _compared(result: Result) -> str:
    peer = fastest_peer(result.implementations)
    return f"{ratio(result.values[OURS], result.values[peer])} {peer}" if peer else "no peer"


def _amount(value: float, unit: str) -> str:
    if unit == "B":
        return f"{value / 2**20:.1f} MiB"
    return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.1f} ms"


def as_json(facts: Mapping[str, Any], results: Sequence[Result], complete: bool) -> bytes:
    """The same with the values of every round; `complete` is false where it was stopped."""
    return (
        json.dumps({"about": facts, "complete": complete, "results": [*map(_plain, results)]}, indent=1) + "\n"
    ).encode()


def _plain(result: Result) -> dict[str, Any]:
    peer = fastest_peer(result.implementations)
    compared = ratio(result.values[OURS], result.values[peer])._asdict() | {"peer": peer} if peer else None
    return asdict(result) | {
        "medians": {name: statistics.median(values) for name, values in result.values.items()},
        "ours / fastest peer": compared,
    }
