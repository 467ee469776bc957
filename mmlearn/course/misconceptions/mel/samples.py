"""What sampling hears."""

import torch

from mmlearn.course.misconceptions import Collection
from mmlearn.nn.fourier import alias

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


@of(
    "mel.alias",
    "You took the distance to the multiple below: `%` and `floor` give it. The one above may be nearer. Round to the "
    "nearest: `torch.round`.",
)
def below_alone(hertz, rate):
    return hertz % rate


@of(
    "mel.alias",
    "You took the distance to the multiple above, as `ceil` gives it. The one below may be nearer. Round to the "
    "nearest: `torch.round`.",
)
def above_alone(hertz, rate):
    return rate * torch.ceil(hertz / rate) - hertz


@of(
    "mel.alias",
    "You took the distance to the multiple above. The one below may be nearer: take the smaller of `hertz % rate` and "
    "`rate - hertz % rate`.",
)
def rate_minus_remainder(hertz, rate):
    return rate - hertz % rate


@of(
    "mel.alias",
    "You let every half of the rate fall. The first one rises, the second falls, and so on: take the distance to the "
    "nearest multiple of the rate.",
)
def every_half_falls(hertz, rate):
    return rate / 2 - hertz % (rate / 2)


@of(
    "mel.alias",
    "You took the larger of both distances. What is heard is the lowest: the distance to the nearest multiple.",
)
def larger_distance(hertz, rate):
    return torch.maximum(hertz % rate, rate - hertz % rate)


@of(
    "mel.alias",
    "You took `hertz - multiple` with its sign, which is negative where the nearest multiple lies above. Take the "
    "distance: `.abs()`.",
)
def with_its_sign(hertz, rate):
    return hertz - rate * torch.round(hertz / rate)


@of(
    "mel.alias",
    "You took `multiple - hertz` with its sign, which is negative where the nearest multiple lies below. Take the "
    "distance: `.abs()`.",
)
def with_its_sign_turned(hertz, rate):
    return rate * torch.round(hertz / rate) - hertz


@of(
    "mel.alias",
    "You folded once, at half the rate. Higher frequencies fold again and again. Measure from the nearest multiple of "
    "the rate, not from the rate itself.",
)
def folded_once(hertz, rate):
    return torch.where(hertz > rate / 2, (rate - hertz).abs(), hertz)


@of(
    "mel.alias",
    "You returned `rate - hertz` above half the rate, which is negative above the rate. Measure from the nearest "
    "multiple of the rate, and take the distance: `.abs()`.",
)
def folded_once_with_its_sign(hertz, rate):
    return torch.where(hertz > rate / 2, rate - hertz, hertz)


@of(
    "mel.alias",
    "You tried few multiples of the rate, and frequencies may lie far above them. `torch.round(hertz / rate)` is the "
    "nearest of all.",
)
def few_multiples(hertz, rate):
    return torch.stack([(hertz - n * rate).abs() for n in range(10)]).amin(dim=0)


@of(
    "mel.alias",
    "You tried few multiples of the rate, too few even for six times the rate. `torch.round(hertz / rate)` is the "
    "nearest of all.",
)
def very_few_multiples(hertz, rate):
    return torch.stack([(hertz - n * rate).abs() for n in range(3)]).amin(dim=0)


@of(
    "mel.alias",
    "You cut off at half the rate. What lies above is not held there: it folds back. Take the distance to the nearest "
    "multiple of the rate.",
)
def clamped(hertz, rate):
    return hertz.clamp(max=rate / 2)


@of(
    "mel.alias",
    "You made what lies above half the rate silent, as a low-pass filter does. Without one it folds back. Take the "
    "distance to the nearest multiple of the rate.",
)
def silenced(hertz, rate):
    return torch.where(hertz > rate / 2, torch.zeros_like(hertz), hertz)


@of(
    "mel.alias",
    "You measured from multiples of half the rate. A sine of half the rate is heard as it is, not as 0. Take "
    "multiples of the rate itself.",
)
def multiples_of_half_the_rate(hertz, rate):
    return alias(hertz, rate / 2)


WRAPPED_AT_HALF = (
    "You began again from 0 at half the rate. The tone comes down from there: above half the rate it is what is "
    "missing to the rate. Take the distance to the nearest multiple of the rate."
)


