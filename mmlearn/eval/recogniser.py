"""How much of what is said can be understood, judged by a recogniser of English, PocketSphinx with its own model.

Huggins-Daines et al. 2006 (doi:10.1109/ICASSP.2006.1659988). It is a judge that never tires and always answers alike.
It hears worse than people do, so a score counts beside that of the original sound.
"""

import re
from functools import cache

import torch
from torch import Tensor

RATE = 16_000  # samples a second
# The recogniser writes no figures.
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FIGURES = dict(zip("0123456789", NAMES, strict=True))


@cache
def _decoder():
    try:
        from pocketsphinx import Decoder
    except ImportError:
        message = "The recogniser needs PocketSphinx, which is not installed here: pip install pocketsphinx"
        raise ImportError(message) from None
    return Decoder(samprate=RATE, loglevel="FATAL")


def transcribe(waveform_T: Tensor) -> str:
    """What the recogniser hears in a waveform of English speech, float `[T]` with 16,000 samples a second.

    Raises:
        ImportError: PocketSphinx is not installed; the message says how to.
    """
    decoder = _decoder()
    samples_T = (waveform_T.detach().cpu().clamp(-1, 1) * 32767).to(torch.int16).numpy()
    decoder.reinit_feat()  # forgets the loudness of what it heard before, so that the order of clips changes nothing
    decoder.start_utt()
    decoder.process_raw(samples_T.tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr if found else ""


def words(text: str) -> list[str]:
    """The words of a text in small letters, without punctuation; single figures are spelled out."""
    return [FIGURES.get(word, word) for word in re.findall(r"\w+", text.casefold())]


def word_errors(reference: str, heard: str) -> tuple[int, int]:
    """How many words of the reference were heard wrongly, and how many it has.

    Errors are the fewest words to put in, leave out or change that make one text of the other (Levenshtein's distance),
    so there may be more of them than words.
    """
    said, found = words(reference), words(heard)
    before = list(range(len(found) + 1))  # distances of the words so far to the first n of those heard
    for row, word in enumerate(said, 1):
        now = [row]
        for column, other in enumerate(found, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (word != other)))
        before = now
    return before[-1], len(said)
