"""OpenMMLab's configurations (MMDetection, MMPretrain, MMSegmentation, ...): ``.py`` files and their JSON and YAML dumps.

``data_preprocessor = dict(mean, std, bgr_to_rgb | to_rgb)`` of the present versions, ``img_norm_cfg = dict(mean, std, to_rgb)``
and ``dict(type="Normalize", ...)`` of the older ones. A ``.py`` file is parsed and never run: literals, ``dict(...)``, arithmetic
of numbers, and names that the same file binds to such values are read.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Field, Known, Unknown
from tare.input_spec.spec import InputSpec
from tare.readers.configs.documents import Place, dotted, known, listed, made, one_of_all, read_text, spread, stated, walk

_PREPROCESSORS = ("data_preprocessor", "img_data_preprocessor", "preprocess_cfg")
_OLDER = "img_norm_cfg"
#: Classes that take images as OpenCV reads them, in blue, green, red order, and convert only where they are told to.
_OF_OPENCV = (
    "ImgDataPreprocessor", "DetDataPreprocessor", "ClsDataPreprocessor", "SegDataPreProcessor", "PoseDataPreprocessor",
    "SelfSupDataPreprocessor", "MultiModalDataPreprocessor", "Det3DDataPreprocessor", "TrackDataPreprocessor",
    "TextDetDataPreprocessor", "TextRecogDataPreprocessor", "BatchDetDataPreprocessor",
)  # fmt: skip
#: Loaders that read other values than 8-bit images.
_OTHER_LOADERS = ("MultiChannel", "RSImage", "NpyFile", "LoadBiomedical", "LoadPoints", "LoadImageFromNDArray")
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
_DEEPEST = 50


class _Unread:
    """What is not a literal: a call, an import, a name of another file."""

    def __repr__(self) -> str:
        return "an expression, which is not run"


_UNREAD = _Unread()


def read_openmmlab(path: Path, choice: str = "") -> InputSpec:
    """Read a ``.py`` configuration, parsed and never run. Raises :class:`SpecError` if it states no normalisation."""
    return read_openmmlab_document(literals(read_text(Path(path), "Python"), str(path)), str(path), choice)


def is_openmmlab(document: Mapping[str, Any]) -> bool:
    """Whether a dump of a configuration has OpenMMLab's keys, at its top or in its ``model``."""
    model = document.get("model")
    inner = model if isinstance(model, Mapping) else {}
    return any(isinstance(part.get(key), Mapping) for part in (document, inner) for key in (*_PREPROCESSORS[:2], _OLDER))


def read_openmmlab_document(document: Any, source: str, choice: str = "") -> InputSpec:
    """Read a configuration that is already parsed. Raises :class:`SpecError` if its parts contradict one another."""
    found: list[tuple[Place, InputSpec]] = []
    values = list(walk(document, source))
    image = _raw_kind(values)
    ways: dict[str, Place] = {}
    for place, value in values:
        kind = _kind(place, value)
        if kind is not None:
            found.append((place, _spec(value, f"{source}, {dotted(place)}", kind, image)))
            if kind == "preprocessor" or "type" in value:
                ways.setdefault(kind, place)
    if not found:
        raise SpecError(f"data_preprocessor or img_norm_cfg with mean and std in {source}", _absent(document), _remedy(document))
    chosen = one_of_all(found, source, choice)
    if len(ways) > 1 and not choice:
        reason = Unknown(f"{source} normalises at {' and again at '.join(dotted(place)[:80] for place in ways.values())}")
        return replace(chosen, mean=reason, std=reason)
    return chosen


def _kind(place: Place, value: Any) -> str | None:
    if not isinstance(value, Mapping) or "mean" not in value or "std" not in value or value["mean"] is None:
        return None
    if place and place[-1] in _PREPROCESSORS:
        return "preprocessor"
    is_step = value.get("type") in ("Normalize", "mmcls.Normalize", "mmdet.Normalize", "mmseg.Normalize")
    return "normalize" if is_step or (place and place[-1] == _OLDER) else None


