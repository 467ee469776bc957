"""Jupyter servers for browser tests, started as a person starts them."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

STARTS_IN = 60  # seconds


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
