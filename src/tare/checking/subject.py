"""The subject of a check: the network's specification, the statistics of your data, the pipelines by stage."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tare.checking.inputs import CheckRequest, Stage
from tare.checking.rules.evidence import Measured
from tare.errors import PipelineError
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.measuring.api import measure
from tare.measuring.facts import finite
from tare.statistics.dataset_stats import DatasetStats
from tare.system.user_code import one_line, users_own

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


def network_of(request: CheckRequest) -> Any:
    """What states the network's input; a specification without any statement if only mean and std are given."""
    if request.model is not None:
        return request.model
    return InputSpec() if request.spec is None else request.spec


def corrected_spec(spec: InputSpec, request: CheckRequest, channels: int | None = None) -> InputSpec:
    """Complete or correct the spec by what the user states; one value stands for every channel.

    Mean and std state neither the number of channels nor their layout: of one value there are as many as the network takes, or as
    the pipeline gives (``channels``), or else one.
    """
    if request.mean is not None and request.std is not None:
        given = [tuple(map(float, values)) for values in (request.mean, request.std)]
        several = max(map(len, given))
        count = several if several > 1 else spec.channel_count() or channels or 1
        mean, std = (values * (count if len(values) == 1 else 1) for values in given)
        raw = spec.raw_dtype.value if isinstance(spec.raw_dtype, Known) else "uint8"  # which `tare check` feeds a pipeline
        stated = InputSpec.of(mean, std, raw_dtype=raw)
        fits = spec.channel_count() in (None, count)
        kept = {
            name: getattr(stated, name)
            for name in ("channels", "scale", "raw_dtype")
            if isinstance(getattr(spec, name), Unknown) or (name == "channels" and not fits)
        }
        spec = replace(spec, mean=stated.mean, std=stated.std, **kept)
    if request.size is None:
        return spec
    height, width = request.size if isinstance(request.size, Sequence) else (request.size, request.size)
    return replace(spec, size=Known((height, width), "user"))


def measured_from(data: str | os.PathLike[str] | DatasetStats | None) -> Measured | None:
    """Statistics of your data from a file, an object or a folder, by split if the folder has splits."""
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
        return Measured(finite(measure(data)))
    held_out = None if splits["held out"] is None else finite(measure(splits["held out"]))
    return Measured(finite(measure(splits["train"])), held_out, measure(data) if held_out is not None else None)


def by_stage(pipeline: Any, stage: Stage) -> dict[Stage, Any]:
    """The pipelines by stage: those of a mapping, or of a function without arguments, or the given pipeline."""
    if callable(pipeline) and not hasattr(pipeline, "transforms") and _is_factory(pipeline):
        try:
            with users_own(pipeline):
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


def transform_of(pipeline: Any) -> Any:
    """The transform of a DataLoader or Dataset, else the pipeline itself."""
    while hasattr(pipeline, "dataset"):
        pipeline = pipeline.dataset
    if hasattr(pipeline, "__getitem__") and hasattr(pipeline, "__len__") and not callable(pipeline):
        for name in ("transform", "transforms"):
            if callable(getattr(pipeline, name, None)):
                return getattr(pipeline, name)
    return pipeline


def name_of(thing: Any) -> str:
    """The text that names a model or a pipeline, else the class of the object."""
    return os.fspath(thing) if isinstance(thing, str | os.PathLike) else type(thing).__name__


def _is_factory(thing: Any) -> bool:
    return (inspect.isfunction(thing) or inspect.ismethod(thing)) and not inspect.signature(thing).parameters
