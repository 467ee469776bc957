"""nbgrader's gradebook: scores for its database, and notebooks for its formgrader, where a person goes on.

nbgrader keeps a course in a folder with a database. `nbgrader generate_assignment` has put a lesson's cells into it;
here each submission's exercises get their scores, and `autograded/` gets the notebook that formgrader shows: the
lesson's own, with the learner's code and answers, and what the check says below each. Scores that a person gave stay.
"""

import json
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mmlearn.course.answer import PLACEHOLDER
from mmlearn.course.builder.master import cell_id
from mmlearn.course.exercise import Exercise, Grade, Property, Verdict
from mmlearn.course.feedback import Feedback
from mmlearn.course.grader.cells import Picked, read_notebook, rebuild
from mmlearn.course.grader.marking import Setting
from mmlearn.course.grader.records import Mark, Record
from mmlearn.course.grader.submissions import file_name
from mmlearn.course.judge import NOT_WRITTEN
from mmlearn.files import write_whole

CONFIG = "nbgrader_config.py"
SECRET = "submission_secret.txt"  # beside what `nbgrader collect` collects: by it learners find their feedback
NEAR = 1e-6  # points: scores come back from a database
# What makes HTML, links, images and MathJax's links: one character of no width takes it apart.
_ACTIVE = re.compile(r"<(?=[A-Za-z/!?])|\](?=[(:])|\\(?=href)")


def check(url: str, known: Setting) -> "Course":
    """The course of a gradebook, if it can take this lesson's scores: asked before anything is marked.

    Raises:
        ValueError: nbgrader is not installed, there is no such database, or it does not have this lesson as it is now.
    """
    try:
        from nbgrader.api import Gradebook
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        raise ValueError('a gradebook needs nbgrader: pip install -c constraints.txt -e ".[grade]"') from None
    if "://" not in url:
        raise ValueError(f"a gradebook is named by a URL, such as sqlite:///{url}")
    course = _course(url)
    try:
        with Gradebook(course.url, course.name) as book:
            _refuse_other_lesson(book, known)
    # A driver that is not installed is an ImportError.
    except (SQLAlchemyError, ImportError) as error:
        raise ValueError(f"the gradebook {course.url} cannot be used: {str(error).splitlines()[0]}") from None
    return course


def write(url: str, records: Iterable[Record], known: Setting) -> str:
    """Write a class into a gradebook; a sentence about what was done.

    Args:
        url: of nbgrader's database, such as `sqlite:///gradebook.db`, below the folder of the command.

    Raises:
        ValueError: as `check`.
    """
    course, records = check(url, known), list(records)
    from nbgrader.api import Gradebook

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="nbgrader")  # SQLAlchemy's, about nbgrader's own code
        for record in records:
            with Gradebook(course.url, course.name) as book:
                _write_one(book, course, record, known)
            _penalise(course, record, known)
    return f"wrote {len(records)} submissions of {known.lesson.stem} into the gradebook and {course.graded.name}/"


@dataclass(frozen=True)
class Course:
    """An nbgrader course: its database, its name there, its settings, and the folders of notebooks."""

    url: str
    name: str
    config: object
    submitted: Path
    graded: Path


def student_id(record: Record) -> str:
    """The student's name as nbgrader can use it, in folders and addresses. The names of a hub's users stay."""
    return record.student if re.fullmatch(r"\w[\w.@-]{0,99}", record.student) else file_name(record.student)


def _course(url: str) -> Course:
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config, PyFileConfigLoader

    prefix = "sqlite:///"
    file = Path(url.removeprefix(prefix)).resolve() if url.startswith(prefix) else None
    if file and not file.exists():
        raise ValueError(
            f"there is no gradebook {file}: run `nbgrader generate_assignment` in the course's folder first"
        )
    folder = file.parent if file else Path.cwd()
    settings = folder / CONFIG
    config = PyFileConfigLoader(CONFIG, path=str(folder)).load_config() if settings.exists() else Config()
    config.CourseDirectory.setdefault("root", str(folder))
    config.CourseDirectory.db_url = f"{prefix}{file}" if file else url
    directory = CourseDirectory(config=config)
    folders = (Path(directory.root) / name for name in (directory.submitted_directory, directory.autograded_directory))
    return Course(config.CourseDirectory.db_url, directory.course_id, config, *folders)


def _refuse_other_lesson(book, known: Setting) -> None:
    """Every exercise and written answer must be in the gradebook, worth what it is worth here."""
    from nbgrader.api import MissingEntry

    name = known.lesson.stem
    worth = {f"check-{cell_id(exercise.slug)}": exercise.points for exercise in known.exercises}
    worth |= {cell_id(answer.slug): answer.points for answer in known.answers}
    try:
        there = {cell.name: cell.max_score for cell in book.find_notebook(name, name).grade_cells}
    except MissingEntry:
        raise ValueError(f"the gradebook has no assignment {name}: run `nbgrader generate_assignment {name}`") from None
    if there != worth:
        raise ValueError(
            f"the gradebook's {name} has other exercises or points than this course: make it again with "
            f"`mmlearn build --nbgrader` and `nbgrader generate_assignment {name} --force`"
        )


