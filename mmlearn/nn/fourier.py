"""Sound by time and frequency, and back: windows, their Fourier transforms, and what makes a waveform of them again.

Allen & Rabiner 1977 (doi:10.1109/PROC.1977.10770) for the transform, Griffin & Lim 1984
(doi:10.1109/TASSP.1984.1164317) for the way back.

From the top: what sampling hears, windows, the transform as it is defined, windows added up, phases that were lost.

Shape letters: B batch, T samples of a waveform, W samples of a window (an even number), F = 1 + T / hop frames, rounded
down, K = 1 + W / 2 frequencies.

Departures from the papers
    same: the waveform whose windows come nearest to given ones; repeated projections, with the magnitudes kept.
    simplified: the transform is as long as the window. `fourier` is the definition, of W x K products a frame, to be
        read; where speed counts, as in `griffin_lim`, `torch.fft` does the same.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def alias(hertz: Tensor, rate: float) -> Tensor:
    """The frequency that is heard when a sine is sampled `rate` times a second: from 0 to half the rate. Any shape.

    Samples of a sine do not change when its frequency changes by the rate, nor when its sign does. So what is heard is
    the distance to the nearest multiple of the rate. Shannon 1949 (doi:10.1109/JRPROC.1949.232969), theorem 1, says
    that below half the rate nothing is lost.

    Args:
        hertz: of the sines.
        rate: samples a second.
    """
    return (hertz - rate * torch.round(hertz / rate)).abs()


def windows(waveform_BT: Tensor, window_W: Tensor, hop: int) -> Tensor:
    """The waveform in overlapping stretches, each times the window: `[B, T]` to `[B, F, W]`.

    The middle of stretch f is sample f * hop. What reaches over an end is the waveform mirrored there.

    Args:
        waveform_BT: waveforms.
        window_W: the weight of each sample of a stretch.
        hop: samples from one stretch to the next.

    Raises:
        ValueError: the waveform is shorter than what is mirrored, half a window and a sample.
    """
    half = len(window_W) // 2
    if waveform_BT.shape[1] <= half:
        raise ValueError(f"a window of {2 * half} needs {half + 1} samples or more; got {waveform_BT.shape[1]}")
    padded_BT = F.pad(waveform_BT, (half, half), mode="reflect")
    return padded_BT.unfold(1, len(window_W), hop) * window_W


def fourier(frames_BFW: Tensor) -> Tensor:
    """How much of each frequency is in each frame: `[B, F, W]` to complex `[B, F, K]`.

    X_k = sum_t x_t exp(-2 pi i k t / W) for k = 0 ... W / 2; at r samples a second, k stands for r k / W hertz.
    """
    W = frames_BFW.shape[-1]
    k_K, t_W = (torch.arange(n, dtype=torch.float64, device=frames_BFW.device) for n in (W // 2 + 1, W))
    # k t is reduced to one turn first, where it is still exact.
    angle_WK = (2 * math.pi / W * (t_W[:, None] * k_K % W)).to(frames_BFW.dtype)
    return torch.complex(frames_BFW @ angle_WK.cos(), -(frames_BFW @ angle_WK.sin()))


def overlap_add(frames_BFW: Tensor, window_W: Tensor, hop: int, length: int) -> Tensor:
    """The waveform whose `windows` come nearest to these frames: `[B, F, W]` to `[B, T]`.

    Griffin & Lim 1984, equation 6: each frame is weighted by the window once more and added at its place, and the sum
    is divided by that of the squared windows. A sample that no window reaches is zero.

    Args:
        frames_BFW: stretches that the window has weighted already.
        window_W: as in `windows`.
        hop: samples from one frame to the next.
        length: T; fewer come back if the frames do not reach so far.
    """
    W, count = len(window_W), frames_BFW.shape[1]
    total = (count - 1) * hop + W

    def added(parts_BWF: Tensor) -> Tensor:
        """Parts at their places, without the half window at the beginning and what lies behind the end."""
        whole_BT = F.fold(parts_BWF, (1, total), (1, W), stride=(1, hop))[:, 0, 0]
        return whole_BT[:, W // 2 : W // 2 + length]

    weights_1WF = window_W.square()[None, :, None].expand(1, W, count)
    # A sample that no window reaches is zero: nothing is known of it.
    return added((frames_BFW * window_W).mT) / added(weights_1WF).clamp(min=torch.finfo(window_W.dtype).tiny)


def griffin_lim(
    magnitude_BFK: Tensor, phase_BFK: Tensor, window_W: Tensor, hop: int, length: int, rounds: int
) -> Tensor:
    """A waveform whose spectra have about these magnitudes: `[B, F, K]` to `[B, T]`.

    Griffin & Lim 1984, section III. From some phases a waveform is made, whose own spectra have other magnitudes. Of
    them only the phases are kept, and so on; the distance to the given magnitudes never grows.

    Args:
        magnitude_BFK: absolute values of the spectra of `windows`.
        phase_BFK: where to begin, in radians.
        window_W, hop, length: as in `overlap_add`.
        rounds: how often new phases are taken.
    """
    for _ in range(rounds):
        waveform_BT = _sound(magnitude_BFK, phase_BFK, window_W, hop, length)
        phase_BFK = torch.fft.rfft(windows(waveform_BT, window_W, hop)).angle()
    return _sound(magnitude_BFK, phase_BFK, window_W, hop, length)


def _sound(magnitude_BFK: Tensor, phase_BFK: Tensor, window_W: Tensor, hop: int, length: int) -> Tensor:
    frames_BFW = torch.fft.irfft(torch.polar(magnitude_BFK, phase_BFK), len(window_W))
    return overlap_add(frames_BFW, window_W, hop, length)
