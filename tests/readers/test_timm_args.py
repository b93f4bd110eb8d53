"""``args.yaml`` as timm's ``train.py`` writes it: what it overrides, what it leaves to the model, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tare.errors import SpecError
from tare.input_spec.spec import Crop, InputSpec, Known
from tare.readers.table import read_spec
from tare.readers.timm_args import spec_of_args

#: The keys that decide, among some others, in the order in which timm dumps its arguments.
ARGS = """\
aa: rand-m9-mstd0.5-inc1
batch_size: 128
crop_pct: null
data_dir: /data/imagenet
hflip: 0.5
img_size: null
in_chans: null
input_size: null
interpolation: ''
mean: null
model: resnet50.a1_in1k
num_classes: null
pretrained: true
reprob: 0.25
scale:
- 0.08
- 1.0
std: null
train_interpolation: random
"""


@pytest.fixture
def model() -> InputSpec:
    return read_spec("timm:resnet50.a1_in1k")


def write(folder: Path, **changed: str) -> Path:
    text = ARGS
    for key, value in changed.items():
        lines = [line for line in text.splitlines() if not line.startswith(f"{key}:")]
        text = "\n".join([*lines, f"{key}: {value}", ""])
    (folder / "args.yaml").write_text(text)
    return folder / "args.yaml"


def test_what_is_null_is_the_models_own(tmp_path: Path, model: InputSpec) -> None:
    assert spec_of_args(write(tmp_path), model) == model


def test_what_is_stated_overrides(tmp_path: Path, model: InputSpec) -> None:
    path = write(tmp_path, mean="[0.5, 0.5, 0.5]", std="[0.5]", img_size="160", crop_pct="0.9", interpolation="bilinear")
    spec = spec_of_args(path, model)
    assert spec.mean == Known((0.5, 0.5, 0.5), f"{path}, key 'mean'")
    assert spec.require("std") == (0.5, 0.5, 0.5)
    assert spec.require("size") == (160, 160)
    assert spec.require("interpolation") == "bilinear"
    assert spec.require("crop") == Crop("center", 0.9)


def test_an_input_size_of_channels_height_and_width(tmp_path: Path, model: InputSpec) -> None:
    assert spec_of_args(write(tmp_path, input_size="[3, 192, 256]"), model).require("size") == (192, 256)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "a mapping with model, mean and std"),
        ("model: a\n", "a mapping with model, mean and std"),
        ("{", "a readable YAML file"),
        ("a: &a [*a]\n", "a mapping with model, mean and std"),
        ("model: x\nmean: .nan\nstd: 1\n", "a valid 'mean'"),
        ("model: x\nmean: [a, b]\nstd: 1\n", "a valid 'mean'"),
        ("model: x\nmean: [0.5, 0.5, 0.5]\nstd: [0.5, 0.5, 0]\n", "a valid 'std'"),
        ("model: x\nmean: null\nstd: null\nimg_size: {}\n", "a valid 'size'"),
        ("model: x\nmean: null\nstd: null\ninput_size: 5\n", None),
        ("model: x\nmean: null\nstd: null\ncrop_pct: -1\n", "a valid 'crop'"),
        ("[" * 50_000, "a readable YAML file"),
        ("x" * (2 << 20), "a YAML file of at most"),
        ("\xff\x00", "a readable YAML file"),
    ],
)
def test_malformed_files_are_refused_in_one_line(tmp_path: Path, model: InputSpec, text: str, message: str | None) -> None:
    path = tmp_path / "args.yaml"
    path.write_bytes(text.encode("latin-1"))
    if message is None:
        assert spec_of_args(path, model).require("size") == (5, 5)
        return
    with pytest.raises(SpecError, match=message) as raised:
        spec_of_args(path, model)
    assert "\n" not in str(raised.value)


def test_tags_of_python_objects_run_nothing(tmp_path: Path, model: InputSpec) -> None:
    mark = tmp_path / "was_run"
    path = tmp_path / "args.yaml"
    path.write_text(f"model: !!python/object/apply:os.mkdir ['{mark}']\nmean: null\nstd: null\n")
    with pytest.raises(SpecError, match="could not determine a constructor"):
        spec_of_args(path, model)
    assert not mark.exists()
