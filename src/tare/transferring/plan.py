"""Plan a transfer and check the plan before anything is written."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.advising.fed_network import FedNetwork, dataset0_of
from tare.advising.recommendation import recommended
from tare.advising.rule import AdvisedProtocol
from tare.checking.gate import Passed, passed
from tare.checking.rules.feed import Feed
from tare.datasets.files import LabelledFile
from tare.datasets.image_batches import EpochSampler, ImageBatches, loader
from tare.datasets.options import LabelOptions
from tare.datasets.signal_batches import SignalBatches
from tare.datasets.split import Split, open_split
from tare.errors import ModelError, SpecError
from tare.folding.first_layers import evaluating
from tare.input_spec.geometry import NOUNS, Geometry, InputGeometry, geometry_json
from tare.input_spec.spec import InputSpec
from tare.networks.batch_norm import batch_norms
from tare.networks.inputs import NetworkOptions
from tare.networks.loading import built_for
from tare.networks.network import Network, with_head
from tare.networks.stated_images import check_accepts, colour_of, network_geometry, scaled, seen_moments, source_constants
from tare.networks.stated_numbers import (
    channels_in,
    check_channels,
    check_column_order,
    check_options,
    check_strategy,
    number_geometry,
)
from tare.networks.stated_spec import with_spec
from tare.networks.stored.source import source_network, source_statistics
from tare.normalisation.names import Strategy
from tare.normalisation.strategies import Constants, Normalisation, clipped, normalisation
from tare.samples.modes import ColourMode
from tare.system.engines.local import default_workers
from tare.system.options import part
from tare.system.progress import Reporter
from tare.training.fitting import check_training
from tare.training.module import EpochBatches
from tare.training.options import Machine, Training
from tare.training.parameter_groups import frozen_names, optimiser_of
from tare.transferring.defaults import settled
from tare.transferring.inputs import TransferRequest
from tare.transferring.target import Target, measured


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """A checked transfer: network, target data, normalisation, input geometry and training options."""

    source: NetworkOptions
    training: Training
    machine: Machine
    network: Network
    spec: InputSpec
    takes: InputGeometry
    colour: ColourMode
    target: Target
    chosen: Normalisation
    notes: tuple[str, ...]
    gate: Passed

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.target.split.classes

    def settings(self) -> dict[str, Any]:
        """Return the settings that determine the result; a run can only be resumed with the same settings."""
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
        """Return the function from an epoch to its augmented training batches."""
        training, samples = self.training, self._samples(self.target.split.train, varied=True)
        size, workers = training.batch_size, self.machine.workers or 0
        return lambda epoch: loader(samples, size, workers, EpochSampler(len(samples), training.seed, epoch))

    def plain_batches(self, files: tuple[LabelledFile, ...]) -> Any:
        """Return batches without augmentation, as in prediction."""
        return loader(self._samples(files, varied=False), self.training.batch_size, self.machine.workers or 0)

    def bytes_of(self, files: tuple[LabelledFile, ...]) -> int:
        """Return the bytes of the samples at the network's size: 8 bits per value of images, 32 bits of signals and rows."""
        size = 1 if isinstance(self.takes, Geometry) else 4
        return size * len(files) * self.network.channels * math.prod(self.takes.shape)

    def views(self, paths: Sequence[str]) -> tuple[NDArray[np.uint8], ...]:
        """Return images at the network's size before normalisation, ``(H, W)`` or ``(H, W, C)``; empty for other samples."""
        return tuple(map(self._view, paths)) if isinstance(self.takes, Geometry) else ()

    def _samples(self, files: tuple[LabelledFile, ...], *, varied: bool) -> ImageBatches | SignalBatches:
        training = self.training
        if not isinstance(self.takes, Geometry):
            return SignalBatches(files, self.takes, training.seed, varies=varied and training.augmentation != "none")
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
        """Return the weight n / (K n_k) of each class k of the training split; None without class weights."""
        if self.training.class_weights == "none":
            return None
        counts = Counter(file.label for file in self.target.split.train)
        return tuple(counts.total() / (len(counts) * counts[label]) for label in range(len(self.classes)))


