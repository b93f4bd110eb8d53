"""Tensors in .safetensors and .pt files against NumPy, and a pickle that must not run."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import tare
from tare.errors import DataError

RNG = np.random.default_rng(6)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64", "bfloat16", "float16"])
def test_both_kinds_are_what_numpy_computes(tmp_path: Path, dtype: str) -> None:
    values = torch.from_numpy(RNG.integers(0, 100, (9, 3, 6, 7))).to(getattr(torch, dtype))
    save_file({"images": values}, tmp_path / "a.safetensors")
    torch.save(values, tmp_path / "a.pt")
    expected = values.double().mean(dim=(0, 2, 3)).numpy() / (255 if dtype == "uint8" else 1)
    for name in ("a.safetensors", "a.pt"):
        np.testing.assert_allclose(tare.measure(tmp_path / name).mean, expected, rtol=1e-12)


def test_one_of_several_must_be_named(tmp_path: Path) -> None:
    tensors = {"x": torch.rand(8, 3), "deep": {"y": [torch.rand(4, 2)]}, "words": "none"}
    torch.save(tensors, tmp_path / "a.pt")
    with pytest.raises(DataError, match=r"x \(8 x 3 float32\), deep.y.0 \(4 x 2 float32\), found several"):
        tare.measure(tmp_path / "a.pt")
    assert tare.measure(f"{tmp_path}/a.pt#deep.y.0").samples == 4
    save_file({"x": torch.rand(8, 3), "y": torch.rand(4, 2)}, tmp_path / "a.safetensors")
    assert tare.measure(tmp_path / "a.safetensors", array="y").samples == 4


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return Path.touch, (self.place,)


@pytest.mark.parametrize("plain", [False, True])
def test_a_pickle_of_objects_is_refused_and_not_run(tmp_path: Path, plain: bool) -> None:
    if plain:
        (tmp_path / "a.pt").write_bytes(pickle.dumps(Evil(tmp_path / "ran")))
    else:
        torch.save({"x": torch.rand(3), "evil": Evil(tmp_path / "ran")}, tmp_path / "a.pt")
    with pytest.raises(DataError, match="never unpickled") as raised:
        tare.measure(tmp_path / "a.pt")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
@pytest.mark.parametrize("kind", ["cut short", "words", "no bytes", "complex"])
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, name: str, kind: str) -> None:
    values = torch.rand(50, 3)
    values = values.to(torch.complex64) if kind == "complex" else values
    if name == "a.pt":
        torch.save(values, tmp_path / name)
    else:
        try:
            save_file({"x": values}, tmp_path / name)
        except KeyError:
            pytest.skip("this release of safetensors has no complex numbers")
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes({"cut short": data[:-150], "words": b"words " * 9, "no bytes": b"", "complex": data}[kind])
    with pytest.raises(DataError) as raised:
        tare.measure(tmp_path / name)
    assert "\n" not in str(raised.value)
