"""Scores of two sets of vectors, and the loss over them."""

import math

import pytest
import torch
from torch.nn import functional as F

from mmlearn.nn.contrastive import Similarity, symmetric_loss


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# --- Similarity -------------------------------------------------------------------------------------------------------


def test_scores_are_scaled_cosines_of_all_with_all():
    similarity, images_BE, texts_KE = Similarity(scale=3.0), randn(4, 6), randn(5, 6, seed=1)
    scores_BK = similarity(images_BE, texts_KE)
    assert scores_BK.shape == (4, 5)
    for i in range(4):
        for k in range(5):
            cosine = F.cosine_similarity(images_BE[i], texts_KE[k], dim=0)
            assert scores_BK[i, k].item() == pytest.approx(3 * cosine.item(), abs=1e-5)


def test_the_length_of_a_vector_does_not_count():
    similarity, images_BE, texts_KE = Similarity(), randn(4, 6), randn(5, 6, seed=1)
    lengths_B1 = torch.tensor([[0.01], [1.0], [7.0], [300.0]])
    torch.testing.assert_close(similarity(lengths_B1 * images_BE, texts_KE), similarity(images_BE, texts_KE))


def test_a_vector_of_zeros_has_a_score_of_zero():
    assert Similarity()(torch.zeros(1, 6), randn(5, 6)).tolist() == [[0.0] * 5]


def test_the_first_temperature_is_the_papers():
    similarity = Similarity()
    assert similarity.log_scale.shape == () and similarity.log_scale.requires_grad
    assert similarity.log_scale.exp().item() == pytest.approx(1 / 0.07)


def test_a_scale_can_be_fixed():
    similarity = Similarity(scale=20.0, learned=False)
    assert not similarity.log_scale.requires_grad
    assert list(similarity.state_dict()) == ["log_scale"]
    assert similarity(torch.eye(2), torch.eye(2)).diagonal().tolist() == pytest.approx([20, 20])


def test_device_and_dtype_are_those_asked_for():
    similarity = Similarity(device="meta", dtype=torch.bfloat16)
    assert (similarity.log_scale.device.type, similarity.log_scale.dtype) == ("meta", torch.bfloat16)


@pytest.mark.parametrize(("before", "after"), [(99.0, 99.0), (100.5, 100.0), (1e30, 100.0), (0.01, 0.01)])
def test_the_scale_is_clamped_from_above_alone_and_in_place(before, after):
    similarity = Similarity(scale=before)
    parameter = similarity.log_scale
    similarity.clamp()
    assert similarity.log_scale is parameter and parameter.requires_grad
    assert parameter.exp().item() == pytest.approx(after, rel=1e-5)


def test_a_clamped_scale_goes_on_learning():
    similarity = Similarity(scale=1000.0)
    optimiser = torch.optim.SGD(similarity.parameters(), lr=0.1)
    similarity.clamp()
    similarity(torch.eye(2), torch.eye(2)).diagonal().sum().backward()
    optimiser.step()
    assert similarity.log_scale.item() == pytest.approx(math.log(100) - 0.1 * 200, rel=1e-4)


# --- symmetric_loss ---------------------------------------------------------------------------------------------------


def test_the_loss_is_the_mean_of_both_directions():
    scores_BB, partner_B = randn(5, 5), torch.arange(5)
    rows, columns = F.cross_entropy(scores_BB, partner_B), F.cross_entropy(scores_BB.T, partner_B)
    assert not torch.isclose(rows, columns)
    assert torch.isclose(symmetric_loss(scores_BB), (rows + columns) / 2)
    assert torch.isclose(symmetric_loss(scores_BB.T), symmetric_loss(scores_BB))


def test_equal_scores_are_as_good_as_guessing():
    assert symmetric_loss(torch.full((8, 8), 3.0)).item() == pytest.approx(math.log(8))


def test_large_scores_of_partners_leave_nothing_to_lose():
    assert symmetric_loss(1e4 * torch.eye(4)).item() == 0
    assert symmetric_loss(-1e4 * torch.eye(4)).item() == pytest.approx(1e4 + math.log(3), rel=1e-6)


def test_one_pair_has_no_loss():
    assert symmetric_loss(torch.tensor([[-5.0]])).item() == 0


def test_the_gradient_pulls_partners_together_and_others_apart():
    scores_BB = randn(4, 4).requires_grad_()
    symmetric_loss(scores_BB).backward()
    assert ((scores_BB.grad < 0) == torch.eye(4, dtype=torch.bool)).all()


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (4,), (3, 3, 3), (1, 2)])
def test_what_is_not_square_is_refused(shape):
    with pytest.raises(ValueError, match=r"partners stand on the diagonal of a square; got scores of shape \["):
        symmetric_loss(torch.zeros(shape))
