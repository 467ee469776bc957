"""ImageBind as its users meet it: configurations, trunks of their own, training, refusals."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from mmlearn.models.clip import CLIP, CLIPConfig
from mmlearn.models.imagebind import MODALITIES, ImageBind, ImageBindConfig, SignalConfig, binding_loss
from mmlearn.nn.contrastive import Similarity
from mmlearn.nn.patches import strided_grid
from mmlearn.nn.transformer import StochasticDepth

TOY = ImageBindConfig.preset("toy")


def inputs(batch: int = 3, config: ImageBindConfig = TOY) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    given = {n: torch.randn(batch, *c.size, generator=generator) for n, c in config.trunks.items() if n != "text"}
    if config.text:
        given["text"] = torch.randint(0, config.text.vocabulary, (batch, config.text.context), generator=generator)
        given["text"][:, -1] = config.text.vocabulary - 1
    return given


def toy(*modalities: str) -> ImageBind:
    torch.manual_seed(0)
    return ImageBind(TOY.only(*modalities) if modalities else TOY)


def test_vectors_of_all_six_modalities_have_length_1():
    given = inputs()
    embedded = toy().eval()(given)
    assert list(embedded) == list(given) and set(given) == set(MODALITIES)
    for vectors_BE in embedded.values():
        assert vectors_BE.shape == (3, 64)
        assert torch.allclose(vectors_BE.norm(dim=1), torch.ones(3))


def test_embed_is_forward_for_one_modality_and_the_trunk_without_the_length():
    model, given = toy().eval(), inputs()
    for name, values in given.items():
        vectors_BE = model.embed(name, values)
        assert torch.equal(vectors_BE, model({name: values})[name])
        assert torch.allclose(vectors_BE, nn.functional.normalize(model.trunks[name](values), dim=1))


def test_modalities_can_be_left_out():
    config = TOY.only("text", "audio")
    assert list(config.trunks) == ["image", "text", "audio"]
    assert config == ImageBindConfig.preset("toy", depth=None, thermal=None, imu=None)
    model = ImageBind(config)
    assert list(model.trunks) == ["image", "text", "audio"] and list(model.similarities) == ["text", "audio"]
    assert list(TOY.only("image").trunks) == ["image"] == list(TOY.only().trunks)


def test_a_preset_takes_changes_and_stays_as_it_is():
    audio = replace(TOY.audio, size=(1, 32, 64), stride=None)
    assert ImageBindConfig.preset("toy", audio=audio).audio.grid == (4, 8)
    assert ImageBindConfig.preset("toy").audio.grid == (5, 15)


def test_trained_encoders_of_clip_take_their_places_and_stay_as_they_are():
    """What the module's first words show."""
    clip = CLIP(CLIPConfig.preset("toy"))
    model = toy("text", "audio")
    model.trunks["image"] = nn.Sequential(clip.image, clip.image_projection).requires_grad_(False)
    model.trunks["text"] = nn.Sequential(clip.text, clip.text_projection).requires_grad_(False)
    given = inputs(4, TOY.only("text", "audio"))
    assert torch.equal(model.embed("image", given["image"]), clip.embed_images(given["image"]))
    assert torch.equal(model.embed("text", given["text"]), clip.embed_texts(given["text"]))
    before = {name: value.clone() for name, value in clip.state_dict().items()}
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), 1e-3)
    model.loss(model({"image": given["image"], "audio": given["audio"]})).backward()
    optimizer.step()
    assert all(torch.equal(value, before[name]) for name, value in clip.state_dict().items())
    moved = [name for name, p in model.named_parameters() if p.grad is not None]
    assert moved and all(name.startswith("trunks.audio.") for name in moved)


def test_sounds_and_images_find_each_other_after_some_steps():
    model, given = toy("audio"), inputs(8, TOY.only("audio"))
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), 1e-3)
    losses = []
    for _ in range(15):
        loss = model.loss(model(given))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
    assert model.similarities["audio"].log_scale.exp().item() == pytest.approx(20)
    model.eval()
    with torch.no_grad():
        embedded = model(given)
    assert torch.equal((embedded["image"] @ embedded["audio"].T).argmax(1), torch.arange(8))


def test_clamp_brings_learned_scales_down():
    model = toy("text", "audio")
    with torch.no_grad():
        model.similarities["text"].log_scale.fill_(7.0)
    model.clamp()
    assert {n: round(s.log_scale.exp().item(), 3) for n, s in model.similarities.items()} == {"text": 100, "audio": 20}


def test_what_stands_behind_the_end_of_a_text_does_not_matter():
    model = toy("text").eval()
    end = TOY.text.vocabulary - 1
    texts = [[1024, 5, 9, end, 0, 0], [1024, 5, 9, end, end, end], [1024, 5, 9, end, 7, 3]]
    vectors_BE = model.embed("text", torch.tensor(texts))
    assert torch.equal(vectors_BE[0], vectors_BE[1]) and torch.equal(vectors_BE[0], vectors_BE[2])
    assert torch.allclose(model.embed("text", torch.tensor([texts[0][:4]]))[0], vectors_BE[0], atol=1e-6)


def test_state_goes_from_one_model_to_another():
    one, other = toy().eval(), ImageBind(TOY).eval()
    other.load_state_dict(one.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(one(inputs()).values(), other(inputs()).values(), strict=True))


def test_dropout_and_stochastic_depth_act_while_training_alone():
    imu = replace(TOY.imu, stochastic_depth=0.7, dropout=0.5)
    model = ImageBind(ImageBindConfig.preset("toy", imu=imu))
    values = inputs()["imu"]
    assert not torch.equal(model.train().embed("imu", values), model.embed("imu", values))
    assert torch.equal(model.eval().embed("imu", values), model.embed("imu", values))
    for name in ("image", "text", "audio", "depth", "thermal"):
        values = inputs()[name]
        assert torch.equal(model.train().embed(name, values), model.embed(name, values))


