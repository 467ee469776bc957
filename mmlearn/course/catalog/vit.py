"""Lesson 01: Vision Transformer."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from mmlearn.course.answer import Answer
from mmlearn.course.exercise import Exercise, Property
from mmlearn.course.probe import Case, Misuse, Result

PROJECTION = ("linear.weight", "linear.bias")
SELF_ATTENTION = ("qkv.weight", "qkv.bias", "out.weight", "out.bias")
BLOCK = (
    *("norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"),
    *(f"attention.{name}" for name in SELF_ATTENTION),
    *("mlp.0.weight", "mlp.0.bias", "mlp.2.weight", "mlp.2.bias"),
)
DEPTH = 2
ENCODER = (
    *("class_token", "positions", "norm.weight", "norm.bias"),
    *(f"blocks.{index}.{name}" for index in range(DEPTH) for name in BLOCK),
)
MODEL = (
    *(f"projection.{name}" for name in PROJECTION),
    *(f"encoder.{name}" for name in ENCODER),
    *("head.weight", "head.bias"),
)


def energy(tensor: Tensor) -> Tensor:
    """A scalar whose gradient depends on every number."""
    return tensor.square().sum()


def probe_patchify(patchify, case: Case) -> None:
    """A grid of 4 x 7 patches of 2 x 2 pixels: no two lengths are the same, so no two axes can be swapped unseen."""
    images_BCYX = case.randn(5, 3, 8, 14)
    patches = case.record("patches", lambda: case.call(patchify, images_BCYX, 2))
    case.derive("rows", patches, lambda p_BNK: p_BNK.mean(dim=2))  # blind to the order inside a patch
    case.derive("inside", patches, lambda p_BNK: p_BNK.mean(dim=1))  # blind to the order of the patches
    # Both blind to either order, so that each says one thing only.
    case.record("gradient", lambda: case.gradient(lambda x: energy(patchify(x, 2).mean(dim=2)), images_BCYX))
    case.record("dtype", lambda: case.call(patchify, images_BCYX.double(), 2).mean(dim=2).square().mean(dim=1))
    case.record("refuses_height", lambda: case.call(patchify, case.randn(5, 3, 7, 14), 2))
    case.record("refuses_width", lambda: case.call(patchify, case.randn(5, 3, 8, 13), 2))


def probe_projection(PatchProjection, case: Case) -> None:
    """The images of `probe_patchify`, projected to a width of 10."""
    projection, images_BCYX = case.fill(PatchProjection(3, 2, 10), PROJECTION), case.randn(5, 3, 8, 14)
    case.record("forward", lambda: case.call(projection, images_BCYX))
    kernel = case.record("kernel", lambda: case.call(projection.kernel))
    bias = projection.linear.bias
    case.derive("convolution", kernel, lambda k_DCPP: F.conv2d(images_BCYX, k_DCPP, bias, stride=2))
    # A sum of squares is blind to the order of the tokens, and that of the kernel's numbers.
    case.record("gradient", lambda: case.gradient(lambda x: energy(projection(x)), images_BCYX))
    case.record("learns", lambda: case.learning(projection, energy(case.call(projection, images_BCYX))))
    case.record("kernel_learns", lambda: case.learning(projection, energy(projection.kernel()), part="linear.weight"))
    case.record("refuses", lambda: either_side(lambda *sides: case.call(projection, case.randn(5, 3, *sides))))
    projection.double()
    case.record("dtype", lambda: case.call(projection, images_BCYX.double()).square().mean(dim=(1, 2)))


def either_side(project: Callable[[int, int], Tensor]) -> Tensor:
    """Project an image whose height is no multiple of 2; if that is refused, one whose width is none."""
    try:
        return project(7, 14)
    except ValueError:
        return project(8, 13)


def probe_attention(Attention, case: Case) -> None:
    """Two images of 5 tokens, 3 heads of width 4."""
    attention = case.fill(Attention(12, 3), SELF_ATTENTION)
    weights = record_attention(case, attention, case.randn(2, 5, 12))
    # Which token is looked at most does not change with the scale.
    case.derive("most", weights, lambda w_BHNn: w_BHNn.argmax(dim=3))


def record_attention(case: Case, attention, x_BND: Tensor) -> Result:
    """Record what is asked of any attention; give its weights."""
    weights = case.record("weights", lambda: case.call(attention.weights, x_BND))
    case.record("forward", lambda: case.call(attention, x_BND))
    case.record("gradient", lambda: case.gradient(lambda x: energy(attention(x)) + energy(attention.weights(x)), x_BND))
    case.record(
        "learns",
        lambda: torch.cat(
            [
                case.learning(attention, energy(case.call(attention, x_BND))),
                case.learning(attention, energy(case.call(attention.weights, x_BND)), part="qkv"),
            ]
        ),
    )
    attention.double()
    case.record("dtype", lambda: case.call(attention, x_BND.double()))
    # Scores in the thousands: a masked one must be below them all, and without the largest subtracted first their
    # exponentials overflow even in float64.
    case.record("stable", lambda: case.call(attention.weights, 30 * x_BND.double()))
    return weights


def probe_block(Block, case: Case) -> None:
    """One layer, whole and with either half switched off by zero weights."""
    block, x_BND = case.fill(Block(12, 3, 20), BLOCK), case.randn(2, 5, 12)
    case.record("forward", lambda: case.call(block, x_BND))
    case.record("gradient", lambda: case.gradient(lambda x: energy(block(x)), x_BND))
    case.record("learns", lambda: case.learning(block, energy(case.call(block, x_BND))))
    # What the layer adds to numbers this large is lost where they pass through float32.
    block, large_BND = block.double(), 1e7 * x_BND.double()
    case.record("dtype", lambda: case.call(block, large_BND).sub_(large_BND))
    for name, layer in (("perceptron", "attention.out"), ("attention", "mlp.2")):
        block = case.fill(Block(12, 3, 20), BLOCK)
        for parameter in block.get_submodule(layer).parameters():
            parameter.data.zero_()
        case.record(name, lambda block=block: case.call(block, x_BND))


def probe_encoder(Encoder, case: Case) -> None:
    """Four images of 5 patches in 2 blocks of 3 heads."""
    encoder = case.fill(Encoder(5, 12, DEPTH, 3, 20), ENCODER)
    patches_BND = case.randn(4, 5, 12)
    embedded = case.record("embed", lambda: case.call(encoder.embed, patches_BND))
    case.derive("class", embedded, lambda x_BND: x_BND[:, 0])
    case.derive("patches", embedded, lambda x_BND: x_BND[:, 1:])
    case.record("forward", lambda: case.call(encoder, patches_BND))
    case.record("gradient", lambda: case.gradient(lambda x: energy(encoder(x)), patches_BND))
    case.record("learns", lambda: case.learning(encoder, energy(case.call(encoder, patches_BND))))
    encoder.double()
    # Beyond the largest float32, which becomes infinite: a copy in float32 on the way does not pass.
    case.record("dtype", lambda: case.call(encoder, 1e40 * patches_BND.double()))


def probe_model(ViT, case: Case) -> None:
    """Six images of 4 x 7 patches; five classes."""
    from mmlearn.models.vit import ViTConfig

    config = ViTConfig((8, 14), patch_size=2, dim=18, depth=DEPTH, heads=3, mlp_dim=20, classes=5)
    model, images_BCYX = case.fill(ViT(config), MODEL), case.randn(6, 3, 8, 14)
    case.record("features", lambda: case.call(model.features, images_BCYX))
    case.record("forward", lambda: case.call(model, images_BCYX))
    case.record("gradient", lambda: case.gradient(lambda x: energy(model(x)) + energy(model.features(x)), images_BCYX))
    case.record("learns", lambda: case.learning(model, energy(case.call(model, images_BCYX))))
    case.record("refuses_size", lambda: refusal(lambda: model.features(case.randn(6, 3, 10, 16)), 8, 14, 10, 16))
    # As many patches as expected: nothing but a look at the sides tells.
    case.record("refuses_turned", lambda: model(case.randn(6, 3, 14, 8)))
    case.record("refuses_channels", lambda: model.features(case.randn(6, 1, 8, 14)))
    model.double()
    case.record("dtype", lambda: case.call(model, images_BCYX.double()))


def refusal(call: Callable[[], object], *named: int) -> object:
    """Make a call that should raise a ValueError whose message has all these numbers.

    Raises:
        Misuse: the message lacks some.
    """
    try:
        return call()
    except ValueError as error:
        missing = [str(number) for number in named if str(number) not in str(error)]
        if missing:
            text = f"its message does not say {', '.join(missing)}: name the size expected and the one that came"
            raise Misuse("a ValueError that explains too little", text) from error
        raise


def probe_interpolate(interpolate_positions, case: Case) -> None:
    """From 3 x 5 patches to 4 x 7, and from 8 x 6 to 3 x 5; the width is 9."""
    positions_1ND = case.randn(1, 1 + 3 * 5, 9)
    finer = case.record("finer", lambda: case.call(interpolate_positions, positions_1ND, (3, 5), (4, 7)))
    # Once for each token, so that the input as it is does not pass.
    case.derive("class", finer, lambda p_1MD: p_1MD[:, :1].expand_as(p_1MD))
    case.derive("patches", finer, lambda p_1MD: p_1MD[:, 1:])
    case.record("coarser", lambda: case.call(interpolate_positions, case.randn(1, 1 + 8 * 6, 9), (8, 6), (3, 5)))
    # Both blind to the order of the tokens.
    case.record(
        "gradient",
        lambda: case.gradient(lambda p: energy(interpolate_positions(p, (3, 5), (4, 7))), positions_1ND),
    )
    case.record(
        "dtype",
        lambda: case.call(interpolate_positions, positions_1ND.double(), (3, 5), (4, 7)).square().mean(dim=(1, 2)),
    )
    case.record("refuses", lambda: case.call(interpolate_positions, positions_1ND[:, 1:], (3, 5), (4, 7)))


EXERCISES = [
    Exercise(
        slug="vit.patchify",
        lesson="01",
        name="patchify",
        title="Cut an image into patches",
        difficulty=2,
        minutes=20,
        points=3,
        hints=(
            "Split each of the two pixel axes in two: which patch, and where in the patch. `reshape` to `[B, C, Y / P, "
            "P, X / P, P]` does both at once and moves no number.",
            "Name the six axes. In which order must they stand, so that a last `reshape` joins them into N patches of "
            "C * P * P numbers? `permute` brings them there.",
            "`images_BCYX.reshape(B, C, Y // P, P, X // P, P).permute(0, 2, 4, 1, 3, 5).reshape(B, -1, C * P * P)`. "
            "Before it, raise a `ValueError` if `Y % P or X % P`.",
        ),
        properties=(
            Property("patches", "projecting these patches is a strided convolution", weight=2),
            Property("rows", "the patches come row by row"),
            Property("inside", "inside a patch: channel, then row, then column"),
            Property("gradient", "the gradient at the image is right"),
            Property("dtype", "float64 images give the same in float64"),
            Property("refuses_height", "a height that is no multiple of P raises a ValueError", needs="patches"),
            Property("refuses_width", "a width that is no multiple of P raises a ValueError", needs="patches"),
        ),
        inputs="`images_BCYX` of shape [5, 3, 8, 14] and `patch_size` 2",
        reference_path="mmlearn.nn.patches:patchify",
        trial=probe_patchify,
    ),
    Exercise(
        slug="vit.projection",
        lesson="01",
        name="PatchProjection",
        title="Project the patches",
        difficulty=2,
        minutes=15,
        points=3,
        hints=(
            "`forward` is one line: the parts are `patchify` and `self.linear`. For `kernel`, look at the shape of "
            "`self.linear.weight`: [D, F], one row for each output number.",
            "A row of the weight holds its F = C * P * P numbers in the order in which `patchify` puts them: channel, "
            "row, column. A kernel is the same numbers with the axes [D, C, P, P].",
            "`self.linear(patchify(images_BCYX, self.patch_size))`, and "
            "`self.linear.weight.unflatten(1, (self.channels, self.patch_size, self.patch_size))`.",
        ),
        properties=(
            Property("forward", "`forward` projects every patch, row by row", weight=2),
            Property("kernel", "`kernel` has the weight's numbers in the order [D, C, P, P]"),
            Property("convolution", "a convolution with your kernel and stride P is the same map"),
            Property("gradient", "the gradient at the image is right"),
            Property("learns", "through `forward`, a gradient of the right size reaches every parameter"),
            Property("kernel_learns", "through `kernel`, a gradient of the right size reaches the weight"),
            Property("dtype", "float64 images and weights give the same in float64"),
            Property("refuses", "sides that are no multiples of P raise a ValueError", needs="forward"),
        ),
        inputs="`PatchProjection(channels=3, patch_size=2, dim=10)` and `images_BCYX` of shape [5, 3, 8, 14]",
        reference_path="mmlearn.nn.patches:PatchProjection",
        needs=("vit.patchify",),
        methods=("forward", "kernel"),
        trial=probe_projection,
    ),
    Exercise(
        slug="vit.attention",
        lesson="01",
        name="SelfAttention",
        title="Multi-head self-attention",
        difficulty=3,
        minutes=40,
        points=5,
        hints=(
            "Write down the shapes first. `self.qkv` gives [B, N, 3 D]; cut in three along the last axis, each part is "
            "[B, N, D]; with heads, [B, H, N, d]; the scores are [B, H, N, N].",
            "`chunk(3, dim=-1)` cuts in three. `unflatten(-1, (self.heads, -1))` splits D into heads, and "
            "`transpose(1, 2)` brings the heads before the tokens. The scores are `q_BHNd @ k_BHNd.transpose(-2, -1)`, "
            "divided by the square root of d. The softmax runs over the last axis.",
            "`forward` is `weights @ v_BHNd`, then tokens before heads again with `transpose(1, 2)`, then `flatten(2)` "
            "and `self.out(...)`.",
        ),
        properties=(
            Property("weights", "the weights are softmax(q k^T / sqrt(d)), one matrix a head", weight=2),
            Property("most", "each token looks most at the right token"),
            Property("stable", "the weights are right for scores whose `exp` overflows, in float64"),
            Property("forward", "the output mixes the values by the weights, joins the heads and projects", weight=2),
            Property("gradient", "the gradient at the tokens is right, through weights and values"),
            Property("learns", "a gradient of the right size reaches every parameter, through both methods"),
            Property("dtype", "float64 tokens and weights give the same in float64"),
        ),
        inputs="`SelfAttention(dim=12, heads=3)` and `x_BND` of shape [2, 5, 12]",
        reference_path="mmlearn.nn.attention:SelfAttention",
        methods=("weights", "forward"),
        trial=probe_attention,
    ),
    Exercise(
        slug="vit.block",
        lesson="01",
        name="PreNormBlock",
        title="The pre-norm block",
        difficulty=2,
        minutes=5,
        points=2,
        hints=(
            "Two lines, one for each equation. Each reads the tokens, normalises a copy, and adds what it computed to "
            "the tokens as they were.",
            "Equation 2: `x_BND = x_BND + self.attention(self.norm1(x_BND))`. Equation 3 has the same form and reads "
            "the new `x_BND`.",
        ),
        properties=(
            Property("forward", "the whole block is right", weight=2),
            Property("attention", "with the perceptron silenced (weights zero), the attention half is left"),
            Property("perceptron", "with the attention silenced (weights zero), the perceptron half is left"),
            Property("gradient", "the gradient is right, through both halves and both additions"),
            Property("learns", "a gradient of the right size reaches every parameter"),
            Property("dtype", "float64 tokens and weights: nothing passes through float32"),
        ),
        inputs="`PreNormBlock(dim=12, heads=3, mlp_dim=20)` and `x_BND` of shape [2, 5, 12]",
        reference_path="mmlearn.nn.transformer:PreNormBlock",
        needs=("vit.attention",),
        methods=("forward",),
        trial=probe_block,
    ),
    Exercise(
        slug="vit.encoder",
        lesson="01",
        name="Encoder",
        title="The encoder",
        difficulty=2,
        minutes=10,
        points=3,
        hints=(
            "`self.class_token` is `[1, 1, D]`, and each of the B images needs one: `expand(B, -1, -1)` repeats it "
            "without copying. `torch.cat([...], dim=1)` joins along the tokens.",
            "`self.positions` is `[1, N + 1, D]`: it has a row for the class token too, so it is added after the "
            "joining.",
            "`forward`: `x_BND = self.embed(patches_BND)`, then `for block in self.blocks: x_BND = block(x_BND)`, then "
            "`return self.norm(x_BND)`.",
        ),
        properties=(
            Property("embed", "`embed` puts the class token first and adds the positions"),
            Property("class", "the class token comes first and has its position"),
            Property("patches", "every patch has its own position"),
            Property("forward", "`forward` runs all blocks in order and the final norm", weight=2),
            Property("gradient", "the gradient at the patches is right"),
            Property("learns", "a gradient of the right size reaches every parameter, class token and positions too"),
            Property("dtype", "float64 patches and weights: nothing passes through float32"),
        ),
        inputs="`Encoder(patches=5, dim=12, depth=2, heads=3, mlp_dim=20)` and `patches_BND` of shape [4, 5, 12]",
        reference_path="mmlearn.models.vit:Encoder",
        needs=("vit.block",),
        methods=("embed", "forward"),
        trial=probe_encoder,
    ),
    Exercise(
        slug="vit.model",
        lesson="01",
        name="ViT",
        title="The whole model",
        difficulty=2,
        minutes=15,
        points=4,
        hints=(
            "Follow the shapes: images [B, C, Y, X], projected patches [B, N, D], encoded tokens [B, 1 + N, D], the "
            "class token [B, D], scores [B, K]. Each arrow is one part of `__init__`, or an index.",
            "The class token is the first: `[:, 0]` along the tokens. For the refusal, compare `images_BCYX.shape[1:]` "
            "with `(self.config.channels, *self.config.image_size)`.",
            "`features`: the comparison, then `return self.encoder(self.projection(images_BCYX))[:, 0]`. `forward`: "
            "`return self.head(self.features(images_BCYX))`.",
        ),
        properties=(
            Property("features", "`features` gives the encoded class token", weight=2),
            Property("forward", "`forward` gives the head's score for each class", weight=2),
            Property("gradient", "the gradient at the images is right, through `features` and `forward`"),
            Property("learns", "a gradient of the right size reaches every parameter"),
            Property("dtype", "float64 images and weights give the same in float64"),
            Property("refuses_size", "another image size raises a ValueError that names both sizes", needs="features"),
            Property("refuses_turned", "an image on its side raises a ValueError, in `forward` too", needs="forward"),
            Property("refuses_channels", "another number of channels raises a ValueError", needs="features"),
        ),
        inputs=(
            "`ViT(ViTConfig((8, 14), patch_size=2, dim=18, depth=2, heads=3, mlp_dim=20, classes=5))` and "
            "`images_BCYX` of shape [6, 3, 8, 14]"
        ),
        reference_path="mmlearn.models.vit:ViT",
        needs=("vit.projection", "vit.encoder"),
        uses=("ViTConfig",),
        methods=("features", "forward"),
        trial=probe_model,
    ),
    Exercise(
        slug="vit.interpolate",
        lesson="01",
        name="interpolate_positions",
        title="Positions for another image size",
        difficulty=3,
        minutes=25,
        points=4,
        hints=(
            "Put the first position, that of the class token, aside. The others are a picture: N = rows * columns "
            "pixels with D channels. Torch resamples pictures, in the shape [1, D, rows, columns].",
            "To the picture: `unflatten(1, (rows, columns))`, then `permute(0, 3, 1, 2)`. Resample: "
            '`F.interpolate(..., size=new_grid, mode="bicubic")`. Back: `flatten(2).transpose(1, 2)`.',
            "`torch.cat([positions_1ND[:, :1], resampled_1MD], dim=1)` puts the class token's position in front again. "
            "Before all this, raise a `ValueError` if there are not `1 + rows * columns` positions.",
        ),
        properties=(
            Property("finer", "for a finer grid, the patches' positions are resampled like an image", weight=2),
            Property("class", "the class token's position comes first and stays as it is"),
            Property("patches", "every patch has the position of its place, row by row"),
            Property("coarser", "a coarser grid is right too"),
            Property("gradient", "the gradient at the positions is right"),
            Property("dtype", "float64 positions give the same in float64"),
            Property("refuses", "positions that do not fit the grid raise a ValueError", needs="finer"),
        ),
        inputs="`positions_1ND` of shape [1, 16, 9] for a grid of (3, 5) and the new grid (4, 7)",
        reference_path="mmlearn.nn.positions:interpolate_positions",
        trial=probe_interpolate,
    ),
]

ANSWERS = [
    Answer(
        slug="vit.advantages",
        lesson="01",
        title="What the transformer brings",
        points=4,
        minutes=10,
        rubric=(
            (1, "Which of the two is more accurate here, and how that changes with more images and with more steps"),
            (1, "What is built into one of them and has to be learned by the other, as a reason for it"),
            (1, "What one more experiment of this part shows: taken from its figure, and with what it means"),
            (1, "What the transformer does bring, and something that these experiments cannot decide"),
        ),
    ),
]
