"""Every system of the course, what goes in and what comes out: the map of the field.

The facts are the papers'. Where a paper publishes several sizes, the tokens are those of the one that is named.
"""

from collections import Counter
from dataclasses import dataclass

from mmlearn.course.lessons import find
from mmlearn.course.tables import html_table, publish_live

# What can go in or come out. A class is one of a fixed list; a vector is an embedding, to be compared or read on.
MODALITIES = ("text", "image", "video", "audio", "depth", "thermal", "motion", "class", "vector")

# How modalities meet in a model.
FUSIONS = {
    "none": "one modality alone",
    "shared space": "an encoder for each modality; their vectors are compared",
    "conditioning": "one modality steers the model that makes the other",
    "early": "the tokens of all modalities stand in one sequence",
    "deep": "layers between those of a language model look at the other modality by cross-attention",
    "queries": "learned queries collect a few tokens from many",
    "experts": "one sequence and one attention; each kind of token has weights of its own",
    "streams": "several streams advance together, one token each at a time",
}


@dataclass(frozen=True)
class System:
    """A published system.

    Attributes:
        name: as its paper writes it.
        year: of the publication that the course cites.
        paper: its arXiv number.
        takes, gives: modalities that go in and come out.
        objective: what training optimises.
        fusion: how the modalities meet, names of `FUSIONS`.
        tokens: what an input becomes, and how many of it.
        lesson: the number of its lesson.

    Raises:
        ValueError: an unknown modality, fusion or lesson, or an arXiv number that is none.
    """

    name: str
    year: int
    paper: str
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    objective: str
    fusion: tuple[str, ...]
    tokens: str
    lesson: str

    def __post_init__(self) -> None:
        for field, known in (("takes", MODALITIES), ("gives", MODALITIES), ("fusion", tuple(FUSIONS))):
            unknown = [name for name in getattr(self, field) if name not in known]
            if unknown or not getattr(self, field):
                raise ValueError(f"{self.name}: {field} holds {unknown or 'nothing'}; there are {', '.join(known)}")
        month, _, rest = self.paper.partition(".")
        if not (len(month) == 4 and len(rest) == 5 and (month + rest).isdigit()):
            raise ValueError(f"{self.name}: {self.paper!r} is no arXiv number; one looks like 2010.11929")
        if self.year < 2000 + int(month[:2]):
            raise ValueError(f"{self.name}: of {self.year}, but arXiv:{self.paper} is of 20{month[:2]}")
        find(self.lesson)


