"""Lesson 00's pictures.

Shape letters: C channels, Y and X rows and columns of pixels.
"""

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

from mmlearn.course.drawings.page import Page
from mmlearn.course.figures import COLOURS, styled
from mmlearn.course.lessons import find
from mmlearn.course.systems import SYSTEMS, System

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What stands above the columns of `course`, and the modalities that each joins.
GOES_IN = {
    "text": ("text",),
    "image": ("image",),
    "video": ("video",),
    "audio": ("audio",),
    "depth,\nthermal,\nmotion": ("depth", "thermal", "motion"),
    "class": ("class",),
}
COMES_OUT = {"class": ("class",), "vector": ("vector",), "text": ("text",), "image": ("image",), "audio": ("audio",)}
ROW, COLUMN = 0.29, 0.56  # inches, as are the places below
LEFT, MIDDLE, RIGHT = 2.0, 5.25, 7.9  # first column that goes in, the names, first column that comes out
BANDS = ("#f0f0f0", "white")


@styled
def course(image_CYX: Tensor) -> "Figure":
    """The whole course: a line for each system, a dot for what goes in on its left and what comes out on its right.

    Args:
        image_CYX: uint8 `[3, Y, X]`, stands for pictures in the heading.
    """
    height = ROW * len(SYSTEMS) + 1.2
    page = Page(10.5, height)
    top = height - 1.15
    _heading(page, top, image_CYX.permute(1, 2, 0).numpy())
    for number, (part, members) in enumerate(groupby(SYSTEMS, key=lambda system: find(system.lesson).part)):
        rows = list(members)
        bottom = top - ROW * len(rows)
        band = {"color": BANDS[number % 2], "lw": 0, "zorder": 0}
        page.canvas.fill_between((0, page.width), bottom, top, **band)
        page.text(0.12, (top + bottom) / 2, textwrap.fill(part, 21), va="center", fontsize=9, color="#333333")
        for index, system in enumerate(rows):
            _row(page, top - ROW * (index + 0.5), system)
        top = bottom
    return page.fig


def _heading(page: Page, bottom: float, pixels) -> None:
    """Above each column its name and something of its kind."""
    top = page.height - 0.06
    page.text(LEFT - 0.2, top, "goes in", va="top", weight="bold")
    page.text(MIDDLE, top, "lesson and system", va="top", weight="bold")
    page.text(RIGHT - 0.2, top, "comes out", va="top", weight="bold")
    page.arrow((LEFT + 0.5, top - 0.1), (MIDDLE - 0.1, top - 0.1))
    page.arrow((MIDDLE + 1.75, top - 0.1), (RIGHT - 0.3, top - 0.1))
    for first, columns in ((LEFT, GOES_IN), (RIGHT, COMES_OUT)):
        for index, name in enumerate(columns):
            x = first + index * COLUMN
            page.text(x, bottom + 0.05, name, ha="center", va="bottom", fontsize=8.5, linespacing=0.95)
            _example(page, name, x, bottom + 0.57, pixels)


def _example(page: Page, name: str, x: float, y: float, pixels) -> None:
    """A small thing of this modality around (x, y)."""
    words = {"text": "“a parrot”", "class": "bird", "vector": "0.3\n−1.2"}
    if name in ("image", "video"):
        for shift in (0.06, 0, -0.06) if name == "video" else (0,):
            page.picture(x - 0.17 + shift, y - 0.17 + shift, 0.34, 0.34, pixels)
    elif name == "audio":
        for index, size in enumerate((0.05, 0.12, 0.3, 0.2, 0.34, 0.16, 0.25, 0.1, 0.04)):
            across = x + (index - 4) * 0.045
            page.canvas.plot((across, across), (y - size / 2, y + size / 2), color="#333333", lw=1.6, ls="-")
    elif name in words:
        page.text(x, y, words[name], ha="center", va="center", fontsize=7.5, style="italic", color="#333333")


def _row(page: Page, y: float, system: System) -> None:
    lesson = find(system.lesson)
    weight = "bold" if lesson.landed else "normal"
    page.text(MIDDLE, y, f"{lesson.number}  {system.name}", va="center", fontsize=9.5, weight=weight)
    for first, columns, present in ((LEFT, GOES_IN, system.takes), (RIGHT, COMES_OUT, system.gives)):
        for index, joined in enumerate(columns.values()):
            there = bool(set(joined) & set(present))
            style = {"ms": 9, "color": COLOURS[0]} if there else {"ms": 2.5, "color": "#aaaaaa"}
            page.canvas.plot(first + index * COLUMN, y, "o", **style)


