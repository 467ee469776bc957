# %% [markdown]
# # 01 · Vision Transformer (ViT)
#
# A transformer reads a sequence. An image is not one. The Vision Transformer cuts the image into square patches, turns
# every patch into a vector, and reads the vectors like words. Nothing else in it is made for images. *The paper* below is
# Dosovitskiy et al. 2021, [An Image is Worth 16x16 Words](https://arxiv.org/abs/2010.11929).
#
# **You will** write the model in seven parts, train it to tell eight groups of emoji apart, and set it against a
# convolutional network of the same size. Then you measure what each of the two relies on. **You need**, besides lesson
# 00, to have met a convolution, a softmax and training by gradients before.

# %% tags=["setup"]
import copy
import math
import tempfile
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn import data, experiments, hub
from mmlearn.course import (
    check,
    explore,
    glossary,
    image_grid,
    live_curve,
    predict,
    reveal,
    say,
    show,
    style,
)
from mmlearn.course.drawings import charts
from mmlearn.course.drawings import vit as draw
from mmlearn.eval.classification import accuracy
from mmlearn.eval.corruptions import occlude, shuffle_cells
from mmlearn.eval.intervals import Interval, mean_interval, paired_interval
from mmlearn.eval.reach import uniform_distance
from mmlearn.experiments import select
from mmlearn.experiments import vit as study
from mmlearn.models import vit as reference
from mmlearn.models.vit import ViTConfig

style()  # the course's look for every figure below

# %% [markdown]
# ## Why
#
# A convolution slides a small window, its kernel, over the image, and looks at one small neighbourhood at a time. The
# *stride* is how far it moves. To relate two far corners of an image, it needs many layers. In a
# transformer every patch can look at every other patch in the first layer. What this is worth when there are few images
# is what this lesson measures.
#
# The picture shows the whole idea. It uses few, large patches so that you can see them; the model below uses patches
# of 4 × 4 pixels.

# %% id="the-idea"


def noto(*names: str, size: int) -> Tensor:
    """The drawings with these names in the style noto, uint8 [B, 3, size, size]."""
    rows = data.load("emoji", split="noto", size=size)
    rows = rows.filter(lambda by: by == "noto", input_columns="style")
    places = [list(rows["label_en"]).index(name) for name in names]
    return data.to_tensor(rows.select(places))


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
# patch, **F** = C · P · P numbers in a patch, **N** patches (in attention and block, any tokens), **T** = 1 + N tokens of
# the encoder, **M** patches of another grid, **D** width of the model, **H** heads, **d** = D / H width of one head, **K**
# classes. A name like `x_BND` ends in the letters of its axes.

# %% [markdown]
# ### Patches
#
# An image of Y × X pixels holds $N = \frac{Y}{P} \cdot \frac{X}{P}$ patches. Each is flattened into one vector of
# $F = C \cdot P \cdot P$ numbers (section 3.1 of the paper). Order the patches row by row. Inside a patch, order the
# numbers by channel, then row, then column. The paper fixes no order; this is how PyTorch stores the weights of a
# convolution, and the check below uses it: projecting your patches with a matrix must equal a convolution with kernel P
# and stride P. An image whose sides are no multiples of P cannot be cut so: raise a `ValueError`.
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
# Here is what your function does. Choose a picture and the side of its patches: the smaller the patches, the longer the
# sequence, and the less each one shows.

# %% id="patches-and-sequence"
names = ("parrot", "red apple", "rocket")
looked_at = noto(*names, size=32)
pictures = {name: index for index, name in enumerate(names)}


def sequence(side, picture):
    return draw.patches_and_sequence(looked_at[picture], side, patchify)


explore(
    sequence,
    alt="A picture under a grid, its patches apart, and the same patches in one sequence",
    side=(16, 8, 4),
    picture=pictures,
)

# %% [markdown]
# ### The projection
#
# Each patch becomes a vector of D numbers by one linear map, the same for all patches. Let $x^n_p$ be the n-th flattened
# patch, with F numbers. Equation 1 multiplies it by a matrix $E$ with F rows and D columns: $x^n_p E$. Our layer also adds
# a learned bias $b$, which the paper does not print. `self.linear` holds both; its weight $W$ is stored as [D, F], so
# $E = W^\top$.
#
# The product can be written as a sum over the pixels of a patch. Let the patch stand in row $i$ and column $j$ of the grid
# of patches. Its number $k$ is
#
# $$z_{kij} = b_k + \sum_{c, u, v} W_{k, (c, u, v)} \; x_{c,\, iP + u,\, jP + v}$$
#
# Here $c$ runs over the channels, $u$ and $v$ over rows and columns inside the patch, and $(c, u, v)$ is a place in the
# flattened patch. This is a convolution whose stride is as large as its kernel. The formula is not in the paper; it is the
# product of equation 1 written out. `forward` projects the patches. `kernel` gives the same weight as the kernel of that
# convolution. Each of the two is one line.


# %% exercise="vit.projection"
class PatchProjection(nn.Module):
    """One linear map for all patches: images [B, C, Y, X] to patches [B, N, D]."""

    def __init__(self, channels: int, patch_size: int, dim: int) -> None:
        super().__init__()
        self.channels, self.patch_size = channels, patch_size
        self.linear = nn.Linear(channels * patch_size**2, dim)

    def forward(self, images_BCYX: Tensor) -> Tensor:
        """Cut, then project: [B, C, Y, X] to [B, N, D].

        Raises a ValueError if P does not divide Y and X, as `patchify` does.
        """
        ### BEGIN SOLUTION
        return self.linear(patchify(images_BCYX, self.patch_size))  # x_p E + b
        ### END SOLUTION

    def kernel(self) -> Tensor:
        """The same map as the kernel of a convolution with stride P: [D, C, P, P]."""
        ### BEGIN SOLUTION
        C, P = self.channels, self.patch_size
        return self.linear.weight.unflatten(
            1, (C, P, P)
        )  # W_k,(c,u,v), axes k, c, u, v
        ### END SOLUTION


