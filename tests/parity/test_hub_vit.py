"""Official files of the Vision Transformer, read and written: transformers' classifier and bare model, timm."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from comparing import (
    VITS,
    as_bin,
    as_shards,
    compare_gradients,
    hidden_states,
    known,
    official_shapes,
    perturbed,
    pictures,
    released,
)
from comparing import vit_peer as hf_peer
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from mmlearn import hub
from mmlearn.models.vit import PRESETS, ViT, ViTConfig

BARE = {f"{name}, no classes": replace(VITS[name], classes=0) for name in ("wide", "tall", "coarse eps")}
BARE["deep, no classes"] = ViTConfig((6, 6), 2, dim=8, depth=6, heads=2, mlp_dim=61, classes=0, channels=2)
CASES = VITS | BARE
TIMM = {name: replace(config, norm_eps=1e-6) for name, config in CASES.items()}  # it has no other


def timm_peer(config: ViTConfig):
    import timm

    c = config
    peer = timm.create_model(
        "vit_tiny_patch16_224",
        img_size=c.image_size,
        patch_size=c.patch_size,
        embed_dim=c.dim,
        depth=c.depth,
        num_heads=c.heads,
        mlp_ratio=(c.mlp_dim + 0.5) / c.dim,  # rounded down there
        num_classes=c.classes,
        in_chans=c.channels,
    )
    return _unfused(peer).eval()


def _unfused(peer):
    for block in peer.blocks:
        block.attn.fused_attn = False  # so that its weights can be seen
    return peer


def _by_name(numbers: list, name: str) -> dict:
    return {f"{name} {index}": value for index, value in enumerate(numbers)}


def hf_outputs(peer, images) -> dict[str, torch.Tensor]:
    found = peer(images, output_hidden_states=True, output_attentions=True)
    last = getattr(peer, "vit", peer)(images).last_hidden_state
    states, weights = list(found.hidden_states), list(found.attentions)
    outputs = {"logits": found.logits} if hasattr(found, "logits") else {}
    return _named(outputs | {"features": last[:, 0], "tokens": last}, states[0], states[1:], weights)


def timm_outputs(peer, images) -> dict[str, torch.Tensor]:
    blocks = list(peer.blocks)
    states = hidden_states([peer.norm_pre, *blocks], lambda: peer(images))
    weights = hidden_states([block.attn.attn_drop for block in blocks], lambda: peer(images))
    last = peer.forward_features(images)
    outputs = {"logits": peer(images)} if peer.num_classes else {}
    return _named(outputs | {"features": last[:, 0], "tokens": last}, states[0], states[1:], weights)


def our_outputs(model: ViT, images) -> dict[str, torch.Tensor]:
    states = hidden_states(model.encoder.blocks, lambda: model(images))
    outputs = {"logits": model(images)} if model.config.classes else {}
    patches = model.project(images)
    outputs |= {"features": model.features(images), "tokens": model.encoder(patches)}
    return _named(outputs, model.encoder.embed(patches), states, model.attention_weights(images))


def _named(outputs, embedded, states, weights) -> dict[str, torch.Tensor]:
    """Outputs by name; those of each block are told apart by a number behind the name."""
    blocks = _by_name(states, "hidden states") | _by_name(weights, "attention")
    return outputs | {"embedded patches": embedded} | blocks


def compare(same, row, ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    assert set(ours) == set(theirs)
    for name, output in ours.items():
        same(row, name.rstrip(" 0123456789"), output, theirs[name])


def saved_hf(config: ViTConfig, folder: Path):
    peer = perturbed(hf_peer(config))
    peer.save_pretrained(folder)
    return peer


def saved_timm(config: ViTConfig, folder: Path, safe: bool = True):
    import timm

    peer = perturbed(timm_peer(config))
    given = {"img_size": config.image_size, "patch_size": config.patch_size, "embed_dim": config.dim}
    given |= {"depth": config.depth, "num_heads": config.heads, "mlp_ratio": (config.mlp_dim + 0.5) / config.dim}
    given |= {"num_classes": config.classes, "in_chans": config.channels}
    timm.models.save_for_hf(peer, folder, model_args=given, safe_serialization=safe)
    return peer


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_what_transformers_saves_is_read(case, tmp_path, same):
    config, images = CASES[case], pictures(CASES[case], 3)
    theirs, ours = saved_hf(config, tmp_path), hub.load(tmp_path)
    assert type(ours) is ViT and ours.config == config and not ours.training
    with torch.no_grad():
        compare(same, ("ViT", "hf-vit", case), our_outputs(ours, images), hf_outputs(theirs, images))


@pytest.mark.parametrize("case", TIMM)
def test_what_timm_saves_is_read(case, tmp_path, same):
    config, images = TIMM[case], pictures(TIMM[case], 3)
    theirs, ours = saved_timm(config, tmp_path), hub.load(tmp_path)
    assert ours.config == config
    with torch.no_grad():
        compare(same, ("ViT", "timm-vit", case), our_outputs(ours, images), timm_outputs(theirs, images))


@pytest.mark.parametrize("case", VITS)
@pytest.mark.parametrize("layout", ["hf-vit", "timm-vit"])
def test_loss_and_gradients_are_the_peers(layout, case, tmp_path, same):
    config = {"hf-vit": VITS, "timm-vit": TIMM}[layout][case]
    theirs = {"hf-vit": saved_hf, "timm-vit": saved_timm}[layout](config, tmp_path)
    ours, images, row = hub.load(tmp_path), pictures(config, 3), ("ViT", layout, case)
    labels = torch.arange(len(images)) % config.classes
    scores = theirs(images)
    loss, expected = F.cross_entropy(ours(images), labels), F.cross_entropy(getattr(scores, "logits", scores), labels)
    same(row, "loss", loss, expected)
    loss.backward()
    expected.backward()
    compare_gradients(same, row, ours, theirs, layout)


def cut(tensors: dict[str, torch.Tensor], folder: Path, name: str, write) -> None:
    """Two shards and their index, as older versions of transformers wrote them."""
    stem, suffix = name.rsplit(".", 1)
    halves, index = (list(tensors)[::2], list(tensors)[1::2]), {}
    for number, names in enumerate(halves, 1):
        file = f"{stem}-{number:05}-of-00002.{suffix}"
        write({name: tensors[name] for name in names}, folder / file)
        index |= dict.fromkeys(names, file)
    content = {"metadata": {"total_size": 1}, "weight_map": index}
    (folder / f"{name}.index.json").write_text(json.dumps(content))


def as_old_bin(peer, folder: Path) -> None:
    """Before torch 1.6 a file was no archive."""
    tensors = load_file(folder / "model.safetensors")
    torch.save(tensors, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    (folder / "model.safetensors").unlink()


def as_bin_shards(peer, folder: Path) -> None:
    cut(load_file(folder / "model.safetensors"), folder, "pytorch_model.bin", torch.save)
    (folder / "model.safetensors").unlink()


def as_trained(peer, folder: Path) -> None:
    """A training script's own file: the tensors beside other state."""
    content = {"state_dict": load_file(folder / "model.safetensors"), "epoch": 3}
    torch.save(content, folder / "best.pth")
    (folder / "model.safetensors").unlink()


