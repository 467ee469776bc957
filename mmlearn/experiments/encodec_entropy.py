"""Lesson 15: how many bytes does entropy coding save on the codes of the zoo's codec?

Codes of clips that no training saw become files, which are read again and compared, code by code. What counts is the
size of the file, with all that is in it: how many frames and codebooks, a checksum, the codes.

Coders:
    packed: 10 bits a code.
    order 0: arithmetic coding by how often each entry was chosen in training, frame after frame the same.
    model: arithmetic coding by a small language model, which sees the frames before; trained on codes of English
        speech, at each seed anew. It starts from the frequencies of order 0, so what it adds is what it learned.
With the order "shuffled" the frames of each crop and each clip are shuffled, in training and after: the same model,
without what context could tell it. It is the control.

Expected, and written down before anything was run:
    1. All files are read exactly.
    2. Order 0 saves 2 to 8 %: entries that are chosen rarely were replaced in training, so all are used alike.
    3. The model saves 10 to 20 % of speech; the paper says 25 to 40 %, with a larger model and more to learn from.
    4. Of 8 codebooks it saves a smaller share than of 4: what the later ones code is nearly noise.
    5. Of music it saves less than of speech, or even costs bytes: it has never heard any.
    6. Shuffled, it saves as much as order 0, to within one percent.

Settings of the model were chosen on the validation split, with a codec that was not trained to its end. Larger learning
rates gained the same, or trainings broke down; one went better.

Shape letters: B batch, Q codebooks, F frames, N frames of all clips, K entries of a codebook.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor

from mmlearn import data, train
from mmlearn.data import sound
from mmlearn.eval.intervals import Interval, mean_interval, shares
from mmlearn.experiments import encodec_rates, zoo
from mmlearn.experiments.encodec_rates import MUSIC, SPEECH
from mmlearn.experiments.table import Experiment, Row, rows, select
from mmlearn.models import encodec_bytes
from mmlearn.models.encodec_bytes import FixedGuesses, ModelGuesses
from mmlearn.models.encodec_lm import CodeLM, CodeLMConfig

BITS, ENTRIES = 10, 1024  # of a code of the zoo's codec
MOST = 8  # codebooks that are coded here
MUSIC_SECONDS = 1  # of each piece
EVERY = 2  # sentence is coded
CROP, BATCH, STEPS, LR = 100, 4, 200, 6e-3  # frames of a crop, crops of a step, steps, learning rate
SEEDS = range(5)
SIZES = {"context": 50, "dim": 64, "layers": 2, "heads": 4}  # one second of context

# --- codes ------------------------------------------------------------------------------------------------------------


@torch.no_grad()
def codes_of(waveform_T: Tensor, codebooks: int = MOST) -> Tensor:
    """A sound as codes of the zoo's codec, `[T]` to `[Q, F]`."""
    return _codec().encode(waveform_T[None, None], codebooks)[0]


@cache
def _codec():
    return zoo.load("toy-codec")


@cache
def spoken_codes(split: str = "train", most: int | None = None) -> Tensor:
    """The codes of the English clips of a split, one after another: `[Q, N]`.

    Args:
        most: clips to take; all where it is not said.
    """
    contents = data.load("speech", split=split)["audio"][:most]
    return torch.cat([codes_of(sound.decode(content)) for content in contents], dim=1)


@cache
def held_out(kind: str = SPEECH) -> dict[str, Tensor]:
    """The codes `[Q, F]` of clips of `encodec-rates` by their names: every second sentence, a second of each piece."""
    every, samples = (EVERY, None) if kind == SPEECH else (1, MUSIC_SECONDS * sound.RATE)
    return {clip.name: codes_of(clip.waveform_T[:samples]) for clip in encodec_rates.clips(kind)[::every]}


def frequencies(codes_QN: Tensor) -> Tensor:
    """How often each entry was chosen, and once more, as shares: `[Q, K]`."""
    counts_QK = torch.stack([codes_N.bincount(minlength=ENTRIES) for codes_N in codes_QN]) + 1
    return counts_QK / counts_QK.sum(dim=1, keepdim=True)


