"""``tare.drift``: test data that arrived later against a reference, batch by batch, in their order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.comparing.raw_kinds import missing_shares
from tare.comparing.shape import beyond
from tare.comparing.shift import compare_stats
from tare.datasets.parts.opening import open_pooled
from tare.datasets.parts.stated import shards_of
from tare.errors import DataError, SpecError
from tare.measuring.one_pass import enough_read
from tare.measuring.stated.axes import axes_differ
from tare.monitoring.batches import columns_of
from tare.monitoring.evidence.figures import blocks, with_gaps
from tare.monitoring.evidence.neighbours import FEWEST, MOST, NONE, Alike, alike
from tare.monitoring.inputs import DriftRequest
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference, axes_stated, by_names, fitted, grouped
from tare.monitoring.result import Verdict
from tare.samples.layout import by_name, by_place, channel_names
from tare.samples.records import Skipped, along_axes
from tare.sources.arrays.converted import converted
from tare.sources.arrays.whole import stated_nodata
from tare.sources.base import Source
from tare.sources.files.each import foreign_remark, unreadable_remark
from tare.sources.files.numbered import chunks_by_number
from tare.sources.options import Options
from tare.system.options import verb

#: A list of arrays of three axes, of which the first or the last is at most so long, is a list of images.
_PICTURE, _MOST_CHANNELS = 3, 4
#: By chance drift says of one in so many data sets that more lie beyond the reference than chance puts there.
_RARELY = 1e-3
_ORDER = "all samples together show no difference, so it is their order that changed: shuffle data that are sorted, as by class"


@verb(DriftRequest)
def drift(request: DriftRequest) -> Verdict:
    """Test whether data still come from the population of a reference, and say what changed, since when, and what to do.

    ``reference`` is a :class:`Reference`, its file, a run or model directory that carries one, or the training data. ``data``
    are looked at in their order, ``batch`` samples at a time, by a :class:`Monitor`: with probability 1 - ``alpha`` nothing
    is shown where nothing changed. PSI, Kolmogorov-Smirnov and Wasserstein distances are given beside it; with a threshold
    they count as a change, too. So do rows of which more lie beyond all values of the reference than chance puts there.

    Raises :class:`DataError` if nothing can be read, or the data are of another kind than the reference, and :class:`SpecError`
    with ``recover``: :func:`tare.identifying.served.with_recovered` adds the constants to what is returned.
    """
    if request.recover:
        remedy = "call tare.identifying.served.with_recovered(verdict, reference, data) on what drift returns"
        raise SpecError("recover in the command alone", "recover=True", remedy)
    return drifted(request)


def drifted(request: DriftRequest) -> Verdict:
    """Carry out a request; see :func:`drift`."""
    known = reference_of(request)
    looked = _looked(request, known, request.memory, watching=request.memory is None)
    found = _neighbours(looked, known) if request.memory is None else NONE
    if found.figure:  # the same data once more, with fewer independent samples
        looked = _looked(request, known, found.memory(request.batch), watching=False)
    _check_read(looked.monitor, looked.skipped, request)
    verdict = looked.monitor.verdict(known.origin or None, request.factory)
    if verdict.alarm and _is_order_alone(looked.monitor, verdict):
        verdict = replace(verdict, reason=f"{verdict.reason}; {_ORDER}")
    differ = axes_differ(known.facts, grouped(looked.stated), ("the reference", "the data"))
    notes = (*_told(known.remarks, known.stats.skipped, "reference: "), *_told(looked.told, looked.all_skipped), *differ)
    return replace(
        verdict,
        exceeded=(*_exceeded(verdict, request), *_beyond(verdict, looked.monitor, request)),
        notes=(*verdict.notes, *notes),
        neighbours=_said(found, request.batch),
    )


def _told(remarks: Sequence[str], skipped: Sequence[Skipped], of: str = "") -> tuple[str, ...]:
    """Remarks of data, and what of them could not be read or is no sample."""
    return tuple(of + told for told in (*remarks, unreadable_remark(skipped), foreign_remark(skipped)) if told)


@dataclass
class _Looked:
    """A monitor that has seen all data; what was left out, remarks, what axes are, and the levels of the first samples."""

    monitor: Monitor
    all_skipped: list[Skipped] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    stated: set[tuple[str, str]] = field(default_factory=set)
    levels: list[NDArray[np.int8]] = field(default_factory=list)

    @property
    def skipped(self) -> list[Skipped]:
        """The samples that could not be read, without files that are no samples."""
        return [record for record in self.all_skipped if not record.foreign]

    def keep(self, levels: NDArray[np.int64]) -> None:
        """Keep the levels of a batch; of very many samples those of the first."""
        if sum(map(len, self.levels[-1:])) and len(self.levels) * len(self.levels[0]) >= MOST:
            return
        self.levels.append(levels.astype(np.int8))


def _looked(request: DriftRequest, reference: Reference, memory: int | None, *, watching: bool) -> _Looked:
    """Look at all data in their order."""
    looked = _Looked(Monitor(reference, alpha=request.alpha, tolerance=request.tolerance, memory=memory))
    monitor, options = looked.monitor, replace(_options(request), front=reference.front)
    named = request.data if isinstance(request.data, list) and not _is_one_set(request.data, reference) else [request.data]
    found = _all_blocks(named, options, looked)
    for batch in _batches(found, request.batch):
        monitor.count(batch, looked.keep if watching else None)
        if request.progress is not None:
            request.progress(sum(map(len, batch)))
    return looked


def _neighbours(looked: _Looked, reference: Reference) -> Alike:
    """How alike neighbours are among what arrived: they decide, and with few of them the reference does.

    How many count as one is told by both, since the reference holds no change.
    """
    if looked.monitor.state.samples < FEWEST:
        return reference.alike
    found = alike(np.concatenate(looked.levels), reference.figures, changing=True)
    return replace(found, samples=max(found.samples, reference.alike.samples)) if found.figure else found


def _is_order_alone(monitor: Monitor, verdict: Verdict) -> bool:
    """Whether all samples together have the figures and the values of the reference, so that a change is one of their order."""
    if not all(track.live.low <= track.reference <= track.live.high for track in verdict.tracks):
        return False
    known, served = monitor.reference, monitor.served()
    if served is None or missing_shares(known.stats, served):
        return False
    try:
        return compare_stats(known.stats, served, spreads=known.spreads).clean
    except DataError:
        return False


def _said(found: Alike, batch: int) -> str:
    """That neighbours are alike, and what follows, in a sentence; "" where they are not."""
    if not found.figure:
        return ""
    memory = found.memory(batch)
    return (
        f"Neighbouring samples are alike ({found.words()}), so {batch * (memory + 1)} in a row count as one, "
        f"as with --memory {memory}."
    )


def reference_of(request: DriftRequest) -> Reference:
    """The reference of a request: stated, read from a file or directory that carries one, or made of the data.

    Raises :class:`DataError` for data of which more cannot be read than ``max_skipped`` allows.
    """
    given, nodata = request.reference, _nodata(request)
    if isinstance(given, str | os.PathLike) and _carries(Path(given)):
        given = Reference.load(given)
    if not isinstance(given, Reference):
        made = Reference.of(given, _options(request), nodata=nodata, workers=request.workers, progress=request.progress)
        enough_read(made.stats, request.max_skipped)
        return made
    if not {*nodata} <= {*given.taking.nodata}:
        expected = f"the values that mean no data in the reference: {list(given.taking.nodata)}"
        raise DataError(expected, f"--nodata {list(nodata)}", "leave it out, or name the training data as the reference")
    return given


def _is_one_set(data: Sequence[Any], reference: Reference) -> bool:
    """Whether a list holds single samples, such as Pillow's images, rows, or arrays of as many axes as a sample of the reference.

    Arrays of more axes are batches, as are pictures without an axis for their one channel of which there are many.
    """
    shapes = [tuple(getattr(each, "shape", ())) for each in data]
    pictures = [type(each).__module__.startswith("PIL.") for each in data]
    channels = len(reference.taking.channels)
    single = [picture or _is_sample(shape, channels, reference.axes) for picture, shape in zip(pictures, shapes, strict=True)]
    return bool(data) and all(single)


def _is_sample(shape: tuple[int, ...], channels: int, axes: int) -> bool:
    """Whether an array is one sample; without the number of axes of a sample, arrays with a short first or last axis are.

    With the few channels of the reference along the second axis they are batches of signals: no image has so few rows.
    """
    if axes == 1:
        return channels > 1 and shape == (channels,)
    if axes:
        has_axis = channels in (shape[:1] or (0,)) + shape[-1:]
        return 1 < len(shape) < axes or (len(shape) == axes and has_axis)
    of_signals = 1 < channels <= _MOST_CHANNELS and len(shape) == _PICTURE and shape[1] == channels
    return len(shape) == _PICTURE and min(shape[0], shape[2]) <= _MOST_CHANNELS and not of_signals


def _carries(path: Path) -> bool:
    """Whether a path is a reference file, or a directory of tare's."""
    names = ("reference.json", "model/reference.json", "tare.json", "run.json")
    return (path.is_file() and path.suffix == ".json") or any((path / name).is_file() for name in names)


