from __future__ import annotations

import json

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
