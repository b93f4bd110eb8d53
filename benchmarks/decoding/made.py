"""One made image file: its bytes, and the values that a right reader gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 5, 7


@dataclass(frozen=True, slots=True)
class Made:
    """A file; ``expected`` are its values ``(H, W, C)`` in unit steps of their dtype, or None if it must be refused.

    ``within`` levels are allowed between readers of a lossy format or of a conversion between colours.
    """

    format: str
    depth: str
    name: str
    data: bytes
    expected: NDArray[Any] | None
    within: float = 0

    @property
    def ident(self) -> str:
        """What a test calls it."""
        return f"{self.format}-{self.depth}-{self.name}".replace(" ", "_")


Files = Iterator[Made]


def levels(bits: int, channels: int, seed: int = 0, *, signed: bool = False) -> NDArray[Any]:
    """Random integers of so many bits ``(H, W, C)``, both ends of the range among them."""
    low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if signed else (0, 1 << bits)
    values = np.random.default_rng(seed).integers(low, high, (HEIGHT, WIDTH, channels))
    values[0, 0], values[0, 1] = low, high - 1
    return values


def full(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """Levels of at most 8 bits on the range of 8 bits, as PNG and TIFF mean fewer bits."""
    return (values * (255 // ((1 << bits) - 1))).astype(np.uint8) if bits <= 8 else values.astype(np.uint16)


def cmyk_to_rgb(ink: NDArray[Any]) -> NDArray[Any]:
    """Inks 0..255 as colours, without a profile: each ink takes its share of what black leaves."""
    left = 255 - ink.astype(float)
    return np.asarray(np.rint(left[..., :3] * left[..., 3:] / 255), np.uint8)
