"""How a codebook learns."""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.nn.quantiser import moving_averages

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


class Averages:
    """The averages in small steps, so that a misconception overrides one of them."""

    def __call__(self, sums, counts, x, codes, decay):
        K = self.entries(counts, codes)
        chose = F.one_hot(codes, K).to(x.dtype)
        count, total = self.count(chose), self.total(chose, x, codes)
        return self.given(
            self.mixed(sums, total, decay, chose.sum(dim=0)), self.mixed(counts, count, decay, chose.sum(dim=0))
        )

    def entries(self, counts, codes):
        return len(counts)

    def count(self, chose):
        return chose.sum(dim=0)

    def total(self, chose, x, codes):
        return chose.T @ x

    def mixed(self, old, new, decay, chosen):
        return decay * old + (1 - decay) * new

    def given(self, sums, counts):
        return sums, counts


def misconception(sentence):
    """Register a class of steps as a function of its name."""

    def register(kind):
        def code(sums, counts, x, codes, decay):
            return kind()(sums, counts, x, codes, decay)

        code.__name__ = kind.__name__
        of("encodec.averages", sentence)(code)
        return kind

    return register


def per_entry(chosen, like):
    """Numbers of the entries, to be held against sums [K, D] or counts [K]."""
    return chosen[:, None] if like.ndim == 2 else chosen


MEANS = "You gathered means. Add up the latents of each entry: dividing comes later, by the averages of counts."


@misconception(MEANS)
class Means(Averages):
    def total(self, chose, x, codes):
        return chose.T @ x / chose.sum(dim=0).clamp(min=1)[:, None]


@misconception(MEANS)
class MeansWithNaN(Averages):
    def total(self, chose, x, codes):
        return torch.stack([x[codes == k].mean(dim=0) for k in range(chose.shape[1])])


@misconception("You exchanged beta and 1 - beta. The old averages keep beta, and the batch gets 1 - beta.")
class Exchanged(Averages):
    def mixed(self, old, new, decay, chosen):
        return (1 - decay) * old + decay * new


@misconception("You gave the batch its full weight. It gets 1 - beta.")
class BatchInFull(Averages):
    def mixed(self, old, new, decay, chosen):
        return decay * old + new


@misconception("You kept the old averages in full. They keep beta.")
class OldInFull(Averages):
    def mixed(self, old, new, decay, chosen):
        return old + (1 - decay) * new


@misconception("You added the batch to the averages. Mix them: beta of the old, and 1 - beta of the batch.")
class Added(Averages):
    def mixed(self, old, new, decay, chosen):
        return old + new


@misconception("You gave the batch the weight beta too. It gets 1 - beta.")
class BetaForBoth(Averages):
    def mixed(self, old, new, decay, chosen):
        return decay * (old + new)


@misconception("You returned what the batch gives alone. Mix it with the old averages.")
class BatchAlone(Averages):
    def mixed(self, old, new, decay, chosen):
        return new


@misconception("You moved only entries that were chosen. The averages of the others shrink too: they gather zeros.")
class ChosenAlone(Averages):
    def mixed(self, old, new, decay, chosen):
        return torch.where(per_entry(chosen, old) > 0, decay * old + (1 - decay) * new, old)


@misconception("You returned entries, sums divided by counts. Return the sums: dividing comes later.")
class Divided(Averages):
    def given(self, sums, counts):
        return sums / counts[:, None], counts


@misconception("You counted whether an entry was chosen. Count how often.")
class Whether(Averages):
    def count(self, chose):
        return chose.amax(dim=0)


LAST = (
    "You wrote each latent to its entry by assignment, so the last one alone is left. Add them up, as `index_add_` or "
    "a product with `F.one_hot` does."
)


def of_last(chose, x, codes):
    total = x.new_zeros(chose.shape[1], x.shape[1])
    for n, k in enumerate(codes.tolist()):
        total[k] = x[n]
    return total


@misconception(LAST)
class LastWins(Averages):
    def total(self, chose, x, codes):
        return of_last(chose, x, codes)


@misconception(LAST)
class LastWinsAndWhether(Whether):
    def total(self, chose, x, codes):
        return of_last(chose, x, codes)


@misconception(
    "You mixed in one latent after the other: each of them shrinks the averages again. Gather the whole batch first, "
    "then mix once."
)
class OneAfterTheOther(Averages):
    def __call__(self, sums, counts, x, codes, decay):
        sums, counts = sums.clone(), counts.clone()
        for n, k in enumerate(codes.tolist()):
            sums[k] = decay * sums[k] + (1 - decay) * x[n]
            counts[k] = decay * counts[k] + (1 - decay)
        return sums, counts


@misconception("You divided what was gathered by the size of the batch. Counts and sums are not shares: leave it out.")
class SharesOfTheBatch(Averages):
    def count(self, chose):
        return chose.mean(dim=0)

    def total(self, chose, x, codes):
        return chose.T @ x / len(x)


@misconception("You counted shares of the batch. Count how many latents chose each entry.")
class CountsAsShares(Averages):
    def count(self, chose):
        return chose.mean(dim=0)


