"""Lesson 03: what is a shared embedding space for different modalities?

The image and text trunks are those of `toy-clip`, frozen. An audio trunk is bound to the images, with pairs of a
picture and its spoken name. Texts and sounds, which no training brought together, are then asked about each other. The
lesson trains and measures with the same functions.

Shape letters: B batch, N clips, P pictures, K concepts (each has a name), M bins and F frames of a spectrogram, T
samples, L tokens of a text, E width of the shared space.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmlearn import data, train
from mmlearn.data import sound
from mmlearn.eval.retrieval import chance_at, ranks
from mmlearn.eval.space import centred, combine, modality_gap
from mmlearn.experiments import emoji_captions as emoji
from mmlearn.experiments import zoo
from mmlearn.experiments.table import Experiment, Row, by_seed, rows
from mmlearn.models.imagebind import ImageBind, ImageBindConfig, SignalConfig, TextConfig
from mmlearn.nn.contrastive import symmetric_loss
from mmlearn.nn.mel import LogMel

STEPS, BATCH = 500, 96
REAL_STEPS = 150  # where there are fewer pairs
LEARNING_RATE = 1.2e-3
SEEDS = range(5)
DEPTHS = (1, 5)  # R@1 and R@5
FROZEN = "toy-clip"

BINS, FRAMES, HOP = 32, 80, 320  # a spectrogram of 1.6 s, a frame every 20 ms; few names are longer
SECONDS = FRAMES * HOP / sound.RATE
QUIET = 1e-3  # the floor below a clip's loudest sample, which is 1
MEAN, STD = -4.2, 3.8  # of the logarithms in training, so that the trunk reads numbers around 0

VOICES, CONCEPTS, BOTH = "unseen voices", "unseen concepts", "both unseen"
# A held-out set is clips, and pictures of the same concepts in a style that the image trunk has never seen.
HELD_OUT = {
    VOICES: ("voices", "noto"),
    CONCEPTS: ("concepts", "noto_concepts"),
    BOTH: ("voices_concepts", "noto_concepts"),
}
SPEAKERS = 4  # voices in training
BAND = 4  # bins that are hidden at a time
DECODED = 256  # clips at a time
POSITION_STD = 0.5  # of the first positions of sounds: lesson 01 found that large ones are used sooner


def config() -> ImageBindConfig:
    """The sizes of the lesson's model; those of image and text serve where they are trained, in `"joint"`."""
    return ImageBindConfig(
        embed_dim=128,
        image=SignalConfig(64, 2, 4, size=(3, 32, 32), kernel=(8, 8), norm_before=True),
        text=TextConfig(64, 2, 4, learned_scale=True, vocabulary=len(emoji.tokenizer()), context=emoji.CONTEXT),
        audio=SignalConfig(
            128, 2, 4, 20.0, size=(1, BINS, FRAMES), kernel=(32, 32), stride=(32, 16), extra_token=True, stem_norm=True
        ),
    )


# --- sounds -----------------------------------------------------------------------------------------------------------


class Clips(NamedTuple):
    """Spectrograms `[N, 1, M, F]`, the number of each one's concept, and whose voice it is."""

    spectrograms: Tensor
    numbers: Tensor
    voices: tuple[str, ...]


def hear(waveforms_NT: Tensor) -> Tensor:
    """Waveforms `[N, T]` to log-mel spectrograms `[N, 1, M, F]`. All are made equally loud first."""
    mel = LogMel(sound.RATE, 400, HOP, BINS, fft=512, fmin=60.0, floor=QUIET, mean=MEAN, std=STD, frames=FRAMES)
    loudest_N1 = waveforms_NT.abs().amax(dim=1, keepdim=True).clamp(min=1e-4)
    return torch.cat([mel(part) for part in (waveforms_NT / loudest_N1).split(DECODED)])[:, None]


def _heard(table) -> Tensor:
    """The spectrograms of a data set's clips, some at a time, for waveforms are large; in as many threads as torch."""
    starts = range(0, len(table), DECODED)
    parts = [table.select(range(start, min(start + DECODED, len(table)))) for start in starts]
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        return torch.cat(list(pool.map(lambda part: hear(sound.waveforms(part, SECONDS)), parts)))


