"""Positions for another image size."""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.nn.positions import interpolate_positions

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


# --- vit.interpolate --------------------------------------------------------------------------------------------------


def laid_out(patches_1ND, rows, columns):
    """Positions of patches as a picture: [1, N, D] to [1, D, rows, columns]."""
    return patches_1ND.unflatten(1, (rows, columns)).permute(0, 3, 1, 2)


def strung(picture_1DYX):
    """And back, row by row: [1, D, Y, X] to [1, Y * X, D]."""
    return picture_1DYX.flatten(2).transpose(1, 2)


def resampled(positions_1ND, grid, new_grid, mode="bicubic", **options):
    """The patches' positions for the new grid, [1, M, D]."""
    return strung(F.interpolate(laid_out(positions_1ND[:, 1:], *grid), size=new_grid, mode=mode, **options))


def behind_class(positions_1ND, patches_1MD):
    return torch.cat([positions_1ND[:, :1], patches_1MD], dim=1)


@of(
    "vit.interpolate",
    "The class token's position is missing. It belongs to no patch: put it back in front, unchanged, with `torch.cat`.",
)
def class_dropped(positions_1ND, grid, new_grid):
    return resampled(positions_1ND, grid, new_grid)


@of("vit.interpolate", "The class token's position is at the end. It comes first, as in the input.")
def class_last(positions_1ND, grid, new_grid):
    return torch.cat([resampled(positions_1ND, grid, new_grid), positions_1ND[:, :1]], dim=1)


@of("vit.interpolate", "You took the last position for the class token's. It is the first: `positions_1ND[:, :1]`.")
def class_taken_from_the_end(positions_1ND, grid, new_grid):
    return interpolate_positions(positions_1ND.roll(1, dims=1), grid, new_grid)


@of(
    "vit.interpolate",
    "The patches are right, and in front of them stands the last patch's position. The class token's is the first: "
    "`positions_1ND[:, :1]`.",
)
def last_patch_in_front(positions_1ND, grid, new_grid):
    patches_1MD = interpolate_positions(positions_1ND, grid, new_grid)[:, 1:]
    return behind_class(positions_1ND[:, -1:], patches_1MD)


@of("vit.interpolate", "The class token gets zeros. Its learned position is kept: `positions_1ND[:, :1]`.")
def class_forgotten(positions_1ND, grid, new_grid):
    return behind_class(torch.zeros_like(positions_1ND), resampled(positions_1ND, grid, new_grid))


@of(
    "vit.interpolate",
    "You laid out all 1 + N positions as a grid. The first belongs to the class token, not to a patch: lay out "
    "`positions_1ND[:, 1:]`.",
)
def class_laid_out_too(positions_1ND, grid, new_grid):
    return interpolate_positions(positions_1ND.reshape(1, *grid, positions_1ND.shape[2]), grid, new_grid)


@of(
    "vit.interpolate",
    "You stretched the whole sequence, the class token's position with it. That one is kept, and the others lie on a "
    "grid: neighbours above and below stand far apart in the sequence.",
)
def whole_sequence_stretched(positions_1ND, grid, new_grid):
    count = 1 + new_grid[0] * new_grid[1]
    return F.interpolate(positions_1ND.transpose(1, 2), size=count, mode="linear").transpose(1, 2)


@of(
    "vit.interpolate",
    "You stretched the patches as a sequence. They lie on a grid, and neighbours above and below stand far apart in "
    "the sequence: resample along rows and columns.",
)
def patches_as_a_sequence(positions_1ND, grid, new_grid):
    patches_1DN = positions_1ND[:, 1:].transpose(1, 2)
    patches_1DM = F.interpolate(patches_1DN, size=new_grid[0] * new_grid[1], mode="linear")
    return behind_class(positions_1ND, patches_1DM.transpose(1, 2))


@of("vit.interpolate", "The old grid is swapped: `grid` is (rows, columns), and you laid it out as (columns, rows).")
def old_grid_swapped(positions_1ND, grid, new_grid):
    return interpolate_positions(positions_1ND, grid[::-1], new_grid)


@of("vit.interpolate", "The new grid is swapped: `new_grid` is (rows, columns), and so is `size` of `F.interpolate`.")
def new_grid_swapped(positions_1ND, grid, new_grid):
    return interpolate_positions(positions_1ND, grid, new_grid[::-1])


