"""Our ViT against the one in transformers: same weights, same numbers."""

import pytest
import torch
from comparing import VITS as TINY
from comparing import close, gradients_as_ours, perturbed, pictures, vit_peer, with_weights_of
from torch.nn import functional as F

from mmlearn.models.vit import PRESETS, Encoder, ViT, ViTConfig

PARAMETERS = {
    "vit-ti-16": 5_717_416,
    "vit-s-16": 22_050_664,
    "vit-b-16": 86_567_656,
    "vit-b-32": 88_224_232,
    "vit-l-16": 304_326_632,
    "vit-h-14": 632_045_800,
}


@pytest.fixture(params=TINY)
def pair(request):
    return build_pair(TINY[request.param])


def build_pair(config: ViTConfig):
    """Both models with the same random weights, and images."""
    theirs = perturbed(vit_peer(config))
    return with_weights_of(ViT(config), theirs, "hf-vit"), theirs, pictures(config, 3)


def test_logits_hidden_states_and_attention_are_the_peers(pair):
    ours, theirs, images = pair
    with torch.no_grad():
        expected = theirs(images, output_hidden_states=True, output_attentions=True)
        last = theirs.vit(images).last_hidden_state
        close(ours(images), expected.logits)
        close(ours.features(images), last[:, 0])
        close(ours.encoder(ours.project(images)), last)

        x_BTD = ours.encoder.embed(ours.project(images))
        close(x_BTD, expected.hidden_states[0])
        for block, hidden in zip(ours.encoder.blocks, expected.hidden_states[1:], strict=True):
            x_BTD = block(x_BTD)
            close(x_BTD, hidden)
        for weights, attention in zip(ours.attention_weights(images), expected.attentions, strict=True):
            close(weights, attention)


def test_gradients_of_a_loss_are_the_peers(pair):
    ours, theirs, images = pair
    labels = torch.arange(len(images)) % ours.config.classes
    F.cross_entropy(ours(images), labels).backward()
    F.cross_entropy(theirs(images).logits, labels).backward()
    expected = gradients_as_ours(ours, theirs, "hf-vit")
    # Each against the largest of all: the key's bias, for one, has no gradient but rounding, for softmax ignores it.
    largest = max(gradient.abs().max() for gradient in expected.values())
    for name, parameter in ours.named_parameters():
        assert parameter.grad.abs().max() > 0
        assert (parameter.grad - expected[name]).abs().max() <= 1e-5 * largest, name


def test_the_peer_would_notice_a_wrong_weight(pair):
    ours, theirs, images = pair
    with torch.no_grad():
        for name, parameter in ours.named_parameters():
            if "qkv.bias" in name:
                continue  # a constant added to all keys changes nothing
            before = parameter.clone()
            parameter.view(-1)[0] += 0.1
            with pytest.raises(AssertionError):
                close(
                    ours.encoder(ours.project(images)) if "head" not in name else ours(images),
                    reference(theirs, images, name),
                )
            parameter.copy_(before)


def reference(theirs, images, name: str):
    return theirs(images).logits if "head" in name else theirs.vit(images).last_hidden_state


# --- other image sizes ------------------------------------------------------------------------------------------------

# The peer takes every grid of learned positions for a square one; the new images are none.
FOUR_BY_FOUR = ViTConfig((8, 8), 2, dim=12, depth=2, heads=3, mlp_dim=20, classes=5)
RESIZED = {
    "finer both ways": (FOUR_BY_FOUR, (10, 14)),
    "finer down, coarser across": (FOUR_BY_FOUR, (12, 6)),
    "coarser both ways": (FOUR_BY_FOUR, (4, 6)),
    "as many patches in another form": (FOUR_BY_FOUR, (4, 16)),
    "from two by two, four channels": (TINY["square, four channels"], (15, 35)),
}


