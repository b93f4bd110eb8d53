"""The pages and bands that a TIFF file states, read from its directories (TIFF 6.0, and BigTIFF), before any pixel is decoded."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.samples.sixteen_bit import UnsupportedError

_SIZES = {1: 1, 3: 2, 4: 4, 16: 8}
_CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}
_KIND, _BITS, _PHOTOMETRIC, _BANDS, _EXTRA, _FORMAT = 254, 258, 262, 277, 338, 339
COMPRESSION, FILL_ORDER, PLANAR, COLOUR_MAP, INK_SET, REFERENCE = 259, 266, 284, 320, 332, 532
_WIDTH, _HEIGHT, _DESCRIPTION, _ORIENTATION, _DEPTH = 256, 257, 270, 274, 32997
#: What GDAL writes: the value that means no data, as text.
_NODATA = 42113
_READ = frozenset(
    (
        *(_KIND, _BITS, _PHOTOMETRIC, _BANDS, _EXTRA, _FORMAT, COMPRESSION, FILL_ORDER, PLANAR, COLOUR_MAP, INK_SET),
        *(_WIDTH, _HEIGHT, _ORIENTATION, _DEPTH),
    )
)
_TEXT, _LOOKED_AT = 2, 1024
#: What ImageJ and tifffile write into the description of the first page: the number of images, and the lengths of the axes.
_STACK = re.compile(rb"ImageJ=.*?^images=(\d{1,9})\s", re.DOTALL | re.MULTILINE)
_SHAPE = re.compile(rb'\{"shape": \[(\d{1,9}(?:, \d{1,9}){0,9})\]')
_REDUCED, _MASK = 1, 4
_GREY, _RGB = (0, 1), 2
_ALPHA = {1, 2}
_MOST_PAGES = 1 << 16


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its place among all directories, its bands and their bits, and how many bands are neither colour nor alpha.

    ``tags`` are the numbers of its directory that say what a value means; ``photometric`` is None where nothing states it.
    ``masked`` says that a mask of its pixels follows it.
    """

    index: int
    bands: int
    bits: int
    further: int
    photometric: int | None = field(default=1, compare=False)
    extra: tuple[int, ...] = field(default=(), compare=False)
    tags: Mapping[int, tuple[int, ...]] = field(default_factory=dict, compare=False)
    big_endian: bool = field(default=False, compare=False)
    masked: bool = field(default=False, compare=False)

    @property
    def nodata(self) -> float | None:
        """The value that means no data, as GDAL states it; None where it states none."""
        try:
            return float(bytes(self.tags.get(_NODATA, ())).rstrip(b"\0 "))
        except ValueError:
            return None

    @property
    def all_bits(self) -> tuple[int, ...]:
        """The bits of each band."""
        return self.tags.get(_BITS, (self.bits,))

    @property
    def orientation(self) -> int:
        """How the page is to be turned to stand upright, 1 to 8 as in EXIF; 1 for a number that means nothing."""
        stated = self.tags.get(_ORIENTATION, (1,))[0]
        return stated if 1 <= stated <= 8 else 1

    @property
    def kinds(self) -> tuple[int, ...]:
        """The sample format of each band: 1 unsigned, 2 signed, 3 float."""
        return self.tags.get(_FORMAT, (1,))


