"""What lesson 03 says in words about its experiment holds for the committed rows. One test a sentence or two."""

import pytest

from mmlearn.eval.intervals import mean_interval, paired_interval
from mmlearn.experiments import imagebind as study

WAYS = ("text to audio", "audio to text")


def minus(first: tuple[str, dict], second: tuple[str, dict], measure="text to audio", where=study.VOICES):
    """R@5 of one kind of run minus that of another, seed by seed."""
    return paired_interval(*(study.seeds(name, measure, where, 5, **changed) for name, changed in (first, second)))


def mean(name: str, measure="text to audio", where=study.VOICES, level: float | str = 5, **changed) -> float:
    return mean_interval(study.seeds(name, measure, where, level, **changed)).mean


def chance(measure: str, where: str) -> float:
    return study.seeds("chance", measure, where, 5)[0]


BOUND, DIRECT, JOINT = ("bound", {}), ("direct", {}), ("joint", {})
SHUFFLED = ("bound", {"labels": "shuffled"})


@pytest.mark.parametrize("where", study.HELD_OUT)
@pytest.mark.parametrize("measure", WAYS)
def test_texts_and_sounds_find_each_other_above_chance_and_above_the_control(measure, where):
    assert minus(BOUND, SHUFFLED, measure, where).low > 0
    assert mean_interval(study.seeds("bound", measure, where, 5)).low > 1.5 * chance(measure, where)


@pytest.mark.parametrize("measure", WAYS)
def test_in_unseen_voices_they_do_so_far_above_chance(measure):
    assert mean_interval(study.seeds("bound", measure, level=5)).low > 10 * chance(measure, study.VOICES)


@pytest.mark.parametrize("where", study.HELD_OUT)
def test_the_control_stays_near_chance(where):
    for measure in WAYS:
        assert mean("bound", measure, where, labels="shuffled") < chance(measure, where) + 0.03


@pytest.mark.parametrize("measure", WAYS)
def test_in_unseen_voices_direct_training_reaches_more_than_twice_as_much(measure):
    assert minus(DIRECT, BOUND, measure).low > 0
    assert mean("direct", measure) > 2 * mean("bound", measure)


def test_in_unseen_voices_text_to_audio_is_better_than_image_to_audio():
    pair = (study.seeds("bound", measure, level=5) for measure in ("text to audio", "image to audio"))
    assert paired_interval(*pair).low > 0


@pytest.mark.parametrize("where", [study.CONCEPTS, study.BOTH])
def test_on_unseen_concepts_the_link_of_toy_clip_is_better_and_the_link_of_sounds_about_as_low(where):
    ours, link = (study.seeds("bound", name, where, 5) for name in ("text to audio", "text to image"))
    assert len(set(link)) == 1, "the trunks are frozen"
    assert mean_interval(ours).high < 0.6 * link[0]
    sounds = study.seeds("bound", "image to audio", where, 5)
    assert abs(paired_interval(ours, sounds).mean) < 0.03


def test_texts_find_pictures_far_more_often_than_sounds_and_five_seeds_show_no_difference_of_the_gaps():
    gaps = {pair: study.seeds("bound", "gap", level=pair) for pair in ("image-text", "text-audio")}
    difference = paired_interval(gaps["text-audio"], gaps["image-text"])
    assert difference.low < 0 < difference.high
    assert mean("bound", "text to image") > 3 * mean("bound", "text to audio")


def test_subtracting_means_closes_nearly_all_of_it():
    for pair in ("image-audio", "text-audio"):
        assert mean("bound", "gap, centred", level=pair) < 0.2 * mean("bound", "gap", level=pair)


@pytest.mark.parametrize("measure", ["text to audio", "image to audio"])
def test_after_closing_it_who_finds_whom_hardly_changes(measure):
    for where in study.HELD_OUT:
        assert abs(mean("bound", f"{measure}, centred", where) - mean("bound", measure, where)) < 0.02


