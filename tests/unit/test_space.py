"""The geometry of a shared space: the gap, what closes it, and sums of vectors."""

import math

import pytest
import torch
from torch.nn import functional as F

from mmlearn.eval.space import centred, combine, modality_gap


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def modality(count: int, seed: int) -> torch.Tensor:
    """Vectors of many lengths around a direction of their own."""
    around_NE = normal(count, 6, seed=seed) + 3 * F.normalize(normal(1, 6, seed=seed + 100), dim=1)
    return around_NE * (0.1 + 5 * normal(count, 1, seed=seed + 200).abs())


def test_the_gap_of_two_known_sets():
    first_NE = torch.tensor([[3.0, 0.0], [0.0, 0.5]])  # directions with the mean (1/2, 1/2)
    second_ME = torch.tensor([[-4.0, 0.0], [-1.0, 0.0], [0.0, 2.0]])  # (-2/3, 1/3)
    assert modality_gap(first_NE, second_ME).item() == pytest.approx(math.hypot(7 / 6, 1 / 6))


def test_the_gap_is_a_distance_of_directions():
    first_NE, second_ME = modality(7, 1), modality(4, 2)
    gap = modality_gap(first_NE, second_ME)
    assert gap.shape == () and 0.5 < gap < 2
    assert modality_gap(second_ME, first_NE) == gap
    assert torch.allclose(modality_gap(10 * first_NE, second_ME / 7), gap)
    assert modality_gap(first_NE, first_NE.flip(0)).item() == pytest.approx(0, abs=1e-6)
    assert modality_gap(first_NE[:1], -first_NE[:1]).item() == pytest.approx(2)


def test_centred_vectors_have_length_1_and_nearly_no_gap():
    first_NE, second_ME = modality(500, 1), modality(400, 2)
    one_NE, other_ME = centred(first_NE), centred(second_ME)
    assert torch.allclose(one_NE.norm(dim=1), torch.ones(500))
    assert modality_gap(one_NE, other_ME) < 0.15 * modality_gap(first_NE, second_ME)


def test_centred_leaves_no_mean_before_the_last_step():
    vectors_NE = modality(7, 3)
    unit_NE = F.normalize(vectors_NE, dim=1)
    found_NE = centred(vectors_NE)
    lengths_N1 = (unit_NE - unit_NE.mean(dim=0)).norm(dim=1, keepdim=True)
    assert (found_NE * lengths_N1).mean(dim=0).abs().max() < 1e-6
    assert torch.allclose(found_NE, centred(3 * vectors_NE), atol=1e-6)
    assert torch.equal(centred(vectors_NE[:1]), torch.zeros(1, 6)), "a single vector is its own mean"


def test_combined_vectors_lie_between_and_have_length_1():
    first_BE, second_BE = modality(5, 4), modality(5, 5)
    half_BE = combine(first_BE, second_BE)
    assert torch.allclose(half_BE.norm(dim=1), torch.ones(5))
    near_first, near_second = (F.cosine_similarity(half_BE, ends_BE) for ends_BE in (first_BE, second_BE))
    assert torch.allclose(near_first, near_second, atol=1e-6)
    assert torch.allclose(combine(10 * first_BE, second_BE / 3), half_BE, atol=1e-6)
    assert torch.allclose(combine(first_BE, second_BE, 0), F.normalize(first_BE, dim=1))
    assert torch.allclose(combine(first_BE, second_BE, 1), F.normalize(second_BE, dim=1))
    assert torch.allclose(combine(second_BE, first_BE, 0.7), combine(first_BE, second_BE, 0.3), atol=1e-6)


def test_the_combination_of_two_known_vectors():
    east, north = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.1]])
    assert torch.allclose(combine(east, north, 0.8), torch.tensor([[1.0, 4.0]]) / math.sqrt(17))
    assert torch.equal(combine(east, -east), torch.zeros(1, 2)), "opposite directions leave none"


def test_dtypes_stay():
    vectors_NE = modality(4, 6).double()
    for found in (modality_gap(vectors_NE, vectors_NE), centred(vectors_NE), combine(vectors_NE, vectors_NE)):
        assert found.dtype == torch.float64
