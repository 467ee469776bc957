"""ImageBind has no free peer, so its parts are proven: against layers of torch, our CLIP and that of transformers."""

import pytest
import torch
from comparing import close, released
from torch import nn
from torch.nn import functional as F

from mmlearn.hub import keys
from mmlearn.hub.clip import HF_KEYS
from mmlearn.hub.keys import Key
from mmlearn.models.clip import CLIPConfig, ImageEncoder, TextEncoder
from mmlearn.models.imagebind import (
    PRESETS,
    ImageBind,
    ImageBindConfig,
    SignalConfig,
    SignalTrunk,
    TextConfig,
    TextTrunk,
    binding_loss,
)
from mmlearn.nn.attention import ExtraTokenAttention
from mmlearn.nn.contrastive import Similarity
from mmlearn.nn.patches import PatchProjection, StridedProjection
from mmlearn.nn.transformer import StochasticDepthBlock

SIZES = [(12, 3, 5), (16, 1, 7), (24, 8, 3)]  # dim, heads, tokens


def randomise(module: nn.Module) -> nn.Module:
    """Every parameter, biases and norms too: a zero or a one would hide an error."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return module


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


# --- attention with an extra token ------------------------------------------------------------------------------------


def attention_state(theirs: nn.MultiheadAttention, prefix: str = "") -> dict[str, torch.Tensor]:
    """Every parameter of torch's attention, under our names."""
    named = dict(theirs.named_parameters())
    ours = {
        "qkv.weight": named.pop("in_proj_weight"),
        "qkv.bias": named.pop("in_proj_bias"),
        "out.weight": named.pop("out_proj.weight"),
        "out.bias": named.pop("out_proj.bias"),
    }
    if theirs.bias_k is not None:
        ours |= {"extra_key": named.pop("bias_k").flatten(), "extra_value": named.pop("bias_v").flatten()}
    assert named == {}
    return {prefix + name: value.detach() for name, value in ours.items()}


def attention_pair(dim: int, heads: int) -> tuple[ExtraTokenAttention, nn.MultiheadAttention]:
    theirs = randomise(nn.MultiheadAttention(dim, heads, add_bias_kv=True, batch_first=True))
    ours = ExtraTokenAttention(dim, heads)
    ours.load_state_dict(attention_state(theirs))
    return ours, theirs


@pytest.mark.parametrize(("dim", "heads", "count"), SIZES)
def test_attention_with_an_extra_token_is_torchs(dim, heads, count):
    ours, theirs = attention_pair(dim, heads)
    x, y = normal(2, count, dim).requires_grad_(), normal(2, count, dim).requires_grad_()
    expected, weights_BHNn = theirs(y, y, y, average_attn_weights=False)
    close(ours(x), expected)
    close(ours.weights(x), weights_BHNn)
    assert ours.weights(x).shape == (2, heads, count, count + 1)

    ours(x).square().sum().backward()
    expected.square().sum().backward()
    close(x.grad, y.grad)
    close(ours.extra_key.grad, theirs.bias_k.grad.flatten())
    close(ours.extra_value.grad, theirs.bias_v.grad.flatten())
    close(ours.qkv.weight.grad, theirs.in_proj_weight.grad)
    close(ours.out.weight.grad, theirs.out_proj.weight.grad)


def test_the_first_extra_token_is_as_wide_as_torchs():
    torch.manual_seed(0)
    ours, theirs = ExtraTokenAttention(1024, 1), nn.MultiheadAttention(1024, 1, add_bias_kv=True)
    for extra in (ours.extra_key, ours.extra_value, theirs.bias_k, theirs.bias_v):
        assert extra.std().item() == pytest.approx(1024**-0.5, rel=0.1)


# --- the block --------------------------------------------------------------------------------------------------------

BLOCK = {"norm1": "norm1", "norm2": "norm2", "mlp.0": "linear1", "mlp.2": "linear2"}


def block_state(theirs: nn.TransformerEncoderLayer, prefix: str = "") -> dict[str, torch.Tensor]:
    """Every parameter of torch's layer, under our names."""
    state = theirs.state_dict()
    ours = {f"{a}.{kind}": state[f"{b}.{kind}"] for a, b in BLOCK.items() for kind in ("weight", "bias")}
    ours |= attention_state(theirs.self_attn, "attention.")
    assert len(ours) == len(state)
    return {prefix + name: value for name, value in ours.items()}


