"""What is wrong with a release is said, each thing in its own words, and nothing in a file is ever run."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from unittest.mock import MagicMock

import huggingface_hub
import pytest
import safetensors.torch
import torch
from huggingface_hub import errors
from safetensors.torch import load_file, save_file

from mmlearn import hub
from mmlearn.models.clip import CLIP, CLIPConfig
from mmlearn.models.vit import ViT, ViTConfig

SIZES = ViTConfig((8, 8), 4, dim=8, depth=1, heads=2, mlp_dim=16, classes=3)
CLIP_SIZES = CLIPConfig((8, 8), 4, 64, 1, 1, 30, 9, 64, 1, 1, 10)


@pytest.fixture
def folder(tmp_path) -> Path:
    return hub.save(ViT(SIZES), tmp_path / "vit")


@pytest.fixture
def clip_folder(tmp_path) -> Path:
    return hub.save(CLIP(CLIP_SIZES), tmp_path / "clip")


@pytest.fixture
def open_clip_folder(tmp_path) -> Path:
    return hub.save(CLIP(CLIP_SIZES), tmp_path / "open", "open_clip")


def change(folder: Path, name: str = "config.json", **values) -> None:
    content = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(content | values))


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in load_file(folder / "model.safetensors").items()}


def as_torch(folder: Path, content, name: str = "pytorch_model.bin", **options) -> Path:
    """The folder with this content in place of its safetensors."""
    (folder / "model.safetensors").unlink()
    torch.save(content, folder / name, **options)
    return folder / name


def refused(folder: Path, message: str, kind: type[Exception] = ValueError) -> str:
    with pytest.raises(kind, match=message) as error:
        hub.load(folder)
    return str(error.value)


# --- what is it? ------------------------------------------------------------------------------------------------------


def test_an_unknown_architecture_is_told_with_the_known_ones(folder):
    change(folder, architectures=["SwinModel"])
    message = refused(folder, "no model here is a 'SwinModel'; known are")
    assert all(name in message for name in ("ViTForImageClassification", "ViTModel", "timm vit_*", "CLIPModel"))


def test_unknown_tensors_without_a_configuration(tmp_path):
    save_file({"conv1.weight": torch.zeros(2), "fc.bias": torch.zeros(1)}, tmp_path / "model.safetensors")
    refused(tmp_path, r"its tensors \(conv1.weight, fc.bias, ...\) are of no layout that is known: hf-vit, timm-vit")


def test_an_empty_file(tmp_path):
    save_file({}, tmp_path / "model.safetensors")
    refused(tmp_path, r"its tensors \(none, ...\)")


# --- do the tensors fit? ----------------------------------------------------------------------------------------------


def test_missing_and_unknown_tensors_are_named_with_the_nearest(folder):
    found = tensors(folder)
    found["vit.layernorm.wieght"] = found.pop("vit.layernorm.weight")
    del found["classifier.bias"]
    found["teacher"] = torch.zeros(4, 5)
    save_file(found, folder / "model.safetensors")
    message = refused(folder, "does not fit the ViT of these sizes")
    assert "missing: vit.layernorm.weight (8,) (nearest: vit.layernorm.wieght)" in message
    assert "missing: classifier.bias (3,)" in message
    assert "unknown: vit.layernorm.wieght (8,) (nearest: vit.layernorm.weight)" in message
    assert "unknown: teacher (4, 5)" in message and str(folder) in message


def test_of_many_problems_the_beginning_is_listed(folder):
    save_file({"classifier.bias": torch.zeros(3)}, folder / "model.safetensors")
    message = refused(folder, "does not fit")
    assert message.count("missing: ") == 9 and "missing: 15 more" in message


def test_a_tensor_of_another_shape(folder):
    change(folder, hidden_size=12, num_attention_heads=3)
    message = refused(folder, "does not fit")
    assert "another shape: vit.embeddings.cls_token is (1, 1, 8), and should be (1, 1, 12)" in message


def test_more_classes_than_the_configuration_says(folder):
    change(folder, id2label={"0": "cat", "1": "dog"})
    refused(folder, r"classifier.weight is \(3, 8\), and should be \(2, 8\)")


def test_a_base_model_called_a_classifier(folder):
    save_file(
        {name: t for name, t in tensors(folder).items() if "classifier" not in name}, folder / "model.safetensors"
    )
    refused(folder, r"missing: classifier.weight \(3, 8\)")


# --- is the file whole, and safe? -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [0, 5, 60, -1])
def test_a_safetensors_file_that_was_cut_short(kept, folder):
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:kept])
    refused(folder, r"model.safetensors is not a whole safetensors file .* Fetch or make it again")


def test_a_page_in_place_of_a_file(folder):
    (folder / "model.safetensors").write_text("<!doctype html><title>Not found</title>" * 9)
    refused(folder, "is not a whole safetensors file")


def test_a_pointer_in_place_of_a_file(folder):
    """What git clones without Git LFS."""
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n")
    refused(folder, "pytorch_model.bin holds more than tensors, or is damaged|is not a whole PyTorch file")


@pytest.mark.parametrize("kept", [3, 100, 0.5, -1])
@pytest.mark.parametrize("archive", [True, False])
def test_a_torch_file_that_was_cut_short(archive, kept, folder):
    path = as_torch(folder, tensors(folder), _use_new_zipfile_serialization=archive)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept) if isinstance(kept, float) else kept])
    refused(folder, "Fetch it again" if archive else "Fetch it again|or is damaged")


def test_an_empty_torch_file(folder):
    as_torch(folder, {}).write_bytes(b"")
    refused(folder, "pytorch_model.bin is not a whole PyTorch file")


class Malicious:
    """Its pickle creates a file when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_the_trap_works(tmp_path):
    pickle.loads(pickle.dumps(Malicious(tmp_path / "run")))
    assert (tmp_path / "run").exists()


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pth"])
def test_an_unsafe_pickle_is_refused_and_not_run(name, archive, folder, tmp_path):
    as_torch(folder, tensors(folder) | {"x": Malicious(tmp_path / "run")}, name, _use_new_zipfile_serialization=archive)
    message = refused(folder, "could run code that it brings along, so it is refused")
    assert "safetensors" in message and "weights_only" not in message
    assert not (tmp_path / "run").exists()


