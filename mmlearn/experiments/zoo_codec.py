"""`toy-codec`: lesson 15's codec for speech and music, larger, and trained for under two hours."""

from statistics import fmean

import torch

from mmlearn import data, train
from mmlearn.data import sound
from mmlearn.experiments import encodec as study
from mmlearn.experiments.zoo import Recipe
from mmlearn.models.spectral_codec import SpectralCodec, SpectralCodecConfig

CODEBOOKS = (1, 2, 4, 8, 16)  # 0.5 to 8 kbit/s
TRAINING = study.Training(steps=20_000, free_steps=1_000, judged_steps=5_000, codebooks=CODEBOOKS)
EVERY = 10  # clip of speech is measured


def build() -> SpectralCodec:
    """The codec with its first weights."""
    torch.manual_seed(TRAINING.seed)
    return SpectralCodec(SpectralCodecConfig.preset("toy-zoo"))


def fit(codec: SpectralCodec, **options) -> train.History:
    """Train it, quietly or not; `options` as in `train.fit`."""
    return study.fit(codec, TRAINING, study.recordings(), **options)


def measure(codec: SpectralCodec) -> dict[str, float]:
    """Log spectral distances in decibels of sounds that no training saw, by names such as "speech, 4 kbit/s"."""
    rows = {
        "speech": data.load("speech", language=None, split="test")["audio"][::EVERY],
        "music": data.load("music", split="test")["audio"],
    }
    measured = {}
    for kind, contents in rows.items():
        sounds = [sound.decode(content) for content in contents]
        for codebooks in CODEBOOKS:
            found = [study.distance(codec, sound_T, codebooks) for sound_T in sounds]
            measured[f"{kind}, {codec.config.kbps(codebooks):g} kbit/s"] = fmean(found)
    return measured


RECIPES = [
    Recipe(
        name="toy-codec",
        what="EnCodec's ideas over a Fourier transform: speech in five languages and music at 0.5 to 8 kbit/s",
        build=build,
        fit=fit,
        measure=measure,
        seed=TRAINING.seed,
    ),
]
