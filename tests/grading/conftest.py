"""One sandbox for all tests of a kind, and the red team's table at the end of a run."""

import pytest

from mmlearn.course.grader.sandbox import Sandbox, SandboxError

# Small, so that what never ends ends soon; an honest exercise takes a tenth of it on an idle machine.
SMALL = {"wall": 6, "cpu": 2, "memory": 512}  # a memory bomb takes time to fill more


def sandbox(level: str, **limits: int):
    try:
        with Sandbox(level, **limits) as box:
            yield box
    except SandboxError as error:
        pytest.skip(f"no sandbox of the level {level} works here: {error}")


@pytest.fixture(scope="session")
def walled():
    """A sandbox of the level `namespaces`."""
    yield from sandbox("namespaces", **SMALL)


@pytest.fixture(scope="session")
def limited():
    """A sandbox of the level `limits`: what every system has."""
    yield from sandbox("limits", **SMALL)


def pytest_terminal_summary(terminalreporter):
    reports = [r for kind in terminalreporter.stats.values() for r in kind if getattr(r, "when", "") == "call"]
    rows = [value for report in reports for key, value in report.user_properties if key == "red_team"]
    if rows:
        terminalreporter.section("red team: what was tried, and what it earned")
        terminalreporter.write_line(f"{'attack':<58}{'status':<10}{'points':>7}{'deserved':>10}   class untouched")
    for name, status, points, deserved, untouched in rows:
        terminalreporter.write_line(f"{name:<58}{status:<10}{points:>7g}{deserved:>10g}   {untouched}")
