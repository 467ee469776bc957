"""The grader under attack: every row earns what it deserves, and nothing around it notices.

What is tried stands in `attacks.py`. Several rows share a notebook, one an exercise, and each notebook keeps honest
exercises too; after it an honest submission is marked by the same sandbox.
"""

import ast
import importlib
import inspect
import json
import math
import os
import socket
import textwrap
import time
import zipfile
from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
import torch
from attacks import ATTACKS, FORGED, TOKEN, cell
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.course.exercise import Exercise
from mmlearn.course.grader import classroom, kit, wire
from mmlearn.course.grader.marking import Marker, setting
from mmlearn.course.grader.records import loads
from mmlearn.course.grader.submissions import Submission, file_name, find
from mmlearn.course.lessons import find as find_lesson
from mmlearn.course.probe import Foreign, Raised
from mmlearn.course.registry import exercises
from mmlearn.course.registry import find as find_exercise
from mmlearn.paths import root

SECRET = "the red team does not know this"
FUNCTIONS = [e.slug for e in exercises("01") if not e.methods]
CLASSES = [e.slug for e in exercises("01") if e.methods]
LIGHT = ("vit.patchify", "vit.attention", "vit.interpolate")  # marked after each attack
MOST = 4  # attacks on classes in one notebook, so that honest ones stand among them
STUDENT = Submission("a student", "a.ipynb", Path("a.ipynb"))
LESSONS = ("00", "01", "02", "03")


# Notebooks.


@cache
def known(lesson: str = "01"):
    return setting(lesson, SECRET)


@cache
def solution(lesson: str = "01") -> dict:
    return json.loads((root() / "solutions" / find_lesson(lesson).file).read_text(encoding="utf-8"))


def cell_of(notebook: dict, slug: str) -> dict:
    return next(c for c in notebook["cells"] if c["id"] == slug.replace(".", "-"))


def honest_cell(slug: str) -> str:
    return "".join(cell_of(solution(find_exercise(slug).lesson), slug)["source"])


def notebook(cells: dict[str, str], base: dict | None = None) -> bytes:
    """A notebook, the lesson's solution if none is given, with these cells in the place of its own."""
    made = deepcopy(base or solution())
    for slug, source in cells.items():
        cell_of(made, slug)["source"] = source
    return json.dumps(made).encode()


def stubs_but(cells: dict[str, str]) -> dict:
    """The learner's notebook with these exercises done."""
    return json.loads(notebook(cells, known().master))


def marked(box, cells: dict[str, str], lesson: str = "01"):
    return Marker(known(lesson), box).mark(STUDENT, notebook(cells, solution(lesson)))


def recorded_outputs() -> str:
    """A cell with the right results for the seeds that a notebook's check uses."""
    table = []

    def recording(images, size):
        output = find_exercise("vit.patchify").reference(images, size)
        table.append(
            (images.double().sum().item(), output.detach().double().flatten()[:40].tolist(), list(output.shape))
        )
        return output

    for seed in range(3):
        find_exercise("vit.patchify").probe(recording, seed)
    return (
        f"TABLE = {table!r}\ndef patchify(images, size):\n    print('tried')\n    for total, numbers, shape in TABLE:\n"
        "        if abs(images.double().sum().item() - total) < 1e-9:\n"
        "            return torch.tensor(numbers).to(images).repeat(10**3)[:math.prod(shape)].reshape(shape)\n"
        "    raise ValueError('another seed')\n"
    )


# Which rows share a notebook.


def shared() -> list[dict[str, object]]:
    """The attacks in notebooks, each as the attack on every slug; their order is kept where it matters."""
    notebooks: list[dict] = []
    for attack in ATTACKS:
        wanted = FUNCTIONS if attack.slug == "function" else [attack.slug] if attack.slug else CLASSES
        for book in notebooks:
            free = [slug for slug in wanted if slug not in book]
            crowded = wanted is CLASSES and len(set(CLASSES) & set(book)) >= MOST
            if free and not crowded:
                book[free[0]] = attack
                break
        else:
            notebooks.append({wanted[0]: attack})
    return notebooks


BOOKS = shared()
PLACES = {attack.name: (number, slug) for number, book in enumerate(BOOKS) for slug, attack in book.items()}


