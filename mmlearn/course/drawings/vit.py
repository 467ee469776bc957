"""Lesson 01's pictures.

Shape letters: C channels, Y and X rows and columns (of pixels or of patches), P side of a patch, N patches,
F = C * P * P numbers in a patch, D model width, B images, L layers, H heads.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional

from mmlearn.course.drawings import charts
from mmlearn.course.drawings.page import Page
from mmlearn.course.figures import COLOURS, styled
from mmlearn.nn.patches import patchify

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARK = COLOURS[1]  # the frame of what a picture points at
GAP = 0.09  # between tiles, as a share of a tile with its gap


@styled
def idea(image_CYX: Tensor, patch_size: int) -> "Figure":
    """The whole model in one picture: an image, its patches, the sequence that they become, and what reads it.

    Args:
        image_CYX: uint8 `[3, Y, X]`, square.
        patch_size: P; a quarter of the side, say, so that each patch can be seen.
    """
    from matplotlib.patches import Rectangle

    patches = _patches(image_CYX, patch_size)
    count, grid = len(patches), image_CYX.shape[2] // patch_size
    page = Page(9, 5.4)
    page.text(1.6, 5.13, "an image", weight="bold")
    page.picture(1.6, 3.25, 1.8, 1.8, image_CYX.permute(1, 2, 0))
    page.arrow((3.5, 4.15), (4.3, 4.15), "cut")
    page.text(4.4, 5.13, f"{count} patches of {patch_size} × {patch_size} pixels", weight="bold")
    _tiles(page, 4.4, 3.05, 2.0, patches, grid)
    page.arrow((5.4, 2.98), (5.4, 2.55), "row by row")
    page.text(0.2, 2.62, "the sequence, the class token first", weight="bold")
    side = 8.6 / (count + 1)
    tile = (1 - GAP) * side
    page.canvas.add_patch(Rectangle((0.2, 1.95 + GAP * side), tile, tile, fc=COLOURS[5], ec="black"))
    page.text(0.2 + tile / 2, 1.95 + side - tile / 2, "class", ha="center", va="center", fontsize=9)
    _tiles(page, 0.2 + side, 1.95, side * count, patches, count)
    page.arrow((1.5, 1.85), (1.5, 1.35))
    steps = (
        "projection:\na vector for each patch,\nplus its position",
        "encoder:\nattention and perceptron,\nlayer after layer",
        "head:\nreads the class token,\nscores the classes",
    )
    for index, text in enumerate(steps):
        middle = 1.5 + index * 3
        box = {"boxstyle": "round,pad=0.5", "fc": "#f2f2f2", "ec": "#555555"}
        page.text(middle, 0.75, text, ha="center", va="center", bbox=box)
        if index:
            page.arrow((middle - 1.85, 0.75), (middle - 1.25, 0.75))
    return page.fig


@styled
def patches_and_sequence(
    image_CYX: Tensor, patch_size: int, cut: Callable[[Tensor, int], Tensor] = patchify
) -> "Figure":
    """An image under the grid that cuts it, its patches, and the sequence that they become; one patch is followed.

    Args:
        image_CYX: uint8 `[3, Y, X]`, square.
        patch_size: P; at most 64 patches can be shown.
        cut: what cuts the image, the learner's own `patchify` say.

    Raises:
        ValueError: P does not divide the sides, or there are more than 64 patches.
    """
    patches = _patches(image_CYX, patch_size, cut)
    if len(patches) > 64:
        raise ValueError(f"{len(patches)} patches are too many to be seen; at most 64, so take larger ones")
    C, Y, X = image_CYX.shape
    P, count, columns = patch_size, len(patches), X // patch_size
    followed = min(columns + 1, count - 1)  # the second patch of the second row
    row, column = divmod(followed, columns)
    page = Page(9, 4.75)

    page.text(0.4, 4.47, f"an image of {Y} × {X} pixels", weight="bold")
    ax = page.picture(0.4, 1.97, 2.4, 2.4, image_CYX.permute(1, 2, 0))
    for width, colour in ((2.0, "white"), (0.8, "black")):  # seen on light and on dark pixels
        style = {"colors": colour, "linewidths": width, "linestyles": "-"}
        ax.vlines([P * index - 0.5 for index in range(1, columns)], -0.5, Y - 0.5, **style)
        ax.hlines([P * index - 0.5 for index in range(1, Y // P)], -0.5, X - 0.5, **style)
    _outline(ax, column * P - 0.5, row * P - 0.5, P)
    page.arrow((2.95, 3.17), (3.55, 3.17), "cut")

    page.text(3.7, 4.47, f"{count} patches of {P} × {P} pixels", weight="bold")
    _follow(_tiles(page, 3.7, 1.97, 2.4, patches, columns), followed, columns)
    page.arrow((4.9, 1.9), (4.9, 1.55), "row by row")
    numbers = C * P * P
    said = {
        f"P = {P}": "pixels, the side of a patch",
        f"N = {Y // P} · {columns} = {count}": "patches",
        f"F = {C} · {P} · {P} = {numbers}": "numbers in a patch",
        f"N · F = {count * numbers:,}": "numbers, as many as in the image",
    }
    for index, (formula, meaning) in enumerate(said.items()):
        page.text(6.45, 4.12 - 0.6 * index, formula, fontsize=12)
        page.text(6.45, 3.92 - 0.6 * index, meaning, fontsize=10, color="#444444")

    page.text(0.4, 1.47, f"the sequence: N = {count} vectors of F = {numbers} numbers", weight="bold")
    _sequence(page, patches, followed)
    return page.fig


def _sequence(page: Page, patches: Tensor, followed: int) -> None:
    """Patches in one row, or in several that arrows join, numbered from 1."""
    a_row = min(len(patches), 32)
    side = min(0.95, 8.2 / a_row)
    for index, part in enumerate(patches.split(a_row)):
        first, bottom = index * a_row, 1.38 - index * (side + 0.38) - side
        ax = _tiles(page, 0.4, bottom, side * len(part), part, len(part))
        ends = {first: "black", first + len(part) - 1: "black"}
        if first <= followed < first + len(part):
            _follow(ax, followed - first, len(part))
            ends[followed] = MARK
        for number, colour in ends.items():
            middle = 0.4 + side * (number - first + 0.46)
            page.text(middle, bottom - 0.04, str(number + 1), ha="center", va="top", fontsize=10, color=colour)
        if index:
            page.text(0.2, bottom + side / 2, "→", ha="center", va="center")
        if first + len(part) < len(patches):
            page.text(8.78, bottom + side / 2, "→", ha="center", va="center")


@styled
def position_similarities(positions_1ND: Tensor, grid: tuple[int, int], baseline_1ND: Tensor) -> "Figure":
    """How like each patch's position is to all others: a small map for each patch, laid out as the patches are.

    Args:
        positions_1ND: learned positions `[1, 1 + N, D]`; the first is the class token's and not shown.
        grid: rows and columns of patches.
        baseline_1ND: the positions before training, shown beside.

    Raises:
        ValueError: there are not 1 + N positions.

    Source: ViT (arXiv:2010.11929), figure 7, middle: cosine similarity, from -1 to 1.
    """
    rows, columns = grid

    def mosaic(positions_1ND: Tensor) -> Tensor:
        maps_YXyx = _similarities(positions_1ND, grid).unflatten(0, grid)
        maps_YXyx = functional.pad(maps_YXyx, (0, 1, 0, 1), value=math.nan)  # white between the maps
        return maps_YXyx.transpose(1, 2).reshape(rows * (rows + 1), columns * (columns + 1))[:-1, :-1]

    middles = [[(count + 1) * index + (count - 1) / 2 for index in range(count)] for count in grid]
    page, _ = _beside(mosaic(positions_1ND), mosaic(baseline_1ND), middles)
    return page.fig


@styled
def position_similarity(
    positions_1ND: Tensor, grid: tuple[int, int], row: int, column: int, baseline_1ND: Tensor
) -> "Figure":
    """One map of `position_similarities`: how like the position of one patch, framed, is to all others.

    Args:
        row, column: of the patch, counted from 1.
        positions_1ND, grid, baseline_1ND: as in `position_similarities`, also the errors.
    """
    chosen = (row - 1) * grid[1] + column - 1
    after_YX, before_YX = (_similarities(positions, grid)[chosen] for positions in (positions_1ND, baseline_1ND))
    page, shown = _beside(after_YX, before_YX, [list(range(count)) for count in grid])
    for ax in shown:
        _outline(ax, column - 1.5, row - 1.5, 1)
    return page.fig


@styled
def attention_map(
    images: Tensor, weights: Sequence[Tensor], grid: tuple[int, int], picture: int, layer: int, head: int | None
) -> "Figure":
    """Where the class token looks: a picture, the weights of the class token on its patches, and both together.

    Args:
        images: uint8 `[B, 3, Y, X]`.
        weights: attention of every layer, each `[B, H, 1 + N, 1 + N]`, as `ViT.attention_weights` gives it.
        grid: rows and columns of patches.
        picture: index of the image, counted from 0.
        layer: counted from 1.
        head: counted from 1; None for the mean of all heads.
    """
    from matplotlib.ticker import PercentFormatter

    every_HN = weights[layer - 1][picture, :, 0]  # the class token's row
    row_N = every_HN.mean(dim=0) if head is None else every_HN[head - 1]
    itself, map_YX = row_N[0].item(), row_N[1:].unflatten(0, grid)
    pixels = images[picture].permute(1, 2, 0)
    share_YX = functional.interpolate(map_YX[None, None], pixels.shape[:2], mode="nearest")[0, 0] / map_YX.max()
    lit = (pixels * (0.25 + 0.75 * share_YX[..., None])).byte()  # what is not looked at stays visible

    page = Page(9, 3.5)
    who = "mean of all heads" if head is None else f"head {head}"
    page.text(0.2, 3.22, f"Layer {layer}, {who}: where the class token looks", weight="bold", fontsize=13)
    kept, even = f"{100 * itself:.1f} %", f"{100 / len(row_N):.1f} %"
    said = f"{kept} of its attention stays on itself. Spread evenly, each of the {len(row_N)} tokens would get {even}."
    page.text(0.2, 2.93, said, fontsize=10.5)
    page.picture(0.2, 0.15, 2.4, 2.4, pixels).set_title("the picture")
    ax = page.picture(2.85, 0.15, 2.4, 2.4, map_YX, vmin=0)
    ax.set_title("shares of its attention")
    page.colour_bar(5.35, 0.15, 2.4, ax, "").yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    page.picture(6.35, 0.15, 2.4, 2.4, lit).set_title("lit where it looks")
    return page.fig


def reach(
    trained: Sequence[Sequence[float]],
    untrained: Sequence[Sequence[float]],
    uniform: float,
    cnn: Sequence[tuple[int, float]],
    fields: Sequence[tuple[int, float]],
) -> "Figure":
    """How far a layer looks: the attention of a ViT's heads beside the stages of a CNN, in pixels.

    Args:
        trained: mean distance between a patch and those that it attends to, for each layer and head, `[L][H]`.
        untrained: the same before training.
        uniform: the same for attention that is spread evenly over the image.
        cnn: the number of each stage, and the mean distance between a unit of it and the pixels that move the unit.
        fields: the number of each stage, and the side of its receptive field in pixels; half of it is shown.

    Source: ViT (arXiv:2010.11929), figure 7, right.
    """
    heads = {"ViT": trained, "ViT before training": untrained}
    ranges = {
        name: [(number, sum(layer) / len(layer), min(layer), max(layer)) for number, layer in enumerate(layers, 1)]
        for name, layers in heads.items()
    }
    stages = {"CNN": cnn, "edge of its receptive field": [(stage, side / 2) for stage, side in fields]}
    attention, convolution = "ViT: mean distance", "CNN: mean and farthest"
    fig = charts.curves(
        {
            attention: ranges,
            convolution: {name: [(stage, y, y, y) for stage, y in points] for name, points in stages.items()},
        },
        x_label="layer (small marks: single heads)",
        y_label="distance in pixels",
        levels={attention: {"spread evenly": uniform}},
        order=("ViT", "CNN"),  # the colours of the other charts
    )
    _, left, right = fig.axes
    right.set_xlabel("stage")
    for line, layers, aside in zip(left.lines[-2:], heads.values(), (-0.14, 0.14), strict=True):
        x = [number + aside for number, layer in enumerate(layers, 1) for _ in layer]
        y = [distance for layer in layers for distance in layer]
        style = {"color": line.get_color(), "marker": line.get_marker(), "markersize": 4, "markerfacecolor": "none"}
        left.plot(x, y, linestyle="", zorder=1.5, **style)
    return fig


def _patches(image_CYX: Tensor, patch_size: int, cut: Callable[[Tensor, int], Tensor] = patchify) -> Tensor:
    """Square patches `[N, P, P, C]`, to be looked at."""
    patches_NF = cut(image_CYX[None], patch_size)[0]
    return patches_NF.unflatten(1, (-1, patch_size, patch_size)).permute(0, 2, 3, 1)


def _tiles(page: Page, left: float, bottom: float, width: float, patches: Tensor, columns: int) -> "Axes":
    """Patches `[N, P, P, C]` row by row with white between them; the coordinates of the axes count patches.

    They are one picture, since an axes for each would take a second; put together by NumPy, since torch's threads wait
    for each other while something else trains.
    """
    import numpy as np
    from matplotlib.collections import PolyCollection

    rows, scale = len(patches) // columns, math.ceil(24 / patches.shape[1])
    side = patches.shape[1] * scale
    gap = round(GAP * side / (1 - GAP))
    large = patches.numpy().repeat(scale, axis=1).repeat(scale, axis=2)
    tiles = np.pad(large, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=255)
    tiles = tiles.reshape(rows, columns, side + gap, side + gap, 3).swapaxes(1, 2)
    pixels = tiles.reshape(rows * (side + gap), columns * (side + gap), 3)
    ax = page.picture(left, bottom, width, width * rows / columns, pixels, extent=(0, columns, rows, 0))
    ax.set_axis_off()
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * side / (side + gap)
    places = np.array([(column, row) for row in range(rows) for column in range(columns)])
    frames = PolyCollection(places[:, None] + corners, facecolor="none", edgecolor="#999999", linewidth=0.6)
    ax.add_collection(frames, autolim=False)
    return ax


def _follow(ax: "Axes", patch: int, columns: int) -> None:
    """Frame one of the tiles."""
    _outline(ax, patch % columns, patch // columns, 1 - GAP)


def _outline(ax: "Axes", left: float, top: float, side: float) -> None:
    """A square frame that is seen on light and on dark pixels."""
    from matplotlib.patches import Rectangle

    for width, colour in ((4.5, "white"), (2.5, MARK)):
        frame = Rectangle((left, top), side, side, fill=False, ec=colour, lw=width, zorder=3, clip_on=False)
        ax.add_patch(frame)


def _similarities(positions_1ND: Tensor, grid: tuple[int, int]) -> Tensor:
    """Cosine similarity of each patch's position with all, laid out as the grid: `[N, Y, X]`."""
    count = grid[0] * grid[1]
    if positions_1ND.shape[1] != 1 + count:
        raise ValueError(
            f"a grid of {grid[0]} x {grid[1]} patches has {1 + count} positions with the class token's; "
            f"got {positions_1ND.shape[1]}"
        )
    directions_ND = functional.normalize(positions_1ND[0, 1:].detach().float(), dim=1)
    return (directions_ND @ directions_ND.T).unflatten(1, grid)


