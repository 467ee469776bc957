"""Official layouts of the Vision Transformer: Hugging Face (model and classifier) and timm."""

import math
import re
from typing import Any

from mmlearn.hub.files import Checkpoint
from mmlearn.hub.keys import Key
from mmlearn.hub.layout import Layout, only, pair
from mmlearn.models.vit import PRESETS, ViT, ViTConfig

# --- Hugging Face -----------------------------------------------------------------------------------------------------

HF_KEYS = (
    Key("encoder.class_token", "embeddings.cls_token"),
    Key("encoder.positions", "embeddings.position_embeddings"),
    Key("projection.linear.weight", "embeddings.patch_embeddings.projection.weight", form="kernel"),
    Key("projection.linear.bias", "embeddings.patch_embeddings.projection.bias"),
    Key("encoder.blocks.{}.norm1.{}", "encoder.layer.{}.layernorm_before.{}"),
    Key(
        "encoder.blocks.{}.attention.qkv.{}",
        tuple(f"encoder.layer.{{}}.attention.attention.{part}.{{}}" for part in ("query", "key", "value")),
    ),
    Key("encoder.blocks.{}.attention.out.{}", "encoder.layer.{}.attention.output.dense.{}"),
    Key("encoder.blocks.{}.norm2.{}", "encoder.layer.{}.layernorm_after.{}"),
    Key("encoder.blocks.{}.mlp.0.{}", "encoder.layer.{}.intermediate.dense.{}"),
    Key("encoder.blocks.{}.mlp.2.{}", "encoder.layer.{}.output.dense.{}"),
    Key("encoder.norm.{}", "layernorm.{}"),
)
HF_DEFAULTS = {  # a configuration may leave out what is as usual
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "image_size": 224,
    "patch_size": 16,
    "num_channels": 3,
    "layer_norm_eps": 1e-12,
}


def _hf_keys(config: ViTConfig) -> tuple[Key, ...]:
    """A classifier's encoder is called `vit`; a bare one stands at the top."""
    if not config.classes:
        return HF_KEYS
    inside = (Key(k.ours, tuple(f"vit.{part}" for part in k.parts), k.form, k.lead) for k in HF_KEYS)
    return (*inside, Key("head.{}", "classifier.{}"))


def _hf_read(checkpoint: Checkpoint) -> ViTConfig:
    given = HF_DEFAULTS | checkpoint.config
    only(f"{checkpoint.folder}/config.json", given, hidden_act="gelu", qkv_bias=True)
    named = "ViTForImageClassification" in (given.get("architectures") or ())
    classifies = named or "classifier.weight" in checkpoint.tensors
    return ViTConfig(
        image_size=pair(given["image_size"]),
        patch_size=given["patch_size"],
        dim=given["hidden_size"],
        depth=given["num_hidden_layers"],
        heads=given["num_attention_heads"],
        mlp_dim=given["intermediate_size"],
        classes=len(given.get("id2label") or range(given.get("num_labels", 2))) if classifies else 0,
        channels=given["num_channels"],
        norm_eps=given["layer_norm_eps"],
    )


def _hf_write(config: ViTConfig) -> dict[str, Any]:
    c, rows, columns = config, *config.image_size
    labels = {str(number): f"LABEL_{number}" for number in range(c.classes)}
    return {
        "architectures": ["ViTForImageClassification" if c.classes else "ViTModel"],
        "model_type": "vit",
        "image_size": rows if rows == columns else [rows, columns],
        "patch_size": c.patch_size,
        "num_channels": c.channels,
        "hidden_size": c.dim,
        "num_hidden_layers": c.depth,
        "num_attention_heads": c.heads,
        "intermediate_size": c.mlp_dim,
        "layer_norm_eps": c.norm_eps,
        "hidden_act": "gelu",
        "qkv_bias": True,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    } | ({"id2label": labels, "label2id": {label: int(n) for n, label in labels.items()}} if c.classes else {})


# --- timm -------------------------------------------------------------------------------------------------------------

