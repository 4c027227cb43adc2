"""Independent random streams, and permutations that hide where a number came from."""

from __future__ import annotations

import random
from zlib import crc32

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def _sequence(seed: int, chunk: int, part: str) -> np.random.SeedSequence:
    """Return the seed sequence of one part of one chunk."""
    return np.random.SeedSequence(seed, spawn_key=(chunk, crc32(part.encode())))


def generator(seed: int, chunk: int, part: str) -> np.random.Generator:
    """Return the numpy stream of one part of one chunk, independent of all others."""
    return np.random.default_rng(_sequence(seed, chunk, part))


def dice(seed: int, chunk: int, part: str) -> random.Random:
    """Return the plain Python stream of one part of one chunk."""
    state = _sequence(seed, chunk, part).generate_state(8)
    return random.Random(int.from_bytes(state.tobytes(), "little"))


def _feistel(values: Ints, half_bits: int, keys: Ints) -> Ints:
    """Return values in [0, 4 ** half_bits) permuted by a four-round network."""
    mask = (1 << half_bits) - 1
    left, right = values >> half_bits, values & mask
    for key in keys:
        mixed = (right * 0x9E3779B1 + key) & 0xFFFFFFFF
        mixed = ((mixed ^ (mixed >> 15)) * 0x85EBCA77) & 0xFFFFFFFF
        left, right = right, left ^ ((mixed ^ (mixed >> 13)) & mask)
    return (left << half_bits) | right


def permuted(values: Ints, size: int, seed: int, label: str) -> Ints:
    """Return values in [0, size) under a one-to-one shuffle of [0, size).

    Same size, seed and label give the same shuffle, so chunks made apart never clash.
    """
    half_bits = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
    keys = _sequence(seed, 0, label).generate_state(4).astype(np.int64)
    out = _feistel(np.asarray(values, dtype=np.int64), half_bits, keys)
    while (outside := out >= size).any():
        out[outside] = _feistel(out[outside], half_bits, keys)
    return out


def coded(values: Ints, prefix: str, size: int, seed: int) -> list[str]:
    """Return shuffled codes such as `C00012345`, at least seven digits, one a value.

    Args:
        values: distinct numbers in [0, size).
        prefix: the letter before the digits; also names the shuffle.
        size: how many values there can be in the whole set.
        seed: seed of the set.
    """
    digits = max(7, len(str(size - 1)))
    shuffled = permuted(values, 10**digits, seed, f"code {prefix}")
    return [f"{prefix}{number:0{digits}d}" for number in shuffled.tolist()]
