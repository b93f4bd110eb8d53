"""A study on the user's own labelled data, with pretrained networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tare.checking.gate import RAW_KIND, passed
from tare.checking.rules.feed import Feed, leaves_far
from tare.datasets.files import LabelledFile
from tare.datasets.image_batches import ImageBatches
from tare.datasets.options import LabelOptions
from tare.datasets.parts.names import says_parts
from tare.datasets.signal_batches import of_length
from tare.datasets.split import Split, open_split
from tare.datasets.volumes.sizing import as_stored_volume
from tare.errors import DataError, InputError, SpecError
from tare.input_spec.fields import UNSTATED, Known
from tare.input_spec.geometry import NOUNS, Geometry, SampleKind
from tare.input_spec.input_map import unmapped
from tare.measuring.stated.axes import axes_in, several_axes
from tare.networks.batch_norm import batch_norms
from tare.networks.network import Network
from tare.networks.stated_images import check_accepts, colour_of, network_geometry, seen_moments, source_constants
from tare.networks.stated_numbers import axes_notes, check_column_order, check_grey, check_spec_order, volume_geometry
from tare.networks.stated_spec import with_spec
from tare.networks.stored.source import source_bands, source_network, source_statistics
from tare.normalisation.inputs import ends_of
from tare.normalisation.names import Strategy
from tare.normalisation.strategies import Constants, normalisation
from tare.samples.layout import channel_names, raw_of, unit_scale
from tare.samples.records import Skipped
from tare.sources.files.each import unreadable_remark
from tare.studying.tasks.samples import Samples, least_tested
from tare.studying.tasks.task import Pretrained, Task

FOLDER = "folder"
_MOST_BYTES = 4 << 30
_AGAIN = "every seed of a study splits the samples of training and validation again, whatever part they are of"


@lru_cache(maxsize=2)
def folder_task(
    labelled: LabelOptions,
    networks: tuple[str, ...],
    weights: str,
    *,
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
    spec: str = "",
    window: tuple[float, ...] = (),
    opening: int = 0,
) -> Task:
    """The study of labelled samples of any kind with ``networks``, each a reference of ``tare transfer --model``.

    Every image is resized and cropped as the first network states; networks of another input size are refused, since their cells
    would not be comparable. ``mean`` and ``std`` replace or supply a network's constants; ``spec``, any specification that
    :func:`tare.read_spec` reads, states the constants and more. ``match`` is left out if dataset0's moments are not known.
    Training and validation samples are pooled, and every seed splits them again. For each ``opening`` all is read once.

    Raises a :class:`tare.TareError` for data or a network that cannot be read.
    """
    del opening
    if not networks:
        raise SpecError("a network for the study of a folder", "none", "for example --model timm:resnet18")
    loaded = {name: _network(name, weights, spec, mean, std) for name in networks}
    first = loaded[networks[0]]
    pretrained = {name: _pretrained(name, weights, network, mean, std) for name, network in loaded.items()}
    sources = {name: replace(one, window=ends_of(window or None)) for name, one in pretrained.items()}
    stated, constants = bool(mean or spec), sources[networks[0]].constants
    feeds = [_fed(network, sources[name].constants, name, weights, stated=stated) for name, network in loaded.items()]
    if first.kind == "image":
        geometry, bands = _shared_geometry(loaded), labelled.bands or _shared_bands(networks, weights)
        target = cache(lambda: _judged(_images(labelled, geometry, [*loaded.values()], bands), feeds, stated=stated))
    else:
        _check_kinds(loaded)
        ordered = partial(_check_columns, loaded, weights)
        read = _sized_volumes if first.kind in ("volume", "clip") else partial(_numbers, ordered=ordered)
        target = cache(lambda: _with_findings(read(labelled, first, constants), feeds, stated=stated))
    return Task(
        FOLDER,
        target,
        None,
        lambda name, _, __: _untrained(name),
        networks=tuple(loaded),
        known=tuple(loaded),
        normed=tuple(name for name, network in loaded.items() if batch_norms(network.module)),
        sizes=(),
        shifts=("content", "gain:0.5+offset:0.25") if first.kind == "image" else ("content",),
        strategies=_strategies(list(sources.values()), first.kind),
        given=sources.__getitem__,
    )


def default_sizes(target: Samples) -> tuple[int, ...]:
    """Three sizes, each about three times the one before, up to half of the data."""
    largest = min(len(target.labels) // 2, len(target.labels) - least_tested(target))
    sizes = (largest // 9, largest // 3, largest)
    return tuple(sorted({size for size in sizes if size >= target.classes}))


def _network(name: str, weights: str, spec: str = "", mean: tuple[float, ...] = (), std: tuple[float, ...] = ()) -> Network:
    return with_spec(source_network(name, weights, 0), spec or None, mean or None, std or None)


def _untrained(name: str) -> nn.Module:
    """A network that is drawn from torch's generator as it is seeded now, as those of the built-in tasks are."""
    return source_network(name, "none", int(torch.randint(1 << 32, ()))).module


