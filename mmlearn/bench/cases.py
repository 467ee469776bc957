"""What is measured: our reference models, and what other people's do in their place.

To add a model, write how each implementation is built from our sizes and how it makes scores, then list it in `MODELS`.
A peer gets its sizes from the official configuration that `mmlearn.hub` writes, so that they cannot differ from ours.
"""

import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.bench.peers import make_importable

OURS = "mmlearn"
Inputs = tuple[Tensor, ...]


@dataclass(frozen=True)
class Implementation:
    """One implementation of a model.

    Attributes:
        statement: what whoever uses it imports.
        build: makes the model with random weights, in float32 on the CPU, from our sizes.
        scores: the model and the inputs to scores, as whoever uses it would call it.
    """

    statement: str
    build: Callable[[Any], nn.Module]
    scores: Callable[..., Tensor]


@dataclass(frozen=True)
class Size:
    """Sizes to measure at: a preset of ours, and how many items a batch has unless something else is asked for."""

    preset: str
    batch: int


@dataclass(frozen=True)
class Model:
    """A model that there are several implementations of.

    Attributes:
        config: a preset's name to our sizes.
        inputs: random inputs for a batch, from our sizes and the number of items.
        loss: scores to what training makes smaller.
        sizes: by name.
        implementations: by the name of the package; ours comes first.
    """

    config: Callable[[str], Any]
    inputs: Callable[[Any, int], Inputs]
    loss: Callable[[Tensor], Tensor]
    sizes: Mapping[str, Size]
    implementations: Mapping[str, Implementation]


def missing(name: str) -> str | None:
    """Why a package cannot be measured here, in a few words; `None` where it can."""
    try:
        version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
    try:
        make_importable()
        importlib.import_module(name)
    except Exception as error:  # a peer that is broken here is none; whatever it raises
        return f"cannot be imported: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return None


def version(name: str) -> str:
    """The installed version of a package, by the name that is imported."""
    return importlib.metadata.version({"open_clip": "open_clip_torch"}.get(name, name))


def _official(layout: str, config) -> Mapping[str, Any]:
    """Our sizes as the configuration that a peer reads."""
    from mmlearn import hub

    return next(known for known in hub.LAYOUTS if known.name == layout).write_config(config)


def _transformers(layout: str) -> Callable[[Any], nn.Module]:
    def build(config) -> nn.Module:
        import transformers

        described = _official(layout, config)
        model = getattr(transformers, described["architectures"][0])
        return model(model.config_class.from_dict(described))  # attention is that of torch unless one asks otherwise

    return build


# --- ViT --------------------------------------------------------------------------------------------------------------


def _vit(config) -> nn.Module:
    from mmlearn.models.vit import ViT

    return ViT(config)


def _vit_config(preset: str):
    from mmlearn.models.vit import ViTConfig

    return ViTConfig.preset(preset)


def _vit_timm(config) -> nn.Module:
    import timm

    described = _official("timm-vit", config)
    return timm.create_model(described["architecture"], **described["model_args"])


def _images(config, batch: int) -> Inputs:
    generator = torch.Generator().manual_seed(0)
    return (torch.randn(batch, config.channels, *config.image_size, generator=generator),)


def _classification(scores_BK: Tensor) -> Tensor:
    return F.cross_entropy(scores_BK, torch.arange(len(scores_BK), device=scores_BK.device) % scores_BK.shape[1])


VIT = Model(
    config=_vit_config,
    inputs=_images,
    loss=_classification,
    sizes={"toy": Size("toy", 32), "base": Size("vit-b-16", 2)},
    implementations={
        OURS: Implementation("from mmlearn.models.vit import ViT", _vit, lambda model, images: model(images)),
        "transformers": Implementation(
            "from transformers import ViTForImageClassification",
            _transformers("hf-vit"),
            lambda model, images: model(pixel_values=images).logits,
        ),
        "timm": Implementation("import timm", _vit_timm, lambda model, images: model(images)),
    },
)

# --- CLIP -------------------------------------------------------------------------------------------------------------


def _clip(config) -> nn.Module:
    from mmlearn.models.clip import CLIP

    return CLIP(config)


def _clip_config(preset: str):
    from mmlearn.models.clip import CLIPConfig

    return CLIPConfig.preset(preset)


def _clip_open_clip(config) -> nn.Module:
    from open_clip.model import CLIP

    return CLIP(**_official("open_clip", config)["model_cfg"])


def _open_clip_scores(model, images: Tensor, tokens: Tensor) -> Tensor:
    image_BE, text_BE, scale = model(images, tokens)
    return scale * image_BE @ text_BE.T


def _pairs(config, batch: int) -> Inputs:
    """Images, and as many texts that fill the context."""
    generator = torch.Generator().manual_seed(1)
    tokens_BL = torch.randint(config.end - 1, (batch, config.context), generator=generator)
    tokens_BL[:, 0], tokens_BL[:, -1] = config.end - 1, config.end
    return (*_images(config, batch), tokens_BL)


def _contrast(scores_BB: Tensor) -> Tensor:
    from mmlearn.nn.contrastive import symmetric_loss

    return symmetric_loss(scores_BB)


CLIP = Model(
    config=_clip_config,
    inputs=_pairs,
    loss=_contrast,
    sizes={"toy": Size("toy", 32), "base": Size("vit-b-32", 2)},
    implementations={
        OURS: Implementation(
            "from mmlearn.models.clip import CLIP", _clip, lambda model, images, tokens: model(images, tokens)
        ),
        "transformers": Implementation(
            "from transformers import CLIPModel",
            _transformers("hf-clip"),
            lambda model, images, tokens: model(input_ids=tokens, pixel_values=images).logits_per_image,
        ),
        "open_clip": Implementation("import open_clip", _clip_open_clip, _open_clip_scores),
    },
)

MODELS: dict[str, Model] = {"vit": VIT, "clip": CLIP}
