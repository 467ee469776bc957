"""Every exercise: right solutions pass on 20 of 20 seeds, wrong ones fail on 20 of 20 and are recognised."""

import signal
from contextlib import contextmanager

import pytest
import torch
from mutants import mutants
from variants import VARIANTS

from mmlearn.course import exercises
from mmlearn.course.registry import find

SEEDS = range(20)
ALL = exercises()
SLUGS = [exercise.slug for exercise in ALL]
RIGHT = [(e, code) for e in ALL for code in (e.reference, *VARIANTS.get(e.slug, ()))]
WRONG = [(e, m) for e in ALL for m in e.misconceptions]

# Mutants that no check can tell from the reference, and why.
SAME_SWAP = "swapping two axes does not depend on the order in which they are named"
IS_STILL = "video and signals.shape[1:] == still"
AS_VIDEO = "signals.unsqueeze(2).expand(-1, -1, self.size[1], -1, -1)"
IMAGE, OTHER, SCALE = "vectors['image']", "vectors[modality]", "similarities[modality]"
UNKNOWN = "f\"there is no modality {modality!r} here; there are {', '.join(there)}\""
EITHER_ORDER = "the smaller or larger of two does not depend on their order"
ODD = "raise ValueError(f'the length of the Fourier transform must be even, not {fft}')"
BAND = "raise ValueError(f'filters need 0 <= fmin < fmax <= {rate / 2:g}, half the rate; got {fmin:g} and {fmax:g}')"
DEVICE = "torch.get_default_device()"
SLANEY = "torch.where(mel < SLANEY_BREAK_MEL, line, SLANEY_BREAK_HERTZ * (above * SLANEY_STEP).exp())"
FLOOR = "log_BMF.amax(dim=(1, 2), keepdim=True) - 8"
WINDOWS = "(x_BCT.shape[-1] - span) // stride + 1"
CROSS = "(2 * x_ND @ entries_KD.T).neg_()"
NEAREST = f"{CROSS}.add_(squares_N1).add_(squares_1K).argmin(1)"
TERMS = "torch.stack([norm * w / sum(weights) * g / (length + EPSILON) for g, length, w in terms])"
EXPLAINED = {
    "vit.attention": {
        "split: t.unflatten(-1, (self.heads, -1)).transpose(1, 2) -> "
        "t.unflatten(-1, (self.heads, -1)).transpose(2, 1)": SAME_SWAP,
        "weights: k_BHNd.transpose(-2, -1) -> k_BHNd.transpose(-1, -2)": SAME_SWAP,
        "forward: y_BHNd.transpose(1, 2) -> y_BHNd.transpose(2, 1)": SAME_SWAP,
    },
    "vit.projection": {
        "forward: projected_BDYX.flatten(2).transpose(1, 2) -> projected_BDYX.flatten(2).transpose(2, 1)": SAME_SWAP,
    },
    "vit.model": {
        "project: list(images_BCYX.shape) -> images_BCYX.shape": "the message gives the same numbers",
        "project: self.config -> self.projection": "the projection knows its channels too",
    },
    "vit.interpolate": {
        "grid_1DYX.flatten(2).transpose(1, 2) -> grid_1DYX.flatten(2).transpose(2, 1)": SAME_SWAP,
    },
    "clip.causal": {
        "weights: k_BHNd.transpose(-2, -1) -> k_BHNd.transpose(-1, -2)": SAME_SWAP,
        "forward: y_BHNd.transpose(1, 2) -> y_BHNd.transpose(2, 1)": SAME_SWAP,
    },
    "clip.loss": {
        "list(scores_BB.shape) -> scores_BB.shape": "the message gives the same numbers",
    },
    "imagebind.trunk": {
        **dict.fromkeys(
            (
                "moving: len(self.size) -> self.size",
                *("moving: 4 -> 5", "moving: 4 -> 3", "moving: 0 -> 1", "moving: 0 -> -1"),
                *("moving: 2 -> 3", "moving: 2 -> 1", "moving: 1 -> 2", "moving: 1 -> 0"),
                f"moving: if {IS_STILL}:\n    return {AS_VIDEO} -> (removed)",
                f"moving: {IS_STILL} -> video or signals.shape[1:] == still",
                f"moving: {IS_STILL} -> video",
                f"moving: {IS_STILL} -> signals.shape[1:] == still",
                f"moving: return {AS_VIDEO} -> return {AS_VIDEO}.detach()",
                f"moving: return {AS_VIDEO} -> return -{AS_VIDEO}",
                f"moving: {AS_VIDEO} -> signals.unsqueeze(2)",
                f"moving: {AS_VIDEO} -> signals.unsqueeze(2).expand(-1, self.size[1], -1, -1, -1)",
                f"moving: {AS_VIDEO} -> signals.unsqueeze(2).expand(-1, -1, -1, self.size[1], -1)",
                "moving: signals.unsqueeze(2) -> signals",
            ),
            "only a trunk of videos gets there or sees a difference; the exercise has none",
        ),
        **dict.fromkeys(
            (
                "moving: ' or '.join((f\"[B, {', '.join(map(str, size))}]\" for size in "
                "([self.size, still] if video else [self.size]))) -> ' or '",
                "moving: ', '.join(map(str, size)) -> ', '",
                "moving: list(signals.shape) -> signals.shape",
            ),
            "the exercise asks for the kind of error, not for its words",
        ),
        "head: self.dropout(self.norm(x_BD)) -> self.norm(x_BD)": "the trunks of the exercise have no dropout",
    },
    "imagebind.loss": {
        "list(vectors) -> vectors": "the message gives the same names",
        f"contrastive_loss({IMAGE}, {OTHER}, {SCALE}) -> contrastive_loss({OTHER}, {IMAGE}, {SCALE})": (
            "the scores are turned, and the loss sees both directions"
        ),
        **dict.fromkeys(
            (
                "_known(modality, similarities) -> (removed)",
                "_known(modality, similarities) -> modality",
                f"_known: if modality not in there:\n    raise ValueError({UNKNOWN}) -> (removed)",
                f"_known: raise ValueError({UNKNOWN}) -> (removed)",
                f"_known: ValueError({UNKNOWN}) -> {UNKNOWN}",
                "_known: ', '.join(there) -> ', '",
            ),
            "the exercise leaves open what happens to a modality without a scale",
        ),
    },
    "mel.alias": {
        "return (hertz - rate * torch.round(hertz / rate)).abs() -> "
        "return (hertz - rate * torch.round(hertz / rate)).abs().detach()": (
            "the exercise asks for no gradient: torch has none of `//`, by which it can be solved"
        ),
    },
    "mel.windows": dict.fromkeys(
        (
            *("2 * half -> 2 / half", "2 * half -> 2", "2 * half -> half", "2 -> 3", "2 -> 1"),
            *("half + 1 -> half - 1", "half + 1 -> half", "half + 1 -> 1", "1 -> 2", "1 -> 0"),
        ),
        "they stand in the message, and the exercise asks for the kind of error, not for its words",
    ),
    "mel.fourier": {"t_W[:, None] * k_K % W -> t_W[:, None] * k_K": "whole turns change no wave"},
    "mel.scale": {
        "hertz.clamp(min=SLANEY_BREAK_HERTZ) -> hertz": "below the break the line is taken",
        "_known: ', '.join(SCALES) -> ', '": "the exercise asks for the kind of error, not for its words",
    },
    "mel.filters": {
        **dict.fromkeys(
            (
                *(f"if fft % 2:\n    {ODD} -> (removed)", f"{ODD} -> (removed)"),
                f"{ODD.removeprefix('raise ')} -> {ODD.removeprefix('raise ValueError(')[:-1]}",
                *(f"if not 0 <= fmin < fmax <= rate / 2:\n    {BAND} -> (removed)", f"{BAND} -> (removed)"),
                f"{BAND.removeprefix('raise ')} -> {BAND.removeprefix('raise ValueError(')[:-1]}",
                *("0 -> -1", "2 -> 1", "2 -> 3", "rate / 2 -> rate * 2", "rate / 2 -> rate", "rate / 2 -> 2"),
            ),
            "they are what is refused, and its words; the exercise asks for no refusal",
        ),
        **dict.fromkeys(
            (
                *(f"device or {DEVICE} -> {other}" for other in (f"device and {DEVICE}", "device", DEVICE)),
                "dtype or torch.get_default_dtype() -> torch.get_default_dtype()",
            ),
            "the exercise has neither argument, and the defaults are the CPU and float32",
        ),
        **dict.fromkeys(
            (
                f"return filters_MK.to(device=device or {DEVICE}, dtype=dtype or torch.get_default_dtype()) -> "
                f"return filters_MK.to(device=device or {DEVICE}, dtype=dtype or torch.get_default_dtype()).detach()",
                "mel_to_hertz: return 700 * (10 ** (mel / 2595) - 1) -> "
                "return (700 * (10 ** (mel / 2595) - 1)).detach()",
                f"mel_to_hertz: return {SLANEY} -> return {SLANEY}.detach()",
            ),
            "filters come of numbers, so there is no gradient",
        ),
        **dict.fromkeys(
            (
                "mel_to_hertz: (mel - SLANEY_BREAK_MEL).clamp(min=0) -> mel - SLANEY_BREAK_MEL",
                "mel_to_hertz: 0 -> -1",
            ),
            "below the break the line is taken",
        ),
        "mel_to_hertz: _known(scale) -> scale": "`hertz_to_mel` has refused the scale before",
        "hertz_to_mel(torch.tensor([fmin, fmax], **exact), scale).tolist() -> "
        "hertz_to_mel(torch.tensor([fmin, fmax], **exact), scale)": "`torch.linspace` takes tensors as well",
        "torch.minimum(rising_MK, falling_MK) -> torch.minimum(falling_MK, rising_MK)": EITHER_ORDER,
    },
    "mel.whisper": {f"torch.maximum(log_BMF, {FLOOR}) -> torch.maximum({FLOOR}, log_BMF)": EITHER_ORDER},
    "mel.overlap-add": {
        "'Parts at their places, without the half window at the beginning and what lies behind the end.' -> "
        "(removed)": "it is a docstring",
        **dict.fromkeys(("1 -> 2", "0 -> -1"), "there is one row and one channel: the first is the last, at any step"),
    },
    "encodec.stream": {
        **dict.fromkeys(
            (
                "(weight_DCK.shape[2] - 1) * dilation -> weight_DCK.shape[2] - 1",
                "(x_BCT.shape[-1] - span) // stride -> (x_BCT.shape[-1] - span) * stride",
                "(x_BCT.shape[-1] - span) // stride -> x_BCT.shape[-1] - span",
                "windows * stride -> windows",
            ),
            "the exercise has neither a stride nor a dilation: both are 1",
        ),
        **dict.fromkeys(("1 -> 2", "1 -> 0"), "where nothing is held, there is nothing to join in either way"),
        f"max(0, {WINDOWS}) -> max({WINDOWS}, 0)": "the larger of two does not depend on their order",
        "0 -> -1": "with all samples held, there are never fewer than no windows",
    },
    "encodec.quantise": {
        **dict.fromkeys(
            (
                "nearest: x_ND.square() -> x_ND",
                f"nearest: {CROSS}.add_(squares_N1) -> {CROSS}",
            ),
            "what is added to all distances of a vector alike does not change which is the smallest",
        ),
        f"nearest: return {NEAREST} -> return {NEAREST}.detach()": "whole numbers have no gradient",
    },
    "encodec.averages": {
        **dict.fromkeys(
            (
                "_add_up(new_KD, new_K) -> (removed)",
                "_add_up(new_KD, new_K) -> new_KD",
                "_add_up(new_KD, new_K) -> _add_up(new_K, new_KD)",
                "_add_up: for tensor in tensors if _several() else ():\n    torch.distributed.all_reduce(tensor) -> "
                "(removed)",
                "_add_up: torch.distributed.all_reduce(tensor) -> (removed)",
                "_add_up: torch.distributed.all_reduce(tensor) -> torch.distributed",
            ),
            "the exercise runs in one process",
        ),
        **dict.fromkeys(
            ("new_KD.to(sums_KD.dtype) -> new_KD", "new_K.to(counts_K.dtype) -> new_K"),
            "the exercise has latents and averages of one dtype",
        ),
        "gather: 0 -> -1": "the counts have one axis: the first is the last",
    },
    "encodec.balancer": {
        "lengths.unbind() -> lengths": "a loop over a tensor gives its parts too",
        f"return {TERMS}.sum(0) -> return {TERMS}.sum(0).detach()": (
            "gradients are made of losses without a graph of their own: there is nothing to cut off"
        ),
    },
}


