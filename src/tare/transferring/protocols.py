"""Transfer a network by its protocol (a head on frozen features, or trained weights) and write the run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from tare.datasets.files import LabelledFile
from tare.datasets.image_batches import loader_errors
from tare.errors import OutputError
from tare.input_spec.geometry import NOUNS, Geometry, RowGeometry, SignalGeometry
from tare.input_spec.model_file import NAME
from tare.networks.batch_norm import reestimate
from tare.networks.heads.labels import fit_label_heads
from tare.networks.heads.pass_size import pass_size
from tare.networks.heads.reference import LinearHead, features_of, fit_head
from tare.networks.heads.ridge import fit_ridge_head
from tare.networks.stored.directory import TransferredModel, save_model
from tare.normalisation.input_layer import InputLayer
from tare.predicting.pyfunc import LOADER, signature
from tare.statistics.dataset_stats import nullable
from tare.system.files import takes_away, write_text
from tare.system.local.opened import text_of
from tare.system.option_files.config_file import config_text
from tare.system.progress import SILENT, Advance, Reporter
from tare.system.seeds import seeded
from tare.system.trackers.opening import tracked
from tare.system.trackers.tracker import TrackedModel, Trackers
from tare.tasks.evaluations.classification import ClassEvaluation
from tare.tasks.evaluations.figure import Evaluation
from tare.tasks.evaluations.segmentation import SegmentationEvaluation
from tare.tasks.task import Target, Task
from tare.training.run_dir import check_out, is_main_process, run_dir
from tare.transferring.inputs import TransferRequest
from tare.transferring.overlays import overlays
from tare.transferring.plan import TransferPlan, planned
from tare.transferring.reference import reference_of
from tare.transferring.result import TransferRun

if TYPE_CHECKING:
    from tare.training.fitting import Fitted

# Re-estimation reads all images once per batch norm: up to this many bytes they stay in memory, decoded and resized.
_KEPT = 1 << 30


class _Judged(NamedTuple):
    """The evaluations on the validation split and on the test, if there is one."""

    evaluation: Evaluation
    test: Evaluation | None = None

    def headlines(self) -> dict[str, float]:
        """The figures that stand for the evaluations, under their names in ``metrics.json``."""
        both = {"val": self.evaluation, **({} if self.test is None else {"test": self.test})}
        return {f"{split}_{one.headline.name.lower()}": one.headline.value.estimate for split, one in both.items()}


def transferred(request: TransferRequest) -> TransferRun:
    """Run a transfer; see :func:`tare.transfer`."""
    reporter = request.reporter if is_main_process() else SILENT
    folder, resume, overwrite = Path(request.out), request.resume, request.overwrite
    check_out(folder, overwrite=overwrite, resume=resume)
    if overwrite:
        _check_apart(request)
    place = folder.absolute()  # the network's code may change the working directory
    with seeded(request.seed):
        plan = planned(request, reporter)
    notes = plan.target.notes
    with run_dir(place, plan.settings(), resume=resume, overwrite=overwrite, notes=notes, named=folder) as place:
        probe = request.protocol == "probe"
        if is_main_process():
            write_text(place / "config.yaml", config_text(request))
        names = request.tracker if is_main_process() else ()
        with tracked(names, place, reporter, plan.settings()) as trackers, seeded(plan.training.seed):
            run = _probed(plan, place, reporter) if probe else _trained(plan, place, resume, trackers, reporter)
            _log(run, trackers)
            if names:
                _log_model(plan, run, trackers, reporter)
    for note in run.notes[len(plan.notes) :]:
        reporter.note(note)
    return replace(run, out=folder)  # as it was named


def _check_apart(request: TransferRequest) -> None:
    """Raise :class:`OutputError` for a run to overwrite that is, or holds, what this one reads."""
    for name in ("model", "weights", "data", "test", "spec", "source_stats"):
        read = getattr(request, name)
        if isinstance(read, str | os.PathLike) and takes_away(Path(request.out), read):
            found = f"{str(request.out)!r}, which {name}={os.fspath(read)!r} reads"
            raise OutputError("an output beside the inputs", found, "name another")


def _log(run: TransferRun, trackers: Trackers) -> None:
    """Log the final figures and the files that say how the run was made and what the model expects."""
    epochs = len(run.history)
    figure = run.evaluation.headline
    name, interval = figure.name, figure.value
    final = {name: interval.estimate, f"{name} low": interval.low, f"{name} high": interval.high}
    trackers.numbers({f"final/{name}": value for name, value in {**run.metrics, **final}.items()}, epochs)
    for name in ("config.yaml", "evaluation.json", "test.json", "model/tare.json"):
        if (run.out / name).is_file():
            trackers.file(run.out / name)


def _log_model(plan: TransferPlan, run: TransferRun, trackers: Trackers, reporter: Reporter) -> None:
    """Log the model with its schemas, unless a file or a repository that the directory names but never runs is needed for it."""
    document = json.loads(text_of(run.model_dir / NAME))
    reference = plan.network.reference
    if not document["network"]["hf"] and (".py:" in reference or plan.source.trust_remote_code):
        reporter.note(f"the model is not logged: {reference} needs its code, which no directory runs by itself")
        return
    if not isinstance(plan.takes, Geometry | SignalGeometry | RowGeometry):
        reporter.note(f"the model is not logged: MLflow's schemas do not describe {NOUNS[plan.takes.kind]} here")
        return
    schemas = signature(plan.takes, plan.network.channels, plan.task)
    trackers.model(run.model_dir, TrackedModel(LOADER, schemas, document["spec"]))


def _trained(plan: TransferPlan, folder: Path, resume: bool, trackers: Trackers, reporter: Reporter) -> TransferRun:
    """Train the weights; save the best epoch as ``model`` and the last epoch as ``model-last``."""
    from tare.training.fitting import BEST, LAST, fit, load_state
    from tare.training.module import TransferModule

    network, training = plan.network, plan.training
    normaliser = InputLayer(plan.chosen)
    module = TransferModule(
        network.module, normaliser, training, plan.train_batches(), plan.task, network.head, class_weights=plan.class_weights()
    )

    def told(row: Mapping[str, float]) -> None:
        trackers.numbers({name: value for name, value in row.items() if name != "epoch"}, int(row["epoch"]))

    val = plan.plain_batches(plan.target.split.val)
    fitted = fit(module, val, folder, plan.machine, resume=resume, reporter=reporter, told=told)
    reference = _reference(plan, reporter)
    for name, place in ((LAST, "model-last"), (BEST, "model")):
        load_state(module, folder, name)
        notes = _reestimated(plan, reporter)
        judged = _judged(plan, partial(_logits, plan, reporter), tests=name == BEST)
        metrics = {**fitted.metrics(), **judged.headlines()}
        _save(plan, folder / place, judged, metrics, reference)
    return _finished(plan, folder, judged, metrics, notes, fitted)


def _probed(plan: TransferPlan, folder: Path, reporter: Reporter) -> TransferRun:
    """Fit a linear head on the features of the frozen network, after re-estimating its batch norms if requested."""
    notes = _reestimated(plan, reporter)
    split = plan.target.split
    features = _features(plan, split.train, reporter)
    with reporter.working("fitting the head"):
        head = _fitted_head(plan, features, [plan.task.taught(file.label) for file in split.train])
    _install(plan, head)
    judged = _judged(plan, lambda files: head.logits(_features(plan, files, reporter)))
    metrics = {**judged.headlines(), "head_strength": head.strength}
    _save(plan, folder / "model", judged, metrics, _reference(plan, reporter))
    return _finished(plan, folder, judged, metrics, notes, None)


def _fitted_head(plan: TransferPlan, features: NDArray[np.float32], taught: list[Target]) -> LinearHead:
    """The head of the task: logistic for classes and labels, ridge regression for numbers."""
    if plan.task.name == "regression":
        return fit_ridge_head(features, np.asarray(taught, np.float64))
    if plan.task.name == "multi-label":
        return fit_label_heads(features, np.asarray(taught, np.int64), seed=plan.training.seed)
    balanced = plan.training.class_weights == "balanced"
    return fit_head(features, np.asarray(taught, np.int64), seed=plan.training.seed, balanced=balanced)


def _judged(plan: TransferPlan, outputs: Callable[[tuple[LabelledFile, ...]], NDArray[Any]], *, tests: bool = True) -> _Judged:
    """Evaluate on the validation split, and on the test with what validation decided, such as thresholds.

    Raises :class:`DataError` for samples that changed since they were measured: the figures would be of other data.
    """
    val, test = plan.target.split.val, plan.target.test
    judged = _Judged(_evaluated(plan.task, val, outputs(val)))
    if test is not None and tests:
        judged = judged._replace(test=_evaluated(plan.task.judged(judged.evaluation), test.files, outputs(test.files)))
    plan.target.check_unchanged(plan.colour)
    return judged


def _finished(
    plan: TransferPlan,
    folder: Path,
    judged: _Judged,
    metrics: dict[str, float],
    notes: tuple[str, ...],
    fitted: Fitted | None,
) -> TransferRun:
    """Write the figures beside the model and return the run."""
    if is_main_process():
        write_text(folder / "metrics.json", json.dumps(nullable(metrics), indent=2) + "\n")
        for name, found in (("evaluation.json", judged.evaluation), ("test.json", judged.test)):
            if found is not None:
                write_text(folder / name, json.dumps(found.to_json(), indent=2, allow_nan=False) + "\n")
    return TransferRun(
        out=folder,
        normalisation=plan.chosen,
        target_stats=plan.target.stats,
        metrics=metrics,
        notes=plan.notes + notes,
        evaluation=judged.evaluation,
        settings=plan.settings(),
        history=fitted.rows if fitted else (),
        views=_views(plan, judged.evaluation),
        kind=plan.takes.kind,
        is_timm=plan.network.is_timm,
        task=plan.task,
        test=judged.test,
    )


def _views(plan: TransferPlan, evaluation: Evaluation) -> tuple[NDArray[np.uint8], ...]:
    """Pictures of what went wrong."""
    if isinstance(evaluation, SegmentationEvaluation):
        return overlays(plan, evaluation, _device(plan))
    found = evaluation.mistakes if isinstance(evaluation, ClassEvaluation) else ()
    return plan.views([mistake.sample for mistake in found])


def _reference(plan: TransferPlan, reporter: Reporter) -> dict[str, Any] | None:
    if not is_main_process():
        return None
    with reporter.working("measuring the reference of the training split"):
        return reference_of(plan)


def _save(plan: TransferPlan, place: Path, judged: _Judged, metrics: dict[str, float], reference: dict[str, Any] | None) -> None:
    if not is_main_process():
        return
    evaluation = judged.evaluation
    evidence = {
        "protocol": plan.training.protocol,
        **nullable(judged.headlines()),
        f"val_{evaluation.headline.name.lower()}_interval": nullable(asdict(evaluation.headline.value)),
        **_test_evidence(plan, judged.test),
        "metrics": nullable(metrics),
        "split": plan.target.split.origin,
        "seed": plan.training.seed,
        "training": plan.training.settings(),
    }
    with plan.task.judged(evaluation).shipped(plan.network.last_layer) as task:
        save_model(
            place,
            TransferredModel(plan.network, plan.chosen, plan.takes, plan.classes, task),
            source_spec=plan.spec,
            target_stats=plan.target.stats,
            evidence=evidence,
            gate=plan.gate.to_json(),
            reference=reference,
        )


def _test_evidence(plan: TransferPlan, test: Evaluation | None) -> dict[str, Any]:
    """What ``tare.json`` says of the test."""
    if test is None or plan.target.test is None:
        return {}
    return {
        f"test_{test.headline.name.lower()}_interval": nullable(asdict(test.headline.value)),
        "test": plan.target.test.origin,
        "test_samples": test.samples,
    }


@loader_errors()
def _reestimated(plan: TransferPlan, reporter: Reporter) -> tuple[str, ...]:
    """Re-estimate batch norms on the training split without augmentation, if requested; return a note."""
    training = plan.training
    if training.batchnorm != "reestimate":
        return ()
    device = _device(plan)
    module, files = plan.network.module.to(device), plan.target.split.train
    kept = list(plan.plain_batches(files)) if plan.bytes_of(files) <= _KEPT else None  # one pass per layer: decode only once
    with reporter.working("re-estimating batch norms, a pass for each"):
        done = reestimate(module, lambda: _inputs(plan, kept or plan.plain_batches(files), device), prior=training.bn_prior)
    if not done.layers:
        return ()
    share = f", the source weighing {done.source_weight:.1%}" if training.bn_prior else ""
    return (f"{done.layers} batch norms re-estimated on {done.samples} {NOUNS[plan.takes.kind]} in {done.passes} passes{share}",)


@loader_errors()
def _features(plan: TransferPlan, files: tuple[LabelledFile, ...], reporter: Reporter) -> NDArray[np.float32]:
    """Return the features ``(N, F)`` of ``files``. Raises :class:`DivergedError` for one that is NaN or infinite."""
    device = _device(plan)
    with reporter.counting("computing features", NOUNS[plan.takes.kind], len(files)) as advance:
        inputs = _counted(_inputs(plan, plan.plain_batches(files), device), advance)
        found = features_of(plan.network.module.to(device), plan.network.head, inputs, lambda batch: batch)
    _check_finite(torch.from_numpy(found), files)
    return found


def _counted(inputs: Iterator[torch.Tensor], advance: Advance) -> Iterator[torch.Tensor]:
    """The same batches; each is counted when the next is asked for, since only then it has been used."""
    for batch in inputs:
        yield batch
        advance(len(batch))


@loader_errors()
@torch.inference_mode()
def _logits(plan: TransferPlan, reporter: Reporter, files: tuple[LabelledFile, ...]) -> NDArray[np.float32]:
    """Return the network's outputs ``(N, K)`` for ``files``. Raises :class:`DivergedError` for one that is NaN or infinite."""
    device = _device(plan)
    module = plan.network.module.to(device).eval()
    normaliser = InputLayer(plan.chosen).to(device)
    found: list[torch.Tensor] = []
    with reporter.counting("evaluating", NOUNS[plan.takes.kind], len(files)) as advance:
        for batch, labels in plan.plain_batches(files):
            samples = batch.to(device)
            fed = normaliser(samples)
            size = pass_size(fed.shape[1:], len(fed)) if device.type == "cpu" else len(fed)
            outputs = plan.task.restored(torch.cat([module(part) for part in torch.split(fed, size)]), samples)
            _check_finite(outputs, files[sum(map(len, found)) :])
            found.append(plan.task.gathered(outputs.float().cpu(), labels))
            advance(len(fed))
    return torch.cat(found).numpy()


