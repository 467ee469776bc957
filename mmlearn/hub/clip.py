"""Official layouts of CLIP: Hugging Face, OpenAI's own, open_clip."""

from typing import Any

from mmlearn.hub.files import OPEN_CLIP, Checkpoint
from mmlearn.hub.keys import Key
from mmlearn.hub.layout import Layout, only, pair
from mmlearn.models.clip import CLIP, MLP_RATIO, NORM_EPS, PRESETS, CLIPConfig

# --- Hugging Face -----------------------------------------------------------------------------------------------------


def _hf_tower(ours: str, theirs: str) -> tuple[Key, ...]:
    """The blocks, which are alike in both towers."""
    there, parts = f"{theirs}.encoder.layers.{{}}", ("q_proj", "k_proj", "v_proj")
    return (
        Key(f"{ours}.blocks.{{}}.norm1.{{}}", f"{there}.layer_norm1.{{}}"),
        Key(f"{ours}.blocks.{{}}.attention.qkv.{{}}", tuple(f"{there}.self_attn.{part}.{{}}" for part in parts)),
        Key(f"{ours}.blocks.{{}}.attention.out.{{}}", f"{there}.self_attn.out_proj.{{}}"),
        Key(f"{ours}.blocks.{{}}.norm2.{{}}", f"{there}.layer_norm2.{{}}"),
        Key(f"{ours}.blocks.{{}}.mlp.0.{{}}", f"{there}.mlp.fc1.{{}}"),
        Key(f"{ours}.blocks.{{}}.mlp.2.{{}}", f"{there}.mlp.fc2.{{}}"),
    )


HF_KEYS = (
    Key("image.class_token", "vision_model.embeddings.class_embedding"),
    Key("image.positions", "vision_model.embeddings.position_embedding.weight"),
    Key("image.projection.linear.weight", "vision_model.embeddings.patch_embedding.weight", form="kernel"),
    Key("image.norm_before.{}", "vision_model.pre_layrnorm.{}"),  # sic
    *_hf_tower("image", "vision_model"),
    Key("image.norm_after.{}", "vision_model.post_layernorm.{}"),
    Key("image_projection.weight", "visual_projection.weight"),
    Key("text.tokens.weight", "text_model.embeddings.token_embedding.weight"),
    Key("text.positions", "text_model.embeddings.position_embedding.weight"),
    *_hf_tower("text", "text_model"),
    Key("text.norm.{}", "text_model.final_layer_norm.{}"),
    Key("text_projection.weight", "text_projection.weight"),
    Key("similarity.log_scale", "logit_scale"),
)
HF_ACTIVATIONS = {"quick_gelu": "quick-gelu", "gelu": "gelu"}
HF_SAME = {"hidden_act": "quick_gelu", "layer_norm_eps": NORM_EPS}
HF_TEXT = HF_SAME | {  # what a configuration may leave out
    "vocab_size": 49408,
    "max_position_embeddings": 77,
    "hidden_size": 512,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "intermediate_size": 2048,
}
HF_IMAGE = HF_SAME | {
    "image_size": 224,
    "patch_size": 32,
    "num_channels": 3,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}


def hf_read(given: dict[str, Any], where: str) -> CLIPConfig:
    """The sizes that a configuration says.

    Raises:
        ValueError: something differs from what our CLIP does; `where` stands in front of the message.
    """
    # Older files say everything twice; where they differ, the second counts.
    text, image = (
        usual | (given.get(f"{name}_dict") or given.get(name) or {})
        for usual, name in ((HF_TEXT, "text_config"), (HF_IMAGE, "vision_config"))
    )
    _hf_check(f"{where}, text_config,", text)
    _hf_check(f"{where}, vision_config,", image)
    only(f"{where}, vision_config,", image, hidden_act=text["hidden_act"])
    end = text["vocab_size"] - 1
    if text.get("eos_token_id", end) != 2:  # a mistake of old files, which the peers know: the last one is meant
        only(f"{where}, text_config,", text, eos_token_id=end)
    return CLIPConfig(
        image_size=pair(image["image_size"]),
        patch_size=image["patch_size"],
        image_dim=image["hidden_size"],
        image_depth=image["num_hidden_layers"],
        image_heads=image["num_attention_heads"],
        vocabulary=text["vocab_size"],
        context=text["max_position_embeddings"],
        text_dim=text["hidden_size"],
        text_depth=text["num_hidden_layers"],
        text_heads=text["num_attention_heads"],
        embed_dim=given.get("projection_dim", 512),
        channels=image["num_channels"],
        activation=HF_ACTIVATIONS[text["hidden_act"]],
    )