class Block(NamedTuple):
    """A split as `splits` draws it: what is in it, how many pictures of how many concepts, and some of them."""

    name: str
    pictures: int
    concepts: int
    examples: list[Tensor]  # uint8 [3, Y, X]


def named(rows, name: str) -> list[Tensor]:
    """The pictures of a data set with this English name: uint8 `[3, Y, X]` each, one a style."""
    from mmlearn.data import to_tensor

    return list(to_tensor(rows.filter(lambda label: label == name, input_columns="label_en")))


def block(split: str, rows, example: str) -> Block:
    """A split with the drawings of one of its concepts, given by its English name."""
    return Block(split, len(rows), len(set(rows["codepoint"])), named(rows, example))


@styled
def splits(blocks: dict[str, tuple[Block, Block]]) -> "Figure":
    """How a data set is cut: a row for styles, a column for concepts, and what training sees framed thickly.

    Args:
        blocks: what names a row to its two splits, concepts that training shows first. The first split of all is what
            training sees.
    """
    from matplotlib.patches import Rectangle

    height, top = 1.25, 0.42
    page = Page(9.0, height * len(blocks) + top + 0.05)
    edges = (1.2, 5.2, 8.95)
    columns = next(iter(blocks.values()))
    for left, block, words in zip(edges, columns, ("concepts", "other concepts"), strict=False):
        page.text(left + 0.1, page.height - 0.3, f"{block.concepts:,} {words}", weight="bold")
    for row, (styles, pair) in enumerate(blocks.items()):
        bottom = page.height - top - (row + 1) * height
        page.text(0.05, bottom + height / 2, styles, va="center")
        for column, block in enumerate(pair):
            left, width = edges[column], edges[column + 1] - edges[column]
            seen = row == column == 0
            look = {"fc": "white" if seen else "#eeeeee", "ec": "black", "lw": 2.6 if seen else 0.8}
            frame = Rectangle((left + 0.03, bottom + 0.03), width - 0.06, height - 0.06, **look)
            page.canvas.add_patch(frame)
            page.text(left + 0.15, bottom + height - 0.3, block.name, weight="bold")
            page.text(left + width - 0.15, bottom + height - 0.3, f"{block.pictures:,} pictures", ha="right")
            side = min(0.7, (width - 0.3) / max(1, len(block.examples)) - 0.06)
            for index, image_CYX in enumerate(block.examples):
                place = (left + 0.15 + index * (side + 0.06), bottom + 0.14, side, side)
                page.picture(*place, image_CYX.permute(1, 2, 0).numpy())
    return page.fig


@styled
def shares(measured: dict[str, tuple[float, float, float]], guess: float | None = None) -> "Figure":
    """Shares of right answers as bars, each with its range, and the guess as a line across.

    Args:
        measured: what was measured to its share, and the low and high end of its range, all from 0 to 1; the model's
            first, then what it is set against.
        guess: a share from 0 to 1, or None.
    """
    page = Page(7.5, 0.42 * len(measured) + 0.95)
    ax = page.axes(2.6, 0.55, 4.7, 0.42 * len(measured) + 0.1)
    for place, (share, low, high) in enumerate(measured.values()):
        # Filled against hollow, so that the model is told from what it is set against in grey too.
        ax.barh(place, share, height=0.62, fc="#8fbbdb" if place == 0 else "white", ec="#444444")
        if low < high:
            ax.plot((low, high), (place, place), color="black", lw=1.6, ls="-", marker="|")
        ax.text(max(share, high) + 0.015, place, f"{share:.2f}", va="center")
    if guess is not None:
        ax.axvline(guess, color=COLOURS[1], lw=2, ls="--")
        ax.text(guess, -0.75, "your guess", ha="center", color=COLOURS[1])
    ax.set(xlim=(0, 1), ylim=(len(measured) - 0.4, -0.6), xlabel="share of right answers")
    ax.set_yticks(range(len(measured)), list(measured))
    ax.grid(False)
    ax.tick_params(axis="y", length=0)
    return page.fig