def _options(request: DriftRequest) -> Options:
    columns = (request.columns,) if isinstance(request.columns, str) else request.columns
    return Options(
        request.channels,
        None if columns is None else tuple(columns),
        request.layout,
        request.array,
        pages=request.pages,
        remote=request.allow_remote,
    )


def _nodata(request: DriftRequest) -> tuple[float, ...]:
    stated = request.nodata
    if stated is None:
        return ()
    return tuple(map(float, stated)) if isinstance(stated, Sequence) else (float(stated),)


def _all_blocks(named: Sequence[Any], options: Options, looked: _Looked) -> Iterator[NDArray[Any]]:
    """The samples of all data in their order; what is no sample, remarks and what is stated of axes is added to ``looked``.

    Values that the data state to mean no data are missing ones, whatever those of the reference are.
    """
    taking = looked.monitor.reference.taking
    for data in named:
        source, stored = _opened(data, options, taking.channels)
        looked.told += (*by_name(taking.channels, stored), *_paired(taking.channels, source.channel_names))
        looked.stated |= {*along_axes(source.stated)}
        others = tuple(value for value in stated_nodata(source.stated) if value not in taking.nodata)
        for chunk in chunks_by_number(source, data, of_shards=shards_of(source) is not None):
            records = list(source.read(chunk))
            looked.all_skipped += [record for record in records if isinstance(record, Skipped)]
            looked.stated |= axes_stated(records)
            yield from (fitted(with_gaps(block, others), taking, dtype) for block, dtype in blocks(records))
        looked.told += source.remarks


