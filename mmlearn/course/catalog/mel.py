"""Lesson 14: waveform and mel spectrogram."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from mmlearn.course.answer import Answer
from mmlearn.course.catalog.clip import wordless
from mmlearn.course.catalog.vit import energy
from mmlearn.course.exercise import Exercise, Property
from mmlearn.course.probe import Case


def some_window(case: Case, W: int) -> Tensor:
    """A window of no known shape: no number in it is like another, and none is near zero."""
    return 0.4 + (case.randn(W) / 3).clamp(-1, 1).abs() + torch.linspace(0, 0.5, W)


def some_share(case: Case, *shape: int) -> Tensor:
    """Numbers from 0.05 to 0.95."""
    return 0.05 + 0.9 * torch.sigmoid(2 * case.randn(*shape))


def dtype_of(result: object) -> str:
    """The dtype of a tensor in words, which say nothing of its numbers."""
    return str(getattr(result, "dtype", type(result).__name__))


def shape_of(result: object) -> str:
    """The shape of a tensor in words, which say nothing of its numbers."""
    return str(list(result.shape))


def probe_alias(alias, case: Case) -> None:
    """A sampling rate that the seed chooses, and frequencies of up to a hundred times as much."""
    rate = 100.0 * case.integer(31, 97)
    below, turns = rate / 2 * some_share(case, 3, 7), torch.arange(1, 8)
    mixed = rate * (torch.tensor([[0.0], [3.0], [5.0]]) + some_share(case, 3, 7))
    case.record("heard", lambda: case.call(alias, mixed, rate))
    case.record("once", lambda: case.call(alias, rate - below, rate))
    case.record("far", lambda: case.call(alias, 73 * rate + torch.cat([below, -below]), rate))
    case.record("kept", lambda: case.call(alias, below, rate))
    # Halfway both neighbours are equally far, whichever way a half is rounded. A sign there is seen above.
    ends = rate * torch.cat([turns - 0.5, turns])
    case.record("ends", lambda: case.call(alias, ends, rate).abs())
    shapes = (mixed[0, 0], mixed[:1, :2, None])
    case.record("any_shape", lambda: "\n".join(shape_of(case.call(alias, hertz, rate)) for hertz in shapes))
    case.record("dtype", lambda: dtype_of(case.call(alias, mixed.double(), rate)))


def probe_windows(windows, case: Case) -> None:
    """Three waveforms of 47 samples; a window of 14, of which one begins every 5 samples, makes 10 stretches."""
    W, hop = 14, 5
    waveform_BT, window_W, ones_W = case.randn(3, 47), some_window(case, W), torch.ones(W)

    def cut(waveform_BT: Tensor, window_W: Tensor, hop: int) -> Tensor:
        return wordless(lambda: case.call(windows, waveform_BT, window_W, hop), ValueError)

    def refused(waveform_BT: Tensor) -> Tensor:
        return wordless(lambda: case.call(windows, waveform_BT, window_W, 3), AssertionError)

    found = case.record("windows", lambda: cut(waveform_BT, window_W, hop))
    # Stretches 2 to 7 reach over no end. That is blind to what stands there.
    case.derive("middle", found, lambda x_BFW: x_BFW[:, 2:8])
    # Blind to the window.
    case.record("stretches", lambda: cut(waveform_BT, ones_W, hop))
    # Blind to all numbers: a hop that divides the length, one that does not, one that is longer than a window.
    sizes = ((45, 5), (48, 5), (32, 9), (61, 20))
    case.record(
        "sizes",
        lambda: "\n".join(
            f"{T} samples, W = {W}, a hop of {step}\t{shape_of(cut(waveform_BT[:1, :1].expand(2, T), window_W, step))}"
            for T, step in sizes
        ),
    )
    case.record("short", lambda: shape_of(cut(waveform_BT[:, : W // 2 + 1], window_W, 3)))
    case.record("gradient", lambda: case.gradient(lambda x: energy(windows(x, ones_W, hop)[:, 2:8]), waveform_BT))
    case.record("dtype", lambda: dtype_of(cut(waveform_BT.double(), window_W.double(), hop)))
    case.record("refuses_half", lambda: refused(waveform_BT[:, : W // 2]))
    case.record("refuses_fewer", lambda: refused(waveform_BT[:, :4]))


def probe_fourier(fourier, case: Case) -> None:
    """Three waveforms of 5 frames; 30 samples make 16 frequencies."""
    frames_BFW = case.randn(3, 5, 30)
    found = case.record("spectrum", lambda: case.call(fourier, frames_BFW))
    case.derive("magnitude", found, lambda x_BFK: x_BFK.abs())
    case.derive("cosines", found, lambda x_BFK: x_BFK.real)
    case.derive("sines", found, lambda x_BFK: x_BFK.imag)
    # Every wave that fits, begun anywhere. Blind to its size, its phase, and how many frequencies there are.
    k, t_W = torch.arange(1, 15)[:, None], torch.arange(30)
    waves_BFW = torch.cos(2 * math.pi * k * t_W / 30 + 3 * case.randn(2, 14, 1))
    case.record("peaks", lambda: case.call(fourier, waves_BFW).abs()[..., :16].argmax(dim=-1))
    case.record("sums", lambda: case.call(fourier, frames_BFW).abs()[..., 0])
    short_BFW = case.randn(2, 3, 12)
    case.record("short", lambda: case.call(fourier, short_BFW).abs())
    case.record(
        "gradient",
        lambda: F.normalize(case.gradient(lambda x: energy(fourier(x)[..., 1:15].abs()), frames_BFW), dim=-1),
    )
    case.record("dtype", lambda: dtype_of(case.call(fourier, frames_BFW.double())))


def probe_scale(hertz_to_mel, case: Case) -> None:
    """Frequencies from 0 to about 11 kHz, on both sides of where Slaney's scale bends."""
    low, high = 1_000 * some_share(case, 3, 7), 1_000 * 12 ** some_share(case, 3, 7)
    mixed = torch.stack([low, high], dim=2)
    ends = torch.tensor([0.0, 999.0, 1_000.0, 1_001.0, 8_000.0 + case.integer(0, 999)])

    def scaled(hertz: Tensor, *scale: str) -> Tensor:
        return wordless(lambda: case.call(hertz_to_mel, hertz, *scale), ValueError)

    case.record("htk", lambda: scaled(mixed, "htk"))
    case.record("htk_ratios", lambda: F.normalize(scaled(mixed, "htk").flatten(), dim=0))
    case.record("line", lambda: scaled(low, "slaney"))
    case.record("curve", lambda: scaled(high, "slaney"))
    case.record("slaney", lambda: scaled(mixed, "slaney"))
    case.record("bend", lambda: scaled(ends, "slaney"))
    case.record("default", lambda: scaled(mixed))
    case.record(
        "any_shape",
        lambda: "\n".join(
            f"{name}, one number\t{shape_of(scaled(mixed[0, 0, 0], name))}" for name in ("htk", "slaney")
        ),
    )
    case.record(
        "gradient",
        lambda: F.normalize(case.gradient(lambda f: scaled(f, "htk").sum(), mixed).flatten(), dim=0),
    )
    case.record("slaney_gradient", lambda: case.gradient(lambda f: scaled(f, "slaney").sum(), mixed))
    case.record(
        "dtype",
        lambda: "\n".join(f"{name}\t{dtype_of(scaled(mixed.double(), name))}" for name in ("htk", "slaney")),
    )
    case.record("refuses", lambda: wordless(lambda: case.call(hertz_to_mel, mixed, "bark"), AssertionError))


