from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tare.datasets.volumes.sizing import sized_volume
from tare.input_spec.geometry import VolumeGeometry, geometry_from, geometry_json
from tare.normalisation.applied import EACH, Normalisation
from tare.normalisation.input_layer import padded_input
from tare.samples.clip_frames import ClipFrames

EDGES = st.integers(1, 9)


@given(st.tuples(EDGES, EDGES, EDGES), st.tuples(EDGES, EDGES, EDGES))
def test_a_volume_keeps_its_middle_and_is_padded_around_it(shape: tuple[int, int, int], size: tuple[int, int, int]) -> None:
    values = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(*shape, 1)
    found = sized_volume(values, VolumeGeometry(size, (-1.0,), raw_dtype="float32"))
    assert found.shape == (1, *size)
    kept = tuple(
        slice(max(0, (had - room) // 2), max(0, (had - room) // 2) + min(had, room))
        for had, room in zip(shape, size, strict=True)
    )
    inside = found[found != -1.0]
    np.testing.assert_array_equal(inside.numpy(), values[..., 0][kept].ravel())


def test_integers_become_unit_values_and_padding_zero_at_the_networks_input() -> None:
    values = np.full((2, 2, 2, 1), 300, np.int16)
    takes = VolumeGeometry((4, 4, 4), (100.0,))
    fed = padded_input(Normalisation("target", (100.0,), (50.0,)), sized_volume(values, takes)[None])
    assert [fed.min().item(), fed.max().item()] == pytest.approx([0.0, 4.0], abs=1e-6)
    each = padded_input(
        Normalisation("sample", (0.0,), (1.0,), EACH),
        sized_volume(values + np.arange(2, dtype=np.int16)[:, None], VolumeGeometry((4, 4, 4), None))[None],
    )
    assert each.sum() == pytest.approx(0.0, abs=1e-5)
    assert int((each != 0).sum()) == 8


def test_bytes_that_are_padded_are_the_same_unit_values_as_bytes_that_are_not() -> None:
    values = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)
    whole = sized_volume(values, VolumeGeometry((2, 2, 2), (0.5,), raw_dtype="uint8"))
    padded = sized_volume(values, VolumeGeometry((2, 2, 4), (0.5,), raw_dtype="uint8"))
    assert whole.dtype == torch.uint8
    torch.testing.assert_close(padded[..., 1:3], whole / 255)


def test_frames_are_resized_to_the_shorter_edge_and_cropped() -> None:
    frames = np.zeros((3, 20, 40, 3), np.uint8)
    frames[:, :, 15:25] = 200
    found = sized_volume(frames, VolumeGeometry((3, 10, 10), (0.0,) * 3, clip=True, raw_dtype="uint8"))
    assert (found.shape, found.dtype) == ((3, 3, 10, 10), torch.uint8)
    assert found[:, :, :, 4:6].float().mean() == pytest.approx(200, abs=3)


@given(st.integers(1, 50), st.integers(1, 20), st.none() | st.integers(1, 9))
def test_frames_are_taken_in_order_from_the_middle(number: int, frames: int, stride: int | None) -> None:
    places = ClipFrames(frames, stride).of(number)
    assert len(places) == frames
    assert list(places) == sorted(places)
    assert 0 <= places[0] <= places[-1] < number
    if stride is None or (frames - 1) * stride < number:  # as far from the beginning as from the end
        assert abs(places[0] - (number - 1 - places[-1])) <= 1


@given(st.tuples(EDGES, EDGES, EDGES), st.none() | st.tuples(st.floats(-9, 9)), st.booleans(), st.none() | st.integers(1, 9))
def test_a_geometry_is_what_its_json_says(
    size: tuple[int, int, int], pad: tuple[float] | None, clip: bool, stride: int | None
) -> None:
    takes = VolumeGeometry(size, pad, clip=clip, stride=stride)
    assert geometry_from(geometry_json(takes)) == takes


@pytest.mark.parametrize(
    "wrong", [{"size": [2, 2]}, {"size": [0, 2, 2]}, {"size": [2, 2, 1 << 20]}, {"stride": 0}, {"pad": ["a"]}]
)
def test_a_geometry_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        geometry_from({**geometry_json(VolumeGeometry((2, 2, 2), (0.0,))), **wrong})
