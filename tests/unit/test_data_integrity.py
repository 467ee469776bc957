"""Damage to a committed set: what is said, and what mends it. Each test works on a copy."""

import json
import shutil

import datasets
import pytest
from PIL import Image

from mmlearn import data
from mmlearn.data import build_emoji, emoji, shards


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the emoji set, as the set of this process."""
    home = tmp_path / "data" / "emoji"
    shutil.copytree(emoji.folder(), home)
    monkeypatch.setenv("MMLEARN_ROOT", str(tmp_path))
    return home


def message():
    with pytest.raises(data.DataError) as caught:
        data.load("emoji", split="openmoji")
    return str(caught.value)


def test_the_copy_is_whole(copy):
    assert shards.find_damage(copy) == [] and len(data.load("emoji", split="openmoji")) > 1000


def test_a_missing_shard(copy):
    (copy / "images" / "openmoji.parquet").unlink()
    said = message()
    assert "openmoji.parquet is missing" in said
    assert "git checkout -- data/emoji/images/openmoji.parquet" in said and "mmlearn data build emoji" in said
    assert data.check("emoji") == [said]


@pytest.mark.parametrize("file", ["images/openmoji.parquet", "concepts.parquet"])
def test_one_changed_bit(copy, file):
    content = bytearray((copy / file).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / file).write_bytes(content)
    said = message()
    assert "damaged" in said and f"git checkout -- data/emoji/{file}" in said
    assert data.check() == [said]


def test_a_shard_cut_short(copy):
    path = copy / "images" / "openmoji.parquet"
    path.write_bytes(path.read_bytes()[:1000])
    assert "damaged: 1000 bytes" in message()


def test_damage_to_another_style_does_not_stop_this_one(copy):
    (copy / "images" / "twemoji.parquet").unlink()
    assert len(data.load("emoji", split="openmoji")) > 1000
    with pytest.raises(data.DataError, match=r"twemoji\.parquet is missing"):
        data.load("emoji")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"files": 3}', "{}"])
def test_a_damaged_manifest(copy, content):
    (copy / "manifest.json").write_text(content)
    said = message()
    assert "manifest.json is damaged" in said and "git checkout -- data/emoji/manifest.json" in said


def test_a_missing_manifest(copy):
    (copy / "manifest.json").unlink()
    said = message()
    assert "manifest.json is missing" in said and "git checkout -- data/emoji/manifest.json" in said


def test_a_build_that_was_stopped_is_not_taken_for_a_set(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    del manifest["files"]["images/openmoji.parquet"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    said = message()
    assert "not complete" in said and "mmlearn data build emoji" in said


def test_a_file_that_does_not_belong_is_named(copy):
    shutil.copy(copy / "concepts.parquet", copy / "images" / "apple.parquet")
    (problem,) = data.check("emoji")
    assert "apple.parquet" in problem


def test_a_wrong_number_in_the_card_is_found(copy, monkeypatch):
    monkeypatch.setattr(build_emoji, "_find_blank_pictures", lambda rows: [])  # not what is tested here, and slow
    card = copy / "README.md"
    text = card.read_text(encoding="utf-8")
    for wrong in (text.replace("1,297 concepts", "1,298 concepts"), text.replace("<!-- counts -->", ""), None):
        card.unlink() if wrong is None else card.write_text(wrong, encoding="utf-8")
        (problem,) = data.check("emoji")
        assert "README.md" in problem and "git checkout -- data/emoji/README.md" in problem


def test_a_blank_picture_is_found():
    rows = datasets.Dataset.from_dict(
        {
            "image": [Image.new("RGB", (64, 64), "white"), Image.linear_gradient("L").convert("RGB")],
            "style": ["noto", "noto"],
            "codepoint": ["1F600", "1F601"],
        },
        features=datasets.Features(
            {"image": datasets.Image(), "style": datasets.Value("string"), "codepoint": datasets.Value("string")}
        ),
    )
    (problem,) = build_emoji._find_blank_pictures(rows)
    assert "1F600 of noto is blank" in problem
