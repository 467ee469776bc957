"""Lesson 02: what does it bring to learn from captions rather than from a fixed list of labels?

One encoder, the same pictures, batches and steps; trained with captions (CLIP) or with the number of the concept (a
classifier). The lesson trains and measures with the same functions.

Shape letters: N images, K texts or classes, P prompts for a class, D width of the encoder, E width of the shared space.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn import data, train
from mmlearn.eval.probe import linear_probe
from mmlearn.eval.retrieval import chance_at, ranks
from mmlearn.experiments import emoji_captions
from mmlearn.experiments.emoji_captions import (
    BATCH,
    TEMPLATES,
    concepts,
    contrastive,
    embed_images,
    embed_texts,
    images,
    pairs,
    shift_and_mirror,
    tokenizer,
)
from mmlearn.experiments.table import Experiment, Row, by_seed, rows
from mmlearn.models.clip import CLIP, CLIPConfig, class_vectors
from mmlearn.models.clip_tokenizer import Tokenizer
from mmlearn.models.cnn import SmallCNN
from mmlearn.nn.contrastive import Similarity

STEPS, FEW = 400, 100
LEARNING_RATE = 2e-3
SEEDS = range(5)
PAIRS = STEPS * BATCH  # seen in training; another batch size takes more or fewer steps
CNN_WIDTH = 30  # about as many parameters as the image encoder

STYLE, HARD_STYLE, CONCEPTS, BOTH = "unseen style", "harder style", "unseen concepts", "both unseen"
HELD_OUT = {STYLE: "noto", HARD_STYLE: "openmoji", CONCEPTS: "concepts", BOTH: "noto_concepts"}
DEPTHS = (1, 5)  # R@1 and R@5


# --- models -----------------------------------------------------------------------------------------------------------


class Classifier(nn.Module):
    """An image encoder with a score for each training concept."""

    def __init__(self, encoder: nn.Module, dim: int, classes: int) -> None:
        super().__init__()
        self.image, self.head = encoder, nn.Linear(dim, classes)

    def forward(self, images_BCYX: Tensor) -> Tensor:
        """Images `[B, C, Y, X]` to scores `[B, K]`."""
        return self.head(self.image(images_BCYX))


def build(model: str, seed: int, languages: tuple[str, ...] = ("en",), scale: float | None = None) -> nn.Module:
    """An untrained `"clip"`, `"cnn"` (CLIP with a convolutional image encoder) or `"classifier"`.

    Args:
        scale: that of the scores, held at this value; None: learned.
    """
    torch.manual_seed(seed)
    config = CLIPConfig.preset("toy", vocabulary=len(tokenizer(languages)))
    net = CLIP(config)
    if model == "cnn":
        net.image = SmallCNN(config.image_dim, CNN_WIDTH)
    if scale is not None:
        net.similarity = Similarity(scale, learned=False)
    return Classifier(net.image, config.image_dim, len(concepts().codes)) if model == "classifier" else net


def fit(
    model: nn.Module,
    *,
    seed: int,
    languages: tuple[str, ...] = ("en",),
    captions: str = "true",
    batch: int = BATCH,
    steps: int = STEPS,
    loss: Callable = contrastive,
    on_event: Callable | Sequence = (),
    progress: bool | str = True,
    device: str | None = None,
) -> train.History:
    """Train a model of `build`, or one like it; a classifier on the numbers of the concepts.

    Args:
        languages: of the captions; the model has the vocabulary of `tokenizer(languages)`.
        captions: "true", or "shuffled" as the negative control.
        loss, on_event, progress, device: as in `train.fit`.
    """
    shown = pairs(languages, captions, seed)
    return train.fit(
        model,
        _by_number if isinstance(model, Classifier) else loss,
        shown.batches(batch, seed, shift_and_mirror),
        steps=steps,
        lr=LEARNING_RATE,
        seed=seed,
        on_event=on_event,
        progress=progress,
        device=device,
    )


def _by_number(model: Classifier, batch: tuple) -> Tensor:
    images_BCYX, _, concepts_B = batch
    return F.cross_entropy(model(images_BCYX), concepts_B)


# --- measures ---------------------------------------------------------------------------------------------------------


class Held(NamedTuple):
    """A held-out set: pictures `[N, 3, Y, X]`, the number of each one's concept, and what is known of the concepts."""

    pixels: Tensor
    numbers: Tensor
    known: emoji_captions.Concepts

    @property
    def relevant_NK(self) -> Tensor:
        """Which name belongs to which picture."""
        return self.numbers[:, None] == torch.arange(len(self.known.codes))


