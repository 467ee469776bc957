"""Real or made?"""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.models.encodec_losses import discriminator_loss

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


class Discriminator:
    """The loss in small steps, so that a misconception overrides one of them."""

    def __call__(self, real, made):
        return self.over([self.one(r, m) for r, m in zip(real, made, strict=True)])

    def one(self, r, m):
        return self.real(r) + self.made(m)

    def real(self, r):
        return self.mean(1 - r)

    def made(self, m):
        return self.mean(1 + m)

    def mean(self, margins):
        return F.relu(margins).mean()

    def over(self, losses):
        return torch.stack(losses).mean()


def misconception(sentence):
    """Register a class of steps as a function of its name."""

    def register(kind):
        def code(real, made):
            return kind()(real, made)

        code.__name__ = kind.__name__
        of("encodec.discriminator", sentence)(code)
        return kind

    return register


@misconception("You exchanged the signs. A real sound should score high, 1 - D(x), and a made one low, 1 + D(x̂).")
class SignsExchanged(Discriminator):
    def one(self, r, m):
        return self.mean(1 + r) + self.mean(1 - m)


@misconception("You asked made sounds for high scores too. The discriminator wants them low: `1 + m`.")
class MadeShouldBeHigh(Discriminator):
    def made(self, m):
        return self.mean(1 - m)


@misconception("You asked real sounds for low scores. The discriminator wants them high: `1 - r`.")
class RealShouldBeLow(Discriminator):
    def real(self, r):
        return self.mean(1 + r)


@misconception("You left out the hinge: scores beyond the margin are rewarded without end. Take `F.relu` of each.")
class NoHinge(Discriminator):
    def mean(self, margins):
        return margins.mean()


@misconception("You took the hinge of the mean, where scores cancel. Take `F.relu` of each score, then the mean.")
class HingeOfTheMean(Discriminator):
    def mean(self, margins):
        return F.relu(margins.mean())


@misconception("You took the hinge of both terms together. Each has its own.")
class HingeOfBoth(Discriminator):
    def one(self, r, m):
        return F.relu((1 - r).mean() + (1 + m).mean())


@misconception("You left out the margin of 1: a score just above zero is not enough. Write `F.relu(1 - r)`.")
class NoMargin(Discriminator):
    def one(self, r, m):
        return self.mean(-r) + self.mean(m)


@misconception("You took absolute values. What is beyond the margin costs nothing: `F.relu`.")
class Absolute(Discriminator):
    def mean(self, margins):
        return margins.abs().mean()


@misconception("You squared the hinge. Take it as it is.")
class Squared(Discriminator):
    def mean(self, margins):
        return F.relu(margins).square().mean()


@misconception("You took squares, as least-squares discriminators do. Here it is a hinge: `F.relu(1 - r)`.")
class LeastSquares(Discriminator):
    def mean(self, margins):
        return margins.square().mean()


@misconception("You took squares to the targets 1 and 0. Here it is a hinge: `F.relu(1 - r)` and `F.relu(1 + m)`.")
class LeastSquaresToZero(Discriminator):
    def real(self, r):
        return (1 - r).square().mean()

    def made(self, m):
        return m.square().mean()


@misconception("You took the cross-entropy of a sigmoid. Here it is a hinge: `F.relu(1 - r)` and `F.relu(1 + m)`.")
class CrossEntropy(Discriminator):
    def real(self, r):
        return F.softplus(-r).mean()

    def made(self, m):
        return F.softplus(m).mean()


@misconception("You took a smooth hinge, `softplus`. Take `F.relu`.")
class SmoothHinge(Discriminator):
    def mean(self, margins):
        return F.softplus(margins).mean()


@misconception("You held scores between 0 and 1. Only what is beyond the margin is cut, at 0: `F.relu`.")
class CutAtOne(Discriminator):
    def mean(self, margins):
        return margins.clamp(0, 1).mean()


@misconception("You took `min` for `max`: the hinge keeps what is above 0.")
class Minimum(Discriminator):
    def mean(self, margins):
        return margins.clamp(max=0).mean()


@misconception("You left out the real sounds. Add `F.relu(1 - r).mean()`.")
class MadeAlone(Discriminator):
    def one(self, r, m):
        return self.made(m)


@misconception("You left out the made sounds. Add `F.relu(1 + m).mean()`.")
class RealAlone(Discriminator):
    def one(self, r, m):
        return self.real(r)


@misconception(
    "You wrote the codec's loss. The discriminator's is of real sounds, 1 - D(x), and of made ones, 1 + D(x̂)."
)
class LossOfTheCodec(Discriminator):
    def one(self, r, m):
        return self.mean(1 - m)


@misconception("You took the second term from the first. Add the two.")
class Difference(Discriminator):
    def one(self, r, m):
        return self.real(r) - self.made(m)


