"""The mel scale and its filters."""

import math

import torch

from mmlearn.course.misconceptions import Collection
from mmlearn.nn.mel import hertz_to_mel, mel_filters, mel_to_hertz

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


# --- mel.scale --------------------------------------------------------------------------------------------------------


def known(scale):
    """The refusal."""
    if scale not in ("htk", "slaney"):
        raise ValueError("unknown")


def line(hertz):
    return 15 * hertz / 1000


def curve(hertz):
    return 15 + 27 * torch.log(hertz / 1000) / math.log(6.4)


def bent(hertz):
    return torch.where(hertz < 1000, line(hertz), curve(hertz))


def htk(hertz):
    return 2595 * torch.log10(1 + hertz / 700)


def either(hertz, scale, for_htk=htk, for_slaney=bent):
    known(scale)
    return for_htk(hertz) if scale == "htk" else for_slaney(hertz)


@of(
    "mel.scale",
    "You took the natural logarithm in HTK's formula. With the factor 2595 it is to base 10: `torch.log10`.",
)
def natural_in_htk(hertz, scale="htk"):
    return either(hertz, scale, lambda f: 2595 * torch.log(1 + f / 700))


@of("mel.scale", "You took the logarithm to base 2 in HTK's formula. It is to base 10: `torch.log10`.")
def base_two_in_htk(hertz, scale="htk"):
    return either(hertz, scale, lambda f: 2595 * torch.log2(1 + f / 700))


@of(
    "mel.scale",
    "You took the factor 1127 with a logarithm to base 10. It goes with the natural one; the formula here is 2595 "
    "with `torch.log10`.",
)
def other_factor(hertz, scale="htk"):
    return either(hertz, scale, lambda f: 1127 * torch.log10(1 + f / 700))


@of("mel.scale", "You left out the factor 2595 of HTK's formula.")
def no_factor(hertz, scale="htk"):
    return either(hertz, scale, lambda f: torch.log10(1 + f / 700))


@of("mel.scale", "You left out the 1 in HTK's logarithm. It is of 1 + f / 700, so that 0 Hz are 0 mel.")
def one_left_out(hertz, scale="htk"):
    return either(hertz, scale, lambda f: 2595 * torch.log10(f / 700))


@of("mel.scale", "You divided 1 + f by 700. Only the frequency is divided: `1 + hertz / 700`.")
def one_divided_too(hertz, scale="htk"):
    return either(hertz, scale, lambda f: 2595 * torch.log10((1 + f) / 700))


@of("mel.scale", "You added the 1 outside HTK's logarithm. It stands inside: `torch.log10(1 + hertz / 700)`.")
def one_outside(hertz, scale="htk"):
    return either(hertz, scale, lambda f: 2595 * (1 + torch.log10(f / 700)))


@of("mel.scale", "You divided by 1000 in HTK's formula. There it is 700.")
def thousand_in_htk(hertz, scale="htk"):
    return either(hertz, scale, lambda f: 2595 * torch.log10(1 + f / 1000))


@of("mel.scale", "You turned HTK's fraction round. It is `hertz / 700`.")
def fraction_turned(hertz, scale="htk"):
    return either(hertz, scale, lambda f: 2595 * torch.log10(1 + 700 / f))


@of("mel.scale", "You returned the way back, from mel to hertz. This is the way from hertz to mel.")
def way_back(hertz, scale="htk"):
    return mel_to_hertz(hertz, scale)


@of(
    "mel.scale",
    "You divided the logarithm by 700. Only the frequency is divided, inside: `torch.log10(1 + hertz / 700)`.",
)
def divided_outside(hertz, scale="htk"):
    return either(hertz, scale, lambda f: 2595 * torch.log10(1 + f) / 700)


@of(
    "mel.scale",
    "You added 1 twice: `torch.log1p` adds it already, and is natural besides. Take `torch.log10(1 + hertz / 700)`.",
)
def one_twice(hertz, scale="htk"):
    return either(hertz, scale, lambda f: 2595 * torch.log1p(1 + f / 700))


