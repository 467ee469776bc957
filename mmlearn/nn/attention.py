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


class CausalSelfAttention(SelfAttention):
    """Multi-head self-attention in which a token sees itself and the tokens before it, as a text is read.

    Source: Vaswani et al. (arXiv:1706.03762), section 3.2.3. Arguments and shapes as in `SelfAttention`.
    """

    def weights(self, x_BND: Tensor) -> Tensor:
        """How much each token takes from itself and each earlier one: `[B, N, D]` to `[B, H, N, n]`; 0 where n > N."""
        q_BHNd, k_BHNd, _ = self.split(x_BND)
        scores_BHNn = q_BHNd @ k_BHNd.transpose(-2, -1) / math.sqrt(q_BHNd.shape[-1])
        later_BHNn = torch.ones_like(scores_BHNn, dtype=torch.bool).triu(1)
        return torch.softmax(scores_BHNn.masked_fill(later_BHNn, -math.inf), dim=-1)

    def forward(self, x_BND: Tensor) -> Tensor:
        """Mix the tokens with those before them: `[B, N, D]` to `[B, N, D]`."""
        y_BHNd = F.scaled_dot_product_attention(*self.split(x_BND), is_causal=True)
        return self.out(y_BHNd.transpose(1, 2).flatten(2))


class ExtraTokenAttention(SelfAttention):
    """Multi-head self-attention in which every token also sees one token more, of which key and value are learned.

    A token that finds nothing of use among the others can look there. The extra token asks nothing itself.

    Source: `add_bias_kv` of `torch.nn.MultiheadAttention`; ImageBind (arXiv:2305.05665) has it. Arguments and shapes as
    in `SelfAttention`, but that keys, values and `weights` have n = N + 1 tokens, the extra one last.
    """

    def __init__(self, dim: int, heads: int, *, device=None, dtype=None) -> None:
        super().__init__(dim, heads, device=device, dtype=dtype)
        self.extra_key = nn.Parameter(dim**-0.5 * torch.randn(dim, device=device, dtype=dtype))
        self.extra_value = nn.Parameter(dim**-0.5 * torch.randn(dim, device=device, dtype=dtype))

    def split(self, x_BND: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries `[B, H, N, d]`, keys and values `[B, H, N + 1, d]` of every head, from `[B, N, D]`."""
        q_BHNd, k_BHNd, v_BHNd = super().split(x_BND)
        extra_H1d = (t.unflatten(0, (self.heads, 1, -1)).to(q_BHNd.dtype) for t in (self.extra_key, self.extra_value))
        # Not len(x_BND), which would be a constant in an exported graph.
        extra_BH1d = (t.expand(x_BND.shape[0], -1, -1, -1) for t in extra_H1d)
        k_BHnd, v_BHnd = (torch.cat(pair, dim=2) for pair in zip((k_BHNd, v_BHNd), extra_BH1d, strict=True))
        return q_BHNd, k_BHnd, v_BHnd
