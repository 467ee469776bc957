"""Which device to compute on."""

import os

import torch


def device() -> torch.device:
    """The best device here: cuda, else mps, else cpu. `MMLEARN_DEVICE` overrides it ("cpu", "cuda:1", "mps").

    Under torchrun each process of a machine has a GPU of its own.

    Raises:
        ValueError: `MMLEARN_DEVICE` names a device that does not exist here.
    """
    wanted = os.environ.get("MMLEARN_DEVICE")
    if wanted:
        try:
            torch.empty(0, device=wanted)
        except Exception as error:  # torch raises a different kind for each way of being unusable
            raise ValueError(
                f"MMLEARN_DEVICE={wanted!r} cannot be used here ({str(error).splitlines()[0]}). "
                "Unset it to let mmlearn choose, or set it to cpu."
            ) from error
        return torch.device(wanted)
    if torch.cuda.is_available():
        number = os.environ.get("LOCAL_RANK")
        return torch.device("cuda", int(number)) if number else torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
