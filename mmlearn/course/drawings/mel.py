"""Lesson 14's pictures.

Shape letters: T samples of a waveform, W samples of a window, K frequencies, M mel bins, F frames.
"""

import textwrap
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mmlearn.course.drawings.page import Page
from mmlearn.course.drawings.sound import LOOK
from mmlearn.course.figures import COLOURS, DASHES, styled
from mmlearn.nn.mel import LogMel, mel_filters

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARK = COLOURS[1]  # the stretch that the picture follows
KILO = 1_000


@styled
def idea(waveform_T: Tensor, rate: int, middle: int, window: int, hop: int) -> "Figure":
    """The way from a waveform to its mel spectrogram, for one stretch of it.

    Args:
        rate: samples a second.
        middle: the sample in the middle of the stretch.
        window, hop: samples of the stretch, and from one to the next.
    """
    page, wide, high = Page(9, 5.15), 3.55, 1.35
    places = {"sound": (0.55, 3.35), "stretch": (5.05, 3.35), "spectrum": (5.05, 0.6), "mel": (0.55, 0.6)}
    said = {
        "sound": "1  samples: the waveform",
        "stretch": "2  a stretch of it, times a window",
        "spectrum": "3  its spectrum, under mel filters",
        "mel": "4  one column of the mel spectrogram",
    }
    axes = {name: page.axes(*place, wide, high) for name, place in places.items() if name != "mel"}
    for name, (left, bottom) in places.items():
        page.text(left, bottom + high + 0.1, said[name], weight="bold", fontsize=11)
    first = middle - window // 2
    _waveform(axes["sound"], waveform_T, rate, (first / rate, (first + window) / rate))
    weights_W = torch.hann_window(window)
    stretch_W = waveform_T[first : first + window]
    _stretch(axes["stretch"], stretch_W, weights_W, rate)
    power_K = torch.fft.rfft(stretch_W * weights_W).abs().square()
    _spectrum(axes["spectrum"], power_K, mel_filters(rate, window, 12), rate)
    mel = LogMel(rate, window, hop, 48, floor=1e-4)(waveform_T[None])[0]
    ax = page.picture(*places["mel"], wide, high, mel, **LOOK)
    frame = middle / hop
    ax.axvspan(frame - 1.2, frame + 1.2, fill=False, edgecolor="white", lw=1.6, linestyle="-")
    ax.set_xlabel("time", labelpad=4)
    ax.set_ylabel("mel bins", labelpad=4)
    page.arrow((4.25, 4.03), (4.85, 4.03), "cut")
    page.arrow((6.1, 2.85), (6.1, 2.4), "Fourier")
    page.arrow((4.85, 1.28), (4.25, 1.28), "add up,\nlog")
    return page.fig


def _waveform(ax: "Axes", waveform_T: Tensor, rate: int, marked: tuple[float, float]) -> None:
    seconds_T = torch.arange(len(waveform_T)) / rate
    ax.plot(seconds_T, waveform_T, lw=0.6, color=COLOURS[0], linestyle="-")
    ax.axvspan(*marked, color=MARK, alpha=0.55, lw=0)
    ax.set(xlim=(0, float(seconds_T[-1])), yticks=[0], xlabel="seconds")


def _stretch(ax: "Axes", stretch_W: Tensor, weights_W: Tensor, rate: int) -> None:
    ms_W = torch.arange(len(stretch_W)) / rate * KILO
    top = float(stretch_W.abs().max())
    ax.plot(ms_W, stretch_W, lw=0.9, color="#aaaaaa", linestyle="-")
    ax.plot(ms_W, top * weights_W, lw=1.6, color=MARK, linestyle=DASHES[1])
    ax.plot(ms_W, stretch_W * weights_W, lw=1.4, color=COLOURS[0], linestyle="-")
    ax.set(xlim=(0, float(ms_W[-1])), yticks=[0], xlabel="milliseconds")