SYSTEMS = (
    System(
        name="ViT",
        year=2021,
        paper="2010.11929",
        takes=("image",),
        gives=("class",),
        objective="classification",
        fusion=("none",),
        tokens="16 × 16 pixels a patch: 196 for 224 × 224, and a class token",
        lesson="01",
    ),
    System(
        name="CLIP",
        year=2021,
        paper="2103.00020",
        takes=("image", "text"),
        gives=("vector",),
        objective="contrastive: pictures and their captions",
        fusion=("shared space",),
        tokens="ViT-B/32: 49 patches for 224 × 224; text as byte pairs",
        lesson="02",
    ),
    System(
        name="ImageBind",
        year=2023,
        paper="2305.05665",
        takes=("image", "video", "text", "audio", "depth", "thermal", "motion"),
        gives=("vector",),
        objective="contrastive: images and each other modality",
        fusion=("shared space",),
        tokens="patches; audio as patches of its mel spectrogram",
        lesson="03",
    ),
    System(
        name="DALL-E",
        year=2021,
        paper="2102.12092",
        takes=("text",),
        gives=("image",),
        objective="reconstruction (discrete VAE), then next token",
        fusion=("early",),
        tokens="up to 256 of text, then 32 × 32 of image, from 8,192 codes",
        lesson="04",
    ),
    System(
        name="DALL-E 2 (unCLIP)",
        year=2022,
        paper="2204.06125",
        takes=("text", "image"),
        gives=("image",),
        objective="denoising (diffusion), for prior and decoder",
        fusion=("shared space", "conditioning"),
        tokens="one CLIP vector an image; pixels 64 × 64, then upsampled",
        lesson="05",
    ),
    System(
        name="VAR",
        year=2024,
        paper="2404.02905",
        takes=("class",),
        gives=("image",),
        objective="reconstruction (VQ-VAE), then next scale",
        fusion=("conditioning",),
        tokens="10 scales, 1 × 1 to 16 × 16: 680, from 4,096 codes",
        lesson="06",
    ),
    System(
        name="Flamingo",
        year=2022,
        paper="2204.14198",
        takes=("text", "image", "video"),
        gives=("text",),
        objective="next token",
        fusion=("queries", "deep"),
        tokens="64 an image or video, by a perceiver resampler",
        lesson="07",
    ),
    System(
        name="FROMAGe",
        year=2023,
        paper="2301.13823",
        takes=("text", "image"),
        gives=("text", "image"),
        objective="captioning and contrastive retrieval",
        fusion=("early",),
        tokens="1 an image; a learned [RET] token to retrieve one",
        lesson="08",
    ),
    System(
        name="BLIP-2",
        year=2023,
        paper="2301.12597",
        takes=("image", "text"),
        gives=("text",),
        objective="contrastive, matching and captioning; then next token",
        fusion=("queries", "early"),
        tokens="32 an image, by the Q-Former",
        lesson="09",
    ),
    System(
        name="LLaVA",
        year=2023,
        paper="2304.08485",
        takes=("image", "text"),
        gives=("text",),
        objective="next token of the answer (instruction tuning)",
        fusion=("early",),
        tokens="256 patches of 14 × 14 pixels; version 1.5: 576",
        lesson="10",
    ),
    System(
        name="GILL",
        year=2023,
        paper="2305.17216",
        takes=("text", "image"),
        gives=("text", "image"),
        objective="captioning, retrieval, and the image generator's text embedding",
        fusion=("early", "conditioning"),
        tokens="4 an image; 8 learned [IMG] tokens to retrieve or make one",
        lesson="11",
    ),
    System(
        name="MGIE",
        year=2024,
        paper="2309.17102",
        takes=("text", "image"),
        gives=("text", "image"),
        objective="next token of an expressive instruction; denoising",
        fusion=("early", "conditioning"),
        tokens="8 learned [IMG] tokens steer the editor",
        lesson="12",
    ),
    System(
        name="BAGEL",
        year=2025,
        paper="2505.14683",
        takes=("text", "image"),
        gives=("text", "image"),
        objective="next token; velocity (rectified flow)",
        fusion=("experts",),
        tokens="ViT patches to understand, 2 × 2 VAE latents to generate",
        lesson="13",
    ),
    System(
        name="Whisper's mel spectrogram",
        year=2022,
        paper="2212.04356",
        takes=("audio",),
        gives=("vector",),
        objective="none: computed, not learned",
        fusion=("none",),
        tokens="80 mel bins, 100 frames a second",
        lesson="14",
    ),
    System(
        name="EnCodec",
        year=2022,
        paper="2210.13438",
        takes=("audio",),
        gives=("audio",),
        objective="reconstruction, adversarial and commitment",
        fusion=("none",),
        tokens="at 24 kHz 75 frames a second, 2 to 32 codebooks of 1,024",
        lesson="15",
    ),
    System(
        name="Mimi",
        year=2024,
        paper="2410.00037",
        takes=("audio",),
        gives=("audio",),
        objective="adversarial, and distillation of a speech model",
        fusion=("none",),
        tokens="12.5 frames a second, 8 codebooks of 2,048",
        lesson="16",
    ),
    System(
        name="Qwen2-Audio",
        year=2024,
        paper="2407.10759",
        takes=("audio", "text"),
        gives=("text",),
        objective="next token; then preferences (DPO)",
        fusion=("early",),
        tokens="25 a second, from 128 mel bins",
        lesson="17",
    ),
    System(
        name="Qwen2.5-Omni",
        year=2025,
        paper="2503.20215",
        takes=("text", "image", "video", "audio"),
        gives=("text", "audio"),
        objective="next token, of text and of speech; then preferences (DPO)",
        fusion=("early",),
        tokens="audio 25 a second; images as patches",
        lesson="18",
    ),
    System(
        name="Moshi",
        year=2024,
        paper="2410.00037",
        takes=("audio",),
        gives=("text", "audio"),
        objective="next token of every stream",
        fusion=("streams",),
        tokens="12.5 steps a second of 17 streams: 1 text, 8 its voice, 8 the user's",
        lesson="19",
    ),
)

