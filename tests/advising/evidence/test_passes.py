from __future__ import annotations

import numpy as np
import torch
from torch import nn

from tare.advising.evidence.passes import passed
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.strategies import Constants, normalisation

CONSTANTS = Constants((0.4,), (0.3,), "test")


class Net(nn.Module):
    """Four features and a head."""

    def __init__(self, classes: int, *, wrapped: bool = False) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(4, classes)
        self.wrapped = wrapped

    def forward(self, x: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        found = self.head(self.body(x))
        return {"logits": found} if self.wrapped else found


def test_answers_are_the_probabilities_of_the_networks_own_classes() -> None:
    torch.manual_seed(0)
    module, samples = Net(5).eval(), torch.rand(70, 1, 8, 8)
    chosen = normalisation("source", 1, source=CONSTANTS)
    found = passed(module, "head", samples, chosen, ((0.0,), (1.0,)))
    with torch.no_grad():
        wanted = module(InputLayer(chosen)(samples)).softmax(dim=1)
    assert found.answers is not None
    np.testing.assert_allclose(found.answers, wanted.numpy(), atol=1e-6)
    assert found.features.shape == (70, 4)


def test_moments_are_counted_only_where_they_are_wanted() -> None:
    module, samples = Net(5).eval(), torch.rand(5, 1, 8, 8)
    chosen = normalisation("source", 1, source=CONSTANTS)
    whole, bare = (passed(module, "head", samples, chosen, expected) for expected in (((0.0,), (1.0,)), None))
    assert set(whole.places) == {"input"}
    assert not bare.places
    np.testing.assert_array_equal(bare.features, whole.features)


def test_a_network_that_answers_no_classes_has_none() -> None:
    chosen, samples = normalisation("source", 1, source=CONSTANTS), torch.rand(3, 1, 8, 8)
    for module in (Net(1), Net(5, wrapped=True)):
        assert passed(module, "head", samples, chosen, ((0.0,), (1.0,))).answers is None
    broken = Net(5)
    with torch.no_grad():
        broken.head.weight.fill_(torch.nan)
    assert passed(broken, "head", samples, chosen, ((0.0,), (1.0,))).answers is None
