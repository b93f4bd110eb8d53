"""Ultralytics's arguments and metadata, of the shape in which the library writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Unknown
from tare.readers.table import read_spec

ARGS = {"task": "detect", "mode": "train", "model": "yolo11n.pt", "imgsz": 640, "overlap_mask": True, "close_mosaic": 10}
PIXELS = np.array([[255.0, 0.0, 100.0]])


def read(tmp_path: Path, text: str, name: str = "model.yml", part: str = "") -> InputSpec:
    (tmp_path / name).write_text(text)
    return read_spec(f"{tmp_path / name}{part}")


def test_ultralytics_divides_by_255(tmp_path: Path) -> None:
    metadata = {"author": "Ultralytics", "task": "segment", "imgsz": [480, 640], "batch": 1, "names": {0: "a"}}
    for document, size in ((ARGS, (640, 640)), (metadata, (480, 640))):
        spec = read(tmp_path, json.dumps(document), "args.yaml")
        assert np.allclose(spec.affine().apply(PIXELS), PIXELS / 255)
        assert (spec.require("channels"), spec.require("size"), spec.require("raw_dtype")) == ("RGB", size, "uint8")
        assert isinstance(spec.crop, Unknown)
        assert "letterbox" in spec.crop.reason
        assert InputSpec.from_json(spec.to_json()) == spec


def test_ultralytics_where_the_file_does_not_say(tmp_path: Path) -> None:
    assert isinstance(read(tmp_path, json.dumps(ARGS | {"task": "classify"}), "args.yaml").mean, Unknown)
    many = read(tmp_path, json.dumps(ARGS | {"channels": 10}), "args.yaml")
    assert isinstance(many.raw_dtype, Unknown)
    assert isinstance(many.scale, Unknown)
    with pytest.raises(SpecError, match="with the keys task"):
        read(tmp_path, "task: detect\nmode: train\n", "args.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"imgsz": "big"}, "a valid 'size'"), ({"imgsz": [1, 2, 3]}, "a valid 'size'"), ({"imgsz": -1}, "a valid 'size'"),
     ({"channels": "3"}, "a number of channels"), ({"channels": 10**9}, "a number of channels")],
)  # fmt: skip
def test_malformed_arguments_are_one_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        read(tmp_path, json.dumps(ARGS | changes), "args.yaml")
