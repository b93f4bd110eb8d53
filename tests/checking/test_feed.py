"""Anything but three channels of 8 bits: what the specification says is fed, right pipelines are clean and wrong ones named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision.transforms as v1
from torchvision.transforms import v2

from tare.checking.api import check
from tare.checking.feed import of_raw, probe_of, raw_range_of
from tare.checking.result import CheckReport
from tare.input_spec.affine import Affine
from tare.input_spec.spec import InputSpec, Known, PerSample, Unknown
from tare.normalisation.diagnosis import RawRange
from tare.readers.table import read_spec

BANDS = tuple(float(900 + 150 * band) for band in range(13))
WIDTHS = tuple(float(200 + 25 * band) for band in range(13))


def codes(report: CheckReport) -> set[str]:
    return {finding.code for finding in report.findings}


def channels_first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(x, -1, 0), np.float32)


def of(count: int, **others: Any) -> InputSpec:
    """A network for so many channels, with constants that differ from one another."""
    mean = tuple(0.3 + 0.4 * c / max(count, 2) for c in range(count))
    std = tuple(0.2 + 0.1 * c / max(count, 2) for c in range(count))
    return InputSpec.of(mean, std, **({"raw_dtype": "uint8"} | others))


def formula(spec: InputSpec, axis: int = 0, scale: float | None = None) -> Callable[[Any], np.ndarray]:
    """(scale v - mean) / std in NumPy, of arrays whose channels are at ``axis``."""
    factor = spec.require("scale") if scale is None else scale

    def run(x: Any) -> np.ndarray:
        moved = np.moveaxis(np.asarray(x, np.float64), axis, -1)
        fed = (factor * moved - np.array(spec.require("mean"))) / np.array(spec.require("std"))
        return np.asarray(np.moveaxis(fed, -1, axis), np.float32)

    return run


def image_pipeline(spec: InputSpec, scale: float | None = None) -> Callable[[Any], np.ndarray]:
    """Of an array (H, W, C), or (H, W) of grey images, to (C, H, W)."""
    run = formula(spec, -1, scale)
    return lambda x: channels_first(run(np.asarray(x)[..., None] if np.asarray(x).ndim == 2 else x))


FLOATS = InputSpec.of((280.0, 1.5e4), (9.0, 2.0e3), scale=1.0, raw_dtype="float32", channels="t2m,z500", layout="NCHW")
RIGHT: dict[str, tuple[InputSpec, Callable[[Any], np.ndarray]]] = {
    **{f"{count} channels of 8 bits": (of(count, layout="NCHW"), image_pipeline(of(count))) for count in (1, 2, 4, 5, 13)},
    "13 bands of 16 bits": (
        InputSpec.of(BANDS, WIDTHS, scale=1.0, raw_dtype="uint16", layout="NCHW"),
        image_pipeline(InputSpec.of(BANDS, WIDTHS, scale=1.0, raw_dtype="uint16")),
    ),
    "16 bits scaled by their range": (of(4, raw_dtype="uint16"), image_pipeline(of(4, raw_dtype="uint16"))),
    "12 bits in use": (
        of(3, raw_dtype="uint16", bits=12, scale=1 / 4095),
        image_pipeline(of(3, raw_dtype="uint16", bits=12, scale=1 / 4095)),
    ),
    "floats": (FLOATS, image_pipeline(FLOATS)),
    "hounsfield units": (
        InputSpec.of((90.0,), (310.0,), scale=1.0, raw_dtype="int16", layout="NCDHW"),
        formula(InputSpec.of((90.0,), (310.0,), scale=1.0, raw_dtype="int16")),
    ),
    "a volume of two channels": (of(2, raw_dtype="float32", layout="NCDHW"), formula(of(2, raw_dtype="float32"))),
    "a volume, channels last": (of(2, raw_dtype="float32", layout="NDHWC"), formula(of(2, raw_dtype="float32"), -1)),
    "a volume of one channel, channels last": (
        InputSpec.of((90.0,), (310.0,), scale=1.0, raw_dtype="int16", layout="NDHWC"),
        formula(InputSpec.of((90.0,), (310.0,), scale=1.0, raw_dtype="int16"), -1),
    ),
    "signals": (of(6, raw_dtype="float32", layout="NCT"), formula(of(6, raw_dtype="float32"))),
    "signals, time first": (of(6, raw_dtype="float32", layout="NTC"), formula(of(6, raw_dtype="float32"), -1)),
    "rows": (of(7, raw_dtype="float32", layout="NC"), formula(of(7, raw_dtype="float32"))),
    "clips, channels first": (of(3, layout="NCTHW"), lambda clip: formula(of(3), 1)(clip).transpose(1, 0, 2, 3)),
    "clips, time first": (of(3, layout="NTCHW"), lambda clip: formula(of(3), 1)(only(clip, 4))),
    "clips prepared frame by frame": (of(3, layout="NCTHW"), image_pipeline(of(3))),
}


def only(x: Any, dimensions: int) -> Any:
    """What a pipeline of clips takes: it refuses single frames."""
    if np.asarray(x).ndim != dimensions:
        raise ValueError("a clip of frames")
    return x


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_pipeline_of_any_kind_is_clean(name: str) -> None:
    spec, pipeline = RIGHT[name]
    report = check(pipeline, spec)
    assert codes(report) == set()
    assert report.judged == ("eval",)
    assert report.clean


@pytest.mark.parametrize("name", sorted(set(RIGHT) - {"clips, channels first"}))
def test_a_mean_that_is_off_is_found_in_any_kind(name: str) -> None:
    spec, pipeline = RIGHT[name]
    mean = tuple(m + 0.3 * s for m, s in zip(spec.require("mean"), spec.require("std"), strict=True))
    report = check(pipeline, replace(spec, mean=Known(mean, "another network")))
    assert report.fails
    assert not report.clean


@pytest.mark.parametrize(
    ("spec", "pipeline", "code"),
    [
        (of(4, raw_dtype="uint16"), image_pipeline(of(4), scale=1 / 255), "TARE011"),
        (of(4, raw_dtype="uint16"), image_pipeline(of(4), scale=1.0), "TARE001"),
        (of(4, raw_dtype="uint16"), image_pipeline(of(4), scale=1 / 4095), "TARE011"),
        (FLOATS, image_pipeline(FLOATS, scale=1 / 255), "TARE002"),
        (of(6, raw_dtype="float32", layout="NCT"), lambda x: x, "TARE004"),
        (of(3, layout="NCTHW"), lambda clip: formula(of(3), 1)(only(clip, 4)), "TARE033"),
        (of(5, layout="NCHW"), formula(of(5), -1), "TARE033"),
        (of(5, layout="NCHW"), lambda x: image_pipeline(of(5))(x)[:3], "TARE031"),
    ],
)
def test_mistakes_outside_of_8_bit_colour_are_named(spec: InputSpec, pipeline: Any, code: str) -> None:
    report = check(pipeline, spec)
    assert code in codes(report), [str(finding) for finding in report.findings]


def test_rows_scaled_by_their_own_values_are_not_called_clean() -> None:
    with np.errstate(invalid="ignore"):
        assert not check(lambda x: (x - x.mean()) / x.std(), of(7, raw_dtype="float32", layout="NC")).clean


def test_the_order_of_bands_is_seen() -> None:
    spec = of(5, layout="NCHW")
    pipeline = image_pipeline(spec)
    assert check(lambda x: pipeline(x[..., [1, 0, 2, 3, 4]]), spec).fails


def test_one_channel_networks_get_grey_images() -> None:
    mnist = InputSpec.of((0.1307,), (0.3081,), raw_dtype="uint8")
    right = [v1.ToTensor(), v1.Normalize((0.1307,), (0.3081,))]
    for pipeline in (right, [v1.Grayscale(1), *right], [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), right[1]]):
        assert check(v1.Compose(pipeline), mnist).clean
    assert codes(check(v1.Compose(right[:1]), mnist)) == {"TARE004"}


def test_a_pipeline_that_needs_colour_images_gets_them() -> None:
    mnist = InputSpec.of((0.1307,), (0.3081,), raw_dtype="uint8")
    weights = np.array([0.299, 0.587, 0.114])

    def pipeline(image: Any) -> np.ndarray:
        return np.asarray((((np.asarray(image, np.float32) @ weights) / 255 - 0.1307) / 0.3081)[None], np.float32)

    report = check(pipeline, mnist)
    assert codes(report) == set()
    assert report.form == "PIL image in colour"


def test_grayscale_before_three_constants_is_named() -> None:
    three = v1.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    network = timm.create_model("resnet10t", in_chans=1)
    report = check(v1.Compose([v1.Resize(256), v1.CenterCrop(224), v1.Grayscale(1), v1.ToTensor(), three]), network)
    (finding,) = [each for each in report.findings if each.code == "TARE031"]
    assert "Grayscale leaves one channel, and Normalize has constants for 3" in finding.message


@pytest.mark.parametrize(("name", "count"), [("resnet10t", 1), ("resnet10t", 5), ("vit_tiny_patch16_224", 2), ("resnet10t", 3)])
def test_the_first_layer_is_believed_over_the_configuration(name: str, count: int) -> None:
    network = timm.create_model(name, in_chans=count)
    spec, stated = read_spec(network), network.pretrained_cfg
    if count == 3:
        assert spec.mean == Known(tuple(stated["mean"]), f"pretrained_cfg of the {type(network).__name__}, key 'mean'")
    elif count == 1:
        assert spec.require("mean") == pytest.approx((np.mean(stated["mean"]),))
    else:
        assert isinstance(spec.mean, Unknown)
        assert f"takes {count} channels" in spec.mean.reason


def test_a_configuration_that_contradicts_its_arguments() -> None:
    config = {"pretrained_cfg": {"input_size": [3, 64, 64], "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.2, 0.2]}}
    spec = read_spec({**config, "model_args": {"in_chans": 1}})
    assert spec.require("mean") == (0.5,)
    assert spec.require("channels") == "L"


def test_constants_alone_state_no_number_of_channels() -> None:
    grey = v1.Compose([v1.Grayscale(1), v1.ToTensor(), v1.Normalize((0.5,), (0.5,))])
    colour = v1.Compose([v1.ToTensor(), v1.Normalize((0.5,) * 3, (0.5,) * 3)])
    for pipeline, count in ((grey, 1), (colour, 3)):
        report = check(pipeline, mean=[0.5], std=[0.5])
        assert report.clean
        assert report.spec.channel_count() == count
    assert check(grey, timm.create_model("resnet10t", in_chans=1), mean=[0.5], std=[0.5], size=None).spec.channel_count() == 1


def test_what_is_not_judged_is_said_and_not_clean() -> None:
    window = replace(of(1, raw_dtype="float32", layout="NCDHW"), clip=Known(((0.1, 0.8),), "made"))
    each = replace(of(3), per_sample=Known(PerSample("zscore"), "made"))
    for spec, pipeline, why in (
        (window, formula(window), "clipped to [0.1, 0.8]"),
        (each, image_pipeline(of(3)), "each sample is normalised by its own values"),
    ):
        report = check(pipeline, spec)
        assert not report.fails
        assert not report.clean
        assert why in report.not_judged[0]
        assert report.to_json()["not_judged"] == list(report.not_judged)
        assert report.to_json()["judged"] == []


def test_each_image_by_its_own_values_is_right_where_the_network_says_so() -> None:
    each = replace(of(3), per_sample=Known(PerSample("zscore"), "made"))
    report = check(lambda x: channels_first((np.asarray(x) - np.mean(x)) / (np.std(x) + 1e-6)), each)
    assert "TARE012" not in codes(report)
    assert not report.clean


def test_constants_of_a_training_pipeline_that_draws_values_are_not_called_judged() -> None:
    spec = of(3)

    def pipeline(image: Any) -> np.ndarray:
        x = np.asarray(image, np.float32) / 255 * np.random.uniform(0.9, 1.1)
        return channels_first((x - 0.0) / 0.9)

    report = check(pipeline, spec, stage="train")
    assert report.not_judged
    assert not report.clean


def test_the_range_of_raw_values_follows_the_specification() -> None:
    assert raw_range_of(of(3)) == RawRange(0.0, 255.0, 1 / 255, 255.0)
    assert raw_range_of(of(3, raw_dtype="uint16")) == RawRange(0.0, 65535.0, 1 / 65535, 65535.0)
    assert raw_range_of(of(3, raw_dtype="uint16", bits=12, scale=1 / 4095)).high == 4095
    floats = raw_range_of(InputSpec.of((280.0,), (9.0,), scale=1.0, raw_dtype="float32"))
    assert (floats.low, floats.high) == pytest.approx((253.0, 307.0))
    assert raw_range_of(replace(of(3), raw_dtype=Unknown("nobody"))).high == 255
    assert probe_of(of(6, raw_dtype="float32", layout="NCT")).axes == "T"


def test_a_map_from_levels_becomes_one_from_raw_values() -> None:
    raw = RawRange(-100.0, 300.0, 1.0)
    of_levels = Affine((0,), (0.5,), (2.0,))
    found = of_raw(of_levels, raw)
    for level in (0, 17, 255):
        value = raw.low + level / 255 * raw.width
        assert found.scale[0] * value + found.shift[0] == pytest.approx(0.5 * level + 2.0)
