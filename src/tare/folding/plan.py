"""The recipe of a fold: the new weights, bias and padding of each first layer, computed in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from tare.errors import ModelError
from tare.folding.first_layers import KEEP_IN_FRONT, FirstLayer
from tare.folding.layers import (
    BatchNorm,
    Conv,
    FoldedConv,
    LayerForm,
    Method,
    border_slabs,
    convolve,
    is_dynamic,
    is_plain,
    pad_per_channel,
    padding_of,
)
from tare.input_spec.affine import Affine

Floats = NDArray[np.float64]

#: The input of the folded network: unit values, raw bytes, or values under another normalisation.
Takes = Literal["unit", "uint8", "normalised"]

#: Differences from a shift of zero or a scale of one below this are rounding of composed maps (input std).
ROUNDING = 1e-14

_WHY: dict[Method, str] = {
    "weights": "all in weights and bias",
    "border": "all in weights and bias, and the output's border corrected for the padding",
    "pad": "all in weights and bias, and the input padded with the value that stands for zero",
    "shift": "scale in the weights; the value that stands for zero is subtracted from the input",
}
_BYTES = "; takes uint8"
_IN_VARIANCE = "all in the running mean and variance: exact in eval mode; in training mode its eps weighs differently"
_IN_WEIGHT = (
    "all in the running mean and the weight: exact in eval mode; training mode, which takes the batch's own, would differ"
)


@dataclass(frozen=True, slots=True, eq=False)
class LayerFold:
    """New numbers of one first layer: ``weight``, ``bias`` (None without bias), ``zero`` per channel, ``border`` slabs.

    ``statistics`` are a batch norm's running mean and variance, None for other layers. ``same_code`` says whether the layer that
    the network's own code builds can hold these numbers.
    """

    name: str
    kind: str
    form: LayerForm
    weight: Floats
    bias: Floats | None
    zero: Floats
    border: tuple[Floats, ...]
    same_code: bool
    statistics: tuple[Floats, Floats] | None = None
    scales_weight: bool = False

    def describe(self, *, shifted: bool = False) -> str:
        """Describe the change to the layer in one line, with the values that normalisation maps to zero if they matter.

        ``shifted`` says that those values are subtracted in front of the network.
        """
        if self.statistics is not None:
            return f"{self.name} ({self.kind}): {_IN_WEIGHT if self.scales_weight else _IN_VARIANCE}{_BYTES * self.form.casts}"
        said = f"{self.name} ({self.kind}): {'scale in the weights' if shifted else _WHY[self.form.method]}"
        if self.form.method != "weights":
            said += f"; zero is ({', '.join(f'{value:.6g}' for value in self.zero)})"
        return said + _BYTES * self.form.casts


@dataclass(frozen=True, slots=True, eq=False)
class FoldPlan:
    """The whole recipe; ``affine`` maps the folded network's input to the given network's input.

    ``shape`` is the input ``(C, *size)`` that the layers were found with. ``front`` are the values per channel that are
    subtracted in front of a network that pads its own input: normalisation maps them to zero.
    """

    affine: Affine
    takes: Takes
    shape: tuple[int, ...]
    layers: tuple[LayerFold, ...]
    front: tuple[float, ...] | None = None

    @property
    def keeps_architecture(self) -> bool:
        """Whether only numbers change, so that the network's own code can load the folded weights."""
        return self.front is None and all(layer.same_code for layer in self.layers)

    def describe(self) -> str:
        """Describe the recipe: one line for the map and one for each layer."""
        steps = ", ".join(
            f"{a:.6g} v{source}{b:+.6g}"
            for source, a, b in zip(self.affine.order, self.affine.scale, self.affine.shift, strict=True)
        )
        lines = [f"{self.takes} input v to network input: {steps}"]
        if self.front is not None:
            values = ", ".join(f"{value:.6g}" for value in self.front)
            lines.append(f"the network pads its input with zeros first: ({values}) is subtracted in front of it")
        return "\n".join(lines + [layer.describe(shifted=self.front is not None) for layer in self.layers])


