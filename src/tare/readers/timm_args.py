"""Read what a timm training run fed its network, from the ``args.yaml`` that timm's ``train.py`` writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tare.errors import SpecError, reason_of
from tare.input_spec.fields import parsed
from tare.input_spec.spec import Crop, InputSpec, Known
from tare.system.local.opened import text_of

_MOST_BYTES = 1 << 20
_REMEDY = "name the args.yaml that timm's train.py wrote"


def spec_of_args(path: Path, model: InputSpec) -> InputSpec:
    """The run's specification: what ``args.yaml`` overrides, and the model's own where it is null, as timm resolves it.

    Raises :class:`SpecError` if it is not there, too large, no YAML mapping, or states a value that cannot be.
    """
    arguments = _mapping(path)
    fields: dict[str, Any] = {}
    for key in ("mean", "std"):
        if arguments.get(key) is not None:
            fields[key] = _read(key, list(_numbers(arguments[key], model)), path)
    if arguments.get("interpolation"):
        fields["interpolation"] = _read("interpolation", arguments["interpolation"], path)
    edges = arguments.get("input_size") or arguments.get("img_size")
    if edges is not None:
        given = list(edges)[-2:] if isinstance(edges, list | tuple) else [edges, edges]
        fields["size"] = _read("size", given, path)
    if arguments.get("crop_pct") is not None:
        mode = model.crop.value.mode if isinstance(model.crop, Known) else "center"
        share = _read("crop", {"mode": mode, "fraction": arguments["crop_pct"]}, path)
        fields["crop"] = Known(Crop(mode, share.value.fraction), share.origin)
    return replace(model, **fields)


def _mapping(path: Path) -> dict[str, Any]:
    import yaml

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SpecError(f"a YAML file of at most {_MOST_BYTES} bytes", f"{path.stat().st_size}", _REMEDY)
        document = yaml.safe_load(text_of(path))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = reason_of(error)
        raise SpecError("a readable YAML file", f"{str(path)!r}: {reason}", _REMEDY) from None
    if not isinstance(document, dict) or not {"model", "mean", "std"} <= set(document):
        raise SpecError("a mapping with model, mean and std", f"something else in {str(path)!r}", _REMEDY)
    return document


def _numbers(value: Any, model: InputSpec) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    count = len(model.mean.value) if isinstance(model.mean, Known) else 3
    return values * count if len(values) == 1 else values  # as timm.data.resolve_data_config does


def _read(name: str, value: Any, path: Path) -> Any:
    try:
        return parsed(name, value, f"{path}, key {name!r}")
    except ValueError as error:
        raise SpecError(f"a valid {name!r} in {str(path)!r}", str(error), "correct it") from None