def torch_layer(dim: int, heads: int, *, extra_token: bool, norm_eps: float = 1e-6) -> nn.TransformerEncoderLayer:
    layer = nn.TransformerEncoderLayer(
        dim, heads, 4 * dim, dropout=0, activation="gelu", layer_norm_eps=norm_eps, batch_first=True, norm_first=True
    )
    if extra_token:
        layer.self_attn = nn.MultiheadAttention(dim, heads, add_bias_kv=True, batch_first=True)
    return layer


@pytest.mark.parametrize("extra_token", [False, True])
@pytest.mark.parametrize(("dim", "heads", "count"), SIZES)
def test_the_block_is_torchs_pre_norm_layer(dim, heads, count, extra_token):
    theirs = randomise(torch_layer(dim, heads, extra_token=extra_token))
    attention = ExtraTokenAttention if extra_token else None
    ours = StochasticDepthBlock(dim, heads, 4 * dim, rate=0.5, attention=attention)
    ours.load_state_dict(block_state(theirs))
    x = normal(2, count, dim)
    close(ours.eval()(x), theirs(x))
    ours.drop.rate = 0.0
    close(ours.train()(x), theirs(x))


def test_a_trained_block_takes_each_half_or_leaves_it_out():
    """Of four outcomes an item gets one, with the halves that it takes at 1 / (1 - rate)."""
    rate, torch_rate = 0.25, 1 / 0.75
    block, x_BND = randomise(StochasticDepthBlock(12, 3, 48, rate=rate)), normal(1, 5, 12).expand(4_000, -1, -1)
    block = block.double()
    x_BND = x_BND.double()
    torch.manual_seed(0)
    with torch.no_grad():
        out_BND, x_1ND = block.train()(x_BND), x_BND[:1]
        after = {0: x_1ND, 1: x_1ND + torch_rate * block.attention(block.norm1(x_1ND))}
        outcomes = [h + scale * block.mlp(block.norm2(h)) for h in after.values() for scale in (0.0, torch_rate)]
    matches = torch.stack([(out_BND - o).abs().amax((1, 2)) < 1e-9 for o in outcomes]).double()
    assert (matches.sum(0) == 1).all()
    expected = torch.tensor([rate * rate, rate * (1 - rate), (1 - rate) * rate, (1 - rate) ** 2], dtype=torch.float64)
    assert (matches.mean(1) - expected).abs().max() < 0.03


# --- stems ------------------------------------------------------------------------------------------------------------

STEMS = [
    (nn.Conv1d, (5, 6, 33), (8,), None),
    (nn.Conv1d, (2, 3, 20), (5,), (2,)),
    (nn.Conv2d, (5, 1, 33, 47), (8, 6), (5, 4)),
    (nn.Conv2d, (2, 3, 8, 12), (4, 4), None),
    (nn.Conv3d, (2, 3, 2, 8, 12), (2, 4, 4), None),
    (nn.Conv3d, (2, 3, 5, 9, 8), (2, 3, 4), (1, 2, 3)),
]


@pytest.mark.parametrize(("convolution", "shape", "kernel", "stride"), STEMS)
def test_the_stem_is_torchs_convolution(convolution, shape, kernel, stride):
    theirs = randomise(convolution(shape[1], 10, kernel, stride=stride or kernel, bias=False))
    ours = StridedProjection(shape[1], kernel, 10, stride=stride)
    ours.load_state_dict({"linear.weight": theirs.weight.flatten(1)})
    assert torch.equal(ours.kernel(), theirs.weight)
    x, y = normal(*shape).requires_grad_(), normal(*shape).requires_grad_()
    close(ours(x), theirs(y).flatten(2).mT)
    ours(x).square().sum().backward()
    theirs(y).square().sum().backward()
    close(x.grad, y.grad)
    close(ours.linear.weight.grad, theirs.weight.grad.flatten(1))


def test_the_stem_with_patches_side_by_side_is_the_patch_projection():
    theirs, images = PatchProjection(3, 4, 10, bias=False), normal(2, 3, 8, 12)
    ours = StridedProjection(3, (4, 4), 10)
    ours.load_state_dict(theirs.state_dict())
    close(ours(images), theirs(images))


# --- trunks -----------------------------------------------------------------------------------------------------------

CLIP = CLIPConfig((8, 12), 4, 24, 2, 3, 50, 9, 16, 3, 2, 20, activation="gelu")


