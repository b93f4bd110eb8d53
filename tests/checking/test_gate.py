from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tare
from tare.checking.gate import judged, passed
from tare.checking.rules.feed import Feed, leaves_far
from tare.errors import InputError, SpecError
from tare.input_spec.spec import InputSpec, Known
from tare.normalisation.applied import EACH, Normalisation
from tare.statistics.dataset_stats import DatasetStats

EIGHT_BIT = InputSpec.of([0.5], [0.5], raw_dtype="uint8", origin="library")


def measured(values: Any) -> DatasetStats:
    return tare.measure(np.asarray(values), workers=1)


def images(low: float, high: float, dtype: str, count: int = 12) -> DatasetStats:
    values = np.random.default_rng(0).uniform(low, high, (count, 16, 16, 1))
    return measured(values.astype(dtype))


def feed(stats: DatasetStats, mean: float, std: float, strategy: Any = "source") -> Feed:
    return Feed(stats, Normalisation(strategy, (mean,), (std,)))


def codes(fed: Feed, spec: InputSpec = EIGHT_BIT) -> list[str]:
    return [one.code for one in judged(fed, spec, "net")]


BYTES, TWELVE, FLOATS = images(0, 256, "uint8"), images(0, 4096, "uint16"), images(1, 186, "float32")


@pytest.mark.parametrize(
    ("stats", "mean", "std", "strategy", "expected"),
    [
        (BYTES, 0.485, 0.229, "source", []),
        (TWELVE, 0.5, 0.5, "source", ["TARE090"]),
        (TWELVE, 0.5, 0.5, "blend", ["TARE090"]),
        (TWELVE, *(float(each[0]) for each in (TWELVE.mean, TWELVE.std)), "target", []),
        (TWELVE, 0.0, 1.0, "none", ["TARE093"]),
        (FLOATS, 0.5, 0.5, "source", ["TARE090"]),
        (FLOATS, 0.0, 1.0, "none", ["TARE094"]),
        (BYTES, 123.675, 58.395, "source", ["TARE091"]),
        (BYTES, 0.485 / 255, 0.229 / 255, "source", ["TARE094"]),
        (images(0, 20, "uint8"), 0.485, 0.229, "source", ["TARE095"]),
        (images(0, 10, "uint8"), 0.485, 0.3, "source", ["TARE093"]),
    ],
)
def test_an_input_is_judged_by_kind_constants_and_moments(
    stats: DatasetStats, mean: float, std: float, strategy: str, expected: list[str]
) -> None:
    assert codes(feed(stats, mean, std, strategy)) == expected


def test_each_remedy_cures() -> None:
    """The scale that TARE090 names, the constants that TARE091 names, and the data's own statistics."""
    (found,) = judged(feed(TWELVE, 0.5, 0.5), EIGHT_BIT, "net")
    assert "--scale 1/4095" in found.remedy
    half = 0.5 * 4095 / 65535  # of the constants of raw / 4095, in values of raw / 65535
    assert codes(feed(TWELVE, half, half), replace(EIGHT_BIT, raw_dtype=Known("uint16", "user: --scale"))) == []
    (found,) = judged(feed(FLOATS, 0.5, 0.5), EIGHT_BIT, "net")
    assert "--scale 1/255" in found.remedy
    assert codes(feed(FLOATS, 0.5 * 255, 0.5 * 255), replace(EIGHT_BIT, raw_dtype=Known("float32", "user: --scale"))) == []
    (found,) = judged(feed(BYTES, 123.675, 58.395), EIGHT_BIT, "net")
    assert "--mean 0.485 --std 0.229" in found.remedy
    assert codes(feed(BYTES, 0.485, 0.229)) == []


@given(st.floats(0.3, 0.7), st.floats(0.15, 0.3), st.floats(0.2, 0.6), st.floats(0.15, 0.35))
def test_photographs_under_published_constants_are_never_refused(u0: float, s0: float, u1: float, s1: float) -> None:
    channel = replace(BYTES.channels[0], mean=u1, std=s1)
    assert codes(feed(replace(BYTES, channels=(channel,)), u0, s0)) == []


def test_units_that_differ_are_refused_and_equal_ones_are_not() -> None:
    spec = replace(EIGHT_BIT, raw_dtype=Known("int16", "file"), units=Known("HU", "file"))
    volumes = replace(images(-1000, 2000, "int16"), units=Known("stored values", "header"))
    assert codes(feed(volumes, 0.0, 400.0), spec) == ["TARE092"]
    assert codes(feed(replace(volumes, units=Known("HU", "header")), 0.0, 400.0), spec) == []


