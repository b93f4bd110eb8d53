from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st
from timm.layers import create_conv2d
from timm.layers.std_conv import ScaledStdConv2d, ScaledStdConv2dSame, StdConv2d, StdConv2dSame
from torch import nn
from torch.nn import functional

from tare.errors import ModelError, SpecError
from tare.folding.api import fold, folded, respec, respecced
from tare.folding.layers import FoldedConv2d, FoldedLinear, FoldedNetwork, LayerForm, Method, rebuilt
from tare.input_spec.spec import InputSpec, Known, Unknown

IMAGENET = InputSpec.of((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), raw_dtype="uint8")
HALF = InputSpec.of((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), raw_dtype="uint8")
CAFFE = InputSpec.of((103.939, 116.779, 123.68), (1.0, 1.0, 1.0), scale=1.0, channels="BGR", raw_dtype="uint8")
Takes = Literal["unit", "uint8"]


def spec_of(count: int, seed: int = 0, **others: Any) -> InputSpec:
    rng = np.random.default_rng(seed)
    constants = rng.uniform(0.2, 0.8, count).tolist(), rng.uniform(0.05, 0.5, count).tolist()
    return InputSpec.of(*constants, **{"raw_dtype": "uint8", **others})


def normalised(values: torch.Tensor, spec: InputSpec) -> torch.Tensor:
    """An independent reference: raw bytes or unit values to network input, one channel at a time, in float64."""
    mean, std, scale = spec.require("mean"), spec.require("std"), spec.require("scale")
    raw = values.double() if values.dtype == torch.uint8 else values.double() * 255
    order = [2, 1, 0] if spec.require("channels") == "BGR" else range(len(mean))
    return torch.stack([(raw[:, source] * scale - mean[c]) / std[c] for c, source in enumerate(order)], dim=1)


def inputs(takes: Takes, shape: Sequence[int], seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    if takes == "uint8":
        return torch.from_numpy(rng.integers(0, 256, (2, *shape), dtype=np.uint8))
    return torch.from_numpy(rng.random((2, *shape)))


@torch.no_grad()
def difference(network: nn.Module, model: nn.Module, spec: InputSpec, values: torch.Tensor) -> float:
    dtype = next(model.parameters()).dtype
    expected = model(normalised(values, spec).to(dtype))
    found = network(values if values.dtype == torch.uint8 else values.to(dtype))
    assert found.dtype == expected.dtype
    return float((found - expected).abs().max() / expected.abs().max())


def network_of(first: nn.Module, outputs: int, dims: int = 2) -> nn.Module:
    kinds: Any = {1: (nn.BatchNorm1d, nn.Conv1d), 2: (nn.BatchNorm2d, nn.Conv2d), 3: (nn.BatchNorm3d, nn.Conv3d)}
    norm, conv = kinds[dims]
    return nn.Sequential(first, norm(outputs), nn.ReLU(), conv(outputs, 2, 1)).double().eval()


def weight_of(model: nn.Module) -> torch.Tensor:
    return model.state_dict()["0.weight"]  # type: ignore[no-any-return]


class Applied(nn.Module):
    """A network from a function of its input and a layer."""

    def __init__(self, function: Any, layer: nn.Module) -> None:
        super().__init__()
        self.function, self.layer = function, layer

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x, self.layer)


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[nn.Module, tuple[int, ...], tuple[int, ...], int]:
    """A first convolution, two input shapes that it takes, and its number of outputs."""
    dims = draw(st.integers(1, 3))
    channels = draw(st.sampled_from([1, 2, 3, 4]))
    groups = draw(st.sampled_from(sorted({1, channels, 2 if channels % 2 == 0 else 1})))
    outputs = groups * draw(st.integers(1, 3))
    kernel = tuple(draw(st.integers(1, 4)) for _ in range(dims))
    dilation = tuple(draw(st.integers(1, 2)) for _ in range(dims))
    mode = draw(st.sampled_from(["zeros", "zeros", "zeros", "reflect", "replicate", "circular"]))
    padding: Any = draw(st.sampled_from(["same", "valid", "numbers", "numbers"]))
    stride: Any = 1 if padding == "same" else tuple(draw(st.integers(1, 3)) for _ in range(dims))
    if padding == "numbers":
        padding = tuple(draw(st.integers(0, 3)) for _ in range(dims))
    kinds: Any = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
    torch.manual_seed(draw(st.integers(0, 99)))
    layer = kinds[dims](channels, outputs, kernel, stride, padding, dilation, groups, bias=draw(st.booleans()), padding_mode=mode)
    shapes = [(channels, *(draw(st.integers(8, 13)) for _ in range(dims))) for _ in range(2)]
    return layer, shapes[0], shapes[1], outputs


