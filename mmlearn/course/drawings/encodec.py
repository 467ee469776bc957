"""Lesson 15's pictures: the way through a codec, and a sound as several codecs make it.

Shape letters: T samples of a waveform, Q codebooks, F frames, K frequencies.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from mmlearn.course.drawings.page import Page
from mmlearn.course.drawings.sound import LOOK
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


ACROSS, PICTURE, GAP = 3, (2.75, 1.35), (0.2, 0.62)  # pictures in a row; inches of each, and between them
LEFT, UNDER, ABOVE = 0.6, 0.55, 0.5
DEEPEST = 60  # decibels below the loudest moment of all; what is weaker is drawn as silence


@styled
def spectrograms(versions: dict[str, Tensor], rate: int) -> "Figure":
    """Versions of a sound as spectrograms on one scale, three in a row, each with its name and what is said in it.

    Args:
        versions: waveforms `[T]` by their titles, of one line or two.
        rate: samples a second.
    """
    levels = {title: _level(waveform_T) for title, waveform_T in versions.items()}
    top = max(float(level_KF.max()) for level_KF in levels.values())
    (wide, high), (beside, between) = PICTURE, GAP
    rows = -(-len(versions) // ACROSS)
    page = Page(LEFT + ACROSS * (wide + beside), UNDER + rows * high + (rows - 1) * between + ABOVE)
    for number, (title, level_KF) in enumerate(levels.items()):
        row, column = divmod(number, ACROSS)
        left, bottom = LEFT + column * (wide + beside), UNDER + (rows - 1 - row) * (high + between)
        ax = page.picture(left, bottom, wide, high, level_KF, **LOOK, vmin=top - DEEPEST, vmax=top)
        page.text(left, bottom + high + 0.07, title, fontsize=9.5, linespacing=1.15)
        K, frames = level_KF.shape
        if column == 0:
            kilohertz = range(0, rate // 2_000 + 1, 2)
            ax.set_yticks([(K - 1) * k / (rate / 2_000) for k in kilohertz], [str(k) for k in kilohertz])
            ax.set_ylabel("kHz")
        if number + ACROSS >= len(versions):
            seconds = len(versions[title]) / rate
            halves = [half / 2 for half in range(int(2 * seconds) + 1)]
            ax.set_xticks([(frames - 1) * second / seconds for second in halves], [f"{second:g}" for second in halves])
            ax.set_xlabel("seconds")
    return page.fig


def _level(waveform_T: Tensor, window: int = 400, hop: int = 100) -> Tensor:
    """Decibels in windows of 25 ms, `[K, F]`. Neighbours are averaged, because a picture of noise takes many bytes."""
    spectrum_KF = torch.stft(waveform_T, window, hop, window=torch.hann_window(window), return_complex=True)
    power_KF = F.avg_pool2d(spectrum_KF.abs().square()[None, None], 2)[0, 0]
    return 10 * (power_KF + 1e-9).log10()
