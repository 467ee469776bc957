"""The ground floor against torch's own layers: the same numbers and gradients from the same weights."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmlearn.nn.attention import CausalSelfAttention, SelfAttention
from mmlearn.nn.patches import PatchProjection, StridedProjection, overlapping_patches, patchify, strided_grid
from mmlearn.nn.positions import interpolate_positions
from mmlearn.nn.transformer import PreNormBlock, QuickGELU

SIZES = [(12, 3, 20, 5), (16, 1, 8, 7), (24, 8, 48, 3)]  # dim, heads, mlp_dim, tokens


def close(ours, theirs) -> None:
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    error = (ours - theirs).abs().max() / theirs.abs().max()
    assert error <= 1e-5, f"max|a-b| / max|b| is {error:.2g}"


def randomise(module: nn.Module) -> nn.Module:
    """Every parameter, biases and norms too: a zero or a one would hide an error."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return module


def tokens(batch: int, count: int, dim: int) -> torch.Tensor:
    return torch.randn(batch, count, dim, generator=torch.Generator().manual_seed(2))


# --- patches ----------------------------------------------------------------------------------------------------------

IMAGES = [((5, 3, 8, 14), 2), ((2, 1, 6, 9), 3), ((1, 4, 16, 4), 4), ((2, 3, 5, 7), 1)]


def images(shape) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize(("shape", "side"), IMAGES)
def test_patches_are_torchs_unfold(shape, side):
    assert torch.equal(patchify(images(shape), side), F.unfold(images(shape), side, stride=side).mT)


@pytest.mark.parametrize(("shape", "side"), IMAGES)
def test_projected_patches_are_a_strided_convolution(shape, side):
    convolution = randomise(nn.Conv2d(shape[1], 10, side, stride=side))
    ours = patchify(images(shape), side) @ convolution.weight.flatten(1).T + convolution.bias
    close(ours, convolution(images(shape)).flatten(2).mT)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.uint8])
def test_patches_keep_the_dtype(dtype):
    assert patchify(torch.ones(1, 2, 4, 6, dtype=dtype), 2).dtype == dtype


@pytest.mark.parametrize(("height", "width"), [(7, 14), (8, 13), (1, 2)])
def test_patches_that_do_not_fill_the_image_are_refused(height, width):
    with pytest.raises(ValueError, match=f"patches of side 2 do not fill an image of {height} x {width} pixels"):
        patchify(torch.zeros(1, 3, height, width), 2)


@pytest.mark.parametrize(("shape", "side"), IMAGES)
def test_the_patch_projection_is_torchs_strided_convolution(shape, side):
    theirs = randomise(nn.Conv2d(shape[1], 10, side, stride=side))
    ours = PatchProjection(shape[1], side, 10)
    ours.load_state_dict({"linear.weight": theirs.weight.flatten(1), "linear.bias": theirs.bias})
    close(ours(images(shape)), theirs(images(shape)).flatten(2).mT)
    close(ours(images(shape)), ours.linear(patchify(images(shape), side)))
    assert torch.equal(ours.kernel(), theirs.weight)

    x, y = images(shape).requires_grad_(), images(shape).requires_grad_()
    ours(x).square().sum().backward()
    theirs(y).square().sum().backward()
    close(x.grad, y.grad)
    close(ours.linear.weight.grad, theirs.weight.grad.flatten(1))
    close(ours.linear.bias.grad, theirs.bias.grad)


@pytest.mark.parametrize(("height", "width"), [(7, 14), (8, 13), (1, 2)])
def test_an_image_is_not_cropped_before_it_is_projected(height, width):
    with pytest.raises(ValueError, match=f"patches of side 2 do not fill an image of {height} x {width} pixels"):
        PatchProjection(3, 2, 10)(torch.zeros(1, 3, height, width))


@pytest.mark.filterwarnings("ignore:.*is deprecated")
def test_the_look_at_the_sides_stays_out_of_graphs():
    projection, batch = PatchProjection(3, 2, 10), images((5, 3, 8, 14))
    dynamic = {"images_BCYX": {0: torch.export.Dim("B", min=2, max=64)}}
    exported = torch.export.export(projection, (batch,), dynamic_shapes=dynamic)
    compiled = torch.compile(projection, fullgraph=True, backend="eager")
    with torch.no_grad():
        close(exported.module()(batch[:3]), projection(batch[:3]))
        close(compiled(batch), projection(batch))


