"""What all tests share: no test writes a learner's progress, and the kill matrix is printed at the end."""

import os

# Before torch is imported: the tests' tensors are tiny, and two workers on two cores need one thread each.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

import pytest


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    """Checks that a test runs are nobody's progress."""
    monkeypatch.setenv("MMLEARN_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.delenv("MMLEARN_STRICT", raising=False)
    monkeypatch.delenv("MMLEARN_QUICK", raising=False)


def pytest_terminal_summary(terminalreporter):
    reports = [r for kind in terminalreporter.stats.values() for r in kind if getattr(r, "when", "") == "call"]
    rows = [p for report in reports for p in report.user_properties]
    matrix = sorted(value for key, value in rows if key == "kill_matrix")
    if matrix:
        terminalreporter.section("kill matrix: how many seeds each property fails on")
    for slug, kind, name, killed, seeds in matrix:
        cells = "  ".join(f"{prop} {count}/{seeds}" for prop, count in killed.items())
        terminalreporter.write_line(f"{slug:<18}{kind:<14}{name:<28}{cells}")
    for slug, count, survivors in sorted(value for key, value in rows if key == "mutants"):
        terminalreporter.write_line(
            f"{slug:<18}mutants       {count - len(survivors)} of {count} killed; {len(survivors)} explained"
        )