@misconception("You halved the sum of both terms. Add them, without a half.")
class Halved(Discriminator):
    def one(self, r, m):
        return (self.real(r) + self.made(m)) / 2


@misconception(
    "You took one mean over the scores of all discriminators, so those with many count more. Take the mean of each, "
    "then the mean over them."
)
class ScoresJoined(Discriminator):
    def __call__(self, real, made):
        r, m = (torch.cat([scores.flatten() for scores in both]) for both in (real, made))
        return self.one(r, m)


@misconception("You added up over the discriminators. Take the mean over them: 1/K.")
class SumOverDiscriminators(Discriminator):
    def over(self, losses):
        return sum(losses)


@misconception("You added up over the scores. Each max is a mean over them.")
class SumOverScores(Discriminator):
    def mean(self, margins):
        return F.relu(margins).sum()


@misconception("You added up over scores and discriminators. Take means over both.")
class SumOverAll(Discriminator):
    def mean(self, margins):
        return F.relu(margins).sum()

    def over(self, losses):
        return sum(losses)


@misconception("You added up over the scores of a sound. Each max is a mean over all scores.")
class SumOverTheScoresOfASound(Discriminator):
    def mean(self, margins):
        return F.relu(margins).flatten(1).sum(dim=1).mean()


@misconception("You gave the last discriminator's loss alone. Take the mean over all of them.")
class LastAlone(Discriminator):
    def over(self, losses):
        return losses[-1]


@misconception("You gave the first discriminator's loss alone: `return` stands inside the loop.")
class FirstAlone(Discriminator):
    def over(self, losses):
        return losses[0]


@misconception("You divided the last loss alone by K: `=` stands where `+=` belongs.")
class LastDivided(Discriminator):
    def over(self, losses):
        return losses[-1] / len(losses)


@misconception("You divided the real terms alone by K. Take the mean over the discriminators of both.")
class HalfDivided(Discriminator):
    def __call__(self, real, made):
        return sum(map(self.real, real)) / len(real) + sum(map(self.made, made))


@misconception("You divided by 2 K, the number of all tensors. There are K discriminators.")
class DividedTwice(Discriminator):
    def over(self, losses):
        return torch.stack(losses).mean() / 2 if len(losses) > 1 else losses[0]


@misconception("You returned one loss for each discriminator. Take their mean.")
class OneForEach(Discriminator):
    def over(self, losses):
        return torch.stack(losses)


@misconception("You returned a list of losses. Take their mean: `torch.stack(losses).mean()`.")
class ListOfLosses(Discriminator):
    def over(self, losses):
        return losses


@misconception("You turned the sign of the whole loss. It falls as the discriminators improve: leave it positive.")
class Negative(Discriminator):
    def over(self, losses):
        return -torch.stack(losses).mean()


@misconception("You detached the scores, or the loss: the discriminators would learn nothing. Leave that out.")
class Detached(Discriminator):
    def over(self, losses):
        return torch.stack(losses).mean().detach()


@misconception("You detached the scores of made sounds. What must not learn is the codec, not the discriminator.")
class MadeDetached(Discriminator):
    def made(self, m):
        return self.mean(1 + m.detach())


@misconception("You detached the scores of real sounds. The discriminator learns from them: leave that out.")
class RealDetached(Discriminator):
    def real(self, r):
        return self.mean(1 - r.detach())


@misconception("You made a new tensor of the losses, by `torch.tensor`, or numbers: `torch.stack` keeps the gradient.")
class PythonNumber(Discriminator):
    def over(self, losses):
        return torch.stack(losses).mean().item()


@of("encodec.discriminator", "You made the loss float32, whatever the scores were. Leave the dtype as it comes.")
def float32_loss(real, made):
    return discriminator_loss(real, made).float()


@misconception("You charged what is beyond the margin. What falls short of it costs: `F.relu(1 - r)`.")
class BeyondCosts(Discriminator):
    def real(self, r):
        return F.relu(r - 1).mean()

    def made(self, m):
        return F.relu(-1 - m).mean()


@misconception("You took the difference of mean scores. Each score has its hinge: `F.relu(1 - r)` and `F.relu(1 + m)`.")
class DifferenceOfMeans(Discriminator):
    def one(self, r, m):
        return m.mean() - r.mean()


@misconception("You took one hinge, of the difference of mean scores. Each score has its own, real and made.")
class HingeOfTheDifference(Discriminator):
    def one(self, r, m):
        return F.relu(1 - r.mean() + m.mean())


@misconception("You took the worst score of all. Each max is of 0 and one margin, `F.relu`; then comes the mean.")
class WorstScore(Discriminator):
    def mean(self, margins):
        return F.relu(margins.max())


@misconception("You took the hinge of the score alone. The margin stands inside: `F.relu(1 - r)`.")
class HingeInside(Discriminator):
    def real(self, r):
        return 1 - F.relu(r).mean()

    def made(self, m):
        return 1 + F.relu(m).mean()
