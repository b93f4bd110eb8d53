"""The demo: a real network fed wrongly, small networks under every condition of the question, a model shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from tare.datasets.image_batches import EpochSampler
from tare.input_spec.geometry import Geometry
from tare.input_spec.spec import Crop, InputSpec, Known
from tare.networks.network import Network, with_head
from tare.networks.stored.directory import TransferredModel, load_model, save_model
from tare.normalisation.applied import same_inputs
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.names import Strategy
from tare.normalisation.strategies import Constants, normalisation
from tare.statistics.dataset_stats import DatasetStats
from tare.studying.analysis.analysis import Analysis, analyse
from tare.studying.analysis.contrasts import Contrast
from tare.studying.analysis.scores import scores_of
from tare.studying.demo.conditions import CONDITIONS, HEADED, SENSOR, Split, normalisations, scores, splits
from tare.studying.demo.networks import Source, dataset0, shipped
from tare.studying.demo.pretrained.feeds import WAYS, run_pretrained
from tare.studying.demo.pretrained.network import available
from tare.studying.demo.result import DemoResult, FedByStrategy, ProbeScore, Saved, shift_of
from tare.studying.demo.words import verdict
from tare.studying.execution.processes import one_thread
from tare.studying.tasks.digits import SIZE, ShiftedCrops, load_digits
from tare.studying.tasks.samples import Samples
from tare.system.progress import Reporter
from tare.tasks.classification import Classification
from tare.training.options import Machine, Training

_ARCHITECTURE = "test_resnet"
_HEAD = "fc"
_EPOCHS = 10
_MACHINE = Machine(device="cpu", devices=1)
_BATCH = 64
_GEOMETRY = Geometry((SIZE, SIZE), "bilinear", 1.0)


@dataclass(frozen=True, slots=True)
class _Source:
    """A network of timm pretrained on dataset0, its constants, and the moments of its augmented training data."""

    network: Network
    constants: Constants
    seen: Constants


def run_demo(folder: Path, reporter: Reporter, seeds: int, train_size: int = 120, *, real: bool | None = None) -> DemoResult:
    """Run the demo and save its model in ``folder/model``; the same seeds give the same numbers.

    ``real`` says whether a real pretrained network is fed, too; by default, if its packages are installed.
    """
    with one_thread():
        return _run(folder, reporter, seeds, train_size, available() if real is None else real)


def _run(folder: Path, reporter: Reporter, seeds: int, train_size: int, real: bool) -> DemoResult:
    pretrained = None
    if real:
        with reporter.counting("feeding a pretrained network", "ways", WAYS) as advance:
            pretrained = run_pretrained(folder, advance)
    cells: list[ProbeScore] = []
    with reporter.counting("asking whose mean and std", "networks", seeds) as advance:
        for seed in range(seeds):
            cells += scores(shipped(seed), seed, train_size)
            advance(1)
    analysis = demo_analysis(cells)
    first, first_splits = shipped(0), {name: parts[0] for name, parts in splits(0, train_size).items()}
    fed, same = _fed(first, first_splits)
    best = winner(SENSOR, analysis.contrasts)
    with reporter.counting("training a model to ship", "models", 1) as advance:
        saved = _save_winner(folder, _pretrain(0), first_splits[HEADED], best)
        advance(1)
    return DemoResult(
        source_stats=dataset0()[0].measure(),
        target_stats=first_splits[SENSOR].stats(),
        seeds=seeds,
        train_size=train_size,
        test_size=len(first_splits[HEADED].test.labels),
        cells=tuple(cells),
        analysis=analysis,
        verdicts={shift: verdict(shift, analysis.contrasts, seeds) for shift in CONDITIONS},
        same_inputs=same,
        fed=fed,
        saved=saved,
        pretrained=pretrained,
    )


def _measured(samples: Samples, name: str) -> DatasetStats:
    return replace(samples, name=name).measure()


def _pretrain(seed: int) -> _Source:
    import timm

    from tare.training.fitting import train_in_memory
    from tare.training.module import TransferModule

    samples = load_digits()[0]
    stats = samples.measure()
    constants = Constants(stats.mean, stats.std, "measured on dataset0")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = timm.create_model(_ARCHITECTURE, in_chans=1, num_classes=5)
    normaliser = InputLayer(normalisation("source", 1, source=constants))
    crops = ShiftedCrops(samples, seed)
    options = _training(4e-3, seed)

    def batches(epoch: int) -> DataLoader[Any]:
        return DataLoader(crops, batch_size=_BATCH, sampler=EpochSampler(len(crops), seed, epoch), drop_last=True)

    train_in_memory(TransferModule(module, normaliser, options, batches, Classification(tuple("01234"))), _MACHINE)
    augmented = np.stack([crops[index][0][0].numpy() for index in range(len(crops))])[..., None]
    seen = Samples("dataset0 as augmented", augmented, samples.labels).measure()
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


def demo_analysis(cells: Sequence[ProbeScore]) -> Analysis:
    """Analyse the accuracies: one group per shift, paired by seed, p values adjusted over all shifts and strategies."""
    # Pairs are sorted as texts: leading zeros keep the seeds in order, on which the last bit of a mean depends.
    rows = [{**asdict(cell), "seed": f"{cell.seed:09}"} for cell in cells]
    return analyse(scores_of(rows, strategy="strategy", score="accuracy", pair=["seed"], group=["shift"]))


def winner(shift: str, contrasts: Sequence[Contrast]) -> str:
    """The best strategy that is shown to be better than ``source``, else ``source``."""
    better = [item for item in contrasts if shift_of(item) == shift and item.statement == "better"]
    return max(better, key=lambda item: item.difference.estimate).strategy if better else "source"


def _fed(source: Source, data: Mapping[str, Split]) -> tuple[tuple[FedByStrategy, ...], dict[str, Mapping[Strategy, Strategy]]]:
    """Each strategy's inputs, measured on the tensors, and the strategies with the same inputs."""
    found, same = [], {}
    for condition, split in data.items():
        choices = normalisations(source, split)
        same[condition] = same_inputs(choices)
        for chosen in choices:
            fed = InputLayer(chosen)(split.train.tensor()).numpy()
            found.append(FedByStrategy(condition, chosen, float(fed.mean()), float(fed.std()), fed[:4, 0]))
    return tuple(found), same


def _save_winner(folder: Path, source: _Source, split: Split, strategy: str) -> Saved:
    from tare.training.fitting import train_in_memory
    from tare.training.module import TransferModule

    train, test = split.train, split.test
    stats = _measured(train, "digits 5-9 from another sensor, training split")
    chosen = normalisation(cast(Strategy, strategy), 1, source=source.constants, target=stats, source_seen=source.seen)
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
        target_stats=stats,
        evidence={"test_accuracy": accuracy},
    )
    again = load_model(folder / "model").logits(test.tensor())
    return Saved(folder / "model", chosen.strategy, accuracy, float((again - logits).abs().max()))