@given(convolutions(), st.sampled_from(["unit", "uint8"]), st.sampled_from([None, "pad", "shift"]), st.booleans())
def test_any_convolution_folds_exactly_at_the_border_too(
    made: tuple[nn.Module, tuple[int, ...], tuple[int, ...], int], takes: Takes, method: Method | None, reverse: bool
) -> None:
    layer, shape, other, outputs = made
    spec = spec_of(shape[0], channels="BGR") if reverse and shape[0] == 3 else spec_of(shape[0])
    model = network_of(layer, outputs, len(shape) - 1)
    result = folded(model, spec, takes, shape=shape, method=method)
    for size in (shape, other):
        assert difference(result.network, model, spec, inputs(takes, size)) < 1e-12
    assert result.verification.layer_error < 1e-12


@given(
    st.integers(1, 4), st.integers(1, 4), st.sampled_from([StdConv2d, StdConv2dSame, ScaledStdConv2d, ScaledStdConv2dSame, None])
)
@pytest.mark.long
def test_standardised_and_dynamically_padded_convolutions_of_timm_fold(kernel: int, stride: int, kind: Any) -> None:
    torch.manual_seed(kernel)
    layer = kind(3, 4, kernel, stride=stride) if kind else create_conv2d(3, 4, kernel, stride=stride, padding="same")
    model = network_of(layer, 4)
    for spec in (IMAGENET, CAFFE):
        for takes in ("unit", "uint8"):
            network = fold(model, spec, takes, shape=(3, 12, 13))
            for size in ((12, 13), (9, 14), (11, 11)):
                assert difference(network, model, spec, inputs(takes, (3, *size))) < 1e-12


def test_dynamic_padding_folds_by_subtracting_and_with_a_mean_of_zero_too() -> None:
    model = network_of(create_conv2d(3, 4, 3, stride=2, padding="same"), 4)
    centred = InputSpec.of((0.0,) * 3, (0.5, 0.25, 0.125), raw_dtype="uint8")
    shifted = folded(model, IMAGENET, "uint8", shape=(3, 12, 13), method="shift")
    plain = folded(model, centred, "uint8", shape=(3, 12, 13))
    assert (shifted.plan.layers[0].form.method, plain.plan.layers[0].form.method) == ("shift", "weights")
    for size in ((12, 13), (9, 14)):
        assert difference(shifted.network, model, IMAGENET, inputs("uint8", (3, *size))) < 1e-12
        assert difference(plain.network, model, centred, inputs("uint8", (3, *size))) < 1e-12


def test_a_network_whose_first_operation_takes_no_bytes_is_refused_for_bytes_alone() -> None:
    model = Applied(lambda x, layer: layer(nn.functional.unfold(x, 3).transpose(1, 2)), nn.Linear(27, 4))
    assert folded(model, IMAGENET, "unit", shape=(3, 8, 8)).verification.layer_error < 1e-5
    with pytest.raises(ModelError, match=r"operations take uint8, found .*Byte.*; fold it with input 'unit'"):
        fold(model, IMAGENET, "uint8", shape=(3, 8, 8))


@pytest.mark.parametrize("takes", ["unit", "uint8"])
def test_dynamic_padding_with_what_stands_for_zero_is_right_at_every_size(takes: Takes) -> None:
    model = network_of(create_conv2d(3, 4, 3, stride=2, padding="same"), 4)
    result = folded(model, IMAGENET, takes, shape=(3, 12, 13))
    assert result.plan.layers[0].form.method == "pad"
    for size in ((12, 13), (9, 14), (11, 11), (14, 9)):
        assert difference(result.network, model, IMAGENET, inputs(takes, (3, *size))) < 1e-12


def test_a_linear_layer_for_bytes_becomes_a_plain_one_again() -> None:
    model = nn.Sequential(nn.Linear(3, 4)).double()
    raw = InputSpec.of((0.0,) * 3, (1.0,) * 3, scale=1.0, raw_dtype="uint8")
    network = fold(model, IMAGENET, "uint8")
    assert type(network.get_submodule("0")) is FoldedLinear
    back = respec(network, raw, IMAGENET)
    assert type(back.get_submodule("0")) is nn.Linear
    assert torch.allclose(weight_of(back), weight_of(model), rtol=1e-12, atol=0)


