"""What all tests share: no test writes a learner's progress, and what the tests measured is printed at the end."""

import os
from collections import Counter

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
    parity(terminalreporter, [value for key, value in rows if key == "parity"])
    processes(terminalreporter, [value for key, value in rows if key == "processes"])
    readiness(terminalreporter)


def parity(terminalreporter, measured):
    """For each system, layout and output the largest difference between ours and the peer's, over all cases."""
    found = {}
    for system, layout, case, output, error in measured:
        cases, errors = found.setdefault((system, layout, output), (set(), []))
        cases.add(case)
        errors.append(error)
    if found:
        terminalreporter.section("parity: max|a-b| / max|b| with the peers")
    for (system, layout, output), (cases, errors) in sorted(found.items()):
        terminalreporter.write_line(f"{system:<12}{layout:<40}{output:<24}{max(errors):9.1e}  {len(cases)} cases")


def processes(terminalreporter, measured):
    """How far two processes that train together are from one."""
    if measured:
        terminalreporter.section("two processes against one: largest relative difference")
    for name, differences in measured:
        cells = "  ".join(f"{what} {error:.1e}" for what, error in differences.items())
        terminalreporter.write_line(f"{name:<12}{cells}")


def readiness(terminalreporter):
    """For each model how many tests of its readiness for GPUs and large sizes ran; how many could not, and why."""
    counts = {}
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            for model in [value for key, value in getattr(report, "user_properties", ()) if key == "readiness"]:
                ran, missing = counts.setdefault(model, (Counter(), Counter()))
                if outcome == "skipped":
                    missing[report.longrepr[2].removeprefix("Skipped: ")] += 1
                elif getattr(report, "when", "") == "call":  # what is deselected has none
                    ran[outcome] += 1
    if counts:
        terminalreporter.section("readiness for GPUs and large sizes")
    for model, (ran, missing) in sorted(counts.items()):
        passed = ", ".join(f"{count} {outcome}" for outcome, count in sorted(ran.items(), reverse=True))
        not_run = "".join(f"   {count} NOT RUN: {why}" for why, count in sorted(missing.items()))
        terminalreporter.write_line(f"{model:<24}{passed or 'none ran'}{not_run}")
