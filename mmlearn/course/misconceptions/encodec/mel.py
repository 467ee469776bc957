"""Two norms of the difference of spectrograms."""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.nn.mel_loss import spectrogram_loss

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


class Steps:
    """The loss in small steps, so that a misconception overrides one of them."""

    def __call__(self, real, made, alpha=1.0):
        difference = made - real
        return self.sum(self.absolute(difference), self.squared(difference), alpha)

    def absolute(self, difference):
        return difference.abs().mean()

    def squared(self, difference):
        return difference.square().mean(dim=(1, 2)).sqrt().mean()

    def sum(self, absolute, squared, alpha):
        return absolute + alpha * squared


def misconception(sentence):
    """Register a class of steps as a function of its name."""

    def register(kind):
        def code(real, made, alpha=1.0):
            return kind()(real, made, alpha)

        code.__name__ = kind.__name__
        of("encodec.mel-loss", sentence)(code)
        return kind

    return register


@misconception("You left out the root. The second norm is the root of the mean of the squares, of each sound.")
class NoRoot(Steps):
    def squared(self, difference):
        return difference.square().mean()


@misconception(
    "You took one root, of the mean over all sounds. Take the root of each sound by itself, then the mean of the roots."
)
class OneRoot(Steps):
    def squared(self, difference):
        return difference.square().mean().sqrt()


@misconception(
    "You took the mean over the bins alone before the root. It is over bins and frames of a sound: `dim=(1, 2)`."
)
class RootOfEachFrame(Steps):
    def squared(self, difference):
        return difference.square().mean(dim=1).sqrt().mean()


@misconception(
    "You took the mean over the frames alone before the root. It is over bins and frames of a sound: `dim=(1, 2)`."
)
class RootOfEachBin(Steps):
    def squared(self, difference):
        return difference.square().mean(dim=2).sqrt().mean()


@misconception("You took the mean over the sounds before the root. It is over bins and frames: `dim=(1, 2)`.")
class RootOverSounds(Steps):
    def squared(self, difference):
        return difference.square().mean(dim=0).sqrt().mean()


@misconception(
    "You took the root of each number, which is its absolute value. First the mean of the squares of a sound, then the "
    "root."
)
class RootBeforeTheMean(Steps):
    def squared(self, difference):
        return difference.square().sqrt().mean()


SUMS = "You added up where a mean belongs: such a norm grows with the length of the sound. Take means."


@misconception(SUMS)
class BothSums(Steps):
    def absolute(self, difference):
        return difference.abs().sum()

    def squared(self, difference):
        return difference.square().sum().sqrt()


@misconception(SUMS)
class SumsOfEachSound(Steps):
    def absolute(self, difference):
        return difference.abs().sum(dim=(1, 2)).mean()

    def squared(self, difference):
        return difference.flatten(1).norm(dim=1).mean()


@misconception(
    "You added up the squares below the root. Take their mean over bins and frames: `.mean(dim=(1, 2)).sqrt()`."
)
class SumBelowTheRoot(Steps):
    def squared(self, difference):
        return difference.flatten(1).norm(dim=1).mean()


@misconception("You took the length of the whole difference for the second norm. It is the root of a mean, by sound.")
class LengthOfAll(Steps):
    def squared(self, difference):
        return difference.norm()


@misconception("You added up the absolute differences. The first norm is their mean.")
class SumOfAbsolutes(Steps):
    def absolute(self, difference):
        return difference.abs().sum()


@misconception("You added up the roots of the sounds. Take their mean.")
class SumOfRoots(Steps):
    def squared(self, difference):
        return difference.square().mean(dim=(1, 2)).sqrt().sum()


@misconception("You put alpha on the first norm. It is the weight of the second.")
class AlphaOnTheFirst(Steps):
    def sum(self, absolute, squared, alpha):
        return alpha * absolute + squared


@misconception("You put alpha on both norms. It is the weight of the second alone.")
class AlphaOnBoth(Steps):
    def sum(self, absolute, squared, alpha):
        return alpha * (absolute + squared)


@misconception("You mixed the norms by alpha and 1 - alpha. The first keeps its weight of 1.")
class AlphaAsAShare(Steps):
    def sum(self, absolute, squared, alpha):
        return (1 - alpha) * absolute + alpha * squared


@misconception("You left out alpha. It is the weight of the second norm.")
class AlphaIgnored(Steps):
    def sum(self, absolute, squared, alpha):
        return absolute + squared


@misconception("You divided by 1 + alpha. Equation 1 divides by how many there are, and here that is 1.")
class DividedByTheWeights(Steps):
    def sum(self, absolute, squared, alpha):
        return (absolute + alpha * squared) / (1 + alpha)


