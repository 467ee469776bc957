# %% [markdown]
# # 02 · CLIP
#
# Lesson 01's model knows eight groups and no others: somebody fixed the list before training. CLIP learns from pictures
# and their captions. It puts both into one space, where a picture lies near the words that fit it. After that any text can
# be a class. *The paper* below is Radford et al. 2021,
# [Learning Transferable Visual Models From Natural Language Supervision](https://arxiv.org/abs/2103.00020).
#
# **You will** write the tokenizer, the text encoder, the loss and the zero-shot classifier, and train them on emoji and
# their names. Then you measure what captions bring that a list of labels does not. **You need** lesson 01 for the blocks.

# %% tags=["setup"]
import math
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn import data, hub
from mmlearn.course import (
    Typed,
    check,
    explore,
    glossary,
    image_grid,
    live_curve,
    predict,
    reveal,
    say,
    show,
    style,
)
from mmlearn.course.drawings import charts
from mmlearn.course.drawings import clip as draw
from mmlearn.eval.intervals import Interval, mean_interval, paired_interval
from mmlearn.eval.retrieval import ranks
from mmlearn.experiments import clip as study
from mmlearn.experiments import emoji_captions as emoji
from mmlearn.experiments import zoo
from mmlearn.models import clip as reference
from mmlearn.models.clip import CLIPConfig, ImageEncoder
from mmlearn.models.clip_tokenizer import Tokenizer, count_words, symbols
from mmlearn.models.clip_tokenizer import cut as words_of
from mmlearn.nn.attention import SelfAttention
from mmlearn.nn.transformer import PreNormBlock, QuickGELU

style()  # the course's look for every figure below

# %% [markdown]
# ## Why
#
# A classifier needs a list of labels. Each label is a number, and a number means nothing to the model: it cannot guess
# what class 9 would be. A caption is made of words that also stand in other captions. A model that learns to use the words
# can be asked about things that nobody listed.
#
# CLIP has two encoders. One turns a picture into a vector, the other a text. Training takes a batch of pairs and compares
# every picture with every text. Pairs that belong together stand on the diagonal. Their scores should be high, and all
# others low. Here are five pictures that a trained CLIP has never seen, in a style that it has never seen. You will load
# this model later; its name is `toy-clip`.

# %% id="the-idea"
toy, toy_tokenizer = zoo.load("toy-clip"), emoji.tokenizer()
seen = study.held_out(study.STYLE)  # drawings by another hand, with names from training
some_names = ("red apple", "parrot", "rocket", "guitar", "crying face")
some = [seen.known.labels.index(name) for name in some_names]
some_images = torch.stack([seen.pixels[seen.numbers == number][0] for number in some])


def cosines(model, images_BCYX: Tensor, tokenizer, texts) -> Tensor:
    """How near each image is to each text: [B, K]."""
    image_BE = emoji.embed_images(model, images_BCYX)
    return image_BE @ emoji.embed_texts(model, tokenizer, texts).T


scores = cosines(toy, some_images, toy_tokenizer, some_names)
show(
    draw.idea(some_images / 2 + 0.5, some_names, scores),
    alt="Boxes for an image encoder, a text encoder and the cosine of every row with every "
    "column. Beside them a matrix of five pictures and five names, partners framed on the "
    f"diagonal. Their mean cosine is {scores.diagonal().mean():.2f}, that of all cells "
    f"{scores.mean():.2f}.",
)

# %% [markdown]
# ## Build
#
# The letters of this lesson: **B** batch, **C** channels, **Y** and **X** rows and columns of pixels, **L** tokens of a
# text, **D** width of an encoder, **H** heads, **d** = D / H width of one head, **E** width of the shared space, **K** texts
# or classes, **W** wordings of a class. In attention and block, **N** is any number of tokens, as in lesson 01.

# %% [markdown]
# ### Joining symbols
#
# A model reads numbers, so a text must be cut into pieces of a fixed list, the *vocabulary*. Whole words would be too
# many, and a new word could not be written at all. Single letters would make long sequences. *Byte-pair encoding* lies
# between: it begins with single signs and joins those that often stand side by side
# ([Sennrich et al. 2016](https://arxiv.org/abs/1508.07909)).
#
# A word is a tuple of symbols. At first each symbol is one byte of the word (an English letter is one byte), and the last one is marked: `"cat"` becomes
# `("c", "a", "t</w>")`. The mark `</w>` tells the end of a word from the same letters inside one.
#
# Write the one step that everything below is made of. `join` goes through a word from the left. Where the two symbols of
# `pair` stand side by side, it puts one symbol in their place. A symbol that was just joined cannot be joined again in the
# same step: with the pair `("a", "a")`, the word `("a", "a", "a")` becomes `("aa", "a")`.


