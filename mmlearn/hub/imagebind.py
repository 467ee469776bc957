"""The official layout of ImageBind, `imagebind_huge.pth`: no configuration, one table of tensors.

The names were taken from published conversion tables of the checkpoint; the released code was not read.
"""

from mmlearn.hub.files import Checkpoint
from mmlearn.hub.keys import Key
from mmlearn.hub.layout import Layout
from mmlearn.models.imagebind import PRESETS, ImageBind, ImageBindConfig

# Ours, theirs; how they call the projection of the patches, the positions, and the two layers of the head.
MODALITIES = (
    ("image", "vision", "rgbt_stem.proj.1", "pos_embedding_helper.pos_embed", ("0", "2")),
    ("text", "text", "", "pos_embed", ("proj.0", "proj.1")),
    ("audio", "audio", "rgbt_stem.proj", "pos_embedding_helper.pos_embed", ("0", "2")),
    ("depth", "depth", "depth_stem.proj", "pos_embedding_helper.pos_embed", ("0", "2")),
    ("thermal", "thermal", "rgbt_stem.proj", "pos_embedding_helper.pos_embed", ("0", "2")),
    ("imu", "imu", "imu_stem.proj", "pos_embed", ("0", "3")),  # 2 is dropout
)


def _trunk(ours: str, theirs: str, stem: str, positions: str, head: tuple[str, str]) -> tuple[Key, ...]:
    here, before = f"trunks.{ours}", f"modality_preprocessors.{theirs}"
    return (
        Key(f"{here}.positions", f"{before}.{positions}", lead=1),
        Key(f"{here}.norm.{{}}", f"modality_heads.{theirs}.{head[0]}.{{}}"),
        Key(f"{here}.projection.weight", f"modality_heads.{theirs}.{head[1]}.weight"),
        *_blocks(f"{here}.blocks.{{}}", f"modality_trunks.{theirs}.blocks.{{}}"),
        *_start(ours, here, before, stem),
    )


def _blocks(here: str, there: str) -> tuple[Key, ...]:
    return (
        Key(f"{here}.norm1.{{}}", f"{there}.norm_1.{{}}"),
        Key(f"{here}.attention.qkv.{{}}", f"{there}.attn.in_proj_{{}}"),
        Key(f"{here}.attention.out.{{}}", f"{there}.attn.out_proj.{{}}"),
        Key(f"{here}.norm2.{{}}", f"{there}.norm_2.{{}}"),
        Key(f"{here}.mlp.0.{{}}", f"{there}.mlp.fc1.{{}}"),
        Key(f"{here}.mlp.2.{{}}", f"{there}.mlp.fc2.{{}}"),
    )


def _start(ours: str, here: str, before: str, stem: str) -> tuple[Key, ...]:
    """What stands before the blocks, and the modality's scale."""
    scale = Key(f"similarities.{ours}.log_scale", f"{before.replace('pre', 'post')}.1.log_logit_scale")
    if ours == "text":
        return (Key(f"{here}.tokens.weight", f"{before}.token_embedding.weight"), scale)
    form = "same" if ours == "imu" else "kernel"  # readings are laid in rows and multiplied by a matrix
    patches = (
        Key(f"{here}.class_token", f"{before}.cls_token", lead=2),
        Key(f"{here}.stem.linear.weight", f"{before}.{stem}.weight", form=form),
    )
    if ours == "image":
        return (*patches, Key(f"{here}.norm_before.{{}}", "modality_trunks.vision.pre_transformer_layer.0.{}"))
    there, norm = f"modality_trunks.{ours}.blocks.{{}}.attn", f"{before}.{stem.removesuffix('.proj')}.norm_layer"
    return (
        *patches,
        Key(f"{here}.stem_norm.{{}}", f"{norm}.{{}}"),
        Key(f"{here}.blocks.{{}}.attention.extra_key", f"{there}.bias_k", lead=2),
        Key(f"{here}.blocks.{{}}.attention.extra_value", f"{there}.bias_v", lead=2),
        scale,
    )


def _keys(config: ImageBindConfig) -> tuple[Key, ...]:
    return tuple(key for row in MODALITIES if row[0] in config.trunks for key in _trunk(*row))


def _read(checkpoint: Checkpoint) -> ImageBindConfig:
    return PRESETS["imagebind-huge"]  # the only one that was published; its file names no sizes


LAYOUTS = (
    Layout(
        name="imagebind",
        model=ImageBind,
        architectures=(),
        signature="modality_preprocessors.vision.cls_token",
        read_config=_read,
        write_config=lambda config: None,
        keys=_keys,
        presets=PRESETS,
        legacy=("modality_preprocessors.text.mask",),  # which tokens a token sees: itself and those before it
    ),
)
