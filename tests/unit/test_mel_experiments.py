"""The parts of lesson 14's experiments: tasks and front ends, and the ways to tell how much of a sound was lost."""

import math

import pytest
import torch

from mmlearn.data import sound
from mmlearn.eval.classification import accuracy
from mmlearn.experiments import mel, mel_inversion

RATE = sound.RATE


def tone(hertz: float, seconds: float = 1.0) -> torch.Tensor:
    """A voice-like sound: a pitch and three harmonics."""
    t = torch.arange(round(seconds * RATE)) / RATE
    return 0.2 * sum(torch.sin(2 * torch.pi * hertz * n * t) / n for n in range(1, 5))


# --- classes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("input", "bins"), [("waveform", 6), ("mel", 6), ("mel", 1)])
def test_all_front_ends_give_as_many_frames(input, bins):
    front = mel.front_end(input, bins)
    assert front(torch.randn(2, 1600)).shape == (2, bins, 11)
    assert any(True for _ in front.parameters()) == (input == "waveform")


@pytest.mark.parametrize("bins", mel.BINS)
def test_no_filter_is_empty(bins):
    assert (mel.front_end("mel", bins).filters_MK.sum(dim=1) > 0).all()


@pytest.mark.parametrize("input", ["waveform", "mel"])
def test_a_classifier_learns_two_pitches(input):
    torch.manual_seed(0)
    waveforms_NT = torch.stack([tone(150 if n % 2 else 400, 0.2) for n in range(16)]) + 0.01 * torch.randn(16, 3200)
    clips = mel.Clips(waveforms_NT, torch.arange(16) % 2, torch.full((16,), 0.2))
    model = mel.Classifier(mel.front_end(input, 16), 16, 2)
    history = mel.fit(model, clips, seed=0, lr=4e-3, steps=40, progress=False, device="cpu")
    assert len(history.records) == 40 and not model.training
    assert accuracy(model, clips.waveforms, clips.labels) == 1


def test_the_tones_of_a_split_are_of_whom_it_says():
    one, both = mel.load(mel.TONE), mel.load(mel.BOTH)
    assert set(one.held_out) == set(mel.HELD_OUT[mel.TONE]) and set(both.held_out) == set(mel.HELD_OUT[mel.BOTH])
    assert len(both.train.labels) == len(one.train.labels) + len(one.held_out[mel.LO_SEEN].labels)
    assert one.classes == ("1", "2", "3", "4") and one.train.labels.unique().tolist() == [0, 1, 2, 3]
    assert 0.15 < one.apart.float().mean() < 0.25
    assert one.train.waveforms.abs().amax(dim=1) == pytest.approx(1)


def test_shuffled_labels_are_the_same_labels_elsewhere():
    clips = mel.Clips(torch.zeros(50, 4), torch.arange(50), torch.ones(50))
    control = mel.shuffled(clips, seed=1)
    assert sorted(control.labels.tolist()) == list(range(50)) and control.labels.tolist() != list(range(50))
    assert torch.equal(control.labels, mel.shuffled(clips, seed=1).labels)


# --- inversion --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hertz", [100, 205, 340])
def test_pitch_is_that_of_a_tone(hertz):
    found = mel_inversion.pitch(tone(hertz))
    assert found.isfinite().all()
    assert found.log2().sub(math.log2(hertz)).abs().max() < 1 / 24


def test_noise_and_silence_have_no_pitch():
    noise_T = torch.randn(RATE, generator=torch.Generator().manual_seed(0))
    assert mel_inversion.pitch(noise_T).isnan().float().mean() > 0.95
    assert mel_inversion.pitch(torch.zeros(RATE)).isnan().all()


def test_pitch_is_kept_up_to_a_semitone():
    assert mel_inversion.pitch_kept(tone(200), tone(200)) == 1
    assert mel_inversion.pitch_kept(tone(200), 0.3 * tone(208)) == 1
    assert mel_inversion.pitch_kept(tone(200), tone(220)) == 0
    assert mel_inversion.pitch_kept(tone(200), torch.zeros(RATE)) == 0


def test_the_distance_of_a_change_in_loudness_is_its_decibels():
    noise_T = torch.randn(RATE, generator=torch.Generator().manual_seed(0))
    assert mel_inversion.distance(noise_T, noise_T) == 0
    assert mel_inversion.distance(noise_T, 0.5 * noise_T) == pytest.approx(20 * math.log10(2), abs=0.01)


@pytest.mark.parametrize("bins", mel_inversion.BINS)
def test_what_comes_back_has_the_mel_spectrogram_that_it_came_from(bins):
    magnitude_BFK = mel_inversion.spectrum(mel_inversion.sentences()[0].waveform[None, :8000])
    made_BFK = mel_inversion.through_mel(magnitude_BFK, bins)
    filters_MK = mel_inversion.mel_filters(RATE, mel_inversion.WINDOW, bins, scale="slaney", norm=True)
    given, found = (x.square() @ filters_MK.T for x in (magnitude_BFK, made_BFK))
    assert (made_BFK >= 0).all()
    assert (found - given).abs().sum() / given.sum() < 0.02


def test_from_the_whole_spectrum_comes_nearly_the_same_sound():
    waveform_T = mel_inversion.sentences()[0].waveform[:16000]
    made_T = mel_inversion.there_and_back(waveform_T, None, seed=0)
    blurred_T = mel_inversion.there_and_back(waveform_T, 8, seed=0)
    assert made_T.shape == waveform_T.shape
    assert mel_inversion.distance(waveform_T, made_T) < 5 < mel_inversion.distance(waveform_T, blurred_T)
    assert torch.equal(made_T, mel_inversion.there_and_back(waveform_T, None, seed=0))
