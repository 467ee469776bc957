# %% [markdown]
# # 03 · ImageBind
#
# Lesson 02 put pictures and texts into one space. ImageBind adds sounds, and more. It needs no pairs of every kind with
# every other: pictures are enough as the middle. A sound that lies near its picture should also lie near the picture's
# words, although nobody ever showed the two together. *The paper* below is Girdhar et al. 2023,
# [ImageBind: One Embedding Space To Bind Them All](https://arxiv.org/abs/2305.05665).
#
# **You will** write a trunk that reads sounds, the loss that binds it to pictures, and three tools to look into a shared
# space. Then texts look for sounds that they were never trained with. **You need** lesson 02 for scores and loss, and
# lesson 01 for the blocks.

# %% tags=["setup"]
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn import data
from mmlearn.course import (
    Sound,
    Typed,
    check,
    explore,
    explore_sounds,
    glossary,
    image_grid,
    listen,
    live_curve,
    predict,
    reveal,
    say,
    show,
    style,
)
from mmlearn.course.drawings import charts
from mmlearn.course.drawings import imagebind as draw
from mmlearn.data import sound
from mmlearn.eval.intervals import Interval, mean_interval, paired_interval
from mmlearn.experiments import emoji_captions as emoji
from mmlearn.experiments import imagebind as study
from mmlearn.models import clip as clip_models
from mmlearn.models import imagebind as reference
from mmlearn.models import vit as vit_models
from mmlearn.models.imagebind import ImageBindConfig, SignalConfig
from mmlearn.nn.attention import ExtraTokenAttention, SelfAttention
from mmlearn.nn.contrastive import Similarity, symmetric_loss
from mmlearn.nn.patches import StridedProjection
from mmlearn.nn.transformer import StochasticDepthBlock

style()  # the course's look for every figure below

# %% [markdown]
# ## Why
#
# A *modality* is a kind of signal: pictures, texts, sounds, depth maps. To put six of them into one space as CLIP does,
# one would need pairs of every two: fifteen collections. Most of them do not exist. Hardly anybody has collected sounds with
# matching thermal pictures.
#
# Pictures are the exception. They come with captions on the web, with sound in videos, with depth from special cameras. So
# ImageBind trains each other modality with pictures alone. If texts lie near their pictures, and sounds lie near the same
# pictures, then texts and sounds should lie near each other. The paper calls this *emergent alignment*.
#
# In this lesson the sounds are spoken names: "parrot", said by a machine. A spoken name looks nothing like a parrot, and
# nothing like the six letters. Here is the plan.

# %% id="the-idea"
spoken = data.load("spoken_emoji", split="voices")  # voices that training does not use


def heard(name: str) -> Tensor:
    """The waveform of a spoken name, [T]."""
    return sound.decode(spoken[list(spoken["text"]).index(name)]["audio"])


def waves(waveforms) -> Tensor:
    """Waveforms of different lengths as [N, T], filled up with silence."""
    length = round(study.SECONDS * sound.RATE)
    return torch.stack(
        [F.pad(w[:length], (0, length - len(w[:length]))) for w in waveforms]
    )


drawings = data.load("emoji", split="noto", size=32)
place = list(drawings["label_en"]).index("parrot")
parrot = data.to_tensor(drawings.select([place]))[0]
show(
    draw.idea(parrot / 255, "parrot", study.hear(waves([heard("parrot")]))[0, 0]),
    alt="Three columns: the word parrot, a drawing of a parrot, and the spectrogram of the "
    "spoken word. Each goes through a trunk of its own and becomes a vector. Solid lines "
    "join text with image, pairs of lesson 02, and image with audio, pairs of this lesson. "
    "A dashed line joins text with audio: never a pair of these two.",
)

# %% [markdown]
# ## Build
#
# The letters of this lesson: **B** batch, **C** channels, **Y** and **X** rows and columns of a picture; of a spectrogram,
# its mel bins and its frames. **P** and **Q** rows and columns of a patch, **N** patches, **D** width of a trunk, **L** = 1 +
# N tokens, **E** width of the shared space. Where two sets of vectors are compared, **N** and **M** are how many they hold.
#
# ### Sound as a picture
#
# A sound is a row of numbers: the air pressure, `16000` times a second. A *spectrogram* cuts it into short pieces, the
# frames, and says how much energy each piece has at each pitch. Time runs to the right, pitch upwards. The pitches are
# spaced as an ear hears them, on the *mel scale*; one row is a mel bin. The energies span many powers of ten, so their
# logarithm is taken. Lesson 14 builds all of this; here `study.hear` does it. What is left over at the end of a short
# sound is silence.
#
# Listen to one name in two voices, and to two other names. What stays the same from voice to voice, to the ear and to the
# eye?

# %% id="listen"


def as_sound(row: dict, note: str = "") -> Sound:
    """A row of `spoken_emoji`, to be shown."""
    waveform = sound.decode(row["audio"])[: round(study.SECONDS * sound.RATE)]
    spectrogram = study.hear(waves([waveform]))[0, 0]
    return Sound(waveform, row["text"], spectrogram, note or f"voice {row['voice']}")


texts = list(spoken["text"])
other_voice = len(texts) - 1 - texts[::-1].index("parrot")
chosen = [texts.index("parrot"), other_voice, texts.index("carrot")]
chosen.append(texts.index("rocket"))
listen([as_sound(spoken[place]) for place in chosen], study.SECONDS)

# %% [markdown]
# ### Patches that overlap
#
# A spectrogram is a picture with one channel, so a Vision Transformer can read it. Lesson 01 laid patches side by side. A
# sound may begin anywhere, and a patch border would cut it there. So the patches of sounds overlap: each begins less than
# one patch after the last. ImageBind takes patches of `16 × 16`, one every `10` bins and frames (section 3.3 of the paper).
#
# Let a patch have P rows and Q columns, and let $s$ and $t$ be the *strides*: how many rows and columns there are from one
# patch to the next. Patch $(i, j)$ begins in row $i s$ and column $j t$. As many patches fit as
#
# $$N = \left(1 + \left\lfloor \frac{Y - P}{s} \right\rfloor\right) \left(1 + \left\lfloor \frac{X - Q}{t} \right\rfloor\right)$$
#
# The brackets round down; what is left over at the end is in no patch. (The paper prints no formula for this.) Order the
# patches row by row. Inside a patch: channel, then row, then column, as in lesson 01. A patch that is larger than the
# spectrogram is refused with a `ValueError`.


