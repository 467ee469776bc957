"""The official file of ImageBind, which has no free peer: its names and shapes, and the way through it and back."""

from dataclasses import replace

import pytest
import torch
from comparing import key_map, known, official_shapes, perturbed
from safetensors.torch import load_file

from mmlearn import hub
from mmlearn.hub import keys
from mmlearn.models.imagebind import PRESETS, ImageBind, ImageBindConfig

TOY = PRESETS["toy"]
TINY = {
    "all": TOY,
    "images and texts": TOY.only("text"),
    "sounds and motion": TOY.only("audio", "imu"),
    "without motion": replace(TOY, imu=None, embed_dim=12),
}
# Shapes known from published tables of the checkpoint; D of each trunk as in the paper.
OFFICIAL = {
    "modality_preprocessors.vision.cls_token": (1, 1, 1280),
    "modality_preprocessors.vision.rgbt_stem.proj.1.weight": (1280, 3, 2, 14, 14),
    "modality_preprocessors.vision.pos_embedding_helper.pos_embed": (1, 257, 1280),
    "modality_preprocessors.text.pos_embed": (1, 77, 1024),
    "modality_preprocessors.text.token_embedding.weight": (49408, 1024),
    "modality_preprocessors.audio.cls_token": (1, 1, 768),
    "modality_preprocessors.audio.rgbt_stem.proj.weight": (768, 1, 16, 16),
    "modality_preprocessors.audio.rgbt_stem.norm_layer.weight": (768,),
    "modality_preprocessors.audio.pos_embedding_helper.pos_embed": (1, 229, 768),
    "modality_preprocessors.depth.depth_stem.proj.weight": (384, 1, 16, 16),
    "modality_preprocessors.depth.depth_stem.norm_layer.bias": (384,),
    "modality_preprocessors.depth.pos_embedding_helper.pos_embed": (1, 197, 384),
    "modality_preprocessors.thermal.rgbt_stem.proj.weight": (768, 1, 16, 16),
    "modality_preprocessors.imu.imu_stem.proj.weight": (512, 48),
    "modality_preprocessors.imu.imu_stem.norm_layer.weight": (512,),
    "modality_preprocessors.imu.pos_embed": (1, 251, 512),
    "modality_trunks.vision.pre_transformer_layer.0.weight": (1280,),
    "modality_trunks.vision.blocks.31.attn.in_proj_weight": (3840, 1280),
    "modality_trunks.vision.blocks.0.mlp.fc1.weight": (5120, 1280),
    "modality_trunks.text.blocks.23.attn.out_proj.bias": (1024,),
    "modality_trunks.audio.blocks.11.attn.bias_k": (1, 1, 768),
    "modality_trunks.depth.blocks.0.attn.bias_v": (1, 1, 384),
    "modality_trunks.imu.blocks.5.norm_1.weight": (512,),
    "modality_heads.vision.0.weight": (1280,),
    "modality_heads.vision.2.weight": (1024, 1280),
    "modality_heads.text.proj.0.weight": (1024,),
    "modality_heads.text.proj.1.weight": (1024, 1024),
    "modality_heads.imu.0.bias": (512,),
    "modality_heads.imu.3.weight": (1024, 512),
    "modality_postprocessors.text.1.log_logit_scale": (),
    "modality_postprocessors.audio.1.log_logit_scale": (),
}
MASK = "modality_preprocessors.text.mask"


@pytest.fixture(scope="module")
def huge():
    return ImageBind(ImageBindConfig.preset("imagebind-huge"), device="meta")


def test_the_published_size_has_the_official_names_and_shapes(huge):
    shapes = official_shapes(huge, "imagebind")
    assert {name: shapes.get(name) for name in OFFICIAL} == OFFICIAL
    assert not any("vision" in name and ("bias_k" in name or "log_logit_scale" in name) for name in shapes)
    assert not any("text" in name and ("bias_k" in name or "cls_token" in name) for name in shapes)
    assert len(shapes) == len(huge.state_dict()) == 32 * 12 + 24 * 12 + (12 + 12 + 12 + 6) * 14 + 8 + 6 + 4 * 9


def test_the_key_map_is_a_bijection_at_the_published_size(huge):
    theirs = keys.to_theirs(huge, key_map(huge, "imagebind"))
    back = keys.to_ours(huge, key_map(huge, "imagebind"), theirs, "itself")
    assert {name: value.shape for name, value in back.items()} == {n: v.shape for n, v in huge.state_dict().items()}


def inputs(config: ImageBindConfig) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    given = {
        name: torch.randn(3, *trunk.size, generator=generator)
        for name, trunk in config.trunks.items()
        if name != "text"
    }
    if config.text:
        given["text"] = torch.randint(config.text.vocabulary, (3, config.text.context), generator=generator)
        given["text"][:, -1] = config.text.vocabulary - 1
    return given


@pytest.mark.parametrize("form", ["safetensors", "pth"])
@pytest.mark.parametrize("case", TINY)
def test_outputs_are_the_same_after_the_way_through_an_official_file(case, form, tmp_path, same):
    ours = perturbed(ImageBind(TINY[case]))
    hub.save(ours, tmp_path)
    file = tmp_path / "model.safetensors"
    if form == "pth":  # as it was released, with the causal mask beside the weights
        tensors = load_file(file)
        mask = torch.full((16, 16), float("-inf")).triu(1)
        file.unlink()
        file = tmp_path / "imagebind_huge.pth"
        torch.save(tensors | ({MASK: mask} if TINY[case].text else {}), file)
    again = hub.load(file, TINY[case])
    assert again.config == ours.config and not again.training
    row = ("ImageBind", f"imagebind, {form}, itself", case)
    with torch.no_grad():
        found, expected = again(inputs(TINY[case])), ours(inputs(TINY[case]))
        for name, vectors in found.items():
            same(row, f"{name} vectors", vectors, expected[name])
        same(row, "loss", again.loss(found), ours.loss(expected))
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in ours.state_dict().items())


def test_fixed_scales_stay_fixed_and_keep_the_files_value(tmp_path):
    ours = perturbed(ImageBind(TOY))
    hub.save(ours, tmp_path)
    again = hub.load(tmp_path, TOY)
    assert {name: one.log_scale.requires_grad for name, one in again.similarities.items()} == {
        "text": True,
        "audio": False,
        "depth": False,
        "thermal": False,
        "imu": False,
    }
    assert again.similarities["audio"].log_scale == ours.similarities["audio"].log_scale


def test_without_a_configuration_the_published_size_is_meant(tmp_path):
    hub.save(perturbed(ImageBind(TOY)), tmp_path)
    with pytest.raises(ValueError, match="does not fit the ImageBind of these sizes"):
        hub.load(tmp_path)


def test_the_mask_is_the_only_tensor_that_is_left_out(tmp_path):
    assert known("imagebind").legacy == (MASK,)
    ours = ImageBind(TOY)
    tensors = keys.to_theirs(ours, key_map(ours, "imagebind"))
    torch.save(
        tensors | {MASK: torch.zeros(16, 16), "modality_preprocessors.text.maps": torch.zeros(1)}, tmp_path / "x.pth"
    )
    with pytest.raises(ValueError, match=r"unknown: modality_preprocessors.text.maps \(1,\)"):
        hub.load(tmp_path, TOY)
