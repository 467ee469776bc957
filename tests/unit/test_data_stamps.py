"""The committed stamps: what `load` hands out, the rules, the credits; and how pictures and captions are read."""

import io
import re
from collections import Counter

import pytest
from PIL import Image

from mmlearn import data
from mmlearn.data import build_stamps, shards, stamps
from mmlearn.data.building import is_blank
from mmlearn.data.stamps_files import read_captions
from mmlearn.data.stamps_rules import (
    DRAWINGS,
    DROPPED_NAMES,
    KEPT_OF_DROPPED,
    LABELS,
    item_key,
    kind,
    label,
    why_dropped,
)
from mmlearn.data.stamps_sources import CREDITS, PACKAGE, SOUND_CREDITS, UNNAMED, credit_of, credits_table


@pytest.fixture(scope="module")
def everything():
    return data.load("stamps", split="all", size=64)


def test_a_row_is_a_picture_with_captions():
    rows = data.load("stamps")
    (duck,) = rows.filter(lambda name: name == "animals/birds/duck", input_columns="name")
    assert duck["image"].size == (32, 32) and duck["image"].mode == "RGB"
    assert (duck["category"], duck["subcategory"], duck["kind"]) == ("animals", "birds", "photo")
    assert (duck["label_en"], duck["caption_en"], duck["caption_ru"]) == ("duck", "A duck.", "Утка.")
    assert (duck["caption_fr"], duck["caption_es"], duck["caption_de"]) == ("Un canard.", "Un pato.", "Eine Ente.")
    assert data.to_tensor(rows.select(range(3))).shape == (3, 3, 32, 32)


def test_the_splits_are_the_kinds(everything):
    names = {split: data.load("stamps", split=split)["name"][:] for split in data.splits("stamps")}
    assert list(names) == ["all", "photos", "drawings"]
    assert set(names["photos"]) | set(names["drawings"]) == set(names["all"]) == set(everything["name"])
    assert not set(names["photos"]) & set(names["drawings"])
    assert len(names["all"]) == len(set(names["all"])) > 600 and min(map(len, names.values())) > 300
    assert everything["name"][:] == sorted(everything["name"])


def test_variants_of_one_thing_are_one_item(everything):
    captions = {}
    for row in everything.remove_columns("image"):
        captions.setdefault(row["item"], set()).add(item_key(row["caption_en"]))
    assert all(len(each) == 1 for each in captions.values())
    assert len(captions) == len({next(iter(each)) for each in captions.values()})
    assert set(captions) <= set(everything["name"])
    items = dict(zip(everything["name"], everything["item"], strict=True))
    assert items["animals/amphibians/frog-1"] == "animals/amphibians/frog"


def test_pictures_fill_their_square_and_show_something(everything):
    sides = []
    for row in everything:
        assert not is_blank(row["image"]), row["name"]
        left, upper, right, lower = Image.eval(row["image"], lambda value: 255 - value).getbbox()
        sides.append(max(right - left, lower - upper))
    assert min(sides) >= 48  # a few have faint margins
    assert sum(side >= 62 for side in sides) > 0.95 * len(sides)
    corners = [row["image"].getpixel((0, 0)) == (255, 255, 255) for row in everything]
    assert sum(corners) > 0.9 * len(corners)


def test_nothing_dropped_is_left_and_every_exception_is_used(everything):
    names = set(everything["name"])
    assert not [
        row["name"] for row in everything.remove_columns("image") if why_dropped(row["name"], row["caption_en"])
    ]
    assert names >= KEPT_OF_DROPPED and names >= set(LABELS) and names >= DRAWINGS
    assert not names & set(DROPPED_NAMES)


@pytest.mark.parametrize("language", stamps.LANGUAGES)
def test_captions_are_clean(everything, language):
    captions = [text for text in everything[f"caption_{language}"] if text is not None]
    assert len(captions) > 0.98 * len(everything)
    assert all(text and text == " ".join(text.split()) and "utf8=" not in text for text in captions)
    if language == "ru":
        assert all(re.search("[а-я]", text, re.IGNORECASE) for text in captions)


def test_labels_are_short(everything):
    labels = everything["label_en"][:]
    assert all(text and len(text.split()) <= 5 and not re.match("(?:An?|The) ", text) for text in labels)
    assert not [text for text in labels if re.search("[.!?]", text)]


@pytest.mark.parametrize(
    ("name", "caption", "kept"),
    [
        ("animals/birds/duck", "A duck.", True),
        ("household/tools/measuring_tape_mirror", None, False),
        ("symbols/alphabets/english/filled/lowercase/a_filled", "Lowercase a.", False),
        ("symbols/math/operators/plus", "Plus.", False),
        ("symbols/money/euro/coins/001", "A European coin of 1 cent (0.01 €).", False),
        ("symbols/chess/b_1_king", "King.", False),
        ("symbols/shapes/star", "A star.", False),
        ("symbols/clock", "A clock.", True),
        ("town/flags/redflag", "A red flag.", False),
        ("town/roadsigns/stop", "A “Stop” sign.", False),
        ("town/roadsigns/traffic_cone", "A traffic cone.", True),
        ("seasonal/hanukkah/dreydl", "A dreidel.", True),
        ("seasonal/hanukkah/dreydl-nun", "Nun stands for nisht or nothing.", False),
        ("seasonal/halloween/ghost", "A ghost.", False),
        ("food/fruit/pineapple", "A pineapple.", False),  # of a picture agency
        ("food/fruit/cartoon/pineapple", "A pineapple.", True),
    ],
)
def test_what_is_left_out(name, caption, kept):
    assert (why_dropped(name, caption) is None) is kept


