from __future__ import annotations

from typing import Any

import pytest
import torch

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Known

THREE = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"channels": "B02,B03,B02"}, "the channel 'B02' is named twice"),
        ({"channels": "B02,B03"}, "as many channels in each field, found 3 in mean, 3 in std, 2 in channels"),
        ({"clip": [[0, 1], [0, 1]]}, "as many channels in each field"),
        ({"clip": [240, -160]}, "low end 240 is not below its high end -160"),
        ({"clip": [-160, 240], "raw_dtype": "uint8"}, r"inside of 0 to 255, the range of uint8, found \[-160, 240\]"),
        ({"bits": 12, "raw_dtype": "uint8"}, "at most 8 bits in use of uint8, found 12"),
        ({"bits": 12, "raw_dtype": "float32"}, "bits in use of integers, found 12 bits of float32"),
        ({"units": "8-bit code values", "raw_dtype": "uint16", "bits": 12}, "units that fit 12 bits, found '8-bit code values'"),
        ({"units": "8-bit code values", "raw_dtype": "float32"}, "units that fit raw values of type float32"),
        ({"mean": [123.675, 116.28, 0.406], "channels": "RGB"}, "found 0.406 beside 123.675 in the mean"),
        ({"per_sample": {"kind": "median"}}, "not one of zscore, minmax, percentile"),
        ({"per_sample": {"kind": "percentile", "low": 99, "high": 1}}, "percentiles rise from 0 to 100"),
        ({"value_map": "exp"}, "not one of identity, sqrt, log"),
        ({"nodata": []}, "not a list of one number per channel"),
        ({"bits": 0}, "a whole number from 1 to 64"),
    ],
)
def test_statements_that_contradict_one_another_are_one_line(others: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        InputSpec.from_json({"schema": "tare.spec/2", "channels": "RGB", **THREE, **others})


@pytest.mark.parametrize(
    "others",
    [
        {"clip": [-160, 240], "raw_dtype": "int16"},
        {"clip": [-20, 5], "value_map": "dB", "raw_dtype": "uint16"},
        {"units": "12-bit code values", "raw_dtype": "uint16", "bits": 12},
        {"units": "8-bit code values", "raw_dtype": "uint16"},
        {"mean": [0, 116.28, 123.675], "channels": "RGB"},
        {"mean": [0.3, 55.0, 2000.0], "channels": "acid,sugar,sulphur"},
    ],
)
def test_statements_that_agree_are_read(others: dict[str, Any]) -> None:
    document = {"schema": "tare.spec/2", "channels": "RGB", **THREE, **others}
    assert InputSpec.from_json(document).to_json()["mean"] == document["mean"]


def test_a_key_that_was_meant_and_would_not_be_read_is_refused_and_others_are_kept() -> None:
    with pytest.raises(SpecError, match="a field that a spec has, found 'interpolaton'; did you mean 'interpolation'"):
        InputSpec.from_json({"schema": "tare.spec/2", "interpolaton": "bicubic"})
    with pytest.raises(SpecError, match=r"no 'clip' in 'tare\.spec/1', which does not have it"):
        InputSpec.from_json({"schema": "tare.spec/1", "clip": [0, 1]})
    with pytest.raises(SpecError, match=r"a field that a spec has, found 'x-note'; leave it out, or write schema 'tare\.spec/2'"):
        InputSpec.from_json({"schema": "tare.spec/1", "x-note": 3})
    assert InputSpec.from_json({"schema": "tare.spec/1", "length": 3}).extra == {"length": 3}
    assert InputSpec.from_json({"schema": "tare.spec/2", "x-note": 3}).extra == {"x-note": 3}


def test_a_spec_of_8_bits_is_not_applied_to_16_bits_nor_to_floats_of_0_to_255() -> None:
    spec = InputSpec.of([0.5] * 3, [0.5] * 3, raw_dtype="uint8")
    with pytest.raises(SpecError, match="raw values of type uint8, as the spec states, found uint16; convert them by a scale"):
        spec.apply(torch.zeros(1, 3, 2, 2, dtype=torch.uint16))
    with pytest.raises(SpecError, match=r"unit values in .* found floats from 0 to 200; divide them by the range of uint8"):
        spec.apply(torch.linspace(0, 200, 12).reshape(1, 3, 2, 2))
    assert torch.equal(spec.apply(torch.ones(1, 3, 2, 2)), torch.ones(1, 3, 2, 2))


def test_without_a_type_of_raw_values_there_is_no_scale() -> None:
    spec = InputSpec.of([0.5] * 3, [0.5] * 3)
    assert spec.to_json()["scale"] is None
    with pytest.raises(SpecError, match="a stated scale of the network's input"):
        spec.affine()
    assert InputSpec.of([0.5], [0.5], raw_dtype="uint16").to_json()["scale"] == 1 / 65535


@pytest.mark.parametrize(("channels", "count"), [("RGB", 3), ("B02,B03", 2)])
def test_one_number_stands_for_all_channels_that_are_named(channels: str, count: int) -> None:
    spec = InputSpec.of((0.5,), (0.25,), channels=channels, raw_dtype="uint8")
    assert (spec.require("mean"), spec.require("std")) == ((0.5,) * count, (0.25,) * count)
    assert spec.mean == Known((0.5,) * count, "user, one for all channels")
    assert InputSpec.from_json({**spec.to_json(), "mean": [0.5]}).require("mean") == (0.5,) * count
    raw = torch.full((1, count, 2, 2), 255, dtype=torch.uint8)
    torch.testing.assert_close(spec.apply(raw), torch.full((1, count, 2, 2), 2.0))
