"""Lesson 00: one tiny exercise, to meet the checks."""

from mmlearn.course.exercise import Exercise, Property
from mmlearn.course.probe import Case


def probe_mean_picture(mean_picture, case: Case) -> None:
    """No two axes have the same length, so a wrong axis shows."""
    images_BCYX = case.randn(5, 3, 4, 6)
    case.record("mean", lambda: case.call(mean_picture, images_BCYX))
    case.record("gradient", lambda: case.gradient(lambda x: mean_picture(x).square().sum(), images_BCYX))


EXERCISES = [
    Exercise(
        slug="start.mean",
        lesson="00",
        name="mean_picture",
        title="The mean picture",
        difficulty=1,
        minutes=3,
        points=1,
        hints=(
            "A tensor has a method `mean`. Without an argument it gives one number. Which axis should go away?",
            "The batch is axis 0: `images_BCYX.mean(dim=...)`.",
            "`return images_BCYX.mean(dim=0)`",
        ),
        properties=(
            Property("mean", "the result is the mean over the batch, a picture [C, Y, X]", weight=2),
            Property("gradient", "the gradient at the images is right"),
        ),
        inputs="`images_BCYX` of shape [5, 3, 4, 6]",
        reference_path="mmlearn.eval.pictures:mean_picture",
        trial=probe_mean_picture,
    ),
]
