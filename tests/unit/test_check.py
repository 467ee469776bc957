"""`check` as a learner meets it: what it prints, what it hands back, what it leaves behind."""

import json
import linecache
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
import torch

from mmlearn.course import check, checking, exercises, hint, ledger
from mmlearn.course.registry import find

PATCHIFY = """
def patchify(images_BCYX, patch_size):
    B, C, Y, X = images_BCYX.shape
    P = patch_size
    if Y % P or X % P:
        raise ValueError("no whole number of patches")
    patches = images_BCYX.reshape(B, C, Y // P, P, X // P, P)
    patches = patches.permute(0, 2, 4, 1, 3, 5)
    return patches.reshape(B, -1, C * P * P)
"""
ATTENTION = """
class SelfAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def split(self, x_BND):
        return [t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.qkv(x_BND).chunk(3, dim=-1)]

    def weights(self, x_BND):
        q, k, _ = self.split(x_BND)
        return (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(dim=-1)

    def forward(self, x_BND):
        q, k, v = self.split(x_BND)
        w = (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(dim=-1)
        return self.out((w @ v).transpose(1, 2).flatten(2))
"""
BLOCK = """
class PreNormBlock(nn.Module):
    def __init__(self, dim, heads, mlp_dim):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attention = SelfAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_dim), nn.GELU(), nn.Linear(mlp_dim, dim))

    def forward(self, x_BND):
        x_BND = x_BND + self.attention(self.norm1(x_BND))
        return x_BND + self.mlp(self.norm2(x_BND))
"""
SETUP = "import math\nimport torch\nfrom torch import Tensor, nn\nfrom torch.nn import functional as F\n"
STUB = 'raise NotImplementedError("vit.patchify: replace this line with your code for patchify")'


class Notebook:
    """Runs cells as IPython does: one namespace, and each cell's source known to linecache under its own name."""

    def __init__(self) -> None:
        self.names, self.count = {"__name__": "__main__", "check": check}, 0
        self.run(SETUP)

    def run(self, source: str, known: bool = True) -> "Notebook":
        self.count += 1
        name = f"<cell {id(self)} {self.count}>"
        if known:
            linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        exec(compile(source, name, "exec"), self.names)
        return self

    def __getitem__(self, name: str):
        return self.names[name]


@pytest.fixture
def notebook():
    return Notebook()


def changed(source: str, *swaps: tuple[str, str]) -> str:
    for old, new in swaps:
        assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times"
        source = source.replace(old, new)
    return source


def wrong_patchify(body: str) -> str:
    return f"def patchify(images_BCYX, patch_size):\n    {body}\n"


def attempts(slug: str = "vit.patchify") -> int:
    return ledger.read().get(slug, {}).get("attempts", 0)


def marks(text: str) -> dict[str, bool]:
    """Property by property, as it is printed."""
    return {line[4:]: line[2] == "✓" for line in text.splitlines() if line[:4] in ("  ✓ ", "  ✗ ")}


# --- pass, partial, nothing -------------------------------------------------------------------------------------------


def test_a_pass_hands_back_the_learners_object_and_offers_nothing_else(notebook, capsys):
    mine = notebook.run(PATCHIFY)["patchify"]
    assert check("vit.patchify", mine) is mine
    text = capsys.readouterr().out
    assert text.splitlines()[0] == "✓ vit.patchify: everything holds (3 of 3 points)"
    assert len(marks(text)) == 7 and all(marks(text).values())
    assert "hint" not in text and "reference" not in text
    entry = ledger.read()["vit.patchify"]
    assert (entry["attempts"], entry["best"]) == (1, 1.0) and entry["passed"]


@pytest.mark.parametrize(
    ("slug", "name", "source"), [("vit.attention", "SelfAttention", ATTENTION), ("vit.block", "PreNormBlock", BLOCK)]
)
def test_a_class_passes_too(notebook, capsys, slug, name, source):
    mine = notebook.run(ATTENTION).run(source)[name]
    assert check(slug, mine) is mine
    assert capsys.readouterr().out.startswith(f"✓ {slug}: everything holds")


