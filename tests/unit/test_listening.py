"""Sounds in a notebook: a player, a picture and a transcript for each; readable where no widget runs."""

import base64
import re

import pytest
import torch

from mmlearn.course import Sound, Typed, explore_sounds, listen, listening
from mmlearn.data.sound import decode


@pytest.fixture
def published(monkeypatch):
    """The display bundles that were published."""
    bundles = []
    monkeypatch.setattr(listening, "publish", lambda bundle, **options: bundles.append(bundle))
    return bundles


def tone(words: str = "a tone", seconds: float = 0.2, note: str = "") -> Sound:
    waveform_T = 0.5 * torch.sin(0.3 * torch.arange(round(16_000 * seconds)))
    return Sound(waveform_T, words, torch.rand(8, 10), note)


def test_a_sound_has_a_player_a_described_picture_and_its_words(published):
    listen([tone("red <apple>", note="cosine 1"), tone()], seconds=2)
    page = published[0]["text/html"]
    assert len(re.findall(r"<audio controls", page)) == len(re.findall(r'<img alt="[^"]+"', page)) == 2
    assert "red &lt;apple&gt;" in page and "cosine 1" in page and "<apple>" not in page
    assert published[0]["text/plain"] == "[Sound: 'red <apple>', cosine 1]\n[Sound: 'a tone']"


def test_what_is_heard_is_the_waveform(published):
    shown = tone()
    listen([shown], seconds=2)
    data = re.search(r"data:audio/flac;base64,([^\"]+)", published[0]["text/html"])[1]
    assert torch.allclose(decode(base64.b64decode(data)), shown.waveform, atol=1e-4)


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(ValueError, match="at least one sound"):
        listen([], seconds=2)
    with pytest.raises(ValueError, match="transcript"):
        listen([tone(" ")], seconds=2)
    with pytest.raises(ValueError, match=r"takes .* bytes; at most 50,000"):
        listen([Sound(torch.rand(60_000) - 0.5, "noise", torch.rand(8, 10))], seconds=2)
    with pytest.raises(ValueError, match="at least one setting"):
        explore_sounds(lambda: [tone()], seconds=2)


def test_without_a_widget_two_settings_are_heard(published):
    explore_sounds(lambda text: [tone(text)], 2, text=Typed("first", "middle", "last"))
    page = published[0]["text/html"]
    assert "first" in page and "last" in page and "middle" not in page
    assert page.count("<audio") == 2 and "any text" in page