@pytest.mark.parametrize("takes", ["unit", "uint8"])
@pytest.mark.parametrize("spec", [IMAGENET, CAFFE], ids=["rgb", "bgr"])
@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (nn.Sequential(nn.Linear(3, 4)), (3,)),
        (nn.Linear(3, 4, bias=False), (3,)),
        (nn.Sequential(nn.Flatten(), nn.Linear(3 * 5 * 4, 6), nn.ReLU(), nn.Linear(6, 2)), (3, 5, 4)),
        (Applied(lambda x, layer: layer(x.permute(0, 2, 3, 1)), nn.Linear(3, 4)), (3, 6, 5)),
        (Applied(lambda x, layer: layer(x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)[:, :, 0, 0]).sum(1), nn.Linear(4, 2)), None),
        (Applied(lambda x, layer: layer(functional.pixel_unshuffle(x, 2)), nn.Conv2d(12, 4, 3, padding=1)), (3, 8, 8)),
        (Applied(lambda x, layer: layer(torch.cat([x, x.flip(-1)], 1)), nn.Conv2d(6, 4, 3, padding=1)), (3, 8, 8)),
        (Applied(lambda x, layer: layer(x[:, [2, 1, 0]]), nn.Conv2d(3, 4, 3, padding=1, groups=1)), (3, 8, 8)),
        (Applied(lambda x, layer: layer(functional.pad(x, (0, 1, 0, 1))), nn.Conv2d(3, 4, 3, 2)), (3, 8, 8)),
        (Applied(lambda x, layer: layer(functional.pad(x, (2, 1, 0, 1))), nn.Conv2d(3, 4, 3, 2, 1)), (3, 8, 8)),
        (nn.Conv2d(3, 4, 3, padding=1), (3, 9, 9)),
    ],
    ids=lambda value: None if isinstance(value, tuple) else type(value).__name__,
)
def test_what_only_moves_the_input_first_folds(
    model: nn.Module, shape: tuple[int, ...] | None, spec: InputSpec, takes: Takes
) -> None:
    model = copy.deepcopy(model).double().eval()
    if shape is None:
        with pytest.raises(ModelError, match="each feature of 'layer' to come from one channel, found features that mix"):
            fold(model, spec, takes, shape=(3, 2, 2))
        return
    network = fold(model, spec, takes, shape=shape)
    for seed in range(2):
        assert difference(network, model, spec, inputs(takes, shape, seed)) < 1e-12


def test_zeros_that_the_network_itself_puts_beside_its_input_are_met_by_subtracting_first() -> None:
    model = Applied(lambda x, layer: layer(functional.pad(x, (0, -x.shape[-1] % 4))), nn.Conv2d(3, 4, 3, padding=1)).double()
    result = folded(model, IMAGENET, "uint8", shape=(3, 8, 8))
    assert isinstance(result.network, FoldedNetwork)
    assert "(123.675, 116.28, 103.53) is subtracted in front of it" in result.plan.describe()
    for width in (8, 9, 11):
        assert difference(result.network, model, IMAGENET, inputs("uint8", (3, 8, width))) < 1e-12
    again = respec(result.network, InputSpec.of((0.0,) * 3, (1 / 255,) * 3, raw_dtype="uint8"), IMAGENET, shape=(3, 8, 8))
    values = normalised(inputs("uint8", (3, 8, 9)), IMAGENET)
    with torch.no_grad():
        assert torch.allclose(again(values), model(values), rtol=1e-12, atol=1e-12)


