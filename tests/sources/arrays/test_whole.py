"""Data that state which values mean no data, as every command but `tare measure` takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tare
from tare.datasets.opening import open_labelled
from tare.errors import DataError
from tare.samples.records import Skipped
from tare.sources.options import Options
from tare.studying.tasks.subject import subject_of

h5py = pytest.importorskip("h5py", reason="writes HDF5 files (pip install 'tare[science]')")
RNG = np.random.default_rng(3)


@pytest.fixture
def stored(tmp_path: Path) -> tuple[str, NDArray[np.int16]]:
    """Thirty images, of which the first two hold the value that means no data."""
    images = RNG.integers(0, 200, (30, 6, 7, 3)).astype("int16")
    images[:2, 0] = -999
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", data=images).attrs["_FillValue"] = np.int16(-999)
        file.create_dataset("rows", data=images[:, 0, 0]).attrs["_FillValue"] = np.int16(-999)
        file.create_dataset("labels", data=np.arange(30) % 2)
    return str(tmp_path / "a.h5"), images


@pytest.mark.parametrize("array", ["images", "rows"])
def test_samples_with_values_that_mean_no_data_are_left_out_of_training(
    stored: tuple[str, NDArray[np.int16]], array: str
) -> None:
    place, images = stored
    samples, _ = open_labelled(place, Options(array=array), "labels")
    assert samples.labels == ("0", "1") * 15
    read: list[Any] = [samples.read(index) for index in range(30)]
    assert [isinstance(each, Skipped) for each in read] == [True, True] + [False] * 28
    np.testing.assert_array_equal(np.stack(read[2:]), images[2:] if array == "images" else images[2:, 0, 0])


def test_a_study_names_such_a_sample_and_a_reference_counts_none_of_these_values(stored: tuple[str, NDArray[np.int16]]) -> None:
    place, _ = stored
    with pytest.raises(DataError, match=r"a.h5#images\[0\]': 16.67% of its values mean no data"):
        subject_of(place, "images")
    assert tare.Reference.of(f"{place}#images").taking.nodata == (-999.0,)
    assert tare.Reference.of(f"{place}#images", nodata=0).taking.nodata == (0.0, -999.0)
