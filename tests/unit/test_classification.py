"""How well a classifier does: values known in advance."""

import math

import pytest
import torch
from torch import nn

from mmlearn.eval.classification import accuracy, majority_share, wilson_interval


class Scores(nn.Module):
    """Hands on its input as scores, and writes down how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.gain, self.calls = nn.Parameter(torch.ones(())), []

    def forward(self, scores_BK):
        self.calls.append((len(scores_BK), self.training, torch.is_grad_enabled()))
        return self.gain * scores_BK


def test_accuracy_counts_the_highest_scores():
    scores = torch.tensor([[0.1, 0.9, 0.0], [2.0, -1.0, 1.0], [-3.0, -2.0, -1.0], [0.0, 0.0, 5.0], [1.0, 2.0, 3.0]])
    labels = torch.tensor([1, 0, 2, 1, 0])
    assert accuracy(Scores(), scores, labels) == pytest.approx(3 / 5)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 7, 100])
def test_accuracy_does_not_depend_on_the_batch_size(batch_size):
    generator = torch.Generator().manual_seed(0)
    scores, labels = torch.randn(7, 4, generator=generator), torch.randint(4, (7,), generator=generator)
    model = Scores()
    assert accuracy(model, scores, labels, batch_size) == accuracy(Scores(), scores, labels)
    assert sum(size for size, _, _ in model.calls) == 7 and max(size for size, _, _ in model.calls) <= batch_size


@pytest.mark.parametrize("training", [True, False])
def test_accuracy_runs_in_evaluation_mode_and_leaves_the_mode(training):
    model = Scores().train(training)
    accuracy(model, torch.eye(3), torch.arange(3))
    assert model.calls == [(3, False, False)] and model.training is training


def test_wilson_gives_the_published_values():
    """Newcombe 1998 (Statistics in Medicine 17), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for hits, count, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)):
        assert wilson_interval(hits / count, count) == pytest.approx((low, high), abs=6e-5)
    assert wilson_interval(0.0, 20) == pytest.approx((0, 0.1611), abs=6e-5)


def test_wilson_solves_the_score_equation():
    for share, count in ((0.3, 10), (0.5, 50), (0.97, 400)):
        for bound in wilson_interval(share, count):
            assert abs(share - bound) == pytest.approx(1.96 * math.sqrt(bound * (1 - bound) / count))


def test_wilson_stays_between_zero_and_one_and_narrows():
    widths = []
    for count in (1, 10, 100, 1000):
        for share in (0.0, 0.5, 1.0):
            low, high = wilson_interval(share, count)
            assert -1e-12 <= low <= share + 1e-12 and share - 1e-12 <= high <= 1 + 1e-12
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_the_majority_is_that_of_training():
    train_labels, labels = torch.tensor([2, 2, 2, 0, 1]), torch.tensor([0, 0, 0, 2])
    assert majority_share(train_labels, labels) == pytest.approx(1 / 4)
