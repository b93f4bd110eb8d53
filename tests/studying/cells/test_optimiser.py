from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from tare.studying.cells.optimiser import AdamW, one_cycle

STEPS = 25


def network() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    return layers.double().to(memory_format=torch.channels_last)


def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(8, 2, 8, 8, dtype=torch.float64, generator=generator), torch.randint(0, 3, (8,), generator=generator))
        for _ in range(STEPS)
    ]


def test_weights_move_as_those_of_torchs_adamw_in_torchs_cycle() -> None:
    ours = network()
    theirs = copy.deepcopy(ours)
    optimiser = AdamW(ours.parameters(), rate=3e-3, steps=STEPS, decay=0.01)
    reference = torch.optim.AdamW(theirs.parameters(), lr=3e-3, weight_decay=0.01)
    cycle = torch.optim.lr_scheduler.OneCycleLR(reference, 3e-3, total_steps=STEPS)
    for images, labels in batches():
        functional.cross_entropy(ours(images), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        reference.zero_grad()
        functional.cross_entropy(theirs(images), labels).backward()  # type: ignore[no-untyped-call]
        reference.step()
        cycle.step()
    for mine, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 7, 168])
def test_the_cycle_is_torchs(steps: int) -> None:
    reference = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=1.0)
    cycle = torch.optim.lr_scheduler.OneCycleLR(reference, 4e-3, total_steps=steps)
    for step in range(steps):
        group = reference.param_groups[0]
        assert one_cycle(step, steps, 4e-3) == pytest.approx((group["lr"], group["betas"][0]), rel=1e-12)
        reference.step()
        if step < steps - 1:
            cycle.step()


def test_afterwards_parameters_are_tensors_of_their_own_again() -> None:
    module = network()
    before = [each.detach().clone() for each in module.parameters()]
    optimiser = AdamW(module.parameters(), rate=1e-3, steps=2, decay=0.0)
    optimiser.done()
    assert all(each.grad is None and each.is_contiguous() for each in module.parameters())
    assert all(torch.equal(each, other) for each, other in zip(module.parameters(), before, strict=True))
    assert len({each.untyped_storage().data_ptr() for each in module.parameters()}) == len(before)


def test_what_needs_no_gradient_is_left_alone() -> None:
    module = network()
    frozen = module.get_parameter("0.weight").requires_grad_(False)
    before = frozen.clone()
    optimiser = AdamW(module.parameters(), rate=1e-1, steps=3, decay=0.5)
    for images, labels in batches()[:3]:
        functional.cross_entropy(module(images), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    optimiser.done()
    assert torch.equal(module.get_parameter("0.weight"), before)
