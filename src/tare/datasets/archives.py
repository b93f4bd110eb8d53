"""Arrays of ``.npz`` and ``.npy`` files as samples, with the array of labels if the file holds one."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.datasets.samples import KINDS, InMemory, LabelledSamples
from tare.errors import DataError, reason_of
from tare.sources.arrays.channels_last import channels_last
from tare.sources.arrays.npy import check_archive
from tare.system.local.opened import opened

#: What the readers of archives raise for damaged, encrypted and newer members.
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError)
#: Usual names of the arrays of samples and labels, for training and for validation.
_TRAINING = (("train_images", "train_labels"), ("x_train", "y_train"), ("X_train", "y_train"), ("x", "y"), ("X", "y"))
#: Names of the arrays of test samples and their labels, each with the name of the training labels beside them.
_TEST = (
    ("test_images", "test_labels", "train_labels"),
    ("x_test", "y_test", "y_train"),
    ("X_test", "y_test", "y_train"),
    ("x", "y", "y"),
    ("X", "y", "y"),
)
_VALIDATION = (("val_images", "val_labels"), ("x_val", "y_val"), ("X_val", "y_val"))


def labelled_archive(
    name: str, array: str | None, label: str | None, layout: str | None = None
) -> tuple[LabelledSamples, LabelledSamples | None]:
    """Samples and labels of an ``.npz``, and its validation split; arrays of objects are refused, since they are pickles."""
    with _archive(name) as archive:
        names = set(archive.files)
        pairs = [(array, label)] if array and label else [next((p for p in _TRAINING if set(p) <= names), (None, None))]
        pairs += [pair for pair in _VALIDATION if set(pair) <= names and not (array and label)][:1]
        read = {key: archive[key] for pair in pairs for key in pair if key in names}
    wanted = "--array and --label, or the names x and y, x_train and y_train, or train_images and train_labels"
    for key in pairs[0]:
        if key not in read:
            raise DataError(f"samples and labels in {name!r}", f"the arrays {', '.join(sorted(names))}", f"name them: {wanted}")
    found = [_of_arrays(f"{name}:{pair[0]}", str(pair[1]), read[str(pair[0])], read[str(pair[1])], layout) for pair in pairs]
    return found[0], found[1] if len(found) > 1 else None


def held_out_archive(name: str, array: str | None, label: str | None, layout: str | None = None) -> LabelledSamples:
    """The test samples of an ``.npz``: the named arrays, or those of a usual name; the labels are called as in training.

    Raises :class:`DataError` for an archive without them.
    """
    named = ((array, label, label),) if array and label else _TEST
    with _archive(name) as archive:
        names = set(archive.files)
        pair = next((pair for pair in named if {*pair[:2]} <= names), None)
        if pair is None:
            found = f"the arrays {', '.join(sorted(names))} in {name!r}"
            raise DataError("test samples and their labels", found, "name them test_images and test_labels, or x and y")
        samples, labels = archive[pair[0]], archive[pair[1]]
    return _of_arrays(f"{name}:{pair[0]}", pair[2], samples, labels, layout)


@contextmanager
def _archive(name: str) -> Iterator[Any]:
    with (
        _readable(name, "a .npz archive of numbers", "save it again with numpy.savez"),
        opened(name) as file,
        np.load(file, allow_pickle=False) as archive,
    ):
        _check(archive, name)
        yield archive


def unlabelled_array(
    name: str, array: str | None, label: str | None, layout: str | None = None, channels: int | None = None
) -> LabelledSamples:
    """The samples of an ``.npy``, or of one array of an ``.npz``: the named, the usual, or the only one with two axes.

    ``channels`` is their number where a network is known that takes them.
    """
    with _readable(name, "a file of arrays of numbers", "save it again with numpy"), opened(name) as file:
        loaded = np.load(file, allow_pickle=False)
        _check(loaded, name)
        every = {"": loaded} if isinstance(loaded, np.ndarray) else {key: loaded[key] for key in loaded.files if key != label}
    usual = [key for key, _ in _TRAINING if key in every]
    several = [key for key, values in every.items() if values.ndim > 1]
    chosen = [array] if array is not None else usual[:1] or several
    if len(chosen) != 1 or chosen[0] not in every:
        found = f"the arrays {', '.join(sorted(every))} in {name!r}"
        raise DataError("one array of samples", found, "name it with --array")
    shaped, remarks = channels_last(every[chosen[0]], name, layout, channels)
    others = [key for key in several if key != chosen[0]] if array is None else []
    if others:
        remarks = (
            *remarks,
            f"of the arrays of {name!r} {chosen[0]!r} holds the samples; left out: {', '.join(map(repr, others))}",
        )
    return LabelledSamples(name, KINDS[shaped.ndim - 1], ("",) * len(shaped), InMemory(shaped), remarks=remarks)


def _check(loaded: Any, name: str) -> None:
    if isinstance(loaded, np.lib.npyio.NpzFile) and loaded.zip is not None:
        check_archive(loaded.zip, name)


@contextmanager
def _readable(name: str, expected: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, EOFError, *_DAMAGED) as error:
        raise DataError(expected, f"{name!r}: {reason_of(error)}", remedy) from None


def _of_arrays(name: str, label: str, values: NDArray[Any], labels: NDArray[Any], layout: str | None) -> LabelledSamples:
    labels = labels.reshape(len(labels), -1)
    if labels.shape[1] < 1 or len(labels) != len(values):
        found = f"labels {labels.shape} for samples {values.shape} in {name!r}"
        raise DataError("a label for every sample", found, "check the arrays")
    if labels.dtype.kind in "fc" and not np.isfinite(labels).all():
        bad = int((~np.isfinite(labels)).any(axis=1).argmax())
        raise DataError(
            "a label for every sample", f"NaN or infinity in {label!r} of {name!r}, the first at [{bad}]", "leave them out"
        )
    shaped, remarks = channels_last(values, name, layout)
    texts = tuple(tuple(map(_text, row)) for row in labels.tolist())
    columns = (label,) if labels.shape[1] == 1 else tuple(f"{label}{index}" for index in range(labels.shape[1]))
    first = tuple(row[0] for row in texts)
    samples = LabelledSamples(name, KINDS[shaped.ndim - 1], first, InMemory(shaped), columns=columns, remarks=remarks)
    return samples if len(columns) == 1 else replace(samples, several=texts)


def _text(label: Any) -> str:
    return label.decode("utf-8", "backslashreplace") if isinstance(label, bytes) else str(label)
