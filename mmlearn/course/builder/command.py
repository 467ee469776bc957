"""`mmlearn build`: write the notebooks of the course, run or check them, or hand the course to a class."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType

from mmlearn.course.builder.course import write_course
from mmlearn.course.builder.execute import ExecutionError, execute_notebook
from mmlearn.course.builder.master import FILE_NAME
from mmlearn.course.builder.notebook import Lesson, build_lesson, code_stamp, dumps, keep_outputs, stamp_of
from mmlearn.course.builder.problems import BuildError, Problem, short
from mmlearn.course.builder.release import write_release
from mmlearn.course.builder.stub import foreign_line
from mmlearn.files import write_whole

NOTHING = MappingProxyType({})


def build(
    numbers=None,
    execute: bool = False,
    check: bool = False,
    nbgrader: Path | None = None,
    release: Path | None = None,
) -> int:
    """Build the lessons of this repository; the exit code of `mmlearn build [NN ...]` with one of its options.

    Args:
        numbers: lesson numbers such as "01"; all lessons where none is given.
        execute: run the solution notebooks and keep what they show.
        check: write nothing, and fail where a notebook is not what its master gives.
        nbgrader: write an nbgrader course there, and not the notebooks of this repository.
        release: write the bundle for students there, and not the notebooks of this repository.
    """
    from mmlearn.course.registry import answers, exercises
    from mmlearn.data import credit
    from mmlearn.paths import root

    registered = {exercise.slug: exercise for exercise in exercises()}
    written = {answer.slug: answer for answer in answers()}
    if nbgrader is not None:
        return hand_out(root(), registered, credit, numbers, partial(write_course, nbgrader), written)
    if release is not None:
        return hand_out(root(), registered, credit, numbers, partial(write_release, root(), release), written)
    return build_course(root(), registered, credit, numbers, answers=written, execute=execute, check=check)


def build_course(
    folder: Path,
    exercises: Mapping[str, object],
    credit: Callable[[str], str],
    numbers=None,
    *,
    answers: Mapping[str, object] = NOTHING,
    execute: bool = False,
    check: bool = False,
) -> int:
    """`build` for any folder that holds `solutions/` and `lessons/`: 0, or 1 after printing what is wrong."""
    if execute and check:
        raise ValueError("build either executes or checks: --check writes nothing")
    masters, wrong = _masters(folder, numbers)
    for path in masters:
        try:
            lesson = build_lesson(path, exercises, credit, answers)
            if check:
                wrong += _differences(lesson, folder)
            else:
                _write(lesson, folder, execute)
        except (BuildError, ExecutionError) as error:
            wrong.append(str(error))
    if check and not numbers:
        wrong += _leftovers(folder)
    print("\n".join(wrong) if wrong else f"{'checked' if check else 'built'} lessons: {len(masters)}")
    return 1 if wrong else 0


def hand_out(
    folder: Path,
    exercises: Mapping[str, object],
    credit: Callable[[str], str],
    numbers,
    write: Callable[[Sequence[Lesson]], list[str]],
    answers: Mapping[str, object] = NOTHING,
) -> int:
    """Build lessons and hand all of them to `write`, which says what it did: 0, or 1 where one has a mistake."""
    masters, wrong = _masters(folder, numbers)
    lessons = []
    for path in masters:
        try:
            lessons.append(build_lesson(path, exercises, credit, answers))
        except BuildError as error:
            wrong.append(str(error))
    print("\n".join(wrong or write(lessons)))
    return 1 if wrong else 0


def _masters(folder: Path, numbers) -> tuple[list[Path], list[str]]:
    """The masters of the lessons asked for, and what is wrong with the choice."""
    paths = sorted((folder / "solutions").glob("*.py"))
    known = {path.name[:2]: path for path in reversed(paths)}
    wrong = [
        f"{short(path)}:1: a second master for lesson {path.name[:2]}, beside {known[path.name[:2]].name}"
        for path in paths
        if FILE_NAME.fullmatch(path.name) and known[path.name[:2]] != path
    ]
    if not paths:
        wrong.append(f"{short(folder / 'solutions')} holds no master, no file NN_name.py")
    if not numbers:
        return paths, wrong
    wanted = [f"{number:0>2}" for number in map(str, numbers)]
    wrong += [f"no lesson {n}: there are {', '.join(sorted(known)) or 'none'}" for n in wanted if n not in known]
    return [path for path in paths if path.name[:2] in wanted], wrong


def _targets(lesson: Lesson, folder: Path) -> tuple[Path, Path]:
    name = lesson.master.path.with_suffix(".ipynb").name
    return folder / "lessons" / name, folder / "solutions" / name


def _write(lesson: Lesson, folder: Path, run: bool) -> None:
    """Write both notebooks of a lesson; neither where its execution fails."""
    student, solution = _targets(lesson, folder)
    built = lesson.solution
    if run:
        print(short(solution))
        built = execute_notebook(lesson.master, built, folder, partial(print, flush=True))
    elif old := _read(solution):
        keep_outputs(built, old)
    for path, notebook in ((student, lesson.student), (solution, built)):
        print(f"{'wrote' if _replace(path, dumps(notebook)) else 'same '} {short(path)}")
    if stamp_of(built) is None:
        print(f"      its outputs are missing or older than its code: mmlearn build --execute {lesson.master.number}")


def _differences(lesson: Lesson, folder: Path) -> Iterator[str]:
    """Where the two files are not what the master gives. Outputs are taken as they are."""
    number, (student, solution) = lesson.master.number, _targets(lesson, folder)
    for path, built in ((student, lesson.student), (solution, lesson.solution)):
        old = _read(path)
        if old is None:
            yield f"{short(path)} is missing: mmlearn build {number}"
            continue
        stale = path == solution and stamp_of(old) != code_stamp(built)
        if path == solution:
            keep_outputs(built, old)
            # The stamp is judged by itself, not as a difference in bytes.
            built.metadata.pop("mmlearn", None)
            built.metadata |= {key: old.metadata[key] for key in ("mmlearn",) if key in old.metadata}
        if path.read_bytes() != dumps(built):
            yield f"{short(path)}: {_first_difference(lesson, built, old)}: mmlearn build {number}"
        if stale:
            made = "were made by other code" if stamp_of(old) else "are missing"
            yield f"{short(path)}: its outputs {made}: mmlearn build --execute {number}"


def _first_difference(lesson: Lesson, built, old) -> str:
    for cell, new, now in zip_longest((*lesson.master.cells, None), built.cells, old.cells):
        if new is None or now is None or new.id != now.id:
            return f"it has {f'cell {now.id}' if now else 'no cell'} where its master gives {new.id if new else 'none'}"
        if new.source == now.source:
            continue
        if built is lesson.student and cell and cell.exercise:
            foreign = foreign_line(now.source, cell.source, cell.exercise)
            if foreign:
                number, line = foreign
                return f"cell {new.id}, line {number}: a line of stub that is not in the master: {line.strip()}"
        pairs = zip_longest(new.source.split("\n"), now.source.split("\n"))
        line = next(number for number, (a, b) in enumerate(pairs, 1) if a != b)
        return f"cell {new.id}, line {line} is not what its master gives"
    return "its metadata or layout is not what its master gives"


def _leftovers(folder: Path) -> list[str]:
    masters = {path.stem for path in (folder / "solutions").glob("*.py")}
    notebooks = [path for place in ("lessons", "solutions") for path in sorted((folder / place).glob("*.ipynb"))]
    return [f"{short(path)} has no master: delete it" for path in notebooks if path.stem not in masters]


def _read(path: Path):
    """The notebook that an earlier build wrote, or None.

    Raises:
        BuildError: the file is no notebook, after a merge say.
    """
    import nbformat

    if not path.exists():
        return None
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        message = f"not a notebook ({str(error).splitlines()[0][:80]}): delete it and run mmlearn build"
        raise BuildError(path, [Problem(1, message)]) from None


def _replace(path: Path, content: bytes) -> bool:
    """Put the whole content in place at once, and say whether that changed the file."""
    if path.exists() and path.read_bytes() == content:
        return False
    write_whole(path, content)
    return True
