"""The committed emoji set: what `load` hands out, the splits, the texts, and the numbers in the card."""

import re
import socket
from collections import Counter

import pytest
import torch

from mmlearn import data
from mmlearn.data import emoji, shards
from mmlearn.data import rows as shard_rows
from mmlearn.data.emoji_rules import RELATIVES, is_held_out
from mmlearn.data.emoji_sources import STYLES


@pytest.fixture(scope="module")
def everything():
    return data.load("emoji", split="all", size=8)


@pytest.fixture(scope="module")
def keys():
    """{split: list of (codepoint, style, vendor)}."""
    columns = ("codepoint", "style", "vendor")
    sets = {split: data.load("emoji", split=split) for split in data.splits("emoji")}
    return {split: list(zip(*(rows[name][:] for name in columns), strict=True)) for split, rows in sets.items()}


def test_an_item_is_a_picture_with_its_names():
    rows = data.load("emoji")
    first = rows[0]
    assert first["image"].size == (32, 32) and first["image"].mode == "RGB"
    assert (first["codepoint"], first["emoji"], first["label_en"]) == ("1F600", "😀", "grinning face")
    assert (first["group"], first["subgroup"]) == ("smileys-emotion", "face-smiling")
    assert "лицо" in first["tags_ru"]


@pytest.mark.parametrize("size", [8, 31, 64])
def test_every_way_to_look_at_a_picture_gives_the_size_asked_for(size):
    rows = data.load("emoji", split="openmoji_concepts", size=size)
    foxes = rows.filter(lambda row: row["group"] == "animals-nature").select([1, 0])
    pictures = [rows[0]["image"], rows["image"][-1], rows[2:4]["image"][1], foxes[0]["image"]]
    assert [picture.size for picture in pictures] == [(size, size)] * 4
    assert rows.with_format("torch")[0]["image"].shape == (3, size, size)
    assert rows.map(lambda row: {"length": len(row["label_en"])})[0]["image"].size == (size, size)


def test_to_tensor_is_the_pictures_in_order(everything):
    rows = everything.shuffle(seed=1).select(range(20))
    images = data.to_tensor(rows)
    assert images.shape == (20, 3, 8, 8) and images.dtype == torch.uint8 and images.is_contiguous()
    for row in (0, 7, 19):
        picture = rows[row]["image"]
        assert tuple(images[row, :, 3, 5].tolist()) == picture.getpixel((5, 3))


def test_to_tensor_refuses_what_it_cannot_stack():
    small, large = (data.load("emoji", split="openmoji", size=size).select([0]) for size in (8, 9))
    with pytest.raises(ValueError, match="empty"):
        data.to_tensor(small.select([]))
    mixed = {"image": [small[0]["image"], large[0]["image"]]}

    class Mixed(dict):
        def __len__(self):
            return 2

    with pytest.raises(ValueError, match="Image 1 is 9 x 9"):
        data.to_tensor(Mixed(mixed))


