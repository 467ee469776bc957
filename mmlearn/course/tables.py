"""Tables in a notebook: HTML that both themes show and a screen reader walks through, and controls above them."""

import html
import re
from collections.abc import Callable, Iterable, Sequence
from uuid import uuid4

from mmlearn.course.access import aid
from mmlearn.course.figures import publish

LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
# JupyterLab's own style sets cells flush right. Colours are left to the theme.
LEFT = "text-align:left;vertical-align:top"


class Html(str):
    """A cell that is HTML already."""


def html_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column names its rows. Where it is too wide, it scrolls by itself.

    Args:
        columns: the headings.
        rows: each with a cell a column. In a cell `[text](place)` is a link, and what stands in backticks is code;
            one of `Html` is taken as it is.

    Raises:
        ValueError: a row has not one cell a column.
    """
    head = "".join(f'<th scope="col" style="{LEFT}">{_inline(column)}</th>' for column in columns)
    body = []
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"{caption}: a row has {len(row)} cells under {len(columns)} headings: {row}")
        cells = "".join(f'<td style="{LEFT}">{_inline(cell)}</td>' for cell in row[1:])
        body.append(f'<tr><th scope="row" style="{LEFT}">{_inline(row[0])}</th>{cells}</tr>')
    return (
        f'<div role="region" aria-label="{html.escape(caption)}" tabindex="0" style="overflow-x:auto">'
        f'<table style="margin:0"><caption style="{LEFT};caption-side:top;font-weight:bold;padding:.4em 0">'
        f"{_inline(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def plain(cell: str) -> str:
    """A cell as text: its links are their words."""
    return LINK.sub(r"\1", cell)


def publish_live(make: Callable[[], dict[str, str]], controls: Callable[[], Sequence]) -> None:
    """Display what `make` gives; in a running notebook below controls, each of which displays it anew.

    The table is no widget: it stays in a saved notebook, and JupyterLab opens its links to other lessons.

    Args:
        make: gives a display bundle with `text/plain` and `text/html`, from the controls' present values.
        controls: makes the widgets; called in a notebook only, before `make`.
    """
    from IPython import get_ipython

    if not hasattr(get_ipython(), "kernel"):
        publish(make())
        return
    import ipywidgets

    display_id, widgets = uuid4().hex, controls()

    def again(_change) -> None:
        publish(make(), display_id=display_id, update=True)

    for widget in widgets:
        if isinstance(widget, ipywidgets.Button):
            widget.on_click(again)
        else:
            widget.observe(again, names="value")
    row = ipywidgets.HBox(widgets, layout=ipywidgets.Layout(flex_flow="row wrap"))
    publish(ipywidgets.VBox([row, aid()])._repr_mimebundle_())
    publish(make(), display_id=display_id)


def _inline(text: str) -> str:
    """Escaped, with links, and code in backticks."""
    if isinstance(text, Html):
        return text
    pieces = LINK.sub(r'<a href="\2">\1</a>', html.escape(text, quote=False)).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))
