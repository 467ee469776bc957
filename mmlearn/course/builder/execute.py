"""Running a solution notebook, and what of its outputs is kept."""

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

from mmlearn.course.builder.alt import output_without_alt
from mmlearn.course.builder.master import Master
from mmlearn.course.builder.notebook import dumps, stamp
from mmlearn.course.builder.problems import short

CELL_SECONDS = 600  # a lesson takes 90 s on two cores; one cell of it may take long on a slow machine, not for ever
MAX_BYTES = 1_000_000
WIDGET = "application/vnd.jupyter.widget-view+json"
PICTURE = re.compile(r"[A-Za-z0-9+/=]{200,}")  # base64, in which any short path occurs by chance
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class ExecutionError(Exception):
    """A lesson that did not run to its end, or that shows what a notebook must not; the text names cell and line."""


def execute_notebook(master: Master, built, folder: Path, report: Callable[[str], None]):
    """Run a built solution notebook in strict mode; return a copy with cleaned outputs and a stamp.

    It runs in an empty folder that is removed afterwards: what a lesson writes does not land in the repository.

    Args:
        folder: the course's root, where the lesson finds its data.
        report: called with a line of text after each cell.

    Raises:
        ExecutionError: a cell failed, took too long, or shows something that a notebook must not hold.
    """
    ran, done = _run(master, deepcopy(built), folder, report), deepcopy(built)
    for cell, source in zip(done.cells, ran.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = clean_outputs(source.outputs), source.execution_count
    stamp(done)
    wrong = list(_unfit_outputs(master, done, folder))
    if wrong:
        raise ExecutionError("\n".join(wrong))
    return done


def clean_outputs(outputs: list) -> list:
    """What a reader without a kernel can use: no widget that needs one, no progress bars, streams in one piece."""
    cleaned = []
    for output in deepcopy(outputs):
        data = output.get("data", {})
        if WIDGET in data:
            del data[WIDGET]
            if set(data) <= {"text/plain"}:
                continue  # only the widget's repr is left, which shows nothing
        last = cleaned[-1] if cleaned else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            cleaned.append(output)
    for output in cleaned:
        if output.output_type == "stream":
            # A line that goes back to its beginning is a progress bar, which says only how fast this machine was.
            lines = output.text.replace("\r\n", "\n").split("\n")
            output.text = "\n".join(line for line in lines if "\r" not in line)
    return [output for output in cleaned if output.output_type != "stream" or output.text.strip()]


def _run(master: Master, notebook, folder: Path, report: Callable[[str], None]):
    """Execute in a kernel of this very interpreter, whatever else is registered as python3 on the machine."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal, CellTimeoutError, DeadKernelError

    total, current, started = len(notebook.cells), 0, time.perf_counter()

    def on_start(cell, cell_index):
        nonlocal current, started
        current, started = cell_index, time.perf_counter()

    def on_end(cell, cell_index, **_):
        if cell.cell_type == "code":
            report(f"  [{cell_index + 1:>3}/{total}] {cell.id:<40} {time.perf_counter() - started:6.1f} s")

    with tempfile.TemporaryDirectory(prefix="mmlearn-") as scratch:
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            record_timing=False,
            store_widget_state=False,
            extra_arguments=["--IPKernelApp.log_level=50"],  # no word about TCP on every start
            on_cell_start=on_start,
            on_cell_executed=on_end,
            resources={"metadata": {"path": scratch}},
        )
        client.create_kernel_manager().kernel_spec.argv[0] = sys.executable
        try:
            client.execute(env=_environment(folder, scratch))
        except CellTimeoutError:
            raise ExecutionError(_failure(master, notebook, current, f"still ran after {CELL_SECONDS} s")) from None
        except DeadKernelError:
            raise ExecutionError(_failure(master, notebook, current, "killed its kernel: out of memory?")) from None
        except CellControlSignal:
            raise ExecutionError(_failure(master, notebook, current, "raised an error")) from None
    return notebook


def _environment(folder: Path, scratch: str) -> dict[str, str]:
    """Strict, in full length, without the author's own IPython profile, history and progress."""
    env = {name: value for name, value in os.environ.items() if name != "MMLEARN_QUICK"}
    return env | {
        "MMLEARN_STRICT": "1",
        "MMLEARN_ROOT": str(folder),
        "IPYTHONDIR": scratch,
        "MMLEARN_PROGRESS": f"{scratch}/progress.json",
    }


def _failure(master: Master, notebook, index: int, what: str) -> str:
    """`solutions/01_vit.py:57: cell vit-patchify ...`, at the innermost line of the lesson, and the traceback."""
    errors = [output for output in notebook.cells[index].get("outputs", ()) if output.output_type == "error"]
    trace = COLOUR.sub("", "\n".join(errors[-1].traceback)) if errors else ""
    line = master.cells[index].line
    by_count = {c.get("execution_count"): cell for c, cell in zip(notebook.cells, master.cells, strict=False)}
    for count, number in re.findall(r"Cell In\[(\d+)\], line (\d+)", trace):
        if cell := by_count.get(int(count)):
            line = cell.line + int(number)
    return f"{short(master.path)}:{line}: cell {master.cells[index].id} {what}\n{trace}".rstrip()


def _unfit_outputs(master: Master, notebook, folder: Path) -> Iterator[str]:
    """Pictures that nobody described, paths of this machine, and more bytes than a notebook may have."""
    paths = {str(path) for path in (folder.resolve(), sys.prefix, tempfile.gettempdir(), Path.home())} - {os.sep}
    sizes = {}
    for cell, node in zip(master.cells, notebook.cells, strict=False):  # the credits have no cell in the master
        where = f"{short(master.path)}:{cell.line}: cell {cell.id}"
        sizes[cell.id] = len(json.dumps(node.get("outputs", ())))
        for output in node.get("outputs", ()):
            if output_without_alt(output):
                yield f'{where} shows a picture without alt text: show(fig, alt="what is to be seen")'
            text = PICTURE.sub("", json.dumps(output.get("data", output)))
            for path in sorted(path for path in paths if json.dumps(path + os.sep)[1:-1] in text):
                yield f"{where} prints a path of this machine, below {path}: silence the warning or print less"
    size = len(dumps(notebook))
    if size > MAX_BYTES:
        most = ", ".join(f"{name} {sizes[name]:,}" for name in sorted(sizes, key=sizes.get, reverse=True)[:3])
        yield f"{short(master.path)}:1: a notebook of {size:,} bytes, at most {MAX_BYTES:,}; the largest cells: {most}"
