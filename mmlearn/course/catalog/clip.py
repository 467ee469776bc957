"""Lesson 02: CLIP."""

import math
import re
import traceback
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from mmlearn.course.answer import Answer
from mmlearn.course.catalog.vit import BLOCK, DEPTH, SELF_ATTENTION, energy, record_attention
from mmlearn.course.exercise import Exercise, Property
from mmlearn.course.judge import describe
from mmlearn.course.probe import Case, Misuse

TEXT = (
    *("tokens.weight", "positions", "norm.weight", "norm.bias"),
    *(f"blocks.{index}.{name}" for index in range(DEPTH) for name in BLOCK),
)
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


# --- words and merges -------------------------------------------------------------------------------------------------


def letters(case: Case, count: int) -> list[str]:
    """So many different letters, in the order of the alphabet."""
    left = list(ALPHABET)
    return sorted(left.pop(case.integer(0, len(left) - 1)) for _ in range(count))


def word_of(*symbols: str) -> tuple[str, ...]:
    """A word as `symbols` of the lesson gives it: its last symbol is marked."""
    return (*symbols[:-1], f"{symbols[-1]}</w>")


def spelled(word: object) -> str:
    """A word as a text to compare and to read: its symbols with spaces between them. A list is as good as a tuple.

    Raises:
        Misuse: it is no word.
    """
    kind = "not a word"
    if not isinstance(word, (tuple, list)):
        raise Misuse(kind, f"a word is a tuple of symbols, such as ('c', 'at</w>'); got {describe(word)}")
    for symbol in word:
        if not isinstance(symbol, str):
            raise Misuse(kind, f"each symbol is a text; one of yours is {symbol!r}")
        if not symbol or " " in symbol:
            raise Misuse(kind, f"no symbol is empty or has a space in it; one of yours is {symbol!r}")
    return " ".join(word)


def listed(merges: object) -> list[str]:
    """A list of merges as texts: the two symbols of each with a space between them.

    Raises:
        Misuse: it is no list of pairs.
    """
    kind = "not a list of pairs"
    if not isinstance(merges, (tuple, list)):
        raise Misuse(kind, f"merges are a list such as [('a', 't</w>'), ('c', 'at</w>')]; got {describe(merges)}")
    for pair in merges:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise Misuse(kind, f"each merge is a pair, a tuple of the two symbols; one of yours is {pair!r}")
        spelled(pair)
    return [" ".join(pair) for pair in merges]


def probe_join(join, case: Case) -> None:
    """Words of letters that the seed chooses; what is recorded shows the word, the pair and the result."""
    a, b, c, d = letters(case, 4)

    def joined(pair: tuple[str, str], *words: tuple[str, ...]) -> str:
        lines = (f"the word {' '.join(word)}\t{spelled(case.call(join, word, pair))}" for word in words)
        return "\n".join(f"with the pair {' '.join(pair)}, {line}" for line in lines)

    def kind(word: tuple[str, ...], pair: tuple[str, str]) -> str:
        joined = case.call(join, word, pair)
        spelled(joined)
        return type(joined).__name__

    case.record("joined", lambda: joined((a, b), (a, b, c, a, b, d, a, b), (d, a, b, a, b)))
    case.record("last", lambda: joined((b, c), (a, b, c, d), (b, c, d)))
    case.record("left", lambda: joined((c, c), (c, c, c), (a, c, c, c, c, c, b)))
    case.record("whole", lambda: joined((c, d), (a + c, d, c, d, c, d + "</w>"), (c, d + b, c, d)))
    case.record("order", lambda: joined((d, a), (a, d, b, d, a), (d, a, d, b)))
    # Neither in it; in it only across a symbol; a word of one symbol that spells the pair.
    case.record("kept", lambda: joined((a, d), (b, c, b), (a, b, d), (a + d,), (d, a)))
    case.record("tuple", lambda: kind((a, b, c), (a, b)))


