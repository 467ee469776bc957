"""Windows and their Fourier transform."""

import math

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.nn.fourier import fourier, windows

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


# --- mel.windows ------------------------------------------------------------------------------------------------------


def enough(waveform_BT, window_W):
    """The refusal."""
    if waveform_BT.shape[1] <= len(window_W) // 2:
        raise ValueError("too short to be mirrored")


def padded(waveform_BT, window_W, mode="reflect", sides=None):
    """The waveform, made longer at both ends."""
    enough(waveform_BT, window_W)
    half = len(window_W) // 2
    return F.pad(waveform_BT, sides or (half, half), mode=mode)


def cut(padded_BT, window_W, hop):
    return padded_BT.unfold(1, len(window_W), hop) * window_W


@of(
    "mel.windows",
    "You did not mirror the waveform at its ends, so your stretches begin at f * hop. Their middle must lie there: "
    "pad by W / 2 samples at both ends first.",
)
def not_padded(waveform_BT, window_W, hop):
    enough(waveform_BT, window_W)
    return cut(waveform_BT, window_W, hop)


@of(
    "mel.windows",
    'You put zeros beyond the ends. Mirror the waveform there: `F.pad(..., mode="reflect")`.',
)
def zeros_beyond(waveform_BT, window_W, hop):
    return cut(padded(waveform_BT, window_W, "constant"), window_W, hop)


@of(
    "mel.windows",
    'You repeated the first and the last sample beyond the ends. Mirror the waveform: `mode="reflect"`, not '
    '`"replicate"`.',
)
def edges_repeated(waveform_BT, window_W, hop):
    return cut(padded(waveform_BT, window_W, "replicate"), window_W, hop)


@of(
    "mel.windows",
    'You joined the end of the waveform to its beginning. Mirror it at each end: `mode="reflect"`, not `"circular"`.',
)
def in_a_circle(waveform_BT, window_W, hop):
    return cut(padded(waveform_BT, window_W, "circular"), window_W, hop)


@of(
    "mel.windows",
    "Your mirror repeats the sample at the edge. Before the first sample comes the second one, and behind the last "
    "one comes the last but one: leave the edge itself out.",
)
def edge_twice(waveform_BT, window_W, hop):
    enough(waveform_BT, window_W)
    half = len(window_W) // 2
    parts = (waveform_BT[:, :half].flip(1), waveform_BT, waveform_BT[:, -half:].flip(1))
    return cut(torch.cat(parts, dim=1), window_W, hop)


@of(
    "mel.windows",
    "You put the samples near an end beyond it in their old order. A mirror turns them round: `.flip(1)`.",
)
def not_turned(waveform_BT, window_W, hop):
    enough(waveform_BT, window_W)
    half = len(window_W) // 2
    parts = (waveform_BT[:, 1 : half + 1], waveform_BT, waveform_BT[:, -half - 1 : -1])
    return cut(torch.cat(parts, dim=1), window_W, hop)


@of(
    "mel.windows",
    "You turned the batch round, not the samples. The samples are axis 1: `.flip(1)`.",
)
def batch_turned(waveform_BT, window_W, hop):
    enough(waveform_BT, window_W)
    half = len(window_W) // 2
    parts = (waveform_BT[:, 1 : half + 1].flip(0), waveform_BT, waveform_BT[:, -half - 1 : -1].flip(0))
    return cut(torch.cat(parts, dim=1), window_W, hop)


