from __future__ import annotations

import numpy as np
import pytest
import torch

from tare.errors import SpecError
from tare.identifying.candidates import candidates, stated_entry
from tare.input_spec.spec import InputSpec

KNOWN = {one.name: one for one in candidates(3)}


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_map_is_listed_once_and_its_spec_says_the_same(channels: int) -> None:
    known = candidates(channels)
    assert len({one.name for one in known}) == len(known)
    of_constants = [one for one in known if not one.sample]
    for place, one in enumerate(of_constants):
        assert one.spec.affine() == one.affine
        span = 255 * max(one.affine.scale)
        assert all(one.affine.distance(other.affine) > 0.004 * span for other in of_constants[:place])


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("imagenet", (255, 0, 0), ((1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225)),
        ("imagenet, BGR", (255, 0, 0), (-0.406 / 0.225, -0.456 / 0.224, (1 - 0.485) / 0.229)),
        ("imagenet, colours exchanged under its constants", (255, 0, 0), (-0.485 / 0.229, -0.456 / 0.224, (1 - 0.406) / 0.225)),
        ("caffe", (255, 0, 0), (-103.939, -116.779, 255 - 123.68)),
        ("inception", (255, 0, 0), (1.0, -1.0, -1.0)),
        ("raw values", (255, 0, 7), (255.0, 0.0, 7.0)),
        ("imagenet, mean only", (255, 0, 0), (1 - 0.485, -0.456, -0.406)),
        ("inception, applied twice", (255, 255, 0), (1.0, 1.0, -3.0)),
        ("imagenet, applied to 0..255", (255, 0, 0), ((255 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225)),
    ],
)  # fmt: skip
def test_a_candidate_feeds_what_its_name_says(name: str, raw: tuple[float, ...], expected: tuple[float, ...]) -> None:
    assert KNOWN[name].affine.apply(np.array(raw, dtype=np.float64)) == pytest.approx(expected, rel=1e-9)


def test_names_that_no_value_tells_apart_stand_behind_one_candidate() -> None:
    assert "cifar10-test" in KNOWN["cifar10"].also
    assert "cifar10-test" not in KNOWN


def test_families_tell_scale_form_and_order_apart() -> None:
    assert str(KNOWN["caffe"].family) == "0..255 mean subtracted, BGR"
    assert str(KNOWN["inception"].family) == "0..1 -1..1, RGB"
    assert KNOWN["imagenet"].family == KNOWN["cifar10"].family != KNOWN["imagenet, BGR"].family


def test_raw_constants_are_stated_as_they_are_written_in_code() -> None:
    assert KNOWN["caffe"].spec.require("mean") == pytest.approx((103.939, 116.779, 123.68))
    assert KNOWN["caffe"].spec.require("scale") == 1.0
    assert KNOWN["caffe"].spec.equivalent(
        InputSpec.of((103.939, 116.779, 123.68), (1, 1, 1), scale=1.0, channels="BGR", raw_dtype="uint8")
    )


def test_one_channel_has_what_three_have() -> None:
    grey = {one.name: one for one in candidates(1)}
    assert grey["inception"].affine.apply(np.array([0.0])) == pytest.approx(-1.0)
    assert grey["inception"].affine.apply(np.array([255.0])) == pytest.approx(1.0)
    averaged = grey["imagenet, one constant for all colours"].spec
    assert averaged.require("mean") == pytest.approx((0.449,))
    assert averaged.require("std") == pytest.approx((0.226,))


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_one_constant_for_all_is_one_of_any_number_of_channels(channels: int) -> None:
    (found,) = [one for one in candidates(channels) if one.name == "inception"]
    assert found.affine.apply(np.full(channels, 255.0)) == pytest.approx([1.0] * channels)


def test_one_constant_stands_for_three_equal_channels() -> None:
    assert KNOWN["mnist"].spec.require("mean") == pytest.approx((0.1307,) * 3)
    assert KNOWN["imagenet, one constant for all colours"].spec.require("std") == pytest.approx((0.226,) * 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_standardised_by_themselves_are_candidates_with_a_spec_that_says_so(channels: int) -> None:
    known = [one for one in candidates(channels) if one.sample]
    assert len(known) == (4 if channels == 3 else 1)
    image = np.random.default_rng(0).integers(0, 256, (1, 9, 9, channels)).astype(np.uint8)
    for one in known:
        fed = one.spec.apply(torch.from_numpy(image), "NHWC")
        axes = (1, 2, 3) if one.sample == "sample" else (1, 2)
        assert np.asarray(fed).mean(axis=axes) == pytest.approx(0.0, abs=1e-5)
        assert np.asarray(fed).std(axis=axes) == pytest.approx(1.0, abs=1e-4)


def test_suspected_constants_are_one_more_candidate_with_the_same_variants() -> None:
    suspected = candidates(3, stated_entry((0.3, 0.31, 0.32), (0.2, 0.21, 0.22), 3))
    names = {one.name for one in suspected} - set(KNOWN)
    assert {name for name in names if not name.endswith("BGR")} >= {
        f"--mean and --std{form}" for form in ("", ", mean only", ", std only", ", applied to 0..255", ", applied twice")
    }
    stated = next(one for one in suspected if one.name == "--mean and --std")
    assert stated.affine.apply(np.array((255.0, 0, 0))) == pytest.approx((0.7 / 0.2, -0.31 / 0.21, -0.32 / 0.22))
    assert len(candidates(3, stated_entry((0.5,), (0.5,), 3))) == len(candidates(3))


def test_suspected_constants_of_another_number_of_channels_are_refused() -> None:
    with pytest.raises(SpecError, match="--mean and --std for 3 channels, found 2 of them"):
        stated_entry((0.3, 0.31), (0.2,), 3)
