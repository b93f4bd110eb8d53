"""``tare.transfer``: fine-tune a network on a target with the normalisation that a strategy chooses."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from tare.dataset_stats import DatasetStats, nullable
from tare.decode import ColourMode
from tare.engines.local import default_workers
from tare.errors import DataError, SpecError
from tare.files import write_text
from tare.finetune import EpochBatches, Training, TransferModule, check_training, fit
from tare.image_batches import Augmentation, EpochSampler, Geometry, ImageBatches, loader
from tare.labelled import ImageFiles, LabelledFile, Split, read_split
from tare.measuring import MAX_SKIPPED, checked, measure_state, stats_of
from tare.model_dir import TransferredModel, load_model, save_model
from tare.networks import Network, load_network, with_head
from tare.normaliser import Normaliser
from tare.probe import LinearHead, features_of, fit_head
from tare.progress import SILENT, Reporter
from tare.run_dir import check_out, is_main_process, run_dir
from tare.stated_input import check_accepts, colour_of, geometry_of, seen_moments, source_constants
from tare.strategies import STRATEGIES, Normalisation, Strategy, normalisation

Protocol = Literal["finetune", "probe"]


@dataclass(frozen=True, slots=True)
class TransferRun:
    """What a transfer gave: where it is, how well it validates, and the normalisation that the model carries."""

    out: Path
    val_accuracy: float
    normalisation: Normalisation
    target_stats: DatasetStats
    metrics: dict[str, float]
    notes: tuple[str, ...]
    is_timm: bool = True

    @property
    def model_dir(self) -> Path:
        """The directory to load: ``timm.create_model(f"local-dir:{model_dir}", pretrained=True)``."""
        return self.out / "model"

    def to_json(self) -> dict[str, Any]:
        """The run as a JSON object with schema ``tare.transfer/1``."""
        chosen = self.normalisation
        return {
            "schema": "tare.transfer/1",
            "out": str(self.out),
            "model": str(self.model_dir),
            "strategy": chosen.strategy,
            "mean": list(chosen.mean),
            "std": list(chosen.std),
            "per_sample": chosen.per_sample,
            "val_accuracy": self.val_accuracy,
            "metrics": nullable(self.metrics),
            "notes": list(self.notes),
        }

    def load(self, factory: str | None = None) -> TransferredModel:
        """Load the model back; see :func:`tare.model_dir.load_model`."""
        return load_model(self.model_dir, factory)


def transfer(
    model: str,
    data: str | os.PathLike[str],
    *,
    strategy: Strategy = "source",
    out: str | os.PathLike[str],
    weights: str = "pretrained",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    source_stats: str | os.PathLike[str] | None = None,
    protocol: Protocol = "finetune",
    epochs: int = 10,
    batch_size: int = 32,
    lr: float = 3e-4,
    seed: int = 0,
    size: int | None = None,
    interpolation: str | None = None,
    crop: float | None = None,
    augmentation: Augmentation = "basic",
    device: str = "auto",
    devices: int | str = "auto",
    precision: str = "32-true",
    workers: int | None = None,
    max_skipped: float = MAX_SKIPPED,
    overwrite: bool = False,
    resume: bool = False,
    reporter: Reporter = SILENT,
) -> TransferRun:
    """Fine-tune ``model`` on the labelled image folder ``data`` and write a run directory ``out``.

    The pipeline is augmentation on raw pixels, scaling to [0, 1], then ``(x - mean) / std`` as ``strategy`` says. The
    source's constants are the network's own; ``mean`` and ``std`` (unit values) state them where it states none. Target
    statistics come from the training split only. ``size`` (pixels), ``interpolation`` (timm's name) and ``crop`` (the share
    of the resized edge that the centre crop keeps) are the network's own unless stated. ``protocol`` trains all weights
    (``finetune``, on Lightning's Trainer) or a logistic head on frozen features (``probe``).

    Raises a :class:`tare.TareError` for anything unusable, before ``out`` is made.
    """
    reporter = reporter if is_main_process() else SILENT
    folder = Path(out)
    check_out(folder, overwrite=overwrite, resume=resume)
    _check_numbers(strategy, protocol, epochs, batch_size, lr)
    shown = reporter is not SILENT
    options = Training(epochs, lr, seed=seed, accelerator=device, devices=devices, precision=precision, progress=shown)
    check_training(options)
    network = load_network(model, weights, seed)
    constants, spec = source_constants(network, mean, std, strategy)
    geometry, notes = geometry_of(network, size, interpolation, crop)
    colour = colour_of(network)
    check_accepts(network, geometry)
    workers = default_workers() if workers is None else workers
    split, stats, skipped = _readable(read_split(Path(data), seed), colour, workers, max_skipped, reporter)
    seen = seen_moments(strategy, constants, source_stats)
    chosen = normalisation(strategy, network.channels, source=constants, target=stats, source_seen=seen)
    network = with_head(network, len(split.classes), seed)
    if seen is not None:
        notes += (f"dataset0's own moments: {seen.origin}",)
    notes = network.notes + notes + skipped
    for note in notes:
        reporter.note(note)

    settings: dict[str, Any] = {
        "model": model,
        "weights": weights,
        "data": str(data),
        "files": _digest(split),
        "protocol": protocol,
        "strategy": strategy,
        "mean": chosen.mean,
        "std": chosen.std,
        "seed": seed,
        "geometry": asdict(geometry),
    }
    if protocol == "finetune":
        settings |= {"epochs": epochs, "batch_size": batch_size, "lr": lr, "augmentation": augmentation}
    with run_dir(folder, settings, resume=resume):
        sets = _Sets(split, geometry, colour, batch_size, workers, seed)
        if protocol == "probe":
            metrics = _probe(network, chosen, sets, _device(device))
        else:
            module = TransferModule(network.module, Normaliser(chosen), options, sets.train(augmentation))
            metrics = fit(module, sets.plain(split.val), folder, resume=resume)
        accuracy = metrics.get("best_val_accuracy", metrics["val_accuracy"])
        numbers = nullable(metrics)
        evidence = {"protocol": protocol, "val_accuracy": accuracy, "metrics": numbers, "split": split.origin, "seed": seed}
        transferred = TransferredModel(network, chosen, geometry, split.classes)
        if is_main_process():
            save_model(folder / "model", transferred, source_spec=spec, target_stats=stats, evidence=evidence)
            write_text(folder / "metrics.json", json.dumps(numbers, indent=2) + "\n")
    return TransferRun(folder, accuracy, chosen, stats, metrics, notes, network.is_timm)


@dataclass(frozen=True, slots=True)
class _Sets:
    """Loaders over a split."""

    split: Split
    geometry: Geometry
    colour: ColourMode
    batch_size: int
    workers: int
    seed: int

    def train(self, augmentation: Augmentation) -> EpochBatches:
        images = ImageBatches(self.split.train, self.geometry, self.colour, augmentation, self.seed)
        return lambda epoch: loader(images, self.batch_size, self.workers, EpochSampler(len(images), self.seed, epoch))

    def plain(self, files: tuple[LabelledFile, ...]) -> Any:
        return loader(ImageBatches(files, self.geometry, self.colour, None, self.seed), self.batch_size, self.workers)


def _probe(network: Network, chosen: Normalisation, sets: _Sets, device: torch.device) -> dict[str, float]:
    normaliser = Normaliser(chosen).to(device)
    network.module.to(device)

    def features(files: tuple[LabelledFile, ...]) -> np.ndarray[Any, np.dtype[np.float32]]:
        batches = (images for images, _ in sets.plain(files))
        return features_of(network.module, network.head, batches, lambda images: normaliser(images.to(device)))

    train_labels, val_labels = (np.array([file.label for file in part]) for part in (sets.split.train, sets.split.val))
    head = fit_head(features(sets.split.train), train_labels, seed=sets.seed)
    accuracy = float((head.predict(features(sets.split.val)) == val_labels).mean())
    _install(network, head)
    return {"val_accuracy": accuracy, "head_strength": head.strength}


def _install(network: Network, head: LinearHead) -> None:
    """Put the fitted head into the network's classifier."""
    layer = network.classifier
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(head.weight))
        layer.bias.copy_(torch.from_numpy(head.bias))


