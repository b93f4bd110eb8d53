"""Georeferenced rasters (GeoTIFF, ENVI) through rasterio: any number of bands, read in windows.

Values stay as stored. A scale and offset that the file states are told and not applied, since published constants of satellite
data are those of digital numbers. The no-data value and the pixels outside the file's mask are left out.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError, reason_of
from tare.samples.decode import UndecodableError
from tare.samples.records import UNSTATED, Facts, Kept, Part, Record, Sample, Skipped, along_axes
from tare.sources.files.apart import channels_apart
from tare.sources.files.each import EachFile
from tare.sources.options import Options
from tare.system.local.beside import check_beside
from tare.system.local.opened import said
from tare.system.local.plain import plain_name
from tare.system.optional import require

#: Drivers by the ending of a file's name. Others, above all VRT, which names further files and addresses, are never used.
_DRIVERS = {".tif": "GTiff", ".tiff": "GTiff"}
_BESIDE = (".msk", ".aux.xml", ".hdr")
#: The names of a picture's bands, in its order.
_COLOURS = ("red", "green", "blue")
#: Values that are held at once, in bytes; a larger scene is read in windows.
_WINDOW_BYTES = 32 << 20
#: A larger scene whose file is this many times smaller is a decompression bomb or sparse.
_LARGE, _MOST_RATIO = 8 << 30, 10_000


@dataclass(frozen=True)
class Rasters(EachFile):
    """Rasters, each read with the files beside it in which GDAL keeps a mask, a no-data value and the header of ENVI."""

    def beside(self, chunk: tuple[str, ...]) -> Iterator[str]:
        """These files of each raster."""
        for file in chunk:
            yield from (f"{file}{ending}" for ending in _BESIDE)
            yield f"{os.path.splitext(file)[0]}.hdr"


def open_rasters(name: str, files: tuple[str, ...], options: Options) -> Rasters:
    """Open rasters; the first readable one names the bands. ``options.columns`` chooses bands by name or by number from 1.

    Raises :class:`DataError` for a chosen band that it does not have, and :class:`MissingDependencyError` without rasterio.
    """
    require("rasterio", extra="geo", purpose="georeferenced rasters")
    logging.getLogger("rasterio").addHandler(logging.NullHandler())  # it prints what is said in one line
    if options.channels != "stored":
        found = f"--channels {options.channels} for {name!r}"
        raise DataError(
            "a command that reads bands as stored",
            found,
            "choose bands in `tare measure` with --columns, in `tare transfer` with --bands",
        )
    for file in files:
        try:
            with _opened(file) as raster:
                names = tuple(band_names(raster)[k - 1] for k in _bands(raster, options, file))
            return Rasters(name, files, options, read_raster, names, channels_apart(files) if len(names) == 1 else ())
        except UndecodableError:
            continue
    return Rasters(name, files, options, read_raster)


def read_raster(place: str, options: Options) -> Iterator[Record]:
    """Read one raster: a :class:`Sample`, or parts of one if it is large or some of its values mean no data.

    Raises :class:`UndecodableError` if it is damaged, complex or a decompression bomb.
    """
    with _opened(place) as raster:
        bands = _bands(raster, options, place)
        facts = _facts(raster, bands)
        nodata = [raster.nodatavals[k - 1] for k in bands]
        masked = _is_masked(raster)
        notes = ("pixels outside the mask of the file left out",) if masked else ()
        whole = raster.width * raster.height * len(bands) * _itemsize(raster) <= _WINDOW_BYTES
        if whole and not masked and all(value is None for value in nodata):
            yield Sample(place, np.moveaxis(_read(raster, bands, None), 0, -1), None, notes, facts)
            return
        for window in (None,) if whole else windows(raster, len(bands)):
            values = _read(raster, bands, window)
            inside = raster.dataset_mask(window=window) != 0 if masked else None
            channels = tuple(_kept(band, value, inside) for band, value in zip(values, nodata, strict=True))
            number = values[0].size
            yield Kept(place, channels, None, notes, facts, number) if whole else Part(place, channels, notes, facts, number)


def read_tile(place: str, bands: Sequence[str] | None = None) -> NDArray[Any] | Skipped:
    """Read a whole raster ``(H, W, C)`` as a network takes it, with all bands or the chosen ``bands``, or say why it cannot.

    A network takes every pixel, so a raster with pixels that mean no data is left out, and so is a scene beyond 32 MiB of values.
    Without chosen bands three that are named red, green and blue are read in this order, as those of a picture.
    Raises :class:`MissingDependencyError` without rasterio.
    """
    require("rasterio", extra="geo", purpose="georeferenced rasters")
    logging.getLogger("rasterio").addHandler(logging.NullHandler())
    try:
        with _opened(place) as raster:
            chosen = _bands(raster, Options(columns=None if bands is None else tuple(bands)), place)
            if bands is None:
                chosen = _as_colours(raster, chosen)
            if raster.width * raster.height * len(chosen) * _itemsize(raster) > _WINDOW_BYTES:
                return Skipped(place, f"a scene of {raster.width} x {raster.height} pixels: cut it into tiles")
            values = np.moveaxis(_read(raster, chosen, None), 0, -1)
            missing = _share_missing(raster, chosen, values)
    except UndecodableError as error:
        return Skipped(place, str(error))
    except DataError as error:  # other bands than those of its neighbours
        return Skipped(place, f"expected {error.expected}, found {error.found}")
    if missing:
        return Skipped(place, f"{missing:.2%} of its values mean no data, and a network takes every pixel: fill or crop them")
    return np.ascontiguousarray(values)


def tile_facts(place: str, bands: Sequence[str] | None = None) -> Facts:
    """What a raster states of its spacing and of the scale of its bands; empty for one that cannot be read."""
    require("rasterio", extra="geo", purpose="georeferenced rasters")
    try:
        with _opened(place) as raster:
            return along_axes(_facts(raster, _bands(raster, Options(columns=None if bands is None else tuple(bands)), place)))
    except (UndecodableError, DataError):
        return ()


def tile_bands(place: str, bands: Sequence[str] | None = None) -> tuple[str, ...] | None:
    """The names of the bands that :func:`read_tile` reads; None for a raster that cannot be read.

    Raises :class:`DataError` for a band that it does not have, and :class:`MissingDependencyError` without rasterio.
    """
    require("rasterio", extra="geo", purpose="georeferenced rasters")
    try:
        with _opened(place) as raster:
            chosen = _bands(raster, Options(columns=None if bands is None else tuple(bands)), place)
            return tuple(band_names(raster)[k - 1] for k in chosen)
    except UndecodableError:
        return None


def raster_size(place: str) -> tuple[int, int]:
    """Width and height of a raster, without its values.

    Raises :class:`UndecodableError` for one that cannot be read, and :class:`MissingDependencyError` without rasterio.
    """
    require("rasterio", extra="geo", purpose="georeferenced rasters")
    with _opened(place) as raster:
        return int(raster.width), int(raster.height)


def is_no_picture(place: str) -> bool:
    """Whether a picture of the same file would have other values, as it has none that mean no data; False if it is damaged.

    A picture is inverted where 0 is white, spans the range of 8 bits from fewer, divides premultiplied colours by alpha, and has
    red, green and blue in the order in which they are stored.

    Raises :class:`MissingDependencyError` without rasterio.
    """
    return unlike_picture(place)[0]


def unlike_picture(place: str) -> tuple[bool, bool]:
    """Whether a picture of the same file would have other values, and whether its bands have other names than those of one.

    See :func:`is_no_picture` and :func:`are_of_picture`; both are False of a damaged file.
    """
    require("rasterio", extra="geo", purpose="georeferenced rasters")
    try:
        with _opened(place) as raster:
            told = _structure(raster)
            missing = any(value is not None for value in raster.nodatavals) or _is_masked(raster)
            names = [band_names(raster)[k - 1] for k in _bands(raster, Options(), place)]
    except UndecodableError:
        return False, False
    narrow = any(int(value) < 8 for key, value in told if key == "NBITS")
    colours = in_colour_order(names)
    other = missing or narrow or (colours is not None and colours != tuple(names))
    other = other or not told.isdisjoint((("MINISWHITE", "YES"), ("ALPHA", "PREMULTIPLIED")))
    return other, not are_of_picture(colours or names)


def are_of_picture(names: Sequence[str]) -> bool:
    """Whether bands are named as those of any picture: one alone, red, green, blue in this order, or three by their numbers."""
    said = [_plain(name) for name in names]
    return len(said) == 1 or said in ([*_COLOURS], [f"band {k}" for k in (1, 2, 3)])


def in_colour_order(names: Sequence[str]) -> tuple[str, ...] | None:
    """The names of three bands that are called red, green and blue, in this order; None for others."""
    said = {_plain(name): name for name in names}
    return tuple(said[colour] for colour in _COLOURS) if len(names) == len(said) == len({*said} & {*_COLOURS}) == 3 else None


def _plain(name: str) -> str:
    return name.lower().replace("_", " ")


def _as_colours(raster: Any, chosen: list[int]) -> list[int]:
    """The numbers of the bands, of three that are called red, green and blue in this order."""
    numbers = {band_names(raster)[k - 1]: k for k in chosen}
    colours = in_colour_order([*numbers])
    return chosen if colours is None else [numbers[name] for name in colours]


def _structure(raster: Any) -> set[tuple[str, str]]:
    """What GDAL says of how the values of the file and of its bands are stored, with the values of each key."""
    places = ((), *((k,) for k in range(1, raster.count + 1)))
    return {pair for place in places for pair in raster.tags(*place, ns="IMAGE_STRUCTURE").items()}


def _share_missing(raster: Any, bands: list[int], values: NDArray[Any]) -> float:
    """The share of values that mean no data or lie outside the mask."""
    inside = raster.dataset_mask() != 0 if _is_masked(raster) else None
    nodata = [raster.nodatavals[k - 1] for k in bands]
    kept = sum(_kept(values[..., c], each, inside).size for c, each in enumerate(nodata))
    return float(1 - kept / values.size)


def band_names(raster: Any) -> tuple[str, ...]:
    """The description of each band, else its colour, else its number from 1; distinct."""
    colours = [colour.name if colour.name in ("red", "green", "blue") else None for colour in raster.colorinterp]
    numbers = range(1, raster.count + 1)
    names = [
        str(stated or colour or f"band {k}") for stated, colour, k in zip(raster.descriptions, colours, numbers, strict=True)
    ]
    return tuple(names) if len({*names}) == len(names) else tuple(f"band {k}" for k in numbers)


def windows(raster: Any, bands: int) -> Iterator[Any]:
    """Windows along the raster's own blocks, each of at most 32 MiB of values (or one block)."""
    from rasterio.windows import Window

    high, wide = raster.block_shapes[0]
    most = max(1, _WINDOW_BYTES // (bands * _itemsize(raster) * high * wide))
    across = min(most, -(-raster.width // wide))
    width, height = across * wide, max(1, most // across) * high
    for top in range(0, raster.height, height):
        for left in range(0, raster.width, width):
            yield Window(left, top, min(width, raster.width - left), min(height, raster.height - top))


def _opened(place: str) -> Any:
    os.environ.setdefault("GDAL_CACHEMAX", "64")  # MiB; else its blocks take 5% of the memory, and each is used once
    import rasterio

    driver = _DRIVERS.get(os.path.splitext(place)[1].lower(), "ENVI")
    try:
        check_beside(place)
        # What a file beside it names is never fetched.
        with (
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="TRUE", CPL_VSIL_CURL_ALLOWED_EXTENSIONS=".none"),
            plain_name(place) as plain,
        ):
            raster = rasterio.open(plain, driver=driver)
    except OSError as error:
        raise UndecodableError(f"no such file, or not a regular one: {said(error)}") from None
    except rasterio.errors.RasterioError as error:
        raise UndecodableError(f"a raster that rasterio cannot open: {reason_of(error)}") from None
    try:
        _check(raster, place)
    except UndecodableError:
        raster.close()
        raise
    except Exception as error:  # GDAL's errors reach Python by the next call, as classes of their own
        raster.close()
        raise UndecodableError(f"damaged: {reason_of(error)}") from None
    return raster


def _check(raster: Any, place: str) -> None:
    kinds = {np.dtype(kind).kind if "complex" not in kind else "c" for kind in raster.dtypes}
    if kinds & {"c"}:
        raise UndecodableError("complex values: measure their magnitude or intensity instead")
    if len({*raster.dtypes}) > 1:
        raise UndecodableError(f"bands of different types: {', '.join(sorted({*raster.dtypes}))}")
    if "palette" in [colour.name for colour in raster.colorinterp]:
        raise UndecodableError(
            "places in a palette of colours, which are no measured values: convert it, for example with pct2rgb"
        )
    claimed = raster.width * raster.height * raster.count * _itemsize(raster)
    size = os.stat(place).st_size
    if raster.driver == "ENVI":
        if claimed > size:
            raise UndecodableError(f"cut short: the header claims {claimed} bytes and the file has {size}")
        return
    if claimed > _LARGE and claimed > _MOST_RATIO * size:
        raise UndecodableError(f"the header claims {claimed} bytes of values in a file of {size}: a decompression bomb, or empty")
    if len(raster.subdatasets) > 1:
        raise UndecodableError(f"a TIFF of {len(raster.subdatasets)} pages, of which one would be read: write one file for each")


def _bands(raster: Any, options: Options, place: str) -> list[int]:
    """The numbers of the bands to read, without alpha; those that the options name, in their order."""
    from rasterio.enums import ColorInterp

    if options.columns is None:
        return [k for k, colour in enumerate(raster.colorinterp, 1) if colour != ColorInterp.alpha]
    names = band_names(raster)
    numbers = {**{str(k): k for k in range(1, raster.count + 1)}, **{band: k for k, band in enumerate(names, 1)}}
    missing = [column for column in options.columns if column not in numbers]
    if missing:
        raise DataError(f"one of the bands {', '.join(names)}", f"{missing[0]!r} for {place!r}", "choose among them")
    return [numbers[column] for column in options.columns]


def _read(raster: Any, bands: list[int], window: Any) -> NDArray[Any]:
    import rasterio

    try:
        values = raster.read(bands, window=window)
    except rasterio.errors.RasterioError as error:
        raise UndecodableError(f"damaged: {reason_of(error.__cause__ or error)}") from None
    return np.asarray(values)


def _kept(band: NDArray[Any], nodata: float | None, inside: NDArray[np.bool_] | None) -> NDArray[Any]:
    keep = np.ones(band.shape, bool) if inside is None else inside
    if nodata is not None and isnan(nodata):
        keep = keep & ~np.isnan(band)
    elif nodata is not None:
        with np.errstate(over="ignore"):
            keep = keep & (band != (band.dtype.type(nodata) if band.dtype.kind == "f" else nodata))
    return np.asarray(band[keep] if inside is not None or nodata is not None else band.ravel())


def _is_masked(raster: Any) -> bool:
    from rasterio.enums import MaskFlags

    return any(MaskFlags.per_dataset in flags for flags in raster.mask_flag_enums)


def _itemsize(raster: Any) -> int:
    return int(np.dtype(raster.dtypes[0]).itemsize)


def _facts(raster: Any, bands: list[int]) -> Facts:
    scales = sorted({(raster.scales[k - 1], raster.offsets[k - 1] + 0.0) for k in bands})  # no -0
    scaled = scales != [(1.0, 0.0)]
    facts = [("units", "digital numbers" if scaled else _units(raster, bands)), ("spacing", _spacing(raster))]
    stated = ", ".join(f"{scale:g} v + {offset:g}" for scale, offset in scales)
    white = "0 is white, not inverted" if ("MINISWHITE", "YES") in _structure(raster) else UNSTATED
    facts.append(("scale", f"{stated} stated for a raw value v, not applied" if scaled else white))
    numbers = sorted({str(float(value)) for k in bands if (value := raster.nodatavals[k - 1]) is not None})
    names = band_names(raster)
    return (*facts, ("nodata", " ".join(numbers) or UNSTATED), ("bands", ", ".join(names[k - 1] for k in bands)))


def _units(raster: Any, bands: list[int]) -> str:
    units = {raster.units[k - 1] or UNSTATED for k in bands}
    return str(units.pop()) if len(units) == 1 else UNSTATED


def _spacing(raster: Any) -> str:
    if raster.transform.is_identity:
        return UNSTATED
    unit = "unknown units"
    if raster.crs is not None:
        unit = "degree" if raster.crs.is_geographic else str(raster.crs.linear_units)
    return f"{raster.res[1]:.4g} x {raster.res[0]:.4g} {unit}"
