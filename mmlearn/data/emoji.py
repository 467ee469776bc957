"""The `emoji` set: one concept drawn by several hands, named in six languages. Its card is `data/emoji/README.md`.

Two things are held out, so that a lesson can ask two questions apart:
- styles, whole vendors at a time (`noto` is the easy shift, `openmoji` the hard one);
- concepts, 10 % of them, chosen by their code points (`emoji_rules.is_held_out`).
"""

from functools import lru_cache
from pathlib import Path

from mmlearn import paths
from mmlearn.data import shards
from mmlearn.data.emoji_rules import is_held_out
from mmlearn.data.emoji_sources import STYLES, TEXT_CREDIT

STORED_SIZE = 64  # pixels
SMALLEST_SIZE = 8
LANGUAGES = ("en", "ru", "es", "fr", "de", "it")
GROUPS = (
    "smileys-emotion",
    "people-body",
    "animals-nature",
    "food-drink",
    "travel-places",
    "activities",
    "objects",
    "symbols",
)

_SEEN = tuple(style for style in STYLES if STYLES[style].seen)
_NOTO = tuple(style for style in STYLES if STYLES[style].vendor == "noto")
_OPENMOJI = tuple(style for style in STYLES if STYLES[style].vendor == "openmoji")

# split: (its styles, True for the held-out concepts, False for the others, None for all).
SPLITS = {
    "train": (_SEEN, False),
    "concepts": (_SEEN, True),
    "noto": (_NOTO, False),
    "openmoji": (_OPENMOJI, False),
    "noto_concepts": (_NOTO, True),
    "openmoji_concepts": (_OPENMOJI, True),
    "all": (tuple(STYLES), None),
}

CONCEPTS_FILE = "concepts.parquet"


def folder() -> Path:
    """Where the committed files are."""
    return paths.root() / "data" / "emoji"


def style_file(style: str) -> str:
    """The shard of a style, relative to `folder()`."""
    return f"images/{style}.parquet"


def load(split: str = "train", size: int = 32):
    """The pictures of a split with their texts, as a `datasets.Dataset`; `mmlearn.data.load` describes it."""
    if split not in SPLITS:
        raise ValueError(f"The emoji set has no split {split!r}. It has: {', '.join(SPLITS)}.")
    if isinstance(size, bool) or not isinstance(size, int) or not SMALLEST_SIZE <= size <= STORED_SIZE:
        raise ValueError(f"size must be a whole number of pixels from {SMALLEST_SIZE} to {STORED_SIZE}, not {size!r}.")
    import datasets

    from mmlearn.data.picture import Picture

    datasets.disable_progress_bars()  # reading and filtering a few thousand rows takes a moment
    table = _table(folder(), split)
    features = datasets.Features.from_arrow_schema(table.schema)
    features["image"] = Picture(size=size)
    return datasets.Dataset(
        datasets.table.InMemoryTable(table),
        info=datasets.DatasetInfo(features=features, dataset_name="emoji", license=credit(SPLITS[split][0])),
        split=datasets.NamedSplit(split),
    )


def credit(styles=None) -> str:
    """The attribution of these styles (default: all) and of their texts, in one line."""
    unknown = sorted(set(styles or ()) - set(STYLES))
    if unknown:
        raise ValueError(f"The emoji set has no style {unknown[0]!r}. It has: {', '.join(STYLES)}.")
    chosen = [style for style in STYLES if styles is None or style in styles]
    pictures = "; ".join(STYLES[style].credit for style in chosen)
    return f"Emoji pictures, drawn at {STORED_SIZE} px on white: {pictures}; {TEXT_CREDIT}. See data/emoji/CREDITS.md."


@lru_cache(maxsize=16)
def _read(home: Path, file: str):
    """A shard as an Arrow table: read and verified once in a process."""
    import pyarrow.parquet as parquet
    from pyarrow import BufferReader

    content = shards.read_shard(home, file, shards.read_manifest(home))
    return parquet.read_table(BufferReader(content)).replace_schema_metadata(None)


def _table(home: Path, split: str):
    """The Arrow table of a split: concepts in the order of Unicode's list, the drawings of each in that of `STYLES`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    styles, wants_held_out = SPLITS[split]
    concepts = _read(home, CONCEPTS_FILE)
    drawings = []
    for number, style in enumerate(styles):
        drawing = _read(home, style_file(style))
        constants = {"style": style, "vendor": STYLES[style].vendor, "number": number}
        for name, value in constants.items():
            drawing = drawing.append_column(name, pa.repeat(value, len(drawing)))
        drawings.append(drawing)
    table = pa.concat_tables(drawings)
    table = table.append_column("row", pc.index_in(table["codepoint"], concepts["codepoint"].combine_chunks()))
    if wants_held_out is not None:
        chosen = [code for code in concepts["codepoint"].to_pylist() if is_held_out(code) == wants_held_out]
        table = table.filter(pc.is_in(table["codepoint"], pa.array(chosen)))
    table = table.sort_by([("row", "ascending"), ("number", "ascending")])
    texts = concepts.take(table["row"]).drop_columns("codepoint")
    table = table.select(["image", "style", "vendor", "codepoint"])
    for name in texts.column_names:
        table = table.append_column(name, texts[name])
    return table.combine_chunks()
