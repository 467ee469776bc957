"""Comparing two sets of vectors: the scores, and the loss that pulls partners together.

Shape letters: B pairs, K texts (any number), E width of the shared space, G the pairs of all processes together.

Source: CLIP (arXiv:2103.00020), figure 3 and section 2.4.
"""

import math

import torch
import torch.distributed as dist
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


def contrastive_loss(image_BE: Tensor, text_BE: Tensor, similarity: Similarity) -> Tensor:
    """The symmetric loss of B pairs; of processes that train together, each pair against the pairs of all.

    A process scores its own images against all texts, and its own texts against all images. The mean of its loss over
    the processes is the loss that one process would have with all pairs, and the mean of the gradients its gradient.
    Every process needs as many pairs.

    Source: CLIP, section 2.5: "computing only the subset of the pairwise similarities necessary".

    Args:
        image_BE, text_BE: vectors of any length, partners in the same row.
        similarity: their cosine and scale.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return symmetric_loss(similarity(image_BE, text_BE))
    partner_B = torch.arange(len(image_BE), device=image_BE.device) + dist.get_rank() * len(image_BE)
    find_text = F.cross_entropy(similarity(image_BE, _Gather.apply(text_BE)), partner_B)
    find_image = F.cross_entropy(similarity(text_BE, _Gather.apply(image_BE)), partner_B)
    return (find_text + find_image) / 2


class _Gather(torch.autograd.Function):
    """The rows of all processes, `[G, E]`; what flows back to a row is the sum over the processes that used it."""

    @staticmethod
    def forward(ctx, rows_BE: Tensor) -> Tensor:
        parts = [torch.empty_like(rows_BE) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows_BE.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx, grad_GE: Tensor) -> Tensor:
        grad_GE = grad_GE.contiguous()
        dist.all_reduce(grad_GE)
        return grad_GE.chunk(dist.get_world_size())[dist.get_rank()]
