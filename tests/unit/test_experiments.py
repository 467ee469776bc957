"""The frame of experiments: rows, intervals, and a sweep that is stopped, gone on with and written whole."""

import json

import pytest

from mmlearn import experiments
from mmlearn.eval.intervals import Interval, mean_interval, paired_interval
from mmlearn.experiments import runner, table
from mmlearn.experiments.table import Experiment, as_csv, by_seed, rows, select

CALLS = []


def count(size: int, seed: int) -> list[dict]:
    CALLS.append((size, seed))
    if size == 13:
        raise KeyboardInterrupt
    return [{"what": "double", "value": 2.0 * size}, {"what": "sum", "value": size + seed / 3}]


def toy(*sizes: int) -> Experiment:
    points = tuple({"size": size, "seed": seed} for size in sizes for seed in (0, 1))
    return Experiment("toy", "01", "What is it?", points, count, points[0])


@pytest.fixture
def sweep(monkeypatch, tmp_path):
    """`runner.sweep` of a toy experiment, in this process, kept and written under a temporary folder."""
    monkeypatch.setattr("mmlearn.paths.root", lambda: tmp_path)
    CALLS.clear()

    def here(name, points, jobs):
        for index in points:
            yield index, runner.find(name).run(**runner.find(name).points[index]), 0.5

    monkeypatch.setattr(runner, "_run", here)

    def go(experiment, jobs=1):
        monkeypatch.setattr(runner, "find", lambda name: experiment)
        return runner.sweep("toy", jobs, tmp_path / "out")

    return go


def test_rows_come_back_as_they_were_written(tmp_path):
    made = toy(1, 2).run(size=1, seed=1)
    (tmp_path / "toy.csv").write_bytes(as_csv(made))
    assert rows("toy", tmp_path / "toy.csv") == [
        {"size": 1, "seed": 1, "what": "double", "value": 2.0},
        {"size": 1, "seed": 1, "what": "sum", "value": pytest.approx(1.3333)},
    ]
    assert select(rows("toy", tmp_path / "toy.csv"), what="sum")[0]["size"] == 1


def test_values_by_seed_are_one_a_seed_in_their_order():
    table = [{"seed": seed, "what": what, "value": seed + 0.5} for seed in (1, 0) for what in ("a", "b")]
    assert by_seed(table, what="a") == [0.5, 1.5]
    with pytest.raises(ValueError, match=r"'what': 'c'.* fits rows with the seeds \[\]"):
        by_seed(table, what="c")
    with pytest.raises(ValueError, match=r"the seeds \[0, 0, 1, 1\]; each seed should be there once"):
        by_seed(table)


def test_missing_or_damaged_rows_are_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"no-such\.csv is not in data/experiments/: mmlearn experiment no-such"
    ):
        rows("no-such")
    (tmp_path / "toy.csv").write_text("a,b\n1,2\n3\n")
    with pytest.raises(ValueError, match="line 3: 1 cells under 2 columns"):
        rows("toy", tmp_path / "toy.csv")


def test_an_unknown_experiment_lists_the_known():
    with pytest.raises(ValueError, match="no experiment is called 'vit'; there are vit-learning-rate"):
        experiments.find("vit")


def test_the_point_to_run_again_is_one_of_the_points():
    with pytest.raises(ValueError, match="not one of its points"):
        Experiment("toy", "01", "?", ({"seed": 0},), count, {"seed": 1})


def test_a_sweep_writes_rows_in_the_order_of_points_and_a_card(sweep, tmp_path):
    file = sweep(toy(3, 4))
    assert [(row["size"], row["seed"]) for row in rows("toy", file)] == [(s, i) for s in (3, 4) for i in (0, 0, 1, 1)]
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["seeds"] == [0, 1] and card["points"] == 4 and card["command"] == "mmlearn experiment toy"
    assert not list((tmp_path / "work" / "experiments").iterdir()), "what was kept is no longer needed"


