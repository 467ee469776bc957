"""`toy-clip`: lesson 02's CLIP, a little larger and trained for an hour, for every lesson that needs a trained CLIP.

`toy-clip-cnn` is the same with a convolutional network of as many parameters in place of the ViT, trained alike.
"""

from functools import cache

import torch

from mmlearn import train
from mmlearn.experiments import clip as study
from mmlearn.experiments.emoji_captions import (
    Pairs,
    captions,
    concepts,
    contrastive,
    images,
    tokenizer,
    warp_and_tint,
)
from mmlearn.experiments.zoo import Recipe
from mmlearn.models.clip import CLIP, CLIPConfig
from mmlearn.models.cnn import SmallCNN

STEPS = 9_000
NAMES = 8  # how often a name is repeated among the captions of its concept
BATCH = 128
LEARNING_RATE = 1e-3
SEED = 0
CNN_WIDTH = 43  # about as many parameters as the image encoder


def build() -> CLIP:
    """The model with its first weights."""
    torch.manual_seed(SEED)
    return CLIP(CLIPConfig.preset("toy-zoo", vocabulary=len(tokenizer())))


def build_cnn() -> CLIP:
    """The same model, but with a convolutional image encoder."""
    model = build()
    model.image = SmallCNN(model.config.image_dim, CNN_WIDTH)
    return model


def articled(words: str) -> str:
    """With an article: "a red apple", "an owl"."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


@cache
def texts() -> tuple[tuple[str, ...], ...]:
    """For every concept the captions of lesson 02, its name again and with an article, and its other words alone.

    The words alone teach what a word means when no name stands beside it: "bird", "music". They fit many pictures, so
    the names are repeated until they are half of all captions.
    """
    known = concepts()
    rows = []
    for own, label, tags in zip(captions(), known.labels, known.tags, strict=True):
        words = [form(tag) for tag in tags if tag != label for form in (str, articled)]
        rows.append((*own, *[label, articled(label)] * NAMES, *words))
    return tuple(rows)


def fit(model: CLIP, **options) -> train.History:
    """Train it, quietly or not; `options` as in `train.fit`."""
    tokenize = tokenizer()
    shown = Pairs(images("train"), [tokenize(rows) for rows in texts()])
    batches = shown.batches(BATCH, SEED, warp_and_tint)
    return train.fit(model, contrastive, batches, steps=STEPS, lr=LEARNING_RATE, seed=SEED, device="cpu", **options)


def measure(model: CLIP) -> dict[str, float]:
    """All that lesson 02 measures, by names such as "image to text, unseen style, 5"."""
    names = ("measure", "where", "level")
    return {
        ", ".join(str(row[name]) for name in names if row[name] != ""): row["value"] for row in study.measured(model)
    }


RECIPES = [
    Recipe(
        name="toy-clip",
        what="CLIP on emoji and their English names and words; noto, noto-v1 and openmoji never seen",
        build=build,
        fit=fit,
        measure=measure,
        seed=SEED,
    ),
    Recipe(
        name="toy-clip-cnn",
        what="toy-clip with a convolutional network in place of its ViT, trained by the same recipe",
        build=build_cnn,
        fit=fit,
        measure=measure,
        seed=SEED,
    ),
]
