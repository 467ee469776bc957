"""Overlapping patches, and the trunk that reads them."""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.models.imagebind import SignalTrunk
from mmlearn.nn.patches import overlapping_patches

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


# --- imagebind.patches ------------------------------------------------------------------------------------------------


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


@of("imagebind.patches", "Your patches are as large as the stride. They have the size of `kernel`, and overlap.")
def as_large_as_the_stride(spectrograms_BCYX, kernel, stride):
    fit(spectrograms_BCYX, kernel)
    return overlapping_patches(spectrograms_BCYX, stride, stride)


@of("imagebind.patches", "Kernel and stride are swapped: patches have the size of `kernel` and begin a `stride` apart.")
def kernel_and_stride_swapped(spectrograms_BCYX, kernel, stride):
    fit(spectrograms_BCYX, kernel)
    return overlapping_patches(spectrograms_BCYX, stride, kernel)


@of("imagebind.patches", "Your patches move by one cell. Give the stride to the cutting: `stride=stride`.")
def stride_one(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX, kernel, (1, 1))


@of(
    "imagebind.patches",
    "You moved by one stride along both axes. Rows move by `stride[0]`, columns by `stride[1]`.",
)
def first_stride_for_both(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX, kernel, (stride[0], stride[0]))


@of("imagebind.patches", "The strides are swapped: rows move by `stride[0]`, columns by `stride[1]`.")
def strides_swapped(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX, kernel, stride[::-1])


@of(
    "imagebind.patches",
    "The sides of your patches are swapped: `kernel` is (P, Q), P rows high and Q columns wide.",
)
def sides_swapped(spectrograms_BCYX, kernel, stride):
    fit(spectrograms_BCYX, kernel)
    return overlapping_patches(spectrograms_BCYX, kernel[::-1], stride)


@of(
    "imagebind.patches",
    "Your patches run down the columns. Row by row means: the first row of patches from left to right, then the next.",
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
    "The channels come last inside your patches: row, column, channel. A convolution stores its weights as channel, "
    "row, column.",
)
def channels_last(spectrograms_BCYX, kernel, stride):
    return cut(spectrograms_BCYX, kernel, stride).permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(1, 2)


@of(
    "imagebind.patches",
    "You cut the patches and reshaped them without moving an axis, so each of your rows holds cells of one channel "
    "only. `permute(0, 2, 3, 1, 4, 5)` brings the channels behind the grid.",
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
    "You filled what is left over at the end up with zeros and made patches of it. Leave it out, as a convolution "
    "does.",
)
def padded(spectrograms_BCYX, kernel, stride):
    fit(spectrograms_BCYX, kernel)
    Y, X = (-(length - k) % s for length, k, s in zip(spectrograms_BCYX.shape[2:], kernel, stride, strict=True))
    return overlapping_patches(F.pad(spectrograms_BCYX, (0, X, 0, Y)), kernel, stride)


@of(
    "imagebind.patches",
    "You put one patch more against the far edges, to use what is left over. Leave it out, as a convolution does.",
)
def moved_to_the_edge(spectrograms_BCYX, kernel, stride):
    rows, columns = starts(spectrograms_BCYX, kernel, stride)
    Y, X = (length - side for length, side in zip(spectrograms_BCYX.shape[2:], kernel, strict=True))
    return stacked(spectrograms_BCYX, kernel, sorted({*rows, Y}), sorted({*columns, X}))


@of(
    "imagebind.patches",
    "You refused a spectrogram in which something is left over. That was right for `patchify`; here leave the rest "
    "out.",
)
def refuses_what_is_left_over(spectrograms_BCYX, kernel, stride):
    for length, side, step in zip(spectrograms_BCYX.shape[2:], kernel, stride, strict=True):
        if length < side or (length - side) % step:
            raise ValueError("something is left over")
    return overlapping_patches(spectrograms_BCYX, kernel, stride)


@of(
    "imagebind.patches",
    "The last row and the last column of patches are missing: `range` ends before its end. The last place where P rows "
    "are left is Y - P: `range(0, Y - P + 1, stride[0])`.",
)
def last_ones_missing(spectrograms_BCYX, kernel, stride):
    rows, columns = starts(spectrograms_BCYX, kernel, stride)
    Y, X = (length - side for length, side in zip(spectrograms_BCYX.shape[2:], kernel, strict=True))
    return stacked(spectrograms_BCYX, kernel, [y for y in rows if y < Y], [x for x in columns if x < X])


@of(
    "imagebind.patches",
    "Patch i begins at cell i times the stride. Yours begins at cell i, so the far side of the spectrogram is never "
    "read.",
)
def begun_at_the_count(spectrograms_BCYX, kernel, stride):
    rows, columns = starts(spectrograms_BCYX, kernel, stride)
    return stacked(spectrograms_BCYX, kernel, range(len(rows)), range(len(columns)))


