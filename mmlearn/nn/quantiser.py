"""Residual vector quantisation: a vector as a few whole numbers, each of which corrects the ones before it.

EnCodec (Defossez et al. 2022, arXiv:2210.13438), section 3.2 and equation 3; SoundStream (arXiv:2107.03312), section
III-C and algorithm 1; codebooks as moving averages from VQ-VAE (arXiv:1711.00937), appendix A.1.

From the top: what is done with one codebook, what is done with several, and `ResidualQuantiser`, which keeps them.

Shape letters: B batch, D width of a vector, F frames, Q codebooks, K entries of a codebook, N vectors of all items.

A forward changes nothing. Codebooks learn where they are told to, by `start` before the first step of training and by
`update` after each one, so that a forward can be compiled, computed twice, or run in several processes.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn.nn.precision import at_least_single, full_precision

ROUNDS = 50  # of k-means
EPSILON = 1e-5  # Laplace's: added to the count of each entry

# --- one codebook -----------------------------------------------------------------------------------------------------


def nearest(x_ND: Tensor, entries_KD: Tensor) -> Tensor:
    """Which entry is nearest to each vector: `[N]`.

    By ||x - e||^2 = ||x||^2 - 2 x e + ||e||^2. The first term is the same for all entries; it stays, and the order of
    sums too, so that what is nearly a tie is rounded as in the released models and gets the same code.
    """
    squares_N1, squares_1K = x_ND.square().sum(1, keepdim=True), entries_KD.T.square().sum(0, keepdim=True)
    return (2 * x_ND @ entries_KD.T).neg_().add_(squares_N1).add_(squares_1K).argmin(1)


def gather(x_ND: Tensor, codes_N: Tensor, entries: int) -> tuple[Tensor, Tensor]:
    """For each of K entries the sum of the vectors that chose it, `[K, D]`, and how many they are, `[K]`."""
    sums_KD = x_ND.new_zeros(entries, x_ND.shape[1]).index_add_(0, codes_N, x_ND)
    counts_K = x_ND.new_zeros(entries).index_add_(0, codes_N, x_ND.new_ones(len(x_ND)))
    return sums_KD, counts_K


def k_means(x_ND: Tensor, centres_KD: Tensor, rounds: int) -> tuple[Tensor, Tensor]:
    """Lloyd's algorithm: centres `[K, D]`, and how many vectors were nearest to each in the last round, `[K]`.

    A centre that no vector is nearest to stays where it is.

    Args:
        x_ND: the vectors.
        centres_KD: where the centres start, usually at some of the vectors.
        rounds: how often each centre moves to the mean of its vectors.
    """
    counts_K = x_ND.new_zeros(len(centres_KD))
    for _ in range(rounds):
        sums_KD, counts_K = gather(x_ND, nearest(x_ND, centres_KD), len(centres_KD))
        centres_KD = torch.where(counts_K[:, None] > 0, sums_KD / counts_K.clamp(min=1)[:, None], centres_KD)
    return centres_KD, counts_K


def moving_averages(
    sums_KD: Tensor, counts_K: Tensor, x_ND: Tensor, codes_N: Tensor, decay: float
) -> tuple[Tensor, Tensor]:
    """Both averages after one more batch: each is `decay` of what it was, and the rest from these vectors.

    VQ-VAE, appendix A.1: N_k <- gamma N_k + (1 - gamma) n_k, m_k <- gamma m_k + (1 - gamma) sum of the vectors of k.

    Args:
        sums_KD, counts_K: m and N before.
        x_ND, codes_N: the vectors, and which entry each chose; in several processes, those of this one.
        decay: gamma.
    """
    new_KD, new_K = gather(x_ND, codes_N, len(counts_K))
    _add_up(new_KD, new_K)
    return sums_KD.lerp(new_KD.to(sums_KD.dtype), 1 - decay), counts_K.lerp(new_K.to(counts_K.dtype), 1 - decay)


def entries_of(sums_KD: Tensor, counts_K: Tensor) -> Tensor:
    """The entries that such averages stand for, e_k = m_k / N_k: `[K, D]`.

    Counts are smoothed, N_k <- (N_k + eps) / (n + K eps) n of their sum n, so that none is zero.
    """
    total = counts_K.sum()
    smooth_K = (counts_K + EPSILON) / (total + len(counts_K) * EPSILON) * total
    return sums_KD / smooth_K[:, None]


def restart(
    entries_KD: Tensor, sums_KD: Tensor, counts_K: Tensor, other_KD: Tensor, least: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Entries, sums and counts, where entries that are hardly chosen any more begin anew.

    Such an entry takes the place of another vector, with just the count that keeps it alive, and the sum that fits.

    Args:
        entries_KD, sums_KD, counts_K: as they are.
        other_KD: a vector for each entry, of the current batch, by chance.
        least: what count an entry must have, to stay.
    """
    dead_K1 = (counts_K < least)[:, None]
    return (
        torch.where(dead_K1, other_KD, entries_KD),
        torch.where(dead_K1, other_KD * least, sums_KD),
        counts_K.clamp(min=least),
    )


