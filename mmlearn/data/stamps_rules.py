"""Which stamps of Tux Paint become items of the `stamps` set, and what each is: every rule in one place.

A stamp's name is its path in the package without the ending: "animals/birds/duck". Its caption is English.
"""

import re

# --- what is left out -------------------------------------------------------------------------------------------------

DROPPED_FOLDERS = {
    "symbols/alphabets": "letters and the hands that spell them: the picture is writing",
    "symbols/math": "digits and signs of arithmetic",
    "symbols/money": "coins and currency signs that differ in what is written on them",
    "symbols/music": "notes, rests and clefs: notation",
    "symbols/chess": "signs for chessmen, with the rules of the game for captions",
    "symbols/shapes": "plain outlines: stars, balloons for speech, a hand, a heart",
    "symbols/faces": "faces whose captions are moods (“Sad!”), not names of what is seen",
    "town/flags": "coloured rectangles",
    "town/roadsigns": "signs, most of them writing; the things that stand beside a road are in `KEPT_OF_DROPPED`",
}
KEPT_OF_DROPPED = {
    "town/roadsigns/traffic_cone",
    "town/roadsigns/railroad_crossing",
    "town/roadsigns/stoplight_01_red",
    "town/roadsigns/stoplight_02_yellow",
    "town/roadsigns/stoplight_03_green",
}
_LETTER = "a die that differs from the plain one by the letter on it"
_WHITE = "white, and drawn for a dark ground: on white nothing is left of it"
_UNKNOWN_LICENCE = "from a picture agency; the package does not say under which licence"
DROPPED_NAMES = {
    "symbols/recycle": "a sign",
    "vehicles/locomotive/cartoon/trainSign": "a road sign",
    "seasonal/hanukkah/dreydl-gimmel": _LETTER,
    "seasonal/hanukkah/dreydl-hay": _LETTER,
    "seasonal/hanukkah/dreydl-nun": _LETTER,
    "seasonal/hanukkah/dreydl-shin": _LETTER,
    "naturalforces/lightningbolt": _WHITE,
    "seasonal/halloween/ghost": _WHITE,
    "seasonal/halloween/skull": _WHITE,
    "vehicles/emergency/sedan_police": "lamps and stripes to put on another stamp",
    "military/fireman240a": "the same picture as people/fireman240a",
    "household/arttools/pencil2": "a vector that asks for another file",
    "food/fruit/grapes": _UNKNOWN_LICENCE,
    "food/fruit/pineapple": _UNKNOWN_LICENCE,
    "food/fruit/sliced_lime": _UNKNOWN_LICENCE,
    "food/fruit/sliced_orange": _UNKNOWN_LICENCE,
}
DROPPED_SOUNDS = {
    "vehicles/emergency/firetruck": "under Creative Commons Sampling Plus 1.0, which the package itself calls not free",
}


def why_dropped(name: str, caption: str | None) -> str | None:
    """The rule that leaves this stamp out, or None for one that stays."""
    if caption is None:  # the mirrored copies
        return "no caption"
    if name in DROPPED_NAMES:
        return DROPPED_NAMES[name]
    if name in KEPT_OF_DROPPED:
        return None
    return next((why for folder, why in DROPPED_FOLDERS.items() if name.startswith(folder + "/")), None)


# --- photograph or drawing --------------------------------------------------------------------------------------------

DRAWING_FOLDERS = ("seasonal/easter", "seasonal/hanukkah", "seasonal/newyears")
# Pixel pictures outside the folders called "cartoon" that are drawn or computed, as looking at all of them showed.
DRAWINGS = {
    "animals/insects/fly",
    "animals/mammals/echidna",
    "animals/mammals/hedgehog",
    "clothes/button",
    "clothes/t_baseballcap",
    "clothes/t_glove",
    "clothes/t_jacket",
    "clothes/t_pants",
    "clothes/t_poloshirt",
    "clothes/t_scarf",
    "clothes/t_shirt",
    "clothes/t_sock",
    "clothes/t_tshirt",
    "food/pizza",
    "household/dishes/glass",
    "medical/tooth",
    "people/body_parts/eye",
    "seasonal/christmas/Santa",
    "seasonal/christmas/bow",
    "seasonal/christmas/hard_candy",
    "seasonal/christmas/lamp",
    "seasonal/christmas/santahat",
    "seasonal/christmas/star",
    "seasonal/christmas/stocking",
    "seasonal/christmas/tree",
    "seasonal/christmas/xmas_tp_bulb",
    "seasonal/halloween/bat_left",
    "seasonal/halloween/blackcat",
    "seasonal/halloween/spider",
    "space/planets/0_sun",
    "symbols/clockface",
    "town/monuments/inukshuk-outline",
    "town/roadsigns/stoplight_01_red",
    "town/roadsigns/stoplight_02_yellow",
    "town/roadsigns/stoplight_03_green",
    "vehicles/7spoke256",
}


def kind(name: str, is_vector: bool) -> str:
    """ "photo" or "drawing". Vectors and what lies in a folder "cartoon" are drawings."""
    drawn = is_vector or "/cartoon/" in name or name.startswith(DRAWING_FOLDERS) or name in DRAWINGS
    return "drawing" if drawn else "photo"


# --- what it shows ----------------------------------------------------------------------------------------------------

