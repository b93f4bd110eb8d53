"""``tare.measure``: one exact pass over the data, with the same result for any number of workers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tare.datasets.parts.opening import open_pooled
from tare.datasets.tasks import check_one_kind
from tare.errors import DataError
from tare.input_spec.formats.front_end import front_end_of, remark_of
from tare.measuring.checkpoint import Checkpoint
from tare.measuring.clusters import in_clusters, with_cluster_errors
from tare.measuring.inputs import MeasureRequest
from tare.measuring.left_out import LEFT_OUT, Foreground, WithoutNodata, checked_nodata
from tare.measuring.one_pass import Reduce, enough_read, measure_state, stats_of
from tare.measuring.random_draws import draw
from tare.measuring.stated.facts import with_facts
from tare.measuring.stated.nodata import nodata_remarks
from tare.measuring.stopping import StoppingRule
from tare.samples.raw_kind import Known
from tare.samples.transparency import background_of
from tare.sources.arrays.converted import converted
from tare.sources.arrays.masked import HIDDEN
from tare.sources.arrays.whole import stated_nodata, whole
from tare.sources.base import Source
from tare.sources.files.picture_masks import OUTSIDE
from tare.sources.hf_dataset import fingerprint_of
from tare.sources.options import Options
from tare.statistics.dataset_stats import DatasetStats
from tare.statistics.state import DatasetState
from tare.system.engines.local import default_workers
from tare.system.options import verb
from tare.system.progress import expect


@verb(MeasureRequest)
def measure(request: MeasureRequest) -> DatasetStats:
    """Measure per-channel statistics of a dataset, in unit values ([0, 1] for 8- and 16-bit integers, else unchanged).

    ``data`` is a folder, file, pattern or fsspec URL, an array, tensor or Pillow image, a list of one of these, a table, a torch
    dataset or loader, or a Hugging Face dataset. Files hold images, scenes, volumes, recordings, videos, arrays, tables or
    archives (docs/reference/formats.md); ``FILE#ARRAY`` names one array of several. With ``as_seen`` a note in
    ``extra["notes"]`` counts images whose EXIF orientation is not applied, unless ``exif`` is "apply"; another one counts images
    with alpha. The result is the same to the last bit for any ``engine`` and number of ``workers``. A ``checkpoint`` is written
    every 30 seconds. With ``tolerance`` all means and stds hold simultaneously (:mod:`tare.measuring.stopping`);
    ``extra["sampled"]`` records how many samples that took.

    Mean and std are pooled over all values of all samples (population, ddof 0) and exact for 8-bit and 16-bit integers;
    standard errors count samples, or clusters of samples with ``cluster``. A channel with NaN or infinities has mean and std
    NaN, unless ``exclude_nan``. ``extra["facts"]`` holds what the files state of their values; samples whose units, scale or
    spacing differ are refused.

    Raises :class:`DataError` if there is nothing to measure, and :class:`TooManySkippedError`, which carries the statistics
    of the readable samples, if the share of unreadable samples is above ``max_skipped``.
    """
    return measured(request)


def measured(request: MeasureRequest) -> DatasetStats:
    """Carry out a request; see :func:`measure`."""
    parts = _prepared(request)
    source, extra = parts.source, dict(parts.extra)
    if request.tolerance is not None:
        state, extra["sampled"] = _drawn(request, request.tolerance, source)
        return replace(parts, extra=extra).statistics(state)
    place, asked = request.checkpoint, {**asdict(parts.options), **extra}
    asked |= {"nodata": list(parts.nodata), "cluster": request.cluster}
    kept = None if place is None else _checkpoint(Path(place), request.data, source, asked)
    expect(request.progress, source.number)
    with nullcontext() if kept is None else kept.held():
        state = measure_state(source, request.workers, request.progress, engine=request.engine, checkpoint=kept)
        return parts.statistics(state)


def _checkpoint(place: Path, data: Any, source: Source[Any], asked: Mapping[str, Any]) -> Checkpoint:
    places = data if isinstance(data, list | tuple) else (data,)
    of_objects = not all(isinstance(each, str | os.PathLike) for each in places)
    return Checkpoint(place, source, asked, of_objects=of_objects, fingerprint=fingerprint_of(data))


@dataclass(frozen=True)
class Parts:
    """A measurement in pieces, for a cluster of your own: chunks, the function that measures one, and what their sum says."""

    request: MeasureRequest
    source: Source[Any]
    options: Options
    nodata: tuple[float, ...]
    extra: Mapping[str, Any]

    def chunks(self) -> Iterator[Any]:
        """The chunks of the data, always cut at the same places; each can be pickled."""
        return self.source.chunks()

    @property
    def reduce(self) -> Reduce:
        """The function from a chunk to its state; it can be pickled, and so can the states."""
        return Reduce(self.source)

    def statistics(self, state: DatasetState) -> DatasetStats:
        """The statistics of the merged states of all chunks. Raises what :func:`measure` raises."""
        request, nodata = self.request, self.nodata
        stats = stats_of(state, self.source, exclude_nan=request.exclude_nan, colours=request.pages != "channels")
        if nodata or request.mask is not None or HIDDEN in state.notes:
            _check_left(stats, nodata, stated_nodata(self.source.stated), masked=request.mask is not None)
        remarks = [*self.source.remarks, *_remarks(self.options, nodata, state, stats)]
        if request.mask is not None and OUTSIDE not in state.notes:
            remarks.append("no value lies outside its mask, so that --mask left nothing out")
        stats = replace(stats, extra={**stats.extra, **self.extra, **({"remarks": remarks} if remarks else {})})
        stats = replace(stats, nodata=Known(nodata, "user")) if nodata else stats
        stats = with_facts(stats, state, self.source.stated, mixed_spacing=request.mixed_spacing)
        return enough_read(with_cluster_errors(stats, state), request.max_skipped)


@verb(MeasureRequest)
def parts_of(request: MeasureRequest) -> Parts:
    """Prepare what :func:`measure` does, in pieces that any cluster can run (docs/merge.md); takes the same options.

    Raises :class:`DataError` for a random sample or a checkpoint, which need one process that sees all chunks.
    """
    if request.tolerance is not None or request.checkpoint is not None:
        raise DataError("parts without a random sample or a checkpoint", "one of these options", "leave it out, or use measure")
    return _prepared(request)


def _prepared(request: MeasureRequest) -> Parts:
    source, options, extra = _opened(request)
    source = in_clusters(source, request.cluster)
    # A resize mixes values: samples that hold such ones were left out before it, and equal ones behind it are others.
    nodata, of_data = _nodata(request), () if request.as_seen is not None else stated_nodata(source.stated)
    return Parts(request, WithoutNodata(source, nodata, of_data) if nodata or of_data else source, options, nodata, extra)


def _opened(request: MeasureRequest) -> tuple[Source[Any], Options, dict[str, Any]]:
    """The source that a request names, the options that it is read with, and what the statistics record of both."""
    columns, as_seen = request.columns, request.as_seen
    named = (columns,) if isinstance(columns, str) else None if columns is None else tuple(columns)
    background = background_of(request.alpha, request.background)
    mask = None if request.mask is None else os.fspath(request.mask)
    turned = None if as_seen is None and request.mask is None else request.exif == "apply"
    heard = None if as_seen is None else front_end_of(as_seen)
    front = None if heard is None else heard[0]
    options = Options(
        request.channels,
        named,
        request.layout,
        request.array,
        turned,
        background,
        request.pages,
        mask,
        front=front,
        remote=request.allow_remote,
    )
    if isinstance(request.data, str | os.PathLike) and os.path.isdir(request.data):  # noqa: PTH112 - what may not be seen is told later
        check_one_kind(Path(request.data), masked=mask is not None)
    source = converted(open_pooled(request.data, options), options.channels)
    extra: dict[str, Any] = {}
    if heard is not None:
        extra["as_seen"] = {"front_end": heard[0].to_json(), "origin": heard[1]}
    elif as_seen is not None:
        source, extra["as_seen"] = _seen(source, as_seen)
    if mask is not None:
        source = source if source.applies_mask else Foreground.of(source, mask)
        extra["mask"] = mask
    return source, options, extra


def _drawn(request: MeasureRequest, tolerance: float, source: Source[Any]) -> tuple[DatasetState, dict[str, Any]]:
    """A random sample. Raises :class:`DataError` for options that it does not go with."""
    if request.engine != "local" or request.checkpoint is not None:
        raise DataError(
            "a random sample without an engine or a checkpoint", "one of these options", "leave it out, or measure all data"
        )
    if request.cluster is not None:
        raise DataError("a random sample of independent samples", "--cluster", "measure all of it, without --sample")
    if request.pages == "samples":
        raise DataError("a random sample of files with one sample each", "--pages samples", "measure all of it, without --sample")
    rule, workers = StoppingRule(tolerance, request.confidence), request.workers or default_workers()
    return draw(source, rule, request.seed, workers, request.progress)


def _nodata(request: MeasureRequest) -> tuple[float, ...]:
    """The raw values to leave out. Raises :class:`DataError` for NaN, and beside a resize, which would mix them with others."""
    stated = request.nodata
    if request.as_seen is not None and (stated is not None or request.mask is not None):
        name = "--nodata" if stated is not None else "--mask"
        raise DataError(f"{name} or --as-seen", "both: a resize mixes values that are left out with others", "leave one out")
    if stated is None:
        return ()
    return checked_nodata(stated)


def _remarks(options: Options, nodata: tuple[float, ...], state: DatasetState, stats: DatasetStats) -> Sequence[str]:
    """What a network's extractor does with the values afterwards, or what could mean no data."""
    if options.front is not None:
        return [remark_of(options.front)]
    remarks = _nothing_left_out(state, nodata) if nodata else nodata_remarks(state, stats)
    return remarks or list(filter(None, [stats.crowding]))  # values that mean no data lie far from all others, too


