"""Sounds as bytes and as waveforms. The committed sets hold mono clips as FLAC or Ogg-Opus in a binary column.

    from mmlearn.data import sound
    waveform_T = sound.decode(row["audio"])                # float32 [T], 16,000 values a second, from -1 to 1
    waveforms_NT = sound.waveforms(rows, seconds=1.5)      # float32 [N, T], cut or filled up with silence
    content = sound.encode(waveform_T, format="flac")

Axes: N clips, T samples, C channels. The audio feature of `datasets` needs torchcodec; here soundfile is enough.
"""

import io
import math
import struct
from collections.abc import Iterator
from functools import cache, lru_cache

import numpy as np
import torch
from torch import Tensor

RATE = 16_000  # samples a second, of all committed sounds
OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
OPUS_KBPS = (6, 256)  # what libsndfile lets one ask for
SILENCE_DB = -40  # relative to a clip's loudest moment
# Of the 32 kinds of packets, hertz: 12 of SILK (for voices), 4 of both, 16 of CELT.
_BANDS = (4_000,) * 4 + (6_000,) * 4 + (8_000,) * 4 + (12_000,) * 2 + (20_000,) * 2
_BANDS += (4_000,) * 4 + (8_000,) * 4 + (12_000,) * 4 + (20_000,) * 4
_SERIAL = b"mmln"  # libsndfile numbers Ogg streams by chance; these are all alike, so that equal sounds are equal bytes
_TAGS = b"OpusTags" + struct.pack("<I", 7) + b"mmlearn" + struct.pack("<I", 0)  # the maker's name, no comments


def decode(content: bytes, rate: int = RATE) -> Tensor:
    """The waveform of a sound file (FLAC, Ogg-Opus, Ogg-Vorbis, WAV): float32 [T], mono, `rate` samples a second.

    Channels are averaged; another sampling rate is converted (polyphase filter). The last 512 sounds are remembered, so
    that a training that comes back to a clip does not decode it again; the waveform is yours to change.

    Raises:
        ValueError: the bytes are no sound or are damaged, or `rate` is no positive whole number.
    """
    _check_rate(rate)
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise ValueError(f"A sound's content is bytes, such as row['audio'], not {type(content).__name__}.")
    return _decode(bytes(content), rate).clone()


@lru_cache(maxsize=512)  # of two seconds: 64 MB
def _decode(content: bytes, rate: int) -> Tensor:
    import soundfile

    try:
        values_TC, own_rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"These {len(content)} bytes are no sound, or a damaged one: {error}") from None
    if not len(values_TC):
        raise ValueError(f"This sound is damaged: no sample can be read from its {len(content)} bytes.")
    return resample(torch.from_numpy(values_TC.mean(axis=1)), own_rate, rate)


def encode(waveform: Tensor, rate: int = RATE, format: str = "flac", kbps: float = 16) -> bytes:
    """A mono waveform as a sound file: the same bytes for the same values and version of soundfile.

    Args:
        waveform: float [T], from -1 to 1; what lies outside is clipped.
        format: "flac" (lossless, 16 bits) or "opus" (Ogg-Opus).
        kbps: for Opus, the thousands of bits a second to aim at; quiet and simple passages take fewer.

    Raises:
        ValueError: an unknown format, a rate that the format lacks, or a waveform that is not [T] of finite floats.
    """
    import soundfile

    _check_rate(rate)
    values = _checked(waveform).clamp(-1, 1).numpy()
    buffer = io.BytesIO()
    if format == "flac":
        soundfile.write(buffer, values, rate, format="FLAC", subtype="PCM_16")
        return buffer.getvalue()
    if format != "opus":
        raise ValueError(f'format is "flac" or "opus", not {format!r}.')
    if rate not in OPUS_RATES:
        raise ValueError(f"Opus knows the rates {', '.join(map(str, OPUS_RATES))}, not {rate}: resample first.")
    least, most = OPUS_KBPS
    if not least <= kbps <= most:
        raise ValueError(f"kbps must lie from {least} to {most}, not {kbps!r}.")
    level = 1 - (kbps - least) / (most - least)  # how libsndfile wants to be told
    soundfile.write(buffer, values, rate, format="OGG", subtype="OPUS", compression_level=level)
    return _without_chance(buffer.getvalue())


