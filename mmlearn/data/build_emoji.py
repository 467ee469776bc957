"""Makes the `emoji` set from its pinned packages, the same bytes each time: `mmlearn data build emoji`."""

import io
import json
import re
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mmlearn.data import emoji, shards
from mmlearn.data.emoji_rules import MIN_STYLES, is_held_out
from mmlearn.data.emoji_sources import STYLES, TEXTS
from mmlearn.data.shards import DataError
from mmlearn.files import write_whole

# Raise this when the code makes other bytes from the same packages and libraries: finished shards are then made again.
RECIPE = 1
LIBRARIES = ("pillow", "pyarrow", "resvg-py")
CARD = "README.md"
COUNTS = re.compile(r"(<!-- counts -->\n).*(<!-- /counts -->)", re.DOTALL)


def build(out: str | Path | None = None) -> None:
    """Make the set in `out` (default: `data/emoji`); see `mmlearn.data.build`."""
    libraries = _library_versions()
    from mmlearn.data.emoji_icons import read_concepts, read_drawings

    home = Path(out) if out is not None else emoji.folder()
    print(f"Making the emoji set in {home}. Reading the packages; the first time, npm fetches 35 MB.")
    concepts = read_concepts()
    drawings = read_drawings(concepts)
    drawn = Counter(code for style in drawings.values() for code in style)
    concepts = [concept for concept in concepts if drawn[concept["codepoint"]] >= MIN_STYLES]
    codes = [concept["codepoint"] for concept in concepts]

    files = _finished(home)
    recipe = _recipe(TEXTS.sha256, codes, libraries)
    _make_shard(home, files, emoji.CONCEPTS_FILE, recipe, lambda: _concepts_parquet(concepts))
    for style, pictures in drawings.items():
        pictures = {code: pictures[code] for code in codes if code in pictures}
        recipe = _recipe(STYLES[style].package.sha256, list(pictures), libraries)
        _make_shard(home, files, emoji.style_file(style), recipe, lambda s=style, p=pictures: _images_parquet(s, p))

    wanted = [emoji.CONCEPTS_FILE, *map(emoji.style_file, STYLES)]
    packages = [TEXTS, *(style.package for style in STYLES.values())]
    manifest = {
        "name": "emoji",
        "files": {file: files[file] for file in wanted},
        "packages": {package.spec: {"sha256": package.sha256, "licence": package.licence} for package in packages},
        "libraries": libraries,
        "counts": _counts(concepts, drawings),
    }
    shards.write_manifest(home, manifest)
    card = home / CARD
    if card.exists():
        write_whole(card, _with_counts(card.read_text(encoding="utf-8"), manifest).encode())


def check() -> list[str]:
    """What is wrong with the committed set: its files, its pictures, its counts, and the card's numbers."""
    home = emoji.folder()
    problems = shards.find_damage(home)
    if problems:
        return problems
    manifest = shards.read_manifest(home)
    if "counts" not in manifest:
        return [f"{home / shards.MANIFEST} is that of a build that was stopped. {shards.mend(home, shards.MANIFEST)}"]
    everything = emoji.load("all", size=emoji.STORED_SIZE)
    problems = _find_blank_pictures(everything)
    if _count_rows(everything.remove_columns("image")) != manifest["counts"]:
        problems.append(f"The rows of the shards are not those that {shards.MANIFEST} counts. {shards.mend(home, '')}")
    card = (home / CARD).read_text(encoding="utf-8") if (home / CARD).exists() else ""
    if not COUNTS.search(card) or card != _with_counts(card, manifest):
        problems.append(f"The numbers in {home / CARD} are not those of {shards.MANIFEST}. {shards.mend(home, CARD)}")
    return problems


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

    image = Image.open(io.BytesIO(picture)).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    opaque = Image.alpha_composite(white, image).convert("RGB")
    return opaque.resize((emoji.STORED_SIZE, emoji.STORED_SIZE), Image.Resampling.LANCZOS)


