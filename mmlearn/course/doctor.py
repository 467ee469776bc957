"""`mmlearn doctor`: looks at everything that a lesson needs, and for what is wrong names the command that mends it.

It must work where nothing else does. So each part imports what it looks at inside of itself, and one that breaks is
reported like any other.
"""

import errno
import importlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
import tempfile
import textwrap
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mmlearn.course import guesses, lab, ledger
from mmlearn.course.copies import find_older
from mmlearn.paths import root

WIDTH = 110
MIB, GIB = 2**20, 2**30
ROOM = 50 * MIB  # notebooks with their outputs take most of it
MEMORY = 4 * GIB  # a lesson takes up to 2, the system and a browser the rest
MODULES = {"pillow": "PIL"}  # packages whose module has another name


class Finding(NamedTuple):
    """What was found.

    Attributes:
        state: "ok"; "note", where the lessons run all the same; or "wrong".
        text: what is so.
        mend: the command that changes it, if there is one.
    """

    state: str
    text: str
    mend: str = ""


def doctor() -> int:
    """Look at everything and print it, part after part: looking takes some seconds.

    Returns:
        The exit code: 0 if all that the lessons need is in place, else 1.

    Raises:
        FileNotFoundError: the course's folder is not where the package is.
    """
    print(f"course    {root()}")
    wrong = []
    for name, look in PARTS.items():
        finding = _look(look)
        print(_lines(name, finding), flush=True)
        wrong += [name] * (finding.state == "wrong")
    print(f"\nTo mend: {', '.join(wrong)}." if wrong else "\nAll that the lessons need is in place.")
    return 1 if wrong else 0


def _look(look: Callable[[], Finding]) -> Finding:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what libraries say to programmers
            return look()
    except Exception as error:  # a broken library may raise anything
        return Finding("wrong", f"cannot be looked at: {_short(error)}", lab.install_command())


def _lines(name: str, finding: Finding) -> str:
    indent = " " * 17
    text = textwrap.fill(finding.text, WIDTH - len(indent), break_long_words=False, break_on_hyphens=False)
    lines = [f"{name:<10}{finding.state:<7}{text}".replace("\n", f"\n{indent}")]
    # A command stays on one line, to be copied.
    lines += [f"{'':<10}{'mend':<7}{finding.mend}"] if finding.mend else []
    return "\n".join(lines)


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _python() -> Finding:
    text = f"{platform.python_version()}, {sys.executable}"
    own = root() / ".venv"
    if own.is_dir() and not os.path.samefile(own, sys.prefix):
        command = own / ("Scripts" if os.name == "nt" else "bin") / "mmlearn"
        return Finding("note", f"{text}; but the course's own environment is .venv", f"{lab.quoted(command)} doctor")
    return Finding("ok", text)


