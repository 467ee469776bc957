"""`mmlearn lab`: look that all is in place, make the learner's copies, and open JupyterLab on the first lesson."""

import importlib.util
import json
import os
import shutil
import socket
import sys
from pathlib import Path

from mmlearn.course.copies import make_copies
from mmlearn.data import SETS, shards
from mmlearn.files import write_whole
from mmlearn.paths import root

FIRST_LESSON = "00_start_here.ipynb"
# JupyterLab's defaults for the course; what users set themselves counts more. A lesson starts without questions and
# without the network.
LAB_SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


class NotReadyError(Exception):
    """Something that the lessons need is not in place; the message says what, and how to mend it."""


def lab(port: int, browser: bool) -> int:
    """Prepare everything and run JupyterLab until it is stopped.

    Each step can be run again: what is in place is left alone.

    Args:
        port: where to listen; the next free one is taken.
        browser: open one.

    Returns:
        The exit code: 1 if something is missing that could not be mended, else 0.
    """
    try:
        chosen = free_port(port)
        print(f"data     {check_data()}")
        print(f"kernel   {check_kernel()}")
        for sentence in make_copies(root() / "lessons", root() / "work"):
            print(f"lessons  {sentence}")
        if port not in (0, chosen):
            print(f"port     {port} is taken, perhaps by a JupyterLab that still runs; this one takes {chosen}")
        print("start    JupyterLab; to stop it, press Ctrl-C here, then y", flush=True)
        return run_jupyterlab(chosen, browser)
    except NotReadyError as problem:
        print(f"mmlearn: {problem}", file=sys.stderr)
        return 1


def check_data() -> str:
    """Compare the committed files with their checksums: about 100 ms. `mmlearn data check` looks into every row.

    Raises:
        NotReadyError: a file is missing or damaged.
    """
    problems = find_damage()
    if problems:
        raise NotReadyError("\n         ".join(problems))
    return f"complete: {', '.join(SETS)}"


def find_damage() -> list[str]:
    """What is wrong with the files of the committed sets and of the trained models, a sentence each."""
    data = root() / "data"
    problems = [problem for name in SETS for problem in shards.find_damage(data / name)]
    files = (data / "zoo").glob("*.[js]*")  # a card or weights, each of which may be the one that is left
    for card in sorted({path.with_suffix(".json") for path in files}):
        weights = card.with_suffix(".safetensors")
        try:
            whole = json.loads(card.read_text(encoding="utf-8"))["sha256"] == shards.sha256(weights.read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            files = f"data/zoo/{card.name} data/zoo/{weights.name}"
            problems.append(
                f"{weights} and its card are not both here, or do not agree. Mend it with `git checkout -- {files}`."
            )
    return problems


def check_kernel() -> str:
    """See to it that notebooks run in this very Python; install the kernel into its environment if they would not.

    Raises:
        NotReadyError: JupyterLab or the kernel is not installed, or another Python's kernel hides this one's.
    """
    for package in ("jupyterlab", "ipykernel"):
        if importlib.util.find_spec(package) is None:
            raise NotReadyError(f"{package} is not installed for {sys.executable}. Mend it with `{install_command()}`.")
    found = kernel_python()
    if not is_this_python(found):
        from ipykernel.kernelspec import install

        try:
            install(prefix=sys.prefix)
        except OSError as error:
            raise NotReadyError(
                f"No notebook kernel runs {sys.executable}, and none can be installed ({error}). Make a virtual "
                "environment (python -m venv .venv) and install the course there."
            ) from None
        found = kernel_python()
        if not is_this_python(found):
            raise NotReadyError(
                f"Notebooks would run in {found} and not in {sys.executable}: a kernel named python3 elsewhere comes "
                "first. `jupyter kernelspec list` shows where it is; `jupyter kernelspec remove python3` removes it."
            )
    return f"notebooks run in {sys.executable}"


def install_command(what: str = "-e .") -> str:
    """The command that installs the course, or `what`, for this Python; where it is the system's, in `.venv`."""
    folder, python = quoted(root()), quoted(sys.executable)
    if sys.prefix != sys.base_prefix or Path(sys.prefix, "conda-meta").is_dir():
        return f"cd {folder} && {python} -m pip install -c constraints.txt {what}"
    if shutil.which("make"):
        return f"cd {folder} && make lab"
    own = Path(".venv", "Scripts" if os.name == "nt" else "bin", "pip")
    return f"cd {folder} && {python} -m venv .venv && {own} install -c constraints.txt -e ."


def quoted(path: Path | str) -> str:
    """A path as a command line takes it, on every system."""
    return f'"{path}"' if " " in str(path) else str(path)


def kernel_python() -> str:
    """What the kernel `python3` starts. Where no folder has that kernel, Jupyter takes this Python's own."""
    from jupyter_client.kernelspec import KernelSpecManager

    # Where this Python is in no virtual environment, a kernel of that name in the user's folder would win otherwise.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    return KernelSpecManager().get_kernel_spec("python3").argv[0]


def is_this_python(program: str) -> bool:
    """Whether a kernel that starts `program` runs this interpreter."""
    if program in ("python", "python3", "python{}.{}".format(*sys.version_info)):
        return True  # Jupyter takes these for the Python that it runs in itself
    # Not the files: python and python3 of a virtual environment both link to the Python that it was made from.
    where = shutil.which(program)
    return where is not None and os.path.samefile(Path(where).parent, Path(sys.executable).parent)


def free_port(port: int) -> int:
    """The first port from `port` on that nobody listens on; any free one for 0.

    Raises:
        NotReadyError: `port` is no port, or 50 in a row are taken.
    """
    if not 0 <= port <= 65535:
        raise NotReadyError(f"--port must be from 0 to 65535, got {port}.")
    for candidate in range(port, min(port + 50, 65536)):
        with socket.socket() as listener:
            if os.name != "nt":  # as Jupyter does: a port that was just given back is free
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return listener.getsockname()[1]
    raise NotReadyError(f"No port from {port} on is free. Name another one with --port.")


def run_jupyterlab(port: int, browser: bool) -> int:
    """Run JupyterLab in this process until it is stopped. The user's own settings apply; none is changed."""
    import zmq
    from jupyterlab.labapp import LabApp

    # So that `mmlearn` and `python` in JupyterLab's terminals are the course's.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    settings = root() / "work" / ".jupyter"
    write_whole(settings / "labconfig" / "default_setting_overrides.json", json.dumps(LAB_SETTINGS, indent=1).encode())
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(
        filter(None, [str(settings), os.environ.get("JUPYTER_CONFIG_PATH")])
    )
    options = {
        # The whole course can be read in it; it opens on the learner's folder.
        "ServerApp.root_dir": root(),
        "FileContentsManager.preferred_dir": "work",
        "LabApp.default_url": f"/lab/tree/work/{FIRST_LESSON}",
        # Which tabs are open is kept here: those of other projects would be missing files.
        "LabApp.workspaces_dir": settings / "workspaces",
        "ServerApp.port": port,
        "ServerApp.open_browser": browser,
        # Jupyter's own default is no encryption, and then each kernel warns of eavesdroppers on this machine.
        "KernelManager.transport_encryption": "auto" if zmq.has("curve") else "disabled",
        "ServerApp.log_level": "WARN",  # the address, and what goes wrong
        "LabApp.log_level": "WARN",
    }
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options["ServerApp.allow_root"] = True  # in a container there is often no other user
    LabApp.launch_instance([f"--{name}={value}" for name, value in options.items()])
    return 0
