"""Listening tests: what a trial holds, its order, the anchor's filter, and what ratings come to."""

import math

import pytest
import torch

from mmlearn.eval.intervals import Interval
from mmlearn.eval.listening import (
    HIDDEN_REFERENCE,
    LOW_ANCHOR,
    Rating,
    hidden_reference_missed,
    label,
    low_anchor,
    order,
    screened_out,
    stimuli,
    summary,
)

RATE = 16_000


def tone(hertz: float, rate: int = RATE) -> torch.Tensor:
    return 0.5 * torch.sin(2 * math.pi * hertz * torch.arange(rate) / rate)


def decibels(hertz: float, rate: int) -> float:
    """How much the anchor weakens a tone, measured away from its ends, where it is cut off."""
    inside = slice(rate // 4, -rate // 4)
    kept = low_anchor(tone(hertz, rate), rate)[inside].square().mean() / tone(hertz, rate)[inside].square().mean()
    return 10 * math.log10(float(kept))


@pytest.mark.parametrize("rate", [16_000, 24_000, 48_000])
def test_the_anchors_filter_is_that_of_the_standard(rate):
    assert all(abs(decibels(hertz, rate)) <= 0.1 for hertz in (50, 440, 1_000, 2_000, 3_000, 3_400, 3_500))
    assert decibels(4_000, rate) <= -25
    assert all(decibels(hertz, rate) <= -50 for hertz in (4_100, 4_500, 5_000, 6_000, 7_900))


def test_the_anchor_keeps_length_place_and_type_and_what_is_below_3500_hertz():
    noise_T = torch.randn(2 * RATE + 1, generator=torch.Generator().manual_seed(0))
    kept_T = low_anchor(noise_T, RATE)
    assert kept_T.shape == noise_T.shape and kept_T.dtype == torch.float32
    hertz_K = torch.fft.rfftfreq(len(noise_T), 1 / RATE)
    before_K, after_K = (torch.fft.rfft(sound).abs().square() for sound in (noise_T, kept_T))
    assert after_K[hertz_K > 4_000].sum() < 1e-4 * before_K[hertz_K > 4_000].sum()
    difference_K = torch.fft.rfft(noise_T - kept_T).abs().square()  # a delayed copy would differ
    assert difference_K[hertz_K < 3_500].sum() < 1e-2 * before_K[hertz_K < 3_500].sum()


def test_the_anchor_of_a_sound_shorter_than_its_filter_is_as_short():
    assert low_anchor(torch.ones(5), RATE).shape == (5,)


def test_a_rate_that_holds_no_4_kilohertz_has_no_anchor():
    with pytest.raises(ValueError, match="more than 8,000 samples a second, got 8,000"):
        low_anchor(torch.ones(10), 8_000)


def test_a_trial_holds_reference_and_anchor_once_beside_the_systems():
    sounds = stimuli(tone(440), {"a": tone(441), "b": tone(442).requires_grad_()}, RATE)
    assert not sounds["b"].requires_grad
    assert sorted(sounds) == ["a", "b", HIDDEN_REFERENCE, LOW_ANCHOR]
    assert torch.equal(sounds[HIDDEN_REFERENCE], tone(440)) and torch.equal(sounds["a"], tone(441))
    assert torch.equal(sounds[LOW_ANCHOR], low_anchor(tone(440), RATE))


@pytest.mark.parametrize(
    ("systems", "said"),
    [
        ({}, "1 to 10 systems; got 0"),
        ({str(number): tone(440) for number in range(11)}, "1 to 10 systems; got 11"),
        ({LOW_ANCHOR: tone(440)}, "'low anchor' is added to every trial"),
        ({"a": tone(440)[1:]}, r"equally long; got \[15999\] and \[16000\]"),
        ({"a": tone(440)[None]}, r"must both be \[T\]"),
    ],
)
def test_a_trial_that_is_none_is_refused(systems, said):
    with pytest.raises(ValueError, match=said):
        stimuli(tone(440), systems, RATE)


def test_the_order_is_a_permutation_that_the_seed_alone_decides():
    names = ["a", "b", "c", HIDDEN_REFERENCE, LOW_ANCHOR]
    assert sorted(order(names, "1")) == sorted(names)
    assert order(names, "1") == order(names[::-1], "1") == ["b", "c", "a", LOW_ANCHOR, HIDDEN_REFERENCE]
    firsts = [order(names, str(seed))[0] for seed in range(1_000)]
    assert all(150 < firsts.count(name) < 250 for name in names), "each comes first about equally often"


def test_scores_have_the_standards_labels():
    assert [label(score) for score in (0, 19, 20, 39, 40, 60, 79, 80, 100)] == [
        *("bad", "bad", "poor", "poor", "fair", "good", "good", "excellent", "excellent")
    ]


def test_the_summary_is_mean_and_students_interval_over_trials_the_best_first():
    scores = {"a": (40, 50, 60), HIDDEN_REFERENCE: (100, 97, 99)}
    found = summary([Rating(n, system, score) for system, values in scores.items() for n, score in enumerate(values)])
    assert list(found) == [HIDDEN_REFERENCE, "a"]
    assert found["a"].trials == 3
    half = 4.302653 * 10 / math.sqrt(3)  # Student's t of two degrees of freedom; the deviation is 10
    assert found["a"].interval == pytest.approx((50, 50 - half, 50 + half), abs=1e-4)
    half = 4.302653 * math.sqrt(7 / 3) / math.sqrt(3)
    assert found[HIDDEN_REFERENCE].interval == pytest.approx((296 / 3, 296 / 3 - half, 100), abs=1e-4), "cut to 100"


def test_one_trial_says_nothing_about_others_and_none_gives_nothing():
    assert summary([Rating(0, "a", 30)])["a"].interval == Interval(30, 0, 100)
    assert summary([]) == {} and hidden_reference_missed([]) == [] and not screened_out([])


@pytest.mark.parametrize(
    ("scores", "missed", "out"),
    [
        ((100, 90, 95, 92), 0, False),
        ((89, 100, 100, 100), 1, True),
        ((0, *[100] * 6), 1, False),  # one of seven is less than 15 %
        ((0, 0, *[100] * 11), 2, True),
        ((0, 0, 0, *[100] * 17), 3, False),  # 15 % is not more than 15 %
    ],
)
def test_who_rates_the_hidden_reference_below_90_too_often_is_left_out(scores, missed, out):
    ratings = [Rating(number, HIDDEN_REFERENCE, score) for number, score in enumerate(scores)]
    ratings += [Rating(number, "a", 10) for number in range(len(scores))]
    assert len(hidden_reference_missed(ratings)) == missed and screened_out(ratings) is out
