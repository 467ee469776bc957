"""Lesson 00's pictures: what the registry holds is drawn, and nothing is drawn outside of its page."""

from itertools import chain

import pytest
import torch

from mmlearn.course.drawings import start
from mmlearn.course.systems import SYSTEMS

PICTURE = torch.zeros(3, 8, 8, dtype=torch.uint8)


def texts(fig):
    return {text.get_text(): text for ax in fig.axes for text in ax.texts}


def inside(fig):
    fig.canvas.draw()
    page = fig.bbox
    boxes = [text.get_window_extent() for text in texts(fig).values()]
    return all(page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1 for box in boxes)


def test_the_course_has_a_line_for_each_system_and_a_dot_for_each_modality():
    fig = start.course(PICTURE)
    assert all(f"{system.lesson}  {system.name}" in texts(fig) for system in SYSTEMS)
    expected = sum(
        bool(set(joined) & set(present))
        for system in SYSTEMS
        for columns, present in ((start.GOES_IN, system.takes), (start.COMES_OUT, system.gives))
        for joined in columns.values()
    )
    dots = [line for line in fig.axes[0].lines if line.get_marker() == "o" and line.get_markersize() > 5]
    assert len(dots) == expected > len(SYSTEMS) and inside(fig)


def test_every_modality_of_the_registry_has_a_column():
    assert {m for system in SYSTEMS for m in system.takes} <= set(chain.from_iterable(start.GOES_IN.values()))
    assert {m for system in SYSTEMS for m in system.gives} <= set(chain.from_iterable(start.COMES_OUT.values()))


def test_splits_say_how_much_is_in_each_and_frame_the_one_for_training():
    blocks = {
        "two styles": (start.Block("train", 2000, 1000, [PICTURE] * 2), start.Block("concepts", 90, 45, [PICTURE] * 7)),
        "one style": (start.Block("noto", 1000, 1000, [PICTURE]), start.Block("noto_concepts", 45, 45, [])),
    }
    fig = start.splits(blocks)
    words = set(texts(fig))
    assert words >= {
        "1,000 concepts",
        "45 other concepts",
        "2,000 pictures",
        "45 pictures",
        "noto_concepts",
        "one style",
    }
    widths = [frame.get_linewidth() for frame in fig.axes[0].patches]
    assert widths.index(max(widths)) == 0 and widths.count(max(widths)) == 1
    assert len(fig.axes) == 1 + 10 and inside(fig)


@pytest.mark.parametrize("guess", [None, 0, 0.6])
def test_shares_have_bars_ranges_and_the_guess(guess):
    fig = start.shares({"model": (0.4, 0.3, 0.5), "chance": (0.125, 0.125, 0.125)}, guess)
    (_, ax) = fig.axes
    assert [round(bar.get_width(), 3) for bar in ax.patches] == [0.4, 0.125]
    ranges = [line for line in ax.lines if line.get_marker() == "|"]
    assert [list(line.get_xdata()) for line in ranges] == [[0.3, 0.5]]
    assert ("your guess" in texts(fig)) == (guess is not None)
    assert [list(line.get_xdata()) for line in ax.lines[1:]] == ([] if guess is None else [[guess, guess]])
