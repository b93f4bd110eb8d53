from __future__ import annotations

import re
from typing import Any

import pytest
import timm
from benchmarks.conformance.results import distance, picture
from packaging.version import Version
from timm.data import create_transform, resolve_data_config

from tare.errors import SpecError
from tare.input_spec.spec import Crop, InputSpec, Known, Unknown

CONFIG: dict[str, Any] = {
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
    "input_size": (3, 224, 192),
    "interpolation": "bicubic",
    "crop_pct": 0.875,
    "crop_mode": "center",
}


def spec(**changes: Any) -> InputSpec:
    return InputSpec.from_timm({**CONFIG, **changes}, "cfg")


@pytest.mark.parametrize("mode", ["center", "squash", "border"])
@pytest.mark.parametrize("size", [(3, 64, 64), (3, 64, 48), (1, 28, 28)])
def test_what_is_read_is_written_and_timm_makes_the_same_of_it(mode: str, size: tuple[int, int, int]) -> None:
    constants = {"mean": (0.4,), "std": (0.2,)} if size[0] == 1 else {}
    mine = spec(crop_mode=mode, input_size=size, **constants)
    written = mine.to_timm()
    assert InputSpec.from_timm(written, "cfg") == mine
    # Before 1.0.31 timm resized to sizes that are not square with the wrong interpolation.
    if size[0] == 3 and (size[1] == size[2] or mode != "center" or Version(timm.__version__) >= Version("1.0.31")):
        image = picture(97, 131)
        assert (
            distance(mine.transform()(image), create_transform(**resolve_data_config({}, pretrained_cfg=written))(image)) < 1e-6
        )


def test_a_spec_in_raw_values_is_written_in_unit_values() -> None:
    raw = InputSpec.of(
        [123.675, 116.28, 103.53],
        [58.395, 57.12, 57.375],
        scale=1.0,
        size=(224, 224),
        interpolation="bilinear",
        crop=Crop("squash", 1.0),
        raw_dtype="uint8",
    )
    written = raw.to_timm()
    assert written["mean"] == pytest.approx((0.485, 0.456, 0.406))
    assert raw.equivalent(InputSpec.from_timm(written))


@pytest.mark.parametrize(("edge", "size"), [(232, 224), (256, 224), (235, 224), (438, 384), (24, 10)])
def test_a_stated_edge_becomes_a_fraction_that_gives_it_back(edge: int, size: int) -> None:
    crop = Crop("center", size / edge, (edge,))
    written = InputSpec.of(
        [0.5] * 3, [0.5] * 3, size=(size, size), interpolation="bilinear", crop=crop, raw_dtype="uint8"
    ).to_timm()
    assert InputSpec.from_timm(written).require("crop").resized((size, size)) == (edge,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": Known("BGR", "x")}, r"expected channels RGB or L, .* a timm pretrained_cfg can state, found 'BGR'"),
        ({"layout": Known("NHWC", "x")}, "expected layout NCHW, .* found 'NHWC'"),
        ({"raw_dtype": Known("uint16", "x")}, "expected raw_dtype uint8, .* found 'uint16'"),
        ({"antialias": Known(False, "x")}, "expected antialias True"),
        ({"interpolation": Known("nearest-exact", "x")}, "expected interpolation nearest or "),
        ({"crop": Known(Crop("none", 1.0), "x")}, "expected a crop mode that timm has"),
        ({"crop": Known(Crop("squash", 1.0, (300, 500)), "x")}, r"floor\(size / crop_pct\), .*300 x 500 for 224 x 192"),
        ({"mean": Unknown("nobody")}, "expected a known mean to write a timm pretrained_cfg, found it is unknown: nobody"),
        ({"size": Unknown("nobody")}, "expected a known size"),
        ({"crop": Unknown("nobody")}, "expected a known crop"),
        ({"scale": Unknown("nobody")}, "expected a known scale"),
    ],
)
def test_what_timm_cannot_state_is_refused(changes: dict[str, Any], message: str) -> None:
    from dataclasses import replace

    with pytest.raises(SpecError, match=message) as caught:
        replace(spec(), **changes).to_timm()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean": "0.5"}, r"a valid 'mean' \(cfg, key 'mean'\), found '0.5' \(not a list"),
        ({"mean": [float("nan")] * 3}, "not a finite number"),
        ({"std": [0, 1, 1]}, "a std is positive"),
        ({"std": [1e400] * 3}, "not a finite number"),
        ({"input_size": 224}, "expected channels, height and width"),
        ({"input_size": [3, -1, 224]}, "height and width are positive integers"),
        ({"input_size": [3, 1 << 40, 224]}, "height and width are positive integers"),
        ({"interpolation": "random"}, "a valid 'interpolation'"),
        ({"crop_pct": "all"}, "a valid 'crop'"),
        ({"crop_pct": 0.0}, "a crop's fraction is positive"),
        ({"crop_mode": "fancy"}, "a valid 'crop'"),
        ({"mean": list(range(1 << 17))}, "one number per channel"),
    ],
)
def test_a_hostile_configuration_is_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        spec(**changes)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_no_mapping_is_refused() -> None:
    with pytest.raises(SpecError, match="expected a mapping as pretrained_cfg of cfg, found list"):
        InputSpec.from_timm([], "cfg")


