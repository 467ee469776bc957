"""The `music` set: excerpts of five tracks by three artists. Its card is `data/music/README.md`."""

from dataclasses import dataclass
from pathlib import Path

from mmlearn import paths
from mmlearn.data import rows
from mmlearn.data.packages import DebianPackage

PACKAGE = DebianPackage(
    name="asterisk-moh-opsound-g722",
    version="2.03-1.1",
    sha256="8d6b39d6f2e8feff54a042c4a25e1b72f3e2478d05ee372c92f77446fa0b1671",
    licence="CC-BY-SA-3.0",
    author="Paul Shuler (Macroform), Manolo Camp, Reno Project",
)


@dataclass(frozen=True)
class Track:
    """A track: its name is that of the package's file."""

    artist: str
    title: str
    split: str


MACROFORM = "Paul Shuler (Macroform)"
TRACKS = {
    "macroform-cold_day": Track(MACROFORM, "Cold Day", "train"),
    "macroform-robot_dity": Track(MACROFORM, "Robot Dity", "train"),
    "macroform-the_simplicity": Track(MACROFORM, "The Simplicity", "train"),
    "manolo_camp-morning_coffee": Track("Manolo Camp", "Morning Coffee", "valid"),
    "reno_project-system": Track("Reno Project", "System", "test"),
}
FILE, LOSSLESS_FILE = "excerpts.parquet", "lossless.parquet"
SPLITS = {"train": "train", "valid": "valid", "test": "test", "lossless": "test", "all": None}  # split: its mark


def folder() -> Path:
    """Where the committed files are."""
    return paths.root() / "data" / "music"


def load(split: str = "train"):
    """The excerpts of a split, as a `datasets.Dataset`; `mmlearn.data.load` describes it."""
    rows.check_split("music", split, SPLITS)
    import pyarrow.compute as pc

    table = rows.read(folder(), LOSSLESS_FILE if split == "lossless" else FILE)
    if SPLITS[split] is not None:
        table = table.filter(pc.equal(table["split"], SPLITS[split]))
    return rows.to_dataset(table.combine_chunks(), "music", split, credit())


def credit(tracks=None) -> str:
    """The attribution of these tracks (default: all), in one line."""
    unknown = sorted(set(tracks or ()) - set(TRACKS))
    if unknown:
        raise ValueError(f"The music set has no track {unknown[0]!r}. It has: {', '.join(TRACKS)}.")
    chosen = [track for name, track in TRACKS.items() if tracks is None or name in tracks]
    titles: dict[str, list[str]] = {}
    for track in chosen:
        titles.setdefault(track.artist, []).append(f'"{track.title}"')
    makers = "; ".join(f"{artist}: {', '.join(each)}" for artist, each in titles.items())
    return f"Excerpts of music ({PACKAGE.licence}), mono, at 16 kHz: {makers}. See data/music/CREDITS.md."
