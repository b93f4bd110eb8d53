"""``tare.transfer``: fine-tune a network on a target with the normalisation that a strategy chooses."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from tare.datasets.augmentation import Augmentation, Augmenting
from tare.datasets.files import LabelledFile
from tare.datasets.image_batches import loader_errors
from tare.datasets.split import Labelled
from tare.input_spec.geometry import NOUNS
from tare.measuring.one_pass import MAX_SKIPPED
from tare.networks.batch_norm import reestimate
from tare.networks.heads.reference import LinearHead, features_of, fit_head
from tare.networks.stated_spec import Spec
from tare.networks.stored.directory import TransferredModel, save_model
from tare.normalisation.normaliser import Normaliser
from tare.normalisation.strategies import Strategy
from tare.statistics.dataset_stats import nullable
from tare.system.engines.local import default_workers
from tare.system.files import write_text
from tare.system.progress import SILENT, Reporter
from tare.training.evaluation import Evaluation, evaluate
from tare.training.fitting import BEST, LAST, Fitted, TransferModule, fit, load_state
from tare.training.options import (
    BatchNorm,
    ClassWeights,
    Logger,
    Machine,
    Objective,
    Optimising,
    Protocol,
    Training,
    Tuning,
    picked,
)
from tare.training.run_dir import check_out, is_main_process, run_dir
from tare.transferring.plan import Plan, Source, planned
from tare.transferring.result import TransferRun

__all__ = ["TransferRun", "transfer"]

# Images that are needed once a batch norm stay in memory, decoded and resized, up to so many bytes.
_KEPT = 1 << 30


def transfer(
    model: str,
    data: Any,
    *,
    out: str | os.PathLike[str],
    strategy: Strategy | Literal["auto"] = "source",
    weights: str = "pretrained",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    spec: Spec | None = None,
    source_stats: str | os.PathLike[str] | None = None,
    label: str | None = None,
    label_pattern: str | None = None,
    array: str | None = None,
    size: int | None = None,
    interpolation: str | None = None,
    crop: float | None = None,
    length: int | None = None,
    protocol: Protocol = "finetune",
    head_epochs: int | None = None,
    freeze: str = "none",
    batchnorm: BatchNorm = "train",
    bn_prior: float = 0.0,
    epochs: int = 10,
    batch_size: int = 32,
    optimizer: str = "adamw",
    lr: float = 3e-4,
    weight_decay: float = 0.05,
    head_lr_factor: float = 1.0,
    layer_decay: float | None = None,
    warm_up: float = 0.1,
    accumulate: int = 1,
    grad_clip: float | None = None,
    ema: float | None = None,
    patience: int | None = None,
    label_smoothing: float = 0.0,
    class_weights: ClassWeights = "none",
    augmentation: Augmentation = "basic",
    mixup: float = 0.0,
    cutmix: float = 0.0,
    erasing: float = 0.0,
    seed: int = 0,
    device: str = "auto",
    devices: int | str = "auto",
    precision: str = "32-true",
    compile: bool = False,  # noqa: A002 - the name of the option
    workers: int | None = None,
    logger: Logger = "none",
    max_skipped: float = MAX_SKIPPED,
    overwrite: bool = False,
    resume: bool = False,
    reporter: Reporter = SILENT,
) -> TransferRun:
    """Transfer ``model`` to the labelled samples ``data`` and write a run directory ``out``.

    Samples are what the network takes: images, or with ``tare:cnn1d`` signals and with ``tare:mlp`` rows of numbers. ``data`` is
    a folder with one folder per class (in ``train/`` and ``val/``, if there), or what else holds labelled samples: a manifest,
    tar shards, Parquet, ``.npz``, a table, a torch or Hugging Face dataset. :class:`tare.datasets.split.Labelled` says how
    labels are named.

    The pipeline is augmentation on raw pixels, scaling to [0, 1], then ``(x - mean) / std`` as ``strategy`` says. The
    source's constants are the network's own; ``mean`` and ``std`` (unit values) state them where it states none, or ``spec``
    (see :func:`tare.networks.stated_spec.with_spec`) does, with whatever else it says. Target statistics come from the training
    split only. ``size`` (pixels), ``interpolation`` (timm's name) and ``crop`` (the share of the resized edge that the centre
    crop keeps) are the network's own unless stated; ``length`` (steps of a signal) is that of the run that the network comes
    from, else the median of the training split. ``protocol`` trains the head, then all weights (``finetune``), all of them
    drawn from ``seed`` (``scratch``), or a logistic head on frozen features (``probe``). The other options are those of
    :mod:`tare.training.options`.

    Raises a :class:`tare.TareError` for anything unusable, before ``out`` is made.
    """
    given = dict(locals())
    reporter = reporter if is_main_process() else SILENT
    folder = Path(out)
    check_out(folder, overwrite=overwrite, resume=resume)
    given |= {"workers": default_workers() if workers is None else workers, "progress": reporter is not SILENT}
    plan = planned(picked(Source, given), picked(Labelled, given), strategy, _training(given), max_skipped, reporter)
    with run_dir(folder, plan.settings(), resume=resume, overwrite=overwrite):
        run = _probed(plan, folder) if protocol == "probe" else _trained(plan, folder, resume)
    for note in run.notes[len(plan.notes) :]:
        reporter.note(note)
    return run


def _training(given: dict[str, Any]) -> Training:
    groups = {
        "tuning": picked(Tuning, given),
        "optimising": picked(Optimising, given),
        "objective": picked(Objective, given),
        "augmenting": picked(Augmenting, given),
        "machine": picked(Machine, given),
    }
    return picked(Training, {**given, **groups})


def _trained(plan: Plan, folder: Path, resume: bool) -> TransferRun:
    """Train all weights; ship the best epoch's as ``model`` and the last one's as ``model-last``."""
    network, training = plan.network, plan.training
    normaliser = Normaliser(plan.chosen)
    module = TransferModule(network.module, normaliser, training, plan.train_batches(), network.head, plan.class_weights())
    fitted = fit(module, plan.plain_batches(plan.target.split.val), folder, resume=resume)
    for name, place in ((LAST, "model-last"), (BEST, "model")):
        load_state(module, folder, name)
        notes = _reestimated(plan)
        evaluation = _evaluated(plan, _logits(plan))
        metrics = {**fitted.metrics(), "val_accuracy": evaluation.accuracy.estimate}
        _save(plan, folder / place, evaluation, metrics)
    return _finished(plan, folder, evaluation, metrics, notes, fitted)


def _probed(plan: Plan, folder: Path) -> TransferRun:
    """Fit a logistic head on the features of the network as it is, its batch norms re-estimated if so asked."""
    notes = _reestimated(plan)
    split = plan.target.split
    balanced = plan.training.objective.class_weights == "balanced"
    labels = np.array([file.label for file in split.train])
    head = fit_head(_features(plan, split.train), labels, seed=plan.training.seed, balanced=balanced)
    _install(plan, head)
    evaluation = _evaluated(plan, head.logits(_features(plan, split.val)))
    metrics = {"val_accuracy": evaluation.accuracy.estimate, "head_strength": head.strength}
    _save(plan, folder / "model", evaluation, metrics)
    return _finished(plan, folder, evaluation, metrics, notes, None)


def _finished(
    plan: Plan, folder: Path, evaluation: Evaluation, metrics: dict[str, float], notes: tuple[str, ...], fitted: Fitted | None
) -> TransferRun:
    """Write the figures beside the model; the run as its caller gets it."""
    if is_main_process():
        write_text(folder / "metrics.json", json.dumps(nullable(metrics), indent=2) + "\n")
        write_text(folder / "evaluation.json", json.dumps(evaluation.to_json(), indent=2, allow_nan=False) + "\n")
    return TransferRun(
        out=folder,
        val_accuracy=evaluation.accuracy.estimate,
        normalisation=plan.chosen,
        target_stats=plan.target.stats,
        metrics=metrics,
        notes=plan.notes + notes,
        evaluation=evaluation,
        settings=plan.settings(),
        history=fitted.rows if fitted else (),
        views=plan.views([mistake.sample for mistake in evaluation.mistakes]),
        kind=plan.takes.kind,
        is_timm=plan.network.is_timm,
    )


def _save(plan: Plan, place: Path, evaluation: Evaluation, metrics: dict[str, float]) -> None:
    if not is_main_process():
        return
    evidence = {
        "protocol": plan.training.tuning.protocol,
        "val_accuracy": evaluation.accuracy.estimate,
        "val_accuracy_interval": asdict(evaluation.accuracy),
        "metrics": nullable(metrics),
        "split": plan.target.split.origin,
        "seed": plan.training.seed,
        "training": plan.training.settings(),
    }
    transferred = TransferredModel(plan.network, plan.chosen, plan.takes, plan.classes)
    save_model(place, transferred, source_spec=plan.spec, target_stats=plan.target.stats, evidence=evidence)


@loader_errors()
def _reestimated(plan: Plan) -> tuple[str, ...]:
    """Batch norms re-estimated on the training split as the network will be given it, where so asked; and what was done."""
    tuning = plan.training.tuning
    if tuning.batchnorm != "reestimate":
        return ()
    device = _device(plan)
    module, files = plan.network.module.to(device), plan.target.split.train
    kept = list(plan.plain_batches(files)) if plan.bytes_of(files) <= _KEPT else None  # one pass a layer: decode but once
    done = reestimate(module, lambda: _inputs(plan, kept or plan.plain_batches(files), device), prior=tuning.bn_prior)
    if not done.layers:
        return ()
    share = f", the source weighing {done.source_weight:.1%}" if tuning.bn_prior else ""
    return (f"{done.layers} batch norms re-estimated on {done.samples} {NOUNS[plan.takes.kind]} in {done.passes} passes{share}",)


@loader_errors()
def _features(plan: Plan, files: tuple[LabelledFile, ...]) -> NDArray[np.float32]:
    device = _device(plan)
    return features_of(
        plan.network.module.to(device), plan.network.head, _inputs(plan, plan.plain_batches(files), device), lambda batch: batch
    )


@loader_errors()
@torch.inference_mode()
def _logits(plan: Plan) -> NDArray[np.float32]:
    """Logits ``(N, K)`` of the validation split."""
    device = _device(plan)
    module = plan.network.module.to(device).eval()
    return torch.cat(
        [module(batch).float().cpu() for batch in _inputs(plan, plan.plain_batches(plan.target.split.val), device)]
    ).numpy()


def _inputs(plan: Plan, batches: Iterable[tuple[torch.Tensor, torch.Tensor]], device: torch.device) -> Iterator[torch.Tensor]:
    normaliser = Normaliser(plan.chosen).to(device)
    return (normaliser(images.to(device)) for images, _ in batches)


def _evaluated(plan: Plan, logits: NDArray[Any]) -> Evaluation:
    files = plan.target.split.val
    return evaluate(logits, np.array([file.label for file in files]), plan.classes, [file.path for file in files])


def _install(plan: Plan, head: LinearHead) -> None:
    """Put the fitted head into the network's classifier."""
    layer = plan.network.classifier
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(head.weight))
        layer.bias.copy_(torch.from_numpy(head.bias))


def _device(plan: Plan) -> torch.device:
    name = plan.training.machine.device
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device("cuda" if name in ("gpu", "cuda") else name)
