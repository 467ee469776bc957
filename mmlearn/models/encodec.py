"""EnCodec: a sound as a few whole numbers for each of its frames, and back.

Defossez et al. 2022, "High Fidelity Neural Audio Compression" (arXiv:2210.13438). What the paper leaves open, such as
padding and norms, is as in the released models, whose outputs the tests compare.

From the top: the sizes, the residual unit, the encoder, the decoder, the codec, segments and their overlap, the
published sizes. Beside this file: its parts in `mmlearn.nn` (`convolution`, `recurrent`, `quantiser`, `balancer`,
`arithmetic`), and in `encodec_discriminator.py`, `encodec_losses.py`, `encodec_lm.py` and `encodec_file.py` what judges
it, what it is trained for, what guesses its codes, and how they become a file.

    codec = EnCodec(EnCodecConfig.preset("24khz"))
    segments = codec.encode(waveform_BCT, bandwidth=6.0)     # in kbit/s; here one segment
    waveform_BCT = codec.decode(segments, waveform_BCT.shape[-1])

    codec, codes_state, sound_state = codec.folded(), None, None       # as a stream, 80 ms after 80 ms
    for piece_BCT in pieces:
        codes_BQF, codes_state = codec.encode_step(piece_BCT, codes_state)
        piece_BCT, sound_state = codec.decode_step(codes_BQF, sound_state)

Shape letters: B batch, C channels of a sound, T samples, D width of a latent, F frames, Q codebooks in use, N segments,
W width of a layer.

Departures from the paper
    same: SEANet encoder and decoder with a two-layer LSTM; ELU; strides 2, 4, 5, 8; weight norm and causal padding at
        24 kHz, group norm, centred padding and segments of 1 s with 1 % of overlap at 48 kHz, where each segment is
        brought to one loudness; up to 32 (16) codebooks of 1024 entries, as many as a bandwidth pays for.
    simplified: the last stride of a sound is filled up, and what that adds is cut off by whoever knows the length.
    in the released models, not in the paper: padding by reflection, so that a causal stream begins to speak seven
        frames late; a convolution in the skip connections of residual units; what goes into the LSTM, added to what
        comes out.
    here alone: codebooks change by `update_codebooks`, not in a forward; entries that start anew keep their place, and
        k-means leaves sums that fit its counts (the released code overwrites the first, and forgets the second).
    not known: the first random weights (here such that a convolution keeps the deviation of what it reads).
    left out: a stream of the 48 kHz model, which would be one of whole segments.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.nn.convolution import (
    NORMS,
    PADDINGS,
    Convolution,
    ConvolutionState,
    Kernel,
    TransposedConvolution,
    TransposedState,
)
from mmlearn.nn.quantiser import ResidualQuantiser
from mmlearn.nn.recurrent import LSTM, LSTMState

SILENCE = 1e-8  # added to the loudness of a segment


@dataclass(frozen=True)
class EnCodecConfig:
    """Sizes of an EnCodec."""

    rate: int  # samples a second
    channels: int  # C
    bandwidths: tuple[float, ...]  # that it can be asked for, in kbit/s, from low to high
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
    entries: int = 1024  # K, of a codebook
    causal: bool = True
    norm: str = "weight"
    padding: str = "reflect"
    normalise: bool = False  # whether each segment is brought to one loudness
    segment: float | None = None  # seconds of a segment; None: the sound is one
    overlap: float = 0.01  # of each segment and the next, by a segment's length

    def __post_init__(self) -> None:
        if self.norm not in NORMS or self.padding not in PADDINGS:
            raise ValueError(f"no norm {self.norm!r} or padding {self.padding!r}; see mmlearn.nn.convolution")
        if self.entries & (self.entries - 1) or self.entries < 2:
            raise ValueError(
                f"a codebook has a power of two of entries, so that a code is whole bits; not {self.entries}"
            )
        if not self.bandwidths or list(self.bandwidths) != sorted(self.bandwidths) or self.codebooks < 1:
            raise ValueError(f"bandwidths go up, and the last one pays for a codebook or more; got {self.bandwidths}")
        if not 0 <= self.overlap < 1:
            raise ValueError(f"segments overlap by 0 to 1 of their length, not {self.overlap}")

    @property
    def hop(self) -> int:
        """Samples of a frame."""
        return math.prod(self.strides)

    @property
    def frame_rate(self) -> int:
        """Frames a second, rounded up."""
        return math.ceil(self.rate / self.hop)

    @property
    def bits(self) -> int:
        """Of a code."""
        return self.entries.bit_length() - 1

    @property
    def codebooks(self) -> int:
        """How many codebooks the highest bandwidth pays for."""
        return self._paid(self.bandwidths[-1])

    def codebooks_for(self, bandwidth: float | None) -> int:
        """How many codebooks a bandwidth in kbit/s pays for; `None` is the highest.

        Raises:
            ValueError: it is none of the model's.
        """
        if bandwidth is None:
            return self.codebooks
        if bandwidth not in self.bandwidths:
            known = ", ".join(f"{one:g}" for one in self.bandwidths)
            raise ValueError(f"this EnCodec has no bandwidth of {bandwidth:g} kbit/s; it has {known}")
        return max(1, self._paid(bandwidth))

    def _paid(self, bandwidth: float) -> int:
        return int(1000 * bandwidth // (self.frame_rate * self.bits))

    @property
    def segment_length(self) -> int | None:
        """In samples."""
        return None if self.segment is None else int(self.segment * self.rate)

    @property
    def segment_stride(self) -> int | None:
        """From the beginning of each segment to that of the next one, in samples."""
        return None if self.segment is None else max(1, int((1 - self.overlap) * self.segment_length))

    @classmethod
    def preset(cls, name: str, **changes) -> "EnCodecConfig":
        """Named sizes, with some fields changed: `EnCodecConfig.preset("toy", filters=16)`.

        Raises:
            ValueError: no preset has this name.
        """
        if name not in PRESETS:
            raise ValueError(f"no EnCodec preset is called {name!r}; there are {', '.join(PRESETS)}")
        return replace(PRESETS[name], **changes)


class ResidualState(NamedTuple):
    """What a residual unit remembers."""

    wide: ConvolutionState
    narrow: ConvolutionState
    skipped_BWT: Tensor  # what went by the convolutions and waits for what comes out of them


class ResidualUnit(nn.Module):
    """Two convolutions, the second of one sample, beside a skip connection. Section 3.1, figure 1.

    Args:
        config: the sizes.
        width: W.
        dilation: of the first convolution.
        device, dtype: of the parameters.
    """

    def __init__(self, config: EnCodecConfig, width: int, dilation: int, **place) -> None:
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

    def __init__(self, config: EnCodecConfig, width: int, stride: int, **place) -> None:
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

    def __init__(self, config: EnCodecConfig, width: int, stride: int, **place) -> None:
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
    """SEANet's encoder: sounds to latents. Section 3.1.

    Args:
        config: the sizes.
        device, dtype: of the parameters.
    """

    def __init__(self, config: EnCodecConfig, **place) -> None:
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
    """SEANet's decoder: latents to sounds, the encoder mirrored. Section 3.1.

    Args:
        config: the sizes.
        device, dtype: of the parameters.
    """

    def __init__(self, config: EnCodecConfig, **place) -> None:
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


class Segment(NamedTuple):
    """A stretch of a sound as it is kept or sent."""

    codes_BQF: Tensor
    scale_B: Tensor | None  # its loudness, where the model brings all segments to one


class EnCodecOutput(NamedTuple):
    """A sound after the way through the codec, and what training needs."""

    waveform_BCT: Tensor
    segments: list[Segment]
    latents_BDF: Tensor  # of all segments, one after the other
    commitment: Tensor  # l_w, equation 3: the squared error of each codebook in use, summed


class EnCodec(nn.Module):
    """Sounds to codes and back.

    Args:
        config: the sizes, for example `EnCodecConfig.preset("toy")`.
        device, dtype: of the parameters.
    """

    def __init__(self, config: EnCodecConfig, *, device=None, dtype=None) -> None:
        super().__init__()
        c, place = config, {"device": device, "dtype": dtype}
        self.config = config
        self.encoder = Encoder(c, **place)
        self.quantiser = ResidualQuantiser(c.dim, c.codebooks, c.entries, **place)
        self.decoder = Decoder(c, **place)

    def forward(self, waveform_BCT: Tensor, bandwidth: float | None = None) -> EnCodecOutput:
        """Through the codec at a bandwidth in kbit/s, the highest where it is not said; with gradients throughout.

        While training, the bandwidth is drawn anew for each batch (section 3.2), so that each prefix of the codebooks
        is a code of its own; see `draw_bandwidth`.

        Raises:
            ValueError: the sounds have other channels; there is no such bandwidth.
        """
        groups, scales = self._latents(waveform_BCT)
        z_BDF = torch.cat([group.transpose(1, 2).flatten(2) for group in groups], dim=2)
        quantised = self.quantiser(z_BDF, self.config.codebooks_for(bandwidth))
        segments, stretches = self._apart(groups, scales, quantised.codes_BQF), []
        for group, z_BDf in zip(
            groups, quantised.z_BDF.split([g.shape[1] * g.shape[3] for g in groups], 2), strict=True
        ):
            stretches.append(z_BDf.unflatten(2, group.shape[1::2]).transpose(1, 2))  # b, n, d, f
        waveform_BCT = self._sound(stretches, scales)[..., : waveform_BCT.shape[-1]]
        return EnCodecOutput(waveform_BCT, segments, z_BDF.detach(), quantised.errors_Q.sum())

    def encode(self, waveform_BCT: Tensor, bandwidth: float | None = None) -> list[Segment]:
        """Sounds to codes at a bandwidth in kbit/s, the highest where it is not said.

        Raises:
            ValueError: the sounds have other channels; there is no such bandwidth.
        """
        groups, scales = self._latents(waveform_BCT)
        z_BDF = torch.cat([group.transpose(1, 2).flatten(2) for group in groups], dim=2)
        codes_BQF = self.quantiser.encode(z_BDF, self.config.codebooks_for(bandwidth))
        return self._apart(groups, scales, codes_BQF)

    def decode(self, segments: Sequence[Segment], length: int | None = None) -> Tensor:
        """Codes to sounds `[B, C, T]`, cut to a length in samples where one is given."""
        groups: list[list[Segment]] = []
        for segment in segments:  # those of one length are decoded together
            if groups and groups[-1][0].codes_BQF.shape == segment.codes_BQF.shape:
                groups[-1].append(segment)
            else:
                groups.append([segment])
        codes = [torch.stack([segment.codes_BQF for segment in group], dim=1) for group in groups]  # b, n, q, f
        latents = [self.quantiser.decode(one.flatten(0, 1)).unflatten(0, one.shape[:2]) for one in codes]
        scales = [torch.stack([s.scale_B for s in g], dim=1) if self.config.normalise else None for g in groups]
        return self._sound(latents, scales)[..., :length]

    def encode_step(
        self, piece_BCT: Tensor, state: SideState | None = None, *, bandwidth: float | None = None, last: bool = False
    ) -> tuple[Tensor, SideState]:
        """The next piece of a sound, of any length, to the codes that can be said by now, `[B, Q, F]`.

        End to end the codes are those of `encode`. It is fastest where weights are folded and a piece is whole frames.

        Args:
            piece_BCT: the piece; it may be empty.
            state: what the piece before gave; `None` at the beginning.
            bandwidth: in kbit/s; `None` is the highest.
            last: whether no piece follows.

        Raises:
            ValueError: the model looks ahead, or works in segments.
        """
        self._check_stream()
        z_BDF, state = self.encoder.step(piece_BCT, state, last=last)
        if z_BDF.shape[-1] == 0:
            shape = (z_BDF.shape[0], self.config.codebooks_for(bandwidth), 0)
            return torch.empty(shape, dtype=torch.int64, device=z_BDF.device), state
        return self.quantiser.encode(z_BDF, self.config.codebooks_for(bandwidth)), state

    def decode_step(
        self, codes_BQF: Tensor, state: SideState | None = None, *, last: bool = False
    ) -> tuple[Tensor, SideState]:
        """The next codes, any number of frames, to the piece of sound that can be said by now. As in `encode_step`."""
        self._check_stream()
        if codes_BQF.shape[-1] == 0:
            z_BDF = self.quantiser.table.new_empty(codes_BQF.shape[0], self.config.dim, 0)
        else:
            z_BDF = self.quantiser.decode(codes_BQF)
        return self.decoder.step(z_BDF, state, last=last)

    def draw_bandwidth(self, generator: torch.Generator | None = None) -> float:
        """One of the bandwidths by chance, for the next batch of training; drawn on the CPU."""
        number = torch.randint(len(self.config.bandwidths), (), generator=generator, device="cpu")
        return self.config.bandwidths[int(number)]

    def start_codebooks(self, waveform_BCT: Tensor, *, generator: torch.Generator | None = None) -> None:
        """Set the codebooks by k-means, on a first batch of training."""
        with torch.no_grad():
            groups, _ = self._latents(waveform_BCT)
        z_BDF = torch.cat([group.transpose(1, 2).flatten(2) for group in groups], dim=2)
        self.quantiser.start(z_BDF, generator=generator)

    def update_codebooks(self, output: EnCodecOutput, *, generator: torch.Generator | None = None) -> None:
        """Move the codebooks towards what chose them, after a step of training."""
        codes_BQF = torch.cat([segment.codes_BQF for segment in output.segments], dim=2)
        self.quantiser.update(output.latents_BDF, codes_BQF, generator=generator)

    def folded(self) -> "EnCodec":
        """The same model, to be run and not trained: weights that are kept as length and direction become plain ones.

        So they are not computed anew with every piece of a stream. What needs no change is shared.
        """
        if self.config.norm != "weight":
            return self
        other = EnCodec(replace(self.config, norm="none"), device="meta")
        state = dict(self.state_dict())
        for name, module in self.named_modules():
            if isinstance(module, Kernel):
                state[f"{name}.weight"] = module().detach()
                del state[f"{name}.gain"], state[f"{name}.direction"]
        other.load_state_dict(state, assign=True)
        return other.train(self.training).requires_grad_(False)

    def _latents(self, waveform_BCT: Tensor) -> tuple[list[Tensor], list[Tensor | None]]:
        """Latents of groups of segments of one length, `[B, N, D, F]`, and their scales, `[B, N]`."""
        if waveform_BCT.ndim != 3 or waveform_BCT.shape[1] != self.config.channels or waveform_BCT.shape[2] == 0:
            channels = self.config.channels
            raise ValueError(f"this EnCodec reads sounds [B, {channels}, T]; got {list(waveform_BCT.shape)}")
        latents, scales = [], []
        for group_BNCT in cut(waveform_BCT, self.config.segment_length, self.config.segment_stride):
            scale_BN = None
            if self.config.normalise:
                scale_BN = loudness(group_BNCT)
                group_BNCT = group_BNCT / scale_BN[:, :, None, None]
            z_MDF = self.encoder(group_BNCT.flatten(0, 1))
            latents.append(z_MDF.unflatten(0, (-1, group_BNCT.shape[1])))
            scales.append(scale_BN)
        return latents, scales

    def _apart(self, groups: list[Tensor], scales: list[Tensor | None], codes_BQF: Tensor) -> list[Segment]:
        """Codes of all segments, one after the other, as segments."""
        segments, start = [], 0
        for group_BNDF, scale_BN in zip(groups, scales, strict=True):
            for number in range(group_BNDF.shape[1]):
                codes_BQf = codes_BQF[:, :, start : start + group_BNDF.shape[3]]
                segments.append(Segment(codes_BQf, None if scale_BN is None else scale_BN[:, number]))
                start += group_BNDF.shape[3]
        return segments

    def _sound(self, groups: list[Tensor], scales: list[Tensor | None]) -> Tensor:
        """Latents of groups of segments, `[B, N, D, F]`, to the sound that they are of."""
        stretches: list[Tensor] = []
        for z_BNDF, scale_BN in zip(groups, scales, strict=True):
            x_BNCT = self.decoder(z_BNDF.flatten(0, 1)).unflatten(0, (-1, z_BNDF.shape[1]))
            if scale_BN is not None:
                x_BNCT = x_BNCT * scale_BN[:, :, None, None]
            stretches += x_BNCT.unbind(1)
        return stretches[0] if len(stretches) == 1 else overlap_add(stretches, self.config.segment_stride)

    def _check_stream(self) -> None:
        if not self.config.causal or self.config.segment is not None:
            raise ValueError("this EnCodec looks ahead or works in segments; the causal one, of 24 kHz, can stream")


def loudness(x_BNCT: Tensor) -> Tensor:
    """The root of the mean square of the mean of the channels: `[B, N]`. Section 3.4, "stereo"."""
    return x_BNCT.mean(2).square().mean(-1).sqrt() + SILENCE


def cut(waveform_BCT: Tensor, length: int | None, stride: int | None) -> list[Tensor]:
    """A sound as segments, in groups of one length: each `[B, N, C, T]`. All but the last two have the full length.

    Args:
        length, stride: of a segment, and from each to the next; without them the sound is one segment.
    """
    if length is None:
        return [waveform_BCT[:, None]]
    samples = waveform_BCT.shape[-1]
    whole = (samples - length) // stride + 1 if samples >= length else 0
    groups = [waveform_BCT.unfold(2, length, stride).movedim(2, 1)] if whole else []
    return groups + [waveform_BCT[:, None, :, at : at + length] for at in range(whole * stride, samples, stride)]


def overlap_add(stretches: Sequence[Tensor], stride: int) -> Tensor:
    """Stretches of a sound, `[B, C, T]` each, a stride apart, to the sound; overlaps fade from one to the next.

    Each is weighted by a triangle, highest in its middle, and the sum is divided by the sum of the weights.
    """
    first_BCT, length = stretches[0], stretches[0].shape[-1]
    total = max(number * stride + one.shape[-1] for number, one in enumerate(stretches))
    place = {"device": first_BCT.device, "dtype": torch.promote_types(first_BCT.dtype, torch.float32)}
    weight_T = 0.5 - (torch.linspace(0, 1, length + 2, **place)[1:-1] - 0.5).abs()
    sound_BCT = first_BCT.new_zeros(*first_BCT.shape[:2], total, dtype=place["dtype"])
    weights_T = torch.zeros(total, **place)
    for number, stretch_BCT in enumerate(stretches):
        here = slice(number * stride, number * stride + stretch_BCT.shape[-1])
        sound_BCT[..., here] += weight_T[: stretch_BCT.shape[-1]] * stretch_BCT
        weights_T[here] += weight_T[: stretch_BCT.shape[-1]]
    return (sound_BCT / weights_T).to(first_BCT.dtype)


def _options(config: EnCodecConfig, place: dict) -> dict:
    """What all convolutions of a model share."""
    return {"causal": config.causal, "norm": config.norm, "padding": config.padding, **place}


def _units(config: EnCodecConfig, width: int, **place) -> nn.ModuleList:
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


PRESETS = {
    "toy": EnCodecConfig(  # lesson 15: 50 frames of 8 kHz a second, 0.4 to 3.2 kbit/s
        rate=8000,
        channels=1,
        bandwidths=(0.4, 0.8, 1.6, 3.2),
        dim=32,
        filters=8,
        strides=(4, 5, 8),
        lstm_layers=1,
        entries=256,
    ),
    # Section 4.1, and the released models.
    "24khz": EnCodecConfig(24_000, 1, (1.5, 3.0, 6.0, 12.0, 24.0)),
    "48khz": EnCodecConfig(48_000, 2, (3.0, 6.0, 12.0, 24.0), causal=False, norm="group", normalise=True, segment=1.0),
}
