"""Makes the `emoji` set from its pinned packages, the same bytes each time: `mmlearn data build emoji`."""

import io
from collections import Counter
from pathlib import Path

from mmlearn.data import building, emoji, shards
from mmlearn.data.building import encode_picture, is_blank
from mmlearn.data.emoji_rules import MIN_STYLES, is_held_out
from mmlearn.data.emoji_sources import STYLES, TEXTS
from mmlearn.data.shards import DataError

# Raise this when the code makes other bytes from the same packages and libraries: finished shards are then made again.
RECIPE = 1
LIBRARIES = ("pillow", "pyarrow", "resvg-py")


def build(out: str | Path | None = None) -> None:
    """Make the set in `out` (default: `data/emoji`); see `mmlearn.data.build`."""
    libraries = building.library_versions("emoji", LIBRARIES)
    from mmlearn.data.emoji_icons import read_concepts, read_drawings

    home = Path(out) if out is not None else emoji.folder()
    print(f"Making the emoji set in {home}. Reading the packages; the first time, npm fetches 35 MB.")
    concepts = read_concepts()
    drawings = read_drawings(concepts)
    drawn = Counter(code for style in drawings.values() for code in style)
    concepts = [concept for concept in concepts if drawn[concept["codepoint"]] >= MIN_STYLES]
    codes = [concept["codepoint"] for concept in concepts]

    files = building.finished(home)
    recipe = _recipe(TEXTS.sha256, codes, libraries)
    make = lambda: _concepts_parquet(concepts)
    building.make_shard(home, "emoji", files, emoji.CONCEPTS_FILE, recipe, make)
    for style, pictures in drawings.items():
        pictures = {code: pictures[code] for code in codes if code in pictures}
        recipe = _recipe(STYLES[style].package.sha256, list(pictures), libraries)
        make = lambda s=style, p=pictures: _images_parquet(s, p)
        building.make_shard(home, "emoji", files, emoji.style_file(style), recipe, make)

    wanted = [emoji.CONCEPTS_FILE, *map(emoji.style_file, STYLES)]
    manifest = {
        "name": "emoji",
        "files": {file: files[file] for file in wanted},
        "packages": building.described([TEXTS, *(style.package for style in STYLES.values())]),
        "libraries": libraries,
        "counts": _counts(concepts, drawings),
    }
    shards.write_manifest(home, manifest)
    building.write_generated(home / building.CARD, "counts", _card_lines(manifest["counts"]))


def check() -> list[str]:
    """What is wrong with the committed set: its files, its pictures, its counts, and the card's numbers."""
    home = emoji.folder()
    problems = building.find_wrong_files(home)
    if problems:
        return problems
    everything = emoji.load("all", size=emoji.STORED_SIZE)
    problems = _find_blank_pictures(everything)
    problems += building.find_wrong_counts(home, _count_rows(everything.remove_columns("image")))
    lines = _card_lines(shards.read_manifest(home)["counts"])
    return problems + building.find_outdated(home / building.CARD, "counts", lines)


def _find_blank_pictures(rows) -> list[str]:
    from tqdm.auto import tqdm

    pictures = tqdm(rows.select_columns(["image", "style", "codepoint"]), desc="emoji", unit="image")
    blank = [f"{row['codepoint']} of {row['style']}" for row in pictures if is_blank(row["image"])]
    return [f"The picture {name} is blank. {shards.mend(emoji.folder(), '')}" for name in blank]


def draw(svg: str):
    """An SVG as an RGB image of the stored size, on white.

    Fonts of the system are not looked at: the pixels depend on the SVG and on the version of resvg alone.
    """
    import resvg_py
    from PIL import Image

    size = emoji.STORED_SIZE
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, background="#ffffff", skip_system_fonts=True)
    return Image.open(io.BytesIO(png)).convert("RGB")


def shrink(picture: bytes):
    """A picture file as an RGB image of the stored size, on white."""
    from PIL import Image

    opaque = building.on_white(Image.open(io.BytesIO(picture)).convert("RGBA"))
    return opaque.resize((emoji.STORED_SIZE, emoji.STORED_SIZE), Image.Resampling.LANCZOS)


def _recipe(package: str, codes: list[str], libraries: dict[str, str]) -> str:
    return building.recipe(RECIPE, emoji.STORED_SIZE, package, codes, libraries)


def _concepts_parquet(concepts: list[dict]) -> tuple[bytes, int]:
    import pyarrow as pa

    return building.parquet(pa.Table.from_pylist(concepts), compression="zstd"), len(concepts)


def _images_parquet(style: str, pictures: dict[str, str | bytes]) -> tuple[bytes, int]:
    import pyarrow as pa
    from datasets import Features, Image, Value
    from tqdm.auto import tqdm

    encoded = []
    for code, picture in tqdm(pictures.items(), desc=f"{style:12}", unit="image"):
        image = draw(picture) if isinstance(picture, str) else shrink(picture)
        if is_blank(image):
            raise DataError(f"{code} of {style} came out blank; leave it out in mmlearn/data/emoji_rules.py.")
        encoded.append({"bytes": encode_picture(image), "path": None})
    # The schema says that these are images, so that `datasets` shows them without this package too.
    schema = Features({"codepoint": Value("string"), "image": Image()}).arrow_schema
    table = pa.Table.from_pydict({"codepoint": list(pictures), "image": encoded}, schema=schema)
    return building.parquet(table, compression="none"), len(pictures)  # WebP does not shrink further


def _counts(concepts: list[dict], drawings: dict[str, dict]) -> dict:
    rows = [
        {"codepoint": concept["codepoint"], "group": concept["group"], "style": style}
        for concept in concepts
        for style in STYLES
        if concept["codepoint"] in drawings[style]
    ]
    return _count_rows(rows)


def _count_rows(rows) -> dict:
    """How many images and concepts there are, in all and by style, group and split."""
    rows = [(row["codepoint"], row["group"], row["style"]) for row in rows]
    splits = {
        split: [code for code, _, style in rows if style in styles and held_out in (None, is_held_out(code))]
        for split, (styles, held_out) in emoji.SPLITS.items()
    }
    return {
        "images": len(rows),
        "concepts": len({code for code, _, _ in rows}),
        "styles": dict(Counter(style for _, _, style in rows)),
        "groups": dict(Counter(group for _, group, _ in rows)),
        "group_concepts": dict(Counter(group for _, group in {(code, group) for code, group, _ in rows})),
        "splits": {split: len(codes) for split, codes in splits.items()},
        "split_concepts": {split: len(set(codes)) for split, codes in splits.items()},
    }


def _card_lines(counts: dict) -> list[str]:
    """What stands between the marks of the card."""
    styles = [
        (f"`{name}`", style.vendor, f"{counts['styles'][name]:,}", style.package.spec, style.package.licence)
        for name, style in STYLES.items()
    ]
    lines = [f"{counts['images']:,} images of {counts['concepts']:,} concepts."]
    lines += building.table_lines("| Style | Vendor | Images | Package | Licence |", styles)
    for kind, names in (("split", emoji.SPLITS), ("group", emoji.GROUPS)):
        images, concepts = counts[f"{kind}s"], counts[f"{kind}_concepts"]
        numbers = [(f"`{name}`", f"{images.get(name, 0):,}", f"{concepts.get(name, 0):,}") for name in names]
        lines += building.table_lines(f"| {kind.capitalize()} | Images | Concepts |", numbers)
    return lines
