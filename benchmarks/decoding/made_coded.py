"""Files of formats with a codec of their own, written by the codec's library; what is expected comes from another reader."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.decoding.made import Files, Made, cmyk_to_rgb, levels


def _saved(values: NDArray[Any] | Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image = values if isinstance(values, Image.Image) else Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
    image.save(stream, kind, **options)
    return stream.getvalue()


def _smooth(channels: int) -> NDArray[np.uint8]:
    ramp = np.add.outer(np.arange(16) * 9, np.arange(16) * 5)[..., None] + np.arange(channels) * 13
    return np.asarray(np.minimum(ramp, 255)).astype(np.uint8)


def jpegs() -> Files:
    """Grey, colours by each marker, inks, and depths beyond 8 bits."""
    from imagecodecs import jpeg8_encode, jpeg_decode, jpeg_encode

    for channels, progressive in product((1, 3), (False, True)):
        data = _saved(_smooth(channels), "JPEG", quality=95, subsampling=0, progressive=progressive)
        right = np.asarray(jpeg_decode(data)).reshape(16, 16, channels)
        yield Made("JPEG", "8 bits", f"{'grey' if channels == 1 else 'YCbCr'}{' progressive' * progressive}", data, right, 2)
    data = bytes(jpeg_encode(_smooth(3), level=100, colorspace="RGB", outcolorspace="RGB"))
    yield Made("JPEG", "8 bits", "RGB by Adobe marker", data, _smooth(3), 2)
    ink = _smooth(4)
    data = _saved(Image.fromarray(ink, "CMYK"), "JPEG", quality=100, subsampling=0)
    yield Made("JPEG", "8 bits", "CMYK inverted (Adobe)", data, cmyk_to_rgb(ink), 6)
    data = bytes(jpeg_encode(255 - ink, level=100, colorspace="CMYK", outcolorspace="YCCK"))
    yield Made("JPEG", "8 bits", "YCCK inverted (Adobe)", data, cmyk_to_rgb(ink), 12)
    deep = (_smooth(1)[..., 0].astype(np.uint16)) * 16
    yield Made("JPEG", "12 bits", "grey", bytes(jpeg8_encode(deep, bitspersample=12, level=98)), None)
    colour = _smooth(3).astype(np.uint16) * 16
    yield Made("JPEG", "12 bits", "YCbCr", bytes(jpeg8_encode(colour, bitspersample=12, level=98)), None)
    yield Made("JPEG", "8 bits lossless", "grey", bytes(jpeg8_encode(_smooth(1)[..., 0], lossless=True)), _smooth(1))
    yield Made("JPEG", "16 bits lossless", "grey", bytes(jpeg8_encode(deep, lossless=True, bitspersample=16)), None)


def webps() -> Files:
    """With and without alpha and loss; an animation."""
    for channels in (3, 4):
        values = levels(8, channels, 300 + channels).astype(np.uint8)
        if channels == 4:
            values[..., 3] = np.maximum(values[..., 3], 1)
        yield Made("WebP", "8 bits", f"lossless {channels}", _saved(values, "WEBP", lossless=True, exact=True), values[..., :3])
    from imagecodecs import webp_decode

    data = _saved(_smooth(3), "WEBP", quality=95)
    yield Made("WebP", "8 bits", "lossy", data, np.asarray(webp_decode(data))[..., :3], 2)
    first = levels(8, 3, 310).astype(np.uint8)
    data = _saved(first, "WEBP", lossless=True, save_all=True, append_images=[Image.fromarray(255 - first)])
    yield Made("WebP", "8 bits", "animated", data, first)


def gifs() -> Files:
    """Palettes, a transparent colour, frames."""
    for bits in (1, 2, 4, 8):
        places = levels(bits, 1, 320 + bits)[..., 0].astype(np.uint8)
        colours = np.random.default_rng(bits).integers(0, 256, (1 << bits, 3)).astype(np.uint8)
        image = Image.fromarray(places, "P")
        image.putpalette(colours.tobytes())
        yield Made("GIF", f"{bits} bits", "palette", _saved(image, "GIF", optimize=False), colours[places])
        data = _saved(image, "GIF", optimize=False, transparency=0)
        yield Made("GIF", f"{bits} bits", "palette transparent", data, colours[places])
        more = [Image.fromarray(places[::-1].copy(), "P")]
        more[0].putpalette(colours.tobytes())
        data = _saved(image, "GIF", optimize=False, save_all=True, append_images=more)
        yield Made("GIF", f"{bits} bits", "frames", data, colours[places])


def jp2s() -> Files:
    """Depths, signs, and both wrappings."""
    from imagecodecs import jpeg2k_encode

    for bits, signed, channels, wrapped in product((4, 8, 12, 16), (False, True), (1, 3), ("jp2", "j2k")):
        values = levels(bits, channels, 330 + bits, signed=signed)
        values = np.kron(values, np.ones((4, 4, 1), np.int64)).astype(f"{'i' if signed else 'u'}{1 if bits <= 8 else 2}")
        try:
            data = jpeg2k_encode(
                values[..., 0] if channels == 1 else values, bitspersample=bits, reversible=True, codecformat=wrapped, mct=False
            )
        except Exception:  # noqa: S112 - the writer lacks this combination
            continue
        right = None if signed or (channels == 3 and bits > 8) else values.astype(np.uint8 if bits <= 8 else np.uint16)
        yield Made(
            "JPEG 2000", f"{bits} bits{' signed' * signed}", f"{'grey' if channels == 1 else 'RGB'} {wrapped}", bytes(data), right
        )
    alpha = np.kron(levels(8, 4, 340), np.ones((4, 4, 1), np.int64)).astype(np.uint8)
    yield Made("JPEG 2000", "8 bits", "RGB alpha", bytes(jpeg2k_encode(alpha, reversible=True)), alpha[..., :3])


def avifs() -> Files:
    """8, 10 and 12 bits, grey, colours and alpha."""
    from imagecodecs import avif_decode, avif_encode

    for bits, channels in product((8, 10, 12), (1, 3, 4)):
        deep = _smooth(channels).astype(np.uint16) * (1 << (bits - 8))
        values: NDArray[Any] = deep.astype(np.uint8) if bits == 8 else deep
        data = bytes(avif_encode(values[..., 0] if channels == 1 else values, level=100, bitspersample=bits))
        right = np.asarray(avif_decode(data))
        right = right[..., None] if right.ndim == 2 else right[..., :3]
        right = right[..., :1] if channels == 1 else right
        yield Made("AVIF", f"{bits} bits", f"{channels} channels", data, right, 2)


def heics() -> Files:
    """8, 10 and 12 bits."""
    import pillow_heif

    for bits, mode in product((8, 10, 12), ("RGB", "RGBA")):
        deep = _smooth(len(mode)).astype(np.uint16)
        if bits == 8:
            image = pillow_heif.from_pillow(Image.fromarray(deep.astype(np.uint8)))
        else:
            image = pillow_heif.from_bytes(f"{mode};16", (16, 16), (deep * 257).astype("<u2").tobytes())
            pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
        stream = io.BytesIO()
        image.save(stream, quality=-1, chroma=444)
        right = deep[..., :3] * (1 << (bits - 8))
        yield Made(
            "HEIC", f"{bits} bits", mode, stream.getvalue(), right.astype(np.uint8 if bits == 8 else np.uint16), 4 << (bits - 8)
        )
    pillow_heif.options.SAVE_HDR_TO_12_BIT = False


def jxls() -> Files:
    """Integers, floats, alpha, and fewer bits than the type."""
    from imagecodecs import jpegxl_encode

    kinds: tuple[tuple[str, Callable[[NDArray[Any]], NDArray[Any]]], ...] = (
        ("8 bits", lambda x: x.astype(np.uint8)),
        ("16 bits", lambda x: x.astype(np.uint16) * 257),
        ("float16", lambda x: (x / 255).astype(np.float16)),
        ("float32", lambda x: (x / 255).astype(np.float32)),
    )
    for (depth, made), channels in product(kinds, (1, 2, 3, 4)):
        values = made(levels(8, channels, 350 + channels))
        data = bytes(jpegxl_encode(values[..., 0] if channels == 1 else values, lossless=True))
        yield Made("JPEG XL", depth, f"{channels} channels", data, values[..., : 1 if channels < 3 else 3])
    for bits in (10, 12):
        values = levels(bits, 3, 360 + bits).astype(np.uint16)
        data = bytes(jpegxl_encode(values, lossless=True, bitspersample=bits))
        yield Made("JPEG XL", f"{bits} bits", "RGB", data, values)


def jpeg_tiffs() -> Files:
    """TIFF files whose strips and tiles are coded by a library."""
    import tifffile

    for channels, meaning in ((1, "minisblack"), (3, "ycbcr"), (3, "rgb")):
        values = _smooth(channels)
        for apart in ("contig", "separate") if meaning == "rgb" else ("contig",):
            stream = io.BytesIO()
            stored = np.moveaxis(values, -1, 0) if apart == "separate" else values[..., 0] if channels == 1 else values
            coding = {"level": 98, **({"subsampling": (1, 1)} if meaning == "ycbcr" else {})}
            planes = apart if channels > 1 else None
            try:
                with tifffile.TiffWriter(stream) as file:
                    whole = np.ascontiguousarray(stored)
                    file.write(whole, photometric=meaning, planarconfig=planes, compression="jpeg", compressionargs=coding)
            except Exception:  # noqa: S112 - the writer lacks this combination
                continue
            right = np.asarray(tifffile.imread(io.BytesIO(stream.getvalue()))) if meaning == "ycbcr" else values
            yield Made("TIFF", "8 bits", f"JPEG {meaning} {apart}", stream.getvalue(), right, 6)
    for packing, bits, order in product(("lzw", "zstd", "lzma"), (8, 16, 32), "<>"):
        values = levels(bits, 3, 370 + bits).astype(f"u{bits // 8}")
        stream = io.BytesIO()
        with tifffile.TiffWriter(stream, byteorder=order) as file:
            file.write(values, photometric="rgb", compression=packing, predictor=True)
        yield Made("TIFF", f"{bits} bits", f"RGB {packing} predictor {order}", stream.getvalue(), values)
    for bits, order in product((8, 16), "<>"):
        values = np.kron(levels(bits, 3, 380), np.ones((4, 8, 1), np.int64)).astype(f"u{bits // 8}")
        stream = io.BytesIO()
        with tifffile.TiffWriter(stream, byteorder=order) as file:
            file.write(values, photometric="rgb", tile=(16, 16), compression="zlib")
        yield Made("TIFF", f"{bits} bits", f"RGB tiled {order}", stream.getvalue(), values)


def foreign() -> Files:
    """Formats that Pillow reads and tare does not: refused, whatever they hold."""
    colour, grey = levels(8, 3, 390).astype(np.uint8), levels(8, 1, 391).astype(np.uint8)
    for kind in ("TGA", "SGI", "PCX", "ICO", "DDS", "EPS", "IM", "MSP", "SPIDER", "XBM", "ICNS", "QOI"):
        for name, values in (("colour", colour), ("grey", grey)):
            try:
                data = _saved(values, kind)
            except Exception:  # noqa: S112 - the format lacks this mode
                continue
            yield Made(kind, "8 bits", name, data, None)
    deep = levels(16, 1, 392).astype(">u2")
    yield Made(
        "SGI", "16 bits", "grey", struct.pack(">HBBHHHHII", 474, 0, 2, 2, 7, 5, 1, 0, 65535) + bytes(488) + deep.tobytes(), None
    )
