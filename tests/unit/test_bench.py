"""`mmlearn bench`: turns and ratios with a clock that is ours, tables, JSON, and what is missing or unknown."""

import json
import statistics

import pytest
import torch

from mmlearn.bench import cases, fresh, measure, report, run
from mmlearn.bench.cases import OURS, Implementation, Model, Size
from mmlearn.bench.report import TORCH, Result
from mmlearn.bench.steps import KINDS, Ready
from mmlearn.cli import main
from mmlearn.models.vit import ViT, ViTConfig

TINY = ViTConfig((4, 6), 2, dim=8, depth=1, heads=2, mlp_dim=8, classes=3)
FACTS = {
    "torch": "2.0", "python": "3.11", "system": "Linux x", "cpu": "a processor", "cores": 2, "threads": 1,
    "device": "cpu", "dtype": "float32", "clock": "CPU time", "packages": {OURS: "0.1", "b": "not installed"},
}  # fmt: skip


class Clock:
    """Time that passes only when somebody works."""

    def __init__(self):
        self.now, self.worked = 0.0, []

    def __call__(self) -> float:
        return self.now

    def worker(self, name: str, *seconds: float):
        """A call that takes so long, in turn; the last of them from then on."""
        left = list(seconds)

        def work():
            self.worked.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return work


# --- turns and ratios -------------------------------------------------------------------------------------------------


def test_all_take_turns_and_the_first_place_goes_round():
    clock, done = Clock(), []
    calls = {name: clock.worker(name, 1.0) for name in "abc"}
    measure.alternate(calls, 3, warm_up=0, clock=clock, done=lambda: done.append(len(clock.worked)))
    assert "".join(clock.worked) == "abcbcacab"
    assert done == [3, 6, 9]


def test_rounds_that_warm_up_do_not_count():
    clock = Clock()
    calls = {"a": clock.worker("a", 9.0, 8.0, 1.0, 2.0, 3.0), "b": clock.worker("b", 5.0)}
    assert measure.alternate(calls, 3, warm_up=2, clock=clock) == {"a": [1.0, 2.0, 3.0], "b": [5.0, 5.0, 5.0]}


def test_what_takes_little_is_called_several_times_a_round_equally_often_for_all():
    clock = Clock()
    calls = {"a": clock.worker("a", measure.SHORTEST / 4), "b": clock.worker("b", measure.SHORTEST)}
    values = measure.alternate(calls, 2, warm_up=1, clock=clock)
    assert "".join(clock.worked) in ("abaaaabbbbbbbbaaaa", "baaaaabbbbbbbbaaaa")
    assert values["a"] == pytest.approx([measure.SHORTEST / 4] * 2)
    assert values["b"] == pytest.approx([measure.SHORTEST] * 2)


def test_a_ratio_is_taken_within_a_round():
    """A machine that is ten times as slow in one round changes nothing."""
    slow = (1, 10, 1, 1, 10, 1)
    ours, theirs = [0.9 * s for s in slow], [1.0 * s for s in slow]
    assert measure.ratio(ours, theirs) == pytest.approx((0.9, 0.9, 0.9))
    assert str(measure.ratio([1, 2, 3], [2, 2, 2])) == "1.00 (0.50 to 1.50)"
    assert str(measure.ratio([1.0], [2.0])) == "0.50"


@pytest.mark.parametrize(("rounds", "left_out"), [(1, 0), (5, 0), (6, 0), (8, 0), (9, 1), (12, 2), (20, 5), (100, 39)])
def test_the_interval_leaves_out_as_much_as_the_sign_test_allows(rounds, left_out):
    """The known table of order statistics: so many of the least and of the greatest values lie outside."""
    values = [float(number) for number in range(1, rounds + 1)]
    found = measure.ratio(values[::-1], [1.0] * rounds)
    assert found == (statistics.median(values), 1 + left_out, rounds - left_out)


def test_the_interval_holds_the_median_as_often_as_it_says():
    generator, inside = torch.Generator().manual_seed(0), 0
    for _ in range(1000):
        noise = torch.randn(20, generator=generator).exp().tolist()
        inside += measure.ratio(noise, [1.0] * 20).low <= 1 <= measure.ratio(noise, [1.0] * 20).high
    assert 0.95 <= inside / 1000 <= 0.975


def test_the_fastest_peer_has_the_least_median():
    values = {OURS: [1.0, 1.0, 1.0], "a": [2.0, 2.0, 2.0], "b": [0.1, 3.0, 3.0]}
    assert measure.fastest_peer(values) == "a"
    assert measure.fastest_peer({OURS: [1.0]}) is None


# --- reports ----------------------------------------------------------------------------------------------------------

RESULTS = [
    Result("vit", "import", "s", None, {TORCH: [1.0] * 6, OURS: [1.1] * 6, "a": [2.0] * 6}),
    Result("vit", "toy forward", "s", 32, {OURS: [0.01, 0.02] * 3, "a": [0.02] * 6}),
    Result("vit", "toy forward, memory", "B", 32, {OURS: [2**20], "a": [2**21]}),
    Result("other", "toy forward", "s", 4, {OURS: [1.5]}),
]


