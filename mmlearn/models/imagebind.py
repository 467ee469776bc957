"""ImageBind: one space for six modalities, learned from pairs in which one partner is always an image.

Girdhar et al. 2023, "ImageBind: One Embedding Space To Bind Them All" (arXiv:2305.05665).

From the top: the sizes, the trunks, the model, the loss, the published sizes. Written from the paper; the released
code, whose licence forbids commercial use, was not read.

Shape letters: B batch, C channels, V frames of a video, Y and X rows and columns of pixels, M bins and F frames of a
spectrogram, T readings of a motion sensor, N patches, L tokens of a sequence, D width of a trunk, E width of the shared
space.

| modality | reads | at "imagebind-huge" |
|---|---|---|
| image | `[B, C, Y, X]`, or a video `[B, C, V, Y, X]` | 3 x 224 x 224; 2 frames |
| text | tokens `[B, L]` | at most 77 of 49,408 |
| audio | log-mel spectrograms `[B, 1, M, F]`, see `mmlearn.nn.mel` | 1 x 128 x 204 |
| depth | disparity maps `[B, 1, Y, X]` | 1 x 224 x 224 |
| thermal | heat pictures `[B, 1, Y, X]` | 1 x 224 x 224 |
| imu | accelerometer and gyroscope, three axes each, `[B, 6, T]` | 6 x 2000 |

The paper takes image and text trunks that were trained before, and keeps them frozen: sounds then move to the images,
and meet the texts there. Any module that makes `[B, E]` can be a trunk. With a trained `mmlearn.models.clip.CLIP`:

    model = ImageBind(ImageBindConfig.preset("toy").only("image", "text", "audio"))
    model.trunks["image"] = nn.Sequential(clip.image, clip.image_projection).requires_grad_(False)
    model.trunks["text"] = nn.Sequential(clip.text, clip.text_projection).requires_grad_(False)
    loss = model.loss(model({"image": images_BCYX, "audio": spectrograms_B1MF}))

Departures from the paper
    same: a transformer for each modality, with a linear head into the shared space; patches of 2 frames x 14 x 14
        pixels for images, 16 x 16 every 10 for spectrograms, 16 x 16 for depth and heat, 8 readings for motion;
        symmetric InfoNCE between images and each other modality, and no others; a temperature for each modality.
    simplified: the loss of a pair is the mean of its two directions, the paper writes their sum. Scales multiply
        cosines; the released model multiplies the vectors, all but images', which gives the same scores.
    not in the paper, but in what is known of the released sizes: heads and patch projections without bias; a layer norm
        behind the patch projections of sound, depth, heat and motion, and one key and value more in their blocks;
        dropout before the head of motion; which scale each modality has.
    not known: whether the rate of stochastic depth grows from block to block (here it does, from 0, linearly, the rule
        of arXiv:1603.09382); epsilon of the layer norm before the image blocks (here that of the blocks); the first
        random weights.
    left out: sampling of clips, and the mean over several clips of a sound or video; augmentations and normalisation of
        inputs; resampling of positions for other sizes.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.nn.attention import CausalSelfAttention, ExtraTokenAttention, SelfAttention
from mmlearn.nn.contrastive import FIRST_SCALE, Similarity, contrastive_loss
from mmlearn.nn.patches import StridedProjection, strided_grid
from mmlearn.nn.transformer import StochasticDepthBlock

MLP_RATIO = 4
TOKEN_STD, POSITION_STD = 0.02, 0.01  # spread of the first random tokens and positions, those of CLIP's text encoder


@dataclass(frozen=True)
class TrunkConfig:
    """Sizes that every trunk has."""

    dim: int  # D
    blocks: int  # how many
    heads: int
    scale: float = FIRST_SCALE  # what multiplies its cosines with images: the reciprocal of its temperature
    learned_scale: bool = False
    stochastic_depth: float = 0.0  # the rate at the last block
    dropout: float = 0.0  # before the projection
    norm_before: bool = False  # a layer norm before the blocks
    norm_eps: float = 1e-6


@dataclass(frozen=True, kw_only=True)
class SignalConfig(TrunkConfig):
    """Sizes of the trunk of a picture, a video, a spectrogram or a series."""

    size: tuple[int, ...]  # what it reads: channels, then one to three axes
    kernel: tuple[int, ...]  # sides of a patch along these axes
    stride: tuple[int, ...] | None = None  # from each patch to the next; None lays them side by side
    stem_norm: bool = False  # a layer norm behind the projection of the patches
    extra_token: bool = False  # a learned key and value, besides those of the tokens

    def __post_init__(self) -> None:
        _ = self.grid  # refuses patches that do not fit

    @property
    def grid(self) -> tuple[int, ...]:
        """How many patches lie along each axis."""
        return strided_grid(self.size[1:], self.kernel, self.stride or self.kernel)


@dataclass(frozen=True, kw_only=True)
class TextConfig(TrunkConfig):
    """Sizes of the trunk of texts."""

    vocabulary: int  # how many tokens there are; the last one is the end of text
    context: int  # the longest text, in tokens, its start and end included


@dataclass(frozen=True)
class ImageBindConfig:
    """Sizes of an ImageBind. Images bind the others, so they are always there; any other modality can be `None`."""

    embed_dim: int  # E
    image: SignalConfig
    text: TextConfig | None = None
    audio: SignalConfig | None = None
    depth: SignalConfig | None = None
    thermal: SignalConfig | None = None
    imu: SignalConfig | None = None

    @property
    def trunks(self) -> dict[str, TrunkConfig]:
        """The trunks by modality, without those that are left out."""
        return {name: getattr(self, name) for name in MODALITIES if getattr(self, name) is not None}

    def only(self, *modalities: str) -> "ImageBindConfig":
        """The same sizes for images and these modalities alone.

        Raises:
            ValueError: there is no such modality.
        """
        for name in modalities:
            _known(name, self.trunks)
        return replace(self, **{name: None for name in MODALITIES if name not in ("image", *modalities)})

    @classmethod
    def preset(cls, name: str, **changes) -> "ImageBindConfig":
        """Named sizes, with some fields changed: `ImageBindConfig.preset("toy", thermal=None)`.

        Raises:
            ValueError: no preset has this name.
        """
        if name not in PRESETS:
            raise ValueError(f"no ImageBind preset is called {name!r}; there are {', '.join(PRESETS)}")
        return replace(PRESETS[name], **changes)


MODALITIES = tuple(field.name for field in fields(ImageBindConfig) if field.name != "embed_dim")


class Trunk(nn.Module):
    """What all trunks share: positions, the stack of blocks, and the head into the shared space.

    Args:
        config: the sizes.
        tokens: L, how many positions there are.
        embed_dim: E.
        attention: of the blocks.
        device, dtype: of the parameters.
    """

    def __init__(
        self,
        config: TrunkConfig,
        tokens: int,
        embed_dim: int,
        *,
        attention: type[SelfAttention],
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        c, place = config, {"device": device, "dtype": dtype}
        options = {"norm_eps": c.norm_eps, "attention": attention, **place}
        rates = [c.stochastic_depth * i / max(1, c.blocks - 1) for i in range(c.blocks)]
        self.positions = nn.Parameter(POSITION_STD * torch.randn(tokens, c.dim, **place))
        self.norm_before = nn.LayerNorm(c.dim, eps=c.norm_eps, **place) if c.norm_before else nn.Identity()
        self.blocks = nn.ModuleList(
            StochasticDepthBlock(c.dim, c.heads, MLP_RATIO * c.dim, rate=rate, **options) for rate in rates
        )
        self.norm = nn.LayerNorm(c.dim, eps=c.norm_eps, **place)
        self.dropout = nn.Dropout(c.dropout)
        self.projection = nn.Linear(c.dim, embed_dim, bias=False, **place)

    def encode(self, x_BLD: Tensor) -> Tensor:
        """Tokens without positions to encoded tokens: `[B, L, D]` to `[B, L, D]`."""
        x_BLD = self.norm_before(x_BLD + self.positions[: x_BLD.shape[1]])
        for block in self.blocks:
            x_BLD = block(x_BLD)
        return x_BLD

    def head(self, x_BD: Tensor) -> Tensor:
        """The one encoded token that stands for its sequence, in the shared space: `[B, D]` to `[B, E]`."""
        return self.projection(self.dropout(self.norm(x_BD)))


class SignalTrunk(Trunk):
    """A Vision Transformer for whatever can be cut into patches: pictures, videos, spectrograms, series.

    Args:
        config: the sizes.
        embed_dim: E.
        device, dtype: of the parameters.
    """

    def __init__(self, config: SignalConfig, embed_dim: int, *, device=None, dtype=None) -> None:
        c, place = config, {"device": device, "dtype": dtype}
        attention = ExtraTokenAttention if c.extra_token else SelfAttention
        super().__init__(c, 1 + math.prod(c.grid), embed_dim, attention=attention, **place)
        self.size = c.size
        self.stem = StridedProjection(c.size[0], c.kernel, c.dim, stride=c.stride, **place)
        self.stem_norm = nn.LayerNorm(c.dim, eps=c.norm_eps, **place) if c.stem_norm else nn.Identity()
        self.class_token = nn.Parameter(TOKEN_STD * torch.randn(c.dim, **place))

    def forward(self, signals: Tensor) -> Tensor:
        """Signals `[B, *size]` to `[B, E]`. A trunk of videos also reads pictures, `[B, C, Y, X]`, as still videos.

        Raises:
            ValueError: the signals do not have the configured size.
        """
        patches_BND = self.stem_norm(self.stem(self.moving(signals)))
        class_B1D = self.class_token.expand(patches_BND.shape[0], 1, -1)  # len() would be a constant in an export
        x_BLD = self.encode(torch.cat([class_B1D, patches_BND], dim=1))
        return self.head(x_BLD[:, 0])

    def moving(self, signals: Tensor) -> Tensor:
        """Signals `[B, *size]` as they are, and for a trunk of videos, pictures `[B, C, Y, X]` as `[B, C, V, Y, X]`.

        Raises:
            ValueError: the signals do not have the configured size.
        """
        if signals.shape[1:] == self.size:
            return signals
        video, still = len(self.size) == 4, (self.size[0], *self.size[2:])
        if video and signals.shape[1:] == still:
            return signals.unsqueeze(2).expand(-1, -1, self.size[1], -1, -1)  # section 3.3: "inflated" patches
        shapes = " or ".join(
            f"[B, {', '.join(map(str, size))}]" for size in ([self.size, still] if video else [self.size])
        )
        raise ValueError(f"this trunk reads {shapes}; got {list(signals.shape)}")


class TextTrunk(Trunk):
    """CLIP's text encoder: a causal transformer, read at the end-of-text token.

    Args:
        config: the sizes.
        embed_dim: E.
        device, dtype: of the parameters.
    """

    def __init__(self, config: TextConfig, embed_dim: int, *, device=None, dtype=None) -> None:
        c, place = config, {"device": device, "dtype": dtype}
        super().__init__(c, c.context, embed_dim, attention=CausalSelfAttention, **place)
        self.context, self.end = c.context, c.vocabulary - 1
        self.tokens = nn.Embedding(c.vocabulary, c.dim, **place)
        nn.init.normal_(self.tokens.weight, std=TOKEN_STD)

    def forward(self, tokens_BL: Tensor) -> Tensor:
        """Tokens `[B, L]`, filled up behind their end with any tokens, to `[B, E]`.

        Raises:
            ValueError: the tokens are not `[B, L]`, or L is more than the context.
        """
        if tokens_BL.ndim != 2 or tokens_BL.shape[1] > self.context:
            raise ValueError(f"this trunk reads tokens [B, L], L at most {self.context}; got {list(tokens_BL.shape)}")
        x_BLD = self.encode(self.tokens(tokens_BL))
        place_B = (tokens_BL == self.end).int().argmax(dim=1)  # the first, if texts are filled up with it
        rows_B = torch.arange(tokens_BL.shape[0], device=tokens_BL.device)
        return self.head(x_BLD[rows_B, place_B])


class ImageBind(nn.Module):
    """Six modalities to vectors in one space.

    Args:
        config: the sizes, for example `ImageBindConfig.preset("toy")`.
        device, dtype: of the parameters.
    """

    def __init__(self, config: ImageBindConfig, *, device=None, dtype=None) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.config = config
        self.trunks, self.similarities = nn.ModuleDict(), nn.ModuleDict()
        for name, c in config.trunks.items():
            kind = TextTrunk if isinstance(c, TextConfig) else SignalTrunk
            self.trunks[name] = kind(c, config.embed_dim, **place)
            if name != "image":
                self.similarities[name] = Similarity(c.scale, learned=c.learned_scale, **place)

    def embed(self, modality: str, inputs: Tensor) -> Tensor:
        """What one trunk reads, to vectors of length 1: `[B, E]`.

        Raises:
            ValueError: the model has no such modality; the inputs do not have its trunk's shape.
        """
        _known(modality, self.trunks)
        return F.normalize(self.trunks[modality](inputs), dim=1)  # q and k of equation 1

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Inputs by modality to vectors of length 1, `[B, E]` each, by modality.

        Raises:
            ValueError: as in `embed`.
        """
        return {modality: self.embed(modality, values) for modality, values in inputs.items()}

    def loss(self, vectors: Mapping[str, Tensor]) -> Tensor:
        """`binding_loss` with the model's own scales: vectors `[B, E]` by modality to one number.

        Raises:
            ValueError: as in `binding_loss`.
        """
        return binding_loss(vectors, self.similarities)

    def clamp(self) -> None:
        """Bring learned scales down to 100 where they are larger. To be called after every step of training."""
        for similarity in self.similarities.values():
            similarity.clamp()


