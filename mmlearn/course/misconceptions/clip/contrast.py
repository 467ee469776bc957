"""Scores, the loss, and the zero-shot classifier."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.models.clip import class_vectors
from mmlearn.nn.contrastive import Similarity, symmetric_loss

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


# --- clip.similarity --------------------------------------------------------------------------------------------------


class Steps(Similarity):
    """The scores in small steps, so that a misconception overrides one of them."""

    def direction(self, vectors):
        return F.normalize(vectors, dim=1)

    def scale(self):
        return self.log_scale.exp()

    def forward(self, image_BE, text_KE):
        return self.scale() * self.direction(image_BE) @ self.direction(text_KE).T


@of(
    "clip.similarity",
    "You multiplied by `self.log_scale`, which is a logarithm. The scale is its exponential: `self.log_scale.exp()`.",
)
class NotExponentiated(Steps):
    def scale(self):
        return self.log_scale


@of(
    "clip.similarity",
    "You divided by the scale. It is the reciprocal of a temperature, so multiply by it.",
)
class Divided(Steps):
    def scale(self):
        return 1 / self.log_scale.exp()


@of("clip.similarity", "The scale is missing: the scores are cosines, between -1 and 1. Multiply by the scale.")
class NoScale(Steps):
    def scale(self):
        return 1


@of(
    "clip.similarity",
    "You used a fixed temperature of 0.07. The scale is learned and only begins there: use `self.log_scale.exp()`.",
)
class FixedScale(Steps):
    def scale(self):
        return 1 / 0.07


@of("clip.similarity", "You took the logarithm of what is one already. The scale is `self.log_scale.exp()`.")
class LogarithmTwice(Steps):
    def scale(self):
        return self.log_scale.log()


@of(
    "clip.similarity",
    "The scale is cut off by `.item()`, `.data` or `detach`: it would never be learned. Use `self.log_scale.exp()`.",
)
class ScaleDetached(Steps):
    def scale(self):
        return self.log_scale.detach().exp()


@of(
    "clip.similarity",
    "The vectors are not brought to length 1, so long ones get high scores. Use `F.normalize(..., dim=1)` for both.",
)
class NotNormalised(Steps):
    def direction(self, vectors):
        return vectors


@of("clip.similarity", "The texts are not brought to length 1. A cosine needs both sides: normalise `text_KE` too.")
class ImagesNormalisedAlone(Steps):
    def forward(self, image_BE, text_KE):
        return self.scale() * self.direction(image_BE) @ text_KE.T


@of("clip.similarity", "The images are not brought to length 1. A cosine needs both sides: normalise `image_BE` too.")
class TextsNormalisedAlone(Steps):
    def forward(self, image_BE, text_KE):
        return self.scale() * image_BE @ self.direction(text_KE).T


@of(
    "clip.similarity",
    "You normalised over the batch, axis 0. Each vector is brought to length 1 by itself: over its E numbers, `dim=1`.",
)
class NormalisedOverTheBatch(Steps):
    def direction(self, vectors):
        return F.normalize(vectors, dim=0)


@of(
    "clip.similarity",
    "You divided by the length of all vectors together. Each one has a length of its own: `F.normalize(..., dim=1)`.",
)
class NormalisedTogether(Steps):
    def direction(self, vectors):
        return vectors / vectors.norm()


@of(
    "clip.similarity",
    "You divided by the sum of the absolute numbers. The length is the root of the sum of squares: `F.normalize(..., "
    "dim=1)`, without `p=1`.",
)
class NormalisedBySum(Steps):
    def direction(self, vectors):
        return F.normalize(vectors, p=1, dim=1)


@of(
    "clip.similarity",
    "You divided by the square of the length. Take its root, or let `F.normalize(..., dim=1)` do all of it.",
)
class NormalisedWithoutRoot(Steps):
    def direction(self, vectors):
        return vectors / vectors.square().sum(dim=1, keepdim=True)


LENGTHS_WITHOUT_AXIS = (
    "Your lengths have lost an axis: `norm(dim=1)` gives [B], which does not fit beside vectors [B, E]. Keep it, "
    "`norm(dim=1, keepdim=True)`, or use `F.normalize(..., dim=1)`."
)


@of("clip.similarity", LENGTHS_WITHOUT_AXIS)
class LengthsWithoutAxis(Steps):
    def direction(self, vectors):
        return vectors / vectors.norm(dim=1)


@of("clip.similarity", LENGTHS_WITHOUT_AXIS)
class LengthsWithoutAxisTextsFirst(LengthsWithoutAxis):
    def forward(self, image_BE, text_KE):
        text_KE = self.direction(text_KE)
        return self.scale() * self.direction(image_BE) @ text_KE.T


@of(
    "clip.similarity",
    "You multiplied the lengths of images and texts, [B] and [K], one by one. Each pair has its own product: bring "
    "both to length 1 before the matrix product, `F.normalize(..., dim=1)`.",
)
class LengthsOneByOne(Steps):
    def forward(self, image_BE, text_KE):
        return self.scale() * (image_BE @ text_KE.T) / (image_BE.norm(dim=1) * text_KE.norm(dim=1))


@of("clip.similarity", "You put a softmax over the vectors. It is their length that is to be 1: `F.normalize`.")
class SoftmaxedVectors(Steps):
    def direction(self, vectors):
        return vectors.softmax(dim=1)


@of("clip.similarity", "You put a softmax over the scores. The loss does that: return the scores themselves.")
class SoftmaxedScores(Steps):
    def forward(self, image_BE, text_KE):
        return super().forward(image_BE, text_KE).softmax(dim=1)


@of("clip.similarity", "Your scores have a row for each text. Images are the rows, [B, K]: `images @ texts.T`.")
class TextsAsRows(Steps):
    def forward(self, image_BE, text_KE):
        return super().forward(image_BE, text_KE).T


@of(
    "clip.similarity",
    "You compared each image with one text only, which needs as many texts as images. A matrix product compares all "
    "with all: `images @ texts.T`.",
)
class PairByPair(Steps):
    def forward(self, image_BE, text_KE):
        return self.scale() * F.cosine_similarity(image_BE, text_KE)


@of("clip.similarity", "`images @ texts` does not fit: both are [., E]. Turn the texts: `texts.T`.")
class TextsNotTurned(Steps):
    def forward(self, image_BE, text_KE):
        return self.scale() * self.direction(image_BE) @ self.direction(text_KE)


@of(
    "clip.similarity",
    "The texts are detached: only the image side would learn. Both sides learn in CLIP: leave `detach` out.",
)
class TextsDetached(Steps):
    def forward(self, image_BE, text_KE):
        return super().forward(image_BE, text_KE.detach())


@of(
    "clip.similarity",
    "The images are detached: only the text side would learn. Both sides learn in CLIP: leave `detach` out.",
)
class ImagesDetached(Steps):
    def forward(self, image_BE, text_KE):
        return super().forward(image_BE.detach(), text_KE)


@of("clip.similarity", "The result is float32 whatever the vectors were. Leave the dtype as it comes.")
class ResultToFloat32(Steps):
    def forward(self, image_BE, text_KE):
        return super().forward(image_BE, text_KE).float()


@of(
    "clip.similarity",
    "`clamp` bounds the logarithm by 100, so the scale may grow to the exponential of 100. The bound of the logarithm "
    "is `math.log(100)`.",
)
class LogarithmClampedAtHundred(Steps):
    def clamp(self):
        self.log_scale.data.clamp_(max=100)


@of(
    "clip.similarity",
    "`clamp` makes the scale at least 100. It should make it at most 100: `clamp_(max=math.log(100))`.",
)
class ClampedFromBelow(Steps):
    def clamp(self):
        self.log_scale.data.clamp_(min=math.log(100))


@of(
    "clip.similarity",
    "`clamp` also raises a scale below 1. Nothing bounds it from below: give `clamp_` the `max` alone.",
)
class ClampedOnBothSides(Steps):
    def clamp(self):
        self.log_scale.data.clamp_(0, math.log(100))


@of("clip.similarity", "`clamp` sets every scale to 100. Leave a smaller one as it is: `clamp_(max=math.log(100))`.")
class AlwaysTheLargest(Steps):
    def clamp(self):
        self.log_scale.data.fill_(math.log(100))


@of(
    "clip.similarity",
    "`clamp` changes nothing: it is empty, or it bounds a copy. Change the parameter in place: "
    "`self.log_scale.clamp_(max=math.log(100))`, with an underscore, under `with torch.no_grad():`.",
)
class NothingClamped(Steps):
    def clamp(self):
        self.log_scale.clamp(max=math.log(100))


@of(
    "clip.similarity",
    "Everything else is right. `forward` calls `clamp`, or bounds `self.log_scale` itself, so that whoever asks for "
    "scores changes the model. Leave that to `clamp`, which is called after each step of training.",
)
class ClampedByForward(Steps):
    def forward(self, image_BE, text_KE):
        self.clamp()
        return super().forward(image_BE, text_KE)


@of(
    "clip.similarity",
    "Everything else is right. `forward` bounds the scale, too. Beyond a bound no gradient comes back, so a scale "
    "above 100 would no longer learn: multiply by `self.log_scale.exp()`, and leave the bound to `clamp`.",
)
class BoundedInForward(Steps):
    def scale(self):
        return super().scale().clamp(max=100)


@of(
    "clip.similarity",
    "You bounded the scale in `forward`, and `clamp` changes nothing. Multiply by `self.log_scale.exp()` as it is, and "
    "let `clamp` bound the parameter in place: `self.log_scale.clamp_(max=math.log(100))` under `with "
    "torch.no_grad():`.",
)
class BoundedInForwardAlone(BoundedInForward):
    def clamp(self):
        pass


@of(
    "clip.similarity",
    "`clamp` makes a new parameter. The optimiser holds the old one, so this one would never be trained: change it in "
    "place, `clamp_`.",
)
class NewParameter(Steps):
    def clamp(self):
        self.log_scale = nn.Parameter(self.log_scale.detach().clamp(max=math.log(100)))


NO_PARAMETER = (
    "You assigned to `self.log_scale`, and torch lets only a parameter take a parameter's place. Change its numbers in "
    "place, `self.log_scale.clamp_(...)`, with an underscore, under `with torch.no_grad():`."
)


@of("clip.similarity", NO_PARAMETER)
class AssignedATensor(Steps):
    def clamp(self):
        self.log_scale = self.log_scale.clamp(max=math.log(100))


@of("clip.similarity", NO_PARAMETER)
class AssignedANumber(Steps):
    def clamp(self):
        self.log_scale = min(self.log_scale.item(), math.log(100))


@of("clip.similarity", NO_PARAMETER)
class AssignedATensorIfLarger(Steps):
    def clamp(self):
        if self.log_scale > math.log(100):
            self.log_scale = torch.tensor(math.log(100))


@of("clip.similarity", NO_PARAMETER)
class AssignedANumberIfLarger(Steps):
    def clamp(self):
        if self.log_scale > math.log(100):
            self.log_scale = math.log(100)


NUMBER_AS_DATA = (
    "`.data` takes a tensor, and you gave it a number. Change the numbers in place instead: "
    "`self.log_scale.clamp_(...)`, with an underscore, under `with torch.no_grad():`."
)


@of("clip.similarity", NUMBER_AS_DATA)
class NumberAsData(Steps):
    def clamp(self):
        self.log_scale.data = min(self.log_scale.item(), math.log(100))


@of("clip.similarity", NUMBER_AS_DATA)
class NumberAsDataIfLarger(Steps):
    def clamp(self):
        if self.log_scale > math.log(100):
            self.log_scale.data = math.log(100)


@of(
    "clip.similarity",
    "`self.log_scale` is no parameter any more: a plain number or tensor is never learned. Keep `__init__` as it was "
    "given, with its `nn.Parameter(...)`.",
)
class NoParameter(Steps):
    def __init__(self):
        nn.Module.__init__(self)
        self.log_scale = math.log(1 / 0.07)


UNDER_GRADIENT = (
    "A parameter that learns may not be changed in place while torch watches. Put the line under `with "
    "torch.no_grad():`."
)


@of("clip.similarity", UNDER_GRADIENT)
class ClampedUnderGradient(Steps):
    def clamp(self):
        self.log_scale.clamp_(max=math.log(100))


@of("clip.similarity", UNDER_GRADIENT)
class FilledUnderGradient(Steps):
    def clamp(self):
        if self.log_scale > math.log(100):
            self.log_scale.fill_(math.log(100))


@of("clip.similarity", "After `clamp` the scale no longer learns. Bound its numbers, and leave `requires_grad` alone.")
class FrozenByClamp(Steps):
    def clamp(self):
        self.log_scale.requires_grad_(False).clamp_(max=math.log(100))


@of(
    "clip.similarity",
    "You stored the scale itself in `self.log_scale`. It holds a logarithm: bound that by `math.log(100)`.",
)
class ScaleStored(Steps):
    def clamp(self):
        self.log_scale.data.exp_().clamp_(max=100)


# --- clip.loss --------------------------------------------------------------------------------------------------------


def square(scores_BB):
    """The refusal, and the partner of each."""
    if scores_BB.ndim != 2 or scores_BB.shape[0] != scores_BB.shape[1]:
        raise ValueError("not as many images as texts")
    return torch.arange(len(scores_BB))


def rows(scores_BB):
    return F.cross_entropy(scores_BB, square(scores_BB))


def columns(scores_BB):
    return rows(scores_BB.T)


@of(
    "clip.loss",
    "Only one direction counts: each image finds its text. Add the other, each text finds its image: the same with "
    "`scores_BB.T`.",
)
def images_find_texts(scores_BB):
    return rows(scores_BB)


@of(
    "clip.loss",
    "Only one direction counts: each text finds its image. Add the other, each image finds its text: the same without "
    "`.T`.",
)
def texts_find_images(scores_BB):
    return columns(scores_BB)


@of("clip.loss", "You added the two directions. Their mean is the loss: divide by 2.")
def both_added(scores_BB):
    return rows(scores_BB) + columns(scores_BB)


@of("clip.loss", "You added over the pairs. The loss is a mean over them: leave `reduction` as it is.")
def added_over_pairs(scores_BB):
    return (rows(scores_BB) + columns(scores_BB)) / 2 * len(scores_BB)


@of("clip.loss", "You returned one loss for each pair. Take their mean: the loss is one number.")
def one_for_each_pair(scores_BB):
    partner_B = square(scores_BB)
    both = [F.cross_entropy(scores, partner_B, reduction="none") for scores in (scores_BB, scores_BB.T)]
    return (both[0] + both[1]) / 2


@of(
    "clip.loss",
    "The sign is wrong: your loss falls when partners move apart. Turn it; `F.cross_entropy` has its minus already.",
)
def wrong_sign(scores_BB):
    return -(rows(scores_BB) + columns(scores_BB)) / 2


@of("clip.loss", "You took a softmax first, and `F.cross_entropy` takes one too. Give it the scores as they are.")
def softmax_twice(scores_BB):
    return (rows(scores_BB.softmax(dim=1)) + rows(scores_BB.T.softmax(dim=1))) / 2


@of(
    "clip.loss",
    "You took the softmax over all scores at once. Each row is a question of its own, and so is each column.",
)
def softmax_over_everything(scores_BB):
    square(scores_BB)
    return -scores_BB.flatten().log_softmax(dim=0).view_as(scores_BB).diagonal().mean()


@of("clip.loss", "The logarithm is missing: you took the mean of probabilities. The loss is minus their logarithm.")
def no_logarithm(scores_BB):
    square(scores_BB)
    both = scores_BB.softmax(dim=1).diagonal().mean() + scores_BB.softmax(dim=0).diagonal().mean()
    return -both / 2


@of(
    "clip.loss",
    "You took the scores of the partners alone. The loss compares them with the others of their row and column: a "
    "softmax belongs before it.",
)
def partners_alone(scores_BB):
    square(scores_BB)
    return -scores_BB.diagonal().mean()


@of("clip.loss", "Everybody's partner is number 0 in your code. The partner of row i is column i: `torch.arange(B)`.")
def all_to_the_first(scores_BB):
    partner_B = torch.zeros_like(square(scores_BB))
    return (F.cross_entropy(scores_BB, partner_B) + F.cross_entropy(scores_BB.T, partner_B)) / 2


@of(
    "clip.loss",
    "Your target is 1 for every text, so each image should find all of them. It is 1 on the diagonal alone: give the "
    "places, `torch.arange(B)`.",
)
def ones_as_targets(scores_BB):
    square(scores_BB)
    ones_BB = torch.ones_like(scores_BB)
    return (F.cross_entropy(scores_BB, ones_BB) + F.cross_entropy(scores_BB.T, ones_BB)) / 2


@of(
    "clip.loss",
    "You asked of each score by itself whether it is a pair, with a sigmoid. That is another loss; here a softmax "
    "compares a row, or a column, of scores.",
)
def sigmoids(scores_BB):
    return F.binary_cross_entropy_with_logits(scores_BB, torch.eye(len(square(scores_BB))).to(scores_BB))


@of(
    "clip.loss",
    "`exp` overflows for large scores. Use `F.cross_entropy` or `torch.log_softmax`, which subtract the largest score "
    "first.",
)
def overflowing(scores_BB):
    square(scores_BB)
    exps_BB = scores_BB.exp()
    rows_B, columns_B = (exps_BB.diagonal() / exps_BB.sum(dim=axis) for axis in (1, 0))
    return -(rows_B.log().mean() + columns_B.log().mean()) / 2


@of(
    "clip.loss",
    "A probability may round to 0, and the logarithm of that is minus infinity. Use `F.cross_entropy` or "
    "`torch.log_softmax`, which take softmax and logarithm in one.",
)
def logarithm_of_softmax(scores_BB):
    square(scores_BB)
    rows_B, columns_B = (scores_BB.softmax(dim=axis).diagonal() for axis in (1, 0))
    return -(rows_B.log().mean() + columns_B.log().mean()) / 2


@of(
    "clip.loss",
    "The loss is cut off from the scores: `.item()`, `detach` or `no_grad` stops the gradient. Leave it out.",
)
def detached_loss(scores_BB):
    return symmetric_loss(scores_BB).detach()


@of("clip.loss", "The columns are detached, so the model learns from one direction alone. Leave `detach` out.")
def columns_detached(scores_BB):
    return (rows(scores_BB) + columns(scores_BB).detach()) / 2


@of("clip.loss", "The loss is float32 whatever the scores were. Leave the dtype as it comes.")
def float32_loss(scores_BB):
    return symmetric_loss(scores_BB.float())


@of(
    "clip.loss",
    "Everything else is right. You take a matrix that is not square, which has no diagonal of partners. Compare its "
    "sides first, and raise a `ValueError`.",
)
def no_refusal(scores_BB):
    B = min(scores_BB.shape)
    partner_B = torch.arange(B)
    return (F.cross_entropy(scores_BB[:B], partner_B) + F.cross_entropy(scores_BB.T[:B], partner_B)) / 2


@of(
    "clip.loss",
    "Everything else is right. With more images than texts, torch's own error speaks of targets and tells nobody what "
    "is wrong: compare both sides first and raise a `ValueError`.",
)
def left_to_torch(scores_BB):
    partner_B = torch.arange(len(scores_BB))
    return (F.cross_entropy(scores_BB, partner_B) + F.cross_entropy(scores_BB.T, partner_B)) / 2


@of(
    "clip.loss",
    "Everything else is right. You refused with `assert`, which raises an `AssertionError`: write `if` and `raise "
    "ValueError(...)`.",
)
def refused_by_assert(scores_BB):
    assert scores_BB.shape[0] == scores_BB.shape[1], "not square"
    return symmetric_loss(scores_BB)


# --- clip.zero-shot ---------------------------------------------------------------------------------------------------


@of(
    "clip.zero-shot",
    "The mean of directions is shorter than 1. Bring it to length 1 again: `F.normalize(..., dim=1)`.",
)
def mean_not_normalised(texts_KWE):
    return F.normalize(texts_KWE, dim=2).mean(dim=1)


@of(
    "clip.zero-shot",
    "The texts were not brought to length 1 first, so long ones count more. Normalise over E before the mean: "
    "`F.normalize(..., dim=2)`.",
)
def texts_not_normalised(texts_KWE):
    return F.normalize(texts_KWE.mean(dim=1), dim=1)


@of(
    "clip.zero-shot",
    "Nothing is brought to length 1. `F.normalize` belongs in two places: over the texts before the mean, and over the "
    "mean.",
)
def plain_mean(texts_KWE):
    return texts_KWE.mean(dim=1)


@of(
    "clip.zero-shot",
    "You normalised over the wordings, axis 1, which is what `F.normalize` does unless told otherwise. The E numbers "
    "of a vector are axis 2: `dim=2`.",
)
def normalised_over_wordings(texts_KWE):
    return F.normalize(F.normalize(texts_KWE).mean(dim=1))


@of(
    "clip.zero-shot",
    "You normalised the means over the classes, axis 0. Each class vector is brought to length 1 by itself: `dim=1`.",
)
def normalised_over_classes(texts_KWE):
    return F.normalize(F.normalize(texts_KWE, dim=2).mean(dim=1), dim=0)


@of(
    "clip.zero-shot",
    "You divided by the length of all class vectors together. Each has a length of its own: `F.normalize(..., dim=1)`.",
)
def length_of_all(texts_KWE):
    mean_KE = F.normalize(texts_KWE, dim=2).mean(dim=1)
    return mean_KE / mean_KE.norm()


@of(
    "clip.zero-shot",
    "You took the mean over the classes, axis 0. Each class keeps its own: take it over the wordings, axis 1.",
)
def mean_over_classes(texts_KWE):
    return F.normalize(F.normalize(texts_KWE, dim=2).mean(dim=0), dim=1)


@of("clip.zero-shot", "You took the mean over E, the numbers of a vector. Take it over the wordings, axis 1.")
def mean_over_numbers(texts_KWE):
    return F.normalize(F.normalize(texts_KWE, dim=2).mean(dim=2), dim=1)


@of("clip.zero-shot", "The axis of the wordings is still there, with length 1. Leave `keepdim` out.")
def axis_kept(texts_KWE):
    return F.normalize(F.normalize(texts_KWE, dim=2).mean(dim=1, keepdim=True), dim=2)


@of("clip.zero-shot", "You took the first wording of each class. All of them count: take their mean.")
def first_wording(texts_KWE):
    return F.normalize(texts_KWE[:, 0], dim=1)


@of("clip.zero-shot", "You took the largest value over the wordings. Take their mean.")
def largest(texts_KWE):
    return F.normalize(F.normalize(texts_KWE, dim=2).amax(dim=1), dim=1)


@of(
    "clip.zero-shot",
    "You divided by the sum of the absolute numbers. The length is the root of the sum of squares: `F.normalize` "
    "without `p`.",
)
def by_the_sum(texts_KWE):
    return F.normalize(F.normalize(texts_KWE, p=1, dim=2).mean(dim=1), p=1, dim=1)


@of("clip.zero-shot", "The class vectors are cut off from the texts. Leave `.data`, `detach` and `no_grad` out.")
def detached_vectors(texts_KWE):
    return class_vectors(texts_KWE.detach())


@of("clip.zero-shot", "The result is float32 whatever the texts were. Keep their dtype.")
def float32_vectors(texts_KWE):
    return class_vectors(texts_KWE.float())