@pytest.mark.parametrize(
    ("name", "is_vector", "said"),
    [
        ("animals/birds/duck", False, "photo"),
        ("animals/birds/swallow", True, "drawing"),
        ("animals/birds/cartoon/tux", False, "drawing"),
        ("seasonal/easter/chick", False, "drawing"),
        ("clothes/t_sock", False, "drawing"),
    ],
)
def test_photograph_or_drawing(name, is_vector, said):
    assert kind(name, is_vector) == said


@pytest.mark.parametrize(
    ("caption", "said"),
    [
        ("A duck.", "duck"),
        ("An albino peahen (a female peafowl, or peacock).", "albino peahen"),
        ("A “Fuji” apple.", "Fuji apple"),
        ("A pair of glasses.", "glasses"),
        ("A bulldozer. It pushes dirt with a big shovel.", "bulldozer"),
        ("A stethoscope lets your doctor listen to your heart.", "stethoscope"),
        ("The caboose—a carriage for the guard.", "caboose"),
        ("Mind your head!", "Mind your head!"),  # nothing is named: the caption itself
        ("A thing of six words or so.", "A thing of six words or so."),
    ],
)
def test_labels(caption, said):
    assert label("x/y", caption) == said


def test_captions_are_read_by_language():
    text = "A  duck. \nde.utf8=Eine Ente.\nru.utf8= Утка.\nfr.utf8=A duck.\nes.utf8=\nzh_CN.utf8=鸭子。\n".encode()
    assert read_captions(text) == {"en": "A duck.", "ru": "Утка.", "fr": None, "es": None, "de": "Eine Ente."}
    assert read_captions(b"")["en"] is None
    with pytest.raises(data.DataError, match="not UTF-8"):
        read_captions(b"\xff\xfe A")


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_a_picture_loses_its_margins_and_keeps_its_shape():
    image = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    image.paste((200, 0, 0, 255), (10, 40, 50, 60))  # twice as wide as high
    drawn = build_stamps.draw(png(image), is_vector=False)
    assert drawn.size == (64, 64) and drawn.mode == "RGB"
    assert [drawn.getpixel((x, 32)) for x in (0, 63)] == [(200, 0, 0)] * 2
    assert [drawn.getpixel((32, y)) for y in (0, 15, 48, 63)] == [(255, 255, 255)] * 4
    assert [drawn.getpixel((32, y)) for y in (17, 46)] == [(200, 0, 0)] * 2


def test_a_vector_in_points_is_drawn_and_one_that_asks_for_a_file_is_not():
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40pt" height="20pt">{}</svg>'
    drawn = build_stamps.draw(svg.format('<path fill="#00f" d="M5 5h20v10H5z"/>').encode(), is_vector=True)
    assert drawn.getpixel((32, 32)) == (0, 0, 255) and drawn.getpixel((32, 5)) == (255, 255, 255)
    with pytest.raises(data.DataError, match="another file"):
        build_stamps.draw(svg.format('<image width="9" height="9" href="secret.png"/>').encode(), is_vector=True)


def test_a_transparent_picture_is_refused():
    with pytest.raises(data.DataError, match="nothing in it"):
        build_stamps.draw(png(Image.new("RGBA", (9, 9), (0, 0, 0, 0))), is_vector=False)


def test_every_line_of_the_credits_names_a_stamp(everything):
    names, sounds = everything["name"][:], data.load("stamps_audio", split="sounds")["name"][:]
    for credits, known in ((CREDITS, names), (SOUND_CREDITS, sounds)):
        for credit in credits:
            for pattern in credit.names.split():
                assert credits_table(known, (type(credit)("x", "", pattern),)).keys() - {None}, pattern
    table = credits_table(names)
    assert sorted(name for listed in table.values() for name in listed) == names
    assert len(table[None]) < 0.2 * len(names)


def test_who_made_it_is_named(everything):
    credit = data.credit("stamps")
    assert UNNAMED in credit and PACKAGE.licence in credit and "data/stamps/CREDITS.md" in credit
    some = data.credit("stamps", {"animals/birds/pelican", "animals/birds/cartoon/tux"})
    assert "Erinn Lynch" in some and "CC BY-SA 2.5" in some and "Jim Trice" not in some
    with pytest.raises(ValueError, match="no stamp 'animals/unicorn'"):
        data.credit("stamps", ["animals/unicorn"])
    assert credit_of("animals/unicorn").who == UNNAMED
    written = (stamps.folder() / "CREDITS.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in written for name in everything["name"])
    assert "GNU GENERAL PUBLIC LICENSE" in (stamps.folder() / "licences" / "GPL-2.0.txt").read_text(encoding="utf-8")


def test_counts_agree_with_manifest_and_card(everything):
    counts = shards.read_manifest(stamps.folder())["counts"]
    card = (stamps.folder() / "README.md").read_text(encoding="utf-8")
    assert counts["images"] == len(everything) and counts["items"] == len(set(everything["item"]))
    assert f"{counts['images']:,} images of {counts['items']:,} items." in card
    for name, number in Counter(everything["kind"]).items():
        assert f"| `{name}s` | {number} |" in card


def test_the_committed_set_passes_its_own_check():
    assert data.check("stamps") == []


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: data.load("stamps", split="train"), "photos"),
        (lambda: data.load("stamps", size=65), "8 to 64"),
    ],
)
def test_a_wrong_argument_is_answered_with_the_right_ones(call, named):
    with pytest.raises(ValueError, match=named):
        call()