def _hf_check(where: str, tower: dict[str, Any]) -> None:
    only(where, tower, intermediate_size=MLP_RATIO * tower["hidden_size"], layer_norm_eps=NORM_EPS)
    if tower["hidden_act"] not in HF_ACTIVATIONS:
        known = " and ".join(HF_ACTIVATIONS)
        raise ValueError(f"{where} says hidden_act = {tower['hidden_act']!r}; only {known} are supported")


def hf_write(config: CLIPConfig) -> dict[str, Any]:
    """The other way. Raises ValueError where it cannot say the sizes."""
    c, same = config, {"hidden_act": config.activation.replace("-", "_"), "layer_norm_eps": NORM_EPS}
    if c.image_size[0] != c.image_size[1]:
        raise ValueError(f"Hugging Face's CLIP reads square images alone, not {c.image_size}; layout='open_clip' can")
    sizes = {
        "text_config": (c.text_dim, c.text_depth, c.text_heads),
        "vision_config": (c.image_dim, c.image_depth, c.image_heads),
    }
    towers = {
        name: same
        | {"hidden_size": dim, "num_hidden_layers": depth, "num_attention_heads": heads}
        | {"intermediate_size": MLP_RATIO * dim, "projection_dim": c.embed_dim}
        for name, (dim, depth, heads) in sizes.items()
    }
    towers["text_config"] |= {
        "vocab_size": c.vocabulary,
        "max_position_embeddings": c.context,
        "bos_token_id": c.vocabulary - 2,
        "eos_token_id": c.end,
    }
    towers["vision_config"] |= {
        "image_size": c.image_size[0],
        "patch_size": c.patch_size,
        "num_channels": c.channels,
    }
    return {"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": c.embed_dim, **towers}


# --- OpenAI and open_clip: the same names -----------------------------------------------------------------------------


def _openai_tower(ours: str, theirs: str) -> tuple[Key, ...]:
    there = f"{theirs}.resblocks.{{}}"
    return (
        Key(f"{ours}.blocks.{{}}.norm1.{{}}", f"{there}.ln_1.{{}}"),
        Key(f"{ours}.blocks.{{}}.attention.qkv.{{}}", f"{there}.attn.in_proj_{{}}"),
        Key(f"{ours}.blocks.{{}}.attention.out.{{}}", f"{there}.attn.out_proj.{{}}"),
        Key(f"{ours}.blocks.{{}}.norm2.{{}}", f"{there}.ln_2.{{}}"),
        Key(f"{ours}.blocks.{{}}.mlp.0.{{}}", f"{there}.mlp.c_fc.{{}}"),
        Key(f"{ours}.blocks.{{}}.mlp.2.{{}}", f"{there}.mlp.c_proj.{{}}"),
    )


OPENAI_KEYS = (
    Key("image.class_token", "visual.class_embedding"),
    Key("image.positions", "visual.positional_embedding"),
    Key("image.projection.linear.weight", "visual.conv1.weight", form="kernel"),
    Key("image.norm_before.{}", "visual.ln_pre.{}"),
    *_openai_tower("image", "visual.transformer"),
    Key("image.norm_after.{}", "visual.ln_post.{}"),
    Key("image_projection.weight", "visual.proj", form="transposed"),
    Key("text.tokens.weight", "token_embedding.weight"),
    Key("text.positions", "positional_embedding"),
    *_openai_tower("text", "transformer"),
    Key("text.norm.{}", "ln_final.{}"),
    Key("text_projection.weight", "text_projection", form="transposed"),
    Key("similarity.log_scale", "logit_scale"),
)
HEAD_WIDTH = 64  # of every CLIP of OpenAI, and of open_clip where nothing else is said


def _openai_read(checkpoint: Checkpoint) -> CLIPConfig:
    """Sizes from shapes, since there is no configuration; heads and activation are as in all of OpenAI's."""
    if checkpoint.is_open_clip:
        raise ValueError(f"{checkpoint} comes with {OPEN_CLIP}, which is missing: its heads and activation stand there")
    shapes = {name: tuple(tensor.shape) for name, tensor in checkpoint.tensors.items()}
    try:
        image_dim, channels, patch, _ = shapes["visual.conv1.weight"]
        side = round((shapes["visual.positional_embedding"][0] - 1) ** 0.5)
        vocabulary, text_dim = shapes["token_embedding.weight"]
        context, embed_dim = shapes["positional_embedding"][0], shapes["text_projection"][1]
    except (KeyError, ValueError) as error:
        raise ValueError(f"{checkpoint} lacks tensors that OpenAI's CLIP has, such as {error}") from error
    return CLIPConfig(
        image_size=(side * patch, side * patch),
        patch_size=patch,
        image_dim=image_dim,
        image_depth=_blocks(shapes, "visual.transformer.resblocks."),
        image_heads=image_dim // HEAD_WIDTH,
        vocabulary=vocabulary,
        context=context,
        text_dim=text_dim,
        text_depth=_blocks(shapes, "transformer.resblocks."),
        text_heads=text_dim // HEAD_WIDTH,
        embed_dim=embed_dim,
        channels=channels,
    )