TIMM_KEYS = (
    Key("encoder.class_token", "cls_token"),
    Key("encoder.positions", "pos_embed"),
    Key("projection.linear.weight", "patch_embed.proj.weight", form="kernel"),
    Key("projection.linear.bias", "patch_embed.proj.bias"),
    Key("encoder.blocks.{}.norm1.{}", "blocks.{}.norm1.{}"),
    Key("encoder.blocks.{}.attention.qkv.{}", "blocks.{}.attn.qkv.{}"),
    Key("encoder.blocks.{}.attention.out.{}", "blocks.{}.attn.proj.{}"),
    Key("encoder.blocks.{}.norm2.{}", "blocks.{}.norm2.{}"),
    Key("encoder.blocks.{}.mlp.0.{}", "blocks.{}.mlp.fc1.{}"),
    Key("encoder.blocks.{}.mlp.2.{}", "blocks.{}.mlp.fc2.{}"),
    Key("encoder.norm.{}", "norm.{}"),
)
TIMM_SIZES = {  # D, blocks, heads
    "tiny": (192, 12, 3),
    "small": (384, 12, 6),
    "base": (768, 12, 12),
    "large": (1024, 24, 16),
    "huge": (1280, 32, 16),
}
TIMM_NAME = re.compile(rf"vit_({'|'.join(TIMM_SIZES)})_patch(\d+)_(\d+)(\..+)?")
TIMM_EPS = 1e-6


def _timm_keys(config: ViTConfig) -> tuple[Key, ...]:
    return (*TIMM_KEYS, Key("head.{}", "head.{}")) if config.classes else TIMM_KEYS


def _timm_read(checkpoint: Checkpoint) -> ViTConfig:
    given, where = checkpoint.config, f"{checkpoint.folder}/config.json"
    named = TIMM_NAME.fullmatch(given.get("architecture", ""))
    if named is None:
        raise ValueError(
            f"{where}: no sizes are known for {given.get('architecture', 'a model without a name')!r}; known are "
            f"vit_SIZE_patchP_PIXELS with {', '.join(TIMM_SIZES)}. Give them: hub.load(..., preset=ViTConfig(...))"
        )
    size, patch, pixels, _ = named.groups()
    changed = dict(given.get("model_args", {}))
    only(where, given, global_pool="token")
    dim, depth, heads = TIMM_SIZES[size]
    dim = changed.pop("embed_dim", dim)
    config = ViTConfig(
        image_size=pair(changed.pop("img_size", int(pixels))),
        patch_size=changed.pop("patch_size", int(patch)),
        dim=dim,
        depth=changed.pop("depth", depth),
        heads=changed.pop("num_heads", heads),
        mlp_dim=int(dim * changed.pop("mlp_ratio", 4)),
        classes=changed.pop("num_classes", given.get("num_classes", 1000)),
        channels=changed.pop("in_chans", 3),
        norm_eps=TIMM_EPS,
    )
    only(where, changed, **dict.fromkeys(changed) | {"global_pool": "token", "class_token": True, "qkv_bias": True})
    return config


def _timm_write(config: ViTConfig) -> dict[str, Any]:
    c = config
    if c.norm_eps != TIMM_EPS:
        raise ValueError(f"timm's configuration cannot say norm_eps = {c.norm_eps}; all its models have {TIMM_EPS}")
    arguments = {
        "img_size": list(c.image_size),
        "patch_size": c.patch_size,
        "embed_dim": c.dim,
        "depth": c.depth,
        "num_heads": c.heads,
        "mlp_ratio": _ratio(c.mlp_dim, c.dim),
        "num_classes": c.classes,
        "in_chans": c.channels,
    }
    trained = {"input_size": [c.channels, *c.image_size], "num_classes": c.classes, "classifier": "head"}
    # Any name of the table would do, since all of its sizes are given anew.
    named = {"architecture": "vit_base_patch16_224", "num_classes": c.classes, "global_pool": "token"}
    return named | {"model_args": arguments, "pretrained_cfg": trained}


def _ratio(mlp_dim: int, dim: int) -> float:
    """What times `dim` is `mlp_dim` after rounding down, as timm does it."""
    ratio = mlp_dim / dim
    return ratio if int(dim * ratio) == mlp_dim else math.nextafter(ratio, math.inf)


# --- both -------------------------------------------------------------------------------------------------------------

LAYOUTS = (
    Layout(
        name="hf-vit",
        model=ViT,
        architectures=("ViTForImageClassification", "ViTModel"),
        signature="*embeddings.patch_embeddings.projection.weight",
        read_config=_hf_read,
        write_config=_hf_write,
        keys=_hf_keys,
        presets=PRESETS,
        legacy=("pooler.dense.*", "vit.pooler.dense.*"),  # the hidden layer of pre-training; features do not pass it
    ),
    Layout(
        name="timm-vit",
        model=ViT,
        architectures=("timm vit_*",),
        signature="patch_embed.proj.weight",
        read_config=_timm_read,
        write_config=_timm_write,
        keys=_timm_keys,
        presets=PRESETS,
    ),
)
