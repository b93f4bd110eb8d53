from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
import pytest
import torch

from tare.identifying.fingerprint.views import (
    AUGMENTATIONS,
    AugmentedImages,
    TrainingAugmentation,
    _distorted,
    _saturated,
    _turned,
    prepared,
)
from tare.input_spec.geometry import Geometry


def varied(seed: int = 0) -> AugmentedImages:
    rng = np.random.default_rng(0)
    images = [rng.integers(30, 226, (24, 30, 3), dtype=np.uint8) for _ in range(6)]
    return AugmentedImages(prepared(images, Geometry((16, 16))), seed)


def parts(views: Any) -> list[torch.Tensor]:
    return [part for part in (views.values, views.mask, views.added) if part is not None]


@pytest.mark.parametrize("way", AUGMENTATIONS, ids=lambda way: way.name)
def test_what_becomes_of_an_image_depends_on_its_number_and_the_seed_alone(way: TrainingAugmentation) -> None:
    whole = varied().views(way, 0, 6, 2)
    later = varied()
    later.views(AUGMENTATIONS[-1], 0, 6, 1)  # drawn before: changes nothing
    for part, together in zip(parts(later.views(way, 2, 5, 2)), parts(whole), strict=True):
        assert torch.equal(part, together[2:5])
    assert whole.values.shape == (6, 2, 3, 16, 16)
    assert float(whole.values.min()) >= 0
    assert float(whole.values.max()) <= 1
    plain = way == AUGMENTATIONS[0]
    assert torch.equal(varied(1).views(way, 0, 6, 2).values, whole.values) == plain


def test_saturation_and_hue_are_those_of_hsv() -> None:
    generator = torch.Generator().manual_seed(0)
    colours = torch.rand(3, 5, 5, generator=generator)
    more, turned = _saturated(colours, 1.4), _turned(colours, 0.15)
    for row, column in np.ndindex(5, 5):
        h, s, v = colorsys.rgb_to_hsv(*colours[:, row, column].tolist())
        assert more[:, row, column].tolist() == pytest.approx(colorsys.hsv_to_rgb(h, min(1.0, 1.4 * s), v), abs=1e-5)
        assert turned[:, row, column].tolist() == pytest.approx(colorsys.hsv_to_rgb((h + 0.15) % 1, s, v), abs=1e-5)


def test_grey_images_are_distorted_without_their_colour() -> None:
    grey = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0))
    changed = _distorted(grey, np.random.default_rng(0))
    assert changed.shape == grey.shape
    assert not torch.equal(changed, grey)


def test_shifts_of_neighbours_are_opposite() -> None:
    way = TrainingAugmentation("shifted", casts=0.02)
    shifts = (varied().views(way, 0, 6, 1).values - varied().views(AUGMENTATIONS[0], 0, 6, 1).values).mean(dim=(1, 3, 4))
    assert shifts[0::2].abs().min() > 1e-4
    assert torch.allclose(shifts[0::2], -shifts[1::2], atol=1e-6)
    assert float(shifts.std()) == pytest.approx(0.02, rel=0.6)
