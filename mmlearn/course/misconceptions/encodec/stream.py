"""A convolution that runs live."""

import torch
from torch.nn import functional as F

from mmlearn.course.misconceptions import Collection

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


class Steps:
    """The convolution in small steps, so that a misconception overrides one of them.

    Args:
        looks: whether it looks for an empty piece first.
        counts: whether it takes the last S samples so that none are taken where S is 0.
    """

    def __init__(self, looks=True, counts=True):
        self.looks, self.counts = looks, counts

    def __call__(self, piece, held, weight, bias):
        if self.looks and piece.shape[2] == 0:
            return self.given(piece.new_zeros(len(piece), len(bias), 0), held)
        out = self.out(piece, held, weight, bias)
        return self.given(out, self.state(piece, held, weight.shape[2] - 1, out))

    def given(self, out, state):
        return out, state

    def joined(self, piece, held):
        return torch.cat([held, piece], dim=2)

    def out(self, piece, held, weight, bias):
        return F.conv1d(self.joined(piece, held), weight, bias)

    def state(self, piece, held, S, out):
        return self.last(self.joined(piece, held), S)

    def last(self, x, count):
        return x[:, :, max(0, x.shape[2] - count) :] if self.counts else x[:, :, -count:]


WAYS = ((True, True), (False, False), (True, False), (False, True))


def misconception(sentence, ways=WAYS):
    """Register a class of steps as a function, in every way to treat an empty piece and a kernel of one weight."""

    def register(kind):
        for looks, counts in ways:

            def code(piece, held, weight, bias, looks=looks, counts=counts):
                return kind(looks, counts)(piece, held, weight, bias)

            code.__name__ = kind.__name__ + ("" if looks else "EmptyLeftOut") + ("" if counts else "MinusZero")
            of("encodec.stream", sentence)(code)
        return kind

    return register


ANY_STATE = ((True, True), (False, True))  # what is taken where S is 0 does not show
PADDED = ((True, True), (True, False))  # an empty piece needs no look

misconception(
    "Everything else is right. With a kernel of one weight S is 0, and `-0:` takes all samples, not none: take those "
    "from `joined_BCT.shape[2] - S` on.",
    [(True, False)],
)(type("Almost", (Steps,), {}))
misconception(
    "Everything else is right. An empty piece leaves fewer samples than the kernel has weights, and `F.conv1d` refuses "
    "them: return `new_zeros(B, D, 0)` and the state as it was.",
    [(False, True)],
)(type("Almost", (Steps,), {}))
misconception(
    "Everything else is right, but at two ends. Look for an empty piece first: `F.conv1d` refuses it. And where S is "
    "0, `-S:` takes all samples, not none: take those from `joined_BCT.shape[2] - S` on.",
    [(False, False)],
)(type("Almost", (Steps,), {}))


@misconception(
    "You put zeros before every piece. What stands there is `held_BCS`: join it in front of the piece.",
    ANY_STATE,
)
class ZerosBeforeEachPiece(Steps):
    def out(self, piece, held, weight, bias):
        return F.conv1d(F.pad(piece, (weight.shape[2] - 1, 0)), weight, bias)


@misconception(
    "You took the state from the piece alone, and a piece may be shorter than S. Take the last S samples of what was "
    "held and the piece, joined."
)
class StateOfThePieceAlone(Steps):
    def state(self, piece, held, S, out):
        return self.last(piece, S)


@misconception(
    "You filled a short piece up with zeros to get the state. What stands before it is what was held: take the last S "
    "samples of both, joined."
)
class StateFilledWithZeros(Steps):
    def state(self, piece, held, S, out):
        return self.last(F.pad(piece, (S, 0)), S)


@misconception(
    "You kept samples of what came out. The next piece needs those that went in: keep the last S of held and piece.",
    ANY_STATE,
)
class StateOfWhatCameOut(Steps):
    def state(self, piece, held, S, out):
        return self.last(out, S)


@misconception("You put what was held behind the piece. It came before: `torch.cat([held_BCS, piece_BCT], dim=2)`.")
class HeldBehind(Steps):
    def joined(self, piece, held):
        return torch.cat([piece, held], dim=2)


@misconception(
    "You put what was held behind the piece, and kept the first samples. It came before the piece, and the last S are "
    "kept.",
    ANY_STATE,
)
class HeldBehindAndFirstKept(HeldBehind):
    def state(self, piece, held, S, out):
        return self.joined(piece, held)[:, :, :S]


@misconception("You put zeros before what was held, so too many samples come out. Nothing is made up: leave them out.")
class ZerosBeforeHeld(Steps):
    def out(self, piece, held, weight, bias):
        return F.conv1d(F.pad(self.joined(piece, held), (weight.shape[2] - 1, 0)), weight, bias)


@misconception(
    "You padded on both sides, so too many samples come out. What was held stands in for the padding: leave it out."
)
class PaddedByS(Steps):
    def out(self, piece, held, weight, bias):
        return F.conv1d(self.joined(piece, held), weight, bias, padding=weight.shape[2] - 1)


