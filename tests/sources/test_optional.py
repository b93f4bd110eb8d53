"""A format whose library is missing is refused in one line that names the extra, and nothing else is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tare
from tare.errors import MissingDependencyError

LIBRARIES = {
    "a.nii.gz": ("nibabel", "medical"),
    "a.dcm": ("pydicom", "medical"),
    "a.bsq": ("rasterio", "geo"),
    "a.flac": ("soundfile", "audio"),
    "a.mp4": ("av", "video"),
    "a.h5": ("h5py", "science"),
    "a.tfrecord": ("google_crc32c", "science"),
    "a.duckdb": ("duckdb", "tables"),
    "a.xlsx": ("fastexcel", "tables"),
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_line_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    library, extra = LIBRARIES[name]
    monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(MissingDependencyError, match=rf"pip install 'tare\[{extra}\]'") as raised:
        tare.measure(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_every_extra_is_declared() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    for library, extra in LIBRARIES.values():
        line = next(line for line in text.splitlines() if line.startswith(f"{extra} = "))
        assert library.replace("_", "-") in line
