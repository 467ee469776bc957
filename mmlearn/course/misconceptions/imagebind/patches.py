"""Overlapping patches."""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.nn.patches import overlapping_patches

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


def fit(spectrograms_BCYX, kernel):
    """The refusal."""
    if kernel[0] > spectrograms_BCYX.shape[2] or kernel[1] > spectrograms_BCYX.shape[3]:
        raise ValueError("the kernel is larger than the spectrogram")


def cut(spectrograms_BCYX, kernel, stride):
    """All patches with their axes: batch, channel, row and column of the grid, row and column inside."""
    fit(spectrograms_BCYX, kernel)
    return spectrograms_BCYX.unfold(2, kernel[0], stride[0]).unfold(3, kernel[1], stride[1])


def stacked(spectrograms_BCYX, kernel, rows, columns):
    """Patches that begin in these rows and columns."""
    fit(spectrograms_BCYX, kernel)
    P, Q = kernel
    return torch.stack([spectrograms_BCYX[..., y : y + P, x : x + Q] for y in rows for x in columns], dim=1).flatten(2)


def starts(spectrograms_BCYX, kernel, stride):
    """Where patches begin, for each of the two axes."""
    sides = zip(spectrograms_BCYX.shape[2:], kernel, stride, strict=True)
    return [range(0, max(length - side, 0) + 1, step) for length, side, step in sides]


@of(
    "imagebind.patches",
    "You ignored `stride`: your patches lie side by side, a kernel apart. Begin each one a stride behind the last, so "
    "that neighbours overlap.",
)
def side_by_side(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX, kernel, kernel)


AS_LARGE_AS_THE_STRIDE = "Your patches are as large as the stride. Make them as large as `kernel`: then they overlap."


@of("imagebind.patches", AS_LARGE_AS_THE_STRIDE)
def as_large_as_the_stride(spectrograms_BCYX, kernel, stride):
    fit(spectrograms_BCYX, kernel)
    return overlapping_patches(spectrograms_BCYX, stride, stride)


@of("imagebind.patches", AS_LARGE_AS_THE_STRIDE)
def as_large_as_the_stride_where_a_kernel_fits(spectrograms_BCYX, kernel, stride):
    fit(spectrograms_BCYX, kernel)
    return stacked(spectrograms_BCYX, stride, *starts(spectrograms_BCYX, kernel, stride))


RESHAPED = (
    "You reshaped, as in lesson 01. A reshape puts each cell into exactly one patch: nothing can overlap, and nothing "
    "may be left over. Cut each patch for itself, in loops or by `F.unfold`."
)


