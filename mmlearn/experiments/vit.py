"""Lesson 01: what does a transformer bring to images, compared with a convolutional network?

One task, one recipe, two models of about the same number of parameters. The lesson trains and measures with the same
functions.

Shape letters: B batch, C channels, Y and X rows and columns of pixels, N patches, D model width.
"""

from functools import cache, partial

import torch
from torch import nn

from mmlearn import data
from mmlearn.eval.classification import accuracy, majority_share
from mmlearn.eval.corruptions import occlude, shuffle_cells
from mmlearn.eval.pictures import nearest_mean
from mmlearn.eval.reach import attention_distance, gradient_distance
from mmlearn.experiments import emoji_groups
from mmlearn.experiments.emoji_groups import CONCEPTS, STYLE, WHITE, Images, task, training_images
from mmlearn.experiments.table import Experiment, Row, by_seed, rows
from mmlearn.models.cnn import SmallCNN
from mmlearn.models.vit import POSITION_STD, ViT, ViTConfig

__all__ = ["CONCEPTS", "POSITION_STD", "STYLE", "task", "training_images"]  # the lesson takes these from here

STEPS, LONG = 400, 1600
LEARNING_RATE = 2e-3
SEEDS = range(5)

fit = partial(emoji_groups.fit, steps=STEPS, lr=LEARNING_RATE)


def build(model: str, seed: int) -> nn.Module:
    """The lesson's `"vit"` or `"cnn"`, with the first weights of a seed."""
    torch.manual_seed(seed)
    config = ViTConfig.preset("toy")
    return ViT(config) if model == "vit" else SmallCNN(config.classes, width=24)


def _trained(net: nn.Module, images: Images, seed: int, steps: int = STEPS, lr: float = LEARNING_RATE) -> nn.Module:
    """Trained quietly and on the CPU, where the committed rows were made."""
    if steps:
        fit(net, images, seed=seed, steps=steps, lr=lr, progress=False, device="cpu")
    return net.eval()


# --- the learning rate, chosen on concepts that are neither trained on nor used below ---------------------------------

RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3)


def _learning_rate(model: str, lr: float, seed: int) -> list[Row]:
    fitting, validation = _validation_split()
    return [{"accuracy": accuracy(_trained(build(model, seed), fitting, seed, lr=lr), *validation)}]


@cache
def _validation_split() -> tuple[Images, Images]:
    """The training images in two parts: every tenth concept apart, whole."""
    split = data.load("emoji", split="train", size=32)
    number = {concept: index for index, concept in enumerate(sorted(set(split["codepoint"])))}
    apart = torch.tensor([number[concept] % 10 == 0 for concept in split["codepoint"]])
    images = task().train
    return tuple(Images(images.pixels[part], images.labels[part]) for part in (~apart, apart))


# --- ViT against CNN: more images, more steps; what each relies on ----------------------------------------------------

SIZES = (316, 800, 2025, 5065)
ALL = SIZES[-1]
SHARES = (0.25, 0.5, 0.75)
CELLS = (16, 8, 4)
LARGER = 48


def _against(model: str, images: int, steps: int, labels: str, seed: int) -> list[Row]:
    """Accuracy on both held-out sets; with all images also what is left of it when something is taken away."""
    chosen = training_images(images, seed, labels)
    if model in ("majority", "mean picture"):
        return _baseline(model, chosen)
    net = _trained(build(model, seed), chosen, seed, steps)
    return measured(net) if images == ALL and labels == "true" else _accuracies(net)


def measured(net: nn.Module) -> list[Row]:
    """All that is asked of a trained model: accuracy, what is left of it without parts, another size, reach."""
    return [*_accuracies(net), *_without(net), *_at_another_size(net), *reach(net)]


def _row(measure: str, where: str, level: float | str, value: float) -> Row:
    return {"measure": measure, "where": where, "level": level, "value": float(value)}


def _accuracies(net: nn.Module) -> list[Row]:
    return [_row("accuracy", name, "", accuracy(net, *held)) for name, held in task().held_out.items()]


def _baseline(model: str, chosen: Images) -> list[Row]:
    """Without training: always the most frequent group, or the group whose mean picture is nearest."""
    if model == "majority":
        guess = lambda held: majority_share(chosen.labels, held.labels)
    else:
        groups = range(len(task().groups))
        means_KCYX = torch.stack([chosen.pixels[chosen.labels == group].mean(dim=0) for group in groups])
        guess = lambda held: (nearest_mean(held.pixels, means_KCYX) == held.labels).float().mean()
    return [_row("accuracy", name, "", guess(held)) for name, held in task().held_out.items()]


def _without(net: nn.Module) -> list[Row]:
    """Accuracy on unseen concepts when patches are covered, or stand in a random order."""
    pixels, labels = task().held_out[CONCEPTS]
    patch = ViTConfig.preset("toy").patch_size
    covered = {share: occlude(pixels, share, patch, WHITE) for share in SHARES}
    shuffled = {cell: shuffle_cells(pixels, cell) for cell in CELLS}
    return [
        *(_row("accuracy, covered", CONCEPTS, share, accuracy(net, x, labels)) for share, x in covered.items()),
        *(_row("accuracy, shuffled", CONCEPTS, cell, accuracy(net, x, labels)) for cell, x in shuffled.items()),
    ]


