"""Patches and their projection."""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.nn.patches import PatchProjection, patch_grid, patchify

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


# --- vit.patchify -----------------------------------------------------------------------------------------------------


@of(
    "vit.patchify",
    "You reshaped the pixels without moving them. `reshape` alone cuts the image into runs of consecutive numbers, not "
    "into squares: a `permute` is missing.",
)
def only_reshaped(images_BCYX, patch_size):
    B, C, Y, X = images_BCYX.shape
    return images_BCYX.reshape(B, (Y // patch_size) * (X // patch_size), C * patch_size**2)


@of(
    "vit.patchify",
    "The channels come last inside your patches: row, column, channel. A convolution stores its weights as channel, "
    "row, column.",
)
def channels_last(images_BCYX, patch_size):
    B, C, Y, X = images_BCYX.shape
    P = patch_size
    return images_BCYX.reshape(B, C, Y // P, P, X // P, P).permute(0, 2, 4, 3, 5, 1).reshape(B, -1, C * P * P)


@of(
    "vit.patchify",
    "Your patches run down the columns. Row by row means: the first row of patches from left to right, then the next.",
)
def column_by_column(images_BCYX, patch_size):
    B, C, Y, X = images_BCYX.shape
    P = patch_size
    return images_BCYX.reshape(B, C, Y // P, P, X // P, P).permute(0, 4, 2, 1, 3, 5).reshape(B, -1, C * P * P)


@of("vit.patchify", "Rows and columns are swapped inside each patch: the pixels of a patch come column by column.")
def transposed_inside(images_BCYX, patch_size):
    B, C, Y, X = images_BCYX.shape
    P = patch_size
    return images_BCYX.reshape(B, C, Y // P, P, X // P, P).permute(0, 2, 4, 1, 5, 3).reshape(B, -1, C * P * P)


@of(
    "vit.patchify",
    "You split an axis in the wrong order: `[P, Y / P]` takes every (Y / P)-th row into one patch. Neighbouring pixels "
    "stay together with `[Y / P, P]`.",
)
def strided_pixels(images_BCYX, patch_size):
    B, C, Y, X = images_BCYX.shape
    P = patch_size
    return images_BCYX.reshape(B, C, P, Y // P, P, X // P).permute(0, 3, 5, 1, 2, 4).reshape(B, -1, C * P * P)


@of(
    "vit.patchify",
    "The axes of the result are swapped: `[B, C * P * P, N]`, as `unfold` gives it. Tokens come before their content.",
)
def content_before_tokens(images_BCYX, patch_size):
    return F.unfold(images_BCYX, patch_size, stride=patch_size)


@of(
    "vit.patchify",
    "The channel axis still stands before the patch axes, so each of your rows holds pixels of one channel only. Move "
    "it behind them.",
)
def patches_of_one_channel(images_BCYX, patch_size):
    B, C, Y, X = images_BCYX.shape
    P = patch_size
    return images_BCYX.reshape(B, C, Y // P, P, X // P, P).permute(0, 1, 2, 4, 3, 5).reshape(B, -1, C * P * P)


@of(
    "vit.patchify",
    "The patches stand before the batch: `[N, B, ...]`. Stack them along axis 1: `torch.stack(..., dim=1)`.",
)
def stacked_first(images_BCYX, patch_size):
    return patchify(images_BCYX, patch_size).transpose(0, 1)


@of("vit.patchify", "Rows and columns are swapped: Y is cut by the number of patches in X, and X by that in Y.")
def swapped_counts(images_BCYX, patch_size):
    B, C, Y, X = images_BCYX.shape
    P = patch_size
    return images_BCYX.reshape(B, C, X // P, P, Y // P, P).permute(0, 2, 4, 1, 3, 5).reshape(B, -1, C * P * P)


@of("vit.patchify", "The patches overlap: the windows must move by P pixels, not by one.")
def overlapping(images_BCYX, patch_size):
    return F.unfold(images_BCYX, patch_size, stride=1).transpose(1, 2)


@of(
    "vit.patchify",
    "Patch i begins at pixel i * P. Yours begins at pixel i, so neighbours overlap and the far side of the image is "
    "never read: slice `[i * P : (i + 1) * P]`.",
)
def sliced_by_the_count(images_BCYX, patch_size):
    rows, columns = patch_grid(*images_BCYX.shape[2:], patch_size)
    patches = [images_BCYX[..., y : y + patch_size, x : x + patch_size] for y in range(rows) for x in range(columns)]
    return torch.stack(patches, dim=1).flatten(2)


@of("vit.patchify", "The patches are cut off from the image: something detached them, so no gradient flows back.")
def detached_patches(images_BCYX, patch_size):
    return patchify(images_BCYX.detach(), patch_size)


@of("vit.patchify", "The result is float32 whatever the image was. Keep the dtype of the input.")
def always_float32(images_BCYX, patch_size):
    return patchify(images_BCYX.float(), patch_size)


@of(
    "vit.patchify",
    "An image that P does not divide loses its last rows or columns silently. Raise a `ValueError` instead.",
)
def cropped(images_BCYX, patch_size):
    Y, X = (side - side % patch_size for side in images_BCYX.shape[-2:])
    return patchify(images_BCYX[..., :Y, :X], patch_size)


@of(
    "vit.patchify",
    "Everything else is right. For an image that P does not divide, `reshape` fails with a message about shapes: raise "
    "a `ValueError` first, which says what is wrong with the image.",
)
def no_refusal(images_BCYX, patch_size):
    B, C, Y, X = images_BCYX.shape
    P = patch_size
    return images_BCYX.reshape(B, C, Y // P, P, X // P, P).permute(0, 2, 4, 1, 3, 5).reshape(B, -1, C * P * P)


# --- vit.projection ---------------------------------------------------------------------------------------------------


class Composed(PatchProjection):
    """The projection as most learners write it; a misconception changes one of its two methods."""

    def forward(self, images_BCYX):
        return self.linear(patchify(images_BCYX, self.patch_size))

    def kernel(self):
        P = self.patch_size
        return self.linear.weight.reshape(-1, self.channels, P, P)


@of(
    "vit.projection",
    "`kernel` is [D, P, P, C], channels last. `patchify` puts the channels first, and so does a convolution: [D, C, P, "
    "P].",
)
class KernelChannelsLast(Composed):
    def kernel(self):
        return self.linear.weight.reshape(-1, self.patch_size, self.patch_size, self.channels)


@of(
    "vit.projection",
    "The shape of `kernel` is right and its order is not: you read each row as row, column, channel and then moved the "
    "channels. `patchify` puts the channels first, so no axis has to move.",
)
class KernelPermuted(Composed):
    def kernel(self):
        P = self.patch_size
        return self.linear.weight.reshape(-1, P, P, self.channels).permute(0, 3, 1, 2)


@of("vit.projection", "Rows and columns are swapped in your kernel. Its last two axes are row, then column.")
class KernelTransposed(Composed):
    def kernel(self):
        return super().kernel().transpose(-2, -1)


@of(
    "vit.projection",
    "You flipped the kernel. A convolution in torch lays the kernel on the image as it is (in mathematics it is called "
    "a cross-correlation): nothing is flipped.",
)
class KernelFlipped(Composed):
    def kernel(self):
        return super().kernel().flip(-2, -1)


@of(
    "vit.projection",
    "You cut up the transposed weight. `self.linear.weight` is [D, F] already, one row for each output number: leave "
    "`.T` out.",
)
class KernelFromTransposedWeight(Composed):
    def kernel(self):
        P = self.patch_size
        return self.linear.weight.T.reshape(-1, self.channels, P, P)


@of(
    "vit.projection",
    "The first two axes of `kernel` are swapped: [C, D, P, P] is the order of a transposed convolution. Outputs come "
    "first: [D, C, P, P].",
)
class KernelInputsFirst(Composed):
    def kernel(self):
        return super().kernel().transpose(0, 1)


@of("vit.projection", "`kernel` returns the weight as it is, [D, F]. Split F into its three axes: [D, C, P, P].")
class KernelNotSplit(Composed):
    def kernel(self):
        return self.linear.weight


@of(
    "vit.projection",
    "The kernel is cut off from the weight: `detach`, `data` or `no_grad` does that. A model that convolves with it "
    "would never learn its projection.",
)
class KernelDetached(Composed):
    def kernel(self):
        return super().kernel().detach()


@of("vit.projection", "`self.linear` has a bias too, and yours is missing. Call `self.linear(...)`, which adds it.")
class NoBias(Composed):
    def forward(self, images_BCYX):
        return patchify(images_BCYX, self.patch_size) @ self.linear.weight.T


@of(
    "vit.projection",
    "`self.linear` reads patches of F numbers, and you gave it the image. Cut it first: `patchify(images_BCYX, "
    "self.patch_size)`.",
)
class ImageNotPatches(Composed):
    def forward(self, images_BCYX):
        return self.linear(images_BCYX)


@of(
    "vit.projection",
    "You reshaped the image to [B, N, F] yourself. That cuts it into runs of numbers, not into squares: call "
    "`patchify`.",
)
class ReshapedNotPatchified(Composed):
    def forward(self, images_BCYX):
        return self.linear(images_BCYX.reshape(len(images_BCYX), -1, self.linear.in_features))


@of("vit.projection", "The result is [B, D, N]. Tokens come before their content: `transpose(1, 2)` gives [B, N, D].")
class WidthBeforeTokens(Composed):
    def forward(self, images_BCYX):
        return super().forward(images_BCYX).transpose(1, 2)


@of(
    "vit.projection",
    "After the convolution you reshaped [B, D, N] to [B, N, D]. That moves no number and mixes tokens with widths: "
    "`transpose(1, 2)`.",
)
class ReshapedAfterConvolution(Composed):
    def forward(self, images_BCYX):
        tokens_BND = super().forward(images_BCYX)
        return tokens_BND.transpose(1, 2).reshape(tokens_BND.shape)


@of(
    "vit.projection",
    "The result is still a picture, [B, D, Y / P, X / P]. Join its two last axes with `flatten(2)`, then "
    "`transpose(1, 2)`.",
)
class StillAPicture(Composed):
    def forward(self, images_BCYX):
        return F.conv2d(images_BCYX, self.kernel(), self.linear.bias, stride=self.patch_size)


@of(
    "vit.projection",
    "Your tokens run down the columns of the picture. Row by row means: the first row of patches from left to right, "
    "then the next.",
)
class TokensColumnByColumn(Composed):
    def forward(self, images_BCYX):
        picture_BDYX = F.conv2d(images_BCYX, self.kernel(), self.linear.bias, stride=self.patch_size)
        return picture_BDYX.transpose(2, 3).flatten(2).transpose(1, 2)


@of("vit.projection", "The convolution moves by one pixel, so the patches overlap. Give it `stride=self.patch_size`.")
class StrideOne(Composed):
    def forward(self, images_BCYX):
        return F.conv2d(images_BCYX, self.kernel(), self.linear.bias).flatten(2).transpose(1, 2)


@of("vit.projection", "The tokens are cut off from the image: something detached them, so no gradient flows back.")
class DetachedTokens(Composed):
    def forward(self, images_BCYX):
        return self.linear(patchify(images_BCYX, self.patch_size).detach())


@of(
    "vit.projection",
    "`forward` makes the image float32 first, whatever the weights are. Leave the dtype as it comes.",
)
class AlwaysFloat32(Composed):
    def forward(self, images_BCYX):
        return super().forward(images_BCYX.float())


@of(
    "vit.projection",
    "`forward` reads the weight through `detach` or `.data`: the projection would stay as random as it began. Call "
    "`self.linear(...)`.",
)
class WeightDetached(Composed):
    def forward(self, images_BCYX):
        patches_BNF = patchify(images_BCYX, self.patch_size)
        return F.linear(patches_BNF, self.linear.weight.detach(), self.linear.bias)


@of(
    "vit.projection",
    "Everything else is right. A convolution drops the rows and columns that P does not divide, and says nothing: "
    "raise a `ValueError` first, or call `patchify`, which does.",
)
class Cropped(Composed):
    def forward(self, images_BCYX):
        picture_BDYX = F.conv2d(images_BCYX, self.kernel(), self.linear.bias, stride=self.patch_size)
        return picture_BDYX.flatten(2).transpose(1, 2)


# A learner who projects by convolution has the wrong kernel in `forward` too. With these three the shapes fit.
SAME_SHAPE = (KernelPermuted, KernelTransposed, KernelFlipped)
for wrong in [m for m in MISCONCEPTIONS["vit.projection"] if m.code in SAME_SHAPE]:
    convolved = type(f"{wrong.name}Convolved", (wrong.code,), {"forward": PatchProjection.forward})
    of("vit.projection", wrong.sentence)(convolved)
