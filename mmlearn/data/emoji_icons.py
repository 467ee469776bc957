"""Reads the packages of the `emoji` set: the texts of each concept, and the drawing that each style has of it."""

import json
import re
import unicodedata

from mmlearn.data.emoji import LANGUAGES
from mmlearn.data.emoji_rules import why_dropped
from mmlearn.data.emoji_sources import STYLES, TEXTS
from mmlearn.data.packages import fetch, list_members, read_members
from mmlearn.data.shards import DataError

# Styles drawn by name; only some of their packages also say which code points a name stands for.
NAMED_STYLES = ("twemoji", "noto", "openmoji", "fluent-flat", "emojione", "emojione-v1", "noto-v1")
# Older names of concepts. Not "pistol": what older styles drew under it is no water pistol.
OLD_NAMES = {
    "blond-haired-person": "1F471",
    "cat-face-with-tears-of-joy": "1F639",
    "cat-face-with-wry-smile": "1F63C",
    "crying-cat-face": "1F63F",
    "direct-hit": "1F3AF",
    "dizzy-face": "1F635",
    "exclamation-mark": "2757",
    "grinning-cat-face": "1F63A",
    "grinning-cat-face-with-smiling-eyes": "1F638",
    "heavy-heart-exclamation": "2763",
    "kissing-cat-face": "1F63D",
    "man-and-woman-holding-hands": "1F46B",
    "man-in-suit-levitating": "1F574",
    "man-in-tuxedo": "1F935",
    "man-with-chinese-cap": "1F472",
    "pouting-cat-face": "1F63E",
    "question-mark": "2753",
    "robot-face": "1F916",
    "smiling-cat-face-with-heart-eyes": "1F63B",
    "weary-cat-face": "1F640",
}


def read_concepts() -> list[dict]:
    """The texts of every emoji that the rules keep, in the order of Unicode's list: one dict of columns each."""
    names = {f"package/{language}/{kind}.json" for language in LANGUAGES for kind in ("data", "messages")}
    members = read_members(fetch(TEXTS), names | {"package/meta/groups.json"})
    files = {name.removeprefix("package/").removesuffix(".json"): json.loads(body) for name, body in members.items()}
    keys = files["meta/groups"]
    texts = {language: {item["hexcode"]: item for item in files[f"{language}/data"]} for language in LANGUAGES}
    messages = {
        (language, kind): {item["key"]: item["message"] for item in files[f"{language}/messages"][kind]}
        for language in LANGUAGES
        for kind in ("groups", "subgroups")
    }
    concepts = []
    for item in sorted(texts["en"].values(), key=lambda item: item.get("order", 0)):
        group = keys["groups"].get(str(item.get("group")))
        subgroup = keys["subgroups"].get(str(item.get("subgroup")))
        if why_dropped(item["hexcode"], group, subgroup):
            continue
        row = {"codepoint": item["hexcode"], "emoji": item["emoji"], "group": group, "subgroup": subgroup}
        for language in LANGUAGES:
            text = texts[language][item["hexcode"]]
            row[f"label_{language}"] = text["label"]
            row[f"tags_{language}"] = text["tags"]
            row[f"group_{language}"] = messages[language, "groups"][group]
            row[f"subgroup_{language}"] = messages[language, "subgroups"][subgroup]
        concepts.append(row)
    return concepts


def read_drawings(concepts: list[dict]) -> dict[str, dict[str, str | bytes]]:
    """For each style, what it drew of these concepts: {style: {codepoint: SVG text, or the bytes of a picture}}."""
    icon_sets = {style: IconSet(style) for style in NAMED_STYLES}
    meanings = _meanings(icon_sets.values(), concepts)
    drawings = {}
    for style in STYLES:
        if style in icon_sets:
            drawings[style] = _named_drawings(icon_sets[style], meanings, concepts)
        else:
            drawings[style] = _fluent_3d(concepts)
    return drawings