def _check_finite(outputs: torch.Tensor, files: Sequence[LabelledFile]) -> None:
    """Raise :class:`DivergedError` for an output that is NaN or infinite: it would count as an answer, the first class."""
    bad = (~torch.isfinite(outputs)).flatten(1).any(dim=1).nonzero().flatten().tolist()
    if bad:
        from tare.training.module import DivergedError

        found = f"NaN or infinity for {len(bad)} of {len(outputs)}, the first {files[bad[0]].path!r}"
        remedy = "check the normalisation with another --strategy; a logarithm needs --interpolation bilinear"
        raise DivergedError("a finite answer to every sample that is evaluated", found, remedy)


def _inputs(
    plan: TransferPlan, batches: Iterable[tuple[torch.Tensor, torch.Tensor]], device: torch.device
) -> Iterator[torch.Tensor]:
    normaliser = InputLayer(plan.chosen).to(device)
    return (normaliser(images.to(device)) for images, _ in batches)


def _evaluated(task: Task, files: tuple[LabelledFile, ...], logits: NDArray[Any]) -> Evaluation:
    return task.evaluated(logits, [file.label for file in files], [file.path for file in files])


def _install(plan: TransferPlan, head: LinearHead) -> None:
    """Put the fitted head into the network's classifier."""
    layer = plan.network.classifier
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(head.weight))
        layer.bias.copy_(torch.from_numpy(head.bias))


def _device(plan: TransferPlan) -> torch.device:
    name = plan.machine.device
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device("cuda" if name in ("gpu", "cuda") else name)
