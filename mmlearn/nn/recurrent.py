"""A long short-term memory, as one call for a whole sound and for its next piece.

Shape letters: B batch, C channels, T samples, L layers.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn


class LSTMState(NamedTuple):
    """What it remembers after a sample."""

    output_LBC: Tensor  # h
    cell_LBC: Tensor  # c


class LSTMLayer(nn.Module):
    """The weights of one layer, of its input, forget, cell and output gates in this order.

    Args:
        channels: C.
        device, dtype: of the parameters.
    """

    def __init__(self, channels: int, *, device=None, dtype=None) -> None:
        super().__init__()
        spread = 1 / math.sqrt(channels)
        for name, shape in (("input", (4 * channels, channels)), ("recurrent", (4 * channels, channels))):
            setattr(self, f"{name}_weight", _uniform(shape, spread, device, dtype))
            setattr(self, f"{name}_bias", _uniform((4 * channels,), spread, device, dtype))

    def weights(self) -> list[Tensor]:
        """In the order in which torch takes them."""
        return [self.input_weight, self.recurrent_weight, self.input_bias, self.recurrent_bias]


class LSTM(nn.Module):
    """Layers of LSTM, with what comes in added to what goes out.

    Source: Hochreiter & Schmidhuber 1997, with forget gates (Gers et al. 2000). `torch.nn.LSTM` computes the same; this
    one can be compiled whole, because it calls torch's function and not its module.

    Args:
        channels: C.
        layers: L.
        device, dtype: of the parameters.
    """

    def __init__(self, channels: int, layers: int, *, device=None, dtype=None) -> None:
        super().__init__()
        self.channels = channels
        self.layers = nn.ModuleList(LSTMLayer(channels, device=device, dtype=dtype) for _ in range(layers))

    def forward(self, x_BCT: Tensor) -> Tensor:
        """The whole sound, `[B, C, T]` to `[B, C, T]`."""
        return self.step(x_BCT)[0]

    def step(self, x_BCT: Tensor, state: LSTMState | None = None) -> tuple[Tensor, LSTMState]:
        """The next piece of a sound, of any length, and what to remember."""
        if state is None:
            zeros_LBC = x_BCT.new_zeros(len(self.layers), x_BCT.shape[0], self.channels)
            state = LSTMState(zeros_LBC, zeros_LBC)
        if x_BCT.shape[-1] == 0:
            return x_BCT, state
        x_TBC = x_BCT.permute(2, 0, 1)
        weights = [weight for layer in self.layers for weight in layer.weights()]
        y_TBC, *memory = torch.lstm(x_TBC, tuple(state), weights, True, len(self.layers), 0.0, False, False, False)
        return (y_TBC + x_TBC).permute(1, 2, 0), LSTMState(*memory)


def _uniform(shape: tuple[int, ...], spread: float, device, dtype) -> nn.Parameter:
    return nn.Parameter(torch.empty(shape, device=device, dtype=dtype).uniform_(-spread, spread))
