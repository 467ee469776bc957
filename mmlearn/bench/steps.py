"""What is timed, and what memory is measured of: a forward and a step of training, the same for all implementations."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from mmlearn.bench.cases import Inputs, Model

Call = Callable[[], None]
LEARNING_RATE = 1e-5  # small: weights stay as they are, and with them the time


class Ready:
    """An implementation of a model, built, on a device, with its inputs.

    Args:
        model: what to measure.
        name: of the implementation.
        config: our sizes.
        batch: items.
        device: to compute on.
    """

    def __init__(self, model: Model, name: str, config, batch: int, device: torch.device) -> None:
        implementation = model.implementations[name]
        self.module: nn.Module = implementation.build(config).to(device)
        self.inputs: Inputs = tuple(tensor.to(device) for tensor in model.inputs(config, batch))
        self.scores, self.loss, self.device = implementation.scores, model.loss, device

    def forward(self) -> Call:
        """A call that computes scores in evaluation mode, without gradients."""
        self._forget(training=False)

        def call() -> None:
            with torch.no_grad():
                self._scores()
            self._wait()

        return call

    def training_step(self) -> Call:
        """A call that computes scores, loss and gradients, and has AdamW change the weights."""
        self._forget(training=True)
        # Fused, the optimiser takes its least share of the step, in which implementations hardly differ.
        optimiser = torch.optim.AdamW(self.module.parameters(), lr=LEARNING_RATE, fused=True)

        def call() -> None:
            optimiser.zero_grad()
            self.loss(self._scores()).backward()
            optimiser.step()
            self._wait()

        return call

    def _scores(self) -> Tensor:
        return self.scores(self.module, *self.inputs)

    def _forget(self, *, training: bool) -> None:
        """Let go of gradients, and set the mode."""
        self.module.zero_grad(set_to_none=True)
        self.module.train(training)

    def _wait(self) -> None:
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)  # an accelerator goes on while Python does


KINDS: Mapping[str, Callable[[Ready], Call]] = {"forward": Ready.forward, "training step": Ready.training_step}


def kinds(model: Model) -> dict[str, Callable[[Ready], Call]]:
    """Those that are measured of a model."""
    return {kind: KINDS[kind] for kind in model.kinds}
