"""Lesson 15: EnCodec."""

from collections.abc import Callable

import torch
from torch import Tensor

from mmlearn.course.answer import Answer
from mmlearn.course.exercise import Exercise, Property
from mmlearn.course.judge import describe
from mmlearn.course.probe import Case, Misuse

NO_GRADIENT, GRADIENT = "no gradient comes here", "a gradient comes here"


def two(result: object) -> tuple[Tensor, Tensor]:
    """What was returned, as two tensors. A list is as good as a tuple.

    Raises:
        Misuse: it is something else.
    """
    if isinstance(result, (tuple, list)) and len(result) == 2 and all(isinstance(part, Tensor) for part in result):
        return tuple(result)
    if isinstance(result, (tuple, list)):
        words = f"{type(result).__name__} of {', '.join(map(describe, result)) or 'nothing'}"
    else:
        words = describe(result)
    raise Misuse("not two tensors", f"return two tensors, as `return one, other`; got {words}")


def one(result: object) -> object:
    """What was returned, where it is no list.

    Raises:
        Misuse: it is a list or a tuple.
    """
    if isinstance(result, (tuple, list)):
        raise Misuse("not one tensor", f"return one tensor; got a {type(result).__name__} of {len(result)}")
    return result


def dtypes_of(*results: object) -> str:
    """The dtypes of tensors in words, which say nothing of their numbers."""
    return " and ".join(str(getattr(result, "dtype", describe(result))) for result in results)


def reaches(function: Callable[..., Tensor], at: Tensor, other: Tensor) -> str:
    """Whether the gradient of the scalar `function`, of two tensors that both want one, comes to the second."""
    at, other = at.clone().requires_grad_(), other.clone().requires_grad_()
    value = function(at, other)
    if not isinstance(value, Tensor) or not value.requires_grad:
        return NO_GRADIENT
    (gradient,) = torch.autograd.grad(value, other, allow_unused=True)
    return GRADIENT if gradient is not None and gradient.any() else NO_GRADIENT


# --- the stream -------------------------------------------------------------------------------------------------------


def probe_stream(convolve_piece, case: Case) -> None:
    """Three sounds of 2 channels become 4; a kernel of 6 weights, so 5 samples are held."""
    B, C, D, K = 3, 2, 4, 6
    S = K - 1
    weight_DCK, bias_D = case.randn(D, C, K), 2 + case.randn(D)
    zeros_BCS, held_BCS, piece_BCT = torch.zeros(B, C, S), case.randn(B, C, S), case.randn(B, C, 9)

    def step(piece_BCT: Tensor, held_BCS: Tensor, *kernel: Tensor) -> tuple[Tensor, Tensor]:
        return two(case.call(convolve_piece, piece_BCT, held_BCS, *(kernel or (weight_DCK, bias_D))))

    def stream(*lengths: int, held_BCS: Tensor = zeros_BCS, kernel: tuple[Tensor, ...] = ()) -> Tensor:
        """What comes out for pieces of these lengths, end to end."""
        outs = []
        for piece_BCT in pieces[lengths]:
            out_BDT, held_BCS = step(piece_BCT, held_BCS, *kernel)
            outs.append(out_BDT)
        return joined(outs)

    long, short, empty, ones = (7, 9, 8), (3, 1, 2, 4), (0, 7, 0, 8), (2, 3)
    pieces = {lengths: [case.randn(B, C, T) for T in lengths] for lengths in (long, short, empty, ones)}
    case.record("out", lambda: step(piece_BCT, held_BCS)[0])
    # A state of zeros does not show whether it was used, nor a sound's first piece what is held of it.
    case.record("begin", lambda: step(piece_BCT, zeros_BCS)[0])
    # Of a piece shorter than S; what is held of longer ones shows where they are joined.
    case.record("state", lambda: step(piece_BCT[:, :, :3], held_BCS)[1])
    case.record("joined", lambda: stream(*long))
    case.record("short", lambda: stream(*short, held_BCS=held_BCS))
    case.record("empty", lambda: stream(*empty, held_BCS=held_BCS))
    # S is 0: nothing is held.
    thin = (case.randn(D, C, 1), bias_D)
    case.record("one", lambda: stream(*ones, held_BCS=held_BCS[:, :, :0], kernel=thin))
    # Linear in what comes out, so blind to the bias; and the state is one of zeros.
    mix_BDT = case.randn(B, D, 9)
    case.record(
        "gradient",
        lambda: case.gradient(
            lambda x_BCT: (mix_BDT * two(convolve_piece(x_BCT, zeros_BCS, weight_DCK, bias_D))[0]).sum(), piece_BCT
        ),
    )
    double = [x.double() for x in (piece_BCT, held_BCS, weight_DCK, bias_D)]
    case.record("dtype", lambda: dtypes_of(*step(*double)))


