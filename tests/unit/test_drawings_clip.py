"""Lesson 02's pictures: they show the numbers that they are given, and can be read."""

import numpy as np
import pytest
import torch
from drawn import assert_readable, words

from mmlearn.course.drawings import clip as draw

NAMES = ("red apple", "parrot", "rocket", "rolling on the floor laughing", "thinking face")


def images(count=5):
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def scores(rows=5, columns=5):
    return torch.rand(rows, columns, generator=torch.Generator().manual_seed(1)) * 2 - 1


def tokens(count=5):
    pieces = [f"piece{index}</w>" if index % 3 == 2 else f"p{index}" for index in range(count)]
    return draw.tokens("what was typed", pieces, range(count))


FIGURES = {
    "idea": lambda: draw.idea(images(), NAMES, scores()),
    "matrix": lambda: draw.score_matrix(images(), NAMES, scores(), title="Before"),
    "matrix of one": lambda: draw.score_matrix(images(1), NAMES[:1], scores(1, 1)),
    "matrix of many texts": lambda: draw.score_matrix(images(5), NAMES + NAMES[:3], scores(5, 8), partners=False),
    "tokens": tokens,
    "many tokens": lambda: tokens(40),
    "shares": lambda: draw.shares(images()[0], NAMES, torch.tensor([0.1, 0.5, 0.2, 0.1, 0.1]), "toy-clip"),
    "one share": lambda: draw.shares(images()[0], NAMES[:1], torch.ones(1)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_can_be_read(name):
    assert_readable(FIGURES[name]())


def test_the_matrix_shows_the_scores_and_frames_partners_alone():
    values = scores()
    fig = draw.score_matrix(images(), NAMES, values)
    (matrix,) = [ax for ax in fig.axes if ax.images and np.shape(ax.images[0].get_array()) == (5, 5)]
    assert np.allclose(matrix.images[0].get_array(), values)
    assert {f"{value:.2f}".replace("-", "−") for value in values.flatten().tolist()} <= set(words(fig))
    assert sorted(patch.get_xy() for patch in matrix.patches) == [(place - 0.5, place - 0.5) for place in range(5)]
    free = draw.score_matrix(images(), NAMES, values, partners=False)
    assert not any(ax.patches for ax in free.axes if ax.images)


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match=r"5 images and 3 texts need scores \[5, 3\]; got \[5, 5\]"):
        draw.score_matrix(images(), NAMES[:3], scores())


def test_tokens_are_shown_with_their_numbers_and_the_end_of_a_word():
    shown = words(draw.tokens("red apple", ["red</w>", "app", "le</w>"], [514, 600, 7]))
    assert shown == ["'red apple' as 3 tokens", "red·", "514", "app", "600", "le·", "7"]


def test_the_largest_share_stands_out():
    fig = FIGURES["shares"]()
    bars = fig.axes[-1].patches
    assert [bar.get_width() for bar in bars] == pytest.approx([0.1, 0.5, 0.2, 0.1, 0.1])
    colours = [bar.get_facecolor() for bar in bars]
    assert colours.count(colours[1]) == 1 and len(set(colours)) == 2
    assert "50%" in words(fig)
