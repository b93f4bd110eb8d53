"""``torch.export``: one ``.pt2`` file with a graph of ATen operations, for Python, AOTInductor and ExecuTorch."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from tare.errors import ModelError, reason_of
from tare.exporting.graph.served import ServedGraph
from tare.exporting.job import GraphOptions
from tare.exporting.parity import Outputs, Runner
from tare.exporting.quiet import quietly


def exported_program(graph: ServedGraph, example: torch.Tensor, options: GraphOptions) -> torch.export.ExportedProgram:
    """Record the graph with its dynamic axes. Raises :class:`ModelError` if the network does not allow that."""
    axes: dict[int, Any] = {axis: torch.export.Dim(name, min=1) for axis, name in options.dynamic.items()}
    try:
        with quietly(), torch.no_grad():
            return torch.export.export(graph, (example,), dynamic_shapes={"samples": axes}, strict=False)
    except Exception as error:  # whatever the architecture makes of recording
        reason = reason_of(error, 200)
        raise ModelError("a network that torch.export can record", reason, "use --format torchscript") from None


def pt2_bytes(graph: ServedGraph, example: torch.Tensor, options: GraphOptions, stated: Mapping[str, str]) -> bytes:
    """Export the graph, with ``stated`` as its extra files."""
    program = exported_program(graph, example, options)
    buffer = io.BytesIO()
    with quietly():
        torch.export.save(program, buffer, extra_files=dict(stated))
    return buffer.getvalue()


def pt2_runner(path: Path) -> Runner:
    """Load the file back as a function."""
    with quietly():
        module = torch.export.load(io.BytesIO(path.read_bytes())).module()

    def run(samples: NDArray[Any]) -> Outputs:
        with torch.no_grad():
            answer = module(torch.from_numpy(samples))
        return [part.numpy() for part in (answer if isinstance(answer, tuple | list) else (answer,))]

    return run
