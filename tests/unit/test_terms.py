"""The glossary: every word once, in order, where its lesson uses it."""

import json
import re

import pytest

from mmlearn.course import glossary
from mmlearn.course.lessons import find
from mmlearn.course.terms import TERMS
from mmlearn.paths import root


def text_of(number):
    """The text cells of a lesson, without marks, code in backticks, and line ends."""
    notebook = json.loads((root() / "lessons" / find(number).file).read_text(encoding="utf-8"))
    texts = ("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    return re.sub(r"[*_\s]+|```.*?```|`[^`]*`", " ", " ".join(texts), flags=re.DOTALL)


def uses(text, word):
    """Whether a text has a word, whole and in one of its numbers: key, keys; query, queries; class, classes."""
    stem = re.escape(word.split(" (")[0])
    forms = rf"{stem}|{stem}e?s|{stem.removesuffix('y')}ies"
    return re.search(rf"\b(?:{forms})\b", text, re.IGNORECASE) is not None


@pytest.mark.parametrize("lesson", sorted({term.lesson for term in TERMS if find(term.lesson).landed}))
def test_a_lesson_uses_its_words(lesson):
    words = [term.word for term in TERMS if term.lesson == lesson]
    text = text_of(lesson)
    assert [word for word in words if not uses(text, word)] == []


def test_a_word_is_used_whole():
    text = "A picture's keys, three Queries, *inductive\nbias*"
    assert all(uses(re.sub(r"[*\s]+", " ", text), word) for word in ("key", "query", "picture", "inductive bias"))
    assert not any(uses("monkeys batching `split`s classify", word) for word in ("key", "batch", "class", "bias"))


def test_words_are_in_order_and_named_once():
    words = [term.word.lower() for term in TERMS]
    assert words == sorted(set(words))


def test_a_meaning_is_one_or_two_sentences():
    for term in TERMS:
        assert re.fullmatch(r"[A-Z][^.]*(\d\.\d[^.]*)*\.( [A-Z][^.]*\.)?", term.meaning), term


def test_one_lesson_or_all(capsys):
    glossary("00")
    one = capsys.readouterr().out
    assert one.startswith("Glossary of lesson 00\n") and "\nbaseline (lesson 00): A simple way" in one
    assert "(lesson 01)" not in one
    glossary()
    everything = capsys.readouterr().out
    assert set(one.splitlines()[1:]) < set(everything.splitlines())
    assert len(everything.splitlines()) == 1 + sum(find(term.lesson).landed for term in TERMS)


def test_words_of_a_planned_lesson_wait(monkeypatch, capsys):
    from mmlearn.course import terms

    monkeypatch.setattr(terms, "TERMS", (terms.Term("duplex", "19", "Both talk."), *TERMS))
    glossary()
    assert "duplex" not in capsys.readouterr().out


def test_a_lesson_that_there_is_not_is_told():
    with pytest.raises(ValueError, match="no lesson has the number '99'"):
        glossary("99")


def test_the_table_links_each_lesson(monkeypatch):
    shown = []
    monkeypatch.setattr("mmlearn.course.figures.publish", lambda bundle, **options: shown.append(bundle))
    glossary("01")
    markup = shown[0]["text/html"]
    assert markup.count('<a href="01_vit.ipynb">01</a>') == sum(term.lesson == "01" for term in TERMS)
    assert markup.count('scope="row"') == sum(term.lesson == "01" for term in TERMS)
