"""The recogniser that judges what can be understood: errors counted by hand, and a sentence that it hears."""

import sys

import pytest
import torch

from mmlearn import data
from mmlearn.data import sound
from mmlearn.eval import recogniser
from mmlearn.eval.recogniser import transcribe, word_errors, words


@pytest.mark.parametrize(
    ("heard", "errors"),
    [
        ("please try again", 0),
        ("Please, try AGAIN!", 0),
        ("please try", 1),  # left out
        ("please do try again", 1),  # put in
        ("please cry again", 1),  # changed
        ("try please again", 2),
        ("", 3),
        ("one two three four five", 5),  # more errors than words
    ],
)
def test_errors_are_the_fewest_changes(heard, errors):
    assert word_errors("Please try again.", heard) == (errors, 3)


def test_errors_are_those_of_the_shortest_way():
    assert word_errors("a b c d", "b c d e") == (2, 4), "one word in, one out; not four changed"


def test_single_figures_are_words():
    assert words("Press 0, or 9; 10 is left.") == ["press", "zero", "or", "nine", "10", "is", "left"]


@pytest.fixture(scope="module")
def clips():
    table = data.load("speech", split="lossless")
    wanted = {"please try again", "Please hold while we try to connect you."}
    return [(row["transcript"], sound.decode(row["audio"])) for row in table if row["transcript"] in wanted]


def test_it_understands_clear_sentences(clips):
    for said, waveform_T in clips:
        assert word_errors(said, transcribe(waveform_T))[0] == 0


def test_what_it_heard_before_changes_nothing(clips):
    (_, first_T), (_, second_T) = clips
    alone = transcribe(second_T)
    transcribe(0.05 * first_T)
    assert transcribe(second_T) == alone


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    recogniser._decoder.cache_clear()
    with pytest.raises(ImportError, match="pip install pocketsphinx"):
        transcribe(torch.zeros(8000))
    recogniser._decoder.cache_clear()
