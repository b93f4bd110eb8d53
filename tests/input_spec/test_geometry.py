from __future__ import annotations

import json
from typing import Any

import pytest

from tare.input_spec.geometry import Geometry, InputGeometry, RowGeometry, SignalGeometry, geometry_from, geometry_json

ALL = (
    Geometry((32, 48), "bilinear", 0.9, "squash"),
    Geometry((224, 224), "bicubic", 224 / 232, "center", (232,), "down"),
    SignalGeometry(400, (0.25, -1.5), "float64"),
    SignalGeometry(16, None),
    RowGeometry(("size", "a,b"), "uint8"),
)


@pytest.mark.parametrize("geometry", ALL)
def test_a_geometry_survives_json(geometry: InputGeometry) -> None:
    assert geometry_from(json.loads(json.dumps(geometry_json(geometry)))) == geometry


def test_images_are_written_as_ever_and_name_no_kind() -> None:
    document = {"size": [32, 48], "interpolation": "bilinear", "crop_fraction": 0.9, "crop_mode": "squash"}
    assert geometry_json(ALL[0]) == document


@pytest.mark.parametrize(
    ("geometry", "kind", "shape"),
    list(zip(ALL, ("image", "image", "signal", "signal", "vector"), ((32, 48), (224, 224), (400,), (16,), ()), strict=True)),
)
def test_kind_and_shape(geometry: InputGeometry, kind: str, shape: tuple[int, ...]) -> None:
    assert (geometry.kind, geometry.shape) == (kind, shape)


SIGNAL = {"kind": "signal", "length": 8, "pad": [0.0], "raw_dtype": "float32"}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"kind": "signal"},
        {"kind": "smell"},
        {"size": [1]},
        {"size": [8, 8], "resize": [0]},
        {"size": [8, 8], "offset": "sideways"},
        {"kind": "vector", "rows": 3},
        {"kind": "vector", "columns": 3, "raw_dtype": "float64"},
        {"kind": "vector", "columns": ["a", 1], "raw_dtype": "float64"},
        *(SIGNAL | change for change in ({"length": "8"}, {"length": 0}, {"pad": ["x"]}, {"pad": 1.0}, {"raw_dtype": "loud"})),
    ],
)
def test_what_is_malformed_is_no_geometry(document: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        geometry_from(document)
