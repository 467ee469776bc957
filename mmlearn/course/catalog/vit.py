"""Lesson 01: Vision Transformer."""

from torch import Tensor

from mmlearn.course.exercise import Exercise, Property
from mmlearn.course.probe import Case

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


def probe_attention(Attention, case: Case) -> None:
    """Two images of 5 tokens, 3 heads of width 4."""
    attention, x_BND = case.fill(Attention(12, 3), SELF_ATTENTION), case.randn(2, 5, 12)
    weights = case.record("weights", lambda: case.call(attention.weights, x_BND))
    # Which token is looked at most does not change with the scale.
    case.derive("most", weights, lambda w_BHNn: w_BHNn.argmax(dim=3))
    case.record("forward", lambda: case.call(attention, x_BND))
    case.record("gradient", lambda: case.gradient(lambda x: energy(attention(x)) + energy(attention.weights(x)), x_BND))
    # Scores in the thousands: their exponentials overflow even in float64 unless the largest is subtracted first.
    attention.double()
    case.record("stable", lambda: case.call(attention.weights, 30 * x_BND.double()))


def probe_block(Block, case: Case) -> None:
    """One layer, whole and with either half switched off by zero weights."""
    block, x_BND = case.fill(Block(12, 3, 20), BLOCK), case.randn(2, 5, 12)
    case.record("forward", lambda: case.call(block, x_BND))
    case.record("gradient", lambda: case.gradient(lambda x: energy(block(x)), x_BND))
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


EXERCISES = [
    Exercise(
        slug="vit.patchify",
        lesson="01",
        name="patchify",
        title="Cut an image into patches",
        difficulty=2,
        minutes=15,
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
        slug="vit.attention",
        lesson="01",
        name="SelfAttention",
        title="Multi-head self-attention",
        difficulty=3,
        minutes=25,
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
        ),
        inputs="`Encoder(patches=5, dim=12, depth=2, heads=3, mlp_dim=20)` and `patches_BND` of shape [4, 5, 12]",
        reference_path="mmlearn.models.vit:Encoder",
        needs=("vit.block",),
        methods=("embed", "forward"),
        trial=probe_encoder,
    ),
]
