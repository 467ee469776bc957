"""What listeners would say of a recording of speech, as a network guesses it: DNSMOS.

Reddy et al. 2021 (arXiv:2010.15258) for P.808, Reddy et al. 2022 (arXiv:2110.01763) for P.835. Two networks that were
trained on the marks, from 1 (bad) to 5 (excellent), of people who heard noisy and cleaned calls. The package
`speechmos` by Microsoft brings their weights, under the MIT licence.

No codec here was trained on them, and they compare no spectrograms: they hear one recording, without its original. So
they cannot tell whether it says the same, and they judge speech only; of music their marks mean nothing.
"""

from typing import NamedTuple

from torch import Tensor

RATE = 16_000  # samples a second
HEARD = 144_160  # samples that the networks hear at once: 9.01 s


class Opinion(NamedTuple):
    """Marks from 1 to 5. They compare codecs on the same clips; alone, a mark says little."""

    overall: float  # P.808: one question, how good is it
    speech: float  # P.835 asks of the voice, of what is behind it, and of both together
    background: float
    together: float


def dnsmos(waveform_T: Tensor) -> Opinion:
    """The marks for speech of 16,000 samples a second, float `[T]`; values outside -1 to 1 are clipped.

    The networks hear 9 seconds: a shorter clip is repeated up to there, of a longer one several parts are heard.

    Raises:
        ImportError: a package is missing; the message says which ones to install.
        ValueError: the waveform is not `[T]`, or it is empty, silent, or holds what is not finite.
    """
    try:
        from speechmos import dnsmos as judge
    except ImportError as error:  # speechmos itself asks for none of the packages that it needs
        raise ImportError(
            f"DNSMOS is not installed here ({error}): pip install speechmos onnxruntime librosa"
        ) from None
    if waveform_T.ndim != 1 or not waveform_T.any() or not waveform_T.isfinite().all():
        raise ValueError(f"DNSMOS judges one sound [T], finite and not silent; got {list(waveform_T.shape)}")
    values_T = waveform_T.detach().cpu().float().clamp(-1, 1)
    if len(values_T) < HEARD:  # speechmos would double it until it is longer, and take up to eight times as long
        values_T = values_T.repeat(-(-HEARD // len(values_T)))[:HEARD]
    marks = judge.run(values_T.numpy(), RATE)
    return Opinion(*(float(marks[f"{name}_mos"]) for name in ("p808", "sig", "bak", "ovrl")))
