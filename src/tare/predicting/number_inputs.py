"""Signals and rows to predict, from recordings, arrays and tables, at the size that the network takes."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.datasets.files import finite_or_skipped, read_recording, recording_rate, stated_rate
from tare.datasets.samples import KINDS, LabelledSamples
from tare.datasets.signal_batches import NumberGeometry, sized
from tare.datasets.tables import doubles, is_table, load_table
from tare.datasets.volumes.files import ENDINGS, LabelledVolume, files_below, read_volume_or_clip, volumes_among
from tare.errors import DataError, ResourceError, TareError, reason_of
from tare.input_spec.geometry import RowGeometry, SignalGeometry, VolumeGeometry, front_of
from tare.predicting.stored import is_store, samples_in
from tare.samples.layout import unit_scale
from tare.samples.records import Facts, Skipped
from tare.samples.sound.coded import SUFFIXES as SOUNDS
from tare.sources.arrays.channels_last import channels_last
from tare.sources.named_files import image_paths
from tare.sources.tables.csv_table import read_head
from tare.sources.volumes.dicom_whole import is_named_dicom
from tare.system.local.opened import opened

_SUFFIXES = {
    "signal": tuple(sorted(SOUNDS)),
    "sound": tuple(sorted(SOUNDS)),
    **ENDINGS,
    "vector": (".csv", ".tsv", ".parquet", ".npy", ".npz"),
}
_ARRAYS = (".npy", ".npz")
_UNNAMED = re.compile(r"c\d+")  # the names given to columns without a header

Read = Callable[[], NDArray[Any] | Skipped]


@dataclass(frozen=True, slots=True)
class _Axes:
    """What tells the axes of an array: the number of channels that the network takes, or their stated meaning."""

    channels: int | None
    layout: str | None


@dataclass(frozen=True, slots=True)
class NumberInput:
    """A named sample: a file, or one sample of a file; ``read`` returns its raw values, ``facts`` what it states of its axes."""

    name: str
    read: Read
    facts: Callable[[], Facts] = tuple


def number_inputs(
    takes: NumberGeometry,
    words: Iterable[str],
    left_out: Callable[[str, str], None] = lambda _folder, _path: None,
    *,
    channels: int | None = None,
    layout: str | None = None,
) -> list[NumberInput]:
    """Return the samples that ``words`` name: each recording or volume, and each row of a table, array or store.

    Words name files as in :func:`tare.sources.named_files.image_paths`. A table's columns are found by their names in training.
    The axes of an array are those of ``layout``, or told by the number of ``channels`` that the network takes. An unreadable file
    is one input, whose ``read`` returns the reason.
    """
    axes = _Axes(channels, layout)
    found: list[NumberInput] = []
    for files in _named(takes, words, left_out):
        path = files[0]
        try:
            found += [_volume(files)] if len(files) > 1 else _inputs_in(path, takes, axes)
        except ResourceError:
            raise
        except (TareError, OSError, ValueError) as error:
            reason = error.found if isinstance(error, TareError) else reason_of(error)
            found.append(failed(path, reason))
    return found


def _named(takes: NumberGeometry, words: Iterable[str], left_out: Callable[[str, str], None]) -> Iterator[tuple[str, ...]]:
    """The files of each sample that is named: one, or the slices of a DICOM series."""
    if takes.kind != "volume":
        for word in words:
            named = (word,) if is_store(word) else image_paths((word,), suffixes=_SUFFIXES[takes.kind], left_out=left_out)
            yield from ((path,) for path in named)
        return
    slices: list[str] = []
    for word in words:
        if os.path.isdir(word) and not is_store(word):  # noqa: PTH112 - as in image_paths
            yield from files_below(Path(word), "volume")
            continue
        for path in (word,) if is_store(word) else image_paths((word,)):
            if is_named_dicom(path):
                slices.append(path)
            else:
                yield (path,)
    if slices:
        yield from volumes_among(sorted(slices))


def tensor_of(item: NumberInput, takes: NumberGeometry, channels: int) -> torch.Tensor | Skipped:
    """Return a sample in unit values, ``(C, T)`` or ``(C,)``, or the reason why it cannot be read."""
    values = item.read()
    values = values if isinstance(values, Skipped) else finite_or_skipped(values, item.name)
    if isinstance(values, Skipped):
        return values
    if values.shape[-1] != channels:
        what = "numbers" if isinstance(takes, RowGeometry) else "channels"
        return Skipped(item.name, f"{values.shape[-1]} {what}, but the network takes {channels}")
    if unit_scale(values.dtype) != unit_scale(takes.raw_dtype) or _is_code(values.dtype, takes):
        return Skipped(item.name, f"{values.dtype} values, but the network was trained on {takes.raw_dtype}")
    return sized(values, takes)


def _is_code(dtype: np.dtype[Any], takes: NumberGeometry) -> bool:
    """Whether a signal of whole numbers, as a recorder gives it, meets a network that was trained on float32, as of recordings.

    Tables count as float64 whatever they hold.
    """
    return takes.kind == "signal" and dtype.kind in "iu" and takes.raw_dtype == "float32"


def _inputs_in(path: str, takes: NumberGeometry, axes: _Axes) -> list[NumberInput]:
    array = path.lower().endswith(_ARRAYS)
    if is_store(path) and not array and not is_table(path):
        columns = takes.columns if isinstance(takes, RowGeometry) else None
        samples = samples_in(path, takes.kind, front_of(takes), columns, channels=axes.channels, layout=axes.layout)
        return [_stored(samples, index, f"{path}[{index}]", takes) for index in range(len(samples))]
    if isinstance(takes, RowGeometry):
        return _table_rows(path, takes, axes, array=array)
    if array and front_of(takes) is None:
        return _rows(path, _array(path, takes, axes))
    if isinstance(takes, VolumeGeometry):
        return [NumberInput(path, lambda: read_volume_or_clip((path,), takes.frames)) if takes.clip else _volume((path,))]
    return [_recording(path, takes, array=array)]


def _recording(path: str, takes: NumberGeometry, *, array: bool) -> NumberInput:
    if array:
        return failed(path, "an array, and no recording, which the network's front end takes")
    if is_table(path):
        return failed(path, "a table: save its signals as an array, .npy or .npz")
    return NumberInput(path, lambda: _heard(path, takes))


def _heard(path: str, takes: NumberGeometry) -> NDArray[Any] | Skipped:
    """A recording, unless it has another sampling rate than those of training and nothing converts it."""
    rate = None if _trained_at(takes) is None else recording_rate(path)
    return _of_other_rate(path, rate, takes) or read_recording(path, front_of(takes))


def _stored(samples: LabelledSamples, index: int, name: str, takes: NumberGeometry) -> NumberInput:
    """One sample of a store, unless it states another sampling rate."""
    strange = _of_other_rate(name, stated_rate(samples.stated(index)), takes)
    return NumberInput(name, partial(samples.read, index) if strange is None else lambda: strange, partial(samples.stated, index))


def _trained_at(takes: NumberGeometry) -> int | None:
    """The sampling rate of the recordings of training; None if it is not known, or a front end converts all rates."""
    return takes.rate if isinstance(takes, SignalGeometry) and front_of(takes) is None else None


def _of_other_rate(name: str, rate: int | None, takes: NumberGeometry) -> Skipped | None:
    """Why a recording of another sampling rate than those of training is not answered; None for one that is."""
    trained_at = _trained_at(takes)
    if trained_at is None or rate in (None, trained_at):
        return None
    return Skipped(name, f"{rate} Hz, but the network was trained on recordings of {trained_at} Hz: resample it")


def _volume(files: tuple[str, ...]) -> NumberInput:
    return NumberInput(files[0], lambda: read_volume_or_clip(files, None), lambda: LabelledVolume(files[0], 0, files[1:]).facts)


def _table_rows(path: str, takes: RowGeometry, axes: _Axes, *, array: bool) -> list[NumberInput]:
    if array:
        return _rows(path, _array(path, takes, axes))
    if not is_table(path):
        return [failed(path, "not a table or array: its name must end in .csv, .tsv, .parquet, .npy or .npz")]
    return _rows(path, _columns(path, takes.columns))


def _columns(path: str, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the columns of a table by their names in training; without a header they must be its only columns."""
    unnamed = all(map(_UNNAMED.fullmatch, names)) and not path.lower().endswith(".parquet") and not read_head(path).has_header
    table = load_table(path)
    chosen = tuple(table.columns) if unnamed and table.width == len(names) else names
    missing = [name for name in chosen if name not in table.columns]
    if missing:
        raise DataError("the columns of training", f"a table without the column {missing[0]!r}", "name a table that has them")
    return doubles(table, chosen, path)


