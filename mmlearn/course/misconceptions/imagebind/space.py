"""The geometry of the shared space."""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.eval.space import centred, combine, modality_gap

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


# --- imagebind.gap ----------------------------------------------------------------------------------------------------


def means(first_NE, second_ME):
    return [F.normalize(vectors, dim=1).mean(dim=0) for vectors in (first_NE, second_ME)]


@of(
    "imagebind.gap",
    "You averaged the distances of all pairs of vectors. Average the vectors of each modality first, then take the "
    "distance of the two means.",
)
def mean_of_distances(first_NE, second_ME):
    return torch.cdist(F.normalize(first_NE, dim=1), F.normalize(second_ME, dim=1)).mean()


@of(
    "imagebind.gap",
    "You subtracted vector from vector, and averaged afterwards. The two sets are not paired, and may differ in size: "
    "average each set first, then take the distance of the two means.",
)
def distances_by_item(first_NE, second_ME):
    return (F.normalize(first_NE, dim=1) - F.normalize(second_ME, dim=1)).norm(dim=1).mean()


@of(
    "imagebind.gap",
    "You took the vectors as long as they came. Bring each to length 1 before the mean.",
)
def not_normalised(first_NE, second_ME):
    return (first_NE.mean(dim=0) - second_ME.mean(dim=0)).norm()


@of("imagebind.gap", "You normalised the means, not the vectors. Bring each vector to length 1, then take the mean.")
def means_normalised(first_NE, second_ME):
    first_E, second_E = (F.normalize(vectors.mean(dim=0), dim=0) for vectors in (first_NE, second_ME))
    return (first_E - second_E).norm()


@of("imagebind.gap", "You also brought the means to length 1. Their length belongs to the gap: leave them as they are.")
def normalised_twice(first_NE, second_ME):
    first_E, second_E = (F.normalize(mean_E, dim=0) for mean_E in means(first_NE, second_ME))
    return (first_E - second_E).norm()


@of("imagebind.gap", "You normalised the first modality alone. Bring the vectors of both to length 1.")
def first_normalised_alone(first_NE, second_ME):
    return (F.normalize(first_NE, dim=1).mean(dim=0) - second_ME.mean(dim=0)).norm()


@of("imagebind.gap", "You normalised over the items, axis 0. Bring each vector to length 1: `F.normalize(..., dim=1)`.")
def normalised_over_items(first_NE, second_ME):
    return (F.normalize(first_NE, dim=0).mean(dim=0) - F.normalize(second_ME, dim=0).mean(dim=0)).norm()


NO_KEEPDIM = (
    "You divided [{n}, E] by lengths of shape [{n}], which do not fit. Keep their axis, by `keepdim=True`, or use "
    "`F.normalize(..., dim=1)`."
)
WHOLE_MATRIX = (
    "You divided by one norm of the whole matrix. Bring each vector to length 1 by its own: `F.normalize(..., dim=1)`."
)


def without_keepdim(vectors):
    return vectors / vectors.norm(dim=1)


def by_one_norm(vectors):
    return vectors / vectors.norm()


@of("imagebind.gap", NO_KEEPDIM.format(n="N"))
def gap_without_keepdim(first_NE, second_ME):
    return (without_keepdim(first_NE).mean(dim=0) - without_keepdim(second_ME).mean(dim=0)).norm()


@of("imagebind.gap", WHOLE_MATRIX)
def gap_by_one_norm(first_NE, second_ME):
    return (by_one_norm(first_NE).mean(dim=0) - by_one_norm(second_ME).mean(dim=0)).norm()


@of("imagebind.gap", "You took the square of the distance. Take its root: `.norm()`.")
def squared(first_NE, second_ME):
    first_E, second_E = means(first_NE, second_ME)
    return (first_E - second_E).square().sum()


@of("imagebind.gap", "You took the mean of the squares, as a loss does. Take the root of their sum: `.norm()`.")
def mean_square(first_NE, second_ME):
    return F.mse_loss(*means(first_NE, second_ME))


@of("imagebind.gap", "You took the root of the mean of squares. Take the root of their sum: `.norm()`.")
def root_mean_square(first_NE, second_ME):
    return F.mse_loss(*means(first_NE, second_ME)).sqrt()


@of("imagebind.gap", "You took the cosine of the means. Take their distance: the length of the difference.")
def cosine(first_NE, second_ME):
    return F.cosine_similarity(*means(first_NE, second_ME), dim=0)


