"""Where the `speech` set comes from: the packages, the speakers, and under which licence each language is published."""

from dataclasses import dataclass

from mmlearn.data.packages import DebianPackage

VERSION = "1.6.1-1"
SHARE_ALIKE, BY = "CC-BY-SA-3.0", "CC-BY-3.0"


@dataclass(frozen=True)
class Source:
    """The prompts of one language: who speaks, and the packages of the texts and of the sounds."""

    speaker: str  # the name in the column `speaker`
    who: str  # as the package's copyright file names them
    licence: str  # SPDX
    folder: str  # of the sounds, inside the package
    texts: DebianPackage
    sounds: DebianPackage


def _source(language: str, speaker: str, who: str, licence: str, folder: str, texts: str, sounds: str) -> Source:
    name = f"asterisk-core-sounds-{language}"
    package = lambda suffix, sha256: DebianPackage(f"{name}{suffix}", VERSION, sha256, licence, who)
    return Source(speaker, who, licence, folder, package("", texts), package("-g722", sounds))


SOURCES = {
    "en": _source(
        "en",
        "allison",
        "Allison Smith (theivrvoice.com), financed by Digium, Inc.",
        SHARE_ALIKE,
        "en_US_f_Allison",
        "973e797d28e37fa6ca3c0a9d6fa717e77cf1268ae916bf09fd3503113cdffa50",
        "38c5261820b406dcb0ecb37675720da2b0864850690690352ca52707eb623806",
    ),
    "ru": _source(
        "ru",
        "ivrvoice",
        "Maxim Topal (ivrvoice.ru)",
        BY,
        "ru_RU_f_IvrvoiceRU",
        "28a61616bb0cd3345a7ea532dec4df9f071e5d0fa9f8c1a563ea9669002f39ab",
        "673b4238a6b8269960f055d868c6a11083f7a0d00979167cb01554046b48ed9b",
    ),
    "fr": _source(
        "fr",
        "june",
        "June Wallack (junewallack.com); translation: Clod Patry, Kristopher Lalletti, June Wallack; financed by "
        "Digium, Inc., Unlimitel and BGM Informatique",
        SHARE_ALIKE,
        "fr_CA_f_June",
        "04c82c78c570c43a7136cbc5e2488d0c470b775468dff9fbce4a131b18cf1056",
        "7add61d5e42279ecff1bbdf842a5a946ac3644fac9a0fe44384731aa7270c8e0",
    ),
    "es": _source(
        "es",
        "allison",
        "Allison Smith (theivrvoice.com), financed by Digium, Inc.",
        SHARE_ALIKE,
        "es_MX_f_Allison",
        "9afdab7f559f036649fb406e625899306ca1004df8ebe39c30bfbd5912d66f74",
        "e4e3b4281057d3b81b779298fd6be705f57411513955c518eed1bcaabbd615b8",
    ),
    "it": _source(
        "it",
        "carlo",
        "Carlo Flora (carloflora.com); translation: Silvia Petrin",
        BY,
        "it_IT_m_Carlo",
        "3884d9457e12f21caa018c18f0d587df5d53ebea14b673d8453a134c5941ab3b",
        "46b4cf7afc508a5fcfc051b7ea233251c0d195dd4ef83cc4b7facb4c6429b016",
    ),
}