def _beside(after_YX: Tensor, before_YX: Tensor, middles: Sequence[Sequence[float]]) -> tuple[Page, list["Axes"]]:
    """Maps of similarities after and before training side by side, with one scale.

    Args:
        after_YX, before_YX: numbers from -1 to 1.
        middles: where the numbers of the rows stand, and those of the columns.
    """
    side, step, low = 3.25, 3.75, 0.6
    rows, columns = middles
    page = Page(0.65 + 2 * step + 0.85, side + 1.0)
    axes = []
    for left, title, numbers in ((0.65, "after training", after_YX), (0.65 + step, "before training", before_YX)):
        axes.append(page.picture(left, low, side, side, numbers, vmin=-1, vmax=1))
        page.text(left, low + side + 0.1, title, weight="bold", fontsize=12)
        # Numbers as plain text: matplotlib's ticks take as long as all the rest.
        for number, middle in enumerate(columns, 1):
            at = left + side * (middle + 0.5) / numbers.shape[1]
            page.text(at, low - 0.06, str(number), ha="center", va="top", fontsize=10)
        page.text(left + side / 2, low - 0.3, "column of the patch", ha="center", va="top")
    for number, middle in enumerate(rows, 1):
        at = low + side * (1 - (middle + 0.5) / len(after_YX))
        page.text(0.57, at, str(number), ha="right", va="center", fontsize=10)
    page.text(0.3, low + side / 2, "row of the patch", rotation=90, ha="center", va="center")
    bar = page.colour_bar(0.5 + 2 * step, low, side, axes[-1], "cosine similarity")
    bar.set_yticks([-1, -0.5, 0, 0.5, 1])
    return page, axes