# --- several codebooks ------------------------------------------------------------------------------------------------


def quantise(x_ND: Tensor, books_QKD: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Codes `[Q, N]`, and after each codebook what all so far say together, `[Q, N, D]`. SoundStream, algorithm 1.

    Each codebook says what those before it left unsaid.
    """
    left_ND, said_ND = x_ND, torch.zeros_like(x_ND)
    codes, stages = [], []
    for book_KD in books_QKD:
        codes.append(nearest(left_ND, book_KD))
        entry_ND = F.embedding(codes[-1], book_KD)
        left_ND, said_ND = left_ND - entry_ND, said_ND + entry_ND
        stages.append(said_ND)
    return torch.stack(codes), torch.stack(stages)


def commitment(x_ND: Tensor, said_QND: Tensor) -> Tensor:
    """The terms of equation 3, l_w = sum over c of ||z_c - q_c(z_c)||^2: `[Q]`, each as a mean over vectors.

    z_c is what codebook c is given, so that z_c - q_c(z_c) is what the first c of them leave unsaid. "No gradient being
    computed for the quantized value": all of it goes to the vectors, that of each term alike.

    Args:
        x_ND: what was quantised.
        said_QND: what the first codebook, the first two, and so on, say of it.
    """
    return (x_ND - said_QND.detach()).square().sum(-1).mean(-1)


def straight_through(x_ND: Tensor, said_ND: Tensor) -> Tensor:
    """What was said; its gradient goes to the vectors as if they had not been quantised. Section 3.2."""
    return x_ND + (said_ND - x_ND).detach()


# --- codebooks that are kept ------------------------------------------------------------------------------------------


class Quantised(NamedTuple):
    """What quantisation made of some vectors."""

    z_BDF: Tensor  # the nearest that the codebooks can say; its gradient goes to the vectors, straight through
    codes_BQF: Tensor  # which entry of each codebook
    errors_Q: Tensor  # the terms of the commitment: of each codebook, the squared length of what is left unsaid


class ResidualQuantiser(nn.Module):
    """Q codebooks of K entries; each says what those before it left unsaid.

    In the released code the commitment is the mean over codebooks and numbers where equation 3 has sums; and the first
    term's gradient alone goes to the encoder, because what is left for the second codebook carries none
    (github.com/facebookresearch/encodec, issue 25). Here each term's goes there.

    Args:
        dim: D.
        codebooks: Q.
        entries: K.
        decay: how much of the moving averages stays at each update. Section 3.2: 0.99.
        dead: an entry that was chosen less often than this, in the moving average of its counts, starts anew. The paper
            says only that entries "that are not used" do; 2 is the released code's.
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

        No gradient goes to the codebooks.

        Raises:
            ValueError: there are not so many codebooks.
        """
        with full_precision(z_BDF.device.type):
            z_ND = _vectors(z_BDF)
            codes_QN, said_QND = quantise(z_ND.detach(), self._books(codebooks, z_ND.dtype))
            straight_ND, errors_Q = straight_through(z_ND, said_QND[-1]), commitment(z_ND, said_QND)
        straight_BDF = straight_ND.unflatten(0, (z_BDF.shape[0], z_BDF.shape[2])).mT.to(z_BDF.dtype)
        return Quantised(straight_BDF, _items(codes_QN, z_BDF), errors_Q.to(z_BDF.dtype))

    def encode(self, z_BDF: Tensor, codebooks: int | None = None) -> Tensor:
        """Vectors to codes: `[B, D, F]` to `[B, Q, F]`, with the first so many codebooks. Errors as in `forward`."""
        with full_precision(z_BDF.device.type):
            z_ND = _vectors(z_BDF.detach())
            return _items(quantise(z_ND, self._books(codebooks, z_ND.dtype))[0], z_BDF)

    def decode(self, codes_BQF: Tensor) -> Tensor:
        """Codes of the first so many codebooks to vectors: `[B, Q, F]` to `[B, D, F]`."""
        first_Q1 = self.entries * torch.arange(codes_BQF.shape[1], device=codes_BQF.device)[:, None]
        return F.embedding(codes_BQF + first_Q1, self.table).sum(1).mT  # the sum over codebooks

    def book(self, number: int) -> Tensor:
        """The entries of one codebook: `[K, D]`."""
        return self.table[self._rows(number)]

    @torch.no_grad()
    def start(self, z_BDF: Tensor, *, rounds: int = ROUNDS, generator: torch.Generator | None = None) -> None:
        """Set all codebooks to the centres that k-means finds in vectors of the encoder, as it is now.

        Args:
            z_BDF: vectors of a first batch.
            rounds: of k-means.
            generator: of random numbers, on the device of the vectors.
        """
        left_ND = _vectors(z_BDF)
        for number in range(self.codebooks):
            centres_KD, counts_K = k_means(left_ND, _some(left_ND, self.entries, generator), rounds)
            rows = self._rows(number)
            self.table[rows], self.counts[rows] = centres_KD, counts_K
            self.sums[rows] = centres_KD * counts_K[:, None]
            left_ND = left_ND - centres_KD[nearest(left_ND, centres_KD)]
        self.started.fill_(1)
        _share(self.buffers())

    @torch.no_grad()
    def update(self, z_BDF: Tensor, codes_BQF: Tensor, *, generator: torch.Generator | None = None) -> None:
        """Move each entry to the mean of the vectors that chose it, in a moving average; start unused ones anew.

        Codebooks without codes, because fewer were in use, stay as they are. Several processes give what one would
        from all their vectors; what starts anew, it does from vectors of the first one.

        Args:
            z_BDF, codes_BQF: what `forward` was given, and its codes.
            generator: of random numbers, on the device of the vectors.
        """
        left_ND = _vectors(z_BDF)
        for number, codes_N in enumerate(codes_BQF.movedim(1, 0).flatten(1)):
            rows, before_KD = self._rows(number), self.book(number).to(left_ND.dtype, copy=True)
            sums_KD, counts_K = moving_averages(self.sums[rows], self.counts[rows], left_ND, codes_N, self.decay)
            other_KD = _some(left_ND, self.entries, generator).to(self.table.dtype)
            _share([other_KD])
            kept = restart(entries_of(sums_KD, counts_K), sums_KD, counts_K, other_KD, self.dead)
            self.table[rows], self.sums[rows], self.counts[rows] = kept
            left_ND = left_ND - before_KD[codes_N]

    def _rows(self, number: int) -> slice:
        return slice(number * self.entries, (number + 1) * self.entries)

    def _books(self, count: int | None, dtype: torch.dtype) -> list[Tensor]:
        """The first so many codebooks."""
        count = self.codebooks if count is None else count
        if not 1 <= count <= self.codebooks:
            raise ValueError(f"there are {self.codebooks} codebooks; {count} of them cannot be used")
        return [self.book(number).to(dtype) for number in range(count)]


def _vectors(z_BDF: Tensor) -> Tensor:
    """`[N, D]`, frame after frame, item after item."""
    return at_least_single(z_BDF).mT.flatten(0, 1)


def _items(codes_QN: Tensor, z_BDF: Tensor) -> Tensor:
    """`[B, Q, F]`, of vectors that were `[B, D, F]`."""
    return codes_QN.unflatten(1, (z_BDF.shape[0], z_BDF.shape[2])).movedim(1, 0)


def _some(x_ND: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    """So many of the vectors, by chance; each once where there are enough."""
    if len(x_ND) >= count:
        return x_ND[torch.randperm(len(x_ND), generator=generator, device=x_ND.device)[:count]]
    return x_ND[torch.randint(len(x_ND), (count,), generator=generator, device=x_ND.device)]


def _several() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _add_up(*tensors: Tensor) -> None:
    """Sum each over all processes."""
    for tensor in tensors if _several() else ():
        torch.distributed.all_reduce(tensor)


def _share(tensors: Iterable[Tensor]) -> None:
    """Give all processes what the first one has."""
    for tensor in tensors if _several() else ():
        torch.distributed.broadcast(tensor, 0)
