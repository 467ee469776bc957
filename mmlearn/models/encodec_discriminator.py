"""What tells EnCodec's sounds from real ones: convolutions over spectrograms of several resolutions.

Defossez et al. 2022 (arXiv:2210.13438), section 3.4, "discriminative loss", and figure 2. How often they learn
is in `encodec_losses.py`.

Shape letters: B batch, C channels of a sound, T samples, Z channels of a spectrogram, F frames, K frequencies.

Departures from the paper
    same: one network for each window; real and imaginary parts as two channels; 32 channels; dilations 1, 2, 4 over
        time and stride 2 over frequency; leaky ReLU; weight norm; left and right of a stereo sound judged apart.
    in the released code, not in the paper: kernels of 3 x 9 (the paper: 3 x 8), no weight norm in the first of them,
        the slope of the leaky ReLU, and that a window's energy is brought to 1. It has three windows (1024, 2048, 512),
        the paper five, and the two channels of a stereo sound together as four.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.nn.precision import at_least_single, full_precision

SLOPE = 0.2  # of the leaky ReLU


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Sizes of an MS-STFT discriminator."""

    windows: tuple[int, ...] = (2048, 1024, 512, 256, 128)  # in samples; they lie a quarter of themselves apart
    filters: int = 32  # channels of each layer
    channels: int = 1  # of a sound that are judged together; otherwise each is a sound of its own
    kernel: tuple[int, int] = (3, 9)  # frames and frequencies
    dilations: tuple[int, ...] = (1, 2, 4)  # over frames

    @classmethod
    def preset(cls, name: str, **changes) -> "DiscriminatorConfig":
        """Named sizes, with some fields changed.

        Raises:
            ValueError: no preset has this name.
        """
        if name not in PRESETS:
            raise ValueError(f"no discriminator preset is called {name!r}; there are {', '.join(PRESETS)}")
        return replace(PRESETS[name], **changes)


class Convolution2d(nn.Module):
    """A convolution that keeps the number of frames, with or without weight norm.

    Args:
        channels, out_channels: that come in and go out.
        kernel, stride, dilation: over frames and frequencies.
        normed: whether its weights are a length times a direction, for each channel that goes out.
        device, dtype: of the parameters.
    """

    def __init__(
        self, channels: int, out_channels: int, kernel, *, stride=(1, 1), dilation=(1, 1), normed=True, **place
    ) -> None:
        super().__init__()
        made = nn.Conv2d(channels, out_channels, kernel, **place)  # for its first values
        self.stride, self.dilation, self.normed = stride, dilation, normed
        self.padding = tuple((k - 1) * d // 2 for k, d in zip(kernel, dilation, strict=True))
        self.bias = made.bias
        if normed:
            first = made.weight.detach()
            self.gain = nn.Parameter(torch.linalg.vector_norm(first, dim=(1, 2, 3), keepdim=True))
            self.direction = nn.Parameter(first)
        else:
            self.weight = made.weight

    def forward(self, x_BZFK: Tensor) -> Tensor:
        """`[B, Z, F, K]` to `[B, out_channels, F, K / stride]`."""
        weight = torch._weight_norm(self.direction, self.gain, 0) if self.normed else self.weight
        return F.conv2d(x_BZFK, weight, self.bias, self.stride, self.padding, self.dilation)


class Judgement(NamedTuple):
    """What one network says of sounds."""

    scores_B1FK: Tensor  # above 0: real; for each frame and stretch of frequencies
    features: list[Tensor]  # what its layers saw, each [B, filters, F, K]


class STFTDiscriminator(nn.Module):
    """The network of one window.

    Args:
        config: the sizes.
        window: in samples.
        device, dtype: of the parameters.
    """

    def __init__(self, config: DiscriminatorConfig, window: int, *, device=None, dtype=None) -> None:
        super().__init__()
        c, place = config, {"device": device, "dtype": dtype}
        self.window, self.channels, square = window, c.channels, (c.kernel[0], c.kernel[0])
        layers = [Convolution2d(2 * c.channels, c.filters, c.kernel, normed=False, **place)]
        for dilation in c.dilations:
            options = {"stride": (1, 2), "dilation": (dilation, 1), **place}
            layers.append(Convolution2d(c.filters, c.filters, c.kernel, **options))
        layers.append(Convolution2d(c.filters, c.filters, square, **place))
        self.layers = nn.ModuleList(layers)
        self.score = Convolution2d(c.filters, 1, square, **place)

    def forward(self, waveform_BCT: Tensor) -> Judgement:
        """Sounds of the configured channels to scores and features.

        Raises:
            ValueError: they have other channels, or are shorter than the window.
        """
        if waveform_BCT.shape[1] != self.channels or waveform_BCT.shape[2] < self.window:
            wanted = f"[B, {self.channels}, {self.window} or more]"
            raise ValueError(f"this discriminator reads sounds {wanted}; got {list(waveform_BCT.shape)}")
        x_BZFK = self.spectrogram(waveform_BCT)
        features = []
        for layer in self.layers:
            x_BZFK = F.leaky_relu(layer(x_BZFK), SLOPE)
            features.append(x_BZFK)
        return Judgement(self.score(x_BZFK), features)

    def spectrogram(self, waveform_BCT: Tensor) -> Tensor:
        """Real parts of all channels, then imaginary ones: `[B, 2 C, F, K]`; the window's energy is brought to 1."""
        with full_precision(waveform_BCT.device.type):  # torch has no Fourier transform in bfloat16
            x_MT = at_least_single(waveform_BCT).flatten(0, 1)
            window = torch.hann_window(self.window, device=x_MT.device, dtype=x_MT.dtype)
            z_MKF = torch.stft(
                x_MT, self.window, self.window // 4, window=window, center=False, return_complex=True
            ) / torch.linalg.vector_norm(window)
            z_BCKF = z_MKF.unflatten(0, (-1, self.channels))
            return torch.cat([z_BCKF.real, z_BCKF.imag], dim=1).transpose(2, 3).to(waveform_BCT.dtype)


class Discriminator(nn.Module):
    """MS-STFT: a network for each window.

    Args:
        config: the sizes, for example `DiscriminatorConfig.preset("24khz")`.
        device, dtype: of the parameters.
    """

    def __init__(self, config: DiscriminatorConfig, *, device=None, dtype=None) -> None:
        super().__init__()
        self.config = config
        self.networks = nn.ModuleList(STFTDiscriminator(config, w, device=device, dtype=dtype) for w in config.windows)

    def forward(self, waveform_BCT: Tensor) -> list[Judgement]:
        """What each network says of sounds `[B, C, T]`.

        Where one channel is judged at a time, the items of a stereo sound stand beside each other: B becomes B C.
        """
        if self.config.channels == 1:
            waveform_BCT = waveform_BCT.flatten(0, 1)[:, None]  # section 3.4: left and right separately
        return [network(waveform_BCT) for network in self.networks]


PRESETS = {
    "toy": DiscriminatorConfig(windows=(512, 256, 128), filters=8),  # lesson 15
    "24khz": DiscriminatorConfig(),
    "48khz": DiscriminatorConfig(windows=(4096, 2048, 1024, 512, 256)),  # "double the size of each STFT window"
    "released": DiscriminatorConfig(windows=(1024, 2048, 512)),
}
