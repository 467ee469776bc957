"""Byte-pair encoding by hand: small enough to count."""

from collections import Counter

import pytest
import torch

from mmlearn.models.clip_tokenizer import (
    END,
    START,
    Tokenizer,
    apply_merges,
    byte_signs,
    clean,
    count_words,
    cut,
    join,
    learn_merges,
    symbols,
)

# Sennrich et al., figure 1: low low low low low, lower lower, newest x 6, widest x 3.
PAPER = {symbols("low"): 5, symbols("lower"): 2, symbols("newest"): 6, symbols("widest"): 3}


# --- texts, words, symbols --------------------------------------------------------------------------------------------


def test_every_byte_has_its_own_printable_sign():
    signs = byte_signs()
    assert sorted(signs) == list(range(256)) and len(set(signs.values())) == 256
    assert all(len(sign) == 1 and sign.isprintable() and not sign.isspace() for sign in signs.values())
    assert (signs[ord("a")], signs[ord(" ")], signs[0]) == ("a", "Ġ", "Ā"), "as in the released vocabulary"
    assert list(signs)[:3] == [33, 34, 35] and list(signs)[-1] == 173, "printable ones first"


def test_a_text_is_put_in_lower_case_composed_and_its_spaces_joined():
    assert clean("  A\tCafe\u0301 \n IT\u00a0is ") == "a caf\u00e9 it is"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A photo of a cat.", ["a", "photo", "of", "a", "cat", "."]),
        ("it's they'RE 'twas", ["it", "'s", "they", "'re", "'t", "was"]),
        ("in 2021", ["in", "2", "0", "2", "1"]),
        ("wait...what?!", ["wait", "...", "what", "?!"]),
        ("ёжик и кот", ["ёжик", "и", "кот"]),
        ("👍🏽!", ["👍🏽!"]),
        (f"{START}a{END}", [START, "a", END]),
        (" \n ", []),
    ],
)
def test_a_text_is_cut_into_words_digits_and_signs(text, words):
    assert cut(text) == words


def test_the_symbols_of_a_word_are_its_bytes_and_the_last_is_marked():
    assert symbols("cat") == ("c", "a", "t</w>")
    assert symbols("a") == ("a</w>",)
    assert len(symbols("ж")) == 2 and len(symbols("👍")) == 4
    assert symbols("ж")[-1].endswith("</w>")


def test_words_are_counted_over_all_texts():
    counts = count_words(["A cat, a dog", "a CAT"])
    assert counts == Counter({("a</w>",): 3, symbols("cat"): 2, symbols("dog"): 1, (",</w>",): 1})


# --- merges -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "pair", "joined"),
    [
        ("a b c a b", "a b", "ab c ab"),
        ("a a a", "a a", "aa a"),
        ("a a a a a", "a a", "aa aa a"),
        ("b a", "a b", "b a"),
        ("a b</w>", "a b", "a b</w>"),
        ("ca b", "a b", "ca b"),
        ("ab c", "a b", "ab c"),
        ("a", "a a", "a"),
    ],
)
def test_join(word, pair, joined):
    assert join(tuple(word.split()), tuple(pair.split())) == tuple(joined.split())


def test_the_first_merges_of_the_papers_example():
    """e s stands 9 times, as s t</w> does, and comes first by the alphabet; e w, n e and w est</w> stand 6 times."""
    assert learn_merges(PAPER, 4) == [("e", "s"), ("es", "t</w>"), ("l", "o"), ("e", "w")]


def test_merges_are_counted_anew_weighted_and_in_the_order_of_the_alphabet():
    assert learn_merges({("b", "c"): 2, ("a", "c"): 2, ("a", "b"): 2}, 3) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert learn_merges({("x", "y"): 1, ("x", "y", "z"): 1, ("a", "b"): 3}, 1) == [("a", "b")]
    chain = {("a", "b", "c", "d"): 2, ("a", "b", "e"): 1}
    assert learn_merges(chain, 3) == [("a", "b"), ("ab", "c"), ("abc", "d")]


