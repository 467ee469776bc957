"""What Whisper reads."""

import torch

from mmlearn.course.misconceptions import Collection
from mmlearn.nn.fourier import fourier, windows
from mmlearn.nn.mel import whisper_log_mel

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


class Steps:
    """Whisper's input in small steps, so that a misconception overrides one of them."""

    def __call__(self, waveform_BT, filters_MK, window_W, hop):
        spectrum_BFK = self.spectrum(waveform_BT, window_W, hop)
        return self.picture(self.energy(filters_MK, self.kept(spectrum_BFK)))

    def spectrum(self, waveform_BT, window_W, hop):
        return fourier(windows(waveform_BT, window_W, hop))

    def kept(self, spectrum_BFK):
        return spectrum_BFK[:, :-1]

    def energy(self, filters_MK, spectrum_BFK):
        return filters_MK @ self.power(spectrum_BFK).mT

    def power(self, spectrum_BFK):
        return spectrum_BFK.abs().square()

    def picture(self, energy_BMF):
        return self.scaled(self.raised(self.log(energy_BMF)))

    def log(self, energy_BMF):
        return energy_BMF.clamp(min=1e-10).log10()

    def loudest(self, L_BMF):
        return L_BMF.amax(dim=(1, 2), keepdim=True)

    def raised(self, L_BMF):
        return torch.maximum(L_BMF, self.loudest(L_BMF) - 8)

    def scaled(self, L_BMF):
        return (L_BMF + 4) / 4


def misconception(sentence):
    """Register a class of steps as a function of its name."""

    def register(kind):
        def code(waveform_BT, filters_MK, window_W, hop):
            return kind()(waveform_BT, filters_MK, window_W, hop)

        code.__name__ = kind.__name__
        of("mel.whisper", sentence)(code)
        return kind

    return register


@misconception("You took the natural logarithm. Whisper's is to base 10: `log10`.")
class Natural(Steps):
    def log(self, energy_BMF):
        return energy_BMF.clamp(min=1e-10).log()


@misconception("You took the logarithm to base 2. Whisper's is to base 10: `log10`.")
class BaseTwo(Steps):
    def log(self, energy_BMF):
        return energy_BMF.clamp(min=1e-10).log2()


@misconception("You took decibels, ten times the logarithm. Take the logarithm itself.")
class Decibels(Steps):
    def log(self, energy_BMF):
        return 10 * super().log(energy_BMF)


@misconception("You took no logarithm. Take `log10` of the energies, after the first floor.")
class NoLogarithm(Steps):
    def log(self, energy_BMF):
        return energy_BMF.clamp(min=1e-10)


@misconception("You took the logarithm of 1 + E. It is of E, raised to 1e-10 where it is smaller.")
class OneAdded(Steps):
    def log(self, energy_BMF):
        return (1 + energy_BMF).log10()


@misconception("You took magnitudes. The power is their square: `.abs().square()`.")
class Magnitudes(Steps):
    def power(self, spectrum_BFK):
        return spectrum_BFK.abs()


@misconception("You squared after the filters. Square the magnitudes first, then apply the filters.")
class SquaredAfterTheFilters(Steps):
    def energy(self, filters_MK, spectrum_BFK):
        return (filters_MK @ spectrum_BFK.abs().mT).square()


@misconception("You squared the complex numbers. The power is the square of their absolute values: `.abs().square()`.")
class ComplexSquare(Steps):
    def power(self, spectrum_BFK):
        return spectrum_BFK.square().real


@misconception("You took the real parts alone. The power is the square of the absolute value: `.abs().square()`.")
class RealParts(Steps):
    def power(self, spectrum_BFK):
        return spectrum_BFK.real.square()


@misconception("You added real and imaginary part and squared the sum. Square each, or take `.abs().square()`.")
class SquareOfTheSum(Steps):
    def power(self, spectrum_BFK):
        return (spectrum_BFK.real + spectrum_BFK.imag).square()


@misconception("You divided the power by W. Take the squared magnitudes as they are.")
class PowerOfAMean(Steps):
    def power(self, spectrum_BFK):
        return super().power(spectrum_BFK) / (2 * spectrum_BFK.shape[-1] - 2)