@of("imagebind.patches", RESHAPED)
def reshaped_as_in_lesson_01(spectrograms_BCYX, kernel, stride):
    B, C, Y, X = spectrograms_BCYX.shape
    P, Q = kernel
    patches = spectrograms_BCYX.reshape(B, C, Y // P, P, X // Q, Q).permute(0, 2, 4, 1, 3, 5)
    return patches.reshape(B, -1, C * P * Q)


@of("imagebind.patches", RESHAPED)
def reshaped_to_all_that_fit(spectrograms_BCYX, kernel, stride):
    B, C = spectrograms_BCYX.shape[:2]
    rows, columns = map(len, starts(spectrograms_BCYX, kernel, stride))
    patches = spectrograms_BCYX.reshape(B, C, rows, kernel[0], columns, kernel[1]).permute(0, 2, 4, 1, 3, 5)
    return patches.flatten(3).flatten(1, 2)


@of(
    "imagebind.patches",
    "You swapped kernel and stride. Make patches as large as `kernel`, and begin one every `stride`.",
)
def kernel_and_stride_swapped(spectrograms_BCYX, kernel, stride):
    fit(spectrograms_BCYX, kernel)
    return overlapping_patches(spectrograms_BCYX, stride, kernel)


@of(
    "imagebind.patches",
    "Your patches begin one cell apart. Give the stride to `range`, or `stride=stride` to `F.unfold`.",
)
def stride_one(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX, kernel, (1, 1))


@of(
    "imagebind.patches",
    "You moved by one stride along both axes. Move by `stride[0]` over the rows, by `stride[1]` over the columns.",
)
def first_stride_for_both(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX, kernel, (stride[0], stride[0]))


@of("imagebind.patches", "You swapped the strides. Move by `stride[0]` over the rows, by `stride[1]` over the columns.")
def strides_swapped(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX, kernel, stride[::-1])


@of(
    "imagebind.patches",
    "You swapped the sides of the patches. Make them P rows high and Q columns wide: `kernel` is (P, Q).",
)
def sides_swapped(spectrograms_BCYX, kernel, stride):
    fit(spectrograms_BCYX, kernel)
    return overlapping_patches(spectrograms_BCYX, kernel[::-1], stride)


@of(
    "imagebind.patches",
    "Your patches run down the columns. Take them row by row: the first row of patches from left to right, then the "
    "next.",
)
def column_by_column(spectrograms_BCYX, kernel, stride):
    return cut(spectrograms_BCYX, kernel, stride).permute(0, 3, 2, 1, 4, 5).flatten(3).flatten(1, 2)


@of(
    "imagebind.patches",
    "Rows and columns are swapped inside each patch: its cells come column by column. Take channel, row, column.",
)
def transposed_inside(spectrograms_BCYX, kernel, stride):
    return cut(spectrograms_BCYX, kernel, stride).permute(0, 2, 3, 1, 5, 4).flatten(3).flatten(1, 2)


@of(
    "imagebind.patches",
    "The channels come last inside your patches. Take channel, then row, then column, as a convolution stores its "
    "weights.",
)
def channels_last(spectrograms_BCYX, kernel, stride):
    return cut(spectrograms_BCYX, kernel, stride).permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(1, 2)


@of(
    "imagebind.patches",
    "You cut the patches and reshaped them without moving an axis, so each row of the result has cells of one channel "
    "only. Bring the channels behind the grid first: `permute(0, 2, 3, 1, 4, 5)`.",
)
def patches_of_one_channel(spectrograms_BCYX, kernel, stride):
    pieces = cut(spectrograms_BCYX, kernel, stride)
    B, C, rows, columns, P, Q = pieces.shape
    return pieces.reshape(B, rows * columns, C * P * Q)


@of(
    "imagebind.patches",
    "The axes of the result are swapped: `[B, C * P * Q, N]`, as `unfold` gives it. Put tokens before their content: "
    "`transpose(1, 2)`.",
)
def content_before_tokens(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX, kernel, stride).transpose(1, 2)


@of(
    "imagebind.patches",
    "You reshaped `[B, C * P * Q, N]` to `[B, N, C * P * Q]`. That moves no number and mixes the patches: use "
    "`transpose(1, 2)`.",
)
def reshaped_after_unfold(spectrograms_BCYX, kernel, stride):
    patches_BNF = overlapping_patches(spectrograms_BCYX, kernel, stride)
    return patches_BNF.transpose(1, 2).reshape(patches_BNF.shape)


@of(
    "imagebind.patches",
    "The patches stand before the batch: `[N, B, ...]`. Stack them along axis 1: `torch.stack(..., dim=1)`.",
)
def stacked_first(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX, kernel, stride).transpose(0, 1)


@of(
    "imagebind.patches",
    "Your result still has the axes of the patches. Flatten each to its C * P * Q numbers: `flatten(2)`.",
)
def not_flattened(spectrograms_BCYX, kernel, stride):
    return cut(spectrograms_BCYX, kernel, stride).permute(0, 2, 3, 1, 4, 5).flatten(1, 2)


@of(
    "imagebind.patches",
    "Your patches have two axes, rows and columns of the grid. Join them to one axis of N patches: `flatten(1, 2)`.",
)
def grid_kept(spectrograms_BCYX, kernel, stride):
    return cut(spectrograms_BCYX, kernel, stride).permute(0, 2, 3, 1, 4, 5).flatten(3)


@of(
    "imagebind.patches",
    "You flattened too little: each patch still has an axis of channels, [C, P * Q]. Join that too: `flatten(1)` on a "
    "patch [B, C, P, Q], `flatten(2)` on the stack of them.",
)
def channels_not_flattened(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX, kernel, stride).unflatten(2, (-1, kernel[0] * kernel[1]))


@of(
    "imagebind.patches",
    "You left the channels in front of the patches: [B, C, N, P * Q]. Put them inside each patch, and flatten channel, "
    "row and column together.",
)
def channels_in_front(spectrograms_BCYX, kernel, stride):
    return cut(spectrograms_BCYX, kernel, stride).flatten(4).flatten(2, 3)


FLATTENED_THE_BATCH = "You flattened the batch too: `flatten()` joins all axes. Keep the first one: `flatten(1)`."


@of("imagebind.patches", FLATTENED_THE_BATCH)
def batch_flattened(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX, kernel, stride).transpose(0, 1).flatten(1)


@of("imagebind.patches", FLATTENED_THE_BATCH)
def batch_flattened_and_stacked_behind(spectrograms_BCYX, kernel, stride):
    return batch_flattened(spectrograms_BCYX, kernel, stride).T


FLATTENED_TOO_EARLY = (
    "You joined numbers of different patches, because `flatten(2)` came too early. Bring the axes into the order [B, "
    "rows, columns, C, P, Q] first; `flatten(3)` then joins the inside of a patch, `flatten(1, 2)` rows and columns."
)


@of("imagebind.patches", FLATTENED_TOO_EARLY)
def rows_of_patches_joined(spectrograms_BCYX, kernel, stride):
    return cut(spectrograms_BCYX, kernel, stride).permute(0, 2, 3, 1, 4, 5).flatten(2)


@of("imagebind.patches", FLATTENED_TOO_EARLY)
def all_patches_of_a_channel_joined(spectrograms_BCYX, kernel, stride):
    return cut(spectrograms_BCYX, kernel, stride).flatten(2)


JOINED_END_TO_END = (
    "You joined the patches along an axis that they have already: `torch.cat`. They need a new one, that of the N "
    "patches: `torch.stack(..., dim=1)`."
)


@of("imagebind.patches", JOINED_END_TO_END)
def joined_end_to_end(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX, kernel, stride).flatten(1)


@of("imagebind.patches", JOINED_END_TO_END)
def joined_along_the_channels(spectrograms_BCYX, kernel, stride):
    return channels_not_flattened(spectrograms_BCYX, kernel, stride).flatten(1, 2)


@of("imagebind.patches", JOINED_END_TO_END)
def joined_along_the_batch(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX, kernel, stride).transpose(0, 1).flatten(0, 1)


@of(
    "imagebind.patches",
    "You cut the first channel alone, by `[:, 0]`, and lost the others. Keep all of them, `[:, :, y : y + P, x : x + "
    "Q]`, and flatten channel, row and column together.",
)
def first_channel_alone(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX[:, :1], kernel, stride)


SLICED_OTHER_AXES = (
    "Your slices cut other axes than rows and columns. Batch and channels come before these and stay whole: "
    "`[:, :, y : y + P, x : x + Q]`."
)


@of("imagebind.patches", SLICED_OTHER_AXES)
def channels_and_rows_sliced(spectrograms_BCYX, kernel, stride):
    (P, Q), (rows, columns) = kernel, starts(spectrograms_BCYX, kernel, stride)
    return torch.stack([spectrograms_BCYX[:, y : y + P, x : x + Q].flatten(1) for y in rows for x in columns], dim=1)


@of("imagebind.patches", SLICED_OTHER_AXES)
def channels_and_rows_sliced_not_flattened(spectrograms_BCYX, kernel, stride):
    (P, Q), (rows, columns) = kernel, starts(spectrograms_BCYX, kernel, stride)
    return torch.stack([spectrograms_BCYX[:, y : y + P, x : x + Q] for y in rows for x in columns], dim=1)


@of("imagebind.patches", SLICED_OTHER_AXES)
def batch_and_channels_sliced(spectrograms_BCYX, kernel, stride):
    (P, Q), (rows, columns) = kernel, starts(spectrograms_BCYX, kernel, stride)
    return torch.stack([spectrograms_BCYX[y : y + P, x : x + Q].flatten(1) for y in rows for x in columns], dim=1)


@of("imagebind.patches", SLICED_OTHER_AXES)
def batch_and_channels_sliced_not_flattened(spectrograms_BCYX, kernel, stride):
    (P, Q), (rows, columns) = kernel, starts(spectrograms_BCYX, kernel, stride)
    return torch.stack([spectrograms_BCYX[y : y + P, x : x + Q] for y in rows for x in columns], dim=1)


PADDED = (
    "You filled up the end with zeros, to make patches of what is left over there. Leave the rest out, as a "
    "convolution does."
)


def filled_up(spectrograms_BCYX, height, width):
    """Rows and columns of zeros at the far edges, up to this height and width."""
    Y, X = spectrograms_BCYX.shape[2:]
    return F.pad(spectrograms_BCYX, (0, width - X, 0, height - Y))


@of("imagebind.patches", PADDED)
def padded(spectrograms_BCYX, kernel, stride):
    fit(spectrograms_BCYX, kernel)
    sides = zip(spectrograms_BCYX.shape[2:], kernel, stride, strict=True)
    height, width = (length + -(length - k) % s for length, k, s in sides)
    return overlapping_patches(filled_up(spectrograms_BCYX, height, width), kernel, stride)


@of("imagebind.patches", PADDED)
def padded_to_whole_kernels(spectrograms_BCYX, kernel, stride):
    fit(spectrograms_BCYX, kernel)
    height, width = (length + -length % k for length, k in zip(spectrograms_BCYX.shape[2:], kernel, strict=True))
    return overlapping_patches(filled_up(spectrograms_BCYX, height, width), kernel, stride)


@of("imagebind.patches", PADDED)
def padded_for_a_patch_at_every_stride(spectrograms_BCYX, kernel, stride):
    fit(spectrograms_BCYX, kernel)
    sides = zip(spectrograms_BCYX.shape[2:], kernel, stride, strict=True)
    height, width = ((length - 1) // s * s + k for length, k, s in sides)
    return overlapping_patches(filled_up(spectrograms_BCYX, height, width), kernel, stride)


BEYOND_THE_END = (
    "Your `range` goes too far, and the last patches are cut short. The last row from which P rows are left is Y - P: "
    "`range(0, Y - P + 1, stride[0])`, and the columns alike."
)


def cut_short(spectrograms_BCYX, kernel, stride, room=(1, 1)):
    """Patches that begin at every stride where so many rows and columns are left."""
    fit(spectrograms_BCYX, kernel)
    sides = zip(spectrograms_BCYX.shape[2:], room, stride, strict=True)
    rows, columns = (range(0, length - left + 1, step) for length, left, step in sides)
    return [spectrograms_BCYX[:, :, y : y + kernel[0], x : x + kernel[1]] for y in rows for x in columns]


@of("imagebind.patches", BEYOND_THE_END)
def beyond_the_end(spectrograms_BCYX, kernel, stride):
    return torch.stack([piece.flatten(1) for piece in cut_short(spectrograms_BCYX, kernel, stride)], dim=1)


@of("imagebind.patches", BEYOND_THE_END)
def beyond_the_end_not_flattened(spectrograms_BCYX, kernel, stride):
    return torch.stack(cut_short(spectrograms_BCYX, kernel, stride), dim=1)


@of("imagebind.patches", BEYOND_THE_END)
def beyond_the_end_reshaped(spectrograms_BCYX, kernel, stride):
    shape = len(spectrograms_BCYX), spectrograms_BCYX.shape[1] * kernel[0] * kernel[1]
    return torch.stack([piece.reshape(shape) for piece in cut_short(spectrograms_BCYX, kernel, stride)], dim=1)


@of("imagebind.patches", BEYOND_THE_END)
def as_long_as_a_stride_is_left(spectrograms_BCYX, kernel, stride):
    return torch.stack([piece.flatten(1) for piece in cut_short(spectrograms_BCYX, kernel, stride, room=stride)], dim=1)


@of("imagebind.patches", BEYOND_THE_END)
def as_long_as_a_stride_is_left_not_flattened(spectrograms_BCYX, kernel, stride):
    return torch.stack(cut_short(spectrograms_BCYX, kernel, stride, room=stride), dim=1)


@of(
    "imagebind.patches",
    "You counted a row and a column of patches too few. Besides the first, one fits for each stride: `1 + (Y - P) // "
    "stride[0]` rows, and columns alike.",
)
def first_one_not_counted(spectrograms_BCYX, kernel, stride):
    rows, columns = starts(spectrograms_BCYX, kernel, stride)
    return stacked(spectrograms_BCYX, kernel, rows[:-1], columns[:-1])


@of(
    "imagebind.patches",
    "You put one patch more against the far edges, to use what is left over. Leave it out, as a convolution does.",
)
def moved_to_the_edge(spectrograms_BCYX, kernel, stride):
    rows, columns = starts(spectrograms_BCYX, kernel, stride)
    Y, X = (length - side for length, side in zip(spectrograms_BCYX.shape[2:], kernel, strict=True))
    return stacked(spectrograms_BCYX, kernel, sorted({*rows, Y}), sorted({*columns, X}))


FITS_AND_IS_REFUSED = (
    "You refused spectrograms into which patches fit. Refuse only where `P > Y or Q > X`. If something is left over, "
    "leave it out: to refuse that was right for `patchify`."
)


@of("imagebind.patches", FITS_AND_IS_REFUSED)
def refuses_what_the_kernel_does_not_divide(spectrograms_BCYX, kernel, stride):
    # So does a comparison that was turned round, `P < Y or Q < X`.
    if any(length % side for length, side in zip(spectrograms_BCYX.shape[2:], kernel, strict=True)):
        raise ValueError("something is left over")
    return overlapping_patches(spectrograms_BCYX, kernel, stride)


@of("imagebind.patches", FITS_AND_IS_REFUSED)
def refuses_what_is_left_over(spectrograms_BCYX, kernel, stride):
    for length, side, step in zip(spectrograms_BCYX.shape[2:], kernel, stride, strict=True):
        if length < side or (length - side) % step:
            raise ValueError("something is left over")
    return overlapping_patches(spectrograms_BCYX, kernel, stride)


@of(
    "imagebind.patches",
    "You lost the last row and the last column of patches, because `range` stops before its end. The last row from "
    "which P rows are left is Y - P: `range(0, Y - P + 1, stride[0])`, and the columns alike.",
)
def last_ones_missing(spectrograms_BCYX, kernel, stride):
    rows, columns = starts(spectrograms_BCYX, kernel, stride)
    Y, X = (length - side for length, side in zip(spectrograms_BCYX.shape[2:], kernel, strict=True))
    return stacked(spectrograms_BCYX, kernel, [y for y in rows if y < Y], [x for x in columns if x < X])


@of(
    "imagebind.patches",
    "Your patch i begins at cell i, so the far side of the spectrogram is never read. Begin it at i times the stride.",
)
def begun_at_the_count(spectrograms_BCYX, kernel, stride):
    rows, columns = starts(spectrograms_BCYX, kernel, stride)
    return stacked(spectrograms_BCYX, kernel, range(len(rows)), range(len(columns)))


@of("imagebind.patches", "You cut the patches off from the spectrogram: something detached them. Leave that out.")
def detached_patches(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX.detach(), kernel, stride)


@of("imagebind.patches", "You made the patches float32, whatever the spectrogram was. Keep its dtype.")
def always_float32(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX.float(), kernel, stride)


@of(
    "imagebind.patches",
    "You refused a spectrogram as large as the kernel. One patch fits into it: refuse only where `P > Y or Q > X`.",
)
def refuses_one_patch(spectrograms_BCYX, kernel, stride):
    if kernel[0] >= spectrograms_BCYX.shape[2] or kernel[1] >= spectrograms_BCYX.shape[3]:
        raise ValueError("the kernel does not fit")
    return overlapping_patches(spectrograms_BCYX, kernel, stride)


NO_REFUSAL = (
    "Everything else is right. A spectrogram smaller than the kernel fails with a message about something else: raise "
    "a `ValueError` first, where `P > Y or Q > X`."
)


@of("imagebind.patches", NO_REFUSAL)
def no_refusal_in_loops(spectrograms_BCYX, kernel, stride):
    (P, Q), (Y, X) = kernel, spectrograms_BCYX.shape[2:]
    rows, columns = range(0, Y - P + 1, stride[0]), range(0, X - Q + 1, stride[1])
    patches = [spectrograms_BCYX[..., y : y + P, x : x + Q] for y in rows for x in columns]
    return torch.stack(patches, dim=1).flatten(2)


@of("imagebind.patches", NO_REFUSAL)
def no_refusal_in_f_unfold(spectrograms_BCYX, kernel, stride):
    return F.unfold(spectrograms_BCYX, kernel, stride=stride).transpose(1, 2)


@of("imagebind.patches", NO_REFUSAL)
def no_refusal_in_tensor_unfold(spectrograms_BCYX, kernel, stride):
    pieces = spectrograms_BCYX.unfold(2, kernel[0], stride[0]).unfold(3, kernel[1], stride[1])
    return pieces.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)


@of("imagebind.patches", "Everything else is right. You compared the height alone: look at the width too.")
def only_height_refused(spectrograms_BCYX, kernel, stride):
    if kernel[0] > spectrograms_BCYX.shape[2]:
        raise ValueError("too high")
    return no_refusal_in_f_unfold(spectrograms_BCYX, kernel, stride)
