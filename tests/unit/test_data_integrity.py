"""Damage to a committed set: what is said, and what mends it. Each test works on a copy."""

import json
import shutil

import datasets
import pytest
from PIL import Image

from mmlearn import data
from mmlearn.data import build_emoji, build_stamps, shards

# {set: (a split, one of its shards, another shard that the split does not need)}
SETS = {
    "emoji": ("openmoji", "images/openmoji.parquet", "images/twemoji.parquet"),
    "stamps": ("all", "stamps.parquet", None),
    "stamps_audio": ("sounds", "sounds.parquet", "captions_ru.parquet"),
    "spoken_emoji": ("train", "us-f2.parquet", "ru-f5.parquet"),
    "speech": ("train", "en.parquet", "ru.parquet"),
    "music": ("lossless", "lossless.parquet", "excerpts.parquet"),
    "tones": ("train", "liu.parquet", "lo.parquet"),
    "keywords": ("train", "us-f2.parquet", "rp-f4.parquet"),
}


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """Gives a copy of a set, as the set of this process; the other sets are the committed ones."""

    def make(name):
        (tmp_path / "data").mkdir()
        for each in data.SETS:
            committed, home = data._module(each).folder(), tmp_path / "data" / each
            shutil.copytree(committed, home) if each == name else home.symlink_to(committed)
        monkeypatch.setenv("MMLEARN_ROOT", str(tmp_path))
        return tmp_path / "data" / name

    return make


@pytest.fixture
def copy(copies):
    return copies("emoji")


def message(name="emoji"):
    with pytest.raises(data.DataError) as caught:
        data.load(name, split=SETS[name][0])
    return str(caught.value)


def test_every_set_is_here():
    assert set(SETS) == set(data.SETS)


def test_the_copy_is_whole(copy):
    assert shards.find_damage(copy) == [] and len(data.load("emoji", split="openmoji")) > 1000


@pytest.mark.parametrize("name", SETS)
def test_a_missing_shard(copies, name):
    home, file = copies(name), SETS[name][1]
    (home / file).unlink()
    said = message(name)
    assert f"{file} is missing" in said
    assert f"git checkout -- data/{name}/{file}" in said and f"mmlearn data build {name}" in said
    assert data.check(name) == [said]


@pytest.mark.parametrize(("name", "file"), [(name, file) for name, (_, file, _) in SETS.items()])
def test_one_changed_bit(copies, name, file):
    home = copies(name)
    content = bytearray((home / file).read_bytes())
    content[len(content) // 2] ^= 1
    (home / file).write_bytes(content)
    said = message(name)
    assert "damaged" in said and f"git checkout -- data/{name}/{file}" in said
    assert data.check(name) == [said]


def test_the_texts_of_emoji_are_compared_too_and_all_sets_are_checked(copy, monkeypatch):
    monkeypatch.setattr(data, "SETS", ("emoji",))  # the others are whole; their tests say so
    (copy / "concepts.parquet").write_bytes((copy / "concepts.parquet").read_bytes() + b"x")
    assert data.check() == [message()] and "concepts.parquet is damaged" in message()


def test_a_shard_cut_short(copy):
    path = copy / "images" / "openmoji.parquet"
    path.write_bytes(path.read_bytes()[:1000])
    assert "damaged: 1000 bytes" in message()


@pytest.mark.parametrize("name", [name for name, (_, _, other) in SETS.items() if other])
def test_damage_to_another_shard_does_not_stop_this_one(copies, name):
    home, (split, _, other) = copies(name), SETS[name]
    (home / other).unlink()
    assert len(data.load(name, split=split)) > (50 if name != "music" else 3)
    with pytest.raises(data.DataError, match=f"{other} is missing"):
        data.load(name, split="all", **({"language": None} if name in ("spoken_emoji", "speech") else {}))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"files": 3}', "{}"])
def test_a_damaged_manifest(copy, content):
    (copy / "manifest.json").write_text(content)
    said = message()
    assert "manifest.json is damaged" in said and "git checkout -- data/emoji/manifest.json" in said


def test_a_missing_manifest(copy):
    (copy / "manifest.json").unlink()
    said = message()
    assert "manifest.json is missing" in said and "git checkout -- data/emoji/manifest.json" in said


@pytest.mark.parametrize("name", SETS)
def test_a_build_that_was_stopped_is_not_taken_for_a_set(copies, name):
    home, file = copies(name), SETS[name][1]
    manifest = json.loads((home / "manifest.json").read_text())
    del manifest["files"][file]
    (home / "manifest.json").write_text(json.dumps(manifest))
    said = message(name)
    assert "not complete" in said and f"mmlearn data build {name}" in said
    (home / file).unlink()
    del manifest["counts"]
    (home / "manifest.json").write_text(json.dumps(manifest))
    (problem,) = data.check(name)
    assert "that of a build that was stopped" in problem


def test_a_file_that_does_not_belong_is_named(copy):
    shutil.copy(copy / "concepts.parquet", copy / "images" / "apple.parquet")
    (problem,) = data.check("emoji")
    assert "apple.parquet" in problem


@pytest.mark.parametrize("name", SETS)
def test_a_wrong_number_in_the_card_is_found(copies, name, monkeypatch):
    monkeypatch.setattr(build_emoji, "_find_blank_pictures", lambda rows: [])  # not what is tested here, and slow
    monkeypatch.setattr(build_stamps, "_find_blank_pictures", lambda rows: [])
    card = copies(name) / "README.md"
    text = card.read_text(encoding="utf-8")
    first = text[text.index("<!-- counts -->") :].splitlines()[1]
    for wrong in (text.replace(first, "1" + first), text.replace("<!-- counts -->", ""), None):
        card.unlink() if wrong is None else card.write_text(wrong, encoding="utf-8")
        (problem,) = data.check(name)
        assert "README.md" in problem and f"git checkout -- data/{name}/README.md" in problem


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("stamps", "Caroline Ford"),
        ("stamps_audio", "Caroline Ford"),
        ("speech", "Carlo Flora"),
        ("music", "Manolo Camp"),
        ("tones", "Chu Lo"),
    ],
)
def test_credits_that_leave_somebody_out_are_found(copies, name, who, monkeypatch):
    monkeypatch.setattr(build_stamps, "_find_blank_pictures", lambda rows: [])
    credits = copies(name) / "CREDITS.md"
    text = credits.read_text(encoding="utf-8")
    credits.write_text(text.replace(who, "Nobody"), encoding="utf-8")
    (problem,) = data.check(name)
    assert "CREDITS.md" in problem and f"git checkout -- data/{name}/CREDITS.md" in problem


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
