from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tare.identifying.fingerprint.moments import Predicted, Responses, Views, responses
from tare.input_spec.affine import Affine

ORDERS = ((0, 1, 2), (2, 1, 0))


def front(conv: nn.Conv2d) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda values: conv(values).flatten(2).detach()


def made(seed: int, *, masked: bool, noisy: bool, bias: bool) -> tuple[nn.Conv2d, Views]:
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    conv = nn.Conv2d(3, 5, 3, stride=2, padding=1, bias=bias)
    values = torch.rand(4, 2, 3, 9, 8, generator=generator)
    mask = (torch.rand(4, 2, 1, 9, 8, generator=generator) > 0.3).float() if masked else None
    added = torch.randn(4, 2, 3, 9, 8, generator=generator) if noisy else None
    return conv, Views(values if mask is None else values * mask, mask, added)


def fed(views: Views, affine: Affine) -> torch.Tensor:
    """An independent reference: the input, colour by colour, in float64."""
    shape = views.values.shape
    mask = torch.ones(shape[0], shape[1], 1, *shape[3:]) if views.mask is None else views.mask
    colours = [
        (255 * affine.scale[c] * views.values[:, :, j].double() + affine.shift[c]) * mask[:, :, 0]
        for c, j in enumerate(affine.order)
    ]
    values = torch.stack(colours, dim=2)
    return values if views.added is None else values + views.added


@given(
    seed=st.integers(0, 5),
    kind=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    order=st.sampled_from(ORDERS),
    scale=st.tuples(*[st.floats(0.004, 1.0)] * 3),
    shift=st.tuples(*[st.floats(-3.0, 3.0)] * 3),
)
def test_moments_of_every_normalisation_are_those_of_a_forward_pass(
    seed: int, kind: tuple[bool, bool, bool], order: tuple[int, ...], scale: tuple[float, ...], shift: tuple[float, ...]
) -> None:
    masked, noisy, bias = kind
    conv, views = made(seed, masked=masked, noisy=noisy, bias=bias)
    affine = Affine(order, scale, shift)
    found = responses(front(conv), views, batch=4).predict(affine)
    with torch.no_grad():
        outputs = conv.double()(fed(views, affine).flatten(0, 1)).flatten(2).numpy()
    size = float(np.abs(outputs).max())
    assert found.mean == pytest.approx(outputs.mean(axis=(0, 2)), abs=1e-5 * size)
    assert found.variance == pytest.approx(outputs.var(axis=(0, 2)), abs=1e-5 * size**2)


def test_the_table_of_many_normalisations_is_that_of_each() -> None:
    conv, views = made(1, masked=True, noisy=False, bias=True)
    both = [Affine(order, (0.01, 0.02, 0.03), (0.1, -0.2, 0.3)) for order in ORDERS]
    found = responses(front(conv), views)
    mean, variance = found.pooled(both)
    each = [found.predict(affine) for affine in both]
    assert mean == pytest.approx(np.stack([one.mean for one in each]), rel=1e-9)
    assert variance == pytest.approx(np.stack([one.variance for one in each]), rel=1e-9)


def test_influences_say_how_the_moments_move_when_an_image_is_left_out() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=(2000, 2))
    second = first**2 + rng.uniform(1, 2, (2000, 2))
    whole, without = Predicted.of(first, second), Predicted.of(first[1:], second[1:])
    assert without.mean - whole.mean == pytest.approx(-whole.of_mean[0] / 2000, rel=1e-2)
    assert without.variance - whole.variance == pytest.approx(-whole.of_variance[0] / 2000, rel=2e-2, abs=1e-6)
    assert np.abs(whole.of_variance.mean(axis=0)).max() < 1e-12


def test_parts_put_together_are_the_whole() -> None:
    conv, views = made(2, masked=False, noisy=False, bias=False)
    whole = responses(front(conv), views)
    parts = [responses(front(conv), Views(views.values[part])) for part in (slice(0, 3), slice(3, 4))]
    together = parts[0].with_more(parts[1])
    assert together.first == pytest.approx(whole.first, rel=1e-5, abs=1e-6)
    assert isinstance(whole.of_images(np.array([1, 2])), Responses)
    assert np.array_equal(whole.of_images(np.array([1, 2])).second, whole.second[1:3])
