"""A random order of N items that is computed on access, so that N may have any size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Up to this size a shuffled list (half a megabyte) is cheap, and every order is possible.
_SHUFFLED = 1 << 16
_ROUNDS = 8
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class RandomOrder:
    """A seeded random permutation of ``range(size)``, the same on every machine.

    Small ranges are shuffled (PCG64, Fisher-Yates). Larger ranges use a balanced Feistel network over the next even number of
    bits. A value outside the range is mapped again until it falls inside (cycle walking: Black and Rogaway 2002, "Ciphers with
    arbitrary finite domains"), which needs no memory and fewer than four steps on average. Four rounds of random functions
    are indistinguishable from a random permutation (Luby and Rackoff 1988); eight rounds with a 64-bit mixing function are
    used. Secrecy is not claimed.
    """

    size: int
    seed: int

    def __post_init__(self) -> None:
        if not 0 <= self.size < 1 << 62 or self.seed < 0:
            raise ValueError(f"a size in [0, 2**62) and a seed of at least 0, got {self.size} and {self.seed}")

    def block(self, start: int, stop: int) -> NDArray[np.int64]:
        """The items at positions ``start`` to ``stop - 1`` of the order; fewer at its end."""
        places = np.arange(start, max(start, min(stop, self.size)), dtype=np.uint64)
        if self.size <= _SHUFFLED:
            return np.random.default_rng(self.seed).permutation(self.size)[places.astype(np.int64)]
        half = (self.size.bit_length() + 1) // 2
        keys = np.random.default_rng(self.seed).integers(0, 1 << 63, _ROUNDS, dtype=np.uint64)
        return _walked(places, half, keys, self.size).astype(np.int64)

    def __iter__(self) -> Iterator[int]:
        for start in range(0, self.size, _BLOCK):
            yield from self.block(start, start + _BLOCK).tolist()


def _walked(values: NDArray[np.uint64], half: int, keys: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    values = _feistel(values, half, keys)
    outside = np.flatnonzero(values >= size)
    while outside.size:
        values[outside] = _feistel(values[outside], half, keys)
        outside = outside[values[outside] >= size]
    return values


def _feistel(values: NDArray[np.uint64], half: int, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits, mask = np.uint64(half), np.uint64((1 << half) - 1)
    left, right = values >> bits, values & mask
    for key in keys:
        left, right = right, left ^ (_mixed(right ^ key) & mask)
    return (left << bits) | right


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix 64 bits: the finaliser of SplitMix64 (Steele, Lea and Flood 2014), in arithmetic modulo 2**64."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
