"""Checkpoints of a model."""

import os

import pytest
import safetensors.torch
import torch
from torch import nn

from mmlearn import train


class Tied(nn.Module):
    def __init__(self, items=6):
        super().__init__()
        self.table = nn.Embedding(items, 3)
        self.norm = nn.BatchNorm1d(3)
        self.out = nn.Linear(3, items, bias=False)
        self.out.weight = self.table.weight


def test_round_trip_with_tied_weights_buffers_and_metadata(tmp_path):
    a, b = Tied(), Tied()
    a.norm.running_mean.fill_(4)
    path = tmp_path / "new" / "model.safetensors"
    train.save(path, a, accuracy=0.5, labels=["x", "y"], note="ü")
    assert train.load(path, b) == {"accuracy": 0.5, "labels": ["x", "y"], "note": "ü"}
    assert all(torch.equal(a.state_dict()[name], tensor) for name, tensor in b.state_dict().items())
    assert b.out.weight is b.table.weight
    assert os.listdir(path.parent) == ["model.safetensors"]


def test_a_model_in_another_precision_keeps_it(tmp_path):
    a, b = nn.Linear(2, 3), nn.Linear(2, 3).bfloat16()
    train.save(tmp_path / "m", a)
    train.load(tmp_path / "m", b)
    assert b.weight.dtype == torch.bfloat16 and torch.equal(b.weight, a.weight.bfloat16())


def test_a_file_that_does_not_fit_names_every_difference_and_changes_nothing(tmp_path):
    train.save(tmp_path / "m", nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.Linear(1, 1)}))
    other = nn.ModuleDict({"a": nn.Linear(2, 4), "c": nn.Linear(1, 1, bias=False)})
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(ValueError) as caught:
        train.load(tmp_path / "m", other)
    message = str(caught.value)
    assert "missing: c.weight (1, 1)" in message and "not in the model: b.bias" in message
    assert "a.weight is (3, 2) in the file and (4, 2) in the model" in message
    assert all(torch.equal(before[name], tensor) for name, tensor in other.state_dict().items())


@pytest.mark.parametrize("keep", [0, 5, 60, -1])
def test_a_damaged_file_is_named(tmp_path, keep):
    path = tmp_path / "m.safetensors"
    train.save(path, nn.Linear(9, 9))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"m\.safetensors is not a whole safetensors file"):
        train.load(path, nn.Linear(9, 9))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.safetensors"):
        train.load(tmp_path / "nothing.safetensors", nn.Linear(1, 1))


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    model = nn.Linear(2, 2)
    train.save(path, model, version=1)

    def full(tensors, file, metadata):
        file.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(OSError, match="no space"):
        train.save(path, model, version=2)
    assert train.load(path, model) == {"version": 1} and os.listdir(tmp_path) == ["m.safetensors"]


def test_plain_text_metadata_of_other_programs_is_read(tmp_path):
    from safetensors.torch import save_model

    model = nn.Linear(2, 2)
    save_model(model, tmp_path / "m", {"format": "pt"})
    assert train.load(tmp_path / "m", model) == {"format": "pt"}
