"""The training loop."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from mmlearn.train.data import endless, to_device
from mmlearn.train.device import device as best_device
from mmlearn.train.history import Event, History
from mmlearn.train.memory import advised
from mmlearn.train.optim import adamw, lr_factor
from mmlearn.train.processes import averaged, mean_of_all, meet, rank, share
from mmlearn.train.resume import Resume

QUICK_STEPS = 3
SCHEDULES = ("cosine", "constant")
PRECISIONS = ("fp32", "bf16")

Loss = Callable[[nn.Module, Any], Tensor | tuple[Tensor, Mapping[str, Tensor | float]]]
Evaluate = Callable[[nn.Module], Mapping[str, float]]
Listener = Callable[[Event], None]


def fit(
    model: nn.Module,
    loss: Loss,
    batches: Iterable,
    *,
    steps: int,
    lr: float = 1e-3,
    weight_decay: float = 0.05,
    warmup: float = 0.05,
    schedule: str = "cosine",
    clip: float | None = 1.0,
    optimizer: torch.optim.Optimizer | None = None,
    evaluate: Evaluate | None = None,
    eval_every: int | None = None,
    on_event: Listener | Sequence[Listener] = (),
    seed: int = 0,
    device: torch.device | str | None = None,
    precision: str = "fp32",
    checkpoint: str | Path | None = None,
    beside: Mapping[str, nn.Module | torch.optim.Optimizer] = MappingProxyType({}),
    progress: bool | str = True,
) -> History:
    """Train the model, in place, and leave it on `device` in evaluation mode.

    Ctrl-C (in a notebook: the stop button) ends training early; the model keeps what it learned.
    With `MMLEARN_QUICK=1` in the environment only a few steps are made, to see that everything runs.

    Parts of the model that have parameters, all of them frozen (`requires_grad=False`), stay in evaluation mode:
    the dropout of a frozen language model stays off.

    The random numbers of step n depend on `seed` and n alone, so neither an evaluation nor a restart changes them.
    torch's global random state on the CPU and on `device` is put back afterwards. Python's and numpy's are not touched.

    Started by torchrun, the processes train one model together: see `mmlearn.train.processes`. All must be given the
    same batches, of which each takes its share. A batch norm then counts its share alone.

    Args:
        loss: `loss(model, batch)` gives a scalar to minimise, or that and a dict of named parts to record. It may do
            more: a GAN's loss updates its discriminator with its own optimizer, then gives the generator's loss.
        batches: anything that can be gone through (`train.batches(...)`, a DataLoader, a list); started again when it
            ends. Tensors inside tuples, lists and dicts are moved to `device`.
        steps: updates to make.
        lr: the peak learning rate of AdamW.
        weight_decay: on weight matrices only; see `adamw`.
        warmup: share of the steps in which the learning rate climbs.
        schedule: then "cosine" towards zero, or "constant".
        clip: largest norm of the gradient; None does not clip.
        optimizer: in place of AdamW. Its own learning rates are the peaks; `lr` and `weight_decay` are not used.
        evaluate: `evaluate(model)` gives a dict of numbers. It runs in evaluation mode without gradients, every
            `eval_every` steps and at the end.
        on_event: called with each `Event`: one function or several.
        device: default: `train.device()`.
        precision: "fp32", or "bf16" for automatic mixed precision.
        checkpoint: a file that the run's state is written to now and then. If it exists, the run goes on from there
            and ends with the same weights as if it had never stopped (`batches` is gone through again up to that
            point, so it must give the same batches). It is removed when all steps are done. The state holds the model,
            its optimizer and what is `beside` them, not what else a loss keeps for itself.
        beside: what the loss changes besides the model, by name: a GAN's discriminator and its optimizer. It is put
            into the checkpoint. It is not moved to `device`.
        progress: whether to show a progress bar; a text labels it.

    Raises:
        FloatingPointError: the loss or its gradient is not finite. The weights are those before that step.
        MemoryError, RuntimeError: memory ran out. The weights are those of the last step; a note says what helps.
        ValueError, TypeError: an argument, or what `loss` or `evaluate` returned, cannot be used.
    """
    _refuse(steps=steps, warmup=warmup, schedule=schedule, precision=precision, eval_every=eval_every)
    if os.environ.get("MMLEARN_QUICK") == "1" and steps > QUICK_STEPS:
        print(f"Quick mode (MMLEARN_QUICK=1): {QUICK_STEPS} steps in place of {steps}. The results mean nothing.")
        steps = QUICK_STEPS
    where = torch.device(device) if device else best_device()
    meet(where)
    model.to(where)
    optimizer = optimizer or adamw(model, lr, weight_decay)
    peaks = [group["lr"] for group in optimizer.param_groups]
    settings = {"steps": steps, "seed": seed, "lr": peaks, "weight_decay": weight_decay, "warmup": warmup}
    settings |= {"schedule": schedule, "clip": clip, "precision": precision}
    resume = Resume(checkpoint, {"model": model, "optimizer": optimizer, **beside}, settings)
    history = resume.read() or History(planned=steps)
    done, before, started = len(history.records), history.seconds, time.perf_counter()
    listeners = [on_event] if callable(on_event) else list(on_event)
    if rank():  # one process tells of all
        listeners, progress = [], False
    objective = averaged(model, loss)
    autocast = partial(torch.autocast, where.type, dtype=torch.bfloat16, enabled=precision == "bf16")

    def emit(kind: str, values: dict[str, float]) -> None:
        history.seconds = before + time.perf_counter() - started
        for listener in listeners:
            listener(Event(kind, len(history.records), values, history))

    emit("start", {})
    try:
        with advised(history), _own_randomness(where), _bar(steps, done, progress) as bar:
            _train_mode(model)
            stream = endless(batches)
            for step in range(steps):
                _seed(seed * 1_000_003 + step, where)
                batch = _next(stream, step, steps)
                if step < done:  # made before the restart
                    continue
                if rank():  # other items get other dropout
                    _seed((seed + 7_919 * rank()) * 1_000_003 + step, where)
                factor = lr_factor(step, steps, warmup, schedule)
                for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                    group["lr"] = peak * factor
                record = {"step": step + 1, "lr": peaks[0] * factor}
                record |= _gradients(objective, to_device(share(batch, batches), where), optimizer, clip, autocast)
                _refuse_not_finite(record, steps)
                optimizer.step()
                history.records.append(record)
                bar.set_postfix_str(f"loss {record['loss']:.4g}", refresh=False)
                bar.update()
                emit("step", record)
                if evaluate and (step + 1 == steps or (eval_every and (step + 1) % eval_every == 0)):
                    history.evaluations.append({"step": step + 1, **_evaluate(model, evaluate, autocast, seed, where)})
                    emit("evaluation", history.evaluations[-1])
                resume.write_now_and_then(history)
        resume.remove()
    except KeyboardInterrupt:
        history.interrupted = True
        print(f"Stopped after step {len(history.records)} of {steps}. The model keeps what it learned until here.")
    finally:
        optimizer.zero_grad()
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak
        model.eval()
        emit("end", {})
    return history


def _gradients(objective, batch, optimizer, clip, autocast) -> dict[str, float]:
    """Put the clipped gradients of one batch in place. Returns loss, grad_norm and the loss's parts."""
    optimizer.zero_grad()
    with autocast():
        result = objective(batch)
    total, parts = result if isinstance(result, tuple) and len(result) == 2 else (result, {})
    _refuse_loss(total, parts)
    total.backward()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    norm = nn.utils.clip_grad_norm_(parameters, math.inf if clip is None else clip)
    # All numbers cross from the device together: one wait, not one for each.
    numbers = [total, norm, *parts.values()]
    numbers = torch.stack([torch.as_tensor(x, device=total.device).detach().float() for x in numbers])
    numbers = mean_of_all(numbers).tolist()
    return dict(zip(["loss", "grad_norm", *parts], numbers, strict=True))


