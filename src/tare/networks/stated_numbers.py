"""Plan a transfer of signals or rows: their length, their padding, and the options that do not apply to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.datasets.files import LabelledFile, stated_rate
from tare.datasets.options import Augmenting
from tare.datasets.signal_batches import NumberGeometry
from tare.datasets.split import Split
from tare.errors import DataError, SpecError, StrategyError
from tare.input_spec.consistency import out_of_place
from tare.input_spec.geometry import NOUNS, RowGeometry, SampleKind, SignalGeometry, SoundGeometry, VolumeGeometry
from tare.input_spec.spec import Known
from tare.measuring.stated.axes import Axes, axes_in, axes_of, axes_stated, untrained_axes
from tare.networks.inputs import NetworkOptions
from tare.networks.network import Network
from tare.normalisation.applied import Normalisation
from tare.normalisation.names import DECLARED, Strategy
from tare.samples.layout import by_place, channel_names
from tare.samples.records import Skipped
from tare.statistics.dataset_stats import DatasetStats
from tare.system.engines.local import ordered_map

#: The options of geometry that apply to samples of a kind.
_FITTING: Mapping[SampleKind, tuple[str, ...]] = {
    "image": ("size", "interpolation", "crop"),
    "signal": ("length",),
    "vector": (),
    "sound": (),
    "volume": ("size",),
    "clip": ("size", "frames", "stride"),
}
#: The edge of frames where nothing states it, as most networks of video take.
_EDGE = 112
#: The edge of a volume that stands for one where there are no data.
_CUBE = 32
_ORDER, _REORDER = "the {} in the order that the network was trained on", "reorder them"


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
    fitting = _FITTING[kind]
    options = {name: getattr(stated, name) for name in ("size", "interpolation", "crop", "length", "frames", "stride")}
    given = [f"--{name} {value}" for name, value in options.items() if value is not None and name not in fitting]
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


def check_channels(network: Network, stats: DatasetStats) -> tuple[str, ...]:
    """Remarks on the names of the channels.

    Raises :class:`DataError` unless the data have as many channels as the network takes, in its order if both name them.
    """
    found = len(stats.channels)
    if found != network.channels:
        what = "columns" if network.kind == "vector" else "channels"
        remedy = {
            "vector": "choose other columns, or another network",
            "signal": "convert them, or name another network",
            "sound": "name another network",
            "volume": "name another network",
            "clip": "name another network",
            "image": f"choose {network.channels} with --bands, or build the network for all of them with --in-channels {found}",
        }[network.kind]
        raise DataError(f"{network.channels} {what}, as {network.reference} takes", f"{found}", remedy)
    return check_spec_order(network, [channel.name for channel in stats.channels])


def check_grey(network: Network, split: Split, chosen: Sequence[str] | None) -> None:
    """Raise :class:`DataError` for three named bands that a grey network would mix as colours, unless they are chosen."""
    names = split.channel_names
    if chosen is None and split.kind == "image" and names is not None and (network.channels, len(names)) == (1, 3):
        found = f"{len(names)}: {', '.join(names)}"
        remedy = f"choose one with --bands; all three, --bands {','.join(names)}, are mixed as red, green and blue"
        raise DataError(f"1 band, as {network.reference} takes", found, remedy)


def check_spec_order(network: Network, names: Sequence[str]) -> tuple[str, ...]:
    """A remark on channels that the specification of the network calls otherwise, so that they are paired by their places.

    Raises :class:`DataError` for those that it names in another order. Without ``names`` there is nothing to say.
    """
    stated = network.spec.channels
    if not names or not isinstance(stated, Known):
        return ()
    known = list(channel_names(3)) if (network.kind, stated.value) == ("image", "RGB") else stated.value.split(",")
    if len(known) == 1 or len(known) != len(names):
        return ()
    bands = network.kind == "image"
    remedy = (
        f"choose them in its order, --bands {_in_order(known, names)}, or state the constants in that of the data"
        if bands
        else _REORDER
    )
    return _paired(known, names, _ORDER.format("bands" if bands else "columns"), remedy)


def _in_order(known: Sequence[str], names: Sequence[str]) -> str:
    """The names of the data in the order of the ``known`` ones, which theirs are but for their case."""
    own = {name.casefold(): name for name in names}
    return ",".join(own.get(name.casefold(), name) for name in known)


def check_column_order(trained_on: DatasetStats | None, columns: Sequence[str]) -> tuple[str, ...]:
    """A remark on columns that were called otherwise in training. Raises :class:`DataError` for those in another order."""
    if trained_on is None or len(trained_on.channels) != len(columns):
        return ()
    return _paired([channel.name for channel in trained_on.channels], columns, _ORDER.format("columns"), _REORDER)


def check_source_order(source_stats: DatasetStats, stats: DatasetStats) -> tuple[str, ...]:
    """A remark on channels of dataset0's statistics that the data call otherwise.

    Raises :class:`DataError` for another number of channels, or those of the data in another order.
    """
    known, found = ([channel.name for channel in each.channels] for each in (source_stats, stats))
    if len(known) != len(found):
        expected = f"statistics of dataset0 of {len(found)} channels, as the data have"
        raise DataError(
            expected, f"{len(known)} in {source_stats.source!r}", "measure those channels: --columns of `tare measure`"
        )
    expected = f"channels in the order of the statistics of dataset0, {source_stats.source!r}"
    return _paired(known, found, expected, "measure both in one order: --columns of `tare measure`")


def _paired(known: Sequence[str], found: Sequence[str], expected: str, remedy: str) -> tuple[str, ...]:
    """A remark on channels of which both sides share no name, so that places pair them; case is no difference.

    Raises :class:`DataError` if they share some, and not all in their places.
    """
    if (places := out_of_place(known, found)) is not None:
        wanted, other = places
        if other.casefold() not in {name.casefold() for name in known}:
            remedy = f"give the same ones in this order, or name {other!r} {wanted!r} if they are the same"
        raise DataError(expected, f"{other!r} where {wanted!r} was", remedy)
    alike = [b if b.casefold() == a.casefold() else a for a, b in zip(known, found, strict=True)]
    return by_place(alike, found)


def number_geometry(
    network: Network, stated: NetworkOptions, split: Split, stats: DatasetStats, chosen: Normalisation, workers: int
) -> tuple[NumberGeometry, tuple[str, ...]]:
    """Return the input geometry for signals, rows or spectrograms, and notes on lengths and padding.

    The length is the stated one, else that of the run that the weights come from, else the median of the training split.
    """
    if split.kind == "vector":
        return RowGeometry(tuple(channel.name for channel in stats.channels), stats.dtype), ()
    front = network.front
    if front is not None and split.kind == "sound":
        return SoundGeometry(front, stats.dtype), (f"{front.units}, computed from each recording at {front.rate} Hz",)
    if split.kind in ("volume", "clip"):
        geometry, notes = volume_geometry(network, stated.size, split.train, stats.dtype, chosen.zero, workers)
        return replace(geometry, axes=axes_stated(axes_of(stats))), (*notes, *axes_notes(network, axes_of(stats)))
    lengths = lengths_of(split.train, workers)
    taken, why = chosen_length(network, stated.length, lengths)
    notes = _length_notes(taken, why, lengths, chosen) + axes_notes(network, axes_of(stats))
    return SignalGeometry(taken, chosen.zero, stats.dtype, front, stated_rate(axes_stated(axes_of(stats)))), notes


def volume_geometry(
    network: Network,
    edge: int | None,
    files: Sequence[LabelledFile],
    raw_dtype: str,
    zero: tuple[float, ...] | None,
    workers: int,
) -> tuple[VolumeGeometry, tuple[str, ...]]:
    """Return the input geometry for volumes or clips, and notes on their sizes.

    The size is ``edge`` along all axes (of frames: height and width), else that of the run or the network that the weights come
    from, else the median of the training split for volumes and 112 pixels for frames.
    """
    stated, clip = network.spec.size, network.clip
    if clip is not None:
        frames, stride = clip.frames, clip.stride
        pixels = (edge, edge) if edge is not None else stated.value if isinstance(stated, Known) else (_EDGE, _EDGE)
        how = "evenly spread over each video" if stride is None else f"every {stride} around the middle of each video"
        note = f"clips of {frames} frames, {how}, of {pixels[0]} x {pixels[1]} pixels; frames are counted, whatever they last"
        return VolumeGeometry((frames, *pixels), zero, clip=True, stride=stride, raw_dtype=raw_dtype), (note,)
    depth = network.spec.extra.get("depth")
    if edge is not None:
        size, why = (edge, edge, edge), "as stated"
    elif isinstance(stated, Known) and isinstance(depth, int):
        size, why = (depth, *stated.value), "as in the source's run"
    else:
        shapes = [values.shape[:3] for values in _read(files, workers)]
        first, second, third = (int(np.median(axis)) for axis in zip(*shapes, strict=True))
        size, why = (first, second, third), "the median of the training split; change it with --size"
    note = f"volumes of {size[0]} x {size[1]} x {size[2]} ({why}): larger ones are cut to their middle, smaller ones padded"
    return VolumeGeometry(size, zero, raw_dtype=raw_dtype), (note,)


def example_size(network: Network, edge: int | None) -> tuple[int, int, int]:
    """The size of a volume or clip without data: as stated, else a usual one."""
    stated, clip = network.spec.size, network.clip
    depth = network.spec.extra.get("depth") if clip is None else clip.frames
    usual = _CUBE if clip is None else _EDGE
    height, width = stated.value if isinstance(stated, Known) and edge is None else (edge or usual,) * 2
    return depth if isinstance(depth, int) else edge or usual, height, width


def _read(files: Sequence[LabelledFile], workers: int) -> list[NDArray[Any]]:
    read = ordered_map(lambda file: file.read("stored"), files, max(1, workers))
    return [values for values in read if not isinstance(values, Skipped)]


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


def axes_notes(network: Network, found: Axes) -> tuple[str, ...]:
    """That samples have other sampling rates, spacings or axes than those that the network was trained on."""
    rate, axes = (network.spec.extra.get(name) for name in ("rate", "axes"))
    stated = [("sampling rate", f"{rate} Hz")] if isinstance(rate, int) else []
    facts = axes if isinstance(axes, Sequence) else ()
    stated += [(str(fact[0]), str(fact[1])) for fact in facts if isinstance(fact, Sequence) and len(fact) == 2]
    return untrained_axes(axes_in([(tuple(stated), "")]), found)


def _length_notes(length: int, why: str, lengths: Sequence[int], chosen: Normalisation) -> tuple[str, ...]:
    longer, shorter = (sum(compared) for compared in zip(*((n > length, n < length) for n in lengths), strict=True))
    notes = [f"signals of {length} steps ({why}); those of the training split have {min(lengths)} to {max(lengths)}"]
    if longer:
        notes.append(f"{longer} of {len(lengths)} are longer and cut: at random in training, to their middle in validation")
    if shorter:
        padding = "padded after normalisation" if chosen.per_sample else "padded with the mean that normalisation subtracts"
        notes.append(f"{shorter} of {len(lengths)} are shorter and {padding}: zero at the network's input")
    return tuple(notes)
