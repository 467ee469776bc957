"""Sound as a picture: the log-mel spectrogram, energy by time and by pitch as an ear divides it.

Davis & Mermelstein 1980 (doi:10.1109/TASSP.1980.1163420), without their last step, the cosine transform.

From the top: the mel scale, its filters, the power spectrogram, all of it as a module, Whisper's variant.

Shape letters: B batch, T samples of a waveform, W samples of a window, K = 1 + fft / 2 frequencies, M bins (filters), F
frames.

`LogMel.imagebind` is ImageBind's audio input (Girdhar et al. 2023, arXiv:2305.05665, sections 3.3 and 4 and appendix),
which is that of AST (Gong et al. 2021, arXiv:2104.01778), which takes the filter bank of Kaldi. Departures:
    same: 16 kHz, 128 bins, windows of 25 ms (Hann) every 10 ms, window t beginning at sample t * hop; pre-emphasis; 20
        Hz to 8 kHz on the scale that HTK and Kaldi share; natural logarithm of the power, with Kaldi's floor; 128 x 204
        for 2 s; AST's mean and deviation of AudioSet.
    simplified: the mean of a window is not subtracted; the window is periodic, not symmetric; filters are triangles
        over hertz, Kaldi's are triangles over mel. A test measures what this changes.
    not known: how 2 s become 204 frames. There are 198 whole windows in 2 s; here silence stands in the other 6.
"""

import math

import torch
from torch import Tensor, nn

from mmlearn.nn.fourier import windows
from mmlearn.nn.precision import full_precision

# Slaney's scale (Auditory Toolbox, 1998): 15 mel a kilohertz up to 1 kHz, from there 27 mel for each factor of 6.4.
SLANEY_BREAK_HERTZ, SLANEY_BREAK_MEL, SLANEY_STEP = 1000.0, 15.0, math.log(6.4) / 27
SCALES = ("htk", "slaney")


def hertz_to_mel(hertz: Tensor, scale: str = "htk") -> Tensor:
    """Frequencies on the mel scale, on which equal steps sound about equally large. Any shape.

    Args:
        hertz: frequencies.
        scale: `"htk"`, 2595 log10(1 + f / 700), or `"slaney"`, a line up to 1 kHz and a logarithm from there.

    Raises:
        ValueError: no scale has this name.
    """
    if _known(scale) == "htk":
        return 2595 * torch.log10(1 + hertz / 700)
    line = hertz / SLANEY_BREAK_HERTZ * SLANEY_BREAK_MEL
    above = hertz.clamp(min=SLANEY_BREAK_HERTZ) / SLANEY_BREAK_HERTZ
    return torch.where(hertz < SLANEY_BREAK_HERTZ, line, SLANEY_BREAK_MEL + above.log() / SLANEY_STEP)


def mel_to_hertz(mel: Tensor, scale: str = "htk") -> Tensor:
    """The inverse of `hertz_to_mel`. Any shape.

    Raises:
        ValueError: no scale has this name.
    """
    if _known(scale) == "htk":
        return 700 * (10 ** (mel / 2595) - 1)
    line = mel / SLANEY_BREAK_MEL * SLANEY_BREAK_HERTZ
    above = (mel - SLANEY_BREAK_MEL).clamp(min=0)
    return torch.where(mel < SLANEY_BREAK_MEL, line, SLANEY_BREAK_HERTZ * (above * SLANEY_STEP).exp())


