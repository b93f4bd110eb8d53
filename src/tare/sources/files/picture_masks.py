"""What a picture of a mask says, also one that a lossy compression blurred, one with a palette, and one with alpha."""

from __future__ import annotations

import io
import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tare.samples import tiff
from tare.samples.decode import UndecodableError, decode_noted, image_format
from tare.samples.records import Skipped
from tare.system.local.opened import said, whole

#: Most different values of a mask.
MASK_LEVELS = 16
#: The note on samples of which a mask left values out.
OUTSIDE = "values outside the mask were left out"
#: Notes on samples whose masks were not simply taken as stored, or say more than inside and outside.
CUT = "masks stored with losses were cut at the middle of 0 and 255"
SOFT = "masks have values between outside and inside at their edges: all but 0 are inside"
OF_PALETTE = "masks have a palette that does not show 0 alone as black: by its indices 0 is outside"
OF_ALPHA = "masks have one colour: their alpha was taken as the shape"
#: How near to 0 and 255 values of a lossy mask are the same, the largest share between, and of areas that have a value of theirs.
_NEAR, _BETWEEN, _AREAS = 32, 0.1, 0.01
#: An area of these levels is none of 0 or 255: a class of its own, which no compression makes.
_OWN = (3, 239)
#: TIFF's numbers of JPEG, JPEG 2000, LERC, WebP and JPEG XL, as GDAL and tifffile write them.
_LOSSY_TIFF = frozenset((6, 7, 33003, 33004, 33005, 34712, 34887, 50001, 50002))
#: JPEG 2000's marker COD, and where behind it the wavelet stands, of which 1 loses nothing (ISO/IEC 15444-1, A.6.1).
_COD, _WAVELET = b"\xff\x52", 13
_DARK = 8


class PictureMask(NamedTuple):
    """The values ``(H, W, C)`` of a mask, of which 0 is outside, and notes on how they were read."""

    values: NDArray[Any]
    notes: tuple[str, ...] = ()


def read_mask(path: str) -> PictureMask | Skipped:
    """The values of a mask as stored, those of a palette being its indices; or the reason why it does not say what is inside.

    A mask stored with losses is cut at the middle if its values pile up at 0 and 255. A palette only says how the classes are
    shown, so that its index 0 is outside; but one that may be a picture's own colours in any order, as Pillow writes a picture of
    black and white as GIF with white as 0, does not say what is outside. Where all colours are one, alpha is the shape.
    """
    try:
        data = whole(path)
        opaque = _opaque(data)
        mask = _with_alpha(_of_indices(data, opaque) or PictureMask(decode_noted(data).values), opaque)
        return cut(mask) if is_lossy(data) else _noted(mask)
    except (OSError, ValueError) as error:
        return Skipped(path, f"cannot be opened: {said(error)}")
    except UndecodableError as error:
        return Skipped(path, str(error))


def is_lossy(data: bytes) -> bool:
    """Whether an encoded image may hold other values than were saved: unless its format, or what it states, rules that out."""
    kind = image_format(data[:16])
    if kind == "TIFF":
        return any(page.tags.get(tiff.COMPRESSION, (1,))[0] in _LOSSY_TIFF for page in tiff.pages_of(data))
    if kind == "WebP":
        return _is_lossy_webp(data)
    if kind == "JPEG 2000":
        place = data.find(_COD)
        return data[place + _WAVELET : place + _WAVELET + 1] != b"\x01" if place >= 0 else True
    return kind in ("JPEG", "JPEG XL", "AVIF", "HEIC")


def _is_lossy_webp(data: bytes) -> bool:
    """By the first chunk of pixels, which lies in that of a frame if there are several."""
    place = 12
    while place + 8 <= len(data):
        name, (size,) = data[place : place + 4], struct.unpack_from("<I", data, place + 4)
        if name in (b"VP8 ", b"VP8L"):
            return name == b"VP8 "
        place += 24 if name == b"ANMF" else 8 + size + size % 2
    return True


