"""Transformer blocks.

Shape letters: B batch, N tokens, D model width.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mmlearn.nn.attention import CausalSelfAttention, SelfAttention


class QuickGELU(nn.Module):
    """x times sigmoid(1.702 x): near GELU and cheaper (arXiv:1606.08415, section 2). OpenAI's released CLIPs use it."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return x * torch.sigmoid(1.702 * x)


class PreNormBlock(nn.Module):
    """Attention, then a two-layer perceptron; each is normalised *before* and added to what it read.

    Source: ViT (arXiv:2010.11929), section 3.1, equations 2 and 3.

    Args:
        dim: D.
        heads: attention heads; must divide D.
        mlp_dim: width of the perceptron's hidden layer.
        norm_eps: added to the variance by both layer norms.
        causal: whether a token sees only itself and the tokens before it.
        activation: makes the nonlinear function of the perceptron.
        attention: makes another attention from `(dim, heads, device=, dtype=)`; `causal` then has no effect.
        device, dtype: of the parameters.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        mlp_dim: int,
        *,
        norm_eps: float = 1e-6,
        causal: bool = False,
        activation: Callable[[], nn.Module] = nn.GELU,
        attention: Callable[..., nn.Module] | None = None,
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.norm1 = nn.LayerNorm(dim, eps=norm_eps, **place)
        attention = attention or (CausalSelfAttention if causal else SelfAttention)
        self.attention = attention(dim, heads, **place)
        self.norm2 = nn.LayerNorm(dim, eps=norm_eps, **place)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_dim, **place), activation(), nn.Linear(mlp_dim, dim, **place))

    def forward(self, x_BND: Tensor) -> Tensor:
        """One layer: `[B, N, D]` to `[B, N, D]`."""
        x_BND = x_BND + self.attention(self.norm1(x_BND))  # equation 2
        return x_BND + self.mlp(self.norm2(x_BND))  # equation 3


class StochasticDepth(nn.Module):
    """While training, zeros for some items of a batch, and more of the others, so that the mean stays.

    Source: Huang et al. 2016 (arXiv:1603.09382), section 3; here the surviving items are scaled while training, not all
    of them afterwards.

    Args:
        rate: the probability that an item becomes zeros.

    Raises:
        ValueError: the rate is not from 0 to 1.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate <= 1:
            raise ValueError(f"a rate is from 0 to 1, not {rate}")
        self.rate = rate

    def forward(self, x_BND: Tensor) -> Tensor:
        """The same shape."""
        if not self.training or self.rate == 0:
            return x_BND
        kept_B11 = nn.functional.dropout(x_BND.new_ones(x_BND.shape[0], 1, 1), self.rate)  # 0, or 1 / (1 - rate)
        return x_BND * kept_B11


class StochasticDepthBlock(PreNormBlock):
    """A block that leaves out its attention, its perceptron or both for some items, while training.

    Args:
        rate: how often each of them is left out.
        Others and shapes as in `PreNormBlock`.
    """

    def __init__(self, dim: int, heads: int, mlp_dim: int, *, rate: float = 0.0, **options) -> None:
        super().__init__(dim, heads, mlp_dim, **options)
        self.drop = StochasticDepth(rate)

    def forward(self, x_BND: Tensor) -> Tensor:
        """One layer: `[B, N, D]` to `[B, N, D]`."""
        x_BND = x_BND + self.drop(self.attention(self.norm1(x_BND)))
        return x_BND + self.drop(self.mlp(self.norm2(x_BND)))
