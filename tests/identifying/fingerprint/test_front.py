from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from tare.errors import ModelError
from tare.identifying.fingerprint.front import front_of


class Stem(nn.Module):
    """Padding by hand, space to depth, a convolution with bias, batch norm, and something nonlinear behind."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(12, 5, 3, padding=1), nn.BatchNorm2d(5)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        values = functional.pixel_unshuffle(functional.pad(values, (0, 1, 0, 1)), 2)
        reached: torch.Tensor = self.bn(self.conv(values))
        return reached.relu()


def behind(first: nn.Module) -> nn.Module:
    return nn.Sequential(first, nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()


def test_a_stem_of_any_form_is_recognised_as_affine() -> None:
    torch.manual_seed(0)
    module = Stem().eval()
    front = front_of(module, (3, 7, 7), ["bn"])
    assert front.affine
    values = torch.randn(2, 3, 7, 7)
    expected = module.conv(functional.pixel_unshuffle(functional.pad(values, (0, 1, 0, 1)), 2)).flatten(2)
    assert torch.allclose(front(values), expected, atol=1e-6)


@pytest.mark.parametrize("first", [nn.ReLU(), nn.Hardtanh(-20, 20), nn.GroupNorm(1, 3), nn.Sigmoid()])
def test_what_is_not_affine_is_not_taken_for_it(first: nn.Module) -> None:
    assert not front_of(behind(first), (3, 8, 8), ["2"]).affine


def test_the_first_affine_layer_is_preferred() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)).eval()
    front = front_of(module, (3, 8, 8), ["1", "4"])
    assert (front.name, front.affine) == ("1", True)
    assert not front_of(module, (3, 8, 8), ["4"]).affine


def test_a_network_that_takes_other_inputs_says_what_it_raises() -> None:
    with pytest.raises(ModelError, match="expected input"):
        front_of(nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)).eval(), (3, 8, 8), ["1"])
