"""Small ONNX models for the tests, written with onnx's own helpers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = list[int | str]


def initializer(name: str, values: Any, dtype: Any = np.float32) -> Any:
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def model(
    nodes: list[Any],
    constants: list[Any],
    shape: Shape,
    kind: int = TensorProto.FLOAT,
    metadata: dict[str, str] | None = None,
    opset: int = 17,
) -> Any:
    """A model from the input ``image`` to the output ``out``."""
    inputs = [helper.make_tensor_value_info("image", kind, shape)]
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, initializer=constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    helper.set_model_props(made, metadata or {})
    return made


def with_eye(nodes: list[Any], constants: list[Any], shape: Shape, last: str, channels: int = 3, **options: Any) -> Any:
    """A model that ends in a 1 x 1 convolution that passes its input through, so that its output is what reached it."""
    eye = initializer("eye", np.eye(channels).reshape(channels, channels, 1, 1))
    return model([*nodes, helper.make_node("Conv", [last, "eye"], ["out"])], [*constants, eye], shape, **options)


def saved(path: Path, made: Any) -> Path:
    onnx.save_model(made, str(path))
    return path
