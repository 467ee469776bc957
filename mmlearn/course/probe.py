"""Probing: run a learner's object on seeded inputs and write down, by name, what it gave.

A probe holds no expected values. In a notebook it runs beside the judge; when a class is graded it runs in the
learner's sandboxed process and only the named results leave it.
"""

import copy
import sysconfig
import traceback
from collections.abc import Callable, Iterable
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Raised:
    """A call that gave no result.

    Attributes:
        kind: the exception's class name, or one of the harness's own: `changed its input`, `no gradient`,
            `unusable`, `wrong parameters`.
        text: what happened, in words.
        line: where in the learner's code, as `line 3: x = y + 1`; empty when unknown.
    """

    kind: str
    text: str
    line: str = ""


@dataclass(frozen=True)
class Foreign:
    """What came in the place of a tensor, number or text, in words: a list, a tensor of another layout."""

    words: str


class Misuse(Exception):
    """The object was called and broke a rule of every exercise; `kind` is the `Raised.kind` it becomes."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


Result = Tensor | str | bytes | int | float | bool | Raised | Foreign
CONTAINERS = (list, dict, set)  # what a call can change in place, besides tensors; a Counter is a dict


class Case:
    """One seeded trial: makes the inputs, makes the calls, keeps the results.

    Args:
        seed: everything random in the trial follows from it, on every machine.
    """

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.results: dict[str, Result] = {}

    def randn(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """A tensor of standard normal numbers."""
        return torch.randn(shape, generator=self.generator).to(dtype)

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both possible."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def fill(self, module: nn.Module, expected: Iterable[str]) -> nn.Module:
        """Give every parameter, by sorted name, values from the seed, so that no zero or one hides a mistake.

        Args:
            module: changed in place and returned.
            expected: the parameter names that the given `__init__` makes.

        Raises:
            Misuse: it is no module, or its parameters have other names.
        """
        if not isinstance(module, nn.Module):
            raise Misuse("no module", f"begin it with `class {type(module).__name__}(nn.Module):`, as it was given")
        parameters = dict(module.named_parameters())
        missing, extra = sorted(set(expected) - set(parameters)), sorted(set(parameters) - set(expected))
        if missing or extra:
            parts = [f"missing: {', '.join(missing)}"] * bool(missing) + [f"not expected: {', '.join(extra)}"] * bool(
                extra
            )
            raise Misuse("wrong parameters", f"keep `__init__` as it was given ({'; '.join(parts)})")
        with torch.no_grad():
            for name in sorted(parameters):
                parameters[name].copy_(0.5 * self.randn(*parameters[name].shape))
        return module

    def call(self, function: Callable, *inputs):
        """Call `function` on the inputs, and see that it leaves them as they were.

        Raises:
            Misuse: an input was changed in place: a tensor, or a list or dictionary without tensors.
        """
        # It gets copies: a change must not spoil the calls that come after.
        given = [_copy(value) for value in inputs]
        output = function(*given)
        for index, (old, new) in enumerate(zip(inputs, given, strict=True)):
            if isinstance(old, Tensor):
                if not torch.equal(old, new.detach()):
                    raise Misuse("changed its input", f"argument {index + 1} holds other numbers after the call")
            elif isinstance(old, CONTAINERS) and old != new:
                text = f"argument {index + 1}, a {type(old).__name__}, is another one after the call"
                raise Misuse("changed its input", f"{text}: copy it first")
        return output.clone() if isinstance(output, Tensor) else output

    def gradient(self, function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
        """The gradient of the scalar `function` at a tensor.

        Raises:
            Misuse: no gradient comes back.
        """
        leaf = at.clone().requires_grad_()
        value = function(leaf)
        if not value.requires_grad:
            raise Misuse("no gradient", "the result is cut off from the input: something detached it")
        (gradient,) = torch.autograd.grad(value, leaf, allow_unused=True)
        if gradient is None:
            raise Misuse("no gradient", "the result does not depend on the input")
        return gradient

    def learning(self, module: nn.Module, value: Tensor, part: str = "") -> Tensor:
        """How much a scalar changes with each parameter: the length of its gradient there, by sorted name.

        Args:
            module: whose parameters.
            value: the scalar, computed with them.
            part: only parameters whose names begin with this.

        Raises:
            Misuse: no gradient reaches some of them.
        """
        parameters = {name: p for name, p in sorted(module.named_parameters()) if name.startswith(part)}
        module.zero_grad(set_to_none=True)
        if value.requires_grad:
            value.backward()
        missing = [f"`{name}`" for name, p in parameters.items() if p.grad is None]
        if missing:
            names = ", ".join(missing[:3]) + f" and {len(missing) - 3} more" * (len(missing) > 3)
            text = f"none reaches {names}: not used, or cut off by `.data`, `detach` or `no_grad`"
            raise Misuse("no gradient", text)
        return torch.stack([p.grad.norm() for p in parameters.values()])

    def record(self, name: str, thunk: Callable[[], Result]) -> Result:
        """Run `thunk` and keep its result, or what it raised, under `name`."""
        try:
            result = thunk()
        except KeyboardInterrupt:
            raise
        except Misuse as misuse:
            result = Raised(misuse.kind, str(misuse))
        # SystemExit and the like too: nothing that a learner's code raises may end the notebook's run.
        except BaseException as error:
            result = Raised(type(error).__name__, _words(error), _learners_line(error))
        self.results[name] = _plain(result)
        return result

    def derive(self, name: str, source: Result, function: Callable[[Tensor], Result]) -> Result:
        """Record something computed from an earlier result; where that one failed, so does this."""
        if isinstance(source, Raised):
            self.results[name] = source
            return source
        try:
            result = function(source)
        except Exception:  # a learner's output of the wrong type or shape; the source's own verdict says which
            result = Raised("unusable", "the result above does not have the shape that this needs")
        self.results[name] = _plain(result)
        return result


def _copy(value: object) -> object:
    if isinstance(value, Tensor):
        return value.clone()
    return copy.deepcopy(value) if isinstance(value, CONTAINERS) else value


def _plain(result: Result) -> Result:
    """A result cut off from its graph, and without the methods of a tensor class of the learner's own."""
    if not isinstance(result, Tensor):
        return result
    if type(result) is Tensor:
        return result.detach()
    with torch._C.DisableTorchFunctionSubclass():
        return result.detach().as_subclass(Tensor)