# %% exercise="clip.join"
def join(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    """The word with every such pair of neighbours joined into one symbol, from the left.

    join(("l", "o", "l", "o", "s</w>"), ("l", "o")) gives ("lo", "lo", "s</w>").
    """
    ### BEGIN SOLUTION
    joined, index = [], 0
    while index < len(word):
        if word[index : index + 2] == pair:
            joined.append(word[index] + word[index + 1])
            index += 2
        else:
            joined.append(word[index])
            index += 1
    return tuple(joined)
    ### END SOLUTION


# %% check="clip.join"
# NBVAL_CHECK_OUTPUT
join = check("clip.join")

# %% [markdown]
# ### Learning what to join
#
# The *merges* are the pairs to join, in the order in which they are learned. To learn them, look at all words of the
# training texts:
#
# 1. Count every pair of neighbouring symbols. A pair counts once for each place, times how often its word occurs.
# 2. Take the pair with the highest count. Where several have it, take the one that comes first in the alphabet: Python
#    compares tuples of strings in this way.
# 3. Join it in every word, and begin again, until there are `count` merges or no two symbols are left to join.
#
# Apart from the rule for ties, and from the mark, which is a symbol of its own there, this is algorithm 1 of Sennrich et al.


# %% exercise="clip.merges"
def learn_merges(
    words: dict[tuple[str, ...], int], count: int
) -> list[tuple[str, str]]:
    """The first `count` merges, in the order in which they are learned.

    `words` says how often each word occurs: {("c", "a", "t</w>"): 3, ...}.
    """
    ### BEGIN SOLUTION
    words, merges = dict(words), []
    while len(merges) < count:
        pairs = Counter()
        for word, often in words.items():
            for pair in pairwise(word):
                pairs[pair] += often
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        joined = Counter()
        for word, often in words.items():
            joined[join(word, best)] += often
        words = joined
    return merges
    ### END SOLUTION


# %% check="clip.merges"
# NBVAL_CHECK_OUTPUT
learn_merges = check("clip.merges")

# %% [markdown]
# Let it learn on the English names of all training emoji and the other words for them. It takes some
# seconds. CLIP's own vocabulary has `49408` tokens.

# %% id="learn-merges"
# NBVAL_CHECK_OUTPUT
known = emoji.concepts("train")
texts = [*known.labels, *(tag for tags in known.tags for tag in tags)]
words = count_words(texts)
merges = learn_merges(words, emoji.MERGES)
print(f"{len(texts):,} texts, {len(words):,} different words")
print("the first merges:", *("".join(pair) for pair in merges[:8]))
print("the last ones:", *("".join(pair) for pair in merges[-8:]))

# %% [markdown]
# ### Applying merges
#
# A new word is cut with these merges. Of all pairs in it, join the one that was learned first. Look again, until no pair
# of the word is among the merges. The order matters: a later merge may need what an earlier one has made.


# %% exercise="clip.apply"
def apply_merges(
    word: tuple[str, ...], merges: list[tuple[str, str]]
) -> tuple[str, ...]:
    """The tokens of a word: its symbols after all merges that fit.

    `merges` stand in the order in which they were learned.
    """
    ### BEGIN SOLUTION
    rank = {pair: place for place, pair in enumerate(merges)}
    while True:
        found = [pair for pair in pairwise(word) if pair in rank]
        if not found:
            return word
        word = join(word, min(found, key=rank.get))
    ### END SOLUTION


# %% check="clip.apply"
# NBVAL_CHECK_OUTPUT
apply_merges = check("clip.apply")

# %% [markdown]
# The class `Tokenizer` of the course puts the parts together: it writes a text in lower case, cuts it into words, and
# gives each token its number. A start token and an end token stand around every text. Type something. Try a name, a long
# word, a word of another language. The dot `·` stands for `</w>`. Every byte has a sign of its own; a Cyrillic letter is two bytes, so you see
# two strange signs for it.

# %% id="try-the-tokenizer"
tokenizer = Tokenizer(merges, emoji.CONTEXT)


def cut(text):
    pieces = [
        token
        for word in words_of(text)
        for token in apply_merges(symbols(word), merges)
    ]
    return draw.tokens(text, pieces, [tokenizer.numbers[piece] for piece in pieces])


explore(
    cut,
    alt=lambda text: (
        f"the text {text!r} cut into tokens, each in a box with its number"
    ),
    text=Typed("a picture of a red apple", "unbelievable яблоко"),
)

# %% [markdown]
# ### Reading in order
#
# The text encoder is a transformer as in lesson 01, with one change. A token may look at itself and at the tokens before
# it, never at later ones. This is *causal* attention (section 2.4 of the paper, which calls it masked self-attention). CLIP
# could do without it; the authors keep it so that training could begin from a language model, which cannot look ahead.
#
# Before the softmax, the scores of later tokens become minus infinity. Then $e^{-\infty} = 0$: they get no weight, and each
# row still sums to 1. With $i$ the token that looks and $j$ the one looked at:
#
# $$A_{ij} = \operatorname{softmax}_j\!\left(\begin{cases} q_i k_j^\top / \sqrt{d} & j \le i \\ -\infty & j > i \end{cases}\right)$$
#
# `SelfAttention` is the course's version of the one that you wrote in lesson 01. It has one more method: `split` gives the queries, keys and values of all heads, each
# [B, H, N, d]; `self.out` projects what the heads have collected.


# %% exercise="clip.causal"
class CausalSelfAttention(SelfAttention):
    """Self-attention in which a token sees itself and those before it."""

    def weights(self, x_BND: Tensor) -> Tensor:
        """How much each token takes from each other one: [B, N, D] to [B, H, N, N]."""
        ### BEGIN SOLUTION
        q_BHNd, k_BHNd, _ = self.split(x_BND)
        scores_BHNN = q_BHNd @ k_BHNd.transpose(-2, -1) / math.sqrt(q_BHNd.shape[-1])
        N = x_BND.shape[1]
        later_NN = torch.ones(N, N, dtype=torch.bool, device=x_BND.device).triu(1)
        scores_BHNN = scores_BHNN.masked_fill(later_NN, -math.inf)  # j > i
        return torch.softmax(scores_BHNN, dim=-1)
        ### END SOLUTION

    def forward(self, x_BND: Tensor) -> Tensor:
        """Mix the tokens with those before them: [B, N, D] to [B, N, D]."""
        ### BEGIN SOLUTION
        y_BHNd = self.weights(x_BND) @ self.split(x_BND)[2]
        return self.out(y_BHNd.transpose(1, 2).flatten(2))
        ### END SOLUTION


# %% check="clip.causal"
# NBVAL_CHECK_OUTPUT
CausalSelfAttention = check("clip.causal")

# %% [markdown]
# ### The text encoder
#
# Each token number picks its row of a learned table, the *token embedding*. A learned position is added, then the blocks
# follow. Out of the last block come L vectors. Which one stands for the text? Only the end token has seen all of it. So the
# encoder takes the vector at the end token and puts it through the layer norm `self.norm` (section 2.4). It does not bring
# it to length 1; that comes later.
#
# Texts differ in length. The tokenizer fills the rows of a batch up, behind the end, with more end tokens. So look for the
# *first* end token of each row. `self.end` is its number. What stands behind it does not matter, because no earlier token
# can see it.
#
# A batch may hold shorter rows than the encoder has positions: L tokens get the first L positions. Longer rows are refused
# with a `ValueError`.


# %% exercise="clip.text"
class TextEncoder(nn.Module):
    """Token numbers [B, L] to one vector a text [B, D]."""

    def __init__(
        self, vocabulary: int, context: int, dim: int, depth: int, heads: int
    ) -> None:
        super().__init__()
        self.end = vocabulary - 1
        self.tokens = nn.Embedding(vocabulary, dim)
        self.positions = nn.Parameter(0.01 * torch.randn(context, dim))
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            block = PreNormBlock(
                dim, heads, 4 * dim, norm_eps=1e-5, activation=QuickGELU
            )
            block.attention = CausalSelfAttention(dim, heads)
            self.blocks.append(block)
        self.norm = nn.LayerNorm(dim, eps=1e-5)
        nn.init.normal_(self.tokens.weight, std=0.02)

    def forward(self, tokens_BL: Tensor) -> Tensor:
        """The vector at the first end token of each text, after the norm: [B, L] to [B, D].

        Raises a ValueError if L is larger than the number of positions.
        """
        ### BEGIN SOLUTION
        L = tokens_BL.shape[1]
        if len(self.positions) < L:
            raise ValueError(f"{L} tokens for {len(self.positions)} positions")
        x_BLD = self.tokens(tokens_BL) + self.positions[:L]
        for block in self.blocks:
            x_BLD = block(x_BLD)
        place_B = (tokens_BL == self.end).int().argmax(dim=1)  # the first end
        return self.norm(x_BLD[torch.arange(len(x_BLD)), place_B])
        ### END SOLUTION


# %% check="clip.text"
# NBVAL_CHECK_OUTPUT
TextEncoder = check("clip.text")

# %% [markdown]
# What does an encoder with random weights make of what stands behind the end, and of what stands before it?

# %% id="blind-behind-the-end"
# NBVAL_CHECK_OUTPUT
encoder = TextEncoder(len(tokenizer), emoji.CONTEXT, 64, 2, 4).eval()
row = tokenizer("red apple")
behind, before = row.clone(), row.clone()
behind[0, -1] = 5
before[0, 1] = 5
with torch.no_grad():
    for name, changed in {"behind": behind, "before": before}.items():
        same = torch.allclose(encoder(row), encoder(changed), atol=1e-5)
        print(f"another token {name} the end gives the same vector: {same}")

# %% [markdown]
# ### The image encoder
#
# CLIP's image encoder is the Vision Transformer of lesson 01 with small changes: one more layer norm between the positions
# and the blocks (section 2.4), in the authors' code no bias in the patch projection, no head. We take it ready from the course. Its activation
# is *QuickGELU*, $x \cdot \operatorname{sigmoid}(a x)$ with $a = 1.702$: not in the paper, but in all of the authors' models.

# %% [markdown]
# ### Scores
#
# Both vectors go through a linear map into the shared space with E numbers. There only the direction counts. Divide each
# vector by its length: $\hat v = v / \lVert v \rVert$. The dot product of two such vectors is their cosine, from −1 to 1.
#
# A softmax over numbers from −1 to 1 would stay nearly flat. So the cosines are multiplied by a *scale* $e^t$ (figure 3 of
# the paper). The scale is learned. Its reciprocal is called the *temperature*; the paper starts it at `0.07`. `self.log_scale` holds $t$, so the scale is
# always positive:
#
# $$s_{ij} = e^{t}\; \hat I_i \cdot \hat T_j$$
#
# $\hat I_i$ is the vector of image $i$, $\hat T_j$ that of text $j$, both of length 1. A scale above `100` made the
# authors' training unstable (section 2.5), so it is clipped. `clamp` does that: it changes `self.log_scale` in place, after
# a step of training, so that $e^t \le 100$. It is no part of `forward`.


# %% exercise="clip.similarity"
class Similarity(nn.Module):
    """Scores of every image with every text: [B, E] and [K, E] to [B, K]."""

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, image_BE: Tensor, text_KE: Tensor) -> Tensor:
        """The cosine of each pair times the scale. The vectors may have any length."""
        ### BEGIN SOLUTION
        image_BE = image_BE / image_BE.norm(dim=1, keepdim=True)
        text_KE = text_KE / text_KE.norm(dim=1, keepdim=True)
        return self.log_scale.exp() * image_BE @ text_KE.T
        ### END SOLUTION

    def clamp(self) -> None:
        """Bring the scale down to 100 where it is larger, in place."""
        ### BEGIN SOLUTION
        with torch.no_grad():
            self.log_scale.clamp_(max=math.log(100))
        ### END SOLUTION


