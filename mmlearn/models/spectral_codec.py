"""EnCodec with its slowest layers replaced by a Fourier transform: a codec that learns to speak on a laptop.

EnCodec (Defossez et al. 2022, arXiv:2210.13438) is in `encodec.py`. Most of its time goes into the layers that run at
the rate of samples. Here spectra of short windows take their place, and the inverse makes the sound: what remains to be
learned runs two hundred times a second. Others have gone this way too, such as Vocos (arXiv:2306.00814), whose head
this is, and SpectroStream (arXiv:2508.05207).

From the top: the sizes, the transform, the codec, the presets.

    codec = SpectralCodec(SpectralCodecConfig.preset("toy-zoo"))
    codes_BQF = codec.encode(waveform_BCT, codebooks=8)
    waveform_BCT = codec.decode(codes_BQF, waveform_BCT.shape[-1])

Shape letters: B batch, C channels of a sound (one), T samples, N windows, S samples of a window, K frequencies, W width
of a layer, D width of a latent, F frames (of codes), Q codebooks in use.

Departures from EnCodec
    same: encoder, residual vector quantisation, decoder; EnCodec's residual units, weight norm and causal convolutions;
        a stride between encoder and codes; codebooks as moving averages, k-means start, restart of dead entries; a
        number of codebooks that is drawn anew for each batch of training; losses, discriminators and balancer.
    simplified: a Fourier transform in place of the first layers and strides, whose windows make a sound wait; one width
        throughout; no LSTM; the magnitudes of what the encoder reads are compressed, and the decoder gives logarithms
        of magnitudes, and phases; one channel.
    left out: streaming by `step`; segments and stereo; entropy coding of the codes, which needs nothing of this file.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.nn.convolution import Convolution, TransposedConvolution
from mmlearn.nn.precision import at_least_single, full_precision
from mmlearn.nn.quantiser import Quantised, ResidualQuantiser
from mmlearn.nn.seanet import ResidualUnit

SOFTEST = 1e-5  # added to magnitudes before a root is taken, which has no slope at 0
FIRST_LOG = -3.0  # of the magnitudes that an untrained decoder gives: about as loud as speech
ROUNDS = 10  # of k-means; training goes on from there
LOUDEST_LOG = 4.0  # larger ones are cut, so that an exponential cannot run away


@dataclass(frozen=True)
class SpectralCodecConfig:
    """Sizes of a spectral codec. The last six are what `ResidualUnit` and the convolutions ask for."""

    rate: int = 16_000  # samples a second
    window: int = 320  # S
    hop: int = 80  # samples from each window to the next
    stride: int = 4  # windows of a frame
    width: int = 192  # W
    dim: int = 32  # D
    encoder_dilations: tuple[int, ...] = (1, 3, 9)  # of a residual unit each
    decoder_dilations: tuple[int, ...] = (1, 3, 9, 1, 3, 9)
    codebooks: int = 16  # at most, Q
    entries: int = 1024  # of a codebook
    decay: float = 0.99  # of a codebook's moving averages
    dead: float = 0.1  # an entry chosen less often starts anew; EnCodec's 2 is for batches many times as large
    power: float = 0.3  # of the magnitudes that the encoder reads
    compress: int = 2  # a residual unit is narrower inside by this factor
    residual_kernel: int = 3
    skip_convolution: bool = False
    causal: bool = True
    norm: str = "weight"
    padding: str = "constant"

    def __post_init__(self) -> None:
        if self.window % (2 * self.hop) or self.hop < 1:
            raise ValueError(
                f"a window is a whole even number of hops, so that all windows add up to 1; not {self.window} samples "
                f"with a hop of {self.hop}"
            )
        if self.entries & (self.entries - 1) or self.entries < 2:
            raise ValueError(
                f"a codebook has a power of two of entries, so that a code is whole bits; not {self.entries}"
            )

    @property
    def frame(self) -> int:
        """Samples of a frame."""
        return self.hop * self.stride

    @property
    def bits(self) -> int:
        """Of a code."""
        return self.entries.bit_length() - 1

    @property
    def look_ahead(self) -> int:
        """Samples beyond a frame that must be known before its sound is: windows reach over it, on both ways."""
        return self.window - self.hop

    def kbps(self, codebooks: int) -> float:
        """Kilobits a second that so many codebooks take."""
        return codebooks * self.bits * self.rate / self.frame / 1000

    @classmethod
    def preset(cls, name: str, **changes) -> "SpectralCodecConfig":
        """Named sizes, with some fields changed.

        Raises:
            ValueError: no preset has this name.
        """
        if name not in PRESETS:
            raise ValueError(f"no spectral codec preset is called {name!r}; there are {', '.join(PRESETS)}")
        return replace(PRESETS[name], **changes)


class Windows:
    """A sound as spectra of windows that overlap, and back. Each way weighs with the root of a Hann window.

    The first window ends a hop after the sound begins, the last one begins before it ends: so every sample lies in as
    many windows as any other, and spectra that are not changed give back the sound.

    Args:
        window, hop: in samples.
    """

    def __init__(self, window: int, hop: int) -> None:
        self.window, self.hop, self.overlap = window, hop, window - hop

    def spectra(self, x_BT: Tensor, multiple: int = 1) -> Tensor:
        """Sounds to complex spectra `[B, K, N]`, N brought to a multiple by silence; the window's energy is 1."""
        x_BT = at_least_single(x_BT)
        hops = -(-(x_BT.shape[-1] + self.overlap) // (multiple * self.hop)) * multiple
        x_BT = F.pad(x_BT, (self.overlap, hops * self.hop - x_BT.shape[-1]))
        weights_S = self._weights(x_BT)
        z_BKN = torch.stft(x_BT, self.window, self.hop, window=weights_S, center=False, return_complex=True)
        return z_BKN / torch.linalg.vector_norm(weights_S)

    def sound(self, z_BKN: Tensor) -> Tensor:
        """Complex spectra to sounds `[B, T]`, T = hop N - overlap."""
        weights_S = self._weights(z_BKN.real)
        # Hann windows a hop apart add up to window / (2 hop).
        scale_S = weights_S * torch.linalg.vector_norm(weights_S) * (2 * self.hop / self.window)
        x_BSN = torch.fft.irfft(z_BKN, n=self.window, dim=1) * scale_S[:, None]
        hops = x_BSN.unflatten(1, (-1, self.hop)).unbind(1)  # of each window: [B, hop, N]
        after = len(hops) - 1
        x_BHN = torch.stack([F.pad(hop_BHN, (n, after - n)) for n, hop_BHN in enumerate(hops)]).sum(0)
        return x_BHN[..., after : x_BHN.shape[-1] - after].mT.flatten(1)

    def _weights(self, like: Tensor) -> Tensor:
        return torch.hann_window(self.window, device=like.device, dtype=like.dtype).sqrt()


class SpectralCodecOutput(NamedTuple):
    """A sound after the way through the codec, and what training needs."""

    waveform_BCT: Tensor
    codes_BQF: Tensor
    latents_BDF: Tensor  # without a gradient
    commitment: Tensor  # the squared error of each codebook in use, summed


class SpectralCodec(nn.Module):
    """Sounds to codes and back.

    Args:
        config: the sizes, for example `SpectralCodecConfig.preset("toy")`.
        device, dtype: of the parameters.
    """

    def __init__(self, config: SpectralCodecConfig, *, device=None, dtype=None) -> None:
        super().__init__()
        c, place = config, {"device": device, "dtype": dtype}
        options = {"causal": c.causal, "norm": c.norm, "padding": c.padding, **place}
        frequencies = c.window // 2 + 1
        self.config = c
        self.windows = Windows(c.window, c.hop)
        self.encoder = nn.Sequential(
            Convolution(2 * frequencies, c.width, 1, **options),
            *(ResidualUnit(c, c.width, dilation, **place) for dilation in c.encoder_dilations),
            nn.ELU(),
            Convolution(c.width, c.dim, 2 * c.stride, stride=c.stride, **options),
        )
        self.quantiser = ResidualQuantiser(c.dim, c.codebooks, c.entries, decay=c.decay, dead=c.dead, **place)
        self.decoder = nn.Sequential(
            TransposedConvolution(c.dim, c.width, c.stride, causal=c.causal, norm=c.norm, **place),
            *(ResidualUnit(c, c.width, dilation, **place) for dilation in c.decoder_dilations),
            nn.ELU(),
            Convolution(c.width, 2 * frequencies, 1, **options),
        )
        nn.init.constant_(self.decoder[-1].bias[:frequencies], FIRST_LOG)

    def forward(self, waveform_BCT: Tensor, codebooks: int | None = None) -> SpectralCodecOutput:
        """Through the codec with the first so many codebooks, all where it is not said; with gradients throughout.

        With 0 codebooks latents go on as they are: before codebooks start, or to see what quantisation costs.

        Raises:
            ValueError: the sounds are not `[B, 1, T]`; there are not so many codebooks.
        """
        z_BDF = self._latents(waveform_BCT)
        if codebooks == 0:
            codes_B0F = torch.empty(len(z_BDF), 0, z_BDF.shape[-1], dtype=torch.int64, device=z_BDF.device)
            quantised = Quantised(z_BDF, codes_B0F, z_BDF.new_zeros(1))
        else:
            quantised = self.quantiser(z_BDF, codebooks)
        made_BCT = self._sound(quantised.z_BDF)[..., : waveform_BCT.shape[-1]].to(waveform_BCT.dtype)
        return SpectralCodecOutput(made_BCT, quantised.codes_BQF, z_BDF.detach(), quantised.errors_Q.sum())

    def encode(self, waveform_BCT: Tensor, codebooks: int | None = None) -> Tensor:
        """Sounds to codes `[B, Q, F]` of the first so many codebooks. Errors as in `forward`."""
        return self.quantiser.encode(self._latents(waveform_BCT), codebooks)

    def decode(self, codes_BQF: Tensor, length: int | None = None) -> Tensor:
        """Codes to sounds `[B, 1, T]`, cut to a length in samples where one is given.

        Raises:
            ValueError: the codes are not `[B, Q, F]` of 1 to as many codebooks as there are.
        """
        most = self.config.codebooks
        if codes_BQF.ndim != 3 or not 1 <= codes_BQF.shape[1] <= most or codes_BQF.is_floating_point():
            got = f"{str(codes_BQF.dtype).removeprefix('torch.')} {list(codes_BQF.shape)}"
            raise ValueError(f"this codec reads codes [B, Q, F], whole numbers with Q from 1 to {most}; got {got}")
        return self._sound(self.quantiser.decode(codes_BQF))[..., :length]

    def start_codebooks(self, waveform_BCT: Tensor, *, generator: torch.Generator | None = None) -> None:
        """Set the codebooks by k-means, on a first batch of training."""
        with torch.no_grad():
            self.quantiser.start(self._latents(waveform_BCT), rounds=ROUNDS, generator=generator)

    def update_codebooks(self, output: SpectralCodecOutput, *, generator: torch.Generator | None = None) -> None:
        """Move the codebooks towards what chose them, after a step of training."""
        self.quantiser.update(output.latents_BDF, output.codes_BQF, generator=generator)

    def _latents(self, waveform_BCT: Tensor) -> Tensor:
        if waveform_BCT.ndim != 3 or waveform_BCT.shape[1] != 1 or waveform_BCT.shape[2] == 0:
            raise ValueError(f"this codec reads sounds [B, 1, T]; got {list(waveform_BCT.shape)}")
        with full_precision(waveform_BCT.device.type):  # torch has no Fourier transform in bfloat16
            z_BKN = self.windows.spectra(waveform_BCT[:, 0], multiple=self.config.stride)
            z_BKN = z_BKN * (z_BKN.abs() + SOFTEST) ** (self.config.power - 1)
            x_BWN = torch.cat([z_BKN.real, z_BKN.imag], dim=1).to(waveform_BCT.dtype)
        return self.encoder(x_BWN)

    def _sound(self, z_BDF: Tensor) -> Tensor:
        logs_BKN, phases_BKN = self.decoder(z_BDF).chunk(2, dim=1)
        with full_precision(z_BDF.device.type):
            magnitudes_BKN = at_least_single(logs_BKN).clamp(max=LOUDEST_LOG).exp()
            return self.windows.sound(torch.polar(magnitudes_BKN, at_least_single(phases_BKN)))[:, None]


PRESETS = {
    # Lesson 15, trained there in half a minute.
    "toy": SpectralCodecConfig(width=128, encoder_dilations=(1, 3), decoder_dilations=(1, 3, 9), codebooks=8),
    "toy-zoo": SpectralCodecConfig(),  # its `toy-codec`: 0.5 to 8 kbit/s
}