def _paired(known: tuple[str, ...], names: tuple[str, ...] | None) -> tuple[str, ...]:
    """A remark on channels that are those of the reference by their places alone, since one of both names none of its own."""
    found = channel_names(len(known)) if names is None else names
    return by_place(known, found) if len(found) == len(known) else ()


def _opened(data: Any, options: Options, columns: tuple[str, ...]) -> tuple[Source[Any], tuple[str, ...]]:
    """Data as a source, and the names of its channels as stored, if they are read by these.

    Of a table that has more than the reference's columns, such as labels, only these are read, by name. Bands of rasters are
    read by name in each file, since files may store them in different orders.
    """
    source = converted(open_pooled(data, options), options.channels)
    stored = source.channel_names
    if options.columns is not None or stored is None:
        return source, ()
    wanted = columns_of(stored, columns)
    if wanted is None:
        return by_names(source, data, options), ()
    return open_pooled(data, replace(options, columns=wanted)), stored


def _batches(found: Iterator[NDArray[Any]], size: int) -> Iterator[list[NDArray[Any]]]:
    """The samples in batches of ``size``; the last may be smaller."""
    batch: list[NDArray[Any]] = []
    for block in found:
        for start in _cuts(len(block), size, sum(map(len, batch))):
            batch.append(block[start[0] : start[1]])
            if sum(map(len, batch)) == size:
                yield batch
                batch = []
    if batch:
        yield batch


def _cuts(length: int, size: int, held: int) -> Iterator[tuple[int, int]]:
    """Where a block of ``length`` samples is cut, if ``held`` samples wait in the batch before it."""
    ends = np.arange(size - held, length + size, size)
    start = 0
    for end in ends.tolist():
        if start < length:
            yield start, min(end, length)
        start = end


def _check_read(monitor: Monitor, skipped: list[Skipped], request: DriftRequest) -> None:
    """Raise :class:`DataError` if nothing was read, or less than ``max_skipped`` allows."""
    samples = monitor.state.samples
    if not samples:
        example = f", the first {skipped[0].path!r}: {skipped[0].reason}" if skipped else ""
        raise DataError("at least one readable sample", f"none in {request.data!r}{example}", "check the path")
    share = len(skipped) / (len(skipped) + samples)
    if share > request.max_skipped:
        raise DataError(
            f"at most {request.max_skipped:.2%} unreadable samples",
            f"{len(skipped)} of {len(skipped) + samples}, the first {skipped[0].path!r}: {skipped[0].reason}",
            "repair or remove them, or allow more with --max-skipped",
        )


def _beyond(verdict: Verdict, monitor: Monitor, request: DriftRequest) -> tuple[str, ...]:
    """The columns of rows of which more lie beyond all values of the reference than chance puts there, in words.

    Figures are cut where they are far out, so that a few values say little in them. Of rows whose neighbours are alike, as many
    as are remembered count as one.
    """
    if verdict.alarm or not monitor.reference.taking.rows:
        return ()
    memory = monitor.state.memory
    together = 1 if memory is None else request.batch * (memory + 1)
    rarely = _RARELY / (2 * len(verdict.values))
    sides = ((now, each) for before, now in verdict.values for each in beyond(before, now, together, rarely))
    return tuple(each.words(now, "reference") for now, each in sides)


def _exceeded(verdict: Verdict, request: DriftRequest) -> tuple[str, ...]:
    """The classical distances above their thresholds, in words."""
    limits = {"psi": request.psi, "ks": request.ks, "wasserstein": request.wasserstein}
    return tuple(
        f"{name} of {each.channel} is {getattr(each, name):.3g}, above {limit:g}"
        if getattr(each, name) > limit
        else f"{name} of {each.channel} is not known: no histogram, or a few far values hide all others"
        for name, limit in limits.items()
        if limit is not None
        for each in verdict.distances
        if not getattr(each, name) <= limit
    )
