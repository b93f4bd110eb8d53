"""Check a preprocessing pipeline against what a network expects: read its steps, run it, and apply every rule."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tare.checking.configuration import declared_by_config, is_config, measured_by_config, refuse_text, stated_by_config
from tare.checking.rules.evidence import Evidence, Measured, Stage
from tare.checking.rules.finding import Finding
from tare.checking.rules.table import findings
from tare.errors import NoImageError, PipelineError, SpecError
from tare.input_spec.affine import Affine
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.measuring.api import measure
from tare.normalisation.conventions import as_handed, conventions_for
from tare.normalisation.diagnosis import TOLERANCE, diagnose
from tare.pipelines.call import Call, call_of
from tare.pipelines.observation import Observation
from tare.pipelines.spec import spec_of_steps
from tare.pipelines.trial import observe
from tare.pipelines.value_map import affine_of_steps
from tare.pipelines.walk import steps_of
from tare.readers.table import read_spec
from tare.statistics.dataset_stats import DatasetStats
from tare.system.user_code import is_reference, load_object, one_line, required_parameters

SCHEMA = "tare.check/1"
_BOTH: tuple[Stage, ...] = ("train", "eval")
_STAGES: dict[str, Stage] = {
    "train": "train",
    "training": "train",
    "eval": "eval",
    "val": "eval",
    "valid": "eval",
    "test": "eval",
}
_TRAINING_FOLDERS, _HELD_OUT_FOLDERS = ("train", "training"), ("val", "valid", "validation", "test")
# What medians of random values are good for: telling 0..255 from [0, 1].
_ROUGH = 0.5


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was found, about which pipeline, against which specification.

    ``form`` says how the pipeline takes images; ``notes`` what could not be looked at, and why.
    """

    findings: tuple[Finding, ...]
    pipeline: str
    network: str
    stages: tuple[Stage, ...]
    spec: InputSpec
    form: str = ""
    notes: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing but notes was found."""
        return not any(finding.fails for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON object with schema ``tare.check/1``."""
        return {
            "schema": SCHEMA,
            "pipeline": self.pipeline,
            "network": self.network,
            "stages": list(self.stages),
            "clean": self.clean,
            "findings": [finding.to_json() for finding in self.findings],
            "spec": self.spec.to_json(),
            "form": self.form,
            "notes": list(self.notes),
        }


def check(
    pipeline: Any,
    model: Any,
    *,
    stage: Stage = "eval",
    data: str | os.PathLike[str] | DatasetStats | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    size: tuple[int, int] | None = None,
    seed: int = 0,
) -> CheckReport:
    """Find what is wrong with a pipeline for a network, and say it with the numbers seen.

    ``pipeline`` is a transform of torchvision, timm, albumentations, kornia or Hugging Face, any function of one image, a
    Dataset or DataLoader with a transform, a mapping from ``train`` and ``eval`` to two of those, ``FILE.py:NAME`` or
    ``package.module:NAME`` (which runs that code), or another tool's configuration or run directory (which runs nothing).
    ``model`` is whatever :func:`tare.read_spec` reads. ``mean`` and ``std`` in unit values, and ``size``, complete or correct it.
    ``data`` are a folder, or statistics, of the target: its own constants are then no mistake, and their origin is looked at.

    Raises :class:`PipelineError` if the pipeline cannot be loaded or run, :class:`SpecError` if the model states nothing.
    """
    spec, network = _completed(as_handed(read_spec(model)), mean, std, size), _name(model)
    name = _name(pipeline)
    conventions = conventions_for(spec)
    base = Evidence(spec, network, stage, measured=_measured(data), conventions=conventions)
    if isinstance(pipeline, str | os.PathLike):
        text = os.fspath(pipeline)
        if is_config(text):
            stated, declared = stated_by_config(text, spec), declared_by_config(text)
            measured = base.measured or _measured(measured_by_config(text))
            base = replace(base, stated=stated, fed=_affine_or_none(stated), declared=declared, measured=measured)
            evidence = _explained(base)
            return CheckReport(tuple(findings(evidence)), name, network, (stage,), spec, "configuration")
        if not is_reference(text):
            raise refuse_text(text)
        pipeline = load_object(text, PipelineError)
    stages = _by_stage(pipeline, stage)
    looked = {each: _looked_at(part, replace(base, stage=each), seed) for each, part in stages.items()}
    if len(looked) == 2:
        looked["eval"] = (replace(looked["eval"][0], sibling=looked["train"][0]), *looked["eval"][1:])
    found = [finding for evidence, _, _ in looked.values() for finding in _placed(evidence, len(looked) > 1)]
    if not any(finding.fails for finding in found):
        for evidence, _, failure in looked.values():
            if failure is not None and evidence.fed is None:
                raise failure
    notes = tuple(f"{each}: {failure.found}" for each, (_, _, failure) in looked.items() if failure is not None)
    form = ", ".join(sorted({form for _, form, _ in looked.values() if form}))
    return CheckReport(tuple(dict.fromkeys(found)), name, network, tuple(looked), spec, form, notes)


def _placed(evidence: Evidence, named: bool) -> list[Finding]:
    """The findings of one stage, saying which where there are two."""
    if not named:
        return list(findings(evidence))
    return [
        replace(finding, where=f"{evidence.stage}, {finding.where}" if finding.where else evidence.stage)
        for finding in findings(evidence)
    ]


