"""AdamW with weight decay where it belongs, and the learning rate's course."""

import math

import torch
from torch import nn


def adamw(
    model: nn.Module, lr: float, weight_decay: float = 0.05, betas: tuple[float, float] = (0.9, 0.95)
) -> torch.optim.AdamW:
    """AdamW over the trainable parameters, with decay on weight matrices only.

    A weight matrix is a parameter with "weight" in its own name and two or more dimensions, outside of `nn.Embedding`:
    linear, convolution and recurrent weights. Biases, norms, embedding tables, and bare parameters such as positions,
    class tokens and learned queries do not decay: shrinking them towards zero has no regularising meaning.

    Raises:
        ValueError: nothing in the model is trainable.
    """
    decays: dict[nn.Parameter, bool] = {}
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            matrix = "weight" in name and parameter.ndim >= 2 and not isinstance(module, nn.Embedding)
            # `and`: a table shared by an embedding and an output layer counts as an embedding.
            decays[parameter] = decays.get(parameter, True) and matrix
    groups = [
        {"params": [p for p, decay in decays.items() if decay and p.requires_grad], "weight_decay": weight_decay},
        {"params": [p for p, decay in decays.items() if not decay and p.requires_grad], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise ValueError(f"{type(model).__name__} has no trainable parameter: all are frozen, or there are none")
    return torch.optim.AdamW(groups, lr=lr, betas=betas)


def lr_factor(step: int, steps: int, warmup: float = 0.05, schedule: str = "cosine") -> float:
    """What the peak learning rate is multiplied by at `step` (0 to steps - 1).

    It climbs in a line over the first `warmup` share of the steps, then follows half a cosine towards zero, or stays.
    """
    rise = round(warmup * steps)
    if step < rise:
        return (step + 1) / rise
    if schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / (steps - rise)))