def test_a_bare_pickle_is_refused_and_not_run(folder, tmp_path):
    path = as_torch(folder, {})
    path.write_bytes(pickle.dumps({"x": Malicious(tmp_path / "run")}))
    assert "weights_only" not in refused(folder, "could run code that it brings along")
    assert not (tmp_path / "run").exists()


def test_a_pickled_module_is_refused(folder):
    as_torch(folder, ViT(SIZES))
    refused(folder, r"holds more than tensors, such as mmlearn.models.vit.ViT, or is damaged")


def test_a_shard_that_is_no_shard_is_refused_and_not_run(folder, tmp_path):
    as_torch(folder, {"x": Malicious(tmp_path / "run")}, "shard.bin")
    index = {"weight_map": {"x": "shard.bin"}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    refused(folder, "so it is refused")
    assert not (tmp_path / "run").exists()


def test_a_torchscript_archive_is_refused_with_the_way_to_convert_it(folder, tmp_path):
    (folder / "model.safetensors").unlink()
    (folder / "config.json").unlink()
    script = torch.jit.trace(ViT(SIZES).eval(), torch.zeros(1, 3, 8, 8))
    torch.jit.save(script, folder / "ViT-B-32.pt")
    message = refused(folder, "is a TorchScript archive: it holds a program, and is not opened here")
    command = message[message.index("import torch") :]
    subprocess.run([sys.executable, "-c", command], cwd=folder, check=True)
    assert set(load_file(folder / "model.safetensors")) == set(ViT(SIZES).state_dict())


def test_a_torchscript_archive_of_a_scripted_function_is_refused(folder):
    (folder / "model.safetensors").unlink()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), folder / "pytorch_model.bin")
    refused(folder, "is a TorchScript archive")


def test_another_archive(folder):
    (folder / "model.safetensors").unlink()
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive:
        archive.writestr("notes.txt", "no tensors")
    refused(folder, "pytorch_model.bin is not a whole PyTorch file")


@pytest.mark.parametrize("content", [torch.zeros(3), [torch.zeros(3)], {"a": 3, "b": torch.zeros(2)}])
def test_a_file_without_a_table_of_tensors(content, folder):
    as_torch(folder, content)
    refused(folder, "holds no table of tensors by name")


# --- shards -----------------------------------------------------------------------------------------------------------


