"""How sure a mean over seeds is."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Interval(NamedTuple):
    """A mean, and the interval that holds the true one with 95 % confidence."""

    mean: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """`f"{interval:.2f}"` gives `0.43 (0.41 to 0.45)`; the mean alone where all values are the same."""
        mean, low, high = (format(number, f"z{spec}") for number in self)  # z: no minus before a zero
        return mean if self.low == self.high else f"{mean} ({low} to {high})"


def mean_interval(values: Sequence[float]) -> Interval:
    """The mean of one value a seed, with Student's 95 % interval.

    It covers what differs between seeds: first weights, order of batches, choice of training items. It does not cover
    the choice of the held-out items, which all seeds share.

    Raises:
        ValueError: fewer than two values.
    """
    from scipy.stats import t

    if len(values) < 2:
        raise ValueError(f"an interval over seeds needs at least two values, got {len(values)}")
    mean = statistics.fmean(values)
    half = t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return Interval(mean, mean - half, mean + half)


def paired_interval(first: Sequence[float], second: Sequence[float]) -> Interval:
    """The mean of `first - second`, value by value of the same seeds, with its interval as in `mean_interval`."""
    return mean_interval([a - b for a, b in zip(first, second, strict=True)])


def shares(parts: Sequence[float], wholes: Sequence[float]) -> list[float]:
    """One value an item, whose mean is all parts by all wholes, and whose interval is that of this ratio.

    For words heard wrongly of all words, where a long sentence counts for more than a short one. Each value is the
    ratio, and how far the item lies off it (Cochran 1977, Sampling Techniques, section 2.11). They are no shares of
    their item, and may be below 0.

    Raises:
        ValueError: there are not as many wholes as parts, or they add up to nothing.
    """
    if not sum(wholes):
        raise ValueError("a share of nothing: the wholes add up to 0")
    ratio, usual = sum(parts) / sum(wholes), sum(wholes) / len(wholes)
    return [ratio + (part - ratio * whole) / usual for part, whole in zip(parts, wholes, strict=True)]
