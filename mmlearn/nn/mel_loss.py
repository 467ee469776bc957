"""How far apart two sounds look, in mel spectrograms from coarse to fine.

EnCodec (Defossez et al. 2022, arXiv:2210.13438), section 3.4, equation 2.

Shape letters: B batch, C channels, T samples, N sounds of one channel, M mel bins, F frames, K frequencies.

Departures from the paper
    same: windows 2^5 to 2^11, a quarter of themselves apart; 64 mel bins; alpha 1.
    simplified: norms are means over their numbers, not sums, so that a loss does not grow with the length of a sound.
    not known: whether S_i is a magnitude or its logarithm (here a magnitude; with a `floor`, in squared differences its
        logarithm, as in SoundStream, arXiv:2107.03312), and its mel scale (here HTK's).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmlearn.nn.mel import mel_filters
from mmlearn.nn.precision import at_least_single, full_precision

WINDOWS = tuple(2**power for power in range(5, 12))


class MelLoss(nn.Module):
    """l_f, equation 2: the difference of mel spectrograms of several resolutions, absolute and squared.

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
        """A number."""
        terms = []
        with full_precision(real_BCT.device.type):
            for window in self.windows:
                real_NMF, made_NMF = (self.spectrogram(x_BCT, window) for x_BCT in (real_BCT, made_BCT))
                difference = absolute = (made_NMF - real_NMF).flatten(1)
                if self.floor is not None:
                    difference = ((made_NMF + self.floor).log() - (real_NMF + self.floor).log()).flatten(1)
                squared = torch.linalg.vector_norm(difference, dim=1) / difference.shape[1] ** 0.5  # no slope at 0
                terms.append(absolute.abs().mean() + self.alpha * squared.mean())
            return torch.stack(terms).mean().to(made_BCT.dtype)

    def spectrogram(self, x_BCT: Tensor, window: int) -> Tensor:
        """S_i, of sounds with all channels one after the other: `[B C, M, F]`; the window's energy is brought to 1."""
        x_NT = at_least_single(x_BCT).flatten(0, 1)
        weights = torch.hann_window(window, device=x_NT.device, dtype=x_NT.dtype)
        spectrum_NKF = torch.stft(x_NT, window, window // 4, window=weights, return_complex=True, pad_mode="constant")
        # The root has no slope at 0; what is added stands below what half precision can say.
        energy_NKF = spectrum_NKF.real.square() + spectrum_NKF.imag.square()
        magnitude_NKF = (energy_NKF + 1e-12).sqrt() / torch.linalg.vector_norm(weights)
        return getattr(self, f"filters_{window}").to(x_NT.dtype) @ magnitude_NKF