@cache
def clips(split: str = "train", pictured: str = "train") -> Clips:
    """The English clips of a split of `spoken_emoji`, numbered as the concepts of a split of `emoji` are."""
    table = data.load("spoken_emoji", split=split)
    number = {code: index for index, code in enumerate(emoji.concepts(pictured).codes)}
    numbers = torch.tensor([number[code] for code in table["codepoint"]])
    return Clips(_heard(table), numbers, tuple(table["voice"]))


def vary(spectrograms_B1MF: Tensor, generator: torch.Generator) -> Tensor:
    """Change the loudness of each clip, and hide a band of its pitches. All clips begin with their first sound."""
    B, _, M, _ = spectrograms_B1MF.shape
    x_B1MF = spectrograms_B1MF + 0.1 * torch.randn(B, 1, 1, 1, generator=generator)
    lowest_B1 = torch.randint(0, M - BAND + 1, (B, 1), generator=generator)
    bins_1M = torch.arange(M)[None]
    hidden_BM = (bins_1M >= lowest_B1) & (bins_1M < lowest_B1 + BAND)
    return x_B1MF.masked_fill(hidden_BM[:, None, :, None], 0.0)


# --- the model --------------------------------------------------------------------------------------------------------


def build(model: str, seed: int) -> ImageBind:
    """A model with the first weights of a seed: `"bound"` has the frozen image and text trunks of `toy-clip`, and in
    `"joint"` nothing is frozen."""
    torch.manual_seed(seed)
    net = ImageBind(config())
    nn.init.normal_(net.trunks["audio"].positions[1:], std=POSITION_STD)
    if model != "joint":
        clip = zoo.load(FROZEN)
        net.trunks["image"] = nn.Sequential(clip.image, clip.image_projection).requires_grad_(False)
        net.trunks["text"] = nn.Sequential(clip.text, clip.text_projection).requires_grad_(False)
    return net


def embed(model: ImageBind, modality: str, inputs: Tensor, batch_size: int = 256) -> Tensor:
    """The vectors of many inputs, of length 1, `[N, E]`."""
    with torch.no_grad():
        return torch.cat([model.embed(modality, part) for part in inputs.split(batch_size)])


@cache
def _frozen_images(split: str) -> Tensor:
    return embed(build("bound", 0).eval(), "image", emoji.images(split).pixels)


def image_vectors(model: ImageBind, split: str) -> Tensor:
    """The vectors `[P, E]` of the pictures of a split. Those of the frozen trunk are computed once."""
    trained = any(parameter.requires_grad for parameter in model.trunks["image"].parameters())
    return embed(model, "image", emoji.images(split).pixels) if trained else _frozen_images(split)


def text_vectors(model: ImageBind, split: str) -> Tensor:
    """The vectors `[K, E]` of the names of a split's concepts."""
    return embed(model, "text", emoji.tokenizer()(emoji.concepts(split).labels))


# --- training ---------------------------------------------------------------------------------------------------------