def plan_layer(first: FirstLayer, affine: Affine, shape: Sequence[int], casts: bool, method: Method | None) -> LayerFold:
    """Plan one layer, from ``x = scale * v + shift`` per channel in the channel order of ``affine``.

    A layer ``W x + bias`` becomes ``(W scale) v + (bias + sum W shift)``. A zero that it pads is ``v = -shift / scale``.
    Raises :class:`ModelError` if a feature mixes channels, or a weight is not finite.
    """
    features = _feature_map(first, affine, shape)
    layer = first.layer
    if isinstance(layer, BatchNorm):
        return _plan_batch_norm(first.name, layer, features, casts=casts)
    weight, bias, zero = _numbers(first)
    precision = 2 * torch.finfo(first.weight.dtype).eps
    groups = layer.groups if isinstance(layer, Conv) else 1
    dense = _dense(weight, groups)
    new_weight, new_zero = np.empty_like(dense), np.empty_like(zero)
    for net, (source, a, b) in enumerate(zip(features.order, features.scale, features.shift, strict=True)):
        new_weight[:, source] = a * dense[:, net]
        left = zero[net] - b
        # An earlier fold stored these values rounded to the weights' precision: smaller differences count as zero.
        new_zero[source] = left / a if abs(left) > precision * max(abs(zero[net]), abs(b)) + ROUNDING else 0.0
    if features.order == tuple(range(len(zero))) and groups > 1:
        new_weight = _grouped(new_weight, groups)
    else:  # channels change groups: write the layer as an ungrouped convolution with zeros between groups
        groups = 1
    chosen = _method(first, new_zero, casts, method)
    taps = dense.reshape(*dense.shape[:2], -1).sum(2)
    new_bias = bias + taps @ (zero if chosen == "shift" else np.array(features.shift))
    has_bias = _has_bias(layer) or bool(np.any(new_bias))
    form = LayerForm(
        chosen, groups, has_bias, first.size if chosen == "border" else (), casts, isinstance(layer, Conv) and is_dynamic(layer)
    )
    border = _border(layer, new_weight, new_zero, first.size) if chosen == "border" and isinstance(layer, Conv) else ()
    same_code = is_plain(layer) and form == LayerForm("weights", getattr(layer, "groups", 1), _has_bias(layer))
    kind = type(layer).__name__
    return LayerFold(first.name, kind, form, new_weight, new_bias if has_bias else None, new_zero, border, same_code)


def _plan_batch_norm(name: str, layer: BatchNorm, features: Affine, *, casts: bool) -> LayerFold:
    """Plan a batch norm ``w (x - m) / sqrt(v + eps) + bias`` with running moments m and v, from ``x = scale * y + shift``.

    m becomes ``(m - shift) / scale`` and v ``(v + eps) / scale^2 - eps``, so that in training mode only eps weighs differently. A
    variance that would be below zero, or a negative scale, goes into w instead.
    """
    if features.order != tuple(range(len(features.order))):
        expected = f"channels in the order that {name!r} has them in"
        raise ModelError(expected, "another order, which it cannot undo", KEEP_IN_FRONT)
    mean, variance = (_double(each) for each in (layer.running_mean, layer.running_var))
    weight = _double(layer.weight) if layer.affine else np.ones_like(mean)
    scale, shift = np.array(features.scale), np.array(features.shift)
    scaled = (variance + layer.eps) / scale**2 - layer.eps
    holds = (scale > 0) & (scaled >= 0)
    if not (holds.all() or layer.affine):
        found = "a scale that its running variance alone cannot hold"
        raise ModelError(f"a batch norm {name!r} with a weight", found, KEEP_IN_FRONT)
    statistics = (mean - shift) / scale, np.where(holds, scaled, variance)
    weight = np.where(holds, weight, weight * scale)
    bias = _double(layer.bias) if layer.affine else None
    form = LayerForm("weights", bias=layer.affine, casts=casts)
    same_code = is_plain(layer) and not casts
    kind = type(layer).__name__
    scales_weight = not bool(holds.all())
    return LayerFold(name, kind, form, weight, bias, np.zeros(len(mean)), (), same_code, statistics, scales_weight)


def _double(values: Any) -> Floats:
    numbers: Floats = values.detach().double().cpu().numpy()
    return numbers


