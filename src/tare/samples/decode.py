"""Decode the bytes of an image file to raw values, by content rather than by name.

simplejpeg (libjpeg-turbo, the fastest decoder measured) decodes JPEG, Pillow all other formats. Grey stays one channel unless
colour is asked for. Alpha is dropped, or composited over a background. A palette becomes its colours, CMYK becomes RGB, and
16 bits stay 16 bits. Of an animation the first frame is read, unless each frame is stated to be a sample or a channel; a TIFF of
several pages is refused unless that is stated.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import reason_of
from tare.samples import jpeg, tiff
from tare.samples.codecs import netpbm, tiff_values
from tare.samples.modes import ColourMode, PageMode
from tare.samples.newer import SUFFIXES as NEWER_SUFFIXES
from tare.samples.newer import deep_bits, jp2_bits, jxl_size, newer_format, prepare, read_deep_coded, read_jxl, unshifted
from tare.samples.sixteen_bit import UnsupportedError, grey_of, is_deep_png, is_deep_tiff, read_deep
from tare.samples.transparency import Background, composited, described

#: Decoding refuses larger images; Pillow warns of a decompression bomb at the same limit.
MAX_PIXELS = 178_956_970

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)

SUFFIXES = (
    frozenset(
        (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
    )
    | NEWER_SUFFIXES
)

_EXIF_ORIENTATION = 0x0112

_FRAMES = "first of several frames read"
_PRIMARY = "primary one of several images read"
_BEYOND = "bands beyond RGB or grey left out"
_AS_RASTER = "name its folder, or the file itself, so that it is read as a raster"
_TURNED, _NOT_TURNED = "turned as EXIF states", "EXIF orientation not applied"
_STRAY = "stray bytes in a JPEG passed over"

_NETPBM = (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")


class UndecodableError(Exception):
    """The bytes are not a readable image; the message is the reason, in one line."""


class _UnidentifiedError(UndecodableError):
    """Pillow does not recognise the file."""


def image_format(head: bytes) -> str | None:
    """Name the image format that the first bytes of a file announce, or None."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:2] in _NETPBM and head[2:3] in b" \t\r\n#":
        return "PNM"
    return newer_format(head)


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Raw values ``(H, W, C)``, and notes for the user on what decoding left out or converted.

    With ``several`` the values are ``(N, H, W, C)``, the pages of one file as N samples.
    """

    values: NDArray[Any]
    notes: tuple[str, ...] = ()
    several: bool = False


def decode_noted(
    data: bytes | memoryview,
    colour: ColourMode = "stored",
    *,
    turned: bool | None = None,
    background: Background | None = None,
    pages: PageMode | None = None,
) -> Decoded:
    """Decode to raw values ``(H, W, C)``, with notes on what was left out or converted.

    Values are uint8, or uint16 or float32 if the file stores those. Pixels come as stored; ``turned`` rotates them as EXIF
    states (:func:`upright`), and False notes what it states; None does not look. With a ``background`` alpha is composited
    over it, else dropped. ``pages`` says whether each page of a TIFF, or frame of an animation, is a sample or a channel.

    Raises :class:`UndecodableError` unless the bytes are a complete, readable image of at most ``MAX_PIXELS``.
    """
    if not data:
        raise UndecodableError("the file is empty")
    head = bytes(data[:16])
    kind = image_format(head)
    if kind is None:
        raise UndecodableError(f"not an image: it begins with {head[:8]!r}")
    jpeg_file = kind == "JPEG"
    decoded = _decode_jpeg(data, colour) if jpeg_file else _decode_pages(bytes(data), kind, colour, background, pages)
    return decoded if turned is None or decoded.several else _oriented(decoded, orientation(data), turned)


def _oriented(decoded: Decoded, stated: int, turned: bool) -> Decoded:
    """The pixels turned as stated, or not, with a note if that makes a difference."""
    if stated == 1:
        return decoded
    note = _TURNED if turned else _NOT_TURNED
    return replace(decoded, values=upright(decoded.values, stated) if turned else decoded.values, notes=(*decoded.notes, note))


def orientation(data: bytes | memoryview) -> int:
    """EXIF orientation of an encoded image, 1 to 8; 1 (as stored) if the file states none. Of a TIFF it is the first page's."""
    from PIL import Image

    if image_format(bytes(data[:16])) == "TIFF":  # Pillow does not open all of them
        return next((page.orientation for page in tiff.pages_of(data)), 1)
    try:
        with Image.open(io.BytesIO(data)) as image:
            stated = image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # Pillow raises many kinds of errors for a damaged EXIF block
        return 1
    return stated if isinstance(stated, int) and 1 <= stated <= 8 else 1


def upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Rotate and flip pixels ``(H, W, C)`` as an EXIF orientation states; needed before a crop, not for pooled statistics."""
    turned = values.swapaxes(0, 1) if orientation in (5, 6, 7, 8) else values
    vertical, horizontal = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return turned[:: -1 if vertical else 1, :: -1 if horizontal else 1]


def _decode_jpeg(data: bytes | memoryview, colour: ColourMode) -> Decoded:
    try:
        frame = jpeg.frame_of(data)
        _check_size(frame.width, frame.height)
        if frame.components not in (1, 3):
            return _decode_other(bytes(data), "JPEG", colour)
        values, stray = jpeg.decode(data, frame, grey=frame.components == 1)
        if colour == "grey" and frame.components == 3:  # of its colours, as of any other file's; the stored luma is another
            values = _grey(values)
        if colour == "rgb" and frame.components == 1:
            values = np.repeat(values, 3, axis=-1)
        return Decoded(values, (_STRAY,) if stray else ())
    except ValueError as error:
        raise UndecodableError(f"damaged JPEG: {_one_line(error)}") from None


def _grey(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.fromarray(values).convert("L"))[..., None]


def _decode_pages(data: bytes, kind: str, colour: ColourMode, background: Background | None, pages: PageMode | None) -> Decoded:
    """Decode a file that may hold several pages or frames: one of them, or all as samples or as channels."""
    stated = tiff.pages_of(data) if kind == "TIFF" else ()
    if (planes := tiff.planes_of(stated)) > len(stated):
        raise UndecodableError(
            f"a TIFF of {planes} planes, of which {len(stated)} can be read: write it again with all its pages"
        )
    if kind == "TIFF" and len(stated) > 1 and pages is None:
        raise UndecodableError(
            f"a TIFF of {len(stated)} pages: state --pages samples if each is a sample, --pages channels if each is a channel; "
            "a command without --pages takes files of one page"
        )
    places = [page.index for page in stated] if stated else [None] if pages is None else range(_frames(data))
    read = [_decode_page(data, kind, colour, background, place, stated[k] if stated else None) for k, place in enumerate(places)]
    if len(read) == 1:
        return read[0]
    shapes = {(page.values.shape, page.values.dtype.name) for page in read}
    if len(shapes) > 1:
        raise UndecodableError(f"a {kind} of {len(read)} pages that differ in size or kind: split it into files")
    notes = tuple(dict.fromkeys(note for page in read for note in page.notes if note not in (_FRAMES, _PRIMARY)))
    values = [page.values for page in read]
    if pages == "channels":
        return Decoded(np.concatenate(values, axis=-1), notes)
    return Decoded(np.stack(values), notes, several=True)


def _frames(data: bytes) -> int:
    """Number of frames that Pillow finds; 1 for a file that it cannot open, whose decoding says why."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception:  # Pillow's plugins raise many kinds of errors
        return 1


def _decode_page(
    data: bytes, kind: str, colour: ColourMode, background: Background | None, place: int | None, page: tiff.Page | None
) -> Decoded:
    if page is None:
        return _decode_other(data, kind, colour, background, place)
    try:
        tiff_values.check_meaning(page)
    except UnsupportedError as error:
        raise UndecodableError(f"a TIFF of {error}") from None
    if page.masked:
        raise UndecodableError(f"a TIFF whose mask hides values: {_AS_RASTER}")
    decoded = _decode_tiff(data, kind, colour, background, place, page)
    if page.nodata is not None and (not tiff_values.are_stored(page) or (decoded.values == page.nodata).any()):
        raise UndecodableError(f"a TIFF whose value {page.nodata:g} means no data: {_AS_RASTER}")
    return decoded


def _decode_tiff(
    data: bytes, kind: str, colour: ColourMode, background: Background | None, place: int | None, page: tiff.Page
) -> Decoded:
    if (not page.further or colour != "stored") and tiff_values.pillow_reads(page):
        try:
            decoded = _decode_other(data, kind, colour, background, place)
            return replace(decoded, notes=(*decoded.notes, _BEYOND)) if page.further else decoded
        except _UnidentifiedError:  # Pillow lacks this kind of TIFF; the directories are whole
            pass
    try:
        return _of_page(data, page, colour, background)
    except UnsupportedError as error:
        raise UndecodableError(f"a TIFF of {error}") from None
    except Exception as error:  # tifffile and its codecs raise many kinds of errors
        raise UndecodableError(f"a TIFF of {page.bands} bands that tifffile cannot read: {_one_line(error)}") from None


def _of_page(data: bytes, page: tiff.Page, colour: ColourMode, background: Background | None) -> Decoded:
    """A page through tifffile: its grey or colours, with alpha dropped or composited, or all its bands."""
    values, notes = tiff_values.read_page(data, page)
    if not page.further:
        decoded = _of_values(values, colour, background)
        return replace(decoded, notes=(*decoded.notes, *notes))
    wanted = {"rgb": 3, "grey": 1}.get(colour, page.bands)
    if page.photometric == 2 and colour != "stored":
        return replace(_of_values(values[..., :3], colour, None), notes=(_BEYOND,))
    if page.bands not in (wanted, 1):
        raise UnsupportedError(f"{page.bands} bands, which cannot be read as {colour}")
    return Decoded(np.repeat(values, wanted, axis=-1) if page.bands < wanted else values)


