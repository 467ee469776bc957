"""Grading on a Dask cluster gives what this machine gives, also where a worker dies on the way."""

import os
import signal
import time
from pathlib import Path
from threading import Thread

import pytest
from classes import DETACHED, RIGHT, TOTAL, hand_in, mean_picture

from mmlearn.cli import main

distributed = pytest.importorskip("distributed", reason="distributed is not installed")
Client, LocalCluster = distributed.Client, distributed.LocalCluster

SLOW = "import time\n" + TOTAL.replace("    return", "    time.sleep(0.5)\n    return")
CLASS = {
    "ann": mean_picture(RIGHT),
    "bob": mean_picture(DETACHED),
    "cem": mean_picture(SLOW),
    "dan": mean_picture(SLOW.replace("0.5", "0.4")),
    "eva": mean_picture(SLOW.replace("0.5", "0.6")),
    "fay": b"no notebook",
}


def grade(submissions: Path, out: Path, *options) -> int:
    return main(["grade", str(submissions), "--lesson", "00", "--out", str(out), "--seed", "s", *options])


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # of the workers: one that is killed clears nothing away
    options = {"dashboard_address": None, "local_directory": str(tmp_path)}
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **options) as cluster:
        yield cluster


def kill_one(cluster, out: Path, killed: list) -> None:
    """Kill a worker's process once somebody is marked."""
    deadline = time.monotonic() + 120
    while not list(out.glob("records/*.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.append(next(iter(cluster.workers.values())).pid)
    os.kill(killed[0], signal.SIGKILL)


def test_a_class_on_a_cluster_of_which_a_worker_dies(cluster, tmp_path):
    submissions, here, there = hand_in(tmp_path / "class", CLASS), tmp_path / "here", tmp_path / "there"
    killed = []
    killer = Thread(target=kill_one, args=(cluster, there, killed))
    killer.start()
    assert grade(submissions, there, "--dask", cluster.scheduler_address) == 0
    killer.join()
    assert killed and len(list((there / "records").iterdir())) == len(CLASS)
    assert grade(submissions, here, "--jobs", "1") == 0
    assert (there / "grades.csv").read_bytes() == (here / "grades.csv").read_bytes()
    pages = sorted(path.name for path in (here / "feedback").iterdir())
    assert pages == sorted(path.name for path in (there / "feedback").iterdir())
    assert all((there / "feedback" / name).read_bytes() == (here / "feedback" / name).read_bytes() for name in pages)
    report = (there / "report.md").read_text(encoding="utf-8")
    assert "**cluster**: Dask, 2 workers at the start" in report and "**isolation**: " in report
    assert grade(submissions, there, "--only", "bob", "--dask", cluster.scheduler_address) == 0
    assert "as it should be" in (there / "log" / "bob.txt").read_text()


def test_what_a_worker_cannot_mark_stops_nobody_else(cluster, tmp_path, capsys):
    def broken(dask_worker):
        from mmlearn.course.grader import cluster

        cluster._marker = None

    submissions = hand_in(tmp_path / "class", {name: CLASS[name] for name in ("ann", "bob", "fay")})
    with Client(cluster.scheduler_address) as client:
        client.run(broken)
    assert grade(submissions, tmp_path / "out", "--dask", cluster.scheduler_address) == 1
    said = capsys.readouterr().err
    assert "3 of 3 were not marked, and the same command tries them again" in said and "Traceback" not in said
    assert not list((tmp_path / "out").glob("records/*"))


def test_a_scheduler_that_is_not_there_is_one_sentence(tmp_path, capsys, monkeypatch):
    import dask

    submissions = hand_in(tmp_path / "class", {"ann": CLASS["ann"]})
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        assert grade(submissions, tmp_path / "out", "--dask", "tcp://127.0.0.1:9") == 1
        assert grade(submissions, tmp_path / "out", "--dask", "nonsense://x") == 1
    said = capsys.readouterr().err
    assert said.count("mmlearn: ") == 2 and "Traceback" not in said
