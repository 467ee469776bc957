"""A checkpoint on disk: its folder, fetched where need be, its configuration and the file with its weights."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from mmlearn.hub.weights import OFFICIAL, find_weights, read_weights

TEXTS = ("*.json", "*.txt")  # configurations, tokenizers, indices of shards
OPEN_CLIP = "open_clip_config.json"
CONFIGS = ("config.json", OPEN_CLIP)
# Fetched in this order, until there are weights: a release often has the same ones several times.
WEIGHTS = (
    ("model*.safetensors",),
    ("*.safetensors",),
    ("pytorch_model*.bin", "open_clip_pytorch_model.bin", "*.pth"),  # an older release
)


@dataclass(frozen=True)
class Checkpoint:
    """An official release: a folder, or one file with weights and nothing else.

    Attributes:
        folder: where it lies.
        file: the weights, or the index of their shards; `None` looks for them in the folder.
    """

    folder: Path
    file: Path | None = None

    @cached_property
    def weights_file(self) -> Path:
        """The file with its weights. Errors as in `find_weights`."""
        return self.file or find_weights(self.folder)

    @cached_property
    def config(self) -> dict[str, Any]:
        """What its configuration says; empty where it has none.

        A release may hold two layouts side by side, a configuration each; the name of the weights tells which is meant.
        A single file with a name of its own has none, whatever lies beside it.

        Raises:
            FileNotFoundError, ValueError: there are no weights, or the configuration is not a JSON object.
        """
        if self.file is not None and self.file.name not in OFFICIAL:
            return {}
        for name in (OPEN_CLIP,) if self.is_open_clip else CONFIGS:
            if (self.folder / name).is_file():
                return read_json(self.folder / name)
        return {}

    @property
    def is_open_clip(self) -> bool:
        """Whether the weights are called as open_clip calls them."""
        return self.weights_file.name.startswith("open_clip_")

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Its tensors. Errors as in `read_weights`."""
        return read_weights(self.weights_file)

    def __str__(self) -> str:
        return str(self.file or self.folder)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ValueError: the file holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}, and should hold an object")
    return content


def find(folder_or_repo: str | Path) -> Checkpoint:
    """A folder or file on this machine, or a repository of the Hugging Face Hub, fetched and kept by `huggingface_hub`.

    Raises:
        FileNotFoundError: neither a folder nor the name of a repository.
        ConnectionError: the repository is not on this machine, and cannot be reached.
    """
    path = Path(folder_or_repo).expanduser()
    if path.is_dir():
        return Checkpoint(path)
    if path.is_file():
        return Checkpoint(path.parent, path)
    name = str(folder_or_repo)
    if (
        name.count("/") != 1
        or name.startswith((".", "/", "~"))
        or path.suffix in (".safetensors", ".pt", ".pth", ".th")
    ):
        raise FileNotFoundError(
            f"{name!r} is no folder or file here, and no repository of the Hugging Face Hub, which are called "
            '"owner/name", such as "openai/clip-vit-base-patch32"'
        )
    return Checkpoint(_fetched(name))


def _fetched(repository: str) -> Path:
    from huggingface_hub import errors, snapshot_download

    def fetch(*patterns: str) -> Path:
        return Path(snapshot_download(repository, allow_patterns=list(patterns)))

    try:
        for patterns in WEIGHTS:
            folder = fetch(*TEXTS, *patterns)
            if any(list(folder.glob(pattern)) for pattern in patterns):
                break
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise FileNotFoundError(
            f"the Hugging Face Hub has no repository {repository!r}, or it needs a login (hf auth login)"
        ) from error
    except Exception as error:  # of the network, of its client, or of the Hub
        raise ConnectionError(
            f"{repository} is not on this machine, and the Hugging Face Hub cannot be reached. Without a network, copy "
            f"its folder here from another machine, and give its path: hub.load('path/to/folder'). ({error})"
        ) from error
    return folder
