"""What steps do to values: one affine map per channel from raw value to network input, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from tare.input_spec.affine import Affine
from tare.input_spec.fields import Known, Unknown
from tare.pipelines.step import Step, StepKind
from tare.samples.layout import unit_scale

#: Bits of an integer type that hold its value. Between two integer types torchvision shifts by the difference.
_BITS = {"uint8": 8, "int8": 7, "uint16": 16, "int16": 15, "int32": 31, "uint32": 32, "int64": 63}
#: Steps that move pixels and do not change values.
_STILL: tuple[StepKind, ...] = ("identity", "resize", "crop", "random_resized_crop", "pad", "geometric")
#: Steps that a training pipeline adds to the map of evaluation.
AUGMENTATION: tuple[StepKind, ...] = ("photometric", "erase", "grayscale")


@dataclass(frozen=True, slots=True)
class ValueMap:
    """The map of the steps so far: ``y_c = scale_c * v_order(c) + shift_c``. A tuple of one number holds for every channel.

    ``order`` is None as long as channels keep their order. ``channels`` is None until a step states their number. ``dtype`` is
    the type of the values now. ``layout`` is that of one image, None until a step makes an array of it. ``grey`` says that all
    channels are the same one.
    """

    scale: tuple[float, ...] = (1.0,)
    shift: tuple[float, ...] = (0.0,)
    order: tuple[int, ...] | None = None
    channels: Known[int] | None = None
    dtype: Known[str] = field(default_factory=lambda: Known("uint8", "raw values"))
    layout: Known[str] | None = None
    raw: str = "uint8"
    grey: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether every value is still the raw value times one common factor."""
        return len(set(self.scale)) == 1 and not any(self.shift)

    @property
    def is_integer(self) -> bool:
        """Whether values are integers now."""
        return self.dtype.value in _BITS

    def then(self, factors: tuple[float, ...], offsets: tuple[float, ...]) -> ValueMap:
        """Apply ``factor * y + offset``. Raises ValueError if the numbers of channels contradict each other."""
        count = max(len(self.scale), len(factors), len(offsets))
        scale, shift, by, plus = (_spread(each, count) for each in (self.scale, self.shift, factors, offsets))
        return replace(
            self,
            scale=tuple(f * a for f, a in zip(by, scale, strict=True)),
            shift=tuple(f * b + o for f, b, o in zip(by, shift, plus, strict=True)),
        )

    def with_channels(self, count: int, origin: str) -> ValueMap:
        """State the number of channels. Raises ValueError if another number was stated."""
        if self.channels is not None and self.channels.value != count:
            raise ValueError(f"{origin} takes {count} channels, {self.channels.origin} gives {self.channels.value}")
        return self if self.channels is not None else replace(self, channels=Known(count, origin))

    def affine(self) -> Affine:
        """The map with one number per channel; of one channel if no step states their number."""
        count = self.channels.value if self.channels else len(self.scale)
        order = self.order or tuple(range(count))
        return Affine(order, _spread(self.scale, count), _spread(self.shift, count))


def affine_of_steps(
    steps: Iterable[Step], *, raw_dtype: str = "uint8", channels: int | None = None, nominal: bool = False
) -> Affine | Unknown:
    """The map from raw values of ``raw_dtype`` to the output of the pipeline; unknown if a step is opaque, random or no such map.

    If no step states the number of channels, the map has ``channels`` channels, or one. ``nominal`` ignores random photometric
    steps and erasing: the result is the map around which a training pipeline varies.
    """
    found = value_map(steps, raw_dtype=raw_dtype, channels=channels, nominal=nominal)
    return found if isinstance(found, Unknown) else found.affine()


def value_map(
    steps: Iterable[Step], *, raw_dtype: str = "uint8", channels: int | None = None, nominal: bool = False
) -> ValueMap | Unknown:
    """Like :func:`affine_of_steps`, with what is known about channels, dtype and layout."""
    stated = None if channels is None else Known(channels, "the caller")
    at = ValueMap(channels=stated, dtype=Known(raw_dtype, "raw values"), raw=raw_dtype)
    for each in steps:
        if each.kind in _STILL or (nominal and each.random and each.kind in AUGMENTATION):
            continue
        if each.random:
            return Unknown(f"{each.origin} is drawn at random")
        try:
            after = EFFECTS[each.kind](at, each)
        except ValueError as error:
            return Unknown(str(error))
        if isinstance(after, Unknown):
            return after
        at = after
    return at


def _convert(at: ValueMap, step: Step) -> ValueMap:
    layout = step.values.get("layout")
    return at if layout is None else replace(at, layout=Known(str(layout), step.origin))


def _to_tensor(at: ValueMap, step: Step) -> ValueMap:
    if step.values.get("keeps_tensors") and at.layout is not None and at.layout.value == "CHW":
        return at
    # Only 8-bit values are scaled; arrays of any other type keep their values.
    factor = 1 / 255 if at.dtype.value == "uint8" else 1.0
    return replace(_convert(at, step).then((factor,), (0.0,)), dtype=Known("float32", step.origin))


