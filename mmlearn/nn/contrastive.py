"""Comparing two sets of vectors: the scores, and the loss that pulls partners together.

Shape letters: B pairs, K texts (any number), E width of the shared space.

Source: CLIP (arXiv:2103.00020), figure 3 and section 2.4.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LARGEST_SCALE = 100.0  # scores beyond it made training unstable (section 2.4)
FIRST_SCALE = 1 / 0.07  # a temperature of 0.07, of Wu et al. 2018 (arXiv:1805.01978)


class Similarity(nn.Module):
    """The cosine of every image with every text, times a learned scale.

    The scale is the reciprocal of a temperature. It is stored as its logarithm, so that it stays positive.

    Args:
        scale: the first scale.
        learned: whether it is trained.
        device, dtype: of the parameter.
    """

    def __init__(self, scale: float = FIRST_SCALE, *, learned: bool = True, device=None, dtype=None) -> None:
        super().__init__()
        start = torch.tensor(math.log(scale), device=device, dtype=dtype or torch.get_default_dtype())
        self.log_scale = nn.Parameter(start, requires_grad=learned)

    def forward(self, image_BE: Tensor, text_KE: Tensor) -> Tensor:
        """Scores `[B, K]`, a row for each image and a column for each text. The vectors may have any length."""
        image_BE = F.normalize(image_BE, dim=1)  # I_e of figure 3
        text_KE = F.normalize(text_KE, dim=1)  # T_e
        return self.log_scale.exp() * image_BE @ text_KE.T

    def clamp(self) -> None:
        """Bring the scale down to 100 where it is larger. To be called after every step of training."""
        with torch.no_grad():
            self.log_scale.clamp_(max=math.log(LARGEST_SCALE))


def symmetric_loss(scores_BB: Tensor) -> Tensor:
    """The mean of two cross-entropies: each image must find its text, and each text its image.

    Args:
        scores_BB: a row for each image and a column for each text; partners stand on the diagonal.

    Raises:
        ValueError: not as many images as texts.
    """
    if scores_BB.shape != (len(scores_BB), len(scores_BB)):
        raise ValueError(f"partners stand on the diagonal of a square; got scores of shape {list(scores_BB.shape)}")
    partner_B = torch.arange(len(scores_BB), device=scores_BB.device)
    find_text = F.cross_entropy(scores_BB, partner_B)  # each row over its columns: axis=1 of figure 3
    find_image = F.cross_entropy(scores_BB.T, partner_B)  # each column over its rows: axis=0
    return (find_text + find_image) / 2
