"""A class is graded whole: nobody is marked twice or lost, whatever stops the grader, and all is written the same."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from classes import DETACHED, ENDS, RIGHT, TOTAL, hand_in, mean_picture, notebook
from filelock import FileLock

from mmlearn.cli import main
from mmlearn.course.grader.records import loads
from mmlearn.course.registry import find
from mmlearn.files import write_whole

SLOW = "import time\n" + TOTAL.replace("    return", "    time.sleep(1)\n    return")  # time enough to stop the grader
CLASS = {
    "ann": mean_picture(RIGHT),
    "bob": mean_picture(DETACHED),
    "c++ fan": mean_picture(SLOW),
    "dan": mean_picture(ENDS),
    "eva": notebook("00"),
    "fay": b"dear teacher",
    "Иван Петров": mean_picture(RIGHT.replace("sum", "float().sum")),
}


def grade(submissions, out, *options, lesson="00", seed=("--seed", "s")) -> int:
    return main(["grade", str(submissions), "--lesson", lesson, "--out", str(out), *seed, *options])


def rows(out) -> dict[str, dict[str, str]]:
    with (out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def records(out) -> dict[str, Path]:
    return {loads(path.read_bytes()).student: path for path in (out / "records").glob("*.json")}


def times(out) -> dict[str, int]:
    return {student: path.stat().st_mtime_ns for student, path in records(out).items()}


def reported(out) -> dict[str, bytes]:
    """What must not depend on how a run went."""
    return {name: (out / name).read_bytes() for name in ("grades.csv", "similarity.csv")} | {
        path.name: path.read_bytes() for path in (out / "feedback").iterdir()
    }


@pytest.fixture(scope="module")
def submissions(tmp_path_factory):
    return hand_in(tmp_path_factory.mktemp("handed-in") / "class", CLASS)


@pytest.fixture(scope="module")
def whole(submissions, tmp_path_factory):
    """A run that nothing stopped, one submission at a time."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert grade(submissions, out, "--jobs", "1") == 0
    return out


@pytest.fixture
def copy(submissions, whole, tmp_path):
    """The class and what is known of it, to be changed."""
    shutil.copytree(submissions, tmp_path / "class")
    shutil.copytree(whole, tmp_path / "out")
    return tmp_path / "class", tmp_path / "out"


# --- what is written


def test_every_submission_has_its_row_and_its_page(whole):
    found = {student: (row["status"], row["total"], row["start.mean"]) for student, row in rows(whole).items()}
    assert found == {
        "ann": ("graded", "1", "1"),
        "bob": ("graded", "0.67", "0.67"),
        "c++ fan": ("graded", "0", "0"),
        "dan": ("crashed", "0", "0"),
        "eva": ("graded", "0", "0"),
        "fay": ("invalid", "0", ""),
        "Иван Петров": ("graded", "1", "1"),
    }
    assert "exit code 3" in rows(whole)["dan"]["reason"] and "not JSON" in rows(whole)["fay"]["reason"]
    assert len(list((whole / "feedback").glob("*.html"))) == len(CLASS)
    assert "cut off from the images" in (whole / "feedback" / "bob.html").read_text(encoding="utf-8")
    assert (whole / "similarity.csv").read_text(encoding="utf-8-sig").startswith("student a,student b,similarity")


def test_the_report_says_how_it_went(whole):
    report = (whole / "report.md").read_text(encoding="utf-8")
    assert report.startswith("# Lesson 00 · Start here: 7 submissions")
    assert "graded: 5" in report and "crashed: 1" in report and "invalid: 1" in report
    assert "**isolation**" in report and "did not divide by how many there are" in report
    assert "`dan`" in report and "`ann`" not in report.split("## Alike")[0], "who is plainly graded is not listed"


def test_a_mark_is_what_the_notebooks_own_check_gives(whole):
    exercise = find("start.mean")
    for student, code in {"ann": RIGHT, "bob": DETACHED, "c++ fan": TOTAL}.items():
        exec(code, scope := {})
        (mark,) = loads(records(whole)[student].read_bytes()).marks
        expected = exercise.grade(scope["mean_picture"])
        assert mark.score == expected.score
        assert [holds for _, holds, _ in mark.verdicts] in ([v.passed for v in expected.verdicts], [])


# --- going on


