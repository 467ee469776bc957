"""The loss that binds, and the geometry of the shared space."""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.eval.space import centred, combine, modality_gap
from mmlearn.models.imagebind import binding_loss
from mmlearn.nn.contrastive import symmetric_loss

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


# --- imagebind.loss ---------------------------------------------------------------------------------------------------


def others(vectors):
    """The refusals, and the names of all but images."""
    names = [name for name in vectors if name != "image"]
    if "image" not in vectors or not names:
        raise ValueError("images and one more, please")
    return names


def scores(vectors, similarities, name):
    return similarities[name](vectors["image"], vectors[name])


def rows(scores_BB):
    return F.cross_entropy(scores_BB, torch.arange(len(scores_BB)))


@of(
    "imagebind.loss",
    "You bound the other modalities to each other too. The data has no such pairs: bind each one to images alone.",
)
def all_pairs(vectors, similarities):
    names, total = others(vectors), binding_loss(vectors, similarities)
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            total = total + symmetric_loss(similarities[name](vectors[name], vectors[other]))
    return total


@of(
    "imagebind.loss",
    "You bound texts and sounds to each other. They meet through images alone: leave this pair out.",
)
def text_and_audio_too(vectors, similarities):
    total = binding_loss(vectors, similarities)
    if {"text", "audio"} <= set(vectors):
        total = total + symmetric_loss(similarities["audio"](vectors["text"], vectors["audio"]))
    return total


@of(
    "imagebind.loss",
    "You bound each modality to the one before it, as in a chain. Bind each one to images.",
)
def in_a_chain(vectors, similarities):
    names = others(vectors)
    pairs = zip(["image", *names], names, strict=False)
    return sum(symmetric_loss(similarities[name](vectors[before], vectors[name])) for before, name in pairs)


@of("imagebind.loss", "You compared images with images. Compare them with `vectors[name]`.")
def images_with_images(vectors, similarities):
    return sum(symmetric_loss(similarities[name](vectors["image"], vectors["image"])) for name in others(vectors))


@of("imagebind.loss", 'You compared each modality with itself. One side is always `vectors["image"]`.')
def each_with_itself(vectors, similarities):
    return sum(symmetric_loss(similarities[name](vectors[name], vectors[name])) for name in others(vectors))


@of(
    "imagebind.loss",
    "You took one direction: each image finds its partner. Take `symmetric_loss`, in which each partner finds its "
    "image too.",
)
def images_find_partners(vectors, similarities):
    return sum(rows(scores(vectors, similarities, name)) for name in others(vectors))


@of(
    "imagebind.loss",
    "You took one direction: each partner finds its image. Take `symmetric_loss`, in which each image finds its "
    "partner too.",
)
def partners_find_images(vectors, similarities):
    return sum(rows(scores(vectors, similarities, name).T) for name in others(vectors))


@of("imagebind.loss", "You added the two directions. `symmetric_loss` takes their mean: use it as it is.")
def directions_added(vectors, similarities):
    return 2 * binding_loss(vectors, similarities)


@of("imagebind.loss", "You took the mean over the modalities. The loss is their sum.")
def mean_over_modalities(vectors, similarities):
    return binding_loss(vectors, similarities) / len(others(vectors))


@of("imagebind.loss", "You divided by the number of modalities, images among them. The loss is a sum: do not divide.")
def mean_over_all_modalities(vectors, similarities):
    return binding_loss(vectors, similarities) / len(vectors)


@of(
    "imagebind.loss",
    "You used one scale for all modalities. Each has its own, `similarities[name]`: some must be told apart more "
    "sharply than others.",
)
def one_scale_for_all(vectors, similarities):
    first, *_ = similarities.values()
    return sum(symmetric_loss(first(vectors["image"], vectors[name])) for name in others(vectors))


