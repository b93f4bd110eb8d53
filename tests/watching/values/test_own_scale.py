from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tare.watching.sample import Seen, Taken, look_at
from tare.watching.values.own_scale import scaled_by_batch, scaled_by_sample
from tests.watched import SPEC, normalised, raw_images, unit

UNITS = unit(raw_images(24))
AFFINE = SPEC.affine()
DIM = (UNITS * torch.linspace(0.55, 0.95, 24)[:, None, None, None] * 255).round() / 255
AXES = (1, 2, 3)


def seen(values: Tensor, size: int = 8) -> list[Seen]:
    return [look_at("x", batch, number, True, Taken((3,))).seen() for number, batch in enumerate(torch.split(values, size))]


def scaled_to_extremes(units: Tensor) -> Tensor:
    low, high = units.amin(AXES, keepdim=True), units.amax(AXES, keepdim=True)
    return (units - low) / (high - low)


def zscored(units: Tensor, axes: tuple[int, ...]) -> Tensor:
    return (units - units.mean(axes, keepdim=True)) / units.std(axes, keepdim=True)


@pytest.mark.parametrize(
    "values",
    [
        normalised(DIM / DIM.amax(AXES, keepdim=True)),
        DIM / DIM.amax(AXES, keepdim=True),
        scaled_to_extremes(DIM),
        normalised(scaled_to_extremes(DIM)),
        zscored(UNITS, AXES),
        zscored(UNITS, (2, 3)),
    ],
)
@pytest.mark.parametrize("size", [1, 8])
def test_images_scaled_by_their_own_values_are_told(values: Tensor, size: int) -> None:
    assert scaled_by_sample(seen(values, size), AFFINE)


@pytest.mark.parametrize(
    "values",
    [
        normalised(UNITS),
        UNITS,
        DIM,
        normalised(UNITS, (0.2, 0.3, 0.4), (0.3, 0.3, 0.3)),
        normalised(UNITS.round()),
        torch.zeros_like(UNITS),
        UNITS * torch.linspace(0.5, 0.9, 24)[:, None, None, None],  # brightness drawn for each image, of floats
    ],
)
def test_images_scaled_by_constants_are_not(values: Tensor) -> None:
    assert not scaled_by_sample(seen(values), AFFINE)
    assert not scaled_by_batch(seen(values))


@pytest.mark.parametrize("axes", [(0, 2, 3), (0, 1, 2, 3)])
def test_batches_scaled_by_their_own_values_are_told(axes: tuple[int, ...]) -> None:
    batches = [zscored(batch, axes) for batch in torch.split(UNITS, 8)]
    assert scaled_by_batch(seen(torch.cat(batches)))
    assert not scaled_by_sample(seen(torch.cat(batches)), AFFINE)


def test_data_zscored_as_a_whole_are_not_taken_for_batches() -> None:
    assert not scaled_by_batch(seen(zscored(UNITS, (0, 2, 3))))


def test_single_images_are_no_batches() -> None:
    assert not scaled_by_batch(seen(zscored(UNITS, AXES), 1))
