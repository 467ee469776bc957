"""Arithmetic coding, and EnCodec's codes as bytes: what goes in comes out, and what was changed is noticed."""

import math
from dataclasses import replace

import pytest
import torch

from mmlearn.models.encodec import EnCodec, EnCodecConfig, Segment
from mmlearn.models.encodec_file import compress, decompress, pack, unpack
from mmlearn.models.encodec_lm import CodeLM, CodeLMConfig
from mmlearn.nn.arithmetic import PRECISION, ArithmeticDecoder, ArithmeticEncoder, cumulative

CONFIG = EnCodecConfig(rate=600, channels=1, bandwidths=(0.8, 1.6), strides=(2, 3), dim=6, filters=4, entries=16)
STEREO = replace(CONFIG, channels=2, causal=False, norm="group", normalise=True, segment=0.5)
LM = CodeLMConfig(4, 16, 5, dim=16, layers=2, heads=2)


def code_model(seed: int = 0) -> CodeLM:
    torch.manual_seed(seed)
    return CodeLM(LM).eval()


def codes(config: EnCodecConfig = CONFIG, frames: tuple[int, ...] = (40,), books: int = 4) -> list[Segment]:
    generator = torch.Generator().manual_seed(3)
    scale = torch.tensor([0.37]) if config.normalise else None
    return [Segment(torch.randint(16, (1, books, count), generator=generator), scale) for count in frames]


# --- arithmetic coding ------------------------------------------------------------------------------------------------


def coded(symbols: list[int], ends: list[list[int]]) -> bytes:
    encoder = ArithmeticEncoder()
    for symbol, cuts in zip(symbols, ends, strict=True):
        start = cuts[symbol - 1] if symbol else 0
        encoder.put(start, cuts[symbol] - start)
    return encoder.finish()


@pytest.mark.parametrize("sharpness", [0.0, 1.0, 10.0, 1000.0])
@pytest.mark.parametrize("entries", [2, 7, 1024])
def test_what_is_encoded_is_decoded_in_as_many_bits_as_it_surprises(entries, sharpness):
    """Symbols drawn from the probabilities, and also each of the least likely ones."""
    generator = torch.Generator().manual_seed(entries)
    probabilities = (sharpness * torch.randn(500, entries, generator=generator)).softmax(-1)
    symbols = torch.multinomial(probabilities, 1, generator=generator)[:, 0]
    symbols[::50] = probabilities[::50].argmin(1)
    ends = cumulative(probabilities)
    content = coded(symbols.tolist(), ends.tolist())
    decoder = ArithmeticDecoder(content)
    assert [decoder.find(cuts) for cuts in ends.tolist()] == symbols.tolist()
    sizes = torch.diff(ends, prepend=torch.zeros(500, 1, dtype=torch.int64))
    surprise = sum(PRECISION - math.log2(sizes[i, s].item()) for i, s in enumerate(symbols.tolist()))
    assert surprise / 8 <= len(content) <= 1.0001 * surprise / 8 + 2


def test_no_symbol_is_impossible_and_all_fit():
    certain = torch.zeros(3, 5)
    certain[0, 2] = certain[1, 0] = certain[2, 4] = 1.0
    ends = cumulative(certain)
    assert (torch.diff(ends, prepend=torch.zeros(3, 1, dtype=torch.int64)) >= 1).all()
    assert (ends[:, -1] <= 1 << PRECISION).all() and (ends[:, -1] > (1 << PRECISION) - 16).all()


def test_a_carry_goes_through_bytes_that_are_out():
    """Always the upper end of the stretch: the lower bound fills with ones, and a carry turns them over."""
    top = (1 << PRECISION) - 1
    for last in (0, top):
        encoder = ArithmeticEncoder()
        for _ in range(40):
            encoder.put(top, 1)
        encoder.put(last, 1)
        content = encoder.finish()
        decoder = ArithmeticDecoder(content)
        assert [decoder.get(PRECISION) for _ in range(41)] == [top] * 40 + [last]
    encoder = ArithmeticEncoder()
    for start, size in [((1 << 23) - 1, 2)] * 30 + [(1 << 23, 1 << 23)] * 30:
        encoder.put(start, size)
    ends = [(1 << 23) - 1, (1 << 23) + 1, 1 << 24]
    decoder = ArithmeticDecoder(encoder.finish())
    assert [decoder.find(ends) for _ in range(30)] == [1] * 30
    assert [decoder.find([1 << 23, 1 << 24]) for _ in range(30)] == [1] * 30


@pytest.mark.parametrize("part", [(-1, 1, 8), (0, 0, 8), (200, 57, 8), (0, 1, 25), (0, 1, 0)])
def test_a_part_outside_of_the_stretch_is_refused(part):
    with pytest.raises(ValueError, match="no part of"):
        ArithmeticEncoder().put(*part)


def test_bytes_that_stand_for_no_symbol_are_refused():
    with pytest.raises(ValueError, match="stand for no symbol"):
        ArithmeticDecoder(b"\xff" * 8).find([5, 10])


# --- files ------------------------------------------------------------------------------------------------------------

CASES = [(CONFIG, (40,), 4), (CONFIG, (40,), 2), (CONFIG, (0,), 4), (STEREO, (50, 50, 3), 4)]


@pytest.mark.parametrize("modelled", [False, True], ids=["plain", "with a model"])
@pytest.mark.parametrize(("config", "frames", "books"), CASES)
def test_codes_come_back_bit_by_bit(config, frames, books, modelled):
    lm, segments = code_model() if modelled else None, codes(config, frames, books)
    content = pack(segments, config, 239, lm)
    found, length = unpack(content, config, lm)
    assert length == 239 and len(found) == len(segments)
    for one, other in zip(found, segments, strict=True):
        assert torch.equal(one.codes_BQF, other.codes_BQF)
        assert (one.scale_B is None) == (other.scale_B is None)
        assert one.scale_B is None or torch.equal(one.scale_B, other.scale_B)


