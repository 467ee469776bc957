"""How feedback looks: nested hints, escaped texts, the same every time."""

from html.parser import HTMLParser

import pytest

from mmlearn.course import exercises
from mmlearn.course.exercise import Grade, Verdict
from mmlearn.course.feedback import COLOURS, SIGNS, Feedback
from mmlearn.course.registry import find

EXERCISE = find("vit.patchify")


class Outline(HTMLParser):
    """Text with the number of `details` around it; fails on tags that do not close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open, self.texts = [], []
        self.feed(html)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open.count("details"), data))

    def at(self, depth: int) -> str:
        return "".join(text for level, text in self.texts if level == depth)


def graded(*messages: str) -> Grade:
    pairs = zip(EXERCISE.properties, messages, strict=False)
    return Grade(0.5, tuple(Verdict(prop, not message, message) for prop, message in pairs))


@pytest.mark.parametrize("exercise", exercises(), ids=lambda e: e.slug)
def test_each_hint_stands_inside_the_one_before(exercise):
    outline = Outline(Feedback(exercise, "fail", "no", hints=True)._repr_html_())
    for number, text in enumerate(exercise.hints, 1):
        assert outline.at(number) == f"Hint {number} of {len(exercise.hints)}{text.replace('`', '')}"
    assert outline.at(len(exercise.hints) + 1) == ""


def test_hints_are_offered_only_where_asked_for():
    assert "details" not in Feedback(EXERCISE, "pass", "yes")._repr_html_()
    assert "hint" not in str(Feedback(EXERCISE, "pass", "yes"))


@pytest.mark.parametrize("text", ["<script>x</script>", "a < b & c", "`<b>` and `", "</div></details>", "`<i>`"])
def test_all_texts_are_escaped(text):
    feedback = Feedback(EXERCISE, "fail", text, lead=text, grade=graded(text), notes=(text,), hints=True)
    outline = Outline(feedback._repr_html_())
    shown = text if text.count("`") % 2 else text.replace("`", "")
    assert outline.at(0).count(shown) == 4


def test_backticks_become_code_where_they_pair():
    assert "the name <code>x</code> is" in Feedback(EXERCISE, "fail", "the name `x` is")._repr_html_()
    assert "<code>" not in Feedback(EXERCISE, "fail", "an odd ` one")._repr_html_()


def test_text_and_html_tell_the_same():
    feedback = Feedback(EXERCISE, "fail", "half", "A lead.", graded("", "rows differ", ""), notes=("A note.",))
    html = Outline(feedback._repr_html_()).at(0)
    for line in str(feedback).splitlines():
        for part in line.strip().split(": ", 1):
            assert part in html
    assert str(feedback) == repr(feedback) == (
        "✗ vit.patchify: half\n"
        "A lead.\n"
        "  ✓ projecting these patches is a strided convolution\n"
        "  ✗ the patches come row by row\n"
        "      rows differ\n"
        "  ✓ inside a patch: channel, then row, then column\n"
        "A note."
    )  # fmt: skip


def test_states_differ_by_sign_and_colour():
    assert len(set(SIGNS.values())) == len(set(COLOURS.values())) == 3
    for state, sign in SIGNS.items():
        html = Feedback(EXERCISE, state, "so")._repr_html_()
        assert sign in html and COLOURS[state] in html and f"mmlearn-{state}" in html