# %% exercise="imagebind.patches"
def overlapping_patches(
    spectrograms_BCYX: Tensor, kernel: tuple[int, int], stride: tuple[int, int]
) -> Tensor:
    """Cut into flattened patches that may overlap: [B, C, Y, X] to [B, N, C * P * Q].

    `kernel` is (P, Q); `stride` is (s, t). Raises a ValueError if P > Y or Q > X.
    """
    Y, X = spectrograms_BCYX.shape[2:]
    P, Q = kernel
    ### BEGIN SOLUTION
    if P > Y or Q > X:
        raise ValueError(f"patches of {P} x {Q} in a spectrogram of {Y} x {X}")
    patches = [
        spectrograms_BCYX[:, :, y : y + P, x : x + Q].flatten(1)  # [B, C * P * Q]
        for y in range(0, Y - P + 1, stride[0])  # i s
        for x in range(0, X - Q + 1, stride[1])  # j t
    ]
    return torch.stack(patches, dim=1)
    ### END SOLUTION


# %% check="imagebind.patches"
# NBVAL_CHECK_OUTPUT
overlapping_patches = check("imagebind.patches")

# %% [markdown]
# The lesson's patches are as high as the spectrogram and `32` frames long, one every `16` frames. Every frame is in two
# patches, but for those at the two ends. Such patches are long: most short names fit into one. With so few of them a step of
# training is cheap.

# %% id="patches-of-a-sound"
config = study.config()
kernel, stride = config.audio.kernel, config.audio.stride
one = study.hear(waves([heard("fire engine")]))
patches = overlapping_patches(one, kernel, stride)
show(
    draw.patches_of(one[0, 0], kernel[1], stride[1]),
    alt="The spectrogram of the words fire engine. Below it a bar for each of its four "
    "patches: every bar begins below the middle of the one before it.",
)
say(f"The spectrogram {list(one.shape)} becomes patches {list(patches.shape)}.")

# %% [markdown]
# ### A trunk for any signal
#
# A *trunk* is the encoder of one modality. ImageBind has one for each, and nearly all are the Vision Transformer of lesson
# 01 (section 3.3). The paper writes $f$ for the trunk of images and $g$ for that of another modality: $q_i = f(I_i)$ and
# $k_i = g(M_i)$ are vectors of the same width E. $I_i$ is an image, $M_i$ what belongs to it in modality $M$.
#
# `forward` does this, with $x$ the tokens and $S$ the signal:
#
# $$x = \operatorname{norm}_{\text{before}}\big([\,x_{\text{class}};\; \operatorname{norm}_{\text{stem}}(\operatorname{stem}(S))\,] + E_{\text{pos}}\big)$$
# $$x \leftarrow \operatorname{block}(x) \quad \text{for each block}$$
# $$g(S) = W\, \operatorname{norm}(x^0)$$
#
# `self.stem` cuts the patches and projects them, [B, N, D]. $x_{\text{class}}$ is the class token, $E_{\text{pos}}$ the L
# positions, $x^0$ the token that came in as the class token, $W$ is `self.projection`. A norm that a trunk does not have is
# an `nn.Identity`, which changes nothing. The vector needs no length of 1 yet.
#
# One thing is new inside the blocks. Attention must sum to 1, even where a token finds nothing of use. An extra key and
# value, both learned, give it a place to look. `ExtraTokenAttention` has them; you need not write it.
#
# A spectrogram that lies on its side may have as many patches as one that stands, so look at the shape: signals that are
# not [B, *size] are refused with a `ValueError`.


# %% exercise="imagebind.trunk"
class SignalTrunk(nn.Module):
    """A Vision Transformer for signals: [B, *size] to vectors [B, E]."""

    def __init__(self, config: SignalConfig, embed_dim: int) -> None:
        super().__init__()
        c = config
        self.size = c.size  # channels, then one or more axes
        self.stem = StridedProjection(c.size[0], c.kernel, c.dim, stride=c.stride)
        self.stem_norm, self.norm_before = (
            nn.LayerNorm(c.dim, eps=c.norm_eps) if there else nn.Identity()
            for there in (c.stem_norm, c.norm_before)
        )
        self.class_token = nn.Parameter(0.02 * torch.randn(c.dim))
        self.positions = nn.Parameter(0.01 * torch.randn(1 + math.prod(c.grid), c.dim))
        attention = ExtraTokenAttention if c.extra_token else SelfAttention
        self.blocks = nn.ModuleList(
            StochasticDepthBlock(
                c.dim, c.heads, 4 * c.dim, norm_eps=c.norm_eps, attention=attention
            )
            for _ in range(c.blocks)
        )
        self.norm = nn.LayerNorm(c.dim, eps=c.norm_eps)
        self.projection = nn.Linear(c.dim, embed_dim, bias=False)

    def forward(self, signals: Tensor) -> Tensor:
        """Signals [B, *size] to vectors [B, E].

        Raises a ValueError if the signals do not have the shape `self.size` each.
        """
        ### BEGIN SOLUTION
        if signals.shape[1:] != self.size:
            raise ValueError(f"expected {self.size}, got {tuple(signals.shape[1:])}")
        patches_BND = self.stem_norm(self.stem(signals))
        class_B1D = self.class_token.expand(len(patches_BND), 1, -1)
        x_BLD = torch.cat([class_B1D, patches_BND], dim=1) + self.positions
        x_BLD = self.norm_before(x_BLD)
        for block in self.blocks:
            x_BLD = block(x_BLD)
        return self.projection(self.norm(x_BLD[:, 0]))  # W norm(x^0)
        ### END SOLUTION


# %% check="imagebind.trunk"
# NBVAL_CHECK_OUTPUT
SignalTrunk = check("imagebind.trunk")

# %% [markdown]
# The same class reads a picture, a depth map, or the six readings of a motion sensor. Only the sizes differ.

# %% id="any-signal"
# NBVAL_CHECK_OUTPUT
toy = ImageBindConfig.preset("toy")
for name in ("image", "audio", "depth", "imu"):
    sizes = toy.trunks[name]
    trunk = SignalTrunk(sizes, toy.embed_dim)
    vectors = trunk(torch.randn(2, *sizes.size))
    print(
        f"{name:6} {[2, *sizes.size]} in {sizes.grid} patches gives {list(vectors.shape)}"
    )

# %% [markdown]
# ### Bound by images
#
# Take a batch of B images and what belongs to each in modality $M$. The vectors have length 1. Then $q_i^\top k_j$ is the
# cosine of image $i$ with thing $j$. The paper's loss asks each image for its own thing:
#
# $$L_{I,M} = -\log \frac{\exp(q_i^\top k_i / \tau)}{\exp(q_i^\top k_i / \tau) + \sum_{j \ne i} \exp(q_i^\top k_j / \tau)} \qquad (1)$$
#
# This is one row of lesson 02's loss: the cross-entropy of image $i$ over all $j$. Over the batch it is averaged. $\tau$ is the temperature, the reciprocal
# of the scale. The paper uses the symmetric loss $L_{I,M} + L_{M,I}$; we take the mean of both directions, as lesson 02 does.
#
# Two things are new. There may be several modalities, and each has its own temperature. And images are in *every* term:
#
# $$L = \sum_{M \ne I} \tfrac12 \left(L_{I,M} + L_{M,I}\right)$$
#
# `vectors` holds [B, E] by modality, images under `"image"`. `similarities` holds a `Similarity` of lesson 02 for each other
# modality: `similarities["audio"](image_BE, audio_BE)` gives scores [B, B]. `symmetric_loss` is that of lesson 02; the factor ½
# and the mean over the batch are inside it. A batch need not have every modality that has a `Similarity`. Without images, or
# with images alone, nothing can be bound: raise a `ValueError`.


