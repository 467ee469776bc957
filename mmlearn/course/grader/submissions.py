"""Who handed in what: a folder of notebooks, nbgrader's tree, or the files of a class as Moodle or Canvas names them.

Names and contents are a stranger's: nothing is unpacked to disk, no link is followed, and no more than `MAX_BYTES` of a
file is read. These forms are known, in a folder and in a zip alike; N is a number, and what stands last is the name
that the student gave the file:

    a folder        STUDENT.ipynb    STUDENT/<anything>.ipynb
    nbgrader        submitted/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb, with timestamp.txt beside the notebook
    Moodle          Full Name_N_assignsubmission_file_/01_vit.ipynb; newer versions leave out the last underscore
                    Full Name_N_assignsubmission_file_01_vit.ipynb, where folders were switched off
                    Participant_N_... marked blindly, Group_N_... for teams, `Default group_...` without a number
    Canvas          lastnamefirstname_N_M_01_vit-2.ipynb: N the user, M the upload (it grows with time), -2 the second
                    upload under this name; lastnamefirstname_LATE_N_M_... and, marked anonymously, anon_CODE_M_...

Of Moodle and Canvas the number stays in the student's name, `Full Name (N)`, so that two of one name stay apart.
"""

import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mmlearn.course.lessons import Lesson, lessons

MAX_BYTES = 20 * 2**20  # of one notebook; a lesson with all its outputs has at most one
MAX_MEMBERS = 10_000  # of a zip

MOODLE = re.compile(r"(?P<name>.+?)(?:_(?P<number>[0-9]+))?_assignsubmission_[a-z0-9]+(?:_(?P<own>.*))?")
# Three digits at least for the upload, and no zero first: `ivanova_2024_01_vit.ipynb` is a name of one's own.
UPLOAD = r"(?P<upload>[1-9][0-9]{2,})_(?P<own>.+)"
CANVAS = re.compile(rf"(?P<name>.+?)_(?P<late>LATE_)?(?P<number>[1-9][0-9]*)_{UPLOAD}")
CANVAS_ANONYMOUS = re.compile(rf"(?P<late>LATE_)?(?P<name>anon)_(?P<number>[A-Za-z0-9]{{5}})_{UPLOAD}")
ATTEMPT = re.compile(r"-([0-9]{1,3})\.ipynb$", re.IGNORECASE)

IGNORED = {"__macosx", "__pycache__", "thumbs.db", "desktop.ini"}
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")
# What zipfile raises on a file that is none, or that was cut short or tampered with.
DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, OSError, RuntimeError, ValueError)

LINK = "a link, and links are not followed: hand in the notebook itself"
SPECIAL = "not an ordinary file"
UNSAFE = "a name that leads out of its folder"
ENCRYPTED = "encrypted: hand it in without a password"
PACKED = "compressed in a way that is not read here: zip it the ordinary way"
NESTED = "an archive: hand in the notebook itself"
NO_NOTEBOOK = "not a notebook"
TOO_LARGE = f"larger than {MAX_BYTES // 2**20} MiB: clear its outputs, save it and hand it in again"

LOOKED_FOR = (
    "looked for STUDENT.ipynb, STUDENT/NOTEBOOK.ipynb, nbgrader's submitted/STUDENT/{stem}/NOTEBOOK.ipynb, and the "
    "names that Moodle and Canvas give"
)


@dataclass(frozen=True)
class Submission:
    """What one student handed in for a lesson.

    Attributes:
        student: who, as the file's or folder's name says.
        label: what the file is called to people: its name below the given folder, or inside the zip.
        path: of the file, or of the zip that holds it.
        member: its name inside the zip, as `zipfile` spells it; "" for a file.
        attempt: Canvas's number of the upload, 0 for the first.
        late: whether the name says so; None where the form of the name cannot.
        time: when it was handed in, in UTC; None where nothing tells.
        problem: why it cannot be graded at all, as far as names and headers show; or "".
        notes: sentences for the learner: what else was handed in, and why it was put aside.
    """

    student: str
    label: str
    path: Path
    member: str = ""
    attempt: int = 0
    late: bool | None = None
    time: datetime | None = None
    problem: str = ""
    notes: tuple[str, ...] = ()

    def read(self) -> bytes:
        """The file's bytes, never more than `MAX_BYTES`.

        Raises:
            ValueError: it has a problem, or shows one only now: it is larger than its header says, damaged or gone.
        """
        if self.problem:
            raise ValueError(self.problem)
        return _read(self.path, self.member, MAX_BYTES)


