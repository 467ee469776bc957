"""The `tones` set: Mandarin syllables in five tones, by two speakers. Its card is `data/tones/README.md`.

Two things are held out, each whole: syllables (whatever their tone), and a speaker.
"""

from dataclasses import dataclass
from pathlib import Path

from mmlearn import paths
from mmlearn.data import rows
from mmlearn.data.packages import DebianPackage
from mmlearn.data.tones_rules import is_held_out

PACKAGE = DebianPackage(
    name="gcin-voice",
    version="0~20170223-3",
    sha256="6a0353f0294d06f7bd901bada3d5d9eec63b66c2ec029f92da3124d93d45de70",
    licence="CC-BY-3.0 and (GPL-3.0-only or LGPL-3.0-only)",
    author="Edward Der-Hua Liu; Chu Lo and the ChionMeilin recording team",
)


@dataclass(frozen=True)
class Speaker:
    """Whose recordings: the package's files of that number."""

    number: str
    who: str
    licence: str
    seen: bool  # True: in `train`; False: held out whole


SPEAKERS = {
    "liu": Speaker("3", "Edward Der-Hua Liu", "GPL-3.0-only or LGPL-3.0-only", seen=True),
    "lo": Speaker(
        "5", "Chu Lo (羅竺) and the recording team of ChionMeilin (徵音梅林開發委員會錄音組)", "CC-BY-3.0", seen=False
    ),
}
# split: (True for the seen speaker, True for held-out syllables); None for all.
SPLITS = {
    "train": (True, False),
    "syllables": (True, True),
    "speakers": (False, False),
    "syllables_speakers": (False, True),
    "all": (None, None),
}


def folder() -> Path:
    """Where the committed files are."""
    return paths.root() / "data" / "tones"


def speaker_file(speaker: str) -> str:
    """The shard of a speaker, relative to `folder()`."""
    return f"{speaker}.parquet"


def load(split: str = "train"):
    """The clips of a split, as a `datasets.Dataset`; `mmlearn.data.load` describes it."""
    rows.check_split("tones", split, SPLITS)
    import pyarrow as pa
    import pyarrow.compute as pc

    seen, wants_held_out = SPLITS[split]
    chosen = [name for name, each in SPEAKERS.items() if seen in (None, each.seen)]
    table = pa.concat_tables([rows.read(folder(), speaker_file(name)) for name in chosen])
    if wants_held_out is not None:
        kept = [each for each in set(table["syllable"].to_pylist()) if is_held_out(each) == wants_held_out]
        table = table.filter(pc.is_in(table["syllable"], pa.array(sorted(kept))))
    return rows.to_dataset(table.combine_chunks(), "tones", split, credit())


def credit(speakers=None) -> str:
    """The attribution of these speakers (default: both), in one line."""
    unknown = sorted(set(speakers or ()) - set(SPEAKERS))
    if unknown:
        raise ValueError(f"The tones set has no speaker {unknown[0]!r}. It has: {', '.join(SPEAKERS)}.")
    chosen = [each for name, each in SPEAKERS.items() if speakers is None or name in speakers]
    makers = "; ".join(f"{each.who} ({each.licence})" for each in chosen)
    return f"Mandarin syllables of gcin-voice, trimmed, at 16 kHz: {makers}. See data/tones/CREDITS.md."