def opus_bits(content: bytes) -> int:
    """How many bits an Ogg-Opus sound takes: those of its packets, without Ogg's pages and the two headers.

    Divided by the seconds of the sound it is the bitrate to set beside another codec's; the file itself has about 900
    bits a second more for a clip of three seconds. Packets differ in length, and where each ends is told by Ogg: that
    is not counted, in favour of Opus. What is counted is the packet that Opus needs to begin with (its pre-skip).

    Raises:
        ValueError: the bytes are no Ogg-Opus file of one stream, or a damaged one.
    """
    return 8 * sum(len(packet) for packet in _opus_packets(content))


def opus_bands(content: bytes) -> list[int]:
    """Up to how many hertz each packet of an Ogg-Opus sound reaches, as it says itself (RFC 6716, section 3.1).

    At low rates Opus leaves out the upper band: with 16,000 samples a second a packet reaches 4,000 hertz or 8,000.

    Raises:
        ValueError: as `opus_bits`.
    """
    return [_BANDS[packet[0] >> 3] for packet in _opus_packets(content)]


def _opus_packets(content: bytes) -> list[bytes]:
    packets = _packets(bytes(content))
    if [packet[:8] for packet in packets[:2]] != [b"OpusHead", b"OpusTags"]:
        raise ValueError("This is no Ogg-Opus sound: it does not begin with the two headers of one.")
    return packets[2:]