class IconSet:
    """One package of icons in the Iconify layout: named SVG bodies, and aliases of them."""

    def __init__(self, style: str):
        members = read_members(fetch(STYLES[style].package), {"package/icons.json", "package/chars.json"})
        content = json.loads(members["package/icons.json"])
        self.style = style
        self.icons = content["icons"]
        self.aliases = content.get("aliases", {})
        self.size = {"width": content["width"], "height": content["height"]}
        chars = json.loads(members["package/chars.json"])
        self.chars = {plain(code): name for code, name in chars.items()}  # {} in older sets

    def svg(self, name: str) -> str:
        """The drawing as a complete SVG, square whatever its own shape is."""
        alias = self.aliases.get(name, {})
        icon = {**self.size, **self.icons[alias.get("parent", name)]}
        body, width, height = icon["body"], icon["width"], icon["height"]
        if re.search(r"<(image|text|script|foreignObject)\b", body):
            raise DataError(f"{name} of {self.style} is not plain vector graphics: it asks for other files or fonts.")
        if set(alias) - {"parent", "hFlip"} or set(icon) - {"body", "width", "height", "hidden"}:
            raise DataError(f"{name} of {self.style} uses a transformation that this reader does not know.")
        if alias.get("hFlip"):
            body = f'<g transform="translate({width} 0) scale(-1 1)">{body}</g>'
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="0 0 {width} {height}" width="64" height="64">{body}</svg>'
        )


def plain(code: str) -> str:
    """A code point sequence in one spelling: upper case, and no variation selectors, which not all sources write."""
    return "-".join(part for part in code.upper().split("-") if part not in ("FE0E", "FE0F"))


def slug(label: str) -> str:
    """A label in the spelling of icon names: "woman’s boot" is "womans-boot"."""
    ascii_only = unicodedata.normalize("NFKD", re.sub("['’]", "", label)).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", ascii_only.lower()).strip("-")


def _meanings(icon_sets, concepts: list[dict]) -> dict[str, str]:
    """What icon names stand for: {name: plain code points}, from the labels, the sets that say it, and `OLD_NAMES`.

    A name with two meanings, of which one is a concept's label, has that one; else it has none and is left out.
    """
    codes = {plain(concept["codepoint"]) for concept in concepts}
    labels = {slug(concept["label_en"]): plain(concept["codepoint"]) for concept in concepts}
    said: dict[str, set[str]] = {}
    for icon_set in icon_sets:
        for code, name in icon_set.chars.items():
            if code in codes:
                said.setdefault(name, set()).add(code)
    meanings = {name: min(found) for name, found in said.items() if len(found) == 1}
    return OLD_NAMES | meanings | labels


def _named_drawings(icon_set: IconSet, meanings: dict[str, str], concepts: list[dict]) -> dict[str, str]:
    names = icon_set.chars or _own_names(icon_set, meanings)
    wanted = {concept["codepoint"]: names.get(plain(concept["codepoint"])) for concept in concepts}
    return {code: icon_set.svg(name) for code, name in wanted.items() if name}


def _own_names(icon_set: IconSet, meanings: dict[str, str]) -> dict[str, str]:
    """{plain code points: name} of a set that does not say them. An alias counts only where the own name says nothing:
    emojione's cricket-game (a bat) is also called "cricket" (an insect)."""
    nameless = {name: alias["parent"] for name, alias in icon_set.aliases.items() if alias["parent"] not in meanings}
    names = {meanings[name]: name for name in sorted(nameless) if name in meanings}
    return names | {meanings[name]: name for name in sorted(icon_set.icons) if name in meanings}


def _fluent_3d(concepts: list[dict]) -> dict[str, bytes]:
    tarball = fetch(STYLES["fluent-3d"].package)
    listed = [name for name in list_members(tarball) if re.fullmatch(r"package/assets/[0-9a-f-]+\.webp", name)]
    members = {plain(name.removeprefix("package/assets/").removesuffix(".webp")): name for name in sorted(listed)}
    wanted = {concept["codepoint"]: members.get(plain(concept["codepoint"])) for concept in concepts}
    wanted = {code: name for code, name in wanted.items() if name}
    pictures = read_members(tarball, set(wanted.values()))
    return {code: pictures[name] for code, name in wanted.items()}
