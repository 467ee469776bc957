"""A JupyterLab started by `mmlearn lab`, and the system's Chromium to use it as a learner does."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from lesson_page import LessonPage
from servers import served

from mmlearn.paths import root

NOT_RUN = "not run: "
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium. Without one the tests count as not run; MMLEARN_REQUIRE_BROWSER=1 makes that a failure."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _not_run("no playwright (pip install -e '.[test]')")
    if program is None:
        _not_run("no chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


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


class Lab:
    """A running `mmlearn lab --no-browser`: the address that it printed, and its folder."""

    def __init__(self, folder: Path, address: str):
        self.folder = folder
        self.address, self.token = re.fullmatch(r"(\S+)\?token=(\w+)", address).groups()
        self.server = self.address.split("/lab/")[0]


@pytest.fixture(scope="session")
def lab(browser, tmp_path_factory):
    """The real command, in a course folder that has this one's data and lessons and its own `work/`; in an empty home.

    The home holds one setting, as a user's own would: it lets the tests call JupyterLab's commands by name.
    """
    folder = tmp_path_factory.mktemp("course")
    home = tmp_path_factory.mktemp("home")
    for name in ("data", "lessons"):
        (folder / name).symlink_to(root() / name)
    (home / ".jupyter").mkdir()
    (home / ".jupyter" / "jupyter_lab_config.json").write_text(json.dumps({"LabApp": {"expose_app_in_browser": True}}))
    command = [Path(sys.executable).parent / "mmlearn", "lab", "--no-browser", "--port", "0"]
    with served(command, home, home, MMLEARN_ROOT=str(folder), MMLEARN_QUICK="1") as address:
        yield Lab(folder, address)


@pytest.fixture
def open_page(browser, lab):
    """`open_page(address)` opens an address of JupyterLab in a new window, with a fresh layout."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)

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