def _pretrained(name: str, weights: str, network: Network, mean: tuple[float, ...], std: tuple[float, ...]) -> Pretrained:
    constants, _ = source_constants(network, mean or None, std or None, "source")
    seen = seen_moments("match", constants, None, source_statistics(name, weights))
    return Pretrained(network.module.eval(), constants, seen, network.head)


def _strategies(sources: list[Pretrained], kind: SampleKind) -> tuple[Strategy, ...]:
    """The usual strategies; ``match`` needs dataset0's moments, and equals ``target`` if they are the constants."""
    moments = [(source.seen, source.constants) for source in sources]
    match = all(seen is not None and stated is not None and not _equal(seen, stated) for seen, stated in moments)
    left_out = {"match"} if not match else set()
    left_out |= {"sample"} if kind != "signal" else set()  # for images it is studied only on request
    usual: tuple[Strategy, ...] = ("source", "target", "match", "blend", "sample", "none")
    return tuple(strategy for strategy in usual if strategy not in left_out)


def _equal(one: Constants, other: Constants) -> bool:
    return np.allclose((one.mean, one.std), (other.mean, other.std), rtol=1e-6)


def _shared_geometry(loaded: dict[str, Network]) -> Geometry:
    """The input size that all networks share."""
    made = {name: (network_geometry(network, None, None, None)[0], colour_of(network)) for name, network in loaded.items()}
    name, first = next(iter(made.items()))
    other = next((each for each in made if made[each] != first), None)
    if other is not None:
        found = f"{_geometry_text(made[other][0])} for {other}, {_geometry_text(first[0])} for {name}"
        raise SpecError("networks that take the same images", found, "one study for each")
    check_accepts(loaded[name], first[0])
    return first[0]


def _shared_bands(networks: Sequence[str], weights: str) -> tuple[str, ...] | None:
    """The bands of rasters that all networks take which were trained on bands with names."""
    made = {name: bands for name in networks if (bands := source_bands(name, weights)) is not None}
    if len({*made.values()}) > 1:
        found = "; ".join(f"{', '.join(bands)} for {name}" for name, bands in made.items())
        raise SpecError("networks that take the same bands", found, "one study for each, or choose them with --bands")
    return next(iter(made.values()), None)