def shards(folder: Path) -> dict:
    found = tensors(folder)
    (folder / "model.safetensors").unlink()
    files = {
        "model-00001-of-00002.safetensors": list(found)[::2],
        "model-00002-of-00002.safetensors": list(found)[1::2],
    }
    for file, names in files.items():
        save_file({name: found[name] for name in names}, folder / file)
    index = {"metadata": {}, "weight_map": {name: file for file, names in files.items() for name in names}}
    write_index(folder, index)
    assert hub.load(folder).config == SIZES
    return index


def write_index(folder: Path, index) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def test_a_missing_shard_is_named(folder):
    shards(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()
    refused(
        folder, "lists shards that are not there: model-00002-of-00002.safetensors. Fetch them too", FileNotFoundError
    )


def test_an_index_may_not_list_itself(folder):
    index = shards(folder)
    index["weight_map"][next(iter(index["weight_map"]))] = "model.safetensors.index.json"
    write_index(folder, index)
    refused(folder, "lists 'model.safetensors.index.json' as a shard, and an index has none inside it")


def test_quantised_weights_are_refused(folder):
    """Made into floating numbers without their scales they would be wrong, and nothing would tell."""
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if name.endswith("dense.weight"))
    save_file(tensors | {name: tensors[name].to(torch.int8)}, folder / "model.safetensors")
    refused(folder, f"{name} holds whole numbers .int8.; quantised weights are not read")


@pytest.mark.parametrize("outside", ["../secret.safetensors", "/etc/passwd", "sub/x.safetensors", "..", 7, None])
def test_an_index_may_not_point_out_of_its_folder(outside, folder):
    index = shards(folder)
    shutil.copy(folder / "model-00001-of-00002.safetensors", folder.parent / "secret.safetensors")
    index["weight_map"][next(iter(index["weight_map"]))] = outside
    write_index(folder, index)
    refused(folder, "lists files outside of its folder, which are not read|is no index of shards")


@pytest.mark.parametrize("index", [{}, [], {"weight_map": 3}, {"weight_map": {"a": ["b"]}}, "text"])
def test_an_index_that_is_none(index, folder):
    shards(folder)
    write_index(folder, index)
    refused(folder, 'is no index of shards: it needs a "weight_map"|lists files outside')


def test_a_shard_without_its_tensors(folder):
    index = shards(folder)
    index["weight_map"]["vit.more"] = "model-00001-of-00002.safetensors"
    write_index(folder, index)
    refused(folder, "model-00001-of-00002.safetensors lacks tensors that .*index.json lists there: vit.more")


# --- configurations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{'single': 'quotes'}", r"config.json is not JSON \(.*line 1"),
        ("", "config.json is not JSON"),
        ("[1, 2]", "config.json holds a list, and should hold an object"),
    ],
)
def test_a_configuration_that_is_no_json(content, message, folder):
    (folder / "config.json").write_text(content)
    refused(folder, message)


def test_a_configuration_that_is_no_text(folder):
    (folder / "config.json").write_bytes(b"\xff\xfe\x00")
    refused(folder, "config.json is not JSON")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden_act": "relu"}, "config.json says hidden_act = 'relu'; only 'gelu' is supported"),
        ({"qkv_bias": False}, "config.json says qkv_bias = False; only True is supported"),
        ({"image_size": 9}, "patches of side 4 do not fill an image of 9 x 9 pixels"),
        ({"num_attention_heads": 3}, "3 heads do not divide a width of 8"),
        ({"hidden_size": "wide"}, r"its configuration is none of hf-vit \(TypeError"),
        ({"hidden_size": [8]}, r"its configuration is none of hf-vit \(TypeError"),
        ({"image_size": None}, r"its configuration is none of hf-vit \(TypeError"),
    ],
)
def test_values_that_no_vit_here_has(values, message, folder):
    change(folder, **values)
    refused(folder, message)


@pytest.mark.parametrize("tower", ["text_config", "vision_config"])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden_act": "relu"}, "says hidden_act = 'relu'; only quick_gelu and gelu are supported"),
        ({"hidden_act": "gelu_new"}, "says hidden_act = 'gelu_new'"),
        ({"intermediate_size": 255}, "says intermediate_size = 255; only 256 is supported"),
        ({"layer_norm_eps": 1e-6}, "says layer_norm_eps = 1e-06; only 1e-05 is supported"),
    ],
)
def test_values_that_no_clip_here_has(tower, values, message, clip_folder):
    given = json.loads((clip_folder / "config.json").read_text())[tower]
    change(clip_folder, **{tower: given | values})
    refused(clip_folder, f"config.json, {tower}, {message}")


