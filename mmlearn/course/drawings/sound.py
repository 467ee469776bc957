"""Sounds as pictures: time to the right, pitch upwards, bright where there is energy.

Shape letters: M rows of a spectrogram (mel bins or frequencies), F frames.
"""

from typing import TYPE_CHECKING

from torch import Tensor

from mmlearn.course.drawings.page import Page
from mmlearn.course.figures import styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOK = {"cmap": "magma", "origin": "lower"}
INCH = 96  # CSS pixels
MARKED = (0, 250, 500, 1_000, 2_000, 4_000, 8_000)  # hertz that an axis may name
APART = 0.14  # inches between two of them


@styled
def spectrogram(spectrogram_MF: Tensor, seconds: float, width: int = 200, hertz_M: Tensor | None = None) -> "Figure":
    """A spectrogram with its axes.

    Args:
        seconds: how long it lasts.
        width: in CSS pixels.
        hertz_M: the frequency of each row, rising; named at the left. `None` says that rows are mel bins.
    """
    inches = width / INCH
    high = 0.94 if width <= 200 else 0.94 * (inches / 2.08) ** 0.75
    left = 0.3 if hertz_M is None else 0.46
    page = Page(inches, high + 0.36)
    ax = page.picture(left, 0.3, inches - left - 0.18, high, spectrogram_MF, **LOOK)
    frames = spectrogram_MF.shape[1]
    ax.set_xticks([0, frames / 2 - 0.5, frames - 1], ["0", f"{seconds / 2:.1f}", f"{seconds:.1f} s"], fontsize=8)
    ax.get_xticklabels()[-1].set_ha("right")
    if hertz_M is None:
        page.text(0.16, 0.3 + high / 2, "mel bins", rotation=90, ha="center", va="center", fontsize=8, color="#444444")
    else:
        _name_rows(ax, hertz_M, high)
    ax.tick_params(length=2, pad=2)
    return page.fig


def _name_rows(ax: "Axes", hertz_M: Tensor, high: float) -> None:
    """Ticks at round frequencies, as many as have room from the top down; of few rows, the first's and the last's."""
    rows = len(hertz_M)
    places: dict[int, str] = {}
    last = float(rows)
    for hertz in reversed(MARKED):
        row = int((hertz_M - hertz).abs().argmin())
        near = abs(float(hertz_M[row]) - hertz) <= max(40.0, 0.06 * hertz)
        if near and (last - row) / rows * high >= APART * (last < rows):
            places[row] = f"{hertz / 1_000:g}k" if hertz >= 1_000 else str(hertz)
            last = row
    if len(places) < 2 and rows > 1:
        places = {row: f"{hertz_M[row] / 1_000:.1f}k" for row in (0, rows - 1)}
    ax.set_yticks(list(places), list(places.values()), fontsize=7.5)
    ax.set_ylabel("Hz", fontsize=8, labelpad=1)