def encode(image) -> bytes:
    """An RGB image as lossless WebP: the same bytes for the same pixels and version of Pillow."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=True, quality=90, method=6)  # 100: 1 % smaller, 15 times slower
    return buffer.getvalue()


def is_blank(image) -> bool:
    """True for an image of nearly one colour: a drawing that did not render."""
    return all(high - low < 16 for low, high in image.getextrema())


def _library_versions() -> dict[str, str]:
    try:
        return {name: version(name) for name in LIBRARIES}
    except PackageNotFoundError as missing:
        raise DataError(
            f"Building the emoji set needs {missing.name}, which is not installed. "
            'Install it with `pip install -c constraints.txt -e ".[build]"`.'
        ) from None


def _recipe(package: str, codes: list[str], libraries: dict[str, str]) -> str:
    """A digest of all that decides a shard's bytes."""
    return shards.sha256(json.dumps([RECIPE, emoji.STORED_SIZE, package, codes, libraries], sort_keys=True).encode())


def _finished(home: Path) -> dict[str, dict]:
    """What the manifest says of the shards that are already there: {} where there is none to read."""
    try:
        return dict(shards.read_manifest(home)["files"])
    except DataError:
        return {}


def _make_shard(home: Path, files: dict, file: str, recipe: str, make) -> None:
    """Write a shard and note it in the manifest at once, so that a stopped build goes on from there."""
    path, known = home / file, files.get(file, {})
    if known.get("recipe") == recipe and path.exists() and shards.sha256(path.read_bytes()) == known["sha256"]:
        print(f"{file} is finished already")
        return
    content, rows = make()
    write_whole(path, content)
    files[file] = {"sha256": shards.sha256(content), "bytes": len(content), "rows": rows, "recipe": recipe}
    shards.write_manifest(home, {"name": "emoji", "files": files})


def _concepts_parquet(concepts: list[dict]) -> tuple[bytes, int]:
    import pyarrow as pa

    return _parquet(pa.Table.from_pylist(concepts), compression="zstd"), len(concepts)


def _images_parquet(style: str, pictures: dict[str, str | bytes]) -> tuple[bytes, int]:
    import pyarrow as pa
    from datasets import Features, Image, Value
    from tqdm.auto import tqdm

    encoded = []
    for code, picture in tqdm(pictures.items(), desc=f"{style:12}", unit="image"):
        image = draw(picture) if isinstance(picture, str) else shrink(picture)
        if is_blank(image):
            raise DataError(f"{code} of {style} came out blank; leave it out in mmlearn/data/emoji_rules.py.")
        encoded.append({"bytes": encode(image), "path": None})
    # The schema says that these are images, so that `datasets` shows them without this package too.
    schema = Features({"codepoint": Value("string"), "image": Image()}).arrow_schema
    table = pa.Table.from_pydict({"codepoint": list(pictures), "image": encoded}, schema=schema)
    return _parquet(table, compression="none"), len(pictures)  # WebP does not shrink further


def _parquet(table, compression: str) -> bytes:
    import pyarrow.parquet as parquet

    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression=compression, use_dictionary=compression != "none")
    return buffer.getvalue()


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


def _with_counts(card: str, manifest: dict) -> str:
    """The card with the numbers of this manifest between its two marks."""
    counts = manifest["counts"]
    lines = [f"{counts['images']:,} images of {counts['concepts']:,} concepts.", ""]
    lines += ["| Style | Vendor | Images | Package | Licence |", "|---|---|---|---|---|"]
    for name, style in STYLES.items():
        package = style.package
        lines.append(f"| `{name}` | {style.vendor} | {counts['styles'][name]:,} | {package.spec} | {package.licence} |")
    for kind, names in (("split", emoji.SPLITS), ("group", emoji.GROUPS)):
        images, concepts = counts[f"{kind}s"], counts[f"{kind}_concepts"]
        lines += ["", f"| {kind.capitalize()} | Images | Concepts |", "|---|---|---|"]
        lines += [f"| `{name}` | {images[name]:,} | {concepts[name]:,} |" for name in names]
    return COUNTS.sub(lambda marks: marks[1] + "\n".join(lines) + "\n" + marks[2], card)
