"""Written answers: their registration, what the builder makes of them, and every mistake that it refuses."""

from dataclasses import replace

import nbformat
import pytest

from mmlearn.course.answer import PLACEHOLDER, Answer
from mmlearn.course.builder import BuildError, build_course, build_lesson
from mmlearn.course.builder.cards import answer_card
from mmlearn.course.registry import answers, exercises

WHY = Answer(
    slug="toy.why",
    lesson="01",
    title="Why it adds",
    points=3,
    minutes=10,
    rubric=((2, "What is added"), (1, "What that costs")),
)
ANSWERS = {WHY.slug: WHY}

MASTER = """\
# %% [markdown]
# # A toy
#
# First words.

# %%
x = 64

# %% [markdown]
# ### In your own words
# Why does it add?

# %% [markdown] answer="toy.why"
# Because one is missing, out of `64`.
#
# And it costs an addition.

# %% [markdown]
# The end.
"""
TEXT, MARKER = "# Because one is missing, out of `64`.\n#\n# And it costs an addition.\n", ' answer="toy.why"'


def course(folder, text=MASTER):
    for part in ("solutions", "lessons"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "solutions" / "01_toy.py").write_text(text, encoding="utf-8")
    return folder


def lesson(folder, text=MASTER, known=ANSWERS):
    return build_lesson(course(folder, text) / "solutions" / "01_toy.py", {}, str, known)


def cell(notebook, name="toy-why"):
    return next(cell for cell in notebook.cells if cell.id == name)


# --- registration


def test_a_rubric_gives_all_points_and_no_others():
    for rubric, given in ((((1, "a"), (1, "b")), 2), (((2, "a"), (2, "b")), 4)):
        with pytest.raises(ValueError, match=f"the rubric of toy.why gives {given} points; it is worth 3"):
            replace(WHY, rubric=rubric)


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ("title", {"title": " "}),
        ("points", {"points": 0}),
        ("minutes", {"minutes": 0}),
        ("rubric", {"rubric": ()}),
        ("rubric", {"rubric": ((3, " "),)}),
        ("rubric", {"rubric": ((4, "a"), (-1, "b"))}),
    ],
)
def test_an_incomplete_registration_is_refused(what, wrong):
    with pytest.raises(ValueError, match=f"toy.why is registered without {what}"):
        replace(WHY, **wrong)


def test_the_registered_answers_come_in_the_order_of_the_lessons():
    assert [answer.slug for answer in answers("01")] == ["vit.advantages"]
    assert [answer.lesson for answer in answers()] == sorted(answer.lesson for answer in answers())
    assert answers("00") == [] == answers("77")
    assert not {answer.slug for answer in answers()} & {exercise.slug for exercise in exercises()}


@pytest.mark.parametrize("slug", ["vit.patchify", "vit.advantages"])
def test_a_slug_is_one_exercise_or_one_answer(slug, monkeypatch):
    from mmlearn.course import registry
    from mmlearn.course.catalog import vit

    monkeypatch.setattr(vit, "ANSWERS", [*vit.ANSWERS, replace(WHY, slug=slug)])
    with pytest.raises(ValueError, match=f"registered twice: {slug}"):
        registry._all_answers.__wrapped__()


# --- what is built


def test_the_model_answer_is_in_the_solution_alone(tmp_path):
    built = lesson(tmp_path)
    assert cell(built.solution).source == "Because one is missing, out of `64`.\n\nAnd it costs an addition."
    assert cell(built.student).source == PLACEHOLDER
    assert "addition" not in nbformat.writes(built.student)
    assert [c.id for c in built.student.cells] == [c.id for c in built.solution.cells]


def test_nbgrader_sees_an_answer_that_a_person_grades(tmp_path):
    from nbgrader import utils
    from nbgrader.nbgraderformat.v3 import MetadataValidatorV3

    for notebook in lesson(tmp_path)[1:]:
        MetadataValidatorV3().validate_nb(notebook)
        one = cell(notebook)
        assert utils.is_grade(one) and utils.is_solution(one) and not utils.is_locked(one)
        assert one.metadata.nbgrader == {
            "schema_version": 3,
            "grade_id": "toy-why",
            "points": 3,
            "grade": True,
            "solution": True,
            "locked": False,
            "task": False,
        }
        assert one.metadata.deletable is False and "editable" not in one.metadata


def test_the_question_is_announced_with_its_rubric_folded(tmp_path):
    for notebook in lesson(tmp_path)[1:]:
        lines = cell(notebook, "in-your-own-words").source.split("\n")
        assert lines[0] == "### In your own words" and lines[-1] == "Why does it add?"
        card = "\n".join(lines[2:-2])
        assert card == answer_card(WHY)
        head, _, fold, empty, first, second, *_ = card.split("\n")
        assert head == "**Written answer `toy.why`: Why it adds** · about 10 minutes · 3 points · a person marks it"
        assert fold.startswith("<details><summary>") and empty == "" and card.endswith("\n\n</details>")
        assert (first, second) == ("- What is added (2 points)", "- What that costs (1 point)")