def _spec(part: Mapping[str, Any], origin: str, kind: str, image: Field[str]) -> InputSpec:
    for key in ("mean", "std"):
        if any(value is _UNREAD for value in [part[key], *listed(part[key])]):
            raise SpecError(f"numbers as {key!r} in {origin}", repr(_UNREAD), "name a dump of the resolved configuration")
    mean, std = spread(*(stated(key, listed(part[key]), f"{origin}, key {key!r}") for key in ("mean", "std")))
    is_image = len(mean.value) in (1, 3)
    other = Unknown(f"{origin}: {len(mean.value)} channels, and the loader's raw type is not stated")
    channels = _order(part, origin, kind) if len(mean.value) == 3 else _channels(len(mean.value), origin)
    fields: dict[str, Field[Any]] = {
        "channels": channels,
        "scale": known(1.0, f"{origin}: mean and std apply to the values as they are loaded"),
        "mean": mean,
        "std": std,
        "raw_dtype": image if is_image else other,
        "layout": _layout(part, origin),
        "dtype": known("float32", "OpenMMLab normalises float32 values"),
        "size": Unknown("the pipeline resizes and pads; that is not read"),
    }
    return made(fields, origin)


def _channels(count: int, origin: str) -> Known[str]:
    return known("L" if count == 1 else ",".join(f"c{index}" for index in range(count)), f"{origin}: {count} means")


def _order(part: Mapping[str, Any], origin: str, kind: str) -> Field[str]:
    flags = {key: part[key] for key in ("bgr_to_rgb", "to_rgb", "rgb_to_bgr", "to_bgr") if key in part}
    wrong = next((key for key, value in flags.items() if not isinstance(value, bool)), None)
    if wrong is not None:
        raise SpecError(f"true or false as {wrong!r} in {origin}", short_repr(flags[wrong]), "correct the file")
    converted = next((key for key in ("bgr_to_rgb", "to_rgb") if flags.get(key)), None)
    if part.get("output_channel_order") in ("RGB", "BGR"):
        return known(part["output_channel_order"], f"{origin}, key 'output_channel_order'")
    if converted is not None:
        return known("RGB", f"{origin}, key {converted!r}")
    return _order_of_step(flags, origin) if kind == "normalize" else _order_of_class(part, flags, origin)


def _order_of_step(flags: Mapping[str, bool], origin: str) -> Field[str]:
    if "to_bgr" in flags:
        return known("BGR" if flags["to_bgr"] else "RGB", f"{origin}, key 'to_bgr' of frames in red, green, blue order")
    if "to_rgb" in flags:
        return known("BGR", f"{origin}, key 'to_rgb': read by OpenCV in blue, green, red order, and not converted")
    return known("RGB", f"{origin}: Normalize converts to red, green, blue by default (to_rgb=True)")


def _order_of_class(part: Mapping[str, Any], flags: Mapping[str, bool], origin: str) -> Field[str]:
    if flags.get("rgb_to_bgr"):
        return Unknown(f"{origin}: rgb_to_bgr reverses the loader's order, which the configuration does not state")
    named = str(part.get("type", "")).rpartition(".")[2]
    if named and named not in _OF_OPENCV:
        return Unknown(f"{origin}: which order {named[:60]!r} receives is not known")
    return known("BGR", f"{origin}: read by OpenCV in blue, green, red order, and not converted")


def _layout(part: Mapping[str, Any], origin: str) -> Field[str]:
    shape = part.get("format_shape")
    if shape in ("NCHW", "NCTHW"):
        return known(shape, f"{origin}, key 'format_shape'")
    return Unknown(f"{origin}: format_shape {short_repr(shape)}") if shape else known("NCHW", "OpenMMLab's batches of images")


def _raw_kind(values: list[tuple[Place, Any]]) -> Field[str]:
    for place, value in values:
        if place and place[-1] == "type" and isinstance(value, str) and any(word in value for word in _OTHER_LOADERS):
            return Unknown(f"{value[:60]!r} at {dotted(place)} loads values whose type is not stated")
        if place and place[-1] == "imdecode_backend" and value == "tifffile":
            return Unknown(f"{dotted(place)} is tifffile, which reads values of any type")
    return Known("uint8", "OpenMMLab's LoadImageFromFile reads 8-bit images with OpenCV")


