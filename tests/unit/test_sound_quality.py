"""The judges of coded sound: their orders are an ear's, on clips of the validation sets, and what must not matter."""

import importlib.util
import math
import sys
from functools import cache

import pytest
import torch
from torch.nn import functional as F

from mmlearn import data
from mmlearn.data import sound
from mmlearn.eval.mos import dnsmos
from mmlearn.eval.sound_quality import WINDOWS, log_spectral_distance
from mmlearn.nn.fourier import griffin_lim, windows
from mmlearn.nn.mel import energy_from_mel, mel_filters

CLIPS, SAMPLES = 4, 32_000  # of two seconds


@cache
def clips(name):
    rows = data.load(name, split="valid")
    waveforms = [sound.decode(content) for content in rows["audio"]]
    if name == "music":
        return torch.stack([w[start : start + SAMPLES] for w in waveforms for start in (0, 240_000)])
    return torch.stack([w[:SAMPLES] for w in waveforms if len(w) >= SAMPLES][:CLIPS])


def with_noise(clips_BT, decibels):
    noise_BT = torch.randn(clips_BT.shape, generator=torch.Generator().manual_seed(0))
    return clips_BT + noise_BT * clips_BT.square().mean(1, keepdim=True).sqrt() * 10 ** (-decibels / 20)


def low_pass(clips_BT, hertz):
    spectrum_BK = torch.fft.rfft(clips_BT)
    spectrum_BK[:, round(hertz / sound.RATE * clips_BT.shape[1]) :] = 0
    return torch.fft.irfft(spectrum_BK, clips_BT.shape[1])


def opus(clips_BT, kbps):
    return torch.stack([sound.decode(sound.encode(clip_T, format="opus", kbps=kbps)) for clip_T in clips_BT])


def all_pass(clips_BT):
    """All frequencies as strong as they were, each a few milliseconds earlier or later."""
    response = torch.fft.rfft(torch.randn(64, generator=torch.Generator().manual_seed(0)), 2**17)
    turned_BK = torch.fft.rfft(clips_BT, 2**17) * torch.polar(torch.ones(len(response)), response.angle())
    return torch.fft.irfft(turned_BK)[:, : clips_BT.shape[1]]


def delayed(clips_BT, samples):
    return F.pad(clips_BT, (samples, 0))[:, : clips_BT.shape[1]]


def from_mel(clips_BT, bands=80):
    """Back from a mel spectrogram, its energies rounded to 3 dB, its phases found by Griffin-Lim."""
    window_W, filters_MK = torch.hann_window(512), mel_filters(sound.RATE, 512, bands)
    energy_BMF = filters_MK @ torch.fft.rfft(windows(clips_BT, window_W, 128)).abs().square().mT
    rounded_BMF = 10 ** ((energy_BMF.clamp(min=1e-8).log10() / 0.3).round() * 0.3)
    magnitude_BFK = energy_from_mel(rounded_BMF, filters_MK).mT.sqrt()
    phase_BFK = 2 * math.pi * torch.rand(magnitude_BFK.shape, generator=torch.Generator().manual_seed(0))
    return griffin_lim(magnitude_BFK, phase_BFK, window_W, 128, clips_BT.shape[1], rounds=30)


@cache
def distance(name, change, *arguments):
    return log_spectral_distance(clips(name), change(clips(name), *arguments), sound.RATE).mean().item()


BOTH = pytest.mark.parametrize("name", ["speech", "music"])


@BOTH
def test_fewer_bits_are_farther_away(name):
    distances = [distance(name, opus, kbps) for kbps in (24, 16, 12, 8, 6)]
    assert distances == sorted(distances) and distances[0] > 0
    assert distances[3] > 1.4 * distances[2]  # from here on, Opus leaves out what is above 4 kHz