SECONDS = 1  # of the processor, for all seeds; a right solution takes a tenth of it


def name_of(case) -> str:
    return f"{case[0].slug}-{getattr(case[1], 'name', None) or case[1].__name__}"


def matrix_row(request, exercise, kind: str, name: str, grades) -> None:
    """Hand a row of the kill matrix to conftest.py, which prints them together."""
    killed = {
        p.name: sum(not v.passed for g in grades for v in g.verdicts if v.property is p) for p in exercise.properties
    }
    request.node.user_properties.append(("kill_matrix", (exercise.slug, kind, name, killed, len(grades))))


@pytest.mark.parametrize("exercise", ALL, ids=SLUGS)
def test_has_what_every_exercise_must_have(exercise):
    assert 1 <= exercise.difficulty <= 5 and exercise.minutes > 0 and exercise.points > 0
    assert 1 <= len(exercise.hints) <= 3
    assert len(exercise.misconceptions) >= 4
    assert len(VARIANTS[exercise.slug]) >= 2
    names = {p.name for p in exercise.properties}
    assert {p.needs for p in exercise.properties} - {""} <= names
    assert set(exercise.probe(exercise.reference, 0)) == names, "a probe records exactly the properties"
    earlier = SLUGS[: SLUGS.index(exercise.slug)]
    assert set(exercise.needs) <= set(earlier), "an exercise needs earlier ones only"