def _feature_map(first: FirstLayer, affine: Affine, shape: Sequence[int]) -> Affine:
    """Return the map of the input's channels, for the features that reach the layer."""
    area = int(np.prod(shape[1:]))
    real = first.origin >= 0
    channel = np.where(real, first.origin // area % shape[0], -1)
    channels = channel.max(axis=1)  # -1: the network itself puts zeros there
    if (real & (channel != channels[:, None])).any():
        raise ModelError(f"each feature of {first.name!r} to come from one channel", "features that mix channels", KEEP_IN_FRONT)
    order = range(len(channels)) if affine.order == tuple(range(shape[0])) else _partners(first, channels, affine, area)
    scale = [affine.scale[c] if c >= 0 else 1.0 for c in channels]
    shift = [affine.shift[c] if c >= 0 else 0.0 for c in channels]
    return Affine(
        tuple(order),
        tuple(1.0 if abs(a - 1.0) < ROUNDING else a for a in scale),
        tuple(0.0 if abs(b) < ROUNDING else b for b in shift),
    )


def _partners(first: FirstLayer, channels: NDArray[np.int64], affine: Affine, area: int) -> list[int]:
    """Return the feature at which each feature's value arrives under the other channel order."""
    step = np.array([affine.order[c] - c if c >= 0 else 0 for c in channels])[:, None] * area
    moved = np.where(first.origin >= 0, first.origin + step, -1)
    places: dict[bytes, list[int]] = {}
    for index, row in enumerate(first.origin):
        places.setdefault(row.tobytes(), []).insert(0, index)
    rows = list(np.ascontiguousarray(moved))
    partners = [index if c < 0 else (places.get(rows[index].tobytes()) or [-1]).pop() for index, c in enumerate(channels)]
    if -1 in partners:
        raise ModelError(
            f"all channels to reach {first.name!r} alike, as another channel order needs",
            "channels that part before it",
            KEEP_IN_FRONT,
        )
    return partners


def _numbers(first: FirstLayer) -> tuple[Floats, Floats, Floats]:
    """Return weight, bias and, per channel, the value that the layer pads with, in float64."""
    layer: Any = first.layer
    weight = _double(first.weight)
    bias = _double(layer.bias) if _has_bias(layer) else np.zeros(len(weight))
    inputs = weight.shape[1] * (layer.groups if isinstance(layer, Conv) else 1)
    zero = np.zeros(inputs)
    if isinstance(layer, FoldedConv) and layer.form.method != "weights":
        zero = layer.zero.detach().double().cpu().numpy().ravel()
        if layer.form.method == "shift":
            bias = bias - _dense(weight, layer.groups).reshape(len(weight), inputs, -1).sum(2) @ zero
    return weight, bias, zero


def _method(first: FirstLayer, zero: Floats, casts: bool, asked: Method | None) -> Method:
    layer = first.layer
    if not isinstance(layer, Conv) or not zero.any():
        return "weights"
    if not is_dynamic(layer) and not any(map(any, padding_of(layer, first.size))):
        return "weights"
    can_correct = not is_dynamic(layer) and _has_interior(layer, first.size)
    if asked == "weights" or (asked == "border" and not can_correct):
        raise ModelError(f"a way to fold {first.name!r} that is exact", f"method {asked!r}", "leave the choice to tare")
    if asked is not None:
        return asked
    # Bytes are copied into floats in any case, at no extra cost for padding; floats need no copy if the output is corrected.
    return "border" if can_correct and not casts else "pad"


def _has_interior(layer: Conv, size: tuple[int, ...]) -> bool:
    outputs = int(np.prod([
        (before + n + after - dilation * (kernel - 1) - 1) // stride + 1
        for n, (before, after), dilation, kernel, stride in zip(
            size, padding_of(layer, size), layer.dilation, layer.kernel_size, layer.stride, strict=True
        )
    ]))  # fmt: skip
    return sum(int(np.prod([end - begin for begin, end in slab])) for slab in border_slabs(layer, size)) < outputs


def _border(layer: Conv, weight: Floats, zero: Floats, size: tuple[int, ...]) -> tuple[Floats, ...]:
    """Return the padding's contribution to the output, in each slab of the border."""
    value = torch.from_numpy(zero).reshape(1, -1, *[1] * len(size))
    frame = pad_per_channel(torch.zeros(1, len(zero), *size, dtype=torch.float64), padding_of(layer, size), value)
    added = convolve(layer, frame, torch.from_numpy(weight)).numpy()
    return tuple(
        added[(slice(None), slice(None), *(slice(begin, end) for begin, end in slab))] for slab in border_slabs(layer, size)
    )


def _dense(weight: Floats, groups: int) -> Floats:
    if groups == 1:
        return weight
    outputs, inputs = len(weight) // groups, weight.shape[1]
    dense = np.zeros((len(weight), inputs * groups, *weight.shape[2:]))
    for group in range(groups):
        rows = slice(group * outputs, (group + 1) * outputs)
        dense[rows, group * inputs : (group + 1) * inputs] = weight[rows]
    return dense


def _grouped(dense: Floats, groups: int) -> Floats:
    outputs, inputs = len(dense) // groups, dense.shape[1] // groups
    return np.concatenate([
        dense[group * outputs : (group + 1) * outputs, group * inputs : (group + 1) * inputs] for group in range(groups)
    ])  # fmt: skip


def _has_bias(layer: Any) -> bool:
    return layer.bias is not None
