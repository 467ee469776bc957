"""The course's plotting style, and figures that carry a description.

Pictures are shown as HTML `<img alt=...>`: JupyterLab drops the `alt` metadata of a plain PNG output.
"""

import base64
import functools
import html
import io
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers tell apart; blue and green darker than theirs, so that no two are
# equally light in grey. Lines also differ in dash and marker. `tests/unit/test_charts.py` measures all of it.
COLOURS = ("#00588F", "#D55E00", "#000000", "#007A58", "#CC79A7", "#E69F00")
DASHES = ("-", (0, (5, 1.6)), (0, (1.2, 1.4)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1.2, 1.2, 1.2, 1.2, 1.2)), (0, (9, 3)))
MARKERS = ("o", "s", "^", "D", "v", "P")

STYLE: dict[str, Any] = {
    "figure.figsize": (7.0, 3.8),
    "figure.dpi": 100,
    "figure.facecolor": "white",  # also in a dark theme: the colours are chosen for white
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "figure.titlesize": 13,
    "figure.titleweight": "bold",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 11,
    "axes.labelcolor": "#222222",
    "axes.edgecolor": "#555555",
    "axes.linewidth": 0.9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.8,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "lines.linewidth": 2.2,
    "lines.markersize": 6,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "legend.handlelength": 3.2,  # long enough to show a dash pattern
    "image.cmap": "viridis",  # grows evenly in lightness, so it survives printing in grey
    "image.interpolation": "nearest",
}


def rc() -> dict[str, Any]:
    """The course's style as matplotlib settings, for `matplotlib.rc_context(rc())`."""
    from cycler import cycler

    return STYLE | {"axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=DASHES)}


def styled(draw: Callable[..., "Figure"]) -> Callable[..., "Figure"]:
    """A decorator: the function draws in the course's style, whatever matplotlib's settings are."""

    @functools.wraps(draw)
    def drawn(*args: Any, **options: Any) -> "Figure":
        import matplotlib

        with matplotlib.rc_context(rc()):
            return draw(*args, **options)

    return drawn


def style() -> None:
    """Use the course's style for every figure made after this call."""
    import matplotlib

    matplotlib.rcParams.update(rc())


def show(fig: "Figure", alt: str) -> None:
    """Display a figure in the notebook with a description, and close it.

    Args:
        fig: a matplotlib figure.
        alt: says in words what the picture shows, for a reader who does not see it. Outside of a notebook it is
            printed in place of the picture.

    Raises:
        TypeError: `fig` is not a figure.
        ValueError: `alt` is empty.
    """
    publish({"text/plain": _described(alt), "text/html": img(fig, alt)})


@styled
def image_grid(
    images: Sequence[Any], titles: Sequence[str] | None = None, columns: int | None = None, size: float = 1.2
) -> "Figure":
    """A figure with small pictures in rows.

    Args:
        images: each a tensor or array (C, H, W), (H, W, C) or (H, W) with C of 1, 3 or 4, or a Pillow image. Numbers
            are 0 to 255 in uint8, or 0 to 1 in floating point. A tensor (N, C, H, W) holds N of them.
        titles: one above each picture.
        columns: pictures in a row; by default up to eight.
        size: inches of a picture.

    Raises:
        ValueError: no images, not one title for each, a shape that is no picture, or numbers out of range.
    """
    from matplotlib.figure import Figure

    pictures = [_pixels(image, f"images[{index}]") for index, image in enumerate(images)]
    if not pictures:
        raise ValueError("image_grid needs at least one image")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"image_grid got {len(pictures)} images and {len(titles)} titles; give one for each")
    columns = min(columns or 8, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    lines = max((str(title).count("\n") + 1 for title in titles), default=0) if titles is not None else 0
    # Places are computed here, and all pictures stand in one Axes: matplotlib's layout engine takes seconds for many
    # small ones, and each of them takes longer to make than a picture takes to draw.
    gap, above = 0.08, 0.06 + 0.17 * lines
    width, height = columns * (size + gap) + gap, rows * (size + gap + above)
    fig = Figure(figsize=(width, height), layout="none")
    ax = fig.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height), autoscale_on=False)
    ax.set_axis_off()
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        x = gap + column * (size + gap) + size / 2
        top = height - row * (size + gap + above) - above
        half_y, half_x = (size / 2 * side / max(picture.shape[:2]) for side in picture.shape[:2])
        y = top - size / 2
        extent = (x - half_x, x + half_x, y - half_y, y + half_y)
        brightest = 1 if picture.dtype.kind == "f" else 255
        ax.imshow(picture, cmap="gray", vmin=0, vmax=brightest, extent=extent, aspect="auto")
        if titles is not None:
            ax.text(x, top + 3 / 72, str(titles[index]), fontsize=10, ha="center")
    return fig


