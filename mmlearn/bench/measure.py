"""Times taken in turn, and the ratios between them.

A machine that is busy with something else slows down whatever runs just then. So implementations take turns, a round
after the other, and are compared within each round.
"""

import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from mmlearn.bench.cases import OURS

WARM_UP = 2  # rounds that do not count: first calls prepare what later ones find
SHORTEST = 1 / 16  # seconds; what takes less is called several times a round
SURE = 0.95  # how often an interval holds the true median


def alternate(
    calls: Mapping[str, Callable[[], None]],
    rounds: int,
    *,
    warm_up: int = WARM_UP,
    done: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """The seconds of a call, by name: one value a round, all names in every round.

    Args:
        calls: what to time; each returns when its work is done.
        rounds: how many count.
        warm_up: how many come before them.
        done: called after each round, those that warm up too.
        clock: gives seconds.
    """
    names, kept = list(calls), {name: [] for name in calls}
    gc.collect()
    gc.disable()  # garbage of one would be collected in another's time
    try:
        repeats = 1
        for number in range(-warm_up, rounds):
            start = number % len(names)
            times = {name: _seconds(calls[name], repeats, clock) for name in names[start:] + names[:start]}
            if number == -1:  # all are warm now
                repeats = max(1, math.ceil(SHORTEST / max(min(times.values()), 1e-9)))
            if number >= 0:
                for name in names:
                    kept[name].append(times[name])
            done()
    finally:
        gc.enable()
    return kept


def _seconds(call: Callable[[], None], repeats: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(repeats):
        call()
    return (clock() - start) / repeats


class Ratio(NamedTuple):
    """A median over rounds, and the interval that holds the true one."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.median:.2f}"
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def ratio(first: Sequence[float], second: Sequence[float]) -> Ratio:
    """`first / second`, round by round."""
    ratios = sorted(a / b for a, b in zip(first, second, strict=True))
    outside = _outside(len(ratios))
    return Ratio(statistics.median(ratios), ratios[outside], ratios[-1 - outside])


def _outside(count: int) -> int:
    """How many of `count` sorted values lie below the interval, and as many above; 0 is the whole range.

    Whether a value lies below the true median is the toss of a coin, whatever the noise. So the median lies outside of
    the interval as rarely as that many tosses come out alike.
    """
    allowed, tail, outside = (1 - SURE) / 2, 0.0, 0
    while (tail := tail + math.comb(count, outside) / 2**count) <= allowed:
        outside += 1
    return max(outside - 1, 0)


def fastest_peer(values: Mapping[str, Sequence[float]]) -> str | None:
    """The name with the least median, ours apart; `None` where there is no other."""
    peers = [name for name in values if name != OURS]
    return min(peers, key=lambda name: statistics.median(values[name]), default=None)