def test_a_stopped_sweep_goes_on_where_it_was(sweep, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        sweep(toy(3, 13))
    assert not (tmp_path / "out").exists(), "nothing half-written"
    kept = tmp_path / "work" / "experiments" / "toy.jsonl"
    with kept.open("a") as file:
        file.write('{"code": "cut off wh')  # the machine stopped while writing
    CALLS.clear()
    with pytest.raises(KeyboardInterrupt):
        sweep(toy(3, 4, 13))
    assert CALLS == [(4, 0), (4, 1), (13, 0)]
    CALLS.clear()
    sweep(toy(3, 4, 5))
    assert CALLS == [(5, 0), (5, 1)], "what was kept after the first stop is kept after the second"


def test_points_kept_from_other_code_are_run_again(sweep, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        sweep(toy(3, 13))
    kept = tmp_path / "work" / "experiments" / "toy.jsonl"
    kept.write_text(kept.read_text().replace('"code": "', '"code": "other'))
    CALLS.clear()
    sweep(toy(3))
    assert CALLS == [(3, 0), (3, 1)]


def test_jobs_must_be_at_least_one(sweep):
    with pytest.raises(ValueError, match="--jobs must be at least 1, got 0"):
        sweep(toy(3), jobs=0)


def test_quick_mode_writes_no_rows(sweep, monkeypatch):
    monkeypatch.setenv("MMLEARN_QUICK", "1")
    with pytest.raises(ValueError, match="rows made so mean nothing"):
        sweep(toy(3))
    assert CALLS == []


def test_points_run_in_processes_of_their_own(monkeypatch):
    """The real pool, on a real experiment's cheapest kind of point."""
    against = experiments.find("vit-against-cnn")
    index = next(i for i, point in enumerate(against.points) if point["model"] == "majority")
    ((got, found, seconds),) = runner._run("vit-against-cnn", [index], 1)
    assert got == index and seconds > 0
    assert [row["where"] for row in found] == ["unseen concepts", "unseen style"]


def test_intervals_are_students():
    # Two values a, b: the half width is t(0.975, 1) * |a - b| / 2, with t = 12.706.
    interval = mean_interval([0.4, 0.6])
    assert interval.mean == pytest.approx(0.5) and interval.high - interval.mean == pytest.approx(
        12.706 * 0.1, rel=1e-4
    )
    assert f"{interval:.1f}" == "0.5 (-0.8 to 1.8)"
    assert f"{Interval(0.01, -0.004, 0.02):.2f}" == "0.01 (0.00 to 0.02)", "no minus before a zero"
    same = paired_interval([0.5, 0.7, 0.9], [0.4, 0.6, 0.8])
    assert same == pytest.approx((0.1, 0.1, 0.1)), "differences that never vary"
    assert f"{mean_interval([0.25, 0.25]):.2f}" == "0.25", "nothing varies: there is no interval to tell"
    with pytest.raises(ValueError, match="at least two values, got 1"):
        mean_interval([0.4])


def test_every_experiment_is_of_a_lesson_and_asks_something():
    names = [experiment.name for experiment in experiments.experiments()]
    assert len(names) == len(set(names)) >= 3
    for experiment in experiments.experiments():
        assert experiment.question.endswith("?") and len(experiment.lesson) == 2
        assert len({tuple(point) for point in experiment.points}) == 1, "the same settings in all points"
        assert "seed" in experiment.again
    assert table.folder().name == "experiments"


def test_tables_of_papers_are_read_by_name():
    from mmlearn import data

    assert data.table("vit-table-1")[0] == {
        "model": "ViT-Base",
        "layers": 12,
        "hidden size D": 768,
        "MLP size": 3072,
        "heads": 12,
        "million parameters": 86,
    }
    with pytest.raises(ValueError, match=r"There is no table .vit-table-9.\. There is: .*vit-table-1"):
        data.table("vit-table-9")
