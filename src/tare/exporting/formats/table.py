"""The export formats by name."""

from __future__ import annotations

from collections.abc import Mapping

from tare.exporting.formats import hf, onnx, pt2, safetensors, timm, torchscript
from tare.exporting.formats.format import Format
from tare.exporting.inputs import ExportFormat

FORMATS: Mapping[ExportFormat, Format] = {
    "onnx": onnx.FORMAT,
    "torchscript": torchscript.FORMAT,
    "pt2": pt2.FORMAT,
    "safetensors": safetensors.FORMAT,
    "hf": hf.FORMAT,
    "timm": timm.FORMAT,
}
