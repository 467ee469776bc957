"""Packages that the committed sets are built from: pinned by name, version and sha256, fetched by their own client."""

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mmlearn.data.shards import DataError, sha256

MAX_MEMBER = 64 * 2**20  # bytes; nothing that a build reads comes near it


@dataclass(frozen=True)
class Package:
    """A package of npm: where a set comes from, and under which licence it is published."""

    name: str
    version: str
    sha256: str  # of the file that the client fetches
    licence: str  # SPDX
    author: str

    @property
    def spec(self) -> str:
        """Name and version as the client writes them."""
        return f"{self.name}@{self.version}"

    @property
    def file(self) -> str:
        """The name of the file that the client fetches, a gzipped tarball."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"

    def download(self, folder: Path) -> Path:
        """Have the client put the package's file into `folder`."""
        return _npm_pack(self, folder)


@dataclass(frozen=True)
class DebianPackage(Package):
    """A package of Debian for all architectures, of data alone. What it installs is read; nothing is installed."""

    @property
    def spec(self) -> str:
        """Name and version as apt writes them."""
        return f"{self.name}={self.version}"

    @property
    def file(self) -> str:
        """The name of the file that apt fetches, an `ar` archive with a compressed tarball in it."""
        return f"{self.name}_{self.version.replace(':', '%3a')}_all.deb"

    def download(self, folder: Path) -> Path:
        """Have apt put the package's file into `folder`."""
        return _apt_download(self, folder)


def cache_folder() -> Path:
    """Where packages are kept between builds, outside the repository."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mmlearn" / "packages"


def fetch(package: Package) -> Path:
    """The package's file: from the cache, or through its client. Its sha256 is checked each time.

    Raises:
        DataError: the client is missing or fails, or the file is not the pinned one.
    """
    kept = cache_folder() / package.file
    if kept.exists() and sha256(kept.read_bytes()) == package.sha256:
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        content = package.download(Path(folder)).read_bytes()
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
    return _run(command, package, folder, f"npm pack {package.spec}")


def _apt_download(package: DebianPackage, folder: Path) -> Path:
    apt = shutil.which("apt-get")
    if apt is None:
        raise DataError(
            f"apt-get is needed to fetch {package.spec}, and is not here. Build this set on Debian (or in a container "
            f"of it), or put {package.file} into {cache_folder()} yourself: its sha256 is checked."
        )
    # The sandbox's own user could not write into a folder that is private to this one.
    command = [apt, "download", "-o", "APT::Sandbox::User=root", package.spec]
    return _run(command, package, folder, f"apt-get download {package.spec}")


def _run(command: list[str], package: Package, folder: Path, shown: str) -> Path:
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    path = folder / package.file
    if done.returncode or not path.exists():
        last_words = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise DataError(f"`{shown}` failed. It said:\n{last_words}")
    return path


def list_members(file: Path) -> list[str]:
    """The names of all members of a package's tarball."""
    with _open(file) as archive:
        return archive.getnames()


def read_members(file: Path, names: set[str]) -> dict[str, bytes]:
    """The named files of a package, read in memory: an archive never chooses where anything is written.

    Args:
        names: exact member names, such as "package/icons.json" of npm or "./usr/share/doc/x" of Debian.

    Raises:
        DataError: one of them is missing, twice there, not a plain file, or larger than 64 MiB.
    """
    found: dict[str, bytes] = {}
    with _open(file) as archive:
        for member in archive:
            if member.name not in names:
                continue
            if not member.isfile() or member.size > MAX_MEMBER or member.name in found:
                raise DataError(f"{member.name} in {file.name} is no plain file, is too large, or is there twice.")
            found[member.name] = archive.extractfile(member).read()
    missing = sorted(names - set(found))
    if missing:
        raise DataError(f"{file.name} lacks {len(missing)} of the files that the set is made from: {missing[0]} ...")
    return found


@contextmanager
def _open(file: Path) -> Iterator[tarfile.TarFile]:
    """The tarball of a package, to be read once from its first member to its last."""
    if file.suffix != ".deb":
        with tarfile.open(file, "r:gz") as archive:
            yield archive
        return
    dpkg = shutil.which("dpkg-deb")
    if dpkg is None:
        raise DataError(f"dpkg-deb is needed to read {file.name}, and is not here. Install it (Debian's package dpkg).")
    with subprocess.Popen(  # the tarball comes through a pipe, uncompressed: nothing is written anywhere
        [dpkg, "--fsys-tarfile", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                yield archive
            process.stdout.read()  # what follows the last member, so that dpkg-deb can end
        except tarfile.ReadError as error:
            said = process.stderr.read().decode(errors="replace").strip()
            raise DataError(f"{file.name} cannot be read ({error}). dpkg-deb said: {said}") from None
        finally:
            process.stdout.close()  # a reader that stops early: dpkg-deb ends at its next write
    if process.returncode:
        raise DataError(f"dpkg-deb could not read {file.name} to its end: it is damaged.")
