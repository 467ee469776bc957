"""Images with something taken away, to see what a model relies on.

Shape letters: B batch, C channels, Y and X rows and columns of pixels, N cells of a grid.
"""

import torch
from torch import Tensor

from mmlearn.nn.patches import patchify


def occlude(images_BCYX: Tensor, share: float, cell: int, fill: float, seed: int = 0) -> Tensor:
    """Cover a share of the square cells of every image, chosen for each image by itself.

    Args:
        share: 0 to 1; the number of covered cells is rounded.
        cell: side of a cell in pixels; must divide Y and X.
        fill: the value of covered pixels.
        seed: the same seed covers the same cells.

    Source: Naseer et al. 2021 (arXiv:2105.10497), section 3.1, "random PatchDrop".
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is a number from 0 to 1, got {share}")
    cells_BNF = patchify(images_BCYX, cell)
    covered = round(share * cells_BNF.shape[1])
    order_BN = _orders(*cells_BNF.shape[:2], seed)
    hidden_BN = (order_BN < covered).to(images_BCYX.device)
    return _assemble(cells_BNF.masked_fill(hidden_BN[..., None], fill), images_BCYX, cell)


def shuffle_cells(images_BCYX: Tensor, cell: int, seed: int = 0) -> Tensor:
    """Put the square cells of every image in a random order: what is in a cell stays, where it stands is lost.

    Args:
        cell: side of a cell in pixels; must divide Y and X.
        seed: the same seed gives the same orders.

    Source: Naseer et al. 2021 (arXiv:2105.10497), section 3.3.
    """
    cells_BNF = patchify(images_BCYX, cell)
    order_BN = _orders(*cells_BNF.shape[:2], seed).to(images_BCYX.device)
    return _assemble(cells_BNF.gather(1, order_BN[..., None].expand_as(cells_BNF)), images_BCYX, cell)


def _orders(images: int, cells: int, seed: int) -> Tensor:
    """A random permutation of the cells for every image: [B, N]."""
    return torch.rand(images, cells, generator=torch.Generator().manual_seed(seed)).argsort(dim=1)


def _assemble(cells_BNF: Tensor, images_BCYX: Tensor, cell: int) -> Tensor:
    """The inverse of `patchify`."""
    B, C, Y, X = images_BCYX.shape
    cells = cells_BNF.reshape(B, Y // cell, X // cell, C, cell, cell)
    return cells.permute(0, 3, 1, 4, 2, 5).reshape(B, C, Y, X)
