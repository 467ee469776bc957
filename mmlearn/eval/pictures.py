"""Simple statistics of images.

Shape letters: B batch, C channels, Y and X rows and columns.
"""

from torch import Tensor


def mean_picture(images_BCYX: Tensor) -> Tensor:
    """The mean image of a batch: `[B, C, Y, X]` to `[C, Y, X]`."""
    return images_BCYX.mean(dim=0)
