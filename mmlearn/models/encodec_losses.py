"""What EnCodec is trained for: to sound the same, to look the same in spectrograms, and to deceive its judge.

Defossez et al. 2022 (arXiv:2210.13438), section 3.4, equations 1, 2 and 4, and the two of discriminators between them.

Shape letters: B batch, C channels, T samples, M mel bins, F frames; K discriminators, L layers of each.

Departures from the paper
    same: windows 2^5 to 2^11 a quarter of themselves apart; 64 mel bins; alpha 1; hinge losses; relative features.
    simplified: norms are means over their numbers, not sums, so that a loss does not grow with the length of a sound;
        the balancer takes their scale away in any case.
    not known: whether S_i is a magnitude or its logarithm (here a magnitude), and its mel scale (here HTK's).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.models.encodec_discriminator import Judgement
from mmlearn.nn.mel import mel_filters
from mmlearn.nn.precision import at_least_single, full_precision

WINDOWS = tuple(2**power for power in range(5, 12))


@dataclass(frozen=True)
class LossWeights:
    """The lambdas of equation 4, and how often the discriminator learns. Section 3.4, "training"."""

    time: float = 0.1
    mel: float = 1.0
    adversarial: float = 3.0
    features: float = 3.0
    commitment: float = 1.0  # outside of the balancer
    discriminator_updates: float = 0.8  # the probability that it is updated in a step

    def balanced(self) -> dict[str, float]:
        """Those inside the balancer."""
        return {"time": self.time, "mel": self.mel, "adversarial": self.adversarial, "features": self.features}


def time_loss(real_BCT: Tensor, made_BCT: Tensor) -> Tensor:
    """l_t, equation 1: the absolute difference of samples."""
    return F.l1_loss(made_BCT, real_BCT)


class MelLoss(nn.Module):
    """l_f, equation 2: the difference of mel spectrograms of several resolutions, absolute and squared.

    Nothing in it is learned, and its state dict is empty.

    Args:
        rate: samples a second.
        windows: in samples, as long as the Fourier transforms.
        bins: M.
        alpha: the weight of the squared difference, for each window.
        device, dtype: of the filters.
    """

    def __init__(
        self,
        rate: int,
        *,
        windows: Sequence[int] = WINDOWS,
        bins: int = 64,
        alpha: float = 1.0,
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        self.windows, self.alpha = tuple(windows), alpha
        for window in windows:
            filters_MK = mel_filters(rate, window, bins, device=device, dtype=dtype)
            self.register_buffer(f"filters_{window}", filters_MK, persistent=False)

    def forward(self, real_BCT: Tensor, made_BCT: Tensor) -> Tensor:
        """A number."""
        terms = []
        with full_precision(real_BCT.device.type):
            for window in self.windows:
                real_NMF, made_NMF = (self.spectrogram(x_BCT, window) for x_BCT in (real_BCT, made_BCT))
                difference = (made_NMF - real_NMF).flatten(1)
                squared = torch.linalg.vector_norm(difference, dim=1) / difference.shape[1] ** 0.5  # no slope at 0
                terms.append(difference.abs().mean() + self.alpha * squared.mean())
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


def adversarial_loss(made: Sequence[Judgement]) -> Tensor:
    """l_g: what the codec loses where its sounds are not taken for real. A hinge, the mean over discriminators."""
    return torch.stack([F.relu(1 - judged.scores_B1FK).mean() for judged in made]).mean()


def discriminator_loss(real: Sequence[Judgement], made: Sequence[Judgement]) -> Tensor:
    """L_d: what the discriminators lose where they take one for the other. `made` is of sounds without a gradient."""
    pairs = zip(real, made, strict=True)
    return torch.stack([F.relu(1 - r.scores_B1FK).mean() + F.relu(1 + m.scores_B1FK).mean() for r, m in pairs]).mean()


def feature_loss(real: Sequence[Judgement], made: Sequence[Judgement]) -> Tensor:
    """l_feat: the difference of what each layer saw, by how much it saw of the real sound. The mean over K and L."""
    terms = []
    for one, other in zip(real, made, strict=True):
        for real_BZFK, made_BZFK in zip(one.features, other.features, strict=True):
            real_BZFK = real_BZFK.detach()
            terms.append(F.l1_loss(made_BZFK, real_BZFK) / real_BZFK.abs().mean())
    return torch.stack(terms).mean()


def codec_losses(
    real_BCT: Tensor, made_BCT: Tensor, mel: MelLoss, real: Sequence[Judgement], made: Sequence[Judgement]
) -> Mapping[str, Tensor]:
    """All losses of the balancer, by the names of `LossWeights.balanced`.

    Args:
        real_BCT, made_BCT: sounds, and what came out of the codec.
        mel: equation 2.
        real, made: what the discriminators say of both.
    """
    return {
        "time": time_loss(real_BCT, made_BCT),
        "mel": mel(real_BCT, made_BCT),
        "adversarial": adversarial_loss(made),
        "features": feature_loss(real, made),
    }


WEIGHTS = {
    "24khz": LossWeights(),
    "48khz": LossWeights(adversarial=4.0, features=4.0, discriminator_updates=0.5),
}
