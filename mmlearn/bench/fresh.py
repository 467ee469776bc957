"""What needs a process of its own: the time of an import, and the most memory that a model takes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from mmlearn.bench.cases import MODELS
from mmlearn.bench.steps import Call, Ready, kinds

PATCH = "from mmlearn.bench.peers import make_importable; make_importable(); "
# Tensors, from this size on, go back to the system when they are freed, and what is resident is what is in use.
OWN_PAGES = {"MALLOC_MMAP_THRESHOLD_": "65536"}
MARK = Path("/proc/self/clear_refs")  # Linux


def importing(statement: str) -> Call | None:
    """A call that runs an import in a fresh interpreter; `None` where it does not run here.

    Beside a torchvision that does not work, what needs it is made importable first, as in `mmlearn.bench.peers`.
    """
    for code in (statement, PATCH + statement):  # these runs also bring the files into the disk's cache
        if _python(["-c", code]).returncode == 0:
            return lambda: _python(["-c", code])
    return None


def children() -> float:
    """A clock: the CPU seconds of all processes that were started and ended.

    Unlike the time on the wall it does not grow with what else the machine does.
    """
    spent = os.times()
    return spent.children_user + spent.children_system if os.name == "posix" else time.perf_counter()


def peaks(model: str, name: str, batches: Mapping[str, int], device: torch.device) -> dict[str, dict[str, int]]:
    """Bytes that a forward and a training step need at most, beside the weights: by kind, by size.

    Empty where this system and device do not tell.

    Args:
        batches: sizes to measure at, and the items of each batch.

    Raises:
        ValueError: the process failed, for example for lack of memory.
    """
    asked = [model, name, json.dumps(dict(batches)), str(device), str(torch.get_num_threads())]
    done = _python(["-m", "mmlearn.bench.fresh", *asked], **OWN_PAGES)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ValueError(f"the memory of {name}'s {model} could not be measured: {said[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def _python(arguments: list[str], **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=os.environ | environment)


# --- in the process of its own ----------------------------------------------------------------------------------------


def _main(model: str, name: str, batches: str, device: str, threads: str) -> None:
    torch.set_num_threads(int(threads))
    found: dict[str, dict[str, int]] = {}
    # The first steps load what all later ones use: they are not counted.
    for size, batch in (("toy", 1), *json.loads(batches).items()):
        found.pop(size, None)
        config = MODELS[model].config(MODELS[model].sizes[size].preset)
        ready = Ready(MODELS[model], name, config, batch, torch.device(device))
        for kind, make in kinds(MODELS[model]).items():
            peak = _peak(make(ready), ready.device)
            if peak is not None:
                found.setdefault(size, {})[kind] = peak
    print(json.dumps({size: found[size] for size in json.loads(batches) if size in found}))


def _peak(call: Call, device: torch.device) -> int | None:
    """The most bytes held while a call runs, less those held before it; `None` where nothing tells."""
    meter = _meter(device)
    if meter is None:
        return None
    reset, held, most = meter
    reset()
    before = held()
    call()
    call()  # the first step of training makes the optimiser's state, which the second has from its beginning
    return most() - before


def _meter(device: torch.device) -> tuple[Callable[[], object], Callable[[], int], Callable[[], int]] | None:
    """Three functions: bring the mark of the most down to what is held; what is held; the mark."""
    if device.type == "cuda":
        return torch.cuda.reset_peak_memory_stats, torch.cuda.memory_allocated, torch.cuda.max_memory_allocated
    if device.type == "cpu" and MARK.exists():
        return lambda: MARK.write_text("5"), lambda: _status("VmRSS"), lambda: _status("VmHWM")
    return None


def _status(name: str) -> int:
    """A line of /proc/self/status, in bytes. Unlike `ru_maxrss` its marks know nothing of the parent process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    from mmlearn.bench.peers import make_importable

    make_importable()
    _main(*sys.argv[1:])