def _write_one(book, course: Course, record: Record, known: Setting) -> None:
    """One submission: its scores, then the graded notebook: stopped between them, nothing counts as seen too early."""
    name, student = known.lesson.stem, student_id(record)
    person = book.update_or_create_student(student)
    if student != record.student and person.last_name is None:  # one that is there already, a person has entered
        person.last_name = record.student
    when = datetime.fromisoformat(record.time).replace(tzinfo=None) if record.time else None
    book.update_or_create_submission(name, student, timestamp=when)
    place = course.graded / student / name
    before = _answers_there(place / f"{name}.ipynb", known)
    earned = {mark.slug: mark.earned for mark in record.marks}
    for exercise in known.exercises:
        grade = book.find_grade(f"check-{cell_id(exercise.slug)}", name, name, student)
        _score_exercise(grade, earned.get(exercise.slug, 0))
    for answer in known.answers:
        cell, text = cell_id(answer.slug), _answer(record.answers.get(answer.slug, ""))
        book.find_comment(cell, name, name, student).auto_comment = None if text else "No response."
        _score_answer(book.find_grade(cell, name, name, student), text, before.get(answer.slug, text))
    book.db.commit()
    notebook = graded_notebook(record, known)
    write_whole(place / f"{name}.ipynb", (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode())
    if when:
        write_whole(place / "timestamp.txt", f"{when.isoformat(sep=' ')} UTC\n".encode())
    secret = course.submitted / student / name / SECRET
    if secret.is_file() and not secret.is_symlink():
        write_whole(place / SECRET, secret.read_bytes()[:1000])


def _score_exercise(grade, earned: float) -> None:
    """A person who had given another score looks again, as nbgrader itself asks for; but only where it is new."""
    changed = grade.auto_score is None or abs(grade.auto_score - earned) > NEAR
    grade.auto_score = earned
    grade.needs_manual_grade = grade.manual_score is not None and (changed or grade.needs_manual_grade)


def _score_answer(grade, text: str, before: str) -> None:
    """A person marks what is there, and again where it has changed; nobody needs to look at what is not there."""
    grade.auto_score = None if text else 0
    if grade.manual_score is None:
        grade.needs_manual_grade = bool(text)
    elif text != before:
        grade.needs_manual_grade = True


def _answer(text: str) -> str:
    """A written answer as the graded notebook has it; "" where there is none.

    formgrader makes HTML of it as it stands, in a page that may do all that the instructor may: a script in an answer
    would run there.
    """
    return "" if text.strip() in ("", PLACEHOLDER) else _ACTIVE.sub("\\g<0>\u200b", text)


def graded_notebook(record: Record, known: Setting) -> dict:
    """The lesson's own notebook with a learner's code and answers, and below each check what it says."""
    picked = {mark.slug: Picked(mark.cell) for mark in record.marks}
    notebook = rebuild(known.master, picked, {slug: _answer(text) for slug, text in record.answers.items()})
    marks = {cell_id(mark.slug): mark for mark in record.marks}
    exercises = {cell_id(exercise.slug): exercise for exercise in known.exercises}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":  # who marks an answer needs the list of what it is to say
            cell["source"] = "".join(cell["source"]).replace("<details>", "<details open>")
        slug = cell["id"].removeprefix("check-")
        if cell["id"] == f"check-{slug}" and slug in exercises:
            said = feedback_of(exercises[slug], marks[slug]) if slug in marks else None
            data = {"text/plain": str(said) if said else record.reason}
            data |= {"text/html": f"<div style='margin-bottom:1em'>{said._repr_html_()}</div>"} if said else {}
            cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": data}]
    return notebook


def feedback_of(exercise: Exercise, mark: Mark) -> Feedback:
    """What the notebook's own check would show for a mark."""
    verdicts = tuple(Verdict(Property("", text), passed, message) for text, passed, message in mark.verdicts)
    state = "pass" if mark.score == 1 else "todo" if mark.headline == NOT_WRITTEN else "fail"
    grade = Grade(mark.score, verdicts) if verdicts else None
    return Feedback(exercise, state, mark.headline, mark.lead, grade, mark.notes)


def _answers_there(file: Path, known: Setting) -> dict[str, str]:
    """The written answers that a person has already seen, from the graded notebook of before."""
    try:
        cells = read_notebook(file.read_bytes())["cells"]
    except FileNotFoundError:
        return {}
    except ValueError:  # damaged: nobody knows what was seen
        cells = []
    sources = {cell["id"]: cell["source"] for cell in cells}
    return {answer.slug: _seen(sources.get(cell_id(answer.slug), "")) for answer in known.answers}


def _seen(text: str) -> str:
    return "" if text.strip() == PLACEHOLDER else text


def _penalise(course: Course, record: Record, known: Setting) -> None:
    """The penalty for a late submission, by the rule of the course's settings: nbgrader's own step."""
    from nbformat.v4 import new_notebook
    from nbgrader.preprocessors import AssignLatePenalties

    name = known.lesson.stem
    names = {"notebook": name, "assignment": name, "student": student_id(record), "db_url": course.url}
    AssignLatePenalties(config=course.config).preprocess(new_notebook(), {"nbgrader": names})
