"""Makes the `spoken_emoji` set with espeak-ng, the same bytes each time: `mmlearn data build spoken_emoji`."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmlearn.data import building, emoji, rows, shards, sound, spoken_emoji
from mmlearn.data.emoji_rules import is_held_out
from mmlearn.data.shards import DataError
from mmlearn.data.spoken_emoji import LANGUAGES, SPLITS, VOICES, Voice

# Raise this when the code makes other bytes from the same names and libraries.
RECIPE = 1
LIBRARIES = ("numpy", "pyarrow", "scipy", "soundfile")
KBPS = 10
ESPEAK = "1.51"
DEBIAN = "1.51+dfsg-10+deb12u2"  # of the packages espeak-ng and espeak-ng-data
# Of what the first voice says to "red apple": another version, or other voice data, speaks otherwise.
PROBE = "red apple"
PROBE_SHA256 = "635e3c7e9082fced23efe1bec1d1cd41ba1705e1c0e5c87888397240dcf67e53"
SPEED_RANGE = 0.12  # a clip is up to this share faster or slower than its voice
PITCH_RANGE = 8  # and up to this much higher or lower


def build(out: str | Path | None = None) -> None:
    """Make the set in `out` (default: `data/spoken_emoji`); see `mmlearn.data.build`.

    Raises:
        DataError: espeak-ng is missing, or is not the version that the set was made with.
    """
    libraries = building.library_versions("spoken_emoji", LIBRARIES)
    espeak = find_espeak()
    home = Path(out) if out is not None else spoken_emoji.folder()
    print(f"Making the spoken_emoji set in {home}: about a minute a voice.")
    names, files = _read_names(), building.finished(home)
    for name, voice in VOICES.items():
        texts = [(row["codepoint"], row[f"label_{voice.language}"]) for row in names]
        recipe = building.recipe(RECIPE, KBPS, SPEED_RANGE, PITCH_RANGE, PROBE_SHA256, repr(voice), texts, libraries)
        make = lambda name=name, texts=texts: _make_parquet(espeak, name, texts)
        building.make_shard(home, "spoken_emoji", files, spoken_emoji.voice_file(name), recipe, make)
    wanted = [spoken_emoji.voice_file(name) for name in VOICES]
    manifest = {
        "name": "spoken_emoji",
        "files": {file: files[file] for file in wanted},
        "tools": {"espeak-ng": {"version": ESPEAK, "debian": DEBIAN, "licence": "GPL-3.0-or-later"}},
        "libraries": libraries,
        "counts": _count(building.read_without_audio(home, wanted)),
    }
    shards.write_manifest(home, manifest)
    building.write_generated(home / building.CARD, "counts", _card_lines(manifest["counts"]))


def check() -> list[str]:
    """What is wrong with the committed set: its files, its counts, its names, the card's numbers."""
    home = spoken_emoji.folder()
    problems = building.find_wrong_files(home)
    if problems:
        return problems
    texts = building.read_without_audio(home, map(spoken_emoji.voice_file, VOICES))
    problems = building.find_wrong_counts(home, _count(texts))
    labels = {language: {row["codepoint"]: row[f"label_{language}"] for row in _read_names()} for language in LANGUAGES}
    wrong = [row for row in texts if labels[row["language"]].get(row["codepoint"]) != row["text"]]
    if wrong:
        row = wrong[0]
        problems.append(
            f"{row['voice']} says {row['text']!r} to {row['codepoint']}, which is not its name in the emoji set. "
            f"{shards.mend(home, spoken_emoji.voice_file(row['voice']))}"
        )
    lines = _card_lines(shards.read_manifest(home)["counts"])
    return problems + building.find_outdated(home / building.CARD, "counts", lines)


