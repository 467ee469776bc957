"""Features that look alike."""

import torch

from mmlearn.course.misconceptions import Collection
from mmlearn.models.encodec_losses import feature_loss

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


class Features:
    """The loss in small steps, so that a misconception overrides one of them."""

    def __call__(self, real, made):
        terms = [[self.term(r, m) for r, m in zip(rs, ms, strict=True)] for rs, ms in zip(real, made, strict=True)]
        return self.over(terms)

    def term(self, r, m):
        r = r.detach()
        return self.above(r, m) / self.below(r, m)

    def above(self, r, m):
        return (r - m).abs().mean()

    def below(self, r, m):
        return r.abs().mean()

    def over(self, terms):
        return torch.stack([term for row in terms for term in row]).mean()


def misconception(sentence):
    """Register a class of steps as a function of its name."""

    def register(kind):
        def code(real, made):
            return kind()(real, made)

        code.__name__ = kind.__name__
        of("encodec.features", sentence)(code)
        return kind

    return register


@misconception("You left out the division: the layer with the largest numbers decides alone. Divide by the real mean.")
class NotDivided(Features):
    def below(self, r, m):
        return 1


@misconception("You divided by the size of the made features. Divide by that of the real ones.")
class ByTheMade(Features):
    def below(self, r, m):
        return m.abs().mean()


@misconception("You divided by the size of the made features, detached. Divide by that of the real ones.")
class ByTheMadeDetached(Features):
    def below(self, r, m):
        return m.detach().abs().mean()


@misconception("You divided by the sizes of both. Divide by that of the real features alone.")
class ByBoth(Features):
    def below(self, r, m):
        return r.abs().mean() + m.abs().mean()


@misconception("You divided by the mean with its sign, which may be near zero. Take absolute values first.")
class ByTheSignedMean(Features):
    def below(self, r, m):
        return r.mean()


@misconception("You divided by the absolute value of the mean, where signs cancel. Take the mean of absolute values.")
class ByTheAbsoluteOfTheMean(Features):
    def below(self, r, m):
        return r.mean().abs()


@misconception("You divided by the root of the mean square. Take the mean of absolute values.")
class ByTheRootMeanSquare(Features):
    def below(self, r, m):
        return r.square().mean().sqrt()


@misconception("You divided by the standard deviation. Take the mean of absolute values.")
class ByTheDeviation(Features):
    def below(self, r, m):
        return r.std()


@misconception("You divided by the largest number. Take the mean of absolute values.")
class ByTheLargest(Features):
    def below(self, r, m):
        return r.abs().max()


@misconception("You divided each number by its own real one. Take the mean above, the mean below, then divide.")
class NumberByNumber(Features):
    def term(self, r, m):
        r = r.detach()
        return ((r - m).abs() / r.abs()).mean()


@misconception("You divided by a sum, above a mean. Take means above and below.")
class MeanBySum(Features):
    def below(self, r, m):
        return r.abs().sum()


@misconception("You added up the differences, and divided by a mean. Take means above and below.")
class SumByMean(Features):
    def above(self, r, m):
        return (r - m).abs().sum()


@misconception("You divided item by item. Take one mean over the whole layer, above and below.")
class ItemByItem(Features):
    def term(self, r, m):
        r = r.detach().flatten(1)
        return ((r - m.flatten(1)).abs().mean(dim=1) / r.abs().mean(dim=1)).mean()


@misconception("You squared the differences. Take absolute values.")
class Squared(Features):
    def above(self, r, m):
        return (r - m).square().mean()


@misconception("You squared above and below. Take absolute values.")
class SquaredBoth(Features):
    def above(self, r, m):
        return (r - m).square().mean()

    def below(self, r, m):
        return r.square().mean()


@misconception("You took lengths, roots of sums of squares. Take means of absolute values, above and below.")
class Lengths(Features):
    def above(self, r, m):
        return (r - m).norm()

    def below(self, r, m):
        return r.norm()


@misconception("You took the mean of the differences with their signs, and they cancel. Take absolute values first.")
class Signed(Features):
    def above(self, r, m):
        return (r - m).mean()


@misconception("You took the difference of the mean sizes. Take the size of the differences.")
class DifferenceOfSizes(Features):
    def above(self, r, m):
        return (r.abs().mean() - m.abs().mean()).abs()


@misconception("You added real and made features. Take their difference.")
class Sum(Features):
    def above(self, r, m):
        return (r + m).abs().mean()


@misconception("You multiplied by the size of the real features. Divide by it.")
class Multiplied(Features):
    def term(self, r, m):
        return self.above(r.detach(), m) * self.below(r.detach(), m)


@misconception("You turned the fraction around. The difference stands above.")
class Turned(Features):
    def term(self, r, m):
        return self.below(r.detach(), m) / self.above(r.detach(), m)


@misconception("You let the gradient through to the real features. Detach them, above and below: `r = r.detach()`.")
class NothingDetached(Features):
    def term(self, r, m):
        return self.above(r, m) / self.below(r, m)


