from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tare.networks.absorption import absorbed, border_effect, distance, norm_layers
from tare.studying.tasks.small_networks import SmallNetwork


def images(channels: int = 3) -> torch.Tensor:
    return torch.randn(16, channels, 12, 12, generator=torch.Generator().manual_seed(0))


def stem(norm: nn.Module, padding: int = 0) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=padding, bias=False), norm, nn.ReLU())


def test_a_batch_norm_in_training_mode_cancels_a_common_scale_and_any_constant_and_in_eval_mode_nothing() -> None:
    x = images()
    other = 2.0 * x + torch.tensor([0.3, -0.5, 1.0])[None, :, None, None]
    (share,) = absorbed(stem(nn.BatchNorm2d(8, eps=1e-12)), x, other)
    assert share.train < 1e-4
    assert share.eval == pytest.approx(1.0, rel=1e-4)
    assert share.entering > 1


@given(st.integers(0, 99), st.floats(0.1, 10.0), st.tuples(*[st.floats(-3.0, 3.0)] * 3))
def test_whatever_the_common_scale_and_the_constants_a_batch_norm_in_training_mode_cancels_them(
    seed: int, scale: float, constants: tuple[float, ...]
) -> None:
    x = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    other = scale * x + torch.tensor(constants)[None, :, None, None]
    (share,) = absorbed(stem(nn.BatchNorm2d(8, eps=1e-12)), x, other)
    assert share.train < 1e-3 * max(1.0, share.entering)


def test_scales_that_differ_between_channels_survive() -> None:
    x = images()
    other = x * torch.tensor([0.5, 1.0, 2.0])[None, :, None, None]
    (share,) = absorbed(stem(nn.BatchNorm2d(8, eps=1e-12)), x, other)
    assert 0.1 < share.train < share.eval + 0.01


@pytest.mark.parametrize("norm", [nn.GroupNorm(1, 8, eps=0.0), nn.GroupNorm(4, 8, eps=0.0)])
def test_norms_within_a_sample_do_the_same_in_both_modes(norm: nn.Module) -> None:
    x = images()
    (scaled,) = absorbed(stem(norm), x, 3.0 * x)
    assert scaled.train == pytest.approx(scaled.eval)
    assert scaled.train < 1e-4
    (moved,) = absorbed(stem(norm), x, x + 0.5)
    assert moved.train > 0.1  # a constant per channel is another one for each output channel


def test_padded_zeros_keep_a_batch_norm_from_cancelling_a_constant_at_the_border() -> None:
    x = images()
    model, other = stem(nn.BatchNorm2d(8, eps=1e-12), padding=1), x + 0.8
    found = border_effect(model, x, other)
    assert found is not None
    assert found.border > 2 * found.interior
    assert found.positions == pytest.approx(44 / 144)
    assert border_effect(stem(nn.BatchNorm2d(8), padding=0), x, other) is None
    assert border_effect(stem(nn.GroupNorm(1, 8), padding=1), x, other) is None


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_a_convolution_that_pads_with_its_own_input_has_no_border_of_zeros(mode: Any) -> None:
    torch.manual_seed(0)
    x = images()
    convolution = nn.Conv2d(3, 8, 3, padding=1, padding_mode=mode, bias=False)
    behind = nn.Sequential(convolution, nn.BatchNorm2d(8, eps=1e-12))
    assert border_effect(behind, x, x + 0.8) is None
    in_front = border_effect(nn.Sequential(nn.ZeroPad2d(2), *behind), x, x + 0.8)
    assert in_front is not None  # the zeros that a layer before it put there
    assert in_front.positions == pytest.approx(1 - 10**2 / 16**2)


@pytest.mark.parametrize("padding", [1, "same"])
def test_padding_that_is_named_is_counted_as_padding_in_numbers(padding: int | str) -> None:
    found = border_effect(padded(nn.Conv2d(3, 8, 3, padding=padding, bias=False)), images(), images() + 0.8)
    assert found is not None
    assert found.positions == pytest.approx(44 / 144)
    assert border_effect(padded(nn.Conv2d(3, 8, 3, padding="valid", bias=False)), images(), images() + 0.8) is None


def test_padding_by_the_size_of_the_input_is_counted_too() -> None:
    from timm.layers import Conv2dSame

    found = border_effect(padded(Conv2dSame(3, 8, 3, stride=2, bias=False)), images(), images() + 0.8)
    assert found is not None  # one row and one column of zeros, after the input
    assert found.positions == pytest.approx(11 / 36)


def padded(convolution: nn.Module) -> nn.Module:
    return nn.Sequential(convolution, nn.BatchNorm2d(8, eps=1e-12), nn.ReLU())


def test_a_network_without_norms_is_looked_at_behind_its_first_layers() -> None:
    x = images(1)
    shares = absorbed(SmallNetwork(1, 5, "none").eval(), x, x + 0.5)
    assert [share.norm for share in shares] == [False] * 4
    assert shares[0].train == pytest.approx(shares[0].eval) == pytest.approx(1.0)


def test_the_network_is_left_as_it_was() -> None:
    model = SmallNetwork(1, 5, "batch").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    absorbed(model, images(1), images(1) * 2)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_layers_of_other_libraries_are_found_by_their_names() -> None:
    import timm

    model = timm.create_model("test_vit", num_classes=3)
    names = norm_layers(model)
    assert names
    assert all("norm" in name for name in names)
    assert len(norm_layers(timm.create_model("test_resnet", num_classes=3))) == len(
        [m for m in timm.create_model("test_resnet").modules() if isinstance(m, nn.BatchNorm2d)]
    )


def test_the_distance_is_in_stds_of_each_channel() -> None:
    a = images()
    spread = a.var(dim=(0, 2, 3), correction=0).sqrt()[None, :, None, None]
    assert distance(a, a + 0.25 * spread, 1) == pytest.approx(0.25, rel=1e-5)
    assert distance(torch.zeros_like(a), a, 1) == 0.0  # nothing varies: no unit to measure in


def test_channels_are_last_behind_norms_over_the_last_axis() -> None:
    from timm import layers

    tokens = torch.randn(8, 20, 6, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 7)
    for norm in (nn.LayerNorm(6), layers.LayerNorm(6), layers.RmsNorm(6)):
        (share,) = absorbed(nn.Sequential(nn.Identity(), norm), tokens, tokens + 0.5)
        assert share.entering == pytest.approx(distance(tokens, tokens + 0.5, -1))
    pictures = torch.randn(4, 6, 5, 5, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 7)[:, None, None]
    (share,) = absorbed(nn.Sequential(nn.Identity(), layers.LayerNorm2d(6)), pictures, pictures + 0.5)
    assert share.entering == pytest.approx(distance(pictures, pictures + 0.5, 1))
