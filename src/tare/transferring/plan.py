"""Plan a transfer and check the plan before anything is written."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from tare.advising.fed_network import FedNetwork, dataset0_of
from tare.advising.recommendation import recommended
from tare.advising.rule import AdvisedProtocol
from tare.checking.gate import Passed, passed
from tare.checking.rules.feed import Feed, leaves_far, same_kind
from tare.datasets.augmentation import check_policy
from tare.datasets.files import LabelledFile
from tare.datasets.image_batches import EpochSampler, ImageBatches, loader
from tare.datasets.masks.batches import MaskBatches
from tare.datasets.options import LabelOptions
from tare.datasets.signal_batches import SignalBatches
from tare.datasets.split import Split, open_split
from tare.datasets.views import picture
from tare.errors import DataError, SpecError
from tare.input_spec.geometry import Geometry, InputGeometry, geometry_json
from tare.input_spec.spec import InputSpec, Known
from tare.measuring.stated.axes import axes_of, axes_stated
from tare.networks.batch_norm import batch_norms
from tare.networks.inputs import NetworkOptions
from tare.networks.loading import built_for
from tare.networks.network import Network, as_dense, with_head
from tare.networks.stated_images import check_accepts, colour_of, network_geometry, scaled, seen_moments, source_constants
from tare.networks.stated_numbers import (
    axes_notes,
    channels_in,
    check_channels,
    check_column_order,
    check_grey,
    check_options,
    check_source_order,
    check_strategy,
    number_geometry,
)
from tare.networks.stated_spec import with_frames, with_spec
from tare.networks.stored.source import source_bands, source_code, source_network, source_statistics
from tare.networks.weights import weights_digest
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.inputs import ends_of
from tare.normalisation.names import Strategy
from tare.normalisation.strategies import Constants, normalisation
from tare.samples.layout import clipped
from tare.samples.modes import ColourMode
from tare.statistics.dataset_stats import DatasetStats
from tare.system.engines.local import default_workers
from tare.system.options import flag, part
from tare.system.progress import Reporter
from tare.system.trackers.tracker import check_installed
from tare.tasks.table import TASKS
from tare.tasks.task import Task
from tare.training.options import Machine, Training
from tare.training.parameter_groups import frozen_names, optimiser_of
from tare.training.run_dir import check_processes
from tare.transferring.defaults import settled
from tare.transferring.forecast import check_forecast, forecasting
from tare.transferring.head import check_dense, check_head
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
    task: Task
    source_digests: Mapping[str, str]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the network's outputs: classes, labels or targets."""
        return self.task.names

    def settings(self) -> dict[str, Any]:
        """Return the settings that determine the result; a run can only be resumed with the same settings."""
        return {
            "model": self.source.model,
            "weights": self.source.weights,
            **({} if self.source.in_channels is None else {"in_channels": self.source.in_channels}),
            **self.source_digests,
            **self.target.digests,
            **{name: value for name, value in self.chosen.to_json().items() if name != "per_sample"},
            "geometry": geometry_json(self.takes),
            **{name: value for name, value in self.task.to_json().items() if name == "forecast"},
            **self.training.settings(),
        }

    def train_batches(self) -> Callable[[int], DataLoader[Any]]:
        """Return the function from an epoch to its augmented training batches."""
        training, samples = self.training, self._samples(self.target.split.train, varied=True)
        size, workers = training.batch_size, self.machine.workers or 0
        return lambda epoch: loader(samples, size, workers, EpochSampler(len(samples), training.seed, epoch))

    def plain_batches(self, files: tuple[LabelledFile, ...]) -> Any:
        """Return batches without augmentation, as in prediction."""
        return loader(self._samples(files, varied=False), self.training.batch_size, self.machine.workers or 0)

    def fed_batches(self, files: tuple[LabelledFile, ...], device: torch.device) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Return normalised batches without augmentation on the device, with what they are labelled with."""
        normaliser = InputLayer(self.chosen).to(device)
        return ((normaliser(samples.to(device)), labels) for samples, labels in self.plain_batches(files))

    def bytes_of(self, files: tuple[LabelledFile, ...]) -> int:
        """Return the bytes of the samples at the network's size: 8 bits per value of images, 32 bits of signals and rows."""
        size = 1 if isinstance(self.takes, Geometry) else 4
        return size * len(files) * self.network.channels * math.prod(self.takes.shape)

    def views(self, paths: Sequence[str]) -> tuple[NDArray[np.uint8], ...]:
        """Return images at the network's size before normalisation, ``(H, W)`` or ``(H, W, C)``; empty for other samples."""
        return tuple(map(self._view, paths)) if isinstance(self.takes, Geometry) else ()

    def _samples(self, files: tuple[LabelledFile, ...], *, varied: bool) -> ImageBatches | SignalBatches:
        training = self.training
        files = tuple(replace(file, label=self.task.taught(file.label)) for file in files)
        if not isinstance(self.takes, Geometry):
            return SignalBatches(files, self.takes, training.seed, varies=varied and training.augmentation != "none")
        made, raw = MaskBatches if self.task.dense else ImageBatches, self.takes.raw_dtype
        around = self.chosen.border(raw)
        if not varied:
            return made(files, self.takes, self.colour, None, training.seed, around)
        fill = around or clipped(self.target.stats.mean, raw)
        return made(files, self.takes, self.colour, training.augmenting, training.seed, fill)

    def _view(self, path: str) -> NDArray[np.uint8]:
        file = next(file for file in self.target.judged if file.path == path)
        return picture(self._samples((file,), varied=False)[0][0], self.takes.bands if isinstance(self.takes, Geometry) else None)

    def class_weights(self) -> tuple[float, ...] | None:
        """Return the weight n / (K n_k) of each class k of the training split; None without class weights."""
        if self.training.class_weights == "none":
            return None
        counts = Counter(file.label for file in self.target.split.train)
        return tuple(counts.total() / (len(counts) * counts[label]) for label in range(len(self.classes)))


