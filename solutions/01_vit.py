# %% [markdown]
# # 01 · Vision Transformer (ViT)
#
# A transformer reads a sequence. An image is not one. The Vision Transformer cuts the image into square patches, turns
# every patch into a vector, and reads the vectors like words. Nothing else in it is made for images.
#
# **You will** write the model in four parts, train it to tell eight groups of emoji apart, set it against a
# convolutional network, and look at what it attends to. **You need** lesson 00. **Time:** about 20 minutes to read, an
# hour for the exercises, 70 to 90 seconds to run.

# %% tags=["setup"]
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn import data, train
from mmlearn.course import check, explore, live_curve, show, style
from mmlearn.course.drawings import vit as draw
from mmlearn.eval.classification import accuracy, majority_share, wilson_interval
from mmlearn.models.cnn import SmallCNN
from mmlearn.models.vit import ViT, ViTConfig

style()  # the course's look for every figure below

# %% [markdown]
# ## Why
#
# A convolution looks at a small neighbourhood. To relate two far corners of an image, it needs many layers. In a
# transformer every patch can look at every other patch in the first layer. What this is worth when there are few images
# is what this lesson measures.
#
# The picture shows the whole idea. It uses few, large patches so that you can see them; the model below uses patches
# of 4 × 4 pixels.

# %% id="the-idea"
emoji = data.load("emoji", split="train", size=32)


def noto(*names: str, size: int) -> Tensor:
    """The drawings with these names in the style noto, uint8 [B, 3, size, size]."""
    rows = data.load("emoji", split="noto", size=size)
    named = rows.filter(lambda name: name in names, input_columns="label_en")
    return data.to_tensor(named.filter(lambda by: by == "noto", input_columns="style"))


example = noto("parrot", size=64)[0]
show(
    draw.idea(example, patch_size=16),
    alt="A parrot is cut into 4 by 4 square patches. Below, the patches stand in one row "
    "behind a class token. From the row, arrows lead to a projection, an encoder, and a "
    "head that reads the class token.",
)

# %% [markdown]
# ## Build
#
# The letters of this lesson: **B** batch, **C** channels, **Y** and **X** rows and columns of pixels, **P** side of a
# patch, **F** = C · P · P numbers in a patch, **N** patches (in attention and block: tokens), **D** width of the model,
# **H** heads, **d** = D / H width of one head, **K** classes.

# %% [markdown]
# ### Patches
#
# An image of Y × X pixels holds $N = \frac{Y}{P} \cdot \frac{X}{P}$ patches. Each is flattened into one vector of
# $F = C \cdot P \cdot P$ numbers (section 3.1 of the paper). Order the patches row by row. Inside a patch, order the
# numbers by channel, then row, then column. The paper fixes no order; this is how PyTorch stores the weights of a
# convolution, and the check below uses it: projecting your patches with a matrix must equal a convolution with kernel P
# and stride P.
#
# An example with one channel and P = 2. The image with the rows `0 1 2 3`, `4 5 6 7`, `8 9 10 11`, `12 13 14 15` becomes
# the patches `0 1 4 5`, `2 3 6 7`, `8 9 12 13`, `10 11 14 15`.


