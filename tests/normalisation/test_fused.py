from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import v2

from tare.input_spec.affine import Affine
from tare.normalisation.fused import normalise, takes

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def stored(shape: tuple[int, int, int, int], channels_last: bool, seed: int = 0) -> torch.Tensor:
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    return images.contiguous(memory_format=torch.channels_last) if channels_last else images


@given(
    st.integers(1, 3),
    st.permutations(range(4)),
    st.integers(1, 4),
    st.tuples(st.integers(1, 9), st.integers(1, 70)),
    st.booleans(),
    st.integers(0, 99),
)
def test_it_is_the_affine_map_in_float64_for_any_shape_order_and_storage(
    count: int, order: list[int], channels: int, size: tuple[int, int], last: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scale, shift = rng.uniform(-0.1, 0.1, channels), rng.uniform(-3, 3, channels)
    affine = Affine(tuple(i for i in order if i < channels), tuple(scale.tolist()), tuple(shift.tolist()))
    images = stored((count, channels, *size), last, seed)
    expected = affine.apply(images.permute(0, 2, 3, 1).numpy().astype(np.float64)).transpose(0, 3, 1, 2)
    got = normalise(images, affine)
    assert got.is_contiguous()
    np.testing.assert_allclose(got.numpy(), expected, rtol=0, atol=3e-6)


@pytest.mark.parametrize("last", [False, True])
def test_it_agrees_with_torchvision(last: bool) -> None:
    images = stored((4, 3, 32, 24), last)
    reference = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])(images)
    torch.testing.assert_close(normalise(images, Affine.of_normalisation(MEAN, STD, 1 / 255)), reference, rtol=0, atol=1e-6)


def test_it_writes_into_what_it_is_given() -> None:
    images, out = stored((2, 3, 5, 7), True), torch.empty(2, 3, 5, 7)
    affine = Affine.of_normalisation(MEAN, STD, 1 / 255)
    assert normalise(images, affine, out) is out
    torch.testing.assert_close(out, normalise(images, affine))


@pytest.mark.parametrize(
    "images", [torch.zeros(1, 3, 4, 4), torch.zeros(3, 4, 4, dtype=torch.uint8), stored((1, 3, 8, 8), False)[..., ::2]]
)
def test_floats_single_images_and_strided_views_are_refused(images: torch.Tensor) -> None:
    assert not takes(images)
    with pytest.raises(ValueError, match=r"uint8 \(N, 3, H, W\) on the CPU, got"):
        normalise(images, Affine.of_normalisation(MEAN, STD, 1 / 255))


def test_another_number_of_channels_and_another_output_are_refused() -> None:
    affine = Affine.of_normalisation(MEAN, STD, 1 / 255)
    with pytest.raises(ValueError, match=r"uint8 \(N, 3, H, W\)"):
        normalise(stored((1, 4, 2, 2), False), affine)
    with pytest.raises(ValueError, match="a contiguous float32 tensor of shape"):
        normalise(stored((1, 3, 2, 2), False), affine, torch.empty(1, 3, 2, 3))


@pytest.mark.parametrize("pixels", [1, 31, 511, 512, 513, 1024, 1500])
def test_both_memory_orders_give_the_same_bits_whatever_a_block_of_pixels_is(pixels: int) -> None:
    affine = Affine((2, 0, 1), (0.017, -0.03, 1.3), (-2.1, 0.4, 7.0))
    images = stored((2, 3, 1, pixels), False, pixels)
    last = normalise(images.contiguous(memory_format=torch.channels_last), affine)
    assert torch.equal(last, normalise(images, affine))


@pytest.mark.parametrize(("last", "channels"), [(False, 3), (True, 3), (True, 4)])
@pytest.mark.parametrize("threads", [2, 3, 9])
def test_any_number_of_threads_gives_the_same_bits(
    last: bool, channels: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = stored((5, channels, 33, 21), last)
    affine = Affine(tuple(reversed(range(channels))), (0.02,) * channels, tuple(-k / 7 for k in range(channels)))
    alone = normalise(images, affine)
    asked: list[int] = []

    def number() -> int:
        asked.append(threads)
        return threads

    monkeypatch.setattr("tare.normalisation.fused._MANY", 1)
    monkeypatch.setattr(torch, "get_num_threads", number)
    spread = normalise(images, affine, torch.full(tuple(images.shape), torch.nan))
    assert torch.equal(spread, alone)
    assert asked
