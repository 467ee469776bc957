"""Writing whole files."""

import errno
import os

import pytest

from mmlearn import files


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "file"
    files.write_whole(path, b"old")

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write_whole(path, b"new")
    assert path.read_bytes() == b"old" and list(path.parent.iterdir()) == [path]


def test_a_refused_write_names_the_file_and_not_the_temporary_one(tmp_path):
    (tmp_path / "file").write_text("no folder")
    path = tmp_path / "file" / "x"
    with pytest.raises(OSError) as caught:
        files.write_whole(path, b"new")
    assert caught.value.filename == str(path)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_the_disk_refuses_is_said_with_who_knows_more(code):
    said = files.explain(OSError(code, os.strerror(code), "work/x"))
    assert said == f"{os.strerror(code)}: work/x. `mmlearn doctor`, in a terminal, says what to do."
    assert files.explain(OSError(code, os.strerror(code))).startswith(f"{os.strerror(code)}. `mmlearn doctor`")


def test_other_errors_are_said_as_they_are():
    for error in (ValueError("odd"), FileNotFoundError("run make lab"), OSError(errno.ENOENT, "No such file", "x")):
        assert files.explain(error) == str(error)