FORMS = {"shards": as_shards, ".bin": as_bin, "old .bin": as_old_bin, ".bin shards": as_bin_shards, "loose": as_trained}


@pytest.mark.parametrize("form", FORMS)
def test_files_of_every_form_are_read(form, tmp_path, same):
    for case, config in CASES.items():
        if "channel" in case or "deep" in case:
            continue
        folder, images = tmp_path / case, pictures(config, 2)
        theirs = saved_hf(config, folder)
        FORMS[form](theirs, folder)
        with torch.no_grad():
            ours = hub.load(folder).features(images)
            same(("ViT", f"hf-vit, {form}", case), "features", ours, hf_outputs(theirs, images)["features"])


@pytest.mark.parametrize("case", TIMM)
def test_what_timm_pickles_is_read(case, tmp_path, same):
    config, images = TIMM[case], pictures(TIMM[case], 2)
    theirs = saved_timm(config, tmp_path, safe=False)
    assert [file.name for file in tmp_path.iterdir() if file.suffix != ".json"] == ["pytorch_model.bin"]
    ours = hub.load(tmp_path)
    with torch.no_grad():
        tokens = theirs.forward_features(images)
        same(("ViT", "timm-vit, .bin", case), "tokens", ours.encoder(ours.project(images)), tokens)


