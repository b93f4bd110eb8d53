from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tare.datasets.signal_batches import sized
from tare.exporting.graph.number_front import NumberFront
from tare.input_spec.geometry import RowGeometry, SignalGeometry


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 20),
    st.sampled_from(["float32", "float64", "uint8", "uint16", "int16", "int32"]),
    st.booleans(),
)
def test_signals_of_any_length_are_sized_to_the_bit_as_prediction_does(steps: int, length: int, raw: str, own: bool) -> None:
    takes = SignalGeometry(length, None if own else (0.25, -3.0), raw)
    values = np.random.default_rng(steps).integers(0, 200, (3, steps, 2)).astype(raw)
    given_back = NumberFront(takes, fits_length=True)(torch.from_numpy(values))
    expected = torch.stack([sized(signal, takes) for signal in values])
    assert given_back.dtype == expected.dtype
    assert np.array_equal(given_back.numpy(), expected.numpy(), equal_nan=True)


@pytest.mark.parametrize("raw", ["float32", "float64", "uint8", "int64"])
def test_rows_become_the_same_unit_values_as_in_prediction(raw: str) -> None:
    takes = RowGeometry(("a", "b", "c"), raw)
    values = np.arange(12).reshape(4, 3).astype(raw)
    assert torch.equal(
        NumberFront(takes, fits_length=False)(torch.from_numpy(values)), torch.stack([sized(row, takes) for row in values])
    )


def test_padding_of_signals_that_are_normalised_each_by_its_own_counts_for_nothing() -> None:
    front = NumberFront(SignalGeometry(4, None), fits_length=True)
    assert front(torch.ones(1, 1, 2))[0, 1].tolist()[1] == 1.0
    assert math.isnan(front(torch.ones(1, 1, 2))[0, 0, 0].item())
