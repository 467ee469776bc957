"""Honest solutions of lesson 02."""

import math
from collections import Counter, defaultdict
from itertools import pairwise

import torch
from torch.nn import functional as F

from mmlearn.models.clip import TextEncoder
from mmlearn.models.clip_tokenizer import join
from mmlearn.nn.attention import SelfAttention
from mmlearn.nn.contrastive import Similarity


def join_by_iterator(word, pair):
    joined, symbols = [], iter(range(len(word)))
    for index in symbols:
        if index + 1 < len(word) and word[index] == pair[0] and word[index + 1] == pair[1]:
            joined.append("".join(pair))
            next(symbols)
        else:
            joined.append(word[index])
    return tuple(joined)


def join_by_recursion(word, pair):
    if len(word) < 2:
        return tuple(word)
    if (word[0], word[1]) == pair:
        return (word[0] + word[1], *join_by_recursion(word[2:], pair))
    return (word[0], *join_by_recursion(word[1:], pair))


def join_by_stack(word, pair):
    """The symbol before is kept apart as long as it may still be the first of a pair."""
    done, waiting = [], None
    for symbol in word:
        if waiting is not None and (waiting, symbol) == tuple(pair):
            done.append(waiting + symbol)
            waiting = None
        else:
            done += [waiting] if waiting is not None else []
            waiting = symbol
    return tuple(done + ([waiting] if waiting is not None else []))


def merges_by_dictionary(words, count):
    merges = []
    while len(merges) < count:
        counts = {}
        for word, often in words.items():
            for index in range(len(word) - 1):
                pair = (word[index], word[index + 1])
                counts[pair] = counts.get(pair, 0) + often
        if counts == {}:
            return merges
        pair, _ = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[0]
        merges.append(pair)
        words = {join(word, pair): often for word, often in words.items()}
    return merges


def merges_by_lists(words, count):
    """The words as a list, joined in place; the best count first, then the smallest pair that has it."""
    texts, merges = [[word, often] for word, often in words.items()], ()
    for _ in range(count):
        counts = defaultdict(int)
        for word, often in texts:
            for pair in pairwise(word):
                counts[pair] += often
        if not counts:
            break
        most = max(counts.values())
        best = min(pair for pair, often in counts.items() if often == most)
        merges += (best,)
        for text in texts:
            text[0] = join(text[0], best)
    return merges


def merges_by_update(words, count):
    """Only the words that hold the pair are counted again."""
    words, merges = dict(words), []
    pairs = Counter()

    def add(word, often):
        for pair in pairwise(word):
            pairs[pair] += often

    for word, often in words.items():
        add(word, often)
    for _ in range(count):
        left = {pair: often for pair, often in pairs.items() if often > 0}
        if not left:
            break
        merges.append(max(sorted(left), key=left.get))
        for word in list(words):
            if (after := join(word, merges[-1])) != word:
                often = words.pop(word)
                words[after] = often
                add(word, -often)
                add(after, often)
    return merges


def apply_in_order(word, merges):
    """Each merge once, in the order of learning: what a merge makes possible was learned later."""
    for pair in merges:
        word = join(word, pair)
    return word


def apply_by_index(word, merges):
    """The leftmost place of the best pair, one at a time."""
    word = list(word)
    while True:
        found = [(merges.index(pair), i) for i, pair in enumerate(pairwise(word)) if pair in merges]
        if not found:
            return word  # a list of the symbols says the same as a tuple
        _, place = min(found)
        word[place : place + 2] = ["".join(word[place : place + 2])]


def apply_by_recursion(word, merges):
    neighbours = set(pairwise(word))
    for pair in merges:
        if pair in neighbours:
            return apply_by_recursion(join(word, pair), merges)
    return word


class CausalByTril(SelfAttention):
    def weights(self, x):
        q, k, _ = self.split(x)
        N = x.shape[1]
        scores = q @ k.mT * q.shape[-1] ** -0.5
        seen = torch.tril(torch.ones(N, N))
        return torch.softmax(scores.masked_fill(seen == 0, float("-inf")), -1)

    def forward(self, x):
        return self.out((self.weights(x) @ self.split(x)[2]).transpose(1, 2).reshape(x.shape))


class CausalByLoops(SelfAttention):
    """Token after token, each over what it has seen."""

    def weights(self, x):
        q, k, _ = self.split(x)
        N, rows = x.shape[1], []
        for n in range(N):
            scores = torch.einsum("bhd,bhnd->bhn", q[:, :, n], k[:, :, : n + 1]) / math.sqrt(q.shape[-1])
            rows.append(F.pad(scores.softmax(-1), (0, N - n - 1)))
        return torch.stack(rows, dim=2)

    def forward(self, x):
        return self.out(torch.einsum("bhnm,bhmd->bnhd", self.weights(x), self.split(x)[2]).flatten(2))


class CausalByLowNumber(SelfAttention):
    """A very low number in place of minus infinity, added; its exponential is 0 too."""

    def weights(self, x):
        q, k, _ = self.split(x)
        mask = torch.full((x.shape[1], x.shape[1]), -1e9).triu(1)
        return (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]) + mask).softmax(-1)

    def forward(self, x):
        q, k, v = self.split(x)
        return self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))


