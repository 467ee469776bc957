"""The judge: what counts as the same result, and how a difference is told."""

import builtins
import copy
import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from mmlearn.course.exercise import Property
from mmlearn.course.judge import TOLERANCE, describe, difference
from mmlearn.course.probe import Case, Misuse, Raised
from mmlearn.course.registry import find

RESULTS = {
    "tensor": torch.tensor([[1.0, -2.0], [3.0, 4.0]]),
    "float64": torch.ones(2, dtype=torch.float64),
    "ints": torch.tensor([1, 2, 3]),
    "bools": torch.tensor([True, False]),
    "empty": torch.empty(0, 3),
    "text": "abc",
    "bytes": b"abc",
    "int": 1,
    "float": 1.0,
    "bool": True,
    "raised": Raised("ValueError", "no"),
}
NOT_RESULTS = {"none": None, "list": [1.0], "array": np.ones(2), "tuple": (torch.ones(2),)}


@pytest.mark.parametrize("kind", RESULTS)
def test_a_result_equals_itself(kind):
    value = RESULTS[kind]
    assert difference(value, value.clone() if isinstance(value, torch.Tensor) else value) is None


@pytest.mark.parametrize(("expected", "got"), list(itertools.permutations(RESULTS, 2)))
def test_two_kinds_are_never_the_same(expected, got):
    message = difference(RESULTS[expected], RESULTS[got])
    assert message and "\n" not in message


@pytest.mark.parametrize(("expected", "got"), list(itertools.product(RESULTS, NOT_RESULTS)))
def test_what_is_no_result_is_told(expected, got):
    assert describe(NOT_RESULTS[got]).split()[0] in difference(RESULTS[expected], NOT_RESULTS[got])


def test_numbers_agree_within_the_tolerance_of_the_largest():
    expected = torch.tensor([100.0, 0.0])
    assert difference(expected, expected + 0.9 * TOLERANCE * 100) is None
    assert difference(expected, expected + 1.1 * TOLERANCE * 100).startswith("the numbers differ, 2 of 2")
    assert difference(1e-8 * expected, 2e-8 * expected) is not None, "small numbers count too"
    assert difference(100.0, 100.0 * (1 + 0.9 * TOLERANCE)) is None
    assert difference(100.0, 100.0 * (1 + 1.1 * TOLERANCE)) == "expected 100; got 100.011"


def test_whole_numbers_agree_exactly():
    many = torch.full((3,), 10**6)
    assert difference(many, many.clone()) is None
    assert "1 of 3; the first at [2]" in difference(many, many + torch.tensor([0, 0, 1]))
    assert difference(10**6, 10**6 + 1) == "expected 1000000; got 1000001"


def test_large_whole_numbers_are_told_apart_in_the_message():
    """Token ids and codebook indices: `expected 1e+06, got 1e+06` would help nobody."""
    message = difference(torch.tensor([123456]), torch.tensor([123457]))
    assert "expected 123456, got 123457" in message


def test_the_first_difference_is_the_first_in_reading_order():
    expected = torch.zeros(2, 3, 4)
    got = expected.clone()
    got[1, 0, 0] = got[0, 2, 1] = 5
    assert "2 of 24; the first at [0, 2, 1] of [2, 3, 4]: expected 0, got 5" in difference(expected, got)


def test_shape_and_dtype_come_before_numbers():
    expected = torch.zeros(2, 3)
    assert difference(expected, torch.ones(3, 2)) == "expected a float32 tensor [2, 3]; got a float32 tensor [3, 2]"
    assert "expected dtype torch.float32" in difference(expected, torch.ones(2, 3, dtype=torch.float16))


@pytest.mark.parametrize(("value", "name"), [(torch.nan, "NaN"), (torch.inf, "infinity"), (-torch.inf, "infinity")])
def test_nan_and_infinity_are_named(value, name):
    got = torch.zeros(2, 2)
    got[1, 0] = value
    assert difference(torch.zeros(2, 2), got) == f"{name} in 1 of 4 numbers, first at [1, 0]"