def padding_in_front() -> nn.Module:
    return Applied(lambda x, layer: layer(functional.pad(x, (0, -x.shape[-1] % 4))), nn.Conv2d(3, 4, 3, padding=1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_an_earlier_fold_subtracts_in_front_is_taken_back_or_changed(dtype: torch.dtype) -> None:
    model = padding_in_front().to(dtype)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    network = fold(model, IMAGENET, "uint8", shape=(3, 8, 8))
    raw = InputSpec.of((0.0,) * 3, (1 / 255,) * 3, raw_dtype="uint8")
    plain = respecced(network, raw, IMAGENET, shape=(3, 8, 8))
    assert plain.plan.front is None
    assert type(plain.network) is Applied
    other = respecced(network, raw, HALF, shape=(3, 8, 8))
    assert other.plan.front == pytest.approx(((0.485 - 0.5) / 0.5, (0.456 - 0.5) / 0.5, (0.406 - 0.5) / 0.5), rel=1e-5)
    values = inputs("uint8", (3, 8, 9))
    with torch.no_grad():
        expected = model(normalised(values, IMAGENET).to(dtype))
        for found, spec in ((plain.network, IMAGENET), (other.network, HALF)):
            difference_ = (found(normalised(values, spec).to(dtype)) - expected).abs().max()
            assert difference_ < tolerance * expected.abs().max()


def test_a_network_with_something_subtracted_in_front_refuses_another_precision_as_the_network_itself_does() -> None:
    network = fold(padding_in_front(), IMAGENET, shape=(3, 8, 8))
    assert isinstance(network, FoldedNetwork)
    with pytest.raises(RuntimeError, match=r"dtype|type"):
        network(inputs("unit", (3, 8, 8)).double())


def test_a_network_that_pads_only_some_sizes_is_subtracted_in_front_too() -> None:
    def padded(x: torch.Tensor, layer: nn.Module) -> Any:
        return layer(functional.pad(x, (0, -x.shape[-1] % 4)) if x.shape[-1] % 4 else x)

    model = Applied(padded, nn.Conv2d(3, 4, 3, padding=1)).double()
    for width in (8, 9):
        result = folded(model, IMAGENET, shape=(3, 8, width))
        assert result.plan.front == pytest.approx((0.485, 0.456, 0.406))
        for other in (8, 9, 11):
            assert difference(result.network, model, IMAGENET, inputs("unit", (3, 8, other))) < 1e-12


def test_several_first_layers_are_each_folded() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fine, self.coarse = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 1)

        def forward(self, x: torch.Tensor) -> Any:
            return self.fine(x) + self.coarse(x)

    model = Two().double()
    result = folded(model, IMAGENET)
    assert [(layer.name, layer.form.method) for layer in result.plan.layers] == [("fine", "border"), ("coarse", "weights")]
    assert [layer.same_code for layer in result.plan.layers] == [False, True]
    assert not result.plan.keeps_architecture
    assert difference(result.network, model, IMAGENET, inputs("unit", (3, 9, 9))) < 1e-12


def test_the_given_network_is_untouched_and_modes_stay() -> None:
    model = timm.create_model("test_resnet").train()
    model.bn1.eval() if hasattr(model, "bn1") else None
    modes = [module.training for module in model.modules()]
    before = {key: value.clone() for key, value in model.state_dict().items()}
    kinds = [type(module) for module in model.modules()]
    network = fold(model, IMAGENET, "uint8")
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in before.items())
    assert [type(module) for module in model.modules()] == kinds
    assert [module.training for module in model.modules()] == modes
    assert [module.training for module in network.modules()] == modes
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in (*model.modules(), *network.modules()))


def test_a_folded_network_can_be_trained_on_and_gives_the_same_gradient_of_its_input() -> None:
    model = network_of(nn.Conv2d(3, 4, 3, 2, 1, bias=False), 4)
    network = fold(model, IMAGENET, shape=(3, 12, 12))
    values = inputs("unit", (3, 12, 12)).requires_grad_()
    (ours,) = torch.autograd.grad(network(values).square().sum(), values)
    (reference,) = torch.autograd.grad(model(normalised(values, IMAGENET)).square().sum(), values)
    assert torch.allclose(ours, reference, rtol=1e-10, atol=1e-10)
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("method", ["border", "pad", "shift"])
def test_float32_and_channels_last_stay_within_the_stated_tolerance(method: Method) -> None:
    model = network_of(nn.Conv2d(3, 8, 7, 2, 3), 8).float().to(memory_format=torch.channels_last)
    result = folded(model, IMAGENET, shape=(3, 33, 40), method=method)
    assert result.plan.layers[0].form.method == method
    assert result.verification.tolerance == 1e-5
    values = inputs("unit", (3, 33, 40)).to(memory_format=torch.channels_last)
    assert difference(result.network, model, IMAGENET, values) < 1e-5
    assert result.verification.own_rounding is None


def test_a_network_that_amplifies_rounding_is_measured_by_its_own() -> None:
    torch.manual_seed(0)
    model = Applied(lambda x, layer: (layer(x) * 200).sin(), nn.Conv2d(3, 4, 3, padding=1))
    checked = folded(model, IMAGENET, shape=(3, 16, 16)).verification
    assert checked.layer_error < 1e-5 < checked.network_error
    assert checked.own_rounding is not None
    assert checked.network_error < 10 * checked.own_rounding
    assert folded(model.double(), IMAGENET, shape=(3, 16, 16)).verification.own_rounding is None


def test_bytes_are_refused_by_a_network_folded_for_floats() -> None:
    network = fold(network_of(nn.Conv2d(3, 4, 3, padding=1), 4), IMAGENET, shape=(3, 8, 8))
    with pytest.raises(TypeError, match="for raw bytes fold it with input='uint8'"):
        network(inputs("uint8", (3, 8, 8)))


