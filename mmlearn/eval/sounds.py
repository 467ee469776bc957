"""How far a sound is from the one that it should be, as an ear might say: in spectrograms, not in samples.

A codec for few bits gives a sound with other phases, whose samples differ and which may still sound alike.

Shape letters: N sounds, T samples, K frequencies, F frames, M mel bins.
"""

import torch
from torch import Tensor

from mmlearn.nn.mel import mel_filters

WINDOWS = (256, 512, 1024, 2048)  # in samples; they lie a quarter of themselves apart
MEL_WINDOW, MEL_BINS = 1024, 80
FLOOR = 1e-4  # of magnitudes: softer ones, 80 dB below a full wave, count as equal


def log_spectral_distance(real_NT: Tensor, made_NT: Tensor) -> Tensor:
    """In decibels, for each sound `[N]`: the root of the mean square over frequencies, then means over all else.

    Gray & Markel 1976 (doi:10.1109/TASSP.1976.1162849), here of spectra and over windows from short to long.

    Raises:
        ValueError: the sounds are not of one shape `[N, T]`, or shorter than a window.
    """
    _check(real_NT, made_NT)
    distances = []
    for window in WINDOWS:
        real_NKF, made_NKF = (20 * _magnitudes(x_NT, window).log10() for x_NT in (real_NT, made_NT))
        distances.append((made_NKF - real_NKF).square().mean(1).sqrt().mean(1))
    return torch.stack(distances).mean(0)


def mel_distance(real_NT: Tensor, made_NT: Tensor, rate: int) -> Tensor:
    """The mean absolute difference of log-mel spectrograms, for each sound `[N]`. Errors as above."""
    _check(real_NT, made_NT)
    filters_MK = mel_filters(rate, MEL_WINDOW, MEL_BINS, device=real_NT.device, dtype=real_NT.dtype)
    real_NMF, made_NMF = (
        (filters_MK @ _magnitudes(x_NT, MEL_WINDOW)).clamp(min=FLOOR).log() for x_NT in (real_NT, made_NT)
    )
    return (made_NMF - real_NMF).abs().mean((1, 2))


def _magnitudes(x_NT: Tensor, window: int) -> Tensor:
    """Of the spectrum, `[N, K, F]`; the window's energy is brought to 1."""
    weights = torch.hann_window(window, device=x_NT.device, dtype=x_NT.dtype)
    spectrum_NKF = torch.stft(x_NT, window, window // 4, window=weights, return_complex=True, pad_mode="constant")
    return (spectrum_NKF.abs() / torch.linalg.vector_norm(weights)).clamp(min=FLOOR)


def _check(real_NT: Tensor, made_NT: Tensor) -> None:
    if real_NT.ndim != 2 or real_NT.shape != made_NT.shape or real_NT.shape[1] < max(WINDOWS):
        wanted = f"two sets of sounds of one shape [N, {max(WINDOWS)} or more]"
        raise ValueError(f"a distance is of {wanted}; got {list(real_NT.shape)} and {list(made_NT.shape)}")