@misconception("You took the mean of the two norms. Add them, without a half.")
class HalfOfBoth(Steps):
    def sum(self, absolute, squared, alpha):
        return (absolute + alpha * squared) / 2


@misconception("You left out the second norm. Add alpha times the root of the mean of the squares.")
class FirstNormAlone(Steps):
    def sum(self, absolute, squared, alpha):
        return absolute


@misconception("You left out the first norm. Add the mean of the absolute differences.")
class SecondNormAlone(Steps):
    def sum(self, absolute, squared, alpha):
        return alpha * squared


SIGNS = "The signs cancel in your first norm: you took the mean of the differences. Take absolute values first."


@misconception(SIGNS)
class Signed(Steps):
    def absolute(self, difference):
        return difference.mean()


@misconception(SIGNS)
class AbsoluteOfTheMean(Steps):
    def absolute(self, difference):
        return difference.mean().abs()


@misconception("You took the standard deviation, which is blind to the mean. Take the root of the mean of the squares.")
class StandardDeviation(Steps):
    def squared(self, difference):
        return difference.flatten(1).std(dim=1, correction=0).mean()


@misconception("You took the median of the absolute differences. Take their mean.")
class Median(Steps):
    def absolute(self, difference):
        return difference.abs().median()


@misconception("You returned one number for each sound. Take the mean over the sounds.")
class OneForEachSound(Steps):
    def absolute(self, difference):
        return difference.abs().mean(dim=(1, 2))

    def squared(self, difference):
        return difference.square().mean(dim=(1, 2)).sqrt()


@misconception("You left out the mean over the roots of the sounds: the loss is one number.")
class RootsLeftApart(Steps):
    def squared(self, difference):
        return difference.square().mean(dim=(1, 2)).sqrt()


@misconception("You compared logarithms. The spectrograms come as they should be compared: take their difference.")
class Logarithms(Steps):
    def __call__(self, real, made, alpha=1.0):
        return super().__call__(real.abs().clamp(min=1e-5).log(), made.abs().clamp(min=1e-5).log(), alpha)


@misconception("You added the spectrograms. Take their difference.")
class Added(Steps):
    def __call__(self, real, made, alpha=1.0):
        return super().__call__(-real, made, alpha)


@misconception("You used a smooth absolute value, which is square near zero. Take `.abs()`.")
class Smooth(Steps):
    def absolute(self, difference):
        return F.smooth_l1_loss(difference, torch.zeros_like(difference))


@misconception("You cut the loss off, by `detach`, `no_grad` or `torch.tensor`. What was made needs its gradient.")
class Detached(Steps):
    def __call__(self, real, made, alpha=1.0):
        return super().__call__(real, made, alpha).detach()


@misconception("You detached what was made: the codec would learn nothing. Leave that out.")
class MadeDetached(Steps):
    def __call__(self, real, made, alpha=1.0):
        return super().__call__(real.clone().requires_grad_(), made.detach(), alpha)


@misconception("You made a Python number, by `.item()` or `float`. Keep the tensor: it carries the gradient.")
class PythonNumber(Steps):
    def __call__(self, real, made, alpha=1.0):
        return super().__call__(real, made, alpha).item()


@of("encodec.mel-loss", "You made the loss float32, whatever the spectrograms were. Leave the dtype as it comes.")
def float32_loss(real, made, alpha=1.0):
    return spectrogram_loss(real, made, alpha).float()


@of("encodec.mel-loss", "Everything else is right. Unless told otherwise alpha is 1: write `alpha: float = 1.0`.")
def no_default(real, made, alpha):
    return spectrogram_loss(real, made, alpha)


@misconception("You divided the length by M F, and its root belongs there. Take the mean before the root.")
class LengthByTheNumber(Steps):
    def squared(self, difference):
        return (difference.flatten(1).norm(dim=1) / difference[0].numel()).mean()


@misconception("You put alpha below the root. It is the weight of the root.")
class AlphaBelowTheRoot(Steps):
    def sum(self, absolute, squared, alpha):
        return absolute + alpha**0.5 * squared


@misconception("You took the root of both terms. It is that of the squares alone.")
class RootOfBoth(Steps):
    def __call__(self, real, made, alpha=1.0):
        difference = made - real
        return (difference.abs().mean(dim=(1, 2)) + alpha * difference.square().mean(dim=(1, 2))).sqrt().mean()


@misconception("You took the length of each frame. Take the root of the mean over bins and frames: `dim=(1, 2)`.")
class LengthOfEachFrame(Steps):
    def squared(self, difference):
        return difference.norm(dim=1).mean()
