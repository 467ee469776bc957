"""Lesson 01: Vision Transformer."""

import math

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.models.vit import Encoder
from mmlearn.nn.attention import SelfAttention
from mmlearn.nn.patches import patchify
from mmlearn.nn.transformer import PreNormBlock

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


# --- vit.attention ----------------------------------------------------------------------------------------------------


class Steps(SelfAttention):
    """Self-attention in small steps, so that a misconception overrides one of them."""

    def scale(self, scores_BHNn, q_BHNd):
        return scores_BHNn / math.sqrt(q_BHNd.shape[-1])

    def normalise(self, scores_BHNn):
        return scores_BHNn.softmax(dim=-1)

    def join(self, y_BHNd):
        return y_BHNd.transpose(1, 2).flatten(2)

    def weights(self, x_BND):
        q_BHNd, k_BHNd, _ = self.split(x_BND)
        return self.normalise(self.scale(q_BHNd @ k_BHNd.transpose(-2, -1), q_BHNd))

    def forward(self, x_BND):
        return self.out(self.join(self.weights(x_BND) @ self.split(x_BND)[2]))


@of(
    "vit.attention",
    "The scores are not divided by sqrt(d). Without it they grow with the width and the softmax saturates.",
)
class NoScale(Steps):
    def scale(self, scores_BHNn, q_BHNd):
        return scores_BHNn


@of("vit.attention", "You divided by sqrt(D), the width of the model. d is the width of one head, D / H.")
class ScaledByModelWidth(Steps):
    def scale(self, scores_BHNn, q_BHNd):
        return scores_BHNn / math.sqrt(self.out.in_features)


@of("vit.attention", "You divided by d. The formula divides by its square root.")
class ScaledWithoutRoot(Steps):
    def scale(self, scores_BHNn, q_BHNd):
        return scores_BHNn / q_BHNd.shape[-1]


@of("vit.attention", "You multiplied by sqrt(d). The formula divides by it.")
class ScaledUp(Steps):
    def scale(self, scores_BHNn, q_BHNd):
        return scores_BHNn * math.sqrt(q_BHNd.shape[-1])


@of(
    "vit.attention",
    "The softmax runs over the tokens that look, axis -2. Each token shares its attention over those it looks at: axis "
    "-1.",
)
class SoftmaxOverQueries(Steps):
    def normalise(self, scores_BHNn):
        return scores_BHNn.softmax(dim=-2)


@of("vit.attention", "The softmax runs over the heads, axis 1. Heads do not compete; tokens do: axis -1.")
class SoftmaxOverHeads(Steps):
    def normalise(self, scores_BHNn):
        return scores_BHNn.softmax(dim=1)


@of("vit.attention", "There is no softmax: your weights are raw scores, negative ones too.")
class NoSoftmax(Steps):
    def normalise(self, scores_BHNn):
        return scores_BHNn


@of(
    "vit.attention",
    "`exp` overflows for large scores and gives NaN. Subtract the largest score of each row first, or use "
    "`torch.softmax`, which does.",
)
class OverflowingSoftmax(Steps):
    def normalise(self, scores_BHNn):
        return scores_BHNn.exp() / scores_BHNn.exp().sum(dim=-1, keepdim=True)


@of(
    "vit.attention",
    "You masked the tokens that come later. Patches have no before and after: every token sees every token.",
)
class Causal(Steps):
    def normalise(self, scores_BHNn):
        later = torch.ones_like(scores_BHNn, dtype=torch.bool).triu(1)
        return scores_BHNn.masked_fill(later, -torch.inf).softmax(dim=-1)


@of(
    "vit.attention",
    "The heads are cut with `reshape(B, H, N, d)` straight away. That mixes up tokens and heads: first split D into "
    "(H, d), then `transpose(1, 2)`.",
)
class HeadsByReshape(Steps):
    def split(self, x_BND):
        B, N, _ = x_BND.shape
        return tuple(t.reshape(B, self.heads, N, -1) for t in self.qkv(x_BND).chunk(3, dim=-1))


