"""Honest solutions of lesson 01."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from mmlearn.models.vit import Encoder, ViT
from mmlearn.nn.attention import SelfAttention
from mmlearn.nn.patches import PatchProjection, patchify
from mmlearn.nn.transformer import PreNormBlock


def patchify_by_loops(images_BCYX, patch_size):
    Y, X = images_BCYX.shape[-2:]
    if Y % patch_size != 0 or X % patch_size != 0:
        raise ValueError("no whole number of patches")
    patches = []
    for top in range(0, Y, patch_size):
        for left in range(0, X, patch_size):
            square = images_BCYX[:, :, top : top + patch_size, left : left + patch_size]
            patches.append(square.flatten(1))
    return torch.stack(patches, dim=1)


def patchify_by_unfold(images_BCYX, P):
    if any(side % P for side in images_BCYX.shape[2:]):
        raise ValueError(P)
    return F.unfold(images_BCYX, P, stride=P).mT


def patchify_by_views(images_BCYX, P):
    if images_BCYX.shape[2] % P or images_BCYX.shape[3] % P:
        raise ValueError("does not fit")
    windows = images_BCYX.unfold(2, P, P).unfold(3, P, P)  # [B, C, Y/P, X/P, P, P]
    return windows.movedim(1, 3).flatten(3).flatten(1, 2)


class ProjectionByMatrix(PatchProjection):
    def forward(self, images_BCYX):
        return self.linear(patchify(images_BCYX, self.patch_size))

    def kernel(self):
        return self.linear.weight.view(-1, self.channels, self.patch_size, self.patch_size)


class ProjectionByEinsum(PatchProjection):
    def forward(self, images):
        patches = patchify(images, self.patch_size).unflatten(2, (-1, self.patch_size, self.patch_size))
        return torch.einsum("bncyx,dcyx->bnd", patches, self.kernel()) + self.linear.bias

    def kernel(self):
        by_channel = torch.stack(self.linear.weight.chunk(self.channels, dim=1), dim=1)
        return torch.stack(by_channel.split(self.patch_size, dim=2), dim=2)


class ProjectionByWindows(PatchProjection):
    def forward(self, images):
        P, rows = self.patch_size, []
        if images.shape[2] % P or images.shape[3] % P:
            raise ValueError(images.shape)
        for top in range(0, images.shape[2], P):
            for left in range(0, images.shape[3], P):
                rows.append(images[:, :, top : top + P, left : left + P].flatten(1))
        return F.linear(torch.stack(rows, 1), self.linear.weight, self.linear.bias)

    def kernel(self):
        rows = [row.reshape(self.channels, self.patch_size, -1) for row in self.linear.weight]
        return torch.stack(rows)


class AttentionByEinsum(SelfAttention):
    def weights(self, x):
        B, N, D = x.shape
        q, k, _ = self.qkv(x).reshape(B, N, 3, self.heads, D // self.heads).unbind(2)
        return (torch.einsum("bqhd,bkhd->bhqk", q, k) * (D // self.heads) ** -0.5).softmax(-1)

    def forward(self, x):
        B, N, D = x.shape
        v = self.qkv(x)[..., 2 * D :].reshape(B, N, self.heads, D // self.heads)
        return self.out(torch.einsum("bhqk,bkhd->bqhd", self.weights(x), v).reshape(B, N, D))


class AttentionByLoops(SelfAttention):
    def weights(self, x):
        q, k, _ = self.qkv(x).chunk(3, dim=-1)
        width = q.shape[-1] // self.heads
        maps = []
        for h in range(self.heads):
            own = slice(h * width, (h + 1) * width)
            scores = q[..., own] / math.sqrt(width) @ k[..., own].transpose(1, 2)
            scores = torch.exp(scores - scores.amax(-1, keepdim=True))
            maps.append(scores / scores.sum(-1, keepdim=True))
        return torch.stack(maps, dim=1)

    def forward(self, x):
        values = self.qkv(x).chunk(3, dim=-1)[2].chunk(self.heads, dim=-1)
        return self.out(torch.cat([w @ v for w, v in zip(self.weights(x).unbind(1), values, strict=True)], dim=-1))


class BlockInTwoSums(PreNormBlock):
    def forward(self, x):
        after_attention = self.attention(self.norm1(x)).add(x)
        return torch.add(self.mlp(self.norm2(after_attention)), after_attention)


class BlockByFunctions(PreNormBlock):
    def forward(self, x):
        x = x + self.attention(F.layer_norm(x, x.shape[-1:], self.norm1.weight, self.norm1.bias, self.norm1.eps))
        first, activation, last = self.mlp
        hidden = activation(F.linear(self.norm2(x), first.weight, first.bias))
        return x + hidden @ last.weight.T + last.bias


class EncoderByRepeat(Encoder):
    def embed(self, patches):
        token = self.class_token.repeat(len(patches), 1, 1)
        return torch.hstack((token + self.positions[:, :1], patches + self.positions[:, 1:]))

    def forward(self, patches):
        return self.norm(nn.Sequential(*self.blocks)(self.embed(patches)))


class EncoderByPadding(Encoder):
    def embed(self, patches):
        padded = F.pad(patches, (0, 0, 1, 0))
        first = F.one_hot(torch.tensor(0), padded.shape[1]).view(1, -1, 1).to(padded)
        return padded + first * self.class_token + self.positions

    def forward(self, patches):
        x = self.embed(patches)
        for index in range(len(self.blocks)):
            x = self.blocks[index](x)
        return self.norm(x)


class ModelInOneLine(ViT):
    def features(self, images):
        if images.shape[1:] != (self.config.channels, *self.config.image_size):
            raise ValueError(
                f"made for {self.config.channels} x {self.config.image_size}, not {tuple(images.shape[1:])}"
            )
        return self.encoder(self.projection(images))[:, 0]

    def forward(self, images):
        return self.head(self.features(images))


class ModelBySteps(ViT):
    def features(self, images):
        _, channels, rows, columns = images.shape
        wanted_rows, wanted_columns = self.config.image_size
        if rows != wanted_rows or columns != wanted_columns:
            raise ValueError(f"expected {wanted_rows} rows and {wanted_columns} columns; got {rows} and {columns}")
        if channels != self.config.channels:
            raise ValueError("wrong channels")
        tokens = self.encoder.embed(self.projection(images))
        for block in self.encoder.blocks:
            tokens = block(tokens)
        return self.encoder.norm(tokens.select(1, 0))  # a layer norm works on each token by itself

    def forward(self, images):
        return self.features(images) @ self.head.weight.T + self.head.bias


def positions_by_reshape(positions, grid, new_grid):
    rows, columns = grid
    D = positions.shape[-1]
    if positions.shape[1] - 1 != rows * columns:
        raise ValueError("these positions are for another grid")
    first, rest = positions.split([1, rows * columns], dim=1)
    picture = rest.reshape(1, rows, columns, D).movedim(-1, 1)
    picture = F.interpolate(picture, new_grid, mode="bicubic")
    return torch.hstack((first, picture.movedim(1, -1).reshape(1, -1, D)))


def positions_by_matrices(positions, grid, new_grid):
    """Bicubic along the rows, then along the columns: the basis vectors of an axis, resampled, are its matrix."""
    if positions.shape[1] != 1 + math.prod(grid):
        raise ValueError(positions.shape)
    down, across = (
        F.interpolate(torch.eye(old).to(positions)[None, :, :, None], (new, 1), mode="bicubic")[0, :, :, 0]
        for old, new in zip(grid, new_grid, strict=True)
    )
    picture = positions[0, 1:].view(*grid, -1)
    resampled = torch.einsum("yi,xj,yxd->ijd", down, across, picture)
    return torch.cat((positions[0, :1], resampled.flatten(0, 1)))[None]


VARIANTS = {
    "vit.patchify": (patchify_by_loops, patchify_by_unfold, patchify_by_views),
    "vit.projection": (ProjectionByMatrix, ProjectionByEinsum, ProjectionByWindows),
    "vit.attention": (AttentionByEinsum, AttentionByLoops),
    "vit.block": (BlockInTwoSums, BlockByFunctions),
    "vit.encoder": (EncoderByRepeat, EncoderByPadding),
    "vit.model": (ModelInOneLine, ModelBySteps),
    "vit.interpolate": (positions_by_reshape, positions_by_matrices),
}
