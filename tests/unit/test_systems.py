"""The map of the field: every system that the lessons teach, facts of a fixed form, one table that says them."""

from html.parser import HTMLParser
from itertools import chain

import pytest

from mmlearn.course import field_map, systems, tables
from mmlearn.course.lessons import lessons
from mmlearn.course.systems import FUSIONS, MODALITIES, SYSTEMS, System

FACTS = {
    "name": "Toy",
    "year": 2024,
    "paper": "2401.12345",
    "takes": ("text",),
    "gives": ("image",),
    "objective": "next token",
    "fusion": ("early",),
    "tokens": "words",
    "lesson": "01",
}


class Table(HTMLParser):
    """The cells of a table row by row, its headings' scopes, its caption and its links."""

    def __init__(self, markup):
        super().__init__()
        self.rows, self.scopes, self.links, self.caption, self.within = [], [], [], "", []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.within.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "th":
            self.scopes.append(dict(attrs).get("scope"))
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_endtag(self, tag):
        assert self.within.pop() == tag, "well nested"

    def handle_data(self, data):
        if "caption" in self.within:
            self.caption += data
        elif {"td", "th"} & set(self.within):
            self.rows[-1][-1] += data


@pytest.fixture
def shown(monkeypatch):
    """What is published, in place of a notebook."""
    bundles = []
    monkeypatch.setattr(tables, "publish", lambda bundle, **options: bundles.append(bundle))
    return bundles


# --- the registry


def test_every_lesson_of_a_part_teaches_a_system_in_its_order():
    taught = [system.lesson for system in SYSTEMS]
    assert taught == sorted(taught)
    assert set(taught) == {lesson.number for lesson in lessons() if lesson.part not in ("Start", "End")}


def test_no_cell_is_empty_or_long():
    for system in SYSTEMS:
        assert all(3 <= len(text) <= 90 for text in (system.name, system.objective, system.tokens)), system


def test_every_modality_and_fusion_is_used():
    assert set(chain.from_iterable(s.takes + s.gives for s in SYSTEMS)) == set(MODALITIES)
    assert set(chain.from_iterable(s.fusion for s in SYSTEMS)) == set(FUSIONS)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"takes": ("smell",)}, r"Toy: takes holds \['smell'\]; there are text, image"),
        ({"gives": ()}, "Toy: gives holds nothing"),
        ({"fusion": ("late",)}, "Toy: fusion holds .*; there are none, shared space"),
        ({"lesson": "77"}, "no lesson has the number '77'"),
        ({"paper": "cs/0112017"}, "is no arXiv number; one looks like 2010.11929"),
        ({"paper": "2401.123"}, "is no arXiv number"),
        ({"year": 2023}, "of 2023, but arXiv:2401.12345 is of 2024"),
    ],
)
def test_wrong_facts_are_refused(wrong, said):
    System(**FACTS)
    with pytest.raises(ValueError, match=said):
        System(**FACTS | wrong)


def test_systems_are_chosen_by_what_goes_in_and_what_comes_out():
    assert [s.name for s in systems.systems(takes="depth")] == ["ImageBind"]
    assert [s.name for s in systems.systems(takes="image", gives="audio")] == ["Qwen2.5-Omni"]
    assert systems.systems(gives="thermal") == []
    with pytest.raises(ValueError, match="no modality is called 'smell'; there are text, image"):
        field_map(takes="smell")


# --- the table


def test_the_table_names_its_rows_and_columns_and_links_what_is_here(shown):
    field_map()
    (bundle,) = shown
    table = Table(bundle["text/html"].replace("<br>", ""))
    head, *rows = table.rows
    assert table.scopes == ["col"] * len(head) + ["row"] * len(rows)
    assert [row[0] for row in rows] == [system.name for system in SYSTEMS]
    assert all(len(row) == len(head) for row in rows)
    assert f"{len(SYSTEMS)} of {len(SYSTEMS)} systems" in table.caption
    assert "01_vit.ipynb" in table.links and "https://arxiv.org/abs/2010.11929" in table.links
    landed = {lesson.file for lesson in lessons() if lesson.landed}
    assert {link for link in table.links if link.endswith(".ipynb")} <= landed
    assert "color" not in bundle["text/html"] and "overflow-x:auto" in bundle["text/html"]


def test_the_text_holds_what_the_table_holds(shown):
    field_map()
    text = shown[0]["text/plain"]
    for system in SYSTEMS:
        facts = (system.name, str(system.year), system.paper, system.objective, system.tokens, *system.fusion)
        assert all(fact in text for fact in facts)
    assert all(f"  {name}: {meaning}" in text for name, meaning in FUSIONS.items())


def test_outside_of_a_notebook_the_text_is_printed(capsys):
    field_map(gives="audio")
    text = capsys.readouterr().out
    assert text.startswith("The map of the field: 4 of 19 systems with audio coming out\nEnCodec (2022")
    assert "ViT" not in text and "deep" not in text


def test_the_menus_change_the_table(monkeypatch):
    live = {}
    monkeypatch.setattr(systems, "publish_live", lambda make, controls: live.update(make=make, menus=controls()))
    field_map(takes="audio")
    takes, gives = live["menus"]
    assert [takes.value, gives.value] == ["audio", ""]
    names = []
    for menu, value in ((gives, "text"), (takes, "image"), (takes, ""), (gives, "")):
        menu.value = value
        names.append([row[0] for row in Table(live["make"]()["text/html"]).rows[1:]])
    assert names[0] == ["Qwen2-Audio", "Qwen2.5-Omni", "Moshi"]
    assert "LLaVA" in names[1] and "Moshi" not in names[1]
    assert "Moshi" in names[2] and len(names[3]) == len(SYSTEMS)


# --- tables in general


def test_cells_are_escaped_and_have_links_and_code():
    markup = tables.html_table("a < b", ("x", "y"), [("[`f`](a.ipynb)", "1 < 2 & `x > y`")])
    assert '<a href="a.ipynb"><code>f</code></a>' in markup
    assert "1 &lt; 2 &amp; <code>x &gt; y</code>" in markup and 'aria-label="a &lt; b"' in markup
    assert "<i>bar</i>" in tables.html_table("t", ("x",), [(tables.Html("<i>bar</i>"),)])
    assert tables.plain("see [ViT](01_vit.ipynb)") == "see ViT"


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="t: a row has 1 cells under 2 headings"):
        tables.html_table("t", ("x", "y"), [("a",)])


def test_controls_show_the_table_anew_in_its_place(monkeypatch):
    import ipywidgets

    calls = []
    monkeypatch.setattr("IPython.get_ipython", lambda: type("Shell", (), {"kernel": True}))
    monkeypatch.setattr(tables, "publish", lambda bundle, **options: calls.append((bundle, options)))
    button, menu = ipywidgets.Button(), ipywidgets.Dropdown(options=[1, 2])
    tables.publish_live(lambda: {"text/plain": f"menu at {menu.value}"}, lambda: [button, menu])
    (controls, _), (first, options) = calls
    assert "application/vnd.jupyter.widget-view+json" in controls
    assert first == {"text/plain": "menu at 1"} and set(options) == {"display_id"}
    menu.value = 2
    button.click()
    again = {"text/plain": "menu at 2"}, options | {"update": True}
    assert calls[2:] == [again, again]