def joined(outs: list[Tensor]) -> Tensor:
    """Pieces end to end.

    Raises:
        Misuse: they do not fit together.
    """
    sides = {(*out.shape[:2], out.ndim) for out in outs}
    if len(sides) > 1 or outs[0].ndim != 3:
        shapes = ", ".join(str(list(out.shape)) for out in outs)
        raise Misuse("unusable", f"the pieces that came out do not fit together: {shapes}")
    return torch.cat(outs, dim=2)


# --- the quantiser ----------------------------------------------------------------------------------------------------


def some_latents(case: Case, count: int, books_QKD: Tensor) -> Tensor:
    """Latents with no near ties: at every step the nearest entry is clearly nearer than the next one.

    Otherwise two right solutions could differ by the rounding of a distance.
    """
    kept = []
    while len(kept) < count:
        x_D = case.randn(books_QKD.shape[2])
        left_D, clear = x_D, True
        for entries_KD in books_QKD:
            distances_K = (left_D - entries_KD).norm(dim=1)
            first, second = distances_K.sort().values[:2].tolist()
            clear = clear and second > first + 0.03
            left_D = left_D - entries_KD[distances_K.argmin()]
        if clear:
            kept.append(x_D)
    return torch.stack(kept)


def probe_quantise(quantise, case: Case) -> None:
    """Nineteen latents of 4 numbers; three codebooks of 7 entries, each finer than the one before."""
    fineness_Q11 = torch.tensor([1.0, 0.6, 0.4])[:, None, None]
    books_QKD = fineness_Q11 * case.randn(3, 7, 4)
    x_ND = some_latents(case, 19, books_QKD)
    book_1KD = case.randn(1, 7, 4)
    alone_ND = some_latents(case, 19, book_1KD)
    lone_Q1D = case.randn(3, 1, 4)

    def call(x_ND: Tensor, books_QKD: Tensor) -> tuple[Tensor, Tensor]:
        return two(case.call(quantise, x_ND, books_QKD))

    codes = case.record("codes", lambda: call(x_ND, books_QKD)[0])
    # What the first codebook does is blind to the residual.
    case.derive("first", codes, lambda codes_QN: codes_QN[0])
    case.record("stages", lambda: call(x_ND, books_QKD)[1])
    case.record("single", lambda: call(alone_ND, book_1KD)[1])
    # Nothing to choose: blind to what is nearest.
    case.record("sums", lambda: call(x_ND, lone_Q1D)[1])
    case.record("dtype", lambda: dtypes_of(*call(x_ND.double(), books_QKD.double())))


def probe_commitment(commitment, case: Case) -> None:
    """Seven latents of 5 numbers, and what three codebooks say of them."""
    x_ND, said_QND = case.randn(7, 5), case.randn(3, 7, 5)
    weights_Q = torch.tensor([1.0, 2.0, 4.0]) + case.randn(3).abs()

    def call(x_ND: Tensor, said_QND: Tensor) -> Tensor:
        return one(case.call(commitment, x_ND, said_QND))

    case.record("terms", lambda: call(x_ND, said_QND))
    # One latent: blind to what is done over the latents. One number: blind to what is done over the numbers.
    case.record("single", lambda: call(x_ND[:1], said_QND[:, :1]))
    case.record("narrow", lambda: call(x_ND[:, :1], said_QND[:, :, :1]))
    case.record("gradient", lambda: case.gradient(lambda x: (weights_Q * commitment(x, said_QND)).sum(), x_ND))
    case.record("said", lambda: reaches(lambda x, said: (weights_Q * commitment(x, said)).sum(), x_ND, said_QND))
    case.record("dtype", lambda: dtypes_of(call(x_ND.double(), said_QND.double())))


