"""Reading and writing official files: where they are looked for, what is kept of the reader's settings."""

import json
from pathlib import Path

import huggingface_hub
import pytest
import torch

from mmlearn import hub
from mmlearn.hub import files, keys
from mmlearn.hub.keys import Key
from mmlearn.models.clip import CLIP, CLIPConfig
from mmlearn.models.imagebind import ImageBind, ImageBindConfig
from mmlearn.models.vit import ViT, ViTConfig

SIZES = ViTConfig((8, 8), 4, dim=8, depth=1, heads=2, mlp_dim=16, classes=3)
CLIP_SIZES = CLIPConfig((8, 8), 4, 64, 1, 1, 30, 9, 64, 1, 1, 10)


@pytest.fixture
def folder(tmp_path) -> Path:
    return hub.save(ViT(SIZES), tmp_path / "vit")


# --- settings ---------------------------------------------------------------------------------------------------------


def test_a_model_is_read_for_use(folder):
    model = hub.load(folder)
    assert not model.training and all(p.requires_grad for p in model.parameters())
    assert {(p.dtype, p.device.type) for p in model.parameters()} == {(torch.float32, "cpu")}


def test_a_path_may_be_text_and_a_file_is_read_with_its_configuration(folder):
    expected = hub.load(folder).state_dict()
    for path in (str(folder), folder / "model.safetensors", str(folder / "model.safetensors")):
        model = hub.load(path)
        assert model.config == SIZES
        assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())


def test_a_home_folder_is_found(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert hub.load("~/vit").config == SIZES


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_the_type_is_the_one_asked_for(dtype, folder):
    model, single = hub.load(folder, dtype=dtype), hub.load(folder)
    assert {p.dtype for p in model.parameters()} == {dtype}
    assert all(torch.equal(value, single.state_dict()[name].to(dtype)) for name, value in model.state_dict().items())
    assert model(torch.zeros(1, 3, 8, 8, dtype=dtype)).dtype == dtype


def test_the_device_is_the_one_asked_for(folder):
    assert {p.device.type for p in hub.load(folder, device="meta").parameters()} == {"meta"}
    assert {p.device.type for p in hub.load(folder, device=torch.device("cpu")).parameters()} == {"cpu"}


def test_half_precision_files_are_read_in_single_precision(tmp_path):
    before = ViT(SIZES).bfloat16()
    after = hub.load(hub.save(before, tmp_path))
    assert {p.dtype for p in after.parameters()} == {torch.float32}
    assert all(torch.equal(value, after.state_dict()[n].bfloat16()) for n, value in before.state_dict().items())


@pytest.mark.parametrize(
    ("model", "preset"),
    [(ViT(SIZES), None), (CLIP(CLIP_SIZES), None), (ImageBind(ImageBindConfig.preset("toy")), "toy")],
)
def test_no_random_number_is_drawn(model, preset, tmp_path):
    hub.save(model, tmp_path)
    before = torch.get_rng_state()
    hub.load(tmp_path, preset)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_read_model_can_be_trained_and_its_file_stays(folder):
    before = (folder / "model.safetensors").read_bytes()
    model = hub.load(folder).train()
    model(torch.ones(2, 3, 8, 8)).sum().backward()
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    assert (folder / "model.safetensors").read_bytes() == before


def test_a_read_model_can_be_written_over_its_file(folder):
    model = hub.load(folder)
    with torch.no_grad():
        model.head.bias.fill_(7)
    hub.save(model, folder)
    assert (hub.load(folder).head.bias == 7).all()
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors"]


# --- presets ----------------------------------------------------------------------------------------------------------


def test_sizes_may_be_given_where_the_release_says_none(tmp_path):
    hub.save(ViT(SIZES), tmp_path, "timm-vit")
    (tmp_path / "config.json").unlink()
    with pytest.raises(ValueError, match=r"no sizes are known for 'a model without a name'.*preset=ViTConfig"):
        hub.load(tmp_path)
    assert hub.load(tmp_path, SIZES).config == SIZES


def test_a_preset_is_known_by_name(tmp_path):
    toy = ViT(ViTConfig.preset("toy"))
    hub.save(toy, tmp_path, "timm-vit")
    (tmp_path / "config.json").unlink()
    assert hub.load(tmp_path, "toy").config == toy.config


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        ("vit-b", "no preset is called 'vit-b'; presets of hf-vit are toy, vit-ti-16"),
        (CLIP_SIZES, "preset is a name or the sizes of a ViT, not CLIPConfig"),
        (7, "preset is a name or the sizes of a ViT, not 7"),
    ],
)
def test_another_preset_is_refused(preset, message, folder):
    with pytest.raises(ValueError, match=message):
        hub.load(folder, preset)


# --- the Hub ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def fetched(monkeypatch, tmp_path):
    """A repository that is copied, file by file, as its patterns say; what was asked for."""
    asked, local = [], tmp_path / "cache"
    local.mkdir()

    def serve(remote: Path):
        def snapshot_download(repository: str, allow_patterns: list[str]) -> str:
            asked.append((repository, allow_patterns))
            for file in remote.iterdir():
                if any(file.match(pattern) for pattern in allow_patterns):
                    (local / file.name).write_bytes(file.read_bytes())
            return str(local)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
        return asked, local

    return serve


