"""What is wrong with the calls of torch that a model makes, found without an accelerator.

Each rule looks at one call; `broken(rule, run)` runs something and tells where it breaks the rule.
"""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from cases import tensors
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors

TORCH = str(Path(torch.__file__).parent)
CONVERSIONS = (torch.tensor, torch.as_tensor, torch.asarray)  # these stay on the device of a tensor that they are given


def broken(rule: Callable[..., str | None], run: Callable[[], Any]) -> list[str]:
    """The calls in `run` that break the rule, each once, as `file.py:12: what is wrong with it`."""
    with _Watch(rule) as watch:
        run()
    return list(dict.fromkeys(watch.found))


class _Watch(TorchFunctionMode):
    """Shows a rule every call of torch, and its result, while the context lasts."""

    def __init__(self, rule: Callable[..., str | None]) -> None:
        super().__init__()
        self.rule, self.found = rule, []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if complaint := self.rule(function, args, kwargs or {}, result):
            self.found.append(f"{_place()}: {complaint}")
        return result


def _place() -> str:
    """The innermost line of Python that belongs neither to torch nor to this file."""
    for frame in reversed(traceback.extract_stack()):
        if not frame.filename.startswith((TORCH, __file__, "<")):
            return f"{Path(frame.filename).name}:{frame.lineno}"
    return "unknown place"


def _name(function) -> str:
    return getattr(function, "__name__", str(function))


def names_device(function, args: tuple, kwargs: dict, result) -> str | None:
    """A new tensor is made on a named device.

    Without one it is made on the CPU, wherever the model is. New is what comes out though no tensor went in, and what
    torch's own list of factories makes, which may take a tensor for a number: `torch.full(shape, x.mean())`.
    """
    if kwargs.get("device") is not None or (function in CONVERSIONS and isinstance(args[0], Tensor)):
        return None
    if function in _device_constructors() or (isinstance(result, Tensor) and not tensors((args, kwargs))):
        return f"{_name(function)} without device="
    return None


def waits_for_no_copy(function, args: tuple, kwargs: dict, result) -> str | None:
    """Nothing makes the program wait for the accelerator though it would run on the meta device.

    Python numbers that become a tensor are copied to it, and a mask that says where to write must come back, to be
    counted. All else that waits (`item`, `bool`, `cpu`, `nonzero`, ...) fails on the meta device, which has no numbers.
    """
    if function in CONVERSIONS and not isinstance(args[0], Tensor):
        return f"{_name(function)} of Python numbers is copied to the device"
    if function is Tensor.new_tensor:
        return "new_tensor is copied to the device"
    if function in (Tensor.__getitem__, Tensor.__setitem__):
        index = args[1] if isinstance(args[1], tuple) else (args[1],)
        if any(isinstance(part, list) for part in index):
            return "a list as index is copied to the device"
        mask = any(isinstance(part, Tensor) and part.dtype in (torch.bool, torch.uint8) for part in index)
        if function is Tensor.__setitem__ and mask and isinstance(args[2], Tensor) and args[2].numel() > 1:
            return "a mask that says where to write comes back from the device"
    return None
