"""What lesson 15 may say in words about the parts of its training holds for the committed rows.

Intervals are over five seeds, and differences are paired. They do not cover the choice of the held-out sounds.
"""

import pytest

from mmlearn.eval.intervals import Interval, mean_interval, paired_interval
from mmlearn.experiments.encodec_parts import BASELINES, PARTS, RATES, more, seeds

BOOKS = range(1, 9)


def mean(variant: str, measure: str = "distance", codebooks: int = 8) -> float:
    return mean_interval(seeds(variant, measure, codebooks)).mean


def fewer(variant: str, one: int, other: int) -> Interval:
    """How much a variant's distance falls from one number of codebooks to another."""
    return paired_interval(seeds(variant, codebooks=one), seeds(variant, codebooks=other))


# --- the whole --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 4), (4, 8)])
def test_each_doubling_of_the_rate_brings_the_sound_nearer_and_less_so_each_time(one, other):
    assert fewer("whole", one, other).low > 0
    assert fewer("whole", 1, 2).low > fewer("whole", 2, 4).high > fewer("whole", 4, 8).high


@pytest.mark.parametrize("baseline", BASELINES)
def test_every_variant_is_nearer_than_a_codec_that_was_not_trained_and_than_silence(baseline):
    for variant in PARTS:
        assert more(baseline, than=variant).low > 1


# --- k-means and restart ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codebooks", RATES)
def test_without_k_means_the_distance_is_larger_by_more_than_a_decibel_at_every_rate(codebooks):
    assert more("no k-means", codebooks=codebooks).low > 1


def test_without_k_means_hardly_an_entry_is_used_and_more_codebooks_bring_little():
    for book in BOOKS:
        assert mean_interval(seeds("no k-means", "used", book)).high < 0.03
        assert mean_interval(seeds("whole", "used", book)).low > 0.75
    assert mean("no k-means", "bits", 1) < 1.2, "about two entries"
    assert paired_interval(seeds("no k-means"), seeds("whole", codebooks=1)).low > 0.5, "8 are worse than 1 was"


def test_without_restart_the_later_a_codebook_the_fewer_of_its_entries_are_used():
    assert abs(more("no restart", "used", 1).mean) < 0.02, "the first as in whole"
    for book in range(2, 8):
        gone = paired_interval(seeds("no restart", "used", book - 1), seeds("no restart", "used", book))
        assert gone.low > 0.01
    assert mean_interval(seeds("no restart", "used", 8)).high < 0.06
    assert more("no restart", "bits", 8).high < -3.5


def test_yet_restart_gains_less_than_a_tenth_of_a_decibel_or_so_with_8_codebooks():
    lost = more("no restart")
    assert lost.low > 0.05 and lost.high < 0.12
    assert more("no restart", codebooks=1).high < 0, "and with 1 codebook it costs a little"
    assert more("no restart", codebooks=1).low > -0.1


# --- quantiser dropout ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codebooks", RATES)
def test_without_dropout_no_rate_is_worse_and_8_codebooks_are_a_little_better(codebooks):
    assert more("always 8", codebooks=codebooks).high < 0.05
    assert more("always 8").low > -0.1 and more("always 8").high < 0


def test_without_dropout_more_entries_of_the_last_codebooks_are_used_and_fewer_of_the_first():
    assert more("always 8", "used", 8).low > 0.1
    assert more("always 8", "used", 1).high < -0.04


def test_a_codec_for_the_lowest_rate_alone_is_a_little_better_there():
    gained = more("always 1", codebooks=1)
    assert gained.high < 0 and gained.low > -0.3
    assert more("always 1", "bits", 1).high < -0.8, "though its codes say a bit less"


def test_where_codebooks_forget_quickly_restart_does_most_of_what_k_means_does():
    quick, dead = "quick, no k-means", "quick, no k-means, no restart"
    assert mean_interval(seeds(quick, "used", 1)).low > 0.7
    assert mean_interval(seeds(dead, "used", 1)).high < 0.01
    gained = paired_interval(seeds(dead), seeds(quick))
    assert gained.low > 0.5
    missing = paired_interval(seeds(dead), seeds("whole"))
    assert gained.mean > missing.mean / 2, "the most of what k-means would bring, whose codebooks forget slowly"


# --- the balancer -----------------------------------------------------------------------------------------------------


def test_without_the_balancer_the_time_loss_is_next_to_nothing_of_the_gradient():
    assert mean("whole", "time share", 0) == pytest.approx(1 / 11, abs=1e-3)
    assert mean_interval(seeds("balancer off", "time share", 0)).high < 1e-3
    times = mean_interval(seeds("balancer off, time x 100", "time share", 0))
    assert times.low > 0.02 and times.high < 0.05, "times 100 it is still less than with the balancer"


@pytest.mark.parametrize("codebooks", RATES)
def test_with_the_balancer_the_scale_of_a_loss_does_not_matter(codebooks):
    """In exact arithmetic nothing changes at all; what is left is rounding that training carries on."""
    for measure, most in (("distance", 0.05), ("samples", 1e-3)):
        changed = more("balancer on, time x 100", measure, codebooks)
        assert abs(changed.low) < most and abs(changed.high) < most


def test_without_the_balancer_samples_are_no_nearer_than_silence():
    assert more("balancer off", "samples", than="silence").low > 0
    assert more("whole", "samples", than="silence").high < -0.03


def test_without_the_balancer_more_codebooks_bring_less():
    assert abs(more("balancer off", codebooks=1).mean) < 0.1, "with one codebook it makes no clear difference"
    assert more("balancer off", codebooks=1).low < 0 < more("balancer off", codebooks=1).high
    assert more("balancer off", codebooks=2).low > 0.2 and more("balancer off", codebooks=8).low > 0.5
    assert fewer("balancer off", 1, 8).high < fewer("whole", 1, 8).low / 2


def test_without_the_balancer_the_scale_of_a_loss_matters_and_100_times_is_the_better_one():
    gained = more("balancer off, time x 100", than="balancer off")
    assert gained.high < -0.3
    assert more("balancer off, time x 100").low > 0.1, "but not as good as with the balancer"
    assert more("balancer off, time x 100", "samples", 8, than="balancer off").high < -0.02


@pytest.mark.parametrize("variant", ["balancer off", "balancer off, time x 100"])
def test_without_the_balancer_fewer_entries_of_the_first_codebook_are_used(variant):
    assert more(variant, "used", 1).high < -0.15
