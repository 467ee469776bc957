"""How far apart two sounds look, in mel spectrograms from coarse to fine.

EnCodec (Defossez et al. 2022, arXiv:2210.13438), section 3.4, equation 1.

Shape letters: B batch, C channels, T samples, N sounds of one channel, M mel bins, F frames, K frequencies.

Departures from the paper
    same: windows 2^5 to 2^11, a quarter of themselves apart; a normalised Fourier transform (here the window's energy
        is brought to 1); 64 mel bins; alpha 1.
    simplified: norms are means over their numbers, not sums, so that a loss does not grow with the length of a sound.
    not known: whether S_i is a magnitude, an energy or a logarithm (here a magnitude; with a `floor`, in squared
        differences its logarithm, as in SoundStream, arXiv:2107.03312), and its mel scale (here HTK's).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmlearn.nn.mel import mel_filters
from mmlearn.nn.precision import at_least_single, full_precision

WINDOWS = tuple(2**power for power in range(5, 12))
SILENCE = 1e-12  # added to energies; it stands below what half precision can say


def mel_spectrogram(x_BCT: Tensor, filters_MK: Tensor) -> Tensor:
    """S_i of sounds, all channels one after the other: `[B C, M, F]`.

    Args:
        x_BCT: the sounds.
        filters_MK: how much of each frequency a mel bin takes. They tell the window: K frequencies are of 2 (K - 1)
            samples.
    """
    x_NT, window = at_least_single(x_BCT).flatten(0, 1), 2 * (filters_MK.shape[1] - 1)
    weights = torch.hann_window(window, device=x_NT.device, dtype=x_NT.dtype)
    spectrum_NKF = torch.stft(x_NT, window, window // 4, window=weights, return_complex=True, pad_mode="constant")
    energy_NKF = spectrum_NKF.real.square() + spectrum_NKF.imag.square()
    magnitude_NKF = (energy_NKF + SILENCE).sqrt() / torch.linalg.vector_norm(weights)  # a root has no slope at 0
    return filters_MK.to(x_NT.dtype) @ magnitude_NKF


def spectrogram_loss(real_NMF: Tensor, made_NMF: Tensor, alpha: float = 1.0) -> Tensor:
    """A term of equation 1, ||S(x) - S(x^)||_1 + alpha ||S(x) - S(x^)||_2, of each sound, as a mean over sounds.

    Both norms are those of a mean: of the absolute differences, and the root of that of their squares.
    """
    difference_NMF = made_NMF - real_NMF
    return difference_NMF.abs().mean() + alpha * _root_mean_square(difference_NMF)


class MelLoss(nn.Module):
    """l_f, equation 1: the difference of mel spectrograms of several resolutions, absolute and squared.

    Nothing in it is learned, and its state dict is empty.

    Args:
        rate: samples a second.
        windows: in samples, as long as the Fourier transforms.
        bins: M.
        alpha: the weight of the squared difference, for each window.
        floor: added to magnitudes before their logarithms are squared; `None` squares differences of magnitudes. In a
            logarithm what is soft counts as much as what is loud.
        device, dtype: of the filters.
    """

    def __init__(
        self,
        rate: int,
        *,
        windows: Sequence[int] = WINDOWS,
        bins: int = 64,
        alpha: float = 1.0,
        floor: float | None = None,
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        self.windows, self.alpha, self.floor = tuple(windows), alpha, floor
        for window in windows:
            filters_MK = mel_filters(rate, window, bins, device=device, dtype=dtype)
            self.register_buffer(f"filters_{window}", filters_MK, persistent=False)

    def forward(self, real_BCT: Tensor, made_BCT: Tensor) -> Tensor:
        """A number: the mean over resolutions."""
        terms = []
        with full_precision(real_BCT.device.type):
            for window in self.windows:
                filters_MK = getattr(self, f"filters_{window}")
                pair = (mel_spectrogram(x_BCT, filters_MK) for x_BCT in (real_BCT, made_BCT))
                terms.append(self._term(*pair))
            return torch.stack(terms).mean().to(made_BCT.dtype)

    def _term(self, real_NMF: Tensor, made_NMF: Tensor) -> Tensor:
        if self.floor is None:
            return spectrogram_loss(real_NMF, made_NMF, self.alpha)
        logarithms_NMF = (made_NMF + self.floor).log() - (real_NMF + self.floor).log()
        return (made_NMF - real_NMF).abs().mean() + self.alpha * _root_mean_square(logarithms_NMF)


def _root_mean_square(x_NMF: Tensor) -> Tensor:
    """Of each sound, as a mean over sounds."""
    x = x_NMF.flatten(1)
    return torch.linalg.vector_norm(x, dim=1).mean() / x.shape[1] ** 0.5  # torch's norm: no NaN at 0
