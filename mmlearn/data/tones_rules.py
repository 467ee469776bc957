"""Mandarin syllables: from the signs of zhuyin (bopomofo) to pinyin, and which of them the `tones` set holds out."""

import hashlib
import re

HELD_OUT = 0.2  # of the syllables, whatever their tone
# The tone's sign in the package's names: none is the first, "1" the neutral one, which is called the fifth.
_TONES = {"": 1, "2": 2, "3": 3, "4": 4, "1": 5}
_INITIALS_TEXT = (
    "ㄅ:b ㄆ:p ㄇ:m ㄈ:f ㄉ:d ㄊ:t ㄋ:n ㄌ:l ㄍ:g ㄎ:k ㄏ:h ㄐ:j ㄑ:q ㄒ:x ㄓ:zh ㄔ:ch ㄕ:sh ㄖ:r ㄗ:z ㄘ:c ㄙ:s"
)
_FINALS_TEXT = (
    "ㄚ:a ㄛ:o ㄜ:e ㄝ:ê ㄞ:ai ㄟ:ei ㄠ:ao ㄡ:ou ㄢ:an ㄣ:en ㄤ:ang ㄥ:eng ㄦ:er "
    "ㄧ:i ㄧㄚ:ia ㄧㄛ:io ㄧㄝ:ie ㄧㄞ:iai ㄧㄠ:iao ㄧㄡ:iu ㄧㄢ:ian ㄧㄣ:in ㄧㄤ:iang ㄧㄥ:ing "
    "ㄨ:u ㄨㄚ:ua ㄨㄛ:uo ㄨㄞ:uai ㄨㄟ:ui ㄨㄢ:uan ㄨㄣ:un ㄨㄤ:uang ㄨㄥ:ong ㄩ:ü ㄩㄝ:üe ㄩㄢ:üan ㄩㄣ:ün ㄩㄥ:iong"
)
# How finals are written where no initial stands before them.
_BARE_TEXT = (
    "i:yi in:yin ing:ying iu:you u:wu ui:wei un:wen ong:weng ü:yu üe:yue üan:yuan ün:yun iong:yong"  # others: _spell
)
_INITIALS, _FINALS, _BARE = (
    dict(pair.split(":") for pair in text.split()) for text in (_INITIALS_TEXT, _FINALS_TEXT, _BARE_TEXT)
)
_ALONE = "ㄓㄔㄕㄖㄗㄘㄙ"  # initials that are a syllable without a vowel's sign: zhi, chi ...


def read_name(name: str) -> tuple[str, str, int] | None:
    """What a folder of the package holds: zhuyin, pinyin (without its tone), and tone 1 to 5.

    None for the names of single consonants, which are letters of the alphabet and no syllables.

    Raises:
        ValueError: this is no name of a syllable.
    """
    found = re.fullmatch(r"([ㄅ-ㄩ]+)([1-4]?)", name)
    if not found:
        raise ValueError(f"{name!r} is no syllable.")
    zhuyin, tone = found[1], _TONES[found[2]]
    initial = _INITIALS.get(zhuyin[0], "")
    sign = zhuyin[1:] if initial else zhuyin
    if not sign:
        return (zhuyin, f"{initial}i", tone) if zhuyin in _ALONE else None
    if sign not in _FINALS:
        raise ValueError(f"{name!r} is no syllable.")
    return zhuyin, _spell(initial, _FINALS[sign]), tone


def is_held_out(syllable: str) -> bool:
    """Whether no clip for training says this syllable (pinyin without tone), in any tone."""
    return int(hashlib.sha256(syllable.encode()).hexdigest()[:8], 16) < HELD_OUT * 16**8


def _spell(initial: str, final: str) -> str:
    if not initial:
        if final in _BARE:
            return _BARE[final]
        return {"i": "y", "u": "w"}.get(final[0], final[0]) + final[1:]
    if initial in ("j", "q", "x"):
        return initial + final.replace("ü", "u")
    return initial + ("o" if final == "uo" and initial in ("b", "p", "m", "f") else final)
