"""Plan a transfer of signals or rows: their length, their padding, and the options that do not apply to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tare.datasets.files import LabelledFile
from tare.datasets.options import Augmenting
from tare.datasets.split import Split
from tare.errors import DataError, SpecError, StrategyError
from tare.input_spec.geometry import NOUNS, RowGeometry, SampleKind, SignalGeometry
from tare.networks.inputs import NetworkOptions
from tare.networks.network import Network
from tare.normalisation.applied import Normalisation
from tare.normalisation.names import DECLARED, Strategy
from tare.samples.records import Skipped
from tare.statistics.dataset_stats import DatasetStats
from tare.system.engines.local import ordered_map


def channels_in(split: Split) -> int:
    """Return the channel count of the first readable training sample. Raises :class:`DataError` if no sample is readable."""
    reason = "none at all"
    for file in split.train:
        values = file.read("stored")
        if not isinstance(values, Skipped):
            return int(values.shape[-1])
        reason = f"{file.path!r}: {values.reason}"
    raise DataError(f"{NOUNS[split.kind]} that can be read", reason, "repair the data")


def check_options(kind: SampleKind, stated: NetworkOptions, augmenting: Augmenting) -> None:
    """Raise :class:`SpecError` for an option that does not apply to samples of ``kind``."""
    image_options, length = {"size": stated.size, "interpolation": stated.interpolation, "crop": stated.crop}, stated.length
    given = [f"--{name} {value}" for name, value in image_options.items() if value is not None]
    if kind == "image":
        given = [f"--length {length}"] if length is not None else []
    elif kind == "vector" and length is not None:
        given.append(f"--length {length}")
    if given:
        raise SpecError(f"options that fit {NOUNS[kind]}", given[0], "leave it out")
    if kind == "image":
        return
    varied = {"augmentation": augmenting.augmentation, "mixup": augmenting.mixup, "cutmix": augmenting.cutmix}
    for name, value in {**varied, "erasing": augmenting.erasing}.items():
        if value not in ("none", "basic", 0.0):
            remedy = "use basic (cut at a random place) or none" if kind == "signal" else "leave it out"
            expected = f"--augmentation basic or none for {NOUNS[kind]}, without mixing or erasing"
            raise SpecError(expected, f"--{name} {value}", remedy)


def check_strategy(kind: SampleKind, strategy: Strategy) -> None:
    """Raise :class:`StrategyError` for rows normalised one by one: a row has one value per column, so no std of it."""
    if kind == "vector" and DECLARED[strategy].apart:
        found = "rows of one value per channel"
        raise StrategyError(f"images or signals for the strategy {strategy!r}", found, "use --strategy target")


def check_channels(network: Network, stats: DatasetStats) -> None:
    """Raise :class:`DataError` unless the data have as many channels as the network takes."""
    found = len(stats.channels)
    if found != network.channels:
        what = "columns" if network.kind == "vector" else "channels"
        remedy = {
            "vector": "choose other columns, or another network",
            "signal": "convert them, or name another network",
            "image": f"choose {network.channels} with --bands, or build the network for all of them with --in-channels {found}",
        }[network.kind]
        raise DataError(f"{network.channels} {what}, as {network.reference} takes", f"{found}", remedy)


def check_column_order(trained_on: DatasetStats | None, stats: DatasetStats) -> None:
    """Raise :class:`DataError` if a table has the columns of the training data in another order."""
    if trained_on is None:
        return
    known, found = ([channel.name for channel in one.channels] for one in (trained_on, stats))
    if known != found and sorted(known) == sorted(found):
        place = next(index for index, (a, b) in enumerate(zip(known, found, strict=True)) if a != b)
        reason = f"{found[place]!r} where {known[place]!r} was"
        raise DataError("the columns in the order that the network was trained on", reason, "reorder them")


def number_geometry(
    network: Network, length: int | None, split: Split, stats: DatasetStats, chosen: Normalisation, workers: int
) -> tuple[SignalGeometry | RowGeometry, tuple[str, ...]]:
    """Return the input geometry for signals or rows, and notes on lengths and padding.

    The length is ``length``, else that of the run that the weights come from, else the median of the training split.
    """
    if split.kind == "vector":
        return RowGeometry(tuple(channel.name for channel in stats.channels), stats.dtype), ()
    lengths = lengths_of(split.train, workers)
    taken, why = chosen_length(network, length, lengths)
    return SignalGeometry(taken, chosen.zero, stats.dtype), _length_notes(taken, why, lengths, chosen)


def chosen_length(network: Network, length: int | None, lengths: Sequence[int]) -> tuple[int, str]:
    """Return the number of steps and its origin: ``length`` if stated, else the source's, else the median of ``lengths``."""
    stated = network.spec.extra.get("length")
    if length is not None:
        return length, "as stated"
    if isinstance(stated, int) and stated > 0:
        return stated, "as in the source's run"
    return int(np.median(lengths)), "the median of the training split; change it with --length"


def lengths_of(files: Sequence[LabelledFile], workers: int) -> list[int]:
    """Return the number of steps of each readable signal."""
    read = ordered_map(lambda file: file.read("stored"), files, max(1, workers))
    return [len(values) for values in read if not isinstance(values, Skipped)]


def _length_notes(length: int, why: str, lengths: Sequence[int], chosen: Normalisation) -> tuple[str, ...]:
    longer, shorter = (sum(compared) for compared in zip(*((n > length, n < length) for n in lengths), strict=True))
    notes = [f"signals of {length} steps ({why}); those of the training split have {min(lengths)} to {max(lengths)}"]
    if longer:
        notes.append(f"{longer} of {len(lengths)} are longer and cut: at random in training, to their middle in validation")
    if shorter:
        padding = "padded after normalisation" if chosen.per_sample else "padded with the mean that normalisation subtracts"
        notes.append(f"{shorter} of {len(lengths)} are shorter and {padding}: zero at the network's input")
    return tuple(notes)
