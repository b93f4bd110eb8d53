from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tare.errors import SpecError
from tare.input_spec.difference import spec_difference
from tare.input_spec.spec import InputSpec, Unknown

HALF = InputSpec.of([0.5] * 3, [0.5] * 3, raw_dtype="uint8")


def test_two_ways_to_say_one_thing_are_equivalent() -> None:
    found = spec_difference(HALF, InputSpec.of([127.5] * 3, [127.5] * 3, scale=1.0, raw_dtype="uint8"))
    assert found.equivalent
    assert found.describe().startswith("equivalent: no raw value reaches the two networks more than")


def test_the_distance_is_the_largest_difference_of_two_inputs_in_input_std() -> None:
    found = spec_difference(HALF, InputSpec.of([0.5, 0.5, 0.4], [0.5, 0.5, 0.5], raw_dtype="uint8"))
    assert found.distance == pytest.approx(0.2)
    assert found.describe() == "different: a raw value reaches the two networks up to 0.2 input std apart"


def test_another_order_has_no_distance() -> None:
    found = spec_difference(HALF, InputSpec.of([0.5] * 3, [0.5] * 3, channels="BGR", raw_dtype="uint8"))
    assert found.describe() == "different: the channels differ in order or number"
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["distance"] is None


def test_other_fields_are_listed_and_do_not_decide() -> None:
    found = spec_difference(
        InputSpec.of([0.5], [0.5], size=(28, 28), raw_dtype="uint8"), InputSpec.of([0.5], [0.5], size=(32, 32), raw_dtype="uint8")
    )
    assert found.equivalent
    assert found.describe().endswith("\n  size: [28, 28] and [32, 32]")


def test_deep_raw_values_are_compared_over_their_own_range() -> None:
    deep = [InputSpec.of([mean], [1.0], scale=scale, raw_dtype="uint16") for mean, scale in ((0.0, 1 / 65535), (0.0, 2 / 65535))]
    assert spec_difference(*deep).distance == pytest.approx(1.0)


def test_what_cannot_be_compared_is_one_line() -> None:
    with pytest.raises(SpecError, match="expected raw values of one type in both, found uint8 and float32"):
        spec_difference(HALF, InputSpec.of([0.5] * 3, [0.5] * 3, scale=1.0, raw_dtype="float32"))
    with pytest.raises(SpecError, match="a stated mean of the network's input, found it is unknown: nobody"):
        spec_difference(HALF, InputSpec(channels=HALF.channels, scale=HALF.scale, mean=Unknown("nobody"), std=HALF.std))


def _through(mean: float, std: float, name: str, dtype: str, clip: list[tuple[float, float]] | None = None) -> InputSpec:
    more: dict[str, Any] = {} if clip is None else {"clip": clip}
    return InputSpec.of([mean], [std], scale=1.0, raw_dtype=dtype, value_map=name, **more)


@pytest.mark.parametrize("name", ["sqrt", "log", "log1p", "log2", "log10", "dB"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_values_after_a_named_map_are_compared_where_the_map_has_values(name: str, dtype: str) -> None:
    one, other = _through(-12.0, 4.0, name, dtype), _through(-30.0, 9.0, name, dtype)
    assert spec_difference(one, one).distance == 0.0
    found = spec_difference(one, other)
    assert not found.equivalent
    if dtype == "float32":  # three stds around either mean: -57 to 0, in the map's own units
        assert found.distance == pytest.approx(8.25)  # |(-57 + 12) / 4 - (-57 + 30) / 9|
        return
    info = np.iinfo(dtype)
    raw = np.arange(0 if name in ("sqrt", "log1p") else 1, info.max + 1, dtype=np.float64)[:, None]
    differences = np.abs(one.input_map().apply(raw) - other.input_map().apply(raw))
    assert found.distance == pytest.approx(differences.max(), rel=1e-12)


def test_a_clip_that_makes_an_infinite_value_finite_is_a_difference_without_end() -> None:
    bare, cut = _through(0.0, 1.0, "dB", "uint8"), _through(0.0, 1.0, "dB", "uint8", [(0.0, 50.0)])
    assert spec_difference(cut, cut).equivalent
    found = spec_difference(bare, cut)
    assert found.describe() == "different: a raw value reaches one network as a number, and the other as an infinite one"
    assert found.to_json()["distance"] is None


@pytest.mark.parametrize("other", ["B08,B02", "B08,B11", "B02,B11"])
def test_channels_of_which_some_are_the_same_but_not_in_their_places_are_refused(other: str) -> None:
    first, second = (InputSpec.of((1.0, 2.0), (1.0, 1.0), channels=names, scale=1.0) for names in ("B02,B08", other))
    with pytest.raises(SpecError, match=f"the same channels in one order in both, found B02,B08 and {other}"):
        spec_difference(first, second)
    assert spec_difference(first, InputSpec.of((1.0, 2.0), (1.0, 1.0), channels="c0,c1", scale=1.0)).equivalent


def test_channels_of_other_names_are_said_to_be_paired_by_their_places() -> None:
    found = spec_difference(HALF, InputSpec.of([0.5] * 3, [0.5] * 3, channels="B04,B03,B02", raw_dtype="uint8"))
    assert found.equivalent
    assert "channels, paired by their places: RGB and B04,B03,B02" in found.describe()
    assert spec_difference(HALF, InputSpec.of([0.5] * 3, [0.5] * 3, channels="r,g,b", raw_dtype="uint8")).others == {}
