"""Mistakes as functions from unit values to what reaches the network, with the code that should be found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tare.input_spec.affine import Affine
from tare.input_spec.spec import InputSpec
from tare.normalisation.conventions import conventions_for
from tare.normalisation.diagnosis import TOLERANCE


@dataclass(frozen=True, slots=True)
class Mistake:
    """``make`` takes unit values ``(N, 3, H, W)``."""

    name: str
    code: str
    make: Callable[[Tensor], Tensor]


def normalised(units: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """``(x - mean) / std`` in float32."""
    return (units - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def mistakes(spec: InputSpec) -> Iterator[Mistake]:
    """Every mistake that is one for this network: a map that differs from the right one by more than the tolerance."""
    mean, std = spec.require("mean"), spec.require("std")
    right = lambda units: normalised(units, mean, std)  # noqa: E731 - short, and used in ten lines below
    yield Mistake("0..255 normalised as [0, 1]", "TARE001", lambda units: right(units * 255))
    yield Mistake("divided by 255 twice", "TARE002", lambda units: right(units / 255))
    if _differs(spec, (0.0,) * 3, (1.0,) * 3):
        yield Mistake("not normalised, 0..255", "TARE004", lambda units: units * 255)
        yield Mistake("not normalised, [0, 1]", "TARE004", lambda units: units)
        yield Mistake("normalised twice", "TARE003", lambda units: right(right(units)))
    for convention in conventions_for(spec)[::3]:
        other = convention.affine
        if convention.name not in ("identity", "unit") and len(set(other.order)) == 3 and other.order == (0, 1, 2):
            own = _mean_and_std(other)
            if own[0] != (0.0,) * 3 and _differs(spec, *own):
                code = "TARE003" if mean == (0.0,) * 3 and std == (1.0,) * 3 else "TARE005"
                yield Mistake("another model's constants", code, lambda units, own=own: normalised(units, *own))  # type: ignore[misc]
    if min(mean) > 0 and _differs(spec, std, mean):
        yield Mistake("mean and std exchanged", "TARE006", lambda units: normalised(units, std, mean))
        yield Mistake("the mean as std", "TARE007", lambda units: normalised(units, mean, mean))
    if min(mean) > 0:
        yield Mistake("mean added", "TARE013", lambda units: normalised(units, tuple(-m for m in mean), std))
        yield Mistake("mean not subtracted", "TARE013", lambda units: normalised(units, (0.0,) * 3, std))
    if len(set(std)) == 3:
        yield Mistake("red and blue exchanged afterwards", "TARE008", lambda units: right(units).flip(1))
    yield Mistake("constants of nobody", "TARE010", lambda units: normalised(units, (0.31, 0.52, 0.27), (0.37, 0.19, 0.33)))
    yield Mistake("divided by each image's maximum", "TARE012", lambda u: right(u / u.amax((1, 2, 3), keepdim=True).clamp(0.01)))
    yield Mistake("z-scored by image", "TARE012", lambda units: _own(units, (1, 2, 3)))
    yield Mistake("z-scored by batch", "TARE012", lambda units: torch.cat([_own(b, (0, 2, 3)) for b in units.split(16)]))
    yield Mistake("NaN in one image", "TARE035", _with_nan)
    yield Mistake("channels last", "TARE033", lambda units: right(units).permute(0, 2, 3, 1).contiguous())
    yield Mistake("one channel", "TARE031", lambda units: right(units)[:, :1])
    yield Mistake("float64", "TARE034", lambda units: right(units).double())


def _own(units: Tensor, axes: tuple[int, ...]) -> Tensor:
    return (units - units.mean(axes, keepdim=True)) / units.std(axes, keepdim=True).clamp(1e-3)


def _with_nan(units: Tensor) -> Tensor:
    values = units.clone()
    values[-1, 0, 0, 0] = float("nan")
    return values


def _mean_and_std(affine: Affine) -> tuple[tuple[float, ...], tuple[float, ...]]:
    std = tuple(1 / (255 * scale) for scale in affine.scale)
    return tuple(-shift * s for shift, s in zip(affine.shift, std, strict=True)), std


def _differs(spec: InputSpec, mean: tuple[float, ...], std: tuple[float, ...]) -> bool:
    return InputSpec.of(mean, std, raw_dtype="uint8").affine().distance(spec.affine()) > TOLERANCE
