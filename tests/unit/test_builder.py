"""The builder: what it makes of a master, byte for byte, and every mistake of an author that it refuses."""

import json
import shutil
from dataclasses import dataclass, replace

import jupytext
import nbformat
import pytest

from mmlearn.course.builder import BuildError, build_course, build_lesson
from mmlearn.course.builder.alt import output_without_alt
from mmlearn.course.builder.notebook import WRONG_PYTHON
from mmlearn.course.builder.stub import foreign_line, make_stub


@dataclass(frozen=True)
class Card:
    """The part of an exercise's registration that the builder reads."""

    slug: str
    name: str
    lesson: str = "01"
    title: str = "Add one"
    difficulty: int = 2
    minutes: int = 10
    points: int = 3
    hints: tuple = ("think",)
    needs: tuple = ()
    methods: tuple = ()


ADD = Card("toy.add", "add")
NET = Card("toy.net", "Net", needs=("toy.add",), points=1, methods=("forward", "__call__"))
CARDS = {card.slug: card for card in (ADD, NET)}

MASTER = '''\
# ---
# jupyter: {}
# ---

# %% [markdown]
# # A toy
#
# First words.

# %% tags=["setup"]
from mmlearn.course import check, show
from mmlearn.data import load

# %% [markdown]
# ## Adding
# What and why.

# %% exercise="toy.add"
def add(x):
    """Add one: x [N] gives [N]."""
    # think first
    ### BEGIN SOLUTION
    y = x + 1
    return y
    ### END SOLUTION


# %% check="toy.add"
# NBVAL_CHECK_OUTPUT
add = check("toy.add")

# %% [markdown]
# Now a class.

# %% exercise="toy.net"
class Net:
    """Takes x [N]."""

    def __init__(self, width):
        self.width = width

    def forward(self, x):
        """x [N] gives [N]."""
        ### BEGIN SOLUTION
        return add(x) * self.width
        ### END SOLUTION

    def __call__(self, x):
        ### BEGIN SOLUTION
        return self.forward(x)
        ### END SOLUTION


# %% check="toy.net"
Net = check("toy.net")

# %% [markdown]
# ## Looking

# %% id="look"
text = """
# %% no cell marker
"""
emoji = load("emoji")
show(emoji, alt=f"a picture of {text}")

# %%
# cat is no shell command here
x = 2
'''


def credit(name):
    if name != "emoji":
        raise KeyError(f"no data set {name}")
    return "drawn by many hands."


def course(folder, text=MASTER, name="01_toy.py"):
    """A course in a folder with one master."""
    for part in ("solutions", "lessons"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "solutions" / name).write_text(text, encoding="utf-8")
    return folder


def lesson(tmp_path, text=MASTER, cards=CARDS, name="01_toy.py"):
    return build_lesson(course(tmp_path, text, name) / "solutions" / name, cards, credit)


def build(folder, **how):
    return build_course(folder, CARDS, credit, **how)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.ipynb"))}


