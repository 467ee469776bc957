"""What a frozen encoder's vectors hold: a linear classifier on top of them.

Shape letters: N items, D width of the vectors, K classes.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def linear_probe(
    train_ND: Tensor, train_labels_N: Tensor, test_ND: Tensor, test_labels_N: Tensor, ridge: float = 0.1
) -> float:
    """The accuracy of a linear classifier that was fitted to vectors, on other vectors.

    Least squares towards the one-hot labels, with a penalty on the weights, has a solution in closed form; so the
    result depends on the vectors alone. (CLIP's paper fits a logistic regression instead, section 3.2.)

    Args:
        ridge: the penalty, relative to the number of training items.

    Raises:
        ValueError: a label of the test never stood in training.
    """
    classes = int(train_labels_N.max()) + 1
    if int(test_labels_N.max()) >= classes:
        raise ValueError(f"label {int(test_labels_N.max())} is tested; training has 0 to {classes - 1}")
    mean_D, std_D = train_ND.mean(dim=0), train_ND.std(dim=0).clamp(min=1e-6)
    x_ND, y_ND = ((part - mean_D) / std_D for part in (train_ND.double(), test_ND.double()))
    goal_NK = F.one_hot(train_labels_N, classes).double()
    share_K = goal_NK.mean(dim=0)
    penalty_DD = ridge * len(x_ND) * torch.eye(x_ND.shape[1], dtype=x_ND.dtype)
    weight_DK = torch.linalg.solve(x_ND.T @ x_ND + penalty_DD, x_ND.T @ (goal_NK - share_K))
    guesses_N = (y_ND @ weight_DK + share_K).argmax(dim=1)
    return (guesses_N == test_labels_N).double().mean().item()
