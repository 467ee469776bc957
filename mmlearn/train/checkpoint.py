"""Checkpoints in safetensors: a model's weights, and a run's state to go on from.

A safetensors file holds tensors and text, never code, so a file from a stranger is safe to read.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmlearn.files import read_tensors, write_tensors


def save(path: str | Path, model: nn.Module, **metadata: Any) -> None:
    """Write the model's parameters and buffers to a safetensors file, all or nothing.

    Args:
        path: the file; its folder is made where missing.
        model: a tensor that it holds under several names (tied weights) is written once.
        metadata: anything that JSON can hold; `load` gives it back.
    """
    write(path, own_tensors(model), metadata)


def load(path: str | Path, model: nn.Module) -> dict[str, Any]:
    """Read a file of `save` into the model, on the device and in the precision that the model has.

    Returns:
        The metadata given to `save`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a damaged file, or one that does not fit the model (the message names every difference). The model
            is then unchanged.
    """
    tensors, metadata = read(path)
    load_tensors(model, tensors, path)
    return metadata


def write(path: str | Path, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
    """Tensors and JSON values to a safetensors file, all or nothing."""
    write_tensors(Path(path), tensors, {key: json.dumps(value) for key, value in metadata.items()})


def read(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (on the CPU) and JSON values of a file of `write`. Errors as in `load`."""
    tensors, metadata = read_tensors(Path(path))
    return tensors, {key: _decode(value) for key, value in metadata.items()}


def load_tensors(model: nn.Module, tensors: dict[str, Tensor], source: str | Path) -> None:
    """Copy tensors into the model after checking that names and shapes agree. `source` names them in the error."""
    own = own_tensors(model)
    every = model.state_dict(keep_vars=True)
    problems = [f"missing: {name} {tuple(own[name].shape)}" for name in own if name not in tensors]
    problems += [f"not in the model: {name} {tuple(t.shape)}" for name, t in tensors.items() if name not in every]
    problems += [
        f"another shape: {name} is {tuple(tensors[name].shape)} in the file and {tuple(t.shape)} in the model"
        for name, t in own.items()
        if name in tensors and tensors[name].shape != t.shape
    ]
    if problems:
        raise ValueError(f"{source} does not fit {type(model).__name__}:\n  " + "\n  ".join(problems))
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(tensors[name])


def own_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The model's parameters and buffers, each tensor once, under its first name."""
    seen: set[int] = set()
    own = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            own[name] = tensor
    return own


def _decode(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # a file by another program, whose metadata is plain text
        return text
