"""The halves of CLIP as transformers has them alone, with a projection into the shared space and without."""

from dataclasses import replace
from typing import Any

from mmlearn.hub.clip import HF_KEYS, hf_read, hf_write
from mmlearn.hub.files import Checkpoint
from mmlearn.hub.keys import Key
from mmlearn.hub.layout import Layout
from mmlearn.models.clip import PRESETS, ImageTower, TextTower, Tower, TowerConfig

# Ours; its part of a whole configuration, the classes without and with a projection, the name of the projection.
NAMES = {
    ImageTower: ("vision_config", "CLIPVisionModel", "CLIPVisionModelWithProjection", "visual_projection.weight"),
    TextTower: ("text_config", "CLIPTextModel", "CLIPTextModelWithProjection", "text_projection.weight"),
}


def _layout(model: type[Tower]) -> Layout:
    part, bare, projected, projection = NAMES[model]
    prefix = part.replace("config", "model.")

    def keys(config: TowerConfig) -> tuple[Key, ...]:
        same = (replace(k, ours=f"encoder{k.ours.removeprefix(model.half)}") for k in HF_KEYS if _inside(k, prefix))
        return (*same, Key("projection.weight", projection)) if config.projected else tuple(same)

    def read(checkpoint: Checkpoint) -> TowerConfig:
        given = checkpoint.config
        clip = hf_read(_whole(given, part), f"{checkpoint.folder}/config.json")
        return TowerConfig(clip, projected=projected in given["architectures"])

    def write(config: TowerConfig) -> dict[str, Any]:
        named = {"architectures": [projected if config.projected else bare], "model_type": f"clip_{prefix[:-1]}"}
        return named | hf_write(config.clip)[part]

    return Layout(
        name=f"hf-clip-{model.half}",
        model=model,
        architectures=(bare, projected),
        signature="",  # without a configuration the names are those of a whole CLIP
        read_config=read,
        write_config=write,
        keys=keys,
        presets={name: TowerConfig(clip) for name, clip in PRESETS.items()},
        prefix=prefix,
        legacy=(f"{prefix}embeddings.position_ids",),
    )


def _inside(key: Key, prefix: str) -> bool:
    return key.parts[0].startswith(prefix)


def _whole(given: dict[str, Any], part: str) -> dict[str, Any]:
    """The configuration of a CLIP with this half; what the other one needs is as usual, with the same activation."""
    activation = {"hidden_act": given.get("hidden_act", "quick_gelu")}
    other = {"vision_config": "text_config", "text_config": "vision_config"}[part]
    return {part: given, other: activation, "projection_dim": given.get("projection_dim", 512)}


LAYOUTS = tuple(_layout(model) for model in NAMES)
