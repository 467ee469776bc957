"""What goes wrong in a stranger's first hour is made to happen, and ends in words that the README explains.

Made for real where a test can do that without harm: another Python, a full device, a signal, a process without network.
A folder that may not be written is imitated: these tests may run as a user who may write everywhere.
"""

import errno
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mmlearn.cli import main
from mmlearn.course import check, lab
from mmlearn.paths import root

ROW = re.compile(r"^\| (.+?) \| (.+?) \| (.+?) \|$", re.M)


@pytest.fixture(scope="module")
def explained():
    """`explained(said)`: the row of the README's table that explains what was said, as (means, do)."""
    section = (root() / "README.md").read_text(encoding="utf-8").split("## When something goes wrong")[1]
    rows = {see: (means, do) for see, means, do in ROW.findall(section.split("\n## ")[0])[1:]}

    def row(said: str) -> tuple[str, str]:
        found = [told for see, told in rows.items() if any(words in said for words in re.findall("`(.+?)`", see))]
        assert found, f"the README explains none of: {said}"
        return found[0]

    row.count = len([see for see in rows if not see.startswith("---")])
    return row


def python(code: str, **variables: str) -> subprocess.CompletedProcess:
    """Run code in a fresh interpreter."""
    environment = os.environ | {"PYTHONPATH": str(root()), "MMLEARN_ROOT": str(root())} | variables
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300)


def test_the_page_has_ten(explained):
    assert explained.count == 10