def probe_averages(moving_averages, case: Case) -> None:
    """Thirteen latents of 4 numbers choose among 6 entries; nobody chooses the last, nor one in the middle."""
    K, D, N = 6, 4, 13
    decay = 0.65 + case.integer(0, 20) / 100
    sums_KD, counts_K, x_ND = case.randn(K, D), 1 + 3 * case.randn(K).abs(), case.randn(N, D)
    left_out = case.integer(1, K - 2)
    chosen = torch.tensor([k for k in range(K - 1) if k != left_out])
    # Each of these is chosen at least three times.
    codes_N = chosen[torch.cat([torch.arange(4)] * 3 + [torch.tensor([case.integer(0, 3)])])]
    codes_N = codes_N[torch.randperm(N, generator=case.generator)]
    each_K = torch.randperm(K, generator=case.generator)

    def call(x_ND: Tensor, codes_N: Tensor, decay: float) -> tuple[Tensor, Tensor]:
        return two(case.call(moving_averages, sums_KD, counts_K, x_ND, codes_N, decay))

    def both(x_ND: Tensor, codes_N: Tensor, decay: float) -> Tensor:
        """Sums and counts, side by side."""
        sums_KD, counts_K = call(x_ND, codes_N, decay)
        if sums_KD.shape != (K, D) or counts_K.shape != (K,):
            shapes = f"{list(sums_KD.shape)} and {list(counts_K.shape)}"
            raise Misuse("unusable", f"sums are [K, D] and counts [K], here [{K}, {D}] and [{K}]; got {shapes}")
        return torch.cat([sums_KD, counts_K[:, None]], dim=1)

    case.record("sums", lambda: call(x_ND, codes_N, decay)[0])
    case.record("counts", lambda: call(x_ND, codes_N, decay)[1])
    # Blind to what is gathered of the batch.
    case.record("unchosen", lambda: both(x_ND, codes_N, decay)[[left_out, K - 1]])
    # Each entry is chosen once: sums are means, and how often is whether.
    case.record("once", lambda: both(x_ND[:K], each_K, decay))
    # At a half, beta and 1 - beta are the same.
    case.record("half", lambda: both(x_ND, codes_N, 0.5))
    case.record("batch", lambda: both(x_ND, codes_N, 0.0))
    case.record("kept", lambda: both(x_ND, codes_N, 1.0))
    double = [x.double() for x in (sums_KD, counts_K, x_ND)]
    case.record("dtype", lambda: dtypes_of(*two(case.call(moving_averages, *double, codes_N, decay))))


# --- losses -----------------------------------------------------------------------------------------------------------


def probe_mel_loss(spectrogram_loss, case: Case) -> None:
    """Four sounds, 5 mel bins, 7 frames. The second is hardly wrong, the last very much."""
    alpha = 1.5 + case.integer(0, 10) / 10
    wrong_N11 = torch.tensor([0.5, 0.1, 1.0, 4.0])[:, None, None]
    real_NMF = 3 * case.randn(4, 5, 7).abs()
    difference_NMF = wrong_N11 * case.randn(4, 5, 7)
    made_NMF = real_NMF - difference_NMF * difference_NMF.mean().sign()  # so the mean of the differences is below zero

    def call(real_NMF: Tensor, made_NMF: Tensor, *alpha: float) -> Tensor:
        return case.call(spectrogram_loss, real_NMF, made_NMF, *alpha)

    case.record("loss", lambda: call(real_NMF, made_NMF, alpha))
    case.record("default", lambda: call(real_NMF, made_NMF))
    # Either term, blind to the other.
    case.record("absolute", lambda: call(real_NMF, made_NMF, 0.0))
    case.record("squared", lambda: call(real_NMF, made_NMF, 1e8))
    # Blind to what is done over the sounds.
    case.record("single", lambda: call(real_NMF[-1:], made_NMF[-1:], alpha))
    # Rounded: a tiny number that keeps a root from zero is no mistake.
    case.record("same", lambda: (1000 * call(real_NMF, real_NMF.clone(), alpha)).round())
    case.record("gradient", lambda: case.gradient(lambda made: spectrogram_loss(real_NMF, made, alpha), made_NMF))
    case.record("dtype", lambda: dtypes_of(call(real_NMF.double(), made_NMF.double(), alpha)))


