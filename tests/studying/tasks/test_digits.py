from __future__ import annotations

import numpy as np
import pytest

from tare.studying.tasks.digits import ShiftedCrops, load_digits
from tare.studying.tasks.samples import shifted_samples


def test_the_datasets_are_disjoint_classes_stored_in_eight_bits() -> None:
    early, late = load_digits()
    assert (len(early.labels), len(late.labels)) == (901, 896)
    assert set(early.labels) == set(late.labels) == set(range(5))
    assert early.values.dtype == np.uint8
    assert early.values.shape[1:] == (16, 16, 1)
    assert early.measure().mean[0] == pytest.approx(np.mean(early.values / 255.0), rel=1e-12)


def test_the_other_sensor_changes_gain_and_offset_and_nothing_else() -> None:
    _, late = load_digits()
    shifted = shifted_samples(late, "gain:0.5+offset:0.25")
    assert np.abs(shifted.values / 255 - (0.5 * late.values / 255 + 0.25)).max() <= 0.5 / 255 + 1e-12
    assert np.array_equal(shifted.labels, late.labels)


def test_training_crops_are_a_function_of_seed_and_index() -> None:
    early, _ = load_digits()
    crops = ShiftedCrops(early, 1)
    assert np.array_equal(crops[5][0], ShiftedCrops(early, 1)[5][0])
    epochs = [crops[5 + epoch * len(crops)] for epoch in range(6)]
    assert {label for _, label in epochs} == {int(early.labels[5])}
    assert len({image.numpy().tobytes() for image, _ in epochs}) > 1