def planned(request: TransferRequest, reporter: Reporter) -> TransferPlan:
    """Build the network, measure the training split and choose the normalisation.

    Raises a :class:`tare.TareError` for unusable options or data; the cheap checks come before reading the data.
    """
    given = request.strategy
    request, notes = settled(request)
    training, machine = part(Training, request), part(Machine, request)
    machine = replace(machine, workers=default_workers() if machine.workers is None else machine.workers)
    check_training(training, machine)
    # Checked before data are read; ``auto`` is replaced below by the recommended strategy.
    strategy: Strategy = "source" if request.strategy is None or request.strategy == "auto" else request.strategy
    labels = part(LabelOptions, request)
    network, split = _network(request, labels, training)
    check_strategy(network.kind, strategy)
    check_options(network.kind, request, training)
    constants, spec = source_constants(network, request.mean, request.std, strategy)
    images = _image_input(request, network) if network.kind == "image" else None
    split = split or open_split(labels, training.seed, network.kind)
    colour = images.colour if images else "stored"
    target = measured(split, labels, colour, machine.workers or 1, request.max_skipped, reporter)
    check_channels(network, target.stats)
    if network.kind == "vector":
        check_column_order(source_statistics(request.model, request.weights), target.stats)
    constants, spec = scaled(constants, spec, request.scale, target.stats.dtype)
    if request.strategy == "auto":
        strategy, reasons = _automatic(request, network, (constants, spec), images, target, reporter)
        notes += reasons
    trained_on = source_statistics(request.model, request.weights) if strategy == "match" else None
    seen = seen_moments(strategy, constants, request.source_stats, trained_on)
    chosen = normalisation(strategy, network.channels, source=constants, target=target.stats, source_seen=seen)
    gate = passed(Feed(target.stats, chosen, own=request.mean is None), spec, network.reference, request.allow)
    takes: InputGeometry
    if images:
        takes, geometry_notes = replace(images.geometry, raw_dtype=target.stats.dtype), images.notes
    else:
        workers = machine.workers or 0
        takes, geometry_notes = number_geometry(network, request.length, target.split, target.stats, chosen, workers)
        check_accepts(network, takes)
    network = with_head(network, len(target.split.classes), training.seed)
    _check_head(network, takes, len(target.split.classes))
    _check_trainable(network, training)
    notes += network.notes + geometry_notes + ((f"dataset0's own moments: {seen.origin}",) if seen is not None else ())
    notes += target.notes + _batch_norm_notes(network, training) + gate.lines
    notes += _open_choice(network, training) if given is None and strategy == "source" else ()
    for note in notes:
        reporter.note(note)
    source = part(NetworkOptions, request)
    return TransferPlan(source, training, machine, network, spec, takes, colour, target, chosen, notes, gate)


@dataclass(frozen=True, slots=True)
class _ImageInput:
    geometry: Geometry
    colour: ColourMode
    notes: tuple[str, ...]


def _network(source: NetworkOptions, labels: LabelOptions, training: Training) -> tuple[Network, Split | None]:
    """Build the network; return the data too if its channels had to be counted first."""
    kind = built_for(source.model)
    if kind is None:
        return built_network(source, training, None), None
    split = open_split(labels, training.seed, kind)
    return built_network(source, training, channels_in(split)), split


def built_network(source: NetworkOptions, training: Training, channels: int | None) -> Network:
    """Build the network, for ``channels`` if it is built for the data; ``scratch`` draws all weights from the seed."""
    weights = source.weights
    if training.protocol == "scratch":
        if weights not in ("pretrained", "none"):
            raise SpecError("no --weights with --protocol scratch", f"--weights {weights}", "use --protocol finetune")
        weights = "none"
    return with_spec(source_network(source.model, weights, training.seed, channels), source.spec, source.mean, source.std)


def _image_input(source: NetworkOptions, network: Network) -> _ImageInput:
    """Settle geometry and colour mode of images, and check that the network takes them, before images are read."""
    geometry, notes = network_geometry(network, source.size, source.interpolation, source.crop)
    colour = colour_of(network)
    check_accepts(network, geometry)
    return _ImageInput(geometry, colour, notes)


def _automatic(
    request: TransferRequest,
    network: Network,
    stated: tuple[Constants | None, InputSpec],
    images: _ImageInput | None,
    target: Target,
    reporter: Reporter,
) -> tuple[Strategy, tuple[str, ...]]:
    """Return the strategy recommended on the training split and the reasons; ``source`` for a network that is not pretrained."""
    constants, spec = stated
    if request.protocol == "scratch" or constants is None:
        return "source", ("strategy auto: source, since the network is not pretrained",)
    dataset0 = dataset0_of(constants, request.source_stats, request.model, request.weights)
    colour: ColourMode = images.colour if images else "stored"
    fed = FedNetwork(
        network, constants, spec, images.geometry if images else None, colour, request.length, dataset0, (), None, request.allow
    )
    tuned = request.protocol == "finetune" and request.batchnorm == "train"
    protocol: AdvisedProtocol = "finetune" if tuned else "probe"
    return recommended(fed, target.split.train, target.stats, protocol, request.seed, reporter)


@torch.inference_mode()
def _check_head(network: Network, takes: InputGeometry, classes: int) -> None:
    """Raise :class:`ModelError` unless the network gives one logit per class: its last linear layer may not be the classifier."""
    with evaluating(network.module):
        answer = network.module(torch.zeros(2, network.channels, *takes.shape))
    shape = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
    if shape != (2, classes):
        raise ModelError(
            f"one logit for each of {classes} classes: shape (2, {classes}) for two {NOUNS[takes.kind]}",
            f"{shape} with a new layer at {network.head!r}",
            "name a classifier whose last linear layer gives its logits",
        )


def _check_trainable(network: Network, training: Training) -> None:
    if training.protocol != "probe":
        frozen = frozen_names(network.module, network.head, training)
        optimiser_of(network.module, network.head, training, frozen)


def _open_choice(network: Network, training: Training) -> tuple[str, ...]:
    """A remark if the choice of strategy was left open and can matter: unless batch norm is trained (docs/the-question.md)."""
    if training.protocol == "finetune" and training.batchnorm == "train" and batch_norms(network.module):
        return ()
    return ("strategy source by default; if the instrument differs, another can be better: --strategy auto asks `tare advise`",)


def _batch_norm_notes(network: Network, training: Training) -> tuple[str, ...]:
    if training.batchnorm == "train" or batch_norms(network.module):
        return ()
    return (f"--batchnorm {training.batchnorm} has no effect: {network.reference} has no batch norm with running statistics",)