def test_a_table_is_aligned_and_says_what_it_ran_on():
    head, vit, other = report.table(FACTS, RESULTS).split("\n\n")
    assert "mmlearn 0.1, b not installed; torch 2.0" in head and "a processor, 2 cores, 1 thread" in head
    assert max(map(len, head.splitlines())) <= 120
    assert vit.splitlines() == [
        "vit                  batch  mmlearn        a  ours / fastest peer",
        "import                       1.10 s   2.00 s  0.55 a",
        "  by import torch              1.10     2.00",
        "toy forward             32  15.0 ms  20.0 ms  0.75 (0.50 to 1.00) a",
        "toy forward, memory     32  1.0 MiB  2.0 MiB  0.50 a",
    ]
    assert other.splitlines() == [
        "other        batch  mmlearn  ours / fastest peer",
        "toy forward      4   1.50 s  no peer",
    ]


def test_json_has_the_value_of_every_round():
    read = json.loads(report.as_json(FACTS, RESULTS, complete=False))
    assert read["about"] == FACTS and read["complete"] is False
    first, second, _, last = read["results"]
    assert first["values"][TORCH] == [1.0] * 6 and first["ours / fastest peer"]["peer"] == "a"
    assert second["values"] == {OURS: [0.01, 0.02] * 3, "a": [0.02] * 6}
    assert second["medians"] == {OURS: 0.015, "a": 0.02} and second["unit"] == "s" and second["batch"] == 32
    assert second["ours / fastest peer"] == {"median": 0.75, "low": 0.5, "high": 1.0, "peer": "a"}
    assert last["ours / fastest peer"] is None


# --- cases ------------------------------------------------------------------------------------------------------------


def test_a_peer_that_is_absent_or_broken_is_told(monkeypatch):
    assert cases.missing(OURS) is None
    assert cases.missing("no_such_peer") == "not installed"

    def broken(name):
        raise RuntimeError("operator torchvision::nms does not exist\nmore")

    monkeypatch.setattr(cases.importlib, "import_module", broken)
    monkeypatch.setattr(cases, "make_importable", lambda: None)
    said = cases.missing(OURS)
    assert said == "cannot be imported: RuntimeError: operator torchvision::nms does not exist"


PEERS = [(name, peer) for name, model in cases.MODELS.items() for peer in model.implementations]


@pytest.mark.parametrize(("name", "peer"), PEERS)
def test_every_implementation_has_our_sizes_and_makes_scores(name, peer):
    if cases.missing(peer):
        pytest.skip(f"{peer} is missing here")
    model = cases.MODELS[name]
    config = model.config("toy")
    ours, other = (Ready(model, who, config, 3, torch.device("cpu")) for who in (OURS, peer))
    assert sum(p.numel() for p in ours.module.parameters()) == sum(p.numel() for p in other.module.parameters())
    scores = other.scores(other.module, *other.inputs)
    expected = ours.scores(ours.module, *ours.inputs)
    assert scores.shape == expected.shape and scores.dtype == expected.dtype
    if "training step" not in model.kinds:
        return
    before = [p.detach().clone() for p in other.module.parameters()]
    other.training_step()()
    changed = [not torch.equal(p, old) for p, old in zip(other.module.parameters(), before, strict=True)]
    assert all(changed) and other.module.training
    other.forward()()
    assert not other.module.training and all(p.grad is None for p in other.module.parameters())


# --- the whole --------------------------------------------------------------------------------------------------------


def tiny(monkeypatch, **more) -> None:
    """One model, tiny at both sizes; its peer is itself, and another peer is not installed. No process is started."""
    ours = Implementation("import mmlearn", ViT, lambda model, images: model(images))
    others = {"timm": ours, "no_such_peer": ours}
    sizes = {"toy": Size("toy", 2), "base": Size("base", 3)}
    model = Model(lambda preset: TINY, cases.VIT.inputs, cases.VIT.loss, sizes, {OURS: ours, **others})
    for module in (run, report):
        monkeypatch.setattr(module, "MODELS", {"tiny": model})
        monkeypatch.setattr(module, "missing", lambda name: "not installed" if name == "no_such_peer" else None)
    monkeypatch.setattr(report, "version", lambda name: "1.2.3")
    ticks = iter(range(1, 10**6))
    monkeypatch.setattr(fresh, "children", lambda: float(next(ticks)))
    monkeypatch.setattr(fresh, "importing", lambda statement: lambda: None)
    peaks = dict.fromkeys(KINDS, 2**20)
    monkeypatch.setattr(fresh, "peaks", lambda model, name, batches, device: dict.fromkeys(batches, peaks))
    monkeypatch.setattr(measure, "SHORTEST", 0.0)
    for name, value in more.items():
        monkeypatch.setattr(run, name, value)


