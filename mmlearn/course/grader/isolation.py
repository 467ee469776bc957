"""Walls around a learner's code, built from inside with the kernel's own means. Standard library only.

Two levels. `namespaces` (Linux): the process sees a file system of its own, read-only but for one small folder, that
holds Python and the course's probes; it has no network, no other processes, no shared memory, no privileges. It works
as root, and without root where the system allows user namespaces. `limits` (any POSIX system): the same limits on time,
memory, processes and files, a session of its own, and an unprivileged user where the grader is root; but files that the
user may read can be read. On Linux the kernel refuses some calls at both levels, those that make a network among them.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from contextlib import suppress
from pathlib import Path

LEVELS = ("namespaces", "limits")
NOBODY = 65534
STRANGERS = 0x70000000  # users from here on are nobody's: beyond those that systems and containers give away
SCRATCH = "/scratch"  # the one place where a learner's process can write; small, and its own
MIB = 2**20

# <linux/sched.h>, <linux/mount.h>, <linux/prctl.h>, <linux/fcntl.h>
NEW_NS, NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
NOSUID, NODEV, NOEXEC, BIND, REC, PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
DETACH = 2
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
SYS_MOUNT_SETATTR = 442
PDEATHSIG, DUMPABLE, KEEPCAPS, SECCOMP, CAPBSET_DROP, NO_NEW_PRIVS, CHILD_SUBREAPER = 1, 4, 8, 22, 24, 38, 36
DAC_READ_SEARCH = 1 << 2  # <linux/capability.h>

# <linux/filter.h>, <linux/seccomp.h>, <linux/audit.h>
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, UNKNOWN = 0x7FFF0000, 0x50001, 0x50026  # the latter two: fail with EPERM, with ENOSYS
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # where they stand in what the kernel shows of a call
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
OTHER_NUMBERS = 0x40000000  # of the x32 variant of x86_64
# Refused calls and their numbers on x86_64 and aarch64.
REFUSED = {
    # Memory that belongs to no process, so that no limit counts it.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    # Keys are kept by user, over the end of all its processes: one learner could leave them for the next.
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # Into other processes.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    # Namespaces of one's own, in which one is root again.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "fsopen": (430, 430),
    "open_tree": (428, 428),
    # Rare and powerful: most holes of the kernel were found in these. `io_uring` also makes any call unseen.
    "io_uring_setup": (425, 425),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
}
CLONE, CLONE3, SOCKET, UNIX = (56, 220), (435, 435), (41, 198), 1

DEVICES = ("null", "zero", "random", "urandom")
# Libraries of the system. Not /usr/share or /usr/local/share: exchange folders with other submissions stand there.
LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib")
FILES = ("/etc/ld.so.cache", "/sys/devices/system/cpu")


def enter(level: str, place: str, visible: dict[str, str], hidden: list[str]) -> None:
    """Wall in this process, which then is a small init of its own namespaces; return there.

    The caller's process stays outside, waits, and ends with it.

    Args:
        level: of `LEVELS`; `limits` builds nothing here.
        place: an empty folder to build the new file system at.
        visible: folders that stay visible, read-only: where they are, and where they are to be seen.
        hidden: folders among the seen that look empty.

    Raises:
        OSError: the system does not allow it.
    """
    if level != "namespaces":
        return
    uid, gid = os.geteuid(), os.getegid()
    _unshare((NEW_USER if uid else 0) | NEW_NS | NEW_PID | NEW_NET | NEW_IPC | NEW_UTS)
    if uid:  # without root one becomes root of a new user namespace, where one may mount
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    _become_init()
    _build_view(place, visible, hidden)
    os.environ["TMPDIR"] = SCRATCH


def enter_job() -> None:
    """Before the fork of a learner's process: it gets processes and shared memory of its own."""
    _unshare(NEW_PID | NEW_IPC)


def stranger() -> int:
    """A user that nobody is, and no other sandbox's: it cannot reach another's processes, nor use up its number.

    Where a container knows few users only, that is nobody.
    """
    user = STRANGERS + os.getpid()
    maps = Path("/proc/self/uid_map")
    known = [line.split() for line in maps.read_text().splitlines()] if maps.exists() else []
    return user if any(int(first) <= user < int(first) + int(count) for first, _, count in known) else NOBODY


