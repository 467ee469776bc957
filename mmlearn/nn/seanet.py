"""SEANet: a sound to latents and back, by strided convolutions, residual units between them, and an LSTM in the middle.

Tagliasacchi et al. 2020 (arXiv:2009.02095), as EnCodec (Defossez et al. 2022, arXiv:2210.13438, section 3.1) has it.
What the papers leave open, such as padding and norms, is as in EnCodec's released models.

Each module has a `forward` of the whole sound and a `step` of its next piece, which takes what was remembered of the
pieces before and hands it back; see `mmlearn.nn.convolution`. Norms that see the whole sound cannot step.

Shape letters: B batch, C channels of a sound, T samples, D width of a latent, F frames, W width of a layer.

Departures from EnCodec's paper
    same: strides 2, 4, 5, 8, of kernels twice as long; widths that double with each stride; ELU; a two-layer LSTM.
    in the released models, not in the paper: the second convolution of a residual unit reads one sample (the paper:
        both read three); a convolution in its skip connection; padding by reflection, so that a causal stream begins
        to speak seven frames late (the paper: after one frame); what goes into the LSTM, added to what comes out.
    not known: the first random weights (here such that a convolution keeps the deviation of what it reads).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.nn.convolution import (
    NORMS,
    PADDINGS,
    Convolution,
    ConvolutionState,
    TransposedConvolution,
    TransposedState,
)
from mmlearn.nn.recurrent import LSTM, LSTMState


@dataclass(frozen=True, kw_only=True)
class SEANetConfig:
    """Sizes of a SEANet."""

    channels: int = 1  # C
    dim: int = 128  # D
    filters: int = 32  # W of the layers nearest to the sound; it doubles with each stride
    strides: tuple[int, ...] = (2, 4, 5, 8)  # in the encoder's order
    kernel: int = 7  # of the first convolution of encoder and decoder
    last_kernel: int = 7
    residual_units: int = 1  # before each stride
    residual_kernel: int = 3
    dilation_growth: int = 2  # of each further residual unit
    compress: int = 2  # a residual unit is narrower inside by this factor
    skip_convolution: bool = True  # in residual units
    lstm_layers: int = 2
    causal: bool = True
    norm: str = "weight"
    padding: str = "reflect"

    def __post_init__(self) -> None:
        if self.norm not in NORMS or self.padding not in PADDINGS:
            raise ValueError(f"no norm {self.norm!r} or padding {self.padding!r}; see mmlearn.nn.convolution")

    @property
    def hop(self) -> int:
        """Samples of a frame."""
        return math.prod(self.strides)


class ResidualState(NamedTuple):
    """What a residual unit remembers."""

    wide: ConvolutionState
    narrow: ConvolutionState
    skipped_BWT: Tensor  # what went by the convolutions and waits for what comes out of them


class ResidualUnit(nn.Module):
    """Two convolutions, the second of one sample, beside a skip connection.

    Args:
        config: the sizes.
        width: W.
        dilation: of the first convolution.
        device, dtype: of the parameters.
    """

    def __init__(self, config: SEANetConfig, width: int, dilation: int, **place) -> None:
        super().__init__()
        c, options = config, _options(config, place)
        inner = width // c.compress
        self.wide = Convolution(width, inner, c.residual_kernel, dilation=dilation, **options)
        self.narrow = Convolution(inner, width, 1, **options)
        self.skip = Convolution(width, width, 1, **options) if c.skip_convolution else nn.Identity()

    def forward(self, x_BWT: Tensor) -> Tensor:
        """The same shape."""
        return self.skip(x_BWT) + self.narrow(F.elu(self.wide(F.elu(x_BWT)), inplace=True))  # nobody else reads it

    def step(
        self, x_BWT: Tensor, state: ResidualState | None = None, *, last: bool = False
    ) -> tuple[Tensor, ResidualState]:
        """The next piece of a sound, as in `Convolution.step`."""
        wide, narrow, skipped_BWT = state or (None, None, None)
        y_BWT, wide = self.wide.step(F.elu(x_BWT), wide, last=last)
        y_BWT, narrow = self.narrow.step(F.elu(y_BWT), narrow, last=last)
        x_BWT = self.skip(x_BWT) if x_BWT.shape[-1] else x_BWT
        if skipped_BWT is not None and skipped_BWT.shape[-1]:
            x_BWT = torch.cat([skipped_BWT, x_BWT], dim=-1)
        ready = y_BWT.shape[-1]
        return x_BWT[..., :ready] + y_BWT, ResidualState(wide, narrow, x_BWT[..., ready:])


class StageState(NamedTuple):
    """What a stage of the encoder or decoder remembers."""

    units: tuple[ResidualState, ...]
    resample: ConvolutionState | TransposedState


class EncoderStage(nn.Module):
    """Residual units, then a stride that doubles the width.

    Args:
        config: the sizes.
        width: W before the stride.
        stride: of the last convolution, which is two strides long.
        device, dtype: of the parameters.
    """

    def __init__(self, config: SEANetConfig, width: int, stride: int, **place) -> None:
        super().__init__()
        self.units = _units(config, width, **place)
        self.down = Convolution(width, 2 * width, 2 * stride, stride=stride, **_options(config, place))

    def forward(self, x_BWT: Tensor) -> Tensor:
        """`[B, W, T]` to `[B, 2 W, T / stride]`."""
        for unit in self.units:
            x_BWT = unit(x_BWT)
        return self.down(F.elu(x_BWT))

    def step(self, x_BWT: Tensor, state: StageState | None, last: bool) -> tuple[Tensor, StageState]:
        """The next piece of a sound."""
        x_BWT, units = _step_units(self.units, x_BWT, state, last)
        x_BWT, down = self.down.step(F.elu(x_BWT), state and state.resample, last=last)
        return x_BWT, StageState(units, down)


class DecoderStage(nn.Module):
    """A stride that halves the width, then residual units.

    Args:
        config: the sizes.
        width: W before the stride.
        stride: of the transposed convolution.
        device, dtype: of the parameters.
    """

    def __init__(self, config: SEANetConfig, width: int, stride: int, **place) -> None:
        super().__init__()
        self.up = TransposedConvolution(width, width // 2, stride, causal=config.causal, norm=config.norm, **place)
        self.units = _units(config, width // 2, **place)

    def forward(self, x_BWT: Tensor) -> Tensor:
        """`[B, W, T]` to `[B, W / 2, stride T]`."""
        x_BWT = self.up(F.elu(x_BWT))
        for unit in self.units:
            x_BWT = unit(x_BWT)
        return x_BWT

    def step(self, x_BWT: Tensor, state: StageState | None, last: bool) -> tuple[Tensor, StageState]:
        """The next piece of a sound."""
        x_BWT, up = self.up.step(F.elu(x_BWT), state and state.resample)
        x_BWT, units = _step_units(self.units, x_BWT, state, last)
        return x_BWT, StageState(units, up)


class SideState(NamedTuple):
    """What the encoder, or the decoder, remembers between two pieces of a sound."""

    first: ConvolutionState
    stages: tuple[StageState, ...]
    lstm: LSTMState
    last: ConvolutionState


class Encoder(nn.Module):
    """Sounds to latents.

    Args:
        config: the sizes.
        device, dtype: of the parameters.
    """

    def __init__(self, config: SEANetConfig, **place) -> None:
        super().__init__()
        c, options = config, _options(config, place)
        widths = [c.filters * 2**number for number in range(len(c.strides) + 1)]
        self.first = Convolution(c.channels, c.filters, c.kernel, **options)
        self.stages = nn.ModuleList(EncoderStage(c, w, s, **place) for w, s in zip(widths, c.strides, strict=False))
        self.lstm = LSTM(widths[-1], c.lstm_layers, **place)
        self.last = Convolution(widths[-1], c.dim, c.last_kernel, **options)

    def forward(self, x_BCT: Tensor) -> Tensor:
        """Sounds `[B, C, T]` to latents `[B, D, F]`, F = T / hop, rounded up."""
        x_BWT = self.first(x_BCT)
        for stage in self.stages:
            x_BWT = stage(x_BWT)
        return self.last(F.elu(self.lstm(x_BWT)))

    def step(self, x_BCT: Tensor, state: SideState | None = None, *, last: bool = False) -> tuple[Tensor, SideState]:
        """The next piece of a sound, of any length, to the latents that can be said by now."""
        s = state or SideState(None, (None,) * len(self.stages), None, None)
        x_BWT, first = self.first.step(x_BCT, s.first, last=last)
        stages = []
        for stage, kept in zip(self.stages, s.stages, strict=True):
            x_BWT, kept = stage.step(x_BWT, kept, last)
            stages.append(kept)
        x_BWT, lstm = self.lstm.step(x_BWT, s.lstm)
        z_BDF, end = self.last.step(F.elu(x_BWT), s.last, last=last)
        return z_BDF, SideState(first, tuple(stages), lstm, end)


class Decoder(nn.Module):
    """Latents to sounds: the encoder mirrored.

    Args:
        config: the sizes.
        device, dtype: of the parameters.
    """

    def __init__(self, config: SEANetConfig, **place) -> None:
        super().__init__()
        c, options, strides = config, _options(config, place), config.strides[::-1]
        widths = [c.filters * 2**number for number in range(len(strides), 0, -1)]
        self.first = Convolution(c.dim, widths[0], c.kernel, **options)
        self.lstm = LSTM(widths[0], c.lstm_layers, **place)
        self.stages = nn.ModuleList(DecoderStage(c, w, s, **place) for w, s in zip(widths, strides, strict=True))
        self.last = Convolution(c.filters, c.channels, c.last_kernel, **options)

    def forward(self, z_BDF: Tensor) -> Tensor:
        """Latents `[B, D, F]` to sounds `[B, C, T]`, T = hop F."""
        x_BWT = self.lstm(self.first(z_BDF))
        for stage in self.stages:
            x_BWT = stage(x_BWT)
        return self.last(F.elu(x_BWT))

    def step(self, z_BDF: Tensor, state: SideState | None = None, *, last: bool = False) -> tuple[Tensor, SideState]:
        """The next latents, any number of them, to the piece of sound that can be said by now."""
        s = state or SideState(None, (None,) * len(self.stages), None, None)
        x_BWT, first = self.first.step(z_BDF, s.first, last=last)
        x_BWT, lstm = self.lstm.step(x_BWT, s.lstm)
        stages = []
        for stage, kept in zip(self.stages, s.stages, strict=True):
            x_BWT, kept = stage.step(x_BWT, kept, last)
            stages.append(kept)
        x_BCT, end = self.last.step(F.elu(x_BWT), s.last, last=last)
        return x_BCT, SideState(first, tuple(stages), lstm, end)


def _options(config: SEANetConfig, place: dict) -> dict:
    """What all convolutions of a model share."""
    return {"causal": config.causal, "norm": config.norm, "padding": config.padding, **place}


def _units(config: SEANetConfig, width: int, **place) -> nn.ModuleList:
    dilations = [config.dilation_growth**number for number in range(config.residual_units)]
    return nn.ModuleList(ResidualUnit(config, width, dilation, **place) for dilation in dilations)


def _step_units(
    units: nn.ModuleList, x_BWT: Tensor, state: StageState | None, last: bool
) -> tuple[Tensor, tuple[ResidualState, ...]]:
    states = state.units if state else (None,) * len(units)
    kept = []
    for unit, one in zip(units, states, strict=True):
        x_BWT, one = unit.step(x_BWT, one, last=last)
        kept.append(one)
    return x_BWT, tuple(kept)
