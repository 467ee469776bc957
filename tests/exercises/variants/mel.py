"""Honest solutions of lesson 14."""

import math

import torch
from torch.nn import functional as F

from mmlearn.nn.fourier import fourier, overlap_add, windows
from mmlearn.nn.mel import hertz_to_mel, mel_to_hertz


def alias_by_remainder(hertz, rate):
    left = hertz % rate
    return torch.minimum(left, rate - left)


def alias_by_where(hertz, rate):
    left = torch.fmod(hertz, rate)
    return torch.where(left > rate / 2, rate - left, left)


def alias_by_neighbours(hertz, rate):
    """The distances to the multiple below and to the one above."""
    below = torch.floor(hertz / rate) * rate
    return torch.stack([hertz - below, below + rate - hertz]).amin(dim=0)


def alias_by_halves(hertz, rate):
    """Halves of the rate in which the tone rises and falls by turns. Torch has no gradient of `//`."""
    half = rate / 2
    count = hertz // half
    left = hertz - count * half
    return torch.where(count % 2 == 0, left, half - left)


def alias_by_all_multiples(hertz, rate):
    n = torch.arange(int(hertz.max() / rate) + 2)
    return (hertz[..., None] - n * rate).abs().min(dim=-1).values


def alias_by_triangle(hertz, rate):
    """A wave of triangles: half the rate minus the distance to it."""
    return rate / 2 - (hertz % rate - rate / 2).abs()