def test_the_recipe_says_what_is_done() -> None:
    result = folded(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1)), IMAGENET)
    assert result.plan.describe().splitlines() == [
        "unit input v to network input: 4.36681 v0-2.1179, 4.46429 v1-2.03571, 4.44444 v2-1.80444",
        "0 (Conv2d): all in weights and bias, and the output's border corrected for the padding; zero is (0.485, 0.456, 0.406)",
    ]
    assert not result.plan.keeps_architecture
    assert folded(nn.Sequential(nn.Conv2d(3, 4, 4, 4)), IMAGENET).plan.keeps_architecture
    assert not folded(nn.Sequential(nn.Conv2d(3, 4, 4, 4, bias=False)), IMAGENET).plan.keeps_architecture


def test_a_mean_of_zero_needs_no_padding_and_a_group_of_its_own_no_mixing() -> None:
    centred = InputSpec.of((0.0,) * 3, (0.5, 0.25, 0.125), raw_dtype="uint8")
    result = folded(nn.Sequential(nn.Conv2d(3, 6, 3, padding=1, groups=3, bias=False)), centred)
    assert result.plan.layers[0].form.method == "weights"
    layer: Any = result.network.get_submodule("0")
    assert layer.groups == 3
    assert layer.bias is None
    reordered = folded(nn.Sequential(nn.Conv2d(3, 6, 3, groups=3)), CAFFE, "uint8").network.get_submodule("0")
    assert reordered.groups == 1


# respec ---------------------------------------------------------------------------------------------------------------


@given(convolutions(), st.integers(0, 9), st.integers(10, 19))
def test_respec_there_and_back_is_the_same_network_and_each_way_is_exact(
    made: tuple[nn.Module, tuple[int, ...], tuple[int, ...], int], seed: int, other_seed: int
) -> None:
    layer, shape, other, outputs = made
    before, after = spec_of(shape[0], seed), spec_of(shape[0], other_seed)
    model = network_of(layer, outputs, len(shape) - 1)
    there = respec(model, before, after, shape=shape)
    back = respec(there, after, before, shape=shape)
    with torch.no_grad():
        for size in (shape, other):
            values = inputs("unit", size)
            expected = model(normalised(values, before))
            scale = expected.abs().max()
            assert (there(normalised(values, after)) - expected).abs().max() < 1e-12 * scale
            assert (back(normalised(values, before)) - expected).abs().max() < 1e-12 * scale
    assert torch.allclose(weight_of(back), weight_of(model), rtol=1e-12, atol=0)


@given(convolutions(), st.integers(0, 9))
def test_respec_to_the_same_spec_changes_nothing(
    made: tuple[nn.Module, tuple[int, ...], tuple[int, ...], int], seed: int
) -> None:
    layer, shape, _, outputs = made
    spec, model = spec_of(shape[0], seed), network_of(layer, outputs, len(shape) - 1)
    same = respec(model, spec, spec, shape=shape)
    assert type(same.get_submodule("0")) is type(layer)
    assert same.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(value, same.state_dict()[key]) for key, value in model.state_dict().items())


def test_respec_in_two_steps_is_respec_in_one() -> None:
    model = network_of(nn.Conv2d(3, 4, 3, 2, 1, bias=False), 4)
    once = respec(model, IMAGENET, CAFFE, shape=(3, 11, 11))
    twice = respec(respec(model, IMAGENET, HALF, shape=(3, 11, 11)), HALF, CAFFE, shape=(3, 11, 11))
    values = normalised(inputs("unit", (3, 11, 11)), CAFFE)
    with torch.no_grad():
        assert torch.allclose(once(values), twice(values), rtol=1e-11, atol=1e-11)
        assert torch.allclose(once(values), model(normalised(inputs("unit", (3, 11, 11)), IMAGENET)), rtol=1e-10, atol=1e-10)


def test_a_folded_network_folds_back_into_the_plain_one() -> None:
    model = network_of(nn.Conv2d(3, 4, 3, 2, 1), 4)
    unit = InputSpec.of((0.0,) * 3, (1.0,) * 3, raw_dtype="uint8")
    methods: tuple[Method, ...] = ("border", "pad", "shift")
    for method in methods:
        network = folded(model, IMAGENET, shape=(3, 12, 12), method=method).network
        back = respecced(network, unit, IMAGENET, shape=(3, 12, 12))
        assert back.plan.layers[0].form.method == "weights"
        assert type(back.network.get_submodule("0")) is nn.Conv2d
        assert torch.allclose(weight_of(back.network), weight_of(model), rtol=1e-13)


# what is refused ------------------------------------------------------------------------------------------------------


