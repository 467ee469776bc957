"""Made-up classes: notebooks as students hand them in, right, wrong, unlucky and none at all."""

import json
from collections.abc import Mapping
from pathlib import Path

from mmlearn.course.lessons import find
from mmlearn.paths import root

RIGHT = "def mean_picture(images_BCYX):\n    return images_BCYX.sum(dim=0) / len(images_BCYX)\n"
DETACHED = "def mean_picture(images_BCYX):\n    return images_BCYX.detach().mean(dim=0)\n"  # the value, no gradient
TOTAL = "def mean_picture(images_BCYX):\n    return images_BCYX.sum(dim=0)\n"
ENDS = "def mean_picture(images_BCYX):\n    import os\n    os._exit(3)\n"
ANSWER = "With few images the *convolution* wins: `locality` is built in. I would look at 8 000 images next."


def source(folder: str, lesson: str) -> dict:
    """A lesson's notebook in a folder of the course, `lessons` or `solutions`."""
    return json.loads((root() / folder / find(lesson).file).read_text(encoding="utf-8"))


def solved(lesson: str) -> dict[str, str]:
    """The solution of every exercise and written answer, by the cell's id."""
    cells = {cell["id"]: cell for cell in source("solutions", lesson)["cells"]}
    mine = [cell["id"] for cell in source("lessons", lesson)["cells"] if _is_solution(cell)]
    return {name: "".join(cells[name]["source"]) for name in mine}


def notebook(lesson: str, cells: Mapping[str, str] | None = None) -> bytes:
    """The lesson's notebook with some cells, by their ids, filled in."""
    made = source("lessons", lesson)
    for cell in made["cells"]:
        cell["source"] = (cells or {}).get(cell["id"], cell["source"])
    return json.dumps(made).encode()


def mean_picture(code: str) -> bytes:
    """Lesson 00 with this code for its one exercise."""
    return notebook("00", {"start-mean": code})


def hand_in(folder: Path, submissions: Mapping[str, bytes]) -> Path:
    """Put notebooks into a folder, one file a student."""
    folder.mkdir(parents=True, exist_ok=True)
    for student, content in submissions.items():
        (folder / f"{student}.ipynb").write_bytes(content)
    return folder


def hand_in_to_nbgrader(course: Path, lesson: str, submissions: Mapping[str, tuple[bytes, str]]) -> Path:
    """Put notebooks and times into nbgrader's tree, as `nbgrader collect` does; the folder `submitted`."""
    name = find(lesson).stem
    for student, (content, time) in submissions.items():
        place = course / "submitted" / student / name
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{name}.ipynb").write_bytes(content)
        (place / "timestamp.txt").write_text(time)
        (place / "submission_secret.txt").write_text(f"of {student}")
    return course / "submitted"


def _is_solution(cell: Mapping) -> bool:
    return bool(cell["metadata"].get("nbgrader", {}).get("solution"))