def signal_trunk(**changes) -> tuple[SignalConfig, SignalTrunk]:
    options = {"size": (3, 8, 12), "kernel": (4, 4), "norm_before": True, "norm_eps": 1e-5, **changes}
    config = SignalConfig(24, 2, 3, **options)
    return config, SignalTrunk(config, CLIP.embed_dim).eval()


def trunk_state(encoder: nn.Module, projection: nn.Linear) -> dict[str, torch.Tensor]:
    """The encoder of `mmlearn.models.clip` and its projection, under the names of a trunk."""
    names = {"projection.linear": "stem.linear", "norm_after": "norm"}
    ours = {}
    for name, value in encoder.state_dict().items():
        old = next((old for old in names if name.startswith(f"{old}.")), None)
        ours[names[old] + name.removeprefix(old) if old else name] = value
    return {**ours, "projection.weight": projection.weight}


@pytest.fixture
def image_pair():
    theirs = randomise(nn.Sequential(ImageEncoder(CLIP), nn.Linear(24, 20, bias=False)))
    _, ours = signal_trunk()
    ours.load_state_dict(trunk_state(*theirs))
    return ours, theirs


def test_the_image_trunk_is_clips(image_pair):
    ours, theirs = image_pair
    x, y = normal(3, 3, 8, 12).requires_grad_(), normal(3, 3, 8, 12).requires_grad_()
    close(ours(x), theirs(y))
    ours(x).square().sum().backward()
    theirs(y).square().sum().backward()
    close(x.grad, y.grad)


@pytest.mark.parametrize("frames", [2, 3])
def test_two_equal_frames_are_a_picture_seen_with_the_sum_of_the_kernels(image_pair, frames):
    pictures, _ = image_pair
    _, videos = signal_trunk(size=(3, frames, 8, 12), kernel=(frames, 4, 4))
    kernel_DCVPP = normal(24, 3, frames, 4, 4)
    videos.load_state_dict({**pictures.state_dict(), "stem.linear.weight": kernel_DCVPP.flatten(1)})
    with torch.no_grad():
        pictures.stem.linear.weight.copy_(kernel_DCVPP.sum(2).flatten(1))
        images = normal(3, 3, 8, 12)
        close(videos(images), pictures(images))
        close(videos(images), videos(images.unsqueeze(2).repeat(1, 1, frames, 1, 1)))
        moving = torch.stack([images, *[images.flip(3)] * (frames - 1)], dim=2)
        assert (videos(moving) - videos(images)).abs().max() > 0.01


def test_a_video_of_several_patches_in_time_has_their_tokens():
    config, videos = signal_trunk(size=(3, 4, 8, 12), kernel=(2, 4, 4))
    assert config.grid == (2, 2, 3) and len(videos.positions) == 13
    assert videos(normal(2, 3, 4, 8, 12)).shape == (2, 20)


TEXTS = torch.tensor([[48, 3, 7, 49, 0, 0, 0, 0], [48, 5, 1, 2, 9, 9, 4, 49], [48, 49, 49, 49, 49, 49, 49, 49]])


def text_trunk(**changes) -> TextTrunk:
    options = {"vocabulary": 50, "context": 9, "norm_eps": 1e-5, **changes}
    return TextTrunk(TextConfig(16, 3, 2, **options), CLIP.embed_dim).eval()


def test_the_text_trunk_is_clips():
    theirs = nn.Sequential(TextEncoder(50, 9, 16, 3, 2, activation="gelu"), nn.Linear(16, 20, bias=False))
    ours = text_trunk()
    ours.load_state_dict(trunk_state(*randomise(theirs)))
    close(ours(TEXTS), theirs(TEXTS))
    ours(TEXTS).square().sum().backward()
    theirs(TEXTS).square().sum().backward()
    close(ours.tokens.weight.grad, theirs[0].tokens.weight.grad)
    close(ours.positions.grad, theirs[0].positions.grad)


def test_the_text_trunk_is_that_of_transformers():
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    theirs = CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=50,
            hidden_size=16,
            intermediate_size=64,
            projection_dim=20,
            num_hidden_layers=3,
            num_attention_heads=2,
            max_position_embeddings=9,
            hidden_act="gelu",
            layer_norm_eps=1e-6,
            bos_token_id=48,
            eos_token_id=49,
            pad_token_id=0,
        )
    )
    lines = [line for line in HF_KEYS if line.ours.startswith("text.")]
    lines.append(Key("text.projection.weight", "text_projection.weight"))
    trunk = text_trunk(norm_eps=1e-6)
    holder = nn.ModuleDict({"text": trunk})
    tensors = released(theirs, randomise(theirs.eval()).state_dict())
    holder.load_state_dict(keys.to_ours(holder, lines, tensors, "the peer"))
    with torch.no_grad():
        close(trunk(TEXTS), theirs(TEXTS).text_embeds)