def mel_filters(
    rate: int,
    fft: int,
    bins: int,
    *,
    fmin: float = 0.0,
    fmax: float | None = None,
    scale: str = "htk",
    norm: bool = False,
    device=None,
    dtype=None,
) -> Tensor:
    """Triangles over the frequencies of a spectrum, equally wide and far apart in mel: `[M, K]`.

    Filter m rises from its left neighbour's peak to 1 at its own and falls to 0 at its right neighbour's. Where filters
    are narrower than the distance of two frequencies, rate / fft, some may hold none and are all zeros.

    Args:
        rate: samples a second.
        fft: length of the Fourier transform in samples, an even number; it has K = 1 + fft / 2 frequencies.
        bins: M, how many filters.
        fmin, fmax: where the first filter begins and the last one ends, in hertz; `None` is half the rate.
        scale: `"htk"` or `"slaney"`.
        norm: whether each filter is divided by half its width in hertz, so that all have the same area (Slaney).
        device, dtype: of the result.

    Raises:
        ValueError: no scale has this name; fft is odd; fmin and fmax are not in order from 0 to half the rate.
    """
    if fft % 2:
        raise ValueError(f"the length of the Fourier transform must be even, not {fft}")
    fmax = rate / 2 if fmax is None else fmax
    if not 0 <= fmin < fmax <= rate / 2:
        raise ValueError(f"filters need 0 <= fmin < fmax <= {rate / 2:g}, half the rate; got {fmin:g} and {fmax:g}")
    # In double precision, which not every accelerator has: made once, here, and then moved.
    exact = {"device": "cpu", "dtype": torch.float64}
    hertz_K = torch.linspace(0, rate / 2, 1 + fft // 2, **exact)
    low, high = hertz_to_mel(torch.tensor([fmin, fmax], **exact), scale).tolist()
    edges = mel_to_hertz(torch.linspace(low, high, bins + 2, **exact), scale)  # M peaks, and an end on either side
    left_M1, peak_M1, right_M1 = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising_MK = (hertz_K - left_M1) / (peak_M1 - left_M1)
    falling_MK = (right_M1 - hertz_K) / (right_M1 - peak_M1)
    filters_MK = torch.minimum(rising_MK, falling_MK).clamp(min=0)
    if norm:
        filters_MK = filters_MK * 2 / (right_M1 - left_M1)
    return filters_MK.to(device=device or torch.get_default_device(), dtype=dtype or torch.get_default_dtype())


def power_spectrogram(waveform_BT: Tensor, window: Tensor, hop: int, *, fft: int, centred: bool = True) -> Tensor:
    """The energy at each frequency in each stretch of a waveform: `[B, T]` to `[B, K, F]`.

    Args:
        waveform_BT: waveforms. Silence is added at both ends where a window reaches over them.
        window: the weights of a stretch's samples.
        hop: samples from one stretch to the next.
        fft: length of the Fourier transform, at least the window's.
        centred: whether window t has its middle at sample t * hop, which gives F = 1 + T / hop frames. Otherwise it
            begins there, and F = 1 + (T - window) / hop: whole windows only. Both are rounded down.

    Raises:
        ValueError: the waveform is not `[B, T]`, or it is shorter than a window and `centred` is false.
    """
    size = len(window)
    if waveform_BT.ndim != 2 or (not centred and waveform_BT.shape[1] < size):
        whole = "" if centred else f" of at least {size} samples"
        raise ValueError(f"a spectrogram needs waveforms [B, T]{whole}; got {list(waveform_BT.shape)}")
    # torch puts a window into the middle of the transform.
    ends = (fft // 2, fft // 2) if centred else ((fft - size) // 2, fft - size - (fft - size) // 2)
    padded_BT = nn.functional.pad(waveform_BT, ends)
    spectrum_BKF = torch.stft(padded_BT, fft, hop, size, window, center=False, return_complex=True)
    return spectrum_BKF.real.square() + spectrum_BKF.imag.square()


class LogMel(nn.Module):
    """Waveforms to log-mel spectrograms, which a Vision Transformer reads like pictures.

        mel = LogMel(16_000, window=512, hop=250, bins=32, frames=96)
        spectrogram_B1MF = mel(waveform_BT)[:, None]  # [B, 1, 32, 96], for 1.5 s

    Nothing in it is learned, and its state dict is empty.

    Args:
        rate: samples a second.
        window, hop: length of a window and distance of two, in samples.
        bins: M.
        fft: length of the Fourier transform in samples; `None` is the window's.
        fmin, fmax: where the first filter begins and the last one ends, in hertz; `None` is half the rate.
        scale, norm: of the filters; see `mel_filters`.
        preemphasis: how much of the sample before is subtracted from each sample, which weakens what is low.
        floor: smaller energies are raised to it before the logarithm.
        mean, std: subtracted from the logarithms, and what they are then divided by.
        centred: see `power_spectrogram`.
        frames: F. Shorter sounds are filled up with silence, longer ones are cut. `None` gives as many as there are.
        device, dtype: of window and filters. torch has no Fourier transform in bfloat16.

    Raises:
        ValueError: the transform is shorter than the window; what `mel_filters` refuses.
    """

    def __init__(
        self,
        rate: int,
        window: int,
        hop: int,
        bins: int,
        *,
        fft: int | None = None,
        fmin: float = 0.0,
        fmax: float | None = None,
        scale: str = "htk",
        norm: bool = False,
        preemphasis: float = 0.0,
        floor: float = 1e-10,
        mean: float = 0.0,
        std: float = 1.0,
        centred: bool = True,
        frames: int | None = None,
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        fft = window if fft is None else fft
        if fft < window:
            raise ValueError(f"a Fourier transform of {fft} samples does not hold a window of {window}")
        place = {"device": device, "dtype": dtype}
        self.hop, self.fft, self.preemphasis, self.floor = hop, fft, preemphasis, floor
        self.mean, self.std = mean, std
        self.centred, self.frames = centred, frames
        filters_MK = mel_filters(rate, fft, bins, fmin=fmin, fmax=fmax, scale=scale, norm=norm, **place)
        self.register_buffer("window", torch.hann_window(window, **place), persistent=False)
        self.register_buffer("filters_MK", filters_MK, persistent=False)

    @classmethod
    def imagebind(cls, **changes) -> "LogMel":
        """ImageBind's audio input, 2 s at 16 kHz to 128 x 204, as far as it is known: see the top of the file.

        Mean and deviation are AST's, of AudioSet: they make the mean 0 and the deviation 0.5.
        """
        options = {"fft": 512, "fmin": 20.0, "preemphasis": 0.97, "floor": 2.0**-23, "centred": False, "frames": 204}
        return cls(16_000, 400, 160, 128, **{**options, "mean": -4.268, "std": 2 * 4.569, **changes})

    def forward(self, waveform_BT: Tensor) -> Tensor:
        """Waveforms `[B, T]`, from -1 to 1, to `[B, M, F]`: the lowest bin and the earliest frame first.

        Raises:
            ValueError: the waveform is not `[B, T]`, or there is no whole window and neither `centred` nor `frames`.
        """
        x_BT = waveform_BT.to(self.window.dtype)
        if self.preemphasis:
            before_BT = torch.cat([x_BT[..., :1], x_BT[..., :-1]], dim=-1)  # the first sample repeated
            x_BT = x_BT - self.preemphasis * before_BT
        if self.frames is not None:
            reach = self.hop * (self.frames - 1) + (1 if self.centred else len(self.window))
            x_BT = nn.functional.pad(x_BT, (0, max(0, reach - x_BT.shape[-1])))  # silence
        with full_precision(x_BT.device.type):
            power_BKF = power_spectrogram(x_BT, self.window, self.hop, fft=self.fft, centred=self.centred)
            energy_BMF = self.filters_MK @ power_BKF[:, :, : self.frames]
            return (energy_BMF.clamp(min=self.floor).log() - self.mean) / self.std


def whisper_log_mel(waveform_BT: Tensor, filters_MK: Tensor, window_W: Tensor, hop: int) -> Tensor:
    """Whisper's input: `[B, T]` to `[B, M, F]`, F = T / hop, from about -1 to 1 for a loud sound.

    Radford et al. 2022 (arXiv:2212.04356), section 2.2, and the released code, which fixes the rest: the last frame
    is dropped; the energy's logarithm to base 10, at least 1e-10 and at most 8 below the sound's own maximum; then
    (x + 4) / 4. It takes 16 kHz, a Hann window of 400, a hop of 160, and 80 or 128 of Slaney's filters of equal areas.

    Args:
        waveform_BT: waveforms, from -1 to 1.
        filters_MK: of `mel_filters`, K = 1 + W / 2.
        window_W: the weights of a stretch's samples.
        hop: samples from one stretch to the next.

    Raises:
        ValueError: a waveform shorter than half a window and a sample.
    """
    with full_precision(waveform_BT.device.type):
        spectrum_BFK = torch.fft.rfft(windows(waveform_BT, window_W, hop)[:, :-1])
        energy_BMF = filters_MK @ (spectrum_BFK.real.square() + spectrum_BFK.imag.square()).mT
    log_BMF = energy_BMF.clamp(min=1e-10).log10()
    return (torch.maximum(log_BMF, log_BMF.amax(dim=(1, 2), keepdim=True) - 8) + 4) / 4


def energy_from_mel(energy_BMF: Tensor, filters_MK: Tensor) -> Tensor:
    """Energies at all frequencies that give about these mel energies: `[B, M, F]` to `[B, K, F]`, none below zero.

    Least squares, and what is negative is raised to zero. Among all spectra that fit, it is the smallest, not the true
    one: what lies inside a filter can no longer be told apart.

    Args:
        energy_BMF: mel energies, no logarithms.
        filters_MK: those that made them.
    """
    # pinv(H) = H^T pinv(H H^T): M x M is far smaller than M x K. Filters that hold no frequency make it singular.
    inverse_MM = torch.linalg.pinv(filters_MK @ filters_MK.mT, hermitian=True)
    return (filters_MK.mT @ (inverse_MM @ energy_BMF)).clamp(min=0)


def _known(scale: str) -> str:
    if scale not in SCALES:
        raise ValueError(f"no mel scale is called {scale!r}; there are {', '.join(SCALES)}")
    return scale