def batches(
    model: ImageBind,
    kind: str = "bound",
    *,
    seed: int,
    concepts: int | None = None,
    voices: int = SPEAKERS,
    labels: str = "true",
) -> Iterator[dict[str, Tensor]]:
    """Endless batches of pairs, by modality. A batch holds distinct concepts.

    Args:
        kind: "bound": vectors of pictures `[B, E]` and spectrograms; "direct": vectors of names `[B, E]` and
            spectrograms; "joint": pictures, captions `[B, L]` and spectrograms.
        concepts, voices: how many there are to learn from, drawn by the seed; None: all.
        labels: "true", or "shuffled" as the negative control: every concept has the pictures of another one.
    """
    generator = torch.Generator().manual_seed(seed)
    known = len(emoji.concepts().codes)
    chosen = torch.randperm(known, generator=generator)[:concepts]
    heard = clips()
    names = sorted(set(heard.voices))
    speakers = {names[index] for index in torch.randperm(len(names), generator=generator)[:voices]}
    kept = torch.tensor([index for index, voice in enumerate(heard.voices) if voice in speakers])
    spoken = emoji.Shelf(heard.numbers[kept], known)
    partner_of = torch.arange(known)
    if labels == "shuffled":
        partner_of[chosen] = chosen[torch.randperm(len(chosen), generator=generator)]

    def sounds(numbers_B: Tensor) -> Tensor:
        return vary(heard.spectrograms[kept[spoken.pick(numbers_B, generator)]], generator)

    if kind == "joint":
        for images, tokens, numbers_B in emoji.pairs().batches(BATCH, seed, emoji.shift_and_mirror):
            yield {"image": images, "text": tokens, "audio": sounds(numbers_B)}
    elif kind == "direct":
        text_KE = text_vectors(model, "train")
        for places_B in emoji.distinct(len(chosen), BATCH, generator):
            yield {"text": text_KE[chosen[places_B]], "audio": sounds(chosen[places_B])}
    else:
        image_PE, drawn = image_vectors(model, "train"), emoji.Shelf(emoji.images().concepts, known)
        for places_B in emoji.distinct(len(chosen), BATCH, generator):
            pictures = drawn.pick(partner_of[chosen[places_B]], generator)
            yield {"image": image_PE[pictures], "audio": sounds(chosen[places_B])}


def bound(model: ImageBind, batch: dict[str, Tensor]) -> Tensor:
    """The loss of `"bound"` for `train.fit`: sounds against the vectors of their pictures."""
    return model.loss({"image": batch["image"], "audio": model.embed("audio", batch["audio"])})


def direct(model: ImageBind, batch: dict[str, Tensor]) -> Tensor:
    """The loss of `"direct"`: sounds against the vectors of their names, which ImageBind never does."""
    return symmetric_loss(model.similarities["audio"](batch["text"], model.embed("audio", batch["audio"])))


def joint(model: ImageBind, batch: dict[str, Tensor]) -> Tensor:
    """The loss of `"joint"`: pictures against captions, and against sounds; all trunks learn."""
    model.clamp()
    end = emoji.tokenizer().end
    return model.loss(model({**batch, "text": emoji.trim(batch["text"], end)}))


LOSSES = {"bound": bound, "direct": direct, "joint": joint}


def fit(
    model: ImageBind,
    kind: str = "bound",
    *,
    seed: int,
    concepts: int | None = None,
    voices: int = SPEAKERS,
    labels: str = "true",
    steps: int = STEPS,
    loss: Callable | None = None,
    on_event: Callable | Sequence = (),
    progress: bool | str = True,
    device: str | None = None,
) -> train.History:
    """Train a model of `build`, or one like it. `concepts`, `voices` and `labels` as in `batches`, others as in
    `train.fit`."""
    shown = batches(model, kind, seed=seed, concepts=concepts, voices=voices, labels=labels)
    return _fit(model, loss or LOSSES[kind], shown, seed, steps, on_event=on_event, progress=progress, device=device)


def _fit(model: ImageBind, loss: Callable, shown: Iterator, seed: int, steps: int, **options) -> train.History:
    return train.fit(model, loss, shown, steps=steps, lr=LEARNING_RATE, warmup=0.1, seed=seed, **options)


# --- measures ---------------------------------------------------------------------------------------------------------


def _row(measure: str, where: str, level: float | str, value: float | Tensor) -> Row:
    return {"measure": measure, "where": where, "level": level, "value": float(value)}


def _recalls(measure: str, where: str, scores_QN: Tensor, relevant_QN: Tensor) -> list[Row]:
    ranks_Q = ranks(scores_QN, relevant_QN)
    return [_row(measure, where, k, (ranks_Q <= k).float().mean()) for k in DEPTHS]


