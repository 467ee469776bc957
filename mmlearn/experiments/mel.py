"""Lesson 14: what does a mel spectrogram keep, and for whom?

Two tasks. WORD: which of 81 English words, numbers and dates, a clip says; trained on eight synthetic voices. TONE:
which of four tones a Mandarin syllable has; trained on one speaker. A classifier gets the waveform, or a log-mel
spectrogram of 128 bins down to one. Only its front end differs: trunk, steps, learning rate, augmentation and all seeds
are the same. The lesson trains and measures with the same functions.

Expected, and written down before anything was run:
    1. Words survive with few bins: 16 are about as good as 80. One bin, which is loudness alone, is far worse.
    2. Tone is pitch. It suffers sooner than words do, when bins become too wide to show where the voice's lowest
       harmonics are: at 8 bins, each some 350 Hz wide, if not at 16.
    3. On an unseen speaker, with a voice at 340 Hz in place of 140 Hz, every tone classifier is near chance,
       whatever its input. Trained on both speakers, it is not.
    4. With so few clips the waveform's learned filters are worse than the mel spectrogram's given ones.
    5. One bin is above chance for the first speaker's tones, because his tones differ in length.

The learning rate was chosen on training clips set apart (`mel-settings`): for words all clips of two of the eight
voices, for tones every fifth syllable; the best mean over a waveform and two spectrograms. It is the same for both
tasks, and the largest that was tried. The trunk's width and the number of steps were not chosen by a result: they are
what fits into some seconds of one core.

Shape letters: B batch, N clips, T samples, M bins (or learned filters), F frames, K classes.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn import data, train
from mmlearn.data import sound
from mmlearn.eval.classification import accuracy, majority_share
from mmlearn.eval.pictures import nearest_mean
from mmlearn.experiments.table import Experiment, Row, by_seed, rows
from mmlearn.nn.mel import LogMel

WORD, TONE, BOTH = "word", "tone", "tone, both speakers"
VOICES, REAL = "unseen voices", "real speaker"
# liu is the speaker that TONE trains on, and lo the other one; BOTH trains on both.
LIU, LO, LO_SEEN = "liu, unseen syllables", "lo, unseen syllables", "lo, seen syllables"
GROUPS = ("number", "ordinal", "day", "month")  # of words
HELD_OUT = {WORD: (VOICES, REAL), TONE: (LIU, LO, LO_SEEN), BOTH: (LIU, LO)}

WINDOW, HOP = 400, 160  # 25 ms and 10 ms
FILTERS = 80  # that are learned from the waveform
BINS = (128, 80, 40, 16, 8, 4, 1)
QUIET = 1e-5  # the floor of energies, below a clip's loudest sample, which is 1
SECONDS = {WORD: 1.0, TONE: 0.6, BOTH: 0.6}  # few clips are longer

STEPS, BATCH, WIDTH = 300, 64, 32
LEARNING_RATE = 8e-3
SHIFT = 6  # frames that a batch may move
SEEDS = range(5)


# --- the tasks --------------------------------------------------------------------------------------------------------


class Clips(NamedTuple):
    """Waveforms `[N, T]`, all equally loud; the number of each one's class `[N]`; how many seconds it lasted `[N]`."""

    waveforms: Tensor
    labels: Tensor
    seconds: Tensor

    def part(self, chosen_N: Tensor) -> "Clips":
        """Some of the clips."""
        return Clips(*(column[chosen_N] for column in self))


class Task(NamedTuple):
    """Training clips and the sets that are held out, named as in `HELD_OUT`; a label is an index of `classes`.

    `apart` marks the training clips that only the choice of settings holds out.
    """

    classes: tuple[str, ...]
    train: Clips
    held_out: dict[str, Clips]
    apart: Tensor


@cache
def load(task: str) -> Task:
    """The task `WORD`, `TONE` or `BOTH`."""
    return _words() if task == WORD else _tones(task)


def _words() -> Task:
    splits = {name: data.load("keywords", split=name) for name in ("train", "voices", "real")}
    splits = {name: table.filter(GROUPS.__contains__, input_columns="group") for name, table in splits.items()}
    words = tuple(sorted(set(splits["train"]["word"])))
    labels = {name: [words.index(word) for word in table["word"]] for name, table in splits.items()}
    clips = {name: _clips(table, labels[name], WORD) for name, table in splits.items()}
    apart = torch.tensor([voice in ("us-f2", "rp-m5") for voice in splits["train"]["voice"]])
    return Task(words, clips["train"], {VOICES: clips["voices"], REAL: clips["real"]}, apart)


