"""Our CLIP and its tokenizer against those in transformers: same weights, same numbers; same merges, same tokens."""

import json

import pytest
import torch
from comparing import CLIPS as TINY
from comparing import clip_peer, close, gradients_as_ours, perturbed, texts, with_weights_of
from comparing import pictures as images

from mmlearn import data
from mmlearn.models.clip import CLIP, PRESETS, CLIPConfig, class_vectors
from mmlearn.models.clip_tokenizer import END, START, Tokenizer, count_words, learn_merges
from mmlearn.nn.contrastive import symmetric_loss
from mmlearn.nn.positions import interpolate_positions

PARAMETERS = {  # the first three are those of OpenAI's released models
    "vit-b-32": 151_277_313,
    "vit-b-16": 149_620_737,
    "vit-l-14": 427_616_513,
    "vit-l-14-336": 427_944_193,
}


def build_pair(config: CLIPConfig):
    """Both models with the same random weights."""
    theirs = perturbed(clip_peer(config))
    return with_weights_of(CLIP(config), theirs, "hf-clip"), theirs


@pytest.fixture(params=TINY)
def pair(request):
    return build_pair(TINY[request.param])


def test_vectors_and_scores_are_the_peers(pair):
    ours, theirs = pair
    pictures, tokens = images(ours.config, 4), texts(ours.config, 7)
    with torch.no_grad():
        expected = theirs(input_ids=tokens, pixel_values=pictures)
        close(ours.embed_images(pictures), expected.image_embeds)
        close(ours.embed_texts(tokens), expected.text_embeds)
        close(ours(pictures, tokens), expected.logits_per_image)
        close(ours(pictures, tokens).T, expected.logits_per_text)
        close(ours.image(pictures), theirs.vision_model(pictures).pooler_output)
        close(ours.text(tokens), theirs.text_model(tokens).pooler_output)


def test_a_text_may_be_shorter_than_the_context(pair):
    ours, theirs = pair
    short = texts(ours.config, 3)[:, : ours.config.context - 1]
    with torch.no_grad():
        close(ours.text(short), theirs.text_model(short).pooler_output)


def test_loss_and_gradients_are_the_peers(pair):
    ours, theirs = (model.double() for model in pair)  # float32 rounds the small ones by more than 1e-5 of the largest
    pictures, tokens = images(ours.config, 5).double(), texts(ours.config, 5)
    loss = symmetric_loss(ours(pictures, tokens))
    expected = theirs(input_ids=tokens, pixel_values=pictures, return_loss=True).loss
    close(loss, expected)
    loss.backward()
    expected.backward()
    gradients = gradients_as_ours(ours, theirs, "hf-clip")
    # Each against the largest of all: the key's bias, for one, has no gradient but rounding, for softmax ignores it.
    largest = max(gradient.abs().max() for gradient in gradients.values())
    for name, parameter in ours.named_parameters():
        assert parameter.grad.abs().max() > 0, name
        assert (parameter.grad - gradients[name]).abs().max() <= 1e-5 * largest, name


def test_the_peer_would_notice_a_wrong_weight(pair):
    ours, theirs = pair
    pictures, tokens = images(ours.config, 4), texts(ours.config, 7)
    with torch.no_grad():
        expected = theirs(input_ids=tokens, pixel_values=pictures).logits_per_image
        for parameter in ours.parameters():
            before = parameter.clone()
            parameter += 0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(4))
            with pytest.raises(AssertionError):
                close(ours(pictures, tokens), expected)
            parameter.copy_(before)


@pytest.mark.parametrize(("name", "size"), [("two blocks", (8, 16)), ("one head, deeper texts", (10, 4))])
def test_an_image_need_not_be_square(name, size):
    """The peer interpolates the positions of its square."""
    ours, theirs = build_pair(TINY[name])
    config = ours.config
    rows, columns = (side // config.patch_size for side in size)
    old = (config.image_size[0] // config.patch_size,) * 2
    wide = CLIP(CLIPConfig.preset("toy", **{**vars(config), "image_size": size})).eval()
    positions = interpolate_positions(ours.image.positions[None], old, (rows, columns))[0]
    wide.load_state_dict(ours.state_dict() | {"image.positions": positions})
    pictures = images(config, 3, size)
    with torch.no_grad():
        expected = theirs.vision_model(pictures, interpolate_pos_encoding=True).pooler_output
        close(wide.image(pictures), expected)


# --- the parts --------------------------------------------------------------------------------------------------------


def test_class_vectors_are_the_loop_of_the_paper():
    """Section 3.1.4, as the released notebook writes it: class by class."""
    texts_KWE = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(3))
    rows = []
    for vectors in texts_KWE:
        vectors = vectors / vectors.norm(dim=-1, keepdim=True)
        mean = vectors.mean(dim=0)
        rows.append(mean / mean.norm())
    close(class_vectors(texts_KWE), torch.stack(rows))


# --- published sizes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PARAMETERS)
def test_published_presets_have_the_published_size(preset):
    config = CLIPConfig.preset(preset)
    with torch.device("meta"):
        theirs = clip_peer(config)
    ours = CLIP(config, device="meta")
    count = sum(p.numel() for p in ours.parameters())
    assert count == PARAMETERS[preset] == sum(p.numel() for p in theirs.parameters())


def test_every_published_preset_is_counted():
    assert {name for name in PRESETS if not name.startswith("toy")} == set(PARAMETERS)


def test_the_first_weights_are_small_and_the_temperature_is_the_papers():
    torch.manual_seed(0)
    model = CLIP(CLIPConfig.preset("toy"))
    assert model.similarity.log_scale.exp().item() == pytest.approx(1 / 0.07)
    assert model.text.tokens.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert model.text.positions.std().item() == pytest.approx(0.01, rel=0.1)
    assert model.image.positions.std().item() == pytest.approx(64**-0.5, rel=0.05)


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3, 8, 12), (2, 1, 8, 8), (3, 8, 8)])
def test_images_of_another_size_are_refused(shape):
    with pytest.raises(ValueError, match=r"this CLIP reads images \[B, 3, 8, 8\]; got \["):
        CLIP(TINY["two blocks"]).embed_images(torch.zeros(shape))


