"""How far a layer looks, in pixels.

Shape letters: B batch, C channels, Y and X rows and columns, N patches, H heads.
"""

import torch
from torch import Tensor, nn


def attention_distance(weights_BHNN: Tensor, grid: tuple[int, int], patch_size: int) -> Tensor:
    """The mean distance between a patch and those that it attends to, weighted by attention: `[H]`, in pixels.

    Args:
        weights_BHNN: attention weights `[B, H, 1 + N, 1 + N]`, the class token first. It has no place in the image, so
            its row and column are left out and the rest of each row is scaled to sum to 1.
        grid: rows and columns of patches.
        patch_size: side of a patch in pixels.

    Raises:
        ValueError: the weights are of another grid.

    Source: ViT (arXiv:2010.11929), figure 7 (right) and appendix D.7.
    """
    if weights_BHNN.shape[-1] != 1 + grid[0] * grid[1]:
        raise ValueError(
            f"a grid of {grid[0]} x {grid[1]} patches and a class token make {1 + grid[0] * grid[1]} tokens; "
            f"these weights are of {weights_BHNN.shape[-1]}"
        )
    patches_BHNN = weights_BHNN[:, :, 1:, 1:]
    patches_BHNN = patches_BHNN / patches_BHNN.sum(dim=-1, keepdim=True)
    return (patches_BHNN * _distances(grid, patch_size).to(weights_BHNN)).sum(dim=-1).mean(dim=(0, 2))


def uniform_distance(grid: tuple[int, int], patch_size: int) -> float:
    """The attention distance, in pixels, of a head that looks at all patches alike."""
    return _distances(grid, patch_size).mean().item()


def gradient_distance(layers: nn.Module, images_BCYX: Tensor) -> float:
    """The mean distance of the pixels that move a place of a convolution's map from that place, in pixels.

    A pixel counts by the size of the gradient, there, of the sum over the map's channels. So this is how far the layers
    look, not how far they could: the effective receptive field (Luo et al. 2016, arXiv:1701.04128). Measured in the
    middle of the map.

    Args:
        layers: gives a map `[B, C, y, x]` of the images; in evaluation mode, or batch norm would join the images.

    Raises:
        ValueError: no pixel moves that place.
    """
    images_BCYX = images_BCYX.detach().clone().requires_grad_()
    map_BCYX = layers(images_BCYX)
    row, column = map_BCYX.shape[2] // 2, map_BCYX.shape[3] // 2
    (gradient,) = torch.autograd.grad(map_BCYX[:, :, row, column].sum(), images_BCYX)
    size_YX = gradient.abs().sum(dim=(0, 1))
    if not size_YX.any():
        raise ValueError("no pixel moves the middle of the map: its gradient is zero everywhere")
    step_y, step_x = (i / m for i, m in zip(images_BCYX.shape[2:], map_BCYX.shape[2:], strict=True))
    y = torch.arange(images_BCYX.shape[2], device=size_YX.device) + 0.5 - (row + 0.5) * step_y
    x = torch.arange(images_BCYX.shape[3], device=size_YX.device) + 0.5 - (column + 0.5) * step_x
    return ((size_YX * torch.hypot(y[:, None], x[None, :])).sum() / size_YX.sum()).item()


def _distances(grid: tuple[int, int], patch_size: int) -> Tensor:
    """Between the centres of every two patches, row by row: [N, N], in pixels."""
    places = torch.cartesian_prod(torch.arange(grid[0]), torch.arange(grid[1])).float()
    return torch.cdist(places, places, compute_mode="donot_use_mm_for_euclid_dist") * patch_size
