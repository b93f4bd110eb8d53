from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from tare.networks.batch_norm import ChannelMoments, batch_norms, mixed, reestimate, source_weight

values = st.lists(st.floats(-50, 50), min_size=1, max_size=30)
moments = st.tuples(st.floats(-5, 5), st.floats(0, 9))


def tensors(pair: tuple[float, float]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([pair[0]], dtype=torch.float64), torch.tensor([pair[1]], dtype=torch.float64)


@given(values, values)
def test_a_mixture_has_the_moments_of_the_concatenated_values(first: list[float], second: list[float]) -> None:
    pairs = [tensors((float(np.mean(part)), float(np.var(part)))) for part in (first, second)]
    mean, variance = mixed(pairs[0], pairs[1], len(first) / (len(first) + len(second)))
    pooled = np.array(first + second)
    assert mean.item() == pytest.approx(pooled.mean(), abs=1e-9)
    assert variance.item() == pytest.approx(pooled.var(), abs=1e-9)


@given(moments, moments, st.integers(1, 10_000))
def test_a_prior_of_none_is_the_target_and_an_infinite_one_the_source(
    source: tuple[float, float], target: tuple[float, float], samples: int
) -> None:
    for prior, expected in ((0.0, target), (math.inf, source)):
        mean, variance = mixed(tensors(source), tensors(target), source_weight(prior, samples))
        assert (mean.item(), variance.item()) == pytest.approx(expected)


@given(moments, moments, st.floats(0, 1))
def test_a_mixture_varies_at_least_as_much_as_its_parts_on_average(
    first: tuple[float, float], second: tuple[float, float], weight: float
) -> None:
    _, variance = mixed(tensors(first), tensors(second), weight)
    assert variance.item() >= weight * first[1] + (1 - weight) * second[1] - 1e-12


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(0, 99))
def test_moments_are_numpys_however_the_batches_are_cut(sizes: list[int], seed: int) -> None:
    data = np.random.default_rng(seed).normal(3, 2, (sum(sizes), 3, 4, 2))
    parts = [ChannelMoments.of(torch.from_numpy(part)) for part in np.split(data, np.cumsum(sizes)[:-1])]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.merge(part)
    assert whole.count == data[:, 0].size
    np.testing.assert_allclose(whole.mean, data.mean(axis=(0, 2, 3)), atol=1e-12)
    np.testing.assert_allclose(whole.variance, data.var(axis=(0, 2, 3)), atol=1e-12)