def test_half_right_earns_its_share_and_names_the_mistake(notebook, capsys):
    notebook.run(changed(PATCHIFY, ("permute(0, 2, 4, 1, 3, 5)", "permute(0, 4, 2, 1, 3, 5)")))
    assert check("vit.patchify", notebook["patchify"]) is find("vit.patchify").reference
    text = capsys.readouterr().out
    held = marks(text)
    assert text.startswith("✗ vit.patchify: 3 of 7 properties hold (1.1 of 3 points)")
    assert not held["the patches come row by row"]
    assert held["inside a patch: channel, then row, then column"]
    assert "What happened: Your patches run down the columns." in text
    assert "The course's reference stands in for `patchify`" in text
    assert '3 hints: from mmlearn.course import hint; hint("vit.patchify", 1)' in text
    assert ledger.read()["vit.patchify"]["best"] == pytest.approx(3 / 8)


def test_every_misconceptions_sentence_is_said(capsys):
    for exercise in exercises():
        for misconception in exercise.misconceptions:
            check(exercise.slug, misconception.code)
            assert f"What happened: {misconception.sentence}" in capsys.readouterr().out


def test_an_unknown_mistake_gets_no_diagnosis(notebook, capsys):
    check("vit.patchify", notebook.run(changed(PATCHIFY, ("C * P * P)", "C * P * P) + 3")))["patchify"])
    assert "What happened" not in capsys.readouterr().out


@pytest.mark.parametrize("exercise", exercises(), ids=lambda e: e.slug)
def test_nothing_written_is_no_failure_and_no_attempt(exercise, capsys):
    def stub(*inputs, **options):
        raise NotImplementedError(f"{exercise.slug}: replace this line with your code for {exercise.name}")

    members = dict.fromkeys(exercise.methods, stub)
    obj = type(exercise.name, (exercise.reference,), members) if members else stub
    assert check(exercise.slug, obj) is exercise.reference
    text = capsys.readouterr().out
    assert text.startswith(f"○ {exercise.slug}: not written yet\n")
    assert "✗" not in text and "stands in" in text and "hints" in text
    assert attempts(exercise.slug) == 0


def test_half_a_class_written_is_judged(notebook, capsys):
    source = ATTENTION[: ATTENTION.index("        q, k, v = self.split")] + f"        {STUB}\n"
    check("vit.attention", notebook.run(source)["SelfAttention"])
    text = capsys.readouterr().out
    assert text.startswith("○ vit.attention: 3 of 7 properties hold") and "not written yet" in text


def test_numbers_are_shown_once_and_not_beside_a_named_mistake(notebook, capsys):
    unnamed = "return 2 * torch.nn.functional.unfold(images_BCYX, 2, stride=2).mT"
    check("vit.patchify", notebook.run(wrong_patchify(unnamed))["patchify"])
    assert capsys.readouterr().out.count("the numbers differ") == 1
    named = "return torch.nn.functional.unfold(images_BCYX, 2, stride=2)"
    check("vit.patchify", notebook.run(wrong_patchify(named))["patchify"])
    text = capsys.readouterr().out
    assert "What happened" in text and "the numbers differ" not in text


def test_another_not_implemented_error_is_shown(notebook, capsys):
    """torch raises it too, for a dtype or device without a kernel: such code *was* written."""
    check("vit.patchify", notebook.run(wrong_patchify("raise NotImplementedError('no kernel for Long')"))["patchify"])
    text = capsys.readouterr().out
    assert "no kernel for Long" in text and "not written yet" not in text


# --- exceptions -------------------------------------------------------------------------------------------------------


def test_an_exception_names_kind_text_and_the_learners_line(notebook, capsys):
    check("vit.patchify", notebook.run(wrong_patchify("P = 2\n    return images_BCYX.nonsense(P)"))["patchify"])
    text = capsys.readouterr().out
    assert (
        "AttributeError: 'Tensor' object has no attribute 'nonsense' (at line 3: return images_BCYX.nonsense(P))"
        in (text)
    )
    assert "Traceback" not in text


