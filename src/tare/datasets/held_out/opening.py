"""Open the data of a test, labelled as the training split is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tare.datasets.archives import held_out_archive
from tare.datasets.files import LabelledFile, LabelledRaster, is_tile
from tare.datasets.masks.pairs import MaskFile, Palette, check_pairs, mask_folders, read_classes
from tare.datasets.opening import labelled_samples
from tare.datasets.options import LabelOptions
from tare.datasets.parts.stated import part_of_samples, parts_of_archive
from tare.datasets.samples import LabelledSamples
from tare.datasets.split import Split, class_folders, is_other_source, items_of, labelled_files, nameless_remark, unasked_remark
from tare.errors import DataError
from tare.input_spec.geometry import NOUNS
from tare.sources.files.picture_masks import levels
from tare.sources.rasters.tags import scene_kind
from tare.tasks.table import TASKS
from tare.tasks.task import Target

#: Training masks whose palettes those of the test are compared with.
_SEEN = 8


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Labelled samples that neither train the network nor choose an epoch; ``absent`` are classes without a sample.

    ``remarks`` say which part of the data they are, if the data state parts, and what was assumed of them.
    """

    files: tuple[LabelledFile, ...]
    origin: str
    absent: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def open_test(data: Any, labelled: LabelOptions, split: Split) -> HeldOut:
    """Open ``data`` in the form that ``labelled`` describes, with the outputs of ``split`` in its order.

    A folder holds one folder per class, or images beside their masks. Of an ``.npz`` the arrays ``test_images`` and
    ``test_labels``, ``x_test`` and ``y_test``, or ``x`` and ``y`` are read. Raises :class:`DataError` for data without a sample,
    of another kind, or with a label that the training split does not have.
    """
    name = os.fspath(data) if isinstance(data, str | os.PathLike) else type(data).__name__
    said: tuple[str, ...] = ()
    if isinstance(data, str | os.PathLike) and not labelled.names_places and not is_other_source(data):
        files = _masked(Path(data), split) if split.task == "segmentation" else _of_folders(Path(data), split)
    else:
        samples, said = _opened(data, name, labelled, split)
        files = _of_samples(samples, split)
    if not files:
        raise DataError(f"at least one {NOUNS[split.kind].removesuffix('s')} to test on", f"none in {name!r}", "check --test")
    seen = {file.label for file in files} if split.has_classes else set(range(len(split.classes)))
    absent = tuple(known for place, known in enumerate(split.classes) if place not in seen)
    return HeldOut(files, name, absent, (*said, *_remarks(files, split)))


def _remarks(files: tuple[LabelledFile, ...], split: Split) -> tuple[str, ...]:
    """What is to be said of images whose channels have names on one side alone."""
    if split.kind != "image":
        return ()
    if split.channel_names is None:
        told = unasked_remark(file.path for file in files)
    else:
        told = "" if all(isinstance(file, LabelledRaster) for file in files) else nameless_remark(split.channel_names)
    return (f"test: {told}",) if told else ()


def _of_folders(root: Path, split: Split) -> tuple[LabelledFile, ...]:
    """The files of one folder per class."""
    if not root.is_dir():
        raise DataError("a folder, a table or an archive of test data", f"{str(root)!r} does not exist", "check --test")
    _check_known(class_folders(root, split.kind), split, str(root))
    return _as_trained(labelled_files(root, split.classes, split.kind, split.taken), split)


def _as_trained(files: tuple[LabelledFile, ...], split: Split) -> tuple[LabelledFile, ...]:
    """The files, of which rasters are read by the bands of the training files."""
    raster = next((file for file in split.train if isinstance(file, LabelledRaster)), None)
    if raster is None:
        return tuple(LabelledRaster(f.path, f.label) if is_tile(f.path) else f for f in files)
    return tuple(LabelledRaster(f.path, f.label, raster.bands) if scene_kind(f.path) == "geo" else f for f in files)


