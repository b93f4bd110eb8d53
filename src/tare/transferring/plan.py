"""What a transfer will do, found out and checked before anything is written."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from tare.advising.automatic import recommended
from tare.advising.inputs import Fed, dataset0_of
from tare.datasets.image_batches import EpochSampler, ImageBatches, loader
from tare.datasets.signal_batches import SignalBatches
from tare.datasets.split import Labelled, LabelledFile, LabelledFiles, Split, open_split
from tare.errors import DataError, ModelError, SpecError
from tare.input_spec.geometry import NOUNS, Geometry, InputGeometry, Kind, geometry_json
from tare.input_spec.spec import InputSpec
from tare.measuring.api import checked, measure_state, stats_of
from tare.networks.batch_norm import batch_norms
from tare.networks.loading import built_for
from tare.networks.network import Network, with_head
from tare.networks.stated_images import check_accepts, colour_of, network_geometry, seen_moments, source_constants
from tare.networks.stated_numbers import (
    channels_in,
    check_channels,
    check_column_order,
    check_options,
    check_strategy,
    number_geometry,
)
from tare.networks.stated_spec import Spec, with_spec
from tare.networks.stored.source import source_network, source_statistics
from tare.normalisation.strategies import STRATEGIES, Constants, Normalisation, Strategy, clipped, normalisation
from tare.samples.decode import ColourMode
from tare.statistics.dataset_stats import DatasetStats
from tare.system.progress import Reporter
from tare.training.fitting import EpochBatches, check_training
from tare.training.options import Training
from tare.training.parameter_groups import frozen_names, optimiser_of


@dataclass(frozen=True, slots=True)
class Source:
    """The network to start from, and what its user states about its input where it does not say so itself, or says it wrongly."""

    model: str
    weights: str = "pretrained"
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    source_stats: str | os.PathLike[str] | None = None
    size: int | None = None
    interpolation: str | None = None
    crop: float | None = None
    length: int | None = None
    spec: Spec | None = None

    def network(self, training: Training, channels: int | None = None) -> Network:
        """Build it, for so many ``channels`` if it is built for the data; ``scratch`` draws all weights from the seed."""
        return with_spec(self._network(training, channels), self.spec, self.mean, self.std)

    def _network(self, training: Training, channels: int | None) -> Network:
        if training.tuning.protocol != "scratch":
            return source_network(self.model, self.weights, training.seed, channels)
        if self.weights not in ("pretrained", "none"):
            raise SpecError("no weights beside --protocol scratch", f"--weights {self.weights}", "use --protocol finetune")
        return source_network(self.model, "none", training.seed, channels)

    def check_options(self, kind: Kind, training: Training) -> None:
        """Raise :class:`SpecError` for an option that makes no sense for samples of ``kind``."""
        of_images = {"size": self.size, "interpolation": self.interpolation, "crop": self.crop}
        check_options(kind, of_images, self.length, training.augmenting)

    def trained_on(self) -> DatasetStats | None:
        """The statistics of dataset0, where the source is an earlier run."""
        return source_statistics(self.model, self.weights)


@dataclass(frozen=True, slots=True)
class Target:
    """The measured data: its split, the training split's statistics, and digests by which other data are recognised."""

    split: Split
    stats: DatasetStats
    digests: dict[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a transfer needs."""

    source: Source
    training: Training
    network: Network
    spec: InputSpec
    takes: InputGeometry
    colour: ColourMode
    target: Target
    chosen: Normalisation
    notes: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.target.split.classes

    def settings(self) -> dict[str, Any]:
        """What decides about the result: a run is resumed only with the same."""
        return {
            "model": self.source.model,
            "weights": self.source.weights,
            **self.target.digests,
            "strategy": self.chosen.strategy,
            "mean": list(self.chosen.mean),
            "std": list(self.chosen.std),
            "geometry": geometry_json(self.takes),
            **self.training.settings(),
        }

    def train_batches(self) -> EpochBatches:
        """Training batches of an epoch, varied by chance."""
        training, samples = self.training, self._samples(self.target.split.train, varied=True)
        size, workers = training.batch_size, training.machine.workers
        return lambda epoch: loader(samples, size, workers, EpochSampler(len(samples), training.seed, epoch))

    def plain_batches(self, files: tuple[LabelledFile, ...]) -> Any:
        """Batches as the network will be given samples when it is used."""
        return loader(self._samples(files, varied=False), self.training.batch_size, self.training.machine.workers)

    def bytes_of(self, files: tuple[LabelledFile, ...]) -> int:
        """How many bytes samples take as the network is given them: images of 8 bits, numbers of 32."""
        size = 1 if isinstance(self.takes, Geometry) else 4
        return size * len(files) * self.network.channels * math.prod(self.takes.shape)

    def views(self, paths: Sequence[str]) -> tuple[NDArray[np.uint8], ...]:
        """Images as the network sees them, in bytes before normalisation, ``(H, W)`` or ``(H, W, C)``; none of other samples."""
        return tuple(map(self._view, paths)) if isinstance(self.takes, Geometry) else ()

    def _samples(self, files: tuple[LabelledFile, ...], *, varied: bool) -> ImageBatches | SignalBatches:
        training = self.training
        if not isinstance(self.takes, Geometry):
            return SignalBatches(files, self.takes, training.seed, varies=varied and training.augmenting.augmentation != "none")
        if not varied:
            return ImageBatches(files, self.takes, self.colour, None, training.seed, self.chosen.border)
        fill = self.chosen.border or clipped(self.target.stats.mean)
        return ImageBatches(files, self.takes, self.colour, training.augmenting, training.seed, fill)

    def _view(self, path: str) -> NDArray[np.uint8]:
        file = next(file for file in self.target.split.val if file.path == path)
        values = self._samples((file,), varied=False)[0][0]
        raw = values if values.dtype == torch.uint8 else (255 * values.clamp(0, 1)).round().byte()
        return raw.permute(1, 2, 0).squeeze(2).numpy() if len(raw) == 1 else raw.permute(1, 2, 0).numpy()

    def class_weights(self) -> tuple[float, ...] | None:
        """The weight n / (K n_k) of each class k of the training split, or None where classes are not weighted."""
        if self.training.objective.class_weights == "none":
            return None
        counts = Counter(file.label for file in self.target.split.train)
        return tuple(counts.total() / (len(counts) * counts[label]) for label in range(len(self.classes)))


def planned(
    source: Source,
    labelled: Labelled,
    strategy: Strategy | Literal["auto"],
    training: Training,
    max_skipped: float,
    reporter: Reporter,
) -> Plan:
    """Build the network, measure the training split and choose the normalisation.

    Raises a :class:`tare.TareError` for anything unusable: the cheap checks first, reading the data last.
    """
    training.check()
    check_training(training)
    asked, strategy = strategy, _first(strategy)
    network, split = _network(source, labelled, training)
    check_strategy(network.kind, strategy)
    source.check_options(network.kind, training)
    constants, spec = source_constants(network, source.mean, source.std, strategy)
    images = _image_input(source, network) if network.kind == "image" else None
    split = split or open_split(labelled, training.seed, network.kind)
    colour = images.colour if images else "stored"
    target = _measured(split, labelled, colour, training.machine.workers, max_skipped, reporter)
    check_channels(network, target.stats)
    if network.kind == "vector":
        check_column_order(source.trained_on(), target.stats)
    notes: tuple[str, ...] = ()
    if asked == "auto":
        strategy, notes = _automatic(source, training, network, constants, spec, images, target, reporter)
    seen = seen_moments(strategy, constants, source.source_stats, source.trained_on() if strategy == "match" else None)
    chosen = normalisation(strategy, network.channels, source=constants, target=target.stats, source_seen=seen)
    takes, more = (images.geometry, images.notes) if images else _numbers(source, network, target, chosen, training)
    network = with_head(network, len(target.split.classes), training.seed)
    _check_head(network, takes, len(target.split.classes))
    _check_trainable(network, training)
    notes += network.notes + more + ((f"dataset0's own moments: {seen.origin}",) if seen is not None else ())
    notes += target.notes + _batch_norm_notes(network, training)
    for note in notes:
        reporter.note(note)
    return Plan(source, training, network, spec, takes, colour, target, chosen, notes)


@dataclass(frozen=True, slots=True)
class _ImageInput:
    geometry: Geometry
    colour: ColourMode
    notes: tuple[str, ...]


def _network(source: Source, labelled: Labelled, training: Training) -> tuple[Network, Split | None]:
    """The network, and the data if they had to be opened to build it."""
    kind = built_for(source.model)
    if kind is None:
        return source.network(training), None
    split = open_split(labelled, training.seed, kind)
    return source.network(training, channels_in(split)), split


def _image_input(source: Source, network: Network) -> _ImageInput:
    """How images reach the network, checked before any is read."""
    geometry, notes = network_geometry(network, source.size, source.interpolation, source.crop)
    colour = colour_of(network)
    check_accepts(network, geometry)
    return _ImageInput(geometry, colour, notes)


def _numbers(
    source: Source, network: Network, target: Target, chosen: Normalisation, training: Training
) -> tuple[InputGeometry, tuple[str, ...]]:
    """How signals or rows reach the network."""
    workers = training.machine.workers
    takes, notes = number_geometry(network, source.length, target.split, target.stats, chosen, workers)
    check_accepts(network, takes)
    return takes, notes


def _first(asked: Strategy | Literal["auto"]) -> Strategy:
    """What is checked before data are read: the strategy itself, for ``auto`` ``source``, which advice is measured against."""
    if asked == "auto":
        return "source"
    if asked not in STRATEGIES:
        raise SpecError(f"a strategy among {', '.join((*STRATEGIES, 'auto'))}", f"{asked!r}", "choose one of them")
    return asked


def _automatic(  # noqa: PLR0917 - everything that was found out so far
    source: Source,
    training: Training,
    network: Network,
    constants: Constants | None,
    spec: InputSpec,
    images: _ImageInput | None,
    target: Target,
    reporter: Reporter,
) -> tuple[Strategy, tuple[str, ...]]:
    """What advice on the training split recommends, and why; ``source`` where there is nothing to advise on."""
    if training.tuning.protocol == "scratch" or constants is None:
        return "source", ("strategy auto: source, since the network is not pretrained",)
    dataset0 = dataset0_of(constants, source.source_stats, source.model, source.weights)
    colour: ColourMode = images.colour if images else "stored"
    fed = Fed(network, constants, spec, images.geometry if images else None, colour, source.length, dataset0, ())
    return recommended(fed, target.split.train, target.stats, training.seed, reporter)


def _measured(
    split: Split, labelled: Labelled, colour: ColourMode, workers: int, max_skipped: float, reporter: Reporter
) -> Target:
    """Measure the training split, try to read the validation split, and leave out the few files that cannot be read."""
    noun = NOUNS[split.kind]
    sources = [
        LabelledFiles(f"the {name} split of {split.origin}", files, colour, split.channel_names)
        for name, files in (("training", split.train), ("validation", split.val))
    ]
    with reporter.counting("reading and measuring", noun, len(split.train) + len(split.val)) as advance:
        states = [measure_state(source, max(1, workers), advance) for source in sources]
    stats = checked(stats_of(states[0], sources[0]), max_skipped)
    bad = [item for state in states for item in state.skipped]
    total = len(split.train) + len(split.val)
    if len(bad) > max_skipped * total:
        raise DataError(
            f"at most {max_skipped:.2%} unreadable {noun}",
            f"{len(bad)} of {total}, the first {bad[0].path!r}: {bad[0].reason}",
            "repair or remove them, or allow more with --max-skipped",
        )
    notes = (f"left out {len(bad)} unreadable {noun}, the first {bad[0].path!r}: {bad[0].reason}",) if bad else ()
    split = split.without(bad) if bad else split
    val = stats_of(states[1], sources[1])
    where = {"data": labelled.name, "label": labelled.label, "label_pattern": labelled.label_pattern, "array": labelled.array}
    digests = {**where, "files": _digest(split), f"training {noun}": _moments(stats), f"validation {noun}": _moments(val)}
    return Target(split, stats, digests, notes)


def _moments(stats: DatasetStats) -> str:
    """Statistics to the last bit, in one line: other pixels under the same names are other data."""
    return f"{stats.samples} with mean {', '.join(map(repr, stats.mean))} and std {', '.join(map(repr, stats.std))}"


def _digest(split: Split) -> str:
    listing = json.dumps([[file.path, file.label] for part in (split.train, split.val) for file in part])
    return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()


@torch.inference_mode()
def _check_head(network: Network, takes: InputGeometry, classes: int) -> None:
    """Raise :class:`ModelError` unless the network answers with one logit a class: its last linear layer may be no classifier."""
    was_training = network.module.training
    try:
        answer = network.module.eval()(torch.zeros(2, network.channels, *takes.shape))
    finally:
        network.module.train(was_training)
    shape = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
    if shape != (2, classes):
        raise ModelError(
            f"one logit for each of {classes} classes: shape (2, {classes}) for two {NOUNS[takes.kind]}",
            f"{shape} with a new layer at {network.head!r}",
            "name a classifier whose last linear layer gives its logits",
        )


def _check_trainable(network: Network, training: Training) -> None:
    if training.tuning.protocol != "probe":
        frozen = frozen_names(network.module, network.head, training.tuning)
        optimiser_of(network.module, network.head, training.optimising, frozen)


def _batch_norm_notes(network: Network, training: Training) -> tuple[str, ...]:
    asked = training.tuning.batchnorm
    if asked == "train" or batch_norms(network.module):
        return ()
    return (f"--batchnorm {asked} changes nothing: {network.reference} has no batch norm with running statistics",)
