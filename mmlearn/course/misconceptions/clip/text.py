"""Causal attention and the text encoder."""

import math

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.models.clip import TextEncoder
from mmlearn.nn.attention import CausalSelfAttention, SelfAttention

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


# --- clip.causal ------------------------------------------------------------------------------------------------------


class Steps(SelfAttention):
    """Causal self-attention in small steps, so that a misconception overrides one of them."""

    fill = -math.inf

    def hidden(self, scores_BHNn):
        """What is not seen."""
        return torch.ones_like(scores_BHNn, dtype=torch.bool).triu(1)

    def normalise(self, scores_BHNn):
        return scores_BHNn.masked_fill(self.hidden(scores_BHNn), self.fill).softmax(dim=-1)

    def scores(self, x_BND):
        q_BHNd, k_BHNd, _ = self.split(x_BND)
        return q_BHNd @ k_BHNd.transpose(-2, -1) / math.sqrt(q_BHNd.shape[-1])

    def weights(self, x_BND):
        return self.normalise(self.scores(x_BND))

    def forward(self, x_BND):
        return self.out(self.joined(self.weights(x_BND) @ self.split(x_BND)[2]))

    def joined(self, y_BHNd):
        return y_BHNd.transpose(1, 2).flatten(2)


@of("clip.causal", "Nothing is masked: every token sees every other. Hide those that come later, before the softmax.")
class NotMasked(Steps):
    def hidden(self, scores_BHNn):
        return torch.zeros_like(scores_BHNn, dtype=torch.bool)


@of(
    "clip.causal",
    "The mask is on the wrong side: your tokens see themselves and what comes later. Rows look, columns are looked "
    "at, so hide what stands right of the diagonal: `triu(1)`.",
)
class MaskedBefore(Steps):
    def hidden(self, scores_BHNn):
        return torch.ones_like(scores_BHNn, dtype=torch.bool).tril(-1)


@of(
    "clip.causal",
    "The mask is the other way round: the scores of earlier tokens are replaced, those of later ones kept, and the "
    "last token sees nothing. `masked_fill` replaces where the mask is true: that is `triu(1)`.",
)
class MaskInverted(Steps):
    def hidden(self, scores_BHNn):
        return torch.ones_like(scores_BHNn, dtype=torch.bool).tril()


@of(
    "clip.causal",
    "A token does not see itself, and the first sees nothing at all: a softmax over nothing is NaN. The diagonal "
    "stays: `triu(1)`, not `triu()`.",
)
class OwnTokenMasked(Steps):
    def hidden(self, scores_BHNn):
        return torch.ones_like(scores_BHNn, dtype=torch.bool).triu()


@of("clip.causal", "Each token sees one token too far. Hide from the next one on: `triu(1)`, not `triu(2)`.")
class OneTooFar(Steps):
    def hidden(self, scores_BHNn):
        return torch.ones_like(scores_BHNn, dtype=torch.bool).triu(2)


MASKED_AFTER = (
    "You masked after the softmax, so the rows no longer sum to 1. Mask the scores with minus infinity, then take the "
    "softmax."
)


@of("clip.causal", MASKED_AFTER)
class MaskedAfterSoftmax(Steps):
    def normalise(self, scores_BHNn):
        return scores_BHNn.softmax(dim=-1).masked_fill(self.hidden(scores_BHNn), 0)


@of("clip.causal", MASKED_AFTER)
class MaskedAfterSoftmaxInPlace(Steps):
    def normalise(self, scores_BHNn):
        return scores_BHNn.softmax(dim=-1).masked_fill_(self.hidden(scores_BHNn), 0)


INFINITY_AFTER = (
    "You put minus infinity into the weights, after the softmax. Put it into the scores, before the softmax: there its "
    "exponential is 0."
)


@of("clip.causal", INFINITY_AFTER)
class InfinityFilledAfterSoftmax(Steps):
    def normalise(self, scores_BHNn):
        return scores_BHNn.softmax(dim=-1).masked_fill(self.hidden(scores_BHNn), -math.inf)


