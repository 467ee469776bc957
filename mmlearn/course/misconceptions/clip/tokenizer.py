"""Byte-pair encoding."""

from collections import Counter
from itertools import pairwise

from mmlearn.course.misconceptions import Collection
from mmlearn.models.clip_tokenizer import join

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


# --- clip.join --------------------------------------------------------------------------------------------------------


def places(word, pair):
    """Where the pair begins, overlapping places too."""
    return [index for index in range(len(word) - 1) if word[index : index + 2] == pair]


@of("clip.join", "You joined the first such pair and stopped. Go on through the whole word: the pair may come again.")
def first_only(word, pair):
    for index in places(word, pair)[:1]:
        return (*word[:index], pair[0] + pair[1], *word[index + 2 :])
    return word


@of("clip.join", "You joined the last such pair alone. Join every one in the word, from the left.")
def last_only(word, pair):
    for index in places(word, pair)[-1:]:
        return (*word[:index], pair[0] + pair[1], *word[index + 2 :])
    return word


@of(
    "clip.join",
    "The last symbol is lost where it is in no pair: your loop stops before it. Go on while `index < len(word)`, and "
    "take it over as it is.",
)
def last_symbol_lost(word, pair):
    joined, index = [], 0
    while index < len(word) - 1:
        here = word[index : index + 2] == pair
        joined.append(pair[0] + pair[1] if here else word[index])
        index += 2 if here else 1
    return tuple(joined)


@of(
    "clip.join",
    "You took one symbol from every two neighbours. So the second symbol of a joined pair comes once more, and a last "
    "symbol is lost where it is in no pair. Go through the word with an index: by two places where you joined, else by "
    "one, up to the end.",
)
def one_from_every_two(word, pair):
    return tuple("".join(two) if two == pair else two[0] for two in pairwise(word))


@of(
    "clip.join",
    "Where the pair does not stand you added both neighbours, so most symbols come twice. Add the first one alone, and "
    "go on by one place.",
)
def both_neighbours_added(word, pair):
    joined = []
    for two in pairwise(word):
        joined += ["".join(two)] if two == pair else two
    return tuple(joined)


@of(
    "clip.join",
    "You always added the last symbol after the loop, even where it is part of a joined pair. Add it only where it is "
    "left over.",
)
def last_symbol_always(word, pair):
    joined, used = [], False
    for two in pairwise(word):
        here = two == pair and not used
        if not used:
            joined.append("".join(two) if here else two[0])
        used = here
    return (*joined, word[-1])


PAST_THE_END = (
    "Your code looks at `word[index + 1]` where the last symbol stands, and nothing follows it. Compare the slice "
    "`word[index : index + 2]`, which is only shorter there and raises nothing, or ask first whether `index + 1 < "
    "len(word)`."
)


@of("clip.join", PAST_THE_END)
def past_the_end(word, pair):
    joined, index = [], 0
    while index < len(word):
        here = (word[index], word[index + 1]) == pair
        joined.append(pair[0] + pair[1] if here else word[index])
        index += 2 if here else 1
    return tuple(joined)


@of("clip.join", PAST_THE_END)
def past_the_end_behind_the_first(word, pair):
    joined, index = [], 0
    while index < len(word):
        here = word[index] == pair[0] and word[index + 1] == pair[1]
        joined.append(pair[0] + pair[1] if here else word[index])
        index += 2 if here else 1
    return tuple(joined)


@of("clip.join", PAST_THE_END)
def past_the_end_of_every_word(word, pair):
    return tuple(pair[0] + pair[1] if (word[i], word[i + 1]) == pair else word[i] for i in range(len(word)))


@of(
    "clip.join",
    "After a joined pair its second symbol stands there once more. It is used up: go on two places further, not one.",
)
def second_symbol_again(word, pair):
    joined = []
    for index, symbol in enumerate(word):
        joined.append(pair[0] + pair[1] if index in places(word, pair) else symbol)
    return tuple(joined)


@of(
    "clip.join",
    "Your pairs overlap: in three equal symbols you joined the middle one twice. A joined symbol is used up: go on "
    "behind it.",
)
def overlapping(word, pair):
    starts, joined = places(word, pair), []
    for index, symbol in enumerate(word):
        if index in starts:
            joined.append(pair[0] + pair[1])
        elif index - 1 not in starts:
            joined.append(symbol)
    return tuple(joined)


@of(
    "clip.join",
    "You joined from the right, which shows in a row of equal symbols. Begin at the left: a a a becomes aa a.",
)
def from_the_right(word, pair):
    joined, index = [], len(word)
    while index > 0:
        here = index > 1 and word[index - 2 : index] == pair
        joined.insert(0, pair[0] + pair[1] if here else word[index - 1])
        index -= 2 if here else 1
    return tuple(joined)


