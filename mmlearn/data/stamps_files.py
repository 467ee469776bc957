"""Reads the stamps of Tux Paint from their package: captions, pictures and sounds of those that the rules keep."""

import re
from dataclasses import dataclass
from functools import lru_cache

from mmlearn.data.packages import fetch, list_members, read_members
from mmlearn.data.shards import DataError
from mmlearn.data.stamps import LANGUAGES
from mmlearn.data.stamps_rules import item_key, why_dropped
from mmlearn.data.stamps_sources import PACKAGE

ROOT = "./usr/share/tuxpaint/stamps/"


@dataclass(frozen=True)
class Stamp:
    """A stamp that the rules keep."""

    name: str
    item: str  # the first stamp that has the same caption: variants of one thing share it
    captions: dict[str, str | None]  # by language
    picture: str  # the member of the package that holds it, an SVG where there is one
    sounds: dict[str, str]  # {"": its own sound, "ru": its caption spoken in Russian, ...}: members

    @property
    def is_vector(self) -> bool:
        """True where the picture is an SVG."""
        return self.picture.endswith(".svg")


@lru_cache(maxsize=1)
def read_stamps() -> tuple[Stamp, ...]:
    """All stamps that the rules keep, in the order of their names."""
    package = fetch(PACKAGE)
    members = {member.removeprefix(ROOT) for member in list_members(package) if member.startswith(ROOT)}
    pictures = {re.sub(r"\.(svg|png)$", "", member): member for member in sorted(members) if _is_picture(member)}
    texts = read_members(package, {f"{ROOT}{name}.txt" for name in pictures if f"{name}.txt" in members})
    stamps, items = [], {}
    for name in sorted(pictures):
        captions = read_captions(texts.get(f"{ROOT}{name}.txt", b""))
        if why_dropped(name, captions["en"]):
            continue
        sounds = {language: f"{name}_desc_{language}.ogg" for language in LANGUAGES} | {"": f"{name}.ogg"}
        stamps.append(
            Stamp(
                name,
                items.setdefault(item_key(captions["en"]), name),
                captions,
                ROOT + pictures[name],
                {language: ROOT + member for language, member in sounds.items() if member in members},
            )
        )
    return tuple(stamps)


def read_contents(members: set[str]) -> dict[str, bytes]:
    """What these members of the package hold."""
    return read_members(fetch(PACKAGE), members)


def read_captions(text: bytes) -> dict[str, str | None]:
    """The captions of a stamp by language: its first line is English, the others are `xx.utf8=...`.

    A translation that repeats the English words is none.

    Raises:
        DataError: the text is not UTF-8.
    """
    try:
        first, *others = [" ".join(line.split()) for line in text.decode("utf-8-sig").split("\n")]
    except UnicodeDecodeError as error:
        raise DataError(f"The captions {text[:40]!r} are not UTF-8: {error}.") from None
    said = dict(line.split(".utf8=", 1) for line in others if ".utf8=" in line)
    translated = {language: said.get(language, "").strip() for language in LANGUAGES if language != "en"}
    kept = {language: caption for language, caption in translated.items() if caption != first}
    return {language: (first if language == "en" else kept.get(language)) or None for language in LANGUAGES}


def _is_picture(member: str) -> bool:
    return member.endswith((".png", ".svg"))  # of two, the SVG comes later in the alphabet, and is taken