@of(
    "mel.scale",
    "You took a logarithm to base 10 above 1000 Hz, and the natural one of 6.4. Both are natural: `torch.log` and "
    "`math.log`.",
)
def base_ten_above(hertz, scale="htk"):
    return either(
        hertz,
        scale,
        for_slaney=lambda f: torch.where(f < 1000, line(f), 15 + 27 * torch.log10(f / 1000) / math.log(6.4)),
    )


@of("mel.scale", "You took `math.log10` of 6.4, and the natural logarithm of the frequency. Both are natural.")
def base_ten_below(hertz, scale="htk"):
    return either(
        hertz,
        scale,
        for_slaney=lambda f: torch.where(f < 1000, line(f), 15 + 27 * torch.log(f / 1000) / math.log10(6.4)),
    )


@of("mel.scale", "You divided by 6.4. Divide by its logarithm: `math.log(6.4)`.")
def no_logarithm_below(hertz, scale="htk"):
    return either(
        hertz, scale, for_slaney=lambda f: torch.where(f < 1000, line(f), 15 + 27 * torch.log(f / 1000) / 6.4)
    )


@of("mel.scale", "You took the logarithm of f / 1000 / 6.4. Take that of f / 1000, and divide it by that of 6.4.")
def one_logarithm(hertz, scale="htk"):
    return either(
        hertz, scale, for_slaney=lambda f: torch.where(f < 1000, line(f), 15 + 27 * torch.log(f / 1000 / 6.4))
    )


@of("mel.scale", "You multiplied by the logarithm of 6.4. Divide by it: 27 mel are a factor of 6.4.")
def multiplied_by_the_logarithm(hertz, scale="htk"):
    return either(
        hertz, scale, for_slaney=lambda f: torch.where(f < 1000, line(f), 15 + 27 * torch.log(f / 1000) * math.log(6.4))
    )


@of(
    "mel.scale",
    "You divided by `math.log(6.4)` inside the logarithm. Close its bracket after `hertz / 1000`, then divide.",
)
def divided_inside(hertz, scale="htk"):
    return either(
        hertz, scale, for_slaney=lambda f: torch.where(f < 1000, line(f), 15 + 27 * torch.log(f / 1000 / math.log(6.4)))
    )


@of(
    "mel.scale",
    "You divided the 15 as well, or added it to the 27. Only the logarithm is divided: `15 + 27 * torch.log(hertz / "
    "1000) / math.log(6.4)`.",
)
def fifteen_added_to_the_factor(hertz, scale="htk"):
    return either(
        hertz,
        scale,
        for_slaney=lambda f: torch.where(f < 1000, line(f), (15 + 27) * torch.log(f / 1000) / math.log(6.4)),
    )


@of("mel.scale", "You left out the division by `math.log(6.4)` above 1000 Hz.")
def not_divided(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: torch.where(f < 1000, line(f), 15 + 27 * torch.log(f / 1000)))


@of("mel.scale", "You left out the factor 27 above 1000 Hz.")
def no_twenty_seven(hertz, scale="htk"):
    return either(
        hertz, scale, for_slaney=lambda f: torch.where(f < 1000, line(f), 15 + torch.log(f / 1000) / math.log(6.4))
    )


@of("mel.scale", "You left out the 15 above 1000 Hz, so the scale falls to 0 there. Add it.")
def no_fifteen(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: torch.where(f < 1000, line(f), curve(f) - 15))


@of("mel.scale", "You added the 1 of HTK's formula to Slaney's logarithm. It is of f / 1000 alone.")
def one_in_slaney(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: torch.where(f < 1000, line(f), curve(f + 1000)))


@of("mel.scale", "You took the logarithm of the frequency in hertz. Divide it by 1000 first.")
def logarithm_of_hertz(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: torch.where(f < 1000, line(f), curve(1000 * f)))


@of(
    "mel.scale",
    "You compared the frequency with 15, which is where the scale bends in mel. In hertz that is 1000.",
)
def bent_at_fifteen(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: torch.where(f < 15, line(f), curve(f)))


@of("mel.scale", "Your line is 15 f. It is 15 f / 1000: 15 mel a kilohertz.")
def slope_in_hertz(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: torch.where(f < 1000, 15 * f, curve(f)))


