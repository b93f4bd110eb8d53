"""Open Model Zoo's model.yml, of the shape in which it is published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Unknown
from tare.readers.table import read_spec

ZOO = """
description: a network
task_type: classification
model_optimizer_args:
  - --input_shape=[1,3,224,320]
  - --input=data
  - --mean_values=data[123.675,116.28,103.53]
  - --scale_values=data[58.395,57.12,57.375]
  - --reverse_input_channels
  - --output=prob
framework: pytorch
"""
PIXELS = np.array([[255.0, 0.0, 100.0]])


def read(tmp_path: Path, text: str, name: str = "model.yml", part: str = "") -> InputSpec:
    (tmp_path / name).write_text(text)
    return read_spec(f"{tmp_path / name}{part}")


def test_open_model_zoo(tmp_path: Path) -> None:
    spec = read(tmp_path, ZOO)
    assert np.allclose(spec.affine().apply(PIXELS), (PIXELS - [123.675, 116.28, 103.53]) / [58.395, 57.12, 57.375])
    assert (spec.require("channels"), spec.require("size"), spec.require("layout")) == ("RGB", (224, 320), "NCHW")
    assert isinstance(spec.raw_dtype, Unknown)
    assert InputSpec.from_json(spec.to_json()) == spec


def test_open_model_zoo_states_one_value_or_none(tmp_path: Path) -> None:
    text = "model_optimizer_args:\n  - --scale_values=[255.0]\n"
    spec = read(tmp_path, text + "  - --reverse_input_channels\n")
    assert (spec.require("mean"), spec.require("std"), spec.require("channels")) == ((0.0,) * 3, (255.0,) * 3, "RGB")
    assert isinstance(read(tmp_path, text).channels, Unknown)
    assert read(tmp_path, text.replace("_values=[255.0]", "=58")).require("std") == (58.0,)
    assert read(tmp_path, text + "  - --input_shape=1,28,28,1\n").require("channels") == "L"
    none = read(tmp_path, "model_optimizer_args: [--input=data]")
    assert isinstance(none.mean, Unknown)
    assert isinstance(none.scale, Unknown)


def test_open_model_zoo_with_two_inputs(tmp_path: Path) -> None:
    text = "model_optimizer_args: ['--mean_values=a[1,2,3],b[4,5,6]']"
    with pytest.raises(SpecError, match=r"one input in .*found a, b; name one as PATH#INPUT"):
        read(tmp_path, text)
    assert read(tmp_path, text, part="#b").require("mean") == (4.0, 5.0, 6.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("['--mean_values=data[1,2,x]']", "not a finite number"),
        ("['--mean_values=data[1,2']", "values such as data"),
        ("['--mean_values=']", "values such as data"),
        ("['--scale_values=[0]']", "a std is positive"),
        ("['--mean_values=[1,2,3]', '--scale_values=[1,2]']", "as many means as stds"),
        ("&a ['--mean_values=[nan]', *a]", "not a finite number"),
        (f"['--mean_values={'a[1],' * 3000}!']", "values such as data"),
    ],
)
def test_a_hostile_model_yml_is_one_line(tmp_path: Path, arguments: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read(tmp_path, f"model_optimizer_args: {arguments}")
    assert "\n" not in str(caught.value)