def _check_machine(training: Training, machine: Machine) -> None:
    """Raise :class:`SpecError` for a device, a precision or a tracker that is not here; Lightning loads only if it is asked."""
    usual = Training().precision, Machine().device, Machine().devices
    if training.protocol == "probe":
        check_processes(1)
    if training.protocol == "probe" and (training.precision, machine.device, machine.devices) == usual:
        check_installed(machine.tracker)
        return
    from tare.training.fitting import check_training

    check_training(training, machine)


def planned(request: TransferRequest, reporter: Reporter) -> TransferPlan:
    """Build the network, measure the training split and choose the normalisation.

    Raises a :class:`tare.TareError` for unusable options or data; the cheap checks come before reading the data.
    """
    given = request.strategy
    request, notes = settled(request)
    training, machine = part(Training, request), part(Machine, request)
    machine = replace(machine, workers=default_workers() if machine.workers is None else machine.workers)
    _check_machine(training, machine)
    labels = part(LabelOptions, request)
    network, split = _network(request, labels, training)
    strategy, own = _strategy(request, given, network)
    check_strategy(network.kind, strategy)
    check_forecast(request, network, strategy)
    check_options(network.kind, request, training)
    constants, spec = source_constants(network, request.mean, request.std, strategy)
    images = _image_input(request, network) if network.kind == "image" else None
    split = split or _split(request, labels, network)
    colour = images.colour if images else "stored"
    target = measured(split, labels, colour, machine.workers or 1, request.max_skipped, reporter=reporter, tested=request.test)
    task = _task(request, training, target)
    paired = _check_values(network, training, request, target.stats)
    constants, spec = scaled(constants, spec, request.scale, target.stats.dtype)
    if request.strategy == "auto":
        strategy, reasons = _automatic(request, network, (constants, spec), images, target, reporter)
        notes += reasons
    seen, of_source = _seen(request, strategy, constants, spec, target.stats)
    paired += of_source
    target = target.with_logarithms(strategy, colour, machine.workers or 1)
    chosen = normalisation(
        strategy, network.channels, source=constants, target=target.stats, source_seen=seen, window=ends_of(request.window)
    )
    gate = passed(_feed(request, target.stats, chosen), spec, network.reference, request.allow)
    takes: InputGeometry
    if images:
        takes = _of_rasters(images.geometry, target)
        geometry_notes = (*images.notes, *axes_notes(network, axes_of(target.stats)))
        if task.dense:  # the whole image, so that every pixel of a mask is judged
            takes = replace(takes, crop_mode="squash", crop_fraction=1.0, resize=None)
            geometry_notes = tuple(note for note in geometry_notes if not note.startswith("crop"))
    else:
        workers = machine.workers or 0
        takes, geometry_notes = number_geometry(network, request, target.split, target.stats, chosen, workers)
        check_accepts(network, takes)
    network = as_dense(network) if task.dense else network
    check_dense(network, task)
    network = with_head(network, len(task.names), training.seed)
    check_head(network, takes, task, training)
    _check_trainable(network, training)
    notes += (
        own
        + network.notes
        + tuple(dict.fromkeys(paired))
        + geometry_notes
        + ((f"dataset0's own moments: {seen.origin}",) if seen is not None else ())
    )
    notes += target.notes + _batch_norm_notes(network, training) + gate.lines
    notes += _open_choice(network, training) if given is None and strategy == "source" else ()
    for note in notes:
        reporter.note(note)
    digests = _source_digests(network, request.model)
    return TransferPlan(
        part(NetworkOptions, request), training, machine, network, spec, takes, colour, target, chosen, notes, gate, task, digests
    )


