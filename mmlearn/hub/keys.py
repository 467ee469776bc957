"""Key maps: which tensor of an official checkpoint is which of ours, as data.

A map is a tuple of `Key`, one line for each kind of tensor. Both ways it is a bijection: `names` refuses a map in which
a tensor of ours has no line or two, a line has no tensor, or two tensors have one official name.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

LISTED = 8  # how many tensors an error names


@dataclass(frozen=True)
class Key:
    """One line of a key map.

    Attributes:
        ours: a tensor's name in our model. `{}` stands for one part of the name, such as a block's number or "weight".
        theirs: its official name, with as many `{}`; several where the official tensors are parts of ours, which are
            joined along the first axis (queries, keys and values).
        form: how the official tensor is laid out. "same"; "kernel": as a convolution's kernel, where ours is a matrix
            that its module's `kernel()` shows so; "transposed": with its two axes exchanged.
        lead: axes of length one that the official tensor has in front of ours.
    """

    ours: str
    theirs: str | tuple[str, ...]
    form: str = "same"
    lead: int = 0

    @property
    def parts(self) -> tuple[str, ...]:
        """The official names."""
        return (self.theirs,) if isinstance(self.theirs, str) else self.theirs


class Place(NamedTuple):
    """Where a tensor of ours stands in an official checkpoint."""

    names: tuple[str, ...]
    shape: tuple[int, ...]  # of each of them
    form: str


def names(model: nn.Module, keys: Iterable[Key]) -> dict[str, Place]:
    """For each tensor of the model its place in the official layout.

    Raises:
        LookupError: the map is no bijection for this model; a mistake in the map, not in a file.
    """
    lines = [(re.compile(re.escape(key.ours).replace(r"\{\}", r"([^.]+)")), key) for key in keys]
    places, used = {}, set()
    for name, tensor in model.state_dict(keep_vars=True).items():
        hits = [(match, key) for pattern, key in lines if (match := pattern.fullmatch(name))]
        if len(hits) != 1:
            raise LookupError(f"the key map has {len(hits)} lines for {name}, and needs one")
        match, key = hits[0]
        used.add(key)
        official = tuple(part.format(*match.groups()) for part in key.parts)
        places[name] = Place(official, _shape(model, name, tensor, key), key.form)
    unused = [key.ours for _, key in lines if key not in used]
    twice = _twice(part for place in places.values() for part in place.names)
    if unused or twice:
        raise LookupError(f"the key map has lines for no tensor: {unused}; and official names used twice: {twice}")
    return places


def _shape(model: nn.Module, name: str, tensor: Tensor, key: Key) -> tuple[int, ...]:
    shape = tuple(tensor.shape)
    if key.form == "kernel":
        shape = tuple(_module(model, name).kernel().shape)
    elif key.form == "transposed":
        shape = shape[::-1]
    if len(key.parts) > 1:
        shape = (shape[0] // len(key.parts), *shape[1:])
    return (1,) * key.lead + shape


def _module(model: nn.Module, name: str) -> nn.Module:
    """The module with a `kernel` that owns a tensor: `projection.linear.weight` is that of `projection`."""
    return model.get_submodule(name.rsplit(".", 2)[0])


def _twice(found: Iterable[str]) -> list[str]:
    seen, again = set(), []
    for name in found:
        if name in seen:
            again.append(name)
        seen.add(name)
    return again


def to_ours(model: nn.Module, keys: Iterable[Key], tensors: Mapping[str, Tensor], source: object) -> dict[str, Tensor]:
    """Official tensors under our names and in our shapes; the file's tensors are not copied where that can be helped.

    Args:
        source: what names the file in an error.

    Raises:
        ValueError: a tensor is missing, unknown or of another shape; all of them are named, with the nearest known. Or
            one holds whole numbers.
    """
    places = names(model, keys)
    expected = {name: place.shape for place in places.values() for name in place.names}
    problems = _differences(expected, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
    if problems:
        raise ValueError(
            f"{source} does not fit the {type(model).__name__} of these sizes:\n  " + "\n  ".join(problems)
        )
    whole = [name for name in expected if not tensors[name].is_floating_point()]
    if whole:
        kind = str(tensors[whole[0]].dtype).removeprefix("torch.")
        raise ValueError(f"{source}: {whole[0]} holds whole numbers ({kind}); quantised weights are not read")
    own = model.state_dict(keep_vars=True)
    found = {}
    for name, place in places.items():
        parts = [tensors[part] for part in place.names]
        tensor = parts[0] if len(parts) == 1 else torch.cat(parts)
        tensor = tensor.mT if place.form == "transposed" else tensor
        found[name] = tensor.reshape(own[name].shape).contiguous()  # else products round in another order
    return found


def to_theirs(model: nn.Module, keys: Iterable[Key]) -> dict[str, Tensor]:
    """The model's tensors under their official names and in their official shapes."""
    own, found = model.state_dict(), {}
    for name, place in names(model, keys).items():
        tensor = own[name].mT if place.form == "transposed" else own[name]
        parts = tensor.chunk(len(place.names)) if len(place.names) > 1 else [tensor]  # a scalar has no chunks
        for part, official in zip(parts, place.names, strict=True):
            found[official] = part.reshape(place.shape).contiguous()
    return found


def _differences(expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> list[str]:
    """What does not agree, a line each; of long lists the beginning."""
    missing = [name for name in expected if name not in found]
    unknown = [name for name in found if name not in expected]
    other = [name for name in expected if name in found and expected[name] != found[name]]
    lines = _some(missing, "missing", lambda name: f"{name} {expected[name]}{_nearest(name, unknown)}")
    lines += _some(unknown, "unknown", lambda name: f"{name} {found[name]}{_nearest(name, missing or list(expected))}")
    lines += _some(other, "another shape", lambda name: f"{name} is {found[name]}, and should be {expected[name]}")
    return lines


def _some(found: list[str], what: str, describe) -> list[str]:
    lines = [f"{what}: {describe(name)}" for name in found[:LISTED]]
    return lines + ([f"{what}: {len(found) - LISTED} more"] if len(found) > LISTED else [])


def _nearest(name: str, others: list[str]) -> str:
    close = difflib.get_close_matches(name, others, n=1, cutoff=0.7)
    return f" (nearest: {close[0]})" if close else ""
