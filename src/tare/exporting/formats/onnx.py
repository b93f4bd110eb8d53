"""ONNX: one file with the weights inside, for onnxruntime and other runtimes."""

from __future__ import annotations

import io
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.errors import ModelError, reason_of
from tare.exporting.formats.format import GraphFormat, Recording
from tare.exporting.formats.pt2 import exported_program
from tare.exporting.graph.options import GraphOptions
from tare.exporting.graph.served import ServedGraph
from tare.exporting.parity import Outputs, Runner
from tare.system.optional import require
from tare.system.quiet import quietly, unprinted

#: Largest file that Protocol Buffers can hold, minus room for the graph itself.
_MOST_BYTES = (1 << 31) - (1 << 24)
_OLD_OPSET = 18


def check_installed() -> None:
    """Raise :class:`MissingDependencyError` unless the packages that write and run ONNX are installed."""
    for module in ("onnx", "onnxscript", "onnxruntime"):
        require(module, extra="onnx", purpose="--format onnx")


def onnx_bytes(recording: Recording) -> tuple[bytes, dict[str, Any]]:
    """Export the graph; return the file's bytes, and the exporter and opset used.

    ``torch.onnx`` records the graph through ``torch.export``, and traces it if that fails. Raises :class:`ModelError` if both
    fail, or if the weights exceed the size of one file.
    """
    graph, example, options, opset = recording.graph, recording.example, recording.options, recording.opset
    size = sum(tensor.numel() * tensor.element_size() for tensor in graph.state_dict().values())
    if size > _MOST_BYTES:
        raise ModelError("weights of at most 2 GB in one ONNX file", f"{size / 1e9:.1f} GB", "use --format pt2 or safetensors")
    try:
        model, exporter = _recorded(graph, example, options, opset), "torch.export"
    except Exception as error:  # the exporter's own kinds, and ModelError of recording
        model, exporter = _traced(graph, example, options, opset, reason_of(error)), "trace"
    _rename_axes(model, options)
    for key, value in recording.stated.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    return model.SerializeToString(), {"exporter": exporter, "opset": opsets[""]}


def onnx_runner(path: Path) -> Runner:
    """Load the file into onnxruntime on the CPU; return it as a function."""
    runtime = require("onnxruntime", extra="onnx", purpose="--format onnx")
    silent = runtime.SessionOptions()
    silent.log_severity_level = 3
    session = runtime.InferenceSession(str(path), silent, providers=["CPUExecutionProvider"])

    name = session.get_inputs()[0].name

    def run(samples: NDArray[Any]) -> Outputs:
        answers: list[NDArray[np.float32]] = session.run(None, {name: samples})
        return answers

    return run


def _recorded(graph: ServedGraph, example: torch.Tensor, options: GraphOptions, opset: int | None) -> Any:
    program = exported_program(graph, example, options)
    names: dict[str, Any] = {"input_names": [options.takes], "output_names": list(options.names)}
    with quietly():
        made = torch.onnx.export(program, (), dynamo=True, verbose=False, opset_version=opset, external_data=False, **names)
        return made.model_proto  # type: ignore[union-attr]


def _traced(graph: ServedGraph, example: torch.Tensor, options: GraphOptions, opset: int | None, why: str) -> Any:
    onnx = require("onnx", extra="onnx", purpose="--format onnx")
    buffer = io.BytesIO()
    axes = {options.takes: options.dynamic} | {name: {0: "N"} for name in options.names}
    try:
        with quietly(), unprinted(), torch.no_grad():  # a network that cannot be traced is printed
            torch.onnx.export(
                graph, (example,), buffer, dynamo=False, input_names=[options.takes], output_names=list(options.names),  # type: ignore[arg-type]
                dynamic_axes=axes, opset_version=opset or _OLD_OPSET,
            )  # fmt: skip
        return onnx.load_model_from_string(buffer.getvalue())
    except Exception as error:
        reason = f"{why}; traced instead: {reason_of(error)}"
        raise ModelError("a network that can be exported to ONNX", reason, "use --format torchscript or pt2") from None


def _rename_axes(model: Any, options: GraphOptions) -> None:
    """Name the dynamic axes by their letters instead of the symbols that the exporter made up."""
    names: dict[str, str] = {}
    shape = model.graph.input[0].type.tensor_type.shape
    for axis, letter in options.dynamic.items():
        if shape.dim[axis].dim_param:
            names[shape.dim[axis].dim_param] = letter
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in names:
                dim.dim_param = names[dim.dim_param]


FORMAT = GraphFormat(
    onnx_bytes, onnx_runner, lambda: f"onnxruntime {version('onnxruntime')}", check_installed, opsets=range(_OLD_OPSET, 25)
)
