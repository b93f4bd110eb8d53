"""Where padding takes part in a convolution, and how a folded layer is built, against PyTorch's own layers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from timm.layers import create_conv2d
from torch import nn
from torch.nn import functional

from tare.folding.layers import (
    Extent,
    FoldedConv2d,
    LayerForm,
    border_slabs,
    convolve,
    is_dynamic,
    is_plain,
    pad_per_channel,
    padding_of,
    rebuilt,
    with_form,
)
from tests.folding.test_api import convolutions

Made = tuple[nn.Module, tuple[int, ...], tuple[int, ...], int]
FUNCTIONS: dict[int, Any] = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


def flat(padding: Extent) -> list[int]:
    """In the order of :func:`torch.nn.functional.pad`, the last dimension first."""
    return [side for pair in reversed(padding) for side in pair]


def touched(layer: Any, size: tuple[int, ...]) -> torch.Tensor:
    """Outputs that a padded element takes part in: those of a padding of ones around zeros under weights of ones."""
    frame = functional.pad(torch.zeros(1, 1, *size), flat(padding_of(layer, size)), value=1.0)
    ones = torch.ones(1, 1, *layer.kernel_size)
    found: torch.Tensor = FUNCTIONS[len(size)](frame, ones, None, layer.stride, 0, layer.dilation)
    return found[0, 0] > 0


@given(convolutions(), st.booleans())
def test_the_border_is_exactly_where_padding_takes_part_without_overlap(made: Made, second: bool) -> None:
    layer, size = made[0], (made[2] if second else made[1])[1:]
    wanted = touched(layer, size)
    marked = torch.zeros(wanted.shape, dtype=torch.int64)
    for slab in border_slabs(layer, size):  # type: ignore[arg-type]
        assert all(end > begin for begin, end in slab)
        marked[tuple(slice(begin, end) for begin, end in slab)] += 1
    assert torch.equal(marked, wanted.long())


@given(convolutions())
def test_the_stated_padding_is_what_the_layer_does(made: Made) -> None:
    layer, size = made[0], made[1][1:]
    if layer.padding_mode != "zeros":
        assert padding_of(layer, size) == ((0, 0),) * len(size)  # type: ignore[arg-type]
        return
    layer.double()
    x = torch.randn(2, *made[1], dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    padded = functional.pad(x, flat(padding_of(layer, size)))  # type: ignore[arg-type]
    torch.testing.assert_close(convolve(layer, padded), layer(x), rtol=1e-12, atol=1e-12)  # type: ignore[arg-type]
    bare = convolve(layer, padded, layer.weight)  # type: ignore[arg-type]
    bias = 0.0 if layer.bias is None else layer.bias.reshape(-1, *[1] * len(size))  # type: ignore[operator]
    torch.testing.assert_close(bare + bias, layer(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_dynamic_padding_is_timms(kernel: int, stride: int, dilation: int) -> None:
    layer = create_conv2d(3, 4, kernel, stride=stride, dilation=dilation, padding="same").double()
    for size in ((9, 10), (12, 7)):
        x = torch.randn(1, 3, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        padded = functional.pad(x, flat(padding_of(layer, size)))
        torch.testing.assert_close(convolve(layer, padded), layer(x), rtol=1e-12, atol=1e-12)


extents = st.tuples(st.integers(0, 3), st.integers(0, 3))


@given(st.lists(extents, min_size=1, max_size=3), st.integers(0, 9))
def test_padding_by_channel_is_padding_with_zeros_of_what_is_left_after_subtracting(padding: list[Any], seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(2, 3, *range(3, 3 + len(padding)), dtype=torch.float64, generator=rng)
    value = torch.randn(1, 3, *[1] * len(padding), dtype=torch.float64, generator=rng)
    found = pad_per_channel(x, tuple(padding), value)
    torch.testing.assert_close(found, functional.pad(x - value, flat(tuple(padding))) + value, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_padding_keeps_the_memory_order_and_takes_the_dtype_of_the_value(memory: torch.memory_format) -> None:
    raw = torch.arange(2 * 3 * 4 * 5, dtype=torch.uint8).reshape(2, 3, 4, 5).contiguous(memory_format=memory)
    found = pad_per_channel(raw, ((1, 0), (0, 2)), torch.full((1, 3, 1, 1), 0.5))
    assert found.dtype == torch.float32
    assert found.is_contiguous(memory_format=memory)
    assert torch.equal(found[:, :, 1:, :5], raw.float())


def test_padding_keeps_the_memory_order_of_volumes_too() -> None:
    raw = torch.randn(2, 3, 4, 5, 6).contiguous(memory_format=torch.channels_last_3d)
    found = pad_per_channel(raw, ((1, 0), (0, 2), (1, 1)), torch.full((1, 3, 1, 1, 1), 0.5))
    assert found.is_contiguous(memory_format=torch.channels_last_3d)
    assert pad_per_channel(raw.contiguous(), ((1, 1),) * 3, torch.zeros(1, 3, 1, 1, 1)).is_contiguous()


def test_at_the_size_it_was_folded_for_a_border_is_corrected_and_nothing_is_padded(monkeypatch: pytest.MonkeyPatch) -> None:
    padded: list[torch.Size] = []

    def counted(given: torch.Tensor, padding: Extent, value: torch.Tensor) -> torch.Tensor:
        padded.append(given.shape[2:])
        return pad_per_channel(given, padding, value)

    monkeypatch.setattr("tare.folding.layers.pad_per_channel", counted)
    layer = rebuilt(nn.Conv2d(3, 4, 3, padding=1), LayerForm("border", at_size=(6, 7)))
    for size in ((6, 7), (6, 8), (5, 7)):
        layer(torch.zeros(1, 3, *size))
    assert padded == [(6, 8), (5, 7)]


def test_a_linear_layer_that_computes_in_its_own_way_is_not_plain() -> None:
    class Odd(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
            return super().forward(input).square()

    class Renamed(nn.Linear):
        pass

    assert is_plain(nn.Linear(3, 4))
    assert is_plain(Renamed(3, 4))
    assert not is_plain(Odd(3, 4))
    assert not is_plain(nn.ReLU())


def test_a_form_has_a_bias_unless_it_says_otherwise() -> None:
    new: Any = rebuilt(nn.Conv2d(3, 4, 3, bias=False), LayerForm("pad"))
    assert new.bias.shape == (4,)
    assert rebuilt(nn.Conv2d(3, 4, 3), LayerForm("pad", bias=False)).bias is None


@pytest.mark.parametrize(
    "form", [LayerForm("weights"), LayerForm("pad"), LayerForm("border", at_size=(6, 6)), LayerForm("shift", casts=True)]
)
@pytest.mark.parametrize("training", [False, True])
def test_a_rebuilt_layer_keeps_geometry_dtype_mode_and_whether_it_learns(form: LayerForm, training: bool) -> None:
    layer = nn.Conv2d(3, 6, (3, 2), (2, 1), (1, 0), (1, 2), groups=3).double().train(training).requires_grad_(False)
    new: Any = rebuilt(layer, form)
    for name in ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "padding_mode"):
        assert getattr(new, name) == getattr(layer, name), name
    assert new.groups == form.groups == 1
    assert new.weight.dtype == torch.float64
    assert new.training is training
    assert not any(parameter.requires_grad for parameter in new.parameters())
    assert isinstance(new, FoldedConv2d) == (form.method != "weights")
    assert is_plain(new) == (form.method == "weights")


def test_a_layer_without_a_bias_is_given_one_that_learns_as_its_weights_do() -> None:
    for layer in (nn.Conv2d(3, 4, 3, bias=False), nn.Linear(3, 4, bias=False)):
        layer.requires_grad_(False)
        new: Any = rebuilt(layer, LayerForm("weights", bias=True))
        assert torch.equal(new.bias, torch.zeros(4))
        assert not new.bias.requires_grad
        assert new is layer


def test_a_form_is_given_to_the_named_layer_alone_or_to_a_network_that_is_one_layer() -> None:
    network = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), nn.Conv2d(4, 4, 3))
    changed = with_form(network, "0.0", LayerForm("pad"))
    assert changed is network
    assert isinstance(network.get_submodule("0.0"), FoldedConv2d)
    assert type(network.get_submodule("1")) is nn.Conv2d
    assert isinstance(with_form(nn.Conv2d(3, 4, 3), "", LayerForm("pad")), FoldedConv2d)


def test_what_pads_by_the_size_of_its_input_is_known_as_such() -> None:
    assert is_dynamic(create_conv2d(3, 4, 3, stride=2, padding="same"))
    assert not is_dynamic(nn.Conv2d(3, 4, 3, padding="same"))
    assert is_dynamic(rebuilt(nn.Conv2d(3, 4, 3), LayerForm("pad", dynamic=True)))
    assert not is_dynamic(rebuilt(nn.Conv2d(3, 4, 3), LayerForm("pad")))