@misconception("You detached the made features in place of the real ones: the codec would learn nothing.")
class MadeDetached(Features):
    def term(self, r, m):
        return self.above(r, m.detach()) / self.below(r, m.detach())


@misconception("You cut the loss off, by `detach`, `no_grad` or `torch.tensor`. What was made needs its gradient.")
class Detached(Features):
    def over(self, terms):
        return super().over(terms).detach()


@misconception("You made a Python number, by `.item()` or `float`. Keep the tensor: it carries the gradient.")
class PythonNumber(Features):
    def over(self, terms):
        return super().over(terms).item()


@misconception("You added up over the layers. Take the mean over them too: 1/KL.")
class SumOverLayers(Features):
    def over(self, terms):
        return super().over(terms) * len(terms[0])


@misconception("You added up over the discriminators. Take the mean over them too: 1/KL.")
class SumOverDiscriminators(Features):
    def over(self, terms):
        return super().over(terms) * len(terms)


@misconception("You added up over all layers. Take the mean over all K L of them.")
class SumOverAll(Features):
    def over(self, terms):
        return super().over(terms) * len(terms) * len(terms[0])


@misconception("You divided by the number of layers twice. The mean over all K L terms is enough.")
class LayersTwice(Features):
    def over(self, terms):
        return super().over(terms) / len(terms[0])


@misconception("You gave the last discriminator's loss alone: the list of terms is made anew in the loop.")
class LastDiscriminator(Features):
    def over(self, terms):
        return super().over(terms[-1:])


@misconception("You gave the first discriminator's loss alone: `return` stands inside the loop.")
class FirstDiscriminator(Features):
    def over(self, terms):
        return super().over(terms[:1])


@misconception("You compared the last layers alone. Take every layer of every discriminator.")
class LastLayers(Features):
    def over(self, terms):
        return super().over([row[-1:] for row in terms])


@misconception("You compared the last layer of the last discriminator alone: `=` stands where `+=` belongs.")
class LastTerm(Features):
    def over(self, terms):
        return terms[-1][-1]


@misconception("You divided the sum of all differences by the sum of all sizes. Divide in each layer, then the mean.")
class OneFraction(Features):
    def __call__(self, real, made):
        pairs = [(r.detach(), m) for rs, ms in zip(real, made, strict=True) for r, m in zip(rs, ms, strict=True)]
        return sum(self.above(r, m) for r, m in pairs) / sum(self.below(r, m) for r, m in pairs)


@misconception("You divided by the mean size over all layers. Divide each layer by its own.")
class ByTheMeanOfAllLayers(Features):
    def __call__(self, real, made):
        pairs = [(r.detach(), m) for rs, ms in zip(real, made, strict=True) for r, m in zip(rs, ms, strict=True)]
        numbers = torch.cat([r.flatten() for r, _ in pairs])
        return sum(self.above(r, m) for r, m in pairs) / len(pairs) / numbers.abs().mean()


@misconception("You divided by the mean size over a discriminator's layers. Divide each layer by its own.")
class ByTheMeanOfADiscriminator(Features):
    def __call__(self, real, made):
        rows = []
        for rs, ms in zip(real, made, strict=True):
            size = sum(r.detach().abs().mean() for r in rs) / len(rs)
            rows.append([self.above(r.detach(), m) / size for r, m in zip(rs, ms, strict=True)])
        return self.over(rows)


@misconception("You returned one number for each discriminator. Take the mean over them.")
class OneForEach(Features):
    def over(self, terms):
        return torch.stack([torch.stack(row).mean() for row in terms])


@misconception("You returned all terms. Take their mean: the loss is one number.")
class AllTerms(Features):
    def over(self, terms):
        return torch.stack([term for row in terms for term in row])


@misconception("You returned a list of terms. Take their mean: `torch.stack(terms).mean()`.")
class ListOfTerms(Features):
    def over(self, terms):
        return [term for row in terms for term in row]


@of("encodec.features", "You made the loss float32, whatever the features were. Leave the dtype as it comes.")
def float32_loss(real, made):
    return feature_loss(real, made).float()


@misconception("You divided number by number by a mean over the batch. Take one mean over the whole layer.")
class ByTheMeanOverTheBatch(Features):
    def term(self, r, m):
        return ((r.detach() - m).abs() / r.detach().abs().mean(dim=0)).mean()


@misconception("You raised small sizes to 1 before dividing. Divide by the size as it is: layers differ in scale.")
class SizeAtLeastOne(Features):
    def below(self, r, m):
        return r.abs().mean().clamp(min=1)


@misconception("You added 1 to the size before dividing. Divide by the size as it is.")
class OneAdded(Features):
    def below(self, r, m):
        return 1 + r.abs().mean()


@misconception("You took a length above and a mean below. Take means of absolute values, above and below.")
class LengthByMean(Features):
    def above(self, r, m):
        return (r - m).norm()
