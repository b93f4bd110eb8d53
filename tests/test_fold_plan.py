"""The recipe of a fold: which way it takes, and its numbers against the formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tare.affine import Affine
from tare.fold_layers import padding_of
from tare.folding import plan_rewriting
from tests.test_fold_layers import Made, touched
from tests.test_folding import IMAGENET, convolutions, spec_of


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
