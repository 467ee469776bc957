"""Shared by all committed sets: shards as Arrow tables, read once in a process, and tables as `datasets` objects."""

from functools import lru_cache
from pathlib import Path

from mmlearn.data import shards


@lru_cache(maxsize=64)
def read(home: Path, file: str):
    """A shard as an Arrow table: read and compared with the manifest once in a process.

    Raises:
        DataError: the file is missing or is not what the manifest describes.
    """
    return parse(shards.read_shard(home, file, shards.read_manifest(home)))


def parse(content: bytes):
    """The bytes of a shard as an Arrow table."""
    import pyarrow.parquet as parquet
    from pyarrow import BufferReader

    return parquet.read_table(BufferReader(content)).replace_schema_metadata(None)


def to_dataset(table, name: str, split: str, licence: str, **features):
    """An Arrow table as a `datasets.Dataset` in memory.

    Args:
        features: columns whose feature is not what Arrow's type says, such as `image=Picture(size=32)`.
    """
    import datasets

    datasets.disable_progress_bars()  # reading and filtering a few thousand rows takes a moment
    described = datasets.Features.from_arrow_schema(table.schema)
    for column, feature in features.items():
        described[column] = feature
    return datasets.Dataset(
        datasets.table.InMemoryTable(table),
        info=datasets.DatasetInfo(features=described, dataset_name=name, license=licence),
        split=datasets.NamedSplit(split),
    )


def check_split(name: str, split: str, known) -> None:
    """Refuse a split that the set does not have, with the list of those it has."""
    if split not in known:
        raise ValueError(f"The {name} set has no split {split!r}. It has: {', '.join(known)}.")


def check_size(size: int, smallest: int, largest: int) -> None:
    """Refuse a picture size that is no whole number of pixels, or that the set cannot give."""
    if isinstance(size, bool) or not isinstance(size, int) or not smallest <= size <= largest:
        raise ValueError(f"size must be a whole number of pixels from {smallest} to {largest}, not {size!r}.")
