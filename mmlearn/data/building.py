"""Shared by the builders of all committed sets: recipes, shards, parquet, pictures, and the generated parts of cards.

A builder describes each shard by its recipe, a digest of all that decides its bytes, and calls `make_shard`. So a build
that was stopped goes on from there, and a shard is made again when what it is made from has changed.
"""

import io
import json
import re
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mmlearn.data import shards
from mmlearn.data.shards import DataError
from mmlearn.files import write_whole

CARD = "README.md"


def library_versions(name: str, libraries: Iterable[str]) -> dict[str, str]:
    """The installed versions of the libraries that decide the bytes of set `name`.

    Raises:
        DataError: one of them is not installed.
    """
    try:
        return {library: version(library) for library in libraries}
    except PackageNotFoundError as missing:
        raise DataError(
            f"Building the {name} set needs {missing.name}, which is not installed. "
            'Install it with `pip install -c constraints.txt -e ".[build]"`.'
        ) from None


def recipe(*parts) -> str:
    """A digest of all that decides a shard's bytes: anything that JSON can write."""
    return shards.sha256(json.dumps(parts, sort_keys=True).encode())


def finished(home: Path) -> dict[str, dict]:
    """What the manifest says of the shards that are already there: {} where there is none to read."""
    try:
        return dict(shards.read_manifest(home)["files"])
    except DataError:
        return {}


def make_shard(
    home: Path, name: str, files: dict[str, dict], file: str, recipe: str, make: Callable[[], tuple[bytes, int]]
) -> None:
    """Write a shard and note it in the manifest at once, so that a stopped build goes on from there.

    Args:
        files: the manifest's entries so far; the shard's is added.
        make: gives the shard's bytes and its number of rows; not called where the shard is finished already.
    """
    path, known = home / file, files.get(file, {})
    if known.get("recipe") == recipe and path.exists() and shards.sha256(path.read_bytes()) == known["sha256"]:
        print(f"{file} is finished already")
        return
    content, rows = make()
    write_whole(path, content)
    files[file] = {"sha256": shards.sha256(content), "bytes": len(content), "rows": rows, "recipe": recipe}
    shards.write_manifest(home, {"name": name, "files": files})


def parquet(table, compression: str) -> bytes:
    """An Arrow table as a parquet file; compression "none" is for columns that are compressed already."""
    import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer, compression=compression, use_dictionary=compression != "none")
    return buffer.getvalue()


# --- pictures ---------------------------------------------------------------------------------------------------------


def encode_picture(image) -> bytes:
    """An RGB image as lossless WebP: the same bytes for the same pixels and version of Pillow."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=True, quality=90, method=6)  # 100: 1 % smaller, 15 times slower
    return buffer.getvalue()


def on_white(image):
    """An RGBA image as RGB, with white where it is transparent."""
    from PIL import Image

    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def is_blank(image) -> bool:
    """True for an image of nearly one colour: a drawing that did not render."""
    return all(high - low < 16 for low, high in image.getextrema())


# --- sounds -----------------------------------------------------------------------------------------------------------


def clips_parquet(clips: list[dict]) -> tuple[bytes, int]:
    """Clips as a parquet file, and their number: `audio` is binary, `seconds`, `start` and `tone` are numbers, all else
    is text.
    """
    import pyarrow as pa

    types = {"audio": pa.binary(), "seconds": pa.float32(), "start": pa.int32(), "tone": pa.int8()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in clips[0]])
    table = pa.Table.from_pylist(clips, schema=schema)
    return parquet(table, compression="zstd"), len(clips)  # shrinks the heads of the files, which are alike


def read_without_audio(home: Path, files: Iterable[str]) -> list[dict]:
    """The rows of these shards without their sounds, as they are on the disk now."""
    from mmlearn.data import rows

    manifest = shards.read_manifest(home)
    return [
        row
        for file in files
        for row in rows.parse(shards.read_shard(home, file, manifest)).drop_columns("audio").to_pylist()
    ]


# --- cards ------------------------------------------------------------------------------------------------------------


def between_marks(text: str, mark: str, lines: Iterable[str]) -> str:
    """The text with these lines between `<!-- mark -->` and `<!-- /mark -->`; as it is where it lacks the marks."""
    body = "\n".join(lines) + "\n"
    return _marks(mark).sub(lambda found: found[1] + body + found[2], text)


def write_generated(path: Path, mark: str, lines: Iterable[str]) -> None:
    """Write the generated lines of a card anew. A folder without the card (a build elsewhere) needs none."""
    if path.exists():
        write_whole(path, between_marks(path.read_text(encoding="utf-8"), mark, lines).encode())


def find_outdated(path: Path, mark: str, lines: Iterable[str]) -> list[str]:
    """A sentence where the generated lines of a card are not these, or the card or its marks are missing."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if _marks(mark).search(text) and text == between_marks(text, mark, lines):
        return []
    home = path.parent
    return [f"What {path} says is not what {shards.MANIFEST} does: its {mark}. {shards.mend(home, path.name)}"]


def find_wrong_files(home: Path) -> list[str]:
    """What is wrong with a set before its rows are looked at: damaged files, or a build that was stopped."""
    problems = shards.find_damage(home)
    if problems:
        return problems
    if "counts" not in shards.read_manifest(home):
        return [f"{home / shards.MANIFEST} is that of a build that was stopped. {shards.mend(home, shards.MANIFEST)}"]
    return []


def find_wrong_counts(home: Path, counts: dict) -> list[str]:
    """A sentence where the manifest counts something else than these rows."""
    if counts == shards.read_manifest(home)["counts"]:
        return []
    return [f"The rows of the shards are not those that {shards.MANIFEST} counts. {shards.mend(home, '')}"]


def described(packages) -> dict[str, dict]:
    """What the manifest says of the packages that a set is made from."""
    return {package.spec: {"sha256": package.sha256, "licence": package.licence} for package in packages}


def table_lines(head: str, rows: Iterable[Iterable]) -> list[str]:
    """A Markdown table after an empty line: `head` is "| A | B |", the cells of rows are written as they are."""
    columns = head.count("|") - 1
    return ["", head, "|" + "---|" * columns, *("| " + " | ".join(map(str, row)) + " |" for row in rows)]


def _marks(mark: str) -> re.Pattern:
    return re.compile(rf"(<!-- {mark} -->\n).*(<!-- /{mark} -->)", re.DOTALL)
