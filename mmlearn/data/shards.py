"""Shared by all committed sets: files that are whole or absent, and a manifest that tells whether they are undamaged.

A set is a folder `data/NAME/` with shards (parquet) and `manifest.json`, which holds for each shard its sha256, its
size in bytes, its number of rows, and its recipe: a digest of all that it was made from.
"""

import hashlib
import json
from pathlib import Path

from mmlearn.files import write_whole

MANIFEST = "manifest.json"


class DataError(RuntimeError):
    """Something is wrong with a data set; the message says what, and the command that mends it."""


def sha256(content: bytes) -> str:
    """The sha256 of `content`, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def mend(folder: Path, file: str) -> str:
    """The sentence that says how to mend a file of a set."""
    name = folder.name
    return f"Mend it with `git checkout -- data/{name}/{file}`, or make it again with `mmlearn data build {name}`."


def read_manifest(folder: Path) -> dict:
    """The manifest of the set in `folder`.

    Raises:
        DataError: it is missing or is not a manifest.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["files"].items()
    except FileNotFoundError:
        raise DataError(f"{path} is missing. {mend(folder, MANIFEST)}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is damaged ({type(error).__name__}: {error}). {mend(folder, MANIFEST)}") from None
    return manifest


def write_manifest(folder: Path, manifest: dict) -> None:
    """Write the manifest, the same bytes for the same content."""
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False)
    write_whole(folder / MANIFEST, (text + "\n").encode())


def read_shard(folder: Path, file: str, manifest: dict) -> bytes:
    """The bytes of a shard, as the manifest describes them.

    Raises:
        DataError: the file is missing, is not in the manifest, or is not what the manifest describes.
    """
    path = folder / file
    entry = manifest["files"].get(file)
    if entry is None:
        raise DataError(f"{folder / MANIFEST} does not name {file}: the set is not complete. {mend(folder, '')}")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} is missing. {mend(folder, file)}") from None
    found = sha256(content)
    if found != entry["sha256"]:
        detail = f"{len(content)} bytes with sha256 {found[:12]}, expected {entry['bytes']} with {entry['sha256'][:12]}"
        raise DataError(f"{path} is damaged: {detail}. {mend(folder, file)}")
    return content


def find_damage(folder: Path) -> list[str]:
    """What is wrong with the files of a set, one sentence each; empty when all is well."""
    try:
        manifest = read_manifest(folder)
    except DataError as error:
        return [str(error)]
    problems = []
    for file in manifest["files"]:
        try:
            read_shard(folder, file, manifest)
        except DataError as error:
            problems.append(str(error))
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}
    for file in sorted(present - set(manifest["files"])):
        problems.append(f"{folder / file} is not named in {MANIFEST}. Delete it.")
    return problems