@of("imagebind.gap", "You took 1 minus the cosine of the means. Take their distance: the length of the difference.")
def cosine_distance(first_NE, second_ME):
    return 1 - cosine(first_NE, second_ME)


@of("imagebind.gap", "You added up absolute differences. Take the root of the sum of squares: `.norm()`.")
def absolute(first_NE, second_ME):
    first_E, second_E = means(first_NE, second_ME)
    return (first_E - second_E).abs().sum()


@of("imagebind.gap", "You took the largest difference. Take the root of the sum of squares: `.norm()`.")
def largest(first_NE, second_ME):
    first_E, second_E = means(first_NE, second_ME)
    return (first_E - second_E).abs().max()


@of("imagebind.gap", "You added up the vectors. Take their means, or the gap grows with the number of items.")
def sums(first_NE, second_ME):
    return (F.normalize(first_NE, dim=1).sum(dim=0) - F.normalize(second_ME, dim=1).sum(dim=0)).norm()


@of("imagebind.gap", "You took the mean over the numbers of a vector. Take it over the items: `mean(dim=0)`.")
def mean_over_numbers(first_NE, second_ME):
    return (F.normalize(first_NE, dim=1).mean(dim=1) - F.normalize(second_ME, dim=1).mean(dim=1)).norm()


@of("imagebind.gap", "You took one mean of all numbers. Take the mean vector: `mean(dim=0)`.")
def mean_number(first_NE, second_ME):
    return (F.normalize(first_NE, dim=1).mean() - F.normalize(second_ME, dim=1).mean()).norm()


@of("imagebind.gap", "You took the difference of two lengths. Take the length of the difference of the means.")
def difference_of_lengths(first_NE, second_ME):
    first_E, second_E = means(first_NE, second_ME)
    return (first_E.norm() - second_E.norm()).abs()


@of("imagebind.gap", "You added the means. Subtract one from the other.")
def added(first_NE, second_ME):
    first_E, second_E = means(first_NE, second_ME)
    return (first_E + second_E).norm()


@of("imagebind.gap", "You returned the difference of the means, a vector. The gap is its length: `.norm()`.")
def difference(first_NE, second_ME):
    first_E, second_E = means(first_NE, second_ME)
    return first_E - second_E


@of("imagebind.gap", "You kept an axis of length 1. The gap is a scalar: leave `keepdim` out.")
def axis_kept(first_NE, second_ME):
    return modality_gap(first_NE, second_ME)[None]


@of("imagebind.gap", "You returned a Python number, by `.item()` or `float`. Return the tensor.")
def python_number(first_NE, second_ME):
    return modality_gap(first_NE, second_ME).item()


@of("imagebind.gap", "You cut the gap off from the vectors: something detached it. Leave that out.")
def gap_detached(first_NE, second_ME):
    return modality_gap(first_NE, second_ME).detach()


@of("imagebind.gap", "You made the gap float32, whatever the vectors were. Leave the dtype as it comes.")
def float32_gap(first_NE, second_ME):
    return modality_gap(first_NE, second_ME).float()


# --- imagebind.centre -------------------------------------------------------------------------------------------------


def around(unit_NE):
    return unit_NE - unit_NE.mean(dim=0)


@of(
    "imagebind.centre",
    "You took the mean of vectors of different lengths. Bring each to length 1 first, by its own norm: "
    "`F.normalize(..., dim=1)`.",
)
def not_normalised_first(vectors_NE):
    return F.normalize(around(vectors_NE), dim=1)


@of("imagebind.centre", "You did not bring the result to length 1. Normalise again after you subtract the mean.")
def not_normalised_after(vectors_NE):
    return around(F.normalize(vectors_NE, dim=1))


@of(
    "imagebind.centre",
    "A norm or a mean over axis 1 has the shape [N], which does not fit [N, E]. Keep the axis of norms, by "
    "`keepdim=True`; take the mean over axis 0.",
)
def centred_without_keepdim(vectors_NE):
    return without_keepdim(around(without_keepdim(vectors_NE)))


@of("imagebind.centre", WHOLE_MATRIX)
def centred_by_one_norm(vectors_NE):
    return by_one_norm(around(by_one_norm(vectors_NE)))


