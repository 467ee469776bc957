"""The way back: windows added up, and phases that were lost."""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection
from mmlearn.nn.fourier import fourier, griffin_lim, overlap_add, windows

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


# --- mel.overlap-add --------------------------------------------------------------------------------------------------


def placed(parts_BFW, hop):
    """Parts at their places, added up."""
    B, count, W = parts_BFW.shape
    sum_BT = parts_BFW.new_zeros(B, (count - 1) * hop + W)
    for f in range(count):
        sum_BT[:, f * hop : f * hop + W] += parts_BFW[:, f]
    return sum_BT


def over(above_BT, below_BT):
    return above_BT / below_BT.clamp(min=1e-30)


def added(frames_BFW, window_W, hop, length, weight_W=None, count_W=None, place=None, over=over):
    """The waveform; with other weights for the frames, other numbers to divide by, and another place to cut."""
    W = len(window_W)
    weight_W = window_W if weight_W is None else weight_W
    count_W = window_W**2 if count_W is None else count_W
    whole_BT = over(placed(frames_BFW * weight_W, hop), placed(torch.ones_like(frames_BFW) * count_W, hop))
    place = W // 2 if place is None else place
    return whole_BT[:, place : place + length]


def with_and_without_zeros(sentence):
    """Register the function below, and the same with zero by zero where no window reaches.

    That is forgotten often, and must not hide the other mistake.
    """

    def register(code):
        def twin(frames_BFW, window_W, hop, length):
            return code(frames_BFW, window_W, hop, length, over=torch.div)

        twin.__name__ = f"{code.__name__}_and_zero_by_zero"
        of("mel.overlap-add", sentence)(code)
        of("mel.overlap-add", f"{sentence} And do not divide zero by zero where no window reaches.")(twin)
        return code

    return register


@with_and_without_zeros(
    "You did not weight the frames by the window once more, but divided by the squares. Add up `frames_BFW[:, f] * "
    "window_W`.",
)
def not_weighted(frames_BFW, window_W, hop, length, over=over):
    return added(frames_BFW, window_W, hop, length, weight_W=torch.ones_like(window_W), over=over)


@with_and_without_zeros(
    "You added up the frames and divided by the sum of the windows. That gives windows of a sound back, but is not "
    "nearest to others: weight once more, and divide by the sum of the squares.",
)
def sum_by_sum_of_windows(frames_BFW, window_W, hop, length, over=over):
    return added(frames_BFW, window_W, hop, length, weight_W=torch.ones_like(window_W), count_W=window_W, over=over)


@with_and_without_zeros(
    "You divided by the sum of the windows. Divide by that of their squares: each frame was weighted twice.",
)
def divided_by_windows(frames_BFW, window_W, hop, length, over=over):
    return added(frames_BFW, window_W, hop, length, count_W=window_W, over=over)


@with_and_without_zeros(
    "You took the mean of the frames that reach a sample. Weight each by the window, and divide by the sum of the "
    "squared windows.",
)
def mean_of_frames(frames_BFW, window_W, hop, length, over=over):
    ones_W = torch.ones_like(window_W)
    return added(frames_BFW, window_W, hop, length, weight_W=ones_W, count_W=ones_W, over=over)


@with_and_without_zeros(
    "You weighted the frames and divided by how many reach a sample. Divide by the sum of their squared windows.",
)
def mean_of_weighted_frames(frames_BFW, window_W, hop, length, over=over):
    return added(frames_BFW, window_W, hop, length, count_W=torch.ones_like(window_W), over=over)


@of(
    "mel.overlap-add",
    "You took the window out of each frame, then the mean. That takes all frames as equally good: weight each by the "
    "window instead, and divide by the sum of the squares.",
)
def mean_without_the_window(frames_BFW, window_W, hop, length):
    ones_W = torch.ones_like(window_W)
    return added(frames_BFW, window_W, hop, length, weight_W=1 / window_W, count_W=ones_W)


