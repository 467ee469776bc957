"""Makes the `stamps` set from its pinned package, the same bytes each time: `mmlearn data build stamps`."""

import io
import re
from collections import Counter
from pathlib import Path

from mmlearn.data import building, shards, stamps
from mmlearn.data.building import encode_picture, is_blank
from mmlearn.data.shards import DataError
from mmlearn.data.stamps_rules import kind, label
from mmlearn.data.stamps_sources import PACKAGE, UNNAMED, credits_table

# Raise this when the code makes other bytes from the same package and libraries.
RECIPE = 1
LIBRARIES = ("pillow", "pyarrow", "resvg-py")
CREDITS = "CREDITS.md"
DRAWN_SIZE = 256  # pixels of a vector before its margins are cut off
FAINT = 8  # of 255: what is less opaque counts as margin
OTHER_FILE = re.compile(rb"""<image\b[^>]*\bhref=["'](?!data:)""")
TEXT_COLUMNS = ("name", "item", "category", "subcategory", "kind", "label_en")


def build(out: str | Path | None = None) -> None:
    """Make the set in `out` (default: `data/stamps`); see `mmlearn.data.build`."""
    libraries = building.library_versions("stamps", LIBRARIES)
    from mmlearn.data.stamps_files import read_stamps

    home = Path(out) if out is not None else stamps.folder()
    print(f"Making the stamps set in {home}. Reading the package; the first time, apt fetches 161 MB.")
    kept = read_stamps()
    texts = [describe(stamp) for stamp in kept]
    files = building.finished(home)
    recipe = building.recipe(RECIPE, stamps.STORED_SIZE, PACKAGE.sha256, texts, libraries)
    building.make_shard(home, "stamps", files, stamps.FILE, recipe, lambda: _make_parquet(kept, texts))
    manifest = {
        "name": "stamps",
        "files": {stamps.FILE: files[stamps.FILE]},
        "packages": building.described([PACKAGE]),
        "libraries": libraries,
        "counts": _count(texts),
    }
    shards.write_manifest(home, manifest)
    building.write_generated(home / building.CARD, "counts", _card_lines(manifest["counts"]))
    building.write_generated(home / CREDITS, "credits", _credits_lines([row["name"] for row in texts]))


def check() -> list[str]:
    """What is wrong with the committed set: its files, its pictures, its counts, the card's numbers, the credits."""
    home = stamps.folder()
    problems = building.find_wrong_files(home)
    if problems:
        return problems
    everything = stamps.load("all", size=stamps.STORED_SIZE)
    texts = everything.remove_columns("image").to_list()
    problems = _find_blank_pictures(everything)
    problems += building.find_wrong_counts(home, _count(texts))
    lines = _card_lines(shards.read_manifest(home)["counts"])
    problems += building.find_outdated(home / building.CARD, "counts", lines)
    return problems + building.find_outdated(home / CREDITS, "credits", _credits_lines(everything["name"][:]))


def describe(stamp) -> dict:
    """All columns of a stamp but its picture."""
    category, *folders = stamp.name.split("/")[:-1]
    captions = {f"caption_{language}": stamp.captions[language] for language in stamps.LANGUAGES}
    return {
        "name": stamp.name,
        "item": stamp.item,
        "category": category,
        "subcategory": folders[0] if folders and folders[0] != "cartoon" else None,
        "kind": kind(stamp.name, stamp.is_vector),
        "label_en": label(stamp.name, stamp.captions["en"]),
        **captions,
    }


