"""Every model of `cases.py` is ready for accelerators, for large sizes and for many devices, as far as a CPU can tell.

What needs an accelerator is in `test_cuda.py`.
"""

import itertools

import pytest
import torch
from cases import CASES, Case, tensors
from lints import broken, names_device, waits_for_no_copy
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel
from torch.testing import assert_close
from torch.utils._pytree import tree_map
from torch.utils.checkpoint import checkpoint

every_model = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
every_preset = pytest.mark.parametrize(
    ("case", "preset"), [pytest.param(c, p, id=f"{c.name}-{p}") for c in CASES for p in c.presets]
)


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def without_gradient(model: nn.Module) -> set[str]:
    return {name for name, p in model.named_parameters() if p.requires_grad and p.grad is None}


# --- devices and dtypes -----------------------------------------------------------------------------------------------


@every_preset
def test_a_training_step_of_a_published_size_runs_without_memory(case: Case, preset: str):
    """On the meta device, in bfloat16. A tensor made on the CPU inside forward would not mix with those there."""
    place = {"device": "meta", "dtype": torch.bfloat16}
    model = case.build(case.presets[preset], **place)
    assert {t.device.type for t in (*model.parameters(), *model.buffers())} == {"meta"}
    outputs, loss = case.run(model, case.batch(2, preset=preset, **place))
    floats = [t for t in tensors(outputs) if t.is_floating_point()]
    assert {t.device.type for t in tensors(outputs)} == {"meta"}
    assert floats and {t.dtype for t in floats} == {torch.bfloat16}
    assert loss.shape == ()
    loss.backward()
    assert without_gradient(model) == case.unused
    assert all(p.grad.shape == p.shape for p in model.parameters() if p.grad is not None)
    torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], foreach=False).step()


@every_model
def test_every_new_tensor_is_made_on_a_named_device(case: Case):
    model, inputs = case.model(), case.batch()
    for training in (True, False):
        model.train(training)
        assert broken(names_device, lambda: case.run(model, inputs)) == []


@every_model
def test_a_constructor_makes_every_tensor_where_it_is_told_to(case: Case):
    assert broken(names_device, lambda: case.model(device="cpu")) == []


@every_model
def test_forward_and_loss_never_wait_for_the_device(case: Case):
    """A tensor of the meta device has no numbers: whatever asks for one, or for a shape that depends on one, raises."""
    model, inputs = case.model(device="meta"), case.batch(device="meta")
    for training in (True, False):
        model.train(training)
        assert broken(waits_for_no_copy, lambda: case.run(model, inputs)) == []


@every_model
def test_every_tensor_of_a_model_moves_with_it(case: Case):
    """A tensor that is an attribute, and neither a parameter nor a buffer, would stay where it was made."""
    model = case.model()
    stray = {
        f"{name}.{attribute}"
        for name, module in model.named_modules()
        for attribute, value in vars(module).items()
        if not attribute.startswith("_") and tensors(value)
    }
    assert stray == set()


@every_model
def test_double_precision_keeps_working(case: Case):
    model = case.model().eval()
    single, _ = case.run(model, case.batch())
    double, loss = case.run(model.to(torch.float64), case.batch(dtype=torch.float64))
    assert {t.dtype for t in tensors(double) if t.is_floating_point()} == {torch.float64} == {loss.dtype}
    assert_close(double, single, check_dtype=False, rtol=1e-4, atol=1e-5)


