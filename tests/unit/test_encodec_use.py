"""EnCodec in use: sizes, streams, segments, the folded model, and a step of training."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from mmlearn.models.encodec import EnCodec, EnCodecConfig, cut, overlap_add
from mmlearn.models.encodec_discriminator import Discriminator, DiscriminatorConfig
from mmlearn.models.encodec_losses import WEIGHTS, codec_losses, discriminator_loss
from mmlearn.nn.balancer import Balancer
from mmlearn.nn.convolution import Convolution, TransposedConvolution
from mmlearn.nn.mel_loss import MelLoss
from mmlearn.nn.recurrent import LSTM

SMALL = {"dim": 6, "filters": 4, "entries": 16}
STREAMS = {
    "one unit": EnCodecConfig(rate=600, channels=1, bandwidths=(0.8, 2.0), strides=(2, 3), **SMALL),
    "two units, stereo": EnCodecConfig(
        rate=400, channels=2, bandwidths=(0.4, 1.6), strides=(4,), residual_units=2, **SMALL
    ),
    "no skip convolution": EnCodecConfig(
        rate=3000, channels=1, bandwidths=(0.8,), strides=(2, 3, 5), skip_convolution=False, **SMALL
    ),
    "zeros": EnCodecConfig(rate=600, channels=1, bandwidths=(0.8,), strides=(2, 3), padding="constant", **SMALL),
    "replicate": EnCodecConfig(rate=600, channels=1, bandwidths=(0.8,), strides=(3, 2), padding="replicate", **SMALL),
}
SEGMENTED = EnCodecConfig(
    rate=600, channels=2, bandwidths=(0.8, 1.6), strides=(2, 3), causal=False, norm="group", normalise=True, segment=0.5
)
SEGMENTED = replace(SEGMENTED, **SMALL)


def sound(config: EnCodecConfig, samples: int, count: int = 2) -> Tensor:
    return torch.randn(count, config.channels, samples, generator=torch.Generator().manual_seed(samples))


def codec(config: EnCodecConfig) -> EnCodec:
    """With codebooks that fit its latents, and biases that are not zero, since zeros hide errors."""
    torch.manual_seed(0)
    model = EnCodec(config).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.1)
    model.start_codebooks(sound(config, 40 * config.hop, 4), generator=torch.Generator().manual_seed(0))
    return model


def pieces(x: Tensor, sizes: list[int]) -> list[Tensor]:
    """Cut along the last axis: these sizes in turn, the last piece shorter."""
    ends, number = [0], 0
    while ends[-1] < x.shape[-1]:
        ends.append(min(x.shape[-1], ends[-1] + sizes[number % len(sizes)]))
        number += 1
    return [x[..., a:b] for a, b in pairwise(ends)]


def stream(step, parts: list[Tensor], **options) -> tuple[Tensor, list[int]]:
    """What a stream gives, end to end, and how much at each step."""
    state, found = None, []
    for number, part in enumerate(parts):
        out, state = step(part, state, last=number == len(parts) - 1, **options)
        found.append(out)
    return torch.cat(found, dim=-1), [one.shape[-1] for one in found]


# --- streams ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[1], [7], [60, 1, 13], [1000]], ids=str)
@pytest.mark.parametrize("case", STREAMS)
def test_a_stream_is_the_whole(case, sizes):
    model = codec(STREAMS[case])
    folded, hop = model.folded(), model.config.hop
    for samples in (20 * hop, 20 * hop + 1, 21 * hop - 1, 3 * hop, 2):
        x_BCT = sound(model.config, samples)
        with torch.no_grad():
            for bandwidth in model.config.bandwidths:
                (segment,) = model.encode(x_BCT, bandwidth)
                for one in (model, folded):
                    codes_BQF, _ = stream(one.encode_step, pieces(x_BCT, sizes), bandwidth=bandwidth)
                    assert torch.equal(codes_BQF, segment.codes_BQF)
                    found_BCT, _ = stream(one.decode_step, pieces(codes_BQF, [1, 3, 2]))
                    torch.testing.assert_close(found_BCT, model.decode([segment]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("padding", ["reflect", "replicate", "constant"])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(5, 3, 1), (8, 3, 1), (4, 2, 3), (7, 1, 2), (1, 1, 1)])
def test_a_convolution_of_any_span_can_stream(kernel, stride, dilation, padding):
    """EnCodec's own kernels are one or two strides long, which hides what is counted wrongly."""
    layer = Convolution(2, 3, kernel, stride=stride, dilation=dilation, padding=padding)
    nn.init.normal_(layer.bias)
    with torch.no_grad():
        for samples in (1, 9, 23, 24, 25):
            x_BCT = torch.randn(2, 2, samples, generator=torch.Generator().manual_seed(samples))
            for sizes in ([1], [4, 1, 6], [30]):
                found_BDU, _ = stream(layer.step, pieces(x_BCT, sizes))
                torch.testing.assert_close(found_BDU, layer(x_BCT), rtol=1e-5, atol=1e-6)