def test_two_activations_are_refused(clip_folder):
    given = json.loads((clip_folder / "config.json").read_text())["text_config"]
    change(clip_folder, text_config=given | {"hidden_act": "gelu"})
    refused(clip_folder, "vision_config, says hidden_act = 'quick_gelu'; only 'gelu' is supported")


def test_another_end_of_text_is_refused(clip_folder):
    given = json.loads((clip_folder / "config.json").read_text())["text_config"]
    change(clip_folder, text_config=given | {"eos_token_id": 28})
    refused(clip_folder, "config.json, text_config, says eos_token_id = 28; only 29 is supported")


@pytest.mark.parametrize(
    ("part", "values", "message"),
    [
        ("vision_cfg", {"mlp_ratio": 4.9231}, "vision_cfg, says mlp_ratio = 4.9231; only 4 is supported"),
        ("vision_cfg", {"timm_model_name": "convnext_base"}, "vision_cfg, says timm_model_name = 'convnext_base'"),
        ("text_cfg", {"hf_model_name": "roberta-base"}, "text_cfg, says hf_model_name = 'roberta-base'"),
        ("text_cfg", {"pool_type": "last"}, "text_cfg, says pool_type = 'last'"),
        ("vision_cfg", {"layers": [3, 4, 6, 3]}, "its configuration is none of open_clip"),
    ],
)
def test_values_that_no_open_clip_here_has(part, values, message, open_clip_folder):
    model = json.loads((open_clip_folder / "open_clip_config.json").read_text())["model_cfg"]
    model[part] |= values
    change(open_clip_folder, "open_clip_config.json", model_cfg=model)
    refused(open_clip_folder, message)


def test_an_open_clip_configuration_without_a_width_of_the_shared_space(open_clip_folder):
    model = json.loads((open_clip_folder / "open_clip_config.json").read_text())["model_cfg"]
    del model["embed_dim"]
    change(open_clip_folder, "open_clip_config.json", model_cfg=model)
    refused(open_clip_folder, r"its configuration is none of open_clip \(KeyError: 'embed_dim'\)")


@pytest.fixture
def timm_folder(tmp_path) -> Path:
    return hub.save(ViT(ViTConfig.preset("toy")), tmp_path / "timm", "timm-vit")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"global_pool": "avg"}, "config.json says global_pool = 'avg'; only 'token' is supported"),
        (
            {"architecture": "vit_giant_patch14_224"},
            "no sizes are known for 'vit_giant_patch14_224'; known are vit_SIZE",
        ),
        ({"architecture": "vit_base_patch16_224_miil"}, "no sizes are known for 'vit_base_patch16_224_miil'"),
        ({"architecture": "vit_base_patch16_clip_224.openai"}, "no sizes are known for"),
        ({"architecture": "resnet50"}, "no model here is a 'timm resnet50'; known are"),
        ({"model_args": {"reg_tokens": 4}}, "config.json says reg_tokens = 4; only None is supported"),
        ({"model_args": {"qkv_bias": False}}, "config.json says qkv_bias = False; only True is supported"),
        ({"model_args": {"class_token": False}}, "config.json says class_token = False; only True"),
        ({"model_args": {"global_pool": "map"}}, "config.json says global_pool = 'map'; only 'token'"),
    ],
)
def test_values_that_no_timm_model_here_has(values, message, timm_folder):
    change(timm_folder, **values)
    refused(timm_folder, message)


def test_openais_tensors_without_a_text_tower(tmp_path):
    save_file({"visual.conv1.weight": torch.zeros(64, 3, 4, 4)}, tmp_path / "model.safetensors")
    refused(tmp_path, "lacks tensors that OpenAI's CLIP has, such as 'visual.positional_embedding'")


# --- where is it? -----------------------------------------------------------------------------------------------------


def test_a_folder_without_weights(folder):
    (folder / "model.safetensors").unlink()
    refused(folder, r"has no weights: none of model.safetensors, model.safetensors.index.json", FileNotFoundError)