@pytest.mark.parametrize("case", RIGHT, ids=name_of)
def test_right_solutions_pass(case, request):
    exercise, code = case
    grades = [exercise.grade(code, [seed]) for seed in SEEDS]
    kind = "reference" if code is exercise.reference else "variant"
    matrix_row(request, exercise, kind, code.__name__, grades)
    assert [g.messages for g in grades if not g.passed] == []


@pytest.mark.parametrize("case", WRONG, ids=name_of)
def test_misconceptions_fail_and_are_recognised(case, request):
    exercise, misconception = case
    grades = [exercise.grade(misconception.code, [seed]) for seed in SEEDS]
    matrix_row(request, exercise, "misconception", misconception.name, grades)
    assert all(not g.passed for g in grades), "passed on some seed"
    assert {g.diagnosis.name if g.diagnosis else None for g in grades} == {misconception.name}


@pytest.mark.parametrize("exercise", ALL, ids=SLUGS)
def test_identity_zeros_and_constants_earn_nothing(exercise):
    for code in trivial_solutions(exercise):
        grade = exercise.grade(code, range(3))
        assert grade.score == 0, (
            f"{code.__name__} earns {grade.score}: {[v.property.name for v in grade.verdicts if v.passed]}"
        )


@pytest.mark.parametrize("exercise", ALL, ids=SLUGS)
def test_mutants_are_killed(exercise, request):
    survivors, count = [], 0
    for text, code in mutants(exercise.reference, exercise.methods, [find(slug).reference for slug in exercise.needs]):
        count += 1
        if passes(exercise, code):
            survivors.append(text)
    request.node.user_properties.append(("mutants", (exercise.slug, count, survivors)))
    assert count >= 5
    assert set(survivors) == set(EXPLAINED.get(exercise.slug, {})), (
        "unexplained survivors, or explanations of mutants that are gone"
    )