@of(
    "vit.interpolate",
    "You read both grids as (columns, rows), so the positions run down the columns. Patches come row by row.",
)
def both_grids_swapped(positions_1ND, grid, new_grid):
    return interpolate_positions(positions_1ND, grid[::-1], new_grid[::-1])


@of("vit.interpolate", "You strung the new grid together column by column. Flatten it row by row, as it was read.")
def strung_column_by_column(positions_1ND, grid, new_grid):
    picture_1DYX = F.interpolate(laid_out(positions_1ND[:, 1:], *grid), size=new_grid, mode="bicubic")
    return behind_class(positions_1ND, strung(picture_1DYX.transpose(2, 3)))


@of(
    "vit.interpolate",
    "You reshaped [1, N, D] to [1, D, rows, columns] straight away. That moves no number and mixes widths with places: "
    "`unflatten(1, (rows, columns))` first, then `permute(0, 3, 1, 2)`.",
)
def reshaped_without_permute(positions_1ND, grid, new_grid):
    picture_1DYX = positions_1ND[:, 1:].reshape(1, -1, *grid)
    return behind_class(positions_1ND, strung(F.interpolate(picture_1DYX, size=new_grid, mode="bicubic")))


@of(
    "vit.interpolate",
    "On the way back you reshaped [1, D, rows, columns] to [1, M, D]. That moves no number and mixes widths with "
    "places: `flatten(2)`, then `transpose(1, 2)`.",
)
def reshaped_back(positions_1ND, grid, new_grid):
    picture_1DYX = F.interpolate(laid_out(positions_1ND[:, 1:], *grid), size=new_grid, mode="bicubic")
    return behind_class(positions_1ND, picture_1DYX.reshape(1, -1, positions_1ND.shape[2]))


@of(
    "vit.interpolate",
    "That is bilinear: each value is made of four neighbours. The authors' own code does that too, but this exercise "
    'asks for bicubic, which makes it of sixteen: `mode="bicubic"`.',
)
def bilinear(positions_1ND, grid, new_grid):
    return behind_class(positions_1ND, resampled(positions_1ND, grid, new_grid, mode="bilinear"))


@of(
    "vit.interpolate",
    "Each new place copies the nearest old one: that is what `F.interpolate` does unless told otherwise. Give it "
    '`mode="bicubic"`.',
)
def nearest(positions_1ND, grid, new_grid):
    return behind_class(positions_1ND, resampled(positions_1ND, grid, new_grid, mode="nearest"))


@of(
    "vit.interpolate", 'Each new value is the mean over an area of the old grid. Give `F.interpolate` `mode="bicubic"`.'
)
def area(positions_1ND, grid, new_grid):
    return behind_class(positions_1ND, resampled(positions_1ND, grid, new_grid, mode="area"))


@of(
    "vit.interpolate",
    "`align_corners=True` puts the middles of the corner patches on each other. Patches are areas, and it is the "
    "borders of the image that stay where they are: leave it at `False`.",
)
def corners_aligned(positions_1ND, grid, new_grid):
    return behind_class(positions_1ND, resampled(positions_1ND, grid, new_grid, align_corners=True))


@of(
    "vit.interpolate",
    "`antialias=True` is another filter, which blurs a picture before it shrinks it. Leave it out: plain bicubic is "
    "asked for.",
)
def antialiased(positions_1ND, grid, new_grid):
    return behind_class(positions_1ND, resampled(positions_1ND, grid, new_grid, antialias=True))


@of("vit.interpolate", "The new positions are cut off from the old ones: something detached them.")
def detached_positions(positions_1ND, grid, new_grid):
    return interpolate_positions(positions_1ND.detach(), grid, new_grid)


@of("vit.interpolate", "The result is float32 whatever the positions were. Keep their dtype.")
def float32_positions(positions_1ND, grid, new_grid):
    return interpolate_positions(positions_1ND.float(), grid, new_grid)


@of(
    "vit.interpolate",
    "Everything else is right. Positions that do not fit the grid fail with a message about shapes: raise a "
    "`ValueError` first, which says what is wrong.",
)
def no_look_at_the_grid(positions_1ND, grid, new_grid):
    return behind_class(positions_1ND, resampled(positions_1ND, grid, new_grid))
