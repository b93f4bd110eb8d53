from __future__ import annotations

from typing import Any

import pytest

from tare.input_spec.spec import Crop, Known, Unknown
from tare.readers.timm import read_pretrained_cfg_of, spec_of_pretrained_cfg

IMAGENET: dict[str, Any] = {
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
    "input_size": (3, 224, 192),
    "interpolation": "bicubic",
    "crop_pct": 0.875,
}


def test_every_stated_field_is_read_with_its_origin() -> None:
    spec = spec_of_pretrained_cfg(IMAGENET, "timm resnet18.a1_in1k")
    assert spec.mean == Known((0.485, 0.456, 0.406), "timm resnet18.a1_in1k, key 'mean'")
    assert spec.std == Known((0.229, 0.224, 0.225), "timm resnet18.a1_in1k, key 'std'")
    assert spec.size == Known((224, 192), "timm resnet18.a1_in1k, key 'input_size'")
    assert spec.channels == Known("RGB", "timm resnet18.a1_in1k, key 'input_size'")
    assert spec.interpolation == Known("bicubic", "timm resnet18.a1_in1k, key 'interpolation'")
    assert spec.crop == Known(Crop("center", 0.875), "timm resnet18.a1_in1k, key 'crop_pct'")


@pytest.mark.parametrize("key", ["mean", "std", "interpolation"])
def test_what_the_configuration_does_not_state_is_unknown_never_imagenet(key: str) -> None:
    spec = spec_of_pretrained_cfg({**IMAGENET, key: None}, "cfg")
    assert getattr(spec, key) == Unknown(f"cfg does not state {key!r}")


def test_an_empty_configuration_states_only_what_timm_always_does() -> None:
    spec = spec_of_pretrained_cfg({}, "cfg")
    assert isinstance(spec.scale, Known)
    for name in ("mean", "std", "size", "channels", "interpolation", "crop"):
        assert isinstance(getattr(spec, name), Unknown), name


def test_one_channel_is_grey_and_other_counts_have_no_known_order() -> None:
    assert spec_of_pretrained_cfg({"input_size": (1, 28, 28)}, "cfg").channels == Known("L", "cfg, key 'input_size'")
    assert spec_of_pretrained_cfg({"input_size": (4, 28, 28)}, "cfg").channels == Unknown(
        "cfg states 4 channels and not what they are"
    )


def test_a_crop_mode_is_kept() -> None:
    assert spec_of_pretrained_cfg({"crop_pct": 1.0, "crop_mode": "squash"}, "cfg").crop == Known(
        Crop("squash", 1.0), "cfg, key 'crop_pct'"
    )


def test_the_configurations_that_timm_ships_are_read() -> None:
    timm = pytest.importorskip("timm")
    for name in timm.list_models("*resnet18*")[:3]:
        config = timm.get_pretrained_cfg(name).to_dict()
        spec = spec_of_pretrained_cfg(config, name)
        assert isinstance(spec.mean, Known)
        assert spec.mean.value == tuple(config["mean"])


def test_a_first_layer_of_other_than_one_or_three_channels_leaves_the_scale_unknown() -> None:
    timm = pytest.importorskip("timm")
    spec = read_pretrained_cfg_of(timm.create_model("resnet10t", in_chans=5))
    for field in (spec.mean, spec.scale, spec.raw_dtype):
        assert isinstance(field, Unknown)
        assert "takes 5 channels" in field.reason
    assert read_pretrained_cfg_of(timm.create_model("resnet10t", in_chans=1)).require("scale") == 1 / 255
