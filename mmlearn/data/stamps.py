"""The `stamps` set: photographs and cartoons of things with captions. Its card is `data/stamps/README.md`."""

from pathlib import Path

from mmlearn import paths
from mmlearn.data import rows

STORED_SIZE = 64  # pixels
SMALLEST_SIZE = 8
LANGUAGES = ("en", "ru", "fr", "es", "de")
KINDS = ("photo", "drawing")
SPLITS = {"all": KINDS, "photos": ("photo",), "drawings": ("drawing",)}  # split: the kinds in it
FILE = "stamps.parquet"


def folder() -> Path:
    """Where the committed files are."""
    return paths.root() / "data" / "stamps"


def load(split: str = "all", size: int = 32):
    """The pictures of a split with their captions, as a `datasets.Dataset`; `mmlearn.data.load` describes it."""
    rows.check_split("stamps", split, SPLITS)
    rows.check_size(size, SMALLEST_SIZE, STORED_SIZE)
    import pyarrow as pa
    import pyarrow.compute as pc

    from mmlearn.data.picture import Picture

    table = rows.read(folder(), FILE)
    table = table.filter(pc.is_in(table["kind"], pa.array(SPLITS[split]))).combine_chunks()
    return rows.to_dataset(table, "stamps", split, credit(), image=Picture(size=size))


def credit(names=None) -> str:
    """The attribution of these stamps (default: all), in one line.

    Args:
        names: the stamps that are shown, such as `set(dataset["name"])`.
    """
    from mmlearn.data.stamps_sources import PACKAGE, UNNAMED, credit_of

    makers = ["Bill Kendrick and many others"]
    if names is not None:
        known = set(rows.read(folder(), FILE)["name"].to_pylist())
        unknown = sorted(set(names) - known)
        if unknown:
            raise ValueError(f"The stamps set has no stamp {unknown[0]!r}. Its names are those of the column `name`.")
        found = [credit_of(name) for name in sorted(names)]
        makers = list(dict.fromkeys(f"{one.who} ({one.licence})" if one.licence else one.who for one in found))
        makers = [maker for maker in makers if maker != UNNAMED]
    return (
        f"Stamps of Tux Paint, shrunk to {STORED_SIZE} px on white: {UNNAMED} ({PACKAGE.licence})"
        f"{', among them ' + '; '.join(makers) if makers else ''}. See data/stamps/CREDITS.md."
    )
