"""The suite itself: each of its tests notices what it is for, and each model has all of them."""

import importlib
import inspect
import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import test_cuda
import test_models as suite
import torch
from cases import CASES, Case
from lints import broken, names_device, waits_for_no_copy
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.paths import root

# --- the rules --------------------------------------------------------------------------------------------------------

X = torch.arange(12.0).reshape(3, 4)
PLACE = {"device": X.device}


@pytest.mark.parametrize(
    "call",
    [
        lambda: torch.zeros(3),
        lambda: torch.ones(3, 4, dtype=torch.int64),
        lambda: torch.arange(len(X)),
        lambda: torch.tensor([1.0, 2.0]),
        lambda: torch.tensor(0.5),
        lambda: torch.as_tensor([1, 2]),
        lambda: torch.asarray([1, 2]),
        lambda: torch.full((2,), 0.5),
        lambda: torch.full((2,), X.mean()),
        lambda: torch.empty(3),
        lambda: torch.eye(3),
        lambda: torch.linspace(0, 1, 5),
        lambda: torch.linspace(X[0, 0], X[2, 3], 5),
        lambda: torch.logspace(0, 1, 5),
        lambda: torch.rand(3),
        lambda: torch.randn(3),
        lambda: torch.randint(5, (3,)),
        lambda: torch.randperm(3),
        lambda: torch.normal(0.0, 1.0, (3,)),
        lambda: torch.hann_window(8),
        lambda: torch.tril_indices(3, 3),
        lambda: torch.fft.rfftfreq(8),
        lambda: torch.zeros(3, device=None),
    ],
)
def test_a_new_tensor_without_a_device_is_found(call):
    (found,) = broken(names_device, call)
    assert found.startswith("test_suite.py:") and found.endswith("without device=")


@pytest.mark.parametrize(
    "call",
    [
        lambda: X.new_zeros(3),
        lambda: X.new_ones(len(X), 1),
        lambda: X.new_full((2,), 0.5),
        lambda: torch.zeros_like(X),
        lambda: torch.randn_like(X),
        lambda: torch.zeros(3, **PLACE),
        lambda: torch.arange(len(X), **PLACE),
        lambda: torch.tensor([1.0], **PLACE),
        lambda: torch.as_tensor(X),
        lambda: torch.stack([X, X]) + 1.0,
        lambda: X[:, None].expand(-1, 2, -1),
        lambda: F.dropout(X, 0.5),
        lambda: F.cross_entropy(X, torch.zeros(3, dtype=torch.int64, **PLACE)),
        lambda: F.one_hot(X[0].long(), 5),
        lambda: nn.Linear(4, 2, **PLACE)(X),
        lambda: nn.BatchNorm1d(4, **PLACE)(X),
        lambda: nn.MultiheadAttention(4, 2, **PLACE)(X, X, X),
    ],
)
def test_a_tensor_with_a_device_is_let_pass(call):
    assert broken(names_device, call) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda: torch.tensor([1.0], **PLACE),
        lambda: torch.as_tensor(1.0, **PLACE),
        lambda: X.new_tensor([1.0]),
        lambda: X[[0, 2]],
        lambda: X[:, [0, 2]],
        lambda: X.clone().__setitem__(X > 5, X[X > 5]),
    ],
)
def test_a_copy_that_waits_is_found(call):
    found = broken(waits_for_no_copy, call)
    assert len(found) == 1 and found[0].startswith("test_suite.py:")


@pytest.mark.parametrize(
    "call",
    [
        lambda: torch.full((), 1.0, **PLACE),
        lambda: X[torch.arange(3, **PLACE), X.argmax(1)],
        lambda: X[:, 1:, None],
        lambda: X.clone().__setitem__(X > 5, 0.0),
        lambda: X.clone().__setitem__((slice(None), 0), X[:, 1]),
        lambda: torch.where(X > 5, X, 0.0),
    ],
)
def test_what_never_waits_is_let_pass(call):
    assert broken(waits_for_no_copy, call) == []


# --- the tests --------------------------------------------------------------------------------------------------------


class Layer(nn.Module):
    """A linear layer to which `change` does something when it is made, and `then` something to its result."""

    def __init__(self, then: Callable, change: Callable, device, dtype) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4, device=device, dtype=dtype)
        self.then = then
        change(self)

    def forward(self, x_BC: Tensor) -> Tensor:
        return self.then(self, self.linear(x_BC))


def layer(then: Callable = lambda self, x: x, change: Callable = lambda self: None, **options) -> Case:
    return Case(
        "layer",
        build=lambda config, **place: Layer(then, change, **place),
        inputs=lambda config, batch: (torch.randn(batch, 4),),
        tiny=None,
        presets={"only": None},
        **{"blocks": (nn.Linear,), **options},
    )


