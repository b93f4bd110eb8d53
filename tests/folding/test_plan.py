"""The recipe of a fold: which way it takes, and its numbers against the formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from tare.folding.api import plan_rewriting
from tare.folding.layers import padding_of
from tare.input_spec.affine import Affine
from tests.folding.test_api import IMAGENET, Applied, convolutions, spec_of
from tests.folding.test_layers import Made, touched


@given(convolutions(), st.booleans())
def test_the_border_is_corrected_where_some_output_needs_no_padding_and_bytes_are_padded(made: Made, casts: bool) -> None:
    layer, shape, _, _ = made
    model = nn.Sequential(layer)
    affine = spec_of(shape[0]).affine_from("uint8" if casts else "float32")
    (plan,) = plan_rewriting(model, affine, "uint8" if casts else "unit", shape).layers
    border = touched(layer, shape[1:])
    pads = any(map(any, padding_of(layer, shape[1:])))  # type: ignore[arg-type]
    assert plan.form.method == ("weights" if not pads else "pad" if casts or border.all() else "border")
    assert plan.form.at_size == (shape[1:] if plan.form.method == "border" else ())
    assert plan.form.casts == casts


scales = st.floats(0.1, 10.0).flatmap(lambda value: st.sampled_from([value, -value]))


@given(st.lists(st.tuples(scales, st.floats(-5.0, 5.0)), min_size=3, max_size=3), st.permutations(range(3)), st.booleans())
def test_the_numbers_are_those_of_the_formula(constants: list[tuple[float, float]], order: list[int], bias: bool) -> None:
    """W a in the weights, bias + sum W b, and -b / a for a zero, each for the channel that it stands for."""
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 4, 3, padding=1, bias=bias).double()
    a, b = (np.array(column) for column in zip(*constants, strict=True))
    (plan,) = plan_rewriting(nn.Sequential(layer), Affine(tuple(order), tuple(a), tuple(b)), "unit", (3, 6, 7)).layers
    weight = layer.weight.detach().numpy()
    for net, source in enumerate(order):
        np.testing.assert_allclose(plan.weight[:, source], a[net] * weight[:, net], rtol=1e-12)
        np.testing.assert_allclose(plan.zero[source], -b[net] / a[net], rtol=1e-9, atol=1e-13)
    given_bias = np.zeros(4) if layer.bias is None else layer.bias.detach().numpy()
    new_bias = np.zeros(4) if plan.bias is None else plan.bias
    np.testing.assert_allclose(new_bias, given_bias + (weight.sum(axis=(2, 3)) * b).sum(axis=1), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("size", "method"), [((1, 1), "pad"), ((2, 2), "pad"), ((2, 9), "pad"), ((3, 3), "border")])
def test_an_input_without_an_interior_is_padded(size: tuple[int, int], method: str) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1))
    plan = plan_rewriting(model, IMAGENET.affine_from("float32"), "unit", (3, *size))
    assert plan.layers[0].form.method == method


@pytest.mark.parametrize("amount", [0.0, 1e-16, -1e-15])
def test_what_composing_two_maps_leaves_of_nothing_is_nothing(amount: float) -> None:
    layer = nn.Conv2d(3, 4, 3, padding=1, bias=False)
    affine = Affine((0, 1, 2), (1.0 + amount,) * 3, (amount,) * 3)
    (plan,) = plan_rewriting(nn.Sequential(layer), affine, "normalised", (3, 6, 6)).layers
    assert plan.same_code
    assert plan.bias is None
    assert (plan.zero == 0).all()
    assert (plan.weight == layer.weight.detach().double().numpy()).all()


@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_layer_keeps_its_code_where_it_has_a_place_for_the_bias(bias: bool) -> None:
    plan = plan_rewriting(nn.Sequential(nn.Linear(3, 4, bias=bias)), IMAGENET.affine_from("float32"), "unit", (3,))
    (layer,) = plan.layers
    assert plan.keeps_architecture == layer.same_code == bias
    assert (layer.form.method, layer.form.groups) == ("weights", 1)
    np.testing.assert_allclose(layer.zero, [0.485, 0.456, 0.406], rtol=1e-9)


def test_a_bias_is_kept_where_some_outputs_need_none() -> None:
    layer = nn.Conv2d(3, 4, 2, bias=False)
    with torch.no_grad():
        layer.weight[:3] = 0
    (plan,) = plan_rewriting(nn.Sequential(layer), IMAGENET.affine_from("float32"), "unit", (3, 6, 6)).layers
    assert plan.form.bias
    assert plan.bias is not None
    assert (plan.bias[:3] == 0).all()
    assert plan.bias[3] != 0


def test_one_channel_whose_zero_is_not_zero_is_enough_to_pad_otherwise() -> None:
    affine = Affine((0, 1, 2), (2.0, 2.0, 2.0), (0.0, 0.0, -1.0))
    (plan,) = plan_rewriting(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1)), affine, "unit", (3, 6, 6)).layers
    assert plan.form.method == "border"
    np.testing.assert_allclose(plan.zero, [0.0, 0.0, 0.5])


@pytest.mark.parametrize(("side", "method"), [(2, "pad"), (3, "pad"), (5, "border")])
def test_a_stride_makes_the_interior_smaller(side: int, method: str) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1))
    assert touched(model[0], (side, side)).all() == (method == "pad")
    plan = plan_rewriting(model, IMAGENET.affine_from("float32"), "unit", (3, side, side))
    assert plan.layers[0].form.method == method


def test_a_channel_of_zeros_that_the_network_itself_adds_is_met_in_front_and_changes_no_bias() -> None:
    layer = nn.Conv2d(4, 2, 2).double()
    plan = plan_rewriting(
        Applied(lambda x, own: own(functional.pad(x, (0, 0, 0, 0, 0, 1))), layer),
        IMAGENET.affine_from("float32"),
        "unit",
        (3, 5, 5),
    )
    assert plan.front == pytest.approx((0.485, 0.456, 0.406), rel=1e-9)
    assert layer.bias is not None
    assert plan.layers[0].bias == pytest.approx(layer.bias.detach().numpy(), rel=1e-12)
    assert (plan.layers[0].zero == 0).all()


def test_a_layer_by_itself_says_what_becomes_of_its_own_padding() -> None:
    (plan,) = plan_rewriting(
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1)), IMAGENET.affine_from("float32"), "unit", (3, 6, 6)
    ).layers
    assert plan.describe().startswith("0 (Conv2d): all in weights and bias, and the output's border corrected")
    assert plan.describe(shifted=True).startswith("0 (Conv2d): scale in the weights")
