"""What a learner has done, in one small local file.

The file stands beside the learner's own copies, in the git-ignored `work/`; `MMLEARN_PROGRESS` names another place.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

from mmlearn.course.store import Store


def path() -> Path:
    """Where progress is kept."""
    from mmlearn.paths import root

    named = os.environ.get("MMLEARN_PROGRESS")
    return Path(named) if named else root() / "work" / "progress.json"


def read(file: Path | None = None) -> dict[str, dict]:
    """Attempts by slug: `{"vit.patchify": {"attempts": 2, "best": 1.0, "passed": "2026-01-31T10:00:00+00:00"}}`.

    Errors as in `Store.read`.
    """
    return _store.read(file or path())


def record(slug: str, score: float, file: Path | None = None) -> None:
    """Add one attempt. Errors as in `Store.change`."""
    with _store.change(file or path()) as done:
        entry = done.setdefault(slug, {"attempts": 0, "best": 0.0, "passed": None})
        entry["attempts"] += 1
        entry["best"] = max(entry["best"], score)
        if score == 1.0 and not entry["passed"]:
            entry["passed"] = datetime.now(UTC).isoformat(timespec="seconds")


def _entry(content: dict) -> dict:
    return {"attempts": int(content["attempts"]), "best": float(content["best"]), "passed": content["passed"]}


_ADVICE = "It only records which checks passed: move it away and run the checks again."
_store = Store("exercises", _entry, dict, _ADVICE)
