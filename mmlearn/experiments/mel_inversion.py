"""Lesson 14: what is lost on the way back, from a mel spectrogram to a waveform?

English sentences of `speech` become a mel spectrogram of so many bins. From it comes back the spectrum, without
negative energies, and from the spectrum a waveform, by Griffin and Lim from random phases. The same is done from the
whole spectrum, where only phases were lost. Each result is set against the original in three ways: how far apart the
spectra are, in windows that the way back did not use; whether the voice has kept its pitch; how many words a
recogniser of general English gets wrong. The lesson makes its sounds with the same functions.

Expected, and written down before anything was run:
    1. From the whole spectrum nearly nothing is lost: the recogniser hears it as well as the original.
    2. 128 and 80 bins are understood nearly as well; from 16 bins on words are lost, and with 8 most of them are.
    3. Pitch goes first: at 40 bins or fewer, each wider than two harmonics of this voice are apart, most of it is lost,
       while words are still understood.
    4. Without rounds of Griffin and Lim, from random phases as they are, distance and pitch are far worse; words suffer
       less, since magnitudes of overlapping windows carry them.

Nothing in it is trained or chosen by a result. The rounds are as many as are usual. The recogniser's own ears are 25
mel filters from 130 to 6,800 Hz: what they do not show, such as pitch, it cannot miss. So few words lost does not mean
that people understand as much, nor that it sounds well.

Shape letters: B batch, T samples, M bins, F frames, K frequencies.
"""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from mmlearn import data
from mmlearn.data import sound
from mmlearn.eval.intervals import Interval, mean_interval
from mmlearn.eval.recogniser import transcribe, word_errors, words
from mmlearn.experiments.table import Experiment, Row, rows, select
from mmlearn.nn.fourier import griffin_lim, windows
from mmlearn.nn.mel import mel_filters, power_spectrogram

WINDOW, HOP = 400, 160  # 25 ms and 10 ms
BINS = (128, 80, 40, 16, 8)
ROUNDS = 32  # of Griffin and Lim
STEPS = 100  # from a mel spectrogram to a spectrum
LONGEST, FEWEST = 3.2, 3  # seconds and words of a sentence
SEEDS = range(5)  # of the first phases; intervals are over the sentences


class Sentence(NamedTuple):
    """A prompt's name, its waveform `[T]`, and what is said."""

    name: str
    waveform: Tensor
    transcript: str


@cache
def sentences() -> tuple[Sentence, ...]:
    """The short sentences among the English clips for testing, which were never coded by Opus."""
    table = data.load("speech", split="lossless")
    kept = [r for r in table if r["seconds"] <= LONGEST and len(words(r["transcript"])) >= FEWEST]
    return tuple(Sentence(r["prompt"], sound.decode(r["audio"]), r["transcript"]) for r in kept)


# --- there and back ---------------------------------------------------------------------------------------------------


def spectrum(waveform_BT: Tensor) -> Tensor:
    """The magnitudes of a waveform's windows, `[B, T]` to `[B, F, K]`."""
    return torch.fft.rfft(windows(waveform_BT, torch.hann_window(WINDOW), HOP)).abs()


def through_mel(magnitude_BFK: Tensor, bins: int) -> Tensor:
    """Magnitudes as they come back from a mel spectrogram: `[B, F, K]` to the same shape.

    Energies that are never negative, and whose mel spectrogram comes nearest to the given one: each frequency is
    multiplied by how much too weak its bins are, again and again (Richardson 1972, doi:10.1364/JOSA.62.000055).
    """
    filters_MK = mel_filters(sound.RATE, WINDOW, bins, scale="slaney", norm=True)
    energy_BFM = magnitude_BFK.square() @ filters_MK.T
    tiny = torch.finfo(filters_MK.dtype).tiny
    power_BFK = torch.ones_like(magnitude_BFK)
    for _ in range(STEPS):
        too_weak_BFM = energy_BFM / (power_BFK @ filters_MK.T).clamp(min=tiny)
        power_BFK = power_BFK * (too_weak_BFM @ filters_MK) / filters_MK.sum(dim=0).clamp(min=tiny)
    return power_BFK.sqrt()


def there_and_back(waveform_T: Tensor, bins: int | None, *, seed: int, rounds: int = ROUNDS) -> Tensor:
    """A waveform `[T]` made of the mel spectrogram of another; with `bins=None` of its whole spectrum.

    Args:
        seed: of the phases to begin with.
        rounds: of Griffin and Lim.
    """
    magnitude_BFK = spectrum(waveform_T[None])
    if bins is not None:
        magnitude_BFK = through_mel(magnitude_BFK, bins)
    generator = torch.Generator().manual_seed(seed)
    phase_BFK = 2 * torch.pi * torch.rand(magnitude_BFK.shape, generator=generator)
    return griffin_lim(magnitude_BFK, phase_BFK, torch.hann_window(WINDOW), HOP, len(waveform_T), rounds)[0]


# --- how much was lost ------------------------------------------------------------------------------------------------