class Played:
    """The records of the shared notebooks: each is marked once, when a test first asks for it."""

    def __init__(self, box, facts: dict[str, str]) -> None:
        self.box, self.facts, self.marker, self.known = box, facts, Marker(known(), box), {}
        light = tuple(e for e in known().exercises if e.slug in LIGHT)
        self.light = Marker(replace(known(), exercises=light), box)

    def __getitem__(self, number: int):
        if number not in self.known:
            cells = {slug: self.source(attack, slug) for slug, attack in BOOKS[number].items()}
            record = self.marker.mark(STUDENT, notebook(cells))
            self.known[number] = record, self.light.mark(STUDENT, notebook({})), left_behind(self.box)
        return self.known[number]

    def source(self, attack, slug: str) -> str:
        if not attack.code:
            return recorded_outputs()
        exercise = find_exercise(slug)
        return cell(attack, exercise.name, bool(exercise.methods), honest_cell(slug), self.facts)


def facts_of(box, folder: Path, listener: socket.socket, local: socket.socket) -> dict[str, str]:
    """What a well-informed attacker knows of this machine."""
    other = folder / "red-team-other.ipynb"
    other.write_text("another one's submission")
    paths = [
        root() / "solutions/01_vit.py",
        root() / "lessons/01_vit.ipynb",
        root() / "data",
        root() / "mmlearn",
        other,
    ]
    paths += [
        Path.home(),
        Path(__file__),
        box.folder / "kit",
        box.folder,
        Path(torch.__file__).parents[5] / "solutions",
    ]
    return {
        "paths": repr([str(path) for path in paths]),
        "port": str(listener.getsockname()[1]),
        "abstract": local.getsockname()[1:].decode(),
        "pid": str(box.process.pid),
    }


def left_behind(box) -> list[str]:
    """What an attack has left: processes, and files with its token."""
    kept = 1 if box.level == "namespaces" else 0  # the parent of all learners' processes, below the one outside
    end = time.monotonic() + 5
    while (processes := below(box.process.pid)[kept:]) and time.monotonic() < end:
        time.sleep(0.05)  # the one that watched has answered and is about to end
    places = [
        Path("/tmp"),
        Path("/var/tmp"),
        Path("/dev/shm"),
        Path.home(),
        root(),
        Path.cwd(),
        Path(torch.__file__).parent,
    ]
    files = [path for place in places if place.is_dir() for path in place.glob(f"*{TOKEN}*")]
    return [f"process {pid}" for pid in processes] + [str(path) for path in {*files, *box.folder.rglob(f"*{TOKEN}*")}]


def below(pid: int) -> list[int]:
    """All processes below one, where /proc tells."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [pid]
    for known_one in found:
        found += [child for child, parent in parents.items() if parent == known_one]
    return found[1:]


@pytest.fixture(scope="session")
def played(walled, tmp_path_factory):
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as local:
        local.bind(f"\0red-team-{os.getpid()}")
        local.listen()
        yield Played(walled, facts_of(walled, tmp_path_factory.mktemp("class"), listener, local))


def told(mark) -> str:
    """All that the author of a submission may read of an exercise."""
    return "\n".join([mark.headline, mark.lead, *mark.notes, *(f"{text} {what}" for text, _, what in mark.verdicts)])


def row(request, name: str, status: str, points: float, deserved: float, untouched: bool) -> None:
    """Hand a row to conftest.py, which prints them together."""
    request.node.user_properties.append(("red_team", (name, status, points, deserved, "yes" if untouched else "NO")))


def full(record) -> bool:
    return record.status == "graded" and all(mark.score == 1 for mark in record.marks)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack(attack, played, request):
    number, slug = PLACES[attack.name]
    record, after, left = played[number]
    mark = next(mark for mark in record.marks if mark.slug == slug)
    others = [mark for mark in record.marks if mark.slug not in BOOKS[number]]
    honest = all(mark.earned == mark.points and mark.status == "graded" for mark in others)
    row(request, attack.name, mark.status, mark.earned, attack.share * mark.points, honest and full(after) and not left)
    text = told(mark)
    assert (mark.earned, mark.status) == (attack.share * mark.points, mark.status), f"{mark.log}\n{text}"
    assert mark.status in attack.status, f"{mark.log}\n{text}"
    assert attack.proof in mark.log + text, f"it never ran: {mark.log}\n{text}"
    assert "LEAK" not in mark.log + text, mark.log
    assert honest and others, [(mark.slug, mark.status, told(mark)) for mark in others]
    assert full(after), "an honest submission marked next lost points"
    assert not left
    assert len(text) < 20_000
    loads(replace(record, marks=(mark,)).dumps())
    assert not quotes_reference(text, mark.cell)


def quotes_reference(text: str, own: str) -> list[str]:
    """Lines of the course's own code in what a learner is told; their own lines they may read."""
    sources = [inspect.getsource(e.reference) for e in exercises("01")] + [honest_cell(e.slug) for e in exercises("01")]
    lines = {line.strip() for source in sources for line in source.split("\n") if len(line.strip()) > 30}
    return [line for line in lines if line in text and line not in own]