def _spectrum(ax: "Axes", power_K: Tensor, filters_MK: Tensor, rate: int) -> None:
    kilohertz_K = torch.linspace(0, rate / 2 / KILO, len(power_K))
    level_K = (power_K / power_K.max()).clamp(min=1e-6).log10() / 6 + 1
    for filter_K in filters_MK:
        ax.fill_between(kilohertz_K, filter_K, color=COLOURS[5], alpha=0.35, lw=0.6, edgecolor="#8a6200")
    ax.plot(kilohertz_K, level_K, lw=1.2, color=COLOURS[0], linestyle="-")
    ax.set(xlim=(0, rate / 2 / KILO), ylim=(0, 1.08), yticks=[], xlabel="kHz")


@styled
def lines(
    series: dict[str, tuple[Tensor, Tensor]],
    x_label: str,
    y_label: str,
    y_from: float | None = None,
    y_log: bool = False,
) -> "Figure":
    """Smooth lines, each named at its end; name to its x and y values.

    Args:
        y_from: where the y axis begins.
        y_log: whether y grows by factors.
    """
    page = Page(7.4, 3.5)
    ax = page.axes(0.85, 0.65, 4.75, 2.6)
    for number, (x, y) in enumerate(series.values()):
        ax.plot(x, y, color=COLOURS[number], linestyle=DASHES[number])
    ax.set(xlabel=x_label, ylabel=y_label, yscale="log" if y_log else "linear")
    if y_from is not None:
        ax.set_ylim(bottom=y_from)
    ax.margins(x=0)
    low, high = ax.get_ylim()
    ends = {name: float(_share(y[-1], low, high, y_log)) for name, (_, y) in series.items()}
    heights = _apart(ends, 0.17)
    for number, name in enumerate(series):
        page.text(5.72, 0.65 + 2.6 * heights[name], _fold(name), va="center", color=COLOURS[number], fontsize=10)
    return page.fig


def _share(value: Tensor, low: float, high: float, log: bool) -> Tensor:
    if log:
        return (value / low).log() / torch.tensor(high / low).log()
    return ((value - low) / (high - low)).clamp(0, 1)


def _apart(heights: dict[str, float], distance: float) -> dict[str, float]:
    """Labels moved up where they would lie over each other."""
    placed: dict[str, float] = {}
    last = -distance
    for name, height in sorted(heights.items(), key=lambda each: each[1]):
        last = max(height, last + distance)
        placed[name] = last
    over = max(0.0, last - 1)
    return {name: height - over for name, height in placed.items()}


def _fold(name: str) -> str:
    return "\n".join(textwrap.wrap(name, 18))


@styled
def filters(filters_MK: Tensor, power_K: Tensor, rate: int) -> "Figure":
    """Mel filters, and below them what they make of the power spectrum of a frame.

    Args:
        rate: samples a second.
    """
    M, K = filters_MK.shape
    kilohertz_K = torch.linspace(0, rate / 2 / KILO, K)
    page = Page(9, 4.4)
    above, below = page.axes(0.75, 2.85, 8.0, 1.2), page.axes(0.75, 0.6, 8.0, 1.75)
    for number, filter_K in enumerate(filters_MK):
        above.plot(kilohertz_K, filter_K, color=COLOURS[number % 2], linestyle="-", lw=1.5)
    above.set(title=f"{M} mel filters", ylabel="weight", xlim=(0, rate / 2 / KILO), ylim=(0, 1.05))
    above.tick_params(labelbottom=False)  # the axis below has the same
    below.plot(kilohertz_K, _decibels(power_K), color="#999999", lw=1, linestyle="-")
    shared_M = (filters_MK @ power_K) / filters_MK.sum(dim=1).clamp(min=1e-6)  # the mean power in each filter
    middle_M = (filters_MK @ kilohertz_K) / filters_MK.sum(dim=1).clamp(min=1e-6)
    below.step(middle_M, _decibels(shared_M, power_K.max()), where="mid", color=COLOURS[0], lw=2, linestyle="-")
    below.plot(middle_M, _decibels(shared_M, power_K.max()), "o", color=COLOURS[0], ms=4)
    below.set(title="a frame: its spectrum (thin), and in mel bins", xlabel="kHz", ylabel="decibels", ylim=(-65, 3))
    below.set_xlim(0, rate / 2 / KILO)
    return page.fig


def _decibels(power: Tensor, top: Tensor | None = None) -> Tensor:
    return 10 * (power / (power.max() if top is None else top)).clamp(min=1e-7).log10()
