from __future__ import annotations

import pytest
import torch
from torchvision.transforms import v2

from tare.normaliser import Normaliser
from tare.strategies import Normalisation

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture
def raw() -> torch.Tensor:
    return torch.randint(0, 256, (4, 3, 9, 7), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_bytes_are_normalised_as_torchvision_does(raw: torch.Tensor) -> None:
    reference = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])(raw)
    assert torch.allclose(Normaliser(Normalisation("source", MEAN, STD))(raw), reference, rtol=0, atol=1e-6)


def test_unit_floats_and_their_bytes_reach_the_network_as_the_same_numbers(raw: torch.Tensor) -> None:
    normaliser = Normaliser(Normalisation("source", MEAN, STD))
    assert torch.allclose(normaliser(raw), normaliser(raw / 255), rtol=0, atol=1e-6)


def test_per_sample_gives_every_sample_and_channel_mean_zero_and_std_one(raw: torch.Tensor) -> None:
    fed = Normaliser(Normalisation("sample", (0.0,) * 3, (1.0,) * 3, per_sample=True))(raw)
    assert torch.allclose(fed.mean(dim=(2, 3)), torch.zeros(4, 3), atol=1e-5)
    assert torch.allclose(fed.std(dim=(2, 3), correction=0), torch.ones(4, 3), atol=1e-5)


def test_a_constant_image_stays_finite_under_per_sample() -> None:
    flat = torch.full((1, 1, 4, 4), 200, dtype=torch.uint8)
    fed = Normaliser(Normalisation("sample", (0.0,), (1.0,), per_sample=True))(flat)
    assert torch.allclose(fed, torch.zeros_like(fed), atol=1e-6)