def cell(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


def executed(folder):
    """Give the solution notebook outputs, as if it had run, by the same stamp."""
    from mmlearn.course.builder.notebook import dumps, stamp

    path = folder / "solutions/01_toy.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for number, cell in enumerate([c for c in notebook.cells if c.cell_type == "code"], 1):
        cell.execution_count = number
        cell.outputs = [nbformat.v4.new_output("stream", text=f"output {number}\n")]
    stamp(notebook)
    path.write_bytes(dumps(notebook))
    return path


def outputs(folder):
    notebook = nbformat.read(folder / "solutions/01_toy.ipynb", as_version=4)
    return {c.id: c.outputs[0].text for c in notebook.cells if c.get("outputs")}


# What is built


def test_the_same_bytes_twice_and_in_another_folder(tmp_path):
    here, there = course(tmp_path / "here"), course(tmp_path / "some where" / "else")
    assert build(here) == 0 == build(there)
    first = files(here)
    assert sorted(first) == ["lessons/01_toy.ipynb", "solutions/01_toy.ipynb"]
    assert build(here) == 0
    assert files(here) == first == files(there)
    for content in first.values():
        assert content.endswith(b"\n}\n") and b"\r" not in content
        assert list(json.loads(content)) == sorted(json.loads(content))


def test_notebooks_are_valid_and_read_back_to_the_same_bytes(tmp_path):
    build(course(tmp_path))
    for path in tmp_path.rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
        assert notebook.metadata.kernelspec.name == "python3"
        assert (nbformat.writes(notebook) + "\n").encode() == path.read_bytes()


def test_a_learners_set_up_cell_says_what_a_missing_package_means(tmp_path):
    built = lesson(tmp_path)
    (first, *others) = [c.source for c in built.student.cells if c.cell_type == "code"]
    solved = next(c.source for c in built.solution.cells if c.cell_type == "code")
    assert first.split("\n", 1) == [WRONG_PYTHON, solved] and "mmlearn lab" in WRONG_PYTHON
    assert not any(WRONG_PYTHON in source for source in others)


def test_a_solution_holds_the_code_of_its_master_and_goes_back_to_it(tmp_path):
    solution = lesson(tmp_path).solution
    again = jupytext.reads(jupytext.writes(solution, fmt="py:percent"), fmt="py:percent")
    master = jupytext.reads(MASTER, fmt={"extension": ".py", "format_name": "percent", "comment_magics": False})
    code = [c.source for c in master.cells if c.cell_type == "code"]
    assert [c.source for c in solution.cells if c.cell_type == "code"] == code
    assert [c.source for c in again.cells] == [c.source for c in solution.cells]


def test_cell_ids_come_from_slugs_and_headings(tmp_path):
    built = lesson(tmp_path)
    expected = ["a-toy", "a-toy-code-1", "adding", "toy-add", "check-toy-add", "adding-text-1", "toy-net"]
    expected += ["check-toy-net", "looking", "look", "looking-code-1", "credits"]
    assert [c.id for c in built.student.cells] == [c.id for c in built.solution.cells] == expected


def test_a_long_heading_in_another_script_still_gives_a_valid_id(tmp_path):
    text = MASTER.replace("# ## Looking", f"# ## {'Very long ' * 20}").replace("# # A toy", "# # Игрушка")
    ids = [c.id for c in lesson(tmp_path, text).student.cells]
    assert ids[0] == "section" and len(ids[8]) <= 64


def test_a_stub_keeps_signature_and_docstring_and_raises_when_called(tmp_path):
    built = lesson(tmp_path)
    stub = cell(built.student, "toy-add").source
    assert stub.splitlines()[:3] == ["def add(x):", '    """Add one: x [N] gives [N]."""', "    # think first"]
    assert "y = x + 1" not in stub and "SOLUTION" not in stub
    namespace = {}
    exec(stub, namespace)
    with pytest.raises(NotImplementedError, match=r"toy\.add.*code for add$"):
        namespace["add"](1)


def test_a_class_may_have_several_regions(tmp_path):
    namespace = {}
    exec(cell(lesson(tmp_path).student, "toy-net").source, namespace)
    net = namespace["Net"](3)
    assert net.width == 3
    with pytest.raises(NotImplementedError, match=r"toy\.net.*Net\.forward"):
        net.forward(1)
    with pytest.raises(NotImplementedError, match=r"toy\.net.*Net\.__call__"):
        net(1)


def test_the_student_notebook_has_no_outputs_and_no_marks_for_nbval(tmp_path):
    folder = course(tmp_path)
    build(folder)
    executed(folder)
    build(folder)
    student = nbformat.read(folder / "lessons/01_toy.ipynb", as_version=4)
    assert not any(c.get("outputs") or c.get("execution_count") for c in student.cells)
    assert cell(student, "check-toy-add").source == 'add = check("toy.add")'
    assert "NBVAL_CHECK_OUTPUT" in cell(lesson(tmp_path).solution, "check-toy-add").source


def test_nbgrader_accepts_the_metadata_that_comes_from_the_registration(tmp_path):
    from nbgrader.nbgraderformat.v3 import MetadataValidatorV3

    for notebook in lesson(tmp_path)[1:]:
        MetadataValidatorV3().validate_nb(notebook)
        graded = {c.id: c.metadata.nbgrader for c in notebook.cells if "nbgrader" in c.metadata}
        assert list(graded) == ["toy-add", "check-toy-add", "toy-net", "check-toy-net"]
        assert graded["check-toy-net"].points == 1 and graded["check-toy-add"].points == 3
        for name, meta in graded.items():
            check = name.startswith("check-")
            assert (meta.grade_id, meta.grade, meta.locked, meta.solution) == (name, check, check, not check)


def test_a_folder_without_masters_is_not_a_success(tmp_path, capsys):
    assert build_course(tmp_path, {}, lambda name: name, check=True) == 1
    assert "holds no master" in capsys.readouterr().out


def test_only_a_learners_cell_may_raise_without_stopping_the_cells_below(tmp_path):
    built = lesson(tmp_path)
    tagged = [[c.id for c in n.cells if "raises-exception" in c.metadata.get("tags", ())] for n in built[1:]]
    assert tagged == [["toy-add", "toy-net"], []]


def test_an_exercise_is_announced_from_its_registration(tmp_path):
    student = lesson(tmp_path).student
    lines = cell(student, "adding").source.split("\n")
    assert lines[0] == "## Adding" and lines[-1] == "What and why."
    assert lines[2] == "**Exercise `toy.add`: Add one** · difficulty ●●○○○ · about 10 minutes · 3 points"
    assert cell(student, "adding-text-1").source.startswith("**Exercise `toy.net`")
    assert "· 1 point · builds on `toy.add`\n" in cell(student, "adding-text-1").source


@pytest.mark.parametrize(
    ("imports", "call"),
    [
        ("from mmlearn.data import load as read", "read"),
        ("from mmlearn import data", "data.load"),
        ("import mmlearn.data", "mmlearn.data.load"),
        ("import mmlearn.data as sets", "sets.load"),
    ],
)
def test_the_data_sets_that_a_lesson_loads_are_credited(tmp_path, imports, call):
    text = MASTER.replace("from mmlearn.data import load", imports).replace("load(", f"{call}(")
    footer = lesson(tmp_path, text).student.cells[-1]
    assert footer.id == "credits" and "`emoji`: drawn by many hands." in footer.source


def test_no_credits_for_a_lesson_that_loads_something_else(tmp_path):
    text = MASTER.replace("from mmlearn.data import load", "from torch import load")
    assert lesson(tmp_path, text).student.cells[-1].id == "looking-code-1"


# Outputs


def test_outputs_stay_where_the_source_is_the_same(tmp_path, capsys):
    folder = course(tmp_path)
    build(folder)
    executed(folder)
    before, kept = files(folder), outputs(folder)
    assert len(kept) == 7
    build(folder)
    assert files(folder) == before
    # Text changes and a cell is renamed by its heading: no output is lost, and the stamp holds.
    course(tmp_path, MASTER.replace("# ## Looking", "# ## Looking closely\n#\n# at it."))
    build(folder)
    kept["looking-closely-code-1"] = kept.pop("looking-code-1")
    assert outputs(folder) == kept
    assert build(folder, check=True) == 0


def test_outputs_of_a_changed_cell_go_and_the_notebook_is_stale_even_when_it_changes_back(tmp_path, capsys):
    folder = course(tmp_path)
    build(folder)
    executed(folder)
    kept = outputs(folder)
    course(tmp_path, MASTER.replace("y = x + 1", "y = 1 + x"))
    build(folder)
    assert outputs(folder) == {k: v for k, v in kept.items() if k != "toy-add"}
    for text in (MASTER.replace("y = x + 1", "y = 1 + x"), MASTER):
        course(tmp_path, text)
        build(folder)
        capsys.readouterr()
        assert build(folder, check=True) == 1
        assert "solutions/01_toy.ipynb: its outputs are missing: mmlearn build --execute 01" in capsys.readouterr().out


# --check


def test_check_accepts_what_was_built_and_run_and_never_compares_outputs(tmp_path, capsys):
    folder = course(tmp_path)
    build(folder)
    path = executed(folder)
    assert build(folder, check=True) == 0
    path.write_text(path.read_text().replace("output 3", "another output"))
    before = files(folder)
    assert build(folder, check=True) == 0
    assert files(folder) == before


def _edit_stub(folder):
    path = folder / "lessons/01_toy.ipynb"
    path.write_text(path.read_text().replace('"    # think first\\n"', '"    # think first\\n", "    z = 1\\n"'))


def _edit_text(folder):
    path = folder / "solutions/01_toy.ipynb"
    path.write_text(path.read_text().replace("First words", "Other words"))


def _forge_stamp(folder):
    path = folder / "solutions/01_toy.ipynb"
    path.write_text(path.read_text().replace("sha256:", "sha256:0"))


def _save_in_another_layout(folder):
    path = folder / "lessons/01_toy.ipynb"
    path.write_text(json.dumps(json.loads(path.read_text())))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_edit_stub, "cell toy-add, line 4: a line of stub that is not in the master: z = 1"),
        (_edit_text, "solutions/01_toy.ipynb: cell a-toy, line 3 is not what its master gives"),
        (_forge_stamp, "its outputs were made by other code: mmlearn build --execute 01"),
        (_save_in_another_layout, "lessons/01_toy.ipynb: its metadata or layout"),
        (lambda folder: (folder / "lessons/01_toy.ipynb").unlink(), "lessons/01_toy.ipynb is missing"),
        (lambda folder: shutil.copy(folder / "lessons/01_toy.ipynb", folder / "lessons/09_old.ipynb"), "has no master"),
        (lambda folder: (folder / "lessons/01_toy.ipynb").write_text("<<<<<<< HEAD"), "01_toy.ipynb:1: not a notebook"),
    ],
)
def test_check_names_what_differs_and_writes_nothing(tmp_path, capsys, spoil, message):
    folder = course(tmp_path)
    build(folder)
    executed(folder)
    spoil(folder)
    before = files(folder)
    capsys.readouterr()
    assert build(folder, check=True) == 1
    printed = capsys.readouterr().out.strip()
    assert message in printed and len(printed.splitlines()) == 1
    assert files(folder) == before


