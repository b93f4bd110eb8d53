"""Labelled samples as files: an image, a recording, or one sample of another source, each with the index of its class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.datasets.samples import LabelledSamples
from tare.samples.modes import ColourMode
from tare.samples.records import Sample, Skipped
from tare.sources.base import Source
from tare.sources.files.image_folder import read_image
from tare.sources.files.listed import open_encoded
from tare.sources.options import Options

_CHUNK = 64


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """One image file and the index of its class."""

    path: str
    label: int

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Its raw values ``(H, W, C)``, or why there are none."""
        return read_image(self.path, colour)


@dataclass(frozen=True, slots=True)
class LabelledRecording(LabelledFile):
    """One WAV file and the index of its class."""

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Its values ``(T, C)``, or why there are none."""
        del colour
        return read_recording(self.path)


@dataclass(frozen=True, slots=True, eq=False)
class LabelledItem(LabelledFile):
    """One sample of another source, at ``index`` of ``samples``; ``path`` names it."""

    samples: LabelledSamples
    index: int

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Its raw values, an image ``(H, W, C)`` in the colours asked for, or why there are none."""
        values = self.samples.read(self.index)
        if isinstance(values, Skipped):
            return values
        return coloured(values, colour) if self.samples.kind == "image" else finite_or_skipped(values, self.path)


@dataclass(frozen=True)
class LabelledFiles(Source[tuple[LabelledFile, ...]]):
    """The listed files as a source."""

    name: str
    files: tuple[LabelledFile, ...]
    colour: ColourMode = "stored"
    channel_names: tuple[str, ...] | None = None

    def chunks(self) -> Iterator[tuple[LabelledFile, ...]]:
        """Fixed groups in the order of the list."""
        return (self.files[start : start + _CHUNK] for start in range(0, len(self.files), _CHUNK))

    def chunk_length(self, chunk: tuple[LabelledFile, ...]) -> int:
        """One sample a file."""
        return len(chunk)

    def read(self, chunk: tuple[LabelledFile, ...]) -> Iterator[Sample | Skipped]:
        """Decode each file, or say why it gives no sample."""
        for file in chunk:
            values = file.read(self.colour)
            yield replace(values, path=file.path) if isinstance(values, Skipped) else Sample(file.path, values, str(file.label))


def read_recording(path: str) -> NDArray[Any] | Skipped:
    """The values ``(T, C)`` of a WAV file, or why there are none."""
    record = next(iter(open_encoded(path, Options()).indexed().read(0)))
    if isinstance(record, Skipped):
        return record
    assert isinstance(record, Sample)  # noqa: S101 - one file is one sample
    return finite_or_skipped(record.values, path) if record.values.ndim == 2 else Skipped(path, "an image, not a recording")


def finite_or_skipped(values: NDArray[Any], path: str) -> NDArray[Any] | Skipped:
    """The values of a signal or row, or, where one of them is NaN or infinite, why a network cannot be given them."""
    bad = int(values.size - np.isfinite(values).sum())
    return Skipped(path, f"{bad} of {values.size} values are missing, NaN or infinite") if bad else values


def coloured(values: NDArray[Any], colour: ColourMode) -> NDArray[Any]:
    """Grey images ``(H, W, 1)`` copied to three channels, or colour ones made grey (ITU-R BT.601), as image files are read."""
    if colour == "rgb" and values.shape[-1] == 1:
        return np.repeat(values, 3, axis=-1)
    if colour == "grey" and values.shape[-1] == 3:
        grey = values.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
        return np.asarray((np.rint(grey) if values.dtype.kind in "ui" else grey).astype(values.dtype)[..., None])
    return values
