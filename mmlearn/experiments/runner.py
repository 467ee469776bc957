"""Running all points of an experiment: several at once, stopped and gone on with, written whole at the end."""

import hashlib
import importlib.metadata
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from mmlearn.experiments import find
from mmlearn.experiments.table import Experiment, Row, as_csv, folder
from mmlearn.files import write_whole

VERSIONS = ("torch", "numpy")  # what the numbers depend on, besides Python


def sweep(name: str, jobs: int, out: Path | None = None) -> Path:
    """Run every point of an experiment and write its rows and their card; return the file of rows.

    Each point runs in one thread, whatever the number of jobs, so that sums are made in the same order. Points that are
    done are kept under `work/experiments/`; after Ctrl-C or a crash the same command goes on from there.

    Args:
        jobs: points that run at once.
        out: the folder to write to; default `data/experiments/`.

    Raises:
        ValueError: no such experiment, fewer than one job, or quick mode, in which training is cut short.
    """
    if os.environ.get("MMLEARN_QUICK") == "1":
        raise ValueError("MMLEARN_QUICK=1 cuts training short, and rows made so mean nothing: unset it first")
    experiment, out = find(name), out or folder()
    if jobs < 1:
        raise ValueError(f"--jobs must be at least 1, got {jobs}")
    kept = _Kept(experiment)
    left = [index for index in range(len(experiment.points)) if index not in kept.done]
    print(f"{name}: {experiment.question}\n{len(experiment.points)} points, {len(kept.done)} of them done before.")
    with tqdm(total=len(experiment.points), initial=len(kept.done), unit="point", disable=None) as bar:
        for index, rows, seconds in _run(name, left, jobs):
            kept.add(index, rows, seconds)
            bar.update()
    table = [row for index in sorted(kept.done) for row in kept.done[index]["rows"]]
    file = out / f"{name}.csv"
    content = as_csv(table)
    write_whole(file, content)
    write_whole(file.with_suffix(".json"), _card(experiment, content, kept.seconds))
    kept.file.unlink(missing_ok=True)
    print(f"wrote {file.name} and its card: {len(table)} rows, {kept.seconds / 60:.1f} minutes of one core")
    return file


def _run(name: str, points: list[int], jobs: int) -> Iterator[tuple[int, list[Row], float]]:
    """Run points in processes of their own, and hand each on as it ends."""
    # Spawned, not forked: a process that has used torch's threads cannot be forked safely.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_one_thread) as pool:
        waiting = [pool.submit(_point, name, index) for index in points]
        try:
            for future in as_completed(waiting):
                yield future.result()
        except BaseException:  # Ctrl-C too: what has not begun does not begin
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _point(name: str, index: int) -> tuple[int, list[Row], float]:
    experiment, start = find(name), time.perf_counter()
    rows = experiment.run(**experiment.points[index])
    return index, rows, time.perf_counter() - start


class _Kept:
    """Points that are done, in a file with a line for each; those of other code or other settings are not used."""

    def __init__(self, experiment: Experiment) -> None:
        from mmlearn.paths import root

        self.file = root() / "work" / "experiments" / f"{experiment.name}.jsonl"
        self.points = experiment.points
        self.code = _code()
        self.done: dict[int, dict] = {}
        for line in self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else ():
            try:
                entry = json.loads(line)
            except ValueError:  # not ours
                continue
            if entry["code"] == self.code and entry["point"] in self.points:
                self.done[self.points.index(entry["point"])] = entry

    def add(self, index: int, rows: list[Row], seconds: float) -> None:
        entry = {"code": self.code, "point": self.points[index], "rows": rows, "seconds": seconds}
        self.done[index] = entry
        write_whole(self.file, "".join(json.dumps(entry) + "\n" for entry in self.done.values()).encode())

    @property
    def seconds(self) -> float:
        return sum(entry["seconds"] for entry in self.done.values())


def _code() -> str:
    """A hash of what the numbers depend on: all code below the course, and the data."""
    from mmlearn.paths import root

    package = Path(__file__).parents[1]
    files = [file for file in sorted(package.rglob("*.py")) if file.relative_to(package).parts[0] != "course"]
    files += sorted((root() / "data").glob("*/manifest.json"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _card(experiment: Experiment, content: bytes, seconds: float) -> bytes:
    """What a reader of the rows wants to know, as the bytes of a JSON file."""
    card = {
        "question": experiment.question,
        "lesson": experiment.lesson,
        "command": f"mmlearn experiment {experiment.name}",
        "seeds": sorted({point["seed"] for point in experiment.points}),
        "points": len(experiment.points),
        "minutes": round(seconds / 60, 1),
        "sha256": hashlib.sha256(content).hexdigest(),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name).split("+")[0] for name in VERSIONS},
        "system": f"{sys.platform} {platform.machine()}, one thread a point",
    }
    return (json.dumps(card, indent=1) + "\n").encode()