# %% check="clip.similarity"
# NBVAL_CHECK_OUTPUT
Similarity = check("clip.similarity")

# %% [markdown]
# ### The loss
#
# In a batch of B pairs, image $i$ belongs to text $i$. A row of the scores says how image $i$ fits each text: a
# classification with B classes, whose right answer is $i$. A column says how text $j$ fits each image: another
# classification. The loss is the mean of both cross-entropies. To pull partners together and push all others apart is
# called *contrastive learning*:
#
# $$\mathcal{L} = \frac{1}{2} \left( -\frac{1}{B} \sum_i \log \frac{e^{s_{ii}}}{\sum_j e^{s_{ij}}} \;-\; \frac{1}{B} \sum_j \log \frac{e^{s_{jj}}}{\sum_i e^{s_{ij}}} \right)$$
#
# The paper prints this as pseudo-code in figure 3:
#
# ```
# loss_i = cross_entropy_loss(logits, labels, axis=0)
# loss_t = cross_entropy_loss(logits, labels, axis=1)
# loss   = (loss_i + loss_t)/2
# ```
#
# Careful with the names. `axis=0` normalises over the images, so `loss_i` asks each *text* for its image. The sum has both,
# so the result does not change. `F.cross_entropy` normalises over the last axis of [B, K]. A matrix of scores that is
# not square has no diagonal of partners: raise a `ValueError`.


# %% exercise="clip.loss"
def symmetric_loss(scores_BB: Tensor) -> Tensor:
    """The mean of both cross-entropies, a scalar; partners stand on the diagonal.

    Raises a ValueError if there are not as many rows as columns.
    """
    ### BEGIN SOLUTION
    if scores_BB.shape[0] != scores_BB.shape[1]:
        raise ValueError(f"not square: {tuple(scores_BB.shape)}")
    partner_B = torch.arange(len(scores_BB), device=scores_BB.device)
    find_text = F.cross_entropy(scores_BB, partner_B)  # each image among the texts
    find_image = F.cross_entropy(scores_BB.T, partner_B)  # each text among the images
    return (find_text + find_image) / 2
    ### END SOLUTION


# %% check="clip.loss"
# NBVAL_CHECK_OUTPUT
symmetric_loss = check("clip.loss")

# %% [markdown]
# Here is the whole model. Nothing in it is new.

# %% id="the-model"


class CLIP(nn.Module):
    """Two encoders, two projections, one score."""

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__()
        self.config = c = config
        self.image = ImageEncoder(c)
        self.text = TextEncoder(
            c.vocabulary, c.context, c.text_dim, c.text_depth, c.text_heads
        )
        self.image_projection = nn.Linear(c.image_dim, c.embed_dim, bias=False)  # W_i
        self.text_projection = nn.Linear(c.text_dim, c.embed_dim, bias=False)  # W_t
        self.similarity = Similarity()

    def embed_images(self, images_BCYX: Tensor) -> Tensor:
        """[B, C, Y, X] to vectors of length 1, [B, E]."""
        return F.normalize(self.image_projection(self.image(images_BCYX)), dim=1)

    def embed_texts(self, tokens_BL: Tensor) -> Tensor:
        """[B, L] to vectors of length 1, [B, E]."""
        return F.normalize(self.text_projection(self.text(tokens_BL)), dim=1)

    def forward(self, images_BCYX: Tensor, tokens_KL: Tensor) -> Tensor:
        """Scores [B, K]."""
        return self.similarity(
            self.embed_images(images_BCYX), self.embed_texts(tokens_KL)
        )


# %% [markdown]
# ### A classifier made of words
#
# To choose among K classes, write a text for each class, embed the texts, and take the class whose vector is nearest to
# the picture's. No picture of any class was needed to make this classifier: it is *zero-shot*.
#
# One wording may be unlucky. The paper writes many, such as "a photo of a big cat" and "a photo of a small cat", and
# averages them in the shared space (section 3.1.4). For class $k$ with the wordings $w = 1 \dots W$:
#
# $$c_k = \frac{m_k}{\lVert m_k \rVert}, \qquad m_k = \frac{1}{W} \sum_w \frac{v_{kw}}{\lVert v_{kw} \rVert}$$
#
# $v_{kw}$ is the vector of the text. Each is brought to length 1 first; otherwise a long one would count more. The mean
# is brought to length 1 too; otherwise a class whose wordings agree would get higher scores for that alone.


