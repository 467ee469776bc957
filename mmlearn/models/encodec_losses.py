"""What EnCodec is trained for: to sound the same, to look the same in spectrograms, and to deceive its judge.

Defossez et al. 2022 (arXiv:2210.13438), section 3.4, equations 1, 2 and 4, and the two of discriminators between them.

The second stands in `mmlearn.nn.mel_loss`.

Shape letters: B batch, C channels, T samples, F frames, K frequencies of a spectrogram, Z channels of a feature.

Departures from the paper
    same: the absolute difference of samples; hinge losses; features compared by how large they are; the weights.
    simplified: norms are means over their numbers, not sums, so that a loss does not grow with the length of a sound;
        the balancer takes their scale away in any case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mmlearn.models.encodec_discriminator import Judgement
from mmlearn.nn.mel_loss import MelLoss


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
