"""The geometry of a space that several modalities share.

Only directions count in it, so everything here first brings vectors to length 1; they may come with any length. A
vector of zeros has no direction and stays as it is.

Shape letters: N and M items of two modalities (any numbers), B pairs, E width of the space.
"""

from torch import Tensor
from torch.nn import functional as F


def modality_gap(first_NE: Tensor, second_ME: Tensor) -> Tensor:
    """How far two modalities lie apart: the Euclidean distance between the means of their unit vectors.

    Source: Liang et al. 2022, "Mind the Gap" (arXiv:2203.02053), the length of their gap vector.

    Args:
        first_NE: vectors of one modality, `[N, E]`.
        second_ME: vectors of another one, `[M, E]`; they need not be partners of the first.

    Returns:
        A scalar, from 0 to 2.
    """
    first_E, second_E = (F.normalize(vectors, dim=1).mean(dim=0) for vectors in (first_NE, second_ME))
    return (first_E - second_E).norm()


def centred(vectors_NE: Tensor) -> Tensor:
    """The unit vectors of one modality, minus their mean, brought to length 1 again: `[N, E]` to `[N, E]`.

    It closes the gap between two modalities that are both centred: before the last step both means are zero, and that
    step moves them little. A single vector becomes zeros.
    """
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(unit_NE - unit_NE.mean(dim=0), dim=1)


def combine(first_BE: Tensor, second_BE: Tensor, share: float = 0.5) -> Tensor:
    """The direction between two vectors, pair by pair, of length 1: `[B, E]` twice to `[B, E]`.

    Source: ImageBind (arXiv:2305.05665), figure 4, "embedding space arithmetic", which takes half of each.

    Args:
        first_BE, second_BE: vectors of two modalities; of opposite ones the half is zeros.
        share: that of the second, from 0, which leaves the first alone, to 1.
    """
    first_BE, second_BE = F.normalize(first_BE, dim=1), F.normalize(second_BE, dim=1)
    return F.normalize((1 - share) * first_BE + share * second_BE, dim=1)