@pytest.mark.parametrize("body", ["return __import__('statistics').mean([])", "return F.linear(images_BCYX, 'x')"])
def test_the_line_is_the_learners_when_a_library_raised(notebook, capsys, body):
    check("vit.patchify", notebook.run(wrong_patchify(body))["patchify"])
    assert f"(at line 2: {body})" in capsys.readouterr().out


def test_an_exception_in_init_is_reported_once_the_class_is_made(notebook, capsys):
    notebook.run(changed(ATTENTION, ("self.heads = heads", "self.heads = head")))
    assert check("vit.attention", notebook["SelfAttention"]) is find("vit.attention").reference
    assert "NameError: name 'head' is not defined (at line 5: self.heads = head)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import sys; sys.exit()", "SystemExit (at line 2"),
        ("return patchify(images_BCYX, patch_size)", "RecursionError: maximum recursion depth exceeded"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("assert False, 'odd'", "AssertionError: odd"),
    ],
)
def test_nothing_raised_ends_the_notebook(notebook, capsys, body, said):
    assert check("vit.patchify", notebook.run(wrong_patchify(body))["patchify"]) is find("vit.patchify").reference
    assert said in capsys.readouterr().out


def test_a_long_message_is_cut_and_stands_on_one_line(notebook, capsys):
    check("vit.patchify", notebook.run(wrong_patchify("raise ValueError('word\\n' * 100_000)"))["patchify"])
    text = capsys.readouterr().out
    assert "ValueError: word word word" in text and len(text) < 6000


def test_an_exception_that_cannot_be_printed_is_named(notebook, capsys):
    notebook.run("class Odd(Exception):\n    def __str__(self):\n        return 1 / 0\n")
    check("vit.patchify", notebook.run(wrong_patchify("raise Odd()"))["patchify"])
    assert "Odd (at line 2: raise Odd())" in capsys.readouterr().out


def test_an_exit_in_init_does_not_end_the_notebook(notebook, capsys):
    notebook.run(changed(ATTENTION, ("self.heads = heads", "raise SystemExit('bye')")))
    check("vit.attention", notebook["SelfAttention"])
    assert "SystemExit: bye" in capsys.readouterr().out


def test_a_flood_of_prints_does_not_bury_the_feedback(notebook, capsys):
    notebook.run(changed(PATCHIFY, ("    P = patch_size", "    P = patch_size\n    print('drip\\n' * 1000)")))
    mine = notebook["patchify"]
    assert check("vit.patchify", mine) is mine
    last = capsys.readouterr().out.splitlines()[-8:]
    assert last[0].startswith("✓ vit.patchify") and "drip" not in last


def test_an_endless_loop_can_be_interrupted(notebook, capsys, monkeypatch):
    notebook.run(wrong_patchify("while True:\n        pass"))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # pytest-xdist ignores it in its workers
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        assert check("vit.patchify", notebook["patchify"]) is find("vit.patchify").reference
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    text = capsys.readouterr().out
    assert text.startswith("✗ vit.patchify: interrupted while `patchify` was running")
    assert "loop" in text and "stands in" in text


def test_a_slow_call_says_how_to_stop_it(notebook, capsys, monkeypatch):
    monkeypatch.setattr(checking, "SLOW_AFTER_SECONDS", 0.01)
    notebook.run(changed(PATCHIFY, ("    P = patch_size", "    P = patch_size\n    __import__('time').sleep(0.02)")))
    check("vit.patchify", notebook["patchify"])
    assert "To stop it: the ■ button, or Kernel > Interrupt." in capsys.readouterr().out


