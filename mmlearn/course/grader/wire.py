"""What leaves a learner's process: named numbers and text as bytes, bounded, and nothing that could run.

The bytes are not trusted: a learner's code may have written them itself. So the reading side takes no more of them than
the format can hold, and a forged message is worth what it says: results, to be held against the reference's.
"""

import json
import math
from collections.abc import Mapping

import torch
from torch import Tensor

from mmlearn.course.judge import describe
from mmlearn.course.probe import Foreign, Raised, Result

MAX_BYTES = 32 * 2**20  # of a whole answer; the largest of the course has less than a hundredth
MAX_TENSOR = 8 * 2**20  # bytes
MAX_TEXT = 100_000  # characters
MAX_WORDS = 1000  # characters of what is told to people
MAX_HEAD = 4 * 2**20  # bytes; as JSON can take twenty times as many when it is read
INTEGERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
FLOATS = (torch.bfloat16, torch.float16, torch.float32, torch.float64)
DTYPES = {*INTEGERS, *FLOATS, torch.complex64, torch.complex128}
LENGTH = 8  # bytes that give the length of the head

Answers = Mapping[int, Mapping[str, Result]]  # results by name, for every seed


def pack(head: dict, answers: Answers) -> bytes:
    """A head and the results of a probe, in the learner's process.

    Args:
        head: JSON; `results` is taken.
    """
    from safetensors.torch import save

    tensors: dict[str, Tensor] = {}
    texts = {
        str(seed): {name: _packed(value, f"{seed}/{name}", tensors) for name, value in results.items()}
        for seed, results in answers.items()
    }
    body = json.dumps({**head, "results": texts}).encode()
    return len(body).to_bytes(LENGTH, "little") + body + save(tensors)


def unpack(content: bytes) -> tuple[dict, dict[int, dict[str, Result]]]:
    """Head and results.

    Raises:
        ValueError: the bytes are not what `pack` writes.
    """
    from safetensors.torch import load

    try:
        body, tensors = _headed(content)
        _headed(tensors)  # a head of its own, as large as it likes
        head, tensors = json.loads(body), load(tensors)
        texts = head.pop("results")
        told = {
            "state": _words(head["state"]),
            "detail": _words(head["detail"]),
            "notes": list(map(_words, head["notes"])),
        }
        answers = {
            int(seed): {str(name): _unpacked(value, f"{seed}/{name}", tensors) for name, value in results.items()}
            for seed, results in texts.items()
        }
    # Any error at all: these bytes may be anything, and they are handed to three parsers.
    except Exception as error:
        raise ValueError(f"not an answer of a learner's process: {type(error).__name__}") from error
    return told, answers


def _headed(content: bytes) -> tuple[bytes, bytes]:
    """A head, its length before it, and the rest.

    Raises:
        ValueError: it says that it is larger than any answer's.
    """
    length = int.from_bytes(content[:LENGTH], "little")
    if length > MAX_HEAD:
        raise ValueError("a head that is too large")
    return content[LENGTH : LENGTH + length], content[LENGTH + length :]


def _words(value: object) -> str:
    """Text for people: cut, and without halves of characters, which no file could hold."""
    return str(value)[:MAX_WORDS].encode(errors="backslashreplace").decode()


def _packed(value: Result, key: str, tensors: dict[str, Tensor]) -> list:
    """A result as JSON; a tensor goes into `tensors`, the rest is named by its kind. Whatever it is, others count."""
    try:
        return _packed_kind(value, key, tensors)
    except Exception:  # some tensors have no shape, no numbers or no words
        return ["foreign", f"a {type(value).__name__} that cannot be read"]


def _packed_kind(value: Result, key: str, tensors: dict[str, Tensor]) -> list:
    kind = type(value)
    if isinstance(value, Tensor):
        plain = _transportable(value)
        if plain is None:
            return ["foreign", _foreign_tensor(value)]
        # What is kept in files has no complex numbers.
        tensors[key] = torch.view_as_real(plain).contiguous() if plain.is_complex() else plain
        return ["complex" if plain.is_complex() else "tensor"]
    if kind is bool or (kind is int and abs(value) < 10**30):
        return [kind.__name__, str(value)]
    if kind is float:
        return ["float", value.hex()]
    if kind in (str, bytes) and len(value) <= MAX_TEXT:
        return ["str", value] if kind is str else ["bytes", value.hex()]
    if kind is Raised:
        return ["raised", *map(_words, (value.kind, value.text, value.line))]
    return ["foreign", _words(describe(value))]


def _unpacked(value: list, key: str, tensors: Mapping[str, Tensor]) -> Result:
    kind, *rest = value
    if kind == "raised":
        return Raised(*map(_words, rest))
    make = {
        "tensor": lambda: tensors[key],
        "complex": lambda: torch.view_as_complex(tensors[key]),
        "bool": lambda text: text == "True",
        "int": int,
        "float": float.fromhex,
        "str": lambda text: str(text).encode(errors="backslashreplace").decode(),
        "bytes": bytes.fromhex,
        "foreign": lambda words: Foreign(_words(words)),
    }
    return make[kind](*rest)


def _transportable(value: Tensor) -> Tensor | None:
    """The tensor alone in its memory, or None where no judge would compare it."""
    if value.layout != torch.strided or value.is_meta or value.dtype not in DTYPES:
        return None
    if math.prod(value.shape) * value.element_size() > MAX_TENSOR:
        return None
    return value.detach().resolve_conj().resolve_neg().cpu().clone(memory_format=torch.contiguous_format)


def _foreign_tensor(value: Tensor) -> str:
    if value.is_meta:
        return f"{describe(value)} without numbers (device meta)"
    if value.layout != torch.strided:
        return f"{describe(value)} in the layout {value.layout}"
    if value.dtype not in DTYPES:
        return f"{describe(value)}, a kind of numbers that no exercise has"
    return f"{describe(value)}, too large to be compared"