@BOTH
def test_more_noise_and_a_narrower_band_are_farther_away(name):
    noise = [distance(name, with_noise, decibels) for decibels in (30, 20, 10)]
    assert noise == sorted(noise)
    assert distance(name, low_pass, 7000) < distance(name, low_pass, 3500) < distance(name, opus, 6)


@BOTH
def test_phase_matters_less_than_a_good_codec(name):
    assert distance(name, torch.neg) == 0
    assert distance(name, delayed, 16) < distance(name, opus, 24)  # by 1 ms
    assert distance(name, all_pass) < distance(name, opus, 16)


@BOTH
def test_another_clip_is_the_farthest_of_all_that_is_a_clip(name):
    other = distance(name, torch.roll, 1, 0)
    kept = [(opus, 6), (low_pass, 3500), (from_mel,), (all_pass,), (with_noise, 20)]
    assert other > 1.5 * max(distance(name, *change) for change in kept)
    assert distance(name, torch.zeros_like) > other  # nothing at all


@BOTH
def test_a_way_back_without_phases_lies_among_the_codecs(name):
    """It is neither ruined by its phases, as by SI-SNR, nor takes its right mel energies for the original."""
    assert distance(name, opus, 24) < distance(name, from_mel) < distance(name, opus, 8)


@pytest.mark.parametrize("rate", [16_000, 24_000, 48_000])
def test_each_band_holds_a_frequency(rate):
    for seconds in WINDOWS:
        sound_BT = torch.randn(1, rate, generator=torch.Generator().manual_seed(0))
        apart = log_spectral_distance(sound_BT, 0.1 * sound_BT, rate, windows=(seconds,), floor_db=-200)
        assert apart.item() == pytest.approx(20, abs=1e-2)  # a tenth of the amplitude in every band


def test_an_item_has_its_own_loudness_and_length_of_the_batch():
    both = torch.stack([clips("speech")[0], 0.01 * clips("speech")[0]])
    first, second = log_spectral_distance(both, opus(both[:1], 8) * torch.tensor([[1.0], [0.01]]), sound.RATE)
    assert first.item() == pytest.approx(second.item(), rel=1e-4)


def test_what_cannot_be_compared_is_refused():
    tone = torch.ones(2, 4000)
    for coded in (torch.ones(2, 3999), torch.ones(1, 4000)):
        with pytest.raises(ValueError, match=r"must be \[B, T\]"):
            log_spectral_distance(tone, coded, 16_000)
    with pytest.raises(ValueError, match="original 1 is silent"):
        log_spectral_distance(tone * torch.tensor([[1.0], [0.0]]), tone, 16_000)


# --- listeners' marks, guessed ----------------------------------------------------------------------------------------

JUDGE = ("speechmos", "onnxruntime", "librosa")
needs_judge = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, JUDGE)), reason=f"DNSMOS needs {', '.join(JUDGE)}: not all are installed"
)


def marks(change, *arguments):
    changed = change(clips("speech"), *arguments) if change else clips("speech")
    return [dnsmos(clip_T).overall for clip_T in changed[:2]]


@needs_judge
def test_the_marks_follow_the_bits():
    original, many, few = (sum(marks(*change)) for change in ((None,), (opus, 16), (opus, 6)))
    assert original > few and many > few


@needs_judge
def test_the_marks_do_not_hear_polarity_but_noise():
    """The same recording the other way up is as good; noise is worse."""
    assert marks(torch.neg) == pytest.approx(marks(None), abs=0.1)
    assert sum(marks(with_noise, 10)) < sum(marks(None)) - 1


@needs_judge
@pytest.mark.parametrize("wrong", [torch.zeros(100), torch.ones(0), torch.ones(1, 100), torch.full((100,), math.nan)])
def test_what_cannot_be_judged_is_refused(wrong):
    with pytest.raises(ValueError, match="finite and not silent"):
        dnsmos(wrong)


def test_a_missing_judge_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "speechmos", None)
    with pytest.raises(ImportError, match="pip install speechmos onnxruntime librosa"):
        dnsmos(torch.ones(100))