@of("mel.scale", "Your line is f / 1000. It is 15 f / 1000, so that it meets the curve at 1000 Hz.")
def slope_of_one(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: torch.where(f < 1000, f / 1000, curve(f)))


@of("mel.scale", "Your line does not meet the curve: 15 mel are 1000 Hz, so its slope is 15 / 1000.")
def slope_turned(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: torch.where(f < 1000, f * 1000 / 15, curve(f)))


@of("mel.scale", "You swapped line and curve in `torch.where`. It takes the second argument where the condition holds.")
def where_turned(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: torch.where(f < 1000, curve(f), line(f)))


@of("mel.scale", "You took Slaney's curve everywhere. Below 1000 Hz the scale is a line: `torch.where`.")
def curve_everywhere(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=curve)


@of("mel.scale", "You took Slaney's line everywhere. From 1000 Hz on the scale is a logarithm: `torch.where`.")
def line_everywhere(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=line)


@of(
    "mel.scale", "You added line and curve. Each frequency takes one of them: `torch.where(hertz < 1000, line, curve)`."
)
def line_and_curve_added(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: line(f) + curve(f))


@of(
    "mel.scale",
    "You chose line or curve once, by an `if`. A tensor has many frequencies: choose number by number, by "
    "`torch.where`.",
)
def python_if(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: line(f) if f < 1000 else curve(f))


@of("mel.scale", "You chose line or curve once, for all frequencies. Choose number by number, by `torch.where`.")
def chosen_by_all(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: line(f) if (f < 1000).all() else curve(f))


@of(
    "mel.scale",
    "You multiplied line and curve by conditions. At 0 Hz the curve is minus infinity, and zero times that is NaN: "
    "choose by `torch.where`.",
)
def conditions_multiplied(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: (f < 1000) * line(f) + (f >= 1000) * curve(f))


@of(
    "mel.scale",
    "You chose line or curve once, for all frequencies, by `any`. Choose number by number, by `torch.where`.",
)
def chosen_by_any(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: line(f) if (f < 1000).any() else curve(f))


@of(
    "mel.scale",
    "You joined the frequencies below and above 1000 Hz, so all have lost their places. Use `torch.where`.",
)
def sides_joined(hertz, scale="htk"):
    return either(hertz, scale, for_slaney=lambda f: torch.cat([line(f[f < 1000]), curve(f[f >= 1000])]))


@of("mel.scale", "`math.log10` and `math.log` take one number. For a tensor there are `torch.log10` and `torch.log`.")
def logarithm_of_python(hertz, scale="htk"):
    return either(hertz, scale, lambda f: 2595 * math.log10(1 + f / 700))


@of("mel.scale", "You swapped the names: the formula with 2595 is `htk`, the one with a line is `slaney`.")
def names_swapped(hertz, scale="htk"):
    return either(hertz, scale, bent, htk)


@of("mel.scale", "You took HTK's formula for both scales. `scale` says which one.")
def htk_in_any_case(hertz, scale="htk"):
    return either(hertz, scale, htk, htk)


@of("mel.scale", "You took Slaney's formula for both scales. `scale` says which one.")
def slaney_in_any_case(hertz, scale="htk"):
    return either(hertz, scale, bent, bent)


@of("mel.scale", "You changed `hertz` itself, which still belongs to the caller. Make a new tensor: `torch.where`.")
def in_place(hertz, scale="htk"):
    known(scale)
    if scale == "htk":
        return htk(hertz)
    above = hertz >= 1000
    hertz[above] = curve(hertz[above])
    hertz[~above] = line(hertz[~above])
    return hertz


@of(
    "mel.scale",
    "You cut the result off from the frequencies, by `detach`, `item` or a new tensor of numbers. Calculate with the "
    "tensor itself.",
)
def detached(hertz, scale="htk"):
    return hertz_to_mel(hertz, scale).detach()


@of("mel.scale", "You made the frequencies float32, whatever they were. Leave their dtype as it comes.")
def always_float32(hertz, scale="htk"):
    return hertz_to_mel(hertz.float(), scale)