def _openai_write(config: CLIPConfig) -> None:
    """Nothing; refuses what `_openai_read` would read otherwise."""
    c = config
    heads = (c.image_dim // HEAD_WIDTH, c.text_dim // HEAD_WIDTH)
    square = c.image_size[0] == c.image_size[1]
    if not square or (c.image_heads, c.text_heads) != heads or c.activation != "quick-gelu":
        raise ValueError(
            "OpenAI's layout has no configuration: it is read with square images, heads of a width of "
            f"{HEAD_WIDTH} and quick GELU, which this model has not; layout='open_clip' can say it"
        )


def _blocks(names, prefix: str) -> int:
    return len({name.removeprefix(prefix).split(".")[0] for name in names if name.startswith(prefix)})


OPEN_CLIP_IMAGE = {"image_size": 224, "layers": 12, "width": 768, "head_width": HEAD_WIDTH, "patch_size": 16}
OPEN_CLIP_TEXT = {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12}

OPEN_CLIP_TOKENIZER = {"hf_tokenizer_name", "tokenizer_mode", "tokenizer_kwargs"}  # no matter of the model


def _open_clip_read(checkpoint: Checkpoint) -> CLIPConfig:
    given, where = checkpoint.config["model_cfg"], f"{checkpoint.folder}/{OPEN_CLIP}"
    image, text = OPEN_CLIP_IMAGE | given.get("vision_cfg", {}), OPEN_CLIP_TEXT | given.get("text_cfg", {})
    for name, part, usual in (("vision_cfg", image, OPEN_CLIP_IMAGE), ("text_cfg", text, OPEN_CLIP_TEXT)):
        others = dict.fromkeys(set(part) - set(usual) - OPEN_CLIP_TOKENIZER) | {"mlp_ratio": MLP_RATIO}
        only(f"{where}, {name},", part, **others)
    return CLIPConfig(
        image_size=pair(image["image_size"]),
        patch_size=image["patch_size"],
        image_dim=image["width"],
        image_depth=image["layers"],
        image_heads=image["width"] // image["head_width"],
        vocabulary=text["vocab_size"],
        context=text["context_length"],
        text_dim=text["width"],
        text_depth=text["layers"],
        text_heads=text["heads"],
        embed_dim=given["embed_dim"],
        activation="quick-gelu" if given.get("quick_gelu") else "gelu",
    )


def _open_clip_write(config: CLIPConfig) -> dict[str, Any]:
    c, (rows, columns) = config, config.image_size
    if c.channels != 3:
        raise ValueError(f"open_clip reads images of three channels, not of {c.channels}")
    image = {
        "image_size": rows if rows == columns else [rows, columns],
        "layers": c.image_depth,
        "width": c.image_dim,
        "head_width": c.image_dim // c.image_heads,
        "patch_size": c.patch_size,
    }
    text = {
        "context_length": c.context,
        "vocab_size": c.vocabulary,
        "width": c.text_dim,
        "heads": c.text_heads,
        "layers": c.text_depth,
    }
    chosen = {"embed_dim": c.embed_dim, "quick_gelu": c.activation == "quick-gelu"}
    return {"model_cfg": chosen | {"vision_cfg": image, "text_cfg": text}}


LAYOUTS = (
    Layout(
        name="hf-clip",
        model=CLIP,
        architectures=("CLIPModel",),
        signature="text_model.embeddings.token_embedding.weight",
        read_config=lambda checkpoint: hf_read(checkpoint.config, f"{checkpoint.folder}/config.json"),
        write_config=hf_write,
        keys=lambda config: HF_KEYS,
        presets=PRESETS,
        legacy=("*.embeddings.position_ids",),  # 0, 1, 2, ...: in files of older versions
    ),
    Layout(
        name="open_clip",
        model=CLIP,
        architectures=("open_clip",),
        signature="",  # without a configuration it is as OpenAI's
        read_config=_open_clip_read,
        write_config=_open_clip_write,
        keys=lambda config: OPENAI_KEYS,
        presets=PRESETS,
        config_name=OPEN_CLIP,
        weights_name="open_clip_model.safetensors",
    ),
    Layout(
        name="openai-clip",
        model=CLIP,
        architectures=(),
        signature="visual.conv1.weight",
        read_config=_openai_read,
        write_config=_openai_write,
        keys=lambda config: OPENAI_KEYS,
        presets=PRESETS,
        legacy=("input_resolution", "context_length", "vocab_size"),  # sizes, stored among the weights
    ),
)
