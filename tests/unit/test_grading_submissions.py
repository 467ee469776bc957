"""Who handed in what: every form of a class's files, and nothing of it that can harm the grader."""

import os
import pickle
import struct
import unicodedata
import zipfile
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from mmlearn.course.grader.submissions import MAX_BYTES, MAX_MEMBERS, file_name, find
from mmlearn.course.lessons import find as find_lesson

LESSON = find_lesson("01")
NOTEBOOK = b'{"nbformat": 4, "cells": []}'
TOO_LARGE = "larger than 20 MiB: clear its outputs, save it and hand it in again"
LINK = "a link, and links are not followed: hand in the notebook itself"


def folder(where, names, content=NOTEBOOK):
    """A folder of files; a dictionary gives their contents."""
    for age, name in enumerate(names):
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(names[name] if isinstance(names, dict) else content)
        os.utime(path, (1e9 + age, 1e9 + age))  # each newer than the one before
    return where


def zipped(path, names):
    """A zip of files: names, with contents or without, or `ZipInfo`s."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for age, name in enumerate(names):
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, age * 2))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, names[name] if isinstance(names, dict) else NOTEBOOK)
    return path


@pytest.fixture(params=["folder", "zip"])
def made(request, tmp_path):
    """Makes the same files as a folder and as a zip."""
    if request.param == "folder":
        return lambda names: folder(tmp_path / "class", names)
    return lambda names: zipped(tmp_path / "class.zip", names)


def labels(found):
    return {submission.student: submission.label for submission in found.submissions}


def only(found):
    (submission,) = found.submissions
    return submission


# Forms.


def test_a_flat_folder(made):
    found = find(made(["petrov.ipynb", "ivanova.ipynb", "Анна Орлова.IPYNB"]), LESSON)
    assert [s.student for s in found.submissions] == ["ivanova", "petrov", "Анна Орлова"]
    assert labels(found)["ivanova"] == "ivanova.ipynb"
    assert {s.read() for s in found.submissions} == {NOTEBOOK}
    assert all((s.attempt, s.late, s.time, s.problem, s.notes) == (0, None, None, "", ()) for s in found.submissions)
    assert found.notices == ()


def test_a_folder_for_each_student(made):
    found = find(made(["ivanova/solution.ipynb", "petrov/deep/er/01_vit.ipynb", "orlova.ipynb"]), LESSON)
    assert list(labels(found)) == ["ivanova", "orlova", "petrov"]
    assert labels(found)["petrov"] == "petrov/deep/er/01_vit.ipynb"


def test_in_a_students_folder_the_lessons_name_counts_then_the_latest(made):
    names = ["a/x_01_vit.ipynb", "a/02_clip.ipynb", "b/old.ipynb", "b/new.ipynb"]
    found = find(made(names), LESSON)
    assert labels(found) == {"a": "a/x_01_vit.ipynb", "b": "b/new.ipynb"}
    assert found.notices == (
        "a/02_clip.ipynb: put aside for a/x_01_vit.ipynb: its name is not that of the lesson",
        "b/old.ipynb: put aside for b/new.ipynb: it is older",
    )
    assert found.submissions[1].notes == ("`b/old.ipynb` was put aside: it is older.",)


def test_a_flat_file_and_a_folder_of_one_student_are_repeats(made):
    found = find(made(["ivanova.ipynb", "ivanova/01_vit.ipynb"]), LESSON)
    assert labels(found) == {"ivanova": "ivanova/01_vit.ipynb"} and len(only(found).notes) == 1


TREE = {
    "submitted/ivanova/01_vit/01_vit.ipynb": NOTEBOOK,
    "submitted/ivanova/01_vit/timestamp.txt": b"2026-03-01 09:30:00.250000 UTC\n",
    "submitted/ivanova/02_clip/02_clip.ipynb": NOTEBOOK,
    "submitted/petrov/01_vit/mine.ipynb": NOTEBOOK,
    "submitted/orlova/ps1/problem.ipynb": NOTEBOOK,
    "source/01_vit/01_vit.ipynb": NOTEBOOK,
    "gradebook.db": b"",
}


def test_nbgraders_course_folder(made):
    found = find(made(TREE), LESSON)
    assert labels(found) == {
        "ivanova": "submitted/ivanova/01_vit/01_vit.ipynb",
        "petrov": "submitted/petrov/01_vit/mine.ipynb",
    }
    assert found.submissions[0].time == datetime(2026, 3, 1, 9, 30, 0, 250000, UTC)
    assert found.submissions[1].time is None
    assert found.notices == ()  # other assignments are nobody's business


def test_nbgraders_submitted_folder_itself(tmp_path):
    found = find(folder(tmp_path, TREE) / "submitted", LESSON)
    assert labels(found) == {"ivanova": "ivanova/01_vit/01_vit.ipynb", "petrov": "petrov/01_vit/mine.ipynb"}


def test_nbgraders_tree_under_another_name(made):
    names = {name.removeprefix("submitted/"): content for name, content in TREE.items() if "submitted" in name}
    found = find(made(names), LESSON)
    # Outside `submitted`, a folder that is no lesson's may be the student's own way of keeping order.
    assert list(labels(found)) == ["ivanova", "orlova", "petrov"]
    assert found.submissions[0].time and found.notices == ()


def test_a_student_of_moodle_cannot_make_a_tree_or_a_time(made):
    mine, theirs = (f"{name}_{name}_assignsubmission_file_" for name in "12")
    names = {
        f"{mine}/01_vit/01_vit.ipynb": NOTEBOOK,
        f"{mine}/01_vit/timestamp.txt": b"2020-01-01 00:00:00 UTC",
        f"{theirs}/02_clip/work.ipynb": NOTEBOOK,
    }
    found = find(made(names), LESSON)
    assert [(s.student, s.time) for s in found.submissions] == [("1 (1)", None), ("2 (2)", None)]


def test_this_lessons_notebook_in_another_assignments_folder_is_noticed(made):
    found = find(made([*TREE, "submitted/orlova/homework/01_vit.ipynb"]), LESSON)
    notice = "submitted/orlova/homework/01_vit.ipynb: left out, because it is not in the folder 01_vit"
    assert notice in found.notices and "orlova" not in labels(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01 12:30:00 Europe/Moscow", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01 12:30:00.5 +0300", datetime(2026, 3, 1, 9, 30, 0, 500000, UTC)),
        ("2026-03-01T12:30:00+03:00", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01 09:30:00", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01 09:30:00 PST", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01 09:30:00 /etc/localtime", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("0001-01-01 00:00:00 +0300", None),
        ("2026-03-01 09:30:00 +9999", None),
        ("yesterday", None),
        ("", None),
        ("1" * 5000, None),
        ("\x00\x00", None),
    ],
)
def test_timestamps(tmp_path, text, expected):
    names = {"a/01_vit/01_vit.ipynb": NOTEBOOK, "a/01_vit/timestamp.txt": text.encode()}
    found = find(folder(tmp_path / "submitted", names), LESSON)
    assert only(found).time == expected
    assert found.notices == (() if expected else ("a/01_vit/timestamp.txt: not a time",))


MOODLE = {
    "Анна Орлова_1234567_assignsubmission_file_/01_vit.ipynb": "Анна Орлова (1234567)",
    "Анна Орлова_7654321_assignsubmission_file_/01_vit.ipynb": "Анна Орлова (7654321)",
    "Jean_Luc O'Neil_22_assignsubmission_file/sub/my_work.ipynb": "Jean_Luc O'Neil (22)",
    "Maria de la Cruz_33_assignsubmission_file_01_vit.ipynb": "Maria de la Cruz (33)",
    "Participant_44_assignsubmission_file_/01_vit.ipynb": "Participant (44)",
    "Default group_assignsubmission_file_/01_vit.ipynb": "Default group",
}
CANVAS = {
    "ivanovaanna_12345_67890_01_vit-2.ipynb": ("ivanovaanna (12345)", 2, False),
    "petrov_ivan_LATE_777_67891_01_vit.ipynb": ("petrov_ivan (777)", 0, True),
    "орловаанна_9_67892_my work.ipynb": ("орловаанна (9)", 0, False),
    "LATE_anon_Ab1Cd_67893_01_vit-1.ipynb": ("anon (Ab1Cd)", 1, True),
    "anon_Ef2Gh_67894_01_vit.ipynb": ("anon (Ef2Gh)", 0, False),
}


def test_moodles_names(made):
    found = find(made(list(MOODLE)), LESSON)
    assert labels(found) == {student: name for name, student in MOODLE.items()}
    assert all(s.late is None and s.read() == NOTEBOOK for s in found.submissions)


def test_moodles_text_beside_the_file_is_no_rival(made):
    text = "Анна Орлова_1234567_assignsubmission_onlinetext_/onlinetext.html"
    found = find(made([*MOODLE, text]), LESSON)
    assert len(found.submissions) == len(MOODLE) and found.notices == (f"{text}: not a notebook",)


def test_canvas_names(made):
    found = find(made(list(CANVAS)), LESSON)
    assert labels(found) == {student: name for name, (student, *_) in CANVAS.items()}
    assert {s.label: (s.student, s.attempt, s.late) for s in found.submissions} == CANVAS


def test_a_name_of_ones_own_with_numbers_is_not_canvas(made):
    assert only(find(made(["ivanova_2024_01_vit.ipynb"]), LESSON)).student == "ivanova_2024_01_vit"


@pytest.mark.parametrize("inner", [MOODLE, CANVAS])
def test_a_folder_around_the_whole_class_is_no_student(made, inner):
    assert len(find(made([f"some name/{name}" for name in inner]), LESSON).submissions) == len(inner)


def test_a_zipped_folder_is_the_class(made):
    assert list(labels(find(made(["class/a.ipynb", "class/b/01_vit.ipynb"]), LESSON))) == ["a", "b"]


def test_a_single_notebook(tmp_path):
    found = find(folder(tmp_path, ["ivanova.ipynb", "petrov.ipynb"]) / "ivanova.ipynb", LESSON)
    assert labels(found) == {"ivanova": "ivanova.ipynb"} and only(found).read() == NOTEBOOK


# Repeats.


def test_the_highest_attempt_counts_then_the_later_upload(made):
    names = [f"a_5_{upload}_01_vit{attempt}.ipynb" for upload, attempt in ((900, "-2"), (901, "-10"), (902, "-10"))]
    found = find(made([*names[::-1], "a_5_903_01_vit.ipynb"]), LESSON)
    assert only(found).label == names[2] and only(found).attempt == 10
    assert len(found.notices) == 3
    assert f"`{names[0]}` was put aside: it is an earlier attempt." in only(found).notes
    assert f"`{names[1]}` was put aside: it was handed in earlier." in only(found).notes


def test_one_that_can_be_graded_goes_before_one_that_cannot(tmp_path):
    where = folder(tmp_path, ["a/01_vit.ipynb", "a/target"])
    (where / "a/z_01_vit.ipynb").symlink_to(where / "a/target")
    found = find(where, LESSON)
    assert only(found).label == "a/01_vit.ipynb" and not only(found).problem
    assert only(found).notes == (f"`a/z_01_vit.ipynb` was put aside: it cannot be graded ({LINK}).",)


def test_a_name_that_stands_twice_in_a_zip(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.ipynb", b"first")
        archive.writestr("a.ipynb", b"last")
    found = find(tmp_path / "x.zip", LESSON)
    assert only(found).read() == b"last" and found.notices == ("a.ipynb: twice in the zip; the last one counts",)


# Files that are none.


def test_other_files_are_noticed(made):
    found = find(made(["a.ipynb", "essay.pdf", *[f"b/{n}.csv" for n in range(5)], "b/01_vit.ipynb"]), LESSON)
    assert list(labels(found)) == ["a", "b"]
    assert "essay.pdf: not a notebook: its name does not end in .ipynb" in found.notices
    assert "b/4.csv, b/3.csv, b/2.csv and 2 more: not a notebook" in found.notices


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Анна_77_assignsubmission_file_/essay.pdf", "not a notebook: its name does not end in .ipynb"),
        ("anna_77_888_01_vit.ipynb.txt", "not a notebook: its name does not end in .ipynb"),
        ("anna/work.ZIP", "an archive: hand in the notebook itself"),
        ("anna_77_888_work.tar.gz", "an archive: hand in the notebook itself"),
    ],
)
def test_a_students_only_file_becomes_a_submission_with_a_problem(made, name, problem):
    found = find(made([name]), LESSON)
    assert only(found).problem == problem and found.notices == (f"{name}: {problem}",)
    with pytest.raises(ValueError, match=problem[:5]):
        only(found).read()


def test_what_systems_leave_behind_is_ignored_silently(made):
    rubbish = ["__MACOSX/._a.ipynb", ".DS_Store", "a/.ipynb_checkpoints/01_vit-checkpoint.ipynb", "a/.hidden.ipynb"]
    found = find(made([*rubbish, "Thumbs.db", "a/desktop.ini", ".git/x", "a/01_vit.ipynb"]), LESSON)
    assert labels(found) == {"a": "a/01_vit.ipynb"} and found.notices == ()


@pytest.mark.parametrize("names", [[], ["essay.pdf"], [".hidden.ipynb"], ["submitted/a/02_clip/02_clip.ipynb"]])
def test_no_submission_at_all_says_what_was_looked_for(tmp_path, names):
    (tmp_path / "class").mkdir()
    for path in (folder(tmp_path / "class", names), zipped(tmp_path / "class.zip", names)):
        with pytest.raises(ValueError, match=r"no submission for 01_vit.*looked for STUDENT\.ipynb.*submitted/STUDENT"):
            find(path, LESSON)


def test_a_missing_path_says_what_was_looked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match="looked for"):
        find(tmp_path / "nowhere", LESSON)


# Safety: folders.


def test_links_are_never_followed(tmp_path):
    outside = folder(tmp_path / "outside", {"secret.ipynb": b"secret"})
    where = folder(tmp_path / "class", ["petrov.ipynb"])
    (where / "b").mkdir()
    for name in ("a.ipynb", "b/01_vit.ipynb"):
        (where / name).symlink_to(outside / "secret.ipynb")
    (where / "c").symlink_to(outside, target_is_directory=True)
    (where / "d.ipynb").symlink_to(where / "nowhere")
    found = find(where, LESSON)
    assert list(labels(found)) == ["a", "b", "d", "petrov"]
    assert [s.problem for s in found.submissions] == [LINK, LINK, LINK, ""]
    assert f"c: {LINK}" in found.notices


def test_a_file_that_became_a_link_or_a_pipe_is_not_read(tmp_path):
    where = folder(tmp_path / "class", {"a.ipynb": NOTEBOOK, "b.ipynb": b"secret"})
    submission = find(where, LESSON).submissions[0]
    (where / "a.ipynb").unlink()
    with pytest.raises(ValueError, match="cannot be read"):
        submission.read()
    (where / "a.ipynb").symlink_to(where / "b.ipynb")
    with pytest.raises(ValueError, match="cannot be read"):
        submission.read()
    (where / "a.ipynb").unlink()
    os.mkfifo(where / "a.ipynb")
    with pytest.raises(ValueError, match="not an ordinary file"):
        submission.read()
    assert only(find(where / "a.ipynb", LESSON)).problem == "not an ordinary file"


def test_a_large_file_is_not_read(tmp_path):
    where = folder(tmp_path, ["a.ipynb", "b.ipynb"])
    grown = find(where, LESSON).submissions[1]
    for name in ("a.ipynb", "b.ipynb"):
        os.truncate(where / name, 21 * 2**20)
    assert find(where, LESSON).submissions[0].problem == TOO_LARGE
    with pytest.raises(ValueError, match="larger than 20 MiB"):
        grown.read()
    os.truncate(where / "a.ipynb", MAX_BYTES)
    assert len(find(where, LESSON).submissions[0].read()) == MAX_BYTES


# Safety: zips.


def member(name, mode=0o100644, **fields):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def test_names_that_lead_elsewhere(tmp_path):
    names = ["../a.ipynb", "/etc/b.ipynb", "C:\\c.ipynb", "..\\d.ipynb", "e/../../e.ipynb", "f\\01_vit.ipynb"]
    found = find(zipped(tmp_path / "x.zip", [*names, "Г_7_assignsubmission_file_/../../x.ipynb"]), LESSON)
    assert {s.student: s.problem for s in found.submissions} == {
        "e": "a name that leads out of its folder",
        "f": "",
        "Г (7)": "a name that leads out of its folder",
    }
    assert "../a.ipynb: a name that leads out of its folder" in found.notices
    assert sum("leads out" in notice for notice in found.notices) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.zip"]  # nothing was unpacked


def test_links_and_nested_zips_in_a_zip(tmp_path):
    names = [member("a.ipynb", 0o120777), member("b/c.ipynb", 0o120777), "d_1_222_work.zip", "loose.zip", "e.ipynb"]
    found = find(zipped(tmp_path / "x.zip", names), LESSON)
    assert [s.problem for s in found.submissions] == [LINK, LINK, "an archive: hand in the notebook itself", ""]
    assert "loose.zip: an archive: hand in the notebook itself" in found.notices


def test_a_bomb_is_not_inflated(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a.ipynb": bytes(21 * 2**20), "b.ipynb": NOTEBOOK})
    assert path.stat().st_size < 50_000
    found = find(path, LESSON)
    assert [s.problem for s in found.submissions] == [TOO_LARGE, ""]
    # Now its header tells a small size.
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", 21 * 2**20), struct.pack("<L", 100)))
    found = find(path, LESSON)
    with pytest.raises(ValueError, match="damaged inside the zip"):
        found.submissions[0].read()
    assert found.submissions[1].read() == NOTEBOOK


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_without_a_bound_is_refused(tmp_path, kind):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", kind) as archive:
        archive.writestr("a.ipynb", NOTEBOOK)
    assert "compressed in a way that is not read here" in only(find(tmp_path / "x.zip", LESSON)).problem


def test_an_encrypted_member(tmp_path):
    path = zipped(tmp_path / "x.zip", ["a.ipynb"])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert only(find(path, LESSON)).problem == "encrypted: hand it in without a password"


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)[:10]])
def test_a_file_that_is_no_zip(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.zip is no zip, or a damaged one: download it again"):
        find(tmp_path / "x.zip", LESSON)


def test_a_zip_damaged_anywhere_is_read_or_refused(tmp_path):
    whole, path = zipped(tmp_path / "whole.zip", ["a.ipynb"]).read_bytes(), tmp_path / "x.zip"
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with suppress(ValueError):  # and nothing else
            assert {submission.read() for submission in find(path, LESSON).submissions} == {NOTEBOOK}
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place])
        with pytest.raises(ValueError, match="damaged"):
            find(path, LESSON)


def test_too_many_members(tmp_path, monkeypatch):
    assert MAX_MEMBERS == 10_000
    monkeypatch.setattr("mmlearn.course.grader.submissions.MAX_MEMBERS", 2)
    path = zipped(tmp_path / "x.zip", ["a.ipynb", "b.ipynb"])
    assert len(find(path, LESSON).submissions) == 2
    with pytest.raises(ValueError, match="holds 3 files, and at most 2 are read"):
        find(zipped(path, ["a.ipynb", "b.ipynb", "c.ipynb"]), LESSON)


# Names.


@pytest.mark.parametrize(
    ("encoding", "expected"), [("cp866", "Иванов Пётр"), ("utf-8", "Иванов Пётр"), ("cp437", "André Müller")]
)
def test_names_without_the_mark_of_utf_8(tmp_path, encoding, expected):
    raw = f"{expected}.ipynb".encode(encoding)
    path = zipped(tmp_path / "x.zip", [b"x".decode() * len(raw)])
    path.write_bytes(path.read_bytes().replace(b"x" * len(raw), raw))
    found = find(path, LESSON)
    assert only(found).student == expected and only(found).read() == NOTEBOOK


def test_a_name_that_is_not_the_utf_8_it_says(tmp_path):
    path = zipped(tmp_path / "x.zip", ["ééé.ipynb"])
    path.write_bytes(path.read_bytes().replace("ééé".encode(), b"\xff" * 6))
    with pytest.raises(ValueError, match="damaged"):
        find(path, LESSON)


def test_a_name_taken_apart_by_a_mac_is_the_same_student(made):
    apart = unicodedata.normalize("NFD", "Алексей")
    found = find(made([f"{apart}/01_vit.ipynb"]), LESSON)
    assert only(found).student == "Алексей" and only(found).read() == NOTEBOOK


def test_names_that_do_not_print_are_escaped(tmp_path):
    where = folder(tmp_path, ["a\x1b[31m.ipynb", "b\n.ipynb", os.fsdecode(b"c\xff.ipynb"), os.fsdecode(b"c\xfe.ipynb")])
    found = find(where, LESSON)
    assert [s.student for s in found.submissions] == ["a\\x1b[31m", "b\\n", "c\\udcfe", "c\\udcff"]
    assert all(s.label.isprintable() and s.read() == NOTEBOOK for s in found.submissions)


def test_a_submission_can_be_sent_to_another_process(made, monkeypatch, tmp_path):
    found = find(made({"a.ipynb": NOTEBOOK, "b/essay.pdf": b""}), LESSON)
    assert pickle.loads(pickle.dumps(found)) == found
    monkeypatch.chdir(tmp_path)
    assert all(s.path.is_absolute() and str(tmp_path) not in s.label for s in found.submissions)


@pytest.mark.parametrize(
    ("student", "kept"),
    [
        ("ivanova", "ivanova"),
        ("иванов-2", "иванов-2"),
        ("Анна Орлова (77)", "Анна_Орлова_77-"),
        ("../../etc", "etc-"),
        (".hidden", "hidden-"),
        ("a/b\\c:d", "a_b_c_d-"),
        ("con", "con-"),
        ("LPT1", "LPT1-"),
        ("x-0123abcd", "x-0123abcd-"),
        ("", "student-"),
        ("...", "student-"),
        ("\udcff", "student-"),
    ],
)
def test_file_names(student, kept):
    name = file_name(student)
    assert name == kept if not kept.endswith("-") else name.startswith(kept) and len(name) == len(kept) + 8


def test_different_students_get_different_files_on_every_file_system():
    students = ["Ivanov", "ivanov", "IVANOV", "ivanov.", "ivanov ", " ivanov", "iva nov", "iva_nov", "iva.nov", "й"]
    students += [unicodedata.normalize("NFD", "й"), "straße", "strasse", "a" * 300, "a" * 301, "я" * 200, "я" * 199]
    students += ["\udcff", "\udcfe", "", ".", "..", file_name("Ivanov")]
    names = [file_name(student) for student in students]
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in names}) == len(students)
    assert all(0 < len(name.encode()) <= 100 and not name.startswith((".", "-")) for name in names)
