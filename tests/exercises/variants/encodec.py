"""Honest solutions of lesson 15."""

import torch
from torch.nn import functional as F


def piece_by_unfold(piece, held, weight, bias):
    """Every window as a row; `unfold` refuses fewer samples than a window has."""
    (B, _, T), K = piece.shape, weight.shape[2]
    joined = torch.cat([held, piece], dim=-1)
    if T == 0:
        return joined.new_zeros(B, len(bias), 0), joined
    windows_BCTK = joined.unfold(2, K, 1)
    out = torch.einsum("bctk,dck->bdt", windows_BCTK, weight) + bias[:, None]
    return out, joined[:, :, T:]


def piece_by_loops(piece, held, weight, bias):
    """A sample at a time."""
    S, outs = held.shape[2], []
    for t in range(piece.shape[2]):
        window = torch.cat([held, piece[:, :, t : t + 1]], dim=2)
        outs.append(torch.einsum("bck,dck->bd", window, weight) + bias)
        held = window[:, :, window.shape[2] - S :]
    if not outs:
        return piece.new_empty(len(piece), len(bias), 0), held
    return torch.stack(outs, dim=2), held


def piece_by_weights(piece, held, weight, bias):
    """Weight by weight, as the formula says it."""
    T, K = piece.shape[2], weight.shape[2]
    x = torch.cat((held, piece), 2)
    parts = [weight[:, :, k] @ x[:, :, k : k + T] for k in range(K)]
    return sum(parts) + bias.reshape(-1, 1), x.narrow(2, T, K - 1)


def piece_by_padding(piece, held, weight, bias):
    """Padded, so that there is always enough, and cut."""
    S = weight.shape[2] - 1
    x = torch.cat([held, piece], dim=2)
    out = F.conv1d(x, weight, bias, padding=S)
    return out[:, :, S : S + piece.shape[2]], x[:, :, x.shape[2] - S :].clone()


def quantise_by_broadcasting(x, books):
    left, codes, chosen = x.clone(), [], []
    for entries in books:
        codes.append(((left[:, None] - entries[None]) ** 2).sum(-1).argmin(-1))
        chosen.append(entries[codes[-1]])
        left -= chosen[-1]
    return torch.stack(codes, 0), torch.stack(chosen, 0).cumsum(0)


def quantise_by_loops(x, books):
    """Latent by latent, entry by entry."""
    Q, N = len(books), len(x)
    codes, stages = torch.empty(Q, N, dtype=torch.long), x.new_zeros(Q, N, x.shape[1])
    for n in range(N):
        said = torch.zeros_like(x[n])
        for q in range(Q):
            distances = [torch.dist(x[n] - said, entry).item() for entry in books[q]]
            codes[q, n] = distances.index(min(distances))
            said = said + books[q, codes[q, n]]
            stages[q, n] = said
    return codes, stages


def quantise_by_einsum(x, books):
    """The length of the latent is the same for all entries, so it is left out; what is left over is x - said."""
    codes, stages = [], [torch.zeros_like(x)]
    for entries in books:
        closeness = 2 * torch.einsum("nd,kd->nk", x - stages[-1], entries) - entries.square().sum(1)
        code = closeness.max(dim=1).indices
        codes.append(code)
        stages.append(stages[-1] + F.one_hot(code, len(entries)).to(x.dtype) @ entries)
    return torch.stack(codes), torch.stack(stages[1:])


def commitment_by_norm(x, said):
    return torch.linalg.vector_norm(x[None] - said.detach(), dim=-1).pow(2).mean(-1)


def commitment_by_einsum(x, said):
    with torch.no_grad():
        said = said.clone()
    left = said - x
    return torch.einsum("qnd,qnd->q", left, left) / len(x)


def commitment_by_loops(x, said):
    terms = [sum((row - other.detach()).square().sum() for row, other in zip(x, one, strict=True)) for one in said]
    return torch.stack(terms) / len(x)


def commitment_by_mse(x, said):
    """The mean over numbers, times how many there are."""
    return torch.stack([F.mse_loss(x, one.detach()) * x.shape[-1] for one in said])


def averages_by_index_add(sums, counts, x, codes, decay):
    sums, counts = decay * sums, decay * counts
    sums.index_add_(0, codes, (1 - decay) * x)
    counts.index_add_(0, codes, torch.full((len(x),), 1 - decay, dtype=counts.dtype))
    return sums, counts


def averages_by_bincount(sums, counts, x, codes, decay):
    new_counts = torch.bincount(codes, minlength=len(counts)).to(counts.dtype)
    new_sums = torch.zeros_like(sums).scatter_add(0, codes[:, None].expand(-1, x.shape[1]), x)
    return torch.lerp(new_sums, sums, decay), torch.lerp(new_counts, counts, decay)


def averages_by_loops(sums, counts, x, codes, decay):
    sums, counts = sums.clone(), counts.clone()
    for k in range(len(counts)):
        mine = x[codes == k]
        counts[k] = decay * counts[k] + (1 - decay) * len(mine)
        sums[k] = decay * sums[k] + (1 - decay) * mine.sum(dim=0)
    return [sums, counts]


