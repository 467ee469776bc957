"""Nobody is stopped by an exercise that they leave out: every other check gives the same verdict."""

import pytest

from mmlearn.course import checking, exercises
from mmlearn.course.builder.master import read_master
from mmlearn.course.builder.stub import make_stub
from mmlearn.paths import root

MASTERS = sorted((root() / "solutions").glob("[0-9][0-9]_*.py"))


def verdicts(master, monkeypatch, left_undone: str = "") -> dict[str, str]:
    """Run a lesson's cells in this process, training left out; the state that each check showed, by slug."""
    shown = {}
    monkeypatch.setattr(checking, "_display", lambda feedback: shown.update({feedback.exercise.slug: feedback.state}))
    space = {"__name__": "__main__"}
    for cell in master.code:
        if "train" in cell.tags:
            continue
        undone = cell.exercise and cell.exercise == left_undone
        source = make_stub(cell.source, cell.exercise) if undone else cell.source
        exec(compile(source, f"<{master.path.name}: {cell.id}>", "exec"), space)
    return shown


@pytest.mark.parametrize("path", MASTERS, ids=lambda path: path.stem)
def test_each_exercise_alone_left_undone(path, monkeypatch, capsys):
    master = read_master(path)
    slugs = [exercise.slug for exercise in exercises(master.number)]
    assert verdicts(master, monkeypatch) == dict.fromkeys(slugs, "pass")
    for slug in slugs:
        assert verdicts(master, monkeypatch, left_undone=slug) == dict.fromkeys(slugs, "pass") | {slug: "todo"}
