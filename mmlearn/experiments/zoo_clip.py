"""`toy-clip`: lesson 02's CLIP, a little larger and trained for an hour, for every lesson that needs a trained CLIP."""

import torch

from mmlearn import train
from mmlearn.experiments import clip as study
from mmlearn.experiments.emoji_captions import contrastive, pairs, tokenizer, warp_and_tint
from mmlearn.experiments.zoo import Recipe
from mmlearn.models.clip import CLIP, CLIPConfig

STEPS = 7_000
BATCH = 128
LEARNING_RATE = 1e-3
SEED = 0


def build() -> CLIP:
    """The model with its first weights."""
    torch.manual_seed(SEED)
    return CLIP(CLIPConfig.preset("toy-zoo", vocabulary=len(tokenizer())))


def fit(model: CLIP, **options) -> train.History:
    """Train it, quietly or not; `options` as in `train.fit`."""
    batches = pairs().batches(BATCH, SEED, warp_and_tint)
    return train.fit(model, contrastive, batches, steps=STEPS, lr=LEARNING_RATE, seed=SEED, device="cpu", **options)


def measure(model: CLIP) -> dict[str, float]:
    """All that lesson 02 measures, by names such as "image to text, unseen style, 5"."""
    names = ("measure", "where", "level")
    return {
        ", ".join(str(row[name]) for name in names if row[name] != ""): row["value"] for row in study.measured(model)
    }


RECIPE = Recipe(
    name="toy-clip",
    what="CLIP on emoji and their English names and words; noto, noto-v1 and openmoji never seen",
    build=build,
    fit=fit,
    measure=measure,
    seed=SEED,
)
