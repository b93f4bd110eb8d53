"""DICOM as samples of training, against NumPy on the same arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tare
from tare.samples.records import Skipped
from tare.sources.volumes.dicom_whole import dicom_image, is_named_dicom, series_in, whole_series
from tests.sources.volumes.test_dicom import HU, ct, write

pytest.importorskip("pydicom", reason="reads DICOM series (pip install 'tare[medical]')")


def _reason(found: Any) -> str:
    assert isinstance(found, Skipped)
    return found.reason


def test_a_series_has_the_axes_that_dcm2niix_writes(tmp_path: Path) -> None:
    volume = ct(tmp_path, 5, **HU).astype(int) - 1024
    (files,) = series_in(sorted(map(str, tmp_path.iterdir())))
    found = whole_series(files)
    assert isinstance(found, np.ndarray)
    assert found.shape == (9, 8, 5, 1)
    assert found.dtype == np.int32
    # x as in a row, y from the last row to the first, z along the normal: compared with dcm2niix 1.0.20250506 once
    np.testing.assert_array_equal(found[..., 0], volume.transpose(2, 1, 0)[:, ::-1])


def test_the_series_of_a_folder_are_told_apart_and_what_is_no_image_is_left_out(tmp_path: Path) -> None:
    ct(tmp_path, 3, "1.2.3")
    ct(tmp_path, 4, "1.2.4")
    write(tmp_path / "report", None, series="1.2.9")
    groups = list(series_in(sorted(str(path) for path in tmp_path.iterdir())))
    assert sorted(map(len, groups)) == [3, 4]
    assert all(is_named_dicom(path) for group in groups for path in group)


def test_padding_gets_the_lowest_value_of_the_others(tmp_path: Path) -> None:
    values = np.array([[-2000, 10], [20, 30]], np.int16)
    path = write(tmp_path / "a.dcm", values, PixelPaddingValue=-2000, **HU)
    found = dicom_image(str(path))
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found[..., 0], np.array([[10, 10], [20, 30]]) - 1024)


@pytest.mark.parametrize(("dtype", "bits", "top"), [("uint16", 12, 4095), ("uint8", 8, 255), ("int16", 16, -1)])
def test_low_is_dark_in_every_file(tmp_path: Path, dtype: str, bits: int, top: int) -> None:
    values = np.arange(12).reshape(3, 4).astype(dtype)
    stated: dict[str, Any] = {"BitsStored": bits, "HighBit": bits - 1}
    plain = write(tmp_path / "a.dcm", values, **stated)
    low_is_white = (top - values.astype(int)).astype(dtype)
    inverted = write(tmp_path / "b.dcm", low_is_white, PhotometricInterpretation="MONOCHROME1", **stated)
    first, second = dicom_image(str(plain)), dicom_image(str(inverted))
    assert isinstance(first, np.ndarray)
    assert isinstance(second, np.ndarray)
    np.testing.assert_array_equal(first, second)
    assert first.dtype == second.dtype == dtype


def test_what_is_no_image_or_no_volume_says_why(tmp_path: Path) -> None:
    many = np.zeros((3, 8, 9), np.uint16)
    frames = write(tmp_path / "a.dcm", many[0], NumberOfFrames=3, PixelData=many.tobytes())
    assert "3 frames, a volume" in _reason(dicom_image(str(frames)))
    found = whole_series((str(frames),))
    assert isinstance(found, np.ndarray)
    assert found.shape == (9, 8, 3, 1)
    other = write(tmp_path / "b.dcm", np.zeros((8, 7), np.uint16), number=2)
    assert "slices of" in _reason(whole_series((str(frames), str(other))))
    assert "no pixel data" in _reason(dicom_image(str(write(tmp_path / "c.dcm", None))))
    looks = [write(tmp_path / f"{k}.dcm", many[0], number=k, PhotometricInterpretation=f"MONOCHROME{k}") for k in (1, 2)]
    assert "MONOCHROME1 and MONOCHROME2" in _reason(whole_series(tuple(map(str, looks))))


def test_two_slices_at_one_place_are_no_volume_and_are_noted_where_they_are_measured(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        for phase in "ab":
            write(tmp_path / f"{number}{phase}.dcm", np.full((4, 5), number, np.uint16), number=number)
    files = sorted(map(str, tmp_path.iterdir()))
    assert "6 slices, several of them at one place: a series of more than one volume" in _reason(whole_series(files))
    assert tare.measure(tmp_path).extra["notes"] == {"several slices at one place: copies, or more than one volume": 1}
    assert isinstance(whole_series(files[::2]), np.ndarray)


def test_a_truncated_file_is_named_with_a_reason(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.dcm", np.ones((64, 64), np.uint16))
    cut = tmp_path / "b.dcm"
    data = whole.read_bytes()
    for length in (140, 200, 400, len(data) - 100):
        cut.write_bytes(data[:length])
        assert _reason(dicom_image(str(cut)))
