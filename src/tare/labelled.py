"""Labelled images as training and validation split: a folder with one folder per class, or any source with labels."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.decode import SUFFIXES, ColourMode
from tare.errors import DataError
from tare.labelled_samples import LabelledSamples, open_labelled
from tare.records import Sample, Skipped
from tare.sources.base import Source
from tare.sources.image_folder import open_image_folder, read_image, walk_files
from tare.sources.options import Options

_VALIDATION_NAMES = ("val", "valid", "validation")
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """One image file and the index of its class."""

    path: str
    label: int

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Its raw values ``(H, W, C)``, or why there are none."""
        return read_image(self.path, colour)


@dataclass(frozen=True, slots=True, eq=False)
class LabelledItem(LabelledFile):
    """One image of another source, at ``index`` of ``samples``; ``path`` names it."""

    samples: LabelledSamples
    index: int

    def read(self, colour: ColourMode) -> NDArray[Any] | Skipped:
        """Its raw values ``(H, W, C)`` in the colours asked for, or why there are none."""
        values = self.samples.read(self.index)
        return values if isinstance(values, Skipped) else coloured(values, colour)


@dataclass(frozen=True, slots=True)
class Split:
    """Training and validation files, the names of their classes, and how the split came about."""

    classes: tuple[str, ...]
    train: tuple[LabelledFile, ...]
    val: tuple[LabelledFile, ...]
    origin: str

    def without(self, unreadable: Sequence[Skipped]) -> Split:
        """Return the split without the files that cannot be read."""
        bad = {item.path for item in unreadable}
        train, val = (tuple(file for file in part if file.path not in bad) for part in (self.train, self.val))
        return _checked(replace(self, train=train, val=val), "the readable files")


@dataclass(frozen=True)
class ImageFiles(Source[tuple[LabelledFile, ...]]):
    """The listed image files as a source."""

    name: str
    files: tuple[LabelledFile, ...]
    colour: ColourMode = "stored"

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


