from __future__ import annotations

import errno
import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import tare
from tare.cli.preflight.places import is_missing
from tare.errors import DataError
from tare.sources.opening import FORMATS, open_source
from tare.sources.options import Options
from tests.encoding import deep_png, encoded
from tests.images import rgb_folder
from tests.sources.reading import assert_moments, state_of

RGB = np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8)


def test_8_and_16_bit_images_in_one_folder_are_not_pooled(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(RGB, "PNG"))
    deep = np.random.default_rng(1).integers(0, 65536, (5, 4, 3), dtype=np.uint16)
    (tmp_path / "b.png").write_bytes(deep_png(deep))
    with pytest.raises(DataError, match=r"1 with 3 channels of uint16 .*b\.png'\) and 1 with 3 channels of uint8 .*a\.png"):
        tare.measure(tmp_path)


def test_widening_changes_no_unit_value(tmp_path: Path) -> None:
    rgb_folder(tmp_path / "a", 8)
    narrow = tare.measure(tmp_path / "a")
    for path in sorted((tmp_path / "a").rglob("*.png")):
        wide = deep_png(np.asarray(Image.open(path)).astype(np.uint16) * 257)
        (tmp_path / "b" / path.name).parent.mkdir(exist_ok=True)
        (tmp_path / "b" / path.name).write_bytes(wide)
    deep = tare.measure(tmp_path / "b")
    for name in ("mean", "std", "mean_se", "std_se", "min", "max", "mean_of_sample_std", "sample_mean", "sample_std"):
        theirs, ours = ([getattr(channel, name) for channel in stats.channels] for stats in (narrow, deep))
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def test_what_was_left_out_is_noted(tmp_path: Path) -> None:
    rgba = np.dstack([RGB, RGB[..., :1]])
    for index in range(3):
        (tmp_path / f"{index}.png").write_bytes(encoded(rgba, "PNG"))
    assert tare.measure(tmp_path).extra["notes"] == {"alpha channel dropped": 3}


def test_a_folder_is_what_most_of_its_files_are(tmp_path: Path) -> None:
    pl.DataFrame({"x": [1.0, 2.0]}).write_parquet(tmp_path / "0.parquet")
    pl.DataFrame({"x": [3.0, 4.0, 5.0]}).write_parquet(tmp_path / "1.parquet")
    (tmp_path / "logo.png").write_bytes(encoded(RGB, "PNG"))
    source = open_source(tmp_path)
    assert source.channel_names == ("x",)
    assert_moments(state_of(source), np.arange(1.0, 6.0)[:, None])


def test_shards_with_other_columns_are_refused(tmp_path: Path) -> None:
    pl.DataFrame({"x": [1.0]}).write_csv(tmp_path / "0.csv")
    pl.DataFrame({"y": [1.0]}).write_csv(tmp_path / "1.csv")
    with pytest.raises(DataError, match=r"columns \('x',\) in every file"):
        tare.measure(tmp_path)


@pytest.mark.parametrize(
    ("name", "options", "wrong"),
    [
        ("a.png", Options(layout="NHWC"), "layout"),
        ("a.csv", Options(array="x"), "array"),
        ("a.npy", Options(columns=("x",)), "columns"),
    ],
)
def test_an_option_that_means_nothing_here_is_refused(tmp_path: Path, name: str, options: Options, wrong: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=f"found {wrong}"):
        open_source(tmp_path / name, options)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_column_that_is_named_twice_is_refused(tmp_path: Path, name: str) -> None:
    table = pl.DataFrame({"x": [1.0, 3.0], "y": [5.0, 7.0]})
    (table.write_csv if name.endswith("csv") else table.write_parquet)(tmp_path / name)
    assert [c.name for c in tare.measure(tmp_path / name, columns=("y", "x")).channels] == ["y", "x"]
    with pytest.raises(DataError, match="columns that differ, found 'y' more than once"):
        tare.measure(tmp_path / name, columns=("y", "x", "y"))


def test_an_unknown_kind_of_file_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "a.docx").touch()
    with pytest.raises(DataError, match=r"\.parquet.*a\.docx"):
        open_source(tmp_path / "a.docx")


def test_every_opener_in_the_table_exists() -> None:
    for kind in FORMATS:
        module, _, function = kind.opener.partition(":")
        assert callable(getattr(importlib.import_module(f"tare.sources.{module}"), function))


def test_heavy_libraries_load_only_when_used() -> None:
    heavy = "('torch', 'polars', 'pyarrow', 'fsspec', 'PIL')"
    code = f"import sys, tare.sources.opening; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("ending", [".mat", ".h5", ".pt", ".jsonl", ".db"])
def test_containers_beside_images_are_their_annotations_however_many_there_are(tmp_path: Path, ending: str) -> None:
    (tmp_path / "a.png").write_bytes(encoded(RGB, "PNG"))
    for index in range(5):
        (tmp_path / f"{index}{ending}").write_bytes(b"an annotation")
    assert tare.measure(tmp_path).samples == 1


def test_dicom_files_without_an_ending_are_found_beside_a_list(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("words")
    (tmp_path / "IM0001").write_bytes(bytes(128) + b"DICM")
    pytest.importorskip("pydicom", reason="reads DICOM series (pip install 'tare[medical]')")
    with pytest.raises(DataError, match="a DICOM object of modality"):
        tare.measure(tmp_path)


@pytest.mark.parametrize("name", ["a.npz", "a.npz#x", "folder"])
def test_what_lies_in_a_folder_that_may_not_be_entered_is_not_said_to_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    closed = tmp_path / "closed"
    for known in (os.stat, os.lstat):

        def refusing(path: object, *more: object, known: Any = known, **others: object) -> Any:
            if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(f"{closed}{os.sep}"):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
            return known(path, *more, **others)

        monkeypatch.setattr(os, known.__name__, refusing)
    with pytest.raises(DataError, match=r"that may be read, found .*: Permission denied; ask for the permission"):
        tare.measure(closed / name)
    assert not is_missing(str(closed / name))
    with pytest.raises(DataError, match="does not exist"):
        tare.measure(tmp_path / name)
    assert is_missing(str(tmp_path / name))