@of(
    "clip.join",
    "You looked at the first and second symbol, the third and fourth, and so on. A pair may begin at any place: where "
    "none begins, go on by one.",
)
def in_steps_of_two(word, pair):
    joined = []
    for index in range(0, len(word), 2):
        two = word[index : index + 2]
        joined += [pair[0] + pair[1]] if two == pair else two
    return tuple(joined)


@of(
    "clip.join",
    "You took the pair the other way round for the same one. The order counts: compare with `pair` itself.",
)
def either_order(word, pair):
    joined, index = [], 0
    while index < len(word):
        if word[index : index + 2] in (pair, pair[::-1]):
            joined.append("".join(word[index : index + 2]))
            index += 2
        else:
            joined.append(word[index])
            index += 1
    return tuple(joined)


@of(
    "clip.join",
    "You joined where either symbol stands. A pair is both, one right behind the other: compare `word[index : index + "
    "2]` with `pair`.",
)
def either_symbol(word, pair):
    joined, index = [], 0
    while index < len(word):
        if index + 1 < len(word) and (word[index] == pair[0] or word[index + 1] == pair[1]):
            joined.append(word[index] + word[index + 1])
            index += 2
        else:
            joined.append(word[index])
            index += 1
    return tuple(joined)


@of(
    "clip.join",
    "You replaced inside one long text, so a symbol that only ends or begins like the pair is caught too. Compare "
    "whole symbols.",
)
def replaced_in_text(word, pair):
    return tuple(" ".join(word).replace(" ".join(pair), "".join(pair)).split())


@of(
    "clip.join",
    "You wrote the whole word as one text and cut that. What was joined before comes apart again: go through the "
    "symbols.",
)
def cut_as_text(word, pair):
    both, text = pair[0] + pair[1], "".join(word)
    pieces = text.split(both)
    symbols = [*pieces[0]]
    for piece in pieces[1:]:
        symbols += [both, *piece]
    return tuple(symbols)


@of(
    "clip.join",
    "Everything else is right. Your result is a list. Words are tuples, for they are keys of a dictionary: return "
    "`tuple(joined)`.",
)
def list_returned(word, pair):
    return list(join(word, pair))


@of(
    "clip.join",
    "You returned a text, the symbols without a gap. A word is a tuple of its symbols: return `tuple(joined)`.",
)
def text_returned(word, pair):
    return "".join(join(word, pair))


@of("clip.join", "You returned a text with spaces. A word is a tuple of its symbols: return `tuple(joined)`.")
def spaced_text_returned(word, pair):
    return " ".join(join(word, pair))


@of("clip.join", "You put a space between the two. The new symbol is one text: `pair[0] + pair[1]`.")
def with_a_space(word, pair):
    return tuple(" ".join(pair) if symbol == pair[0] + pair[1] else symbol for symbol in join(word, pair))


@of("clip.join", "You put the pair itself into the word. The new symbol is one text: `pair[0] + pair[1]`.")
def pair_inside(word, pair):
    joined, index = [], 0
    while index < len(word):
        here = word[index : index + 2] == pair
        joined.append(pair if here else word[index])
        index += 2 if here else 1
    return tuple(joined)


@of("clip.join", "You joined the two in the wrong order. The new symbol is `pair[0] + pair[1]`.")
def turned(word, pair):
    joined, index = [], 0
    while index < len(word):
        here = word[index : index + 2] == pair
        joined.append(pair[1] + pair[0] if here else word[index])
        index += 2 if here else 1
    return tuple(joined)


# --- clip.merges ------------------------------------------------------------------------------------------------------


def counted(words):
    """How often each pair of neighbours stands in the texts."""
    pairs = Counter()
    for word, often in words.items():
        for pair in pairwise(word):
            pairs[pair] += often
    return pairs


def first_by_alphabet(pairs):
    return min(pairs, key=lambda pair: (-pairs[pair], pair))


def first_seen(pairs):
    return max(pairs, key=pairs.get)


def counted_unweighted(words):
    return counted(dict.fromkeys(words, 1))


def learn(words, count, count_pairs=counted, best_of=first_by_alphabet, fewest=1, ends=True):
    """Algorithm 1 with some of its steps exchanged."""
    merges = []
    for _ in range(count):
        pairs = count_pairs(words)
        if ends and (not pairs or max(pairs.values()) < fewest):
            break
        best = best_of(pairs)
        merges.append(best)
        words = {join(word, best): often for word, often in words.items()}
    return merges


