"""What the tags of a TIFF page say of its values, which readers pass over: sign, depth, white, inks, premultiplied colours.

Pillow reads the pages of :func:`pillow_reads` as their tags say; tifffile reads the others, and the values are put together here.
What neither grey, colours, a palette nor four inks describe is refused (:func:`meaning`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.samples.sixteen_bit import UnsupportedError
from tare.samples.tiff import (
    COLOUR_MAP,
    COMPRESSION,
    FILL_ORDER,
    INK_SET,
    PLANAR,
    REFERENCE,
    Page,
    read_bands,
)

_WHITE, _BLACK, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_OTHERS = {4: "a mask", 8: "CIELab", 9: "ICCLab", 10: "ITULab", 32803: "a colour filter array", 34892: "linear raw"}
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_PREMULTIPLIED, _STRAIGHT = 1, 2
_PLAIN, _FAX, _WEBP = 1, (2, 3, 4), 50001  # the libtiff that comes with Pillow has no WebP
#: Integers beyond it have no exact double.
_EXACT = 1 << 53

DIVIDED = "premultiplied colours divided by alpha"


def check_meaning(page: Page) -> None:
    """Raise :class:`UnsupportedError` for a page whose values are neither grey, colours, a palette nor four inks of 8 bits."""
    meaning = page.photometric
    if meaning is None:
        raise UnsupportedError("no photometric interpretation, so that nothing says whether 0 is black or white")
    if meaning not in (_WHITE, _BLACK, _RGB, _PALETTE, _CMYK, _YCBCR):
        raise UnsupportedError(f"{_OTHERS.get(meaning, 'an unknown photometric interpretation')} (photometric {meaning})")
    if len({*page.all_bits}) > 1 or len({*page.kinds}) > 1 or page.kinds[0] not in (_UNSIGNED, _SIGNED, _FLOAT):
        raise UnsupportedError(f"bands of different or unknown kinds (bits {page.all_bits[:8]}, sample format {page.kinds[:8]})")
    if meaning == _WHITE and (page.kinds[0] != _UNSIGNED or page.bits > 16):
        raise UnsupportedError(f"{page.bits}-bit values of which the least is white: nothing states the largest")
    if meaning == _PALETTE and (page.bands != 1 or page.bits > 8 or len(page.tags.get(COLOUR_MAP, ())) != 3 << page.bits):
        raise UnsupportedError(f"a palette of {page.bits} bits without its colours")
    if meaning == _CMYK and (page.bands, page.bits, page.tags.get(INK_SET, (1,))[0]) != (4, 8, 1):
        raise UnsupportedError(f"{page.bands} inks of {page.bits} bits: only four of 8 bits, CMYK, have a colour")
    if meaning == _YCBCR and (
        page.bands != 3 or page.bits != 8 or (page.tags.get(COMPRESSION) == (_PLAIN,) and _is_narrow(page))
    ):
        raise UnsupportedError(f"luma and chroma of {page.bands} bands and {page.bits} bits")
    if page.kinds[0] == _UNSIGNED and page.bits not in (1, 2, 4, 8, *range(9, 17), 32, 64):
        raise UnsupportedError(f"{page.bits} bits a value")


def are_stored(page: Page) -> bool:
    """Whether the values that are read are those that are stored: neither turned round nor looked up."""
    return page.photometric in (_BLACK, _RGB)


def pillow_reads(page: Page) -> bool:
    """Whether Pillow gives the values that the tags state; found by ``python -m benchmarks.decoding``."""
    packing = page.tags.get(COMPRESSION, (_PLAIN,))[0]
    if (page.tags.get(FILL_ORDER) == (2,) and packing not in _FAX) or packing == _WEBP:
        return False
    if page.kinds[0] == _FLOAT:
        swapped = page.big_endian and packing != _PLAIN
        return (page.photometric, page.bits, page.bands) == (_BLACK, 32, 1) and not swapped
    return page.kinds[0] == _UNSIGNED and _reads_unsigned(page)


def _reads_unsigned(page: Page) -> bool:
    bits, apart, straight = page.bits, page.tags.get(PLANAR) == (2,), _PREMULTIPLIED not in page.extra
    if page.photometric == _WHITE:
        return bits <= 8 and page.bands == 1
    if page.photometric == _BLACK:
        return (page.bands == 1 and bits in (1, 2, 4, 8, 12, 16)) or (bits == 8 and page.further == 0 and straight)
    if page.photometric == _RGB:
        return straight and (bits == 8 or (bits == 16 and not apart and page.bands in (3, 4)))
    return page.photometric != _PALETTE or _eight_bits(page) is not None


def read_page(data: bytes, page: Page) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The values ``(H, W, C)`` that the tags state, alpha among them, through tifffile; and notes on what was converted.

    Fewer than 8 bits span the range of 8, as in PNG. Where 0 is white it becomes the largest level. Signed and wide
    integers become float64, half floats float32.

    Raises :class:`UnsupportedError` without tifffile, and its errors for a damaged file.
    """
    values = read_bands(data, page)
    if values.dtype.kind == "b":
        values = values.astype(np.uint8)
    if page.photometric == _PALETTE:
        return _coloured(values[..., 0], page), ()
    if values.dtype.name in ("int64", "uint64") and max(abs(int(values.min())), abs(int(values.max()))) > _EXACT:
        raise UnsupportedError(f"integers beyond 2**53, which no double holds exactly ({values.dtype})")
    if page.photometric == _WHITE:
        values = np.asarray((1 << page.bits) - 1 - values.astype(np.int64)).astype(values.dtype)
    if page.kinds[0] == _UNSIGNED and page.bits < 8:
        values = values * np.uint8(255 // ((1 << page.bits) - 1))
    if page.extra[:1] == (_PREMULTIPLIED,) and page.further == 0:
        return _divided(values, page), (DIVIDED,)
    if values.dtype.name in ("uint8", "uint16", "float32", "float64"):
        return np.ascontiguousarray(values), ()
    return values.astype(np.float32 if values.dtype.name == "float16" else np.float64), ()


def _divided(values: NDArray[Any], page: Page) -> NDArray[Any]:
    """Colours as they are where they cover all: ``floor(v * most / alpha)``, as Pillow divides; unchanged where alpha is 0."""
    if values.dtype.name not in ("uint8", "uint16"):
        raise UnsupportedError(f"premultiplied colours of {page.bits} bits")
    most = (1 << page.bits) - 1 if page.bits > 8 else 255
    wide = values.astype(np.int64)
    alpha = np.where(wide[..., -1:] == 0, most, wide[..., -1:])
    return np.concatenate([np.minimum(wide[..., :-1] * most // alpha, most), wide[..., -1:]], axis=-1).astype(values.dtype)


def _eight_bits(page: Page) -> NDArray[np.uint8] | None:
    """The palette ``(N, 3)`` in 8 bits if its 16-bit entries are such colours: written twice, or above zeros; else None."""
    entries = np.asarray(page.tags[COLOUR_MAP], np.uint32).reshape(3, -1).T
    exact = bool((entries % 257 == 0).all()) or bool((entries % 256 == 0).all())
    return (entries >> 8).astype(np.uint8) if exact else None


def _coloured(places: NDArray[Any], page: Page) -> NDArray[Any]:
    eight = _eight_bits(page)
    colours = np.asarray(page.tags[COLOUR_MAP], np.uint16).reshape(3, -1).T if eight is None else eight
    return np.asarray(colours[places])


def _is_narrow(page: Page) -> bool:
    return REFERENCE in page.tags