def lock(level: str, folder: str, limits: dict, user: int | None, reads_all: bool) -> None:
    """Last step of the learner's process, before it runs anything of the learner's.

    Args:
        folder: where it may write; `SCRATCH` under `namespaces`.
        limits: `cpu` seconds, `memory` MiB beyond what the process has, `file` MiB, `processes`.
        user: to become, where this is root of the machine.
        reads_all: whether that user may read what root may, because Python itself stands there.
    """
    if level == "namespaces":
        _unshare(NEW_NS)  # its supervisor goes on seeing the /proc of all
        _mount("tmpfs", SCRATCH, "tmpfs", NOSUID | NODEV, f"size={limits['file']}m,nr_inodes=4096,mode=1777")
        _mount("proc", "/proc", "proc", NOSUID | NODEV | NOEXEC)
    os.environ.clear()
    os.environ |= {"HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8"}
    os.chdir(folder)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # where memory runs out all the same, end this first
    _limit(limits)
    if sys.platform == "linux":
        for capability in range(64):
            _prctl(CAPBSET_DROP, capability, strict=False)
        if user is not None:
            _prctl(KEEPCAPS, 1)
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        if user is not None or level == "namespaces":
            _keep_capabilities(DAC_READ_SEARCH if reads_all else 0)
        _prctl(NO_NEW_PRIVS, 1)
        _prctl(PDEATHSIG, signal.SIGKILL)  # after the change of user, which forgets it
        _refuse_calls()


def adopt_orphans() -> None:
    """Make this process the parent of every process below whose own parent ends, so that it can find and end them."""
    if sys.platform == "linux":
        _prctl(CHILD_SUBREAPER, 1)
        _prctl(DUMPABLE, 0)  # its memory and files are nothing that a process below may look at


def die_with_parent() -> None:
    """Have the kernel end this process as soon as its parent ends."""
    if sys.platform == "linux":
        _prctl(PDEATHSIG, signal.SIGKILL)


def _limit(limits: dict) -> None:
    have = _virtual_size()
    wanted = {
        resource.RLIMIT_CPU: limits["cpu"],
        resource.RLIMIT_AS: have + limits["memory"] * MIB,
        resource.RLIMIT_FSIZE: limits["file"] * MIB,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):  # macOS knows RLIMIT_AS and does not keep it; memory is watched from outside too
            continue


def _virtual_size() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 4096 * MIB


def _become_init() -> None:
    """Fork into the new process namespace. The outer half only waits: who ends it, ends everything."""
    inner = os.fork()
    if inner:
        os.close(0)
        os.close(1)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]) & 0xFF)
    die_with_parent()


def _build_view(place: str, visible: dict[str, str], hidden: list[str]) -> None:
    """Replace the file system by one that has only what is named."""
    _mount("", "/", "", REC | PRIVATE)
    _mount("tmpfs", place, "tmpfs", NOSUID | NODEV, "size=1m,mode=755")
    for path in (*LIBRARIES, *FILES):
        _show(path, place + path)
    for path, seen in sorted(visible.items()):
        _show(path, place + seen)
    for name in DEVICES:
        _show(f"/dev/{name}", f"{place}/dev/{name}", device=True)
    for folder in (SCRATCH, "/proc"):
        os.mkdir(place + folder)
    if not os.path.exists(f"{place}/tmp"):  # Python itself may stand below it
        os.symlink(SCRATCH, f"{place}/tmp")
    _mount("tmpfs", place + SCRATCH, "tmpfs", NOSUID | NODEV, "size=1m,mode=755")  # some imports look for one
    _mount("proc", f"{place}/proc", "proc", NOSUID | NODEV | NOEXEC)
    for path in hidden:
        if os.path.isdir(place + path):
            _mount("tmpfs", place + path, "tmpfs", NOSUID | NODEV, "size=1m,mode=755")
    os.chdir(place)
    number = SYS_PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError(f"no namespaces on {platform.machine()}: the number of its system call is not known here")
    _call("syscall", number, b".", b".")  # the old root then lies over the new one ...
    _call("umount2", b".", DETACH)  # ... and is taken away
    os.chdir("/")
    _set_attributes("/", ATTR_RDONLY, 0)


