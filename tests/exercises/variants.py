"""Honest solutions in other styles than the reference: every check must pass them."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from mmlearn.models.vit import Encoder
from mmlearn.nn.attention import SelfAttention
from mmlearn.nn.transformer import PreNormBlock


def mean_by_loop(images_BCYX):
    total = torch.zeros_like(images_BCYX[0])
    for image_CYX in images_BCYX:
        total = total + image_CYX
    return total / len(images_BCYX)


def mean_by_einsum(images_BCYX):
    return torch.einsum("bcyx->cyx", images_BCYX) / images_BCYX.shape[0]


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


VARIANTS = {
    "start.mean": (mean_by_loop, mean_by_einsum),
    "vit.patchify": (patchify_by_loops, patchify_by_unfold, patchify_by_views),
    "vit.attention": (AttentionByEinsum, AttentionByLoops),
    "vit.block": (BlockInTwoSums, BlockByFunctions),
    "vit.encoder": (EncoderByRepeat, EncoderByPadding),
}
