from __future__ import annotations

from tare.input_spec.spec import InputSpec, Known
from tare.normalisation.conventions import conventions_for

_BANDS = "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12"


def _names(raw_dtype: str, channels: str, count: int, units: str = "") -> set[str]:
    spec = InputSpec.of((0.0,) * count, (1.0,) * count, channels=channels, raw_dtype=raw_dtype, scale=1.0)
    if units:
        spec = InputSpec.of((0.0,) * count, (1.0,) * count, channels=channels, raw_dtype=raw_dtype, scale=1.0, units=units)
    assert isinstance(spec.raw_dtype, Known)
    return {convention.name for convention in conventions_for(spec)}


def test_a_network_of_13_bands_may_be_given_the_constants_of_other_13_bands() -> None:
    assert {"eurosat", "ssl4eo-s2-l1c", "fmow-sentinel"} <= _names("uint16", _BANDS, 13)
    assert "imagenet" not in _names("uint16", _BANDS, 13)


def test_constants_in_other_units_are_no_candidates() -> None:
    assert "bigearthnet-s1" in _names("float32", "VV,VH", 2, "dB")
    assert not _names("float32", "VV,VH", 2, "digital numbers")


def test_photographs_keep_their_own_constants() -> None:
    assert {"imagenet", "clip", "caffe"} <= _names("uint8", "RGB", 3)
    assert "eurosat" not in _names("uint8", "RGB", 3)
