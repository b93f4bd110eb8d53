from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.errors import SpecError
from tare.input_spec import SCHEMA, Crop, InputSpec, Known, Unknown

positive = st.floats(1e-3, 1e3)
origins = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


def stated(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.builds(Known, values, origins), st.builds(Unknown, origins))


specs = st.builds(
    InputSpec,
    channels=stated(st.sampled_from(["RGB", "BGR", "L"])),
    scale=stated(positive),
    mean=stated(st.tuples(*[st.floats(-5, 5)] * 3)),
    std=stated(st.tuples(*[positive] * 3)),
    size=stated(st.tuples(st.integers(1, 999), st.integers(1, 999))),
    interpolation=stated(st.sampled_from(["bilinear", "bicubic"])),
    crop=stated(st.builds(Crop, st.sampled_from(["center", "squash"]), st.floats(0.1, 1.0))),
    extra=st.dictionaries(st.sampled_from(["future", "x-note"]), st.integers()),
)


def imagenet(**changes: Any) -> InputSpec:
    values: dict[str, Any] = {
        "channels": Known("RGB", "test"),
        "scale": Known(1 / 255, "test"),
        "mean": Known((0.485, 0.456, 0.406), "test"),
        "std": Known((0.229, 0.224, 0.225), "test"),
    }
    return InputSpec(**(values | changes))


@given(specs)
def test_json_round_trips_with_origins_reasons_and_unknown_keys(spec: InputSpec) -> None:
    assert InputSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_a_field_nobody_stated_is_unknown_and_null() -> None:
    spec = InputSpec()
    document = spec.to_json()
    for name in (f.name for f in fields(InputSpec) if f.name != "extra"):
        assert isinstance(getattr(spec, name), Unknown)
        assert document[name] is None
        assert document["origin"][name] == {"unknown": "nobody stated it"}
    assert document["affine"] is None


def test_an_unknown_field_that_is_needed_says_why_it_is_unknown() -> None:
    spec = imagenet(mean=Unknown("config.json has no key 'mean'"))
    with pytest.raises(
        SpecError, match=r"expected a stated mean .*, found it is unknown: config\.json has no key 'mean'; state it"
    ):
        spec.affine()


@pytest.mark.parametrize("name", ["mean", "std", "scale", "channels"])
def test_the_canonical_map_needs_all_four_fields(name: str) -> None:
    with pytest.raises(SpecError, match=f"a stated {name} of the network's input"):
        imagenet(**{name: Unknown("gone")}).affine()


def test_two_ways_to_say_one_thing_are_equivalent() -> None:
    raw = imagenet(
        scale=Known(1.0, "test"),
        mean=Known(tuple(255 * m for m in (0.485, 0.456, 0.406)), "test"),
        std=Known(tuple(255 * s for s in (0.229, 0.224, 0.225)), "test"),
    )
    assert imagenet().equivalent(raw)
    assert raw.equivalent(imagenet())


def test_another_std_or_another_order_is_not_equivalent() -> None:
    assert not imagenet().equivalent(imagenet(std=Known((0.229, 0.224, 0.226), "test")))
    assert not imagenet().equivalent(imagenet(channels=Known("BGR", "test")))


def test_the_affine_map_is_written_out_for_readers_of_the_json() -> None:
    affine = imagenet(channels=Known("BGR", "test")).to_json()["affine"]
    assert affine["order"] == [2, 1, 0]
    assert affine["a"][0] == pytest.approx(1 / 255 / 0.229)
    assert affine["b"][0] == pytest.approx(-0.485 / 0.229)


@pytest.mark.parametrize("document", [[], None, "spec", {}, {"schema": "tare.spec/2"}, {"schema": "tare.stats/1"}])
def test_another_document_is_refused(document: Any) -> None:
    with pytest.raises(SpecError, match=r"expected a JSON object with schema 'tare\.spec/1', found .*; write it with"):
        InputSpec.from_json(document)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("mean", [], "empty"),
        ("mean", ["0.5"], "not a finite number"),
        ("mean", [float("nan")], "not a finite number"),
        ("mean", [True], "not a finite number"),
        ("mean", 0.5, "not iterable"),
        ("std", [0.0], "a std is positive"),
        ("std", [-0.2], "a std is positive"),
        ("scale", float("inf"), "not a finite number"),
        ("size", [224], "not enough values"),
        ("size", [0, 224], "height and width are positive integers"),
        ("size", [224.0, 224], "height and width are positive integers"),
        ("channels", 3, "not a text"),
        ("interpolation", [], "not a text"),
        ("crop", {"mode": "center"}, "fraction"),
        ("crop", [], "list indices"),
    ],
)
def test_a_malformed_field_is_named_with_its_value_and_the_reason(name: str, value: Any, reason: str) -> None:
    with pytest.raises(SpecError, match=f"expected a valid '{name}' in the spec, found .*{reason}.*; correct it"):
        InputSpec.from_json({"schema": SCHEMA, name: value})


def test_a_field_without_an_origin_says_that_it_came_from_the_file() -> None:
    spec = InputSpec.from_json({"schema": SCHEMA, "mean": [0.5], "origin": "nonsense"})
    assert spec.mean == Known((0.5,), "spec file")
    assert spec.std == Unknown("the spec file does not state it")


def test_a_file_that_is_not_there_or_not_json_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"expected a readable JSON spec file, found .*nothing\.json.*; check the path"):
        InputSpec.load(tmp_path / "nothing.json")
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(SpecError, match=r"expected a readable JSON spec file, found .*broken\.json"):
        InputSpec.load(broken)


def test_a_deeply_nested_file_is_refused_without_a_crash(tmp_path: Path) -> None:
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 100_000)
    with pytest.raises(SpecError, match="expected a readable JSON spec file"):
        InputSpec.load(deep)


def test_a_file_round_trips(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(imagenet().to_json()))
    assert InputSpec.load(path) == imagenet()
