from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tare.errors import SpecError
from tare.studying.tasks.shifts import shift_named

BYTES = arrays(np.uint8, (2, 4, 3, 3))
WORDS = arrays(np.uint16, (2, 4, 3, 3))
FLOATS = arrays(np.float64, (3, 5), elements=st.floats(-1e3, 1e3))
ANY = st.one_of(BYTES, WORDS, FLOATS)


def shifted(name: str, raw: NDArray[Any]) -> NDArray[Any]:
    return shift_named(name).apply(raw)


@given(raw=ANY, name=st.sampled_from(["content", "gain:1", "offset:0", "units:1", "gain:1+offset:0", "gain:1.0"]))
def test_what_changes_nothing_gives_the_same_values(raw: NDArray[Any], name: str) -> None:
    np.testing.assert_array_equal(shifted(name, raw), raw)


@given(raw=ANY, name=st.sampled_from(["gain:0.5", "offset:-0.2", "bits:4", "invert", "units:1000", "gain:0.5+offset:0.25"]))
def test_dtype_and_shape_are_kept(raw: NDArray[Any], name: str) -> None:
    found = shifted(name, raw)
    assert (found.dtype, found.shape) == (raw.dtype, raw.shape)


@given(raw=FLOATS, gain=st.floats(0.1, 3).map(lambda v: round(v, 3)), offset=st.floats(-2, 2).map(lambda v: round(v, 3)))
def test_a_chain_is_its_parts_one_after_the_other(raw: NDArray[Any], gain: float, offset: float) -> None:
    chained = shifted(f"gain:{gain:.3f}+offset:{offset:.3f}", raw)
    np.testing.assert_array_equal(chained, shifted(f"offset:{offset:.3f}", shifted(f"gain:{gain:.3f}", raw)))
    np.testing.assert_allclose(chained, gain * raw + offset, rtol=1e-12, atol=1e-12)


@given(raw=st.one_of(BYTES, WORDS))
def test_inverting_twice_gives_the_values_back(raw: NDArray[Any]) -> None:
    np.testing.assert_array_equal(shifted("invert", shifted("invert", raw)), raw)
    np.testing.assert_array_equal(shifted("invert", raw), np.iinfo(raw.dtype).max - raw)


@given(raw=BYTES)
def test_swapping_channels_twice_gives_the_values_back(raw: NDArray[Any]) -> None:
    np.testing.assert_array_equal(shifted("swap", raw), raw[..., ::-1])
    np.testing.assert_array_equal(shifted("swap+swap", raw), raw)


@given(raw=BYTES, bits=st.integers(1, 7))
def test_fewer_bits_fill_the_lower_part_of_the_range(raw: NDArray[Any], bits: int) -> None:
    found = shifted(f"bits:{bits}", raw)
    assert found.max() <= 2**bits - 1
    np.testing.assert_array_equal(found, np.rint(raw / 255 * (2**bits - 1)))


@given(raw=BYTES)
def test_as_many_bits_as_there_are_change_nothing(raw: NDArray[Any]) -> None:
    np.testing.assert_array_equal(shifted("bits:8", raw), raw)


def test_bytes_are_rounded_and_clipped() -> None:
    raw = np.array([[0, 3, 200, 255]], np.uint8)
    np.testing.assert_array_equal(shifted("gain:0.5", raw), [[0, 2, 100, 128]])
    np.testing.assert_array_equal(shifted("offset:0.25", raw), [[64, 67, 255, 255]])


def test_blur_mixes_positions_but_neither_samples_nor_channels() -> None:
    raw = np.zeros((2, 9, 9, 2))
    raw[0, 4, 4, 0] = 1.0
    found = shifted("blur:1", raw)
    assert found[0, :, :, 0].sum() == pytest.approx(1.0, abs=1e-3)
    assert 0 < found[0, 4, 5, 0] < found[0, 4, 4, 0]
    assert not found[1].any()
    assert not found[0, :, :, 1].any()


@pytest.mark.parametrize(
    "name", ["", "gain", "gain:", "gain:0", "gain:x", "gain:1e3", "bits:0", "bits:17", "rotate:90", "gain:1+"]
)
def test_what_is_no_shift_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match=r"expected a shift: content, gain:0\.5, .*, found"):
        shift_named(name)


@pytest.mark.parametrize("name", ["gain:0.5+offset:0.25", "bits:3", "invert", "blur:1", "swap", "blur:0.7+invert"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_sample_is_shifted_the_same_among_many_as_alone(name: str, dtype: Any) -> None:
    many = np.random.default_rng(0).integers(0, 256, (600, 12, 12, 3)).astype(dtype)
    together = shifted(name, many)
    assert together.dtype == dtype
    np.testing.assert_array_equal(together[::37], np.concatenate([shifted(name, many[i : i + 1]) for i in range(0, 600, 37)]))
