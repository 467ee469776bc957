"""How well a classifier does, and how sure that number is.

Shape letters: B batch, K classes.
"""

import math

import torch
from torch import Tensor, nn


def accuracy(model: nn.Module, inputs: Tensor, labels_B: Tensor, batch_size: int = 256) -> float:
    """Share of inputs whose highest score is at their label.

    Args:
        model: gives scores `[B, K]`; called as it is, in evaluation mode, and left in the mode it was in.
        inputs: `[B, ...]`, on any device.
        labels_B: whole numbers from 0 to K - 1.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    with torch.no_grad():
        guesses = [model(part.to(device)).argmax(dim=1).cpu() for part in inputs.split(batch_size)]
    model.train(was_training)
    return (torch.cat(guesses) == labels_B.cpu()).float().mean().item()


def wilson_interval(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """The interval that holds the true share with 95 % confidence, after seeing `share` of `count` trials.

    Source: Wilson 1927; unlike the normal approximation it stays inside 0 to 1.
    """
    centre = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return (centre - spread) / scale, (centre + spread) / scale


def majority_share(train_labels_B: Tensor, labels_B: Tensor) -> float:
    """The accuracy of always guessing the label that is most frequent in training."""
    return (labels_B == train_labels_B.mode().values).float().mean().item()
