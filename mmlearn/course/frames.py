"""What stands beside a coloured bar: something that is asked of the learner, and what came of it."""

import html
import os

OPEN, RESULT = "#56B4E9", "#0072B2"  # the bar on the left: a question, and its answer


def live() -> bool:
    """Whether a learner sits in front of this: in a notebook's kernel, and not when the course executes a lesson."""
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel") and os.environ.get("MMLEARN_STRICT") != "1"


def framed(parts: list[str], colour: str) -> str:
    """Pieces of HTML below each other, with a bar at their left."""
    return f"<div style='border-left:5px solid {colour};padding:.4em .9em;line-height:1.45'>{''.join(parts)}</div>"


def strong(text: str) -> str:
    """A bold line of text as HTML."""
    return f"<div style='font-weight:bold;line-height:1.45'>{html.escape(text)}</div>"


def line(text: str) -> str:
    """A line of text as HTML."""
    return f"<div style='margin:.4em 0;line-height:1.45'>{html.escape(text)}</div>"
