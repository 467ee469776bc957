"""The line chart: what it draws, and that it can be read: in grey, by colour-blind readers, with labels in the way."""

import io
import itertools

import numpy as np
import pytest
from drawn import assert_readable, words

from mmlearn.course.drawings import charts
from mmlearn.course.figures import COLOURS, DASHES, MARKERS

SIZES = (100, 300, 1000, 2900)
AXES = {"x_label": "training images", "y_label": "accuracy"}


def points(start, step=0.06, xs=SIZES, spread=0.03):
    means = [start + step * index for index in range(len(xs))]
    return [(x, mean, mean - spread, mean + spread) for x, mean in zip(xs, means, strict=True)]


def results():
    """Two panels with two models, as lesson 01 has them."""
    return {
        "unseen concepts": {"ViT": points(0.3), "CNN": points(0.35, 0.08)},
        "unseen style": {"ViT": points(0.25), "CNN": points(0.3, 0.1)},
    }


LEVELS = {
    "unseen concepts": {"majority": 0.15, "nearest mean": 0.49},
    "unseen style": {"majority": 0.17, "nearest mean": 0.41},
}


def panels(fig):
    return [ax for ax in fig.axes if ax.axison]


def lines(ax):
    """The series of a panel: label of x is not needed, means are."""
    return [line for line in ax.lines if line.get_marker() in MARKERS]


# --- colours


def linear(colour):
    """An sRGB colour in linear light (IEC 61966-2-1)."""
    value = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(light):
    """CIE L*a*b* of linear light, white D65. The first number, L*, is how light it looks: all that is left in grey."""
    xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    )
    x, y, z = [
        np.cbrt(part) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116
        for part in xyz @ np.clip(light, 0, 1) / xyz.sum(axis=1)
    ]
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


# Machado, Oliveira and Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency", for
# linear light, at full severity.
SIGHT = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_stay_apart_for(sight):
    seen = [lab(np.array(SIGHT[sight]) @ linear(colour)) for colour in COLOURS]
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
    assert min(distances) > 15  # 2.3 is just noticeable side by side
    assert min(distances[0], distances[1], distances[5]) > 45  # among the first three, which most charts use


def test_colours_stay_apart_in_grey():
    lightness = [lab(linear(colour))[0] for colour in COLOURS]
    apart = {pair: abs(lightness[pair[0]] - lightness[pair[1]]) for pair in itertools.combinations(range(6), 2)}
    assert min(apart.values()) > 5
    assert min(apart[pair] for pair in ((0, 1), (0, 2), (1, 2))) > 15


def test_the_first_five_colours_stand_out_from_white():
    contrasts = [1.05 / (0.05 + linear(colour) @ (0.2126, 0.7152, 0.0722)) for colour in COLOURS]
    assert min(contrasts[:5]) > 3  # WCAG 2.1, 1.4.11, for graphics


def test_series_differ_in_colour_dash_and_marker():
    assert len(COLOURS) == len(set(COLOURS)) == len(set(map(str, DASHES))) == len(set(MARKERS)) == 6


def test_lines_can_be_told_apart_in_grey():
    names = "abcdef"
    fig = charts.curves({"p": {name: points(index, 0, range(5), 0) for index, name in enumerate(names)}}, **AXES)
    (ax,) = panels(fig)
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=96)
    from PIL import Image

    grey = np.asarray(Image.open(buffer).convert("L"))
    strips = []
    for index in range(6):
        (left, y), (right, _) = (ax.transData.transform((x, index)) * 96 / fig.dpi for x in (0.1, 3.9))
        strips.append(grey[grey.shape[0] - round(y) - 8 : grey.shape[0] - round(y) + 8, round(left) : round(right)])
    for a, b in itertools.combinations(strips, 2):
        # The best match of the inked pixels, the one strip moved along the other.
        ink = [strip < 215 for strip in (a, b)]
        alike = max(
            (ink[0] & np.roll(ink[1], s, 1)).sum() / (ink[0] | np.roll(ink[1], s, 1)).sum() for s in range(-20, 21)
        )
        lighter = abs(np.quantile(a[ink[0]], 0.3) - np.quantile(b[ink[1]], 0.3))
        assert alike < 0.75 or lighter > 35, (alike, lighter)