# %% check="vit.projection"
# NBVAL_CHECK_OUTPUT
PatchProjection = check("vit.projection")

# %% [markdown]
# So a patch projection *is* a convolution. Here are both, on real images.

# %% id="patches-are-a-convolution"
# NBVAL_CHECK_OUTPUT
images_BCYX = looked_at.float() / 255
projection = PatchProjection(3, 4, 64)
with torch.no_grad():
    by_matrix = projection(images_BCYX)
    by_convolution = F.conv2d(
        images_BCYX, projection.kernel(), projection.linear.bias, stride=4
    )
    by_convolution = by_convolution.flatten(2).transpose(1, 2)
print("images", tuple(images_BCYX.shape), "projected", tuple(by_matrix.shape))
print("equal:", torch.allclose(by_matrix, by_convolution, atol=1e-5))

# %% [markdown]
# ### Attention
#
# From here on, each vector of the sequence is called a *token*. Attention lets every token collect from all tokens
# (appendix A of the paper). Stack the N tokens as the rows of a matrix $z$. Each token makes three vectors from itself: a
# query, what it looks for; a key, what it offers; and a value, what it hands over. They are the rows of $q$, $k$ and $v$:
#
# $$[q, k, v] = z\, U_{qkv} \qquad (5)$$
#
# $q k^\top$ has a row for each token that looks and a column for each token that is looked at: the dot product of the
# one's query with the other's key. The softmax makes each row positive and lets it sum to 1. Without the division by
# $\sqrt{d}$, the products would grow with the length d of the vectors, and the softmax would nearly always pick one token:
#
# $$A = \operatorname{softmax}\!\left(\frac{q k^\top}{\sqrt{d}}\right) \qquad (6)$$
#
# With these weights each token collects the values:
#
# $$\operatorname{SA}(z) = A v \qquad (7)$$
#
# H heads do this side by side, each on its own slice of d consecutive numbers: head 1 takes the first d of $q$, $k$ and
# $v$. Their outputs are joined in the same order and projected:
#
# $$\operatorname{MSA}(z) = [\operatorname{SA}_1(z);\, \dots;\, \operatorname{SA}_H(z)]\, U_{msa} \qquad (8)$$
#
# In the code, $U_{qkv}$ is `self.qkv` and $U_{msa}$ is `self.out`; both add a bias, which the paper does not print.
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
        parts = self.qkv(x_BND).chunk(3, dim=-1)  # equation 5
        return [part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts]

    def look(self, q_BHNd, k_BHNd):
        scores_BHNN = q_BHNd @ k_BHNd.transpose(-2, -1) / math.sqrt(q_BHNd.shape[-1])
        return torch.softmax(scores_BHNN, dim=-1)  # equation 6
        ### END SOLUTION

    def forward(self, x_BND: Tensor) -> Tensor:
        """Mix the tokens: [B, N, D] to [B, N, D]."""
        ### BEGIN SOLUTION
        q_BHNd, k_BHNd, v_BHNd = self.split(x_BND)
        y_BHNd = self.look(q_BHNd, k_BHNd) @ v_BHNd  # equation 7
        return self.out(y_BHNd.transpose(1, 2).flatten(2))  # equation 8
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
        x_BND = x_BND + self.attention(self.norm1(x_BND))  # equation 2
        return x_BND + self.mlp(self.norm2(x_BND))  # equation 3
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
# Here $x^n_p E$ is the n-th patch after the projection, and $E_{\text{pos}}$ holds N + 1 positions. `embed` receives the
# projected patches. Then come the blocks, and a last layer norm (4).


# %% exercise="vit.encoder"
class Encoder(nn.Module):
    """Projected patches [B, N, D] to encoded tokens [B, T, D], the class token first."""

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
        """Equation 1: [B, N, D] to [B, T, D]."""
        ### BEGIN SOLUTION
        class_B1D = self.class_token.expand(len(patches_BND), -1, -1)
        x_BTD = torch.cat([class_B1D, patches_BND], dim=1)
        return x_BTD + self.positions  # equation 1
        ### END SOLUTION

    def forward(self, patches_BND: Tensor) -> Tensor:
        """Embed, run all blocks, normalise: [B, N, D] to [B, T, D]."""
        ### BEGIN SOLUTION
        x_BTD = self.embed(patches_BND)
        for block in self.blocks:
            x_BTD = block(x_BTD)
        return self.norm(x_BTD)  # equation 4
        ### END SOLUTION


# %% check="vit.encoder"
# NBVAL_CHECK_OUTPUT
Encoder = check("vit.encoder")

# %% [markdown]
# ### The whole model
#
# Join the parts: projection, encoder, head. The last of the $L$ blocks gives $z_L$; its first token, the class token, is
# $z_L^0$. Your encoder already returns the layer norm of all of $z_L$, so $y$ below is simply the first token that it
# returns. Do not normalise again. The head reads that one alone:
#
# $$y = \operatorname{LN}(z_L^0) \qquad (4)$$
# $$\text{scores} = y \, W_{\text{head}}^\top + b_{\text{head}}$$
#
# `features` gives $y$, D numbers for each image. `forward` gives K scores, one for each class. $W_{\text{head}}$ and
# $b_{\text{head}}$ are weight and bias of `self.head`; section 3.1 describes this head in words.
#
# An image that lies on its side has as many patches as one that stands. The model would read it and give every patch the
# position of another place. So `features` first compares the images with `self.config`, which knows `channels` and
# `image_size` (rows, columns), and refuses others.