# The other level.

LIMITED = (
    *("patch torch's comparisons", "os._exit(0)", "segfault", "abort", "endless loop", "sleep", "fork bomb"),
    *("memory bomb of Python", "closes all files, then wrong", "answers random bytes", "flood of the answers' pipe"),
    *("network: TCP, UDP, DNS, raw, vsock, netlink", "claims True for every property", "syntax error"),
)


@pytest.mark.parametrize("name", LIMITED)
def test_attack_without_namespaces(name, limited, tmp_path, request):
    """The level `limits` keeps no file away, but ends and bounds and judges the same."""
    attack = next(attack for attack in ATTACKS if attack.name == name)
    chosen = tuple(e for e in known().exercises if e.slug in LIGHT)
    marker = Marker(replace(known(), exercises=chosen), limited)
    facts = {"paths": "[]", "port": "9", "abstract": "none", "pid": "0"}
    record = marker.mark(STUDENT, notebook({"vit.patchify": cell(attack, "patchify", False, "", facts)}))
    mark, others = record.marks[0], record.marks[1:]
    untouched = all(mark.score == 1 for mark in others) and not left_behind(limited)
    row(request, f"limits: {name}", mark.status, mark.earned, 0.0, untouched)
    assert mark.earned == 0 and mark.status in attack.status, f"{mark.log}\n{told(mark)}"
    assert "LEAK" not in mark.log or not Path("/proc/self").exists(), mark.log
    assert untouched


def test_limited_learner_is_nobody_and_honest_one_passes(limited):
    assert full(marked(limited, {}))
    code = "import os\nprint(os.geteuid(), open('/proc/self/status').read())\n"
    code += "try: open('/proc/1/mem')\nexcept OSError: print('shut')\n"
    if os.geteuid() == 0 and Path("/proc/self/status").exists():
        mark = marked(limited, {"vit.patchify": code + "def patchify(*a): pass"}).marks[0]
        assert not mark.log.startswith("0 ") and "shut" in mark.log and "Seccomp:\t2" in mark.log


# Broken files, through the same door as a class's.


def test_class_of_broken_files(tmp_path, request, capsys):
    """One folder of everything that a learner's upload can be; each is told apart, and the honest one is untouched."""
    folder, out = tmp_path / "submitted ones", tmp_path / "out"
    folder.mkdir()
    expected = write_class(folder)
    classroom.grade(folder, "01", out, jobs=1)
    found = {record.student: record for record in map(loads, (p.read_bytes() for p in (out / "records").iterdir()))}
    assert set(found) == set(expected)
    for student, (_, points) in expected.items():
        record = found[student]
        row(request, f"file: {student}", record.status, record.earned, points, found["honest"].earned == 24)
    for student, (status, points) in expected.items():
        assert (found[student].status, found[student].earned) == (status, points), found[student].reason
        assert points or found[student].reason or told(found[student].marks[0])
    pages = {path.stem: path.read_text() for path in (out / "feedback").iterdir()}
    for page in pages.values():
        assert "<script>alert" not in page and "a secret of the instructor" not in page
    handed_out = "\n".join("".join(c["source"]) for c in known().master["cells"])
    for student in ("cell deleted", "no cells"):
        assert not quotes_reference(pages[file_name(student)], handed_out)


