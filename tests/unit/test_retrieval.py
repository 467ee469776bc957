"""Ranks, recall and chance."""

import itertools
import math

import pytest
import torch

from mmlearn.eval.retrieval import chance_at, ranks, recall_at

SCORES = torch.tensor([[0.9, 0.1, 0.5, 0.2], [0.3, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4]])


def relevant(*rows: set[int], candidates: int = 4) -> torch.Tensor:
    return torch.tensor([[candidate in row for candidate in range(candidates)] for row in rows])


def test_the_rank_is_the_place_of_the_best_relevant_candidate():
    assert ranks(SCORES, relevant({0}, {2}, {0})).tolist() == [1, 2, 4]
    assert ranks(SCORES, relevant({0, 1}, {2, 3}, {0, 1})).tolist() == [1, 2, 3]
    assert ranks(SCORES, relevant({0, 1, 2, 3}, {1}, {3})).tolist() == [1, 1, 1]


def test_a_tie_counts_against_the_query():
    """A model that scores all alike finds nothing."""
    alike = torch.zeros(2, 4)
    assert ranks(alike, relevant({0}, {3})).tolist() == [4, 4]
    assert ranks(alike, relevant({0, 1}, {3})).tolist() == [3, 4], "relevant ones do not stand in each other's way"
    assert recall_at(1, alike, relevant({0}, {3})) == 0


def test_ranks_are_those_of_a_sorted_list():
    generator = torch.Generator().manual_seed(0)
    scores_QN = torch.randn(20, 9, generator=generator)
    relevant_QN = torch.rand(20, 9, generator=generator) < 0.3
    relevant_QN[:, 4] = True
    for row, right, rank in zip(scores_QN, relevant_QN, ranks(scores_QN, relevant_QN), strict=True):
        order = row.argsort(descending=True).tolist()
        assert rank == 1 + min(place for place, candidate in enumerate(order) if right[candidate])


def test_infinite_scores_are_ordered_too():
    scores = torch.tensor([[-math.inf, 1.0, math.inf]])
    assert [ranks(scores, relevant({n}, candidates=3)).item() for n in range(3)] == [3, 2, 1]


def test_recall_is_the_share_of_queries_whose_rank_is_at_most_k():
    right = relevant({0}, {2}, {0})
    assert [recall_at(k, SCORES, right) for k in (1, 2, 3, 4, 10)] == pytest.approx([1 / 3, 2 / 3, 2 / 3, 1, 1])


@pytest.mark.parametrize("k", [1, 2, 3, 4, 6])
def test_chance_is_the_mean_over_all_orders(k):
    right = relevant({0}, {1, 3}, {0, 1, 2, 3})
    hits = [
        bool(set(order[:k]) & set(row.nonzero().flatten().tolist()))
        for row in right
        for order in itertools.permutations(range(4))
    ]
    assert chance_at(k, right) == pytest.approx(sum(hits) / len(hits))


def test_chance_of_one_right_candidate_is_k_of_n():
    right = torch.eye(1000, dtype=torch.bool)
    assert chance_at(10, right) == pytest.approx(0.01)
    assert chance_at(1000, right) == 1


def test_random_scores_are_near_chance():
    generator = torch.Generator().manual_seed(0)
    right = torch.zeros(4000, 20, dtype=torch.bool)
    right[:, :3] = True
    measured = recall_at(2, torch.randn(4000, 20, generator=generator), right)
    assert measured == pytest.approx(chance_at(2, right), abs=0.03)


@pytest.mark.parametrize(
    ("scores", "right", "message"),
    [
        (SCORES, relevant({0}, {1}), "both be"),
        (SCORES[0], relevant({0}, {1}, {2})[0], "both be"),
        (SCORES, relevant({0}, set(), {2}), "query 1 has no relevant candidate"),
    ],
)
def test_what_cannot_be_ranked_is_refused(scores, right, message):
    with pytest.raises(ValueError, match=message):
        ranks(scores, right)
