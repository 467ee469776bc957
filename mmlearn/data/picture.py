"""A `datasets` feature that holds encoded pictures and hands them out at the size a lesson wants."""

import io
import warnings
from dataclasses import dataclass, field

import datasets
import PIL.Image
from datasets.features.features import register_feature


@dataclass
class Picture(datasets.Image):
    """Like `datasets.Image`, but decoded as RGB of `size` by `size` pixels (Lanczos), when an item is looked at.

    A feature, rather than a transform of the data set: so `filter`, `map` and `with_format` decode only the pictures
    that they touch, and never fall back to the stored size.
    """

    size: int = 64
    _type: str = field(default="Picture", init=False, repr=False)

    def decode_example(self, value, token_per_repo_id=None) -> PIL.Image.Image:
        """The PIL image of a stored value; an image that is already decoded comes back as it is."""
        if not isinstance(value, dict):
            return value
        with PIL.Image.open(io.BytesIO(value["bytes"])) as stored:
            image = stored.convert("RGB")
        if image.size == (self.size, self.size):
            return image
        return image.resize((self.size, self.size), PIL.Image.Resampling.LANCZOS)


# Known to `datasets` by name, so that `map` can write the column and read it back. It warns of being experimental.
with warnings.catch_warnings(action="ignore", category=UserWarning):
    register_feature(Picture, "Picture")