# %% exercise="vit.model"
class ViT(nn.Module):
    """Images [B, C, Y, X] to class scores [B, K]."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = c = config
        self.projection = PatchProjection(c.channels, c.patch_size, c.dim)
        N = c.grid[0] * c.grid[1]
        self.encoder = Encoder(N, c.dim, c.depth, c.heads, c.mlp_dim)
        self.head = nn.Linear(c.dim, c.classes)

    def features(self, images_BCYX: Tensor) -> Tensor:
        """The encoded class token: [B, C, Y, X] to [B, D].

        Raises a ValueError that names both sizes if the images do not have the
        channels, rows and columns of `self.config`.
        """
        ### BEGIN SOLUTION
        expected = (self.config.channels, *self.config.image_size)
        if images_BCYX.shape[1:] != expected:
            got = tuple(images_BCYX.shape[1:])
            raise ValueError(f"expected images of {expected}, got {got}")
        tokens_BTD = self.encoder(self.projection(images_BCYX))
        return tokens_BTD[:, 0]  # equation 4: the encoder has normalised it
        ### END SOLUTION

    def forward(self, images_BCYX: Tensor) -> Tensor:
        """The head's score for each class: [B, C, Y, X] to [B, K]."""
        ### BEGIN SOLUTION
        return self.head(self.features(images_BCYX))  # y W_head^T + b_head
        ### END SOLUTION


# %% check="vit.model"
# NBVAL_CHECK_OUTPUT
ViT = check("vit.model")

# %% [markdown]
# ### Images of another size
#
# A larger image has more patches. Every part of the model can read them, except one: there are only N + 1 positions. Your
# work is to bring those of the patches into the form of a picture and back; `F.interpolate` does the sum in between.
#
# Section 3.2 of the paper interpolates them by where the patches stand in the image. The N positions of patches are laid
# out as the grid that they stand for, rows × columns, like a picture with D channels, and that picture is resampled to the
# new grid of M patches. The class token stands nowhere in the image; its position is kept.
#
# The paper gives no formula and does not say how to resample. Let $p_{ij}$ be the position in row $i$ and column $j$ of
# the old grid of R × S patches. The new grid has R′ × S′ patches. Its position in row $i'$ and column $j'$ is
#
# $$p'_{i'j'} = \sum_{i, j} w(u - i)\, w(v - j)\, p_{ij}, \qquad u = (i' + \tfrac12)\tfrac{R}{R'} - \tfrac12, \quad v = (j' + \tfrac12)\tfrac{S}{S'} - \tfrac12$$
#
# $(u, v)$ is the middle of the new patch, measured in the old grid. $w$ is a weight: 1 at distance 0, and 0 from distance
# 2 on. In between it is made of cubic polynomials, so the method is called *bicubic*. It reads 4 × 4 neighbours; beyond
# the edge, the value at the edge is taken. `F.interpolate(..., mode="bicubic")` does all of this for pictures
# [B, C, Y, X]. Positions that do not fit `grid` are refused with a `ValueError`.


# %% exercise="vit.interpolate"
def interpolate_positions(
    positions_1ND: Tensor, grid: tuple[int, int], new_grid: tuple[int, int]
) -> Tensor:
    """Positions for another grid of patches: [1, 1 + N, D] to [1, 1 + M, D].

    `grid` and `new_grid` are (rows, columns); their products are N and M. Raises a
    ValueError if there are not 1 + N positions.
    """
    ### BEGIN SOLUTION
    rows, columns = grid
    if positions_1ND.shape[1] != 1 + rows * columns:
        count = positions_1ND.shape[1]
        raise ValueError(f"{count} positions for 1 + {rows} x {columns} tokens")
    class_11D, patches_1ND = positions_1ND[:, :1], positions_1ND[:, 1:]
    picture_1DYX = patches_1ND.unflatten(1, grid).permute(0, 3, 1, 2)
    # the sum over i and j
    picture_1DYX = F.interpolate(picture_1DYX, size=new_grid, mode="bicubic")
    patches_1MD = picture_1DYX.flatten(2).transpose(1, 2)
    return torch.cat([class_11D, patches_1MD], dim=1)
    ### END SOLUTION


# %% check="vit.interpolate"
# NBVAL_CHECK_OUTPUT
interpolate_positions = check("vit.interpolate")

# %% [markdown]
# ## Train
#
# The task: tell the eight groups of emoji apart. The opponent is a convolutional network (CNN) with about as many
# parameters as your ViT. It has four stages. Each is a convolution with a kernel of 3 × 3 pixels, a normalisation over
# the batch, a ReLU that turns negative numbers to 0, and pooling, which keeps the largest of 2 × 2 numbers and so halves
# the image. At the end it takes the mean over all places.
#
# Both get the same images, the same shifts and mirror images (augmentation), and the same number of steps. The loss is
# the cross-entropy: minus the logarithm of the probability that the model gives to the right group. Both are judged on
# *unseen concepts*, things that training never showed, in styles that it did; and on an *unseen style*, drawings by
# another hand (noto and noto-v1) of things that training did show.

# %% id="data"
# NBVAL_CHECK_OUTPUT
CONCEPTS, STYLE = study.CONCEPTS, study.STYLE
task = study.task()
config = ViTConfig.preset("toy")


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


torch.manual_seed(0)
vit = ViT(config)
cnn = study.build("cnn", seed=0)
print(*task.groups, sep="\n")
print(f"{len(task.train.labels):,} training images")
for where, held in task.held_out.items():
    print(f"{where}: {len(held.labels):,} images")
models = {"ViT": vit, "CNN": cnn}
for name, net in models.items():
    print(f"{name}: {parameters(net):,} parameters")

# %% [markdown]
# Before you see a result, commit to a guess. It is kept, and shown beside the result.

# %% id="guess-which"
guess = None  # choose below, or write it here, such as guess = "the ViT"
predict(
    "vit.which",
    "Same images, same steps, same size. Which model names the group of an unseen "
    "concept more often?",
    ("the ViT", "the CNN", "no clear difference"),
    guess,
)

