"""The front of a Keras model, from its input to the layers that learn, as fields of a specification.

``Rescaling``, ``Normalization`` and arithmetic with constants (what ``preprocess_input`` leaves in a graph) are composed.
Augmentation does nothing outside of training and is passed over. A model inside is entered, since it may rescale once more. No
model is built or run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from tare.errors import SpecError
from tare.input_spec.fields import Known, Unknown
from tare.input_spec.foreign import Fields, known_field
from tare.readers.keras.axes import flipped, laid, moved, passed, taken
from tare.readers.keras.graph import MODELS, Call, Ref, Tensor, calls_of, is_own, layers_of, outputs_of, tensors_named
from tare.readers.keras.inputs import Input, chosen_inputs, fields_of_shape, names_of
from tare.readers.keras.kinds import ALIKE, BENT, JOINED, MOVED, PASSED
from tare.readers.keras.value import (
    StoredKernels,
    StoredMoments,
    Unread,
    Value,
    activation_of,
    computed,
    is_arithmetic,
    normalised,
    operation_of,
    rescaled,
    scaled,
    start,
)

INSIDE = "the model applies scale, mean and std itself: feed it raw values"
_DEEPEST = 8
#: What runs code that is not read, or no layer that learns.
_CODE = ("Lambda", "TFOpLambda", "SlicingOpLambda")
_OVER_IMAGES = re.compile(r"(Separable|Depthwise)?Conv2D(Transpose)?")
#: The axis that a convolution takes for that of the channels, by its ``data_format``.
_FORMATS = {"channels_last": -1, "channels_first": -3}


@dataclass
class _Front:
    """What was found: the values that reach layers which learn, by the layer's name, and what could not be read."""

    source: str
    moments: StoredMoments
    learns: StoredKernels
    reached: list[tuple[Value, str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    #: The convolutions over places that were reached: name, the axis that holds the channels, and the axis that they take for it.
    kernels: list[tuple[str, int | None, int]] = field(default_factory=list)

    @property
    def fits(self) -> bool:
        """Whether convolutions were reached, and each takes the axis for that of the channels which holds them."""
        return bool(self.kernels) and all(axis == stated for _, axis, stated in self.kernels)

    @property
    def is_contradicted(self) -> bool:
        """Whether a convolution takes another axis for that of the channels."""
        return any(axis not in (None, stated) for _, axis, stated in self.kernels)


def fields_of_model(
    document: Any, source: str, moments: StoredMoments, learns: StoredKernels = lambda _: False, part: str = ""
) -> Fields:
    """Read the configuration of a Sequential or Functional model; ``part`` names one of several inputs.

    ``extra["inside"]`` says that the model normalises by itself. Raises :class:`SpecError` if a layer is malformed, or if several
    inputs are meant and not all take the same.
    """
    chosen, named = chosen_inputs(layers_of(document, source), source, part)
    found = [_fields_of_input(document, each, partial(_Front, named, moments, learns)) for each in chosen]
    first, *others = ({name: field.value if isinstance(field, Known) else None for name, field in each.items()} for each in found)
    if any(each != first for each in others):
        raise SpecError(f"one input in {source}", f"different ones at {names_of(chosen)}", "name one as PATH#PART")
    return found[0]


def _fields_of_input(document: Any, at: Input, new: Callable[[], _Front]) -> Fields:
    """What is stated of one input, whose axis of channels is the one that fits the first convolutions behind it."""
    front, axis, is_flat = _followed(document, at, at.likely_axis, new), at.likely_axis, len(at.shape) == 3
    if is_flat and not front.fits:
        other = -4 - axis
        try:
            second = _followed(document, at, other, new)
        except SpecError:  # constants that are none of these channels
            second = new()
        front, axis = (second, other) if second.fits else (front, axis)
    is_told = (is_flat and front.fits) or (at.is_image and not front.is_contradicted)
    said = f"{front.source}, batch_shape{f' and the data_format of {front.kernels[0][0]!r}' if front.fits else ''}"
    fields = fields_of_shape(at.shape, axis if is_told else None, front.source, said)
    fields["dtype"] = Known("float32", f"{front.source}: what Keras computes in")
    return fields | _found(front, front.source, is_told and at.shape[axis] in (1, 3))


def _followed(document: Any, at: Input, axis: int, new: Callable[[], _Front]) -> _Front:
    """What becomes of an input whose channels lie along ``axis``."""
    front, shape = new(), at.shape
    count = shape[axis] if shape and (shape[axis] in (1, 3) or len(shape) == 1) else None
    value = start(count, len(shape) + 1 if shape else None, axis)
    made = _trace(document["config"], {at.name: value}, front, "", "")
    front.reached += [(left, "the output") for left in made if left is not None]
    return front


def _found(front: _Front, source: str, is_image: bool) -> Fields:
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
    if value.count not in (None, len(value.order)):
        part = Unknown(f"{source}: layer {first!r} takes {len(value.order)} of the input's {value.count} channels")
        return dict.fromkeys((*names, "channels"), part) | {"extra": {"inside": INSIDE}}
    return _constants(value, source, is_image)


def _constants(value: Value, source: str, is_image: bool) -> Fields:
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
    if value.order == (2, 1, 0) and is_image:
        fields["channels"] = Known("BGR", f"{origin}; red, green, blue is what it takes")
    elif value.order != tuple(range(len(value.order))):
        ordered = Unknown(f"{origin} puts channels in the order {value.order}")
        unlike = len(set(mean)) > 1 or len(set(std)) > 1
        fields |= dict.fromkeys((*stated, "channels") if unlike else ("channels",), ordered)
    return fields | {"extra": {"inside": inside}}


def _trace(
    config: Mapping[str, Any], given: Mapping[str | None, Value], front: _Front, path: str, weights: str, depth: int = 0
) -> list[Value | None]:
    """Follow values through a model: ``given`` by the names of its inputs (None: whichever it has).

    Returns what each of its outputs is, None where layers that learn or other inputs made it.
    """
    layers = layers_of({"config": config}, front.source)
    calls = calls_of(layers, weights, front.source)
    makes = {(call.name, call.number) for call in calls}
    known: dict[Tensor, Value] = {}
    for call in calls:
        if call.kind == "InputLayer":
            value = given.get(call.name, given.get(None))
            if value is not None:
                known[call.name, call.number, 0] = _entered(value, call)
            continue
        operands = [_value(each, known) for each in call.operands]
        if not call.refs and call.name == _first(layers):
            operands = [next(iter(given.values()))]
        try:
            if any(each.tensor[:2] not in makes for each in call.refs):
                raise Unread(f"{front.source}, layer {path + call.name!r} takes a tensor that no layer makes")
            made = _result(call, operands, front, path, depth) if any(isinstance(each, Value) for each in operands) else []
        except Unread as unread:
            front.unread.append(str(unread))
            continue
        known |= {(call.name, call.number, part): value for part, value in enumerate(made) if value is not None}
    return [known.get(tensor) for tensor in outputs_of(config, layers, calls)]


def _value(operand: Any, known: Mapping[Tensor, Value]) -> Any:
    """The value of a tensor that is made from the input; another operand as it is."""
    value = known.get(operand.tensor) if isinstance(operand, Ref) else None
    return operand if value is None else value.shaped(operand.shape)


def _first(layers: list[Mapping[str, Any]]) -> str:
    return str(layers[0].get("name") or layers[0]["config"].get("name") or 0)


def _entered(value: Value, call: Call) -> Value:
    """A value at an input layer; Keras adds or drops a last axis of one entry there where the numbers of axes differ."""
    shape = call.config.get("batch_shape", call.config.get("batch_input_shape"))
    if not isinstance(shape, list | tuple):
        return value
    return replace(value, rank=len(shape), axis=value.axis if value.rank in (None, len(shape)) else None)


def _inside(call: Call, operands: list[Any], front: _Front, path: str, name: str, depth: int) -> list[Value | None]:
    """What a model inside makes of its inputs, each of which gets its own value."""
    if depth >= _DEEPEST or not isinstance(call.config.get("layers"), list):
        raise Unread(f"{name} is a model that is not read: it lies too deep, or states no layers")
    stated = call.config.get("input_layers")
    names: list[str | None] = [tensor[0] for tensor in tensors_named(stated)]
    if call.keys and not isinstance(stated, Mapping):
        names = list(call.keys)
    tensors = [each for each in operands if isinstance(each, Value | Ref)]
    if not names and len(tensors) == 1:
        names = [None]
    if len(names) != len(tensors):
        raise Unread(f"{name} takes {len(tensors)} tensors, and it is not said to which of its inputs each belongs")
    given = {each: value for each, value in zip(names, tensors, strict=True) if isinstance(value, Value)}
    return _trace(call.config, given, front, f"{path}{call.name}/", f"{call.weights}/", depth + 1)


def _result(call: Call, operands: list[Any], front: _Front, path: str, depth: int) -> list[Value | None]:
    """What a call makes of raw values; None for a layer that learns, whose inputs are then noted."""
    values = [each for each in operands if isinstance(each, Value)]
    name = f"{front.source}, layer {path + call.name!r}"
    if call.kind == "TimeDistributed" and isinstance(inner := call.config.get("layer"), Mapping):
        config = inner.get("config")
        kind, module = str(inner.get("class_name")), str(inner.get("module"))
        config = config if isinstance(config, Mapping) else {}
        call = replace(call, kind=kind, module=module, config=config, is_own=is_own(inner), weights=f"{call.weights}/layer")
        parts = [_of_rank(each, -1) if isinstance(each, Value) else each for each in operands]
        return [value and _of_rank(value, 1) for value in _result(call, parts, front, path, depth)]
    if call.is_own:
        if isinstance(call.config.get("layers"), list) or not front.learns(call.weights):
            raise Unread(f"{name} is {call.kind}, a class that is not Keras's, whose code is not read")
    elif call.kind in MODELS:
        return _inside(call, operands, front, path, name, depth)
    else:
        made = _of_one(call, operands, front, name) or _operation(call, operands, values, name)
        if made is not None:
            return [made]
    front.reached += [(value, path + call.name) for value in values]
    if _OVER_IMAGES.fullmatch(call.kind) and (stated := _FORMATS.get(str(call.config.get("data_format")))):
        front.kernels += [(path + call.name, value.axis, stated) for value in values]
    return [None]


def _of_rank(value: Value, more: int) -> Value:
    return replace(value, rank=None if value.rank is None else value.rank + more)


def _of_one(call: Call, operands: list[Any], front: _Front, name: str) -> Value | None:
    """What a layer that takes one tensor makes of it; None for other kinds. Raises :class:`Unread` if it takes several."""
    is_cast, is_linear = operation_of(call) in ("cast", "Cast"), call.kind == "Activation" and activation_of(call) == "linear"
    is_drawn = call.kind.startswith("Random") and call.kind not in BENT
    is_passed = call.kind in PASSED or is_drawn or is_cast or is_linear
    if not (is_passed or call.kind in MOVED or call.kind in ("Rescaling", "Normalization", "Negative")):
        return None
    value, *others = [each for each in operands if isinstance(each, Value | Ref)]
    if others or not isinstance(value, Value):
        raise Unread(f"{name} takes several tensors, and what it makes of each is not read")
    if is_cast and value.steps and str(call.config.get("dtype", "float")).startswith(("int", "uint", "bool")):
        raise Unread(f"{name} rounds values to {call.config['dtype']}")
    if is_passed:
        return passed(value, call, name)
    if call.kind == "Negative":
        return scaled(value, [-1.0], [0.0], call.kind, name)
    if call.kind in MOVED:
        return moved(value, call)
    return rescaled(call, value, name) if call.kind == "Rescaling" else normalised(call, value, name, front.moments)


def _operation(call: Call, operands: list[Any], values: list[Value], name: str) -> Value | None:
    """What an operation makes of raw values; None if it is a layer. Raises :class:`Unread` for one that is not read."""
    if call.kind in BENT or call.kind == "Activation":
        raise Unread(f"{name} is {call.kind}, behind which values are no scale and shift of the input's")
    if is_arithmetic(call):
        return computed(call, operands, name)
    if call.kind == "Flip":
        return flipped(values[0], call.config.get("axis"), name)
    if call.kind in ("GetItem", "SlicingOpLambda"):
        return taken(values[0], call.index, name)
    if call.kind in ("Stack", "Concatenate") and len(values) == len(operands):
        return laid(values, call, name)
    if call.kind in JOINED and any(not each.same(values[0]) for each in values):
        raise Unread(f"{name} joins two tensors that are made from the input")
    if call.kind in _CODE or ".ops." in call.module:
        what = "runs code, which is not read" if call.kind in _CODE else f"is {call.kind}, which is not read"
        raise Unread(f"{name} {what}")
    if call.kind in JOINED and len(values) == len(operands):
        return _of_alike(call, values, name)
    return None


def _of_alike(call: Call, values: list[Value], name: str) -> Value:
    """What a layer makes of several tensors of the same values element by element."""
    if call.kind not in ALIKE or not all(each.is_alike(values[0]) for each in values):
        raise Unread(f"{name} joins two tensors that are made from the input")
    return values[0]
