"""Progress: nothing is lost between two kernels, and a broken file never stops a lesson."""

import json
import os
import re
import subprocess
import sys

import pytest

from mmlearn.cli import main
from mmlearn.course import check, exercises, ledger, progress, standing
from mmlearn.course.lessons import lessons
from mmlearn.course.registry import find
from mmlearn.paths import root

DAMAGE = {
    "cut off": '{"version": 1, "exer',
    "no json": "hello",
    "empty": "",
    "another version": '{"version": 99, "exercises": {}}',
    "a list": "[]",
    "null": "null",
    "entries of another form": '{"version": 1, "exercises": {"vit.patchify": 5}}',
    "an entry without fields": '{"version": 1, "exercises": {"vit.patchify": {}}}',
    "a field of another type": (
        '{"version": 1, "exercises": {"vit.patchify": {"attempts": "x", "best": 1, "passed": null}}}'
    ),
    "exercises as a list": '{"version": 1, "exercises": [1]}',
}


def identity(images_BCYX, patch_size):
    return images_BCYX


def test_attempts_and_the_best_score_are_kept():
    for score in (0.5, 0.25, 1.0, 0.75):
        ledger.record("vit.patchify", score)
    ledger.record("vit.block", 0.0)
    done = ledger.read()
    assert (done["vit.patchify"]["attempts"], done["vit.patchify"]["best"]) == (4, 1.0)
    assert done["vit.patchify"]["passed"].endswith("+00:00")
    assert done["vit.block"] == {"attempts": 1, "best": 0.0, "passed": None}


def test_the_first_pass_keeps_its_time():
    ledger.record("vit.patchify", 1.0)
    content = json.loads(ledger.path().read_text())
    content["exercises"]["vit.patchify"]["passed"] = "2026-01-31T10:00:00+00:00"
    ledger.path().write_text(json.dumps(content))
    ledger.record("vit.patchify", 1.0)
    assert ledger.read()["vit.patchify"]["passed"] == "2026-01-31T10:00:00+00:00"


def test_two_processes_at_once_lose_nothing(tmp_path):
    code = (
        "import sys; from mmlearn.course import ledger\n"
        "for i in range(50): ledger.record('both', 0.5); ledger.record(sys.argv[1], 1.0)"
    )
    own = os.environ | {"MMLEARN_PROGRESS": str(tmp_path / "shared.json")}
    workers = [subprocess.Popen([sys.executable, "-c", code, name], env=own) for name in ("one", "two")]
    assert [worker.wait(timeout=60) for worker in workers] == [0, 0]
    done = ledger.read(tmp_path / "shared.json")
    assert {slug: entry["attempts"] for slug, entry in done.items()} == {"both": 100, "one": 50, "two": 50}


