"""`mmlearn doctor`: what is said when something is wrong, and the command that mends it."""

import ast
import errno
import importlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from mmlearn.cli import main
from mmlearn.course import doctor, lab, ledger
from mmlearn.course.copies import make_copies
from mmlearn.course.doctor import Finding
from mmlearn.paths import root


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course folder with its own zoo and tones, two small lessons and their copies; the rest is this one's."""
    folder = tmp_path / "course"
    (folder / "data").mkdir(parents=True)
    for path in (root() / "data").iterdir():
        own = path.name in ("zoo", "tones")
        shutil.copytree(path, folder / "data" / path.name) if own else (folder / "data" / path.name).symlink_to(path)
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(root() / name, folder)
    (folder / "lessons").mkdir()
    for name in ("00_start_here.ipynb", "01_vit.ipynb"):
        (folder / "lessons" / name).write_text(f"lesson {name}, first version")
    make_copies(folder / "lessons", folder / "work")
    monkeypatch.setenv("MMLEARN_ROOT", str(folder))
    monkeypatch.delenv("MMLEARN_PROGRESS")
    return folder


# --- the whole command


def examine(monkeypatch, capsys, **findings):
    """The exit code and the lines of a doctor whose parts find this. An exception is raised."""

    def part(finding):
        def look():
            if isinstance(finding, Exception):
                raise finding
            return finding

        return look

    monkeypatch.setattr(doctor, "PARTS", {name: part(finding) for name, finding in findings.items()})
    code = main(["doctor"])
    return code, capsys.readouterr().out.splitlines()


def test_all_is_well(monkeypatch, capsys):
    code, lines = examine(monkeypatch, capsys, disk=Finding("ok", "empty"), lessons=Finding("note", "old", "reset"))
    assert code == 0
    assert lines == [
        f"course    {root()}",
        "disk      ok     empty",
        "lessons   note   old",
        "          mend   reset",
        "",
        "All that the lessons need is in place.",
    ]


def test_what_is_wrong_is_named_again_at_the_end(monkeypatch, capsys):
    wrong = Finding("wrong", "word " * 40, "a command " * 20)
    code, lines = examine(monkeypatch, capsys, data=wrong, disk=Finding("ok", "empty"), kernel=wrong)
    assert code == 1 and lines[-1] == "To mend: data, kernel."
    texts = [line for line in lines if line.endswith("word")]
    assert len(texts) == 2 * 3 and max(map(len, texts)) <= doctor.WIDTH, "text is folded"
    assert {line[:17] for line in texts} == {"data      wrong  ", "kernel    wrong  ", " " * 17}
    assert lines.count("          mend   " + "a command " * 20) == 2, "a command is not"


def test_a_part_that_breaks_is_reported_and_the_others_go_on(monkeypatch, capsys):
    broken = RuntimeError("no such symbol\nand a lot more")
    code, lines = examine(monkeypatch, capsys, kernel=broken, disk=Finding("ok", "empty"))
    assert code == 1 and "cannot be looked at: RuntimeError: no such symbol" in lines[1]
    assert lines[2] == f"          mend   {lab.install_command()}" and lines[3] == "disk      ok     empty"


