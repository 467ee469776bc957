"""CLIP: one space for images and texts, learned from pairs of them.

Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision" (arXiv:2103.00020).

From the top: the sizes, the image encoder, the text encoder, the model, its halves alone, the zero-shot classifier, the
published sizes.
Scores and loss stand in `mmlearn.nn.contrastive`, because ImageBind shares them; the tokenizer in `clip_tokenizer.py`.

Shape letters: B batch, C channels, Y and X rows and columns of pixels, N patches, L tokens of a text, D width of an
encoder, E width of the shared space, K classes, W wordings of a class.

Departures from the paper
    same: ViT with a norm before the blocks and none of patch bias; causal text transformer, read at the end-of-text
        token; linear projections without bias; learned temperature that starts at 0.07; the symmetric loss.
    simplified: the first random weights of text blocks do not depend on depth.
    left out: the ResNet image encoders; half-precision statistics (section 2.5).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.nn.contrastive import Similarity, contrastive_loss
from mmlearn.nn.patches import PatchProjection, patch_grid
from mmlearn.nn.transformer import PreNormBlock, QuickGELU

NORM_EPS = 1e-5
MLP_RATIO = 4  # hidden width of the perceptrons by the width of their encoder
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"quick-gelu": QuickGELU, "gelu": nn.GELU}
TOKEN_STD, POSITION_STD = 0.02, 0.01  # spread of the first text embeddings and positions, of the released code


@dataclass(frozen=True)
class CLIPConfig:
    """Sizes of a CLIP."""

    image_size: tuple[int, int]  # rows and columns of pixels, Y and X
    patch_size: int
    image_dim: int  # D of the image encoder
    image_depth: int
    image_heads: int
    vocabulary: int  # how many tokens there are; the last one is the end of text
    context: int  # the longest text, in tokens, its start and end included
    text_dim: int  # D of the text encoder
    text_depth: int
    text_heads: int
    embed_dim: int  # E
    channels: int = 3
    activation: str = "quick-gelu"  # or "gelu", as in most models of open_clip

    def __post_init__(self) -> None:
        patch_grid(*self.image_size, self.patch_size)
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")

    @property
    def end(self) -> int:
        """The end-of-text token."""
        return self.vocabulary - 1

    @classmethod
    def preset(cls, name: str, **changes) -> "CLIPConfig":
        """A named size, with some fields changed: `CLIPConfig.preset("toy", vocabulary=600)`.

        Raises:
            ValueError: no preset has this name.
        """
        if name not in PRESETS:
            raise ValueError(f"no CLIP preset is called {name!r}; there are {', '.join(PRESETS)}")
        return replace(PRESETS[name], **changes)


class ImageEncoder(nn.Module):
    """A Vision Transformer without a head: images to one vector each."""

    def __init__(self, config: CLIPConfig, *, device=None, dtype=None) -> None:
        super().__init__()
        c, place = config, {"device": device, "dtype": dtype}
        self.expected = (c.channels, *c.image_size)
        rows, columns = patch_grid(*c.image_size, c.patch_size)
        spread = c.image_dim**-0.5
        self.projection = PatchProjection(c.channels, c.patch_size, c.image_dim, bias=False, **place)
        self.class_token = nn.Parameter(spread * torch.randn(c.image_dim, **place))
        self.positions = nn.Parameter(spread * torch.randn(1 + rows * columns, c.image_dim, **place))
        self.norm_before = nn.LayerNorm(c.image_dim, eps=NORM_EPS, **place)
        self.blocks = _blocks(c.image_dim, c.image_depth, c.image_heads, c.activation, causal=False, **place)
        self.norm_after = nn.LayerNorm(c.image_dim, eps=NORM_EPS, **place)

    def forward(self, images_BCYX: Tensor) -> Tensor:
        """Images `[B, C, Y, X]` to the encoded class token `[B, D]`.

        Raises:
            ValueError: the images do not have the configured channels and size.
        """
        if images_BCYX.shape[1:] != self.expected:
            sizes = ", ".join(map(str, self.expected))
            raise ValueError(f"this CLIP reads images [B, {sizes}]; got {list(images_BCYX.shape)}")
        patches_BND = self.projection(images_BCYX)
        class_B1D = self.class_token.expand(patches_BND.shape[0], 1, -1)  # len() would be a constant in an export
        x_BTD = torch.cat([class_B1D, patches_BND], dim=1) + self.positions
        x_BTD = self.norm_before(x_BTD)  # "an additional layer normalization", section 2.4
        for block in self.blocks:
            x_BTD = block(x_BTD)
        return self.norm_after(x_BTD[:, 0])


class TextEncoder(nn.Module):
    """A causal transformer: a text to the vector at its end-of-text token.

    Args:
        vocabulary: how many tokens there are. The last one is the end of text.
        context: the longest text, in tokens.
        dim, depth, heads: width, number of blocks, attention heads.
        activation: `"quick-gelu"` or `"gelu"`.
        device, dtype: of the parameters.
    """

    def __init__(
        self,
        vocabulary: int,
        context: int,
        dim: int,
        depth: int,
        heads: int,
        *,
        activation: str = "quick-gelu",
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.tokens = nn.Embedding(vocabulary, dim, **place)
        self.positions = nn.Parameter(POSITION_STD * torch.randn(context, dim, **place))
        self.blocks = _blocks(dim, depth, heads, activation, causal=True, **place)
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS, **place)
        nn.init.normal_(self.tokens.weight, std=TOKEN_STD)

    def forward(self, tokens_BL: Tensor) -> Tensor:
        """Tokens `[B, L]`, filled up behind their end with any tokens, to `[B, D]`.

        Raises:
            ValueError: the texts are longer than the context.
        """
        length, context = tokens_BL.shape[1], len(self.positions)
        if length > context:
            raise ValueError(f"these texts are {length} tokens long; this encoder reads {context}")
        x_BLD = self.tokens(tokens_BL) + self.positions[:length]
        for block in self.blocks:
            x_BLD = block(x_BLD)
        # The end is the only token that has seen the whole text: section 2.4.
        end = self.tokens.num_embeddings - 1
        place_B = (tokens_BL == end).int().argmax(dim=1)  # the first, if texts are filled up with it
        rows_B = torch.arange(tokens_BL.shape[0], device=tokens_BL.device)
        return self.norm(x_BLD[rows_B, place_B])


class CLIP(nn.Module):
    """Images and texts to vectors in one space, and to scores.

    Args:
        config: the sizes, for example `CLIPConfig.preset("toy")`.
        device, dtype: of the parameters.
    """

    def __init__(self, config: CLIPConfig, *, device=None, dtype=None) -> None:
        super().__init__()
        c, place = config, {"device": device, "dtype": dtype}
        self.config = config
        self.image = ImageEncoder(c, **place)
        self.text = TextEncoder(
            c.vocabulary, c.context, c.text_dim, c.text_depth, c.text_heads, activation=c.activation, **place
        )
        self.image_projection = nn.Linear(c.image_dim, c.embed_dim, bias=False, **place)  # W_i of figure 3
        self.text_projection = nn.Linear(c.text_dim, c.embed_dim, bias=False, **place)  # W_t
        self.similarity = Similarity(**place)

    def embed_images(self, images_BCYX: Tensor) -> Tensor:
        """Images `[B, C, Y, X]` to vectors of length 1, `[B, E]`."""
        return F.normalize(self.image_projection(self.image(images_BCYX)), dim=1)

    def embed_texts(self, tokens_BL: Tensor) -> Tensor:
        """Tokens `[B, L]` to vectors of length 1, `[B, E]`."""
        return F.normalize(self.text_projection(self.text(tokens_BL)), dim=1)

    def forward(self, images_BCYX: Tensor, tokens_KL: Tensor) -> Tensor:
        """Scores `[B, K]` of B images with K texts."""
        return self.similarity(self.embed_images(images_BCYX), self.embed_texts(tokens_KL))

    def loss(self, images_BCYX: Tensor, tokens_BL: Tensor) -> Tensor:
        """The contrastive loss of B pairs of images and texts; across processes, see `contrastive_loss`."""
        return contrastive_loss(self.embed_images(images_BCYX), self.embed_texts(tokens_BL), self.similarity)


@dataclass(frozen=True)
class TowerConfig:
    """Sizes of one half of a CLIP, as it is also released alone."""

    clip: CLIPConfig  # what it says of the other half does not count
    projected: bool = True  # into the shared space, [B, E]; otherwise vectors are the encoder's own, [B, D]


class Tower(nn.Module):
    """One half of a CLIP: what stands in its `encoder` and `projection`.

    Args:
        config: the sizes.
        device, dtype: of the parameters.
    """

    half: str  # of the CLIP

    def __init__(self, config: TowerConfig, *, device=None, dtype=None) -> None:
        super().__init__()
        self.config, clip = config, CLIP(config.clip, device=device, dtype=dtype)
        self.encoder = clip.get_submodule(self.half)
        self.projection = clip.get_submodule(f"{self.half}_projection") if config.projected else nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        """What the encoder reads, to vectors of any length: `[B, E]`, or `[B, D]` without a projection."""
        return self.projection(self.encoder(inputs))


class ImageTower(Tower):
    """Images `[B, C, Y, X]` to vectors, which become CLIP's when brought to length 1."""

    half = "image"