@of(
    "mel.scale",
    "You refused every name: a scale is always not the one `or` not the other, and the names are in small letters. "
    'Refuse where `scale not in ("htk", "slaney")`.',
)
def always_refused(hertz, scale="htk"):
    raise ValueError("unknown")


@of(
    "mel.scale",
    'You refused "htk": an `else` belongs to the last `if` alone. Write `elif` for the second name, or return in the '
    "first.",
)
def htk_refused(hertz, scale="htk"):
    return hertz_to_mel(hertz, scale if scale == "slaney" else "unknown")


@of("mel.scale", 'You refused "slaney". Both scales are asked for.')
def slaney_refused(hertz, scale="htk"):
    return hertz_to_mel(hertz, scale if scale == "htk" else "unknown")


@of(
    "mel.scale",
    "Everything else is right. A scale with another name must be refused: raise a `ValueError` at the end. You took "
    "Slaney's for it.",
)
def anything_else_is_slaney(hertz, scale="htk"):
    return htk(hertz) if scale == "htk" else bent(hertz)


@of(
    "mel.scale",
    "Everything else is right. A scale with another name must be refused: raise a `ValueError` at the end. You took "
    "HTK's for it.",
)
def anything_else_is_htk(hertz, scale="htk"):
    return bent(hertz) if scale == "slaney" else htk(hertz)


@of(
    "mel.scale",
    "Everything else is right. A name that is not in a dictionary raises a `KeyError`: raise a `ValueError` before.",
)
def by_dictionary(hertz, scale="htk"):
    return {"htk": htk, "slaney": bent}[scale](hertz)


@of(
    "mel.scale",
    "Everything else is right. An unknown scale must raise a `ValueError`, and an `assert` raises an "
    "`AssertionError`: use `raise`.",
)
def asserted(hertz, scale="htk"):
    assert scale in ("htk", "slaney")
    return hertz_to_mel(hertz, scale)


# --- mel.filters ------------------------------------------------------------------------------------------------------


