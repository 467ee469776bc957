"""Other people's implementations, made importable."""

import importlib
from pathlib import Path
from unittest import mock

import torch

_kept: list[torch.library.Library] = []  # what is registered lasts as long as its library


def make_importable() -> None:
    """Let torchvision and torchaudio be imported beside a torch that their compiled parts were not built for.

    timm, open_clip and encodec need them to be there, and transformers takes torchvision where it is installed. They
    only need their functions in Python. To be called before any of them is imported; does nothing where torchvision and
    torchaudio work, or are not installed.
    """
    if _stops("torchvision"):  # at two compiled operators, which are described to torch and never run here
        _kept.append(torch.library.Library("torchvision", "DEF"))
        for name in ("nms", "qnms"):
            _kept[-1].define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        importlib.import_module("torchvision")
    if _stops("torchaudio"):  # at its compiled part, without which it would go on: so it finds none
        with mock.patch.object(Path, "glob", return_value=[]):
            importlib.import_module("torchaudio")


def _stops(package: str) -> bool:
    """Whether a package is installed and its import fails for its compiled part."""
    try:
        importlib.import_module(package)
    except ModuleNotFoundError:
        return False
    except (RuntimeError, OSError):
        return True
    return False
