"""What a learner has done, in one small local file.

The file stands beside the learner's own copies, in the git-ignored `work/`; `MMLEARN_PROGRESS` names another place.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from mmlearn.files import write_whole

VERSION = 1


def path() -> Path:
    """Where progress is kept."""
    from mmlearn.paths import root

    named = os.environ.get("MMLEARN_PROGRESS")
    return Path(named) if named else root() / "work" / "progress.json"


def read(file: Path | None = None) -> dict[str, dict]:
    """Attempts by slug: `{"vit.patchify": {"attempts": 2, "best": 1.0, "passed": "2026-01-31T10:00:00+00:00"}}`.

    Raises:
        ValueError: the file is damaged; the message says what to do.
    """
    file = file or path()
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ValueError(f"version {content['version']}")
        return {
            slug: {"attempts": int(entry["attempts"]), "best": float(entry["best"]), "passed": entry["passed"]}
            for slug, entry in content["exercises"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{file} cannot be read ({error}). It only records which checks passed: move it away and run the "
            "checks again."
        ) from error


def record(slug: str, score: float, file: Path | None = None) -> None:
    """Add one attempt. Two kernels may record at once; the file is replaced whole or not at all.

    Raises:
        OSError: the folder cannot be written, or another kernel held the file for 10 seconds.
        ValueError: the file is damaged.
    """
    from filelock import FileLock

    file = file or path()
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock", timeout=10):
        done = read(file)
        entry = done.setdefault(slug, {"attempts": 0, "best": 0.0, "passed": None})
        entry["attempts"] += 1
        entry["best"] = max(entry["best"], score)
        if score == 1.0 and not entry["passed"]:
            entry["passed"] = datetime.now(UTC).isoformat(timespec="seconds")
        text = json.dumps({"version": VERSION, "exercises": done}, indent=1, sort_keys=True) + "\n"
        write_whole(file, text.encode())
