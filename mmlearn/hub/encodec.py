"""Official layouts of EnCodec: Hugging Face, and the authors' own, which has its language model too."""

from collections.abc import Callable
from typing import Any

from mmlearn.hub.files import Checkpoint
from mmlearn.hub.keys import Key
from mmlearn.hub.layout import Layout, only
from mmlearn.models.encodec import PRESETS, EnCodec, EnCodecConfig
from mmlearn.models.encodec_lm import PRESETS as LM_PRESETS
from mmlearn.models.encodec_lm import CodeLM, CodeLMConfig

# Weight norm as torch's older and newer parametrisation names it: length and direction.
G, V = "weight_g", "weight_v"
PARAMETRISED = {"parametrizations.weight.original0": G, "parametrizations.weight.original1": V}
LSTM = {
    "input_weight": "weight_ih",
    "recurrent_weight": "weight_hh",
    "input_bias": "bias_ih",
    "recurrent_bias": "bias_hh",
}
BOOKS = {"table": "embed", "sums": "embed_avg", "counts": "cluster_size", "started": "inited"}


def _keys(
    config: EnCodecConfig, layers: str, convolution: str, transposed: str, norm: str, book: str
) -> tuple[Key, ...]:
    """The map, from what the layouts call their list of layers and what is inside each.

    Both layouts number everything that a sound passes, the nonlinear functions too.
    """
    c = config
    kernel = {"kernel.gain": G, "kernel.direction": V} if c.norm == "weight" else {"kernel.weight": "weight"}

    def wrapped(ours: str, theirs: str, inside: str) -> list[Key]:
        keys = [Key(f"{ours}.{a}", f"{theirs}.{inside}.{b}") for a, b in (kernel | {"bias": "bias"}).items()]
        outer = ".".join(inside.split(".")[:-1])
        named = ".".join(part for part in (theirs, outer, norm) if part)
        return keys + ([Key(f"{ours}.norm.{{}}", f"{named}.{{}}")] if c.norm == "group" else [])

    def units(ours: str, side: str, at: int) -> list[Key]:
        keys = []
        for number in range(c.residual_units):
            here, there = f"{ours}.units.{number}", f"{side}.{layers}.{at + number}"
            keys += wrapped(f"{here}.wide", f"{there}.block.1", convolution)
            keys += wrapped(f"{here}.narrow", f"{there}.block.3", convolution)
            keys += wrapped(f"{here}.skip", f"{there}.shortcut", convolution) if c.skip_convolution else []
        return keys

    def lstm(side: str, at: int) -> list[Key]:
        parts = range(c.lstm_layers)
        there = f"{side}.{layers}.{at}.lstm"
        return [Key(f"{side}.lstm.layers.{n}.{a}", f"{there}.{b}_l{n}") for n in parts for a, b in LSTM.items()]

    count, units_of = len(c.strides), c.residual_units
    keys = wrapped("encoder.first", f"encoder.{layers}.0", convolution)
    for number in range(count):
        at, here = 1 + number * (units_of + 2), f"encoder.stages.{number}"  # the units, ELU, the stride
        keys += units(here, "encoder", at)
        keys += wrapped(f"{here}.down", f"encoder.{layers}.{at + units_of + 1}", convolution)
    end = 1 + count * (units_of + 2)
    keys += lstm("encoder", end)
    keys += wrapped("encoder.last", f"encoder.{layers}.{end + 2}", convolution)
    keys += wrapped("decoder.first", f"decoder.{layers}.0", convolution)
    keys += lstm("decoder", 1)
    for number in range(count):
        at, here = 2 + number * (units_of + 2), f"decoder.stages.{number}"  # ELU, the stride, the units
        keys += wrapped(f"{here}.up", f"decoder.{layers}.{at + 1}", transposed)
        keys += units(here, "decoder", at + 2)
    keys += wrapped("decoder.last", f"decoder.{layers}.{2 + count * (units_of + 2) + 1}", convolution)
    for ours, theirs in BOOKS.items():
        keys.append(Key(f"quantiser.{ours}", tuple(f"{book.format(n)}.{theirs}" for n in range(c.codebooks))))
    return tuple(keys)


# --- Hugging Face -----------------------------------------------------------------------------------------------------

HF_NAMES = {  # the same thing, ours and theirs, and what a configuration may leave out
    "rate": ("sampling_rate", 24_000),
    "channels": ("audio_channels", 1),
    "dim": ("hidden_size", 128),
    "filters": ("num_filters", 32),
    "kernel": ("kernel_size", 7),
    "last_kernel": ("last_kernel_size", 7),
    "residual_units": ("num_residual_layers", 1),
    "residual_kernel": ("residual_kernel_size", 3),
    "dilation_growth": ("dilation_growth_rate", 2),
    "compress": ("compress", 2),
    "skip_convolution": ("use_conv_shortcut", True),
    "lstm_layers": ("num_lstm_layers", 2),
    "entries": ("codebook_size", 1024),
    "causal": ("use_causal_conv", True),
    "padding": ("pad_mode", "reflect"),
    "normalise": ("normalize", False),
    "segment": ("chunk_length_s", None),
}
HF_NORMS = {"weight": "weight_norm", "group": "time_group_norm"}