@contextmanager
def plain_torch(seed: int):
    """Torch as a fresh notebook has it, whatever the learner switched on or off before.

    Under a changed default the reference would fail just as the learner's code does, and two failures look alike.
    The lesson's own random numbers go on afterwards as if nothing had been drawn.
    """
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    # Switched only where it must be: it slows every call.
    device = nullcontext() if torch.get_default_device().type == "cpu" else torch.device("cpu")
    autocast = torch.autocast("cpu", enabled=False)
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad(), device, autocast:
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed every GPU too
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(1)  # a probe's tensors are tiny; on a busy machine threads only wait for each other
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            torch.set_num_threads(threads)


def _words(error: BaseException) -> str:
    """An exception's message on one line, cut where it floods; empty where it cannot even be printed."""
    try:
        text = " ".join(str(error).split())
    except Exception:
        return ""
    return text if len(text) <= 400 else f"{text[:400]} ..."


def _learners_line(error: BaseException) -> str:
    """The deepest line of the traceback that stands in a notebook cell or test file, not in a library."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_learners(frame.filename)]
    return f"line {own[-1].lineno}: {own[-1].line}" if own else ""


# The course and Python itself; installed packages stand in folders called site-packages or dist-packages.
_NOT_THE_LEARNERS = (str(Path(__file__).resolve().parents[1]), sysconfig.get_path("stdlib"), "<frozen")


def _is_learners(filename: str) -> bool:
    return not filename.startswith(_NOT_THE_LEARNERS) and "-packages" not in filename