@of("imagebind.centre", WHOLE_MATRIX)
def one_norm_at_the_end(vectors_NE):
    return by_one_norm(around(F.normalize(vectors_NE, dim=1)))


@of("imagebind.centre", "You normalised nothing. Bring the vectors to length 1 before the mean, and again after.")
def nothing_normalised(vectors_NE):
    return around(vectors_NE)


@of("imagebind.centre", "You brought the vectors to length 1 and left the mean in. Subtract `unit_NE.mean(dim=0)`.")
def only_normalised(vectors_NE):
    return F.normalize(vectors_NE, dim=1)


@of(
    "imagebind.centre",
    "You took the mean over the numbers of each vector, axis 1. Take it over the vectors: `mean(dim=0)`.",
)
def mean_over_axis_1(vectors_NE):
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(unit_NE - unit_NE.mean(dim=1, keepdim=True), dim=1)


@of("imagebind.centre", "You took one mean of all numbers. Take the mean vector: `mean(dim=0)`.")
def mean_of_both_axes(vectors_NE):
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(unit_NE - unit_NE.mean(), dim=1)


@of(
    "imagebind.centre",
    "You also divided by the standard deviation, which stretches some axes more than others. Leave it out: subtract "
    "the mean, then normalise.",
)
def divided_by_deviation(vectors_NE):
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(around(unit_NE) / unit_NE.std(dim=0), dim=1)


@of(
    "imagebind.centre",
    "You standardised each axis, to mean 0 and standard deviation 1. Bring vectors to length 1, subtract their mean, "
    "and bring them to length 1 again.",
)
def standardised(vectors_NE):
    return around(vectors_NE) / vectors_NE.std(dim=0)


@of("imagebind.centre", "You added the mean. Subtract it: what all vectors share is to go.")
def mean_added(vectors_NE):
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(unit_NE + unit_NE.mean(dim=0), dim=1)


@of(
    "imagebind.centre",
    "You subtracted each vector from the mean. Subtract the mean from each vector: yours point backwards.",
)
def backwards(vectors_NE):
    return -centred(vectors_NE)


@of("imagebind.centre", "You subtracted the sum of the vectors. Take their mean: `mean(dim=0)`.")
def sum_subtracted(vectors_NE):
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(unit_NE - unit_NE.sum(dim=0), dim=1)


@of("imagebind.centre", "You brought the mean to length 1 before you subtracted it. Take it as it is.")
def mean_normalised(vectors_NE):
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(unit_NE - F.normalize(unit_NE.mean(dim=0), dim=0), dim=1)


@of(
    "imagebind.centre",
    "You took the mean before you normalised, and subtracted it after. Take the mean of the vectors of length 1.",
)
def mean_of_raw_vectors(vectors_NE):
    return F.normalize(F.normalize(vectors_NE, dim=1) - vectors_NE.mean(dim=0), dim=1)


@of(
    "imagebind.centre",
    "You took away what each vector has along the mean. Subtract the mean itself, the same from every vector.",
)
def projected(vectors_NE):
    unit_NE = F.normalize(vectors_NE, dim=1)
    along_E = F.normalize(unit_NE.mean(dim=0), dim=0)
    return F.normalize(unit_NE - (unit_NE @ along_E)[:, None] * along_E, dim=1)


@of("imagebind.centre", "You took the median. Take the mean: `mean(dim=0)`.")
def median(vectors_NE):
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(unit_NE - unit_NE.median(dim=0).values, dim=1)


@of(
    "imagebind.centre",
    "You normalised over the items, axis 0. Bring each vector to length 1: `F.normalize(..., dim=1)`.",
)
def centred_over_items(vectors_NE):
    return F.normalize(around(F.normalize(vectors_NE, dim=0)), dim=0)


@of("imagebind.centre", "You subtracted the first vector. Subtract the mean of all of them.")
def first_subtracted(vectors_NE):
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(unit_NE - unit_NE[0], dim=1)


@of("imagebind.centre", "You returned the mean vector. Subtract it from each vector, and normalise again.")
def mean_returned(vectors_NE):
    return F.normalize(vectors_NE, dim=1).mean(dim=0)


@of("imagebind.centre", "You changed the vectors that were given: `-=` and `/=` write into them. Make new ones.")
def changed_in_place(vectors_NE):
    vectors_NE /= vectors_NE.norm(dim=1, keepdim=True)
    vectors_NE -= vectors_NE.mean(dim=0)
    return F.normalize(vectors_NE, dim=1)


