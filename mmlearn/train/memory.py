"""What to do when memory runs out, said with the error."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mmlearn.train.history import History

# How torch's allocators of the CPU and of Apple's GPUs say it; that of CUDA has a kind of error of its own.
RAN_OUT = re.compile(r"can't allocate memory|not enough memory|out of memory", re.IGNORECASE)


@contextmanager
def advised(history: History) -> Iterator[None]:
    """Add a note to an error of memory that runs out in a training run: where, and what helps."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or RAN_OUT.search(str(error)):
            error.add_note(
                f"Memory ran out in step {len(history.records) + 1} of {history.planned}. What helps: a smaller batch "
                "or model; in JupyterLab, to shut down the kernels of other notebooks. Then restart this one's. "
                "`mmlearn doctor`, in a terminal, says how much memory there is."
            )
        raise