def test_the_kernel_is_the_matrix_itself():
    projection = PatchProjection(3, 2, 10)
    assert projection.kernel().data_ptr() == projection.linear.weight.data_ptr()


OVERLAPPING = [  # shape, kernel, stride: with and without overlap, with something left over, one patch, gaps between
    ((5, 3, 16, 22), (4, 6), (3, 2)),
    ((2, 1, 17, 25), (4, 6), (4, 6)),
    ((3, 2, 9, 8), (3, 5), (1, 2)),
    ((1, 4, 4, 6), (4, 6), (3, 2)),
    ((2, 3, 11, 10), (2, 3), (4, 5)),
]


@pytest.mark.parametrize(("shape", "kernel", "stride"), OVERLAPPING)
def test_overlapping_patches_are_torchs_unfold(shape, kernel, stride):
    patches_BNF = overlapping_patches(images(shape), kernel, stride)
    assert torch.equal(patches_BNF, F.unfold(images(shape), kernel, stride=stride).mT)
    assert patches_BNF.shape[1] == math.prod(strided_grid(shape[2:], kernel, stride))


@pytest.mark.parametrize(("shape", "kernel", "stride"), OVERLAPPING)
def test_projected_overlapping_patches_are_the_strided_projection(shape, kernel, stride):
    projection = randomise(StridedProjection(shape[1], kernel, 10, stride=stride))
    ours = overlapping_patches(images(shape), kernel, stride) @ projection.kernel().flatten(1).T
    close(ours, projection(images(shape)))
    close(ours, F.conv2d(images(shape), projection.kernel(), stride=stride).flatten(2).mT)


@pytest.mark.parametrize(("shape", "side"), IMAGES)
def test_patches_side_by_side_are_those_of_patchify(shape, side):
    assert torch.equal(overlapping_patches(images(shape), (side, side), (side, side)), patchify(images(shape), side))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.uint8])
def test_overlapping_patches_keep_the_dtype(dtype):
    assert overlapping_patches(torch.ones(1, 2, 4, 6, dtype=dtype), (2, 3), (1, 2)).dtype == dtype


@pytest.mark.parametrize(("height", "width"), [(3, 22), (16, 5)])
def test_patches_larger_than_the_picture_are_refused(height, width):
    with pytest.raises(ValueError, match=f"patches of 4 x 6 do not fit into a picture of {height} x {width}"):
        overlapping_patches(torch.zeros(1, 3, height, width), (4, 6), (3, 2))


# --- positions --------------------------------------------------------------------------------------------------------


def bicubic(old: int, new: int) -> torch.Tensor:
    """The weights `[new, old]` by which Keys' cubic (1981; a = -0.75) makes `new` values out of `old` ones."""
    weights = torch.zeros(new, old)
    for i in range(new):
        place = (i + 0.5) * old / new - 0.5  # in the middles of the cells
        for j in range(math.floor(place) - 1, math.floor(place) + 3):
            t = abs(place - j)
            cubic = 1.25 * t**3 - 2.25 * t**2 + 1 if t <= 1 else -0.75 * (t**3 - 5 * t**2 + 8 * t - 4)
            weights[i, min(max(j, 0), old - 1)] += cubic  # what lies outside takes the value at the edge
    return weights


@pytest.mark.parametrize(
    ("grid", "new_grid"), [((3, 5), (4, 7)), ((8, 6), (3, 5)), ((2, 9), (5, 4)), ((1, 4), (3, 2)), ((3, 5), (3, 5))]
)
def test_positions_are_interpolated_by_keys_cubic_on_the_grid(grid, new_grid):
    positions_1ND = tokens(1, 1 + math.prod(grid), 6)
    grid_YXD = positions_1ND[0, 1:].reshape(*grid, 6)
    down, across = (bicubic(*pair) for pair in zip(grid, new_grid, strict=True))
    expected = torch.einsum("iy,jx,yxd->ijd", down, across, grid_YXD).reshape(1, -1, 6)
    ours = interpolate_positions(positions_1ND, grid, new_grid)
    assert torch.equal(ours[:, :1], positions_1ND[:, :1])
    close(ours[:, 1:], expected)