# --- what is drawn


def test_means_intervals_and_baselines_stand_where_they_belong():
    fig = charts.curves(results(), levels=LEVELS, **AXES)
    for ax, (title, series) in zip(panels(fig), results().items(), strict=True):
        assert ax.get_title(loc="left") == title
        for line, given, bars in zip(lines(ax), series.values(), ax.collections, strict=True):
            assert list(zip(*line.get_data(), strict=True)) == [(x, mean) for x, mean, _, _ in given]
            assert [tuple(path[:, 1]) for path in bars.get_segments()] == [(low, high) for _, _, low, high in given]
        levels = [line.get_ydata()[0] for line in ax.lines if line.get_marker() == "None"]
        assert levels == list(LEVELS[title].values())
    assert {"majority", "nearest mean"} <= set(words(fig))


def test_panels_share_the_y_axis_and_a_series_keeps_its_look():
    given = {"one": {"ViT": points(0.1), "CNN": points(0.2)}, "two": {"CNN": points(0.7)}}
    one, two = panels(charts.curves(given, **AXES))
    assert one.get_ylim() == two.get_ylim() and one.get_ylim()[1] > 0.91
    looks = [(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines(one) + lines(two)]
    assert looks[1] == looks[2] != looks[0]
    ordered = lines(panels(charts.curves({"two": given["two"]}, order=("ViT", "CNN"), **AXES))[0])
    assert ordered[0].get_color() == COLOURS[1]


def test_ticks_stand_at_the_measured_numbers():
    for log_x in (True, False):
        ax = panels(charts.curves({"p": {"ViT": points(0.3)[::-1]}}, log_x=log_x, **AXES))[0]
        assert list(ax.get_xticks()) == list(SIZES) and not ax.get_xticks(minor=True).size
        assert list(lines(ax)[0].get_xdata()) == list(SIZES)  # in the order of x, whatever the order of the rows
    assert [label.get_text() for label in ax.get_xticklabels()] == ["100", "", "1,000", "2,900"]  # 300 has no room


def test_texts_as_x_keep_their_order():
    cuts = ("intact", "2 × 2", "4 × 4")
    ax = panels(charts.curves({"p": {"ViT": points(0.6, -0.1, cuts)}}, **AXES))[0]
    assert [label.get_text() for label in ax.get_xticklabels()] == list(cuts)
    assert list(lines(ax)[0].get_xdata()) == [0, 1, 2]


def test_marks_and_guesses_are_drawn_and_explained():
    given = {
        "marks": {"unseen style": {"CNN": [(300, 0.8), (1000, 0.9)]}},
        "guesses": {"unseen concepts": {"ViT": [(3500, 0.1)]}},
    }
    fig = charts.curves(results(), **given, **AXES)
    left, right = panels(fig)
    (star,) = [line for line in right.lines if line.get_marker() == "*"]
    (guess,) = [line for line in left.lines if line.get_marker() == "$?$"]
    assert (star.get_xydata().tolist(), star.get_color()) == ([[300, 0.8], [1000, 0.9]], COLOURS[1])
    assert (guess.get_xydata().tolist(), guess.get_color()) == ([[3500, 0.1]], COLOURS[0])
    assert left.get_ylim()[0] < 0.1 and left.get_ylim()[1] > 0.9 and left.get_xlim()[1] > 3500
    assert {"this run, live", "your guess"} <= set(words(fig))
    assert "your guess" not in words(charts.curves(results(), marks=given["marks"], **AXES))


# --- room


@pytest.mark.parametrize(
    "given",
    [
        {"panels": results(), "levels": LEVELS, "log_x": True, "marks": {"unseen style": {"CNN": [(1000, 0.5)]}}},
        {"panels": {"p": {name: points(0.5 + index / 500, 0) for index, name in enumerate("abcdef")}}},
        {"panels": {"p": {"a model with a name of many words": points(0.3, xs=("no positions", "shuffled", "cut"))}}},
        {"panels": {f"panel {n}": {"ViT": points(0.3), "a wider CNN": points(0.31)} for n in range(5)}},
        {"panels": {"p": {"ViT": [(1, 0.5, 0.4, 0.6)]}}, "levels": {"p": {"chance": 0.5, "majority": 0.5}}},
        {"panels": {"p": {"ViT": points(0.3, 0.01, range(40))}}},
    ],
)
def test_everything_has_room(given):
    assert_readable(charts.curves(**given, **AXES))


def test_the_name_of_an_axis_has_room_below_labels_of_two_lines():
    given = {name: {"asked": points(0.2, xs=("English", "English and Russian"))} for name in ("one", "other")}
    assert_readable(charts.curves(given, x_label="captions in training", y_label="R@5"))


def test_a_star_at_the_edge_is_drawn_whole():
    fig = charts.curves(results(), marks={"unseen style": {"CNN": [(SIZES[-1], 0.6)]}}, log_x=True, **AXES)
    stars = [line for ax in panels(fig) for line in ax.lines if line.get_marker() == "*"]
    assert len(stars) == 1 and not stars[0].get_clip_on()


def test_the_last_of_crowded_ticks_keeps_its_label():
    bins = (1, 4, 8, 16, 40, 80, 128)
    given = {name: {"ViT": points(0.3, 0.02, xs=bins)} for name in ("words", "tones")}
    for ax in panels(charts.curves(given, log_x=True, **AXES)):
        labels = [label.get_text() for label in ax.get_xticklabels()]
        assert labels[0] == "1" and labels[-1] == "128"


def test_many_panels_take_several_rows():
    fig = charts.curves({str(n): {"ViT": points(0.3)} for n in range(5)}, **AXES)
    places = [ax.get_position() for ax in panels(fig)]
    assert len({round(place.y0, 3) for place in places}) == 3
    assert min(place.width for place in places) * fig.get_size_inches()[0] > charts.NARROWEST
    assert [bool(ax.get_ylabel()) for ax in panels(fig)] == [True, False, True, False, True]


@pytest.mark.parametrize("seed", range(20))
def test_spread_labels_keep_order_distance_and_borders(seed):
    random = np.random.default_rng(seed)
    heights = list(random.uniform(0.1, 0.4, size=6))
    wanted = sorted(random.uniform(-0.5, 3.5, size=6))
    middles = charts._spread(wanted, heights, 0.0, 3.0)
    for (a, high), (b, low) in itertools.pairwise(zip(middles, heights, strict=True)):
        assert b - a >= (high + low) / 2 - 1e-9
    assert middles[0] >= heights[0] / 2 - 1e-9 and middles[-1] <= 3 - heights[-1] / 2 + 1e-9


def test_labels_with_room_stay_where_they_are_and_others_share_the_way():
    assert charts._spread([0.5, 1.5, 2.5], [0.2] * 3, 0, 3) == [0.5, 1.5, 2.5]
    assert charts._spread([1.0, 1.0, 2.5], [0.2] * 3, 0, 3) == pytest.approx([0.9, 1.1, 2.5])


# --- errors


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"panels": {}}, "at least one panel"),
        ({"panels": {"p": {}}}, "a series in every panel"),
        ({"panels": {"p": {"a": points(0.1)}}, "order": "bcdefg"}, "6 series apart; got 7"),
        ({"panels": {"p": {"a": []}}}, "a point in every series"),
        ({"panels": {"p": {str(n): points(0.1) for n in range(7)}}}, "6 series apart; got 7"),
        ({"panels": {"p": {"a": [(1, 0.5, 0.6, 0.7)]}}}, "'p', a at 1: the mean 0.5 is not in 0.6 to 0.7"),
        ({"panels": {"p": {"a": [(1, float("nan"), 0, 1)]}}}, "nan"),
        ({"panels": {"p": {"a": points(0.1, xs=("x", 2))}}}, "both texts and numbers"),
        ({"panels": {"p": {"a": points(0.1, xs=(0, 2))}}, "log_x": True}, "numbers above zero"),
        ({"panels": {"p": {"a": points(0.1)}}, "levels": {"q": {"chance": 0.1}}}, "levels names the panel 'q'"),
        (
            {"panels": {"p": {"a": points(0.1)}}, "marks": {"p": {"b": [(100, 0.1)]}}},
            "marks of 'p' names the series 'b'",
        ),
    ],
)
def test_errors_say_what_is_wrong(given, message):
    with pytest.raises(ValueError, match=message):
        charts.curves(**given, **AXES)