# %% exercise="imagebind.loss"
def binding_loss(
    vectors: dict[str, Tensor], similarities: dict[str, Similarity]
) -> Tensor:
    """The sum over modalities of the symmetric loss with images, a scalar.

    Raises a ValueError if there are no images, or nothing but images.
    """
    ### BEGIN SOLUTION
    others = [name for name in vectors if name != "image"]
    if "image" not in vectors or not others:
        raise ValueError(f"images and one more modality are needed, not {[*vectors]}")
    losses = []
    for name in others:
        scores_BB = similarities[name](vectors["image"], vectors[name])  # q_i k_j / tau
        losses.append(symmetric_loss(scores_BB))  # (L_I,M + L_M,I) / 2
    return torch.stack(losses).sum()
    ### END SOLUTION


# %% check="imagebind.loss"
# NBVAL_CHECK_OUTPUT
binding_loss = check("imagebind.loss")

# %% [markdown]
# With texts and sounds there are two terms. A third, text with sound, could be added. ImageBind does not, and neither do
# you: a gradient from a text can reach a sound only through an image.

# %% [markdown]
# ### The modality gap
#
# Now three tools to look into a space. The first measures how far two modalities lie apart as a whole. Partners can be
# nearest to each other while all texts lie in one corner and all pictures in another: the loss compares pictures with
# texts, never two pictures. The distance of the two clouds is the *modality gap*
# ([Liang et al. 2022](https://arxiv.org/abs/2203.02053)). Let $\hat x_n$ be the N vectors of one modality and
# $\hat y_m$ the M of the other, all brought to length 1:
#
# $$\Delta = \Big\lVert \frac1N \sum_n \hat x_n - \frac1M \sum_m \hat y_m \Big\rVert$$
#
# Liang et al. call the difference itself the gap, and its length, which you compute, the gap distance.


# %% exercise="imagebind.gap"
def modality_gap(first_NE: Tensor, second_ME: Tensor) -> Tensor:
    """The distance of the mean unit vectors of two modalities, a scalar: [N, E], [M, E]."""
    ### BEGIN SOLUTION
    first_E = F.normalize(first_NE, dim=1).mean(dim=0)
    second_E = F.normalize(second_ME, dim=1).mean(dim=0)
    return (first_E - second_E).norm()
    ### END SOLUTION


# %% check="imagebind.gap"
# NBVAL_CHECK_OUTPUT
modality_gap = check("imagebind.gap")

# %% [markdown]
# ### Closing it
#
# The simplest way to close the gap: take from every unit vector the mean of its modality, and bring it to length 1 again.
#
# $$c(x)_n = \frac{\hat x_n - \mu}{\lVert \hat x_n - \mu \rVert}, \qquad \mu = \frac1N \sum_n \hat x_n$$
#
# No paper is needed for it; Liang et al. move one modality along the gap instead. Both need many vectors of each modality,
# but no pairs.


# %% exercise="imagebind.centre"
def centred(vectors_NE: Tensor) -> Tensor:
    """Unit vectors without their mean, of length 1 again: [N, E] to [N, E]."""
    ### BEGIN SOLUTION
    unit_NE = F.normalize(vectors_NE, dim=1)
    return F.normalize(unit_NE - unit_NE.mean(dim=0), dim=1)
    ### END SOLUTION


# %% check="imagebind.centre"
# NBVAL_CHECK_OUTPUT
centred = check("imagebind.centre")

# %% [markdown]
# ### Adding up
#
# In a shared space a picture and a sound can be added: *embedding arithmetic*. The sum points between the two, and what
# lies there has something of both. In figure 4 of the paper, a picture of fruits plus the sound of birds finds pictures of
# birds with fruits. With a share $a$ for the second, and hats for length 1 as before:
#
# $$z = \frac{(1 - a)\, \hat x + a\, \hat y}{\lVert (1 - a)\, \hat x + a\, \hat y \rVert}$$


# %% exercise="imagebind.combine"
def combine(first_BE: Tensor, second_BE: Tensor, share: float = 0.5) -> Tensor:
    """The direction between two vectors, pair by pair: [B, E], [B, E] to [B, E].

    `share` is that of the second, from 0 to 1. The result has length 1.
    """
    ### BEGIN SOLUTION
    first_BE, second_BE = F.normalize(first_BE, dim=1), F.normalize(second_BE, dim=1)
    return F.normalize((1 - share) * first_BE + share * second_BE, dim=1)
    ### END SOLUTION


# %% check="imagebind.combine"
# NBVAL_CHECK_OUTPUT
combine = check("imagebind.combine")

# %% [markdown]
# ## Train
#
# The paper does not train its trunks for images and texts. It takes those of a large CLIP, keeps them *frozen*, and trains
# the others against them. You do the same with `toy-clip` of lesson 02. Its image vectors are computed once;
# after that a step of training runs the audio trunk alone, which is why this takes seconds.
#
# A pair is a drawing and its English name, spoken by one of four synthetic voices. A batch holds distinct concepts, as in
# lesson 02. Sounds are varied a little: louder or softer, with a band of pitches hidden. The positions of the audio trunk
# begin larger than in your class, because lesson 01 found that large ones are used sooner. The scale of sounds is held at a
# fixed number and not learned, as in the released ImageBind. Sizes, steps and learning rate were chosen by the
# loss of training.
#
# Three sets are held out. *Unseen voices*: two other voices say the names of training. *Unseen concepts*: the voices of
# training say names that no training had, neither this one nor that of `toy-clip`. *Both unseen*. Where pictures are
# needed, they are in a style that no training had (noto): so those of *unseen concepts* here are lesson 02's *both unseen*.
# The sets differ in size. Compare a number with its chance, not with that of another set.

# %% id="data"
# NBVAL_CHECK_OUTPUT
clips = study.clips()
print(
    f"{len(clips.numbers):,} clips of {len(emoji.concepts().codes):,} concepts in training"
)
for where, (split, pictured) in study.HELD_OUT.items():
    count = len(study.clips(split, pictured).numbers)
    names = len(emoji.concepts(pictured).codes)
    pictures = len(emoji.images(pictured).pixels)
    print(f"{where}: {count:,} clips, {names:,} names, {pictures:,} pictures")

# %% [markdown]
# Before you see a result, commit to a guess. Text to audio: a written name looks for the same name, spoken. No training
# has shown it a pair. R@5 is the share of names that have one of their own clips among the 5 nearest of all.

# %% id="guess-emergent"
guess = None  # choose below, or write it here, such as guess = 0.1
predict(
    "imagebind.emergent",
    "Written names look for spoken ones in unseen voices, without a single pair in "
    "training. What is R@5?",
    (0.0, 1.0, 0.01),
    guess,
)

