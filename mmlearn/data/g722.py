"""A decoder for ITU-T G.722 at 64 kbit/s, as telephone exchanges store wideband speech: bytes to 16-bit samples.

    from mmlearn.data import g722
    waveforms = g722.decode([content, other])       # int16 arrays, 16,000 values a second, two for each byte

Each byte holds one step of two adaptive differential codes: six bits of the band below 4 kHz, two of the band above.
Each band predicts its next value from what it decoded before (two poles, six zeros), adds the coded difference, and
adapts; a filter bank (QMF) joins the bands. All of it is integer arithmetic (ITU-T Rec. G.722, clauses 3 and 6.2,
whose block names stand in the comments), so the samples are the same on every machine. A step needs the one before, so
numpy works on many clips at once, one step of all of them a time.

Axes: L = 2 bands, N clips, K = 6 zeros, T steps.
"""

from collections.abc import Sequence

import numpy as np

RATE = 16_000  # samples a second
BYTES_PER_SECOND = 8_000

# How much a code of one band (four significant bits of the lower band, two of the upper) widens the quantiser.
_WIDEN_LOW = np.array([-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60], np.int32)
_WIDEN_HIGH = np.array([798, -214, 798, -214], np.int32)
# What the codes mean, in units of the quantiser's step: of the lower band six bits to hear, four to predict from.
_LOW_4 = np.array(
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0], np.int32
)
_POSITIVE_6 = (
    *(24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944),
    *(4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136),
)
_NEGATIVE_6 = (
    *(-24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856, -7192, -6576),
    *(-6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728),
)
_LOW_6 = np.array((*[-136] * 4, *_NEGATIVE_6, *_POSITIVE_6, -432, -136), np.int32)
_HIGH_2 = np.array([-7408, -1616, 7408, 1616], np.int32)
# 2 ** (i / 32), in units of 1/2048: the quantiser's step is kept as a logarithm.
_EXPONENTIAL = np.array(
    (
        *(2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834),
        *(2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008),
    ),
    np.int32,
)
_WIDEST = np.array([[18432], [22528]], np.int32)  # [L, 1]
_SHIFT = np.array([[8], [10]], np.int32)
_QMF = np.array([3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11], np.int64)


def decode(contents: Sequence[bytes]) -> list[np.ndarray]:
    """The samples of clips: for each an int16 array [2 x its bytes]. Each begins with a decoder in its first state.

    A step takes about 0.1 ms for one clip and 0.5 ms for two thousand: decode many clips in one call.
    """
    order = sorted(range(len(contents)), key=lambda clip: -len(contents[clip]))
    parts: list[list[np.ndarray]] = [[] for _ in contents]
    state = _first_state(len(order))
    for start in range(0, max(map(len, contents), default=0), BYTES_PER_SECOND):
        pieces = [contents[clip][start : start + BYTES_PER_SECOND] for clip in order if len(contents[clip]) > start]
        bands_TLN = _decode_bands(pieces, state)
        for column, piece in enumerate(pieces):
            parts[order[column]].append(bands_TLN[: len(piece), :, column].copy())
    empty = np.zeros((0, 2), np.int16)
    return [_join_bands(np.concatenate([empty, *pieces])) for pieces in parts]


def _decode_bands(pieces: list[bytes], state: dict[str, np.ndarray]) -> np.ndarray:
    """What pieces of codes mean: int16 [T, L, N]. The longest stands first; the state is changed."""
    lengths = np.array([len(piece) for piece in pieces])
    codes_TN = np.zeros((lengths[0], len(pieces)), np.uint8)
    for column, piece in enumerate(pieces):
        codes_TN[: len(piece), column] = np.frombuffer(piece, np.uint8)
    low_TN, high_TN = codes_TN & 0x3F, codes_TN >> 6
    # What a code stands for is looked up for all steps at once; only the width of the quantiser must wait.
    heard_TLN = np.stack([_LOW_6[low_TN], _HIGH_2[high_TN]], 1)
    predicted_TLN = np.stack([_LOW_4[low_TN >> 2], _HIGH_2[high_TN]], 1)
    widened_TLN = np.stack([_WIDEN_LOW[low_TN >> 2], _WIDEN_HIGH[high_TN]], 1)
    out_TLN = np.zeros(heard_TLN.shape, np.int16)
    for step, running in enumerate(np.searchsorted(-lengths, -np.arange(lengths[0]))):  # clips longer than this step
        if running < state["step"].shape[-1]:
            state.update({name: np.ascontiguousarray(values[..., :running]) for name, values in state.items()})
        codes = (each[step, :, :running] for each in (heard_TLN, predicted_TLN, widened_TLN))
        out_TLN[step, :, :running] = _advance(state, *codes)
    return out_TLN


