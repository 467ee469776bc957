"""`mmlearn lab`: look that all is in place, make the learner's copies, and open JupyterLab on the first lesson."""

import importlib.util
import json
import os
import shutil
import socket
import sys
from pathlib import Path

from mmlearn.course.copies import make_copies
from mmlearn.data import SETS
from mmlearn.data.shards import find_damage
from mmlearn.files import write_whole
from mmlearn.paths import root

FIRST_LESSON = "00_start_here.ipynb"
INSTALL = "`pip install -c constraints.txt -e .` in the course's folder, with this Python"
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
    """Compare the committed sets with their checksums: about 50 ms. `mmlearn data check` looks into every row.

    Raises:
        NotReadyError: a file is missing or damaged.
    """
    problems = [problem for name in SETS for problem in find_damage(root() / "data" / name)]
    if problems:
        raise NotReadyError("\n         ".join(problems))
    return f"complete: {', '.join(SETS)}"


def check_kernel() -> str:
    """See to it that notebooks run in this very Python; install the kernel into its environment if they would not.

    Raises:
        NotReadyError: JupyterLab or the kernel is not installed, or another Python's kernel hides this one's.
    """
    for package in ("jupyterlab", "ipykernel"):
        if importlib.util.find_spec(package) is None:
            raise NotReadyError(f"{package} is not installed for {sys.executable}. Mend it with {INSTALL}.")
    # Where this Python is in no virtual environment, a kernel of that name in the user's folder would win otherwise.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    found = _kernel_python()
    if not _is_this(found):
        from ipykernel.kernelspec import install

        try:
            install(prefix=sys.prefix)
        except OSError as error:
            raise NotReadyError(
                f"No notebook kernel runs {sys.executable}, and none can be installed ({error}). Make a virtual "
                "environment (python -m venv .venv) and install the course there."
            ) from None
        found = _kernel_python()
        if not _is_this(found):
            raise NotReadyError(
                f"Notebooks would run in {found} and not in {sys.executable}: a kernel named python3 elsewhere comes "
                "first. `jupyter kernelspec list` shows where it is; `jupyter kernelspec remove python3` removes it."
            )
    return f"notebooks run in {sys.executable}"


def _kernel_python() -> str:
    """What the kernel `python3` starts. Where no folder has that kernel, Jupyter takes this Python's own."""
    from jupyter_client.kernelspec import KernelSpecManager

    return KernelSpecManager().get_kernel_spec("python3").argv[0]


def _is_this(program: str) -> bool:
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