def probe_merges(learn_merges, case: Case) -> None:
    """Small texts of letters that the seed chooses, each made so that one mistake shows in it.

    Words come as `symbols` of the lesson gives them, so no two words can become the same by a merge.
    """
    a, b, c, d, e, f = letters(case, 6)
    times = case.integer(2, 9)

    def learned(count: int, words: dict[tuple[str, ...], int]) -> str:
        merges = listed(case.call(learn_merges, Counter(words), count))
        told = ", ".join(f"{often} × {' '.join(word)}" for word, often in words.items())
        return f"from {told}\t{', '.join(merges) or 'no merges'}"

    text = some_words(case, [a, c, d, f])
    case.record("merges", lambda: "\n".join(listed(case.call(learn_merges, Counter(text), 10))))
    # The first pair stands in one word that is frequent, the other in three that are rare.
    rare = {word_of(c, d, e): 1, word_of(f, c, d, b): times, word_of(c, d, a): 1}
    case.record("weighted", lambda: learned(1, rare | {word_of(a, b): times + 3}))
    often = {word_of(a, b, c, a, b, d): times, word_of(e, f): times + 1}
    runs = {word_of(c, c, c, b): times, word_of(e, f): times + 1}
    case.record("repeats", lambda: f"{learned(1, often)}\n{learned(1, runs)}")
    # Neither the first seen nor the last by the alphabet comes first by it.
    alike = {word_of(c, b): times, word_of(b, f): times, word_of(b, a): times, word_of(f, d): times}
    # After a b two pairs are alike: a c and ab a. Their first symbols decide, not the joined texts.
    later = {word_of(a, b, a): times + 2, word_of(a, c): times + 2, word_of(a, b, d): times}
    case.record("ties", lambda: f"{learned(3, alike)}\n{learned(2, later)}")
    chain = {word_of(a, b, c, d): 10 * times, word_of(a, b, f): 3 * times, word_of(e, c, d): 2 * times}
    case.record("recount", lambda: learned(3, chain))
    few = {word_of(d, e): times, word_of(f): 9, word_of(a, b): 1}
    case.record("all", lambda: learned(times, few) + "\n" + learned(10, few))


def some_words(case: Case, four: list[str]) -> dict[tuple[str, ...], int]:
    """A dozen words of these letters with repeated neighbours, equal counts and one word of one symbol."""
    words = {word_of(four[0]): 5, word_of(*3 * [four[1]]): 2}
    while len(words) < 12:
        drawn = [four[case.integer(0, 3)] for _ in range(case.integer(2, 6))]
        words.setdefault(word_of(*drawn), case.integer(1, 6))
    return words


def probe_apply(apply_merges, case: Case) -> None:
    """Merges as they can be learned: each joins symbols that are there already, and no two give the same symbol."""
    a, b, c, d, e, f = letters(case, 6)

    def applied(merges: list[tuple[str, str]], *words: tuple[str, ...]) -> str:
        told = ", ".join(" ".join(pair) for pair in merges)
        lines = (f"the word {' '.join(word)}\t{spelled(case.call(apply_merges, word, merges))}" for word in words)
        return "\n".join(f"with {f'the merges {told}' if told else 'no merges'}, {line}" for line in lines)

    merges = some_merges(case, [a, b, c, d])
    words = [word_of(*some_text(case, merges)) for _ in range(5)]
    case.record("tokens", lambda: applied(merges, *words))
    # The earlier merge takes a symbol from the later one: in the middle of the word, and before it.
    case.record("order", lambda: applied([(b, c), (c, d), (a, b)], (a, b, c), (d, b, c, d, a, b)))
    case.record("on", lambda: applied([(a, b), (c, d), (a + b, c + d)], (a, b, c, d), (a, b, c, d, a)))
    case.record("every", lambda: applied([(a, b), (c, c)], (a, b, d, a, b, c, a, b), (c, c, c, c, c)))
    # A long token that the order of the merges never reaches, and one that it does.
    long = [(b, c), (a, b), (a + b, c), (e, f), (d, e + f), (d, e)]
    # The longest pair stands behind the one that was learned first.
    behind = [(c, d), (a, b), (b, c + d)]
    case.record(
        "long",
        lambda: f"{applied(long, (a, b, c), (d, e, f))}\n{applied(behind, (a, b, c + d), (a, b, c, a, b, c + d))}",
    )
    case.record("pair", lambda: applied([(d, a), (b, c)], (b, c), (d, a)))
    case.record(
        "kept",
        lambda: "\n".join(
            [applied([(a, b)], (b, a, c), (a + b,), (d,)), applied([], (a, b, c)), applied([(c, d)], (d, c, b, d))]
        ),
    )