# %% id="fit" tags=["train"]
images = study.training_images(study.SIZES[-1], seed=0)  # all, in the order of a seed
vit_history = study.fit(vit, images, seed=0, on_event=live_curve("ViT"))

# %% id="fit-cnn" tags=["train"]
cnn_history = study.fit(cnn, images, seed=0, on_event=live_curve("CNN"))

# %% [markdown]
# A number says nothing without its baseline, and one run says little. So the same training was run with five seeds. A
# seed chooses the first weights and the order of the images. The rows of these runs are in `data/experiments/`. In the
# table, *this run* is yours; it repeats the first of the five. *Five seeds* is their mean, and behind it the interval
# that holds the true mean with 95 % confidence (Student's t).
#
# - *majority* always guesses the group that is most frequent in training, and *mean picture* the group whose mean picture
#   is nearest, as in lesson 00. Neither has first weights, so neither has an interval of this kind.
# - *untrained* is a model with its first weights, and *shuffled labels* one that was trained on labels in a random order.
#   They are negative controls: one has learned nothing, the other had nothing to learn.
#
# First, your trained weights go into the reference model. The names of the parameters are the same, so nothing has to be
# translated; the reference can also hand out its attention.

# %% id="reference-with-your-weights"
# NBVAL_CHECK_OUTPUT
model = reference.ViT(config).eval()
print(model.load_state_dict(vit.cpu().state_dict()))  # wherever it was trained

# %% id="results" tags=["train"]
this_run = {"ViT": study.measured(model), "CNN": study.measured(cnn.cpu())}


def now(name: str, where=CONCEPTS, measure="accuracy", level="") -> float:
    """What this run measured."""
    chosen = select(this_run[name], where=where, measure=measure, level=level)
    return chosen[0]["value"]


def five(name: str, where=CONCEPTS, **changed) -> Interval:
    """The mean of five seeds with its interval."""
    return mean_interval(study.seeds(name, where, **changed))


# %% id="which" tags=["train"]


def verdict(difference: Interval, above: str, below: str) -> str:
    """Which of the two holds, if the interval of the difference leaves out zero."""
    if difference.low > 0:
        return above
    return below if difference.high < 0 else "no clear difference"


lead = mean_interval(study.lead())
over_mean = paired_interval(study.seeds("ViT"), study.seeds("mean picture"))
reveal(
    "vit.which",
    verdict(lead, "the CNN", "the ViT"),
    text=f"On unseen concepts the accuracy of the CNN minus that of the ViT is {lead:.2f}. "
    f"The ViT's minus that of the mean picture, which is not trained, is {over_mean:.2f}.",
)

# %% [markdown]
# The whole table, with baselines and controls:

# %% id="all-results" tags=["train", "fold"]
table = f"| | {CONCEPTS}: this run | five seeds | {STYLE}: this run | five seeds |\n"
table += "|---|---|---|---|---|\n"
for label, name, changed in (
    ("majority", "majority", {}),
    ("mean picture", "mean picture", {}),
    ("ViT, untrained", "ViT", {"steps": 0}),
    ("CNN, untrained", "CNN", {"steps": 0}),
    ("ViT, shuffled labels", "ViT", {"labels": "shuffled"}),
    ("CNN, shuffled labels", "CNN", {"labels": "shuffled"}),
    ("**ViT**", "ViT", {}),
    ("**CNN**", "CNN", {}),
):
    table += f"| {label} "
    for where in (CONCEPTS, STYLE):
        mine = f"{now(name, where):.2f}" if label.startswith("**") else ""
        table += f"| {mine} | {five(name, where, **changed):.2f} "
    table += "|\n"
say(table)

# %% [markdown]
# ## Look
#
# ### What the class token attends to
#
# The class token collects from the patches. Its row of the attention weights says from which. Choose a picture, a layer
# and a head.

# %% id="attention-maps"
with torch.no_grad():
    attention = model.attention_weights(looked_at.float() / 127.5 - 1)
heads = {"mean of all": None} | {f"head {h}": h for h in range(1, config.heads + 1)}


def attention_map(picture, layer, head):
    return draw.attention_map(looked_at, attention, config.grid, picture, layer, head)


def in_words(picture, layer, head):
    maps_HN = attention[layer - 1][picture, :, 0, 1:]
    map_N = maps_HN.mean(dim=0) if head is None else maps_HN[head - 1]
    row, column = divmod(map_N.argmax().item(), config.grid[1])
    who = "the mean of all heads" if head is None else f"head {head}"
    return (
        f"{names[picture]}: in layer {layer}, {who}, the class token attends most to the "
        f"patch in row {row + 1}, column {column + 1}: {map_N.max():.1%} of its attention"
    )


explore(
    attention_map,
    alt=in_words,
    picture=pictures,
    layer=range(1, config.depth + 1),
    head=heads,
)

# %% [markdown]
# ### What the positions learned
#
# Nobody told the model that the patches form a grid. Has it found out? Compare the learned *position embedding* of a
# patch, its row of $E_{\text{pos}}$, with all others, by the cosine of the angle between them: 1 where they point the same
# way, 0 where they have nothing in common. In figure 7 of the paper (middle), each patch resembles its neighbours, its row
# and its column. On the right here, the same for the random positions that training began with.

# %% id="position-similarities"
first_positions = study.build("vit", seed=0).encoder.positions.detach()
positions = model.encoder.positions.detach()
change = F.cosine_similarity(positions, first_positions, dim=-1)[0, 1:].mean()
show(
    draw.position_similarities(positions, config.grid, first_positions),
    alt="A small map for each patch, laid out as the patches are: how like its position is "
    "to all others, after training and before. Each patch is like itself; a position after "
    f"training and the same before have a mean similarity of {change:.2f}.",
)

