"""Figures, figures with controls and the live curve: in a plain process, and as a notebook keeps them."""

import base64
import io
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from mmlearn.course import figures, live, widgets
from mmlearn.train import History


def figure():
    from matplotlib.figure import Figure

    fig = Figure(figsize=(2, 1))
    fig.subplots().plot([1, 2])
    return fig


def png(markup):
    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", markup)[1])))


def history(steps=30, planned=30):
    past = History(planned)
    past.records = [{"step": n + 1, "lr": 1.0, "loss": 3 - n / steps} for n in range(steps)]
    past.evaluations = [{"step": steps, "accuracy": 0.75}]
    return past


# --- pictures


def test_img_holds_picture_size_and_escaped_description():
    markup = figures.img(figure(), 'a "b" <c>', dpi=100)
    assert 'alt="a &quot;b&quot; &lt;c&gt;"' in markup and 'width="192" height="96"' in markup
    picture = png(markup).convert("RGB")
    assert picture.size == (200, 100) and picture.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("alt", ["", "  ", None])
def test_no_description_is_refused(alt):
    with pytest.raises(ValueError, match="description"):
        figures.show(figure(), alt)


def test_what_is_no_figure_is_refused():
    with pytest.raises(TypeError, match="return fig"):
        figures.show(None, "nothing")


def test_show_prints_the_description_outside_of_a_notebook_and_closes(capsys):
    from matplotlib import pyplot

    fig, _ = pyplot.subplots()
    figures.show(fig, alt="two lines cross")
    assert capsys.readouterr().out == "[Figure: two lines cross]\n"
    assert not pyplot.fignum_exists(fig.number)


def test_lines_take_few_bytes_and_stay_on_white():
    from matplotlib.figure import Figure

    fig = Figure()
    fig.subplots().plot(np.sin(np.arange(40)))
    raw = io.BytesIO()
    fig.savefig(raw, format="png", dpi=110)
    picture = figures.img(fig, "a wave")
    assert len(picture) * 3 / 4 < 0.6 * len(raw.getvalue())
    assert png(picture).convert("RGB").getpixel((1, 1)) == (255, 255, 255)


def test_a_styled_function_draws_in_the_style_and_leaves_the_settings_alone():
    import matplotlib

    seen = figures.styled(lambda name: matplotlib.rcParams[name])
    assert seen("legend.frameon") is False and matplotlib.rcParams["legend.frameon"] is True


def test_no_grid_over_an_image():
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(figures.rc()):
        fig = Figure(figsize=(2, 2), layout="none")
        fig.add_axes((0, 0, 1, 1)).imshow(np.zeros((2, 2)), cmap="gray")
    inside = png(figures.img(fig, "black")).convert("L").crop((20, 20, 200, 200))
    assert inside.getextrema() == (0, 0)


def test_lines_differ_without_colour():
    cycle = figures.rc()["axes.prop_cycle"]
    assert len({str(entry["linestyle"]) for entry in cycle}) == len({entry["color"] for entry in cycle}) == 6


# --- grids


@pytest.mark.parametrize(
    "image",
    [
        torch.rand(3, 5, 7),
        torch.rand(5, 7, 3).numpy(),
        torch.rand(5, 7, 3, dtype=torch.bfloat16),
        torch.rand(1, 5, 7).requires_grad_(),
        torch.rand(5, 7) > 0.5,
        torch.randint(0, 256, (4, 5, 7), dtype=torch.uint8),
        np.zeros((5, 7), np.uint8),
    ],
)
def test_grid_takes_every_usual_picture(image):
    fig = figures.image_grid([image, image])
    (ax,) = fig.axes
    assert [shown.get_array().shape[:2] for shown in ax.images] == [(5, 7)] * 2
    left, right, bottom, top = ax.images[0].get_extent()
    assert (right - left) / (top - bottom) == pytest.approx(7 / 5), "a picture keeps its form"


def test_a_tiny_tensor_has_its_channels_first():
    picture = torch.rand(3, 2, 4)
    shown = figures.image_grid(picture[None]).axes[0].images[0].get_array()
    assert np.allclose(shown, picture.permute(1, 2, 0).numpy())


