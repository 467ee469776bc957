"""Simple statistics of images.

Shape letters: B batch, C channels, Y and X rows and columns, K classes.
"""

import math

import torch
from torch import Tensor


def mean_picture(images_BCYX: Tensor) -> Tensor:
    """The mean image of a batch: `[B, C, Y, X]` to `[C, Y, X]`."""
    return images_BCYX.mean(dim=0)


def nearest_mean(images_BCYX: Tensor, means_KCYX: Tensor) -> Tensor:
    """The class whose mean picture is nearest to each image: `[B]`, whole numbers from 0 to K - 1.

    Near is meant as the Euclidean distance over all pixels and channels.

    Args:
        images_BCYX: `[B, C, Y, X]`.
        means_KCYX: `[K, C, Y, X]`. One that is NaN, the mean of no pictures, is never the nearest.
    """
    distance_BK = torch.cdist(images_BCYX.flatten(1), means_KCYX.flatten(1))
    return distance_BK.nan_to_num(nan=math.inf).argmin(dim=1)
