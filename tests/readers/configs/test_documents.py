"""YAML that is malformed, or made to exhaust time and memory."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tare.errors import SpecError
from tare.readers.configs.documents import listed, read_yaml
from tare.readers.table import read_spec

LAUGHS = "model: {}\nimg_norm_cfg: {mean: [1], std: [1]}\na0: &a0 [1]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)
)
MERGES = "a0: &a0 {k0: 1, l0: 2}\n" + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}], k{i}: 1}}\n" for i in range(1, 60))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "expected a readable YAML file"),
        ("[" * 20_000, "expected a readable YAML file"),
        ("!!python/object/apply:os.system ['true']", "expected a readable YAML file"),
        ("? [a, b]\n: 1", "expected a readable YAML file"),
        ("d: 2020-99-99", "expected a readable YAML file"),
        (LAUGHS, "at most 200000 values and 60 levels"),
        (MERGES, "keys merged into one mapping"),
        (f"a: &a {{k: 1}}\nb: {{<<: [{', '.join(['*a'] * 65)}]}}", "more than 64 mappings"),
        ("a: &a {img_norm_cfg: *a}", "expected a YAML document that states"),
        ("img_norm_cfg: &a {mean: [1], std: [1], x: *a}", "60 levels"),
        ("null", "with a NoneType"),
        ("- 1", "with a list"),
        ("mean: 1", "with the keys mean"),
        ("\ufeff\x01", "expected"),
    ],
)
def test_a_hostile_yaml_file_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_text(text, encoding="utf-8")
    begun = time.process_time()
    with pytest.raises(SpecError, match=message) as caught:
        read_spec(path)
    assert "\n" not in str(caught.value)
    assert time.process_time() - begun < 20


def test_a_file_that_is_too_large_or_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate((1 << 20) + 1)
    with pytest.raises(SpecError, match="at most 1048576 bytes"):
        read_yaml(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="expected a readable YAML file"):
        read_yaml(path)


def test_anchors_and_merges_are_read(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text("a: &a {mean: [1e-3, 1.0, 2], std: [4, 5, 6]}\nimg_norm_cfg: {<<: *a, to_rgb: false}")
    assert read_spec(path).require("mean") == (0.001, 1.0, 2.0)
    assert listed([[[1]], [[2]]]) == [1, 2]
