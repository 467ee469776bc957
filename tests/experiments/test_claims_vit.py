"""What lesson 01 says in words about its experiments holds for the committed rows. One test a sentence or two."""

import pytest

from mmlearn.eval.intervals import mean_interval, paired_interval
from mmlearn.eval.reach import uniform_distance
from mmlearn.experiments import vit as study

HELD_OUT = (study.CONCEPTS, study.STYLE)
SHUFFLED = {"measure": "accuracy, shuffled", "level": 4}


@pytest.mark.parametrize("where", HELD_OUT)
@pytest.mark.parametrize("images", study.SIZES)
def test_the_convolution_is_better_at_every_number_of_images_on_both_held_out_sets(images, where):
    assert mean_interval(study.lead(where, images=images)).low > 0


def test_its_lead_grows_with_the_images_and_shrinks_with_the_steps():
    assert paired_interval(study.lead(), study.lead(images=study.SIZES[0])).low > 0
    assert paired_interval(study.lead(), study.lead(steps=study.LONG)).low > 0


def test_the_vit_gains_more_from_steps_than_from_images():
    by_steps = [a - b for a, b in zip(study.seeds("ViT", steps=study.LONG), study.seeds("ViT"), strict=True)]
    fewest = study.seeds("ViT", images=study.SIZES[0])
    by_images = [a - b for a, b in zip(study.seeds("ViT"), fewest, strict=True)]
    assert paired_interval(by_steps, by_images).low > 0


def test_the_controls_stay_near_the_majority():
    for where in HELD_OUT:
        majority = mean_interval(study.seeds("majority", where)).mean
        for model in ("ViT", "CNN"):
            assert mean_interval(study.seeds(model, where, labels="shuffled")).mean < majority + 0.03
            assert mean_interval(study.seeds(model, where, steps=0)).mean < majority + 0.03


def test_shuffling_hardly_hurts_the_vit_of_the_short_training_and_hurts_that_of_the_long_one():
    assert paired_interval(study.seeds("ViT"), study.seeds("ViT", **SHUFFLED)).mean < 0.03
    long = study.seeds("ViT", steps=study.LONG)
    assert paired_interval(long, study.seeds("ViT", steps=study.LONG, **SHUFFLED)).low > 0
    assert paired_interval(long, study.seeds("ViT")).low > 0, "and it is better"


@pytest.mark.parametrize(
    ("scale", "steps", "used"),
    [
        (study.POSITION_STD, study.STEPS, False),
        (study.LARGE, study.STEPS, True),
        (study.POSITION_STD, study.LONG, True),
        (study.LARGE, study.LONG, True),
    ],
)
def test_small_positions_are_used_late_and_large_ones_from_the_start(scale, steps, used):
    lost = paired_interval(*(study.scale_seeds(scale, m, steps) for m in ("accuracy", SHUFFLED["measure"])))
    assert lost.low > 0.03 if used else lost.mean < 0.03


def gained(scale: float, steps: int, where: str):
    return paired_interval(*(study.scale_seeds(each, "accuracy", steps, where=where) for each in (scale, 0.0)))


def test_positions_pay_on_the_unseen_style_after_the_long_training_and_not_visibly_on_unseen_concepts():
    scales = (study.POSITION_STD, study.LARGE)
    for steps in (study.STEPS, study.LONG):
        for scale in scales:
            gain = gained(scale, steps, study.CONCEPTS)
            assert gain.low < 0 < gain.high
    assert all(gained(scale, study.LONG, study.STYLE).low > 0 for scale in scales)
    large, usual = (study.scale_seeds(s, "accuracy", study.LONG, where=study.STYLE) for s in (study.LARGE, scales[0]))
    assert paired_interval(large, usual).low > 0


def test_positions_of_the_usual_scale_are_those_of_the_other_experiment():
    for steps in (study.STEPS, study.LONG):
        assert study.scale_seeds(study.POSITION_STD, "accuracy", steps) == study.seeds("ViT", steps=steps)


@pytest.mark.parametrize("steps", [0, study.STEPS])
@pytest.mark.parametrize("layer", range(1, 5))
def test_every_layer_looks_about_as_far_as_attention_that_is_spread_evenly(layer, steps):
    evenly = uniform_distance((8, 8), 4)
    for head in range(1, 5):
        reach = study.seeds("ViT", f"layer {layer}", measure="reach", level=head, steps=steps)
        assert abs(mean_interval(reach).mean - evenly) < 1  # pixel