def _hf_keys(config: EnCodecConfig) -> tuple[Key, ...]:
    return _keys(config, "layers", "conv", "conv", "norm", "quantizer.layers.{}.codebook")


def _hf_read(checkpoint: Checkpoint) -> EnCodecConfig:
    given, where = checkpoint.config, f"{checkpoint.folder}/config.json"
    sizes = {ours: given.get(theirs, usual) for ours, (theirs, usual) in HF_NAMES.items()}
    only(where, given, trim_right_ratio=1.0, codebook_dim=given.get("codebook_dim") and sizes["dim"])
    norms = {theirs: ours for ours, theirs in HF_NORMS.items()}
    named = given.get("norm_type", "weight_norm")
    if named not in norms:
        raise ValueError(f"{where} says norm_type = {named!r}; only {' and '.join(norms)} are supported")
    return EnCodecConfig(
        **sizes,
        norm=norms[named],
        bandwidths=tuple(float(one) for one in given.get("target_bandwidths", PRESETS["24khz"].bandwidths)),
        strides=tuple(given.get("upsampling_ratios", (8, 5, 4, 2)))[::-1],
        overlap=0.01 if given.get("overlap") is None else given["overlap"],
    )


def _hf_write(config: EnCodecConfig) -> dict[str, Any]:
    _check_norm(config)
    return {
        "architectures": ["EncodecModel"],
        "model_type": "encodec",
        **{theirs: getattr(config, ours) for ours, (theirs, _) in HF_NAMES.items()},
        "norm_type": HF_NORMS[config.norm],
        "target_bandwidths": list(config.bandwidths),
        "upsampling_ratios": list(config.strides[::-1]),
        "overlap": None if config.segment is None else config.overlap,
        "codebook_dim": config.dim,
        "trim_right_ratio": 1.0,
    }


# --- the authors' own -------------------------------------------------------------------------------------------------


def _own_keys(config: EnCodecConfig) -> tuple[Key, ...]:
    return _keys(config, "model", "conv.conv", "convtr.convtr", "norm", "quantizer.vq.layers.{}._codebook")


def _own_read(checkpoint: Checkpoint) -> EnCodecConfig:
    """The published size, of which there are two: the file has no configuration, but names of a group norm or not."""
    grouped = "encoder.model.0.conv.norm.weight" in checkpoint.tensors
    return PRESETS["48khz" if grouped else "24khz"]


def _own_write(config: EnCodecConfig) -> None:
    """Nothing; the layout has no configuration. Refuses weights without a norm."""
    _check_norm(config)


def _check_norm(config: EnCodecConfig) -> None:
    if config.norm not in HF_NORMS:
        raise ValueError("official layouts hold an EnCodec's weights as they are trained; save it before it is folded")


def _layout(name: str, architectures: tuple[str, ...], signature: str, read: Callable, write: Callable, keys: Callable):
    return Layout(
        name=name,
        model=EnCodec,
        architectures=architectures,
        signature=signature,
        read_config=read,
        write_config=write,
        keys=keys,
        presets=PRESETS,
        aliases=PARAMETRISED,
    )


# --- the language model -----------------------------------------------------------------------------------------------


def _lm_keys(config: CodeLMConfig) -> tuple[Key, ...]:
    books, there = range(config.codebooks), "transformer.layers.{}"
    return (
        Key("tokens", tuple(f"emb.{number}.weight" for number in books)),
        Key("norm.{}", "transformer.norm_in.{}"),
        Key("blocks.{}.qkv.{}", f"{there}.self_attn.in_proj_{{}}"),
        Key("blocks.{}.out.{}", f"{there}.self_attn.out_proj.{{}}"),
        Key("blocks.{}.norm1.{}", f"{there}.norm1.{{}}"),
        Key("blocks.{}.norm2.{}", f"{there}.norm2.{{}}"),
        Key("blocks.{}.mlp.0.{}", f"{there}.linear1.{{}}"),
        Key("blocks.{}.mlp.2.{}", f"{there}.linear2.{{}}"),
        *(Key(f"head.{kind}", tuple(f"linears.{n}.{kind}" for n in books)) for kind in ("weight", "bias")),
    )


def _lm_read(checkpoint: Checkpoint) -> CodeLMConfig:
    """The published size with as many codebooks; the file has no configuration."""
    books = sum(name.startswith("emb.") for name in checkpoint.tensors)
    for config in (LM_PRESETS["24khz"], LM_PRESETS["48khz"]):
        if config.codebooks == books:
            return config
    raise ValueError(
        f"{checkpoint}: no published model has {books} codebooks. Give its sizes: preset=CodeLMConfig(...)"
    )


LAYOUTS = (
    _layout("hf-encodec", ("EncodecModel",), "quantizer.layers.0.codebook.embed", _hf_read, _hf_write, _hf_keys),
    _layout("encodec", (), "quantizer.vq.layers.0._codebook.embed", _own_read, _own_write, _own_keys),
    Layout(
        name="encodec-lm",
        model=CodeLM,
        architectures=(),
        signature="transformer.norm_in.weight",
        read_config=_lm_read,
        write_config=lambda config: None,
        keys=_lm_keys,
        presets=LM_PRESETS,
    ),
)
