"""How far a coded sound is from the original, as far as an ear hears it: for codecs that keep the waveform and others.

Shape letters: B batch, T samples, M bands, F frames.

What does not do, between a neural codec and Opus:
    SI-SNR, or another difference of waveforms: it is ruined by changes of phase that nobody hears.
    the distance of a training loss (`mmlearn.nn.mel_loss`): a codec that was trained on it has learned to please it. It
        compares magnitudes, so that loud low bands are nearly all of it.
    decibels without a floor: a band that is nearly silent and that one codec leaves out would count most.
"""

import torch
from torch import Tensor

from mmlearn.nn.mel import mel_filters, power_spectrogram
from mmlearn.nn.precision import full_precision

WINDOWS = (0.016, 0.032, 0.064)  # seconds: short ones hear smeared attacks, long ones what lies between harmonics
BANDS = 2000  # for each second of the window: twice as long, twice as fine
FLOOR_DB = -45.0  # as far down as ViSQOL looks, another judge of codecs (Chinen et al. 2020, arXiv:2004.09584)


def log_spectral_distance(
    original_BT: Tensor,
    coded_BT: Tensor,
    rate: int,
    *,
    windows: tuple[float, ...] = WINDOWS,
    floor_db: float = FLOOR_DB,
) -> Tensor:
    """How many decibels apart two spectrograms are: `[B, T]` twice to `[B]`. Nothing is 0; lower is better.

    Gray & Markel 1976 (doi:10.1109/TASSP.1976.1162849): the root of the mean squared difference over frequencies, and
    its mean over frames. Here over bands of equal width in mel, the mean of several windows, and with a floor: a
    constant energy is added to both, so that what is far below the original's loudest band and moment does not count.

    It is blind to polarity, and to phase as far as it does not change a window's energies. It knows nothing of masking,
    so that noise under a loud sound counts more than it is heard. A change of level counts, and so does a delay of
    several milliseconds: a codec's own must be cut off first. `mmlearn.data.sound` has cut off that of Opus.

    Args:
        original_BT: waveforms.
        coded_BT: what a codec made of them.
        rate: samples a second.
        windows: lengths in seconds.
        floor_db: relative to the loudest band and frame of each original.

    Raises:
        ValueError: the shapes differ or are not `[B, T]`, or an original is silent.
    """
    if original_BT.shape != coded_BT.shape or original_BT.ndim != 2:
        raise ValueError(f"the original {list(original_BT.shape)} and the coded {list(coded_BT.shape)} must be [B, T]")
    if not original_BT.any(dim=1).all():
        raise ValueError(f"original {int((~original_BT.any(dim=1)).nonzero()[0])} is silent: it has no loudest band")
    distances = []
    for seconds in windows:
        original_BMF, coded_BMF = (_energy(x_BT, rate, seconds) for x_BT in (original_BT, coded_BT))
        floor_B11 = original_BMF.amax(dim=(1, 2), keepdim=True) * 10 ** (floor_db / 10)
        decibels_BMF = 10 * ((coded_BMF + floor_B11) / (original_BMF + floor_B11)).log10()
        distances.append(decibels_BMF.square().mean(dim=1).sqrt().mean(dim=1))
    return torch.stack(distances).mean(dim=0)


def _energy(waveform_BT: Tensor, rate: int, seconds: float) -> Tensor:
    """The energy in each band, in windows that overlap by half: `[B, T]` to `[B, M, F]`."""
    size = 2 * round(seconds * rate / 2)
    fft = 2 * size  # finer than the window, so that each band holds a frequency
    window = torch.hann_window(size, device=waveform_BT.device)
    filters_MK = mel_filters(rate, fft, round(seconds * BANDS), device=waveform_BT.device)
    with full_precision(waveform_BT.device.type):
        return filters_MK @ power_spectrogram(waveform_BT.float(), window, size // 2, fft=fft)
