"""Makes the `speech` set from its pinned packages, the same bytes each time: `mmlearn data build speech`."""

from pathlib import Path

import torch
from torch import Tensor

from mmlearn.data import building, g722, shards, sound, speech
from mmlearn.data.packages import fetch, list_members, read_members
from mmlearn.data.speech import LANGUAGES, LOSSLESS_FILE, LOSSLESS_LANGUAGE, SPLITS
from mmlearn.data.speech_rules import LONGEST, clean, key, read_transcripts, split_groups, split_of
from mmlearn.data.speech_sources import SOURCES

# Raise this when the code makes other bytes from the same packages and libraries.
RECIPE = 1
LIBRARIES = ("numpy", "pyarrow", "scipy", "soundfile")
CREDITS = "CREDITS.md"
KBPS = 20
SHORTEST = 0.1  # seconds; less is no word
KEEP = 0.05  # seconds of silence that stay at either end
SUFFIX = ".g722"
PACKAGES = tuple(package for source in SOURCES.values() for package in (source.texts, source.sounds))


def build(out: str | Path | None = None) -> None:
    """Make the set in `out` (default: `data/speech`); see `mmlearn.data.build`."""
    libraries = building.library_versions("speech", LIBRARIES)
    home = Path(out) if out is not None else speech.folder()
    print(
        f"Making the speech set in {home}. The first time, apt fetches 55 MB; decoding takes half a minute a language."
    )
    rows, files = describe_all(), building.finished(home)
    for file, chosen, form in _shards(rows):
        settings = KBPS, LONGEST, SHORTEST, KEEP, form
        recipe = building.recipe(RECIPE, settings, [p.sha256 for p in PACKAGES], chosen, libraries)
        make = lambda chosen=chosen, form=form: make_parquet(chosen, form)
        building.make_shard(home, "speech", files, file, recipe, make)
    wanted = [file for file, _, _ in _shards(rows)]
    manifest = {
        "name": "speech",
        "files": {file: files[file] for file in wanted},
        "packages": building.described(PACKAGES),
        "libraries": libraries,
        "counts": _count(home),
    }
    shards.write_manifest(home, manifest)
    building.write_generated(home / building.CARD, "counts", _card_lines(manifest["counts"]))
    building.write_generated(home / CREDITS, "credits", _credits_lines())


def check() -> list[str]:
    """What is wrong with the committed set: its files, its counts, its splits, the card's numbers, the credits."""
    home = speech.folder()
    problems = building.find_wrong_files(home)
    if problems:
        return problems
    problems = building.find_wrong_counts(home, _count(home)) + _find_leaks(home)
    lines = _card_lines(shards.read_manifest(home)["counts"])
    problems += building.find_outdated(home / building.CARD, "counts", lines)
    return problems + building.find_outdated(home / CREDITS, "credits", _credits_lines())


def describe_all() -> list[dict]:
    """The columns but `audio` and `seconds` of all prompts that the rules keep, by language and prompt."""
    rows = []
    for language in LANGUAGES:
        said, there = _transcripts(language), _prompts(language)
        for prompt in sorted(there):
            text = clean(language, prompt, said.get(prompt, ""))
            if text is not None:
                speaker = SOURCES[language].speaker
                rows.append({"prompt": prompt, "language": language, "speaker": speaker, "transcript": text})
    groups = split_groups((row["language"], row["prompt"], row["transcript"]) for row in rows)
    return [{**row, "split": split_of(group)} for row, group in zip(rows, groups, strict=True)]


def decode(language: str, prompts: list[str]) -> dict[str, Tensor]:
    """The waveforms of clips, trimmed, by prompt; without those that are too long or too short."""
    members = {_member(language, prompt): prompt for prompt in prompts}
    contents = read_members(fetch(SOURCES[language].sounds), set(members))
    most = LONGEST * g722.BYTES_PER_SECOND
    kept = {members[member]: content for member, content in contents.items() if 0 < len(content) <= most}
    print(f"Decoding {len(kept):,} clips of {language}.")
    waveforms = {}
    for prompt, samples in zip(kept, g722.decode(list(kept.values())), strict=True):
        waveform_T = sound.trim(torch.from_numpy(samples).float() / 2**15, keep=KEEP)
        if len(waveform_T) >= SHORTEST * sound.RATE:
            waveforms[prompt] = waveform_T
    return waveforms