class Held(NamedTuple):
    """The vectors of a held-out set: names `[K, E]`, pictures `[P, E]` and clips `[N, E]`, with their numbers."""

    text_KE: Tensor
    image_PE: Tensor
    audio_NE: Tensor
    pictured_P: Tensor
    heard_N: Tensor

    def vectors(self, modality: str) -> Tensor:
        return {"text": self.text_KE, "image": self.image_PE, "audio": self.audio_NE}[modality]

    def numbers(self, modality: str) -> Tensor:
        names = torch.arange(len(self.text_KE))
        return {"text": names, "image": self.pictured_P, "audio": self.heard_N}[modality]

    def relevant(self, query: str, candidate: str) -> Tensor:
        """Which candidates belong to which query: those of the same concept."""
        return self.numbers(query)[:, None] == self.numbers(candidate)


def held_out(model: ImageBind, where: str) -> Held:
    """The vectors that a model gives to the set with this name of `HELD_OUT`."""
    split, pictured = HELD_OUT[where]
    heard = clips(split, pictured)
    audio_NE = embed(model, "audio", heard.spectrograms)
    numbers = emoji.images(pictured).concepts
    return Held(text_vectors(model, pictured), image_vectors(model, pictured), audio_NE, numbers, heard.numbers)


WAYS = (
    ("text", "audio"),
    ("audio", "text"),
    ("image", "audio"),
    ("audio", "image"),
    ("image", "text"),
    ("text", "image"),
)
PAIRS = (("image", "text"), ("image", "audio"), ("text", "audio"))
NEAREST = 10  # looked at, of a gallery with both pictures and sounds, and after adding up


def measured(model: ImageBind) -> list[Row]:
    """All that is asked of a trained model."""
    found = []
    for where in HELD_OUT:
        held = held_out(model, where)
        closed = held._replace(**{name: centred(getattr(held, name)) for name in ("text_KE", "image_PE", "audio_NE")})
        for how, vectors in {"": held, ", centred": closed}.items():
            for query, candidate in WAYS:
                scores_QN = vectors.vectors(query) @ vectors.vectors(candidate).T
                found += _recalls(f"{query} to {candidate}{how}", where, scores_QN, held.relevant(query, candidate))
            for one, other in PAIRS:
                gap = modality_gap(vectors.vectors(one), vectors.vectors(other))
                found.append(_row(f"gap{how}", where, f"{one}-{other}", gap))
            found.append(_row(f"sounds among the nearest{how}", where, NEAREST, _sounds_in_mixed(vectors)))
    return found + added_up(model)


def _sounds_in_mixed(held: Held) -> float:
    """Texts search a gallery with a picture and a sound of each concept: the share of sounds among the nearest."""
    K = len(held.text_KE)
    first = lambda numbers: torch.stack([(numbers == k).nonzero()[0, 0] for k in range(K)])
    image_KE, audio_KE = held.image_PE[first(held.pictured_P)], held.audio_NE[first(held.heard_N)]
    nearest_KN = (held.text_KE @ torch.cat([image_KE, audio_KE]).T).topk(NEAREST).indices
    return (nearest_KN >= K).float().mean().item()


def added_up(model: ImageBind) -> list[Row]:
    """Picture of one concept plus spoken name of another: are drawings of both among the nearest training pictures?

    The picture is in an unseen style and the name in an unseen voice, so that neither is in the gallery.
    """
    split, pictured = HELD_OUT[VOICES]
    known, generator = len(emoji.concepts(pictured).codes), torch.Generator().manual_seed(0)
    assert emoji.concepts(pictured).codes == emoji.concepts().codes  # so that numbers mean the same
    first_K = torch.arange(known)
    second_K = torch.randperm(known, generator=generator)
    kept = second_K != first_K
    first_K, second_K = first_K[kept], second_K[kept]
    heard = clips(split, pictured)
    pictures = emoji.Shelf(emoji.images(pictured).concepts, known).pick(first_K, generator)
    sounds = emoji.Shelf(heard.numbers, known).pick(second_K, generator)
    image_KE = image_vectors(model, pictured)[pictures]
    audio_KE = embed(model, "audio", heard.spectrograms[sounds])
    gallery_PE, drawn_P = image_vectors(model, "train"), emoji.images().concepts
    found = []
    queries = {"": combine(image_KE, audio_KE), ", image alone": image_KE, ", sound alone": audio_KE}
    for how, query_KE in queries.items():
        near_KN = drawn_P[(query_KE @ gallery_PE.T).topk(NEAREST).indices]
        hit = {"image": (near_KN == first_K[:, None]).any(dim=1), "sound": (near_KN == second_K[:, None]).any(dim=1)}
        hit["both"] = hit["image"] & hit["sound"]
        found += [_row(f"added up{how}", VOICES, name, hits.float().mean()) for name, hits in hit.items()]
    return found