@of("clip.causal", INFINITY_AFTER)
class InfinityAddedAfterSoftmax(Steps):
    def normalise(self, scores_BHNn):
        return scores_BHNn.softmax(dim=-1) + torch.full_like(scores_BHNn, -math.inf).triu(1)


@of("clip.causal", INFINITY_AFTER)
class InfinityAssignedAfterSoftmax(Steps):
    def normalise(self, scores_BHNn):
        return scores_BHNn.softmax(dim=-1).masked_fill_(self.hidden(scores_BHNn), -math.inf)


@of(
    "clip.causal",
    "You took two softmaxes: what you masked has been through one already, as the result of `super().weights` has. "
    "Begin with the scores, mask them, and take one softmax.",
)
class SoftmaxTwice(Steps):
    def scores(self, x_BND):
        return super().scores(x_BND).softmax(dim=-1)


@of(
    "clip.causal",
    "You masked after the softmax and divided by what was left. Where later tokens had all the weight, that is 0, and "
    "the result NaN: mask the scores, then take the softmax.",
)
class SharedOutAgain(Steps):
    def normalise(self, scores_BHNn):
        w_BHNn = scores_BHNn.softmax(dim=-1).masked_fill(self.hidden(scores_BHNn), 0)
        return w_BHNn / w_BHNn.sum(dim=-1, keepdim=True)


@of(
    "clip.causal",
    "You set hidden scores to 0. That is a score like any other, and its exponential is 1: set them to `-math.inf`.",
)
class FilledWithZero(Steps):
    fill = 0


@of("clip.causal", "You set hidden scores to -1. That only makes them a little smaller: set them to `-math.inf`.")
class FilledWithMinusOne(Steps):
    fill = -1


@of(
    "clip.causal",
    "You set hidden scores to a number that is low, but not lower than all scores can be. Set them to `-math.inf`.",
)
class FilledWithMinusHundred(Steps):
    fill = -100


@of(
    "clip.causal", "You set hidden scores to plus infinity, which takes all the weight. Set them to minus: `-math.inf`."
)
class FilledWithPlusInfinity(Steps):
    fill = math.inf


@of(
    "clip.causal",
    "You multiplied the scores by minus infinity or by a mask with it. 0 times infinity is NaN: use `masked_fill(..., "
    "-math.inf)`, or add.",
)
class MultipliedByInfinity(Steps):
    def normalise(self, scores_BHNn):
        return (scores_BHNn + self.hidden(scores_BHNn).to(scores_BHNn) * self.fill).softmax(dim=-1)


@of(
    "clip.causal",
    "You added the mask as numbers, 1 where a token comes later. That raises those scores: give them minus infinity, "
    "`masked_fill(..., -math.inf)`.",
)
class AddedOnes(Steps):
    def normalise(self, scores_BHNn):
        return (scores_BHNn + self.hidden(scores_BHNn)).softmax(dim=-1)


@of(
    "clip.causal",
    "The mask runs over heads and tokens, not over tokens and tokens: it has the wrong two axes. It belongs to the "
    "last two, [N, N].",
)
class MaskedOverHeads(Steps):
    def hidden(self, scores_BHNn):
        _, H, N, _ = scores_BHNn.shape
        return torch.ones(H, N, dtype=torch.bool).triu(1)[None, :, :, None].expand_as(scores_BHNn)


@of(
    "clip.causal",
    "The softmax runs over the tokens that look, axis -2. Each token shares its attention over those it sees: axis -1.",
)
class SoftmaxOverQueries(Steps):
    def normalise(self, scores_BHNn):
        return scores_BHNn.masked_fill(self.hidden(scores_BHNn), self.fill).softmax(dim=-2)


@of(
    "clip.causal",
    "The scores are not divided by sqrt(d). Divide them, as in lesson 01; d is the width of one head, "
    "`q_BHNd.shape[-1]`.",
)
class NoScale(Steps):
    def scores(self, x_BND):
        q_BHNd, k_BHNd, _ = self.split(x_BND)
        return q_BHNd @ k_BHNd.transpose(-2, -1)


