"""`mmlearn new NN_name`: the files of a new lesson, small and whole, to be replaced part after part.

`CONTRIBUTING.md` explains each of them. They are made from the files in `templates/`, in which NN stands for the
lesson's number, NAME for its name, SLUG for that with hyphens, and TITLE for its title.
"""

import ast
import keyword
import re
from pathlib import Path

from mmlearn.course.lessons import LESSONS, Lesson
from mmlearn.files import write_whole

TEMPLATES = Path(__file__).parent / "templates"
FILES = {
    "master": "solutions/NN_NAME.py",
    "model": "mmlearn/models/NAME.py",
    "experiment": "mmlearn/experiments/NAME.py",
    "catalog": "mmlearn/course/catalog/NAME.py",
    "misconceptions": "mmlearn/course/misconceptions/NAME.py",
    "variants": "tests/exercises/variants/NAME.py",
}
REGISTRY, GLOSSARY = "mmlearn/course/lessons.py", "mmlearn/course/terms.py"
TERM = ("cell", '    Term("cell", "NN", "A rectangle of pixels of which only the mean colour is kept."),')


def new(stem: str) -> str:
    """Write the files of a lesson that works at once; return what was written and what to run next, as text.

    Args:
        stem: number and name of the lesson, `"21_example"`. A planned lesson keeps the name that it is planned with;
            another one takes the next free number.

    Raises:
        ValueError: the name has another form, or number, name or a file is taken. Then nothing is written.
    """
    from mmlearn.paths import root

    folder, lesson = root(), _lesson(stem)
    words = {"NN": lesson.number, "NAME": lesson.name, "SLUG": lesson.name.replace("_", "-"), "TITLE": lesson.title}
    written = {
        folder / _filled(path, words): _filled((TEMPLATES / f"{template}.py.txt").read_text(encoding="utf-8"), words)
        for template, path in FILES.items()
    }
    taken = [str(path.relative_to(folder)) for path in written if path.exists()]
    if taken:
        raise ValueError(f"{', '.join(taken)} is there already: nothing was written. Choose another name")
    entry = f'    Lesson("{lesson.number}", "{lesson.name}", "{lesson.title}", "{lesson.part}", ("00",)),'
    changed = {}
    for path, name, key, line in (
        (REGISTRY, "LESSONS", lesson.number, entry),
        (GLOSSARY, "TERMS", TERM[0], _filled(TERM[1], words)),
    ):
        before = (folder / path).read_text(encoding="utf-8")
        after = with_entry(before, name, key, line)
        if after != before:
            changed[folder / path] = after
    for path, text in (written | changed).items():
        write_whole(path, text.encode())
    lines = [f"wrote    {path.relative_to(folder)}" for path in written]
    lines += [f"changed  {path.relative_to(folder)}" for path in changed]
    return "\n".join([*lines, "", "Next:", *(f"  {command}" for command in _commands(lesson, words["SLUG"]))])


def with_entry(source: str, name: str, key: str, line: str) -> str:
    """Python source with one more element in a module's tuple, where its first argument stands in order.

    Args:
        source: assigns to `name` a tuple of calls, in the order of their first arguments.
        key: the first argument of the new element; where it is there already, the source stays as it is.
        line: the new element, as a line of code.

    Raises:
        ValueError: the source has no such tuple.
    """
    assigned = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    found = [node.value.elts for node in assigned if ast.unparse(node.targets[0]) == name]
    if not found:
        raise ValueError(f"no list of entries is called {name}: add this one by hand:\n{line}")
    keys = {element.args[0].value: element for element in found[0]}
    if key in keys:
        return source
    lines = source.split("\n")
    later = [element.lineno for other, element in keys.items() if other.lower() > key.lower()]
    at = later[0] - 1 if later else found[0][-1].end_lineno
    return "\n".join([*lines[:at], line, *lines[at:]])


def _lesson(stem: str) -> Lesson:
    """The lesson to be made: a planned one, or one more at the end."""
    form = re.fullmatch(r"(\d\d)_([a-z][a-z0-9_]*)", stem)
    if not form or keyword.iskeyword(form[2]):
        raise ValueError(
            f"{stem!r} is no lesson's name: two digits, then _ and a word of a-z, 0-9 and _, such as 21_example"
        )
    number, name = form.groups()
    following = f"{len(LESSONS):02}"
    planned = next((lesson for lesson in LESSONS if lesson.number == number), None)
    if planned and planned.landed:
        raise ValueError(f"lesson {number} is there already: {planned.stem}. The next is {following}_{name}")
    if planned and planned.name != name:
        raise ValueError(f"lesson {number} is planned as {planned.stem}: mmlearn new {planned.stem}")
    if planned:
        return planned
    if number != following:
        raise ValueError(f"lessons are numbered without gaps: the next is {following}_{name}")
    if name in {lesson.name for lesson in LESSONS}:
        raise ValueError(f"a lesson is called {name} already: choose another name")
    return Lesson(number, name, name.replace("_", " ").capitalize(), LESSONS[-1].part)


def _filled(text: str, words: dict[str, str]) -> str:
    # Not at word boundaries, for NN_NAME is one word; but never inside another name in capitals.
    return re.sub(rf"(?<![A-Z])({'|'.join(words)})(?![A-Z])", lambda found: words[found[1]], text)


def _commands(lesson: Lesson, slug: str) -> list[str]:
    return [
        f"mmlearn build {lesson.number}",
        f"mmlearn experiment {slug}-cells",
        f"mmlearn build --execute {lesson.number}",
        f"python -m pytest tests/exercises -k {lesson.name}.",
    ]