# --- the model --------------------------------------------------------------------------------------------------------

KEPT, SHUFFLED = "kept", "shuffled"


def train_lm(codes_QN: Tensor, *, steps: int = STEPS, seed: int = 0, order: str = KEPT, **options) -> CodeLM:
    """A language model of codes, trained on crops of them.

    Args:
        codes_QN: those of all clips.
        steps: each sees 4 crops of two seconds.
        seed: of first weights and crops.
        order: of the frames of a crop.
        options: as in `train.fit`.
    """
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        lm = CodeLM(CodeLMConfig(len(codes_QN), ENTRIES, **SIZES))
    with torch.no_grad():
        lm.head.bias.copy_(frequencies(codes_QN).log().flatten())
    settings = {"steps": steps, "lr": LR, "seed": seed, "device": "cpu", "progress": False} | options
    train.fit(lm, lambda model, codes_BQF: model.loss(codes_BQF), crops(codes_QN, seed, order), **settings)
    return lm


def crops(codes_QN: Tensor, seed: int, order: str = KEPT) -> Iterator[Tensor]:
    """Endless batches of stretches of the codes, by chance: `[B, Q, F]`."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        starts = torch.randint(codes_QN.shape[1] - CROP + 1, (BATCH,), generator=generator).tolist()
        stretches = [codes_QN[:, start : start + CROP] for start in starts]
        if order == SHUFFLED:
            stretches = [shuffled(codes_QF, generator) for codes_QF in stretches]
        yield torch.stack(stretches)


def shuffled(codes_QF: Tensor, generator: torch.Generator) -> Tensor:
    """The same frames in an order by chance."""
    return codes_QF[:, torch.randperm(codes_QF.shape[1], generator=generator)]


# --- files ------------------------------------------------------------------------------------------------------------

HEADER = struct.Struct("!HBI")  # frames, codebooks, CRC-32 of the codes: 7 bytes

# What codes are written by: a language model, frequencies [Q, K], or None: packed.
Coder = CodeLM | Tensor | None


def write(codes_QF: Tensor, coder: Coder) -> bytes:
    """Codes of one sound as a file. Whoever reads it needs the same coder.

    Raises:
        ValueError: there are more than 65,535 frames.
    """
    books, frames = codes_QF.shape
    if frames > 65_535:
        raise ValueError(f"a file holds up to 65,535 frames, not {frames}")
    codes_FQ = codes_QF.T.tolist()
    with _one_thread():
        guesses = _guesses(coder, books)
        coded = encodec_bytes.pack(codes_FQ, BITS) if guesses is None else encodec_bytes.encode(codes_FQ, guesses)
    return HEADER.pack(frames, books, _checksum(codes_FQ)) + coded


def read(content: bytes, coder: Coder) -> Tensor:
    """The codes `[Q, F]` of a file.

    Raises:
        ValueError: the codes are not those that were written: the file was changed, or the coder is another one.
    """
    frames, books, checksum = HEADER.unpack_from(content)
    coded = content[HEADER.size :]
    with _one_thread():
        guesses = _guesses(coder, books)
        if guesses is None:
            codes_FQ = encodec_bytes.unpack(coded, frames, books, BITS)
        else:
            codes_FQ = encodec_bytes.decode(coded, frames, guesses)
    if _checksum(codes_FQ) != checksum:
        raise ValueError("the codes came out otherwise: the file was changed, or it was written by another coder")
    return torch.tensor(codes_FQ, dtype=torch.int64).reshape(frames, books).T


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in the same order on both ways, however many threads there are elsewhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _guesses(coder: Coder, books: int) -> FixedGuesses | ModelGuesses | None:
    if coder is None:
        return None
    return ModelGuesses(coder, books) if isinstance(coder, CodeLM) else FixedGuesses(coder[:books])


def _checksum(codes_FQ: encodec_bytes.Codes) -> int:
    return zlib.crc32(b"".join(struct.pack(f"!{len(codes_Q)}H", *codes_Q) for codes_Q in codes_FQ))


# --- the sweep --------------------------------------------------------------------------------------------------------

PACKED, ORDER_0, MODEL = "packed", "order 0", "model"


def _coder(name: str, codebooks: int, order: str, seed: int) -> Coder:
    if name == PACKED:
        return None
    codes_QN = spoken_codes()[:codebooks]
    return frequencies(codes_QN) if name == ORDER_0 else train_lm(codes_QN, seed=seed, order=order)


def _entropy(coder: str, codebooks: int, order: str, seed: int) -> list[Row]:
    found, by = [], _coder(coder, codebooks, order, seed)
    for kind in (SPEECH, MUSIC) if order == KEPT else (SPEECH,):
        for name, codes_QF in held_out(kind).items():
            codes_QF = codes_QF[:codebooks]
            if order == SHUFFLED:
                codes_QF = shuffled(codes_QF, torch.Generator().manual_seed(seed))
            content = write(codes_QF, by)
            if not torch.equal(read(content, by), codes_QF):
                raise AssertionError(f"{name} came back otherwise")
            found.append({"sound": kind, "clip": name, "frames": codes_QF.shape[1], "bytes": len(content)})
    return found


def _points() -> tuple[Row, ...]:
    runs = [(coder, codebooks, KEPT, 0) for coder in (PACKED, ORDER_0) for codebooks in (4, 8)]
    runs += [(MODEL, codebooks, KEPT, seed) for codebooks in (4, 8) for seed in SEEDS]
    runs += [(MODEL, 4, SHUFFLED, seed) for seed in SEEDS]
    return tuple(dict(zip(("coder", "codebooks", "order", "seed"), run, strict=True)) for run in runs)


# --- what the committed rows say --------------------------------------------------------------------------------------


def sizes(coder: str = MODEL, codebooks: int = 4, kind: str = SPEECH, order: str = KEPT) -> dict[int, list[float]]:
    """The committed sizes in bytes by seed: one number a clip, in the order of the clips."""
    settings = {"coder": coder, "codebooks": codebooks, "order": order, "sound": kind}
    found: dict[int, list[float]] = {}
    for row in select(rows("encodec-entropy"), **settings):
        found.setdefault(row["seed"], []).append(row["bytes"])
    return found


def saved_by_seed(*which, **options) -> list[float]:
    """The percentage of all packed bytes that is saved, one number a seed; arguments as in `sizes`."""
    return [100 * sum(shares(*pair)) / len(pair[0]) for pair in _saved_and_packed(*which, **options)]


def saved_by_clip(*which, **options) -> list[float]:
    """The same, one number a clip, the mean over the seeds; their mean is that of all bytes, see `shares`."""
    seeds = [shares(*pair) for pair in _saved_and_packed(*which, **options)]
    return [100 * sum(each) / len(each) for each in zip(*seeds, strict=True)]


def saved(*which, over: str = "clips", **options) -> Interval:
    """The mean percentage saved, with its interval over "clips" or "seeds"; arguments as in `sizes`."""
    values = {"clips": saved_by_clip, "seeds": saved_by_seed}[over]
    return mean_interval(values(*which, **options))


def _saved_and_packed(
    coder: str = MODEL, codebooks: int = 4, kind: str = SPEECH, order: str = KEPT
) -> list[tuple[list[float], list[float]]]:
    (packed,) = sizes(PACKED, codebooks, kind).values()
    each = sizes(coder, codebooks, kind, order).values()
    return [([whole - size for whole, size in zip(packed, seed, strict=True)], packed) for seed in each]


EXPERIMENTS = [
    Experiment(
        name="encodec-entropy",
        lesson="15",
        question="How many bytes does entropy coding save on the codes of the course's codec?",
        points=_points(),
        measure=_entropy,
        again={"coder": PACKED, "codebooks": 4, "order": KEPT, "seed": 0},
    ),
]
