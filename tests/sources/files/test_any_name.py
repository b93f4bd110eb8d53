"""An existing path is that path: no name is a pattern, a protocol, an option or a home folder, in any format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz.formats import FAMILIES, Format, Values

from tare.measuring.one_pass import measure_state
from tare.sources.opening import open_source
from tare.sources.options import Options

NAMES = (
    "d[1]", "d*", "d?", "{a,b}", "{0..2}", "x#y", "a%20b", "a:b", "http:", " a b ", "-rf", "a\nb", "~", "$HOME", "\udcff",
    "concat:a|b", "?mode=rw", "a;b&c", "a'b\"c", "file:x", "::a", "\u202eab", "a" * 200,
)  # fmt: skip
(IMAGES,) = (family for family in FAMILIES if family.name == "images of 8 bits")
(ROWS,) = (family for family in FAMILIES if family.name == "rows of numbers")
FORMATS = [
    pytest.param(family, each, id=f"{family.name[:6]}, {each.name}")
    for family in (IMAGES, ROWS)
    for each in family.formats
    if each.ending and (family is ROWS or not any(each.name == other.name for other in ROWS.formats))
]


def state(place: Any, options: dict[str, Any]) -> Any:
    source = open_source(place, Options(**options))
    found = [channel for group in measure_state(source, 1).groups.values() for channel in group.channels]
    indexed = source.indexed()
    return found, None if indexed is None else indexed.number


def values_of(family: Any) -> Values:
    values: Values = family.draw(np.random.default_rng(5), np.dtype(family.dtypes[0]))
    return values


@pytest.mark.parametrize(("family", "each"), FORMATS)
def test_the_same_bytes_under_any_name_are_the_same_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: Any, each: Format
) -> None:
    if not each.here:
        pytest.skip(f"needs {', '.join(each.needs)}")
    path = each.write(tmp_path, values_of(family))
    monkeypatch.chdir(tmp_path)
    expected = state(path, each.options)
    other = each.write(_folder(tmp_path), values_of(family) // 2 if family is IMAGES else values_of(family) + 5)
    for name in NAMES:
        place = f"{name}{each.ending}"
        for alike in ("d1", "dx", "a", "b"):  # what a pattern would find
            if not os.path.lexists(f"{alike}{each.ending}"):
                Path(f"{alike}{each.ending}").symlink_to(other)
        Path(path).rename(place)
        try:
            assert state(place, each.options) == expected, name
            assert state(str(Path(place).absolute()), each.options) == expected, name
        finally:
            Path(place).rename(path)


def _folder(root: Path) -> Path:
    (root / "other").mkdir()
    return root / "other"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("each", IMAGES.formats[20:24], ids=lambda each: each.name)
def test_a_folder_of_any_name_is_that_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each: Format, name: str) -> None:
    path = each.write(tmp_path, values_of(IMAGES)[:4])
    monkeypatch.chdir(tmp_path)
    expected = state(path, each.options)
    Path(path).rename(name)
    assert state(name, each.options) == expected


VOLUMES = next(family for family in FAMILIES if family.name == "volumes")
SOUNDS = next(family for family in FAMILIES if family.name == "recordings")
EACH = [pytest.param(family, each, id=each.name) for family in (VOLUMES, SOUNDS) for each in family.formats if each.needs]


@pytest.mark.parametrize(("family", "each"), EACH)
def test_a_file_of_any_name_that_is_one_sample_is_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: Any, each: Format
) -> None:
    if not each.here or each.options:
        pytest.skip("not a file of one sample here")
    folder = each.write(tmp_path, values_of(family)[:1])
    (path,) = folder.iterdir()
    monkeypatch.chdir(folder)
    expected = state(path, {})
    for name in NAMES:
        place = f"{name}{''.join(path.suffixes)}"
        Path(path).rename(place)
        try:
            assert state(place, {}) == expected, name
        finally:
            Path(place).rename(path)