def moments_of(layer: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    assert layer.running_mean is not None
    assert layer.running_var is not None
    return layer.running_mean, layer.running_var


class Branched(nn.Module):
    """Batch norms before, in and after two branches, and one that comes first though it is defined last."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.BatchNorm2d(4)
        self.left, self.right = (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()) for _ in range(2))
        self.first = nn.BatchNorm2d(3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        images = self.first(images)
        joined: torch.Tensor = self.last(self.left(images) + self.right(images))
        return joined.mean(dim=(2, 3))


def cut(data: torch.Tensor, sizes: Sequence[int]) -> list[torch.Tensor]:
    return list(torch.split(data, list(sizes)))


def reference(module: nn.Module, data: torch.Tensor, order: Sequence[str]) -> dict[str, tuple[NDArray[np.float64], ...]]:
    """One layer after the other, in the order of execution: its input on all the data at once, then its moments set."""
    module.eval()
    for name in order:
        layer = module.get_submodule(name)
        caught: list[torch.Tensor] = []
        handle = layer.register_forward_pre_hook(lambda _, inputs, caught=caught: caught.append(inputs[0]))
        with torch.inference_mode():
            module(data)
        handle.remove()
        rows = caught[0].double().numpy()
        layer.running_mean.copy_(torch.from_numpy(rows.mean(axis=(0, 2, 3))))  # type: ignore[operator]
        layer.running_var.copy_(torch.from_numpy(rows.var(axis=(0, 2, 3))))  # type: ignore[operator]
    return {name: (layer.running_mean.numpy(), layer.running_var.numpy()) for name, layer in batch_norms(module).items()}  # type: ignore[union-attr]


@pytest.mark.parametrize("double", [True, False])
def test_every_layer_has_the_moments_of_its_input_under_the_layers_before_it(double: bool) -> None:
    torch.manual_seed(0)
    data = 2 + 3 * torch.randn(10, 3, 9, 9)
    ours, theirs = Branched(), Branched()
    theirs.load_state_dict(ours.state_dict())
    if double:
        data, ours, theirs = data.double(), ours.double(), theirs.double()
    done = reestimate(ours, lambda: cut(data, (1, 4, 5)))
    expected = reference(theirs, data, ("first", "left.1", "right.1", "last"))
    for name, layer in batch_norms(ours).items():
        for own, other in zip((layer.running_mean, layer.running_var), expected[name], strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-9 if double else 1e-4, atol=1e-12 if double else 1e-6)  # type: ignore[arg-type]
    assert (done.layers, done.samples, done.settled) == (4, 10, True)
    assert done.passes <= 4


def test_a_whole_network_agrees_with_the_reference_and_keeps_its_mode() -> None:
    torch.manual_seed(0)
    data = torch.rand(12, 3, 32, 32)
    nets = [timm.create_model("test_resnet", num_classes=3) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    order: list[str] = []
    for name, layer in batch_norms(nets[1]).items():
        layer.register_forward_pre_hook(lambda _m, _i, name=name: order.append(name))
    nets[1].eval()(data)
    nets[0].train()
    nets[0].bn1.eval()
    done = reestimate(nets[0], lambda: cut(data, (5, 7)))
    expected = reference(nets[1], data, list(order))
    for name, layer in batch_norms(nets[0]).items():
        np.testing.assert_allclose(layer.running_mean, expected[name][0], rtol=1e-3, atol=1e-5)  # type: ignore[arg-type]
        np.testing.assert_allclose(layer.running_var, expected[name][1], rtol=1e-3, atol=1e-6)  # type: ignore[arg-type]
    assert done.settled
    assert nets[0].training
    assert not nets[0].bn1.training


def test_what_it_gives_stays_when_it_is_done_again() -> None:
    torch.manual_seed(1)
    module = Branched()
    data = torch.rand(8, 3, 9, 9)
    reestimate(module, lambda: [data])
    assert reestimate(module, lambda: [data]).passes == 1


def test_a_prior_counts_samples_and_an_infinite_one_changes_nothing() -> None:
    torch.manual_seed(0)
    layer = nn.BatchNorm2d(2)
    module = nn.Sequential(layer)
    data = 5 + torch.randn(6, 2, 3, 3)
    assert reestimate(module, lambda: [data], prior=math.inf).source_weight == 1.0
    assert torch.equal(moments_of(layer)[0], torch.zeros(2))
    assert torch.equal(moments_of(layer)[1], torch.ones(2))
    assert reestimate(module, lambda: [data], prior=18).source_weight == 0.75
    rows = data.double().transpose(0, 1).flatten(1)
    mean, variance = rows.mean(1), rows.var(1, correction=0)
    assert torch.allclose(moments_of(layer)[0].double(), 0.25 * mean)
    assert torch.allclose(moments_of(layer)[1].double(), 0.75 + 0.25 * variance + 0.75 * 0.25 * mean**2)


def test_fewer_passes_than_layers_say_that_they_may_not_have_settled() -> None:
    torch.manual_seed(0)
    done = reestimate(Branched(), lambda: [3 + torch.randn(4, 3, 9, 9)], passes=1)
    assert (done.passes, done.settled) == (1, False)


def test_a_network_without_batch_norm_is_left_alone() -> None:
    done = reestimate(nn.Sequential(nn.Conv2d(3, 2, 3)), lambda: [torch.rand(2, 3, 5, 5)])
    assert (done.layers, done.passes, done.settled) == (0, 0, True)
