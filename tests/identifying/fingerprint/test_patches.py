from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tare.identifying.fingerprint.front import NetworkFront
from tare.identifying.fingerprint.moments import Views, responses
from tare.identifying.fingerprint.patches import ALL, POSITIONS, kernel_of, patch_responses
from tare.input_spec.affine import Affine

AFFINES = (
    Affine((0, 1, 2), (0.017, 0.018, 0.019), (-2.1, -2.0, -1.8)),
    Affine((2, 1, 0), (1.0, 1.0, 1.0), (-104.0, -117.0, -124.0)),
)


class Padded(nn.Module):
    """Zeros on the right and at the bottom only, as TensorFlow pads for stride 2."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, 2)

    def forward(self, values: torch.Tensor) -> Any:
        return self.conv(functional.pad(values, (0, 1, 0, 1)))


class Folded(nn.Module):
    """Space to depth, then a convolution: one of twice the window and stride."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(12, 6, 3, padding=1)

    def forward(self, values: torch.Tensor) -> Any:
        return self.conv(functional.pixel_unshuffle(values, 2))


STEMS: dict[str, Callable[[], nn.Module]] = {
    "padded": lambda: nn.Conv2d(3, 6, 3, padding=1),
    "large": lambda: nn.Conv2d(3, 6, 7, 2, padding=3, bias=False),
    "patches": lambda: nn.Conv2d(3, 6, 4, 4),
    "one sided": Padded,
    "space to depth": Folded,
    "grouped": lambda: nn.Conv2d(3, 6, 3, stride=(1, 2), padding=(0, 1), groups=3),
    "dilated": lambda: nn.Conv2d(3, 6, 3, dilation=2, padding=2),
}


def front(stem: nn.Module) -> NetworkFront:
    return NetworkFront(nn.Sequential(stem, nn.BatchNorm2d(6)).eval(), "1", affine=True, layers=("1",))


def made(count: int, each: int, size: tuple[int, int], *, masked: bool) -> Views:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count * each, 3, 5, 5, generator=generator)
    values = functional.interpolate(coarse, size, mode="bilinear").reshape(count, each, 3, *size)
    if not masked:
        return Views(values)
    mask = torch.ones(count, each, 1, *size)
    mask[..., :3, :] = 0
    mask[..., 5:9, 4:8] = 0
    noise = torch.randn(values.shape, generator=generator) * (1 - mask)
    return Views(values * mask, mask, noise)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", STEMS)
def test_with_all_windows_the_moments_are_those_of_whole_maps(name: str, *, masked: bool) -> None:
    torch.manual_seed(0)
    given, views = front(STEMS[name]()), made(6, 2, (16, 16), masked=masked)
    kernel = kernel_of(given, (3, 16, 16))
    assert kernel is not None
    assert kernel.grid[0] * kernel.grid[1] <= ALL
    found, exact = patch_responses(kernel, views, 0), responses(given, views)
    for affine in AFFINES:
        one, other = found.predict(affine), exact.predict(affine)
        size = float(np.sqrt(other.variance.max() + np.square(other.mean).max()))
        assert one.mean == pytest.approx(other.mean, abs=1e-4 * size)
        assert one.variance == pytest.approx(other.variance, abs=1e-4 * size**2)
        assert one.of_mean == pytest.approx(other.of_mean, abs=1e-4 * size)


def test_a_part_of_the_windows_gives_the_moments_within_its_sampling_error() -> None:
    torch.manual_seed(0)
    given, views = front(nn.Conv2d(3, 6, 5, padding=2)), made(48, 1, (40, 40), masked=True)
    kernel = kernel_of(given, (3, 40, 40))
    assert kernel is not None
    exact = responses(given, views)
    runs = [patch_responses(kernel, views, seed) for seed in range(0, 4800, 300)]
    for affine in AFFINES:
        whole = exact.predict(affine)
        between = np.sqrt(np.square(whole.of_mean).mean(axis=0) / 48)
        means = np.stack([run.predict(affine).mean for run in runs])
        error = means.std(axis=0, ddof=1)
        assert (error < between).all()  # less than that of drawing the images
        assert (np.abs(means.mean(axis=0) - whole.mean) < 4 * error / np.sqrt(len(runs))).all()
        variances = np.stack([run.predict(affine).variance for run in runs])
        assert (np.abs(variances.mean(axis=0) - whole.variance) < 4.5 * variances.std(axis=0, ddof=1) / 4).all()


@pytest.mark.parametrize(
    "stem",
    [
        nn.Conv2d(3, 6, 3, padding=1, padding_mode="reflect"),
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)),
        nn.Sequential(nn.Conv2d(3, 6, 3), nn.AdaptiveAvgPool2d(1)),
    ],
)
def test_what_is_not_one_convolution_in_zeros_is_not_taken_for_it(stem: nn.Module) -> None:
    torch.manual_seed(0)
    assert kernel_of(front(stem), (3, 16, 16)) is None


def test_every_image_has_windows_of_its_own_and_the_same_ones_for_the_same_seed() -> None:
    kernel = kernel_of(front(nn.Conv2d(3, 6, 3, padding=1)), (3, 40, 40))
    assert kernel is not None
    places = kernel.places(2, 0)
    assert places.shape == (2, POSITIONS)
    assert not torch.equal(places[0].sort().values, places[1].sort().values)
    assert torch.equal(places, kernel.places(2, 0))
