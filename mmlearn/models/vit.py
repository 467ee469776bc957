"""Vision Transformer: an image as a sequence of patches in a standard Transformer encoder.

Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words" (arXiv:2010.11929).

From the top: the sizes, the encoder, the model, the published sizes. The patch projection and the block stand in
`mmlearn.nn`, because other systems share them.

Shape letters: B batch, C channels, Y and X rows and columns of pixels, P side of a patch, N patches, T = 1 + N tokens
(the class token and the patches), D model width, H heads, K classes.

Departures from the paper
    same: patch projection, class token, learned one-dimensional positions, pre-norm encoder, final norm, linear head.
    simplified: one linear head at all times (the paper uses a hidden layer while pre-training); no dropout; linear
        layers begin with torch's own random numbers.
    chosen: positions for other image sizes are resampled bicubically; the paper names no way, its code is linear.
    left out: the hybrid that reads a convolutional network's features (section 3.1, "Hybrid Architecture").
"""

import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mmlearn.nn.patches import PatchProjection, patch_grid
from mmlearn.nn.positions import interpolate_positions
from mmlearn.nn.transformer import PreNormBlock

POSITION_STD = 0.02  # spread of the first random positions, that of the released code


@dataclass(frozen=True)
class ViTConfig:
    """Sizes of a Vision Transformer."""

    image_size: tuple[int, int]  # rows and columns of pixels, Y and X
    patch_size: int  # P
    dim: int  # D
    depth: int  # how many blocks
    heads: int  # H
    mlp_dim: int  # hidden width of the perceptrons
    classes: int  # K; 0 for no head: the model then gives features
    channels: int = 3  # C
    norm_eps: float = 1e-6  # the paper's released code; torch's own default is 1e-5

    def __post_init__(self) -> None:
        patch_grid(*self.image_size, self.patch_size)  # refuses what patches do not fill

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return patch_grid(*self.image_size, self.patch_size)

    @classmethod
    def preset(cls, name: str, **changes) -> "ViTConfig":
        """A named size, with some fields changed: `ViTConfig.preset("vit-b-16", classes=10)`.

        Raises:
            ValueError: no preset has this name.
        """
        if name not in PRESETS:
            raise ValueError(f"no ViT preset is called {name!r}; there are {', '.join(PRESETS)}")
        return replace(PRESETS[name], **changes)


class Encoder(nn.Module):
    """Class token, positions and the stack of blocks: everything between the patch projection and the head.

    Args:
        patches: N, how many patches an image has.
        dim, depth, heads, mlp_dim: width, number of blocks, attention heads, hidden width of the perceptrons.
        norm_eps: added to the variance by every layer norm.
        device, dtype: of the parameters.
    """

    def __init__(
        self, patches: int, dim: int, depth: int, heads: int, mlp_dim: int, *, norm_eps=1e-6, device=None, dtype=None
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim, **place))
        self.positions = nn.Parameter(POSITION_STD * torch.randn(1, patches + 1, dim, **place))
        self.blocks = nn.ModuleList(PreNormBlock(dim, heads, mlp_dim, norm_eps=norm_eps, **place) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=norm_eps, **place)

    def embed(self, patches_BND: Tensor) -> Tensor:
        """Put the class token in front and add the positions: `[B, N, D]` to `[B, T, D]`."""
        class_B1D = self.class_token.expand(patches_BND.shape[0], -1, -1)
        return torch.cat([class_B1D, patches_BND], dim=1) + self.positions  # equation 1

    def forward(self, patches_BND: Tensor) -> Tensor:
        """Projected patches `[B, N, D]` to encoded tokens `[B, T, D]`, the class token first."""
        x_BTD = self.embed(patches_BND)
        for block in self.blocks:
            x_BTD = block(x_BTD)  # equations 2 and 3
        return self.norm(x_BTD)  # equation 4


class ViT(nn.Module):
    """Images to class scores.

    Args:
        config: the sizes, for example `ViTConfig.preset("toy")`.
        device, dtype: of the parameters.
    """

    def __init__(self, config: ViTConfig, *, device=None, dtype=None) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.config = c = config
        self.projection = PatchProjection(c.channels, c.patch_size, c.dim, **place)
        self.encoder = Encoder(c.grid[0] * c.grid[1], c.dim, c.depth, c.heads, c.mlp_dim, norm_eps=c.norm_eps, **place)
        self.head = nn.Linear(c.dim, c.classes, **place) if c.classes else nn.Identity()

    def forward(self, images_BCYX: Tensor) -> Tensor:
        """Images `[B, C, Y, X]` to class scores `[B, K]`, or to features `[B, D]` where there are no classes."""
        return self.head(self.features(images_BCYX))  # scores = y W^T + b, y of equation 4

    def features(self, images_BCYX: Tensor) -> Tensor:
        """What the head reads, the encoded class token: images `[B, C, Y, X]` to `[B, D]`."""
        patches_BND = self.project(images_BCYX)
        tokens_BTD = self.encoder(patches_BND)
        return tokens_BTD[:, 0]  # y of equation 4: the encoder has normalised it

    def project(self, images_BCYX: Tensor) -> Tensor:
        """Images `[B, C, Y, X]` to projected patches `[B, N, D]`, row by row.

        Raises:
            ValueError: the images do not have the configured channels and size.
        """
        expected = (self.config.channels, *self.config.image_size)
        if images_BCYX.shape[1:] != expected:
            raise ValueError(
                f"this ViT reads images [B, {', '.join(map(str, expected))}]; got {list(images_BCYX.shape)}"
            )
        return self.projection(images_BCYX)

    def attention_weights(self, images_BCYX: Tensor) -> list[Tensor]:
        """The attention of every block, to be looked at: a list of `depth` tensors `[B, H, T, T]`."""
        x_BTD = self.encoder.embed(self.project(images_BCYX))
        weights = []
        for block in self.encoder.blocks:
            weights.append(block.attention.weights(block.norm1(x_BTD)))
            x_BTD = block(x_BTD)
        return weights

    def resized(self, image_size: tuple[int, int]) -> "ViT":
        """A copy that reads images of another size (section 3.2): only the positions change, by interpolation.

        Raises:
            ValueError: patches do not fill images of this size.
        """
        old, other = self.encoder.positions, copy.deepcopy(self)
        other.config = replace(self.config, image_size=image_size)
        positions_1TD = interpolate_positions(old.detach(), self.config.grid, other.config.grid)
        other.encoder.positions = nn.Parameter(positions_1TD, requires_grad=old.requires_grad)
        return other


def _published(patch_size: int, dim: int, depth: int, heads: int) -> ViTConfig:
    """A published size: 224 pixels, 1,000 ImageNet classes, perceptron four times as wide as the model."""
    return ViTConfig((224, 224), patch_size, dim, depth, heads, mlp_dim=4 * dim, classes=1000)


PRESETS = {
    "toy": ViTConfig((32, 32), patch_size=4, dim=64, depth=4, heads=4, mlp_dim=128, classes=8),  # lesson 01
    "vit-ti-16": _published(16, 192, 12, 3),  # Ti and S: Steiner et al. 2022 (arXiv:2106.10270), table 2
    "vit-s-16": _published(16, 384, 12, 6),
    "vit-b-16": _published(16, 768, 12, 12),  # B, L and H: Dosovitskiy et al., table 1
    "vit-b-32": _published(32, 768, 12, 12),
    "vit-l-16": _published(16, 1024, 24, 16),
    "vit-h-14": _published(14, 1280, 32, 16),
}