@every_model
def test_autocast_to_half_the_bits(case: Case):
    model, inputs = case.model(), case.batch()
    _, expected = case.run(model, inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        _, loss = case.run(model, inputs)
    loss.backward()
    assert {t.dtype for t in (*model.parameters(), *gradients(model).values())} == {torch.float32}
    assert [name for name, g in gradients(model).items() if not g.isfinite().all()] == []
    assert_close(loss.float(), expected, rtol=0.05, atol=0.05)


# --- graphs -----------------------------------------------------------------------------------------------------------


@every_model
def test_forward_and_loss_are_one_graph_for_all_batch_sizes(case: Case):
    torch._dynamo.reset()  # else the graphs of other models count towards the limit of recompilations
    model, graphs = case.model(), []

    def forward_and_loss(*inputs):
        outputs = model(*inputs)
        return outputs, case.loss(model, outputs, inputs)

    def backend(graph, example_inputs):
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(forward_and_loss, fullgraph=True, backend=backend)
    with torch.no_grad():
        for training, size in itertools.product((True, False), (3, 5)):
            model.train(training)
            inputs = case.batch(size)
            for tensor in tensors(inputs):
                torch._dynamo.mark_dynamic(tensor, 0)  # refuses a model that takes the batch size for a constant
            torch.manual_seed(0)
            outputs = compiled(*inputs)
            assert_close(outputs, case.run(model, inputs))
    assert len(graphs) <= 2, "more than one for training and one for evaluation"


@every_model
def test_an_export_runs_at_another_batch_size(case: Case):
    model, inputs, others = case.model().eval(), case.batch(3), case.batch(5)
    size = torch.export.Dim("batch", min=2, max=64)
    dynamic = tree_map(lambda t: {0: size} if isinstance(t, Tensor) else None, inputs)
    exported = torch.export.export(model, inputs, dynamic_shapes=dynamic)
    with torch.no_grad():
        assert_close(exported.module()(*others), model(*others))


@every_model
def test_recomputing_a_block_changes_no_gradient(case: Case):
    model, inputs = case.model(), case.batch()
    blocks = [module for module in model.modules() if isinstance(module, case.blocks)]
    assert blocks, f"{case.name} has none of {case.blocks}"
    _, expected = case.run(model, inputs)
    expected.backward()
    kept, calls = gradients(model), []
    model.zero_grad(set_to_none=True)

    for block in blocks:
        block.forward = _recomputed(block.forward, calls)
    _, loss = case.run(model, inputs)
    ran = len(calls)  # a codec runs its blocks for each group of segments
    assert ran >= len(blocks)
    loss.backward()
    assert len(calls) == 2 * ran, "a block was not run again"
    assert_close(loss, expected)
    assert_close(gradients(model), kept)


def _recomputed(forward, calls: list):
    def counted(*args, **kwargs):
        calls.append(forward)
        return forward(*args, **kwargs)

    return lambda *args, **kwargs: checkpoint(counted, *args, use_reentrant=False, **kwargs)


# --- weights ----------------------------------------------------------------------------------------------------------


@every_model
def test_a_state_dict_survives_a_file(case: Case):
    model, other = case.model(seed=0).eval(), case.model(seed=1).eval()
    state, inputs = model.state_dict(), case.batch()
    assert all(t.is_contiguous() for t in state.values()), "a tensor is not contiguous"
    places = [t.untyped_storage().data_ptr() for t in state.values()]
    assert len(set(places)) == len(places), "two names share a tensor"
    other.load_state_dict(load(save(state)), strict=True)
    with torch.no_grad():
        assert_close(case.run(other, inputs), case.run(model, inputs), rtol=0, atol=0)


@every_model
def test_weights_can_be_put_into_a_model_without_memory(case: Case):
    """A model too large to be made twice is made on the meta device and given its weights."""
    model, other = case.model().eval(), case.model(device="meta").eval()
    other.load_state_dict(model.state_dict(), strict=True, assign=True)
    assert {t.device.type for t in (*other.parameters(), *other.buffers())} == {"cpu"}
    assert [p.requires_grad for p in other.parameters()] == [p.requires_grad for p in model.parameters()]
    with torch.no_grad():
        assert_close(case.run(other, case.batch()), case.run(model, case.batch()), rtol=0, atol=0)


@every_model
def test_a_seed_decides_the_first_weights(case: Case):
    one, same, other = (case.model(seed=seed).state_dict() for seed in (0, 0, 1))
    assert_close(one, same, rtol=0, atol=0)
    assert any(not torch.equal(one[name], other[name]) for name in one)


@every_model
def test_evaluation_changes_nothing(case: Case):
    model, inputs = case.model().eval(), case.batch()
    before = {name: t.clone() for name, t in (*model.named_parameters(), *model.named_buffers())}
    with torch.no_grad():
        torch.manual_seed(1)
        first, state = model(*inputs), torch.get_rng_state()
        torch.manual_seed(2)
        assert_close(model(*inputs), first, rtol=0, atol=0)
        torch.manual_seed(1)
        assert torch.equal(torch.get_rng_state(), state), "evaluation draws random numbers"
    assert_close(dict((*model.named_parameters(), *model.named_buffers())), before, rtol=0, atol=0)


@every_model
def test_every_parameter_gets_a_gradient(case: Case):
    """One without would make DistributedDataParallel wait for it, and weight decay would still change it."""
    model = case.model()
    _, loss = case.run(model, case.batch())
    loss.backward()
    assert without_gradient(model) == case.unused


# --- many devices -----------------------------------------------------------------------------------------------------


@every_model
def test_every_process_can_have_the_model(case: Case, mesh):
    model, inputs = case.model(), case.batch()
    _, expected = case.run(model, inputs)
    wrapped = DistributedDataParallel(model, find_unused_parameters=bool(case.unused))
    for _ in range(2):  # a parameter without a gradient is noticed in the second step
        torch.manual_seed(0)
        loss = case.loss(model, wrapped(*inputs), inputs)
        wrapped.zero_grad()
        loss.backward()
    assert torch.equal(loss, expected)


@every_model
def test_every_process_can_have_a_part_of_each_parameter(case: Case, mesh):
    """Numbers, such as a temperature, cannot be cut: FSDP must be told to leave them whole."""
    model, other, inputs = case.model(), case.model(), case.batch()
    names = list(other.state_dict())
    for block in [module for module in other.modules() if isinstance(module, case.blocks)]:
        fully_shard(block, mesh=mesh)
    fully_shard(other, mesh=mesh, ignored_params={p for p in other.parameters() if p.ndim == 0})
    assert list(other.state_dict()) == names
    _, expected = case.run(model, inputs)
    _, loss = case.run(other, inputs)
    expected.backward()
    loss.backward()
    whole = {name: g.full_tensor() if hasattr(g, "full_tensor") else g for name, g in gradients(other).items()}
    assert_close((loss, whole), (expected, gradients(model)), rtol=0, atol=0)
