"""Read and measure dataset1, and decode some of its samples for the network, with labels or without."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.advising.evidence.gathered import Subject
from tare.advising.fed_network import FedNetwork
from tare.checking.gate import allowed_codes
from tare.datasets.files import LabelledFile, LabelledFiles, coloured
from tare.datasets.image_batches import ImageBatches, stacked
from tare.datasets.options import LabelOptions
from tare.datasets.parts.names import says_parts
from tare.datasets.parts.opening import open_pooled
from tare.datasets.signal_batches import NumberGeometry, SignalBatches
from tare.datasets.split import Split, open_split, without_labels
from tare.errors import DataError
from tare.input_spec.geometry import NOUNS, Geometry, RowGeometry, SignalGeometry, SoundGeometry
from tare.measuring.api import measure
from tare.measuring.as_seen import AsSeen
from tare.measuring.one_pass import enough_read, measure_state, stats_of
from tare.measuring.stated.axes import axes_of
from tare.measuring.stated.facts import finite
from tare.networks.stated_images import check_accepts
from tare.networks.stated_numbers import (
    axes_notes,
    check_channels,
    check_column_order,
    check_grey,
    check_source_order,
    check_spec_order,
    chosen_length,
    lengths_of,
    volume_geometry,
)
from tare.samples.layout import unit_scale
from tare.samples.records import Record, Sample, Stack
from tare.sources.arrays.whole import whole
from tare.sources.files.each import foreign_remark, unreadable_remark
from tare.sources.options import Options
from tare.sources.reading import MAX_SKIPPED
from tare.statistics.dataset_stats import DatasetStats
from tare.system.progress import Reporter

#: The most samples that are passed through the network; statistics are of all samples.
MOST = 1000
_WITHOUT = "accuracies cannot be compared, all evidence is without labels"


@dataclass(frozen=True, slots=True)
class Reading:
    """How dataset1 is read: ``labels`` True requires labels, False ignores them, None uses them if there are any.

    With ``compares`` data that cannot be fed under the network's own constants are compared under the other strategies.
    """

    labels: bool | None = None
    max_skipped: float = MAX_SKIPPED
    workers: int = 1
    seed: int = 0
    compares: bool = True


def subject_of(fed: FedNetwork, labelled: LabelOptions, reading: Reading, reporter: Reporter) -> tuple[Subject, tuple[str, ...]]:
    """Read and measure dataset1; the second value is notes on what was read.

    With labels only the training split is used, the one that ``tare transfer`` makes with this seed.
    Raises :class:`DataError` for data that cannot be read, do not fit the network, or lack required labels.
    """
    split, missing = _split(labelled, reading, fed)
    if split is None and fed.network.kind == "image":
        return _unlabelled_images(fed, labelled, reading, missing, reporter)
    note = missing
    if split is not None:
        check_grey(fed.network, split, labelled.bands or fed.bands)
    if split is not None and not missing:
        note = f"labels of {len(split.classes)} classes: the training split of {split.origin}"
    split = split or without_labels(labelled, fed.network.kind, fed.network.taken)
    name = f"the training split of {split.origin}" if len(split.classes) > 1 else split.origin
    source = LabelledFiles(name, split.train, fed.colour, split.channel_names)
    with reporter.counting("reading and measuring", NOUNS[split.kind], len(split.train)) as advance:
        stats = enough_read(stats_of(measure_state(source, reading.workers, advance), source), reading.max_skipped)
    told = check_channels(fed.network, stats)
    fed, found = fed.of_data(stats, compares=reading.compares)
    told += _of_dataset0(fed, stats)
    bad = {item.path for item in stats.unreadable}
    files = tuple(file for file in split.train if file.path not in bad)
    left_out = tuple(remark for remark in split.remarks if "left out" in remark or "read by how" in remark or says_parts(remark))
    fed, more = sized_input(fed, files, stats, reading.workers)
    bad_ones = filter(None, [unreadable_remark(stats.skipped, NOUNS[split.kind])])
    notes = (note, *left_out, *bad_ones, *more, *_thinned(len(files)), *dict.fromkeys(told), *found)
    return labelled_subject(fed, files, stats, reading.seed, reporter), notes


def sized_input(
    fed: FedNetwork, files: Sequence[LabelledFile], stats: DatasetStats, workers: int
) -> tuple[FedNetwork, tuple[str, ...]]:
    """The network with the input shape of the signals or rows at hand, and notes; a network for images is left as it is.

    Short signals are filled with NaN, which becomes zero at the network's input under every strategy. Raises :class:`ModelError`
    if the network does not take that shape, and :class:`DataError` for columns in another order than in training.
    """
    if fed.takes is not None:
        return fed, axes_notes(fed.network, axes_of(stats))
    takes: NumberGeometry
    notes: tuple[str, ...] = ()
    front = fed.network.front
    if front is not None and fed.network.kind == "sound":
        takes = SoundGeometry(front, stats.dtype)
    elif fed.network.kind in ("volume", "clip"):
        takes, notes = volume_geometry(fed.network, fed.size, files, stats.dtype, None, workers)
    elif fed.network.kind == "vector":
        notes = check_column_order(fed.dataset0, [channel.name for channel in stats.channels])
        takes = RowGeometry(tuple(channel.name for channel in stats.channels), stats.dtype)
    else:
        lengths = lengths_of(files, workers)
        length, why = chosen_length(fed.network, fed.length, lengths)
        takes = SignalGeometry(length, None, stats.dtype, front)
        notes = (
            f"signals of {length} steps ({why}); the data have {min(lengths)} to {max(lengths)}: longer signals are cut to their "
            "middle, shorter signals padded with zeros at the network's input",
        )
    check_accepts(fed.network, takes)
    return replace(fed, takes=takes), (*notes, *axes_notes(fed.network, axes_of(stats)))


def labelled_subject(
    fed: FedNetwork, files: Sequence[LabelledFile], stats: DatasetStats, seed: int, reporter: Reporter
) -> Subject:
    """Training samples as the network takes them (images decoded and resized): at most :data:`MOST`, chosen by ``seed``."""
    chosen = [files[place] for place in _chosen(len(files), seed)]
    assert fed.takes is not None  # noqa: S101 - sized_input set it for signals and rows
    batches: ImageBatches | SignalBatches
    if isinstance(fed.takes, Geometry):
        batches = ImageBatches(chosen, fed.takes, fed.colour, None, seed)
    else:
        batches = SignalBatches(chosen, fed.takes, seed)
    decoded = []
    with reporter.counting("decoding for the network", NOUNS[fed.takes.kind], len(chosen)) as advance:
        for place in range(len(chosen)):
            decoded.append(batches[place])
            advance(1)
    samples, wanted = stacked(decoded)
    names, labels = np.unique(wanted.numpy(), return_inverse=True)
    known = labels.astype(np.int64) if len(names) > 1 else None
    return _subject(fed, stats, samples, known)


def _split(labelled: LabelOptions, reading: Reading, fed: FedNetwork) -> tuple[Split | None, str]:
    """The split with labels and an empty text, or None and the reason."""
    if reading.labels is False:
        return None, f"labels are ignored: {_WITHOUT}"
    try:
        split = open_split(labelled, reading.seed, fed.network.kind, fed.network.taken, fed.bands)
        if split.has_classes:
            return split, ""
        return split.without_targets(), f"the labels are of --task {split.task}, which are no classes: {_WITHOUT}"
    except DataError as error:
        if reading.labels or (labelled.label, labelled.label_pattern) != (None, None):
            raise
        return None, f"no labels (expected {error.expected}, found {error.found}): {_WITHOUT}"


def _unlabelled_images(
    fed: FedNetwork, labelled: LabelOptions, reading: Reading, missing: str, reporter: Reporter
) -> tuple[Subject, tuple[str, ...]]:
    """Measure all images of a source, and decode some of them for the network."""
    geometry = fed.takes
    assert isinstance(geometry, Geometry)  # noqa: S101 - the network takes images
    data = labelled.data
    options = Options(fed.colour, layout=labelled.layout, array=labelled.array, turned=True, remote=labelled.allow_remote)
    bands = labelled.bands
    if bands is None and fed.bands is not None and open_pooled(data, options).channel_names is not None:
        bands = fed.bands
    options = replace(options, columns=None if bands is None else tuple(bands))
    with reporter.counting("reading and measuring", "images") as advance:
        stats = measure(
            data,
            channels=fed.colour,
            columns=bands,
            layout=labelled.layout,
            array=labelled.array,
            allow_remote=labelled.allow_remote,
            max_skipped=reading.max_skipped,
            progress=advance,
        )
    finite(stats)
    told = check_spec_order(fed.network, [channel.name for channel in stats.channels])
    found: tuple[str, ...] = ()
    if len(stats.channels) == fed.network.channels:  # others are refused when all is read
        fed, found = fed.of_data(stats, compares=reading.compares)
        told += _of_dataset0(fed, stats)
    border = fed.constants.convention().border(stats.dtype) if geometry.crop_mode == "border" else None
    source = AsSeen(whole(open_pooled(data, options)), geometry, border)
    indexed = source.indexed()
    records: Iterable[Record]
    if indexed is None:
        records = (record for chunk in source.chunks() for record in source.read(chunk))
    else:
        records = (record for place in _chosen(indexed.number, reading.seed) for record in indexed.read(place))
    values: list[NDArray[Any]] = []
    try:
        for record in records:
            values += _images(record, fed)
            if len(values) >= MOST:
                break
    except DataError as error:  # samples that cannot be resized and cropped
        raise DataError("images, as the network takes them", error.found, "name a folder or file of images") from None
    if not values:
        raise DataError("at least one readable image", f"none in {labelled.name!r}", "check the path")
    samples = stacked([(_tensor(value), 0) for value in values[:MOST]])[0]
    return _subject(fed, stats, samples, None), (
        missing,
        *filter(says_parts, stats.extra.get("remarks", ())),
        *filter(None, [foreign_remark(stats.skipped), unreadable_remark(stats.skipped, NOUNS["image"])]),
        *_thinned(stats.samples),
        *dict.fromkeys(told),
        *found,
    )


def _of_dataset0(fed: FedNetwork, stats: DatasetStats) -> tuple[str, ...]:
    """A remark on channels that the statistics of dataset0 call otherwise; raises :class:`DataError` for another order."""
    return () if fed.dataset0 is None else check_source_order(fed.dataset0, stats)


def _images(record: Record, fed: FedNetwork) -> list[NDArray[Any]]:
    if isinstance(record, Sample):
        return [coloured(record.values, fed.colour)]
    if isinstance(record, Stack):
        return [coloured(image, fed.colour) for image in record.values]
    return []


def _tensor(values: NDArray[Any]) -> torch.Tensor:
    kept = values if values.dtype == np.uint8 else (values * np.float32(unit_scale(values.dtype))).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(kept, -1, 0)))


def _subject(fed: FedNetwork, stats: DatasetStats, samples: torch.Tensor, labels: NDArray[np.int64] | None) -> Subject:
    network = fed.network
    if len(stats.channels) != len(fed.constants.mean):
        found = f"{len(stats.channels)} in {stats.source!r}"
        raise DataError(f"images with {len(fed.constants.mean)} channels, as the network takes", found, "name other data")
    _of_dataset0(fed, stats)
    return Subject(
        network.module,
        network.head,
        fed.constants,
        fed.dataset0,
        stats,
        samples,
        labels,
        head_trained=network.head_trained,
        spec=fed.spec,
        allow=allowed_codes(fed.allow),
        own=fed.own,
    )


def _chosen(count: int, seed: int) -> list[int]:
    """At most :data:`MOST` sample numbers in a seeded order."""
    return [int(place) for place in np.random.default_rng((seed, 12)).permutation(count)[:MOST]]


def _thinned(count: int) -> tuple[str, ...]:
    if count <= MOST:
        return ()
    return (f"{MOST:,} of {count:,} samples, drawn by the seed, are passed through the network; statistics are of all samples",)
