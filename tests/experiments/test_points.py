"""One point of every experiment, run again and held against the committed rows."""

import hashlib
import json

import pytest
import torch

from mmlearn.experiments import experiments, rows
from mmlearn.experiments.table import folder

ALL = experiments()
# Another processor rounds sums differently, and training carries that on: a share may differ as between two seeds.
TOLERANCE = 0.06


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("experiment", ALL, ids=lambda e: e.name)
def test_the_committed_rows_are_those_of_all_points(experiment):
    committed = rows(experiment.name)
    points = [{name: row[name] for name in experiment.again} for row in committed]
    assert list(map(dict, dict.fromkeys(tuple(p.items()) for p in points))) == list(experiment.points)


@pytest.mark.parametrize("experiment", ALL, ids=lambda e: e.name)
def test_no_row_was_edited_by_hand(experiment):
    content = (folder() / f"{experiment.name}.csv").read_bytes()
    card = json.loads((folder() / f"{experiment.name}.json").read_text(encoding="utf-8"))
    assert hashlib.sha256(content).hexdigest() == card["sha256"], f"not the rows of {card['command']}"


@pytest.mark.parametrize("experiment", ALL, ids=lambda e: e.name)
def test_the_card_says_how_the_rows_were_made(experiment):
    card = json.loads((folder() / f"{experiment.name}.json").read_text(encoding="utf-8"))
    assert card["question"] == experiment.question and card["lesson"] == experiment.lesson
    assert card["command"] == f"mmlearn experiment {experiment.name}"
    assert card["points"] == len(experiment.points) and card["minutes"] > 0
    assert card["seeds"] == sorted({point["seed"] for point in experiment.points})


@pytest.mark.parametrize("experiment", ALL, ids=lambda e: e.name)
def test_a_point_gives_its_rows_again(experiment):
    committed = [row for row in rows(experiment.name) if all(row[k] == v for k, v in experiment.again.items())]
    for old, new in zip(committed, experiment.run(**experiment.again), strict=True):
        (*settings, measured) = old
        assert {name: new[name] for name in settings} == {name: old[name] for name in settings}
        assert new[measured] == pytest.approx(old[measured], abs=TOLERANCE)