@of(
    "imagebind.loss",
    "You took `vectors` and `similarities` side by side, and images have no scale: each modality got another one's. "
    "Look the scale up by its name, `similarities[name]`.",
)
def scales_by_place(vectors, similarities):
    pairs = zip(others(vectors), reversed(list(similarities.values())), strict=False)
    return sum(symmetric_loss(similarity(vectors["image"], vectors[name])) for name, similarity in pairs)


@of("imagebind.loss", "You left the scales out: cosines alone, from -1 to 1. Call `similarities[name]`.")
def no_scale(vectors, similarities):
    return sum(symmetric_loss(vectors["image"] @ vectors[name].T) for name in others(vectors))


@of(
    "imagebind.loss",
    "You multiplied by the logarithm of the scale. `similarities[name](...)` takes its exponential: call it.",
)
def logarithm_of_scale(vectors, similarities):
    return sum(
        symmetric_loss(similarities[name].log_scale * vectors["image"] @ vectors[name].T) for name in others(vectors)
    )


@of("imagebind.loss", "You multiplied by the scale twice. `similarities[name](...)` has done it: use its scores.")
def scale_twice(vectors, similarities):
    return sum(
        symmetric_loss(similarities[name].log_scale.exp() * scores(vectors, similarities, name))
        for name in others(vectors)
    )


@of(
    "imagebind.loss",
    "You divided by the scale. It is the reciprocal of the temperature, so it multiplies: call `similarities[name]`.",
)
def divided_by_scale(vectors, similarities):
    return sum(
        symmetric_loss(vectors["image"] @ vectors[name].T / similarities[name].log_scale.exp())
        for name in others(vectors)
    )


@of(
    "imagebind.loss",
    "You cut the scales off by `detach` or `.item()`: those that are learned would stay. Call `similarities[name]`.",
)
def scales_detached(vectors, similarities):
    return sum(
        symmetric_loss(similarities[name].log_scale.exp().detach() * vectors["image"] @ vectors[name].T)
        for name in others(vectors)
    )


@of("imagebind.loss", "You gave the last term alone: `=` stands where `+=` belongs. Add up over all modalities.")
def last_alone(vectors, similarities):
    return symmetric_loss(scores(vectors, similarities, others(vectors)[-1]))


@of("imagebind.loss", "You gave the first term alone: `return` stands inside the loop. Put it behind.")
def first_alone(vectors, similarities):
    return symmetric_loss(scores(vectors, similarities, others(vectors)[0]))


@of("imagebind.loss", "You returned one loss for each modality. Add them up: the loss is one number.")
def one_for_each(vectors, similarities):
    return torch.stack([symmetric_loss(scores(vectors, similarities, name)) for name in others(vectors)])


@of("imagebind.loss", "You returned a list of losses. Add them up: the loss is one number.")
def list_of_losses(vectors, similarities):
    return [symmetric_loss(scores(vectors, similarities, name)) for name in others(vectors)]


@of(
    "imagebind.loss",
    "You added up the scores and took one loss of them. Take the loss of each modality, then add.",
)
def scores_added(vectors, similarities):
    return symmetric_loss(sum(scores(vectors, similarities, name) for name in others(vectors)))


@of(
    "imagebind.loss",
    'You took the first entry of the dictionary for images. Ask for them by name: `vectors["image"]`.',
)
def first_entry_as_images(vectors, similarities):
    others(vectors)
    first, *names = vectors
    return sum(symmetric_loss(similarities[name](vectors[first], vectors[name])) for name in names)


@of(
    "imagebind.loss",
    "You went through `similarities`, where a modality may stand that this batch lacks. Go through `vectors`.",
)
def all_scales_at_once(vectors, similarities):
    others(vectors)
    return sum(symmetric_loss(scores(vectors, similarities, name)) for name in similarities)


@of(
    "imagebind.loss",
    'You asked for the scale of images, and they have none. Leave `"image"` out of the loop.',
)
def images_in_the_loop(vectors, similarities):
    return sum(symmetric_loss(scores(vectors, similarities, name)) for name in vectors)


