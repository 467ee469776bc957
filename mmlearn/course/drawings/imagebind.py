"""Lesson 03's pictures.

Shape letters: B pictures, C channels, Y and X rows and columns of pixels, M bins and F frames of a spectrogram.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from mmlearn.course.drawings.page import Page
from mmlearn.course.drawings.sound import LOOK
from mmlearn.course.figures import COLOURS, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BOUND, NEVER = COLOURS[0], COLOURS[1]
BOX = {"boxstyle": "round,pad=0.5", "fc": "#f2f2f2", "ec": "#555555"}


@styled
def idea(image_CYX: Tensor, text: str, spectrogram_MF: Tensor) -> "Figure":
    """The whole model in one picture: three trunks, one space, and which pairs there were to learn from.

    Args:
        image_CYX: from 0 to 1.
        spectrogram_MF: of the text, spoken.
    """
    page = Page(9, 5.3)
    middles = {"text": 1.45, "image": 4.5, "audio": 7.55}
    said = {
        "text": "text trunk of lesson 02,\nfrozen",
        "image": "image trunk of lesson 02,\nfrozen",
        "audio": "audio trunk,\nwhich you write and train",
    }
    page.text(middles["text"], 4.2, f"“{text}”", ha="center", va="center", fontsize=15)
    page.picture(3.85, 3.55, 1.3, 1.3, image_CYX.permute(1, 2, 0))
    _sound(page, 6.35, 3.7, 2.4, 1.0, spectrogram_MF)
    page.text(middles["audio"], 3.52, "the name, spoken", ha="center", va="center", fontsize=9.5, color="#444444")
    for name, x in middles.items():
        page.text(x, 5.08, name, ha="center", va="center", weight="bold")
        page.arrow((x, 3.38), (x, 3.02))
        page.text(x, 2.68, said[name], ha="center", va="center", bbox=BOX, fontsize=10)
        page.arrow((x, 2.33), (x, 1.95))
        page.text(x, 1.68, "a vector", ha="center", va="center", fontsize=10.5, bbox=BOX | {"fc": "#dceaf5"})
    line = {"color": BOUND, "lw": 2.4, "linestyle": "-"}
    for left, right, said_of_it in (
        (middles["text"], middles["image"], "pairs: lesson 02"),
        (middles["image"], middles["audio"], "pairs: this lesson"),
    ):
        page.canvas.plot([left + 0.62, right - 0.62], [1.68, 1.68], **line)
        page.text((left + right) / 2, 1.8, said_of_it, ha="center", fontsize=10, color=BOUND)
    x = [middles["text"], middles["text"], middles["audio"], middles["audio"]]
    page.canvas.plot(x, [1.38, 0.75, 0.75, 1.38], color=NEVER, lw=2.2, linestyle=(0, (5, 2)))
    page.text(4.5, 0.88, "never a pair of these two", ha="center", fontsize=10.5, color=NEVER)
    page.text(4.5, 0.36, "Do they meet all the same?", ha="center", fontsize=12, weight="bold")
    return page.fig


@styled
def patches_of(spectrogram_MF: Tensor, length: int, stride: int) -> "Figure":
    """A spectrogram, and below it a bar for each patch: from which frame to which one it reaches.

    Args:
        length, stride: frames of a patch, and from each to the next. Patches are as high as the spectrogram.
    """
    M, F = spectrogram_MF.shape
    count = 1 + (F - length) // stride
    rows = -(-length // stride)  # bars that would lie over each other stand in as many rows
    page = Page(9, 2.75 + 0.3 * rows)
    bottom, left, width = 0.55 + 0.3 * rows, 0.55, 8.2
    _sound(page, left, bottom, width, 1.8, spectrogram_MF)
    page.text(left, bottom + 1.92, f"{M} mel bins, {F} frames: {count} patches of {M} × {length}", weight="bold")
    page.text(0.28, bottom + 0.9, "mel bins", rotation=90, ha="center", va="center", fontsize=10)
    for number in range(count):
        first, last = (left + width * edge / F for edge in (number * stride, number * stride + length))
        y = bottom - 0.22 - 0.3 * (number % rows)
        colour = COLOURS[number % 2]
        page.canvas.plot([first + 0.03, last - 0.03], [y, y], color=colour, lw=7, linestyle="-", solid_capstyle="butt")
        face = {"boxstyle": "round,pad=0.2", "fc": "white", "ec": colour}
        page.text((first + last) / 2, y, f"patch {number + 1}", ha="center", va="center", fontsize=9.5, bbox=face)
    page.text(left + width / 2, 0.2, "time", ha="center", va="center", fontsize=10)
    return page.fig


@styled
def sum_of_both(
    image_CYX: Tensor, spectrogram_MF: Tensor, words: str, found: Sequence[Tensor], names: Sequence[str], share: float
) -> "Figure":
    """A picture plus a sound, and the pictures nearest to their sum.

    Args:
        image_CYX, found: from 0 to 1.
        names: of the pictures found.
        share: that of the sound.
    """
    page = Page(9, 2.05)
    page.picture(0.15, 0.5, 1.15, 1.15, image_CYX.permute(1, 2, 0))
    page.text(0.72, 0.3, f"{1 - share:.2g} of it", ha="center", va="center", fontsize=9.5)
    page.text(1.55, 1.07, "+", ha="center", va="center", fontsize=20)
    _sound(page, 1.8, 0.62, 1.55, 0.9, spectrogram_MF)
    page.text(2.57, 1.7, f"“{words}”", ha="center", va="center", fontsize=10)
    page.text(2.57, 0.3, f"{share:.2g} of it", ha="center", va="center", fontsize=9.5)
    page.arrow((3.45, 1.07), (3.85, 1.07))
    side, gap = 0.9, 0.09
    for index, (picture, name) in enumerate(zip(found, names, strict=True)):
        left = 4.0 + index * (side + gap)
        page.picture(left, 0.62, side, side, picture.permute(1, 2, 0))
        page.text(left + side / 2, 0.52, _folded(name), ha="center", va="top", fontsize=8, linespacing=1.0)
    page.text(4.0, 1.72, "the nearest pictures", fontsize=10.5, weight="bold")
    return page.fig


def _sound(page: Page, left: float, bottom: float, width: float, height: float, spectrogram_MF: Tensor):
    return page.picture(left, bottom, width, height, spectrogram_MF, **LOOK)


def _folded(name: str, width: int = 14, lines: int = 3) -> str:
    import textwrap

    folded = textwrap.wrap(name, width)
    return "\n".join(folded[:lines])
