"""What ``tare.export`` is asked."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tare.networks.inputs import StoredModel
from tare.system.options import declared, option
from tare.system.progress import SILENT, Reporter

ExportFormat = Literal["onnx", "torchscript", "pt2", "safetensors", "hf", "timm"]
ImageLayout = Literal["NHWC", "NCHW"]
Output = Literal["both", "probabilities", "logits"]


@dataclass(frozen=True, kw_only=True)
class ExportRequest(StoredModel):
    """A run, the format that its model is written in, and what a graph takes and gives."""

    format: ExportFormat = field(kw_only=False, metadata=declared("onnx, torchscript and pt2 hold the whole graph."))
    out: str | os.PathLike[str] = field(kw_only=False, metadata=declared("The file or folder to make.", kind=Path))
    layout: ImageLayout | None = option(
        None, "Axes of the raw uint8 images that a graph takes.", shown="NHWC; signals are NTC, rows NC"
    )
    output: Output = option("both", "What a graph gives; both: probabilities, then logits.")
    with_resize: bool = option(False, "Put resize and crop into the graph: images of any size, signals of any length.")
    images: Sequence[str | os.PathLike[str]] = option(
        (), "Compare on these samples, not on the run's own.", metavar="PATH", kind=list[str]
    )
    opset: int | None = option(None, "ONNX opset, if not the exporter's own choice.")
    overwrite: bool = option(False, "Replace an earlier export.")
    push: str | None = option(
        None, "Also upload the folder to this repository of the Hugging Face hub; a new one is private.", metavar="OWNER/NAME"
    )
    reporter: Reporter = SILENT
