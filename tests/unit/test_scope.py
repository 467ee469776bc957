"""Which names a grader would not have."""

import linecache

import pytest

from mmlearn.course.scope import foreign_globals

SETUP = "import math\nimport torch\nfrom torch import nn\n"
count = iter(range(10**6))


def run(space: dict, source: str, known: bool = True) -> dict:
    """One cell, as IPython runs it; `known=False` for a cell whose source nobody kept (`%%time`)."""
    name = f"<scope cell {next(count)}>"
    if known:
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), space)
    return space


@pytest.fixture
def space():
    return run(run({}, SETUP), "import numpy as np\nscale = 2\ndef helper(x):\n    return x\nclass Part: pass\n")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(x):\n    return x * scale\n", ["scale"]),
        ("def f(x):\n    return np.mean(helper(x))\n", ["helper", "np"]),
        ("def f(x):\n    return [scale * v for v in x]\n", ["scale"]),
        ("def f(x):\n    return (lambda v: helper(v))(x)\n", ["helper"]),
        ("def f(x):\n    def inner(v):\n        return v * scale\n    return inner(x)\n", ["scale"]),
        ("class f(nn.Module):\n    def forward(self, x):\n        return Part(), x * scale\n", ["Part", "scale"]),
        ("class f:\n    @staticmethod\n    def g(x):\n        return helper(x)\n", ["helper"]),
        ("class f:\n    @classmethod\n    def g(cls, x):\n        return helper(x)\n", ["helper"]),
        ("class f:\n    @property\n    def g(self):\n        return scale\n", ["scale"]),
        ("@torch.no_grad()\ndef f(x):\n    return helper(x)\n", ["helper"]),
        ("def mine(x):\n    return x * scale\n\ndef f(x):\n    return mine(x)\n", ["scale"]),
    ],
    ids=lambda value: None if isinstance(value, list) else value.splitlines()[-1].strip(),
)
def test_names_of_other_cells_are_found(space, source, names):
    assert foreign_globals(run(space, source)["f"], allowed=[]) == names


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    return torch.relu(x) + math.pi + len(x)\n",
        "def f(x):\n    scale = 3\n    return x * scale\n",
        "def mine(x):\n    return x\n\ndef f(x):\n    return mine(x)\n",
        "import numpy as xp\nfrom math import tau\nk: float = 3.0\ndef f(x):\n    return xp.mean(x) * tau * k\n",
        "for side in (1, 2):\n    pass\ndef f(x):\n    return x * side\n",
        "def f(x):\n    return f(x - 1) if x else 0\n",
        "def f(x):\n    return not_defined_yet(x)\n",
        "class Mine: pass\nclass f(Mine):\n    def forward(self, x):\n        return super().forward(x), Mine\n",
        "with open(__import__('os').devnull) as stream:\n    size = 1\ndef f(x):\n    return x, size, stream\n",
        "a, (b, *c) = 1, (2, 3)\ndef f(x):\n    return a, b, c\n",
    ],
)
def test_names_of_the_own_cell_and_of_the_setup_are_fine(space, source):
    assert foreign_globals(run(space, source)["f"], allowed=[]) == []


def test_names_of_needed_exercises_are_fine(space):
    run(space, "def f(x):\n    return Part()\n")
    assert foreign_globals(space["f"], allowed=["Part"]) == []


def test_a_cell_whose_source_is_unknown_is_not_accused(space):
    run(space, "def mine(x):\n    return x\n\ndef f(x):\n    return mine(x)\n", known=False)
    assert foreign_globals(space["f"], allowed=[]) == []


@pytest.mark.parametrize("thing", [3, None, len, "text"])
def test_what_has_no_code_uses_no_names(thing):
    assert foreign_globals(thing, allowed=[]) == []
