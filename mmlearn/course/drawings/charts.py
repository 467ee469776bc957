"""The course's line chart: what was measured, how sure it is, and the baselines that it must be set against."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from mmlearn.course.drawings.page import Page
from mmlearn.course.figures import COLOURS, DASHES, MARKERS, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

X = float | str
Point = tuple[X, float, float, float]  # x, mean, low and high end of the interval
Placed = tuple[X, float]  # x, y

# Inches.
LEFT, TITLE, PLOT, BELOW, LEGEND = 0.85, 0.4, 2.8, 0.62, 0.34
GAP = 0.3  # between panels
LINE = 0.185  # of a label
NARROWEST = 2.0  # panel that is still worth looking at
LABEL_CHARACTERS = 16  # in a line of a label
MARK_RIGHT = 11  # points of a 72nd inch that stars and question marks stand to the right of their series


@styled
def curves(
    panels: dict[str, dict[str, Sequence[Point]]],
    *,
    x_label: str,
    y_label: str,
    levels: dict[str, dict[str, float]] | None = None,
    log_x: bool = False,
    marks: dict[str, dict[str, Sequence[Placed]]] | None = None,
    guesses: dict[str, dict[str, Sequence[Placed]]] | None = None,
    order: Sequence[str] = (),
) -> "Figure":
    """Lines through means with their intervals, in panels side by side that share the y axis.

    A series has one colour, dash and marker in all panels. Its name stands at the end of its line, so that no legend is
    needed. Points of the same x are drawn a little apart, so that no interval hides another. The ticks of the x axis
    stand at the values that were measured.

    Args:
        panels: title of a panel to its series; name of a series to its points `(x, mean, low, high)`. `x` is a number,
            or a text: then the x axis has one place for each text, in the order in which they appear.
        levels: title of a panel to its baselines, drawn as thin grey lines; name of a baseline to its value.
        log_x: x grows by factors.
        marks: title of a panel to what was measured just now; name of a series to points `(x, y)`, drawn as
            hollow stars.
        guesses: the same for what the learner guessed before, drawn as question marks.
        order: names of series in the order of their colours, where another chart has given them; default: as they come.

    Raises:
        ValueError: nothing to draw, more than six series, a mean outside of its interval, texts mixed with numbers,
            a text or a number below zero with `log_x`, or levels or marks of a panel or series that there is not.
    """
    extras = {"levels": levels or {}, "marks": marks or {}, "guesses": guesses or {}}
    drawn = [
        _Panel(title, lines, **{kind: extra.get(title, {}) for kind, extra in extras.items()})
        for title, lines in panels.items()
    ]
    names = dict.fromkeys([*order, *(name for panel in drawn for name in panel.lines)])
    looks = {name: look for look, name in enumerate(names)}
    _check(drawn, looks, extras, log_x)
    y_range = _padded([y for panel in drawn for y in panel.heights()])
    page, places = _layout(drawn, bool(x_label))
    for panel, (left, bottom, width, height) in zip(drawn, places, strict=True):
        ax = page.axes(left, bottom, width, height)
        ax.set(title=panel.title, xlabel=x_label, ylim=y_range, xlim=panel.set_x(ax, log_x, width))
        if left == places[0][0]:
            ax.set_ylabel(y_label)
        else:
            ax.tick_params(labelleft=False)
        _draw(ax, panel, looks)
        _name(page, ax, panel, looks)
    _legend(page, {"*": ("this run, live", marks), "$?$": ("your guess", guesses)})
    return page.fig


@dataclass
class _Panel:
    """What one panel shows, and where its x values stand on its axis."""

    title: str
    lines: dict[str, Sequence[Point]]
    levels: dict[str, float] = field(default_factory=dict)
    marks: dict[str, Sequence[Placed]] = field(default_factory=dict)
    guesses: dict[str, Sequence[Placed]] = field(default_factory=dict)
    places: dict[X, float] = field(init=False)  # x value to its number on the axis

    def __post_init__(self) -> None:
        values = [x for points in self.lines.values() for x, *_ in points]
        values = list(dict.fromkeys(values + [x for x, _ in self.placed()]))
        texts = any(isinstance(x, str) for x in values)
        self.places = {x: number for number, x in enumerate(values)} if texts else {x: x for x in sorted(values)}
        self.lines = {name: sorted(points, key=lambda p: self.places[p[0]]) for name, points in self.lines.items()}

    def placed(self) -> list[Placed]:
        """Every mark and guess."""
        return [place for group in (self.marks, self.guesses) for places in group.values() for place in places]

    def heights(self) -> list[float]:
        """Every y that must be seen."""
        ends = [y for points in self.lines.values() for _, *ys in points for y in ys]
        return [*ends, *self.levels.values(), *(y for _, y in self.placed())]

    def set_x(self, ax: "Axes", log_x: bool, width: float) -> tuple[float, float]:
        """Scale and ticks of an x axis `width` inches long; returns its limits."""
        texts = any(isinstance(x, str) for x in self.places)
        on = math.log if log_x else float
        places = {x: on(place) for x, place in self.places.items()}
        low, high = min(places.values()), max(places.values())
        pad = 0.5 if texts else 0.07 * (high - low) or 0.5
        inches = {x: width * (place - low + pad) / (high - low + 2 * pad) for x, place in places.items()}
        ax.set_xscale("log" if log_x else "linear")
        ax.set_xticks(list(self.places.values()), _apart(self._ticks(width), inches))
        ax.minorticks_off()
        limits = low - pad, high + pad
        return tuple(math.exp(limit) for limit in limits) if log_x else limits

    def tick_lines(self, width: float) -> int:
        """How many lines the labels of the ticks take on an axis `width` inches long."""
        return max(label.count("\n") + 1 for label in self._ticks(width).values())

    def _ticks(self, width: float) -> dict[X, str]:
        """The label of each x value, folded where it is a text."""
        texts = any(isinstance(x, str) for x in self.places)
        characters = max(4, int(width / len(self.places) / 0.09)) if texts else 99
        return {x: textwrap.fill(_tick(x), characters) for x in self.places}


def _check(panels: list[_Panel], looks: dict[str, int], extras: dict[str, dict], log_x: bool) -> None:
    if not panels or not all(panel.lines and all(panel.lines.values()) for panel in panels):
        raise ValueError("curves needs at least one panel, a series in every panel, and a point in every series")
    if len(looks) > len(COLOURS):
        raise ValueError(f"curves tells {len(COLOURS)} series apart; got {len(looks)}: {', '.join(looks)}")
    titles = {panel.title: panel for panel in panels}
    for kind, extra in extras.items():
        for title, named in extra.items():
            if title not in titles:
                raise ValueError(f"{kind} names the panel {title!r}; there are {', '.join(map(repr, titles))}")
            unknown = set(named) - set(titles[title].lines) if kind != "levels" else set()
            if unknown:
                raise ValueError(f"{kind} of {title!r} names the series {unknown.pop()!r}, which the panel has not")
    for panel in panels:
        texts = {isinstance(x, str) for x in panel.places}
        if len(texts) > 1:
            raise ValueError(f"{panel.title!r} has both texts and numbers as x; use one kind: {list(panel.places)}")
        if log_x and (True in texts or min(panel.places.values()) <= 0):
            raise ValueError(f"log_x needs numbers above zero; {panel.title!r} has {list(panel.places)}")
        for name, points in panel.lines.items():
            for x, mean, low, high in points:
                if not low <= mean <= high:  # written so that NaN is refused too
                    raise ValueError(f"{panel.title!r}, {name} at {x}: the mean {mean} is not in {low} to {high}")


def _layout(panels: list[_Panel], named: bool) -> tuple[Page, list[tuple[float, float, float, float]]]:
    """A page of the size that is needed, and the place (left, bottom, width, height) of each panel on it.

    Args:
        named: the x axes have a name, below their ticks.
    """
    names = [_fold(name) for panel in panels for name in [*panel.lines, *panel.levels]]
    gutter = 0.5 + max(_inches(line) for name in names for line in name.split("\n"))
    total = 9.0 if len(panels) > 1 else 4.6 + gutter
    columns = max(1, min(len(panels), int((total - LEFT) / (NARROWEST + gutter + GAP))))
    rows = math.ceil(len(panels) / columns)
    width = (total - LEFT - columns * gutter - (columns - 1) * GAP) / columns
    height = max(PLOT, *(LINE * sum(_fold(n).count("\n") + 1 for n in [*p.lines, *p.levels]) for p in panels))
    below = BELOW + LINE * (max(panel.tick_lines(width) for panel in panels) - 1) * named
    legend = LEGEND if any(panel.placed() for panel in panels) else 0
    page = Page(total, rows * (TITLE + height + below) + legend)
    places = []
    for number in range(len(panels)):
        row, column = divmod(number, columns)
        bottom = (rows - 1 - row) * (TITLE + height + below) + below
        places.append((LEFT + column * (width + gutter + GAP), bottom, width, height))
    return page, places


def _draw(ax: "Axes", panel: _Panel, looks: dict[str, int]) -> None:
    """Baselines, intervals, lines and marks of one panel."""
    for level in panel.levels.values():
        ax.axhline(level, color="#777777", linewidth=1, linestyle="-", zorder=1)
    for name, points in panel.lines.items():
        look = looks[name]
        aside = _aside(ax, look, len(looks))
        _, means, lows, highs = zip(*points, strict=True)
        x = [panel.places[point[0]] for point in points]
        ax.vlines(x, lows, highs, color=COLOURS[look], linewidth=1.4, transform=aside, zorder=2)
        ax.plot(x, means, linestyle=DASHES[look], transform=aside, **_marker(look))
    for shape, size, placed in (("*", 17, panel.marks), ("$?$", 13, panel.guesses)):
        for name, points in placed.items():
            look = looks[name]
            face = "white" if shape == "*" else COLOURS[look]
            style = {"marker": shape, "markersize": size, "markerfacecolor": face, "markeredgewidth": 1.5}
            beside = _aside(ax, look, len(looks), right=MARK_RIGHT)  # else it hides the mean that it is set against
            style |= {"color": COLOURS[look], "linestyle": "", "zorder": 5, "transform": beside, "clip_on": False}
            ax.plot([panel.places[x] for x, _ in points], [y for _, y in points], **style)


def _marker(look: int) -> dict[str, object]:
    edge = {"markeredgecolor": "white", "markeredgewidth": 0.8}  # so that markers on each other stay apart
    return {"color": COLOURS[look], "marker": MARKERS[look], "markersize": 7, **edge}


def _aside(ax: "Axes", look: int, count: int, right: float = 0.0):
    """The data's coordinates, moved to the side by a few points of a 72nd inch for each series, and by `right`."""
    from matplotlib.transforms import ScaledTranslation

    points = (look - (count - 1) / 2) * 4 + right
    return ax.transData + ScaledTranslation(points / 72, 0, ax.figure.dpi_scale_trans)


