"""The learner's cells: found wherever they are, and nothing else of a stranger's notebook comes along."""

import json

import pytest

from mmlearn.course.grader.cells import MAX_SOURCE, Unreadable, pick, read_notebook, rebuild, written_answers
from mmlearn.course.registry import exercises
from mmlearn.paths import root

PATCHIFY, PROJECTION = "vit.patchify", "vit.projection"
SOLUTION = "def patchify(images_BCYX, patch_size):\n    return images_BCYX.flatten(2)\n"
OTHER = "def patchify(images_BCYX, patch_size):\n    return images_BCYX\n"


@pytest.fixture(scope="module")
def lesson():
    return json.loads((root() / "lessons" / "01_vit.ipynb").read_text(encoding="utf-8"))


@pytest.fixture
def master(lesson):
    return json.loads(json.dumps(lesson))


def code(source, id="x", **metadata):
    return {"cell_type": "code", "id": id, "metadata": metadata, "source": source, "outputs": []}


def markdown(source, id="x", **metadata):
    return {"cell_type": "markdown", "id": id, "metadata": metadata, "source": source}


def dumped(*cells, **fields):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **fields}).encode()


def picked(master, *cells):
    return pick(read_notebook(dumped(*cells)), exercises("01"), master)


def stub(master, slug=PATCHIFY):
    return "".join(cell(master, slug.replace(".", "-"))["source"])


def cell(notebook, id):
    return next(cell for cell in notebook["cells"] if cell["id"] == id)


# Reading.

