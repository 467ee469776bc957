"""What is read of a graded class: nothing of it acts, nothing of others is in it, and it is the same each time."""

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from mmlearn.course import exercises
from mmlearn.course.feedback import outcome
from mmlearn.course.grader.records import Mark, Record, loads
from mmlearn.course.grader.reports import feedback_html, grades_csv, log, run_report, spreadsheet
from mmlearn.course.grader.similarity import Pair
from mmlearn.course.registry import find

LESSON = exercises("01")
CELL = "def patchify(images_BCYX, patch_size):\n    return images_BCYX  # <b>mine</b> & nobody's\n"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'>\u202e\x1b[31m\x00 `</code>` ]](javascript:x)"
PLACE = "/course/clone/mmlearn/course/judge.py and C:\\Users\\ta\\grading\\x.ipynb"
VOID = {"meta"}


class Page(HTMLParser):
    """The tags, attributes and text of a page; fails on tags that do not close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attributes]
        self.open += [tag] * (tag not in VOID)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def untouched(images_BCYX, patch_size):
    return images_BCYX


def down_the_columns(images_BCYX, P):
    B, C, Y, X = images_BCYX.shape
    patches = images_BCYX.reshape(B, C, Y // P, P, X // P, P).permute(0, 4, 2, 1, 3, 5)
    return patches.reshape(B, -1, C * P * P)


def marked(slug: str, obj: object, cell: str = CELL) -> Mark:
    """As the grader would mark it, on one seed."""
    exercise = find(slug)
    grade = exercise.grade(obj, [0])
    told = outcome(exercise, grade)
    listed = told.grade.verdicts if told.grade else ()
    verdicts = tuple((verdict.property.text, verdict.passed, verdict.message) for verdict in listed)
    return Mark(slug, "graded", grade.score, exercise.points, told.headline, told.lead, verdicts, cell=cell)


def marks(*first: Mark) -> tuple[Mark, ...]:
    """All of the lesson; what is not given is not written."""
    rest = LESSON[len(first) :]
    return (*first, *(Mark(e.slug, "graded", 0.0, e.points, "not written yet") for e in rest))


@pytest.fixture(scope="module")
def record() -> Record:
    patchify = marked("vit.patchify", down_the_columns)
    projection = marked("vit.projection", find("vit.projection").reference)
    attention = Mark("vit.attention", "timeout", 0.0, 5, "`SelfAttention` gave no answer: it took too long")
    answers = {"vit.why": "Because **attention**\n\nhas <no> order.", "vit.blank": " "}
    given = marks(patchify, projection, attention)
    return Record("ann", "01", "ann.ipynb", "ab" * 32, "0123456789ab", given, answers=answers, late=False)


@pytest.fixture
def evil(record) -> Record:
    verdicts = ((EVIL, False, EVIL), (EVIL, True, ""))
    mark = Mark("vit.patchify", "crashed", 0.0, 3, EVIL, EVIL, verdicts, (EVIL,), EVIL, 1.0, EVIL)
    texts = {"student": EVIL, "file": EVIL, "digest": EVIL, "version": EVIL, "reason": EVIL}
    return replace(record, **texts, marks=marks(mark), notes=(EVIL,), answers={EVIL: EVIL})


# --- a learner's page


def test_the_page_says_all_that_the_check_said(record):
    page = Page(feedback_html(record, LESSON))
    for text in (
        "Lesson 01 · Vision Transformer (ViT)",
        "ann",
        "Your patches run down the columns.",
        CELL,
        "0123456789ab",
    ):
        assert text in page.text
    for exercise in LESSON:
        assert page.text.count(exercise.title) == 2, "in the summary and above its own part"
    for text, _, _ in record.marks[0].verdicts + record.marks[1].verdicts:
        assert text.replace("`", "") in page.text
    assert f"{record.earned:g} of {sum(e.points for e in LESSON)} points" in page.text
    assert page.text.count("Stopped, because it took too long") == 2
    assert page.text.count("Not written yet") == 2 * 4 and "What happened: not written" not in page.text


def test_a_sign_is_for_the_eye_and_its_word_for_all(record):
    html = feedback_html(record, LESSON)
    words = re.findall(r'<li><span class="sign" aria-hidden="true">(.)</span><span class="word">([^<]+): </span>', html)
    held = [holds for mark in record.marks for _, holds, _ in mark.verdicts]
    assert words == [("✓", "Holds") if holds else ("✗", "Does not hold") for holds in held]
    bare = re.sub(r'<span[^>]* aria-hidden="true">.</span>', "", html.split("</style>")[1])
    assert not re.search("[✓✗○]", bare)


def test_written_answers_wait_for_a_person(record):
    page = Page(feedback_html(record, LESSON))
    assert "A person marks these" in page.text and "Nothing was written." in page.text
    assert record.answers["vit.why"] in page.text, "as it was typed"
    assert "A person" not in feedback_html(replace(record, answers={}), LESSON)


def test_no_text_acts_on_the_page(evil):
    html = feedback_html(evil, LESSON)
    page = Page(html)
    known = (
        "html head meta title style body main h1 h2 h3 p bdi table thead tbody tr th td a span section strong ul li div"
    )
    assert set(page.tags) <= {*known.split(), "code", "details", "summary", "pre", "footer"}
    assert not any(name.startswith("on") or name == "src" for _, name, _ in page.attributes)
    assert all(value.startswith("#") for _, name, value in page.attributes if name == "href")
    assert "\u202e" not in html and "\x1b" not in html and "\x00" not in html
    assert page.text.count("<script>alert(1)</script>") >= 8
    html.encode()


def test_the_page_loads_and_runs_nothing(record):
    html = feedback_html(record, LESSON)
    assert "default-src 'none'" in html and 'http-equiv="Content-Security-Policy"' in html
    assert not re.search(r"https?:|url\(|@import|<script|<link|<img", html)
    assert 'lang="en"' in html and "prefers-color-scheme: dark" in html


def test_halves_of_characters_are_no_obstacle(record):
    broken = replace(record, student="ann\ud800", notes=("\udfff",))
    for text in (feedback_html(broken, LESSON), run_report([broken], LESSON, [], {}), grades_csv([broken], LESSON)):
        text.encode()


def test_the_page_names_no_place_on_the_machine_and_no_hints(record):
    mark = replace(record.marks[0], headline=PLACE, lead=PLACE, verdicts=((PLACE, False, PLACE),), notes=(PLACE,))
    seen = replace(record, file=PLACE, reason=PLACE, notes=(PLACE,), marks=marks(mark))
    for text in (feedback_html(seen, LESSON), run_report([seen], LESSON, [], {}), grades_csv([seen], LESSON)):
        assert "judge.py" in text or "x.ipynb" in text
        assert not any(part in text for part in ("/work/", "mmlearn/course", "Users", "grading\\"))
    assert not any(hint in Page(feedback_html(record, LESSON)).text for e in LESSON for hint in e.hints)


@pytest.mark.parametrize(
    "text", ["a / b / c", "Y/P x X/P", "https://example.org/a/b", "bnd,bmd->bnm", "1/2/3", "</div>"]
)
def test_what_only_looks_like_a_place_stays(record, text):
    assert text in Page(feedback_html(replace(record, notes=(f"It says {text}",)), LESSON)).text


@pytest.mark.parametrize("reason", ["The file is no notebook.", "larger than 20 MiB: save it again", ""])
def test_a_file_that_is_no_notebook_gets_a_page_that_helps(reason):
    record = Record("bob", "01", "handed/in/essay.docx", "", "0123456789ab", reason=reason)
    page = Page(feedback_html(record, LESSON))
    assert "Nothing could be graded" in page.text and "What to do" in page.text and "essay.docx" in page.text
    assert reason[1:].rstrip(".") in page.text and "table" not in page.tags and "handed" not in page.text


def test_a_very_long_cell_is_cut_on_the_page(record):
    mark = replace(record.marks[0], cell="x = 1\n" * 30_000, lead="y" * 10_000)
    html = feedback_html(replace(record, marks=marks(mark)), LESSON)
    assert len(html) < 60_000 and "more characters" in html


def test_records_that_were_kept_give_the_same_files(record, evil):
    for one in (record, replace(evil, student="e")):
        again = loads(one.dumps())
        assert feedback_html(again, LESSON) == feedback_html(one, LESSON)
    both = [record, replace(record, student="bob")]
    for report in (grades_csv, lambda records, known: run_report(records, known, ["so"], {"a": "b"})):
        assert report(both, LESSON) == report(both[::-1], LESSON)


# --- the spreadsheet


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_grades_have_a_row_a_student(record):
    bob = Record("Bob", "01", "bob.docx", "", "0123456789ab", reason="not a notebook", late=True)
    first, second = rows(grades_csv([bob, record], LESSON))
    slugs = [exercise.slug for exercise in LESSON]
    assert list(first) == ["student", "file", "status", "total", "possible", *slugs, "reason", "late", "version"]
    assert (first["student"], first["status"], first["late"], first["total"]) == (
        "ann",
        "timeout",
        "no",
        f"{record.earned:g}",
    )
    assert first["vit.projection"] == "3" and first["vit.attention"] == "0" and first["possible"] == "24"
    assert (second["student"], second["status"], second["total"], second["vit.attention"]) == (
        "Bob",
        "invalid",
        "0",
        "",
    )
    assert (second["reason"], second["late"]) == ("not a notebook", "yes")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "a;=1+1", "a;\n-1", "\ufeff=1", "＝1"]
)
def test_a_spreadsheet_computes_nothing(record, text):
    (row,) = rows(grades_csv([replace(record, student=text, file=text, reason=text)], LESSON))
    for cell in (row["student"], row["file"], row["reason"]):
        assert "\n" not in cell and "\t" not in cell and "\r" not in cell
        # As a spreadsheet would divide it, by commas or by semicolons.
        assert not any(re.match(r"\s*[=+\-@＝＋－＠]", part) for part in cell.split(";")), cell


def test_numbers_stay_numbers_and_quotes_stay_in_their_cell():
    text = spreadsheet(("a", "b"), [('x",=1\n"', -1.5)])
    assert text == 'a,b\r\n"x"",=1 """,-1.5\r\n'


