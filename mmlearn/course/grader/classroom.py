"""All submissions of a lesson: who is still to be marked, in what order, and what is written where.

A folder DIR holds what is known: `grading.json` (the lesson, and the secret from which the seeds follow), `records/`
(one file a submission, written as soon as it is marked), and the reports, which follow from the records. So a run that
was stopped in any way goes on where it was, and no mark is made twice or lost.
"""

import hashlib
import json
import os
import platform
import secrets
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from mmlearn.course.grader import reports
from mmlearn.course.grader.cells import pick, read_notebook
from mmlearn.course.grader.marking import SEEDS, Marker, Setting, read, setting
from mmlearn.course.grader.records import Record, loads
from mmlearn.course.grader.sandbox import Sandbox, strongest
from mmlearn.course.grader.similarity import pairs, similarity_csv
from mmlearn.course.grader.submissions import Submission, file_name, find
from mmlearn.course.lessons import find as find_lesson
from mmlearn.files import write_whole

SETTINGS = "grading.json"
FACTS = "run.json"  # about the last run that marked anyone: a later report still says how safe it was


def grade(
    submissions: Path,
    lesson: str,
    out: Path,
    *,
    jobs: int | None = None,
    only: str = "",
    seed: str = "",
    gradebook: str = "",
    dask: str = "",
) -> None:
    """Grade a class and write what is known of it: what `mmlearn grade` does.

    Args:
        submissions: a folder or zip, see `submissions.find`.
        lesson: its number.
        out: where everything is kept and reported.
        jobs: submissions that are marked at once; as many as there are processors where not given.
        only: a student whose submission is marked again, with a full log.
        seed: from which the probes' seeds follow, for the same ones as in another folder; drawn where not given.
        gradebook: the URL of nbgrader's database, which is also given the scores.
        dask: the address of a cluster's scheduler, to mark there.

    Raises:
        ValueError, OSError: with a sentence, for what stands in the way.
    """
    found = find(submissions, find_lesson(lesson))
    with _locked(out):
        known = setting(lesson, _secret(out, lesson, seed))
        if gradebook:
            from mmlearn.course.grader.gradebook import check, write

            check(gradebook, known)
        todo = _chosen(found.submissions, only) if only else _unmarked(found.submissions, out, known)
        kept = len(found.submissions) - len(todo)
        print(f"{len(todo)} to mark" + f", {kept} marked before" * (kept > 0 and not only) + ".")
        facts = _mark_all(todo, out, known, jobs or os.cpu_count() or 1, bool(only), dask) if todo else _facts(out)
        records = _records(found.submissions, out, known)
        if only and not all(s.student in {r.student for r in records} for s in found.submissions):
            return  # a class that is not marked yet has no reports to bring up to date
        _report(records, found.notices, out, known, facts)
        if gradebook:
            print(write(gradebook, records, known))


def _mark_all(
    todo: list[Submission], out: Path, known: Setting, jobs: int, thorough: bool, dask: str
) -> dict[str, str]:
    """Mark submissions and keep each record; facts about the run for its report."""
    from tqdm.auto import tqdm

    started, marked, facts = time.monotonic(), 0, {}
    if dask:
        from mmlearn.course.grader.cluster import mark_on

        marks = mark_on(dask, todo, known, thorough, facts)
    else:
        marks = _mark_here(todo, known, min(jobs, len(todo)), thorough, facts)
    try:
        with tqdm(total=len(todo), unit="submission", desc=f"lesson {known.lesson.number}") as bar:
            for record in marks:
                write_whole(_place(out, record.student), record.dumps())
                if thorough:
                    write_whole(out / "log" / f"{file_name(record.student)}.txt", reports.log(record).encode())
                marked += 1
                bar.update()
    except KeyboardInterrupt:
        print(f"\n{marked} of {len(todo)} are marked and kept; the same command goes on from there.")
        raise
    seconds = time.monotonic() - started
    facts["marked in one run"] = f"{marked}, in {seconds:.0f} s ({60 * marked / seconds:.0f} a minute)"
    write_whole(out / FACTS, (json.dumps(facts, indent=1) + "\n").encode())
    return facts