def _packages() -> Finding:
    """Whether each package of pyproject.toml is there, has a version that was tried, and can be imported."""
    project = tomllib.loads((root() / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [re.fullmatch(r"([\w.-]+)(.*)", line).groups() for line in project["dependencies"]]
    versions = {name: _version(name) for name, _ in [*wanted, ("mmlearn", "")]}
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        return Finding("wrong", f"not installed: {', '.join(missing)}", lab.install_command())
    unfit = [f"{name} {versions[name]}, needed {needs}" for name, needs in wanted if not _fits(versions[name], needs)]
    if unfit:
        return Finding("wrong", "; ".join(unfit), lab.install_command())
    for name, _ in wanted:
        try:
            importlib.import_module(MODULES.get(name, name))
        except Exception as error:
            text = f"{name} is installed, and cannot be imported: {_short(error)}"
            return Finding("wrong", text, lab.install_command(f"--force-reinstall --no-deps {name}"))
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", (root() / "constraints.txt").read_text(encoding="utf-8"), re.M))
    # Without the local label: torch's CPU build is 2.13.0+cpu.
    others = {name: v for name, _ in wanted if name in pins and (v := versions[name].split("+")[0]) != pins[name]}
    if others:
        listed = ", ".join(f"{name} {version} (tried: {pins[name]})" for name, version in others.items())
        return Finding("note", f"other versions than those that were tried together: {listed}", lab.install_command())
    return Finding("ok", f"all {len(wanted)}, in the versions that were tried together; torch {versions['torch']}")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _fits(version: str, needs: str) -> bool:
    """Whether a version is in a range such as ">=2.9,<2.14". The library for this may be what is missing."""
    compare = {">=": lambda a, b: a >= b, "<": lambda a, b: a < b}
    ranges = re.findall(r"(>=|<)([\d.]+)", needs)
    return all(compare[sign](_numbers(version), _numbers(bound)) for sign, bound in ranges)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.match(r"[\d.]*\d", version).group().split(".")]


def _kernel() -> Finding:
    python = lab.kernel_python()
    if lab.is_this_python(python):
        return Finding("ok", "notebooks of `mmlearn lab` run in this Python")
    text = f"notebooks would run in {python}, and not in this Python"
    if os.environ.get("JUPYTER_PATH"):
        return Finding("wrong", f"{text}: JUPYTER_PATH names a folder with another kernel", "unset JUPYTER_PATH")
    return Finding("wrong", text, f"{lab.quoted(sys.executable)} -m ipykernel install --sys-prefix")


def _data() -> Finding:
    problems = lab.find_damage()
    if problems:
        more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
        return Finding("wrong", problems[0] + more, f"git -C {lab.quoted(root())} checkout -- data")
    return Finding("ok", "every file has its checksum; `mmlearn data check` also looks into the files")


def _disk() -> Finding:
    """Whether there is room, and everything that a learner changes can be written."""
    work = root() / "work"
    places = {work if work.is_dir() else root(), _existing(ledger.path().parent)}
    with_runtime = importlib.util.find_spec("jupyter_core") is not None
    if with_runtime:
        from jupyter_core.paths import jupyter_runtime_dir

        places.add(_existing(Path(jupyter_runtime_dir())))  # where Jupyter notes what runs; without it no kernel starts
    for place in sorted(places):
        free = shutil.disk_usage(place).free
        if free < ROOM:
            text = f"only {free / MIB:.0f} MiB are free at {place}: delete something on that disk"
            return Finding("wrong", text)
        try:
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(bytes(1024))
        except OSError as error:
            text = f"{place} cannot be written: {error.strerror}"
            if error.errno == errno.EROFS:  # no command of a learner's changes that
                return Finding("wrong", f"{text}. Copy the course to a disk that you may write, and start it there")
            return Finding("wrong", text, _allow(place))
    locked = [path for path in _written() if not os.access(path, os.R_OK | os.W_OK)]
    if locked:
        text = f"you may not write {', '.join(path.name for path in locked)} in {locked[0].parent}"
        return Finding("wrong", text, _allow(locked[0].parent))
    for kept in (ledger, guesses):
        try:
            kept.read()
        except ValueError as error:
            file = kept.path()
            return Finding("wrong", str(error), f"mv {lab.quoted(file)} {lab.quoted(f'{file}.damaged')}")
    return Finding(
        "ok", f"{shutil.disk_usage(root()).free / GIB:.1f} GiB free; your work and your progress can be written"
    )


def _written() -> list[Path]:
    """The files that a learner's work is kept in, as far as there are any."""
    kept = [ledger.path(), guesses.path()]
    locks = [path.with_name(f"{path.name}.lock") for path in kept]
    return [path for path in [*sorted((root() / "work").glob("*.ipynb")), *kept, *locks] if path.exists()]


def _existing(folder: Path) -> Path:
    """The folder, or the one above it in which it will be made."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def _allow(folder: Path) -> str:
    if os.name == "nt":
        return f'icacls "{folder}" /grant "%USERNAME%:(OI)(CI)F" /T'
    allow = f"chmod -R u+rwX {lab.quoted(folder)}"
    yours = all(path.stat().st_uid == os.geteuid() for path in (folder, *folder.iterdir()))
    return allow if yours else f'sudo chown -R "$(id -un)" {lab.quoted(folder)} && {allow}'


def _device() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = _memory()
    text = f"{cores} core{'s' * (cores != 1)}" + (f", {memory / GIB:.1f} GiB of memory" if memory else "")
    if importlib.util.find_spec("torch") is None:
        return Finding("note", f"{text}; without torch no GPU can be looked for")
    from mmlearn.train.device import device

    try:
        chosen = device()
    except ValueError as error:
        return Finding("wrong", str(error), "unset MMLEARN_DEVICE")
    text += f"; training runs on {_called(chosen)}"
    if memory and memory < MEMORY:
        return Finding("note", f"{text}. A lesson takes up to 2 GiB: shut down the kernels of the others")
    return Finding("ok", text)


def _called(device) -> str:
    import torch

    if device.type == "cuda":
        return f"the GPU {torch.cuda.get_device_name(device)}"
    return "the CPU; no GPU is needed" if device.type == "cpu" else f"the GPU ({device.type})"


def _memory() -> int | None:
    """Bytes of memory, or those that a container may use; None where the system does not say it."""
    try:
        installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    try:
        return min(installed, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return installed


def _sound() -> Finding:
    return Finding("ok", "played by the browser, so this computer needs no sound device; not looked at")


def _network() -> Finding:
    return Finding("ok", "not needed: lessons and data are all here; not looked at")


def _lessons() -> Finding:
    work = root() / "work"
    older = find_older(root() / "lessons", work)
    if older:
        text = f"older than the course's: your copies of {', '.join(older)}. The command keeps them beside the new ones"
        return Finding("note", text, f"mmlearn reset {' '.join(older)}")
    copies = len(list(work.glob("[0-9][0-9]_*.ipynb")))
    if not copies:
        return Finding("ok", "no copies yet: `mmlearn lab` makes them")
    return Finding("ok", "your copies in work/ are as new as the course's lessons")


def _grading() -> Finding:
    """How well `mmlearn grade` can wall submissions in. No learner needs it, so nothing here is wrong."""
    try:
        from mmlearn.course.grader.sandbox import strongest

        box, sentence = strongest()
        box.close()
    except Exception as error:  # a release for learners has no grader, Windows no sandbox, and torch may be missing
        return Finding("note", f"no grading here: {_short(error)}")
    return Finding("ok" if box.level == "namespaces" else "note", f"for instructors. Isolation: {sentence}")


PARTS = {
    "python": _python,
    "packages": _packages,
    "kernel": _kernel,
    "data": _data,
    "disk": _disk,
    "device": _device,
    "sound": _sound,
    "network": _network,
    "lessons": _lessons,
    "grading": _grading,
}