def read_split(root: Path, seed: int, val_share: float = 0.2) -> Split:
    """List ``root`` as ``train/CLASS/...`` and ``val/CLASS/...``, or as ``CLASS/...`` split by ``seed`` within each class.

    Raises :class:`DataError` if there is no image, fewer than two classes, or a class without training or validation image.
    """
    open_image_folder(root)
    train = root / "train"
    if not train.is_dir():
        return _split_one_folder(root, seed, val_share)
    val = next((root / name for name in _VALIDATION_NAMES if (root / name).is_dir()), None)
    if val is None:
        raise DataError(
            f"a folder val/ beside {str(train)!r}", "none", "add it, or name a folder that holds the classes themselves"
        )
    names = _class_names(train)
    strangers = sorted(set(_class_names(val)) - set(names))
    if strangers:
        raise DataError(
            f"the classes of {str(val)!r} among those of {str(train)!r}", f"{strangers[0]!r} only in validation", "move it"
        )
    split = Split(names, _labelled(train, names), _labelled(val, names), f"{train.name}/ and {val.name}/ of {str(root)!r}")
    return _checked(split, str(root))


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labelled data: where they are, and where their labels are, if that is not plain.

    ``label`` names the column or array of labels, ``array`` that of images; ``label_pattern`` is a regular expression whose
    first group is found in each sample's path.
    """

    data: Any
    label: str | None = None
    label_pattern: str | None = None
    array: str | None = None

    @property
    def name(self) -> str:
        """The data in words."""
        return os.fspath(self.data) if isinstance(self.data, str | os.PathLike) else type(self.data).__name__


def open_split(labelled: Labelled, seed: int) -> Split:
    """Split whatever has labelled images: a folder as :func:`read_split` does, else what :func:`open_labelled` opens.

    Validation samples are those of the data, where they hold any, else a fifth of each class, chosen by ``seed``.
    Raises :class:`DataError` for data without labels or images.
    """
    data, chosen = labelled.data, (labelled.label, labelled.label_pattern, labelled.array) != (None, None, None)
    if isinstance(data, str | os.PathLike) and not chosen and not _is_other_source(Path(data)):
        return read_split(Path(data), seed)
    train, val = open_labelled(data, Options(array=labelled.array), labelled.label, labelled.label_pattern)
    if train.kind != "image":
        remedy = "transfer images; `tare study` compares strategies on rows of numbers"
        raise DataError("labelled images", f"a {train.kind} per sample in {train.name!r}", remedy)
    names = tuple(sorted({*train.labels}, key=_natural))
    if val is None:
        files = _items(train, names)
        return _held_out(names, files, seed, 0.2, train.name)
    strangers = sorted(set(val.labels) - set(names))
    if strangers:
        found = f"{strangers[0]!r} only in validation"
        raise DataError(f"the classes of {val.name!r} among those of {train.name!r}", found, "check the labels")
    return _checked(Split(names, _items(train, names), _items(val, names), f"{train.name} and {val.name}"), train.name)


def coloured(values: NDArray[Any], colour: ColourMode) -> NDArray[Any]:
    """Grey images ``(H, W, 1)`` copied to three channels, or colour ones made grey (ITU-R BT.601), as image files are read."""
    if colour == "rgb" and values.shape[-1] == 1:
        return np.repeat(values, 3, axis=-1)
    if colour == "grey" and values.shape[-1] == 3:
        grey = values.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
        return np.asarray((np.rint(grey) if values.dtype.kind in "ui" else grey).astype(values.dtype)[..., None])
    return values


def _items(samples: LabelledSamples, names: Sequence[str]) -> tuple[LabelledFile, ...]:
    place = {name: label for label, name in enumerate(names)}
    return tuple(
        LabelledItem(f"{samples.name}[{index}]", place[label], samples, index) for index, label in enumerate(samples.labels)
    )


def _natural(name: str) -> tuple[int, int | str]:
    """Numbers by their size, before words."""
    return (0, int(name)) if name.isdecimal() else (1, name)


def _is_other_source(path: Path) -> bool:
    """Whether a path is a file, or a folder of shards and not of images."""
    if not path.is_dir():
        return path.exists() or "://" in str(path) or "*" in str(path)
    return any(entry.name.endswith((".tar", ".tar.gz", ".tgz", ".parquet", ".arrow")) for entry in os.scandir(path))


def _split_one_folder(root: Path, seed: int, val_share: float) -> Split:
    names = _class_names(root)
    return _held_out(names, _labelled(root, names), seed, val_share, str(root))


def _held_out(names: tuple[str, ...], files: Sequence[LabelledFile], seed: int, val_share: float, where: str) -> Split:
    generator = np.random.default_rng(seed)
    train: list[LabelledFile] = []
    val: list[LabelledFile] = []
    for label in range(len(names)):
        members = [file for file in files if file.label == label]
        order = generator.permutation(len(members))
        held = max(1, round(len(members) * val_share)) if len(members) > 1 else 0
        val += [members[i] for i in sorted(order[:held])]
        train += [members[i] for i in sorted(order[held:])]
    origin = f"{where!r}, {val_share:.0%} of each class held out by seed {seed}"
    return _checked(Split(names, tuple(train), tuple(val), origin), where)


def _class_names(root: Path) -> tuple[str, ...]:
    with os.scandir(root) as entries:
        names = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    return tuple(name for name in names if next(_images(root / name), None) is not None)


def _labelled(root: Path, names: Sequence[str]) -> tuple[LabelledFile, ...]:
    return tuple(LabelledFile(path, label) for label, name in enumerate(names) for path in _images(root / name))


def _images(folder: Path) -> Iterator[str]:
    # Names decide here: reading every file to look at its content would be a pass over the data.
    if not folder.is_dir():
        return iter(())
    return (path for path in walk_files(folder) if os.path.splitext(path)[1].lower() in SUFFIXES)


def _checked(split: Split, where: str) -> Split:
    if not split.classes:
        raise DataError("images in one folder per class", f"none below {where!r}", "arrange them as FOLDER/CLASS/IMAGE")
    if len(split.classes) < 2:
        raise DataError("at least two classes", f"only {split.classes[0]!r} in {where!r}", "add a folder for another class")
    for part, files in (("training", split.train), ("validation", split.val)):
        counts = Counter(file.label for file in files)
        empty = [name for label, name in enumerate(split.classes) if not counts[label]]
        if empty:
            raise DataError(
                f"at least one {part} image of every class", f"none of {empty[0]!r} in {where!r}", "add images or drop the class"
            )
    return split
