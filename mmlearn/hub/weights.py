"""Tensors out of checkpoint files, and back. Nothing in a file is ever run.

Read are safetensors, whole or in shards, and PyTorch files as far as they hold tensors alone. Refused are TorchScript
archives, which hold a program, and pickles that name other objects: to open one is to run what a stranger wrote.
"""

import json
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mmlearn.files import read_tensors, write_tensors

# In the order in which they are looked for. An index lists the shards of a checkpoint that is cut into several files.
SAFE = ("model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors")
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json", "open_clip_pytorch_model.bin")
OFFICIAL = (*SAFE, *PICKLED)
LOOSE = ("*.safetensors", "*.pth", "*.pt", "*.th", "*.bin")


def find_weights(folder: Path) -> Path:
    """The file with the weights of a folder, or the index of its shards; safetensors before all others.

    Raises:
        FileNotFoundError: there is none.
        ValueError: there are several, and no name says which one.
    """
    for name in OFFICIAL:
        if (folder / name).is_file():
            return folder / name
    for pattern in LOOSE:
        found = sorted(folder.glob(pattern))
        if len(found) > 1:
            raise ValueError(f"{folder} has several files {pattern}; name one: {', '.join(f.name for f in found)}")
        if found:
            return found[0]
    raise FileNotFoundError(f"{folder} has no weights: none of {', '.join((*OFFICIAL, *LOOSE))}")


def read_weights(path: Path) -> dict[str, Tensor]:
    """All tensors of a file, or of the shards that an index lists, on the CPU and, where possible, not yet in memory.

    Raises:
        FileNotFoundError: the file, or a shard of it, is missing.
        ValueError: the file is damaged, cut short, of another format, or could run code.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    if path.suffix == ".json":
        return _read_shards(path)
    return read_tensors(path)[0] if path.suffix == ".safetensors" else _read_torch(path)


def write_weights(folder: Path, tensors: Mapping[str, Tensor], name: str = SAFE[0]) -> None:
    """Write one safetensors file, all or nothing. Its metadata says, as official files do, that torch wrote it."""
    write_tensors(folder / name, tensors, {"format": "pt"})


def _read_shards(index: Path) -> dict[str, Tensor]:
    try:
        listed: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        files = sorted(set(listed.values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f'{index} is no index of shards: it needs a "weight_map" of names and files') from error
    outside = [name for name in files if not isinstance(name, str) or Path(name).name != name or name == ".."]
    if outside:
        raise ValueError(f"{index} lists files outside of its folder, which are not read: {outside[0]!r}")
    nested = [name for name in files if name.endswith(".json")]
    if nested:
        raise ValueError(f"{index} lists {nested[0]!r} as a shard, and an index has none inside it")
    absent = [name for name in files if not (index.parent / name).is_file()]
    if absent:
        raise FileNotFoundError(f"{index} lists shards that are not there: {', '.join(absent)}. Fetch them too.")
    tensors: dict[str, Tensor] = {}
    for name in files:
        shard = read_weights(index.parent / name)
        wanted = {key for key, file in listed.items() if file == name}
        if wanted - set(shard):
            raise ValueError(f"{name} lacks tensors that {index.name} lists there: {sorted(wanted - set(shard))[0]}")
        tensors |= {key: shard[key] for key in shard if key in wanted}
    return tensors


def _read_torch(path: Path) -> dict[str, Tensor]:
    archive = zipfile.is_zipfile(path)
    if not archive and path.open("rb").read(2) == b"PK":
        raise ValueError(f"{path} is not a whole PyTorch file: it was cut short. Fetch it again.")
    if archive and _is_torchscript(path):
        raise ValueError(
            f"{path} is a TorchScript archive: it holds a program, and is not opened here. Convert it once, where you "
            f"trust its source: import torch, safetensors.torch; "
            f"safetensors.torch.save_file(torch.jit.load({path.name!r}, map_location='cpu').state_dict(), "
            f"'model.safetensors')"
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))  # the rest is torch's advice to switch the protection off
        reason = f", such as {named[1]}" if named else ""
        raise ValueError(
            f"{path} holds more than tensors{reason}, or is damaged. To open it could run code that it brings along, "
            "so it is refused. Look for a safetensors file of the same model, or convert it where you trust its "
            "source: safetensors.torch.save_file(model.state_dict(), 'model.safetensors')"
        ) from error
    except Exception as error:  # what is damaged can raise anything
        raise ValueError(f"{path} is not a whole PyTorch file ({type(error).__name__}). Fetch it again.") from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]  # as training scripts save it, beside their optimizer
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ValueError(f"{path} holds no table of tensors by name, so it is no checkpoint of a model")
    return dict(content)


def _is_torchscript(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") or "/code/" in name for name in archive.namelist())