SCORES = ((4, 1, 5, 6), (4, 1, 3, 2), (4, 7))  # of three discriminators


def probe_discriminator(discriminator_loss, case: Case) -> None:
    """Three discriminators that give 120, 24 and 28 scores."""

    def call(real: list[Tensor], made: list[Tensor]) -> Tensor:
        K = len(real)
        return one(case.call(lambda *scores: discriminator_loss(list(scores[:K]), list(scores[K:])), *real, *made))

    # Each tends another way, so that a mean of all scores is not the mean of means.
    tends = (-0.8, 0.3, 1.2)
    real = [2 * case.randn(*shape) + centre for shape, centre in zip(SCORES, tends, strict=True)]
    made = [2 * case.randn(*shape) + centre for shape, centre in zip(SCORES, reversed(tends), strict=True)]
    high, low = [1 + scores.abs() for scores in real], [-1 - scores.abs() for scores in made]
    case.record("loss", lambda: call(real, made))
    case.record("real", lambda: call(real, low))
    case.record("made", lambda: call(high, made))
    # Blind to what is beyond the margin.
    case.record("within", lambda: call([s.tanh() for s in real], [s.tanh() for s in made]))
    # Blind to what is done over the discriminators.
    case.record("one", lambda: call(real[:1], made[:1]))

    def of_real(scores: Tensor) -> Tensor:
        return discriminator_loss([real[0], scores, real[2]], made)

    def of_made(scores: Tensor) -> Tensor:
        return discriminator_loss(real, [made[0], scores, made[2]])

    case.record("real_gradient", lambda: case.gradient(of_real, real[1]))
    case.record("made_gradient", lambda: case.gradient(of_made, made[1]))
    case.record("dtype", lambda: dtypes_of(call([s.double() for s in real], [s.double() for s in made])))


LAYERS = ((4, 2, 5), (4, 3, 7), (4, 6))  # of each discriminator


def probe_features(feature_loss, case: Case) -> None:
    """Two discriminators of three layers; the numbers of one are thousands of times as large as another's."""
    sizes = ((0.1, 30.0, 1.0), (5.0, 0.3, 300.0))

    def layers(more: float) -> list[list[Tensor]]:
        return [[more * size * case.randn(*shape) for size, shape in zip(row, LAYERS, strict=True)] for row in sizes]

    def call(real: list[list[Tensor]], made: list[list[Tensor]]) -> Tensor:
        """The loss; the lists are made anew of what is given, for `case.call` looks at tensors."""
        counts = [len(row) for row in real]
        flat = [tensor for row in (*real, *made) for tensor in row]

        def rebuilt(*tensors: Tensor) -> Tensor:
            left = iter(tensors)
            both = [[[next(left) for _ in range(count)] for count in counts] for _ in range(2)]
            return feature_loss(*both)

        return one(case.call(rebuilt, *flat))

    def with_layer(rows: list[list[Tensor]], tensor: Tensor) -> list[list[Tensor]]:
        """The same, but for the second layer of the first discriminator."""
        return [[rows[0][0], tensor, rows[0][2]], rows[1]]

    real, made = layers(1.0), layers(1.7)
    signs = [[[x.sign() for x in row] for row in rows] for rows in (real, made)]
    case.record("loss", lambda: call(real, made))
    # Blind to what is done over layers and discriminators.
    case.record("one", lambda: call([real[1][:1]], [made[1][:1]]))
    # Every size is 1: blind to what is divided by.
    case.record("signs", lambda: call(*signs))
    case.record("gradient", lambda: case.gradient(lambda m: feature_loss(real, with_layer(made, m)), made[0][1]))
    case.record(
        "real",
        lambda: reaches(lambda m, r: feature_loss(with_layer(real, r), with_layer(made, m)), made[0][1], real[0][1]),
    )
    double = [[[x.double() for x in row] for row in rows] for rows in (real, made)]
    case.record("dtype", lambda: dtypes_of(call(*double)))


