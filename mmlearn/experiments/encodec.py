"""Lesson 15: a codec that is trained on real speech and music, in the lesson for half a minute and for the zoo longer.

From the top: the sounds, batches of crops, the loss with its discriminators, a training, what is measured.

Shape letters: B batch, C channels (one), T samples, N sounds.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmlearn import data, train
from mmlearn.data import sound
from mmlearn.data.speech import LANGUAGES
from mmlearn.eval.sound_quality import log_spectral_distance
from mmlearn.models.encodec_discriminator import Discriminator, DiscriminatorConfig, Judgement
from mmlearn.models.encodec_losses import LossWeights, codec_losses, discriminator_loss, time_loss
from mmlearn.models.spectral_codec import SpectralCodec
from mmlearn.nn.balancer import Balancer
from mmlearn.nn.mel_loss import MelLoss

MUSIC_EVERY = 4  # crop of a batch is of music
SOFTEST_DB = -10  # crops are made softer by 0 to so many decibels, so that a codec knows all levels
MEL_WINDOWS = (128, 256, 512, 1024, 2048)
MEL_FLOOR = 1e-3  # about 60 dB below speech: what is softer than that is not learned
BALANCE_DECAY = 0.99  # of the balancer's averages; a training of the paper has a hundred times as many steps
JUDGED_GAIN = 8  # brings speech to a deviation of about 1, from which discriminators learn several times as fast
# A larger commitment draws all latents together. Discriminators this small, for so few steps, are heard less.
WEIGHTS = LossWeights(adversarial=0.5, features=1.0, commitment=0.1)
JUDGE = DiscriminatorConfig(windows=(1024, 512, 256), filters=8, kernel=(3, 5))
FIRST_CROPS = 64  # that the codebooks start from


# --- sounds -----------------------------------------------------------------------------------------------------------


@cache
def recordings(split: str = "train", languages: tuple[str, ...] = LANGUAGES) -> tuple[Tensor, Tensor]:
    """All speech of these languages and all music of a split, each as one long sound `[T]`, clip after clip."""
    speech = [row for language in languages for row in data.load("speech", language=language, split=split)["audio"]]
    return _joined(speech), _joined(data.load("music", split=split)["audio"])


def _joined(contents: Sequence[bytes]) -> Tensor:
    """Sounds one after the other, `[T]`, none of them twice in memory: speech alone is some hundred megabytes."""
    samples = array("f")
    for content in contents:
        samples.frombytes(sound.decode(content).numpy().tobytes())
    return torch.frombuffer(samples, dtype=torch.float32)


class Batch(NamedTuple):
    """What one step of training sees, and what was drawn for it."""

    waveform_BCT: Tensor
    codebooks: int  # in use; 0 before they start
    judged: int | None  # from which sample on discriminators see it; None: they take no part
    learns: bool  # whether they learn from it
    starts: bool  # whether the codebooks start before it


@dataclass(frozen=True)
class Training:
    """How a codec is trained.

    Attributes:
        steps: of all.
        free_steps: the first of them, without quantisation; after them the codebooks start. Started from the latents of
            an untrained encoder, which change quickly, they would lag behind for long.
        judged_steps: the last of them, in which discriminators take part.
        codebooks: how many may be in use; each step draws one of these.
        batch: crops of a step.
        samples: of a crop.
        judged_samples: of them, seen by the discriminators.
        lr: the peak learning rate of the codec.
        weights: of the losses.
        judge: the discriminators.
        judge_lr: their learning rate.
        seed: of everything.
    """

    steps: int
    free_steps: int
    judged_steps: int = 0
    codebooks: tuple[int, ...] = (1, 2, 4, 8, 12)
    batch: int = 8
    samples: int = sound.RATE
    judged_samples: int = sound.RATE // 4
    lr: float = 1e-3
    weights: LossWeights = WEIGHTS
    judge: DiscriminatorConfig = JUDGE
    judge_lr: float = 1e-3
    seed: int = 0

    def batches(self, sounds: Sequence[Tensor]) -> Iterator[Batch]:
        """Endless batches of speech and music; they depend on the seed alone."""
        generator = torch.Generator().manual_seed(self.seed)

        def draw(below: int) -> int:
            return int(torch.randint(below, (), generator=generator))

        for step in count():
            waveform_BCT = crops(sounds, self.batch, self.samples, generator)
            codebooks = self.codebooks[draw(len(self.codebooks))] if step >= self.free_steps else 0
            start = draw(self.samples - self.judged_samples + 1)
            learns = draw(1000) < 1000 * self.weights.discriminator_updates
            judged = start if step >= self.steps - self.judged_steps else None
            yield Batch(waveform_BCT, codebooks, judged, learns, step == self.free_steps)


def crops(sounds: Sequence[Tensor], number: int, samples: int, generator: torch.Generator) -> Tensor:
    """Stretches of speech and now and then of music, by chance and of many levels: `[B, 1, T]`."""
    speech_T, music_T = sounds
    stretches = []
    for index in range(number):
        source_T = music_T if index % MUSIC_EVERY == MUSIC_EVERY - 1 else speech_T
        start = int(torch.randint(len(source_T) - samples + 1, (), generator=generator))
        stretches.append(source_T[start : start + samples])
    gain_B11 = 10 ** (torch.rand(number, 1, 1, generator=generator) * SOFTEST_DB / 20)
    return torch.stack(stretches)[:, None] * gain_B11


# --- the loss ---------------------------------------------------------------------------------------------------------


class CodecLoss:
    """Equation 4 for `train.fit`, and the discriminators that learn beside the codec.

    What it gives has the value of the weighted losses, but the gradient that the balancer makes of theirs.

    Args:
        training: weights and discriminators.
        rate: samples a second.
        first_BCT: sounds that the codebooks start from.
        balancer: of the time and mel losses, in place of the usual one, to see what it does.
        device: of discriminators and averages.
    """

    def __init__(
        self, training: Training, rate: int, first_BCT: Tensor, *, balancer: Balancer | None = None, device=None
    ) -> None:
        self.training, self.first_BCT, w = training, first_BCT, training.weights
        self.mel = MelLoss(rate, windows=MEL_WINDOWS, floor=MEL_FLOOR, device=device)
        with torch.random.fork_rng([]):
            torch.manual_seed(training.seed)
            self.judge = Discriminator(training.judge).to(device)
        self.optimizer = torch.optim.AdamW(self.judge.parameters(), lr=training.judge_lr, betas=(0.5, 0.9))
        unjudged = {"time": w.time, "mel": w.mel}
        self.balancer = balancer or Balancer(unjudged, decay=BALANCE_DECAY, device=device)
        self.judged_balancer = Balancer(w.balanced(), decay=BALANCE_DECAY, device=device)

    @property
    def beside(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        """What changes besides the codec, for a checkpoint."""
        return {
            "judge": self.judge,
            "judge_optimizer": self.optimizer,
            "balancer": self.balancer,
            "judged_balancer": self.judged_balancer,
        }

    def __call__(self, codec: SpectralCodec, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss of a batch and its parts. Codebooks and discriminators learn from it at once."""
        if batch.starts:
            codec.start_codebooks(self.first_BCT)
        output, real_BCT, judgements = codec(batch.waveform_BCT, batch.codebooks), batch.waveform_BCT, None
        made_BCT = output.waveform_BCT
        if batch.judged is None:
            losses = {"time": time_loss(real_BCT, made_BCT), "mel": self.mel(real_BCT, made_BCT)}
            balancer = self.balancer
        else:
            here = slice(batch.judged, batch.judged + self.training.judged_samples)
            judgements = tuple(self.judge(JUDGED_GAIN * x_BCT[..., here]) for x_BCT in (real_BCT, made_BCT))
            losses = codec_losses(real_BCT, made_BCT, self.mel, *judgements)
            balancer = self.judged_balancer
        gradient_BCT = balancer(losses, made_BCT)
        parts = losses | {"commitment": output.commitment}
        if judgements and batch.learns:
            parts |= {"judge": self._learn(*judgements)}
        if codec.training:
            codec.update_codebooks(output)
        weighted = sum(weight * losses[name] for name, weight in balancer.weights.items())
        aimed = (made_BCT * gradient_BCT).sum()  # its gradient is the balancer's; its value says nothing
        total = aimed + (weighted - aimed).detach() + self.training.weights.commitment * output.commitment
        return total, parts

    def _learn(self, real: list[Judgement], made: list[Judgement]) -> Tensor:
        """A step of the discriminators, after the codec's gradient was taken from them as they were."""
        scores = ([judged.scores_B1FK for judged in judgements] for judgements in (real, made))
        loss, parameters = discriminator_loss(*scores), list(self.judge.parameters())
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = gradient
        self.optimizer.step()
        return loss


# --- a training -------------------------------------------------------------------------------------------------------


def fit(
    codec: SpectralCodec, training: Training, sounds: Sequence[Tensor], *, balancer: Balancer | None = None, **options
) -> train.History:
    """Train it; `balancer` as in `CodecLoss`, `options` as in `train.fit`."""
    first_BCT = crops(sounds, FIRST_CROPS, training.samples, torch.Generator().manual_seed(training.seed))
    loss = CodecLoss(training, codec.config.rate, first_BCT, balancer=balancer)
    settings = {"steps": training.steps, "lr": training.lr, "seed": training.seed, "device": "cpu"}
    return train.fit(codec, loss, training.batches(sounds), beside=loss.beside, **settings, **options)


# --- what is measured -------------------------------------------------------------------------------------------------


@torch.no_grad()
def distance(codec: SpectralCodec, sound_T: Tensor, codebooks: int) -> float:
    """How many decibels a sound is from itself after the way through the codec; see `log_spectral_distance`."""
    made_BT = codec.decode(codec.encode(sound_T[None, None], codebooks), len(sound_T))[0]
    return log_spectral_distance(sound_T[None], made_BT, codec.config.rate).item()