# %% [markdown]
# Choose one patch. Do its neighbours stand out? Its row, its column? Compare with the right side before you believe it.

# %% id="one-position"


def one_position(row, column):
    return draw.position_similarity(
        positions, config.grid, row, column, first_positions
    )


explore(
    one_position,
    alt="How like the position of the framed patch is to all others, trained and before",
    row=range(1, config.grid[0] + 1),
    column=range(1, config.grid[1] + 1),
)

# %% [markdown]
# ## Ask
#
# *What does the transformer bring to images, compared with CNNs?* The slides that this course grew out of ask this. Five
# experiments answer it for small models and few images, each with five seeds.
#
# ### More images
#
# The paper's answer is that a transformer needs many images for its *pre-training*, the long training on a large general
# set before the short one on the task (section 4.3, figure 3). With few, convolutions are ahead; with many, the
# transformer catches up and passes. A convolution knows from the start that neighbouring pixels belong together, and that
# a thing is the same thing when it moves. Such built-in knowledge is called an *inductive bias*. A transformer has to
# learn both from the images.
#
# Here both models start from nothing, with a sixteenth of the images and with more and more.

# %% id="guess-more-images"
guess = None  # choose below, or write it here, such as guess = "smaller"
predict(
    "vit.more-images",
    "With a sixteenth of the images, how is the lead of the CNN over the ViT on unseen "
    "concepts, compared with all images?",
    ("larger", "smaller", "no clear difference"),
    guess,
)

# %% id="more-images" tags=["train", "fold"]
FEWEST, ALL, STEPS, LONG = study.SIZES[0], study.ALL, study.STEPS, study.LONG


def by_size(name: str, where: str) -> list[tuple]:
    """Points for the chart: training images, then the mean over seeds and its interval."""
    return [(count, *five(name, where, images=count)) for count in study.SIZES]


shown = ("ViT", "CNN", "mean picture")
panels = {
    where: {name: by_size(name, where) for name in shown} for where in task.held_out
}
majority = {
    where: {"majority": five("majority", where).mean} for where in task.held_out
}
stars = {
    where: {name: [(ALL, now(name, where))] for name in models}
    for where in task.held_out
}
with_few, with_all = study.lead(images=FEWEST), study.lead()
change = paired_interval(with_few, with_all)
reveal(
    "vit.more-images",
    verdict(change, "larger", "smaller"),
    charts.curves(
        panels,
        x_label="training images",
        y_label="accuracy",
        levels=majority,
        log_x=True,
        marks=stars,
    ),
    alt="Accuracy against the number of training images, on unseen concepts and on the "
    f"unseen style. On unseen concepts, from {FEWEST} to {ALL:,} images, the ViT goes from "
    f"{five('ViT', images=FEWEST).mean:.2f} to {five('ViT').mean:.2f}, the CNN from "
    f"{five('CNN', images=FEWEST).mean:.2f} to {five('CNN').mean:.2f}.",
    text=f"The CNN's lead is {mean_interval(with_few):.2f} with {FEWEST} images and "
    f"{mean_interval(with_all):.2f} with {ALL:,}. With few images minus with all: "
    f"{change:.2f}.",
)

# %% [markdown]
# One thing is held equal here that the paper does not hold equal: the number of steps. So a small set is seen many times,
# and a large one only a few. Does the ViT's line end flat because images do not help it, or because its steps run out?
# Four times the steps tell. Another doubt is the learning rate.

# %% id="doubts" tags=["train", "fold"]
tried = experiments.rows("vit-learning-rate")
rates = {
    name: [
        fmean(row["accuracy"] for row in select(tried, model=name.lower(), lr=rate))
        for rate in study.RATES
    ]
    for name in models
}
gains = {
    name: paired_interval(study.seeds(name, steps=LONG), study.seeds(name))
    for name in models
}
say(f"""
With {LONG:,} steps in place of {STEPS}, the ViT gains {gains["ViT"]:.2f} on unseen concepts
and the CNN {gains["CNN"]:.2f}; the lead of the CNN is then
{mean_interval(study.lead(steps=LONG)):.2f}. Over {len(study.RATES)} learning rates, judged on
training concepts set apart, the ViT is between {min(rates["ViT"]):.2f} and
{max(rates["ViT"]):.2f}, the CNN between {min(rates["CNN"]):.2f} and {max(rates["CNN"]):.2f}.
""")

# %% [markdown]
# ### What each relies on
#
# Take something away from the held-out images and see what is left. *Covered*: a share of the patches turns white, like
# the background. *Shuffled*: the image is cut into square cells, and the cells stand in a random order. What is inside a
# cell stays; the shape of the whole is lost. Neither model was trained on such images. The grey line is the majority: a
# model that has come down to it gets nothing from what is left.

# %% id="damaged"
images, labels = task.held_out[CONCEPTS]
P = config.patch_size
six = images[::110]
rows = {
    "intact": six,
    "half covered": occlude(six, 0.5, P, fill=1.0),
    "shuffled": shuffle_cells(six, P),
}
titles = [name for name in rows for _ in six]
show(
    image_grid(torch.cat(list(rows.values())) / 2 + 0.5, titles, columns=len(six)),
    alt="Six emoji in three rows: intact, with half of their patches white, and with their "
    "patches in a random order, so that colours stay and shapes are lost",
)

# %% id="guess-shuffled"
guess = None  # choose below, or write it here, such as guess = "the ViT"
predict(
    "vit.shuffled",
    "The patches stand in a random order, as in the last row. Which model loses more "
    "accuracy?",
    ("the ViT", "the CNN", "no clear difference"),
    guess,
)