@of(
    "vit.attention",
    "Heads attend to heads: your weights are [B, N, H, H]. Bring the head axis before the token axis, `transpose(1, "
    "2)`.",
)
class HeadsNotMoved(Steps):
    def split(self, x_BND):
        return tuple(t.unflatten(-1, (self.heads, -1)) for t in self.qkv(x_BND).chunk(3, dim=-1))

    def join(self, y_BNHd):
        return y_BNHd.flatten(2)


@of("vit.attention", "There is one matrix for all heads. Cut D into H slices of d, and let each slice have its own.")
class OneHead(Steps):
    def split(self, x_BND):
        return self.qkv(x_BND).chunk(3, dim=-1)

    def join(self, y_BND):
        return y_BND


@of("vit.attention", "`q @ k` does not fit: both are [B, H, N, d]. Turn the last two axes of k, `k.transpose(-2, -1)`.")
class KeysNotTransposed(Steps):
    def weights(self, x_BND):
        q_BHNd, k_BHNd, _ = self.split(x_BND)
        return self.normalise(self.scale(q_BHNd @ k_BHNd, q_BHNd))


@of("vit.attention", "The values are not cut into heads: they need the shape [B, H, N, d], as queries and keys do.")
class ValuesNotSplit(Steps):
    def forward(self, x_BND):
        return self.out(self.join(self.weights(x_BND) @ self.qkv(x_BND).chunk(3, dim=-1)[2]))


@of(
    "vit.attention",
    "The heads are joined without moving them back: before `flatten(2)` or `reshape(B, N, D)` the tokens must come "
    "before the heads, `transpose(1, 2)`.",
)
class JoinedWithoutTranspose(Steps):
    def join(self, y_BHNd):
        B, _, N, _ = y_BHNd.shape
        return y_BHNd.reshape(B, N, -1)


@of("vit.attention", "`self.qkv` holds queries, keys and values in this order. You swapped queries and keys.")
class KeysFirst(Steps):
    def split(self, x_BND):
        k, q, v = super().split(x_BND)
        return q, k, v


@of(
    "vit.attention",
    "You cut each head's slice into q, k and v. `self.qkv` holds all queries first, then all keys, then all values.",
)
class QkvInsideHeads(Steps):
    def split(self, x_BND):
        return self.qkv(x_BND).unflatten(-1, (self.heads, -1)).transpose(1, 2).chunk(3, dim=-1)


@of("vit.attention", "The output projection `self.out` is missing: the heads stand side by side and never mix.")
class NoOutputProjection(Steps):
    def forward(self, x_BND):
        return self.join(self.weights(x_BND) @ self.split(x_BND)[2])


@of("vit.attention", "You mixed the keys instead of the values.")
class MixedKeys(Steps):
    def forward(self, x_BND):
        return self.out(self.join(self.weights(x_BND) @ self.split(x_BND)[1]))


@of(
    "vit.attention",
    "You applied the weights from the other side: `weights.transpose(-2, -1) @ v`. Row i of the weights belongs to "
    "token i.",
)
class TransposedWeights(Steps):
    def forward(self, x_BND):
        return self.out(self.join(self.weights(x_BND).transpose(-2, -1) @ self.split(x_BND)[2]))


@of("vit.attention", "The weights are detached: the tokens learn through the values alone, queries and keys never.")
class DetachedWeights(Steps):
    def forward(self, x_BND):
        return self.out(self.join(self.weights(x_BND).detach() @ self.split(x_BND)[2]))


@of("vit.attention", "`forward` adds its input. The residual connection belongs to the block, not to the attention.")
class ResidualInside(Steps):
    def forward(self, x_BND):
        return x_BND + super().forward(x_BND)


# --- vit.block --------------------------------------------------------------------------------------------------------


@of(
    "vit.block",
    "That is post-norm, as in the original Transformer: the sum is normalised. ViT normalises what each half reads.",
)
class PostNorm(PreNormBlock):
    def forward(self, x_BND):
        x_BND = self.norm1(x_BND + self.attention(x_BND))
        return self.norm2(x_BND + self.mlp(x_BND))


@of("vit.block", "The attention half does not add its input: `x + ...` is missing in equation 2.")
class NoFirstResidual(PreNormBlock):
    def forward(self, x_BND):
        x_BND = self.attention(self.norm1(x_BND))
        return x_BND + self.mlp(self.norm2(x_BND))