def test_dropout_stands_between_the_norm_and_the_projection():
    model = ImageBind(ImageBindConfig.preset("toy", imu=replace(TOY.imu, dropout=1.0)).only("imu"))
    nn.init.ones_(model.trunks["imu"].norm.bias)
    assert (model.trunks["imu"](inputs()["imu"]) == 0).all()
    assert (model.eval().trunks["imu"](inputs()["imu"]) != 0).all()


def test_stochastic_depth_keeps_the_mean():
    ones = torch.ones(20_000, 2, 3)
    torch.manual_seed(0)
    out = StochasticDepth(0.3)(ones)
    assert torch.equal(out, out[:, :1, :1].expand_as(out)), "an item is left out as a whole"
    assert out.unique().tolist() == [0.0, pytest.approx(1 / 0.7)]
    assert out.mean().item() == pytest.approx(1, abs=0.02)
    assert StochasticDepth(0.3).eval()(ones) is ones and StochasticDepth(0.0)(ones) is ones
    assert (StochasticDepth(1.0)(ones) == 0).all()
    with pytest.raises(ValueError, match=r"a rate is from 0 to 1, not 1\.5"):
        StochasticDepth(1.5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_dtype_is_the_one_asked_for(dtype):
    model = ImageBind(TOY, dtype=dtype).eval()
    given = {n: values if n == "text" else values.to(dtype) for n, values in inputs().items()}
    assert {p.dtype for p in model.parameters()} == {dtype} == {v.dtype for v in model(given).values()}


def test_autocast_changes_little():
    model, given = toy().eval(), inputs()
    with torch.no_grad():
        expected = model(given)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            cast = model(given)
    assert all((cast[n].float() * expected[n]).sum(1).min() > 0.99 for n in given)


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_an_unknown_preset_or_modality_is_told_with_the_known_ones():
    with pytest.raises(ValueError, match="no ImageBind preset is called 'base'; there are toy, imagebind-huge"):
        ImageBindConfig.preset("base")
    with pytest.raises(ValueError, match="no modality 'sound' here; there are image, text, audio, depth, thermal, imu"):
        TOY.only("sound")
    model = toy("text", "audio")
    for name in ("depth", "video"):
        with pytest.raises(ValueError, match=f"no modality '{name}' here; there are image, text, audio"):
            model.embed(name, torch.zeros(2, 1, 32, 32))
    with pytest.raises(ValueError, match="no modality 'imu' here"):
        model({"imu": torch.zeros(2, 6, 64)})


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("image", (2, 3, 32, 31)),
        ("image", (2, 1, 32, 32)),
        ("image", (2, 3, 2, 32, 32)),
        ("audio", (2, 32, 96)),
        ("audio", (2, 1, 96, 32)),
        ("imu", (2, 64, 6)),
        ("imu", (6, 64)),
    ],
)
def test_signals_of_another_shape_are_refused(name, shape):
    sizes = {"image": "3, 32, 32", "audio": "1, 32, 96", "imu": "6, 64"}
    with pytest.raises(ValueError) as caught:
        toy().embed(name, torch.zeros(shape))
    assert str(caught.value) == f"this trunk reads [B, {sizes[name]}]; got {list(shape)}"


def test_a_trunk_of_videos_names_both_shapes():
    video = replace(TOY.image, size=(3, 2, 16, 16), kernel=(2, 8, 8))
    model = ImageBind(ImageBindConfig.preset("toy", image=video).only())
    with pytest.raises(ValueError, match=r"reads \[B, 3, 2, 16, 16\] or \[B, 3, 16, 16\]; got \[2, 3, 3, 16, 16\]"):
        model.embed("image", torch.zeros(2, 3, 3, 16, 16))


@pytest.mark.parametrize("shape", [(2, 17), (16,), (2, 1, 16)])
def test_texts_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"this trunk reads tokens \[B, L\], L at most 16; got \["):
        toy("text").embed("text", torch.zeros(shape, dtype=torch.int64))


def test_a_loss_without_images_or_without_others_is_refused():
    vectors, similarities = torch.eye(3), {"text": Similarity(), "audio": Similarity()}
    for given in ({}, {"image": vectors}, {"text": vectors, "audio": vectors}):
        with pytest.raises(ValueError, match='the loss binds images to others; it needs "image" and one more, not'):
            binding_loss(given, similarities)
    with pytest.raises(ValueError, match="no modality 'depth' here; there are text, audio"):
        binding_loss({"image": vectors, "depth": vectors}, similarities)
    with pytest.raises(ValueError, match=r"partners stand on the diagonal of a square; got scores of shape \[3, 2\]"):
        binding_loss({"image": vectors, "text": vectors[:2]}, similarities)


def test_patches_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"patches of \(8, 8\), \(8, 8\) apart, do not fit into \(7, 32\)"):
        SignalConfig(8, 1, 1, size=(1, 7, 32), kernel=(8, 8))
    with pytest.raises(ValueError, match=r"patches of \(8,\), \(0,\) apart, do not fit into \(64,\)"):
        replace(TOY.imu, stride=(0,))
    with pytest.raises(ValueError, match=r"patches need one to three axes, alike in \(32, 32\), \(8,\) and \(8,\)"):
        SignalConfig(8, 1, 1, size=(1, 32, 32), kernel=(8,))
    with pytest.raises(ValueError, match="patches need one to three axes"):
        strided_grid((), (), ())
    assert strided_grid((128, 204), (16, 16), (10, 10)) == (12, 19)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="5 heads do not divide a width of 96"):
        ImageBind(ImageBindConfig.preset("toy", audio=replace(TOY.audio, heads=5)))