# --- wrong results ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("None", "expected a float32 tensor [5, 28, 12]; got None (is a `return` missing?)"),
        ("[1, 2]", "got list"),
        ("3", "got int 3"),
        ("'patches'", "got str 'patches'"),
        ("(images_BCYX, 2)", "got tuple"),
        ("images_BCYX.detach().numpy()", "got ndarray"),
        ("images_BCYX.flatten(1)", "expected a float32 tensor [5, 28, 12]; got a float32 tensor [5, 336]"),
    ],
)
def test_a_wrong_type_or_shape_is_told_with_the_right_one(notebook, capsys, value, said):
    check("vit.patchify", notebook.run(wrong_patchify(f"return {value}"))["patchify"])
    text = capsys.readouterr().out
    assert said in text and text.startswith("✗ vit.patchify: 0 of 7 properties hold (0 of 3 points)")


@pytest.mark.parametrize(("value", "kind"), [("None", "None"), ("[1, 2]", "list"), ("3", "int")])
def test_no_message_speaks_of_code_that_the_learner_did_not_write(notebook, capsys, value, kind):
    """The probe squares and adds up what it gets, to take a gradient."""
    check("vit.patchify", notebook.run(wrong_patchify(f"return {value}"))["patchify"])
    check("start.mean", notebook.run(f"def mean_picture(images_BCYX):\n    return {value}\n")["mean_picture"])
    text = capsys.readouterr().out
    assert "AttributeError" not in text and text.count(f"got {kind}") >= 2


def test_values_tell_how_many_differ_and_where_the_first_one_is(notebook, capsys):
    end = "    return patches.reshape(B, -1, C * P * P)"
    notebook.run(changed(PATCHIFY, (end, end.replace("return", "out =") + "\n    out[1, 2, 3] = 50\n    return out")))
    check("vit.patchify", notebook["patchify"])
    text = capsys.readouterr().out
    assert "the numbers differ, 1 of 1680; the first at [1, 2, 3] of [5, 28, 12]: expected " in text
    assert ", got 50" in text


def test_nan_says_how_many_and_where(notebook, capsys):
    end = "    return patches.reshape(B, -1, C * P * P)"
    notebook.run(
        changed(PATCHIFY, (end, end.replace("return", "out =") + "\n    out[4, 0, 1] /= 0\n    return 0 * out"))
    )
    check("vit.patchify", notebook["patchify"])
    assert "NaN in 1 of 1680 numbers, first at [4, 0, 1]" in capsys.readouterr().out


def test_a_lost_dtype_is_its_own_property(notebook, capsys):
    check("vit.patchify", notebook.run(changed(PATCHIFY, ("C * P * P)", "C * P * P).float()")))["patchify"])
    text = capsys.readouterr().out
    assert [name for name, held in marks(text).items() if not held] == ["float64 images give the same in float64"]
    assert "expected dtype torch.float64, that of the input; got torch.float32" in text


def test_a_change_of_the_input_is_told(notebook, capsys):
    check("vit.patchify", notebook.run(changed(PATCHIFY, ("    P = ", "    images_BCYX += 1\n    P = ")))["patchify"])
    assert "changed its input: argument 1 holds other numbers after the call" in capsys.readouterr().out


def test_a_change_of_the_input_costs_only_the_property_that_did_it(notebook, capsys):
    end = "(q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(dim=-1)"
    spoiled = f"w = {end}\n        x_BND.data.zero_()\n        return w"
    notebook.run(changed(ATTENTION, (f"return {end}", spoiled)))
    check("vit.attention", notebook["SelfAttention"])
    held = marks(capsys.readouterr().out)
    assert held["the output mixes the values by the weights, joins the heads and projects"]
    assert not held["the weights are softmax(q k^T / sqrt(d)), one matrix a head"]


# --- wrong things -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slug", "said"),
    [
        (
            "vit.patchify",
            "the name `patchify` is not defined\nWrite a function called `patchify` and run its cell.",
        ),
        ("vit.attention", "the name `SelfAttention` is not defined\nWrite a class called `SelfAttention`"),
    ],
)
def test_a_missing_name_is_told_and_does_not_stop_the_lesson(notebook, capsys, slug, said):
    notebook.run(f"{find(slug).name} = check({slug!r})")
    assert notebook[find(slug).name] is find(slug).reference
    assert said in capsys.readouterr().out


