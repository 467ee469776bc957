"""Which emoji become concepts of the `emoji` set: every rule of what is left out, in one place.

A concept is an emoji of emojibase, written as its code points (`hexcode`): "1F600", "1F43B-200D-2744-FE0F".
"""

import hashlib

MIN_STYLES = 4  # a concept that fewer styles drew says little about one idea drawn by several hands
HELD_OUT_PERCENT = 10

DROPPED_GROUPS = {
    "flags": "a flag is a drawing to be looked up, not a picture of something; 270 of them would outweigh all else",
    "component": "skin tones and hair are parts of other emoji",
}
DROPPED_SUBGROUPS = {
    "keycap": "a typed character in a box",
    "alphanum": "letters, digits and Chinese characters in a box: the picture is writing",
    "geometric": "plain discs, squares and diamonds: a colour and a shape without a meaning",
}
# Signs that a font draws as a character rather than as a picture.
DROPPED_SIGNS = {
    "00A9": "copyright",
    "00AE": "registered",
    "2122": "trade mark",
    "3030": "wavy dash",
    "27B0": "curly loop",
    "27BF": "double curly loop",
    "303D": "part alternation mark",
}
CLOCK_FACES = range(0x1F550, 0x1F568)  # 24 drawings that differ only in the position of the hands

# Parts of a sequence that make a variant of another emoji: the same idea with another gender, hair or direction.
JOINER = "200D"
GENDER_SIGNS = {"2640", "2642"}
MAN, WOMAN, PERSON = "1F468", "1F469", "1F9D1"
HAIR = {"1F9B0", "1F9B1", "1F9B2", "1F9B3"}
FACING_RIGHT = "27A1"
# Variants that have a code point of their own. The one kept is the one that most styles drew.
OWN_CODE_VARIANTS = {
    "1F936": "1F385",  # Mrs. Claus, of Santa Claus
    "1F9D1-200D-1F384": "1F385",  # Mx Claus
    "1F46C": "1F46B",  # men holding hands, of woman and man holding hands
    "1F46D": "1F46B",  # women holding hands
    "1F9D1-200D-1F91D-200D-1F9D1": "1F46B",  # people holding hands
    "1F470": "1F935",  # person with veil, of person in tuxedo: bride and groom
    "1FAC3": "1F930",  # pregnant man, of pregnant woman
    "1FAC4": "1F930",  # pregnant person
}

# Concepts that share most of their picture with another one go to the same side of the split with it.
RELATIVES = {
    "1F408-200D-2B1B": "1F408",  # black cat, with cat
    "1F415-200D-1F9BA": "1F415",  # service dog, with dog
    "1F426-200D-2B1B": "1F426",  # black bird, with bird
    "1F43B-200D-2744-FE0F": "1F43B",  # polar bear, with bear
    "1F344-200D-1F7EB": "1F344",  # brown mushroom, with mushroom
    "1F34B-200D-1F7E9": "1F34B",  # lime, with lemon
    "1F466": "1F9D2",  # boy and girl, with child
    "1F467": "1F9D2",
    "1F468": "1F9D1",  # man and woman, with person
    "1F469": "1F9D1",
    "1F474": "1F9D3",  # old man and old woman, with older person
    "1F475": "1F9D3",
    "1F478": "1F934",  # princess and person with crown, with prince
    "1FAC5": "1F934",
    "1F57A": "1F483",  # man dancing, with woman dancing
    "1F64E": "1F64D",  # person pouting, with person frowning
    "1F431": "1F63A",  # cat face, with grinning cat: one drawing in both fluent styles
    "26C4": "2603",  # snowman without snow, with snowman
    "1F52F": "2721",  # dotted six-pointed star, with star of David
    "1F5E8": "1F4AC",  # left speech bubble and right anger bubble, with speech balloon
    "1F5EF": "1F4AC",
}


def why_dropped(hexcode: str, group: str | None, subgroup: str | None) -> str | None:
    """The rule that leaves this emoji out, or None for a concept that stays (if enough styles drew it)."""
    parts = [part for part in hexcode.split("-") if part != "FE0F"]
    if group is None or group in DROPPED_GROUPS:
        return "flag or component"
    if subgroup in DROPPED_SUBGROUPS or hexcode in DROPPED_SIGNS:
        return "symbol without meaning"
    if len(parts) == 1 and int(parts[0], 16) in CLOCK_FACES:
        return "clock face"
    if hexcode in OWN_CODE_VARIANTS or _is_variant_sequence(parts):
        return "variant"
    return None


def _is_variant_sequence(parts: list[str]) -> bool:
    """True for a joined sequence that only changes gender, hair, direction or the members of a family."""
    if JOINER not in parts:
        return False
    others = [part for part in parts[1:] if part != JOINER]
    if GENDER_SIGNS & set(others) or HAIR & set(others) or FACING_RIGHT in others:
        return True
    if parts[0] in (MAN, WOMAN):  # "woman astronaut": the concept is "astronaut", the sequence that starts with PERSON
        return True
    return parts[0] == PERSON and others[0] in (PERSON, "1F9D2")  # families: the concept is "family"


def is_held_out(hexcode: str) -> bool:
    """True for the concepts that no training split shows: about 10 %, decided by the code points alone."""
    name = RELATIVES.get(hexcode, hexcode)
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 100 < HELD_OUT_PERCENT
