"""TorchScript: one file that libtorch and older servers run. PyTorch has deprecated it in favour of ``torch.export``."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from tare.errors import ModelError, reason_of
from tare.exporting.formats.format import GraphFormat, Recording
from tare.exporting.parity import Runner, torch_runner
from tare.system.quiet import quietly

NOTE = "PyTorch has deprecated TorchScript: for new installations use --format pt2 or onnx"


def torchscript_bytes(recording: Recording) -> tuple[bytes, dict[str, Any]]:
    """Trace the graph. Raises :class:`ModelError` if its network cannot be traced."""
    # The options name no axis: a trace takes any length, as far as the network's operations allow.
    buffer = io.BytesIO()
    try:
        with quietly(), torch.no_grad():
            traced = torch.jit.trace(recording.graph, recording.example, check_trace=False)  # type: ignore[no-untyped-call]
            torch.jit.save(traced, buffer, _extra_files=dict(recording.stated))
    except Exception as error:  # an architecture may fail in any way
        reason = reason_of(error, 200)
        raise ModelError("a network that can be traced", reason, "use --format pt2 or onnx") from None
    return buffer.getvalue(), {}


def torchscript_runner(path: Path) -> Runner:
    """Load the file; return it as a function."""
    with quietly():
        return torch_runner(torch.jit.load(path))  # type: ignore[no-untyped-call]


FORMAT = GraphFormat(torchscript_bytes, torchscript_runner, lambda: f"torch {torch.__version__} (torchscript)", note=NOTE)