class TextByLargestToken(TextEncoder):
    """As the released code: the end is the largest token, and `argmax` takes the first of equals."""

    def forward(self, tokens):
        B, L = tokens.shape
        if self.positions.shape[0] < L:
            raise ValueError(L)
        x = self.tokens(tokens) + self.positions[torch.arange(L)]
        for index in range(len(self.blocks)):
            x = self.blocks[index](x)
        return self.norm(x)[range(B), tokens.argmax(dim=-1)]


class TextByLoops(TextEncoder):
    """Text by text, cut off behind its end: nothing behind it can be seen."""

    def forward(self, tokens):
        if tokens.size(1) > len(self.positions):
            raise ValueError("longer than the context")
        vectors = []
        for row in tokens.tolist():
            length = row.index(len(self.tokens.weight) - 1) + 1
            x = (self.tokens.weight[row[:length]] + self.positions[:length])[None]
            for block in self.blocks:
                x = block(x)
            vectors.append(x[0, -1])
        return self.norm(torch.stack(vectors))


class TextByMask(TextEncoder):
    def forward(self, tokens):
        if tokens.shape[1] > self.positions.shape[0]:
            raise ValueError("too long")
        x = torch.nn.Sequential(*self.blocks)(self.tokens(tokens) + self.positions[: tokens.shape[1]])
        ends = (tokens == self.tokens.num_embeddings - 1).cumsum(1)
        first = ((ends == 1) & (tokens == self.tokens.num_embeddings - 1)).to(x)
        return self.norm(torch.einsum("bl,bld->bd", first, x))


class SimilarityByHand(Similarity):
    def forward(self, images, texts):
        images = images / images.norm(dim=-1, keepdim=True)
        texts = texts / texts.square().sum(-1, keepdim=True).sqrt()
        return torch.einsum("be,ke->bk", images, texts) * torch.exp(self.log_scale)

    def clamp(self):
        self.log_scale.data = torch.clamp(self.log_scale.data, max=math.log(100))


class SimilarityByLoops(Similarity):
    def forward(self, images, texts):
        columns = [F.cosine_similarity(images, text[None], dim=1) for text in texts]
        return torch.stack(columns, dim=1) * self.log_scale.exp()

    @torch.no_grad()
    def clamp(self):
        if self.log_scale.exp() > 100:
            self.log_scale.copy_(torch.tensor(100.0).log())


class SimilarityByBroadcast(Similarity):
    def forward(self, images, texts):
        cosines = F.cosine_similarity(images[:, None], texts[None], dim=-1)
        return cosines * self.log_scale.exp()

    def clamp(self):
        self.log_scale.data.clamp_(max=4.605170185988092)


def loss_by_log_softmax(scores):
    B, K = scores.shape
    if B != K:
        raise ValueError(f"{B} images and {K} texts")
    texts, images = scores.log_softmax(dim=1), scores.log_softmax(dim=0)
    return -(texts.diag() + images.diag()).mean() / 2


def loss_by_loops(scores):
    if len(scores) != scores.shape[1]:
        raise ValueError("not square")
    total = 0
    for i in range(len(scores)):
        total = total + torch.logsumexp(scores[i], 0) + torch.logsumexp(scores[:, i], 0) - 2 * scores[i, i]
    return total / (2 * len(scores))


def loss_by_targets(scores):
    if scores.size(0) != scores.size(1):
        raise ValueError(scores.size())
    target = torch.eye(len(scores), dtype=scores.dtype)
    return torch.stack([F.cross_entropy(scores, target), F.cross_entropy(scores.mT, target)]).mean()


def vectors_by_norms(texts):
    directions = texts / texts.norm(dim=-1, keepdim=True)
    mean = torch.einsum("kpe->ke", directions) / texts.shape[1]
    return mean / mean.norm(dim=-1, keepdim=True)


def vectors_by_sums(texts):
    """The sum points where the mean does."""
    return F.normalize(sum(F.normalize(text, dim=-1) for text in texts.unbind(1)), dim=-1)


def vectors_by_loops(texts):
    rows = []
    for group in texts:
        mean = torch.stack([text / text.square().sum().sqrt() for text in group]).mean(0)
        rows.append(mean / mean.norm())
    return torch.stack(rows)


VARIANTS = {
    "clip.join": (join_by_iterator, join_by_recursion, join_by_stack),
    "clip.merges": (merges_by_dictionary, merges_by_lists, merges_by_update),
    "clip.apply": (apply_in_order, apply_by_index, apply_by_recursion),
    "clip.causal": (CausalByTril, CausalByLoops, CausalByLowNumber),
    "clip.text": (TextByLargestToken, TextByLoops, TextByMask),
    "clip.similarity": (SimilarityByHand, SimilarityByLoops, SimilarityByBroadcast),
    "clip.loss": (loss_by_log_softmax, loss_by_loops, loss_by_targets),
    "clip.zero-shot": (vectors_by_norms, vectors_by_sums, vectors_by_loops),
}
