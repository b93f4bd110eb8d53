"""TIFF files by every tag that changes what a value means, written by hand so that no library decides what is in them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.decoding.made import Files, Made, cmyk_to_rgb, full, levels

_WHITE, _BLACK, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8
_NAMES = {
    _WHITE: "MinIsWhite",
    _BLACK: "MinIsBlack",
    _RGB: "RGB",
    _PALETTE: "palette",
    _CMYK: "CMYK",
    _YCBCR: "YCbCr",
    _LAB: "Lab",
}
_PACKINGS = {1: "plain", 8: "deflate", 32773: "packbits"}


@dataclass(frozen=True)
class Tiff:
    """What the tags of a page state of its values ``(H, W, C)``."""

    values: NDArray[Any]
    bits: int
    photometric: int = _BLACK
    kind: int = 1
    extra: tuple[int, ...] = ()
    apart: bool = False
    order: Literal["<", ">"] = "<"
    packing: int = 1
    predictor: int = 1
    reversed_bits: bool = False
    colours: tuple[int, ...] = ()
    tags: tuple[tuple[int, int, tuple[int, ...]], ...] = field(default=())

    @property
    def name(self) -> str:
        """The statements in words."""
        words = [_NAMES[self.photometric], {1: "", 2: "signed", 3: "float"}[self.kind], _PACKINGS[self.packing]]
        words += ["big-endian"] if self.order == ">" else []
        words += ["planar"] if self.apart else []
        words += [f"predictor{self.predictor}"] if self.predictor > 1 else []
        words += ["reversed-bits"] if self.reversed_bits else []
        words += [f"extra{'-'.join(map(str, self.extra))}"] if self.extra else []
        return " ".join(word for word in words if word)

    def write(self) -> bytes:
        """The file."""
        planes = [self.values[..., c : c + 1] for c in range(self.values.shape[-1])] if self.apart else [self.values]
        strips = [self._packed(self._strip(plane)) for plane in planes]
        height, width, channels = self.values.shape
        tags = [
            (256, 4, (width,)),
            (257, 4, (height,)),
            (258, 3, (self.bits,) * channels),
            (259, 3, (self.packing,)),
            (262, 3, (self.photometric,)),
            *([(266, 3, (2,))] if self.reversed_bits else []),
            (273, 4, (0,) * len(strips)),
            (277, 3, (channels,)),
            (278, 4, (height,)),
            (279, 4, tuple(map(len, strips))),
            (284, 3, (2 if self.apart else 1,)),
            *([(317, 3, (self.predictor,))] if self.predictor > 1 else []),
            *([(320, 3, self.colours)] if self.colours else []),
            *([(338, 3, self.extra)] if self.extra else []),
            (339, 3, (self.kind,) * channels),
            *self.tags,
        ]
        return _file(self.order, sorted(tags), strips)

    def _strip(self, plane: NDArray[Any]) -> bytes:
        if self.kind == 3:
            return self._floats(plane)
        if self.bits in (8, 16, 32, 64):
            whole = plane.astype(np.dtype(f"{'i' if self.kind == 2 else 'u'}{self.bits // 8}"))
            if self.predictor == 2:
                whole[:, 1:] = whole[:, 1:] - whole[:, :-1]
            return whole.astype(whole.dtype.newbyteorder(self.order)).tobytes()
        rows = plane.reshape(len(plane), -1).astype(np.uint32)
        bits = (rows[..., None] >> np.arange(self.bits - 1, -1, -1, dtype=np.uint32)) & 1
        return np.packbits(bits.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()

    def _floats(self, plane: NDArray[Any]) -> bytes:
        whole = plane.astype(f">f{self.bits // 8}")
        if self.predictor != 3:
            return whole.astype(whole.dtype.newbyteorder(self.order)).tobytes()
        rows = whole.reshape(len(whole), -1)
        places = rows.view(np.uint8).reshape(len(rows), -1, self.bits // 8).transpose(0, 2, 1).reshape(len(rows), -1).copy()
        step = plane.shape[-1]
        places[:, step:] = places[:, step:] - places[:, :-step]
        return places.tobytes()

    def _packed(self, data: bytes) -> bytes:
        if self.reversed_bits:
            data = bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
        if self.packing == 8:
            return zlib.compress(data)
        if self.packing == 32773:
            row = len(data) // self.values.shape[0]
            return b"".join(_packbits(data[at : at + row]) for at in range(0, len(data), row))
        return data


def _packbits(row: bytes) -> bytes:
    return b"".join(bytes([len(part) - 1]) + part for part in (row[at : at + 128] for at in range(0, len(row), 128)))


def _file(order: str, tags: list[tuple[int, int, tuple[int, ...]]], strips: list[bytes]) -> bytes:
    codes = {1: "B", 3: "H", 4: "I", 5: "II"}
    behind = 8 + 2 + 12 * len(tags) + 4
    entries, blob = b"", b""
    size = sum(
        len(n) * struct.calcsize("=" + codes[kind]) for _, kind, n in tags if len(n) * struct.calcsize("=" + codes[kind]) > 4
    )
    place = behind + size
    places = []
    for strip in strips:
        places.append(place)
        place += len(strip)
    for tag, kind, stated in tags:
        numbers = tuple(places) if tag == 273 else stated
        code = codes[kind][0]
        count = len(numbers) // len(codes[kind])
        packed = struct.pack(f"{order}{len(numbers)}{code}", *numbers)
        entries += struct.pack(f"{order}HHI", tag, kind, count)
        if len(packed) <= 4:
            entries += packed.ljust(4, b"\0")
        else:
            entries += struct.pack(f"{order}I", behind + len(blob))
            blob += packed
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return head + struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", 0) + blob + b"".join(strips)


def tiffs() -> Files:
    """Every combination that can be written; each expects what TIFF 6.0 says of it."""
    for order, packing in product("<>", _PACKINGS):
        how: dict[str, Any] = {"order": order, "packing": packing}
        yield from _grey(how)
        yield from _colours(how)
        yield from _palettes(how)
        yield from _floating(how)
        yield from _wide(how)
    yield from _reversed()
    yield from _stated()


def _made(page: Tiff, depth: str, expected: NDArray[Any] | None, within: float = 0, name: str = "") -> Made:
    return Made("TIFF", depth, f"{page.name} {name}".strip(), page.write(), expected, within)


def _grey(how: dict[str, Any]) -> Files:
    for bits, photometric in product((1, 2, 4, 8, 10, 12, 14, 16), (_WHITE, _BLACK)):
        values = levels(bits, 1, bits)
        meant = (1 << bits) - 1 - values if photometric == _WHITE else values
        predictors = (1, 2) if bits in (8, 16) and how["packing"] == 8 else (1,)
        for predictor in predictors:
            yield _made(Tiff(values, bits, photometric, predictor=predictor, **how), f"{bits} bits", full(meant, bits))
    for bits in (8, 16):
        signed = levels(bits, 1, 30 + bits, signed=True)
        yield _made(Tiff(signed, bits, kind=2, **how), f"{bits} bits signed", signed.astype(f"i{bits // 8}"))
        yield _made(
            Tiff(signed // 4 + (1 << (bits - 3)), bits, kind=2, **how),
            f"{bits} bits signed",
            (signed // 4 + (1 << (bits - 3))).astype(f"i{bits // 8}"),
            name="no negative",
        )
        for extra in (0, 1, 2):
            values = levels(bits, 2, 40 + bits)
            page = Tiff(values, bits, extra=(extra,), **how)
            if extra == 0:
                yield _made(page, f"{bits} bits", full(values, bits))
            elif extra == 2:
                yield _made(page, f"{bits} bits", full(values[..., :1], bits))
            else:
                yield _made(page, f"{bits} bits", _straight(values, bits), 1)


def _straight(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """Colours of premultiplied pixels ``(H, W, C + 1)``: what they are where they cover all."""
    most = (1 << bits) - 1
    alpha = values[..., -1:].astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        straight = np.where(alpha == 0, values[..., :-1], np.clip(np.floor(values[..., :-1] * most / alpha), 0, most))
    return full(straight.astype(np.int64), bits)


def _colours(how: dict[str, Any]) -> Files:
    for bits, apart in product((1, 2, 4, 8, 12, 16), (False, True)):
        values = levels(bits, 3, 50 + bits)
        predictors = (1, 2) if bits in (8, 16) and how["packing"] == 8 else (1,)
        for predictor in predictors:
            yield _made(Tiff(values, bits, _RGB, apart=apart, predictor=predictor, **how), f"{bits} bits", full(values, bits))
        if bits in (8, 16):
            more = levels(bits, 4, 60 + bits)
            for extra in (0, 1, 2):
                page = Tiff(more, bits, _RGB, extra=(extra,), apart=apart, **how)
                if extra == 1:
                    yield _made(page, f"{bits} bits", _straight(more, bits), 1)
                else:
                    yield _made(page, f"{bits} bits", full(more if extra == 0 else more[..., :3], bits))
            five = levels(bits, 5, 65 + bits)
            yield _made(Tiff(five, bits, _RGB, extra=(0, 0), apart=apart, **how), f"{bits} bits", full(five, bits))
            ink = levels(bits, 4, 70 + bits)
            right = cmyk_to_rgb(ink) if bits == 8 else None
            yield _made(Tiff(ink, bits, _CMYK, apart=apart, **how), f"{bits} bits", right, 1)
    for bits in (8, 16):
        signed = levels(bits, 3, 80 + bits, signed=True)
        yield _made(Tiff(signed, bits, _RGB, kind=2, **how), f"{bits} bits signed", signed.astype(f"i{bits // 8}"))
        yield _made(Tiff(levels(bits, 3, 81), bits, _LAB, **how), f"{bits} bits", None)


def _palettes(how: dict[str, Any]) -> Files:
    for bits, deep in product((1, 2, 4, 8), ("8-bit entries", "shifted entries", "16-bit entries")):
        places = levels(bits, 1, 90 + bits)
        entries = np.random.default_rng(bits).integers(0, 256, (3, 1 << bits))
        entries[:, 0], entries[:, 1] = (1, 2, 3), (250, 17, 101)
        scaled = entries * {"8-bit entries": 257, "shifted entries": 256, "16-bit entries": 257}[deep]
        if deep == "16-bit entries":
            scaled = np.minimum(scaled + 19, 65535)
        right = (
            entries.T[places[..., 0]].astype(np.uint8) if deep != "16-bit entries" else scaled.T[places[..., 0]].astype(np.uint16)
        )
        page = Tiff(places, bits, _PALETTE, colours=tuple(scaled.ravel().tolist()), **how)
        yield _made(page, f"{bits} bits", right, name=deep)


def _floating(how: dict[str, Any]) -> Files:
    for bits, channels in product((16, 32, 64), (1, 3)):
        values = np.random.default_rng(bits).normal(0, 100, (5, 7, channels)).astype(f"f{bits // 8}")
        for predictor in (1, 3) if how["packing"] == 8 else (1,):
            page = Tiff(values, bits, _RGB if channels == 3 else _BLACK, kind=3, predictor=predictor, **how)
            yield _made(page, f"float{bits}", values)
    whites = np.random.default_rng(3).normal(0, 1, (5, 7, 1)).astype("f4")
    yield _made(Tiff(whites, 32, _WHITE, kind=3, **how), "float32", None)


def _wide(how: dict[str, Any]) -> Files:
    for kind, bits, channels in product((1, 2), (32, 64), (1, 3)):
        if bits == 64:
            values = np.random.default_rng(1).integers(-(1 << 52) * (kind == 2), 1 << 52, (5, 7, channels))
        else:
            values = levels(32, channels, 9, signed=kind == 2)
        page = Tiff(values, bits, _RGB if channels == 3 else _BLACK, kind=kind, **how)
        yield _made(page, f"{bits} bits{' signed' * (kind == 2)}", values.astype(f"{'iu'[kind == 1]}{bits // 8}"))
        if bits == 32:
            small = levels(8, channels, 10)
            page = Tiff(small, bits, _RGB if channels == 3 else _BLACK, kind=kind, **how)
            yield _made(page, f"{bits} bits{' signed' * (kind == 2)}", small.astype(f"{'iu'[kind == 1]}4"), name="small values")
    yield _made(Tiff(levels(32, 1, 9), 32, _WHITE, **how), "32 bits", None)


def _reversed() -> Files:
    orders: tuple[Literal["<", ">"], ...] = ("<", ">")
    for bits, channels, order in product((1, 2, 4, 8, 16), (1, 3), orders):
        values = levels(bits, channels, 110 + bits)
        page = Tiff(values, bits, _RGB if channels == 3 else _BLACK, order=order, reversed_bits=True)
        yield _made(page, f"{bits} bits", full(values, bits))
    for bits in (1, 2, 4, 8):
        values = levels(bits, 1, 120 + bits)
        page = Tiff(values, bits, _WHITE, reversed_bits=True)
        yield _made(page, f"{bits} bits", full((1 << bits) - 1 - values, bits))


def _stated() -> Files:
    """Tags that change what the levels mean, and that readers pass over."""
    values = levels(8, 3, 130)
    subsampled = ((529, 5, (299, 1000, 587, 1000, 114, 1000)), (530, 3, (1, 1)))
    ranged = (532, 5, (0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1))
    yield _made(Tiff(values, 8, _YCBCR, tags=(*subsampled, ranged)), "8 bits", _rgb(values), 3, "full range")
    narrow = (532, 5, (16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1))
    yield _made(Tiff(values, 8, _YCBCR, tags=(*subsampled, narrow)), "8 bits", None, 3, "narrow range")
    yield _made(Tiff(levels(8, 4, 131), 8, _CMYK, tags=((332, 3, (2,)),)), "8 bits", None, 0, "other inks")
    yield _made(Tiff(levels(8, 5, 132), 8, _CMYK, extra=(0,), tags=()), "8 bits", None, 0, "five inks")
    turned = levels(8, 1, 133)
    yield _made(Tiff(turned, 8, tags=((274, 3, (6,)),)), "8 bits", full(turned, 8), 0, "orientation 6")
    deep = levels(16, 1, 134)
    yield _made(Tiff(deep, 16, tags=((274, 3, (3,)),)), "16 bits", full(deep, 16), 0, "orientation 3")


def _rgb(values: NDArray[Any]) -> NDArray[Any]:
    y, cb, cr = (values[..., c].astype(float) for c in range(3))
    cb, cr = cb - 128, cr - 128
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)
