"""NIfTI volumes through nibabel: one volume a sample, slope and intercept applied, read in slabs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError, reason_of
from tare.samples.decode import UndecodableError
from tare.samples.records import UNSTATED, Facts, Part, Record, Skipped, along_axes
from tare.sources.files.apart import channels_apart
from tare.sources.files.each import EachFile
from tare.sources.files.masks import VOLUMES, check_named, check_own_masks, found_of, has_areas, inside, is_mask, mask_places
from tare.sources.files.picture_masks import MASK_LEVELS, OUTSIDE, SOFT, is_soft
from tare.sources.options import Options
from tare.system.local.opened import regular
from tare.system.optional import require

#: Values that are held at once, in bytes of float64, and the largest slice that is believed.
_SLAB_BYTES, _MOST_BYTES = 32 << 20, 1 << 30
#: Voxels that a mask may lie away from its volume: tools round the affines that they write.
_MOST_AWAY = 0.1
#: Values of a volume that tell whether it is a mask, and the most labels of one: FreeSurfer names about a hundred regions.
_VALUES_LOOKED_AT, _MOST_LABELS = 1 << 20, 128
_LAYOUTS = {3: "HWD", 4: "HWDC"}


@dataclass(frozen=True)
class Volumes(EachFile):
    """NIfTI files; a mask is read slab by slab beside its volume."""

    applies_mask = True

    def _read(self, file: str) -> Iterator[Record]:
        if self.options.mask is None:
            return super()._read(file)
        if is_mask(file, self.options.mask):
            return iter((Skipped(file, "a mask", foreign=True),))
        places = mask_places(file, self.options.mask, self.name, VOLUMES)
        found = found_of(places)
        if found is None:
            return iter((Skipped(file, f"no mask {places[0]!r}"),))
        return self._read_with(file, replace(self.options, mask=found))

    def beside(self, chunk: tuple[str, ...]) -> Iterator[str]:
        """The mask of each volume."""
        if self.options.mask is not None:
            for file in chunk:
                places = mask_places(file, self.options.mask, self.name, VOLUMES)
                yield found_of(places) or places[0]


def open_volumes(name: str, files: tuple[str, ...], options: Options) -> Volumes:
    """Open NIfTI files. Raises :class:`DataError` for a layout that no volume has, and without nibabel its own error."""
    require("nibabel", extra="medical", purpose="NIfTI volumes")
    if options.layout is not None and options.layout.upper() not in _LAYOUTS.values():
        raise DataError("the layout HWD or, with timepoints as channels, HWDC", f"{options.layout!r}", "correct --layout")
    if options.mask is None:
        remedy = "take the masks out, name the volumes by a pattern, or measure only the foreground with --mask"
        check_named(name, files, _is_drawn, remedy)
    elif os.path.isdir(options.mask) and not os.path.isdir(name):  # noqa: PTH112
        check_own_masks(lambda: files, VOLUMES, lambda file: mask_places(file, str(options.mask), name, VOLUMES))
    masked = () if options.mask is None else (f"only values where the mask ({options.mask}) is not 0",)
    return Volumes(name, files, options, read_volume, None, (*masked, *channels_apart(files, numbered=True)))


def _is_drawn(place: str) -> bool:
    """Whether a volume has few whole values, as masks have, or areas of them; slices in the middle are looked at."""
    try:
        image = _loaded(place)
        shape = _shape(image, Options(layout="HWDC"))
        middle = shape[2] // 2
        values = _block(image, shape, middle, min(shape[2], middle + max(1, _VALUES_LOOKED_AT // prod(shape[:2]))))
    except UndecodableError:
        return False
    whole = bool((values == np.rint(values)).all())
    return whole and (len(np.unique(values)) <= MASK_LEVELS or has_areas(values.reshape(shape[0], -1, 1), _MOST_LABELS))


def read_volume(place: str, options: Options) -> Iterator[Record]:
    """Read one volume in slabs along its third axis; ``options.mask`` is the file of its mask.

    Raises :class:`UndecodableError` for a fourth axis whose meaning is not stated, colours, a damaged file, or a mask of
    another size or at another place.
    """
    image = _loaded(place)
    shape = _shape(image, options)
    mask = None if options.mask is None else _mask(options.mask, shape[:3], image)
    facts = _facts(image)
    step = max(1, _SLAB_BYTES // max(1, 8 * shape[0] * shape[1] * shape[3]))
    for start in range(0, shape[2], step):
        block = _block(image, shape, start, min(start + step, shape[2]))
        where = None if mask is None else _block(mask, shape[:3], start, min(start + step, shape[2]))[..., 0]
        kept, notes = (None, ()) if where is None else _inside(where)
        channels = (block[..., c] for c in range(shape[3]))
        # A file's own order is the first axis fastest; the order of values in a sum does not matter.
        shown = tuple(c.ravel(order="K") if kept is None else c[kept] for c in channels)
        yield Part(place, shown, notes, facts, block[..., 0].size)


def _inside(mask: NDArray[Any]) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Where slices of a mask are inside, and the notes on them."""
    kept = inside(mask)
    return kept, (*((SOFT,) if is_soft(mask) else ()), *(() if kept.all() else (OUTSIDE,)))