def test_a_name_is_found_where_check_is_called(notebook, capsys):
    mine = notebook.run(PATCHIFY)["patchify"]
    assert notebook.run("patchify = check('vit.patchify')")["patchify"] is mine
    assert "everything holds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("slug", "value", "said"),
    [
        ("vit.patchify", "type('patchify', (), {})", "`patchify` should be a function; got a class"),
        ("vit.patchify", "None", "`patchify` should be a function; got None"),
        ("vit.patchify", "torch.zeros(2)", "`patchify` should be a function; got a float32 tensor [2]"),
        ("vit.attention", "lambda x: x", "`SelfAttention` should be a class; got function"),
        ("vit.attention", "3", "`SelfAttention` should be a class; got int 3"),
    ],
)
def test_a_thing_of_the_wrong_kind_is_told(notebook, capsys, slug, value, said):
    assert check(slug, notebook.run(f"thing = {value}")["thing"]) is find(slug).reference
    text = capsys.readouterr().out
    assert said in text
    assert "`return`" not in text, "nothing was called yet"


def test_a_message_that_is_the_same_for_all_properties_is_said_once(notebook, capsys):
    check("vit.attention", notebook.run("SelfAttention = 3")["SelfAttention"])
    assert capsys.readouterr().out.count("should be a class") == 1


@pytest.mark.parametrize(
    ("given", "own", "said"),
    [
        ("self.out = nn", "self.o = nn", "missing: out.bias, out.weight; not expected: o.bias, o.weight"),
        ("self.heads =", "self.more = nn.Linear(2, 2)\n        self.heads =", "not expected: more.bias, more.weight"),
        ("dim, 3 * dim)", "dim, 3 * dim, bias=False)", "missing: qkv.bias"),
    ],
)
def test_other_parameters_than_the_given_ones_are_named(notebook, capsys, given, own, said):
    check("vit.attention", notebook.run(changed(ATTENTION, (given, own)))["SelfAttention"])
    text = capsys.readouterr().out
    assert f"wrong parameters: keep `__init__` as it was given ({said})" in text
    assert "0 of 7 properties hold" in text


def test_a_class_that_is_no_module_is_told_so(notebook, capsys):
    notebook.run(changed(ATTENTION, ("class SelfAttention(nn.Module)", "class SelfAttention")))
    check("vit.attention", notebook["SelfAttention"])
    assert "class SelfAttention(nn.Module)" in capsys.readouterr().out


@pytest.mark.parametrize("parameters", ["images_BCYX", "images_BCYX, patch_size, more"])
def test_a_wrong_signature_is_told(notebook, capsys, parameters):
    check("vit.patchify", notebook.run(f"def patchify({parameters}):\n    return images_BCYX\n")["patchify"])
    assert "TypeError: patchify() " in capsys.readouterr().out


def test_a_wrong_signature_of_init_is_told(notebook, capsys):
    check("vit.attention", notebook.run(changed(ATTENTION, ("dim, heads):", "dim):")))["SelfAttention"])
    assert (
        "TypeError: SelfAttention.__init__() takes 2 positional arguments but 3 were given" in capsys.readouterr().out
    )


def test_the_reference_itself_earns_nothing(capsys):
    from mmlearn.nn.patches import patchify

    assert check("vit.patchify", patchify) is patchify
    text = capsys.readouterr().out
    assert text.startswith("○ vit.patchify: `patchify` is the course's reference") and "✓" not in text
    assert attempts() == 0


def test_an_unknown_slug_suggests_the_nearest():
    with pytest.raises(KeyError, match=r"'vit\.pachify'; did you mean 'vit\.patchify'"):
        check("vit.pachify")


def test_a_forgotten_slug_is_told(notebook):
    with pytest.raises(KeyError, match="no exercise is called"):
        check(notebook.run(PATCHIFY)["patchify"])