@of(
    "clip.causal",
    "You divided by sqrt(D), the width of the model. Divide by sqrt(d), the width of one head: `q_BHNd.shape[-1]`.",
)
class ScaledByModelWidth(Steps):
    def scores(self, x_BND):
        q_BHNd, k_BHNd, _ = self.split(x_BND)
        return q_BHNd @ k_BHNd.transpose(-2, -1) / math.sqrt(x_BND.shape[-1])


@of(
    "clip.causal",
    "`weights` is right, but `forward` mixes without the mask: each token still collects from later ones. Use the "
    "same weights, or `is_causal=True`.",
)
class ForwardNotMasked(SelfAttention):
    weights = CausalSelfAttention.weights

    def forward(self, x_BND):
        return super().forward(x_BND)


@of("clip.causal", "`forward` is right, but `weights` shows attention without the mask. Mask its scores too.")
class WeightsNotMasked(SelfAttention):
    forward = CausalSelfAttention.forward

    def weights(self, x_BND):
        return super().weights(x_BND)


@of(
    "clip.causal",
    "You set what later tokens say to 0 and kept the weights. Their share is lost: mask the scores, so that the "
    "others share all of it.",
)
class ForwardMaskedAfterSoftmax(SelfAttention):
    weights = CausalSelfAttention.weights

    def forward(self, x_BND):
        w_BHNn = super().weights(x_BND).tril()
        return self.out((w_BHNn @ self.split(x_BND)[2]).transpose(1, 2).flatten(2))


@of("clip.causal", "The output projection is missing: the heads stand side by side and never mix. End with `self.out`.")
class NoOutputProjection(Steps):
    def forward(self, x_BND):
        return self.joined(self.weights(x_BND) @ self.split(x_BND)[2])


@of(
    "clip.causal",
    "The heads are joined without moving them back: before `flatten(2)` or `reshape(B, N, D)` the tokens must come "
    "before the heads, `transpose(1, 2)`.",
)
class JoinedWithoutTranspose(Steps):
    def joined(self, y_BHNd):
        B, _, N, _ = y_BHNd.shape
        return y_BHNd.reshape(B, N, -1)


@of(
    "clip.causal",
    "The weights are detached, so queries and keys never learn from the output. Leave `.data`, `detach` and `no_grad` "
    "out.",
)
class DetachedWeights(Steps):
    def forward(self, x_BND):
        return self.out(self.joined(self.weights(x_BND).detach() @ self.split(x_BND)[2]))


# --- clip.text --------------------------------------------------------------------------------------------------------


class Read(TextEncoder):
    """The text encoder in small steps, so that a misconception overrides one of them."""

    def embed(self, tokens_BL):
        return self.tokens(tokens_BL) + self.positions[: tokens_BL.shape[1]]

    def run(self, x_BLD):
        for block in self.blocks:
            x_BLD = block(x_BLD)
        return x_BLD

    def is_end(self, tokens_BL):
        return (tokens_BL == self.tokens.num_embeddings - 1).int()

    def place(self, tokens_BL):
        return self.is_end(tokens_BL).argmax(dim=1)

    def pick(self, x_BLD, tokens_BL):
        return x_BLD[torch.arange(len(x_BLD)), self.place(tokens_BL)]

    def look(self, tokens_BL):
        if tokens_BL.shape[1] > len(self.positions):
            raise ValueError("too long")

    def forward(self, tokens_BL):
        self.look(tokens_BL)
        return self.norm(self.pick(self.run(self.embed(tokens_BL)), tokens_BL))


@of(
    "clip.text",
    "You read each text at the last place of its row. Texts are filled up: read it where the first end-of-text token "
    "stands.",
)
class AtTheLastPlace(Read):
    def pick(self, x_BLD, tokens_BL):
        return x_BLD[:, -1]


