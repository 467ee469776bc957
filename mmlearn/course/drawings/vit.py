"""Lesson 01's pictures.

Shape letters: C channels, Y and X rows and columns of pixels, N patches, H heads.
"""

from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional as F

from mmlearn.course.figures import COLOURS, rc

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def idea(image_CYX: Tensor, patch_size: int) -> "Figure":
    """The whole model in one picture: an image, its patches, the sequence that they become, and what reads it.

    Args:
        image_CYX: uint8 `[3, Y, X]`, square.
        patch_size: P; a quarter of the side, say, so that each patch can be seen.
    """
    import matplotlib
    from matplotlib.figure import Figure

    grid = image_CYX.shape[1] // patch_size
    pixels = image_CYX.permute(1, 2, 0).numpy()
    squares = [
        pixels[top : top + patch_size, left : left + patch_size]
        for top in range(0, grid * patch_size, patch_size)
        for left in range(0, grid * patch_size, patch_size)
    ]
    with matplotlib.rc_context(rc()):
        fig = Figure(figsize=(9, 5.4), layout="none")  # all places below are in inches
        canvas = fig.add_axes((0, 0, 1, 1), facecolor="none")
        canvas.set(xlim=(0, 9), ylim=(0, 5.4))
        canvas.set_axis_off()
        _square(fig, 1.6, 3.25, 1.8, pixels)
        canvas.text(1.6, 5.13, "an image", weight="bold")
        _arrow(canvas, (3.5, 4.15), (4.3, 4.15), "cut")
        for index, square in enumerate(squares):
            row, column = divmod(index, grid)
            side = 2.0 / grid
            _square(fig, 4.4 + column * side, 5.05 - (row + 1) * side, side - 0.06, square)
        canvas.text(4.4, 5.13, f"{len(squares)} patches of {patch_size} × {patch_size} pixels", weight="bold")
        _arrow(canvas, (5.4, 2.98), (5.4, 2.55), "row by row")
        side = 8.6 / (len(squares) + 1)
        cell = matplotlib.patches.Rectangle((0.2, 1.95), side - 0.05, side - 0.05, fc=COLOURS[5], ec="black")
        canvas.add_patch(cell)
        canvas.text(0.2 + side / 2 - 0.025, 1.95 + side / 2, "class", ha="center", va="center", fontsize=9)
        for index, square in enumerate(squares):
            _square(fig, 0.2 + (index + 1) * side, 1.95, side - 0.05, square)
        canvas.text(0.2, 2.62, "the sequence, the class token first", weight="bold")
        _boxes(canvas)
    return fig


def _boxes(canvas) -> None:
    """What happens to the sequence, from left to right."""
    steps = (
        "projection:\na vector for each patch,\nplus its position",
        "encoder:\nattention and perceptron,\nlayer after layer",
        "head:\nreads the class token,\nscores the classes",
    )
    _arrow(canvas, (1.5, 1.85), (1.5, 1.35))
    for index, text in enumerate(steps):
        middle = 1.5 + index * 3
        style = {"boxstyle": "round,pad=0.5", "fc": "#f2f2f2", "ec": "#555555"}
        canvas.text(middle, 0.75, text, ha="center", va="center", bbox=style)
        if index:
            _arrow(canvas, (middle - 1.85, 0.75), (middle - 1.25, 0.75))


def _arrow(canvas, start: tuple[float, float], end: tuple[float, float], text: str = "") -> None:
    canvas.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "#444444", "lw": 1.6})
    if text:
        across = start[1] == end[1]
        x, y = (start[0] + end[0]) / 2 + (0 if across else 0.12), (start[1] + end[1]) / 2 + (0.1 if across else 0)
        canvas.text(x, y, text, ha="center" if across else "left", va="bottom" if across else "center")


def _square(fig: "Figure", left: float, bottom: float, side: float, pixels) -> None:
    """A picture at a place given in inches."""
    width, height = fig.get_size_inches()
    _picture(fig, (left / width, bottom / height, side / width, side / height), pixels)


def attention_maps(images: Tensor, weights_BHNn: Tensor, grid: tuple[int, int], layer: int) -> "Figure":
    """What the class token looks at in one layer: a row an image, a column a head; the lighter, the more.

    Args:
        images: uint8 `[B, 3, Y, X]`.
        weights_BHNn: attention of that layer, `[B, H, 1 + N, 1 + N]`.
        grid: rows and columns of patches.
        layer: its number, counted from 1, for the title.
    """
    import matplotlib
    from matplotlib.figure import Figure

    B, H = weights_BHNn.shape[:2]
    maps_BHYX = weights_BHNn[:, :, 0, 1:].reshape(B, H, *grid)
    maps_BHYX = F.interpolate(maps_BHYX, images.shape[-2:], mode="nearest")
    with matplotlib.rc_context(rc()):
        fig = Figure(figsize=(1.25 * (H + 1), 1.25 * B + 0.55), layout="none")
        fig.suptitle(f"Layer {layer}: what the class token looks at", x=0.01, ha="left", fontsize=12)
        height = 1.25 / (1.25 * B + 0.55)
        for b in range(B):
            grey = images[b].float().mean(dim=0)
            for column in range(H + 1):
                place = (column / (H + 1) + 0.005, 1 - (b + 1) * height - 0.4 * height, 0.97 / (H + 1), height * 0.94)
                if column == 0:
                    _picture(fig, place, images[b].permute(1, 2, 0).numpy())
                    continue
                share = maps_BHYX[b, column - 1]
                # viridis grows lighter evenly, also in grey; the picture shimmers through to say where things are.
                colours = matplotlib.colormaps["viridis"]((share / share.max()).numpy())[..., :3] * 255
                seen = 0.75 * colours + 0.25 * grey[..., None].numpy()
                _picture(fig, place, seen.astype("uint8"), f"head {column}" if b == 0 else "")
    return fig


def _picture(fig: "Figure", place: tuple[float, float, float, float], pixels, title: str = "") -> None:
    ax = fig.add_axes(place)
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=255, aspect="auto")
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(True)
        spine.set_color("#bbbbbb")
    if title:
        ax.set_title(title, fontsize=11, loc="center", pad=4)
