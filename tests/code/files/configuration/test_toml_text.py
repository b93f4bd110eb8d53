"""TOML whose keys have very many parts, and TOML that only looks so."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from tare.checking.linting.settings import settings_for
from tare.code.files.configuration.toml_text import toml_document, toml_value
from tare.code.files.configuration.value import DEEPEST, ConfigurationError
from tare.errors import SpecError

MANY = 20_000
LONG = {
    "a dotted key": ".".join(["a"] * MANY) + " = 1",
    "a dotted key with spaces": " . ".join(["a"] * MANY) + " = 1",
    "quoted parts": ".".join(["'a'", '"b.c"', "d"] * (MANY // 3)) + " = 1",
    "a table": f"[{'.'.join(['a'] * MANY)}]\nb = 1",
    "a list of tables": f"[[ {'.'.join(['a'] * MANY)} ]]\nb = 1",
    "an inline table": f"x = {{ {'.'.join(['a'] * MANY)} = 1 }}",
    "behind texts": "a = \"# 'b\" # \"c\nd = '''\n\"\n'''\n" + ".".join(["a"] * MANY) + " = 1",
}
DOTS = ".".join(["a"] * (DEEPEST + 40))


@pytest.mark.parametrize("case", LONG)
def test_a_key_of_many_parts_is_refused_before_it_takes_memory(case: str, tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ConfigurationError, match=f"more than {DEEPEST} levels"):
            toml_value("a.toml", LONG[case])
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    (tmp_path / "pyproject.toml").write_text(LONG[case])
    with pytest.raises(SpecError, match=f"a key has more than {DEEPEST} parts"):
        settings_for([str(tmp_path)])


@pytest.mark.parametrize("value", [f'"{DOTS}"', f"'{DOTS}'", f'"""\n{DOTS}"""', f"'''{DOTS}'''", f"1 # {DOTS}"])
def test_dots_in_texts_and_comments_are_no_key(value: str) -> None:
    assert "a" in toml_document(f"a = {value}\n{'.'.join(['b'] * DEEPEST)} = 1\n")


def test_long_words_take_time_that_grows_with_them() -> None:
    assert toml_document(f"{'a' * 300_000} = 1\n")
