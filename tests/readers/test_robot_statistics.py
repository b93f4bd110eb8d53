"""Statistics of robot policies: LeRobot's and openpi's files, of the shape in which they are published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.robot_statistics import read_lerobot, read_openpi, read_openpi_document

STATE: dict[str, Any] = {
    "min": [-5.47, -99.32, 0.5],
    "max": [13.13, 3.25, 0.5],
    "mean": [3.41, -56.15, 0.5],
    "std": [4.3, 43.52, 0.0],
    "count": [5975],
    "q01": [-1.5, -99.17, 0.5],
    "q10": [-1.28, -99.0, 0.5],
    "q90": [8.4, -0.63, 0.5],
    "q99": [11.0, 2.9, 0.5],
}
IMAGE = {"mean": [[[0.49]], [[0.46]], [[0.45]]], "std": [[[0.23]], [[0.22]], [[0.21]]], "count": [2039]}
LEROBOT = {"action": STATE, "observation.state": STATE, "observation.images.top": IMAGE, "index": {"mean": [1.0], "std": [1.0]}}
OPENPI = {"norm_stats": {"state": {key: STATE[key] for key in ("mean", "std", "q01", "q99")}, "actions": STATE}}


@pytest.fixture
def lerobot(tmp_path: Path) -> Path:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "stats.json").write_text(json.dumps(LEROBOT))
    return tmp_path


@pytest.fixture
def openpi(tmp_path: Path) -> Path:
    (tmp_path / "norm_stats.json").write_text(json.dumps(OPENPI))
    return tmp_path


def normalised(spec: InputSpec, values: Any) -> Any:
    return spec.affine().apply(np.asarray(values, np.float64))


X = np.array([[1.0, -20.0, 0.6], [4.0, -99.0, 0.5]])


def column(key: str) -> Any:
    return np.asarray(STATE[key])


def test_lerobot_divides_as_its_normaliser_does(lerobot: Path) -> None:
    """normalize_processor.py: eps is added to a std, and replaces a span of zero."""
    z = (X - column("mean")) / (column("std") + 1e-8)
    assert np.allclose(normalised(read_lerobot(str(lerobot)), X), z)
    for mode, low, high in (("min_max", "min", "max"), ("quantile", "q01", "q99"), ("quantile10", "q10", "q90")):
        span = column(high) - column(low)
        expected = 2 * (X - column(low)) / np.where(span == 0, 1e-8, span) - 1
        assert np.allclose(normalised(read_lerobot(f"{lerobot}#action:{mode}"), X), expected)


def test_openpi_adds_an_epsilon_everywhere(openpi: Path) -> None:
    """transforms.py: std + 1e-6, and q99 - q01 + 1e-6."""
    assert np.allclose(normalised(read_openpi(str(openpi)), X), (X - column("mean")) / (column("std") + 1e-6))
    span = column("q99") - column("q01") + 1e-6
    found = read_openpi(f"{openpi}/norm_stats.json#state:quantile")
    assert np.allclose(normalised(found, X), (X - column("q01")) / span * 2 - 1)


def test_a_vector_says_what_it_is(lerobot: Path) -> None:
    spec = read_lerobot(str(lerobot / "meta" / "stats.json"))
    assert spec.channels == Known("c0,c1,c2", f"{lerobot}/meta/stats.json, observation.state: a vector of 3")
    assert isinstance(spec.mean, Known)
    assert spec.mean.origin == f"{lerobot}/meta/stats.json, observation.state, keys 'mean' and 'std' (mean_std)"
    assert spec.size == Unknown("a vector has no size")
    assert InputSpec.from_json(spec.to_json()).equivalent(spec)


def test_images_are_unit_values(lerobot: Path) -> None:
    spec = read_lerobot(f"{lerobot}#observation.images.top")
    assert isinstance(spec.mean, Known)
    assert "lerobot-train takes ImageNet's mean and std instead" in spec.mean.origin
    assert normalised(spec, [[255.0, 0.0, 0.0]])[0] == pytest.approx([(1 - 0.49) / 0.23, -0.46 / 0.22, -0.45 / 0.21])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("#observation.velocity", "expected the feature 'observation.velocity'"),
        ("#action:z", "expected a mode mean_std, min_max, quantile, quantile10, found 'z'"),
        ("#index:quantile", "expected the key 'q01'"),
        ("/nowhere.json", "expected a readable JSON spec file"),
    ],
)
def test_what_is_not_there_is_refused(lerobot: Path, name: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        read_lerobot(f"{lerobot}{name}")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"mean": [1.0], "std": [float("nan")]}, "finite numbers as 'std'"),
        ({"mean": [1.0], "std": [-1.0]}, "a positive spread"),
        ({"mean": [1.0, 2.0], "std": [1.0]}, "found 2 and 1"),
        ({"mean": "1", "std": [1.0]}, "finite numbers as 'mean'"),
        ({"mean": [[[[1.0]]]], "std": [1.0]}, "finite numbers as 'mean'"),
        ({"mean": [], "std": []}, "finite numbers as 'mean'"),
        ([1, 2], "expected the feature"),
    ],
)
def test_malformed_statistics_are_one_line(tmp_path: Path, state: Any, message: str) -> None:
    path = tmp_path / "stats.json"
    path.write_text(json.dumps({"observation.state": state}))
    with pytest.raises(SpecError, match=message) as caught:
        read_lerobot(str(path))
    assert "\n" not in str(caught.value)


def test_openpi_without_its_outer_object_is_refused(tmp_path: Path) -> None:
    (tmp_path / "norm_stats.json").write_text(json.dumps(OPENPI["norm_stats"]))
    with pytest.raises(SpecError, match="expected an object 'norm_stats'"):
        read_openpi(str(tmp_path))


def test_read_spec_finds_the_reader(lerobot: Path, openpi: Path) -> None:
    from tare.readers.table import read_spec

    by_prefix = [read_spec(f"lerobot:{lerobot}"), read_spec(f"openpi:{openpi}#actions")]
    by_content = [read_spec(lerobot / "meta" / "stats.json"), read_spec(openpi / "norm_stats.json"), read_spec(LEROBOT)]
    assert all(spec.require("channels") == "c0,c1,c2" for spec in [*by_prefix, *by_content])


def test_each_timestep_keeps_its_name(tmp_path: Path) -> None:
    low, high = np.arange(6.0).reshape(3, 2), np.arange(6.0).reshape(3, 2) + 2
    actions: dict[str, Any] = {"mean": low.tolist(), "std": high.tolist(), "q01": low.tolist(), "q99": high.tolist()}
    (tmp_path / "norm_stats.json").write_text(json.dumps({"norm_stats": {"actions": actions}}))
    spec = read_openpi(f"{tmp_path}#actions")
    assert spec.require("channels") == "t0.c0,t0.c1,t1.c0,t1.c1,t2.c0,t2.c1"
    assert isinstance(spec.layout, Unknown)
    assert "3 timesteps of 2: each timestep has constants of its own" in spec.layout.reason
    chunk = np.linspace(-1, 1, 6).reshape(3, 2)
    assert np.allclose(normalised(spec, chunk.reshape(1, 6)).reshape(3, 2), (chunk - low) / (high + 1e-6))
    quantile = read_openpi(f"{tmp_path}#actions:quantile")
    assert np.allclose(normalised(quantile, chunk.reshape(1, 6)).reshape(3, 2), (chunk - low) / (2 + 1e-6) * 2 - 1)
    assert InputSpec.from_json(spec.to_json()) == spec
    actions["std"] = [[1.0], [1.0, 2.0]]
    (tmp_path / "norm_stats.json").write_text(json.dumps({"norm_stats": {"actions": actions}}))
    with pytest.raises(SpecError, match="as many dimensions at each timestep of 'std'"):
        read_openpi(f"{tmp_path}#actions")
    actions["std"] = [1.0] * 6
    (tmp_path / "norm_stats.json").write_text(json.dumps({"norm_stats": {"actions": actions}}))
    with pytest.raises(SpecError, match="as many 'mean' as 'std'"):
        read_openpi(f"{tmp_path}#actions")


def test_constant_dimensions_are_named(lerobot: Path) -> None:
    spec = read_lerobot(str(lerobot))
    assert spec.extra == {"constant_dimensions": ["c2"]}
    assert isinstance(spec.std, Known)
    assert spec.std.origin.endswith("(mean_std); constant: c2, which LeRobot divides by its epsilon alone")
    assert read_lerobot(f"{lerobot}#action:quantile").extra == {"constant_dimensions": ["c2"]}
    assert read_lerobot(f"{lerobot}#observation.images.top").extra == {}
    assert InputSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize("names", [["pan", "lift", "grip"], {"motors": ["pan", "lift", "grip"]}])
def test_dimensions_are_named_by_info(lerobot: Path, names: Any) -> None:
    from tare.readers.table import read_spec

    info = {"features": {"action": {"dtype": "float32", "shape": [3], "names": names}}}
    (lerobot / "meta" / "info.json").write_text(json.dumps(info))
    spec = read_lerobot(f"{lerobot}#action:quantile")
    assert spec.require("channels") == "pan,lift,grip"
    assert spec.extra == {"constant_dimensions": ["grip"]}
    assert read_spec(f"{lerobot}/meta/stats.json#action:quantile") == spec
    assert read_lerobot(str(lerobot)).require("channels") == "c0,c1,c2"


@pytest.mark.parametrize(
    "names", [["a", "a", "b"], ["a", "b"], ["a,b", "c", "d"], [1, 2, 3], {"x": ["a"], "y": ["b"]}, None, ["", "a", "b"]]
)
def test_names_that_do_not_fit_are_left_out(lerobot: Path, names: Any) -> None:
    (lerobot / "meta" / "info.json").write_text(json.dumps({"features": {"action": {"names": names}}}))
    assert read_lerobot(f"{lerobot}#action").require("channels") == "c0,c1,c2"


def test_a_long_chunk_is_read_back() -> None:
    """50 timesteps of 14 joints, as openpi trains on."""
    actions = {"mean": [[0.5] * 14] * 50, "std": [[2.0] * 14] * 50}
    spec = read_openpi_document({"norm_stats": {"actions": actions}}, "norm_stats.json", "actions")
    assert len(spec.require("channels").split(",")) == 700
    assert InputSpec.from_json(spec.to_json()) == spec


def of_feature(tmp_path: Path, feature: str, mean: Any, std: Any) -> InputSpec:
    (tmp_path / "stats.json").write_text(json.dumps({feature: {"mean": mean, "std": std}, "action": STATE}))
    return read_lerobot(f"{tmp_path / 'stats.json'}#{feature}")


@pytest.mark.parametrize("feature", ["observation.image_pos", "observation.imagery", "observation.state.image_x"])
def test_a_vector_whose_name_begins_like_an_image_is_a_vector(tmp_path: Path, feature: str) -> None:
    spec = of_feature(tmp_path, feature, [10.0, 20.0, 30.0], [1.0, 2.0, 3.0])
    assert spec.require("layout") == "NC"
    assert spec.require("scale") == 1.0
    assert spec.require("channels") == "c0,c1,c2"


@pytest.mark.parametrize("feature", ["observation.image", "observation.images.top"])
def test_an_image_of_a_flat_list_is_one_by_its_name(tmp_path: Path, feature: str) -> None:
    assert of_feature(tmp_path, feature, [0.5] * 3, [0.2] * 3).require("channels") == "RGB"


@pytest.mark.parametrize("count", [2, 4, 6])
def test_an_image_of_other_channels_is_no_vector_and_has_no_known_scale(tmp_path: Path, count: int) -> None:
    spec = of_feature(tmp_path, "observation.images.rgbd", [[[0.5]]] * count, [[[0.2]]] * count)
    assert (spec.require("layout"), spec.require("mean")) == ("NCHW", (0.5,) * count)
    assert isinstance(spec.scale, Unknown)
    assert f"an image of {count} channels" in spec.scale.reason
    assert isinstance(spec.raw_dtype, Unknown)


@pytest.mark.parametrize(("mean", "std", "largest"), [(120.0, 60.0, 255), (20_000.0, 9000.0, 65535)])
def test_statistics_of_code_values_are_not_stated_with_the_scale_of_unit_values(
    tmp_path: Path, mean: float, std: float, largest: int
) -> None:
    spec = of_feature(tmp_path, "observation.images.top", [[[mean]]] * 3, [[[std]]] * 3)
    assert isinstance(spec.scale, Unknown)
    assert f"statistics of 0..{largest} values" in spec.scale.reason