def binding_loss(vectors: Mapping[str, Tensor], similarities: Mapping[str, Similarity]) -> Tensor:
    """InfoNCE between images and each other modality, both ways; never between two others. The sum over modalities.

    Source: section 3.2, equation 1, with images as I and each other modality as M.

    Args:
        vectors: `[B, E]` for images, under `"image"`, and for their partners in one or more modalities, in the same
            order. Pairs from several collections, each with its own images, are several calls.
        similarities: the cosine and scale of each modality with images.

    Raises:
        ValueError: there are no images, nothing but images, or a modality without a scale.
    """
    others = [modality for modality in vectors if modality != "image"]
    if len(others) in (0, len(vectors)):
        raise ValueError(f'the loss binds images to others; it needs "image" and one more, not {list(vectors)}')
    losses = []
    for modality in others:
        _known(modality, similarities)
        # (L_I,M + L_M,I) / 2, of the scores q_i^T k_j / tau
        losses.append(contrastive_loss(vectors["image"], vectors[modality], similarities[modality]))
    return torch.stack(losses).sum()


def _known(modality: str, there: Iterable[str]) -> None:
    if modality not in there:
        raise ValueError(f"there is no modality {modality!r} here; there are {', '.join(there)}")


# The four trunks that the paper trains; those of images and texts are OpenCLIP's ViT-H, and stay frozen.
SMALL = {"extra_token": True, "stem_norm": True}

