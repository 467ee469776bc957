"""The learner's own copies of the lessons: made once, and never written again unless the learner asks for it."""

import json
from collections.abc import Sequence
from datetime import date
from itertools import count
from pathlib import Path

from mmlearn.data.shards import sha256
from mmlearn.files import write_whole

RECORD = ".copies.json"


def make_copies(lessons: Path, work: Path) -> list[str]:
    """Copy each lesson that `work` does not have yet, and tell what is newer in the course than in its copy.

    `work/.copies.json` holds, for every copy, the sha256 of the lesson that it was made from. A copy without an entry
    counts as one of today's lesson. Nothing else in `work` is written.

    Args:
        lessons: the folder of the student notebooks, `NN_name.ipynb`.
        work: the learner's folder; made if missing.

    Returns:
        Sentences for the learner; the first one counts the copies.

    Raises:
        FileNotFoundError: there are no lessons to copy.
        OSError: `work` cannot be written.
    """
    sources = _sources(lessons)
    new = [name for name in sources if not (work / name).exists()]
    for name in new:
        write_whole(work / name, sources[name])
    today = {name: sha256(content) for name, content in sources.items()}
    _write(work / RECORD, today | _read(work / RECORD) | {name: today[name] for name in new})
    kept, older = len(sources) - len(new), find_older(lessons, work)
    copied, left = f"{len(new)} copied to work/", f"{kept} in work/ are yours and stay as they are"
    return [", ".join([copied] * bool(new) + [left] * bool(kept)), *([_newer(older)] if older else [])]


def find_older(lessons: Path, work: Path) -> list[str]:
    """The numbers of the lessons that are newer in the course than their copies in `work`. Nothing is written.

    Raises:
        FileNotFoundError: there are no lessons.
    """
    sources, made_from = _sources(lessons), _read(work / RECORD)
    copied = {name: sha256(content) for name, content in sources.items() if (work / name).exists()}
    return [name[:2] for name, version in copied.items() if made_from.get(name, version) != version]


def reset(numbers: Sequence[str], lessons: Path, work: Path) -> list[str]:
    """Give the learner fresh copies of lessons. What stood in their place is kept beside them, under another name.

    Args:
        numbers: of the lessons: `["01", "02"]`.
        lessons, work: as in `make_copies`.

    Returns:
        A sentence for each lesson.

    Raises:
        ValueError: there is no lesson of that number; the message lists all, and nothing was written.
        FileNotFoundError: there are no lessons.
        OSError: `work` cannot be written. No copy is lost.
    """
    sources = {name[:2]: (name, content) for name, content in _sources(lessons).items()}
    for number in numbers:
        if number not in sources:
            known = ", ".join(name.removesuffix(".ipynb") for name, _ in sources.values())
            raise ValueError(f"There is no lesson {number!r}. There is: {known}. Give its number, such as 01.")
    return [_renew(work, *sources[number]) for number in dict.fromkeys(numbers)]


def _renew(work: Path, name: str, content: bytes) -> str:
    copy, said = work / name, "there was no copy of it"
    if copy.exists():
        before = copy.read_bytes()
        if before == content:
            return f"lesson {name[:2]} is fresh already"
        aside = _aside(copy)
        write_whole(aside, before)  # and not renamed: where the disk is full, the copy stays where it is
        said = f"what you had is in work/{aside.name}"
    write_whole(copy, content)
    _write(work / RECORD, _read(work / RECORD) | {name: sha256(content)})
    return f"lesson {name[:2]} is fresh; {said}"


def _aside(copy: Path) -> Path:
    """A name that no file has: `01_vit.before-2026-01-31.ipynb`, then `...-31-2.ipynb`."""
    stem = f"{copy.stem}.before-{date.today()}"
    names = (f"{stem}.ipynb" if number == 1 else f"{stem}-{number}.ipynb" for number in count(1))
    return next(path for path in map(copy.with_name, names) if not path.exists())


def _sources(lessons: Path) -> dict[str, bytes]:
    """The lessons' notebooks by file name, in their order."""
    sources = {path.name: path.read_bytes() for path in sorted(lessons.glob("[0-9][0-9]_*.ipynb"))}
    if not sources:
        raise FileNotFoundError(f"{lessons} holds no lessons. Mend it with `git checkout -- {lessons.name}`.")
    return sources


def _read(record: Path) -> dict[str, str]:
    """Versions by file name; empty where the record is missing or is none."""
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(record: Path, made_from: dict[str, str]) -> None:
    if made_from != _read(record):
        write_whole(record, (json.dumps(made_from, indent=1, sort_keys=True) + "\n").encode())


def _newer(numbers: list[str]) -> str:
    said = f"lesson {numbers[0]} has a newer version; yours is kept"
    if len(numbers) > 1:
        said = f"lessons {', '.join(numbers)} have newer versions; yours are kept"
    return f"{said}. `mmlearn reset {' '.join(numbers)}` gives the new and keeps yours beside it."