class TextTower(Tower):
    """Tokens `[B, L]` to vectors, which become CLIP's when brought to length 1."""

    half = "text"


def class_vectors(texts_KWE: Tensor) -> Tensor:
    """A zero-shot classifier: the mean direction of the W wordings of each class, `[K, W, E]` to `[K, E]`, of length 1.

    Source: section 3.1.4, "ensembling over the embedding space".
    """
    directions_KWE = F.normalize(texts_KWE, dim=2)  # else a long vector would count more
    return F.normalize(directions_KWE.mean(dim=1), dim=1)


def _blocks(dim: int, depth: int, heads: int, activation: str, *, causal: bool, device, dtype) -> nn.ModuleList:
    options = {"norm_eps": NORM_EPS, "activation": ACTIVATIONS[activation], "causal": causal}
    options |= {"device": device, "dtype": dtype}
    return nn.ModuleList(PreNormBlock(dim, heads, MLP_RATIO * dim, **options) for _ in range(depth))


def _published(image_size: int, patch_size: int, image: tuple[int, int, int], text: tuple[int, int, int], embed_dim):
    """A published size; image and text are (width, depth, heads)."""
    return CLIPConfig((image_size, image_size), patch_size, *image, 49408, 77, *text, embed_dim)


PRESETS = {
    "toy": CLIPConfig((32, 32), 8, 64, 4, 4, 1026, 16, 64, 2, 4, 64),  # lesson 02
    "toy-zoo": CLIPConfig((32, 32), 4, 96, 4, 4, 1026, 16, 128, 2, 4, 128),  # trained for longer
    # Table 20 of the paper, and the released models.
    "vit-b-32": _published(224, 32, (768, 12, 12), (512, 12, 8), 512),
    "vit-b-16": _published(224, 16, (768, 12, 12), (512, 12, 8), 512),
    "vit-l-14": _published(224, 14, (1024, 24, 16), (768, 12, 12), 768),
    "vit-l-14-336": _published(336, 14, (1024, 24, 16), (768, 12, 12), 768),
}
