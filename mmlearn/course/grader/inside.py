"""What the learner's process does with a job: run the cell, probe what it defines, answer."""

import ast
import codeop
import importlib.abc
import importlib.machinery
import linecache
import math
import os
import sys
import types
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.course.exercise import Exercise
from mmlearn.course.grader import wire
from mmlearn.course.registry import exercises, find

NOT_DEFINED, NOT_RUN, INTERRUPTED, WRONG_KIND, PROBED = "not defined", "not run", "interrupted", "wrong kind", "probed"


def prepare() -> None:
    """Import what every job needs, in the parent of all."""
    exercises()
    import IPython.core.inputtransformer2  # noqa: F401
    import safetensors.torch  # noqa: F401

    linear = nn.Linear(2, 2)
    linear(torch.zeros(1, 2)).sum().backward()  # torch imports more at its first gradient


def answer(job: dict) -> bytes:
    """Run one exercise of one submission.

    Args:
        job: `slug`; `cell`, its source; `seeds`; `modules` and `names` of `kit.Given`.

    Returns:
        `wire.pack` of a head with `state`, `detail` and `notes`, and the results of all seeds.
    """
    if job["slug"] == "":
        return wire.pack({"state": PROBED, "detail": _sight(job["look_for"]), "notes": []}, {})
    exercise = find(job["slug"])
    sys.meta_path.insert(0, Modules(job["modules"]))
    space = _namespace(job["names"])
    cell = Cell(job["slug"].replace(".", "-"), space)
    try:
        cell.run(job["cell"])
        state, detail, results = _probe(exercise, space, job["seeds"])
    except SyntaxError as error:
        where = f" (at line {error.lineno}: {(error.text or '').strip()})" if error.lineno else ""
        state, detail, results = NOT_RUN, f"the cell is not Python: {error.msg}{where}", {}
    except KeyboardInterrupt:
        state, detail, results = INTERRUPTED, "", {}
    return wire.pack({"state": state, "detail": detail[:2000], "notes": cell.notes[:5]}, results)


def _probe(exercise: Exercise, space: dict, seeds: list[int]) -> tuple[str, str, dict]:
    if exercise.name not in space:
        return NOT_DEFINED, "", {}
    learners = space[exercise.name]
    wrong_kind = exercise.wrong_kind(learners)
    if wrong_kind:
        return WRONG_KIND, wrong_kind, {}
    return PROBED, "", {seed: exercise.probe(learners, seed) for seed in seeds}


def _namespace(names: list) -> dict:
    """A fresh `__main__` with what a lesson's set-up cell imports for every exercise, and what this one is given."""
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    space = main.__dict__
    space |= {"math": math, "torch": torch, "nn": nn, "F": F, "Tensor": Tensor}
    for name, module, there in names:
        space[name] = getattr(importlib.import_module(module), there)
    return space


class Cell:
    """A notebook's cell, run statement by statement.

    A statement that fails is left out and noted: beside the exercise a learner may try things that need other cells.
    IPython's own commands do nothing; what stands below `%%time` runs.
    """

    def __init__(self, name: str, space: dict) -> None:
        self.file, self.space, self.notes = f"<{name}>", space, []
        space["get_ipython"] = lambda: self
        space["display"] = print
        self.compile = codeop.Compile()  # keeps `from __future__` for the statements below it

    def run(self, source: str) -> None:
        """Raises SyntaxError: the source is not Python; KeyboardInterrupt: as the learner's code may."""
        from IPython.core.inputtransformer2 import TransformerManager

        try:
            source = TransformerManager().transform_cell(source)
            body = ast.parse(source, self.file).body
        except (ValueError, RecursionError, MemoryError) as error:  # null bytes, brackets a thousand deep
            raise SyntaxError(str(error) or "it is nested too deeply") from None
        linecache.cache[self.file] = (len(source), None, source.splitlines(keepends=True), self.file)
        for statement in body:
            self._execute(statement)

    def _execute(self, statement: ast.stmt) -> None:
        try:
            exec(self.compile(ast.Module([statement], []), self.file, "exec"), self.space)
        except (SyntaxError, KeyboardInterrupt):
            raise
        except BaseException as error:
            text = " ".join(str(error).split())[:200]
            self.notes.append(f"line {statement.lineno} raised {type(error).__name__}: {text}"[:300])

    def run_cell_magic(self, _name: str, _line: str, body: str) -> None:
        self.run(body)

    def run_line_magic(self, *_arguments) -> None:
        """Nothing: a grader has no notebook."""

    system = getoutput = run_line_magic


class Modules(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports modules from their sources; packages around them are empty."""

    def __init__(self, sources: dict[str, str]) -> None:
        self.sources = sources

    def find_spec(self, name: str, path=None, target=None):
        package = any(module.startswith(f"{name}.") for module in self.sources)
        if name not in self.sources and not (package and name not in sys.modules):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=package)

    def get_source(self, name: str) -> str:
        return self.sources.get(name, "")

    def get_code(self, name: str):
        return compile(self.get_source(name), f"<frozen {name}>", "exec")  # never taken for the learner's own lines

    def is_package(self, name: str) -> bool:
        return any(module.startswith(f"{name}.") for module in self.sources)


def _sight(paths: list[str]) -> str:
    """What this process can do that a learner's must not, in words; "" for none. A sandbox asks before it is used."""
    import socket

    def can(act: Callable[[], object]) -> bool:
        try:
            act()
        except OSError:
            return False
        return True

    def connect() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.connect(("192.0.2.1", 9))  # an address for documentation (RFC 5737); UDP sends nothing yet

    seen = [f"it can read {path}" for path in paths if can(lambda path=path: os.stat(path))]
    seen += ["it has a network"] * can(connect)
    seen += ["it sees other processes"] * (len([name for name in os.listdir("/proc") if name.isdigit()]) > 1)
    return "; ".join(seen)