def test_positions_that_are_too_few_for_the_grid_are_refused():
    with pytest.raises(ValueError, match="a grid of 3 x 5 patches has 16 positions with the class token's; got 15"):
        interpolate_positions(torch.zeros(1, 15, 6), (3, 5), (4, 7))


# --- attention --------------------------------------------------------------------------------------------------------


def attention_pair(dim: int, heads: int) -> tuple[SelfAttention, nn.MultiheadAttention]:
    ours, theirs = SelfAttention(dim, heads), randomise(nn.MultiheadAttention(dim, heads, batch_first=True))
    ours.load_state_dict(
        {
            "qkv.weight": theirs.in_proj_weight,
            "qkv.bias": theirs.in_proj_bias,
            "out.weight": theirs.out_proj.weight,
            "out.bias": theirs.out_proj.bias,
        }
    )
    return ours, theirs


@pytest.mark.parametrize(("dim", "heads", "_", "count"), SIZES)
def test_attention_is_torchs(dim, heads, _, count):
    ours, theirs = attention_pair(dim, heads)
    x_BND = tokens(2, count, dim).requires_grad_()
    expected, weights_BHNn = theirs(x_BND, x_BND, x_BND, average_attn_weights=False)
    close(ours(x_BND), expected)
    close(ours.weights(x_BND), weights_BHNn)
    close(ours.weights(x_BND).sum(-1), torch.ones(2, heads, count))


@pytest.mark.parametrize(("dim", "heads", "_", "count"), SIZES)
def test_the_gradients_of_attention_are_torchs(dim, heads, _, count):
    ours, theirs = attention_pair(dim, heads)
    x, y = tokens(2, count, dim).requires_grad_(), tokens(2, count, dim).requires_grad_()
    ours(x).square().sum().backward()
    theirs(y, y, y)[0].square().sum().backward()
    close(x.grad, y.grad)
    close(ours.qkv.weight.grad, theirs.in_proj_weight.grad)
    close(ours.qkv.bias.grad, theirs.in_proj_bias.grad)
    close(ours.out.weight.grad, theirs.out_proj.weight.grad)
    close(ours.out.bias.grad, theirs.out_proj.bias.grad)


def test_the_weights_that_are_looked_at_are_those_of_forward():
    attention, x_BND = randomise(SelfAttention(12, 3)), tokens(2, 5, 12)
    mixed_BHNd = attention.weights(x_BND) @ attention.split(x_BND)[2]
    close(attention(x_BND), attention.out(mixed_BHNd.transpose(1, 2).flatten(2)))


@pytest.mark.parametrize(("dim", "heads", "_", "count"), SIZES)
def test_causal_attention_is_torchs_with_a_mask(dim, heads, _, count):
    _, theirs = attention_pair(dim, heads)
    ours = CausalSelfAttention(dim, heads)
    ours.load_state_dict(attention_pair(dim, heads)[0].state_dict())
    x, y = tokens(2, count, dim).requires_grad_(), tokens(2, count, dim).requires_grad_()
    later_Nn = torch.ones(count, count, dtype=torch.bool).triu(1)  # what torch calls True is not seen
    expected, weights_BHNn = theirs(y, y, y, attn_mask=later_Nn, average_attn_weights=False)
    close(ours(x), expected)
    close(ours.weights(x), weights_BHNn)

    ours(x).square().sum().backward()
    expected.square().sum().backward()
    close(x.grad, y.grad)
    close(ours.qkv.weight.grad, theirs.in_proj_weight.grad)
    close(ours.out.weight.grad, theirs.out_proj.weight.grad)


def test_no_token_is_changed_by_later_ones():
    attention, x_BND = randomise(CausalSelfAttention(12, 3)), tokens(2, 6, 12)
    for count in range(1, 7):
        close(attention(x_BND[:, :count]), attention(x_BND)[:, :count])
    assert torch.equal(attention.weights(x_BND), attention.weights(x_BND).tril())