def resample(waveform: Tensor, rate: int, new_rate: int) -> Tensor:
    """The same sound with `new_rate` samples a second: [T] to [ceil(T new_rate / rate)], float32."""
    from scipy.signal import resample_poly

    _check_rate(rate)
    _check_rate(new_rate)
    waveform = _checked(waveform)
    if rate == new_rate:
        return waveform
    common = math.gcd(rate, new_rate)
    values = resample_poly(waveform.double().numpy(), new_rate // common, rate // common)
    return torch.from_numpy(values.astype(np.float32))


def trim(waveform: Tensor, rate: int = RATE, silence_db: float = SILENCE_DB, keep: float = 0.03) -> Tensor:
    """The waveform [T] without the silence at its beginning and end; empty where there is nothing but silence.

    Loudness is the root mean square of windows of 10 ms; a window is silent where it is `silence_db` below the loudest.

    Args:
        keep: seconds of silence that stay at either end, so that no sound begins with a click.
    """
    waveform = _checked(waveform)
    window = max(1, rate // 100)
    count = -(-len(waveform) // window)
    padded = torch.nn.functional.pad(waveform, (0, count * window - len(waveform)))
    power = padded.reshape(count, window).square().mean(1)
    loud = (power > power.max() * 10 ** (silence_db / 10)).nonzero().flatten()
    if not len(loud):
        return waveform[:0]
    margin = round(keep * rate)
    first, last = int(loud[0]) * window - margin, (int(loud[-1]) + 1) * window + margin
    return waveform[max(0, first) : last].clone()


def waveforms(dataset, seconds: float, rate: int = RATE, column: str = "audio") -> Tensor:
    """The sounds of a data set as one tensor: float32 [N, T], cut to `seconds` or filled up with silence at their end.

    Raises:
        ValueError: the data set is empty, `seconds` is not positive, or a sound cannot be read; the row is named.
    """
    if not seconds > 0:
        raise ValueError(f"seconds must be positive, not {seconds!r}.")
    if len(dataset) == 0:
        raise ValueError("The data set is empty: there are no sounds to stack.")
    waveforms_NT = torch.zeros(len(dataset), round(seconds * rate))
    for row, content in enumerate(dataset[column]):
        try:
            waveform_T = decode(content, rate)[: waveforms_NT.shape[1]]
        except ValueError as error:
            raise ValueError(f"Row {row}: {error}") from None
        waveforms_NT[row, : len(waveform_T)] = waveform_T
    return waveforms_NT


def _check_rate(rate: int) -> None:
    if isinstance(rate, bool) or not isinstance(rate, int) or rate <= 0:
        raise ValueError(f"A rate is a positive whole number of samples a second, not {rate!r}.")


def _checked(waveform: Tensor) -> Tensor:
    """The waveform as float32 on the CPU, if it is one."""
    waveform = torch.as_tensor(waveform)
    if waveform.ndim != 1 or not len(waveform) or not waveform.is_floating_point():
        kind = f"{str(waveform.dtype).removeprefix('torch.')} {list(waveform.shape)}"
        raise ValueError(f"A waveform is mono, floating point and not empty: float [T], not {kind}.")
    waveform = waveform.detach().cpu().float()
    if not waveform.isfinite().all():
        raise ValueError("This waveform holds values that are infinite or not numbers.")
    return waveform


# --- Ogg --------------------------------------------------------------------------------------------------------------


def _without_chance(ogg: bytes) -> bytes:
    """An Ogg-Opus file of one stream with a fixed serial number, and with a short second page.

    libsndfile draws the serial number, so no two files of one sound are alike, and fills the page of comments up to a
    kilobyte, more than a short word takes. The second page holds nothing but the comments (RFC 7845).
    """
    pages = []
    for head, lengths, content in _pages(ogg):
        if len(pages) == 1:
            lengths, content = bytes([len(_TAGS)]), _TAGS
        head = head[:14] + _SERIAL + head[18:]
        rest = bytes([len(lengths)]) + lengths + content
        checksum = struct.pack("<I", _checksum(head + bytes(4) + rest))
        pages.append(head + checksum + rest)
    return b"".join(pages)


def _packets(ogg: bytes) -> list[bytes]:
    """What the pages of one stream carry. A segment of less than 255 bytes ends a packet, which may span pages.

    Raises:
        ValueError: pages are damaged or missing, or of another stream.
    """
    packets, unfinished, last = [], b"", False
    for number, (head, lengths, content) in enumerate(_pages(ogg)):
        if int.from_bytes(head[18:22], "little") != number:
            raise ValueError(f"This Ogg file is damaged: page {number} is missing, or of another stream.")
        start, last = 0, bool(head[5] & 4)
        for length in lengths:
            unfinished += content[start : start + length]
            start += length
            if length < 255:
                packets.append(unfinished)
                unfinished = b""
    if unfinished or not last:
        raise ValueError("This Ogg file is damaged: its end is missing.")
    return packets


def _pages(ogg: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """The pages of an Ogg file: what stands before the checksum, the lengths of the segments, the segments.

    A page (RFC 3533) is: "OggS", version, flags, position (8 bytes), serial number (4), number of the page (4),
    checksum (4), number of segments, their lengths, the segments.

    Raises:
        ValueError: a page is not what its checksum says, or is cut off.
    """
    start = 0
    while start < len(ogg):
        body = start + 27 + (ogg[start + 26] if start + 26 < len(ogg) else 0)
        lengths = ogg[start + 27 : body]
        end = body + sum(lengths)
        page = ogg[start:end]
        whole = page[:4] == b"OggS" and len(page) == end - start
        if not whole or _checksum(page[:22] + bytes(4) + page[26:]) != int.from_bytes(page[22:26], "little"):
            raise ValueError(f"This is no Ogg file, or a damaged one: no whole page begins at byte {start}.")
        yield page[:22], lengths, ogg[body:end]
        start = end


def _checksum(page: bytes) -> int:
    """Ogg's CRC: polynomial 0x04C11DB7, most significant bit first, from zero, not inverted."""
    table, crc = _crc_table(), 0
    for byte in page:
        crc = (crc << 8) & 0xFFFFFFFF ^ table[crc >> 24 ^ byte]
    return crc


@cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte << 24
        for _ in range(8):
            crc = crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)
        table.append(crc & 0xFFFFFFFF)
    return tuple(table)
