"""The training loop: what it promises, on models small enough for milliseconds."""

import itertools
import math
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmlearn import train
from mmlearn.train import resume

X = torch.randn(40, 5, generator=torch.Generator().manual_seed(1))
Y = (X[:, 0] > 0).long()


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Threads only wait for each other on models of this size, most of all beside other test processes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def small(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 7), nn.Dropout(0.3), nn.ReLU(), nn.Linear(7, 2))


def loss(model, batch):
    x, y = batch
    return F.cross_entropy(model(x), y)


def fit(model, *, steps=12, objective=loss, data=None, **options):
    data = train.batches(X, Y, batch_size=16) if data is None else data
    return train.fit(model, objective, data, steps=steps, device="cpu", progress=False, **options)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def accuracy(model):
    return {"accuracy": (model(X).argmax(1) == Y).float().mean()}


# --- learning and repeating


def test_it_learns():
    model = small()
    history = fit(model, steps=60, lr=3e-2, evaluate=accuracy)
    assert history.evaluations[-1]["accuracy"] > 0.9
    assert history.losses[-1] < history.losses[0]
    assert not model.training


def test_same_seed_same_weights_and_other_seed_other_weights():
    a, b, c = small(), small(), small()
    fit(a, seed=3), fit(b, seed=3), fit(c, seed=4)
    assert torch.equal(weights(a), weights(b))
    assert not torch.equal(weights(a), weights(c))  # dropout differs


def test_the_callers_random_state_is_left_alone_and_does_not_matter():
    a, b = small(), small()
    torch.manual_seed(5), random.seed(5), np.random.seed(5)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    fit(a, evaluate=lambda m: {"noise": torch.rand(())})
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), np.random.get_state()[1].tolist())
    torch.manual_seed(6)
    fit(b)
    assert torch.equal(weights(a), weights(b))


def test_an_evaluation_that_draws_random_numbers_changes_nothing_and_repeats():
    a, b = small(), small()
    fit(a)
    history = fit(b, evaluate=lambda m: {"noise": torch.rand(())}, eval_every=5)
    assert torch.equal(weights(a), weights(b))
    assert len({row["noise"] for row in history.evaluations}) == 1
    assert [row["step"] for row in history.evaluations] == [5, 10, 12]


# --- batches


def test_batches_show_every_item_once_a_pass_in_changing_order():
    stream = train.batches(torch.arange(10), batch_size=4, seed=0)
    items = torch.cat([next(stream) for _ in range(10)]).tolist()
    passes = [items[start : start + 10] for start in range(0, 40, 10)]
    assert all(sorted(one) == list(range(10)) for one in passes)
    assert len({tuple(one) for one in passes}) == 4


def test_batches_depend_on_their_seed_alone():
    torch.manual_seed(1)
    a = [next(train.batches(torch.arange(10), batch_size=4, seed=2)).tolist() for _ in range(1)]
    torch.manual_seed(2)
    b = [next(train.batches(torch.arange(10), batch_size=4, seed=2)).tolist() for _ in range(1)]
    c = [next(train.batches(torch.arange(10), batch_size=4, seed=3)).tolist() for _ in range(1)]
    assert a == b != c


def test_batches_keep_items_together_may_exceed_the_data_and_augment():
    x, y = next(train.batches(torch.arange(6), torch.arange(6) * 10, batch_size=14))
    assert torch.equal(x * 10, y) and len(x) == 14
    noisy = lambda x, generator: x + torch.rand(x.shape, generator=generator)
    a, b = (next(train.batches(torch.zeros(6, 2), batch_size=3, augment=noisy)) for _ in range(2))
    assert torch.equal(a, b) and (a > 0).all()


@pytest.mark.parametrize("tensors, size", [((), 2), ((X, Y[:5]), 2), ((X[:0],), 2), ((X,), 0)])
def test_batches_refuse_at_once(tensors, size):
    with pytest.raises(ValueError, match=r"lengths|batch_size"):
        train.batches(*tensors, batch_size=size)


@pytest.mark.parametrize(
    "data, objective",
    [
        ([X], lambda m, b: m(b).square().mean()),
        ([{"x": X, "y": Y, "names": ["a"]}], lambda m, b: F.cross_entropy(m(b["x"]), b["y"])),
        ([[X, (Y, None)]], lambda m, b: F.cross_entropy(m(b[0]), b[1][0])),
    ],
)
def test_batches_of_any_shape_and_a_short_list_goes_round(data, objective):
    assert len(fit(small(), data=data, objective=objective).losses) == 12


