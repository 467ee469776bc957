"""Every model of `cases.py` on a GPU. Where there is none these tests do not run, and the summary says so."""

import copy

import pytest
import torch
from cases import CASES, Case, tensors
from test_models import gradients
from torch.testing import assert_close

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
every_model = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
GPU = "cuda"


@pytest.fixture(autouse=True)
def full_precision():
    """Convolutions use 19 bits by themselves."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


@every_model
def test_outputs_and_gradients_are_those_of_the_cpu(case: Case):
    model = case.model().eval()  # its dropout would draw other random numbers
    other = copy.deepcopy(model).to(GPU)
    outputs, loss = case.run(model, case.batch())
    there, loss_there = case.run(other, case.batch(device=GPU))
    loss.backward()
    loss_there.backward()
    near = {"check_device": False, "rtol": 1e-4, "atol": 1e-5}
    assert_close((there, loss_there), (outputs, loss), **near)
    assert_close(gradients(other), gradients(model), **near)


@every_model
def test_autocast_to_half_the_bits(case: Case):
    model, inputs = case.model(device=GPU), case.batch(device=GPU)
    _, expected = case.run(model, inputs)
    with torch.autocast(GPU, dtype=torch.bfloat16):
        _, loss = case.run(model, inputs)
    loss.backward()
    assert [name for name, g in gradients(model).items() if not g.isfinite().all()] == []
    assert_close(loss.float(), expected, rtol=0.05, atol=0.05)


@every_model
def test_the_default_compiler(case: Case):
    torch._dynamo.reset()
    model, inputs = case.model(device=GPU).eval(), case.batch(device=GPU)
    compiled = torch.compile(model, fullgraph=True)
    outputs, expected = compiled(*inputs), model(*inputs)
    assert_close(outputs, expected, rtol=1e-3, atol=1e-4)
    case.loss(model, outputs, inputs).backward()
    assert [name for name, g in gradients(model).items() if not g.isfinite().all()] == []


@every_model
def test_training_steps_lower_the_loss(case: Case):
    model, inputs = case.model(device=GPU), case.batch(device=GPU)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3, fused=True)
    losses = []
    for _ in range(5):
        _, loss = case.run(model, inputs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@every_model
def test_everything_stays_on_the_gpu_and_nothing_waits_for_it(case: Case):
    model, inputs = case.model(device=GPU), case.batch(device=GPU)
    case.run(model, inputs)  # libraries are loaded now, which may wait
    torch.cuda.set_sync_debug_mode("error")
    try:
        outputs, loss = case.run(model, inputs)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    everything = (*model.parameters(), *model.buffers(), *tensors(outputs), loss)
    assert {t.device.type for t in everything} == {GPU}
