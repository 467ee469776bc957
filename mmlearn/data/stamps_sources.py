"""Where the sets `stamps` and `stamps_audio` come from: the package, and who made which stamp.

The package's change log names contributors, mostly by section and release; `CREDITS` is that log as a table. Where it
names nobody, the stamp is the work of "Tux Paint contributors".
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from mmlearn.data.packages import DebianPackage

PACKAGE = DebianPackage(
    name="tuxpaint-stamps-default",
    version="2022.06.04-1",
    sha256="6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
    licence="GPL-2.0-or-later",
    author="Bill Kendrick and the Tux Paint contributors",
)
UNNAMED = "Tux Paint contributors"


@dataclass(frozen=True)
class Credit:
    """What the change log says of some stamps."""

    who: str
    licence: str  # or the source, as the log states it; "" where it says nothing: then the package's own, the GPL
    names: str  # patterns of stamps' names, separated by blanks


OPEN_CLIPART = "Open Clipart Library"
CREDITS = (
    # 2014
    Credit(
        "Open Clipart Library, curated by Steve Karg",
        OPEN_CLIPART,
        "household/electronics/compact_disc household/electronics/camera household/electronics/*_printer "
        "animals/insects/bee food/loaf_of_bread food/bread people/cartoon/girl_in_wheelchair "
        "people/cartoon/man_in_suit",
    ),
    Credit(
        "Nicu Buculei (Nicu's Clipart Collection), curated by Steve Karg",
        "",
        "household/electronics/calculator household/electronics/laptop household/electronics/mobile "
        "household/electronics/monitor household/electronics/mouse household/electronics/phone",
    ),
    Credit(
        "Open Clipart Library, curated by Caroline Ford",
        OPEN_CLIPART,
        "animals/birds/swallow animals/insects/cartoon/monarchbutterfly animals/mammals/cats/cheetah "
        "animals/mammals/cats/kitten animals/mammals/equines/zebra2 clothes/bellbottoms clothes/bikini "
        "clothes/black_dress clothes/bluejeans? clothes/bowtie clothes/clotheshanger clothes/glasses? "
        "clothes/hats/brownhat* clothes/hats/cowboy_hat clothes/hats/crown? clothes/hats/elfhat clothes/hats/greenhat "
        "clothes/hats/hardhat clothes/hats/mortarboard clothes/hats/purplehat clothes/hats/wizardhat "
        "clothes/hikingboot clothes/jacket clothes/red_handbag clothes/red_highheel clothes/t_* clothes/top_skirt "
        "clothes/white_pants food/dessert/smallcake food/fruit/cartoon/cherries2 hobbies/kite "
        "hobbies/music/string/guitar2 hobbies/music/string/guitar_electric_bass2 hobbies/music/string/violin2 "
        "household/Washing-machine household/arttools/Pencil household/arttools/ballpointpen household/arttools/biro "
        "household/arttools/painttube household/clothes_iron household/dishes/bottle household/dishes/coffeecup "
        "household/dishes/cartoon/fork household/dishes/cartoon/spoon household/dishes/fork household/dishes/knife "
        "household/dishes/spoon household/electronics/DSLR_Camera household/electronics/digitalcamera household/fridge "
        "household/globe household/microwave household/recyclingbox* household/tealight household/tools/hammer2 "
        "household/tools/screwdriver household/trash_can household/umbrella medical/digitalthermometer "
        "medical/mercurythermometer military/ammunition/bullet military/longsword military/vehicles/mustang "
        "people/body_parts/eye_* people/body_parts/eye2_drawing people/body_parts/girlface people/body_parts/hair_* "
        "people/body_parts/head_female people/body_parts/manga_* people/body_parts/moustache people/body_parts/wig* "
        "seasonal/christmas/elfhat seasonal/christmas/present seasonal/christmas/rudolf_reindeer "
        "seasonal/christmas/santahat2 seasonal/leafrake seasonal/winter/* space/toyrocket sports/stopwatch "
        "symbols/clock vehicles/auto/sportscar vehicles/auto/sportscar3 vehicles/bikewheel vehicles/blue_truck "
        "vehicles/construction/cartoon/forklift2 vehicles/cycle/bluebike vehicles/cycle/motorbike "
        "vehicles/farming/cartoon/tractor vehicles/flight/planes/plane vehicles/iso_* "
        "vehicles/locomotive/white_train vehicles/masstransit/cartoon/schoolbus vehicles/race/f1_car "
        "vehicles/ship/sail_boat? vehicles/toy_truck vehicles/tyre_with_rim",
    ),
    Credit(
        "Caroline Ford",
        "",
        "vehicles/garbagetruck plants/flowers/daffodil household/tools/spade household/cylinder "
        "household/tools/cementmixer vehicles/wheel_tractor space/rocket? space/satellite "
        # 2007
        "household/kettle household/wheelie_bin household/arttools/highlighter household/dishes/mug town/uk_post_box "
        "vehicles/auto/beetle vehicles/cycle/pink_tricycle military/ammunition/old_naval_shell "
        "military/vehicles/ww2_german_gun plants/trees/holly_leaves household/home_compost_bin",
    ),
    Credit(
        "Caroline Ford, corrected by Davo Smith",
        "",
        "vehicles/masstransit/cartoon/double_decker_bus",
    ),
    Credit(
        "Caroline Ford, at Mudchute Park and Farm, England",
        "",
        "animals/birds/chicken_profile animals/mammals/bovines/cow_white animals/mammals/equines/donkey_eating "
        "animals/mammals/bovines/sheep* animals/mammals/rabbit_little animals/mammals/pig_golden*",
    ),
    Credit(
        "VHSS Irimpanam school, Kerala, via Vimal Joseph",
        "CC BY-SA 3.0",
        "plants/flowers/adeenia plants/flowers/anthoorium plants/flowers/appooppanthady plants/flowers/bolsom "
        "plants/flowers/chemparathi plants/flowers/plastic/*",
    ),
    Credit(
        "Steve Karg, from the Open Clipart Library",
        OPEN_CLIPART,
        "vehicles/construction/cartoon/bulldozer seasonal/shamrock",
    ),
    Credit(
        "Erinn Lynch, prepared by Bill Kendrick",
        "CC BY-SA 2.5",
        "animals/birds/pelican animals/birds/heron_*",
    ),
    Credit("Wolfgang Silbermayr, curated by Steve Karg", "GPL", "food/cheese"),
    Credit("Paul Venter (Wikipedia)", "GFDL, no invariant sections", "animals/birds/helmeted_guineafowl"),
    Credit(
        "Anna Bujak (Google Code-In)",
        "",
        "town/monuments/cartoon/eiffel_tower people/body_parts/eye animals/mammals/hedgehog "
        "animals/insects/cartoon/ladybug-2 people/cartoon/mermaid animals/birds/cartoon/pengwin "
        "animals/birds/cartoon/penguin_with_spider food/pizza animals/insects/cartoon/snail2 people/cartoon/snowman "
        "animals/insects/cartoon/spider_* animals/mammals/bears/cartoon/teddy_bear animals/insects/cartoon/wings",
    ),
    Credit("Ivana (Google Code-In)", "", "clothes/button seasonal/christmas/Santa medical/tooth"),
    # 2008 and 2009
    Credit(
        "Pere Pujal i Carabantes",
        "GPL-2.0-or-later",
        "plants/trees/holm_oak plants/mushrooms/cep* animals/mammals/rodents/rabbit-2 vehicles/construction/dumper "
        "animals/mammals/bovines/gnu* animals/amphibians/frog-1 animals/insects/mantis "
        "animals/mammals/bears/european-bear plants/trees/birch plants/thyme",
    ),
    Credit("Wingsze Seaman", "", "sports/cartoon/volleyball"),
    Credit("Aaron M. Lang, prepared by Bill Kendrick", "CC BY 2.5", "vehicles/emergency/firetruck"),
    Credit("Kathleen French, prepared by Caroline Ford", "public domain", "seasonal/christmas/Candy_cane_photo_*"),
    Credit("Musical Linguist, prepared by Caroline Ford", "GFDL", "seasonal/christmas/Christmas_pudding"),
    Credit("Jorge Barrios, prepared by Caroline Ford", "public domain", "seasonal/christmas/Christmas_Tree_photo"),
    Credit("André Karwath, prepared by Caroline Ford", "CC BY-SA", "seasonal/christmas/German_Christmas_toy"),
    Credit("Jmb (Wikipedia), prepared by Caroline Ford", "CC BY 2.5", "seasonal/christmas/Mince_Pie"),
    Credit("Patrick Fitzgerald, prepared by Caroline Ford", "CC BY 2.0", "seasonal/christmas/Roast_turkey"),
    Credit("KMJ and Edokter (Wikipedia), prepared by Caroline Ford", "GFDL", "household/Lightbulb"),
    Credit(
        "Benjamint444 (Wikipedia), prepared by Caroline Ford",
        "GFDL",
        "food/fruit/Apricot_whole food/fruit/Cherry_Stella food/fruit/Strawberry2",
    ),
    Credit("Joaquim Alves Gaspar, prepared by Caroline Ford", "GFDL", "animals/insects/Woodlouse"),
    Credit(
        "Guttorm Flatabø, prepared by Caroline Ford",
        "GFDL or CC BY-SA 2.5",
        "animals/insects/Brown_slug",
    ),
    Credit(
        "Open Clipart Library, fetched by Caroline Ford",
        OPEN_CLIPART,
        "clothes/sunglasses_0? clothes/t-shirt_01 vehicles/construction/cartoon/forklift seasonal/balloon "
        "seasonal/clover household/vacuum_cleaner household/padlock_* town/houses/cartoon/lighthouse "
        "animals/insects/cartoon/spider animals/insects/cartoon/spider2 animals/insects/cartoon/ant plants/toadstool "
        "hobbies/knitting people/cartoon/scarecrow people/cartoon/woman_* household/dishes/expresso",
    ),
    Credit(
        "Nicu Buculei (RPG map tiles), prepared by Steve Karg",
        "public domain",
        "town/cartoon/* town/monuments/cartoon/graveyard town/monuments/cartoon/magic_stones "
        "town/monuments/cartoon/obelisk town/monuments/cartoon/pyramid town/monuments/cartoon/statue "
        "town/monuments/cartoon/sword_in_the_stone town/monuments/cartoon/totem town/houses/cartoon/blacksmith "
        "town/houses/cartoon/cathedral town/houses/cartoon/cave_entrance town/houses/cartoon/circus "
        "town/houses/cartoon/city town/houses/cartoon/farm town/houses/cartoon/fishery town/houses/cartoon/fort "
        "town/houses/cartoon/fortress town/houses/cartoon/hunter town/houses/cartoon/inn town/houses/cartoon/jailhouse "
        "town/houses/cartoon/medieval_tent town/houses/cartoon/monastery town/houses/cartoon/stables "
        "town/houses/cartoon/tavern town/houses/cartoon/tent town/houses/cartoon/tower_* town/houses/cartoon/townhall "
        "town/houses/cartoon/university town/houses/cartoon/warehouse town/houses/cartoon/windmill",
    ),
    Credit(
        "U.S. Air Force photo by TSgt Ben Bloker, prepared by Steve Karg",
        "Wikimedia Commons",
        "military/vehicles/f22_raptor",
    ),
    # 2007
    Credit("Ed Montgomery", "", "town/monuments/inukshuk-outline"),
    Credit("Ansgar Walk, 1996", "CC BY-SA 2.5", "town/monuments/inukshuk-photo"),
    Credit(
        "Steve Karg",
        "",
        "food/vegetables/corn food/vegetables/broccoli food/fruit/cartoon/raspberry food/fruit/cartoon/peach "
        "food/fruit/cartoon/blueberry",
    ),
    Credit(
        "Stas Zytkiewicz (Childsplay), adapted by Pere Pujal i Carabantes",
        "GPL",
        "animals/amphibians/frog animals/birds/blackbird animals/birds/crow animals/birds/cuckoo animals/birds/duck "
        "animals/birds/gander animals/birds/lark animals/birds/nandou animals/birds/owl animals/birds/penguin "
        "animals/birds/pigeon animals/birds/quetzal animals/birds/seagull animals/birds/tucan animals/birds/turkey "
        "animals/birds/vulture animals/insects/fly animals/insects/grasshopper animals/insects/hornet "
        "animals/insects/xanthia animals/lizards/iguana animals/mammals/apes/chimp animals/mammals/apes/gorilla "
        "animals/mammals/aquatic/dolphin animals/mammals/aquatic/orca animals/mammals/aquatic/sea_lion "
        "animals/mammals/aquatic/whale animals/mammals/badger animals/mammals/bears/bear "
        "animals/mammals/bovines/bison animals/mammals/bovines/bull animals/mammals/bovines/cow "
        "animals/mammals/bovines/goat animals/mammals/bovines/mountaingoat animals/mammals/bovines/ram "
        "animals/mammals/bovines/yak animals/mammals/bovines/zebu animals/mammals/camel/* "
        "animals/mammals/cats/lion animals/mammals/cats/tiger animals/mammals/deer/* animals/mammals/dogs/dog "
        "animals/mammals/dogs/fox animals/mammals/elephant animals/mammals/equines/donkey "
        "animals/mammals/equines/horse animals/mammals/equines/zebra animals/mammals/ferret "
        "animals/mammals/hippopotamus animals/mammals/pig animals/mammals/rodents/beaver "
        "animals/mammals/rodents/marmot animals/mammals/rodents/mouse animals/mammals/rodents/rabbit "
        "animals/mammals/rodents/rat animals/mammals/rodents/squirrel animals/mammals/wildboar "
        "animals/marsupials/koala animals/marsupials/wombat",
    ),
    Credit(
        "Wikipedia, prepared by Caroline Ford",
        "Wikipedia",
        "sports/australian_rules_football sports/basketball sports/cricketball sports/tennis_* "
        "hobbies/music/wind/bassoon hobbies/music/string/cello hobbies/music/string/guitar_classical "
        "hobbies/music/percussion/* hobbies/music/string/guitar_electric hobbies/music/string/guitar_electric_bass "
        "hobbies/music/brass/trumpet hobbies/music/string/violin food/fruit/apricot food/fruit/cartoon/watermelon "
        "town/roadsigns/traffic_cone",
    ),
    Credit("pixie quix", "", "space/planets/9_pluto"),
    Credit("Akkana Peck", "", "plants/flowers/flower*"),
    # 2006
    Credit(
        "Jim Trice",
        "",
        "vehicles/locomotive/cartoon/* vehicles/emergency/cartoon/fire_engine vehicles/construction/cartoon/terex "
        "vehicles/farming/cartoon/tux_tractor vehicles/flight/planes/cartoon/plane vehicles/ship/cartoon/* "
        "household/dishes/cartoon/pressure_cooker household/dishes/cartoon/pasta_pot sports/cartoon/football_helmet_* "
        "clothes/armor/cartoon/knight_helmet animals/mammals/bears/toys/edward_bear people/toys/grannysmith "
        # 2005
        "vehicles/ship/chineseJunk vehicles/ship/walnutBoat vehicles/flight/cartoon/eddieCopter "
        "vehicles/construction/cartoon/towTruck vehicles/construction/cartoon/cementMixer "
        "animals/mammals/cats/cartoon/lion animals/dinosaur/cartoon/dinosaurSings",
    ),
    Credit("U.S. Drug Enforcement Administration, prepared by Albert Cahalan", "", "medical/syringe"),
    Credit("Wikipedia", "public domain", "medical/stethoscope"),
    # 2005
    Credit(
        "Bill Kendrick, at the San Francisco Zoo",
        "",
        "animals/birds/albino_peahen animals/birds/crowned_crane animals/birds/magellanic_penguin "
        "animals/birds/ostrich animals/birds/peacock animals/birds/pink_flamingo animals/mammals/rhino_black "
        "animals/mammals/rodents/capybara animals/mammals/apes/tamarin_emperor "
        "animals/mammals/bovines/indian_blackbuck animals/mammals/cats/tiger_sumatran",
    ),
    Credit(
        "Bill Kendrick, at the San Francisco Zoo, or Stas Zytkiewicz (Childsplay): the log names both",
        "",
        "animals/mammals/giraffe",
    ),
    Credit("Bill Kendrick", "", "town/roadsigns/railroad_crossing"),
    Credit(
        "Nicu Buculei",
        "",
        "food/fruit/cartoon/apple food/fruit/cartoon/banana food/fruit/cartoon/cherries food/fruit/cartoon/grapes "
        "food/fruit/cartoon/lemon* food/fruit/cartoon/orange food/fruit/cartoon/pear food/fruit/cartoon/pineapple "
        "food/fruit/cartoon/prune food/fruit/cartoon/strawberry seasonal/christmas/tree",
    ),
    Credit(
        "Jean, of DoodleLoo's",
        "",
        "seasonal/easter/bluebird seasonal/easter/bunny* seasonal/easter/butterfly seasonal/easter/chick* "
        "seasonal/easter/daffodil",
    ),
    Credit(
        "Albert Cahalan",
        "",
        "military/final-roll-call town/roadsigns/stoplight_* plants/trees/rambutan plants/trees/liberia-palm "
        "plants/trees/tree336 seasonal/halloween/grave-* vehicles/flight/balloon360 sports/soccer sports/football "
        "people/fireman* naturalforces/fire military/vehicles/bradley vehicles/race/indycar military/paratrooper "
        "household/toilet vehicles/flight/planes/747 vehicles/7spoke256",
    ),
    Credit(
        "U.S. National Oceanic and Atmospheric Administration",
        "public domain",
        "animals/fish/shrimp animals/fish/lobster animals/fish/seahorse",
    ),
    Credit(
        "Chris Goerner (Australian stamps collection)",
        "",
        "food/fruit/mandarine food/fruit/lemon plants/flowers/yellow-flower plants/flowers/pigface "
        "animals/shellfish/* animals/birds/adelaide-rosella animals/mammals/dogs/dingo animals/mammals/echidna "
        "animals/marsupials/kangaroo animals/birds/little-penguin animals/birds/magpie "
        "animals/birds/rainbow-lorikeet animals/birds/silver-gull",
    ),
    Credit("Karl Ove Hufthammer", "", "seasonal/newyears/fireworks*"),
    Credit("Open Clipart Library", OPEN_CLIPART, "seasonal/halloween/jackolantern_mean"),
    # 2002 and 2003
    Credit(
        "John O'Sullivan",
        "",
        "animals/birds/drake animals/birds/guineafowl animals/birds/hen animals/birds/rooster "
        "animals/fish/bluegroper animals/fish/butterflyfish animals/fish/clownfish animals/fish/coraltrout "
        "animals/fish/dolphinfish animals/fish/lionfish animals/fish/moonwrasse animals/fish/stripedfish",
    ),
    Credit(
        "Tux Paint contributors, thanks to Jen and Ed Collins",
        "",
        "food/fruit/mango food/fruit/pear food/fruit/pomegranate food/fruit/strawberry food/nuts/* "
        "household/dishes/utensils/* household/dishes/pitcher_small household/tools/hammer household/tools/plyers "
        "household/tools/saw household/tools/wrench* household/tools/paintbrush_large household/tools/measuring_tape "
        "household/tools/mallet_metal household/tools/toolbox",
    ),
    Credit(
        "Tux Paint contributors, thanks to Coco Ranch and Towani Organic Farm",
        "",
        "food/fruit/apple_fuji food/fruit/apple_granny_smith food/fruit/apple_sierra_beauty "
        "food/vegetables/pattypan_squash food/vegetables/chilepepper food/vegetables/eggplant food/vegetables/garlics "
        "food/vegetables/redlettuce food/vegetables/yellowpepper household/garbagecan household/dishes/teapot",
    ),
    Credit(
        "Justin Zeigler and Pete Salzman (the holiday stamps of 2003)",
        "",
        "seasonal/christmas/bow seasonal/christmas/candy_cane seasonal/christmas/hard_candy seasonal/christmas/lamp "
        "seasonal/christmas/santahat seasonal/christmas/star seasonal/christmas/stocking "
        "seasonal/christmas/xmas_tp_bulb seasonal/christmas/xmaswreath seasonal/hanukkah/*",
    ),
)

# The sounds that are not the work of who made the stamp. Of the others the log says nothing.
SOUND_CREDITS = (
    Credit(
        "Caroline Ford",
        "GFDL, CC BY-SA and GPL",
        "household/dishes/bottle household/kettle household/dishes/glass household/vacuum_cleaner "
        "household/Washing-machine",
    ),
    Credit(
        "Caroline Ford, at Mudchute Park and Farm, England",
        "",
        "animals/birds/drake animals/birds/hen",
    ),
    Credit("Wikimedia Commons, Sonar_pings.ogg", "GFDL 1.2", "vehicles/ship/cartoon/bathyscape"),
    Credit("Neil Armstrong, recorded by NASA", "", "space/apollo_lander"),
)
SPEAKERS = {
    "ru": "Edwin Veber (Google Code-In)",
    "fr": "PaulK (Google Code-In), and Jacques Chion for some of 2007",
}


def credit_of(name: str, credits: tuple[Credit, ...] = CREDITS) -> Credit:
    """Who made a stamp (or with `SOUND_CREDITS` its sound); the first entry that names it counts."""
    for credit in credits:
        if any(fnmatchcase(name, pattern) for pattern in credit.names.split()):
            return credit
    return Credit(UNNAMED, "", name)


def credits_table(names: list[str], credits: tuple[Credit, ...] = CREDITS) -> dict[Credit | None, list[str]]:
    """{what the log says: the stamps that it means}, in the order of `credits`; None for those that it leaves out."""
    said = {name: credit_of(name, credits) for name in names}
    table = {credit: [name for name in names if said[name] is credit] for credit in credits}
    unnamed = [name for name in names if said[name] not in credits]
    return {credit: listed for credit, listed in table.items() if listed} | ({None: unnamed} if unnamed else {})
