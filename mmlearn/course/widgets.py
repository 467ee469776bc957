"""Figures with controls."""

import html
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mmlearn.course.figures import img, publish, rc

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def explore(draw: Callable[..., "Figure"], alt: str | Callable[..., str], **choices: Iterable[Any]) -> None:
    """Let the reader choose settings and see the figure that `draw` makes of them.

    Settings seen once are kept, so going back is instant. Where no widget can run (an export, a web page of the
    notebook), two settings are shown side by side: the first, and the one with the last of every choice.

    Args:
        draw: `draw(**values)` makes a matplotlib figure. With `layout="none"` it takes a third of the time.
        alt: describes the figure in words. A text is followed by the settings; or `alt(**values)` gives the whole.
        choices: the values of each setting. Numbers get a slider (arrow keys work), others a menu.

    Raises:
        ValueError: no settings, or one without values.
    """
    options = {name: tuple(values) for name, values in choices.items()}
    if not options or not all(options.values()):
        raise ValueError(f"explore needs values for at least one setting, such as layer=[0, 1, 2]; got {choices}")

    @lru_cache(maxsize=256)
    def picture(*values: Any) -> str:
        import matplotlib

        setting = dict(zip(options, values, strict=True))
        with matplotlib.rc_context(rc()):
            fig = draw(**setting)
        return img(fig, alt(**setting) if callable(alt) else f"{alt} ({_words(setting)})")

    first = tuple(values[0] for values in options.values())
    last = tuple(values[-1] for values in options.values())
    bundle = _static(picture, options, dict.fromkeys([first, last]))
    publish(_widget(picture, options) | bundle)


def _static(picture, options, settings) -> dict[str, str]:
    """The settings side by side, as HTML and as text."""
    words = [_words(dict(zip(options, values, strict=True))) for values in settings]
    figures = "".join(
        f'<figure style="margin:0;flex:1 1 300px">{picture(*values)}<figcaption>{html.escape(caption)}</figcaption>'
        "</figure>"
        for values, caption in zip(settings, words, strict=True)
    )
    controls = ", ".join(f"{_label(name)} ({len(values)} values)" for name, values in options.items())
    note = f"In a running notebook this figure has controls: {controls}."
    return {
        "text/plain": f"[Figure with controls: {controls}; shown: {' | '.join(words)}]",
        "text/html": f'<div style="display:flex;flex-wrap:wrap;gap:12px">{figures}</div><p>{html.escape(note)}</p>',
    }


def _widget(picture, options) -> dict[str, Any]:
    """The display bundle of the live widget; empty outside of a notebook kernel."""
    from IPython import get_ipython

    if not hasattr(get_ipython(), "kernel"):
        return {}
    import ipywidgets

    controls = [_control(name, values) for name, values in options.items()]
    canvas = ipywidgets.HTML(picture(*(control.value for control in controls)))

    def redraw(_change) -> None:
        try:
            canvas.value = picture(*(control.value for control in controls))
        except Exception as error:  # an error in a widget's callback is otherwise lost
            canvas.value = f"<pre>{html.escape(f'{type(error).__name__}: {error}')}</pre>"

    for control in controls:
        control.observe(redraw, names="value")
    row = ipywidgets.HBox(controls, layout=ipywidgets.Layout(flex_flow="row wrap"))
    return ipywidgets.VBox([row, canvas])._repr_mimebundle_()


def _control(name: str, values: tuple[Any, ...]):
    import ipywidgets

    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    kind = ipywidgets.SelectionSlider if numbers and len(values) > 1 else ipywidgets.Dropdown
    return kind(
        options=[(_text(value), value) for value in values],
        value=values[0],
        description=_label(name),
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="320px"),
    )


def _label(name: str) -> str:
    return name.replace("_", " ")


def _words(setting: dict[str, Any]) -> str:
    return ", ".join(f"{_label(name)} {_text(value)}" for name, value in setting.items())


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