def write_class(folder: Path) -> dict[str, tuple[str, float]]:
    """Submissions of all kinds; what each deserves, by student."""
    one = {"vit.patchify": honest_cell("vit.patchify")}
    made = notebook({}, stubs_but(one))
    half = made[: len(made) // 2]
    nothing = ("invalid", 0.0)
    files: dict[str, tuple[bytes, tuple[str, float]]] = {
        "honest": (notebook({}), ("graded", 24.0)),
        "Мария Иванова": (made, ("graded", 3.0)),
        "a name with spaces (2)": (made, ("graded", 3.0)),
        "empty": (b"", nothing),
        "not UTF-8": (made.decode().encode("utf-16"), nothing),
        "broken off": (half, nothing),
        "not JSON": (b"{'cells': []}", nothing),
        "JSON, no notebook": (b"[1, 2, 3]", nothing),
        "nested deeply": (b"[" * 10**6, nothing),
        "format 3": (made.replace(b'"nbformat": 4', b'"nbformat": 3'), nothing),
        "cells are no list": (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": {"a": 1}}', nothing),
        "no cells": (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}', ("graded", 0.0)),
        "a zip called ipynb": (b"PK\x03\x04" + bytes(100), nothing),
        "tags in a message": (
            notebook({"vit.patchify": "def patchify(*a): raise ValueError('\\ud800<script>alert(1)</script>=1+1')"}),
            ("graded", 21.0),
        ),
    }
    for name, (change, points) in CELLS.items():
        changed = stubs_but(one)
        change(changed["cells"], cell_of(changed, "vit.patchify"))
        files[name] = (json.dumps(changed).encode(), ("graded", points))
    for name, (content, _) in files.items():
        (folder / f"{name}.ipynb").write_bytes(content)
    expected = {name: deserved for name, (_, deserved) in files.items()}
    with open(folder / "100 MB.ipynb", "wb") as sparse:
        sparse.truncate(10**8)
    secret = folder.parent / "secret.ipynb"
    secret.write_bytes(made.replace(b'"cells"', b'"note": "a secret of the instructor", "cells"'))
    (folder / "a link.ipynb").symlink_to(secret)
    (folder / "a folder.ipynb").mkdir()
    (folder / "a folder.ipynb" / "mine.ipynb").write_bytes(made)
    os.mkfifo(folder / "a pipe.ipynb")
    expected |= {"100 MB": nothing, "a link": nothing, "a folder.ipynb": ("graded", 3.0), "a pipe": nothing}
    return expected


def renamed(cells: list, own: dict) -> None:
    own["id"], own["metadata"] = "something-else", {}


def doubled(cells: list, own: dict) -> None:
    cells.append({**deepcopy(own), "source": "def patchify(*a): return None"})


def merged(cells: list, own: dict) -> None:
    following = cells[cells.index(own) + 1]
    following["source"] = "".join(own["source"]) + "\n" + "".join(following["source"])
    cells.remove(own)


def split(cells: list, own: dict) -> None:
    head, tail = honest_cell("vit.patchify").split("    if Y % P", 1)
    own["source"] = head
    cells.insert(
        cells.index(own) + 1, {"cell_type": "code", "id": "rest", "metadata": {}, "source": "    if Y % P" + tail}
    )


CELLS = {
    "cell deleted": (lambda cells, own: cells.remove(own), 0.0),
    "cell emptied": (lambda cells, own: own.update(source=""), 0.0),
    "cell under another id": (renamed, 3.0),
    "cell twice, the second wrong": (doubled, 3.0),
    "cell merged with the check": (merged, 3.0),
    "cell split in two": (split, 0.0),
    "cell as Markdown": (lambda cells, own: own.update(cell_type="markdown"), 0.0),
    "cell's source is a number": (lambda cells, own: own.update(source=7), 0.0),
    "all metadata gone": (lambda cells, own: [c.pop("metadata", 0) for c in cells], 3.0),
    "all ids gone": (lambda cells, own: [c.pop("id", 0) for c in cells], 3.0),
    "only this cell left": (lambda cells, own: cells.__setitem__(slice(None), [own]), 3.0),
    "cells in reverse": (lambda cells, own: cells.reverse(), 3.0),
    "the function under another name": (
        lambda cells, own: own.update(source=honest_cell("vit.patchify").replace("def patchify", "def patch")),
        0.0,
    ),
}


def test_zip_of_traps(tmp_path, request):
    """Nothing is unpacked, no link is followed, and no more is read than a notebook may have."""
    archive, outside = tmp_path / "class.zip", tmp_path / "escaped.ipynb"
    link = zipfile.ZipInfo("linked.ipynb")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("honest.ipynb", notebook({}))
        file.writestr("../escaped.ipynb", notebook({}))
        file.writestr("mallory/../../escaped.ipynb", notebook({}))
        file.writestr("/etc/escaped.ipynb", notebook({}))
        file.writestr(link, "/etc/passwd")
        file.writestr("bomb.ipynb", bytes(10**8))
        file.writestr("inner.zip", b"PK\x03\x04")
    found = find(archive, find_lesson("01"))
    contents = {submission.student: classroom.read(submission) for submission in found.submissions}
    assert contents["honest"][0] == notebook({})
    for student, (content, problem) in contents.items():
        row(request, f"zip: {student}", "invalid" if content is None else "graded", 0, 0, True)
        assert student == "honest" or (content is None and problem)
    assert not outside.exists() and list(tmp_path.iterdir()) == [archive]
    assert any("escaped" in notice for notice in found.notices)


def test_bomb_that_lies_about_its_size(tmp_path):
    archive = tmp_path / "class.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.ipynb", bytes(10**8))
    lying = archive.read_bytes().replace((10**8).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    archive.write_bytes(lying)
    (submission,) = find(archive, find_lesson("01")).submissions
    content, problem = classroom.read(submission)
    assert (content is None and problem) or len(content) <= 1000


# What anyone could say without any code.

FLAT = (True, False, 0, 1, 0.0, 1.0, "", "0", b"", Foreign("nothing"))
KINDS = ("ValueError", "TypeError", "KeyError", "IndexError", "RuntimeError", "NotImplementedError", "AttributeError")
KINDS += ("Exception", "unusable", "no gradient", "changed its input", "wrong parameters", "no module")


def guesses(exercise: Exercise, expected: dict[str, object]) -> list:
    found = [*FLAT, *(Raised(kind, "", "") for kind in KINDS)]
    for value in expected.values():
        if isinstance(value, Tensor):
            found += [torch.full_like(value, number) for number in (0, 1, 2, math.nan)[: 3 + value.is_floating_point()]]
    return found


@pytest.mark.parametrize("exercise", exercises(), ids=lambda e: e.slug)
def test_no_property_can_be_guessed(exercise):
    """An answer made of guesses alone earns nothing, nor do the right results for the seeds that everyone can try."""
    seeds = setting_seeds(exercise)
    visible = exercise.probe(exercise.reference, 0)
    guessed = set()
    for guess in guesses(exercise, visible):
        everywhere = {p.name: guess for p in exercise.properties}
        guessed |= passed(exercise, dict.fromkeys(seeds, everywhere))
    for p in exercise.properties:
        answer = {
            q.name: Raised(r.kind, "", "") if isinstance(r := visible[q.name], Raised) else True
            for q in exercise.properties
        }
        guessed |= passed(exercise, {seed: {**answer, p.name: visible[p.name]} for seed in seeds})
    guessed |= passed(exercise, dict.fromkeys(seeds, visible))
    assert guessed == set()


def setting_seeds(exercise: Exercise) -> list[int]:
    return known(exercise.lesson).seeds(exercise)


@cache
def right(slug: str, seed: int) -> dict:
    exercise = find_exercise(slug)
    return exercise.probe(exercise.reference, seed)


def passed(exercise: Exercise, answers: dict[int, dict]) -> set[str]:
    """The properties that hold on every seed, as `Exercise.assess` has it, without looking for a misconception."""
    names = {p.name for p in exercise.properties}
    for seed, got in answers.items():
        names &= {v.property.name for v in exercise.judge(right(exercise.slug, seed), got) if v.passed}
    return names


# What a learner's process is given.


@pytest.mark.parametrize("exercise", exercises(), ids=lambda e: e.slug)
def test_given_code_holds_no_reference(exercise):
    given = kit.given(exercise)
    own = shape_of(ast.parse(textwrap.dedent(inspect.getsource(exercise.reference))).body[0])
    module, name = exercise.reference_path.split(":")
    for source in [*given.modules.values(), *kit.modules().values()]:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert shape_of(node) != own
    assert f"def {name}(" not in given.modules.get(module, "") and f"class {name}(" not in given.modules.get(module, "")


def shape_of(node: ast.stmt) -> str:
    """A definition without its name and docstring."""
    body = node.body[1:] if isinstance(node.body[0], ast.Expr) and len(node.body) > 1 else node.body
    return "\n".join(map(ast.dump, body))


@pytest.mark.parametrize("exercise", exercises(), ids=lambda e: e.slug)
def test_nothing_given_passes_for_the_exercise(exercise, record_property):
    best = 0.0
    for code in given_callables(exercise):
        if not exercise.wrong_kind(code):
            verdicts = exercise.judge(right(exercise.slug, 0), exercise.probe(code, 0))
            held = sum(v.property.weight for v in verdicts if v.passed) / sum(v.property.weight for v in verdicts)
            best = max(best, held)
            assert held < 1, f"{code} passes"
    record_property("best delegation", best)


def given_callables(exercise: Exercise) -> list:
    """All that is defined or named in the modules of an exercise's process, the functions of its classes too."""
    given = kit.given(exercise)
    places = [
        (module, node.name)
        for module, source in given.modules.items()
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    places += [(module, there) for _, module, there in given.names]
    found = [getattr(importlib.import_module(module), name) for module, name in places]
    for module in ("probe", "judge", "exercise", "registry"):
        found += vars(importlib.import_module(f"mmlearn.course.{module}")).values()
    own = [code for code in found if callable(code) and getattr(code, "__module__", "").startswith("mmlearn.")]
    return own + [v for code in own if isinstance(code, type) for v in vars(code).values() if inspect.isfunction(v)]


@pytest.mark.parametrize("lesson", LESSONS)
def test_solution_has_full_marks(lesson, walled):
    record = marked(walled, {}, lesson)
    assert full(record), [(mark.slug, mark.status, told(mark), mark.log) for mark in record.marks if mark.score < 1]


@pytest.mark.parametrize("lesson", LESSONS)
def test_partly_wrong_solution_has_the_score_of_the_check(lesson, walled):
    """In the sandbox and in a notebook's own check a mistake costs the same."""
    found = list(islice(partly_wrong(lesson), 2))
    assert len(found) == 2
    for exercise, source, score in found:
        chosen = replace(known(lesson), exercises=(exercise,))
        record = Marker(chosen, walled).mark(STUDENT, notebook({exercise.slug: source}, solution(lesson)))
        assert record.marks[0].status == "graded"
        assert math.isclose(record.marks[0].score, score, abs_tol=1e-9), (exercise.slug, source, told(record.marks[0]))


def partly_wrong(lesson: str):
    """Misconceptions whose source stands alone and that earn something: exercise, source and score."""
    for exercise in exercises(lesson):
        for misconception in exercise.misconceptions:
            try:
                definition = ast.parse(textwrap.dedent(inspect.getsource(misconception.code))).body[0]
                definition.decorator_list, definition.name = [], exercise.name
                source = ast.unparse(definition)
                space = {"math": math, "torch": torch, "nn": nn, "F": F, "Tensor": Tensor}
                names = kit.given(exercise).names
                space |= {name: getattr(importlib.import_module(module), there) for name, module, there in names}
                exec(source, space)
                score = exercise.grade(space[exercise.name], setting_seeds(exercise)).score
            except Exception:  # it needs more than itself
                continue
            if 0 < score < 1:
                yield exercise, source, score


# The bytes that come back.


def test_every_kind_of_tensor_costs_its_own_property_only():
    """Whatever one result is, the others arrive."""
    odd = [torch.zeros(2).to(dtype) for dtype in (torch.complex64, torch.complex128, torch.float8_e5m2, torch.uint16)]
    odd += [torch.zeros(2, 2).to_sparse(), torch.zeros(2, device="meta"), torch.nested.nested_tensor([torch.zeros(2)])]
    odd += [torch.zeros(1).expand(10**5, 10**5), torch.zeros(0, 2**31, 2**31), torch.ones(2, dtype=torch.cfloat).conj()]
    for value in odd:
        head, answers = wire.unpack(
            wire.pack({"state": "probed", "detail": "", "notes": []}, {1: {"a": value, "b": 1.5}})
        )
        assert head["state"] == "probed" and answers[1]["b"] == 1.5
        got = answers[1]["a"]
        assert isinstance(got, Foreign) or torch.equal(got, value.resolve_conj())


def test_no_damaged_answer_breaks_the_reader():
    """Flip and cut: the reader says ValueError or reads something; never anything else."""
    results = {1: {"a": torch.arange(6.0).reshape(2, 3), "b": "text", "c": Raised("E", "x")}, 2: {"a": torch.ones(2)}}
    whole = wire.pack({"state": "probed", "detail": "", "notes": []}, results)
    generator = torch.Generator().manual_seed(0)
    for _ in range(2000):
        content = bytearray(whole)
        for _ in range(int(torch.randint(1, 4, (), generator=generator))):
            place = int(torch.randint(0, len(content), (), generator=generator))
            content[place] = int(torch.randint(0, 256, (), generator=generator))
        cut = int(torch.randint(1, len(content) + 1, (), generator=generator)) if content[0] % 2 else len(content)
        try:
            wire.unpack(bytes(content[:cut]))
        except ValueError:
            continue


def test_red_team_has_every_kind():
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) and len(FORGED) > 20
    assert max(sum(slug in CLASSES for slug in book) for book in BOOKS) <= MOST
