"""All lessons of the course, planned ones too: what each is called, what it builds on, and how long it takes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

# Prose is read silently at about 238 words a minute (Brysbaert 2019, a mean over 190 studies). Here less than half of
# that is reckoned with: one stops at a formula, and the code between the words is read too but not counted.
WORDS_A_MINUTE = 100
RUNS = "data/run-all.csv"  # what tests/benchmarks/lessons.py measured


class Run(NamedTuple):
    """What *Run All Cells* takes on two cores: seconds, and GiB of the largest process at its peak."""

    seconds: float
    gib: float

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s, {self.gib:.1f} GiB"


@dataclass(frozen=True)
class Lesson:
    """A lesson, written or planned.

    Attributes:
        number: two digits, `"01"`.
        name: of its files: `"vit"` for `01_vit.ipynb`.
        title: what it is called in tables.
        part: of the course.
        needs: numbers of the lessons that it builds on directly.
    """

    number: str
    name: str
    title: str
    part: str
    needs: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The name of its files without their ending: `"01_vit"`."""
        return f"{self.number}_{self.name}"

    @property
    def file(self) -> str:
        """Its notebook's name, in `lessons/`, `solutions/` and `work/`: a link from any other lesson."""
        return f"{self.stem}.ipynb"

    @property
    def landed(self) -> bool:
        """Whether it is here, or only planned."""
        return self._path.exists()

    @property
    def reading(self) -> int:
        """Minutes to read the lesson. Raises FileNotFoundError where it has not landed."""
        return reading_minutes(json.loads(self._path.read_text(encoding="utf-8")))

    @property
    def exercising(self) -> int:
        """Minutes for all of its exercises together."""
        from mmlearn.course.registry import exercises

        return sum(exercise.minutes for exercise in exercises(self.number))

    @property
    def run(self) -> Run | None:
        """What running it took when it was last measured; None where it was not."""
        from mmlearn.data.tables import read_table
        from mmlearn.paths import root

        file = root() / RUNS
        # The number is read as a number: 00 comes back as 0.
        for row in read_table(file) if file.exists() else ():
            if row["lesson"] == int(self.number):
                return Run(row["seconds"], row["gib"])
        return None

    @property
    def _path(self):
        from mmlearn.paths import root

        return root() / "lessons" / self.file


IMAGES, GENERATION = "Image understanding", "Image generation without an LLM"
LLM_IN, LLM_OUT = "LLM-based understanding", "LLM-based generation and editing"
AUDIO, TALK = "Audio representations and codecs", "Conversational audio models"

LESSONS = (
    Lesson("00", "start_here", "Start here", "Start"),
    Lesson("01", "vit", "Vision Transformer (ViT)", IMAGES, ("00",)),
    Lesson("02", "clip", "CLIP", IMAGES, ("01",)),
    Lesson("03", "imagebind", "ImageBind", IMAGES, ("02",)),
    Lesson("04", "dalle", "DALL-E", GENERATION, ("02",)),
    Lesson("05", "unclip", "DALL-E 2 (unCLIP)", GENERATION, ("04",)),
    Lesson("06", "var", "VAR", GENERATION, ("04",)),
    Lesson("07", "flamingo", "Fusion and Flamingo", LLM_IN, ("02",)),
    Lesson("08", "fromage", "FROMAGe", LLM_IN, ("07",)),
    Lesson("09", "blip2", "BLIP-2", LLM_IN, ("07",)),
    Lesson("10", "llava", "LLaVA", LLM_IN, ("08", "09")),
    Lesson("11", "gill", "GILL", LLM_OUT, ("05", "08")),
    Lesson("12", "mgie", "MGIE", LLM_OUT, ("10", "11")),
    Lesson("13", "bagel", "BAGEL", LLM_OUT, ("06", "12")),
    Lesson("14", "mel", "Waveform and mel spectrogram", AUDIO, ("00",)),
    Lesson("15", "encodec", "EnCodec", AUDIO, ("14",)),
    Lesson("16", "mimi", "Mimi", AUDIO, ("15",)),
    Lesson("17", "qwen2_audio", "Qwen2-Audio", TALK, ("10", "14")),
    Lesson("18", "qwen2_5_omni", "Qwen2.5-Omni", TALK, ("15", "17")),
    Lesson("19", "moshi", "Moshi", TALK, ("16", "18")),
    Lesson("20", "next", "Where to go next", "End", ("13", "19")),
)


def lessons() -> list[Lesson]:
    """All lessons in their order, planned ones too."""
    return list(LESSONS)


def find(number: str) -> Lesson:
    """The lesson with this number.

    Raises:
        ValueError: there is none; the message says which there are.
    """
    for lesson in LESSONS:
        if lesson.number == number:
            return lesson
    raise ValueError(f'no lesson has the number {number!r}: there are "{LESSONS[0].number}" to "{LESSONS[-1].number}"')


def reading_minutes(notebook: Mapping[str, Any]) -> int:
    """Minutes to read a notebook's text, at least 1. Tables are left out: one looks something up in them.

    Args:
        notebook: as nbformat or JSON gives it.
    """
    texts = ("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    lines = (line for text in texts for line in text.split("\n") if not line.startswith("|"))
    return max(1, round(sum(len(line.split()) for line in lines) / WORDS_A_MINUTE))
