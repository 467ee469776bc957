"""How much each of several losses may change what they judge.

EnCodec (Defossez et al. 2022, arXiv:2210.13438), section 3.4, equation 5.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

EPSILON = 1e-12


def balanced(gradients: Sequence[Tensor], lengths: Tensor, weights: Sequence[float], norm: float = 1.0) -> Tensor:
    """Equation 5, summed over losses: sum over i of R lambda_i / (sum over j of lambda_j) g_i / <||g_i||>_beta.

    Args:
        gradients: g_i, that of each loss for the model's output.
        lengths: <||g_i||>_beta, how long each usually is.
        weights: lambda_i.
        norm: R.
    """
    terms = zip(gradients, lengths.unbind(), weights, strict=True)
    return torch.stack([norm * w / sum(weights) * g / (length + EPSILON) for g, length, w in terms]).sum(0)


def item_length(gradient: Tensor) -> Tensor:
    """||g||: the length of the gradient of each item, along the first axis, as a mean over items."""
    return torch.linalg.vector_norm(gradient.flatten(1), dim=1).mean()


class Balancer(nn.Module):
    """Gradients of losses, each brought to its share of one length.

        gradient = balancer(losses, waveform)
        torch.autograd.backward((waveform, commitment), (gradient, None))

    So a weight, by the sum of all, is the fraction of the model's gradient that comes from its loss, whatever the scale
    of the loss. Losses that do not depend on the output, such as the commitment, stay outside. The averages are part of
    the state dict.

    The paper does not say of what a length is taken, and how the average starts. Here, as in the released code, it is
    that of each item's gradient, as a mean, and the average is whole from the first step on.

    Args:
        weights: lambda_i, by the losses' names.
        norm: R, the length of the sum if all gradients point the same way.
        decay: beta, how much of the averages of lengths stays at each step.
        device, dtype: of the averages.

    Raises:
        ValueError: no weights, or none that is positive.
    """

    def __init__(
        self, weights: Mapping[str, float], *, norm: float = 1.0, decay: float = 0.999, device=None, dtype=None
    ) -> None:
        super().__init__()
        if not weights or min(weights.values()) < 0 or not sum(weights.values()):
            raise ValueError(f"weights are positive, or zero but not all of them; got {dict(weights)}")
        self.weights, self.norm, self.decay = dict(weights), norm, decay
        self.register_buffer("lengths", torch.zeros(len(weights), device=device, dtype=dtype))
        self.register_buffer("seen", torch.zeros((), device=device, dtype=dtype))  # the weight of all steps so far

    def forward(self, losses: Mapping[str, Tensor], output: Tensor) -> Tensor:
        """The gradient that the output is to be given. The averages move.

        The length of a gradient is that of each item, as a mean over the batch, and over processes.

        Args:
            losses: a number for each weight, by name.
            output: what they are computed from, x^ of the paper; the first axis is the batch.

        Raises:
            ValueError: the losses are not those of the weights.
        """
        if set(losses) != set(self.weights):
            raise ValueError(f"weights are of {', '.join(self.weights)}; losses came for {', '.join(losses)}")
        gradients = [torch.autograd.grad(losses[name], output, retain_graph=True)[0] for name in self.weights]
        lengths = torch.stack([item_length(gradient) for gradient in gradients])
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(lengths)
            lengths /= torch.distributed.get_world_size()
        # <||g_i||>_beta: a moving average that is whole from the first step on.
        self.lengths.mul_(self.decay).add_(lengths)
        self.seen.mul_(self.decay).add_(1)
        return balanced(gradients, self.lengths / self.seen, list(self.weights.values()), self.norm)
