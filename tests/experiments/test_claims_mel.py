"""What lesson 14 may say in words about its experiments holds for the committed rows. One test a sentence or two."""

from itertools import pairwise

import pytest

from mmlearn.eval.intervals import mean_interval, paired_interval
from mmlearn.experiments import mel_inversion
from mmlearn.experiments.mel import BINS, BOTH, HELD_OUT, LIU, LO, LO_SEEN, REAL, TONE, VOICES, WORD, seeds
from mmlearn.experiments.mel_inversion import MEL, ORIGINAL, SPECTRUM, by_clip, lost


def mean(*which, **options) -> float:
    return mean_interval(seeds(*which, **options)).mean


def loss(task: str, where: str, bins: int, than: int = 80):
    """How much worse so many bins are than 80, with its interval over seeds."""
    return paired_interval(seeds(task, where, bins=than), seeds(task, where, bins=bins))


# --- classes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", (128, 40, 16, 8, 4))
def test_words_of_unseen_voices_lose_nothing_down_to_4_bins(bins):
    assert loss(WORD, VOICES, bins).low < 0 and loss(WORD, VOICES, bins).mean < 0.01


def test_loudness_alone_tells_most_synthetic_words_but_fewer_than_4_bins_do():
    assert loss(WORD, VOICES, 1, than=4).low > 0.1
    assert mean_interval(seeds(WORD, VOICES, bins=1)).low > 0.7


def test_a_real_speaker_is_understood_far_less_whatever_the_input_yet_above_the_majority():
    majority = mean(WORD, REAL, input="majority")
    for options in ({"input": "waveform"}, *({"bins": bins} for bins in BINS)):
        assert majority < mean_interval(seeds(WORD, REAL, **options)).low
        assert mean(WORD, REAL, **options) < 0.3 < mean(WORD, VOICES, **options)


@pytest.mark.parametrize("bins", (16, 8, 4, 1))
def test_tones_lose_from_16_bins_on(bins):
    assert loss(TONE, LIU, bins).low > 0.02


@pytest.mark.parametrize("bins", (128, 40))
def test_tones_lose_nothing_from_128_to_40_bins(bins):
    assert abs(loss(TONE, LIU, bins).mean) < 0.01


def test_loudness_alone_tells_most_tones_of_the_speaker_whose_tones_differ_in_length():
    length, majority = (mean(TONE, LIU, input=input) for input in ("length", "majority"))
    assert mean_interval(seeds(TONE, LIU, bins=1)).low > length + 0.2 and length > majority + 0.1


@pytest.mark.parametrize("where", (LO, LO_SEEN))
@pytest.mark.parametrize("options", ({"input": "waveform"}, *({"bins": bins} for bins in BINS)))
def test_no_input_helps_with_an_unseen_speaker(where, options):
    assert mean(TONE, where, **options) < mean(TONE, where, input="majority") + 0.03


def test_trained_on_both_speakers_her_tones_are_told_from_80_bins():
    assert mean_interval(seeds(BOTH, LO)).low > 0.95
    assert abs(paired_interval(seeds(BOTH, LIU), seeds(TONE, LIU)).mean) < 0.02, "and his as well as before"


def test_her_tones_need_the_pitch_that_8_bins_do_not_show():
    assert loss(BOTH, LO, 8).low > 0.35
    gain = paired_interval(seeds(BOTH, LO, bins=8), seeds(BOTH, LO, bins=1))
    assert gain.mean < 0.1, "little more than from loudness"
    assert mean(BOTH, LO, input="length") < mean(BOTH, LO, input="majority") + 0.03, "her lengths tell nothing"
    assert loss(BOTH, LO, 8).mean > 3 * loss(BOTH, LIU, 8).mean, "he loses far less"


def test_the_waveform_is_worse_for_words_and_as_good_for_tones():
    assert paired_interval(seeds(WORD, VOICES), seeds(WORD, VOICES, input="waveform")).low > 0.1
    assert paired_interval(seeds(WORD, REAL), seeds(WORD, REAL, input="waveform")).low > 0
    for task, where in ((TONE, LIU), (BOTH, LIU), (BOTH, LO)):
        assert abs(paired_interval(seeds(task, where), seeds(task, where, input="waveform")).mean) < 0.01


def test_the_control_stays_near_the_majority():
    for task in (WORD, TONE):
        for where in HELD_OUT[task]:
            control = mean(task, where, labels="shuffled")
            assert control < mean(task, where, input="majority") + 0.03


# --- inversion: intervals are over sentences --------------------------------------------------------------------------


def more(measure: str, one: tuple, other: tuple):
    """How much more there is of a measure in one kind of sound than in another, sentence by sentence."""
    return paired_interval(by_clip(measure, *one), by_clip(measure, *other))


@pytest.mark.parametrize("kind", [(SPECTRUM,), (MEL, 128), (MEL, 80), (MEL, 40), (MEL, 16)])
def test_down_to_16_bins_the_recogniser_hears_no_clearly_fewer_words_than_in_the_original(kind):
    worse = more("words wrong", kind, (ORIGINAL,))
    assert worse.low < 0 < worse.high and worse.mean < 0.03


def test_8_bins_lose_most_words():
    assert more("words wrong", (MEL, 8), (MEL, 16)).low > 0.2
    assert lost("words wrong", MEL, 8).mean > 0.5


@pytest.mark.parametrize("bins", (128, 80))
def test_128_and_80_bins_keep_the_pitch_as_well_as_the_whole_spectrum(bins):
    assert abs(more("pitch kept", (SPECTRUM,), (MEL, bins)).mean) < 0.01 and lost("pitch kept", MEL, bins).low > 0.95


def test_40_bins_keep_most_of_the_pitch_and_16_nearly_nothing():
    assert more("pitch kept", (SPECTRUM,), (MEL, 40)).low > 0.05 and lost("pitch kept", MEL, 40).low > 0.8
    assert lost("pitch kept", MEL, 16).high < 0.05, "where words are still heard"


def test_each_step_to_fewer_bins_takes_the_spectrum_further_away():
    kinds = [(SPECTRUM,), *((MEL, bins) for bins in mel_inversion.BINS)]
    for more_bins, fewer in pairwise(kinds):
        assert more("distance", fewer, more_bins).low > 0


@pytest.mark.parametrize("kind", [(SPECTRUM, 0), (MEL, 80)])
def test_without_rounds_the_pitch_goes_and_the_words_stay(kind):
    assert more("pitch kept", kind, (*kind, 0)).low > 0.6
    assert more("distance", (*kind, 0), kind).low > 1
    fewer = more("words wrong", (*kind, 0), kind)
    assert fewer.low < 0 < fewer.high and fewer.mean < 0.05