def _tones(task: str) -> Task:
    splits = {name: data.load("tones", split=name) for name in data.splits("tones") if name != "all"}
    splits = {name: table.filter(lambda tone: tone < 5, input_columns="tone") for name, table in splits.items()}
    clips = {name: _clips(table, [tone - 1 for tone in table["tone"]], TONE) for name, table in splits.items()}
    held_out = {LIU: clips["syllables"], LO: clips["syllables_speakers"], LO_SEEN: clips["speakers"]}
    seen, said = clips["train"], list(splits["train"]["syllable"])
    if task == BOTH:
        seen = Clips(*map(torch.cat, zip(seen, held_out.pop(LO_SEEN), strict=True)))
        said += splits["speakers"]["syllable"]
    fifth = set(sorted(set(said))[::5])
    return Task(("1", "2", "3", "4"), seen, held_out, torch.tensor([syllable in fifth for syllable in said]))


def _clips(table, labels: list[int], task: str) -> Clips:
    """All clips of a table, decoded in as many threads as torch has."""
    parts = [table.select(range(start, min(start + 256, len(table)))) for start in range(0, len(table), 256)]
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        waveforms_NT = torch.cat(list(pool.map(lambda part: sound.waveforms(part, SECONDS[task]), parts)))
    waveforms_NT /= waveforms_NT.abs().amax(dim=1, keepdim=True).clamp(min=1e-4)
    return Clips(waveforms_NT, torch.tensor(labels), torch.tensor(table["seconds"]))


def shuffled(clips: Clips, seed: int) -> Clips:
    """The negative control: the same clips, with their labels in a random order."""
    order = torch.randperm(len(clips.labels), generator=torch.Generator().manual_seed(seed))
    return clips._replace(labels=clips.labels[order])


# --- the model --------------------------------------------------------------------------------------------------------


class LearnedFilters(nn.Module):
    """Filters over the waveform that training finds: a strided convolution with window and hop of a spectrogram."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.filters = nn.Conv1d(1, filters, WINDOW, HOP, padding=WINDOW // 2, bias=False)

    def forward(self, waveform_BT: Tensor) -> Tensor:
        """`[B, T]` to `[B, M, F]`, with as many frames as a spectrogram has."""
        return self.filters(waveform_BT[:, None]).relu()


def front_end(input: str, bins: int) -> nn.Module:
    """Waveforms `[B, T]` to `[B, M, F]`: `"mel"`, with the filters and windows of Whisper, or `"waveform"`, learned."""
    if input == "waveform":
        return LearnedFilters(bins)
    return LogMel(sound.RATE, WINDOW, HOP, bins, scale="slaney", norm=True, floor=QUIET)


class Classifier(nn.Module):
    """A front end, then the shared trunk: four convolutions over time, each halving it, their mean, a linear head."""

    def __init__(self, front: nn.Module, bins: int, classes: int) -> None:
        super().__init__()
        stages, before = [nn.BatchNorm1d(bins)], bins
        for after in (WIDTH, WIDTH, 2 * WIDTH, 2 * WIDTH):
            stages += [nn.Conv1d(before, after, 5, 2, padding=2, bias=False), nn.BatchNorm1d(after), nn.ReLU()]
            before = after
        self.front = front
        self.trunk = nn.Sequential(*stages, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(before, classes))

    def forward(self, waveform_BT: Tensor) -> Tensor:
        """Waveforms `[B, T]` to class scores `[B, K]`."""
        return self.trunk(self.front(waveform_BT))


def build(task: str, input: str, bins: int, seed: int) -> Classifier:
    """A classifier for a task, with the first weights of a seed; `input` and `bins` as in `front_end`."""
    torch.manual_seed(seed)
    return Classifier(front_end(input, bins), bins, len(load(task).classes))


def fit(
    model: Classifier,
    clips: Clips,
    *,
    seed: int,
    lr: float = LEARNING_RATE,
    steps: int = STEPS,
    on_event: Callable | Sequence = (),
    progress: bool | str = True,
    device: str | None = None,
) -> train.History:
    """Train a classifier. Arguments as in `train.fit`; `seed` also orders the batches.

    A front end without parameters hears every clip once, beforehand, which takes less time: moving a waveform by hops
    moves its spectrogram by frames.
    """
    model.to(device or train.device())
    learned = any(True for _ in model.front.parameters())
    part, inputs, hop = (model, clips.waveforms, HOP) if learned else (model.trunk, _heard(model.front, clips), 1)

    def augment(inputs: Tensor, labels_B: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Move the batch by some frames; what comes in at the beginning is the silence of the end."""
        frames = int(torch.randint(0, SHIFT + 1, (1,), generator=generator))
        return inputs.roll(frames * hop, dims=-1), labels_B

    history = train.fit(
        part,
        lambda part, batch: F.cross_entropy(part(batch[0]), batch[1]),
        train.batches(inputs, clips.labels, batch_size=BATCH, seed=seed, augment=augment),
        steps=steps,
        lr=lr,
        seed=seed,
        on_event=on_event,
        progress=progress,
        device=device,
    )
    model.eval()
    return history