def test_a_text_longer_than_the_context_is_refused():
    with pytest.raises(ValueError, match="these texts are 10 tokens long; this encoder reads 9"):
        CLIP(TINY["two blocks"]).embed_texts(torch.zeros(2, 10, dtype=torch.long))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activation": "relu"}, "activation must be one of quick-gelu, gelu, not 'relu'"),
        ({"image_size": (30, 32)}, "patches of side . do not fill an image of 30 x 32 pixels"),
    ],
)
def test_a_config_that_cannot_be_built_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        CLIPConfig.preset("toy", **changes)


def test_an_unknown_preset_is_told_with_the_known_ones():
    with pytest.raises(ValueError, match="no CLIP preset is called 'vit-b'; there are toy, "):
        CLIPConfig.preset("vit-b")


# --- the tokenizer ----------------------------------------------------------------------------------------------------

MIXED = [
    "A photo of a cat, and of 2 dogs!",
    "it's   they're\tI've I'll I'm you'd DON'T rock'n'roll '' 's",
    "Ünïcödé naïve cafe\u0301 Ångström straße ǅ İstanbul",  # one accent decomposed
    "3.14159 + 2,000 = ½ ² ٣ 四",
    "👍🏽👩‍👩‍👧🇩🇪 #️⃣ ❤️‍🔥😀😀",
    "…“quoted” — dash–dash_under_score -> <tag> {x|y} \\n ~`^",
    "ёжик Ёлка ЩИ и й  съешь",  # no Greek word in Σ: the peer puts letter after letter in lower case, Python knows ς
    "日本語 中文 ไทย עברית العربية हिन्दी",
    "<|startoftext|> in a text, <|endoftext|> too",  # the peer does not know them in capitals; the released code does
    "x" * 60,
    "\u00a0no-break\u2003em space\nline",
    ".",
]


@pytest.fixture(scope="module")
def emoji_texts() -> dict[str, list[str]]:
    """All labels and tags of the emoji set, by language."""
    rows = data.load("emoji", split="all", size=8).remove_columns("image")
    found = {}
    for language in ("en", "ru"):
        tags = {tag for tags in rows[f"tags_{language}"] for tag in tags}
        found[language] = sorted({*rows[f"label_{language}"], *tags})
    return found


@pytest.fixture(scope="module")
def tokenizers(emoji_texts, tmp_path_factory):
    """Ours, and the peer's from the files that hold our merges."""
    from transformers import CLIPTokenizer

    some = [text for language in emoji_texts.values() for text in language[::6]]
    ours = Tokenizer(learn_merges(count_words([*some, *MIXED]), 250), context=20)
    folder = tmp_path_factory.mktemp("clip")
    (folder / "vocab.json").write_text(json.dumps(ours.numbers), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in ours.merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ours, CLIPTokenizer.from_pretrained(folder)


def test_the_vocabulary_has_no_symbol_twice(tokenizers):
    ours, theirs = tokenizers
    assert len(ours) == len(ours.numbers) == 512 + 250 + 2 == len(theirs)
    assert (theirs.bos_token_id, theirs.eos_token_id) == (ours.start, ours.end)
    assert (theirs.bos_token, theirs.eos_token) == (START, END)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_labels_and_tags_become_the_peers_tokens(tokenizers, emoji_texts, language):
    ours, theirs = tokenizers
    texts = emoji_texts[language]
    assert len(texts) > 3000
    expected = theirs(texts, add_special_tokens=False)["input_ids"]
    assert [ours.encode(text) for text in texts] == expected


@pytest.mark.parametrize("text", MIXED)
def test_mixed_texts_become_the_peers_tokens(tokenizers, text):
    ours, theirs = tokenizers
    assert ours.encode(text) == theirs(text, add_special_tokens=False)["input_ids"]


def test_rows_are_the_peers(tokenizers):
    """Start, tokens, end, filled up with the end; a text too long loses its last tokens and keeps its end."""
    ours, theirs = tokenizers
    expected = theirs(MIXED, padding="max_length", truncation=True, max_length=20, return_tensors="pt")["input_ids"]
    assert torch.equal(ours(MIXED), expected)
    assert (ours(MIXED) == ours.end).any(dim=1).all()


def test_decoded_texts_are_the_peers(tokenizers, emoji_texts):
    ours, theirs = tokenizers
    for text in [*emoji_texts["en"][::9], *emoji_texts["ru"][::9], *MIXED]:
        if "<|" not in text:
            tokens = ours.encode(text)
            assert ours.decode(tokens) == theirs.decode(tokens, clean_up_tokenization_spaces=False)
