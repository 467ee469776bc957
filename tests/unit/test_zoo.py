"""Trained models in data/zoo/: made whole, described, loaded, and held against their recorded curve."""

import json

import pytest
import torch
from torch import nn

from mmlearn import train
from mmlearn.experiments import zoo

STEPS = 200


def fit(model, stop=None, **options):
    def loss(model, batch):
        if stop is not None and model.calls >= stop:
            raise KeyboardInterrupt
        model.calls += 1
        return (model(batch) - batch.sum(dim=1, keepdim=True)).square().mean()

    model.calls = 0
    batches = train.batches(torch.randn(64, 3, generator=torch.Generator().manual_seed(0)), batch_size=8)
    return train.fit(model, loss, batches, steps=STEPS, device="cpu", **options)


def build():
    torch.manual_seed(3)
    return nn.Linear(3, 1)


def recipe(**changed):
    parts = {"name": "toy", "what": "A line.", "build": build, "fit": fit, "measure": lambda model: {"bias": 0.25}}
    return zoo.Recipe(**parts | changed)


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """A recipe `toy` whose files stand under a temporary root."""
    monkeypatch.setattr(zoo, "root", lambda: tmp_path)
    monkeypatch.setattr(zoo, "MODULES", {"toy": "none"})
    threads = torch.get_num_threads()
    yield lambda **changed: monkeypatch.setattr(zoo, "recipe", lambda name: recipe(**changed))
    torch.set_num_threads(threads)


def test_a_model_is_written_with_its_card_and_loaded(toy, tmp_path):
    toy()
    path = zoo.make("toy")
    card = zoo.card("toy")
    assert path == tmp_path / "data" / "zoo" / "toy.safetensors"
    assert card["command"] == "mmlearn zoo train toy" and card["seed"] == 0 and card["steps"] == STEPS
    assert card["parameters"] == 4 and card["measured"] == {"bias": 0.25}
    assert len(card["losses"]) == zoo.POINTS and card["losses"][-1] < card["losses"][0]
    loaded = zoo.load("toy")
    assert not loaded.training and not torch.equal(loaded.weight, build().weight)
    assert not (tmp_path / "work" / "zoo" / "toy.safetensors").exists(), "the state of a finished run is removed"


def test_a_stopped_training_writes_nothing(toy, tmp_path):
    toy(fit=lambda model, **options: fit(model, stop=5, **options))
    with pytest.raises(KeyboardInterrupt):
        zoo.make("toy")
    assert not (tmp_path / "data").exists()


def test_the_first_steps_run_again_follow_the_recorded_curve(toy):
    toy()
    zoo.make("toy")
    new, recorded = zoo.again("toy", share=0.1)
    assert len(new) == 10 and new == pytest.approx(recorded, abs=1e-4)
    toy(build=lambda: nn.Linear(3, 1).requires_grad_(True))  # other first weights
    torch.manual_seed(99)
    other, recorded = zoo.again("toy", share=0.1)
    assert other != pytest.approx(recorded, abs=1e-4)
    with pytest.raises(ValueError, match=r"0\.01 to 1; got 2"):
        zoo.again("toy", share=2)


def test_the_curve_is_the_mean_of_equal_stretches():
    assert zoo.curve([float(step) for step in range(250)], 1000) == [4.5 + 10 * point for point in range(25)]
    assert zoo.curve([1.0] * 9, 1000) == []


def test_what_is_not_there_is_told_with_the_way_to_it(toy):
    toy()
    with pytest.raises(FileNotFoundError, match=r"toy\.safetensors is not in data/zoo/: .*mmlearn zoo train toy"):
        zoo.load("toy")
    with pytest.raises(FileNotFoundError, match=r"toy\.json"):
        zoo.card("toy")


def test_a_damaged_model_is_told_with_the_way_to_a_whole_one(toy, tmp_path):
    toy()
    (tmp_path / "data" / "zoo").mkdir(parents=True)
    (tmp_path / "data" / "zoo" / "toy.safetensors").write_bytes(b"cut short")
    with pytest.raises(ValueError, match=r"git checkout -- data/zoo/toy\.safetensors, or mmlearn zoo train toy"):
        zoo.load("toy")


def test_an_unknown_name_is_told():
    with pytest.raises(ValueError, match="no checkpoint is called 'clip'; there are toy-clip"):
        zoo.load("clip")


@pytest.mark.parametrize("name", zoo.names())
def test_a_committed_model_is_the_one_of_its_card(name):
    import hashlib

    path = zoo._weights(name)
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"], "the weights are not those of the card"
    assert zoo.recipe(name).what == card["what"] and zoo.recipe(name).seed == card["seed"]
    assert sum(p.numel() for p in zoo.load(name).parameters()) == card["parameters"]
