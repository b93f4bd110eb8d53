"""Read an ONNX model: tare's own metadata, or the normalisation at the front of its graph. Nothing is run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tare.errors import SpecError, reason_of, short_repr
from tare.input_spec.affine import Affine
from tare.input_spec.fields import Field, Known, Unknown
from tare.input_spec.foreign import known_field
from tare.input_spec.spec import InputSpec
from tare.readers.onnx.constants import attribute_of
from tare.readers.onnx.front import fronts_of
from tare.readers.onnx.tensor import Blocked, ImageTensor, Tracked
from tare.samples.layout import unit_scale
from tare.system.optional import require

#: The key of metadata_props under which tare keeps its own specification.
KEY = "tare.spec"
#: If a graph normalises its input itself, the key above describes its raw input, and this key the input of the network inside.
_INSIDE = "tare.model_spec"
_MOST_BYTES = (1 << 31) - 1  # protobuf's own limit
_MOST_TEXT = 1 << 24
_MOST_CHANNELS = 4096
#: The types of TensorProto that an image may have, and those of them that are raw integers.
_DTYPES = {1: "float32", 2: "uint8", 4: "uint16", 10: "float16", 11: "float64", 16: "bfloat16"}
_INTEGERS = (2, 4)
#: The pixel format by which ONNX names the order of channels (onnx/docs/MetadataProps.md).
_FORMATS = {"Rgb8": "RGB", "Bgr8": "BGR", "Gray8": "L"}
#: Two maps disagree if they send a raw value to inputs that differ by more than this, in input std.
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class _Image:
    """The graph's image input: its name, its shape (0 for an edge that is not fixed) and its type."""

    name: str
    shape: tuple[int, ...]
    kind: int


def read_onnx(path: str | Path) -> InputSpec:
    """Read ``metadata_props['tare.spec']`` if it is there, else Sub, Div, Mul, Add, BatchNormalization at the graph's front.

    If the graph has none of these, it expects input that is already normalised, with unknown constants. Data outside the file are
    not read. Raises :class:`SpecError` if the file is no ONNX model, is malformed, or its metadata and its graph disagree.
    """
    path = Path(path)
    model = _loaded(path)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    stated = _own(metadata[KEY], path) if KEY in metadata else None
    image = _image_of(model.graph)
    if isinstance(image, Unknown):
        return stated or InputSpec(**dict.fromkeys(("channels", "scale", "mean", "std", "size", "layout", "dtype"), image))  # type: ignore[arg-type]
    front, axis = _front_of(model.graph, image)
    if stated is not None:
        _check_agreement(_own(metadata[_INSIDE], path) if _INSIDE in metadata else stated, front, path)
        return stated
    return _spec(front, image, axis, metadata, str(path))


def _loaded(path: Path) -> Any:
    onnx = require("onnx", extra="readers", purpose="reading ONNX models")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SpecError(
                f"an ONNX file of at most {_MOST_BYTES} bytes", f"{path.stat().st_size} bytes", "export it with external weights"
            )
        model = onnx.load_model(str(path), load_external_data=False)
    except OSError as error:
        raise SpecError("a readable ONNX file", f"{str(path)!r}: {error.strerror or error}", "check the path") from None
    except SpecError:
        raise
    except Exception as error:  # protobuf's decode errors have no common class
        reason = reason_of(error, 120) or type(error).__name__
        raise SpecError("an ONNX model", f"{str(path)!r}: {reason}", "check the file") from None
    if not model.graph.node:
        raise SpecError("an ONNX model with a graph", f"no node in {str(path)!r}", "check the file")
    if not all(isinstance(text, str) for text in _texts(model)):
        raise SpecError("an ONNX model with names in UTF-8", f"other names in {str(path)!r}", "export the model again")
    return model


def _texts(model: Any) -> Iterator[Any]:
    """Every name that is read; protobuf gives bytes instead of text if a name is not UTF-8."""
    for node in model.graph.node:
        yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    yield from (each.name for each in (*model.graph.initializer, *model.graph.input))
    for entry in model.metadata_props:
        yield from (entry.key, entry.value)


def _own(text: str, path: Path) -> InputSpec:
    if len(text) > _MOST_TEXT:
        raise SpecError(f"{KEY} of at most {_MOST_TEXT} characters", f"{len(text)} in {str(path)!r}", "export the model again")
    try:
        return InputSpec.from_json(json.loads(text))
    except (ValueError, RecursionError) as error:
        found = f"{short_repr(text)} ({' '.join(str(error).split())[:80]})"
        raise SpecError(f"JSON under {KEY} in {str(path)!r}", found, "export the model again") from None