JUDGED, JUDGED_HOP = 1024, 256  # windows that were not used on the way
RANGE = 60  # decibels below the loudest moment of the original; what is weaker counts as that weak
FRAME, FRAME_HOP = 640, 160  # 40 ms hold two periods of the lowest voice
LOWEST, HIGHEST = 60, 400  # hertz of a voice
VOICED = 0.6  # how alike a frame must be to itself a period later
SEMITONE = 1 / 12  # of an octave


def distance(original_T: Tensor, made_T: Tensor) -> float:
    """The log-spectral distance in decibels: over each frame the root of the mean squared difference; then the mean."""
    pair_BT = torch.stack([original_T, made_T])
    power_BKF = power_spectrogram(pair_BT, torch.hann_window(JUDGED), JUDGED_HOP, fft=JUDGED)
    floor = power_BKF[0].max() * 10 ** (-RANGE / 10)
    decibels_BKF = 10 * power_BKF.clamp(min=floor).log10()
    return (decibels_BKF[0] - decibels_BKF[1]).square().mean(dim=0).sqrt().mean().item()


def pitch(waveform_T: Tensor) -> Tensor:
    """The voice's pitch in hertz every 10 ms, `[F]`; NaN where there is no voice.

    A period is the lag at which a frame of 40 ms is most like itself. The frame is voiced if it is alike enough, and
    not too quiet.
    """
    frames_FW = waveform_T.unfold(0, FRAME, FRAME_HOP)
    frames_FW = frames_FW - frames_FW.mean(dim=1, keepdim=True)
    energy_F = frames_FW.square().sum(dim=1)
    alike_FW = torch.fft.irfft(torch.fft.rfft(frames_FW, 2 * FRAME).abs().square())
    first, last = sound.RATE // HIGHEST, sound.RATE // LOWEST
    best_F, lag_F = (alike_FW[:, first : last + 1] / energy_F[:, None].clamp(min=1e-12)).max(dim=1)
    voiced_F = (best_F > VOICED) & (energy_F > 0.1 * energy_F.max())
    return (sound.RATE / (first + lag_F)).masked_fill(~voiced_F, torch.nan)


def pitch_kept(original_T: Tensor, made_T: Tensor) -> float:
    """The share of the original's voiced frames that are voiced still, and at most a semitone off."""
    before_F, after_F = pitch(original_T), pitch(made_T)
    off_F = (after_F / before_F).log2().abs()[before_F.isfinite()]
    return (off_F <= SEMITONE).float().mean().item()


def judged(sentence: Sentence, made_T: Tensor) -> dict[str, float]:
    """All three measures of a sound that was made of a sentence; `"words wrong"` is a share of its words."""
    errors, count = word_errors(sentence.transcript, transcribe(made_T))
    return {
        "distance": distance(sentence.waveform, made_T),
        "pitch kept": pitch_kept(sentence.waveform, made_T),
        "words wrong": errors / count,
    }


# --- the sweep --------------------------------------------------------------------------------------------------------

ORIGINAL, SPECTRUM, MEL = "original", "spectrum", "mel"


def _inversion(source: str, bins: int, rounds: int, seed: int) -> list[Row]:
    found = []
    for sentence in sentences():
        made_T = sentence.waveform
        if source != ORIGINAL:
            made_T = there_and_back(made_T, bins if source == MEL else None, seed=seed, rounds=rounds)
        found += [{"clip": sentence.name, "measure": m, "value": v} for m, v in judged(sentence, made_T).items()]
    return found


def _points() -> tuple[Row, ...]:
    runs = [(ORIGINAL, 0, 0, 0)]
    runs += [(SPECTRUM, 0, rounds, seed) for rounds in (ROUNDS, 0) for seed in SEEDS]
    runs += [(MEL, bins, ROUNDS, seed) for bins in BINS for seed in SEEDS]
    runs += [(MEL, 80, 0, seed) for seed in SEEDS]
    return tuple(dict(zip(("source", "bins", "rounds", "seed"), run, strict=True)) for run in runs)


# --- what the committed rows say --------------------------------------------------------------------------------------


def by_clip(measure: str, source: str = MEL, bins: int = 0, rounds: int = ROUNDS) -> list[float]:
    """What the committed runs measured, one number a sentence: the mean over the seeds of the first phases."""
    rounds = 0 if source == ORIGINAL else rounds
    chosen = select(rows("mel-inversion"), measure=measure, source=source, bins=bins, rounds=rounds)
    values: dict[str, list[float]] = {}
    for row in chosen:
        values.setdefault(row["clip"], []).append(row["value"])
    return [sum(each) / len(each) for each in values.values()]


def lost(measure: str, source: str = MEL, bins: int = 0, rounds: int = ROUNDS) -> Interval:
    """The mean of a measure over the sentences, with its interval over them; arguments as in `by_clip`."""
    return mean_interval(by_clip(measure, source, bins, rounds))


EXPERIMENTS = [
    Experiment(
        name="mel-inversion",
        lesson="14",
        question="What is lost on the way back from a mel spectrogram to a waveform: spectrum, pitch, words?",
        points=_points(),
        measure=_inversion,
        again={"source": ORIGINAL, "bins": 0, "rounds": 0, "seed": 0},
    ),
]
