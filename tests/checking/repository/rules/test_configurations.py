"""Constants in YAML, JSON and TOML."""

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.checking.repository.result import CodeFinding
from tare.code.files.document import Document


def found(text: str, path: str = "config.yaml") -> list[CodeFinding]:
    return examined([Document(path, "configuration", text)])


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("data:\n  mean: [0.485, 0.456, 0.406]\n  std: [0.229, 0.224, 0.255]\n", "TARE100", 3),
        (
            "data:\n  mean: [775.0, 1081.0, 1229.0, 2497.0, 2204.0, 1611.0]\n"
            "  std: [1282.0, 1270.0, 1399.0, 1368.0, 1292.0, 1165.0]\n",
            "TARE100",
            3,
        ),
        ("data:\n  mean: [0.485, 0.456, 0.456]\n  std: [0.229, 0.224, 0.225]\n", "TARE100", 2),
        ("data:\n  mean: [0.229, 0.224, 0.225]\n  std: [0.485, 0.456, 0.406]\n", "TARE006", 2),
        ("data:\n  mean: [0.485, 0.456, 0.406]\n  std: [0.485, 0.456, 0.406]\n", "TARE007", 3),
    ],
)
def test_a_mistake_is_found_where_it_stands(text: str, code: str, line: int) -> None:
    (each,) = found(text)
    assert (each.code, each.place.line) == (code, line)
    assert each.source == text.split("\n")[line - 1]


@pytest.mark.parametrize(
    "text",
    [
        "data:\n  mean: [0.485, 0.456, 0.406]\n  std: [0.229, 0.224, 0.225]\n",
        "data:\n  mean: [0.5, 0.5, 0.5]\n  std: [0.5, 0.5, 0.5]\n",
        "data:\n  mean: [0.4914, 0.4822, 0.4465]\n  std: [0.2023, 0.1994, 0.2010]\n",
        "model:\n  name: resnet50\ndata:\n  mean: [0.485, 0.456, 0.406]\n  std: [0.229, 0.224, 0.225]\n",
        "scores:\n  mean: 0.485\n  std: 0.255\n",
    ],
)
def test_what_is_right_or_no_constants_of_images_is_silent(text: str) -> None:
    assert found(text) == []


def test_the_edit_of_a_slip_makes_it_go_away() -> None:
    text = '{"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.244, 0.225]}'
    (each,) = found(text, "preprocessor_config.json")
    (edit,) = each.edits
    changed = text[: edit.place.column - 1] + edit.text + text[edit.place.end_column - 1 :]
    assert "0.244" not in changed
    assert found(changed, "preprocessor_config.json") == []


def test_a_broken_configuration_is_no_crash() -> None:
    assert found("a: [1, 2", "config.yaml") == []


LOADER = "import yaml\nwith open('config.yaml') as f:\n    config = yaml.safe_load(f)\n{}\n"


@pytest.mark.parametrize(
    ("code", "codes"),
    [
        ("size = config['size']", ["TARE061"]),
        ("mean = config['mean']", []),
        ("config = Box(config)\nshow(config.std)", []),
        ("t = build(**config)", []),
        ("x = values.mean()", ["TARE061"]),
    ],
)
def test_constants_that_no_code_reads(code: str, codes: list[str]) -> None:
    text = "size: 3\nmean: [0.485, 0.456, 0.406]\nstd: [0.229, 0.224, 0.225]\n"
    documents = [Document("config.yaml", "configuration", text), Document("main.py", "python", LOADER.format(code))]
    assert [each.code for each in examined(documents)] == codes


def test_a_file_that_no_code_loads_is_not_called_unread() -> None:
    assert found("mean: [0.485, 0.456, 0.406]\nstd: [0.229, 0.224, 0.225]\n") == []


@pytest.mark.parametrize("written", ["&b 0.255", "!!float 0.255", "&b !!float 0.255"])
def test_a_number_with_an_anchor_or_a_tag_is_left_to_a_person(written: str) -> None:
    (each,) = found(f"data:\n  mean: [0.485, 0.456, 0.406]\n  std: [0.229, 0.224, {written}]\n")
    assert (each.code, each.edits) == ("TARE100", ())


def test_a_number_behind_an_alias_is_left_to_a_person() -> None:
    (each,) = found("blue: &b 0.255\nmean: [0.485, 0.456, 0.406]\nstd: [0.229, 0.224, *b]\n")
    assert (each.code, each.place.line, each.edits) == ("TARE100", 1, ())
