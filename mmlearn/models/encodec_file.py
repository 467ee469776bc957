"""An encoded sound as bytes: a header, the codes, a checksum.

Without a language model a code takes its bits, 10 of 1024 entries. With one it takes about as many as it was surprising
(arXiv:2210.13438, section 3.3). Both sides step through the model in the same way, so that they compute the same; the
checksum of the codes tells where that fails, as it may between two kinds of machine.

| bytes | what |
|---|---|
| 4 | `MMEC` |
| 1 | version, 1 |
| 1 | 1 with a language model, 0 without |
| 4, 1 | samples a second, channels |
| 1, 1 | codebooks in use, bits of a code |
| 8 | samples of the sound |
| 4 | segments |
| 4 | checksum of all codes |
| 4, 4, 4 for each segment | frames, bytes of its codes, its scale as a float32 or zero; then its codes |
| 4 | checksum of all bytes before |

Numbers have their highest byte first. Checksums are CRC-32.
"""

import struct
import zlib
from collections.abc import Sequence

import torch
from torch import Tensor

from mmlearn.models import encodec_bytes
from mmlearn.models.encodec import EnCodec, EnCodecConfig, Segment
from mmlearn.models.encodec_bytes import Codes, ModelGuesses
from mmlearn.models.encodec_lm import CodeLM

MAGIC, VERSION = b"MMEC", 1
HEADER = struct.Struct("!4sBBIBBBQII")
SEGMENT = struct.Struct("!IIf")
CHECKSUM = struct.Struct("!I")


@torch.no_grad()
def compress(codec: EnCodec, waveform_CT: Tensor, bandwidth: float | None = None, lm: CodeLM | None = None) -> bytes:
    """A sound `[C, T]` as bytes, at a bandwidth in kbit/s before the language model."""
    return pack(codec.encode(waveform_CT[None], bandwidth), codec.config, waveform_CT.shape[1], lm)


@torch.no_grad()
def decompress(codec: EnCodec, content: bytes, lm: CodeLM | None = None) -> Tensor:
    """The sound `[C, T]` of a file. Errors as in `unpack`."""
    segments, length = unpack(content, codec.config, lm)
    device, dtype = codec.quantiser.table.device, codec.quantiser.table.dtype
    there = [Segment(c.to(device), None if s is None else s.to(device, dtype)) for c, s in segments]
    return codec.decode(there, length)[0]


@torch.no_grad()
def pack(segments: Sequence[Segment], config: EnCodecConfig, length: int, lm: CodeLM | None = None) -> bytes:
    """Codes of one sound as bytes.

    Args:
        segments: of a batch of one.
        config: the codec's.
        length: of the sound, in samples.
        lm: its guesses make the file smaller; whoever reads it needs the same.

    Raises:
        ValueError: not exactly one sound.
    """
    if not segments or {len(segment.codes_BQF) for segment in segments} != {1}:
        raise ValueError("a file holds one sound: segments of a batch of one")
    books, check = segments[0].codes_BQF.shape[1], 0
    body = bytearray()
    for segment in segments:
        codes_FQ = segment.codes_BQF[0].T.tolist()
        check = _checksum(codes_FQ, check)
        coded = _encode(codes_FQ, books, config.bits, lm)
        scale = 0.0 if segment.scale_B is None else float(segment.scale_B)
        body += SEGMENT.pack(len(codes_FQ), len(coded), scale) + coded
    about = (config.rate, config.channels, books, config.bits, length, len(segments), check)
    content = HEADER.pack(MAGIC, VERSION, int(lm is not None), *about) + bytes(body)
    return content + CHECKSUM.pack(zlib.crc32(content))


@torch.no_grad()
def unpack(content: bytes, config: EnCodecConfig, lm: CodeLM | None = None) -> tuple[list[Segment], int]:
    """Segments of a batch of one, and the length of the sound in samples.

    Raises:
        ValueError: it is no such file; it was cut short or changed; it is of another codec; the language model is
            missing, or is not the writer's.
    """
    if content[:4] != MAGIC[: len(content)] or len(content) < 4:
        raise ValueError(f"this is no encoded sound: it begins with {content[:4]!r}, not {MAGIC!r}")
    if len(content) < HEADER.size + CHECKSUM.size:
        raise ValueError(f"this encoded sound was cut short: {len(content)} bytes hold no header")
    body, check = content[: -CHECKSUM.size], CHECKSUM.unpack(content[-CHECKSUM.size :])[0]
    if content[4] != VERSION:
        raise ValueError(f"this encoded sound is of version {content[4]}; known is {VERSION}")
    if zlib.crc32(body) != check:
        raise ValueError("this encoded sound was cut short or changed: its checksum does not agree. Fetch it again")
    _, _, modelled, rate, channels, books, bits, length, count, codes_check = HEADER.unpack_from(body)
    theirs, ours = (rate, channels, bits), (config.rate, config.channels, config.bits)
    if theirs != ours or books > config.codebooks:
        raise ValueError(
            f"this sound was encoded at {rate} Hz with {channels} channels and {books} codebooks of {bits} bits; this "
            f"codec has {config.rate} Hz, {config.channels} channels and {config.codebooks} codebooks of {config.bits}"
        )
    if bool(modelled) != (lm is not None):
        raise ValueError(f"this sound was encoded {'with' if modelled else 'without'} a language model; so decode it")
    segments, at, found = [], HEADER.size, 0
    for _ in range(count):
        frames, size, scale = SEGMENT.unpack_from(body, at)
        at += SEGMENT.size
        coded = body[at : at + size]
        codes_FQ = _decode(coded, frames, books, bits, lm)
        at, found = at + size, _checksum(codes_FQ, found)
        codes_BQF = torch.tensor(codes_FQ, dtype=torch.int64, device="cpu").reshape(1, frames, books).mT.contiguous()
        scale_B = torch.tensor([scale], device="cpu") if config.normalise else None
        segments.append(Segment(codes_BQF, scale_B))
    if found != codes_check:
        raise ValueError(
            "the file is whole, but its codes came out otherwise: this language model, or the machine that it computes "
            "on, is not the writer's"
        )
    return segments, length


def _checksum(codes_FQ: Codes, before: int) -> int:
    return zlib.crc32(b"".join(struct.pack(f"!{len(codes)}I", *codes) for codes in codes_FQ), before)


def _encode(codes_FQ: Codes, books: int, bits: int, lm: CodeLM | None) -> bytes:
    if lm is None:
        return encodec_bytes.pack(codes_FQ, bits)
    return encodec_bytes.encode(codes_FQ, ModelGuesses(lm, books))


def _decode(coded: bytes, frames: int, books: int, bits: int, lm: CodeLM | None) -> Codes:
    if lm is None:
        return encodec_bytes.unpack(coded, frames, books, bits)
    return encodec_bytes.decode(coded, frames, ModelGuesses(lm, books))
