"""TorchScript: one file that libtorch and older servers run. PyTorch has deprecated it in favour of ``torch.export``."""

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

NOTE = "PyTorch has deprecated TorchScript: new installations do better with --format pt2 or onnx"


def torchscript_bytes(graph: ServedGraph, example: torch.Tensor, options: GraphOptions, stated: Mapping[str, str]) -> bytes:
    """Trace the graph. Raises :class:`ModelError` if its network cannot be traced."""
    del options  # a trace takes any length of any axis that the network's operations allow
    buffer = io.BytesIO()
    try:
        with quietly(), torch.no_grad():
            traced = torch.jit.trace(graph, example, check_trace=False)  # type: ignore[no-untyped-call]
            torch.jit.save(traced, buffer, _extra_files=dict(stated))
    except Exception as error:  # whatever the architecture makes of tracing
        reason = reason_of(error, 200)
        raise ModelError("a network that can be traced", reason, "use --format pt2 or onnx") from None
    return buffer.getvalue()


def torchscript_runner(path: Path) -> Runner:
    """Load the file back as a function."""
    with quietly():
        module = torch.jit.load(path)  # type: ignore[no-untyped-call]

    def run(samples: NDArray[Any]) -> Outputs:
        with torch.no_grad(), quietly():
            answer = module(torch.from_numpy(samples))
        return [part.numpy() for part in (answer if isinstance(answer, tuple) else (answer,))]

    return run