def test_a_repository_is_fetched_once_and_read(fetched, folder):
    (folder / "tf_model.h5").write_bytes(b"other")
    (folder / "pytorch_model.bin").write_bytes(b"other")
    asked, local = fetched(folder)
    assert hub.load("owner/name").config == SIZES
    assert [repository for repository, _ in asked] == ["owner/name"]
    assert sorted(file.name for file in local.iterdir()) == ["config.json", "model.safetensors"]


@pytest.mark.parametrize("name", ["pytorch_model.bin", "other.safetensors", "imagebind_huge.pth"])
def test_an_older_repository_is_fetched_too(name, fetched, folder):
    tensors = keys.to_theirs(hub.load(folder), files_keys())
    (folder / "model.safetensors").unlink()
    if name.endswith(".safetensors"):
        from safetensors.torch import save_file

        save_file(tensors, folder / name)
    else:
        torch.save(tensors, folder / name)
    _, local = fetched(folder)
    assert hub.load("owner/name").config == SIZES
    assert (local / name).is_file()


def files_keys():
    return next(layout for layout in hub.LAYOUTS if layout.name == "hf-vit").keys(SIZES)


def test_of_two_sets_of_weights_one_is_fetched(fetched, folder):
    (folder / "open_clip_model.safetensors").write_bytes(b"the same once more")
    _, local = fetched(folder)
    hub.load("owner/name")
    assert not (local / "open_clip_model.safetensors").exists()


@pytest.mark.parametrize(
    "name", ["owner/name", "timm/vit_base_patch16_224.augreg2_in21k_ft_in1k", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"]
)
def test_names_of_repositories(name, fetched, folder):
    asked, _ = fetched(folder)
    files.find(name)
    assert asked[0][0] == name


# --- writing ----------------------------------------------------------------------------------------------------------


def test_the_metadata_says_what_official_files_say(folder):
    header = (folder / "model.safetensors").read_bytes()
    length = int.from_bytes(header[:8], "little")
    assert json.loads(header[8 : 8 + length])["__metadata__"] == {"format": "pt"}


def test_a_model_is_written_in_the_first_layout_that_fits(tmp_path):
    hub.save(CLIP(CLIP_SIZES), tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == ["CLIPModel"]


def test_the_files_of_every_layout(tmp_path):
    for model, layout, names in [
        (ViT(ViTConfig.preset("toy")), "timm-vit", ["config.json", "model.safetensors"]),
        (CLIP(CLIP_SIZES), "open_clip", ["open_clip_config.json", "open_clip_model.safetensors"]),
        (CLIP(CLIP_SIZES), "openai-clip", ["model.safetensors"]),
        (ImageBind(ImageBindConfig.preset("toy").only("imu")), "imagebind", ["model.safetensors"]),
    ]:
        hub.save(model, tmp_path / layout, layout)
        assert sorted(file.name for file in (tmp_path / layout).iterdir()) == names


@pytest.mark.parametrize("layout", ["hf-clip", "open_clip", "openai-clip"])
def test_what_is_read_back_lies_in_memory_as_before(layout, tmp_path):
    """A matrix that is only turned round, not copied, makes products that differ in the last digits."""
    model = CLIP(CLIP_SIZES).eval()
    again = hub.load(hub.save(model, tmp_path, layout))
    assert all(parameter.is_contiguous() for parameter in again.parameters())
    images, tokens = torch.randn(3, 3, 8, 8), torch.tensor([[28, 4, 29], [28, 5, 29]])
    with torch.no_grad():
        assert torch.equal(again(images, tokens), model(images, tokens))


# --- key maps ---------------------------------------------------------------------------------------------------------


class Two(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = torch.nn.Linear(2, 6), torch.nn.Linear(2, 3, bias=False)


GOOD = (Key("a.{}", ("q.{}", "k.{}", "v.{}")), Key("b.weight", "c", form="transposed", lead=1))


def test_a_map_cuts_turns_and_lengthens():
    model = Two()
    theirs = keys.to_theirs(model, GOOD)
    assert {name: tuple(value.shape) for name, value in theirs.items()} == {
        **{f"{part}.weight": (2, 2) for part in "qkv"},
        **{f"{part}.bias": (2,) for part in "qkv"},
        "c": (1, 2, 3),
    }
    assert torch.equal(theirs["c"][0], model.b.weight.T) and torch.equal(theirs["k.weight"], model.a.weight[2:4])
    back = keys.to_ours(model, GOOD, theirs, "itself")
    assert all(torch.equal(back[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (GOOD[:1], "0 lines for b.weight"),
        ((*GOOD, Key("b.{}", "d.{}")), "2 lines for b.weight"),
        ((*GOOD, Key("c.weight", "d")), r"lines for no tensor: \['c.weight'\]"),
        ((GOOD[0], Key("b.weight", "q.bias")), r"used twice: \['q.bias'\]"),
    ],
)
def test_a_map_that_is_no_bijection_is_refused(lines, message):
    with pytest.raises(LookupError, match=message):
        keys.names(Two(), lines)
