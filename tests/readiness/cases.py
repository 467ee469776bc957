"""The models of the readiness suite. A new one joins by a line in `CASES`; every test then runs for it.

    Case("vit", ViT, pictures, TINY_VIT, vit.PRESETS, loss=class_loss)

If its inputs are of a new kind, it also brings a function that makes them, and if it is built in a way of its own,
one that builds it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._pytree import tree_leaves, tree_map_only

from mmlearn.models import clip, encodec, encodec_discriminator, encodec_lm, imagebind, spectral_codec, vit
from mmlearn.models.clip import CLIP, CLIPConfig
from mmlearn.models.cnn import SmallCNN
from mmlearn.models.encodec import EnCodec, EnCodecConfig, EnCodecOutput
from mmlearn.models.encodec_discriminator import Convolution2d, Discriminator, DiscriminatorConfig, Judgement
from mmlearn.models.encodec_lm import CodeLM, CodeLMConfig
from mmlearn.models.encodec_losses import adversarial_loss
from mmlearn.models.imagebind import ImageBind, ImageBindConfig, SignalConfig, TextConfig
from mmlearn.models.spectral_codec import SpectralCodec, SpectralCodecConfig, SpectralCodecOutput
from mmlearn.models.vit import ViT, ViTConfig
from mmlearn.nn.contrastive import symmetric_loss
from mmlearn.nn.seanet import ResidualUnit
from mmlearn.nn.transformer import PreNormBlock


def tensors(values: Any) -> list[Tensor]:
    """All that stand in nested dicts, lists and tuples."""
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]


def mean_square(model: nn.Module, outputs: Any, inputs: tuple) -> Tensor:
    """A loss for models that bring none: the mean square of whatever floating numbers come out."""
    return torch.stack([t.square().mean() for t in tensors(outputs) if t.is_floating_point()]).sum()


@dataclass(frozen=True)
class Case:
    """A model, and what the suite must know of it.

    Attributes:
        name: in the tests' names and in the summary.
        build: `build(config, device=..., dtype=...)` makes the model.
        inputs: `inputs(config, batch)` makes a tuple of what forward takes, on the CPU, in float32 or integers. The
            batch is the first axis of every tensor in it, which may lie in dicts and lists.
        tiny: a config that runs in milliseconds. It should have at least two blocks, dropout where the model knows any,
            and a length of its own for every axis.
        presets: every published config by name. They are built and trained for a step without memory.
        loss: `loss(model, outputs, inputs)` makes a scalar, with no randomness but torch's own.
        blocks: the modules that one recomputes to save memory.
        unused: parameters that the loss does not reach, on purpose.
    """

    name: str
    build: Callable[..., nn.Module]
    inputs: Callable[[Any, int], tuple]
    tiny: Any
    presets: Mapping[str, Any]
    loss: Callable[[nn.Module, Any, tuple], Tensor] = mean_square
    blocks: tuple[type[nn.Module], ...] = (PreNormBlock,)
    unused: frozenset[str] = frozenset()

    def model(self, *, seed: int = 0, device="cpu", dtype=torch.float32) -> nn.Module:
        """The tiny model, in training mode."""
        torch.manual_seed(seed)
        return self.build(self.tiny, device=device, dtype=dtype)

    def batch(self, size: int = 3, *, preset: str | None = None, device="cpu", dtype=torch.float32) -> tuple:
        """Inputs for `size` items, for the tiny model or a preset."""
        torch.manual_seed(size)
        inputs = self.inputs(self.presets[preset] if preset else self.tiny, size)
        return tree_map_only(Tensor, lambda t: t.to(device, dtype if t.is_floating_point() else t.dtype), inputs)

    def run(self, model: nn.Module, inputs: tuple) -> tuple[Any, Tensor]:
        """Outputs and loss. A training model draws the same random numbers every time."""
        torch.manual_seed(0)
        outputs = model(*inputs)
        return outputs, self.loss(model, outputs, inputs)


# --- inputs -----------------------------------------------------------------------------------------------------------


def pictures(config: Any, batch: int) -> tuple[Tensor]:
    """Of the config's channels and size."""
    return (torch.randn(batch, config.channels, *config.image_size),)