def _looked_at(pipeline: Any, evidence: Evidence, seed: int) -> tuple[Evidence, str, PipelineError | None]:
    """Read the steps and run the pipeline; what cannot be run may still be read."""
    pipeline = _transform_of(pipeline)
    steps = steps_of(pipeline)
    channels = evidence.channels
    evidence = replace(evidence, steps=steps, stated=spec_of_steps(steps))
    nominal = affine_of_steps(steps, channels=channels, nominal=True)
    fed = None if isinstance(nominal, Unknown) else nominal
    try:
        call, form = call_of(pipeline)
        seen = observe(call, seed)
    except NoImageError as failure:
        return _explained(replace(evidence, fed=fed)), "", failure  # what it returns cannot be looked at, its steps can
    except PipelineError as failure:
        return evidence, "", failure  # what raises feeds nothing; its steps may still say why
    if seen.affine is not None and not (seen.approximate and fed is not None):
        fed = seen.affine
    elif seen.affine is None:
        fed = None
    return _explained(replace(evidence, seen=seen, fed=fed, alpha=_alpha(call, form, seen))), form, None


def _explained(evidence: Evidence) -> Evidence:
    """The evidence with the diagnosis of the map that is fed."""
    expected = _affine_or_none(evidence.spec)
    if evidence.fed is None or expected is None or len(evidence.fed.order) != len(expected.order):
        return evidence
    tolerance = _ROUGH if evidence.approximate else TOLERANCE
    return replace(evidence, diagnosis=diagnose(evidence.fed, expected, evidence.conventions, tolerance))


def _alpha(call: Call, form: str, seen: Observation) -> int | None:
    """With how many channels a PIL image with alpha comes out; None if it is refused, or whoever reads the files decides."""
    image = np.full((256, 320, 4), 120, np.uint8)
    try:
        result = call(image)
    except PipelineError:
        return None
    return (
        None
        if result.ndim != 3 or form not in ("PIL image", "path of a file")
        else int(result.shape[0 if seen.layout == "CHW" else -1])
    )


def _by_stage(pipeline: Any, stage: Stage) -> dict[Stage, Any]:
    """The pipelines by stage: of a mapping, of a function without arguments, or the one that is given."""
    if callable(pipeline) and not hasattr(pipeline, "transforms") and _is_factory(pipeline):
        try:
            pipeline = pipeline()
        except Exception as error:  # the user's own code
            raise PipelineError("a function that returns a pipeline", one_line(error), "repair it") from None
    if isinstance(pipeline, Mapping):
        named = {_STAGES[key]: value for key, value in reversed(list(pipeline.items())) if key in _STAGES}
        if not named:
            found = f"the keys {sorted(map(str, pipeline))[:6]}"
            raise PipelineError("a mapping with the keys train and eval", found, "name the pipelines so")
        return {each: named[each] for each in _BOTH if each in named}
    return {stage: pipeline}


def _is_factory(thing: Any) -> bool:
    import inspect

    return (
        (inspect.isfunction(thing) or inspect.ismethod(thing))
        and not inspect.signature(thing).parameters
        and (not required_parameters(thing))
    )


def _transform_of(pipeline: Any) -> Any:
    """The transform of a DataLoader or Dataset, else the pipeline itself."""
    while hasattr(pipeline, "dataset"):
        pipeline = pipeline.dataset
    if hasattr(pipeline, "__getitem__") and hasattr(pipeline, "__len__") and not callable(pipeline):
        for name in ("transform", "transforms"):
            if callable(getattr(pipeline, name, None)):
                return getattr(pipeline, name)
    return pipeline


def _completed(
    spec: InputSpec, mean: Sequence[float] | None, std: Sequence[float] | None, size: tuple[int, int] | None
) -> InputSpec:
    """The spec as the user corrects it."""
    if (mean is None) != (std is None):
        raise SpecError("both --mean and --std, or neither", "only one of them", "state both")
    if mean is not None and std is not None:
        count = len(spec.mean.value) if isinstance(spec.mean, Known) else 3
        values = [tuple(map(float, given)) * (count if len(given) == 1 else 1) for given in (mean, std)]
        stated = InputSpec.of(values[0], values[1])
        kept = {
            name: getattr(stated, name) for name in ("channels", "scale", "raw_dtype") if isinstance(getattr(spec, name), Unknown)
        }
        spec = replace(spec, mean=stated.mean, std=stated.std, **kept)
    return spec if size is None else replace(spec, size=Known(size, "user"))


def _measured(data: str | os.PathLike[str] | DatasetStats | None) -> Measured | None:
    """Statistics of the target: a file, an object, or a folder, by split where it has any."""
    if data is None or isinstance(data, DatasetStats):
        return None if data is None else Measured(data)
    path = Path(data)
    if path.suffix == ".json" and path.is_file():
        return Measured(DatasetStats.load(path))
    splits = {
        kind: next((path / name for name in names if (path / name).is_dir()), None)
        for kind, names in (("train", _TRAINING_FOLDERS), ("held out", _HELD_OUT_FOLDERS))
    }
    if splits["train"] is None:
        return Measured(measure(data))
    held_out = None if splits["held out"] is None else measure(splits["held out"])
    return Measured(measure(splits["train"]), held_out, measure(data) if held_out is not None else None)


def _affine_or_none(spec: InputSpec) -> Affine | None:
    try:
        return spec.affine()
    except SpecError:
        return None


def _name(thing: Any) -> str:
    return os.fspath(thing) if isinstance(thing, str | os.PathLike) else type(thing).__name__