@pytest.mark.parametrize("where", study.HELD_OUT)
def test_a_mixed_gallery_gives_more_sounds_after_than_before_and_far_less_than_half(where):
    before, after = (mean("bound", f"sounds among the nearest{how}", where, study.NEAREST) for how in ("", ", centred"))
    assert before < after < 0.15


def test_adding_up_finds_both_more_often_than_the_picture_alone_but_seldom():
    both, alone = (study.seeds("bound", f"added up{how}", level="both") for how in ("", ", image alone"))
    assert paired_interval(both, alone).low > 0 and mean_interval(both).high < 0.05


def test_the_picture_wins_nearly_every_time_and_the_sound_is_found_far_more_often_alone():
    assert mean("bound", "added up", level="image") > 10 * mean("bound", "added up", level="sound")
    assert mean("bound", "added up, sound alone", level="sound") > 5 * mean("bound", "added up", level="sound")


def few(concepts: int) -> tuple[str, dict]:
    return "bound", {"concepts": concepts}


def test_with_the_fewest_concepts_the_share_that_was_trained_is_found():
    trained = min(study.FEW_CONCEPTS) / 1156  # of the names of training
    assert abs(mean("bound", concepts=min(study.FEW_CONCEPTS)) - trained) < 0.02


def test_in_unseen_voices_all_concepts_are_worse_than_fewer_at_the_same_steps():
    assert minus(few(max(study.FEW_CONCEPTS)), BOUND).low > 0


def test_on_unseen_concepts_more_concepts_help():
    assert minus(BOUND, few(min(study.FEW_CONCEPTS)), where=study.CONCEPTS).low > 0
    means = [mean("bound", where=study.CONCEPTS, concepts=c) for c in (*study.FEW_CONCEPTS, study.ALL)]
    assert means == sorted(means)


@pytest.mark.parametrize("where", [study.VOICES, study.CONCEPTS])
def test_frozen_is_better_than_joint(where):
    assert minus(BOUND, JOINT, where=where).low > 0


def test_where_both_are_unseen_five_seeds_show_no_difference_of_frozen_and_joint():
    difference = minus(BOUND, JOINT, where=study.BOTH)
    assert difference.low < 0 < difference.high


def test_five_seeds_cannot_show_that_four_voices_are_better_than_one_in_unseen_voices():
    one = ("bound", {"voices": 1})
    difference = minus(BOUND, one)
    assert difference.low < 0 < difference.high and difference.mean > 0
    single, all_four = (mean_interval(study.seeds(name, "text to audio", level=5, **c)) for name, c in (one, BOUND))
    assert single.high - single.low > 3 * (all_four.high - all_four.low), "which voice it is matters"


@pytest.mark.parametrize("what", ["image", "text"])
@pytest.mark.parametrize("kind", study.KINDS.values())
def test_of_real_sounds_french_and_images_alone_are_a_little_above_their_control(kind, what):
    trained, shuffled = (
        study.seeds("real", f"{kind} to {what}", study.REAL, 5, labels=labels) for labels in ("true", "shuffled")
    )
    difference = paired_interval(trained, shuffled)
    if (kind, what) == ("French", "image"):
        assert difference.low > 0 and difference.mean < 0.06
    else:
        assert difference.low < 0 < difference.high


def test_as_many_pairs_of_spoken_names_are_clearly_above_chance():
    measured = mean_interval(study.seeds("bound", "text to audio", study.CONCEPTS, 5, concepts=300))
    assert measured.low > chance("text to audio", study.CONCEPTS)
    assert minus(few(300), SHUFFLED, where=study.CONCEPTS).low > 0


def test_toy_clip_knows_the_real_pictures_badly():
    assert mean("real", "image to text", study.REAL) < 0.5 * mean("bound", "image to text")


@pytest.mark.parametrize("measure", ["image to audio", "audio to image"])
def test_with_names_in_the_middle_sounds_and_pictures_find_each_other_too(measure):
    assert minus(DIRECT, SHUFFLED, measure).low > 0
    assert mean_interval(study.seeds("direct", measure, level=5)).low > 10 * chance(measure, study.VOICES)
