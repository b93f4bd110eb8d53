from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tare.datasets.options import LabelOptions
from tare.datasets.split import open_split
from tare.datasets.volumes.files import files_below, volumes_among
from tests.sources.volumes.test_dicom import ct


def test_a_folder_of_volumes_lists_nifti_files_and_the_series_of_each_folder(tmp_path: Path) -> None:
    pytest.importorskip("pydicom", reason="reads DICOM series (pip install 'tare[medical]')")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        ct(tmp_path / name, 3, "1.2.3")
    (tmp_path / "a" / "scan.nii.gz").write_bytes(b"")
    (tmp_path / "a" / "notes.txt").write_text("no volume")
    found = list(files_below(tmp_path, "volume"))
    assert sorted(map(len, found)) == [1, 3, 3]
    assert found == list(volumes_among(sorted(str(path) for path in tmp_path.glob("*/*"))))


def test_the_clips_of_a_folder_are_single_files(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.avi", "c.png"):
        (tmp_path / name).write_bytes(b"")
    assert list(files_below(tmp_path, "clip")) == [(str(tmp_path / name),) for name in ("a.mp4", "b.avi")]
    assert list(files_below(tmp_path / "none", "clip")) == []
    assert np.size(list(files_below(tmp_path, "volume"))) == 0


def test_spacings_that_differ_between_training_volumes_are_told(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel", reason="reads NIfTI (pip install 'tare[medical]')")
    for label, name in enumerate(("air", "bone")):
        (tmp_path / name).mkdir()
        for index in range(4):
            affine = np.diag([1, 1, 1 + label, 1])
            nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4), np.int16), affine), tmp_path / name / f"{index}.nii")
    (remark,) = open_split(LabelOptions(tmp_path), 0, "volume").remarks
    assert remark.startswith(
        "2 voxel spacings in the training volumes, such as 1 x 1 x 1 and 1 x 1 x 2: volumes are not resampled"
    )


def test_training_volumes_whose_axes_point_to_several_sides_are_said_not_to_be_turned(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel", reason="reads NIfTI (pip install 'tare[medical]')")
    from tare.datasets.volumes.files import spacing_remarks

    places = []
    for number, first in enumerate((1.0, -1.0, 1.0)):
        places.append(str(tmp_path / f"{number}.nii"))
        nibabel.save(nibabel.Nifti1Image(np.zeros((4, 5, 6), np.int16), np.diag([first, 1.0, 1.0, 1.0])), places[-1])
    (told,) = spacing_remarks(places)
    assert told == "axes LAS and RAS in the training volumes: volumes are not turned, so the same side is at two ends"
    assert spacing_remarks(places[::2]) == ()
