"""Lesson 15: what does each part of the codec's training do?

A short training, `LIVE`, is the one that the lesson does. Here it is done again and again, each time with one part
changed, from five seeds. Seeds differ in the first weights, the crops and everything else that is random. Runs of the
same seed have the same first weights and hear the same crops, so that differences are paired.

    whole           all parts
    no k-means      codebooks begin as the constructor draws them, each number of an entry from a normal distribution
                    with mean 0 and deviation 1, whatever the latents are
    no restart      entries that are hardly chosen any more stay where they are
    always 8        no quantiser dropout: all codebooks in every step, once they have started
    always 1        a codec for the lowest rate alone. Its codebooks 2 to 8 stay as k-means set them: do not read them
    balancer off    the gradients of the weighted losses, added as they are
    ..., time x 100 the time loss is multiplied by 100, with the balancer on or off
    untrained       first weights, and codebooks as drawn
    silence         what the distance is if nothing comes out

Restart needs time. An entry begins with a count of about 1. Where nothing chooses it, a decay of 0.99 takes 229 updates
to bring the count below 0.1, and `LIVE` has 180 steps with codebooks. So without k-means no entry can be dead, and "no
k-means, no restart" would be the same run as "no k-means": it is left out. `encodec-restart` asks again where restart
can act: a decay of 0.95 takes 45 updates.

Without the balancer the weights mean something else: they multiply losses, and no longer give shares of the gradient.
"balancer off" keeps the paper's weights as they are. The scale of a loss is arbitrary (here all are means over their
numbers, where the paper has sums); times 100 stands for another choice. The commitment stands outside the balancer, so
without it that is heard more or less than before, too.

Expected, and written down before anything was run:
    1. Without k-means codebooks are hardly used: of the first one fewer than a tenth of the entries, of the last fewer
       still. With 8 codebooks the distance is larger by more than 1 dB. With k-means more than half of the entries of
       each codebook are used.
    2. Restart makes no clear difference after k-means. Only what k-means left empty begins anew.
    3. With a decay of 0.95 and without k-means, restart brings back most of what k-means gives: more than half of the
       entries of the first codebook, and at least half of the lost distance.
    4. Without dropout 8 codebooks are a little better, by less than 0.3 dB, and 1 codebook is clearly worse, by more
       than 0.5 dB. Trained for 1 codebook alone, 1 is better than in `whole`, by less than 0.5 dB.
    5. With the balancer, times 100 changes nothing but rounding: no clear difference. Without it, times 100 is clearly
       worse in the distance, and better in the difference of samples.
    6. Balancer off, as is: the mel loss is nearly the whole gradient. No clear difference in the distance, or a small
       gain; the time loss's share of the gradient is below that with the balancer, which is 1/11.
    7. `whole` is far better than an untrained codec, which is no better than silence.

Of these, 2, 4 and 6 did not come true, nor a part of 1 and of 5. What the rows say in place of them is in
`tests/experiments/test_claims_encodec_parts.py`.

Nothing was chosen by a result of this experiment. The learning rate is larger than the zoo's because there are fewer
steps; their number is what fits into half a minute of one core.

What is measured is held out: the test split. Distances are of 24 stretches of 2 s, 8 each of English, of other
languages and of music. The use of codebooks is counted over 80 stretches, a quarter of them music as in training: 8,080
frames. If all entries were equally likely, that many draws would hit all but 1 in 2,700 of 1,024 entries; and the
entropy that is counted would be too low by about 0.09 of 10 bits, so a perplexity of about 960 is the most to be
seen.

Shape letters: B stretches, C channels (one), T samples, Q codebooks, F frames, K entries.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from mmlearn import train
from mmlearn.data import sound
from mmlearn.data.speech import LANGUAGES
from mmlearn.eval.intervals import Interval, paired_interval
from mmlearn.eval.sound_quality import log_spectral_distance
from mmlearn.experiments import encodec as study
from mmlearn.experiments.table import Experiment, Row, by_seed, rows
from mmlearn.models.encodec_losses import time_loss
from mmlearn.models.spectral_codec import SpectralCodec, SpectralCodecConfig
from mmlearn.nn.balancer import Balancer

RATES = (1, 2, 4, 8)  # codebooks in use
LIVE = study.Training(steps=330, free_steps=150, codebooks=RATES, samples=8_000, lr=1.5e-3)
SECONDS = 2  # of a stretch that is measured
DISTANCES, USES = (8, 8, 8), (12, 48, 20)  # stretches of English, other languages, music
SEEDS = range(5)


# --- what is changed --------------------------------------------------------------------------------------------------


class Variant(NamedTuple):
    """What differs from `whole`."""

    k_means: bool = True
    dead: float = SpectralCodecConfig.dead  # 0: no entry begins anew
    decay: float = SpectralCodecConfig.decay  # of the codebooks' averages
    codebooks: tuple[int, ...] = RATES  # of which each step draws
    balance: bool = True
    time: float = 1.0  # what the time loss is multiplied by


PARTS = {
    "whole": Variant(),
    "no k-means": Variant(k_means=False),
    "no restart": Variant(dead=0.0),
    "always 8": Variant(codebooks=(8,)),
    "always 1": Variant(codebooks=(1,)),
    "balancer off": Variant(balance=False),
    "balancer on, time x 100": Variant(time=100.0),
    "balancer off, time x 100": Variant(balance=False, time=100.0),
}
RESTART = {
    "quick, no k-means": Variant(k_means=False, decay=0.95),
    "quick, no k-means, no restart": Variant(k_means=False, decay=0.95, dead=0.0),
}
BASELINES = ("untrained", "silence")


class Unstarted(SpectralCodec):
    """A codec whose codebooks begin as the constructor draws them."""

    def start_codebooks(self, waveform_BCT: Tensor, *, generator: torch.Generator | None = None) -> None:
        """Leave them."""


class ScaledBalancer(Balancer):
    """A balancer that is given a multiple of the time loss, and that can be switched off.

    Args:
        training: the weights of the losses.
        time: what the time loss is multiplied by.
        balance: if not, it adds the gradients of the weighted losses as they are. Their lengths are averaged all the
            same.
    """

    def __init__(self, training: study.Training, *, time: float = 1.0, balance: bool = True) -> None:
        super().__init__({name: getattr(training.weights, name) for name in ("time", "mel")}, decay=study.BALANCE_DECAY)
        self.time, self.balance = time, balance

    def forward(self, losses: Mapping[str, Tensor], output: Tensor) -> Tensor:
        """As in `Balancer`."""
        losses = {**losses, "time": self.time * losses["time"]}
        gradient = super().forward(losses, output)
        if self.balance:
            return gradient
        total = sum(weight * losses[name] for name, weight in self.weights.items())
        return torch.autograd.grad(total, output, retain_graph=True)[0]

    @property
    def time_share(self) -> float:
        """Of the lengths of what is added, how much the time loss's is: a number from 0 to 1."""
        lengths = torch.ones(2) if self.balance else self.lengths
        time, mel = (length * weight for length, weight in zip(lengths.tolist(), self.weights.values(), strict=True))
        return time / (time + mel)