def _to_dtype(at: ValueMap, step: Step) -> ValueMap | Unknown:
    dtype, now = str(step.values["dtype"]), at.dtype.value
    at = replace(_convert(at, step), dtype=Known(dtype, step.origin))
    is_float = dtype not in _BITS
    if not step.values["scale"]:
        rounds = not is_float and now not in _BITS and not (at.is_plain and at.scale[0] == 1)
        return Unknown(f"{step.origin} rounds values to {dtype}") if rounds else at
    if is_float:
        return at.then((1 / _largest(now),), (0.0,)) if now in _BITS else at
    if now in _BITS:
        bits = _BITS[dtype] - _BITS[now]
        return at.then((2.0**bits,), (0.0,)) if bits >= 0 else Unknown(f"{step.origin} drops {-bits} bits")
    is_unit = at.is_plain and abs(at.scale[0] * _largest(at.raw) - 1) < 1e-9
    return replace(at, scale=(1.0,)) if is_unit and dtype == at.raw else Unknown(f"{step.origin} rounds values to {dtype}")


def _largest(dtype: str) -> float:
    return float(2 ** _BITS[dtype] - 1) if dtype in _BITS else 1 / float(unit_scale(dtype))


def _rescale(at: ValueMap, step: Step) -> ValueMap:
    if step.values.get("integers_only") and not at.is_integer:
        return at
    after = at.then((float(step.values["factor"]),), (float(step.values.get("offset", 0.0)),))
    return replace(after, dtype=at.dtype if not at.is_integer else Known("float32", step.origin))


def _normalize(at: ValueMap, step: Step) -> ValueMap | Unknown:
    mean, std, largest = step.values["mean"], step.values["std"], float(step.values["max_value"])
    count = max(len(mean), len(std))
    mean, std = _spread(mean, count), _spread(std, count)
    if 0.0 in std or not largest:
        return Unknown(f"{step.origin} divides by zero")
    if not all(math.isfinite(number) for number in (*mean, *std, largest)):
        return Unknown(f"{step.origin} has constants that are not finite")
    if count > 1:
        at = at.with_channels(count, step.origin)
    after = at.then(tuple(1 / (s * largest) for s in std), tuple(-m / s for m, s in zip(mean, std, strict=True)))
    return replace(after, dtype=Known("float32", step.origin) if at.is_integer else at.dtype)


def _by_image(_: ValueMap, step: Step) -> Unknown:
    return Unknown(f"{step.origin} normalises each image by its own {step.values.get('how', 'values').replace('_', ' ')}")


def _clamp(at: ValueMap, step: Step) -> ValueMap | Unknown:
    low, high = step.values["low"], step.values["high"]
    top = _largest(at.raw) if at.raw in _BITS else float("inf")
    ends = [value for a, b in zip(at.scale, _spread(at.shift, len(at.scale)), strict=True) for value in (b, a * top + b)]
    return at if low <= min(ends) and max(ends) <= high else Unknown(f"{step.origin} clamps values to {low}..{high}")


def _grayscale(at: ValueMap, step: Step) -> ValueMap | Unknown:
    count = step.values["channels"]
    if not at.is_plain:
        return Unknown(f"{step.origin} mixes channels after normalisation")
    if count is None:
        return at
    # From here on the raw value of a pixel is the weighted sum of its channels.
    channels = Known(int(count), step.origin)
    return replace(at, scale=at.scale[:1], shift=at.shift[:1], order=None, channels=channels, grey=count > 1)


def _colour(at: ValueMap, step: Step) -> ValueMap | Unknown:
    to = str(step.values["to"])
    if to == "BGR":
        return _reorder(at, (2, 1, 0), step)
    if not at.is_plain:
        return Unknown(f"{step.origin} converts colours after normalisation")
    return replace(at, channels=Known(1 if to == "L" else 3, step.origin))


def _order(at: ValueMap, step: Step) -> ValueMap | Unknown:
    return _reorder(at, tuple(int(index) for index in step.values["order"]), step)


def _reorder(at: ValueMap, order: tuple[int, ...], step: Step) -> ValueMap | Unknown:
    if sorted(order) != list(range(len(order))):
        return Unknown(f"{step.origin} does not keep every channel")
    at = at.with_channels(len(order), step.origin)
    before = at.order or tuple(range(len(order)))
    scale, shift = _spread(at.scale, len(order)), _spread(at.shift, len(order))
    return replace(
        at,
        order=tuple(before[index] for index in order),
        scale=tuple(scale[index] for index in order),
        shift=tuple(shift[index] for index in order),
    )


def _photometric(_: ValueMap, step: Step) -> Unknown:
    return Unknown(f"{step.origin} changes values by something other than one affine map per channel")


def _erase(_: ValueMap, step: Step) -> Unknown:
    return Unknown(f"{step.origin} overwrites pixels")


def _opaque(_: ValueMap, step: Step) -> Unknown:
    return Unknown(f"{step.origin} can only be seen by running it")


EFFECTS: dict[StepKind, Callable[[ValueMap, Step], ValueMap | Unknown]] = {
    "convert": _convert,
    "permute": _convert,
    "to_tensor": _to_tensor,
    "to_dtype": _to_dtype,
    "rescale": _rescale,
    "normalize": _normalize,
    "normalize_by_image": _by_image,
    "clamp": _clamp,
    "grayscale": _grayscale,
    "colour": _colour,
    "order": _order,
    "photometric": _photometric,
    "erase": _erase,
    "opaque": _opaque,
}


def _spread(values: tuple[float, ...], count: int) -> tuple[float, ...]:
    if len(values) not in (1, count):
        raise ValueError(f"constants for {len(values)} channels, but images have {count}")
    return values * count if len(values) == 1 else values
