"""Makes the `keywords` set with espeak-ng, the same bytes each time: `mmlearn data build keywords`."""

from pathlib import Path

from mmlearn.data import build_spoken_emoji, building, keywords, shards, sound
from mmlearn.data.build_spoken_emoji import DEBIAN, ESPEAK, PROBE_SHA256, find_espeak, prepare, speak
from mmlearn.data.keywords import GROUPS, SPLITS, VOICES, vocabulary
from mmlearn.data.shards import DataError

# Raise this when the code makes other bytes from the same words and libraries.
RECIPE = 1
LIBRARIES = ("numpy", "pyarrow", "scipy", "soundfile")
KBPS = 12
TIMES = 2  # that each voice says each word, at another speed and pitch
SPEED_RANGE = 0.2  # a clip is up to this share faster or slower than its voice
PITCH_RANGE = 15  # and up to this much higher or lower


def build(out: str | Path | None = None) -> None:
    """Make the set in `out` (default: `data/keywords`); see `mmlearn.data.build`.

    Raises:
        DataError: espeak-ng is missing, or is not the version that the set was made with.
    """
    libraries = building.library_versions("keywords", LIBRARIES)
    espeak = find_espeak()
    home = Path(out) if out is not None else keywords.folder()
    print(f"Making the keywords set in {home}: less than a minute a voice.")
    words, files = vocabulary(), building.finished(home)
    for name, voice in VOICES.items():
        settings = KBPS, TIMES, SPEED_RANGE, PITCH_RANGE, PROBE_SHA256
        recipe = building.recipe(RECIPE, settings, repr(voice), words, libraries)
        make = lambda name=name: make_parquet(espeak, name, words)
        building.make_shard(home, "keywords", files, keywords.voice_file(name), recipe, make)
    wanted = [keywords.voice_file(name) for name in VOICES]
    manifest = {
        "name": "keywords",
        "files": {file: files[file] for file in wanted},
        "tools": {"espeak-ng": {"version": ESPEAK, "debian": DEBIAN, "licence": "GPL-3.0-or-later"}},
        "libraries": libraries,
        "counts": _count(building.read_without_audio(home, wanted)),
    }
    shards.write_manifest(home, manifest)
    building.write_generated(home / building.CARD, "counts", _card_lines(manifest["counts"]))


def check() -> list[str]:
    """What is wrong with the committed set: its files, its counts, its words, the card's numbers."""
    home = keywords.folder()
    problems = building.find_wrong_files(home)
    if problems:
        return problems
    texts = building.read_without_audio(home, map(keywords.voice_file, VOICES))
    problems = building.find_wrong_counts(home, _count(texts))
    if {row["word"]: row["group"] for row in texts} != vocabulary():
        problems.append(f"The words are not those that prompts of the speech set say alone. {shards.mend(home, '')}")
    lines = _card_lines(shards.read_manifest(home)["counts"])
    return problems + building.find_outdated(home / building.CARD, "counts", lines)


def vary(name: str, word: str, time: int) -> tuple[int, int]:
    """The speed and pitch of a clip: near those of its voice, and the same each time."""
    return build_spoken_emoji.near(VOICES[name], f"{name} {word} {time}", SPEED_RANGE, PITCH_RANGE)


def make_parquet(espeak: str, name: str, words: dict[str, str]) -> tuple[bytes, int]:
    """A voice's shard and its number of rows; `words` has the group of each word."""
    from tqdm.auto import tqdm

    clips = []
    for word, group in tqdm(words.items(), desc=f"{name:14}", unit="word"):
        for time in range(TIMES):
            waveform_T = prepare(speak(espeak, VOICES[name], word, *vary(name, word, time)))
            if not len(waveform_T):
                raise DataError(f"{name} says nothing to {word!r}.")
            audio = sound.encode(waveform_T, format="opus", kbps=KBPS)
            seconds = len(waveform_T) / sound.RATE
            clips.append({"word": word, "group": group, "voice": name, "audio": audio, "seconds": seconds})
    return building.clips_parquet(clips)


def _count(texts: list[dict]) -> dict:
    """How many clips, words and minutes there are, in all, by voice, by split and by group."""
    voices = {name: [row for row in texts if row["voice"] == name] for name in VOICES}
    groups = {row["word"]: row["group"] for row in texts}
    named = list(dict.fromkeys(GROUPS.values()))
    real = keywords.load("real").remove_columns("audio").to_list()
    splits = {
        split: len(real)
        if split == "real"
        else sum(SPLITS[split] in (None, VOICES[row["voice"]].seen) for row in texts)
        for split in SPLITS
    }
    return {
        "clips": len(texts),
        "words": len(groups),
        "minutes": {name: round(sum(row["seconds"] for row in each) / 60, 1) for name, each in voices.items()},
        "splits": splits,
        "groups": {name: [sum(each == name for each in groups.values()), _in(real, name)] for name in named},
    }


def _in(rows: list[dict], group: str) -> int:
    return sum(row["group"] == group for row in rows)


def _card_lines(counts: dict) -> list[str]:
    """What stands between the marks of the card."""
    lines = [f"{counts['clips']:,} clips of {counts['words']} words."]
    voices = []
    for name, voice in VOICES.items():
        use = "train" if voice.seen else "held out"
        voices.append((f"`{name}`", f"`{voice.espeak}`", use, counts["minutes"][name]))
    lines += building.table_lines("| Voice | espeak-ng's name | Use | Minutes |", voices)
    splits = [(f"`{split}`", f"{counts['splits'][split]:,}") for split in SPLITS]
    lines += building.table_lines("| Split | Clips |", splits)
    groups = [(f"`{name}`", *counts["groups"][name]) for name in dict.fromkeys(GROUPS.values())]
    return lines + building.table_lines("| Group | Words | Real clips |", groups)
