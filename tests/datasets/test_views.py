from __future__ import annotations

import numpy as np
import torch

from tare.datasets.views import picture


def test_colours_and_grey_are_shown_as_they_are() -> None:
    bytes_ = torch.arange(27, dtype=torch.uint8).reshape(3, 3, 3)
    assert np.array_equal(picture(bytes_), bytes_.permute(1, 2, 0).numpy())
    assert picture(torch.full((1, 2, 2), 0.5)).tolist() == [[128, 128], [128, 128]]


def test_bands_are_shown_by_the_names_of_colours_and_stretched() -> None:
    values = torch.stack([torch.full((2, 2), 0.01 * c) for c in range(4)])
    shown = picture(values, ("B02", "B03", "B04", "B08"))
    assert shown.shape == (2, 2, 3)
    assert shown[0, 0].tolist() == [255, 128, 0]  # B04, B03, B02


def test_two_bands_are_shown_by_the_first() -> None:
    values = torch.stack([torch.tensor([[0.1, 0.2]]), torch.tensor([[9.0, 9.0]])])
    assert picture(values, ("VV", "VH")).tolist() == [[0, 255]]


def test_a_constant_tile_is_black() -> None:
    assert picture(torch.full((4, 2, 2), 0.3)).tolist() == np.zeros((2, 2, 3)).tolist()
