"""Lesson 02's pictures.

Shape letters: B images, K texts, C channels, Y and X rows and columns of pixels.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from mmlearn.course.drawings.page import Page
from mmlearn.course.figures import COLOURS, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARK = COLOURS[1]
CELL = 0.78  # inches, of a matrix
LONGEST = 26  # characters of a label


@styled
def score_matrix(
    images_BCYX: Tensor, texts: Sequence[str], scores_BK: Tensor, *, partners: bool = True, title: str = ""
) -> "Figure":
    """Images as rows, texts as columns, and in each cell how well the two fit.

    Args:
        images_BCYX: from 0 to 1, `[B, 3, Y, X]`.
        texts: K.
        scores_BK: cosines, -1 to 1.
        partners: frame the diagonal, where partners stand.

    Raises:
        ValueError: the numbers of images, texts and scores do not fit.
    """
    B, K = len(images_BCYX), len(texts)
    if scores_BK.shape != (B, K):
        raise ValueError(f"{B} images and {K} texts need scores [{B}, {K}]; got {list(scores_BK.shape)}")
    names = [_short(text) for text in texts]
    above = 0.45 + 0.068 * max(map(len, names)) + (0.3 if title else 0)
    page = Page(CELL * (K + 1) + 1.75, CELL * B + above + 0.1)
    _matrix(page, (CELL + 0.2, 0.1), images_BCYX, names, scores_BK, partners)
    if title:
        page.text(0.1, page.height - 0.27, title, weight="bold", fontsize=12)
    return page.fig


def _matrix(page: Page, corner: tuple[float, float], images_BCYX, names, scores_BK, partners: bool) -> None:
    """The pictures to the left of `corner`, the names above, the matrix with its colour bar to the right."""
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import MaxNLocator

    left, bottom = corner
    B, K = scores_BK.shape
    largest = max(scores_BK.abs().max().item(), 1e-6)
    ax = page.picture(left, bottom, CELL * K, CELL * B, scores_BK, cmap="viridis", vmin=-largest, vmax=largest)
    for row in range(B):
        side = CELL - 0.08
        page.picture(left - CELL, bottom + CELL * (B - 1 - row) + 0.04, side, side, images_BCYX[row].permute(1, 2, 0))
        for column in range(K):
            score = scores_BK[row, column].item()
            colour = "white" if score < -0.15 * largest else "black"  # what differs more from viridis there
            ax.text(column, row, f"{score:.2f}".replace("-", "−"), ha="center", va="center", fontsize=9, color=colour)
    for column, name in enumerate(names):
        x = left + CELL * (column + 0.5)
        page.text(x - 0.08, bottom + CELL * B + 0.08, name, rotation=50, ha="left", va="bottom", fontsize=10)
    for place in range(min(B, K) if partners else 0):
        ax.add_patch(Rectangle((place - 0.5, place - 0.5), 1, 1, fill=False, ec=MARK, lw=2.6))
    bar = page.colour_bar(left + CELL * K + 0.15, bottom, CELL * B, ax, "cosine")
    bar.yaxis.set_major_locator(MaxNLocator(5, prune="both"))  # a number at the very end would leave the page


@styled
def idea(images_BCYX: Tensor, texts: Sequence[str], scores_BK: Tensor) -> "Figure":
    """The whole model in one picture: two encoders, two sets of vectors, a matrix whose diagonal should be high."""
    B, K = scores_BK.shape
    names = [_short(text) for text in texts]
    above = 0.35 + 0.068 * max(map(len, names))
    width, height = 2.75 + CELL * (K + 1) + 1.5, max(CELL * B + above, 4.4)
    page = Page(width, height)
    box = {"boxstyle": "round,pad=0.5", "fc": "#f2f2f2", "ec": "#555555"}
    steps = {
        0.82: "image encoder:\na Vision Transformer;\na vector for each row",
        0.5: "text encoder:\na causal transformer;\na vector for each column",
        0.18: "the cosine of every row\nwith every column;\npartners should be high",
    }
    for share, text in steps.items():
        page.text(1.12, share * height, text, ha="center", va="center", bbox=box)
    page.arrow((1.12, 0.5 * height - 0.48), (1.12, 0.18 * height + 0.48))
    page.canvas.plot([2.1, 2.35, 2.35, 1.12], [0.82 * height] * 2 + [0.33 * height] * 2, color="#444444", lw=1.6)
    page.arrow((2.15, 0.18 * height), (2.8, 0.18 * height))
    _matrix(page, (2.85 + CELL, 0.08), images_BCYX, names, scores_BK, partners=True)
    return page.fig


@styled
def tokens(text: str, pieces: Sequence[str], numbers: Sequence[int]) -> "Figure":
    """A text cut into tokens: each a box with its number below.

    Args:
        pieces: the names of the tokens; `</w>` ends a word.
        numbers: one for each.
    """
    places, left, line = [], 0.15, 0
    shown = [piece.replace("</w>", "·") for piece in pieces]
    for piece in shown:
        wide = 0.2 + 0.095 * len(piece)
        if left + wide > 8.8:
            left, line = 0.15, line + 1
        places.append((left + wide / 2, line))
        left += wide + 0.24
    page = Page(9, 0.5 + 0.85 * (line + 1))
    page.text(0.15, page.height - 0.28, f"{_short(text, 70)!r} as {len(pieces)} tokens", weight="bold")
    for index, ((x, line), piece, number) in enumerate(zip(places, shown, numbers, strict=True)):
        y = page.height - 0.72 - 0.85 * line
        face = "#f2f2f2" if index % 2 else "#dceaf5"
        box = {"boxstyle": "round,pad=0.35", "fc": face, "ec": "#777777"}
        page.text(x, y, piece, ha="center", va="center", family="monospace", bbox=box)
        page.text(x, y - 0.36, str(number), ha="center", va="center", fontsize=9, color="#444444")
    return page.fig


@styled
def shares(image_CYX: Tensor, names: Sequence[str], shares_K: Tensor, title: str = "") -> "Figure":
    """A picture, and as bars what share of the probability each name gets.

    Args:
        image_CYX: from 0 to 1.
        shares_K: they sum to 1.
    """
    rows = len(names)
    page = Page(8.2, max(0.34 * rows + 0.75, 2.5))
    page.picture(0.2, page.height / 2 - 0.95, 1.9, 1.9, image_CYX.permute(1, 2, 0))
    ax = page.axes(4.3, 0.5, 3.4, page.height - 0.9)
    colours = [MARK if share == shares_K.max() else "#9a9a9a" for share in shares_K]
    ax.barh(range(rows), shares_K.tolist(), color=colours, height=0.7)
    for row, share in enumerate(shares_K.tolist()):
        ax.text(share + 0.015, row, f"{share:.0%}", va="center", fontsize=10)
    ax.set(yticks=range(rows), xlim=(0, 1.12), xlabel="share of the probability", title=title)
    ax.set_yticklabels([_short(name) for name in names])
    ax.set_xticks([0, 0.5, 1])
    ax.invert_yaxis()
    ax.grid(False)
    return page.fig


def _short(text: str, longest: int = LONGEST) -> str:
    """A text cut where it is long."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
