"""Lesson 03: ImageBind."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.course.answer import Answer
from mmlearn.course.catalog.vit import BLOCK, energy
from mmlearn.course.exercise import Exercise, Property
from mmlearn.course.probe import Case, Misuse

BLOCKS = 2
NORMS = ("stem_norm.weight", "stem_norm.bias", "norm_before.weight", "norm_before.bias")
EXTRA = tuple(f"blocks.{index}.attention.extra_{part}" for index in range(BLOCKS) for part in ("key", "value"))
BARE = ("class_token", "positions", "stem.linear.weight", "norm.weight", "norm.bias", "projection.weight")
PLAIN = (*BARE, *(f"blocks.{index}.{name}" for index in range(BLOCKS) for name in BLOCK))


def wordless(function: Callable) -> Callable:
    """The function, for what it must not refuse: where it does, the words of its error are ours.

    A mistake is known by its results, and the words of a refusal differ from learner to learner.
    """

    def called(*inputs):
        try:
            return function(*inputs)
        except ValueError as error:
            if "unpack" not in str(error):  # Python's own words: the learner refused nothing
                error.args = ("refused, and should not be",)
            raise

    return called


def probe_patches(overlapping_patches, case: Case) -> None:
    """A grid of 5 x 9 patches of 4 x 6 cells, which fill the spectrogram."""
    spectrograms_BCYX, kernel, stride = case.randn(7, 3, 16, 22), (4, 6), (3, 2)
    cut = wordless(overlapping_patches)
    patches = case.record("patches", lambda: case.call(cut, spectrograms_BCYX, kernel, stride))
    case.derive("rows", patches, lambda p_BNF: p_BNF.mean(dim=2))  # blind to the order inside a patch
    case.derive("inside", patches, lambda p_BNF: p_BNF.mean(dim=1))  # blind to the order of the patches
    # All that follows is blind to either order, so that each says one thing only.

    def sizes(signals_BCYX: Tensor, *sides: tuple[int, int]) -> Tensor:
        """The mean of the squares in each patch, the smallest first."""
        return case.call(cut, signals_BCYX, *sides).square().mean(dim=2).sort(dim=1).values

    # Two rows and one column are left over. Nothing overlaps, so that is all that differs from lesson 01.
    case.record("left_over", lambda: sizes(case.randn(7, 3, 14, 19), kernel, kernel))
    case.record("whole", lambda: sizes(case.randn(7, 3, 4, 6), kernel, stride))
    case.record(
        "gradient",
        lambda: case.gradient(lambda x: energy(cut(x, kernel, stride).mean(dim=2)), spectrograms_BCYX),
    )
    case.record("dtype", lambda: sizes(spectrograms_BCYX.double(), kernel, stride))
    case.record("refuses_height", lambda: case.call(overlapping_patches, case.randn(7, 3, 3, 22), kernel, stride))
    case.record("refuses_width", lambda: case.call(overlapping_patches, case.randn(7, 3, 16, 5), kernel, stride))


def probe_trunk(SignalTrunk, case: Case) -> None:
    """Spectrograms in 4 x 5 overlapping patches, pictures in 2 x 3, series in 11; vectors of 7 numbers."""
    from mmlearn.models.imagebind import SignalConfig

    parts = {"stem_norm": True, "extra_token": True}
    sounds = SignalConfig(12, BLOCKS, 3, size=(2, 13, 16), kernel=(4, 4), stride=(3, 3), norm_before=True, **parts)
    trunk, sounds_BCYX = case.fill(SignalTrunk(sounds, 7), (*PLAIN, *NORMS, *EXTRA)), case.randn(6, 2, 13, 16)
    read = wordless(trunk)
    case.record("forward", lambda: case.call(read, sounds_BCYX))
    case.record("gradient", lambda: case.gradient(lambda x: energy(read(x)), sounds_BCYX))
    case.record("learns", lambda: case.learning(trunk, energy(case.call(read, sounds_BCYX))))

    pictures = SignalConfig(12, BLOCKS, 3, size=(3, 8, 15), kernel=(4, 5))
    plain = case.fill(SignalTrunk(pictures, 7), PLAIN)
    case.record("plain", lambda: case.call(wordless(plain), case.randn(6, 3, 8, 15)))
    plain.positions.data.zero_()
    case.record("unplaced", lambda: case.call(wordless(plain), case.randn(6, 3, 8, 15)))
    bare = SignalConfig(12, 0, 3, size=(3, 8, 15), kernel=(4, 5), norm_before=True)
    bare = case.fill(SignalTrunk(bare, 7), (*BARE, *NORMS[2:]))
    case.record("bare", lambda: case.call(wordless(bare), case.randn(6, 3, 8, 15)))
    readings = SignalConfig(12, BLOCKS, 3, size=(5, 23), kernel=(3,), stride=(2,), **parts)
    series = case.fill(SignalTrunk(readings, 7), (*PLAIN, *NORMS[:2], *EXTRA))
    case.record("series", lambda: case.call(wordless(series), case.randn(6, 5, 23)))

    case.record("refuses_size", lambda: case.call(trunk, case.randn(6, 2, 13, 19)))
    # As many patches as expected, so nothing but a look at the sides tells.
    case.record("refuses_turned", lambda: case.call(trunk, case.randn(6, 2, 16, 13)))
    case.record("refuses_channels", lambda: case.call(trunk, case.randn(6, 1, 13, 16)))
    case.record("refuses_single", lambda: case.call(trunk, case.randn(2, 13, 16)))
    trunk.double()
    case.record("dtype", lambda: case.call(read, sounds_BCYX.double()))


def some_scales(case: Case, *names: str) -> dict[str, nn.Module]:
    """For each modality a scale of its own: about 2 for the first, 4 for the second, and so on."""
    from mmlearn.nn.contrastive import Similarity

    return {name: Similarity((2 + case.randn(1).abs().item() / 2) * 2**i) for i, name in enumerate(names)}


def mirrored(image_BE: Tensor, along_E: Tensor) -> Tensor:
    """Images seen in a mirror: vectors whose cosines with the images are the same when both sides are swapped."""
    along_E = F.normalize(along_E, dim=0)
    return image_BE - 2 * (image_BE @ along_E)[:, None] * along_E


def probe_loss(binding_loss, case: Case) -> None:
    """Four images, each with a text, a sound and a depth map; vectors of 6 numbers, all of length 1."""
    names = ("text", "audio", "depth")
    scales = some_scales(case, *names)
    raw = {name: case.randn(4, 6) for name in ("image", *names)}

    def bound(raw: dict[str, Tensor], scales: dict[str, nn.Module]) -> Tensor:
        """The loss of vectors that were brought to length 1 here; a change of the dictionary is noticed."""
        given = {name: F.normalize(vectors_BE, dim=1) for name, vectors_BE in raw.items()}
        before = dict(given)
        loss = binding_loss(given, scales)
        if list(given) != list(before) or any(given[name] is not before[name] for name in before):
            raise Misuse("changed its input", "`vectors` is another dictionary after the call: copy it first")
        return loss

    def record(name: str, raw: dict[str, Tensor], scales: dict[str, nn.Module] = scales) -> None:
        def call(*vectors: Tensor) -> Tensor:
            return bound(dict(zip(raw, vectors, strict=True)), scales)

        case.record(name, lambda: case.call(call, *raw.values()))

    record("loss", raw)
    record("one", {name: raw[name] for name in ("image", "audio")}, {"audio": scales["audio"]})
    record("even", raw, dict.fromkeys(names, scales["text"]))
    # Either direction alone gives the loss.
    record("mirrored", {"image": raw["image"]} | {name: mirrored(raw["image"], case.randn(6)) for name in names})
    record("any_order", {name: raw[name] for name in ("depth", "text", "image", "audio")})
    record("fewer", {name: raw[name] for name in ("image", "text", "depth")})
    case.record(
        "image_gradient", lambda: case.gradient(lambda image: bound({**raw, "image": image}, scales), raw["image"])
    )
    case.record(
        "other_gradient", lambda: case.gradient(lambda depth: bound({**raw, "depth": depth}, scales), raw["depth"])
    )
    case.record("learns", lambda: case.learning(nn.ModuleDict(scales), bound(raw, scales)))
    double = nn.ModuleDict(some_scales(case, *names)).double()
    record("dtype", {name: vectors_BE.double() for name, vectors_BE in raw.items()}, dict(double.items()))
    record("refuses_no_images", {name: raw[name] for name in names})
    record("refuses_images_alone", {"image": raw["image"]})


def some_vectors(case: Case, count: int, width: int) -> Tensor:
    """Vectors of very different lengths around a direction, so that they have a mean."""
    directions = case.randn(count, width) + 1.5 * F.normalize(case.randn(1, width), dim=1)
    return (0.2 + 3 * case.randn(count, 1).abs()) * F.normalize(directions, dim=1)


def probe_gap(modality_gap, case: Case) -> None:
    """Seven vectors of one modality and four of another, of 5 numbers."""
    first_NE, second_ME = some_vectors(case, 7, 5), some_vectors(case, 4, 5)
    unit_NE, unit_ME = F.normalize(some_vectors(case, 7, 5), dim=1), F.normalize(some_vectors(case, 4, 5), dim=1)
    case.record("gap", lambda: case.call(modality_gap, first_NE, second_ME))
    # Blind to the lengths that the vectors come with.
    case.record("unit", lambda: case.call(modality_gap, unit_NE, unit_ME))
    # One vector each, where the distance of means is the mean of distances.
    case.record("pair", lambda: case.call(modality_gap, first_NE[:1], second_ME[:1]))
    case.record("first_gradient", lambda: case.gradient(lambda x: modality_gap(x, unit_ME), unit_NE))
    case.record("second_gradient", lambda: case.gradient(lambda x: modality_gap(unit_NE, x), unit_ME))
    case.record("dtype", lambda: case.call(modality_gap, unit_NE.double(), unit_ME.double()))


def probe_centre(centred, case: Case) -> None:
    """Seven vectors of 5 numbers."""
    vectors_NE, unit_NE = some_vectors(case, 7, 5), F.normalize(some_vectors(case, 7, 5), dim=1)
    weights_NE = case.randn(7, 5)
    found = case.record("centred", lambda: case.call(centred, vectors_NE))
    case.derive("direction", found, lambda v_NE: F.normalize(v_NE, dim=1))  # blind to the length of the result
    # Blind to the lengths that the vectors come with.
    case.record("unit", lambda: case.call(centred, unit_NE))
    # A sum of squares would be 1 for every vector: nothing to follow.
    case.record("gradient", lambda: case.gradient(lambda v: (weights_NE * centred(v)).sum(), vectors_NE))
    case.record("dtype", lambda: case.call(centred, unit_NE.double()))


def probe_combine(combine, case: Case) -> None:
    """Four pairs of vectors of 5 numbers; the share of the second is about a quarter."""
    first_BE, second_BE = some_vectors(case, 4, 5), some_vectors(case, 4, 5)
    units = [F.normalize(some_vectors(case, 4, 5), dim=1) for _ in range(2)]
    share = 0.2 + case.integer(0, 10) / 100
    weights_BE = case.randn(4, 5)
    found = case.record("combined", lambda: case.call(combine, first_BE, second_BE, share))
    case.derive("direction", found, lambda v_BE: F.normalize(v_BE, dim=1))  # blind to the length of the result
    # Blind to the lengths that the vectors come with, and to which of them has the share.
    case.record("half", lambda: case.call(combine, *units))
    case.record("unit", lambda: case.call(combine, *units, share))
    case.record(
        "ends",
        lambda: torch.stack([case.call(combine, first_BE, second_BE, 0), case.call(combine, first_BE, second_BE, 1)]),
    )
    # A sum of squares would be 1 for every pair: nothing to follow.
    case.record(
        "first_gradient",
        lambda: case.gradient(lambda v: (weights_BE * combine(v, second_BE, share)).sum(), first_BE),
    )
    case.record(
        "second_gradient",
        lambda: case.gradient(lambda v: (weights_BE * combine(first_BE, v, share)).sum(), second_BE),
    )
    case.record("dtype", lambda: case.call(combine, *(vectors_BE.double() for vectors_BE in units)))


EXERCISES = [
    Exercise(
        slug="imagebind.patches",
        lesson="03",
        name="overlapping_patches",
        title="Patches that overlap",
        difficulty=2,
        minutes=20,
        points=3,
        hints=(
            "Take one axis first, on paper: 10 cells, patches of 4, one every 3. In which cells do patches begin, and "
            "which is the last beginning that leaves room for a whole patch? Say it with Y, P and the stride.",
            "Rows begin at `range(0, Y - P + 1, stride[0])`, columns alike with X, Q and `stride[1]`. Cut "
            "`spectrograms_BCYX[:, :, y : y + P, x : x + Q]` at every place, rows outside and columns inside, flatten "
            "each, and `torch.stack` them along axis 1. Or let torch cut: `F.unfold` gives [B, C * P * Q, N].",
            "`F.unfold(spectrograms_BCYX, kernel, stride=stride).transpose(1, 2)`. Before it, raise a `ValueError` if "
            "`kernel[0] > Y or kernel[1] > X`.",
        ),
        properties=(
            Property("patches", "projecting these patches is a convolution with this kernel and stride", weight=2),
            Property("rows", "the patches come row by row"),
            Property("inside", "inside a patch: channel, then row, then column"),
            Property("left_over", "side by side, what is left over at the end is in no patch"),
            Property("whole", "a spectrogram as large as one patch gives one patch"),
            Property("gradient", "the gradient at the spectrograms is right"),
            Property("dtype", "float64 spectrograms give the same in float64"),
            Property("refuses_height", "a kernel higher than the spectrogram raises a ValueError", needs="patches"),
            Property("refuses_width", "a kernel wider than the spectrogram raises a ValueError", needs="patches"),
        ),
        inputs="`spectrograms_BCYX` of shape [7, 3, 16, 22], `kernel` (4, 6) and `stride` (3, 2)",
        reference_path="mmlearn.nn.patches:overlapping_patches",
        trial=probe_patches,
    ),
    Exercise(
        slug="imagebind.trunk",
        lesson="03",
        name="SignalTrunk",
        title="A trunk for any signal",
        difficulty=3,
        minutes=25,
        points=4,
        hints=(
            "Follow the shapes: signals [B, *size], patches [B, N, D] out of the stem, tokens [B, 1 + N, D] with the "
            "class token, the same after every block, the class token's row [B, D], vectors [B, E].",
            "`self.class_token` is [D]; `self.class_token.expand(B, 1, -1)` is one for each signal, [B, 1, D]. Join it "
            "in front of the normed patches with `torch.cat([...], dim=1)`, then add `self.positions`, then comes "
            "`self.norm_before`. A part that a trunk does not have is an `nn.Identity`: call it all the same.",
            "`patches_BND = self.stem_norm(self.stem(signals))`; `x_BLD = self.norm_before(torch.cat([class_B1D, "
            "patches_BND], dim=1) + self.positions)`; the blocks in a loop; `return self.projection(self.norm(x_BLD[:, "
            "0]))`. Before all this, raise a `ValueError` if `signals.shape[1:] != self.size`.",
        ),
        properties=(
            Property("forward", "a spectrogram becomes the right vector", weight=2),
            Property("plain", "without the norms that not every trunk has, and without overlap, it is right"),
            Property("unplaced", "with positions of zero: stem, blocks, norm and projection are right"),
            Property("bare", "without blocks: class token and its position, both norms, projection"),
            Property("series", "the same code reads a series, which has one axis"),
            Property("gradient", "the gradient at the signals is right"),
            Property("learns", "a gradient of the right size reaches every parameter, class token and positions too"),
            Property("dtype", "float64 signals and weights give the same in float64"),
            Property("refuses_size", "a longer spectrogram raises a ValueError", needs="forward"),
            Property("refuses_turned", "a spectrogram on its side raises a ValueError", needs="forward"),
            Property("refuses_channels", "another number of channels raises a ValueError", needs="forward"),
            Property("refuses_single", "a single signal without a batch raises a ValueError", needs="forward"),
        ),
        inputs="`SignalTrunk(SignalConfig(12, 2, 3, size=(2, 13, 16), kernel=(4, 4), stride=(3, 3), stem_norm=True, "
        "extra_token=True, norm_before=True), embed_dim=7)` and `signals` of shape [6, 2, 13, 16]",
        reference_path="mmlearn.models.imagebind:SignalTrunk",
        uses=("SignalConfig", "StridedProjection", "StochasticDepthBlock", "SelfAttention", "ExtraTokenAttention"),
        methods=("forward",),
        trial=probe_trunk,
    ),
    Exercise(
        slug="imagebind.loss",
        lesson="03",
        name="binding_loss",
        title="Bound by images",
        difficulty=2,
        minutes=20,
        points=3,
        hints=(
            "Which pairs does the training data have? An image with each other modality, and no others. So the loss "
            'has one term for each key of `vectors` that is not `"image"`.',
            "`similarities[modality](image_BE, vectors[modality])` gives the scores [B, B] with the scale of this "
            "modality, and `symmetric_loss(scores_BB)` the loss of lesson 02, both ways. Add these up.",
            '`others = [name for name in vectors if name != "image"]`; raise a `ValueError` if `"image" not in vectors '
            'or not others`; then `return sum(symmetric_loss(similarities[name](vectors["image"], vectors[name])) for '
            "name in others)`.",
        ),
        properties=(
            Property("loss", "images are bound to three other modalities, and nothing else is", weight=2),
            Property("one", "with one other modality, it is the loss of lesson 02 with this scale"),
            Property("even", "where all scales are the same, the loss is right"),
            Property("mirrored", "where both directions give the same, the loss is right"),
            Property("any_order", "images may stand anywhere in the dictionary"),
            Property("fewer", "a modality that has a scale may be absent from the batch"),
            Property("image_gradient", "the gradient at the images is right"),
            Property("other_gradient", "the gradient at another modality is right"),
            Property("learns", "a gradient of the right size reaches each scale"),
            Property("dtype", "float64 vectors and scales give the same in float64"),
            Property("refuses_no_images", "vectors without images raise a ValueError", needs="loss"),
            Property("refuses_images_alone", "images alone raise a ValueError", needs="loss"),
        ),
        inputs='`vectors` of length 1 and shape [4, 6] under `"image"`, `"text"`, `"audio"` and `"depth"`, and a '
        "`Similarity` for each of the last three",
        reference_path="mmlearn.models.imagebind:binding_loss",
        uses=("Similarity", "symmetric_loss"),
        trial=probe_loss,
    ),
    Exercise(
        slug="imagebind.gap",
        lesson="03",
        name="modality_gap",
        title="The gap between two modalities",
        difficulty=1,
        minutes=10,
        points=2,
        hints=(
            "Three steps: bring every vector to length 1, take the mean vector of each modality, and measure how far "
            "these two lie apart.",
            "`F.normalize(first_NE, dim=1)`, then `.mean(dim=0)`, which is [E]. The distance of two vectors is the "
            "length of their difference: `.norm()`.",
            "`(F.normalize(first_NE, dim=1).mean(dim=0) - F.normalize(second_ME, dim=1).mean(dim=0)).norm()`",
        ),
        properties=(
            Property("gap", "it is the distance between the means of the unit vectors", weight=2),
            Property("unit", "for vectors of length 1 it is right"),
            Property("pair", "for one vector of each modality it is the distance of their directions"),
            Property("first_gradient", "the gradient at the first modality is right"),
            Property("second_gradient", "the gradient at the second modality is right"),
            Property("dtype", "float64 vectors give the same in float64"),
        ),
        inputs="`first_NE` of shape [7, 5] and `second_ME` of shape [4, 5]",
        reference_path="mmlearn.eval.space:modality_gap",
        trial=probe_gap,
    ),
    Exercise(
        slug="imagebind.centre",
        lesson="03",
        name="centred",
        title="Close the gap",
        difficulty=1,
        minutes=10,
        points=2,
        hints=(
            "Three steps: length 1, minus the mean vector, length 1 again. Over which axis does each of them run?",
            "The mean of all N vectors is one vector, [E]: `mean(dim=0)`. The length of a vector runs over its E "
            "numbers: `F.normalize(..., dim=1)`.",
            "`unit_NE = F.normalize(vectors_NE, dim=1)`, then `return F.normalize(unit_NE - unit_NE.mean(dim=0), "
            "dim=1)`.",
        ),
        properties=(
            Property("centred", "unit vectors minus their mean, of length 1 again", weight=2),
            Property("direction", "the directions are right"),
            Property("unit", "vectors of length 1 give the right result"),
            Property("gradient", "the gradient at the vectors is right, through the mean too"),
            Property("dtype", "float64 vectors give the same in float64"),
        ),
        inputs="`vectors_NE` of shape [7, 5]",
        reference_path="mmlearn.eval.space:centred",
        trial=probe_centre,
    ),
    Exercise(
        slug="imagebind.combine",
        lesson="03",
        name="combine",
        title="Add an image and a sound",
        difficulty=1,
        minutes=10,
        points=2,
        hints=(
            "Bring both to length 1 first, or the longer one counts more than its share. What you add up is shorter "
            "than 1, so normalise once more.",
            "`share` is that of the second: the first has `1 - share`.",
            "`first_BE, second_BE = F.normalize(first_BE, dim=1), F.normalize(second_BE, dim=1)`, then `return "
            "F.normalize((1 - share) * first_BE + share * second_BE, dim=1)`.",
        ),
        properties=(
            Property("combined", "the weighted sum of the unit vectors, of length 1 again", weight=2),
            Property("direction", "the directions are right"),
            Property("half", "unless told otherwise, both count half"),
            Property("unit", "vectors of length 1 give the right result"),
            Property("ends", "a share of 0 leaves the first alone, a share of 1 the second"),
            Property("first_gradient", "the gradient at the first vectors is right"),
            Property("second_gradient", "the gradient at the second vectors is right"),
            Property("dtype", "float64 vectors give the same in float64"),
        ),
        inputs="`first_BE` and `second_BE` of shape [4, 5], and a `share` between 0.2 and 0.3",
        reference_path="mmlearn.eval.space:combine",
        trial=probe_combine,
    ),
]

ANSWERS = [
    Answer(
        slug="imagebind.shared-space",
        lesson="03",
        title="What a shared space is",
        points=4,
        minutes=10,
        rubric=(
            (1, "What it means that vectors of several modalities share a space, and how one finds another in it"),
            (1, "The result that shows it for two modalities without a pair, beside its chance and its control"),
            (1, "What direct training on the pairs, or the middle modality, says about how far this goes"),
            (1, "What sharing does not mean, by the gap or by the mixed gallery"),
        ),
    ),
]