def _evaluate(model, evaluate, autocast, seed, where) -> dict[str, float]:
    """Run `evaluate` in evaluation mode, always with the same random numbers; then back to training mode."""
    model.eval()
    _seed(seed, where)
    with torch.no_grad(), autocast():
        measured = evaluate(model)
    _train_mode(model)
    if not isinstance(measured, Mapping):
        raise TypeError(f'evaluate must return a dict of numbers such as {{"accuracy": 0.9}}, got {measured!r}')
    return {name: float(value) for name, value in measured.items()}


def _train_mode(model: nn.Module) -> None:
    model.train()
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(p.requires_grad for p in parameters):
            module.eval()


def _own_randomness(where: torch.device):
    return torch.random.fork_rng([] if where.type == "cpu" else [where], device_type=where.type)


def _seed(number: int, where: torch.device) -> None:
    # Not torch.manual_seed: it also visits every kind of device that is absent, which takes longer than a small step.
    torch.default_generator.manual_seed(number)
    if where.type == "cuda":
        with torch.cuda.device(where):  # of this GPU alone
            torch.cuda.manual_seed(number)
    elif where.type == "mps":
        torch.mps.manual_seed(number)


def _bar(steps: int, done: int, progress: bool | str):
    # The text bar, not the widget: a saved notebook shows its last state and needs no kernel for it.
    return tqdm(
        total=steps,
        initial=done,
        desc=progress if isinstance(progress, str) else None,
        disable=not progress,
        file=sys.stdout,
        mininterval=0.5,
        ncols=90,
        unit="step",
    )


def _next(stream, step: int, steps: int) -> Any:
    try:
        return next(stream)
    except StopIteration:
        raise ValueError(
            f"batches ended after {step} of {steps} steps and cannot be started again (a generator runs only once). "
            "Pass train.batches(...), a DataLoader or a list."
        ) from None


def _refuse(steps, warmup, schedule, precision, eval_every) -> None:
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup is a share of the steps, from 0 to below 1, got {warmup}")
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}, got {schedule!r}")
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    if eval_every is not None and eval_every < 1:
        raise ValueError(f"eval_every must be at least 1, got {eval_every}")


def _refuse_not_finite(record: dict[str, float], steps: int) -> None:
    if not (math.isfinite(record["loss"]) and math.isfinite(record["grad_norm"])):
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in record.items() if name != "step")
        raise FloatingPointError(
            f"The loss or its gradient is not finite at step {record['step']} of {steps}: {numbers}. Training stopped; "
            "the weights are those before this step. Usual causes: too high a learning rate, a log or a division of "
            "zero in the loss, bad values in the batch."
        )


def _refuse_loss(total, parts) -> None:
    if not isinstance(total, Tensor) or not isinstance(parts, Mapping):
        got = type(total).__name__
        raise TypeError(f"loss must return a scalar tensor, or (scalar tensor, dict of parts); got {got}")
    if total.ndim:
        shape = tuple(total.shape)
        raise ValueError(f"loss must return a scalar, got shape {shape}: reduce it, for example by .mean()")
    if not total.requires_grad:
        raise ValueError("the loss depends on no trainable parameter: was it detached, or made under no_grad?")
