"""Official checkpoints: read into the course's reference models, and written back.

    from mmlearn import hub
    clip = hub.load("openai/clip-vit-base-patch32")        # or the path of a folder or file
    prepare = hub.inputs("openai/clip-vit-base-patch32")   # its tokenizer and its preprocessing of pictures
    clip(prepare.images([picture]), prepare.texts(["a photo of a cat", "a photo of a dog"])).softmax(dim=1)

    hub.save(clip, "folder")                               # as Hugging Face's transformers reads it

Files are data here: nothing in them is run. Layouts stand in `vit.py`, `clip.py`, `clip_towers.py`,
`imagebind.py` and `encodec.py`, a key map each.
"""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmlearn.files import write_whole
from mmlearn.hub.clip import LAYOUTS as CLIP_LAYOUTS
from mmlearn.hub.clip_inputs import Inputs, inputs
from mmlearn.hub.clip_towers import LAYOUTS as TOWER_LAYOUTS
from mmlearn.hub.encodec import LAYOUTS as ENCODEC_LAYOUTS
from mmlearn.hub.files import Checkpoint, find
from mmlearn.hub.imagebind import LAYOUTS as IMAGEBIND_LAYOUTS
from mmlearn.hub.keys import to_ours, to_theirs
from mmlearn.hub.layout import Layout, architecture
from mmlearn.hub.vit import LAYOUTS as VIT_LAYOUTS
from mmlearn.hub.weights import write_weights

__all__ = ["Inputs", "inputs", "load", "save"]

LAYOUTS = (*VIT_LAYOUTS, *CLIP_LAYOUTS, *TOWER_LAYOUTS, *IMAGEBIND_LAYOUTS, *ENCODEC_LAYOUTS)


def load(
    folder_or_repo: str | Path,
    preset: Any = None,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> nn.Module:
    """An official checkpoint as a model of ours, in evaluation mode.

    Args:
        folder_or_repo: a folder, a file, or a repository of the Hugging Face Hub ("owner/name"), which is fetched once.
        preset: the sizes, by name or as a configuration, where the release does not say them.
        device, dtype: of the parameters; default: the CPU and float32.

    Raises:
        FileNotFoundError: nothing is there.
        ConnectionError: the repository is not on this machine, and cannot be reached.
        ValueError: the architecture or the layout is unknown; the file is damaged or could run code; its tensors are
            not those of the model. The message says what would be right.
    """
    checkpoint = find(folder_or_repo)
    layout = _recognise(checkpoint)
    model = _empty(layout, checkpoint) if preset is None else layout.model(layout.preset(preset), device="meta")
    own = to_ours(model, layout.keys(model.config), layout.needed(checkpoint.tensors), checkpoint)
    dtype = dtype or torch.get_default_dtype()
    model.load_state_dict({name: tensor.to(device or "cpu", dtype) for name, tensor in own.items()}, assign=True)
    return model.eval()


def save(model: nn.Module, folder: str | Path, layout: str | None = None) -> Path:
    """Write a model of ours in an official layout: weights as safetensors and, where it has one, a configuration.

    Args:
        folder: made where missing.
        layout: "hf-vit", "timm-vit", "hf-clip", "open_clip", "openai-clip", "imagebind", "hf-encodec", "encodec" or
            "encodec-lm";
            default: the first that fits the model. A half of a CLIP has one alone.

    Raises:
        ValueError: no such layout for this model, or it cannot say the model's sizes.
    """
    fitting = {known.name: known for known in LAYOUTS if known.model is type(model)}
    if not fitting:
        models = ", ".join(sorted({known.model.__name__ for known in LAYOUTS}))
        raise ValueError(f"no official layout is known for a {type(model).__name__}; there are some for {models}")
    if layout is not None and layout not in fitting:
        raise ValueError(f"a {type(model).__name__} has no layout {layout!r}; it has {', '.join(fitting)}")
    chosen, folder = fitting[layout or next(iter(fitting))], Path(folder)
    described = chosen.write_config(model.config)
    tensors = to_theirs(model, chosen.keys(model.config))
    if described is not None:  # before the weights: without it they might be read as something else
        write_whole(folder / chosen.config_name, (json.dumps(described, indent=2) + "\n").encode())
    write_weights(folder, tensors, chosen.weights_name)
    return folder


def _empty(layout: Layout, checkpoint: Checkpoint) -> nn.Module:
    """A model of the checkpoint's sizes, without memory or random numbers, because all of it is replaced at once."""
    try:
        return layout.model(layout.read_config(checkpoint), device="meta")
    except (KeyError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{checkpoint}: its configuration is none of {layout.name} ({reason})") from error


def _recognise(checkpoint: Checkpoint) -> Layout:
    """The layout that the configuration names or, without one, that the tensors' names tell."""
    named = architecture(checkpoint.config)
    if named:
        for layout in LAYOUTS:
            if any(fnmatchcase(named, pattern) for pattern in layout.architectures):
                return layout
        known = ", ".join(pattern for layout in LAYOUTS for pattern in layout.architectures)
        raise ValueError(f"{checkpoint}: no model here is a {named!r}; known are {known}")
    for layout in LAYOUTS:
        if any(fnmatchcase(name, layout.signature) for name in checkpoint.tensors):
            return layout
    first = ", ".join(list(checkpoint.tensors)[:3]) or "none"
    known = ", ".join(layout.name for layout in LAYOUTS)
    raise ValueError(f"{checkpoint}: its tensors ({first}, ...) are of no layout that is known: {known}")