TRUNKS = {
    "sound": SignalConfig(
        12, 3, 2, size=(1, 13, 22), kernel=(5, 5), stride=(3, 3), extra_token=True, stem_norm=True, stochastic_depth=0.1
    ),
    "depth": SignalConfig(16, 2, 4, size=(1, 8, 12), kernel=(4, 4), extra_token=True, stem_norm=True),
    "motion": SignalConfig(8, 2, 2, size=(6, 40), kernel=(8,), extra_token=True, stem_norm=True, dropout=0.5),
    "plain": SignalConfig(8, 1, 2, size=(2, 9, 6), kernel=(3, 2)),
}


@pytest.mark.parametrize("name", TRUNKS)
def test_a_whole_trunk_is_the_one_built_of_torchs_layers(name):
    c = TRUNKS[name]
    convolution = {1: nn.Conv1d, 2: nn.Conv2d}[len(c.kernel)]
    stem = randomise(convolution(c.size[0], c.dim, c.kernel, stride=c.stride or c.kernel, bias=False))
    layers = [randomise(torch_layer(c.dim, c.heads, extra_token=c.extra_token)) for _ in range(c.blocks)]
    ours = randomise(SignalTrunk(c, 20).eval())
    state = {"stem.linear.weight": stem.weight.flatten(1)}
    for i, layer in enumerate(layers):
        state |= block_state(layer, f"blocks.{i}.")
    missing = ours.load_state_dict(state, strict=False)
    assert missing.unexpected_keys == []
    assert all(not key.startswith(("stem.", "blocks.")) for key in missing.missing_keys)

    x = normal(3, *c.size)
    patches = stem(x).flatten(2).mT
    if c.stem_norm:
        patches = F.layer_norm(patches, (c.dim,), ours.stem_norm.weight, ours.stem_norm.bias, 1e-6)
    tokens = torch.cat([ours.class_token.expand(3, 1, -1), patches], 1) + ours.positions
    for layer in layers:
        tokens = layer(tokens)
    pooled = F.layer_norm(tokens, (c.dim,), ours.norm.weight, ours.norm.bias, 1e-6)[:, 0]
    close(ours(x), pooled @ ours.projection.weight.T)


# --- the loss ---------------------------------------------------------------------------------------------------------


def unit(*shape: int, seed: int) -> torch.Tensor:
    return F.normalize(torch.randn(shape, generator=torch.Generator().manual_seed(seed)), dim=1)


def vectors() -> dict[str, torch.Tensor]:
    return {name: unit(5, 7, seed=i).requires_grad_() for i, name in enumerate(("text", "image", "audio", "depth"))}


SCALES = {"text": 1 / 0.07, "audio": 20.0, "depth": 5.0}
SIMILARITIES = {name: Similarity(scale) for name, scale in SCALES.items()}


def test_the_loss_is_equation_1_both_ways():
    """Written out: L_I,M = -log(exp(q_i k_i / tau) / sum over j of exp(q_i k_j / tau)), and with q and k changed."""
    ours, there = vectors(), vectors()
    images, expected = there["image"], 0.0
    for name, scale in SCALES.items():
        for q, k in ((images, there[name]), (there[name], images)):
            for i in range(5):
                scores = torch.stack([scale * (q[i] * k[j]).sum() for j in range(5)])
                expected = expected - (scores[i].exp() / scores.exp().sum()).log() / 5 / 2
    loss = binding_loss(ours, SIMILARITIES)
    close(loss, expected)
    loss.backward()
    expected.backward()
    for name in ours:
        # Ours also takes the length out; along the vectors themselves nothing is left of the gradient.
        across = there[name].grad - (there[name].grad * there[name]).sum(1, keepdim=True) * there[name].detach()
        close(ours[name].grad, across.detach())


def test_no_gradient_runs_between_two_modalities_that_are_no_images():
    """What pulls at a text does not depend on the sounds: the mixed second derivatives are zero, but for images."""
    given = vectors()
    loss = binding_loss(given, SIMILARITIES)
    (pull,) = torch.autograd.grad(loss, given["text"], create_graph=True)
    weighted = (pull * unit(5, 7, seed=9)).sum()
    on = torch.autograd.grad(weighted, [given[n] for n in ("image", "audio", "depth")], allow_unused=True)
    assert on[0].abs().max() > 0
    assert on[1] is None and on[2] is None

    changed = {**vectors(), "audio": unit(5, 7, seed=11)}
    binding_loss(changed, SIMILARITIES).backward()
    assert torch.equal(changed["text"].grad, pull)