@of(
    "clip.text",
    "You read each text at its first place, where only the start was seen. Read it at its first end, where `tokens_BL "
    "== self.end`. An `argmax` that finds no end gives 0, too.",
)
class AtTheFirstPlace(Read):
    def pick(self, x_BLD, tokens_BL):
        return x_BLD[:, 0]


@of(
    "clip.text",
    "You read each text at its last end-of-text token. Behind the first one stands what fills the row up: read at the "
    "first.",
)
class AtTheLastEnd(Read):
    def place(self, tokens_BL):
        return tokens_BL.shape[1] - 1 - self.is_end(tokens_BL).flip(1).argmax(dim=1)


@of(
    "clip.text",
    "You read one place before the end, at the last word. Read at the first end itself: it is the only token that has "
    "seen all of the text.",
)
class BeforeTheEnd(Read):
    def place(self, tokens_BL):
        return super().place(tokens_BL) - 1


MEAN_OVER_PLACES = (
    "You took the mean over all places. Those behind the end belong to no text, and those before have not seen all of "
    "it: take the vector at the first end."
)


@of("clip.text", MEAN_OVER_PLACES)
class MeanOverPlaces(Read):
    def pick(self, x_BLD, tokens_BL):
        return x_BLD.mean(dim=1)


@of("clip.text", MEAN_OVER_PLACES)
class MeanBehindTheNorm(Read):
    def forward(self, tokens_BL):
        self.look(tokens_BL)
        return self.norm(self.run(self.embed(tokens_BL))).mean(dim=1)


@of(
    "clip.text",
    "You took the mean over all places, and the norm is missing. Take the vector at the first end, and return "
    "`self.norm(...)` of it.",
)
class MeanWithoutNorm(Read):
    def forward(self, tokens_BL):
        self.look(tokens_BL)
        return self.run(self.embed(tokens_BL)).mean(dim=1)


@of(
    "clip.text",
    "You took the mean over the text up to its end. Take one vector, the one at the first end: only that token has "
    "seen the whole text.",
)
class MeanUpToTheEnd(Read):
    def pick(self, x_BLD, tokens_BL):
        ends_BL = self.is_end(tokens_BL)
        inside_BL1 = ((ends_BL.cumsum(dim=1) - ends_BL) == 0).to(x_BLD)[:, :, None]
        return (x_BLD * inside_BL1).sum(dim=1) / inside_BL1.sum(dim=1)


@of(
    "clip.text",
    "You added up the vectors at all end-of-text tokens. A text filled up with it has many: take the first alone.",
)
class SumOverEnds(Read):
    def pick(self, x_BLD, tokens_BL):
        return (x_BLD * self.is_end(tokens_BL).to(x_BLD)[:, :, None]).sum(dim=1)


@of("clip.text", "You took the largest value over all places. Take one vector, the one at the first end.")
class MaxOverPlaces(Read):
    def pick(self, x_BLD, tokens_BL):
        return x_BLD.amax(dim=1)


@of(
    "clip.text",
    "You returned all places, [B, L, D]. A text becomes one vector: the one at its first end, `x_BLD[torch.arange(B), "
    "place_B]`.",
)
class AllPlaces(Read):
    def pick(self, x_BLD, tokens_BL):
        return x_BLD


@of(
    "clip.text",
    "You took the vectors at all ends. A row filled up with the end token has many: find the place of the first in "
    "each text, and take one vector.",
)
class AllEnds(Read):
    def pick(self, x_BLD, tokens_BL):
        return x_BLD[self.is_end(tokens_BL).bool()]


@of(
    "clip.text",
    "`x_BLD[:, place_B]` takes all B places from every text: [B, B, D]. Pair each text with its own place: "
    "`x_BLD[torch.arange(B), place_B]`.",
)
class EveryPlaceOfEveryText(Read):
    def pick(self, x_BLD, tokens_BL):
        return x_BLD[:, self.place(tokens_BL)]