def test_a_stream_that_ends_with_an_empty_piece_is_the_whole():
    model = codec(STREAMS["one unit"])
    x_BCT = sound(model.config, 100)
    codes_BQF, _ = stream(model.encode_step, [x_BCT[..., :64], x_BCT[..., 64:], x_BCT[..., :0]])
    assert torch.equal(codes_BQF, model.encode(x_BCT)[0].codes_BQF)
    with torch.no_grad():
        found_BCT, _ = stream(model.decode_step, [codes_BQF, codes_BQF[..., :0]])
        torch.testing.assert_close(found_BCT, model.decode([model.encode(x_BCT)[0]]), rtol=1e-5, atol=1e-6)


def test_codes_come_with_their_frame_after_the_first_seven():
    """Padding by reflection is known only when the samples are there that it mirrors."""
    model = codec(STREAMS["one unit"])
    _, counts = stream(model.encode_step, pieces(sound(model.config, 12 * 6), [6]))
    assert counts == [0] * 6 + [7] + [1] * 5
    model = codec(STREAMS["zeros"])
    _, counts = stream(model.encode_step, pieces(sound(model.config, 12 * 6), [6]))
    assert counts == [1] * 12


def test_a_stream_does_not_look_ahead():
    model = codec(STREAMS["zeros"])
    x_BCT, y_BCT = sound(model.config, 60), sound(model.config, 60)
    y_BCT[..., 36:] = 9.0
    with torch.no_grad():
        ours, others = (model.encoder(z)[..., :6] for z in (x_BCT, y_BCT))
        assert torch.equal(ours, others)


def test_the_state_that_is_handed_in_stays_as_it_is():
    """So a stream can go on from one moment in two ways."""
    model = codec(STREAMS["one unit"])
    x_BCT, y_BCT = sound(model.config, 60), sound(model.config, 61)
    with torch.no_grad():
        _, state = model.encoder.step(x_BCT)
        first, _ = model.encoder.step(y_BCT, state)
        model.encoder.step(2 * y_BCT, state)
        again, _ = model.encoder.step(y_BCT, state)
    assert torch.equal(first, again)


