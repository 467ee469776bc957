"""Windows, transforms and the way back against torch and librosa; Whisper's input against transformers."""

import math
import warnings

import numpy as np
import pytest
import torch

from mmlearn.nn.fourier import alias, fourier, griffin_lim, overlap_add, windows
from mmlearn.nn.mel import mel_filters, whisper_log_mel

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import librosa

# window, hop, samples: the hop divides the length or not
SETTINGS = [(400, 160, 4_800), (512, 100, 3_333), (64, 16, 1_000), (30, 15, 301)]


def noise(*shape: int, dtype=torch.float64) -> torch.Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


def close(ours, theirs, near: float = 1e-5) -> None:
    theirs = torch.as_tensor(theirs)
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    error = (ours - theirs).abs().max() / theirs.abs().max()
    assert error <= near, f"max|a-b| / max|b| is {error:.2g}"


@pytest.mark.parametrize("rate", [8_000, 11_025])
def test_an_alias_has_the_samples_of_the_sine(rate):
    hertz = torch.linspace(0, 60_000, 301, dtype=torch.float64)
    heard = alias(hertz, rate)
    assert (heard >= 0).all() and (heard <= rate / 2).all()
    turns_T = 2 * math.pi * torch.arange(500, dtype=torch.float64) / rate
    close((hertz[:, None] * turns_T).cos(), (heard[:, None] * turns_T).cos())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("size", "hop", "length"), SETTINGS)
def test_the_transform_of_windows_is_torchs(size, hop, length, dtype):
    window_W, waveform_BT = torch.hann_window(size, dtype=dtype), noise(3, length, dtype=dtype)
    theirs_BKF = torch.stft(waveform_BT, size, hop, size, window_W, pad_mode="reflect", return_complex=True)
    close(fourier(windows(waveform_BT, window_W, hop)), theirs_BKF.mT)


@pytest.mark.parametrize(("size", "hop", "length"), SETTINGS)
def test_windows_added_up_are_the_waveform(size, hop, length):
    window_W, waveform_BT = torch.hann_window(size, dtype=torch.float64), noise(3, length)
    frames_BFW = windows(waveform_BT, window_W, hop)
    close(overlap_add(frames_BFW, window_W, hop, length), waveform_BT)
    other_BFW = frames_BFW + noise(*frames_BFW.shape)  # no waveform has these windows: the nearest one is librosa's
    theirs_BT = librosa.istft(
        torch.fft.rfft(other_BFW).mT.numpy(), hop_length=hop, win_length=size, window="hann", length=length
    )
    close(overlap_add(other_BFW, window_W, hop, length), theirs_BT)


@pytest.mark.parametrize("rounds", [0, 1, 5])
def test_griffin_lim_is_librosas(rounds):
    size, hop, length = 400, 160, 4_800
    window_W = torch.hann_window(size, dtype=torch.float64)
    magnitude_BFK = torch.fft.rfft(windows(noise(2, length), window_W, hop)).abs()
    ours_BT = griffin_lim(magnitude_BFK, torch.zeros_like(magnitude_BFK), window_W, hop, length, rounds)
    options = {"hop_length": hop, "win_length": size, "window": "hann", "length": length}
    theirs_BT = librosa.griffinlim(
        magnitude_BFK.mT.numpy(), n_iter=rounds, momentum=0, init=None, pad_mode="reflect", **options
    )
    close(ours_BT, theirs_BT)


@pytest.mark.parametrize("bins", [80, 128])
@pytest.mark.parametrize("seconds", [0.5, 1.27])
def test_whispers_input_is_transformers(bins, seconds):
    from transformers import WhisperFeatureExtractor

    time_T = torch.arange(int(16_000 * seconds)) / 16_000
    loud_T = 0.5 * torch.sin(2 * math.pi * (100 + 2_000 * time_T) * time_T)
    waveform_BT = torch.stack([loud_T + 0.01 * noise(len(time_T), dtype=torch.float32), 1e-3 * loud_T])
    window_W = torch.hann_window(400)
    filters_MK = mel_filters(16_000, 400, bins, scale="slaney", norm=True)
    peer = WhisperFeatureExtractor(feature_size=bins)
    theirs_BMF = peer(
        [waveform_T.numpy().astype(np.float32) for waveform_T in waveform_BT],
        sampling_rate=16_000, padding="longest", return_tensors="pt",
    ).input_features  # fmt: skip
    close(whisper_log_mel(waveform_BT, filters_MK, window_W, 160), theirs_BMF)


def test_a_waveform_that_cannot_be_mirrored_is_refused():
    with pytest.raises(ValueError, match="a window of 400 needs 201 samples or more; got 200"):
        windows(noise(1, 200), torch.hann_window(400), 160)


def test_a_sample_that_no_window_reaches_is_zero():
    window_W, waveform_BT = torch.hann_window(20, dtype=torch.float64), noise(2, 200)
    back_BT = overlap_add(windows(waveform_BT, window_W, 25), window_W, 25, 200)
    reached_T = (torch.arange(200) + 9) % 25 < 19  # the window is zero where it begins
    assert (back_BT[:, ~reached_T] == 0).all()
    close(back_BT[:, reached_T], waveform_BT[:, reached_T])
