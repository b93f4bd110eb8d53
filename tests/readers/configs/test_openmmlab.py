"""OpenMMLab's configurations, of the shape in which they are published; the formula is mmcv's ``imnormalize``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.table import read_spec

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
DETECTOR = """
_base_ = ['../_base_/default_runtime.py']
from mmdet.models import X
model = dict(
    type='FasterRCNN',
    data_preprocessor=dict(
        type='DetDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True,
        pad_size_divisor=32),
    backbone=dict(type='ResNet', depth=50))
open('{marker}', 'w').close()
"""


def read(tmp_path: Path, text: str, name: str = "config.py", part: str = "") -> InputSpec:
    (tmp_path / name).write_text(text)
    return read_spec(f"{tmp_path / name}{part}")


def test_a_detector_is_read_and_never_run(tmp_path: Path) -> None:
    spec = read(tmp_path, DETECTOR.format(marker=tmp_path / "ran"))
    assert not (tmp_path / "ran").exists()
    pixels = np.array([[255.0, 0.0, 100.0]])  # red, green, blue
    assert np.allclose(spec.affine().apply(pixels), (pixels - MEAN) / STD)
    assert isinstance(spec.channels, Known)
    assert spec.channels == Known("RGB", f"{tmp_path}/config.py, model.data_preprocessor, key 'bgr_to_rgb'")
    assert spec.raw_dtype == Known("uint8", "OpenMMLab's LoadImageFromFile reads 8-bit images with OpenCV")
    assert spec.scale.value == 1.0  # type: ignore[union-attr]
    assert InputSpec.from_json(spec.to_json()) == spec


def test_caffe_constants_are_of_blue_green_red(tmp_path: Path) -> None:
    text = "img_norm_cfg = dict(mean=[103.530, 116.280, 123.675], std=[1.0, 1.0, 1.0], to_rgb=False)\n"
    text += "train_pipeline = [dict(type='LoadImageFromFile'), dict(type='Normalize', **img_norm_cfg)]\n"
    spec = read(tmp_path, text)
    assert spec.require("channels") == "BGR"
    image = torch.tensor([255, 0, 100], dtype=torch.uint8).reshape(1, 3, 1, 1)  # red, green, blue
    assert spec.apply(image).flatten().tolist() == pytest.approx([100 - 103.53, -116.28, 255 - 123.675], abs=1e-4)


def test_names_unpacking_and_arithmetic_are_followed(tmp_path: Path) -> None:
    text = "scale = 255\nbase = dict(mean=[0.5 * scale, 0.25 * 255, -(-51.0)], std=[0.2 * 255, 255 / 5, 51])\n"
    spec = read(tmp_path, text + "data_preprocessor = dict(**base, num_classes=10, to_rgb=True)\n")
    assert spec.require("mean") == pytest.approx((127.5, 63.75, 51.0))
    assert spec.require("std") == pytest.approx((51.0, 51.0, 51.0))


def test_defaults_are_those_of_the_class(tmp_path: Path) -> None:
    constants = f"mean={MEAN}, std={STD}"
    of_type = "data_preprocessor = dict(type='{}', {})"
    assert read(tmp_path, f"img_norm_cfg = dict({constants})").require("channels") == "RGB"
    assert read(tmp_path, of_type.format("ImgDataPreprocessor", constants)).require("channels") == "BGR"
    video = read(tmp_path, of_type.format("ActionDataPreprocessor", constants + ", format_shape='NCTHW'"))
    assert isinstance(video.channels, Unknown)
    assert video.require("layout") == "NCTHW"
    reversed_ = read(tmp_path, of_type.format("ImgDataPreprocessor", constants + ", rgb_to_bgr=True"))
    assert isinstance(reversed_.channels, Unknown)


def test_other_loaders_leave_the_raw_type_unknown(tmp_path: Path) -> None:
    text = f"data_preprocessor = dict(mean={MEAN}, std={STD}, bgr_to_rgb=True)\n"
    spec = read(tmp_path, text + "pipe = [dict(type='LoadSingleRSImageFromFile')]")
    assert isinstance(spec.raw_dtype, Unknown)
    assert "LoadSingleRSImageFromFile" in spec.raw_dtype.reason
    six = read(tmp_path, "data_preprocessor = dict(mean=[1087.0], std=[2248.0])\nimg_norm_cfg = dict(mean=[1, 2], std=[3, 4])",
               part="#img_norm_cfg")  # fmt: skip
    assert isinstance(six.raw_dtype, Unknown)
    assert six.require("channels") == "c0,c1"


def test_dumps_in_json_and_yaml_are_the_same(tmp_path: Path) -> None:
    document = {"model": {"type": "X", "data_preprocessor": {"mean": MEAN, "std": STD, "to_rgb": True}}}
    specs = [read(tmp_path, json.dumps(document), name) for name in ("dump.json", "dump.yaml", "dump.yml")]
    specs.append(read(tmp_path, DETECTOR.format(marker=tmp_path / "ran")))
    assert all(spec.equivalent(specs[0]) for spec in specs)


def test_constants_that_are_applied_twice_in_turn_are_unknown(tmp_path: Path) -> None:
    step = f"test_pipeline = [dict(type='LoadImageFromFile'), dict(type='Normalize', mean={MEAN}, std={STD}, to_rgb=True)]\n"
    model = f"model = dict(data_preprocessor=dict(mean={MEAN}, std={STD}, bgr_to_rgb=True))\n"
    spec = read(tmp_path, step + model)
    assert isinstance(spec.mean, Unknown)
    assert "normalises at test_pipeline.1 and again at model.data_preprocessor" in spec.mean.reason
    assert isinstance(read(tmp_path, step).mean, Known)
    assert isinstance(read(tmp_path, step + model, part="#model").mean, Known)


def test_parts_that_contradict_are_refused_and_chosen(tmp_path: Path) -> None:
    text = (
        f"img_norm_cfg = dict(mean={MEAN}, std={STD})\nmodel = dict(data_preprocessor=dict(mean=[0, 0, 0], std=[255, 255, 255]))"
    )
    with pytest.raises(SpecError, match=r"one normalisation in .*different ones at img_norm_cfg, model\.data_preprocessor; name"):
        read(tmp_path, text)
    assert read(tmp_path, text, part="#model").require("std") == (255.0,) * 3
    with pytest.raises(SpecError, match="expected the part 'nothing'"):
        read(tmp_path, text, part="#nothing")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("_base_ = './base.py'", r"it inherits from \./base\.py: name that file"),
        ("x = (", "expected Python"),
        ("x = " + "(" * 5000 + ")" * 5000, "expected Python"),
        ("x = " + "-" * 3000 + "1", "expected"),
        ("x = 1\0", "expected Python"),
        ("", "found neither"),
        ("img_norm_cfg = dict(mean=compute(), std=[1.0])", "an expression, which is not run"),
        ("m = [1.0]\nm.append(2)\nimg_norm_cfg = dict(mean=m, std=[1.0])", "an expression, which is not run"),
        ("c = 1\nif c:\n    c = 2\nimg_norm_cfg = dict(mean=[c], std=[1.0])", "an expression, which is not run"),
        ("img_norm_cfg = dict(mean=[1.0], std=[0.0])", "a std is positive"),
        ("img_norm_cfg = dict(mean=['a'], std=[1.0])", "not a finite number"),
        ("img_norm_cfg = dict(mean=[1e999], std=[1.0])", "not a finite number"),
        ("img_norm_cfg = dict(mean=[1, 2, 3], std=[1, 2])", "as many means as stds"),
        ("img_norm_cfg = dict(mean=[1, 2, 3], std=[1, 2, 3], to_rgb='yes')", "true or false as 'to_rgb'"),
        ("img_norm_cfg = dict(mean=[1 / 0], std=[1])", "an expression, which is not run"),
        ("a = [1]\n" + "\n".join(f"a = [{', '.join(['a'] * 9)}]" for _ in range(40)), "at most 200000 values"),
    ],
)
def test_a_hostile_configuration_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_part_of_a_file_without_parts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(InputSpec.of([0.5], [0.5], raw_dtype="uint8").to_json()))
    with pytest.raises(SpecError, match="leave #PART out"):
        read_spec(f"{path}#x")
