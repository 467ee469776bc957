"""Listening tests after MUSHRA, ITU-R BS.1534-3 (10/2015): MUlti Stimulus test with Hidden Reference and Anchor.

A listener hears a reference and, in random order, what several systems made of it. Two more sounds hide among these:
the reference itself, whose rating shows whether the listener hears the differences at all, and an anchor, the
reference without its high frequencies, which everybody hears: it ties the scale to something known.

    sounds = stimuli(reference_T, {"8 kbit/s": decoded_T}, rate=16_000)
    order(sounds, seed="1")                            # the names in the order in which this listener hears them
    summary([Rating(0, "8 kbit/s", 62), ...])          # {"8 kbit/s": Score(interval=62 (50 to 74), trials=4), ...}

Shape letters: T samples. Departures from BS.1534-3 (sections of its Annex 1):
    same: the scale from 0 to 100 with five labels (5.4); hidden reference and low anchor (5.1); all sounds of a trial
        at once, in random order, at most 12 (5.3); who is left out for missing the hidden reference (4.1.2).
    left out: the mid anchor, 7 kHz: at 16,000 samples a second, nothing is above 8 kHz, and it hardly differs from the
        reference. With it goes the second rule of 4.1.2. Trials come in the same order for everybody.
    simplified: one listener. The mean is over trials (9.1 has it over listeners), with Student's interval.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mmlearn.eval.intervals import Interval, mean_interval

LABELS = ("bad", "poor", "fair", "good", "excellent")  # fifths of the scale, from 0 to 100 (5.4, figure 1)
HIDDEN_REFERENCE, LOW_ANCHOR = "hidden reference", "low anchor"
MOST_SOUNDS = 12  # in a trial (5.3)
MISSED_BELOW, MISSED_SHARE = 90, 0.15  # a reference rated lower counts as missed; a listener may miss so many (4.1.2)
# The anchor's filter (5.1) passes up to 3.5 kHz within 0.1 dB, and weakens by 25 dB at 4 kHz and by 50 dB at 4.5 kHz.
PASSES, STOPS, STOPPED_DB = 3_500, 4_000, 60


class Rating(NamedTuple):
    """What a listener thought of one sound: the number of its trial, the system that made it, 0 (bad) to 100."""

    trial: int
    system: str
    score: int


class Score(NamedTuple):
    """How a system was rated: the mean with its interval, and over how many trials."""

    interval: Interval
    trials: int


def low_anchor(waveform_T: Tensor, rate: int) -> Tensor:
    """The sound without what is above 3.5 kHz (BS.1534-3, 5.1), as through a telephone: `[T]` to `[T]`, not delayed.

    What is above 4 kHz is weaker by 60 dB; between the two the filter falls.

    Args:
        rate: samples a second.

    Raises:
        ValueError: the rate is too low to hold 4 kHz.
    """
    from scipy.signal import convolve, firwin, kaiserord

    if rate <= 2 * STOPS:
        raise ValueError(f"a low anchor needs more than {2 * STOPS:,} samples a second, got {rate:,}")
    taps, beta = kaiserord(STOPPED_DB, 2 * (STOPS - PASSES) / rate)
    filter_W = firwin(taps | 1, (PASSES + STOPS) / 2, window=("kaiser", beta), fs=rate)  # odd: it has a middle
    padded = torch.nn.functional.pad(waveform_T.double(), (taps // 2, taps // 2))
    return torch.from_numpy(convolve(padded.numpy(), filter_W, mode="valid")).to(waveform_T.dtype)


def stimuli(reference_T: Tensor, systems: Mapping[str, Tensor], rate: int) -> dict[str, Tensor]:
    """All sounds of a trial by what made them: hidden reference, low anchor, and the systems under test, each `[T]`.

    They are detached and on the CPU, wherever a model has made them.

    Raises:
        ValueError: no system, more than 12 sounds, a system with the name of reference or anchor, or a sound that is
            not as long as the reference, so that one hears which it is.
    """
    reference_T = reference_T.detach().cpu()
    hidden = {HIDDEN_REFERENCE: reference_T, LOW_ANCHOR: low_anchor(reference_T, rate)}
    if not 1 <= len(systems) <= MOST_SOUNDS - len(hidden):
        raise ValueError(f"a trial has 1 to {MOST_SOUNDS - len(hidden)} systems; got {len(systems)}")
    if taken := hidden.keys() & systems.keys():
        raise ValueError(f"{taken.pop()!r} is added to every trial; give the system another name")
    for name, waveform_T in systems.items():
        if waveform_T.shape != reference_T.shape or reference_T.ndim != 1:
            shapes = f"{list(waveform_T.shape)} and {list(reference_T.shape)}"
            raise ValueError(f"{name!r} and its reference must both be [T], equally long; got {shapes}")
    return hidden | {name: waveform_T.detach().cpu() for name, waveform_T in systems.items()}


def order(names: Iterable[str], seed: str) -> list[str]:
    """The names in a random order, which the seed alone decides (BS.1534-3, 5.3)."""
    shuffled = sorted(names)
    random.Random(seed).shuffle(shuffled)
    return shuffled


def label(score: int) -> str:
    """What a score from 0 to 100 is called; a border between two labels belongs to the better one."""
    return LABELS[min(score * len(LABELS) // 100, len(LABELS) - 1)]


def summary(ratings: Sequence[Rating]) -> dict[str, Score]:
    """The mean rating of each system over trials with its 95 % interval, the best first (BS.1534-3, 9.1).

    An interval is cut to 0 to 100, which no true mean leaves. One trial says nothing about others: then it is 0 to 100.
    """
    scores: dict[str, list[int]] = {}
    for rating in ratings:
        scores.setdefault(rating.system, []).append(rating.score)
    found = {system: Score(_interval(values), len(values)) for system, values in scores.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1].interval.mean))


def hidden_reference_missed(ratings: Sequence[Rating]) -> list[Rating]:
    """The ratings of the hidden reference below 90: there it was not told from a worse sound (BS.1534-3, 4.1.2)."""
    return [rating for rating in ratings if rating.system == HIDDEN_REFERENCE and rating.score < MISSED_BELOW]


def screened_out(ratings: Sequence[Rating]) -> bool:
    """Whether a test would leave this listener out: the reference missed in over 15 % of trials (BS.1534-3, 4.1.2)."""
    trials = sum(rating.system == HIDDEN_REFERENCE for rating in ratings)
    return len(hidden_reference_missed(ratings)) > MISSED_SHARE * trials


def _interval(scores: list[int]) -> Interval:
    if len(scores) == 1:
        return Interval(float(scores[0]), 0.0, 100.0)
    mean, low, high = mean_interval(scores)
    return Interval(mean, max(low, 0.0), min(high, 100.0))