def make_parquet(rows: list[dict], form: str) -> tuple[bytes, int]:
    """The bytes of a shard of one language and its number of rows; `form` is "opus" or "flac"."""
    from tqdm.auto import tqdm

    waveforms, clips = decode(rows[0]["language"], [row["prompt"] for row in rows]), []
    for row in tqdm(rows, desc=f"{rows[0]['language']} {form}", unit="clip"):
        waveform_T = waveforms.get(row["prompt"])
        if waveform_T is not None:
            audio = sound.encode(waveform_T, format=form, kbps=KBPS)
            clips.append({**row, "audio": audio, "seconds": len(waveform_T) / sound.RATE})
    return building.clips_parquet(clips)


def _shards(rows: list[dict]) -> list[tuple[str, list[dict], str]]:
    """The shards: file, rows, and the form of their sounds."""
    of = lambda code: [row for row in rows if row["language"] == code]
    each = [(speech.language_file(code), of(code), "opus") for code in LANGUAGES]
    tested = [row for row in rows if row["language"] == LOSSLESS_LANGUAGE and row["split"] == SPLITS["lossless"]]
    return [*each, (LOSSLESS_FILE, tested, "flac")]


def _transcripts(language: str) -> dict[str, str]:
    import gzip

    name = f"asterisk-core-sounds-{language}"
    member = f"./usr/share/doc/{name}/core-sounds-{language}.txt.gz"
    return read_transcripts(gzip.decompress(read_members(fetch(SOURCES[language].texts), {member})[member]))


def _prompts(language: str) -> list[str]:
    root = _member(language, "").removesuffix(SUFFIX)
    members = list_members(fetch(SOURCES[language].sounds))
    return [each.removeprefix(root).removesuffix(SUFFIX) for each in members if each.endswith(SUFFIX)]


def _member(language: str, prompt: str) -> str:
    return f"./usr/share/asterisk/sounds/{SOURCES[language].folder}/{prompt}{SUFFIX}"


def _read_texts(home: Path) -> list[dict]:
    return building.read_without_audio(home, map(speech.language_file, LANGUAGES))


def _find_leaks(home: Path) -> list[str]:
    """A sentence where the same words, or one prompt in two languages, stand in two splits."""
    seen: dict[tuple[str, str], str] = {}
    for row in _read_texts(home):
        for name in (("prompt", row["prompt"].casefold()), ("words", key(row["transcript"]))):
            if seen.setdefault(name, row["split"]) != row["split"]:
                return [f"{name[1]!r} stands in two splits. {shards.mend(home, '')}"]
    return []


def _count(home: Path) -> dict:
    """How many clips and minutes there are, by language and split."""
    texts = _read_texts(home)
    counts = {
        code: {split: sum((row["language"], row["split"]) == (code, split) for row in texts) for split in _marks()}
        for code in LANGUAGES
    }
    minutes = {code: sum(row["seconds"] for row in texts if row["language"] == code) / 60 for code in LANGUAGES}
    return {
        "clips": len(texts),
        "lossless": len(building.read_without_audio(home, [LOSSLESS_FILE])),
        "splits": counts,
        "minutes": {code: round(each, 1) for code, each in minutes.items()},
    }


def _marks() -> list[str]:
    return list(dict.fromkeys(mark for mark in SPLITS.values() if mark))


def _card_lines(counts: dict) -> list[str]:
    """What stands between the marks of the card."""
    lines = [f"{counts['clips']:,} clips of {len(LANGUAGES)} languages, {sum(counts['minutes'].values()):.0f} minutes."]
    table = []
    for code in LANGUAGES:
        clips = (counts["splits"][code][mark] for mark in _marks())
        table.append((code, f"`{SOURCES[code].speaker}`", *clips, counts["minutes"][code]))
    heads = "".join(f" `{mark}` |" for mark in _marks())
    lines += building.table_lines(f"| Language | Speaker |{heads} Minutes |", table)
    return [*lines, "", f"`lossless`: the {counts['lossless']} English clips of `test` once more, as FLAC."]


def _credits_lines() -> list[str]:
    """Who spoke, and under which licence, between the marks of the credits."""
    table = [(f"`{speech.language_file(code)}`", SOURCES[code].who, SOURCES[code].licence) for code in LANGUAGES]
    source = SOURCES[LOSSLESS_LANGUAGE]
    table.append((f"`{LOSSLESS_FILE}`", source.who, source.licence))
    return building.table_lines("| File | Who | Licence |", table)[1:]
