"""What the instructor and the learners read of a graded class.

Everything in a record is untrusted: names of students and files, cells, and messages, which quote what a learner's own
code raised. Here it becomes text, in three kinds of file that would each act on some texts: a spreadsheet would compute
them, a page would show them as its own, and Markdown would make links of them.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import PurePosixPath
from statistics import fmean
from typing import TYPE_CHECKING

from mmlearn.course.answer import PLACEHOLDER
from mmlearn.course.exercise import Exercise, Grade, Misconception, Property, Verdict
from mmlearn.course.feedback import COLOURS, SIGNS, Feedback, text_html
from mmlearn.course.grader.records import STATUSES, Mark, Record
from mmlearn.course.judge import NOT_WRITTEN, SEE_ABOVE
from mmlearn.course.lessons import find as find_lesson
from mmlearn.course.registry import answers

if TYPE_CHECKING:
    from mmlearn.course.grader.similarity import Pair

MAX_SENTENCE, MAX_CELL = 1_000, 20_000  # characters shown; the record has all of them
MOST = 5  # frequent diagnoses listed of an exercise

# Control characters, halves of surrogate pairs, and marks that turn the direction of writing around.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_FOLDERS = re.compile(r"(?<![\w:/.<])/(?:[^\s/'\"<>:]+/)+|\b[A-Za-z]:\\(?:[^\s\\'\"<>:]+\\)+")
# At the start, and behind a semicolon: some spreadsheets take that to divide columns, whatever is quoted.
_FORMULA = re.compile(r"(^|;)(\s*)(?=[=+\-@＝＋－＠])")

_POINTS = re.compile(r" \([\d.]+ of [\d.]+ points?\)$")

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; overflow-wrap: anywhere; color: #1b1b1b; background: #fff; }
main { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; line-height: 1.3; margin: 0 0 .25rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p, ul, ol { margin: .5rem 0; }
section { margin: 1.5rem 0; padding: .1rem 0 .1rem 1rem; border-left: 5px solid var(--line); }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
tbody th { font-weight: 400; }
.points { text-align: right; padding-right: 0; white-space: nowrap; font-variant-numeric: tabular-nums; }
.total { font-size: 1.15rem; font-weight: 600; }
.verdicts { list-style: none; padding: 0; }
.verdicts li { padding-left: 1.6rem; text-indent: -1.6rem; margin: .3rem 0; }
.verdicts li > * { text-indent: 0; }
.verdicts div { font-size: .92em; opacity: .85; margin-bottom: .4rem; }
.sign { display: inline-block; width: 1.6rem; font-weight: 700; }
.word { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 4px; padding: .75rem; overflow-x: auto; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
p code, li code, td code { background: var(--soft); border-radius: 3px; }
pre.prose { font: inherit; white-space: pre-wrap; }
summary { cursor: pointer; }
footer { margin-top: 2rem; padding-top: .5rem; border-top: 1px solid var(--line); font-size: .85rem; }
a { color: inherit; }
@media (prefers-color-scheme: dark) { body { color: #e8e8e8; background: #161616; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


# --- the spreadsheet --------------------------------------------------------------------------------------------------


def grades_csv(records: Sequence[Record], exercises: Sequence[Exercise]) -> str:
    """The grades of one lesson, a row a student. To be written as "utf-8-sig", see `spreadsheet`.

    The cell of an exercise is empty where it has no mark, because the file was no notebook.
    """
    slugs = [exercise.slug for exercise in exercises]
    head = ("student", "file", "status", "total", "possible", *slugs, "reason", "late", "version")
    possible = sum(exercise.points for exercise in exercises)
    rows = []
    for record in _sorted(records):
        earned = {mark.slug: mark.earned for mark in record.marks}
        late = {True: "yes", False: "no", None: ""}[record.late]
        points = [earned.get(slug, "") for slug in slugs]
        file, reason = _place(record.file), _place(record.reason)
        rows.append(
            (record.student, file, record.status, record.earned, possible, *points, reason, late, record.version)
        )
    return spreadsheet(head, rows)


def spreadsheet(head: Sequence[str], rows: Iterable[Sequence[str | float]]) -> str:
    """Rows as comma-separated values that a spreadsheet shows and never computes.

    To be written as "utf-8-sig": without a byte-order mark Excel takes UTF-8 for something else.
    """
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(head)
    for row in rows:
        writer.writerow([_cell(value) if isinstance(value, str) else f"{value:g}" for value in row])
    return file.getvalue()


def _cell(text: str) -> str:
    return _FORMULA.sub(r"\1\2'", _line(text))


# --- a learner's page -------------------------------------------------------------------------------------------------


def feedback_html(record: Record, exercises: Sequence[Exercise]) -> str:
    """A page for the learner, whole in itself: it loads nothing and runs nothing.

    It has nothing of other students, no reference code and no hints, the last of which are nearly the solution.
    """
    heading = f"Lesson {_title(record.lesson)}"
    body = [f"<h1>{_html(heading)}</h1>", f"<p>Feedback for <bdi>{_html(record.student)}</bdi></p>"]
    if record.marks:
        possible, rest = sum(exercise.points for exercise in exercises), " for the exercises" if record.answers else ""
        body.append(f'<p class="total">{record.earned:g} of {_count(possible, "point")}{rest}</p>')
        body += [*_paragraphs(record.notes), _summary(record, exercises)]
        body += [_exercise_html(exercise, _mark(record, exercise)) for exercise in exercises]
    else:
        body += [_unreadable(record), *_paragraphs(record.notes)]
    body += [_answers(record)] * bool(record.answers)
    title = f"{heading}: feedback for {record.student}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(_line(title))}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join([*body, _footer(record)])
        + "\n</main>\n</body>\n</html>\n"
    )


def _summary(record: Record, exercises: Sequence[Exercise]) -> str:
    rows = []
    for exercise in exercises:
        mark = _mark(record, exercise)
        state, words = _standing(mark)
        rows.append(
            f'<tr><th scope="row"><a href="#{escape(exercise.slug)}">{_html(exercise.title)}</a></th>'
            f'<td><span aria-hidden="true">{SIGNS[state]}</span> {words}</td>'
            f'<td class="points">{mark.earned:g} of {mark.points}</td></tr>'
        )
    return (
        '<table>\n<thead><tr><th scope="col">Exercise</th><th scope="col">Outcome</th>'
        '<th scope="col" class="points">Points</th></tr></thead>\n<tbody>\n' + "\n".join(rows) + "\n</tbody>\n</table>"
    )


def _exercise_html(exercise: Exercise, mark: Mark) -> str:
    state, words = _standing(mark)
    label = escape(exercise.slug)
    points = f"{mark.earned:g} of {_count(mark.points, 'point')}"
    parts = [
        f'<section id="{label}" aria-labelledby="{label}-title" style="border-left-color:{COLOURS[state]}">',
        f'<h2 id="{label}-title">{_html(exercise.title)}</h2>',
        f'<p><strong><span aria-hidden="true">{SIGNS[state]}</span> {words}: {points}.</strong> {_headline(mark)}</p>',
    ]
    if not _unwritten(mark):  # else every line says so again
        parts += _paragraphs([mark.lead] * bool(mark.lead))
        rows = [_verdict(*row) for row in _verdicts(exercise, mark, state)]
        parts += ['<ul class="verdicts" role="list">', *rows, "</ul>"] * bool(rows)
    parts += _paragraphs(mark.notes)
    if mark.cell.strip():
        parts.append(f"<details><summary>Your code, as it was graded</summary><pre>{_block(mark.cell)}</pre></details>")
    return "\n".join([*parts, "</section>"])


def _headline(mark: Mark) -> str:
    """The headline as a sentence; its points, in another rounding, and "not written yet" are said already."""
    text = _POINTS.sub("", mark.headline)
    return "" if text == NOT_WRITTEN or not text else _sentence(text if text[-1] in ".!?" else f"{text}.")


def _verdicts(exercise: Exercise, mark: Mark, state: str) -> Iterable[tuple[str, str, str]]:
    """As `check` lists them: sign, property, and detail."""
    known = {prop.name: prop for prop in exercise.properties}
    verdicts = tuple(
        Verdict(known.get(name, Property(name, name)), holds, message) for name, holds, message in mark.verdicts
    )
    named = Misconception("", None, mark.lead) if mark.lead else None
    return Feedback(exercise, state, mark.headline, grade=Grade(mark.score, verdicts, named)).verdicts()


def _verdict(sign: str, text: str, detail: str) -> str:
    word = "Holds" if sign == SIGNS["pass"] else "Does not hold"
    detail = f"<div>{_html(detail)}</div>" if detail else ""
    return (
        f'<li><span class="sign" aria-hidden="true">{sign}</span><span class="word">{word}: </span>'
        f"{_html(text)}{detail}</li>"
    )


def _standing(mark: Mark) -> tuple[str, str]:
    """The state of a mark, as `feedback` names them, and its words."""
    if mark.status == "timeout":
        return "fail", "Stopped, because it took too long"
    if mark.status == "crashed":
        return "fail", "Ended before it had answered"
    if mark.status == "invalid":
        return "todo", "There was nothing to run"
    if _unwritten(mark):
        return "todo", "Not written yet"
    if mark.score >= 1:
        return "pass", "Right"
    return "fail", "Partly right" if mark.score > 0 else "Not right yet"


def _unwritten(mark: Mark) -> bool:
    return mark.headline == NOT_WRITTEN


def _unreadable(record: Record) -> str:
    what = _sentence(record.reason.rstrip(".") or "it could not be read as a notebook of this lesson")
    file = _html(PurePosixPath(record.file.replace("\\", "/")).name)
    return (
        f'<p class="total">Nothing could be graded</p>\n<p>Your file was <code>{file}</code>. {what}.</p>\n'
        "<h2>What to do</h2>\n<ol>\n"
        "<li>Open the lesson's notebook in JupyterLab. If it does not open, copy your code into a fresh one.</li>\n"
        "<li>Run it from top to bottom: <em>Run &gt; Run All Cells</em>.</li>\n"
        "<li>Save it, and hand in that file. Its name ends in <code>.ipynb</code>; nothing in it is to be renamed.</li>"
        "\n</ol>"
    )


def _answers(record: Record) -> str:
    titles = {answer.slug: answer.title for answer in answers(record.lesson)}
    parts = ["<h2>Written answers</h2>", "<p>A person marks these; the points above do not count them.</p>"]
    for slug, answer in record.answers.items():
        written = answer.strip() not in ("", PLACEHOLDER)
        text = f'<pre class="prose">{_block(answer)}</pre>' if written else "<p>Nothing was written.</p>"
        parts += [f"<h3>{_html(titles.get(slug, slug))}</h3>", text]
    return "\n".join(["<section>", *parts, "</section>"])


def _footer(record: Record) -> str:
    digest = f" Your file's SHA-256: <code>{_html(record.digest)}</code>." if record.digest else ""
    return (
        f"<footer><p>Graded by version <code>{_html(record.version)}</code> of the checks.{digest} If you think that a "
        "mark is wrong, ask your instructor.</p></footer>"
    )


def _paragraphs(sentences: Iterable[str]) -> list[str]:
    return [f"<p>{_sentence(sentence)}</p>" for sentence in sentences]


def _sentence(text: str) -> str:
    return _html(text[:1].upper() + text[1:])


# --- the instructor's report ------------------------------------------------------------------------------------------


def run_report(
    records: Sequence[Record],
    exercises: Sequence[Exercise],
    notices: Sequence[str],
    facts: Mapping[str, str],
    alike: Sequence["Pair"] = (),
) -> str:
    """How the run went and what the class misunderstood, as Markdown that is readable as it stands.

    Args:
        notices: sentences about the run.
        facts: of the run, by what each is called.
        alike: what `similarity.pairs` found.
    """
    lesson = records[0].lesson if records else exercises[0].lesson if exercises else ""
    parts = [f"# Lesson {_title(lesson)}: {_count(len(records), 'submission')}"]
    parts += _list(f"**{_mark_down(name)}**: {_mark_down(value)}" for name, value in facts.items())
    parts += ["## Notices", *_list(f"Notice: {_mark_down(notice)}" for notice in notices)] * bool(notices)
    parts += ["## Outcomes", *_outcomes(records), "## Exercises", *_table(records, exercises)]
    for exercise in exercises:
        parts += _misunderstood(exercise, [mark for r in records for mark in r.marks if mark.slug == exercise.slug])
    parts += ["## Not plainly graded", *_exceptions(records), "## Alike", *_alike(alike)]
    return "\n\n".join(parts) + "\n"


def _outcomes(records: Sequence[Record]) -> list[str]:
    counts = Counter(record.status for record in records)
    lines = [f"{status}: {counts[status]}" for status in STATUSES]
    lines += [f"late: {sum(record.late is True for record in records)}"]
    totals = [record.earned for record in records if record.marks]
    if totals:
        lines.append(f"points: {fmean(totals):.2f} in the mean, from {min(totals):g} to {max(totals):g}")
    return _list(lines)


def _table(records: Sequence[Record], exercises: Sequence[Exercise]) -> list[str]:
    head = ("exercise", "points", "marked", "mean score", "full", "zero", "not written", "timeout", "crashed")
    rows = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for exercise in exercises:
        marks = [mark for record in records for mark in record.marks if mark.slug == exercise.slug]
        statuses = Counter(mark.status for mark in marks)
        mean = f"{fmean(mark.score for mark in marks):.0%}" if marks else ""
        full, zero = (sum(mark.score == score for mark in marks) for score in (1, 0))
        unwritten = sum(map(_unwritten, marks))
        numbers = (exercise.points, len(marks), mean, full, zero, unwritten, statuses["timeout"], statuses["crashed"])
        rows.append((exercise.slug, *map(str, numbers)))
    told = "The mean is over the submissions that could be read. Zero includes what was not written."
    return ["\n".join(f"| {' | '.join(row)} |" for row in rows), told]


def _misunderstood(exercise: Exercise, marks: Sequence[Mark]) -> list[str]:
    """The most frequent diagnoses and failed properties of an exercise; a failure that only follows is left out."""
    leads = Counter(mark.lead.removeprefix("What happened: ") for mark in marks if mark.lead)
    texts = {prop.name: prop.text for prop in exercise.properties}
    failed = Counter(
        texts.get(name, name)
        for mark in marks
        for name, holds, message in mark.verdicts
        if not holds and message not in (NOT_WRITTEN, SEE_ABOVE)
    )
    if not leads and not failed:
        return []
    lines = [f"{_count(count, 'time')} told: {_mark_down(lead)}" for lead, count in _frequent(leads)]
    lines += [f"{_count(count, 'time')} failed: {_mark_down(text)}" for text, count in _frequent(failed)]
    return [f"### {exercise.slug}: {_mark_down(exercise.title)}", *_list(lines)]


def _frequent(counts: Counter) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST]


def _exceptions(records: Sequence[Record]) -> list[str]:
    lines = []
    for record in _sorted(records):
        noted = [(mark.slug, note) for mark in record.marks for note in mark.notes]
        ended = [f"{mark.slug} {mark.status}" for mark in record.marks if mark.status != "graded"]
        if record.status == "graded" and not (record.reason or record.notes or noted):
            continue
        told = [record.reason, ", ".join(ended), *record.notes, *(f"{slug}: {note}" for slug, note in noted)]
        told = " · ".join(_mark_down(text) for text in told if text)
        lines.append(f"{_name(record.student)}, {_name(_place(record.file))}: **{record.status}** {told}".rstrip())
    return _list(lines) or ["Nothing: every submission was graded, without a note."]


def _alike(alike: Sequence["Pair"]) -> list[str]:
    if not alike:
        return ["No two submissions are alike beyond what such short exercises explain."]
    lines = []
    for pair in alike:
        same = f" To the letter the same: {', '.join(pair.identical)}." if pair.identical else ""
        lines.append(
            f"{_name(pair.first)} and {_name(pair.second)}: {pair.similarity:.2f} over all, "
            f"{pair.highest_similarity:.2f} in {pair.highest}.{same} Both have {_name(pair.shared)}"
        )
    told = "An indication, never a proof: two who learn together, or from the same page, write alike. Read both first."
    return [told, *_list(lines)]


# --- one disputed mark ------------------------------------------------------------------------------------------------


def log(record: Record) -> str:
    """Everything that is known of a submission, as plain text for the instructor."""
    lines = [f"{_line(record.student)}, lesson {record.lesson}, {_line(_place(record.file))}, checks {record.version}"]
    lines += [f"sha256 {record.digest}"] * bool(record.digest) + [_line(record.reason)] * bool(record.reason)
    lines += [f"note: {_line(note)}" for note in record.notes]
    for mark in record.marks:
        lines += ["", f"=== {mark.slug}: {mark.status}, {mark.earned:g} of {mark.points}, {mark.seconds:.1f} s"]
        lines += [_line(text) for text in (mark.headline, mark.lead) if text]
        for text, holds, message in mark.verdicts:
            lines.append(f"{SIGNS['pass' if holds else 'fail']} {_line(text)}" + f": {_line(message)}" * bool(message))
        lines += [f"note: {_line(note)}" for note in mark.notes]
        for name, text in (("cell", mark.cell), ("printed and measured", mark.log)):
            lines += [f"--- {name}", _plain(text).rstrip("\n")] * bool(text)
    return "\n".join(lines) + "\n"


# --- text -------------------------------------------------------------------------------------------------------------


def _sorted(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda record: (record.student.casefold(), record.student, record.file))


def _mark(record: Record, exercise: Exercise) -> Mark:
    for mark in record.marks:
        if mark.slug == exercise.slug:
            return mark
    return Mark(exercise.slug, "invalid", 0.0, exercise.points, "it was not graded")


def _title(number: str) -> str:
    try:
        return f"{number} · {find_lesson(number).title}"
    except ValueError:  # a course of one's own
        return number


def _count(count: float, noun: str) -> str:
    return f"{count:g} {noun}{'' if count == 1 else 's'}"


def _line(text: str) -> str:
    """One line that can be encoded and has nothing in it that acts on a terminal or turns writing around."""
    return " ".join(_CONTROL.sub("\ufffd", re.sub(r"\s+", " ", text)).split())


def _plain(text: str) -> str:
    """Lines as they stand, of which the same is true as of `_line`."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def _place(text: str) -> str:
    """Without the folders of absolute paths: where a grader keeps its files concerns nobody."""
    return _FOLDERS.sub("…/", text)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more characters)"


def _html(text: str) -> str:
    return text_html(_cut(_line(_place(text)), MAX_SENTENCE))


def _block(text: str) -> str:
    """Lines as they stand, as HTML."""
    return escape(_cut(_plain(text), MAX_CELL), quote=False)


def _list(lines: Iterable[str]) -> list[str]:
    """A list in Markdown; none where there are no lines."""
    text = "\n".join(f"- {line}" for line in lines)
    return [text] if text else []


def _name(text: str) -> str:
    """A name or a bit of code as Markdown, in which nothing acts."""
    return f"`{_cut(_line(text), MAX_SENTENCE).replace('`', 'ˋ') or '(no name)'}`"


def _mark_down(text: str) -> str:
    """A sentence as Markdown; what stands in backticks stays code. It is never put at the start of a line."""
    pieces = _cut(_line(_place(text)), MAX_SENTENCE).split("`")
    if len(pieces) % 2 == 0:
        pieces = ["ˋ".join(pieces)]
    return "`".join(piece if i % 2 else re.sub(r"([\\*\[\]<>|~])", r"\\\1", piece) for i, piece in enumerate(pieces))
