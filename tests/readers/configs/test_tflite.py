"""TensorFlow Lite's metadata as JSON, of the shape in which its tools write it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.table import read_spec

TFLITE: dict[str, Any] = {
    "name": "classifier",
    "subgraph_metadata": [{
        "input_tensor_metadata": [{
            "name": "image",
            "content": {"content_properties_type": "ImageProperties", "content_properties": {"color_space": "RGB"}},
            "process_units": [{"options_type": "NormalizationOptions", "options": {"mean": [127.5], "std": [127.5]}}],
            "stats": {"max": [1.0], "min": [-1.0]},
        }],
    }],
}  # fmt: skip
PIXELS = np.array([[255.0, 0.0, 100.0]])


def read(tmp_path: Path, text: str, name: str = "model.yml", part: str = "") -> InputSpec:
    (tmp_path / name).write_text(text)
    return read_spec(f"{tmp_path / name}{part}")


def test_tflite_metadata(tmp_path: Path) -> None:
    spec = read(tmp_path, json.dumps(TFLITE), "metadata.json")
    assert np.allclose(spec.affine().apply(PIXELS), (PIXELS - 127.5) / 127.5)
    assert spec.channels == Known("RGB", f"{tmp_path}/metadata.json, input 'image', key 'color_space'")
    assert isinstance(spec.raw_dtype, Unknown)
    assert InputSpec.from_json(spec.to_json()) == spec


def test_several_units_in_turn_are_unknown(tmp_path: Path) -> None:
    tensor = TFLITE["subgraph_metadata"][0]["input_tensor_metadata"][0]
    twice = tensor | {"process_units": tensor["process_units"] * 2}
    spec = read(tmp_path, json.dumps({"subgraph_metadata": [{"input_tensor_metadata": [twice]}]}), "metadata.json")
    assert isinstance(spec.mean, Unknown)
    assert "several process_units" in spec.mean.reason


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"process_units": []}, "found none; the inputs are image"),
        ({"process_units": [{"options_type": "NormalizationOptions"}]}, "a valid 'mean'"),
        (
            {"process_units": [{"options_type": "NormalizationOptions", "options": {"mean": [1], "std": [0]}}]},
            "a std is positive",
        ),
        ({"process_units": [{"options_type": "NormalizationOptions", "options": {"mean": [1, 2], "std": [1, 2]}}]}, "channels"),
        ({"process_units": [{"options_type": "NormalizationOptions", "options": {"mean": "a", "std": [1]}}]}, "not a finite"),
    ],
)
def test_malformed_metadata_is_one_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    tensor = TFLITE["subgraph_metadata"][0]["input_tensor_metadata"][0] | changes
    with pytest.raises(SpecError, match=message) as caught:
        read(tmp_path, json.dumps({"subgraph_metadata": [{"input_tensor_metadata": [tensor]}]}), "metadata.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("graphs", [3, [3], [{"input_tensor_metadata": {}}], None])
def test_metadata_without_inputs_is_refused(tmp_path: Path, graphs: Any) -> None:
    with pytest.raises(SpecError, match="with the keys subgraph_metadata"):
        read(tmp_path, json.dumps({"subgraph_metadata": graphs}), "metadata.json")