def draw(picture: bytes, is_vector: bool):
    """A stamp as a square RGB image of the stored size: margins cut off, as large as it fits, white around it.

    Raises:
        DataError: a vector that asks for another file, or a picture with nothing in it.
    """
    from PIL import Image

    image = _render(picture) if is_vector else Image.open(io.BytesIO(picture)).convert("RGBA")
    box = image.getchannel("A").point(lambda opacity: 255 * (opacity > FAINT)).getbbox()
    if box is None:
        raise DataError("this picture has nothing in it that is not transparent")
    image = building.on_white(image.crop(box))
    scale = stamps.STORED_SIZE / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    square = Image.new("RGB", (stamps.STORED_SIZE, stamps.STORED_SIZE), "white")
    corner = ((stamps.STORED_SIZE - width) // 2, (stamps.STORED_SIZE - height) // 2)
    square.paste(image.resize((width, height), Image.Resampling.LANCZOS), corner)
    return square


def _render(svg: bytes):
    """An SVG as an RGBA image. Neither fonts of the system nor other files are looked at; lengths are at 96 dpi."""
    import resvg_py
    from PIL import Image

    if OTHER_FILE.search(svg):
        raise DataError("this vector asks for another file")
    png = resvg_py.svg_to_bytes(
        svg_string=svg.decode(), width=DRAWN_SIZE, height=DRAWN_SIZE, dpi=96, skip_system_fonts=True
    )
    return Image.open(io.BytesIO(png)).convert("RGBA")


def _make_parquet(kept, texts: list[dict]) -> tuple[bytes, int]:
    import pyarrow as pa
    from datasets import Features, Image, Value
    from tqdm.auto import tqdm

    from mmlearn.data.stamps_files import read_contents

    contents, encoded = read_contents({stamp.picture for stamp in kept}), []
    for stamp in tqdm(kept, desc="stamps", unit="image"):
        try:
            image = draw(contents[stamp.picture], stamp.is_vector)
        except DataError as error:
            raise DataError(f"{stamp.name}: {error}; leave it out in mmlearn/data/stamps_rules.py.") from None
        if is_blank(image):
            raise DataError(f"{stamp.name} came out blank; leave it out in mmlearn/data/stamps_rules.py.")
        encoded.append({"bytes": encode_picture(image), "path": None})
    columns = {name: [row[name] for row in texts] for name in texts[0]}
    # The schema says that these are images, so that `datasets` shows them without this package too.
    schema = Features({"image": Image()} | {name: Value("string") for name in columns}).arrow_schema
    table = pa.Table.from_pydict({"image": encoded, **columns}, schema=schema)
    return building.parquet(table, compression="zstd"), len(texts)


def _find_blank_pictures(everything) -> list[str]:
    blank = [row["name"] for row in everything.select_columns(["image", "name"]) if is_blank(row["image"])]
    return [f"The picture {name} is blank. {shards.mend(stamps.folder(), '')}" for name in blank]


def _count(texts: list[dict]) -> dict:
    """How many pictures and items there are, in all and by kind, category and split, and captions by language."""
    items = lambda chosen: len({row["item"] for row in chosen})
    splits = {split: [row for row in texts if row["kind"] in kinds] for split, kinds in stamps.SPLITS.items()}
    captions = {code: sum(row[f"caption_{code}"] is not None for row in texts) for code in stamps.LANGUAGES}
    kinds = Counter((row["category"], row["kind"]) for row in texts)
    categories = sorted({row["category"] for row in texts})
    return {
        "images": len(texts),
        "items": items(texts),
        "splits": {split: len(chosen) for split, chosen in splits.items()},
        "split_items": {split: items(chosen) for split, chosen in splits.items()},
        "captions": captions,
        "categories": {name: {kind: kinds[name, kind] for kind in stamps.KINDS} for name in categories},
    }


def _card_lines(counts: dict) -> list[str]:
    """What stands between the marks of the card."""
    lines = [f"{counts['images']:,} images of {counts['items']:,} items."]
    splits = [
        (f"`{name}`", f"{counts['splits'][name]:,}", f"{counts['split_items'][name]:,}") for name in stamps.SPLITS
    ]
    lines += building.table_lines("| Split | Images | Items |", splits)
    categories = [(f"`{name}`", *(each[kind] for kind in stamps.KINDS)) for name, each in counts["categories"].items()]
    lines += building.table_lines("| Category | Photographs | Drawings |", categories)
    captions = [(f"`caption_{code}`", counts["captions"][code]) for code in stamps.LANGUAGES]
    return lines + building.table_lines("| Captions | Images that have one |", captions)


def _credits_lines(names: list[str]) -> list[str]:
    """Who made which stamps, between the marks of the credits."""
    lines = []
    for credit, listed in credits_table(names).items():
        who = credit.who if credit else f"{UNNAMED}: the log names nobody"
        licence = (credit.licence if credit else "") or "not stated apart: the package's"
        lines.append((who, licence, ", ".join(f"`{name}`" for name in listed)))
    return building.table_lines("| Who | Licence or source, as the log states it | Stamps |", lines)[1:]