@of("vit.block", "The perceptron half does not add its input: `x + ...` is missing in equation 3.")
class NoSecondResidual(PreNormBlock):
    def forward(self, x_BND):
        x_BND = x_BND + self.attention(self.norm1(x_BND))
        return self.mlp(self.norm2(x_BND))


@of("vit.block", "Nothing is added: both halves replace the tokens. `x + ...` is missing in equations 2 and 3.")
class NoResiduals(PreNormBlock):
    def forward(self, x_BND):
        return self.mlp(self.norm2(self.attention(self.norm1(x_BND))))


@of("vit.block", "The perceptron reads the block's input. In equation 3 it reads what equation 2 gave.")
class Parallel(PreNormBlock):
    def forward(self, x_BND):
        return x_BND + self.attention(self.norm1(x_BND)) + self.mlp(self.norm2(x_BND))


@of("vit.block", "You added the normalised tokens. The residual path carries the tokens as they were.")
class NormalisedResidual(PreNormBlock):
    def forward(self, x_BND):
        x_BND = self.norm1(x_BND)
        x_BND = x_BND + self.attention(x_BND)
        x_BND = self.norm2(x_BND)
        return x_BND + self.mlp(x_BND)


@of("vit.block", "`norm1` is used twice. Each half has a norm of its own.")
class SameNormTwice(PreNormBlock):
    def forward(self, x_BND):
        x_BND = x_BND + self.attention(self.norm1(x_BND))
        return x_BND + self.mlp(self.norm1(x_BND))


@of("vit.block", "The norms are missing: each half reads the tokens as they are.")
class NoNorm(PreNormBlock):
    def forward(self, x_BND):
        x_BND = x_BND + self.attention(x_BND)
        return x_BND + self.mlp(x_BND)


@of("vit.block", "Equation 3, the perceptron's half, is missing.")
class OnlyAttention(PreNormBlock):
    def forward(self, x_BND):
        return x_BND + self.attention(self.norm1(x_BND))


@of("vit.block", "The two halves are swapped: attention comes first, then the perceptron.")
class PerceptronFirst(PreNormBlock):
    def forward(self, x_BND):
        x_BND = x_BND + self.mlp(self.norm2(x_BND))
        return x_BND + self.attention(self.norm1(x_BND))


@of("vit.block", "The last addition uses the block's input again: what the attention found is lost.")
class OldResidual(PreNormBlock):
    def forward(self, x_BND):
        y_BND = x_BND + self.attention(self.norm1(x_BND))
        return x_BND + self.mlp(self.norm2(y_BND))


@of("vit.block", "The residual path is detached, so gradients no longer take the short way through the additions.")
class DetachedResidual(PreNormBlock):
    def forward(self, x_BND):
        x_BND = x_BND.detach() + self.attention(self.norm1(x_BND))
        return x_BND + self.mlp(self.norm2(x_BND))


@of("vit.block", "`+=` changed the tokens that were passed in. Write `x_BND = x_BND + ...`.")
class InPlaceResidual(PreNormBlock):
    def forward(self, x_BND):
        x_BND += self.attention(self.norm1(x_BND))
        x_BND += self.mlp(self.norm2(x_BND))
        return x_BND


# --- vit.encoder ------------------------------------------------------------------------------------------------------


@of(
    "vit.encoder",
    "The class token is at the end. It comes first, so that its place does not depend on the number of patches.",
)
class ClassTokenLast(Encoder):
    def embed(self, patches_BND):
        class_B1D = self.class_token.expand(len(patches_BND), -1, -1)
        return torch.cat([patches_BND, class_B1D], dim=1) + self.positions


@of("vit.encoder", "The positions are missing: the encoder cannot tell one order of the patches from another.")
class NoPositions(Encoder):
    def embed(self, patches_BND):
        return torch.cat([self.class_token.expand(len(patches_BND), -1, -1), patches_BND], dim=1)


@of("vit.encoder", "The class token has no position. `self.positions` has N + 1 rows: join first, then add.")
class ClassTokenWithoutPosition(Encoder):
    def embed(self, patches_BND):
        class_B1D = self.class_token.expand(len(patches_BND), -1, -1)
        return torch.cat([class_B1D, patches_BND + self.positions[:, 1:]], dim=1)


