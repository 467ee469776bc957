"""A JupyterLab started by `mmlearn lab`, and the system's Chromium to use it as a learner does."""

import os
from pathlib import Path

import pytest
from lesson_page import LessonPage
from servers import NoBrowserError, chromium, course_lab

from mmlearn.paths import root

NOT_RUN = "not run: "


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium. Without one the tests count as not run; MMLEARN_REQUIRE_BROWSER=1 makes that a failure."""
    try:
        with chromium() as running:
            yield running
    except NoBrowserError as reason:
        _not_run(str(reason))


def _not_run(reason: str) -> None:
    if os.environ.get("MMLEARN_REQUIRE_BROWSER") == "1":
        pytest.fail(NOT_RUN + reason)
    pytest.skip(NOT_RUN + reason)


def pytest_terminal_summary(terminalreporter):
    reasons = [
        report.longrepr[2].split(NOT_RUN)[1]
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and NOT_RUN in report.longrepr[2]
    ]
    if reasons:
        terminalreporter.write_line(f"browser tests: {len(reasons)} {NOT_RUN}{reasons[0]}", yellow=True, bold=True)


@pytest.fixture(scope="session")
def lab(browser, tmp_path_factory):
    """The real command, in a course folder that has this one's data and lessons and its own `work/`."""
    with course_lab(tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def open_page(browser, lab):
    """`open_page(address)` opens an address of JupyterLab in a new window, with a fresh layout."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)  # a machine with other work is slow, and not wrong

    def open_(address: str) -> LessonPage:
        page = context.new_page()
        page.goto(f"{address}?reset&token={lab.token}")
        return LessonPage(page)

    yield open_
    for session in context.request.get(f"{lab.server}/api/sessions?token={lab.token}").json():
        context.request.delete(f"{lab.server}/api/sessions/{session['id']}?token={lab.token}")
    context.close()


@pytest.fixture
def open_lesson(open_page, lab, request):
    """`open_lesson("01")` opens a fresh copy of a lesson in a new window; `open_lesson()` opens the printed address."""

    def open_(number: str | None = None) -> LessonPage:
        if not number:
            return open_page(lab.address)
        source = next((root() / "lessons").glob(f"{number}_*.ipynb"))
        name = f"{request.node.name}-{source.name}"
        (lab.folder / "work" / name).write_bytes(source.read_bytes())
        return open_page(f"{lab.server}/lab/tree/work/{name}")

    return open_


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory):
    """Where pictures of the lessons go, for people to look at: MMLEARN_SCREENSHOTS, else pytest's own folder."""
    folder = os.environ.get("MMLEARN_SCREENSHOTS")
    folder = Path(folder) if folder else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