@cache
def held_out(where: str) -> Held:
    """The set with this name of `HELD_OUT`."""
    split = HELD_OUT[where]
    return Held(*images(split), concepts(split))


def _row(measure: str, where: str, level: float | str, value: float) -> Row:
    return {"measure": measure, "where": where, "level": level, "value": float(value)}


def _recalls(measure: str, where: str, scores_QN: Tensor, relevant_QN: Tensor) -> list[Row]:
    ranks_Q = ranks(scores_QN, relevant_QN)
    return [_row(measure, where, k, (ranks_Q <= k).float().mean()) for k in DEPTHS]


def measured(model: CLIP, languages: tuple[str, ...] = ("en",)) -> list[Row]:
    """All that is asked of a trained CLIP."""
    tokenize, found = tokenizer(languages), []
    for where in HELD_OUT:
        found += _retrieval(model, tokenize, where, "en") + _retrieval(model, tokenize, where, "ru")
        found += _zero_shot(model, tokenize, where)
    found += on_photographs(model, tokenize) + probed(model.image)
    return [*found, _row("scale", "", "", model.similarity.log_scale.exp().item())]


def retrieval(model: CLIP, tokenize: Tokenizer) -> list[Row]:
    """R@1 and R@5 of pictures and English names, both ways, on all held-out sets."""
    return [row for where in HELD_OUT for row in _retrieval(model, tokenize, where, "en")]


def _retrieval(model: CLIP, tokenize: Tokenizer, where: str, language: str) -> list[Row]:
    held, kind = held_out(where), "" if language == "en" else f", {language}"
    text_KE = embed_texts(model, tokenize, concepts(HELD_OUT[where], language).labels)
    scores_NK = embed_images(model, held.pixels) @ text_KE.T
    found = _recalls(f"image to text{kind}", where, scores_NK, held.relevant_NK)
    return found + _recalls(f"text to image{kind}", where, scores_NK.T, held.relevant_NK.T)


class Words(NamedTuple):
    """How often a word that is no name finds a picture that it fits, among those of a held-out set.

    Attributes:
        count: words asked for.
        found: by k, the share with a fitting picture among the k nearest.
        chance: by k, the same for pictures in a random order.
    """

    count: int
    found: dict[int, float]
    chance: dict[int, float]


def single_words(model: CLIP, tokenize: Tokenizer, where: str = STYLE) -> Words:
    """Look for pictures with each other word of the concepts, alone; a picture fits if its concept has the word."""
    held = held_out(where)
    words = sorted({tag for tags in held.known.tags for tag in tags} - set(held.known.labels))
    fits_WK = torch.tensor([[word in tags for tags in held.known.tags] for word in words])
    fits_WN = fits_WK[:, held.numbers]
    scores_WN = embed_texts(model, tokenize, words) @ embed_images(model, held.pixels).T
    ranks_W = ranks(scores_WN, fits_WN)
    found = {k: (ranks_W <= k).float().mean().item() for k in DEPTHS}
    return Words(len(words), found, {k: chance_at(k, fits_WN) for k in DEPTHS})


PHOTOGRAPHS = "photographs"
FEWEST = 9  # photographs that a category must have to be asked for


class Photographs(NamedTuple):
    """Real pictures `[N, 3, Y, X]` from -1 to 1, their names and their categories."""

    pixels: Tensor
    labels: tuple[str, ...]
    categories: tuple[str, ...]


@cache
def photographs() -> Photographs:
    """The photographs of the set `stamps`: things that emoji also show, and others, in a world that they do not."""
    rows_of = data.load("stamps", split="photos", size=32)
    return Photographs(
        data.to_tensor(rows_of).float() / 127.5 - 1, tuple(rows_of["label_en"]), tuple(rows_of["category"])
    )


def on_photographs(model: CLIP, tokenize: Tokenizer) -> list[Row]:
    """Retrieval among the photographs and their names, and the zero-shot accuracy over their larger categories.

    The accuracy is the mean over categories, since half of the photographs show animals; chance is one in as many.
    """
    shown = photographs()
    names = sorted(set(shown.labels))
    image_NE, text_KE = embed_images(model, shown.pixels), embed_texts(model, tokenize, names)
    relevant_NK = torch.tensor([[name == own for name in names] for own in shown.labels])
    found = _recalls("image to text", PHOTOGRAPHS, image_NE @ text_KE.T, relevant_NK)
    found += _recalls("text to image", PHOTOGRAPHS, text_KE @ image_NE.T, relevant_NK.T)
    categories = large_categories()
    guesses = (image_NE @ embed_texts(model, tokenize, categories).T).argmax(dim=1).tolist()
    shares = []
    for number, category in enumerate(categories):
        own = [guess == number for guess, c in zip(guesses, shown.categories, strict=True) if c == category]
        shares.append(sum(own) / len(own))
    return [*found, _row("zero-shot categories", PHOTOGRAPHS, "", sum(shares) / len(shares))]