@of(
    "clip.text",
    "`x_BLD[place_B]` takes whole texts, by numbers that are places. Give both, the text and the place in it: "
    "`x_BLD[torch.arange(B), place_B]`.",
)
class PlacesTakenForTexts(Read):
    def pick(self, x_BLD, tokens_BL):
        return x_BLD[self.place(tokens_BL)]


@of(
    "clip.text",
    "`argmax` takes no tensor of `True` and `False`. Make it numbers first: `(tokens_BL == "
    "self.end).int().argmax(dim=1)`.",
)
class ArgmaxOfTruths(Read):
    def is_end(self, tokens_BL):
        return super().is_end(tokens_BL).bool()


@of("clip.text", "All texts are read at the place where the first text ends. Find the end of each text: `dim=1`.")
class PlaceOfTheFirstText(Read):
    def place(self, tokens_BL):
        return super().place(tokens_BL)[:1].expand(len(tokens_BL))


@of("clip.text", "The final norm is missing: return `self.norm(...)` of the vector at the end.")
class NoFinalNorm(Read):
    def forward(self, tokens_BL):
        self.look(tokens_BL)
        return self.pick(self.run(self.embed(tokens_BL)), tokens_BL)


@of("clip.text", "You normalised before the blocks. `self.norm` comes last, after all blocks.")
class NormBeforeBlocks(Read):
    def forward(self, tokens_BL):
        self.look(tokens_BL)
        return self.pick(self.run(self.norm(self.embed(tokens_BL))), tokens_BL)


@of(
    "clip.text",
    "You brought the vector to length 1, and the layer norm is missing. The length comes later, in the shared space: "
    "return `self.norm(...)` of the vector.",
)
class NormaliseForNorm(Read):
    def forward(self, tokens_BL):
        self.look(tokens_BL)
        return F.normalize(self.pick(self.run(self.embed(tokens_BL)), tokens_BL), dim=1)


@of("clip.text", "The result has length 1. That comes later, in the shared space: return `self.norm(...)` as it is.")
class LengthOne(Read):
    def forward(self, tokens_BL):
        return F.normalize(super().forward(tokens_BL), dim=1)


@of("clip.text", "The positions are missing: add `self.positions[:L]` to the embedded tokens.")
class NoPositions(Read):
    def embed(self, tokens_BL):
        return self.tokens(tokens_BL)


@of(
    "clip.text",
    "You added all positions of the context. A shorter text has fewer tokens and takes the first: "
    "`self.positions[:L]`.",
)
class AllPositions(Read):
    def embed(self, tokens_BL):
        return self.tokens(tokens_BL) + self.positions


@of("clip.text", "A short text got the last positions. Its first token takes the first one: `self.positions[:L]`.")
class LastPositions(Read):
    def embed(self, tokens_BL):
        return self.tokens(tokens_BL) + self.positions[-tokens_BL.shape[1] :]


@of(
    "clip.text",
    "You looked positions up by token, `self.positions[tokens_BL]`. A position belongs to a place in the text, "
    "whatever token stands there: `self.positions[:L]`.",
)
class PositionsOfTokens(Read):
    def embed(self, tokens_BL):
        return self.tokens(tokens_BL) + self.positions[tokens_BL]


@of("clip.text", "You multiplied the tokens by the positions. Add them: `+`.")
class MultipliedPositions(Read):
    def embed(self, tokens_BL):
        return self.tokens(tokens_BL) * self.positions[: tokens_BL.shape[1]]


@of(
    "clip.text",
    "The positions are cut off by `detach` or `.data`: they would never learn. Add `self.positions[:L]` itself.",
)
class PositionsDetached(Read):
    def embed(self, tokens_BL):
        return self.tokens(tokens_BL) + self.positions.detach()[: tokens_BL.shape[1]]


@of(
    "clip.text",
    "You read the embedding through `.data` or `detach`: the tokens would never learn. Call `self.tokens(tokens_BL)`.",
)
class TokensDetached(Read):
    def embed(self, tokens_BL):
        return self.tokens.weight.detach()[tokens_BL] + self.positions[: tokens_BL.shape[1]]


