"""What advice starts from: the network, its constants, dataset0's statistics, and dataset1's samples as it takes them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.advice_evidence import Subject
from tare.as_seen import AsSeen
from tare.catalog import pooled_of
from tare.comparison import stats_from
from tare.dataset_stats import DatasetStats
from tare.decode import ColourMode
from tare.errors import DataError, ModelError, SpecError
from tare.geometry import NOUNS, Geometry
from tare.image_batches import ImageBatches, stacked
from tare.input_spec import InputSpec
from tare.labelled import Labelled, LabelledFile, LabelledFiles, Split, coloured, open_split
from tare.layout import unit_scale
from tare.measuring import MAX_SKIPPED, checked, measure, measure_state, stats_of
from tare.networks import Network, built_for
from tare.progress import Reporter
from tare.records import Record, Sample, Stack
from tare.source_network import source_network, source_statistics
from tare.sources.opening import open_source
from tare.sources.options import Options
from tare.stated_input import check_accepts, colour_of, geometry_of, source_constants
from tare.stated_spec import Spec, with_spec
from tare.strategies import Constants

#: So many samples are passed through the network at most; statistics are those of all.
MOST = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Fed:
    """A network ready to be fed: its constants, the statement they come from, its geometry, colours, and remarks."""

    network: Network
    constants: Constants
    spec: InputSpec
    geometry: Geometry
    colour: ColourMode
    dataset0: DatasetStats | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """How the user names the network and what it does not say itself; the fields are those of ``tare.transfer``."""

    model: str
    weights: str = "pretrained"
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    source_stats: Any = None
    size: int | None = None
    interpolation: str | None = None
    crop: float | None = None
    spec: Spec | None = None


def fed_network(asked: Asked, seed: int) -> Fed:
    """Build the network and find out how it is fed.

    Raises :class:`ModelError` if it cannot be built or takes no images, :class:`SpecError` if nobody states its constants.
    """
    if built_for(asked.model) is not None:
        raise ModelError("a pretrained network for images", f"{asked.model!r}, built for signals or rows", "name another --model")
    network = with_spec(source_network(asked.model, asked.weights, seed), asked.spec, asked.mean, asked.std)
    if network.kind != "image":
        raise ModelError("a network for images", f"{asked.model!r}, which takes {NOUNS[network.kind]}", "name another --model")
    network.module.eval()
    found, spec = source_constants(network, asked.mean, asked.std, "none")
    if found is None:
        reason = next(str(getattr(field, "reason", "")) for field in (spec.mean, spec.std) if hasattr(field, "reason"))
        raise SpecError("the mean and std that the network was trained with", f"nobody stated them ({reason})",
                        "state them with --mean and --std")  # fmt: skip
    geometry, notes = geometry_of(network, asked.size, asked.interpolation, asked.crop)
    colour = colour_of(network)
    check_accepts(network, geometry)
    dataset0 = dataset0_of(found, asked.source_stats, asked.model, asked.weights)
    return Fed(network, found, spec, geometry, colour, dataset0, network.notes + notes)


def dataset0_of(
    constants: Constants, stated: str | os.PathLike[str] | DatasetStats | None, model: str, weights: str
) -> DatasetStats | None:
    """Dataset0's statistics: as stated (a file, a catalog name or data), as the run ``model`` measured, as published, or None.

    Raises :class:`DataError` if those stated have another number of channels than the network.
    """
    if stated is not None:
        stats = stats_from(stated)
    else:
        entry = pooled_of(constants)
        found = source_statistics(model, weights) or (entry.stats() if entry is not None else None)
        if found is None:
            return None
        stats = found
    if len(stats.channels) != len(constants.mean):
        wanted = f"statistics of dataset0 with {len(constants.mean)} channels, as the network has"
        raise DataError(wanted, f"{len(stats.channels)} in {stats.source!r}", "name those of the network's own training data")
    return stats


@dataclass(frozen=True, slots=True)
class Reading:
    """How dataset1 is read: with ``labels``, without, or (None) where there are any."""

    labels: bool | None = None
    max_skipped: float = MAX_SKIPPED
    workers: int = 1
    seed: int = 0


def subject_of(fed: Fed, labelled: Labelled, reading: Reading, reporter: Reporter) -> tuple[Subject, tuple[str, ...]]:
    """Read and measure dataset1, and say what was done.

    With labels the training split is used, as ``tare transfer`` splits with this seed, and nothing of the validation data.
    Raises :class:`DataError` for data that cannot be read, or labels that were asked for and are not there.
    """
    split = _split(labelled, reading)
    if split is None:
        return _unlabelled(fed, labelled, reading, reporter)
    source = LabelledFiles(f"the training split of {split.origin}", split.train, fed.colour)
    with reporter.counting("reading and measuring", "images", len(split.train)) as advance:
        stats = checked(stats_of(measure_state(source, reading.workers, advance), source), reading.max_skipped)
    bad = {item.path for item in stats.unreadable}
    files = tuple(file for file in split.train if file.path not in bad)
    notes = (f"labels of {len(split.classes)} classes: the training split of {split.origin}",)
    return labelled_subject(fed, files, stats, reading.seed, reporter), notes + _thinned(len(files))


def labelled_subject(fed: Fed, files: Sequence[LabelledFile], stats: DatasetStats, seed: int, reporter: Reporter) -> Subject:
    """Training files, decoded and resized as the network takes them: at most :data:`MOST`, chosen by ``seed``."""
    chosen = [files[place] for place in _chosen(len(files), seed)]
    images = ImageBatches(chosen, fed.geometry, fed.colour, None, seed)
    decoded = []
    with reporter.counting("decoding for the network", "images", len(chosen)) as advance:
        for place in range(len(chosen)):
            decoded.append(images[place])
            advance(1)
    samples, wanted = stacked(decoded)
    names, labels = np.unique(wanted.numpy(), return_inverse=True)
    known = labels.astype(np.int64) if len(names) > 1 else None
    return _subject(fed, stats, samples, known)


def _split(labelled: Labelled, reading: Reading) -> Split | None:
    if reading.labels is False:
        return None
    try:
        return open_split(labelled, reading.seed)
    except DataError:
        if reading.labels or (labelled.label, labelled.label_pattern) != (None, None):
            raise
        return None


def _unlabelled(fed: Fed, labelled: Labelled, reading: Reading, reporter: Reporter) -> tuple[Subject, tuple[str, ...]]:
    """Measure all samples of any source, and keep some of them as the network takes them."""
    data, options = labelled.data, Options(fed.colour, array=labelled.array, turned=True)
    with reporter.counting("reading and measuring", "images") as advance:
        stats = measure(data, channels=fed.colour, array=labelled.array, max_skipped=reading.max_skipped, progress=advance)
    source = AsSeen(open_source(data, options), fed.geometry)
    indexed = source.indexed()
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
    notes = ("no labels: accuracies cannot be compared, all evidence is without them",)
    return _subject(fed, stats, samples, None), notes + _thinned(stats.samples)


def _images(record: Record, fed: Fed) -> list[NDArray[Any]]:
    if isinstance(record, Sample):
        return [coloured(record.values, fed.colour)]
    if isinstance(record, Stack):
        return [coloured(image, fed.colour) for image in record.values]
    return []


def _tensor(values: NDArray[Any]) -> torch.Tensor:
    kept = values if values.dtype == np.uint8 else (values * np.float32(unit_scale(values.dtype))).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(kept, -1, 0)))


def _subject(fed: Fed, stats: DatasetStats, samples: torch.Tensor, labels: NDArray[np.int64] | None) -> Subject:
    network = fed.network
    if len(stats.channels) != len(fed.constants.mean):
        found = f"{len(stats.channels)} in {stats.source!r}"
        raise DataError(f"images with {len(fed.constants.mean)} channels, as the network takes", found, "name other data")
    return Subject(network.module, network.head, fed.constants, fed.dataset0, stats, samples, labels)


def _chosen(count: int, seed: int) -> list[int]:
    """At most :data:`MOST` places in a seeded order."""
    return [int(place) for place in np.random.default_rng((seed, 12)).permutation(count)[:MOST]]


def _thinned(count: int) -> tuple[str, ...]:
    if count <= MOST:
        return ()
    return (f"{MOST:,} of {count:,} samples, drawn by the seed, are passed through the network; statistics are those of all",)