# %% id="shuffled" tags=["train", "fold"]
damages = {
    "share of patches covered": ("accuracy, covered", study.SHARES),
    "side of shuffled cells": ("accuracy, shuffled", study.CELLS),
}
panels, stars = {}, {}
for title, (measure, levels) in damages.items():
    panels[title], stars[title] = {}, {}
    for name in models:
        panels[title][name] = [("intact", *five(name))]
        stars[title][name] = [("intact", now(name))]
        for level in levels:
            place = {"measure": measure, "level": level}
            panels[title][name].append((f"{level:g}", *five(name, **place)))
            stars[title][name].append((f"{level:g}", now(name, **place)))


def lost(name: str, measure: str, level: float) -> list[float]:
    """Accuracy lost, one number a seed."""
    left = study.seeds(name, measure=measure, level=level)
    return [a - b for a, b in zip(study.seeds(name), left, strict=True)]


by_order = {name: lost(name, "accuracy, shuffled", P) for name in models}
by_cover = {name: lost(name, "accuracy, covered", study.SHARES[0]) for name in models}
reveal(
    "vit.shuffled",
    verdict(paired_interval(by_order["CNN"], by_order["ViT"]), "the CNN", "the ViT"),
    charts.curves(
        panels,
        x_label="",
        y_label="accuracy on unseen concepts",
        levels=dict.fromkeys(panels, majority[CONCEPTS]),
        marks=stars,
    ),
    alt="Accuracy on unseen concepts, intact and with more and more taken away. With "
    f"shuffled patches the ViT keeps {panels['side of shuffled cells']['ViT'][-1][1]:.2f}, "
    f"the CNN {panels['side of shuffled cells']['CNN'][-1][1]:.2f}.",
    text=f"With shuffled patches the ViT loses {mean_interval(by_order['ViT']):.2f}, the CNN "
    f"{mean_interval(by_order['CNN']):.2f}. With {study.SHARES[0]:.0%} of the patches covered, "
    f"the ViT loses {mean_interval(by_cover['ViT']):.2f}, the CNN "
    f"{mean_interval(by_cover['CNN']):.2f}.",
)

# %% [markdown]
# ### Without positions
#
# Why does the ViT lose so little? Take the positions away, and a ViT cannot know where a patch stands: any order of the
# patches gives the same scores. This is no matter of training. It follows from the parts, which treat all tokens alike.

# %% id="blind-to-order"
# NBVAL_CHECK_OUTPUT
blind = copy.deepcopy(model)
blind.encoder.positions.data.zero_()
some, mixed = images[:8], shuffle_cells(images[:8], P)
with torch.no_grad():
    for name, net in {"without": blind, "with": model}.items():
        same = torch.allclose(net(some), net(mixed), atol=1e-4)
        print(f"{name} positions, shuffled patches give the same scores: {same}")

# %% [markdown]
# So how much of the accuracy is left without them? In the experiment a ViT was trained without, its positions held at
# zero. Others began with random positions of several sizes. In this lesson, as in most code, their standard deviation is
# `0.02` at first.

# %% id="guess-positions" tags=["train"]
guess = None  # choose below, or write it here, such as guess = 0.25
predict(
    "vit.positions",
    f"With positions the ViT reaches {five('ViT').mean:.2f} on unseen concepts, the mean of "
    "five seeds. What does it reach when trained without?",
    (0.0, 0.7, 0.01),
    guess,
)

# %% id="positions" tags=["train", "fold"]


def by_scale(measure: str, steps: int, where=CONCEPTS) -> list[tuple]:
    """Points for the chart: how large positions were at first, then mean and interval."""
    scales = study.SCALES if steps == STEPS else study.LONG_SCALES
    points = []
    for scale in scales:
        measured = study.scale_seeds(scale, measure, steps, where=where)
        points.append((f"{scale:g}" if scale else "none", *mean_interval(measured)))
    return points


short, long = f"{STEPS} steps", f"{LONG:,} steps"
long_style = f"{long}, {STYLE}"
panels = {
    short: {
        "in place": by_scale("accuracy", STEPS),
        "shuffled": by_scale("accuracy, shuffled", STEPS),
    },
    long: {
        "in place": by_scale("accuracy", LONG),
        "shuffled": by_scale("accuracy, shuffled", LONG),
    },
    long_style: {"in place": by_scale("accuracy", LONG, STYLE)},
}
floors = dict.fromkeys(panels, majority[CONCEPTS]) | {long_style: majority[STYLE]}


def position_chart(kept, panels=panels, floors=floors):
    guessed = {short: {"in place": [("none", kept)]}}
    return charts.curves(
        panels,
        x_label="standard deviation of the first positions",
        y_label="accuracy",
        levels=floors,
        marks={short: {"in place": [("0.02", now("ViT"))]}},
        guesses=None if kept is None else guessed,
    )


def gain(scale: float, steps: int, where=CONCEPTS) -> Interval:
    """What positions that begin at this scale bring over none."""
    with_positions, without = (
        study.scale_seeds(each, "accuracy", steps, where=where) for each in (scale, 0.0)
    )
    return paired_interval(with_positions, without)


usual, large = study.POSITION_STD, study.LARGE
without = mean_interval(study.scale_seeds(0.0, "accuracy"))
reveal(
    "vit.positions",
    round(without.mean, 2),
    position_chart,
    alt="Accuracy of the ViT against the size of its first positions: on unseen concepts, in "
    f"place and with shuffled patches, after {STEPS} and after {LONG:,} steps, and on the "
    f"unseen style. Without positions it is {without.mean:.2f} after {STEPS} steps.",
    text=f"What positions add on unseen concepts, compared with none: after {STEPS} steps "
    f"{gain(usual, STEPS):.2f} where they begin at {usual:g}, {gain(large, STEPS):.2f} at "
    f"{large:g}; after {LONG:,} steps {gain(usual, LONG):.2f} and {gain(large, LONG):.2f}. "
    f"On the unseen style, after {LONG:,} steps, {gain(usual, LONG, STYLE):.2f} and "
    f"{gain(large, LONG, STYLE):.2f}.",
)

