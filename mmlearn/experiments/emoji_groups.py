"""The task that several lessons share: tell the groups of emoji apart. Its data, its augmentation and its training.

Shape letters: B batch, Y and X rows and columns of pixels.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn import data, train

BATCH = 64
WHITE = 1.0  # the background of an emoji, in numbers from -1 to 1
CONCEPTS, STYLE = "unseen concepts", "unseen style"


class Images(NamedTuple):
    """Pictures `[B, 3, Y, X]` from -1 to 1, and the number of each one's group `[B]`."""

    pixels: Tensor
    labels: Tensor


class Task(NamedTuple):
    """Training images, and two sets that are held out: concepts that training does not show, and another hand's style.

    `held_out` has the keys `CONCEPTS` and `STYLE`; a label is an index of `groups`.
    """

    groups: tuple[str, ...]
    train: Images
    held_out: dict[str, Images]


@cache
def task(size: int = 32) -> Task:
    """The task with pictures of `size` by `size` pixels."""
    splits = {name: data.load("emoji", split=name, size=size) for name in ("train", "concepts", "noto")}
    groups = tuple(sorted(set(splits["train"]["group"])))

    def images(split: str) -> Images:
        labels = [groups.index(group) for group in splits[split]["group"]]
        return Images(data.to_tensor(splits[split]).float() / 127.5 - 1, torch.tensor(labels))

    return Task(groups, images("train"), {CONCEPTS: images("concepts"), STYLE: images("noto")})


def training_images(count: int, seed: int, labels: str = "true") -> Images:
    """The first so many training images in the order of a seed; with `"shuffled"` labels as the negative control."""
    pixels, true = task().train
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(true), generator=generator)[:count]
    names = true[order]
    return Images(pixels[order], names if labels == "true" else names[torch.randperm(count, generator=generator)])


def augment(images_BCYX: Tensor, labels_B: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Shift the batch by up to three pixels and mirror half of its images."""
    Y, X = images_BCYX.shape[2:]
    padded = F.pad(images_BCYX, (3, 3, 3, 3), value=WHITE)
    top, left = torch.randint(0, 7, (2,), generator=generator).tolist()
    shifted = padded[:, :, top : top + Y, left : left + X]
    mirror = torch.rand(len(shifted), 1, 1, 1, generator=generator) < 0.5
    return torch.where(mirror, shifted.flip(3), shifted), labels_B


def fit(
    model: nn.Module,
    images: Images,
    *,
    seed: int,
    steps: int,
    lr: float,
    on_event: Callable | Sequence = (),
    progress: bool | str = True,
    device: str | None = None,
) -> train.History:
    """Train a classifier of images on the groups. Arguments as in `train.fit`; `seed` also orders the batches."""
    return train.fit(
        model,
        lambda model, batch: F.cross_entropy(model(batch[0]), batch[1]),
        train.batches(*images, batch_size=BATCH, seed=seed, augment=augment),
        steps=steps,
        lr=lr,
        seed=seed,
        on_event=on_event,
        progress=progress,
        device=device,
    )