@pytest.mark.parametrize("name", RESIZED)
def test_a_resized_model_is_the_peer_with_interpolated_positions(name):
    config, size = RESIZED[name]
    ours, theirs, _ = build_pair(config)
    images = torch.randn(3, config.channels, *size, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        expected = theirs(images, interpolate_pos_encoding=True, output_hidden_states=True, output_attentions=True)
        resized = ours.resized(size)
        close(resized(images), expected.logits)
        close(resized.features(images), theirs.vit(images, interpolate_pos_encoding=True).last_hidden_state[:, 0])
        close(resized.encoder.embed(resized.project(images)), expected.hidden_states[0])
        for weights, attention in zip(resized.attention_weights(images), expected.attentions, strict=True):
            close(weights, attention)


def test_a_resized_model_is_a_copy():
    model = ViT(TINY["wide"]).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    other = model.resized((16, 8))
    assert other.config == ViTConfig((16, 8), 4, dim=24, depth=2, heads=3, mlp_dim=40, classes=5, norm_eps=1e-12)
    assert not other.training and model.config.image_size == (8, 12)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    same = model.resized((8, 12)).state_dict()
    assert all(torch.equal(same[name], value) for name, value in before.items())


def test_a_model_is_not_resized_to_broken_patches():
    with pytest.raises(ValueError, match=r"patches of side 4 do not fill an image of 8 x 13 pixels"):
        ViT(TINY["wide"]).resized((8, 13))


def test_resizing_draws_no_random_numbers():
    model, before = ViT(TINY["wide"]), torch.get_rng_state()
    model.resized((16, 8))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("frozen", ["encoder.positions", "projection.linear.weight"])
def test_what_is_frozen_stays_frozen_at_another_size(frozen):
    model = ViT(TINY["wide"])
    model.get_parameter(frozen).requires_grad_(False)
    other = model.resized((16, 8))
    assert [name for name, p in other.named_parameters() if not p.requires_grad] == [frozen]
    assert list(other.state_dict()) == list(model.state_dict())


def test_positions_of_another_size_are_parameters_that_learn():
    model = ViT(TINY["wide"])
    other = model.resized((16, 8))
    other(torch.zeros(1, 3, 16, 8)).sum().backward()
    assert other.encoder.positions.grad.shape == (1, 9, 24)
    assert model.encoder.positions.grad is None


# --- published sizes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PARAMETERS)
def test_published_presets_have_the_published_size(preset):
    config = ViTConfig.preset(preset)
    with torch.device("meta"):
        theirs = vit_peer(config)
    ours = ViT(config, device="meta")
    count = sum(p.numel() for p in ours.parameters())
    assert count == PARAMETERS[preset] == sum(p.numel() for p in theirs.parameters())


def test_every_published_preset_is_counted():
    assert set(PRESETS) == {"toy", *PARAMETERS}


def test_attention_weights_are_one_matrix_a_head_and_block():
    config = TINY["wide"]
    weights = ViT(config).attention_weights(torch.zeros(2, 3, 8, 12))
    assert [tuple(w.shape) for w in weights] == [(2, 3, 7, 7)] * 2


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3, 12, 8), (2, 3, 8, 16), (2, 1, 8, 12), (3, 8, 12), (2, 3, 8)])
def test_images_of_another_size_are_refused(shape):
    with pytest.raises(ValueError, match=r"this ViT reads images \[B, 3, 8, 12\]; got \["):
        ViT(TINY["wide"])(torch.zeros(shape))


@pytest.mark.parametrize("size", [(224, 225), (100, 224)])
def test_patches_that_do_not_fill_the_image_are_refused(size):
    with pytest.raises(ValueError, match="patches of side 16 do not fill an image of"):
        ViTConfig.preset("vit-b-16", image_size=size)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="7 heads do not divide a width of 768"):
        ViT(ViTConfig.preset("vit-b-16", heads=7), device="meta")


def test_an_unknown_preset_is_told_with_the_known_ones():
    with pytest.raises(ValueError, match="no ViT preset is called 'vit-b-8'; there are toy, vit-ti-16"):
        ViTConfig.preset("vit-b-8")


def test_a_preset_takes_changes_and_stays_as_it_is():
    assert ViTConfig.preset("vit-b-16", classes=10).classes == 10
    assert ViTConfig.preset("vit-b-16").classes == 1000


def test_another_number_of_patches_is_refused():
    with pytest.raises(RuntimeError, match="must match"):
        Encoder(6, 12, 1, 3, 20)(torch.zeros(2, 5, 12))
