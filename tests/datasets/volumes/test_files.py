from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

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