def build(seed: int, variant: Variant = PARTS["whole"]) -> SpectralCodec:
    """The codec of `LIVE` with the first weights of a seed."""
    torch.manual_seed(seed)
    kind = SpectralCodec if variant.k_means else Unstarted
    return kind(SpectralCodecConfig.preset("toy", dead=variant.dead, decay=variant.decay))


def fit(
    codec: SpectralCodec,
    seed: int,
    variant: Variant = PARTS["whole"],
    *,
    balancer: Balancer | None = None,
    training: study.Training = LIVE,
    **options,
) -> train.History:
    """Train it on the training split. `balancer` as in `encodec.fit`, other options as in `train.fit`."""
    training = replace(training, codebooks=variant.codebooks, seed=seed)
    return study.fit(codec, training, study.recordings(), balancer=balancer, **options)


# --- what is measured -------------------------------------------------------------------------------------------------


@cache
def held_out(numbers: tuple[int, int, int] = DISTANCES) -> Tensor:
    """So many stretches of English, other languages and music, evenly spaced over the test split: `[B, 1, T]`."""
    english_T, music_T = study.recordings("test", ("en",))
    other_T, _ = study.recordings("test", tuple(language for language in LANGUAGES if language != "en"))
    parts = zip((english_T, other_T, music_T), numbers, strict=True)
    return torch.cat([_stretches(sound_T, number) for sound_T, number in parts])


def _stretches(sound_T: Tensor, number: int) -> Tensor:
    """Evenly spaced from the beginning to the end: `[B, 1, T]`."""
    samples = SECONDS * sound.RATE
    starts = torch.linspace(0, len(sound_T) - samples, number).long().tolist()
    return torch.stack([sound_T[start : start + samples] for start in starts])[:, None]