def test_what_the_library_fixes_is_known_and_says_so() -> None:
    read = InputSpec.from_timm({}, "cfg")
    for name, value in {"raw_dtype": "uint8", "layout": "NCHW", "dtype": "float32", "antialias": True, "scale": 1 / 255}.items():
        field = getattr(read, name)
        assert isinstance(field, Known)
        assert (field.value, field.origin.partition(":")[0]) == (value, "timm's transforms")


#: Six bands of a satellite, in units that nobody states.
BANDS: dict[str, Any] = {
    "mean": [1087.0, 1342.0, 1433.0, 2734.0, 1958.0, 1363.0],
    "std": [2248.0, 2179.0, 2178.0, 1850.0, 1242.0, 1049.0],
    "bands": ["B02", "B03", "B04", "B05", "B06", "B07"],
    "img_size": 224,
    "in_chans": 6,
}
NOT_SAID = ("scale", "raw_dtype", "layout", "dtype", "antialias")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (BANDS, "constants up to 2734, which are not of unit values; it does not state their scale"),
        ({**CONFIG, "mean": (123.675, 116.28, 103.53), "std": (58.4, 57.1, 57.4)}, "up to 123.675, .* look like 0..255 values"),
        (
            {**CONFIG, "mean": (-12.5, -20.3), "std": (5.2, 5.8), "input_size": (2, 64, 64)},
            r"up to 20.3, which are not of unit values;",
        ),
        ({**CONFIG, "bands": ["B04", "B03", "B02"]}, "names bands, and neither the type of their raw values nor a scale"),
        ({**CONFIG, "input_size": (4, 64, 64)}, "states 4 channels, and timm's transforms make 1 or 3"),
        ({**CONFIG, "in_chans": 13}, "states 13 channels, and timm's transforms make 1 or 3"),
        ({"std": (57.0,)}, "constants up to 57, which are not of unit values"),
    ],
)
def test_eight_bits_are_not_stated_where_the_configuration_speaks_against_them(config: dict[str, Any], reason: str) -> None:
    read = InputSpec.from_timm(config, "cfg")
    for name in NOT_SAID:
        field = getattr(read, name)
        assert isinstance(field, Unknown), name
        assert re.search(reason, field.reason), field.reason
    assert read.affine_if_known() is None
    assert "255 values" not in read.describe() or "look like 0..255" in read.describe()
    if "mean" in config:
        assert read.require("mean") == tuple(config["mean"])


def test_bands_name_the_channels_and_the_constants_are_shown() -> None:
    read = InputSpec.from_timm(BANDS, "cfg")
    assert read.channels == Known("B02,B03,B04,B05,B06,B07", "cfg, key 'bands'")
    assert read.size == Known((224, 224), "cfg, key 'img_size'")
    assert "value     unknown, as scale is; the constants that are stated:\n  B02     mean 1087, std 2248" in read.describe()
    assert "scaled to [0, 1]" not in read.describe()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bands": "B02"}, "expected a list of names"),
        ({"bands": ["B02"] * 6}, "the channel 'B02' is named twice"),
        ({"bands": ["B02", "B03"]}, "as many channels as cfg, key 'bands', 2, found 6"),
        ({"img_size": "big"}, "height and width are positive integers"),
    ],
)
def test_malformed_bands_are_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        InputSpec.from_timm({**BANDS, **changes}, "cfg")
    assert "\n" not in str(caught.value)


def test_no_configuration_that_timm_ships_loses_its_eight_bits() -> None:
    from timm.models import get_pretrained_cfg, list_models

    configs = [get_pretrained_cfg(name) for name in list_models(pretrained=True)]
    read = [InputSpec.from_timm(config.to_dict(), "cfg") for config in configs if config is not None]
    assert len(read) > 500
    assert [spec.raw_dtype for spec in read if isinstance(spec.raw_dtype, Unknown)] == []
