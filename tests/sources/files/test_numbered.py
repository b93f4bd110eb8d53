from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.sources.files.numbered import by_number, chunks_by_number
from tare.sources.opening import open_source
from tests.images import save_png


def test_numbers_in_names_count_by_their_value_and_files_come_before_folders() -> None:
    names = ["b/f10", "b/f2", "b/f01", "b/f1", "a", "b2/x", "b10/x", "f2b10", "f2b9", "f2", f"f{10**300}", f"f{10**299}"]
    wanted = ["a", "f2", "f2b9", "f2b10", f"f{10**299}", f"f{10**300}", "b/f01", "b/f1", "b/f2", "b/f10", "b2/x", "b10/x"]
    assert sorted(names, key=by_number) == wanted


@given(st.lists(st.integers(0, 10**6), unique=True), st.integers(0, 7))
def test_padded_numbers_keep_the_order_of_their_values(numbers: list[int], width: int) -> None:
    names = [f"x{number:0{width}d}.png" for number in numbers]
    assert sorted(names, key=by_number) == [f"x{number:0{width}d}.png" for number in sorted(numbers)]


@pytest.mark.parametrize("place", ["", "*.png", "x.txt"])
def test_folders_and_patterns_are_read_by_number_and_lists_as_they_stand(tmp_path: Path, place: str) -> None:
    for number in range(1, 13):
        save_png(tmp_path / f"f{number}.png", np.full((4, 4, 3), number, np.uint8))
    (tmp_path / "x.txt").write_text("".join(f"f{number}.png\n" for number in (3, 12, 1)))
    data = tmp_path / place
    source = open_source(data)
    read = [record for chunk in chunks_by_number(source, data, of_shards=False) for record in source.read(chunk)]
    found = [int(record.values.max()) for record in read if hasattr(record, "values")]
    assert found == ([3, 12, 1] if place == "x.txt" else [*range(1, 13)])


def test_tables_of_a_folder_are_read_by_number(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        (tmp_path / f"d{number}.csv").write_text(f"a,b\n{number},1.5\n{number},2.5\n")
    source = open_source(tmp_path)
    read = [record for chunk in chunks_by_number(source, tmp_path, of_shards=True) for record in source.read(chunk)]
    assert [float(record.columns[0][0]) for record in read] == [1, 2, 10]  # type: ignore[union-attr]


def test_series_of_a_folder_are_read_by_number(tmp_path: Path) -> None:
    pytest.importorskip("pydicom", reason="reads DICOM (pip install 'tare[medical]')")
    from tests.sources.volumes.test_dicom import write

    for number in range(1, 13):
        write(tmp_path / f"f{number}.dcm", np.full((4, 5), number, np.uint16), number=1, series=f"1.2.{100 - number}")
    source = open_source(tmp_path)
    read = [record for chunk in chunks_by_number(source, tmp_path, of_shards=False) for record in source.read(chunk)]
    assert [int(record.channels[0].max()) for record in read] == [*range(1, 13)]  # type: ignore[union-attr, index]
