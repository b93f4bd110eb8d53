"""A specification applied to tensors: raw values in, network input out."""

from __future__ import annotations

import math

import numpy as np
import torch

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import LAYOUTS, PerSample
from tare.input_spec.input_map import InputMap, mapped
from tare.system.handed.arguments import of_kind
from tare.system.handed.tensors import oddity

#: Raw types whose values float32 holds exactly; the others are mapped in float64.
NARROW = ("uint8", "int8", "uint16", "int16", "bool", "float16", "bfloat16", "float32")
#: Unit floats lie in [0, 1] up to the overshoot of a bicubic resize, at most a fifth.
_OVERSHOOT = 0.25
#: The std of a constant sample is rounding error, a share of its values: of floats, and of doubles.
ROUNDING, _FINE = 1e-6, 1e-12


def is_eager() -> bool:
    """Whether torch alone computes what is called: no tracer, no transform of ``torch.func`` and no dispatch mode is at work."""
    return not (
        torch.compiler.is_compiling()
        or torch._C._get_tracing_state() is not None
        or torch._C._functorch.maybe_current_level() is not None
        or torch._C._len_torch_dispatch_stack()
        or torch.autograd.forward_ad._current_level >= 0
        or torch._C._dispatch_tls_is_dispatch_key_included(torch._C.DispatchKey.PreDispatch)
    )


def in_memory(values: torch.Tensor) -> bool:
    """Whether a tensor is nothing but numbers in this process's memory, which may be read past torch."""
    plain = type(values).__torch_dispatch__ is torch.Tensor.__torch_dispatch__
    return plain and values.is_cpu and not values.requires_grad


def check_tensor(values: torch.Tensor) -> None:
    """Raise :class:`SpecError` for what is no dense tensor of real numbers."""
    of_kind(values, torch.Tensor, "a tensor of values", "make one, for example with torch.from_numpy(array)", SpecError)
    if (odd := oddity(values)) is not None:
        raise SpecError("a dense tensor of real numbers", f"a {odd.kind}", odd.remedy)


def fed(whole: InputMap, factor: float, stored: str, values: torch.Tensor, layout: str) -> torch.Tensor:
    """What ``InputSpec.apply`` returns, and raises: ``whole`` of ``factor`` times the values, which stand for ``stored`` ones."""
    if layout not in LAYOUTS:
        raise SpecError(f"a layout: {', '.join(LAYOUTS)}", short_repr(layout), "choose one of them")
    axis = layout.index("C") - len(layout)
    if values.ndim not in (len(layout), len(layout) - 1) or values.shape[axis] != len(whole.affine.scale):
        found = f"the shape {tuple(values.shape)}"
        raise SpecError(
            f"{len(whole.affine.scale)} channels on axis {axis} of {layout}", found, "state the layout, or check the data"
        )
    if factor != 1.0:
        _check_unit(stored, values)
    kind = torch.float32 if str(values.dtype).removeprefix("torch.") in NARROW else torch.float64
    made, place = torch.float64 if values.dtype == torch.float64 else torch.float32, values.device
    if kind != made and place.type == "mps":
        values = values.cpu()  # Apple's devices have no float64
    if whole.affine.order != tuple(range(len(whole.affine.order))):
        values = values.index_select(axis, torch.tensor(whole.affine.order, device=values.device))
    return _mapped(whole, values.to(kind), factor, axis, batched=values.ndim == len(layout)).to(place, made)


def check_codes(whole: InputMap, values: torch.Tensor) -> None:
    """Raise :class:`SpecError` for the codes of a picture where the constants are plainly those of unit values."""
    constants = whole.affine
    mean = [-shift / scale for scale, shift in zip(constants.scale, constants.shift, strict=True)]
    unit = all(0 <= each <= 1 for each in mean) and all(scale >= 1 for scale in constants.scale)
    if not unit or (whole.per_sample, whole.value_map) != (None, "identity") or values.ndim < 3:
        return
    if not values.is_floating_point() and values.numel() and int(values.max()) > 1:
        found = f"{str(values.dtype).removeprefix('torch.')} up to {int(values.max())}"
        remedy = "divide them by the largest code, or state raw_dtype and scale of the codes"
        raise SpecError("floats in [0, 1], as the mean and std of the spec are", found, remedy)


def _mapped(whole: InputMap, values: torch.Tensor, factor: float, axis: int, *, batched: bool) -> torch.Tensor:
    def column(numbers: list[float]) -> torch.Tensor:
        return torch.tensor(numbers, dtype=values.dtype, device=values.device).reshape([-1] + [1] * (-axis - 1))

    affine = whole.affine
    if (whole.per_sample, whole.value_map, whole.clip) == (None, "identity", None):
        return torch.addcmul(column([*affine.shift]), values, column([scale * factor for scale in affine.scale]))
    values = values * factor
    if whole.per_sample is not None:
        values = by_sample(whole.per_sample, values, axis, batched=batched)
    values = mapped(whole.value_map, torch, values)
    if whole.clip is not None:
        low, high = ([*ends] for ends in zip(*whole.clip, strict=True))
        values = values.clamp(column(low), column(high))
    return torch.addcmul(column([*affine.shift]), values, column([*affine.scale]))


