"""What is measured: our reference models, and what other people's do in their place.

To add a model, write how each implementation is built from our sizes and how it makes scores, then list it in `MODELS`.
A peer gets its sizes from the official configuration that `mmlearn.hub` writes, so that they cannot differ from ours.
"""

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
        kinds: what is measured, of `mmlearn.bench.steps.KINDS`.
    """

    config: Callable[[str], Any]
    inputs: Callable[[Any, int], Inputs]
    loss: Callable[[Tensor], Tensor]
    sizes: Mapping[str, Size]
    implementations: Mapping[str, Implementation]
    kinds: Sequence[str] = ("forward", "training step")


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

# --- EnCodec ----------------------------------------------------------------------------------------------------------
# As a whole, and its two halves, at the highest bandwidth. transformers' has no gradient through its codes.


def _encodec(config) -> nn.Module:
    from mmlearn.models.encodec import EnCodec

    return EnCodec(config)


def _encodec_config(preset: str):
    from mmlearn.models.encodec import EnCodecConfig

    return EnCodecConfig.preset(preset)


def _encodec_own(config) -> nn.Module:
    """The authors' model. Its codebooks count as started, else its first step would start them."""
    from encodec import EncodecModel, modules, quantization

    c = config
    options = {
        "channels": c.channels,
        "dimension": c.dim,
        "n_filters": c.filters,
        "n_residual_layers": c.residual_units,
        "ratios": list(c.strides[::-1]),
        "lstm": c.lstm_layers,
        "causal": c.causal,
    }
    encoder, decoder = modules.SEANetEncoder(**options), modules.SEANetDecoder(**options)
    quantiser = quantization.ResidualVectorQuantizer(c.dim, c.codebooks, c.entries)
    for layer in quantiser.vq.layers:
        layer._codebook.inited.fill_(1)
        layer._codebook.embed.normal_()
    return EncodecModel(encoder, decoder, quantiser, list(c.bandwidths), c.rate, c.channels)


def _sounds(config, batch: int) -> Inputs:
    """Of a second."""
    return (0.1 * torch.randn(batch, config.channels, config.rate, generator=torch.Generator().manual_seed(0)),)


def _codes(config, batch: int) -> Inputs:
    """Of a second."""
    shape = (batch, config.codebooks, config.frame_rate)
    return (torch.randint(config.entries, shape, generator=torch.Generator().manual_seed(0)),)


def _encodec_scores(model, sounds: Tensor) -> Tensor:
    """The sound and the commitment in one; while training, codebooks move too."""
    output = model(sounds)
    if model.training:
        model.update_codebooks(output)
    return torch.cat([output.waveform_BCT.flatten(), output.commitment[None]])


def _encodec_own_scores(model, sounds: Tensor) -> Tensor:
    found = model.quantizer(model.encoder(sounds), model.frame_rate)
    sound = model.decoder(found.quantized)[..., : sounds.shape[-1]]
    return torch.cat([sound.flatten(), found.penalty.reshape(1)])


def _encodec_decoded(model, codes: Tensor) -> Tensor:
    from mmlearn.models.encodec import Segment

    return model.decode([Segment(codes, None)])


def _streamed(model: Model, step: str) -> Model:
    """The next 80 ms of a stream that has begun, with folded weights. Peers have no stream: they compute the second
    before it again, though an LSTM remembers more than that."""

    def ours(codec, given: Tensor) -> Tensor:
        state = codec.__dict__.get("stream")
        if state is None:
            run = getattr(codec.folded(), step)
            state = codec.__dict__["stream"] = (run, run(given)[1])
        return state[0](_last(given), state[1])[0]

    def again(scores: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return lambda peer, given: _last(scores(peer, given))

    peers = {n: replace(one, scores=again(one.scores)) for n, one in model.implementations.items() if n != OURS}
    return replace(model, implementations={OURS: replace(model.implementations[OURS], scores=ours), **peers})


def _last(second: Tensor) -> Tensor:
    """Of a second, the last 80 ms: six frames of 75, or four of 50."""
    return second[..., -round(0.08 * second.shape[-1]) :]


ENCODEC_SIZES = {"toy": Size("toy", 4), "base": Size("24khz", 1)}
ENCODEC_OURS, ENCODEC_HF, ENCODEC_OWN = (
    "from mmlearn.models.encodec import EnCodec",
    "from transformers import EncodecModel",
    "import encodec",
)


def _highest(model) -> float:
    return model.config.target_bandwidths[-1]


ENCODEC = Model(
    config=_encodec_config,
    inputs=_sounds,
    loss=lambda scores: scores.square().mean(),
    sizes=ENCODEC_SIZES,
    implementations={
        OURS: Implementation(ENCODEC_OURS, _encodec, _encodec_scores),
        "encodec": Implementation(ENCODEC_OWN, _encodec_own, _encodec_own_scores),
    },
)
ENCODEC_ENCODE = replace(
    ENCODEC,
    kinds=("forward",),
    implementations={
        OURS: Implementation(ENCODEC_OURS, _encodec, lambda model, sounds: model.encode(sounds)[0].codes_BQF),
        "transformers": Implementation(
            ENCODEC_HF,
            _transformers("hf-encodec"),
            lambda model, sounds: model.encode(sounds, bandwidth=_highest(model)).audio_codes[0],
        ),
        "encodec": Implementation(ENCODEC_OWN, _encodec_own, lambda model, sounds: model.encode(sounds)[0][0]),
    },
)
ENCODEC_DECODE = replace(
    ENCODEC_ENCODE,
    inputs=_codes,
    implementations={
        OURS: Implementation(ENCODEC_OURS, _encodec, _encodec_decoded),
        "transformers": Implementation(
            ENCODEC_HF,
            _transformers("hf-encodec"),
            lambda model, codes: model.decode(codes[None], [None]).audio_values,
        ),
        "encodec": Implementation(ENCODEC_OWN, _encodec_own, lambda model, codes: model.decode([(codes, None)])),
    },
)

MODELS: dict[str, Model] = {
    "vit": VIT,
    "clip": CLIP,
    "encodec": ENCODEC,
    "encodec-encode": ENCODEC_ENCODE,
    "encodec-decode": ENCODEC_DECODE,
    "encodec-encode-80ms": _streamed(ENCODEC_ENCODE, "encode_step"),
    "encodec-decode-80ms": _streamed(ENCODEC_DECODE, "decode_step"),
}