@misconception("You did not apply the filters: your picture has K rows. Multiply: `filters_MK @ power_BKF`.")
class NoFilters(Steps):
    def energy(self, filters_MK, spectrum_BFK):
        return self.power(spectrum_BFK).mT


@misconception("You applied the filters to the logarithms. Apply them to the power, then take the logarithm.")
class FiltersAfterTheLogarithm(Steps):
    def __call__(self, waveform_BT, filters_MK, window_W, hop):
        power_BFK = self.power(self.kept(self.spectrum(waveform_BT, window_W, hop)))
        return self.scaled(self.raised(filters_MK @ self.log(power_BFK).mT))


@misconception("You divided each filter by its sum. Take the filters as they are.")
class FiltersOfSumOne(Steps):
    def energy(self, filters_MK, spectrum_BFK):
        return super().energy(filters_MK / filters_MK.sum(dim=1, keepdim=True), spectrum_BFK)


@misconception("You took the maximum over all sounds. Each sound has its own: `amax(dim=(1, 2), keepdim=True)`.")
class LoudestOfTheBatch(Steps):
    def loudest(self, L_BMF):
        return L_BMF.max()


@misconception("You took the maximum of each frame. It is one for the whole sound: `amax(dim=(1, 2), keepdim=True)`.")
class LoudestOfAFrame(Steps):
    def loudest(self, L_BMF):
        return L_BMF.amax(dim=1, keepdim=True)


@misconception("You took the maximum of each bin. It is one for the whole sound: `amax(dim=(1, 2), keepdim=True)`.")
class LoudestOfABin(Steps):
    def loudest(self, L_BMF):
        return L_BMF.amax(dim=2, keepdim=True)


@misconception(
    "You took the maximum over the batch at each place. It is one for each sound: `amax(dim=(1, 2), keepdim=True)`."
)
class LoudestAtAPlace(Steps):
    def loudest(self, L_BMF):
        return L_BMF.amax(dim=0, keepdim=True)


@misconception(
    "Your maxima have lost their axes: [B] does not meet [B, M, F]. Keep them: `amax(dim=(1, 2), keepdim=True)`."
)
class NoKeepdim(Steps):
    def loudest(self, L_BMF):
        return L_BMF.amax(dim=(1, 2))


@misconception(
    "You measured from the mean of the sound. Measure from its loudest bin: `amax(dim=(1, 2), keepdim=True)`."
)
class MeanInPlaceOfMaximum(Steps):
    def loudest(self, L_BMF):
        return L_BMF.mean(dim=(1, 2), keepdim=True)


@misconception(
    "Your second floor raises nothing: it is left out, or 80 below the maximum, as in decibels, or it comes after the "
    "scaling. Before `(L + 4) / 4`, raise what is more than 8 below the loudest bin of the sound."
)
class NoSecondFloor(Steps):
    def raised(self, L_BMF):
        return L_BMF


@misconception("You raised all to the maximum itself. The floor is 8 below it.")
class RaisedToTheMaximum(Steps):
    def raised(self, L_BMF):
        return torch.maximum(L_BMF, self.loudest(L_BMF))


@misconception("You measured from the largest energy, not from its logarithm. Take `amax` of the logarithms.")
class LoudestEnergy(Steps):
    def picture(self, energy_BMF):
        return self.scaled(torch.maximum(self.log(energy_BMF), self.loudest(energy_BMF) - 8))


@misconception("Your second floor is 8 above the maximum. It is 8 below: `- 8`.")
class EightAbove(Steps):
    def raised(self, L_BMF):
        return torch.maximum(L_BMF, self.loudest(L_BMF) + 8)


@misconception("You cut the energies off at 1e-10 from above. Raise what is smaller: `.clamp(min=1e-10)`.")
class FirstFloorFromAbove(Steps):
    def log(self, energy_BMF):
        return energy_BMF.clamp(max=1e-10).log10()


@misconception(
    "You cut the last hop off the waveform, and now it is mirrored elsewhere. Drop the last frame of the spectrum: "
    "`[:, :-1]`."
)
class HopDropped(Steps):
    def spectrum(self, waveform_BT, window_W, hop):
        return super().spectrum(waveform_BT[:, :-hop], window_W, hop)

    def kept(self, spectrum_BFK):
        return spectrum_BFK


@misconception("You cut off what lies above the floor. Raise what lies below it: `torch.maximum`.")
class CutFromAbove(Steps):
    def raised(self, L_BMF):
        return torch.minimum(L_BMF, self.loudest(L_BMF) - 8)