def probe_balancer(balanced, case: Case) -> None:
    """Gradients of three losses for an output of shape [4, 2, 5], one a thousand times as long as another."""
    sizes = torch.tensor([0.05, 40.0, 1.0])
    gradients = [size * case.randn(4, 2, 5) for size in sizes]
    own = torch.stack([g.norm() for g in gradients])
    lengths = own * torch.tensor([0.5, 1.6, 3.0]) * (1 + case.randn(3).abs() / 4)
    weights = [1.0 + case.integer(0, 5) / 10, 0.3, 3.0 + case.integer(0, 5) / 10]
    shares = [weight / sum(weights) for weight in weights]
    norm = 2.0 + case.integer(0, 9) / 10

    def call(gradients: list[Tensor], lengths: Tensor, weights: list[float], *norm: float) -> Tensor:
        def of_list(lengths: Tensor, *gradients: Tensor) -> Tensor:
            return balanced(list(gradients), lengths, weights, *norm)

        return one(case.call(of_list, lengths, *gradients))

    case.record("balanced", lambda: call(gradients, lengths, weights, norm))
    case.record("default", lambda: call(gradients, lengths, weights))
    # Blind to the sum of the weights; to the lengths; to which length is taken; to the weight.
    case.record("shares", lambda: call(gradients, lengths, shares, norm))
    alike = [g / size for g, size in zip(gradients, sizes, strict=True)]
    case.record("alike", lambda: call(alike, torch.ones(3), weights, norm))
    case.record("usual", lambda: call(gradients, own, weights, norm))
    case.record("one", lambda: call(gradients[2:], lengths[2:], [0.3], norm))
    absent = [gradients[0], torch.zeros(4, 2, 5), gradients[2]]
    case.record("zero", lambda: call(absent, lengths * torch.tensor([1.0, 0.0, 1.0]), weights, norm))
    tiny = 1e-12 * torch.tensor([1.0, 0.5, 2.0])
    case.record("tiny", lambda: call([1e-12 * g for g in alike], tiny, weights, norm))
    double = [g.double() for g in gradients]
    case.record("dtype", lambda: dtypes_of(call(double, lengths.double(), weights, norm)))


