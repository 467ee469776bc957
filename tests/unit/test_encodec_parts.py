"""The variants of lesson 15's training: what each changes, how sounds are chosen and what is counted."""

from dataclasses import replace

import pytest
import torch

from mmlearn.experiments import encodec as study
from mmlearn.experiments import encodec_parts as parts
from mmlearn.models.spectral_codec import SpectralCodec, SpectralCodecConfig
from mmlearn.nn.balancer import Balancer

SHORT = replace(parts.LIVE, steps=6, free_steps=2, batch=2, samples=4096, judged_samples=2048)


@pytest.fixture
def noise(monkeypatch):
    """Noise in place of the recordings."""
    generator = torch.Generator().manual_seed(0)
    sounds = tuple(torch.randn(2, 40_000, generator=generator) / 10)
    monkeypatch.setattr(study, "recordings", lambda *which: sounds)
    return sounds


def trained(name: str, balancer=None) -> SpectralCodec:
    variant = {**parts.PARTS, **parts.RESTART}[name]
    codec = parts.build(0, variant)
    parts.fit(codec, 0, variant, balancer=balancer, training=SHORT, progress=False)
    return codec


@pytest.mark.parametrize("name", parts.PARTS | parts.RESTART)
def test_all_variants_of_a_seed_begin_with_the_same_weights(name):
    for first, whole in zip(
        parts.build(1, parts.PARTS[name] if name in parts.PARTS else parts.RESTART[name]).state_dict().values(),
        parts.build(1).state_dict().values(),
        strict=True,
    ):
        assert torch.equal(first, whole)


def test_all_variants_of_a_seed_hear_the_same_crops(noise):
    whole, always = (replace(SHORT, codebooks=parts.PARTS[name].codebooks) for name in ("whole", "always 8"))
    pairs = list(zip(range(SHORT.steps), whole.batches(noise), always.batches(noise), strict=False))
    assert all(torch.equal(one.waveform_BCT, other.waveform_BCT) for _, one, other in pairs)
    assert {other.codebooks for *_, other in pairs[2:]} == {8}


def test_whole_is_the_training_as_it_is(noise):
    plain, torch_codec = trained("whole", parts.ScaledBalancer(SHORT)), parts.build(0)
    study.fit(torch_codec, SHORT, noise, progress=False)
    for name, tensor in plain.state_dict().items():
        assert torch.equal(tensor, torch_codec.state_dict()[name]), name


def test_without_k_means_codebooks_begin_as_they_were_drawn(noise):
    codec, first = trained("no k-means"), parts.build(0).quantiser.book(7)
    assert not codec.quantiser.started.any()
    change_K = (codec.quantiser.book(7) - first).abs().amax(1)
    assert (change_K < 1e-2).float().mean() > 0.5, "most were never chosen"
    assert trained("whole").quantiser.started.all()


def test_without_k_means_restart_cannot_act_within_the_live_training():
    config = SpectralCodecConfig.preset("toy")
    updates = parts.LIVE.steps - parts.LIVE.free_steps
    assert config.decay**updates > config.dead
    quick = parts.RESTART["quick, no k-means"]
    assert quick.decay ** (updates // 3) < quick.dead


def test_without_restart_an_entry_that_nothing_chooses_stays():
    codec = parts.build(0, parts.PARTS["no restart"])
    before_KD, latents_BDF = codec.quantiser.book(0).clone(), torch.randn(1, 32, 5)
    codec.quantiser.counts.fill_(1e-3)
    codec.quantiser.sums.copy_(codec.quantiser.table * 1e-3)
    codec.quantiser.update(latents_BDF, torch.zeros(1, 1, 5, dtype=torch.int64))
    torch.testing.assert_close(codec.quantiser.book(0)[1:], before_KD[1:], rtol=0.05, atol=0.01)


def test_a_switched_off_balancer_adds_the_weighted_gradients_and_a_balanced_one_sees_no_scale():
    made_BCT = torch.randn(3, 1, 50, requires_grad=True)
    losses = {"time": made_BCT.abs().mean(), "mel": made_BCT.square().mean()}
    w = SHORT.weights
    off = parts.ScaledBalancer(SHORT, time=100.0, balance=False)
    (wanted,) = torch.autograd.grad(100 * w.time * losses["time"] + w.mel * losses["mel"], made_BCT, retain_graph=True)
    torch.testing.assert_close(off(losses, made_BCT), wanted)
    usual = Balancer({"time": w.time, "mel": w.mel})(losses, made_BCT)
    on = parts.ScaledBalancer(SHORT, time=100.0)
    torch.testing.assert_close(on(losses, made_BCT), usual)
    assert on.time_share == pytest.approx(w.time / (w.time + w.mel))
    time, mel = (w * length for w, length in zip((w.time, w.mel), off.lengths.tolist(), strict=True))
    assert off.time_share == pytest.approx(time / (time + mel))


def test_held_out_stretches_are_of_the_test_split_and_hold_sound():
    waveform_BCT = parts.held_out()
    assert waveform_BCT.shape == (24, 1, 32_000)
    assert (waveform_BCT.square().mean((1, 2)).sqrt() > 1e-3).all()
    assert len(parts.held_out(parts.USES)) == 80


def test_entropy_is_in_bits():
    assert parts.entropy(torch.tensor([0.25, 0.25, 0.5, 0.0])) == pytest.approx(1.5)
    assert parts.entropy(torch.full((1024,), 1 / 1024)) == pytest.approx(10)
    assert parts.entropy(torch.tensor([0.0, 1.0])) == 0


def test_k_means_leaves_more_entries_empty_from_codebook_to_codebook():
    """An entry with a single vector leaves nothing of it; later codebooks get many zeros, which all choose one entry.

    So restart matters after k-means too, in the later codebooks.
    """
    codec, generator = parts.build(0), torch.Generator().manual_seed(0)
    vectors_BDF = torch.randn(64, 32, 26, generator=generator)  # as many as `fit` starts from
    codec.quantiser.start(vectors_BDF, rounds=3, generator=generator)
    empty_Q = (codec.quantiser.counts.unflatten(0, (8, -1)) == 0).float().mean(1)
    assert empty_Q[0] < 0.1 and empty_Q[7] > 0.8 and (empty_Q.diff() > 0).all()