@of(
    "clip.merges",
    "Each word counts once, however often it stands in the texts. Add `often` to the count of its pairs, not 1.",
)
def unweighted(words, count):
    return learn(words, count, counted_unweighted)


@of(
    "clip.merges",
    "You set the count of a pair to that of its latest word: `=` where `+=` belongs. Add up over all words.",
)
def last_word_counts(words, count):
    def count_pairs(words):
        return {pair: often for word, often in words.items() for pair in pairwise(word)}

    return learn(words, count, count_pairs)


@of(
    "clip.merges",
    "A pair counts once in a word, even where it stands there twice. Count every place: go through `zip(word, "
    "word[1:])` itself, not through a set of it.",
)
def once_in_a_word(words, count):
    def count_pairs(words):
        pairs = Counter()
        for word, often in words.items():
            for pair in set(pairwise(word)):
                pairs[pair] += often
        return pairs

    return learn(words, count, count_pairs)


@of(
    "clip.merges",
    "In a row of equal symbols you counted without overlaps. Count every place where the pair begins: in a a a, the "
    "pair a a stands twice.",
)
def without_overlaps(words, count):
    def count_pairs(words):
        pairs = Counter()
        for word, often in words.items():
            last = None
            for index, pair in enumerate(pairwise(word)):
                if last == (index - 1, pair):
                    continue
                pairs[pair] += often
                last = (index, pair)
        return pairs

    return learn(words, count, count_pairs)


@of(
    "clip.merges",
    "You paired the first symbol with the second, the third with the fourth, and so on. Every two neighbours are a "
    "pair: `zip(word, word[1:])`.",
)
def pairs_side_by_side(words, count):
    def count_pairs(words):
        pairs = Counter()
        for word, often in words.items():
            for pair in zip(word[::2], word[1::2], strict=False):
                pairs[pair] += often
        return pairs

    return learn(words, count, count_pairs)


@of(
    "clip.merges",
    "Of equally frequent pairs you took the one that was seen first, as `max` and `most_common` do. Then the order of "
    "the texts decides; take the first by the alphabet.",
)
def ties_by_first_seen(words, count):
    return learn(words, count, best_of=first_seen)


@of(
    "clip.merges",
    "Of equally frequent pairs you took the last by the alphabet, as `max` does with `(count, pair)`. Take the first: "
    "`min` with `(-count, pair)`.",
)
def ties_by_last_in_alphabet(words, count):
    return learn(words, count, best_of=lambda pairs: max(pairs, key=lambda pair: (pairs[pair], pair)))


@of(
    "clip.merges",
    "Of equally frequent pairs you took the last one seen. Then the order of the texts decides; take the first by the "
    "alphabet.",
)
def ties_by_last_seen(words, count):
    return learn(words, count, best_of=lambda pairs: max(reversed(list(pairs)), key=pairs.get))


@of(
    "clip.merges",
    "You compared equally frequent pairs by their joined texts. Compare the pairs themselves, first symbol before "
    "second, as Python compares tuples.",
)
def ties_by_joined_text(words, count):
    return learn(words, count, best_of=lambda pairs: min(pairs, key=lambda pair: (-pairs[pair], "".join(pair))))


@of("clip.merges", "You joined the rarest pair. Take the most frequent one.")
def rarest(words, count):
    return learn(words, count, best_of=lambda pairs: min(pairs, key=lambda pair: (pairs[pair], pair)))


@of(
    "clip.merges",
    "You counted once and took the most frequent pairs of that count. A merge changes the words: join the pair in all "
    "of them, then count again.",
)
def counted_once(words, count):
    pairs = counted(words)
    return sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:count]


@of(
    "clip.merges",
    "The words stay as they were, so every round finds the same pair. Join it in all words before you count again.",
)
def never_joined(words, count):
    pairs = counted(words)
    return [first_by_alphabet(pairs)] * count if pairs else []


@of(
    "clip.merges",
    "The joined words all count once: how often they stand in the texts was lost. Carry `often` over to the joined "
    "word.",
)
def counts_lost(words, count):
    merges = []
    for _ in range(count):
        pairs = counted(words)
        if not pairs:
            break
        merges.append(first_by_alphabet(pairs))
        words = {join(word, merges[-1]): 1 for word in words}
    return merges


@of(
    "clip.merges",
    "You stopped when no pair stood twice. Go on as long as there is a pair: a pair that stands once counts too.",
)
def stopped_at_one(words, count):
    return learn(words, count, fewest=2)


@of("clip.merges", "There is one merge too many: your loop runs once more than `count`. Use `range(count)`.")
def one_too_many(words, count):
    return learn(words, count + 1)


