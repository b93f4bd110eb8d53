"""DICOM from folders through training to predictions: X-rays as images, series as volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tare
from tare.datasets.options import LabelOptions
from tare.datasets.split import open_split
from tare.errors import SpecError
from tests.sources.volumes.test_dicom import HU, write
from tests.transferring.test_api_volumes import NETWORK, PLAIN

pytest.importorskip("pydicom", reason="reads DICOM series (pip install 'tare[medical]')")
IMAGES: dict[str, Any] = {**PLAIN, "size": 16, "in_channels": 1}


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("series")
    rng = np.random.default_rng(0)
    for label, name in enumerate(("air", "bone")):
        for case in range(4):
            folder = root / "data" / name / f"case {case}"
            folder.mkdir(parents=True)
            for number in range(4 + case):
                values = (rng.normal(1000 + 300 * label, 50, (8, 9))).astype(np.uint16)
                write(folder / f"IM{number}", values, number=number, series=f"1.{label + 1}.{case + 1}", **HU)
    (root / "net.py").write_text(NETWORK)
    return root


def test_a_policy_of_colours_is_refused_for_hounsfield_units_before_training(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for label, name in enumerate(("air", "bone")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for case in range(5):
            values = rng.normal(1000 + 300 * label, 50, (16, 16)).astype(np.uint16)
            write(tmp_path / "data" / name / f"{case}.dcm", values, number=0, series=f"1.{label + 1}.{case + 1}", **HU)
    with pytest.raises(SpecError, match=r"for --augmentation randaugment, found int32 values from -.*; use --augmentation basic"):
        tare.transfer("timm:test_resnet", tmp_path / "data", out=tmp_path / "run", augmentation="randaugment", **IMAGES)
    assert not (tmp_path / "run").exists()


def test_series_are_trained_on_and_predicted_by_their_folder_or_their_files(series: Path) -> None:
    run = tare.transfer(f"{series}/net.py:volumes", series / "data", out=series / "run", **PLAIN)
    assert run.target_stats.dtype == "int32"
    assert run.target_stats.mean[0] == pytest.approx(1150 - 1024, abs=20)
    case = series / "data/bone/case 0"
    model = f"{series}/net.py:volumes"
    by_folder = list(tare.predict(run.out, case, factory=model))
    by_files = list(tare.predict(run.out, sorted(case.iterdir()), factory=model))
    assert len(by_folder) == len(by_files) == 1
    assert by_folder[0].ranks == by_files[0].ranks
    assert len(list(tare.predict(run.out, series / "data", factory=model))) == 8
    exported = tare.export(run.out, format="onnx", out=series / "served.onnx", factory=model)
    assert exported.out.exists()


@pytest.fixture(scope="module")
def radiographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("x-rays")
    rng = np.random.default_rng(0)
    for label, name in enumerate(("normal", "opacity")):
        (root / "data" / name).mkdir(parents=True)
        for case in range(5):
            values = rng.normal(1000 + 900 * label, 200, (20, 24)).clip(0, 4095).astype(np.uint16)
            look = "MONOCHROME1" if case == 1 else "MONOCHROME2"
            values = 4095 - values if case == 1 else values
            tags: dict[str, Any] = {"BitsStored": 12, "HighBit": 11, "Modality": "CR", "PhotometricInterpretation": look}
            path = root / "data" / name / (f"{case}.dcm" if case % 2 else f"IM{case}")
            write(path, values, series=f"1.{label + 1}.{case + 1}", **tags)
    return root


def test_x_rays_are_trained_on_as_images_with_low_values_dark(radiographs: Path) -> None:
    run = tare.transfer("timm:test_resnet", radiographs / "data", out=radiographs / "run", **IMAGES)
    assert run.target_stats.dtype == "uint16"
    assert run.target_stats.mean[0] * 65535 == pytest.approx(1450, abs=40)
    split = open_split(LabelOptions(radiographs / "data"), 0)
    assert any("2 of 10 DICOM images are MONOCHROME1 and inverted" in remark for remark in split.remarks)
    found = list(tare.predict(run.out, radiographs / "data"))
    assert len(found) == 10
    assert not [one.error for one in found if one.error]


def test_grey_x_rays_reach_the_three_channels_of_a_colour_network(radiographs: Path) -> None:
    run = tare.transfer("timm:test_resnet", radiographs / "data", out=radiographs / "rgb", **{**IMAGES, "in_channels": None})
    assert len(set(run.target_stats.mean)) == 1
    assert len(run.target_stats.mean) == 3


def test_slices_of_one_series_on_both_sides_of_a_split_are_told(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for number in range(6):
            write(tmp_path / name / f"{number}.dcm", np.full((8, 9), number, np.uint16), number=number, series=f"1.2.{len(name)}")
    remarks = open_split(LabelOptions(tmp_path), 0).remarks
    assert any("slices in training and in validation" in remark for remark in remarks)
