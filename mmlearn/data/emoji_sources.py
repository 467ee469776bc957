"""Where the `emoji` set comes from: the packages, and who drew each style under which licence."""

from dataclasses import dataclass

from mmlearn.data.packages import Package


@dataclass(frozen=True)
class Style:
    """One way to draw emoji."""

    title: str
    vendor: str  # styles of one vendor resemble each other, so they never lie on both sides of a split
    seen: bool  # True: in `train`; False: held out whole
    package: Package
    credit: str  # the attribution that the licence asks for


TEXTS = Package(
    name="emojibase-data",
    version="17.0.0",
    sha256="d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
    licence="MIT",
    author="Miles Johnson; names and tags from Unicode CLDR",
)
TEXT_CREDIT = "names and tags: emojibase © Miles Johnson (MIT), from Unicode CLDR © Unicode, Inc. (Unicode-3.0)"

STYLES = {
    "twemoji": Style(
        title="Twemoji",
        vendor="twitter",
        seen=True,
        package=Package(
            name="@iconify-json/twemoji",
            version="1.2.5",
            sha256="19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7",
            licence="CC-BY-4.0",
            author="Twitter, Inc and other contributors",
        ),
        credit="Twemoji © Twitter, Inc and other contributors (CC BY 4.0)",
    ),
    "emojione": Style(
        title="EmojiOne 2",
        vendor="emojione",
        seen=True,
        package=Package(
            name="@iconify-json/emojione",
            version="1.2.3",
            sha256="26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e",
            licence="CC-BY-4.0",
            author="EmojiOne, kept alive by EmojiTwo",
        ),
        credit="EmojiOne 2 © EmojiOne (CC BY 4.0)",
    ),
    "emojione-v1": Style(
        title="EmojiOne 1",
        vendor="emojione",
        seen=True,
        package=Package(
            name="@iconify-json/emojione-v1",
            version="1.2.3",
            sha256="6641d59d48a42823fdc2b84e7427e9f302944eb98d2c7d94d6e67c139e7b37b3",
            licence="CC-BY-SA-4.0",
            author="EmojiOne",
        ),
        credit="EmojiOne 1 © EmojiOne (CC BY-SA 4.0)",
    ),
    "fluent-flat": Style(
        title="Fluent Emoji, flat",
        vendor="fluent",
        seen=True,
        package=Package(
            name="@iconify-json/fluent-emoji-flat",
            version="1.2.6",
            sha256="7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
            licence="MIT",
            author="Microsoft Corporation",
        ),
        credit="Fluent Emoji © Microsoft Corporation (MIT)",
    ),
    "fluent-3d": Style(
        title="Fluent Emoji, 3D",
        vendor="fluent",
        seen=True,
        package=Package(
            name="@lobehub/fluent-emoji-3d",
            version="1.1.0",
            sha256="c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
            licence="MIT",
            author="Microsoft Corporation; packaged by LobeHub",
        ),
        credit="Fluent Emoji 3D © Microsoft Corporation, packaged by LobeHub (MIT)",
    ),
    "noto": Style(
        title="Noto Emoji",
        vendor="noto",
        seen=False,
        package=Package(
            name="@iconify-json/noto",
            version="1.2.9",
            sha256="3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
            licence="Apache-2.0",
            author="Google LLC",
        ),
        credit="Noto Emoji © Google LLC (Apache 2.0)",
    ),
    "noto-v1": Style(
        title="Noto Emoji 1",
        vendor="noto",
        seen=False,
        package=Package(
            name="@iconify-json/noto-v1",
            version="1.2.5",
            sha256="2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37",
            licence="Apache-2.0",
            author="Google LLC",
        ),
        credit="Noto Emoji 1 © Google LLC (Apache 2.0)",
    ),
    "openmoji": Style(
        title="OpenMoji",
        vendor="openmoji",
        seen=False,
        package=Package(
            name="@iconify-json/openmoji",
            version="1.2.29",
            sha256="03181e2c156cab35cf4a62f1f7886bd971d59212e75ac3f189d5a4cae3930fc5",
            licence="CC-BY-SA-4.0",
            author="OpenMoji, HfG Schwäbisch Gmünd",
        ),
        credit="OpenMoji, the open-source emoji and icon project (CC BY-SA 4.0)",
    ),
}