def test_grid_places_titles_and_rows():
    from PIL import Image

    fig = figures.image_grid([Image.new("RGB", (4, 4))] * 5, titles="abcde", columns=3)
    (ax,) = fig.axes
    assert [text.get_text() for text in ax.texts] == list("abcde")
    lefts, rights, bottoms, tops = zip(*(shown.get_extent() for shown in ax.images), strict=True)
    assert tops[0] == tops[2] > bottoms[2] > tops[3] == tops[4]
    assert lefts[0] == lefts[3] < rights[0] < lefts[1] == lefts[4] < lefts[2]
    assert all(text.get_position()[1] > top for text, top in zip(ax.texts, tops, strict=True))


@pytest.mark.parametrize(
    "images, options, message",
    [
        ([], {}, "at least one"),
        ([torch.zeros(3, 4, 4)], {"titles": ["a", "b"]}, "1 images and 2 titles"),
        ([torch.zeros(2, 4, 5)], {}, r"images\[0\] has shape \(2, 4, 5\)"),
        ([torch.zeros(3, 4, 4) - 1], {}, "values from -1"),
        ([torch.full((3, 4, 4), torch.nan)], {}, "nan"),
        ([torch.zeros(3, 4, 4, dtype=torch.int64)], {}, "int64"),
    ],
)
def test_grid_names_what_is_wrong(images, options, message):
    with pytest.raises(ValueError, match=message):
        figures.image_grid(images, **options)


# --- controls


def test_explore_outside_of_a_notebook_prints_its_static_form(capsys):
    drawn = []
    widgets.explore(lambda **values: drawn.append(values) or figure(), alt="A line", layer=range(3), head=["a", "b"])
    assert drawn == [{"layer": 0, "head": "a"}, {"layer": 2, "head": "b"}]
    out = capsys.readouterr().out
    assert "layer (3 values), head (2 values)" in out and "layer 0, head a | layer 2, head b" in out


def test_explore_names_values(capsys):
    drawn = []
    heads = {"mean of all": None, "first": [1]}  # any value will do, also one that cannot be hashed
    widgets.explore(lambda head: drawn.append(head) or figure(), alt=lambda head: f"head {head}", head=heads)
    assert drawn == [None, [1]]
    assert "shown: head mean of all | head first" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({}, "at least one setting"),
        ({"layer": []}, "at least one value of 'layer'"),
        ({"layer": [1, "1"]}, "two values of 'layer' read the same: 1, 1"),
    ],
)
def test_explore_needs_values(choices, message):
    with pytest.raises(ValueError, match=message):
        widgets.explore(lambda **values: figure(), alt="A line", **choices)


def test_a_typed_setting_shows_its_first_and_last_example_where_nothing_runs(capsys):
    drawn = []
    texts = widgets.Typed("a cat", "a dog", "a bird")
    widgets.explore(lambda text: drawn.append(text) or figure(), alt=lambda text: f"for {text}", text=texts)
    assert drawn == ["a cat", "a bird"]
    assert "text (any text); shown: text a cat | text a bird" in capsys.readouterr().out
    with pytest.raises(ValueError, match="a typed setting needs an example"):
        widgets.Typed()


# --- the curve


def test_curve_shows_loss_and_evaluations_and_says_them():
    fig = live.curve(history(), "ViT")
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["ViT: loss", "accuracy"]
    assert list(fig.axes[0].lines[0].get_ydata()) == history().losses
    text = live.describe(history(), "ViT")
    assert text.startswith("ViT: loss by step, from 2.98 to 2.0") and "after 30 steps; accuracy 0.75." in text


def test_live_frame_stays_small_and_escapes():
    frame = live._frame(history(20_000, 40_000), "<b>")["text/html"]
    assert len(frame) < 3000 and "step 20000 of 40000" in frame and "<b>" not in frame


def test_live_curve_does_nothing_outside_of_a_notebook(capsys):
    listen = live.live_curve()
    assert listen(None) is None and capsys.readouterr().out == ""


