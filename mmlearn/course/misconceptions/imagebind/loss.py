"""The loss that binds."""

import itertools

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.models.imagebind import binding_loss
from mmlearn.nn.contrastive import symmetric_loss

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


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


PAIRS_WITHOUT_IMAGES = (
    "You bound the other modalities to each other too. The data has no such pairs: bind each one to images alone."
)


def pairs(vectors):
    """Every two of the other modalities, in their order."""
    return itertools.combinations(others(vectors), 2)


def bound(vectors, similarity, first, second):
    return symmetric_loss(similarity(vectors[first], vectors[second]))


@of("imagebind.loss", PAIRS_WITHOUT_IMAGES)
def all_pairs(vectors, similarities):
    more = [bound(vectors, similarities[a], a, b) for a, b in pairs(vectors)]
    return binding_loss(vectors, similarities) + sum(more)


@of("imagebind.loss", PAIRS_WITHOUT_IMAGES)
def all_pairs_by_the_second_scale(vectors, similarities):
    more = [bound(vectors, similarities[b], a, b) for a, b in pairs(vectors)]
    return binding_loss(vectors, similarities) + sum(more)


@of("imagebind.loss", PAIRS_WITHOUT_IMAGES)
def all_pairs_both_ways(vectors, similarities):
    more = [bound(vectors, similarities[name], a, b) for a, b in pairs(vectors) for name in (a, b)]
    return binding_loss(vectors, similarities) + sum(more)


@of("imagebind.loss", PAIRS_WITHOUT_IMAGES)
def all_pairs_without_scale(vectors, similarities):
    more = [symmetric_loss(vectors[a] @ vectors[b].T) for a, b in pairs(vectors)]
    return binding_loss(vectors, similarities) + sum(more)


@of("imagebind.loss", PAIRS_WITHOUT_IMAGES)
def every_two_entries(vectors, similarities):
    others(vectors)
    return sum(bound(vectors, similarities[b], a, b) for a, b in itertools.combinations(vectors, 2))


TEXT_WITH_AUDIO = "You bound texts and sounds to each other. They meet through images alone: leave this pair out."


def where_both_are(vectors, loss):
    """What is added where a batch has texts and sounds."""
    return loss() if {"text", "audio"} <= set(vectors) else 0


@of("imagebind.loss", TEXT_WITH_AUDIO)
def text_and_audio_always(vectors, similarities):
    return binding_loss(vectors, similarities) + bound(vectors, similarities["audio"], "text", "audio")


@of("imagebind.loss", TEXT_WITH_AUDIO)
def text_and_audio_too(vectors, similarities):
    more = where_both_are(vectors, lambda: bound(vectors, similarities["audio"], "text", "audio"))
    return binding_loss(vectors, similarities) + more


@of("imagebind.loss", TEXT_WITH_AUDIO)
def text_and_audio_always_by_the_scale_of_texts(vectors, similarities):
    return binding_loss(vectors, similarities) + bound(vectors, similarities["text"], "text", "audio")


@of("imagebind.loss", TEXT_WITH_AUDIO)
def text_and_audio_by_the_scale_of_texts(vectors, similarities):
    more = where_both_are(vectors, lambda: bound(vectors, similarities["text"], "text", "audio"))
    return binding_loss(vectors, similarities) + more


def by_both_scales(vectors, similarities):
    return sum(bound(vectors, similarities[name], "text", "audio") for name in ("text", "audio"))


@of("imagebind.loss", TEXT_WITH_AUDIO)
def text_and_audio_always_both_ways(vectors, similarities):
    return binding_loss(vectors, similarities) + by_both_scales(vectors, similarities)


@of("imagebind.loss", TEXT_WITH_AUDIO)
def text_and_audio_both_ways(vectors, similarities):
    more = where_both_are(vectors, lambda: by_both_scales(vectors, similarities))
    return binding_loss(vectors, similarities) + more


def by_no_scale(vectors):
    return symmetric_loss(vectors["text"] @ vectors["audio"].T)


@of("imagebind.loss", TEXT_WITH_AUDIO)
def text_and_audio_always_without_scale(vectors, similarities):
    return binding_loss(vectors, similarities) + by_no_scale(vectors)


@of("imagebind.loss", TEXT_WITH_AUDIO)
def text_and_audio_without_scale(vectors, similarities):
    return binding_loss(vectors, similarities) + where_both_are(vectors, lambda: by_no_scale(vectors))