def test_without_a_model_a_code_takes_its_bits():
    """400 codes of 4 bits are 200 bytes, the end among them, which alone is one."""
    sizes = [len(pack(codes(frames=(count,)), CONFIG, 6 * count)) for count in (0, 100)]
    assert sizes[1] - sizes[0] == 200 - 1


def test_a_model_that_knows_what_comes_makes_the_file_smaller():
    """It learns to repeat the frame before; how many bits that takes is what its loss says."""
    torch.manual_seed(0)
    lm, generator = CodeLM(LM), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(lm.parameters(), 1e-2)
    for _ in range(100):
        start_BQ1 = torch.randint(16, (16, 4, 1), generator=generator)
        loss = lm.loss(start_BQ1.expand(-1, -1, 20))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    lm.eval()
    codes_BQF = torch.tensor([3, 1, 14, 8])[None, :, None].expand(1, 4, 20)
    segment = Segment(codes_BQF, None)
    plain, small = (pack([segment], CONFIG, 120, model) for model in (None, lm))
    with torch.no_grad():
        bits = lm.loss(codes_BQF).item() * 80 / math.log(2)
    overhead = len(plain) - 40
    assert bits / 8 < 20 and abs(len(small) - overhead - bits / 8) < 4
    assert torch.equal(unpack(small, CONFIG, lm)[0][0].codes_BQF, codes_BQF)


@pytest.mark.parametrize("modelled", [False, True], ids=["plain", "with a model"])
@pytest.mark.parametrize("config", [CONFIG, STEREO], ids=["whole", "segments"])
def test_a_sound_comes_back_as_the_codec_alone_gives_it(config, modelled):
    torch.manual_seed(0)
    codec, lm = EnCodec(config).eval(), code_model() if modelled else None
    waveform_CT = torch.randn(config.channels, 700)
    codec.start_codebooks(waveform_CT[None])
    content = compress(codec, waveform_CT, 0.8, lm)
    with torch.no_grad():
        expected = codec.decode(codec.encode(waveform_CT[None], 0.8), 700)[0]
    assert torch.equal(decompress(codec, content, lm), expected)


@pytest.mark.parametrize("modelled", [False, True], ids=["plain", "with a model"])
def test_a_file_that_was_cut_short_or_changed_is_noticed_wherever(modelled):
    lm = code_model() if modelled else None
    content = pack(codes(frames=(9,)), CONFIG, 54, lm)
    for length in range(len(content)):
        with pytest.raises(ValueError, match=r"cut short|no encoded sound"):
            unpack(content[:length], CONFIG, lm)
    for place in range(len(content)):
        for flip in (1, 128):
            changed = bytearray(content)
            changed[place] ^= flip
            with pytest.raises(ValueError, match=r"changed|no encoded sound|version"):
                unpack(bytes(changed), CONFIG, lm)
    with pytest.raises(ValueError, match="changed"):
        unpack(content + b"\0", CONFIG, lm)


def test_another_codec_or_model_is_noticed():
    lm, segments = code_model(), codes()
    plain, small = pack(segments, CONFIG, 240), pack(segments, CONFIG, 240, lm)
    with pytest.raises(ValueError, match="encoded at 600 Hz with 1 channels and 4 codebooks of 4 bits"):
        unpack(plain, replace(CONFIG, rate=800))
    with pytest.raises(ValueError, match="4 codebooks"):
        unpack(plain, replace(CONFIG, bandwidths=(0.8,)))
    with pytest.raises(ValueError, match="with a language model; so decode it"):
        unpack(small, CONFIG)
    with pytest.raises(ValueError, match="without a language model; so decode it"):
        unpack(plain, CONFIG, lm)
    with pytest.raises(ValueError, match="not the writer's"):
        unpack(small, CONFIG, code_model(seed=1))


def test_other_things_are_no_files():
    for content in (b"", b"RIFF", b"fLaC" + bytes(50)):
        with pytest.raises(ValueError, match="no encoded sound"):
            unpack(content, CONFIG)


def test_a_file_holds_one_sound():
    two = [Segment(torch.zeros(2, 4, 5, dtype=torch.int64), None)]
    for segments in (two, []):
        with pytest.raises(ValueError, match="one sound"):
            pack(segments, CONFIG, 30)


# --- the language model -----------------------------------------------------------------------------------------------


def test_steps_are_the_whole_also_beyond_the_context():
    lm = code_model()
    codes_BQF = torch.randint(16, (2, 3, 14), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole_BQFK, state, found = lm(codes_BQF), lm.start(2), []
        before_BQ = torch.zeros(2, 3, dtype=torch.int64)
        for frame in range(14):
            scores_BQK, state = lm.step(before_BQ, state)
            found.append(scores_BQK)
            before_BQ = 1 + codes_BQF[:, :, frame]
        torch.testing.assert_close(torch.stack(found, 2), whole_BQFK, rtol=1e-4, atol=1e-5)


def test_a_guess_knows_earlier_frames_alone():
    lm = code_model()
    one = torch.randint(16, (1, 4, 9), generator=torch.Generator().manual_seed(0))
    other = one.clone()
    other[:, :, 5:] = (other[:, :, 5:] + 1) % 16
    with torch.no_grad():
        a, b = lm(one), lm(other)
    assert torch.equal(a[:, :, :6], b[:, :, :6]) and not torch.equal(a[:, :, 6:], b[:, :, 6:])