def test_an_exercise_registered_twice_is_refused(monkeypatch):
    from mmlearn.course import registry
    from mmlearn.course.catalog import start

    monkeypatch.setattr(start, "EXERCISES", start.EXERCISES * 2)
    with pytest.raises(ValueError, match=r"registered twice: start\.mean"):
        registry._all.__wrapped__()


def test_exercises_come_in_the_order_of_the_lessons():
    lessons = [exercise.lesson for exercise in exercises()]
    assert lessons == sorted(lessons) and exercises("00") == exercises()[: len(exercises("00"))]
    assert exercises("77") == []


def test_a_system_without_misconceptions_has_none():
    assert replace(find("vit.patchify"), slug="nosuch.patchify").misconceptions == ()


def test_misconceptions_that_cannot_be_imported_are_not_left_out_silently(monkeypatch):
    monkeypatch.setitem(sys.modules, "mmlearn.models.vit", None)
    for name in [name for name in sys.modules if name.startswith("mmlearn.course.misconceptions.vit")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ModuleNotFoundError, match=r"mmlearn\.models\.vit"):
        _ = replace(find("vit.patchify")).misconceptions


def test_a_grade_wants_a_seed():
    with pytest.raises(ValueError, match="at least one seed"):
        find("vit.patchify").grade(lambda x, P: x, seeds=[])


def test_hints_are_printed_one_at_a_time(capsys):
    hint("vit.patchify", 2)
    assert capsys.readouterr().out == f"Hint 2 of 3: {find('vit.patchify').hints[1]}\n"
    with pytest.raises(ValueError, match="hints 1 to 3; there is no hint 4"):
        hint("vit.patchify", 4)


# --- what a check leaves behind ---------------------------------------------------------------------------------------


def test_strict_mode_raises_where_the_reference_would_stand_in(notebook, monkeypatch):
    monkeypatch.setenv("MMLEARN_STRICT", "1")
    mine = notebook.run(PATCHIFY)["patchify"]
    assert check("vit.patchify", mine) is mine
    with pytest.raises(checking.CheckFailed, match=r"vit\.attention: the name"):
        notebook.run("check('vit.attention')")
    with pytest.raises(checking.CheckFailed, match="0 of 7 properties hold"):
        check("vit.patchify", lambda x, P: x)
    with pytest.raises(checking.CheckFailed, match="the course's reference"):
        check("vit.patchify", find("vit.patchify").reference)


@pytest.mark.parametrize(
    "result",
    ["patches.to_sparse()", "patches.to('meta')"],
)
def test_a_tensor_that_cannot_be_compared_is_told(notebook, capsys, result):
    end = "    return patches.reshape(B, -1, C * P * P)"
    notebook.run(changed(PATCHIFY, (end, f"    patches = patches.reshape(B, -1, C * P * P)\n    return {result}")))
    check("vit.patchify", notebook["patchify"])
    assert "of plain numbers; got one" in capsys.readouterr().out


def test_a_tensor_class_of_the_learners_own_has_no_say_in_the_comparison(notebook, capsys):
    cell = """
class Sly(torch.Tensor):
    def __gt__(self, other):
        return torch.zeros(self.shape, dtype=torch.bool)

def patchify(images_BCYX, P):
    B, C, Y, X = images_BCYX.shape
    return torch.ones(B, Y * X // P**2, C * P * P).as_subclass(Sly)
"""
    assert check("vit.patchify", notebook.run(cell)["patchify"]) is find("vit.patchify").reference
    assert "0 of 7" in capsys.readouterr().out


def test_a_block_is_judged_with_the_reference_attention(notebook, capsys):
    """One mistake costs once: the learner's own attention is wrong, the block is not."""
    notebook.run(changed(ATTENTION, ("self.out((w @ v)", "x_BND + self.out((w @ v)"))).run(BLOCK)
    wrong_attention = notebook["SelfAttention"]
    assert check("vit.attention", wrong_attention) is not wrong_attention
    assert check("vit.block", notebook["PreNormBlock"]) is notebook["PreNormBlock"]
    assert "vit.block: everything holds" in capsys.readouterr().out
    assert notebook["SelfAttention"] is wrong_attention, "the learner's own name is put back"


