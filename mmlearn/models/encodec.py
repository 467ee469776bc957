"""EnCodec: a sound as a few whole numbers for each of its frames, and back.

Defossez et al. 2022, "High Fidelity Neural Audio Compression" (arXiv:2210.13438). What the paper leaves open is as in
the released models, whose outputs the tests compare.

From the top: the sizes, the codec, segments and their overlap, the published sizes. Its parts are in `mmlearn.nn`:
encoder and decoder in `seanet`, codebooks in `quantiser`. Beside this file, `encodec_discriminator.py`,
`encodec_losses.py`, `encodec_lm.py`, `encodec_bytes.py` and `encodec_file.py` have what judges it, what it is trained
for, what guesses its codes, and how they become bytes and a file.

    codec = EnCodec(EnCodecConfig.preset("24khz"))
    segments = codec.encode(waveform_BCT, bandwidth=6.0)     # in kbit/s; here one segment
    waveform_BCT = codec.decode(segments, waveform_BCT.shape[-1])

    codec, codes_state, sound_state = codec.folded(), None, None       # as a stream, 80 ms after 80 ms
    for piece_BCT in pieces:
        codes_BQF, codes_state = codec.encode_step(piece_BCT, codes_state)
        piece_BCT, sound_state = codec.decode_step(codes_BQF, sound_state)

Shape letters: B batch, C channels of a sound, T samples, D width of a latent, F frames, Q codebooks in use.

Departures from the paper; see also `mmlearn.nn.seanet` and `mmlearn.nn.quantiser`
    same: weight norm and causal padding at 24 kHz; at 48 kHz norms that see the whole segment, centred padding, and
        segments of 1 s with 10 ms of overlap, each of them normalised; up to 32 (16) codebooks of 1024 entries, as many
        as a bandwidth pays for.
    simplified: the last stride of a sound is filled up, and what that adds is cut off by whoever knows the length.
    in the released models, not in the paper: how a segment is normalised, see `loudness`, and how two of them fade.
    here alone: codebooks change by `update_codebooks`, not in a forward; entries that start anew keep their place, and
        k-means leaves sums that fit its counts (the released code overwrites the first, and forgets the second).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.nn.convolution import Kernel
from mmlearn.nn.quantiser import ResidualQuantiser
from mmlearn.nn.seanet import Decoder, Encoder, SEANetConfig, SideState

SILENCE = 1e-8  # added to the loudness of a segment


@dataclass(frozen=True, kw_only=True)
class EnCodecConfig(SEANetConfig):
    """Sizes of an EnCodec: those of its encoder and decoder, and what stands around and between them."""

    rate: int  # samples a second
    bandwidths: tuple[float, ...]  # that it can be asked for, in kbit/s, from low to high
    entries: int = 1024  # K, of a codebook
    normalise: bool = False  # whether each segment is brought to one loudness
    segment: float | None = None  # seconds of a segment; None: the sound is one
    overlap: float = 0.01  # of each segment and the next, by a segment's length

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.entries & (self.entries - 1) or self.entries < 2:
            raise ValueError(
                f"a codebook has a power of two of entries, so that a code is whole bits; not {self.entries}"
            )
        if not self.bandwidths or list(self.bandwidths) != sorted(self.bandwidths) or self.codebooks < 1:
            raise ValueError(f"bandwidths go up, and the last one pays for a codebook or more; got {self.bandwidths}")
        if not 0 <= self.overlap < 1:
            raise ValueError(f"segments overlap by 0 to 1 of their length, not {self.overlap}")

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

    # --- a whole sound ------------------------------------------------------------------------------------------------

    def forward(self, waveform_BCT: Tensor, bandwidth: float | None = None) -> EnCodecOutput:
        """Through the codec at a bandwidth in kbit/s, the highest where it is not said; with gradients throughout.

        While training, the bandwidth is drawn anew for each batch (section 3.4), so that each prefix of the codebooks
        is a code of its own; see `draw_bandwidth`.

        Raises:
            ValueError: the sounds have other channels; there is no such bandwidth.
        """
        latents, scales = self._latents(waveform_BCT)
        z_BDF, frames = torch.cat(latents, dim=-1), [one.shape[-1] for one in latents]
        said_BDF, codes_BQF, errors_Q = self.quantiser(z_BDF, self.config.codebooks_for(bandwidth))
        segments = [Segment(*pair) for pair in zip(codes_BQF.split(frames, -1), scales, strict=True)]
        stretches = self._stretches(said_BDF.split(frames, -1), scales)
        sound_BCT = overlap_add(stretches, self.config.segment_stride)[..., : waveform_BCT.shape[-1]]
        return EnCodecOutput(sound_BCT, segments, z_BDF.detach(), errors_Q.sum())

    def encode(self, waveform_BCT: Tensor, bandwidth: float | None = None) -> list[Segment]:
        """Sounds to codes at a bandwidth in kbit/s, the highest where it is not said.

        Raises:
            ValueError: the sounds have other channels; there is no such bandwidth.
        """
        latents, scales = self._latents(waveform_BCT)
        codes_BQF = self.quantiser.encode(torch.cat(latents, dim=-1), self.config.codebooks_for(bandwidth))
        codes = codes_BQF.split([z_BDF.shape[-1] for z_BDF in latents], -1)
        return [Segment(*pair) for pair in zip(codes, scales, strict=True)]

    def decode(self, segments: Sequence[Segment], length: int | None = None) -> Tensor:
        """Codes to sounds `[B, C, T]`, cut to a length in samples where one is given.

        Raises:
            ValueError: there are several segments, and the model makes one of a sound.
        """
        if self.config.segment is None and len(segments) != 1:
            raise ValueError(f"this EnCodec makes one segment of a sound; got {len(segments)}")
        latents = [self.quantiser.decode(segment.codes_BQF) for segment in segments]
        stretches = self._stretches(latents, [segment.scale_B for segment in segments])
        return overlap_add(stretches, self.config.segment_stride)[..., :length]

    def _latents(self, waveform_BCT: Tensor) -> tuple[list[Tensor], list[Tensor | None]]:
        """Latents `[B, D, F]` of each segment, and its scale."""
        c = self.config
        if waveform_BCT.ndim != 3 or waveform_BCT.shape[1] != c.channels or waveform_BCT.shape[2] == 0:
            raise ValueError(f"this EnCodec reads sounds [B, {c.channels}, T]; got {list(waveform_BCT.shape)}")
        stretches = cut(waveform_BCT, c.segment_length, c.segment_stride)
        if not c.normalise:
            return together(self.encoder, stretches), [None] * len(stretches)
        scales = [loudness(x_BCT) for x_BCT in stretches]
        quiet = [x_BCT / scale_B[:, None, None] for x_BCT, scale_B in zip(stretches, scales, strict=True)]
        return together(self.encoder, quiet), scales

    def _stretches(self, latents: Sequence[Tensor], scales: Sequence[Tensor | None]) -> list[Tensor]:
        """The sound `[B, C, T]` of each segment, as loud as it was."""
        stretches = together(self.decoder, latents)
        if not self.config.normalise:
            return stretches
        return [x_BCT * scale_B[:, None, None] for x_BCT, scale_B in zip(stretches, scales, strict=True)]

    # --- a stream -----------------------------------------------------------------------------------------------------

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
        return self.quantiser.encode(z_BDF, self.config.codebooks_for(bandwidth)), state

    def decode_step(
        self, codes_BQF: Tensor, state: SideState | None = None, *, last: bool = False
    ) -> tuple[Tensor, SideState]:
        """The next codes, any number of frames, to the piece of sound that can be said by now. As in `encode_step`."""
        self._check_stream()
        return self.decoder.step(self.quantiser.decode(codes_BQF), state, last=last)

    def decode_segments(self, segments: Iterable[Segment]) -> Iterator[Tensor]:
        """Segments, as they come, to pieces of the sound, each given as soon as no later segment changes it.

        For the model that works in segments. End to end the pieces are the sound of `decode`. A sound is encoded as it
        comes by `encode(stretch_BCT)[0]`, of one stretch after the other as `cut` makes them.

        Raises:
            ValueError: the model makes one segment of a sound.
        """
        if self.config.segment is None:
            raise ValueError("this EnCodec makes one segment of a sound; `decode_step` decodes it as it comes")
        one_by_one = (self._stretches([self.quantiser.decode(codes)], [scale])[0] for codes, scale in segments)
        return fade(one_by_one, self.config.segment_stride)

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

    def _check_stream(self) -> None:
        if not self.config.causal or self.config.segment is not None:
            raise ValueError("this EnCodec looks ahead or works in segments; the causal one, of 24 kHz, can stream")

    # --- training -----------------------------------------------------------------------------------------------------

    def draw_bandwidth(self, generator: torch.Generator | None = None) -> float:
        """One of the bandwidths by chance, for the next batch of training; drawn on the CPU."""
        number = torch.randint(len(self.config.bandwidths), (), generator=generator, device="cpu")
        return self.config.bandwidths[int(number)]

    def start_codebooks(self, waveform_BCT: Tensor, *, generator: torch.Generator | None = None) -> None:
        """Set the codebooks by k-means, on a first batch of training."""
        with torch.no_grad():
            latents, _ = self._latents(waveform_BCT)
        self.quantiser.start(torch.cat(latents, dim=-1), generator=generator)

    def update_codebooks(self, output: EnCodecOutput, *, generator: torch.Generator | None = None) -> None:
        """Move the codebooks towards what chose them, after a step of training."""
        codes_BQF = torch.cat([segment.codes_BQF for segment in output.segments], dim=-1)
        self.quantiser.update(output.latents_BDF, codes_BQF, generator=generator)


# --- segments ---------------------------------------------------------------------------------------------------------


def cut(waveform_BCT: Tensor, length: int | None, stride: int | None) -> list[Tensor]:
    """A sound as stretches `[B, C, T]` of a length, a stride apart; the last ones are shorter.

    Without a length the sound is one stretch.
    """
    if length is None:
        return [waveform_BCT]
    return [waveform_BCT[..., at : at + length] for at in range(0, waveform_BCT.shape[-1], stride)]


def loudness(x_BCT: Tensor) -> Tensor:
    """The root of the mean square of the mean of the channels: `[B]`. Never zero.

    Section 3.1 says that each segment is normalised, and not by what.
    """
    return x_BCT.mean(1).square().mean(-1).sqrt() + SILENCE


def together(module: nn.Module, pieces: Sequence[Tensor]) -> list[Tensor]:
    """What a module makes of each piece; those of one length, along the last axis, go through it as one batch."""
    lengths = [piece.shape[-1] for piece in pieces]
    if len(pieces) == 1:
        return [module(pieces[0])]
    made = {}
    for length in set(lengths):
        alike = [piece for piece in pieces if piece.shape[-1] == length]
        made[length] = iter(module(torch.cat(alike)).unflatten(0, (len(alike), -1)).unbind())
    return [next(made[length]) for length in lengths]


def fade(stretches: Iterable[Tensor], stride: int) -> Iterator[Tensor]:
    """Stretches `[B, C, T]` of a sound, a stride apart, to pieces of it, end to end; overlaps fade into each other.

    Each stretch is weighted by a triangle as long as the first one, highest in its middle, and the sum is divided by
    the sum of the weights. A piece is given as soon as no later stretch reaches it.
    """
    triangle_T = sound_BCT = weights_T = None
    for stretch_BCT in stretches:
        x_BCT = stretch_BCT.to(torch.promote_types(stretch_BCT.dtype, torch.float32))
        if triangle_T is None:
            place = torch.linspace(0, 1, x_BCT.shape[-1] + 2, device=x_BCT.device, dtype=x_BCT.dtype)[1:-1]
            triangle_T = 0.5 - (place - 0.5).abs()
            sound_BCT, weights_T = x_BCT[..., :0], triangle_T[:0]
        weight_T = triangle_T[: x_BCT.shape[-1]]
        sound_BCT, weights_T = _sum(sound_BCT, weight_T * x_BCT), _sum(weights_T, weight_T)
        yield (sound_BCT[..., :stride] / weights_T[:stride]).to(stretch_BCT.dtype)
        sound_BCT, weights_T = sound_BCT[..., stride:], weights_T[stride:]
    if triangle_T is not None:
        yield (sound_BCT / weights_T).to(stretch_BCT.dtype)


def overlap_add(stretches: Sequence[Tensor], stride: int | None) -> Tensor:
    """The whole sound that `fade` gives in pieces. A single stretch is the sound."""
    return stretches[0] if len(stretches) == 1 else torch.cat(list(fade(stretches, stride)), dim=-1)


def _sum(a: Tensor, b: Tensor) -> Tensor:
    """Along the last axis the shorter one is followed by zeros."""
    longest = max(a.shape[-1], b.shape[-1])
    return F.pad(a, (0, longest - a.shape[-1])) + F.pad(b, (0, longest - b.shape[-1]))


PRESETS = {
    "toy": EnCodecConfig(  # lesson 15: 50 frames of 8 kHz a second, 0.4 to 3.2 kbit/s
        rate=8000, bandwidths=(0.4, 0.8, 1.6, 3.2), dim=32, filters=8, strides=(4, 5, 8), lstm_layers=1, entries=256
    ),
    # Sections 3.1, 3.2 and 3.4, and the released models.
    "24khz": EnCodecConfig(rate=24_000, bandwidths=(1.5, 3.0, 6.0, 12.0, 24.0)),
    "48khz": EnCodecConfig(
        rate=48_000,
        channels=2,
        bandwidths=(3.0, 6.0, 12.0, 24.0),
        causal=False,
        norm="group",
        normalise=True,
        segment=1.0,
    ),
}