def suite_tests(module) -> dict[str, Callable]:
    """The tests of a file that are for models."""
    found = {name: test for name, test in vars(module).items() if name.startswith("test_")}
    return {name: test for name, test in found.items() if "case" in inspect.signature(test).parameters}


def run(test: Callable, case: Case, request) -> None:
    """A test of the suite with a case that is not in the suite."""
    others = set(inspect.signature(test).parameters) - {"case"}
    test(case, **{name: "only" if name == "preset" else request.getfixturevalue(name) for name in others})


@pytest.mark.parametrize("name", suite_tests(suite))
def test_a_sound_layer_passes(name, request):
    def then(self, x):
        x = F.dropout(x, 0.1, self.training) + torch.zeros_like(x) + x.new_ones(x.shape[0], 1)
        return x + torch.arange(x.shape[1], device=x.device, dtype=x.dtype)

    run(suite_tests(suite)[name], layer(then), request)


def parameter(values: Callable) -> Callable:
    """A change: another parameter."""
    return lambda self: setattr(self, "another", nn.Parameter(values(self.linear.weight.detach())))


def buffer(values: Callable, **options) -> Callable:
    """A change: a buffer."""
    return lambda self: self.register_buffer("seen", values(self.linear.bias.detach()), **options)


def tied(self):
    self.another = nn.Linear(4, 4)
    self.another.weight = self.linear.weight


def changed_by_being_run(self, x):
    self.calls = getattr(self, "calls", 0) + 1
    return x.abs().pow(1 if self.calls < 3 else 2).sin()  # the third time it is run again, for the gradients


CALLS = itertools.count()
UNUSED = parameter(torch.ones_like)
BAD = [
    ("test_a_training_step_of_a_published_size", "meta", layer(lambda self, x: x + torch.ones(4))),
    ("test_a_training_step_of_a_published_size", "cpu", layer(change=parameter(lambda w: torch.ones(4)))),
    ("test_a_training_step_of_a_published_size", "float32", layer(lambda self, x: x.float())),
    ("test_a_training_step_of_a_published_size", "another", layer(change=UNUSED)),
    ("test_a_training_step_of_a_published_size", r"== \(\)", layer(loss=lambda model, outputs, inputs: outputs)),
    ("test_every_new_tensor", "arange without device", layer(lambda self, x: x[:, torch.arange(4)])),
    ("test_every_new_tensor", "ones without device", layer(loss=lambda model, x, inputs: (x * torch.ones(4)).sum())),
    ("test_a_constructor", "linspace without device", layer(change=lambda self: torch.linspace(0, 1, 4).tolist())),
    ("test_every_tensor_of_a_model_moves", r"\.scale", layer(change=lambda self: setattr(self, "scale", [X]))),
    ("test_double_precision", "dtype", layer(lambda self, x: x @ torch.eye(4, device=x.device))),
    ("test_double_precision", "float32", layer(lambda self, x: x.float())),
    ("test_autocast", "scalar type", layer(lambda self, x: x.float().index_add(0, torch.arange(3), x))),
    ("test_autocast", "linear.weight", layer(lambda self, x: (x - x).sqrt())),
    ("test_forward_and_loss_are_one_graph", "(?i)break|branch", layer(lambda self, x: x if x.sum() > 0 else -x)),
    ("test_forward_and_loss_are_one_graph", "(?i)constraint|speciali", layer(lambda self, x: x.reshape(3, 4))),
    ("test_an_export", "speciali", layer(lambda self, x: x + x.new_ones(len(x), 1))),
    ("test_recomputing", "Tensor-likes are not", layer(changed_by_being_run, blocks=(Layer,))),
    ("test_recomputing", "has none of", layer(blocks=(nn.Conv2d,))),
    ("test_a_state_dict", "share a tensor", layer(change=tied)),
    ("test_a_state_dict", "not contiguous", layer(change=parameter(lambda w: torch.ones(4, 2).T))),
    (
        "test_a_state_dict",
        "Tensor-likes are not",
        layer(lambda self, x: x + self.seen, buffer(torch.randn_like, persistent=False)),
    ),
    (
        "test_weights_can_be_put",
        "meta",
        layer(lambda self, x: x + self.seen, buffer(torch.ones_like, persistent=False)),
    ),
    (
        "test_a_seed",
        "Tensor-likes are not",
        layer(change=lambda self: nn.init.constant_(self.linear.bias, next(CALLS))),
    ),
    (
        "test_a_seed",
        "any",
        layer(change=lambda self: [nn.init.zeros_(p) for p in self.parameters()]),
    ),
    ("test_evaluation", "Tensor-likes are not", layer(lambda self, x: F.dropout(x))),
    (
        "test_evaluation",
        "Tensor-likes are not",
        layer(lambda self, x: x + self.seen.add_(1) * 0, buffer(torch.ones_like)),
    ),
    ("test_evaluation", "draws random numbers", layer(lambda self, x: x + 0 * torch.rand_like(x))),
    ("test_every_parameter", "another", layer(change=UNUSED)),
    ("test_every_parameter", "linear.bias", layer(unused=frozenset({"linear.bias"}))),
    ("test_every_process_can_have_the_model", "(?i)reduction", layer(change=UNUSED)),
    ("test_every_process_can_have_a_part", "contiguous", layer(change=parameter(lambda w: torch.ones(4, 2).T))),
    # What makes a program wait. The meta device has no numbers to give, and each refuses in its own words.
    *(
        ("test_forward_and_loss_never_wait", "(?i)meta|__format__|copied|comes back", layer(then))
        for then in (
            lambda self, x: x * x.sum().item(),
            lambda self, x: x * sum(x[0].tolist()),
            lambda self, x: x if x.sum() > 0 else -x,
            lambda self, x: x[: int(x.argmax())],
            lambda self, x: x[: x.argmax()],
            lambda self, x: x * float(x.detach().mean()),
            lambda self, x: x.cpu(),
            lambda self, x: x.to("cpu"),
            lambda self, x: x + x.detach().numpy().sum(),
            lambda self, x: x[x > 0],
            lambda self, x: x[torch.where(x[:, 0] > 0)],
            lambda self, x: x.nonzero(),
            lambda self, x: x.unique(),
            lambda self, x: x.masked_select(x > 0),
            lambda self, x: x.repeat_interleave(x[:, 0].long().abs(), 0),
            lambda self, x: x if torch.equal(x, x + 1) else -x,
            lambda self, x: x if f"{x.mean():.2f}" == "0.00" else -x,
            lambda self, x: x + torch.tensor([1.0, 2.0, 3.0, 4.0], device=x.device),
            lambda self, x: x[:, [0, 2]],
            lambda self, x: x.clone().index_put((x > 0,), x.new_ones(())).masked_scatter(x > 0, x) + x.new_tensor(1.0),
        )
    ),
]


