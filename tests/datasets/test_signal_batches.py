from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tare.datasets.image_batches import EpochSampler, loader
from tare.datasets.signal_batches import SignalBatches, sized, unit_tensor
from tare.datasets.split import read_split
from tare.errors import DataError
from tare.input_spec.geometry import RowGeometry, SignalGeometry
from tests.signals import tones


@given(length=st.integers(1, 60), taken=st.integers(1, 60), channels=st.integers(1, 3))
def test_a_signal_keeps_its_middle_or_is_surrounded_by_the_padding(length: int, taken: int, channels: int) -> None:
    values = np.arange(length * channels, dtype=np.float32).reshape(length, channels) + 1
    pad = tuple(-float(c + 1) for c in range(channels))
    made = sized(values, SignalGeometry(taken, pad)).numpy()
    assert made.shape == (channels, taken)
    if length >= taken:
        first = (length - taken) // 2
        np.testing.assert_array_equal(made, values[first : first + taken].T)
        return
    before = (taken - length) // 2
    after = taken - length - before
    expected = np.stack([np.pad(values[:, c], (before, after), constant_values=pad[c]) for c in range(channels)])
    np.testing.assert_array_equal(made, expected)
    assert 0 <= after - before <= 1


@given(place=st.floats(0, 1, exclude_max=True))
def test_a_cut_may_begin_anywhere_and_nowhere_else(place: float) -> None:
    values = np.arange(10, dtype=np.float32)[:, None]
    cut = sized(values, SignalGeometry(7, (0.0,)), place)[0]
    assert cut[0] in range(4)
    assert torch.equal(cut - cut[0], torch.arange(7.0))


def test_where_every_signal_has_its_own_moments_the_padding_is_no_value() -> None:
    made = sized(np.ones((3, 1), np.float32), SignalGeometry(5, None))
    assert torch.equal(made.isnan(), torch.tensor([[True, False, False, False, True]]))


@pytest.mark.parametrize(
    ("dtype", "raw", "unit"),
    [("uint8", 51, 0.2), ("uint16", 13107, 0.2), ("int16", 51, 51.0), ("bool", True, 1.0), ("float32", 0.5, 0.5)],
)
def test_raw_values_become_unit_values(dtype: str, raw: float, unit: float) -> None:
    made = unit_tensor(np.full(3, raw, dtype))
    assert made.dtype == torch.float32
    torch.testing.assert_close(made, torch.full((3,), unit))


def test_wide_numbers_keep_their_digits() -> None:
    assert unit_tensor(np.array([1_600_000_001], np.int64)).item() == 1_600_000_001
    assert unit_tensor(np.array([0.1])).dtype == torch.float64


def test_a_row_is_taken_as_it_is() -> None:
    assert torch.equal(sized(np.array([1.0, 2.0]), RowGeometry(("a", "b"))), torch.tensor([1.0, 2.0], dtype=torch.float64))


def test_a_random_cut_depends_on_seed_epoch_and_position_alone(tmp_path: Path) -> None:
    files = read_split(tones(tmp_path), 0, kind="signal").train
    geometry = SignalGeometry(40, (0.0,))
    varied = SignalBatches(files, geometry, 1, varies=True)
    torch.manual_seed(0)
    first = varied[3][0]
    torch.manual_seed(1)
    assert torch.equal(varied[3][0], first)
    others = (varied[3 + len(files)], SignalBatches(files, geometry, 2, varies=True)[3], SignalBatches(files, geometry, 1)[3])
    assert not any(torch.equal(other[0], first) for other in others)
    alone, helped = (list(loader(varied, 3, workers, EpochSampler(len(files), 0, 2))) for workers in (0, 2))
    assert all(
        torch.equal(left[0], right[0]) and torch.equal(left[1], right[1]) for left, right in zip(alone, helped, strict=True)
    )


def test_a_recording_that_vanishes_during_training_is_named(tmp_path: Path) -> None:
    files = read_split(tones(tmp_path), 0, kind="signal").train
    Path(files[0].path).unlink()
    with pytest.raises(DataError, match=r"signals that stay readable during training, found .*0\.wav"):
        SignalBatches(files, SignalGeometry(40, (0.0,)))[0]