def test_the_hidden_layer_of_pretraining_is_left_out(tmp_path):
    """transformers' bare model has it; features do not pass it."""
    saved_hf(BARE["wide, no classes"], tmp_path)
    names = set(load_file(tmp_path / "model.safetensors"))
    assert {"pooler.dense.weight", "pooler.dense.bias"} < names
    assert official_shapes(hub.load(tmp_path), "hf-vit").keys() == {name for name in names if "pooler" not in name}


@pytest.mark.parametrize("labels", [None, {"0": "cat", "1": "dog", "2": "owl"}])
def test_a_configuration_without_an_architecture_is_read_by_its_tensors(labels, tmp_path):
    config = replace(VITS["wide"], classes=len(labels or "12"), norm_eps=1e-12)
    saved_hf(config, tmp_path)
    given = json.loads((tmp_path / "config.json").read_text())
    for name in ("architectures", "id2label", "label2id", "layer_norm_eps", "num_channels", "qkv_bias", "hidden_act"):
        given.pop(name, None)  # what is as usual may be left out
    (tmp_path / "config.json").write_text(json.dumps(given | ({"id2label": labels} if labels else {})))
    assert hub.load(tmp_path).config == config


# --- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_transformers_reads_what_is_written(case, tmp_path, same):
    from transformers import ViTForImageClassification, ViTModel

    config, images = CASES[case], pictures(CASES[case], 3)
    ours = perturbed(ViT(config))
    assert hub.save(ours, tmp_path) == tmp_path
    kind, options = (ViTForImageClassification, {}) if config.classes else (ViTModel, {"add_pooling_layer": False})
    peer, report = kind.from_pretrained(tmp_path, attn_implementation="eager", output_loading_info=True, **options)
    assert not any(report[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    with torch.no_grad():
        compare(same, ("ViT", "hf-vit, written", case), our_outputs(ours, images), hf_outputs(peer.eval(), images))
    assert_reads_back(ours, tmp_path)


@pytest.mark.parametrize("case", TIMM)
def test_timm_reads_what_is_written(case, tmp_path, same):
    import timm

    config, images = TIMM[case], pictures(TIMM[case], 3)
    ours = perturbed(ViT(config))
    hub.save(ours, tmp_path, "timm-vit")
    written = json.loads((tmp_path / "config.json").read_text())
    peer = _unfused(timm.create_model(written["architecture"], **written["model_args"])).eval()
    peer.load_state_dict(load_file(tmp_path / "model.safetensors"), strict=True)
    with torch.no_grad():
        compare(same, ("ViT", "timm-vit, written", case), our_outputs(ours, images), timm_outputs(peer, images))
    assert_reads_back(ours, tmp_path)


@pytest.mark.parametrize("case", ["wide", "one block, one channel", "square, four channels", "deep, no classes"])
def test_timm_itself_finds_the_written_folder(case, tmp_path):
    import timm

    ours = perturbed(ViT(TIMM[case]))
    hub.save(ours, tmp_path, "timm-vit")
    peer = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    images = pictures(ours.config, 2)
    with torch.no_grad():
        assert torch.allclose(peer(images), ours(images), atol=1e-5)


def assert_reads_back(ours: nn.Module, folder: Path) -> None:
    again = hub.load(folder)
    assert again.config == ours.config
    before, after = ours.state_dict(), again.state_dict()
    assert list(before) == list(after) and all(torch.equal(before[name], after[name]) for name in before)


def test_a_saved_peer_and_a_saved_copy_hold_the_same_tensors(tmp_path):
    config = VITS["wide"]
    saved_hf(config, tmp_path / "theirs")
    hub.save(hub.load(tmp_path / "theirs"), tmp_path / "ours")
    theirs, ours = (load_file(tmp_path / name / "model.safetensors") for name in ("theirs", "ours"))
    assert set(theirs) == set(ours) and all(torch.equal(theirs[name], ours[name]) for name in ours)


# --- published sizes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", sorted(set(PRESETS) - {"toy"}))
def test_published_sizes_have_the_official_names_and_shapes(preset):
    import timm

    model = ViT(ViTConfig.preset(preset), device="meta")
    with torch.device("meta"):
        transformers = hf_peer(model.config)
        size = {"ti": "tiny", "s": "small", "b": "base", "l": "large", "h": "huge"}[preset.split("-")[1]]
        name = f"vit_{size}_patch{model.config.patch_size}_224"
        peer = timm.create_model(name, num_classes=1000)
    theirs = {"hf-vit": released(transformers, transformers.state_dict()), "timm-vit": peer.state_dict()}
    for layout, tensors in theirs.items():
        assert official_shapes(model, layout) == {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    named = {"architecture": name, "num_classes": 1000, "global_pool": "token", "pretrained_cfg": {}}
    assert known("timm-vit").read_config(_Named(named)) == model.config


class _Named:
    """A checkpoint of which only the configuration is looked at."""

    folder = Path("here")

    def __init__(self, config: dict) -> None:
        self.config = config


# --- real releases ----------------------------------------------------------------------------------------------------

SMALL = ViTConfig((8, 8), 4, dim=12, depth=1, heads=2, mlp_dim=48, classes=3, norm_eps=1e-12)


def write_release(folder: Path, config: dict, tensors: dict[str, torch.Tensor]) -> None:
    (folder / "config.json").write_text(json.dumps(config))
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    (folder / "preprocessor_config.json").write_text("{}")
    torch.save({}, folder / "pytorch_model.bin")  # beside the same weights as safetensors


def test_googles_classifier_is_read(tmp_path):
    """The keys of google/vit-base-patch16-224's configuration; sizes are tiny here."""
    peer = perturbed(hf_peer(SMALL))
    config = {
        "_name_or_path": "google/vit-base-patch16-224",
        "architectures": ["ViTForImageClassification"],
        "attention_probs_dropout_prob": 0.0,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "hidden_size": 12,
        "id2label": {"0": "tench, Tinca tinca", "1": "goldfish, Carassius auratus", "2": "great white shark"},
        "image_size": 8,
        "initializer_range": 0.02,
        "intermediate_size": 48,
        "label2id": {"tench, Tinca tinca": 0, "goldfish, Carassius auratus": 1, "great white shark": 2},
        "layer_norm_eps": 1e-12,
        "model_type": "vit",
        "num_attention_heads": 2,
        "num_channels": 3,
        "num_hidden_layers": 1,
        "patch_size": 4,
        "qkv_bias": True,
        "transformers_version": "4.13.0.dev0",
    }
    write_release(tmp_path, config, released(peer, peer.state_dict()))
    assert hub.load(tmp_path).config == SMALL


def test_googles_bare_model_is_read(tmp_path):
    """google/vit-base-patch16-224-in21k: a ViTModel with its hidden layer of pre-training."""
    peer = perturbed(hf_peer(replace(SMALL, classes=0)))
    config = {
        "_name_or_path": "",
        "architectures": ["ViTModel"],
        "hidden_act": "gelu",
        "hidden_size": 12,
        "image_size": 8,
        "intermediate_size": 48,
        "layer_norm_eps": 1e-12,
        "model_type": "vit",
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "patch_size": 4,
        "qkv_bias": True,
    }
    write_release(tmp_path, config, released(peer, peer.state_dict()))
    assert hub.load(tmp_path).config == replace(SMALL, classes=0)


def test_timms_release_is_read(tmp_path):
    """The keys of timm/vit_base_patch16_224.augreg2_in21k_ft_in1k's configuration, with one block."""
    config = replace(ViTConfig.preset("vit-ti-16"), depth=1, image_size=(16, 16))
    given = {
        "architecture": "vit_tiny_patch16_224",
        "num_classes": 1000,
        "num_features": 192,
        "global_pool": "token",
        "model_args": {"img_size": 16, "depth": 1},
        "pretrained_cfg": {
            "tag": "augreg2_in21k_ft_in1k",
            "custom_load": False,
            "input_size": [3, 224, 224],
            "fixed_input_size": True,
            "interpolation": "bicubic",
            "crop_pct": 0.9,
            "crop_mode": "center",
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "num_classes": 1000,
            "pool_size": None,
            "first_conv": "patch_embed.proj",
            "classifier": "head",
        },
    }
    write_release(tmp_path, given, timm_peer(config).state_dict())
    assert hub.load(tmp_path).config == config
