"""Small files of a learner's own, each with named entries: read with care, replaced whole, one kernel at a time."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from mmlearn.files import write_whole

VERSION = 1
Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Store(Generic[Entry]):
    """What a file holds: `{"version": 1, "guesses": {"vit.more-images": {...}}}`.

    Attributes:
        part: the key of the entries, such as `"guesses"`.
        load: makes an entry of what JSON gave, or raises a ValueError, KeyError, TypeError or AttributeError.
        dump: makes of an entry what JSON takes.
        advice: what a learner reads when the file is damaged: what it holds, and what to do.
    """

    part: str
    load: Callable[[Any], Entry]
    dump: Callable[[Entry], dict]
    advice: str

    def read(self, file: Path) -> dict[str, Entry]:
        """All entries by name; none where there is no file.

        Raises:
            OSError: the file cannot be opened.
            ValueError: the file is damaged; the message says what to do.
        """
        if not file.exists():
            return {}
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            if content["version"] != VERSION:
                raise ValueError(f"version {content['version']}")
            return {name: self.load(entry) for name, entry in content[self.part].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{file} cannot be read ({error}). {self.advice}") from error

    @contextmanager
    def change(self, file: Path) -> Iterator[dict[str, Entry]]:
        """The entries, to be changed inside a `with`; they are written at its end.

        Two kernels may change a file at once; it is replaced whole or not at all.

        Raises:
            OSError: the folder cannot be written, or another kernel held the file for 10 seconds.
            ValueError: the file is damaged.
        """
        from filelock import FileLock

        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=10):
            entries = self.read(file)
            yield entries
            content = {"version": VERSION, self.part: {name: self.dump(entry) for name, entry in entries.items()}}
            write_whole(file, (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())
