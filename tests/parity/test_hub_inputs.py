"""What stands before a released CLIP: pictures as transformers and open_clip prepare them, tokenizers from files."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from mmlearn import data, hub
from mmlearn.hub.clip_inputs import MEAN, STD
from mmlearn.models.clip_tokenizer import Tokenizer, count_words, learn_merges

# Wide, high.
SIZES = [(64, 64), (64, 41), (37, 64), (33, 32), (50, 31), (9, 64), (22, 55), (64, 7), (200, 131), (32, 32)]
MODES = ["RGB", "L", "1", "P", "CMYK", "I;16"]


def photographs(count: int) -> list[Image.Image]:
    """Committed pictures in many sizes and forms."""
    found = [row["image"] for row in data.load("stamps", "photos", size=64).select(range(0, 18 * count, 18))]
    found += [row["image"] for row in data.load("emoji", "noto", size=64).select(range(0, 30 * count, 30))]
    cut = []
    for number, picture in enumerate(found):
        wide, high = SIZES[number % len(SIZES)]
        box = (0, 0, min(wide, 64), min(high, 64))
        cut.append(picture.crop(box).resize((wide, high)))
    return cut


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    return photographs(18)


@pytest.fixture(scope="module")
def tokenizer_files(tmp_path_factory) -> Path:
    """A small tokenizer as OpenAI's release has it: its vocabulary and its merges."""
    labels = data.load("emoji", "noto", size=8)
    texts = [*labels["label_en"][::40], *labels["label_ru"][::40]]
    ours = Tokenizer(learn_merges(count_words(texts), 80))
    folder = tmp_path_factory.mktemp("tokenizer")
    (folder / "vocab.json").write_text(json.dumps(ours.numbers), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in ours.merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def folder(tokenizer_files, tmp_path) -> Path:
    for file in tokenizer_files.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def write(folder: Path, name: str, content: dict) -> None:
    (folder / name).write_text(json.dumps(content))


def assert_prepared(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype == torch.float32
    assert (ours - theirs).abs().max() <= 1e-6


# --- pictures ---------------------------------------------------------------------------------------------------------

OTHER = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}
PREPROCESSORS = {
    "published": {},
    "small": {"size": {"shortest_edge": 48}, "crop_size": {"height": 48, "width": 48}},
    "old numbers": {"size": 31, "crop_size": 31, "resample": 3, "feature_extractor_type": "CLIPFeatureExtractor"},
    "cut smaller than resized": {"size": {"shortest_edge": 40}, "crop_size": {"height": 33, "width": 26}},
    "cut larger than resized": {"size": {"shortest_edge": 20}, "crop_size": {"height": 27, "width": 35}} | OTHER,
}


@pytest.mark.parametrize("name", PREPROCESSORS)
def test_pictures_are_prepared_as_transformers_does_it(name, folder, pictures):
    from transformers import CLIPImageProcessorPil

    write(folder, "preprocessor_config.json", PREPROCESSORS[name])
    theirs = CLIPImageProcessorPil.from_pretrained(folder)
    some = pictures[:12] if name == "published" else pictures
    assert_prepared(hub.inputs(folder).images(some), theirs(some, return_tensors="pt")["pixel_values"])


def test_what_transformers_writes_is_read(folder, pictures):
    from transformers import CLIPImageProcessorPil

    theirs = CLIPImageProcessorPil(size={"shortest_edge": 24}, crop_size={"height": 24, "width": 24}, **OTHER)
    theirs.save_pretrained(folder)
    assert_prepared(hub.inputs(folder).images(pictures), theirs(pictures, return_tensors="pt")["pixel_values"])


@pytest.mark.parametrize("mode", MODES)
def test_pictures_of_every_mode(mode, folder, pictures):
    from transformers import CLIPImageProcessorPil

    write(folder, "preprocessor_config.json", PREPROCESSORS["small"])
    given = [picture.convert("I").convert(mode) if mode == "I;16" else picture.convert(mode) for picture in pictures]
    theirs = CLIPImageProcessorPil.from_pretrained(folder)
    for picture in given[:9]:
        assert_prepared(hub.inputs(folder).images(picture), theirs(picture, return_tensors="pt")["pixel_values"])


def transparent(picture: Image.Image) -> Image.Image:
    """The picture, more and more transparent to the right."""
    wide, high = picture.size
    alpha = Image.linear_gradient("L").rotate(90).resize((wide, high))
    picture = picture.copy()
    picture.putalpha(alpha)
    return picture


@pytest.mark.parametrize("mode", ["RGBA", "LA", "a palette with a hole"])
def test_transparent_pictures_are_laid_on_white(mode, folder, pictures):
    from transformers import CLIPImageProcessorPil

    write(folder, "preprocessor_config.json", PREPROCESSORS["small"])
    theirs = CLIPImageProcessorPil.from_pretrained(folder)
    for picture in pictures[:9]:
        if mode in ("RGBA", "LA"):
            picture = transparent(picture).convert(mode)
        else:
            picture = picture.convert("P")
            picture.info["transparency"] = picture.getpixel((0, 0))
        assert_prepared(hub.inputs(folder).images(picture), theirs(picture, return_tensors="pt")["pixel_values"])


def test_a_white_picture_with_a_transparent_half_is_white(folder):
    write(folder, "preprocessor_config.json", PREPROCESSORS["small"])
    picture = Image.new("RGBA", (30, 20), (255, 255, 255, 0))
    white = (1 - torch.tensor(MEAN)) / torch.tensor(STD)
    assert torch.allclose(hub.inputs(folder).images(picture), white.view(1, 3, 1, 1))


OPEN_CLIP = {
    "laion": ({"image_size": 48, "layers": 1, "width": 64, "patch_size": 4}, {"mean": list(MEAN), "std": list(STD)}),
    "newer": (
        {"image_size": [30, 30]},
        {"mean": [0.5] * 3, "std": [0.4] * 3, "interpolation": "bicubic", "resize_mode": "shortest"},
    ),
    "odd": ({"image_size": 29}, {}),
    "usual": ({}, {"mean": list(MEAN), "std": list(STD)}),
}


@pytest.mark.parametrize("name", OPEN_CLIP)
def test_pictures_are_prepared_as_open_clip_does_it(name, folder, pictures):
    """Half a pixel at the margin is rounded there."""
    from open_clip.transform import image_transform

    image, picture = OPEN_CLIP[name]
    write(folder, "open_clip_config.json", {"model_cfg": {"vision_cfg": image}, "preprocess_cfg": picture})
    theirs = image_transform(image.get("image_size", 224), is_train=False, **picture)
    some = pictures[:12] if name == "usual" else [*pictures, *(picture.convert("L") for picture in pictures[:9])]
    assert_prepared(hub.inputs(folder).images(some), torch.stack([theirs(picture) for picture in some]))


def test_the_two_ways_of_rounding_differ(folder, pictures):
    write(folder, "open_clip_config.json", {"model_cfg": {"vision_cfg": {"image_size": 29}}})
    rounded = hub.inputs(folder).images(pictures)
    write(folder, "preprocessor_config.json", {"size": 29, "crop_size": 29})
    assert (rounded - hub.inputs(folder).images(pictures)).abs().max() > 0.1


# --- texts ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def captions() -> list[str]:
    emoji = data.load("emoji", "noto", size=8)
    stamps = data.load("stamps", size=8)
    found = {text for name in ("label_en", "label_ru") for text in emoji[name]}
    found |= {text for name in ("caption_en", "caption_ru") for text in stamps[name] if text}
    found |= {" ".join(tags) for name in ("tags_en", "tags_ru") for tags in emoji[name]}
    return sorted(found)


@pytest.mark.parametrize("files", ["vocab.json and merges.txt", "tokenizer.json"])
def test_captions_become_the_peers_tokens(files, folder, captions):
    from transformers import CLIPTokenizer

    theirs = CLIPTokenizer.from_pretrained(folder)
    if files == "tokenizer.json":  # all that transformers 5 writes
        for name in ("vocab.json", "merges.txt"):
            (folder / name).unlink()
        theirs.save_pretrained(folder)
        assert not (folder / "vocab.json").exists()
    write(folder, "preprocessor_config.json", {})
    write(folder, "config.json", {"text_config": {"max_position_embeddings": 24}})
    ours = hub.inputs(folder)
    some = captions if files == "tokenizer.json" else captions[::4]
    expected = theirs(some, padding="max_length", truncation=True, max_length=24, return_tensors="pt")["input_ids"]
    assert ours.tokenizer.context == 24 and torch.equal(ours.texts(some), expected)


def test_a_context_comes_from_the_configuration_or_is_openais(folder):
    write(folder, "preprocessor_config.json", {})
    assert hub.inputs(folder).texts("a cat").shape == (1, 77)
    (folder / "preprocessor_config.json").unlink()
    write(folder, "open_clip_config.json", {"model_cfg": {"text_cfg": {"context_length": 12}}})
    assert hub.inputs(folder).texts(["a cat", "two dogs"]).shape == (2, 12)


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"resample": 2}, "says resample = 2; only 3 is supported"),
        ({"do_normalize": False}, "says do_normalize = False"),
        ({"do_convert_rgb": False}, "says do_convert_rgb = False"),
        ({"rescale_factor": 1.0}, r"says rescale_factor = 1\.0"),
        ({"size": {"height": 8, "width": 8}}, "says size = .*; only a shortest_edge is supported"),
    ],
)
def test_another_preprocessing_is_refused(given, message, folder):
    write(folder, "preprocessor_config.json", given)
    with pytest.raises(ValueError, match=message):
        hub.inputs(folder)


