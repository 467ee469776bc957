"""Makes the `stamps_audio` set from its pinned package, the same bytes each time: `mmlearn data build stamps_audio`."""

from collections import Counter
from pathlib import Path

import torch
from torch import Tensor

from mmlearn.data import building, shards, sound, stamps_audio
from mmlearn.data.shards import DataError
from mmlearn.data.stamps_audio import CAPTION_FILES, LONGEST_SOUND, SOUND_FILE
from mmlearn.data.stamps_rules import DROPPED_SOUNDS
from mmlearn.data.stamps_sources import PACKAGE, SOUND_CREDITS, SPEAKERS, UNNAMED, credits_table

# Raise this when the code makes other bytes from the same package and libraries.
RECIPE = 1
LIBRARIES = ("numpy", "pyarrow", "scipy", "soundfile")
CREDITS = "CREDITS.md"
KBPS = {"caption": 24, "sound": 40}  # a voice is simpler than a waterfall
FADE = 0.02  # seconds, where a sound is cut


def build(out: str | Path | None = None) -> None:
    """Make the set in `out` (default: `data/stamps_audio`); see `mmlearn.data.build`."""
    libraries = building.library_versions("stamps_audio", LIBRARIES)
    from mmlearn.data.stamps_files import read_stamps

    home = Path(out) if out is not None else stamps_audio.folder()
    print(f"Making the stamps_audio set in {home}. Reading the package; the first time, apt fetches 161 MB.")
    kept, files = read_stamps(), building.finished(home)
    for language, file in {None: SOUND_FILE, **CAPTION_FILES}.items():
        texts, members = describe(kept, language)
        recipe = building.recipe(RECIPE, KBPS, LONGEST_SOUND, PACKAGE.sha256, texts, libraries)
        make = lambda texts=texts, members=members: _make_parquet(texts, members)
        building.make_shard(home, "stamps_audio", files, file, recipe, make)
    manifest = {
        "name": "stamps_audio",
        "files": {file: files[file] for file in (SOUND_FILE, *CAPTION_FILES.values())},
        "packages": building.described([PACKAGE]),
        "libraries": libraries,
        "counts": _count(_read_texts(home)),
    }
    shards.write_manifest(home, manifest)
    building.write_generated(home / building.CARD, "counts", _card_lines(manifest["counts"]))
    building.write_generated(home / CREDITS, "credits", _credits_lines(_read_texts(home)))


def check() -> list[str]:
    """What is wrong with the committed set: its files, its counts, the card's numbers, the credits."""
    home = stamps_audio.folder()
    problems = building.find_wrong_files(home)
    if problems:
        return problems
    texts = _read_texts(home)
    problems = building.find_wrong_counts(home, _count(texts))
    lines = _card_lines(shards.read_manifest(home)["counts"])
    problems += building.find_outdated(home / building.CARD, "counts", lines)
    return problems + building.find_outdated(home / CREDITS, "credits", _credits_lines(texts))


def describe(stamps, language: str | None) -> tuple[list[dict], list[str]]:
    """The columns but `audio` and `seconds` of all spoken captions in a language (None: of the sounds), and members."""
    texts, members = [], []
    for stamp in stamps:
        member = stamp.sounds.get(language or "")
        if member is None or (language is None and stamp.name in DROPPED_SOUNDS):
            continue
        text = stamp.captions[language] if language else None
        if language and text is None:  # spoken, but nobody wrote down what is said
            continue
        kind = "caption" if language else "sound"
        texts.append({"name": stamp.name, "item": stamp.item, "kind": kind, "language": language, "text": text})
        members.append(member)
    return texts, members


def prepare(content: bytes, longest: float | None = None) -> Tensor:
    """A clip as it is stored: float32 [T], mono, 16 kHz, no silence at its ends; empty for a silent one.

    Args:
        longest: seconds; a longer clip is faded out there.
    """
    waveform_T = sound.decode(content)
    if not waveform_T.any():
        return waveform_T[:0]
    waveform_T = sound.trim(waveform_T)
    if longest is not None and len(waveform_T) > longest * sound.RATE:
        waveform_T = waveform_T[: round(longest * sound.RATE)]
        fade = round(FADE * sound.RATE)
        waveform_T[-fade:] *= torch.linspace(1, 0, fade)
    return waveform_T


def _make_parquet(texts: list[dict], members: list[str]) -> tuple[bytes, int]:
    from tqdm.auto import tqdm

    from mmlearn.data.stamps_files import read_contents

    contents, clips = read_contents(set(members)), []
    for row, member in tqdm(list(zip(texts, members, strict=True)), desc=texts[0]["kind"], unit="clip"):
        try:
            waveform_T = prepare(contents[member], LONGEST_SOUND if row["kind"] == "sound" else None)
        except ValueError as error:
            raise DataError(f"{member}: {error}") from None
        if len(waveform_T):  # four animals of the package are silent
            audio = sound.encode(waveform_T, format="opus", kbps=KBPS[row["kind"]])
            clips.append({**row, "audio": audio, "seconds": len(waveform_T) / sound.RATE})
    return building.clips_parquet(clips)


def _read_texts(home: Path) -> list[dict]:
    return building.read_without_audio(home, (SOUND_FILE, *CAPTION_FILES.values()))


def _count(texts: list[dict]) -> dict:
    """How many clips, stamps and minutes there are, in all and by kind and language."""
    each = Counter(_part(row) for row in texts)
    seconds = {part: sum(row["seconds"] for row in texts if _part(row) == part) for part in each}
    return {
        "clips": len(texts),
        "stamps": len({row["name"] for row in texts}),
        "parts": dict(each),
        "minutes": {part: round(total / 60, 1) for part, total in seconds.items()},
        "sounds_of_animals": sum(row["kind"] == "sound" and row["name"].startswith("animals/") for row in texts),
    }


def _part(row: dict) -> str:
    return f"captions, {row['language']}" if row["language"] else "sounds"


def _card_lines(counts: dict) -> list[str]:
    """What stands between the marks of the card."""
    lines = [
        f"{counts['clips']:,} clips of {counts['stamps']:,} stamps; "
        f"{counts['sounds_of_animals']} of the sounds are of animals."
    ]
    parts = [(part, f"{number:,}", counts["minutes"][part]) for part, number in sorted(counts["parts"].items())]
    return lines + building.table_lines("| Part | Clips | Minutes |", parts)


def _credits_lines(texts: list[dict]) -> list[str]:
    """Who spoke and who recorded, between the marks of the credits."""
    lines = [(f"captions, {language}", speaker, "the package's", "all") for language, speaker in SPEAKERS.items()]
    sounds = [row["name"] for row in texts if row["kind"] == "sound"]
    for credit, listed in credits_table(sounds, SOUND_CREDITS).items():
        who = credit.who if credit else f"{UNNAMED}: the log names nobody, or who made the picture"
        licence = (credit.licence if credit else "") or "not stated apart: the package's"
        lines.append(("sounds", who, licence, ", ".join(f"`{name}`" for name in listed)))
    return building.table_lines("| Part | Who | Licence or source, as the log states it | Stamps |", lines)[1:]