def _name(page: Page, ax: "Axes", panel: _Panel, looks: dict[str, int]) -> None:
    """The names of series and baselines, right of the axes: each as near to the end of its line as the others allow."""
    box = ax.get_position()
    right, bottom, top = box.x1 * page.width, box.y0 * page.height, box.y1 * page.height
    ends = [(points[-1][1], name, looks[name]) for name, points in panel.lines.items()]
    ends += [(level, name, None) for name, level in panel.levels.items()]
    ends.sort(key=lambda end: end[0])
    texts = [_fold(name) for _, name, _ in ends]
    heights = [LINE * (text.count("\n") + 1) for text in texts]
    wanted = [min(max(ax.transData.transform((1, y))[1] / page.fig.dpi, bottom), top) for y, *_ in ends]
    middles = _spread(wanted, heights, bottom, top)
    for (*_, look), text, end, middle in zip(ends, texts, wanted, middles, strict=True):
        colour = "#777777" if look is None else COLOURS[look]
        way = [right + 0.02, right + 0.2, right + 0.34]
        page.canvas.plot(way, [end, middle, middle], color=colour, linewidth=0.9, linestyle="-")
        if look is not None:
            page.canvas.plot(way[1:2], [middle], **_marker(look))
        ink = "#555555" if look is None else "#111111"
        page.text(right + 0.4, middle, text, va="center", fontsize=10, color=ink, linespacing=1.05)


