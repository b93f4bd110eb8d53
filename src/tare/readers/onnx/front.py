"""Follow an image through an ONNX graph to the first layers with weights: one affine map per channel, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tare.errors import SpecError
from tare.readers.onnx.constants import GraphConstants, attribute_of
from tare.readers.onnx.operators import OPERATORS, named, split
from tare.readers.onnx.tensor import Blocked, ImageTensor, Tracked

_LAYERS = ("Conv", "ConvInteger", "QLinearConv", "ConvTranspose", "Gemm", "MatMul", "MatMulInteger", "Einsum")
_CONVOLUTIONS = ("Conv", "ConvInteger", "QLinearConv")
#: Operators that may have the image as a later operand.
_EITHER_WAY = ("Add", "Sub", "Mul", "Div", "Concat")
_BY_IMAGE = {"InstanceNormalization", "MeanVarianceNormalization", "LpNormalization", "LayerNormalization", "GroupNormalization"}


def fronts_of(graph: Any, name: str, image: ImageTensor) -> list[Tracked]:
    """The tensors that reach the first layers with weights from the input ``name``, in the order of the graph's nodes.

    Raises :class:`SpecError` for constants that are malformed, not finite, or divide by zero.
    """
    constants = GraphConstants(graph)
    tracked: dict[str, Tracked] = {name: image}
    reached: list[Tracked] = []
    for node in graph.node:
        mine = [tracked[each] for each in node.input if each in tracked]
        if not mine:
            constants.note(node)
        elif node.op_type in _LAYERS and node.domain in ("", "ai.onnx"):
            reached.append(_arrived(mine[0], node, constants))
        elif node.op_type not in ("Shape", "Size"):
            tracked |= _after(node, mine, tracked, constants)
    return reached


def _arrived(image: Tracked, node: Any, constants: GraphConstants) -> Tracked:
    """Check a layer's weights against the channels that reach it."""
    if isinstance(image, Blocked) or node.op_type not in _CONVOLUTIONS:
        return image
    if image.axis not in (1, None):
        return Blocked(f"the channels reach {named(node)} on axis {image.axis}")
    shape = constants.shape(node.input[1]) if len(node.input) > 1 else None
    takes = shape[1] * int(attribute_of(node, "group", 1)) if shape is not None and len(shape) > 1 else None
    if node.op_type == "Conv" and image.axis == 1 and takes not in (None, len(image.source)):
        return Blocked(f"{named(node)} takes {takes} channels and receives {len(image.source)}")
    return image


def _after(node: Any, mine: Sequence[Tracked], tracked: dict[str, Tracked], constants: GraphConstants) -> dict[str, Tracked]:
    """The outputs of a node that has the image among its inputs."""
    outputs = [name for name in node.output if name]
    blocked = next((each for each in mine if isinstance(each, Blocked)), None)
    operator = OPERATORS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if blocked is not None:
        return dict.fromkeys(outputs, blocked)
    if operator is None:
        by_image = node.op_type in _BY_IMAGE or node.op_type.startswith("Reduce")
        how = "depends on each image's own values" if by_image else "is no affine map"
        return dict.fromkeys(outputs, Blocked(f"{named(node)} stands before the first layer with weights, and {how}"))
    operands = [_operand(name, tracked, constants) for name in node.input]
    if not isinstance(operands[0], ImageTensor) and node.op_type not in _EITHER_WAY:
        return dict.fromkeys(outputs, Blocked(f"{named(node)} uses the image as an index"))
    try:
        if node.op_type == "Split":
            sizes = constants.get(node.input[1]) if len(node.input) > 1 else None
            return split(operands[0], node, attribute_of(node, "split") if sizes is None else sizes.flatten().tolist())
        return dict.fromkeys(outputs, operator(node, operands))
    except (ValueError, IndexError, TypeError, KeyError, OverflowError) as error:
        raise SpecError(
            "a valid ONNX graph", f"{named(node)}: {' '.join(str(error).split())[:100]}", "export the model again"
        ) from None


def _operand(name: str, tracked: dict[str, Tracked], constants: GraphConstants) -> Any:
    """The image, a constant as an array, or the reason why it is neither as text; None for an input that is left out."""
    if not name:
        return None
    if name in tracked:
        return tracked[name]
    value = constants.get(name)
    return constants.why_not(name) if value is None else value
