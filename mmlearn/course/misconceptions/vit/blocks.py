"""Attention and the block."""

import math

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.nn.attention import SelfAttention
from mmlearn.nn.transformer import PreNormBlock

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


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


@of("vit.attention", "You divided by sqrt(N), the number of tokens. d is the width of one head, D / H.")
class ScaledByTokens(Steps):
    def scale(self, scores_BHNn, q_BHNd):
        return scores_BHNn / math.sqrt(scores_BHNn.shape[-1])


@of(
    "vit.attention",
    "You divided by sqrt(d) after the softmax, so the rows no longer sum to 1. Divide the scores, then take the "
    "softmax.",
)
class ScaledAfterSoftmax(NoScale):
    def weights(self, x_BND):
        return super().weights(x_BND) / math.sqrt(self.out.in_features // self.heads)


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


BEHIND_WIDTH = (
    "You split D into (d, H), so a head gets every H-th number. A head is a slice of d neighbouring numbers: split D "
    "into (H, d)."
)


@of("vit.attention", BEHIND_WIDTH)
class HeadsBehindWidth(Steps):
    def split(self, x_BND):
        return tuple(t.unflatten(-1, (-1, self.heads)).permute(0, 3, 1, 2) for t in self.qkv(x_BND).chunk(3, dim=-1))


@of("vit.attention", BEHIND_WIDTH)
class HeadsBehindWidthJoinedAlike(HeadsBehindWidth):
    def join(self, y_BHNd):
        return y_BHNd.permute(0, 2, 3, 1).flatten(2)


@of(
    "vit.attention",
    "H and d are swapped: your weights are those of d heads with H numbers each. Split D into (H, d), then "
    "`transpose(1, 2)`.",
)
class HeadsAndWidthSwapped(Steps):
    def split(self, x_BND):
        return tuple(t.unflatten(-1, (-1, self.heads)).transpose(1, 2) for t in self.qkv(x_BND).chunk(3, dim=-1))

    def scale(self, scores_BdNn, q_BdNH):
        return scores_BdNn / math.sqrt(q_BdNH.shape[1])


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


class ScaledAsHeads:
    """For a learner who takes d = D / H and cuts no heads."""

    def scale(self, scores, _):
        return scores / math.sqrt(self.out.in_features // self.heads)


@of("vit.attention", "Your d is D / H, but nothing is cut: there is one matrix for all heads. Split D into (H, d).")
class OneHeadScaledAsMany(ScaledAsHeads, OneHead):
    pass


WITH_AN_AXIS = (
    "There is one head of width D; an axis of length 1 makes no heads. Split D into (H, d), then `transpose(1, 2)`."
)


@of("vit.attention", WITH_AN_AXIS)
class OneHeadWithAnAxis(Steps):
    def split(self, x_BND):
        return tuple(t.unsqueeze(1) for t in self.qkv(x_BND).chunk(3, dim=-1))


@of("vit.attention", WITH_AN_AXIS)
class OneHeadWithAnAxisScaledAsMany(ScaledAsHeads, OneHeadWithAnAxis):
    pass


@of(
    "vit.attention",
    "`weights` returns the mean over the heads, [B, N, N]. Each head has a matrix of its own: [B, H, N, N].",
)
class HeadsAveraged(SelfAttention):
    def weights(self, x_BND):
        return super().weights(x_BND).mean(dim=1)


@of(
    "vit.attention",
    "You averaged the weights over the heads, so every head mixes alike. Each head has a matrix of its own: [B, H, N, "
    "N].",
)
class MixedByTheAverage(Steps):
    def weights(self, x_BND):
        return super().weights(x_BND).mean(dim=1, keepdim=True)


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


@of(
    "vit.attention",
    "`flatten(2)` on [B, H, N, d] joins tokens with widths. The heads must stand beside their width first: "
    "`transpose(1, 2)`, then `flatten(2)`.",
)
class FlattenedWithoutTranspose(Steps):
    def join(self, y_BHNd):
        return y_BHNd.flatten(2)


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


@of(
    "vit.attention",
    "You took every third number for the queries. `self.qkv` holds all queries first, then all keys, then all values: "
    "`chunk(3, dim=-1)`.",
)
class QkvInterleaved(Steps):
    def split(self, x_BND):
        qkv_BNF = self.qkv(x_BND)
        return tuple(qkv_BNF[..., i::3].unflatten(-1, (self.heads, -1)).transpose(1, 2) for i in range(3))


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


@of(
    "vit.attention",
    "You read the weight of `self.qkv` through `detach` or `.data`: what the tokens look for would never be learned. "
    "Call `self.qkv(...)`.",
)
class QkvDetached(Steps):
    def split(self, x_BND):
        qkv_BNF = F.linear(x_BND, self.qkv.weight.detach(), self.qkv.bias)
        return tuple(t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in qkv_BNF.chunk(3, dim=-1))


@of("vit.attention", "`forward` makes the tokens float32, whatever the weights are. Leave the dtype as it comes.")
class TokensToFloat32(Steps):
    def forward(self, x_BND):
        return super().forward(x_BND.float())


@of(
    "vit.attention",
    "`forward` turns its result into float32, whatever the tokens were. Leave the dtype as it comes.",
)
class ResultToFloat32(Steps):
    def forward(self, x_BND):
        return super().forward(x_BND).float()


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


@of("vit.block", "`norm1` is missing: in equation 2, attention reads the normalised tokens.")
class NoFirstNorm(PreNormBlock):
    def forward(self, x_BND):
        x_BND = x_BND + self.attention(x_BND)
        return x_BND + self.mlp(self.norm2(x_BND))


@of("vit.block", "`norm2` is missing: in equation 3, the perceptron reads the normalised tokens.")
class NoSecondNorm(PreNormBlock):
    def forward(self, x_BND):
        x_BND = x_BND + self.attention(self.norm1(x_BND))
        return x_BND + self.mlp(x_BND)


@of("vit.block", "The two norms are swapped: `norm1` belongs to the attention, `norm2` to the perceptron.")
class NormsSwapped(PreNormBlock):
    def forward(self, x_BND):
        x_BND = x_BND + self.attention(self.norm2(x_BND))
        return x_BND + self.mlp(self.norm1(x_BND))


@of("vit.block", "You normalised what attention and perceptron give. Pre-norm normalises what they read.")
class NormedOutputs(PreNormBlock):
    def forward(self, x_BND):
        x_BND = x_BND + self.norm1(self.attention(x_BND))
        return x_BND + self.norm2(self.mlp(x_BND))


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


@of(
    "vit.block",
    "You read weight and bias of the norms through `.data` or `detach`: the norms would never learn. Call "
    "`self.norm1(...)` and `self.norm2(...)`.",
)
class NormsByData(PreNormBlock):
    def forward(self, x_BND):
        x_BND = x_BND + self.attention(self.normalise(self.norm1, x_BND))
        return x_BND + self.mlp(self.normalise(self.norm2, x_BND))

    def normalise(self, norm, x_BND):
        return F.layer_norm(x_BND, norm.normalized_shape, norm.weight.data, norm.bias.data, norm.eps)


@of("vit.block", "The residual path goes through float32, whatever the tokens are. Add to them as they come.")
class ResidualInFloat32(PreNormBlock):
    def forward(self, x_BND):
        x_BND = x_BND.float() + self.attention(self.norm1(x_BND))
        return x_BND + self.mlp(self.norm2(x_BND))


@of("vit.block", "`+=` changed the tokens that were passed in. Write `x_BND = x_BND + ...`.")
class InPlaceResidual(PreNormBlock):
    def forward(self, x_BND):
        x_BND += self.attention(self.norm1(x_BND))
        x_BND += self.mlp(self.norm2(x_BND))
        return x_BND