class Reused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> Any:
        return self.conv(self.conv(x))


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.second.weight = self.first.weight

    def forward(self, x: torch.Tensor) -> Any:
        return self.second(self.first(x))


class Skip(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> Any:
        return self.conv(x) + x


class Odd(nn.Conv2d):
    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        return super().forward(input).square()


@torch.jit.script
def doubled(x: torch.Tensor) -> torch.Tensor:
    return x * 2.0


def weight_normed() -> nn.Module:
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)))


def hooked() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    model[0].register_forward_hook(lambda *_: None)
    return model


def broken() -> nn.Module:
    last = nn.Conv2d(4, 4, 1)
    nn.init.constant_(last.weight, torch.nan)
    return nn.Sequential(nn.Conv2d(3, 4, 3), last)


def overflown(value: float) -> nn.Module:
    norm = nn.BatchNorm2d(4)
    assert norm.running_var is not None
    norm.running_var[1] = value
    return nn.Sequential(nn.Conv2d(3, 4, 3), norm)


CONV = nn.Conv2d(3, 4, 3, padding=1)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Reused(), "a first layer 'conv' that is used once, found 2 calls in one pass"),
        (Shared(), "a first layer 'first' that shares no weights, found its weight is also used by convolution in 'second'"),
        (
            Skip(),
            "an input that reaches a convolution, linear layer or batch norm unchanged, found add on it in the network itself",
        ),
        (Applied(lambda x, layer: layer(x * 2), CONV), "found mul on it in the network itself; keep the normalisation in front"),
        (Applied(lambda x, layer: layer(x.clamp(0)), CONV), "found clamp on it"),
        (Applied(lambda x, layer: layer(doubled(x)), CONV), "found mul on it"),
        (Applied(lambda x, layer: layer(x.half().float()), CONV), "found _to_copy on it"),
        (Applied(lambda x, layer: layer((x - 0.5) / 0.5), CONV), "found sub on it"),
        (Applied(lambda x, layer: layer(functional.pad(x, (1, 1), value=0.5)), CONV), "found constant_pad_nd on it"),
        (Applied(lambda x, layer: layer(functional.interpolate(x, scale_factor=2)), CONV), "found upsample_nearest2d on it"),
        (Applied(lambda x, layer: layer(x) if x.mean() > 0 else x, CONV), "found mean on it"),
        (Applied(lambda x, layer: layer(torch.cat([x, torch.ones_like(x)], 1)), nn.Conv2d(6, 4, 1)), "found cat on it"),
        (Applied(lambda x, layer: functional.conv2d(x, layer.weight), CONV), "found convolution on it in the network itself"),
        (nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False), CONV), "found a batch norm of each batch's own values"),
        (nn.Sequential(nn.InstanceNorm2d(3), CONV), "on it in '0'"),
        (nn.Sequential(nn.ReLU()), "a network in float32 or float64, found no parameters"),
        (nn.Sequential(Odd(3, 4, 3)), "whose arithmetic is known .* found .*Odd, whose arithmetic is not known"),
        (nn.Sequential(nn.ConvTranspose2d(3, 4, 3)), "found convolution on it in '0'"),
        (weight_normed(), "a parametrisation or a forward hook on it, such as weight norm; remove it first"),
        (hooked(), "a parametrisation or a forward hook on it"),
        (broken(), "finite weights, found NaN or infinity in '1.weight'; check the checkpoint"),
        (overflown(torch.inf), "variances of 0 or more, found 1 of 4 values of '1.running_var' are NaN, infinite or negative"),
        (overflown(-1.0), "variances of 0 or more, found 1 of 4 values of '1.running_var' are NaN, infinite or negative"),
        (nn.Sequential(nn.Conv2d(3, 4, 3)).half(), "a network in float32 or float64, found float16; fold it in float32"),
        (nn.Sequential(nn.Conv2d(1, 4, 3)), "a network that takes 3 channels"),
        (torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3))), "a network of Python modules, found a scripted or compiled one"),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_folded_exactly_is_refused_with_the_reason(model: nn.Module, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        fold(model.eval(), IMAGENET)


def test_a_network_that_treats_sizes_differently_is_refused() -> None:
    model = Applied(lambda x, layer: layer(x if x.shape[-1] % 2 == 0 else x * 2), nn.Conv2d(3, 4, 3, padding=1))
    with pytest.raises(ModelError, match=r"treats every size alike, found at \(3, 33, 34\): mul on it|at \(3, 17, 17\)|at "):
        fold(model, IMAGENET, shape=(3, 34, 34))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (InputSpec.of((0.5,), (0.5,), raw_dtype="uint8"), "a network that takes 1 channels"),
        (replace(IMAGENET, mean=Unknown("nobody wrote it down")), "it is unknown: nobody wrote it down; state it"),
        (replace(CAFFE, raw_dtype=Unknown("not said")), "a stated raw_dtype .* it is unknown: not said"),
        (replace(IMAGENET, std=Known((0.2, 0.0, 0.2), "made")), "finite means and positive stds"),
        (replace(IMAGENET, std=Known((0.2, 0.2), "made")), "a std for each channel, found 3 means and 2 stds"),
        (replace(IMAGENET, mean=Known((0.2, float("nan"), 0.2), "made")), "finite means"),
        (replace(IMAGENET, scale=Known(0.0, "made")), "a scale other than zero"),
    ],
)
def test_a_spec_that_does_not_fit_is_refused(spec: InputSpec, message: str) -> None:
    with pytest.raises((SpecError, ModelError), match=message):
        fold(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1)), spec)


