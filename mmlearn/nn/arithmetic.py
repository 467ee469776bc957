"""Arithmetic coding: numbers as bytes, in about as many bits as they were surprising.

Rissanen & Langdon 1979 (doi:10.1147/rd.232.0149). A sequence is a part of a stretch of numbers: each symbol cuts the
part that is left into pieces as large as the symbols are likely, and keeps its own. In the end any number of that part
names the sequence. Whole numbers only, so that both sides compute the same on every machine.

The reader must be given the frequencies that the writer was given, in the same order.
"""

from bisect import bisect_right
from collections.abc import Sequence

from torch import Tensor

PRECISION = 24  # bits: frequencies add up to at most 2^24
WIDTH = 48  # bits of the stretch that is in work; above its lower end, what is written is only changed by a carry
LEAST = 1 << (WIDTH - 8)  # a part that is smaller is widened by a byte


def cumulative(probabilities: Tensor) -> Tensor:
    """Probabilities `[..., K]` as whole numbers, each with all before it: `[..., K]`, at most 2^24. None is impossible.

    Raises:
        ValueError: there are more than 2^23 of them.
    """
    entries = probabilities.shape[-1]
    if entries > 1 << (PRECISION - 1):
        raise ValueError(f"{entries} symbols are too many for {PRECISION} bits")
    room = (1 << PRECISION) - 2 * entries  # one for each symbol, and one in case rounding makes a sum larger than 1
    return ((probabilities.double() * room).floor().long().clamp(min=0) + 1).cumsum(-1)


class ArithmeticEncoder:
    """Symbols to bytes: `put` each, then `finish`."""

    def __init__(self) -> None:
        self.low, self.range, self.bytes = 0, 1 << WIDTH, bytearray()

    def put(self, start: int, size: int, bits: int = PRECISION) -> None:
        """A symbol by its part of 0 to 2^bits: where it begins, and how large it is.

        Raises:
            ValueError: it has no such part.
        """
        if not 0 < bits <= PRECISION or size < 1 or start < 0 or start + size > 1 << bits:
            raise ValueError(f"no part of 2^{bits} begins at {start} and has a size of {size}")
        step = self.range >> bits
        self.low, self.range = self.low + start * step, size * step
        while self.range < LEAST:
            self._write()
            self.range <<= 8

    def finish(self) -> bytes:
        """All bytes; the reader takes what would follow them for zeros."""
        self.low = (self.low + LEAST - 1) // LEAST * LEAST  # the part is larger than this: one byte more names it
        self._write()
        return bytes(self.bytes)

    def _write(self) -> None:
        """The highest byte goes out; a carry goes through to the bytes that are out already."""
        if self.low >> WIDTH:
            place = len(self.bytes) - 1
            while self.bytes[place] == 255:
                self.bytes[place] = 0
                place -= 1
            self.bytes[place] += 1
        self.bytes.append(self.low >> (WIDTH - 8) & 255)
        self.low = self.low << 8 & ((1 << WIDTH) - 1)


class ArithmeticDecoder:
    """Bytes to symbols.

    Args:
        content: what an encoder finished.
    """

    def __init__(self, content: bytes) -> None:
        self.content, self.read, self.range, self.offset = content, 0, 1 << WIDTH, 0
        for _ in range(WIDTH // 8):
            self._next()

    def get(self, bits: int) -> int:
        """The next symbol of 2^bits that are all alike."""
        step = self.range >> bits
        symbol = min(self.offset // step, (1 << bits) - 1)
        self._take(symbol * step, step)
        return symbol

    def find(self, ends: Sequence[int]) -> int:
        """The next symbol of some with these cumulative frequencies; see `cumulative`.

        Raises:
            ValueError: the bytes stand for none; they were changed, or frequencies are not the writer's.
        """
        step = self.range >> PRECISION
        symbol = bisect_right(ends, self.offset // step)
        if symbol == len(ends):
            raise ValueError("these bytes stand for no symbol: they were changed, or the model is not the writer's")
        start = ends[symbol - 1] if symbol else 0
        self._take(start * step, (ends[symbol] - start) * step)
        return symbol

    def _take(self, start: int, size: int) -> None:
        self.offset, self.range = self.offset - start, size
        while self.range < LEAST:
            self._next()
            self.range <<= 8

    def _next(self) -> None:
        byte = self.content[self.read] if self.read < len(self.content) else 0
        self.offset, self.read = self.offset << 8 | byte, self.read + 1
