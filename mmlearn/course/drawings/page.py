"""A figure whose places are given in inches, for drawings that put pictures, text and arrows where they want them.

matplotlib's own layout takes longer than a widget may.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Page:
    """An empty figure of `width` x `height` inches; x runs to the right and y upwards from the lower left corner.

    `fig` is the figure. `canvas` covers all of it, lies under every picture, and has inches as its coordinates.
    """

    fig: "Figure"
    canvas: "Axes"

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self.fig = Figure(figsize=(width, height), layout="none")
        self.canvas = self.axes(0, 0, width, height, facecolor="none")
        self.canvas.set(xlim=(0, width), ylim=(0, height))
        self.canvas.set_axis_off()

    def axes(self, left: float, bottom: float, width: float, height: float, **options: Any) -> "Axes":
        """Axes that fill a rectangle; labels and ticks stand outside of it."""
        place = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        return self.fig.add_axes(place, **options)

    def picture(self, left: float, bottom: float, width: float, height: float, pixels: Any, **options: Any) -> "Axes":
        """A picture that fills a rectangle, in a thin frame. `options` are those of `imshow`.

        Args:
            pixels: tensor or array `[rows, columns]` or `[rows, columns, 3]`.
        """
        import numpy as np

        ax = self.axes(left, bottom, width, height)
        ax.imshow(np.asarray(pixels), aspect="auto", **options)
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
        for spine in ax.spines.values():
            spine.set(visible=True, color="#bbbbbb")
        return ax

    def text(self, x: float, y: float, text: str, **options: Any) -> None:
        """Text on the canvas, its lower left corner at (x, y) unless `ha` and `va` say otherwise."""
        self.canvas.text(x, y, text, **options)

    def arrow(self, start: tuple[float, float], end: tuple[float, float], text: str = "") -> None:
        """An arrow across or down, its text above it or to its right."""
        self.canvas.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "#444444", "lw": 1.6})
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        if start[1] == end[1]:
            self.text(x, y + 0.1, text, ha="center")
        else:
            self.text(x + 0.12, y, text, va="center")

    def colour_bar(self, left: float, bottom: float, height: float, ax: "Axes", label: str) -> "Axes":
        """The scale of the picture in `ax`, upright, its label to the right of it."""
        bar = self.fig.colorbar(ax.images[0], cax=self.axes(left, bottom, 0.16, height), label=label)
        bar.outline.set_edgecolor("#bbbbbb")
        return bar.ax