@of("mel.alias", WRAPPED_AT_HALF)
def remainder_of_half_the_rate(hertz, rate):
    return hertz % (rate / 2)


@of("mel.alias", WRAPPED_AT_HALF)
def half_the_rate_subtracted(hertz, rate):
    return torch.where(hertz > rate / 2, hertz - rate / 2, hertz)


@of(
    "mel.alias",
    "You subtracted the rate once, where `hertz` is above half of it. Measure from the nearest multiple of the rate, "
    "and take the distance: `.abs()`.",
)
def rate_subtracted_once(hertz, rate):
    return torch.where(hertz > rate / 2, hertz - rate, hertz)


@of(
    "mel.alias",
    "You folded at the rate, as if it could hold all below it. It holds what is below half of it: measure from "
    "multiples of the rate, not of twice the rate.",
)
def folded_at_the_rate(hertz, rate):
    return alias(hertz, 2 * rate)


@of(
    "mel.alias",
    "You measured from the half of the rate. Zero is heard as 0, and half the rate as half the rate: measure from the "
    "nearest multiple of the rate.",
)
def measured_from_the_half(hertz, rate):
    return (hertz % rate - rate / 2).abs()


@of(
    "mel.alias",
    "Above half the rate you subtracted half the rate. The tone comes down from there: what is left, `hertz % rate`, "
    "is subtracted from the rate.",
)
def folded_by_half_the_rate(hertz, rate):
    left = hertz % rate
    return torch.where(left > rate / 2, left - rate / 2, left)


@of(
    "mel.alias",
    "You returned the nearest multiple itself. What is heard is how far `hertz` is from it.",
)
def nearest_multiple(hertz, rate):
    return rate * torch.round(hertz / rate)


@of(
    "mel.alias",
    "You returned the number of the nearest multiple. What is heard is how far `hertz` is from it, in hertz.",
)
def number_of_the_multiple(hertz, rate):
    return torch.round(hertz / rate)


@of("mel.alias", "You returned a share of the rate. Multiply by `rate`: the result is in hertz.")
def in_turns(hertz, rate):
    turns = hertz / rate
    return (turns - torch.round(turns)).abs()


@of(
    "mel.alias",
    "You subtracted how often the rate fits, not the multiple itself. Multiply by the rate first: `rate * "
    "torch.round(hertz / rate)`.",
)
def rate_not_multiplied(hertz, rate):
    return (hertz - torch.round(hertz / rate)).abs()


@of("mel.alias", "You turned the division round. How often the rate fits is `hertz / rate`.")
def division_turned(hertz, rate):
    return (hertz - rate * torch.round(rate / hertz)).abs()


@of(
    "mel.alias",
    "You found the multiple that is nearest to one frequency, and used it for all. Each has its own: "
    "`torch.round(hertz / rate)`.",
)
def one_multiple_for_all(hertz, rate):
    return (hertz - rate * torch.round(hertz.flatten()[0] / rate)).abs()


@of(
    "mel.alias",
    "You took the smallest over all frequencies. The minimum runs over $n$, for each frequency by itself.",
)
def minimum_over_frequencies(hertz, rate):
    return alias(hertz, rate).min()


@of(
    "mel.alias",
    "Python's `min`, `if` and `while` look at a whole tensor at once. Choose number by number, by `torch.minimum` or "
    "`torch.where`, or round to the nearest multiple.",
)
def python_minimum(hertz, rate):
    return min(hertz % rate, rate - hertz % rate)


@of(
    "mel.alias", "`int` takes one number, not a tensor of many. Round all of them at once: `torch.round(hertz / rate)`."
)
def python_int(hertz, rate):
    return abs(hertz - rate * int(hertz / rate + 0.5))


@of("mel.alias", "You made the frequencies float32, whatever they were. Leave their dtype as it comes.")
def always_float32(hertz, rate):
    return alias(hertz.float(), rate)


@of("mel.alias", "You changed `hertz` itself, which still belongs to the caller. Make new tensors.")
def in_place(hertz, rate):
    hertz -= rate * torch.round(hertz / rate)
    return hertz.abs()