def test_all_measurements_of_a_model(monkeypatch, tmp_path, capsys):
    tiny(monkeypatch)
    file = tmp_path / "new" / "bench.json"
    assert main(["bench", "tiny", "--rounds", "2", "--device", "cpu", "--json", str(file)]) == 0
    said = capsys.readouterr().out
    assert "timm 1.2.3, no_such_peer not installed" in said
    read = json.loads(file.read_text())
    assert read["complete"] is True and read["about"]["packages"]["no_such_peer"] == "not installed"
    steps = [f"{size} {kind}" for size in ("toy", "base") for kind in ("forward", "training step")]
    assert [result["what"] for result in read["results"]] == ["import", *steps, *(f"{step}, memory" for step in steps)]
    for result in read["results"]:
        memory, batch = "memory" in result["what"], {"t": 2, "b": 3, "i": None}[result["what"][0]]
        assert result["batch"] == batch and set(result["values"]) - {TORCH} == {OURS, "timm"}
        assert all(len(values) == (1 if memory else 2) for values in result["values"].values())
    assert all(result["what"] in said for result in read["results"])


def test_progress_ends_at_its_total(monkeypatch):
    tiny(monkeypatch)
    plan = run.Plan(["tiny"], ["toy"], 3, None, torch.device("cpu"))
    ticks = []
    found = list(run.results(plan, iter(range(10**6)).__next__, lambda: ticks.append(1)))
    assert len(ticks) == plan.steps() and len(found) == 5


def test_size_and_batch_are_chosen(monkeypatch, capsys):
    tiny(monkeypatch)
    assert main(["bench", "--size", "base", "--batch", "1", "--rounds", "1", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "base forward" in said and "toy" not in said


def test_ctrl_c_prints_what_is_done(monkeypatch, tmp_path, capsys):
    def stopped(*_):
        raise KeyboardInterrupt

    tiny(monkeypatch, _memory=stopped)
    file = tmp_path / "bench.json"
    assert main(["bench", "--size", "toy", "--rounds", "1", "--device", "cpu", "--json", str(file)]) == 130
    seen = capsys.readouterr()
    assert "toy training step" in seen.out and "Stopped." in seen.err
    read = json.loads(file.read_text())
    assert read["complete"] is False and len(read["results"]) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["vot"], "no model to measure is called 'vot'; there are vit, clip"),
        (["vit", "--rounds", "0"], "--rounds must be at least 1, got 0"),
        (["vit", "--batch", "-2"], "--batch must be at least 1, got -2"),
        (["vit", "--threads", "0"], "--threads must be at least 1, got 0"),
        (["vit", "--device", "gpu"], "--device gpu cannot be used here ("),
    ],
)
def test_a_wrong_argument_is_one_sentence(arguments, said, capsys):
    assert main(["bench", *arguments]) == 1
    seen = capsys.readouterr()
    assert seen.err.startswith(f"mmlearn: {said}") and seen.err.count("\n") == 1 and seen.out == ""


def test_threads_are_set_and_one_thread_is_timed_by_its_own_clock(monkeypatch, capsys):
    tiny(monkeypatch)
    before = torch.get_num_threads()
    try:
        assert main(["bench", "--size", "toy", "--rounds", "1", "--threads", "1", "--device", "cpu"]) == 0
        assert "1 thread; device cpu, float32; CPU time" in capsys.readouterr().out
        assert main(["bench", "--size", "toy", "--rounds", "1", "--threads", "2", "--device", "cpu"]) == 0
        assert "2 threads; device cpu, float32; wall time" in capsys.readouterr().out
    finally:
        torch.set_num_threads(before)


# --- processes of their own -------------------------------------------------------------------------------------------


def test_imports_run_in_processes_whose_time_is_seen(monkeypatch):
    monkeypatch.setattr(fresh, "PATCH", "import no_such_package; ")
    before = fresh.children()
    call = fresh.importing("sum(range(10**6))")
    call()
    assert 0 < fresh.children() - before < 60
    assert fresh.importing("import no_such_package") is None


@pytest.mark.skipif(not fresh.MARK.exists(), reason="only Linux tells the peak of a process")
def test_the_peak_is_that_of_the_call():
    def call():
        torch.zeros(64 * 2**20, dtype=torch.uint8).add_(1)  # every page is touched

    torch.ones(96 * 2**20, dtype=torch.uint8)  # before the call: not counted
    peak = fresh._peak(call, torch.device("cpu"))
    assert 63 * 2**20 <= peak <= 72 * 2**20


def test_where_nothing_tells_there_is_no_peak(monkeypatch, tmp_path):
    assert fresh._peak(lambda: None, torch.device("meta")) is None
    monkeypatch.setattr(fresh, "MARK", tmp_path / "clear_refs")
    assert fresh._peak(lambda: None, torch.device("cpu")) is None


@pytest.mark.skipif(not fresh.MARK.exists(), reason="only Linux tells the peak of a process")
def test_the_memory_of_a_model_is_measured_in_a_process():
    found = fresh.peaks("vit", OURS, {"toy": 16}, torch.device("cpu"))
    assert set(found) == {"toy"}
    assert 2**18 < found["toy"]["forward"] < found["toy"]["training step"] < 2**28


def test_a_process_that_fails_is_told():
    with pytest.raises(
        ValueError, match="the memory of mmlearn's no_model could not be measured: KeyError: 'no_model'"
    ):
        fresh.peaks("no_model", OURS, {"toy": 1}, torch.device("cpu"))