@misconception(
    "You subtracted the maximum, as for decibels below the peak. It is only used for the floor: `torch.maximum(L, "
    "L.amax(...) - 8)`."
)
class MaximumSubtracted(Steps):
    def raised(self, L_BMF):
        return (L_BMF - self.loudest(L_BMF)).clamp(min=-8)


@misconception("You took -8 for the second floor. It is 8 below the maximum of the sound.")
class FloorOfMinusEight(Steps):
    def raised(self, L_BMF):
        return L_BMF.clamp(min=-8)


@misconception(
    "You subtracted 8 from the largest energy. It is 8 below the largest logarithm: take the logarithm first."
)
class SecondFloorOfEnergies(Steps):
    def picture(self, energy_BMF):
        return self.scaled(self.log(self.raised(energy_BMF)))


@misconception(
    "You left out the first floor, of 1e-10. Raise the energies to it before the logarithm: `.clamp(min=1e-10)`."
)
class NoFirstFloor(Steps):
    def log(self, energy_BMF):
        return energy_BMF.log10()


@misconception("You added 1e-10 to the energies. Raise only what is smaller: `.clamp(min=1e-10)`.")
class FirstFloorAdded(Steps):
    def log(self, energy_BMF):
        return (energy_BMF + 1e-10).log10()


@misconception(
    "You raised the logarithms to 1e-10, so quiet bins are lost. Raise the energies, then take the logarithm."
)
class FirstFloorOfLogarithms(Steps):
    def log(self, energy_BMF):
        return energy_BMF.log10().clamp(min=1e-10)


@misconception("You raised the power to 1e-10 before the filters. Raise the mel energies.")
class FirstFloorOfPower(Steps):
    def power(self, spectrum_BFK):
        return super().power(spectrum_BFK).clamp(min=1e-10)

    def log(self, energy_BMF):
        return energy_BMF.log10()


@misconception("Your first floor is another number. It is 1e-10, ten to the power of -10.")
class FloorOfOneMillionth(Steps):
    def log(self, energy_BMF):
        return energy_BMF.clamp(min=1e-6).log10()


@misconception("Your first floor is 1e-8. It is 1e-10; the 8 belongs to the second one.")
class FloorOfEight(Steps):
    def log(self, energy_BMF):
        return energy_BMF.clamp(min=1e-8).log10()


@misconception("You kept the last frame. Drop it before the maximum is taken: `[:, :-1]` on the spectrum.")
class LastFrameKept(Steps):
    def kept(self, spectrum_BFK):
        return spectrum_BFK


@misconception("You dropped the first frame. Drop the last one: `[:, :-1]` on the spectrum.")
class FirstFrameDropped(Steps):
    def kept(self, spectrum_BFK):
        return spectrum_BFK[:, 1:]


@misconception("You dropped the last frame after the maximum was taken. Drop it before: its loudness must not count.")
class DroppedAfterTheMaximum(Steps):
    def kept(self, spectrum_BFK):
        return spectrum_BFK

    def scaled(self, L_BMF):
        return super().scaled(L_BMF)[:, :, :-1]


@misconception("You dropped two frames, the first and the last. Drop the last alone.")
class TwoFramesDropped(Steps):
    def kept(self, spectrum_BFK):
        return spectrum_BFK[:, 1:-1]


@misconception("You dropped the last frequency. Frames are axis 1 of the spectrum: `[:, :-1]`.")
class FrequencyDropped(Steps):
    def kept(self, spectrum_BFK):
        return spectrum_BFK[..., :-1]


@misconception("You dropped the last sound: `[:-1]` cuts the batch. Frames are axis 1 of the spectrum: `[:, :-1]`.")
class SoundDropped(Steps):
    def kept(self, spectrum_BFK):
        return spectrum_BFK[:-1]


@misconception(
    "You dropped the last mel bin and kept the last frame. In [B, M, F] the frames are the last axis: `[:, :, :-1]`."
)
class BinDropped(Steps):
    def kept(self, spectrum_BFK):
        return spectrum_BFK

    def log(self, energy_BMF):
        return super().log(energy_BMF)[:, :-1]


