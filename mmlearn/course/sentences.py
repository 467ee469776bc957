"""Sentences whose numbers come from rows."""


def say(text: str) -> None:
    """Show a sentence or a table, in markdown, that the lesson's code has filled with its numbers.

    The builder refuses numbers that are typed into a lesson's text, and a `say` in which nothing is filled in.

    Args:
        text: markdown, as in `say(f"The CNN is right for **{share:.0%}** of the pictures.")`.

    Raises:
        ValueError: there is nothing to say.
    """
    from mmlearn.course.figures import publish

    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"say needs a sentence, got {text!r}")
    publish({"text/plain": text, "text/markdown": text})
