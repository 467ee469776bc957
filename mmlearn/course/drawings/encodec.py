"""Lesson 15's picture of a codec.

Shape letters: T samples of a waveform, Q codebooks, F frames.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mmlearn.course.drawings.page import Page
from mmlearn.course.figures import COLOURS, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL, ROW = 0.42, 0.3  # inches of a code
WIDE, HIGH, BELOW = 1.9, 1.2, 0.75


@styled
def idea(before_T: Tensor, codes_QF: Tensor, after_T: Tensor, rate: int) -> "Figure":
    """The way of a sound through a codec: a waveform, its codes as numbers, the waveform that is made of them.

    Args:
        before_T, after_T: some hundredths of a second.
        codes_QF: their codes, at most four codebooks.
        rate: samples a second.
    """
    Q, frames = codes_QF.shape
    grid = (WIDE + 1.85, BELOW + HIGH / 2 - ROW * Q / 2)
    right = grid[0] + CELL * frames + 1.15
    page = Page(right + WIDE + 0.25, BELOW + HIGH + 0.55)
    for left, waveform_T, title in ((0.35, before_T, "waveform"), (right, after_T, "waveform again")):
        _waveform(page.axes(left, BELOW, WIDE, HIGH), waveform_T, rate, float(before_T.abs().max()))
        page.text(left, BELOW + HIGH + 0.12, title, weight="bold", fontsize=11)
    page.text(grid[0], BELOW + HIGH + 0.12, "codes: all that is sent", weight="bold", fontsize=11)
    _codes(page, grid, codes_QF)
    middle = BELOW + HIGH / 2
    page.arrow((WIDE + 0.5, middle), (grid[0] - 0.5, middle), "encoder")
    page.arrow((grid[0] + CELL * frames + 0.12, middle), (right - 0.15, middle), "decoder")
    page.text(grid[0], grid[1] - 0.28, f"{frames} frames, one after the other", fontsize=9, color="#444444")
    return page.fig


def _waveform(ax: "Axes", waveform_T: Tensor, rate: int, top: float) -> None:
    ms_T = torch.arange(len(waveform_T)) / rate * 1_000
    ax.plot(ms_T, waveform_T, lw=0.9, color=COLOURS[0], linestyle="-")
    ax.set(xlim=(0, float(ms_T[-1])), ylim=(-1.15 * top, 1.15 * top), yticks=[0], xlabel="milliseconds")


def _codes(page: Page, corner: tuple[float, float], codes_QF: Tensor) -> None:
    """Numbers in a grid, the first codebook on top."""
    from matplotlib.patches import Rectangle

    Q, _ = codes_QF.shape
    left, bottom = corner
    for q, codes_F in enumerate(codes_QF.tolist()):
        y = bottom + ROW * (Q - 1 - q)
        for f, code in enumerate(codes_F):
            face = "white" if q % 2 else "#e8eef4"
            box = Rectangle((left + CELL * f, y), CELL, ROW, facecolor=face, edgecolor="#bbbbbb", linewidth=0.8)
            page.canvas.add_patch(box)
            page.text(left + CELL * (f + 0.5), y + ROW / 2, str(code), ha="center", va="center", fontsize=9)
        page.text(left - 0.08, y + ROW / 2, f"{q + 1}", ha="right", va="center", fontsize=9, color="#444444")
