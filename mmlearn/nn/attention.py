"""Multi-head self-attention.

Shape letters: B batch, N tokens (n the tokens looked at), D model width, H heads, d = D / H width of a head.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SelfAttention(nn.Module):
    """Multi-head self-attention in which every token sees every token.

    Source: Vaswani et al. (arXiv:1706.03762), section 3.2; ViT (arXiv:2010.11929), appendix A, equations 5-8.

    Args:
        dim: D, the model width.
        heads: H; must divide D.
        device, dtype: of the parameters.

    Raises:
        ValueError: H does not divide D.
    """

    def __init__(self, dim: int, heads: int, *, device=None, dtype=None) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"{heads} heads do not divide a width of {dim}")
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, device=device, dtype=dtype)  # queries, keys and values in one product
        self.out = nn.Linear(dim, dim, device=device, dtype=dtype)

    def split(self, x_BND: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of every head: `[B, N, D]` to three times `[B, H, N, d]`."""
        q_BND, k_BND, v_BND = self.qkv(x_BND).chunk(3, dim=-1)
        q_BHNd, k_BHNd, v_BHNd = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (q_BND, k_BND, v_BND))
        return q_BHNd, k_BHNd, v_BHNd

    def weights(self, x_BND: Tensor) -> Tensor:
        """How much each token takes from each other one: `[B, N, D]` to `[B, H, N, n]`; every row sums to 1.

        `forward` never builds this matrix; it is here to be looked at.
        """
        q_BHNd, k_BHNd, _ = self.split(x_BND)
        scores_BHNn = q_BHNd @ k_BHNd.transpose(-2, -1) / math.sqrt(q_BHNd.shape[-1])  # equation 6
        return torch.softmax(scores_BHNn, dim=-1)

    def forward(self, x_BND: Tensor) -> Tensor:
        """Mix the tokens: `[B, N, D]` to `[B, N, D]`."""
        y_BHNd = F.scaled_dot_product_attention(*self.split(x_BND))  # equations 6 and 7
        return self.out(y_BHNd.transpose(1, 2).flatten(2))  # equation 8
