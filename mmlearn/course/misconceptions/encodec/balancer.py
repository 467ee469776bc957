"""A balance of losses."""

import torch

from mmlearn.course.misconceptions import Collection

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


class Steps:
    """Equation 5 in small steps, so that a misconception overrides one of them."""

    def __call__(self, gradients, lengths, weights, norm=1.0):
        terms = [
            self.share(weight, weights, norm) * self.scaled(gradient, length, lengths)
            for gradient, length, weight in zip(gradients, lengths, weights, strict=True)
        ]
        return self.end(self.summed(terms), norm)

    def share(self, weight, weights, norm):
        return norm * weight / self.total(weights)

    def total(self, weights):
        return sum(weights)

    def scaled(self, gradient, length, lengths):
        return gradient / self.divisor(gradient, length, lengths)

    def divisor(self, gradient, length, lengths):
        return length + 1e-12

    def summed(self, terms):
        return sum(terms)

    def end(self, result, norm):
        return result


def misconception(sentence):
    """Register a class of steps as a function of its name."""

    def register(kind):
        def code(gradients, lengths, weights, norm=1.0):
            return kind()(gradients, lengths, weights, norm)

        code.__name__ = kind.__name__
        of("encodec.balancer", sentence)(code)
        return kind

    return register


@misconception("You did not divide by the sum of the weights. A share is `weight / sum(weights)`.")
class WeightsAsTheyAre(Steps):
    def total(self, weights):
        return 1


@misconception("You divided by the number of losses. A share is `weight / sum(weights)`.")
class DividedByTheNumber(Steps):
    def total(self, weights):
        return len(weights)


@misconception("You divided by the largest weight. A share is `weight / sum(weights)`.")
class DividedByTheLargest(Steps):
    def total(self, weights):
        return max(weights)


@misconception("You divided by the length of the weights. A share is `weight / sum(weights)`: no squares.")
class DividedByTheirLength(Steps):
    def total(self, weights):
        return sum(weight**2 for weight in weights) ** 0.5


@misconception("You took a softmax of the weights. A share is `weight / sum(weights)`.")
class Softmax(Steps):
    def share(self, weight, weights, norm):
        weights = torch.tensor([weight, *weights], dtype=torch.float64)
        return norm * (weights.exp()[0] / weights.exp()[1:].sum()).item()


@misconception("You left out the weights. Each gradient has the share `weight / sum(weights)`.")
class NoWeights(Steps):
    def share(self, weight, weights, norm):
        return norm


@misconception("You gave each loss the same share. It is `weight / sum(weights)`.")
class EqualShares(Steps):
    def share(self, weight, weights, norm):
        return norm / len(weights)


@misconception("You did not divide by the usual lengths: the loss with the largest gradient has all the say.")
class LengthsIgnored(Steps):
    def divisor(self, gradient, length, lengths):
        return 1


OWN = "You divided each gradient by its own length now. Divide by its usual one, from `lengths`."


@misconception(OWN)
class OwnLength(Steps):
    def divisor(self, gradient, length, lengths):
        return gradient.norm() + 1e-12


@misconception(OWN)
class OwnLengthOfEachItem(Steps):
    def divisor(self, gradient, length, lengths):
        return gradient.flatten(1).norm(dim=1)[:, None, None] + 1e-12


@misconception(OWN)
class OwnLengthOfItemsInTheMean(Steps):
    def divisor(self, gradient, length, lengths):
        return gradient.flatten(1).norm(dim=1).mean() + 1e-12


@misconception(OWN)
class OwnLengthAlongTheLastAxis(Steps):
    def divisor(self, gradient, length, lengths):
        return gradient.norm(dim=-1, keepdim=True) + 1e-12


@misconception("You divided by both lengths, the gradient's own and the usual one. Divide by the usual one alone.")
class BothLengths(Steps):
    def divisor(self, gradient, length, lengths):
        return (length + 1e-12) * (gradient.norm() + 1e-12)


@misconception("You multiplied by the usual length. Divide by it: then the scale of a loss does not count.")
class Multiplied(Steps):
    def scaled(self, gradient, length, lengths):
        return gradient * (length + 1e-12)


@misconception("You divided by the square of the usual length. Divide by the length itself.")
class Squared(Steps):
    def divisor(self, gradient, length, lengths):
        return (length + 1e-12) ** 2


@misconception("You divided by the root of the usual length. It is a length already: divide by it.")
class Root(Steps):
    def divisor(self, gradient, length, lengths):
        return (length + 1e-12) ** 0.5


@misconception("You divided by the sum of all usual lengths. Divide each gradient by its own loss's.")
class SumOfLengths(Steps):
    def divisor(self, gradient, length, lengths):
        return lengths.sum() + 1e-12


@misconception("You divided by the mean of all usual lengths. Divide each gradient by its own loss's.")
class MeanOfLengths(Steps):
    def divisor(self, gradient, length, lengths):
        return lengths.mean() + 1e-12


@misconception("You left out R: multiply by `norm`.")
class NormIgnored(Steps):
    def share(self, weight, weights, norm):
        return weight / self.total(weights)