@dataclass(frozen=True)
class Class:
    """A class: one submission a student, sorted by student, and sentences for the instructor about all the rest."""

    submissions: tuple[Submission, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class _File:
    """A file before anything of it is read. `parts` is its name from the student's part on; empty where unusable."""

    label: str
    parts: tuple[str, ...]
    path: Path
    member: str = ""
    modified: tuple[float, ...] = ()
    problem: str = ""

    @property
    def is_notebook(self) -> bool:
        return self.label.lower().endswith(".ipynb")


class _Owner(NamedTuple):
    """What a name tells: the student, what the student called the file, and what Canvas adds."""

    student: str
    own: str
    attempt: int = 0
    upload: int = 0
    late: bool | None = None


class _Rank(NamedTuple):
    """Which of a student's files is graded: the largest, compared in this order."""

    usable: bool
    notebook: bool
    named: bool
    attempt: int
    time: datetime
    upload: int
    modified: tuple[float, ...]
    label: str


WHY_ASIDE = _Rank(
    usable="it cannot be graded",
    notebook="it is not a notebook",
    named="its name is not that of the lesson",
    attempt="it is an earlier attempt",
    time="it was handed in earlier",
    upload="it was handed in earlier",
    modified="it is older",
    label="it is a second copy",
)


class _Candidate(NamedTuple):
    submission: Submission
    rank: _Rank


def find(path: Path, lesson: Lesson) -> Class:
    """The submissions of a class: one a student, the others reported.

    Of several files of one student, one that can be graded comes first, then one whose name holds the lesson's
    (`01_vit`), then the highest attempt, then the latest.

    Args:
        path: a folder, nbgrader's course folder or its `submitted`, a zip, or a single notebook.
        lesson: whose notebooks are wanted; in nbgrader's tree the assignment has its name, such as `01_vit`.

    Raises:
        FileNotFoundError: there is nothing at `path`.
        ValueError: it holds no submission, or is a zip that is damaged or too large.
    """
    path = Path(path).absolute()  # the process that reads may have another working folder
    looked_for = LOOKED_FOR.format(stem=lesson.stem)
    if not path.exists():
        raise FileNotFoundError(f"there is nothing at {path}: {looked_for}")
    files, notices = _files(path)
    files, tree = _below_wrapping(files, path)
    students, unowned = _by_student(files, tree, lesson)
    notices += unowned
    chosen = []
    for student in sorted(students):
        submission, aside = _choose(students[student])
        chosen.append(submission)
        notices += aside
    if not chosen:
        found = f" ({'; '.join(notices[:3])})" if notices else ""
        raise ValueError(f"no submission for {lesson.stem} in {path}{found}: {looked_for}")
    return Class(tuple(chosen), tuple(notices))


def file_name(student: str) -> str:
    """A name for a student's output files that every file system takes, without an ending: `Анна_Орлова_77-5f0c9a1e`.

    Letters, digits, `-` and `_` stay. A name that lost anything, capitals too (some file systems do not tell them
    apart), ends in a hash of the student, so that two students never share a file.
    """
    kept = "".join(c if _is_kept(c) else "_" for c in unicodedata.normalize("NFC", student))
    kept = re.sub(r"__+", "_", kept).strip("_-")
    kept = kept.encode()[:80].decode(errors="ignore").rstrip("_-")
    # What ends like a hash gets one, or a student could be called like another one's file.
    plain = kept and kept == student == student.casefold() and not re.search(r"-[0-9a-f]{8}$", kept)
    if plain and not re.fullmatch(r"con|prn|aux|nul|(com|lpt)[0-9]", kept):  # devices of Windows
        return kept
    return f"{kept or 'student'}-{sha256(student.encode(errors='surrogatepass')).hexdigest()[:8]}"


def _is_kept(character: str) -> bool:
    category = unicodedata.category(character)
    return character in "-_" or category[0] in "LM" or category == "Nd"


# What is there.


def _files(path: Path) -> tuple[list[_File], list[str]]:
    """All files, but those that a system leaves behind; and what the instructor should know of them."""
    if path.is_dir():
        return _in_folder(path)
    if path.name.lower().endswith(".ipynb"):
        return [_file(path.parent, path)], []
    return _in_zip(path)


def _in_folder(root: Path) -> tuple[list[_File], list[str]]:
    files, notices = [], []

    def unreadable(error: OSError) -> None:
        notices.append(f"{_clean(os.path.relpath(error.filename, root))}: a folder that cannot be opened")

    for where, folders, names in os.walk(root, onerror=unreadable):  # does not follow links
        links = [name for name in folders if os.path.islink(os.path.join(where, name))]
        folders[:] = sorted(name for name in folders if name not in links and not _is_ignored(name))
        files += [_file(root, Path(where, name)) for name in sorted([*names, *links]) if not _is_ignored(name)]
    return files, notices


def _file(root: Path, path: Path) -> _File:
    parts = tuple(_clean(part) for part in path.relative_to(root).parts)
    try:
        status = path.lstat()
    except OSError as error:
        return _File("/".join(parts), parts, path, problem=f"cannot be read ({error.strerror})")
    if stat.S_ISLNK(status.st_mode):
        problem = LINK
    elif not stat.S_ISREG(status.st_mode):
        problem = SPECIAL
    else:
        problem = TOO_LARGE if status.st_size > MAX_BYTES else ""
    return _File("/".join(parts), parts, path, modified=(status.st_mtime,), problem=problem)


def _in_zip(path: Path) -> tuple[list[_File], list[str]]:
    with _opened(path) as archive:
        members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise ValueError(f"{path.name} holds {len(members)} files, and at most {MAX_MEMBERS} are read: split it")
    files: dict[str, _File] = {}
    notices = []
    for info in members:
        if not info.filename:  # is_dir would fail
            continue
        file = _member(path, info)
        if info.is_dir() or file.label.endswith("/") or any(map(_is_ignored, file.label.split("/"))):
            continue
        if info.filename in files:
            notices.append(f"{file.label}: twice in the zip; the last one counts")
        files[info.filename] = file  # as zipfile finds a member by its name
    return list(files.values()), notices


def _member(path: Path, info: zipfile.ZipInfo) -> _File:
    name = _member_name(info).replace("\\", "/")  # some Windows programs write these
    label = "/".join(part for part in _clean(name).split("/") if part != ".")
    parts = tuple(part for part in label.split("/") if part)
    absolute = name.startswith("/") or re.match(r"[A-Za-z]:", name) is not None
    kind = info.external_attr >> 16
    if absolute or ".." in parts:
        problem = UNSAFE
        parts = () if absolute or parts[0] == ".." else parts
    elif stat.S_ISLNK(kind):
        problem = LINK
    elif info.flag_bits & 0x1:
        problem = ENCRYPTED
    # zipfile bounds what deflate gives at once; of bzip2 and lzma 45 bytes become 45 MB before anyone can look.
    elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        problem = PACKED
    else:
        problem = TOO_LARGE if info.file_size > MAX_BYTES else ""
    return _File(label, parts, path, info.filename, info.date_time, problem)


def _member_name(info: zipfile.ZipInfo) -> str:
    """A member's name. Where it does not say that it is UTF-8, it may be all the same, or Russian from Windows."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    try:
        raw = info.filename.encode("cp437")  # as zipfile decoded it
    except UnicodeEncodeError:
        return info.filename
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        russian = raw.decode("cp866")
    others = re.sub(r"[А-яЁё№]", "", russian)
    # `André` would become half Cyrillic.
    mixed = re.search(r"[A-Za-z][А-яЁё]|[А-яЁё][A-Za-z]", russian)
    return russian if others.isascii() and not mixed else info.filename


def _is_ignored(name: str) -> bool:
    return (name.startswith(".") and name != "..") or name.lower() in IGNORED


def _clean(name: str) -> str:
    """A name fit for a terminal and a report: composed, and what does not print (or is no UTF-8) as an escape."""
    composed = unicodedata.normalize("NFC", name)  # a Mac takes й apart
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in composed)


# Whose it is.


def _below_wrapping(files: Sequence[_File], path: Path) -> tuple[list[_File], bool]:
    """The files named from the student's part on, and whether they stand in a folder `submitted`, nbgrader's."""
    tops = {file.parts[0] for file in files if file.parts}
    if len(tops) == 1 and _is_wrapping(*tops, files, path):
        files = [_below(file) for file in files]
    submitted = [_below(file) for file in files if len(file.parts) > 1 and file.parts[0] == "submitted"]
    if submitted:  # beside it, a course folder holds sources, feedback and more
        return submitted, True
    return list(files), path.stem == "submitted"


def _is_wrapping(top: str, files: Sequence[_File], path: Path) -> bool:
    """Whether the one folder around everything is the class and no student: by its name or an LMS's names inside."""
    inner = [file.parts[1] for file in files if len(file.parts) > 1]
    if not inner or _from_lms((top,)):
        return False
    return top in (path.stem, path.name, "submissions") or any(_from_lms((name,)) for name in inner)


def _below(file: _File) -> _File:
    return replace(file, parts=file.parts[1:])


def _by_student(files: Sequence[_File], tree: bool, lesson: Lesson) -> tuple[dict[str, list[_Candidate]], list[str]]:
    """Every student's files, and notices of those that are nobody's."""
    times, notices = _times(files, lesson)
    others = {other.stem for other in lessons()} - {lesson.stem}
    students = defaultdict(list)
    for file in files:
        if _is_stamp(file, lesson):
            continue
        if _is_for_another(file, tree, lesson, others):
            if file.is_notebook and lesson.stem in file.parts[-1]:
                notices.append(f"{file.label}: left out, because it is not in the folder {lesson.stem}")
            continue
        owner = _owner(file)
        if owner is None:
            notices.append(f"{file.label}: {_problem(file) or NO_NOTEBOOK}")
        else:
            students[owner.student].append(_candidate(file, owner, times.get(file.parts[:-1]), lesson))
    return students, notices


def _is_for_another(file: _File, tree: bool, lesson: Lesson, others: set[str]) -> bool:
    """Whether a file is in the folder of another assignment. Outside nbgrader's tree, only lessons are known."""
    if len(file.parts) < 3 or file.parts[1] == lesson.stem or _from_lms(file.parts):
        return False
    return tree or file.parts[1] in others


def _owner(file: _File) -> _Owner | None:
    """Whose file it is; None where the name does not tell."""
    parts = file.parts
    if found := _from_lms(parts):
        return found
    if len(parts) > 1:
        return _Owner(parts[0], parts[-1])
    # A file beside the others that is no notebook may be anything: a list of marks, a read-me.
    return _Owner(parts[0][: -len(".ipynb")] or parts[0], parts[0]) if parts and file.is_notebook else None


def _from_lms(parts: tuple[str, ...]) -> _Owner | None:
    """What a name of Moodle's or Canvas's tells; None for any other."""
    if found := MOODLE.fullmatch(parts[0]) if parts else None:
        return _Owner(_student(found), parts[-1] if len(parts) > 1 else found["own"] or "")
    found = len(parts) == 1 and (CANVAS_ANONYMOUS.fullmatch(parts[0]) or CANVAS.fullmatch(parts[0]))
    if not found:
        return None
    attempt = ATTEMPT.search(found["own"])
    return _Owner(
        _student(found), found["own"], int(attempt[1]) if attempt else 0, int(found["upload"]), bool(found["late"])
    )


def _student(found: re.Match) -> str:
    return f"{found['name'].strip()} ({found['number']})" if found["number"] else found["name"].strip()


# Which one counts.


def _candidate(file: _File, owner: _Owner, time: datetime | None, lesson: Lesson) -> _Candidate:
    problem = _problem(file)
    submission = Submission(owner.student, file.label, file.path, file.member, owner.attempt, owner.late, time, problem)
    rank = _Rank(
        usable=not problem,
        notebook=file.is_notebook,
        named=lesson.stem in owner.own.lower(),
        attempt=owner.attempt,
        time=time or datetime.min.replace(tzinfo=UTC),
        upload=owner.upload,
        modified=file.modified,
        label=file.label,
    )
    return _Candidate(submission, rank)


def _problem(file: _File) -> str:
    if file.problem or file.is_notebook:
        return file.problem
    return NESTED if file.label.lower().endswith(ARCHIVES) else f"{NO_NOTEBOOK}: its name does not end in .ipynb"


def _choose(candidates: Sequence[_Candidate]) -> tuple[Submission, list[str]]:
    """The submission that counts, with notes about the others for the learner; and notices about them."""
    best, *rest = sorted(candidates, key=lambda candidate: candidate.rank, reverse=True)
    aside = [other for other in rest if other.rank.notebook]
    reasons = {other.submission.label: _why_aside(best, other) for other in aside}
    notes = tuple(f"`{label}` was put aside: {reason}." for label, reason in reasons.items())
    chosen = best.submission
    notices = [f"{chosen.label}: {chosen.problem}"] if chosen.problem else []
    notices += [f"{label}: put aside for {chosen.label}: {reason}" for label, reason in reasons.items()]
    useless = [other.submission.label for other in rest if not other.rank.notebook]
    if useless:
        more = f" and {len(useless) - 3} more" if len(useless) > 3 else ""
        notices.append(f"{', '.join(useless[:3])}{more}: {NO_NOTEBOOK}")
    return replace(chosen, notes=notes), notices


def _why_aside(best: _Candidate, other: _Candidate) -> str:
    """The first thing in which it falls behind."""
    pairs = zip(best.rank, other.rank, WHY_ASIDE, strict=True)
    reason = next((why for mine, its, why in pairs if mine != its), WHY_ASIDE.label)
    return f"{reason} ({other.submission.problem})" if reason == WHY_ASIDE.usable else reason


# nbgrader's times.


def _times(files: Sequence[_File], lesson: Lesson) -> tuple[dict[tuple[str, ...], datetime], list[str]]:
    """When each student's assignment was handed in, by the folder of its timestamp.txt; and notices of what is none."""
    times, notices = {}, []
    for file in files:
        if not _is_stamp(file, lesson):
            continue
        time = _read_time(file)
        if time is None:
            notices.append(f"{file.label}: not a time")
        else:
            times[file.parts[:-1]] = time
    return times, notices


def _is_stamp(file: _File, lesson: Lesson) -> bool:
    """Whether this is what nbgrader writes beside a notebook; in a folder of Moodle's, a student wrote it."""
    return file.parts[1:] == (lesson.stem, "timestamp.txt") and not _from_lms(file.parts)


def _read_time(file: _File) -> datetime | None:
    try:
        if file.problem:
            return None
        return _parse_time(_read(file.path, file.member, 200).decode())
    except (ValueError, OverflowError):
        return None


def _parse_time(text: str) -> datetime:
    """A time as nbgrader's exchange writes it, `2026-03-01 09:30:00.25 UTC`, in UTC.

    As in nbgrader, a time without a zone or with one that nobody knows (`PST`) counts as UTC.

    Raises:
        ValueError, OverflowError: it is none.
    """
    words = text.split()
    zone = words.pop() if len(words) == 3 else ""
    time = datetime.fromisoformat(" ".join(words))
    return (time if time.tzinfo else time.replace(tzinfo=_zone(zone))).astimezone(UTC)


def _zone(name: str) -> tzinfo:
    if offset := re.fullmatch(r"([+-])([0-9]{2}):?([0-9]{2})", name):
        sign, hours, minutes = offset.groups()
        return timezone((-1 if sign == "-" else 1) * timedelta(hours=int(hours), minutes=int(minutes)))
    try:
        return ZoneInfo(name)  # refuses a path, which dateutil would open
    except (KeyError, ValueError, OSError):
        return UTC


# Reading.


def _read(path: Path, member: str, limit: int) -> bytes:
    """A file or a member of a zip, if it has at most `limit` bytes.

    Raises:
        ValueError: it has more, or cannot be read.
    """
    content = _read_member(path, member, limit + 1) if member else _read_file(path, limit + 1)
    if len(content) > limit:
        raise ValueError(TOO_LARGE)
    return content


def _read_file(path: Path, count: int) -> bytes:
    # Neither a link nor a pipe that took the file's place since it was found: the one is refused, the other waits not.
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ValueError(SPECIAL)
            return file.read(count)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error


def _read_member(path: Path, member: str, count: int) -> bytes:
    with _opened(path) as archive:
        try:
            with archive.open(member) as file:
                return file.read(count)  # inflates no further than this, whatever the header says
        except DAMAGED as error:
            raise ValueError(f"damaged inside the zip ({_words(error)})") from error


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip, open for reading.

    Raises:
        ValueError: it is none, or damaged.
    """
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise ValueError(f"{path.name} is no zip, or a damaged one: download it again ({_words(error)})") from error
    with archive:
        yield archive


def _words(error: BaseException) -> str:
    """An error in words, without a path of this machine."""
    return (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
