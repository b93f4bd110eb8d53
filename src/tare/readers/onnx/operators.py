"""What ONNX operators between an image and the first layer with weights do to a tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import SpecError, short_repr
from tare.readers.onnx.constants import attribute_of
from tare.readers.onnx.tensor import Blocked, ImageTensor, Tracked

_FLOATS = (1, 10, 11, 16)  # FLOAT, FLOAT16, DOUBLE, BFLOAT16

Operator = Callable[[Any, Sequence[Any]], Tracked]


def _arithmetic(node: Any, operands: Sequence[Any]) -> Tracked:
    first, second = operands
    image, other = (first, second) if isinstance(first, ImageTensor) else (second, first)
    reason = _unreadable(image, other)
    if reason:
        return Blocked(f"{named(node)} {reason}")
    values = _by_channel(other, image)
    if values is None:
        return Blocked(f"{named(node)}: a constant of shape {other.shape} is not one number per channel")
    _check_finite(values, node)
    if node.op_type == "Div" and image is second:
        return Blocked(f"{named(node)} divides by the image")
    if node.op_type == "Div" and not values.all():
        raise SpecError("divisors other than zero in the graph", f"{named(node)} divides by zero", "export the model again")
    factors, offsets = _ARITHMETIC[node.op_type](values)
    # Sub with the constant first is c - x; the other operators give the same in either order.
    is_reversed = node.op_type == "Sub" and image is second
    return image.mapped(-factors, -offsets, "Sub") if is_reversed else image.mapped(factors, offsets, node.op_type)


_ARITHMETIC: dict[str, Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]] = {
    "Add": lambda values: (np.ones(1), values),
    "Sub": lambda values: (np.ones(1), -values),
    "Mul": lambda values: (values, np.zeros(1)),
    "Div": lambda values: (1 / values, np.zeros(1)),
}


def _unreadable(image: Any, other: Any) -> str:
    """Why a pair of operands is not an image and a constant; empty if it is."""
    if isinstance(other, ImageTensor):
        return "combines two tensors that both come from the image"
    if not isinstance(image, ImageTensor) or not isinstance(other, np.ndarray):
        return f"has an operand that is not read: {other if isinstance(other, str) else 'it is missing'}"
    return "computes with integers" if image.integer else ""


def _by_channel(value: NDArray[Any], image: ImageTensor) -> NDArray[np.float64] | None:
    """A constant as one number, or one per channel; None if it varies along another axis."""
    if value.size == 1:
        return value.reshape(1).astype(np.float64)
    if image.axis is None or value.ndim > image.rank:
        return None
    shape = (1,) * (image.rank - value.ndim) + value.shape
    others = [edge for axis, edge in enumerate(shape) if axis != image.axis]
    if shape[image.axis] != len(image.source) or any(edge != 1 for edge in others):
        return None
    return value.reshape(-1).astype(np.float64)


def _check_finite(values: NDArray[np.float64], node: Any) -> None:
    if not np.isfinite(values).all():
        raise SpecError(
            "finite constants at the graph's front", f"{values.flatten()[:4].tolist()} in {named(node)}", "export the model again"
        )


def _batch_norm(node: Any, operands: Sequence[Any]) -> Tracked:
    image, *rest = operands
    if not isinstance(image, ImageTensor) or len(rest) < 4 or not all(isinstance(each, np.ndarray) for each in rest[:4]):
        return Blocked(f"{named(node)} has statistics that are not constants")
    if image.integer:
        return Blocked(f"{named(node)} computes with integers")
    if attribute_of(node, "training_mode", 0):
        return Blocked(f"{named(node)} is in training mode, and normalises by the batch")
    scale, bias, mean, variance = (each.astype(np.float64).flatten() for each in rest[:4])
    if image.axis != 1 or {len(scale), len(bias), len(mean), len(variance)} != {len(image.source)}:
        return Blocked(f"{named(node)} has {len(mean)} statistics for {len(image.source)} channels")
    spread = np.sqrt(np.maximum(variance + float(attribute_of(node, "epsilon", 1e-5)), 0.0))
    with np.errstate(all="ignore"):
        factors, offsets = scale / spread, bias - mean * scale / spread
    _check_finite(np.concatenate([factors, offsets]), node)
    return image.mapped(factors, offsets, "BatchNormalization")


def _dequantize(node: Any, operands: Sequence[Any]) -> Tracked:
    image, scale, *rest = operands
    zero = rest[0] if rest and rest[0] is not None else np.zeros(1)
    if not isinstance(image, ImageTensor) or not all(isinstance(each, np.ndarray) and each.size == 1 for each in (scale, zero)):
        return Blocked(f"{named(node)} has a scale or zero point that is not one constant")
    factor, point = float(scale.reshape(-1)[0]), float(zero.reshape(-1)[0])
    _check_finite(np.array([factor, point]), node)
    return replace(image, integer=False).mapped(np.array([factor]), np.array([-point * factor]), "DequantizeLinear")


def _cast(node: Any, operands: Sequence[Any]) -> Tracked:
    image: ImageTensor = operands[0]
    if attribute_of(node, "to") in _FLOATS:
        return replace(image, integer=False)
    return image if image.integer else Blocked(f"{named(node)} rounds values to integers")


def _transpose(node: Any, operands: Sequence[Any]) -> Tracked:
    image: ImageTensor = operands[0]
    order = attribute_of(node, "perm", list(range(image.rank))[::-1])
    if sorted(order) != list(range(image.rank)):
        raise ValueError(f"{order} is no permutation of {image.rank} axes")
    return image if image.axis is None else replace(image, axis=order.index(image.axis))


def _reshape(node: Any, operands: Sequence[Any]) -> Tracked:
    image: ImageTensor = operands[0]
    rank = 2 if node.op_type == "Flatten" else len(operands[1].flatten()) if isinstance(operands[1], np.ndarray) else image.rank
    return replace(image, axis=None, rank=rank)


def _squeeze(node: Any, operands: Sequence[Any]) -> Tracked:
    image: ImageTensor = operands[0]
    axes = _axes_of(node, operands)
    if axes is None:
        return replace(image, axis=None, rank=1)
    gone = sorted(axis % image.rank for axis in axes)
    axis = None if image.axis in gone or image.axis is None else image.axis - sum(each < image.axis for each in gone)
    return replace(image, axis=axis, rank=image.rank - len(gone))


def _unsqueeze(node: Any, operands: Sequence[Any]) -> Tracked:
    image: ImageTensor = operands[0]
    axes = _axes_of(node, operands)
    if axes is None:
        return Blocked(f"{named(node)} has axes that are not constants")
    rank = image.rank + len(axes)
    new = sorted(axis % rank for axis in axes)
    if image.axis is None:  # a single gathered channel gets its axis back
        return replace(image, rank=rank, axis=new[0] if len(image.source) == 1 and len(new) == 1 else None)
    kept = [axis for axis in range(rank) if axis not in new]
    return replace(image, rank=rank, axis=kept[image.axis])


def _axes_of(node: Any, operands: Sequence[Any]) -> list[int] | None:
    if len(operands) > 1 and isinstance(operands[1], np.ndarray):
        return [int(axis) for axis in operands[1].flatten()[:8]]
    stated: list[int] | None = attribute_of(node, "axes")
    return stated


def _gather(node: Any, operands: Sequence[Any]) -> Tracked:
    image, indices = operands
    if not isinstance(image, ImageTensor) or not isinstance(indices, np.ndarray) or indices.ndim > 1:
        return Blocked(f"{named(node)} has indices that are not constants")
    axis = int(attribute_of(node, "axis", 0)) % image.rank
    rank = image.rank - (indices.ndim == 0)
    if axis == image.axis:
        found = image.picked([int(index) for index in indices.flatten()], "Gather")
        return replace(found, rank=rank, axis=image.axis if indices.ndim else None)
    moved = image.axis is not None and indices.ndim == 0 and axis < image.axis
    return replace(image, rank=rank, axis=image.axis - 1 if moved and image.axis is not None else image.axis)


def _slice(node: Any, operands: Sequence[Any]) -> Tracked:
    image: ImageTensor = operands[0]
    stated = [attribute_of(node, name) for name in ("starts", "ends", "axes", "steps")]
    for index, operand in enumerate(operands[1:5]):
        if isinstance(operand, str):
            return Blocked(f"{named(node)}: {operand}")
        stated[index] = None if operand is None else [int(each) for each in operand.flatten()[:8]]
    starts, ends, axes, steps = stated
    axes = [axis % image.rank for axis in axes] if axes is not None else list(range(len(starts)))
    if image.axis not in axes:
        return image
    at = axes.index(image.axis)
    step, count = steps[at] if steps else 1, len(image.source)
    end = None if step < 0 and ends[at] < -count else ends[at]
    return image.picked(list(range(count))[slice(starts[at], end, step)], "Slice")


def _concat(node: Any, operands: Sequence[Any]) -> Tracked:
    if not all(isinstance(each, ImageTensor) for each in operands):
        return Blocked(f"{named(node)} joins the image with another tensor")
    first: ImageTensor = operands[0]
    axis = int(attribute_of(node, "axis", 0)) % first.rank
    if any((each.rank, each.axis) != (first.rank, first.axis) for each in operands):
        return Blocked(f"{named(node)} joins parts of different shapes")
    if axis != first.axis:
        same = all((each.scale, each.shift, each.source) == (first.scale, first.shift, first.source) for each in operands)
        return first if same else Blocked(f"{named(node)} joins parts that are scaled differently")
    return replace(
        first,
        source=tuple(index for each in operands for index in each.source),
        scale=tuple(value for each in operands for value in each.scale),
        shift=tuple(value for each in operands for value in each.shift),
        lead=first.lead if len({each.lead for each in operands}) == 1 else 1.0,
        nodes=tuple(dict.fromkeys(name for each in operands for name in each.nodes)),
        integer=any(each.integer for each in operands),
    )


def split(image: ImageTensor, node: Any, sizes: list[int] | None) -> dict[str, Tracked]:
    """The outputs of a Split into parts of ``sizes``; into equal parts if ``sizes`` is None."""
    outputs = [name for name in node.output if name]
    if int(attribute_of(node, "axis", 0)) % image.rank != image.axis:
        return dict.fromkeys(outputs, image)
    sizes = sizes or [-(-len(image.source) // len(outputs))] * len(outputs)
    if sum(sizes) != len(image.source) or len(sizes) != len(outputs) or min(sizes) < 1:
        return dict.fromkeys(outputs, Blocked(f"{named(node)} splits {len(image.source)} channels into parts of {sizes[:8]}"))
    starts = np.cumsum([0, *sizes])
    return {
        name: image.picked(range(int(a), int(b)), "Split") for name, a, b in zip(outputs, starts[:-1], starts[1:], strict=True)
    }


def _same(_: Any, operands: Sequence[Any]) -> Tracked:
    image: Tracked = operands[0]
    return image


def _negative(_: Any, operands: Sequence[Any]) -> Tracked:
    image: ImageTensor = operands[0]
    return image.mapped(-np.ones(1), np.zeros(1), "Neg")


#: Operators that may come before the first layer. Those of the last row move, repeat or average pixels.
OPERATORS: dict[str, Operator] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _arithmetic),
    "BatchNormalization": _batch_norm,
    "DequantizeLinear": _dequantize,
    "Neg": _negative,
    "Cast": _cast,
    "Transpose": _transpose,
    **dict.fromkeys(("Reshape", "Flatten"), _reshape),
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Gather": _gather,
    "Slice": _slice,
    "Concat": _concat,
    "Split": _same,  # :func:`split` separates its parts
    **dict.fromkeys(("Identity", "Dropout", "Resize", "Upsample", "Pad", "MaxPool", "AveragePool"), _same),
}


def named(node: Any) -> str:
    """The operator of a node, and its name if it has one."""
    return f"{node.op_type[:40]} {short_repr(node.name)}" if node.name else f"a {node.op_type[:40]}"
