"""Small trainings that give the same in one process and, under torchrun, in several.

    torchrun --nproc-per-node 2 tests/processes/runs.py FOLDER

writes what process 0 has at the end, `NAME.safetensors` and the losses of all steps, for each run.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from mmlearn import train
from mmlearn.models.clip import CLIP, CLIPConfig
from mmlearn.models.imagebind import ImageBind, ImageBindConfig, SignalConfig, TextConfig
from mmlearn.models.vit import ViT, ViTConfig
from mmlearn.train import processes

STEPS, BATCH = 5, 8


def draw(*shape: int) -> Tensor:
    """The same numbers in every process."""
    return torch.randn(STEPS, BATCH, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def tokens(vocabulary: int, context: int) -> Tensor:
    """Texts that end at their last token."""
    rows = torch.randint(vocabulary - 1, (STEPS, BATCH, context), generator=torch.Generator().manual_seed(2))
    rows[..., -1] = vocabulary - 1
    return rows


def vit():
    """Cross-entropy, a mean over items."""
    model = ViT(ViTConfig((8, 12), 4, dim=24, depth=2, heads=3, mlp_dim=40, classes=5))
    labels = torch.randint(5, (STEPS, BATCH), generator=torch.Generator().manual_seed(3))
    return (
        model,
        lambda m, batch: F.cross_entropy(m(batch[0]), batch[1]),
        list(zip(draw(3, 8, 12), labels, strict=True)),
    )


def clip():
    """A loss in which every item meets every other one, and a clamped scale."""

    def loss(model, batch):
        model.similarity.clamp()
        return model.loss(*batch), {"scale": model.similarity.log_scale.exp()}

    model = CLIP(CLIPConfig((8, 8), 4, 24, 2, 3, 30, 9, 16, 2, 4, 10))
    return model, loss, list(zip(draw(3, 8, 8), tokens(30, 9), strict=True))


def imagebind():
    """Three modalities, a frozen scale, a trunk that no batch uses."""
    signal = SignalConfig(16, 2, 2, 20.0, size=(1, 8, 12), kernel=(4, 4), stride=(2, 2), extra_token=True)
    config = ImageBindConfig(
        embed_dim=10,
        image=SignalConfig(24, 2, 3, size=(3, 8, 8), kernel=(4, 4), norm_before=True),
        text=TextConfig(16, 1, 2, learned_scale=True, vocabulary=30, context=9),
        audio=signal,
        depth=signal,
    )
    inputs = zip(draw(3, 8, 8), tokens(30, 9), draw(1, 8, 12), strict=True)
    batches = [dict(zip(("image", "text", "audio"), parts, strict=True)) for parts in inputs]
    return ImageBind(config), lambda m, batch: m.loss(m(batch)), batches


RUNS = {"vit": vit, "clip": clip, "imagebind": imagebind}


def run(name: str) -> tuple[torch.nn.Module, train.History]:
    """Train one of them on the CPU, in double precision.

    In single precision AdamW would make whole steps of what is only rounding: the gradient of a key's bias, which is 0.
    """
    torch.manual_seed(0 if processes.rank() == 0 else 9)  # the weights of process 0 count
    model, loss, batches = RUNS[name]()
    history = train.fit(model.double(), loss, batches, steps=STEPS, lr=1e-2, warmup=0, device="cpu", progress=False)
    return model, history


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    processes.meet(torch.device("cpu"))
    for name in RUNS:
        model, history = run(name)
        train.save(folder / f"{name}.{processes.rank()}.safetensors", model, records=history.records)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
