"""What guesses EnCodec's next codes: a small transformer, so that what is likely takes few bits.

Defossez et al. 2022 (arXiv:2210.13438), section 3.3, "language modelling and entropy coding".

Shape letters: B batch, Q codebooks, F frames, K entries of a codebook, D width, H heads, d width of a head, N frames
looked at, W frames that a cache holds, L layers.

Departures from the paper
    same: 5 layers, 8 heads, width 200, 800 inside; the embeddings of a frame's codes are summed; all codes of a frame
        are guessed at once from the frames before it; a context of 3.5 s; a special token stands before the first one.
    in the released model, not in the paper: a norm of the embeddings before positions are added, norms behind each half
        of a block; each layer also sees a frame of zeros before the first one.
    simplified: no approximation of probabilities before they become frequencies, of which the least is 1. The paper
        rounds them to 10^-6, since they may differ between machines, and its least is 2; here a file tells by a
        checksum that they did.
    left out: positions that begin anywhere while training, so that a model learns what is far into a sound.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MLP_RATIO = 4
PERIOD = 10_000.0  # of the slowest position wave, by 2 pi


@dataclass(frozen=True)
class CodeLMConfig:
    """Sizes of a language model of codes."""

    codebooks: int  # Q
    entries: int  # K
    context: int  # frames before its own that a frame looks at
    dim: int = 200  # D
    layers: int = 5  # L
    heads: int = 8  # H

    def __post_init__(self) -> None:
        if self.dim % 2 or self.dim % self.heads:
            raise ValueError(f"a width is even and a multiple of the heads; {self.dim} is not, with {self.heads} heads")

    @classmethod
    def preset(cls, name: str, **changes) -> "CodeLMConfig":
        """Named sizes, with some fields changed.

        Raises:
            ValueError: no preset has this name.
        """
        if name not in PRESETS:
            raise ValueError(f"no code model preset is called {name!r}; there are {', '.join(PRESETS)}")
        return replace(PRESETS[name], **changes)


class CodeLMState(NamedTuple):
    """What is remembered between two frames. A step writes into it: what was handed in is not to be used again."""

    keys_LBHWd: Tensor  # the frame of place p stands at p modulo W
    values_LBHWd: Tensor
    place: int  # of the next frame; the frame of zeros has place 0


class Block(nn.Module):
    """Attention to the last frames, then a perceptron; each is added to what it read and normalised *after*.

    Args:
        config: the sizes.
        device, dtype: of the parameters.
    """

    def __init__(self, config: CodeLMConfig, **place) -> None:
        super().__init__()
        dim = config.dim
        self.heads = config.heads
        self.qkv, self.out = nn.Linear(dim, 3 * dim, **place), nn.Linear(dim, dim, **place)
        self.norm1, self.norm2 = nn.LayerNorm(dim, **place), nn.LayerNorm(dim, **place)
        inner = MLP_RATIO * dim
        self.mlp = nn.Sequential(nn.Linear(dim, inner, **place), nn.GELU(), nn.Linear(inner, dim, **place))

    def forward(self, x_BFD: Tensor, seen_FN: Tensor) -> Tensor:
        """All frames at once: `[B, F, D]` to `[B, F, D]`. N = F + 1, the frame of zeros first."""
        padded_BND = F.pad(x_BFD, (0, 0, 1, 0))
        q_BHNd, k_BHNd, v_BHNd = self.split(padded_BND)
        return self._finish(x_BFD, F.scaled_dot_product_attention(q_BHNd[:, :, 1:], k_BHNd, v_BHNd, attn_mask=seen_FN))

    def step(self, x_B1D: Tensor, keys_BHWd: Tensor, values_BHWd: Tensor, place: int) -> Tensor:
        """The next frame, with the cache of this layer, which is written to."""
        q_BH1d, k_BH1d, v_BH1d = self.split(x_B1D)
        width = keys_BHWd.shape[2]
        keys_BHWd[:, :, place % width], values_BHWd[:, :, place % width] = k_BH1d[:, :, 0], v_BH1d[:, :, 0]
        filled = min(place + 1, width)
        attended = F.scaled_dot_product_attention(q_BH1d, keys_BHWd[:, :, :filled], values_BHWd[:, :, :filled])
        return self._finish(x_B1D, attended)

    def split(self, x_BND: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values: three times `[B, H, N, d]`."""
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.qkv(x_BND).chunk(3, dim=-1))
        return q, k, v

    def _finish(self, x_BFD: Tensor, attended_BHFd: Tensor) -> Tensor:
        x_BFD = self.norm1(x_BFD + self.out(attended_BHFd.transpose(1, 2).flatten(2)))
        return self.norm2(x_BFD + self.mlp(x_BFD))