def test_a_block_runs_before_any_attention_is_written(notebook, capsys):
    mine = notebook.run(BLOCK)["PreNormBlock"]
    assert check("vit.block", mine) is mine
    assert "SelfAttention" not in notebook.names


def test_names_are_put_back_after_an_interrupt(notebook, capsys):
    notebook.run("SelfAttention = 'mine'").run(
        changed(BLOCK, ("        return x_BND", "        raise KeyboardInterrupt\n        return x_BND"))
    )
    check("vit.block", notebook["PreNormBlock"])
    assert "interrupted while `PreNormBlock` was running" in capsys.readouterr().out
    assert notebook["SelfAttention"] == "mine"


def test_another_cells_name_is_warned_of(notebook, capsys):
    notebook.run("side = 2\ndef helper(t):\n    return t\n")
    mine = notebook.run(changed(PATCHIFY, ("    P = patch_size", "    P = helper(patch_size) * side // 2")))["patchify"]
    assert check("vit.patchify", mine) is mine
    assert "Careful: your code uses `helper`, `side` from another cell." in capsys.readouterr().out


def test_a_helper_in_the_same_cell_is_fine(notebook, capsys):
    source = "import itertools as it\ndef helper(t):\n    return t\n\n"
    source += changed(PATCHIFY, ("    P = patch_size", "    P = helper(patch_size) + len(list(it.chain()))"))
    check("vit.patchify", notebook.run(source)["patchify"])
    assert "Careful" not in capsys.readouterr().out


def test_a_check_leaves_the_random_numbers_of_the_lesson_alone(notebook, capsys):
    notebook.run(ATTENTION)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    check("vit.attention", notebook["SelfAttention"])
    check("vit.attention", notebook["SelfAttention"].forward)
    assert torch.equal(torch.get_rng_state(), before)


GLOBAL_STATES = {
    "float64": (lambda: torch.set_default_dtype(torch.float64), lambda: torch.set_default_dtype(torch.float32)),
    "no_grad": (lambda: torch.set_grad_enabled(False), lambda: torch.set_grad_enabled(True)),
    "meta": (lambda: torch.set_default_device("meta"), lambda: torch.set_default_device(None)),
}


@pytest.mark.parametrize("state", GLOBAL_STATES)
def test_a_switch_that_the_learner_set_does_not_change_the_verdict(notebook, capsys, monkeypatch, state):
    """Under such a switch the reference fails as the learner's code does, and two failures look alike."""
    enter, leave = GLOBAL_STATES[state]
    memory = {}  # nothing that is learned under the switch may reach the other tests
    monkeypatch.setattr("mmlearn.course.exercise.Exercise._memory", property(lambda self: memory))
    right = notebook.run(ATTENTION)["SelfAttention"]
    swaps = (("self.out((w @ v)", "x_BND + self.out((w @ v)"), ("self.out((w @ v)", "self.out((w.detach() @ v)"))
    wrong = [notebook.run(changed(ATTENTION, swap))["SelfAttention"] for swap in swaps]
    enter()
    try:
        assert check("vit.attention", right) is right
        assert [check("vit.attention", each) for each in wrong] == [find("vit.attention").reference] * 2
    finally:
        leave()


# --- in an IPython shell ----------------------------------------------------------------------------------------------

SHELL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

shell, seen = InteractiveShell.instance(), []
for source in json.load(sys.stdin):
    with capture_output() as captured:
        outcome = shell.run_cell(source)
    outputs = [output.data for output in captured.outputs if "text/html" in output.data]
    seen.append({"outputs": outputs, "stdout": captured.stdout, "error": repr(outcome.error_in_exec)})