def _decode_other(
    data: bytes, kind: str, colour: ColourMode, background: Background | None = None, place: int | None = None
) -> Decoded:
    from PIL import Image, UnidentifiedImageError

    try:
        if kind == "JPEG XL":
            _check_size(*jxl_size(data))
            return _of_values(read_jxl(data), colour, background)
        if kind == "PNM":
            return _decode_netpbm(data, colour)
        prepare(kind)
        with Image.open(io.BytesIO(data)) as image:
            if place is not None:
                image.seek(place)
            return _with_pillow(image, data, kind, colour, background, place)
    except UndecodableError:
        raise
    except UnsupportedError as error:
        raise UndecodableError(f"a {kind} with {error}") from None
    except UnidentifiedImageError:  # its own message names a memory address, and a reason must be the same in every run
        raise _UnidentifiedError(f"damaged {kind}: its header cannot be read") from None
    except Exception as error:  # Pillow's plugins raise OSError, SyntaxError, struct.error, ValueError and more
        raise UndecodableError(f"damaged {kind}: {_one_line(error)}") from None


def _with_pillow(
    image: Any, data: bytes, kind: str, colour: ColourMode, background: Background | None, place: int | None
) -> Decoded:
    """The pixels of a file that Pillow has opened, with the bits that Pillow would cut or shift as the file states them."""
    _leave_as_stored(image)
    _scale_transparent_level(image, data)
    _check_size(*image.size)
    bits = jp2_bits(data) if kind == "JPEG 2000" else None
    if (deep := deep_bits(data, kind)) > 8:
        decoded = _of_values(read_deep_coded(data, kind, deep, place), colour, background)
        return replace(decoded, notes=(*_of_several(image), *decoded.notes))
    if is_deep_png(data) if kind == "PNG" else is_deep_tiff(image):
        return _decode_deep(image, data, colour, background, place)
    flat = image if background is None or not _has_alpha(image) else _flattened(image, background)
    return Decoded(unshifted(_pixels(flat, colour), bits), _notes(image, background))


def _leave_as_stored(image: Any) -> None:
    """Keep Pillow from turning the pixels of a TIFF as its tag states, which it does for this format alone."""
    if image.format == "TIFF" and image.tag_v2.get(_EXIF_ORIENTATION, 1) != 1:
        image.getexif().pop(_EXIF_ORIENTATION, None)
        image._size = image.tag_v2[256], image.tag_v2[257]  # newer releases exchange both where a turn is stated