# %% exercise="clip.zero-shot"
def class_vectors(texts_KWE: Tensor) -> Tensor:
    """One vector of length 1 for each class: [K, W, E] to [K, E]."""
    ### BEGIN SOLUTION
    texts_KWE = texts_KWE / texts_KWE.norm(dim=2, keepdim=True)
    mean_KE = texts_KWE.mean(dim=1)
    return mean_KE / mean_KE.norm(dim=1, keepdim=True)
    ### END SOLUTION


# %% check="clip.zero-shot"
# NBVAL_CHECK_OUTPUT
class_vectors = check("clip.zero-shot")

# %% [markdown]
# ## Train
#
# A pair is a picture of the emoji set and a caption made of its English name: the name alone, in a template such as "a
# picture of …", or with one of the other words that Unicode lists for it. A batch holds as many different concepts as
# pairs. If one stood there twice, its second caption would count as wrong.
#
# Four sets are held out. *Unseen style*: drawings by another hand (noto and noto-v1) of things that training showed.
# *Harder style*: the same with openmoji, thin black outlines. *Unseen concepts*: things that training never showed, in
# styles that it did. *Both unseen*: those in the style noto.
#
# The measure is *recall at k*, R@k: of all pictures, the share whose own name is among the k nearest of all names (image
# to text); or of all names, the share with one of its pictures among the k nearest (text to image). The nearest are sought
# among the names or pictures of that set. Fewer of them make the question easier, so compare a number with its chance.

# %% id="data"
# NBVAL_CHECK_OUTPUT
config = CLIPConfig.preset("toy", vocabulary=len(tokenizer))
print(f"{len(emoji.images('train').pixels):,} pictures, {len(known.codes):,} concepts")
for where in study.HELD_OUT:
    held = study.held_out(where)
    print(f"{where}: {len(held.pixels):,} pictures, {len(held.known.codes):,} names")
model = CLIP(config)
for name, part in {"images": model.image, "texts": model.text}.items():
    print(f"{name}: {sum(p.numel() for p in part.parameters()):,} parameters")

# %% [markdown]
# Your model begins with the first weights of seed 0, so that your run can be set beside the committed ones.

# %% id="fit" tags=["train"]
print(model.load_state_dict(study.build("clip", seed=0).state_dict()))


def loss(model, batch):
    images_BCYX, tokens_BL, _ = batch
    model.similarity.clamp()  # what the last step has left
    tokens_BL = emoji.trim(tokens_BL, tokenizer.end)  # no column of ends alone
    return symmetric_loss(model(images_BCYX, tokens_BL))


history = study.fit(model, seed=0, loss=loss, on_event=live_curve("CLIP"))

# %% [markdown]
# The trained weights go into the reference model; the names of the parameters are the same. Then everything is measured.
# In the table, *five seeds* is the mean of five trainings like yours, with its interval as in lesson 01.
#
# - *chance* is a random order. *Untrained* has its first weights. *Shuffled captions*, the negative control, was trained
#   with the captions of other concepts: it can learn what captions look like, and nothing about pictures.
# - *CLIP, CNN* has a convolutional image encoder with about as many parameters.
# - *toy-clip* is a larger CLIP that saw more than ten times as many pairs, with stronger augmentation. Its captions are also
#   richer: each of the other words stands alone too, with and without an article, and about half of all captions are the
#   name. *toy-clip-cnn* is the same with a convolutional image encoder, trained by the same recipe. Each is one run. The
#   command `mmlearn zoo train toy-clip` makes it again.

# %% id="reference-with-your-weights"
# NBVAL_CHECK_OUTPUT
trained = reference.CLIP(config).eval()
print(trained.load_state_dict(model.cpu().state_dict()))

# %% id="results" tags=["train"]
this_run = study.retrieval(trained, tokenizer)


def now(measure: str, where: str, level=5) -> float:
    """What this run measured."""
    wanted = (measure, where, level)
    return next(
        row["value"]
        for row in this_run
        if (row["measure"], row["where"], row["level"]) == wanted
    )


def five(name: str, measure: str, where: str, level=5, **changed) -> Interval:
    """The mean of five seeds with its interval."""
    return mean_interval(study.seeds(name, measure, where, level, **changed))


# %% id="all-results" tags=["train", "fold"]
card = zoo.card("toy-clip")
longer = {name: zoo.card(name)["measured"] for name in ("toy-clip", "toy-clip-cnn")}
others = {
    "untrained": ("clip", {"steps": 0}),
    "shuffled captions": ("clip", {"captions": "shuffled"}),
    "CLIP, CNN, five seeds": ("cnn", {}),
    "**CLIP, five seeds**": ("clip", {}),
}
for direction in ("image to text", "text to image"):
    table = f"| {direction}, R@5 | {' | '.join(study.HELD_OUT)} |\n"
    table += f"|---|{'---|' * len(study.HELD_OUT)}\n| chance "
    for where in study.HELD_OUT:
        table += f"| {study.seeds('chance', direction, where, 5)[0]:.3f} "
    for label, (name, changed) in others.items():
        table += f"|\n| {label} "
        for where in study.HELD_OUT:
            table += f"| {five(name, direction, where, **changed):.2f} "
    table += "|\n| **CLIP, this run** "
    for where in study.HELD_OUT:
        table += f"| {now(direction, where):.2f} "
    for name, measured in longer.items():
        table += f"|\n| {name} "
        for where in study.HELD_OUT:
            table += f"| {measured[f'{direction}, {where}, 5']:.2f} "
    say(table + "|")

# %% [markdown]
# The two that were trained for longer, at R@1: the right one comes first of all, and nothing else counts.

# %% id="longer-results" tags=["train", "fold"]
table = f"| R@1 | {' | '.join(study.HELD_OUT)} |\n|---|{'---|' * len(study.HELD_OUT)}\n"
for direction in ("image to text", "text to image"):
    for name, measured in longer.items():
        table += f"| {name}, {direction} "
        for where in study.HELD_OUT:
            table += f"| {measured[f'{direction}, {where}, 1']:.2f} "
        table += "|\n"
say(table)

# %% [markdown]
# ## Look
#
# ### Pictures for any text
#
# Type a text and press Enter. The pictures whose vectors lie nearest come first, with their cosine. They are drawings in
# the style noto, which neither `toy-clip` nor your CLIP has seen. Try a name, then a name with a typing error: the tokenizer cuts it into
# pieces that the model knows. Try a word that fits many pictures, such as "music". `toy-clip` was trained with such words
# alone; in the captions of your CLIP they always stand beside a name.

