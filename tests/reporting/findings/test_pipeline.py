"""Findings as text, annotations and SARIF."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tare.checking.result import CheckReport
from tare.checking.rules.finding import Finding
from tare.input_spec.spec import InputSpec
from tare.reporting.findings import pipeline as findings

ERROR = Finding("TARE001", "error", "50% of, all: values", "divide\nby 255", "Compose, step 2")
WARNING = Finding("TARE024", "warning", "random", "do not")
NOTE = Finding("TARE032", "note", "alpha", "convert")


def report(*found: Finding, pipeline: str = "train.py:val_transform") -> CheckReport:
    return CheckReport(found, pipeline, "timm:resnet50", ("eval",), InputSpec(), "PIL image", ("eval: TypeError",))


def test_text_is_a_line_a_finding_with_its_remedy_and_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    findings.print_report(report(WARNING, NOTE))
    assert capsys.readouterr().out.splitlines() == [
        "TARE024 warning: random",
        "  remedy: do not",
        "TARE032 note: alpha",
        "  remedy: convert",
        "not run: eval: TypeError",
        "1 warning, 1 note in train.py:val_transform (eval) for timm:resnet50; tare rule TARE024 explains it",
    ]


def test_a_clean_report_says_so() -> None:
    assert report().summary() == "no findings in train.py:val_transform (eval) for timm:resnet50"
    assert report().clean
    assert report(NOTE).clean
    assert not report(WARNING).clean


def test_brackets_in_a_message_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    findings.print_report(report(Finding("TARE001", "error", "keys [bold]x[/]", "none")))
    assert "keys [bold]x[/]" in capsys.readouterr().out


def test_annotations_escape_what_github_would_read() -> None:
    lines = findings.github(report(ERROR, NOTE)).splitlines()
    assert lines == [
        "::error title=TARE001,file=train.py::Compose, step 2: 50%25 of, all: values; divide\\x0aby 255",
        "::notice title=TARE032,file=train.py::alpha; convert",
    ]


def test_annotations_of_a_module_name_no_file() -> None:
    assert findings.github(report(NOTE, pipeline="package.module:name")) == "::notice title=TARE032::alpha; convert"


def test_sarif_has_every_field_that_the_standard_requires() -> None:
    log: dict[str, Any] = json.loads(findings.sarif(report(ERROR, WARNING, NOTE)))
    assert log["version"] == "2.1.0"  # 3.13.2
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "tare"  # 3.19.8
    ids = [rule["id"] for rule in driver["rules"]]  # 3.49.3
    assert ids == ["TARE001", "TARE024", "TARE032"]
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]  # 3.27.6
        assert result["level"] in ("error", "warning", "note")  # 3.27.10
        assert result["message"]["text"]  # 3.27.11
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert place == "train.py"
        assert ":" not in place


def test_sarif_of_a_module_has_a_logical_location_only() -> None:
    (result,) = json.loads(findings.sarif(report(NOTE, pipeline="package.module:name")))["runs"][0]["results"]
    (location,) = result["locations"]
    assert list(location) == ["logicalLocations"]
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "package.module:name"


def test_sarif_of_a_clean_report_is_a_run_without_results() -> None:
    assert json.loads(findings.sarif(report()))["runs"][0]["results"] == []
