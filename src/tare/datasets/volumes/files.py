"""Labelled volumes and clips: one NIfTI file a sample, or some frames of one video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tare.datasets.files import LabelledFile, finite_or_skipped
from tare.samples.clip_frames import ClipFrames
from tare.samples.modes import ColourMode
from tare.samples.records import Skipped
from tare.sources.files.image_folder import walk_files
from tare.sources.streams.clips import read_clip
from tare.sources.streams.video import SUFFIXES
from tare.sources.volumes.nifti import whole_volume

#: Endings of the files of volumes and clips.
ENDINGS = {"volume": (".nii", ".nii.gz"), "clip": tuple(sorted(SUFFIXES))}


@dataclass(frozen=True, slots=True)
class LabelledVolume(LabelledFile):
    """One NIfTI volume and its label."""

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Read its values ``(X, Y, Z, C)``, or give the reason why it is unreadable."""
        del colour
        return read_volume_or_clip(self.path, None)


@dataclass(frozen=True, slots=True)
class LabelledClip(LabelledFile):
    """One video, of which the ``chosen`` frames are taken, and its label."""

    chosen: ClipFrames = field(default_factory=lambda: ClipFrames(16))

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Read its values ``(T, H, W, 3)``, or give the reason why it is unreadable."""
        del colour
        return read_clip(self.path, self.chosen)


def read_volume_or_clip(path: str, chosen: ClipFrames | None) -> NDArray[Any] | Skipped:
    """Read a NIfTI volume, or the ``chosen`` frames of a video; or give the reason why that is not possible."""
    if chosen is not None:
        return read_clip(path, chosen)
    values = whole_volume(path)
    return values if isinstance(values, Skipped) else finite_or_skipped(values, path)


def files_below(folder: Path, kind: str) -> Iterator[str]:
    """The volumes or clips below a folder, by their names."""
    if not folder.is_dir():
        return iter(())
    return (path for path in walk_files(folder) if path.lower().endswith(ENDINGS[kind]))