# %% id="nearest-pictures"
two_models = {"toy-clip": (toy, toy_tokenizer), "your CLIP": (trained, tokenizer)}
noto = data.load("emoji", split="noto", size=32)
noto = noto.filter(lambda style: style == "noto", input_columns="style")
gallery, gallery_names = (
    data.to_tensor(noto).float() / 127.5 - 1,
    list(noto["label_en"]),
)
vectors = {
    name: emoji.embed_images(net, gallery) for name, (net, _) in two_models.items()
}


def nearest(text, model, count=8):
    """The pictures nearest to a text: their places and their cosines."""
    net, cut = two_models[model]
    cosine_N = vectors[model] @ emoji.embed_texts(net, cut, [text])[0]
    return cosine_N.topk(count)


def nearest_pictures(text, model):
    found = nearest(text, model)
    titles = [f"{cosine:.2f}" for cosine in found.values]
    return image_grid(gallery[found.indices] / 2 + 0.5, titles, size=1.0)


def nearest_in_words(text, model):
    names = [gallery_names[place] for place in nearest(text, model).indices]
    return f"the pictures that {model} finds nearest to {text!r}: {', '.join(names)}"


explore(
    nearest_pictures,
    alt=nearest_in_words,
    text=Typed("music", "guitarr"),
    model={name: name for name in two_models},
)

# %% [markdown]
# Not one word but all: each of the other words is asked alone. A picture fits if its concept has the word.

# %% id="single-words" tags=["train", "fold"]
table = "| one word, unseen style | R@1 | R@5 |\n|---|---|---|\n"
for name, (net, cut) in two_models.items():
    alone = study.single_words(net, cut)
    table += f"| {name} | {alone.found[1]:.2f} | {alone.found[5]:.2f} |\n"
table += f"| chance | {alone.chance[1]:.3f} | {alone.chance[5]:.3f} |\n"
say(f"{alone.count:,} words:\n\n{table}")

# %% [markdown]
# ### The matrix of your own texts
#
# Type several texts with commas between them. The first row shows which text fits the first picture best, and so on. Here
# there are no partners, so nothing is framed.

# %% id="your-matrix"


def own_matrix(texts, model):
    net, cut = two_models[model]
    names = [text.strip() for text in texts.split(",") if text.strip()][:8] or ["?"]
    return draw.score_matrix(
        some_images / 2 + 0.5,
        names,
        cosines(net, some_images, cut, names),
        partners=False,
    )


explore(
    own_matrix,
    alt=lambda texts, model: (
        f"the cosines of {model} between five pictures "
        f"({', '.join(some_names)}) and the texts {texts}"
    ),
    texts=Typed(
        "violin, eagle, a fruit, sad face", "music, space, food, an animal, red"
    ),
    model={name: name for name in two_models},
)

# %% [markdown]
# ### Your own labels
#
# Choose a picture and write the classes. The class vectors come from your `class_vectors`, with three wordings for each
# label. The bars are the softmax of the scores.

# %% id="your-labels"
choices = {
    name: place
    for place, name in enumerate(gallery_names)
    if name
    in ("cat face", "banana", "police car", "violin", "snowman", "owl", "crying face")
}


def zero_shot(picture, labels, model):
    """Labels, and the share of the probability that each gets."""
    net, cut = two_models[model]
    names = [label.strip() for label in labels.split(",") if label.strip()][:10] or [
        "?"
    ]
    texts = [template.format(name) for name in names for template in emoji.TEMPLATES]
    texts_KWE = emoji.embed_texts(net, cut, texts).unflatten(0, (len(names), -1))
    with torch.no_grad():
        image_1E = vectors[model][picture][None]
        scores_K = net.similarity(image_1E, class_vectors(texts_KWE))[0]
    return names, scores_K.softmax(dim=0)


def bars(picture, labels, model):
    names, share_K = zero_shot(picture, labels, model)
    return draw.shares(gallery[picture] / 2 + 0.5, names, share_K, model)


def bars_in_words(picture, labels, model):
    names, share_K = zero_shot(picture, labels, model)
    best = int(share_K.argmax())
    return (
        f"{model} looks at {gallery_names[picture]} and gives {names[best]!r} "
        f"{share_K[best]:.0%} of the probability, the most of {len(names)} labels"
    )


explore(
    bars,
    alt=bars_in_words,
    picture=choices,
    labels=Typed(
        "happy face, sad face, lemon, taxi, dog, guitar",
        "happy, sad, hungry, cold, dangerous",
    ),
    model={name: name for name in two_models},
)

# %% [markdown]
# ## Ask
#
# *How does learning from natural language make CLIP more flexible than a classifier with fixed labels?* The slides that
# this course grew out of ask this. The opponent is a classifier with the same image encoder. It sees the same pictures, in
# the same batches and for as many steps. In place of a caption it gets a number, one for each concept. So it knows exactly
# which pictures show the same thing, but not that a red apple and a green apple have something in common.
#
# ### Names or numbers
#
# First what both can do: name the concept of a drawing in a style that they have not seen. Chance is the same for both.

# %% id="guess-numbers"
guess = None  # choose below, or write it here, such as guess = "captions"
predict(
    "clip.numbers",
    "Same encoder, pictures and steps: which training names more drawings of the unseen "
    "style correctly, among all training concepts (R@5)?",
    ("captions", "numbers", "no clear difference"),
    guess,
)

# %% id="numbers" tags=["train", "fold"]
STYLE, HARD, CONCEPTS = study.STYLE, study.HARD_STYLE, study.CONCEPTS
TO_TEXT = "image to text"


def verdict(difference: Interval, above: str, below: str) -> str:
    """Which of the two holds, if the interval of the difference leaves out zero."""
    if difference.low > 0:
        return above
    return below if difference.high < 0 else "no clear difference"


def both(where: str, level: int = 5) -> Interval:
    """R@k of CLIP minus that of the classifier."""
    pair = (study.seeds(name, TO_TEXT, where, level) for name in ("clip", "classifier"))
    return paired_interval(*pair)


def recalls(name: str, where: str) -> list[tuple]:
    """Points for the chart: R@1 and R@5 with their intervals."""
    return [(f"R@{k}", *five(name, TO_TEXT, where, k)) for k in study.DEPTHS]


panels = {
    where: {"captions": recalls("clip", where), "numbers": recalls("classifier", where)}
    for where in (STYLE, HARD)
}
stars = {
    where: {"captions": [(f"R@{k}", now(TO_TEXT, where, k)) for k in study.DEPTHS]}
    for where in panels
}
chance = {
    where: {"chance, R@5": study.seeds("chance", TO_TEXT, where, 5)[0]}
    for where in panels
}
reveal(
    "clip.numbers",
    verdict(both(STYLE), "captions", "numbers"),
    charts.curves(
        panels, x_label="", y_label="share of drawings", levels=chance, marks=stars
    ),
    alt="Recall at 1 and at 5 in two unseen styles, for training with captions and with "
    f"numbers. In the unseen style R@5 is {five('clip', TO_TEXT, STYLE).mean:.2f} with "
    f"captions and {five('classifier', TO_TEXT, STYLE).mean:.2f} with numbers; in the harder "
    f"style {five('clip', TO_TEXT, HARD).mean:.2f} and "
    f"{five('classifier', TO_TEXT, HARD).mean:.2f}.",
    text=f"R@5 with captions minus with numbers: {both(STYLE):.2f} in the unseen style, "
    f"{both(HARD):.2f} in the harder one.",
)

