"""Jupyter servers for browser tests, started as a person starts them, and the browser."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mmlearn.paths import root

STARTS_IN = 120  # seconds
# What some lesson might use and no learner has: what only tests and the makers of data sets install.
EXTRAS = ("librosa", "transformers", "timm", "open_clip", "encodec", "pocketsphinx", "resvg_py")
WITHOUT_EXTRAS = f"""
import sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {EXTRAS}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Absent())
"""
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


class NoBrowserError(Exception):
    """There is no browser to be had here; the message says what is missing."""


@contextmanager
def chromium() -> Iterator:
    """The system's Chromium, as playwright drives it.

    Raises:
        NoBrowserError: playwright or Chromium is not installed.
    """
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NoBrowserError("no playwright (pip install -e '.[test]')") from None
    if program is None:
        raise NoBrowserError("no chromium on this machine")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield running
        running.close()


class Lab:
    """A running `mmlearn lab --no-browser`: the address that it printed, and its folder."""

    def __init__(self, folder: Path, address: str):
        self.folder = folder
        self.address, self.token = re.fullmatch(r"(\S+)\?token=(\w+)", address).groups()
        self.server = self.address.split("/lab/")[0]


@contextmanager
def course_lab(folder: Path, home: Path) -> Iterator[Lab]:
    """The real command, in `folder`, which gets this course's data and lessons and its own `work/`; training is short.

    Its Python has what a learner's has: the extras of pyproject.toml cannot be imported.
    `home` is empty but for one setting, as a user's own would be: it lets the tests call JupyterLab's commands by name.
    """
    for name in ("data", "lessons"):
        (folder / name).symlink_to(root() / name)
    (home / ".jupyter").mkdir()
    (home / ".jupyter" / "jupyter_lab_config.json").write_text(json.dumps({"LabApp": {"expose_app_in_browser": True}}))
    command = [Path(sys.executable).parent / "mmlearn", "lab", "--no-browser", "--port", "0"]
    (home / "learner").mkdir()
    (home / "learner" / "sitecustomize.py").write_text(WITHOUT_EXTRAS)
    path = os.pathsep.join(filter(None, [str(home / "learner"), os.environ.get("PYTHONPATH")]))
    with served(command, home, home, MMLEARN_ROOT=str(folder), MMLEARN_QUICK="1", PYTHONPATH=path) as address:
        yield Lab(folder, address)


@contextmanager
def served(command: Sequence[str | Path], folder: Path, home: Path, **variables: str) -> Iterator[str]:
    """Run a server and give the address that it prints, token included; end it and its kernels afterwards.

    Args:
        command: what is run.
        folder: where it runs.
        home: its home; what it says is kept there, in `log`.
        variables: of its environment, beside those of this process that no test or server has set.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MMLEARN_", "JUPYTER_"))}
    env |= {"HOME": str(home), "PYTHONUNBUFFERED": "1", **variables}
    log = home / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield _address(process, log)
    finally:
        process.send_signal(signal.SIGTERM)  # Jupyter then ends its kernels too
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen, log: Path) -> str:
    deadline = time.monotonic() + STARTS_IN
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"http://localhost\S+token=\w+", log.read_text()):
            return found.group()
        time.sleep(0.1)
    raise AssertionError(f"the server gave no address (exit code {process.poll()}):\n{log.read_text()}")
