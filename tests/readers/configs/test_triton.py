"""Triton's config.pbtxt, of the shape in which it is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Unknown
from tare.readers.table import read_spec

TRITON = """
# a comment { with a brace
name: "resnet"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [
  {
    name: "input__0"
    data_type: TYPE_FP16
    format: FORMAT_NCHW
    dims: [ 3, 224, 320 ]
  }
]
output { name: "out", data_type: TYPE_FP32 dims: 1000 }
parameters: { key: "k" value: { string_value: "a } \\" b" } }
"""


def read(tmp_path: Path, text: str, name: str = "model.yml", part: str = "") -> InputSpec:
    (tmp_path / name).write_text(text)
    return read_spec(f"{tmp_path / name}{part}")


def test_triton_states_type_and_layout_alone(tmp_path: Path) -> None:
    spec = read(tmp_path, TRITON, "config.pbtxt")
    assert (spec.require("dtype"), spec.require("layout"), spec.require("size")) == ("float16", "NCHW", (224, 320))
    assert spec.mean == spec.scale == spec.raw_dtype
    assert isinstance(spec.mean, Unknown)
    assert "not how its values are made" in spec.mean.reason
    assert InputSpec.from_json(spec.to_json()) == spec
    free = read(tmp_path, TRITON.replace("224", "-1"), "config.pbtxt")
    assert isinstance(free.size, Unknown)


def test_triton_with_two_inputs(tmp_path: Path) -> None:
    text = 'input { name: "a" data_type: TYPE_FP32 dims: [3] } input < name: "b" data_type: TYPE_UINT8 dims: 3 >'
    with pytest.raises(SpecError, match=r"one input in .*found a, b"):
        read(tmp_path, text, "config.pbtxt")
    assert read(tmp_path, text, "config.pbtxt", "#b").require("dtype") == "uint8"


@pytest.mark.parametrize(
    "text",
    ["", "input", "input {", "input { name: }", "input [ { name: 'a' }", "{" * 5000, "input " + "{ input " * 200,
     "input: " + "[" * 5000,
     "a: \"x", "\0", "input: 3", "a: }", "]", "input [ 1, 2 ]"],
)  # fmt: skip
def test_a_hostile_pbtxt_is_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecError, match="expected") as caught:
        read(tmp_path, text, "config.pbtxt")
    assert "\n" not in str(caught.value)


def test_shapes_that_are_none_are_unknown(tmp_path: Path) -> None:
    spec = read(tmp_path, "input [ { name { x: 1 } format: FORMAT_NCHW dims: [[3], 4, 5] } ]", "config.pbtxt")
    assert isinstance(spec.size, Unknown)
    assert isinstance(spec.dtype, Unknown)
