"""Labelled volumes and clips: one NIfTI file or DICOM series a sample, or some frames of one video."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tare.datasets.files import LabelledFile, finite_or_skipped
from tare.samples.clip_frames import ClipFrames
from tare.samples.modes import ColourMode
from tare.samples.records import Facts, Skipped
from tare.sources.files.image_folder import walk_files
from tare.sources.streams.clips import read_clip
from tare.sources.streams.video import SUFFIXES
from tare.sources.volumes.dicom_header import read_slice
from tare.sources.volumes.dicom_whole import is_named_dicom, series_facts, series_in, whole_series
from tare.sources.volumes.nifti import volume_facts, whole_volume

#: DICOM headers that are read for remarks on a split, in each of its parts.
_LOOKED_AT = 1000
#: Endings of the files of volumes and clips.
ENDINGS = {"volume": (".nii", ".nii.gz"), "clip": tuple(sorted(SUFFIXES))}


@dataclass(frozen=True, slots=True)
class LabelledVolume(LabelledFile):
    """One volume and its label: a NIfTI file, or a DICOM series whose further files are ``others``."""

    others: tuple[str, ...] = ()

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Read its values ``(X, Y, Z, C)``, or give the reason why it is unreadable."""
        del colour
        return read_volume_or_clip((self.path, *self.others), None)

    @property
    def facts(self) -> Facts:
        """Its voxel spacing, and where its axes point to, as its header states them."""
        return volume_facts(self.path) if _is_nifti(self.path) else series_facts((self.path, *self.others))


@dataclass(frozen=True, slots=True)
class LabelledClip(LabelledFile):
    """One video, of which the ``chosen`` frames are taken, and its label."""

    chosen: ClipFrames = field(default_factory=lambda: ClipFrames(16))

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Read its values ``(T, H, W, 3)``, or give the reason why it is unreadable."""
        del colour
        return read_clip(self.path, self.chosen)


def read_volume_or_clip(files: Sequence[str], chosen: ClipFrames | None) -> NDArray[Any] | Skipped:
    """Read a NIfTI volume or a DICOM series, or the ``chosen`` frames of a video; or give the reason why that is not possible."""
    path = files[0]
    if chosen is not None:
        return read_clip(path, chosen)
    values = whole_volume(path) if path.lower().endswith(ENDINGS["volume"]) else whole_series(files)
    return values if isinstance(values, Skipped) else finite_or_skipped(values, path)


def volumes_among(paths: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """The files of each volume among ``paths``: a NIfTI file alone, or the slices of a DICOM series in one folder."""
    for _, in_one in groupby(paths, os.path.dirname):
        slices = []
        for path in in_one:
            if path.lower().endswith(ENDINGS["volume"]):
                yield (path,)
            elif is_named_dicom(path):
                slices.append(path)
        if slices:
            yield from series_in(slices)


def files_below(folder: Path, kind: str, within: Path | None = None) -> Iterator[tuple[str, ...]]:
    """The volumes or clips below a folder (of ``within``), by their names: the files of each."""
    if not folder.is_dir():
        return iter(())
    if kind == "volume":
        return volumes_among(walk_files(folder, within))
    return ((path,) for path in walk_files(folder, within) if path.lower().endswith(ENDINGS[kind]))


def dicom_remarks(train: Sequence[str], val: Sequence[str]) -> tuple[str, ...]:
    """What is to be said of DICOM images: how they are read, and whether a series is in both parts of a split."""
    headers = [[read_slice(path) for path in part[:_LOOKED_AT]] for part in (train, val)]
    found = [[each for each in part if not isinstance(each, Skipped)] for part in headers]
    remarks = ["DICOM images: slope and intercept are applied, windows are not (--strategy window)"]
    inverted = sum(each.photometric == "MONOCHROME1" for part in found for each in part)
    if inverted:
        number = sum(map(len, found))
        remarks.append(f"{inverted} of {number} DICOM images are MONOCHROME1 and inverted, so that low is dark in all")
    shared = {each.series for each in found[0]} & {each.series for each in found[1]}
    if shared:
        remarks.append(
            f"{len(shared)} DICOM series have slices in training and in validation, whose scores are then too good: arrange them "
            "as train/CLASS and val/CLASS, or name a network whose first layer is 3-D"
        )
    return tuple(remarks)


def _is_nifti(path: str) -> bool:
    return path.lower().endswith(ENDINGS["volume"])