def test_a_data_loader_shuffles_the_same_way_each_time():
    loader = lambda: torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), batch_size=16, shuffle=True)
    a, b = small(), small()
    torch.manual_seed(1)
    fit(a, data=loader())
    torch.manual_seed(2)
    fit(b, data=loader())
    assert torch.equal(weights(a), weights(b))


def test_to_device_reaches_every_tensor():
    moved = train.to_device({"a": [X, (Y, "text")], "n": 3}, "meta")
    assert moved["a"][0].is_meta and moved["a"][1][0].is_meta
    assert moved["a"][1][1] == "text" and moved["n"] == 3 and isinstance(moved["a"][1], tuple)


def test_a_generator_that_ends_is_named():
    with pytest.raises(ValueError, match="ended after 3 of 12 steps"):
        fit(small(), data=((X, Y) for _ in range(3)))


# --- the update


def test_learning_rate_rises_then_falls():
    rates = [train.lr_factor(step, 100, warmup=0.1) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * (n + 1) for n in range(10)])
    assert rates[10] == 1 and rates[55] == pytest.approx(0.5) and 0 < rates[99] < 0.001
    assert all(a > b for a, b in itertools.pairwise(rates[10:]))
    assert {train.lr_factor(step, 100, warmup=0.1, schedule="constant") for step in range(10, 100)} == {1.0}
    assert train.lr_factor(0, 1, warmup=0.9) == 1 and train.lr_factor(0, 1, warmup=0) == 1


def test_fit_follows_the_schedule_also_with_a_given_optimizer_and_puts_its_rates_back():
    model = small()
    optimizer = torch.optim.SGD(
        [{"params": model[0].parameters(), "lr": 0.4}, {"params": model[3].parameters(), "lr": 0.2}]
    )
    seen = []
    history = fit(
        model, warmup=0.5, optimizer=optimizer, on_event=lambda e: seen.append(optimizer.param_groups[1]["lr"])
    )
    assert history.series("lr")[1] == pytest.approx([0.4 * train.lr_factor(n, 12, 0.5) for n in range(12)])
    assert seen[1:13] == pytest.approx([0.2 * train.lr_factor(n, 12, 0.5) for n in range(12)])
    assert [group["lr"] for group in optimizer.param_groups] == [0.4, 0.2]


def test_gradients_are_clipped_and_the_norm_before_is_recorded():
    def moved(clip):
        model = nn.Linear(5, 1, bias=False)
        nn.init.zeros_(model.weight)
        sgd = torch.optim.SGD(model.parameters(), lr=1.0)
        steep = lambda m, x: 100 * m(x).sum()
        history = fit(
            model, steps=1, objective=steep, data=[X], optimizer=sgd, clip=clip, warmup=0, schedule="constant"
        )
        return weights(model).norm().item(), history.records[0]["grad_norm"]

    expected = 100 * X.sum(0).norm().item()
    assert moved(0.5) == pytest.approx((0.5, expected), rel=1e-4)
    assert moved(None) == pytest.approx((expected, expected), rel=1e-4)


def test_only_weight_matrices_decay():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.linear, self.norm = nn.Embedding(4, 3), nn.Linear(3, 4), nn.LayerNorm(3)
            self.conv, self.positions = nn.Conv1d(3, 3, 2), nn.Parameter(torch.zeros(1, 4, 3))
            self.attention = nn.MultiheadAttention(3, 1)
            self.frozen = nn.Linear(3, 3).requires_grad_(False)
            self.tied = nn.Linear(3, 4, bias=False)
            self.tied.weight = self.table.weight

    model = Model()
    groups = train.adamw(model, lr=1e-3, weight_decay=0.2).param_groups
    names = {id(p): name for name, p in model.named_parameters()}
    decayed = {names[id(p)] for group in groups if group["weight_decay"] == 0.2 for p in group["params"]}
    rest = {names[id(p)] for group in groups if group["weight_decay"] == 0 for p in group["params"]}
    assert decayed == {"linear.weight", "conv.weight", "attention.in_proj_weight", "attention.out_proj.weight"}
    assert {"table.weight", "positions", "norm.weight", "linear.bias"} <= rest
    assert not any(name.startswith("frozen") for name in decayed | rest)