@of("clip.merges", "There is one merge too few: your loop runs once less than `count`. Use `range(count)`.")
def one_too_few(words, count):
    return learn(words, count - 1)


NO_END = (
    "Everything else is right. Where all words are single symbols there is nothing to choose from, and your code "
    "raises: end the loop when there are no pairs."
)


@of("clip.merges", NO_END)
def no_end(words, count):
    return learn(words, count, ends=False)


@of("clip.merges", NO_END)
def no_end_of_sorted(words, count):
    return learn(
        words, count, best_of=lambda pairs: sorted(pairs, key=lambda pair: (-pairs[pair], pair))[0], ends=False
    )


FIRST_SEEN_WITHOUT_END = (
    "Two things. Of equally frequent pairs you took the one that was seen first: take the first by the alphabet, `min` "
    "with `(-count, pair)`. And where no pair is left there is nothing to choose from: end the loop there."
)


@of("clip.merges", FIRST_SEEN_WITHOUT_END)
def most_common_without_end(words, count):
    return learn(words, count, best_of=lambda pairs: pairs.most_common(1)[0][0], ends=False)


@of("clip.merges", FIRST_SEEN_WITHOUT_END)
def max_without_end(words, count):
    return learn(words, count, best_of=first_seen, ends=False)


@of(
    "clip.merges",
    "Two things. Each word counts once, however often it stands in the texts: add `often` to the count of its pairs, "
    "not 1. And of equally frequent pairs you took the one that was seen first: take the first by the alphabet.",
)
def unweighted_and_first_seen(words, count):
    return learn(words, count, counted_unweighted, first_seen)


UNWEIGHTED_WITHOUT_END = (
    "Three things. Each word counts once: add `often` to the count of its pairs, not 1. Of equally frequent pairs you "
    "took the one that was seen first: take the first by the alphabet. And end the loop when there are no pairs."
)


@of("clip.merges", UNWEIGHTED_WITHOUT_END)
def unweighted_most_common_without_end(words, count):
    return learn(words, count, counted_unweighted, lambda pairs: pairs.most_common(1)[0][0], ends=False)


@of("clip.merges", UNWEIGHTED_WITHOUT_END)
def unweighted_max_without_end(words, count):
    return learn(words, count, counted_unweighted, first_seen, ends=False)


@of(
    "clip.merges",
    "You returned the joined symbols. A merge is the pair itself, which still says where the two meet: append that.",
)
def joined_symbols(words, count):
    return [first + second for first, second in learn(words, count)]


@of("clip.merges", "You returned the last pair alone. Append each pair to a list, and return the list after the loop.")
def last_pair_alone(words, count):
    return learn(words, count)[-1]


@of("clip.merges", "You returned after the first round: `return` stands inside the loop. Put it behind.")
def returned_too_early(words, count):
    return learn(words, min(count, 1))


@of(
    "clip.merges",
    "You changed the words that were given: another call would find them joined. Begin with a copy, or make a new "
    "dictionary in each round.",
)
def input_changed(words, count):
    merges = []
    for _ in range(count):
        pairs = counted(words)
        if not pairs:
            break
        merges.append(first_by_alphabet(pairs))
        for word in list(words):
            words[join(word, merges[-1])] = words.pop(word)
    return merges


# --- clip.apply -------------------------------------------------------------------------------------------------------


def ranked(merges):
    return {pair: rank for rank, pair in enumerate(merges)}


@of(
    "clip.apply",
    "You joined the first learned pair that you met in the word, from the left. Look at all pairs of the word, and "
    "join the one that was learned first.",
)
def in_the_order_of_the_word(word, merges):
    while True:
        known = [pair for pair in pairwise(word) if pair in merges]
        if not known:
            return word
        word = join(word, known[0])


@of("clip.apply", "You joined the pair that was learned last. Take the one with the lowest rank: learned first.")
def last_learned_first(word, merges):
    ranks = ranked(merges)
    while True:
        known = [pair for pair in pairwise(word) if pair in ranks]
        if not known:
            return word
        word = join(word, max(known, key=ranks.get))


@of("clip.apply", "You went through the merges from the last to the first. Those learned first come first.")
def merges_backwards(word, merges):
    for pair in reversed(merges):
        word = join(word, pair)
    return word


@of("clip.apply", "You joined one pair and stopped. Look again after each join, until no learned pair is left.")
def only_one(word, merges):
    known = [pair for pair in merges if pair in pairwise(word)]
    return join(word, known[0]) if known else word


