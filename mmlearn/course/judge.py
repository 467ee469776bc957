"""Judging: hold the results of a probe against what the reference gave for the same probe."""

import math
from itertools import zip_longest

import torch
from torch import Tensor

from mmlearn.course.probe import Foreign, Raised, Result

# Honest solutions differ by the order of float32 sums, about 1e-6 of the largest value; mistakes by far more.
TOLERANCE = 1e-4
NOT_WRITTEN = "not written yet"
SEE_ABOVE = "see above"
NUMBERS_DIFFER = "the numbers differ"


def difference(expected: Result, got: Result) -> str | None:
    """Say in what `got` differs from `expected`; None where they agree.

    Numbers agree within `TOLERANCE` of the largest expected one; types, shapes, dtypes and text agree exactly. Two
    `Raised` agree when their kinds do. A list is recorded as text, one item a line, and the first that differs is told;
    a line may say, before a tab, what was asked.
    """
    if is_stub(got):
        return NOT_WRITTEN
    if isinstance(expected, Raised):
        if not isinstance(got, Raised):
            return f"should raise {expected.kind} ({expected.text}); it returned {describe(got)}"
        return None if got.kind == expected.kind else f"should raise {expected.kind}; {explain(got)}"
    if isinstance(got, Raised):
        return explain(got)
    if isinstance(expected, Tensor):
        return _tensor_difference(expected, got)
    if type(got) is not type(expected):
        return f"expected {describe(expected)}; got {describe(got)}"
    if isinstance(expected, float):
        near = got == expected or abs(got - expected) <= TOLERANCE * abs(expected) < math.inf
        return None if near else f"expected {expected:.6g}; got {got:.6g}"
    if isinstance(expected, list | tuple):  # tensors in a list cannot be compared by ==
        same = len(got) == len(expected) and all(difference(e, g) is None for e, g in zip(expected, got, strict=True))
        return None if same else f"expected another {describe(expected)}"
    if got == expected:
        return None
    return _text_difference(expected, got) if isinstance(expected, str) else f"expected {expected!r}; got {got!r}"


def describe(value: object) -> str:
    """A value in a few words."""
    if isinstance(value, Tensor):
        return f"a {str(value.dtype).removeprefix('torch.')} tensor {list(value.shape)}"
    if value is None:
        return "None (is a `return` missing?)"
    if isinstance(value, Foreign):
        return value.words
    return (
        f"{type(value).__name__} {value!r:.60}" if isinstance(value, (str, bytes, int, float)) else type(value).__name__
    )


def explain(raised: Raised) -> str:
    """What went wrong in a call, in one sentence."""
    own = not raised.kind[0].isupper()  # the harness's kinds are words, an exception's is a class name
    text = raised.kind if own else f"your code raised {raised.kind}"
    text += f": {raised.text}" if raised.text else ""
    return f"{text} (at {raised.line})" if raised.line else text


def follows_from(expected_first: Result, first: Result, result: Result) -> bool:
    """Whether a failed result says nothing that the failed first one does not.

    Either both gave the same exception, or the first one's type, shape or dtype was wrong already.
    """
    if isinstance(first, Raised):
        same = isinstance(result, Raised) and result.kind in (first.kind, "unusable")
        return same and first.kind != "NotImplementedError"
    if not isinstance(expected_first, Tensor):
        return False
    form = (expected_first.shape, expected_first.dtype)
    right_form = isinstance(first, Tensor) and (first.shape, first.dtype) == form
    return not right_form or (isinstance(result, Raised) and result.kind == "unusable")


def is_stub(result: Result) -> bool:
    """Whether this came of the builder's stub or a bare `raise NotImplementedError`. Torch's has another text."""
    if not isinstance(result, Raised) or result.kind != "NotImplementedError":
        return False
    return not result.text or "replace this line with your code" in result.text


def _tensor_difference(expected: Tensor, got: Result) -> str | None:
    if isinstance(got, Tensor) and (got.layout != torch.strided or got.is_meta or got.is_quantized):
        kind = "without numbers (device meta)" if got.is_meta else f"in the layout {got.layout}"
        return f"expected {describe(expected)} of plain numbers; got one {kind}"
    if not isinstance(got, Tensor) or got.shape != expected.shape:
        return f"expected {describe(expected)}; got {describe(got)}"
    if got.dtype != expected.dtype:
        return f"expected dtype {expected.dtype}, that of the input; got {got.dtype}"
    got, expected = got.cpu(), expected.cpu()
    if not (expected.is_floating_point() or expected.is_complex()):
        wrong = got != expected
    else:
        finite = torch.isfinite(expected)
        bad = ~torch.isfinite(got) & finite
        if bad.any():
            kind = "NaN" if got.isnan().any() else "infinity"
            return f"{kind} in {int(bad.sum())} of {bad.numel()} numbers, first at {_first(bad)}"
        scale = max(float(expected[finite].abs().max()), 1e-12) if finite.any() else 1.0
        # An expected infinity or NaN, in a mask say, is compared as it is and must not stretch the tolerance.
        same = (got == expected) | (got.isnan() & expected.isnan())
        wrong = torch.where(finite, (got - expected).abs() > TOLERANCE * scale, ~same)
    if not wrong.any():
        return None
    index = _first(wrong)
    values = f"expected {_number(expected[tuple(index)])}, got {_number(got[tuple(index)])}"
    return (
        f"{NUMBERS_DIFFER}, {int(wrong.sum())} of {wrong.numel()}; the first at {index} of {list(got.shape)}: {values}"
    )


def _text_difference(expected: str, got: str) -> str:
    both = list(zip_longest(expected.split("\n"), got.split("\n")))
    number = next(number for number, (right, item) in enumerate(both, 1) if right != item)
    right, item = both[number - 1]
    where = f"the first difference is at item {number} of {expected.count(chr(10)) + 1}: " if len(both) > 1 else ""
    if right and item and "\t" in right and right.split("\t")[0] == item.split("\t")[0]:
        asked, right, item = *right.split("\t", 1), item.split("\t", 1)[1]
        where = f"{asked}: "
    right, item = ("the end" if text is None else repr(text) for text in (right, item))
    return f"{where}expected {right}; got {item}"


def _first(mask: Tensor) -> list[int]:
    return mask.nonzero()[0].tolist()


def _number(value: Tensor) -> str:
    inexact = value.is_floating_point() or value.is_complex()
    return f"{value.item():.6g}" if inexact else str(value.item())