def _nothing_left_out(state: DatasetState, nodata: tuple[float, ...]) -> list[str]:
    """A remark if no value of the data was one of those to leave out."""
    values = " or ".join(f"{value:g}" for value in nodata)
    return [] if LEFT_OUT in state.notes else [f"no value is exactly {values}, so that --nodata left nothing out"]


def _check_left(stats: DatasetStats, nodata: tuple[float, ...], of_data: tuple[float, ...], *, masked: bool) -> None:
    """Raise :class:`DataError` if a channel has no value left."""
    bare = [channel.name for channel in stats.channels if not channel.count and not channel.nan and not channel.inf]
    if not bare:
        return
    found = f"none in {', '.join(bare[:5])} of {stats.source!r}"
    if nodata:
        values = ", ".join(f"{value:g}" for value in dict.fromkeys((*nodata, *of_data)))
        raise DataError("values beside those that mean no data", f"{found} without {values}", "check --nodata")
    if masked:
        raise DataError("values beside those that mean no data", f"{found} inside the masks", "check --mask")
    raise DataError("values that no mask hides", found, "check the mask of the array")


def _seen(source: Source[Any], stated: Any) -> tuple[Source[Any], dict[str, Any]]:
    """The source after a network's resize and crop, which take every value of a sample, and a record of both."""
    from tare.measuring.as_seen import as_seen

    return as_seen(whole(source), stated)
