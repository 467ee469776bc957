"""The loss that keeps latents near what is said of them."""

import torch

from mmlearn.course.misconceptions import Collection
from mmlearn.nn.quantiser import commitment

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


class Commitment:
    """The terms in small steps, so that a misconception overrides one of them."""

    def __call__(self, x, said):
        return self.given(self.latents(self.numbers(self.left(x, said))))

    def left(self, x, said):
        return x - said.detach()

    def numbers(self, left):
        return left.square().sum(dim=2)

    def latents(self, squares):
        return squares.mean(dim=1)

    def given(self, terms):
        return terms


def misconception(sentence):
    """Register a class of steps as a function of its name."""

    def register(kind):
        def code(x, said):
            return kind()(x, said)

        code.__name__ = kind.__name__
        of("encodec.commitment", sentence)(code)
        return kind

    return register


@misconception(
    "You detached the latents in place of what was said: the codebooks would be drawn, and the encoder learn nothing. "
    "Write `x_ND - said_QND.detach()`."
)
class LatentsDetached(Commitment):
    def left(self, x, said):
        return x.detach() - said


@misconception("You let the gradient through to what was said. Detach it: `said_QND.detach()`.")
class NothingDetached(Commitment):
    def left(self, x, said):
        return x - said


@misconception("You detached both, so nothing learns. Detach what was said alone.")
class BothDetached(Commitment):
    def left(self, x, said):
        return (x - said).detach()


@misconception("You took the mean over the D numbers. A squared length is their sum: `sum(dim=2)`.")
class MeanOverNumbers(Commitment):
    def numbers(self, left):
        return left.square().mean(dim=2)


@misconception("You took the length. Equation 3 has its square: leave out the root.")
class Root(Commitment):
    def numbers(self, left):
        return left.norm(dim=2)


@misconception("You took the root of the mean. Equation 3 has squares: leave out the root.")
class RootOfTheMean(Commitment):
    def given(self, terms):
        return terms.sqrt()


@misconception("You added up over the latents. Take the mean over them: `mean(dim=1)`.")
class SumOverLatents(Commitment):
    def latents(self, squares):
        return squares.sum(dim=1)


@misconception("You took the mean over the numbers and the sum over the latents. It is the other way round.")
class Exchanged(Commitment):
    def numbers(self, left):
        return left.square().mean(dim=2)

    def latents(self, squares):
        return squares.sum(dim=1)


@misconception("You squared the sum of the numbers. Square each, then add.")
class SquareOfTheSum(Commitment):
    def numbers(self, left):
        return left.sum(dim=2).square()


@misconception("You took absolute values. Equation 3 has squares.")
class Absolute(Commitment):
    def numbers(self, left):
        return left.abs().sum(dim=2)


@misconception("You squared the mean of what is left over the latents. Square first, then take the mean.")
class SquareOfTheMean(Commitment):
    def numbers(self, left):
        return left

    def latents(self, squares):
        return squares.mean(dim=1).square().sum(dim=-1)


@misconception("You took the mean over the codebooks too. Return each term by itself, [Q].")
class MeanOverCodebooks(Commitment):
    def given(self, terms):
        return terms.mean()


@misconception("You added up over the codebooks. Return each term by itself, [Q].")
class SumOverCodebooks(Commitment):
    def given(self, terms):
        return terms.sum()


@misconception("You took one mean over everything. Sum over the numbers, mean over the latents: a term each, [Q].")
class OneMean(Commitment):
    def __call__(self, x, said):
        return self.left(x, said).square().mean()


@misconception("You took one sum over everything. Sum over the numbers, mean over the latents: a term each, [Q].")
class OneSum(Commitment):
    def __call__(self, x, said):
        return self.left(x, said).square().sum()


@misconception("You took the mean over the codebooks in place of the latents. The latents are axis 1.")
class WrongMean(Commitment):
    def latents(self, squares):
        return squares.mean(dim=0)


@misconception("You returned a number for each latent. Take the mean over them: `mean(dim=1)`.")
class EachLatent(Commitment):
    def latents(self, squares):
        return squares


@misconception("You took the mean over the latents and left the numbers apart. Sum over them: `sum(dim=2)`.")
class EachNumber(Commitment):
    def numbers(self, left):
        return left.square()


@misconception("You gave the first term alone. There is one for each codebook.")
class FirstAlone(Commitment):
    def given(self, terms):
        return terms[:1]


@misconception("You gave the last term alone. There is one for each codebook.")
class LastAlone(Commitment):
    def given(self, terms):
        return terms[-1:]


@misconception("You gave the last term alone, as a scalar. There is one for each codebook: [Q].")
class LastAsAScalar(Commitment):
    def given(self, terms):
        return terms[-1]


@misconception("You added up what was said, and it is summed already. Take each `said_QND[c]` from the latents.")
class SummedTwice(Commitment):
    def left(self, x, said):
        return x - said.detach().cumsum(dim=0)


@misconception(
    "You compared each stage with the one before it. `said_QND[c]` is all that the codebooks up to c say: take it from "
    "`x_ND` each time."
)
class StageByStage(Commitment):
    def left(self, x, said):
        said = said.detach()
        before = torch.cat([x[None], said[:-1]])
        return before - said


@misconception("You added up the terms one after the other. Return each by itself.")
class TermsAddedUp(Commitment):
    def given(self, terms):
        return terms.cumsum(dim=0)


@misconception("You added latents and what was said. Take the difference.")
class Sum(Commitment):
    def left(self, x, said):
        return x + said.detach()


@misconception("You halved the squares. Equation 3 has no half.")
class Half(Commitment):
    def given(self, terms):
        return terms / 2


@misconception("You returned a list of terms. Make a tensor: `torch.stack(terms)`.")
class ListOfTerms(Commitment):
    def given(self, terms):
        return list(terms)


@misconception("You cut the terms off, by `detach`, `no_grad` or `torch.tensor`. The latents need their gradient.")
class Detached(Commitment):
    def given(self, terms):
        return terms.detach().clone().requires_grad_()


@misconception("You let the first term alone send a gradient. Each one does: detach `said_QND` only.")
class FirstTermAloneLearns(Commitment):
    def given(self, terms):
        return torch.cat([terms[:1], terms[1:].detach()])


@misconception("You let the last term alone send a gradient. Each one does: detach `said_QND` only.")
class LastTermAloneLearns(Commitment):
    def given(self, terms):
        return torch.cat([terms[:-1].detach(), terms[-1:]]) if len(terms) > 1 else terms


@of("encodec.commitment", "You made the terms float32, whatever the latents were. Leave the dtype as it comes.")
def float32_terms(x, said):
    return commitment(x, said).float()


@misconception("You squared the mean length. Square each length, then take the mean.")
class SquareOfTheMeanLength(Commitment):
    def numbers(self, left):
        return left.norm(dim=2)

    def given(self, terms):
        return terms.square()


@misconception("You took the length of everything that is left over. It is the mean over the latents, of squares.")
class LengthOfEverything(Commitment):
    def given(self, terms):
        return (terms * self.count).sqrt()

    def __call__(self, x, said):
        self.count = len(x)
        return super().__call__(x, said)


@misconception("You did not square, so signs cancel. A squared length is the sum of the squares.")
class NotSquared(Commitment):
    def numbers(self, left):
        return left.sum(dim=2)


@misconception(
    "You took what was said from what the codebooks before left over. It is all that was said: take it from `x_ND`."
)
class TakenFromTheRest(Commitment):
    def left(self, x, said):
        said = said.detach()
        return x - torch.cat([torch.zeros_like(said[:1]), said[:-1]]) - said