def baselines() -> list[Row]:
    """Chance on all held-out sets."""
    found = []
    for where, (split, pictured) in HELD_OUT.items():
        names, drawn = torch.arange(len(emoji.concepts(pictured).codes)), emoji.images(pictured).concepts
        code = {code: index for index, code in enumerate(emoji.concepts(pictured).codes)}
        heard = torch.tensor([code[c] for c in data.load("spoken_emoji", split=split)["codepoint"]])
        numbers = {"text": names, "image": drawn, "audio": heard}
        for query, candidate in WAYS:
            relevant_QN = numbers[query][:, None] == numbers[candidate]
            found += [_row(f"{query} to {candidate}", where, k, chance_at(k, relevant_QN)) for k in DEPTHS]
    return found


# --- real sounds ------------------------------------------------------------------------------------------------------

REAL = "stamps"
KINDS = {"sound": "sound", "ru": "Russian", "fr": "French"}
SHARE = 0.2  # of the items, held out


class Stamps(NamedTuple):
    """Pictures and clips of real things. Numbers are those of items, so that variants of one thing count as one.

    Attributes:
        image_PE: vectors of the pictures, from the frozen trunk; `pictured_P` their items.
        text_KE: vectors of the items' English names.
        spectrograms: `[N, 1, M, F]`; `heard_N` their items; `kinds` "sound", "ru" or "fr".
    """

    image_PE: Tensor
    pictured_P: Tensor
    text_KE: Tensor
    spectrograms: Tensor
    heard_N: Tensor
    kinds: tuple[str, ...]


@cache
def stamps() -> Stamps:
    """All stamps that can be heard."""
    pictures, heard = data.load("stamps", split="all", size=32), data.load("stamps_audio", split="all")
    items = sorted(set(heard["item"]))
    number = {item: index for index, item in enumerate(items)}
    pictures = pictures.filter(lambda item: item in number, input_columns="item")
    label = dict(zip(reversed(list(pictures["item"])), reversed(list(pictures["label_en"])), strict=True))
    frozen = build("bound", 0).eval()
    return Stamps(
        embed(frozen, "image", data.to_tensor(pictures).float() / 127.5 - 1),
        torch.tensor([number[item] for item in pictures["item"]]),
        embed(frozen, "text", emoji.tokenizer()([label[item] for item in items])),
        _heard(heard),
        torch.tensor([number[item] for item in heard["item"]]),
        tuple(language or kind for kind, language in zip(heard["kind"], heard["language"], strict=True)),
    )


def fit_real(model: ImageBind, *, seed: int, labels: str = "true", steps: int = REAL_STEPS, **options) -> Tensor:
    """Train on most items of `stamps`, and return the numbers of those that were held out. Arguments as in `fit`."""
    known, generator = stamps(), torch.Generator().manual_seed(seed)
    order = torch.randperm(len(known.text_KE), generator=generator)
    apart = round(SHARE * len(order))
    seen = order[apart:]
    partner_of = torch.arange(len(order))
    if labels == "shuffled":
        partner_of[seen] = seen[torch.randperm(len(seen), generator=generator)]
    drawn, spoken = (emoji.Shelf(numbers, len(order)) for numbers in (known.pictured_P, known.heard_N))

    def shown() -> Iterator[dict[str, Tensor]]:
        for places_B in emoji.distinct(len(seen), BATCH, generator):
            items_B = seen[places_B]
            sounds = vary(known.spectrograms[spoken.pick(items_B, generator)], generator)
            yield {"image": known.image_PE[drawn.pick(partner_of[items_B], generator)], "audio": sounds}

    _fit(model, bound, shown(), seed, steps, **options)
    return order[:apart]