def _absent(document: Any) -> str:
    names = ", ".join(str(key)[:40] for key in list(document)[:6]) if isinstance(document, Mapping) else ""
    return f"the names {names}" if names else "neither"


def _remedy(document: Any) -> str:
    bases = document.get("_base_") if isinstance(document, Mapping) else None
    texts = [base for base in (bases if isinstance(bases, list | tuple) else [bases]) if isinstance(base, str)]
    if texts:
        return f"it inherits from {', '.join(base[:80] for base in texts[:4])}: name that file, or a dump of the whole"
    return "name a configuration of MMDetection, MMPretrain or MMSegmentation; other code is read by `tare check FILE.py:NAME`"


def literals(text: str, source: str) -> dict[str, Any]:
    """The names that a Python text binds to literals at its top level, in order. Raises :class:`SpecError` if malformed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes of a text that is not ours
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise SpecError(f"Python in {source}", type(error).__name__, "repair the file") from None
    names: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            value = _value(node.value, names, 0)
            for target in node.targets:
                _bind(target, value, names)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            _bind(node.target, _value(node.value, names, 0), names)
        else:
            _forget(node, names)
    return names


def _bind(target: ast.expr, value: Any, names: dict[str, Any]) -> None:
    if isinstance(target, ast.Name):
        names[target.id] = value
    elif isinstance(target, ast.Subscript | ast.Attribute):
        _unread_root(target, names)
    else:
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                names[node.id] = _UNREAD


def _unread_root(node: ast.expr, names: dict[str, Any]) -> None:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    if isinstance(node, ast.Name):
        names[node.id] = _UNREAD


def _forget(node: ast.stmt, names: dict[str, Any]) -> None:
    """What a loop, a condition or a call may change is no longer known."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id in names:
            names[inner.id] = _UNREAD
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            names[inner.id] = _UNREAD
        elif isinstance(inner, ast.alias):
            names[(inner.asname or inner.name).partition(".")[0]] = _UNREAD


def _value(node: ast.expr, names: Mapping[str, Any], depth: int) -> Any:
    if depth > _DEEPEST:
        return _UNREAD
    value: Any
    match node:
        case ast.Constant():
            value = node.value
        case ast.Name():
            value = names.get(node.id, _UNREAD)
        case ast.List() | ast.Tuple():
            value = [_value(item, names, depth + 1) for item in node.elts]
        case ast.Dict():
            keys = [key and _value(key, names, depth + 1) for key in node.keys]
            value = _mapping(list(zip(keys, node.values, strict=True)), names, depth)
        case ast.Call(func=ast.Name(id="dict"), args=[]):
            value = _mapping([(word.arg, word.value) for word in node.keywords], names, depth)
        case ast.Subscript():
            value = _item(_value(node.value, names, depth + 1), _value(node.slice, names, depth + 1))
        case _:
            value = _computed(node, names, depth)
    return value


def _mapping(items: list[tuple[Any, ast.expr]], names: Mapping[str, Any], depth: int) -> Any:
    """A mapping of texts to values; ``None`` as a key unpacks (``**``)."""
    result: dict[str, Any] = {}
    for key, item in items:
        value = _value(item, names, depth + 1)
        if key is None:
            if not isinstance(value, Mapping):
                return _UNREAD
            result |= value
        elif isinstance(key, str):
            result[key] = value
    return result


def _item(value: Any, key: Any) -> Any:
    if isinstance(value, Mapping) and isinstance(key, str):
        return value.get(key, _UNREAD)
    if isinstance(value, list) and isinstance(key, int) and not isinstance(key, bool) and -len(value) <= key < len(value):
        return value[key]
    return _UNREAD


def _computed(node: ast.expr, names: Mapping[str, Any], depth: int) -> Any:
    """Signs and arithmetic of numbers; everything else is not read."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand, names, depth + 1)
        return (-value if isinstance(node.op, ast.USub) else value) if _is_number(value) else _UNREAD
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        left, right = (_value(side, names, depth + 1) for side in (node.left, node.right))
        if _is_number(left) and _is_number(right):
            try:
                return _ARITHMETIC[type(node.op)](float(left), float(right))
            except (ZeroDivisionError, OverflowError):
                return _UNREAD
    return _UNREAD


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
