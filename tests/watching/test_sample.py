from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tare.watching.sample import Taken, can_be_seen, left_out, look_at, network_input

sizes = st.integers(1, 40)


@given(sizes, st.integers(1, 4), sizes, sizes, st.booleans())
def test_the_moments_are_those_of_every_image_and_the_sample_is_of_its_pixels(n: int, c: int, h: int, w: int, last: bool) -> None:
    images = torch.randn(n, c, h, w, generator=torch.Generator().manual_seed(n))
    given_images = images.contiguous(memory_format=torch.channels_last) if last else images
    seen = look_at("x", given_images, 3, True, Taken((c,))).seen()
    values = images.numpy().astype(np.float64)
    expected = np.stack([values.mean((2, 3)), values.var((2, 3)), values.min((2, 3)), values.max((2, 3))])
    np.testing.assert_allclose(seen.moments, expected, atol=1e-5)
    assert seen.images == n
    for image in seen.pixels:
        for channel in range(c):
            assert np.isin(image[channel], images[:, channel].numpy()).all()


@pytest.mark.parametrize(
    ("shape", "takes", "layout", "image"),
    [
        ((2, 3, 8, 8), [3], "CHW", (3, 8, 8)),
        ((2, 8, 8, 3), [3], "HWC", (8, 8, 3)),
        ((2, 1, 8, 8), [3], "CHW", (1, 8, 8)),
        ((3, 8, 9), [3], "CHW", (3, 8, 9)),
        ((8, 9, 3), [3], "HWC", (8, 9, 3)),
        ((2, 3, 5, 8, 8), [3], "CHW", (3, 8, 8)),
        ((2, 5, 3, 8, 8), [3], "CHW", (3, 8, 8)),
        ((7, 20), [3], "", (20, 1, 1)),
        ((7, 128, 64), [3], "", (1, 1, 8192)),
        ((7, 300, 80), [80], "", (1, 1, 24000)),
        ((80, 300, 7), [80], "", (1, 1, 2100)),
        ((4, 3, 32, 64), [64], "CHW", (3, 32, 64)),
        ((4, 32, 32, 13), [13], "HWC", (32, 32, 13)),
        ((4, 2, 8, 3), [3], "CHW", (2, 8, 3)),
        ((3, 8, 8, 3), [3], "HWC", (8, 8, 3)),
    ],
)
def test_the_layout_is_where_the_channels_that_the_network_takes_are(
    shape: tuple[int, ...], takes: list[int], layout: str, image: tuple[int, ...]
) -> None:
    form = look_at("x", torch.zeros(shape), 0, True, Taken(takes)).form
    assert (form.shape, form.layout, form.image) == (shape, layout, image)


def test_images_of_different_sizes_are_looked_at_together() -> None:
    seen = look_at("x", [torch.ones(3, 8, 9), torch.zeros(3, 30, 50)], 0, False, Taken((3,))).seen()
    assert seen.images == 2
    assert [image.mean() for image in seen.pixels] == [1, 0]


def test_every_image_of_a_long_list_is_looked_at() -> None:
    """Moments of all of them, pixels of at most 16 of a batch, and of each from batch to batch."""
    images = [torch.full((3, 8, 8 + place % 3), float(place)) for place in range(40)]
    looks = [look_at("x", images, number, False, Taken((3,))).seen() for number in range(3)]
    for seen in looks:
        assert seen.images == 40
        assert [*seen.moments[0, :, 0]] == [*range(40)]
        assert len(seen.pixels) <= 16
    assert {int(image[0, 0]) for seen in looks for image in seen.pixels} == {*range(40)}
    images[37][2, 3, 4] = torch.nan
    assert not look_at("x", images, 0, False, Taken((3,))).seen().finite


def test_one_nan_anywhere_is_seen() -> None:
    images = torch.zeros(4, 3, 200, 200)
    images[3, 2, 199, 197] = float("nan")
    assert not look_at("x", images, 0, True, Taken((3,))).seen().finite


@pytest.mark.parametrize(
    ("args", "kwargs", "which", "name"),
    [
        ((torch.ones(2, 3),), {}, None, "0"),
        ((torch.ones(2, 3, dtype=torch.long), torch.ones(2, 3, 4, 4)), {}, None, "1"),
        ((), {"mask": torch.ones(2, 3, 4), "pixel_values": torch.ones(2, 3, 4, 4)}, None, "pixel_values"),
        ((torch.ones(2, 3, 4, 4, dtype=torch.uint8),), {}, None, "0"),
        (({"image": torch.ones(2, 3, 4, 4)},), {}, "image", "image"),
        ((torch.ones(2, 3, 4), torch.ones(2, 3, 4)), {}, 1, "1"),
        ((torch.ones(2, 3, dtype=torch.long),), {}, None, None),
        (("text", None, torch.empty(0)), {}, None, None),
    ],
)
def test_the_argument_with_the_values_is_found(args: Any, kwargs: Any, which: int | str | None, name: str | None) -> None:
    found = network_input(args, kwargs, which)
    assert (found and found[0]) == name


@pytest.mark.parametrize(
    ("args", "kwargs", "names"),
    [
        ((torch.ones(2, 3, 4, 4), torch.ones(2, 3, 8, 8)), {}, ["1"]),  # a pair of images
        (({"left": torch.ones(2, 3, 4, 4), "right": torch.ones(2, 3, 4, 4)},), {}, ["right"]),
        ((torch.ones(2, 3, 4, 4),), {"mask": torch.ones(2, 1, 4, 4), "time": torch.ones(2, 3)}, []),
        (2 * (IMAGES := torch.ones(2, 3, 4, 4),), {}, []),  # the same one twice
    ],
)
def test_arguments_like_the_one_that_is_looked_at_are_named(args: Any, kwargs: Any, names: list[str]) -> None:
    found = network_input(args, kwargs)
    assert found is not None
    assert left_out(args, kwargs, found[1], Taken((3,))) == names


def test_what_has_no_values_cannot_be_seen() -> None:
    assert not can_be_seen(torch.ones(2, 3, 4, 4, device="meta"))
    assert not can_be_seen([])
    assert can_be_seen(torch.ones(1))