# %% [markdown]
# ### New labels
#
# Now ask both for something that nobody trained: the eight groups of lesson 01, and the finer subgroups of Unicode, such as
# "fruit" or "birds", of concepts that they have never seen. There are several ways.
#
# - *Name*: CLIP gets the group's name as the class text, such as "food & drink". *Wordings*: the mean of three templates
#   around that name. *Members*: the mean of the names of all training concepts in the group.
# - *Nearest concept*: the classifier names one of its concepts, and somebody looks up its group. Without new training it
#   has no other way; CLIP with members uses the same knowledge.
# - *Linear probe*: for each encoder, a linear classifier is fitted to its vectors of all training pictures with their true groups.
#   This needs a label for every picture. It shows what the vectors hold, not what the model can do alone.

# %% id="guess-new-labels"
guess = None  # choose below, or write it here, such as guess = 0.35
predict(
    "clip.new-labels",
    "What share of the pictures of unseen concepts does CLIP put into the right one of eight "
    "groups, from the groups' names alone?",
    (0.0, 1.0, 0.01),
    guess,
)

# %% id="by-name" tags=["train", "fold"]


def accuracies(name: str, measure: str, level="", **changed) -> str:
    """A row's four cells: groups and subgroups, of unseen concepts and in the unseen style."""
    cells = ""
    for kind in ("groups", "subgroups"):
        for where in (CONCEPTS, STYLE):
            found = study.seeds(name, measure.format(kind), where, level, **changed)
            value = mean_interval(found) if len(found) > 1 else found[0]
            cells += f"| {value:.2f} "
    return cells


def of_toy(measure: str, how="") -> str:
    """The same four cells of toy-clip, one run, from its card."""
    cells = ""
    for kind in ("groups", "subgroups"):
        for where in (CONCEPTS, STYLE):
            name = ", ".join(filter(None, (measure.format(kind), where, how)))
            cells += f"| {card['measured'][name]:.2f} "
    return cells


table = f"| | groups, {CONCEPTS} | groups, {STYLE} | subgroups, {CONCEPTS} | subgroups, {STYLE} |\n"
table += "|---|---|---|---|---|\n"
for label, row in {
    "majority": accuracies("chance", "majority {}"),
    "CLIP, shuffled captions, name": accuracies(
        "clip", "zero-shot {}", "name", captions="shuffled"
    ),
    "**CLIP, name**": accuracies("clip", "zero-shot {}", "name"),
    "CLIP, wordings": accuracies("clip", "zero-shot {}", "templates"),
    "CLIP, members": accuracies("clip", "zero-shot {}", "members"),
    "classifier, nearest concept": accuracies(
        "classifier", "{} of the nearest concept"
    ),
    "CLIP, probe": accuracies("clip", "probe {}"),
    "classifier, probe": accuracies("classifier", "probe {}"),
    "untrained, probe": accuracies("clip", "probe {}", steps=0),
    "toy-clip, name": of_toy("zero-shot {}", "name"),
    "toy-clip, members": of_toy("zero-shot {}", "members"),
    "toy-clip, probe": of_toy("probe {}"),
}.items():
    table += f"| {label} {row}|\n"


def ensembling(kind: str, where: str) -> Interval:
    """What three wordings bring over the name alone."""
    pair = (
        study.seeds("clip", f"zero-shot {kind}", where, how)
        for how in ("templates", "name")
    )
    return paired_interval(*pair)


by_name = five("clip", "zero-shot groups", CONCEPTS, "name")
reveal(
    "clip.new-labels",
    round(by_name.mean, 2),
    text=f"Five seeds: {by_name:.2f}; the majority gives "
    f"{study.seeds('chance', 'majority groups', CONCEPTS, '')[0]:.2f}. Three wordings minus "
    f"the name alone: {ensembling('groups', CONCEPTS):.2f} for groups and "
    f"{ensembling('subgroups', CONCEPTS):.2f} for subgroups.",
)
say(table)

# %% [markdown]
# ### Photographs
#
# Everything so far was a drawing. The set `stamps` holds photographs of animals, food, tools and other things, with
# captions. Neither the pictures nor most of the names were in training. Here are some of them, with what `toy-clip` finds
# nearest among all names of photographs. A name in brackets is the right one.

