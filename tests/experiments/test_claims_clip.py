"""What lesson 02 says in words about its experiments holds for the committed rows. One test a sentence or two."""

import pytest

from mmlearn.eval.intervals import mean_interval, paired_interval
from mmlearn.experiments import clip as study
from mmlearn.experiments import zoo
from mmlearn.experiments.emoji_captions import tokenizer

TO_TEXT, TO_IMAGE = "image to text", "text to image"
KNOWN = (study.STYLE, study.HARD_STYLE)  # styles whose concepts training showed


def above(values, level):
    """The interval of how far values lie above a fixed number."""
    return mean_interval([value - level for value in values])


def chance(measure, where, level=5):
    return study.seeds("chance", measure, where, level)[0]


def test_in_the_unseen_style_the_classifier_is_ahead():
    pair = (study.seeds(name, TO_TEXT, study.STYLE, 5) for name in ("classifier", "clip"))
    assert paired_interval(*pair).low > 0


@pytest.mark.parametrize("where", (study.CONCEPTS, study.BOTH))
@pytest.mark.parametrize("measure", (TO_TEXT, TO_IMAGE))
def test_of_unseen_concepts_clip_finds_the_name_far_more_often_than_chance(where, measure):
    values = study.seeds("clip", measure, where, 5)
    assert above(values, 2 * chance(measure, where)).low > 0 or above(values, chance(measure, where)).low > 0.02
    assert mean_interval(values).mean > 2 * chance(measure, where)


@pytest.mark.parametrize("where", study.HELD_OUT)
def test_the_controls_stay_at_chance(where):
    for changed in ({"captions": "shuffled"}, {"steps": 0}):
        assert mean_interval(study.seeds("clip", TO_TEXT, where, 5, **changed)).mean < 1.6 * chance(TO_TEXT, where)


def test_the_names_of_things_in_a_group_work_and_the_names_of_groups_do_not():
    majority = chance("majority groups", study.CONCEPTS, "")
    assert above(study.seeds("clip", "zero-shot groups", study.CONCEPTS, "members"), 1.5 * majority).low > 0
    assert above(study.seeds("clip", "zero-shot groups", study.CONCEPTS, "name"), majority).low < 0


@pytest.mark.parametrize("kind", ("groups", "subgroups"))
def test_three_wordings_changed_nothing_that_five_seeds_can_show(kind):
    pair = (study.seeds("clip", f"zero-shot {kind}", study.CONCEPTS, how) for how in ("templates", "name"))
    gain = paired_interval(*pair)
    assert gain.low < 0 < gain.high or abs(gain.mean) < 0.01


def test_probes_are_nearly_the_same_and_little_above_those_of_an_untrained_encoder():
    clip, classifier, untrained = (
        study.seeds(name, "probe groups", study.CONCEPTS, "", **changed)
        for name, changed in (("clip", {}), ("classifier", {}), ("clip", {"steps": 0}))
    )
    assert abs(paired_interval(clip, classifier).mean) < 0.02
    assert 0 < paired_interval(clip, untrained).mean < 0.06


def test_asked_in_russian_the_english_model_is_at_chance_and_the_other_is_not_and_pays():
    russian, english = f"{TO_TEXT}, ru", TO_TEXT
    assert above(study.seeds("clip", russian, study.STYLE, 5), chance(TO_TEXT, study.STYLE)).low <= 0
    both = study.seeds("clip", russian, study.STYLE, 5, captions="en+ru")
    assert above(both, 3 * chance(TO_TEXT, study.STYLE)).low > 0
    pair = (study.seeds("clip", english, study.STYLE, 5, captions=captions) for captions in ("en+ru", "en"))
    assert paired_interval(*pair).high < 0


def test_photographs_are_far_away():
    photographs = study.seeds("clip", TO_TEXT, study.PHOTOGRAPHS, 5)
    assert paired_interval(photographs, study.seeds("clip", TO_TEXT, study.CONCEPTS, 5)).high < 0
    assert mean_interval(photographs).mean < 0.1


@pytest.mark.parametrize("where", (study.STYLE, study.CONCEPTS))
def test_the_convolution_learns_faster(where):
    pair = (study.seeds(name, TO_TEXT, where, 5) for name in ("cnn", "clip"))
    assert paired_interval(*pair).low > 0


@pytest.mark.parametrize("where", KNOWN)
def test_toy_clip_passes_the_lessons_convolution_and_stays_behind_its_own(where):
    vit, cnn = (zoo.card(name)["measured"] for name in ("toy-clip", "toy-clip-cnn"))
    assert vit[f"{TO_TEXT}, {where}, 5"] > mean_interval(study.seeds("cnn", TO_TEXT, where, 5)).high
    for direction in (TO_TEXT, TO_IMAGE):
        for k in study.DEPTHS:
            assert cnn[f"{direction}, {where}, {k}"] > vit[f"{direction}, {where}, {k}"] + 0.02


def test_toy_clip_knows_words_alone():
    alone = study.single_words(zoo.load("toy-clip"), tokenizer())
    assert alone.found[5] > 0.3 > 10 * alone.chance[5]


def test_the_largest_batch_loses_and_a_scale_of_1_is_worst_in_the_unseen_style():
    def at(**changed):
        return study.seeds("clip", TO_TEXT, study.STYLE, 5, **changed)

    largest = at(batch=512, steps=study.PAIRS // 512)
    assert paired_interval(largest, at()).high < 0
    assert all(paired_interval(at(scale=1), other).high < 0 for other in (at(), at(scale=100)))


def test_the_learned_scale_hardly_moved_and_that_of_toy_clip_more_than_doubled():
    start = 1 / 0.07
    assert abs(mean_interval(study.seeds("clip", "scale", "", "")).mean - start) < 1
    assert zoo.card("toy-clip")["measured"]["scale"] > 2 * start