@misconception("You added 4 and did not divide. The last step is `(L + 4) / 4`.")
class NotDivided(Steps):
    def scaled(self, L_BMF):
        return L_BMF + 4


@misconception("You divided only the 4. Both are divided: `(L + 4) / 4`, with brackets.")
class BracketsMissing(Steps):
    def scaled(self, L_BMF):
        return L_BMF + 4 / 4


@misconception("You divided first and added 4 then. Add 4 first: `(L + 4) / 4`.")
class DividedFirst(Steps):
    def scaled(self, L_BMF):
        return L_BMF / 4 + 4


@misconception("You left out the last step, `(L + 4) / 4`.")
class NotScaled(Steps):
    def scaled(self, L_BMF):
        return L_BMF


@misconception("You subtracted 4. Add it: `(L + 4) / 4`.")
class FourSubtracted(Steps):
    def scaled(self, L_BMF):
        return (L_BMF - 4) / 4


@misconception("Frames and bins are swapped in your result: [B, F, M]. Return [B, M, F].")
class AxesSwapped(Steps):
    def scaled(self, L_BMF):
        return super().scaled(L_BMF).mT


@misconception(
    "You reshaped [B, F, K] to [B, K, F]. That moves no number and mixes the frames: swap the axes by `.mT`."
)
class Reshaped(Steps):
    def energy(self, filters_MK, spectrum_BFK):
        B, F, K = spectrum_BFK.shape
        return filters_MK @ self.power(spectrum_BFK).reshape(B, K, F)


@misconception(
    "You multiplied the filters with [B, F, K]. The frequencies must come before the frames: `filters_MK @ "
    "power_BFK.mT`."
)
class NotTransposed(Steps):
    def energy(self, filters_MK, spectrum_BFK):
        return filters_MK @ self.power(spectrum_BFK)


@misconception(
    "You multiplied power and filters in this order. Their last axes are both K: `filters_MK @ power_BFK.mT`."
)
class FiltersBehind(Steps):
    def energy(self, filters_MK, spectrum_BFK):
        return self.power(spectrum_BFK) @ filters_MK


@misconception("You applied the filters to complex numbers. Apply them to the power: `.abs().square()` first.")
class ComplexEnergies(Steps):
    def power(self, spectrum_BFK):
        return spectrum_BFK


@misconception("`torch.maximum` takes two tensors. For a number there is `.clamp(min=1e-10)`.")
class MaximumOfANumber(Steps):
    def log(self, energy_BMF):
        return torch.maximum(energy_BMF, 1e-10).log10()


@misconception(
    "Python's `max` looks at a whole tensor at once. The larger number at each place is `torch.maximum`, or "
    "`.clamp(min=...)` for one number."
)
class PythonMaximum(Steps):
    def log(self, energy_BMF):
        return max(energy_BMF, 1e-10).log10()


@misconception("You weighted by the window once more. `windows` has done that.")
class WeightedTwice(Steps):
    def spectrum(self, waveform_BT, window_W, hop):
        return fourier(windows(waveform_BT, window_W, hop) * window_W)


@misconception("You took a Hann window of your own. Take the one that is given: `window_W`.")
class HannInAnyCase(Steps):
    def spectrum(self, waveform_BT, window_W, hop):
        return super().spectrum(waveform_BT, torch.hann_window(len(window_W), dtype=window_W.dtype), hop)


@misconception("You gave `windows` a window of ones. Weight the stretches by `window_W`.")
class WindowOfOnes(Steps):
    def spectrum(self, waveform_BT, window_W, hop):
        return super().spectrum(waveform_BT, torch.ones_like(window_W), hop)


@misconception("You left out the transform: you squared the stretches themselves. Take `fourier` of them.")
class NoTransform(Steps):
    def spectrum(self, waveform_BT, window_W, hop):
        return windows(waveform_BT, window_W, hop)


@of("mel.whisper", "You cut the waveform off from its gradient, by `detach` or `no_grad`. Leave that out.")
def detached(waveform_BT, filters_MK, window_W, hop):
    return whisper_log_mel(waveform_BT, filters_MK, window_W, hop).detach()


@of("mel.whisper", "You made the result float32, whatever the waveform is. Leave the dtype as it comes.")
def always_float32(waveform_BT, filters_MK, window_W, hop):
    return whisper_log_mel(waveform_BT, filters_MK, window_W, hop).float()
