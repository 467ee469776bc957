"""The `keywords` set: single English words, synthetic to train on, real to test on. Card: `data/keywords/README.md`.

The words are those that a prompt of the `speech` set says alone; these prompts are the split `real`.
"""

from pathlib import Path

from mmlearn import paths
from mmlearn.data import rows, speech
from mmlearn.data.speech_rules import key
from mmlearn.data.spoken_emoji import Voice

LANGUAGE = "en"
VOICES = {
    "us-f2": Voice("en", "en-us+f2", 165, 55, seen=True),
    "us-m2": Voice("en", "en-us+m2", 155, 45, seen=True),
    "gb-m3": Voice("en", "en-gb+m3", 150, 40, seen=True),
    "gb-f1": Voice("en", "en-gb+f1", 160, 50, seen=True),
    "scotland-f5": Voice("en", "en-gb-scotland+f5", 175, 65, seen=True),
    "lancaster-m4": Voice("en", "en-gb-x-gbclan+m4", 160, 55, seen=True),
    "caribbean-m7": Voice("en", "en-029+m7", 160, 50, seen=True),
    "rp-m5": Voice("en", "en-gb-x-rp+m5", 150, 50, seen=True),
    "rp-f4": Voice("en", "en-gb-x-rp+f4", 170, 45, seen=False),
    "nyc-m1": Voice("en", "en-us-nyc+m1", 155, 65, seen=False),
}
SPLITS = {"train": True, "voices": False, "real": None, "all": None}  # split: whether its voices are the seen ones
# By the beginning of the prompt's name.
GROUPS = {
    "digits/h-": "ordinal",
    "digits/day-": "day",
    "digits/mon-": "month",
    "digits/": "number",
    "phonetic/": "alphabet",
    "letters/": "sign",
    "": "other",
}
NO_NUMBERS = ("at", "dollars", "minus", "pound", "star", "today", "tomorrow", "yesterday", "oh")  # among the digits
# Abbreviations that espeak-ng reads in another way than the actress, and a word that is spelled wrong.
DROPPED = ("dahdi", "fourtieth", "iax", "mgcp", "sip", "unistim", "zap")


def folder() -> Path:
    """Where the committed files are."""
    return paths.root() / "data" / "keywords"


def voice_file(voice: str) -> str:
    """The shard of a voice, relative to `folder()`."""
    return f"{voice}.parquet"


def load(split: str = "train", group: str | None = None):
    """The clips of a split, as a `datasets.Dataset`; `mmlearn.data.load` describes it."""
    rows.check_split("keywords", split, SPLITS)
    known = list(dict.fromkeys(GROUPS.values()))
    if group not in (None, *known):
        raise ValueError(f"group is one of {', '.join(known)}, or None for all, not {group!r}.")
    import pyarrow as pa
    import pyarrow.compute as pc

    if split == "real":
        table = _read_real()
    else:
        chosen = [name for name, voice in VOICES.items() if SPLITS[split] in (None, voice.seen)]
        table = pa.concat_tables([rows.read(folder(), voice_file(name)) for name in chosen])
    if group is not None:
        table = table.filter(pc.equal(table["group"], group))
    return rows.to_dataset(table.combine_chunks(), "keywords", split, credit())


def credit(voices=None) -> str:
    """The attribution of these voices (default: all, synthetic and real), in one line."""
    from mmlearn.data.speech_sources import SOURCES

    speaker = SOURCES[LANGUAGE].speaker
    unknown = sorted(set(voices or ()) - {*VOICES, speaker})
    if unknown:
        raise ValueError(f"The keywords set has no voice {unknown[0]!r}. It has: {', '.join([*VOICES, speaker])}.")
    parts = []
    if voices is None or set(voices) - {speaker}:
        parts.append("Synthetic speech by eSpeak NG. See data/keywords/README.md.")
    if voices is None or speaker in voices:
        parts.append(speech.credit([LANGUAGE]))
    return " ".join(parts)


def word_of(prompt: str, transcript: str) -> tuple[str, str] | None:
    """The word that a prompt says alone, and its group; None where it is no single word, or a dropped one."""
    word = key(transcript)
    if not word.isalpha() or len(word) < 2 or word in DROPPED:
        return None
    group = next(group for start, group in GROUPS.items() if prompt.startswith(start))
    return word, "other" if group == "number" and word in NO_NUMBERS else group


def vocabulary() -> dict[str, str]:
    """{word: its group} of all words of the set, in alphabetical order; of two prompts the first decides the group."""
    words: dict[str, str] = {}
    texts = rows.read(speech.folder(), speech.language_file(LANGUAGE)).select(["prompt", "transcript"])
    for row in texts.to_pylist():
        found = word_of(row["prompt"], row["transcript"])
        if found:
            words.setdefault(*found)
    return dict(sorted(words.items()))


def _read_real():
    """The prompts that say one of the words alone, in the columns of the synthetic clips."""
    import pyarrow as pa

    table, words = rows.read(speech.folder(), speech.language_file(LANGUAGE)), vocabulary()
    found = [word_of(*pair) for pair in zip(table["prompt"].to_pylist(), table["transcript"].to_pylist(), strict=True)]
    kept = [index for index, each in enumerate(found) if each]
    said = [found[index][0] for index in kept]
    table = table.take(pa.array(kept, pa.int64()))
    return pa.table(
        {
            "word": pa.array(said, pa.string()),
            "group": pa.array([words[word] for word in said], pa.string()),
            "voice": table["speaker"],
            "audio": table["audio"],
            "seconds": table["seconds"],
        }
    )