def _image_of(graph: Any) -> _Image | Unknown:
    """The one input that is an image, or the graph's only input; unknown if there are several."""
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [
        _Image(each.name, tuple(_edge(dim) for dim in each.type.tensor_type.shape.dim), each.type.tensor_type.elem_type)
        for each in graph.input
        if each.name not in constants
    ]
    images = [each for each in inputs if len(each.shape) in (4, 5) and each.kind in _DTYPES] or inputs
    if len(images) != 1:
        names = ", ".join(short_repr(each.name) for each in inputs[:6])
        return Unknown(f"the graph has {len(inputs)} inputs ({names}), and nothing says which one is the image")
    image = images[0]
    if image.kind not in _DTYPES or not 2 <= len(image.shape) <= 5:
        return Unknown(f"the input {short_repr(image.name)} has {len(image.shape)} axes and type {image.kind}: it is no image")
    return image


def _edge(dim: Any) -> int:
    return int(dim.dim_value) if dim.HasField("dim_value") and dim.dim_value > 0 else 0


def _front_of(graph: Any, image: _Image) -> tuple[Tracked, int]:
    """The tensor that reaches the first layers, and the image's axis of channels: the axis that fits the first convolution.

    A graph that begins with another layer may fit both: then the axis that has a usual number of channels. The axis is 0 if
    nothing tells.
    """
    rank = len(image.shape)
    found: list[tuple[Tracked, int]] = []
    for axis in dict.fromkeys((1, rank - 1)):
        channels = image.shape[axis] or _taken(graph)
        if 1 <= channels <= _MOST_CHANNELS:
            start = ImageTensor.of_image(rank, axis, channels, image.kind in _INTEGERS)
            found.append((_agreed(fronts_of(graph, image.name, start)), axis))
    if not found:
        return Blocked(f"the input {short_repr(image.name)} does not say how many channels it has"), 1
    fitting = [each for each in found if isinstance(each[0], ImageTensor)] or found
    likely = [each for each in fitting if image.shape[each[1]] in (0, 1, 3, 4)]
    if len(fitting) == 2 and not likely and isinstance(fitting[0][0], ImageTensor):
        return Blocked(f"the input {short_repr(image.name)} does not say which of its axes holds the channels"), 0
    return (likely or fitting)[0]


def _taken(graph: Any) -> int:
    """The number of input channels of the first convolution; 0 if there is no convolution."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        shape = shapes.get(node.input[1], ()) if node.op_type == "Conv" and len(node.input) > 1 else ()
        if len(shape) > 1:
            return int(shape[1]) * int(attribute_of(node, "group", 1))
    return 0


def _agreed(reached: Sequence[Tracked]) -> Tracked:
    if not reached:
        return Blocked("no layer with weights is reached from the input")
    blocked = next((each for each in reached if isinstance(each, Blocked)), None)
    if blocked is not None:
        return blocked
    maps = {(each.source, each.scale, each.shift) for each in reached if isinstance(each, ImageTensor)}
    return reached[0] if len(maps) == 1 else Blocked(f"the first {len(reached)} layers receive differently scaled images")


def _channels_of(front: ImageTensor) -> Affine | str:
    """The map of each channel; the reason if one of the image's channels reaches the network with two scales, or not at all."""
    once: dict[int, tuple[float, float]] = {}
    for index, scale, shift in zip(front.source, front.scale, front.shift, strict=True):
        if once.setdefault(index, (scale, shift)) != (scale, shift):
            return "not one map for each channel"
    if sorted(once) != list(range(front.channels)):
        return f"the first layer takes {len(once)} of the image's {front.channels} channels"
    return Affine(tuple(once), tuple(scale for scale, _ in once.values()), tuple(shift for _, shift in once.values()))