def _heard(front: nn.Module, clips: Clips) -> Tensor:
    """What a front end makes of all clips, `[N, M, F]`, on the CPU."""
    where = next(front.buffers()).device
    return torch.cat([front(part.to(where)).cpu() for part in clips.waveforms.split(256)])


# --- the learning rate, chosen on training clips that are set apart ---------------------------------------------------

RATES = (2e-3, 4e-3, 8e-3)
CHOSEN_WITH = (("waveform", FILTERS), ("mel", 80), ("mel", 8))


def _settings(task: str, input: str, bins: int, lr: float, seed: int) -> list[Row]:
    known = load(task)
    fitting, validation = (known.train.part(chosen) for chosen in (~known.apart, known.apart))
    model = build(task, input, bins, seed)
    fit(model, fitting, seed=seed, lr=lr, progress=False, device="cpu")
    return [{"accuracy": accuracy(model, validation.waveforms, validation.labels)}]


# --- what is left with fewer bins -------------------------------------------------------------------------------------


def _classes(task: str, input: str, bins: int, labels: str, seed: int) -> list[Row]:
    """Accuracy on the held-out sets, of a trained classifier or of a baseline without training."""
    known = load(task)
    if input in ("majority", "length"):
        return [_row(where, _baseline(input, known.train, held)) for where, held in known.held_out.items()]
    clips = known.train if labels == "true" else shuffled(known.train, seed)
    model = build(task, input, bins, seed)
    fit(model, clips, seed=seed, progress=False, device="cpu")
    return measured(model, known)


def measured(model: Classifier, known: Task) -> list[Row]:
    """Accuracy on each of the held-out sets of a task."""
    return [_row(where, accuracy(model, held.waveforms, held.labels)) for where, held in known.held_out.items()]


def _row(where: str, value: float) -> Row:
    return {"where": where, "value": float(value)}


def _baseline(kind: str, seen: Clips, held: Clips) -> float:
    """Always the most frequent class; or the class whose clips last as long, in the mean, as this one does."""
    if kind == "majority":
        return majority_share(seen.labels, held.labels)
    means_K1 = torch.stack([seen.seconds[seen.labels == k].mean() for k in range(int(seen.labels.max()) + 1)])[:, None]
    return (nearest_mean(held.seconds[:, None], means_K1) == held.labels).float().mean().item()


def _points() -> tuple[Row, ...]:
    learned, usual = ("waveform", FILTERS), ("mel", 80)
    inputs = [learned, *(("mel", bins) for bins in BINS)]
    runs = [(task, *which, "true") for task in (WORD, TONE) for which in inputs]
    runs += [(BOTH, *which, "true") for which in (learned, usual, ("mel", 8), ("mel", 1))]
    runs += [(task, baseline, 0, "true") for task in HELD_OUT for baseline in ("majority", "length")]
    runs += [(task, *usual, "shuffled") for task in (WORD, TONE)]
    names = ("task", "input", "bins", "labels")
    return tuple(dict(zip(names, run, strict=True), seed=seed) for run in runs for seed in SEEDS)


# --- what the committed rows say --------------------------------------------------------------------------------------


def seeds(task: str, where: str, bins: int = 80, input: str = "mel", labels: str = "true") -> list[float]:
    """The accuracies of the committed runs of a task on one of its held-out sets, one number a seed."""
    chosen = {"task": task, "where": where, "input": input, "labels": labels}
    return by_seed(rows("mel-classes"), **chosen, bins={"mel": bins, "waveform": FILTERS}.get(input, 0))


EXPERIMENTS = [
    Experiment(
        name="mel-settings",
        lesson="14",
        question="Which learning rate suits each task, judged on training clips set apart?",
        points=tuple(
            {"task": task, "input": input, "bins": bins, "lr": lr, "seed": seed}
            for task in (WORD, TONE)
            for input, bins in CHOSEN_WITH
            for lr in RATES
            for seed in range(2)
        ),
        measure=_settings,
        again={"task": TONE, "input": "mel", "bins": 8, "lr": 2e-3, "seed": 0},
    ),
    Experiment(
        name="mel-classes",
        lesson="14",
        question="What does a mel spectrogram keep for whom: words and tones, from a waveform and from fewer bins?",
        points=_points(),
        measure=_classes,
        again={"task": TONE, "input": "mel", "bins": 8, "labels": "true", "seed": 0},
    ),
]
