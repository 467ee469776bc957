"""Running a lesson: what is kept of its outputs, and what is said when it fails. Each test starts a kernel."""

import re

import nbformat
import pytest

from mmlearn.course.builder import build_course
from mmlearn.course.builder import execute as running
from mmlearn.course.builder.execute import WIDGET, clean_outputs

LESSON = """\
# %% [markdown]
# # Tiny

# %%
import os, sys, pathlib
from IPython.display import display
print(os.environ["MMLEARN_STRICT"], "MMLEARN_QUICK" in os.environ, list(pathlib.Path().glob("*.py")))

# %% id="outputs"
WIDGET = "application/vnd.jupyter.widget-view+json"
view = {WIDGET: {"version_major": 2, "version_minor": 0, "model_id": "1"}, "text/plain": "IntSlider(value=1)"}
for step in range(3):
    print(f"\\r{step}/2", end="", file=sys.stderr, flush=True)
display(view, raw=True)
display(view | {"text/html": "<img alt='a dot' src='data:'>"}, raw=True)
pathlib.Path("left.txt").write_text("behind")
1 + 1
"""


def lesson(folder, text=LESSON):
    for part in ("solutions", "lessons"):
        (folder / part).mkdir(exist_ok=True)
    (folder / "solutions/01_tiny.py").write_text(text)
    return folder


def build(folder, **how):
    return build_course(folder, {}, str, **how)


def notebooks(folder):
    return {path: path.read_bytes() for path in folder.rglob("*.ipynb")}


def test_a_lesson_is_run_and_its_outputs_are_kept_clean_and_stamped(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MMLEARN_QUICK", "1")
    folder = lesson(tmp_path)
    assert build(folder, numbers=["1"], execute=True) == 0
    assert "[  3/3] outputs" in capsys.readouterr().out
    notebook = nbformat.read(folder / "solutions/01_tiny.ipynb", as_version=4)
    first, second = (cell for cell in notebook.cells if cell.cell_type == "code")
    assert first.outputs[0].text == "1 False []\n"
    picture, result = second.outputs  # neither the progress line nor the bare widget
    assert picture.data == {"text/html": "<img alt='a dot' src='data:'>", "text/plain": "IntSlider(value=1)"}
    assert result.data == {"text/plain": "2"} and (first.execution_count, second.execution_count) == (1, 2)
    assert set(notebook.metadata) == {"kernelspec", "language_info", "mmlearn"} and not second.metadata
    assert not list(folder.rglob("left.txt"))
    before = notebooks(folder)
    assert build(folder, check=True) == 0 == build(folder)
    assert notebooks(folder) == before and len(before) == 2


def test_a_failing_lesson_is_named_by_its_line_and_leaves_the_old_notebooks(tmp_path, capsys):
    folder = lesson(tmp_path)
    build(folder)
    before = notebooks(folder)
    lesson(folder, LESSON + "\n# %%\ndef half(n):\n    return n / 0\n\n# %% id='calls'\n\nhalf(1)\n")
    assert build(folder, execute=True) == 1
    printed = capsys.readouterr().out
    assert "solutions/01_tiny.py:21: cell calls raised an error\n" in printed  # the line of the division
    assert "ZeroDivisionError: division by zero" in printed and "\x1b" not in printed
    assert notebooks(folder) == before


def test_a_lesson_that_shows_what_it_must_not_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(running, "MAX_BYTES", 3000)
    folder = lesson(
        tmp_path,
        "# %%\nfrom IPython.display import display\ndisplay({'image/png': 'abcd'}, raw=True)\n"
        "# %% id='path'\nimport warnings\nwarnings.warn('old')\n# %% id='big'\nprint('x y ' * 1000)\n",
    )
    assert build(folder, execute=True) == 1
    refused = capsys.readouterr().out.strip().split("\n")[-3:]
    assert refused[0].startswith("solutions/01_tiny.py:1: cell start-code-1 shows a picture without alt text")
    assert refused[1].startswith("solutions/01_tiny.py:4: cell path prints a path of this machine")
    assert "a notebook of " in refused[2] and "the largest cells: big" in refused[2]
    assert not notebooks(folder)


@pytest.mark.parametrize(
    ("code", "message"),
    [("while True: pass", "still ran after 1 s"), ("import os; os._exit(1)", "killed its kernel")],
)
def test_a_cell_that_never_ends_or_kills_its_kernel_is_named(tmp_path, monkeypatch, capsys, code, message):
    monkeypatch.setattr(running, "CELL_SECONDS", 1)
    assert build(lesson(tmp_path, f"# %%\n{code}\n"), execute=True) == 1
    # The line is the loop's where the interrupted kernel could still say so, else the cell's.
    assert re.search(rf"solutions/01_tiny.py:[12]: cell start-code-1 {message}", capsys.readouterr().out)


def test_pieces_of_a_stream_are_put_together_before_progress_is_dropped():
    new = nbformat.v4.new_output
    pieces = ["start\n", "\r 0%", "\r50%", "\r100%\nend\n"]
    outputs = [new("stream", name="stderr", text=piece) for piece in pieces] + [new("stream", text="\r1\r2")]
    assert [(output.name, output.text) for output in clean_outputs(outputs)] == [("stderr", "start\nend\n")]
    assert outputs[0].text == "start\n"  # the given ones stay as they are
    assert clean_outputs([new("display_data", {WIDGET: {}, "text/plain": "Box()"})]) == []
