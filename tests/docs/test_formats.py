"""docs/reference/formats.md names every schema that the program writes, with its keys."""

from __future__ import annotations

import ast
import re

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "reference" / "formats.md"
SCHEMA = re.compile(r"tare\.[a-z-]+/\d+")


def written() -> dict[str, set[str]]:
    """Schema -> the keys that stand beside it where the object is built, as the sources spell them."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                keys = {
                    key.value: value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)
                }
                schema = keys.get("schema")
                value = named.get(schema.id) if isinstance(schema, ast.Name) else getattr(schema, "value", None)
                if isinstance(value, str) and SCHEMA.fullmatch(value):
                    found.setdefault(value, set()).update(str(key) for key in keys if key != "schema")
    return found


def documented() -> dict[str, set[str]]:
    """Schema -> the keys that its row lists."""
    rows = [line.split("|")[1:-1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `tare.")]
    return {row[0].strip(" `"): set(re.findall(r"`([\w.]+)`", row[-1])) for row in rows}


def all_schemas() -> set[str]:
    """Every schema that is named anywhere in the sources as a text of its own."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "src").rglob("*.py"))]
    return {name for text in texts for name in re.findall(r'"(tare\.[a-z-]+/\d+)"', text)}


def test_every_schema_has_a_row_and_every_row_a_schema() -> None:
    assert set(documented()) == all_schemas()


def test_the_rows_list_the_keys_that_are_written() -> None:
    shown = documented()
    missing = {schema: keys - shown[schema] for schema, keys in written().items() if keys - shown[schema]}
    assert not missing


def test_the_sources_are_really_read() -> None:
    assert {"samples", "channels"} <= written()["tare.stats/2"]