def _show(path: str, there: str, device: bool = False) -> None:
    """Bind a path of the machine to a place in the new file system, read-only, unless that is there already."""
    if not os.path.lexists(path) or os.path.lexists(there):
        return
    os.makedirs(os.path.dirname(there), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), there)
        return
    if os.path.isdir(path):
        os.mkdir(there)
    else:
        Path(there).touch()
    _mount(path, there, "", BIND | REC)
    _set_attributes(there, ATTR_NOSUID | (0 if device else ATTR_RDONLY | ATTR_NODEV), AT_RECURSIVE)


def _keep_capabilities(kept: int) -> None:
    """Drop all others."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    _call("capset", header, (ctypes.c_uint32 * 6)(kept, kept))  # effective, permitted


def _refuse_calls() -> None:
    """Have the kernel refuse the calls of `REFUSED`, new namespaces and all sockets but local ones, from here on.

    Nothing where it cannot: the walls stand without it.
    """
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        return
    column = list(ARCHITECTURES).index(machine)
    namespaces = NEW_NS | NEW_UTS | NEW_IPC | NEW_USER | NEW_PID | NEW_NET
    lines = [
        *((LOAD, ARCHITECTURE), (EQUAL, ARCHITECTURES[machine], "", "refuse")),
        *((LOAD, NUMBER), (AT_LEAST, OTHER_NUMBERS, "refuse", "")),
        *((EQUAL, numbers[column], "refuse", "") for numbers in REFUSED.values()),
        (EQUAL, CLONE3[column], "unknown", ""),  # its flags cannot be seen; all then use clone
        *((EQUAL, CLONE[column], "clone", ""), (EQUAL, SOCKET[column], "socket", "allow")),
        *("clone", (LOAD, FIRST_ARGUMENT), (ANY_BIT, namespaces, "refuse", "allow")),
        *("socket", (LOAD, FIRST_ARGUMENT), (EQUAL, UNIX, "allow", "refuse")),
        *("allow", (RETURN, ALLOW), "refuse", (RETURN, REFUSE), "unknown", (RETURN, UNKNOWN)),
    ]
    program = _assembled(lines)
    code = ctypes.create_string_buffer(program)
    head = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(code)))
    with suppress(OSError):
        _call("prctl", SECCOMP, 2, ctypes.addressof(head), 0, 0)


def _assembled(lines: list) -> bytes:
    """A packet filter's instructions of 8 bytes each. A string is a label; a jump names where it goes, "" for on."""
    places, count = {}, 0
    for line in lines:
        if isinstance(line, str):
            places[line] = count
        else:
            count += 1
    code = b""
    for at, (operation, value, *jumps) in enumerate(line for line in lines if not isinstance(line, str)):
        code += struct.pack("=HBBI", operation, *([places.get(to, at + 1) - at - 1 for to in jumps] or (0, 0)), value)
    return code


def _set_attributes(path: str, attributes: int, flags: int) -> None:
    wanted = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    _call("syscall", SYS_MOUNT_SETATTR, AT_FDCWD, path.encode(), flags, wanted, ctypes.sizeof(wanted))


def _unshare(flags: int) -> None:
    _call("unshare", flags)


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    _call("mount", source.encode() or None, target.encode(), kind.encode() or None, flags, data.encode() or None)


def _prctl(option: int, value: int, strict: bool = True) -> None:
    try:
        _call("prctl", option, value, 0, 0, 0)
    except OSError:
        if strict:
            raise


def _call(name: str, *arguments) -> None:
    """Call a function of the C library.

    Raises:
        OSError: it failed, or this system has none of that name.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        function = getattr(libc, name)
    except AttributeError:
        raise OSError(f"this system has no {name}") from None
    passed = [ctypes.c_ulong(a) if isinstance(a, int) and a >= 0 else a for a in arguments]
    if function(*passed) == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