def texts(config: Any, batch: int) -> Tensor:
    """Tokens that end at different places, where their last symbol stands, and are then filled up."""
    tokens = torch.randint(config.vocabulary - 1, (batch, config.context))
    for row in range(batch):
        tokens[row, -1 - row % config.context :] = config.vocabulary - 1
    return tokens


def pictures_and_texts(config: CLIPConfig, batch: int) -> tuple[Tensor, Tensor]:
    return (*pictures(config, batch), texts(config, batch))


def all_modalities(config: ImageBindConfig, batch: int) -> tuple[dict[str, Tensor]]:
    signals = {n: torch.randn(batch, *c.size) for n, c in config.trunks.items() if isinstance(c, SignalConfig)}
    return ({**signals, "text": texts(config.text, batch)},)


def still_pictures(config: ImageBindConfig, batch: int) -> tuple[dict[str, Tensor]]:
    """For a trunk of videos."""
    (inputs,) = all_modalities(config, batch)
    return ({**inputs, "image": inputs["image"][:, :, 0]},)


def sounds(config: EnCodecConfig, batch: int) -> tuple[Tensor]:
    """Of a few frames, the last of them begun; or of a segment and a half."""
    samples = 9 * config.hop - 1 if config.segment is None else config.segment_length * 3 // 2
    return (torch.randn(batch, config.channels, samples),)


def framed_sounds(config: SpectralCodecConfig, batch: int) -> tuple[Tensor]:
    """Of a few frames, the last of them begun."""
    return (torch.randn(batch, 1, 9 * config.frame - 1),)


def judged_sounds(config: DiscriminatorConfig, batch: int) -> tuple[Tensor]:
    return (torch.randn(batch, 1, 2 * max(config.windows)),)


def codes(config: CodeLMConfig, batch: int) -> tuple[Tensor]:
    """More frames than a tiny model looks back."""
    return (torch.randint(config.entries, (batch, config.codebooks, 7)),)


# --- losses -----------------------------------------------------------------------------------------------------------


def class_loss(model: nn.Module, scores_BK: Tensor, inputs: tuple) -> Tensor:
    labels_B = torch.arange(len(scores_BK), device=scores_BK.device) % scores_BK.shape[1]
    return F.cross_entropy(scores_BK, labels_B)


def pair_loss(model: CLIP, scores_BB: Tensor, inputs: tuple) -> Tensor:
    return symmetric_loss(scores_BB)


def binding_loss(model: ImageBind, vectors: dict[str, Tensor], inputs: tuple) -> Tensor:
    return model.loss(vectors)


def codec_loss(model: nn.Module, output: EnCodecOutput | SpectralCodecOutput, inputs: tuple) -> Tensor:
    return F.l1_loss(output.waveform_BCT, inputs[0]) + output.commitment


def deceived_loss(model: Discriminator, judged: list[Judgement], inputs: tuple) -> Tensor:
    return adversarial_loss([one.scores_B1FK for one in judged])


def code_loss(model: CodeLM, scores_BQFK: Tensor, inputs: tuple) -> Tensor:
    return F.cross_entropy(scores_BQFK.flatten(0, 2), inputs[0].flatten())


# --- models -----------------------------------------------------------------------------------------------------------


def small_cnn(config: ViTConfig, **place) -> SmallCNN:
    """The network for the images and classes of a ViT; it has no config of its own."""
    return SmallCNN(config.classes, config.dim, channels=config.channels, **place)


