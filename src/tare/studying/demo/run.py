"""The demo: pretrain on digits 0 to 4, transfer to 5 to 9 under every strategy, compare, save, reload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, TensorDataset

from tare.datasets.image_batches import EpochSampler
from tare.input_spec.geometry import Geometry
from tare.input_spec.spec import Crop, InputSpec, Known
from tare.networks.heads.reference import features_of, fit_head
from tare.networks.network import Network, with_head
from tare.networks.stored.directory import TransferredModel, load_model, save_model
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.names import STRATEGIES, Strategy
from tare.normalisation.strategies import Constants, Normalisation, normalisation, same_inputs
from tare.statistics.dataset_stats import DatasetStats
from tare.studying.analysis.analysis import Analysis, analyse
from tare.studying.analysis.contrasts import Contrast
from tare.studying.analysis.scores import scores_of
from tare.studying.demo.result import DemoResult, FedByStrategy, ProbeScore, Saved, shift_of
from tare.studying.demo.words import verdict
from tare.studying.execution.processes import one_thread
from tare.studying.tasks.digits import SIZE, ShiftedCrops, load_digits
from tare.studying.tasks.samples import Samples, shifted_samples
from tare.system.progress import Advance, Reporter
from tare.tasks.classification import Classification
from tare.training.fitting import train_in_memory
from tare.training.module import TransferModule
from tare.training.options import Machine, Training

AS_IT_IS = "dataset1 as it is"
OTHER_SENSOR = "dataset1 from another sensor"

_ARCHITECTURE = "test_resnet"
_HEAD = "fc"
_EPOCHS = 10
_MACHINE = Machine(device="cpu", devices=1)
_BATCH = 64
_STRENGTH = 1.0
#: Half the contrast on a brighter ground.
_SHIFT = "gain:0.5+offset:0.25"
_GEOMETRY = Geometry((SIZE, SIZE), "bilinear", 1.0)


@dataclass(frozen=True, slots=True)
class _Source:
    """A network pretrained on dataset0, its constants, and the moments of its augmented training data."""

    network: Network
    constants: Constants
    seen: Constants


def run_demo(folder: Path, reporter: Reporter, seeds: int, train_size: int = 120) -> DemoResult:
    """Run the demo and save its model in ``folder/model``; the same seeds give the same numbers."""
    with one_thread():
        return _run(folder, reporter, seeds, train_size)


def _run(folder: Path, reporter: Reporter, seeds: int, train_size: int) -> DemoResult:
    dataset0, dataset1 = load_digits()
    variants = {AS_IT_IS: dataset1, OTHER_SENSOR: shifted_samples(dataset1, _SHIFT)}
    stats0 = dataset0.measure()
    cells: list[ProbeScore] = []
    with reporter.counting("pretraining and probing", "networks", seeds) as advance:
        for seed in range(seeds):
            source = _pretrain(dataset0, stats0, seed)
            train, test = _split(len(dataset1.labels), train_size, seed)
            for shift, data in variants.items():
                cells += _probe_all(source, shift, data, train, test, seed)
            if seed == 0:
                first, first_split = source, (train, test)
            advance(1)
    analysis = demo_analysis(cells)
    fed, same = _fed(first, variants, first_split[0])
    best = winner(OTHER_SENSOR, analysis.contrasts)
    with reporter.counting("fine-tuning the winner", "epochs", 1) as advance:
        saved = _save_winner(folder, first, variants[OTHER_SENSOR], first_split, best, advance)
    return DemoResult(
        source_stats=stats0,
        target_stats=_measured(dataset1.take(first_split[0]), "digits 5-9, training split"),
        seeds=seeds,
        train_size=train_size,
        test_size=len(first_split[1]),
        cells=tuple(cells),
        analysis=analysis,
        verdicts={shift: verdict(shift, analysis.contrasts, seeds) for shift in variants},
        same_inputs=same,
        fed=fed,
        saved=saved,
    )


def _measured(samples: Samples, name: str) -> DatasetStats:
    return replace(samples, name=name).measure()


def _pretrain(dataset0: Samples, stats: DatasetStats, seed: int) -> _Source:
    import timm

    constants = Constants(stats.mean, stats.std, "measured on dataset0")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = timm.create_model(_ARCHITECTURE, in_chans=1, num_classes=5)
    normaliser = InputLayer(normalisation("source", 1, source=constants))
    crops = ShiftedCrops(dataset0, seed)
    options = _training(4e-3, seed)

    def batches(epoch: int) -> DataLoader[Any]:
        return DataLoader(crops, batch_size=_BATCH, sampler=EpochSampler(len(crops), seed, epoch), drop_last=True)

    train_in_memory(TransferModule(module, normaliser, options, batches, Classification(tuple("01234"))), _MACHINE)
    augmented = np.stack([crops[index][0][0].numpy() for index in range(len(crops))])[..., None]
    seen = Samples("dataset0 as augmented", augmented, dataset0.labels).measure()
    origin = "pretraining in this demo"
    spec = InputSpec(
        channels=Known("L", origin),
        scale=Known(1 / 255, origin),
        mean=Known(stats.mean, origin),
        std=Known(stats.std, origin),
        size=Known((SIZE, SIZE), origin),
        interpolation=Known("bilinear", origin),
        crop=Known(Crop("center", 1.0), origin),
    )
    network = Network(module, f"timm:{_ARCHITECTURE}", "pretrained on digits 0-4", spec, _HEAD, is_timm=True)
    return _Source(network, constants, Constants(seen.mean, seen.std, "measured on dataset0 as augmented"))


def _training(rate: float, seed: int) -> Training:
    return Training(epochs=_EPOCHS, seed=seed, head_epochs=0, lr=rate)


def _split(total: int, train_size: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.random.default_rng(seed).permutation(total)
    return order[:train_size], order[train_size:]


def _normalisations(source: _Source, data: Samples, train: NDArray[np.int64]) -> list[Normalisation]:
    stats = _measured(data.take(train), "training split")  # never the test data
    return [normalisation(name, 1, source=source.constants, target=stats, source_seen=source.seen) for name in STRATEGIES]


def _probe_all(
    source: _Source, shift: str, data: Samples, train: NDArray[np.int64], test: NDArray[np.int64], seed: int
) -> list[ProbeScore]:
    cells = []
    for chosen in _normalisations(source, data, train):
        features = features_of(source.network.module, _HEAD, [data.tensor()], InputLayer(chosen))
        head = fit_head(features[train], data.labels[train], strength=_STRENGTH)
        accuracy = float((head.predict(features[test]) == data.labels[test]).mean())
        cells.append(ProbeScore(chosen.strategy, shift, seed, accuracy))
    return cells


def demo_analysis(cells: Sequence[ProbeScore]) -> Analysis:
    """Analyse the accuracies: one group per shift, paired by seed, p values adjusted over all shifts and strategies."""
    # Pairs are sorted as texts: leading zeros keep the seeds in order, on which the last bit of a mean depends.
    rows = [{**asdict(cell), "seed": f"{cell.seed:09}"} for cell in cells]
    return analyse(scores_of(rows, strategy="strategy", score="accuracy", pair=["seed"], group=["shift"]))


def winner(shift: str, contrasts: Sequence[Contrast]) -> str:
    """The best strategy that is shown to be better than ``source``, else ``source``."""
    better = [item for item in contrasts if shift_of(item) == shift and item.statement == "better"]
    return max(better, key=lambda item: item.difference.estimate).strategy if better else "source"


def _fed(
    source: _Source, variants: Mapping[str, Samples], train: NDArray[np.int64]
) -> tuple[tuple[FedByStrategy, ...], dict[str, Mapping[Strategy, Strategy]]]:
    """Each strategy's inputs, measured on the tensors, and the strategies with the same inputs."""
    found, same = [], {}
    for shift, data in variants.items():
        choices = _normalisations(source, data, train)
        same[shift] = same_inputs(choices)
        for chosen in choices:
            fed = InputLayer(chosen)(data.take(train).tensor()).numpy()
            found.append(FedByStrategy(shift, chosen, float(fed.mean()), float(fed.std()), fed[:4, 0]))
    return tuple(found), same


