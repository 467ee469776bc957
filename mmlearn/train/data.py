"""Minibatches: from tensors in memory, onto a device, and without end."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any

import torch
from torch import Tensor


def batches(
    *tensors: Tensor,
    batch_size: int,
    seed: int = 0,
    augment: Callable[..., Any] | None = None,
) -> Iterator[Any]:
    """Endless shuffled minibatches of tensors that share their first dimension N.

    Each pass over the items is a new permutation. A batch may straddle two passes, so every item is seen once a pass,
    none is dropped, and all batches have the same size. The order depends on `seed` alone, not on the global state.

    Args:
        tensors: each (N, ...).
        batch_size: items in a batch.
        seed: of the permutations and of `augment`.
        augment: `augment(*parts, generator) -> batch`, with `generator` a torch.Generator for its randomness.

    Yields:
        A tensor (batch_size, ...) for one input, a tuple of them for several, or what `augment` returns.

    Raises:
        ValueError: no tensors, different lengths, or a batch size below 1.
    """
    lengths = [len(tensor) for tensor in tensors]
    if not lengths or len(set(lengths)) > 1 or lengths[0] == 0:
        raise ValueError(f"batches needs tensors with the same number of items, at least one; got lengths {lengths}")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    return _batches(tensors, lengths[0], batch_size, torch.Generator().manual_seed(seed), augment)


def _batches(tensors, items, batch_size, generator, augment):
    # Apart from `batches`, so that wrong arguments are refused at the call and not at the first batch.
    order = torch.randperm(items, generator=generator)
    while True:
        while len(order) < batch_size:
            order = torch.cat([order, torch.randperm(items, generator=generator)])
        picked, order = order[:batch_size], order[batch_size:]
        parts = tuple(tensor[picked] for tensor in tensors)
        if augment is not None:
            yield augment(*parts, generator)
        else:
            yield parts if len(parts) > 1 else parts[0]


def endless(iterable: Iterable) -> Iterator:
    """Go round and round an iterable (a DataLoader, a list). Ends only where a pass gives nothing."""
    sampler = getattr(iterable, "sampler", None)
    for number in count():
        if hasattr(sampler, "set_epoch"):  # a DistributedSampler, whose order depends on the number of the pass
            sampler.set_epoch(number)
        empty = True
        for batch in iterable:
            empty = False
            yield batch
        if empty:
            return


def to_device(batch: Any, device: torch.device | str) -> Any:
    """The batch with every tensor in its tuples, lists and dicts moved to `device`; other values stay as they are."""
    return each_tensor(lambda tensor: tensor.to(device), batch)


def each_tensor(change: Callable[[Tensor], Tensor], batch: Any) -> Any:
    """The batch with every tensor in its tuples, lists and dicts changed; other values stay as they are."""
    if isinstance(batch, Tensor):
        return change(batch)
    if isinstance(batch, Mapping):
        return {key: each_tensor(change, value) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(each_tensor(change, value) for value in batch))
    if isinstance(batch, (tuple, list)):
        return type(batch)(each_tensor(change, value) for value in batch)
    return batch