def _check_columns(loaded: Mapping[str, Network], weights: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Remarks on columns that a network calls otherwise.

    Raises :class:`DataError` for columns in another order than one of the networks was trained on.
    """
    told: tuple[str, ...] = ()
    for name, network in loaded.items():
        told += check_spec_order(network, columns)
        told += check_column_order(source_statistics(name, weights), columns)
    return tuple(dict.fromkeys(told))


def _check_kinds(loaded: dict[str, Network]) -> None:
    takes = {name: (network.kind, network.channels, *_stated_size(network)) for name, network in loaded.items()}
    name, first = next(iter(takes.items()))
    other = next((each for each in takes if takes[each] != first), None)
    if other is not None:
        found = f"{NOUNS[takes[other][0]]} for {other}, {NOUNS[first[0]]} for {name}, or other channels, or another size"
        raise SpecError("networks that take the same samples", found, "one study for each")


def _stated_size(network: Network) -> tuple[Any, ...]:
    size = network.spec.size.value if isinstance(network.spec.size, Known) else None
    return network.clip, size if network.kind in ("volume", "clip") else None, *map(network.spec.extra.get, ("length", "depth"))


def _classes_only(split: Split) -> Split:
    """Raise :class:`DataError` for another task than classification, whose scores a study of a folder does not know."""
    if not split.has_classes:
        found = f"the labels of --task {split.task} in {split.origin!r}"
        remedy = "score it by a function of your own: tare study --evaluate FILE.py:FUNCTION"
        raise DataError("one class a sample, for a study of a folder", found, remedy)
    if any(map(says_parts, split.remarks)):
        return replace(split, remarks=(*split.remarks, _AGAIN))
    return split


def _sized_volumes(labelled: LabelOptions, network: Network, constants: Constants | None) -> Samples:
    """All volumes or clips ``(N, D, H, W, C)`` at the network's size, as stored.

    The size is the stated one, else the median of all for volumes and 112 pixels for frames. A short volume is padded with u0.
    """
    found = _classes_only(open_split(labelled, 0, network.kind, network.taken))
    files = sorted((*found.train, *found.val), key=lambda file: (file.label, file.path))
    takes, _ = volume_geometry(network, None, files, "", None, 1)
    values: NDArray[Any] | None = None
    labels: list[int] = []
    skipped: list[Skipped] = []
    for file in files:
        read = file.read("stored")
        if isinstance(read, Skipped):
            skipped.append(read)
            continue
        if read.shape[-1] != network.channels:
            other = f"{read.shape[-1]} in {file.path!r}"
            raise DataError(f"{NOUNS[network.kind]} of {network.channels} channels", other, "name another network")
        if values is None:
            shape = (len(files), *takes.size, network.channels)
            _check_fits(math.prod(shape) * read.itemsize, len(files), takes.size, network.kind)
            values = np.empty(shape, read.dtype)
        _check_dtype(read.dtype, values.dtype, file.path, network.kind)
        values[len(labels)] = as_stored_volume(read, takes, _raw_zero(constants, network.channels, read.dtype))
        labels.append(int(file.label))  # type: ignore[arg-type]  # classes alone
    if values is None:
        raise DataError(f"{NOUNS[network.kind]} that can be read", f"none of {len(files)}", "repair the data")
    told = (*found.remarks, *_of_axes(files, network), *filter(None, [unreadable_remark(skipped, NOUNS[network.kind])]))
    return Samples(Path(labelled.name).name, values[: len(labels)], np.array(labels, np.int64), told)


def _check_dtype(dtype: np.dtype[Any], first: np.dtype[Any], path: str, kind: SampleKind) -> None:
    if dtype != first:
        seen = f"{RAW_KIND} raw-kind: {path!r} holds {dtype} and the first file {first}"
        raise InputError(f"{NOUNS[kind]} of one type in a study", seen, "study each type by itself")


def _check_fits(size: int, count: int, shape: Sequence[int], kind: SampleKind) -> None:
    if size > _MOST_BYTES:
        raise DataError(
            f"{NOUNS[kind]} that fit {_MOST_BYTES >> 30} GiB of memory as the network takes them",
            f"{count} of {' x '.join(map(str, shape))}: {size / (1 << 30):.1f} GiB",
            f"name fewer {NOUNS[kind]}: sizes above a few thousand show nothing new",
        )


def _raw_zero(constants: Constants | None, channels: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The raw values that the source's constants bring to 0, 0 without constants, in the type of the data."""
    return raw_of(_zero(constants) if constants is not None else (0.0,) * channels, dtype)


def _numbers(
    labelled: LabelOptions, network: Network, constants: Constants | None, *, ordered: Callable[[Sequence[str]], tuple[str, ...]]
) -> Samples:
    """All signals ``(N, T, C)`` of the network's length, or rows ``(N, C)``, as stored.

    A longer signal keeps its middle. A shorter signal is padded with u0, the same raw value under all strategies; under
    ``source`` it is zero at the network's input.
    """
    found = _classes_only(open_split(labelled, 0, network.kind, network.taken))
    paired = ordered(found.channel_names or ()) if network.kind == "vector" else ()
    read = [(file, file.read("stored")) for file in (*found.train, *found.val)]
    kept = [(file, values) for file, values in read if not isinstance(values, Skipped)]
    if not kept or kept[0][1].shape[-1] != network.channels:
        channels = kept[0][1].shape[-1] if kept else 0
        raise DataError(f"{NOUNS[network.kind]} of {network.channels} channels", f"{channels}", "name another network")
    for file, values in kept:
        _check_dtype(values.dtype, kept[0][1].dtype, file.path, network.kind)
    labels = np.array([file.label for file, _ in kept], np.int64)
    arrays = [values for _, values in kept]
    if network.kind == "signal":
        stated = network.spec.extra.get("length")
        length = stated if isinstance(stated, int) and stated > 0 else int(np.median([len(values) for values in arrays]))
        pad = _raw_zero(constants, network.channels, arrays[0].dtype)
        arrays = [of_length(values, length, pad) for values in arrays]
    order = np.argsort(labels, kind="stable")
    skipped = [values for _, values in read if isinstance(values, Skipped)]
    axes = _of_axes([file for file, _ in kept], network) if network.kind == "signal" else ()
    told = (*found.remarks, *paired, *axes, *filter(None, [unreadable_remark(skipped, NOUNS[network.kind])]))
    return Samples(Path(labelled.name).name, np.stack(arrays)[order], labels[order], told)


def _of_axes(files: Sequence[LabelledFile], network: Network) -> tuple[str, ...]:
    """That samples have several sampling rates, spacings or axes, or others than those that the network was trained on."""
    axes = axes_in((file.facts, file.path) for file in files)
    return (*several_axes(axes), *axes_notes(network, axes))


def _zero(constants: Constants) -> tuple[float, ...]:
    """The unit values that the source's constants bring to 0."""
    return tuple(constants.step * unmapped(constants.value_map, mean) for mean in constants.mean)


def _images(labelled: LabelOptions, geometry: Geometry, networks: Sequence[Network], bands: Sequence[str] | None) -> Samples:
    """All images at the networks' input size, before normalisation: raw values ``(N, H, W, C)``."""
    found, network = _classes_only(open_split(labelled, 0, known=bands)), networks[0]
    check_grey(network, found, labelled.bands or bands)
    names = found.channel_names or channel_names(network.channels)
    paired = dict.fromkeys(remark for each in networks for remark in check_spec_order(each, names))
    files = sorted((*found.train, *found.val), key=lambda file: (file.label, file.path))
    height, width = geometry.size
    size = len(files) * height * width * network.channels * _raw_dtype(files).itemsize
    _check_fits(size, len(files), (height, width), "image")
    colour = colour_of(network)
    images, dtype = ImageBatches(files, geometry, colour, None, 0), _raw_dtype(files)
    values = np.empty((len(files), height, width, network.channels), dtype)
    for index in range(len(files)):
        image = images[index][0]
        if len(image) != network.channels:
            other = f"{len(image)} channels in {files[index].path!r}"
            raise DataError(f"images of {network.channels} channels", other, "write the bands that the network takes to files")
        values[index] = _as_stored(image, dtype, files[index].path)
    labels = np.array([file.label for file in files], np.int64)
    return Samples(Path(labelled.name).name, values, labels, (*found.remarks, *paired))


class _Fed(NamedTuple):
    """A network and its constants, None if unknown; ``own`` if these may leave its inputs far from 0 and 1, as in training."""

    network: Network
    constants: Constants | None
    own: bool


def _fed(network: Network, constants: Constants | None, name: str, weights: str, *, stated: bool) -> _Fed:
    far = constants is None or leaves_far(constants.convention(), source_statistics(name, weights))
    return _Fed(network, constants, not stated and far)


def _judged(samples: Samples, feeds: Sequence[_Fed], *, stated: bool) -> Samples:
    """The samples, if ``source`` can be fed with them to each network: 8-bit images can, others under constants of such values.

    Remarks say what is unusual.
    Raises :class:`InputError` for constants of another type of raw values, or under which hardly anything arrives.
    """
    if samples.values.dtype == np.uint8:
        return samples
    try:
        found = _found(samples, feeds, stated=stated, compares=False)
    except InputError as error:
        remedy = f"state --mean and --std in unit values of {samples.values.dtype}, or --spec"
        raise InputError(error.expected, error.found, remedy) from None
    return replace(samples, remarks=(*samples.remarks, *found))


def _with_findings(samples: Samples, feeds: Sequence[_Fed], *, stated: bool) -> Samples:
    """The samples with what is unusual or impossible about them under each network's constants, which is told, as by advise.

    It is no reason to refuse the study: signals and rows of another unit or sensor are what its strategies are compared on.
    """
    return replace(samples, remarks=(*samples.remarks, *_found(samples, feeds, stated=stated, compares=True)))


def _found(samples: Samples, feeds: Sequence[_Fed], *, stated: bool, compares: bool) -> tuple[str, ...]:
    """What the gate finds about samples that are fed to each network under its own constants, a line each."""
    known = [(fed, fed.constants) for fed in feeds if fed.constants is not None]
    if not known:
        return ()
    stats, told = samples.measure(), list[str]()
    for (network, _, own), constants in known:
        chosen = normalisation("source", samples.channels, source=constants, target=stats)
        spec = replace(network.spec, raw_dtype=UNSTATED) if stated else network.spec
        found = passed(Feed(stats, chosen, own=own), spec, network.reference, compares=compares)
        told += [line if len(known) == 1 else f"{network.reference}: {line}" for line in found.lines]
    return tuple(told)


def _raw_dtype(files: Sequence[LabelledFile]) -> np.dtype[Any]:
    """The type of the first image's raw values. Raises :class:`DataError` if it cannot be read, or has no numbers."""
    first = files[0].read("stored")
    if isinstance(first, Skipped):
        raise DataError("readable images", f"{first.path!r}: {first.reason}", "repair or remove it")
    if first.dtype.kind not in "iuf":
        raise DataError("images of integers or floats", f"{first.dtype} in {files[0].path!r}", "convert them")
    return np.dtype(first.dtype)


def _as_stored(image: torch.Tensor, dtype: np.dtype[Any], path: str) -> NDArray[Any]:
    """An image ``(H, W, C)`` of the network's size in the type that it is stored in; resized images are unit values.

    Raises :class:`InputError` for an image of another depth than the first.
    """
    if (image.dtype == torch.uint8) != (dtype == np.uint8):
        seen = f"{RAW_KIND} raw-kind: {path!r} holds values of another type than the first image, which is {dtype}"
        raise InputError("images of one type in a study", seen, "study each type by itself")
    found = image.permute(1, 2, 0).double().numpy()
    if dtype.kind == "f" or dtype == np.uint8:
        return found.astype(dtype)
    limits = np.iinfo(dtype)
    return np.asarray(np.rint(found / float(unit_scale(dtype))).clip(limits.min, limits.max).astype(dtype))


def _geometry_text(geometry: Geometry) -> str:
    resized = "" if geometry.resize is None else f" of {' x '.join(map(str, geometry.resize))}"
    return f"{geometry.size[0]} x {geometry.size[1]} by {geometry.interpolation}, crop {geometry.crop_fraction:g}{resized}"
