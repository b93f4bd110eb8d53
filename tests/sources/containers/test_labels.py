"""Labels beside the samples in HDF5 and Zarr, from reading to a trained network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tare
from tare.datasets.options import LabelOptions
from tare.datasets.split import open_split
from tare.errors import DataError
from tare.sources.opening import open_source
from tare.sources.options import Options
from tests.sources.reading import records

IMAGES = np.random.default_rng(0).integers(0, 255, (12, 32, 32, 3)).astype(np.uint8)
KINDS = np.arange(12) % 3


def _hdf5(path: Path, **arrays: Any) -> Path:
    h5py = pytest.importorskip("h5py", reason="reads HDF5 (pip install 'tare[science]')")
    with h5py.File(path.with_suffix(".h5"), "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values)
    return path.with_suffix(".h5")


def _zarr(path: Path, **arrays: Any) -> Path:
    zarr = pytest.importorskip("zarr", reason="reads Zarr (pip install 'tare[science]')")
    group = zarr.open_group(path.with_suffix(".zarr"), mode="w")
    for name, values in arrays.items():
        group.create_array(name, data=np.asarray(values))
    return path.with_suffix(".zarr")


Write = Callable[..., Path]


@pytest.mark.parametrize("write", [_hdf5, _zarr])
@pytest.mark.parametrize("labels", [KINDS, KINDS.astype(np.float32), KINDS[:, None]])
def test_each_sample_has_its_label(tmp_path: Path, write: Write, labels: Any) -> None:
    place = write(tmp_path / "a", x=IMAGES, kind=labels)
    (stack,) = records(open_source(place, Options(label="kind")))
    np.testing.assert_array_equal(stack.values, IMAGES)  # type: ignore[union-attr]
    assert stack.labels == tuple(map(str, KINDS))  # type: ignore[union-attr]


def test_texts_of_hdf5_are_labels(tmp_path: Path) -> None:
    names = ["bee", "ant", "fly"]
    place = _hdf5(tmp_path / "a", x=IMAGES, kind=[names[kind] for kind in KINDS])
    split = open_split(LabelOptions(place, label="kind"), 0)
    assert split.classes == ("ant", "bee", "fly")
    assert len(split.train) + len(split.val) == 12


@pytest.mark.parametrize("write", [_hdf5, _zarr])
def test_rows_of_numbers_keep_their_labels(tmp_path: Path, write: Write) -> None:
    rows = np.random.default_rng(0).normal(size=(12, 5))
    split = open_split(LabelOptions(write(tmp_path / "a", x=rows, y=KINDS), label="y"), 0, "vector")
    for file in (*split.train, *split.val):
        place = int(file.path.rpartition("[")[2].rstrip("]"))
        np.testing.assert_array_equal(file.read("stored"), rows[place])
        assert split.classes[int(file.label)] == str(KINDS[place])  # type: ignore[arg-type]


def test_a_network_is_trained_on_them(tmp_path: Path) -> None:
    place = _hdf5(tmp_path / "a", x=IMAGES, kind=KINDS)
    options: dict[str, Any] = {"weights": "none", "protocol": "probe", "workers": 0, "device": "cpu", "size": 32}
    run = tare.transfer("timm:test_resnet", place, label="kind", strategy="target", out=tmp_path / "run", **options)
    assert run.load().classes == ("0", "1", "2")


@pytest.mark.parametrize("write", [_hdf5, _zarr])
@pytest.mark.parametrize(
    ("label", "message"),
    [("none", "labels, found none at"), ("short", r"one label a sample, found the shape \(5,\)"), ("nan", "NaN or infinity")],
)
def test_labels_that_are_none_are_refused(tmp_path: Path, write: Write, label: str, message: str) -> None:
    place = write(tmp_path / "a", x=IMAGES, short=KINDS[:5], nan=np.full(12, np.nan))
    with pytest.raises(DataError, match=message):
        records(open_source(place, Options(label=label, array="x")))


def test_objects_and_links_are_no_labels(tmp_path: Path) -> None:
    place = _hdf5(tmp_path / "a", x=IMAGES)
    h5py = pytest.importorskip("h5py")
    with h5py.File(place, "a") as file:
        file["away"] = h5py.ExternalLink("/etc/passwd", "x")
        file.create_dataset("refs", data=[file["x"].ref] * 12, dtype=h5py.ref_dtype)
    for label, message in (("away", "a link to '/etc/passwd'"), ("refs", "objects or records")):
        with pytest.raises(DataError, match=message):
            open_source(place, Options(label=label, array="x"))
