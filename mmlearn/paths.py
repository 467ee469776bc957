"""Where the course lives on this machine."""

import os
from pathlib import Path


def root() -> Path:
    """The repository's root: the folder that holds `data/`, `lessons/` and `solutions/`.

    `MMLEARN_ROOT` overrides it, for a package that was installed apart from its repository.

    Raises:
        FileNotFoundError: the folder has no `data/emoji/` in it.
    """
    override = os.environ.get("MMLEARN_ROOT")
    folder = Path(override) if override else Path(__file__).resolve().parents[1]
    if not (folder / "data" / "emoji").is_dir():
        raise FileNotFoundError(
            f"{folder} is not the course's folder: it has no data/emoji/ in it. Install mmlearn from a clone of the "
            "repository (pip install -c constraints.txt -e .), or set MMLEARN_ROOT to the clone."
        )
    return folder
