"""Transformer blocks.

Shape letters: B batch, N tokens, D model width.
"""

from torch import Tensor, nn

from mmlearn.nn.attention import SelfAttention


class PreNormBlock(nn.Module):
    """Attention, then a two-layer perceptron; each is normalised *before* and added to what it read.

    Source: ViT (arXiv:2010.11929), section 3.1, equations 2 and 3.

    Args:
        dim: D.
        heads: attention heads; must divide D.
        mlp_dim: width of the perceptron's hidden layer.
        norm_eps: added to the variance by both layer norms.
        device, dtype: of the parameters.
    """

    def __init__(self, dim: int, heads: int, mlp_dim: int, *, norm_eps: float = 1e-6, device=None, dtype=None) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.norm1 = nn.LayerNorm(dim, eps=norm_eps, **place)
        self.attention = SelfAttention(dim, heads, **place)
        self.norm2 = nn.LayerNorm(dim, eps=norm_eps, **place)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_dim, **place), nn.GELU(), nn.Linear(mlp_dim, dim, **place))

    def forward(self, x_BND: Tensor) -> Tensor:
        """One layer: `[B, N, D]` to `[B, N, D]`."""
        x_BND = x_BND + self.attention(self.norm1(x_BND))  # equation 2
        return x_BND + self.mlp(self.norm2(x_BND))  # equation 3
