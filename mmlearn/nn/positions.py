"""Where a token stands.

Shape letters: N patches, M patches of the new grid, Y and X rows and columns of a grid, D model width.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def interpolate_positions(positions_1ND: Tensor, grid: tuple[int, int], new_grid: tuple[int, int]) -> Tensor:
    """Learned positions for a finer or coarser grid of patches: `[1, 1 + N, D]` to `[1, 1 + M, D]`.

    The first position, that of the class token, is kept. The others are laid out as the grid that they stand for and
    resampled like the pixels of an image. The paper does not say how. This is bicubic, as in most PyTorch versions; the
    authors' own code resamples linearly, corner on corner.

    Args:
        positions_1ND: positions of the class token and of all patches, row by row.
        grid: rows and columns of patches that the positions were made for; their product is N.
        new_grid: rows and columns wanted; their product is M.

    Raises:
        ValueError: there are not 1 + N positions.

    Source: ViT (arXiv:2010.11929), section 3.2.
    """
    rows, columns = grid
    expected, count = 1 + rows * columns, positions_1ND.shape[1]
    if count != expected:
        raise ValueError(
            f"a grid of {rows} x {columns} patches has {expected} positions with the class token's; got {count}"
        )
    class_11D, patches_1ND = positions_1ND[:, :1], positions_1ND[:, 1:]
    grid_1DYX = patches_1ND.unflatten(1, (rows, columns)).permute(0, 3, 1, 2)  # an image with D channels
    # Each new position is a weighted sum of its old neighbours, by Keys' cubic w along rows and along columns:
    # p'[i', j'] = sum over i, j of w(u - i) * w(v - j) * p[i, j], u = (i' + 1/2) * rows / new rows - 1/2, v likewise.
    grid_1DYX = F.interpolate(grid_1DYX, size=new_grid, mode="bicubic", align_corners=False)
    patches_1MD = grid_1DYX.flatten(2).transpose(1, 2)
    return torch.cat([class_11D, patches_1MD], dim=1)