def test_a_stream_is_one_graph():
    torch._dynamo.reset()
    model = codec(STREAMS["one unit"]).folded()
    step = torch.compile(lambda x, state: model.decoder.step(x, state), fullgraph=True, backend="eager")
    z_BDF = torch.randn(2, 6, 24)
    with torch.no_grad():
        state, found = None, []
        for piece in pieces(z_BDF, [8]):
            out, state = step(piece, state)
            found.append(out)
        torch.testing.assert_close(torch.cat(found, -1), model.decoder(z_BDF), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("config", [SEGMENTED, replace(STREAMS["one unit"], segment=0.5)])
def test_what_cannot_stream_says_so(config):
    with pytest.raises(ValueError, match="looks ahead or works in segments"):
        EnCodec(config).encode_step(sound(config, 60))


def test_layers_that_look_ahead_cannot_stream():
    for layer in (Convolution(2, 3, 5, causal=False), TransposedConvolution(2, 3, 4, causal=False)):
        with pytest.raises(ValueError, match="looks ahead"):
            layer.step(torch.randn(1, 2, 9))


def test_an_lstm_goes_on_where_it_stopped():
    lstm, x_BCT = LSTM(4, 2), torch.randn(3, 4, 9)
    first, state = lstm.step(x_BCT[..., :4])
    second, _ = lstm.step(x_BCT[..., 4:], state)
    torch.testing.assert_close(torch.cat([first, second], -1), lstm(x_BCT))


# --- the model --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [*STREAMS.values(), SEGMENTED])
def test_a_folded_model_says_the_same_with_plain_weights(config):
    model, x_BCT = codec(config), sound(config, 333)
    folded = model.folded()
    with torch.no_grad():
        torch.testing.assert_close(folded(x_BCT).waveform_BCT, model(x_BCT).waveform_BCT, rtol=1e-5, atol=1e-6)
    if config.norm == "weight":
        assert folded.config.norm == "none" and not any("gain" in name for name in folded.state_dict())
        assert not any(p.requires_grad for p in folded.parameters())
        assert all(p.requires_grad for p in model.parameters())
        assert (
            folded.encoder.lstm.layers[0].input_weight.data_ptr()
            == model.encoder.lstm.layers[0].input_weight.data_ptr()
        )


def test_bandwidths_are_prefixes_of_the_codebooks():
    model = codec(STREAMS["one unit"])
    x_BCT = sound(model.config, 60)
    (low,), (high,) = (model.encode(x_BCT, bandwidth) for bandwidth in (0.8, 2.0))
    assert low.codes_BQF.shape[1] == 2 and high.codes_BQF.shape[1] == 5 == model.config.codebooks
    assert torch.equal(low.codes_BQF, high.codes_BQF[:, :2])
    with pytest.raises(ValueError, match=r"no bandwidth of 1 kbit/s; it has 0\.8, 2"):
        model.encode(x_BCT, 1.0)


@pytest.mark.parametrize(("name", "books"), [("24khz", [2, 4, 8, 16, 32]), ("48khz", [2, 4, 8, 16])])
def test_published_bandwidths_pay_for_these_codebooks(name, books):
    config = EnCodecConfig.preset(name)
    assert [config.codebooks_for(bandwidth) for bandwidth in config.bandwidths] == books
    assert (config.hop, config.frame_rate, config.bits) == (320, {"24khz": 75, "48khz": 150}[name], 10)


def test_training_draws_every_bandwidth():
    model, generator = EnCodec(EnCodecConfig.preset("toy"), device="meta"), torch.Generator().manual_seed(0)
    assert {model.draw_bandwidth(generator) for _ in range(50)} == set(model.config.bandwidths)


@pytest.mark.parametrize("samples", [299, 300, 301, 597, 598, 1000])
def test_segments_cover_the_sound_and_fade_into_each_other(samples):
    x_BCT = sound(SEGMENTED, samples)
    stretches = cut(x_BCT, SEGMENTED.segment_length, SEGMENTED.segment_stride)
    torch.testing.assert_close(overlap_add(stretches, SEGMENTED.segment_stride), x_BCT)
    assert len(stretches) == -(-samples // SEGMENTED.segment_stride)


@pytest.mark.parametrize("samples", [120, 300, 598, 1000, 1201])
@pytest.mark.parametrize("overlap", [0.01, 0.25, 0.6])
def test_segments_are_decoded_as_they_come(overlap, samples):
    """A stream of whole segments, of which each says all that no later one changes."""
    model = codec(replace(SEGMENTED, overlap=overlap))
    length, stride = model.config.segment_length, model.config.segment_stride
    x_BCT, taken = sound(model.config, samples), 0

    def arriving():
        nonlocal taken
        for stretch_BCT in cut(x_BCT, length, stride):
            taken += 1
            yield model.encode(stretch_BCT)[0]

    with torch.no_grad():
        found = []
        for piece_BCT in model.decode_segments(arriving()):
            found.append(piece_BCT)
            assert taken == min(len(found), -(-samples // stride))
        whole_BCT = model.decode(model.encode(x_BCT))
    assert {piece.shape[-1] for piece in found[:-2]} <= {stride}
    torch.testing.assert_close(torch.cat(found, -1), whole_BCT, rtol=1e-5, atol=1e-6)


def test_a_model_without_segments_says_so():
    model = codec(STREAMS["one unit"])
    (segment,) = model.encode(sound(model.config, 60))
    with pytest.raises(ValueError, match="makes one segment of a sound; got 2"):
        model.decode([segment, segment])
    with pytest.raises(ValueError, match="one segment of a sound; `decode_step`"):
        model.decode_segments([segment])


def test_a_stretch_that_was_filled_up_may_end_behind_the_last_one():
    config = replace(SEGMENTED, rate=1200, channels=1, strides=(3, 4), segment=0.3, overlap=0.25)
    model, x_BCT = codec(config), sound(config, 1087)
    with torch.no_grad():
        assert model(x_BCT).waveform_BCT.shape == x_BCT.shape


def test_a_segment_is_as_loud_as_it_was():
    model, x_BCT = codec(SEGMENTED), sound(SEGMENTED, 450)
    with torch.no_grad():
        quiet, loud = model.encode(x_BCT), model.encode(10 * x_BCT)
        torch.testing.assert_close(model.decode(loud), 10 * model.decode(quiet), rtol=1e-4, atol=1e-4)
    assert all(torch.equal(a.codes_BQF, b.codes_BQF) for a, b in zip(quiet, loud, strict=True))
    assert model.encode(0 * x_BCT)[0].scale_B.max() < 1e-7  # silence divides by no zero


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"entries": 100}, "power of two"),
        ({"bandwidths": (3.0, 1.5)}, "bandwidths go up"),
        ({"bandwidths": (0.1,)}, "pays for a codebook"),
        ({"norm": "batch"}, "no norm 'batch'"),
        ({"overlap": 1.0}, "overlap by 0 to 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        EnCodecConfig.preset("24khz", **changes)


def test_other_sounds_are_refused():
    for x in (torch.zeros(1, 2, 60), torch.zeros(1, 60), torch.zeros(1, 1, 0)):
        with pytest.raises(ValueError, match=r"reads sounds \[B, 1, T\]"):
            codec(STREAMS["one unit"]).encode(x)


def test_layers_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="too short for a stride of 4"):
        Convolution(1, 1, 6, stride=4)
    with pytest.raises(ValueError, match="group norm sees the whole sound"):
        TransposedConvolution(1, 1, 2, norm="group")
    with pytest.raises(ValueError, match="no EnCodec preset is called '16khz'"):
        EnCodecConfig.preset("16khz")


# --- training ---------------------------------------------------------------------------------------------------------


def waves(config: EnCodecConfig) -> Tensor:
    """Tones that swell and fade, in each item and channel another one."""
    time_T = torch.arange(512.0)
    pitch_BC1 = 0.2 + 0.15 * torch.arange(2.0 * config.channels).reshape(2, config.channels, 1)
    return 0.6 * torch.sin(pitch_BC1 * time_T) * torch.sin(time_T / 60).abs()


@pytest.mark.parametrize("config", [STREAMS["one unit"], SEGMENTED], ids=["whole", "segments"])
def test_training_with_every_loss_brings_the_sound_nearer(config):
    model, waveform_BCT = codec(config).train(), waves(config)
    model.start_codebooks(waveform_BCT, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(1)
    judge = Discriminator(DiscriminatorConfig(windows=(64, 32), filters=4))
    mel, weights = MelLoss(config.rate, windows=(32, 64), bins=8), WEIGHTS["24khz"]
    balancer = Balancer(weights.balanced())
    ours = torch.optim.Adam(model.parameters(), 3e-3, betas=(0.5, 0.9))
    theirs = torch.optim.Adam(judge.parameters(), 1e-3, betas=(0.5, 0.9))
    distances, generator = [], torch.Generator().manual_seed(0)
    for _ in range(30):
        output = model(waveform_BCT, model.draw_bandwidth(generator))
        if torch.rand((), generator=generator) < weights.discriminator_updates:
            theirs.zero_grad()
            pair = judge(waveform_BCT), judge(output.waveform_BCT.detach())
            discriminator_loss(*([one.scores_B1FK for one in judged] for judged in pair)).backward()
            theirs.step()
        judged = judge(waveform_BCT), judge(output.waveform_BCT)
        losses = codec_losses(waveform_BCT, output.waveform_BCT, mel, *judged)
        gradient = balancer(losses, output.waveform_BCT)
        ours.zero_grad()
        both = (output.waveform_BCT, weights.commitment * output.commitment)
        torch.autograd.backward(both, (gradient, None))
        ours.step()
        model.update_codebooks(output, generator=generator)
        distances.append(losses["mel"].item())
    assert sum(distances[-5:]) < 0.9 * sum(distances[:5])
