"""Sounds as bytes: what comes back, what is converted, what is refused, and bytes that are the same each time."""

import hashlib
import io
import math
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

from mmlearn import data
from mmlearn.data import sound


def tone(hertz=440.0, seconds=0.5, rate=16_000, level=0.5):
    return level * torch.sin(2 * math.pi * hertz * torch.arange(round(seconds * rate)) / rate)


def loudest_hertz(waveform, rate=16_000):
    return float(torch.fft.rfft(waveform).abs().argmax()) * rate / len(waveform)


def test_flac_keeps_every_sample():
    waveform = tone()
    back = sound.decode(sound.encode(waveform))
    assert back.dtype == torch.float32 and back.shape == waveform.shape
    assert (back - waveform).abs().max() < 1 / 2**15


def test_a_sound_is_decoded_once_and_each_waveform_is_its_own(monkeypatch):
    content = sound.encode(tone(hertz=523))
    first = sound.decode(content)
    kept = first.clone()
    first.zero_()  # whoever changes a waveform changes no other
    monkeypatch.setattr(soundfile, "read", None)
    assert torch.equal(sound.decode(bytearray(content)), kept)
    with pytest.raises(TypeError):  # another rate is another waveform
        sound.decode(content, rate=8_000)


@pytest.mark.parametrize("samples", [1, 159, 8_000, 16_001])
def test_opus_keeps_length_and_pitch(samples):
    waveform = tone(seconds=samples / 16_000)
    content = sound.encode(waveform, format="opus", kbps=24)
    back = sound.decode(content)
    assert back.shape == waveform.shape and content.startswith(b"OggS")
    if samples > 4_000:
        assert abs(loudest_hertz(back) - 440) < 3
        assert torch.nn.functional.cosine_similarity(back, waveform, dim=0) > 0.95


def test_more_bits_are_nearer_and_larger():
    torch.manual_seed(0)
    noise = 0.1 * torch.randn(16_000)
    few, many = (sound.encode(noise, format="opus", kbps=kbps) for kbps in (8, 96))
    distance = lambda content: (sound.decode(content) - noise).square().mean()
    assert len(many) > 4 * len(few) and distance(many) < distance(few) / 2


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_another_rate_is_converted_and_the_tone_stays(rate):
    back = sound.decode(sound.encode(tone(rate=rate), rate))
    assert len(back) == 8_000
    middle = back[1_000:-1_000]
    assert abs(loudest_hertz(middle) - 440) < 3
    assert (back - tone())[1_000:-1_000].abs().max() < 0.01


def test_what_the_new_rate_cannot_hold_is_filtered_out():
    high = tone(hertz=7_000, rate=48_000)
    assert sound.resample(high, 48_000, 8_000).abs()[100:-100].max() < 0.01


def test_channels_are_averaged():
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([tone().numpy(), np.zeros(8_000)], 1), 16_000, format="WAV", subtype="FLOAT")
    assert torch.allclose(sound.decode(buffer.getvalue()), tone() / 2, atol=1e-6)


@pytest.mark.parametrize("format", ["flac", "opus"])
def test_another_process_makes_the_same_bytes(format):
    script = (
        "import hashlib, math, torch; from mmlearn.data import sound;"
        "x = 0.5 * torch.sin(2 * math.pi * 440.0 * torch.arange(8000) / 16000);"
        f"print(hashlib.sha256(sound.encode(x, format={format!r})).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert hashlib.sha256(sound.encode(tone(), format=format)).hexdigest() == other


def test_the_checksum_is_that_of_libsndfile():
    """Written by libsndfile, read page by page: our checksum of each page is the one that stands in it."""
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(seconds=3).numpy(), 16_000, format="OGG", subtype="OPUS")
    ogg, start, pages = buffer.getvalue(), 0, 0
    while start < len(ogg):
        end = start + 27 + ogg[start + 26] + sum(ogg[start + 27 : start + 27 + ogg[start + 26]])
        page = ogg[start:end]
        assert sound._checksum(page[:22] + bytes(4) + page[26:]) == int.from_bytes(page[22:26], "little")
        start, pages = end, pages + 1
    assert pages >= 3


def test_no_kilobyte_of_padding_is_stored():
    assert len(sound.encode(tone(seconds=0.1), format="opus")) < 500


def pages(ogg):
    """The pages of an Ogg file, found by their first letters alone."""
    return [b"OggS" + rest for rest in ogg.split(b"OggS")[1:]]


def test_the_bits_of_opus_are_those_of_its_packets():
    """Counted another way: each page less its own head (27 bytes and the lengths), without the two headers' pages."""
    torch.manual_seed(0)
    for waveform in (tone(seconds=0.01), 0.1 * torch.randn(80_000)):  # packets of 320 kbit/s are longer than a segment
        content = sound.encode(waveform, format="opus", kbps=256)
        bodies = [len(page) - 27 - page[26] for page in pages(content)]
        assert sound.opus_bits(content) == 8 * sum(bodies[2:]) < 8 * len(content)


