"""A study on the user's own labelled data, with pretrained networks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch

from tare.checking.gate import RAW_KIND
from tare.datasets.image_batches import ImageBatches
from tare.datasets.options import LabelOptions
from tare.datasets.signal_batches import of_length
from tare.datasets.split import Split, open_split
from tare.errors import DataError, InputError, SpecError
from tare.input_spec.geometry import NOUNS, Geometry, SampleKind
from tare.networks.batch_norm import batch_norms
from tare.networks.network import Network
from tare.networks.stated_images import check_accepts, colour_of, network_geometry, seen_moments, source_constants
from tare.networks.stated_spec import with_spec
from tare.networks.stored.source import source_network, source_statistics
from tare.normalisation.names import Strategy
from tare.normalisation.strategies import Constants
from tare.samples.layout import unit_scale
from tare.samples.records import Skipped
from tare.studying.tasks.samples import Samples, least_tested
from tare.studying.tasks.task import Pretrained, Task

FOLDER = "folder"
_MOST_BYTES = 4 << 30


@cache
def folder_task(
    labelled: LabelOptions,
    networks: tuple[str, ...],
    weights: str,
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
    spec: str = "",
) -> Task:
    """The study of labelled images, signals or rows with ``networks``, each a reference of ``tare transfer --model``.

    Every image is resized and cropped as the first network states; networks of another input size are refused, since their cells
    would not be comparable. ``mean`` and ``std`` replace or supply a network's constants; ``spec``, any specification that
    :func:`tare.read_spec` reads, states the constants and more. ``match`` is left out if dataset0's moments are not known.
    Training and validation samples are pooled, and every seed splits them again.

    Raises a :class:`tare.TareError` for data or a network that cannot be read.
    """
    if not networks:
        raise SpecError("a network for the study of a folder", "none", "for example --model timm:resnet18")
    loaded = {name: _network(name, weights, spec, mean, std) for name in networks}
    first = loaded[networks[0]]
    if first.kind in ("volume", "clip"):
        remedy = "score it by a function of your own: tare study --evaluate FILE.py:FUNCTION"
        raise SpecError(
            "a network for images, signals, rows or recordings", f"{first.reference}, for {NOUNS[first.kind]}", remedy
        )
    sources = {name: _pretrained(name, weights, network, mean, std) for name, network in loaded.items()}
    if first.kind == "image":
        geometry = _shared_geometry(loaded)
        target = cache(lambda: _images(labelled, geometry, first))
    else:
        _check_kinds(loaded)
        target = cache(lambda: _numbers(labelled, first, sources[networks[0]].constants))
    return Task(
        FOLDER,
        target,
        None,
        lambda name, _, __: _network(name, "none").module,
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


def _check_kinds(loaded: dict[str, Network]) -> None:
    takes = {name: (network.kind, network.channels, network.spec.extra.get("length")) for name, network in loaded.items()}
    name, first = next(iter(takes.items()))
    other = next((each for each in takes if takes[each] != first), None)
    if other is not None:
        found = f"{NOUNS[takes[other][0]]} for {other}, {NOUNS[first[0]]} for {name}, or another number of channels or steps"
        raise SpecError("networks that take the same samples", found, "one study for each")


def _classes_only(split: Split) -> Split:
    """Raise :class:`DataError` for another task than classification, whose scores a study of a folder does not know."""
    if not split.has_classes:
        found = f"the labels of --task {split.task} in {split.origin!r}"
        remedy = "score it by a function of your own: tare study --evaluate FILE.py:FUNCTION"
        raise DataError("one class a sample, for a study of a folder", found, remedy)
    return split


def _numbers(labelled: LabelOptions, network: Network, constants: Constants | None) -> Samples:
    """All signals ``(N, T, C)`` of the network's length, or rows ``(N, C)``, as stored.

    A longer signal keeps its middle. A shorter signal is padded with u0, the same raw value under all strategies; under
    ``source`` it is zero at the network's input.
    """
    found = _classes_only(open_split(labelled, 0, network.kind, network.taken))
    read = [(file.label, file.read("stored")) for file in (*found.train, *found.val)]
    kept = [(label, values) for label, values in read if not isinstance(values, Skipped)]
    if not kept or kept[0][1].shape[-1] != network.channels:
        channels = kept[0][1].shape[-1] if kept else 0
        raise DataError(f"{NOUNS[network.kind]} of {network.channels} channels", f"{channels}", "name another network")
    labels = np.array([label for label, _ in kept], np.int64)
    arrays = [values for _, values in kept]
    if network.kind == "signal":
        stated = network.spec.extra.get("length")
        length = stated if isinstance(stated, int) and stated > 0 else int(np.median([len(values) for values in arrays]))
        scale = float(unit_scale(arrays[0].dtype))
        zero = np.asarray(constants.mean if constants is not None else (0.0,) * network.channels) / scale
        pad = (np.rint(zero) if arrays[0].dtype.kind in "ui" else zero).astype(arrays[0].dtype)
        arrays = [of_length(values, length, pad) for values in arrays]
    order = np.argsort(labels, kind="stable")
    return Samples(Path(labelled.name).name, np.stack(arrays)[order], labels[order])


def _images(labelled: LabelOptions, geometry: Geometry, network: Network) -> Samples:
    """All images at the network's input size, before normalisation: bytes ``(N, H, W, C)``."""
    found = _classes_only(open_split(labelled, 0))
    files = sorted((*found.train, *found.val), key=lambda file: (file.label, file.path))
    height, width = geometry.size
    size = len(files) * height * width * network.channels
    if size > _MOST_BYTES:
        raise DataError(
            f"images that fit {_MOST_BYTES >> 30} GiB of memory as the network takes them",
            f"{len(files)} of {height} x {width}: {size / (1 << 30):.1f} GiB",
            "name fewer images: sizes above a few thousand show nothing new",
        )
    colour = colour_of(network)
    images = ImageBatches(files, geometry, colour, None, 0)
    values = np.empty((len(files), height, width, network.channels), np.uint8)
    for index in range(len(files)):
        image = images[index][0]
        if image.dtype != torch.uint8:  # the shifts of a study are of 8-bit values
            seen = f"{RAW_KIND} raw-kind: {files[index].path!r} holds values of another type"
            remedy = "write 8-bit copies with a scale of your own, or compare strategies with tare transfer, which takes --scale"
            raise InputError("8-bit images in a study of images", seen, remedy)
        values[index] = image.permute(1, 2, 0).numpy()
    return Samples(Path(labelled.name).name, values, np.array([file.label for file in files], np.int64))


def _geometry_text(geometry: Geometry) -> str:
    resized = "" if geometry.resize is None else f" of {' x '.join(map(str, geometry.resize))}"
    return f"{geometry.size[0]} x {geometry.size[1]} by {geometry.interpolation}, crop {geometry.crop_fraction:g}{resized}"