def _spread(wanted: list[float], heights: list[float], low: float, high: float) -> list[float]:
    """Middles of labels as near as possible to where they are wanted (in squares), none over another, from low to high.

    Args:
        wanted: growing.
        heights: of the labels; together at most `high - low`.
    """
    # Without the room that the labels before it take, a label may be at any height not below theirs. So the nearest
    # middles are those of a growing sequence: neighbours in the wrong order share their mean (isotonic regression).
    steps = list(accumulate(((a + b) / 2 for a, b in pairwise(heights)), initial=0.0))
    groups: list[list[float]] = []
    for place, step in zip(wanted, steps, strict=True):
        groups.append([place - step])
        while len(groups) > 1 and _mean(groups[-2]) >= _mean(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    first, last = low + heights[0] / 2, high - heights[-1] / 2 - steps[-1]
    free = [min(max(_mean(group), first), last) for group in groups for _ in group]
    return [place + step for place, step in zip(free, steps, strict=True)]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _legend(page: Page, kinds: dict[str, tuple[str, dict | None]]) -> None:
    """What stars and question marks mean, above the panels."""
    x, y = LEFT + 0.08, page.height - LEGEND / 2 - 0.03
    for shape, (text, used) in kinds.items():
        if used:
            face = "white" if shape == "*" else "#333333"
            style = {"markersize": 14, "markerfacecolor": face, "markeredgewidth": 1.3}
            page.canvas.plot([x], [y], marker=shape, color="#333333", linestyle="", **style)
            page.text(x + 0.17, y, text, va="center", fontsize=10)
            x += 0.17 + _inches(text) + 0.4


def _padded(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    pad = 0.06 * (high - low) or 0.5
    return low - pad, high + pad


def _apart(labels: dict[X, str], inches: dict[X, float]) -> list[str]:
    """The labels, but an empty one where a label would touch the one before it, or the last: that is always kept."""
    halves = {x: max(_inches(line) for line in label.split("\n")) / 2 for x, label in labels.items()}
    last = max(labels, key=inches.get)
    end = inches[last] - halves[last] - 0.06
    kept, free = [], -math.inf
    for x, label in labels.items():
        fits = x == last or (inches[x] - halves[x] >= free and inches[x] + halves[x] <= end)
        kept.append(label if fits else "")
        free = inches[x] + halves[x] + 0.06 if fits else free
    return kept


def _fold(name: str) -> str:
    return textwrap.fill(name, LABEL_CHARACTERS)


def _inches(text: str) -> float:
    """About how wide a line of text at 10 points is."""
    from matplotlib.textpath import TextPath

    return TextPath((0, 0), text, size=10).get_extents().width / 72 if text.strip() else 0.0


def _tick(x: X) -> str:
    return x if isinstance(x, str) else f"{x:,.6g}"
