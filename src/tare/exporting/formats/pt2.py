"""``torch.export``: one ``.pt2`` file with a graph of ATen operations, for Python, AOTInductor and ExecuTorch."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from tare.errors import ModelError, reason_of
from tare.exporting.formats.format import GraphFormat, Recording
from tare.exporting.graph.options import GraphOptions
from tare.exporting.graph.served import ServedGraph
from tare.exporting.parity import Runner, torch_runner
from tare.system.quiet import quietly


def exported_program(graph: ServedGraph, example: torch.Tensor, options: GraphOptions) -> torch.export.ExportedProgram:
    """Record the graph with its dynamic axes. Raises :class:`ModelError` if the network cannot be recorded."""
    axes: dict[int, Any] = {axis: torch.export.Dim(name, min=1) for axis, name in options.dynamic.items()}
    try:
        with quietly(), torch.no_grad():
            return torch.export.export(graph, (example,), dynamic_shapes={"samples": axes}, strict=False)
    except Exception as error:  # an architecture may fail in any way
        reason = reason_of(error, 200)
        raise ModelError("a network that torch.export can record", reason, "use --format torchscript") from None


def pt2_bytes(recording: Recording) -> tuple[bytes, dict[str, Any]]:
    """Export the graph, with what is stated as its extra files."""
    program = exported_program(recording.graph, recording.example, recording.options)
    buffer = io.BytesIO()
    with quietly():
        torch.export.save(program, buffer, extra_files=dict(recording.stated))
    return buffer.getvalue(), {}


def pt2_runner(path: Path) -> Runner:
    """Load the file; return it as a function."""
    with quietly():
        return torch_runner(torch.export.load(io.BytesIO(path.read_bytes())).module())


FORMAT = GraphFormat(pt2_bytes, pt2_runner, lambda: f"torch {torch.__version__} (pt2)")
