"""The layers at the front of a Keras model that prepare its input, as fields of a specification.

``Rescaling`` is ``v * scale + offset`` and ``Normalization`` is ``(v - mean) / sqrt(variance)``. Such layers are read from the
model's configuration if no other layer comes before them. No model is built or run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from tare.errors import SpecError
from tare.input_spec.affine import Affine
from tare.input_spec.fields import Known, Unknown, numbers, short_repr
from tare.input_spec.foreign import Fields, known_field

#: ``moments(index)`` returns mean and variance of the index-th Normalization layer, if they are weights; None if unknown.
StoredMoments = Callable[[int], tuple[Sequence[float], Sequence[float]] | None]
INSIDE = "the model applies scale, mean and std itself: feed it raw values"


def fields_of_layers(layers: Sequence[tuple[str, Mapping[str, Any]]], source: str, moments: StoredMoments) -> Fields:
    """Read ``(class name, configuration)`` of a model's layers in order, from its input on.

    ``extra["inside"]`` says that the model normalises by itself. Raises :class:`SpecError` if a layer is malformed.
    """
    shape = _input_shape(layers, source)
    fields: Fields = {"size": _size(shape, source), "dtype": Known("float32", f"{source}: what Keras computes in")}
    fields["layout"] = (
        Known("NHWC", f"{source}, batch_shape")
        if shape and shape[-1] in (1, 3)
        else Unknown(f"{source} does not say which axis holds the channels")
    )
    count = shape[-1] if shape and (shape[-1] in (1, 3) or len(shape) == 1) else None
    fields["channels"] = _channels(count, source)
    front = _front(layers)
    if not front:
        nothing = Unknown(f"{source}: no Rescaling or Normalization at its front, and nothing says how its input is prepared")
        return fields | dict.fromkeys(("scale", "mean", "std"), nothing)
    steps = [_affine(kind, config, count, source, moments, index) for index, kind, config in front]
    unread = next((step for step in steps if isinstance(step, Unknown)), None)
    if unread is not None:
        return fields | dict.fromkeys(("scale", "mean", "std"), unread) | {"extra": {"inside": INSIDE}}
    whole = reduce(Affine.then, [step for step in steps if isinstance(step, Affine)])
    return fields | _constants(whole, front, source) | {"extra": {"inside": INSIDE}}


def _front(layers: Sequence[tuple[str, Mapping[str, Any]]]) -> list[tuple[int, str, Mapping[str, Any]]]:
    found = []
    normalisations = 0
    for kind, config in layers:
        if kind == "InputLayer":
            continue
        if kind not in ("Rescaling", "Normalization"):
            break
        found.append((normalisations, kind, config))
        normalisations += kind == "Normalization"
    return found


def _affine(
    kind: str, config: Mapping[str, Any], count: int | None, source: str, moments: StoredMoments, index: int
) -> Affine | Unknown:
    """One layer as an affine map per channel; unknown if it is no such map or its constants cannot be read."""
    name = f"{source}, layer {config.get('name')!r}"
    if kind == "Rescaling":
        scale = _each(config.get("scale"), count, f"{name}, scale")
        offset = _each(config.get("offset", 0.0), count, f"{name}, offset")
        if 0 in scale:
            raise SpecError(f"a scale other than 0 ({name})", "0", "correct the model")
        return Affine(tuple(range(len(scale))), scale, offset)
    mean, variance = config.get("mean"), config.get("variance")
    if config.get("invert"):
        return Unknown(f"{name} undoes a normalisation (invert=True) instead of preparing an input")
    if mean is None or variance is None:
        stored = moments(index)
        if stored is None:
            return Unknown(f"{name}: its mean and variance are weights, which cannot be read here")
        mean, variance = stored
    means, variances = _each(mean, count, f"{name}, mean"), _each(variance, count, f"{name}, variance")
    if min(variances) <= 0:
        raise SpecError(f"a positive variance ({name})", short_repr(variance), "correct the model")
    stds = [math.sqrt(value) for value in variances]
    shift = tuple(-m / s for m, s in zip(means, stds, strict=True))
    return Affine(tuple(range(len(stds))), tuple(1 / s for s in stds), shift)


def _each(value: Any, count: int | None, where: str) -> tuple[float, ...]:
    """``value`` as one number per channel. Raises :class:`SpecError` if it is neither one number nor one per channel."""
    while isinstance(value, list | tuple) and len(value) == 1 and isinstance(value[0], list | tuple):
        value = value[0]
    stated = value if isinstance(value, list | tuple) else [value]
    try:
        found = numbers(stated)
    except ValueError as error:
        raise SpecError(f"numbers ({where})", f"{short_repr(value)} ({error})", "correct the model") from None
    wanted = count or len(found)
    if len(found) not in (1, wanted):
        raise SpecError(f"one number, or {wanted} ({where})", f"{len(found)}", "correct the model")
    return found * wanted if len(found) == 1 else found


def _constants(whole: Affine, front: list[tuple[int, str, Mapping[str, Any]]], source: str) -> Fields:
    """The map ``a v + b`` as ``(scale v - mean) / std``; ``scale`` is that of the first layer, if it is a Rescaling."""
    origin = f"{source}: {', '.join(kind for _, kind, _ in front)} inside the model"
    _, kind, config = front[0]
    first = config.get("scale") if kind == "Rescaling" else 1.0
    scale = float(first) if isinstance(first, int | float) and first > 0 else 1.0
    std = [scale / a for a in whole.scale]
    mean = [0.0 - b * s for b, s in zip(whole.shift, std, strict=True)]
    stated = {"scale": scale, "mean": mean, "std": std}
    return {name: known_field(name, value, origin) for name, value in stated.items()}


def _input_shape(layers: Sequence[tuple[str, Mapping[str, Any]]], source: str) -> list[Any]:
    for kind, config in layers[:1]:
        shape = config.get("batch_shape", config.get("batch_input_shape"))
        if kind == "InputLayer" and isinstance(shape, list | tuple):
            if len(shape) > 8 or not all(edge is None or isinstance(edge, int) for edge in shape):
                raise SpecError(f"a batch_shape of integers in {source}", short_repr(shape), "correct the model")
            return list(shape[1:])
    return []


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
