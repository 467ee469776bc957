"""An image as a sequence of patches.

Shape letters: B batch, C channels, Y and X rows and columns of pixels, P side of a patch, N patches.
"""

from torch import Tensor


def patchify(images_BCYX: Tensor, patch_size: int) -> Tensor:
    """Cut images into square patches and flatten each patch.

    Patches are ordered row by row from the top left corner. Inside a patch the order is channel, row, column: the order
    in which a convolution stores its weights, so that `patchify(x, P) @ w.flatten(1).T` is a convolution with kernel
    and stride P.

    Args:
        images_BCYX: images, `[B, C, Y, X]`.
        patch_size: P, in pixels; must divide Y and X.

    Returns:
        The patches, `[B, N, C * P * P]` with `N = (Y / P) * (X / P)`.

    Raises:
        ValueError: P does not divide the height or the width.

    Source: ViT (arXiv:2010.11929), section 3.1: x in R^(H x W x C) becomes x_p in R^(N x (P^2 C)).
    """
    B, C, Y, X = images_BCYX.shape
    P = patch_size
    if Y % P or X % P:
        raise ValueError(f"patches of side {P} do not fill an image of {Y} x {X} pixels; both sides must be multiples")
    patches = images_BCYX.reshape(B, C, Y // P, P, X // P, P)
    patches = patches.permute(0, 2, 4, 1, 3, 5)  # [B, Y/P, X/P, C, P, P]
    return patches.reshape(B, (Y // P) * (X // P), C * P * P)