# %% id="your-trunk"
model = study.build("bound", seed=0)
trunk = SignalTrunk(config.audio, config.embed_dim)
print(trunk.load_state_dict(model.trunks["audio"].state_dict()))  # seed 0, as committed
model.trunks["audio"] = trunk

# %% id="fit" tags=["train"]


def loss(model, batch):
    audio_BE = model.embed("audio", batch["audio"])
    return binding_loss(
        {"image": batch["image"], "audio": audio_BE}, model.similarities
    )


history = study.fit(model, seed=0, loss=loss, on_event=live_curve("ImageBind"))

# %% [markdown]
# One run is an anecdote, so the same training was run with five seeds, and so were its opponents. In the table, *this run*
# is yours; the other rows are means of five seeds with their intervals, as in lesson 01.
#
# - *chance* is a random order.
# - *shuffled pairs*, the negative control: each spoken name came with the picture of another concept.
# - *direct* is the upper mark for texts and sounds: the same audio trunk, trained with the written names in place of pictures. It saw the pairs
#   that ImageBind does without.

# %% id="results" tags=["train"]
model = model.cpu().eval()
this_run = study.measured(model)
TO_AUDIO, TO_TEXT = "text to audio", "audio to text"


def now(measure: str, where=study.VOICES, level=5) -> float:
    """What this run measured."""
    wanted = (measure, where, level)
    return next(
        row["value"]
        for row in this_run
        if (row["measure"], row["where"], row["level"]) == wanted
    )


def five(
    name: str, measure=TO_AUDIO, where=study.VOICES, level=5, **changed
) -> Interval:
    """The mean of five seeds with its interval."""
    return mean_interval(study.seeds(name, measure, where, level, **changed))


def difference(
    first: tuple, second: tuple, measure=TO_AUDIO, where=study.VOICES
) -> Interval:
    """R@5 of one kind of run minus that of another, seed by seed; each is a name and settings."""
    pair = (
        study.seeds(name, measure, where, 5, **changed)
        for name, changed in (first, second)
    )
    return paired_interval(*pair)


BOUND, DIRECT = ("bound", {}), ("direct", {})
SHUFFLED = ("bound", {"labels": "shuffled"})
reveal(
    "imagebind.emergent",
    round(five("bound").mean, 2),
    text=f"Five seeds: R@5 {five('bound'):.2f}; this run {now(TO_AUDIO):.2f}. Chance is "
    f"{study.seeds('chance', TO_AUDIO, study.VOICES, 5)[0]:.3f}, shuffled pairs reach "
    f"{five('bound', labels='shuffled'):.3f}, and training on these very pairs "
    f"{five('direct'):.2f}.",
)

# %% id="all-results" tags=["train", "fold"]
runs = {
    "shuffled pairs": SHUFFLED,
    "direct": DIRECT,
    "**bound by images**": BOUND,
}
for measure in (TO_AUDIO, TO_TEXT, "image to audio", "audio to image"):
    table = f"| {measure}, R@5 | {' | '.join(study.HELD_OUT)} |\n"
    table += f"|---|{'---|' * len(study.HELD_OUT)}\n| chance "
    for where in study.HELD_OUT:
        table += f"| {study.seeds('chance', measure, where, 5)[0]:.3f} "
    for label, (name, changed) in runs.items():
        table += f"|\n| {label} "
        for where in study.HELD_OUT:
            table += f"| {five(name, measure, where, **changed):.2f} "
    table += "|\n| **this run** "
    for where in study.HELD_OUT:
        table += f"| {now(measure, where):.2f} "
    say(table + "|")

# %% [markdown]
# ## Look
#
# ### Sounds for any text
#
# Type a text and press Enter. You hear the four clips whose vectors lie nearest, in voices that training did not use. No
# text was ever in a pair with a sound. Most names miss, as the tables say. So the first text is one that succeeds: the first
# name in Unicode's order whose own sound comes first. The last one, "red apple", was written down before anyone saw its result.
# Listen to the misses too: do they sound like the name, or mean something like it?

# %% id="nearest-sounds" tags=["train"]
unseen = study.clips(*study.HELD_OUT[study.VOICES])
audio_NE = study.embed(model, "audio", unseen.spectrograms)
tokenizer = emoji.tokenizer()


def nearest_sounds(text):
    cosine_N = audio_NE @ study.embed(model, "text", tokenizer([text]))[0]
    found = cosine_N.topk(4)
    return [
        as_sound(spoken[place], f"cosine {value:.2f}")
        for place, value in zip(
            found.indices.tolist(), found.values.tolist(), strict=True
        )
    ]


names_KE = study.text_vectors(model, "noto")
first_K = unseen.numbers[(names_KE @ audio_NE.T).argmax(dim=1)]
found_K = (first_K == torch.arange(len(names_KE))).nonzero().flatten().tolist()
succeeds = emoji.concepts("noto").labels[found_K[0] if found_K else 0]
explore_sounds(nearest_sounds, study.SECONDS, text=Typed(succeeds, "red apple"))

# %% [markdown]
# ### Picture plus sound
#
# Choose a picture, a spoken name, and how much of the sum the sound has. On the right stand the nearest drawings of
# training. The pictures and sounds offered are some that find their own concept when they look alone. Is there a share at
# which both are found? Is there ever one drawing that shows both?

# %% id="sum-of-both" tags=["train"]
gallery = emoji.images()
gallery_PE = study.image_vectors(model, "train")
seen = emoji.images("noto")
seen_PE = study.image_vectors(model, "noto")
labels = emoji.concepts("noto").labels


