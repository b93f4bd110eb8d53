"""A batch norm that the input reaches first holds the normalisation in its running moments."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from tare.errors import ModelError
from tare.folding.api import fold, folded, respec
from tare.folding.layers import FoldedBatchNorm, FoldedNetwork
from tests.folding.test_api import CAFFE, IMAGENET, Applied, difference, inputs, spec_of

SIZES = {1: (9,), 2: (9, 8), 3: (4, 6, 5)}


def with_moments(layer: Any, seed: int = 0) -> Any:
    """Random running moments, weights and biases, as after training."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in layer.state_dict().items():
        if tensor.is_floating_point():
            low, high = (0.05, 2.0) if name in ("running_var", "weight") else (-1.0, 1.0)
            tensor.copy_(torch.rand(tensor.shape, generator=generator, dtype=tensor.dtype) * (high - low) + low)
    return layer


def network_of(dims: int, *, affine: bool = True, channels: int = 3) -> nn.Module:
    kinds: dict[int, tuple[Any, Any]] = {
        1: (nn.BatchNorm1d, nn.Conv1d),
        2: (nn.BatchNorm2d, nn.Conv2d),
        3: (nn.BatchNorm3d, nn.Conv3d),
    }
    norm, conv = kinds[dims]
    return nn.Sequential(with_moments(norm(channels, affine=affine)), conv(channels, 4, 3, padding=1)).double().eval()


@given(st.sampled_from([1, 2, 3]), st.booleans(), st.sampled_from(["unit", "uint8"]), st.integers(1, 5), st.integers(0, 3))
def test_it_folds_exactly_in_eval_mode(
    dims: int, affine: bool, takes: Literal["unit", "uint8"], channels: int, seed: int
) -> None:
    model, spec = network_of(dims, affine=affine, channels=channels), spec_of(channels, seed)
    made = folded(model, spec, takes, shape=(channels, *SIZES[dims]))
    assert difference(made.network, model, spec, inputs(takes, (channels, *SIZES[dims]))) < 1e-12
    assert made.plan.layers[0].kind == f"BatchNorm{dims}d"
    assert made.plan.keeps_architecture is (takes == "unit")
    assert torch.equal(made.network[1].weight, model[1].weight)  # type: ignore[index]


def test_rows_of_numbers_fold_too() -> None:
    model = nn.Sequential(with_moments(nn.BatchNorm1d(4)), nn.Linear(4, 2)).double().eval()
    spec = spec_of(4)
    assert difference(fold(model, spec, shape=(4,)), model, spec, inputs("unit", (4,))) < 1e-12


def test_training_mode_differs_by_eps_alone_where_the_variance_holds_the_scale() -> None:
    model = network_of(2)
    network = fold(model, IMAGENET, shape=(3, 9, 8)).train()
    given, mean, std = inputs("unit", (3, 9, 8)), IMAGENET.require("mean"), IMAGENET.require("std")
    shaped = [torch.tensor(values, dtype=torch.float64).reshape(1, 3, 1, 1) for values in (mean, std)]
    with torch.no_grad():
        expected = model.train()((given - shaped[0]) / shaped[1])
        found = network(given)
    assert 1e-12 < float((found - expected).abs().max()) < 1e-3
    assert (
        "exact in eval mode; in training mode its eps weighs differently"
        in folded(model, IMAGENET, shape=(3, 9, 8)).plan.describe()
    )


@pytest.mark.parametrize("channels", [[0, 1, 2], [1]])
def test_a_variance_too_small_for_the_scale_leaves_it_to_the_weight(channels: list[int]) -> None:
    model = network_of(2)
    model[0].running_var[channels] = 0.0  # type: ignore[index]
    made = folded(model, IMAGENET, shape=(3, 9, 8))
    assert difference(made.network, model, IMAGENET, inputs("unit", (3, 9, 8))) < 1e-12
    assert "training mode, which takes the batch's own, would differ" in made.plan.describe()
    bare = network_of(2, affine=False)
    bare[0].running_var[channels] = 0.0  # type: ignore[index]
    with pytest.raises(ModelError, match="a batch norm '0' with a weight, found a scale that its running variance alone cannot"):
        fold(bare, IMAGENET, shape=(3, 9, 8))


def test_zeros_that_the_network_pads_before_it_are_met_by_subtracting_first() -> None:
    model = Applied(lambda x, layer: layer(functional.pad(x, (1, 1, 1, 1))), network_of(2)).double().eval()
    network = fold(model, IMAGENET, shape=(3, 9, 8))
    assert isinstance(network, FoldedNetwork)
    assert difference(network, model, IMAGENET, inputs("unit", (3, 9, 8))) < 1e-12


def test_another_channel_order_is_refused() -> None:
    with pytest.raises(ModelError, match="channels in the order that '0' has them in, found another order, which it cannot undo"):
        fold(network_of(2), CAFFE, shape=(3, 9, 8))


def test_bytes_and_back_is_a_plain_layer_again() -> None:
    model = network_of(2)
    network = fold(model, IMAGENET, "uint8", shape=(3, 9, 8))
    assert isinstance(network[0], FoldedBatchNorm)  # type: ignore[index]
    back = respec(network, spec_of(3, 1), spec_of(3, 2), shape=(3, 9, 8))
    assert type(back[0]) is nn.BatchNorm2d  # type: ignore[index]
