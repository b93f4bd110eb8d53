from __future__ import annotations

import copy
from typing import get_args

import pytest
import torch

from tare.studying.tasks.small_networks import Norm, SideBySide, SmallNetwork

NORMS: tuple[Norm, ...] = get_args(Norm)


def networks(norm: Norm, number: int = 3) -> list[SmallNetwork]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [SmallNetwork(2, 5, norm).train() for _ in range(number)]


def gradient(module: torch.nn.Module) -> torch.Tensor:
    found = module.get_parameter("blocks.2.0.weight").grad
    assert found is not None
    return found


@pytest.mark.parametrize("norm", NORMS)
def test_each_network_computes_what_it_does_alone(norm: Norm) -> None:
    alone = networks(norm)
    together = SideBySide(alone).train()
    images = torch.randn(3, 16, 2, 8, 8, generator=torch.Generator().manual_seed(1))
    found = together(torch.cat(list(images), dim=1))
    expected = torch.stack([network(batch) for network, batch in zip(alone, images, strict=True)])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_gradients_are_those_of_each_alone_and_reach_no_other(norm: Norm) -> None:
    alone = networks(norm)
    together = SideBySide(alone).train()
    images = torch.randn(3, 16, 2, 8, 8, generator=torch.Generator().manual_seed(1))
    together(torch.cat(list(images), dim=1))[1].square().sum().backward()
    alone[1](images[1]).square().sum().backward()
    weight = gradient(together).chunk(3)
    assert not weight[0].any()
    assert not weight[2].any()
    expected = gradient(alone[1])
    torch.testing.assert_close(weight[1], expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("norm", NORMS)
def test_what_was_trained_together_is_handed_back_to_each(norm: Norm) -> None:
    alone = networks(norm)
    before = copy.deepcopy(alone)
    together = SideBySide(alone).train()
    images = torch.randn(16, 6, 8, 8, generator=torch.Generator().manual_seed(1))
    together(images)  # batch norm's moments change
    with torch.no_grad():
        for parameter in together.parameters():
            parameter.add_(0.1 * torch.arange(parameter.numel()).reshape(parameter.shape) / parameter.numel())
    together.hand_back()
    for network, old in zip(alone, before, strict=True):
        changed = [not torch.equal(new, was) for new, was in zip(network.parameters(), old.parameters(), strict=True)]
        assert all(changed)
    found = together.eval()(images)
    for place, network in enumerate(alone):
        torch.testing.assert_close(found[place], network.eval()(images[:, 2 * place : 2 * place + 2]), rtol=1e-4, atol=1e-5)