def test_with_nothing_installed_it_still_looks_at_everything():
    """Without site-packages, as in a fresh clone: `python3 -m mmlearn doctor`."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "mmlearn", "doctor"],
        capture_output=True,
        text=True,
        cwd=root(),
        env={"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir()},
    )
    assert done.returncode == 1 and done.stderr == ""
    said = {line[:10].strip(): line[10:17].strip() for line in done.stdout.splitlines() if line[:1].strip()}
    assert list(said)[1 : 1 + len(doctor.PARTS)] == list(doctor.PARTS)
    assert said["packages"] == said["kernel"] == "wrong" and said["data"] == said["lessons"] == "ok"
    assert "not installed: torch, numpy" in done.stdout and "No module named" in done.stdout


def test_an_old_python_reads_the_sentence_that_refuses_it(monkeypatch):
    ast.parse(Path(root(), "mmlearn", "__main__.py").read_text(encoding="utf-8"), feature_version=(3, 6))
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(SystemExit) as left:
        runpy.run_module("mmlearn", run_name="__main__")
    assert "the course needs 3.11 or newer" in left.value.code and "make PYTHON=python3.11 lab" in left.value.code


# --- Python and packages


def test_another_python_than_that_of_the_courses_environment(course):
    assert doctor._python() == Finding("ok", doctor._python().text)
    (course / ".venv").mkdir()
    found = doctor._python()
    assert found.state == "note" and sys.executable in found.text
    assert found.mend.startswith(str(course / ".venv")) and found.mend.endswith("mmlearn doctor")


def test_the_packages_of_this_environment():
    found = doctor._packages()
    assert found.state == "ok" and "torch 2." in found.text


@pytest.fixture
def versions(monkeypatch):
    """Makes other versions seem to be installed, None for none."""

    def seem(**others):
        real = doctor._version
        monkeypatch.setattr(doctor, "_version", lambda name: others.get(name, real(name)))

    return seem


def test_a_missing_package(versions):
    versions(torch=None, mmlearn=None)
    found = doctor._packages()
    assert found.state == "wrong" and found.text == "not installed: torch, mmlearn"
    assert found.mend == f"cd {root()} && {sys.executable} -m pip install -c constraints.txt -e ."


def test_a_package_that_is_too_old_or_too_new(versions):
    versions(torch="1.13.1+cu117", datasets="6.0")
    found = doctor._packages()
    assert found.state == "wrong"
    assert found.text == "torch 1.13.1+cu117, needed >=2.9,<2.14; datasets 6.0, needed >=5.2,<6"


def test_another_version_than_the_one_that_was_tried(versions):
    versions(torch="2.12.1+cpu", tqdm="4.0")
    found = doctor._packages()
    assert found.state == "note" and "torch 2.12.1 (tried: 2.13.0), tqdm 4.0 (tried:" in found.text


def test_a_package_that_cannot_be_imported(monkeypatch):
    real = importlib.import_module

    def broken(name):
        if name == "PIL":
            raise OSError("libjpeg.so.62: cannot open shared object file")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", broken)
    found = doctor._packages()
    assert found.state == "wrong"
    assert found.text.startswith("pillow is installed, and cannot be imported: OSError: libjpeg.so.62")
    assert found.mend.endswith("pip install -c constraints.txt --force-reinstall --no-deps pillow")


@pytest.mark.parametrize("version", ["2.8.9", "2.9", "2.9.0", "2.13.0+cpu", "2.14.0", "2.14", "3", "10.1"])
@pytest.mark.parametrize("needs", [">=2.9,<2.14", "", ">=2.9"])
def test_versions_are_compared_as_pip_does(version, needs):
    assert doctor._fits(version, needs) == Requirement(f"torch{needs}").specifier.contains(version)


@pytest.mark.parametrize("make", ["/usr/bin/make", None])
def test_the_systems_python_is_left_alone(monkeypatch, make):
    """Most systems refuse to have packages installed beside their own."""
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(shutil, "which", lambda program: make)
    command = lab.install_command()
    assert command == f"cd {root()} && make lab" if make else ("-m venv .venv && .venv" in command)


# --- data, disk


def test_the_data_of_the_course(course):
    assert doctor._data().state == "ok"


@pytest.mark.parametrize("file", ["tones/liu.parquet", "zoo/toy-clip.safetensors", "zoo/toy-clip.json"])
@pytest.mark.parametrize("size", [None, 0, 1000])
def test_a_missing_or_damaged_file(course, file, size):
    path = course / "data" / file
    path.unlink() if size is None else os.truncate(path, size)
    found = doctor._data()
    assert found.state == "wrong" and path.stem in found.text
    assert found.mend == f"git -C {course} checkout -- data"


def test_a_disk_that_can_be_written(course):
    found = doctor._disk()
    assert found.state == "ok" and "GiB free" in found.text
    assert sorted(path.name for path in (course / "work").iterdir()) == [
        *(".copies.json", "00_start_here.ipynb", "01_vit.ipynb")
    ], "nothing is left behind"


def test_a_full_disk(course, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(100, 100, 3 * 2**20))
    found = doctor._disk()
    assert found.state == "wrong" and "only 3 MiB are free" in found.text


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_a_folder_that_cannot_be_written(course, monkeypatch, code):
    def refused(dir):
        raise OSError(code, os.strerror(code), str(dir))

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    found = doctor._disk()
    assert found.state == "wrong" and f"cannot be written: {os.strerror(code)}" in found.text
    assert bool(found.mend) == (code == errno.EACCES), "nothing of a learner's makes a disk writable"


@pytest.mark.skipif(os.name == "nt", reason="the command differs")
def test_files_of_another_user(course, monkeypatch):
    ledger.record("vit.patchify", 1.0)
    locked = ("01_vit.ipynb", "progress.json.lock")  # what a start with sudo leaves behind
    monkeypatch.setattr(os, "access", lambda path, mode: path.name not in locked)
    found = doctor._disk()
    assert found.state == "wrong" and "01_vit.ipynb, progress.json.lock" in found.text
    assert found.mend == f"chmod -R u+rwX {course}/work"
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert doctor._disk().mend == f'sudo chown -R "$(id -un)" {course}/work && chmod -R u+rwX {course}/work'


def test_damaged_progress(course):
    (course / "work" / "progress.json").write_text("{")
    found = doctor._disk()
    assert found.state == "wrong" and "progress.json cannot be read" in found.text
    assert subprocess.run(found.mend, shell=True).returncode == 0 and doctor._disk().state == "ok"


# --- device, lessons, grading


def test_a_device_that_is_not_there(monkeypatch):
    monkeypatch.setenv("MMLEARN_DEVICE", "cuda:99")
    found = doctor._device()
    assert found.state == "wrong" and "cuda:99" in found.text and found.mend == "unset MMLEARN_DEVICE"


def test_cores_memory_and_device(monkeypatch):
    monkeypatch.setenv("MMLEARN_DEVICE", "cpu")
    found = doctor._device()
    assert re.match(r"\d+ cores?, \d+\.\d GiB of memory; training runs on the CPU", found.text)
    monkeypatch.setattr(doctor, "_memory", lambda: 2**31)
    found = doctor._device()
    assert found.state == "note" and "2.0 GiB of memory" in found.text and "shut down the kernels" in found.text


def test_a_gpu_is_called_by_its_name(monkeypatch):
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: "Some GPU")
    assert doctor._called(SimpleNamespace(type="cuda")) == "the GPU Some GPU"
    assert doctor._called(SimpleNamespace(type="mps")) == "the GPU (mps)"


def test_older_copies(course):
    assert doctor._lessons().state == "ok"
    (course / "lessons" / "01_vit.ipynb").write_text("second version")
    before = {path: path.read_bytes() for path in (course / "work").iterdir()}
    found = doctor._lessons()
    assert found.state == "note" and found.mend == "mmlearn reset 01" and "your copies of 01" in found.text
    assert {path: path.read_bytes() for path in (course / "work").iterdir()} == before


def test_no_copies_yet(course):
    shutil.rmtree(course / "work")
    assert doctor._lessons() == Finding("ok", "no copies yet: `mmlearn lab` makes them")


@pytest.mark.parametrize(("level", "state"), [("namespaces", "ok"), ("limits", "note")])
def test_the_graders_isolation(monkeypatch, level, state):
    closed = []
    box = SimpleNamespace(level=level, close=lambda: closed.append(level))
    monkeypatch.setattr("mmlearn.course.grader.sandbox.strongest", lambda: (box, f"{level}: so and so"))
    assert doctor._grading() == Finding(state, f"for instructors. Isolation: {level}: so and so")
    assert closed == [level]


def test_where_there_is_no_grader_no_learner_is_bothered(monkeypatch):
    monkeypatch.setitem(sys.modules, "mmlearn.course.grader.sandbox", None)
    assert doctor._grading().state == "note"
