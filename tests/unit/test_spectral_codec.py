"""The spectral codec in use: its transform, codes and sounds, what it looks ahead, how it learns, what it refuses."""

import pytest
import torch

from mmlearn.models.spectral_codec import PRESETS, SpectralCodec, SpectralCodecConfig, Windows

TINY = SpectralCodecConfig(
    600, 12, 3, 2, width=10, dim=6, encoder_dilations=(1, 2), decoder_dilations=(2,), codebooks=3, entries=16
)


def sound(samples: int, count: int = 2) -> torch.Tensor:
    return torch.randn(count, 1, samples, generator=torch.Generator().manual_seed(samples))


@pytest.fixture
def codec() -> SpectralCodec:
    """With codebooks that fit its latents."""
    torch.manual_seed(0)
    model = SpectralCodec(TINY).eval()
    model.start_codebooks(sound(300, 4), generator=torch.Generator().manual_seed(0))
    return model


# --- the transform ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window, hop", [(12, 3), (12, 6), (320, 80)])
@pytest.mark.parametrize("samples", [1, 5, 960, 1001])
def test_spectra_that_are_not_changed_give_back_the_sound(window, hop, samples):
    x_BT, windows = sound(samples)[:, 0].double(), Windows(window, hop)
    found_BT = windows.sound(windows.spectra(x_BT, multiple=4))
    torch.testing.assert_close(found_BT[:, :samples], x_BT)
    assert found_BT[:, samples:].abs().max() < 1e-9, "what fills up the last frame is silence"


def test_spectra_are_those_of_a_fourier_transform():
    x_BT, windows = sound(60)[:, 0], Windows(12, 3)
    spectra_BKN = windows.spectra(x_BT)
    weights_S = torch.hann_window(12).sqrt()
    for number in (4, 11):  # window n ends before sample 3 (n + 1)
        stretch_BS = x_BT[:, 3 * (number + 1) - 12 : 3 * (number + 1)]
        wanted_BK = torch.fft.rfft(stretch_BS * weights_S) / weights_S.norm()
        torch.testing.assert_close(spectra_BKN[:, :, number], wanted_BK)


# --- codes and sounds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("samples", [1, 6, 59, 60, 61])
def test_shapes(codec, samples):
    codes_BQF = codec.encode(sound(samples), 2)
    frames = -(-(samples + TINY.look_ahead) // TINY.frame)
    assert codes_BQF.shape == (2, 2, frames) and codes_BQF.dtype == torch.int64
    assert codec.decode(codes_BQF, samples).shape == (2, 1, samples)
    assert codec(sound(samples), 2).waveform_BCT.shape == (2, 1, samples)


def test_forward_encode_and_decode_say_the_same(codec):
    x_BCT = sound(100)
    for codebooks in (1, 3, None):
        output, codes_BQF = codec(x_BCT, codebooks), codec.encode(x_BCT, codebooks)
        assert torch.equal(output.codes_BQF, codes_BQF) and torch.equal(codec.encode(x_BCT, codebooks), codes_BQF)
        torch.testing.assert_close(output.waveform_BCT, codec.decode(codes_BQF, 100))


def test_fewer_codebooks_are_the_first_of_more(codec):
    every_BQF = codec.encode(sound(100))
    for codebooks in (1, 2):
        assert torch.equal(codec.encode(sound(100), codebooks), every_BQF[:, :codebooks])


def test_without_codebooks_nothing_is_quantised(codec):
    output = codec(sound(100), 0)
    assert output.codes_BQF.shape == (2, 0, 19) and output.commitment == 0
    torch.testing.assert_close(output.waveform_BCT, codec._sound(output.latents_BDF)[..., :100])


def test_kilobits_a_second():
    zoo = SpectralCodecConfig.preset("toy-zoo")
    assert zoo.rate / zoo.frame == 50 and [zoo.kbps(q) for q in (1, 8, 16)] == [0.5, 4, 8]
    assert PRESETS["toy"].kbps(8) == 4 and TINY.kbps(1) == 0.4


# --- what it looks ahead ----------------------------------------------------------------------------------------------


def test_a_code_looks_no_further_than_its_frame(codec):
    x_BCT, changed = 6 * sound(120), 61  # in frame 10
    y_BCT = x_BCT.clone()
    y_BCT[..., changed:] += 5
    one, other = codec.encode(x_BCT), codec.encode(y_BCT)
    first = changed // TINY.frame
    assert torch.equal(one[..., :first], other[..., :first]) and not torch.equal(one[..., first], other[..., first])


def test_a_sound_waits_for_its_frame_and_the_windows_over_it(codec):
    codes_BQF = codec.encode(sound(120))
    other_BQF, changed = codes_BQF.clone(), 10
    other_BQF[:, :, changed:] = (other_BQF[:, :, changed:] + 1) % TINY.entries
    differs_T = (codec.decode(codes_BQF) != codec.decode(other_BQF)).any(0)[0]
    first = changed * TINY.frame - TINY.look_ahead
    assert not differs_T[:first].any() and differs_T[first : first + TINY.frame].any()


# --- learning ---------------------------------------------------------------------------------------------------------


def test_the_gradient_goes_straight_through_the_codebooks(codec):
    codec(sound(100), 2).waveform_BCT.square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in codec.parameters())


def test_the_commitment_reaches_the_encoder_alone(codec):
    codec(sound(100), 2).commitment.backward()
    assert all(parameter.grad is not None for parameter in codec.encoder.parameters())
    assert all(parameter.grad is None for parameter in codec.decoder.parameters())


def test_codebooks_learn_when_they_are_told_to(codec):
    before = codec.quantiser.table.clone()
    output = codec(sound(100), 2)
    assert torch.equal(codec.quantiser.table, before)
    codec.update_codebooks(output, generator=torch.Generator().manual_seed(0))
    used = 2 * TINY.entries
    assert not torch.equal(codec.quantiser.table[:used], before[:used])
    assert torch.equal(codec.quantiser.table[used:], before[used:]), "codebooks that were not in use stay"


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_wrong_sounds_and_codes_are_refused(codec):
    for shape in ((2, 100), (2, 2, 100), (2, 1, 0)):
        with pytest.raises(ValueError, match=rf"reads sounds \[B, 1, T\]; got \[{', '.join(map(str, shape))}\]"):
            codec.encode(torch.zeros(shape))
    with pytest.raises(ValueError, match="there are 3 codebooks; 4 of them cannot be used"):
        codec(sound(100), 4)
    for codes in (torch.zeros(2, 4, 5, dtype=torch.int64), torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 3, 5)):
        with pytest.raises(ValueError, match=r"whole numbers with Q from 1 to 3; got \w+ \[2"):
            codec.decode(codes)


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match=r"whole even number of hops.*320 samples with a hop of 64"):
        SpectralCodecConfig(window=320, hop=64)
    with pytest.raises(ValueError, match=r"power of two of entries.*not 1000"):
        SpectralCodecConfig(entries=1000)
    with pytest.raises(ValueError, match="no spectral codec preset is called 'big'; there are toy, toy-zoo"):
        SpectralCodecConfig.preset("big")
