"""The `stamps_audio` set: captions of stamps read aloud, and sounds that things make.

Its card is `data/stamps_audio/README.md`. Each clip belongs to a stamp of the `stamps` set, by the column `name`.
"""

from pathlib import Path

from mmlearn import paths
from mmlearn.data import rows

LANGUAGES = ("ru", "fr")
CAPTION_FILES = {language: f"captions_{language}.parquet" for language in LANGUAGES}
SOUND_FILE = "sounds.parquet"
SPLITS = {  # split: its files
    "all": (SOUND_FILE, *CAPTION_FILES.values()),
    "captions": tuple(CAPTION_FILES.values()),
    "sounds": (SOUND_FILE,),
}
LONGEST_SOUND = 5.0  # seconds


def folder() -> Path:
    """Where the committed files are."""
    return paths.root() / "data" / "stamps_audio"


def load(split: str = "all", language: str | None = None):
    """The clips of a split, as a `datasets.Dataset`; `mmlearn.data.load` describes it."""
    rows.check_split("stamps_audio", split, SPLITS)
    if language not in (None, *LANGUAGES):
        raise ValueError(f"language is one of {', '.join(LANGUAGES)}, or None for all, not {language!r}.")
    if language and split == "sounds":
        raise ValueError('The split "sounds" has no language: leave out `language`, or load the split "captions".')
    import pyarrow as pa

    left_out = {file for code, file in CAPTION_FILES.items() if language not in (None, code)}
    tables = [rows.read(folder(), file) for file in SPLITS[split] if file not in left_out]
    table = pa.concat_tables(tables).sort_by(
        [("name", "ascending"), ("kind", "descending"), ("language", "descending")]
    )
    return rows.to_dataset(table.combine_chunks(), "stamps_audio", split, credit())


def credit(names=None) -> str:
    """The attribution of the clips of these stamps (default: all), in one line."""
    from mmlearn.data.stamps_sources import PACKAGE, SOUND_CREDITS, SPEAKERS, UNNAMED, credit_of

    found = SOUND_CREDITS if names is None else [credit_of(name, SOUND_CREDITS) for name in sorted(names)]
    makers = dict.fromkeys(f"{one.who} ({one.licence})" if one.licence else one.who for one in found)
    makers.pop(UNNAMED, None)
    return (
        f"Sounds and spoken captions of Tux Paint's stamps, trimmed, at 16 kHz: {UNNAMED} ({PACKAGE.licence})"
        f"; voices: {'; '.join(SPEAKERS.values())}"
        f"{'; sounds: ' + '; '.join(makers) if makers else ''}. See data/stamps_audio/CREDITS.md."
    )