def some_merges(case: Case, symbols: list[str]) -> list[tuple[str, str]]:
    """Twenty merges; half of the second symbols end a word."""
    symbols, merges, known = list(symbols), [], set()
    ends = [f"{symbol}</w>" for symbol in symbols]
    while len(merges) < 20:
        seconds = ends if case.integer(0, 1) else symbols
        first, second = symbols[case.integer(0, len(symbols) - 1)], seconds[case.integer(0, len(seconds) - 1)]
        if first + second in known or len(first + second) > 8:
            continue
        known.add(first + second)
        merges.append((first, second))
        seconds.append(first + second)
    return merges


def some_text(case: Case, merges: list[tuple[str, str]]) -> str:
    """A text in which merges apply: what two of them join, and one letter more."""
    drawn = ["".join(merges[case.integer(0, len(merges) - 1)]) for _ in range(2)]
    return drawn[0].removesuffix("</w>") + drawn[1][0] + drawn[1].removesuffix("</w>")


# --- the text encoder -------------------------------------------------------------------------------------------------


def probe_causal(Attention, case: Case) -> None:
    """Two texts of 5 to 8 tokens, 3 heads of width 4. No constant knows how long a text is."""
    attention = case.fill(Attention(12, 3), SELF_ATTENTION)
    weights = record_attention(case, attention, case.randn(2, case.integer(5, 8), 12))
    case.derive("seen", weights, lambda w_BHNn: w_BHNn > 0)


def probe_text(TextEncoder, case: Case) -> None:
    """Texts of up to 9 tokens from a vocabulary of 20, so 19 is the end; 2 blocks of 3 heads."""
    end, context = 19, 9
    encoder = case.fill(TextEncoder(end + 1, context, 12, DEPTH, 3), TEXT)

    def texts(*counts: int, length: int, behind: Callable[[], int] = lambda: end) -> Tensor:
        """Texts of so many words: 18, the words, the end, and what fills them up."""
        rows = [[18, *(case.integer(0, 17) for _ in range(count)), end] for count in counts]
        return torch.tensor([row + [behind() for _ in range(length - len(row))] for row in rows])

    def read(encoder, tokens_BL: Tensor) -> Tensor:
        return wordless(lambda: case.call(encoder, tokens_BL), ValueError)

    some_BL = texts(2, 5, 1, 3, length=7)
    case.record("forward", lambda: read(encoder, some_BL))
    whole_BL = texts(7, 7, 7, length=context)
    case.record("whole", lambda: read(encoder, whole_BL))
    # Whatever stands behind the first end: words, and among them one more end.
    other_BL = texts(1, 3, 0, 2, length=7, behind=lambda: case.integer(0, 17))
    other_BL[:, -2] = end
    case.record("behind", lambda: read(encoder, other_BL))
    case.record("learns", lambda: case.learning(encoder, energy(read(encoder, whole_BL))))
    long_BL = texts(8, 8, length=context + 1)
    case.record("refuses", lambda: wordless(lambda: case.call(encoder, long_BL), AssertionError))
    bare = case.fill(TextEncoder(end + 1, context, 12, 0, 3), TEXT[:4])
    case.record("bare", lambda: read(bare, texts(2, 5, 1, 3, length=7)))
    unplaced = case.fill(TextEncoder(end + 1, context, 12, DEPTH, 3), TEXT)
    unplaced.positions.data.zero_()
    case.record("blocks", lambda: read(unplaced, whole_BL))
    encoder.double()
    case.record("dtype", lambda: read(encoder, whole_BL))


