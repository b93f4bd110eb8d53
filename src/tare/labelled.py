"""A labelled image folder as training and validation split."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tare.decode import SUFFIXES, ColourMode
from tare.errors import DataError
from tare.records import Sample, Skipped
from tare.sources.base import Source
from tare.sources.image_folder import open_image_folder, read_image, walk_files

_VALIDATION_NAMES = ("val", "valid", "validation")
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """One image file and the index of its class."""

    path: str
    label: int


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
            values = read_image(file.path, self.colour)
            yield values if isinstance(values, Skipped) else Sample(file.path, values, str(file.label))


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


def _split_one_folder(root: Path, seed: int, val_share: float) -> Split:
    names = _class_names(root)
    files = _labelled(root, names)
    generator = np.random.default_rng(seed)
    train: list[LabelledFile] = []
    val: list[LabelledFile] = []
    for label in range(len(names)):
        members = [file for file in files if file.label == label]
        order = generator.permutation(len(members))
        held = max(1, round(len(members) * val_share)) if len(members) > 1 else 0
        val += [members[i] for i in sorted(order[:held])]
        train += [members[i] for i in sorted(order[held:])]
    origin = f"{str(root)!r}, {val_share:.0%} of each class held out by seed {seed}"
    return _checked(Split(names, tuple(train), tuple(val), origin), str(root))


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