def large_categories() -> list[str]:
    """The categories with enough photographs."""
    counts = Counter(photographs().categories)
    return sorted(category for category, count in counts.items() if count >= FEWEST)


def label_set(where: str, kind: str) -> tuple[list[str], Tensor]:
    """The names of all groups or subgroups of training, and the number of each image's one.

    Args:
        kind: "groups" or "subgroups".
    """
    codes = sorted(set(getattr(concepts(), kind)))
    held = held_out(where)
    numbers = torch.tensor([codes.index(code) for code in getattr(held.known, kind)])
    return [names_of(kind)[code] for code in codes], numbers[held.numbers]


@cache
def names_of(kind: str) -> dict[str, str]:
    """The English names of groups or subgroups by their codes: "food-drink" is "food & drink"."""
    table = data.load("emoji", split="train", size=8).remove_columns("image")
    column = kind.removesuffix("s")
    return dict(zip(table[column], table[f"{column}_en"], strict=True))


@cache
def members(kind: str) -> tuple[tuple[str, ...], ...]:
    """For each class of a label set, sorted by its code, the names of the training concepts in it."""
    known = concepts()
    classes = getattr(known, kind)
    return tuple(
        tuple(label for label, own in zip(known.labels, classes, strict=True) if own == code)
        for code in sorted(set(classes))
    )


def classifier_from_text(model: CLIP, tokenize: Tokenizer, prompts: Sequence[Sequence[str]]) -> Tensor:
    """The class vectors `[K, E]` of lists of prompts, one list a class; each may have another length."""
    vectors = [class_vectors(embed_texts(model, tokenize, texts)[None]) for texts in prompts]
    return torch.cat(vectors)


def prompts_for(names: Sequence[str], kind: str) -> dict[str, list[list[str]]]:
    """Three ways to describe classes in words: the name, the name in templates, the names of things in it."""
    return {
        "name": [[name] for name in names],
        "templates": [[template.format(name) for template in TEMPLATES] for name in names],
        "members": [list(things) for things in members(kind)],
    }


def _zero_shot(model: CLIP, tokenize: Tokenizer, where: str) -> list[Row]:
    image_NE, found = embed_images(model, held_out(where).pixels), []
    for kind in ("groups", "subgroups"):
        names, labels_N = label_set(where, kind)
        for how, prompts in prompts_for(names, kind).items():
            guesses_N = (image_NE @ classifier_from_text(model, tokenize, prompts).T).argmax(dim=1)
            found.append(_row(f"zero-shot {kind}", where, how, (guesses_N == labels_N).float().mean()))
    return found


def probed(encoder: nn.Module) -> list[Row]:
    """Linear probes on an encoder's vectors: fitted on the training pictures, tested on all held-out sets."""
    pixels, numbers = images("train")
    vectors_ND, found = _encoded(encoder, pixels), []
    for kind in ("groups", "subgroups"):
        classes = getattr(concepts(), kind)
        codes = sorted(set(classes))
        labels_N = torch.tensor([codes.index(code) for code in classes])[numbers]
        for where in HELD_OUT:
            held_ND = _encoded(encoder, held_out(where).pixels)
            accuracy = linear_probe(vectors_ND, labels_N, held_ND, label_set(where, kind)[1])
            found.append(_row(f"probe {kind}", where, "", accuracy))
    return found