def test_a_crash_while_writing_keeps_the_old_file(monkeypatch):
    ledger.record("vit.patchify", 1.0)
    before = ledger.path().read_bytes()

    def crash(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        ledger.record("vit.patchify", 1.0)
    assert ledger.path().read_bytes() == before
    left = {file.name for file in ledger.path().parent.iterdir()} - {"progress.json.lock"}
    assert left == {"progress.json"}, "no temporary file stays"


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_told_and_kept_and_the_check_goes_on(content, capsys):
    ledger.path().write_text(content)
    assert callable(check("vit.patchify", identity))
    text = capsys.readouterr().out
    assert "0 of 7 properties hold" in text
    assert "Your progress was not recorded: " in text and "move it away and run the checks again" in text
    assert ledger.path().read_text() == content


def test_bytes_that_are_no_text_are_damage_too(capsys):
    ledger.path().write_bytes(b"\xff\xfe\x00{")
    check("vit.patchify", identity)
    assert "Your progress was not recorded: " in capsys.readouterr().out


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_progress_on_a_damaged_file_says_so_and_raises_nothing(content, capsys):
    ledger.path().write_text(content)
    progress()
    assert "move it away" in capsys.readouterr().out


@pytest.mark.parametrize("place", ["a file/progress.json", "folder"])
def test_a_place_that_cannot_be_written_is_told_and_the_check_goes_on(place, tmp_path, monkeypatch, capsys):
    (tmp_path / "a file").write_text("")
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("MMLEARN_PROGRESS", str(tmp_path / place))
    assert callable(check("vit.patchify", identity))
    assert "Your progress was not recorded: " in capsys.readouterr().out


def test_a_folder_without_permission_is_told(monkeypatch, capsys):
    """A real one cannot be made when the tests run as root."""

    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied", "progress.json")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    check("vit.patchify", identity)
    assert "Your progress was not recorded: Permission denied" in capsys.readouterr().out


def test_without_a_named_place_it_stands_in_an_ignored_folder(monkeypatch):
    monkeypatch.delenv("MMLEARN_PROGRESS")
    assert ledger.path() == root() / "work" / "progress.json"
    assert "work/" in (root() / ".gitignore").read_text().splitlines()


def test_the_folder_is_made_when_it_is_needed(monkeypatch, tmp_path):
    monkeypatch.setenv("MMLEARN_PROGRESS", str(tmp_path / "new" / "deep" / "p.json"))
    assert ledger.read() == {}
    ledger.record("vit.block", 1.0)
    assert ledger.read()["vit.block"]["passed"]


def test_the_command_prints_what_is_done_and_what_comes_next(capsys):
    assert main(["progress"]) == 0
    text = capsys.readouterr().out
    everything = exercises()
    assert all(exercise.title in text for exercise in everything)
    assert f"0 of {len(everything)} exercises done.\nNext: {everything[0].title} (lesson 00, about 3 minutes)." in text

    ledger.record("start.mean", 1.0)
    ledger.record("vit.attention", 0.5)
    ledger.record("vit.attention", 1 / 3)
    ledger.record("vit.block", 2 / 3)
    assert main(["progress"]) == 0
    text = capsys.readouterr().out
    lines = {line[4:48].strip(): line for line in text.splitlines()}
    assert lines["The mean picture"].startswith("  ✓ ") and lines["The mean picture"].endswith("1/1 points  1 try")
    assert lines["Multi-head self-attention"].startswith("  … ")
    assert lines["Multi-head self-attention"].endswith("2.5/5 points  2 tries")
    assert lines["The pre-norm block"].endswith("1.3/2 points  1 try"), "as the check itself says it"
    assert f"1 of {len(everything)} exercises done.\nNext: {everything[1].title} (lesson 01" in text


def test_when_all_is_done_nothing_comes_next(capsys):
    for exercise in exercises():
        ledger.record(exercise.slug, 1.0)
    progress()
    text = capsys.readouterr().out
    assert f"{len(exercises())} of {len(exercises())} exercises done." in text and "Next" not in text


def test_an_exercise_that_is_gone_does_not_disturb(capsys):
    ledger.record("old.exercise", 1.0)
    progress()
    assert f"0 of {len(exercises())} exercises done." in capsys.readouterr().out


# --- the table in a notebook


@pytest.fixture
def table(monkeypatch):
    """`progress()` as HTML, now."""
    live = {}
    monkeypatch.setattr(standing, "publish_live", lambda make, controls: live.update(make=make, controls=controls))
    progress()
    return lambda: live["make"]()["text/html"]


def test_the_table_says_of_each_lesson_what_is_done_and_looks_again(table):
    landed = [lesson for lesson in lessons() if lesson.landed]
    before = table()
    assert all(f'<a href="{lesson.file}">{lesson.number} · ' in before for lesson in landed)
    assert before.count('scope="row"') == len(landed)
    ledger.record("start.mean", 1.0)
    ledger.record("vit.patchify", 1.0)
    ledger.record("vit.attention", 0.5)
    after = table()
    points = find("vit.patchify").points + find("vit.attention").points / 2
    total = sum(exercise.points for exercise in exercises("01"))
    assert ">■</span> 1 of 1</td>" in after and ">1 of 1</td>" in after
    assert f">■{'□' * (len(exercises('01')) - 1)}</span> 1 of {len(exercises('01'))}</td>" in after
    assert f">{points:g} of {total}</td>" in after


def test_a_bar_is_for_the_eye_and_its_words_for_all(table):
    hidden = re.findall(r'<span aria-hidden="true"[^>]*>([^<]*)</span> (\d+ of \d+)', table())
    assert len(hidden) == sum(lesson.landed for lesson in lessons())
    assert all(len(bar) == int(words.split()[-1]) for bar, words in hidden)


def test_the_next_step_is_a_link(table):
    first, second = exercises()[:2]
    assert (
        f'Next: <a href="00_start_here.ipynb">{first.title} (lesson 00, about {first.minutes} minutes).</a>' in table()
    )
    ledger.record(first.slug, 1.0)
    assert f'Next: <a href="01_vit.ipynb">{second.title} (lesson 01' in table()
    for exercise in exercises():
        ledger.record(exercise.slug, 1.0)
    assert "Next" not in table()


def test_the_table_of_a_damaged_file_is_its_sentence(table):
    ledger.path().write_text('{"version": "<b>"}')
    assert "&lt;b&gt;" in table() and "move it away" in table() and "<table" not in table()


def test_the_text_says_what_a_lesson_asks(capsys):
    assert main(["progress"]) == 0
    head = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Lesson 01"))
    vit = next(lesson for lesson in lessons() if lesson.number == "01")
    assert head.startswith("Lesson 01 · Vision Transformer (ViT) · builds on 00 · ")
    assert f"{vit.reading} min to read, {vit.exercising} min of exercises, {vit.run.seconds:.0f} s to run" in head