@of("vit.encoder", "The positions are shifted by one: row 0 belongs to the class token, row 1 to the first patch.")
class ShiftedPositions(Encoder):
    def embed(self, patches_BND):
        class_B1D = self.class_token.expand(len(patches_BND), -1, -1)
        return torch.cat([class_B1D + self.positions[:, -1:], patches_BND + self.positions[:, :-1]], dim=1)


@of(
    "vit.encoder",
    "The class token has no position, and each patch has its neighbour's. Join first, then add all N + 1 rows.",
)
class PatchesTakeTheFirstRows(Encoder):
    def embed(self, patches_BND):
        class_B1D = self.class_token.expand(len(patches_BND), -1, -1)
        return torch.cat([class_B1D, patches_BND + self.positions[:, :-1]], dim=1)


@of("vit.encoder", "`self.class_token` is [1, 1, D], and each of the B images needs one: `expand(B, -1, -1)`.")
class ClassTokenForOneImage(Encoder):
    def embed(self, patches_BND):
        return torch.cat([self.class_token, patches_BND], dim=1) + self.positions


@of("vit.encoder", "Use `self.class_token`. It begins as zeros, but it is learned: the check gives it other numbers.")
class ZeroClassToken(Encoder):
    def embed(self, patches_BND):
        B, _, D = patches_BND.shape
        return torch.cat([torch.zeros(B, 1, D), patches_BND], dim=1) + self.positions


@of("vit.encoder", "You multiplied by the positions. Equation 1 adds them.")
class MultipliedPositions(Encoder):
    def embed(self, patches_BND):
        class_B1D = self.class_token.expand(len(patches_BND), -1, -1)
        return torch.cat([class_B1D, patches_BND], dim=1) * self.positions


@of("vit.encoder", "The class token is missing: the tokens start with the first patch.")
class NoClassToken(Encoder):
    def embed(self, patches_BND):
        return patches_BND + self.positions[:, 1:]


@of("vit.encoder", "The final norm is missing (equation 4): the blocks' output goes out as it is.")
class NoFinalNorm(Encoder):
    def forward(self, patches_BND):
        x_BND = self.embed(patches_BND)
        for block in self.blocks:
            x_BND = block(x_BND)
        return x_BND


@of(
    "vit.encoder",
    "Every block reads the embedded patches, so only the last one counts. Each block reads what the one before gave.",
)
class BlocksInParallel(Encoder):
    def forward(self, patches_BND):
        embedded = self.embed(patches_BND)
        for block in self.blocks:
            x_BND = block(embedded)
        return self.norm(x_BND)


@of("vit.encoder", "`self.blocks` is a list of modules, not a module: run its blocks one after another in a loop.")
class BlocksCalledAtOnce(Encoder):
    def forward(self, patches_BND):
        return self.norm(self.blocks(self.embed(patches_BND)))


@of("vit.encoder", "`forward` runs the blocks on the bare patches. It begins with `self.embed(patches_BND)`.")
class NotEmbedded(Encoder):
    def forward(self, patches_BND):
        x_BND = patches_BND
        for block in self.blocks:
            x_BND = block(x_BND)
        return self.norm(x_BND)


@of("vit.encoder", "The last block is never run.")
class LastBlockSkipped(Encoder):
    def forward(self, patches_BND):
        x_BND = self.embed(patches_BND)
        for block in self.blocks[:-1]:
            x_BND = block(x_BND)
        return self.norm(x_BND)


@of("vit.encoder", "The blocks run from last to first.")
class BlocksReversed(Encoder):
    def forward(self, patches_BND):
        x_BND = self.embed(patches_BND)
        for block in reversed(self.blocks):
            x_BND = block(x_BND)
        return self.norm(x_BND)


@of(
    "vit.encoder",
    "The norm runs after every block. Here each block normalises for itself; `self.norm` comes once, at the end.",
)
class NormAfterEveryBlock(Encoder):
    def forward(self, patches_BND):
        x_BND = self.embed(patches_BND)
        for block in self.blocks:
            x_BND = self.norm(block(x_BND))
        return x_BND


@of("vit.encoder", "`forward` returns the class token alone. Return all tokens; the model picks the one it needs.")
class OnlyClassToken(Encoder):
    def forward(self, patches_BND):
        return super().forward(patches_BND)[:, 0]
