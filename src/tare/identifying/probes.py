"""Probe images, which a checkpoint is identified with: read them, check them, and compute their content."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.checking.gate import RAW_KIND
from tare.datasets.files import coloured
from tare.datasets.parts.opening import open_pooled
from tare.errors import DataError
from tare.samples.decode import SUFFIXES, image_format
from tare.samples.layout import Doubles
from tare.samples.modes import ColourMode
from tare.samples.records import Record, Sample, Skipped, Stack
from tare.sources.arrays.whole import whole
from tare.sources.base import Source
from tare.sources.files.each import foreign_remark
from tare.sources.files.image_folder import claims_or_is, first_level, walk_files
from tare.sources.options import Options
from tare.system.local.opened import document

#: The fewest images: with fewer, the spread between images is hardly known.
FEWEST = 8
#: At most this many times the wanted number of images are tried, if some cannot be read.
_PATIENCE = 2
_CONSTANT = 1e-3
#: Parts of a stream that are held undecoded, and decoded one by one.
_CHUNKS = 32
_FIRST = "the first images of a stream: if it is sorted by class, they are of few classes, and the answer is of these"
#: A file of labels is no larger.
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """Raw images ``(H, W, C)`` of any sizes, with their paths, and their labels (empty texts if the data have no labels).

    ``notes`` say what was left out. ``folders`` are all labels of a folder, of which some may be of no image here.
    """

    name: str
    images: tuple[NDArray[Any], ...]
    paths: tuple[str, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...] = ()
    folders: frozenset[str] = frozenset()

    @property
    def size(self) -> tuple[int, int] | None:
        """The size of all images; None if they differ in size."""
        sizes = {image.shape[:2] for image in self.images}
        return (*sizes.pop(),) if len(sizes) == 1 else None


def read_probes(data: Any, colour: ColourMode, count: int, seed: int) -> Probes:
    """Read ``count`` images, drawn by ``seed``, in the colours that the network takes.

    Of files that can only be read from their beginning all is read, and images of some places decoded. Of an object that is a
    stream, which may have no end, it is the first images, and a note says so.

    Raises :class:`DataError` for data without images, fewer than eight different images, or nearly constant images.
    """
    source = whole(open_pooled(data, Options(channels=colour, turned=True)))
    skipped: list[Skipped] = []
    ends = source.indexed() is not None or isinstance(data, str | os.PathLike)
    drawn = _drawn(source, count, seed, skipped) if ends else _first(source, skipped)
    found = list(islice(drawn, count))
    if len(found) < FEWEST:
        raise DataError(
            f"at least {FEWEST} readable images", f"{len(found)} in {source.name!r}", "name more images; 64 are recommended"
        )
    other = next((sample for sample in found if sample.values.dtype != np.uint8), None)
    if other is not None:
        seen = f"{other.values.dtype.name} values in {other.path!r} ({RAW_KIND} raw-kind)"
        raise DataError("8-bit images, which all candidates are conventions of", seen, "write 8-bit copies, or name other images")
    images = tuple(coloured(sample.values, colour) for sample in found)
    if float(np.mean([_spread(image) for image in images])) < _CONSTANT:
        raise DataError(
            "images with content", f"nearly constant images in {source.name!r}", "name photographs, or the data of the task"
        )
    if len({image.tobytes() for image in images}) < FEWEST:
        raise DataError(f"at least {FEWEST} different images", f"copies of fewer in {source.name!r}", "name other images")
    paths, labels = tuple(sample.path for sample in found), tuple(sample.label or "" for sample in found)
    told = (*source.remarks, *(() if ends else (_FIRST,)), *_left_out(skipped))
    return Probes(source.name, images, paths, labels, told, _folders(data))


def _folders(data: Any) -> frozenset[str]:
    """The names of the folders directly in a folder that hold images, as labels name them; empty for other data."""
    if not isinstance(data, str | os.PathLike) or not os.path.isdir(data):  # noqa: PTH112 - a name may be too long
        return frozenset()
    named = groupby(walk_files(Path(data)), partial(first_level, root=os.fspath(data)))
    held = ((name, any(claims_or_is(file, SUFFIXES, image_format) for file in files)) for name, files in named)
    return frozenset(name for name, has_images in held if name is not None and has_images)


def features(values: torch.Tensor) -> Doubles:
    """The content ``(N, F)`` of images ``(N, C, H, W)`` in unit values: mean and std of each colour, sharpness, colourfulness."""
    luma = values.mean(dim=1)
    steps = (luma.diff(dim=-1).square().mean(dim=(1, 2)) + luma.diff(dim=-2).square().mean(dim=(1, 2))).sqrt()
    parts = [values.mean(dim=(2, 3)), values.std(dim=(2, 3)), steps[:, None]]
    if values.shape[1] > 1:
        parts.append((values - luma[:, None]).square().mean(dim=(1, 2, 3)).sqrt()[:, None])
    return np.asarray(torch.cat(parts, dim=1).double().numpy())


def class_indices(probes: Probes, labels: str, classes: int) -> NDArray[np.int64]:
    """The class index of every image: by its folder (``folders``), or by a CSV file of file name and index.

    Folders are numbered in the order of their names, as torchvision's ImageFolder does, if there is one for each of the
    network's ``classes``. Of fewer folders whose names are numbers, the names are the indices.
    Raises :class:`DataError` if an image has no label or an index is out of range.
    """
    given = _by_folder(probes, classes) if labels == "folders" else _by_file(probes, Path(labels))
    wrong = next((index for index in given if not 0 <= index < classes), None)
    if wrong is not None:
        raise DataError(f"labels from 0 to {classes - 1}", f"{wrong}", "name the labels that the network was trained with")
    return np.array(given, dtype=np.int64)


def _drawn(source: Source[Any], count: int, seed: int, skipped: list[Skipped]) -> Iterator[Sample]:
    """Images in an order drawn by ``seed``, more than ``count`` where some may be unreadable."""
    indexed, wanted = source.indexed(), count * _PATIENCE + FEWEST
    if indexed is None:
        return _of_stream(source, wanted, seed, skipped)
    order = np.random.default_rng(seed).permutation(indexed.number)[:wanted]
    return (sample for place in order for record in indexed.read(int(place)) for sample in _images(record, skipped))


def _first(source: Source[Any], skipped: list[Skipped]) -> Iterator[Sample]:
    return (sample for chunk in source.chunks() for record in source.read(chunk) for sample in _images(record, skipped))


def _of_stream(source: Source[Any], wanted: int, seed: int, skipped: list[Skipped]) -> Iterator[Sample]:
    """Images of chunks that are drawn from all, since a stream is often sorted by class (Vitter, 1985, algorithm R)."""
    drawing = np.random.default_rng(seed)
    kept: list[Any] = []
    for place, chunk in enumerate(source.chunks()):
        if place < _CHUNKS:
            kept.append(chunk)
        elif (drawn := int(drawing.integers(place + 1))) < _CHUNKS:
            kept[drawn] = chunk
    found: list[Sample] = []
    for chunk in kept:
        samples = [sample for record in source.read(chunk) for sample in _images(record, skipped)]
        found += [samples[place] for place in drawing.permutation(len(samples))[: math.ceil(wanted / len(kept))]]
    return (found[place] for place in drawing.permutation(len(found)))


def _left_out(skipped: Sequence[Skipped]) -> Iterator[str]:
    """What is said of the files that were drawn and gave no image."""
    if foreign := foreign_remark(skipped):
        yield foreign
    bad = [one for one in skipped if not one.foreign]
    if bad:
        yield f"{len(bad)} of the files that were drawn cannot be read, the first {bad[0].path!r}: {bad[0].reason}"


def _images(record: Record, skipped: list[Skipped]) -> Iterator[Sample]:
    if isinstance(record, Skipped):
        skipped.append(record)
        return
    if isinstance(record, Sample) and record.values.ndim == 3:
        yield record
    elif isinstance(record, Stack) and record.values.ndim == 4:
        values = np.moveaxis(record.values, 1, -1) if record.channels_first else record.values
        for place, image in enumerate(values):
            yield Sample(record.path, image, record.labels[place] if record.labels else None)
    else:
        seen = f"{record.path!r}, which is no such image"
        remedy = "for volumes, clips, recordings and DICOM the run or the extractor states the constants"
        raise DataError("8-bit images, which all candidates are conventions of", seen, remedy)


def _spread(image: NDArray[Any]) -> float:
    values = image.astype(np.float64)
    largest = 255.0 if image.dtype == np.uint8 else max(1.0, float(np.abs(values).max()))
    return float(values.std() / largest)


def _by_folder(probes: Probes, classes: int) -> list[int]:
    names = [Path(path).parent.name for path in probes.paths] if not all(probes.labels) else list(probes.labels)
    known = sorted({*names, *(probes.folders if all(probes.labels) else ())})
    if len(known) == classes:
        return [known.index(name) for name in names]
    if all(name.isdecimal() and len(name) < 10 for name in names):
        return [int(name) for name in names]
    raise DataError(
        f"one folder for each of the network's {classes} classes",
        f"{len(known)} folders",
        "state --labels FILE.csv: file name, index",
    )


def _by_file(probes: Probes, path: Path) -> list[int]:
    try:
        text = io.TextIOWrapper(io.BytesIO(document(path, _MOST_BYTES)), "utf-8", newline="")
        rows: dict[str, set[str]] = {}
        for row in csv.reader(text):
            if len(row) > 2:
                raise DataError("two columns, file name and class index", f"{len(row)} in {path.name!r}", "leave the others out")
            if len(row) > 1:
                rows.setdefault(row[0].replace("\\", "/").removeprefix("./"), set()).add(row[1].strip())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            "a CSV file of file name and class index, or 'folders'", f"{str(path)!r}: {error}", "check --labels"
        ) from None
    indices, named = [], dict[str, str]()
    for place in probes.paths:
        found = next((name for name in _names_of(place) if name in rows), "")
        if len(rows.get(found, ())) > 1 or named.setdefault(found, place) != place:
            raise DataError(
                f"one row for {place!r} in {path.name!r}", f"{found!r} for several images", "name files with their folders"
            )
        index = next(iter(rows.get(found, ())), "")
        if not index.isdecimal() or len(index) > 9:
            raise DataError(
                f"a class index for {Path(place).name!r} in {path.name!r}", repr(index), "add it, or name other images"
            )
        indices.append(int(index))
    return indices


def _names_of(place: str) -> Iterator[str]:
    """The names that a row may have for a file: its path, its ends, the bare name, and that without its suffix."""
    parts = Path(place).as_posix().split("/")
    yield from ("/".join(parts[start:]) for start in range(len(parts)))
    yield Path(place).stem


def reduced(image: NDArray[Any], edge: int) -> NDArray[Any]:
    """The image with a shorter edge of at most ``edge``, if it is uint8, so that every view resizes a small image."""
    from PIL import Image

    shorter = min(image.shape[:2])
    if shorter <= edge or image.dtype != np.uint8:
        return image
    height, width = (round(n * edge / shorter) for n in image.shape[:2])
    bands = [Image.fromarray(band) for band in np.ascontiguousarray(np.moveaxis(image, -1, 0))]  # four are no RGBA
    smaller = [band.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0) for band in bands]
    return np.stack([np.asarray(band) for band in smaller], axis=-1)
