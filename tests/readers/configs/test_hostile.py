"""Every reader of configurations under hostile documents: a specification, or one line; never another error, never a hang."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec
from tare.readers.table import read_spec
from tests.readers.configs.sound import DOCUMENTS

HOSTILE: tuple[Any, ...] = (
    None, "x", "", [], {}, -1, 0, True, float("nan"), float("inf"), 1e300, 10**400, [[]], [[[[1.0]]]], {"a": {}}, "9" * 3000,
    [1.0] * 5, ["1", "2"], [None], "\0", [{}],
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def outcome(thing: Any) -> InputSpec | str:
    """The specification, or the message of the refusal."""
    try:
        return read_spec(thing)
    except SpecError as error:
        return str(error)


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return changed


@pytest.mark.parametrize("name", DOCUMENTS)
def test_any_value_anywhere_gives_a_specification_or_one_line(name: str) -> None:
    read_spec(DOCUMENTS[name])
    for path in places(DOCUMENTS[name]):
        for value in HOSTILE:
            spec = outcome(replaced(DOCUMENTS[name], path, value))
            if isinstance(spec, str):
                assert "\n" not in spec, (path, value)
                assert len(spec) < 700, (path, value)
            else:
                assert InputSpec.from_json(spec.to_json()).to_json() == spec.to_json(), (path, value)
                assert spec.describe()


def test_aliases_that_swell_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    merges = ["b0: &b0 {x: 1}", *(f"b{n}: &b{n} {{<<: [{', '.join([f'*b{n - 1}'] * 9)}]}}" for n in range(1, 12))]
    for text in ("\n".join(lines), "\n".join(merges), "a: &a [*a]", "a: &a {b: *a}"):
        (tmp_path / "bomb.yaml").write_text(text)
        with pytest.raises(SpecError) as caught:
            read_spec(tmp_path / "bomb.yaml")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "a: !!python/object/apply:os.system ['touch /tmp/never']",
        "a: !!python/name:os.system",
        "{",
        "a: b: c",
        "\x00",
        "- 1\n- 2",
        "",
        "3",
        "a: " + "1" * 6000,
        "? [1]\n: 2",
        "1: 2",
    ],
)
def test_hostile_yaml_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        read_spec(tmp_path / "c.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "x = (" * 2000,
        "\0",
        "import os\nos.system('touch /tmp/never')",
        "data_preprocessor = dict(mean=[1e308 * 1e308], std=[1])",
        "a = 9\n" + "a = a * a\n" * 2000,
        "_base_ = ['c.py']",
        "_base_ = '/etc/passwd'",
        "x = " + "-" * 5000 + "1",
        "x = [1] * 10 ** 10",
        "data_preprocessor = dict(mean=[1, 2, 3], std=[0, 0, 0])",
        "",
    ],
)
def test_hostile_python_is_unknown_or_one_line_and_never_runs(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.py").write_text(text)
    spec = outcome(tmp_path / "c.py")
    assert "\n" not in spec if isinstance(spec, str) else "computed" in getattr(spec.mean, "reason", "")
    assert not Path("/tmp/never").exists()  # noqa: S108


@pytest.mark.parametrize("name", ["c.yaml", "c.py", "c.pbtxt", "c.json"])
def test_a_file_that_is_too_large_or_no_text_is_one_line(tmp_path: Path, name: str) -> None:
    for content in (b" " * ((1 << 24) + 1), b"\xff\xfe\x80", b"input [" * 1000):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SpecError) as caught:
            read_spec(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_processors_nested_without_end_are_one_line() -> None:
    document: Any = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    for _ in range(300):
        document = {"image_processor": document}
    with pytest.raises(SpecError) as caught:
        read_spec(document)
    assert "\n" not in str(caught.value)
    assert json.dumps(document)
