"""The authoring mistakes that the builder refuses, each found where its author made it."""

import ast
from collections.abc import Iterator, Mapping

from mmlearn.course.builder.alt import code_without_alt, markdown_without_alt
from mmlearn.course.builder.master import Cell, Master
from mmlearn.course.builder.numbers import code_with_numbers, settings, text_with_numbers
from mmlearn.course.builder.problems import BuildError, Mistake, Problem
from mmlearn.course.builder.stub import definition, find_regions, make_stub, solved_functions


def refuse_mistakes(master: Master, exercises: Mapping[str, object], answers: Mapping[str, object]) -> None:
    """Raise a BuildError that lists every mistake of a lesson.

    `exercises` and `answers` map slugs to registrations, those of all lessons.
    """
    problems = list(_code_that_does_not_parse(master))
    if not problems:  # everything below reads the code as a tree
        for rule in (_ids, _pictures, _numbers, _regions, _order_of_cells, _absent_exercises):
            problems += rule(master, exercises)
        problems += _answers(master, answers)
        for cell in master.code:
            if cell.exercise in exercises:
                problems += _registration(cell, master, exercises)
                problems += _exercise_cell(cell, exercises[cell.exercise])
            elif cell.check in exercises:
                problems += _check_cell(cell, exercises[cell.check])
    if problems:
        raise BuildError(master.path, problems)


def _code_that_does_not_parse(master: Master) -> Iterator[Problem]:
    for cell in master.code:
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            yield Problem(cell.line + (error.lineno or 1), f"the cell does not parse: {error.msg}")


def _ids(master: Master, exercises: Mapping) -> Iterator[Problem]:
    seen = {}
    for cell in master.cells:
        first = seen.setdefault(cell.id, cell)
        # Two cells for one exercise are named as that, by _order_of_cells.
        repeated = (cell.exercise or cell.check) and (cell.exercise, cell.check) == (first.exercise, first.check)
        if first is not cell and not repeated:
            yield Problem(cell.line, f'cell id {cell.id} is taken by line {first.line}: name one of them with id="..."')


def _pictures(master: Master, exercises: Mapping) -> Iterator[Problem]:
    for cell in master.cells:
        code = cell.kind == "code"
        found = code_without_alt(ast.parse(cell.source)) if code else markdown_without_alt(cell.source)
        for line, message in found:
            yield Problem(cell.line + line, message)


def _numbers(master: Master, exercises: Mapping) -> Iterator[Problem]:
    known = settings(ast.parse(cell.source) for cell in master.code)
    for cell in master.cells:
        code = cell.kind == "code"
        found = code_with_numbers(ast.parse(cell.source), known) if code else text_with_numbers(cell.source, known)
        for line, message in found:
            yield Problem(cell.line + line, message)


def _regions(master: Master, exercises: Mapping) -> Iterator[Problem]:
    for cell in master.code:
        try:
            regions = find_regions(cell.source)
        except Mistake as mistake:
            yield Problem(cell.line + mistake.line, mistake.message)
            continue
        if regions and not cell.exercise:
            yield Problem(cell.line + regions[0].begin, 'a solution region outside an exercise="..." cell')
        elif cell.exercise and not regions:
            yield Problem(cell.line, f"exercise {cell.exercise} without a solution region: nothing is left to write")


def _order_of_cells(master: Master, exercises: Mapping) -> Iterator[Problem]:
    """Slugs are known and used once; every exercise has text before it and its check after it."""
    opened, checked = {}, {}
    for before, cell in zip((None, *master.cells), master.cells, strict=False):
        slug = cell.exercise or cell.check
        seen = opened if cell.exercise else checked
        if slug and slug not in exercises:
            yield Problem(cell.line, f"{slug} is not registered: known are {', '.join(sorted(exercises)) or 'none'}")
        if slug and slug in seen:
            yield Problem(cell.line, f"a second {'exercise' if cell.exercise else 'check'} cell for {slug}")
        if cell.exercise and not _is_text(before):
            yield Problem(cell.line, f"exercise {slug} without text: a markdown cell right before it says what and why")
        if cell.check and slug not in opened:
            yield Problem(cell.line, f"the check of {slug} comes before its exercise, or has none")
        if slug:
            seen.setdefault(slug, cell)
    for slug in opened.keys() - checked.keys():
        yield Problem(opened[slug].line, f'exercise {slug} without a check cell: # %% check="{slug}"')