# %% exercise="vit.patchify"
def patchify(images_BCYX: Tensor, patch_size: int) -> Tensor:
    """Cut images into flattened patches: [B, C, Y, X] to [B, N, C * P * P].

    Raises a ValueError if P does not divide Y and X.
    """
    B, C, Y, X = images_BCYX.shape
    P = patch_size
    ### BEGIN SOLUTION
    if Y % P or X % P:
        raise ValueError(f"patches of side {P} do not fill {Y} x {X} pixels")
    patches = images_BCYX.reshape(B, C, Y // P, P, X // P, P)
    patches = patches.permute(0, 2, 4, 1, 3, 5)  # [B, Y/P, X/P, C, P, P]
    return patches.reshape(B, -1, C * P * P)
    ### END SOLUTION


# %% check="vit.patchify"
# NBVAL_CHECK_OUTPUT
patchify = check("vit.patchify")

# %% [markdown]
# So a patch projection *is* a convolution. Here are both, on real images, with the same weights.

# %% id="patches-are-a-convolution"
# NBVAL_CHECK_OUTPUT
images_BCYX = data.to_tensor(emoji.select(range(8))).float() / 255
kernel = torch.randn(64, 3, 4, 4)  # D, C, P, P
patches_BNF = patchify(images_BCYX, 4)
by_matrix = patches_BNF @ kernel.flatten(1).T
by_convolution = F.conv2d(images_BCYX, kernel, stride=4).flatten(2).transpose(1, 2)
print("patches", tuple(patches_BNF.shape), "projected", tuple(by_matrix.shape))
print("equal to the convolution:", torch.allclose(by_matrix, by_convolution, atol=1e-4))

# %% [markdown]
# ### Attention
#
# From here on, each vector of the sequence is called a *token*. Attention lets every token collect from all tokens
# (appendix A). Each token makes three vectors from itself: a query
# $q$, what it looks for; a key $k$, what it offers; and a value $v$, what it hands over. The weights of a head are
#
# $$A = \operatorname{softmax}\!\left(\frac{q k^\top}{\sqrt{d}}\right), \qquad \text{output} = A v \qquad (5, 6, 7)$$
#
# The softmax runs over the tokens that are looked at, so each row of $A$ sums to 1. H heads do this side by side, each
# on its own slice of d numbers. Their outputs are joined and projected by `self.out` (8).
#
# `self.qkv` makes all queries, keys and values in one product. Its 3 D outputs are first all queries, then all keys,
# then all values. `weights` gives $A$; `forward` gives the mixed and projected tokens. You may write helper methods, or
# compute q, k and v in both.


# %% exercise="vit.attention"
class SelfAttention(nn.Module):
    """Multi-head self-attention: tokens [B, N, D] to tokens [B, N, D]."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def weights(self, x_BND: Tensor) -> Tensor:
        """How much each token takes from each other one: [B, N, D] to [B, H, N, N]."""
        ### BEGIN SOLUTION
        q_BHNd, k_BHNd, _ = self.split(x_BND)
        return self.look(q_BHNd, k_BHNd)

    def split(self, x_BND):
        parts = self.qkv(x_BND).chunk(3, dim=-1)
        return [part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts]

    def look(self, q_BHNd, k_BHNd):
        scores_BHNN = q_BHNd @ k_BHNd.transpose(-2, -1) / math.sqrt(q_BHNd.shape[-1])
        return torch.softmax(scores_BHNN, dim=-1)
        ### END SOLUTION

    def forward(self, x_BND: Tensor) -> Tensor:
        """Mix the tokens: [B, N, D] to [B, N, D]."""
        ### BEGIN SOLUTION
        q_BHNd, k_BHNd, v_BHNd = self.split(x_BND)
        y_BHNd = self.look(q_BHNd, k_BHNd) @ v_BHNd
        return self.out(y_BHNd.transpose(1, 2).flatten(2))
        ### END SOLUTION


# %% check="vit.attention"
# NBVAL_CHECK_OUTPUT
SelfAttention = check("vit.attention")

# %% [markdown]
# ### The block
#
# A block has two halves: attention, where tokens exchange what they know, and a two-layer perceptron (MLP), which works
# on each token alone. Each half reads a *normalised* copy and adds its result to the tokens as they were. Layer norm (LN)
# shifts and scales each token to mean 0 and variance 1, then by learned numbers. MSA is your multi-head self-attention:
#
# $$z' = \operatorname{MSA}(\operatorname{LN}(z)) + z \qquad (2)$$
# $$z'' = \operatorname{MLP}(\operatorname{LN}(z')) + z' \qquad (3)$$
#
# The additions are the residual path. Gradients travel along it past every block, one reason why deep stacks can be
# trained.


# %% exercise="vit.block"
class PreNormBlock(nn.Module):
    """One layer of the encoder: tokens [B, N, D] to tokens [B, N, D]."""

    def __init__(self, dim: int, heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attention = SelfAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(dim, mlp_dim), nn.GELU(), nn.Linear(mlp_dim, dim)
        )

    def forward(self, x_BND: Tensor) -> Tensor:
        """Equations 2 and 3."""
        ### BEGIN SOLUTION
        x_BND = x_BND + self.attention(self.norm1(x_BND))
        return x_BND + self.mlp(self.norm2(x_BND))
        ### END SOLUTION


# %% check="vit.block"
# NBVAL_CHECK_OUTPUT
PreNormBlock = check("vit.block")

# %% [markdown]
# ### The encoder
#
# Attention does not know where a token stands: shuffle the tokens, and the outputs are shuffled the same way. So every
# place gets a learned vector, its position, which is added to the token there. One more token, the class token, is put in
# front. It belongs to no patch; it is there to collect what the head needs:
#
# $$z_0 = [\,x_{\text{class}};\; x^1_p E;\; \dots;\; x^N_p E\,] + E_{\text{pos}} \qquad (1)$$
#
# Here $x^i_p$ is the i-th flattened patch, $E$ the patch projection, and $E_{\text{pos}}$ holds N + 1 positions. `embed`
# receives the products $x^i_p E$; the projection itself comes with the whole model. Then come the blocks, and a last
# layer norm (4).


# %% exercise="vit.encoder"
class Encoder(nn.Module):
    """Projected patches [B, N, D] to encoded tokens [B, 1 + N, D], the class token first."""

    def __init__(
        self, patches: int, dim: int, depth: int, heads: int, mlp_dim: int
    ) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.positions = nn.Parameter(0.02 * torch.randn(1, patches + 1, dim))
        self.blocks = nn.ModuleList(
            PreNormBlock(dim, heads, mlp_dim) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def embed(self, patches_BND: Tensor) -> Tensor:
        """Equation 1: [B, N, D] to [B, 1 + N, D]."""
        ### BEGIN SOLUTION
        class_B1D = self.class_token.expand(len(patches_BND), -1, -1)
        return torch.cat([class_B1D, patches_BND], dim=1) + self.positions
        ### END SOLUTION

    def forward(self, patches_BND: Tensor) -> Tensor:
        """Embed, run all blocks, normalise: [B, N, D] to [B, 1 + N, D]."""
        ### BEGIN SOLUTION
        x_BND = self.embed(patches_BND)
        for block in self.blocks:
            x_BND = block(x_BND)
        return self.norm(x_BND)
        ### END SOLUTION


# %% check="vit.encoder"
# NBVAL_CHECK_OUTPUT
Encoder = check("vit.encoder")

# %% [markdown]
# ### The whole model
#
# Your parts, joined: patches, projection, encoder, and a linear head that reads the class token. The sizes are those of
# the preset `"toy"`.


# %%
# NBVAL_CHECK_OUTPUT
class ToyViT(nn.Module):
    """Images [B, C, Y, X] to class scores [B, K]."""

    def __init__(self, c: ViTConfig) -> None:
        super().__init__()
        self.patch_size = c.patch_size
        self.projection = nn.Linear(c.channels * c.patch_size**2, c.dim)
        self.encoder = Encoder(
            c.grid[0] * c.grid[1], c.dim, c.depth, c.heads, c.mlp_dim
        )
        self.head = nn.Linear(c.dim, c.classes)

    def forward(self, images_BCYX: Tensor) -> Tensor:
        patches_BND = self.projection(patchify(images_BCYX, self.patch_size))
        return self.head(self.encoder(patches_BND)[:, 0])


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


config = ViTConfig.preset("toy")
torch.manual_seed(0)
vit = ToyViT(config)
cnn = SmallCNN(config.classes, width=24)
print(config)
print(f"ViT {parameters(vit):,} parameters, CNN {parameters(cnn):,}")

# %% [markdown]
# ## Train
#
# The task: tell the eight groups of emoji apart. Both models get the same images, the same shifts and mirror images
# (augmentation), the same number of steps, and about the same number of parameters. Both are judged on concepts that
# training never showed, in styles that it did; and on drawings by another hand (noto and noto-v1), of concepts that
# training did show.

# %% id="data"
# NBVAL_CHECK_OUTPUT
groups = sorted(set(emoji["group"]))


def tensors(split: str) -> tuple[Tensor, Tensor]:
    """Images [B, 3, 32, 32] from -1 to 1, and labels [B]."""
    rows = data.load("emoji", split=split, size=32)
    labels = [groups.index(group) for group in rows["group"]]
    return data.to_tensor(rows).float() / 127.5 - 1, torch.tensor(labels)


def augment(images_BCYX, labels_B, generator):
    """Shift the batch by up to three pixels and mirror half of its images."""
    padded = F.pad(images_BCYX, (3, 3, 3, 3), value=1.0)
    top, left = torch.randint(0, 7, (2,), generator=generator).tolist()
    shifted = padded[:, :, top : top + 32, left : left + 32]
    mirror = torch.rand(len(shifted), 1, 1, 1, generator=generator) < 0.5
    return torch.where(mirror, shifted.flip(3), shifted), labels_B


train_images, train_labels = tensors("train")
held_out = {"unseen concepts": tensors("concepts"), "unseen style": tensors("noto")}
print(*groups, sep="\n")
print(len(train_images), "training images")
for name, (images, _) in held_out.items():
    print(len(images), "images,", name)

# %% id="fit" tags=["train"]
STEPS = 400


def fit(model: nn.Module, title: str) -> train.History:
    """Train on the groups with the lesson's one recipe."""
    return train.fit(
        model,
        lambda model, batch: F.cross_entropy(model(batch[0]), batch[1]),
        train.batches(
            train_images, train_labels, batch_size=64, seed=0, augment=augment
        ),
        steps=STEPS,
        lr=2e-3,
        on_event=live_curve(title),
    )


vit_history = fit(vit, "ViT")

# %% id="fit-cnn" tags=["train"]
cnn_history = fit(cnn, "CNN")

# %% [markdown]
# A number says nothing without its baseline. *Majority* always guesses the group that is most frequent in training.
# *Mean* knows the mean picture of each group, from lesson 00, and guesses the group whose mean is nearest. The interval
# behind each accuracy is the 95 % interval for the number of held-out images, taken as independent. Drawings of one
# concept are not, and other seeds give other models, so the true interval is wider.

# %% id="results" tags=["train"]
mean_pictures = torch.stack(
    [train_images[train_labels == k].mean(dim=0) for k in range(len(groups))]
)


def by_mean(images: Tensor) -> Tensor:
    """The group whose mean picture is nearest, for each image: [B, 3, 32, 32] to [B]."""
    return torch.cdist(images.flatten(1), mean_pictures.flatten(1)).argmin(dim=1)


print(f"{'held out on':<18}{'majority':<10}{'mean':<8}{'ViT':<22}CNN")
for name, (images, labels) in held_out.items():
    cells = []
    for model in (vit, cnn):
        share = accuracy(model, images, labels)
        low, high = wilson_interval(share, len(labels))
        cells.append(f"{share:.2f} ({low:.2f} to {high:.2f})")
    majority = majority_share(train_labels, labels)
    mean = (by_mean(images) == labels).float().mean()
    print(f"{name:<18}{majority:<10.2f}{mean:<8.2f}{cells[0]:<22}{cells[1]}")

# %% [markdown]
# Read the table before you go on. Is the transformer better than the convolution here? And how much of its way does the
# mean picture alone already go? The paper's answer is that a transformer needs many images (section 4.3, figure 3); it
# pre-trains on millions and then fine-tunes, while here both models start from nothing. A convolution knows from the
# start that neighbouring pixels belong together and that a thing is the same thing when it moves. A transformer has to
# learn both from the data, beyond the inside of a patch.

# %% [markdown]
# ## Look
#
# The class token collects from the patches. Its row of the attention weights says from which. Move the slider through
# the layers: yellow patches are looked at most, dark blue ones least. Each head has its own column, and each map is scaled to its own largest
# weight.

# %% id="reference-with-your-weights"
# NBVAL_CHECK_OUTPUT
reference = ViT(config).eval()
weights = vit.cpu().state_dict()  # on the CPU, wherever it was trained
# The reference projects by a convolution: the same numbers as a kernel [D, C, P, P].
C, P = config.channels, config.patch_size
weights["projection.weight"] = weights["projection.weight"].unflatten(1, (C, P, P))
print(reference.load_state_dict(weights))

# %% id="attention-maps"
looked_at = noto("parrot", "red apple", "rocket", size=32)
with torch.no_grad():
    attention = reference.attention_weights(looked_at.float() / 127.5 - 1)


def maps(layer):
    return draw.attention_maps(looked_at, attention[layer - 1], config.grid, layer)


explore(
    maps,
    alt="Attention of the class token: one row for each of three pictures, one column for "
    "each of four heads; yellow patches are looked at most, dark blue ones least",
    layer=range(1, config.depth + 1),
)

# %% [markdown]
# ## Reference
#
# `mmlearn/models/vit.py` holds the same model for real use. It takes a device and a dtype, uses PyTorch's fused attention,
# and knows the published sizes. Above, your weights were loaded into it. Both must give the same scores.

# %% id="same-scores"
# NBVAL_CHECK_OUTPUT
images, _ = held_out["unseen concepts"]
with torch.no_grad():
    ours, theirs = vit(images[:64]), reference(images[:64])
print("scores", tuple(theirs.shape), "equal:", torch.allclose(ours, theirs, atol=1e-4))

# %% [markdown]
# The published sizes have the same parts, only more of them. On the `meta` device a model has shapes but no numbers, so
# even the largest is built at once. Table 1 of the paper gives 86 million parameters for Base, 307 for Large and 632
# for Huge. Here they are counted with their classifier of 1,000 classes, and without it.

# %% id="published-sizes"
# NBVAL_CHECK_OUTPUT
for name in ("vit-b-16", "vit-l-16", "vit-h-14"):
    big = ViT(ViTConfig.preset(name), device="meta")
    without = parameters(big) - parameters(big.head)
    print(f"{name:<10}{parameters(big):>14,} with, {without:>14,} without")

# %% [markdown]
# ## Check the source
#
# - **Equations 1 to 4** stand in `embed`, in the block's `forward`, and in the last line of the encoder's `forward`. The
#   paper prints (4) as the norm of the class token alone. Normalising all tokens gives the same class token, because a
#   layer norm works on each token by itself.
# - **Table 1** cannot be matched by one way of counting. Base rounds to the table's number without its classifier, Huge
#   with it. Large, with patches of 16 pixels, comes out lower than the table either way.
# - **Patch size.** The paper's title says 16 × 16. An emoji of 32 × 32 pixels would be four such patches; 4 × 4 leaves 64.
#
# Dosovitskiy et al., *An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale*, ICLR 2021,
# arXiv:2010.11929: section 3.1 and equations 1 to 4, appendix A, table 1, figure 3.