def test_bf16_computes_in_bf16_and_keeps_float32_weights():
    kinds = []

    def objective(model, batch):
        out = model(batch[0])
        kinds.append(out.dtype)
        return F.cross_entropy(out, batch[1])

    model = small()
    fit(model, steps=1, objective=objective, precision="bf16")
    fit(model, steps=1, objective=objective)
    assert kinds == [torch.bfloat16, torch.float32]
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_parts_of_the_loss_are_recorded():
    history = fit(small(), objective=lambda m, b: (loss(m, b), {"twice": 2 * loss(m, b).detach(), "constant": 7.0}))
    assert history.series("constant") == (list(range(1, 13)), [7.0] * 12)
    assert len(history.series("twice")[1]) == 12
    with pytest.raises(KeyError, match="twice"):
        history.series("thrice")


# --- modes, events, ends


def test_modes_while_training_and_evaluating_with_a_frozen_part():
    model = nn.ModuleDict({"tower": nn.Sequential(nn.Linear(5, 5), nn.Dropout()), "head": nn.Linear(5, 2)})
    model["tower"].requires_grad_(False)
    seen = []

    def look(kind):
        dropout = model["tower"][1].training
        seen.append((kind, model.training, model["head"].training, dropout, torch.is_grad_enabled()))
        return {"zero": 0.0}

    objective = lambda m, b: look("loss") and F.cross_entropy(m["head"](m["tower"](b[0])), b[1])
    fit(model, steps=2, objective=objective, evaluate=lambda m: look("evaluate"), eval_every=1)
    assert seen == [("loss", True, True, False, True), ("evaluate", False, False, False, False)] * 2
    assert not any(module.training for module in model.modules())


def test_events_come_in_order_and_to_every_listener():
    seen, others = [], []
    history = fit(
        small(),
        steps=3,
        evaluate=accuracy,
        eval_every=2,
        on_event=[lambda e: seen.append((e.kind, e.step, sorted(e.values))), others.append],
    )
    step, evaluation = ["grad_norm", "loss", "lr", "step"], ["accuracy", "step"]
    assert seen == [
        ("start", 0, []),
        ("step", 1, step),
        ("step", 2, step),
        ("evaluation", 2, evaluation),
        ("step", 3, step),
        ("evaluation", 3, evaluation),
        ("end", 3, []),
    ]
    assert len(others) == 7 and others[0].history is history