def _absent_exercises(master: Master, exercises: Mapping) -> Iterator[Problem]:
    present = {cell.exercise for cell in master.cells}
    for slug, exercise in exercises.items():
        if exercise.lesson == master.number and slug not in present:
            yield Problem(1, f"{slug} is registered for this lesson and not in it")


def _answers(master: Master, answers: Mapping) -> Iterator[Problem]:
    """Every written answer is registered, in this lesson, once, below its question; the rubric types no results."""
    seen, known = {}, settings(ast.parse(cell.source) for cell in master.code)
    for before, cell in zip((None, *master.cells), master.cells, strict=False):
        slug, answer = cell.answer, answers.get(cell.answer)
        if not slug:
            continue
        if slug in seen:
            yield Problem(cell.line, f"a second answer cell for {slug}")
        if not _is_text(before):
            yield Problem(cell.line, f"answer {slug} without its question: a markdown cell right before it asks")
        if answer is None:
            names = ", ".join(sorted(answers)) or "none"
            yield Problem(cell.line, f"{slug} is not registered as a written answer: known are {names}")
        elif answer.lesson != master.number:
            yield Problem(cell.line, f"{slug} belongs to lesson {answer.lesson}: a slug is used once in the course")
        for _, text in answer.rubric if answer else ():
            yield from (Problem(cell.line, f"in its rubric {found}") for _, found in text_with_numbers(text, known))
        seen[slug] = cell
    for slug, answer in answers.items():
        if answer.lesson == master.number and slug not in seen:
            yield Problem(1, f"{slug} is registered for this lesson and not in it")


def _is_text(cell: Cell | None) -> bool:
    """Whether a cell can carry a card: text that is the same for learners, which a model answer is not."""
    return cell is not None and cell.kind == "markdown" and not cell.answer


def _registration(cell: Cell, master: Master, exercises: Mapping) -> Iterator[Problem]:
    slug, exercise = cell.exercise, exercises[cell.exercise]
    if exercise.lesson != master.number:
        yield Problem(cell.line, f"{slug} belongs to lesson {exercise.lesson}: a slug is used once in the course")
    wrong = {
        "title": not exercise.title,
        "difficulty, 1 to 5": exercise.difficulty not in range(1, 6),
        "minutes": not exercise.minutes or exercise.minutes < 0,
        "points": not exercise.points or exercise.points < 0,
        "hints": not exercise.hints or isinstance(exercise.hints, str) or not all(exercise.hints),
    }
    for what in (what for what, is_wrong in wrong.items() if is_wrong):
        yield Problem(cell.line, f"{slug} is registered without {what}")
    place = {c.exercise: c.line for c in master.cells if c.exercise}
    for need in exercise.needs:
        if need not in exercises:
            yield Problem(cell.line, f"{slug} needs {need}, which is not registered")
        elif (exercises[need].lesson, place.get(need, 0)) >= (master.number, cell.line):
            yield Problem(cell.line, f"{slug} needs {need}, which comes later")


def _exercise_cell(cell: Cell, exercise) -> Iterator[Problem]:
    """What the learner gets defines the registered name, with its docstring, and leaves out what it says it does."""
    try:
        stub = make_stub(cell.source, exercise.slug)
        solved = solved_functions(cell.source)
    except Mistake as mistake:
        yield Problem(cell.line + mistake.line, mistake.message)
        return
    given, name = definition(stub, exercise.name), exercise.name
    if given is None:
        yield Problem(cell.line, f"exercise {exercise.slug} must define {name}, outside its solution regions")
        return
    if not ast.get_docstring(given):
        yield Problem(cell.line + given.lineno, f"{name} without a docstring that gives shapes, outside its regions")
    is_class = isinstance(given, ast.ClassDef)
    parts = [f"{name}.{method}" for method in exercise.methods] if is_class else [name]
    for part in parts:
        if solved and not any(f"{function}.".startswith(f"{part}.") for function in solved):
            yield Problem(cell.line, f"exercise {exercise.slug} without a solution region in {part}")


def _check_cell(cell: Cell, exercise) -> Iterator[Problem]:
    """The cell takes from `check` what the lesson goes on with, and does nothing else.

    `check` looks the name up itself: to pass it would raise where a learner's cell did not run.
    """
    form = f'{exercise.name} = check("{exercise.slug}")'
    if ast.unparse(ast.parse(cell.source)) != ast.unparse(ast.parse(form)):
        yield Problem(cell.line, f"a check cell holds the line {form} and no other")