@misconception("You divided by R. Multiply by `norm`.")
class DividedByNorm(Steps):
    def share(self, weight, weights, norm):
        return weight / self.total(weights) / norm


@misconception("You brought the whole sum to the length R. Each term has its factor; leave the sum as it comes.")
class SumBroughtToLength(Steps):
    def end(self, result, norm):
        return norm * result / (result.norm() + 1e-12)


@misconception("You took the mean over the losses. Equation 5 is summed over them: the shares are 1 together already.")
class Mean(Steps):
    def summed(self, terms):
        return sum(terms) / len(terms)


@misconception("You returned a gradient for each loss. Add them up.")
class OneForEach(Steps):
    def summed(self, terms):
        return torch.stack(terms)


@misconception("You returned a list of gradients. Add them up: the result has the shape of one.")
class ListOfTerms(Steps):
    def summed(self, terms):
        return terms


@misconception("You added up all numbers, to one. Add up over the losses alone: the result has the output's shape.")
class OneNumber(Steps):
    def summed(self, terms):
        return torch.stack(terms).sum()


@misconception("You gave the last term alone: `=` stands where `+=` belongs. Add up over all losses.")
class LastAlone(Steps):
    def summed(self, terms):
        return terms[-1]


@misconception("You gave the first term alone: `return` stands inside the loop. Put it after the loop.")
class FirstAlone(Steps):
    def summed(self, terms):
        return terms[0]


@misconception(
    "You divided by the length as it is: a loss without a gradient has length 0, and 0 / 0 is NaN. Add `1e-12`."
)
class NoEpsilon(Steps):
    def divisor(self, gradient, length, lengths):
        return length


@misconception("You raised small lengths to `1e-12`. Add `1e-12` to each instead.")
class Clamped(Steps):
    def divisor(self, gradient, length, lengths):
        return length.clamp(min=1e-12)


def another(epsilon):
    """Another number is added to the length."""
    kind = type("Another", (Steps,), {"divisor": lambda self, gradient, length, lengths: length + epsilon})
    kind.__name__ = f"Adds{epsilon:g}".replace("-", "Minus")
    misconception(f"You added `{epsilon:g}` to the lengths. Add `1e-12`: gradients may be small.")(kind)


for epsilon in (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10):
    another(epsilon)


@misconception("You skipped losses of small gradients. Divide by the length plus `1e-12`: then nothing becomes NaN.")
class SmallSkipped(Steps):
    def scaled(self, gradient, length, lengths):
        return gradient / length if length > 1e-8 else torch.zeros_like(gradient)


@misconception("You multiplied the weights up: each term has the weights of those before it. Take `weight` alone.")
class WeightsMultiplied(Steps):
    def __call__(self, gradients, lengths, weights, norm=1.0):
        scale, result = norm / sum(weights), 0
        for gradient, length, weight in zip(gradients, lengths, weights, strict=True):
            scale = scale * weight
            result = result + scale * self.scaled(gradient, length, lengths)
        return result


@misconception("You made the result float32, whatever the gradients were. Leave the dtype as it comes.")
class Float32(Steps):
    def end(self, result, norm):
        return result.float()


@of("encodec.balancer", "Everything else is right. Unless told otherwise R is 1: write `norm: float = 1.0`.")
def no_default(gradients, lengths, weights, norm):
    return Steps()(gradients, lengths, weights, norm)


@misconception("You added up the weighted lengths and divided once. Divide each gradient by its own loss's length.")
class DividedOnce(Steps):
    def __call__(self, gradients, lengths, weights, norm=1.0):
        total = sum(weight * length for weight, length in zip(weights, lengths, strict=True))
        terms = (weight * gradient for weight, gradient in zip(weights, gradients, strict=True))
        return norm * sum(terms) / (total + 1e-12)


@misconception("You multiplied by R twice. Once is enough: in each term, or at the end.")
class NormTwice(Steps):
    def end(self, result, norm):
        return norm * result


@misconception(
    "You added up the weighted gradients, which is what the balancer replaces. Divide by lengths and weights."
)
class WeightedGradients(Steps):
    def __call__(self, gradients, lengths, weights, norm=1.0):
        return sum(weight * gradient for weight, gradient in zip(weights, gradients, strict=True))


@misconception("You left out R and the usual lengths: multiply by `norm`, divide by `length + 1e-12`.")
class SharesAlone(Steps):
    def share(self, weight, weights, norm):
        return weight / self.total(weights)

    def divisor(self, gradient, length, lengths):
        return 1


@misconception("You brought each gradient to its usual length. Divide by that: then its scale does not count.")
class BroughtToUsual(Steps):
    def scaled(self, gradient, length, lengths):
        return gradient / (gradient.norm() + 1e-12) * length


@misconception("You made the lengths sum to 1 first. Divide by them as they are.")
class LengthsAsShares(Steps):
    def divisor(self, gradient, length, lengths):
        return length / lengths.sum() + 1e-12


@misconception("You replaced NaN after the division. Add `1e-12` to each length before it.")
class NaNReplaced(Steps):
    def scaled(self, gradient, length, lengths):
        return torch.nan_to_num(gradient / length)