print(json.dumps(seen))
"""
CELLS = [
    f"{SETUP}from mmlearn.course import check",
    "patchify = check('vit.patchify')",
    wrong_patchify("raise ValueError('<script>alert(1)</script> & `odd')"),
    "patchify = check('vit.patchify')",
    "patchify = check('vit.patchify')",
    "def helper(t):\n    return t\n" + changed(PATCHIFY, ("    P = ", "    P = helper(1) * ")),
    "patchify = check('vit.patchify')",
    "%%time\ndef helper(t):\n    return t\n" + changed(PATCHIFY, ("    P = ", "    P = helper(1) * ")),
    "patchify = check('vit.patchify')",
    wrong_patchify("exit()"),
    "patchify = check('vit.patchify')",
    changed(PATCHIFY, ("permute(0, 2, 4, 1, 3, 5)", "permute(0, 4, 2, 1, 3, 5)")),
    "mine = patchify\npatchify = check('vit.patchify', patchify)",
    "assert patchify is not mine",
]


def in_shell(tmp_path, hash_seed: str) -> list[dict]:
    own = {
        "MMLEARN_PROGRESS": str(tmp_path / "p.json"),
        "IPYTHONDIR": str(tmp_path / hash_seed),
        "PYTHONHASHSEED": hash_seed,
    }
    done = subprocess.run(
        [sys.executable, "-c", SHELL], input=json.dumps(CELLS), capture_output=True, text=True, env=os.environ | own
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    return in_shell(tmp_path_factory.mktemp("shell"), "1")


def html_of(shell, cell: int) -> str:
    (output,) = shell[cell]["outputs"]
    return output["text/html"]


def test_no_cell_of_the_shell_fails(shell):
    assert {cell["error"] for cell in shell} == {"None"}


def test_the_shell_shows_html_and_a_plain_text_beside_it(shell):
    (output,) = shell[1]["outputs"]
    assert "mmlearn-fail" in output["text/html"] and "<code>patchify</code> is not defined" in output["text/html"]
    assert output["text/plain"].startswith("✗ vit.patchify: the name `patchify` is not defined")
    assert shell[1]["stdout"].count("vit.patchify") <= 1, "shown once"


def test_the_learners_own_text_is_escaped(shell):
    html = html_of(shell, 3)
    assert "<script" not in html and "ValueError: &lt;script&gt;alert(1)&lt;/script&gt; &amp; " in html
    assert "line 2: raise ValueError(" in html


def test_the_reference_of_an_earlier_check_is_refused_in_the_shell(shell):
    assert "mmlearn-todo" in html_of(shell, 4) and "put there by an earlier check" in html_of(shell, 4)


@pytest.mark.parametrize("cell", [6, 8], ids=["plain", "%%time"])
def test_a_helper_of_the_same_cell_is_fine_in_the_shell(shell, cell):
    assert "mmlearn-pass" in html_of(shell, cell) and "Careful" not in html_of(shell, cell)


def test_leaving_does_not_end_the_shell(shell):
    assert "mmlearn-fail" in html_of(shell, 10)


def test_feedback_is_the_same_on_every_run(shell, tmp_path):
    assert [cell["outputs"] for cell in in_shell(tmp_path, "2")] == [cell["outputs"] for cell in shell]


def test_a_name_that_the_exercise_uses_is_no_foreign_global(capsys):
    """The whole model takes a config, which the lesson's set-up cell imports."""
    from torch import nn

    from mmlearn.models.vit import ViTConfig

    space = {"nn": nn, "ViTConfig": ViTConfig, "other": ViTConfig}
    for name, warned in (("ViTConfig", False), ("other", True)):
        file = f"<a cell with {name}>"
        code = f"class ViT(nn.Module):\n    def __init__(self, config: {name}):\n        super().__init__()\n"
        linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
        exec(compile(code, file, "exec"), space)
        check("vit.model", space["ViT"])
        assert (f"your code uses `{name}`" in capsys.readouterr().out) is warned


def test_a_hint_without_a_number_is_the_first(capsys):
    hint("start.mean")
    assert capsys.readouterr().out.startswith("Hint 1 of ")
