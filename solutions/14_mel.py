# %% [markdown]
# # 14 · Waveform and mel spectrogram
#
# A sound reaches a computer as a long row of numbers, the waveform. Most models do not read it as it comes. They read
# a picture made of it, the mel spectrogram. The slides that this course grew out of say that it is "semantically
# compressed (but approximately same size in bytes as waveform)". This lesson builds the picture, goes back from it to
# a sound, and measures both halves of that sentence.
#
# **You will** write sampling, windows, the Fourier transform, mel filters, the input of the speech recogniser Whisper,
# and the way back. Then classifiers tell what the picture keeps, and your ear tells what it loses. **You need** lesson
# 00, and to have met sine waves and complex numbers.

# %% tags=["setup"]
import math

import torch
from torch import Tensor
from torch.nn import functional as F

from mmlearn import data
from mmlearn.course import (
    Sound,
    check,
    explore,
    explore_sounds,
    glossary,
    listen,
    live_curve,
    predict,
    reveal,
    say,
    show,
    style,
)
from mmlearn.course.drawings import charts
from mmlearn.course.drawings import mel as draw
from mmlearn.data import sound
from mmlearn.eval.intervals import Interval, mean_interval, paired_interval
from mmlearn.experiments import mel as study
from mmlearn.experiments import mel_inversion as inversion
from mmlearn.nn import fourier as fast
from mmlearn.nn.mel import LogMel, energy_from_mel, mel_to_hertz, whisper_log_mel

style()  # the course's look for every figure below

# %% [markdown]
# ## Why
#
# Air pressure goes up and down some hundred or thousand times a second, and a microphone measures it. What we hear in
# it is something else: which pitches sound, how loudly, and when. A *mel spectrogram* writes down just that. Speech
# recognisers read it, and so do models that talk and models that classify sounds: Whisper, Qwen2-Audio and ImageBind
# among those of this course.
#
# The picture shows the four steps. Each is an exercise.

# %% id="the-idea"
RATE = sound.RATE  # samples a second
WINDOW, HOP = 400, 160  # samples: 25 ms and 10 ms
prompts = data.load("speech", language="en", split="test")


def said(words: str) -> Tensor:
    """The waveform of the prompt with these words, [T]."""
    place = list(prompts["transcript"]).index(words)
    return sound.decode(prompts[place]["audio"])


WORDS = "Please try again."
spoken_T = said(WORDS)
MIDDLE = len(spoken_T) // 2
show(
    draw.idea(spoken_T, RATE, MIDDLE, WINDOW, HOP),
    alt="Four pictures in a row, joined by arrows. A waveform of a second, in which a short "
    "stretch is marked. The stretch enlarged, with a bell-shaped window over it that is zero "
    "at both ends. The spectrum of the stretch, a row of peaks, under triangles that are "
    "narrow on the left and wide on the right. A mel spectrogram, in which the stretch is "
    "one column.",
)

# %% [markdown]
# ## Build
#
# The letters of this lesson: **B** batch, **T** samples of a waveform, **W** samples of a window, **F** frames, **K**
# frequencies of a spectrum, **M** mel bins.

# %% [markdown]
# ### Samples
#
# A microphone's voltage is measured at equal distances of time. One measurement is a *sample*, and the *sampling rate*
# says how many there are a second. Telephones take `8000`, most speech models `16000`, recordings of music `44100` or
# `48000`. The data of this course have `16000`. One sample a second is one *hertz*, as one wave a second is.
#
# How many are enough? Take a sine of $f$ hertz and a rate of $r$. The sample with the number $t$ is $\cos(2 \pi f t /
# r)$. A sine of $f + r$ hertz gives $\cos(2 \pi f t / r + 2 \pi t)$: the same number, for every $t$. A sine of $-f$
# does, too. So from the samples nobody can tell $f$ from $f + r$, from $2r - f$ and so on. What is heard is the lowest
# of all these, the *alias*: the distance of $f$ to the nearest multiple of the rate.
#
# $$f_{\text{heard}} = \min_{n} \lvert f - n r \rvert, \quad n \text{ a whole number}$$
#
# Sines below half the rate are heard as they are. That is one half of the *sampling theorem*. The other half says that
# such a sound can be restored whole ([Shannon](https://doi.org/10.1109/JRPROC.1949.232969)). Everything above folds
# back.


# %% exercise="mel.alias"
def alias(hertz: Tensor, rate: float) -> Tensor:
    """The frequency that is heard when a sine of `hertz` is sampled `rate` times a second.

    Frequencies of any shape, zero or more, to the same shape: numbers from 0 to rate / 2.
    """
    ### BEGIN SOLUTION
    nearest = rate * torch.round(hertz / rate)  # n r
    return (hertz - nearest).abs()
    ### END SOLUTION


# %% check="mel.alias"
# NBVAL_CHECK_OUTPUT
alias = check("mel.alias")

# %% [markdown]
# Hear it. A tone glides from low to high. Then every fourth sample is kept, and the tone seems to climb, fall, and
# climb again. Whoever lowers a rate must take away first what the new rate cannot hold, with a *low-pass filter*.
# Last, the same with a filter: above half of the new rate there is silence.

# %% id="aliasing"
LOWER = RATE // 4
GLIDE = 2.0  # seconds
seconds_T = torch.arange(round(GLIDE * RATE)) / RATE
top = 0.45 * RATE
glide_T = 0.3 * torch.sin(math.pi * top / GLIDE * seconds_T.double() ** 2).float()
kept_T = glide_T[::4]


def seen(waveform_T: Tensor, rate: int = RATE, window: int = 512) -> Tensor:
    """A spectrogram with equally spaced frequencies, [K, F], in decibels; the lower 80 of them."""
    spectrum_KF = torch.stft(
        waveform_T, window, HOP, window=torch.hann_window(window), return_complex=True
    )
    level_KF = 20 * (spectrum_KF.abs() + 1e-6).log10()
    return level_KF.clamp(min=level_KF.max() - 60)


def glides() -> list[Sound]:
    """The glide, what is left of it, and what is left with a filter; all at the rate of the page."""
    without_T = sound.resample(kept_T, LOWER, RATE)
    with_T = sound.resample(sound.resample(glide_T, RATE, LOWER), LOWER, RATE)
    named = {
        "a tone that glides upwards": (glide_T, "as it is"),
        "a tone that climbs, falls, and climbs again": (
            without_T,
            "every fourth sample",
        ),
        "a tone that climbs and falls silent": (with_T, "filtered, then every fourth"),
    }
    axis = torch.linspace(0, RATE / 2, 257)
    return [
        Sound(w_T, words, seen(w_T), note, axis) for words, (w_T, note) in named.items()
    ]


listen(glides(), GLIDE, width=290)
thirds = top / 3 * torch.arange(1, 4)
say(
    f"After each third of the time the glide is at {', '.join(f'{f:.0f}' for f in thirds)} Hz. At "
    f"{LOWER} samples a second, says your `alias`, that is heard at "
    f"{', '.join(f'{f:.0f}' for f in alias(thirds, LOWER))} Hz."
)

