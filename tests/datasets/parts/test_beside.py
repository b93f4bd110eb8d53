"""Parts that arrays, tensors and lists beside the samples state, in the formats that hold several arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tare

VALUES = np.random.default_rng(0).normal(size=(30, 4))
WORDS = ["train"] * 20 + ["test"] * 10
MARKS = np.array([0] * 20 + [1] * 10)


def pt(folder: Path, name: str, values: object) -> Path:
    torch = pytest.importorskip("torch")
    kept = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
    torch.save({"x": torch.from_numpy(VALUES), "epoch": 3, name: kept}, folder / "a.pt")
    return folder / "a.pt"


def safetensors(folder: Path, name: str, values: object) -> Path:
    library = pytest.importorskip("safetensors.numpy")
    library.save_file({"x": VALUES, name: np.asarray(values), "long": np.zeros(31)}, folder / "a.safetensors")
    return folder / "a.safetensors"


def mat(folder: Path, name: str, values: object) -> Path:
    scipy = pytest.importorskip("scipy.io")
    scipy.savemat(folder / "a.mat", {"x": VALUES, name: values, "note": "of one word"})
    return folder / "a.mat"


def mat73(folder: Path, name: str, values: object) -> Path:
    with pytest.importorskip("h5py").File(folder / "a.mat", "w") as file:
        file["x"], file[name] = VALUES.T, np.asarray(values)[None]
    return folder / "a.mat"


@pytest.mark.parametrize(
    ("make", "name", "values"),
    [
        (pt, "split", WORDS),
        (pt, "is_test", MARKS.astype(bool)),
        (safetensors, "is_test", MARKS),
        (mat, "split", np.array(WORDS)),
        (mat, "split", np.array(WORDS, dtype=object)),  # cells
        (mat, "is_test", MARKS),
        (mat73, "is_test", MARKS),
    ],
)
def test_parts_beside_a_named_array_are_told(
    tmp_path: Path, make: Callable[[Path, str, object], Path], name: str, values: object
) -> None:
    stats = tare.measure(f"{make(tmp_path, name, values)}#x", layout="NC", workers=1)
    (told,) = [each for each in stats.extra["remarks"] if "counted as one" in each]
    assert told.startswith(f"column {name!r}: train and test are counted as one")
    assert stats.samples == 30


@pytest.mark.parametrize("make", [pt, safetensors, mat, mat73])
def test_what_lies_beside_an_array_and_states_no_parts_is_passed_over(
    tmp_path: Path, make: Callable[[Path, str, object], Path]
) -> None:
    for name, values in (("weight", MARKS), ("is_test", MARKS[:-1])):  # the second is of other samples
        stats = tare.measure(f"{make(tmp_path, name, values)}#x", layout="NC", workers=1)
        assert not any("counted as one" in each for each in stats.extra.get("remarks", ()))