def probe_filters(mel_filters, case: Case) -> None:
    """A rate that the seed chooses, 96 samples in a transform, so 49 frequencies; 11 bins."""
    rate, fft, bins = 25 * case.integer(401, 480), 96, 11

    def made(*sizes: int, **options) -> Tensor:
        """The filters in float32, whatever they come in: the dtype is looked at by itself."""
        filters_MK = case.call(lambda *given: mel_filters(*given, **options), *sizes)
        return filters_MK.float() if isinstance(filters_MK, Tensor) else filters_MK

    found = case.record("filters", lambda: made(rate, fft, bins))
    # Blind to their heights.
    k_K = torch.arange(fft // 2 + 1)
    case.derive("centres", found, lambda h_MK: (h_MK * k_K).sum(dim=1) / h_MK.sum(dim=1))
    case.record("slaney", lambda: made(rate, 512, 40, scale="slaney"))
    low, high = 100.0 + case.integer(0, 99), rate / 2 - 1_000.0 - case.integer(0, 99)
    case.record("fmin", lambda: made(rate, fft, bins, fmin=low))
    case.record("fmax", lambda: made(rate, fft, bins, fmax=high))
    case.record("norm", lambda: made(rate, fft, bins, norm=True))
    # Frequencies so close that a sum is an integral. Blind to where the filters lie.
    case.record("areas", lambda: made(rate, 8_192, 7, norm=True).sum(dim=1) * rate / 8_192)
    case.record("dtype", lambda: dtype_of(case.call(mel_filters, rate, fft, bins)))


def standard(picture_BMF: Tensor) -> Tensor:
    """A picture with mean 0 and deviation 1: blind to the base of a logarithm and to what is added."""
    return (picture_BMF - picture_BMF.mean()) / picture_BMF.std()


def probe_whisper(log_mel, case: Case) -> None:
    """Three waveforms of 134 samples, a window of 30, so 16 frequencies, a hop of 9; 5 bins and 14 frames."""
    hop, window_W = 9, some_window(case, 30)
    filters_MK = 0.1 + case.randn(5, 16).abs()
    noise_BT = case.randn(3, 134)
    place_T = torch.linspace(0, 1, 134)

    def read(waveform_BT: Tensor, filters_MK: Tensor = filters_MK, window_W: Tensor = window_W) -> Tensor:
        return case.call(log_mel, waveform_BT, filters_MK, window_W, hop)

    # Louder and quieter sounds, each of which falls by more than the floors let through.
    levels_B1 = torch.tensor([[10.0], [0.1], [1e-3]])
    case.record("whisper", lambda: read(levels_B1 * noise_BT * 10 ** (-5.5 * place_T)))
    # Neither floor is reached.
    plain = case.record("plain", lambda: read(noise_BT))
    case.derive("picture", plain, standard)
    # Energies from about 1e-5 to 1e-13: the first floor is reached, the second is not.
    case.record("first_floor", lambda: read(1e-3 * noise_BT[:2] * 10 ** (-4 * place_T)))
    # From about 1e12 to 1e-7, by moments and by bins, in a batch of one.
    uneven_MK = filters_MK * 10 ** torch.tensor([[-5.0], [0.0], [-9.5], [-2.0], [-7.0]])
    case.record("second_floor", lambda: read(1e5 * noise_BT[:1] * 10 ** (-5 * place_T), uneven_MK))
    # A loud and a quiet sound, and no floor is reached in either alone.
    case.record("each", lambda: read(torch.tensor([[100.0], [1e-4]]) * noise_BT[:2]))
    click_BT = noise_BT.clone()
    click_BT[:, -1] = 3e6  # only the last frame reaches it
    case.record("last", lambda: read(click_BT))
    weights_BMF = case.randn(3, 5, 14)
    case.record(
        "gradient",
        lambda: F.normalize(
            case.gradient(
                lambda x_BT: (weights_BMF * log_mel(x_BT, filters_MK, window_W, hop)).sum(), noise_BT
            ).flatten(),
            dim=0,
        ),
    )
    case.record("dtype", lambda: standard(read(noise_BT.double(), filters_MK.double(), window_W.double())))


def stretches(waveform_BT: Tensor, window_W: Tensor, hop: int) -> Tensor:
    """What `windows` gives."""
    half = len(window_W) // 2
    return F.pad(waveform_BT, (half, half), mode="reflect").unfold(1, len(window_W), hop) * window_W


def probe_overlap_add(overlap_add, case: Case) -> None:
    """Three sounds of 8 frames; a window of 14 every 5 samples; 38 samples."""
    W, hop = 14, 5
    frames_BFW, window_W, ones_W = case.randn(3, 8, W), some_window(case, W), torch.ones(W)
    sound_BT = case.randn(3, 38)

    def added(frames_BFW: Tensor, window_W: Tensor, hop: int, length: int) -> Tensor:
        return case.call(overlap_add, frames_BFW, window_W, hop, length)

    case.record("waveform", lambda: added(frames_BFW, window_W, hop, 38))
    # A window of small numbers, so that nothing large may be added to their squares.
    low_W = window_W / 5
    case.record("back", lambda: added(stretches(sound_BT, low_W, hop), low_W, hop, 38))
    # Blind to what the window does.
    case.record("means", lambda: added(frames_BFW, ones_W, hop, 38))
    # One behind the other. Blind to how many are added up.
    case.record("apart", lambda: added(frames_BFW, ones_W, W, 7 * W))
    gap = W + 3
    case.record("gaps", lambda: added(frames_BFW, ones_W, gap, 7 * gap))
    lengths = (35, 36, 40, 13)
    case.record(
        "lengths",
        lambda: "\n".join(
            f"length = {length}\t{shape_of(added(frames_BFW, window_W, hop, length))}" for length in lengths
        ),
    )
    case.record("gradient", lambda: case.gradient(lambda y: energy(overlap_add(y, ones_W, hop, 38)), frames_BFW))
    case.record("dtype", lambda: dtype_of(added(frames_BFW.double(), window_W.double(), hop, 38)))


def probe_griffin_lim(griffin_lim, case: Case) -> None:
    """Magnitudes of three sounds of 68 samples: a window of 22, so 12 frequencies, a hop of 5, so 14 frames."""
    hop, window_W, sound_BT = 5, some_window(case, 22), case.randn(3, 68)
    spectrum_BFK = torch.fft.rfft(stretches(sound_BT, window_W, hop))
    # Phases not far from the true ones. From random ones a magnitude may come near zero, where a phase is all rounding.
    turns_BFK = 1.2 * (2 * some_share(case, *spectrum_BFK.shape) - 1)
    magnitude_BFK, phase_BFK = spectrum_BFK.abs(), spectrum_BFK.angle() + turns_BFK

    def found(magnitude_BFK: Tensor, phase_BFK: Tensor, rounds: int, window_W: Tensor = window_W) -> Tensor:
        return case.call(griffin_lim, magnitude_BFK, phase_BFK, window_W, hop, 68, rounds)

    case.record("rounds", lambda: found(magnitude_BFK, phase_BFK, 3))
    case.record("none", lambda: found(magnitude_BFK, phase_BFK, 0))
    case.record("one", lambda: found(magnitude_BFK, phase_BFK, 1))
    # From the true phases every round gives the sound again. Blind to how many there are.
    case.record("true", lambda: found(magnitude_BFK, spectrum_BFK.angle(), 2))
    case.record(
        "gradient",
        lambda: case.gradient(lambda a_BFK: energy(griffin_lim(a_BFK, phase_BFK, window_W, hop, 68, 0)), magnitude_BFK),
    )
    double = (magnitude_BFK.double(), phase_BFK.double())
    case.record("dtype", lambda: dtype_of(found(*double, 1, window_W.double())))


EXERCISES = [
    Exercise(
        slug="mel.alias",
        lesson="14",
        name="alias",
        title="What sampling hears",
        difficulty=1,
        minutes=10,
        points=2,
        hints=(
            "Take a rate of 10 and mark its multiples on a line: 0, 10, 20. How far from the nearest one is 3, and "
            "how far are 7, 13 and 26?",
            "`hertz / rate` says how often the rate fits. The whole number nearest to it, `torch.round`, is n.",
            "`nearest = rate * torch.round(hertz / rate)`, then `return (hertz - nearest).abs()`.",
        ),
        properties=(
            Property("heard", "it is the distance to the nearest multiple of the rate", weight=2),
            Property("once", "between half the rate and the rate it is what is missing to the rate"),
            Property("far", "near a multiple that is far up it is right too"),
            Property("kept", "below half the rate a frequency is heard as it is", needs="heard"),
            Property("ends", "halfway between two multiples it is half the rate, at a multiple 0", needs="heard"),
            Property("any_shape", "the result has the shape of the frequencies, one number or many", needs="heard"),
            Property("dtype", "float64 frequencies give a result in float64", needs="heard"),
        ),
        inputs="`hertz` of shape [3, 7], from 0 to six times the `rate`",
        reference_path="mmlearn.nn.fourier:alias",
        trial=probe_alias,
    ),
    Exercise(
        slug="mel.windows",
        lesson="14",
        name="windows",
        title="Overlapping windows",
        difficulty=2,
        minutes=20,
        points=3,
        hints=(
            "Draw it for T = 10, W = 4 and a hop of 3. Which samples are in the stretch with its middle at sample 0? "
            "Make the waveform longer at both ends first. Then stretch f begins at f * hop.",
            '`F.pad(waveform_BT, (W // 2, W // 2), mode="reflect")` mirrors at both ends. Then `padded_BT.unfold(1, '
            "W, hop)` cuts stretches of W samples along axis 1, one every hop samples: [B, F, W].",
            "`W = len(window_W)`; raise a `ValueError` if `waveform_BT.shape[1] <= W // 2`; pad; `return "
            "padded_BT.unfold(1, W, hop) * window_W`.",
        ),
        properties=(
            Property("windows", "each stretch has its middle at f * hop, and is multiplied by the window", weight=2),
            Property("middle", "stretches that reach over no end are right"),
            Property("stretches", "with a window of ones, the stretches are the mirrored waveform itself"),
            Property("sizes", "there are F = 1 + T / hop stretches, rounded down", needs="middle"),
            Property("short", "W / 2 + 1 samples are just enough to be mirrored", needs="middle"),
            Property("gradient", "the gradient at the waveform is right"),
            Property("dtype", "float64 waveforms and windows give a result in float64", needs="windows"),
            Property("refuses_half", "a waveform of W / 2 samples raises a ValueError", needs="windows"),
            Property("refuses_fewer", "a waveform of fewer samples raises a ValueError", needs="windows"),
        ),
        inputs="`waveform_BT` of shape [3, 47], `window_W` of shape [14], all of it above zero, and `hop` 5",
        reference_path="mmlearn.nn.fourier:windows",
        trial=probe_windows,
    ),
    Exercise(
        slug="mel.fourier",
        lesson="14",
        name="fourier",
        title="The Fourier transform",
        difficulty=3,
        minutes=20,
        points=3,
        hints=(
            "For a single k: multiply the frame by a cosine that fits into it k times, and add up. That is the real "
            "part. The imaginary part is the same with a sine, and a minus before it. The waves of all k are a "
            "matrix, [W, K].",
            "`k_K, t_W = torch.arange(W // 2 + 1), torch.arange(W)`, and `t_W[:, None] * k_K` is the product of k and "
            "t for all of them, [W, K]. With the angles [W, K] the real part is `frames_BFW @ angle_WK.cos()`.",
            "`angle_WK = (2 * math.pi * t_W[:, None] * k_K / W).to(frames_BFW.dtype)`, then `return "
            "torch.complex(frames_BFW @ angle_WK.cos(), -(frames_BFW @ angle_WK.sin()))`.",
        ),
        properties=(
            Property("spectrum", "all numbers of the spectrum are right", weight=2),
            Property("magnitude", "their magnitudes are right"),
            Property("cosines", "the real part is the sum with the cosines"),
            Property("sines", "the imaginary part is minus the sum with the sines"),
            Property(
                "peaks", "a wave that fits in k times has its largest magnitude at frequency k", needs="magnitude"
            ),
            Property("sums", "the magnitude at frequency 0 is that of the plain sum"),
            Property("short", "for frames of another length the magnitudes are right"),
            Property("gradient", "the gradient at the frames is right, up to a factor"),
            Property("dtype", "float64 frames give a result in complex128", needs="spectrum"),
        ),
        inputs="`frames_BFW` of shape [3, 5, 30]",
        reference_path="mmlearn.nn.fourier:fourier",
        trial=probe_fourier,
    ),
    Exercise(
        slug="mel.scale",
        lesson="14",
        name="hertz_to_mel",
        title="The mel scale",
        difficulty=1,
        minutes=15,
        points=2,
        hints=(
            'Begin with `if scale == "htk":`, a line that is the formula. Mind the two logarithms: one is to base 10, '
            "the other is natural.",
            "Slaney's scale chooses number by number, which an `if` cannot: `torch.where(hertz < 1000, line, curve)`. "
            "The curve is `15 + 27 * torch.log(hertz / 1000) / math.log(6.4)`.",
            '`if scale == "htk": return 2595 * torch.log10(1 + hertz / 700)`; `if scale == "slaney": return '
            "torch.where(hertz < 1000, 15 * hertz / 1000, curve)`; and at last `raise ValueError(scale)`.",
        ),
        properties=(
            Property("htk", "HTK's scale is right", weight=2),
            Property("htk_ratios", "HTK's scale has the right shape, whatever its unit"),
            Property("line", "Slaney's scale is right below 1000 Hz"),
            Property("curve", "Slaney's scale is right above 1000 Hz"),
            Property("slaney", "Slaney's scale is right for frequencies on both sides at once"),
            Property("bend", "Slaney's scale is right at 0 and around 1000 Hz"),
            Property("default", "unless told otherwise, the scale is HTK's"),
            Property("any_shape", "a single number gives a single number", needs="htk"),
            Property("gradient", "the gradient of HTK's scale has the right shape"),
            Property("slaney_gradient", "the gradient of Slaney's scale is right"),
            Property("dtype", "float64 frequencies give a result in float64", needs="htk"),
            Property("refuses", "an unknown scale raises a ValueError", needs="htk"),
        ),
        inputs="`hertz` of shape [3, 7, 2] or [3, 7], from 50 to 12 000",
        reference_path="mmlearn.nn.mel:hertz_to_mel",
        trial=probe_scale,
    ),
    Exercise(
        slug="mel.filters",
        lesson="14",
        name="mel_filters",
        title="Mel filters",
        difficulty=3,
        minutes=30,
        points=4,
        hints=(
            "Three steps: the M + 2 points in hertz, the K frequencies in hertz, the formula for all filters at once. "
            "Print the points for a rate of 16 000 and 4 bins: the first is `fmin`, the last `fmax`.",
            "`hertz_to_mel` takes tensors: `ends = hertz_to_mel(torch.tensor([fmin, fmax]), scale)`. The points are "
            "`mel_to_hertz(torch.linspace(float(ends[0]), float(ends[1]), bins + 2), scale)`. As a column, `p = "
            "points[:, None]`, they meet the row of frequencies: `p[:-2]`, `p[1:-1]` and `p[2:]` are the three "
            "corners of all filters, [M, 1].",
            "`f_K = rate / fft * torch.arange(fft // 2 + 1)`; `rising_MK = (f_K - p[:-2]) / (p[1:-1] - p[:-2])`; "
            "`falling_MK = (p[2:] - f_K) / (p[2:] - p[1:-1])`; `filters_MK = torch.minimum(rising_MK, "
            "falling_MK).clamp(min=0)`; with `norm`, divide by `(p[2:] - p[:-2]) / 2`.",
        ),
        properties=(
            Property("filters", "all filters are right, from 0 to half the rate", weight=2),
            Property("centres", "the filters lie at the right frequencies, whatever their height"),
            Property("slaney", "on Slaney's scale they are right"),
            Property("fmin", "the first filter begins at `fmin`"),
            Property("fmax", "the last filter ends at `fmax`"),
            Property("norm", "with `norm` each is divided by half its width"),
            Property("areas", "with `norm` the area of each filter is 1, wherever it lies", needs="centres"),
            Property("dtype", "the filters are float32, as the waveforms are", needs="filters"),
        ),
        inputs="a `rate` from 10 025 to 12 000, `fft` 96 and 11 `bins`",
        reference_path="mmlearn.nn.mel:mel_filters",
        needs=("mel.scale",),
        uses=("mel_to_hertz",),
        trial=probe_filters,
    ),
    Exercise(
        slug="mel.whisper",
        lesson="14",
        name="log_mel",
        title="What Whisper reads",
        difficulty=2,
        minutes=20,
        points=3,
        hints=(
            "Go step by step and print the shapes: stretches [B, F, W], spectrum [B, F, K], its power, mel energies "
            "[B, M, F], their logarithm. Which axes belong to one sound?",
            "The filters are a matrix: `filters_MK @ power_BKF`; `.mT` swaps the last two axes. Drop the last frame "
            "by `[:, :-1]` while the frames are still axis 1. The maximum of each sound is `L.amax(dim=(1, 2), "
            "keepdim=True)`.",
            "`spectrum_BFK = fourier(windows(waveform_BT, window_W, hop))[:, :-1]`; `energy_BMF = filters_MK @ "
            "spectrum_BFK.abs().square().mT`; `L_BMF = energy_BMF.clamp(min=1e-10).log10()`; `return "
            "(torch.maximum(L_BMF, L_BMF.amax(dim=(1, 2), keepdim=True) - 8) + 4) / 4`.",
        ),
        properties=(
            Property("whisper", "sounds of different loudness, with loud and quiet moments, are right", weight=2),
            Property("plain", "where no floor is reached, the numbers are right"),
            Property("picture", "where no floor is reached, the picture is right up to its scale"),
            Property("first_floor", "energies below 1e-10 count as 1e-10"),
            Property("second_floor", "what is more than 8 below the loudest bin of a sound is raised to it"),
            Property("each", "a loud sound in the batch changes nothing in a quiet one"),
            Property("last", "the last frame is dropped before the maximum is taken"),
            Property("gradient", "the gradient at the waveform is right, up to a factor"),
            Property("dtype", "float64 sounds, filters and windows give a right picture in float64"),
        ),
        inputs="`waveform_BT` of shape [3, 134], `filters_MK` of shape [5, 16], `window_W` of shape [30] and `hop` 9",
        reference_path="mmlearn.nn.mel:whisper_log_mel",
        needs=("mel.windows", "mel.fourier"),
        trial=probe_whisper,
    ),
    Exercise(
        slug="mel.overlap-add",
        lesson="14",
        name="overlap_add",
        title="Add up the windows",
        difficulty=3,
        minutes=25,
        points=3,
        hints=(
            "Make two tensors of zeros, as long as all frames together: one for the sum of the frames, with a row for "
            "each sound, one for the sum of the squared windows. A loop over the frames adds to both at the same "
            "place.",
            "Frame f begins at f * hop and is W long, so all are `(count - 1) * hop + W` long. In the loop, `place = "
            "slice(f * hop, f * hop + W)`; to the sum you add `frames_BFW[:, f] * window_W`, to the squares "
            "`window_W**2`. Afterwards cut off W / 2 samples at the beginning.",
            "In the loop `sum_BT[:, place] += frames_BFW[:, f] * window_W` and `squares_T[place] += window_W**2`; "
            "`kept = slice(W // 2, W // 2 + length)`; `return sum_BT[:, kept] / squares_T[kept].clamp(min=1e-30)`. "
            "Zeros of the right dtype are `frames_BFW.new_zeros(...)`.",
        ),
        properties=(
            Property("waveform", "for any frames it is the waveform of equation 6", weight=3),
            Property("back", "the windows of a sound give the sound again"),
            Property("means", "with a window of ones, it is the mean of the frames that reach a sample"),
            Property("apart", "frames that do not overlap come one behind the other, without the first half window"),
            Property("gaps", "a sample that no window reaches is zero"),
            Property("lengths", "there are `length` samples", needs="means"),
            Property("gradient", "the gradient at the frames is right"),
            Property("dtype", "float64 frames and windows give a result in float64", needs="waveform"),
        ),
        inputs="`frames_BFW` of shape [3, 8, 14], `window_W` of shape [14], `hop` 5 and `length` 38",
        reference_path="mmlearn.nn.fourier:overlap_add",
        trial=probe_overlap_add,
    ),
    Exercise(
        slug="mel.griffin-lim",
        lesson="14",
        name="griffin_lim",
        title="Phases that were lost",
        difficulty=2,
        minutes=15,
        points=3,
        hints=(
            "There are two steps: from magnitudes and phases to a waveform, and from the waveform to new phases. How "
            "often does each of them run if `rounds` is 0, and if it is 1?",
            "The first step is `overlap_add(torch.fft.irfft(torch.polar(magnitude_BFK, phase_BFK), W), window_W, hop, "
            "length)`, the second `fourier(windows(waveform_BT, window_W, hop)).angle()`. The magnitudes are the "
            "given ones in every round.",
            "`for step in range(rounds + 1):` make `waveform_BT` from `magnitude_BFK` and `phase_BFK`, then `if step "
            "< rounds:` `phase_BFK = fourier(windows(waveform_BT, window_W, hop)).angle()`. Return `waveform_BT`.",
        ),
        properties=(
            Property("rounds", "after three rounds the waveform is right", weight=2),
            Property("none", "with no round, it is the waveform of the first phases"),
            Property("one", "after one round the waveform is right"),
            Property("true", "from the true phases any rounds give the sound again"),
            Property("gradient", "with no round, the gradient at the magnitudes is right"),
            Property("dtype", "float64 magnitudes, phases and windows give a result in float64", needs="rounds"),
        ),
        inputs="`magnitude_BFK` and `phase_BFK` of shape [3, 14, 12], `window_W` of shape [22], `hop` 5, `length` 68",
        reference_path="mmlearn.nn.fourier:griffin_lim",
        needs=("mel.windows", "mel.fourier", "mel.overlap-add"),
        trial=probe_griffin_lim,
    ),
]

ANSWERS = [
    Answer(
        slug="mel.compressed",
        lesson="14",
        title="Is a mel spectrogram a compressed sound?",
        points=3,
        minutes=10,
        rubric=(
            (1, "What a mel spectrogram keeps of a sound, and a measurement of this lesson that shows it"),
            (1, "What it loses, and a measurement of this lesson that shows it"),
            (1, "When it takes more bytes than the waveform, and when fewer, by the settings that decide it"),
        ),
    ),
]
