"""From a control to the picture, for each figure that has controls: python tests/benchmarks/widgets.py

The time to draw the figure and to make the PNG that the page shows. What the browser needs on top is not in it.
"""

import statistics
import time

import torch

from mmlearn import data
from mmlearn.course.drawings import clip as draw_clip
from mmlearn.course.drawings import vit as draw
from mmlearn.course.figures import image_grid, img
from mmlearn.experiments import emoji_captions as emoji
from mmlearn.experiments import zoo
from mmlearn.models.vit import ViT, ViTConfig

ROUNDS = 15
AIM = 150  # milliseconds


def milliseconds(make) -> float:
    """Wall time of one new picture."""
    start = time.perf_counter()
    img(make(), alt="timed")
    return 1000 * (time.perf_counter() - start)


def lesson_01() -> dict:
    """Name to what draws a new picture."""
    config = ViTConfig.preset("toy")
    vit, before = ViT(config).eval(), ViT(config).encoder.positions
    images = data.to_tensor(data.load("emoji", split="noto", size=32).select(range(3)))
    with torch.no_grad():
        weights = vit.attention_weights(images.float() / 127.5 - 1)
    positions, grid = vit.encoder.positions, config.grid
    return {
        "patches of 16": lambda: draw.patches_and_sequence(images[0], 16),
        "patches of 4": lambda: draw.patches_and_sequence(images[0], 4),
        "position": lambda: draw.position_similarity(positions, grid, 3, 6, before),
        "attention of a head": lambda: draw.attention_map(images, weights, grid, 1, 2, 3),
        "attention, mean": lambda: draw.attention_map(images, weights, grid, 2, 4, None),
    }


def lesson_02() -> dict:
    """Name to what embeds a typed text, compares it and draws the picture."""
    clip, tokenize = zoo.load("toy-clip"), emoji.tokenizer()
    pixels = emoji.images("noto").pixels[::2]
    vectors = emoji.embed_images(clip, pixels)
    names = ["an animal", "food", "a vehicle", "music", "a person"]

    def nearest():
        places = (vectors @ emoji.embed_texts(clip, tokenize, ["a yellow fruit"])[0]).topk(8).indices
        return image_grid(pixels[places] / 2 + 0.5, list("abcdefgh"), size=1.0)

    def matrix():
        scores = vectors[:5] @ emoji.embed_texts(clip, tokenize, names).T
        return draw_clip.score_matrix(pixels[:5] / 2 + 0.5, names, scores, partners=False)

    def shares():
        scores = vectors[0] @ emoji.embed_texts(clip, tokenize, names).T
        return draw_clip.shares(pixels[0] / 2 + 0.5, names, scores.softmax(dim=0), "toy-clip")

    return {
        "tokens of a text": lambda: draw_clip.tokens("a text", names, range(5)),
        "nearest pictures": nearest,
        "matrix of own texts": matrix,
        "own labels": shares,
    }


def main() -> None:
    pictures = lesson_01() | lesson_02()
    for make in pictures.values():  # the first picture loads fonts and matplotlib itself
        milliseconds(make)
    for name, make in pictures.items():
        times = [milliseconds(make) for _ in range(ROUNDS)]
        print(f"{name:<22}{statistics.median(times):5.0f} ms ({min(times):.0f} to {max(times):.0f}), aim {AIM}")


if __name__ == "__main__":
    main()