@pytest.mark.parametrize(("dim", "heads"), [(12, 5), (4, 8)])
def test_heads_that_do_not_divide_the_width_are_refused(dim, heads):
    with pytest.raises(ValueError, match=f"{heads} heads do not divide a width of {dim}"):
        PreNormBlock(dim, heads, 16)


# --- the block --------------------------------------------------------------------------------------------------------

BLOCK_NAMES = {
    "norm1": "norm1",
    "norm2": "norm2",
    "attention.out": "self_attn.out_proj",
    "mlp.0": "linear1",
    "mlp.2": "linear2",
}
BLOCK_KEYS = {
    "attention.qkv.weight": "self_attn.in_proj_weight",
    "attention.qkv.bias": "self_attn.in_proj_bias",
    **{f"{a}.{kind}": f"{b}.{kind}" for a, b in BLOCK_NAMES.items() for kind in ("weight", "bias")},
}


@pytest.mark.parametrize(("dim", "heads", "mlp_dim", "count"), SIZES)
@pytest.mark.parametrize("norm_eps", [1e-6, 1e-3])
def test_the_block_is_torchs_pre_norm_layer(dim, heads, mlp_dim, count, norm_eps):
    theirs = nn.TransformerEncoderLayer(
        dim, heads, mlp_dim, dropout=0, activation="gelu", layer_norm_eps=norm_eps, batch_first=True, norm_first=True
    )
    randomise(theirs)
    ours, peer_state = PreNormBlock(dim, heads, mlp_dim, norm_eps=norm_eps), theirs.state_dict()
    assert set(BLOCK_KEYS.values()) == set(peer_state)
    ours.load_state_dict({mine: peer_state[name] for mine, name in BLOCK_KEYS.items()})

    x, y = tokens(2, count, dim).requires_grad_(), tokens(2, count, dim).requires_grad_()
    close(ours(x), theirs(y))
    ours(x).square().sum().backward()
    theirs(y).square().sum().backward()
    close(x.grad, y.grad)
    theirs_by_name = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        close(parameter.grad, theirs_by_name[BLOCK_KEYS[name]].grad)


def test_device_and_dtype_are_those_asked_for():
    block = PreNormBlock(12, 3, 20, device="meta", dtype=torch.bfloat16)
    assert {(p.device.type, p.dtype) for p in block.parameters()} == {("meta", torch.bfloat16)}
    assert block(torch.empty(2, 5, 12, device="meta", dtype=torch.bfloat16)).shape == (2, 5, 12)


@pytest.mark.parametrize(("dim", "heads", "mlp_dim", "count"), SIZES)
def test_a_causal_block_is_torchs_with_a_mask(dim, heads, mlp_dim, count):
    theirs = nn.TransformerEncoderLayer(
        dim, heads, mlp_dim, dropout=0, activation="gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
    )
    peer_state = randomise(theirs).state_dict()
    ours = PreNormBlock(dim, heads, mlp_dim, causal=True)
    ours.load_state_dict({mine: peer_state[name] for mine, name in BLOCK_KEYS.items()})
    later_Nn = torch.ones(count, count, dtype=torch.bool).triu(1)
    close(ours(tokens(2, count, dim)), theirs(tokens(2, count, dim), src_mask=later_Nn))


def test_quick_gelu_is_the_peers():
    from transformers.activations import ACT2FN

    x, y = (torch.linspace(-8, 8, 101).requires_grad_() for _ in range(2))
    close(QuickGELU()(x), ACT2FN["quick_gelu"](y))
    QuickGELU()(x).sum().backward()
    ACT2FN["quick_gelu"](y).sum().backward()
    close(x.grad, y.grad)
    assert (QuickGELU()(x) - F.gelu(x)).abs().max() < 0.025, "near GELU"


def test_the_activation_of_a_block_can_be_chosen():
    block = PreNormBlock(12, 3, 20, activation=QuickGELU)
    assert isinstance(block.mlp[1], QuickGELU) and isinstance(PreNormBlock(12, 3, 20).mlp[1], nn.GELU)
    assert set(block.state_dict()) == set(PreNormBlock(12, 3, 20).state_dict())