def test_a_data_loader_with_workers_reads_it():
    rows = data.load("emoji", split="noto_concepts", size=16).select(range(8))
    sizes = lambda batch: [row["image"].size for row in batch]
    loader = torch.utils.data.DataLoader(rows, batch_size=4, num_workers=1, collate_fn=sizes)
    assert list(loader) == [[(16, 16)] * 4] * 2


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: data.load("emojis"), "emoji"),
        (lambda: data.load("emoji", split="test"), "noto_concepts"),
        (lambda: data.load("emoji", size=65), "8 to 64"),
        (lambda: data.load("emoji", size=7), "8 to 64"),
        (lambda: data.load("emoji", size=32.0), "8 to 64"),
        (lambda: data.load("emoji", size=True), "8 to 64"),
        (lambda: data.credit("emoji", ["apple"]), "twemoji"),
        (lambda: data.check("emojis"), "emoji"),
    ],
)
def test_a_wrong_argument_is_answered_with_the_right_ones(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_load_needs_no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("load asked for the network")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    shard_rows.read.cache_clear()
    assert len(data.load("emoji", split="noto_concepts")) > 200


def test_splits_share_no_concept_and_no_vendor(keys):
    concepts = {split: {code for code, _, _ in rows} for split, rows in keys.items()}
    vendors = {split: {vendor for _, _, vendor in rows} for split, rows in keys.items()}
    for seen, unseen in (("train", "concepts"), ("noto", "noto_concepts"), ("openmoji", "openmoji_concepts")):
        assert not concepts[seen] & concepts[unseen]
    assert not concepts["train"] & concepts["noto_concepts"] and not concepts["train"] & concepts["openmoji_concepts"]
    for split in ("noto", "openmoji", "noto_concepts", "openmoji_concepts"):
        assert not vendors["train"] & vendors[split] and vendors["train"] == vendors["concepts"]
    assert {style for _, style, _ in keys["noto"]} == {"noto", "noto-v1"}


def test_splits_are_all_of_it_and_each_picture_once(keys):
    parts = [row for split, rows in keys.items() if split != "all" for row in rows]
    assert Counter(parts) == Counter(keys["all"]) and max(Counter(parts).values()) == 1


def test_one_concept_in_ten_is_held_out_with_its_relatives(keys):
    concepts = {code for code, _, _ in keys["all"]}
    held_out = {code for code in concepts if is_held_out(code)}
    assert held_out == {code for code, _, _ in keys["concepts"]}
    assert 0.08 < len(held_out) / len(concepts) < 0.12
    assert set(RELATIVES) | set(RELATIVES.values()) <= concepts
    for one, other in RELATIVES.items():
        assert (one in held_out) == (other in held_out)


def test_no_two_concepts_differ_only_by_a_variant(everything):
    codes = set(everything["codepoint"])
    tones_and_genders = {"2640", "2642", "1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"}
    assert not [code for code in codes if set(code.split("-")[1:]) & tones_and_genders]
    labels = dict(zip(everything["codepoint"][:], everything["label_en"][:], strict=True))
    assert len(set(labels.values())) == len(labels)
    assert not {"flags", "component"} & set(everything["group"]) and set(everything["group"]) == set(emoji.GROUPS)
    assert not [label for label in labels.values() if "keycap" in label or "o’clock" in label or "skin tone" in label]


def test_every_concept_has_several_hands_one_of_them_seen(keys):
    styles = {}
    for code, style, _ in keys["all"]:
        styles.setdefault(code, set()).add(style)
    assert min(len(drawn) for drawn in styles.values()) >= 4
    assert all({"twemoji", "openmoji", "noto"} <= drawn for drawn in styles.values())


@pytest.mark.parametrize("language", ["en", "ru", "es", "fr", "de", "it"])
def test_every_concept_is_named_in_every_language(everything, language):
    for kind in ("label", "group", "subgroup"):
        assert all(text.strip() for text in everything[f"{kind}_{language}"])
    assert all(tags and all(tags) for tags in everything[f"tags_{language}"])
    if language == "ru":
        assert all(re.search("[а-яё]", text, re.IGNORECASE) for text in everything["group_ru"])


def test_counts_agree_with_manifest_and_card(everything):
    counts = shards.read_manifest(emoji.folder())["counts"]
    card = (emoji.folder() / "README.md").read_text(encoding="utf-8")
    assert counts["images"] == len(everything) and counts["styles"] == dict(Counter(everything["style"]))
    assert f"{counts['images']:,} images of {counts['concepts']:,} concepts." in card
    for style, count in counts["styles"].items():
        assert re.search(rf"\| `{style}` \|.*\| {count:,} \|.*{STYLES[style].package.licence} \|", card)
    for split in data.splits("emoji"):
        assert f"| `{split}` | {len(data.load('emoji', split=split)):,} |" in card
    for group, count in Counter(everything["group"]).items():
        assert f"| `{group}` | {count:,} |" in card


def test_the_committed_set_passes_its_own_check():
    assert data.check("emoji") == []


def test_who_drew_it_is_named_with_licence(everything):
    assert all(style.credit in data.credit("emoji") for style in STYLES.values())
    some = data.credit("emoji", {"openmoji"})
    assert "OpenMoji" in some and "CC BY-SA 4.0" in some and "Twemoji" not in some and "emojibase" in some
    credits = (emoji.folder() / "CREDITS.md").read_text(encoding="utf-8")
    for style in STYLES:
        assert f"`{emoji.style_file(style)}`" in credits
    texts = {path.stem for path in (emoji.folder() / "licences").iterdir()}
    assert {style.package.licence for style in STYLES.values()} <= texts


def test_a_second_load_does_not_read_the_files_again(monkeypatch):
    data.load("emoji", split="openmoji")
    monkeypatch.setattr(shards, "read_shard", lambda *args: pytest.fail("read again"))
    data.load("emoji", split="openmoji_concepts", size=16)
