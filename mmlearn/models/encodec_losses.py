"""What EnCodec is trained for: to sound the same, to look the same in spectrograms, and to deceive its judge.

Defossez et al. 2022 (arXiv:2210.13438), section 3.4, equations 2 and 4 and the three without a number between them; the
weights are of section 4.4. Equation 1 stands in `mmlearn.nn.mel_loss`, equation 3, the commitment, in
`mmlearn.nn.quantiser`, and equation 5 in `mmlearn.nn.balancer`.

Scores and features are lists, because the K discriminators, and the L layers of each, have them in other sizes.

Shape letters: B batch, C channels, T samples.

Departures from the paper
    same: the absolute difference of samples; hinge losses; features compared by how large they are; the weights, and
        how often the discriminators learn.
    simplified: norms are means over their numbers, not sums, so that a loss does not grow with the length of a sound;
        the balancer takes their scale away in any case.
    not known: the weight of the commitment (here 1, as in the released code).
    left out: discriminators of their own for each bandwidth, which the paper found better. It is for whoever trains to
        keep several.
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
    """The lambdas of equation 4, section 4.4, and how often the discriminators learn, section 3.4."""

    time: float = 0.1
    mel: float = 1.0
    adversarial: float = 3.0
    features: float = 3.0
    commitment: float = 1.0  # outside of the balancer
    discriminator_updates: float = 2 / 3  # the probability that they are updated in a step

    def balanced(self) -> dict[str, float]:
        """Those inside the balancer."""
        return {"time": self.time, "mel": self.mel, "adversarial": self.adversarial, "features": self.features}


def time_loss(real_BCT: Tensor, made_BCT: Tensor) -> Tensor:
    """l_t = ||x - x^||_1, as a mean: the absolute difference of samples."""
    return (real_BCT - made_BCT).abs().mean()


def adversarial_loss(made: Sequence[Tensor]) -> Tensor:
    """l_g = 1/K sum over k of max(0, 1 - D_k(x^)): what the codec loses where its sounds are not taken for real.

    Args:
        made: the scores of each discriminator for what the codec made, of any shape.
    """
    return torch.stack([F.relu(1 - scores).mean() for scores in made]).mean()


def discriminator_loss(real: Sequence[Tensor], made: Sequence[Tensor]) -> Tensor:
    """L_d = 1/K sum over k of max(0, 1 - D_k(x)) + max(0, 1 + D_k(x^)): what is lost by taking one for the other.

    Args:
        real, made: the scores of each discriminator for real sounds and for made ones, which carry no gradient to the
            codec.
    """
    pairs = zip(real, made, strict=True)
    return torch.stack([F.relu(1 - r).mean() + F.relu(1 + m).mean() for r, m in pairs]).mean()


def feature_loss(real: Sequence[Sequence[Tensor]], made: Sequence[Sequence[Tensor]]) -> Tensor:
    """l_feat, equation 2: 1/KL sum over k and l of ||D_kl(x) - D_kl(x^)||_1 / mean ||D_kl(x)||_1.

    So what a layer saw is compared by how much it saw of the real sound. No gradient goes through that.

    Args:
        real, made: for each discriminator what its layers saw, for real sounds and for made ones.
    """
    pairs = [pair for r, m in zip(real, made, strict=True) for pair in zip(r, m, strict=True)]
    return torch.stack([(r.detach() - m).abs().mean() / r.detach().abs().mean() for r, m in pairs]).mean()


def codec_losses(
    real_BCT: Tensor, made_BCT: Tensor, mel: MelLoss, real: Sequence[Judgement], made: Sequence[Judgement]
) -> Mapping[str, Tensor]:
    """All losses of the balancer, by the names of `LossWeights.balanced`.

    Args:
        real_BCT, made_BCT: sounds, and what came out of the codec.
        mel: equation 1.
        real, made: what the discriminators say of both.
    """
    return {
        "time": time_loss(real_BCT, made_BCT),
        "mel": mel(real_BCT, made_BCT),
        "adversarial": adversarial_loss([judged.scores_B1FK for judged in made]),
        "features": feature_loss([judged.features for judged in real], [judged.features for judged in made]),
    }


WEIGHTS = {
    "24khz": LossWeights(),
    "48khz": LossWeights(adversarial=4.0, features=4.0, discriminator_updates=0.5),
}
