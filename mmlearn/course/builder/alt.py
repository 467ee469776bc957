"""Finding pictures that nobody described: in a lesson's code, in its text, and in what it shows when it runs."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser

PLACES = {"show": 1, "explore": 1, "reveal": 3}  # the calls that show a picture, and the place of their `alt`


def code_without_alt(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and message of every call in `PLACES`, and of `plt.show()`, that says nothing about its picture."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", None))
        if name not in PLACES or (name == "reveal" and _argument(call, "fig", 2) is None):
            continue
        alt = _argument(call, "alt", PLACES[name])
        if _says_nothing(alt):
            yield (
                call.lineno,
                f'{ast.unparse(call.func)}(...) without alt text: write {name}(..., alt="what is to be seen")',
            )
        # `explore` may make its text from the slider's place, the others show a picture that its author has seen.
        elif name != "explore" and not isinstance(alt, ast.Constant | ast.JoinedStr):
            yield call.lineno, "alt text in a variable: write it in the call, as text or an f-string"


def _argument(call: ast.Call, name: str, place: int) -> ast.expr | None:
    """What a call gives for an argument, by name or by place; None where it gives nothing or None."""
    given = [word.value for word in call.keywords if word.arg == name] or call.args[place : place + 1]
    return None if not given or (isinstance(given[0], ast.Constant) and given[0].value is None) else given[0]


def _says_nothing(alt: ast.expr | None) -> bool:
    if isinstance(alt, ast.Constant):
        return not (isinstance(alt.value, str) and alt.value.strip())
    return alt is None or (isinstance(alt, ast.JoinedStr) and not alt.values)


def markdown_without_alt(text: str) -> Iterator[tuple[int, str]]:
    """Line and message of every picture in markdown text, `![]()` or `<img>`, without alt text."""
    for number, line in enumerate(text.split("\n"), 1):
        if re.search(r"!\[\s*\]\s*[(\[]", line):
            yield number, "a picture without alt text: ![what is to be seen](...)"
    for number in html_without_alt(text):
        yield number, 'a picture without alt text: <img alt="what is to be seen" ...>'


def html_without_alt(text: str) -> list[int]:
    """The lines of the `<img>` tags without alt text."""
    parser = _Images()
    parser.feed(text)
    return parser.lines


def output_without_alt(output: dict) -> bool:
    """Whether a notebook output shows a picture that has no alt text, in its metadata or in its `<img>`."""
    data, metadata = output.get("data", {}), output.get("metadata", {})
    pictures = [mime for mime in data if mime.startswith("image/")]
    undescribed = any(not str(metadata.get(mime, {}).get("alt", "")).strip() for mime in pictures)
    return undescribed or bool(html_without_alt(str(data.get("text/html", ""))))


class _Images(HTMLParser):
    def __init__(self):
        super().__init__()
        self.lines = []

    def handle_starttag(self, tag, attrs):
        if tag == "img" and not (dict(attrs).get("alt") or "").strip():
            self.lines.append(self.getpos()[0])
