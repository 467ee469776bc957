"""The learners' processes as the grader sees them: a job goes in, an outcome comes out, whatever happens in between."""

import json
import os
import select
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from mmlearn.course.grader import kit, wire
from mmlearn.paths import root

LIMITS = {
    "cpu": 10,  # seconds of one processor
    "wall": 30,  # seconds; more, because a busy machine is no mistake of the learner's
    "memory": 2048,  # MiB beyond what Python and torch hold
    "file": 64,  # MiB, of one file and of all together
    "processes": 32,  # threads count too
    "answer": wire.MAX_BYTES,
}
GRACE = 30  # seconds after which a silent supervisor is given up
START = 120  # seconds for Python to start and import torch
HEAD_BYTES = 200_000
# A thread in the parent would be lost in every child, with whatever lock it held.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class SandboxError(OSError):
    """The sandbox itself does not work; no submission is to blame."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        status: `answered`, `timeout` or `crashed`.
        reason: why it did not answer, as a sentence about "it"; or "".
        payload: the answer, to be read by `wire.unpack`.
        seconds: from the first byte to the last.
        memory: MiB at the peak, of the process and all that it started.
        printed: what it printed, cut.
    """

    status: str
    reason: str
    payload: bytes
    seconds: float
    memory: float = 0.0
    printed: str = ""


class Sandbox:
    """One parent of learners' processes. It runs one job at a time; several of them run side by side.

    Args:
        level: of `isolation.LEVELS`.
        limits: other values for some of `LIMITS`.

    Raises:
        SandboxError: it does not start, or a process in it could do what it must not.
    """

    def __init__(self, level: str, **limits: int) -> None:
        self.level, self.limits = level, {**LIMITS, **limits}
        self.folder = Path(tempfile.mkdtemp(prefix="mmlearn-grade-"))
        self.process: subprocess.Popen | None = None
        self.closed = False
        try:
            kit.write(self.folder / "kit")
            for name in ("place", "scratch"):
                (self.folder / name).mkdir()
            self.folder.chmod(0o755)
            self._start()
            if level == "namespaces":
                self._refuse_sight()
        except BaseException:
            self.close()
            raise

    def run(self, job: dict) -> Outcome:
        """Run a job (see `inside.answer`). A sandbox that fails is made anew and the job tried once more.

        Raises:
            SandboxError: it cannot be made anew.
        """
        for _ in range(2):
            try:
                return self._ask(job)
            except EOFError as error:
                if self.closed:
                    raise SandboxError("the sandbox was closed") from error
                reason = str(error)
                self._stop()
                self._start()
        return Outcome("crashed", reason, b"", 0.0)

    def close(self) -> None:
        """End whatever runs in it; a `run` in another thread then raises SandboxError."""
        self.closed = True
        self._stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_error) -> None:
        self.close()

    def _start(self) -> None:
        grader, kit_folder = Path(__file__).parent, str(self.folder / "kit")
        packages = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
        python = [path for path in (sysconfig.get_path("stdlib"), *sys.path) if _is_pythons(path)]
        settings = {
            "level": self.level,
            "limits": self.limits,
            "grader": str(grader),
            "kit": "/kit" if self.level == "namespaces" else kit_folder,
            "place": str(self.folder / "place"),
            "scratch": str(self.folder / "scratch"),
            "python": list(dict.fromkeys(python)),
            "packages": packages,
            "visible": {kit_folder: "/kit", **{path: path for path in (*packages, *python, f"{sys.base_prefix}/lib")}},
            "hidden": [f"{folder}/mmlearn" for folder in packages],
            "unprivileged": os.geteuid() == 0,
            "reads_all": self.level == "limits" and not _all_may_read([*python, *packages, kit_folder]),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(grader / "zygote.py"), json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is the grader's to handle
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **ONE_THREAD},
        )
        try:
            self._read_answer(time.monotonic() + START)
        except EOFError:
            self._stop()
            said = self.process.stderr.read().decode(errors="replace").strip().splitlines()
            raise SandboxError(f"the sandbox does not start: {said[-1] if said else 'it says nothing'}") from None

    def _stop(self) -> None:
        if self.process:
            self.process.kill()  # the kernel ends all below it
            self.process.wait()

    def _refuse_sight(self) -> None:
        """Ask from inside whether the walls stand."""
        places = [str(root() / "lessons"), str(root() / "data"), "/etc/passwd", __file__]
        outcome = self.run({"slug": "", "look_for": places})
        if outcome.status != "answered":
            raise SandboxError(f"the sandbox does not work: {outcome.reason} {outcome.printed}")
        if sight := wire.unpack(outcome.payload)[0]["detail"]:
            raise SandboxError(f"the sandbox has a hole: {sight}")

    def _ask(self, job: dict) -> Outcome:
        """Raises EOFError: the other end is gone or silent."""
        started, content = time.monotonic(), json.dumps(job).encode()
        try:
            self.process.stdin.write(json.dumps({"size": len(content)}).encode() + b"\n")
            while content:
                content = content[self.process.stdin.write(content) :]
        except OSError as error:
            raise EOFError("its sandbox was ended") from error
        head, payload = self._read_answer(started + self.limits["wall"] + GRACE)
        taken = time.monotonic() - started
        known = {name: head[name] for name in ("memory", "printed") if name in head}
        return Outcome(head["status"], head["reason"], payload, taken, **known)

    def _read_answer(self, deadline: float) -> tuple[dict, bytes]:
        line = bytearray()
        while not line.endswith(b"\n"):
            line += self._read(1, deadline)
            if len(line) > HEAD_BYTES:
                raise EOFError("its sandbox answered without end")
        head = json.loads(line)
        content = bytearray()
        while len(content) < head["size"]:
            content += self._read(min(65536, head["size"] - len(content)), deadline)
        return head, bytes(content)

    def _read(self, size: int, deadline: float) -> bytes:
        stream = self.process.stdout
        if not select.select([stream], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise EOFError("its sandbox did not answer in time")
        content = stream.read(size)
        if not content:
            raise EOFError("its sandbox was ended")
        return content


def strongest() -> tuple[Sandbox, str]:
    """A sandbox of the strongest level that works here, and a sentence that says what it keeps away.

    Raises:
        SandboxError: this system has none.
    """
    if not hasattr(os, "fork"):
        raise SandboxError("grading needs Linux or macOS; on Windows use the Windows Subsystem for Linux")
    try:
        return Sandbox("namespaces"), (
            "namespaces: no files but Python's and the probes', no network, no other processes, no privileges"
        )
    except SandboxError as error:
        return Sandbox("limits"), (
            f"limits only, because {error}. Time, memory, processes and file sizes are limited; but submissions can "
            "do with files and processes what their user can (nobody where you are root, else you): read solutions and "
            "other submissions, say; and outside Linux they can use the network"
        )


def _is_pythons(path: str) -> bool:
    """Whether this is a folder of the standard library: not one of packages, and no checkout below Python's own."""
    inside = Path(path).is_relative_to(sysconfig.get_path("stdlib"))
    return inside and os.path.isdir(path) and "-packages" not in path


def _all_may_read(folders: list[str]) -> bool:
    """Whether any user may read these folders."""
    places = {parent for folder in folders for parent in (Path(folder), *Path(folder).parents)}
    return all(place.stat().st_mode & 0o005 == 0o005 for place in places)