def pages_of(data: bytes | memoryview) -> tuple[Page, ...]:
    """The pages of a TIFF at full resolution; overviews and masks of a page are none of their own. Empty if it is damaged."""
    view = memoryview(data)
    order = {b"II": "<", b"MM": ">"}.get(bytes(view[:2]), "")
    try:
        big = struct.unpack_from(f"{order}H", view, 2)[0] == 43
        (place,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", view, 8 if big else 4)
        found: list[Page] = []
        seen: set[int] = set()
        while place and place not in seen and len(seen) < _MOST_PAGES:
            seen.add(place)
            tags, place = _directory(view, place, order, big)
            kind = tags.get(_KIND, (0,))[0] & (_REDUCED | _MASK)
            if not kind:
                found.append(_page(len(seen) - 1, tags, order))
            elif kind == _MASK and found:
                found[-1] = replace(found[-1], masked=True)
    except (struct.error, IndexError, KeyError):
        return ()
    return tuple(found)


def planes_of(pages: tuple[Page, ...]) -> int:
    """How many planes a file states beside its directories: as a depth, or in the descriptions that ImageJ and tifffile write.

    Of a large stack both write one directory alone. The number of ``pages`` where nothing is stated.
    """
    if not pages:
        return 0
    tags = pages[0].tags
    text, depth = bytes(tags.get(_DESCRIPTION, ())), tags.get(_DEPTH, (1,))[0]
    stack, shape = _STACK.match(text), _SHAPE.match(text)
    stated = int(stack[1]) if stack else depth
    if shape:
        plane = tags.get(_WIDTH, (1,))[0] * tags.get(_HEIGHT, (1,))[0] * pages[0].bands
        stated = max(stated, prod(map(int, shape[1].split(b","))) // max(1, plane))
    return max(stated, len(pages))


def tags_of(read: Callable[[int, int], bytes]) -> frozenset[int]:
    """The tags of a TIFF's first directory; empty if it is damaged or no TIFF. ``read`` gives a number of bytes from a place."""
    head = read(0, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
    try:
        magic = struct.unpack_from(f"{order}H", head, 2)[0]
        if not order or magic not in (42, 43):
            return frozenset()
        place, count_code, entry = (8, "Q", 20) if magic == 43 else (4, "H", 12)
        (place,) = struct.unpack_from(f"{order}{'Q' if magic == 43 else 'I'}", head, place)
        (count,) = struct.unpack(f"{order}{count_code}", read(place, struct.calcsize(f"={count_code}")))
        size = min(count, 4096) * entry
        directory = read(place + struct.calcsize(f"={count_code}"), size)
        return frozenset(struct.unpack_from(f"{order}H", directory, at)[0] for at in range(0, size, entry))
    except (struct.error, IndexError, OverflowError):
        return frozenset()


def read_bands(data: bytes, page: Page) -> NDArray[Any]:
    """Read the stored values ``(H, W, C)`` of a page that Pillow does not read, or reads as others, with tifffile.

    Raises :class:`UnsupportedError` without it, and its errors for a damaged file.
    """
    try:
        import tifffile
    except ImportError:
        raise UnsupportedError(
            f"{page.bands} band{'s' * (page.bands != 1)} of {page.bits} bits, which Pillow cannot read: "
            "install tifffile (pip install 'tare[tiff]')"
        ) from None
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        stored = file.pages[page.index]
        values = np.asarray(stored.asarray())
        apart = int(stored.planarconfig) == 2
    if values.ndim == 2:
        values = values[..., None]
    elif apart:
        values = np.moveaxis(values, 0, -1)
    if values.ndim != 3 or values.shape[-1] != page.bands:
        raise UnsupportedError(f"{page.bands} bands, read as an array of shape {values.shape}")
    return values


def _directory(view: memoryview, place: int, order: str, big: bool) -> tuple[dict[int, tuple[int, ...]], int]:
    """The whole numbers of one directory by tag, and the place of the next directory."""
    count_code, entry, width = ("Q", 20, 8) if big else ("H", 12, 4)
    (count,) = struct.unpack_from(f"{order}{count_code}", view, place)
    start = place + struct.calcsize(f"={count_code}")
    tags: dict[int, tuple[int, ...]] = {}
    for at in range(start, start + count * entry, entry):
        tag, kind, number = struct.unpack_from(f"{order}HH{'Q' if big else 'I'}", view, at)
        if tag == REFERENCE:
            tags[tag] = ()
        if tag in (_DESCRIPTION, _NODATA) and kind == _TEXT:
            text = at + entry - width
            if number > width:
                (text,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", view, text)
            tags[tag] = tuple(view[text : text + min(number, _LOOKED_AT)])
        if tag not in _READ or kind not in _CODES or not 0 < number <= 1 << 16:
            continue
        values = at + entry - width
        if number * _SIZES[kind] > width:
            (values,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", view, values)
        tags[tag] = struct.unpack_from(f"{order}{number}{_CODES[kind]}", view, values)
    (following,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", view, start + count * entry)
    return tags, int(following)


def _page(index: int, tags: dict[int, tuple[int, ...]], order: str) -> Page:
    bands, photometric = tags.get(_BANDS, (1,))[0], tags.get(_PHOTOMETRIC, (None,))[0]
    colours = 3 if photometric == _RGB else 1 if photometric in (*_GREY, None) else bands
    # A single further band without a statement is alpha, as Pillow takes it.
    extra = tags.get(_EXTRA, (2,) if bands == colours + 1 else ())
    further = max(0, bands - colours - sum(kind in _ALPHA for kind in extra))
    return Page(index, bands, tags.get(_BITS, (1,))[0], further, photometric, extra, tags, order == ">")