def test_another_python_runs_the_notebook(explained, tmp_path):
    done = subprocess.run(
        [sys.executable, "-S", "-c", "from mmlearn.course import check"], capture_output=True, text=True, cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert "kernel in `.venv`" in explained(done.stderr)[1]


def test_the_set_up_cell_of_each_lesson_says_it_too():
    for lesson in sorted((root() / "lessons").glob("*.ipynb")):
        text = lesson.read_text(encoding="utf-8")
        assert "No module named" in text and "another Python runs this: use `mmlearn lab`" in text, lesson.name


def test_another_kernel_comes_first(monkeypatch, tmp_path, capsys):
    other = tmp_path / "bin" / "python3"
    other.parent.mkdir()
    other.symlink_to(sys.executable)
    monkeypatch.setattr(lab, "kernel_python", lambda: str(other))
    monkeypatch.setattr("ipykernel.kernelspec.install", lambda prefix: None)
    assert main(["lab", "--no-browser"]) == 1
    assert "`jupyter kernelspec remove python3` removes it" in capsys.readouterr().err


def test_nothing_is_installed(explained):
    done = subprocess.run(
        [sys.executable, "-S", "-m", "mmlearn", "doctor"], capture_output=True, text=True, cwd=root(),
        env={"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir()},
    )  # fmt: skip
    assert done.returncode == 1 and "To mend: " in done.stdout
    assert "`make lab`" in explained(done.stdout)[1]


def test_an_old_python(explained, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(SystemExit) as left:
        runpy.run_module("mmlearn", run_name="__main__")
    assert "make PYTHON=python3.11" in explained(left.value.code)[1]


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_an_old_python_and_make(explained, tmp_path):
    old = tmp_path / "python3"
    old.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "import sys; sys.version_info = (3, 10); $2"\n')
    old.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(root() / name, tmp_path)
    done = subprocess.run(["make", "lab", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode and "mmlearn needs Python 3.11 or newer" in done.stderr and not (tmp_path / ".venv").exists()


def checked(capsys) -> str:
    """What a check says of a right answer, as text."""
    check("start.mean", lambda images_BCYX: images_BCYX.mean(dim=0))
    return capsys.readouterr().out


def test_progress_that_may_not_be_written(explained, monkeypatch, capsys):
    def refused(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(tempfile, "mkstemp", refused)
    said = checked(capsys)
    assert "Your progress was not recorded: Permission denied" in said and "everything holds" in said
    assert "`mmlearn doctor`, in a terminal, says what to do" in said
    assert "the doctor names" in explained(said)[1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk(explained, monkeypatch, capsys):
    real = os.fdopen

    def full(handle, mode):
        os.close(handle)
        return real(os.open("/dev/full", os.O_WRONLY), mode)

    monkeypatch.setattr(os, "fdopen", full)
    said = checked(capsys)
    assert "Your progress was not recorded: No space left on device" in said and "everything holds" in said
    assert "delete something" in explained(said)[1]


def test_a_damaged_file(explained, tmp_path, monkeypatch, capsys):
    for name in ("lessons", "data"):
        shutil.copytree(root() / name, tmp_path / name, copy_function=os.symlink)
    spoiled = tmp_path / "data" / "tones" / "liu.parquet"
    content = spoiled.read_bytes()
    spoiled.unlink()
    spoiled.write_bytes(content[: len(content) // 2])
    monkeypatch.setenv("MMLEARN_ROOT", str(tmp_path))
    assert main(["lab", "--no-browser"]) == 1
    said = capsys.readouterr().err
    assert "liu.parquet" in said and "git checkout -- data/tones/liu.parquet" in said
    assert explained(said)[1] == "the command that stands there"


WITHOUT_NETWORK = """
import socket, sys

def refused(*_, **__):
    raise OSError(101, "Network is unreachable")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refused
"""
EVERYTHING = """
from mmlearn import data
from mmlearn.experiments import zoo
for name in data.SETS:
    data.load(name)
zoo.load("toy-clip")
print("all is here")
"""
HUB = """
from mmlearn import hub
hub.load("someone/some-weights")
"""


def test_no_network_and_all_that_a_lesson_loads_is_here():
    done = python(WITHOUT_NETWORK + EVERYTHING)
    assert done.stdout.endswith("all is here\n"), done.stderr


def test_no_network_and_official_weights(explained, tmp_path):
    done = python(WITHOUT_NETWORK + HUB, HF_HOME=str(tmp_path))
    assert "ConnectionError: someone/some-weights is not on this machine" in done.stderr
    assert "copy their folder" in explained(done.stderr)[1]


def test_no_sound_device_and_the_words_stand_below():
    """Python plays nothing: a page has players and words. No library that would look for a device is loaded."""
    code = (
        "import sys, torch; from mmlearn.course.listening import player; from mmlearn.data import sound;"
        "print(player(torch.zeros(1600), 'please try again', 200));"
        "print([name for name in ('sounddevice', 'pyaudio', 'simpleaudio', 'torchaudio') if name in sys.modules])"
    )
    done = python(code)
    page, loaded = done.stdout.splitlines()
    assert page.startswith("<audio controls") and 'aria-label="please try again"' in page and loaded == "[]"


TRAINING = """
import torch
from mmlearn import train

model = torch.nn.Linear(1, 1)

def told(event):
    if event.kind == "step" and len(event.history.records) == 3:
        print("training", flush=True)

history = train.fit(
    model, lambda model, x: model(x).square().mean(), [torch.ones(2, 1)], steps=10**7, device="cpu", on_event=told,
    progress=False,
)
print("interrupted" in repr(history), model(torch.ones(1, 1)).isfinite().all().item())
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise")
def test_ctrl_c_in_a_training(explained):
    environment = os.environ | {"PYTHONPATH": str(root())}
    process = subprocess.Popen([sys.executable, "-c", TRAINING], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout.readline() == "training\n"
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and said.endswith("True True\n"), "the rest of the cell runs"
    assert "the model keeps what it learned" in explained(said)[1]


def test_memory_that_runs_out_in_a_training(explained):
    done = python(
        "import torch; from mmlearn import train\n"
        "train.fit(torch.nn.Linear(1, 1), lambda model, x: torch.empty(2**60).sum(), [torch.ones(1)], steps=9)"
    )
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith("Memory ran out in step 1 of 9.")
    assert "shut down the kernels" in done.stderr and "shut down the kernels" in explained(done.stderr)[1]
