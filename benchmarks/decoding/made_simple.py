"""PBM, PGM, PPM and BMP files by hand: depths, plain and raw, masks of bits, runs, and rows from the top."""

from __future__ import annotations

import struct
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.decoding.made import Files, Made, levels


def netpbms() -> Files:
    """Plain and raw files of one and three channels, of any largest level."""
    for channels, most, plain in product((1, 3), (1, 3, 100, 255, 256, 1023, 4095, 40_000, 65535), (False, True)):
        values = np.random.default_rng(most).integers(0, most + 1, (5, 7, channels))
        values[0, 0], values[0, 1] = 0, most
        top = 255 if most < 256 else 65535
        right = np.floor(values * top / most + 0.5).astype(np.uint8 if top == 255 else np.uint16)
        digit = {(1, False): 5, (1, True): 2, (3, False): 6, (3, True): 3}[channels, plain]
        for comment in ("", "# 12 13 P5\n"):
            head = f"P{digit}\n{comment}7 5\n{most}\n".encode()
            packed = values.astype(">u1" if most < 256 else ">u2").tobytes()
            body = (" ".join(map(str, values.ravel())) + "\n").encode() if plain else packed
            name = f"{'PGM' if channels == 1 else 'PPM'} {'plain' if plain else 'raw'} 0..{most}{' comment' * bool(comment)}"
            yield Made("Netpbm", f"{(most).bit_length()} bits", name, head + body, right)
        if not plain:
            yield Made("Netpbm", f"{(most).bit_length()} bits", f"cut {channels} {most}", head + body[:-1], None)
    bits = levels(1, 1, 3)
    right = (255 * (1 - bits)).astype(np.uint8)
    yield Made("Netpbm", "1 bits", "PBM raw", b"P4 7 5\n" + np.packbits(bits[..., 0].astype(np.uint8), axis=1).tobytes(), right)
    signs = "".join(map(str, bits.ravel()))
    yield Made("Netpbm", "1 bits", "PBM plain", f"P1\n# c\n7 5\n{signs}\n".encode(), right)
    yield Made("Netpbm", "1 bits", "PBM plain spaced", f"P1 7 5 {' '.join(signs)}".encode(), right)
    yield Made("Netpbm", "8 bits", "level above the largest", b"P2 2 1 100 1 101\n", None)
    yield Made("Netpbm", "8 bits", "PAM", b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n\x05", None)
    yield Made("Netpbm", "float32", "PFM", b"Pf\n1 1\n-1.0\n" + struct.pack("<f", 0.5), None)


def bmps() -> Files:
    """Palettes, masks of bits, runs, and both directions of rows."""
    for bits, top_down in product((1, 4, 8), (False, True)):
        for words, palette in _palettes(bits):
            places = levels(bits, 1, bits)
            right = palette[places[..., 0]]
            grey = words in ("grey", "black and white")
            data = _bmp(_packed(places, bits), bits, palette, top_down=top_down)
            name = f"{words} palette{' top-down' * top_down}"
            yield Made("BMP", f"{bits} bits", name, data, right[..., :1] if grey else right)
    for top_down in (False, True):
        colour = levels(8, 3, 24).astype(np.uint8)
        rows = _padded(colour[..., ::-1].reshape(5, -1))
        yield Made("BMP", "24 bits", f"RGB{' top-down' * top_down}", _bmp(rows, 24, None, top_down=top_down), colour)
        more = levels(8, 4, 32).astype(np.uint8)
        rows = [row.tobytes() for row in more[..., [2, 1, 0, 3]].reshape(5, -1)]
        yield Made("BMP", "32 bits", f"RGBX{' top-down' * top_down}", _bmp(rows, 32, None, top_down=top_down), more[..., :3])
    yield from _masked()
    yield from _runs()


def _palettes(bits: int) -> list[tuple[str, NDArray[np.uint8]]]:
    count = 1 << bits
    ramp = np.repeat(np.linspace(0, 255, count).astype(np.uint8)[:, None], 3, axis=1)
    found = [("colour", np.random.default_rng(bits).integers(0, 256, (count, 3)).astype(np.uint8))]
    found.append(("reversed grey", ramp[::-1]))
    if bits == 1:
        found.append(("black and white", ramp))
    if bits == 8:
        found.append(("grey", ramp))
    if bits == 4:
        found.append(("grey of 16", ramp))
    return found


def _masked() -> Files:
    kinds: tuple[tuple[str, int, tuple[int, ...]], ...] = (
        ("5-5-5", 16, (0x7C00, 0x3E0, 0x1F)),
        ("5-6-5", 16, (0xF800, 0x7E0, 0x1F)),
        ("4-4-4", 16, (0xF00, 0xF0, 0xF)),
        ("8-8-8", 32, (0xFF0000, 0xFF00, 0xFF)),
        ("8-8-8 other order", 32, (0xFF, 0xFF00, 0xFF0000)),
        ("10-10-10", 32, (0x3FF00000, 0xFFC00, 0x3FF)),
    )
    for name, bits, masks in kinds:
        widths = [mask.bit_count() for mask in masks]
        values = np.stack([levels(width, 1, 200 + k)[..., 0] for k, width in enumerate(widths)], axis=-1)
        words = sum(values[..., k] << ((mask & -mask).bit_length() - 1) for k, mask in enumerate(masks))
        rows = _padded(np.ascontiguousarray(np.asarray(words).astype(f"<u{bits // 8}")).view(np.uint8).reshape(5, -1))
        most = np.array([(1 << width) - 1 for width in widths])
        right = np.floor(values * 255 / most + 0.5).astype(np.uint8) if max(widths) <= 8 else None
        yield Made("BMP", f"{bits} bits", f"masks {name}", _bmp(rows, bits, None, masks=masks), right, 1)
    plain = levels(5, 3, 210)
    words = (plain[..., 0] << 10) | (plain[..., 1] << 5) | plain[..., 2]
    rows = _padded(np.ascontiguousarray(words.astype("<u2")).view(np.uint8).reshape(5, -1))
    yield Made("BMP", "16 bits", "RGB", _bmp(rows, 16, None), np.floor(plain * 255 / 31 + 0.5).astype(np.uint8), 1)


def _runs() -> Files:
    for bits in (4, 8):
        palette = _palettes(bits)[0][1]
        places = levels(bits, 1, 220 + bits)
        places[:, 2:5] = places[:, 2:3]
        rows = []
        for row in places[..., 0].tolist():
            line = b""
            for level in row:
                line += bytes([1, level if bits == 8 else level << 4])
            rows.append(line + b"\0\0")
        data = _bmp([*rows[:-1], rows[-1][:-2] + b"\0\1"], bits, palette, packing=1 if bits == 8 else 2)
        yield Made("BMP", f"{bits} bits", "runs", data, palette[places[..., 0]])


def _packed(places: NDArray[Any], bits: int) -> list[bytes]:
    split = (places[..., 0][..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return _padded(np.packbits(split.reshape(len(places), -1).astype(np.uint8), axis=1))


def _padded(rows: NDArray[Any]) -> list[bytes]:
    return [row.tobytes() + bytes(-len(row.tobytes()) % 4) for row in rows]


def _bmp(
    rows: list[bytes],
    bits: int,
    palette: NDArray[Any] | None,
    *,
    top_down: bool = False,
    masks: tuple[int, ...] = (),
    packing: int = 0,
) -> bytes:
    lines = rows if top_down else rows[::-1]
    if packing:  # the last line ends the file
        lines = [*(row.replace(b"\0\1", b"\0\0") if row.endswith(b"\0\1") else row for row in rows[::-1])]
        lines[-1] = lines[-1][:-2] + b"\0\1"
    body = b"".join(lines)
    table = b"" if palette is None else b"".join(bytes([*colour[::-1], 0]) for colour in palette.tolist())
    extra = b"".join(struct.pack("<I", mask) for mask in masks)
    start = 14 + 40 + len(extra) + len(table)
    info = struct.pack(
        "<IiiHHIIiiII", 40, 7, -5 if top_down else 5, 1, bits, packing or (3 if masks else 0), len(body), 0, 0, len(table) // 4, 0
    )
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + info + extra + table + body