def test_other_unusable_requests_are_refused() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1))
    with pytest.raises(SpecError, match="input 'unit' or 'uint8', found 'bytes'"):
        fold(model, IMAGENET, "bytes")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="a mean and std for each of the network's 1 input channels, found 3"):
        fold(model, IMAGENET, shape=(1, 8, 8))
    with pytest.raises(SpecError, match="a network of 8-bit data for input 'uint8', found float32 data"):
        fold(model, InputSpec.of((0.5,) * 3, (0.5,) * 3, scale=1.0, raw_dtype="float32"), "uint8")
    with pytest.raises(SpecError, match="two specs of 3 channels, found 1 in the second"):
        respec(model, IMAGENET, InputSpec.of((0.5,), (0.5,), raw_dtype="uint8"))
    with pytest.raises(ModelError, match="a network that takes input"):
        fold(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), IMAGENET, shape=(3, 9, 9))
    with pytest.raises(ModelError, match=r"exact, found method 'weights'"):
        folded(model, IMAGENET, method="weights")


def test_channels_that_part_before_the_first_layer_cannot_be_reordered() -> None:
    model = Applied(lambda x, layer: layer(x[:, :1]), nn.Conv2d(1, 4, 3)).double()
    assert difference(fold(model, IMAGENET, shape=(3, 8, 8)), model, IMAGENET, inputs("unit", (3, 8, 8))) < 1e-12
    with pytest.raises(ModelError, match="all channels to reach 'layer' alike, as another channel order needs, found channels"):
        fold(model, CAFFE, "uint8", shape=(3, 8, 8))


def test_a_network_that_cannot_be_copied_or_has_no_layer_to_fold_is_refused() -> None:
    locked = nn.Sequential(nn.Conv2d(3, 4, 3))
    locked.lock = threading.Lock()  # type: ignore[assignment]
    with pytest.raises(ModelError, match=r"a network that can be copied, found .*; give it as it was loaded"):
        fold(locked, IMAGENET)
    with pytest.raises(TypeError, match="neither a convolution nor a linear layer nor a batch norm: ReLU"):
        rebuilt(nn.ReLU(), LayerForm("weights"))


def test_a_network_whose_first_layer_depends_on_the_size_is_refused() -> None:
    class Chooses(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.even, self.odd = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)

        def forward(self, x: torch.Tensor) -> Any:
            return self.even(x) if x.shape[-1] % 2 == 0 else self.odd(x)

    with pytest.raises(ModelError, match=r"treats every size alike, found at \(.*\) first layers '(even|odd)'"):
        fold(Chooses(), IMAGENET, shape=(3, 34, 34))


def test_raw_values_of_an_unstated_type_are_bytes_where_their_scale_is_a_255th() -> None:
    model = network_of(nn.Conv2d(3, 4, 3, padding=1), 4)
    values = inputs("uint8", (3, 8, 8))
    unstated = replace(IMAGENET, raw_dtype=Unknown("not said"))
    with torch.no_grad():
        expected = fold(model, IMAGENET, "uint8", shape=(3, 8, 8))(values)
        assert torch.equal(fold(model, unstated, "uint8", shape=(3, 8, 8))(values), expected)
        unit = inputs("unit", (3, 8, 8))
        expected = fold(model, IMAGENET, shape=(3, 8, 8))(unit)
        assert torch.equal(fold(model, unstated, shape=(3, 8, 8))(unit), expected)
    with pytest.raises(SpecError, match="a stated raw_dtype"):
        fold(model, replace(unstated, scale=Known(1 / 128, "made")), shape=(3, 8, 8))


