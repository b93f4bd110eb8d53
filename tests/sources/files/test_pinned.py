"""A file that changes while it is read is refused, whatever its format, and never ends the program."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz.formats import FAMILIES, Format

import tare
from tare.errors import DataError
from tare.sources.opening import open_source
from tare.sources.options import Options
from tare.statistics.state import DatasetState
from tests.images import rgb_folder

(IMAGES,) = (family for family in FAMILIES if family.name == "images of 8 bits")
(ROWS,) = (family for family in FAMILIES if family.name == "rows of numbers")
(VOLUMES,) = (family for family in FAMILIES if family.name == "volumes")
FILES = [
    pytest.param(family, each, id=f"{family.name[:6]}, {each.name}")
    for family in (IMAGES, ROWS)
    for each in family.formats
    if each.ending and (family is ROWS or not any(each.name == other.name for other in ROWS.formats))
]


def cut(path: Path) -> None:
    for file in [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())[-1:]:
        os.truncate(file, file.stat().st_size // 3)


def grow(path: Path) -> None:
    for file in [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())[-1:]:
        with file.open("ab") as opened:
            opened.write(b"more")


def replace(path: Path) -> None:
    other = path.with_name("other")
    if path.is_file():
        shutil.copyfile(path, other)
        other.replace(path)
    else:
        grow(path)


def remove(path: Path) -> None:
    if path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path)


@pytest.mark.parametrize("change", [cut, grow, replace, remove])
@pytest.mark.parametrize(("family", "each"), FILES)
def test_a_file_that_changes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: Any, each: Format, change: Callable[[Path], None]
) -> None:
    if not each.here:
        pytest.skip(f"needs {', '.join(each.needs)}")
    path = each.write(tmp_path, family.draw(np.random.default_rng(3), np.dtype(family.dtypes[0])))
    source = open_source(path, Options(**each.options))
    changed: list[bool] = []
    of = DatasetState.of

    def reduced(*given: Any) -> DatasetState:
        if not changed:
            changed.append(True)
            change(path)
        return of(*given)

    monkeypatch.setattr(DatasetState, "of", reduced)
    with pytest.raises(DataError, match=r"while it was read; wait until nothing writes to it"):
        tare.measure(source, workers=1)
    assert changed


@pytest.mark.parametrize("each", VOLUMES.formats[3:], ids=lambda each: each.name)
def test_a_file_that_is_one_sample_is_skipped_if_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each: Format
) -> None:
    pytest.importorskip("nibabel")
    folder = each.write(tmp_path, VOLUMES.draw(np.random.default_rng(3), np.dtype("int16")))
    from tare.sources.volumes import nifti

    reader = nifti._block

    def late(*given: Any) -> Any:
        found = reader(*given)
        first = min(folder.iterdir())
        os.utime(first, ns=(1, 1))
        return found

    monkeypatch.setattr(nifti, "_block", late)
    stats = tare.measure(folder, max_skipped=1, workers=1)
    assert [item.reason for item in stats.skipped] == ["rewritten while it was read"]


def test_an_image_that_is_cut_while_it_is_read_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rgb_folder(tmp_path, 3)
    from tare.sources.files import image_folder

    fill = image_folder.fill  # type: ignore[attr-defined]
    first = min(tmp_path.rglob("*.png"))

    def late(file: Any, memory: memoryview) -> int:
        if os.path.samestat(os.fstat(file.fileno()), first.stat()) and first.stat().st_size > 20:
            os.truncate(first, 20)
        return fill(file, memory)

    monkeypatch.setattr(image_folder, "fill", late)
    stats = tare.measure(tmp_path, max_skipped=1, workers=1)
    (item,) = stats.skipped
    assert item.reason.startswith("cut from ")
    assert stats.samples == 2


def test_shards_that_changed_between_two_passes_are_read_anew(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("x,y\n1,2\n")
    assert tare.measure(tmp_path).mean == (1, 2)
    (tmp_path / "b.csv").write_text("x,y\n3,4\n")
    assert tare.measure(tmp_path).mean == (2, 3)


def test_what_does_not_change_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 6, 5, 3), np.uint8))
    assert tare.measure(tmp_path / "a.npy").samples == 3
