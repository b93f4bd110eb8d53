"""Masks of DICOM slices: a DICOM file each, of the same size, whose stored values other than 0 are inside."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.samples.decode import UndecodableError
from tare.samples.records import Skipped
from tare.sources.files.masks import found_of, is_mask, mask_places
from tare.sources.volumes.dicom_header import Slice, read_slice, stored_values

_ENDINGS = (".dcm", ".DCM", ".dicom", ".ima", ".IMA")


@dataclass(frozen=True, slots=True)
class Masks:
    """The folder of the masks, or the ending of their names, for slices below ``root``."""

    place: str
    root: str

    def of(self, each: Slice) -> list[NDArray[np.bool_]]:
        """Where the mask of a slice is not 0, one flat array a frame; one frame holds for all.

        Raises :class:`UndecodableError` if there is no mask, or it has another size than its slice.
        """
        name = os.path.split(each.path)[1]
        places = self.places(each)
        found = found_of(places)
        if found is None:
            raise UndecodableError(f"{name!r}: no mask {places[0]!r}")
        mask = read_slice(found)
        if isinstance(mask, Skipped):
            raise UndecodableError(f"the mask {found!r}: {mask.reason}")
        if mask.shape != each.shape:
            raise UndecodableError(f"its mask {found!r} has {mask.shape[0]} x {mask.shape[1]} pixels, and {name!r} others")
        return [_inside(frame) for frame in stored_values(mask)]

    def places(self, each: Slice) -> list[str]:
        """Where the mask of a slice may be."""
        return [*self._same_name(each.path), *mask_places(each.path, self.place, self.root, _ENDINGS)]

    def _same_name(self, path: str) -> list[str]:
        """The slice's own name in the folder of masks: most slices have no ending."""
        if not Path(self.place).is_dir():
            return []
        inside = os.path.relpath(path, self.root) if Path(self.root).is_dir() else os.path.split(path)[1]
        return [os.path.join(self.place, inside)]


def belongs_to_masks(path: str, masks: str) -> bool:
    """Whether a file is a mask by its ending, or lies in the folder of masks."""
    return is_mask(path, masks) or (Path(masks).is_dir() and Path(masks).resolve() in Path(path).resolve().parents)


def _inside(frame: NDArray[Any]) -> NDArray[np.bool_]:
    values = frame if frame.ndim == 2 else frame.any(axis=-1)
    return np.asarray(values.ravel() != 0)