def some_that_work(vectors_NE: Tensor, numbers_N: Tensor, count: int) -> dict[str, int]:
    """Items that alone find a drawing of their own concept first: some names and places."""
    nearest_N = gallery.concepts[(vectors_NE @ gallery_PE.T).argmax(dim=1)]
    places = (nearest_N == numbers_N).nonzero().flatten().tolist() or [0, 1]
    spread = places[:: max(1, len(places) // count)][:count]
    return {labels[int(numbers_N[place])]: place for place in spread}


some_pictures = some_that_work(seen_PE, seen.concepts, 6)
some_sounds = some_that_work(audio_NE, unseen.numbers, 6)


def sum_of(picture, sound_, share):
    """The nearest drawings of distinct concepts, and their names."""
    z_1E = combine(seen_PE[picture][None], audio_NE[sound_][None], share)
    order = (gallery_PE @ z_1E[0]).argsort(descending=True).tolist()
    by_name = {}
    for place in order:
        name = emoji.concepts().labels[gallery.concepts[place]]
        by_name.setdefault(name, place)
        if len(by_name) == 5:
            break
    return by_name


def draw_sum(picture, spoken_name, share):
    found = sum_of(picture, spoken_name, share)
    return draw.sum_of_both(
        seen.pixels[picture] / 2 + 0.5,
        unseen.spectrograms[spoken_name, 0],
        texts[spoken_name],
        [gallery.pixels[place] / 2 + 0.5 for place in found.values()],
        list(found),
        share,
    )


def sum_in_words(picture, spoken_name, share):
    name = labels[seen.concepts[picture]]
    found = ", ".join(sum_of(picture, spoken_name, share))
    return (
        f"a drawing of {name} plus the spoken words {texts[spoken_name]!r}, whose share is "
        f"{share:g}; the nearest drawings show: {found}"
    )


shares = {
    "half of each": 0.5,
    "picture alone": 0.0,
    "a quarter sound": 0.25,
    "three quarters sound": 0.75,
    "sound alone": 1.0,
}
explore(
    draw_sum,
    alt=sum_in_words,
    picture=some_pictures,
    spoken_name=some_sounds,
    share=shares,
)

# %% [markdown]
# ## Ask
#
# *What is a shared embedding space for different modalities?* The slides that this course grew out of ask this. The short
# answer: one set of directions, in which things that mean the same point the same way, whatever kind of signal they came
# in as. The experiments below ask how far that is true, what it costs, and where it ends.
#
# ### Emergent, against its marks
#
# First all held-out sets, text to audio. The upper mark was trained on pairs of text and sound; emergent alignment was not.

# %% id="direct" tags=["train", "fold"]


def points(name: str, level: int, measure=TO_AUDIO, **changed) -> list[tuple]:
    """Points for the chart: held-out sets with mean and interval."""
    return [
        (where, *five(name, measure, where, level, **changed))
        for where in study.HELD_OUT
    ]


def by_chance(level: int) -> list[tuple]:
    """The same for chance, which has no interval."""
    found = {
        where: study.seeds("chance", TO_AUDIO, where, level)[0]
        for where in study.HELD_OUT
    }
    return [(where, value, value, value) for where, value in found.items()]


panels = {
    f"R@{k}": {
        "direct": points("direct", k),
        "bound by images": points("bound", k),
        "shuffled pairs": points("bound", k, labels="shuffled"),
        "chance": by_chance(k),
    }
    for k in study.DEPTHS
}
stars = {
    f"R@{k}": {
        "bound by images": [
            (where, now(TO_AUDIO, where, k)) for where in study.HELD_OUT
        ]
    }
    for k in study.DEPTHS
}


def reached(where: str) -> list[float]:
    """R@5 above chance as a share of direct training's, one number a seed."""
    floor = study.seeds("chance", TO_AUDIO, where, 5)[0]
    pair = zip(
        *(study.seeds(n, TO_AUDIO, where, 5) for n in ("bound", "direct")), strict=True
    )
    return [(ours - floor) / (theirs - floor) for ours, theirs in pair]


share = mean_interval(reached(study.VOICES))
behind = difference(DIRECT, BOUND)
show(
    charts.curves(panels, x_label="", y_label="share of names", marks=stars),
    alt="Recall at 1 and 5, text to audio, on three held-out sets, for direct training, "
    "binding by images, shuffled pairs and chance. In unseen voices R@5 is "
    f"{five('direct').mean:.2f}, {five('bound').mean:.2f} and "
    f"{five('bound', labels='shuffled').mean:.2f}; of unseen concepts "
    f"{five('direct', where=study.CONCEPTS).mean:.2f}, "
    f"{five('bound', where=study.CONCEPTS).mean:.2f} and "
    f"{five('bound', where=study.CONCEPTS, labels='shuffled').mean:.2f}.",
)
say(f"""
In unseen voices, binding by images reaches {share:.2f} of the R@5 above chance that direct
training has; direct minus bound is {behind:.2f}. On unseen concepts, bound minus shuffled is
{difference(BOUND, SHUFFLED, where=study.CONCEPTS):.2f}, and direct minus bound
{difference(DIRECT, BOUND, where=study.CONCEPTS):.2f}.
""")

# %% [markdown]
# So alignment does emerge: the names find their sounds far above chance, and the control shows that the pairs of picture
# and sound did it. In unseen voices it stays well below direct training. A picture says less of a name than the name does,
# and each concept has several pictures but one name.
#
# Compare the tables above once more. In unseen voices *text to audio* is better than *image to audio*, although sounds were
# trained with images and never with texts. A test picture is in a style that the image trunk does not know. A name is
# always written the same way. And look at the row *direct*: there, sounds and pictures are the pair that never was. In
# unseen voices they find each other too. The middle need not be an image.
#
# On unseen concepts all numbers are small. A name reaches a sound over two links: that of texts and pictures, which
# `toy-clip` brings along, and that of pictures and sounds, which was trained here. The next table has each by itself.

# %% id="the-limit" tags=["train", "fold"]
table = f"| R@5 | {' | '.join(study.HELD_OUT)} |\n|---|{'---|' * len(study.HELD_OUT)}\n"
for measure in (TO_AUDIO, "image to audio", "text to image"):
    table += f"| {measure} "
    for where in study.HELD_OUT:
        table += f"| {five('bound', measure, where):.2f} "
    table += "|\n"
say(table)

# %% [markdown]
# *Text to image* is `toy-clip` alone, the same in all five seeds. On unseen concepts it is well above *text to audio*, and
# *image to audio* is about as low. So there the weaker link is probably the one that was trained for seconds.
#
# ### How much data
#
# Less can be left out in two ways: fewer things that are named, or fewer voices that name them. Steps and batches stay the
# same, so few pairs are seen more often.

# %% id="guess-data"
guess = None  # choose below, or write it here, such as guess = "a single voice"
predict(
    "imagebind.data",
    "Which training lets names find more clips in unseen voices (R@5): "
    f"{study.FEW_CONCEPTS[1]} concepts in four voices, or all concepts in one voice?",
    ("fewer concepts", "a single voice", "no clear difference"),
    guess,
)

# %% id="less-data" tags=["train", "fold"]
ALL = len(emoji.concepts().codes)


def by_concepts(where: str) -> list[tuple]:
    settings = {**{count: {"concepts": count} for count in study.FEW_CONCEPTS}, ALL: {}}
    return [
        (f"{n:,}", *five("bound", where=where, **changed))
        for n, changed in settings.items()
    ]


def by_voices(where: str) -> list[tuple]:
    settings = {
        **{count: {"voices": count} for count in study.FEW_VOICES},
        study.SPEAKERS: {},
    }
    return [
        (f"{n}", *five("bound", where=where, **changed))
        for n, changed in settings.items()
    ]


panels = {
    "concepts in training": {where: by_concepts(where) for where in study.HELD_OUT},
    "voices in training": {where: by_voices(where) for where in study.HELD_OUT},
}
FEWER = ("bound", {"concepts": study.FEW_CONCEPTS[1]})
LONELY = ("bound", {"voices": 1})


def verdict(difference: Interval, above: str, below: str) -> str:
    """Which of the two holds, if the interval of the difference leaves out zero."""
    if difference.low > 0:
        return above
    return below if difference.high < 0 else "no clear difference"


reveal(
    "imagebind.data",
    verdict(difference(FEWER, LONELY), "fewer concepts", "a single voice"),
    charts.curves(panels, x_label="", y_label="R@5, text to audio"),
    alt="R@5 from text to audio against the number of concepts and of voices in training. In "
    f"unseen voices it goes from {five('bound', concepts=study.FEW_CONCEPTS[0]).mean:.2f} "
    f"with {study.FEW_CONCEPTS[0]} concepts over {five('bound', concepts=study.FEW_CONCEPTS[1]).mean:.2f} "
    f"with {study.FEW_CONCEPTS[1]} to {five('bound').mean:.2f} with all, and from "
    f"{five('bound', voices=1).mean:.2f} with one voice to the same with four.",
    text=f"R@5 in unseen voices: {five('bound', concepts=study.FEW_CONCEPTS[1]):.2f} with "
    f"{study.FEW_CONCEPTS[1]} concepts, {five('bound', voices=1):.2f} with one voice, "
    f"{five('bound'):.2f} with all concepts and voices. {study.FEW_CONCEPTS[1]} concepts minus "
    f"one voice: {difference(FEWER, LONELY):.2f}; all minus one voice: "
    f"{difference(('bound', {}), LONELY):.2f}.",
)

# %% id="what-was-trained" tags=["train", "fold"]
fewest, some = study.FEW_CONCEPTS
MANY, FEWEST = ("bound", {}), ("bound", {"concepts": fewest})
say(f"""
In unseen voices, all names of training are asked for, also those that a small training did
not have: {fewest} concepts are {fewest / ALL:.2f} of them, {some} are {some / ALL:.2f}. R@5 is
{five("bound", concepts=fewest):.2f} and {five("bound", concepts=some):.2f}. All concepts
minus {some}, in unseen voices: {difference(MANY, FEWER):.2f}. All concepts minus {fewest}, on
unseen concepts: {difference(MANY, FEWEST, where=study.CONCEPTS):.2f}.
""")

# %% [markdown]
# More concepts are not simply better. With the fewest, R@5 in unseen voices is about the share of names that were trained:
# these are found, the others are not. With all concepts it is lower than with some of them, probably because the steps are the
# same and each concept is practised less. On unseen concepts it is the other way round: there, more concepts help. Practice teaches the
# words of training, variety teaches new ones.
#
# In unseen voices the mean is a little higher with four voices than with one, and five seeds cannot show it: the interval of
# the difference holds zero. A single voice has a wide interval. Which voice the seed draws matters more than how many there are.

# %% [markdown]
# ### Frozen or joint
#
# Why freeze? One could also train all three trunks together from their first weights, with pairs of image and text and of
# image and sound, for the same number of steps. `toy-clip` was trained for much longer than that, so this comparison is
# not even; it shows what freezing saves.

# %% id="guess-joint"
guess = None  # choose below, or write it here, such as guess = "frozen"
predict(
    "imagebind.joint",
    "Same number of steps in this lesson: which finds more clips in unseen voices from "
    "texts (R@5)?",
    ("frozen", "joint", "no clear difference"),
    guess,
)

# %% id="joint" tags=["train", "fold"]
JOINT = ("joint", {})
table = f"| R@5 | {' | '.join(study.HELD_OUT)} |\n|---|{'---|' * len(study.HELD_OUT)}\n"
for measure in (TO_AUDIO, "image to audio", "text to image"):
    for label, (name, changed) in {"frozen": BOUND, "joint": JOINT}.items():
        table += f"| {measure}, {label} "
        for where in study.HELD_OUT:
            table += f"| {five(name, measure, where, **changed):.2f} "
        table += "|\n"
reveal(
    "imagebind.joint",
    verdict(difference(BOUND, JOINT), "frozen", "joint"),
    text=f"R@5, text to audio in unseen voices: frozen {five('bound'):.2f}, joint "
    f"{five('joint'):.2f}; frozen minus joint {difference(BOUND, JOINT):.2f}.",
)
say(table)

# %% [markdown]
# ### The gap, and what closing it does
#
# Are texts, pictures and sounds mixed in this space, or does each modality keep to a corner of its own? Your
# `modality_gap` measures it, and your `centred` closes it. Two things may change: who finds whom, and what a gallery gives
# that holds both pictures and sounds. In the second, texts look at one picture and one clip of each concept, and we count
# the sounds among the ten nearest. If sounds were as near to texts as pictures are, it would be about half.

# %% id="guess-gap"
guess = None  # choose below, or write it here, such as guess = "better"
predict(
    "imagebind.gap",
    "How is text to audio (R@5, unseen voices) after closing the gap, compared with before?",
    ("better", "worse", "no clear difference"),
    guess,
)

# %% id="gap" tags=["train", "fold"]
held = study.held_out(model, study.VOICES)
by_hand = {
    "image-text": (held.image_PE, held.text_KE),
    "image-audio": (held.image_PE, held.audio_NE),
    "text-audio": (held.text_KE, held.audio_NE),
}
table = "| gap, unseen voices | this run | closed by your `centred` | five seeds | closed |\n"
table += "|---|---|---|---|---|\n"
for pair, (one_NE, other_ME) in by_hand.items():
    mine = modality_gap(one_NE, other_ME).item()
    closed = modality_gap(centred(one_NE), centred(other_ME)).item()
    before, after = (
        five("bound", f"gap{how}", level=pair) for how in ("", ", centred")
    )
    table += f"| {pair} | {mine:.2f} | {closed:.2f} | {before:.2f} | {after:.2f} |\n"
CLOSED = f"{TO_AUDIO}, centred"


def change(measure: str, where=study.VOICES) -> Interval:
    """R@5 after closing the gap minus before."""
    pair = (
        study.seeds("bound", each, where, 5)
        for each in (f"{measure}, centred", measure)
    )
    return paired_interval(*pair)


def mixed(where: str, how: str = "") -> Interval:
    """The share of sounds among the ten nearest to a text."""
    return five("bound", f"sounds among the nearest{how}", where, study.NEAREST)


panels = {
    f"R@{k}": {
        "as it is": points("bound", k),
        "gap closed": points("bound", k, CLOSED),
        "chance": by_chance(k),
    }
    for k in study.DEPTHS
}
reveal(
    "imagebind.gap",
    verdict(change(TO_AUDIO), "better", "worse"),
    charts.curves(panels, x_label="", y_label="share of names, text to audio"),
    alt="Recall at 1 and 5 from text to audio, before and after closing the gap, on three "
    f"held-out sets. In unseen voices R@5 goes from {five('bound').mean:.2f} to "
    f"{five('bound', CLOSED).mean:.2f}.",
    text=f"After minus before, R@5 in unseen voices: text to audio {change(TO_AUDIO):.3f}, image "
    f"to audio {change('image to audio'):.3f}. In the mixed gallery the share of sounds goes "
    f"from {mixed(study.VOICES):.3f} to {mixed(study.VOICES, ', centred'):.3f} in unseen voices, "
    f"and from {mixed(study.CONCEPTS):.3f} to {mixed(study.CONCEPTS, ', centred'):.3f} on unseen "
    "concepts.",
)
say(table)

# %% [markdown]
# A gap sounds like a fault that closing would mend. Not so here. All three modalities stand apart, and subtracting means
# closes nearly all of it. Yet who finds whom hardly changes. The mixed gallery gives more sounds than before, but still far
# less than half. Nor does a gap tell who finds whom: five seeds show no difference between the gap of texts and sounds and
# that of texts and pictures, and yet texts find pictures far more often. So where the clouds lie matters little here. More
# likely it matters how near partners are inside them: a text and its picture were trained together for long, a sound and
# its picture for seconds. Do not read the gap alone.

# %% [markdown]
# ### Does adding up add up?
#
# A few chosen sums prove nothing. So take the picture of every concept, in the unseen style, and add the spoken name of
# another, drawn at random, in an unseen voice. Half of each. Then look at the ten nearest drawings of training: is the
# picture's concept among them, the sound's, or both? Beside it, the picture alone and the sound alone.

# %% id="sums" tags=["train", "fold"]
table = "| among the ten nearest | the picture's concept | the sound's concept | both |\n|---|---|---|---|\n"
for label, how in {
    "picture alone": ", image alone",
    "sound alone": ", sound alone",
    "**half of each**": "",
}.items():
    cells = (
        five("bound", f"added up{how}", level=which)
        for which in ("image", "sound", "both")
    )
    table += f"| {label} | {' | '.join(f'{cell:.3f}' for cell in cells)} |\n"
control = five("bound", "added up", level="both", labels="shuffled")
say(table + f"| half of each, shuffled pairs | | | {control:.3f} |")

# %% [markdown]
# Adding up does add something: both concepts are found more often than with the picture alone. But seldom. The picture
# decides what is found, although alone the sound finds its concept far more often than in the sum. A likely reason is that
# the gallery holds pictures, to which the picture's vector is nearer from the start; half of each is then no even mix. The
# paper's figure 4 shows chosen examples and no rate; a rate like this is what to ask for.

# %% [markdown]
# ### Real sounds
#
# Everything so far was said by machines. The set `stamps` has pictures of things, some with a sound that the thing makes,
# and captions read aloud by people in Russian and French. The same audio trunk was trained on the pairs of picture and
# sound of four fifths of the things, and tested on the rest. Russian speech with an English text is then an emergent pair
# again, and across languages.

# %% id="stamps-heard"
stamps = data.load("stamps", split="all", size=64)
real = data.load("stamps_audio", split="sounds")
russian = data.load("stamps_audio", split="captions", language="ru")
DUCK = "animals/birds/duck"
stamp, own_sound, caption = (
    rows[list(rows["name"]).index(DUCK)] for rows in (stamps, real, russian)
)


def real_sound(row: dict, words: str, note: str) -> Sound:
    waveform = sound.decode(row["audio"])[: round(1.5 * sound.RATE)]
    return Sound(waveform, words, study.hear(waves([waveform]))[0, 0], note)


show(
    image_grid([stamp["image"]], [stamp["label_en"]], size=1.4),
    alt=f"A stamp: {stamp['caption_en']}",
)
listen(
    [
        real_sound(own_sound, f"the sound of a {stamp['label_en']}", "recorded"),
        real_sound(caption, caption["text"], "the caption, read aloud in Russian"),
    ],
    study.SECONDS,
)

# %% id="real-results" tags=["train", "fold"]
REAL = study.REAL


def real_five(measure: str, labels: str) -> Interval:
    return mean_interval(study.seeds("real", measure, REAL, 5, labels=labels))


def real_gain(measure: str) -> Interval:
    """Trained minus shuffled."""
    pair = (
        study.seeds("real", measure, REAL, 5, labels=kind)
        for kind in ("true", "shuffled")
    )
    return paired_interval(*pair)


table = "| R@5 among held-out things | chance | shuffled pairs | trained | trained minus shuffled |\n"
table += "|---|---|---|---|---|\n"
for measure in (
    *(
        f"{kind} to {what}"
        for kind in study.KINDS.values()
        for what in ("image", "text")
    ),
    "image to text",
):
    cells = [
        real_five(f"{measure}, chance", "true"),
        real_five(measure, "shuffled"),
        real_five(measure, "true"),
        real_gain(measure),
    ]
    table += f"| {measure} | {' | '.join(f'{cell:.2f}' for cell in cells)} |\n"
say(table)

# %% [markdown]
# *Image to text* in the last row is `toy-clip` alone, on pictures of a kind that it has never seen.

# %% id="how-many-pairs" tags=["train", "fold"]
everything = data.load("stamps_audio", split="all")
pairs = round((1 - study.SHARE) * len(everything))
things = len(set(everything["item"]))
few = study.FEW_CONCEPTS[1]
fewest, some = study.FEW_CONCEPTS
say(f"""
The set has {things} things; about {pairs:,} pairs of clip and picture are trained on. Among
the spoken names, {fewest} concepts in {study.SPEAKERS} voices are
{fewest * study.SPEAKERS:,} pairs, {some} concepts {some * study.SPEAKERS:,}. From text to
audio on unseen concepts, where chance is
{study.seeds("chance", TO_AUDIO, study.CONCEPTS, 5)[0]:.2f}, they reach
{five("bound", where=study.CONCEPTS, concepts=fewest):.2f} and
{five("bound", where=study.CONCEPTS, concepts=some):.2f}.
""")

# %% [markdown]
# One pair alone is clearly above its control, French speech and images, and only a little: of six tries, one may be luck.
# With so few held-out sounds the intervals are wide, and every other difference to the shuffled pairs may be zero. By the number of pairs alone, one would have expected more: as many pairs of spoken names are
# clearly above chance. So the number is not all. The middle is not to blame alone: *image to text* is well above chance. Already
# *sound to image*, which was trained, is not clearly found for new things. So what the audio trunk learned does not carry
# over to them. Each language has one speaker. And barks and bells share no parts as words do, so few of them say
# little about the next. The steps were fewer too. ImageBind had millions of videos.

# %% [markdown]
# ### In your own words
#
# Now answer the question at the head of this part: what is a shared embedding space? Five to eight sentences. Say
# what it is, which result shows that there is one here, how far it goes, and what *shared* does not mean. Rest each
# claim on a figure or a table above.

# %% [markdown] answer="imagebind.shared-space"
# In a shared embedding space the vectors of several modalities can be compared directly: what belongs together points
# in nearly the same direction, so that a text finds a sound or a picture by the cosine. It shows here in a pair of
# modalities that never met in training. Written names find spoken ones well above chance, and above the control whose
# pairs were shuffled. The only link is the images: texts were trained with images, sounds were trained with images,
# and nothing else told the one trunk of the other. The detour has a price, for in unseen voices direct training on
# pairs of text and sound reaches more. A name reaches a sound over two links, and the weaker one probably decides: on
# unseen concepts pictures and sounds find each other about as seldom as names and sounds do, while names find
# pictures more often. Shared does not mean mixed: every modality keeps to a corner of its own, and closing this gap
# hardly changes who finds whom. And spoken names say the same as written ones; for sounds that things make, these
# experiments show hardly anything.

# %% [markdown]
# ### What this shows, and what it cannot
#
# - **A shared space joins what no pair joined.** Written names find spoken ones above chance and above the control, both
#   ways and on every held-out set. Neither trunk was told that the other exists. That is what the word *shared* means.
# - **A pair is worth more than a detour.** In unseen voices, direct training reaches about three times as much.
# - **The weaker link probably sets the limit.** On unseen concepts, texts find sounds about as often as pictures do, and
#   the texts of `toy-clip` find its pictures more often. Frozen trunks that were trained for long beat joint ones, except
#   where voices and concepts are both unseen: there five seeds show no difference. On real sounds, even the kind of pair
#   that was trained is hardly found for new things.
# - **Shared is not mixed.** Each modality keeps to a corner of its own. Closing the gap moves the corners and leaves who
#   finds whom nearly as it was.
# - **It is spoken names.** A spoken name and a written one say the same; barking and the word "dog" do not. ImageBind's
#   sounds are of the second kind. The voices are machines, and all are of one synthesiser.
# - **It is one toy, trained for seconds.** The intervals cover what a seed decides. They do not cover the choice of held-out
#   voices and concepts, which all runs share, nor another `toy-clip`.

# %% [markdown]
# ## Reference
#
# `mmlearn/models/imagebind.py` holds the model for real use, with all six trunks. Your weights go into its audio trunk.
# Both must give the same vectors.

# %% id="same-vectors"
# NBVAL_CHECK_OUTPUT
theirs = reference.SignalTrunk(config.audio, config.embed_dim).eval()
print(theirs.load_state_dict(trunk.state_dict()))
some = study.clips(*study.HELD_OUT[study.VOICES]).spectrograms[:64]
with torch.no_grad():
    same = torch.allclose(trunk(some), theirs(some), atol=1e-4)
print("vectors", (len(some), config.embed_dim), "equal:", same)

# %% [markdown]
# The published model has the same parts, only more of them. Here it stands on the `meta` device, with shapes and no
# numbers: its trunks, what each reads, and its parameters in millions. `imagebind_huge` is the one size that was released.
# Its licence forbids commercial use, so the course does not ship the weights. Who has the file reads it with
# `hub.load("imagebind_huge.pth")`, of `mmlearn.hub`.

# %% id="published-sizes"
# NBVAL_CHECK_OUTPUT
big = ImageBindConfig.preset("imagebind-huge")
huge = reference.ImageBind(big, device="meta")
table = "| trunk | reads | blocks | D | heads | million parameters |\n|---|---|---|---|---|---|\n"
for name, sizes in big.trunks.items():
    count = sum(p.numel() for p in huge.trunks[name].parameters()) / 1e6
    text = name == "text"
    shape = (f"{sizes.context} tokens",) if text else sizes.size
    reads = " × ".join(map(str, shape))
    table += f"| {name} | {reads} | {sizes.blocks} | {sizes.dim} | {sizes.heads} | {count:.1f} |\n"
say(table)

# %% [markdown]
# ### Three models in one table
#
# The slides compare ViT, CLIP and ImageBind in a table. Here it is rebuilt from the models themselves: a modality counts
# where a model has parameters that read it, and the objective is the loss that its module offers or needs.

# %% id="three-models"
# NBVAL_CHECK_OUTPUT
vit = vit_models.ViT(vit_models.ViTConfig.preset("vit-b-16"), device="meta")
clip = clip_models.CLIP(clip_models.CLIPConfig.preset("vit-b-32"), device="meta")


def reads(net: nn.Module, modality: str) -> bool:
    """Whether a model has parameters for a modality."""
    if isinstance(net, reference.ImageBind):
        return modality in net.trunks
    if isinstance(net, vit_models.ViT):
        return modality == "image" and any(True for _ in net.projection.parameters())
    return hasattr(net, modality)


def objective(net: nn.Module) -> str:
    """What its outputs are trained for."""
    if hasattr(net, "head"):
        return "classification"
    partners = net.similarities if hasattr(net, "similarities") else ["text"]
    return f"contrastive: image with {', with '.join(partners)}"


nets = {"ViT": vit, "CLIP": clip, "ImageBind": huge}
rebuilt = {("training objective", name): objective(net) for name, net in nets.items()}
for modality in reference.MODALITIES:
    for name, net in nets.items():
        rebuilt[modality, name] = "yes" if reads(net, modality) else "no"
slides = {
    (row["feature"], row["model"]): row["document"]
    for row in data.table("image-understanding")
}
table = "| | ViT | CLIP | ImageBind |\n|---|---|---|---|\n"
for feature in dict.fromkeys(feature for feature, _ in rebuilt):
    cells = [
        f"{rebuilt[feature, name]} (slides: {slides.get((feature, name)) or 'not there'})"
        for name in nets
    ]
    table += f"| {feature} | {' | '.join(cells)} |\n"
say(table)

# %% [markdown]
# ## Check the source
#
# - **The table of the slides** heads its last column "Image Text". It is ImageBind's. Its three modalities are right, and
#   there are three more: depth, thermal and motion (`imu`), which the table leaves out.
# - **Equation 1** is the loss of one image. The paper says it uses the symmetric loss, written as a sum of both directions;
#   here it is their mean, half of that sum.
# - **"Mostly same as CLIP"**, say the slides. The loss is. What differs: one modality is in every pair, each modality has its
#   own temperature, and the trunks for images and texts are not trained.
# - **Video.** The paper's image trunk reads two frames as one patch in time; a still picture is a video that stands still.
# - **Emergent results.** The paper's abstract says that they "improve with the strength of the image encoder". This lesson
#   has one image encoder and cannot say.
#
# Girdhar et al., *ImageBind: One Embedding Space To Bind Them All*, CVPR 2023, arXiv:2305.05665: sections 3.2 and 3.3,
# equation 1, figures 1 and 4. Liang et al., *Mind the Gap: Understanding the Modality Gap in Multi-modal Contrastive
# Representation Learning*, NeurIPS 2022, arXiv:2203.02053. Gong et al., *AST: Audio Spectrogram Transformer*, Interspeech
# 2021, arXiv:2104.01778: patches of spectrograms that overlap.

# %% [markdown]
# ## Words

# %% id="glossary"
glossary("03")

# %% [markdown]
# ## Where to go next
#
# [Lesson 02](02_clip.ipynb) has the space that this one extends. Lesson 04 turns round: from a text to a picture that did
# not exist before. Lesson 05 draws pictures from the vectors of a shared space, and lesson 14 builds the mel spectrogram.