def _save_winner(
    folder: Path,
    source: _Source,
    data: Samples,
    split: tuple[NDArray[np.int64], NDArray[np.int64]],
    strategy: str,
    advance: Advance,
) -> Saved:
    train, test = (data.take(part) for part in split)
    chosen = next(item for item in _normalisations(source, data, split[0]) if item.strategy == strategy)
    network = with_head(source.network, 5, seed=0)
    options = _training(1e-3, seed=0)
    images = TensorDataset(train.tensor(), torch.from_numpy(train.labels))

    def batches(epoch: int) -> DataLoader[Any]:
        generator = torch.Generator().manual_seed(epoch)
        return DataLoader(images, batch_size=32, shuffle=True, generator=generator)

    train_in_memory(
        TransferModule(network.module, InputLayer(chosen), options, batches, Classification(tuple("56789"))), _MACHINE
    )
    model = TransferredModel(network, chosen, _GEOMETRY, tuple("56789"))
    logits = model.logits(test.tensor())
    accuracy = float((logits.argmax(dim=1).numpy() == test.labels).mean())
    save_model(
        folder / "model",
        model,
        source_spec=source.network.spec,
        target_stats=_measured(train, "digits 5-9 from another sensor, training split"),
        evidence={"test_accuracy": accuracy},
    )
    again = load_model(folder / "model").logits(test.tensor())
    advance(1)
    return Saved(folder / "model", chosen.strategy, accuracy, float((again - logits).abs().max()))