def windows_by_loop(waveform, window, hop):
    T, W = waveform.shape[1], window.shape[0]
    if T <= W / 2:
        raise ValueError("too short")
    padded = F.pad(waveform, (W // 2, W // 2), mode="reflect")
    return torch.stack([padded[:, f * hop : f * hop + W] * window for f in range(1 + T // hop)], dim=1)


def windows_by_flips(waveform, window, hop):
    T, half = waveform.size(1), window.numel() // 2
    if half >= T:
        raise ValueError(f"{T} samples")
    before, behind = waveform[:, 1 : half + 1].flip(1), waveform[:, T - half - 1 : T - 1].flip(1)
    return torch.cat([before, waveform, behind], dim=1).unfold(-1, 2 * half, hop).mul(window)


def windows_by_indices(waveform, window, hop):
    """Which sample stands at each place, taken at once."""
    T, W = waveform.shape[-1], len(window)
    if not T > W // 2:
        raise ValueError("cannot mirror")
    index = (torch.arange(0, T + 1, hop)[:, None] + torch.arange(W) - W // 2).abs()
    index = T - 1 - (T - 1 - index).abs()
    return torch.einsum("bfw,w->bfw", waveform[:, index], window)


def windows_by_diagonal(waveform, window, hop):
    if len(waveform[0]) < len(window) // 2 + 1:
        raise ValueError
    padded = F.pad(waveform[:, None], (len(window) // 2,) * 2, mode="reflect")
    return F.conv1d(padded, torch.diag(window)[:, None], stride=hop).transpose(1, 2)


def fourier_by_rfft(frames):
    return torch.fft.rfft(frames)


def fourier_by_exponential(frames):
    W = frames.shape[-1]
    kind = torch.complex128 if frames.dtype == torch.float64 else torch.complex64
    k, t = torch.arange(W // 2 + 1), torch.arange(W)
    waves = torch.exp(-2j * math.pi * torch.outer(k, t) / W).to(kind)
    return torch.einsum("bfw,kw->bfk", frames.to(kind), waves)


def fourier_by_loops(frames):
    W = frames.shape[2]
    t = torch.arange(W, dtype=frames.dtype)
    parts = []
    for k in range(W // 2 + 1):
        angle = 2 * torch.pi * k * t / W
        cosines, sines = (frames * angle.cos()).sum(dim=2), (frames * angle.sin()).sum(dim=2)
        parts.append(cosines - 1j * sines)
    return torch.stack(parts, dim=2)


def fourier_by_polar(frames):
    W = frames.size(-1)
    angle = torch.arange(W, dtype=frames.dtype).outer(torch.linspace(0, math.pi, 1 + W // 2, dtype=frames.dtype))
    return (frames + 0j) @ torch.polar(torch.ones_like(angle), -angle)


def fourier_by_stft(frames):
    B, count, W = frames.shape
    window = torch.ones(W, dtype=frames.dtype)
    spectrum = torch.stft(frames.reshape(-1, W), W, window=window, center=False, return_complex=True)
    return spectrum[..., 0].reshape(B, count, -1)


def scale_without_clamp(hertz, scale="htk"):
    if scale not in ("htk", "slaney"):
        raise ValueError(scale)
    if scale == "htk":
        return 2595 * torch.log10(1 + hertz / 700)
    return torch.where(hertz < 1000, 0.015 * hertz, 15 + 27 * torch.log(hertz / 1000) / math.log(6.4))


def scale_by_mask(hertz, scale="htk"):
    if scale == "htk":
        return 2595 / math.log(10) * torch.log1p(hertz / 700)
    elif scale == "slaney":
        mel = 3 * hertz / 200
        above = hertz >= 1000
        mel[above] = 15 + torch.log(hertz[above] / 1000) * (27 / math.log(6.4))
        return mel
    else:
        raise ValueError("htk or slaney")


def scale_by_clamps(hertz, scale="htk"):
    """Above the bend the line adds nothing more, below it the curve nothing yet."""
    match scale:
        case "htk":
            return 1127.01048 * (hertz / 700 + 1).log()
        case "slaney":
            kilo = hertz / 1000
            return 15 * kilo.clamp(max=1) + 27 * kilo.clamp(min=1).log10() / math.log10(6.4)
    raise ValueError(f"unknown: {scale}")


def filters_by_loops(rate, fft, bins, *, fmin=0.0, fmax=None, scale="htk", norm=False):
    fmax = rate / 2 if fmax is None else fmax
    low, high = hertz_to_mel(torch.tensor([fmin, fmax]), scale)
    p = mel_to_hertz(torch.linspace(low.item(), high.item(), bins + 2), scale)
    f = torch.arange(fft // 2 + 1) * rate / fft
    rows = []
    for j in range(1, bins + 1):
        rising, falling = (f - p[j - 1]) / (p[j] - p[j - 1]), (p[j + 1] - f) / (p[j + 1] - p[j])
        row = torch.clamp(torch.minimum(rising, falling), min=0)
        rows.append(row * 2 / (p[j + 1] - p[j - 1]) if norm else row)
    return torch.stack(rows)


def filters_by_where(rate, fft, bins, *, fmin=0.0, fmax=None, scale="htk", norm=False):
    fmax = rate / 2 if fmax is None else fmax
    steps = torch.arange(bins + 2, dtype=torch.float64) / (bins + 1)
    low = hertz_to_mel(torch.tensor(float(fmin), dtype=torch.float64), scale)
    high = hertz_to_mel(torch.tensor(float(fmax), dtype=torch.float64), scale)
    points = mel_to_hertz(low + (high - low) * steps, scale)
    left, peak, right = points.unfold(0, 3, 1)[:, :, None].unbind(dim=1)
    f = torch.fft.rfftfreq(fft, 1 / rate, dtype=torch.float64)[None]
    heights = torch.where(f < peak, (f - left) / (peak - left), (right - f) / (right - peak))
    heights = torch.where((f > left) & (f < right), heights, 0.0)
    areas = (right - left) / 2
    return (heights / areas if norm else heights).to(torch.float32)


def filters_by_interpolation(rate, fft, bins, *, fmin=0.0, fmax=None, scale="htk", norm=False):
    """Each frequency lies between two points and shares itself out among them."""
    fmax = rate / 2 if fmax is None else fmax
    ends = hertz_to_mel(torch.tensor([fmin, fmax]).double(), scale).tolist()
    p = mel_to_hertz(torch.linspace(*ends, bins + 2, dtype=torch.float64), scale).tolist()
    filters = torch.zeros(bins + 2, fft // 2 + 1)
    for k in range(fft // 2 + 1):
        f = rate * k / fft
        for j in range(bins + 1):
            if p[j] <= f < p[j + 1]:
                share = (f - p[j]) / (p[j + 1] - p[j])
                filters[j, k], filters[j + 1, k] = 1 - share, share
    if norm:
        for j in range(1, bins + 1):
            filters[j] /= (p[j + 1] - p[j - 1]) / 2
    return filters[1:-1]


def log_mel_by_einsum(waveform, filters, window, hop):
    spectrum = fourier(windows(waveform, window, hop))
    power = spectrum.real**2 + spectrum.imag**2
    energy = torch.einsum("mk,bfk->bmf", filters, power[:, :-1])
    log = torch.log10(torch.clamp(energy, min=1e-10))
    log = torch.maximum(log, log.flatten(1).max(dim=1).values[:, None, None] - 8.0)
    return log / 4 + 1


def log_mel_one_by_one(waveform, filters, window, hop):
    pictures = []
    for sound in waveform:
        power = fourier(windows(sound[None], window, hop))[0].abs() ** 2
        energy = (filters @ power.T)[:, : len(sound) // hop]
        log = energy.log() / math.log(10)
        log = log.clamp(min=-10)
        pictures.append((log.clamp(min=float(log.detach().max()) - 8) + 4) / 4)
    return torch.stack(pictures)


def log_mel_by_stft(waveform, filters, window, hop):
    """As OpenAI's code does it; the floors are taken of the energies."""
    W = len(window)
    spectrum = torch.stft(waveform, W, hop, window=window, center=True, return_complex=True)
    energy = filters @ spectrum[..., :-1].abs().pow(2)
    energy = torch.clip(energy, min=1e-10)
    energy = torch.maximum(energy, energy.amax((1, 2), keepdim=True) * 1e-8)
    return (energy.log10() + 4) / 4


def overlap_add_by_loop(frames, window, hop, length):
    B, count, W = frames.shape
    total = (count - 1) * hop + W
    added, squares = frames.new_zeros(B, total), frames.new_zeros(total)
    for f in range(count):
        added[:, f * hop : f * hop + W] += frames[:, f] * window
        squares[f * hop : f * hop + W] += window**2
    kept = slice(W // 2, W // 2 + length)
    return added[:, kept] / squares[kept].clamp(min=1e-30)


def overlap_add_by_samples(frames, window, hop, length):
    """For each sample the frames that reach it, as the formula has it."""
    samples = []
    for t in range(length):
        above, below = torch.zeros_like(frames[:, 0, 0]), 0.0
        for f in range(frames.shape[1]):
            place = t - f * hop + len(window) // 2
            if 0 <= place < len(window):
                above, below = above + window[place] * frames[:, f, place], below + window[place] ** 2
        samples.append(above / below if below > 0 else above)
    return torch.stack(samples, dim=1)


def overlap_add_by_index(frames, window, hop, length):
    B, count, W = frames.shape
    place = (torch.arange(count)[:, None] * hop + torch.arange(W)).flatten()
    total = int(place.max()) + 1
    above = frames.new_zeros(B, total).index_add(1, place, (frames * window).flatten(1))
    below = frames.new_zeros(total).index_add(0, place, window.square().repeat(count))
    wave = torch.where(below > 0, above / torch.where(below > 0, below, 1.0), 0.0)
    return wave.narrow(1, W // 2, length)


def overlap_add_by_transposed_convolution(frames, window, hop, length):
    pieces = torch.diag(window)[:, None]
    above = F.conv_transpose1d(frames.mT, pieces, stride=hop)[:, 0]
    ones = torch.ones_like(frames[:1]) * window
    below = F.conv_transpose1d(ones.mT, pieces, stride=hop)[:, 0]
    first = len(window) // 2
    return (above / (below + 1e-12))[:, first : first + length]


def griffin_lim_by_exponential(magnitude, phase, window, hop, length, rounds):
    W = len(window)
    for step in range(rounds + 1):
        wave = overlap_add(torch.fft.irfft(magnitude * torch.exp(1j * phase), W), window, hop, length)
        if step < rounds:
            phase = fourier(windows(wave, window, hop)).angle()
    return wave


def griffin_lim_by_units(magnitude, phase, window, hop, length, rounds):
    """The phases as numbers of absolute value 1."""
    unit = torch.complex(phase.cos(), phase.sin())
    wave = overlap_add(torch.fft.irfft(magnitude * unit), window, hop, length)
    for _ in range(rounds):
        again = fourier(windows(wave, window, hop))
        unit = again / again.abs().clamp(min=1e-12)
        wave = overlap_add(torch.fft.irfft(magnitude * unit), window, hop, length)
    return wave


def griffin_lim_by_recursion(magnitude, phase, window, hop, length, rounds):
    real, imaginary = magnitude * torch.cos(phase), magnitude * torch.sin(phase)
    # The definition of the way back: the frequencies above half the rate are the mirror image of those below.
    half = torch.complex(real, imaginary)
    half = torch.cat([half[..., :1].real + 0j, half[..., 1:-1], half[..., -1:].real + 0j], dim=-1)
    whole = torch.cat([half, half[..., 1:-1].flip(-1).conj()], dim=-1)
    wave = overlap_add(torch.fft.ifft(whole).real, window, hop, length)
    if rounds == 0:
        return wave
    again = torch.fft.rfft(windows(wave, window, hop))
    phase = torch.atan2(again.imag, again.real)
    return griffin_lim_by_recursion(magnitude, phase, window, hop, length, rounds - 1)


VARIANTS = {
    "mel.alias": (
        alias_by_remainder,
        alias_by_where,
        alias_by_neighbours,
        alias_by_halves,
        alias_by_all_multiples,
        alias_by_triangle,
    ),
    "mel.windows": (windows_by_loop, windows_by_flips, windows_by_indices, windows_by_diagonal),
    "mel.fourier": (fourier_by_rfft, fourier_by_exponential, fourier_by_loops, fourier_by_polar, fourier_by_stft),
    "mel.scale": (scale_without_clamp, scale_by_mask, scale_by_clamps),
    "mel.filters": (filters_by_loops, filters_by_where, filters_by_interpolation),
    "mel.whisper": (log_mel_by_einsum, log_mel_one_by_one, log_mel_by_stft),
    "mel.overlap-add": (
        overlap_add_by_loop,
        overlap_add_by_samples,
        overlap_add_by_index,
        overlap_add_by_transposed_convolution,
    ),
    "mel.griffin-lim": (griffin_lim_by_exponential, griffin_lim_by_units, griffin_lim_by_recursion),
}