def by_sample(each: PerSample, values: torch.Tensor, axis: int, *, batched: bool) -> torch.Tensor:
    """Normalise every sample by its own values; a constant sample divides by ``least + eps``.

    Without one it becomes zeros under ``zscore``, as a run's own layer makes of it, and NaN under the other kinds. Percentiles
    leave out NaN, which marks the padding of a signal and stays. Raises :class:`SpecError` for one value per channel.
    """
    first, last = (1 if batched else 0), values.ndim
    axes = tuple(place for place in range(first, last) if each.over == "sample" or place != last + axis)
    if not axes:  # torch would take the moments over all samples
        found = f"one value per channel in the shape {tuple(values.shape)}"
        raise SpecError("samples of several values per channel, which have moments of their own", found, "state mean and std")
    if each.kind == "zscore":
        centre, spread = values.mean(axes, keepdim=True), values.std(axes, keepdim=True, correction=0).clamp_min(each.least)
        if each.least == each.eps == 0.0:
            share = _FINE if values.dtype == torch.float64 else ROUNDING
            spread = torch.where(spread > share * centre.abs(), spread, math.inf)
    else:
        shares = (0.0, 100.0) if each.kind == "minmax" else (each.low, each.high)
        centre, high = (_quantile(values, share / 100, axes) for share in shares)
        spread = high - centre
    if each.eps == 0.0:
        return (values - centre) / spread
    # The exporter of ONNX takes a sum with a number below 1e-8 for its other term, which is zero in a constant sample.
    return (values - centre) / torch.where(spread > 0, spread + each.eps, each.eps)


def own_moments(signals: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and std (ddof 0) of each channel of each sample ``(N, C, T)`` or ``(N, C, D, H, W)``, without NaN, with axes kept.

    The std of a constant signal is rounding error: where it is at most 1e-6 of the largest value (of float64 1e-12) it is zero.
    """
    axes = tuple(range(2, signals.ndim))
    mean = signals.nanmean(dim=axes, keepdim=True)
    mean = mean + (signals - mean).nanmean(dim=axes, keepdim=True)  # a runtime's sum of many equal values is rounded
    std = (signals - mean).square().nanmean(dim=axes, keepdim=True).sqrt()
    share = _FINE if signals.dtype == torch.float64 else ROUNDING
    least = share * signals.abs().nan_to_num(nan=0.0).amax(dim=axes, keepdim=True)
    return mean, torch.where(std > least, std, torch.zeros_like(std))


def _quantile(values: torch.Tensor, share: float, axes: tuple[int, ...]) -> torch.Tensor:
    if share in (0.0, 1.0):
        return values.amin(axes, keepdim=True) if share == 0.0 else values.amax(axes, keepdim=True)
    if not (is_eager() and in_memory(values)):
        return _sorted_quantile(values, share, axes)
    numbers = values.double().numpy()
    found = (np.nanquantile if np.isnan(numbers).any() else np.quantile)(numbers, share, axis=axes, keepdims=True)
    return torch.from_numpy(np.asarray(found)).to(values)


def _sorted_quantile(values: torch.Tensor, share: float, axes: tuple[int, ...]) -> torch.Tensor:
    """The same in operations that a graph can hold; NumPy's partition is faster, and takes more values than torch's quantile."""
    kept = [place for place in range(values.ndim) if place not in axes]
    shape = [1 if place in axes else values.shape[place] for place in range(values.ndim)]
    rising = values.permute(*kept, *axes).flatten(len(kept)).sort(dim=-1).values  # NaN comes last
    place = share * ((~rising.isnan()).sum(dim=-1, keepdim=True) - 1).clamp_min(0).to(values.dtype)
    first = place.floor()
    low, high = (rising.gather(-1, index.long()) for index in (first, place.ceil()))
    return (low + (high - low) * (place - first)).reshape(shape)


def _check_unit(stored: str, values: torch.Tensor) -> None:
    """Floats that stand for integers are unit values; 0..255 floats would be taken for 255 times what they are."""
    low, high = (float(end) for end in torch.aminmax(values)) if values.numel() else (0.0, 0.0)
    if not -_OVERSHOOT <= low <= high <= 1 + _OVERSHOOT:
        remedy = f"divide them by the range of {stored}, or cast them to {stored}"
        raise SpecError("unit values in [0, 1] where floats stand for integers", f"floats from {low:.4g} to {high:.4g}", remedy)