@misconception("You added all latents up for each entry. Add up those that chose it.")
class SumOfAll(Averages):
    def total(self, chose, x, codes):
        return x.sum(dim=0).expand(chose.shape[1], -1)


@misconception("You counted all latents for each entry. Count those that chose it.")
class CountOfAll(Averages):
    def count(self, chose):
        return torch.full_like(chose[0], len(chose))


@misconception("You mixed the counts with 1 - beta and beta exchanged. The old counts keep beta.")
class CountsExchanged(Averages):
    def mixed(self, old, new, decay, chosen):
        decay = decay if old.ndim == 2 else 1 - decay
        return decay * old + (1 - decay) * new


@misconception("You let the counts as they were. They are moving averages too.")
class CountsKept(Averages):
    def mixed(self, old, new, decay, chosen):
        return super().mixed(old, new, decay, chosen) if old.ndim == 2 else old


@misconception("You added up the counts, without beta. They are moving averages too.")
class CountsAdded(Averages):
    def mixed(self, old, new, decay, chosen):
        return super().mixed(old, new, decay, chosen) if old.ndim == 2 else old + new


@misconception("You weighted the batch by 1 - beta twice. Multiply by 1 - beta once.")
class Twice(Averages):
    def mixed(self, old, new, decay, chosen):
        return decay * old + (1 - decay) ** 2 * new


@misconception(
    "You took the number of entries from the codes of this batch, and the last ones may not be chosen. It is the "
    "length of `counts_K`."
)
class EntriesOfTheBatch(Averages):
    def entries(self, counts, codes):
        return int(codes.max()) + 1


@misconception("You returned the counts first. Return the sums, then the counts.")
class Swapped(Averages):
    def given(self, sums, counts):
        return counts, sums


@misconception("You returned the sums alone. Return the counts too: `return sums_KD, counts_K`.")
class SumsAlone(Averages):
    def given(self, sums, counts):
        return sums


@misconception("You counted with one axis too many, [K, 1]. Counts are [K].")
class CountsAsColumn(Averages):
    def given(self, sums, counts):
        return sums, counts[:, None]


@misconception("You turned the sums: they are [D, K]. Turn the one-hot codes, not the latents: `chose_NK.T @ x_ND`.")
class SumsTurned(Averages):
    def given(self, sums, counts):
        return sums.T, counts


@misconception("You rounded the counts to whole numbers. A moving average is none: leave it.")
class WholeCounts(Averages):
    def given(self, sums, counts):
        return sums, counts.round()


@misconception("You made the counts whole numbers, by `.long()` or `.int()`. A moving average is none: leave it.")
class LongCounts(Averages):
    def given(self, sums, counts):
        return sums, counts.long()


@of("encodec.averages", "You made the averages float32, whatever they were. Leave the dtype as it comes.")
def float32_averages(sums, counts, x, codes, decay):
    sums, counts = moving_averages(sums, counts, x, codes, decay)
    return sums.float(), counts.float()


@of(
    "encodec.averages",
    "Your one-hot codes are float32, by `.float()` or by a product with 1 - beta, so float64 latents do not fit. Take "
    "the latents' dtype: `.to(x_ND.dtype)`.",
)
def one_hot_in_float32(sums, counts, x, codes, decay):
    chose = F.one_hot(codes, len(counts)).float()
    counts = decay * counts + (1 - decay) * chose.sum(dim=0)
    return decay * sums + (1 - decay) * (chose.T @ x), counts


@of(
    "encodec.averages",
    "You left the one-hot codes whole numbers, and they cannot be multiplied with the latents. Take the latents' "
    "dtype: `.to(x_ND.dtype)`.",
)
def one_hot_as_it_comes(sums, counts, x, codes, decay):
    chose = F.one_hot(codes, len(counts))
    counts = decay * counts + (1 - decay) * chose.sum(dim=0)
    return decay * sums + (1 - decay) * (chose.T @ x), counts


@of(
    "encodec.averages",
    "You changed the given averages in place, by `*=` or `mul_`. Make new ones: `sums_KD = decay * sums_KD + ...`.",
)
def in_place(sums, counts, x, codes, decay):
    new_sums, new_counts = moving_averages(sums, counts, x, codes, decay)
    return sums.copy_(new_sums), counts.copy_(new_counts)


@misconception("You multiplied the sums by the counts. A sum over the latents has them in it: leave it as it is.")
class SumsTimesCounts(Averages):
    def total(self, chose, x, codes):
        return chose.sum(dim=0)[:, None] * (chose.T @ x)


@of(
    "encodec.averages",
    "You began the sums with zeros in float32, and float64 latents do not fit. Write `torch.zeros_like(sums_KD)`.",
)
def zeros_in_float32(sums, counts, x, codes, decay):
    total = torch.zeros(sums.shape).index_add_(0, codes, x)
    return decay * sums + (1 - decay) * total, moving_averages(sums, counts, x, codes, decay)[1]
