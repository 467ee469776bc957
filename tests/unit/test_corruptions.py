"""What is taken away from an image, and how far a layer looks."""

import pytest
import torch
from torch import nn

from mmlearn.eval.corruptions import occlude, shuffle_cells
from mmlearn.eval.reach import attention_distance, gradient_distance, uniform_distance
from mmlearn.nn.patches import patchify


@pytest.fixture
def images():
    return torch.randn(3, 2, 8, 12, generator=torch.Generator().manual_seed(0))


def test_occlusion_covers_whole_cells_and_their_share(images):
    covered = occlude(images, 0.5, 4, fill=7.0)
    cells = patchify(covered, 4)
    white = (cells == 7.0).all(dim=2)
    assert (white.sum(dim=1) == 3).all(), "half of the six cells of each image"
    assert torch.equal(cells[~white], patchify(images, 4)[~white]), "the others are as they were"
    assert len({tuple(row.tolist()) for row in white}) > 1, "each image has its own"


def test_occlusion_of_nothing_and_of_all(images):
    assert torch.equal(occlude(images, 0.0, 4, fill=1.0), images)
    assert (occlude(images, 1.0, 4, fill=1.0) == 1.0).all()
    with pytest.raises(ValueError, match="from 0 to 1, got 50"):
        occlude(images, 50, 4, fill=1.0)
    with pytest.raises(ValueError, match="patches of side 5 do not fill"):
        occlude(images, 0.5, 5, fill=1.0)


def test_shuffling_moves_cells_and_keeps_their_content(images):
    before, after = patchify(images, 4), patchify(shuffle_cells(images, 4, seed=3), 4)
    assert not torch.equal(before, after)
    for old, new in zip(before, after, strict=True):
        order = torch.cdist(new, old).argmin(dim=1)
        assert sorted(order.tolist()) == list(range(6)) and torch.equal(old[order], new)


def test_the_same_seed_does_the_same(images):
    assert torch.equal(shuffle_cells(images, 2, seed=1), shuffle_cells(images, 2, seed=1))
    assert not torch.equal(occlude(images, 0.5, 2, 1.0, seed=1), occlude(images, 0.5, 2, 1.0, seed=2))


def test_attention_distance_of_known_heads():
    """On a grid of 2 x 3 patches of 4 pixels: a head that looks at itself, one to the right neighbour in a ring."""
    to_class = torch.full((6, 1), 0.5)  # half of the attention goes to the class token and does not count
    own, next_in_row = torch.eye(6), torch.eye(6)[[1, 2, 0, 4, 5, 3]]
    rows = torch.stack([torch.cat([to_class, head / 2], dim=1) for head in (own, next_in_row)])
    weights = torch.cat([torch.full((2, 1, 7), 1 / 7), rows], dim=1)[None]
    distances = attention_distance(weights, (2, 3), 4)
    assert distances.tolist() == pytest.approx([0.0, (4 + 4 + 8) / 3])
    assert uniform_distance((1, 2), 4) == pytest.approx(2.0)


def test_gradient_distance_grows_with_the_receptive_field():
    images = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))

    def box(side):  # a positive kernel, so that no gradient cancels
        layer = nn.Conv2d(1, 1, side, padding=side // 2, bias=False)
        nn.init.ones_(layer.weight)
        return layer

    one, three, nine = (gradient_distance(box(side), images) for side in (1, 3, 9))
    assert one == 0.0
    assert three == pytest.approx((4 * 1 + 4 * 2**0.5) / 9)
    assert nine > 2 * three


def test_distances_refuse_what_they_cannot_measure():
    with pytest.raises(
        ValueError, match="a grid of 2 x 2 patches and a class token make 5 tokens; these weights are of 7"
    ):
        attention_distance(torch.rand(1, 1, 7, 7), (2, 2), 4)
    dead = nn.Conv2d(1, 1, 3)
    nn.init.zeros_(dead.weight)
    with pytest.raises(ValueError, match="no pixel moves the middle of the map"):
        gradient_distance(dead, torch.rand(1, 1, 8, 8))