def _spec(front: Tracked, image: _Image, axis: int, metadata: dict[str, str], source: str) -> InputSpec:
    where = f"{source}, input {short_repr(image.name)}"
    dtype = Known(_DTYPES[image.kind], where)
    raw = dtype if image.kind in _INTEGERS else Known("float32", where)
    shape = {1: ("NCHW", (2, 3)), 3: ("NHWC", (1, 2))}.get(axis) if len(image.shape) == 4 else None
    unsaid = f"has {len(image.shape)} axes{'' if axis else ', of which any may hold the channels'}"
    layout: Field[str] = Known(shape[0], where) if shape else Unknown(f"{where} {unsaid}")
    size: Field[Any] = Unknown(f"{where} does not fix its height and width")
    if shape and all(image.shape[each] for each in shape[1]):
        size = known_field("size", [image.shape[each] for each in shape[1]], where)
    fields: dict[str, Any] = {"dtype": dtype, "raw_dtype": raw, "layout": layout, "size": size}
    silent = Unknown(f"{source}: the graph does not say how images are resized")
    fields |= dict.fromkeys(("interpolation", "antialias", "crop"), silent)
    return InputSpec(**fields, **_values(front, image, metadata, source))


def _values(front: Tracked, image: _Image, metadata: dict[str, str], source: str) -> dict[str, Any]:
    if isinstance(front, Blocked):
        return dict.fromkeys(("channels", "scale", "mean", "std"), Unknown(f"{source}: {front.reason}"))
    origin = f"{source}, {', '.join(dict.fromkeys(front.nodes))} at the graph's front"
    affine = _channels_of(front)
    if isinstance(affine, str):
        return dict.fromkeys(("channels", "scale", "mean", "std"), Unknown(f"{origin}: {affine}"))
    channels = _order(affine, metadata, source)
    if not front.normalises:
        nothing = Unknown(f"{source}: no normalisation at the graph's front, so it expects input that is already normalised")
        return {"channels": channels, **dict.fromkeys(("scale", "mean", "std"), nothing)}
    if min(affine.scale) <= 0:
        return {
            "channels": channels,
            **dict.fromkeys(("scale", "mean", "std"), Unknown(f"{origin} invert values, or make them constant")),
        }
    scale = float(unit_scale(_DTYPES[image.kind])) if image.kind in _INTEGERS else 1.0
    scale = 1 / 255 if abs(front.lead * 255 - 1) < 1e-3 else scale  # a graph that divides floats by 255 takes 0..255
    std = [scale / a for a in affine.scale]
    mean = [0.0 - b * s for b, s in zip(affine.shift, std, strict=True)]  # no -0
    if isinstance(channels, Unknown) and (len(set(mean)) > 1 or len(set(std)) > 1):  # nothing says whose constants they are
        return dict.fromkeys(("channels", "scale", "mean", "std"), channels)
    return {
        "channels": channels,
        "scale": Known(scale, origin),
        "mean": known_field("mean", mean, origin),
        "std": known_field("std", std, origin),
    }


def _order(affine: Affine, metadata: dict[str, str], source: str) -> Field[str]:
    """The order of channels that the first layer receives. If the file does not state the image's order, RGB is assumed."""
    count = len(affine.order)
    stated = _FORMATS.get(metadata.get("Image.BitmapPixelFormat", ""))
    origin = (
        f"{source}, Image.BitmapPixelFormat" if stated else f"{source}: assumed red, green, blue, since nothing else is stated"
    )
    reverses = affine.order == (2, 1, 0)
    if not reverses and affine.order != tuple(range(count)):
        return Unknown(f"{source}: the graph puts channels in the order {affine.order}")
    name = stated or {1: "L", 3: "RGB"}.get(count) or ",".join(f"c{index}" for index in range(count))
    if reverses:
        name = {"RGB": "BGR", "BGR": "RGB"}.get(name, name)
    return Known(name, origin)


def _check_agreement(stated: InputSpec, front: Tracked, path: Path) -> None:
    """Compare the metadata with a graph that normalises. Raises :class:`SpecError` with both numbers if they differ."""
    affine = _channels_of(front) if isinstance(front, ImageTensor) and front.normalises else ""
    known = [stated.channels, stated.scale, stated.mean, stated.std, stated.raw_dtype]
    if isinstance(affine, str) or any(isinstance(field, Unknown) for field in known):
        return
    # A graph may take raw integers, the same as floats, or unit values.
    raw, unit = stated.affine(), stated.affine_from("float32")
    if len(raw.scale) != len(affine.scale) or not (
        raw.distance(affine) <= _TOLERANCE or unit.distance(affine, high=1.0) <= _TOLERANCE
    ):
        theirs = affine.scale[0] * 255 + affine.shift[0]
        ours = raw.scale[0] * 255 + raw.shift[0]
        found = f"raw 255 becomes {ours:.4f} by {KEY} and {theirs:.4f} by the graph"
        raise SpecError(f"metadata and graph of {str(path)!r} to agree", found, "export the model again")