@of("imagebind.centre", "You detached the mean, and part of the gradient is lost. Leave `detach` out.")
def mean_detached(vectors_NE):
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(unit_NE - unit_NE.mean(dim=0).detach(), dim=1)


@of("imagebind.centre", "You cut the result off from the vectors: something detached it. Leave that out.")
def centred_detached(vectors_NE):
    return centred(vectors_NE.detach())


@of("imagebind.centre", "You made the result float32, whatever the vectors were. Leave the dtype as it comes.")
def float32_centred(vectors_NE):
    return centred(vectors_NE.float())


# --- imagebind.combine ------------------------------------------------------------------------------------------------


def units(first_BE, second_BE):
    return F.normalize(first_BE, dim=1), F.normalize(second_BE, dim=1)


def weighted(first_BE, second_BE, share):
    return (1 - share) * first_BE + share * second_BE


@of("imagebind.combine", "You took the vectors as long as they came, so long ones count more. Normalise both first.")
def combined_as_they_came(first_BE, second_BE, share=0.5):
    return F.normalize(weighted(first_BE, second_BE, share), dim=1)


@of("imagebind.combine", "You did not bring the sum to length 1: it is shorter. Normalise once more at the end.")
def sum_not_normalised(first_BE, second_BE, share=0.5):
    return weighted(*units(first_BE, second_BE), share)


@of("imagebind.combine", "You normalised nothing. Bring both to length 1 before you add, and the sum again.")
def nothing_normalised_at_all(first_BE, second_BE, share=0.5):
    return weighted(first_BE, second_BE, share)


@of("imagebind.combine", "You normalised the first alone. Bring both to length 1 before you add.")
def only_first_normalised(first_BE, second_BE, share=0.5):
    return F.normalize(weighted(F.normalize(first_BE, dim=1), second_BE, share), dim=1)


@of("imagebind.combine", "You gave the share to the first. It is that of the second: the first has `1 - share`.")
def share_of_the_first(first_BE, second_BE, share=0.5):
    return combine(second_BE, first_BE, share)


@of("imagebind.combine", "You ignored the share: both count half. Weight them with `1 - share` and `share`.")
def share_ignored(first_BE, second_BE, share=0.5):
    return combine(first_BE, second_BE)


@of("imagebind.combine", "You gave a weight to the second alone. Give the first one too: `1 - share`.")
def first_without_weight(first_BE, second_BE, share=0.5):
    first_BE, second_BE = units(first_BE, second_BE)
    return F.normalize(first_BE + share * second_BE, dim=1)


HALF_OF_THE_FIRST = "You gave the first a weight of one half, whatever the share is. Give it `1 - share`"


@of("imagebind.combine", f"{HALF_OF_THE_FIRST}.")
def half_of_the_first(first_BE, second_BE, share=0.5):
    first_BE, second_BE = units(first_BE, second_BE)
    return F.normalize(0.5 * first_BE + share * second_BE, dim=1)


@of("imagebind.combine", f"{HALF_OF_THE_FIRST}, and bring both to length 1 before you add.")
def half_of_the_first_as_it_came(first_BE, second_BE, share=0.5):
    return F.normalize(0.5 * first_BE + share * second_BE, dim=1)


@of("imagebind.combine", f"{HALF_OF_THE_FIRST}, and bring the sum to length 1 again.")
def half_of_the_first_and_sum_not_normalised(first_BE, second_BE, share=0.5):
    first_BE, second_BE = units(first_BE, second_BE)
    return 0.5 * first_BE + share * second_BE


@of("imagebind.combine", f"{HALF_OF_THE_FIRST}, bring both to length 1 before you add, and the sum again.")
def half_of_the_first_and_nothing_normalised(first_BE, second_BE, share=0.5):
    return 0.5 * first_BE + share * second_BE


@of("imagebind.combine", NO_KEEPDIM.format(n="B"))
def combined_without_keepdim(first_BE, second_BE, share=0.5):
    return without_keepdim(weighted(without_keepdim(first_BE), without_keepdim(second_BE), share))


@of("imagebind.combine", WHOLE_MATRIX)
def combined_by_one_norm_each(first_BE, second_BE, share=0.5):
    return F.normalize(weighted(by_one_norm(first_BE), by_one_norm(second_BE), share), dim=1)