def _masked(root: Path, split: Split) -> tuple[LabelledFile, ...]:
    """The images with their masks, whose values must be those of the training split."""
    pairs = mask_folders(root, "segmentation")
    if pairs is None:
        raise DataError("a folder of images and masks", f"{str(root)!r}", "check --test")
    found, alone = pairs.listed()
    check_pairs(found, alone, str(root))
    pattern = split.train[0].label
    assert isinstance(pattern, MaskFile)  # noqa: S101 - the task says so
    known = {value for value, _ in pattern.classes}
    palette = Palette()
    trained = [file.label.path for file in split.train[:_SEEN] if isinstance(file.label, MaskFile)]
    for mask in (*trained, *(mask for _, mask in found)):
        read = read_classes(mask)
        palette.add(read.shown, mask)
        strange = sorted({*levels(read.values).tolist()} - known)
        if strange:
            raise DataError(
                f"masks with the values of the training split, {sorted(known)}", f"{strange[:5]} in {mask!r}", "repair the mask"
            )
    return _as_trained(tuple(LabelledFile(image, replace(pattern, path=mask)) for image, mask in found), split)


def _opened(data: Any, name: str, labelled: LabelOptions, split: Split) -> tuple[LabelledSamples, tuple[str, ...]]:
    """The test samples, and a remark if they are one part of the data."""
    if name.lower().endswith(".npz"):
        samples = held_out_archive(name, labelled.array, labelled.label, labelled.layout)
        stated = parts_of_archive(samples, name)
    else:
        samples, stated = labelled_samples(data, labelled.of_source(split.taken), labelled.label, labelled.label_pattern)
    if stated is None:
        return samples, ()
    if "test" not in stated.of:
        raise DataError("test data of one part", f"others by {stated.where}", "name the test samples alone")
    test = part_of_samples(samples, stated, "test")
    return test, (f"the test is {len(test):,} of {len(samples):,} samples: those of test by {stated.where}",)


def _of_samples(opened: LabelledSamples, split: Split) -> tuple[LabelledFile, ...]:
    samples = opened.of_kind(split.kind)
    if samples.channel_names != split.channel_names and split.kind == "vector":
        expected = f"the columns of the training rows: {_listed(split.channel_names)}"
        raise DataError(expected, f"{_listed(samples.channel_names)} in {samples.name!r}", "give the table the same columns")
    names, targets = TASKS[split.task].read(samples.columns, samples.texts, samples.name)
    if split.task != "regression" or names != split.classes:
        _check_known(names, split, samples.name)
        targets = _in_order(names, targets, split, lists=len(samples.columns) == 1, where=samples.name)
    return items_of(samples, targets)


def _in_order(names: Sequence[str], targets: Sequence[Target], split: Split, *, lists: bool, where: str) -> list[Target]:
    """The targets with the split's outputs in place of ``names``; a label that no list of the test data has is 0."""
    place = {name: index for index, name in enumerate(split.classes)}
    if split.has_classes:
        return [place[names[int(target)]] for target in targets]  # type: ignore[arg-type]
    missing = [name for name in split.classes if name not in names]
    if missing and not (lists and split.task == "multi-label"):
        raise DataError(f"a column for each of {_listed(split.classes)}", f"none for {missing[0]!r} in {where!r}", "add it")
    column = {name: index for index, name in enumerate(names)}
    rows = [target for target in targets if isinstance(target, tuple)]
    return [tuple(row[column[name]] if name in column else 0.0 for name in split.classes) for row in rows]


def _check_known(names: Sequence[str], split: Split, where: str) -> None:
    strange = sorted(set(names) - set(split.classes))
    if strange:
        expected = f"the {TASKS[split.task].noun} of {where!r} among those of the training split"
        raise DataError(expected, f"{strange[0]!r} only there", "leave it out, or name the folder or column with the same labels")


def _listed(names: Sequence[str] | None) -> str:
    return "none" if names is None else ", ".join(names[:8]) + ("..." if len(names) > 8 else "")