@torch.no_grad()
def measured(codec: SpectralCodec) -> list[Row]:
    """How far held-out sounds come back, and how the codebooks are used, in rows of measure, codebooks and value."""
    waveform_BCT, found = held_out(DISTANCES), []
    for codebooks in RATES:
        made_BCT = codec.decode(codec.encode(waveform_BCT, codebooks), waveform_BCT.shape[-1])
        found += _quality(codebooks, waveform_BCT, made_BCT)
    codes_BQF = codec.encode(held_out(USES))
    for number, codes_BF in enumerate(codes_BQF.unbind(1), start=1):
        shares_K = codes_BF.flatten().bincount(minlength=codec.config.entries) / codes_BF.numel()
        found += [_row("used", number, (shares_K > 0).float().mean()), _row("bits", number, entropy(shares_K))]
    return found


def _quality(codebooks: int, waveform_BCT: Tensor, made_BCT: Tensor) -> list[Row]:
    distance_B = log_spectral_distance(waveform_BCT[:, 0], made_BCT[:, 0], sound.RATE)
    return [
        _row("distance", codebooks, distance_B.mean()),
        _row("samples", codebooks, time_loss(waveform_BCT, made_BCT)),
    ]


def _row(measure: str, codebooks: int, value: Tensor | float) -> Row:
    return {"measure": measure, "codebooks": codebooks, "value": float(value)}


def entropy(shares_K: Tensor) -> Tensor:
    """How many bits a code says, given how often each entry is chosen; 2 to the power of it is the perplexity."""
    return -torch.special.xlogy(shares_K, shares_K).sum() / torch.log(torch.tensor(2.0))


def _parts(variant: str, seed: int) -> list[Row]:
    """Train and measure a variant, or measure a baseline."""
    if variant == "silence":
        waveform_BCT = held_out(DISTANCES)
        silent_BCT = torch.zeros_like(waveform_BCT)
        return [row for codebooks in RATES for row in _quality(codebooks, waveform_BCT, silent_BCT)]
    if variant == "untrained":
        return measured(build(seed).eval())
    chosen = {**PARTS, **RESTART}[variant]
    codec, balancer = build(seed, chosen), ScaledBalancer(LIVE, time=chosen.time, balance=chosen.balance)
    fit(codec, seed, chosen, balancer=balancer, progress=False)
    return [*measured(codec), _row("time share", 0, balancer.time_share)]


# --- what the committed rows say --------------------------------------------------------------------------------------


def seeds(variant: str, measure: str = "distance", codebooks: int = 8) -> list[float]:
    """What the committed runs of a variant measured, one number a seed.

    Args:
        variant: of `PARTS`, `RESTART` or `BASELINES`.
        measure: "distance" in decibels and "samples", the mean absolute difference of samples, both with so many
            codebooks in use; of one codebook, 1 to 8, the share of entries "used", the "bits" that a code says, and its
            "perplexity"; with 0 codebooks "time share", the time loss's share of the gradient.
        codebooks: how many, or which one.
    """
    kept = "bits" if measure == "perplexity" else measure
    table = rows("encodec-restart" if variant in RESTART else "encodec-parts")
    values = by_seed(table, variant=variant, measure=kept, codebooks=codebooks)
    return [2**bits for bits in values] if measure == "perplexity" else values


def more(variant: str, measure: str = "distance", codebooks: int = 8, than: str = "whole") -> Interval:
    """How much more there is of a measure than in another variant, with its interval over seeds. See `seeds`."""
    return paired_interval(seeds(variant, measure, codebooks), seeds(than, measure, codebooks))


def _points(*variants: str) -> tuple[Row, ...]:
    return tuple({"variant": variant, "seed": seed} for variant in variants for seed in SEEDS)


EXPERIMENTS = [
    Experiment(
        name="encodec-parts",
        lesson="15",
        question="What do k-means, restart, quantiser dropout and the balancer do for a codec?",
        points=_points(*PARTS, *BASELINES),
        measure=_parts,
        again={"variant": "untrained", "seed": 0},
    ),
    Experiment(
        name="encodec-restart",
        lesson="15",
        question="Without k-means, does restart help where codebooks forget quickly enough for it to act?",
        points=_points(*RESTART, "untrained"),
        measure=_parts,
        again={"variant": "untrained", "seed": 0},
    ),
]