def test_specs_of_float_data_and_of_sixteen_bits_mean_the_same_unit_values() -> None:
    model = network_of(nn.Conv2d(3, 4, 3, padding=1), 4)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.1)
    values = inputs("unit", (3, 8, 8))
    expected = fold(model, InputSpec.of(mean, std, raw_dtype="uint8"), shape=(3, 8, 8))(values)
    for spec in (
        InputSpec.of(mean, std, scale=1.0, raw_dtype="float32"),
        InputSpec.of(mean, std, scale=1 / 65535, raw_dtype="uint16"),
    ):
        assert torch.allclose(fold(model, spec, shape=(3, 8, 8))(values), expected, rtol=1e-12, atol=1e-12)


# timm -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("takes", ["unit", "uint8"])
@pytest.mark.parametrize(
    "name",
    [
        "test_resnet",
        "test_vit",
        "test_nfnet",
        "test_convnext",
        "test_byobnet",
        "test_efficientnet",
        "test_mambaout",
        "test_vit_relpos",
    ],
)
def test_small_networks_of_timm_fold_in_both_precisions(name: str, takes: Takes) -> None:
    torch.manual_seed(0)
    model = timm.create_model(name).eval()
    values = inputs(takes, model.pretrained_cfg["input_size"])
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        model = model.to(dtype)
        assert difference(fold(model, IMAGENET, takes), model, IMAGENET, values) < tolerance


def test_a_padded_stem_keeps_its_own_class_and_says_so() -> None:
    network = fold(timm.create_model("test_resnet"), IMAGENET)
    stem = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    assert isinstance(stem, FoldedConv2d)


def test_one_weight_that_is_no_number_is_enough_to_refuse() -> None:
    layer = nn.Conv2d(3, 4, 3)
    with torch.no_grad():
        layer.weight[1, 2, 0, 1] = float("nan")
    with pytest.raises(ModelError, match=r"expected finite weights, found NaN or infinity in '0\.weight'"):
        fold(nn.Sequential(layer), IMAGENET)


def test_one_channel_whose_zero_is_not_zero_is_subtracted_in_front() -> None:
    model = Applied(lambda x, layer: layer(functional.pad(x, (0, -x.shape[-1] % 4))), nn.Conv2d(3, 4, 3, padding=1)).double()
    spec = InputSpec.of((0.0, 0.0, 0.4), (0.2, 0.2, 0.2), raw_dtype="uint8")
    result = folded(model, spec, shape=(3, 8, 8))
    assert result.plan.front == pytest.approx((0.0, 0.0, 0.4))
    for width in (8, 9):
        assert difference(result.network, model, spec, inputs("unit", (3, 8, width))) < 1e-12


def test_layers_are_found_with_an_input_of_the_size_that_the_spec_states() -> None:
    spec = replace(IMAGENET, size=Known((24, 40), "here"))
    assert folded(nn.Sequential(nn.Conv2d(3, 4, 3)), spec).plan.shape == (3, 24, 40)
    assert folded(nn.Sequential(nn.Conv2d(3, 4, 3)), spec, shape=(3, 16, 16)).plan.shape == (3, 16, 16)
    half = replace(HALF, size=Known((24, 40), "here"))
    assert respecced(nn.Sequential(nn.Conv2d(3, 4, 3)), half, IMAGENET).plan.shape == (3, 24, 40)
    assert respecced(nn.Sequential(nn.Conv2d(3, 4, 3)), half, IMAGENET, shape=(3, 16, 16)).plan.shape == (3, 16, 16)


def test_a_network_that_was_built_in_inference_mode_is_folded() -> None:
    torch.manual_seed(0)
    with torch.inference_mode():
        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 25, 4)).eval()
    assert difference(fold(model, IMAGENET, shape=(3, 5, 5)), model, IMAGENET, inputs("unit", (3, 5, 5))) < 1e-5


class Remembering(nn.Module):
    """Its window shrinks to the smallest image that it has seen, as in Swin of transformers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.window = 12
        self.register_buffer("last", torch.zeros(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.window = min(self.window, images.shape[-1])
        self.last = images.new_full((1,), images.shape[-1])
        found: torch.Tensor = self.conv(images)[..., : self.window].mean((2, 3)) + self.last
        return found


def test_what_a_network_keeps_of_the_sizes_it_has_seen_is_not_changed() -> None:
    model = Remembering().eval()
    network = fold(model, IMAGENET, shape=(3, 16, 16))
    assert (model.window, float(model.last)) == (12, 0.0)
    assert difference(network, model, IMAGENET, inputs("unit", (3, 16, 16))) < 1e-5
