"""What lesson 15 may say in words about codec and Opus holds for the committed rows. Intervals are over clips."""

from itertools import pairwise

import pytest

from mmlearn.experiments.encodec_rates import (
    BITS,
    CODEC,
    CODEC_KBPS,
    DISTANCE,
    HEARD,
    LOW_PASS,
    MUSIC,
    OPUS,
    OPUS_KBPS,
    ORIGINAL,
    OVERALL,
    SPEECH,
    SYSTEMS,
    TOGETHER,
    UPPER,
    WORDS_WRONG,
    measured,
    more,
    written,
)

BOTH = pytest.mark.parametrize("kind", [SPEECH, MUSIC])
MARKS = pytest.mark.parametrize("mark", [OVERALL, TOGETHER])


def clear(interval) -> bool:
    """Whether there is more with the first one, beyond doubt."""
    return interval.low > 0


def unclear(interval) -> bool:
    return interval.low < 0 < interval.high


@BOTH
def test_clips_take_the_bits_that_are_named(kind):
    for system, kbps in SYSTEMS:
        assert measured(BITS, system, kbps, kind).mean == pytest.approx(kbps, rel=0.05)


@BOTH
def test_each_step_to_more_bits_brings_both_nearer(kind):
    for system, rates in ((CODEC, CODEC_KBPS), (OPUS, OPUS_KBPS)):
        for fewer, many in pairwise(rates):
            assert clear(more(DISTANCE, (system, fewer), (system, many), kind))


@BOTH
def test_the_codec_gains_ever_less(kind):
    gains = [more(DISTANCE, (CODEC, few), (CODEC, many), kind).mean for few, many in pairwise(CODEC_KBPS)]
    assert gains == sorted(gains, reverse=True) and gains[-1] < gains[0] / 3


@BOTH
def test_opus_is_nearer_at_8_kbps_whatever_the_codec_spends(kind):
    for kbps in CODEC_KBPS:
        assert clear(more(DISTANCE, (CODEC, kbps), (OPUS, 8), kind))


@BOTH
def test_the_band_of_opus_is_narrow_up_to_8_kbps(kind):
    for kbps in OPUS_KBPS:
        band = measured(UPPER, OPUS, kbps, kind)
        assert band.high < -10 if kbps < 9 else band.low > -5


def test_the_low_pass_alone_costs_the_recogniser_a_third_of_all_words():
    """So what Opus loses at 6 and 8 is the band, not the coding."""
    lost = more(WORDS_WRONG, (LOW_PASS,), (ORIGINAL,))
    assert lost.low > 0.2 and 0.3 < lost.mean < 0.4
    assert unclear(more(WORDS_WRONG, (OPUS, 8), (LOW_PASS,)))


@pytest.mark.parametrize("kbps", [9, 12, 16])
def test_opus_loses_no_clear_words_where_its_band_is_wide(kbps):
    worse = more(WORDS_WRONG, (OPUS, kbps), (ORIGINAL,))
    assert unclear(worse) and worse.mean < 0.03


@pytest.mark.parametrize("kbps", CODEC_KBPS)
def test_the_codec_loses_more_words_than_opus_at_8(kbps):
    assert clear(more(WORDS_WRONG, (CODEC, kbps), (OPUS, 8)))


def test_the_codec_loses_nearly_all_words_at_half_a_kilobit_and_fewer_at_4():
    assert measured(WORDS_WRONG, CODEC, 0.5).low > 0.9
    assert clear(more(WORDS_WRONG, (CODEC, 1), (CODEC, 4)))


@MARKS
def test_marks_of_the_codec_grow_from_1_to_4(mark):
    assert clear(more(mark, (CODEC, 4), (CODEC, 1)))


@MARKS
def test_opus_at_9_and_more_is_marked_higher_than_the_codec(mark):
    for kbps in CODEC_KBPS:
        for opus in (12, 16):
            assert clear(more(mark, (OPUS, opus), (CODEC, kbps)))


def test_the_two_marks_disagree_about_the_band():
    """P.808 marks the low-pass clearly lower than the original; P.835 does not."""
    assert clear(more(OVERALL, (ORIGINAL,), (LOW_PASS,)))
    assert not clear(more(TOGETHER, (ORIGINAL,), (LOW_PASS,)))
    assert clear(more(OVERALL, (OPUS, 9), (OPUS, 8))) and not clear(more(TOGETHER, (OPUS, 9), (OPUS, 8)))


def test_at_8_kbps_one_mark_sees_no_clear_difference_and_the_other_prefers_opus():
    assert unclear(more(OVERALL, (CODEC, 8), (OPUS, 8)))
    assert clear(more(TOGETHER, (OPUS, 8), (CODEC, 8)))


def test_with_speech_4_kbps_of_the_codec_are_nearer_than_6_of_opus_and_with_music_farther():
    assert clear(more(DISTANCE, (OPUS, 6), (CODEC, 4)))
    assert clear(more(DISTANCE, (CODEC, 4), (OPUS, 6), MUSIC))
    assert all(unclear(more(mark, (CODEC, 4), (OPUS, 6))) for mark in (OVERALL, TOGETHER))


def test_the_codec_is_farther_away_than_the_low_pass():
    assert clear(more(DISTANCE, (CODEC, 8), (LOW_PASS,))) and clear(more(DISTANCE, (CODEC, 8), (LOW_PASS,), MUSIC))


def test_from_4_to_8_kbps_the_codec_gains_no_clear_words():
    assert unclear(more(WORDS_WRONG, (CODEC, 8), (CODEC, 4)))
    assert more(DISTANCE, (CODEC, 4), (CODEC, 8)).high < 0.1


def test_what_was_written_down_shows_that_a_word_can_be_lost_with_many_bits_and_kept_with_few():
    asked, kept = HEARD[0], HEARD[2]
    assert written(asked, ORIGINAL) == written(asked, OPUS, 6) == "please try again"
    assert "again" not in written(asked, CODEC, 8)
    assert written(kept, ORIGINAL) == written(kept, CODEC, 2) == "message from extension"
    assert "message" not in written(kept, OPUS, 6)