def wordless(call: Callable[[], Tensor], kind: type[Exception]) -> Tensor:
    """Make a call. What a `raise` or `assert` of this kind says is left out, as every solution words it differently.

    Then two solutions that refuse the same make the same mistake. An error that Python itself raises keeps its words.
    """
    try:
        return call()
    except kind as error:
        line = traceback.extract_tb(error.__traceback__)[-1].line or ""
        if re.search(r"\b(raise|assert)\b", line):
            error.args = ()
        raise


# --- scores, loss, zero-shot ------------------------------------------------------------------------------------------

LARGEST = math.log(100)


def probe_similarity(Similarity, case: Case) -> None:
    """Four images and five texts in a space of 6 numbers."""
    similarity = case.fill(Similarity(), ("log_scale",))
    similarity.log_scale.data.abs_().add_(0.5)  # a scale well above 1
    image_BE, text_KE = case.randn(4, 6), case.randn(5, 6)
    scores = case.record("scores", lambda: case.call(similarity, image_BE, text_KE))
    case.derive("cosines", scores, lambda s_BK: s_BK / s_BK.norm())  # blind to the scale
    unit_BE = F.normalize(case.randn(4, 6), dim=1)
    case.record("scale", lambda: case.call(similarity, unit_BE, unit_BE))  # blind to forgotten lengths
    case.record("above", lambda: scores_above(case.fill(Similarity(), ("log_scale",)), unit_BE, case))
    case.record("image_gradient", lambda: case.gradient(lambda i: energy(similarity(i, text_KE)), image_BE))
    case.record("text_gradient", lambda: case.gradient(lambda t: energy(similarity(image_BE, t)), text_KE))
    case.record("learns", lambda: case.learning(similarity, energy(case.call(similarity, image_BE, text_KE))))
    similarity.double()
    case.record("dtype", lambda: case.call(similarity, image_BE.double(), text_KE.double()))

    def clamped(*starts: float) -> Tensor:
        """The logarithm of the scale after `clamp`, from each of these."""
        found = []
        for start in starts:
            one = case.fill(Similarity(), ("log_scale",))
            one.log_scale.data.fill_(start)
            case.call(one.clamp)
            found.append(one.log_scale.detach().clone())
        return torch.stack(found)

    a, b, c, d, e = (0.1 + case.randn(5).abs()).tolist()
    case.record("clamped", lambda: clamped(LARGEST + a, 100 + b))  # 100 is no bound of the logarithm
    case.record("kept", lambda: clamped(LARGEST - c / 10, d, -e))
    case.record("same", lambda: left_of_parameter(case.fill(Similarity(), ("log_scale",)), case))


def scores_above(similarity, unit_BE: Tensor, case: Case) -> Tensor:
    """The scores at a scale above the largest.

    Raises:
        Misuse: the scale is another one after them.
    """
    similarity.log_scale.data.abs_().add_(LARGEST)
    before = similarity.log_scale.item()
    scores_BB = case.call(similarity, unit_BE, unit_BE)
    if similarity.log_scale.item() != before:
        raise Misuse("changed the scale", "`self.log_scale` holds another number after `forward`")
    return scores_BB


def left_of_parameter(similarity, case: Case) -> str:
    """What the parameter is after `clamp`."""
    before = similarity.log_scale
    before.data.fill_(LARGEST + 1)
    case.call(similarity.clamp)
    after = getattr(similarity, "log_scale", None)
    if after is not before:
        return f"another object, {describe(after)}"
    return "the same parameter, which learns" if after.requires_grad else "the same parameter, which no longer learns"