@of(
    "imagebind.loss",
    "You took images out of the dictionary that was given, and the caller finds it without them. Leave it as it is.",
)
def images_popped(vectors, similarities):
    others(vectors)
    image_BE = vectors.pop("image")
    return sum(symmetric_loss(similarities[name](image_BE, vectors[name])) for name in vectors)


@of(
    "imagebind.loss",
    "You detached the images. Whether their trunk learns is decided elsewhere: let the gradient through.",
)
def images_detached(vectors, similarities):
    return binding_loss({**vectors, "image": vectors["image"].detach()} if others(vectors) else {}, similarities)


@of("imagebind.loss", "You detached the other modalities, and their trunks would learn nothing. Leave that out.")
def others_detached(vectors, similarities):
    kept = {name: vectors[name].detach() for name in others(vectors)}
    return binding_loss({"image": vectors["image"], **kept}, similarities)


@of("imagebind.loss", "You cut the loss off from the vectors: `.item()` or `detach` stops the gradient. Leave it out.")
def detached_loss(vectors, similarities):
    return binding_loss(vectors, similarities).detach()


@of("imagebind.loss", "You made the loss float32, whatever the vectors were. Leave the dtype as it comes.")
def float32_loss(vectors, similarities):
    return binding_loss(vectors, similarities).float()


@of(
    "imagebind.loss",
    "Everything else is right. Without images, the dictionary raises a `KeyError`: look first, and raise a "
    "`ValueError`.",
)
def images_left_to_the_dictionary(vectors, similarities):
    names = [name for name in vectors if name != "image"]
    if not names:
        raise ValueError("images alone")
    return sum(symmetric_loss(scores(vectors, similarities, name)) for name in names)


@of(
    "imagebind.loss",
    "Everything else is right. With images alone there is nothing to bind, and you give 0: raise a `ValueError`.",
)
def zero_for_images_alone(vectors, similarities):
    if "image" not in vectors:
        raise ValueError("no images")
    return sum(symmetric_loss(scores(vectors, similarities, name)) for name in vectors if name != "image")


@of(
    "imagebind.loss",
    "Everything else is right. Where images or partners are missing, raise a `ValueError` before anything is computed.",
)
def no_refusal(vectors, similarities):
    return sum(symmetric_loss(scores(vectors, similarities, name)) for name in vectors if name != "image")


# --- imagebind.gap ----------------------------------------------------------------------------------------------------


def means(first_NE, second_ME):
    return [F.normalize(vectors, dim=1).mean(dim=0) for vectors in (first_NE, second_ME)]


@of(
    "imagebind.gap",
    "You took the mean of the distances of all pairs. Take the distance of the means: first `mean`, then `norm`.",
)
def mean_of_distances(first_NE, second_ME):
    return torch.cdist(F.normalize(first_NE, dim=1), F.normalize(second_ME, dim=1)).mean()


@of(
    "imagebind.gap",
    "You took the distances item by item. The items are no partners, and not as many: take the means first.",
)
def distances_by_item(first_NE, second_ME):
    return (F.normalize(first_NE, dim=1) - F.normalize(second_ME, dim=1)).norm(dim=1).mean()


@of("imagebind.gap", "You took the vectors as long as they came. Bring each to length 1 first: `F.normalize`.")
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


@of("imagebind.gap", "You added up absolute differences. The Euclidean distance is the root of squares: `.norm()`.")
def absolute(first_NE, second_ME):
    first_E, second_E = means(first_NE, second_ME)
    return (first_E - second_E).abs().sum()


@of("imagebind.gap", "You took the largest difference. The Euclidean distance is the root of squares: `.norm()`.")
def largest(first_NE, second_ME):
    first_E, second_E = means(first_NE, second_ME)
    return (first_E - second_E).abs().max()


@of("imagebind.gap", "You added up the vectors. Take their means, or the gap grows with the number of items.")
def sums(first_NE, second_ME):
    return (F.normalize(first_NE, dim=1).sum(dim=0) - F.normalize(second_ME, dim=1).sum(dim=0)).norm()