def test_a_refusal_names_code_numbers_and_remedy_and_can_be_allowed() -> None:
    fed = feed(TWELVE, 0.5, 0.5)
    with pytest.raises(InputError) as caught:
        passed(fed, EIGHT_BIT, "timm:net")
    text = str(caught.value)
    assert "input that timm:net can use, found TARE090 raw-kind: the data are uint16 with 12 bits in use (up to 409" in text
    assert "constants of uint8 values (library): the network would see mean -0.9" in text
    assert text.endswith("--allow TARE090 feeds it all the same")
    assert "\n" not in text
    through = passed(fed, EIGHT_BIT, "timm:net", ["raw-kind"])
    assert through.allowed == ("TARE090",)
    assert [one.severity for one in through.findings] == ["warning"]
    assert through.lines[0].startswith("TARE090 (allowed): the data are uint16")
    with pytest.raises(SpecError, match="the code or name of a rule, found 'TARE9'"):
        passed(fed, EIGHT_BIT, "timm:net", ["TARE9"])


def test_what_is_fed_on_purpose_or_by_its_own_moments_is_not_judged() -> None:
    quiet = measured(np.random.default_rng(0).normal(0, 0.02, (8, 200, 1)))
    assert codes(feed(quiet, 0.0, 1.0, "none"), InputSpec()) == []
    each = Feed(TWELVE, Normalisation("sample", (0.0,), (1.0,), per_sample=EACH))
    assert codes(each) == []


def test_inputs_unlike_those_of_training_are_a_note() -> None:
    digits = measured((np.random.default_rng(0).random((60, 16, 16, 1)) > 0.87).astype(np.uint8) * 255)
    photos = images(60, 200, "uint8")
    chosen = Normalisation("target", digits.mean, digits.std)
    (found,) = judged(Feed(photos, chosen, trained_on=digits), EIGHT_BIT, "net")
    assert (found.code, found.severity) == ("TARE096", "note")
    again = measured((np.random.default_rng(1).random((16, 16, 16, 1)) > 0.87).astype(np.uint8) * 255)
    assert judged(Feed(again, chosen, trained_on=digits), EIGHT_BIT, "net") == ()


@pytest.mark.parametrize(("factor", "found"), [(32768, ["TARE096"]), (3, []), (0.02, []), (1 / 32768, ["TARE096"]), (0, [])])
def test_inputs_of_another_scale_than_those_of_training_are_a_note(factor: float, found: list[str]) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, (40, 300, 1)).astype(np.float32)
    known = measured(sound)
    fed = Feed(
        measured(sound[:8] * np.float32(factor)), Normalisation("target", known.mean, known.std), trained_on=known, own=True
    )
    assert [one.code for one in judged(fed, InputSpec(), "net")] == found


def test_rows_that_follow_each_other_may_vary_little() -> None:
    known = measured(np.arange(1e6).reshape(-1, 1))
    fed = Feed(
        measured(np.arange(5e5, 5e5 + 64).reshape(-1, 1)), Normalisation("target", known.mean, known.std), trained_on=known
    )
    assert judged(fed, InputSpec(), "net") == ()


def test_a_networks_own_constants_need_not_be_those_of_a_z_score() -> None:
    caffe = Normalisation("source", (0.456,), (1 / 255,))
    spec = InputSpec.of([116.28], [1.0], scale=1.0, raw_dtype="uint8", origin="caffe")
    assert judged(Feed(BYTES, caffe, own=True), spec, "net") == ()
    assert [one.code for one in judged(Feed(BYTES, caffe), spec, "net")] == ["TARE094"]
    assert [one.code for one in judged(Feed(images(0, 10, "uint8"), caffe, own=True), spec, "net")] == ["TARE093"]


@pytest.mark.parametrize(("spread", "factor", "found"), [(2000, 1, []), (2000, 16, ["TARE095"]), (200, 16, ["TARE094"])])
def test_a_run_that_was_trained_near_zero_and_one_is_to_be_fed_so_again(spread: int, factor: int, found: list[str]) -> None:
    values = np.random.default_rng(0).integers(2048 - spread, 2048 + spread, (12, 16, 16, 1)).astype(np.uint16)  # 12 bits
    known, data = measured(values), measured(factor * values)
    chosen = Normalisation("source", known.mean, known.std)
    spec = InputSpec.of(known.mean, known.std, scale=1 / 65535, raw_dtype="uint16")
    assert [one.code for one in judged(Feed(data, chosen, own=leaves_far(chosen, known)), spec, "net")] == found
    assert judged(Feed(data, chosen, own=leaves_far(chosen, None)), spec, "net") == ()
    as_stored = Normalisation("source", (0.0,), (1 / 65535,))
    assert judged(Feed(data, as_stored, own=leaves_far(as_stored, known)), spec, "net") == ()
