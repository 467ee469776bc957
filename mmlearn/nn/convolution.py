"""Convolutions over time: causal or centred, of a whole sound or of one that arrives piece by piece.

A *causal* convolution reads its sample and those before it, so it can run while the sound is still being made. Its
`step` reads the next piece, with all that it must remember of the pieces before, and gives what can be said by now. The
pieces that `step` gives are, end to end, what `forward` gives of the whole.

Shape letters: B batch, C channels that come in, D channels that go out, T samples that come in, U samples that go out,
K samples of a kernel, S stride.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NORMS = ("weight", "group", "none")
PADDINGS = {"reflect": 1, "replicate": 1, "constant": 0}  # and how many samples it looks at, besides those it mirrors


class Kernel(nn.Module):
    """The weights of a convolution, on their own or as a length times a direction.

    Source of the second: Salimans & Kingma 2016 (arXiv:1602.07868), equation 2, w = g v / ||v||, for each entry of the
    first axis.

    Args:
        shape: of the weights.
        spread: they start evenly between -spread and spread.
        normed: as length and direction.
        device, dtype: of the parameters.
    """

    def __init__(self, shape: tuple[int, int, int], spread: float, *, normed: bool, device=None, dtype=None) -> None:
        super().__init__()
        first = torch.empty(shape, device=device, dtype=dtype).uniform_(-spread, spread)
        self.normed = normed
        if normed:
            self.gain = nn.Parameter(torch.linalg.vector_norm(first, dim=(1, 2), keepdim=True))
            self.direction = nn.Parameter(first)
        else:
            self.weight = nn.Parameter(first)

    def forward(self) -> Tensor:
        """The weights."""
        if not self.normed:
            return self.weight
        return torch._weight_norm(self.direction, self.gain, 0)  # what torch's own parametrisation calls, in one pass


def convolve(
    x_BCT: Tensor,
    weight_DCK: Tensor,
    bias_D: Tensor,
    *,
    stride: int = 1,
    dilation: int = 1,
    causal: bool = True,
    padding: str = "reflect",
) -> Tensor:
    """A whole sound, `[B, C, T]`, to `[B, D, U]`: one sample for each whole or begun stride, U = T / S, rounded up.

    All windows together lie over the ends by K - S, of the span of a dilated kernel. Causal, that stands before the
    first sample; otherwise half of it does, the larger one. The last stride is filled up. Section 3.1 of EnCodec.

    Args:
        x_BCT: the sound.
        weight_DCK, bias_D: of the kernel.
        stride: S.
        dilation: from each sample of the kernel to the next.
        causal: whether a sample depends on itself and those before it alone.
        padding: what stands beyond the ends; see `Convolution`.
    """
    reach = (weight_DCK.shape[2] - 1) * dilation + 1 - stride
    ahead = 0 if causal else reach // 2
    padded_BCT = pad(x_BCT, reach - ahead, ahead + -x_BCT.shape[-1] % stride, padding)
    return F.conv1d(padded_BCT, weight_DCK, bias_D, stride, dilation=dilation)


def convolve_piece(
    piece_BCT: Tensor,
    held_BCS: Tensor,
    weight_DCK: Tensor,
    bias_D: Tensor,
    *,
    stride: int = 1,
    dilation: int = 1,
) -> tuple[Tensor, Tensor]:
    """The next piece of a causal convolution, `[B, D, U]`, and the samples that windows still to come reach back to.

    Args:
        piece_BCT: the piece, of any length.
        held_BCS: what was held of the pieces before.
        weight_DCK, bias_D: of the kernel.
        stride, dilation: as in `convolve`.
    """
    x_BCT = torch.cat([held_BCS, piece_BCT], dim=-1) if held_BCS.shape[-1] else piece_BCT
    span = (weight_DCK.shape[2] - 1) * dilation + 1
    windows = max(0, (x_BCT.shape[-1] - span) // stride + 1)
    if not windows:
        return x_BCT.new_empty(x_BCT.shape[0], len(bias_D), 0), x_BCT
    out_BDU = F.conv1d(x_BCT, weight_DCK, bias_D, stride, dilation=dilation)
    return out_BDU, x_BCT[..., windows * stride :]


class ConvolutionState(NamedTuple):
    """What a causal convolution remembers between two pieces."""

    held_BCT: Tensor  # samples that windows still to come reach back to; before it has begun, all samples
    begun: bool  # whether anything came out, so that what stands before the first sample is in `held_BCT`


class Convolution(nn.Module):
    """A convolution that gives one sample for each whole or begun stride: U = T / S, rounded up.

    What it reads beyond the ends is made up. Causal, all of that stands before the first sample, but for what fills up
    the last stride.

    Args:
        channels, out_channels: C and D.
        kernel: K.
        stride: S, at most the span of the kernel.
        dilation: from each sample of the kernel to the next.
        causal: whether it looks back alone; otherwise half of its span lies ahead.
        norm: "weight", see `Kernel`; "group", each item and all of its channels and samples are brought to mean 0 and
            deviation 1 afterwards, which is not causal; or "none".
        padding: what it reads beyond the ends: "reflect", the samples beside the end backwards; "replicate", the one at
            the end; "constant", zeros.
        device, dtype: of the parameters.

    Raises:
        ValueError: no such norm or padding; the stride is longer than the span; causal with norm "group", or with a
            span shorter than two strides less one, of which a stream could not fill up the last stride.
    """

    def __init__(
        self,
        channels: int,
        out_channels: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        causal: bool = True,
        norm: str = "weight",
        padding: str = "reflect",
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        _check(causal, norm)
        if padding not in PADDINGS:
            raise ValueError(f"padding must be one of {', '.join(PADDINGS)}, not {padding!r}")
        self.span = (kernel - 1) * dilation + 1  # from the first sample that a window reads to the last one
        if self.span < (2 * stride - 1 if causal else stride):
            raise ValueError(f"a kernel that spans {self.span} samples is too short for a stride of {stride}")
        place, spread = {"device": device, "dtype": dtype}, math.sqrt(3 / (channels * kernel))  # keeps deviations
        self.stride, self.dilation, self.causal, self.padding = stride, dilation, causal, padding
        self.reach = self.span - stride  # how far all windows together lie over the ends
        self.kernel = Kernel((out_channels, channels, kernel), spread, normed=norm == "weight", **place)
        self.bias = nn.Parameter(torch.zeros(out_channels, **place))
        self.norm = nn.GroupNorm(1, out_channels, **place) if norm == "group" else nn.Identity()

    def forward(self, x_BCT: Tensor) -> Tensor:
        """The whole sound, `[B, C, T]`, to `[B, D, U]`."""
        options = {"stride": self.stride, "dilation": self.dilation, "causal": self.causal, "padding": self.padding}
        return self.norm(convolve(x_BCT, self.kernel(), self.bias, **options))

    def step(
        self, x_BCT: Tensor, state: ConvolutionState | None = None, *, last: bool = False
    ) -> tuple[Tensor, ConvolutionState]:
        """The next piece of a sound, of any length, to what can be said by now, and what to remember.

        Padding that reflects is known only after the first `reach` samples: until then nothing comes out.

        Args:
            x_BCT: the piece; it may be empty.
            state: what the piece before gave; `None` at the beginning.
            last: whether no piece follows.

        Raises:
            ValueError: it is not causal.
        """
        if not self.causal:
            raise ValueError("this convolution looks ahead, and cannot run as a stream; make it with causal=True")
        begun = state is not None and state.begun
        if state is not None and state.held_BCT.shape[-1]:
            x_BCT = torch.cat([state.held_BCT, x_BCT], dim=-1)
        if begun and last:
            x_BCT = pad(x_BCT, 0, -(x_BCT.shape[-1] - self.reach) % self.stride, self.padding)
        elif not begun and last:
            x_BCT = pad(x_BCT, self.reach, -x_BCT.shape[-1] % self.stride, self.padding) if x_BCT.shape[-1] else x_BCT
        elif not begun:
            needed = self.reach + 1 if self.padding == "reflect" else PADDINGS[self.padding]
            if x_BCT.shape[-1] < max(1, needed):
                return self._nothing(x_BCT), ConvolutionState(x_BCT, False)
            x_BCT = pad(x_BCT, self.reach, 0, self.padding)
        nothing_BC0 = x_BCT[..., :0]
        options = {"stride": self.stride, "dilation": self.dilation}
        out_BDU, held_BCT = convolve_piece(x_BCT, nothing_BC0, self.kernel(), self.bias, **options)  # causal: no norm
        return out_BDU, ConvolutionState(held_BCT, True)

    def _nothing(self, x_BCT: Tensor) -> Tensor:
        return x_BCT.new_empty(x_BCT.shape[0], len(self.bias), 0)


class TransposedState(NamedTuple):
    """What a causal transposed convolution remembers between two pieces."""

    tail_BDS: Tensor  # what the last sample adds to the stride behind its own


class TransposedConvolution(nn.Module):
    """A convolution the other way round: each sample becomes S, U = S T. Its kernel is two strides long, K = 2 S.

    Each sample adds to its own stride and to the next one. So there is a stride too many, and it is cut off: behind
    the end, if causal, otherwise half of it on either side.

    Args:
        channels, out_channels: C and D.
        stride: S.
        causal, norm: as in `Convolution`.
        device, dtype: of the parameters.

    Raises:
        ValueError: no such norm; causal with norm "group".
    """

    def __init__(
        self, channels: int, out_channels: int, stride: int, *, causal: bool = True, norm: str = "weight", **place
    ) -> None:
        super().__init__()
        _check(causal, norm)
        spread = math.sqrt(3 / (2 * channels))  # a sample comes from two; this keeps deviations
        self.stride, self.causal = stride, causal
        self.kernel = Kernel((channels, out_channels, 2 * stride), spread, normed=norm == "weight", **place)
        self.bias = nn.Parameter(torch.zeros(out_channels, **place))
        self.norm = nn.GroupNorm(1, out_channels, **place) if norm == "group" else nn.Identity()

    def forward(self, x_BCT: Tensor) -> Tensor:
        """The whole sound, `[B, C, T]`, to `[B, D, U]`."""
        y_BDU = self.norm(F.conv_transpose1d(x_BCT, self.kernel(), self.bias, self.stride))
        after = self.stride if self.causal else self.stride // 2
        return y_BDU[..., self.stride - after : y_BDU.shape[-1] - after]

    def step(self, x_BCT: Tensor, state: TransposedState | None = None) -> tuple[Tensor, TransposedState]:
        """The next piece of a sound, of any length, to `[B, D, U]`, and what to remember.

        As a product of matrices, which for a few samples is several times as fast as a convolution.

        Raises:
            ValueError: it is not causal.
        """
        if not self.causal:
            raise ValueError("this convolution looks ahead, and cannot run as a stream; make it with causal=True")
        tail_BDS = x_BCT.new_zeros(x_BCT.shape[0], len(self.bias), self.stride) if state is None else state.tail_BDS
        if x_BCT.shape[-1] == 0:
            return x_BCT.new_empty(x_BCT.shape[0], len(self.bias), 0), TransposedState(tail_BDS)
        both = (x_BCT.mT @ self.kernel().flatten(1)).unflatten(2, (len(self.bias), 2, self.stride))  # b, t, d, 2, s
        own_BDTS, next_BDTS = both.permute(3, 0, 2, 1, 4)
        before_BDTS = torch.cat([tail_BDS[:, :, None].to(both.dtype), next_BDTS[:, :, :-1]], dim=2)
        out_BDU = (own_BDTS + before_BDTS).flatten(2) + self.bias[:, None]
        return out_BDU, TransposedState(next_BDTS[:, :, -1])


def pad(x_BCT: Tensor, before: int, after: int, mode: str) -> Tensor:
    """Samples made up before the first one and after the last one.

    To reflect more samples than there are, the sound is first followed by silence; so do the released codecs.
    """
    if before == after == 0:
        return x_BCT
    short = max(0, max(before, after) + 1 - x_BCT.shape[-1]) if mode == "reflect" else 0
    padded_BCT = F.pad(F.pad(x_BCT, (0, short)) if short else x_BCT, (before, after), mode)
    return padded_BCT[..., : padded_BCT.shape[-1] - short]


def _check(causal: bool, norm: str) -> None:
    if norm not in NORMS:
        raise ValueError(f"norm must be one of {', '.join(NORMS)}, not {norm!r}")
    if causal and norm == "group":
        raise ValueError("a group norm sees the whole sound, so a causal convolution cannot have one")
