"""Small constants of an ONNX graph: initializers, Constant nodes, results of operators on constants. Only the file is read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import SpecError, reason_of, short_repr

#: A constant with more values is not read: no mean, std or list of axes is longer.
MOST_VALUES = 1 << 16
_MOST_BYTES = 1 << 20
_EXTERNAL = 1  # onnx.TensorProto.EXTERNAL


class GraphConstants:
    """Constants by name. A name that is no constant, is too large or is stored outside the file has a reason, not a value."""

    def __init__(self, graph: Any) -> None:
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._values: dict[str, NDArray[Any]] = {}

    def shape(self, name: str) -> tuple[int, ...] | None:
        """The shape that an initializer states; its values are not read. None if the name is no initializer."""
        tensor = self._tensors.get(name)
        return None if tensor is None else tuple(int(edge) for edge in tensor.dims)

    def get(self, name: str) -> NDArray[Any] | None:
        """The value of a constant; None if :meth:`why_not` has a reason. Raises :class:`SpecError` if it is malformed."""
        if name not in self._values and name in self._tensors and not self.why_not(name):
            self._values[name] = _array(self._tensors[name])
        return self._values.get(name)

    def why_not(self, name: str) -> str:
        """Why a name has no value; empty if it has one."""
        if name in self._values:
            return ""
        tensor = self._tensors.get(name)
        if tensor is None:
            return f"{short_repr(name)} is not a constant"
        if tensor.data_location == _EXTERNAL:
            return f"the constant {short_repr(name)} is stored outside the file and is not read"
        return "" if _is_small(tensor) else f"the constant {short_repr(name)} is too large for a mean or std"

    def note(self, node: Any) -> None:
        """Keep the value of a node whose inputs are all constants, if its operator is one that exporters apply to constants."""
        if node.op_type == "Constant":
            self._note_constant(node)
        elif node.op_type in _FOLDED and node.output and all(self.get(name) is not None for name in node.input if name):
            operands = [self._values[name] for name in node.input if name]
            try:
                self._values[node.output[0]] = _FOLDED[node.op_type](operands, node)
            except (ValueError, IndexError, TypeError) as error:
                reason = reason_of(error, 100)
                raise SpecError(
                    "constants that fit their operators", f"{node.op_type}: {reason}", "export the model again"
                ) from None

    def _note_constant(self, node: Any) -> None:
        attribute = next((each for each in node.attribute if each.name.startswith("value")), None)
        if attribute is None or not node.output:
            return
        if attribute.name == "value":
            self._tensors[node.output[0]] = attribute.t
            return
        value = {
            "value_float": attribute.f,
            "value_int": attribute.i,
            "value_floats": attribute.floats,
            "value_ints": attribute.ints,
        }
        if attribute.name in value and _length(value[attribute.name]) <= MOST_VALUES:
            self._values[node.output[0]] = np.asarray(value[attribute.name])


def attribute_of(node: Any, name: str, default: Any = None) -> Any:
    """An attribute of a node: a float, integer or list of them; ``default`` if it is absent."""
    attribute = next((each for each in node.attribute if each.name == name), None)
    if attribute is None:
        return default
    return {1: attribute.f, 2: attribute.i, 3: attribute.s, 6: list(attribute.floats), 7: list(attribute.ints)}.get(
        attribute.type
    )


def _length(value: Any) -> int:
    return len(value) if hasattr(value, "__len__") else 1


def _is_small(tensor: Any) -> bool:
    edges = [int(edge) for edge in tensor.dims]
    return len(edges) <= 8 and min(edges, default=0) >= 0 and math.prod(edges) <= MOST_VALUES and tensor.ByteSize() <= _MOST_BYTES


def _array(tensor: Any) -> NDArray[Any]:
    from onnx import numpy_helper

    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except Exception as error:  # onnx raises errors of its own, of protobuf and of NumPy
        reason = reason_of(error, 100)
        raise SpecError(
            f"values of the constant {short_repr(tensor.name)} that fit its type and shape", reason, "export the model again"
        ) from None


def _reshaped(operands: Sequence[NDArray[Any]], _: Any) -> NDArray[Any]:
    return operands[0].reshape([int(edge) for edge in operands[1].flatten()[:8]])


def _axes(operands: Sequence[NDArray[Any]], node: Any) -> tuple[int, ...] | None:
    axes = operands[1].flatten().tolist() if len(operands) > 1 else attribute_of(node, "axes")
    return None if axes is None else tuple(int(axis) for axis in axes[:8])


def _unsqueezed(operands: Sequence[NDArray[Any]], node: Any) -> NDArray[Any]:
    return np.expand_dims(operands[0], _axes(operands, node) or (0,))


def _squeezed(operands: Sequence[NDArray[Any]], node: Any) -> NDArray[Any]:
    return np.squeeze(operands[0], _axes(operands, node))


#: What operators do to constants. Casts change nothing here, since values are read as float64 in the end.
_FOLDED: dict[str, Callable[[Sequence[NDArray[Any]], Any], NDArray[Any]]] = {
    "Identity": lambda operands, _: operands[0],
    "Cast": lambda operands, _: operands[0],
    "Reshape": _reshaped,
    "Unsqueeze": _unsqueezed,
    "Squeeze": _squeezed,
    "Mul": lambda operands, _: _paired(np.multiply, operands),
    "Div": lambda operands, _: _paired(np.divide, operands),
}


def _paired(function: Callable[..., Any], operands: Sequence[NDArray[Any]]) -> NDArray[Any]:
    first, second = operands
    if math.prod(np.broadcast_shapes(first.shape, second.shape)) > MOST_VALUES:
        raise ValueError("too many values")
    with np.errstate(all="ignore"):
        return np.asarray(function(first.astype(np.float64), second.astype(np.float64)))