@of(
    "clip.text",
    "You multiplied the tokens by sqrt(D), as the first Transformer did. CLIP does not: leave the factor out.",
)
class ScaledTokens(Read):
    def embed(self, tokens_BL):
        return self.tokens(tokens_BL) * math.sqrt(self.positions.shape[1]) + self.positions[: tokens_BL.shape[1]]


@of("clip.text", "The blocks are missing: run them one after another before you read the end.")
class NoBlocks(Read):
    def run(self, x_BLD):
        return x_BLD


@of("clip.text", "Only the first block is run: `return` or the rest stands inside the loop. Run all of them.")
class OneBlock(Read):
    def run(self, x_BLD):
        for block in self.blocks:
            return block(x_BLD)
        return x_BLD


@of(
    "clip.text",
    "Every block reads the embedded tokens, so only the last one counts. Each block reads what the one before gave.",
)
class BlocksInParallel(Read):
    def run(self, x_BLD):
        y_BLD = x_BLD
        for block in self.blocks:
            y_BLD = block(x_BLD)
        return y_BLD


@of("clip.text", "You added the input of each block once more. A block adds it itself: `x_BLD = block(x_BLD)`.")
class ResidualTwice(Read):
    def run(self, x_BLD):
        for block in self.blocks:
            x_BLD = x_BLD + block(x_BLD)
        return x_BLD


@of("clip.text", "The blocks run from the last to the first. Run them in the order of `self.blocks`.")
class BlocksBackwards(Read):
    def run(self, x_BLD):
        for block in reversed(self.blocks):
            x_BLD = block(x_BLD)
        return x_BLD


@of("clip.text", "`self.blocks` is a list of modules, not a module: run its blocks one after another in a loop.")
class BlocksCalledAtOnce(Read):
    def run(self, x_BLD):
        return self.blocks(x_BLD)


@of("clip.text", "The result is float32 whatever the weights are. Leave the dtype as it comes.")
class ResultToFloat32(Read):
    def forward(self, tokens_BL):
        return super().forward(tokens_BL).float()


@of(
    "clip.text",
    "Everything else is right. A text longer than the context has no positions for its last tokens: raise a "
    "`ValueError` first, which says so.",
)
class NoRefusal(Read):
    def look(self, tokens_BL):
        pass


@of(
    "clip.text",
    "Everything else is right. You cut long texts off, and with them their end. Raise a `ValueError`: whoever makes "
    "the tokens decides what to leave out.",
)
class LongTextsCut(Read):
    def forward(self, tokens_BL):
        return super().forward(tokens_BL[:, : len(self.positions)])


@of(
    "clip.text",
    "You refused a text that is exactly as long as the context. It has a position for every token: refuse longer ones "
    "alone, `>`, not `>=`.",
)
class RefusedTooEarly(Read):
    def look(self, tokens_BL):
        if tokens_BL.shape[1] >= len(self.positions):
            raise ValueError("too long")


@of(
    "clip.text",
    "You refused texts that are shorter than the context. They may be shorter: refuse longer ones alone, `>`, not `!=` "
    "or `<`.",
)
class RefusedShort(Read):
    def look(self, tokens_BL):
        if tokens_BL.shape[1] != len(self.positions):
            raise ValueError("not the context")


@of(
    "clip.text",
    "You refused every text, those that fit too. Raise the `ValueError` only where L is larger than "
    "`len(self.positions)`.",
)
class RefusedAll(Read):
    def look(self, tokens_BL):
        if tokens_BL.shape[1] <= len(self.positions):
            raise ValueError("too short")


@of(
    "clip.text",
    "Everything else is right. You refused with `assert`, which raises an `AssertionError`: write `if` and `raise "
    "ValueError(...)`.",
)
class RefusedByAssert(Read):
    def look(self, tokens_BL):
        assert tokens_BL.shape[1] <= len(self.positions), "too long"
