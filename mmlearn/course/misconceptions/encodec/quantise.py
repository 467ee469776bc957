"""Codes that say the rest."""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.nn.quantiser import quantise

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


class Quantise:
    """Quantisation in small steps, so that a misconception overrides one of them."""

    def __call__(self, x, books):
        left, said = x, torch.zeros_like(x)
        codes, stages = [], []
        for entries in self.books(books):
            code = self.choose(left, entries)
            chosen = entries[code]
            left, said = self.left(left, chosen, x), self.said(said, chosen)
            codes.append(code)
            stages.append(self.stage(said, left))
        return self.given(torch.stack(codes), torch.stack(stages))

    def books(self, books):
        return books

    def choose(self, left, entries):
        return self.distances(left, entries).argmin(dim=1)

    def distances(self, left, entries):
        return torch.cdist(left, entries)

    def left(self, left, chosen, x):
        return left - chosen

    def said(self, said, chosen):
        return said + chosen

    def stage(self, said, left):
        return said

    def given(self, codes, stages):
        return codes, stages


def misconception(sentence):
    """Register a class of steps as a function of its name."""

    def register(kind):
        def code(x, books):
            return kind()(x, books)

        code.__name__ = kind.__name__
        of("encodec.quantise", sentence)(code)
        return kind

    return register


NO_RESIDUAL = (
    "You gave every codebook the latent itself. Give it what is left over: take the chosen entries away, `left_ND = "
    "left_ND - chosen_ND`."
)


@misconception(NO_RESIDUAL)
class LatentItself(Quantise):
    def left(self, left, chosen, x):
        return x


@misconception(NO_RESIDUAL)
class LatentItselfAndApart(LatentItself):
    def said(self, said, chosen):
        return chosen


@misconception("You added the chosen entries to what is left. Take them away.")
class Added(Quantise):
    def left(self, left, chosen, x):
        return left + chosen


@misconception("You took the entries from the latent each time, not from what was left. Keep `left_ND` in the loop.")
class FromTheLatent(Quantise):
    def left(self, left, chosen, x):
        return x - chosen


@misconception(
    "You gave the next codebook the entry that was chosen. Give it what is left over: `left_ND - chosen_ND`."
)
class EntryHandedOn(Quantise):
    def left(self, left, chosen, x):
        return chosen


@misconception("You took the chosen entry minus what is left: the sign is turned. It is `left_ND - chosen_ND`.")
class TurnedResidual(Quantise):
    def left(self, left, chosen, x):
        return chosen - left


@misconception("You took the farthest entry. The nearest has the smallest distance: `argmin`.")
class Farthest(Quantise):
    def choose(self, left, entries):
        return self.distances(left, entries).argmax(dim=1)


@misconception("You took the largest dot product, so long entries win. Take the smallest distance: `torch.cdist`.")
class DotProduct(Quantise):
    def distances(self, left, entries):
        return -left @ entries.T


@misconception("You took the smallest dot product. Take the smallest distance: `torch.cdist`.")
class SmallestDotProduct(Quantise):
    def distances(self, left, entries):
        return left @ entries.T


@misconception("You took the largest cosine, which is blind to lengths. Take the smallest distance: `torch.cdist`.")
class Cosine(Quantise):
    def distances(self, left, entries):
        return -F.normalize(left, dim=1) @ F.normalize(entries, dim=1).T


@misconception("You took sums of absolute differences. Nearest is by the length of the difference: `torch.cdist`.")
class AbsoluteDifferences(Quantise):
    def distances(self, left, entries):
        return torch.cdist(left, entries, p=1)


@misconception("You took the largest of the differences. Nearest is by the length of the difference: `torch.cdist`.")
class LargestDifference(Quantise):
    def distances(self, left, entries):
        return torch.cdist(left, entries, p=torch.inf)


@misconception("You added up the differences with their signs. Square them first, or take `torch.cdist`.")
class SignedDifferences(Quantise):
    def distances(self, left, entries):
        return (left[:, None] - entries).sum(dim=2)


@misconception(
    "You took the absolute value of summed differences, and they cancel. Square first, or take `torch.cdist`."
)
class CancelledDifferences(Quantise):
    def distances(self, left, entries):
        return (left[:, None] - entries).sum(dim=2).abs()


@misconception(
    "You left out the 2 in the squared distance: ||x - e||² is ||x||² - 2 x e + ||e||². Or take `torch.cdist`."
)
class NoTwo(Quantise):
    def distances(self, left, entries):
        return entries.square().sum(dim=1) - left @ entries.T


@misconception("You chose a latent for each entry: `argmin` ran over the wrong axis. Each latent chooses: `dim=1`.")
class WrongAxis(Quantise):
    def choose(self, left, entries):
        return self.distances(left, entries).argmin(dim=0)


@misconception("You took one entry for all latents. Each chooses by itself: `argmin(dim=1)`.")
class OneForAll(Quantise):
    def choose(self, left, entries):
        return self.distances(left, entries).sum(dim=0).argmin().expand(len(left))


@misconception("You let all codebooks use the first one's entries. Take each from `books_QKD` in turn.")
class FirstCodebookAlone(Quantise):
    def books(self, books):
        return [books[0]] * len(books)


@misconception("You began with the last codebook. The first says the rough: take them in their order.")
class Backwards(Quantise):
    def books(self, books):
        return books.flip(0)


@misconception("You left out the last codebook. Go through all of `books_QKD`.")
class LastLeftOut(Quantise):
    def books(self, books):
        return books[:-1] if len(books) > 1 else books


@misconception("You stacked what each codebook says by itself. A stage is what all so far say together: add them up.")
class Apart(Quantise):
    def said(self, said, chosen):
        return chosen