def test_the_loss_is_the_sum_over_modalities_in_any_order():
    given = vectors()
    pairs = [binding_loss({"image": given["image"], name: given[name]}, SIMILARITIES) for name in SCALES]
    close(binding_loss(given, SIMILARITIES), torch.stack(pairs).sum())
    close(binding_loss(dict(reversed(given.items())), SIMILARITIES), torch.stack(pairs).sum())


# --- published sizes --------------------------------------------------------------------------------------------------


def block_size(dim: int, extra_token: bool) -> int:
    attention = (dim + 1) * 3 * dim + (dim + 1) * dim + (2 * dim if extra_token else 0)
    perceptron = (dim + 1) * 4 * dim + (4 * dim + 1) * dim
    return attention + perceptron + 2 * 2 * dim


def patch_trunk_size(dim: int, blocks: int, patch: int, patches: int, *, before: bool, small: bool) -> int:
    norms = 2 * dim * (1 + before + small)  # of the head, before the blocks, behind the stem
    return patch * dim + dim + (1 + patches) * dim + norms + blocks * block_size(dim, small) + dim * 1024


HUGE = {
    "image": patch_trunk_size(1280, 32, 3 * 2 * 14 * 14, 16 * 16, before=True, small=False),
    "text": 49408 * 1024 + 77 * 1024 + 24 * block_size(1024, False) + 2 * 1024 + 1024 * 1024,
    "audio": patch_trunk_size(768, 12, 16 * 16, 12 * 19, before=False, small=True),
    "depth": patch_trunk_size(384, 12, 16 * 16, 14 * 14, before=False, small=True),
    "thermal": patch_trunk_size(768, 12, 16 * 16, 14 * 14, before=False, small=True),
    "imu": patch_trunk_size(512, 6, 6 * 8, 250, before=False, small=True),
}


def test_the_published_size_counted_by_hand():
    model = ImageBind(ImageBindConfig.preset("imagebind-huge"), device="meta")
    counts = {name: sum(p.numel() for p in trunk.parameters()) for name, trunk in model.trunks.items()}
    assert counts == HUGE
    total = sum(p.numel() for p in model.parameters())
    for name, count in counts.items():
        print(f"{name:8}{count:15,}")
    print(f"{'scales':8}{total - sum(counts.values()):15,}\n{'all':8}{total:15,}")
    assert total == sum(HUGE.values()) + 5 == 1_200_781_061
    # Image and text are OpenCLIP's ViT-H/14, of 986.11 million with its scale, but for the second frame of the kernel.
    assert HUGE["image"] - 3 * 14 * 14 * 1280 + HUGE["text"] + 1 == 986_109_441


def test_the_published_sizes_of_inputs():
    config = ImageBindConfig.preset("imagebind-huge")
    grids = {name: trunk.grid for name, trunk in config.trunks.items() if name != "text"}
    assert grids == {
        "image": (1, 16, 16),
        "audio": (12, 19),
        "depth": (14, 14),
        "thermal": (14, 14),
        "imu": (250,),
    }
    model = ImageBind(config, device="meta")
    rates = {name: [block.drop.rate for block in trunk.blocks] for name, trunk in model.trunks.items()}
    assert rates["audio"] == pytest.approx([0.1 * i / 11 for i in range(12)])
    assert rates["imu"] == pytest.approx([0.7 * i / 5 for i in range(6)])
    assert {rate for name in ("image", "text", "depth", "thermal") for rate in rates[name]} == {0}


@pytest.mark.parametrize("preset", PRESETS)
def test_only_the_scale_of_texts_is_learned(preset):
    config = ImageBindConfig.preset(preset)
    scales = {name: (c.scale, c.learned_scale) for name, c in config.trunks.items() if name != "image"}
    assert scales == {
        "text": (1 / 0.07, True),
        "audio": (20, False),
        "depth": (5, False),
        "thermal": (10, False),
        "imu": (5, False),
    }
    model = ImageBind(config, device="meta")
    assert {n: s.log_scale.requires_grad for n, s in model.similarities.items()} == {n: s[1] for n, s in scales.items()}