# %% id="photographs-named"
stamps = data.load("stamps", split="photos", size=32)
photos = data.to_tensor(stamps).float() / 127.5 - 1
photo_names = sorted(set(stamps["label_en"]))
photo_scores = cosines(toy, photos, toy_tokenizer, photo_names)
titles = []
shown = list(range(4, len(photos), len(photos) // 8))[:8]
for place in shown:
    found, right = (
        photo_names[int(photo_scores[place].argmax())],
        stamps[place]["label_en"],
    )
    titles.append(found if found == right else f"{found}\n({right})")
show(
    image_grid(photos[shown] / 2 + 0.5, titles, columns=4, size=1.9),
    alt="Eight photographs with the name that toy-clip finds nearest, and the right name in "
    f"brackets where it is another: {'; '.join(title.replace(chr(10), ' ') for title in titles)}",
)

# %% id="guess-photographs"
guess = None  # choose below, or write it here, such as guess = "at chance"
predict(
    "clip.photographs",
    "R@5 of the lesson's CLIP, five seeds, on photographs among all their names: where is it?",
    ("at chance", "above chance, below unseen concepts", "as high as unseen concepts"),
    guess,
)

# %% id="on-photographs" tags=["train", "fold"]
PHOTOS = study.PHOTOGRAPHS
on_photos = study.seeds("clip", TO_TEXT, PHOTOS, 5)
photo_chance = study.seeds("chance", TO_TEXT, PHOTOS, 5)[0]
above = mean_interval([value - photo_chance for value in on_photos])
against_concepts = paired_interval(on_photos, study.seeds("clip", TO_TEXT, CONCEPTS, 5))
answer = "above chance, below unseen concepts"
if above.low <= 0:
    answer = "at chance"
elif against_concepts.high >= 0:
    answer = "as high as unseen concepts"
toy_rows = study.on_photographs(toy, toy_tokenizer)
toy_r5 = next(
    row["value"] for row in toy_rows if (row["measure"], row["level"]) == (TO_TEXT, 5)
)
toy_kinds = next(
    row["value"] for row in toy_rows if row["measure"] == "zero-shot categories"
)
kinds, kinds_chance = (
    study.seeds(name, "zero-shot categories", PHOTOS, "") for name in ("clip", "chance")
)
reveal(
    "clip.photographs",
    answer,
    text=f"R@5 on photographs: chance {photo_chance:.3f}, five seeds {mean_interval(on_photos):.3f}, "
    f"toy-clip {toy_r5:.3f}. Zero-shot among {len(study.large_categories())} categories such as "
    f"{', '.join(study.large_categories()[:3])}: chance {kinds_chance[0]:.2f}, five seeds "
    f"{mean_interval(kinds):.2f}, toy-clip {toy_kinds:.2f}.",
)

# %% [markdown]
# ### Another language
#
# A number is the same in every language. A name is not. Ask the model, trained on English, with the Russian names of the
# same concepts. Then train another one on captions in both languages, with a tokenizer of both, as many steps as before.

# %% id="guess-language"
guess = None  # choose below, or write it here, such as guess = "at chance"
predict(
    "clip.language",
    "Trained on English captions alone and asked in Russian, R@5 in the unseen style: where "
    "is it?",
    ("at chance", "above chance, below English", "as high as in English"),
    guess,
)

# %% id="language" tags=["train", "fold"]


def asked(language: str, captions: str, where: str) -> list[float]:
    """R@5, asked in a language, one number a seed."""
    measure = TO_TEXT if language == "English" else f"{TO_TEXT}, ru"
    return study.seeds("clip", measure, where, 5, captions=captions)


trainings = {"en": "English", "en+ru": "English and Russian"}
panels = {
    where: {
        f"asked in {language}": [
            (name, *mean_interval(asked(language, captions, where)))
            for captions, name in trainings.items()
        ]
        for language in ("English", "Russian")
    }
    for where in (STYLE, CONCEPTS)
}
chances = {where: study.seeds("chance", TO_TEXT, where, 5)[0] for where in panels}
in_russian, in_english = (
    asked(language, "en", STYLE) for language in ("Russian", "English")
)
answer = "above chance, below English"
if mean_interval([value - chances[STYLE] for value in in_russian]).low <= 0:
    answer = "at chance"
elif paired_interval(in_russian, in_english).high >= 0:
    answer = "as high as in English"
cost = paired_interval(asked("English", "en+ru", STYLE), in_english)
reveal(
    "clip.language",
    answer,
    charts.curves(
        panels,
        x_label="captions in training",
        y_label="R@5, image to text",
        levels={where: {"chance": chances[where]} for where in panels},
    ),
    alt="R@5 when asked in English and in Russian, for training on English and on both. In the "
    f"unseen style, trained on English and asked in Russian: {fmean(in_russian):.3f}; trained "
    f"on both: {fmean(asked('Russian', 'en+ru', STYLE)):.3f}.",
    text=f"In the unseen style, asked in Russian: {mean_interval(in_russian):.3f} after English "
    f"alone, {mean_interval(asked('Russian', 'en+ru', STYLE)):.3f} after both; chance is "
    f"{chances[STYLE]:.3f}. Asked in English, both languages minus English alone: {cost:.3f}.",
)

# %% [markdown]
# ### Batch size and temperature
#
# Each picture must find its caption among those of its batch. A larger batch is a harder question. The paper trains with
# batches of `32768`. Here three sizes see equally many pairs, so the smaller batches make more steps.
#
# The scale decides how sharp the softmax is. Held at 1, even a perfect pair of encoders cannot make the loss small, for
# a cosine is at most 1. Held at 100, small differences of cosines become large.

# %% id="guess-batch"
guess = None  # choose below, or write it here, such as guess = "128"
predict(
    "clip.batch",
    "Equally many pairs: with which batch size is R@5 in the unseen style highest?",
    ("32", "128", "512", "no clear winner"),
    guess,
)

# %% id="guess-temperature"
guess = None  # choose below, or write it here, such as guess = "held at 1"
predict(
    "clip.temperature",
    "Which scale gives the lowest R@5 in the unseen style?",
    ("held at 1", "learned", "held at 100", "no clear difference"),
    guess,
)

# %% id="batch-and-temperature" tags=["train", "fold"]
sizes = sorted([emoji.BATCH, *study.BATCHES])
scales = {"held at 1": 1, "learned": study.LEARNED, "held at 100": 100}


def of_batch(size: int, where: str) -> list[float]:
    return study.seeds("clip", TO_TEXT, where, 5, batch=size, steps=study.PAIRS // size)


def of_scale(name: str, where: str) -> list[float]:
    return study.seeds("clip", TO_TEXT, where, 5, scale=scales[name])


def best(values: dict[str, list[float]], otherwise: str) -> str:
    """The name with the highest mean, if its difference to the second leaves out zero."""
    first, second = sorted(values, key=lambda name: -fmean(values[name]))[:2]
    clear = paired_interval(values[first], values[second]).low > 0
    return first if clear else otherwise


by_batch = {str(size): of_batch(size, STYLE) for size in sizes}
by_scale = {name: of_scale(name, STYLE) for name in scales}
negative = {name: [-value for value in values] for name, values in by_scale.items()}
lowest = best(negative, "no clear difference")
wheres = (STYLE, CONCEPTS)
panels = {
    "batch size": {
        where: [(str(size), *mean_interval(of_batch(size, where))) for size in sizes]
        for where in wheres
    },
    "scale": {
        where: [(name, *mean_interval(of_scale(name, where))) for name in scales]
        for where in wheres
    },
}
learned = five("clip", "scale", "", "")
reveal(
    "clip.batch",
    best(by_batch, "no clear winner"),
    charts.curves(panels, x_label="", y_label="R@5, image to text"),
    alt="R@5 against the batch size and against the scale. In the unseen style, batches of "
    f"{sizes[0]}, {sizes[1]} and {sizes[2]}: "
    f"{', '.join(f'{fmean(values):.3f}' for values in by_batch.values())}; scale held at 1, "
    f"learned and held at 100: {', '.join(f'{fmean(v):.3f}' for v in by_scale.values())}.",
    text="R@5 in the unseen style: "
    + "; ".join(
        f"{size} pairs a batch, {study.PAIRS // int(size):,} steps, {mean_interval(values):.3f}"
        for size, values in by_batch.items()
    )
    + ".",
)
reveal(
    "clip.temperature",
    lowest,
    text=f"R@5 in the unseen style: held at 1 {mean_interval(by_scale['held at 1']):.3f}, learned "
    f"{mean_interval(by_scale['learned']):.3f}, held at 100 "
    f"{mean_interval(by_scale['held at 100']):.3f}. The learned scale began at {1 / 0.07:.1f} "
    f"and ended at {learned:.1f}, that of toy-clip at {card['measured']['scale']:.1f}.",
)

# %% [markdown]
# ### In your own words
#
# Now answer the question at the head of this part: how does learning from natural language make CLIP more flexible
# than a classifier with fixed labels, and where does this end? Five to eight sentences. Rest each claim on a figure
# or a table above.

# %% [markdown] answer="clip.flexibility"
# Flexible does not mean better at a fixed list. In *Names or numbers* the classifier names drawings of the unseen
# style at least as well, for this one task is all that it learns. The difference shows where the list changes. For a
# concept that no training showed, the classifier has no output; CLIP turns any text into a vector, and finds the name
# of such a concept more often than chance. New labels therefore need words and no new training, but they must be
# words of the kind that captions use: the names of the things in a group do better than the name of the group. Linear
# probes on both image encoders give about the same accuracy after this short training, so the flexibility is in the
# text encoder and not in better vectors of pictures. It ends where the training ends: asked in Russian, the model
# that read only English is at chance, and of what it learned from drawings little carries over to photographs. All of
# this was measured on small models with short captions, and says little about a model that has seen very many pairs.

# %% [markdown]
# ### What this shows, and what it cannot
#
# - **Captions do not name a fixed list better than numbers do.** In the unseen style the classifier is ahead, after the same
#   number of steps. It solves one problem; CLIP also has to learn to read.
# - **A name reaches what a number cannot.** Of concepts that it has never seen CLIP finds the name far more often than
#   chance. The classifier has no answer to give. For groups it is otherwise: CLIP with the names of the things in a group is
#   well above the majority, but the classifier, whose concepts somebody sorts into groups, is ahead of it. For subgroups of
#   unseen concepts CLIP is not above the majority. From the groups' own names it gets nothing: nobody says "food & drink" of
#   a picture of an apple. Three wordings in place of one changed nothing that five seeds can show.
# - **The vectors hold about the same.** After this short training, linear probes on both encoders give nearly the same
#   accuracy, little above that of an encoder that was never trained. The flexibility is in the text encoder, not in better
#   vectors of pictures. Longer training improves those too, as the probe of `toy-clip` shows.
# - **Language is what the captions are in.** Asked in Russian, the English model is at chance. With captions in both
#   languages it answers in both, and pays for it in English.
# - **Batch and scale.** The paper's large batches do not pay here: with equally many pairs, the largest batch makes the fewest
#   steps, and training is probably too short for it. A scale held at 1 is worst in the unseen style. The learned scale hardly moved
#   in so few steps; that of `toy-clip` has more than doubled.
# - **Photographs are far away from drawings.** Most of what was learned does not carry over.
# - **The convolution learns faster.** With the same steps, the CLIP with a convolutional encoder is far ahead of the one with
#   a ViT, as in lesson 01. More training does not turn this round. `toy-clip`, with a ViT, passes the lesson's convolution in
#   the unseen and in the harder style; but `toy-clip-cnn`, trained by the same recipe, is ahead of `toy-clip` there. A
#   convolution knows from the start that near pixels belong together. A ViT has to learn it, and these pictures are few.
#
# It is one small set of drawings with short names. In the captions of the lesson's models one of the other words, such as
# "fruit", never stands alone; try in *Look* how little your CLIP makes of it. The lesson's models were trained for as long as a lesson can wait, and are still learning.
# The paper's model has seen `400,000,000` pairs. That a classifier is ahead on its own list is no finding about such a model:
# the paper compares with classifiers that were trained on another list (section 3.3).

# %% [markdown]
# ## Reference
#
# `mmlearn/models/clip.py` is the same model for real use: it takes a device and a dtype, uses PyTorch's fused attention,
# and knows the published sizes. Above, your weights were loaded into it. Both must give the same scores.

# %% id="same-scores"
# NBVAL_CHECK_OUTPUT
rows = tokenizer(list(known.labels[:16]))
with torch.no_grad():
    ours, theirs = model(some_images, rows), trained(some_images, rows)
print("scores", tuple(theirs.shape), "equal:", torch.allclose(ours, theirs, atol=1e-3))

# %% [markdown]
# The published sizes, built on the `meta` device: parameters in millions. The whole also has both projections and the scale. The paper prints the widths in its table 20, and
# no numbers of parameters.

# %% id="published-sizes"
# NBVAL_CHECK_OUTPUT
table = "| | image encoder | text encoder | whole |\n|---|---|---|---|\n"
for preset in ("vit-b-32", "vit-b-16", "vit-l-14", "vit-l-14-336"):
    big = reference.CLIP(CLIPConfig.preset(preset), device="meta")
    parts = (big.image, big.text, big)
    millions = [sum(p.numel() for p in part.parameters()) / 1e6 for part in parts]
    table += f"| {preset} | {' | '.join(f'{number:.1f}' for number in millions)} |\n"
say(table)

# %% [markdown]
# Released weights are files in which the same tensors have other names. `mmlearn.hub` knows these layouts, as in lesson 01.
# Your CLIP is written as OpenAI named its tensors, and read back.

# %% id="official-layout"
# NBVAL_CHECK_OUTPUT
with tempfile.TemporaryDirectory() as folder:
    hub.save(trained, folder, layout="open_clip")
    print("files:", *sorted(path.name for path in Path(folder).iterdir()))
    again = hub.load(folder)
with torch.no_grad():
    print("same scores:", torch.equal(again(some_images, rows), theirs))

# %% [markdown]
# With a network, the same call fetches a released CLIP once, about `600` MB. `hub.inputs` gives its tokenizer and its
# preprocessing of pictures. Three lines make a zero-shot classifier of any Pillow image:
#
# ```
# name = "openai/clip-vit-base-patch32"
# clip, prepare = hub.load(name), hub.inputs(name)
# clip(prepare.images(picture), prepare.texts(["a photo of a cat", "a photo of a dog"])).softmax(dim=1)
# ```

# %% [markdown]
# ## Check the source
#
# - **Figure 3, the pseudo-code.** The names of the two losses are exchanged, as *The loss* shows; their mean is right.
# - **The slides name one image encoder, a ViT.** The paper trains five ResNets and three ViTs (section 2.5); the released
#   models that most later systems use are ViTs.
# - **The tokenizer.** Section 2.4 names a vocabulary of `49152`. The released one has `49408` tokens: `512` for bytes,
#   `48894` merges, start and end.
#
# Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, ICML 2021, arXiv:2103.00020:
# sections 2.3 to 2.5, 3.1.4 and 3.2, figure 3, table 20. Sennrich et al., *Neural Machine Translation of Rare Words with
# Subword Units*, ACL 2016, arXiv:1508.07909: algorithm 1.

# %% [markdown]
# ## Words

# %% id="glossary"
glossary("02")

# %% [markdown]
# ## Where to go next
#
# [Lesson 01](01_vit.ipynb) has the image encoder; [lesson 00](00_start_here.ipynb) shows your progress and the map.
# [Lesson 03](03_imagebind.ipynb) puts sounds into the space of this lesson, without a single pair of sound and text.
