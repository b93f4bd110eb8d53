"""Tasks on which advice is judged: dataset1, a pretrained network, a size, a shift."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import torch

from benchmarks import advice_data as data
from tare.networks.loading import load_network
from tare.networks.signal_networks import NETWORKS
from tare.normalisation.strategies import Constants
from tare.statistics.dataset_stats import DatasetStats
from tare.studying.cells.pretraining import pretrain, source_moments
from tare.studying.tasks.samples import Samples
from tare.studying.tasks.shifts import shift_named
from tare.studying.tasks.small_networks import SmallNetwork
from tare.studying.tasks.task import Pretrained, Task

#: Samples that dataset0 is cut to, so that pretraining takes seconds.
_PRETRAINING = 4000
_EPOCHS = 12


@dataclass(frozen=True, slots=True)
class Pair:
    """Dataset0 and dataset1, the networks between them, and the (size, shift) pairs that are tried; size 0 is all."""

    name: str
    source: data.Loader | None
    target: data.Loader
    networks: tuple[str, ...]
    cells: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class AdviceTask:
    """One task: its name says everything."""

    pair: Pair
    network: str
    size: int
    shift: str

    @property
    def name(self) -> str:
        """Pair, network, size and shift."""
        return f"{self.pair.name} / {self.network} / {self.size or 'all'} / {self.shift}"


_GAIN, _OFFSET, _BOTH = "gain:0.5", "offset:0.25", "gain:0.5+offset:0.25"
_BITS, _INVERTED, _DARK = "bits:4", "invert", "gain:0.2"
_CNN = ("batch", "layer", "none")
_GREY = ((10, "content"), (40, _BOTH), (160, _BITS), (400, _INVERTED), (40, "content"), (160, _GAIN))

PAIRS: tuple[Pair, ...] = (
    Pair("digits 0-4 to 5-9", partial(data.digits, 0, 4), partial(data.digits, 5, 9), _CNN,
         ((10, _GAIN), (40, "content"), (160, _BOTH), (400, _OFFSET), (20, _INVERTED))),
    Pair("mnist 0-4 to 5-9", partial(data.mnist, 0, 4), partial(data.mnist, 5, 9), _CNN,
         ((10, "content"), (40, _DARK), (160, _INVERTED), (400, _BOTH))),
    Pair("mnist to fashion", data.mnist, data.fashion, _CNN, ((10, _BOTH), (40, "content"), (160, _BITS), (400, "content"))),
    Pair("fashion to mnist", data.fashion, data.mnist, ("batch", "none"), ((20, "content"), (100, _OFFSET), (400, _GAIN))),
    Pair("mnist to pneumonia", data.mnist, data.pneumonia, ("batch", "layer"),
         ((10, "content"), (40, _INVERTED), (160, "content"), (400, _DARK))),
    Pair("cifar A to B", partial(data.cifar, 0), partial(data.cifar, 1), _CNN,
         ((10, _DARK), (40, _OFFSET), (160, "content"), (400, _BOTH))),
    Pair("imagenet to hymenoptera", None, data.hymenoptera, ("mobilenet",),
         ((10, "content"), (40, _BOTH), (0, "content"), (80, _DARK), (0, _BITS))),
    Pair("imagenet to satellite", None, data.satellite, ("mobilenet",), ((21, "content"), (0, _BOTH), (0, _DARK), (35, _BITS))),
    Pair("imagenet to cifar B", None, partial(data.cifar, 1, 64, 80), ("mobilenet",),
         ((10, _GAIN), (40, _BITS), (160, "content"), (0, _OFFSET))),
    Pair("jackson's digits to theo's", partial(data.spoken, ("jackson", "nicolas")), partial(data.spoken, ("theo",)),
         ("cnn1d", "cnn1d-layer", "cnn1d-none"), ((20, "content"), (100, "content"), (0, "units:100"))),
    Pair("gestures 2003 to 2018", partial(data.gestures, 2003), partial(data.gestures, 2018), ("cnn1d", "cnn1d-none"),
         ((10, "content"), (40, "content"), (0, "content"))),
    Pair("white wine to red", partial(data.wine, "white"), partial(data.wine, "red"), ("mlp", "mlp-none"),
         ((20, "content"), (100, "units:10"), (400, "content"))),
)  # fmt: skip

#: The networks that have batch norm.
WITH_BATCH_NORM = ("batch", "mobilenet", "cnn1d", "mlp")


def tasks() -> tuple[AdviceTask, ...]:
    """All tasks, those left out whose data are not there."""
    return tuple(
        AdviceTask(pair, network, size, shift)
        for pair in PAIRS
        if _there(pair)
        for network in pair.networks
        for size, shift in pair.cells
    )


def _there(pair: Pair) -> bool:
    try:
        for load in (pair.source, pair.target):
            if load is not None:
                load()
        if pair.source is None:
            data.found("mobilenet_v1_025.py")
    except FileNotFoundError:
        return False
    return True


def shifted(task: AdviceTask) -> Samples:
    """Dataset1 as the other sensor stores it."""
    target = task.pair.target()
    return Samples(target.name, shift_named(task.shift).apply(target.values), target.labels)


def network_of(task: AdviceTask, cache_folder: Path) -> tuple[Pretrained, DatasetStats]:
    """The network that a task starts from, and dataset0's statistics as it really saw them; pretrained once and kept."""
    return _network(task.pair, task.network, cache_folder)


