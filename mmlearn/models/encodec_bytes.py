"""Codes as bytes, with no header: a code of its bits, or of about as many bits as it was surprising.

arXiv:2210.13438, section 3.3. Surprise is by guesses of the next frame's codes, which writer and reader must make in
the same way: a language model that both step through frame by frame, or frequencies that are the same for all frames.

    content = encode(codes_FQ, ModelGuesses(lm, books=4))
    codes_FQ = decode(content, frames, ModelGuesses(lm, books=4))

Shape letters: Q codebooks, F frames, K entries of a codebook, B batch (one).
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from mmlearn.models.encodec_lm import CodeLM
from mmlearn.nn.arithmetic import ArithmeticDecoder, ArithmeticEncoder, cumulative

Codes = list[list[int]]  # [F, Q]


class Guesses(Protocol):
    """What is told of the next frame before it is known."""

    def next(self) -> Sequence[Sequence[int]]:
        """Cumulative frequencies of each code of the next frame: `[Q, K]`, as `mmlearn.nn.arithmetic` wants them."""

    def tell(self, codes_Q: list[int]) -> None:
        """What the codes were."""


class FixedGuesses:
    """The same frequencies for all frames.

    Args:
        probabilities_QK: of the entries of each codebook.
    """

    def __init__(self, probabilities_QK: Tensor) -> None:
        self.ends_QK = cumulative(probabilities_QK).tolist()

    def next(self) -> Sequence[Sequence[int]]:
        return self.ends_QK

    def tell(self, codes_Q: list[int]) -> None:
        pass


class ModelGuesses:
    """Steps through a language model, the same way for the writer and the reader.

    Args:
        lm: in evaluation mode.
        books: codebooks in use.
    """

    def __init__(self, lm: CodeLM, books: int) -> None:
        self.lm, self.state = lm, lm.start()
        self.before_BQ = torch.zeros(1, books, dtype=torch.int64, device=lm.tokens.device)

    @torch.no_grad()
    def next(self) -> list[list[int]]:
        scores_BQK, self.state = self.lm.step(self.before_BQ, self.state)
        return cumulative(scores_BQK[0].float().softmax(-1).cpu()).tolist()

    def tell(self, codes_Q: list[int]) -> None:
        self.before_BQ = 1 + torch.tensor([codes_Q], dtype=torch.int64, device=self.before_BQ.device)


def encode(codes_FQ: Codes, guesses: Guesses) -> bytes:
    """Codes as bytes, by guesses of as many codebooks."""
    encoder = ArithmeticEncoder()
    for codes_Q in codes_FQ:
        for code, ends_K in zip(codes_Q, guesses.next(), strict=True):
            start = ends_K[code - 1] if code else 0
            encoder.put(start, ends_K[code] - start)
        guesses.tell(codes_Q)
    return encoder.finish()


def decode(content: bytes, frames: int, guesses: Guesses) -> Codes:
    """So many frames of codes again, by guesses like the writer's.

    Raises:
        ValueError: the bytes stand for none; they were changed, or the guesses are others. Not every change is noticed:
            a file wants a checksum of its codes.
    """
    decoder, found = ArithmeticDecoder(content), []
    for _ in range(frames):
        found.append([decoder.find(ends_K) for ends_K in guesses.next()])
        guesses.tell(found[-1])
    return found


def pack(codes_FQ: Codes, bits: int) -> bytes:
    """Codes of so many bits each as bytes."""
    encoder = ArithmeticEncoder()
    for codes_Q in codes_FQ:
        for code in codes_Q:
            encoder.put(code, 1, bits)
    return encoder.finish()


def unpack(content: bytes, frames: int, books: int, bits: int) -> Codes:
    """What `pack` packed."""
    decoder = ArithmeticDecoder(content)
    return [[decoder.get(bits) for _ in range(books)] for _ in range(frames)]
