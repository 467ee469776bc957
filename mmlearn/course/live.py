"""A loss curve that grows while a model trains."""

import html
import math
import time
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import uuid4

from mmlearn.course.figures import img, publish, rc
from mmlearn.train import Event, History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EVERY_SECONDS = 0.25
SHARE = 0.02  # of the training time that live drawing may take
POINTS = 40  # of the drawn line; a longer run is averaged in as many bins


def live_curve(title: str = "Training") -> Callable[[Event], None]:
    """A listener for `train.fit(on_event=...)` that draws the loss while the model trains.

    In a notebook one small picture is updated a few times a second, and replaced at the end by a figure of the loss
    and of every evaluation, which stays in the saved notebook. Outside of a notebook it does nothing.
    """
    from IPython import get_ipython

    if not hasattr(get_ipython(), "kernel"):
        return lambda event: None
    display_id = uuid4().hex
    next_time = 0.0

    def listen(event: Event) -> None:
        nonlocal next_time
        now = time.perf_counter()
        if event.kind == "start":
            publish({"text/plain": f"[{title}]"}, display_id=display_id)
        elif event.kind == "end" and event.history.records:
            alt = describe(event.history, title)
            bundle = {"text/plain": f"[Figure: {alt}]", "text/html": img(curve(event.history, title), alt)}
            publish(bundle, display_id=display_id, update=True)
        elif event.kind == "step" and now >= next_time:
            publish(_frame(event.history, title), display_id=display_id, update=True)
            spent = time.perf_counter() - now
            next_time = now + max(EVERY_SECONDS, spent / SHARE)

    return listen


def curve(history: History, title: str = "Training") -> "Figure":
    """A figure of the loss by step and, beside it, of each quantity that `evaluate` measured."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    names = list(dict.fromkeys(name for row in history.evaluations for name in row if name != "step"))
    columns = min(3, 1 + len(names))
    rows = math.ceil((1 + len(names)) / columns)
    with matplotlib.rc_context(rc()):
        fig = Figure(figsize=((6.4, 9.0, 10.5)[columns - 1], 3.2 * rows))
        axes = fig.subplots(rows, columns, squeeze=False).flatten()
        axes[0].plot(history.steps, history.losses, color="#9ec5de", linewidth=0.9, linestyle="-", label="each batch")
        axes[0].plot(*_thin(history), color="#0b3c5d", linestyle="-", label="average")
        axes[0].set_title(f"{title}: loss")
        axes[0].legend()
        for ax, name in zip(axes[1:], names, strict=False):
            ax.plot(*history.series(name), color="#D55E00", marker="o")
            ax.set_title(name)
        for ax in axes[: 1 + len(names)]:
            ax.set(xlabel="step", xlim=(0, history.planned * 1.03))
            ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        for ax in axes[1 + len(names) :]:
            ax.set_axis_off()
    return fig


def describe(history: History, title: str = "Training") -> str:
    """What `curve` shows, in words."""
    _, losses = _thin(history, 20)
    text = f"{title}: loss by step, from {losses[0]:.3g} to {losses[-1]:.3g} after {len(history.records)} steps"
    for name in list(history.evaluations[-1])[1:] if history.evaluations else []:
        text += f"; {name} {history.evaluations[-1][name]:.3g}"
    return text + ("; stopped early." if history.interrupted else ".")


def _thin(history: History, points: int = POINTS) -> tuple[list[float], list[float]]:
    """Losses averaged over at most `points` runs of neighbours of equal length, and the middle step of each run."""
    losses, count = history.losses, min(points, len(history.records))
    edges = [round(index * len(losses) / count) for index in range(count + 1)]
    bins = [losses[start:end] for start, end in pairwise(edges)]
    middles = [(1 + start + end) / 2 for start, end in pairwise(edges)]
    return middles, [sum(values) / len(values) for values in bins]


def _frame(history: History, title: str) -> dict[str, str]:
    """The loss so far as a drawing of a few kilobytes, made in about a millisecond: matplotlib takes a hundred."""
    steps, losses = _thin(history)
    low, high = min(losses), max(losses)
    x = [60 + 480 * step / history.planned for step in steps]
    y = [150 - 120 * (loss - low) / (high - low or 1) for loss in losses]
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    status = f"step {len(history.records)} of {history.planned}, loss {losses[-1]:.4g}"
    for name, value in list(history.evaluations[-1].items())[1:] if history.evaluations else []:
        status += f", {name} {value:.4g}"
    heading = html.escape(f"{title}: {status}")
    svg = (
        f'<svg role="img" aria-label="{heading}" width="560" height="190" viewBox="0 0 560 190" '
        'style="background:white;max-width:100%" font-family="sans-serif" font-size="12" fill="#333">'
        f'<text x="60" y="18" font-weight="bold">{heading}</text>'
        '<path d="M60 26V154H545" fill="none" stroke="#555"/>'
        f'<text x="54" y="34" text-anchor="end">{high:.3g}</text>'
        f'<text x="54" y="154" text-anchor="end">{low:.3g}</text>'
        f'<text x="60" y="172">0</text><text x="540" y="172" text-anchor="end">{history.planned} steps</text>'
        f'<polyline points="{line}" fill="none" stroke="#0072B2" stroke-width="2"/></svg>'
    )
    return {"text/plain": f"[{title}: {status}]", "text/html": svg}
