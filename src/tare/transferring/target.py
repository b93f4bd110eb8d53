"""The target's data: its split, the statistics of the training split, and digests that identify the data."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.checking.rules.feed import same_kind
from tare.datasets.files import LabelledFile, LabelledFiles
from tare.datasets.held_out.opening import HeldOut, open_test
from tare.datasets.held_out.overlap import check_disjoint, copies
from tare.datasets.masks.pairs import MaskFile
from tare.datasets.options import LabelOptions
from tare.datasets.split import Split
from tare.errors import DataError
from tare.input_spec.geometry import NOUNS
from tare.measuring.mapped.logarithms import with_logarithms
from tare.measuring.one_pass import enough_read, measure_state, stats_of
from tare.measuring.stated.axes import axes_of_state, several_axes, untrained_axes
from tare.normalisation.names import Strategy
from tare.samples.modes import ColourMode
from tare.samples.records import Sample, Skipped
from tare.sources.files.each import unreadable_remark
from tare.statistics.dataset_stats import DatasetStats
from tare.system.local.opened import Identity, identity_of
from tare.system.progress import Reporter


@dataclass(frozen=True, slots=True)
class Target:
    """The measured data: split, statistics of the training split, and digests that differ for other data.

    ``test`` are samples that are scored once, with the weights that are kept. ``seen`` says what the file of each sample was when
    it was measured, and has a hash of its values.
    """

    split: Split
    stats: DatasetStats
    digests: dict[str, Any]
    notes: tuple[str, ...]
    test: HeldOut | None = None
    seen: Mapping[str, tuple[Identity, bytes]] = field(default_factory=dict)

    @property
    def judged(self) -> tuple[LabelledFile, ...]:
        """The samples that the network is judged on: validation, then test."""
        return (*self.split.val, *(self.test.files if self.test else ()))

    def check_unchanged(self, colour: ColourMode) -> None:
        """Raise :class:`DataError` for a sample or mask that has other values by now than when it was measured."""
        for file in (*self.split.train, *self.judged):
            mask = file.label if isinstance(file.label, MaskFile) else None
            if mask is not None and self._was_written(mask.path) and _of_mask(mask) != self.seen[mask.path][1]:
                raise _changed(mask.path)
            if self._was_written(file.path) and _hash(file.read(colour)) != self.seen[file.path][1]:
                raise _changed(file.path)

    def _was_written(self, path: str) -> bool:
        """Whether a file was written since it was measured, with whatever values."""
        return path in self.seen and _identity(path) != self.seen[path][0]

    def with_logarithms(self, strategy: Strategy, colour: ColourMode, workers: int) -> Target:
        """The same with the moments of the logarithms that ``strategy`` needs, measured if they are not known yet."""
        source = _source("training", self.split, self.split.train, colour)
        return replace(self, stats=with_logarithms(self.stats, strategy, source, workers))


@dataclass(frozen=True)
class _Hashed(LabelledFiles):
    """Files that are hashed as they are read."""

    hashes: dict[int, bytes] = field(default_factory=dict)
    seen: dict[str, tuple[Identity, bytes]] = field(default_factory=dict)

    def read_item(self, item: LabelledFile) -> Sample | Skipped:
        """Decode one file, and keep a hash of its values."""
        identity = _identity(item.path)
        record = super().read_item(item)
        if isinstance(record, Sample):
            if isinstance(item.label, MaskFile) and (of_mask := _identity(item.label.path)) is not None:
                self.seen[item.label.path] = of_mask, _of_mask(item.label)
            self.hashes[id(item)] = _hash(record.values)
            if identity is not None:
                self.seen[item.path] = identity, self.hashes[id(item)]
        return record


def _identity(path: str) -> Identity | None:
    """What a file is by its status; None for a sample that is no file of its own."""
    try:
        return identity_of(os.stat(path))
    except (OSError, ValueError):
        return None


def _changed(path: str) -> DataError:
    found = f"{path!r} with other values than when it was measured, or none"
    return DataError("samples that stay what they were while a network trains", found, "restore it, or start again")


def _of_mask(mask: MaskFile) -> bytes:
    return mask.digest().encode()


def _hash(values: NDArray[Any] | Skipped) -> bytes:
    """A hash of the values of a sample; b"" if it cannot be read."""
    if isinstance(values, Skipped):
        return b""
    hashed = hashlib.sha256(repr((values.shape, values.dtype.name)).encode())
    hashed.update(np.ascontiguousarray(values).data)
    return hashed.digest()


def _source(name: str, split: Split, files: Sequence[LabelledFile], colour: ColourMode, origin: str | None = None) -> _Hashed:
    return _Hashed(f"the {name} split of {origin or split.origin}", tuple(files), colour, split.channel_names)


def measured(
    split: Split,
    labelled: LabelOptions,
    colour: ColourMode,
    workers: int,
    max_skipped: float,
    *,
    reporter: Reporter,
    tested: Any = None,
) -> Target:
    """Measure the training split, read the validation split and the data ``tested``, and leave out unreadable files.

    Raises :class:`DataError` if more than the share ``max_skipped`` is unreadable, and for a test that shares samples with the
    others or has other raw values.
    """
    noun = NOUNS[split.kind]
    test = None if tested is None else open_test(tested, labelled, split)
    parts = {"training": split.train, "validation": split.val, **({"test": test.files} if test else {})}
    origins = {"test": test.origin} if test else {}
    sources = [_source(name, split, files, colour, origins.get(name)) for name, files in parts.items()]
    total = sum(map(len, parts.values()))
    with reporter.counting("reading and measuring", noun, total) as advance:
        states = [measure_state(source, max(1, workers), advance) for source in sources]
    stats = enough_read(stats_of(states[0], sources[0]), max_skipped)
    bad = [item for state in states for item in state.skipped]
    if len(bad) > max_skipped * total:
        by_number = "choose bands by number with --bands, " if split.kind == "image" and split.channel_names else ""
        raise DataError(
            f"at most {max_skipped:.2%} unreadable {noun}",
            f"{len(bad)} of {total}, the first {bad[0].path!r}: {bad[0].reason}",
            f"repair or remove them, {by_number}or allow more with --max-skipped",
        )
    notes = (
        *split.remarks,
        *several_axes(axes_of_state(*states[:2])),
        *filter(None, [unreadable_remark(bad, noun), stats.crowding]),
        *copies(split.train, split.val, split.kind),
    )
    split = split.without(bad) if bad else split
    val = stats_of(states[1], sources[1])
    if not same_kind(stats.dtype, val.dtype) or len(stats.channels) != len(val.channels):
        raise _other_raw("validation", stats, val, split.origin)
    seen = {path: known for source in sources for path, known in source.seen.items()}
    digests = {
        **_where(labelled),
        "files": _digest((split.train, split.val), seen),
        f"training {noun}": _moments(stats),
        f"validation {noun}": _moments(val),
        "values of files": _values(sources[:2]),
    }
    if test is None:
        return Target(split, stats, digests, notes, seen=seen)
    other = tuple(f"test: {told}" for told in untrained_axes(axes_of_state(states[0]), axes_of_state(states[2])))
    kept = replace(
        test,
        remarks=(*test.remarks, *other),
        files=tuple(file for file in test.files if file.path not in {item.path for item in bad}),
    )
    of_test = stats_of(states[2], sources[2])
    _check_raw(stats, of_test, test.origin)
    digests |= {"test": test.origin, "test files": _digest((kept.files,), seen), f"test {noun}": _moments(of_test)}
    digests["values of test files"] = _values(sources[2:])
    return Target(split, stats, digests, notes + _told(kept, split, colour, workers, reporter), kept, seen)


def _told(test: HeldOut, split: Split, colour: ColourMode, workers: int, reporter: Reporter) -> tuple[str, ...]:
    """What is to be said of the test; raises :class:`DataError` if it shares samples with the other splits."""
    known = (*split.train, *split.val)
    with reporter.counting("looking for test samples among the others", NOUNS[split.kind], len(known) + len(test.files)) as step:
        shared = check_disjoint(known, test.files, split.kind, colour, workers, step)
    absent = (f"the test has no sample of {', '.join(test.absent[:5])}",) if test.absent else ()
    return test.remarks + shared + absent


def _check_raw(train: DatasetStats, test: DatasetStats, where: str) -> None:
    """Raise :class:`DataError` for test samples of another raw type or number of channels than the training samples."""
    if (train.dtype, len(train.channels)) != (test.dtype, len(test.channels)):
        raise _other_raw("test", train, test, where)


def _other_raw(part: str, train: DatasetStats, other: DatasetStats, where: str) -> DataError:
    """An error for samples of another raw type or number of channels than the training samples."""
    expected = f"{part} samples of {len(train.channels)} channels of {train.dtype}, as in training"
    found = f"{len(other.channels)} of {other.dtype} in {where!r}"
    return DataError(expected, found, "convert them as the training samples were")


def _where(labelled: LabelOptions) -> dict[str, Any]:
    """What names the data and its labels; what is absent was not known to earlier runs."""
    where: dict[str, Any] = {
        "data": labelled.name,
        "label": labelled.label,
        "label_pattern": labelled.label_pattern,
        "array": labelled.array,
        "task": labelled.task,
        **({} if labelled.class_names is None else {"class_names": labelled.class_names}),
        **({} if labelled.ignore is None else {"ignore": labelled.ignore}),
        **({} if labelled.layout is None else {"layout": labelled.layout}),
    }
    return where | ({} if labelled.bands is None else {"bands": list(labelled.bands)})


def _moments(stats: DatasetStats) -> str:
    """Return exact statistics in one line, so that other pixels under the same file names are recognised as other data."""
    return f"{stats.samples} with mean {', '.join(map(repr, stats.mean))} and std {', '.join(map(repr, stats.std))}"


def _digest(parts: tuple[tuple[LabelledFile, ...], ...], seen: Mapping[str, tuple[Identity, bytes]]) -> str:
    """A hash of the files and their labels; of masks, which lie in files of their own, of what those hold."""

    def of_label(label: Any) -> list[str]:
        if not isinstance(label, MaskFile):
            return [repr(label)]
        return [repr(label), seen[label.path][1].decode() if label.path in seen else label.digest()]

    listing = json.dumps([[file.path, file.label] for part in parts for file in part], default=of_label)
    return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()


def _values(sources: Sequence[_Hashed]) -> str:
    """A hash of the values of all files in their order, which differs where two have exchanged their names."""
    hashes = (source.hashes.get(id(file), b"") for source in sources for file in source.files)
    return hashlib.sha256(b"".join(hashes)).hexdigest()
