from __future__ import annotations

from pathlib import Path

import pytest

from tare.errors import SpecError
from tare.system.option_files.yaml_file import read_yaml


def read(folder: Path, text: str) -> dict[str, object]:
    path = folder / "a.yaml"
    path.write_text(text)
    return read_yaml(path, "plan", "seeds: 3")


def test_keys_and_values_are_read_and_json_is_yaml(tmp_path: Path) -> None:
    assert read(tmp_path, "seeds: 3\nnames: [a, b]\n") == {"seeds": 3, "names": ["a", "b"]}
    assert read(tmp_path, '{"seeds": 3}') == {"seeds": 3}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!python/object/apply:os.system [touch made]", r"a readable YAML plan, found .*could not determine a constructor"),
        ("a: !!python/name:os.system ''", "a readable YAML plan"),
        (BOMB, r"a plan without aliases, found an alias \(\*NAME\)"),
        ("a: 1\nb: 2\na: 3\n", "each key once in .*, found 'a' twice"),
        ("[1, 2]", "a plan with keys such as seeds: 3, found list"),
        ("", "a plan with keys such as seeds: 3, found NoneType"),
        ("a: [1", "a readable YAML plan"),
        ("[" * 5000, "a readable YAML plan"),
        ("a: \x00", "a readable YAML plan"),
        ("x" * (1 << 20) + "y", "a plan of at most 1048576 bytes"),
    ],
)
def test_what_is_no_plain_mapping_is_refused_and_nothing_is_executed(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "made").exists()
    assert not Path("made").exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"a readable YAML plan, found .*none\.yaml"):
        read_yaml(tmp_path / "none.yaml", "plan", "seeds: 3")