def test_several_loose_files(folder):
    found = tensors(folder)
    (folder / "model.safetensors").unlink()
    for name in ("step_100.safetensors", "step_200.safetensors"):
        save_file(found, folder / name)
    refused(folder, r"has several files \*.safetensors; name one: step_100.safetensors, step_200.safetensors")
    assert hub.load(folder / "step_200.safetensors", SIZES).config == SIZES


@pytest.mark.parametrize("name", ["vit", "a/b/c", "./vit", "/no/where", "~/no-where", "owner/file.safetensors", ""])
def test_a_name_that_is_neither_a_folder_nor_a_repository(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *given, **options: pytest.fail("asked the Hub"))
    if name == "":
        refused(name, "no weights", FileNotFoundError)  # the working folder
    else:
        refused(name, "is no folder or file here, and no repository of the Hugging Face Hub", FileNotFoundError)


def failing(monkeypatch, error: Exception) -> None:
    def snapshot_download(*given, **options):
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)


@pytest.mark.parametrize(
    "error",
    [
        errors.LocalEntryNotFoundError("no snapshot"),
        errors.OfflineModeIsEnabled("offline"),
        errors.HfHubHTTPError("503", response=MagicMock()),
        OSError("cable"),
        RuntimeError("the proxy answered nonsense"),
    ],
)
def test_without_a_network_a_folder_is_asked_for(error, monkeypatch):
    failing(monkeypatch, error)
    message = refused(
        "openai/clip-vit-base-patch32", "is not on this machine, and the Hugging Face Hub", ConnectionError
    )
    assert "copy its folder here from another machine" in message and "hub.load('path/to/folder')" in message


@pytest.mark.parametrize(
    "error",
    [
        errors.RepositoryNotFoundError("404", response=MagicMock()),
        errors.GatedRepoError("403", response=MagicMock()),
        errors.HFValidationError("bad name"),
    ],
)
def test_a_repository_that_is_not_there(error, monkeypatch):
    failing(monkeypatch, error)
    refused("owner/name", "has no repository 'owner/name', or it needs a login", FileNotFoundError)


def test_offline_by_the_environment(tmp_path):
    """In its own process, because the setting is read on import."""
    code = "from mmlearn import hub; hub.load('owner/name')"
    settings = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True)
    assert run.returncode == 1
    assert "ConnectionError: owner/name is not on this machine" in run.stderr


# --- writing ----------------------------------------------------------------------------------------------------------


def test_a_model_without_a_layout_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no official layout is known for a Linear; there are some for CLIP, .*ViT"):
        hub.save(torch.nn.Linear(2, 2), tmp_path)


def test_a_layout_of_another_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a ViT has no layout 'hf-clip'; it has hf-vit, timm-vit"):
        hub.save(ViT(SIZES), tmp_path / "new", "hf-clip")
    assert not (tmp_path / "new").exists()


def test_what_timm_cannot_say_is_refused(tmp_path):
    config = ViTConfig((8, 8), 4, dim=8, depth=1, heads=2, mlp_dim=16, classes=3, norm_eps=1e-12)
    with pytest.raises(ValueError, match="cannot say norm_eps = 1e-12; all its models have 1e-06"):
        hub.save(ViT(config), tmp_path / "new", "timm-vit")
    assert not (tmp_path / "new").exists()


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError):
        hub.save(ViT(SIZES), tmp_path / "file" / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("at", ["configuration", "weights"])
def test_a_full_place_leaves_nothing_half_written(at, tmp_path, monkeypatch):
    """What was there before stays."""
    folder = hub.save(ViT(SIZES), tmp_path / "vit")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    def full(tensors_or_handle, *given, **options):
        if at == "weights":
            given[0].write_bytes(b"half")
        raise OSError(28, "No space left on device")

    if at == "weights":
        monkeypatch.setattr(safetensors.torch, "save_file", full)
    else:
        monkeypatch.setattr(os, "fdopen", full)
    other = ViT(SIZES)
    with pytest.raises(OSError, match="No space left"):
        hub.save(other, folder)
    with pytest.raises(OSError, match="No space left"):
        hub.save(other, tmp_path / "new")
    monkeypatch.undo()
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert not list((tmp_path / "new").glob("*.safetensors*")) and not list((tmp_path / "new").glob(".*"))
