"""Judging: hold the results of a probe against what the reference gave for the same probe."""

import torch
from torch import Tensor

from mmlearn.course.probe import Raised, Result

# Honest solutions differ by the order of float32 sums, about 1e-6 of the largest value; mistakes by far more.
TOLERANCE = 1e-4
NOT_WRITTEN = "not written yet"


def difference(expected: Result, got: Result) -> str | None:
    """Say in what `got` differs from `expected`; None where they agree.

    Numbers agree within `TOLERANCE` of the largest expected one; types, shapes, dtypes and text agree exactly. Two
    `Raised` agree when their kinds do.
    """
    if isinstance(got, Raised) and got.kind == "NotImplementedError":
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
        return None if abs(got - expected) <= TOLERANCE * abs(expected) else f"expected {expected:.6g}; got {got:.6g}"
    return None if got == expected else f"expected {expected!r}; got {got!r}"


def describe(value: object) -> str:
    """A value in a few words."""
    if isinstance(value, Tensor):
        return f"a {str(value.dtype).removeprefix('torch.')} tensor {list(value.shape)}"
    if value is None:
        return "None (is a `return` missing?)"
    return (
        f"{type(value).__name__} {value!r:.60}" if isinstance(value, (str, bytes, int, float)) else type(value).__name__
    )


def explain(raised: Raised) -> str:
    """What went wrong in a call, in one sentence."""
    where = f" (at {raised.line})" if raised.line else ""
    return f"{raised.kind}: {raised.text}{where}" if raised.text else f"{raised.kind}{where}"


def _tensor_difference(expected: Tensor, got: Result) -> str | None:
    if not isinstance(got, Tensor) or got.shape != expected.shape:
        return f"expected {describe(expected)}; got {describe(got)}"
    if got.dtype != expected.dtype:
        return f"expected dtype {expected.dtype}, that of the input; got {got.dtype}"
    got, expected = got.cpu(), expected.cpu()
    if not expected.is_floating_point():
        wrong = got != expected
    else:
        bad = ~torch.isfinite(got) & torch.isfinite(expected)
        if bad.any():
            kind = "NaN" if got.isnan().any() else "infinity"
            return f"{kind} in {int(bad.sum())} of {bad.numel()} numbers, first at {_first(bad)}"
        scale = max(float(expected.abs().max()), 1e-12) if expected.numel() else 1.0
        wrong = (got - expected).abs() > TOLERANCE * scale
    if not wrong.any():
        return None
    index = _first(wrong)
    values = f"expected {_number(expected[tuple(index)])}, got {_number(got[tuple(index)])}"
    count = f"{int(wrong.sum())} of {wrong.numel()} numbers differ"
    return f"the shape {list(got.shape)} is right; {count}, first at {index}: {values}"


def _first(mask: Tensor) -> list[int]:
    return mask.nonzero()[0].tolist()


def _number(value: Tensor) -> str:
    return f"{value.item():.4g}"