def find_espeak() -> str:
    """The path of espeak-ng, once it has shown that it speaks as the set was made.

    Raises:
        DataError: it is missing, has another version, or speaks otherwise.
    """
    espeak = shutil.which("espeak-ng")
    wanted = f"version {ESPEAK}, Debian's packages espeak-ng and espeak-ng-data {DEBIAN}"
    if espeak is None:
        raise DataError(f"espeak-ng is needed to make the spoken_emoji set, and is not here. Install {wanted}.")
    said = subprocess.run([espeak, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"text-to-speech: (\S+)", said)
    if not found or found[1] != ESPEAK:
        raise DataError(
            f"This espeak-ng is version {found[1] if found else 'unknown'}, and speaks otherwise. Install {wanted}."
        )
    probe = shards.sha256(speak(espeak, next(iter(VOICES.values())), PROBE, speed=165, pitch=55))
    if probe != PROBE_SHA256:
        raise DataError(f"This espeak-ng has other voice data, and speaks otherwise: {probe}. Install {wanted}.")
    return espeak


def speak(espeak: str, voice: Voice, text: str, speed: int, pitch: int) -> bytes:
    """What espeak-ng makes of a text: a WAV file of 16 bits, whose header does not know its length."""
    command = [espeak, "-v", voice.espeak, "-s", str(speed), "-p", str(pitch), "--stdin", "--stdout"]
    done = subprocess.run(command, input=text.encode(), capture_output=True)
    if done.returncode or not done.stdout.startswith(b"RIFF") or len(done.stdout) <= 44:
        raise DataError(
            f"espeak-ng could not say {text!r} with the voice {voice.espeak}: {done.stderr.decode()[-300:]}"
        )
    return done.stdout


def prepare(wav: bytes) -> Tensor:
    """What espeak-ng made, as it is stored: float32 [T], 16 kHz, without the silence at its ends."""
    rate = int.from_bytes(wav[24:28], "little")
    values = np.frombuffer(wav, "<i2", offset=44).astype(np.float32) / 2**15
    return sound.trim(sound.resample(torch.from_numpy(values), rate, sound.RATE))


def vary(voice_name: str, codepoint: str) -> tuple[int, int]:
    """The speed and pitch of a clip: near those of its voice, and the same each time."""
    return near(VOICES[voice_name], f"{voice_name} {codepoint}", SPEED_RANGE, PITCH_RANGE)


def near(voice: Voice, name: str, speed_range: float, pitch_range: float) -> tuple[int, int]:
    """A speed and a pitch near those of a voice, decided by a name: at most this share and this much away."""
    digest = hashlib.sha256(name.encode()).digest()
    faster, higher = (2 * byte / 255 - 1 for byte in digest[:2])
    return round(voice.speed * (1 + speed_range * faster)), round(voice.pitch + pitch_range * higher)


def _make_parquet(espeak: str, name: str, texts: list[tuple[str, str]]) -> tuple[bytes, int]:
    from tqdm.auto import tqdm

    voice, clips = VOICES[name], []
    for codepoint, text in tqdm(texts, desc=f"{name:14}", unit="clip"):
        waveform_T = prepare(speak(espeak, voice, text, *vary(name, codepoint)))
        if not len(waveform_T):
            raise DataError(f"{name} says nothing to {text!r} ({codepoint}).")
        clips.append(
            {
                "codepoint": codepoint,
                "voice": name,
                "language": voice.language,
                "text": text,
                "audio": sound.encode(waveform_T, format="opus", kbps=KBPS),
                "seconds": len(waveform_T) / sound.RATE,
            }
        )
    return building.clips_parquet(clips)


def _read_names() -> list[dict]:
    """The names of all concepts of the committed emoji set, in its order."""
    columns = ["codepoint", *(f"label_{language}" for language in LANGUAGES)]
    return rows.read(emoji.folder(), emoji.CONCEPTS_FILE).select(columns).to_pylist()


def _count(texts: list[dict]) -> dict:
    """How many clips and minutes there are, in all, by voice, and by split and language."""
    splits = {}
    for split, (seen, held_out) in SPLITS.items():
        chosen = [
            row["language"]
            for row in texts
            if seen in (None, VOICES[row["voice"]].seen) and held_out in (None, is_held_out(row["codepoint"]))
        ]
        splits[split] = {language: chosen.count(language) for language in LANGUAGES}
    seconds = {name: [row["seconds"] for row in texts if row["voice"] == name] for name in VOICES}
    return {
        "clips": len(texts),
        "concepts": len({row["codepoint"] for row in texts}),
        "voices": {name: len(each) for name, each in seconds.items()},
        "minutes": {name: round(sum(each) / 60, 1) for name, each in seconds.items()},
        "splits": splits,
    }


def _card_lines(counts: dict) -> list[str]:
    """What stands between the marks of the card."""
    lines = [f"{counts['clips']:,} clips of {counts['concepts']:,} concepts."]
    voices = []
    for name, voice in VOICES.items():
        use = "train" if voice.seen else "held out"
        numbers = f"{counts['voices'][name]:,}", counts["minutes"][name]
        voices.append((f"`{name}`", voice.language, f"`{voice.espeak}`", use, *numbers))
    lines += building.table_lines("| Voice | Language | espeak-ng's name | Use | Clips | Minutes |", voices)
    clips = counts["splits"]
    splits = [(f"`{split}`", *(f"{clips[split][code]:,}" for code in LANGUAGES)) for split in SPLITS]
    return lines + building.table_lines("| Split | Clips, English | Clips, Russian |", splits)