@pytest.mark.parametrize("odd", [torch.inf, -torch.inf, torch.nan])
def test_an_expected_infinity_does_not_hide_the_other_numbers(odd):
    """A mask of scores holds -inf, and everything is within a ten-thousandth of infinity."""
    expected = torch.tensor([odd, 1.0, 2.0])
    assert difference(expected, expected.clone()) is None
    assert difference(expected, torch.tensor([odd, 1.0, 3.0])) is not None
    assert difference(expected, torch.tensor([0.0, 1.0, 2.0])) is not None
    assert difference(expected, torch.tensor([1.0, 1.0, torch.nan])) is not None


def test_infinite_scalars():
    assert difference(float("inf"), float("inf")) is None
    assert difference(float("inf"), float("-inf")) is not None
    assert difference(float("inf"), 1.0) is not None
    assert difference(1.0, float("nan")) is not None


def test_complex_numbers_have_the_tolerance_too():
    """Spectrograms."""
    expected = torch.tensor([1 + 2j, 3 - 1j])
    assert difference(expected, expected * (1 + 1e-6)) is None
    assert difference(expected, expected.conj()) is not None


def test_refusals_agree_by_kind():
    refusal = Raised("ValueError", "P must divide Y")
    assert difference(refusal, Raised("ValueError", "another text", "line 3: raise")) is None
    assert difference(refusal, Raised("TypeError", "odd")).startswith("should raise ValueError; ")
    assert difference(refusal, 3) == "should raise ValueError (P must divide Y); it returned int 3"
    assert difference(3, Raised("TypeError", "odd", "line 3: x")).endswith("TypeError: odd (at line 3: x)")
    assert difference(3, Raised("SystemExit", "")).endswith("SystemExit")


def test_of_a_list_the_first_item_that_differs_is_told():
    """A list is recorded as text, one item a line."""
    expected = "a b\nab c\nd e"
    assert difference(expected, "a b\nab c\nd e") is None
    assert difference(expected, "a b\nb c\nd f") == "the first difference is at item 2 of 3: expected 'ab c'; got 'b c'"
    assert difference(expected, "a b\nab c") == "the first difference is at item 3 of 3: expected 'd e'; got the end"
    assert difference("a", "a\nb") == "the first difference is at item 2 of 1: expected the end; got 'b'"
    assert difference("a", "b") == "expected 'a'; got 'b'", "a single one as it is"


def test_before_a_tab_stands_what_was_asked():
    expected = "the word a a\taa\nthe word a b\ta b"
    assert difference(expected, expected) is None
    assert difference(expected, "the word a a\taa\nthe word a b\tab") == "the word a b: expected 'a b'; got 'ab'"
    assert difference("1 + 1\t2", "1 + 1\t3") == "1 + 1: expected '2'; got '3'"
    assert "item 1 of 2: expected 'the word a a\\taa'; got 'other'" in difference(expected, "other"), "another question"


def test_long_values_are_cut():
    assert len(describe("x" * 1000)) < 80


@pytest.mark.parametrize("reference", ["len", "repr", "hash", "int"])
def test_an_exercise_need_not_give_tensors(reference):
    """Tokenizers give text and whole numbers; `int` refuses its first input."""

    def trial(function, case):
        case.record("first", lambda: function("abc"))
        case.record("second", lambda: function("7"))

    properties = (Property("first", "one"), Property("second", "two"))
    changes = {"slug": "toy.f", "properties": properties, "reference_path": f"builtins:{reference}", "trial": trial}
    exercise = replace(find("vit.patchify"), **changes)
    assert exercise.grade(getattr(builtins, reference) if reference != "int" else lambda x: int(x)).passed
    for wrong in (lambda x: -5, lambda x: b"", lambda x: torch.ones(2), lambda x: 1 / 0):
        grade = exercise.grade(wrong)
        assert grade.score == 0 and all(verdict.message for verdict in grade.verdicts)


# --- the probe's own calls --------------------------------------------------------------------------------------------


def test_inputs_follow_from_the_seed_alone():
    first, again, other = Case(3), Case(3), Case(4)
    a, b, c = (case.randn(4, 5) for case in (first, again, other))
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert {Case(seed).integer(2, 4) for seed in range(30)} == {2, 3, 4}


