"""Lesson 15's experiments: what is coded was in no training, what is measured, and files that are read exactly."""

import pytest
import torch

from mmlearn import data
from mmlearn.data import sound
from mmlearn.eval.intervals import mean_interval, shares
from mmlearn.eval.recogniser import words
from mmlearn.experiments import encodec_entropy as entropy
from mmlearn.experiments import encodec_rates as rates
from mmlearn.models.spectral_codec import SpectralCodec, SpectralCodecConfig

# --- rates ------------------------------------------------------------------------------------------------------------


def test_no_training_had_what_is_coded():
    """Not the clips nor the sentences; the voice it had."""
    table = data.load("speech", language=None, split="train")
    known = {" ".join(words(text)) for text in table["transcript"]}
    assert known.isdisjoint(" ".join(words(clip.transcript)) for clip in rates.clips())
    assert set(table["prompt"]).isdisjoint(clip.name for clip in rates.clips())
    speaker = set(data.load("speech", split="lossless")["speaker"])
    assert len(speaker) == 1 and speaker <= set(table["speaker"])
    artists = [set(data.load("music", split=split)["artist"]) for split in ("train", "lossless")]
    assert artists[0].isdisjoint(artists[1])


def test_there_are_sentences_and_pieces_of_music():
    names = [clip.name for kind in (rates.SPEECH, rates.MUSIC) for clip in rates.clips(kind)]
    assert len(set(names)) == len(names) == len(rates.clips()) + len(rates.clips(rates.MUSIC)) == 33 + 12
    assert all(len(words(clip.transcript)) >= rates.FEWEST for clip in rates.clips())
    assert {rates.seconds(clip) for clip in rates.clips(rates.MUSIC)} == {rates.PIECE}


@pytest.mark.parametrize("kbps", rates.OPUS_KBPS)
def test_opus_keeps_its_rate_and_leaves_out_the_upper_band_below_9_kbps(kbps):
    clips = [*rates.clips()[:5], *rates.clips(rates.MUSIC)[:2]]
    bits = sum(rates.through_opus(clip.waveform_T, kbps).bits for clip in clips)
    assert bits / 1000 / sum(map(rates.seconds, clips)) == pytest.approx(kbps, rel=0.05)
    for clip in clips:
        assert set(sound.opus_bands(sound.encode(clip.waveform_T, format="opus", kbps=kbps))) == {
            4_000 if kbps < 9 else 8_000
        }


