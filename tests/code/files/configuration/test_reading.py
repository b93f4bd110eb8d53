"""Configurations as values with places; json, tomllib and PyYAML are the references."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tare.code.files.configuration.reading import MOST_CHARACTERS, configuration
from tare.code.files.configuration.value import DEEPEST, Configuration, Value
from tare.code.files.document import Document, Skipped


def read(text: str, suffix: str = "yaml") -> Value:
    found = configuration(Document(f"a.{suffix}", "configuration", text))
    assert isinstance(found, Configuration), found
    return found.root


def reason(text: str, suffix: str = "yaml") -> str:
    found = configuration(Document(f"a.{suffix}", "configuration", text))
    assert isinstance(found, Skipped)
    assert "\n" not in found.reason
    return found.reason


def cut(text: str, value: Value) -> str:
    """The text at a value's place, within one line."""
    place = value.place
    assert place.line == place.end_line
    return text.split("\n")[place.line - 1][place.column - 1 : place.end_column - 1]


@pytest.mark.parametrize("end", ["\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("line", ["\n", "\r\n"])
def test_a_line_end_of_yaml_alone_moves_no_place(end: str, line: str) -> None:
    text = f'é: "x{end}y"{line}mean: [0.485, 0.456]{line}'
    found = read(text)
    assert isinstance(found.content, dict)
    mean = found.content["mean"]
    assert (mean.place.line, mean.place.column) == (2, 7)
    assert [cut(text.replace("\r", ""), each) for each in mean.content] == ["0.485", "0.456"]


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4),
    max_leaves=12,
)


@given(documents, st.sampled_from([None, 2]))
def test_json_has_its_values_and_each_stands_at_its_place(document: Any, indent: int | None) -> None:
    text = json.dumps(document, indent=indent)
    root = read(text, "json")
    assert root.plain() == document
    for _, value in root.walk():
        if not isinstance(value.content, tuple | dict):
            assert json.loads(cut(text, value)) == value.content


@given(documents)
def test_yaml_has_its_values(document: Any) -> None:
    text = yaml.safe_dump(document, allow_unicode=False)
    assert read(text).plain() == yaml.safe_load(text)


YAML = """\
# a configuration
defaults: &defaults
  mean: [0.485, 0.456, 0.406]
  lr: 1e-5
model:
  <<: *defaults
  lr: 2E-4
  std: !!python/tuple [0.229, .224, 0.225]
  on: off
  again: *defaults
steps:
- type: Normalize
  mean:
    - 123.675
    - 116
"""


def test_yaml_has_values_with_places() -> None:
    root = read(YAML)
    model = root.get("model")
    assert model is not None
    assert model.plain() == {
        "mean": [0.485, 0.456, 0.406],
        "lr": 2e-4,
        "std": [0.229, 0.224, 0.225],
        "on": False,
        "again": {"mean": [0.485, 0.456, 0.406], "lr": 1e-5},
    }
    std = root.get("model", "std", 2)
    assert std is not None
    assert (std.place.line, cut(YAML, std)) == (8, "0.225")
    block = root.get("steps", 0, "mean")
    assert block is not None
    assert block.numbers() == (123.675, 116.0)
    assert block.key is not None
    assert (block.key.line, block.key.column) == (13, 3)


def test_keys_that_are_not_there_lead_nowhere() -> None:
    root = read(YAML)
    for keys in (("nothing",), ("model", 0), ("steps", 5), ("steps", "type"), ("model", "lr", "x")):
        assert root.get(*keys) is None


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("[1, 2.5]", (1.0, 2.5)),
        ("0.5", (0.5,)),
        ("[[1], [2]]", (1.0, 2.0)),
        ("[]", None),
        ("[a, 1]", None),
        ("[true]", None),
        ("a: 1", None),
    ],
)
def test_numbers_are_lists_of_numbers(text: str, numbers: tuple[float, ...] | None) -> None:
    assert read(text).numbers() == numbers


def test_tags_construct_nothing() -> None:
    text = "a: !!python/object/apply:os.system [echo]\nb: !!python/name:os.system\nc: !!float '1'\nd: !ENV {x: 1}\ne: '0.5'\n"
    assert read(text).plain() == {"a": ["echo"], "b": "", "c": 1.0, "d": {"x": 1}, "e": "0.5"}


def test_several_documents_are_a_list() -> None:
    assert read("a: 1\n---\nb: 2\n").plain() == [{"a": 1}, {"b": 2}]
    assert read("").plain() == []


TOML = """\
title = "x"
[tool.tare]
mean = [
  0.1,  # [first]
  0.2,
]
std = '''
a = 1'''
"a.b".c = {d = 1}
[[steps]]
name = "one"
[[steps]]
name = "two"
"""


def test_toml_has_its_values_with_the_lines_of_their_keys() -> None:
    root = read(TOML, "toml")
    assert root.plain() == tomllib.loads(TOML)
    lines = {keys: value.place.line for keys, value in root.walk()}
    wanted = {
        ("title",): 1,
        ("tool", "tare"): 2,
        ("tool", "tare", "mean"): 3,
        ("tool", "tare", "mean", 1): 3,
        ("tool", "tare", "std"): 7,
    }
    assert {keys: lines[keys] for keys in wanted} == wanted
    assert lines["tool", "tare", "a.b", "c", "d"] == 9
    assert (lines["steps", 0, "name"], lines["steps", 1, "name"]) == (11, 13)


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 50)
)
MERGES = "a0: &a0 {x0: 1, y0: 1}\n" + "".join(
    f"a{level}: &a{level}\n  <<: [*a{level - 1}, *a{level - 1}]\n  x{level}: *a{level - 1}\n" for level in range(1, 60)
)


@pytest.mark.parametrize(
    ("text", "suffix", "why"),
    [
        (BOMB, "yaml", "it has more than 100,000 values, aliases counted"),
        (MERGES, "yaml", "it has more than 100,000 values, aliases counted"),
        ("[" * 100_000, "yaml", "it has more than 100,000 values, aliases counted, or more than 60 levels"),
        ("- " * 50_000, "yaml", "it has more than 100,000 values, aliases counted, or more than 60 levels"),
        ("[" + "1, " * 200_000 + "]", "yaml", "it has more than 100,000 values"),
        ("a: &a [*a]", "yaml", "line 1: it is no YAML: the alias 'a' has no value"),
        ("a: b: c", "yaml", "line 1: it is no YAML: mapping values are not allowed"),
        ("\n\t- a", "yaml", "line 2: it is no YAML: found character"),
        ("a: {{ x }}: y", "yaml", "line 1: it is no YAML"),
        ("a: \x07", "yaml", "it is no YAML"),
        ("[" * 100_000 + "]" * 100_000, "json", "it has more than 60 levels"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "json", "it has more than 60 levels"),
        ("[" + "1," * 200_000 + "1]", "json", "it has more than 100,000 values"),
        ('{"a": 1,\n}', "json", "line 2: it is no JSON"),
        ("[" + "9" * 5000 + "]", "json", "it is no JSON: Exceeds the limit"),
        ("a = ", "toml", "it is no TOML"),
        ("a = " + "[" * 50_000 + "]" * 50_000, "toml", "it has more than 60 levels"),
        ("a = " + "[" * 100 + "]" * 100, "toml", "it has more than 60 levels"),
        ("#" * (MOST_CHARACTERS + 1), "yaml", f"it has {MOST_CHARACTERS + 1:,} characters"),
    ],
)
def test_what_is_no_configuration_says_why(text: str, suffix: str, why: str) -> None:
    assert reason(text, suffix).startswith(why)