EXERCISES = [
    Exercise(
        slug="encodec.stream",
        lesson="15",
        name="convolve_piece",
        title="A convolution that runs live",
        difficulty=2,
        minutes=15,
        points=3,
        hints=(
            "Put what is held before the piece. How many samples are there then, and how many come out of `F.conv1d`, "
            "which adds nothing at the ends? And which of them does the next piece need?",
            "`torch.cat([held_BCS, piece_BCT], dim=2)` has S + T samples, so T come out. Its last S are the new state, "
            "not those of the piece, which may have fewer. Two cases need care: S may be 0, and `F.conv1d` refuses "
            "fewer samples than the kernel has weights.",
            "`S = weight_DCK.shape[2] - 1`; `joined_BCT = torch.cat([held_BCS, piece_BCT], dim=2)`; if "
            "`piece_BCT.shape[2] == 0`, return `piece_BCT.new_zeros(len(piece_BCT), len(bias_D), 0)` and `held_BCS`; "
            "otherwise `F.conv1d(joined_BCT, weight_DCK, bias_D)` and `joined_BCT[:, :, joined_BCT.shape[2] - S :]`.",
        ),
        properties=(
            Property("out", "as many samples come out as go in, and they are right", weight=2),
            Property("begin", "the first piece, before which there are zeros, is right"),
            Property("state", "the state is the last S samples so far, also after a piece shorter than S"),
            Property("joined", "pieces longer than S give, end to end, what the whole sound would", weight=2),
            Property("short", "so do pieces shorter than S", weight=2),
            Property("empty", "an empty piece gives no samples, and leaves the state as it was"),
            Property("one", "a kernel of one weight holds nothing: S is 0"),
            Property("gradient", "the gradient at the piece is right"),
            Property("dtype", "a float64 piece, state and kernel give both in float64", needs="out"),
        ),
        inputs="`piece_BCT` of shape [3, 2, 9], `held_BCS` of shape [3, 2, 5], `weight_DCK` of shape [4, 2, 6] and "
        "`bias_D`",
        reference_path="mmlearn.nn.convolution:convolve_piece",
        trial=probe_stream,
    ),
    Exercise(
        slug="encodec.quantise",
        lesson="15",
        name="quantise",
        title="Codes that say the rest",
        difficulty=3,
        minutes=25,
        points=4,
        hints=(
            "Keep two tensors [N, D] through a loop over the codebooks: what is left over of each latent, and what was "
            "said of it so far. What do they hold before the first codebook?",
            "`torch.cdist(left_ND, entries_KD)` gives all distances [N, K]; `.argmin(dim=1)` is the nearest entry of "
            "each, and `entries_KD[codes_N]` are these entries, [N, D]. Take them from what is left, and add them to "
            "what was said.",
            "`left_ND, said_ND = x_ND, torch.zeros_like(x_ND)`. For each `entries_KD in books_QKD`: `codes_N = "
            "torch.cdist(left_ND, entries_KD).argmin(dim=1)`; `left_ND = left_ND - entries_KD[codes_N]`; `said_ND = "
            "said_ND + entries_KD[codes_N]`; append `codes_N` and `said_ND` to lists. Return `torch.stack` of each.",
        ),
        properties=(
            Property("codes", "each codebook says which entry is nearest to what is left over", weight=2),
            Property("first", "the codes of the first codebook are right"),
            Property("stages", "the stages are what one, two and three codebooks say together", weight=2),
            Property("single", "with one codebook, a latent becomes its nearest entry"),
            Property("sums", "where there is nothing to choose, the stages are right"),
            Property("dtype", "codes are int64, and float64 latents give stages in float64", needs="codes"),
        ),
        inputs="`x_ND` of shape [19, 4] and `books_QKD` of shape [3, 7, 4]",
        reference_path="mmlearn.nn.quantiser:quantise",
        trial=probe_quantise,
    ),
    Exercise(
        slug="encodec.commitment",
        lesson="15",
        name="commitment",
        title="Keep to what was said",
        difficulty=1,
        minutes=10,
        points=2,
        hints=(
            "What is left over after c codebooks is [N, D], for each of Q codebooks. A squared length is a sum over D; "
            "over the N latents you take the mean. Which of the two may not send a gradient back?",
            "`x_ND - said_QND.detach()` is [Q, N, D]: `x_ND` is used for each codebook by itself. Square, sum over "
            "`dim=2`, mean over the latents.",
            "`return (x_ND - said_QND.detach()).square().sum(dim=2).mean(dim=1)`",
        ),
        properties=(
            Property("terms", "each term is the mean squared length of what is left over", weight=2),
            Property("single", "for one latent it is the squared length itself"),
            Property("narrow", "for latents of one number it is the mean of the squares"),
            Property("gradient", "the gradient at the latents is right, from each term alike"),
            Property("said", "no gradient goes to what was said", needs="gradient"),
            Property("dtype", "float64 latents give terms in float64", needs="terms"),
        ),
        inputs="`x_ND` of shape [7, 5] and `said_QND` of shape [3, 7, 5]",
        reference_path="mmlearn.nn.quantiser:commitment",
        trial=probe_commitment,
    ),
    Exercise(
        slug="encodec.averages",
        lesson="15",
        name="moving_averages",
        title="How a codebook learns",
        difficulty=2,
        minutes=15,
        points=3,
        hints=(
            "First gather what the batch says of each entry: how many latents chose it, and their sum. Then mix both "
            "into the averages, of every entry: one that nobody chose gathers zeros, and its averages shrink.",
            "`F.one_hot(codes_N, K)` is [N, K], 1 where latent n chose entry k. Its sum over the latents counts; its "
            "transpose times `x_ND` adds up the latents of each entry. One_hot gives whole numbers: `.to(x_ND.dtype)`.",
            "`chose_NK = F.one_hot(codes_N, len(counts_K)).to(x_ND.dtype)`; return `decay * sums_KD + (1 - decay) * "
            "chose_NK.T @ x_ND` and `decay * counts_K + (1 - decay) * chose_NK.sum(dim=0)`.",
        ),
        properties=(
            Property("sums", "the sums are right after one more batch", weight=2),
            Property("counts", "the counts are right after one more batch"),
            Property("unchosen", "the averages of an entry that nobody chose shrink too"),
            Property("once", "where each entry is chosen once, sums and counts are right"),
            Property("half", "with a beta of a half, sums and counts are right"),
            Property("batch", "with a beta of 0 the batch alone counts"),
            Property("kept", "with a beta of 1 the batch does not count", needs="batch"),
            Property("dtype", "float64 latents, sums and counts give both in float64", needs="sums"),
        ),
        inputs="`sums_KD` of shape [6, 4], `counts_K`, `x_ND` of shape [13, 4], `codes_N` and a `decay` from 0.65 to "
        "0.85",
        reference_path="mmlearn.nn.quantiser:moving_averages",
        trial=probe_averages,
    ),
    Exercise(
        slug="encodec.mel-loss",
        lesson="15",
        name="spectrogram_loss",
        title="Two norms of a difference",
        difficulty=1,
        minutes=10,
        points=2,
        hints=(
            "Begin with the difference, [N, M, F]. The first norm is one mean over all of it. For the second go in "
            "three steps: square, mean, root. Over which axes is this mean?",
            "`.square().mean(dim=(1, 2)).sqrt()` of the difference gives one number for each sound, [N].",
            "`difference_NMF = made_NMF - real_NMF`, then `return difference_NMF.abs().mean() + alpha * "
            "difference_NMF.square().mean(dim=(1, 2)).sqrt().mean()`.",
        ),
        properties=(
            Property("loss", "it is the first norm plus alpha times the second", weight=2),
            Property("default", "unless told otherwise, alpha is 1"),
            Property("absolute", "with an alpha of 0, it is the mean of the absolute differences"),
            Property("squared", "with a huge alpha, the roots of the sounds alone count"),
            Property("single", "for one sound it is right"),
            Property("same", "for two equal sounds it is 0", needs="loss"),
            Property("gradient", "the gradient at what was made is right"),
            Property("dtype", "float64 spectrograms give a loss in float64", needs="loss"),
        ),
        inputs="`real_NMF` and `made_NMF` of shape [4, 5, 7] and an `alpha` from 1.5 to 2.5",
        reference_path="mmlearn.nn.mel_loss:spectrogram_loss",
        trial=probe_mel_loss,
    ),
    Exercise(
        slug="encodec.discriminator",
        lesson="15",
        name="discriminator_loss",
        title="Real or made?",
        difficulty=1,
        minutes=10,
        points=2,
        hints=(
            "Take one discriminator. A real sound with a score of 3 costs nothing, one of 0 costs 1, one of -2 costs "
            "3. What do these scores cost for a made sound?",
            "`F.relu(1 - r)` is the hinge of each score `r` of a real sound, `F.relu(1 + m)` of a made one. Take the "
            "mean of each, add, and take the mean over the discriminators: `zip(real, made)` gives the pairs.",
            "`losses = [F.relu(1 - r).mean() + F.relu(1 + m).mean() for r, m in zip(real, made, strict=True)]`, then "
            "`return torch.stack(losses).mean()`.",
        ),
        properties=(
            Property("loss", "it is the mean over the discriminators of both hinges", weight=2),
            Property("real", "where no made score is above -1, the real ones alone count"),
            Property("made", "where no real score is below 1, the made ones alone count"),
            Property("within", "for scores between -1 and 1 it is right"),
            Property("one", "for one discriminator it is right"),
            Property("real_gradient", "the gradient at the scores of real sounds is right"),
            Property("made_gradient", "the gradient at the scores of made sounds is right"),
            Property("dtype", "float64 scores give a loss in float64", needs="loss"),
        ),
        inputs="`real` and `made` with scores of shapes [4, 1, 5, 6], [4, 1, 3, 2] and [4, 7]",
        reference_path="mmlearn.models.encodec_losses:discriminator_loss",
        trial=probe_discriminator,
    ),
    Exercise(
        slug="encodec.features",
        lesson="15",
        name="feature_loss",
        title="Alike to every layer",
        difficulty=2,
        minutes=15,
        points=3,
        hints=(
            "Take one layer: the mean absolute difference, divided by the mean absolute value of the real one. Then "
            "collect this number from all layers of all discriminators. How is their mean taken?",
            "Two loops, one inside the other: `for real_layers, made_layers in zip(real, made, strict=True):`, then "
            "`for r, m in zip(real_layers, made_layers, strict=True):`. With `r = r.detach()` no gradient goes to the "
            "real sound.",
            "In the inner loop `terms.append((r.detach() - m).abs().mean() / r.detach().abs().mean())`; at the end "
            "`return torch.stack(terms).mean()`.",
        ),
        properties=(
            Property("loss", "it is the mean over all layers of their relative differences", weight=2),
            Property("one", "for one layer of one discriminator it is right"),
            Property("signs", "where every feature is 1 or -1, it is right"),
            Property("gradient", "the gradient at the features of the made sound is right"),
            Property("real", "no gradient goes to the features of the real sound", needs="gradient"),
            Property("dtype", "float64 features give a loss in float64", needs="loss"),
        ),
        inputs="`real` and `made` of two discriminators with layers of shapes [4, 2, 5], [4, 3, 7] and [4, 6]",
        reference_path="mmlearn.models.encodec_losses:feature_loss",
        trial=probe_features,
    ),
    Exercise(
        slug="encodec.balancer",
        lesson="15",
        name="balanced",
        title="A balance of losses",
        difficulty=2,
        minutes=15,
        points=3,
        hints=(
            "Write the term of one loss: its gradient, divided by its usual length, times R, times its share of the "
            "weights. The sum over the losses has the shape of one gradient.",
            "`sum(weights)` is the sum of all lambdas. Go through `zip(gradients, lengths, weights, strict=True)`; "
            "each length is a number, given to you, so no gradient is measured here. `length + 1e-12` is never zero.",
            "Begin with `result = torch.zeros_like(gradients[0])`; in the loop `result = result + norm * weight / "
            "sum(weights) * g / (length + 1e-12)`.",
        ),
        properties=(
            Property("balanced", "it is the sum of equation 5 over the losses", weight=2),
            Property("default", "unless told otherwise, R is 1"),
            Property("shares", "where the weights sum to 1, it is right"),
            Property("alike", "where all usual lengths are 1, it is right"),
            Property("usual", "where each gradient is as long as usual, it is right"),
            Property("one", "with one loss, its weight does not matter"),
            Property("zero", "a loss without a gradient changes nothing, and nothing becomes NaN"),
            Property("tiny", "to the smallest of lengths 1e-12 is added too"),
            Property("dtype", "float64 gradients and lengths give float64", needs="balanced"),
        ),
        inputs="`gradients` of shape [4, 2, 5] for three losses, their `lengths`, `weights` such as [1.2, 0.3, 3.4] "
        "and a `norm` from 2.0 to 2.9",
        reference_path="mmlearn.nn.balancer:balanced",
        trial=probe_balancer,
    ),
]

ANSWERS = [
    Answer(
        slug="encodec.what-is-kept",
        lesson="15",
        title="What a neural codec keeps, and what it makes up",
        points=3,
        minutes=10,
        rubric=(
            (1, "Where ours stands beside Opus at equal bits, and the measures by which it does"),
            (1, "What the residual quantiser and its dropout make possible, and the result that shows it"),
            (1, "One thing about what is kept or made up that these measures cannot say"),
        ),
    ),
]
