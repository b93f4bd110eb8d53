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
from tare.measuring.stated.facts import finite
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

#: Floats between these are unit values, up to overshoot of a resize; above them, up to 255, they are levels of 8 bits.
_UNIT, _LEVELS = (-0.5, 2.0), 255.0
_IN_UNITS = (
    *("mean", "std", "mean_se", "std_se", "min", "max"),
    *("mean_of_sample_std", "root_mean_sample_variance", "sample_mean", "sample_std"),
)


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
        return None if data is None else Measured(finite(data))
    path = Path(data)
    if path.suffix == ".json" and path.is_file():
        return Measured(finite(DatasetStats.load(path)))
    splits = {
        kind: next((path / name for name in names if (path / name).is_dir()), None)
        for kind, names in (("train", _TRAINING_FOLDERS), ("held out", _HELD_OUT_FOLDERS))
    }
    if splits["train"] is None:
        return Measured(finite(measure(data)))
    held_out = None if splits["held out"] is None else finite(measure(splits["held out"]))
    return Measured(finite(measure(splits["train"])), held_out, measure(data) if held_out is not None else None)


def usable(measured: Measured | None, spec: InputSpec) -> tuple[Measured | None, str]:
    """Statistics in the unit values of the network's raw values, None with the reason if they are of other values.

    Floats from 0 to 255, as an image that was converted has them, are the levels of a network for 8 bits.
    """
    if measured is None:
        return None, ""
    found = [each for each in (measured.train, measured.held_out, measured.everything) if each is not None]
    channels = spec.channel_count()
    for stats in found:
        if channels is not None and len(stats.channels) != channels:
            return None, f"{len(stats.channels)} channels in {stats.source!r}, and the network takes {channels}"
        constant = next((channel.name for channel in stats.channels if not channel.std > 0), None)
        if constant is not None:
            return None, f"the std of {constant} is 0 in {stats.source!r}"
    floats = [stats.dtype.startswith("float") for stats in found]
    raw = spec.raw_dtype.value if isinstance(spec.raw_dtype, Known) else "uint8"
    ends = [(min(c.min for c in stats.channels), max(c.max for c in stats.channels)) for stats in found]
    if not any(floats) or raw != "uint8" or all(_UNIT[0] <= low and high <= _UNIT[1] for low, high in ends):
        return measured, ""
    if all(floats) and all(low >= 0 and _UNIT[1] < high <= _LEVELS for low, high in ends):
        held_out, everything = (None if each is None else _of_levels(each) for each in (measured.held_out, measured.everything))
        return Measured(_of_levels(measured.train), held_out, everything), ""
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return None, f"floats from {low:g} to {high:g}, and the images that are fed have 8 bits"


def _of_levels(stats: DatasetStats) -> DatasetStats:
    """Statistics of floats from 0 to 255 in unit values."""
    channels = tuple(
        replace(
            channel, **{name: getattr(channel, name) / _LEVELS for name in _IN_UNITS}, histogram=None, fine=None, quantiles={}
        )
        for channel in stats.channels
    )
    return replace(stats, channels=channels)


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