def whole_volume(place: str) -> NDArray[Any] | Skipped:
    """One volume ``(X, Y, Z, C)`` in the stored type, or as floats where a slope applies; or why it cannot be held at once."""
    require("nibabel", extra="medical", purpose="NIfTI volumes")
    try:
        image = _loaded(place)
        shape = _shape(image, Options())
        if 8 * prod(shape) > _MOST_BYTES:
            return Skipped(place, f"the header claims {' x '.join(map(str, shape[:3]))} values: too many to be held at once")
        return np.ascontiguousarray(_block(image, shape, 0, shape[2]))
    except UndecodableError as error:
        return Skipped(place, str(error))


def volume_facts(place: str) -> Facts:
    """What the header states of the axes of a volume, as :func:`read_volume` gives it; empty for a damaged file."""
    require("nibabel", extra="medical", purpose="NIfTI volumes")
    try:
        return along_axes(_facts(_loaded(place)))
    except UndecodableError:
        return ()


def _loaded(place: str) -> Any:
    import nibabel

    try:
        regular(place)
        image = nibabel.load(Path(place).absolute(), mmap=False, keep_file_open=True)
    except Exception as error:  # nibabel raises errors of many kinds for a damaged header
        raise UndecodableError(f"damaged: {reason_of(error)}") from None
    if np.dtype(image.get_data_dtype()).kind not in "iufb":
        raise UndecodableError(f"values of {np.dtype(image.get_data_dtype())}, which are not real numbers")
    return image


def _shape(image: Any, options: Options) -> tuple[int, int, int, int]:
    shape = tuple(int(length) for length in image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if min(shape, default=0) < 1:
        raise UndecodableError(f"the header claims the shape {shape}")
    if len(shape) == 2:
        shape = (*shape, 1)
    if len(shape) == 4 and (options.layout or "").upper() != "HWDC":
        raise UndecodableError(
            f"4 axes {shape}: state --layout HWDC if each entry of the last is a channel, or split it into volumes"
        )
    if len(shape) not in (3, 4):
        raise UndecodableError(f"{len(shape)} axes {shape}, where a volume has 3")
    if 8 * shape[0] * shape[1] * (shape[3] if len(shape) == 4 else 1) > _MOST_BYTES:
        raise UndecodableError(f"the header claims slices of {shape[0]} x {shape[1]} values")
    return (*shape, 1) if len(shape) == 3 else shape  # type: ignore[return-value]


def _block(image: Any, shape: tuple[int, ...], start: int, stop: int) -> NDArray[Any]:
    """Slices ``start`` to ``stop - 1`` as ``(X, Y, slices, C)``, in the stored type unless a slope or intercept applies."""
    try:
        stored = image.dataobj if len(image.shape) > 2 else np.asanyarray(image.dataobj)[..., None]
        values = np.asanyarray(stored[:, :, start:stop])
    except Exception as error:  # zlib, OSError and ValueError, by the way in which the file is cut short
        raise UndecodableError(f"damaged: {reason_of(error)}") from None
    channels = shape[3] if len(shape) == 4 else 1
    if values.size != prod(shape[:2]) * (stop - start) * channels:
        raise UndecodableError(f"damaged: {values.size} values in slices {start} to {stop}")
    return np.asarray(values.reshape((*shape[:2], stop - start, channels), order="F"))


def _mask(place: str, shape: tuple[int, ...], image: Any) -> Any:
    mask = _loaded(place)
    if _shape(mask, Options())[:3] != shape:
        raise UndecodableError(f"its mask {place!r} has {mask.shape} values instead of {shape}")
    if (away := _distance(image, mask, shape)) > _MOST_AWAY:
        found = f"its mask {place!r} lies elsewhere by its affine, up to {away:.3g} voxels away"
        raise UndecodableError(f"{found}: resample it to the volume, or give it the volume's affine")
    return mask


def _distance(image: Any, mask: Any, shape: tuple[int, ...]) -> float:
    """How many voxels a corner of the mask lies away from that of the image; 0 where a file states no place in space."""
    if not all(_is_placed(each) for each in (image, mask)):
        return 0.0
    corners = np.array([[*corner, 1] for corner in product(*((0, length - 1) for length in shape))], np.float64).T
    try:
        moved = np.linalg.solve(image.affine, mask.affine @ corners)
    except np.linalg.LinAlgError:  # an affine without an inverse places nothing
        return 0.0
    return float(np.abs(moved - corners).max())


def _is_placed(image: Any) -> bool:
    """Whether the codes of the header say that the affine means a place."""
    codes = [image.header.get(name, 0) for name in ("sform_code", "qform_code")]
    return any(int(code) > 0 for code in codes)


def _facts(image: Any) -> Facts:
    zooms = image.header.get_zooms()[:3]
    unit = image.header.get_xyzt_units()[0] if hasattr(image.header, "get_xyzt_units") else "unknown"
    spacing = " x ".join(f"{zoom:.4g}" for zoom in zooms) + f" {'unknown units' if unit == 'unknown' else unit}"
    axes = _axes(image) if _is_placed(image) else None
    return ("units", UNSTATED), ("spacing", spacing), *(() if axes is None else (("orientation", axes),))


def _axes(image: Any) -> str | None:
    import nibabel

    try:
        return "".join(code or "?" for code in nibabel.aff2axcodes(image.affine))
    except (AttributeError, ValueError, np.linalg.LinAlgError):
        return None