NAMED_IN_THE_CODE = (
    "You named the modalities in the code. A batch may have others, or lack some of these: go through `vectors`, and "
    'bind each that is not `"image"`.'
)


@of("imagebind.loss", NAMED_IN_THE_CODE)
def audio_alone(vectors, similarities):
    others(vectors)
    return symmetric_loss(scores(vectors, similarities, "audio"))


@of("imagebind.loss", NAMED_IN_THE_CODE)
def text_alone(vectors, similarities):
    others(vectors)
    return symmetric_loss(scores(vectors, similarities, "text"))


@of("imagebind.loss", NAMED_IN_THE_CODE)
def text_and_audio_alone(vectors, similarities):
    others(vectors)
    return sum(symmetric_loss(scores(vectors, similarities, name)) for name in ("text", "audio"))


@of(
    "imagebind.loss",
    "You bound each modality to the one before it, as in a chain. Bind each one to images: one side is always "
    '`vectors["image"]`.',
)
def in_a_chain(vectors, similarities):
    names = others(vectors)
    links = zip(["image", *names], names, strict=False)
    return sum(symmetric_loss(similarities[name](vectors[before], vectors[name])) for before, name in links)


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


@of(
    "imagebind.loss",
    "You took the half twice. It is inside `symmetric_loss`, the mean of both directions: do not halve again.",
)
def half_twice(vectors, similarities):
    return binding_loss(vectors, similarities) / 2


@of(
    "imagebind.loss",
    "You added up over the images of the batch. Take the mean over them, as `symmetric_loss` does.",
)
def sum_over_images(vectors, similarities):
    return len(vectors["image"]) * binding_loss(vectors, similarities)


@of("imagebind.loss", "You took the mean over the modalities. The loss is their sum: do not divide.")
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


@of(
    "imagebind.loss",
    "You took plain cosines, without the scales. Get the scores from `similarities[name]`.",
)
def no_scale(vectors, similarities):
    return sum(symmetric_loss(vectors["image"] @ vectors[name].T) for name in others(vectors))


@of(
    "imagebind.loss",
    "You gave vectors to `symmetric_loss`, and it takes scores [B, B]. Make them first: `similarities[name]"
    '(vectors["image"], vectors[name])`.',
)
def vectors_for_scores(vectors, similarities):
    return sum(symmetric_loss(vectors["image"], vectors[name]) for name in others(vectors))


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
    "You cut the scales off by `detach` or `.item()`: they would never learn. Call `similarities[name]`.",
)
def scales_detached(vectors, similarities):
    return sum(
        symmetric_loss(similarities[name].log_scale.exp().detach() * vectors["image"] @ vectors[name].T)
        for name in others(vectors)
    )


@of("imagebind.loss", "You gave the last term alone: `=` stands where `+=` belongs. Add up over all modalities.")
def last_alone(vectors, similarities):
    return symmetric_loss(scores(vectors, similarities, others(vectors)[-1]))


@of("imagebind.loss", "You gave the first term alone: `return` stands inside the loop. Put it after the loop.")
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


@of(
    "imagebind.loss",
    "You cut the loss off from the vectors, by `detach`, `no_grad` or a new `torch.tensor(losses)`. Add up the losses "
    "themselves: `torch.stack(losses).sum()`.",
)
def detached_loss(vectors, similarities):
    return binding_loss(vectors, similarities).detach()


PYTHON_NUMBERS = "You made Python numbers, by `.item()` or `float`: they have no gradient. Add up the tensors."


@of("imagebind.loss", PYTHON_NUMBERS)
def python_number(vectors, similarities):
    return binding_loss(vectors, similarities).item()


@of("imagebind.loss", PYTHON_NUMBERS)
def python_number_as_tensor(vectors, similarities):
    return torch.tensor(binding_loss(vectors, similarities).item())


@of("imagebind.loss", "Your loss has the shape [1]. Make it a scalar: begin the sum with 0, not with `torch.zeros(1)`.")
def axis_of_length_one(vectors, similarities):
    return binding_loss(vectors, similarities)[None]


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
    "Everything else is right. Where images or partners are missing, raise a `ValueError` before you compute anything.",
)
def no_refusal(vectors, similarities):
    return sum(symmetric_loss(scores(vectors, similarities, name)) for name in vectors if name != "image")
