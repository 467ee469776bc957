"""What a listening test found, as a chart: for each system every rating, their mean and its interval."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmlearn.course.drawings.page import Page
from mmlearn.course.figures import COLOURS, styled
from mmlearn.eval.listening import HIDDEN_REFERENCE, LABELS, LOW_ANCHOR, Rating, summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, WIDTH, RIGHT, ROW = 1.75, 4.3, 1.35, 0.46  # inches
ABOVE, BELOW = 0.34, 0.62
BLUE, BLACK = COLOURS[0], COLOURS[2]


@styled
def scores(ratings: Sequence[Rating]) -> "Figure":
    """A row for each system, the best on top: thin dots are its ratings, the mark with the line is their mean.

    Systems under test are blue circles; hidden reference and low anchor, which were known before, are black diamonds.

    Raises:
        ValueError: there are no ratings.
    """
    found = summary(ratings)
    if not found:
        raise ValueError("no sound was rated yet, so there is nothing to draw")
    page = Page(LEFT + WIDTH + RIGHT, ABOVE + ROW * len(found) + BELOW)
    ax = page.axes(LEFT, BELOW, WIDTH, ROW * len(found))
    _scale(page, ax, len(found))
    for row, (system, (interval, _)) in enumerate(found.items()):
        known = system in (HIDDEN_REFERENCE, LOW_ANCHOR)
        own = [rating.score for rating in ratings if rating.system == system]
        look = {"color": BLACK, "marker": "D"} if known else {"color": BLUE, "marker": "o"}
        ax.plot(own, [row] * len(own), marker="o", markersize=5, linestyle="", color="#777777", fillstyle="none")
        ax.hlines(row, interval.low, interval.high, color=look["color"], linewidth=1.6)
        ax.plot([interval.mean], [row], markersize=8, markeredgecolor="white", **look)
        y = BELOW + ROW * (len(found) - row - 0.5)
        page.text(LEFT - 0.12, y, textwrap.fill(system, 21), ha="right", va="center", fontsize=10, linespacing=1.0)
        page.text(LEFT + WIDTH + 0.14, y, f"{interval:.0f}", va="center", fontsize=10)
    return page.fig


def _scale(page: Page, ax: "Axes", rows: int) -> None:
    """The scale from 0 to 100, its fifths named above."""
    fifth = 100 / len(LABELS)
    for number, name in enumerate(LABELS):
        if number % 2:
            ax.axvspan(number * fifth, (number + 1) * fifth, color="#f0f0f0", linewidth=0)
        x = LEFT + WIDTH * (number + 0.5) / len(LABELS)
        page.text(x, page.height - ABOVE + 0.09, name, ha="center", fontsize=10, color="#444444")
    ax.set(xlim=(-1, 101), ylim=(rows - 0.5, -0.5), yticks=[], xlabel="rating: each, mean, 95 % interval of the mean")
    ax.set_xticks(range(0, 101, 20))
    ax.spines["left"].set_visible(False)
    ax.grid(False)
