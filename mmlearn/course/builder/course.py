"""`mmlearn build --nbgrader DIR`: the course as nbgrader takes it in, a folder with `source/` and a configuration.

nbgrader makes the notebooks for students out of `source/` itself: it takes out solution regions and model answers, and
writes every exercise and every written answer into its gradebook.
"""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

from mmlearn.course.answer import PLACEHOLDER
from mmlearn.course.builder.notebook import Lesson, dumps
from mmlearn.files import write_whole

CONFIG = "nbgrader_config.py"
CODE_STUB = 'raise NotImplementedError("replace this line with your code")'  # a check says of it "not written yet"
CONFIG_TEXT = f'''\
"""nbgrader's settings for this course. `mmlearn build --nbgrader` wrote them once and never writes them again."""

from pathlib import Path

HERE = Path(__file__).resolve().parent

c = get_config()  # noqa: F821 - nbgrader gives it
c.CourseDirectory.course_id = "mmlearn"
c.CourseDirectory.root = str(HERE)
c.CourseDirectory.db_url = f"sqlite:///{{HERE / 'gradebook.db'}}"

# Only for classes whose students share a machine with you: a folder that all of them can write to.
c.Exchange.root = str(HERE / "exchange")

# What students find in the place of a solution. The checks of the course say of this line: not written yet.
c.ClearSolutions.code_stub = {{"python": {CODE_STUB!r}}}
c.ClearSolutions.text_stub = {PLACEHOLDER!r}
'''


def write_course(target: Path, lessons: Sequence[Lesson]) -> list[str]:
    """Make an nbgrader course folder, or renew the `source/` of one; what was done and what comes next, as lines.

    Args:
        target: a folder that is new or empty, or an nbgrader course. Its `nbgrader_config.py` is never written again.
        lessons: the lessons to put in. Others that are there already stay.

    Raises:
        ValueError: the folder holds something else, or is a file.
    """
    _refuse(target)
    said = []
    config = target / CONFIG
    if config.exists():
        said.append(f"kept    {CONFIG}, which is yours")
    else:
        write_whole(config, CONFIG_TEXT.encode())
        (target / "exchange").mkdir(exist_ok=True)
        said.append(f"wrote   {CONFIG}")
    for lesson in lessons:
        name = lesson.master.path.stem
        path, content = target / "source" / name / f"{name}.ipynb", dumps(source_notebook(lesson))
        before = path.read_bytes() if path.exists() else None
        if before != content:
            write_whole(path, content)
        word = "wrote" if before is None else "same" if before == content else "changed"
        said.append(f"{word:<7} {path.relative_to(target)}")
    return said + _next(target, lessons)


def source_notebook(lesson: Lesson):
    """The learner's notebook, with the solutions that nbgrader takes out again where it makes the students' version."""
    notebook = deepcopy(lesson.student)
    # The credits come last and have no cell in the master.
    for cell, source, solved in zip(lesson.master.cells, notebook.cells, lesson.solution.cells, strict=False):
        if cell.exercise or cell.answer:
            source.source = solved.source
    return notebook


def _refuse(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise ValueError(f"{target} is a file: name a folder for the nbgrader course")
    if target.is_dir() and any(target.iterdir()) and not (target / CONFIG).exists():
        raise ValueError(
            f"{target} holds other files and no {CONFIG}: name a new or empty folder, or that of an nbgrader course"
        )


def _next(target: Path, lessons: Sequence[Lesson]) -> list[str]:
    name = lessons[0].master.path.stem
    return [
        "",
        f"Next, in {target}, with this environment active (nbgrader looks for `alembic` on the path):",
        f"  nbgrader generate_assignment {name}",
        f"      makes release/{name}/, the notebook for students; so for each lesson",
        "  mmlearn build --release DIR, in the course's folder",
        "      makes the course without solutions: a student's notebook needs its package and its data",
        f"  mmlearn grade submitted --lesson {lessons[0].master.number} --out DIR",
        "      marks the exercises that students hand in; you mark the written answers, in nbgrader's formgrader",
    ]