class CodeLM(nn.Module):
    """Codes to how likely each code of each frame was, given the frames before it.

    Args:
        config: the sizes, for example `CodeLMConfig.preset("24khz")`.
        device, dtype: of the parameters.
    """

    def __init__(self, config: CodeLMConfig, *, device=None, dtype=None) -> None:
        super().__init__()
        c, place = config, {"device": device, "dtype": dtype}
        self.config = config
        self.tokens = nn.Parameter(torch.randn(c.codebooks * (c.entries + 1), c.dim, **place))  # 0: before the first
        self.norm = nn.LayerNorm(c.dim, **place)
        self.blocks = nn.ModuleList(Block(c, **place) for _ in range(c.layers))
        self.head = nn.Linear(c.dim, c.codebooks * c.entries, **place)

    def forward(self, codes_BQF: Tensor) -> Tensor:
        """Codes of the first so many codebooks to scores before softmax, `[B, Q, F, K]`, of these very codes.

        Raises:
            ValueError: there are more codebooks than the model has.
        """
        frames = codes_BQF.shape[2]
        x_BFD = self._read(F.pad(1 + codes_BQF[:, :, :-1], (1, 0)), 0)  # each frame reads the one before it
        frame_F1 = torch.arange(1, frames + 1, device=codes_BQF.device)[:, None]
        back_FN = frame_F1 - torch.arange(frames + 1, device=codes_BQF.device)
        seen_FN = (back_FN >= 0) & (back_FN <= self.config.context)
        for block in self.blocks:
            x_BFD = block(x_BFD, seen_FN)
        return self._scores(x_BFD, codes_BQF.shape[1])

    def loss(self, codes_BQF: Tensor) -> Tensor:
        """l_l: the mean surprise of a code, in nats."""
        return F.cross_entropy(self(codes_BQF).flatten(0, 2), codes_BQF.flatten())

    def step(self, before_BQ: Tensor, state: CodeLMState) -> tuple[Tensor, CodeLMState]:
        """Scores `[B, Q, K]` of the next frame.

        Args:
            before_BQ: the codes of the frame before it, each plus 1; zeros before the first frame.
            state: what the frame before gave; `start` at the beginning.
        """
        keys, values, place = state
        x_B1D = self._read(before_BQ[:, :, None], place - 1)
        for block, keys_BHWd, values_BHWd in zip(self.blocks, keys, values, strict=True):
            x_B1D = block.step(x_B1D, keys_BHWd, values_BHWd, place)
        return self._scores(x_B1D, before_BQ.shape[1])[:, :, 0], CodeLMState(keys, values, place + 1)

    def start(self, batch: int = 1) -> CodeLMState:
        """The state before the first frame: each layer has seen a frame of zeros."""
        c = self.config
        shape = (c.layers, batch, c.heads, c.context + 1, c.dim // c.heads)
        keys, values = self.tokens.new_zeros(shape), self.tokens.new_zeros(shape)
        for number, block in enumerate(self.blocks):  # of zeros nothing remains but the biases
            _, key_D, value_D = block.qkv.bias.detach().chunk(3)
            keys[number, :, :, 0] = key_D.unflatten(0, (c.heads, -1))
            values[number, :, :, 0] = value_D.unflatten(0, (c.heads, -1))
        return CodeLMState(keys, values, 1)

    def _read(self, tokens_BQF: Tensor, place: int) -> Tensor:
        """Tokens to the sum of their embeddings, normalised, with positions from `place` on: `[B, F, D]`."""
        books, own = tokens_BQF.shape[1], self.config.codebooks
        if books > own:
            raise ValueError(f"this model knows {own} codebooks; the codes have {books}")
        first_Q1 = (self.config.entries + 1) * torch.arange(books, device=tokens_BQF.device)[:, None]
        x_BFD = self.norm(F.embedding(tokens_BQF + first_Q1, self.tokens).sum(1))
        return x_BFD + positions(place, tokens_BQF.shape[2], self.config.dim, x_BFD)

    def _scores(self, x_BFD: Tensor, books: int) -> Tensor:
        rows = books * self.config.entries
        scores_BFM = F.linear(x_BFD, self.head.weight[:rows], self.head.bias[:rows])
        return scores_BFM.unflatten(2, (books, -1)).transpose(1, 2)


def positions(first: int, count: int, dim: int, like: Tensor) -> Tensor:
    """Waves that tell places apart: cosines, then sines, of ever longer periods: `[F, D]`. arXiv:1706.03762, 3.5.

    Args:
        first, count: places.
        dim: D.
        like: a tensor of the device and dtype that are wanted.
    """
    place_F1 = torch.arange(first, first + count, device=like.device, dtype=torch.float32)[:, None]
    half = dim // 2
    power = torch.arange(half, device=like.device, dtype=torch.float32) / max(1, half - 1)
    phase = place_F1 * torch.exp(-math.log(PERIOD) * power)
    return torch.cat([phase.cos(), phase.sin()], dim=1).to(like.dtype)


PRESETS = {
    "toy": CodeLMConfig(8, 256, 175, dim=64, layers=2, heads=4),  # lesson 15
    "24khz": CodeLMConfig(32, 1024, 262),  # 3.5 s of 75 frames each
    "48khz": CodeLMConfig(16, 1024, 525),
}
