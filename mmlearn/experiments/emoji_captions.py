"""The task that lessons 02 and 03 share: emoji and their captions. Its data, augmentation, batches and loss.

Shape letters: B batch, C channels, Y and X rows and columns of pixels, N images, L tokens of a text.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn import data
from mmlearn.models.clip_tokenizer import Tokenizer, count_words, learn_merges
from mmlearn.nn.contrastive import symmetric_loss

BATCH = 128
MERGES, CONTEXT = 512, 16
WHITE = 1.0  # the background of an emoji, in numbers from -1 to 1


@dataclass(frozen=True)
class Concepts:
    """What is drawn: for each concept its names in one language, and its place in Unicode's list.

    Attributes:
        codes: code points, one a concept.
        labels: its name.
        tags: other words for it.
        groups, subgroups: names in English.
    """

    codes: tuple[str, ...]
    labels: tuple[str, ...]
    tags: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...]
    subgroups: tuple[str, ...]


class Images(NamedTuple):
    """Pictures `[N, 3, Y, X]` from -1 to 1, and the number of each one's concept `[N]`."""

    pixels: Tensor
    concepts: Tensor


@cache
def concepts(split: str = "train", language: str = "en") -> Concepts:
    """The concepts of a split, in the order of Unicode's list."""
    table = data.load("emoji", split=split, size=8).remove_columns("image")
    rows = list({row["codepoint"]: row for row in table}.values())
    return Concepts(
        tuple(row["codepoint"] for row in rows),
        tuple(row[f"label_{language}"] for row in rows),
        tuple(tuple(row[f"tags_{language}"]) for row in rows),
        tuple(row["group"] for row in rows),
        tuple(row["subgroup"] for row in rows),
    )


@cache
def images(split: str = "train", size: int = 32) -> Images:
    """The pictures of a split; the drawings of one concept stand together."""
    rows = data.load("emoji", split=split, size=size)
    number = {code: index for index, code in enumerate(concepts(split).codes)}
    pixels = data.to_tensor(rows).float() / 127.5 - 1
    return Images(pixels, torch.tensor([number[code] for code in rows["codepoint"]]))


TEMPLATES = ("{}", "a picture of {}", "{} emoji")


@cache
def captions(split: str = "train", language: str = "en") -> tuple[tuple[str, ...], ...]:
    """For every concept the texts that training may show: its name in a few templates, and with each other word.

    A name comes first. A word alone would be a poor caption: half of all faces are called "face".
    """
    known = concepts(split, language)
    templates = TEMPLATES if language == "en" else ("{}",)
    return tuple(
        (*(template.format(label) for template in templates), *(f"{label}, {tag}" for tag in tags if tag != label))
        for label, tags in zip(known.labels, known.tags, strict=True)
    )


@cache
def tokenizer(languages: tuple[str, ...] = ("en",), merges: int = MERGES) -> Tokenizer:
    """A tokenizer whose merges are learned on the names and words of the training concepts."""
    texts = [text for language in languages for known in [concepts("train", language)] for text in known.labels]
    texts += [tag for language in languages for tags in concepts("train", language).tags for tag in tags]
    return Tokenizer(learn_merges(count_words(texts), merges), CONTEXT)


class Shelf:
    """Rows of a table and the number of each one's concept: picks a random row for each of some concepts.

    Args:
        concepts_N: the number of each row's concept, in any order.
        count: how many concepts there are; one without rows cannot be picked.
    """

    def __init__(self, concepts_N: Tensor, count: int) -> None:
        self.order = concepts_N.argsort(stable=True)
        self.counts = torch.bincount(concepts_N, minlength=count)
        self.starts = self.counts.cumsum(0) - self.counts

    def pick(self, concepts_B: Tensor, generator: torch.Generator) -> Tensor:
        """A row of each concept, `[B]`."""
        share_B = torch.rand(len(concepts_B), generator=generator)
        return self.order[self.starts[concepts_B] + (share_B * self.counts[concepts_B]).long()]


