"""The `emoji` set: one concept drawn by several hands, named in six languages. Its card is `data/emoji/README.md`.

Two things are held out, so that a lesson can ask two questions apart:
- styles, whole vendors at a time (`noto` is the easy shift, `openmoji` the hard one);
- concepts, 10 % of them, chosen by their code points (`emoji_rules.is_held_out`).
"""

from pathlib import Path

from mmlearn import paths
from mmlearn.data import rows
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
    rows.check_split("emoji", split, SPLITS)
    rows.check_size(size, SMALLEST_SIZE, STORED_SIZE)
    from mmlearn.data.picture import Picture

    licence = credit(SPLITS[split][0])
    return rows.to_dataset(_table(folder(), split), "emoji", split, licence, image=Picture(size=size))


def credit(styles=None) -> str:
    """The attribution of these styles (default: all) and of their texts, in one line."""
    unknown = sorted(set(styles or ()) - set(STYLES))
    if unknown:
        raise ValueError(f"The emoji set has no style {unknown[0]!r}. It has: {', '.join(STYLES)}.")
    chosen = [style for style in STYLES if styles is None or style in styles]
    pictures = "; ".join(STYLES[style].credit for style in chosen)
    return f"Emoji pictures, drawn at {STORED_SIZE} px on white: {pictures}; {TEXT_CREDIT}. See data/emoji/CREDITS.md."


def _table(home: Path, split: str):
    """The Arrow table of a split: concepts in the order of Unicode's list, the drawings of each in that of `STYLES`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    styles, wants_held_out = SPLITS[split]
    concepts = rows.read(home, CONCEPTS_FILE)
    drawings = []
    for number, style in enumerate(styles):
        drawing = rows.read(home, style_file(style))
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
