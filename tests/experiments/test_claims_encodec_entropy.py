"""What lesson 15 may say in words about entropy coding holds for the committed rows."""

import pytest

from mmlearn.eval.intervals import paired_interval
from mmlearn.experiments.encodec_entropy import MODEL, ORDER_0, SHUFFLED, saved, saved_by_clip, saved_by_seed
from mmlearn.experiments.encodec_rates import MUSIC

BOOKS = pytest.mark.parametrize("codebooks", [4, 8])


@BOOKS
def test_frequencies_alone_save_about_a_twentieth_of_speech_or_less(codebooks):
    assert saved(ORDER_0, codebooks).low > 2 and saved(ORDER_0, codebooks).high < 6


@BOOKS
def test_the_model_saves_more_than_frequencies(codebooks):
    more = paired_interval(saved_by_clip(MODEL, codebooks), saved_by_clip(ORDER_0, codebooks))
    assert more.low > 0
    assert min(saved_by_seed(MODEL, codebooks)) > saved(ORDER_0, codebooks).mean, "with each seed"


@pytest.mark.parametrize("coder", [ORDER_0, MODEL])
def test_of_8_codebooks_a_smaller_share_is_saved_than_of_4(coder):
    assert paired_interval(saved_by_clip(coder, 4), saved_by_clip(coder, 8)).low > 0


def test_it_saves_less_than_the_paper():
    assert saved(MODEL, 4).high < 15 and saved(MODEL, 4, over="seeds").high < 15


def test_what_the_model_adds_is_context():
    """Shuffled, it saves no more than frequencies do."""
    control = paired_interval(saved_by_clip(MODEL, 4, order=SHUFFLED), saved_by_clip(ORDER_0, 4))
    assert control.high < 1
    assert paired_interval(saved_by_clip(MODEL, 4), saved_by_clip(MODEL, 4, order=SHUFFLED)).low > 2


@BOOKS
@pytest.mark.parametrize("coder", [ORDER_0, MODEL])
def test_music_costs_bytes_with_what_was_learned_from_speech(coder, codebooks):
    assert saved(coder, codebooks, MUSIC).high < -10
