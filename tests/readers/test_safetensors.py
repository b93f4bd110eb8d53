"""Metadata of safetensors files, friendly and hostile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.safetensors import read_safetensors


def saved(tmp_path: Path, metadata: dict[str, str] | None) -> Path:
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.zeros(2, 3)}, path, metadata=metadata)
    return path


def raw(tmp_path: Path, header: bytes, length: int | None = None) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes((len(header) if length is None else length).to_bytes(8, "little") + header)
    return path


def test_tares_own_specification(tmp_path: Path) -> None:
    spec = InputSpec.of((0.5, 0.4, 0.3), (0.2, 0.2, 0.2), size=(32, 32), raw_dtype="uint8")
    assert read_safetensors(saved(tmp_path, {"tare.spec": json.dumps(spec.to_json())})).fields() == spec.fields()


@pytest.mark.parametrize("mean", ["[0.5, 0.4, 0.3]", "0.5, 0.4, 0.3", "(0.5, 0.4, 0.3)"])
def test_a_pair_of_constants_says_nothing_of_scale(tmp_path: Path, mean: str) -> None:
    path = saved(tmp_path, {"mean": mean, "std": "[0.2, 0.2, 0.2]", "format": "pt"})
    spec = read_safetensors(path)
    assert spec.mean == Known((0.5, 0.4, 0.3), f"metadata of {path}, key 'mean'")
    assert isinstance(spec.scale, Unknown)
    assert isinstance(spec.channels, Unknown)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "found neither; name"),
        ({"format": "pt"}, "found the keys format"),
        ({"mean": "bright", "std": "1"}, "expected JSON as 'mean'"),
        ({"mean": "1", "std": "0"}, "expected a valid 'std'"),
        ({"mean": "[NaN]", "std": "1"}, "expected a valid 'mean'"),
        ({"tare.spec": "{"}, "expected JSON as tare.spec"),
        ({"tare.spec": "[" * 100_000}, "expected JSON as tare.spec"),
        ({"tare.spec": "{}"}, "with schema 'tare.spec/2'"),
    ],
)
def test_metadata_that_states_nothing_or_nonsense(tmp_path: Path, metadata: dict[str, str] | None, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read_safetensors(saved(tmp_path, metadata))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "length", "message"),
    [
        (b"", None, "a header of safetensors"),
        (b"{}", 1 << 62, "a header of safetensors"),
        (b"\xff\xfe", None, "a readable safetensors file"),
        (b"[1]", None, "found list"),
        (b"{{", None, "expected JSON"),
        (b'{"__metadata__": [1]}', None, "as an object"),
    ],
)
def test_headers_that_lie(tmp_path: Path, header: bytes, length: int | None, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        read_safetensors(raw(tmp_path, header, length))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="a readable safetensors file"):
        read_safetensors(tmp_path / "none.safetensors")


def test_read_spec_finds_the_reader(tmp_path: Path) -> None:
    from tare.readers.table import read_spec

    assert read_spec(saved(tmp_path, {"mean": "0.5", "std": "0.2"})).require("mean") == (0.5,)


def test_pairs_of_other_constants_are_refused_with_the_list(tmp_path: Path) -> None:
    stated = {"mean": "[0.5, 0.4]", "std": "0.2"}
    with pytest.raises(SpecError, match=r"one mean and std in .*norm_mean \[0\.1, 0\.4\]"):
        read_safetensors(saved(tmp_path, {**stated, "norm_mean": "0.1, 0.4", "norm_std": "0.2"}))
    assert read_safetensors(saved(tmp_path, {**stated, "norm_mean": "0.5, 0.4", "norm_std": "0.2"})).require("mean") == (0.5, 0.4)
