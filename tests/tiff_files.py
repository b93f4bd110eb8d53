"""TIFF files written by hand, so that no library that reads them decides what is in them."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray


def tiff(
    *pages: NDArray[Any],
    photometric: int = 1,
    extra: tuple[int, ...] = (),
    kinds: tuple[int, ...] = (),
    big_endian: bool = False,
    big: bool = False,
) -> bytes:
    """Uncompressed pages ``(H, W, C)`` of unsigned integers; ``kinds`` are their NewSubfileType, ``big`` writes a BigTIFF."""
    order, width, count = (">" if big_endian else "<"), (8 if big else 4), ("Q" if big else "H")
    place = "Q" if big else "I"
    head = (b"MM" if big_endian else b"II") + struct.pack(f"{order}H", 43 if big else 42)
    out = head + (struct.pack(f"{order}HHQ", 8, 0, 16) if big else struct.pack(f"{order}I", 8))
    for k, values in enumerate(pages):
        height, wide, bands = values.shape
        body = values.astype(np.dtype(f"{order}u{values.dtype.itemsize}")).tobytes()
        tags: list[tuple[int, int, tuple[int, ...]]] = [
            (254, 4, (kinds[k] if kinds else 0,)),
            (256, 4, (wide,)),
            (257, 4, (height,)),
            (258, 3, (8 * values.dtype.itemsize,) * bands),
            (259, 3, (1,)),
            (262, 3, (photometric,)),
            (273, 4, (0,)),
            (277, 3, (bands,)),
            (278, 4, (height,)),
            (279, 4, (len(body),)),
            (284, 3, (1,)),
        ]
        tags += [(338, 3, extra)] if extra else []
        start = len(out)
        behind = start + struct.calcsize(f"={count}") + len(tags) * (12 + width - 4 + (4 if big else 0)) + width
        blob = b""
        entries = b""
        long = sum(2 * len(numbers) for _, kind, numbers in tags if kind == 3 and 2 * len(numbers) > width)
        for tag, kind, stated in tags:
            numbers = (behind + long,) if tag == 273 else stated
            packed = struct.pack(f"{order}{len(numbers)}{'HI'[kind == 4]}", *numbers)
            entries += struct.pack(f"{order}HH{place}", tag, kind, len(numbers))
            if len(packed) <= width:
                entries += packed.ljust(width, b"\0")
            else:
                entries += struct.pack(f"{order}{place}", behind + len(blob))
                blob += packed
        whole = struct.pack(f"{order}{count}", len(tags)) + entries
        following = behind + len(blob) + len(body) if k + 1 < len(pages) else 0
        out += whole + struct.pack(f"{order}{place}", following) + blob + body
    return out


def bands(height: int, width: int, number: int, dtype: str = "uint16", seed: int = 0) -> NDArray[np.unsignedinteger[Any]]:
    """Random values up to 12 bits, or 8 for uint8."""
    top = 256 if dtype == "uint8" else 4096
    return np.random.default_rng(seed).integers(0, top, (height, width, number)).astype(dtype)
