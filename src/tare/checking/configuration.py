"""Configurations of other tools that take the place of a pipeline; they are read and never run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tare.checking.rules.evidence import Declared
from tare.errors import SpecError
from tare.input_spec.fields import numbers
from tare.input_spec.model_file import model_file
from tare.input_spec.spec import InputSpec, read_json
from tare.readers.table import read_spec
from tare.statistics.dataset_stats import DatasetStats
from tare.system.user_code import is_reference

_SUFFIXES = (".json", ".yaml", ".yml")
_HF = ("preprocessor_config.json", "processor_config.json")
_ARGUMENTS = "args.yaml"


def is_config(text: str) -> bool:
    """Whether a text names a configuration file or a directory, and no Python object."""
    path = Path(text)
    return not is_reference(text) and (path.suffix in _SUFFIXES or path.is_dir())


def stated_by_config(text: str, model: InputSpec) -> InputSpec:
    """The spec that a configuration states; null keys in the ``args.yaml`` of timm's ``train.py`` take the model's values.

    Raises :class:`SpecError` if it cannot be read.
    """
    path = Path(text)
    if path.suffix in (".yaml", ".yml") or (path.is_dir() and (path / _ARGUMENTS).is_file()):
        from tare.readers.timm_args import spec_of_args

        return spec_of_args(path / _ARGUMENTS if path.is_dir() else path, model)
    return read_spec(text)


def declared_by_config(text: str) -> Declared | None:
    """Mean and std that a Hugging Face configuration states beside ``do_normalize: false``."""
    path = Path(text)
    if path.is_dir():
        path = next((path / name for name in _HF if (path / name).is_file()), path)
    document: Any = read_json(path) if path.suffix == ".json" and path.is_file() else None
    if isinstance(document, Mapping) and isinstance(document.get("image_processor"), Mapping):
        document = document["image_processor"]
    if not isinstance(document, Mapping) or document.get("do_normalize") is not False:
        return None
    try:
        return Declared(numbers(document.get("image_mean")), numbers(document.get("image_std")), "do_normalize is false")
    except ValueError:
        return None


def measured_by_config(text: str) -> DatasetStats | None:
    """Statistics of your data in the ``tare.json`` of a run or model directory."""
    path = model_file(Path(text))
    document: Any = read_json(path) if path is not None else None
    stats = document.get("target_stats") if isinstance(document, Mapping) else None
    return DatasetStats.from_json(stats) if isinstance(stats, Mapping) else None


def refuse_text(text: str) -> SpecError:
    """The error for a text that names neither a configuration nor an object."""
    found = f"{text!r}" if Path(text).exists() else f"{text!r}, which does not exist"
    hint = f"write {text}:NAME for an object in that file" if text.endswith(".py") else "for example train.py:val_transform"
    return SpecError("FILE.py:NAME, package.module:NAME or a configuration", found, hint)