# What is raised where memory runs out, and an error of another kind.
ERRORS = [
    (MemoryError(), True),
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"), True),
    (RuntimeError("MPS backend out of memory"), True),
    (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
]


@pytest.mark.parametrize(("error", "advised"), ERRORS, ids=lambda value: type(value).__name__)
def test_where_memory_runs_out_the_error_says_what_helps(error, advised):
    def objective(model, batch):
        raise error

    with pytest.raises(type(error)) as caught:
        fit(small(), objective=objective)
    notes = getattr(caught.value, "__notes__", [])
    assert [("in step 1 of 12" in note, "mmlearn doctor" in note) for note in notes] == [(True, True)] * advised


def test_the_cpus_allocator_is_recognised():
    def objective(model, batch):
        return torch.empty(2**60, dtype=torch.uint8).sum()

    with pytest.raises(RuntimeError) as caught:
        fit(small(), objective=objective)
    assert "Memory ran out in step 1 of 12" in caught.value.__notes__[0]


def test_interrupt_keeps_what_was_learned(capsys):
    def data():
        yield from [(X, Y)] * 4
        raise KeyboardInterrupt

    stopped, short, ends = small(), small(), []
    history = fit(stopped, data=data(), schedule="constant", warmup=0, on_event=lambda e: ends.append(e.kind))
    fit(short, steps=4, data=[(X, Y)], schedule="constant", warmup=0)
    assert history.interrupted and history.steps == [1, 2, 3, 4] and ends[-1] == "end"
    assert torch.equal(weights(stopped), weights(short)) and not stopped.training
    assert "Stopped after step 4 of 12" in capsys.readouterr().out
    assert "interrupted" in repr(history)


def test_quick_mode_cuts_steps_and_says_so(monkeypatch, capsys):
    monkeypatch.setenv("MMLEARN_QUICK", "1")
    history = fit(small(), steps=500, evaluate=accuracy)
    assert history.planned == len(history.steps) == 3 and history.evaluations[-1]["step"] == 3
    assert "3 steps in place of 500" in capsys.readouterr().out
    monkeypatch.setenv("MMLEARN_QUICK", "0")
    assert len(fit(small(), steps=5).steps) == 5


@pytest.mark.parametrize("broken", ["loss", "gradient"])
def test_not_finite_stops_and_names_the_step(broken):
    def objective(model, batch):
        total = loss(model, batch)
        objective.calls += 1
        if objective.calls < 3:
            return total
        # The square root has an infinite slope at zero: a finite loss with a gradient that is not.
        return total * math.nan if broken == "loss" else total + (weights_of(model) * 0).abs().sum().sqrt()

    weights_of = lambda model: model[0].weight
    objective.calls = 0
    model, good = small(), small()
    with pytest.raises(FloatingPointError, match="step 3 of 12"):
        fit(model, objective=objective, schedule="constant", warmup=0)
    fit(good, steps=2, schedule="constant", warmup=0)
    assert torch.equal(weights(model), weights(good))


def test_progress_bar_shows_loss_and_label(capsys):
    train.fit(small(), loss, [(X, Y)], steps=5, device="cpu", progress="ViT")
    out = capsys.readouterr().out
    assert "ViT" in out and "5/5" in out and "loss" in out
    fit(small())
    assert capsys.readouterr().out == ""


def test_history_sums_itself_up():
    text = repr(fit(small(), evaluate=accuracy))
    assert text.startswith("History: 12 of 12 steps in ") and "loss" in text and "accuracy" in text


@pytest.mark.parametrize(
    "options, message",
    [
        ({"steps": 0}, "steps"),
        ({"warmup": 100}, "share"),
        ({"schedule": "linear"}, "cosine"),
        ({"precision": "fp16"}, "bf16"),
        ({"eval_every": 0}, "eval_every"),
        ({"objective": lambda m, b: 3.0}, "scalar tensor"),
        ({"objective": lambda m, b: m(b[0])}, r"\(16, 2\)"),
        ({"objective": lambda m, b: loss(m, b).detach()}, "trainable"),
        ({"evaluate": lambda m: 3}, "dict of numbers"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fit(small(), **options)


def test_nothing_trainable_is_named():
    with pytest.raises(ValueError, match="no trainable parameter"):
        fit(small().requires_grad_(False))


def test_device_choice(monkeypatch):
    monkeypatch.setenv("MMLEARN_DEVICE", "cpu")
    assert train.device() == torch.device("cpu")
    monkeypatch.setenv("MMLEARN_DEVICE", "toaster")
    with pytest.raises(ValueError, match="MMLEARN_DEVICE='toaster'"):
        train.device()
    monkeypatch.delenv("MMLEARN_DEVICE")
    assert train.device().type in ("cuda", "mps", "cpu")


# --- going on after a kill


class Killed(Exception):
    pass


@pytest.mark.parametrize("make", [None, lambda m: torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)])
def test_a_killed_run_goes_on_to_the_very_same_weights(tmp_path, monkeypatch, capsys, make):
    monkeypatch.setattr(resume, "EVERY_SECONDS", 0)
    path = tmp_path / "run.safetensors"

    def run(model, kill_at=None, **options):
        def listen(event):
            if event.kind == "step" and event.step == kill_at:
                raise Killed

        optimizer = make(model) if make else None
        return fit(model, optimizer=optimizer, evaluate=accuracy, eval_every=3, on_event=listen, **options)

    whole = small()
    expected = run(whole)
    with pytest.raises(Killed):
        run(small(), kill_at=8, checkpoint=path)
    resumed = small(seed=9)  # another start: everything comes from the file
    history = run(resumed, checkpoint=path)
    assert "after step 7 of 12" in capsys.readouterr().out
    assert torch.equal(weights(whole), weights(resumed))
    assert history.records == expected.records and history.evaluations == expected.evaluations
    assert not path.exists()


def test_a_run_state_with_other_settings_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "EVERY_SECONDS", 0)
    path = tmp_path / "run.safetensors"
    data = iter([(X, Y)] * 2)
    with pytest.raises(ValueError, match="ended"):
        fit(small(), data=data, checkpoint=path)
    with pytest.raises(ValueError, match=r"steps 12 there, 20 here"):
        fit(small(), steps=20, checkpoint=path)
    with pytest.raises(ValueError, match="does not fit"):
        fit(nn.Linear(5, 2), checkpoint=path)