def _of_rasters(geometry: Geometry, target: Target) -> Geometry:
    """The geometry with what files of the training split state of their values; colours in pictures state nothing."""
    axes = axes_stated(axes_of(target.stats))
    return replace(geometry, raw_dtype=target.stats.dtype, bands=target.split.channel_names, axes=axes)


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
    split = open_split(labels, training.seed, kind, known=source_bands(source.model, source.weights))
    return built_network(source, training, channels_in(split)), split


def _split(request: TransferRequest, labels: LabelOptions, network: Network) -> Split:
    """Split the data as the network takes them: rasters by the bands of the run that it comes from, if it names any."""
    known = source_bands(request.model, request.weights)
    split = open_split(labels, request.seed, network.kind, network.taken, known)
    check_grey(network, split, labels.bands or known)
    return split


def _source_digests(network: Network, reference: str) -> dict[str, str]:
    """Hashes of the network's code and weights, which differ where its files were edited; drawn weights follow from the seed."""
    drawn = network.weights == "none"
    weights = {} if drawn else {"weights of the network": weights_digest(network.module, network.head)}
    return source_code(reference) | weights


def built_network(source: NetworkOptions, training: Training, channels: int | None) -> Network:
    """Build the network, for ``channels`` if it is built for the data; ``scratch`` draws all weights from the seed."""
    weights = source.weights
    if training.protocol == "scratch":
        if weights not in ("pretrained", "none"):
            raise SpecError("no --weights with --protocol scratch", f"--weights {weights}", "use --protocol finetune")
        weights = "none"
    channels = channels if source.in_channels is None else source.in_channels
    network = source_network(source.model, weights, training.seed, channels, trusted=source.trust_remote_code)
    return with_frames(with_spec(network, source.spec, source.mean, source.std), source.frames, source.stride)


def _strategy(request: TransferRequest, given: str | None, network: Network) -> tuple[Strategy, tuple[str, ...]]:
    """The strategy to check before data are read, and a note; ``auto`` is replaced afterwards by the recommended one.

    A network that states that each sample is normalised by its own moments keeps to that if the user states nothing.
    """
    own = network.spec.per_sample
    states = isinstance(own, Known) and own.value.kind == "zscore" and request.mean is None and request.spec is None
    if given is None and states:
        return "sample", ("strategy sample: the network's own extractor normalises each recording by its own mean and std",)
    return ("source" if request.strategy is None or request.strategy == "auto" else request.strategy), ()