def averages_by_einsum(sums, counts, x, codes, decay):
    chose = (codes[:, None] == torch.arange(len(counts))).to(x.dtype)
    return (
        sums + (1 - decay) * (torch.einsum("nk,nd->kd", chose, x) - sums),
        counts + (1 - decay) * (chose.sum(0) - counts),
    )


def mel_loss_by_norm(real, made, alpha=1.0):
    flat = (real - made).flatten(1)
    return F.l1_loss(made, real) + alpha * flat.norm(dim=1).mean() / flat.shape[1] ** 0.5


def mel_loss_by_loops(real, made, alpha=1.0):
    """Sound by sound."""
    total = 0
    for r, m in zip(real, made, strict=True):
        total = total + (r - m).abs().mean() + alpha * F.mse_loss(m, r).sqrt()
    return total / len(real)


def mel_loss_by_einsum(real, made, alpha=1.0):
    """With a tiny number below the root, against a slope without end."""
    difference = made - real
    squares = torch.einsum("nmf,nmf->n", difference, difference) / difference[0].numel()
    return difference.abs().sum() / difference.numel() + alpha * (squares + 1e-12).pow(0.5).mean()


def discriminator_by_clamp(real, made):
    total = 0
    for r, m in zip(real, made, strict=True):
        total = total + (1 - r).clamp(min=0).mean() + (1 + m).clamp(min=0).mean()
    return total / len(real)


def discriminator_by_maximum(real, made):
    zero = torch.zeros((), dtype=real[0].dtype)
    first = torch.stack([torch.maximum(zero, 1 - r).mean() for r in real])
    second = torch.stack([torch.maximum(zero, 1 + m).mean() for m in made])
    return first.mean() + second.mean()


def discriminator_by_where(real, made):
    """The scores as one row for each discriminator."""
    losses = []
    for k in range(len(real)):
        r, m = real[k].flatten(), made[k].flatten()
        losses.append(torch.where(r < 1, 1 - r, 0).sum() / len(r) + torch.where(m > -1, 1 + m, 0).sum() / len(m))
    return sum(losses) / len(losses)


def features_by_sums(real, made):
    """Sums over both, which is the same: there are as many numbers above as below."""
    means = []
    for rs, ms in zip(real, made, strict=True):
        ratios = [(r.detach() - m).abs().sum() / r.detach().abs().sum() for r, m in zip(rs, ms, strict=True)]
        means.append(sum(ratios) / len(ratios))
    return sum(means) / len(means)


def features_by_l1_loss(real, made):
    rs = [r.detach() for row in real for r in row]
    ms = [m for row in made for m in row]
    return torch.stack([F.l1_loss(m, r) / r.abs().mean() for r, m in zip(rs, ms, strict=True)]).mean()


def features_by_scaling(real, made):
    """Each layer is brought to a size of 1 first."""
    total, K, L = 0, len(real), len(real[0])
    for k in range(K):
        for layer in range(L):
            with torch.no_grad():
                r = real[k][layer].clone()
                size = r.norm(p=1) / r.numel()
            total = total + (r / size - made[k][layer] / size).abs().mean()
    return total / (K * L)


def balanced_by_einsum(gradients, lengths, weights, norm=1.0):
    shares = torch.tensor(weights, dtype=lengths.dtype)
    shares = norm * shares / shares.sum() / (lengths + 1e-12)
    return torch.einsum("i,i...->...", shares, torch.stack(gradients))


def balanced_by_sum(gradients, lengths, weights, norm=1.0):
    total = sum(weights)
    return norm * sum(w / total * (g / (n + 1e-12)) for g, n, w in zip(gradients, lengths, weights, strict=True))


def balanced_by_numbers(gradients, lengths, weights, norm=1.0):
    result = 0 * gradients[0]
    for i, gradient in enumerate(gradients):
        result += norm * weights[i] / sum(weights) / (lengths[i].item() + 1e-12) * gradient
    return result


VARIANTS = {
    "encodec.stream": (piece_by_unfold, piece_by_loops, piece_by_weights, piece_by_padding),
    "encodec.quantise": (quantise_by_broadcasting, quantise_by_loops, quantise_by_einsum),
    "encodec.commitment": (commitment_by_norm, commitment_by_einsum, commitment_by_loops, commitment_by_mse),
    "encodec.averages": (averages_by_index_add, averages_by_bincount, averages_by_loops, averages_by_einsum),
    "encodec.mel-loss": (mel_loss_by_norm, mel_loss_by_loops, mel_loss_by_einsum),
    "encodec.discriminator": (discriminator_by_clamp, discriminator_by_maximum, discriminator_by_where),
    "encodec.features": (features_by_sums, features_by_l1_loss, features_by_scaling),
    "encodec.balancer": (balanced_by_einsum, balanced_by_sum, balanced_by_numbers),
}
