"""`mmlearn lab` up to the point where JupyterLab would start. The browser tests start it."""

import errno
import json
import shutil
import socket
import sys
import time
from datetime import date

import pytest

from mmlearn.cli import main
from mmlearn.course import doctor
from mmlearn.course import lab as lab_module
from mmlearn.course.copies import make_copies
from mmlearn.paths import root


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course folder with its own copy of the data and two small lessons."""
    folder = tmp_path / "course"
    shutil.copytree(root() / "data", folder / "data")
    (folder / "lessons").mkdir()
    for name in ("00_start_here.ipynb", "01_vit.ipynb"):
        (folder / "lessons" / name).write_text(f"lesson {name}, first version")
    monkeypatch.setenv("MMLEARN_ROOT", str(folder))
    return folder


@pytest.fixture
def started(monkeypatch):
    """The calls that would have started JupyterLab: (port, browser)."""
    calls = []
    monkeypatch.setattr(lab_module, "run_jupyterlab", lambda port, browser: calls.append((port, browser)) or 0)
    return calls


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """`kernels(place, program)` puts a kernel python3 in an environment or user folder of this test's own."""
    prefix, home = tmp_path / "prefix", tmp_path / "home"
    prefix.mkdir()
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr("jupyter_core.paths.ENV_JUPYTER_PATH", [str(prefix / "share" / "jupyter")])
    monkeypatch.setattr("jupyter_core.paths.SYSTEM_JUPYTER_PATH", [])
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(home))
    for name in ("JUPYTER_PATH", "JUPYTER_PREFER_ENV_PATH"):
        monkeypatch.setenv(name, "")  # so that what the code sets is undone after the test
        monkeypatch.delenv(name)
    places = {"environment": prefix / "share" / "jupyter", "user": home, "first": tmp_path / "first"}

    def put(place, program):
        folder = places[place] / "kernels" / "python3"
        folder.mkdir(parents=True)
        content = {"argv": [program, "-m", "ipykernel_launcher"], "display_name": "x", "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(content))
        return folder

    return put


@pytest.fixture
def another_python(tmp_path):
    program = tmp_path / "other" / "bin" / "python3"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)  # the same file, as in a virtual environment, and yet another Python
    return str(program)


# --- the whole command


def test_the_first_start_prepares_everything(course, started, capsys):
    assert main(["lab", "--no-browser", "--port", "0"]) == 0
    said = capsys.readouterr().out
    assert "complete: emoji" in said and f"notebooks run in {sys.executable}" in said and "2 copied to work/" in said
    ((port, browser),) = started
    assert port > 0 and browser is False
    copy = course / "work" / "01_vit.ipynb"
    assert copy.read_bytes() == (course / "lessons" / "01_vit.ipynb").read_bytes()


def test_the_second_start_is_quick_and_changes_nothing(course, started, capsys):
    main(["lab"])
    before = {path: path.stat().st_mtime_ns for path in (course / "work").rglob("*")}
    start = time.perf_counter()
    assert main(["lab"]) == 0
    assert time.perf_counter() - start < 2
    assert {path: path.stat().st_mtime_ns for path in (course / "work").rglob("*")} == before
    assert "2 in work/ are yours and stay as they are" in capsys.readouterr().out and len(started) == 2


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_damaged_data_stops_with_the_command_that_mends_it(course, started, capsys, damage):
    shard = course / "data" / "emoji" / "images" / "openmoji.parquet"
    content = shard.read_bytes()
    shard.unlink() if damage == "missing" else shard.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert main(["lab"]) == 1
    said = capsys.readouterr().err
    assert "openmoji.parquet is" in said and "git checkout -- data/emoji/images/openmoji.parquet" in said
    assert started == [] and not (course / "work").exists()


