"""Residual vector quantisation: a vector as a few whole numbers, each of which corrects the ones before it.

EnCodec (Defossez et al. 2022, arXiv:2210.13438), section 3.2; SoundStream (arXiv:2107.03312), algorithm 1; codebooks as
moving averages from VQ-VAE (arXiv:1711.00937), appendix A.1.

Shape letters: B batch, D width of a vector, F frames, Q codebooks, K entries of a codebook, N vectors of all items.

A forward changes nothing. Codebooks learn where they are told to, by `start` before the first step of training and by
`update` after each one, so that a forward can be compiled, computed twice, or run in several processes.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.nn.precision import at_least_single, full_precision

ROUNDS = 50  # of k-means
EPSILON = 1e-5  # Laplace's: added to the count of each entry


class Quantised(NamedTuple):
    """What quantisation made of some vectors."""

    z_BDF: Tensor  # the nearest that the codebooks can say; its gradient goes to the vectors, straight through
    codes_BQF: Tensor  # which entry of each codebook
    errors_Q: Tensor  # after each codebook, the squared length of what is left, as a mean over items and frames


class ResidualQuantiser(nn.Module):
    """Q codebooks of K entries; each says what those before it left unsaid.

    Args:
        dim: D.
        codebooks: Q.
        entries: K.
        decay: how much of the moving averages stays at each update.
        dead: an entry that was chosen less often than this, in the moving average of its counts, starts anew.
        device, dtype: of the codebooks.
    """

    def __init__(
        self, dim: int, codebooks: int, entries: int, *, decay: float = 0.99, dead: float = 2.0, device=None, dtype=None
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.codebooks, self.entries, self.decay, self.dead = codebooks, entries, decay, dead
        # All codebooks, one below the other: rows q * K to (q + 1) * K are those of codebook q.
        self.register_buffer("table", torch.randn(codebooks * entries, dim, **place))
        self.register_buffer("sums", self.table.clone())  # of the vectors that chose an entry, as a moving average
        self.register_buffer("counts", torch.ones(codebooks * entries, **place))  # of these vectors
        self.register_buffer("started", torch.zeros(codebooks, **place))  # 1 after `start`

    def forward(self, z_BDF: Tensor, codebooks: int | None = None) -> Quantised:
        """Vectors, codes and errors, with the first so many codebooks; all of them where it is not said.

        Errors are the terms of equation 3, l_w = sum over c of ||z_c - q_c(z_c)||^2, z_c what codebook c is given. No
        gradient goes to the codebooks, and each error's goes to the encoder. In the released code only the first one's
        does, and their mean over codebooks and numbers is taken.
        """
        codes_QBF, stages = self._search(z_BDF, codebooks)
        with full_precision(z_BDF.device.type):
            z_BFD = at_least_single(z_BDF).mT
            errors_Q = (z_BFD - torch.stack(stages)).square().sum(-1).mean((1, 2))
            straight_BFD = z_BFD + (stages[-1] - z_BFD).detach()
        return Quantised(straight_BFD.mT.to(z_BDF.dtype), codes_QBF.movedim(0, 1), errors_Q.to(z_BDF.dtype))

    def encode(self, z_BDF: Tensor, codebooks: int | None = None) -> Tensor:
        """Vectors to codes: `[B, D, F]` to `[B, Q, F]`, with the first so many codebooks."""
        return self._search(z_BDF, codebooks)[0].movedim(0, 1)

    def decode(self, codes_BQF: Tensor) -> Tensor:
        """Codes of the first so many codebooks to vectors: `[B, Q, F]` to `[B, D, F]`."""
        first_Q1 = self.entries * torch.arange(codes_BQF.shape[1], device=codes_BQF.device)[:, None]
        return F.embedding(codes_BQF + first_Q1, self.table).sum(1).mT  # the sum over codebooks

    def book(self, number: int) -> Tensor:
        """The entries of one codebook: `[K, D]`."""
        return self.table[number * self.entries : (number + 1) * self.entries]

    @torch.no_grad()
    def start(self, z_BDF: Tensor, *, rounds: int = ROUNDS, generator: torch.Generator | None = None) -> None:
        """Set all codebooks to the centres that k-means finds in vectors of the encoder, as it is now.

        Args:
            z_BDF: vectors of a first batch.
            rounds: of k-means.
            generator: of random numbers, on the device of the vectors.
        """
        left_ND = at_least_single(z_BDF).movedim(1, 2).flatten(0, 1)
        for number in range(self.codebooks):
            centres_KD, counts_K = k_means(left_ND, self.entries, rounds, generator)
            rows = slice(number * self.entries, (number + 1) * self.entries)
            self.table[rows], self.counts[rows] = centres_KD, counts_K
            self.sums[rows] = centres_KD * counts_K[:, None]
            left_ND = left_ND - centres_KD[nearest(left_ND, centres_KD)]
        self.started.fill_(1)
        _share(self.buffers())

    @torch.no_grad()
    def update(self, z_BDF: Tensor, codes_BQF: Tensor, *, generator: torch.Generator | None = None) -> None:
        """Move each entry to the mean of the vectors that chose it, in a moving average; start unused ones anew.

        Codebooks without codes, because fewer were in use, stay as they are.

        Args:
            z_BDF, codes_BQF: what `forward` was given, and its codes.
            generator: of random numbers, on the device of the vectors.
        """
        left_ND = at_least_single(z_BDF).movedim(1, 2).flatten(0, 1)
        for number, codes_N in enumerate(codes_BQF.movedim(1, 0).flatten(1)):
            rows = slice(number * self.entries, (number + 1) * self.entries)
            before_KD = self.table[rows].to(left_ND.dtype, copy=True)
            sums_KD, counts_K = _gather(left_ND, codes_N, self.entries)
            _add_up(sums_KD, counts_K)
            self.counts[rows] = self.counts[rows].lerp(counts_K.to(self.counts.dtype), 1 - self.decay)
            self.sums[rows] = self.sums[rows].lerp(sums_KD.to(self.sums.dtype), 1 - self.decay)
            total = self.counts[rows].sum()
            smooth_K = (self.counts[rows] + EPSILON) / (total + self.entries * EPSILON) * total
            self.table[rows] = self.sums[rows] / smooth_K[:, None]
            self._restart(rows, left_ND, generator)
            left_ND = left_ND - before_KD[codes_N]

    def _restart(self, rows: slice, left_ND: Tensor, generator: torch.Generator | None) -> None:
        """Put vectors of this batch where entries are dead, with just the count that keeps them alive."""
        picked_KD = left_ND[_some(left_ND, self.entries, generator)].to(self.table.dtype)
        _share([picked_KD])
        dead_K = self.counts[rows] < self.dead
        self.table[rows] = torch.where(dead_K[:, None], picked_KD, self.table[rows])
        self.sums[rows] = torch.where(dead_K[:, None], picked_KD * self.dead, self.sums[rows])
        self.counts[rows] = self.counts[rows].clamp(min=self.dead)

    def _search(self, z_BDF: Tensor, codebooks: int | None) -> tuple[Tensor, list[Tensor]]:
        """Codes `[Q, B, F]`, and after each codebook what all together say, `[B, F, D]`."""
        count = self.codebooks if codebooks is None else codebooks
        if not 1 <= count <= self.codebooks:
            raise ValueError(f"there are {self.codebooks} codebooks; {count} of them cannot be used")
        codes, stages = [], []
        with full_precision(z_BDF.device.type):
            left_BFD = at_least_single(z_BDF.detach()).mT
            said_BFD = torch.zeros_like(left_BFD)
            for number in range(count):
                book_KD = self.book(number).to(left_BFD.dtype)
                codes_BF = nearest(left_BFD.flatten(0, 1), book_KD).unflatten(0, left_BFD.shape[:2])
                entry_BFD = F.embedding(codes_BF, book_KD)
                left_BFD, said_BFD = left_BFD - entry_BFD, said_BFD + entry_BFD
                codes.append(codes_BF)
                stages.append(said_BFD)
        return torch.stack(codes), stages


def nearest(x_ND: Tensor, entries_KD: Tensor) -> Tensor:
    """Which entry is nearest to each vector: `[N]`.

    By ||x - e||^2 = ||x||^2 - 2 x e + ||e||^2. The first term is the same for all entries; it stays, and the order of
    sums too, so that what is nearly a tie is rounded as in the released models and gets the same code.
    """
    squares_N1, squares_1K = x_ND.square().sum(1, keepdim=True), entries_KD.T.square().sum(0, keepdim=True)
    return (2 * x_ND @ entries_KD.T).neg_().add_(squares_N1).add_(squares_1K).argmin(1)


def k_means(x_ND: Tensor, centres: int, rounds: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Lloyd's algorithm: centres `[K, D]` and how many vectors each has, `[K]`. It starts from vectors by chance.

    A centre that no vector is nearest to stays where it is.
    """
    centres_KD = x_ND[_some(x_ND, centres, generator)]
    counts_K = x_ND.new_zeros(centres)
    for _ in range(rounds):
        sums_KD, counts_K = _gather(x_ND, nearest(x_ND, centres_KD), centres)
        centres_KD = torch.where(counts_K[:, None] > 0, sums_KD / counts_K.clamp(min=1)[:, None], centres_KD)
    return centres_KD, counts_K


def _gather(x_ND: Tensor, codes_N: Tensor, entries: int) -> tuple[Tensor, Tensor]:
    """For each entry the sum of the vectors that chose it, `[K, D]`, and how many they are, `[K]`."""
    sums_KD = x_ND.new_zeros(entries, x_ND.shape[1]).index_add_(0, codes_N, x_ND)
    counts_K = x_ND.new_zeros(entries).index_add_(0, codes_N, x_ND.new_ones(len(x_ND)))
    return sums_KD, counts_K


def _some(x_ND: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    """Places of so many vectors, each once where there are enough."""
    if len(x_ND) >= count:
        return torch.randperm(len(x_ND), generator=generator, device=x_ND.device)[:count]
    return torch.randint(len(x_ND), (count,), generator=generator, device=x_ND.device)


def _several() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _add_up(*tensors: Tensor) -> None:
    """Sum each over all processes."""
    for tensor in tensors if _several() else ():
        torch.distributed.all_reduce(tensor)


def _share(tensors) -> None:
    """Give all processes what the first one has."""
    for tensor in tensors if _several() else ():
        torch.distributed.broadcast(tensor, 0)