@cache
def _network(pair: Pair, network: str, folder: Path) -> tuple[Pretrained, DatasetStats]:
    if pair.source is None:
        return _mobilenet()
    source = _cut(pair.source())
    task = Task(pair.name, pair.target, lambda: source, _built, (network,), (network,), (), (), (), ())
    constants, seen = source_moments(source, 0)
    key = hashlib.sha256(f"{network} {source.digest()} {_EPOCHS}".encode()).hexdigest()[:24]
    path = folder / f"{key}.safetensors"
    if path.is_file():
        from safetensors.torch import load_file

        module = _built(network, source.channels, source.classes)
        module.load_state_dict(load_file(path))
        kept = Pretrained(module.eval(), constants, seen)
    else:
        kept = pretrain(task, network, 0, epochs=_EPOCHS)
        _save(kept.module, path)
    return kept, replace(source.measure(), source=source.name)


def _save(module: torch.nn.Module, path: Path) -> None:
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, path)


def _mobilenet() -> tuple[Pretrained, DatasetStats]:
    from tare.normalisation.catalog import named

    path = data.found("mobilenet_v1_025.py")
    network = load_network(f"{path}:mobilenet_v1_025", str(path.with_name("mobilenet_v1_025_imagenet.safetensors")))
    stats = named("imagenet-pooled").stats()
    constants = Constants((0.5,) * 3, (0.5,) * 3, "its documentation")
    return Pretrained(network.module.eval(), constants, Constants(stats.mean, stats.std, stats.source), "head"), stats


def _built(network: str, channels: int, classes: int) -> torch.nn.Module:
    if network in NETWORKS:
        return NETWORKS[network](channels, classes)
    return SmallNetwork(channels, classes, network)  # type: ignore[arg-type]


def _cut(source: Samples) -> Samples:
    import numpy as np

    if len(source.labels) <= _PRETRAINING:
        return source
    return source.take(np.sort(np.random.default_rng(0).permutation(len(source.labels))[:_PRETRAINING]))


def halves(all_tasks: tuple[AdviceTask, ...]) -> tuple[tuple[AdviceTask, ...], tuple[AdviceTask, ...]]:
    """Two halves, by a hash of the name: on one the rule's constants are chosen, on the other they are judged."""
    ordered = sorted(all_tasks, key=lambda task: hashlib.sha256(task.name.encode()).hexdigest())
    return tuple(ordered[::2]), tuple(ordered[1::2])