def test_a_lessons_card_counts_its_written_answers_and_both_notebooks_have_the_same(tmp_path):
    master = course(tmp_path, MASTER.replace(TEXT, "# " + "word " * 900 + "\n")) / "solutions" / "01_toy.py"
    path = master.rename(master.with_name("01_vit.py"))
    student, solution = (built.cells[0].source for built in build_lesson(path, {}, str, ANSWERS)[1:])
    assert student == solution and "| Written answers |" in student and "| 1 (10 min) |" in student
    assert "| 1 min |" in student, "the model answer is not read by a learner"
    path.write_text("# %% [markdown]\n# # A toy\n")
    assert "Written answers" not in build_lesson(path, {}, str).student.cells[0].source


def test_a_heading_in_an_answer_names_no_other_cell(tmp_path):
    built = lesson(tmp_path, MASTER.replace(TEXT, "# ## Because\n# of this.\n"))
    ids = [c.id for c in built.student.cells]
    assert ids == ["a-toy", "a-toy-code-1", "in-your-own-words", "toy-why", "in-your-own-words-text-1"]


def test_what_is_built_passes_its_check_and_an_edited_answer_does_not(tmp_path, capsys):
    folder = course(tmp_path, MASTER.replace("# %%\nx = 64\n\n", "").replace("`64`", "all"))
    assert build_course(folder, {}, str, answers=ANSWERS) == 0
    path = folder / "lessons" / "01_toy.ipynb"
    path.write_text(path.read_text().replace(PLACEHOLDER, "Mine."))
    capsys.readouterr()
    assert build_course(folder, {}, str, answers=ANSWERS, check=True) == 1
    assert "lessons/01_toy.ipynb: cell toy-why, line 1 is not what its master gives" in capsys.readouterr().out


# --- mistakes

MISTAKES = {
    "unknown slug": ([("toy.why", "toy.how")], 13, "toy.how is not registered as a written answer: known are toy.why"),
    "absent": ([(MARKER, "")], 1, "toy.why is registered for this lesson and not in it"),
    "code": ([(f"[markdown]{MARKER}", MARKER), (TEXT, "x = 1\n")], 13, "a written answer is text, not code"),
    "empty": ([(TEXT, "")], 13, "an empty cell: fill it or take it out"),
    "no slug": ([(MARKER, ' answer=""')], 13, 'answer="" without a slug'),
    "no value": ([(MARKER, " answer")], 13, "cell marker with title: it may hold"),
    "misspelt": (
        [("answer=", "anwser=")],
        13,
        "cell marker with anwser: it may hold check, exercise, id, tags, answer",
    ),
    "twice": (
        [("# %% [markdown]\n# The end.\n", f"# %% [markdown]\n# Again?\n\n# %% [markdown]{MARKER}\n{TEXT}")],
        21,
        "a second answer cell for toy.why",
    ),
    "own id": ([(MARKER, f'{MARKER} id="why"')], 13, "comes from its slug: take id out"),
    "slug taken by a heading": ([("In your own words", "Toy why")], 13, "cell id toy-why is taken by line 9"),
    "no question": (
        [("# %% [markdown]\n# ### In your own words\n# Why does it add?\n\n", "")],
        9,
        "answer toy.why without its question: a markdown cell right before it asks",
    ),
    "typed number": ([("out of `64`", "in 0.47 of all")], 14, "a typed number, 0.47"),
    "picture without alt": ([("# And it", "# ![](a.png) And it")], 16, "a picture without alt text"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_line(tmp_path, mistake):
    edits, line, message = MISTAKES[mistake]
    text = MASTER
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    with pytest.raises(BuildError) as refused:
        lesson(tmp_path, text)
    named = [said for said in str(refused.value).split("\n") if said.startswith(f"solutions/01_toy.py:{line}: ")]
    assert any(message in said for said in named), str(refused.value)


def test_an_answer_of_another_lesson_is_refused(tmp_path):
    with pytest.raises(BuildError, match=r"01_toy.py:13: toy.why belongs to lesson 02: a slug is used once"):
        lesson(tmp_path, known={"toy.why": replace(WHY, lesson="02")})


def test_a_result_typed_into_a_rubric_is_refused(tmp_path):
    rubric = ((2, "That it is 0.47"), (1, "That `0.47` is little, and 64 a setting"))
    with pytest.raises(BuildError, match=r"01_toy.py:13: in its rubric a typed number, 0.47") as refused:
        lesson(tmp_path, known={"toy.why": replace(WHY, rubric=rubric)})
    assert len(refused.value.problems) == 1


def test_an_exercise_needs_a_text_of_its_own_below_an_answer(tmp_path):
    text = MASTER.replace("# %% [markdown]\n# The end.\n", '# %% exercise="toy.add"\nx = 1\n')
    with pytest.raises(BuildError, match=r"01_toy.py:18: exercise toy.add without text"):
        lesson(tmp_path, text)