# --- the instructor's report


def test_the_report_says_what_the_class_misunderstood(record):
    wrong = [replace(record, student=name) for name in ("ann", "eve", "joe")]
    identity = marked("vit.patchify", untouched)
    wrong.append(replace(record, student="max", marks=marks(identity)))
    text = run_report(wrong, LESSON, ["two files were put aside"], {"isolation": "namespaces", "seeds": "3"})
    assert "# Lesson 01 · Vision Transformer (ViT): 4 submissions" in text
    assert "- **isolation**: namespaces" in text and "- Notice: two files were put aside" in text
    assert "- timeout: 3" in text and "- graded: 1" in text
    assert "3 times told: Your patches run down the columns." in text
    assert text.index("3 times told") < text.index("1 time told")
    assert "3 times failed: the patches come row by row" in text and "see above" not in text
    (row,) = re.findall(r"^\| vit\.projection .*$", text, re.M)
    assert [cell.strip() for cell in row.strip("|").split("|")][2:7] == ["4", "75%", "3", "1", "1"]
    assert "`ann`, `ann.ipynb`: **timeout** vit.attention timeout" in text and "`max`, " not in text


def test_the_report_lists_what_is_alike_and_says_what_that_is(record):
    pair = Pair("ann", EVIL, 0.91, "vit.block", 0.97, ("vit.block",), "x = `1`\n# so")
    text = run_report([record], LESSON, [], {}, [pair])
    assert "0.91 over all, 0.97 in vit.block. To the letter the same: vit.block." in text and "never a proof" in text
    assert "No two submissions" in run_report([record], LESSON, [], {})


def test_nothing_in_the_report_acts(evil):
    text = run_report([evil], LESSON, [EVIL], {EVIL: EVIL}, [Pair(EVIL, EVIL, 1, "vit.block", 1, (), EVIL)])
    outside = re.sub(r"`[^`\n]*`", "", text)
    assert not re.search(r"(?<!\\)[<\[]", outside) and "\x1b" not in text and "\u202e" not in text
    assert all(re.match(r"$|#|- |\| |[A-Z]", line) for line in text.splitlines()), "no text begins a line"


def test_an_empty_class_has_a_report():
    assert "# Lesson 01 · Vision Transformer (ViT): 0 submissions" in run_report([], LESSON, [], {})
    assert rows(grades_csv([], LESSON)) == []


def test_the_log_has_everything(record):
    mark = replace(record.marks[0], log="printed\n\x1b[2J", notes=("found elsewhere",), seconds=1.25)
    text = log(replace(record, marks=marks(mark), reason="so"))
    for part in (
        "ann, lesson 01",
        "ab" * 32,
        "vit.patchify: graded, 1.12 of 3, 1.2 s",
        CELL,
        "printed\n",
        "found elsewhere",
    ):
        assert part in text
    assert "\x1b" not in text
