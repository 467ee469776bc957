"""Lesson 15: at equal bits, which is nearer to the original, the zoo's codec or Opus?

The codec (`toy-codec`, 0.5 to 8 kbit/s) and Opus (6 to 16 kbit/s asked for) code the same clips. Every result is set
against the original. What a clip really took is in the rows: Opus gives quiet passages fewer bits than it was asked
for, and a codec's last frame is whole. Beside both stand the original, and a low-pass at 3.5 kHz as in a MUSHRA test.

Sounds:
    speech: English sentences of three words and more from the split `lossless`. No training had them, nor has Opus
        coded them before: they are the test clips as FLAC. No transcript of theirs is in the training split. The voice
        is: all English clips are one speaker's. So the codec knows who speaks, and Opus does not.
    music: pieces of a track by an artist whom no training had, for the distance alone. It is one track: an interval
        over its pieces says how sure the mean of this track is, not of music.
The codec was trained on clips that Opus had coded at about 20 kbit/s. What Opus lost there it cannot know.

Opus here is libsndfile's: for sounds of all kinds, packets of 20 ms, a rate that varies. What it was asked for it keeps
to within a twentieth. At 6 and 8 kbit/s all its packets are narrow-band, up to 4 kHz; from 9 on all reach up to 8 kHz.
That was found before any quality was measured, and is why 9 is among the rates.

Measures, and why they are fair to both:
    distance: log spectral distance in decibels. It compares energies, not phases, which neural codecs do not keep. It
        is not the codec's training loss, though a relative of it: both compare spectrograms in mel bands. Where the two
        judges below disagree with it, trust them.
    overall, together: DNSMOS P.808 and P.835, guesses of listeners' marks. No codec was trained on them. They hear
        one sound alone, at 16,000 samples a second: a missing upper band counts, a wrong word does not.
    words wrong: all errors of a recogniser by all words. No codec was trained on it. It hears 130 to 6,800 Hz.
    above 4 kHz: how much energy is left there, in decibels against the original.

Expected, and written down before anything was run:
    1. In all measures more bits are better, for both; from 4 to 8 kbit/s the codec gains little.
    2. At 8 kbit/s Opus leaves out what is above 4 kHz. There the codec is nearer in distance and is marked higher; at
       4 kbit/s it is still as near as Opus at 8.
    3. Opus at 12 and 16 kbit/s is nearer and is marked higher than the codec at any rate.
    4. The codec loses words at 0.5 and 1 kbit/s, and none that are clear from 4 on. Opus loses none that are clear.
    5. With music the codec is worse off than with speech: it had three tracks to learn from. At 8 kbit/s it is no
       nearer than Opus at 8.
    6. The low-pass is marked lower than the original, and costs no clear words.

Nothing is trained here. The systems have no chance in them, so there is one seed; intervals are over clips.

Shape letters: B batch (one), C channels (one), Q codebooks, F frames, T samples, K frequencies.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor

from mmlearn import data
from mmlearn.data import sound
from mmlearn.eval.intervals import Interval, mean_interval, paired_interval, shares
from mmlearn.eval.mos import dnsmos
from mmlearn.eval.recogniser import transcribe, word_errors, words
from mmlearn.eval.sound_quality import log_spectral_distance
from mmlearn.experiments import zoo
from mmlearn.experiments.table import Experiment, Row, rows, select
from mmlearn.models.spectral_codec import SpectralCodec

CODEC, OPUS, LOW_PASS, ORIGINAL = "codec", "Opus", "low-pass", "original"
CODEC_KBPS, OPUS_KBPS = (0.5, 1, 2, 4, 8), (6, 8, 9, 12, 16)
SYSTEMS = tuple([(CODEC, kbps) for kbps in CODEC_KBPS] + [(OPUS, kbps) for kbps in OPUS_KBPS])
SYSTEMS += ((LOW_PASS, 0), (ORIGINAL, 0))  # 0: nothing is coded
SPEECH, MUSIC = "speech", "music"
FEWEST = 3  # words of a sentence
# Short ones that the lesson lets one hear.
HEARD = ("Please try again.", "To re-record it.", "message from extension", "Your message has been saved.")
PIECE = 10  # seconds of music
ANCHOR = 3500  # hertz, of the low-pass
NARROW = 4000  # hertz: the band of a telephone, and of Opus at its lowest rates
LOWEST_DB = -60.0  # what is weaker counts as that weak


class Clip(NamedTuple):
    """A name, the waveform `[T]`, and what is said in it."""

    name: str
    waveform_T: Tensor
    transcript: str = ""


@cache
def clips(kind: str = SPEECH) -> tuple[Clip, ...]:
    """What is coded: sentences, or pieces of music."""
    table = data.load(kind, split="lossless")
    if kind == SPEECH:
        kept = [row for row in table if len(words(row["transcript"])) >= FEWEST]
        return tuple(Clip(row["prompt"], sound.decode(row["audio"]), row["transcript"]) for row in kept)
    pieces = [(row["start"], sound.decode(row["audio"]).split(PIECE * sound.RATE)) for row in table]
    return tuple(Clip(f"{start + PIECE * n} s", x_T) for start, parts in pieces for n, x_T in enumerate(parts))


# --- there and back ---------------------------------------------------------------------------------------------------


class Coded(NamedTuple):
    """A sound as it comes back `[T]`, and the bits that it took."""

    waveform_T: Tensor
    bits: int


@torch.no_grad()
def through_codec(waveform_T: Tensor, kbps: float, codec: SpectralCodec) -> Coded:
    """A sound by way of the codec, at one of its rates."""
    codebooks = round(kbps / codec.config.kbps(1))
    codes_BQF = codec.encode(waveform_T[None, None], codebooks)
    return Coded(codec.decode(codes_BQF, len(waveform_T))[0, 0], codes_BQF.numel() * codec.config.bits)


def through_opus(waveform_T: Tensor, kbps: float) -> Coded:
    """A sound by way of Opus, asked for a rate."""
    content = sound.encode(waveform_T, format="opus", kbps=kbps)
    return Coded(sound.decode(content), sound.opus_bits(content))


def low_pass(waveform_T: Tensor, hertz: float = ANCHOR) -> Coded:
    """A sound without what is above a frequency."""
    spectrum_K = torch.fft.rfft(waveform_T)
    spectrum_K[round(hertz / sound.RATE * len(waveform_T)) :] = 0
    return Coded(torch.fft.irfft(spectrum_K, len(waveform_T)), 0)


def way(system: str, kbps: float) -> Callable[[Tensor], Coded]:
    """The way of a system: a function of a waveform `[T]`."""
    if system == CODEC:
        return partial(through_codec, kbps=kbps, codec=zoo.load("toy-codec"))
    if system == OPUS:
        return partial(through_opus, kbps=kbps)
    return low_pass if system == LOW_PASS else lambda waveform_T: Coded(waveform_T, 0)


# --- what is measured -------------------------------------------------------------------------------------------------

BITS, DISTANCE, UPPER = "kbit/s", "distance", "above 4 kHz"
OVERALL, TOGETHER, ERRORS, WORDS = "overall", "together", "errors", "words"
WORDS_WRONG = "words wrong"  # of the readers: errors by words


def upper_band(original_T: Tensor, made_T: Tensor) -> float:
    """How many decibels more or less energy there is above 4 kHz than in the original."""
    spectra_BK = torch.fft.rfft(torch.stack([original_T, made_T]))
    first = round(NARROW / sound.RATE * len(original_T))
    original, made = spectra_BK[:, first:].abs().double().square().sum(dim=1)
    return max(LOWEST_DB, (10 * (made / original).log10()).item())


def judged(clip: Clip, made_T: Tensor) -> dict[str, float]:
    """All measures of what a system made of a clip; marks and words of speech alone."""
    distance = log_spectral_distance(clip.waveform_T[None], made_T[None], sound.RATE).item()
    found = {DISTANCE: distance, UPPER: upper_band(clip.waveform_T, made_T)}
    if clip.transcript:
        marks, (errors, count) = dnsmos(made_T), word_errors(clip.transcript, transcribe(made_T))
        found |= {OVERALL: marks.overall, TOGETHER: marks.together, ERRORS: errors, WORDS: count}
    return found


def _rates(system: str, kbps: float, sound: str, seed: int) -> list[Row]:
    found, through = [], way(system, kbps)
    for clip in clips(sound):
        made_T, bits = through(clip.waveform_T)
        measured = {BITS: bits / 1000 / seconds(clip)} | judged(clip, made_T)
        found += [{"clip": clip.name, "measure": name, "value": value} for name, value in measured.items()]
    return found


def seconds(clip: Clip) -> float:
    """How long a clip is."""
    return len(clip.waveform_T) / sound.RATE


def _written(system: str, kbps: float, seed: int) -> list[Row]:
    """What the recogniser writes down of each sentence that the lesson lets one hear."""
    through, heard = way(system, kbps), [clip for clip in clips() if clip.transcript in HEARD]
    return [{"clip": clip.transcript, "written": transcribe(through(clip.waveform_T).waveform_T)} for clip in heard]


# --- what the committed rows say --------------------------------------------------------------------------------------


def by_clip(measure: str, system: str, kbps: float = 0, kind: str = SPEECH) -> list[float]:
    """What the committed runs measured, one number a clip, in the order of the clips.

    The mean of "words wrong" is all errors by all words; see `shares`.
    """
    if measure == WORDS_WRONG:
        return shares(*(by_clip(each, system, kbps, kind) for each in (ERRORS, WORDS)))
    found = select(rows("encodec-rates"), measure=measure, system=system, kbps=kbps, sound=kind)
    if not found:
        raise ValueError(f"no row has {measure!r} of {kind} from {system!r} at {kbps} kbit/s")
    return [row["value"] for row in found]


def measured(measure: str, system: str, kbps: float = 0, kind: str = SPEECH) -> Interval:
    """The mean of a measure over the clips, with its interval over them; arguments as in `by_clip`."""
    return mean_interval(by_clip(measure, system, kbps, kind))


def more(measure: str, one: tuple, other: tuple, kind: str = SPEECH) -> Interval:
    """How much more there is of a measure with one system than with another, clip by clip.

    Args:
        one, other: a name and kbit/s each, such as `("Opus", 8)` or `("original",)`.
    """
    return paired_interval(by_clip(measure, *one, kind=kind), by_clip(measure, *other, kind=kind))


def written(transcript: str, system: str, kbps: float = 0) -> str:
    """What the recogniser wrote down when a system had coded the sentence of this transcript."""
    (row,) = select(rows("encodec-written"), clip=transcript, system=system, kbps=kbps)
    return row["written"]


def _points() -> tuple[Row, ...]:
    return tuple(
        {"system": system, "kbps": kbps, "sound": kind, "seed": 0}
        for kind in (SPEECH, MUSIC)
        for system, kbps in SYSTEMS
    )


EXPERIMENTS = [
    Experiment(
        name="encodec-rates",
        lesson="15",
        question="At equal bits, which is nearer to the original: the course's codec or Opus?",
        points=_points(),
        measure=_rates,
        again={"system": OPUS, "kbps": 6, "sound": MUSIC, "seed": 0},
    ),
    Experiment(
        name="encodec-written",
        lesson="15",
        question="What does a recogniser write down of sentences that the codec, or Opus, has coded?",
        points=tuple({"system": system, "kbps": kbps, "seed": 0} for system, kbps in SYSTEMS),
        measure=_written,
        again={"system": ORIGINAL, "kbps": 0, "seed": 0},
    ),
]