def _readable(
    split: Split, colour: ColourMode, workers: int, max_skipped: float, reporter: Reporter
) -> tuple[Split, DatasetStats, tuple[str, ...]]:
    """Measure the training split, try to read the validation split, and leave out the few files that cannot be read."""
    sources = [
        ImageFiles(f"the {name} split of {split.origin}", files, colour)
        for name, files in (("training", split.train), ("validation", split.val))
    ]
    with reporter.counting("reading and measuring", "images", len(split.train) + len(split.val)) as advance:
        states = [measure_state(source, max(1, workers), advance) for source in sources]
    stats = checked(stats_of(states[0], sources[0]), max_skipped)
    bad = [item for state in states for item in state.skipped]
    if not bad:
        return split, stats, ()
    total = len(split.train) + len(split.val)
    if len(bad) > max_skipped * total:
        raise DataError(
            f"at most {max_skipped:.2%} unreadable images",
            f"{len(bad)} of {total}, the first {bad[0].path!r}: {bad[0].reason}",
            "repair or remove them, or allow more with --max-skipped",
        )
    return split.without(bad), stats, (f"left out {len(bad)} unreadable images, the first {bad[0].path!r}: {bad[0].reason}",)


def _check_numbers(strategy: str, protocol: str, epochs: int, batch_size: int, lr: float) -> None:
    if strategy not in STRATEGIES:
        raise SpecError(f"a strategy among {', '.join(STRATEGIES)}", f"{strategy!r}", "choose one of them")
    if protocol not in ("finetune", "probe"):
        raise SpecError("a protocol: finetune or probe", f"{protocol!r}", "choose one of them")
    for name, value in (("epochs", epochs), ("batch-size", batch_size), ("lr", lr)):
        if not value > 0:
            raise SpecError(f"--{name} above zero", f"{value}", "raise it")


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device("cuda" if name in ("gpu", "cuda") else name)


def _digest(split: Split) -> str:
    listing = json.dumps([[file.path, file.label] for part in (split.train, split.val) for file in part])
    return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