def _at_another_size(net: nn.Module) -> list[Row]:
    """Accuracy on the same unseen concepts in larger pictures; a ViT with interpolated and with scrambled positions."""
    held = task(LARGER).held_out[CONCEPTS]
    if not isinstance(net, ViT):
        return [_row("accuracy, larger", CONCEPTS, "as it is", accuracy(net, *held))]
    resized = net.resized((LARGER, LARGER))
    rows = [_row("accuracy, larger", CONCEPTS, "interpolated", accuracy(resized, *held))]
    patches_ND = resized.encoder.positions.data[0, 1:]
    patches_ND.copy_(patches_ND[torch.randperm(len(patches_ND), generator=torch.Generator().manual_seed(0))])
    return [*rows, _row("accuracy, larger", CONCEPTS, "scrambled", accuracy(resized, *held))]


def reach(net: nn.Module) -> list[Row]:
    """How far every head or stage looks, in pixels, over 256 unseen concepts."""
    pixels = task().held_out[CONCEPTS].pixels[:256]
    if isinstance(net, ViT):
        with torch.no_grad():
            weights = net.attention_weights(pixels)
        by_layer = [attention_distance(layer, net.config.grid, net.config.patch_size).tolist() for layer in weights]
        return [
            _row("reach", f"layer {layer}", head, distance)
            for layer, heads in enumerate(by_layer, 1)
            for head, distance in enumerate(heads, 1)
        ]
    ends = [index + 1 for index, part in enumerate(net.stages) if isinstance(part, nn.MaxPool2d)]
    return [
        _row("reach", f"stage {stage}", 1, gradient_distance(net.stages[:end], pixels))
        for stage, end in enumerate(ends, 1)
    ]


def _points_against() -> tuple[Row, ...]:
    names = ("model", "images", "steps", "labels")
    runs = [(model, count, STEPS, "true") for count in SIZES for model in ("vit", "cnn")]
    runs += [(model, count, 0, "true") for count in SIZES for model in ("majority", "mean picture")]
    others = ((0, "true"), (STEPS, "shuffled"), (LONG, "true"))
    runs += [(model, ALL, *how) for how in others for model in ("vit", "cnn")]
    return tuple(dict(zip(names, run, strict=True), seed=seed) for run in runs for seed in SEEDS)


# --- positions: none, and first values of several sizes ---------------------------------------------------------------

SCALES = (0.0, POSITION_STD, 0.1, 0.5, 2.0)
LARGE = 0.5
LONG_SCALES = (0.0, POSITION_STD, LARGE)


def _positions(scale: float, steps: int, seed: int) -> list[Row]:
    """A ViT whose first positions are drawn with this standard deviation; at 0 they stay 0: there are none.

    It is trained as `_against` trains its own, so at the usual scale both measure the same.
    """
    net = build("vit", seed)
    positions = net.encoder.positions
    positions.data.mul_(scale / POSITION_STD)  # the same draw, only larger
    positions.requires_grad_(scale > 0)
    _trained(net, training_images(ALL, seed), seed, steps)
    pixels, labels = task().held_out[CONCEPTS]
    shuffled = shuffle_cells(pixels, net.config.patch_size)
    return [
        *_accuracies(net),
        _row("accuracy, shuffled", CONCEPTS, net.config.patch_size, accuracy(net, shuffled, labels)),
        *_at_another_size(net),
    ]


# --- what the committed rows say --------------------------------------------------------------------------------------

_USUAL = {"measure": "accuracy", "level": "", "images": ALL, "steps": STEPS, "labels": "true"}


def seeds(model: str, where: str = CONCEPTS, **changed) -> list[float]:
    """What the committed runs of a model measured, one number a seed: on unseen concepts, trained as in the lesson.

    Args:
        model: "ViT", "CNN", "majority" or "mean picture"; the last two take no steps.
        changed: other settings, such as `images=800` or `measure="accuracy, shuffled", level=4`.
    """
    steps = {"steps": 0} if model in ("majority", "mean picture") else {}
    return by_seed(rows("vit-against-cnn"), model=model.lower(), where=where, **_USUAL | steps | changed)


def scale_seeds(scale: float, measure: str, steps: int = STEPS, **changed) -> list[float]:
    """What the committed ViTs measured on unseen concepts whose positions began at this scale, one number a seed."""
    return by_seed(rows("vit-positions"), scale=scale, measure=measure, steps=steps, **{"where": CONCEPTS} | changed)


def lead(where: str = CONCEPTS, **changed) -> list[float]:
    """The accuracy of the CNN minus that of the ViT, one number a seed; arguments as in `seeds`."""
    pairs = zip(seeds("CNN", where, **changed), seeds("ViT", where, **changed), strict=True)
    return [cnn - vit for cnn, vit in pairs]


EXPERIMENTS = [
    Experiment(
        name="vit-learning-rate",
        lesson="01",
        question="Which learning rate suits each model, judged on training concepts set apart?",
        points=tuple({"model": m, "lr": lr, "seed": s} for m in ("vit", "cnn") for lr in RATES for s in range(2)),
        measure=_learning_rate,
        again={"model": "cnn", "lr": 2e-3, "seed": 0},
    ),
    Experiment(
        name="vit-against-cnn",
        lesson="01",
        question="What does a ViT gain or lose against a CNN of equal size, with more images and more steps?",
        points=_points_against(),
        measure=_against,
        again={"model": "cnn", "images": SIZES[0], "steps": STEPS, "labels": "true", "seed": 0},
    ),
    Experiment(
        name="vit-positions",
        lesson="01",
        question="What do positions bring, and how large should they be at first?",
        points=tuple(
            {"scale": scale, "steps": steps, "seed": seed}
            for steps, scales in ((STEPS, SCALES), (LONG, LONG_SCALES))
            for scale in scales
            for seed in SEEDS
        ),
        measure=_positions,
        again={"scale": 0.0, "steps": STEPS, "seed": 0},
    ),
]
