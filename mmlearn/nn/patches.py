"""An image as a sequence of patches.

Shape letters: B batch, C channels, Y and X rows and columns of pixels, P side of a patch (P and Q, rows and columns of
one that is not square), N patches, F = C * P * P numbers in a patch, D model width.
"""

import math

from torch import Tensor, nn
from torch.nn import functional as F


def patch_grid(height: int, width: int, patch_size: int) -> tuple[int, int]:
    """Rows and columns of patches in an image of `height` x `width` pixels.

    Raises:
        ValueError: the patches do not divide the height or the width.
    """
    if height % patch_size or width % patch_size:
        raise ValueError(
            f"patches of side {patch_size} do not fill an image of {height} x {width} pixels; "
            "both sides must be multiples"
        )
    return height // patch_size, width // patch_size


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
    rows, columns = patch_grid(Y, X, P)
    # Pixel (iP + u, jP + v) of channel c goes into patch (i, j), to the place (c, u, v).
    patches = images_BCYX.reshape(B, C, rows, P, columns, P)  # axes b, c, i, u, j, v
    patches = patches.permute(0, 2, 4, 1, 3, 5)  # axes b, i, j, c, u, v
    return patches.reshape(B, rows * columns, C * P * P)


class PatchProjection(nn.Module):
    """A linear map of each patch, run as the convolution that it is.

    Source: ViT (arXiv:2010.11929), section 3.1, the E of equation 1.

    Args:
        channels: C.
        patch_size: P, in pixels; must divide the sides of the images.
        dim: D.
        bias: whether a learned bias is added.
        device, dtype: of the parameters.
    """

    def __init__(self, channels: int, patch_size: int, dim: int, *, bias: bool = True, device=None, dtype=None) -> None:
        super().__init__()
        self.channels, self.patch_size = channels, patch_size
        self.linear = nn.Linear(channels * patch_size**2, dim, bias=bias, device=device, dtype=dtype)

    def kernel(self) -> Tensor:
        """The map as the kernel of a convolution with stride P: `[D, C, P, P]`, without a copy."""
        return self.linear.weight.unflatten(1, (self.channels, self.patch_size, self.patch_size))

    def forward(self, images_BCYX: Tensor) -> Tensor:
        """Images `[B, C, Y, X]` to projected patches `[B, N, D]`, row by row.

        Equal to `self.linear(patchify(images_BCYX, P))`; a convolution needs no copy of the pixels.

        Raises:
            ValueError: P does not divide the height or the width.
        """
        patch_grid(*images_BCYX.shape[-2:], self.patch_size)  # a convolution would drop what is left over, silently
        # Equation 1, x_p E, written out: z[d, i, j] = b[d] + sum over c, u, v of E[d, c, u, v] * x[c, iP + u, jP + v]
        projected_BDYX = F.conv2d(images_BCYX, self.kernel(), self.linear.bias, stride=self.patch_size)
        return projected_BDYX.flatten(2).transpose(1, 2)


CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def strided_grid(lengths: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...]) -> tuple[int, ...]:
    """How many patches lie along each axis, where patches may overlap: one, and one more for each stride that fits.

    What is left over at the end of an axis, less than a stride, is in no patch.

    Args:
        lengths: of the axes, one to three.
        kernel, stride: sides of a patch, and the distance from each to the next, along the same axes.

    Raises:
        ValueError: not as many sides or strides as axes, or other than one to three; a patch is longer than its axis; a
            side or a stride is not positive.
    """
    if len(lengths) not in CONVOLUTIONS or not len(lengths) == len(kernel) == len(stride):
        raise ValueError(f"patches need one to three axes, alike in {lengths}, {kernel} and {stride}")
    if min(*kernel, *stride) < 1 or any(side > length for side, length in zip(kernel, lengths, strict=True)):
        raise ValueError(f"patches of {kernel}, {stride} apart, do not fit into {lengths}")
    return tuple(1 + (n - k) // s for n, k, s in zip(lengths, kernel, stride, strict=True))


def overlapping_patches(signals_BCYX: Tensor, kernel: tuple[int, int], stride: tuple[int, int]) -> Tensor:
    """Cut pictures or spectrograms into patches that may overlap and need not be square, and flatten each patch.

    Patches are ordered row by row from the top left corner. Inside a patch the order is channel, row, column, so that
    `overlapping_patches(x, kernel, stride) @ w.flatten(1).T` is a convolution with this kernel and stride. Rows and
    columns that are left over at the end, less than a stride, are in no patch.

    Args:
        signals_BCYX: `[B, C, Y, X]`.
        kernel: P and Q, rows and columns of a patch.
        stride: from each patch to the next, downwards and to the right.

    Returns:
        The patches, `[B, N, C * P * Q]`; N is the product of `strided_grid((Y, X), kernel, stride)`.

    Raises:
        ValueError: a patch is larger than the picture.

    Source: AST (arXiv:2104.01778), section 2.1, which ImageBind follows: patches of 16 x 16 every 10 cells.
    """
    B, C, Y, X = signals_BCYX.shape
    P, Q = kernel
    if P > Y or Q > X:
        raise ValueError(f"patches of {P} x {Q} do not fit into a picture of {Y} x {X}")
    # Cell (i * stride[0] + u, j * stride[1] + v) of channel c goes into patch (i, j), to the place (c, u, v).
    patches = signals_BCYX.unfold(2, P, stride[0]).unfold(3, Q, stride[1])  # axes b, c, i, j, u, v
    patches = patches.permute(0, 2, 3, 1, 4, 5)  # axes b, i, j, c, u, v
    return patches.reshape(B, -1, C * P * Q)


class StridedProjection(nn.Module):
    """A linear map of each patch of a series, a picture or a video; patches may overlap.

    `PatchProjection` for one to three axes, without a bias, and with a stride of its own.

    Args:
        channels: C.
        kernel: sides of a patch, one for each axis.
        dim: D.
        stride: from each patch to the next along each axis; `None` lays them side by side.
        device, dtype: of the parameters.
    """

    def __init__(
        self, channels: int, kernel: tuple[int, ...], dim: int, *, stride=None, device=None, dtype=None
    ) -> None:
        super().__init__()
        self.shape, self.stride = (channels, *kernel), kernel if stride is None else stride
        self.linear = nn.Linear(channels * math.prod(kernel), dim, bias=False, device=device, dtype=dtype)

    def kernel(self) -> Tensor:
        """The map as the kernel of a convolution: `[D, C, *kernel]`, without a copy."""
        return self.linear.weight.unflatten(1, self.shape)

    def forward(self, signals: Tensor) -> Tensor:
        """Signals `[B, C, *axes]` to projected patches `[B, N, D]`; the last axis runs fastest."""
        convolution = CONVOLUTIONS[len(self.stride)]
        return convolution(signals, self.kernel(), stride=self.stride).flatten(2).transpose(1, 2)