def measured_real(model: ImageBind, apart: Tensor) -> list[Row]:
    """Retrieval among the held-out items, with its chance: sounds and speech against pictures and English names.

    Speech against names is the emergent pair: nothing was trained on it.
    """
    known, found = stamps(), []
    pictured = torch.isin(known.pictured_P, apart)
    image_PE, items_P = known.image_PE[pictured], known.pictured_P[pictured]
    text_KE = known.text_KE[apart]

    def add(measure: str, query_QE: Tensor, of_query: Tensor, candidate_NE: Tensor, of_candidate: Tensor) -> None:
        relevant_QN = of_query[:, None] == of_candidate
        found.extend(_recalls(measure, REAL, query_QE @ candidate_NE.T, relevant_QN))
        found.extend(_row(f"{measure}, chance", REAL, k, chance_at(k, relevant_QN)) for k in DEPTHS)

    for kind, name in KINDS.items():
        mine = torch.isin(known.heard_N, apart) & torch.tensor([own == kind for own in known.kinds])
        audio_NE, items_N = embed(model, "audio", known.spectrograms[mine]), known.heard_N[mine]
        add(f"{name} to image", audio_NE, items_N, image_PE, items_P)
        add(f"{name} to text", audio_NE, items_N, text_KE, apart)
    add("image to text", image_PE, items_P, text_KE, apart)  # what the frozen trunks can do here
    return found


# --- the sweep --------------------------------------------------------------------------------------------------------

FEW_CONCEPTS = (100, 300)  # besides all
FEW_VOICES = (1, 2)  # besides all four
ALL = "all"


def _point(model: str, labels: str, concepts: int | str, voices: int, seed: int) -> list[Row]:
    """Train one model as the lesson does, quietly and on the CPU, and measure it."""
    if model == "chance":
        return baselines()
    net, quietly = build(model, seed), {"seed": seed, "labels": labels, "progress": False, "device": "cpu"}
    if model == "real":
        return measured_real(net, fit_real(net, **quietly))
    fit(net, model, concepts=None if concepts == ALL else concepts, voices=voices, **quietly)
    return measured(net)


def _points() -> tuple[Row, ...]:
    names = ("model", "labels", "concepts", "voices")
    runs = [("bound", "true", ALL, SPEAKERS), ("direct", "true", ALL, SPEAKERS)]
    runs += [("bound", "shuffled", ALL, SPEAKERS), ("joint", "true", ALL, SPEAKERS)]
    runs += [("bound", "true", concepts, SPEAKERS) for concepts in FEW_CONCEPTS]
    runs += [("bound", "true", ALL, voices) for voices in FEW_VOICES]
    runs += [("real", labels, ALL, SPEAKERS) for labels in ("true", "shuffled")]
    points = [dict(zip(names, run, strict=True), seed=seed) for run in runs for seed in SEEDS]
    return (*points, dict(zip(names, ("chance", "none", ALL, SPEAKERS), strict=True), seed=0))


# --- what the committed rows say --------------------------------------------------------------------------------------


def seeds(model: str, measure: str, where: str = VOICES, level: float | str = 1, **changed) -> list[float]:
    """What the committed runs of a model measured, one number a seed.

    Args:
        model: "bound", "direct", "joint", "real", or "chance" (one number).
        measure, where, level: as in the rows, such as "text to audio", `VOICES`, 5.
        changed: other settings: `labels="shuffled"`, `concepts=100` or `voices=1`.
    """
    settings = {"labels": "none" if model == "chance" else "true", "concepts": ALL, "voices": SPEAKERS} | changed
    return by_seed(_committed(), model=model, measure=measure, where=where, level=level, **settings)


@cache
def _committed() -> list[Row]:
    return rows("imagebind-emergent")


EXPERIMENTS = [
    Experiment(
        name="imagebind-emergent",
        lesson="03",
        question="Do texts find sounds when both were bound to images alone, and how much data does it take?",
        points=_points(),
        measure=_point,
        again={"model": "real", "labels": "true", "concepts": ALL, "voices": SPEAKERS, "seed": 0},
    ),
]
