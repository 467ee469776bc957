"""`mmlearn bench`: all measurements of some models, one after the other."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from mmlearn.bench import fresh, report
from mmlearn.bench.cases import MODELS, missing
from mmlearn.bench.measure import WARM_UP, alternate
from mmlearn.bench.report import TORCH, Result
from mmlearn.bench.steps import Ready, kinds
from mmlearn.files import write_whole
from mmlearn.train import device as best_device

ROUNDS = {"import": 3, "toy": 20, "base": 6}  # six are the fewest whose range holds the median with 95 %


@dataclass(frozen=True)
class Plan:
    """What to measure: models and sizes by name; rounds and items a batch, `None` for the usual; where."""

    models: Sequence[str]
    sizes: Sequence[str]
    rounds: int | None
    batch: int | None
    device: torch.device

    def rounds_of(self, what: str) -> int:
        """Rounds that count, of a size or of "import"."""
        return self.rounds or ROUNDS[what]

    def batches(self, model: str) -> dict[str, int]:
        """Items of a batch, by size."""
        return {size: self.batch or MODELS[model].sizes[size].batch for size in self.sizes}

    def there(self, model: str) -> list[str]:
        """The implementations that can be measured here, ours first."""
        return [name for name in MODELS[model].implementations if missing(name) is None]

    def steps(self) -> int:
        """How often `results` reports that something is done."""
        timed = sum(WARM_UP + self.rounds_of(size) for size in self.sizes)
        return sum(
            self.rounds_of("import") + len(MODELS[model].kinds) * timed + len(self.there(model))
            for model in self.models
        )


def bench(
    models: Sequence[str],
    size: str = "all",
    *,
    rounds: int | None = None,
    batch: int | None = None,
    threads: int | None = None,
    device: str | None = None,
    file: Path | None = None,
) -> None:
    """Measure models beside their peers, and print the table; stopped, what is done so far.

    Args:
        models: names; all where there is none.
        size: "toy", "base" or "all".
        rounds: that count; default: fewer for what takes longer.
        batch: items; default: a number for each model and size.
        threads: that torch may use; default: its own choice.
        device: default: the best one here.
        file: where to write everything as JSON.

    Raises:
        ValueError: no such model or device; less than one round, item or thread.
    """
    plan = _plan(models, size, rounds, batch, threads, device)
    one = plan.device.type == "cpu" and torch.get_num_threads() == 1
    # Of a single thread the system tells how long it computed, whatever else the machine did meanwhile.
    clock = time.process_time if one else time.perf_counter
    facts = report.about(plan.models, plan.device, "CPU time" if one else "wall time, but CPU time of imports")
    found: list[Result] = []
    complete = False
    try:
        with tqdm(total=plan.steps(), unit="round", disable=None) as bar:
            for result in results(plan, clock, bar.update):
                found.append(result)
                bar.set_description(f"{result.model} {result.what}")
        complete = True
    finally:  # Ctrl-C too
        print(report.table(facts, found))
        if file is not None:
            write_whole(file, report.as_json(facts, found, complete))


def results(plan: Plan, clock: Callable[[], float], tick: Callable[[], object]) -> Iterator[Result]:
    """Each measurement as it is done; `tick` is called after each round and each process."""
    for model in plan.models:
        yield _imports(plan, model, tick)
        for size, batch in plan.batches(model).items():
            yield from _times(plan, model, size, batch, clock, tick)
        yield from _memory(plan, model, tick)


def _imports(plan: Plan, model: str, tick) -> Result:
    statements = {TORCH: "import torch"}
    statements |= {name: MODELS[model].implementations[name].statement for name in plan.there(model)}
    calls = {name: fresh.importing(statement) for name, statement in statements.items()}
    able = {name: call for name, call in calls.items() if call is not None}
    values = alternate(able, plan.rounds_of("import"), warm_up=0, done=tick, clock=fresh.children)
    return Result(model, "import", "s", None, values)


def _times(plan: Plan, model: str, size: str, batch: int, clock, tick) -> Iterator[Result]:
    config = MODELS[model].config(MODELS[model].sizes[size].preset)
    ready = {name: Ready(MODELS[model], name, config, batch, plan.device) for name in plan.there(model)}
    for kind, make in kinds(MODELS[model]).items():
        calls = {name: make(implementation) for name, implementation in ready.items()}
        values = alternate(calls, plan.rounds_of(size), done=tick, clock=clock)
        yield Result(model, f"{size} {kind}", "s", batch, values)


def _memory(plan: Plan, model: str, tick) -> Iterator[Result]:
    batches, found = plan.batches(model), {}
    for name in plan.there(model):
        found[name] = fresh.peaks(model, name, batches, plan.device)
        tick()
    for size, batch in batches.items():
        for kind in MODELS[model].kinds:
            values = {name: [peaks[size][kind]] for name, peaks in found.items() if size in peaks}
            if values:
                yield Result(model, f"{size} {kind}, memory", "B", batch, values)


def _plan(models, size, rounds, batch, threads, device) -> Plan:
    if unknown := [name for name in models if name not in MODELS]:
        raise ValueError(f"no model to measure is called {unknown[0]!r}; there are {', '.join(MODELS)}")
    for name, number in (("--rounds", rounds), ("--batch", batch), ("--threads", threads)):
        if number is not None and number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    if threads:
        torch.set_num_threads(threads)
    sizes = [name for name in ("toy", "base") if size in (name, "all")]
    return Plan(list(dict.fromkeys(models)) or list(MODELS), sizes, rounds, batch, _device(device))


def _device(name: str | None) -> torch.device:
    if name is None:
        return best_device()
    try:
        torch.empty(0, device=name)
    except Exception as error:  # torch raises a different kind for each way of being unusable
        raise ValueError(f"--device {name} cannot be used here ({str(error).splitlines()[0]})") from error
    return torch.device(name)