@of(
    "clip.apply",
    "You chose among the pairs of the word as it came. A join makes new pairs: look again after each one.",
)
def first_pairs_alone(word, merges):
    first = set(pairwise(word))
    for pair in merges:
        if pair in first:
            word = join(word, pair)
    return word


@of("clip.apply", "You stopped at the first merge that is not in the word. Later ones may be: pass over it and go on.")
def stopped_at_an_absent_merge(word, merges):
    for pair in merges:
        if pair not in pairwise(word):
            break
        word = join(word, pair)
    return word


@of(
    "clip.apply",
    "You joined each pair at its first place alone. The same pair may stand in the word again: `join` takes all "
    "places.",
)
def first_place_alone(word, merges):
    for pair in merges:
        for index in places(word, pair)[:1]:
            word = (*word[:index], pair[0] + pair[1], *word[index + 2 :])
    return word


@of(
    "clip.apply",
    "You went once through the pairs of the word, from the left. Choose among all of them the one that was learned "
    "first, join it, and look again: the word has new pairs then.",
)
def once_through_the_word(word, merges):
    for pair in pairwise(word):
        if pair in merges:
            word = join(word, pair)
    return word


@of(
    "clip.apply",
    "You joined the pair that makes the longest symbol. The order of the merges decides: join the pair that was "
    "learned first.",
)
def longest_pair_first(word, merges):
    while known := [pair for pair in pairwise(word) if pair in merges]:
        word = join(word, max(known, key=lambda pair: len("".join(pair))))
    return word


@of(
    "clip.apply",
    "You went through the merges by length, those that make the longest symbols first. Go through them as they stand: "
    "those learned first come first.",
)
def merges_by_length(word, merges):
    for pair in sorted(merges, key=lambda pair: -len("".join(pair))):
        word = join(word, pair)
    return word


LONGEST_FIRST = (
    "You took the longest token that fits, from the left. That is another algorithm. Here the order of the merges "
    "decides: of all pairs in the word, join the one that was learned first."
)


def longest(pieces, known):
    """The word cut from the left, each time into the longest of these tokens, or else into one piece."""
    tokens = []
    while pieces:
        size = next(n for n in range(len(pieces), 0, -1) if n == 1 or "".join(pieces[:n]) in known)
        tokens.append("".join(pieces[:size]))
        pieces = pieces[size:]
    return tuple(tokens)


@of("clip.apply", LONGEST_FIRST)
def longest_first(word, merges):
    return longest(word, {"".join(pair) for pair in merges})


@of("clip.apply", LONGEST_FIRST)
def longest_in_text(word, merges):
    return longest("".join(word), {"".join(pair) for pair in merges})


@of(
    "clip.apply",
    "You never stopped: pairs that were not learned are joined too, until one symbol is left. End when the best pair "
    "is not among the merges.",
)
def joined_to_the_end(word, merges):
    ranks = ranked(merges)
    while len(word) > 1:
        word = join(word, min(pairwise(word), key=lambda pair: ranks.get(pair, len(ranks))))
    return word


@of(
    "clip.apply",
    "A pair that was never learned has the lowest rank in your code, so it wins and your loop ends too early. It must "
    "come after all others: `ranks.get(pair, len(ranks))`.",
)
def unknown_first(word, merges):
    ranks = ranked(merges)
    while len(word) > 1:
        best = min(pairwise(word), key=lambda pair: ranks.get(pair, -1))
        if best not in ranks:
            break
        word = join(word, best)
    return word


@of("clip.apply", "You stopped at two symbols. They may be a learned pair too: go on while there are more than one.")
def stopped_at_two(word, merges):
    ranks = ranked(merges)
    while len(word) > 2:
        best = min(pairwise(word), key=lambda pair: ranks.get(pair, len(ranks)))
        if best not in ranks:
            break
        word = join(word, best)
    return word


@of(
    "clip.apply",
    "Everything else is right. A word of one symbol has no pair, and `min` raises: end when one symbol is left.",
)
def no_look_at_the_length(word, merges):
    ranks = ranked(merges)
    while True:
        best = min(pairwise(word), key=lambda pair: ranks.get(pair, len(ranks)))
        if best not in ranks:
            return word
        word = join(word, best)


@of("clip.apply", "You returned one text. A word has several tokens: return the tuple of its symbols.")
def text_of_tokens(word, merges):
    for pair in merges:
        word = join(word, pair)
    return " ".join(word)


@of(
    "clip.apply",
    "You took merges away from the list that was given: the next word would find it shorter. Go through it and leave "
    "it as it is.",
)
def merges_used_up(word, merges):
    while merges:
        word = join(word, merges.pop(0))
    return word
