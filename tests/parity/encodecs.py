"""Tiny EnCodecs, and peers of the same sizes with random weights and codebooks of real latents."""

import pytest
import torch
from torch import Tensor, nn

from mmlearn.models.encodec import EnCodecConfig

SMALL = {"dim": 12, "filters": 4, "entries": 16}
# Frame rates are 100 a second, so that a codebook costs 0.4 kbit/s.
CAUSAL = {
    "causal": EnCodecConfig(rate=600, channels=1, bandwidths=(0.8, 2.0), strides=(2, 3), **SMALL),
    "stereo, three units": EnCodecConfig(
        rate=400,
        channels=2,
        bandwidths=(0.4,),
        strides=(4,),
        residual_units=3,
        kernel=5,
        last_kernel=3,
        lstm_layers=1,
        **SMALL,
    ),
    "no skip convolution": EnCodecConfig(
        rate=3000,
        channels=1,
        bandwidths=(0.4, 1.6),
        strides=(2, 3, 5),
        skip_convolution=False,
        compress=4,
        dilation_growth=3,
        **SMALL,
    ),
}
CENTRED = {
    "in segments": EnCodecConfig(
        rate=600,
        channels=2,
        bandwidths=(0.8, 1.6),
        strides=(2, 3),
        causal=False,
        norm="group",
        normalise=True,
        segment=0.5,
        **SMALL,
    ),
    "centred, wide overlap": EnCodecConfig(
        rate=1200,
        channels=1,
        bandwidths=(0.4, 0.8),
        strides=(3, 4),
        causal=False,
        segment=0.3,
        overlap=0.2,
        residual_units=2,
        **SMALL,
    ),
    "centred, whole": EnCodecConfig(
        rate=500, channels=1, bandwidths=(1.6,), strides=(5,), causal=False, norm="group", **SMALL
    ),
}
ALL = CAUSAL | CENTRED
PADDED = {
    "replicate": EnCodecConfig(rate=600, channels=1, bandwidths=(0.8,), strides=(2, 3), padding="replicate", **SMALL),
    "constant": EnCodecConfig(rate=600, channels=1, bandwidths=(0.8,), strides=(2, 3), padding="constant", **SMALL),
}


def sounds(config: EnCodecConfig, samples: int, count: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(samples)
    return torch.randn(count, config.channels, samples, generator=generator)


def lengths(config: EnCodecConfig) -> list[int]:
    """Whole frames, begun frames, several segments, and shorter than what padding mirrors."""
    base = config.segment_length or 20 * config.hop
    return [base, base + config.hop - 1, 3 * base + 7, config.hop * 3, 2]


def with_real_codebooks(peer: nn.Module, books: list[nn.Module], latents_BDF: Tensor) -> None:
    """Entries are latents, or what earlier codebooks left of them; the other buffers are random, too."""
    generator = torch.Generator().manual_seed(5)
    left_ND = latents_BDF.mT.flatten(0, 1)
    for book in books:
        size = len(book.embed)
        book.embed.copy_(left_ND[torch.randint(len(left_ND), (size,), generator=generator)])
        book.embed.add_(0.1 * left_ND.std() * torch.randn(book.embed.shape, generator=generator))
        book.embed_avg.copy_(torch.randn(book.embed.shape, generator=generator))
        book.cluster_size.copy_(1 + torch.rand(size, generator=generator))
        book.inited.fill_(1)
        left_ND = left_ND - book.embed[torch.cdist(left_ND, book.embed).argmin(1)]


@torch.no_grad()
def randomised(peer: nn.Module, books: list[nn.Module], config: EnCodecConfig) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    for name, parameter in peer.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        length = name.endswith(("weight_g", "original0"))  # a length is positive; ones hide errors
        parameter.copy_(1 + 0.3 * noise if length else 0.3 * noise)
    with_real_codebooks(peer, books, peer.encoder(sounds(config, 40 * config.hop, 4)))
    return peer.eval()


def hf_peer(config: EnCodecConfig) -> nn.Module:
    """transformers' model, its configuration written by hand."""
    from transformers import EncodecConfig as PeerConfig
    from transformers import EncodecModel

    c = config
    peer = EncodecModel(
        PeerConfig(
            target_bandwidths=list(c.bandwidths),
            sampling_rate=c.rate,
            audio_channels=c.channels,
            normalize=c.normalise,
            chunk_length_s=c.segment,
            overlap=None if c.segment is None else c.overlap,
            hidden_size=c.dim,
            num_filters=c.filters,
            num_residual_layers=c.residual_units,
            upsampling_ratios=list(c.strides[::-1]),
            norm_type={"weight": "weight_norm", "group": "time_group_norm"}[c.norm],
            kernel_size=c.kernel,
            last_kernel_size=c.last_kernel,
            residual_kernel_size=c.residual_kernel,
            dilation_growth_rate=c.dilation_growth,
            use_causal_conv=c.causal,
            pad_mode=c.padding,
            compress=c.compress,
            num_lstm_layers=c.lstm_layers,
            codebook_size=c.entries,
            use_conv_shortcut=c.skip_convolution,
        )
    )
    return randomised(peer, [layer.codebook for layer in peer.quantizer.layers], config)


def own_peer(config: EnCodecConfig) -> nn.Module:
    """The authors' model."""
    encodec = pytest.importorskip("encodec")
    from encodec import modules, quantization

    c = config
    options = {
        "channels": c.channels,
        "dimension": c.dim,
        "n_filters": c.filters,
        "n_residual_layers": c.residual_units,
        "ratios": list(c.strides[::-1]),
        "norm": {"weight": "weight_norm", "group": "time_group_norm"}[c.norm],
        "kernel_size": c.kernel,
        "last_kernel_size": c.last_kernel,
        "residual_kernel_size": c.residual_kernel,
        "dilation_base": c.dilation_growth,
        "causal": c.causal,
        "pad_mode": c.padding,
        "true_skip": not c.skip_convolution,
        "compress": c.compress,
        "lstm": c.lstm_layers,
    }
    peer = encodec.EncodecModel(
        modules.SEANetEncoder(**options),
        modules.SEANetDecoder(**options),
        quantization.ResidualVectorQuantizer(dimension=c.dim, n_q=c.codebooks, bins=c.entries),
        list(c.bandwidths),
        c.rate,
        c.channels,
        normalize=c.normalise,
        segment=c.segment,
        overlap=c.overlap,
    )
    return randomised(peer, [layer._codebook for layer in peer.quantizer.vq.layers], config)
