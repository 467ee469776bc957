"""The trunk that reads any signal."""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.models.imagebind import SignalTrunk

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


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
    "You put the class token at the end, and read the first row, a patch. Put it in front: first in `torch.cat`.",
)
class ClassTokenLast(Steps):
    def join(self, patches_BND):
        return torch.cat([patches_BND, self.first(patches_BND)], dim=1)


@of(
    "imagebind.trunk",
    "You put the class token at the end, so every token has another one's position. Put it in front, and read row 0.",
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
    "You added 1 + N positions to N patches. Join the class token in front of the patches first, along `dim=1`, then "
    "add.",
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


@of("imagebind.trunk", "You joined one class token, and there are B signals. Give one to each: `expand(B, 1, -1)`.")
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


@of("imagebind.trunk", "You left the class token out and read the first patch. Join it in front of the patches.")
class NoClassToken(Steps):
    def join(self, patches_BND):
        return patches_BND

    def place(self, x_BLD):
        return self.norm_before(x_BLD + self.positions[1:])


MEAN_OF_PATCHES = "You took the mean over the patches. Take the class token instead, which has read them: `[:, 0]`."
MEAN_OF_TOKENS = "You took the mean over all tokens. Take the class token alone, which has read the others: `[:, 0]`."


@of("imagebind.trunk", MEAN_OF_PATCHES)
class MeanOverPatches(Steps):
    def pick(self, x_BLD):
        return x_BLD[:, 1:].mean(dim=1)


@of("imagebind.trunk", MEAN_OF_PATCHES)
class MeanOverNormedPatches(Steps):
    def pick(self, x_BLD):
        return x_BLD[:, 1:]

    def end(self, x_BND):
        return super().end(x_BND).mean(dim=1)


@of("imagebind.trunk", MEAN_OF_TOKENS)
class MeanOverTokens(Steps):
    def pick(self, x_BLD):
        return x_BLD.mean(dim=1)


@of("imagebind.trunk", MEAN_OF_TOKENS)
class MeanOverNormedTokens(Steps):
    def pick(self, x_BLD):
        return x_BLD

    def end(self, x_BLD):
        return super().end(x_BLD).mean(dim=1)


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


@of("imagebind.trunk", "You left out `self.stem_norm`. Call it on the patches, before the class token is joined.")
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


@of(
    "imagebind.trunk", "You left out `self.norm_before`. Call it after the positions are added, before the first block."
)
class NoNormBefore(Steps):
    def place(self, x_BLD):
        return x_BLD + self.positions


@of(
    "imagebind.trunk",
    "You left out both norms before the blocks. Call `self.stem_norm` on the patches, `self.norm_before` on the sum.",
)
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


NORM_BEFORE_AT_THE_END = (
    "You called `self.norm_before` at the end. Call it before the first block, on the sum of tokens and positions; "
    "`self.norm` alone stands at the end."
)


@of("imagebind.trunk", NORM_BEFORE_AT_THE_END)
class NormBeforeAfterBlocks(NoNormBefore):
    def end(self, x_BD):
        return self.projection(self.norm(self.norm_before(x_BD)))


@of("imagebind.trunk", NORM_BEFORE_AT_THE_END)
class NormBeforeAfterNorm(NoNormBefore):
    def end(self, x_BD):
        return self.projection(self.norm_before(self.norm(x_BD)))


@of("imagebind.trunk", NORM_BEFORE_AT_THE_END)
class NormBeforeInPlaceOfNorm(NoNormBefore):
    def end(self, x_BD):
        return self.projection(self.norm_before(x_BD))


@of("imagebind.trunk", NORM_BEFORE_AT_THE_END)
class NormBeforeAfterProjection(NoNormBefore):
    def end(self, x_BD):
        return self.norm_before(super().end(x_BD))


@of("imagebind.trunk", NORM_BEFORE_AT_THE_END)
class NormBeforeAgainAtTheEnd(Steps):
    def end(self, x_BD):
        return self.projection(self.norm(self.norm_before(x_BD)))


@of("imagebind.trunk", "You swapped two norms: `self.norm_before` follows the positions, `self.norm` the blocks.")
class NormBeforeAndNormSwapped(Steps):
    def place(self, x_BLD):
        return self.norm(x_BLD + self.positions)

    def end(self, x_BD):
        return self.projection(self.norm_before(x_BD))


@of("imagebind.trunk", "You left out `self.norm`. Call it on the class token's row, before the projection.")
class NoNorm(Steps):
    def end(self, x_BD):
        return self.projection(x_BD)


@of("imagebind.trunk", "You called `self.norm` after the projection. Call it before: it norms D numbers.")
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


@of(
    "imagebind.trunk",
    "You left out the projection: your vectors have D numbers. Call `self.projection`, which makes E of them.",
)
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


@of(
    "imagebind.trunk",
    "Your blocks have no effect: you left them out, or dropped what they return. Keep it in the loop: `x_BLD = "
    "block(x_BLD)`.",
)
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
    "imagebind.trunk",
    "You gave every block the same tokens, so only the last one counts. Give each what the one before returned: `x_BLD "
    "= block(x_BLD)`.",
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


@of("imagebind.trunk", "You never ran the last block. Go through all of `self.blocks`, and return after the loop.")
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


@of(
    "imagebind.trunk",
    "You cut the patches off from the signals, and from the stem: something detached them. Leave that out.",
)
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
    "You asked for four axes, and refused a series, which has three. Compare `signals.shape[1:]` with `self.size`.",
)
class FourAxesDemanded(Steps):
    def look(self, signals):
        super().look(signals)
        if signals.ndim != 4:
            raise ValueError("not four axes")


@of(
    "imagebind.trunk",
    "Everything else is right. Signals of another size must be refused: raise a `ValueError` where `signals.shape[1:] "
    "!= self.size`.",
)
class NoRefusal(Steps):
    def look(self, signals):
        pass


@of(
    "imagebind.trunk",
    "You refused every signal: you compared the batch too, or a list with a tuple, or by `is not`. Raise the error "
    "where `signals.shape[1:] != self.size`.",
)
class BatchCompared(Steps):
    def look(self, signals):
        if signals.shape != self.size:
            raise ValueError("another size")


@of("imagebind.trunk", "Everything else is right. You left the channels out: compare all of `signals.shape[1:]`.")
class ChannelsNotCompared(Steps):
    def look(self, signals):
        if signals.shape[2:] != self.size[1:]:
            raise ValueError("another size")


@of(
    "imagebind.trunk",
    "Everything else is right. You counted patches or numbers, and a spectrogram on its side has as many. Compare the "
    "sides: `signals.shape[1:]`.",
)
class CountsCompared(Steps):
    def look(self, signals):
        if signals.ndim != 1 + len(self.size) or signals[0].numel() != self.positions.new_empty(self.size).numel():
            raise ValueError("another size")


@of(
    "imagebind.trunk",
    "Everything else is right. You compared the last axes, so a signal without a batch passes. Compare "
    "`signals.shape[1:]`.",
)
class LastAxesCompared(Steps):
    def look(self, signals):
        if signals.shape[-len(self.size) :] != self.size:
            raise ValueError("another size")
