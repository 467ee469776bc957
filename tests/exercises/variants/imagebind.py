"""Honest solutions of lesson 03."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from mmlearn.models.imagebind import SignalTrunk
from mmlearn.nn.attention import ExtraTokenAttention, SelfAttention
from mmlearn.nn.contrastive import symmetric_loss
from mmlearn.nn.patches import StridedProjection
from mmlearn.nn.transformer import StochasticDepthBlock


def patches_by_f_unfold(spectrograms, kernel, stride):
    if kernel[0] > spectrograms.shape[-2] or kernel[1] > spectrograms.shape[-1]:
        raise ValueError(kernel)
    return F.unfold(spectrograms, kernel, stride=stride).mT


def patches_by_loops(spectrograms, kernel, stride):
    B, C, Y, X = spectrograms.shape
    P, Q = kernel
    patches = []
    for y in range(0, Y - P + 1, stride[0]):
        for x in range(0, X - Q + 1, stride[1]):
            patches.append(spectrograms[:, :, y : y + P, x : x + Q].reshape(B, C * P * Q))
    if not patches:
        raise ValueError("nothing fits")
    return torch.stack(patches, dim=1)


def patches_by_indices(spectrograms, kernel, stride):
    """Rows and columns of every cell of every patch, taken at once."""
    (P, Q), (Y, X) = kernel, spectrograms.shape[2:]
    if Y < P or X < Q:
        raise ValueError("too small")
    rows = torch.arange(0, Y - P + 1, stride[0])[:, None] + torch.arange(P)
    columns = torch.arange(0, X - Q + 1, stride[1])[:, None] + torch.arange(Q)
    taken = spectrograms[:, :, rows[:, None, :, None], columns[None, :, None, :]]
    return torch.einsum("bcijpq->bijcpq", taken).flatten(3).flatten(1, 2)


def patches_by_convolution(spectrograms, kernel, stride):
    """Each kernel of the convolution takes one cell."""
    (_, C, Y, X), (P, Q) = spectrograms.shape, kernel
    if P > Y or Q > X:
        raise ValueError("too small")
    takes = torch.eye(C * P * Q, dtype=spectrograms.dtype).reshape(-1, C, P, Q)
    return F.conv2d(spectrograms, takes, stride=stride).flatten(2).transpose(1, 2)


class Given(nn.Module):
    """The class as the lesson gives it."""

    def __init__(self, config, embed_dim):
        super().__init__()
        c, D = config, config.dim
        self.size = c.size
        self.stem = StridedProjection(c.size[0], c.kernel, D, stride=c.stride)
        self.stem_norm = nn.LayerNorm(D, eps=c.norm_eps) if c.stem_norm else nn.Identity()
        self.class_token = nn.Parameter(0.02 * torch.randn(D))
        self.positions = nn.Parameter(0.01 * torch.randn(1 + math.prod(c.grid), D))
        self.norm_before = nn.LayerNorm(D, eps=c.norm_eps) if c.norm_before else nn.Identity()
        attention = ExtraTokenAttention if c.extra_token else SelfAttention
        self.blocks = nn.ModuleList(
            StochasticDepthBlock(D, c.heads, 4 * D, norm_eps=c.norm_eps, attention=attention) for _ in range(c.blocks)
        )
        self.norm = nn.LayerNorm(D, eps=c.norm_eps)
        self.projection = nn.Linear(D, embed_dim, bias=False)


class TrunkAsGiven(Given):
    def forward(self, signals):
        if signals.shape[1:] != self.size:
            raise ValueError(f"expected {self.size}, got {tuple(signals.shape[1:])}")
        patches_BND = self.stem_norm(self.stem(signals))
        class_B1D = self.class_token.expand(len(signals), 1, -1)
        x_BLD = self.norm_before(torch.cat([class_B1D, patches_BND], dim=1) + self.positions)
        for block in self.blocks:
            x_BLD = block(x_BLD)
        return self.projection(self.norm(x_BLD[:, 0]))


class TrunkOneByOne(Given):
    """Signal by signal, and the norm over all tokens before one is picked."""

    def forward(self, signals):
        if tuple(signals.shape[1:]) != tuple(self.size) or signals.ndim != len(self.size) + 1:
            raise ValueError("another size")
        vectors = []
        for signal in signals:
            x = torch.vstack([self.class_token, self.stem_norm(self.stem(signal[None]))[0]]) + self.positions
            x = nn.Sequential(self.norm_before, *self.blocks, self.norm)(x[None])
            vectors.append(x[0, 0] @ self.projection.weight.T)
        return torch.stack(vectors)


class TrunkByFilling(SignalTrunk):
    """The positions first, and what is there is added to them."""

    def forward(self, signals):
        if list(signals.shape[1:]) != list(self.size):
            raise ValueError("another size")
        x = self.positions.repeat(signals.shape[0], 1, 1)
        x[:, 1:] += self.stem_norm(self.stem(signals))
        x[:, 0] += self.class_token
        x = self.norm_before(x)
        for index in range(len(self.blocks)):
            x = self.blocks[index].forward(x)
        return F.linear(self.norm(x.select(1, 0)), self.projection.weight)


def binding_by_sum(vectors, similarities):
    others = [name for name in vectors if name != "image"]
    if "image" not in vectors or not others:
        raise ValueError("images and one more")
    return sum(symmetric_loss(similarities[name](vectors["image"], vectors[name])) for name in others)


def binding_by_hand(vectors, similarities):
    """Vectors have length 1, so the scores can be had without a `Similarity`."""
    others = {**vectors}
    image = others.pop("image", None)
    if image is None or len(others) == 0:
        raise ValueError(f"got {list(vectors)}")
    total = torch.zeros((), dtype=image.dtype)
    for name, vector in others.items():
        scores = similarities[name].log_scale.exp() * torch.einsum("be,ke->bk", image, vector)
        rows, columns = scores.log_softmax(dim=1), scores.log_softmax(dim=0)
        total = total - (rows.diagonal() + columns.diagonal()).mean() / 2
    return total


def binding_from_the_other_side(vectors, similarities):
    """The scores turned: the loss sees both directions, so it is the same."""
    try:
        image, total = vectors["image"], 0
    except KeyError as error:
        raise ValueError("no images") from error
    if len(vectors) == 1:
        raise ValueError("nothing to bind")
    for name in vectors:
        if name == "image":
            continue
        total += symmetric_loss(similarities[name](vectors[name], image))
    return total


def gap_by_pieces(first, second):
    first, second = first / first.norm(dim=1, keepdim=True), second / second.norm(dim=1, keepdim=True)
    return torch.dist(first.mean(dim=0), second.mean(dim=0))


def gap_by_einsum(first, second):
    first = torch.einsum("ne,n->e", first, 1 / first.norm(dim=1)) / len(first)
    second = torch.einsum("me,m->e", second, 1 / second.norm(dim=1)) / len(second)
    return torch.sqrt(((first - second) ** 2).sum())


def gap_by_loops(first, second):
    means = [sum(row / row.square().sum().sqrt() for row in vectors) / len(vectors) for vectors in (first, second)]
    return torch.linalg.vector_norm(means[1] - means[0])


def centred_by_norms(vectors):
    unit = vectors / vectors.norm(dim=-1, keepdim=True)
    around = unit - unit.mean(dim=0, keepdim=True)
    return around / around.norm(dim=-1, keepdim=True)


def centred_by_matrix(vectors):
    """The matrix that takes the mean away."""
    N = len(vectors)
    away = torch.eye(N, dtype=vectors.dtype) - 1 / N
    return F.normalize(away @ F.normalize(vectors))


def centred_by_loops(vectors):
    rows = [row / row.square().sum().sqrt() for row in vectors]
    mean = sum(rows) / len(rows)
    return torch.stack([(row - mean) / torch.dist(row, mean) for row in rows])


def combine_by_norms(first, second, share=0.5):
    first, second = first / first.norm(dim=-1, keepdim=True), second / second.norm(dim=-1, keepdim=True)
    both = first + share * (second - first)
    return both / both.norm(dim=-1, keepdim=True)


def combine_by_lerp(first, second, share=0.5):
    return F.normalize(torch.lerp(F.normalize(first), F.normalize(second), share))


def combine_by_stack(first, second, share=0.5):
    both = F.normalize(torch.stack([first, second]), dim=-1)
    weights = torch.tensor([1 - share, share], dtype=first.dtype)
    return F.normalize(torch.einsum("s,sbe->be", weights, both), dim=-1)


VARIANTS = {
    "imagebind.patches": (patches_by_f_unfold, patches_by_loops, patches_by_indices, patches_by_convolution),
    "imagebind.trunk": (TrunkAsGiven, TrunkOneByOne, TrunkByFilling),
    "imagebind.loss": (binding_by_sum, binding_by_hand, binding_from_the_other_side),
    "imagebind.gap": (gap_by_pieces, gap_by_einsum, gap_by_loops),
    "imagebind.centre": (centred_by_norms, centred_by_matrix, centred_by_loops),
    "imagebind.combine": (combine_by_norms, combine_by_lerp, combine_by_stack),
}