def probe_loss(symmetric_loss, case: Case) -> None:
    """Five images and their texts."""
    scores_BB = 2 * case.randn(5, 5)
    case.record("loss", lambda: case.call(symmetric_loss, scores_BB))
    # Here rows and columns hold the same numbers, so either direction alone gives the loss.
    case.record("mirrored", lambda: case.call(symmetric_loss, scores_BB + scores_BB.T))
    case.record("gradient", lambda: case.gradient(symmetric_loss, scores_BB))
    case.record("dtype", lambda: case.call(symmetric_loss, scores_BB.double() + scores_BB.double().T))
    large_BB = 3e3 * case.randn(5, 5).double()
    case.record("stable", lambda: case.call(symmetric_loss, large_BB + large_BB.T))
    wide_BK, tall_BK = case.randn(4, 6), case.randn(6, 4)
    case.record("refuses_wide", lambda: wordless(lambda: case.call(symmetric_loss, wide_BK), AssertionError))
    case.record("refuses_tall", lambda: wordless(lambda: case.call(symmetric_loss, tall_BK), AssertionError))


def probe_zero_shot(class_vectors, case: Case) -> None:
    """Three classes, four wordings of each, a space of 5 numbers."""
    lengths_KW1 = 0.1 + 4 * case.randn(3, 4, 1).abs()
    texts_KWE = lengths_KW1 * F.normalize(case.randn(3, 4, 5), dim=2)
    unit_KWE = F.normalize(case.randn(3, 4, 5), dim=2)
    weights_KE = case.randn(3, 5)
    vectors = case.record("vectors", lambda: case.call(class_vectors, texts_KWE))
    case.derive("direction", vectors, lambda v_KE: F.normalize(v_KE, dim=1))  # blind to the length of the result
    case.record("unit", lambda: case.call(class_vectors, unit_KWE))  # blind to a forgotten first step
    # A sum of squares would be 1 for every class: nothing to follow.
    case.record("gradient", lambda: case.gradient(lambda t: (weights_KE * class_vectors(t)).sum(), texts_KWE))
    case.record("dtype", lambda: case.call(class_vectors, unit_KWE.double()))


