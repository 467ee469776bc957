"""Other people's implementations, made importable."""

import importlib

import torch

_kept: list[torch.library.Library] = []  # what is registered lasts as long as its library


def make_importable() -> None:
    """Let torchvision be imported beside a torch that its compiled part was not built for.

    timm and open_clip need it to be there, and transformers takes it where it is installed. They only need its
    functions in Python; the import stops at two compiled operators, which it describes to torch and never runs here.
    To be called before any of them is imported; does nothing where torchvision works, or is not installed.
    """
    try:
        importlib.import_module("torchvision")
    except ModuleNotFoundError:
        return
    except (RuntimeError, OSError):
        _kept.append(torch.library.Library("torchvision", "DEF"))
        for name in ("nms", "qnms"):
            _kept[0].define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        importlib.import_module("torchvision")