def test_a_missing_jupyterlab_is_named(course, started, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    assert main(["lab"]) == 1
    said = capsys.readouterr().err
    assert "jupyterlab is not installed" in said and "pip install" in said and started == []


def test_a_taken_port_is_said_and_the_next_one_used(course, started, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["lab", "--port", str(port)]) == 0
    assert f"{port} is taken" in capsys.readouterr().out
    assert port < started[0][0] < port + 50


def test_a_port_that_is_none_is_refused(course, started, capsys):
    assert main(["lab", "--port", "70000"]) == 1
    assert "from 0 to 65535, got 70000" in capsys.readouterr().err and started == []


def test_no_lessons(course, started, capsys):
    shutil.rmtree(course / "lessons")
    assert main(["lab"]) == 1
    assert "git checkout -- lessons" in capsys.readouterr().err and started == []


# --- the learner's copies


def test_a_copy_is_never_written_again(course):
    lessons, work = course / "lessons", course / "work"
    make_copies(lessons, work)
    (work / "00_start_here.ipynb").write_text("my work")
    (work / "mine.ipynb").write_text("my own notebook")
    (lessons / "00_start_here.ipynb").write_text("second version")
    for _ in range(2):  # it is said at every start
        said = make_copies(lessons, work)
        assert len(said) == 2 and "lesson 00 has a newer version; yours is kept" in said[1]
    assert (work / "00_start_here.ipynb").read_text() == "my work"
    assert (work / "mine.ipynb").read_text() == "my own notebook"


def test_a_copy_put_aside_makes_room_for_the_newer_version(course):
    lessons, work = course / "lessons", course / "work"
    make_copies(lessons, work)
    (lessons / "01_vit.ipynb").write_text("second version")
    (work / "01_vit.ipynb").rename(work / "01_vit_old.ipynb")
    assert make_copies(lessons, work) == ["1 copied to work/, 1 in work/ are yours and stay as they are"]
    assert (work / "01_vit.ipynb").read_text() == "second version"
    assert "first version" in (work / "01_vit_old.ipynb").read_text()


@pytest.mark.parametrize("record", [None, "{ not json", "[]"])
def test_a_lost_record_costs_no_copy(course, record):
    lessons, work = course / "lessons", course / "work"
    make_copies(lessons, work)
    (work / "00_start_here.ipynb").write_text("my work")
    (work / ".copies.json").unlink() if record is None else (work / ".copies.json").write_text(record)
    assert len(make_copies(lessons, work)) == 1
    (lessons / "00_start_here.ipynb").write_text("second version")
    assert "lesson 00 has a newer version" in make_copies(lessons, work)[1]
    assert (work / "00_start_here.ipynb").read_text() == "my work"


def test_a_new_lesson_is_added(course):
    make_copies(course / "lessons", course / "work")
    (course / "lessons" / "02_vae.ipynb").write_text("new")
    assert make_copies(course / "lessons", course / "work")[0].startswith("1 copied to work/, 2 in work/")
    assert (course / "work" / "02_vae.ipynb").read_text() == "new"


# --- fresh copies


@pytest.fixture
def worked_on(course):
    """The learner's folder, where both lessons were worked on."""
    make_copies(course / "lessons", course / "work")
    for copy in (course / "work").glob("*.ipynb"):
        copy.write_text(f"my work on {copy.name}")
    return course / "work"


def asides(work):
    """What was put aside, and what it holds."""
    return {path.name: path.read_text() for path in work.glob("*.before-*")}


def test_reset_gives_a_fresh_lesson_and_keeps_the_learners_beside_it(worked_on, capsys):
    assert main(["reset", "01"]) == 0
    assert (worked_on / "01_vit.ipynb").read_text() == "lesson 01_vit.ipynb, first version"
    assert asides(worked_on) == {f"01_vit.before-{date.today()}.ipynb": "my work on 01_vit.ipynb"}
    assert (worked_on / "00_start_here.ipynb").read_text() == "my work on 00_start_here.ipynb"
    said = capsys.readouterr().out
    assert f"lesson 01 is fresh; what you had is in work/01_vit.before-{date.today()}.ipynb" in said
    assert "Reload Notebook from Disk" in said and "progress stays" in said


def test_reset_never_overwrites_an_earlier_one(worked_on):
    for version in ("first", "second", "third"):
        (worked_on / "01_vit.ipynb").write_text(version)
        assert main(["reset", "01"]) == 0
    today = date.today()
    names = [f"01_vit.before-{today}{number}.ipynb" for number in ("", "-2", "-3")]
    assert asides(worked_on) == dict(zip(names, ("first", "second", "third"), strict=True))


def test_reset_of_several_lessons_where_one_is_fresh_and_one_is_missing(worked_on, capsys):
    (worked_on / "00_start_here.ipynb").unlink()
    assert main(["reset", "01"]) == 0
    capsys.readouterr()
    assert main(["reset", "00", "01", "00"]) == 0
    said = capsys.readouterr().out
    assert "lesson 00 is fresh; there was no copy of it\nlesson 01 is fresh already\n" in said
    assert len(asides(worked_on)) == 1 and "first version" in (worked_on / "00_start_here.ipynb").read_text()


def test_reset_of_an_unknown_lesson_lists_what_there_is_and_touches_nothing(worked_on, capsys):
    assert main(["reset", "01", "7"]) == 1
    said = capsys.readouterr().err
    assert "There is no lesson '7'. There is: 00_start_here, 01_vit." in said
    assert asides(worked_on) == {} and (worked_on / "01_vit.ipynb").read_text() == "my work on 01_vit.ipynb"


def test_reset_brings_the_newer_version(course, worked_on, capsys):
    for lesson in (course / "lessons").iterdir():
        lesson.write_text("second version")
    said = make_copies(course / "lessons", worked_on)[1]
    assert "lessons 00, 01 have newer versions; yours are kept. `mmlearn reset 00 01`" in said
    assert main(["reset", "00", "01"]) == 0
    assert len(make_copies(course / "lessons", worked_on)) == 1 and len(asides(worked_on)) == 2


def test_a_reset_that_cannot_write_loses_nothing(worked_on, monkeypatch, capsys):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("mmlearn.course.copies.write_whole", full)
    assert main(["reset", "01"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert (worked_on / "01_vit.ipynb").read_text() == "my work on 01_vit.ipynb"


# --- the kernel


def test_a_kernel_of_this_python_is_left_alone(kernels):
    file = kernels("environment", sys.executable) / "kernel.json"
    before = file.stat().st_mtime_ns
    assert sys.executable in lab_module.check_kernel()
    assert file.stat().st_mtime_ns == before


def test_no_kernel_at_all_is_fine_because_jupyter_has_its_own(kernels):
    assert sys.executable in lab_module.check_kernel()


@pytest.mark.parametrize("place", ["environment", "user"])
def test_a_wrong_kernel_is_mended_in_the_environment_alone(kernels, another_python, place, tmp_path):
    file = kernels(place, another_python) / "kernel.json"
    before = file.read_text()
    assert sys.executable in lab_module.check_kernel()
    installed = json.loads((tmp_path / "prefix/share/jupyter/kernels/python3/kernel.json").read_text())
    assert lab_module.is_this_python(installed["argv"][0])
    if place == "user":
        assert file.read_text() == before


def test_a_kernel_that_hides_ours_is_named(kernels, another_python, monkeypatch, tmp_path):
    kernels("first", another_python)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "first"))
    with pytest.raises(lab_module.NotReadyError) as caught:
        lab_module.check_kernel()
    assert another_python in str(caught.value) and "jupyter kernelspec list" in str(caught.value)


def test_doctor_names_the_command_that_gives_notebooks_this_python(kernels, another_python, monkeypatch, tmp_path):
    assert doctor._kernel().state == "ok"
    kernels("environment", another_python)
    found = doctor._kernel()
    assert found.state == "wrong" and another_python in found.text
    assert found.mend == f"{sys.executable} -m ipykernel install --sys-prefix"
    kernels("first", another_python)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "first"))
    assert doctor._kernel().mend == "unset JUPYTER_PATH"
