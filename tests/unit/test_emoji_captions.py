"""Pairs of pictures and captions: distinct concepts in a batch, partners that belong together; and probes."""

import pytest
import torch

from mmlearn.eval.probe import linear_probe
from mmlearn.experiments import emoji_captions as emoji


def test_a_batch_holds_distinct_concepts_with_their_own_pictures_and_captions():
    pairs = emoji.pairs()
    pixels, numbers = emoji.images("train")
    known, tokenize = emoji.captions("train"), emoji.tokenizer()
    batches = pairs.batches(128, 0, lambda images, generator: images)
    seen = []
    for _ in range(len(pairs) // 128):
        images, tokens, concepts = next(batches)
        assert len(set(concepts.tolist())) == 128
        seen += concepts.tolist()
        for image, row, concept in zip(images[:8], tokens[:8], concepts[:8].tolist(), strict=True):
            drawn = pixels[numbers == concept]
            assert any(torch.equal(image, other) for other in drawn)
            assert any(torch.equal(row, tokenize(text)[0]) for text in known[concept])
    assert len(set(seen)) == len(seen), "no concept comes twice in a pass"


def test_the_order_depends_on_the_seed_alone():
    pairs, keep = emoji.pairs(), lambda images, generator: images
    torch.manual_seed(1)
    first = next(pairs.batches(16, 7, keep))
    torch.manual_seed(2)
    again, other = next(pairs.batches(16, 7, keep)), next(pairs.batches(16, 8, keep))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[2], other[2])


def test_a_batch_larger_than_the_concepts_is_refused():
    with pytest.raises(ValueError, match="there are 1156; got batch_size=2000"):
        next(emoji.pairs().batches(2000, 0, lambda images, generator: images))


def test_shuffled_captions_are_those_of_other_concepts():
    true, shuffled = emoji.pairs(), emoji.pairs(labels="shuffled", seed=0)
    assert sorted(true.texts.counts.tolist()) == sorted(shuffled.texts.counts.tolist())
    same = sum(
        torch.equal(true.tokens_NL[a], shuffled.tokens_NL[b])
        for a, b in zip(true.texts.starts, shuffled.texts.starts, strict=True)
    )
    assert same < 10


def test_a_caption_holds_the_name_and_no_two_concepts_share_it():
    captions = emoji.captions("train")
    known = emoji.concepts("train")
    assert all(label in text for label, texts in zip(known.labels, captions, strict=True) for text in texts)
    assert captions[0][0] == known.labels[0] and len(set(known.labels)) == len(known.labels)
    assert all(len(texts) >= 2 for texts in captions)


def test_both_languages_are_captions_of_the_same_concept():
    english, both = emoji.captions("train"), emoji.pairs(("en", "ru"))
    russian = emoji.captions("train", "ru")
    assert both.texts.counts.tolist() == [len(a) + len(b) for a, b in zip(english, russian, strict=True)]


def test_trimming_leaves_an_end_in_every_row():
    tokenize = emoji.tokenizer()
    rows = tokenize(["red apple", "a very long name of many words that does not fit at all into so few tokens"])
    assert torch.equal(emoji.trim(rows, tokenize.end), rows)
    short = emoji.trim(tokenize(["red apple", "cat"]), tokenize.end)
    assert short.shape[1] < tokenize.context and (short == tokenize.end).any(dim=1).all()


def test_warping_keeps_white_white_and_changes_the_rest():
    white = torch.ones(6, 3, 32, 32)
    assert torch.allclose(emoji.warp_and_tint(white, torch.Generator().manual_seed(0)), white, atol=1e-5)
    images = emoji.images("train").pixels[:6]
    warped = emoji.warp_and_tint(images, torch.Generator().manual_seed(0))
    assert warped.shape == images.shape and warped.min() >= -1 and warped.max() <= 1
    assert (warped - images).abs().mean() > 0.05


def test_a_probe_finds_what_is_linear_and_nothing_in_noise():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 4, (400,), generator=generator)
    noise = torch.randn(400, 16, generator=generator)
    told = noise + 3 * torch.nn.functional.one_hot(labels, 16)
    assert linear_probe(told[:300], labels[:300], told[300:], labels[300:]) > 0.8
    assert linear_probe(noise[:300], labels[:300], noise[300:], labels[300:]) < 0.4