def _first_state(clips: int) -> dict[str, np.ndarray]:
    zeros = lambda *shape: np.zeros((*shape, clips), np.int32)
    return {
        "guess": zeros(2),  # s: what the predictor expects next, [L, N]
        "from_zeros": zeros(2),  # sz: the part of it that the zeros give
        "log_step": zeros(2),  # nb
        "step": np.repeat(np.array([[32], [8]], np.int32), clips, 1),  # det
        "poles": zeros(2, 2),  # a: [2, L, N]
        "values": zeros(2, 2),  # r: the last two decoded values
        "partial_signs": zeros(2, 2),  # of p, the last two
        "zeros": zeros(6, 2),  # b: [K, L, N]
        "differences": zeros(6, 2),  # d: the last six
    }


def _advance(state: dict[str, np.ndarray], heard_LN, predicted_LN, widened_LN) -> np.ndarray:
    """One step of both bands of all clips: the decoded values [L, N]. The state is changed."""
    # INVQAL, RECONS, LIMIT: what is heard.
    out_LN = state["guess"] + (state["step"] * heard_LN >> 15)
    out_LN = np.minimum(np.maximum(out_LN, -16384), 16383)
    # INVQBL, INVQAH: what the predictor goes on with; of the lower band it is coarser.
    difference_LN = state["step"] * predicted_LN >> 15
    # LOGSCL, SCALEL and the upper band's: the quantiser widens or narrows.
    log_LN = (state["log_step"] * 127 >> 7) + widened_LN
    state["log_step"] = log_LN = np.minimum(np.maximum(log_LN, 0), _WIDEST)
    shift_LN = _SHIFT - (log_LN >> 11)
    table_LN = _EXPONENTIAL[log_LN >> 6 & 31]
    state["step"] = (table_LN << np.maximum(-shift_LN, 0) >> np.maximum(shift_LN, 0)) << 2
    _adapt(state, difference_LN)
    return out_LN


def _adapt(state: dict[str, np.ndarray], difference_LN: np.ndarray) -> None:
    """Block 4: the predictor of both bands learns from the difference and makes its next guess."""
    value_LN = _saturate(state["guess"] + difference_LN)  # RECONS
    sign_LN = _saturate(state["from_zeros"] + difference_LN) >> 31  # PARREC; 0 or -1
    signs, (pole_1, pole_2) = state["partial_signs"], state["poles"]
    # UPPOL2
    push_LN = _saturate(pole_1 << 2)
    push_LN = np.minimum(np.where(sign_LN == signs[0], -push_LN, push_LN), 32767)
    new_2 = np.where(sign_LN == signs[1], 128, -128) + (push_LN >> 7) + (pole_2 * 32512 >> 15)
    new_2 = _limit(new_2, 12288)
    # UPPOL1
    new_1 = np.where(sign_LN == signs[0], 192, -192) + (pole_1 * 32640 >> 15)
    new_1 = _limit(new_1, 15360 - new_2)
    # UPZERO
    push_LN = np.where(difference_LN == 0, 0, 128)
    same_KLN = (state["differences"] ^ difference_LN) >= 0  # the signs agree; zero counts as positive
    zeros_KLN = np.where(same_KLN, push_LN, -push_LN) + (state["zeros"] * 32640 >> 15)
    state["zeros"] = zeros_KLN
    # DELAYA
    state["differences"] = np.concatenate([difference_LN[None], state["differences"][:-1]])
    state["values"] = np.stack([value_LN, state["values"][0]])
    state["partial_signs"] = np.stack([sign_LN, signs[0]])
    state["poles"] = np.stack([new_1, new_2])
    # FILTEP, FILTEZ, PREDIC
    from_poles = state["poles"] * _saturate(state["values"] * 2) >> 15
    from_zeros = (zeros_KLN * _saturate(state["differences"] * 2) >> 15).sum(0, dtype=np.int32)
    state["from_zeros"] = _saturate(from_zeros)
    state["guess"] = _saturate(_saturate(from_poles[0] + from_poles[1]) + state["from_zeros"])


def _join_bands(bands_TL: np.ndarray) -> np.ndarray:
    """Two bands at 8 kHz as one signal at 16 kHz: int16 [T, L] to [2 T]. Receive QMF."""
    if not len(bands_TL):
        return np.zeros(0, np.int16)
    low_T, high_T = bands_TL.astype(np.int64).T
    past = np.zeros(len(_QMF) - 1, np.int64)
    sums_T, differences_T = (np.concatenate([past, each]) for each in (low_T + high_T, low_T - high_T))
    odd_T = np.convolve(differences_T, _QMF, "valid")
    even_T = np.convolve(sums_T, _QMF[::-1], "valid")
    return np.clip(np.stack([odd_T, even_T], 1).ravel() >> 11, -32768, 32767).astype(np.int16)


def _saturate(values: np.ndarray) -> np.ndarray:
    return np.minimum(np.maximum(values, -32768), 32767)


def _limit(values: np.ndarray, bound) -> np.ndarray:
    return np.minimum(np.maximum(values, -bound), bound)
