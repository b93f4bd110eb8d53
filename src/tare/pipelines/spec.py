"""The input that a pipeline makes for a network, as an :class:`InputSpec`: its steps composed into one map, a size and a crop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tare.input_spec.fields import PARSERS, Field, Known, Unknown
from tare.input_spec.spec import InputSpec
from tare.pipelines.geometry import geometry_of_steps
from tare.pipelines.step import Step, StepKind
from tare.pipelines.value_map import ValueMap, value_map
from tare.samples.layout import unit_scale

_LAYOUTS = {"CHW": "NCHW", "HWC": "NHWC", "CTHW": "NCTHW"}
#: Steps that leave values unchanged.
_LEAVING: tuple[StepKind, ...] = ("identity", "convert", "permute", "resize", "crop", "random_resized_crop", "pad", "geometric")
_SCALING: tuple[StepKind, ...] = ("to_tensor", "to_dtype", "rescale")

#: Steps that leave values as they are.
_PLACES = frozenset(("identity", "resize", "crop", "random_resized_crop", "pad", "geometric", "convert"))


def spec_of_steps(
    steps: Sequence[Step], *, raw_dtype: str | None = None, channels: int | None = None, nominal: bool = False
) -> InputSpec:
    """Compose steps into a specification. Each field names the step that states it, or the step that makes it unknown.

    ``raw_dtype`` is the type of the images, by default 8-bit, or floats for kornia and where torchvision's ``Normalize``, which
    takes no integers, comes before any scaling. ``channels`` is their number of channels, if no step states it. ``nominal``
    ignores the photometric augmentation of a training pipeline.
    """
    title = steps[0].where.partition(", step")[0] if steps else "an empty pipeline"
    is_batch = title.startswith("kornia")
    takes_floats = is_batch or _normalises_first(steps)
    raw = raw_dtype or ("float32" if takes_floats else "uint8")
    origin = "the caller" if raw_dtype else f"assumed: {title} takes {'floats' if takes_floats else '8-bit images'}"
    around = value_map(steps, raw_dtype=raw, channels=channels, nominal=True)
    exact = value_map(steps, raw_dtype=raw, channels=channels, nominal=nominal)
    fields: dict[str, Any] = dict(geometry_of_steps(steps))
    fields |= dict.fromkeys(("channels", "layout", "dtype"), around) if isinstance(around, Unknown) else _tensor(around, is_batch)
    if isinstance(exact, Unknown):
        fields |= dict.fromkeys(("scale", "mean", "std"), exact)
    else:
        fields |= _placed(_constants(steps, exact, title), exact)
    return InputSpec(**fields, raw_dtype=Known(raw, origin))


def _normalises_first(steps: Sequence[Step]) -> bool:
    """Whether values are normalised as they come, without the division by a largest value of other libraries' ``Normalize``."""
    first = next((step for step in steps if step.kind not in _PLACES), None)
    return first is not None and first.kind == "normalize" and first.values.get("max_value") in (None, 1, 1.0)


def _tensor(at: ValueMap, is_batch: bool) -> dict[str, Field[str]]:
    layout: Field[str] = Unknown("no step states the layout of an image in memory")
    if at.layout is not None:
        named = _LAYOUTS.get(at.layout.value)
        layout = Known(named, at.layout.origin) if named else Unknown(f"{at.layout.origin} makes {at.layout.value}")
    elif is_batch:
        layout = Known("NCHW", "the layout of the batches that kornia takes")
    dtype: Field[str] = at.dtype
    try:
        PARSERS["dtype"](at.dtype.value)
    except ValueError:
        dtype = Unknown(f"{at.dtype.origin} leaves {at.dtype.value}")
    return {"channels": _channels(at), "layout": layout, "dtype": dtype}


def _channels(at: ValueMap) -> Field[str]:
    if at.channels is None:
        return Unknown("no step states the number of channels; one mean and one std hold for all of them")
    count, origin = at.channels.value, at.channels.origin
    if at.grey and count > 1:
        return Unknown(f"{origin} turns images grey and repeats them, which is no order of channels")
    if at.order is None or at.order == tuple(range(count)):
        return Known({1: "L", 3: "RGB"}.get(count) or ",".join(f"c{index}" for index in range(count)), origin)
    return Known("BGR", origin) if at.order == (2, 1, 0) else Unknown(f"{origin} puts channels in the order {at.order}")


def _placed(constants: dict[str, Field[Any]], at: ValueMap) -> dict[str, Field[Any]]:
    """Constants, unknown where they differ and their channels lie in an order that has no name."""
    unlike = any(isinstance(each := constants[name], Known) and len(set(each.value)) > 1 for name in ("mean", "std"))
    has_order = at.order not in (None, (2, 1, 0)) and at.order != tuple(range(len(at.order or ())))
    return dict.fromkeys(constants, _channels(at)) if unlike and has_order else constants


def _constants(steps: Sequence[Step], at: ValueMap, title: str) -> dict[str, Field[Any]]:
    """Scale, mean and std. If the pipeline scales, then normalises, they are as it states them; else they follow from the map."""
    acting = [(index, step) for index, step in enumerate(steps) if step.kind not in _LEAVING]
    scaling = " and ".join(step.origin for _, step in acting if step.kind in _SCALING and step.values.get("scale", True))
    scale_origin, count = scaling or f"{title}: no step scales raw values", len(at.affine().scale)
    if at.is_plain:
        return _only_scaled(Known(at.scale[0], scale_origin), count, title)
    last, step = acting[-1]
    before = value_map([s for s in steps[:last] if not s.random], raw_dtype=at.raw, channels=count)
    if step.kind == "normalize" and isinstance(before, ValueMap) and before.is_plain and min(step.values["std"]) > 0:
        largest = float(step.values["max_value"])
        if largest != 1:
            scale_origin = f"{scaling}, {step.origin} (max value {largest:g})" if scaling else step.origin
        return _normalised(Known(before.scale[0] / largest, scale_origin), step, count)
    return _derived(at, " and ".join(step.origin for _, step in acting))


def _only_scaled(scale: Known[float], count: int, title: str) -> dict[str, Field[Any]]:
    """Mean 0 and std 1 of ``count`` channels."""
    nothing = f"{title}: no step subtracts a mean"
    return {"scale": scale, "mean": Known((0.0,) * count, nothing), "std": Known((1.0,) * count, nothing)}


def _normalised(scale: Known[float], step: Step, count: int) -> dict[str, Field[Any]]:
    """The mean and std of a Normalize. A single number is repeated for all ``count`` channels."""
    mean, std = (values * count if len(values) == 1 else values for values in (step.values["mean"], step.values["std"]))
    return {"scale": scale, "mean": Known(mean, step.origin), "std": Known(std, step.origin)}


def _derived(at: ValueMap, origin: str) -> dict[str, Field[Any]]:
    """``a = scale / std`` and ``b = -mean / std`` solved for mean and std in unit values of the raw type."""
    affine, scale = at.affine(), float(unit_scale(at.raw))
    if min(affine.scale) <= 0:
        inverts = Unknown(f"{origin}: a channel is inverted or constant, which no mean and std can state")
        return dict.fromkeys(("scale", "mean", "std"), inverts)
    std = tuple(scale / a for a in affine.scale)
    mean = tuple(-b * s for b, s in zip(affine.shift, std, strict=True))
    return {"scale": Known(scale, origin), "mean": Known(mean, origin), "std": Known(std, origin)}
