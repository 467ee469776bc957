"""Writing files so that nothing half-written is ever left behind."""

import errno
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


# What a disk refuses: it is full, or these files are not the user's to write.
REFUSALS = ("EACCES", "EDQUOT", "ENOSPC", "EPERM", "EROFS")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it exists whole or not at all: to a temporary file beside it, then rename.

    Its folder is made where missing.

    Raises:
        OSError: it cannot be written. Its `filename` is `path`, and not the temporary file's, which nobody knows.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(temporary, 0o644)  # mkstemp makes it private
            os.replace(temporary, path)
        except BaseException:  # Ctrl-C too
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def explain(error: Exception) -> str:
    """An error in a sentence; one that came from the disk says what was refused, where, and who knows more."""
    if not isinstance(error, OSError) or errno.errorcode.get(error.errno) not in REFUSALS:
        return str(error)
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror}{where}. `mmlearn doctor`, in a terminal, says what to do."


def write_tensors(path: Path, tensors: Mapping[str, "Tensor"], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file whole or not at all, as `write_whole` does, without a second copy in memory."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, part, dict(metadata))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_tensors(path: Path) -> tuple[dict[str, "Tensor"], dict[str, str]]:
    """Tensors (on the CPU) and metadata of a safetensors file. Such a file holds numbers and text, never code.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it was cut short, or is of another format.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            return tensors, file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(
            f"{path} is not a whole safetensors file ({error}): it was cut short or is of another format. "
            "Fetch or make it again."
        ) from error