TINY_VIT = ViTConfig((8, 12), 4, dim=24, depth=2, heads=3, mlp_dim=40, classes=7)
TINY_CLIP = CLIPConfig((8, 12), 4, 24, 2, 3, 30, 9, 16, 2, 4, 10)
SMALL = {"extra_token": True, "stem_norm": True, "stochastic_depth": 0.3, "dropout": 0.2}
TINY_IMAGEBIND = ImageBindConfig(
    embed_dim=20,
    image=SignalConfig(24, 2, 3, size=(3, 2, 8, 12), kernel=(2, 4, 4), norm_before=True),
    text=TextConfig(16, 2, 4, learned_scale=True, vocabulary=30, context=9),
    audio=SignalConfig(12, 2, 2, 20.0, size=(1, 13, 22), kernel=(5, 5), stride=(3, 3), **SMALL),
    depth=SignalConfig(16, 1, 4, size=(1, 8, 12), kernel=(4, 4), **SMALL),
    thermal=SignalConfig(12, 1, 3, size=(1, 8, 12), kernel=(4, 4), **SMALL),
    imu=SignalConfig(8, 1, 2, size=(6, 40), kernel=(8,), **SMALL),
)
STILLS = replace(TINY_IMAGEBIND.only("text"), embed_dim=12)
SMALL_CODEC = {"dim": 12, "filters": 4, "entries": 16, "residual_units": 2}
TINY_ENCODEC = EnCodecConfig(rate=600, channels=2, bandwidths=(0.8, 2.0), strides=(2, 3), **SMALL_CODEC)
SEGMENTED = {"causal": False, "norm": "group", "normalise": True, "segment": 0.1}
TINY_STEREO = EnCodecConfig(rate=600, channels=2, bandwidths=(0.8, 2.0), strides=(2, 3), **SMALL_CODEC, **SEGMENTED)
DILATIONS = {"encoder_dilations": (1, 2), "decoder_dilations": (2, 1)}
TINY_SPECTRAL = SpectralCodecConfig(600, 12, 3, 2, width=10, dim=6, codebooks=3, entries=16, **DILATIONS)
TINY_JUDGE = DiscriminatorConfig(windows=(32, 16), filters=6, kernel=(3, 5), dilations=(1, 2))
TINY_LM = CodeLMConfig(3, 16, 4, dim=24, layers=2, heads=3)
TINY_CNN = replace(TINY_VIT, image_size=(16, 32), dim=6)
CNN_SIZES = {"lesson 01": replace(vit.PRESETS["toy"], dim=24)}

# A new model: a line here.
CASES = (
    Case("vit", ViT, pictures, TINY_VIT, vit.PRESETS, loss=class_loss),
    Case("cnn", small_cnn, pictures, TINY_CNN, CNN_SIZES, loss=class_loss, blocks=(nn.Sequential,)),
    Case("clip", CLIP, pictures_and_texts, TINY_CLIP, clip.PRESETS, loss=pair_loss),
    Case("imagebind", ImageBind, all_modalities, TINY_IMAGEBIND, imagebind.PRESETS, loss=binding_loss),
    Case("imagebind-stills", ImageBind, still_pictures, STILLS, {}, loss=binding_loss),
    Case("encodec", EnCodec, sounds, TINY_ENCODEC, encodec.PRESETS, loss=codec_loss, blocks=(ResidualUnit,)),
    Case("encodec-segments", EnCodec, sounds, TINY_STEREO, {}, loss=codec_loss, blocks=(ResidualUnit,)),
    Case(
        "encodec-discriminator",
        Discriminator,
        judged_sounds,
        TINY_JUDGE,
        encodec_discriminator.PRESETS,
        loss=deceived_loss,
        blocks=(Convolution2d,),
    ),
    Case(
        "spectral-codec",
        SpectralCodec,
        framed_sounds,
        TINY_SPECTRAL,
        spectral_codec.PRESETS,
        loss=codec_loss,
        blocks=(ResidualUnit,),
    ),
    Case("encodec-lm", CodeLM, codes, TINY_LM, encodec_lm.PRESETS, loss=code_loss, blocks=(encodec_lm.Block,)),
)
