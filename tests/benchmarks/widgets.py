"""From a control to the picture, for each figure of lesson 01 that has controls: python tests/benchmarks/widgets.py

The time to draw the figure and to make the PNG that the page shows. What the browser needs on top is not in it.
"""

import statistics
import time

import torch

from mmlearn import data
from mmlearn.course.drawings import vit as draw
from mmlearn.course.figures import img
from mmlearn.models.vit import ViT, ViTConfig

ROUNDS = 15
AIM = 150  # milliseconds


def milliseconds(make) -> float:
    """Wall time of one new picture."""
    start = time.perf_counter()
    img(make(), alt="timed")
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    config = ViTConfig.preset("toy")
    vit, before = ViT(config).eval(), ViT(config).encoder.positions
    images = data.to_tensor(data.load("emoji", split="noto", size=32).select(range(3)))
    with torch.no_grad():
        weights = vit.attention_weights(images.float() / 127.5 - 1)
    positions, grid = vit.encoder.positions, config.grid
    pictures = {
        "patches of 16": lambda: draw.patches_and_sequence(images[0], 16),
        "patches of 4": lambda: draw.patches_and_sequence(images[0], 4),
        "position": lambda: draw.position_similarity(positions, grid, 3, 6, before),
        "attention of a head": lambda: draw.attention_map(images, weights, grid, 1, 2, 3),
        "attention, mean": lambda: draw.attention_map(images, weights, grid, 2, 4, None),
    }
    for make in pictures.values():  # the first picture loads fonts and matplotlib itself
        milliseconds(make)
    for name, make in pictures.items():
        times = [milliseconds(make) for _ in range(ROUNDS)]
        print(f"{name:<22}{statistics.median(times):5.0f} ms ({min(times):.0f} to {max(times):.0f}), aim {AIM}")


if __name__ == "__main__":
    main()
