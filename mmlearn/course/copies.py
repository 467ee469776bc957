"""The learner's own copies of the lessons: made once, and never written again."""

import json
import re
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
    """
    sources = {path.name: path.read_bytes() for path in sorted(lessons.glob("[0-9][0-9]_*.ipynb"))}
    if not sources:
        raise FileNotFoundError(f"{lessons} holds no lessons. Mend it with `git checkout -- {lessons.name}`.")
    before = _read(work / RECORD)
    made_from = dict(before)
    new, newer = [], []
    for name, content in sources.items():
        version = sha256(content)
        if not (work / name).exists():
            write_whole(work / name, content)
            made_from[name] = version
            new.append(name)
        elif made_from.setdefault(name, version) != version:
            newer.append(name)
    if made_from != before:
        write_whole(work / RECORD, (json.dumps(made_from, indent=1, sort_keys=True) + "\n").encode())
    return [_count(new, sources)] + [_newer(name) for name in newer]


def _read(record: Path) -> dict[str, str]:
    """Versions by file name; empty where the record is missing or is none."""
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _count(new: list[str], sources: dict[str, bytes]) -> str:
    kept = len(sources) - len(new)
    copied, left = f"{len(new)} copied to work/", f"{kept} in work/ are yours and stay as they are"
    return ", ".join([copied] * bool(new) + [left] * bool(kept))


def _newer(name: str) -> str:
    number = re.match(r"\d+", name).group()
    return (
        f"lesson {number} has a newer version; yours is kept. To work on the new one, rename work/{name} and run "
        "`mmlearn lab` again."
    )
