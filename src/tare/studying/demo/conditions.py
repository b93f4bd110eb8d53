"""The question under five conditions: the network's own classes, or new ones, from the same sensor, or from another."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tare.networks.heads.reference import features_of, fit_head
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.names import BASIC, Strategy
from tare.normalisation.strategies import normalisation
from tare.statistics.dataset_stats import DatasetStats
from tare.studying.cells.pretraining import train
from tare.studying.demo.networks import HEAD, Source, dataset0
from tare.studying.demo.result import ProbeScore
from tare.studying.tasks.digits import load_digits
from tare.studying.tasks.samples import Samples, shifted_samples
from tare.system.seeds import derived

OWN = "its own classes, as they are"
ALONE = "each of its classes alone"
SENSOR = "its own classes, another sensor"
HEADED = "new classes, a new head, another sensor"
TUNED = "new classes, fine-tuned, another sensor"
CONDITIONS = (OWN, ALONE, SENSOR, HEADED, TUNED)
#: Half the contrast on a brighter ground.
SHIFT = "gain:0.5+offset:0.25"

_MEASURED, _STRENGTH = 60, 1.0
_EPOCHS, _RATE, _BATCH = 10, 4e-3, 30


@dataclass(frozen=True, slots=True)
class Split:
    """What is measured and trained on, and what is tested on."""

    train: Samples
    test: Samples

    def stats(self) -> DatasetStats:
        """Statistics of the training images; never of the test's."""
        return self.train.measure()


def splits(seed: int, train_size: int) -> dict[str, tuple[Split, ...]]:
    """The data of each condition for one seed; the accuracy of a condition is the mean over its splits."""
    known, other = dataset0()
    chance = np.random.default_rng(derived(seed, 3))
    some = known.take(chance.permutation(len(known.labels))[:train_size])
    new = _halves(shifted_samples(load_digits()[1], SHIFT), train_size, seed)
    return {
        OWN: (Split(some, other),),
        ALONE: tuple(_alone(known, other, label, chance) for label in range(known.classes)),
        SENSOR: (Split(shifted_samples(some, SHIFT), shifted_samples(other, SHIFT)),),
        HEADED: (new,),
        TUNED: (new,),
    }


def normalisations(source: Source, split: Split) -> list[Normalisation]:
    """Every strategy's normalisation of a condition."""
    stats = split.stats()
    return [normalisation(name, 1, source=source.constants, target=stats, source_seen=source.seen) for name in BASIC]


def scores(source: Source, seed: int, train_size: int) -> Iterator[ProbeScore]:
    """The accuracy of one network under every condition and strategy."""
    for condition, parts in splits(seed, train_size).items():
        right: dict[Strategy, list[float]] = {name: [] for name in BASIC}
        for split in parts:
            for chosen in normalisations(source, split):
                found = _answers(condition, source, split, InputLayer(chosen), seed)
                right[chosen.strategy].append(float((found == split.test.labels).mean()))
        yield from (ProbeScore(name, condition, seed, float(np.mean(each))) for name, each in right.items())


def _answers(condition: str, source: Source, split: Split, prepare: InputLayer, seed: int) -> NDArray[np.int64]:
    if condition == HEADED:
        features = [features_of(source.module, HEAD, [part.tensor()], prepare) for part in (split.train, split.test)]
        return np.asarray(fit_head(features[0], split.train.labels, strength=_STRENGTH).predict(features[1]))
    module = _tuned(source, split.train, prepare, seed) if condition == TUNED else source.module
    with torch.no_grad():
        return np.asarray(module(prepare(split.test.tensor())).argmax(dim=1).numpy())


def _tuned(source: Source, samples: Samples, prepare: InputLayer, seed: int) -> torch.nn.Module:
    """The network with a new head, all of it trained on the images of the new classes."""
    module = copy.deepcopy(source.module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived(seed, 4))
        module.head = torch.nn.Linear(module.head.in_features, samples.classes)  # type: ignore[arg-type, union-attr]
    fed, labels = prepare(samples.tensor()), torch.from_numpy(samples.labels)
    train(module, lambda _: fed, labels, seed=seed, epochs=_EPOCHS, lr=_RATE, batch=_BATCH)
    return module


def _halves(data: Samples, train_size: int, seed: int) -> Split:
    order = np.random.default_rng(seed).permutation(len(data.labels))
    return Split(data.take(order[:train_size]), data.take(order[train_size:]))


def _alone(known: Samples, other: Samples, label: int, chance: np.random.Generator) -> Split:
    chosen = chance.permutation(np.flatnonzero(known.labels == label))[:_MEASURED]
    return Split(known.take(chosen), other.take(np.flatnonzero(other.labels == label)))