@misconception(
    "You padded by half a kernel on both sides. What was held stands in for the padding: leave it out, or a sample "
    "sees those behind it."
)
class PaddedByHalf(Steps):
    def out(self, piece, held, weight, bias):
        return F.conv1d(self.joined(piece, held), weight, bias, padding=weight.shape[2] // 2)


@misconception(
    "You padded once more and cut off the end, so all comes S samples late. What was held stands in for the padding: "
    "leave it out.",
    PADDED,
)
class PaddedAgainAndCut(Steps):
    def out(self, piece, held, weight, bias):
        padded = F.conv1d(self.joined(piece, held), weight, bias, padding=weight.shape[2] - 1)
        return padded[:, :, : piece.shape[2]]


@misconception(
    "You convolved the piece with zeros around it: each sample sees those behind it. Look backwards alone: put what "
    "was held in front, and pad nothing.",
    ANY_STATE,
)
class SameLength(Steps):
    def out(self, piece, held, weight, bias):
        S = weight.shape[2] - 1
        return F.conv1d(F.pad(piece, (S // 2, S - S // 2)), weight, bias)


@misconception(
    "You convolved the piece alone, so S samples too few come out. Join what was held in front of it first.", ANY_STATE
)
class PieceAlone(Steps):
    def out(self, piece, held, weight, bias):
        return F.conv1d(piece, weight, bias)


@misconception("You returned all samples as the state. It would grow without end: keep the last S.", ANY_STATE)
class AllKept(Steps):
    def state(self, piece, held, S, out):
        return self.joined(piece, held)


@misconception(
    "You kept K samples. A sample that comes out needs itself and S = K - 1 before it: keep the last S.", ANY_STATE
)
class OneTooMany(Steps):
    def state(self, piece, held, S, out):
        return self.last(self.joined(piece, held), S + 1)


@misconception("You kept one sample too few. Keep the last S = K - 1.")
class OneTooFew(Steps):
    def state(self, piece, held, S, out):
        return self.last(self.joined(piece, held), max(0, S - 1))


@misconception("You left out the newest sample: the state ends one too early. Keep the last S, to the very end.")
class NewestLeftOut(Steps):
    def state(self, piece, held, S, out):
        return self.last(self.joined(piece, held)[:, :, :-1], S)


@misconception(
    "You kept the first S samples, or the old state, which is the same. Keep the last S of held and piece, joined.",
    ANY_STATE,
)
class OldState(Steps):
    def state(self, piece, held, S, out):
        return held


@misconception("You returned a state of zeros. Keep the last S samples, of held and piece joined.", ANY_STATE)
class StateOfZeros(Steps):
    def state(self, piece, held, S, out):
        return torch.zeros_like(held)


@misconception("You returned the state first. Return what comes out, then the state.", ANY_STATE)
class Swapped(Steps):
    def given(self, out, state):
        return state, out


@misconception("You returned the samples alone. Return the new state too: `return out_BDT, state_BCS`.", ANY_STATE)
class SamplesAlone(Steps):
    def given(self, out, state):
        return out


@misconception(
    "You turned the kernel around. In the formula the last weight is that of the newest sample, as in `F.conv1d`."
)
class KernelTurned(Steps):
    def out(self, piece, held, weight, bias):
        return F.conv1d(self.joined(piece, held), weight.flip(2), bias)


@misconception("You left out the bias. Give it to `F.conv1d` after the weights.")
class NoBias(Steps):
    def out(self, piece, held, weight, bias):
        return F.conv1d(self.joined(piece, held), weight)


@misconception("You turned what was held around. Its last sample is the one just before the piece: join it as it is.")
class HeldTurned(Steps):
    def joined(self, piece, held):
        return torch.cat([held.flip(2), piece], dim=2)


@misconception("You joined along the channels. Time is axis 2: `torch.cat([held_BCS, piece_BCT], dim=2)`.", ANY_STATE)
class JoinedAlongChannels(Steps):
    def joined(self, piece, held):
        return torch.cat([held, piece], dim=1)


@misconception("You joined along the batch. Time is axis 2: `torch.cat([held_BCS, piece_BCT], dim=2)`.", ANY_STATE)
class JoinedAlongTheBatch(Steps):
    def joined(self, piece, held):
        return torch.cat([held, piece])


@misconception("You added what was held to the piece. Join the two along time: `torch.cat`.", ANY_STATE)
class Added(Steps):
    def joined(self, piece, held):
        return held + piece


@misconception("You cut the samples off from the piece, by `detach` or `no_grad`. Leave that out.")
class Detached(Steps):
    def out(self, piece, held, weight, bias):
        return super().out(piece, held, weight, bias).detach()


@misconception("You cut off the first S samples that come out. As many come out as went in: keep them all.")
class FirstCutOff(Steps):
    def out(self, piece, held, weight, bias):
        return super().out(piece, held, weight, bias)[:, :, weight.shape[2] - 1 :]


@misconception(
    "You kept the old state after a piece shorter than S. Take the last S samples of held and piece, joined."
)
class OldStateAfterShortPieces(Steps):
    def state(self, piece, held, S, out):
        return self.last(piece, S) if piece.shape[2] >= S else held


@misconception("You added the bias twice. `F.conv1d` adds what it is given.")
class BiasTwice(Steps):
    def out(self, piece, held, weight, bias):
        return super().out(piece, held, weight, bias) + bias[:, None]