@pytest.mark.parametrize(("kbps", "band"), [(6, 4_000), (8, 4_000), (9, 8_000), (12, 8_000), (24, 8_000)])
def test_packets_of_few_bits_are_narrow_band(kbps, band):
    """What they say of themselves is what is to be heard: noise is left above 4 kHz, or none is."""
    torch.manual_seed(0)
    content = sound.encode(0.1 * torch.randn(32_000), format="opus", kbps=kbps)
    assert set(sound.opus_bands(content)) == {band}
    power_K = torch.fft.rfft(sound.decode(content)).abs().square()
    assert (power_K[9_000:].sum() / power_K.sum() > 0.1) == (band > 4_000)  # from 4,500 Hz on


@pytest.mark.parametrize("kbps", [6, 12, 24])
def test_opus_takes_about_the_bits_that_it_was_asked_to(kbps):
    """Of one long recording: a tone alone takes fewer."""
    recording = torch.cat([sound.decode(content) for content in data.load("speech", split="valid")["audio"][:4]])
    bits = sound.opus_bits(sound.encode(recording, format="opus", kbps=kbps))
    assert bits / (len(recording) / sound.RATE) == pytest.approx(1000 * kbps, rel=0.1)


def test_what_is_no_whole_opus_file_has_no_bits():
    content = sound.encode(tone(seconds=5), format="opus")
    first, tags, sounding, *more = pages(content)
    assert more
    damaged = bytes([*content[:-1], content[-1] ^ 1])
    for wrong in (b"no sound", damaged, content[:-1], content[:20], content + b"O"):
        with pytest.raises(ValueError, match="no whole page begins at byte"):
            sound.opus_bits(wrong)
    for wrong in (b"", first, b"".join([first, tags, sounding])):
        with pytest.raises(ValueError, match="its end is missing"):
            sound.opus_bits(wrong)
    for wrong in (b"".join([first, tags, *more]), content + content):
        with pytest.raises(ValueError, match="is missing, or of another stream"):
            sound.opus_bits(wrong)
    buffer = io.BytesIO()
    soundfile.write(buffer, tone().numpy(), 16_000, format="OGG", subtype="VORBIS")
    with pytest.raises(ValueError, match="no Ogg-Opus"):
        sound.opus_bits(buffer.getvalue())


def test_silence_at_the_ends_is_trimmed():
    waveform = torch.cat([torch.zeros(4_000), tone(), torch.zeros(2_000), tone(level=0.3), torch.full((3_000,), 1e-4)])
    short = sound.trim(waveform)
    assert 18_000 <= len(short) <= 18_000 + 2 * 480 + 320
    assert len(sound.trim(torch.zeros(100))) == 0
    assert torch.equal(sound.trim(tone()), tone())


def test_waveforms_are_cut_or_filled_up():
    rows = {"audio": [sound.encode(tone(seconds=seconds)) for seconds in (0.2, 0.5, 0.9)]}

    class Rows(dict):
        def __len__(self):
            return 3

    stacked = sound.waveforms(Rows(rows), seconds=0.5)
    assert stacked.shape == (3, 8_000) and stacked.dtype == torch.float32
    assert (stacked[0, 3_200:] == 0).all() and stacked[0, 3_190:3_200].abs().sum() > 0
    assert torch.equal(stacked[1], sound.decode(rows["audio"][1]))
    assert torch.equal(stacked[2], sound.decode(rows["audio"][2])[:8_000])
    rows["audio"][1] = b"no sound"
    with pytest.raises(ValueError, match="Row 1: "):
        sound.waveforms(Rows(rows), seconds=0.5)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: sound.decode(b""), "no sound"),
        (lambda: sound.decode(b"RIFFnothing"), "no sound, or a damaged one"),
        (lambda: sound.decode("text"), "is bytes"),
        (lambda: sound.decode(sound.encode(tone()), rate=0), "positive whole number"),
        (lambda: sound.decode(sound.encode(tone()), rate=16e3), "positive whole number"),
        (lambda: sound.encode(tone()[None]), r"not float32 \[1, 8000\]"),
        (lambda: sound.encode(tone()[:0]), "not empty"),
        (lambda: sound.encode(torch.ones(5, dtype=torch.int16)), "int16"),
        (lambda: sound.encode(tone() / 0), "infinite"),
        (lambda: sound.encode(tone(), format="mp3"), "flac"),
        (lambda: sound.encode(tone(), rate=44_100, format="opus"), "resample first"),
        (lambda: sound.encode(tone(), format="opus", kbps=1), "6 to 256"),
        (lambda: sound.waveforms([], seconds=1), "empty"),
        (lambda: sound.waveforms([1], seconds=0), "positive"),
    ],
)
def test_what_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_a_file_cut_short_is_refused():
    with pytest.raises(ValueError, match="damaged"):
        sound.decode(sound.encode(tone())[:60])
