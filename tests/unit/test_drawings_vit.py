"""Lesson 01's pictures: they show the numbers that they are given, and can be read."""

import numpy as np
import pytest
import torch
from drawn import assert_readable, words
from torch.nn import functional as F

from mmlearn import data
from mmlearn.course.drawings import vit as draw
from mmlearn.course.figures import COLOURS, img

GRID = (8, 8)


def image(seed=0):
    return torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def positions(seed=0):
    return torch.randn(1, 65, 16, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def attention(layers=4, pictures=3, heads=4):
    return torch.randn(layers, pictures, heads, 65, 65, generator=torch.Generator().manual_seed(0)).softmax(-1).unbind()


def pictures(fig):
    """The array of every picture in the figure, in the order of drawing."""
    return [np.ma.filled(ax.images[0].get_array(), np.nan) for ax in fig.axes if ax.images]


def reach():
    layers = [[10.0, 14.0, 12.0], [16.0, 17.0, 18.0]]
    cnn, fields = [(1, 1.5), (2, 3.5), (3, 6.0), (4, 11.0)], [(1, 4), (2, 10), (3, 22), (4, 46)]
    return draw.reach(layers, [[16.5, 16.7, 16.6]] * 2, 16.6, cnn, fields)


FIGURES = {
    "idea": lambda: draw.idea(image(), 8),
    **{f"patches of {P}": lambda P=P: draw.patches_and_sequence(image(), P) for P in (32, 16, 8, 4)},
    "similarities": lambda: draw.position_similarities(positions(), GRID, positions(1)),
    "similarity": lambda: draw.position_similarity(positions(), GRID, 8, 1, positions(1)),
    "attention": lambda: draw.attention_map(torch.stack([image()] * 3), attention(), GRID, 2, 4, None),
    "reach": reach,
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_can_be_read(name):
    assert_readable(FIGURES[name]())


def test_two_settings_of_a_widget_stay_under_150_kilobytes():
    picture = data.to_tensor(data.load("emoji", split="noto", size=32).select([1]))
    for fig in (
        draw.patches_and_sequence(picture[0], 4),
        draw.position_similarity(positions(), GRID, 1, 1, positions(1)),
        draw.attention_map(picture, attention(pictures=1), GRID, 0, 1, 1),
    ):
        assert len(img(fig, "x")) < 75_000


# --- patches


@pytest.mark.parametrize("patch_size", [16, 8, 4])
def test_the_sequence_holds_the_patches_row_by_row(patch_size):
    picture = image()
    whole, cut, *rows = pictures(draw.patches_and_sequence(picture, patch_size))
    side = 32 // patch_size
    assert np.array_equal(whole, picture.permute(1, 2, 0))
    # What is seen at the place of each patch's upper left pixel.
    corners = picture[:, ::patch_size, ::patch_size].permute(1, 2, 0).numpy()
    step = cut.shape[0] // side
    assert np.array_equal(cut[::step, ::step], corners)
    assert np.array_equal(np.concatenate([row[0, ::step] for row in rows]), corners.reshape(-1, 3))
    assert [len(row[0]) // step for row in rows] == ([32, 32] if patch_size == 4 else [side * side])
    assert cut[step - 1, 0].tolist() == [255, 255, 255]  # white between them


def test_the_numbers_of_patches_are_written():
    said = words(draw.patches_and_sequence(image(), 4))
    for text in ("P = 4", "N = 8 · 8 = 64", "F = 3 · 4 · 4 = 48", "N · F = 3,072", "64 patches of 4 × 4 pixels"):
        assert text in said
    assert "the sequence: N = 64 vectors of F = 48 numbers" in said
    assert {"1", "10", "32", "33", "64"} <= set(said) and said.count("→") == 2


def test_the_same_patch_is_framed_in_all_three_places():
    fig = draw.patches_and_sequence(image(), 8)
    frames = [ax.patches[-1].get_xy() for ax in fig.axes if ax.patches]
    assert frames == [(7.5, 7.5), (1, 1), (5, 0)]  # pixels; row and column of the patch; its place in the sequence


@pytest.mark.parametrize(("patch_size", "message"), [(5, "do not fill"), (2, "256 patches are too many")])
def test_patches_that_cannot_be_drawn(patch_size, message):
    with pytest.raises(ValueError, match=message):
        draw.patches_and_sequence(image(), patch_size)


# --- positions


def test_similarities_stand_where_the_patches_do():
    fig = draw.position_similarities(positions(), GRID, positions(1))
    expected = F.cosine_similarity(positions()[0, 1:, None], positions()[0, None, 1:], dim=-1).detach().numpy()
    shown = pictures(fig)
    assert len(shown) == 2 and shown[0].shape == (71, 71)
    for patch in (0, 7, 19, 63):
        top, left = 9 * (patch // 8), 9 * (patch % 8)
        assert np.allclose(shown[0][top : top + 8, left : left + 8].flatten(), expected[patch], atol=1e-6)
    assert np.isnan(shown[0][8]).all() and np.isnan(shown[0][:, 8]).all()
    assert {"after training", "before training", "cosine similarity"} <= set(words(fig))


def test_one_similarity_is_one_of_the_maps_with_its_patch_framed():
    every = pictures(draw.position_similarities(positions(), GRID, positions(1)))
    fig = draw.position_similarity(positions(), GRID, 3, 6, positions(1))
    for shown, maps, ax in zip(pictures(fig), every, fig.axes[1:3], strict=True):
        assert np.allclose(shown, maps[18:26, 45:53]) and shown[2, 5] == pytest.approx(1)
        assert ax.patches[-1].get_xy() == (4.5, 1.5)


def test_a_grid_need_not_be_square():
    given = torch.randn(1, 7, 16)
    assert pictures(draw.position_similarities(given, (2, 3), given))[0].shape == (5, 11)
    assert pictures(draw.position_similarity(given, (2, 3), 2, 1, given))[0].shape == (2, 3)
    with pytest.raises(ValueError, match="2 x 2 patches has 5 positions with the class token's; got 7"):
        draw.position_similarities(given, (2, 2), given)


# --- attention


@pytest.mark.parametrize("head", [None, 1, 4])
def test_the_map_is_the_row_of_the_class_token(head):
    weights, images = attention(), torch.stack([image(seed) for seed in range(3)])
    fig = draw.attention_map(images, weights, GRID, 1, 2, head)
    row = weights[1][1, :, 0].mean(0) if head is None else weights[1][1, head - 1, 0]
    picture, shown, lit = pictures(fig)
    assert np.array_equal(picture, images[1].permute(1, 2, 0))
    assert np.allclose(shown.flatten(), row[1:])
    said = words(fig)
    who = "mean of all heads" if head is None else f"head {head}"
    assert f"Layer 2, {who}: where the class token looks" in said
    assert any(text.startswith(f"{100 * row[0].item():.1f} % of its attention") for text in said)
    most = divmod(int(row[1:].argmax()), 8)
    patch = np.s_[4 * most[0] : 4 * most[0] + 4, 4 * most[1] : 4 * most[1] + 4]
    assert np.array_equal(lit[patch], picture[patch]) and lit.sum() < picture.sum()


def test_reach_shows_means_heads_and_levels():
    fig = reach()
    _, vit, cnn = fig.axes
    drawn = {
        (line.get_color(), line.get_markersize()): line.get_ydata() for line in vit.lines if line.get_marker() != "None"
    }
    assert list(drawn[COLOURS[0], 7]) == [12.0, 17.0]
    assert list(drawn[COLOURS[0], 4]) == [10.0, 14.0, 12.0, 16.0, 17.0, 18.0]
    assert len(drawn[COLOURS[2], 4]) == 6
    assert [line.get_ydata()[0] for line in vit.lines if line.get_marker() == "None"] == [16.6]
    assert [path[:, 1].tolist() for path in vit.collections[0].get_segments()] == [[10, 14], [16, 18]]  # of the heads
    mean, edge = cnn.lines
    assert mean.get_xydata().tolist() == [[1, 1.5], [2, 3.5], [3, 6], [4, 11]]
    assert mean.get_color() == COLOURS[1]  # the CNN's colour in the chart of the results
    assert edge.get_xydata().tolist() == [[1, 2], [2, 5], [3, 11], [4, 23]]  # half of the side
    assert cnn.get_ylim()[0] < 1.5 and 23 < cnn.get_ylim()[1] < 26
    assert {"distance in pixels", "stage", "spread evenly", "edge of its\nreceptive field"} <= set(words(fig))