EXERCISES = [
    Exercise(
        slug="clip.join",
        lesson="02",
        name="join",
        title="Join a pair of symbols",
        difficulty=2,
        minutes=10,
        points=2,
        hints=(
            "Go through the word with an index. At each place either the pair begins here, or one symbol is taken over "
            "as it is. By how much does the index grow in each case?",
            "`while index < len(word)`: a slice `word[index : index + 2]` is a tuple too and can be compared with "
            "`pair`; at the last symbol it is shorter and differs. Where it is the pair, append `pair[0] + pair[1]` "
            "and go on two places further.",
            "`joined, index = [], 0`, then `while index < len(word):` `if word[index : index + 2] == pair:` "
            "`joined.append(pair[0] + pair[1]); index += 2`, `else:` `joined.append(word[index]); index += 1`; at last "
            "`return tuple(joined)`.",
        ),
        properties=(
            Property("joined", "every such pair of neighbours is joined, wherever it stands", weight=2),
            Property("last", "a last symbol that is in no pair is there too"),
            Property("left", "in a row of equal symbols, pairs are joined from the left"),
            Property("whole", "only whole symbols count: a symbol that ends or begins alike is another one"),
            Property("order", "the same two symbols the other way round are another pair"),
            Property("kept", "a word without the pair stays as it is, one of a single symbol too", needs="joined"),
            Property("tuple", "the result is a tuple", needs="joined"),
        ),
        inputs="words of two to eight symbols, such as `('a', 'b', 'c', 'a', 'b')` with the pair `('a', 'b')`",
        reference_path="mmlearn.models.clip_tokenizer:join",
        uses=("pairwise",),
        trial=probe_join,
    ),
    Exercise(
        slug="clip.merges",
        lesson="02",
        name="learn_merges",
        title="Learn merges from texts",
        difficulty=3,
        minutes=30,
        points=5,
        hints=(
            "Three steps, repeated `count` times: count all pairs of neighbours, choose one, join it in every word. "
            "The next round counts in the joined words.",
            "`zip(word, word[1:])` gives the pairs of a word, one for each place. Add `often` to the count of each, "
            "not 1. The best pair is `min(pairs, key=lambda pair: (-pairs[pair], pair))`: the highest count first, "
            "then the alphabet.",
            "Each round: `pairs = Counter()`; `for word, often in words.items(): for pair in zip(word, word[1:]): "
            "pairs[pair] += often`; `if not pairs: break`; choose `best` and append it; "
            "`words = {join(word, best): often for word, often in words.items()}`, which is a new dictionary.",
        ),
        properties=(
            Property("merges", "from a dozen words, the right ten merges in the right order", weight=2),
            Property("weighted", "a pair counts as often as its words stand in the texts"),
            Property("repeats", "a pair counts at every place where it stands in a word"),
            Property("ties", "of pairs that are equally frequent the first by the alphabet is taken"),
            Property("recount", "after each merge the pairs are counted anew, in the joined words"),
            Property("all", "it ends after `count` merges, or where nothing is left to join"),
        ),
        inputs="a `Counter` of two to twelve words, such as `{('a', 'b', 'c</w>'): 3, ('b', 'c</w>'): 5}`",
        reference_path="mmlearn.models.clip_tokenizer:learn_merges",
        needs=("clip.join",),
        uses=("Counter", "pairwise"),
        trial=probe_merges,
    ),
    Exercise(
        slug="clip.apply",
        lesson="02",
        name="apply_merges",
        title="Cut a word into tokens",
        difficulty=3,
        minutes=15,
        points=3,
        hints=(
            "The rank of a pair is its place among the merges. Which pair of the word has the lowest? Join it with "
            "`join`, then look again, for the word has other pairs now.",
            "`ranks = {pair: rank for rank, pair in enumerate(merges)}` answers quickly. A pair that was never learned "
            "must come after all others: `ranks.get(pair, len(ranks))`. End when the best pair is not in `ranks`, or "
            "when one symbol is left.",
            "`while len(word) > 1:` `best = min(zip(word, word[1:]), key=lambda pair: ranks.get(pair, len(ranks)))`, "
            "`if best not in ranks: break`, `word = join(word, best)`. Return `word`.",
        ),
        properties=(
            Property("tokens", "five words are cut into the right tokens by twenty merges", weight=2),
            Property("order", "the pair that was learned first is joined first, wherever it stands"),
            Property("on", "what was joined is joined further"),
            Property("every", "a pair is joined at all of its places"),
            Property("long", "the order of the merges decides, not the length of a token"),
            Property("pair", "a word of two symbols can be joined too"),
            Property("kept", "a word without a learned pair stays as it is", needs="tokens"),
        ),
        inputs="words of one to eight symbols and up to twenty merges, such as `[('a', 'b'), ('ab', 'c</w>')]`",
        reference_path="mmlearn.models.clip_tokenizer:apply_merges",
        uses=("pairwise",),
        needs=("clip.join",),
        trial=probe_apply,
    ),
    Exercise(
        slug="clip.causal",
        lesson="02",
        name="CausalSelfAttention",
        title="Attention that looks back",
        difficulty=2,
        minutes=15,
        points=3,
        hints=(
            "The scores are those of lesson 01. Before the softmax, the scores of tokens that come later must become "
            "so low that their weight is exactly 0.",
            "A row looks, a column is looked at: later tokens stand right of the diagonal. "
            "`torch.ones(N, N, dtype=torch.bool).triu(1)` is true there, and `masked_fill(..., -math.inf)` puts minus "
            "infinity in.",
            "`weights`: `q_BHNd, k_BHNd, _ = self.split(x_BND)`, scores, mask, `softmax(dim=-1)`. `forward`: "
            "`y_BHNd = self.weights(x_BND) @ v_BHNd`, then `self.out(y_BHNd.transpose(1, 2).flatten(2))`.",
        ),
        properties=(
            Property("weights", "the weights are a softmax over the token itself and those before it", weight=2),
            Property("seen", "no weight goes to a later token, and some to every other"),
            Property("stable", "the weights are right for scores in the thousands, in float64"),
            Property("forward", "the output mixes the values by these weights, joins the heads and projects", weight=2),
            Property("gradient", "the gradient at the tokens is right, through weights and values"),
            Property("learns", "a gradient of the right size reaches every parameter, through both methods"),
            Property("dtype", "float64 tokens and weights give the same in float64"),
        ),
        inputs="`CausalSelfAttention(dim=12, heads=3)` and `x_BND` of shape [2, N, 12] with N from 5 to 8",
        reference_path="mmlearn.nn.attention:CausalSelfAttention",
        uses=("SelfAttention",),
        methods=("weights", "forward"),
        trial=probe_causal,
    ),
    Exercise(
        slug="clip.text",
        lesson="02",
        name="TextEncoder",
        title="The text encoder",
        difficulty=3,
        minutes=25,
        points=4,
        hints=(
            "Follow the shapes: tokens [B, L], embedded [B, L, D], the same after every block, one vector of each text "
            "[B, D], the same normalised. A text of L tokens takes the first L positions.",
            "`(tokens_BL == self.end).int().argmax(dim=1)` is the place of the first end in each text: `argmax` takes "
            "the first of equal values.",
            "`x_BLD = self.tokens(tokens_BL) + self.positions[:L]`, then the blocks in a loop, then "
            "`return self.norm(x_BLD[torch.arange(B), place_B])`. Before all this, raise a `ValueError` if L is larger "
            "than `len(self.positions)`.",
        ),
        properties=(
            Property("forward", "a text filled up with the end token is read at its first end", weight=2),
            Property("whole", "a text as long as the context is read at its end"),
            Property("behind", "whatever stands behind the first end changes nothing"),
            Property("bare", "without blocks: token and position of the end, summed and normalised"),
            Property("blocks", "with positions of zero: all blocks are run, in order"),
            Property("learns", "a gradient of the right size reaches every parameter, tokens and positions too"),
            Property("dtype", "float64 weights give float64"),
            Property("refuses", "a text longer than the context raises a ValueError", needs="forward"),
        ),
        inputs="`TextEncoder(vocabulary=20, context=9, dim=12, depth=2, heads=3)` and `tokens_BL` of shape [4, 7], "
        "where 19 is the end",
        reference_path="mmlearn.models.clip:TextEncoder",
        needs=("clip.causal",),
        uses=("PreNormBlock", "QuickGELU"),
        methods=("forward",),
        trial=probe_text,
    ),
    Exercise(
        slug="clip.similarity",
        lesson="02",
        name="Similarity",
        title="Scores of images and texts",
        difficulty=2,
        minutes=15,
        points=3,
        hints=(
            "The cosine of two vectors is the dot product of both after each was brought to length 1. One product of "
            "two matrices gives the dot products of all images with all texts.",
            "`F.normalize(image_BE, dim=1)` brings each row to length 1. `self.log_scale` is a logarithm: the scale is "
            "`self.log_scale.exp()`. In `clamp`, the logarithm of 100 is the bound.",
            "`forward`: `self.log_scale.exp() * F.normalize(image_BE, dim=1) @ F.normalize(text_KE, dim=1).T`. "
            "`clamp`: `with torch.no_grad():` `self.log_scale.clamp_(max=math.log(100))`.",
        ),
        properties=(
            Property("scores", "a score is the scale times the cosine, a row for each image", weight=2),
            Property("cosines", "up to one common factor, the scores are cosines"),
            Property("scale", "for vectors of length 1, the score of one with itself is the scale"),
            Property("image_gradient", "the gradient at the images is right"),
            Property("text_gradient", "the gradient at the texts is right"),
            Property("learns", "a gradient of the right size reaches `log_scale`"),
            Property("above", "`forward` uses a scale above 100 as it is; to bound it is left to `clamp`"),
            Property("dtype", "float64 vectors and scale give the same in float64"),
            # Each needs the other: doing nothing keeps a smaller scale, and 100 can be guessed.
            Property("clamped", "`clamp` brings a scale above 100 down to 100", needs="kept"),
            Property("kept", "`clamp` leaves a smaller scale as it is", needs="clamped"),
            Property("same", "after `clamp` the parameter is the same object and still learns", needs="clamped"),
        ),
        inputs="`Similarity()`, `image_BE` of shape [4, 6] and `text_KE` of shape [5, 6]",
        reference_path="mmlearn.nn.contrastive:Similarity",
        methods=("forward", "clamp"),
        trial=probe_similarity,
    ),
    Exercise(
        slug="clip.loss",
        lesson="02",
        name="symmetric_loss",
        title="The loss, both ways",
        difficulty=2,
        minutes=15,
        points=3,
        hints=(
            "Read a row as the scores of a classifier: which of the B texts belongs to this image? The right answer of "
            "row i is column i. A column asks the same of a text.",
            "`F.cross_entropy(scores, classes)` reads each row as scores and takes the mean over rows. The classes are "
            "0, 1, 2 and so on: `torch.arange(B)`. For the columns, turn the matrix: `scores_BB.T`.",
            "`(F.cross_entropy(scores_BB, partner_B) + F.cross_entropy(scores_BB.T, partner_B)) / 2`. Before it, raise "
            "a `ValueError` if `scores_BB.shape[0] != scores_BB.shape[1]`.",
        ),
        properties=(
            Property("loss", "the loss is the mean of both cross-entropies", weight=2),
            Property("mirrored", "where rows and columns hold the same numbers, the loss is right"),
            Property("gradient", "the gradient at the scores is right"),
            Property("dtype", "float64 scores give the same in float64"),
            Property("stable", "the loss is right for scores whose `exp` overflows, in float64"),
            Property("refuses_wide", "more texts than images raise a ValueError", needs="loss"),
            Property("refuses_tall", "more images than texts raise a ValueError", needs="loss"),
        ),
        inputs="`scores_BB` of shape [5, 5]",
        reference_path="mmlearn.nn.contrastive:symmetric_loss",
        trial=probe_loss,
    ),
    Exercise(
        slug="clip.zero-shot",
        lesson="02",
        name="class_vectors",
        title="A classifier made of words",
        difficulty=1,
        minutes=10,
        points=2,
        hints=(
            "Only directions count: a cosine does not see lengths. So each vector is brought to length 1 first, and so "
            "is the mean, which is shorter than 1.",
            "`F.normalize(..., dim=2)` for the wordings [K, W, E], the mean over `dim=1`, then `F.normalize` over the "
            "last axis of [K, E].",
            "`F.normalize(F.normalize(texts_KWE, dim=2).mean(dim=1), dim=1)`",
        ),
        properties=(
            Property("vectors", "each class has the mean direction of its wordings, of length 1", weight=2),
            Property("direction", "the directions are right"),
            Property("unit", "texts of length 1 give the right vectors"),
            Property("gradient", "the gradient at the texts is right"),
            Property("dtype", "float64 texts give the same in float64"),
        ),
        inputs="`texts_KWE` of shape [3, 4, 5]",
        reference_path="mmlearn.models.clip:class_vectors",
        trial=probe_zero_shot,
    ),
]

ANSWERS = [
    Answer(
        slug="clip.flexibility",
        lesson="02",
        title="What words can do that numbers cannot",
        points=4,
        minutes=10,
        rubric=(
            (1, "How the two compare at naming concepts of a fixed list, and that this is not what flexible means"),
            (1, "What each of them can do with a concept that no training showed, and by which part of the model"),
            (1, "What the linear probes say about where the flexibility is: in the vectors of pictures or elsewhere"),
            (1, "A kind of label, a language or a kind of picture where it ends here, and the result that shows it"),
        ),
    ),
]