def _array(path: str, takes: NumberGeometry, axes: _Axes) -> NDArray[Any]:
    """Return the samples along the first axis of the file's only array of two or more axes, channels last."""
    try:
        with opened(path) as file:
            loaded = np.load(file, allow_pickle=False)
            every = [loaded] if isinstance(loaded, np.ndarray) else [loaded[name] for name in loaded.files]
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError("an array of numbers", reason_of(error), "save it again") from None
    arrays = [array for array in every if array.ndim > 1]
    if len(arrays) != 1:
        raise DataError("one array of samples", f"{len(arrays)} arrays that could hold samples", "save one of them as .npy")
    values = channels_last(arrays[0], path, axes.layout, axes.channels, signals=takes.kind == "signal").values
    kind = KINDS.get(values.ndim - 1)
    if (kind, takes.kind) == ("vector", "signal"):
        return values[..., None]
    if (kind, takes.kind) == ("signal", "vector") and values.shape[-1] == 1:
        return values[..., 0]
    if kind != takes.kind and (kind, takes.kind) != ("volume", "clip"):
        raise DataError(f"a {takes.kind} per sample", f"a {kind} per sample", "name other data")
    return values


def _rows(path: str, values: NDArray[Any]) -> list[NumberInput]:
    return [NumberInput(f"{path}[{index}]", partial(values.__getitem__, index)) for index in range(len(values))]


def failed(path: str, reason: str) -> NumberInput:
    """An input that cannot be read, for a reason."""
    return NumberInput(path, lambda: Skipped(path, reason))