PRESETS = {
    "toy": ImageBindConfig(  # lesson 03
        embed_dim=64,
        image=SignalConfig(128, 4, 4, size=(3, 32, 32), kernel=(8, 8), norm_before=True),
        text=TextConfig(64, 2, 4, learned_scale=True, vocabulary=1026, context=16),
        audio=SignalConfig(96, 3, 4, 20.0, size=(1, 32, 96), kernel=(8, 8), stride=(6, 6), **SMALL),
        depth=SignalConfig(48, 2, 4, 5.0, size=(1, 32, 32), kernel=(8, 8), **SMALL),
        thermal=SignalConfig(48, 2, 4, 10.0, size=(1, 32, 32), kernel=(8, 8), **SMALL),
        imu=SignalConfig(48, 2, 4, 5.0, size=(6, 64), kernel=(8,), **SMALL),
    ),
    "imagebind-huge": ImageBindConfig(
        embed_dim=1024,
        image=SignalConfig(1280, 32, 16, size=(3, 2, 224, 224), kernel=(2, 14, 14), norm_before=True),
        text=TextConfig(1024, 24, 16, learned_scale=True, vocabulary=49408, context=77),
        audio=SignalConfig(
            768, 12, 12, 20.0, size=(1, 128, 204), kernel=(16, 16), stride=(10, 10), stochastic_depth=0.1, **SMALL
        ),
        depth=SignalConfig(384, 12, 8, 5.0, size=(1, 224, 224), kernel=(16, 16), **SMALL),
        thermal=SignalConfig(768, 12, 12, 10.0, size=(1, 224, 224), kernel=(16, 16), **SMALL),
        imu=SignalConfig(512, 6, 8, 5.0, size=(6, 2000), kernel=(8,), stochastic_depth=0.7, dropout=0.5, **SMALL),
    ),
}
