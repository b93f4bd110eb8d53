"""PNG files by colour type, depth, filter, interlacing and ancillary chunks, written by hand (ISO/IEC 15948)."""

from __future__ import annotations

import struct
import zlib
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.decoding.made import Files, Made, full, levels

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_TYPES = {0: "grey", 2: "RGB", 3: "palette", 4: "grey alpha", 6: "RGB alpha"}
#: First column and row, and the steps, of the seven passes of Adam7.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def pngs() -> Files:
    """Every colour type and depth, plain and interlaced, with what may stand beside the pixels."""
    depths = [(0, bits) for bits in (1, 2, 4, 8, 16)] + [(3, bits) for bits in (1, 2, 4, 8)]
    depths += [(kind, bits) for kind in (2, 4, 6) for bits in (8, 16)]
    colours = np.random.default_rng(1).integers(0, 256, (256, 3)).astype(np.uint8)
    for (kind, bits), adam7, up in product(depths, (False, True), (False, True)):
        values = levels(bits, _CHANNELS[kind], 7 * bits + kind)
        right = _meant(values, kind, bits, colours)
        beside: list[tuple[str, list[tuple[bytes, bytes]]]] = [("", [])]
        if not up:
            beside += _beside(kind, bits)
        for words, chunks in beside:
            data = png(values, kind, bits, colours, adam7=adam7, up=up, chunks=chunks)
            name = f"{_TYPES[kind]}{' Adam7' * adam7}{' filtered' * up} {words}".strip()
            yield Made("PNG", f"{bits} bits", name, data, right)


def _meant(values: NDArray[Any], kind: int, bits: int, colours: NDArray[Any]) -> NDArray[Any]:
    if kind == 3:
        return np.asarray(colours[values[..., 0]])
    return full(values[..., : 1 if kind in (0, 4) else 3], bits)


def _beside(kind: int, bits: int) -> list[tuple[str, list[tuple[bytes, bytes]]]]:
    """Chunks that change nothing of what is stored."""
    signs = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}[kind]
    found = [
        ("gAMA", [(b"gAMA", struct.pack(">I", 100_000))]),
        ("sBIT", [(b"sBIT", bytes([max(1, min(bits, 8) - 1)] * signs))]),
        ("iCCP", [(b"iCCP", b"x\0\0" + zlib.compress(b"no profile"))]),
    ]
    if kind == 0:
        found.append(("tRNS", [(b"tRNS", struct.pack(">H", 1))]))
    if kind == 2:
        found.append(("tRNS", [(b"tRNS", struct.pack(">HHH", 1, 2, 3))]))
    if kind == 3:
        found.append(("tRNS", [(b"tRNS", bytes([0, 128]))]))
    return found


def png(
    values: NDArray[Any],
    kind: int,
    bits: int,
    colours: NDArray[Any],
    *,
    adam7: bool = False,
    up: bool = False,
    chunks: list[tuple[bytes, bytes]] | None = None,
) -> bytes:
    """A PNG of levels ``(H, W, C)``."""
    rows = b"".join(_rows(part, bits, up) for part in (_passes(values) if adam7 else [values]))
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, kind, 0, 0, int(adam7))
    palette = [(b"PLTE", colours[: 1 << bits].tobytes())] if kind == 3 else []
    before = [each for each in chunks or [] if each[0] != b"tRNS"]
    behind = [each for each in chunks or [] if each[0] == b"tRNS"]
    parts = [(b"IHDR", head), *before, *palette, *behind, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _passes(values: NDArray[Any]) -> list[NDArray[Any]]:
    found = [values[y::dy, x::dx] for x, y, dx, dy in _PASSES]
    return [part for part in found if part.size]


def _rows(values: NDArray[Any], bits: int, up: bool) -> bytes:
    flat = values.reshape(len(values), -1)
    if bits >= 8:
        lines = np.ascontiguousarray(flat.astype(f">u{bits // 8}")).view(np.uint8)
    else:
        split = (flat[..., None] >> np.arange(bits - 1, -1, -1)) & 1
        lines = np.packbits(split.reshape(len(flat), -1).astype(np.uint8), axis=1)
    if up:
        lines = np.concatenate([lines[:1], lines[1:] - lines[:-1]])
    return b"".join(bytes([2 * up]) + line.tobytes() for line in lines)