@pytest.mark.parametrize(
    ("image", "picture", "message"),
    [
        ({"image_size": [8, 12]}, {}, r"says image_size = \[8, 12\]; only square"),
        ({}, {"resize_mode": "squash"}, "says resize_mode = 'squash'"),
        ({}, {"interpolation": "bilinear"}, "says interpolation = 'bilinear'"),
    ],
)
def test_another_preprocessing_of_open_clip_is_refused(image, picture, message, folder):
    write(folder, "open_clip_config.json", {"model_cfg": {"vision_cfg": image}, "preprocess_cfg": picture})
    with pytest.raises(ValueError, match=message):
        hub.inputs(folder)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"neither preprocessor_config.json nor open_clip_config.json"):
        hub.inputs(tmp_path)
    write(tmp_path, "preprocessor_config.json", {})
    with pytest.raises(FileNotFoundError, match=r"neither vocab.json with merges.txt nor tokenizer.json"):
        hub.inputs(tmp_path)


def test_a_vocabulary_that_does_not_fit_the_merges_is_refused(folder):
    write(folder, "preprocessor_config.json", {})
    vocabulary = json.loads((folder / "vocab.json").read_text())
    write(folder, "vocab.json", vocabulary | {"a": vocabulary["b"], "b": vocabulary["a"]})
    with pytest.raises(ValueError, match=r"vocab.json and merges.txt: the vocabulary is not that of the merges"):
        hub.inputs(folder)
    (folder / "merges.txt").write_text("#version: 0.2\na b c\n")
    with pytest.raises(ValueError, match="a merge has two symbols, not 'a b c'"):
        hub.inputs(folder)
    (folder / "vocab.json").write_text("{")
    with pytest.raises(ValueError, match=r"vocab.json is not JSON"):
        hub.inputs(folder)