@misconception("You stacked what is left over. A stage is what was said: the sum of the chosen entries.")
class WhatIsLeft(Quantise):
    def stage(self, said, left):
        return left


@misconception("You took each stage before its codebook had spoken. Append `said_ND` after you add the chosen entries.")
class StageTooEarly(Quantise):
    def __call__(self, x, books):
        codes, stages = super().__call__(x, books)
        return codes, torch.cat([torch.zeros_like(stages[:1]), stages[:-1]])


@misconception("You returned the last stage alone. Return all Q of them: append `said_ND` in the loop.")
class LastStage(Quantise):
    def given(self, codes, stages):
        return codes, stages[-1]


@misconception("You returned the sum of the stages. Return them one by one: `torch.stack`, [Q, N, D].")
class SumOfStages(Quantise):
    def given(self, codes, stages):
        return codes, stages.sum(dim=0)


@misconception("You took the mean of what was said. The codebooks add up: leave it a sum.")
class MeanOfChosen(Quantise):
    def given(self, codes, stages):
        return codes, stages / torch.arange(1, len(stages) + 1, dtype=stages.dtype)[:, None, None]


@misconception("You turned the codes: they are [N, Q]. A row for each codebook: `torch.stack(codes)`.")
class CodesTurned(Quantise):
    def given(self, codes, stages):
        return codes.T, stages


@misconception("You turned the stages: they are [N, Q, D]. Stack along the first axis: `torch.stack(stages)`.")
class StagesTurned(Quantise):
    def given(self, codes, stages):
        return codes, stages.transpose(0, 1)


@misconception("You stacked both along axis 1. Codes are [Q, N] and stages [Q, N, D]: `torch.stack` without `dim`.")
class BothTurned(Quantise):
    def given(self, codes, stages):
        return codes.T, stages.transpose(0, 1)


@misconception("You joined the codes end to end. Stack them, so that each codebook has a row: `torch.stack(codes)`.")
class CodesJoined(Quantise):
    def given(self, codes, stages):
        return codes.flatten(), stages


@misconception("You joined codes and stages end to end, by `torch.cat`. Stack them: `torch.stack`.")
class BothJoined(Quantise):
    def given(self, codes, stages):
        return codes.flatten(), stages.flatten(0, 1)


@misconception("You returned lists. Make tensors of them: `torch.stack(codes), torch.stack(stages)`.")
class Lists(Quantise):
    def given(self, codes, stages):
        return list(codes), list(stages)


@misconception("You returned the codes alone. Return the stages too: `return codes, stages`.")
class CodesAlone(Quantise):
    def given(self, codes, stages):
        return codes


@misconception("You returned the stages first. Return the codes, then the stages.")
class Swapped(Quantise):
    def given(self, codes, stages):
        return stages, codes


@misconception("You returned distances to the nearest entries for codes. A code is the entry's number: `argmin`.")
class Distances(Quantise):
    def __call__(self, x, books):
        _, stages = super().__call__(x, books)
        before = torch.cat([torch.zeros_like(stages[:1]), stages[:-1]])
        chosen = stages - before
        return (x - before - chosen).norm(dim=2), stages


@misconception("You made the codes floating-point numbers. They are whole: leave them as `argmin` gives them.")
class FloatingCodes(Quantise):
    def given(self, codes, stages):
        return codes.float(), stages


@misconception("You counted the entries from 1. Leave the codes as `argmin` gives them: the first entry is 0.")
class FromOne(Quantise):
    def given(self, codes, stages):
        return codes + 1, stages


@of("encodec.quantise", "You made the stages float32, whatever the latents were. Begin with `torch.zeros_like(x_ND)`.")
def float32_stages(x, books):
    codes, stages = quantise(x, books)
    return codes, stages.float()


@of("encodec.quantise", "You began the stages with the latent. Nothing is said yet: begin with zeros.")
def begun_with_the_latent(x, books):
    codes, stages = quantise(x, books)
    return codes, stages + x


@of(
    "encodec.quantise",
    "You appended the same tensor each time and went on adding to it by `+=`, so all stages are the last. Write "
    "`said_ND = said_ND + chosen_ND`, which makes a new one.",
)
def same_tensor_each_time(x, books):
    codes, stages = quantise(x, books)
    return codes, stages[-1:].expand_as(stages)


@of(
    "encodec.quantise",
    "You took the entries away from `x_ND` in place, by `-=`: the caller's latents are gone. Write `left_ND = left_ND "
    "- chosen_ND`, which makes a new tensor.",
)
def in_place(x, books):
    codes, stages = quantise(x, books)
    x -= stages[-1]
    return codes, stages


@misconception(
    "You took all that was said from what was left. Take it from the latent, or the chosen entry from the rest."
)
class AllSaidTakenAgain(Quantise):
    def __call__(self, x, books):
        left, said = x, torch.zeros_like(x)
        codes, stages = [], []
        for entries in books:
            codes.append(self.choose(left, entries))
            said = said + entries[codes[-1]]
            left = left - said
            stages.append(said)
        return torch.stack(codes), torch.stack(stages)


@misconception("You added the chosen entry to each stage twice. A stage is what was said, the entry among it.")
class EntryTwice(Quantise):
    def given(self, codes, stages):
        return codes, 2 * stages - torch.cat([torch.zeros_like(stages[:1]), stages[:-1]])


@misconception("You made the codes int32. Leave them as `argmin` gives them, int64: an index in torch is that.")
class ShortCodes(Quantise):
    def given(self, codes, stages):
        return codes.int(), stages


@misconception("You returned three tensors, what is left over too. Return codes and stages alone.")
class ThreeTensors(Quantise):
    def given(self, codes, stages):
        return codes, stages, stages[-1]