def test_lessons_are_chosen_by_number(tmp_path, capsys):
    folder = course(tmp_path)
    course(folder, "# %%\nx = 1\n", "02_more.py")
    assert build(folder, numbers=["2"]) == 0
    assert sorted(files(folder)) == ["lessons/02_more.ipynb", "solutions/02_more.ipynb"]
    assert build(folder, numbers=["7"]) == 1
    assert "no lesson 07: there are 01, 02" in capsys.readouterr().out


def test_a_bad_lesson_does_not_stop_a_good_one(tmp_path, capsys):
    folder = course(tmp_path)
    course(folder, "# %%\nx = (\n", "02_more.py")
    assert build(folder) == 1
    assert "solutions/02_more.py:2: the cell does not parse" in capsys.readouterr().out
    assert (folder / "lessons/01_toy.ipynb").exists() and not (folder / "lessons/02_more.ipynb").exists()


def test_two_masters_with_one_number_are_refused(tmp_path, capsys):
    folder = course(tmp_path)
    course(folder, MASTER, "01_twin.py")
    assert build(folder) == 1
    assert "solutions/01_twin.py:1: a second master for lesson 01, beside 01_toy.py" in capsys.readouterr().out


def test_to_check_and_to_execute_exclude_each_other(tmp_path):
    with pytest.raises(ValueError, match="writes nothing"):
        build(course(tmp_path), check=True, execute=True)


