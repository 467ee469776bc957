"""How well one thing finds its partner among many.

Shape letters: Q queries, N candidates.
"""

import torch
from torch import Tensor


def ranks(scores_QN: Tensor, relevant_QN: Tensor) -> Tensor:
    """The place of the best relevant candidate of each query, from 1, `[Q]`.

    A candidate that is not relevant and has the same score counts as better: a model that scores all alike finds
    nothing.

    Args:
        scores_QN: higher is nearer.
        relevant_QN: boolean; which candidates are right for which query.

    Raises:
        ValueError: the shapes differ, or a query has no relevant candidate.
    """
    if scores_QN.shape != relevant_QN.shape or scores_QN.ndim != 2:
        raise ValueError(f"scores {list(scores_QN.shape)} and relevant {list(relevant_QN.shape)} must both be [Q, N]")
    if not relevant_QN.any(dim=1).all():
        raise ValueError(f"query {int((~relevant_QN.any(dim=1)).nonzero()[0])} has no relevant candidate")
    best_Q1 = scores_QN.masked_fill(~relevant_QN, -torch.inf).amax(dim=1, keepdim=True)
    return 1 + ((scores_QN >= best_Q1) & ~relevant_QN).sum(dim=1)


def recall_at(k: int, scores_QN: Tensor, relevant_QN: Tensor) -> float:
    """The share of queries that have a relevant candidate among their k nearest (R@k). Arguments as in `ranks`."""
    return (ranks(scores_QN, relevant_QN) <= k).float().mean().item()


def chance_at(k: int, relevant_QN: Tensor) -> float:
    """R@k of candidates in a random order, the mean over queries.

    A query with r relevant ones of N misses with the probability C(N - r, k) / C(N, k).
    """
    N, relevant_Q = relevant_QN.shape[1], relevant_QN.sum(dim=1).double()
    drawn = torch.arange(min(k, N), dtype=torch.float64)
    misses_Q = ((N - relevant_Q[:, None] - drawn).clamp(min=0) / (N - drawn)).prod(dim=1)
    return (1 - misses_Q).mean().item()