@of("mel.overlap-add", "You did not divide. Divide by the sum of the squared windows, sample by sample.")
def not_divided(frames_BFW, window_W, hop, length):
    W = len(window_W)
    return placed(frames_BFW * window_W, hop)[:, W // 2 : W // 2 + length]


@of(
    "mel.overlap-add",
    "You added up the frames as they are. Weight each by the window, and divide by the sum of the squared windows.",
)
def plain_sum(frames_BFW, window_W, hop, length):
    W = len(window_W)
    return placed(frames_BFW, hop)[:, W // 2 : W // 2 + length]


@of(
    "mel.overlap-add",
    "You divided by one number, the sum over a window. At each sample other windows meet: add up their squares at "
    "their places too.",
)
def divided_by_one_number(frames_BFW, window_W, hop, length):
    return not_divided(frames_BFW, window_W, hop, length) / window_W.square().sum()


@of(
    "mel.overlap-add",
    "You divided by one number, the sum over a window by the hop. That holds for few windows, and not at the ends: "
    "add up the squares at their places too.",
)
def divided_by_one_number_and_hop(frames_BFW, window_W, hop, length):
    return not_divided(frames_BFW, window_W, hop, length) * hop / window_W.square().sum()


@of(
    "mel.overlap-add",
    "You divided each frame by the squared window, before adding. Add up both, then divide the sums.",
)
def divided_before_adding(frames_BFW, window_W, hop, length):
    return not_divided(frames_BFW / window_W**2, window_W, hop, length)


@of(
    "mel.overlap-add",
    "You divided by the square of the summed windows. Square each window first, then add up: `squares_T[place] += "
    "window_W**2`.",
)
def square_of_the_sum(frames_BFW, window_W, hop, length):
    W = len(window_W)
    sums_BT = placed(torch.ones_like(frames_BFW) * window_W, hop)
    return over(placed(frames_BFW * window_W, hop), sums_BT**2)[:, W // 2 : W // 2 + length]


@of(
    "mel.overlap-add",
    "You divided by the root of the summed squares. Divide by the sum itself.",
)
def root_of_the_squares(frames_BFW, window_W, hop, length):
    W = len(window_W)
    squares_BT = placed(torch.ones_like(frames_BFW) * window_W**2, hop)
    return over(placed(frames_BFW * window_W, hop), squares_BT.sqrt())[:, W // 2 : W // 2 + length]


@of(
    "mel.overlap-add",
    "You weighted the frames by the squared window. They have been weighted once: once more is enough.",
)
def weighted_by_the_square(frames_BFW, window_W, hop, length):
    return added(frames_BFW, window_W, hop, length, weight_W=window_W**2)


@of("mel.overlap-add", "You weighted by a window that is turned round. It stands as it is: `frames_BFW * window_W`.")
def window_turned(frames_BFW, window_W, hop, length):
    return added(frames_BFW, window_W, hop, length, weight_W=window_W.flip(0))


@with_and_without_zeros(
    "You began with the first sample of frame 0, which lies W / 2 before the sound. Cut that half window off.",
)
def not_cut(frames_BFW, window_W, hop, length, over=over):
    return added(frames_BFW, window_W, hop, length, place=0, over=over)


@with_and_without_zeros("You cut off a whole window at the beginning. Half a window lies before the sound: W / 2.")
def window_cut(frames_BFW, window_W, hop, length, over=over):
    return added(frames_BFW, window_W, hop, length, place=len(window_W), over=over)


@with_and_without_zeros("You cut off a hop at the beginning. Half a window lies before the sound: W / 2.")
def hop_cut(frames_BFW, window_W, hop, length, over=over):
    return added(frames_BFW, window_W, hop, length, place=hop, over=over)


@with_and_without_zeros(
    "You cut off a sample too few at the beginning. The middle of an even window is its sample W / 2.",
)
def one_too_few_cut(frames_BFW, window_W, hop, length, over=over):
    return added(frames_BFW, window_W, hop, length, place=len(window_W) // 2 - 1, over=over)


@of(
    "mel.overlap-add",
    "You took the last `length` samples. Begin W / 2 samples after the beginning of frame 0, and take `length` from "
    "there.",
)
def last_samples(frames_BFW, window_W, hop, length):
    total = (frames_BFW.shape[1] - 1) * hop + len(window_W)
    return added(frames_BFW, window_W, hop, length, place=total - length)


@of(
    "mel.overlap-add",
    "You took the middle `length` samples. Begin W / 2 samples after the beginning of frame 0, and take `length` from "
    "there.",
)
def middle_samples(frames_BFW, window_W, hop, length):
    total = (frames_BFW.shape[1] - 1) * hop + len(window_W)
    return added(frames_BFW, window_W, hop, length, place=(total - length) // 2)


@with_and_without_zeros("You returned all samples behind the first half window. End after `length` samples.")
def length_ignored(frames_BFW, window_W, hop, length, over=over):
    return added(frames_BFW, window_W, hop, 10**6, over=over)


@of(
    "mel.overlap-add",
    "You cut off half a window at either end, whatever `length` is. Take `length` samples from sample W / 2 on.",
)
def half_a_window_at_either_end(frames_BFW, window_W, hop, length):
    return added(frames_BFW, window_W, hop, (frames_BFW.shape[1] - 1) * hop)


@with_and_without_zeros(
    "Your slice ends at `length`, so it is W / 2 samples too short. It ends at `W // 2 + length`.",
)
def slice_too_short(frames_BFW, window_W, hop, length, over=over):
    return added(frames_BFW, window_W, hop, length - len(window_W) // 2, over=over)


@of("mel.overlap-add", "You put the frames side by side, each behind the last. Frame f begins at f * hop.")
def side_by_side(frames_BFW, window_W, hop, length):
    return added(frames_BFW, window_W, len(window_W), length)


@of("mel.overlap-add", "You put each frame one sample behind the last. Frame f begins at f * hop.")
def one_sample_apart(frames_BFW, window_W, hop, length):
    return added(frames_BFW, window_W, 1, length)


@of(
    "mel.overlap-add",
    "A frame replaces what the last one had written there. Add to it: `+=`, not `=`.",
)
def replaced(frames_BFW, window_W, hop, length):
    B, count, W = frames_BFW.shape
    sum_BT, squares_T = frames_BFW.new_zeros(B, (count - 1) * hop + W), frames_BFW.new_zeros((count - 1) * hop + W)
    for f in range(count):
        sum_BT[:, f * hop : f * hop + W] = frames_BFW[:, f] * window_W
        squares_T[f * hop : f * hop + W] = window_W**2
    return over(sum_BT, squares_T)[:, W // 2 : W // 2 + length]


@of(
    "mel.overlap-add",
    "You added up the frames, but each window's squares replace the last one's. Add to them too: `+=`.",
)
def squares_replaced(frames_BFW, window_W, hop, length):
    count, W = frames_BFW.shape[1:]
    squares_T = frames_BFW.new_zeros((count - 1) * hop + W)
    for f in range(count):
        squares_T[f * hop : f * hop + W] = window_W**2
    return over(placed(frames_BFW * window_W, hop), squares_T)[:, W // 2 : W // 2 + length]


@of(
    "mel.overlap-add",
    "You added the squared windows for every sound of the batch to one sum. They are the same for all sounds: add "
    "them once for each frame.",
)
def squares_of_every_sound(frames_BFW, window_W, hop, length):
    return added(frames_BFW, window_W, hop, length) / len(frames_BFW)


@of("mel.overlap-add", "You left out the last frame. There are as many as axis 1 is long: `range(count)`.")
def last_frame_left_out(frames_BFW, window_W, hop, length):
    W, count = len(window_W), frames_BFW.shape[1]
    last_W = F.pad(torch.ones(count - 1), (0, 1)).to(frames_BFW.dtype)[:, None]
    above, below = placed(frames_BFW * window_W * last_W, hop), placed(last_W * window_W**2 + 0 * frames_BFW, hop)
    return over(above, below)[:, W // 2 : W // 2 + length]


TOO_SHORT = "Your zeros end too early for the last frame, which is W long: make them `(count - 1) * hop + W` long."


@of("mel.overlap-add", TOO_SHORT)
def zeros_of_all_hops(frames_BFW, window_W, hop, length):
    B, count, W = frames_BFW.shape
    sum_BT = frames_BFW.new_zeros(B, count * hop)
    for f in range(count):
        sum_BT[:, f * hop : f * hop + W] += frames_BFW[:, f] * window_W
    return sum_BT


@of("mel.overlap-add", TOO_SHORT)
def zeros_of_length(frames_BFW, window_W, hop, length):
    B, count, W = frames_BFW.shape
    sum_BT = frames_BFW.new_zeros(B, length)
    for f in range(count):
        sum_BT[:, f * hop : f * hop + W] += frames_BFW[:, f] * window_W
    return sum_BT


@of(
    "mel.overlap-add",
    "Your zeros are `length + W` long, and the frames may reach further. Make them `(count - 1) * hop + W` long, and "
    "cut at the end.",
)
def zeros_of_length_and_window(frames_BFW, window_W, hop, length):
    B, count, W = frames_BFW.shape
    sum_BT, squares_T = frames_BFW.new_zeros(B, length + W), frames_BFW.new_zeros(length + W)
    for f in range(count):
        sum_BT[:, f * hop : f * hop + W] += frames_BFW[:, f] * window_W
        squares_T[f * hop : f * hop + W] += window_W**2
    return over(sum_BT, squares_T)[:, W // 2 : W // 2 + length]


@of(
    "mel.overlap-add",
    "You cut the sum of the frames and not that of the squares. Cut both at the same place, or divide first.",
)
def squares_not_cut(frames_BFW, window_W, hop, length):
    W = len(window_W)
    squares_T = placed(torch.ones_like(frames_BFW[:1]) * window_W**2, hop)[0]
    return over(placed(frames_BFW * window_W, hop)[:, W // 2 : W // 2 + length], squares_T)


@of("mel.overlap-add", "Your slice cuts the batch. Samples are axis 1 of the sum: `sum_BT[:, place]`.")
def batch_sliced(frames_BFW, window_W, hop, length):
    B, count, W = frames_BFW.shape
    sum_BT = frames_BFW.new_zeros(B, (count - 1) * hop + W)
    for f in range(count):
        sum_BT[f * hop : f * hop + W] += frames_BFW[:, f] * window_W
    return sum_BT


@of("mel.overlap-add", "`frames_BFW[f]` is all frames of sound f. Take frame f of all sounds: `frames_BFW[:, f]`.")
def frames_of_a_sound(frames_BFW, window_W, hop, length):
    B, count, W = frames_BFW.shape
    sum_BT = frames_BFW.new_zeros(B, (count - 1) * hop + W)
    for f in range(count):
        sum_BT[:, f * hop : f * hop + W] += frames_BFW[f] * window_W
    return sum_BT


@of(
    "mel.overlap-add",
    "Everything else is right. Where no window reaches you divided zero by zero: raise the sum of squares a little, "
    "by `.clamp(min=1e-30)`.",
)
def zero_by_zero(frames_BFW, window_W, hop, length):
    W = len(window_W)
    above, below = placed(frames_BFW * window_W, hop), placed(torch.ones_like(frames_BFW) * window_W**2, hop)
    return (above / below)[:, W // 2 : W // 2 + length]


@of(
    "mel.overlap-add",
    "You raised the sum of squares to 1, which changes it where windows are small. Raise it only where it is zero: "
    "`.clamp(min=1e-30)`.",
)
def squares_raised_to_one(frames_BFW, window_W, hop, length):
    W = len(window_W)
    above, below = placed(frames_BFW * window_W, hop), placed(torch.ones_like(frames_BFW) * window_W**2, hop)
    return (above / below.clamp(min=1))[:, W // 2 : W // 2 + length]


@of(
    "mel.overlap-add",
    "You added a number to the sum of squares that is not small beside it. 1e-30 is enough: `.clamp(min=1e-30)`.",
)
def much_added_to_the_squares(frames_BFW, window_W, hop, length):
    W = len(window_W)
    above, below = placed(frames_BFW * window_W, hop), placed(torch.ones_like(frames_BFW) * window_W**2, hop)
    return (above / (below + 1e-2))[:, W // 2 : W // 2 + length]


@of(
    "mel.overlap-add",
    "You multiplied the frames in place, and they still belong to the caller. Make a new tensor: `frames_BFW * "
    "window_W`.",
)
def frames_changed(frames_BFW, window_W, hop, length):
    frames_BFW *= window_W
    return added(frames_BFW, window_W, hop, length, weight_W=torch.ones_like(window_W))


@of(
    "mel.overlap-add",
    "You added up in float32, whatever the frames are. Make zeros of their dtype: `frames_BFW.new_zeros(...)`.",
)
def added_up_in_float32(frames_BFW, window_W, hop, length):
    return overlap_add(frames_BFW, window_W, hop, length).float()


@of("mel.overlap-add", "You cut the frames off from their gradient, by `detach` or `no_grad`. Leave that out.")
def frames_detached(frames_BFW, window_W, hop, length):
    return overlap_add(frames_BFW, window_W, hop, length).detach()


@of("mel.overlap-add", "You added up all sounds to one. Keep the batch: zeros of [B, ...], and `sum_BT[:, place]`.")
def sounds_added_up(frames_BFW, window_W, hop, length):
    return overlap_add(frames_BFW, window_W, hop, length).sum(dim=0)


# --- mel.griffin-lim --------------------------------------------------------------------------------------------------


class Steps:
    """Griffin and Lim's rounds in small steps, so that a misconception overrides one of them."""

    def __call__(self, magnitude_BFK, phase_BFK, window_W, hop, length, rounds):
        for _ in range(self.count(rounds)):
            waveform_BT = self.sound(magnitude_BFK, phase_BFK, window_W, hop, length)
            magnitude_BFK, phase_BFK = self.next(magnitude_BFK, phase_BFK, waveform_BT, window_W, hop)
        return self.sound(magnitude_BFK, phase_BFK, window_W, hop, length)

    def count(self, rounds):
        return rounds

    def sound(self, magnitude_BFK, phase_BFK, window_W, hop, length):
        frames_BFW = self.frames(self.complex(magnitude_BFK, phase_BFK), len(window_W))
        return overlap_add(frames_BFW, window_W, hop, length)

    def complex(self, magnitude_BFK, phase_BFK):
        return torch.polar(magnitude_BFK, phase_BFK)

    def frames(self, spectrum_BFK, W):
        return torch.fft.irfft(spectrum_BFK, W)

    def next(self, magnitude_BFK, phase_BFK, waveform_BT, window_W, hop):
        return magnitude_BFK, self.phase(fourier(self.windows(waveform_BT, window_W, hop)))

    def windows(self, waveform_BT, window_W, hop):
        return windows(waveform_BT, window_W, hop)

    def phase(self, spectrum_BFK):
        return spectrum_BFK.angle()


def misconception(sentence):
    """Register a class of steps as a function of its name."""

    def register(kind):
        def code(magnitude_BFK, phase_BFK, window_W, hop, length, rounds):
            return kind()(magnitude_BFK, phase_BFK, window_W, hop, length, rounds)

        code.__name__ = kind.__name__
        of("mel.griffin-lim", sentence)(code)
        return kind

    return register


@misconception(
    "Your rounds change nothing: the first waveform comes back. Either you kept the magnitudes of the new spectrum, "
    "or the new phases are not used, or the loop returns too early. Put the given magnitudes to the new phases."
)
class NothingChanges(Steps):
    def count(self, rounds):
        return 0


@misconception("You made the first waveform of phases zero, or used none at all. Begin with `phase_BFK`.")
class PhasesIgnored(Steps):
    def __call__(self, magnitude_BFK, phase_BFK, window_W, hop, length, rounds):
        zero_BFK = torch.zeros_like(phase_BFK)
        return super().__call__(magnitude_BFK, zero_BFK, window_W, hop, length, rounds)


@misconception(
    "You ran a round more than asked for. After `rounds` new sets of phases the last waveform is made; with 0 it is "
    "the first."
)
class OneRoundMore(Steps):
    def count(self, rounds):
        return rounds + 1


@misconception(
    "You ran a round less than asked for, unless it was none. After `rounds` new sets of phases one more waveform is "
    "made."
)
class OneRoundLess(Steps):
    def count(self, rounds):
        return max(rounds - 1, 0)


@of(
    "mel.griffin-lim",
    "Your loop runs `rounds` times, and with 0 it never makes a waveform; the last phases are not used either. One "
    "waveform more is made than sets of phases: `range(rounds + 1)`.",
)
def no_waveform_without_rounds(magnitude_BFK, phase_BFK, window_W, hop, length, rounds):
    for _ in range(rounds):
        frames_BFW = torch.fft.irfft(torch.polar(magnitude_BFK, phase_BFK), len(window_W))
        waveform_BT = overlap_add(frames_BFW, window_W, hop, length)
        phase_BFK = fourier(windows(waveform_BT, window_W, hop)).angle()
    return waveform_BT


@misconception("You ran one round, however many are asked for. Repeat both steps `rounds` times.")
class OneRoundInAnyCase(Steps):
    def count(self, rounds):
        return min(rounds, 1)


@misconception("You mixed the new magnitudes with the given ones. Put the given ones back in every round.")
class MagnitudesMixed(Steps):
    def next(self, magnitude_BFK, phase_BFK, waveform_BT, window_W, hop):
        spectrum_BFK = fourier(windows(waveform_BT, window_W, hop))
        return (magnitude_BFK + spectrum_BFK.abs()) / 2, spectrum_BFK.angle()


@misconception(
    "You multiplied the given magnitudes by the whole new spectrum. Take its phases alone: "
    "`torch.polar(magnitude_BFK, phase_BFK)`."
)
class MagnitudesMultiplied(Steps):
    def next(self, magnitude_BFK, phase_BFK, waveform_BT, window_W, hop):
        spectrum_BFK = fourier(windows(waveform_BT, window_W, hop))
        return magnitude_BFK * spectrum_BFK.abs(), spectrum_BFK.angle()


@misconception(
    "You kept the new magnitudes and the old phases. It is the other way round: new phases, given magnitudes."
)
class NewMagnitudesOldPhases(Steps):
    def next(self, magnitude_BFK, phase_BFK, waveform_BT, window_W, hop):
        return fourier(windows(waveform_BT, window_W, hop)).abs(), phase_BFK


@misconception("You added the new phases to the old ones. Replace them.")
class PhasesAdded(Steps):
    def next(self, magnitude_BFK, phase_BFK, waveform_BT, window_W, hop):
        magnitude_BFK, new_BFK = super().next(magnitude_BFK, phase_BFK, waveform_BT, window_W, hop)
        return magnitude_BFK, phase_BFK + new_BFK


@misconception("You took the mean of old and new phases. Replace the old ones.")
class PhasesAveraged(Steps):
    def next(self, magnitude_BFK, phase_BFK, waveform_BT, window_W, hop):
        magnitude_BFK, new_BFK = super().next(magnitude_BFK, phase_BFK, waveform_BT, window_W, hop)
        return magnitude_BFK, (phase_BFK + new_BFK) / 2


@misconception(
    "You took the phases of the real part, which are 0 or pi. Take those of the complex numbers: `.angle()`."
)
class PhasesOfTheRealPart(Steps):
    def phase(self, spectrum_BFK):
        return spectrum_BFK.real.angle()


@misconception("You took the imaginary parts for the phases. The phase is the angle: `.angle()`.")
class ImaginaryParts(Steps):
    def phase(self, spectrum_BFK):
        return spectrum_BFK.imag


@misconception(
    "You took `atan` of imaginary by real part, which takes opposite numbers for the same. Use `.angle()`, or "
    "`torch.atan2`."
)
class HalfTheAngles(Steps):
    def phase(self, spectrum_BFK):
        return torch.atan(spectrum_BFK.imag / spectrum_BFK.real)


@misconception("You swapped the arguments of `atan2`. The imaginary part comes first; or use `.angle()`.")
class AnglesSwapped(Steps):
    def phase(self, spectrum_BFK):
        return torch.atan2(spectrum_BFK.real, spectrum_BFK.imag)


@misconception("Your new phases are in degrees. They are radians, as `.angle()` gives them.")
class Degrees(Steps):
    def phase(self, spectrum_BFK):
        return spectrum_BFK.angle() * 180 / torch.pi


@misconception("Your new phases have the other sign. Take `.angle()` as it is.")
class NewPhasesTurned(Steps):
    def phase(self, spectrum_BFK):
        return -spectrum_BFK.angle()


@misconception(
    "You took the exponential with a minus, so every frame runs backwards. It is A e^(i phi): "
    "`torch.polar(magnitude_BFK, phase_BFK)`."
)
class PhasesTurned(Steps):
    def complex(self, magnitude_BFK, phase_BFK):
        return torch.polar(magnitude_BFK, -phase_BFK)


@misconception(
    "You took magnitude and phase for real and imaginary part. Make A e^(i phi) of them: `torch.polar(magnitude_BFK, "
    "phase_BFK)`."
)
class PhasesAsImaginaryParts(Steps):
    def complex(self, magnitude_BFK, phase_BFK):
        return torch.complex(magnitude_BFK, phase_BFK)


@misconception(
    "You took the cosines alone, so half of each phase is lost. Make A e^(i phi): `torch.polar(magnitude_BFK, "
    "phase_BFK)`."
)
class CosinesAlone(Steps):
    def complex(self, magnitude_BFK, phase_BFK):
        return (magnitude_BFK * phase_BFK.cos()).to(torch.promote_types(magnitude_BFK.dtype, torch.complex64))


@misconception("You left the i out of the exponent. It is e^(i phi): `torch.exp(1j * phase_BFK)`.")
class RealExponential(Steps):
    def complex(self, magnitude_BFK, phase_BFK):
        return (magnitude_BFK * phase_BFK.exp()).to(torch.promote_types(magnitude_BFK.dtype, torch.complex64))


@misconception("You multiplied magnitude and phase. Make A e^(i phi) of them: `torch.polar(magnitude_BFK, phase_BFK)`.")
class Multiplied(Steps):
    def complex(self, magnitude_BFK, phase_BFK):
        return (magnitude_BFK * phase_BFK).to(torch.promote_types(magnitude_BFK.dtype, torch.complex64))


@misconception("You left out the magnitudes: all are 1. Make A e^(i phi): `torch.polar(magnitude_BFK, phase_BFK)`.")
class MagnitudesOfOne(Steps):
    def complex(self, magnitude_BFK, phase_BFK):
        return torch.polar(torch.ones_like(magnitude_BFK), phase_BFK)


@misconception("You swapped the arguments of `torch.polar`. The magnitude comes first, then the phase.")
class PolarSwapped(Steps):
    def complex(self, magnitude_BFK, phase_BFK):
        return torch.polar(phase_BFK, magnitude_BFK)


@misconception("You squared the magnitudes. Take them as they are; power is not asked for.")
class Squared(Steps):
    def complex(self, magnitude_BFK, phase_BFK):
        return torch.polar(magnitude_BFK.square(), phase_BFK)


@misconception("You took the root of the magnitudes. Take them as they are: they are no power.")
class Rooted(Steps):
    def complex(self, magnitude_BFK, phase_BFK):
        return torch.polar(magnitude_BFK.sqrt(), phase_BFK)


@misconception(
    "You took the inverse of K frequencies alone, by `ifft`. The spectrum is half of one: `torch.fft.irfft(..., W)`."
)
class HalfASpectrum(Steps):
    def frames(self, spectrum_BFK, W):
        return torch.fft.ifft(spectrum_BFK, W).real


@misconception(
    "Your frames are not W samples long. Transform along the last axis, and say how long they are: "
    "`torch.fft.irfft(..., W)`."
)
class FramesTooShort(Steps):
    def frames(self, spectrum_BFK, W):
        return torch.fft.irfft(spectrum_BFK, spectrum_BFK.shape[-1])


@misconception(
    "You weighted the frames by the window before `overlap_add`, which does so itself. Hand them on as they are."
)
class WeightedBeforeAdding(Steps):
    def sound(self, magnitude_BFK, phase_BFK, window_W, hop, length):
        frames_BFW = self.frames(self.complex(magnitude_BFK, phase_BFK), len(window_W))
        return overlap_add(frames_BFW * window_W, window_W, hop, length)


@misconception(
    "You divided the frames by the window before `overlap_add`. It takes frames that are weighted: hand them on as "
    "they are."
)
class DividedBeforeAdding(Steps):
    def sound(self, magnitude_BFK, phase_BFK, window_W, hop, length):
        frames_BFW = self.frames(self.complex(magnitude_BFK, phase_BFK), len(window_W))
        return overlap_add(frames_BFW / window_W, window_W, hop, length)


@misconception(
    "You took the new phases of windows of ones. Give `windows` the window: `windows(waveform_BT, window_W, hop)`."
)
class NewWindowsOfOnes(Steps):
    def windows(self, waveform_BT, window_W, hop):
        return windows(waveform_BT, torch.ones_like(window_W), hop)


@misconception("You weighted the new windows twice. `windows` does it once.")
class NewWindowsWeightedTwice(Steps):
    def windows(self, waveform_BT, window_W, hop):
        return windows(waveform_BT, window_W, hop) * window_W


@misconception(
    "You took the new phases of the frames before they were added up. Then nothing is learned from their neighbours: "
    "take them of the windows of the waveform."
)
class PhasesOfTheFrames(Steps):
    def __call__(self, magnitude_BFK, phase_BFK, window_W, hop, length, rounds):
        for _ in range(rounds):
            frames_BFW = torch.fft.irfft(torch.polar(magnitude_BFK, phase_BFK), len(window_W))
            phase_BFK = fourier(frames_BFW).angle()
        return self.sound(magnitude_BFK, phase_BFK, window_W, hop, length)


@misconception(
    "You took the new phases of the frames, weighted, before they were added up. Then nothing is learned from their "
    "neighbours: take them of the windows of the waveform."
)
class PhasesOfWeightedFrames(Steps):
    def __call__(self, magnitude_BFK, phase_BFK, window_W, hop, length, rounds):
        for _ in range(rounds):
            frames_BFW = torch.fft.irfft(torch.polar(magnitude_BFK, phase_BFK), len(window_W))
            phase_BFK = fourier(frames_BFW * window_W).angle()
        return self.sound(magnitude_BFK, phase_BFK, window_W, hop, length)


@of(
    "mel.griffin-lim",
    "You took the complex spectrum for the phases. `torch.polar` takes real ones: `.angle()`.",
)
def no_angle(magnitude_BFK, phase_BFK, window_W, hop, length, rounds):
    for _ in range(rounds):
        frames_BFW = torch.fft.irfft(torch.polar(magnitude_BFK, phase_BFK), len(window_W))
        phase_BFK = fourier(windows(overlap_add(frames_BFW, window_W, hop, length), window_W, hop))
    return overlap_add(torch.fft.irfft(torch.polar(magnitude_BFK, phase_BFK), len(window_W)), window_W, hop, length)


@misconception(
    "You took the angles of the windows themselves, which are real numbers. Transform them first: "
    "`fourier(windows(...)).angle()`."
)
class NoTransform(Steps):
    def next(self, magnitude_BFK, phase_BFK, waveform_BT, window_W, hop):
        return magnitude_BFK, windows(waveform_BT, window_W, hop).angle()


@misconception("You returned the frames. Add them up to a waveform: `overlap_add`.")
class FramesReturned(Steps):
    def __call__(self, magnitude_BFK, phase_BFK, window_W, hop, length, rounds):
        self.last = None
        super().__call__(magnitude_BFK, phase_BFK, window_W, hop, length, rounds)
        return self.last

    def frames(self, spectrum_BFK, W):
        self.last = super().frames(spectrum_BFK, W)
        return self.last


@misconception("You scaled the waveform to a largest value of 1. Return it as loud as it is.")
class ScaledToOne(Steps):
    def __call__(self, *inputs):
        waveform_BT = super().__call__(*inputs)
        return waveform_BT / waveform_BT.abs().amax(dim=1, keepdim=True)


@misconception("You returned the waveforms of all rounds. Return the last one.")
class AllRounds(Steps):
    def __call__(self, magnitude_BFK, phase_BFK, window_W, hop, length, rounds):
        inputs = (magnitude_BFK, phase_BFK, window_W, hop, length)
        return torch.stack([super(AllRounds, self).__call__(*inputs, n) for n in range(rounds + 1)])


@of(
    "mel.griffin-lim",
    "You changed the given phases in place, and they still belong to the caller. Make new ones: `phase_BFK = ...`.",
)
def phases_changed(magnitude_BFK, phase_BFK, window_W, hop, length, rounds):
    for step in range(rounds + 1):
        frames_BFW = torch.fft.irfft(torch.polar(magnitude_BFK, phase_BFK), len(window_W))
        waveform_BT = overlap_add(frames_BFW, window_W, hop, length)
        if step < rounds:
            phase_BFK[:] = fourier(windows(waveform_BT, window_W, hop)).angle()
    return waveform_BT


@of("mel.griffin-lim", "You cut the magnitudes off from their gradient, by `detach` or `no_grad`. Leave that out.")
def magnitudes_detached(magnitude_BFK, phase_BFK, window_W, hop, length, rounds):
    return griffin_lim(magnitude_BFK, phase_BFK, window_W, hop, length, rounds).detach()


@of("mel.griffin-lim", "You made the result float32, whatever the magnitudes are. Leave the dtype as it comes.")
def always_float32(magnitude_BFK, phase_BFK, window_W, hop, length, rounds):
    return griffin_lim(magnitude_BFK, phase_BFK, window_W, hop, length, rounds).float()