def test_learning_ends_where_nothing_is_left():
    assert learn_merges({("a", "b"): 1, ("c",): 5}, 10) == [("a", "b")]
    assert learn_merges({}, 10) == learn_merges(PAPER, 0) == []


def test_learning_leaves_the_words_as_they_are():
    words = dict(PAPER)
    learn_merges(words, 5)
    assert words == PAPER


def test_more_merges_begin_with_the_fewer():
    assert learn_merges(PAPER, 10)[:4] == learn_merges(PAPER, 4)


def test_the_pair_that_was_learned_first_is_joined_first():
    assert apply_merges(("a", "b", "c"), [("b", "c"), ("a", "b")]) == ("a", "bc")
    assert apply_merges(("a", "b", "c"), [("a", "b"), ("b", "c")]) == ("ab", "c")
    assert apply_merges(("a", "b", "c"), []) == ("a", "b", "c")
    assert apply_merges(("a",), [("a", "b")]) == ("a",)


def test_applied_merges_cut_the_training_words_as_learning_did():
    merges, words = learn_merges(PAPER, 7), dict(PAPER)
    for pair in merges:
        words = {join(word, pair): often for word, often in words.items()}
    assert {apply_merges(word, merges) for word in PAPER} == set(words)


# --- the tokenizer ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(learn_merges(PAPER, 10), context=8)


def test_the_vocabulary_is_bytes_marked_bytes_merges_start_and_end(tokenizer):
    assert len(tokenizer) == 256 + 256 + 10 + 2
    assert (tokenizer.start, tokenizer.end) == (len(tokenizer) - 2, len(tokenizer) - 1)
    assert tokenizer.names[512] == "es" and tokenizer.names[0] == "!" and tokenizer.names[256] == "!</w>"


def test_a_row_has_start_tokens_end_and_is_filled_up_with_the_end(tokenizer):
    rows = tokenizer(["low", ""])
    assert rows.shape == (2, 8) and rows.dtype == torch.long
    tokens = tokenizer.encode("low")
    assert rows[0].tolist() == [tokenizer.start, *tokens] + [tokenizer.end] * (7 - len(tokens))
    assert rows[1].tolist() == [tokenizer.start] + [tokenizer.end] * 7


def test_one_text_is_a_batch_of_one(tokenizer):
    assert torch.equal(tokenizer("low"), tokenizer(["low"]))


def test_a_text_too_long_keeps_its_end(tokenizer):
    row = tokenizer("xyzxyzxyz")[0]
    assert row[0] == tokenizer.start and row[-1] == tokenizer.end
    assert row[1:-1].tolist() == tokenizer.encode("xyzxyzxyz")[:6]


def test_exactly_as_many_tokens_as_there_is_room_for(tokenizer):
    assert len(tokenizer.encode("xyzxyz")) == 6
    assert tokenizer.decode(tokenizer("xyzxyz")[0].tolist()) == "xyzxyz"


@pytest.mark.parametrize(
    "text", ["the lowest, newest one", "ёжик и кот 🦔", "naïve 3.14 ½", "日本語 ไทย", "'s and 're"]
)
def test_a_decoded_text_is_its_words_with_spaces_between(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == " ".join(cut(text))
    row = [tokenizer.start, *tokenizer.encode(text), tokenizer.end, 5, 6]
    assert tokenizer.decode(row) == " ".join(cut(text)), "nothing behind the end counts"


def test_half_a_letter_is_decoded_to_a_question_mark(tokenizer):
    assert tokenizer.decode(tokenizer.encode("ж")[:1]) == "\ufffd"


def test_start_and_end_in_a_text_are_tokens(tokenizer):
    assert tokenizer.encode(f"{START} low {END}") == [tokenizer.start, *tokenizer.encode("low"), tokenizer.end]


def test_pairs_from_a_file_of_lists_will_do():
    merges = learn_merges(PAPER, 10)
    assert Tokenizer([list(pair) for pair in merges]).encode("lowest") == Tokenizer(merges).encode("lowest")


def test_a_context_without_room_is_refused():
    with pytest.raises(ValueError, match="a text needs room for its start and its end; context is 1"):
        Tokenizer([], context=1)