@pytest.mark.parametrize(
    ("name", "message", "bad"), [pytest.param(*row, id=f"{i}-{row[0]}") for i, row in enumerate(BAD)]
)
def test_what_is_wrong_is_noticed(name, message, bad, request):
    (test,) = (test for full, test in suite_tests(suite).items() if full.startswith(name))
    with pytest.raises(Exception, match=message):
        run(test, bad, request)


def test_every_test_notices_something():
    assert [n for n in suite_tests(suite) if not any(n.startswith(row[0]) for row in BAD)] == []


# --- the models -------------------------------------------------------------------------------------------------------


def files_with_models() -> dict[str, object]:
    """The files of `mmlearn.models` that have modules of torch, by name."""
    names = [".".join(f.relative_to(root()).with_suffix("").parts) for f in (root() / "mmlearn/models").rglob("*.py")]
    files = {name.removesuffix(".__init__"): importlib.import_module(name) for name in names}
    own = {name: [v for v in vars(f).values() if getattr(v, "__module__", "") == name] for name, f in files.items()}
    return {
        n: files[n] for n, values in own.items() if any(inspect.isclass(v) and issubclass(v, nn.Module) for v in values)
    }


def test_every_file_of_models_has_a_case_and_all_of_its_presets():
    presets = {}
    for case in CASES:
        presets.setdefault(type(case.model(device="meta")).__module__, set()).update(case.presets)
    files = files_with_models()
    assert set(files) <= set(presets), "a line is missing in tests/readiness/cases.py"
    for name, file in files.items():
        assert presets[name] and set(getattr(file, "PRESETS", ())) <= presets[name], f"{name}: a preset is missing"


def test_every_model_has_all_tests():
    """An empty list of models or presets would pass, so what pytest finds is counted."""
    found = Counter()

    class Collected:
        def pytest_collection_modifyitems(self, items):
            for item in items:
                found.update(name for key, name in item.user_properties if key == "readiness")

    here = str(Path(__file__).parent)
    pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", "-n0", here], plugins=[Collected()])
    tests = [inspect.signature(t).parameters for file in (suite, test_cuda) for t in suite_tests(file).values()]
    by_preset = sum("preset" in names for names in tests)
    assert found == {case.name: len(tests) - by_preset + by_preset * len(case.presets) for case in CASES}
    assert min(found.values()) >= 20
