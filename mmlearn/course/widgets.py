"""Figures with controls."""

import html
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mmlearn.course.access import aid
from mmlearn.course.figures import img, publish, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Typed(dict):
    """A setting that the reader types: any text. The examples are shown where no widget runs.

    Args:
        examples: at least one; the first stands in the field at first.

    Raises:
        ValueError: no example.
    """

    def __init__(self, *examples: str) -> None:
        if not examples:
            raise ValueError('a typed setting needs an example, such as Typed("a red apple")')
        super().__init__((example, example) for example in examples)

    def __missing__(self, text: str) -> str:
        return text


def explore(
    draw: Callable[..., "Figure"], alt: str | Callable[..., str], **choices: Iterable[Any] | Mapping[str, Any]
) -> None:
    """Let the reader choose settings and see the figure that `draw` makes of them.

    Settings seen once are kept, so going back is instant. Where no widget can run (an export, a web page of the
    notebook), two settings are shown: the first of every choice, and the last of every choice.

    Args:
        draw: `draw(**values)` makes a matplotlib figure. With `layout="none"` it takes a third of the time.
        alt: describes the figure in words. A text is followed by the settings; or `alt(**values)` gives the whole.
        choices: the values of each setting. Numbers get a slider (arrow keys work), from low to high, which begins at
            the first one named; others get a menu. A mapping gives values names, which stand in the menu:
            `head={"mean of all": None, "first": 1}`. `Typed(...)` takes any text.

    Raises:
        ValueError: no settings, one without values, or one with two values that read the same.
    """
    options = {name: named(name, values) for name, values in choices.items()}
    if not options:
        raise ValueError("explore needs at least one setting, such as layer=[0, 1, 2]")

    def drawn(texts: tuple[str, ...], small: bool) -> str:
        setting = dict(zip(options, texts, strict=True))
        values = {name: options[name][text] for name, text in setting.items()}
        words = alt(**values) if callable(alt) else f"{alt} ({_words(setting)})"
        return img(styled(draw)(**values), words, small=small)

    first = tuple(next(iter(values)) for values in options.values())
    last = tuple(next(reversed(values)) for values in options.values())
    saved = {texts: drawn(texts, small=True) for texts in (first, last)}  # in the notebook

    @lru_cache(maxsize=256)
    def picture(*texts: str) -> str:
        return saved[texts] if texts in saved else drawn(texts, small=False)

    bundle = static_form(picture, options, saved)
    publish(live_form(picture, options) | bundle)


def named(name: str, values: Iterable[Any] | Mapping[str, Any]) -> dict[str, Any]:
    """The values of one setting, by the text that stands for each."""
    if isinstance(values, Typed):
        return values
    values = values if isinstance(values, Mapping) else [(_text(value), value) for value in values]
    found = dict(values)
    if not found:
        raise ValueError(f"explore needs at least one value of {name!r}; got {values!r}")
    if len(found) < len(values):
        raise ValueError(f"two values of {name!r} read the same: {', '.join(text for text, _ in values)}")
    return found


def static_form(picture, options, settings) -> dict[str, str]:
    """The settings as HTML and as text: side by side where the page is wide enough, so that no text becomes small."""
    words = [_words(dict(zip(options, texts, strict=True))) for texts in settings]
    figures = "".join(
        f'<figure style="margin:0">{picture(*texts)}<figcaption>{html.escape(caption)}</figcaption></figure>'
        for texts, caption in zip(settings, words, strict=True)
    )
    controls = ", ".join(f"{_label(name)} ({_offer(values)})" for name, values in options.items())
    note = f"In a running notebook this figure has controls: {controls}."
    return {
        "text/plain": f"[Figure with controls: {controls}; shown: {' | '.join(words)}]",
        "text/html": f'<div style="display:flex;flex-wrap:wrap;gap:12px">{figures}</div><p>{html.escape(note)}</p>',
    }


def _offer(values: dict[str, Any]) -> str:
    return "any text" if isinstance(values, Typed) else f"{len(values)} values"


def live_form(picture, options) -> dict[str, Any]:
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
    return ipywidgets.VBox([row, canvas, aid()])._repr_mimebundle_()


def _control(name: str, values: dict[str, Any]):
    """A slider, a menu or a field; its value is the text of what is chosen or typed."""
    import ipywidgets

    said = {"description": _label(name), "tooltip": _label(name)}  # without a tooltip the label's is "null"
    if isinstance(values, Typed):
        return ipywidgets.Text(
            value=next(iter(values)),
            **said,
            continuous_update=False,  # the picture changes at Enter, or when the field is left
            placeholder="type, then press Enter",
            style={"description_width": "initial"},
            layout=ipywidgets.Layout(width="480px"),
        )
    numbers = all(text == _text(value) and type(value) in (int, float) for text, value in values.items())
    slider = numbers and len(values) > 1
    kind = ipywidgets.SelectionSlider if slider else ipywidgets.Dropdown
    return kind(
        options=sorted(values, key=values.get) if slider else list(values),  # it starts at the first that was named
        value=next(iter(values)),
        **said,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="320px"),
    )


def _label(name: str) -> str:
    return name.replace("_", " ")


def _words(setting: dict[str, str]) -> str:
    return ", ".join(f"{_label(name)} {text}" for name, text in setting.items())


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
