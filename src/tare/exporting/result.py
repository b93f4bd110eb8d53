"""The result of an export: the written file or folder, and its comparison with PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tare.exporting.graph.options import GraphLayout
from tare.exporting.inputs import ExportFormat

SCHEMA = "tare.export/1"
#: Largest difference of a logit that counts as rounding.
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest differences of a logit and of a probability between the file and PyTorch; None for an absent output.

    ``resize_levels``, ``resize_share`` and ``resize_logits`` compare a resize inside the graph with Pillow's: the largest
    difference of a byte, the share of bytes that differ, and the largest difference of a logit. None without such a resize.
    ``values`` is the largest difference of a regression's value, in stds of its target.
    """

    runtime: str
    images: str
    real: bool
    compared: int
    batches: tuple[int, ...]
    logits: float | None
    probabilities: float | None
    resize_levels: int | None = None
    resize_share: float | None = None
    resize_logits: float | None = None
    values: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as a JSON object."""
        return {**asdict(self), "batches": list(self.batches), "tolerance": TOLERANCE}


@dataclass(frozen=True, slots=True)
class Exported:
    """The written file or folder, its inputs and outputs, and its comparison with PyTorch.

    ``pushed`` is the address of the commit on the hub, if the folder was uploaded.
    """

    out: Path
    format: ExportFormat
    bytes: int
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    parity: Parity | None = None
    layout: GraphLayout | None = None
    outputs: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    takes: str = "images"
    dtype: str = "uint8"
    shape: tuple[int | str, ...] | None = None
    made_by: Mapping[str, Any] | None = None
    noun: str = "classes"
    pushed: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the export as a JSON object with schema ``tare.export/1``."""
        return {
            "schema": SCHEMA,
            "out": str(self.out),
            "format": self.format,
            "bytes": self.bytes,
            "layout": self.layout,
            "size": None if self.size is None else list(self.size),
            "takes": self.takes,
            "dtype": self.dtype,
            "shape": None if self.shape is None else list(self.shape),
            "outputs": list(self.outputs),
            "labels": list(self.labels),
            "made_by": None if self.made_by is None else dict(self.made_by),
            "parity": None if self.parity is None else self.parity.to_json(),
            "pushed": self.pushed,
            "notes": list(self.notes),
        }