def _encoded(encoder: nn.Module, pixels: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([encoder(part) for part in pixels.split(256)])


def measured_classifier(model: Classifier) -> list[Row]:
    """What can be asked of the classifier: the concept of a picture, its group by that concept, and the probes."""
    found = []
    for where, split in HELD_OUT.items():
        held = held_out(where)
        scores_NK = _encoded(model, held.pixels)
        if split in ("noto", "openmoji"):  # of an unseen concept it has no score
            found += _recalls("image to text", where, scores_NK, held.relevant_NK)
        for kind in ("groups", "subgroups"):
            classes = getattr(concepts(), kind)
            codes = sorted(set(classes))
            of_concept = torch.tensor([codes.index(code) for code in classes])
            guesses_N = of_concept[scores_NK.argmax(dim=1)]
            right = (guesses_N == label_set(where, kind)[1]).float().mean()
            found.append(_row(f"{kind} of the nearest concept", where, "", right))
    return [*found, *probed(model.image)]


def baselines() -> list[Row]:
    """Chance and majority on all held-out sets."""
    found = []
    for where in HELD_OUT:
        relevant_NK = held_out(where).relevant_NK
        for k in DEPTHS:
            found.append(_row("image to text", where, k, chance_at(k, relevant_NK)))
            found.append(_row("text to image", where, k, chance_at(k, relevant_NK.T)))
        for kind in ("groups", "subgroups"):
            classes = getattr(concepts(), kind)
            codes = sorted(set(classes))
            most = torch.tensor([codes.index(classes[number]) for number in images("train").concepts]).mode().values
            found.append(_row(f"majority {kind}", where, "", (label_set(where, kind)[1] == most).float().mean()))
    shown = photographs()
    relevant_NK = torch.tensor([[name == own for name in sorted(set(shown.labels))] for own in shown.labels])
    for k in DEPTHS:
        found.append(_row("image to text", PHOTOGRAPHS, k, chance_at(k, relevant_NK)))
        found.append(_row("text to image", PHOTOGRAPHS, k, chance_at(k, relevant_NK.T)))
    return [*found, _row("zero-shot categories", PHOTOGRAPHS, "", 1 / len(large_categories()))]


# --- the sweep --------------------------------------------------------------------------------------------------------

BATCHES = (32, 512)  # besides 128, with as many pairs in all
SCALES = (1.0, 100.0)  # held; besides the learned one
LEARNED = "learned"


def _point(model: str, captions: str, batch: int, scale: float | str, steps: int, seed: int) -> list[Row]:
    """Train one model as the lesson does, quietly and on the CPU, and measure it."""
    if model == "chance":
        return baselines()
    languages = ("en", "ru") if captions == "en+ru" else ("en",)
    net = build(model, seed, languages, None if scale == LEARNED else scale)
    how = {"languages": languages, "captions": "shuffled" if captions == "shuffled" else "true", "batch": batch}
    if steps:
        fit(net, seed=seed, steps=steps, progress=False, device="cpu", **how)
    return measured_classifier(net.eval()) if model == "classifier" else measured(net.eval(), languages)


def _points() -> tuple[Row, ...]:
    names = ("model", "captions", "batch", "scale", "steps")
    runs = [("clip", "en", BATCH, LEARNED, steps) for steps in (STEPS, 0, FEW)]
    runs += [("clip", captions, BATCH, LEARNED, STEPS) for captions in ("shuffled", "en+ru")]
    runs += [("classifier", "none", BATCH, LEARNED, STEPS), ("cnn", "en", BATCH, LEARNED, STEPS)]
    runs += [("clip", "en", batch, LEARNED, PAIRS // batch) for batch in BATCHES]
    runs += [("clip", "en", BATCH, scale, STEPS) for scale in SCALES]
    points = [dict(zip(names, run, strict=True), seed=seed) for run in runs for seed in SEEDS]
    return (*points, dict(zip(names, ("chance", "none", BATCH, LEARNED, 0), strict=True), seed=0))


# --- what the committed rows say --------------------------------------------------------------------------------------

_USUAL = {"captions": "en", "batch": BATCH, "scale": LEARNED, "steps": STEPS}


def seeds(model: str, measure: str, where: str, level: float | str = 1, **changed) -> list[float]:
    """What the committed runs of a model measured, one number a seed.

    Args:
        model: "clip", "cnn", "classifier", or "chance" (one number).
        measure, where, level: as in the rows, such as "image to text", `STYLE`, 5.
        changed: other settings, such as `captions="shuffled"` or `scale=100`.
    """
    other = {"classifier": {"captions": "none"}, "chance": {"captions": "none", "steps": 0}}.get(model, {})
    settings = _USUAL | other | changed
    return by_seed(_table(), model=model, measure=measure, where=where, level=level, **settings)


@cache
def _table() -> list[Row]:
    return rows("clip-captions")


EXPERIMENTS = [
    Experiment(
        name="clip-captions",
        lesson="02",
        question="What do captions bring over numbers of concepts, and what do batch size and temperature change?",
        points=_points(),
        measure=_point,
        again={"model": "clip", "captions": "en", "batch": BATCH, "scale": LEARNED, "steps": FEW, "seed": 0},
    ),
]
