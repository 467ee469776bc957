"""CLIP's tokenizer: a text as numbers, by byte-pair encoding.

Sennrich et al. 2016 (arXiv:1508.07909), algorithm 1; over bytes, as in GPT-2 (Radford et al. 2019, section 2.2) and in
CLIP (arXiv:2103.00020, section 2.4).

A text is put in lower case and cut into words. The bytes of a word are its first symbols; the last one is marked with
`</w>`. Merges, in the order in which they were learned, join neighbouring symbols into longer ones. What is left are
the tokens. Every text can be written, because every byte is a symbol.

Departures from the released code
    same: bytes as printable signs, `</w>`, the pattern that cuts words, the order of the vocabulary, start and end.
    simplified: a text is normalised by Unicode's NFC and its spaces are joined; the released code also repairs
        wrongly decoded text and HTML entities.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor

Word = tuple[str, ...]  # the symbols of a word
Pair = tuple[str, str]

END_OF_WORD = "</w>"
START, END = "<|startoftext|>", "<|endoftext|>"
# Start and end, English endings behind an apostrophe, letters, one digit at a time, other signs.
WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"


@lru_cache
def byte_signs() -> dict[int, str]:
    """A printable sign for each of the 256 bytes: itself where it is one, else one from beyond U+0100."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    signs = {byte: chr(byte) for byte in printable} | {byte: chr(256 + index) for index, byte in enumerate(others)}
    return signs  # printable bytes first: the order of CLIP's vocabulary


def clean(text: str) -> str:
    """Lower case, composed accents (NFC), one space where there were several."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def cut(text: str) -> list[str]:
    """The words of a text: runs of letters, single digits, runs of other signs."""
    import regex

    return regex.findall(WORDS, clean(text), regex.IGNORECASE)


def symbols(word: str) -> Word:
    """The first symbols of a word, one a byte, the last one marked: `"cat"` gives `("c", "a", "t</w>")`."""
    signs = [byte_signs()[byte] for byte in word.encode()]
    return (*signs[:-1], signs[-1] + END_OF_WORD)


def count_words(texts: Sequence[str]) -> Counter[Word]:
    """How often each word stands in the texts, as symbols."""
    return Counter(symbols(word) for text in texts for word in cut(text))


def learn_merges(words: Mapping[Word, int], count: int) -> list[Pair]:
    """Learn byte-pair merges: again and again, join the most frequent pair of neighbouring symbols.

    Args:
        words: how often each word stands in the training texts.
        count: merges to learn; fewer come back where nothing is left to join.

    Returns:
        The pairs in the order in which they were joined. Of equally frequent pairs the first by the alphabet is taken.

    Source: Sennrich et al., algorithm 1.
    """
    merges: list[Pair] = []
    for _ in range(count):
        pairs: Counter[Pair] = Counter()
        for word, often in words.items():
            for pair in pairwise(word):
                pairs[pair] += often
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        joined: Counter[Word] = Counter()
        for word, often in words.items():
            joined[join(word, best)] += often
        words = joined
    return merges


def join(word: Word, pair: Pair) -> Word:
    """The word with every such pair of neighbours joined, from the left."""
    joined, index = [], 0
    while index < len(word):
        if word[index : index + 2] == pair:
            joined.append(word[index] + word[index + 1])
            index += 2
        else:
            joined.append(word[index])
            index += 1
    return tuple(joined)


def apply_merges(word: Word, merges: Sequence[Pair]) -> Word:
    """The tokens of a word: of the pairs in it, join the one that was learned first, until none is left.

    Args:
        word: its symbols, as `symbols` gives them.
        merges: pairs in the order in which they were learned.
    """
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    return _merged(word, ranks)


def _merged(word: Word, ranks: Mapping[Pair, int]) -> Word:
    while len(word) > 1:
        best = min(pairwise(word), key=lambda pair: ranks.get(pair, len(ranks)))
        if best not in ranks:
            break
        word = join(word, best)
    return word


class Tokenizer:
    """Texts to rows of token numbers, and back.

    The numbers: 256 bytes, 256 bytes at the end of a word, one for each merge, start of text, end of text.

    Args:
        merges: pairs in the order in which they were learned.
        context: L, the length of a row.
    """

    def __init__(self, merges: Sequence[Pair], context: int = 77) -> None:
        if context < 2:
            raise ValueError(f"a text needs room for its start and its end; context is {context}")
        self.merges, self.context = [tuple(pair) for pair in merges], context
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        signs = list(byte_signs().values())
        names = [*signs, *(sign + END_OF_WORD for sign in signs), *("".join(pair) for pair in self.merges), START, END]
        self.names = names
        self.numbers = {name: number for number, name in enumerate(names)}
        self._known: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self.names)

    @property
    def start(self) -> int:
        """The start-of-text token."""
        return len(self.names) - 2

    @property
    def end(self) -> int:
        """The end-of-text token."""
        return len(self.names) - 1

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, without start and end."""
        return [number for word in cut(text) for number in self._word(word)]

    def _word(self, word: str) -> list[int]:
        if word not in self._known:
            special = word in (START, END)
            tokens = (word,) if special else _merged(symbols(word), self.ranks)
            self._known[word] = [self.numbers[token] for token in tokens]
        return self._known[word]

    def decode(self, numbers: Sequence[int]) -> str:
        """The text of these tokens, with a space behind each word; start, end and what follows the end are left out."""
        text, bytes_of = "", {sign: byte for byte, sign in byte_signs().items()}
        for number in numbers:
            if number == self.end:
                break
            text += self.names[number] if number != self.start else ""
        words = [bytes(bytes_of[sign] for sign in word) for word in text.split(END_OF_WORD)]
        return " ".join(word.decode(errors="replace") for word in words).strip()

    def __call__(self, texts: str | Sequence[str]) -> Tensor:
        """Rows `[B, L]` of start, tokens and end, filled up with the end. A text too long loses its last tokens."""
        rows = []
        for text in [texts] if isinstance(texts, str) else texts:
            row = [self.start, *self.encode(text)[: self.context - 2], self.end]
            rows.append(row + [self.end] * (self.context - len(row)))
        return torch.tensor(rows, dtype=torch.long)
