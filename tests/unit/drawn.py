"""What a reader can make out in a figure."""

import itertools
import math

SMALLEST = 9  # points; 12 pixels on the page


def texts(fig):
    """Every text that shows, with the rectangle that it takes in the drawn figure, in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    renderer = canvas.get_renderer()
    shown = [text for text in fig.findobj(Text) if text.get_visible() and text.get_text().strip()]
    shown = [text for text in shown if not (text.axes and not text.axes.axison and text not in text.axes.texts)]
    return [(text, text.get_window_extent(renderer)) for text in shown]


def words(fig):
    return [text.get_text() for text, _ in texts(fig)]


def assert_readable(fig):
    """Texts are large enough, none leaves the figure or lies over another, and the figure fits a notebook's page."""
    assert fig.get_size_inches()[0] <= 9.01
    found = texts(fig)
    for text, box in found:
        assert text.get_fontsize() >= SMALLEST, text
        assert fig.bbox.x0 <= box.x0 and box.x1 <= fig.bbox.x1, f"{text} leaves the figure"
        assert fig.bbox.y0 <= box.y0 and box.y1 <= fig.bbox.y1, f"{text} leaves the figure"
    for (one, a), (other, b) in itertools.combinations(found, 2):
        if slanted_alike(one, other):
            assert lines_apart(one, other) >= one.get_fontsize() * fig.dpi / 72, f"{one} lies over {other}"
            continue
        across, up = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 1 or up <= 1, f"{one} lies over {other}"


def slanted_alike(one, other):
    return one.get_rotation() == other.get_rotation() and one.get_rotation() % 90 != 0


def lines_apart(one, other):
    """The distance between the lines of two texts of the same slant, in pixels."""
    (x, y), (u, v) = (text.get_transform().transform(text.get_position()) for text in (one, other))
    angle = math.radians(one.get_rotation())
    return abs((u - x) * math.sin(angle) - (v - y) * math.cos(angle))