def passes(exercise, code) -> bool:
    """Whether a mutant passes. One that never ends is stopped as a learner stops it, and does not."""
    try:
        with stopped_after(SECONDS):
            return exercise.grade(code, range(3)).passed
    except KeyboardInterrupt:
        return False


@contextmanager
def stopped_after(seconds: float):
    """Interrupt what is still running after so many seconds of the processor, however busy the machine is."""

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("exercise", ALL, ids=SLUGS)
def test_probe_does_not_depend_on_the_global_generator(exercise):
    torch.manual_seed(1)
    first = exercise.probe(exercise.reference, 7)
    torch.manual_seed(2)
    second = exercise.probe(exercise.reference, 7)
    for name, value in first.items():
        assert torch.equal(value, second[name]) if isinstance(value, torch.Tensor) else value == second[name]


def trivial_solutions(exercise):
    """Code that looks at nothing: the identity, zeros, ones, an empty result, and the right answer to another seed."""

    def identity(*inputs):
        return inputs[0]

    def nothing(*inputs):
        return None

    def refusal(*inputs):
        raise ValueError("always")

    bodies = [identity, nothing, refusal]
    for value in iter_results(exercise, seed=99):
        for fill in (value, torch.zeros_like(value), torch.ones_like(value)):
            bodies.append(lambda *inputs, fill=fill: constant(fill, *inputs))
    for value in iter_objects(exercise, seed=99):
        bodies += [lambda *inputs, value=value: value, lambda *inputs, value=value: type(value)()]
    for body in bodies:
        if not exercise.methods:
            yield body
            continue
        members = {m: (lambda self, *inputs, body=body: body(*inputs)) for m in exercise.methods}
        yield type(f"{body.__name__}_class", (exercise.reference,), members)


def constant(fill, *inputs):
    """The same numbers for any input, but with its dtype and attached to it."""
    return fill.clone().to(inputs[0].dtype) + 0 * inputs[0].sum() if inputs else fill.clone()


def iter_results(exercise, seed: int):
    return [v for v in exercise.probe(exercise.reference, seed).values() if isinstance(v, torch.Tensor)]


def iter_objects(exercise, seed: int):
    """What the reference, a function, returned that is no tensor: words, lists of pairs."""
    returned = []

    def recording(*inputs):
        returned.append(exercise.reference(*inputs))
        return returned[-1]

    if not exercise.methods:
        exercise.probe(recording, seed)
    return [value for value in returned if not isinstance(value, torch.Tensor)]


def test_half_an_exercise_is_diagnosed():
    """The first of two methods is wrong, the second is not written: the mistake in the first is named all the same."""
    attention = next(exercise for exercise in ALL if exercise.slug == "vit.attention")
    wrong = next(m for m in attention.misconceptions if m.name == "NoScale")

    def forward(self, x_BND):
        raise NotImplementedError("vit.attention: replace this line with your code for SelfAttention.forward")

    half = type("SelfAttention", (wrong.code,), {"forward": forward})
    assert attention.grade(half).diagnosis is wrong
