"""The G.722 decoder: the samples that two independent decoders gave, whatever is decoded beside them."""

import hashlib

import numpy as np
import pytest

from mmlearn.data import g722

EVERY_CODE = bytes(range(256)) * 6  # drives the quantiser to both of its ends, and the output to its limits
# What FFmpeg's decoder and libg722, in the packages av 18.1.0 and G722 1.2.8 of PyPI, both make of it.
EXPECTED = "13619cbe4ca874830e563e1ac30f2669a2dbe2df65b0ae1403717412b363b0f0"


@pytest.fixture(scope="module")
def samples():
    (decoded,) = g722.decode([EVERY_CODE])
    return decoded


def test_the_samples_are_those_of_other_decoders(samples):
    assert samples.dtype == np.int16 and len(samples) == 2 * len(EVERY_CODE)
    assert samples.max() == 32767 and samples.min() == -32768
    assert hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest() == EXPECTED


def test_clips_are_decoded_apart_whatever_their_order_and_length(samples):
    pieces = [EVERY_CODE[:700], b"", EVERY_CODE, EVERY_CODE[:100], EVERY_CODE[:700]]
    decoded = g722.decode(pieces)
    assert [len(each) for each in decoded] == [2 * len(piece) for piece in pieces]
    assert all(np.array_equal(each, samples[: len(each)]) for each in decoded)
    assert g722.decode([]) == []


def test_a_long_clip_is_the_same_beside_others_as_alone(monkeypatch, samples):
    monkeypatch.setattr(g722, "BYTES_PER_SECOND", 333)  # the pieces in which it works
    assert np.array_equal(g722.decode([EVERY_CODE[:999], EVERY_CODE])[1], samples)


def test_a_decoder_that_begins_in_the_middle_is_soon_right(samples):
    """What the builder of `music` relies on."""
    noise = np.random.default_rng(0).integers(0, 256, 6_000, dtype=np.uint8).tobytes()
    whole, part = g722.decode([EVERY_CODE[:500] + noise, noise])
    assert not np.array_equal(whole[1000:1020], part[:20])
    assert np.array_equal(whole[-400:], part[-400:])
