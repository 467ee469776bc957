"""Sounds in a notebook: heard, seen as a spectrogram, and written down for whoever cannot hear them.

A sound travels inside the page as FLAC, which is lossless; a second of speech takes about 20 kB.
"""

import base64
import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmlearn.course.figures import img, publish
from mmlearn.course.widgets import live_form, named, static_form

if TYPE_CHECKING:
    from torch import Tensor

LARGEST = 50_000  # bytes of one sound; a notebook holds a dozen
WIDTH = 200  # CSS pixels


@dataclass(frozen=True)
class Sound:
    """A sound to be shown.

    Attributes:
        waveform: mono, float `[T]` from -1 to 1, 16,000 samples a second.
        words: the transcript; of a sound without words, what is heard: "a cow lows".
        spectrogram: `[M, F]`, the lowest pitch first, as `mmlearn.nn.mel.LogMel` makes it; drawn above the player.
        note: a line below it, such as a score.
        hertz: the frequency of each row, `[M]`, to be named at the left; `None` says that rows are mel bins.
    """

    waveform: "Tensor"
    words: str
    spectrogram: "Tensor"
    note: str = ""
    hertz: "Tensor | None" = None


def listen(sounds: Sequence[Sound], seconds: float, width: int = WIDTH) -> None:
    """Show sounds beside each other, each with its spectrogram, a player and its transcript.

    Args:
        seconds: how long a spectrogram lasts.
        width: of each, in CSS pixels.

    Raises:
        ValueError: no sound, one without transcript, or one of more than 50 kB.
    """
    if not sounds:
        raise ValueError("listen needs at least one sound")
    publish({"text/plain": in_words(sounds), "text/html": side_by_side(sounds, seconds, width)})


def explore_sounds(
    find: Callable[..., Sequence[Sound]],
    seconds: float,
    width: int = WIDTH,
    **choices: Iterable[Any] | Mapping[str, Any],
) -> None:
    """Let the reader choose or type settings, and hear the sounds that `find(**values)` gives; `explore` for the ear.

    Args:
        find: gives sounds, few and short: where no widget runs, those of two settings are in the page.
        seconds: how long a spectrogram lasts.
        width: of each, in CSS pixels.
        choices: as in `explore`, also the errors.
    """
    options = {name: named(name, values) for name, values in choices.items()}
    if not options:
        raise ValueError('explore_sounds needs at least one setting, such as text=Typed("a red apple")')
    kept: dict[tuple[str, ...], str] = {}

    def page(*texts: str) -> str:
        if texts not in kept:
            values = {name: options[name][text] for name, text in zip(options, texts, strict=True)}
            kept[texts] = side_by_side(find(**values), seconds, width)
        return kept[texts]

    first = tuple(next(iter(values)) for values in options.values())
    last = tuple(next(reversed(values)) for values in options.values())
    publish(live_form(page, options) | static_form(page, options, dict.fromkeys([first, last])))


def side_by_side(sounds: Sequence[Sound], seconds: float, width: int = WIDTH) -> str:
    """What `listen` shows, as HTML."""
    shown = "".join(_markup(sound, seconds, width) for sound in sounds)
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px">{shown}</div>'


def player(waveform: "Tensor", words: str, width: int) -> str:
    """A player for a waveform `[T]`, as HTML; `words` name it to a screen reader.

    Raises:
        ValueError: it takes more than 50 kB.
    """
    from mmlearn.data.sound import encode

    content = encode(waveform)
    if len(content) > LARGEST:
        raise ValueError(f"{words!r} takes {len(content):,} bytes; at most {LARGEST:,}: cut it, or take another")
    return (
        f'<audio controls preload="metadata" aria-label="{html.escape(words)}" '
        f'style="width:{width}px;height:34px;margin-top:2px" '
        f'src="data:audio/flac;base64,{base64.b64encode(content).decode()}"></audio>'
    )


def in_words(sounds: Sequence[Sound]) -> str:
    """The sounds as text, each in a line."""
    return "\n".join(f"[Sound: {sound.words!r}{f', {sound.note}' if sound.note else ''}]" for sound in sounds)


def _markup(sound: Sound, seconds: float, width: int) -> str:
    from mmlearn.course.drawings.sound import spectrogram

    if not sound.words.strip():
        raise ValueError('a sound needs a transcript: words="what is said", or what is heard')
    heard = player(sound.waveform, sound.words, width)
    picture = img(spectrogram(sound.spectrogram, seconds, width, sound.hertz), _seen(sound), dpi=80)
    words, note = html.escape(sound.words), html.escape(sound.note)
    return (
        f'<figure style="margin:0;width:{width}px">{picture}{heard}'
        f'<figcaption style="line-height:1.35">“{words}”{f"<br>{note}" if note else ""}</figcaption></figure>'
    )


def _seen(sound: Sound) -> str:
    return f"Spectrogram of {sound.words!r}"