def distinct(count: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Endless batches of distinct numbers below `count`, `[B]`; what is left over at the end of a pass is dropped."""
    while True:
        order = torch.randperm(count, generator=generator)
        yield from order[: count // batch_size * batch_size].split(batch_size)


class Pairs:
    """Pictures and captions to train on: what can be drawn for each concept, and what can be said of it.

    Args:
        images: pictures with the numbers of their concepts.
        tokens: for each concept, in the order of these numbers, its captions as rows `[captions, L]`.
    """

    def __init__(self, images: Images, tokens: Sequence[Tensor]) -> None:
        self.pixels, self.tokens_NL, self.count = images.pixels, torch.cat(list(tokens)), len(tokens)
        self.drawings = Shelf(images.concepts, self.count)
        lengths = torch.tensor([len(rows) for rows in tokens])
        self.texts = Shelf(torch.arange(self.count).repeat_interleave(lengths), self.count)

    def __len__(self) -> int:
        return self.count

    def batches(self, batch_size: int, seed: int, augment: Callable) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Endless batches of pictures `[B, C, Y, X]`, captions `[B, L]` and numbers of concepts `[B]`.

        A batch holds distinct concepts: with one twice, a right answer would count as a wrong one.

        Raises:
            ValueError: there are fewer concepts than pairs in a batch.
        """
        if batch_size > len(self):
            raise ValueError(f"a batch holds distinct concepts, and there are {len(self)}; got batch_size={batch_size}")
        return self._batches(batch_size, torch.Generator().manual_seed(seed), augment)

    def _batches(self, batch_size, generator, augment):
        # Apart from `batches`, so that a wrong size is refused at the call and not at the first batch.
        for concepts_B in distinct(len(self), batch_size, generator):
            images = augment(self.pixels[self.drawings.pick(concepts_B, generator)], generator)
            yield images, self.tokens_NL[self.texts.pick(concepts_B, generator)], concepts_B


@cache
def pairs(languages: tuple[str, ...] = ("en",), labels: str = "true", seed: int = 0) -> Pairs:
    """The training pairs. With `"shuffled"` labels every concept has the captions of another one: a control."""
    texts = [
        [text for language in languages for text in captions("train", language)[k]]
        for k in range(len(concepts().codes))
    ]
    if labels == "shuffled":
        order = torch.randperm(len(texts), generator=torch.Generator().manual_seed(seed)).tolist()
        texts = [texts[k] for k in order]
    tokenize = tokenizer(languages)
    return Pairs(images("train"), [tokenize(rows) for rows in texts])


def shift_and_mirror(images_BCYX: Tensor, generator: torch.Generator) -> Tensor:
    """Shift the batch by up to three pixels and mirror half of its images, as in lesson 01."""
    Y, X = images_BCYX.shape[2:]
    padded = F.pad(images_BCYX, (3, 3, 3, 3), value=WHITE)
    top, left = torch.randint(0, 7, (2,), generator=generator).tolist()
    shifted = padded[:, :, top : top + Y, left : left + X]
    mirror = torch.rand(len(shifted), 1, 1, 1, generator=generator) < 0.5
    return torch.where(mirror, shifted.flip(3), shifted)


def warp_and_tint(images_BCYX: Tensor, generator: torch.Generator) -> Tensor:
    """Turn, stretch, shift and mirror each image, and change its colours: what another hand might do. White stays."""
    B = len(images_BCYX)

    def spread(largest: float) -> Tensor:
        return (2 * torch.rand(B, generator=generator) - 1) * largest

    angle, width = spread(0.25), spread(0.2).exp()
    height = width * spread(0.1).exp()
    mirror = torch.where(torch.rand(B, generator=generator) < 0.5, -1.0, 1.0)
    rows = [
        torch.stack([mirror * width * angle.cos(), -height * angle.sin() + spread(0.15), spread(0.12)], dim=1),
        torch.stack([width * angle.sin(), height * angle.cos(), spread(0.12)], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(images_BCYX.shape), align_corners=False)
    warped = F.grid_sample(images_BCYX - WHITE, grid, align_corners=False) + WHITE
    mix = torch.eye(3) + 0.25 * torch.randn(B, 3, 3, generator=generator)
    tinted = torch.einsum("bij,bjyx->biyx", mix / mix.sum(dim=2, keepdim=True), warped - WHITE) + WHITE
    gamma = (0.3 * torch.randn(B, 1, 1, 1, generator=generator)).exp()
    tinted = 2 * ((tinted.clamp(-1, 1) + 1) / 2) ** gamma - 1
    grey = torch.rand(B, 1, 1, 1, generator=generator) < 0.1
    return torch.where(grey, tinted.mean(dim=1, keepdim=True).expand_as(tinted), tinted)


def contrastive(model: nn.Module, batch: tuple) -> Tensor:
    """The loss of a batch for `train.fit`: a CLIP's, with the scale clamped to what the last step left."""
    images_BCYX, tokens_BL, _ = batch
    model.similarity.clamp()
    return symmetric_loss(model(images_BCYX, trim(tokens_BL, model.config.end)))


def trim(tokens_BL: Tensor, end: int) -> Tensor:
    """The texts without the columns in which all of them are filled up with the end token: nothing reads those."""
    longest = int((tokens_BL != end).sum(dim=1).max()) + 1
    return tokens_BL[:, :longest]


def embed_images(model: nn.Module, pixels: Tensor, batch_size: int = 256) -> Tensor:
    """The vectors of many images, `[N, E]`."""
    with torch.no_grad():
        return torch.cat([model.embed_images(part) for part in pixels.split(batch_size)])


def embed_texts(model: nn.Module, tokenize: Tokenizer, texts: Sequence[str]) -> Tensor:
    """The vectors of many texts, `[N, E]`."""
    with torch.no_grad():
        return torch.cat([model.embed_texts(part) for part in tokenize(texts).split(256)])
