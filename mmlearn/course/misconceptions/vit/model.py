"""The encoder and the whole model."""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.models.vit import Encoder, ViT
from mmlearn.nn.patches import patchify

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


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


@of(
    "vit.encoder",
    "`self.class_token.data`, or `detach`, takes the numbers and leaves the gradient behind: the class token would "
    "never learn. Use `self.class_token` itself.",
)
class ClassTokenByData(Encoder):
    def embed(self, patches_BND):
        class_B1D = self.class_token.data.expand(len(patches_BND), -1, -1)
        return torch.cat([class_B1D, patches_BND], dim=1) + self.positions


@of(
    "vit.encoder",
    "The positions are cut off by `detach` or `.data`: they would stay as random as they began. Add `self.positions` "
    "itself.",
)
class PositionsDetached(Encoder):
    def embed(self, patches_BND):
        class_B1D = self.class_token.expand(len(patches_BND), -1, -1)
        return torch.cat([class_B1D, patches_BND], dim=1) + self.positions.detach()


@of("vit.encoder", "The patches go through float32, whatever they are. Leave the dtype as it comes.")
class PatchesToFloat32(Encoder):
    def embed(self, patches_BND):
        return super().embed(patches_BND.float())


@of(
    "vit.encoder",
    "The patches get their positions twice, before the joining and after it. After it is enough: `self.positions` has "
    "a row for every token.",
)
class PatchPositionsTwice(Encoder):
    def embed(self, patches_BND):
        return super().embed(patches_BND + self.positions[:, 1:])


@of("vit.encoder", "`embed` adds the positions twice. Equation 1 adds them once.")
class AllPositionsTwice(Encoder):
    def embed(self, patches_BND):
        return super().embed(patches_BND) + self.positions


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
    "You added each block's input to its output. The block does that already, in both of its halves: "
    "`x_BTD = block(x_BTD)`.",
)
class ResidualAroundBlocks(Encoder):
    def forward(self, patches_BND):
        x_BTD = self.embed(patches_BND)
        for block in self.blocks:
            x_BTD = x_BTD + block(x_BTD)
        return self.norm(x_BTD)


@of("vit.encoder", "`forward` adds the positions again. `embed` has added them.")
class PositionsAgain(Encoder):
    def forward(self, patches_BND):
        x_BTD = self.embed(patches_BND) + self.positions
        for block in self.blocks:
            x_BTD = block(x_BTD)
        return self.norm(x_BTD)


@of("vit.encoder", "Every block adds the positions again. Equation 1 adds them once, in `embed`.")
class PositionsInEveryBlock(Encoder):
    def forward(self, patches_BND):
        x_BTD = self.embed(patches_BND)
        for block in self.blocks:
            x_BTD = block(x_BTD + self.positions)
        return self.norm(x_BTD)


@of("vit.encoder", "The blocks add the positions, each one anew. Equation 1 adds them once, in `embed`.")
class PositionsInBlocksAlone(PositionsInEveryBlock):
    def embed(self, patches_BND):
        return torch.cat([self.class_token.expand(len(patches_BND), -1, -1), patches_BND], dim=1)


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


# --- vit.model --------------------------------------------------------------------------------------------------------


@of(
    "vit.model",
    "`features` is the mean of all tokens. Some models read that, but this one reads the class token alone: `[:, 0]`.",
)
class MeanOfAllTokens(ViT):
    def features(self, images_BCYX):
        return self.encoder(self.project(images_BCYX)).mean(dim=1)


@of(
    "vit.model",
    "`features` is the mean of the patches, without the class token. Some models read that, but here the class token "
    "has done the collecting: `[:, 0]`.",
)
class MeanOfPatches(ViT):
    def features(self, images_BCYX):
        return self.encoder(self.project(images_BCYX))[:, 1:].mean(dim=1)


@of("vit.model", "You took the last token, as one does in a language model. The class token comes first: `[:, 0]`.")
class LastToken(ViT):
    def features(self, images_BCYX):
        return self.encoder(self.project(images_BCYX))[:, -1]


