"""The `spoken_emoji` set: names of emoji spoken by synthetic voices. Its card is `data/spoken_emoji/README.md`.

Two things are held out, as in `emoji`: voices, and the concepts that `emoji` holds out too.
"""

from dataclasses import dataclass
from pathlib import Path

from mmlearn import paths
from mmlearn.data import rows
from mmlearn.data.emoji_rules import is_held_out


@dataclass(frozen=True)
class Voice:
    """A voice of espeak-ng: whose accent, whose vocal tract, how fast and how high."""

    language: str  # the emoji's names that it speaks
    espeak: str  # accent+variant, as espeak-ng's -v wants it
    speed: int  # words a minute; each clip is spoken somewhat faster or slower
    pitch: int  # from 0 to 99; each clip somewhat higher or lower
    seen: bool  # True: in `train`; False: held out whole


VOICES = {
    "us-f2": Voice("en", "en-us+f2", 165, 55, seen=True),
    "gb-m3": Voice("en", "en-gb+m3", 150, 40, seen=True),
    "scotland-f5": Voice("en", "en-gb-scotland+f5", 175, 65, seen=True),
    "caribbean-m7": Voice("en", "en-029+m7", 160, 50, seen=True),
    "rp-f4": Voice("en", "en-gb-x-rp+f4", 170, 45, seen=False),
    "nyc-m1": Voice("en", "en-us-nyc+m1", 155, 65, seen=False),
    "ru-m3": Voice("ru", "ru+m3", 155, 45, seen=True),
    "ru-f5": Voice("ru", "ru+f5", 165, 60, seen=False),
}
LANGUAGES = ("en", "ru")
# split: (True for seen voices, True for held-out concepts); None for all.
SPLITS = {
    "train": (True, False),
    "voices": (False, False),
    "concepts": (True, True),
    "voices_concepts": (False, True),
    "all": (None, None),
}


def folder() -> Path:
    """Where the committed files are."""
    return paths.root() / "data" / "spoken_emoji"


def voice_file(voice: str) -> str:
    """The shard of a voice, relative to `folder()`."""
    return f"{voice}.parquet"


def load(split: str = "train", language: str | None = "en"):
    """The clips of a split, as a `datasets.Dataset`; `mmlearn.data.load` describes it."""
    rows.check_split("spoken_emoji", split, SPLITS)
    if language not in (None, *LANGUAGES):
        raise ValueError(f"language is one of {', '.join(LANGUAGES)}, or None for all, not {language!r}.")
    import pyarrow as pa
    import pyarrow.compute as pc

    seen, wants_held_out = SPLITS[split]
    tables = []
    for name, voice in VOICES.items():
        if seen in (None, voice.seen) and language in (None, voice.language):
            tables.append(rows.read(folder(), voice_file(name)))
    table = pa.concat_tables(tables)
    if wants_held_out is not None:
        chosen = [code for code in set(table["codepoint"].to_pylist()) if is_held_out(code) == wants_held_out]
        table = table.filter(pc.is_in(table["codepoint"], pa.array(chosen)))
    return rows.to_dataset(table.combine_chunks(), "spoken_emoji", split, credit())


def credit(voices=None) -> str:
    """The attribution of these voices (default: all) and of the names that they speak, in one line."""
    unknown = sorted(set(voices or ()) - set(VOICES))
    if unknown:
        raise ValueError(f"The spoken_emoji set has no voice {unknown[0]!r}. It has: {', '.join(VOICES)}.")
    from mmlearn.data.emoji_sources import TEXT_CREDIT

    return f"Synthetic speech by eSpeak NG; {TEXT_CREDIT}. See data/spoken_emoji/README.md."
