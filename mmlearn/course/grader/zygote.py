"""The parent of the learners' processes: small, in a single thread, with torch imported. It forks one for each job.

Started as a script by `sandbox`. It walls itself in first and imports then, from the kit alone. It never reads a job:
the supervisor that it forks does, so that nothing of one learner is in the memory from which the next process comes.

    zygote ── supervisor, one a job: reads it, forks, watches, answers
                  └── the learner's process: locked, runs the cell and the probe, answers the supervisor

A job and an answer are a head (JSON, one line) and `size` bytes, over standard input and output.
"""

import gc
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

END = 3  # the supervisor's exit code when there are no more jobs
TICK = 0.05  # seconds between two looks at memory and processes
PATIENCE = 20  # seconds for what was ended to be gone: a process that holds much memory on a busy machine takes some
PRINTED = 20_000  # bytes kept of what a learner's process prints
PAGE_MIB = resource.getpagesize() / 2**20


def main() -> None:
    settings = json.loads(sys.argv[1])
    sys.path[:0] = [settings["grader"]]
    import isolation

    settings["user"] = isolation.stranger() if settings["unprivileged"] else None
    isolation.enter(settings["level"], settings["place"], settings["visible"], settings["hidden"])
    # From here on only the kit's modules and installed packages: not this file's folder, not the repository.
    sys.path[:] = [settings["kit"], *settings["python"], *settings["packages"]]
    import torch

    torch.set_num_threads(1)
    from mmlearn.course.grader import inside

    inside.prepare()
    os.umask(0o022)
    gc.freeze()  # nothing that is here by now has to be looked at again in a child
    _send({"status": "ready"}, b"")
    _serve(settings, isolation, inside)


def _serve(settings: dict, isolation, inside) -> None:
    while True:
        select.select([0], [], [])
        supervisor = os.fork()
        if not supervisor:
            os._exit(_supervise(settings, isolation, inside))
        code = os.waitstatus_to_exitcode(os.waitpid(supervisor, 0)[1])
        with suppress(ChildProcessError):  # what a supervisor leaves that failed
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        if code == END:
            return
        if code:
            _send({"status": "crashed", "reason": f"the process that watched it ended with {code}"}, b"")


def _supervise(settings: dict, isolation, inside) -> int:
    """Read one job, run it in a process of its own, answer."""
    isolation.die_with_parent()
    isolation.adopt_orphans()
    job = _receive()
    if job is None:
        return END
    answers, prints = os.pipe(), os.pipe()
    walled = settings["level"] == "namespaces"
    folder = isolation.SCRATCH if walled else tempfile.mkdtemp(dir=settings["scratch"])
    if walled:
        isolation.enter_job()
    elif settings["user"] is not None:
        os.chown(folder, settings["user"], settings["user"])
    learner = os.fork()
    if not learner:
        _learn(job, answers[1], prints[1], folder, settings, isolation, inside)
    os.close(answers[1])
    os.close(prints[1])
    head, payload = Watch(learner, answers[0], prints[0], settings["limits"]).outcome()
    if not walled:
        shutil.rmtree(folder, ignore_errors=True)
    _send(head, payload)
    return 0