# %% [markdown]
# Look at the two lines of a panel together. Where they lie on each other, the ViT does not use its positions: it reads a
# bag of patches. After the short training that is so for positions that began small, and it explains why shuffling hurt
# so little. Positions that began large are used by then, and shuffling hurts. After the long training the small ones are
# used too.
#
# Does using them pay? On unseen concepts, five seeds cannot show that it does: each of those intervals holds zero. On the
# unseen style, after the long training, it does, and more for positions that began large.

# %% [markdown]
# ### Larger pictures
#
# Your model was trained on pictures of 32 × 32 pixels. With your `interpolate_positions` it can read larger ones.

# %% id="larger" tags=["train"]
LARGER = study.LARGER
larger = reference.ViT(ViTConfig.preset("toy", image_size=(LARGER, LARGER))).eval()
finer = interpolate_positions(positions, config.grid, larger.config.grid)
larger.load_state_dict(model.state_dict() | {"encoder.positions": finer})
mine = accuracy(larger, *study.task(LARGER).held_out[CONCEPTS])
say(f"""
Positions {list(positions.shape)} become {list(finer.shape)}. This run reads unseen concepts
of {LARGER} × {LARGER} pixels with an accuracy of {mine:.2f}; those of its own size it reads
with {now("ViT"):.2f}.
""")

# %% [markdown]
# Here are the five seeds. In the control, *scrambled*, the same positions stand in a random order: where it does as well,
# their places did not matter. The CNN takes larger pictures as they are, because it ends with a mean over all places.

# %% id="larger-results" tags=["train", "fold"]
table = f"| | trained size | {LARGER} pixels | {LARGER} pixels, scrambled |\n|---|---|---|---|\n"
for steps in (STEPS, LONG):
    for scale in (usual, large):
        cells = [
            mean_interval(study.scale_seeds(scale, measure, steps, level=level))
            for measure, level in (
                ("accuracy", ""),
                ("accuracy, larger", "interpolated"),
                ("accuracy, larger", "scrambled"),
            )
        ]
        label = f"ViT, {steps:,} steps, positions from {scale:g}"
        table += f"| {label} | {' | '.join(f'{cell:.2f}' for cell in cells)} |\n"
    taken = five("CNN", measure="accuracy, larger", level="as it is", steps=steps)
    table += (
        f"| CNN, {steps:,} steps | {five('CNN', steps=steps):.2f} | {taken:.2f} | |\n"
    )
say(table)

# %% [markdown]
# ### How far each looks
#
# A unit of a convolution can only be moved by the pixels of its *receptive field*. It grows from stage to stage:

# %% id="receptive-field"
# NBVAL_CHECK_OUTPUT
fields = []
side, apart = 1, 1  # a pixel sees itself; neighbours stand one pixel apart
for stage in range(1, 5):
    side += 2 * apart  # a 3 x 3 convolution adds one neighbour on each side
    side, apart = side + apart, 2 * apart  # pooling joins two neighbours
    fields.append((stage, side))
    print(f"stage {stage}: {side} x {side} pixels")

# %% [markdown]
# Attention has no such limit. How far does it look? The *attention distance* of a head is the mean distance between a
# patch and the patches that it attends to, each counted by its weight (figure 7 of the paper, right). For the CNN, take
# the mean distance of the pixels that move a place of its map, each counted by the size of its gradient. The two are not
# quite alike: a head's distance is that of its layer alone, a stage's is that of all stages up to it.

# %% id="guess-reach"
guess = None  # choose below, or write it here, such as guess = "less far"
predict(
    "vit.reach",
    "How far do the heads of the first layer look, compared with those of the last?",
    ("less far", "farther", "no clear difference"),
    guess,
)

# %% id="reach" tags=["train", "fold"]


def distances(found: list[dict]) -> list[list[float]]:
    """The attention distance of every head, layer by layer, in pixels."""
    layers = range(1, config.depth + 1)
    return [
        [row["value"] for row in select(found, measure="reach", where=f"layer {layer}")]
        for layer in layers
    ]


def of_layer(layer: int) -> list[float]:
    """The mean over the heads of a layer, one number a seed."""
    heads = [
        study.seeds("ViT", f"layer {layer}", measure="reach", level=head)
        for head in range(1, config.heads + 1)
    ]
    return [fmean(of_seed) for of_seed in zip(*heads, strict=True)]


untrained = study.reach(study.build("vit", seed=0).eval())
evenly = uniform_distance(config.grid, P)
looks = [(stage, now("CNN", f"stage {stage}", "reach", 1)) for stage, _ in fields]
first, last = of_layer(1), of_layer(config.depth)
reveal(
    "vit.reach",
    verdict(paired_interval(first, last), "farther", "less far"),
    draw.reach(distances(this_run["ViT"]), distances(untrained), evenly, looks, fields),
    alt=f"Left: the heads of all layers look {min(map(min, distances(this_run['ViT']))):.0f} to "
    f"{max(map(max, distances(this_run['ViT']))):.0f} pixels far, about as far as before training "
    f"and as attention spread evenly, {evenly:.0f}. Right: the stages of the CNN look from "
    f"{looks[0][1]:.0f} to {looks[-1][1]:.0f} pixels far.",
    text=f"Over five seeds, the heads of the first layer look {mean_interval(first):.1f} pixels "
    f"far, those of the last {mean_interval(last):.1f}. Attention that is spread evenly looks "
    f"{evenly:.1f} pixels far.",
)

# %% [markdown]
# ### In your own words
#
# Now answer the question at the head of this part, for models and data of this size: what does the transformer bring
# to images, compared with CNNs? Five to eight sentences. Rest each claim on a figure or a table above, and say what
# these experiments cannot decide.