def _image_input(source: NetworkOptions, network: Network) -> _ImageInput:
    """Settle geometry and colour mode of images, and check that the network takes them, before images are read."""
    geometry, notes = network_geometry(network, source.size, source.interpolation, source.crop)
    colour = colour_of(network)
    check_accepts(network, geometry)
    return _ImageInput(geometry, colour, notes)


def _are_unit(stats: DatasetStats) -> bool:
    """Whether statistics are of unit values, as ToTensor makes them, which are those of any raw type in unit values."""
    return stats.dtype.startswith("float") and all(channel.min >= 0 and channel.max <= 1 for channel in stats.channels)


def _seen(
    request: TransferRequest, strategy: Strategy, constants: Constants | None, spec: InputSpec, data: DatasetStats
) -> tuple[Constants | None, tuple[str, ...]]:
    """Dataset0's own moments, for the strategy that needs them, and a remark on the names of their channels.

    Raises :class:`DataError` for those of channels in another order than that of the ``data``, and of raw values of another type
    than the constants are of: their units differ.
    """
    if strategy != "match":
        return None, ()
    told: tuple[str, ...] = ()
    trained_on = source_statistics(request.model, request.weights)
    stats = trained_on if request.source_stats is None else DatasetStats.load(Path(request.source_stats))
    if stats is not None:
        told = check_source_order(stats, data)
        raw = spec.raw_dtype
        if isinstance(raw, Known) and stats.dtype and not (same_kind(stats.dtype, raw.value) or _are_unit(stats)):
            stated = f"{raw.value} values, which the constants are of ({raw.origin})"
            remedy = "measure dataset0 as the network took it; match needs no --scale" if request.scale else "measure that"
            raise DataError(f"dataset0's own statistics in {stated}", f"{stats.dtype} values of {stats.source!r}", remedy)
    return seen_moments(strategy, constants, request.source_stats, trained_on), told


def _feed(request: TransferRequest, data: DatasetStats, chosen: Normalisation) -> Feed:
    """What is about to be fed; a run shows by its own training whether its constants may leave inputs far from 0."""
    own = request.mean is None and leaves_far(chosen, source_statistics(request.model, request.weights))
    return Feed(data, chosen, own=own)


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
    split = target.split if target.split.has_classes else target.split.without_targets()
    tuned = request.protocol == "finetune" and request.batchnorm == "train"
    protocol: AdvisedProtocol = "finetune" if tuned else "probe"
    return recommended(fed, split.train, target.stats, protocol, request.seed, reporter)


def _task(request: TransferRequest, training: Training, target: Target) -> Task:
    """What the network is taught, by the training split. Raises :class:`SpecError` for options that it cannot follow."""
    task = TASKS[target.split.task].of(target.split.classes, [file.label for file in target.split.train], target.split.origin)
    task = task if request.forecast is None else forecasting(task, request.forecast, target.stats)
    task.check_unit(target.split.origin)
    _check_task(task, training)
    return task


def _check_task(task: Task, training: Training) -> None:
    """Raise :class:`SpecError` for an option of training that the task cannot follow."""
    if task.dense and (training.protocol == "probe" or training.augmentation not in ("none", "basic")):
        found = f"--protocol {training.protocol} --augmentation {training.augmentation}"
        remedy = "use --protocol finetune --augmentation basic"
        raise SpecError(f"a protocol and an augmentation that --task {task.name} can follow", found, remedy)
    for name, neutral in task.unfit.items():
        if getattr(training, name) != neutral:
            found = f"{flag(name)} {getattr(training, name)}"
            raise SpecError(
                f"an option that --task {task.name} can follow", found, f"leave it out, or use {flag(name)} {neutral}"
            )


def _check_values(network: Network, training: Training, source: NetworkOptions, stats: DatasetStats) -> tuple[str, ...]:
    """Remarks on the names of channels.

    Raises an error for a number of channels, or an augmentation of images, that does not fit the measured values.
    """
    told = check_channels(network, stats)
    if network.kind == "image":
        check_policy(training.augmenting, stats)
    if network.kind == "vector":
        trained_on = source_statistics(source.model, source.weights)
        told += check_column_order(trained_on, [channel.name for channel in stats.channels])
    return told


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