class Steps:
    """The filters in small steps, so that a misconception overrides one of them."""

    def __call__(self, rate, fft, bins, *, fmin=0.0, fmax=None, scale="htk", norm=False):
        fmax = rate / 2 if fmax is None else fmax
        points = self.points(rate, bins, fmin, fmax, scale)
        filters_MK = self.triangles(points[:, None], self.frequencies(rate, fft))
        return (self.normed(filters_MK, points[:, None]) if norm else filters_MK).float()

    def to_mel(self, fmin, fmax, scale):
        return hertz_to_mel(torch.tensor([fmin, fmax], dtype=torch.float64), scale).tolist()

    def points(self, rate, bins, fmin, fmax, scale):
        low, high = self.to_mel(fmin, fmax, scale)
        return mel_to_hertz(torch.linspace(low, high, bins + 2, dtype=torch.float64), scale)

    def frequencies(self, rate, fft):
        return rate / fft * torch.arange(fft // 2 + 1, dtype=torch.float64)

    def triangles(self, p, f_K):
        return torch.minimum(*self.slopes(p, f_K)).clamp(min=0)

    def slopes(self, p, f_K):
        return (f_K - p[:-2]) / (p[1:-1] - p[:-2]), (p[2:] - f_K) / (p[2:] - p[1:-1])

    def normed(self, filters_MK, p):
        return filters_MK / ((p[2:] - p[:-2]) / 2)


def misconception(sentence):
    """Register a class of steps as a function of its name."""

    def register(kind):
        def code(rate, fft, bins, **options):
            return kind()(rate, fft, bins, **options)

        code.__name__ = kind.__name__
        of("mel.filters", sentence)(code)
        return kind

    return register


@misconception("You spaced the points equally in hertz. Space them equally in mel, then turn them back into hertz.")
class EquallySpacedInHertz(Steps):
    def points(self, rate, bins, fmin, fmax, scale):
        return torch.linspace(fmin, fmax, bins + 2, dtype=torch.float64)


@misconception(
    "You took the points in mel, beside frequencies in hertz. Turn them back: `mel_to_hertz(points, scale)`."
)
class PointsInMel(Steps):
    def points(self, rate, bins, fmin, fmax, scale):
        return torch.linspace(*self.to_mel(fmin, fmax, scale), bins + 2, dtype=torch.float64)


@misconception(
    "You gave `hertz_to_mel` and `mel_to_hertz` no scale, so HTK's was taken for any. Hand `scale` on to both."
)
class NoScale(Steps):
    def points(self, rate, bins, fmin, fmax, scale):
        return super().points(rate, bins, fmin, fmax, "htk")


@misconception("You gave `mel_to_hertz` no scale, so it took HTK's for points on another one. Hand `scale` on to both.")
class NoScaleOnTheWayBack(Steps):
    def points(self, rate, bins, fmin, fmax, scale):
        return mel_to_hertz(torch.linspace(*self.to_mel(fmin, fmax, scale), bins + 2, dtype=torch.float64))


@misconception(
    "You gave `hertz_to_mel` no scale, so the ends are on HTK's and the way back on another. Hand `scale` on to both."
)
class NoScaleOnTheWayThere(Steps):
    def to_mel(self, fmin, fmax, scale):
        return super().to_mel(fmin, fmax, "htk")


@misconception("You took M points, and have two filters too few. A filter has a point to either side: take `bins + 2`.")
class TwoPointsTooFew(Steps):
    def points(self, rate, bins, fmin, fmax, scale):
        return super().points(rate, bins - 2, fmin, fmax, scale)


@misconception(
    "You took M + 1 points, and have a filter too few. A filter has a point to either side: take `bins + 2`."
)
class OnePointTooFew(Steps):
    def points(self, rate, bins, fmin, fmax, scale):
        return super().points(rate, bins - 1, fmin, fmax, scale)


@misconception("You began with 0, whatever `fmin` is. The first point is `fmin`.")
class FminIgnored(Steps):
    def points(self, rate, bins, fmin, fmax, scale):
        return super().points(rate, bins, 0.0, fmax, scale)


@misconception("You ended at half the rate, whatever `fmax` is. The last point is `fmax`.")
class FmaxIgnored(Steps):
    def points(self, rate, bins, fmin, fmax, scale):
        return super().points(rate, bins, fmin, rate / 2, scale)


@misconception("You took filters from 0 to half the rate in any case. The points run from `fmin` to `fmax`.")
class BandIgnored(Steps):
    def points(self, rate, bins, fmin, fmax, scale):
        return super().points(rate, bins, 0.0, rate / 2, scale)


@misconception("Your filters reach up to the rate. A spectrum ends at half of it: the last point is `fmax`.")
class UpToTheRate(Steps):
    def points(self, rate, bins, fmin, fmax, scale):
        return super().points(rate, bins, fmin, rate if fmax == rate / 2 else fmax, scale)


@misconception(
    "You moved the points to whole frequencies of the transform. The triangles may begin and end between two of them: "
    "leave the points as they are."
)
class PointsRounded(Steps):
    def __call__(self, rate, fft, bins, **options):
        self.step = rate / fft
        return super().__call__(rate, fft, bins, **options)

    def points(self, rate, bins, fmin, fmax, scale):
        return (super().points(rate, bins, fmin, fmax, scale) / self.step).round() * self.step


@misconception(
    "You moved the points down to whole frequencies of the transform, as some code does. The triangles may begin and "
    "end between two of them: leave the points as they are."
)
class PointsRoundedDown(PointsRounded):
    def points(self, rate, bins, fmin, fmax, scale):
        return (Steps.points(self, rate, bins, fmin, fmax, scale) / self.step).floor() * self.step


@misconception(
    "Your triangles have straight sides over mel. The formula has them over hertz: compare hertz with hertz."
)
class TrianglesOverMel(Steps):
    def points(self, rate, bins, fmin, fmax, scale):
        self.scale = scale
        return super().points(rate, bins, fmin, fmax, scale)

    def slopes(self, p, f_K):
        return super().slopes(hertz_to_mel(p, self.scale), hertz_to_mel(f_K, self.scale))


@misconception("You took K = fft / 2 frequencies. With 0 and half the rate there are 1 + fft / 2.")
class OneFrequencyTooFew(Steps):
    def frequencies(self, rate, fft):
        return super().frequencies(rate, fft)[:-1]


@misconception(
    "You took all `fft` frequencies. The spectrum has those up to half the rate: `torch.arange(fft // 2 + 1)`."
)
class AllFrequencies(Steps):
    def frequencies(self, rate, fft):
        return rate / fft * torch.arange(fft, dtype=torch.float64)


@misconception("Your K frequencies run up to the rate. They end at half of it: r k / fft.")
class FrequenciesUpToTheRate(Steps):
    def frequencies(self, rate, fft):
        return torch.linspace(0, rate, fft // 2 + 1, dtype=torch.float64)


@misconception("You divided by K, the number of frequencies. They are r k / fft.")
class DividedByTheFrequencies(Steps):
    def frequencies(self, rate, fft):
        return rate / (fft // 2 + 1) * torch.arange(fft // 2 + 1, dtype=torch.float64)


@misconception(
    "Your last frequency lies below half the rate: you divided half the rate by K. They are r k / fft, so the last "
    "one is r / 2."
)
class LastFrequencyBelowHalf(Steps):
    def frequencies(self, rate, fft):
        return rate / 2 / (fft // 2 + 1) * torch.arange(fft // 2 + 1, dtype=torch.float64)


@misconception("You took k itself for the frequency. In hertz it is r k / fft.")
class FrequenciesAsNumbers(Steps):
    def frequencies(self, rate, fft):
        return torch.arange(fft // 2 + 1, dtype=torch.float64)


@misconception("Your frequencies begin at k = 1. The first one is 0.")
class FrequenciesFromOne(Steps):
    def frequencies(self, rate, fft):
        return rate / fft * torch.arange(1, fft // 2 + 2, dtype=torch.float64)


@misconception(
    "Brackets are missing: `f_K - p[:-2] / ...` divides the point alone. Divide the difference: `(f_K - p[:-2]) / ...`."
)
class BracketsMissing(Steps):
    def slopes(self, p, f_K):
        return f_K - p[:-2] / (p[1:-1] - p[:-2]), p[2:] - f_K / (p[2:] - p[1:-1])


@misconception("Your falling side rises. It is the distance to the next point: `p[2:] - f_K`, not the other way round.")
class FallingSideTurned(Steps):
    def slopes(self, p, f_K):
        return (f_K - p[:-2]) / (p[1:-1] - p[:-2]), (f_K - p[2:]) / (p[2:] - p[1:-1])


@misconception("You divided by the widths as a row. Each filter is a row of its own: make them a column, [M, 1].")
class WidthsAsARow(Steps):
    def normed(self, filters_MK, p):
        return filters_MK / ((p[2:, 0] - p[:-2, 0]) / 2)


@misconception(
    "You spaced the points equally by the logarithm of the frequency. Space them equally in mel: `hertz_to_mel` and "
    "back."
)
class EquallySpacedByLogarithm(Steps):
    def points(self, rate, bins, fmin, fmax, scale):
        return torch.logspace(math.log10(max(fmin, 1)), math.log10(fmax), bins + 2, dtype=torch.float64)


@misconception("You took the larger of both sides. A triangle is the smaller one: `torch.minimum`.")
class LargerSide(Steps):
    def triangles(self, p, f_K):
        return torch.maximum(*self.slopes(p, f_K)).clamp(min=0)


@misconception("You took the larger of both sides, cut off at 1. A triangle is the smaller one: `torch.minimum`.")
class LargerSideUpToOne(Steps):
    def triangles(self, p, f_K):
        return torch.maximum(*self.slopes(p, f_K)).clamp(0, 1)


@misconception("You multiplied both sides. A triangle is the smaller of them: `torch.minimum`.")
class SidesMultiplied(Steps):
    def triangles(self, p, f_K):
        rising_MK, falling_MK = self.slopes(p, f_K)
        return rising_MK.clamp(min=0) * falling_MK.clamp(min=0)


@misconception("You added both sides. A triangle is the smaller of them: `torch.minimum`.")
class SidesAdded(Steps):
    def triangles(self, p, f_K):
        rising_MK, falling_MK = self.slopes(p, f_K)
        return rising_MK.clamp(0, 1) + falling_MK.clamp(0, 1)


@misconception("Your filters are negative beside the triangles. Raise that to zero: `.clamp(min=0)`.")
class NotClamped(Steps):
    def triangles(self, p, f_K):
        return torch.minimum(*self.slopes(p, f_K))


@misconception(
    "You took absolute values, so the filters grow again beside the triangles. Raise what is negative to zero: "
    "`.clamp(min=0)`."
)
class AbsoluteValues(Steps):
    def triangles(self, p, f_K):
        return torch.minimum(*self.slopes(p, f_K)).abs()


@misconception("Your filters rise and never fall. They fall again to the next point: take the smaller of both sides.")
class RisingAlone(Steps):
    def triangles(self, p, f_K):
        return self.slopes(p, f_K)[0].clamp(0, 1)


@misconception(
    "Your filters rise and drop to zero at their point. They fall slowly, to the next point: take the smaller of both "
    "sides."
)
class RisingToThePeak(Steps):
    def triangles(self, p, f_K):
        rising_MK = self.slopes(p, f_K)[0]
        return torch.where((rising_MK >= 0) & (rising_MK <= 1), rising_MK, 0.0)


@misconception("Your filters are 1 between their ends. Let them rise and fall: the smaller of both sides.")
class Rectangles(Steps):
    def triangles(self, p, f_K):
        return (torch.minimum(*self.slopes(p, f_K)) > 0).double()


@misconception(
    "You swapped the two widths: what rises is divided by the width of the rising side, what falls by that of the "
    "falling one."
)
class WidthsSwapped(Steps):
    def slopes(self, p, f_K):
        return (f_K - p[:-2]) / (p[2:] - p[1:-1]), (p[2:] - f_K) / (p[1:-1] - p[:-2])


@misconception(
    "You divided by the whole width of a filter, so it reaches 1 nowhere. Divide each side by its own width."
)
class WholeWidths(Steps):
    def slopes(self, p, f_K):
        return (f_K - p[:-2]) / (p[2:] - p[:-2]), (p[2:] - f_K) / (p[2:] - p[:-2])


@misconception("You did not divide the sides by their widths, so your filters are hertz high. Divide each by its own.")
class NoWidths(Steps):
    def slopes(self, p, f_K):
        return (f_K - p[:-2]).expand(-1, len(f_K)), (p[2:] - f_K).expand(-1, len(f_K))


@misconception(
    "Your frequencies end at `fmax`. Those of the spectrum end at half the rate, whatever the filters leave out."
)
class FrequenciesUpToFmax(Steps):
    def points(self, rate, bins, fmin, fmax, scale):
        self.ends = 0.0, fmax
        return super().points(rate, bins, fmin, fmax, scale)

    def frequencies(self, rate, fft):
        return torch.linspace(*self.ends, fft // 2 + 1, dtype=torch.float64)


@misconception(
    "Your frequencies run from `fmin` to `fmax`. Those of the spectrum run from 0 to half the rate, whatever the "
    "filters leave out."
)
class FrequenciesInTheBand(FrequenciesUpToFmax):
    def points(self, rate, bins, fmin, fmax, scale):
        self.ends = fmin, fmax
        return Steps.points(self, rate, bins, fmin, fmax, scale)


@misconception(
    "You set points beside frequencies, both as rows. Make a column of the points: `p = points[:, None]`. Then each "
    "filter meets all frequencies."
)
class PointsAsARow(Steps):
    def triangles(self, p, f_K):
        return super().triangles(p[:, 0], f_K)


@misconception("Python's `min` looks at a whole tensor at once. The smaller number at each place is `torch.minimum`.")
class PythonMinimum(Steps):
    def triangles(self, p, f_K):
        return min(*self.slopes(p, f_K))


@misconception(
    "Your filters lie one point too high, and the last one finds no point. Filter j, from 1 to M, has the points j - "
    "1, j and j + 1."
)
class OnePointTooHigh(Steps):
    def triangles(self, p, f_K):
        return torch.stack([self.slopes(p[[j, j + 1, j + 2]], f_K)[0][0] for j in range(1, len(p) - 1)])


@misconception("You divided by the whole width. Divide by half of it, and the area of each filter is 1.")
class NormedByWidth(Steps):
    def normed(self, filters_MK, p):
        return filters_MK / (p[2:] - p[:-2])


@misconception("You multiplied by half the width. Divide by it: wide filters add up more.")
class NormedByMultiplying(Steps):
    def normed(self, filters_MK, p):
        return filters_MK * ((p[2:] - p[:-2]) / 2)


@misconception("You divided by twice the width. Divide by half of it: mind the brackets.")
class NormedByTwiceTheWidth(Steps):
    def normed(self, filters_MK, p):
        return filters_MK / (p[2:] - p[:-2]) / 2


@misconception("You divided each filter by its sum. Divide by half its width in hertz.")
class NormedToSumOne(Steps):
    def normed(self, filters_MK, p):
        return filters_MK / filters_MK.sum(dim=1, keepdim=True)


@misconception("You divided each filter by its largest number. Divide by half its width in hertz.")
class NormedToOne(Steps):
    def normed(self, filters_MK, p):
        return filters_MK / filters_MK.amax(dim=1, keepdim=True)


@misconception(
    "You divided each filter by its length, the root of the sum of squares. Divide by half its width in hertz."
)
class NormedToLengthOne(Steps):
    def normed(self, filters_MK, p):
        return filters_MK / filters_MK.norm(dim=1, keepdim=True)


@misconception(
    "You divided by the widths in mel, which are the same for all filters. Divide by half the width in hertz."
)
class NormedInMel(Steps):
    def normed(self, filters_MK, p):
        mel = hertz_to_mel(p)
        return filters_MK / ((mel[2:] - mel[:-2]) / 2)


@misconception("You divided by the width of the rising side. Divide by half the width of the whole filter.")
class NormedByTheRisingSide(Steps):
    def normed(self, filters_MK, p):
        return filters_MK / (p[1:-1] - p[:-2])


@misconception("You did nothing where `norm` is true. Divide each filter by half its width in hertz then.")
class NeverNormed(Steps):
    def normed(self, filters_MK, p):
        return filters_MK


@misconception("You divided by half the width in any case. Do so only with `norm`.")
class AlwaysNormed(Steps):
    def triangles(self, p, f_K):
        return self.halved(super().triangles(p, f_K), p)

    def halved(self, filters_MK, p):
        return filters_MK / ((p[2:] - p[:-2]) / 2)

    def normed(self, filters_MK, p):
        return filters_MK


@misconception("You turned `norm` round: you divided where it is false.")
class NormTurned(AlwaysNormed):
    def normed(self, filters_MK, p):
        return filters_MK * ((p[2:] - p[:-2]) / 2)


@misconception("Your filters are columns, [K, M]. Return a row for each: [M, K].")
class AxesSwapped(Steps):
    def __call__(self, *sizes, **options):
        return super().__call__(*sizes, **options).T


@misconception("You returned M + 2 filters, one for each point. The first and the last point have none: return M.")
class FiltersAtTheEnds(Steps):
    def triangles(self, p, f_K):
        filters_MK = super().triangles(p, f_K)
        return torch.nn.functional.pad(filters_MK, (0, 0, 1, 1))

    def normed(self, filters_MK, p):
        inner_MK = super().normed(filters_MK[1:-1], p)
        return torch.nn.functional.pad(inner_MK, (0, 0, 1, 1))


@of(
    "mel.filters",
    "Everything else is right. Your filters are float64, and waveforms are float32: return `filters_MK.float()`.",
)
def left_in_float64(rate, fft, bins, **options):
    return mel_filters(rate, fft, bins, **options).double()


@of("mel.filters", "`hertz_to_mel` takes a tensor, and you gave it a number. Put it into one: `torch.tensor(fmax)`.")
def numbers_for_tensors(rate, fft, bins, *, fmin=0.0, fmax=None, scale="htk", norm=False):
    fmax = rate / 2 if fmax is None else fmax
    return hertz_to_mel(fmin, scale)