def img(fig: "Figure", alt: str, dpi: int = 110, small: bool = True) -> str:
    """The figure as an HTML image that holds its own data; the figure is closed. Errors as in `show`.

    Args:
        small: take some 20 ms to make it half as large. What is shown for a moment and not saved needs no such care.
    """
    import numpy as np
    from matplotlib import pyplot
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    if not isinstance(fig, Figure):
        raise TypeError(f"a matplotlib figure is needed, got {type(fig).__name__}: end the drawing with `return fig`")
    _described(alt)
    for ax in fig.axes:
        if ax.images:
            ax.grid(False)  # the style's grid would lie over the picture
    fig.set(dpi=dpi, facecolor="white")
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    # Lines, text and colour maps have few colours: a palette halves the bytes. Photographs and drawings keep theirs.
    if small and not any(image.get_array().ndim == 3 for ax in fig.axes for image in ax.images):
        pixels = pixels.quantize(256, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    pixels.save(buffer, "png", compress_level=6 if small else 1)
    pyplot.close(fig)
    width, height = fig.get_size_inches() * 96  # CSS pixels; the picture holds a few more, for sharp screens
    data = base64.b64encode(buffer.getvalue()).decode()
    # Width and height are known before the picture is decoded, and it is decoded at once: nothing jumps or flickers.
    return (
        f'<img alt="{html.escape(alt)}" width="{width:.0f}" height="{height:.0f}" decoding="sync" '
        f'style="max-width:100%;height:auto" src="data:image/png;base64,{data}">'
    )


def publish(bundle: dict[str, Any], **options: Any) -> None:
    """Display a bundle of the same thing in several formats; outside of IPython print its text.

    `options` are those of IPython's `display` (display_id, update).
    """
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(bundle["text/plain"])
    else:
        display(bundle, raw=True, **options)


def _described(alt: str) -> str:
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f'a figure needs a description: alt="what it shows, in words"; got {alt!r}')
    return f"[Figure: {alt}]"


def _pixels(image: Any, name: str):
    """A picture as an array (H, W) or (H, W, C), uint8 or float."""
    import numpy as np

    tensor = hasattr(image, "detach")
    if tensor:
        image = image.detach().cpu()
        image = image.float() if image.is_floating_point() else image  # numpy has no bfloat16
    pixels = np.asarray(image)
    # Where both ends could be channels (tiny pictures), torch puts them first and everybody else last.
    if pixels.ndim == 3 and pixels.shape[0] in (1, 3, 4) and (tensor or pixels.shape[2] not in (1, 3, 4)):
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (3, 4)):
        raise ValueError(
            f"{name} has shape {pixels.shape}; a picture is (C, H, W), (H, W, C) or (H, W), C of 1, 3 or 4"
        )
    if pixels.dtype.kind == "f":
        low, high = float(pixels.min()), float(pixels.max())
        if not (low >= -1e-3 and high <= 1 + 1e-3):  # written so that NaN is refused too
            raise ValueError(f"{name} has values from {low:.3g} to {high:.3g}; floats must lie in 0 to 1 (clamp them?)")
        return pixels.clip(0, 1)
    if pixels.dtype == bool:
        return pixels.astype(float)
    if pixels.dtype != np.uint8:
        raise ValueError(f"{name} is of {pixels.dtype}; use uint8 (0 to 255), bool, or floats (0 to 1)")
    return pixels