_ARTICLE = re.compile(r"(?:A|An|The|Some|Two|Our) ")
_COUNTED = re.compile(r"(?:pair|couple|string|head|cluster|quarter|model) of (?:the )?")
_END_OF_SENTENCE = re.compile(r"[.,!?:;(—]")
_REST = re.compile(r" (?:is|has|lets|resembles|worn|for|called|covered|hatched|playing|dancing|like|making|used) ")
MOST_WORDS = 5
# Names of things whose captions do not name them, or not at their beginning.
LABELS = {
    "animals/birds/cartoon/penguin_with_spider": "penguin and spider",
    "animals/birds/cartoon/pengwin": "penguin",
    "animals/birds/cartoon/tux": "penguin",
    "animals/fish/bluegroper": "blue groper",
    "animals/fish/lionfish": "lionfish",
    "animals/insects/cartoon/spider_computer": "spider playing computer games",
    "animals/insects/cartoon/spider_fly": "spider dancing with a fly",
    "animals/insects/cartoon/spider_football": "spider playing soccer",
    "animals/mammals/bears/cartoon/teddy_bear": "teddy bear",
    "animals/mammals/bears/toys/edward_bear": "teddy bear",
    "food/bread": "bread",
    "food/cheese": "cheese",
    "food/loaf_of_bread": "loaf of bread",
    "food/vegetables/broccoli": "broccoli",
    "food/vegetables/corn": "yellow corn",
    "food/vegetables/tomato": "red tomato",
    "food/spices/ginger": "ginger root",
    "hobbies/knitting": "knitting",
    "household/electronics/inkjet_printer": "inkjet printer",
    "household/electronics/laser_printer": "laser printer",
    "household/toilet": "toilet",
    "household/globe": "globe",
    "household/recyclingbox": "recycling box",
    "household/recyclingbox2": "recycling box",
    "household/tools/measuring_tape": "measuring tape",
    "military/ammunition/old_naval_shell": "naval shell",
    "military/final-roll-call": "soldier’s memorial",
    "military/vehicles/bradley": "armoured vehicle",
    "military/vehicles/infantry-stryker": "armoured vehicle",
    "military/vehicles/ww2_german_gun": "tank",
    "naturalforces/explosion": "explosion",
    "naturalforces/fire": "fire",
    "people/body_parts/hair_manga": "silver pig tails",
    "people/body_parts/hair_manga_2": "brown hair",
    "people/body_parts/manga_eye_left": "left eye",
    "people/body_parts/manga_eye_right": "right eye",
    "people/body_parts/wig": "hair",
    "people/body_parts/wig2": "hair",
    "people/body_parts/wig3": "hair",
    "people/toys/grannysmith": "old rag doll",
    "plants/flowers/adeenia": "adenium",
    "plants/flowers/anthoorium": "anthurium",
    "plants/flowers/appooppanthady": "Indian milkweed",
    "plants/flowers/bolsom": "balsam",
    "plants/flowers/chemparathi": "hibiscus",
    "plants/flowers/plastic/chuvanna_plastic_poo": "red plastic flower",
    "plants/lavender": "lavender",
    "plants/mushrooms/cep-2": "two ceps",
    "plants/trees/holly_leaves": "holly leaves",
    "plants/trees/rambutan": "rambutan",  # the caption calls it an alien tree
    "seasonal/christmas/German_Christmas_toy": "wooden toy",
    "seasonal/christmas/Roast_turkey": "roast turkey",
    "seasonal/christmas/Santa": "Santa Claus",
    "seasonal/christmas/hard_candy": "hard candy",
    "seasonal/halloween/grave-h": "tombstone",
    "seasonal/hanukkah/menorah": "menorah",
    "seasonal/newyears/confetti": "confetti",
    "seasonal/newyears/fireworks": "fireworks",
    "seasonal/newyears/fireworks2": "fireworks",
    "space/planets/1_mercury": "Mercury",
    "space/planets/2_venus": "Venus",
    "space/planets/3_earth": "Earth",
    "space/planets/4_mars": "Mars",
    "space/planets/5_jupiter": "Jupiter",
    "space/planets/6_saturn": "Saturn",
    "space/planets/7_uranus": "Uranus",
    "space/planets/8_neptune": "Neptune",
    "space/planets/9_pluto": "Pluto",
    "sports/cartoon/football_helmet_front": "football helmet",
    "sports/cartoon/football_helmet_side": "football helmet",
    "sports/rugby_goal_posts": "rugby goal posts",
    "town/cartoon/docks": "docks",
    "town/cartoon/ruins": "castle in ruins",
    "town/houses/cartoon/cathedral": "cathedral",
    "town/houses/cartoon/cave_entrance": "cave",
    "town/houses/cartoon/circus": "circus tent",
    "town/houses/cartoon/tower_round_flag": "round tower",
    "town/monuments/cartoon/magic_stones": "magic stones",
    "town/roadsigns/stoplight_01_red": "red traffic light",
    "town/roadsigns/stoplight_02_yellow": "yellow traffic light",
    "town/roadsigns/stoplight_03_green": "green traffic light",
    "vehicles/farming/cartoon/tux_tractor": "penguin in a tractor",
    "vehicles/flight/cartoon/eddieCopter": "helicopter",
    "vehicles/flight/planes/cartoon/plane": "airplane",
    "vehicles/locomotive/cartoon/tanker": "tank wagon",
    "vehicles/locomotive/cartoon/tender": "tender",
    "vehicles/ship/cartoon/bathyscape": "deep sea research vessel",
}


def label(name: str, caption: str) -> str:
    """A short noun phrase for what the stamp shows, without an article; the caption where the rules find none."""
    if name in LABELS:
        return LABELS[name]
    start = _END_OF_SENTENCE.split(re.sub("[“”]", "", caption))[0].strip()
    article = _ARTICLE.match(start)
    noun = _REST.split(_COUNTED.sub("", start[article.end() :], count=1) if article else start)[0]
    return noun if article and len(noun.split()) <= MOST_WORDS else caption


def item_key(caption: str) -> str:
    """What the captions of variants of one thing have in common: "A balloon!" and "a balloon." are alike."""
    return " ".join(re.findall(r"\w+", caption.lower()))