@of("imagebind.combine", WHOLE_MATRIX)
def sum_by_one_norm(first_BE, second_BE, share=0.5):
    return by_one_norm(weighted(*units(first_BE, second_BE), share))


@of("imagebind.combine", WHOLE_MATRIX)
def all_by_one_norm(first_BE, second_BE, share=0.5):
    return by_one_norm(weighted(by_one_norm(first_BE), by_one_norm(second_BE), share))


@of("imagebind.combine", "You multiplied the vectors, number by number. Add them, each with its weight.")
def multiplied(first_BE, second_BE, share=0.5):
    first_BE, second_BE = units(first_BE, second_BE)
    return F.normalize((1 - share) * first_BE * share * second_BE, dim=1)


@of("imagebind.combine", "You subtracted the second from the first. Add them, each with its weight.")
def subtracted(first_BE, second_BE, share=0.5):
    first_BE, second_BE = units(first_BE, second_BE)
    return F.normalize((1 - share) * first_BE - share * second_BE, dim=1)


@of("imagebind.combine", "You put the two side by side, [B, 2 E]. Add them: the sum lies in the same space.")
def side_by_side(first_BE, second_BE, share=0.5):
    first_BE, second_BE = units(first_BE, second_BE)
    return F.normalize(torch.cat([(1 - share) * first_BE, share * second_BE], dim=1), dim=1)


@of("imagebind.combine", "You took the larger number at each place. Add the vectors, each with its weight.")
def larger(first_BE, second_BE, share=0.5):
    first_BE, second_BE = units(first_BE, second_BE)
    return F.normalize(torch.maximum((1 - share) * first_BE, share * second_BE), dim=1)


@of(
    "imagebind.combine",
    "You went along the arc, by a share of the angle. Add the vectors, each with its weight, then normalise.",
)
def along_the_arc(first_BE, second_BE, share=0.5):
    first_BE, second_BE = units(first_BE, second_BE)
    angle_B1 = (first_BE * second_BE).sum(dim=1, keepdim=True).acos()
    return (((1 - share) * angle_B1).sin() * first_BE + (share * angle_B1).sin() * second_BE) / angle_B1.sin()


@of(
    "imagebind.combine",
    "You normalised over the pairs, axis 0. Bring each vector to length 1: `F.normalize(..., dim=1)`.",
)
def normalised_over_pairs(first_BE, second_BE, share=0.5):
    first_BE, second_BE = F.normalize(first_BE, dim=0), F.normalize(second_BE, dim=0)
    return F.normalize(weighted(first_BE, second_BE, share), dim=0)


@of(
    "imagebind.combine",
    "You divided by the sum of absolute numbers. Divide by the root of the sum of squares: `F.normalize(..., dim=1)`.",
)
def by_the_sum(first_BE, second_BE, share=0.5):
    first_BE, second_BE = F.normalize(first_BE, p=1, dim=1), F.normalize(second_BE, p=1, dim=1)
    return F.normalize(weighted(first_BE, second_BE, share), p=1, dim=1)


@of("imagebind.combine", "You joined all pairs to one vector, [E]. Give each pair a vector of its own, [B, E].")
def all_pairs_together(first_BE, second_BE, share=0.5):
    return F.normalize(weighted(*units(first_BE, second_BE), share).mean(dim=0), dim=0)


@of("imagebind.combine", "You normalised into the vectors that were given: `/=` writes into them. Make new ones.")
def combined_in_place(first_BE, second_BE, share=0.5):
    first_BE /= first_BE.norm(dim=1, keepdim=True)
    second_BE /= second_BE.norm(dim=1, keepdim=True)
    return F.normalize(weighted(first_BE, second_BE, share), dim=1)


@of("imagebind.combine", "You detached the second vectors. Let the gradient through to both.")
def second_detached(first_BE, second_BE, share=0.5):
    return combine(first_BE, second_BE.detach(), share)


@of("imagebind.combine", "You cut the result off from both vectors: something detached it. Leave that out.")
def combined_detached(first_BE, second_BE, share=0.5):
    return combine(first_BE, second_BE, share).detach()


@of("imagebind.combine", "You made the result float32, whatever the vectors were. Leave the dtype as it comes.")
def float32_combined(first_BE, second_BE, share=0.5):
    return combine(first_BE.float(), second_BE.float(), share)