@of(
    "mel.windows",
    "You mirrored at the beginning alone. The last windows hang over the end: pad it by W / 2 samples too.",
)
def padded_before(waveform_BT, window_W, hop):
    return cut(padded(waveform_BT, window_W, sides=(len(window_W) // 2, 0)), window_W, hop)


@of(
    "mel.windows",
    "You mirrored at the end alone, so your stretches begin at f * hop. Their middle must lie there: pad by W / 2 "
    "samples at the beginning too.",
)
def padded_behind(waveform_BT, window_W, hop):
    return cut(padded(waveform_BT, window_W, sides=(0, len(window_W) // 2)), window_W, hop)


@of(
    "mel.windows",
    "Your stretches begin at f * hop, and zeros fill up the last ones. Their middle must lie at f * hop: pad by W / 2 "
    "samples at both ends.",
)
def begin_at_the_hops(waveform_BT, window_W, hop):
    enough(waveform_BT, window_W)
    W = len(window_W)
    missing = max(0, waveform_BT.shape[1] // hop * hop + W - waveform_BT.shape[1])
    return cut(F.pad(waveform_BT, (0, missing)), window_W, hop)


@of("mel.windows", "You padded by W samples at each end. Half a window hangs over: pad by W / 2.")
def padded_by_a_window(waveform_BT, window_W, hop):
    W = len(window_W)
    return cut(padded(waveform_BT, window_W, sides=(W, W)), window_W, hop)


@of("mel.windows", "You padded by a hop at each end. Half a window hangs over: pad by W / 2.")
def padded_by_a_hop(waveform_BT, window_W, hop):
    return cut(padded(waveform_BT, window_W, sides=(hop, hop)), window_W, hop)


@of(
    "mel.windows",
    "You padded by a sample too few. With the middle of an even window at its sample W / 2, W / 2 samples stand "
    "before it.",
)
def padded_by_one_less(waveform_BT, window_W, hop):
    half = len(window_W) // 2
    return cut(padded(waveform_BT, window_W, sides=(half - 1, half)), window_W, hop)


@of(
    "mel.windows",
    "You padded by half of what a window and a hop do not share, (W - hop) / 2. The middle of stretch 0 is sample 0: "
    "pad by W / 2.",
)
def padded_by_half_the_overlap(waveform_BT, window_W, hop):
    side = max(0, len(window_W) - hop) // 2
    return cut(padded(waveform_BT, window_W, sides=(side, side)), window_W, hop)


TOO_MANY = (
    "You began a stretch every hop up to the end of the padded waveform, where the last ones come out short. There "
    "are 1 + T / hop, rounded down, with the T from before padding."
)


@of("mel.windows", TOO_MANY)
def up_to_the_padded_end(waveform_BT, window_W, hop):
    padded_BT, W = padded(waveform_BT, window_W), len(window_W)
    return torch.stack([padded_BT[:, f : f + W] for f in range(0, padded_BT.shape[1], hop)], dim=1) * window_W


@of("mel.windows", TOO_MANY)
def up_to_the_padded_end_and_weighted(waveform_BT, window_W, hop):
    padded_BT, W = padded(waveform_BT, window_W), len(window_W)
    return torch.stack([padded_BT[:, f : f + W] * window_W for f in range(0, padded_BT.shape[1], hop)], dim=1)


CUT_SHORT = (
    "You cut stretches from the waveform as it is. There is nothing before its first sample and behind its last, so "
    "those at the ends come out short. Mirror it first."
)


@of("mel.windows", CUT_SHORT)
def cut_short(waveform_BT, window_W, hop):
    enough(waveform_BT, window_W)
    half, middles = len(window_W) // 2, range(0, waveform_BT.shape[1] + 1, hop)
    return torch.stack([waveform_BT[:, max(0, m - half) : m + half] for m in middles], dim=1) * window_W


@of("mel.windows", CUT_SHORT)
def cut_short_and_weighted(waveform_BT, window_W, hop):
    enough(waveform_BT, window_W)
    half, middles = len(window_W) // 2, range(0, waveform_BT.shape[1] + 1, hop)
    return torch.stack([waveform_BT[:, max(0, m - half) : m + half] * window_W for m in middles], dim=1)


@of("mel.windows", CUT_SHORT)
def counted_from_the_end(waveform_BT, window_W, hop):
    enough(waveform_BT, window_W)
    half, middles = len(window_W) // 2, range(0, waveform_BT.shape[1] + 1, hop)
    return torch.stack([waveform_BT[:, m - half : m + half] for m in middles], dim=1) * window_W


@of("mel.windows", CUT_SHORT)
def counted_from_the_end_and_weighted(waveform_BT, window_W, hop):
    enough(waveform_BT, window_W)
    half, middles = len(window_W) // 2, range(0, waveform_BT.shape[1] + 1, hop)
    return torch.stack([waveform_BT[:, m - half : m + half] * window_W for m in middles], dim=1)


@of("mel.windows", "You did not weight the stretches. Multiply each by `window_W`.")
def not_weighted(waveform_BT, window_W, hop):
    return windows(waveform_BT, torch.ones_like(window_W), hop)


@of("mel.windows", "You weighted each stretch twice. Multiply it by `window_W` once.")
def weighted_twice(waveform_BT, window_W, hop):
    return windows(waveform_BT, window_W * window_W, hop)


@of("mel.windows", "You made a Hann window of your own. Multiply by the one that is given: `window_W`.")
def hann_in_any_case(waveform_BT, window_W, hop):
    return windows(waveform_BT, torch.hann_window(len(window_W), dtype=window_W.dtype), hop)


@of("mel.windows", "You divided by the window. Multiply by it.")
def divided_by_the_window(waveform_BT, window_W, hop):
    return windows(waveform_BT, 1 / window_W, hop)


@of("mel.windows", "You divided the window by its sum. Multiply by it as it is.")
def window_of_sum_one(waveform_BT, window_W, hop):
    return windows(waveform_BT, window_W / window_W.sum(), hop)


@of(
    "mel.windows",
    "You gave the window another axis, so that it meets the stretches instead of their samples. [B, F, W] times [W] "
    "fits as it is: `stretches_BFW * window_W`.",
)
def window_on_another_axis(waveform_BT, window_W, hop):
    return padded(waveform_BT, window_W).unfold(1, len(window_W), hop) * window_W[:, None]


@of(
    "mel.windows",
    "You weighted the waveform before it was cut, and it is longer than the window. Cut first, then multiply each "
    "stretch by `window_W`.",
)
def weighted_before_cutting(waveform_BT, window_W, hop):
    enough(waveform_BT, window_W)
    return padded(waveform_BT * window_W, window_W).unfold(1, len(window_W), hop)


@of(
    "mel.windows",
    "You weighted the mirrored waveform before it was cut, and it is longer than the window. Cut first, then multiply "
    "each stretch by `window_W`.",
)
def mirrored_weighted_before_cutting(waveform_BT, window_W, hop):
    return (padded(waveform_BT, window_W) * window_W).unfold(1, len(window_W), hop)


@of(
    "mel.windows",
    "You multiplied the stretches in place. They overlap in memory, as `unfold` copies nothing: make a new tensor, "
    "`stretches_BFW * window_W`.",
)
def multiplied_in_place(waveform_BT, window_W, hop):
    stretches_BFW = padded(waveform_BT, window_W).unfold(1, len(window_W), hop)
    stretches_BFW *= window_W
    return stretches_BFW


@of("mel.windows", "You left out the last stretch. From the middles 0, hop, ... to T there are 1 + T / hop.")
def last_left_out(waveform_BT, window_W, hop):
    return windows(waveform_BT, window_W, hop)[:, :-1]


@of(
    "mel.windows",
    "You have T / hop stretches, rounded up. The last may have its middle at T itself: there are 1 + T / hop, rounded "
    "down, and W / 2 samples are padded at the end too.",
)
def as_many_as_begin_before_the_end(waveform_BT, window_W, hop):
    return windows(waveform_BT, window_W, hop)[:, : -(-waveform_BT.shape[1] // hop)]


@of(
    "mel.windows",
    "You counted the stretches that fit into the waveform before it was mirrored. There are 1 + T / hop, rounded down.",
)
def as_many_as_fit_before_padding(waveform_BT, window_W, hop):
    enough(waveform_BT, window_W)
    padded_BT, W = padded(waveform_BT, window_W), len(window_W)
    begins = range(0, waveform_BT.shape[1] - W + 1, hop)
    return torch.stack([padded_BT[:, begin : begin + W] * window_W for begin in begins], dim=1)


@of(
    "mel.windows",
    "You left out the stretches at both ends, which hang over. The waveform is mirrored for them: keep all.",
)
def whole_ones_alone(waveform_BT, window_W, hop):
    half, T = len(window_W) // 2, waveform_BT.shape[1]
    middles = torch.arange(0, T + 1, hop)
    inside = (middles >= half) & (middles + half <= T)
    return windows(waveform_BT, window_W, hop)[:, inside]


@of("mel.windows", "Your stretches lie side by side, a window apart. Begin one every `hop` samples.")
def side_by_side(waveform_BT, window_W, hop):
    return windows(waveform_BT, window_W, len(window_W))


@of("mel.windows", "Your stretches begin one sample apart. Begin one every `hop` samples.")
def hop_of_one(waveform_BT, window_W, hop):
    return windows(waveform_BT, window_W, 1)


@of(
    "mel.windows",
    "Your stretches are as long as a hop: you swapped two arguments of `unfold`. It takes the axis, the size W and "
    "the step `hop`.",
)
def size_and_step_swapped(waveform_BT, window_W, hop):
    return padded(waveform_BT, window_W).unfold(1, hop, len(window_W)) * window_W


@of(
    "mel.windows",
    "Stretches and samples are swapped in your result: [B, W, F]. Return [B, F, W].",
)
def axes_swapped(waveform_BT, window_W, hop):
    return windows(waveform_BT, window_W, hop).transpose(1, 2)


@of(
    "mel.windows",
    "The stretches stand before the batch, [F, B, W]. Stack them along axis 1: `torch.stack(..., dim=1)`.",
)
def stacked_first(waveform_BT, window_W, hop):
    return windows(waveform_BT, window_W, hop).transpose(0, 1)


@of(
    "mel.windows",
    "You joined the stretches end to end: `torch.cat`. They need an axis of their own: `torch.stack(..., dim=1)`.",
)
def joined_end_to_end(waveform_BT, window_W, hop):
    return windows(waveform_BT, window_W, hop).flatten(1)


@of("mel.windows", "You cut the waveform off from its gradient, by `detach` or `no_grad`. Leave that out.")
def detached(waveform_BT, window_W, hop):
    return windows(waveform_BT, window_W, hop).detach()


@of("mel.windows", "You made the result float32, whatever the waveform is. Leave the dtype as it comes.")
def always_float32(waveform_BT, window_W, hop):
    return windows(waveform_BT, window_W, hop).float()


@of(
    "mel.windows",
    "Everything else is right. A waveform of W / 2 samples or fewer needs a `ValueError` of yours, before anything is "
    "padded: torch raises a `RuntimeError`.",
)
def left_to_torch(waveform_BT, window_W, hop):
    half = len(window_W) // 2
    return cut(F.pad(waveform_BT, (half, half), mode="reflect"), window_W, hop)


@of(
    "mel.windows",
    "Everything else is right. W / 2 samples are too few as well, for the mirror leaves out the edge: refuse with "
    "`<=`, not `<`.",
)
def just_too_few_let_through(waveform_BT, window_W, hop):
    if waveform_BT.shape[1] < len(window_W) // 2:
        raise ValueError("too short")
    half = len(window_W) // 2
    return cut(F.pad(waveform_BT, (half, half), mode="reflect"), window_W, hop)


@of(
    "mel.windows",
    "Everything else is right. A short waveform must raise a `ValueError`, and an `assert` raises an "
    "`AssertionError`: use `if` and `raise`.",
)
def asserted(waveform_BT, window_W, hop):
    assert waveform_BT.shape[1] > len(window_W) // 2
    return windows(waveform_BT, window_W, hop)


TOO_STRICT = "You refused waveforms that can be mirrored. W / 2 + 1 samples are enough: refuse only where T <= W / 2."


@of("mel.windows", TOO_STRICT)
def shorter_than_a_window_refused(waveform_BT, window_W, hop):
    if waveform_BT.shape[1] < len(window_W):
        raise ValueError("shorter than a window")
    return windows(waveform_BT, window_W, hop)


@of(
    "mel.windows",
    "You compared the number of waveforms with W / 2. The samples are axis 1: `waveform_BT.shape[1]`.",
)
def batch_compared(waveform_BT, window_W, hop):
    if len(waveform_BT) <= len(window_W) // 2:
        raise ValueError("too short")
    return windows(waveform_BT, window_W, hop)


# --- mel.fourier ------------------------------------------------------------------------------------------------------


def angles(frames_BFW, count=None, first=0, begin=0):
    """2 pi k t / W, [W, K]."""
    W = frames_BFW.shape[-1]
    k_K = torch.arange(first, first + (W // 2 + 1 if count is None else count), dtype=frames_BFW.dtype)
    return 2 * math.pi / W * torch.arange(begin, begin + W, dtype=frames_BFW.dtype)[:, None] * k_K


def summed(frames_BFW, angle_WK):
    return torch.complex(frames_BFW @ angle_WK.cos(), -(frames_BFW @ angle_WK.sin()))


@of(
    "mel.fourier",
    "Your imaginary part has the other sign: you took cos a + i sin a. The exponent has a minus, so it is cos a - i "
    "sin a.",
)
def other_sign(frames_BFW):
    return fourier(frames_BFW).conj().resolve_conj()


@of(
    "mel.fourier",
    "You returned magnitudes, and lost the phases. Return the complex numbers as they are.",
)
def magnitudes(frames_BFW):
    return fourier(frames_BFW).abs()


@of("mel.fourier", "You returned the power, and lost the phases. Return the complex numbers as they are.")
def power(frames_BFW):
    return fourier(frames_BFW).abs().square()


@of("mel.fourier", "You returned the phases alone. Return the complex numbers as they are.")
def phases(frames_BFW):
    return fourier(frames_BFW).angle()


@of(
    "mel.fourier",
    "You took the cosines alone. A frame that begins later needs sines too: return `torch.complex(cosines, -sines)`.",
)
def cosines_alone(frames_BFW):
    return fourier(frames_BFW).real


@of("mel.fourier", "Your imaginary part is zero. It is minus the sum with the sines.")
def no_sines(frames_BFW):
    cosines_BFK = fourier(frames_BFW).real
    return torch.complex(cosines_BFK, torch.zeros_like(cosines_BFK))


@of("mel.fourier", "Real and imaginary part are the same in your result. The imaginary part takes sines, with a minus.")
def cosines_twice(frames_BFW):
    cosines_BFK = fourier(frames_BFW).real
    return torch.complex(cosines_BFK, cosines_BFK)


@of("mel.fourier", "Real and imaginary part are the same but for a minus. The imaginary part takes sines.")
def cosines_twice_with_a_minus(frames_BFW):
    cosines_BFK = fourier(frames_BFW).real
    return torch.complex(cosines_BFK, -cosines_BFK)


@of(
    "mel.fourier", "You swapped sines and cosines. The real part takes the cosines, the imaginary part minus the sines."
)
def swapped(frames_BFW):
    angle_WK = angles(frames_BFW)
    return torch.complex(frames_BFW @ angle_WK.sin(), -(frames_BFW @ angle_WK.cos()))


@of(
    "mel.fourier",
    "You swapped sines and cosines, and no minus is there. The real part takes the cosines, the imaginary part minus "
    "the sines.",
)
def swapped_without_a_minus(frames_BFW):
    angle_WK = angles(frames_BFW)
    return torch.complex(frames_BFW @ angle_WK.sin(), frames_BFW @ angle_WK.cos())


@of("mel.fourier", "You put the minus before the cosines. It belongs to the sines alone.")
def minus_before_the_cosines(frames_BFW):
    return -fourier(frames_BFW).conj()


@of("mel.fourier", "You put a minus before both parts. It belongs to the sines alone.")
def minus_before_both(frames_BFW):
    return -fourier(frames_BFW)


@of(
    "mel.fourier",
    "You added sines and cosines up to one real number. Keep them apart: `torch.complex(cosines, -sines)`.",
)
def added_up(frames_BFW):
    spectrum_BFK = fourier(frames_BFW)
    return spectrum_BFK.real - spectrum_BFK.imag


@of(
    "mel.fourier",
    "You returned real and imaginary part along an axis of their own. Make complex numbers of them: `torch.complex`.",
)
def parts_stacked(frames_BFW):
    return torch.view_as_real(fourier(frames_BFW))


@of("mel.fourier", "You divided by W. Add up, as the formula has it: this is no mean.")
def divided(frames_BFW):
    return fourier(frames_BFW) / frames_BFW.shape[-1]


@of("mel.fourier", "You divided by the root of W. Add up, as the formula has it.")
def divided_by_the_root(frames_BFW):
    return fourier(frames_BFW) / math.sqrt(frames_BFW.shape[-1])


@of("mel.fourier", "You doubled the spectrum, as some do who leave out the upper half of it. The formula does not.")
def doubled(frames_BFW):
    return 2 * fourier(frames_BFW)


@of("mel.fourier", "You left out the last frequency, k = W / 2. There are 1 + W / 2: `torch.arange(W // 2 + 1)`.")
def one_frequency_too_few(frames_BFW):
    return fourier(frames_BFW)[..., :-1]


@of(
    "mel.fourier",
    "You took W frequencies. From k = W / 2 on they are mirrored, and say nothing new: end there, `torch.arange(W // "
    "2 + 1)`.",
)
def all_frequencies(frames_BFW):
    return torch.fft.fft(frames_BFW)


@of("mel.fourier", "Your frequencies begin with k = 1. Begin with 0, the plain sum.")
def first_frequency_left_out(frames_BFW):
    return summed(frames_BFW, angles(frames_BFW, first=1))


@of("mel.fourier", "You left out frequency 0, and have one too few. Begin with it: `torch.arange(W // 2 + 1)`.")
def frequency_zero_left_out(frames_BFW):
    return fourier(frames_BFW)[..., 1:]


@of("mel.fourier", "You counted the samples from 1. The first one is t = 0: otherwise all phases turn.")
def samples_from_one(frames_BFW):
    return summed(frames_BFW, angles(frames_BFW, begin=1))


@of(
    "mel.fourier",
    "Your samples run from 0 to 1 with both ends, so a wave fits in W - 1 samples. Sample t stands at t / W: leave "
    "out the end.",
)
def both_ends(frames_BFW):
    W = frames_BFW.shape[-1]
    turns_W = torch.linspace(0, 1, W, dtype=frames_BFW.dtype)
    return summed(frames_BFW, 2 * math.pi * turns_W[:, None] * torch.arange(W // 2 + 1))


@of("mel.fourier", "You left out the factor of 2 pi. The angle is 2 pi k t / W: a whole turn is 2 pi.")
def no_two_pi(frames_BFW):
    return summed(frames_BFW, angles(frames_BFW) / (2 * math.pi))


@of("mel.fourier", "Your angle is pi k t / W, so your waves fit in half as often. A whole turn is 2 pi.")
def pi_alone(frames_BFW):
    return summed(frames_BFW, angles(frames_BFW) / 2)


@of(
    "mel.fourier",
    "You divided the angle by K, the number of frequencies. Divide by W: wave k fits into W samples k times.",
)
def divided_by_the_frequencies(frames_BFW):
    W = frames_BFW.shape[-1]
    return summed(frames_BFW, angles(frames_BFW) * W / (W // 2 + 1))


@of("mel.fourier", "You divided the angle by W / 2, so your waves fit in twice as often. Divide by W.")
def divided_by_half_a_window(frames_BFW):
    return summed(frames_BFW, 2 * angles(frames_BFW))


@of(
    "mel.fourier",
    "You forgot to divide the angle by W: every wave turns a whole number of times from sample to sample.",
)
def not_divided(frames_BFW):
    W = frames_BFW.shape[-1]
    turns_WK = torch.arange(W)[:, None] * torch.arange(W // 2 + 1)
    return summed(frames_BFW, (2 * math.pi * turns_WK).to(frames_BFW.dtype))


@of("mel.fourier", "You divided k t by W with `//`, which leaves whole turns alone. Divide with `/`.")
def whole_turns(frames_BFW):
    W = frames_BFW.shape[-1]
    turns_WK = torch.arange(W)[:, None] * torch.arange(W // 2 + 1) // W
    return summed(frames_BFW, (2 * math.pi * turns_WK).to(frames_BFW.dtype))


@of(
    "mel.fourier",
    "Your waves are [K, W]. To be multiplied with the frames, [B, F, W], they must be [W, K]: transpose them.",
)
def waves_turned(frames_BFW):
    angle_KW = angles(frames_BFW).T
    return torch.complex(frames_BFW @ angle_KW.cos(), -(frames_BFW @ angle_KW.sin()))


@of(
    "mel.fourier",
    "You multiplied frames and waves number by number, and their shapes differ. Multiply by the matrix of waves, "
    "which adds up too: `@`.",
)
def number_by_number(frames_BFW):
    angle_WK = angles(frames_BFW)
    return torch.complex(frames_BFW * angle_WK.cos(), -(frames_BFW * angle_WK.sin()))


@of("mel.fourier", "You added up over the frequencies. Add up over the samples t, for each frequency k.")
def added_over_frequencies(frames_BFW):
    angle_WK = angles(frames_BFW)
    waves_WK = torch.complex(angle_WK.cos(), -angle_WK.sin())
    return (frames_BFW[..., None] * waves_WK).sum(dim=-1)


@of(
    "mel.fourier",
    "You did not add up: each sample times each wave is there still. Add up over the samples t, for each frequency k.",
)
def not_added_up(frames_BFW):
    angle_WK = angles(frames_BFW)
    waves_WK = torch.complex(angle_WK.cos(), -angle_WK.sin())
    return frames_BFW[..., None] * waves_WK


@of("mel.fourier", "`math.cos` and `math.sin` take one number. For a tensor there are `.cos()` and `.sin()`.")
def waves_of_python(frames_BFW):
    return math.cos(angles(frames_BFW))


@of("mel.fourier", "You transformed along the frames. Transform each frame along its samples, the last axis.")
def along_the_frames(frames_BFW):
    return torch.fft.rfft(frames_BFW, dim=1)


@of("mel.fourier", "You transformed along the batch. Transform each frame along its samples, the last axis.")
def along_the_batch(frames_BFW):
    return torch.fft.rfft(frames_BFW, dim=0)


@of("mel.fourier", "You transformed along two axes. Transform each frame by itself, along its samples: `rfft`.")
def along_two_axes(frames_BFW):
    return torch.fft.rfft2(frames_BFW)


@of("mel.fourier", "Frames and frequencies are swapped in your result. Return [B, F, K].")
def frames_and_frequencies_swapped(frames_BFW):
    return fourier(frames_BFW).mT


@of("mel.fourier", "You weighted the frames by a Hann window. `windows` has done that: take them as they are.")
def weighted_again(frames_BFW):
    return fourier(frames_BFW * torch.hann_window(frames_BFW.shape[-1], dtype=frames_BFW.dtype))


@of(
    "mel.fourier",
    "You multiplied complex waves with real frames by `@`. Both must have one dtype: make two products, with cosines "
    "and with sines, or the frames complex.",
)
def real_with_complex(frames_BFW):
    return frames_BFW @ torch.exp(-1j * angles(frames_BFW))


@of(
    "mel.fourier",
    "Your waves are float32, also where the frames are float64. Give them the dtype of the frames: "
    "`.to(frames_BFW.dtype)`.",
)
def waves_in_float32(frames_BFW):
    angle_WK = angles(frames_BFW).float()
    return summed(frames_BFW, angle_WK)


@of("mel.fourier", "You made the result complex64, whatever the frames are. From float64 frames comes complex128.")
def always_complex64(frames_BFW):
    return fourier(frames_BFW).to(torch.complex64)


@of("mel.fourier", "You cut the frames off from their gradient, by `detach` or `no_grad`. Leave that out.")
def spectrum_detached(frames_BFW):
    return fourier(frames_BFW).detach()
