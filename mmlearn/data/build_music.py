"""Makes the `music` set from its pinned package, the same bytes each time: `mmlearn data build music`."""

from collections import Counter
from pathlib import Path

import torch

from mmlearn.data import building, g722, music, shards, sound
from mmlearn.data.music import FILE, LOSSLESS_FILE, PACKAGE, SPLITS, TRACKS
from mmlearn.data.packages import fetch, read_members

# Raise this when the code makes other bytes from the same package and libraries.
RECIPE = 1
LIBRARIES = ("numpy", "pyarrow", "scipy", "soundfile")
CREDITS = "CREDITS.md"
KBPS = 48
SECONDS = 30
EXCERPTS = 4  # of a track, at most
RUN_IN = 2  # seconds decoded before an excerpt: a decoder that begins in the middle gives the right samples after 0.5
FADE = 0.02  # seconds, at either end


def build(out: str | Path | None = None) -> None:
    """Make the set in `out` (default: `data/music`); see `mmlearn.data.build`."""
    libraries = building.library_versions("music", LIBRARIES)
    home = Path(out) if out is not None else music.folder()
    print(f"Making the music set in {home}. The first time, apt fetches 8 MB; decoding takes about a minute.")
    files = building.finished(home)
    for file, form in ((FILE, "opus"), (LOSSLESS_FILE, "flac")):
        names = [name for name, track in TRACKS.items() if form == "opus" or track.split == SPLITS["lossless"]]
        settings = KBPS, SECONDS, EXCERPTS, RUN_IN, FADE, form
        recipe = building.recipe(
            RECIPE, settings, PACKAGE.sha256, {name: repr(TRACKS[name]) for name in names}, libraries
        )
        make = lambda names=names, form=form: make_parquet(read_tracks(names), form)
        building.make_shard(home, "music", files, file, recipe, make)
    manifest = {
        "name": "music",
        "files": {file: files[file] for file in (FILE, LOSSLESS_FILE)},
        "packages": building.described([PACKAGE]),
        "libraries": libraries,
        "counts": _count(home),
    }
    shards.write_manifest(home, manifest)
    building.write_generated(home / building.CARD, "counts", _card_lines(manifest["counts"]))
    building.write_generated(home / CREDITS, "credits", _credits_lines())


def check() -> list[str]:
    """What is wrong with the committed set: its files, its counts, the card's numbers, the credits."""
    home = music.folder()
    problems = building.find_wrong_files(home)
    if problems:
        return problems
    problems = building.find_wrong_counts(home, _count(home))
    lines = _card_lines(shards.read_manifest(home)["counts"])
    problems += building.find_outdated(home / building.CARD, "counts", lines)
    return problems + building.find_outdated(home / CREDITS, "credits", _credits_lines())


def read_tracks(names: list[str]) -> dict[str, bytes]:
    """The coded tracks: G.722, 8,000 bytes a second."""
    members = {f"./usr/share/asterisk/moh/{name}.g722": name for name in names}
    found = read_members(fetch(PACKAGE), set(members))
    return {name: found[member] for member, name in members.items()}


def choose_starts(seconds: float) -> list[int]:
    """Where the excerpts of a track begin, in whole seconds: spread evenly, none overlapping another."""
    count = min(EXCERPTS, int(seconds // SECONDS))
    return [round((index + 0.5) * seconds / count - SECONDS / 2) for index in range(count)]


def make_parquet(tracks: dict[str, bytes], form: str) -> tuple[bytes, int]:
    """A shard's bytes and its number of rows; `form` is "opus" or "flac"."""
    each = g722.BYTES_PER_SECOND
    places = [(name, start) for name, coded in tracks.items() for start in choose_starts(len(coded) / each)]
    pieces = [tracks[name][max(0, start - RUN_IN) * each : (start + SECONDS) * each] for name, start in places]
    clips = []
    for (name, start), samples in zip(places, g722.decode(pieces), strict=True):
        waveform_T = torch.from_numpy(samples[-SECONDS * g722.RATE :]).float() / 2**15
        ramp = torch.linspace(0, 1, round(FADE * g722.RATE))
        waveform_T[: len(ramp)] *= ramp
        waveform_T[-len(ramp) :] *= ramp.flip(0)
        track = TRACKS[name]
        clips.append(
            {
                "track": name,
                "artist": track.artist,
                "title": track.title,
                "start": start,
                "split": track.split,
                "audio": sound.encode(waveform_T, format=form, kbps=KBPS),
                "seconds": len(waveform_T) / sound.RATE,
            }
        )
    return building.clips_parquet(clips)


def _count(home: Path) -> dict:
    """How many excerpts there are, in all, by track and by split."""
    texts = building.read_without_audio(home, [FILE])
    tracks = Counter(row["track"] for row in texts)
    return {
        "clips": len(texts),
        "lossless": len(building.read_without_audio(home, [LOSSLESS_FILE])),
        "minutes": round(sum(row["seconds"] for row in texts) / 60, 1),
        "tracks": {name: tracks[name] for name in TRACKS},
    }


def _card_lines(counts: dict) -> list[str]:
    """What stands between the marks of the card."""
    lines = [f"{counts['clips']:,} clips of {len(TRACKS)} tracks, {SECONDS} seconds each, {counts['minutes']} minutes."]
    table = [(f"`{name}`", each.artist, f"`{each.split}`", counts["tracks"][name]) for name, each in TRACKS.items()]
    lines += building.table_lines("| Track | Artist | Split | Excerpts |", table)
    return [*lines, "", f"`lossless`: the {counts['lossless']} excerpts of `test` once more, as FLAC."]


def _credits_lines() -> list[str]:
    """Who made which track, between the marks of the credits."""
    table = [(f"`{name}`", track.title, track.artist, PACKAGE.licence) for name, track in TRACKS.items()]
    return building.table_lines("| Track | Title | By | Licence |", table)[1:]
