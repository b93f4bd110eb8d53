from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from benchmarks import sbom

ROOT = Path(__file__).parents[2]


def test_each_promise_names_tests_that_exist() -> None:
    rows = [line for line in (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 9
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", row)
        assert named, row
        for file, function in named:
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
            assert not function or function in functions, (file, function)


def test_the_bill_names_every_pinned_package_once(tmp_path: Path) -> None:
    sbom.main(["--out", str(tmp_path / "dist" / "bill.json")])
    made = json.loads((tmp_path / "dist" / "bill.json").read_text(encoding="utf-8"))
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    found = {component["name"]: component["version"] for component in made["components"]}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.partition("#")[0].strip() for line in lines if line.partition("#")[0].strip()]
    assert len(found) == len(made["components"]) == len({re.sub(r"[-_.]+", "-", pin.partition("==")[0]).lower() for pin in pins})
    assert (
        found["numpy"]
        == next(pin for pin in pins if pin.startswith("numpy==")).partition("==")[2].partition(" ")[0].partition(";")[0]
    )
    references = [component["bom-ref"] for component in made["components"]]
    assert len(references) == len(set(references))
    assert all(re.fullmatch(r"pkg:pypi/[a-z0-9-]+@[\w.%!-]+", component["purl"]) for component in made["components"])
    assert "://" not in re.sub(r"urn:uuid:", "", json.dumps(made["components"]))


def test_the_same_pins_give_the_same_bill_and_others_another() -> None:
    assert sbom.bill("a==1\nB_c==2  # why\n", "0.1") == sbom.bill("B.C==2\na==1\n", "0.1")
    assert sbom.bill("a==1\n", "0.1")["serialNumber"] != sbom.bill("a==2\n", "0.1")["serialNumber"]


def test_what_is_not_pinned_is_refused() -> None:
    with pytest.raises(ValueError, match="expected NAME==VERSION, found 'a>=1'; pin it"):
        sbom.bill("a>=1\n", "0.1")
