"""Where no widget runs, as on a page made of a solution notebook: each one is readable, in two settings."""

import html
import json
import re

import pytest

from mmlearn.paths import root

EXPLORED = re.compile(r"^explore(?:_sounds)?\(", re.M)
NOTE = "In a running notebook this figure has controls: "


@pytest.mark.parametrize("file", sorted((root() / "solutions").glob("*.ipynb")), ids=lambda file: file.stem)
def test_every_widget_shows_two_settings_without_one(file):
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    cells = [cell for cell in cells if cell["cell_type"] == "code"]
    widgets = [cell for cell in cells if EXPLORED.search("".join(cell["source"]))]
    assert widgets
    for cell in widgets:
        bundles = [out["data"] for out in cell["outputs"] if "data" in out]
        (bundle,) = [bundle for bundle in bundles if NOTE in "".join(bundle.get("text/html", ""))]
        page, text = "".join(bundle["text/html"]), "".join(bundle["text/plain"])
        first, last = re.search(r"; shown: (.+)\]$", text, re.S).group(1).split(" | ")
        assert first != last
        assert len(set(re.findall(r'src="(data:(?:image|audio)[^"]+)"', page))) >= 2
        assert all(f"<figcaption>{html.escape(words)}" in page for words in (first, last))
