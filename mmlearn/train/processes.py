"""Training in several processes at once, one a GPU, as `torchrun` starts them.

    torchrun --nproc-per-node 8 script.py

Every process runs the same script and the same `train.fit`. Each takes its share of every batch, and the gradients are
averaged (torch's DistributedDataParallel), so all keep the same weights: those that one process would get from whole
batches. Started without torchrun there is one process, and nothing here does anything.
"""

import atexit
import os
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data.distributed import DistributedSampler

from mmlearn.train.data import each_tensor


def count() -> int:
    """How many processes train together."""
    return dist.get_world_size() if _together() else 1


def rank() -> int:
    """The number of this process, from 0. Process 0 shows the progress and writes the files."""
    return dist.get_rank() if _together() else 0


def meet(where: torch.device) -> None:
    """Meet the other processes that torchrun started, if it did: over NCCL between GPUs, over gloo between CPUs."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and dist.is_available() and not dist.is_initialized():
        if where.type == "cuda":
            torch.cuda.set_device(where)
        dist.init_process_group("nccl" if where.type == "cuda" else "gloo")
        atexit.register(dist.destroy_process_group)


class Step(nn.Module):
    """A model and its loss as one module, so that whatever the loss calls of the model is averaged too."""

    def __init__(self, model: nn.Module, loss: Callable[[nn.Module, Any], Any]) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Any) -> Any:
        """What the loss gives."""
        return self.loss(self.model, batch)


def averaged(model: nn.Module, loss: Callable[[nn.Module, Any], Any]) -> Callable[[Any], Any]:
    """The loss as a function of a batch alone, whose gradients are the means over all processes.

    All processes begin with the weights of process 0. What a batch does not need of the model may go without gradients.
    """
    step = Step(model, loss)
    return step if count() == 1 else DistributedDataParallel(step, find_unused_parameters=True)


def share(batch: Any, batches: Iterable) -> Any:
    """This process's part of a batch: of every tensor in its tuples, lists and dicts an equal part of the first axis.

    Args:
        batch: the same in all processes, unless
        batches: where it came from, is a DataLoader with a DistributedSampler; that one loads its own part alone.

    Raises:
        ValueError: the processes do not divide the batch.
    """
    if count() == 1 or isinstance(getattr(batches, "sampler", None), DistributedSampler):
        return batch
    return each_tensor(_part, batch)


def _part(tensor: Tensor) -> Tensor:
    if len(tensor) % count():
        raise ValueError(f"{count()} processes do not divide a batch of {len(tensor)}; take a multiple")
    return tensor.chunk(count())[rank()]


def mean_of_all(numbers: Tensor) -> Tensor:
    """The mean of each number over all processes."""
    if count() > 1:
        dist.all_reduce(numbers)
    return numbers / count()


def _together() -> bool:
    return dist.is_available() and dist.is_initialized()
