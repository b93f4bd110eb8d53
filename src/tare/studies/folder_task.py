"""A study on one's own labelled images, with networks that come pretrained."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from tare.batch_norm import batch_norms
from tare.errors import DataError, SpecError
from tare.image_batches import Geometry, ImageBatches
from tare.labelled import Labelled, open_split
from tare.networks import Network
from tare.source_network import source_network
from tare.stated_input import check_accepts, colour_of, geometry_of, seen_moments, source_constants
from tare.strategies import Strategy
from tare.studies.samples import Samples, least_tested
from tare.studies.tasks import Pretrained, Task

FOLDER = "folder"
_MOST_BYTES = 4 << 30


@cache
def folder_task(
    labelled: Labelled, networks: tuple[str, ...], weights: str, mean: tuple[float, ...] = (), std: tuple[float, ...] = ()
) -> Task:
    """The study of labelled images, in whatever source, with ``networks``, each a reference of ``tare transfer --model``.

    Every image is resized and cropped as the first network states; networks of another input size are refused, since their
    cells would not be comparable. ``mean`` and ``std`` are the source's constants where a network states none or wrong ones.
    ``match`` is left out where nobody knows what dataset0 looked like. Training and validation images are pooled: a seed splits
    anew.

    Raises a :class:`tare.TareError` for images or a network that cannot be read.
    """
    if not networks:
        raise SpecError("a network for the study of a folder", "none", "for example --model timm:resnet18")
    loaded = {name: _network(name, weights) for name in networks}
    geometries = {name: geometry_of(network, None, None, None)[0] for name, network in loaded.items()}
    geometry, colour = geometries[networks[0]], colour_of(loaded[networks[0]])
    other = next((name for name in networks if (geometries[name], colour_of(loaded[name])) != (geometry, colour)), None)
    if other is not None:
        found = f"{_geometry_text(geometries[other])} for {other}, {_geometry_text(geometry)} for {networks[0]}"
        raise SpecError("networks that take the same images", found, "one study for each")
    check_accepts(loaded[networks[0]], geometry)
    known = tuple(loaded)
    sources = {name: _pretrained(network, mean, std) for name, network in loaded.items()}
    return Task(
        FOLDER,
        cache(lambda: _images(labelled, geometry, loaded[networks[0]])),
        None,
        lambda name, _, __: _network(name, "none").module,
        networks=known,
        known=known,
        normed=tuple(name for name, network in loaded.items() if batch_norms(network.module)),
        sizes=(),
        shifts=("content", "gain:0.5+offset:0.25"),
        strategies=_strategies(list(sources.values())),
        given=sources.__getitem__,
    )


def default_sizes(target: Samples) -> tuple[int, ...]:
    """Three sizes, a factor of about three apart, up to half of the data."""
    largest = min(len(target.labels) // 2, len(target.labels) - least_tested(target))
    sizes = (largest // 9, largest // 3, largest)
    return tuple(sorted({size for size in sizes if size >= target.classes}))


def _network(name: str, weights: str) -> Network:
    return source_network(name, weights, 0)


def _pretrained(network: Network, mean: tuple[float, ...], std: tuple[float, ...]) -> Pretrained:
    constants, _ = source_constants(network, mean or None, std or None, "source")
    return Pretrained(network.module.eval(), constants, seen_moments("match", constants, None), network.head)


def _strategies(sources: list[Pretrained]) -> tuple[Strategy, ...]:
    """What all networks can be fed by: ``match`` needs the moments of dataset0, which few know."""
    seen = all(source.seen is not None for source in sources)
    return ("source", "target", "match", "blend", "none") if seen else ("source", "target", "blend", "none")


def _images(labelled: Labelled, geometry: Geometry, network: Network) -> Samples:
    """All images as the network is given them, before normalisation: bytes ``(N, H, W, C)``."""
    found = open_split(labelled, 0)
    files = sorted((*found.train, *found.val), key=lambda file: (file.label, file.path))
    height, width = geometry.size
    size = len(files) * height * width * network.channels
    if size > _MOST_BYTES:
        raise DataError(
            f"images that fit {_MOST_BYTES >> 30} GiB of memory as the network takes them",
            f"{len(files)} of {height} x {width}: {size / (1 << 30):.1f} GiB",
            "name fewer of them: sizes of more than a few thousand show nothing new",
        )
    images = ImageBatches(files, geometry, colour_of(network), None, 0)
    values = np.empty((len(files), height, width, network.channels), np.uint8)
    for index in range(len(files)):
        image = images[index][0]
        if image.dtype.is_floating_point:
            image = (255 * image.clamp(0, 1)).round().byte()
        values[index] = image.permute(1, 2, 0).numpy()
    return Samples(Path(labelled.name).name, values, np.array([file.label for file in files], np.int64))


def _geometry_text(geometry: Geometry) -> str:
    return f"{geometry.size[0]} x {geometry.size[1]} by {geometry.interpolation}, crop {geometry.crop_fraction:g}"