@of("vit.model", "You took token 1, the first patch. The class token stands before it: `[:, 0]`.")
class FirstPatch(ViT):
    def features(self, images_BCYX):
        return self.encoder(self.project(images_BCYX))[:, 1]


@of("vit.model", "`features` returns all tokens, [B, 1 + N, D]. It is one vector for each image: `[:, 0]`.")
class AllTokens(ViT):
    def features(self, images_BCYX):
        return self.encoder(self.project(images_BCYX))


@of("vit.model", "The token axis is still there, with length 1. Index with `0`, not with the slice `:1`.")
class KeptTokenAxis(ViT):
    def features(self, images_BCYX):
        return self.encoder(self.project(images_BCYX))[:, :1]


@of("vit.model", "`[0]` takes all tokens of the first image. You want the first token of every image: `[:, 0]`.")
class FirstImage(ViT):
    def features(self, images_BCYX):
        return self.encoder(self.project(images_BCYX))[0]


@of("vit.model", "You took the first number of every token. The tokens are axis 1: `[:, 0]`.")
class FirstNumberOfTokens(ViT):
    def features(self, images_BCYX):
        return self.encoder(self.project(images_BCYX))[..., 0]


@of(
    "vit.model",
    "The encoder is left out: your features are a projected patch, and no patch has seen another one. Run "
    "`self.encoder` on the projected patches.",
)
class NoEncoder(ViT):
    def features(self, images_BCYX):
        return self.project(images_BCYX)[:, 0]


@of(
    "vit.model",
    "The encoder reads projected patches of D numbers, and you gave it bare ones of F numbers. Call "
    "`self.projection(images_BCYX)`; it cuts the image too.",
)
class NoProjection(ViT):
    def features(self, images_BCYX):
        self.project(images_BCYX)  # for the look at the size
        return self.encoder(patchify(images_BCYX, self.config.patch_size))[:, 0]


@of(
    "vit.model",
    "You ran the blocks on the bare patches: no class token, no positions. Call `self.encoder`, which begins with "
    "`embed`.",
)
class NothingEmbedded(ViT):
    def features(self, images_BCYX):
        x_BND = self.project(images_BCYX)
        for block in self.encoder.blocks:
            x_BND = block(x_BND)
        return self.encoder.norm(x_BND)[:, 0]


@of("vit.model", "You ran the blocks yourself and left out the last norm. Call `self.encoder`, which does it all.")
class NoLastNorm(ViT):
    def features(self, images_BCYX):
        x_BTD = self.encoder.embed(self.project(images_BCYX))
        for block in self.encoder.blocks:
            x_BTD = block(x_BTD)
        return x_BTD[:, 0]


@of("vit.model", "You normalised twice: the encoder's `forward` already ends with the norm.")
class NormTwice(ViT):
    def features(self, images_BCYX):
        return self.encoder.norm(self.encoder(self.project(images_BCYX)))[:, 0]


@of("vit.model", "`features` returns scores. It stops before the head, so that others can use what the model saw.")
class ScoresAsFeatures(ViT):
    def features(self, images_BCYX):
        return self.head(super().features(images_BCYX))

    def forward(self, images_BCYX):
        return self.features(images_BCYX)


@of("vit.model", "The head runs twice, in `features` and in `forward`. `features` stops before it.")
class HeadTwice(ViT):
    def features(self, images_BCYX):
        return self.head(super().features(images_BCYX))


@of("vit.model", "`forward` returns the features. The head makes scores of them: `self.head(...)`.")
class FeaturesAsScores(ViT):
    def forward(self, images_BCYX):
        return self.features(images_BCYX)


@of("vit.model", "`forward` scores every token. The head reads the class token alone: give it `features`.")
class HeadOnAllTokens(ViT):
    def forward(self, images_BCYX):
        return self.head(self.encoder(self.project(images_BCYX)))


