from __future__ import annotations

import pytest
import torch

from tare.studying.cells.pretraining import pretrain, pretrain_together, train
from tare.studying.tasks.task import Pretrained, task_named

DIGITS, SIGNALS = task_named("digits"), task_named("signals")


def distance(one: Pretrained, other: Pretrained) -> float:
    """Largest difference of weights, relative to the largest weight of their tensor."""
    pairs = zip(one.module.parameters(), other.module.parameters(), strict=True)
    return max(float((a - b).detach().abs().max() / b.detach().abs().max()) for a, b in pairs)


@pytest.mark.parametrize("network", ["cnn-none", "cnn-layer", "cnn-group"])
def test_networks_pretrained_together_are_those_of_their_seeds(network: str) -> None:
    together = pretrain_together(DIGITS, network, (4, 5), epochs=1)
    alone = [pretrain(DIGITS, network, seed, epochs=1) for seed in (4, 5)]
    assert max(map(distance, together, alone)) < 1e-3
    assert distance(together[0], alone[1]) > 0.1
    assert [each.seen for each in together] == [each.seen for each in alone]


def test_batch_norm_keeps_the_moments_of_its_own_network() -> None:
    together = pretrain_together(DIGITS, "cnn-batch", (4, 5), epochs=1)
    for each, seed in zip(together, (4, 5), strict=True):
        alone = pretrain(DIGITS, "cnn-batch", seed, epochs=1).module.state_dict()
        found = each.module.state_dict()
        for name in (name for name in found if "running" in name):
            torch.testing.assert_close(found[name], alone[name], rtol=0.05, atol=0.02)
        assert found["blocks.0.1.num_batches_tracked"] == alone["blocks.0.1.num_batches_tracked"] == 14


def test_other_networks_are_pretrained_one_after_the_other_to_the_same_bits() -> None:
    together = pretrain_together(SIGNALS, "mlp", (0, 1), epochs=1)
    for each, seed in zip(together, (0, 1), strict=True):
        assert distance(each, pretrain(SIGNALS, "mlp", seed, epochs=1)) == 0.0


def test_random_numbers_of_the_caller_are_left_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    pretrain_together(DIGITS, "cnn-none", (0, 1), epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_random_layers_draw_by_the_seed_alone() -> None:
    """Whatever was drawn before, in this process or another, and for every strategy of a seed."""

    def trained(seed: int, drawn: int) -> torch.Tensor:
        torch.rand(drawn)
        network = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(4, 2))
        for weights in network.parameters():
            torch.nn.init.ones_(weights)
        train(network, lambda _: torch.eye(4), torch.tensor([0, 1, 0, 1]), seed=seed, epochs=2, lr=0.1, batch=2)
        return torch.cat([weights.detach().flatten() for weights in network.parameters()])

    assert torch.equal(trained(0, 0), trained(0, 7))
    assert not torch.equal(trained(0, 0), trained(1, 0))
