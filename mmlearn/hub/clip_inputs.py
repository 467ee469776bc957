"""What stands before a released CLIP: its tokenizer files, and how pictures become its input.

Shape letters: B pictures or texts, C channels, Y and X rows and columns of pixels, L tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mmlearn.hub.files import OPEN_CLIP, find, read_json
from mmlearn.hub.layout import only, pair
from mmlearn.models.clip_tokenizer import Tokenizer

if TYPE_CHECKING:
    from PIL.Image import Image

CONTEXT = 77
# Means and spreads of the red, green and blue of OpenAI's training pictures, from 0 to 1; nearly all CLIPs keep them.
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
BICUBIC = 3  # Pillow's number for it


@dataclass(frozen=True)
class Inputs:
    """Pictures and texts as a released CLIP reads them.

    Attributes:
        tokenizer: its own.
        shortest: rows or columns of a resized picture, whichever are fewer.
        size: rows and columns of what is cut from its middle.
        mean, std: of the channels, from 0 to 1.
        rounded: whether half a pixel at the margin of the cut is rounded to the even number, as open_clip does it, or
            down, as transformers does.
    """

    tokenizer: Tokenizer
    shortest: int
    size: tuple[int, int]
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD
    rounded: bool = False

    def texts(self, texts: str | Sequence[str]) -> Tensor:
        """Token numbers, `[B, L]`. A text too long loses its last tokens."""
        return self.tokenizer(texts)

    def images(self, pictures: "Image | Sequence[Image]") -> Tensor:
        """Pillow images of any size and mode, to `[B, 3, Y, X]`.

        Laid on white where transparent, resized bicubically until the shorter side fits, cut to the middle, from 0 to
        1, less the mean, by the spread.
        """
        many = pictures if isinstance(pictures, Sequence) else [pictures]
        return torch.stack([self._prepared(picture) for picture in many])

    def _prepared(self, picture: "Image") -> Tensor:
        import numpy as np

        picture = _on_white(picture)
        wide, high = (int(self.shortest * side / min(picture.size)) for side in picture.size)
        picture = picture.resize((wide, high), resample=BICUBIC)
        rows, columns = self.size
        left, top = ((round(more / 2) if self.rounded else more // 2) for more in (wide - columns, high - rows))
        picture = picture.crop((left, top, left + columns, top + rows))  # black where it is too small
        pixels_CYX = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
        mean_C11, std_C11 = (torch.tensor(values).view(-1, 1, 1) for values in (self.mean, self.std))
        return (pixels_CYX - mean_C11) / std_C11


def _on_white(picture: "Image") -> "Image":
    """In red, green and blue."""
    from PIL import Image

    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def inputs(folder_or_repo: str | Path) -> Inputs:
    """The tokenizer and the preprocessing of a released CLIP.

    Args:
        folder_or_repo: as in `hub.load`. Read are `preprocessor_config.json` or else `open_clip_config.json`, and
            `vocab.json` with `merges.txt` or else `tokenizer.json`.

    Raises:
        FileNotFoundError: a file is missing.
        ConnectionError: as in `hub.load`.
        ValueError: a file says something that is not supported, or vocabulary and merges do not fit together.
    """
    folder = find(folder_or_repo).folder
    if (folder / "preprocessor_config.json").is_file():
        return _of_transformers(folder)
    if (folder / OPEN_CLIP).is_file():
        return _of_open_clip(folder)
    raise FileNotFoundError(f"{folder} has neither preprocessor_config.json nor {OPEN_CLIP}")


def _of_transformers(folder: Path) -> Inputs:
    given, where = read_json(folder / "preprocessor_config.json"), f"{folder}/preprocessor_config.json"
    steps = ("convert_rgb", "resize", "center_crop", "rescale", "normalize")
    only(where, given, resample=BICUBIC, rescale_factor=1 / 255, **{f"do_{step}": True for step in steps})
    size, crop = given.get("size", 224), given.get("crop_size", 224)
    shortest = size if isinstance(size, int) else size.get("shortest_edge")
    if shortest is None:
        raise ValueError(f"{where} says size = {size}; only a shortest_edge is supported")
    cut = (crop, crop) if isinstance(crop, int) else (crop["height"], crop["width"])
    config = read_json(folder / "config.json") if (folder / "config.json").is_file() else {}
    context = (config.get("text_config") or {}).get("max_position_embeddings", CONTEXT)
    mean, std = (tuple(given.get(name, usual)) for name, usual in (("image_mean", MEAN), ("image_std", STD)))
    return Inputs(_tokenizer(folder, context), shortest, cut, mean, std)


def _of_open_clip(folder: Path) -> Inputs:
    given, where = read_json(folder / OPEN_CLIP), f"{folder}/{OPEN_CLIP}"
    picture, model = given.get("preprocess_cfg", {}), given.get("model_cfg", {})
    only(f"{where}, preprocess_cfg,", picture, mode="RGB", interpolation="bicubic", resize_mode="shortest")
    rows, columns = pair(model.get("vision_cfg", {}).get("image_size", 224))
    if rows != columns:
        raise ValueError(f"{where} says image_size = {[rows, columns]}; only square pictures are supported")
    context = model.get("text_cfg", {}).get("context_length", CONTEXT)
    mean, std = (tuple(picture.get(name, usual)) for name, usual in (("mean", MEAN), ("std", STD)))
    return Inputs(_tokenizer(folder, context), rows, (rows, columns), mean, std, rounded=True)


def _tokenizer(folder: Path, context: int) -> Tokenizer:
    vocabulary, merges, names = _vocabulary(folder)
    wrong = [merge for merge in merges if len(merge) != 2]
    if wrong:
        raise ValueError(f"{folder}, {names}: a merge has two symbols, not {' '.join(wrong[0])!r}")
    tokenizer = Tokenizer(merges, context)
    if vocabulary != tokenizer.numbers:
        raise ValueError(
            f"{folder}, {names}: the vocabulary is not that of the merges, which is 256 bytes, 256 at the end of a "
            f"word, {len(merges)} merges, start and end; it is not CLIP's, or the files are damaged"
        )
    return tokenizer


def _vocabulary(folder: Path) -> tuple[dict[str, int], list[tuple[str, ...]], str]:
    """Numbers by token, the merges, and the names of the files."""
    if all((folder / name).is_file() for name in ("vocab.json", "merges.txt")):
        lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
        merges = [line for line in lines if line and not line.startswith("#version")]
        vocabulary, names = read_json(folder / "vocab.json"), "vocab.json and merges.txt"
    elif (folder / "tokenizer.json").is_file():  # all that transformers 5 writes
        model = read_json(folder / "tokenizer.json").get("model", {})
        vocabulary, merges, names = model.get("vocab"), model.get("merges", []), "tokenizer.json"
    else:
        raise FileNotFoundError(f"{folder} has no tokenizer: neither vocab.json with merges.txt nor tokenizer.json")
    return vocabulary, [tuple(line.split() if isinstance(line, str) else line) for line in merges], names