@of(
    "vit.model",
    "`forward` ends with a softmax. Return the scores as they are: `F.cross_entropy` takes the softmax itself, and "
    "twice is once too often.",
)
class Softmax(ViT):
    def forward(self, images_BCYX):
        return super().forward(images_BCYX).softmax(dim=-1)


@of(
    "vit.model",
    "`forward` ends with a logarithm of the softmax. Return the scores as they are: `F.cross_entropy` does both.",
)
class LogSoftmax(ViT):
    def forward(self, images_BCYX):
        return super().forward(images_BCYX).log_softmax(dim=-1)


@of(
    "vit.model",
    "`forward` returns the number of the best class. Return the scores; nothing can be learned from a number.",
)
class BestClass(ViT):
    def forward(self, images_BCYX):
        return super().forward(images_BCYX).argmax(dim=-1)


@of("vit.model", "`features` runs under `no_grad`, or detaches: all but the head would stay as it began.")
class FrozenFeatures(ViT):
    @torch.no_grad()
    def features(self, images_BCYX):
        return super().features(images_BCYX)


@of("vit.model", "`forward` detaches the features: only the head would learn.")
class DetachedBeforeHead(ViT):
    def forward(self, images_BCYX):
        return self.head(self.features(images_BCYX).detach())


@of(
    "vit.model",
    "You read the head's weight through `detach` or `.data`: it would stay as random as it began. Call "
    "`self.head(...)`.",
)
class HeadDetached(ViT):
    def forward(self, images_BCYX):
        return F.linear(self.features(images_BCYX), self.head.weight.detach(), self.head.bias)


@of("vit.model", "The images become float32, whatever the weights are. Leave the dtype as it comes.")
class ImagesToFloat32(ViT):
    def features(self, images_BCYX):
        return super().features(images_BCYX.float())


@of(
    "vit.model",
    "Nothing looks at the size of the images. One that lies on its side has as many patches, so it goes through and "
    "gets the positions of other places. Raise a `ValueError` first.",
)
class NoSizeCheck(ViT):
    def project(self, images_BCYX):
        return self.projection(images_BCYX)


@of("vit.model", "You compare the rows and columns, not the channels. `images_BCYX.shape[1:]` holds all three.")
class ChannelsNotChecked(ViT):
    def project(self, images_BCYX):
        if images_BCYX.shape[2:] != self.config.image_size:
            raise ValueError(f"expected {self.config.image_size}, got {tuple(images_BCYX.shape[2:])}")
        return self.projection(images_BCYX)


@of(
    "vit.model",
    "You compare how many patches there are. An image on its side has as many, in other places: compare rows with "
    "rows and columns with columns.",
)
class OnlyPatchesCounted(ViT):
    def project(self, images_BCYX):
        patches_BND = self.projection(images_BCYX)
        if patches_BND.shape[1] + 1 != self.encoder.positions.shape[1]:
            raise ValueError(f"expected {self.config.image_size}, got {tuple(images_BCYX.shape[2:])}")
        return patches_BND


@of(
    "vit.model",
    "Your `ValueError` does not say what is wrong. Put the size that was expected and the one that came into its "
    "message.",
)
class SilentRefusal(ViT):
    def project(self, images_BCYX):
        if images_BCYX.shape[1:] != (self.config.channels, *self.config.image_size):
            raise ValueError
        return self.projection(images_BCYX)


@of(
    "vit.model",
    "`assert` raises an AssertionError, and Python can be told to skip it. For bad input, `raise ValueError(...)`.",
)
class Asserted(ViT):
    def project(self, images_BCYX):
        assert images_BCYX.shape[1:] == (self.config.channels, *self.config.image_size)
        return self.projection(images_BCYX)


@of("vit.model", "Only `forward` looks at the size. Put it into `features`: `forward` calls that, and so do others.")
class CheckedInForwardAlone(ViT):
    def project(self, images_BCYX):
        return self.projection(images_BCYX)

    def forward(self, images_BCYX):
        super().project(images_BCYX)
        return super().forward(images_BCYX)
