"""Training in two processes gives what one process gives from the same batches."""

from pathlib import Path

import pytest
import runs
import torch
from launching import HERE, torchrun
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

from mmlearn import train
from mmlearn.train import processes


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> Path:
    """What two processes wrote."""
    folder = tmp_path_factory.mktemp("together")
    done = torchrun(HERE / "runs.py", str(folder))
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("name", runs.RUNS)
def test_two_processes_train_as_one(name, together, record_property):
    (alone, history), other = runs.run(name), runs.RUNS[name]()[0].double()
    kept = train.load(together / f"{name}.0.safetensors", other)["records"]
    found = {
        "loss": relative(history, kept, "loss"),
        "gradient norm": relative(history, kept, "grad_norm"),
        "weights": difference(alone, other),
    }
    record_property("processes", (name, found))
    assert max(found.values()) <= 1e-5, found
    assert kept[-1].keys() == history.records[-1].keys()


@pytest.mark.parametrize("name", runs.RUNS)
def test_all_processes_end_with_the_same_weights(name, together):
    models = [runs.RUNS[name]()[0].double() for _ in range(2)]
    for number, model in enumerate(models):
        train.load(together / f"{name}.{number}.safetensors", model)
    for a, b in zip(*(model.parameters() for model in models), strict=True):
        assert torch.equal(a, b)


def relative(history: train.History, records: list[dict[str, float]], what: str) -> float:
    """The largest difference of a recorded number over all steps, by its size."""
    return max(abs(a[what] - b[what]) / a[what] for a, b in zip(history.records, records, strict=True))


def difference(ours: nn.Module, theirs: nn.Module) -> float:
    """The largest of all weights' differences, by the largest weight."""
    pairs = list(zip(ours.parameters(), theirs.parameters(), strict=True))
    with torch.no_grad():
        return float(max((a - b).abs().max() for a, b in pairs) / max(b.abs().max() for _, b in pairs))


def test_the_comparison_would_notice_a_local_loss():
    """Pairs that meet the pairs of their own process alone have another loss."""
    model, _, batches = runs.clip()
    images, tokens = batches[0]
    model.double()
    whole = model.loss(images, tokens)
    halves = [model.loss(a, b) for a, b in zip(images.chunk(2), tokens.chunk(2), strict=True)]
    assert abs(whole - sum(halves) / 2) > 0.1 * whole


# --- one process ------------------------------------------------------------------------------------------------------


def test_alone_nothing_is_cut_or_averaged():
    batch = {"x": torch.arange(5), "names": ["a"]}
    assert (processes.count(), processes.rank()) == (1, 0)
    assert processes.share(batch, [batch]) is batch
    assert processes.mean_of_all(torch.tensor([2.0])).item() == 2
    processes.meet(torch.device("cpu"))
    assert processes.count() == 1


# --- shares, with the numbers of a process pretended ------------------------------------------------------------------


@pytest.fixture
def second_of_two(monkeypatch):
    monkeypatch.setattr(processes, "count", lambda: 2)
    monkeypatch.setattr(processes, "rank", lambda: 1)


def test_a_share_is_the_same_part_of_every_tensor(second_of_two):
    batch = (torch.arange(4), {"y": torch.arange(8).view(4, 2)}, "a text")
    x, y, text = processes.share(batch, [batch])
    assert x.tolist() == [2, 3] and y["y"].tolist() == [[4, 5], [6, 7]] and text == "a text"


def test_a_batch_that_cannot_be_shared_is_refused(second_of_two):
    with pytest.raises(ValueError, match="2 processes do not divide a batch of 5; take a multiple"):
        processes.share(torch.zeros(5, 3), [])


def test_a_distributed_sampler_has_shared_already(second_of_two):
    data = TensorDataset(torch.arange(8))
    loader = DataLoader(data, batch_size=2, sampler=DistributedSampler(data, num_replicas=2, rank=1, shuffle=False))
    for (batch,) in loader:
        assert processes.share(batch, loader) is batch
        assert (batch % 2 == 1).all()


def test_a_distributed_sampler_shuffles_every_pass_anew():
    from mmlearn.train.data import endless

    data = TensorDataset(torch.arange(32))
    loader = DataLoader(data, batch_size=32, sampler=DistributedSampler(data, num_replicas=1, rank=0))
    stream = endless(loader)
    (first,), (second,) = next(stream), next(stream)
    assert sorted(first.tolist()) == sorted(second.tolist()) and first.tolist() != second.tolist()


# --- what goes wrong in one process reaches the user ------------------------------------------------------------------

BROKEN = """
import torch
from torch import nn
from mmlearn import train
train.fit(nn.Linear(2, 1), lambda m, x: m(x).mean(), [torch.ones(3, 2)], steps=2, device="cpu", progress=False)
"""


def test_a_batch_that_does_not_divide_ends_all_processes_with_the_reason(tmp_path):
    script = tmp_path / "broken.py"
    script.write_text(BROKEN, encoding="utf-8")
    done = torchrun(script)
    assert done.returncode != 0 and "2 processes do not divide a batch of 3; take a multiple" in done.stderr