# %% [markdown]
# ### Windows
#
# A sound changes. So it is cut into short stretches, in which it hardly does, and each stretch is looked at by itself.
# The stretches overlap: they begin every *hop*, and each is a *window* long. A stretch that ends abruptly looks as if
# it had a click at either end. So its samples are weighted: most in the middle, nothing at the ends. The usual weights
# are Hann's, $w_t = \tfrac12 - \tfrac12 \cos(2 \pi t / W)$.
#
# Let the middle of stretch $f$ be sample $f \cdot \text{hop}$. Half a window then hangs over each end of the sound.
# There, the sound is mirrored: before the first sample comes the second one, before it the third. So there are F = 1 +
# T / hop stretches, rounded down. W is even. A sound that is too short to be mirrored, of W / 2 samples or fewer, is
# refused with a `ValueError`. Check it yourself: `F.pad` raises a `RuntimeError`.


# %% exercise="mel.windows"
def windows(waveform_BT: Tensor, window_W: Tensor, hop: int) -> Tensor:
    """Overlapping stretches of the waveform, each times the window: [B, T] to [B, F, W].

    Stretch f has its middle at sample f * hop; beyond the ends the waveform is mirrored.
    Raises a ValueError if T <= W / 2.
    """
    ### BEGIN SOLUTION
    W = len(window_W)
    if waveform_BT.shape[1] <= W // 2:
        raise ValueError(
            f"{waveform_BT.shape[1]} samples cannot be mirrored for W = {W}"
        )
    padded_BT = F.pad(waveform_BT, (W // 2, W // 2), mode="reflect")
    stretches_BFW = padded_BT.unfold(1, W, hop)  # one begins every hop samples
    return stretches_BFW * window_W
    ### END SOLUTION


# %% check="mel.windows"
# NBVAL_CHECK_OUTPUT
windows = check("mel.windows")

# %% [markdown]
# ### The Fourier transform
#
# How much of a frequency is in a stretch? Multiply it, sample by sample, with a wave of that frequency, and add up. If
# the stretch swings along, the products are positive and the sum is large; otherwise they cancel. One wave is not
# enough: a stretch may swing along, but begin later. So take a cosine and a sine, as the two parts of a complex
# number.
#
# $$X_k = \sum_{t=0}^{W-1} x_t \, e^{-2 \pi i k t / W}, \qquad k = 0, \ldots, W/2$$
#
# Here $x_t$ is sample $t$ of the stretch, and $e^{-i a} = \cos a - i \sin a$. The wave with the number $k$ fits into
# the window $k$ times. At $r$ samples a second that is $r k / W$ hertz: so K = 1 + W / 2 frequencies, equally spaced.
# The absolute value $\lvert X_k \rvert$, the *magnitude*, says how much there is. The angle of $X_k$, the *phase*,
# says where in its swing it begins. The squared magnitude is the *power*.
#
# Write the sum itself: a matrix of waves, and one product. (`torch.fft.rfft` computes the same faster.)


# %% exercise="mel.fourier"
def fourier(frames_BFW: Tensor) -> Tensor:
    """The spectrum of each frame: [B, F, W] to complex [B, F, K], K = 1 + W / 2.

    complex64 from float32, complex128 from float64.
    """
    W = frames_BFW.shape[-1]
    ### BEGIN SOLUTION
    k_K, t_W = torch.arange(W // 2 + 1), torch.arange(W)
    turns_WK = (t_W[:, None] * k_K) % W / W  # k t / W; whole turns change nothing
    angle_WK = (2 * math.pi * turns_WK).to(frames_BFW.dtype)
    # e^(-ia) = cos a - i sin a
    return torch.complex(frames_BFW @ angle_WK.cos(), -(frames_BFW @ angle_WK.sin()))
    ### END SOLUTION


# %% check="mel.fourier"
# NBVAL_CHECK_OUTPUT
fourier = check("mel.fourier")

# %% [markdown]
# All frames side by side are a *spectrogram*. Dark is silence, bright is power. The even stripes are overtones: a
# voice swings with its pitch and with twice, three times, four times that frequency. Where a consonant hisses there
# are no stripes.

# %% id="first-spectrogram"
hann_W = torch.hann_window(WINDOW)
power_KF = fourier(windows(spoken_T[None], hann_W, HOP))[0].abs().square().T
level_KF = (power_KF / power_KF.max()).clamp(min=1e-6).log10()
SPOKEN = len(spoken_T) / RATE  # seconds
listen(
    [Sound(spoken_T, WORDS, level_KF, "", torch.linspace(0, RATE / 2, len(level_KF)))],
    SPOKEN,
    width=560,
)

# %% [markdown]
# What is the window good for? Below is the spectrum of one pure tone that does not fit into the stretch a whole number
# of times. Cut off abruptly, it seems to hold a little of every frequency: this is *leakage*. Hann's window makes the
# peak twice as wide, and what is far from it almost silent.

# %% id="leakage"
TONE = 450.0
tone_BT = torch.cos(2 * math.pi * TONE / RATE * torch.arange(2 * WINDOW))[None]
hertz_K = torch.linspace(0, RATE / 2, WINDOW // 2 + 1)
levels = {}
for name, window_W in {
    "cut off abruptly": torch.ones(WINDOW),
    "Hann window": torch.hann_window(WINDOW),
}.items():
    spectrum_K = fourier(windows(tone_BT, window_W, WINDOW))[0, 1].abs()
    levels[name] = 20 * (spectrum_K / spectrum_K.max() + 1e-6).log10()
far = {name: float(level_K[100:].mean()) for name, level_K in levels.items()}
show(
    draw.lines(
        {name: (hertz_K[:50], level_K[:50]) for name, level_K in levels.items()},
        "hertz",
        "decibels below the peak",
        y_from=-80,
    ),
    alt=f"The spectrum of a tone of {TONE:g} Hz up to 2 kHz, with two windows. Both have a peak "
    "at the tone. Cut off abruptly, the line falls slowly to both sides; with Hann's window "
    "the peak is wider and the line falls steeply.",
)
say(
    f"Far from the tone, above {100 * RATE / WINDOW:.0f} Hz, the level is "
    f"{far['cut off abruptly']:.0f} dB when cut off abruptly and {far['Hann window']:.0f} dB with "
    "Hann's window."
)

# %% [markdown]
# A *decibel* is a tenth of a power of ten of the power: `10` decibels are a factor of ten, `20` one of a hundred.

# %% [markdown]
# ### The mel scale
#
# A piano's octaves are equally wide on the keyboard, and each doubles the frequency. An ear hears somewhat like this,
# but not quite: what is low is spaced more evenly. The *mel scale* (from *melody*) has equal steps where listeners
# said that they heard equal steps. Two formulas are in use. HTK, a toolkit for speech recognition, has
#
# $$m(f) = 2595 \log_{10}(1 + f / 700)$$
#
# and Slaney's Auditory Toolbox has a straight line up to $1000$ Hz and a logarithm above:
#
# $$m(f) = \begin{cases} 15 f / 1000 & f < 1000 \\ 15 + 27 \, \dfrac{\ln (f / 1000)}{\ln 6.4} & f \ge 1000 \end{cases}$$
#
# They differ in their unit and a little in their shape. Which one a model takes is written nowhere in its spectrograms;
# with the wrong one it hears everything out of tune. Each number of the tensor takes one of the two lines.
# An unknown name is refused with a `ValueError`.


# %% exercise="mel.scale"
def hertz_to_mel(hertz: Tensor, scale: str = "htk") -> Tensor:
    """Frequencies on the mel scale "htk" or "slaney", any shape to the same shape.

    Raises a ValueError for another name.
    """
    ### BEGIN SOLUTION
    if scale == "htk":
        return 2595 * torch.log10(1 + hertz / 700)
    if scale == "slaney":
        above = 15 + 27 * torch.log(hertz.clamp(min=1000) / 1000) / math.log(6.4)
        return torch.where(hertz < 1000, 15 * hertz / 1000, above)
    raise ValueError(f"no mel scale is called {scale!r}")
    ### END SOLUTION


# %% check="mel.scale"
# NBVAL_CHECK_OUTPUT
hertz_to_mel = check("mel.scale")

# %% id="both-scales"
f = torch.linspace(0, RATE / 2, 200)
one = torch.tensor(1_000.0)
scales = {
    label: (f, hertz_to_mel(f, name) / hertz_to_mel(one, name))
    for label, name in {"HTK's": "htk", "Slaney's": "slaney"}.items()
}
show(
    draw.lines(scales, "hertz", "mel, as a share of that of 1 kHz"),
    alt="Both mel scales against frequency, each divided by its value at 1 kHz. Both rise "
    "steeply at first and flatten. Below 1 kHz Slaney's is a straight line and HTK's lies a "
    "little above it; higher up Slaney's lies above.",
)

# %% [markdown] id="about-filters"
# ### Mel filters
#
# A mel spectrogram has M bins, equally spaced in mel. Each adds up the power of the frequencies around it, weighted by
# a triangle, its *filter*. Take M + 2 points, equally spaced in mel from $m(f_{\min})$ to $m(f_{\max})$, and turn them
# back into hertz: $p_0, \ldots, p_{M+1}$. Filter $j$, from $1$ to M, rises from $p_{j-1}$ to $p_j$ and falls to
# $p_{j+1}$. At the frequency $f$ it is
#
# $$H_j(f) = \max\left(0, \; \min\left(\frac{f - p_{j-1}}{p_j - p_{j-1}}, \; \frac{p_{j+1} - f}{p_{j+1} - p_j}\right)\right)$$
#
# Wide filters add up more, so what is high would look louder. Slaney therefore divides each filter by half its width,
# $(p_{j+1} - p_{j-1}) / 2$; with `norm` so do you. `mel_to_hertz(mel, scale)`, the way back from mel, is given. The
# frequencies are those of the Fourier transform of a window of `fft` samples: $r k / \text{fft}$ for $k = 0, \ldots,
# \text{fft} / 2$. `fmax` of `None` is half the rate. Calculate in float64 if you like, and return float32, which the
# waveforms are.


# %% exercise="mel.filters"
def mel_filters(
    rate: int,
    fft: int,
    bins: int,
    *,
    fmin: float = 0.0,
    fmax: float | None = None,
    scale: str = "htk",
    norm: bool = False,
) -> Tensor:
    """Triangles over the frequencies of a spectrum, float32 [M, K]; K = 1 + fft / 2, M = bins."""
    fmax = rate / 2 if fmax is None else fmax
    ### BEGIN SOLUTION
    ends = hertz_to_mel(torch.tensor([fmin, fmax], dtype=torch.float64), scale)
    points = torch.linspace(
        float(ends[0]), float(ends[1]), bins + 2, dtype=torch.float64
    )
    p = mel_to_hertz(points, scale)[:, None]  # [M + 2, 1]
    f_K = rate / fft * torch.arange(fft // 2 + 1, dtype=torch.float64)
    rising_MK = (f_K - p[:-2]) / (p[1:-1] - p[:-2])
    falling_MK = (p[2:] - f_K) / (p[2:] - p[1:-1])
    filters_MK = torch.minimum(rising_MK, falling_MK).clamp(min=0)
    if norm:
        filters_MK = filters_MK / ((p[2:] - p[:-2]) / 2)
    return filters_MK.float()
    ### END SOLUTION


# %% check="mel.filters"
# NBVAL_CHECK_OUTPUT
mel_filters = check("mel.filters")

# %% [markdown]
# Sixteen filters, and what becomes of a spectrum. Where voices have their pitch, the filters are narrow and tell one
# overtone from the next. Where consonants hiss, they are wide.

# %% id="filters-seen"
few_MK = mel_filters(RATE, WINDOW, 16, scale="slaney")
frame_K = fourier(windows(spoken_T[None], torch.hann_window(WINDOW), HOP))[
    0, MIDDLE // HOP
]
show(
    draw.filters(few_MK, frame_K.abs().square(), RATE),
    alt="Above, sixteen overlapping triangles over the frequencies from 0 to 8 kHz, narrow and "
    "close together at the left, wide at the right. Below, the power spectrum of a frame of "
    "speech as a thin line with many peaks, and the power in each of the sixteen filters as "
    "steps that follow its outline.",
)

# %% [markdown]
# ### What Whisper reads
#
# The loudest moments of a sound have a million times the power of the quiet ones, and yet we hear both. So the
# logarithm is taken. Whisper ([Radford et al. 2022](https://arxiv.org/abs/2212.04356), section 2.2) says only that it
# reads log-mel with `80` bins; the rest is in the code that was released with it. With $E$ the mel energies [M, F] of
# one sound:
#
# $$L = \log_{10} \max(E, 10^{-10}), \qquad L \leftarrow \max(L, \; \max L - 8), \qquad S = (L + 4) / 4$$
#
# The first floor avoids the logarithm of zero. The second one forgets all that is $10^8$ times weaker than the loudest
# bin of *this* sound. The last step brings the numbers to between about $-1$ and $1$. One more habit: the last frame
# is dropped, before the maximum is taken, so that F = T / hop. The energies are the filters times the power spectrum
# of `fourier(windows(...))`.


# %% exercise="mel.whisper"
def log_mel(
    waveform_BT: Tensor, filters_MK: Tensor, window_W: Tensor, hop: int
) -> Tensor:
    """Whisper's input: [B, T] to [B, M, F], F = T / hop, rounded down."""
    ### BEGIN SOLUTION
    spectrum_BFK = fourier(windows(waveform_BT, window_W, hop))[:, :-1]
    energy_BMF = filters_MK @ spectrum_BFK.abs().square().mT
    L_BMF = energy_BMF.clamp(min=1e-10).log10()
    loudest_B11 = L_BMF.amax(dim=(1, 2), keepdim=True)  # of each sound
    return (torch.maximum(L_BMF, loudest_B11 - 8) + 4) / 4
    ### END SOLUTION


# %% check="mel.whisper"
# NBVAL_CHECK_OUTPUT
log_mel = check("mel.whisper")

# %% [markdown]
# Is it right? `librosa`, a library that many use for this, must give the same numbers. Where it is installed, the cell
# compares.

# %% id="same-as-librosa"
# NBVAL_CHECK_OUTPUT
window_W = torch.hann_window(WINDOW)
filters_MK = mel_filters(RATE, WINDOW, 80, scale="slaney", norm=True)
exact = (part.double() for part in (spoken_T[None], filters_MK, window_W))
mine_MF = log_mel(*exact, HOP)[0]
try:
    import librosa
except ImportError:  # the course does not need it, and does not install it
    print("librosa is not here. To compare: %pip install librosa, then this cell again")
else:
    theirs = librosa.feature.melspectrogram(
        y=spoken_T.double().numpy(),
        sr=RATE,
        n_fft=WINDOW,
        hop_length=HOP,
        n_mels=80,
        pad_mode="reflect",
    )
    log = torch.tensor(theirs[:, :-1]).clamp(min=1e-10).log10()
    theirs_MF = (torch.maximum(log, log.max() - 8) + 4) / 4
    print(
        list(mine_MF.shape),
        "equal to librosa's:",
        torch.allclose(mine_MF, theirs_MF, atol=1e-5),
    )

# %% [markdown]
# ### And back: adding up windows
#
# Now the way back, first with nothing lost. The transform of a frame can be undone: `torch.fft.irfft(spectrum_BFK, W)`
# gives the frame again. Then the frames, which overlap, must become one waveform. If they are the windows of some
# sound, any way of adding up works. But soon they will not be: then no sound has exactly these windows. Take the one
# that comes nearest. Call $y_f$ the given frame $f$ with $y_f(t)$ its value at sample $t$ of the sound, and $w_f(t)$
# the window at that place. The sum of squares $\sum_f \sum_t (w_f(t)\, x(t) - y_f(t))^2$ is smallest for
#
# $$x(t) = \frac{\sum_f w_f(t) \, y_f(t)}{\sum_f w_f(t)^2} \qquad \text{(Griffin \& Lim 1984, equation 6)}$$
#
# In words: weight each frame by the window *once more*, add all at their places, and divide by the sum of the squared
# windows. A sample that no window reaches is zero, not NaN: `.clamp(min=1e-30)` on
# the sum of squares keeps the division finite. Frame 0 has its middle at sample 0, so half of it lies before the sound:
# cut it off. Return the first `length` samples; the frames reach at least
# so far.


# %% exercise="mel.overlap-add"
def overlap_add(frames_BFW: Tensor, window_W: Tensor, hop: int, length: int) -> Tensor:
    """The waveform whose windows come nearest to these frames: [B, F, W] to [B, length].

    The frames are weighted by the window already, as `windows` gives them.
    """
    B, count, W = frames_BFW.shape
    ### BEGIN SOLUTION
    total = (count - 1) * hop + W
    sum_BT = frames_BFW.new_zeros(B, total)
    squares_T = frames_BFW.new_zeros(total)
    for f in range(count):
        place = slice(f * hop, f * hop + W)
        sum_BT[:, place] += frames_BFW[:, f] * window_W
        squares_T[place] += window_W**2
    kept = slice(W // 2, W // 2 + length)
    return sum_BT[:, kept] / squares_T[kept].clamp(min=1e-30)  # zero where none reaches
    ### END SOLUTION


# %% check="mel.overlap-add"
# NBVAL_CHECK_OUTPUT
overlap_add = check("mel.overlap-add")

# %% [markdown]
# ### And back: phases that were lost
#
# A mel spectrogram has no phases. A simple way to make some up is called *Griffin-Lim*, after who found it. Begin with
# any phases. Together with the given magnitudes they make frames, and these make a waveform. But the frames were no
# windows of a sound, so the windows of this waveform have other magnitudes. Keep only their *phases*, put the given
# magnitudes back, and repeat. With $A$ the given magnitudes, $\phi$ the phases, and $n$ the round:
#
# $$x^{n} = \text{overlap-add}\big(\text{irfft}(A \, e^{i \phi^{n}})\big), \qquad \phi^{n+1} = \text{angle}\big(\text{fourier}(\text{windows}(x^{n}))\big)$$
#
# Each round brings the magnitudes nearer to the given ones, or leaves them as near as they are. After `rounds` new
# sets of phases return the last waveform. With no round, it is made with the first phases.


# %% exercise="mel.griffin-lim"
def griffin_lim(
    magnitude_BFK: Tensor,
    phase_BFK: Tensor,
    window_W: Tensor,
    hop: int,
    length: int,
    rounds: int,
) -> Tensor:
    """A waveform with about these magnitudes: [B, F, K] to [B, length].

    `phase_BFK` is where to begin, in radians. `torch.polar(magnitude, phase)` is complex.
    """
    ### BEGIN SOLUTION
    W = len(window_W)
    for step in range(rounds + 1):
        frames_BFW = torch.fft.irfft(torch.polar(magnitude_BFK, phase_BFK), W)
        waveform_BT = overlap_add(frames_BFW, window_W, hop, length)
        if step < rounds:
            phase_BFK = fourier(windows(waveform_BT, window_W, hop)).angle()
    return waveform_BT
    ### END SOLUTION


# %% check="mel.griffin-lim"
# NBVAL_CHECK_OUTPUT
griffin_lim = check("mel.griffin-lim")

# %% [markdown]
# Begin with random phases and watch. The error is how far the magnitudes of the made sound are from the given ones, as
# a share of them. It falls fast at first and never reaches zero: from here on it improves by patience.

# %% id="rounds"
spectrum_BFK = fourier(windows(spoken_T[None], window_W, HOP))
A_BFK = spectrum_BFK.abs()
random_BFK = (
    2 * math.pi * torch.rand(A_BFK.shape, generator=torch.Generator().manual_seed(0))
)
starts = {"random phases": random_BFK, "all phases zero": torch.zeros_like(A_BFK)}
ROUNDS = 16


def rounds(phase_BFK: Tensor) -> tuple[list[Tensor], Tensor]:
    """The sound after each round, and how far its magnitudes are from the given ones, as a share of them."""
    sounds, errors = [], []
    for _ in range(ROUNDS + 1):
        made_BT = griffin_lim(A_BFK, phase_BFK, window_W, HOP, len(spoken_T), 0)
        spectrum_BFK = fourier(windows(made_BT, window_W, HOP))
        phase_BFK = spectrum_BFK.angle()
        sounds.append(made_BT[0])
        errors.append((spectrum_BFK.abs() - A_BFK).norm() / A_BFK.norm())
    return sounds, torch.stack(errors)


made = {name: rounds(phase_BFK) for name, phase_BFK in starts.items()}
show(
    draw.lines(
        {
            name: (torch.arange(ROUNDS + 1), error_R)
            for name, (_, error_R) in made.items()
        },
        "rounds",
        "error of the magnitudes",
        y_from=0,
    ),
    alt="The error of the magnitudes against the number of rounds, from random phases and from "
    "zeros. Both fall steeply in the first rounds and then slowly.",
)
mel_axis = mel_to_hertz(
    torch.linspace(0, float(hertz_to_mel(torch.tensor(RATE / 2))), 40)
)
picture = LogMel(RATE, WINDOW, HOP, 40, floor=1e-4)


def heard(waveform_T: Tensor, note: str, words: str = WORDS) -> Sound:
    """A sound to be shown with its mel spectrogram."""
    return Sound(waveform_T, words, picture(waveform_T[None])[0], note, mel_axis)


listen(
    [
        heard(spoken_T, "the recording"),
        heard(made["random phases"][0][0], "random phases, no round"),
        heard(made["random phases"][0][-1], f"after {ROUNDS} rounds"),
    ],
    SPOKEN,
    width=230,
)

# %% [markdown]
# ## Train
#
# Two tasks ask what a mel spectrogram keeps.
#
# *Words*: which of some English words does a clip say? The training clips are spoken by eight synthetic voices. Held
# out are two other synthetic voices, and a real speaker.
#
# *Tones*: in Mandarin the melody of a syllable tells words apart. There are four: high, rising, low, falling. Which
# one is it? The training clips are of one speaker, Liu. Held out are syllables that he says in no training clip, and
# another speaker, Lo.
#
# A small convolutional network over time does both. It reads a log-mel spectrogram of M bins, or the waveform itself:
# then its first layer is as many learned filters as the `80`-bin spectrogram has bins, with the same window and hop.
# Nothing else differs. The learning rate was chosen on training clips set apart, not on what is held out here.
#
# Before you train, two guesses.

# %% id="data"
# NBVAL_CHECK_OUTPUT
for name in (study.WORD, study.TONE):
    known = study.load(name)
    sizes = ", ".join(
        f"{len(held.labels):,} of {where}" for where, held in known.held_out.items()
    )
    print(
        f"{name}: {len(known.classes)} classes, {len(known.train.labels):,} training clips; held out {sizes}"
    )

# %% id="guess-speaker"
guess = None  # choose below, or write it here, such as guess = 0.5
predict(
    "mel.speaker",
    "A classifier learns the four tones from Liu. Of Liu's unseen syllables it gets nearly all right. "
    "How often is it right about the other speaker, Lo?",
    (0.0, 1.0, 0.05),
    guess,
)

# %% id="guess-bins"
guess = None  # choose below, or write it here, such as guess = "words"
predict(
    "mel.bins",
    "The bins go from 80 down to 8. Which accuracy falls more: that of words in unseen voices, or that of "
    "tones in Liu's unseen syllables?",
    ("words", "tones", "no clear difference"),
    guess,
)

# %% id="fit" tags=["train"]
tones = study.load(study.TONE)
this_run = {}
for input, bins in (("mel", 80), ("mel", 8), ("waveform", study.FILTERS)):
    model = study.build(study.TONE, input, bins, seed=0)
    curve = live_curve(f"tones from {input}{f', {bins} bins' * (input == 'mel')}")
    study.fit(model, tones.train, seed=0, lr=study.LEARNING_RATE, on_event=curve)
    this_run[input, bins] = {
        row["where"]: row["value"] for row in study.measured(model, tones)
    }

# %% [markdown]
# One run is an anecdote, so the committed rows have five seeds of each. *Majority* always answers with the most
# frequent tone of training. *Length* answers with the tone whose clips last as long, in the mean: what the duration
# alone gives away. *Shuffled labels* is the negative control.

# %% id="results" tags=["train", "fold"]


def five(name: str, where: str, **changed) -> Interval:
    """The mean of five seeds with its interval."""
    return mean_interval(study.seeds(name, where, **changed))


def fall(name: str, where: str) -> list[float]:
    """What is lost from 80 bins to 8, one number a seed."""
    pair = (study.seeds(name, where, bins=bins) for bins in (80, 8))
    return [many - few for many, few in zip(*pair, strict=True)]


RUNS = {
    "majority": {"input": "majority"},
    "length": {"input": "length"},
    "shuffled labels, 80 bins": {"labels": "shuffled"},
    "mel, 8 bins": {"bins": 8},
    "mel, 80 bins": {},
    "waveform": {"input": "waveform"},
}
for name in (study.WORD, study.TONE):
    held_out = study.HELD_OUT[name]
    table = f"| {name}s, accuracy | {' | '.join(held_out)} |\n|---|{'---|' * len(held_out)}\n"
    for label, changed in RUNS.items():
        cells = (f"{five(name, where, **changed):.2f}" for where in held_out)
        table += f"| {label} | {' | '.join(cells)} |\n"
    for (input, bins), reached in this_run.items() if name == study.TONE else ():
        cells = (f"{reached[where]:.2f}" for where in held_out)
        label = "waveform" if input == "waveform" else f"mel, {bins} bins"
        table += f"| **this run**, {label} | {' | '.join(cells)} |\n"
    say(table)

# %% [markdown]
# ## Look
#
# ### Hop, window, bins
#
# The three knobs of a mel spectrogram. Turn one at a time, look at the picture, and listen to the sound that comes
# back from it. For that, the energies at all frequencies are guessed from the mel energies (`energy_from_mel`, least
# squares), and Griffin and Lim find phases. (`fast` is the package's code for what you wrote.)
#
# - A long window tells pitches apart and smears moments. A short one does the reverse. This is no fault of the
#   method: what swings once in a hundredth of a second cannot be timed better than that.
# - A long hop leaves out frames. Longer than half a window, and pieces of the sound are in no frame.
# - Few bins leave the melody out, and what is said stays in longest.
# - Many bins need a long window. A short one has few frequencies, and narrow filters between two of them stay black.

# %% id="knobs"
milliseconds = RATE // 1_000
KNOB_ROUNDS = 8


def back(energy_MF: Tensor, filters_MK: Tensor, window_W: Tensor, hop: int) -> Tensor:
    """A sound made from mel energies alone."""
    magnitude_BFK = energy_from_mel(energy_MF[None], filters_MK).sqrt().mT
    phase_BFK = (
        2
        * math.pi
        * torch.rand(magnitude_BFK.shape, generator=torch.Generator().manual_seed(0))
    )
    length = len(spoken_T)
    return fast.griffin_lim(
        magnitude_BFK, phase_BFK, window_W, hop, length, KNOB_ROUNDS
    )[0]


def turned(window_in_ms: int, hop_in_ms: int, bins: int) -> list[Sound]:
    """The mel spectrogram with these settings, and the sound that comes back from it."""
    size, hop = window_in_ms * milliseconds, hop_in_ms * milliseconds
    weights_W = torch.hann_window(size)
    filters_MK = mel_filters(RATE, size, bins, scale="slaney")
    spectrum_FK = torch.fft.rfft(fast.windows(spoken_T[None], weights_W, hop))[0]
    energy_MF = filters_MK @ spectrum_FK.abs().square().T
    level_MF = (energy_MF / energy_MF.max()).clamp(min=1e-6).log10()
    edge = float(hertz_to_mel(torch.tensor(RATE / 2), "slaney"))
    axis_M = mel_to_hertz(torch.linspace(0, edge, bins + 2)[1:-1], "slaney")
    note = f"{bins} bins, {1_000 / hop_in_ms:g} frames a second: {bins * 1_000 / hop_in_ms:,.0f} numbers"
    return [
        Sound(
            back(energy_MF, filters_MK, weights_W, hop), WORDS, level_MF, note, axis_M
        )
    ]


explore_sounds(
    turned,
    SPOKEN,
    width=440,
    window_in_ms=[32, 4, 8, 16, 64, 128],
    hop_in_ms=[10, 5, 20, 40],
    bins=[80, 128, 40, 20, 10, 4],
)

# %% [markdown]
# ## Ask
#
# *Semantically compressed, but approximately the same size in bytes*: is that so? Bytes first.

# %% [markdown]
# ### How many bytes
#
# Now the first claim. A second of waveform is $r$ numbers, usually of `2` bytes. A second of mel spectrogram is one
# frame every `10` ms, and in each frame M numbers. Models compute with `4` bytes a number or with `2`; for storage one
# byte is enough, because nobody hears steps of a third of a decibel.

# %% id="guess-size"
RATES, SAMPLE = (16_000, 24_000, 48_000), 2  # samples a second, bytes of each
BINS, FRAMES = (40, 64, 80, 128), 100  # of a mel spectrogram, and how many a second
WIDTHS = (4, 2, 1)  # bytes of one of its numbers
guess = None  # choose below, or write it here, such as guess = "the waveform"
predict(
    "mel.size",
    f"A second of waveform, {RATES[0]:,} samples of {SAMPLE} bytes. The same second as a mel spectrogram: "
    f"{FRAMES} frames of 80 bins, {WIDTHS[0]} bytes a number. Which takes more bytes?",
    ("the waveform", "the mel spectrogram", "both the same"),
    guess,
)

# %% id="bytes" tags=["fold"]


def kilobytes(numbers: float, width: int) -> float:
    """Of a second."""
    return numbers * width / 1_000


waves_kB = {rate: kilobytes(rate, SAMPLE) for rate in RATES}
mels_kB = {(M, width): kilobytes(M * FRAMES, width) for M in BINS for width in WIDTHS}
series = {
    f"mel, {width} byte{'s' * (width > 1)} a number": [
        (M, *[mels_kB[M, width]] * 3) for M in BINS
    ]
    for width in WIDTHS
}
levels = {f"waveform, {rate // 1_000} kHz": size for rate, size in waves_kB.items()}
first, second = waves_kB[16_000], mels_kB[80, 4]
reveal(
    "mel.size",
    "both the same"
    if first == second
    else "the waveform"
    if first > second
    else "the mel spectrogram",
    charts.curves(
        {"a second of sound": series},
        x_label="mel bins",
        y_label="kilobytes",
        levels={"a second of sound": levels},
    ),
    alt="Kilobytes of a second of sound. Three rising lines for mel spectrograms with "
    f"{', '.join(map(str, WIDTHS))} bytes a number, from {mels_kB[40, 1]:g} to {mels_kB[128, 4]:g} kilobytes; three level lines for "
    f"waveforms at {', '.join(f'{rate // 1_000}' for rate in RATES)} kHz, {', '.join(f'{size:g}' for size in waves_kB.values())} kilobytes.",
    text=f"The waveform takes {first:g} kB, the mel spectrogram {second:g} kB. Over all that the slides name, "
    f"a mel spectrogram takes between {min(mels_kB.values()) / max(waves_kB.values()):.2f} and "
    f"{max(mels_kB.values()) / min(waves_kB.values()):.1f} of the waveform's bytes.",
)
table = (
    f"| mel by waveform | {' | '.join(f'{rate // 1_000} kHz' for rate in RATES)} |\n"
)
table += f"|---|{'---|' * len(RATES)}\n"
for M in (min(BINS), 80, max(BINS)):
    for width in WIDTHS:
        shares = (f"{mels_kB[M, width] / size:.2f}" for size in waves_kB.values())
        table += (
            f"| {M} bins, {width} byte{'s' * (width > 1)} | {' | '.join(shares)} |\n"
        )
say(table)

# %% [markdown]
# So the claim is true of the usual setting, by accident: `80` bins of `4` bytes against `16` kHz. A mel spectrogram is
# not made to save bytes. With few bins and small numbers it does; with many it is the larger of the two. What it saves
# is work: half the numbers, or a quarter, each of which says something about pitch.

# %% [markdown]
# ### What is kept, and for whom
#
# "Semantic" is what somebody wants to know. So ask two who want to know different things, and take bins away.

# %% id="kept" tags=["train", "fold"]


def by_bins(name: str, where: str) -> list[tuple]:
    """Points for the chart: bins with mean and interval."""
    return [(bins, *five(name, where, bins=bins)) for bins in study.BINS]


panels = {
    "words": {
        where: by_bins(study.WORD, where) for where in study.HELD_OUT[study.WORD]
    },
    "tones": {study.LIU: by_bins(study.TONE, study.LIU)},
}
levels = {
    title: {
        "waveform": five(name, where, input="waveform").mean,
        "majority": five(name, where, input="majority").mean,
    }
    for title, name, where in (
        ("words", study.WORD, study.VOICES),
        ("tones", study.TONE, study.LIU),
    )
}
levels["words"] = {
    f"{label}, {study.VOICES}": value for label, value in levels["words"].items()
}
marks = {
    "tones": {study.LIU: [(bins, this_run["mel", bins][study.LIU]) for bins in (80, 8)]}
}
lost = {
    name: fall(name, where)
    for name, where in ((study.WORD, study.VOICES), (study.TONE, study.LIU))
}
more = paired_interval(lost[study.WORD], lost[study.TONE])
reveal(
    "mel.bins",
    "words" if more.low > 0 else "tones" if more.high < 0 else "no clear difference",
    charts.curves(
        panels,
        x_label="mel bins",
        y_label="accuracy",
        levels=levels,
        log_x=True,
        marks=marks,
    ),
    alt="Accuracy against the number of mel bins, from 1 to 128. Words in unseen voices: "
    f"{five(study.WORD, study.VOICES, bins=1).mean:.2f} with one bin, "
    f"{five(study.WORD, study.VOICES, bins=8).mean:.2f} with 8, {five(study.WORD, study.VOICES).mean:.2f} "
    f"with 80. Tones of unseen syllables: {five(study.TONE, study.LIU, bins=1).mean:.2f}, "
    f"{five(study.TONE, study.LIU, bins=8).mean:.2f} and {five(study.TONE, study.LIU).mean:.2f}.",
    text=f"From 80 bins to 8, words lose {mean_interval(lost[study.WORD]):.2f} and tones "
    f"{mean_interval(lost[study.TONE]):.2f}; words minus tones: {more:.2f}.",
)

# %% [markdown]
# Words, as synthetic voices say them, survive nearly everything: down to four bins nothing is lost. Even one bin,
# loudness alone, tells most of them, probably by their rhythm. Tones hold down to `40` bins and lose from `16` on. A
# tone is a movement of pitch. With few bins each is so wide that the pitch moves inside it and leaves no trace. Liu's
# tones also differ in length, as the row *length* shows, and maybe in loudness. Both remain in every bin, so Liu's
# tones fall slowly.
#
# On the real speaker no input does well. What synthetic voices taught does not carry over, and the bins are not to
# blame. With so few clips the learned filters of the waveform are worse than the given ones for words, and as good for
# tones.
#
# ### For whom
#
# Now the other speaker. Lo's voice lies more than an octave above Liu's, and says the same syllables.

# %% id="speakers" tags=["train", "fold"]
LO = study.LO
table = "| tones, accuracy | Liu, unseen syllables | Lo, unseen syllables |\n|---|---|---|\n"
for label, task, changed in (
    ("majority", study.TONE, {"input": "majority"}),
    ("trained on Liu, waveform", study.TONE, {"input": "waveform"}),
    ("trained on Liu, 80 bins", study.TONE, {}),
    ("trained on Liu, 8 bins", study.TONE, {"bins": 8}),
    ("trained on both, 80 bins", study.BOTH, {}),
    ("trained on both, 8 bins", study.BOTH, {"bins": 8}),
    ("trained on both, 1 bin", study.BOTH, {"bins": 1}),
):
    cells = (f"{five(task, where, **changed):.2f}" for where in (study.LIU, LO))
    table += f"| {label} | {' | '.join(cells)} |\n"
few = paired_interval(study.seeds(study.BOTH, LO), study.seeds(study.BOTH, LO, bins=8))
reveal(
    "mel.speaker",
    round(five(study.TONE, LO).mean, 2),
    text=f"Trained on Liu with 80 bins: {five(study.TONE, study.LIU):.2f} of his unseen syllables, and "
    f"{five(study.TONE, LO):.2f} of Lo's; always the same answer gets "
    f"{five(study.TONE, LO, input='majority'):.2f}. Trained on both: {five(study.BOTH, LO):.2f} of Lo's. There, "
    f"8 bins cost {few:.2f}.",
)
say(table)

# %% [markdown]
# A classifier that is nearly always right about one speaker is no better than a fixed answer about another. No number
# of bins helps, nor does the waveform. It is tempting to blame the pitch. But the classifier that hears loudness alone
# fails just as fully, and it knows of no pitch: Lo's clips are also shorter than Liu's. Two speakers cannot tell these
# causes apart. Had the clips been split at random, the held-out ones would have been Liu's as well, and nobody would
# have noticed anything. So split by what will be new later: here, the speaker.
#
# The way out is data. Trained on both speakers, a classifier is right about both, also about syllables of Lo's that
# nobody trained on. And there the bins matter: Lo's tones do not differ in length, and with `8` bins little more is
# left than with loudness alone. What is *semantic* in a mel spectrogram depends on who asks for what.
#
# ### What is lost on the way back
#
# A classifier takes from the picture what it needs. A listener wants a sound. So short sentences become mel
# spectrograms, and come back from them: energies at all frequencies first, then phases, as under *Hop, window, bins*,
# only with more patience. Three measures say what is lost. The *distance* compares spectra, in decibels, in longer
# windows than were used. *Pitch kept* is the share of voiced moments whose pitch is still right to a semitone. And a
# speech recogniser, which knows nothing of all this, writes down what it hears; we count the words that it gets wrong.

# %% id="guess-way-back"
FEW = 16  # bins
guess = None  # choose below, or write it here, such as guess = "the words"
predict(
    "mel.way-back",
    f"A mel spectrogram of {FEW} bins is turned back into a sound. What suffers more?",
    ("the pitch", "the words", "both alike"),
    guess,
)

# %% id="way-back" tags=["fold"]
KEPT, WRONG, FAR = "pitch kept", "words wrong", "distance"
BACK = inversion.BINS


def right(interval: Interval) -> Interval:
    """The share of words heard right, of the share heard wrong."""
    return Interval(1 - interval.mean, 1 - interval.high, 1 - interval.low)


panels = {
    "after the way back": {
        "words heard right": [(M, *right(inversion.lost(WRONG, bins=M))) for M in BACK],
        KEPT: [(M, *inversion.lost(KEPT, bins=M)) for M in BACK],
    }
}
original = right(inversion.lost(WRONG, inversion.ORIGINAL))
fewer_words = paired_interval(
    inversion.by_clip(WRONG, bins=FEW), inversion.by_clip(WRONG, inversion.ORIGINAL)
)
less_pitch = paired_interval(
    inversion.by_clip(KEPT, inversion.ORIGINAL), inversion.by_clip(KEPT, bins=FEW)
)
more = paired_interval(
    [
        a - b
        for a, b in zip(
            inversion.by_clip(KEPT, inversion.ORIGINAL),
            inversion.by_clip(KEPT, bins=FEW),
            strict=True,
        )
    ],
    [
        a - b
        for a, b in zip(
            inversion.by_clip(WRONG, bins=FEW),
            inversion.by_clip(WRONG, inversion.ORIGINAL),
            strict=True,
        )
    ],
)
reveal(
    "mel.way-back",
    "the pitch" if more.low > 0 else "the words" if more.high < 0 else "both alike",
    charts.curves(
        panels,
        x_label="mel bins",
        y_label="share",
        levels={"after the way back": {"words, original": original.mean}},
        log_x=True,
    ),
    alt="Against the number of mel bins, from 8 to 128: the share of words that a recogniser hears right, "
    f"{right(inversion.lost(WRONG, bins=8)).mean:.2f} with 8 bins, {right(inversion.lost(WRONG, bins=FEW)).mean:.2f} "
    f"with {FEW} and {right(inversion.lost(WRONG, bins=128)).mean:.2f} with 128, beside {original.mean:.2f} for the "
    f"original; and the share of pitch kept, {inversion.lost(KEPT, bins=8).mean:.2f}, "
    f"{inversion.lost(KEPT, bins=FEW).mean:.2f} and {inversion.lost(KEPT, bins=128).mean:.2f}.",
    text=f"With {FEW} bins, {less_pitch:.2f} of the pitch is lost, and {fewer_words:.2f} more of the words are heard "
    "wrong than in the original.",
)
table = (
    "| made of | distance, dB | pitch kept | words heard wrong |\n|---|---|---|---|\n"
)
sources = {"the original itself": (inversion.ORIGINAL, 0, 0)}
sources |= {"the whole spectrum": (inversion.SPECTRUM, 0, inversion.ROUNDS)}
sources |= {f"mel, {M} bins": (inversion.MEL, M, inversion.ROUNDS) for M in BACK}
sources |= {"mel, 80 bins, random phases": (inversion.MEL, 80, 0)}
for label, (source, bins, rounds_) in sources.items():
    cells = (
        inversion.lost(measure, source, bins, rounds_) for measure in (FAR, KEPT, WRONG)
    )
    table += f"| {label} | {' | '.join(f'{cell:.2f}' for cell in cells)} |\n"
say(table)

# %% id="hear-it"
sentence = min(inversion.sentences(), key=lambda one: len(one.waveform))
listen(
    [
        heard(
            sentence.waveform
            if M is None
            else inversion.there_and_back(sentence.waveform, M, seed=0),
            "the recording" if M is None else f"back from {M} bins",
            sentence.transcript,
        )
        for M in (None, 80, FEW, 8)
    ],
    len(sentence.waveform) / RATE,
)

# %% [markdown]
# The intervals are over sentences, all by one speaker. Down to `40` bins the recogniser hears as well as in the
# original, and the pitch is nearly right. With `16` bins it still hears nearly as well, and the pitch is gone: the
# voice whispers or drones. With `8` most words go too. So melody is lost first and words last, as with the
# classifiers.
#
# Two more rows are worth a look. Even from the whole spectrum the sound does not come back exactly: the phases that
# Griffin and Lim find are not the ones that were there. And without their rounds the words are still heard, but the
# pitch is broken. The recogniser itself listens through a few dozen mel filters. What they do not hear, it cannot
# miss. So it cannot say whether a sound is pleasant.

# %% [markdown]
# ### In your own words
#
# *Semantically compressed, but approximately the same size in bytes*: what is right about this sentence, and what is
# not? Four to six sentences. Rest each claim on a figure or a table above.

# %% [markdown] answer="mel.compressed"
# A mel spectrogram keeps what tells words apart: accuracy on words stays the same from many bins down to a few. It
# keeps pitch only as long as its bins are narrow, for tones suffer once they are wide, and the more so where pitch is
# all that there is, as with the second speaker. It drops the phases altogether, and with few bins the pitch: a sound
# that is made of it again is still understood, but the pitch is wrong. So it is compressed for some questions and
# useless for others, and "semantic" says nothing until somebody says what is asked. In bytes it is as large as the
# waveform for the usual setting and no other; with fewer bins or fewer bytes a number it is much smaller, with many
# bins larger. None of this is a property of sounds: it is a choice of bins, hop and bytes.

# %% [markdown]
# ### What this shows, and what it cannot
#
# - **Bytes.** About the same size, for the usual setting, and by accident.
# - **Compressed for whom.** Words need few bins, and melody needs many. "Semantic" is not a property of the picture.
# - **Splits.** A held-out set must be new in the way that the future is new. Here the classifiers knew one speaker.
# - **What cannot be said.** The words were spoken by machines, and on the one real speaker all inputs did badly. Tones
#   had two speakers, one of whom was tested; the intervals cover seeds, not speakers. All of it is speech: for music,
#   or for the sounds of animals, other bins may matter.

# %% [markdown]
# ## Reference
#
# In the package, `LogMel` is all of this as one module, for models that read spectrograms like pictures; lesson 03
# used it. With Whisper's settings but without Whisper's last steps it gives what your functions give.

# %% id="same-as-the-package"
# NBVAL_CHECK_OUTPUT
module = LogMel(RATE, WINDOW, HOP, 80, scale="slaney", norm=True)
inside = slice(2, -2)  # at the ends LogMel has silence where `windows` has a mirror
energy_MF = (
    filters_MK @ fourier(windows(spoken_T[None], window_W, HOP))[0].abs().square().T
)
same = torch.allclose(
    module(spoken_T[None])[0][:, inside],
    energy_MF.clamp(min=1e-10).log()[:, inside],
    atol=1e-3,
)
print(
    "LogMel equal:", same, "- parameters:", sum(p.numel() for p in module.parameters())
)
whisper_BMF = whisper_log_mel(spoken_T[None], filters_MK, window_W, HOP)
mine_BMF = log_mel(spoken_T[None], filters_MK, window_W, HOP)
print("whisper_log_mel equal:", torch.allclose(whisper_BMF, mine_BMF, atol=1e-4))

# %% [markdown]
# Nothing in it is learned, so there is no checkpoint to load. The tests of the course hold it against `librosa` and
# against the feature extractor of `transformers`, to `1e-5` of the largest number. What models of this course read:

# %% id="who-reads-what"
# NBVAL_CHECK_OUTPUT
front_ends = {  # seconds at a time, window and hop in samples, bins
    "Whisper up to large-v2": (30, 400, 160, 80),
    "Whisper large-v3, Qwen2-Audio": (30, 400, 160, 128),
    "ImageBind, AST": (2, 400, 160, 128),
}
table = "| model | reads | window, hop | mel spectrogram | numbers, by those of the waveform |\n"
table += "|---|---|---|---|---|\n"
for name, (length, size, hop, bins) in front_ends.items():
    settings = f"{1_000 * size / RATE:g} ms, {1_000 * hop / RATE:g} ms"
    frames = length * RATE // hop
    share = bins * frames / (length * RATE)
    table += (
        f"| {name} | {length} s | {settings} | {bins} × {frames:,} | {share:.2f} |\n"
    )
say(table)

# %% [markdown]
# (ImageBind's released code has a few frames more; lesson 03 says what is known of it.)
#
# ## Check the source
#
# - **"Sample rate: 16kHz-48kHz".** That is what models and music take; telephones take less. The rate sets the
#   highest frequency, half of it, and nothing else.
# - **`Hop size = 10 ms`, `Mel bins = 40 to 128`.** So it is in every model of the table above. The window, which the
#   slides do not name, is `25` ms in all of them.
# - **"Approximately same size in bytes".** It holds for one combination exactly and for many within a factor of two;
#   over all that the slides name it does not, as the table of *How many bytes* shows. It depends on how many bytes a
#   number takes.
# - **"Semantically compressed".** Yes, for who asks for words; no, for who asks for pitch and has few bins. *What is
#   kept, and for whom* has the numbers.
# - **Whisper's front end.** Section 2.2 of the paper names `80` bins, windows of `25` ms and a hop of `10` ms, and
#   scales the input to between $-1$ and $1$ "with approximately zero mean". The floor, the dropped frame and Slaney's
#   filters are in the code alone.
#
# Davis & Mermelstein, *Comparison of Parametric Representations for Monosyllabic Word Recognition*, IEEE Transactions
# on Acoustics, Speech, and Signal Processing 1980. Griffin & Lim, *Signal Estimation from Modified Short-Time Fourier
# Transform*, IEEE Transactions on Acoustics, Speech, and Signal Processing 1984, equation 6 and section III. Allen &
# Rabiner, *A Unified Approach to Short-Time Fourier Analysis and Synthesis*, Proceedings of the IEEE 1977. Shannon,
# *Communication in the Presence of Noise*, Proceedings of the IRE `1949`, theorem 1. Radford et al., *Robust Speech
# Recognition via Large-Scale Weak Supervision*, ICML 2023, arXiv:2212.04356: section 2.2.

# %% [markdown]
# ## Words

# %% id="glossary"
glossary("14")

# %% [markdown]
# ## Where to go next
#
# A mel spectrogram is chosen by hand and cannot be turned back without loss. [Lesson 15](15_encodec.ipynb) learns both
# directions: a few whole numbers for each frame, from which a sound comes back. Lesson 17 gives mel spectrograms to a
# language model.
