"""Masks of DICOM slices: a DICOM file each, of the same size, whose stored values other than 0 are inside."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tare.samples.decode import UndecodableError
from tare.samples.records import Skipped
from tare.sources.files.masks import found_of, is_mask, mask_places, names_below
from tare.sources.files.picture_masks import OUTSIDE, PictureMask, cut
from tare.sources.volumes.dicom_header import Slice, is_lossy, read_slice, stored_values

#: Endings of the slices and of their masks.
ENDINGS = (".dcm", ".DCM", ".dicom", ".ima", ".IMA")


class Inside(NamedTuple):
    """Where a frame of a mask is inside, as a flat array, and notes on it."""

    kept: NDArray[np.bool_]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Masks:
    """The folder of the masks, or the ending of their names, for slices below ``root``."""

    place: str
    root: str

    def of(self, each: Slice) -> list[Inside]:
        """Where the mask of a slice is not 0, of each frame; one frame holds for all.

        Raises :class:`UndecodableError` if there is no mask, or it has another size than its slice.
        """
        name = os.path.split(each.path)[1]
        places = self.places(each.path)
        found = found_of(places)
        if found is None:
            raise UndecodableError(f"{name!r}: no mask {places[0]!r}")
        mask = read_slice(found)
        if isinstance(mask, Skipped):
            raise UndecodableError(f"the mask {found!r}: {mask.reason}")
        if mask.shape != each.shape:
            raise UndecodableError(f"its mask {found!r} has {mask.shape[0]} x {mask.shape[1]} pixels, and {name!r} others")
        is_spread = is_lossy(found)
        try:
            return [_inside(frame, is_spread) for frame in stored_values(mask)]
        except UndecodableError as error:
            raise UndecodableError(f"its mask {found!r}: {error}") from None

    def places(self, path: str) -> list[str]:
        """Where the mask of a slice may be."""
        return [*self._same_name(path), *mask_places(path, self.place, self.root, ENDINGS)]

    def _same_name(self, path: str) -> list[str]:
        """The slice's own name in the folder of masks: most slices have no ending."""
        if not Path(self.place).is_dir():
            return []
        return [os.path.join(self.place, name) for name in names_below(path, self.place, self.root)]


def belongs_to_masks(path: str, masks: str) -> bool:
    """Whether a file is a mask by its ending, or lies in the folder of masks."""
    return is_mask(path, masks) or (Path(masks).is_dir() and Path(masks).resolve() in Path(path).resolve().parents)


def _inside(frame: NDArray[Any], is_spread: bool) -> Inside:
    values = frame[..., None] if frame.ndim == 2 else frame
    mask = cut(PictureMask(values)) if is_spread else PictureMask(values)
    kept = np.asarray(mask.values.any(axis=-1).ravel())
    return Inside(kept, (*mask.notes, *(() if kept.all() else (OUTSIDE,))))