def cut_at_middle(values: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Where a mask ``(H, W)`` is nearer to 255 than to 0; None unless its values pile up at these two ends alone."""
    if values.dtype != np.uint8:
        return None
    between = float(((values >= _NEAR) & (values < 256 - _NEAR)).mean())
    is_own = float((_in_areas(values) & (values >= _OWN[0]) & (values <= _OWN[1])).mean())
    if values.max() < 256 - _NEAR or between > _BETWEEN or is_own > _AREAS:
        return None
    return np.asarray(values > 127)


def levels(values: NDArray[Any]) -> NDArray[Any]:
    """The different values, in ascending order."""
    return np.flatnonzero(np.bincount(values.ravel())) if values.dtype in (np.uint8, np.uint16) else np.unique(values)


def has_few_values(values: NDArray[Any]) -> bool:
    """Whether pixels ``(H, W, C)`` have as few values as masks have, or two ends that a lossy compression spread."""
    return len(levels(values)) <= MASK_LEVELS or cut_at_middle(values.max(axis=-1)) is not None


def values_in_areas(values: NDArray[Any]) -> set[int]:
    """The values of a mask ``(H, W)`` that a pixel and its four neighbours have somewhere."""
    return {*levels(values[_in_areas(values)]).tolist()}


def is_soft(values: NDArray[Any]) -> bool:
    """Whether values of a mask lie between those of outside and inside, as an interpolation or a lossy copy leaves them."""
    if values.dtype.kind == "f":
        return bool((np.isfinite(values) & (values != np.rint(values))).any())
    return values.ndim == 2 and len(levels(values)) > MASK_LEVELS and cut_at_middle(values) is not None


def _in_areas(values: NDArray[Any]) -> NDArray[np.bool_]:
    same = np.zeros(values.shape, bool)
    inner = values[1:-1, 1:-1]
    same[1:-1, 1:-1] = (
        (inner == values[:-2, 1:-1]) & (inner == values[2:, 1:-1]) & (inner == values[1:-1, :-2]) & (inner == values[1:-1, 2:])
    )
    return same


def cut(mask: PictureMask) -> PictureMask:
    """A mask that was stored with losses, cut at its middle. Raises :class:`UndecodableError` unless 0 and 255 are its ends."""
    shown = mask.values.max(axis=-1)
    if len(levels(shown)) <= 2:  # nothing was blurred
        return mask
    where = cut_at_middle(shown)
    if where is None:
        raise UndecodableError("stored with losses, and its values do not lie at 0 and 255 alone: save it as PNG")
    return PictureMask(where[..., None], (*mask.notes, CUT))


def _noted(mask: PictureMask) -> PictureMask:
    return mask._replace(notes=(*mask.notes, SOFT)) if is_soft(mask.values.max(axis=-1)) else mask


def _of_indices(data: bytes, opaque: NDArray[np.bool_] | None) -> PictureMask | None:
    """The indices of a picture with a palette; None for another one."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.mode != "P":
                return None
            indices, palette = np.asarray(image), image.getpalette("RGB") or []
            clear = image.info.get("transparency")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # what Pillow cannot read was read otherwise
    is_clear = opaque is not None or clear == 0 or (isinstance(clear, bytes) and clear[:1] == b"\0")
    return PictureMask(indices[..., None], () if is_clear else _on_palette(indices, palette))


def _on_palette(indices: NDArray[np.uint8], palette: list[int]) -> tuple[str, ...]:
    """What is to be said of a palette. Raises :class:`UndecodableError` where its colours may contradict its indices."""
    colours = np.array(palette[: len(palette) // 3 * 3], np.uint8).reshape(-1, 3)
    used = [int(index) for index in levels(indices) if index < len(colours)]
    dark, first = [index for index in used if (colours[index] <= _DARK).all()], colours[0]
    if (first <= _DARK).all():
        if dark in ([], [0]):
            return ()
        unclear = 0 not in used
    else:
        is_grey = bool((colours == colours[:, :1]).all())
        unclear = is_grey or (bool(dark) and not (first >= 255 - _DARK).all())
    if unclear:
        found = f"a palette that shows {dark[0]} as black" if dark else f"a palette that shows 0 as #{bytes(first).hex()}"
        raise UndecodableError(f"{found}, so that 0 may not be what is outside: save it as grey with 0 outside")
    return (OF_PALETTE,)


def _opaque(data: bytes) -> NDArray[np.bool_] | None:
    """Where a picture is not transparent; None if it is so nowhere, or Pillow cannot tell."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            if not (image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info):
                return None
            alpha = np.asarray(image.convert("RGBA"))[..., 3]
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return None if alpha.min(initial=255) == 255 else alpha > 0


def _with_alpha(mask: PictureMask, opaque: NDArray[np.bool_] | None) -> PictureMask:
    """The shape of the alpha where all colours are one. Raises :class:`UndecodableError` for colours that have another shape."""
    if opaque is None or opaque.shape != mask.values.shape[:2]:
        return mask
    if (mask.values == mask.values[:1, :1]).all():
        return PictureMask(opaque[..., None], (*mask.notes, OF_ALPHA))
    if (mask.values.any(axis=-1) != opaque).any():
        raise UndecodableError("its colours have another shape than its alpha: save it without alpha")
    return mask