@pytest.mark.parametrize(("kbps", "codebooks"), [(0.5, 1), (8, 16)])
def test_the_codec_takes_its_bits(kbps, codebooks):
    torch.manual_seed(0)
    config = SpectralCodecConfig.preset("toy-zoo", width=8, dim=4)
    made_T, bits = rates.through_codec(torch.randn(16_000), kbps, SpectralCodec(config).eval())
    frames = -(-(16_000 + config.window - config.hop) // config.frame)
    assert made_T.shape == (16_000,) and bits == 10 * codebooks * frames


@pytest.mark.parametrize("system", [(rates.ORIGINAL, 0), (rates.LOW_PASS, 0), (rates.OPUS, 16)])
def test_the_upper_band_is_all_there_or_gone(system):
    clip = rates.clips(rates.MUSIC)[0]
    made_T = rates.way(*system)(clip.waveform_T).waveform_T
    measured = rates.judged(clip, made_T)
    assert made_T.shape == clip.waveform_T.shape and set(measured) == {rates.DISTANCE, rates.UPPER}
    gone = system[0] == rates.LOW_PASS
    assert measured[rates.UPPER] == rates.LOWEST_DB if gone else abs(measured[rates.UPPER]) < 2
    assert (measured[rates.DISTANCE] == 0) == (system[0] == rates.ORIGINAL)


def test_a_share_of_all_is_the_mean_of_its_values():
    errors, counts = [1, 0, 4, 2], [3, 5, 18, 6]
    assert mean_interval(shares(errors, counts)).mean == pytest.approx(7 / 32)
    assert shares([1, 2], [2, 4]) == [0.5, 0.5], "nothing lies off it"
    assert shares([1, 0, 1], [1, 1, 1]) == [1, 0, 1], "all wholes alike: shares as they are"
    with pytest.raises(ValueError, match="add up to 0"):
        shares([1, 0], [0, 0])


# --- entropy ----------------------------------------------------------------------------------------------------------


def speech_like(books: int = 2, frames: int = 300, seed: int = 0) -> torch.Tensor:
    """Codes, of which half repeat the frame before."""
    generator = torch.Generator().manual_seed(seed)
    codes_QF = torch.randint(entropy.ENTRIES, (books, frames), generator=generator)
    for frame in range(1, frames, 2):
        codes_QF[:, frame] = codes_QF[:, frame - 1]
    return codes_QF


def coders():
    codes_QN = speech_like()
    return {
        entropy.PACKED: None,
        entropy.ORDER_0: entropy.frequencies(codes_QN),
        entropy.MODEL: entropy.train_lm(codes_QN, steps=2),
    }


@pytest.mark.parametrize("name", [entropy.PACKED, entropy.ORDER_0, entropy.MODEL])
def test_a_file_is_read_exactly_whatever_the_threads(name):
    coder, codes_QF = coders()[name], speech_like(frames=40, seed=1)
    content, before = entropy.write(codes_QF, coder), torch.get_num_threads()
    try:
        torch.set_num_threads(2 if before == 1 else 1)
        assert torch.equal(entropy.read(content, coder), codes_QF)
        assert entropy.write(codes_QF, coder) == content
    finally:
        torch.set_num_threads(before)
    assert torch.equal(entropy.read(entropy.write(codes_QF[:, :0], coder), coder), codes_QF[:, :0])
    if name == entropy.PACKED:
        assert len(content) - entropy.HEADER.size - 40 * 2 * entropy.BITS // 8 in (0, 1)


@pytest.mark.parametrize("name", [entropy.PACKED, entropy.ORDER_0, entropy.MODEL])
def test_a_changed_file_is_noticed(name):
    coder, codes_QF = coders()[name], speech_like(frames=20, seed=1)
    content = bytearray(entropy.write(codes_QF, coder))
    content[entropy.HEADER.size + 5] ^= 4
    with pytest.raises(ValueError, match=r"changed"):
        entropy.read(bytes(content), coder)


def test_another_model_is_noticed():
    codes_QF = speech_like(frames=20)
    one, other = (entropy.train_lm(codes_QF.repeat(1, 6), steps=1, seed=seed) for seed in (0, 1))
    with pytest.raises(ValueError, match=r"another coder|not the writer's"):
        entropy.read(entropy.write(codes_QF, one), other)


def test_a_sound_of_half_an_hour_is_refused():
    with pytest.raises(ValueError, match="65,535 frames"):
        entropy.write(torch.zeros(1, 65_536, dtype=torch.int64), None)


def test_frequencies_leave_nothing_impossible():
    found_QK = entropy.frequencies(speech_like())
    assert found_QK.sum(dim=1) == pytest.approx(1) and (found_QK > 0).all()
    assert found_QK.shape == (2, entropy.ENTRIES)


def test_an_untrained_model_guesses_about_as_order_0():
    """Its frequencies are where it starts from; what its random weights add to them is little against them."""
    codes_QN = torch.randint(8, (2, 2_000), generator=torch.Generator().manual_seed(0))
    lm = entropy.train_lm(codes_QN, steps=1)
    with torch.no_grad():
        assert lm.loss(codes_QN[None, :, :100]).item() < 4, "log 1024 is 6.9, log 8 is 2.1"


def test_the_same_seed_gives_the_same_model_and_leaves_chance_alone():
    codes_QN, before = speech_like(), torch.get_rng_state()
    one, other = (entropy.train_lm(codes_QN, steps=2) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert torch.equal(before, torch.get_rng_state())


def test_crops_are_of_the_codes_in_their_order_or_shuffled():
    codes_QN = torch.arange(500).expand(2, -1)
    kept, mixed = (next(entropy.crops(codes_QN, 0, order)) for order in (entropy.KEPT, entropy.SHUFFLED))
    assert kept.shape == mixed.shape == (entropy.BATCH, 2, entropy.CROP)
    assert (kept.diff(dim=-1) == 1).all() and not torch.equal(kept, mixed)
    assert torch.equal(mixed[0].sort(dim=-1).values, kept[0]) and torch.equal(mixed[:, 0], mixed[:, 1])
