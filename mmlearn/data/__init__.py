"""The committed data sets, as `datasets` objects that need no network.

    from mmlearn import data
    train = data.load("emoji", split="train", size=32)
    train[0]["image"], train[0]["label_en"]
    images = data.to_tensor(train)   # uint8 [N, 3, 32, 32]

Sounds are bytes in the column `audio`: `mmlearn.data.sound` makes waveforms of them.

A set is a module of this package with `SPLITS`, `load`, `credit` and `folder`, and a module `build_NAME` with `build`
and `check`. Each has a card in `data/NAME/README.md`.
"""

import importlib

from mmlearn.data.shards import DataError

__all__ = ["SETS", "DataError", "build", "check", "credit", "load", "splits", "table", "to_tensor"]

SETS = ("emoji", "stamps", "stamps_audio", "spoken_emoji", "speech", "music", "tones", "keywords")


def load(name: str, split: str | None = None, **options):
    """A split of a committed set (default: its first one), as a `datasets.Dataset`. Nothing is downloaded.

    emoji (options: `size`, 8 to 64 pixels, default 32): one row a picture; the drawings of one concept stand together.
        image       PIL image, RGB, `size` by `size`, on white; decoded when it is looked at
        style       who drew it and how: "twemoji", "fluent-3d", ...; `vendor` joins the styles of one hand
        codepoint   the concept: "1F600", or "1F43B-200D-2744-FE0F"; `emoji` is the character itself
        group, subgroup           its place in Unicode's list: "smileys-emotion", "face-smiling"
        label_xx, tags_xx         name (str) and other words for it (list of str); xx is en, ru, es, fr, de or it
        group_xx, subgroup_xx     the names of its group and subgroup in that language
      Splits: train; concepts (concepts that train does not show); noto and openmoji (styles that train does not show);
      noto_concepts and openmoji_concepts (neither); all.

    stamps (options: `size`, 8 to 64 pixels, default 32): photographs and drawings of things, one row a picture.
        image       PIL image, RGB, `size` by `size`, on white
        name        the stamp: "animals/birds/duck"; `category` "animals" and `subcategory` "birds" or None
        item        the same for variants of one thing (stamps with the same caption): the name of the first of them
        kind        "photo" or "drawing"
        label_en    what is seen, in a few words: "duck"
        caption_xx  "A duck."; xx is en, ru, fr, es or de; None where there is no translation
      Splits: all; photos; drawings.

    stamps_audio (options: `language`, "ru" or "fr", default both): what belongs to stamps and is heard, one row a clip.
        name, item  the stamp's, as in `stamps`
        kind        "caption" (read aloud) or "sound" (that the thing makes)
        language    "ru" or "fr" of a caption, else None; `text`, what is said, else None
        audio       bytes: mono, 16 kHz, Ogg-Opus; `seconds` is its length
      Splits: all; captions; sounds.

    spoken_emoji (options: `language`, default "en"; "ru", or None for both): names of emoji in synthetic voices.
        codepoint   the concept, as in `emoji`
        voice       who says it: "us-f2", ...; `language`, and `text`, the name that is said
        audio       bytes: mono, 16 kHz, Ogg-Opus; `seconds` is its length
      Splits: train; voices (that train does not use); concepts (that train does not name); voices_concepts (neither);
      all.

    speech (options: `language`, default "en"; "ru", "fr", "es", "it", or None for all): studio prompts.
        prompt      what the clip is called; one prompt in two languages says the same: "digits/7", "vm-goodbye"
        language    "en", ...; `speaker`, "allison" in English and Spanish, another in each other language
        transcript  what is said, as its publisher wrote it: "Thank you.", "Press 1 for"
        split       "train", "valid" or "test": the same words, and one prompt in all languages, stand in one
        audio       bytes: mono, 16 kHz, Ogg-Opus; `seconds` is its length
      Splits: train; valid; test; lossless (the English clips of test, as FLAC); all.

    music: excerpts of 30 seconds of five tracks.
        track       "macroform-cold_day", by `artist`, called `title`; `start`, where in the track, in seconds
        split       "train", "valid" or "test": each track stands whole in one
        audio       bytes: mono, 16 kHz, Ogg-Opus; `seconds` is its length
      Splits: train; valid; test; lossless (the excerpts of test, as FLAC); all.

    tones: Mandarin syllables, spoken alone.
        syllable    pinyin without the tone: "ma", "lüe"; `zhuyin`, the same in bopomofo
        tone        1 to 4, or 5 for the neutral one
        speaker     "liu" or "lo"
        audio       bytes: mono, 16 kHz, Ogg-Opus; `seconds` is its length
      Splits: train; syllables (that train does not say, in any tone); speakers (one that train does not use);
      syllables_speakers (neither); all.

    keywords (options: `group`, "number", "ordinal", "day", "month", "alphabet", "sign" or "other"; default all): single
    English words.
        word        what is said: "seven"; `group`, what kind of word it is
        voice       who says it: "us-f2", ... or, in the split real, "allison"
        audio       bytes: mono, 16 kHz, Ogg-Opus; `seconds` is its length
      Splits: train; voices (synthetic ones that train does not use); real (prompts of `speech`); all (synthetic ones).

    Raises:
        ValueError: no such set, split, size, language or group; the message lists what there is.
        DataError: a file is missing or damaged; the message names the command that mends it.
    """
    module = _module(name)
    return module.load(next(iter(module.SPLITS)) if split is None else split, **options)