UNREADABLE = {
    "empty": (b"", "empty"),
    "blank": (b" \n\t\n", "empty"),
    "only a mark of the byte order": (b"\xef\xbb\xbf", "empty"),
    "UTF-16": ('{"nbformat": 4}'.encode("utf-16"), "not UTF-8"),
    "Windows-1251": ('{"a": "Иванов"}'.encode("cp1251"), "not UTF-8"),
    "a zip": (b"PK\x03\x04rest", "a zip"),
    "text": (b"print(1)", "not JSON"),
    "cut off": (dumped(code("x = 1"))[:-20], "not JSON"),
    "deep lists": (b"[" * 100_000 + b"]" * 100_000, "nested more deeply"),
    "deep objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested more deeply"),
    "a huge number": (b'{"nbformat": ' + b"9" * 5000 + b"}", "thousands of digits"),
    "too many parts": (b"[" + b"[]," * 1_000_001 + b"[]]", "clear its outputs"),
    "a list": (b"[1, 2]", "not a notebook"),
    "null": (b"null", "not a notebook"),
    "no format": (b'{"cells": []}', "does not say which notebook format"),
    "format 3": (b'{"nbformat": 3, "worksheets": []}', "format 3"),
    "format 5": (b'{"nbformat": 5, "cells": []}', "format 5"),
    "a true format": (b'{"nbformat": true, "cells": []}', "format True"),
    "a format in words": (b'{"nbformat": "four", "cells": []}', "format unknown"),
    "no cells": (b'{"nbformat": 4}', "no list of cells"),
    "cells as an object": (b'{"nbformat": 4, "cells": {}}', "no list of cells"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_no_notebook_is_refused_in_one_sentence(case):
    content, sentence = UNREADABLE[case]
    with pytest.raises(Unreadable, match=sentence) as refused:
        read_notebook(content)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 200


@pytest.mark.parametrize("case", ["format 3", "format 5", "no format", "no cells", "Windows-1251"])
def test_a_notebook_of_another_format_is_told_how_to_mend_itself(case):
    with pytest.raises(Unreadable, match="open it in JupyterLab and save it again"):
        read_notebook(UNREADABLE[case][0])


@pytest.mark.parametrize("minor", [0, 2, 4, 5, 6, "five", None])
def test_every_minor_version_is_read(minor, master):
    notebook = read_notebook(dumped(code(SOLUTION, "vit-patchify"), nbformat_minor=minor))
    assert pick(notebook, exercises("01"), master)[PATCHIFY].source == SOLUTION


def test_a_byte_order_mark_and_foreign_line_ends_are_read(master):
    content = b"\xef\xbb\xbf" + dumped(code(SOLUTION.replace("\n", "\r\n"), "vit-patchify"))
    assert pick(read_notebook(content), exercises("01"), master)[PATCHIFY].source == SOLUTION


def test_a_source_may_be_a_list_of_lines(master):
    assert picked(master, code(SOLUTION.splitlines(True), "vit-patchify"))[PATCHIFY].source == SOLUTION


def test_missing_ids_metadata_and_sources_are_read(master):
    notebook = read_notebook(dumped({"cell_type": "code", "source": SOLUTION}, {"cell_type": "code"}, {}))
    assert pick(notebook, exercises("01"), master)[PATCHIFY].source == SOLUTION
    assert notebook["notes"] == []


@pytest.mark.parametrize("field", ["id", "metadata", "cell_type"])
@pytest.mark.parametrize("value", [None, 5, [], {}, {"nbgrader": 5}, {"nbgrader": {"grade_id": []}}])
def test_fields_of_another_type_break_nothing(field, value, master):
    chosen = picked(master, {**code(OTHER, "other"), field: value}, code(SOLUTION, "vit-patchify"))
    assert chosen[PATCHIFY].source == SOLUTION


@pytest.mark.parametrize("damage", [5, None, "text", [], {"cell_type": "code", "source": 5}])
def test_a_damaged_cell_is_left_out_and_noted(damage, master):
    notebook = read_notebook(dumped(code("x = 1"), damage, code(SOLUTION, "vit-patchify")))
    assert notebook["notes"] == ["Cell 2 is damaged, and was left out."]
    assert pick(notebook, exercises("01"), master)[PATCHIFY].source == SOLUTION


def test_a_list_with_something_else_than_text_is_no_source():
    assert read_notebook(dumped(code(["x = 1\n", 5])))["notes"] == ["Cell 1 is damaged, and was left out."]


def test_many_damaged_cells_make_few_notes():
    notes = read_notebook(dumped(*[5] * 1000))["notes"]
    assert len(notes) == 6 and notes[-1] == "995 more cells are like that."


def test_a_cell_that_is_too_long_is_not_graded_and_says_so(master):
    long = SOLUTION + "#" * MAX_SOURCE
    notebook = read_notebook(dumped(code(long, "vit-patchify")))
    assert notebook["notes"] == ["Cell 1 holds more than 200 000 characters, and was left out."]
    chosen = pick(notebook, exercises("01"), master)[PATCHIFY]
    assert (chosen.source, chosen.written) == ("", False)
    assert chosen.problem == "the cell of `patchify` holds more than 200 000 characters"


def test_half_a_character_does_not_break_what_is_written_later(master):
    content = dumped(code(SOLUTION + 's = "SURROGATE"', "vit-patchify")).replace(b"SURROGATE", b"\\ud800")
    source = pick(read_notebook(content), exercises("01"), master)[PATCHIFY].source
    assert source.encode() and "\ufffd" in source


# Picking.


def test_every_exercise_has_its_own_cell(master):
    notebook = read_notebook(json.dumps(master).encode())
    chosen = pick(notebook, exercises("01"), master)
    assert list(chosen) == [exercise.slug for exercise in exercises("01")]
    for slug, cell in chosen.items():
        assert cell.source == stub(master, slug)
        assert (cell.notes, cell.problem, cell.written) == ((), "", False)


def test_a_written_cell_in_its_place_needs_no_note(master):
    chosen = picked(master, code(SOLUTION, "vit-patchify"))[PATCHIFY]
    assert (chosen.source, chosen.notes, chosen.problem, chosen.written) == (SOLUTION, (), "", True)


def test_the_order_of_the_cells_does_not_matter(master):
    cell(master, "vit-patchify")["source"] = SOLUTION
    shuffled = {**master, "cells": master["cells"][::-1]}
    chosen = pick(read_notebook(json.dumps(shuffled).encode()), exercises("01"), master)
    assert chosen[PATCHIFY].source == SOLUTION
    assert all(not cell.notes and not cell.problem for cell in chosen.values())


@pytest.mark.parametrize(
    "found",
    [
        code(SOLUTION, "a", nbgrader={"grade_id": "vit-patchify"}),
        code(SOLUTION, "a"),
        code(SOLUTION, None),
        code("class patchify:\n    pass", "a"),
        code("patchify = lambda images, size: images", "a"),
        code("patchify: object = lambda images, size: images", "a"),
        code("# my own\nimport torch\n\n" + SOLUTION, "a"),
    ],
)
def test_a_cell_under_another_id_is_found(found, master):
    chosen = picked(master, code("x = 1", "y"), found)[PATCHIFY]
    assert chosen.source == found["source"]
    assert chosen.notes == ("Your cell `vit-patchify` was found under another id.",)
    assert chosen.written and not chosen.problem


@pytest.mark.parametrize(
    "source",
    [
        "    def patchify(x):\n        return x",
        "def patchify_2(x): return x",
        "x = patchify(1)",
        "patchify == 5",
        'patchify = check("vit.patchify")',
        "#def patchify(x): return x",
    ],
)
def test_what_does_not_define_the_name_is_not_taken(source, master):
    chosen = picked(master, code(source))[PATCHIFY]
    assert (chosen.source, chosen.written) == ("", False)
    assert chosen.problem == "no cell of `patchify` was found: none has the id `vit-patchify` or defines that name"


def test_a_cell_that_the_lesson_gave_is_no_solution(master):
    master["cells"].append(code("patchify = course.patchify", "given"))
    assert picked(master, code("patchify = course.patchify", "renamed"))[PATCHIFY].problem


def test_a_written_copy_is_taken_for_an_unwritten_cell(master):
    chosen = picked(master, code(stub(master), "vit-patchify"), code(SOLUTION, "copy"))[PATCHIFY]
    assert chosen.source == SOLUTION
    note = "The cell `vit-patchify` is not written: another one that defines `patchify` was graded."
    assert chosen.notes == (note,)


@pytest.mark.parametrize("rest", ["", "\n\n# shape?\n", "\n\nprint(patchify(images, 8))"])
def test_a_stub_with_notes_and_calls_around_it_is_unwritten(rest, master):
    chosen = picked(master, code(stub(master) + rest, "vit-patchify"), code(SOLUTION, "copy"))[PATCHIFY]
    assert chosen.source == SOLUTION


def test_a_solution_below_the_stub_in_the_same_cell_counts(master):
    both = stub(master) + "\n\n" + SOLUTION
    chosen = picked(master, code(both, "vit-patchify"))[PATCHIFY]
    assert (chosen.source, chosen.written) == (both, True)


def test_code_before_the_line_to_replace_counts_as_written(master):
    edited = stub(master).replace("    raise Not", "    return images_BCYX\n    raise Not")
    chosen = picked(master, code(edited, "vit-patchify"))[PATCHIFY]
    assert (chosen.source, chosen.notes, chosen.written) == (edited, (), True)


def test_a_whole_copy_goes_before_a_cell_with_every_line_to_replace(master):
    edited = stub(master).replace("    raise Not", "    print(images_BCYX)\n    raise Not")
    chosen = picked(master, code(edited, "vit-patchify"), code(SOLUTION, "copy"))[PATCHIFY]
    assert chosen.source == SOLUTION
    assert "still holds every line to replace" in chosen.notes[0]


def test_half_a_class_counts_as_written(master):
    half = stub(master, PROJECTION).replace(
        'raise NotImplementedError("vit.projection: replace this line', "return 1#", 1
    )
    full = "class PatchProjection(nn.Module):\n    pass"
    chosen = picked(master, code(half, "vit-projection"), code(full, "copy"))[PROJECTION]
    assert chosen.source == half
    assert chosen.notes == ("Two cells hold `PatchProjection`: the one in its own place was graded.",)


def test_an_empty_cell_is_unwritten(master):
    chosen = picked(master, code("\n# later\n", "vit-patchify"))[PATCHIFY]
    assert (chosen.source, chosen.problem) == ("", "the cell of `patchify` is empty")
    assert picked(master, code("", "vit-patchify"), code(SOLUTION, "b"))[PATCHIFY].source == SOLUTION


def test_of_two_written_cells_the_one_in_its_place_is_graded(master):
    chosen = picked(master, code(OTHER, "scratch"), code(SOLUTION, "vit-patchify"), code(OTHER, "copy"))[PATCHIFY]
    assert chosen.source == SOLUTION
    assert chosen.notes == ("Two cells hold `patchify`: the one in its own place was graded.",)


def test_an_equal_copy_needs_no_note(master):
    assert picked(master, code(SOLUTION, "vit-patchify"), code(SOLUTION, "copy"))[PATCHIFY].notes == ()


def test_of_two_copies_the_last_is_graded_as_a_run_would_have_it(master):
    chosen = picked(master, code(OTHER, "a"), code(SOLUTION, "b"))[PATCHIFY]
    assert chosen.source == SOLUTION
    assert chosen.notes[1:] == ("Two cells hold `patchify`: the last was graded.",)


def test_of_two_cells_with_one_id_the_first_is_in_its_place(master):
    chosen = picked(master, code(SOLUTION, "vit-patchify"), code(OTHER, "vit-patchify"))[PATCHIFY]
    assert chosen.source == SOLUTION and len(chosen.notes) == 1
    chosen = picked(master, code(stub(master), "vit-patchify"), code(OTHER, "vit-patchify"))[PATCHIFY]
    assert chosen.source == OTHER and len(chosen.notes) == 1


@pytest.mark.parametrize(("kind", "word"), [("markdown", "Markdown"), ("raw", "raw"), ("heading", "damaged")])
def test_a_cell_of_another_type_is_a_problem_until_a_copy_is_found(kind, word, master):
    turned = {**code(SOLUTION, "vit-patchify"), "cell_type": kind}
    chosen = picked(master, turned)[PATCHIFY]
    assert chosen.problem == f"the cell of `patchify` is a {word} cell: change its type to Code"
    assert (chosen.source, chosen.written) == ("", False)
    chosen = picked(master, turned, code(OTHER, "copy"))[PATCHIFY]
    assert chosen.source == OTHER and f"is a {word} cell" in chosen.notes[0]


def test_merged_cells_serve_both_exercises(master):
    merged = SOLUTION + "\nclass PatchProjection(nn.Module):\n    pass\n"
    chosen = picked(master, code(merged, "vit-patchify"))
    assert chosen[PATCHIFY].source == chosen[PROJECTION].source == merged
    assert (chosen[PATCHIFY].notes, chosen[PROJECTION].problem) == ((), "")


def test_merged_stubs_are_unwritten_each_for_itself(master):
    chosen = picked(master, code(SOLUTION + "\n" + stub(master, PROJECTION), "vit-patchify"))
    assert chosen[PATCHIFY].written and not chosen[PROJECTION].written


def test_a_cell_that_defines_something_else_is_graded_where_nothing_is_better(master):
    chosen = picked(master, code("patch = 1", "vit-patchify"))[PATCHIFY]
    assert (chosen.source, chosen.problem, chosen.notes) == ("patch = 1", "", ())
    chosen = picked(master, code("patch = 1", "vit-patchify"), code(SOLUTION, "b"))[PATCHIFY]
    assert chosen.source == SOLUTION and "does not define that name" in chosen.notes[0]


def test_hostile_code_is_only_text(master):
    deep = SOLUTION + "x = " + "(" * 50_000 + ")" * 50_000
    assert picked(master, code(deep, "vit-patchify"))[PATCHIFY].source == deep
    slow = "patchify:" + " " * 190_000
    assert picked(master, code(slow, "a"))[PATCHIFY].problem


# Answers, and the notebook rebuilt.


def test_written_answers_are_found_by_either_id():
    notebook = read_notebook(
        dumped(
            markdown("", "vit-why", nbgrader={"grade_id": "vit-why"}),
            markdown("Because.", "a", nbgrader={"grade_id": "vit-why"}),
            {**markdown("So.", "vit-how"), "cell_type": "raw"},
        )
    )
    answers = written_answers(notebook, ["vit.why", "vit.how", "vit.when"])
    assert answers == {"vit.why": "Because.", "vit.how": "So.", "vit.when": ""}


def test_a_rebuilt_notebook_is_the_lesson_with_the_learners_code_in_it(master):
    master["cells"].append(markdown(["Write here."], "vit-why"))
    before = json.dumps(master)
    hostile = code(SOLUTION, "vit-patchify", tags=["mine"], nbgrader={"points": 100})
    hostile |= {"outputs": [{"output_type": "stream"}], "attachments": {"a": {}}}
    notebook = read_notebook(dumped(hostile, code("steal()", "setup"), metadata={"mine": 1}))
    chosen = pick(notebook, exercises("01"), master)
    built = rebuild(master, chosen, {"vit.why": "Because\nof it.", "vit.how": "nowhere"})
    assert json.dumps(master) == before
    cell(master, "vit-patchify")["source"] = SOLUTION.splitlines(keepends=True)
    cell(master, "vit-why")["source"] = ["Because\n", "of it."]
    assert built == master


def test_a_rebuilt_notebook_keeps_what_was_not_written(master):
    assert rebuild(master, picked(master), {"vit.why": ""}) == master