if twice := [name for name, count in Counter(system.name for system in SYSTEMS).items() if count > 1]:
    raise ValueError(f"registered twice: {', '.join(twice)}")


def systems(takes: str | None = None, gives: str | None = None) -> list[System]:
    """The systems of the course in the order of their lessons; with a modality, those that take or give it.

    Raises:
        ValueError: no such modality.
    """
    for modality in filter(None, (takes, gives)):
        if modality not in MODALITIES:
            raise ValueError(f"no modality is called {modality!r}; there are {', '.join(MODALITIES)}")
    return [s for s in SYSTEMS if (not takes or takes in s.takes) and (not gives or gives in s.gives)]


def field_map(takes: str | None = None, gives: str | None = None) -> None:
    """Show the systems of the course as a table, in a running notebook with menus for what goes in and comes out.

    Args:
        takes, gives: a modality of `MODALITIES` to begin with; by default all.

    Raises:
        ValueError: no such modality.
    """
    chosen = {"takes": takes or "", "gives": gives or ""}
    systems(takes, gives)  # an unknown modality is refused before anything is shown

    def controls():
        import ipywidgets

        menus = []
        for field, label in (("takes", "Goes in"), ("gives", "Comes out")):
            menu = ipywidgets.Dropdown(
                options=[("anything", ""), *((modality, modality) for modality in MODALITIES)],
                value=chosen[field],
                description=label,
                style={"description_width": "initial"},
            )
            menu.observe(lambda change, field=field: chosen.update({field: change.new}), names="value")
            menus.append(menu)
        return menus

    publish_live(lambda: _bundle(systems(**chosen), **chosen), controls)


def _bundle(shown: list[System], takes: str | None, gives: str | None) -> dict[str, str]:
    only = [f"with {takes} going in"] * bool(takes) + [f"with {gives} coming out"] * bool(gives)
    caption = " ".join([f"The map of the field: {len(shown)} of {len(SYSTEMS)} systems", " and ".join(only)]).strip()
    columns = ("System", "Year", "Goes in", "Comes out", "Objective", "Fusion", "Tokens", "Lesson")
    used = sorted({name for system in shown for name in system.fusion}, key=list(FUSIONS).index)
    legend = [f"{name}: {FUSIONS[name]}" for name in used]
    table = html_table(caption, columns, map(_row, shown))
    notes = "".join(f"<li>{line}</li>" for line in legend)
    return {
        "text/plain": "\n".join([caption, *map(_text, shown), "Fusion", *(f"  {line}" for line in legend)]),
        "text/html": f"{table}<p>How the modalities meet (fusion):</p><ul>{notes}</ul>",
    }


def _row(system: System) -> tuple[str, ...]:
    lesson = find(system.lesson)
    return (
        f"[{system.name}](https://arxiv.org/abs/{system.paper})",
        str(system.year),
        ", ".join(system.takes),
        ", ".join(system.gives),
        system.objective,
        ", ".join(system.fusion),
        system.tokens,
        f"[{lesson.number}]({lesson.file})" if lesson.landed else lesson.number,
    )


def _text(system: System) -> str:
    return (
        f"{system.name} ({system.year}, arXiv:{system.paper}, lesson {system.lesson})\n"
        f"  {', '.join(system.takes)} → {', '.join(system.gives)}; fusion: {', '.join(system.fusion)}\n"
        f"  objective: {system.objective}\n  tokens: {system.tokens}"
    )