def _facts(out: Path) -> dict[str, str]:
    try:
        return {str(name): str(fact) for name, fact in json.loads((out / FACTS).read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _mark_here(
    todo: list[Submission], known: Setting, jobs: int, thorough: bool, facts: dict[str, str]
) -> Iterator[Record]:
    """Mark on this machine, several at once, each with a sandbox of its own; in the order in which they end."""
    first, walls = strongest()
    print(f"Isolation: {walls}.")
    with ExitStack() as stack:
        boxes = [stack.enter_context(first)]
        boxes += [stack.enter_context(Sandbox(first.level)) for _ in range(jobs - 1)]
        markers: SimpleQueue[Marker] = SimpleQueue()
        everyone = [Marker(known, box, thorough) for box in boxes]
        for marker in everyone:
            markers.put(marker)

        def mark(submission: Submission) -> Record:
            marker = markers.get()
            try:
                return marker.mark(submission, *read(submission))
            finally:
                markers.put(marker)

        pool = ThreadPoolExecutor(jobs)
        try:
            for future in as_completed([pool.submit(mark, submission) for submission in todo]):
                yield future.result()
        finally:  # Ctrl-C too: what waits is dropped, what runs is ended
            pool.shutdown(wait=False, cancel_futures=True)
            for box in boxes:
                box.close()
        facts |= {"isolation": walls, "at once": str(jobs)}
        facts["memory"] = f"at most {max(marker.peak for marker in everyone):.0f} MiB in a learner's process"


def _chosen(submissions: Iterable[Submission], student: str) -> list[Submission]:
    names = sorted(submission.student for submission in submissions)
    if student not in names:
        raise ValueError(f"nobody called {student!r} handed in; these did: {', '.join(names)}")
    return [submission for submission in submissions if submission.student == student]


def _unmarked(submissions: Iterable[Submission], out: Path, known: Setting) -> list[Submission]:
    """Those without a record of the same file and the same checks."""
    left = []
    for submission in submissions:
        record, (content, _) = _record(out, submission.student), read(submission)
        digest = hashlib.sha256(content).hexdigest() if content is not None else ""
        if record is None or (record.digest, record.version) != (digest, known.version):
            left.append(submission)
    return left


def _records(submissions: Iterable[Submission], out: Path, known: Setting) -> list[Record]:
    """The records of these submissions. What their files' names say may have changed, which needs no second run."""
    found = []
    for submission in submissions:
        record = _record(out, submission.student)
        if record is not None:
            when = submission.time.isoformat() if submission.time else ""
            found.append(replace(record, file=submission.label, late=submission.late, time=when))
    return found


def _record(out: Path, student: str) -> Record | None:
    """A student's record; None where there is none, or none that this version can read."""
    try:
        return loads(_place(out, student).read_bytes())
    except (OSError, ValueError):
        return None


def _place(out: Path, student: str) -> Path:
    return out / "records" / f"{file_name(student)}.json"


def _report(records: list[Record], notices: Iterable[str], out: Path, known: Setting, facts: dict[str, str]) -> None:
    """Write everything that follows from the records."""
    handed_out = read_notebook(json.dumps(known.master).encode())
    stubs = {slug: cell.source for slug, cell in pick(handed_out, known.exercises, known.master).items()}
    cells = {record.student: {mark.slug: mark.cell for mark in record.marks} for record in records}
    alike = pairs(cells, stubs)
    facts |= {"checks": known.version, "seeds": f"{SEEDS} an exercise, from the secret in {SETTINGS}"}
    facts["machine"] = f"{platform.system()}, Python {platform.python_version()}, {os.cpu_count()} processors"
    pages = {f"feedback/{file_name(r.student)}.html": reports.feedback_html(r, known.exercises) for r in records}
    tables = {"grades.csv": reports.grades_csv(records, known.exercises), "similarity.csv": similarity_csv(alike)}
    report = {"report.md": reports.run_report(records, known.exercises, list(notices), facts, alike)}
    for name, text in {**pages, **tables, **report}.items():
        # Excel takes a table for UTF-8 only where it begins with a byte-order mark.
        write_whole(out / name, text.encode("utf-8-sig" if name in tables else "utf-8"))
    print(f"wrote grades.csv, report.md, similarity.csv and {len(pages)} pages in feedback/")


def _secret(out: Path, lesson: str, seed: str) -> str:
    """The secret from which the seeds follow, kept from the first run in this folder.

    Raises:
        ValueError: the folder is of another lesson, or began with another seed.
    """
    file = out / SETTINGS
    if not file.exists():
        kept = {"lesson": lesson, "secret": seed or secrets.token_hex(16)}
        write_whole(file, (json.dumps(kept, indent=1) + "\n").encode())
        return kept["secret"]
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        began, secret = kept["lesson"], str(kept["secret"])
    except (ValueError, KeyError, TypeError) as error:
        anew = "choose another folder, or delete it to begin anew"
        raise ValueError(f"{file} cannot be read ({error}): {anew}") from None
    if began != lesson:
        raise ValueError(f"{out} holds the grades of lesson {began}: choose another folder for lesson {lesson}")
    if seed and seed != secret:
        raise ValueError(f"{out} was begun with another seed: leave --seed out, or choose another folder")
    return secret


@contextmanager
def _locked(out: Path):
    """Keep a second grader out of the folder."""
    from filelock import FileLock, Timeout

    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", timeout=0):
            yield
    except Timeout:
        raise ValueError(f"another `mmlearn grade` is at work in {out}") from None
