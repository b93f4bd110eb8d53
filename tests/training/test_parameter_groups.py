from __future__ import annotations

import copy

import pytest
import timm
import torch
from timm.optim import create_optimizer_v2, param_groups_layer_decay
from torch import nn

from tare.errors import SpecError
from tare.training.options import Training
from tare.training.parameter_groups import frozen_names, layer_scales, optimiser_of


@pytest.fixture
def network() -> nn.Module:
    model: nn.Module = timm.create_model("test_resnet", num_classes=3)
    return model


def test_frozen_parts_by_name(network: nn.Module) -> None:
    names = {name for name, _ in network.named_parameters()}
    assert frozen_names(network, "fc", Training()) == frozenset()
    stem = frozen_names(network, "fc", Training(freeze="stem"))
    assert all(name.startswith(("conv1", "bn1")) for name in stem)
    assert "conv1.0.weight" in stem
    assert frozen_names(network, "fc", Training(freeze="body")) == names - {"fc.weight", "fc.bias"}
    assert frozen_names(network, "fc", Training(freeze="layer1")) == {name for name in names if name.startswith("layer1.")}
    assert frozen_names(network, "fc", Training(freeze="*.bias")) == {name for name in names if name.endswith(".bias")}


def test_the_stem_of_a_network_that_names_none_is_its_first_layer_and_norm() -> None:
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    assert frozen_names(plain, "4", Training(freeze="stem")) == {"0.weight", "0.bias", "1.weight", "1.bias"}


def test_frozen_batch_norms_keep_their_weights_and_biases(network: nn.Module) -> None:
    frozen = frozen_names(network, "fc", Training(batchnorm="frozen"))
    norms = [name for name, layer in network.named_modules() if isinstance(layer, nn.BatchNorm2d)]
    assert frozen == {f"{name}.{kind}" for name in norms for kind in ("weight", "bias")}


@pytest.mark.parametrize(
    ("freeze", "message"), [("layer9", "which matches no parameter; choose among conv1"), ("*", "none after --freeze")]
)
def test_a_pattern_that_fits_nothing_or_everything_is_refused(network: nn.Module, freeze: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        frozen_names(network, "fc", Training(freeze=freeze))


def test_groups_have_every_trained_parameter_once_with_its_rate_and_decay(network: nn.Module) -> None:
    frozen = frozen_names(network, "fc", Training(freeze="stem"))
    optimiser, heads = optimiser_of(network, "fc", Training(lr=0.1, head_lr_factor=10, weight_decay=0.2), frozen)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    seen = [names[id(parameter)] for group in optimiser.param_groups for parameter in group["params"]]
    assert sorted(seen) == sorted(set(names.values()) - frozen)
    for group, is_head in zip(optimiser.param_groups, heads, strict=True):
        assert group["lr"] == pytest.approx(1.0 if is_head else 0.1)
        for parameter in group["params"]:
            assert names[id(parameter)].startswith("fc.") == is_head
            assert group["weight_decay"] == (0.2 if parameter.ndim > 1 else 0.0)


def test_layer_decay_is_timms(network: nn.Module) -> None:
    scales = layer_scales(network, 0.5)
    assert scales["fc.weight"] == 1.0
    assert scales["conv1.0.weight"] == min(scales.values()) < 0.2
    expected = {id(p): group["lr_scale"] for group in param_groups_layer_decay(network, layer_decay=0.5) for p in group["params"]}
    assert scales == {name: expected[id(parameter)] for name, parameter in network.named_parameters()}
    optimiser, _ = optimiser_of(network, "fc", Training(lr=1.0, layer_decay=0.5), frozenset())
    rates = {id(parameter): group["lr"] for group in optimiser.param_groups for parameter in group["params"]}
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize("name", ["sgd", "adamw", "lamb", "lion"])
def test_optimisers_are_timms(network: nn.Module, name: str) -> None:
    optimiser, _ = optimiser_of(network, "fc", Training(optimizer=name), frozenset())
    assert isinstance(optimiser, torch.optim.Optimizer)


def test_an_optimiser_that_timm_does_not_know_is_refused_with_close_names(network: nn.Module) -> None:
    with pytest.raises(SpecError, match=r"an optimiser that timm knows, found 'admw'; did you mean .*adamw"):
        optimiser_of(network, "fc", Training(optimizer="admw"), frozenset())


@pytest.mark.parametrize(("name", "fused"), [("adamw", True), ("adam", True), ("sgd", True), ("momentum", True), ("lamb", None)])
def test_torchs_own_optimisers_take_a_step_in_one_pass_on_a_processor(network: nn.Module, name: str, fused: bool | None) -> None:
    optimiser, _ = optimiser_of(network, "fc", Training(optimizer=name), frozenset())
    assert {group.get("fused") for group in optimiser.param_groups} == {fused}
    clipped, _ = optimiser_of(network, "fc", Training(optimizer=name, grad_clip=1.0), frozenset())
    assert {group.get("fused") for group in clipped.param_groups} <= {None, False}
    elsewhere, _ = optimiser_of(copy.deepcopy(network).to("meta"), "fc", Training(optimizer=name), frozenset())
    assert {group.get("fused") for group in elsewhere.param_groups} <= {None, False}


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_steps_in_one_pass_are_those_of_timms_optimiser(network: nn.Module, name: str) -> None:
    options = Training(optimizer=name, lr=1e-2, weight_decay=0.1)
    reference = copy.deepcopy(network)
    theirs = create_optimizer_v2(reference, opt=name, lr=1e-2, weight_decay=0.1)
    ours, _ = optimiser_of(network, "fc", options, frozenset())
    rng = torch.Generator().manual_seed(0)
    for _ in range(5):
        for own, other in zip(network.parameters(), reference.parameters(), strict=True):
            own.grad = torch.randn(own.shape, generator=rng)
            other.grad = own.grad.clone()
        ours.step()
        theirs.step()
    for own, other in zip(network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-5, atol=1e-6)