def _learn(job: dict, answers: int, prints: int, folder: str, settings: dict, isolation, inside) -> None:
    """The learner's process: never returns."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, descriptor in enumerate((nothing, prints, prints, answers)):
            os.dup2(descriptor, number + 100)  # out of each other's way first
        for number in range(4):
            os.dup2(number + 100, number)
        os.closerange(4, 1024)
        sys.stdout.reconfigure(line_buffering=True)  # what it printed is told even where it crashes
        isolation.lock(settings["level"], folder, settings["limits"], settings["user"], settings["reads_all"])
        content = inside.answer(job)
        while content:
            content = content[os.write(3, content) :]
        os._exit(0)
    except BaseException as error:
        os.write(2, f"\n{type(error).__name__}: {error}"[:1000].encode(errors="replace"))
    os._exit(1)


class Watch:
    """A learner's process as its supervisor sees it: what it writes, how long it runs, how much it holds."""

    def __init__(self, learner: int, answers: int, prints: int, limits: dict) -> None:
        self.learner, self.limits = learner, limits
        self.read = {answers: bytearray(), prints: bytearray()}
        self.answers, self.prints, self.open = answers, prints, [answers, prints]
        self.started, self.looked, self.peak = time.monotonic(), 0.0, 0.0
        self.ended: tuple[int, resource.struct_rusage] | None = None

    def outcome(self) -> tuple[dict, bytes]:
        """Wait until it ends, or end it; the head and the bytes of the answer."""
        broken = ""
        while not broken and self.ended is None:
            self._look(TICK)
            broken = self._broken_limit()
        self._end()
        for _ in range(1000):  # what was written before the end is still in the pipes
            if not self._look(0):
                break
        code, usage = self.ended or (-signal.SIGKILL, resource.getrusage(resource.RUSAGE_CHILDREN))
        cpu = usage.ru_utime + usage.ru_stime
        status, reason = self._verdict(broken, code, cpu)
        head = {"status": status, "reason": reason, "seconds": time.monotonic() - self.started, "cpu": cpu}
        head |= {"memory": self.peak, "printed": self.read[self.prints].decode(errors="replace")}
        return head, bytes(self.read[self.answers]) if status == "answered" else b""

    def _look(self, seconds: float) -> bool:
        """Take what was written, and see whether it has ended; whether there was anything."""
        got = False
        for descriptor in select.select(self.open, [], [], seconds)[0]:
            content = os.read(descriptor, 65536)
            if not content:
                self.open.remove(descriptor)
            got |= bool(content)
            kept = self.read[descriptor]
            room = (self.limits["answer"] + 1 if descriptor == self.answers else PRINTED) - len(kept)
            kept += content[: max(room, 0)]
        if self.ended is None:
            pid, code, usage = os.wait4(self.learner, os.WNOHANG)
            if pid:
                self.ended = (os.waitstatus_to_exitcode(code), usage)
        return got

    def _broken_limit(self) -> str:
        """Which limit it has broken; "" for none."""
        if time.monotonic() - self.started > self.limits["wall"]:
            return "wall"
        if len(self.read[self.answers]) > self.limits["answer"]:
            return "answer"
        if time.monotonic() - self.looked < TICK:  # a look at all processes is slow beside reading what it writes
            return ""
        self.looked = time.monotonic()
        pids = _descendants(os.getpid())
        self.peak = max(self.peak, sum(map(_resident_mib, pids)))
        # Twice, because processes share much of what is counted for each.
        if self.peak > 2 * self.limits["memory"]:
            return "memory"
        return "processes" if len(pids) > self.limits["processes"] else ""

    def _end(self) -> None:
        """End it and all that it started."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            below = _descendants(os.getpid())
            if self.ended is not None and not below:
                return
            for kill, pid in [(os.killpg, self.learner), *((os.kill, pid) for pid in {self.learner, *below})]:
                with suppress(ProcessLookupError, PermissionError):
                    if pid != self.learner or self.ended is None:
                        kill(pid, signal.SIGKILL)
            self._reap()
            time.sleep(0.002)

    def _reap(self) -> None:
        while True:
            try:
                pid, code, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid == self.learner and self.ended is None:
                self.ended = (os.waitstatus_to_exitcode(code), usage)

    def _verdict(self, broken: str, code: int, cpu: float) -> tuple[str, str]:
        limits = self.limits
        if broken == "wall":
            return "timeout", f"it did not end within {limits['wall']} seconds"
        if code in (-signal.SIGKILL, -signal.SIGXCPU) and cpu > limits["cpu"] - 0.5:
            return "timeout", f"it did not end within {limits['cpu']} seconds of computing"
        reasons = {
            "answer": f"it answered with more than {limits['answer'] // 2**20} MiB",
            "memory": f"it used more than {2 * limits['memory']} MiB of memory",
            "processes": f"it started more than {limits['processes']} processes",
        }
        if broken:
            return "crashed", reasons[broken]
        if code < 0:
            return "crashed", f"it was ended by {signal.Signals(-code).name}"
        if code or not self.read[self.answers]:
            return "crashed", f"it ended Python itself, with exit code {code}"
        return "answered", ""


def _descendants(root: int) -> list[int]:
    """All processes below this one, where the system shows them."""
    parents = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            try:
                # The name of a program may hold spaces and brackets; the numbers follow the last bracket.
                parents[int(name)] = int(
                    Path(f"/proc/{name}/stat").read_text(errors="replace").rpartition(")")[2].split()[1]
                )
            except (OSError, ValueError, IndexError):
                continue
    found, waiting = [], [root]
    while waiting:
        below = [pid for pid, parent in parents.items() if parent == waiting[0]]
        found += below
        waiting = waiting[1:] + below
    return found


def _resident_mib(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MIB
    except (OSError, ValueError, IndexError):
        return 0.0


def _receive() -> dict | None:
    """A job from standard input; None where there are no more."""
    line = bytearray()
    while not line.endswith(b"\n"):
        character = os.read(0, 1)
        if not character:
            return None
        line += character
    size, content = json.loads(line)["size"], bytearray()
    while len(content) < size:
        content += os.read(0, min(65536, size - len(content))) or b"\n"
    return json.loads(content)


def _send(head: dict, content: bytes) -> None:
    message = json.dumps({**head, "size": len(content)}).encode() + b"\n" + content
    while message:
        message = message[os.write(1, message) :]


if __name__ == "__main__":
    main()
