"""`mmlearn build --release DIR`: the course for the students of a class, with nothing that gives solutions away.

What is in it is listed here, so that it needs no git and takes no file along by chance.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import mmlearn
from mmlearn.course.builder.notebook import Lesson, dumps
from mmlearn.files import write_whole

MARKER = "RELEASE"
FILES = (
    *("pyproject.toml", "constraints.txt", "environment.yml", "Makefile", "LICENSE"),
    "course.png",  # of the README
    *(".gitignore", ".gitattributes"),  # so that a learner's folder stays out where the bundle becomes a repository
)
FOLDERS = ("mmlearn", "data")
# Of the README; the others are for people who teach or change the course.
SECTIONS = ("Start", "Lessons", "When something goes wrong", "Other ways to start", "Licence")
CACHES = re.compile(r"\..*|__pycache__|.*(~|\.pyc|\.part)")

ABSENT = '''\
"""Left out of this release of the course."""

raise ValueError("this is a release for learners: only the full course can build and grade lessons")
'''
# Packages of which a release has only this file. Without misconceptions a check says what differs, and not which
# mistake it was: of them it has nothing.
REPLACED = {Path("mmlearn/course/builder"): ABSENT, Path("mmlearn/course/grader"): ABSENT}
LEFT_OUT = {*REPLACED, Path("mmlearn/course/misconceptions")}


def write_release(root: Path, target: Path, lessons: Sequence[Lesson]) -> list[str]:
    """Write the bundle for a class; what was written and what comes next, as lines.

    It is made beside its place and then moved there: the folder is the old release or the new one, never half of one.

    Args:
        root: the course's folder.
        target: a folder that is new or empty, or holds an earlier release and nothing else. That is replaced.
        lessons: those to give out. Their notebooks are built anew, not copied.

    Raises:
        ValueError: the folder holds anything else, or lies inside of what is copied.
    """
    target = target.resolve()
    renewed = _is_earlier(root, target)
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        count, size = _fill(made, root, lessons)
        made.chmod(0o755)  # mkdtemp makes it private
        _put_in_place(made, target)
    except BaseException:  # Ctrl-C too
        shutil.rmtree(made, ignore_errors=True)
        raise
    numbers = ", ".join(lesson.master.number for lesson in lessons)
    return [
        f"{'renewed' if renewed else 'wrote'} {target}: lessons {numbers}; {count} files, {size / 1e6:.0f} MB",
        "It has no solutions, no misconceptions, no builder, no grader and no tests.",
        "",
        f"Next: give students the folder {target.name}, zipped or as a repository. They run `make lab` in it.",
    ]


def _is_earlier(root: Path, target: Path) -> bool:
    """Whether an earlier release is to be replaced. Raises ValueError where that would lose something else."""
    if any(target.is_relative_to((root / folder).resolve()) for folder in (*FOLDERS, "lessons", "solutions")):
        raise ValueError(f"{target} is inside the course: name a folder outside of it")
    if target.exists() and not target.is_dir():
        raise ValueError(f"{target} is a file: name a folder for the release")
    there = {path.name for path in target.iterdir()} if target.exists() else set()
    if there and MARKER not in there:
        raise ValueError(f"{target} is not empty and no earlier release: name a new or empty folder")
    foreign = sorted(there - {*FILES, *FOLDERS, MARKER, "README.md", "lessons"})
    if foreign:
        raise ValueError(
            f"{target} holds {', '.join(foreign)} beside an earlier release: move that away, or name another folder"
        )
    return bool(there)


def _fill(folder: Path, root: Path, lessons: Sequence[Lesson]) -> tuple[int, int]:
    """Write every file of the bundle; how many, and their bytes."""
    for path in _copied(root):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, folder / path)
    for path, content in _made(root, lessons).items():
        write_whole(folder / path, content)
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def _copied(root: Path) -> Iterator[Path]:
    yield from (Path(name) for name in FILES if (root / name).is_file())
    for folder, below, names in (step for name in FOLDERS for step in os.walk(root / name)):
        place = Path(folder).relative_to(root)
        below[:] = sorted(name for name in below if not CACHES.fullmatch(name) and place / name not in LEFT_OUT)
        yield from (place / name for name in sorted(names) if not CACHES.fullmatch(name))


def _made(root: Path, lessons: Sequence[Lesson]) -> dict[Path, bytes]:
    """What a release has of its own: learners' notebooks, a shorter README, a sentence for each package left out."""
    made = {Path("lessons", f"{lesson.master.path.stem}.ipynb"): dumps(lesson.student) for lesson in lessons}
    made |= {folder / "__init__.py": text.encode() for folder, text in REPLACED.items()}
    made[Path("README.md")] = readme((root / "README.md").read_text(encoding="utf-8")).encode()
    stems = "\n".join(lesson.master.path.stem for lesson in lessons)
    made[Path(MARKER)] = f"The course mmlearn {mmlearn.__version__}, a release for learners, with:\n{stems}\n".encode()
    return made


def readme(text: str) -> str:
    """The learner's part of the README."""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    kept = [part for part in parts if not part.startswith("## ") or part.split("\n")[0][3:] in SECTIONS]
    return "".join(kept).replace("a clone of this repository", "this folder")


def _put_in_place(made: Path, target: Path) -> None:
    """Rename a finished folder to `target`; what was there is deleted after that, and comes back if that fails."""
    if not target.exists():
        made.rename(target)
        return
    old = made.with_name(f"{made.name}.old")
    target.rename(old)
    try:
        made.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old)