# Mistakes: what is changed in the master, the line that is named, what is said


def edit(*pairs):
    text = MASTER
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


REGION = "    ### BEGIN SOLUTION\n    y = x + 1\n    return y\n    ### END SOLUTION\n"
DOC = '    """Add one: x [N] gives [N]."""\n    # think first\n'
ADD_CELL = MASTER[MASTER.index("def add") : MASTER.index('# %% check="toy.add"')]
CHECK = '# %% check="toy.add"\n# NBVAL_CHECK_OUTPUT\nadd = check("toy.add")\n'
ADDING, NOW = "# %% [markdown]\n# ## Adding", "# %% [markdown]\n# Now"
SECOND_REGION = "def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION"

MISTAKES = {
    "unknown slug": (
        [('exercise="toy.add"', 'exercise="toy.sum"')],
        18,
        "toy.sum is not registered: known are toy.add",
    ),
    "unknown check": ([('check="toy.add"', 'check="toy.sum"')], 28, "toy.sum is not registered: known are toy.add"),
    "no check": ([(CHECK, "")], 18, "exercise toy.add without a check cell"),
    "check first": ([(CHECK, ""), (ADDING, CHECK + ADDING)], 14, "the check of toy.add comes before its exercise"),
    "only a check": ([('# %% exercise="toy.add"', "# %%")], 28, "toy.add comes before its exercise, or has none"),
    "foreign check": (
        [("add = check(", 'add = check("toy.net") # (')],
        28,
        'the line add = check("toy.add") and no other',
    ),
    "check not taken back": ([("add = check(", "check(")], 28, 'the line add = check("toy.add") and no other'),
    "region elsewhere": ([("x = 2", SECOND_REGION)], 70, 'a solution region outside an exercise="..." cell'),
    "region never ends": ([("    return y\n    ### END SOLUTION", "    return y")], 22, "begins and never ends"),
    "region never began": (
        [("    ### BEGIN SOLUTION\n    y =", "    y =")],
        24,
        "a solution region ends that never began",
    ),
    "nested regions": ([("    return y", "    ### BEGIN SOLUTION\n    return y")], 24, "begins inside another one"),
    "misspelt marker": ([("# think first", "# begin solution")], 21, "a marker is `### BEGIN SOLUTION` or"),
    "no region": ([(REGION, "    return x + 1\n")], 18, "exercise toy.add without a solution region"),
    "empty region": ([("    y = x + 1\n    return y\n", "    # nothing\n")], 22, "a solution region without code"),
    "ragged region": ([(REGION, REGION.replace("    ###", "###"))], 22, "indented like the first line between them"),
    "region outside a function": (
        [(REGION, f"    return x\n\n\n{REGION.replace('    ', '')}".replace("return y", "z = 1"))],
        25,
        "a solution region outside a function",
    ),
    "region in __init__": (
        [
            (
                "        self.width = width",
                "        ### BEGIN SOLUTION\n        self.width = width\n        ### END SOLUTION",
            )
        ],
        40,
        "a solution region in __init__",
    ),
    "region in a helper": (
        [(ADD_CELL, f"def add(x):\n    'Doc.'\n    return help()\n\n\n{SECOND_REGION}\n")],
        18,
        "without a solution region in add",
    ),
    "method given away": (
        [("        ### BEGIN SOLUTION\n        return self.forward(x)\n        ### END SOLUTION\n", "        pass\n")],
        35,
        "exercise toy.net without a solution region in Net.__call__",
    ),
    "signature in the region": (
        [(DOC, ""), ("def add(x):", "def add(\n    x,"), (REGION, REGION.replace("y = x + 1", "y=1):"))],
        21,
        "without its solution the cell does not parse",
    ),
    "half a statement": (
        [
            (
                REGION,
                "    ### BEGIN SOLUTION\n    try:\n        y = 1\n    ### END SOLUTION\n    finally:\n        pass\n",
            )
        ],
        22,
        "without its solution the cell does not parse",
    ),
    "second exercise": ([(NOW, f'# %% exercise="toy.add"\n{ADD_CELL}{NOW}')], 32, "a second exercise cell for toy.add"),
    "second check": ([(NOW, CHECK + NOW)], 32, "a second check cell for toy.add"),
    "taken id": ([('id="look"', 'id="adding"')], 60, "cell id adding is taken by line 14"),
    "two headings alike": ([("# ## Looking", "# ## Adding!")], 57, "cell id adding is taken by line 14"),
    "slug taken by a heading": ([("# # A toy", "# # Toy add")], 18, "cell id toy-add is taken by line 5"),
    "id of an exercise": (
        [('exercise="toy.add"', 'exercise="toy.add" id="a"')],
        18,
        "comes from its slug: take id out",
    ),
    "invalid id": ([('id="look"', 'id="look here"')], 60, "an id has 1 to 64 of"),
    "absent exercise": (
        [(MASTER[MASTER.index(NOW) : MASTER.index("# %% [markdown]\n# ## Look")], "")],
        1,
        "toy.net is registered for this lesson and not in it",
    ),
    "no text": ([("# %% [markdown]\n# Now a class.\n", "")], 33, "exercise toy.net without text"),
    "show without alt": ([(', alt=f"a picture of {text}"', "")], 65, "show(...) without alt text"),
    "blank alt": ([('alt=f"a picture of {text}"', 'alt=" "')], 65, "show(...) without alt text"),
    "alt in a variable": ([('alt=f"a picture of {text}"', "alt=text")], 65, "alt text in a variable"),
    "plt.show": ([("x = 2", "plt.show()")], 69, "plt.show(...) without alt text: write show("),
    "explore without alt": ([("x = 2", "explore(draw, n=[1])")], 69, "explore(...) without alt text"),
    "markdown picture": ([("# First words.", "# ![ ](a.png)")], 8, "a picture without alt text: ![what"),
    "html picture": ([("# First words.", "# <img src='a'>")], 8, 'a picture without alt text: <img alt="what'),
    "other name": ([("def add(x):", "def plus(x):")], 18, "exercise toy.add must define add"),
    "name in the region": (
        [(ADD_CELL, "def other():\n    ### BEGIN SOLUTION\n    def add(x):\n        pass\n    ### END SOLUTION\n")],
        18,
        "exercise toy.add must define add, outside its solution regions",
    ),
    "no docstring": ([(DOC, "")], 19, "add without a docstring"),
    "docstring in the region": (
        [(DOC, ""), ("    y = x + 1", '    """Doc."""\n    y = x + 1')],
        19,
        "add without a docstring",
    ),
    "code that does not parse": ([("x = 2", "x = = 2")], 69, "the cell does not parse: invalid syntax"),
    "magic": ([("x = 2", "%matplotlib inline")], 69, "the cell does not parse: invalid syntax"),
    "computed data set": ([('load("emoji")', "load(text)")], 64, "name the data set in the call"),
    "unknown data set": ([('load("emoji")', 'load("faces")')], 64, "no credit for data set 'faces'"),
    "own credits": ([("# ## Looking", "# ## Credits")], 57, "the credits are written by the builder"),
    "unknown key": ([('id="look"', 'name="look"')], 60, "cell marker with name: it may hold check, exercise, id, tags"),
    "title in the marker": ([('id="look"', "look")], 60, "cell marker with title"),
    "exercise and check": ([('exercise="toy.add"', 'exercise="toy.add" check="toy.add"')], 18, "not both"),
    "exercise in markdown": ([(NOW, NOW.replace("]", '] check="toy.add"'))], 32, "exercise and check cells hold code"),
    "raw cell": ([(NOW, NOW.replace("markdown", "raw"))], 32, "a raw cell"),
    "quoted markdown": ([("# Now a class.", '"""\nNow a class.\n"""')], 32, "markdown in quotes"),
    "empty cell": ([("# cat is no shell command here\nx = 2\n", "")], 67, "an empty cell"),
    "text before the cells": ([("# ---\n\n# %%", "# ---\nx = 1\n# %%")], 4, "text outside a cell"),
    "endless header": ([("# jupyter: {}\n# ---\n", "")], 1, "a header that does not end"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_line(tmp_path, mistake):
    edits, line, message = MISTAKES[mistake]
    with pytest.raises(BuildError) as refused:
        lesson(tmp_path, edit(*edits))
    named = [text for text in str(refused.value).split("\n") if text.startswith(f"solutions/01_toy.py:{line}: ")]
    assert any(message in text for text in named), str(refused.value)


REGISTRATIONS = {
    "no title": (replace(ADD, title=""), "toy.add is registered without title"),
    "no difficulty": (replace(ADD, difficulty=None), "toy.add is registered without difficulty"),
    "difficulty of six": (replace(ADD, difficulty=6), "toy.add is registered without difficulty, 1 to 5"),
    "no minutes": (replace(ADD, minutes=0), "toy.add is registered without minutes"),
    "no points": (replace(ADD, points=0), "toy.add is registered without points"),
    "no hints": (replace(ADD, hints=()), "toy.add is registered without hints"),
    "an empty hint": (replace(ADD, hints=("think", "")), "toy.add is registered without hints"),
    "hints in one text": (replace(ADD, hints="think"), "toy.add is registered without hints"),
    "unknown need": (replace(ADD, needs=("toy.nil",)), "toy.add needs toy.nil, which is not registered"),
    "need later in the lesson": (replace(ADD, needs=("toy.net",)), "toy.add needs toy.net, which comes later"),
    "need of itself": (replace(ADD, needs=("toy.add",)), "toy.add needs toy.add, which comes later"),
    "need in a later lesson": (replace(ADD, needs=("far.off",)), "toy.add needs far.off, which comes later"),
    "slug of another lesson": (replace(ADD, lesson="02"), "toy.add belongs to lesson 02: a slug is used once"),
}


@pytest.mark.parametrize("what", REGISTRATIONS)
def test_a_bad_registration_is_refused_at_its_exercise(tmp_path, what):
    card, message = REGISTRATIONS[what]
    others = {"far.off": Card("far.off", "off", lesson="02")}
    with pytest.raises(BuildError, match=f"01_toy.py:18: {message}"):
        lesson(tmp_path, cards={**CARDS, **others, "toy.add": card})


def test_a_need_of_an_earlier_lesson_is_right(tmp_path):
    cards = {**CARDS, "old.one": Card("old.one", "one", lesson="00"), "toy.add": replace(ADD, needs=("old.one",))}
    assert lesson(tmp_path, cards=cards)


@pytest.mark.parametrize("name", ["toy.py", "1_toy.py", "01-toy.py", "01_Toy.py"])
def test_a_master_is_named_by_number_and_name(tmp_path, name):
    with pytest.raises(BuildError, match=f"solutions/{name}:1: a master is named NN_name.py"):
        lesson(tmp_path, name=name)


def test_all_mistakes_of_a_lesson_are_told_at_once(tmp_path):
    with pytest.raises(BuildError) as refused:
        lesson(tmp_path, edit(("def add(x):", "def plus(x):"), ("x = 2", "plt.show()")))
    assert [problem.line for problem in refused.value.problems] == [18, 69]


def test_a_line_of_stub_comes_from_the_master_in_its_order():
    source = f"def add(x, y):\n{DOC}{REGION}"
    stub = make_stub(source, "toy.add")
    assert foreign_line(stub, source, "toy.add") is None
    assert foreign_line(stub.replace("(x, y)", "(y, x)"), source, "toy.add") == (1, "def add(y, x):")
    assert foreign_line(stub + "\n    return y", source, "toy.add") == (6, "    return y")
    first, doc, *rest = stub.split("\n")
    assert foreign_line("\n".join([doc, first, *rest]), source, "toy.add") == (2, first)


def test_the_alt_text_of_an_output_is_found_in_its_metadata_or_its_html():
    png = {"data": {"image/png": "abc"}, "metadata": {"image/png": {"alt": "a dot"}}}
    assert not output_without_alt(png)
    assert output_without_alt(png | {"metadata": {}})
    assert output_without_alt(png | {"metadata": {"image/png": {"alt": " "}}})
    assert not output_without_alt({"data": {"text/html": "<p><img src='a' alt='a dot'></p>"}})
    assert output_without_alt({"data": {"text/html": "<p><img src='a' alt=''></p>"}})
    assert not output_without_alt({"output_type": "stream", "text": "<img>"})


def test_a_cell_that_is_folded_hides_its_code_until_it_is_opened(tmp_path):
    path = tmp_path / "01_toy.py"
    path.write_text('# %% [markdown]\n# # A toy\n\n# %% tags=["fold"]\nx = 1\n\n# %%\ny = 2\n')
    _, folded, open_ = build_lesson(path, {}, str).student.cells
    assert folded.metadata["jupyter"] == {"source_hidden": True}
    assert "jupyter" not in open_.metadata


def test_blank_lines_at_the_top_of_a_cell_are_left_out_and_counted(tmp_path):
    """A formatter wants them before a `def`; a learner would see an empty gap."""
    path = tmp_path / "01_toy.py"
    path.write_text('# %% [markdown]\n# # A toy\n\n# %% id="helper"\n\n\ndef helper():\n    return 1\n')
    cell = build_lesson(path, {}, str).student.cells[1]
    assert cell.source.startswith("def helper")
    path.write_text('# %% [markdown]\n# # A toy\n\n# %% id="helper"\n\n\ndef helper(:\n    return 1\n')
    with pytest.raises(BuildError, match=r"01_toy\.py:7: .*does not parse"):
        build_lesson(path, {}, str)
