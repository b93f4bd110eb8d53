"""The front of a Keras model, from its input to the layers that learn, as fields of a specification.

``Rescaling``, ``Normalization`` and arithmetic with constants (what ``preprocess_input`` leaves in a graph) are composed.
Augmentation does nothing outside of training and is passed over. A model inside is entered, since it may rescale once more. No
model is built or run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import Known, Unknown
from tare.input_spec.foreign import Fields, known_field
from tare.readers.keras.graph import MODELS, Call, Ref, Tensor, calls_of, layers_of, tensors_named
from tare.readers.keras.kinds import BENT, JOINED, MOVED, PASSED
from tare.readers.keras.value import (
    StoredMoments,
    Unread,
    Value,
    activation_of,
    computed,
    is_arithmetic,
    joined,
    moved,
    normalised,
    operation_of,
    rescaled,
    reversed_channels,
    scaled,
    start,
    taken,
)

INSIDE = "the model applies scale, mean and std itself: feed it raw values"
_DEEPEST = 8
#: What runs code that is not read, or no layer that learns.
_CODE = ("Lambda", "TFOpLambda", "SlicingOpLambda")


@dataclass
class _Front:
    """What was found: the values that reach layers which learn, by the layer's name, and what could not be read."""

    source: str
    moments: StoredMoments
    reached: list[tuple[Value, str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def fields_of_model(document: Any, source: str, moments: StoredMoments) -> Fields:
    """Read the configuration of a Sequential or Functional model.

    ``extra["inside"]`` says that the model normalises by itself. Raises :class:`SpecError` if a layer is malformed.
    """
    layers = layers_of(document, source)
    chosen, shape = _input(layers, source)
    fields: Fields = {"size": _size(shape, source), "dtype": Known("float32", f"{source}: what Keras computes in")}
    fields["layout"] = (
        Known("NHWC", f"{source}, batch_shape")
        if shape and shape[-1] in (1, 3)
        else Unknown(f"{source} does not say which axis holds the channels")
    )
    count = shape[-1] if shape and (shape[-1] in (1, 3) or len(shape) == 1) else None
    fields["channels"] = _channels(count, source)
    front = _Front(source, moments)
    left = _trace(document["config"], start(count), front, "", "", chosen=chosen)
    if left is not None:
        front.reached.append((left, "the output"))
    return fields | _found(front, source)


def _found(front: _Front, source: str) -> Fields:
    """Scale, mean and std (and the order of channels) of what was traced."""
    names = ("scale", "mean", "std")
    if front.unread:
        inside = {"extra": {"inside": INSIDE}} if any(value.steps for value, _ in front.reached) else {}
        return dict.fromkeys(names, Unknown(front.unread[0])) | {"extra": {"inside": INSIDE}} | inside
    if not front.reached or not any(value.steps for value, _ in front.reached):
        nothing = f"{source}: no Rescaling or Normalization at its front, and nothing says how its input is prepared"
        return dict.fromkeys(names, Unknown(nothing))
    value, first = front.reached[0]
    other = next((name for each, name in front.reached if not each.same(value)), None)
    if other is not None:
        unlike = f"{source}: the input reaches layer {first!r} and layer {other!r} as different values"
        return dict.fromkeys(names, Unknown(unlike))
    return _constants(value, source)


def _constants(value: Value, source: str) -> Fields:
    """The map ``a v + b`` as ``(scale v - mean) / std``; ``scale`` is that of the first step, if it only scales."""
    said = ", ".join(value.steps)
    inside = INSIDE
    origin = f"{source}: {said} inside the model"
    if len(value.divisors) > 1:
        twice = (
            f"it divides {'twice' if len(value.divisors) == 2 else f'{len(value.divisors)} times'}: {', '.join(value.divisors)}"
        )
        origin, inside = f"{origin}; {twice}", f"{inside}; {twice}"
    if min(value.scale) <= 0:
        inverts = Unknown(f"{origin}: a channel is inverted, which no mean and std can state")
        return dict.fromkeys(("scale", "mean", "std"), inverts) | {"extra": {"inside": inside}}
    std = [value.first / a for a in value.scale]
    mean = [0.0 - b * s for b, s in zip(value.shift, std, strict=True)]
    stated = {"scale": value.first, "mean": mean, "std": std}
    fields: Fields = {name: known_field(name, each, origin) for name, each in stated.items()}
    if value.order == (2, 1, 0):
        fields["channels"] = Known("BGR", f"{origin}; red, green, blue is what it takes")
    elif value.order != tuple(range(len(value.order))):
        fields["channels"] = Unknown(f"{origin} puts channels in the order {value.order}")
    return fields | {"extra": {"inside": inside}}


def _trace(
    config: Mapping[str, Any], value: Value, front: _Front, path: str, weights: str, *, chosen: str | None = None, depth: int = 0
) -> Value | None:
    """Follow the input through a model; returns what its output is, None if layers that learn made it."""
    layers = layers_of({"config": config}, front.source)
    known: dict[Tensor, Value] = {}
    last: Tensor | None = None
    for place, call in enumerate(calls_of(layers, weights)):
        last = call.makes
        is_start = call.kind == "InputLayer" or (place == 0 and not call.refs)
        if call.kind == "InputLayer" and chosen not in (None, call.name):
            continue
        operands = [known.get(each.tensor, each) if isinstance(each, Ref) else each for each in call.operands]
        if is_start and call.kind == "InputLayer":
            known[call.makes] = value
            continue
        if is_start:
            operands = [value]
        if not any(isinstance(each, Value) for each in operands):
            continue
        try:
            made = _result(call, operands, front, path, depth)
        except Unread as unread:
            front.unread.append(str(unread))
            continue
        if made is not None:
            known[call.makes] = made
    outputs = tensors_named(config.get("output_layers")) or ([last] if last else [])
    return next((known[tensor] for tensor in outputs if tensor in known), None)


def _result(call: Call, operands: list[Any], front: _Front, path: str, depth: int) -> Value | None:
    """What a call makes of raw values; None for a layer that learns, whose input is then noted."""
    values = [each for each in operands if isinstance(each, Value)]
    name = f"{front.source}, layer {path + call.name!r}"
    value = values[0]
    if call.kind == "TimeDistributed" and isinstance(inner := call.config.get("layer"), Mapping):
        config = inner.get("config")
        kind, module = str(inner.get("class_name")), str(inner.get("module"))
        call = replace(call, kind=kind, module=module, config=config if isinstance(config, Mapping) else {})
    if call.kind in PASSED or call.kind.startswith("Random") or operation_of(call) == "cast":
        return value
    if call.kind in MODELS and isinstance(call.config.get("layers"), list) and depth < _DEEPEST:
        return _trace(call.config, value, front, f"{path}{call.name}/", f"{call.weights}/", depth=depth + 1)
    if call.kind == "Rescaling":
        return rescaled(call, value, name)
    if call.kind == "Normalization":
        return normalised(call, value, name, front.moments)
    made = _operation(call, operands, values, name)
    if made is None:
        front.reached.append((value, path + call.name))
    return made


def _operation(call: Call, operands: list[Any], values: list[Value], name: str) -> Value | None:
    """What an operation makes of raw values; None if it is a layer. Raises :class:`Unread` for one that is not read."""
    value = values[0]
    if call.kind in MOVED:
        return moved(value, call)
    if call.kind == "Activation" and activation_of(call) == "linear":
        return value
    if call.kind in BENT or call.kind == "Activation":
        raise Unread(f"{name} is {call.kind}, behind which values are no scale and shift of the input's")
    made = computed(call, operands, name) if is_arithmetic(call) else None
    return _of_channels(call, operands, values, name) if made is None else made


def _of_channels(call: Call, operands: list[Any], values: list[Value], name: str) -> Value | None:
    """What an operation on whole channels makes of raw values, and what :func:`_operation` returns and raises for others."""
    value, axis = values[0], call.config.get("axis")
    if call.kind == "Negative":
        return scaled(value, [-1.0], [0.0], call.kind, name)
    if call.kind == "Flip" and axis in (-1, 3, [-1], [3]):
        return reversed_channels(value, name)
    if call.kind in ("GetItem", "SlicingOpLambda"):
        return taken(value, call.index, name)
    side_by_side = call.kind in ("Stack", "Concatenate") and axis in (-1, 3) and len(values) == len(operands) > 1
    if side_by_side and all(len(each.order) == 1 and not each.is_open for each in values):
        return joined(values, name)
    if call.kind in JOINED and any(not each.same(value) for each in values):
        raise Unread(f"{name} joins two tensors that are made from the input")
    if call.kind in _CODE or (".ops." in call.module and not is_arithmetic(call)):
        what = "runs code, which is not read" if call.kind in _CODE else f"is {call.kind}, which is not read"
        raise Unread(f"{name} {what}")
    return None


def _input(layers: list[Mapping[str, Any]], source: str) -> tuple[str | None, list[Any]]:
    """The name and shape of the input: the only one that is an image where there are several, else the first."""
    found: list[tuple[str | None, list[Any]]] = []
    for place, layer in enumerate(layers):
        config = layer["config"]
        shape = config.get("batch_shape", config.get("batch_input_shape"))
        if (layer["class_name"] != "InputLayer" and place) or not isinstance(shape, list | tuple):
            continue
        if len(shape) > 8 or not all(edge is None or isinstance(edge, int) for edge in shape):
            raise SpecError(f"a batch_shape of integers in {source}", short_repr(shape), "correct the model")
        name = layer.get("name") or config.get("name")
        found.append((str(name) if layer["class_name"] == "InputLayer" and name else None, list(shape[1:])))
    images = [each for each in found if len(each[1]) == 3]
    return images[0] if len(images) == 1 else found[0] if found else (None, [])


def _size(shape: list[Any], source: str) -> Any:
    if len(shape) == 3 and all(isinstance(edge, int) for edge in shape[:2]):
        return known_field("size", shape[:2], f"{source}, batch_shape")
    return Unknown(f"{source} takes any size" if len(shape) == 3 else f"{source} states no size")


def _channels(count: int | None, source: str) -> Any:
    if count == 1:
        return Known("L", f"{source}, batch_shape")
    if count == 3:
        return Known(
            "RGB", f"{source}, batch_shape: three channels, which Keras's own image loaders return in the order red, green, blue"
        )
    return Unknown(f"{source} does not say what its channels are")
