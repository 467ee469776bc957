"""The log-mel front end against librosa and, with the departures that its file names, against Kaldi's."""

import math
import warnings

import numpy as np
import pytest
import torch

from mmlearn.nn.mel import LogMel, hertz_to_mel, mel_filters, mel_to_hertz, power_spectrogram

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import librosa

RATE = 16_000
# rate, fft, bins, fmin, fmax
FILTERS = [
    (16_000, 400, 80, 0.0, None),
    (16_000, 512, 32, 0.0, 8_000.0),
    (16_000, 512, 128, 20.0, 8_000.0),  # narrower than two frequencies: some are empty
    (22_050, 1024, 80, 0.0, 8_000.0),
    (24_000, 2048, 100, 50.0, None),
    (8_000, 256, 7, 300.0, 3_400.0),
]
# window, hop, bins, fft, centred
SETTINGS = [
    (400, 160, 80, 400, True),
    (400, 160, 40, 512, True),
    (512, 250, 32, 512, False),
    (300, 128, 23, 512, False),
]


def close(ours, theirs) -> None:
    theirs = torch.as_tensor(theirs)
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    error = (ours - theirs).abs().max() / theirs.abs().max()
    assert error <= 1e-5, f"max|a-b| / max|b| is {error:.2g}"


def sounds(dtype=torch.float64) -> dict[str, torch.Tensor]:
    """A sweep from 100 Hz to nearly 8 kHz, noise, and both: 1.3 s each, so that no window ends with them."""
    seconds_T = torch.arange(20_800, dtype=torch.float64) / RATE
    chirp_T = 0.5 * torch.sin(2 * math.pi * (100 + 3_000 * seconds_T) * seconds_T)
    noise_T = 0.1 * torch.randn(len(seconds_T), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return {name: s.to(dtype) for name, s in {"chirp": chirp_T, "noise": noise_T, "both": chirp_T + noise_T}.items()}


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_the_scales_are_librosas_and_their_inverses(scale):
    hertz = torch.cat([torch.linspace(0, 12_000, 500, dtype=torch.float64), torch.tensor([999.9, 1000.0, 1000.1])])
    mel = hertz_to_mel(hertz, scale)
    close(mel, librosa.hz_to_mel(hertz.numpy(), htk=scale == "htk"))
    close(mel_to_hertz(mel, scale), librosa.mel_to_hz(mel.numpy(), htk=scale == "htk"))
    close(mel_to_hertz(mel, scale), hertz)


@pytest.mark.filterwarnings("ignore:Empty filters")
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("scale", ["htk", "slaney"])
@pytest.mark.parametrize(("rate", "fft", "bins", "fmin", "fmax"), FILTERS)
def test_the_filters_are_librosas(rate, fft, bins, fmin, fmax, scale, norm):
    options = {"fmin": fmin, "fmax": fmax, "htk": scale == "htk", "norm": "slaney" if norm else None}
    theirs = librosa.filters.mel(sr=rate, n_fft=fft, n_mels=bins, dtype=np.float32, **options)
    close(mel_filters(rate, fft, bins, fmin=fmin, fmax=fmax, scale=scale, norm=norm), theirs)


@pytest.mark.parametrize("name", ["chirp", "noise", "both"])
@pytest.mark.parametrize("scale", ["htk", "slaney"])
@pytest.mark.parametrize(("window", "hop", "bins", "fft", "centred"), SETTINGS)
def test_the_spectrogram_is_librosas(window, hop, bins, fft, centred, scale, name):
    """In double precision: the logarithm makes differences of quiet bins visible that single precision cannot hold."""
    sound_T = sounds()[name]
    options = {"fmin": 40.0, "fmax": 7_600.0}
    # Uncentred, librosa's transforms begin at t * hop; ours are placed so that the windows in their middles do.
    ends = (0, 0) if centred else ((fft - window) // 2, fft - window - (fft - window) // 2)
    energy_MF = librosa.feature.melspectrogram(
        y=np.pad(sound_T.numpy(), ends), sr=RATE, n_fft=fft, win_length=window, hop_length=hop, center=centred,
        n_mels=bins, htk=scale == "htk", norm="slaney", power=2.0, dtype=np.float64, **options,
    )  # fmt: skip
    mel = LogMel(
        RATE, window, hop, bins, fft=fft, scale=scale, norm=True, centred=centred, dtype=torch.float64, **options
    )
    ours_BMF = mel(torch.stack([sound_T, 0.1 * sound_T]))
    close(ours_BMF[0], np.log(np.maximum(energy_MF, 1e-10)))
    close(ours_BMF[1], np.log(np.maximum(energy_MF / 100, 1e-10)))
    whole = 1 + len(sound_T) // hop if centred else 1 + (len(sound_T) - window) // hop
    assert ours_BMF.shape[2] == whole


@pytest.mark.parametrize("name", ["noise", "both"])
def test_single_precision_is_librosas(name):
    sound_T = sounds(torch.float32)[name]
    energy_MF = librosa.feature.melspectrogram(
        y=sound_T.numpy(), sr=RATE, n_fft=512, hop_length=250, n_mels=32, htk=True, norm=None
    )
    close(LogMel(RATE, 512, 250, 32)(sound_T[None])[0], np.log(np.maximum(energy_MF, 1e-10)))


def test_preemphasis_is_librosas():
    sound_T = sounds()["both"]
    theirs_T = librosa.effects.preemphasis(sound_T.numpy(), coef=0.97, zi=[-0.97 * sound_T[0].item()])
    options = {"fft": 512, "centred": False, "dtype": torch.float64}
    ours = LogMel(RATE, 400, 160, 40, preemphasis=0.97, **options)(sound_T[None])
    close(ours, LogMel(RATE, 400, 160, 40, **options)(torch.from_numpy(theirs_T)[None]))


def test_the_energy_is_that_of_the_windowed_samples():
    """Parseval: summed over all frequencies, the spectrum has the energy of the samples under the window."""
    sound_T, window = sounds()["both"], torch.hann_window(300, dtype=torch.float64)
    power_KF = power_spectrogram(sound_T[None], window, 128, fft=512, centred=False)[0]
    both_sides_F = 2 * power_KF.sum(0) - power_KF[0] - power_KF[-1]
    stretches_FW = sound_T.unfold(0, 300, 128)
    close(both_sides_F / 512, (stretches_FW * window).square().sum(1))


# --- ImageBind's input ------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:At least one mel filter")
@pytest.mark.parametrize(("name", "all_bins", "from_bin_8"), [("noise", 0.15, 0.02), ("both", 0.15, 0.02)])
def test_imagebinds_input_is_near_asts(name, all_bins, from_bin_8):
    """transformers has Kaldi's filter bank in numpy, with AST's settings. The lowest filters hold one frequency or two:
    there the form of the triangles matters, and whether the mean of a window is subtracted."""
    from transformers import ASTFeatureExtractor

    sound_T = sounds(torch.float32)[name]
    frames = 1 + (len(sound_T) - 400) // 160
    theirs = ASTFeatureExtractor(max_length=frames)(sound_T.numpy(), sampling_rate=RATE, return_tensors="pt")
    theirs_MF = theirs["input_values"][0].T
    ours_MF = LogMel.imagebind(frames=None)(sound_T[None])[0]
    assert ours_MF.shape == theirs_MF.shape == (128, frames)
    error_MF = (ours_MF - theirs_MF) * 2 * 4.569  # in units of the natural logarithm
    assert error_MF.square().mean().sqrt() < all_bins
    assert error_MF[8:].square().mean().sqrt() < from_bin_8
    assert torch.corrcoef(torch.stack([ours_MF.flatten(), theirs_MF.flatten()]))[0, 1] > 0.998


def test_two_seconds_are_128_by_204():
    mel = LogMel.imagebind()
    spectrogram_BMF = mel(0.1 * torch.randn(3, 32_000, generator=torch.Generator().manual_seed(1)))
    assert spectrogram_BMF.shape == (3, 128, 204)
    silence = (math.log(2**-23) + 4.268) / (2 * 4.569)
    # 198 windows lie in the sound, two reach over its end, and four are silent.
    assert (spectrogram_BMF[:, :, :200].mean(1) > silence + 0.5).all()
    close(spectrogram_BMF[:, :, 200:], torch.full((3, 128, 4), silence))


# --- as a module ------------------------------------------------------------------------------------------------------


def test_frames_are_filled_up_with_silence_or_cut():
    whole, sound_BT = LogMel(RATE, 512, 250, 32), sounds(torch.float32)["both"][None]
    all_frames = whole(sound_BT)
    assert all_frames.shape == (1, 32, 84)
    assert torch.equal(LogMel(RATE, 512, 250, 32, frames=50)(sound_BT), all_frames[:, :, :50])
    longer = LogMel(RATE, 512, 250, 32, frames=96)(sound_BT)
    assert longer.shape == (1, 32, 96)
    close(longer[:, :, :83], all_frames[:, :, :83])
    assert (longer[:, :, 90:] == math.log(1e-10)).all()


@pytest.mark.parametrize("centred", [True, False])
def test_a_sound_shorter_than_a_window_is_filled_up(centred):
    assert LogMel(RATE, 512, 250, 32, frames=3, centred=centred)(torch.ones(2, 100)).shape == (2, 32, 3)


def test_mean_and_deviation_are_taken_out():
    sound_BT = sounds(torch.float32)["noise"][None]
    plain = LogMel(RATE, 512, 250, 32)(sound_BT)
    close(LogMel(RATE, 512, 250, 32, mean=-3.0, std=2.5)(sound_BT), (plain + 3) / 2.5)


def test_silence_has_a_logarithm_and_gradients():
    silence_BT = torch.zeros(1, 4_000, requires_grad=True)
    spectrogram = LogMel(RATE, 512, 250, 32)(silence_BT)
    spectrogram.sum().backward()
    assert (spectrogram == math.log(1e-10)).all() and silence_BT.grad.isfinite().all()


def test_nothing_is_saved_and_nothing_is_on_the_cpu():
    mel = LogMel(RATE, 512, 250, 32, frames=96, device="meta")
    assert mel.state_dict() == {} and {b.device.type for b in mel.buffers()} == {"meta"}
    assert mel(torch.empty(2, 24_000, device="meta")).shape == (2, 32, 96)


def test_autocast_does_not_make_the_floor_zero():
    mel, silence_BT = LogMel(RATE, 512, 250, 32), torch.zeros(1, 4_000)
    for dtype in (torch.bfloat16, torch.float16):
        with torch.autocast("cpu", dtype=dtype):
            assert torch.equal(mel(silence_BT), torch.full((1, 32, 17), math.log(1e-10)))


def test_a_forward_in_a_compiled_graph_without_breaks():
    for mel in (LogMel.imagebind(), LogMel(RATE, 512, 250, 32, frames=96)):
        sound_BT = sounds(torch.float32)["both"][None]
        close(torch.compile(mel, fullgraph=True, backend="eager")(sound_BT), mel(sound_BT))


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="no mel scale is called 'bark'; there are htk, slaney"):
        LogMel(RATE, 512, 250, 32, scale="bark")
    with pytest.raises(ValueError, match="0 <= fmin < fmax <= 8000, half the rate; got 0 and 9000"):
        LogMel(RATE, 512, 250, 32, fmax=9_000.0)
    with pytest.raises(ValueError, match="0 <= fmin < fmax <= 8000, half the rate; got 500 and 500"):
        mel_filters(RATE, 512, 32, fmin=500.0, fmax=500.0)
    with pytest.raises(ValueError, match="a Fourier transform of 256 samples does not hold a window of 400"):
        LogMel(RATE, 400, 160, 32, fft=256)
    with pytest.raises(ValueError, match="must be even, not 401"):
        LogMel(RATE, 401, 160, 32)


def test_sounds_of_another_shape_are_refused():
    for shape in [(4_000,), (2, 1, 4_000)]:
        for frames in (None, 8):
            with pytest.raises(ValueError, match=r"a spectrogram needs waveforms \[B, T\]; got \["):
                LogMel(RATE, 512, 250, 32, frames=frames)(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"waveforms \[B, T\] of at least 512 samples; got \[2, 511\]"):
        LogMel(RATE, 512, 250, 32, centred=False)(torch.zeros(2, 511))