@of("imagebind.patches", "The patches are cut off from the spectrogram: something detached them. Leave that out.")
def detached_patches(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX.detach(), kernel, stride)


@of("imagebind.patches", "The result is float32 whatever the spectrogram was. Keep the dtype of the input.")
def always_float32(spectrograms_BCYX, kernel, stride):
    return overlapping_patches(spectrograms_BCYX.float(), kernel, stride)


@of(
    "imagebind.patches",
    "You refused a spectrogram that is as large as the kernel. One patch fits into it: refuse only what is smaller.",
)
def refuses_one_patch(spectrograms_BCYX, kernel, stride):
    if kernel[0] >= spectrograms_BCYX.shape[2] or kernel[1] >= spectrograms_BCYX.shape[3]:
        raise ValueError("the kernel does not fit")
    return overlapping_patches(spectrograms_BCYX, kernel, stride)


NO_REFUSAL = (
    "Everything else is right. A spectrogram smaller than the kernel fails with a message about something else: "
    "compare both sides first and raise a `ValueError`."
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


# --- imagebind.trunk --------------------------------------------------------------------------------------------------


class Steps(SignalTrunk):
    """The trunk in small steps, so that a misconception overrides one of them."""

    def look(self, signals):
        if signals.shape[1:] != self.size:
            raise ValueError("another size")

    def cut(self, signals):
        return self.stem_norm(self.stem(signals))

    def first(self, patches_BND):
        return self.class_token.expand(len(patches_BND), 1, -1)

    def join(self, patches_BND):
        return torch.cat([self.first(patches_BND), patches_BND], dim=1)

    def place(self, x_BLD):
        return self.norm_before(x_BLD + self.positions)

    def run(self, x_BLD):
        for block in self.blocks:
            x_BLD = block(x_BLD)
        return x_BLD

    def pick(self, x_BLD):
        return x_BLD[:, 0]

    def end(self, x_BD):
        return self.projection(self.norm(x_BD))

    def forward(self, signals):
        self.look(signals)
        return self.end(self.pick(self.run(self.place(self.join(self.cut(signals))))))


@of(
    "imagebind.trunk",
    "The class token is at the end, and you read the first row, a patch. Put it in front: it comes first in "
    "`torch.cat`.",
)
class ClassTokenLast(Steps):
    def join(self, patches_BND):
        return torch.cat([patches_BND, self.first(patches_BND)], dim=1)


@of(
    "imagebind.trunk",
    "The class token is at the end, so every token has another one's position. Put it in front, and read row 0.",
)
class ClassTokenLastAndRead(ClassTokenLast):
    def pick(self, x_BLD):
        return x_BLD[:, -1]


@of(
    "imagebind.trunk",
    "You added the positions before the class token came, so it has none. `self.positions` has 1 + N rows: join first, "
    "then add all of them.",
)
class PositionsBeforeClassToken(Steps):
    def join(self, patches_BND):
        return super().join(patches_BND + self.positions[1:])

    def place(self, x_BLD):
        return self.norm_before(x_BLD)


@of(
    "imagebind.trunk",
    "You added the first N positions to the patches before the class token came: each has another one's, and the class "
    "token has none. Join first, then add all 1 + N rows.",
)
class FirstPositionsToPatches(PositionsBeforeClassToken):
    def join(self, patches_BND):
        return Steps.join(self, patches_BND + self.positions[:-1])


@of(
    "imagebind.trunk",
    "You have N tokens where you add the positions, and there are 1 + N of those. Join the class token in front of the "
    "patches first, along `dim=1`, then add.",
)
class AllPositionsToPatches(PositionsBeforeClassToken):
    def join(self, patches_BND):
        return Steps.join(self, patches_BND + self.positions)


@of("imagebind.trunk", "You left the positions out: the trunk cannot tell where a patch was. Add `self.positions`.")
class NoPositions(Steps):
    def place(self, x_BLD):
        return self.norm_before(x_BLD)


@of("imagebind.trunk", "You added the positions after `self.norm_before`. Add them first: the norm reads the sum.")
class PositionsAfterNorm(Steps):
    def place(self, x_BLD):
        return self.norm_before(x_BLD) + self.positions


@of("imagebind.trunk", "Every block adds the positions again. Add them once, before the first block.")
class PositionsInEveryBlock(Steps):
    def run(self, x_BLD):
        for block in self.blocks:
            x_BLD = block(x_BLD + self.positions)
        return x_BLD


@of(
    "imagebind.trunk", "You cut the positions off by `detach` or `.data`: they would never learn. Add them as they are."
)
class PositionsDetached(Steps):
    def place(self, x_BLD):
        return self.norm_before(x_BLD + self.positions.detach())


@of("imagebind.trunk", "The class token is [D], one for all. Each of the B signals needs one: `expand(B, 1, -1)`.")
class ClassTokenForOneSignal(Steps):
    def first(self, patches_BND):
        return self.class_token[None, None]


@of(
    "imagebind.trunk",
    "You joined the class token as it is, [D], with patches of three axes. Give one to each signal, with an axis of "
    "its own: `self.class_token.expand(B, 1, -1)`.",
)
class ClassTokenNotExpanded(Steps):
    def first(self, patches_BND):
        return self.class_token


@of("imagebind.trunk", "You joined a class token of zeros. Use `self.class_token`, which is learned.")
class ZeroClassToken(Steps):
    def first(self, patches_BND):
        return torch.zeros_like(patches_BND[:, :1])


@of(
    "imagebind.trunk",
    "You took the class token by `.data` or `detach`: it would never learn. Use `self.class_token` itself.",
)
class ClassTokenDetached(Steps):
    def first(self, patches_BND):
        return super().first(patches_BND).detach()


@of("imagebind.trunk", "You left the class token out and read the first patch. Join the class token in front of them.")
class NoClassToken(Steps):
    def join(self, patches_BND):
        return patches_BND

    def place(self, x_BLD):
        return self.norm_before(x_BLD + self.positions[1:])


@of("imagebind.trunk", "You took the mean over the patches. The class token has collected what counts: take row 0.")
class MeanOverPatches(Steps):
    def pick(self, x_BLD):
        return x_BLD[:, 1:].mean(dim=1)


@of("imagebind.trunk", "You took the mean over all tokens. The class token has collected what counts: take row 0.")
class MeanOverTokens(Steps):
    def pick(self, x_BLD):
        return x_BLD.mean(dim=1)


@of("imagebind.trunk", "You read the last token, as a text encoder does. The class token comes first: `[:, 0]`.")
class LastToken(Steps):
    def pick(self, x_BLD):
        return x_BLD[:, -1]


@of("imagebind.trunk", "You read row 1, the first patch. The class token stands before it: `[:, 0]`.")
class FirstPatch(Steps):
    def pick(self, x_BLD):
        return x_BLD[:, min(1, x_BLD.shape[1] - 1)]


@of("imagebind.trunk", "`[0]` takes all tokens of the first signal. Take the first token of every signal: `[:, 0]`.")
class FirstSignal(Steps):
    def pick(self, x_BLD):
        return x_BLD[0]


@of("imagebind.trunk", "You returned all tokens, [B, 1 + N, E]. A signal becomes one vector: take row 0, `[:, 0]`.")
class AllTokens(Steps):
    def pick(self, x_BLD):
        return x_BLD


@of("imagebind.trunk", "You kept the axis of the tokens, with length 1. Index with `0`, not with the slice `:1`.")
class KeptTokenAxis(Steps):
    def pick(self, x_BLD):
        return x_BLD[:, :1]


@of("imagebind.trunk", "You left out `self.stem_norm`. The patches pass through it before the class token is joined.")
class NoStemNorm(Steps):
    def cut(self, signals):
        return self.stem(signals)


@of(
    "imagebind.trunk",
    "You normed with `self.stem_norm` after the class token was joined. It is for the patches alone: call it before.",
)
class StemNormAfterJoining(Steps):
    def cut(self, signals):
        return self.stem(signals)

    def join(self, patches_BND):
        return self.stem_norm(super().join(patches_BND))


@of("imagebind.trunk", "You left out `self.norm_before`. It comes after the positions, before the first block.")
class NoNormBefore(Steps):
    def place(self, x_BLD):
        return x_BLD + self.positions


@of("imagebind.trunk", "You left out both norms before the blocks: `self.stem_norm` and `self.norm_before`.")
class NoNormsBeforeBlocks(NoNormBefore):
    def cut(self, signals):
        return self.stem(signals)


@of(
    "imagebind.trunk",
    "You swapped two norms: `self.stem_norm` follows the stem, `self.norm_before` the positions.",
)
class NormsSwapped(Steps):
    def cut(self, signals):
        return self.norm_before(self.stem(signals))

    def place(self, x_BLD):
        return self.stem_norm(x_BLD + self.positions)


@of("imagebind.trunk", "You left out `self.norm`. It norms the class token's row, before the projection.")
class NoNorm(Steps):
    def end(self, x_BD):
        return self.projection(x_BD)


@of("imagebind.trunk", "You called `self.norm` after the projection. It norms the D numbers before it.")
class NormAfterProjection(Steps):
    def end(self, x_BD):
        return self.norm(self.projection(x_BD))


@of("imagebind.trunk", "You called `self.norm` after every block. The blocks norm for themselves: call it once, after.")
class NormAfterEveryBlock(Steps):
    def run(self, x_BLD):
        for block in self.blocks:
            x_BLD = self.norm(block(x_BLD))
        return x_BLD

    def end(self, x_BD):
        return self.projection(x_BD)


@of("imagebind.trunk", "You left out the projection: your vectors have D numbers. `self.projection` makes E of them.")
class NoProjection(Steps):
    def end(self, x_BD):
        return self.norm(x_BD)


@of(
    "imagebind.trunk",
    "You brought the vectors to length 1. That comes later, outside the trunk: return the projection as it is.",
)
class LengthOne(Steps):
    def end(self, x_BD):
        return F.normalize(super().end(x_BD), dim=1)


@of("imagebind.trunk", "You left out the blocks: the class token has seen no patch. Run them one after another.")
class NoBlocks(Steps):
    def run(self, x_BLD):
        return x_BLD


@of(
    "imagebind.trunk",
    "You called `self.blocks`, which is a list of modules. Run its blocks one after another in a loop.",
)
class BlocksCalledAtOnce(Steps):
    def run(self, x_BLD):
        return self.blocks(x_BLD)


@of(
    "imagebind.trunk", "You gave every block the same tokens, so only the last one counts. Each reads what came before."
)
class BlocksInParallel(Steps):
    def run(self, x_BLD):
        y_BLD = x_BLD
        for block in self.blocks:
            y_BLD = block(x_BLD)
        return y_BLD


@of("imagebind.trunk", "You ran the blocks from last to first. Take them in the order of the list.")
class BlocksReversed(Steps):
    def run(self, x_BLD):
        for block in reversed(self.blocks):
            x_BLD = block(x_BLD)
        return x_BLD


@of("imagebind.trunk", "You never ran the last block. Go through all of `self.blocks`.")
class LastBlockSkipped(Steps):
    def run(self, x_BLD):
        for block in self.blocks[:-1]:
            x_BLD = block(x_BLD)
        return x_BLD


@of("imagebind.trunk", "You added each block's input to its output. The block does that already: `x = block(x)`.")
class ResidualAroundBlocks(Steps):
    def run(self, x_BLD):
        for block in self.blocks:
            x_BLD = x_BLD + block(x_BLD)
        return x_BLD


@of("imagebind.trunk", "You cut the patches off from the signals, and from the stem: something detached them.")
class PatchesDetached(Steps):
    def cut(self, signals):
        return super().cut(signals).detach()


@of("imagebind.trunk", "You made the signals float32, whatever the weights are. Leave the dtype as it comes.")
class AlwaysFloat32(Steps):
    def cut(self, signals):
        return super().cut(signals.float())


@of(
    "imagebind.trunk",
    "You read four axes from the shape of the signals. A series has three: take B alone, `len(signals)`.",
)
class FourAxesAlone(Steps):
    def look(self, signals):
        super().look(signals)
        _B, _C, _Y, _X = signals.shape


@of(
    "imagebind.trunk",
    "Everything else is right. Signals of another size must be refused: raise a `ValueError` where `signals.shape[1:]` "
    "is not `self.size`.",
)
class NoRefusal(Steps):
    def look(self, signals):
        pass


@of(
    "imagebind.trunk",
    "You compared the whole shape, batch too, with `self.size`, and refused everything. Compare `signals.shape[1:]`.",
)
class BatchCompared(Steps):
    def look(self, signals):
        if signals.shape != self.size:
            raise ValueError("another size")


@of("imagebind.trunk", "Everything else is right. You did not compare the channels: take all of `signals.shape[1:]`.")
class ChannelsNotCompared(Steps):
    def look(self, signals):
        if signals.shape[2:] != self.size[1:]:
            raise ValueError("another size")


@of(
    "imagebind.trunk",
    "Everything else is right. You counted patches or numbers; a spectrogram on its side has as many. Compare the "
    "sides.",
)
class CountsCompared(Steps):
    def look(self, signals):
        if signals.ndim != 1 + len(self.size) or signals[0].numel() != self.positions.new_empty(self.size).numel():
            raise ValueError("another size")


@of(
    "imagebind.trunk",
    "Everything else is right. You compared the last axes, so a signal without a batch passes: compare "
    "`signals.shape[1:]`.",
)
class LastAxesCompared(Steps):
    def look(self, signals):
        if signals.shape[-len(self.size) :] != self.size:
            raise ValueError("another size")