@pytest.fixture
def stopped(submissions, tmp_path):
    """`stopped(signal)`: the command, stopped by that signal once somebody is marked; its process and its folder."""
    out, temporary = tmp_path / "out", tmp_path / "temporary"
    temporary.mkdir()
    words = ["grade", submissions, "--lesson", "00", "--out", out, "--seed", "s", "--jobs", "1"]
    command = [Path(sys.executable).parent / "mmlearn", *map(str, words)]
    started = []

    def stop(number):
        with (tmp_path / "said").open("w") as said:
            process = subprocess.Popen(
                command, stdout=said, stderr=said, env={**_environment(), "TMPDIR": str(temporary)}
            )
        started.append(process)
        deadline = time.monotonic() + 120
        while not list(out.glob("records/*.json")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(number)
        process.wait(60)
        return process, out, temporary

    yield stop
    for process in started:
        process.kill()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MMLEARN_")}


def below(folder) -> list[psutil.Process]:
    """Processes of sandboxes in a folder: its name is on their command lines."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if str(folder) in " ".join(process.info["cmdline"] or []):
            found.append(process)
    return found


def gone(folder) -> bool:
    deadline = time.monotonic() + 20
    while below(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not below(folder)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_a_stopped_run_goes_on_and_ends_as_if_it_had_not_been_stopped(stopped, submissions, whole, tmp_path, name):
    process, out, temporary = stopped(getattr(signal, name))
    said = (tmp_path / "said").read_text()
    kept = times(out)
    assert 0 < len(kept) < len(CLASS), said
    assert not (out / "grades.csv").exists() and "Traceback" not in said
    assert gone(temporary), "a sandbox outlived the grader"
    if name == "SIGINT":
        assert process.returncode == 130
        assert f"{len(kept)} of {len(CLASS)} are marked and kept; the same command goes on from there." in said
        assert "Stopped." in said and not list(temporary.iterdir())
    assert grade(submissions, out, "--jobs", "2") == 0
    assert {student: time for student, time in times(out).items() if student in kept} == kept
    assert set(records(out)) == set(CLASS)
    assert reported(out) == reported(whole)


def test_only_what_is_new_changed_or_damaged_is_marked(copy, capsys):
    folder, out = copy
    before = times(out)
    hand_in(folder, {"bob": mean_picture(RIGHT), "new": mean_picture(TOTAL)})
    records(out)["eva"].write_bytes(b'{"student": "eva"}')
    write_whole(out / "records" / "stranger.json", b"not a record")
    (folder / "ann.ipynb").touch()  # a copy that is newer is still the same
    assert grade(folder, out, "--jobs", "1") == 0
    assert "3 to mark, 5 marked before." in capsys.readouterr().out
    (out / "records" / "stranger.json").unlink()
    after = times(out)
    assert {student for student in after if after[student] != before.get(student)} == {"bob", "eva", "new"}
    assert {student: row["total"] for student, row in rows(out).items() if student in ("bob", "eva", "new")} == {
        "bob": "1", "eva": "0", "new": "0",
    }  # fmt: skip
    assert (out / "feedback" / "new.html").exists()


def test_who_hands_in_nothing_any_more_has_no_row_and_who_moved_a_file_keeps_the_mark(copy, capsys):
    folder, out = copy
    before = times(out)
    (folder / "dan.ipynb").unlink()
    (folder / "bob").mkdir()
    (folder / "bob.ipynb").rename(folder / "bob" / "mine.ipynb")
    assert grade(folder, out) == 0
    assert "0 to mark, 6 marked before." in capsys.readouterr().out
    assert set(rows(out)) == set(CLASS) - {"dan"} and times(out) == before
    assert (rows(out)["bob"]["file"], rows(out)["bob"]["total"]) == ("bob/mine.ipynb", "0.67")
    assert "**isolation**" in (out / "report.md").read_text(encoding="utf-8"), "of the run that marked them"


def test_other_checks_mark_everyone_again(copy, capsys, monkeypatch):
    folder, out = copy
    for path in records(out).values():
        known = json.loads(path.read_bytes())
        path.write_text(json.dumps({**known, "version": "000000000000"}), encoding="utf-8")
    for student in set(CLASS) - {"ann", "fay"}:  # two will do
        (folder / f"{student}.ipynb").unlink()
    assert grade(folder, out, "--jobs", "1") == 0
    assert "2 to mark." in capsys.readouterr().out
    assert "000000000000" not in (out / "grades.csv").read_text()


def test_one_disputed_mark_is_made_again_with_a_log(copy, capsys):
    folder, out = copy
    before = times(out)
    hand_in(folder, {"bob": mean_picture(RIGHT.replace("return", "print('so far')\n    return"))})
    assert grade(folder, out, "--only", "bob") == 0
    after = times(out)
    assert [student for student in after if after[student] != before[student]] == ["bob"]
    log = (out / "log" / "bob.txt").read_text()
    assert "bob, lesson 00" in log and "so far" in log and "seed " in log and "as it should be" in log
    assert "--- cell\ndef mean_picture" in log
    assert rows(out)["bob"]["total"] == "1" and set(rows(out)) == set(CLASS)


def test_one_mark_of_a_class_that_is_not_marked_yet(submissions, tmp_path):
    assert grade(submissions, tmp_path, "--only", "Иван Петров") == 0
    assert set(records(tmp_path)) == {"Иван Петров"}
    assert len(list((tmp_path / "log").iterdir())) == 1 and not (tmp_path / "grades.csv").exists()


# --- what stands in the way


def refused(capsys, *arguments, **named) -> str:
    """The one sentence of a command that fails."""
    capsys.readouterr()
    assert grade(*arguments, **named) == 1
    said = capsys.readouterr()
    assert said.err.startswith("mmlearn: ") and said.err.count("\n") == 1 and "Traceback" not in said.err + said.out
    return said.err


def test_what_stands_in_the_way_is_one_sentence(copy, capsys, tmp_path):
    folder, out = copy
    before = reported(out)
    unknown = refused(capsys, folder, out, "--only", "zoe")
    assert "nobody called 'zoe'" in unknown and "Иван Петров" in unknown
    assert "no lesson has the number '77'" in refused(capsys, folder, tmp_path / "a", lesson="77")
    assert "holds the grades of lesson 00" in refused(capsys, folder, out, lesson="01")
    assert "begun with another seed" in refused(capsys, folder, out, seed=("--seed", "t"))
    with FileLock(out / ".lock"):
        assert "another `mmlearn grade` is at work" in refused(capsys, folder, out)
    assert "there is nothing at" in refused(capsys, tmp_path / "nowhere", tmp_path / "b")
    (tmp_path / "empty").mkdir()
    assert "no submission for 00_start_here" in refused(capsys, tmp_path / "empty", tmp_path / "c")
    (tmp_path / "taken").write_text("a letter")
    refused(capsys, folder, tmp_path / "taken")
    (out / "grading.json").write_text("{")
    assert "grading.json cannot be read" in refused(capsys, folder, out)
    assert reported(out) == before