# %% [markdown] answer="vit.advantages"
# In these experiments the transformer does not bring accuracy. The CNN is better at every number of images and on
# both held-out sets, as the figure under *More images* shows. While the steps stay the same, its lead grows with the
# images; with more steps it shrinks, because the ViT gains more from them. One reason is what is built in: a
# convolution knows from the start that near pixels belong together and that a thing may move, and a transformer has
# to learn both. That the ViT hardly loses when its patches are shuffled is no strength. After the short training it
# hardly uses its positions; after the long one, when it is better, shuffling hurts it. What the transformer brings is
# another kind of freedom: every patch can look at every other one in the first layer, and the same blocks read any
# sequence of vectors, be it patches, words or sounds. Whether it passes the CNN with very many images, as in the
# paper, cannot be decided here, because all these runs are small.

# %% [markdown]
# ### What this shows, and what it cannot
#
# - **Here the convolution is better**, at every number of images, and on both held-out sets. Its lead even grows with the
#   images, because the steps stay the same: the ViT gains more from steps than from images. Whether the lines cross with
#   very many of both, as they do in the paper, this lesson cannot show.
# - **Robustness can be ignorance.** After the short training the ViT keeps its accuracy when patches are shuffled: its
#   positions have begun to form, as the maps of similarity show, but its scores hardly depend on them yet. After the long
#   training it is better, and shuffling hurts it.
# - **Attention may look anywhere, and does.** Every layer looks about as far as attention that is spread evenly, before
#   training and after. In the paper's figure 7 some heads of early layers look near; here nothing of the kind has formed.
# - **What the transformer brings is not accuracy at this size.** It is a part that does not care where its vectors come
#   from. The same blocks read patches here, words in lesson 02 and sounds later, and can read them in one sequence.
#
# It is one task with eight groups, one size of model and one augmentation, trained from nothing. The intervals cover what
# a seed decides. They do not cover the choice of the held-out concepts, which all runs share. Lesson 00's interval was of
# the other kind: it covered the pictures, and nothing had a seed.

# %% [markdown]
# ## Reference
#
# `mmlearn/models/vit.py` holds the same model for real use. It takes a device and a dtype, uses PyTorch's fused
# attention, and knows the published sizes. Above, your weights were loaded into it. Both must give the same scores.

# %% id="same-scores"
# NBVAL_CHECK_OUTPUT
with torch.no_grad():
    ours, theirs = vit(images[:64]), model(images[:64])
print("scores", tuple(theirs.shape), "equal:", torch.allclose(ours, theirs, atol=1e-4))

# %% [markdown]
# The published sizes have the same parts, only more of them. On the `meta` device a model has shapes but no numbers, so
# even the largest is built at once. Here are its parameters in millions, with the classifier of 1,000 classes and
# without, beside those of table 1 of the paper.

# %% id="published-sizes"
# NBVAL_CHECK_OUTPUT
presets = {"ViT-Base": "vit-b-16", "ViT-Large": "vit-l-16", "ViT-Huge": "vit-h-14"}
paper = {row["model"]: row["million parameters"] for row in data.table("vit-table-1")}
table = "| | with classifier | without | table 1 |\n|---|---|---|---|\n"
for name, preset in presets.items():
    big = reference.ViT(ViTConfig.preset(preset, classes=1000), device="meta")
    whole, head = parameters(big) / 1e6, parameters(big.head) / 1e6
    table += f"| {name} | {whole:.1f} | {whole - head:.1f} | {paper[name]} |\n"
say(table)

# %% [markdown]
# Released weights are files in which the same tensors have other names, and each library has its own. `mmlearn.hub` knows
# these *layouts*. Here your ViT is written as Hugging Face's library reads it, and read back.

# %% id="official-layout"
# NBVAL_CHECK_OUTPUT
with tempfile.TemporaryDirectory() as folder:
    hub.save(model, folder)
    print("files:", *sorted(path.name for path in Path(folder).iterdir()))
    again = hub.load(folder)
with torch.no_grad():
    print("same scores:", torch.equal(again(images[:64]), model(images[:64])))

# %% [markdown]
# With a network, the same call fetches a released ViT once, about `350` MB as float32, and gives its classes of ImageNet:
#
# ```
# base = hub.load("google/vit-base-patch16-224")
# ```

# %% [markdown]
# ## Check the source
#
# - **Equations 1 to 8** stand beside the lines that do them. The paper prints (4) as the norm of the class token alone.
#   Normalising all tokens gives the same class token, because a layer norm works on each token by itself.
# - **Table 1** cannot be matched by one way of counting. Base rounds to the table's number without its classifier, Huge
#   with it. Large, with patches of 16 pixels, comes out lower than the table either way.
# - **Patch size.** The paper's title says 16 × 16. An emoji of 32 × 32 pixels would be four such patches; 4 × 4 leaves 64.
# - **Interpolation.** The paper names no method. Its authors' code interpolates linearly, corner on corner; published
#   PyTorch versions are bicubic, and so is this one.
#
# Dosovitskiy et al., *An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale*, ICLR 2021,
# arXiv:2010.11929: sections 3.1, 3.2 and 4.3, equations 1 to 8, table 1, figures 3 and 7. Naseer et al., *Intriguing
# Properties of Vision Transformers*, NeurIPS 2021, arXiv:2105.10497: covering and shuffling patches. Luo et al.,
# *Understanding the Effective Receptive Field in Deep Convolutional Neural Networks*, NeurIPS 2016, arXiv:1701.04128.

# %% [markdown]
# ## Words

# %% id="glossary"
glossary("01")

# %% [markdown]
# ## Where to go next
#
# [Lesson 00](00_start_here.ipynb) shows your progress and the map. [Lesson 02](02_clip.ipynb) gives this encoder words to
# learn from: CLIP trains it on pictures and their captions, and needs no list of groups.