def splits(name: str) -> tuple[str, ...]:
    """The names of a set's splits."""
    return tuple(_module(name).SPLITS)


def credit(name: str, shown=None) -> str:
    """The line that must stand beside whatever shows pictures, sounds or texts of this set.

    Args:
        shown: what is shown, as a set of styles of emoji (`set(dataset["style"])`), of names of stamps, of voices,
            languages, tracks or speakers; default: all of the set.
    """
    return _module(name).credit(shown)


def table(name: str) -> list[dict]:
    """A table of a paper, from `data/tables/`: a list of dicts. Cells that read as numbers are numbers.

    Raises:
        ValueError: there is no such table; the message lists all.
    """
    from mmlearn.data.tables import read_table
    from mmlearn.paths import root

    file = root() / "data" / "tables" / f"{name}.csv"
    if not file.exists():
        known = ", ".join(sorted(path.stem for path in file.parent.glob("*.csv")))
        raise ValueError(f"There is no table {name!r}. There is: {known}.")
    return read_table(file)


def to_tensor(dataset, column: str = "image"):
    """The images of a data set as one tensor: uint8 [N, 3, H, W], from 0 (black) to 255.

    Raises:
        ValueError: the data set is empty, or its images differ in size.
    """
    import numpy as np
    import torch

    if len(dataset) == 0:
        raise ValueError("The data set is empty: there are no images to stack.")
    images = None
    for row, image in enumerate(dataset[column]):
        if images is None:
            images = np.empty((len(dataset), image.height, image.width, 3), np.uint8)
        if (image.height, image.width) != images.shape[1:3]:
            raise ValueError(f"Image {row} is {image.height} x {image.width}, image 0 is {images.shape[1:3]}.")
        images[row] = image if image.mode == "RGB" else image.convert("RGB")
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def build(name: str, out=None) -> None:
    """Make a set again from its pinned packages: the same bytes each time. Finished shards are kept.

    Args:
        out: the folder to write; default: the set's own.

    Raises:
        DataError: a tool is missing, or a package is not the pinned one.
    """
    _module(name, "build_").build(out)


def check(name: str | None = None) -> list[str]:
    """What is wrong with a set (default: with every set), one sentence each; an empty list when all is well."""
    names = SETS if name is None else (name,)
    return [problem for each in names for problem in _module(each, "build_").check()]


def _module(name: str, prefix: str = ""):
    if name not in SETS:
        raise ValueError(f"There is no data set {name!r}. There is: {', '.join(SETS)}.")
    return importlib.import_module(f"mmlearn.data.{prefix}{name}")
