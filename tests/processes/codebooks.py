"""Codebooks and a balancer that learn from a batch, or under torchrun each process from its share of it.

    torchrun --nproc-per-node 2 tests/processes/codebooks.py FOLDER

writes what each process has at the end, `NUMBER.pt`.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor

from mmlearn.models.encodec import EnCodec, EnCodecConfig
from mmlearn.nn.balancer import Balancer
from mmlearn.nn.quantiser import ResidualQuantiser
from mmlearn.train import processes

STEPS, BATCH, DIM = 4, 6, 3
CODEC = EnCodecConfig(rate=600, bandwidths=(0.8,), strides=(2, 3), dim=6, filters=4, entries=16)


def draw(step: int, *shape: int) -> Tensor:
    """This process's share of a batch; items differ much, so that the processes' shares do."""
    items_B = torch.arange(1.0, BATCH + 1).reshape(-1, *[1] * len(shape))
    whole = items_B * torch.randn(BATCH, *shape, generator=torch.Generator().manual_seed(step))
    return processes.share((whole,), [])[0]


def moved(dead: float) -> ResidualQuantiser:
    """Codebooks that are the same at first, after some updates. What starts anew is drawn apart in each process."""
    torch.manual_seed(0)
    quantiser = ResidualQuantiser(DIM, 2, 8, dead=dead, decay=0.5)
    chance = torch.Generator().manual_seed(processes.rank())
    for step in range(STEPS):
        z_BDF = draw(step, DIM, 7)
        quantiser.update(z_BDF, quantiser.encode(z_BDF), generator=chance)
    return quantiser


def codec() -> EnCodec:
    """Codebooks that start from other sounds in each process, and move after a step from them."""
    torch.manual_seed(0)
    model = EnCodec(CODEC)
    chance = torch.Generator().manual_seed(processes.rank())
    model.start_codebooks(draw(0, 1, 120), generator=chance)
    model.update_codebooks(model(draw(1, 1, 120)), generator=chance)
    return model


def balanced() -> dict[str, Tensor]:
    """The gradient of this share after some steps, and the average lengths."""
    balancer = Balancer({"a": 1.0, "b": 2.0}, decay=0.9)
    for step in range(STEPS):
        x = draw(step, 5).requires_grad_()
        gradient = balancer({"a": x.abs().pow(3).sum(), "b": x.square().sum()}, x)
    return {"gradient": gradient, "lengths": balancer.lengths}


def results() -> dict[str, dict[str, Tensor]]:
    return {
        "moved": moved(dead=0.0).state_dict(),
        "restarted": moved(dead=2.0).state_dict(),
        "codec": codec().quantiser.state_dict(),
        "balanced": balanced(),
    }


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    processes.meet(torch.device("cpu"))
    torch.save(results(), folder / f"{processes.rank()}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
