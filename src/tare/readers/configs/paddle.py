"""YAML configurations of PaddleClas, PaddleOCR and PaddleDetection: ``NormalizeImage`` in a list of operators.

``(scale * v - mean) / std``, where PaddleClas and PaddleOCR state ``scale`` as text (``1.0/255.0``) and PaddleDetection states
``is_scale`` and ``norm_type``. The operator that decodes images states the order of colours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Field, Known, Unknown
from tare.input_spec.spec import InputSpec
from tare.readers.configs.documents import Place, dotted, known, listed, made, number, one_of_all, spread, stated, walk

_STEP = "NormalizeImage"
_DECODERS = ("DecodeImage", "Decode")


def is_paddle(document: Mapping[str, Any]) -> bool:
    """Whether a YAML document has a list with ``NormalizeImage``, at most four levels deep."""
    level: list[Any] = [document]
    for _ in range(5):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, list) and any(name == _STEP for name, _ in _steps(value)):
                return True
            items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
            inner.extend(item for item in items if isinstance(item, Mapping | list))
        level = list({id(item): item for item in inner}.values())  # aliases are looked at once
    return False


def read_paddle_document(document: Any, source: str, choice: str = "") -> InputSpec:
    """Read a configuration that is already parsed. Raises :class:`SpecError` if its parts contradict one another."""
    found: list[tuple[Place, InputSpec]] = []
    values = dict(walk(document, source))
    for place, value in values.items():
        if isinstance(value, list):
            beside = (
                [step for step in values.get(place[:-1], {}).values() if isinstance(step, list)] if _in_map(values, place) else []
            )
            steps = [step for part in (beside or [value]) for step in _steps(part)]
            own = list(_steps(value))
            found += [
                ((*place, _STEP), _spec(options, own, steps, f"{source}, {dotted(place)}, {_STEP}"))
                for name, options in own
                if name == _STEP
            ]
    if not found:
        raise SpecError(f"{_STEP} in {source}", "none", "name a configuration of PaddleClas or PaddleDetection")
    return one_of_all(found, source, choice)


def _in_map(values: Mapping[Place, Any], place: Place) -> bool:
    return bool(place) and isinstance(values.get(place[:-1]), Mapping)


def _steps(items: list[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The operators of a list by name: ``- Name: {options}``, or ``- type: Name`` as PaddleDetection exports them."""
    for item in items:
        if isinstance(item, Mapping):
            if isinstance(item.get("type"), str):
                yield item["type"], item
            elif len(item) == 1:
                name, options = next(iter(item.items()))
                yield str(name), options if isinstance(options, Mapping) else {}


_Operators = list[tuple[str, Mapping[str, Any]]]


def _spec(options: Mapping[str, Any], operators: _Operators, steps: _Operators, origin: str) -> InputSpec:
    """The specification of one of the ``operators`` of a list; ``steps`` are those of the lists beside it as well."""
    mean, std = _constants(options, origin)
    count = len(mean.value) if isinstance(mean, Known) else 0
    decoder = next(((name, given) for name, given in steps if name in _DECODERS), None)
    fields: dict[str, Field[Any]] = {
        "channels": _order(decoder, count, origin),
        "scale": _scale(options, origin),
        "mean": mean,
        "std": std,
        "raw_dtype": known("uint8", f"{decoder[0]} beside {origin} reads 8-bit images")
        if decoder and count in (1, 3)
        else Unknown(f"{origin}: no {' or '.join(_DECODERS)} states what is read"),
        "dtype": known("float32", "NormalizeImage makes float32 values"),
        "size": Unknown("the operators that resize and crop are not read"),
    }
    if any(name in ("ToCHWImage", "Permute") for name, _ in steps):
        fields["layout"] = known("NCHW", f"{origin}, and the operator that transposes to channels first")
    if sum(name == _STEP for name, _ in operators) > 1:
        fields |= dict.fromkeys(("scale", "mean", "std"), Unknown(f"{origin} is one of several in turn"))
    return made(fields, origin)


def _constants(options: Mapping[str, Any], origin: str) -> tuple[Field[Any], Field[Any]]:
    kind = options.get("norm_type", "mean_std")
    if kind not in ("mean_std", "none", None):
        reason = Unknown(f"{origin}: norm_type {short_repr(kind)} is not known")
        return reason, reason
    if kind != "mean_std":
        given = options.get("mean")
        count = len(given) if isinstance(given, list) else 1
        said = f"{origin}, norm_type none: mean and std are not applied"
        return stated("mean", [0.0] * count, said), stated("std", [1.0] * count, said)
    for key in ("mean", "std"):
        if options.get(key) is None:
            reason = Unknown(f"{origin} leaves {key} to the library's default")
            return reason, reason
    return spread(*(stated(key, listed(options[key]), f"{origin}, key {key!r}") for key in ("mean", "std")))


def _scale(options: Mapping[str, Any], origin: str) -> Field[float]:
    if "scale" in options and options["scale"] is not None:
        return stated("scale", _quotient(options["scale"], origin), f"{origin}, key 'scale' {short_repr(options['scale'])}")
    flag = options.get("is_scale")
    if flag is None:
        return known(1 / 255, f"{origin}: without scale and is_scale, NormalizeImage divides by 255")
    if not isinstance(flag, bool):
        raise SpecError(f"true or false as 'is_scale' in {origin}", short_repr(flag), "correct the file")
    return known(1 / 255 if flag else 1.0, f"{origin}, key 'is_scale' {str(flag).lower()}")


def _quotient(value: Any, origin: str) -> Any:
    """``1.0/255.0`` as a number, by its two numbers; nothing is evaluated."""
    parts = [number(part.strip()) for part in value.split("/")] if isinstance(value, str) else [value]
    wrong = any(isinstance(part, bool) or not isinstance(part, int | float) for part in parts)
    if wrong or len(parts) > 2 or (len(parts) == 2 and parts[1] == 0):
        raise SpecError(f"a number or a quotient such as 1.0/255.0 as 'scale' in {origin}", short_repr(value), "correct the file")
    return parts[0] / parts[1] if len(parts) == 2 else parts[0]


def _order(decoder: tuple[str, Mapping[str, Any]] | None, count: int, origin: str) -> Field[str]:
    if count not in (1, 3):
        names = ",".join(f"c{index}" for index in range(count))
        return known(names, f"{origin}: {count} means") if count else Unknown(f"{origin} states no means to count")
    if decoder is None:
        return Unknown(f"{origin}: no {' or '.join(_DECODERS)} states the order of colours")
    name, given = decoder
    return known("RGB", "PaddleDetection's Decode converts to red, green, blue") if name == "Decode" else _decoded(given, origin)


def _decoded(given: Mapping[str, Any], origin: str) -> Field[str]:
    """The order that DecodeImage states: ``img_mode`` in PaddleOCR, ``to_rgb`` in PaddleClas."""
    mode, flag = given.get("img_mode"), given.get("to_rgb")
    if mode in ("RGB", "BGR"):
        return known(mode, f"DecodeImage beside {origin}, key 'img_mode'")
    if isinstance(flag, bool):
        return known("RGB" if flag else "BGR", f"DecodeImage beside {origin}, key 'to_rgb'")
    if mode is None and flag is None:
        return known("RGB", f"DecodeImage beside {origin} converts to red, green, blue by default")
    return Unknown(f"DecodeImage beside {origin}: {short_repr(mode if mode is not None else flag)} is no order of three colours")