@of("imagebind.gap", "You took the mean over the numbers of a vector. Take it over the items: `mean(dim=0)`.")
def mean_over_numbers(first_NE, second_ME):
    return (F.normalize(first_NE, dim=1).mean(dim=1) - F.normalize(second_ME, dim=1).mean(dim=1)).norm()


@of("imagebind.gap", "You took one mean number of all. Take the mean vector: `mean(dim=0)`.")
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


@of("imagebind.gap", "You returned a number of Python, by `.item()` or `float`. Return the tensor.")
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


@of("imagebind.centre", "You took the vectors as long as they came. Bring each to length 1 before the mean.")
def not_normalised_first(vectors_NE):
    return F.normalize(around(vectors_NE), dim=1)


@of("imagebind.centre", "You did not bring the result to length 1. Normalise again after the mean is subtracted.")
def not_normalised_after(vectors_NE):
    return around(F.normalize(vectors_NE, dim=1))


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


@of("imagebind.centre", "You took one mean number of all. Take the mean vector: `mean(dim=0)`.")
def mean_of_both_axes(vectors_NE):
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(unit_NE - unit_NE.mean(), dim=1)


@of("imagebind.centre", "You divided by the deviation too. That also turns directions: subtract the mean alone.")
def divided_by_deviation(vectors_NE):
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(around(unit_NE) / unit_NE.std(dim=0), dim=1)


@of(
    "imagebind.centre",
    "You standardised the numbers, to mean 0 and deviation 1. Bring vectors to length 1, subtract their mean, and "
    "bring them to length 1 again.",
)
def standardised(vectors_NE):
    return around(vectors_NE) / vectors_NE.std(dim=0)


@of("imagebind.centre", "You added the mean. Subtract it: what all vectors share is to go.")
def mean_added(vectors_NE):
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(unit_NE + unit_NE.mean(dim=0), dim=1)


@of("imagebind.centre", "You subtracted each vector from the mean, and all of them point backwards. Turn it round.")
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
    "You subtracted the mean of the vectors as they came from vectors of length 1. Take the mean of these too.",
)
def mean_of_raw_vectors(vectors_NE):
    return F.normalize(F.normalize(vectors_NE, dim=1) - vectors_NE.mean(dim=0), dim=1)


@of("imagebind.centre", "You took the part along the mean away. Subtract the mean itself, the same from every vector.")
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


@of("imagebind.centre", "You detached the mean, so the gradient is another one. Take it as it comes.")
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


@of("imagebind.combine", "You did not bring the sum to length 1: it is shorter. Normalise it again.")
def sum_not_normalised(first_BE, second_BE, share=0.5):
    return weighted(*units(first_BE, second_BE), share)


@of("imagebind.combine", "You normalised nothing. Bring both to length 1 first, and the sum again.")
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


@of("imagebind.combine", "You gave a weight to the second alone. The first has one too: `1 - share`.")
def first_without_weight(first_BE, second_BE, share=0.5):
    first_BE, second_BE = units(first_BE, second_BE)
    return F.normalize(first_BE + share * second_BE, dim=1)


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


@of("imagebind.combine", "You took the larger number of each place. Add the vectors, each with its weight.")
def larger(first_BE, second_BE, share=0.5):
    first_BE, second_BE = units(first_BE, second_BE)
    return F.normalize(torch.maximum((1 - share) * first_BE, share * second_BE), dim=1)


@of(
    "imagebind.combine",
    "You went along the arc, by share of the angle. Here the straight sum is meant: add, then normalise.",
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
    "imagebind.combine", "You divided by the sum of absolute numbers. The length is the root of squares: `F.normalize`."
)
def by_the_sum(first_BE, second_BE, share=0.5):
    first_BE, second_BE = F.normalize(first_BE, p=1, dim=1), F.normalize(second_BE, p=1, dim=1)
    return F.normalize(weighted(first_BE, second_BE, share), p=1, dim=1)


@of("imagebind.combine", "You added all pairs up, [E]. Each pair gives a vector of its own, [B, E].")
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