def test_fill_leaves_no_parameter_as_it_was():
    layers = [torch.nn.LayerNorm(6), torch.nn.LayerNorm(6)]
    for layer in layers:
        Case(1).fill(layer, ["weight", "bias"])
    assert torch.equal(layers[0].weight, layers[1].weight)
    assert not (layers[0].weight == 1).any() and not (layers[0].bias == 0).any()
    with pytest.raises(Misuse, match="missing: scale; not expected: weight"):
        Case(1).fill(torch.nn.LayerNorm(6), ["scale", "bias"])


@pytest.mark.parametrize(
    ("value", "change"),
    [
        ([1, 2], lambda x: x.append(3)),
        ({"a": 1}, lambda x: x.pop("a")),
        (Counter("ab"), lambda x: x.update("a")),
        ({"a": [1]}, lambda x: x["a"].append(2)),
        ({1}, lambda x: x.clear()),
    ],
    ids=["list", "dictionary", "Counter", "inside", "set"],
)
def test_a_call_that_changes_a_list_or_dictionary_is_told(value, change):
    case, before = Case(0), copy.deepcopy(value)
    with pytest.raises(Misuse, match=f"argument 2, a {type(value).__name__}, is another one after the call: copy it"):
        case.call(lambda _, given: change(given), "x", value)
    assert value == before, "the next call finds it as it was"
    assert case.call(lambda _, given: len(given), "x", value) == len(value)


def test_gradient_tells_a_cut_graph():
    case, x = Case(0), torch.tensor([1.0, 2.0])
    assert torch.equal(case.gradient(lambda t: t.square().sum(), x), 2 * x)
    with pytest.raises(Misuse, match="cut off"):
        case.gradient(lambda t: t.detach().sum(), x)
    with pytest.raises(Misuse, match="does not depend"):
        case.gradient(lambda t: torch.ones(1, requires_grad=True).sum(), x)
    assert not x.requires_grad and x.grad is None


def test_learning_names_the_parameters_that_no_gradient_reaches():
    case, layer, x = Case(0), torch.nn.Linear(2, 3), torch.ones(1, 2)
    sizes = case.learning(layer, layer(x).sum())
    assert torch.allclose(sizes, torch.tensor([3.0, 6.0]).sqrt())  # of the bias, then of the weight
    assert torch.equal(case.learning(layer, layer(x).sum()), sizes), "no gradient is left from before"
    with pytest.raises(Misuse, match=r"none reaches `bias`: not used, or cut off by `\.data`"):
        case.learning(layer, (x @ layer.weight.T).sum())
    assert case.learning(layer, (x @ layer.weight.T).sum(), part="weight").shape == (1,)
    with pytest.raises(Misuse, match="none reaches `bias`, `weight`: "):
        case.learning(layer, layer(x).sum().detach())
    deep = torch.nn.Sequential(layer, layer, torch.nn.Linear(3, 2))
    with pytest.raises(Misuse, match=r"none reaches `0\.bias`, `0\.weight`, `2\.bias` and 1 more: "):
        case.learning(deep, x.sum())


def test_a_failed_source_fails_what_is_derived_from_it():
    case = Case(0)
    source = case.record("a", lambda: 1 / 0)
    case.derive("b", source, lambda value: value + 1)
    case.derive("c", "text", lambda value: value.mean())
    assert case.results["a"].kind == case.results["b"].kind == "ZeroDivisionError"
    assert case.results["c"].kind == "unusable"


def test_a_result_does_not_change_with_its_input():
    case, x = Case(0), torch.ones(2)
    case.record("same", lambda: case.call(lambda t: t, x))
    x.zero_()
    assert torch.equal(case.results["same"], torch.ones(2))


def test_lists_of_tensors_are_compared_part_by_part():
    """Two wrong solutions may both give a list where one tensor was asked for; a check compares them."""
    pair = [torch.tensor([1.0, 2.0]), torch.tensor([3.0])]
    assert difference(pair, [part.clone() for part in pair]) is None
    assert difference(pair, [pair[0], pair[1] + 1]) == difference(pair, pair[:1]) == "expected another list"
    assert difference(tuple(pair), pair) == "expected tuple; got list"