def test_importing_them_imports_nothing_heavy():
    code = (
        "import sys, mmlearn.course.figures, mmlearn.course.widgets, mmlearn.course.live, mmlearn.train;"
        "print([name for name in ('matplotlib', 'IPython', 'ipywidgets', 'PIL') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


# --- in a kernel

SETUP = """
import torch
from matplotlib import pyplot as plt
from mmlearn import train
from mmlearn.course.figures import show
from mmlearn.course.widgets import explore
from mmlearn.course.live import live_curve
"""
TRAIN = """
model = torch.nn.Linear(3, 1)
train.fit(model, lambda m, x: m(x).square().mean(), [torch.ones(2, 3)], steps=20, device="cpu",
          evaluate=lambda m: {"size": m.weight.norm()}, on_event=live_curve("Toy"))
"""
EXPLORE = """
drawn = []
def draw(layer, kind):
    drawn.append((layer, kind))
    if layer == 5:
        raise RuntimeError("no such layer")
    fig, ax = plt.subplots(figsize=(2, 1))
    ax.plot([layer, 1])
    return fig
explore(draw, alt="A line", layer=[0, 5, 3], kind={"a": "a", "b": "b"})
"""
MOVE = """
from ipywidgets.widgets.widget import _instances
widgets = list(_instances.values())
slider = next(w for w in widgets if type(w).__name__ == "SelectionSlider")
menu = next(w for w in widgets if type(w).__name__ == "Dropdown")
canvas = next(w for w in widgets if type(w).__name__ == "HTML")
alts = [canvas.value.split('"')[1]]
for value in ('3', '0', '5'):
    slider.value = value
    alts.append(canvas.value.split('"')[1] if "img" in canvas.value else canvas.value)
print(alts, drawn, slider.description, slider.options, menu.options, plt.get_fignums(), sep="\\n")
"""
TYPE = """
from mmlearn.course.widgets import Typed
before = set(_instances)
explore(lambda text: plt.figure(figsize=(1, 1)), alt=lambda text: f"for {text!r}", text=Typed("a cat", "a dog"))
made = [widget for key, widget in _instances.items() if key not in before]
field = next(w for w in made if type(w).__name__ == "Text")
canvas = next(w for w in made if type(w).__name__ == "HTML")
shown = [canvas.value.split('"')[1]]
field.value = "what nobody <foresaw>"
print(field.description, field.continuous_update, [*shown, canvas.value.split('"')[1]])
"""


@pytest.fixture(scope="module")
def outputs():
    """The outputs that a notebook keeps of the cells above."""
    import nbformat
    from nbclient import NotebookClient

    cells = [nbformat.v4.new_code_cell(source.strip()) for source in (SETUP, TRAIN, EXPLORE, MOVE, TYPE)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120, kernel_name="python3", coalesce_streams=True).execute()
    return [cell.outputs for cell in notebook.cells]


def test_a_notebook_keeps_the_final_curve_and_one_line_of_progress(outputs):
    curves = [output.data for output in outputs[1] if output.output_type == "display_data"]
    assert len(curves) == 1 and "after 20 steps; size" in curves[0]["text/plain"]
    assert png(curves[0]["text/html"]).size == (990, 352)
    lines = [output.text for output in outputs[1] if output.output_type == "stream"]
    assert len(lines) == 1 and lines[0].count("\n") == 1 and "20/20" in lines[0]


def test_explore_in_a_notebook_has_a_widget_and_two_settings_beside_it(outputs):
    (output,) = outputs[2]
    assert output.data["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert re.findall(r'alt="([^"]+)"', output.data["text/html"]) == [
        "A line (layer 0, kind a)",
        "A line (layer 3, kind b)",
    ]


def test_moving_the_slider_redraws_describes_remembers_and_shows_errors(outputs):
    (output,) = outputs[3]
    alts, drawn, label, steps, menu, open_figures = output.text.splitlines()
    error = "<pre>RuntimeError: no such layer</pre>"
    assert alts == str(["A line (layer 0, kind a)", "A line (layer 3, kind a)", "A line (layer 0, kind a)", error])
    assert drawn == "[(0, 'a'), (3, 'b'), (3, 'a'), (5, 'a')]"  # layer 0 was not drawn again
    assert (label, menu, open_figures) == ("layer", "('a', 'b')", "[]")
    assert steps == "('0', '3', '5')"  # from low to high, in whatever order they were named


def test_typing_redraws_for_any_text(outputs):
    text = next(output.text for output in outputs[4] if output.output_type == "stream")
    assert text == "text False [\"for &#x27;a cat&#x27;\", 'for &#x27;what nobody &lt;foresaw&gt;&#x27;']\n" or (
        "a cat" in text and "what nobody &lt;foresaw&gt;" in text
    )
