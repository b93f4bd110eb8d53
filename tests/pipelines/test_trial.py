"""What running a pipeline shows, for pipelines whose map is known because they are written here."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tare.errors import PipelineError
from tare.pipelines.observation import Observation
from tare.pipelines.trial import observe

Values = NDArray[Any]


def planes(change: Callable[[Values], Values], dtype: Any = np.float64) -> Callable[[Values], Values]:
    """A pipeline ``(H, W, 3)`` to ``(3, H, W)`` that applies ``change`` to 32 x 40 pixels; the shape of changes ``(..., 3)``."""
    return lambda image: np.ascontiguousarray(np.moveaxis(change(image[::8, ::8].astype(dtype)), -1, 0))


def rows(affine: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array(affine.scale), np.array(affine.shift)


@settings(max_examples=25)
@given(
    scale=st.lists(st.floats(1e-3, 1), min_size=3, max_size=3),
    shift=st.lists(st.floats(-3, 3), min_size=3, max_size=3),
    order=st.permutations([0, 1, 2]),
)
def test_the_affine_map_and_the_order_are_recovered(scale: list[float], shift: list[float], order: list[int]) -> None:
    seen = observe(planes(lambda x: x[..., order] * scale + shift))
    assert seen.affine is not None
    assert seen.affine.order == tuple(order)
    np.testing.assert_allclose(seen.affine.scale, scale, rtol=1e-6)
    np.testing.assert_allclose(seen.affine.shift, shift, atol=1e-5 * max(scale) * 255)
    assert (seen.clamped, seen.by_image, seen.random, seen.grey) == ((None, None), False, False, False)


@settings(max_examples=25)
@given(mean=st.floats(0.3, 0.6), std=st.floats(0.15, 0.3))
def test_rounding_to_8_bits_on_the_way_does_not_hide_the_map(mean: float, std: float) -> None:
    # Resized through float and back, as PIL and OpenCV do: half a level here or there.
    seen = observe(planes(lambda x: (((x * 0.999).round() / 255) - mean) / std))
    assert seen.affine is not None
    assert seen.affine.scale[0] == pytest.approx(1 / 255 / std, rel=5e-3)
    assert seen.affine.shift[0] == pytest.approx(-mean / std, abs=0.02)


@settings(max_examples=25)
@given(mean=st.floats(0.3, 0.6), std=st.floats(0.15, 0.3), low=st.floats(-0.8, -0.5), high=st.floats(0.5, 0.8))
def test_clamped_ends_are_seen_and_the_map_between_them(mean: float, std: float, low: float, high: float) -> None:
    seen = observe(planes(lambda x: ((x / 255 - mean) / std).clip(low, high)))
    assert [end is not None and round(end, 5) for end in seen.clamped] == [round(low, 5), round(high, 5)]
    assert seen.affine is not None
    assert seen.affine.scale[0] == pytest.approx(1 / 255 / std, rel=1e-4)


def test_clamping_that_cuts_nothing_is_not_seen() -> None:
    assert observe(planes(lambda x: (x / 255).clip(0, 1))).clamped == (None, None)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x / max(x.max(), 1),
        lambda x: (x - x.min()) / (np.ptp(x) + 1e-8),
        lambda x: (x - x.mean()) / (x.std() + 1e-8),
        lambda x: (x - x.mean((0, 1))) / (x.std((0, 1)) + 1e-8),
    ],
)
def test_scaling_by_each_image_is_seen(change: Callable[[Values], Values]) -> None:
    seen = observe(planes(change))
    assert seen.by_image
    assert not seen.threshold


def test_a_training_pipeline_that_stretches_some_images_is_not_taken_for_one_that_stretches_each() -> None:
    def sometimes(x: Values) -> Values:
        return (x - x.min()) / max(np.ptp(x), 1e-8) if random.random() < 0.3 and np.ptp(x) else x / 255

    assert not observe(planes(sometimes)).by_image


def test_the_image_is_found_in_a_wide_padding() -> None:
    def padded(x: Values) -> Values:
        canvas = np.ones((120, 100, 3))
        canvas[: x.shape[0], : x.shape[1]] = x / 255
        return canvas

    seen = observe(planes(padded))
    assert seen.affine is not None
    np.testing.assert_allclose(seen.affine.scale, [1 / 255] * 3, rtol=1e-6)


def test_a_division_that_depends_on_the_maximum_is_seen() -> None:
    seen = observe(planes(lambda x: x / 255 if x.max() > 1 else x))
    assert seen.by_image
    assert seen.threshold


def test_a_curve_has_no_map() -> None:
    seen = observe(planes(lambda x: (x / 255) ** 0.45))
    assert seen.affine is None
    assert not seen.by_image
    assert not seen.mixed


def in_hsv(x: Values) -> Values:
    """Saturation, value and the place of the greatest colour: each pixel by itself."""
    top = x.max(-1)
    return np.stack([np.argmax(x, axis=-1) / 3, (top - x.min(-1)) / np.maximum(top, 1), top / 255], axis=-1)


def test_another_colour_space_is_no_scaling_by_each_image() -> None:
    seen = observe(planes(in_hsv))
    assert seen.affine is None
    assert (seen.by_image, seen.by_content, seen.mixed) == (False, False, True)


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_a_staircase_is_no_clamp(bits: int) -> None:
    step = 256 // 2**bits
    seen = observe(planes(lambda x: ((x // step * step) / 255 - 0.45) / 0.22))
    assert (seen.affine, seen.clamped, seen.by_image) == (None, (None, None), False)
    assert seen.stepped


def test_a_clamped_curve_has_no_map_and_no_clamp() -> None:
    seen = observe(planes(lambda x: np.minimum((x / 255) ** 2, 0.6)))
    assert seen.affine is None
    assert not seen.stepped


def test_mixed_channels_have_no_map_and_grey_ones_do() -> None:
    matrix = np.array([[0.8, 0.1, 0.3], [0.1, 0.5, 0.3], [0.1, 0.4, 0.4]])
    assert observe(planes(lambda x: x @ matrix)).mixed
    grey = observe(planes(lambda x: (x @ [[0.299], [0.587], [0.114]]).repeat(3, -1)))
    assert grey.grey
    assert grey.affine is not None
    assert grey.affine.order == (0, 1, 2)


def test_flips_are_random_and_leave_the_map_as_it_is() -> None:
    seen = observe(planes(lambda x: (x[:, ::-1] if random.random() < 0.5 else x) / 255))
    assert seen.random
    assert not seen.random_values
    assert seen.affine is not None
    np.testing.assert_allclose(seen.affine.scale, [1 / 255] * 3, rtol=1e-6)


@pytest.mark.parametrize("draw", [random.random, np.random.rand, lambda: torch.rand(()).item()])
def test_random_values_give_a_map_of_medians(draw: Callable[[], float]) -> None:
    seen = observe(planes(lambda x: x / 255 * (0.8 + 0.4 * draw())))
    assert seen.approximate
    assert seen.affine is not None
    np.testing.assert_allclose(seen.affine.scale, [1 / 255] * 3, rtol=0.2)


@pytest.mark.parametrize(("draw"), [random.random, np.random.rand, lambda: torch.rand(()).item()])
def test_random_generators_are_seeded_and_left_as_they_were(draw: Callable[[], float]) -> None:
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = [draw() for _ in range(3)]
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    first, again = (observe(planes(lambda x: x * draw()), seed=3) for _ in range(2))
    assert first == again
    assert [draw() for _ in range(3)] == expected


def test_nan_is_seen() -> None:
    with np.errstate(invalid="ignore", divide="ignore"):
        assert not observe(planes(lambda x: (x - x) / 0.0)).finite


@pytest.mark.parametrize(
    ("pipeline", "layout", "channels"),
    [
        (lambda image: image[::8, ::8].astype(np.float32), "HWC", 3),
        (lambda image: image[::8, ::8, 0].astype(np.float32), "HW", 1),
        (lambda image: np.moveaxis(image[::8, ::8], -1, 0), "CHW", 3),
    ],
)
def test_layout_shape_and_dtype_are_seen(pipeline: Callable[[Values], Values], layout: str, channels: int) -> None:
    seen = observe(pipeline)
    assert isinstance(seen, Observation)
    assert (seen.layout, seen.channels) == (layout, channels)
    assert seen.dtype == str(pipeline(np.zeros((256, 320, 3), np.uint8)).dtype)


def test_a_pipeline_that_writes_into_its_image_does_not_spoil_the_next_one() -> None:
    def pipeline(image: Values) -> Values:
        result = np.moveaxis(image, -1, 0) / 255
        image[:] = 0
        return result

    seen = observe(pipeline)
    assert not seen.random
    assert seen.high == 1.0


def test_what_the_pipeline_raises_comes_through() -> None:
    def refuses(_: Values) -> Values:
        raise PipelineError("an image", "another", "repair it")

    with pytest.raises(PipelineError, match="expected an image, found another"):
        observe(refuses)


@pytest.mark.parametrize(("share", "is_seen"), [(0.5, False), (0.0, True)])
def test_medians_of_two_maps_are_no_map(share: float, is_seen: bool) -> None:
    def pipeline(image: Values) -> Values:
        values = np.moveaxis(image, -1, 0)[:, ::8, ::8] / 255
        return (values - 0.5) / 0.25 if random.random() < share else values

    assert all((observe(pipeline, seed).affine is not None) == is_seen for seed in range(8))