def _scale_transparent_level(image: Any, data: bytes) -> None:
    """Bring the transparent level of a PNG of 2 or 4 bits of grey to the levels that Pillow scales its pixels to."""
    level = image.info.get("transparency")
    if image.format == "PNG" and isinstance(level, int) and data[25] == 0 and data[24] in (2, 4):
        image.info["transparency"] = level * (255 // ((1 << data[24]) - 1))


def _decode_netpbm(data: bytes, colour: ColourMode) -> Decoded:
    header = netpbm.header_of(data)
    _check_size(header.width, header.height)
    values, more = netpbm.read(data, header)
    most = int(np.iinfo(values.dtype).max)
    scaled = (f"levels of 0..{header.largest} on the range of 0..{most}",) if header.largest not in (1, most) else ()
    decoded = _of_values(values, colour, None)
    return replace(decoded, notes=(*scaled, *((_FRAMES,) if more else ())))


def of_pillow(
    image: Any, colour: ColourMode = "stored", background: Background | None = None, turned: bool | None = None
) -> Decoded:
    """The pixels of an image that Pillow has opened or made, with the same conversions and notes as those of a file.

    Raises :class:`UndecodableError` if it is lazy and cannot be read.
    """
    try:
        notes = _notes(image, background)
        flat = image if background is None or not _has_alpha(image) else _flattened(image, background)
        decoded = Decoded(_pixels(flat, colour), notes)
        stated = image.getexif().get(_EXIF_ORIENTATION, 1) if turned is not None else 1
    except UnsupportedError as error:
        raise UndecodableError(f"an image with {error}") from None
    except Exception as error:  # Pillow's plugins raise errors of many kinds
        raise UndecodableError(f"an image that Pillow cannot read: {_one_line(error)}") from None
    return _oriented(decoded, stated if stated in range(1, 9) else 1, turned is True)


def _decode_deep(image: Any, data: bytes, colour: ColourMode, background: Background | None, place: int | None) -> Decoded:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as reopened:
        if place is not None:
            reopened.seek(place)
        _leave_as_stored(reopened)
        values = read_deep(image, reopened)
    level = image.info.get("transparency")
    if values.shape[-1] == 3 and isinstance(level, tuple):
        alpha = np.where((values == level).all(axis=-1, keepdims=True), 0, 65535).astype(np.uint16)
        values = np.concatenate([values, alpha], axis=-1)
    return _of_values(values, colour, background)


def _of_values(values: NDArray[Any], colour: ColourMode, background: Background | None) -> Decoded:
    """Decoded pixels ``(H, W, C)``, of which the last may be alpha, in the colours that are asked for."""
    colours = 1 if values.shape[-1] < 3 else 3
    notes = (described(background),) if colours < values.shape[-1] else ()
    if background is not None and notes and values.dtype.kind == "f":
        raise UnsupportedError("a transparent level in floats, which cannot be composited")
    values = values[..., :colours] if background is None or not notes else composited(values, background)
    if colour == "grey" and colours == 3:
        values = grey_of(values)
    if colour == "rgb" and colours == 1:
        values = np.repeat(values, 3, axis=-1)
    return Decoded(values, notes)


def _notes(image: Any, background: Background | None) -> tuple[str, ...]:
    alpha = (described(background),) if _has_alpha(image) else ()
    further = (_BEYOND,) if image.mode == "RGBX" else ()
    premultiplied = (tiff_values.DIVIDED,) if image.mode in ("RGBa", "La") else ()
    converted = (f"{image.mode} converted to RGB",) if image.mode in ("CMYK", "YCbCr", "HSV") else ()
    return _of_several(image) + alpha + further + premultiplied + converted


def _of_several(image: Any) -> tuple[str, ...]:
    """A note if the file holds more: frames of an animation, of which Pillow opens the first, or a HEIC's images, the primary."""
    if not getattr(image, "is_animated", False) or image.format == "TIFF":
        return ()
    return (_PRIMARY,) if image.format == "HEIF" else (_FRAMES,)


def _has_alpha(image: Any) -> bool:
    if image.mode == "P" and image.palette is not None and image.palette.mode.endswith("A"):
        return True
    return image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info


def _flattened(image: Any, background: Background) -> Any:
    from PIL import Image

    if image.mode == "F" or image.mode.startswith("I"):
        raise UnsupportedError("a transparent level in deep grey, which cannot be composited")
    grey = image.mode in ("1", "L", "LA", "La")
    if image.mode == "1" and isinstance(level := image.info.get("transparency"), int):  # releases of Pillow count it differently
        image = image.convert("L")
        image.info["transparency"] = 255 * bool(level)
    straight = image.convert("LA" if grey else "RGBA")
    values = composited(np.asarray(straight), background)
    return Image.fromarray(values[..., 0] if grey else values)


def _pixels(image: Any, colour: ColourMode) -> NDArray[Any]:
    mode = image.mode
    if mode == "F" or mode.startswith("I"):
        values = _deep_grey(np.asarray(image), image.format)
        return np.repeat(values, 3, axis=-1) if colour == "rgb" else values
    if mode not in _MODES:
        raise UnsupportedError(f"the mode {mode!r} of Pillow, which is neither grey nor a colour known here")
    grey = mode in ("1", "L", "LA", "La")
    # Premultiplied modes convert to straight ones alone, and Pillow warns of a palette whose alpha is left out.
    flat = image.convert("LA" if grey else "RGBA") if mode in ("La", "RGBa", "P", "PA") else image
    wants_grey = colour == "grey" or (colour == "stored" and grey)
    values = np.asarray(flat.convert("L" if wants_grey else "RGB"))
    return values[..., None] if wants_grey else values


#: Pillow's modes of grey and colour, beside those of deep grey.
_MODES = frozenset(("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"))
#: Formats whose wide grey has 16 bits, whatever Pillow widens it to.
_SIXTEEN = frozenset(("PNG", "PPM", "JPEG2000"))


def _deep_grey(values: NDArray[Any], kind: str | None) -> NDArray[Any]:
    """Grey of more than 8 bits: uint16 where the mode or the format has 16 bits, else float; never by what one image holds."""
    if values.dtype.kind == "f":
        return values[..., None]
    sixteen = values.dtype.itemsize == 2 or kind in _SIXTEEN
    return values.astype(np.uint16 if sixteen else np.float64)[..., None]


def _check_size(width: int, height: int) -> None:
    if width <= 0 or height <= 0:
        raise UndecodableError(f"the header claims {width} x {height} pixels")
    if width * height > MAX_PIXELS:
        raise UndecodableError(f"the header claims {width} x {height} pixels, more than the limit of {MAX_PIXELS}")


def _one_line(error: Exception) -> str:
    text = reason_of(error, None) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
